"""Words of authorities: licences, themes, frequencies, file types, languages, high-value categories.

Codes are those of the EU Publications Office (publications.europa.eu/resource/authority/<table>), which DCAT-AP 3
asks for; licences bear their SPDX identifier and their place at opendefinition.org beside, for CKAN. Names of themes
are the authority's own, in the languages of the site (Japanese: ours).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hansa import Refusal

AUTHORITY: Final = "http://publications.europa.eu/resource/authority/"


@dataclass(frozen=True, slots=True)
class Licence:
    """Under which words something may be used. `ckan`: its id in CKAN's list; `open`: as the Open Definition has it."""

    code: str
    name: str
    spdx: str
    url: str
    ckan: str
    open: bool = True

    @property
    def uri(self) -> str:
        """Its URI: of the EU authority table where that has it, else of SPDX, else its own address."""
        if self.code in _IN_TABLE:
            return f"{AUTHORITY}licence/{self.code}"
        return f"http://spdx.org/licenses/{self.spdx}" if self.spdx else self.url


_IN_TABLE: Final = frozenset(
    ["CC0", "CC_BY_4_0", "CC_BYSA_4_0", "CC_BYNC_4_0", "CC_BYND_4_0", "ODC_BY", "ODC_BL", "ODC_PDDL", "OGL_3_0"]
)
_CC: Final = "https://creativecommons.org/"
LICENCES: Final[Mapping[str, Licence]] = {
    one.code: one
    for one in (
        Licence("CC0", "Creative Commons CC0 1.0 Universal", "CC0-1.0", _CC + "publicdomain/zero/1.0/", "cc-zero"),
        Licence(
            "CC_BY_4_0",
            "Creative Commons Attribution 4.0 International",
            "CC-BY-4.0",
            _CC + "licenses/by/4.0/",
            "cc-by",
        ),
        Licence(
            "CC_BYSA_4_0",
            "Creative Commons Attribution-ShareAlike 4.0 International",
            "CC-BY-SA-4.0",
            _CC + "licenses/by-sa/4.0/",
            "cc-by-sa",
        ),
        Licence(
            "CC_BYNC_4_0",
            "Creative Commons Attribution-NonCommercial 4.0 International",
            "CC-BY-NC-4.0",
            _CC + "licenses/by-nc/4.0/",
            "cc-nc",
            open=False,
        ),
        Licence(
            "CC_BYND_4_0",
            "Creative Commons Attribution-NoDerivatives 4.0 International",
            "CC-BY-ND-4.0",
            _CC + "licenses/by-nd/4.0/",
            "cc-by-nd",
            open=False,
        ),
        Licence(
            "ODC_BY",
            "Open Data Commons Attribution License",
            "ODC-By-1.0",
            "https://opendatacommons.org/licenses/by/1-0/",
            "odc-by",
        ),
        Licence(
            "ODC_BL",
            "Open Data Commons Open Database License",
            "ODbL-1.0",
            "https://opendatacommons.org/licenses/odbl/1-0/",
            "odc-odbl",
        ),
        Licence(
            "ODC_PDDL",
            "Open Data Commons Public Domain Dedication and License",
            "PDDL-1.0",
            "https://opendatacommons.org/licenses/pddl/1-0/",
            "odc-pddl",
        ),
        Licence(
            "OGL_3_0",
            "UK Open Government Licence v3.0",
            "OGL-UK-3.0",
            "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
            "uk-ogl",
        ),
        Licence(
            "ETALAB_2_0",
            "Licence Ouverte / Open Licence 2.0",
            "etalab-2.0",
            "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
            "lo-ol",
        ),
        Licence(
            "DLDE_BY_2_0",
            "Data licence Germany, attribution, version 2.0",
            "DL-DE-BY-2.0",
            "https://www.govdata.de/dl-de/by-2-0",
            "dl-de-by-2.0",
        ),
        Licence(
            "DLDE_ZERO_2_0",
            "Data licence Germany, Zero, version 2.0",
            "DL-DE-ZERO-2.0",
            "https://www.govdata.de/dl-de/zero-2-0",
            "dl-de-zero-2.0",
        ),
        Licence("IODL_2_0", "Italian Open Data License 2.0", "", "https://www.dati.gov.it/iodl/2.0/", "iodl2"),
        Licence(
            "NLOD_2_0",
            "Norwegian Licence for Open Government Data 2.0",
            "NLOD-2.0",
            "https://data.norge.no/nlod/en/2.0",
            "nlod2",
        ),
    )
}
"""Those that cities use; a city that needs another asks for it here, for a licence is more than its name."""

THEMES: Final[Mapping[str, Mapping[str, str]]] = {
    "AGRI": {
        "en": "Agriculture, fisheries, forestry and food",
        "fr": "Agriculture, pêche, sylviculture et alimentation",
        "es": "Agricultura, pesca, silvicultura y alimentación",
        "ar": "الزراعة ومصايد الأسماك والغابات والأغذية",
        "ja": "農林水産・食品",
    },
    "ECON": {
        "en": "Economy and finance",
        "fr": "Économie et finances",
        "es": "Economía y finanzas",
        "ar": "الاقتصاد والمالية",
        "ja": "経済・財政",
    },
    "EDUC": {
        "en": "Education, culture and sport",
        "fr": "Éducation, culture et sport",
        "es": "Educación, cultura y deportes",
        "ar": "التعليم والثقافة والرياضة",
        "ja": "教育・文化・スポーツ",
    },
    "ENER": {"en": "Energy", "fr": "Énergie", "es": "Energía", "ar": "الطاقة", "ja": "エネルギー"},
    "ENVI": {"en": "Environment", "fr": "Environnement", "es": "Medio ambiente", "ar": "البيئة", "ja": "環境"},
    "GOVE": {
        "en": "Government and public sector",
        "fr": "Gouvernement et secteur public",
        "es": "Gobierno y sector público",
        "ar": "الحكومة والقطاع العام",
        "ja": "行政・公共部門",
    },
    "HEAL": {"en": "Health", "fr": "Santé", "es": "Salud", "ar": "الصحة", "ja": "健康"},
    "INTR": {
        "en": "International issues",
        "fr": "Questions internationales",
        "es": "Asuntos internacionales",
        "ar": "القضايا الدولية",
        "ja": "国際問題",
    },
    "JUST": {
        "en": "Justice, legal system and public safety",
        "fr": "Justice, système juridique et sécurité publique",
        "es": "Justicia, sistema judicial y seguridad pública",
        "ar": "العدالة والنظام القانوني والسلامة العامة",
        "ja": "司法・公共の安全",
    },
    "REGI": {
        "en": "Regions and cities",
        "fr": "Régions et villes",
        "es": "Regiones y ciudades",
        "ar": "الأقاليم والمدن",
        "ja": "地域・都市",
    },
    "SOCI": {
        "en": "Population and society",
        "fr": "Population et société",
        "es": "Población y sociedad",
        "ar": "السكان والمجتمع",
        "ja": "人口・社会",
    },
    "TECH": {
        "en": "Science and technology",
        "fr": "Science et technologie",
        "es": "Ciencia y tecnología",
        "ar": "العلوم والتكنولوجيا",
        "ja": "科学技術",
    },
    "TRAN": {"en": "Transport", "fr": "Transports", "es": "Transporte", "ar": "النقل", "ja": "交通"},
}

_DAY: Final = 86_400
FREQUENCIES: Final[Mapping[str, int]] = {
    "UPDATE_CONT": 0,
    "HOURLY": 3_600,
    "DAILY": _DAY,
    "WEEKLY": 7 * _DAY,
    "BIWEEKLY": 14 * _DAY,
    "MONTHLY": 30 * _DAY,
    "QUARTERLY": 91 * _DAY,
    "ANNUAL_2": 182 * _DAY,
    "ANNUAL": 365 * _DAY,
    "NEVER": 0,
    "IRREG": 0,
    "AS_NEEDED": 0,
    "UNKNOWN": 0,
}
"""How often something is released, in seconds; 0: by no clock. Of what changes all the time (UPDATE_CONT) a release is
made each day (`PERIODS`), and it is read live by its services."""
PERIODS: Final[Mapping[str, int]] = {**FREQUENCIES, "UPDATE_CONT": _DAY}

FORMS: Final[Mapping[str, tuple[str, str, str]]] = {
    "csv": ("text/csv", "CSV", "https://www.iana.org/assignments/media-types/text/csv"),
    "parquet": (
        "application/vnd.apache.parquet",
        "PARQUET",
        "https://www.iana.org/assignments/media-types/application/vnd.apache.parquet",
    ),
    "json": ("application/json", "JSON", "https://www.iana.org/assignments/media-types/application/json"),
    "xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "XLSX",
        "https://www.iana.org/assignments/media-types/application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "geojson": ("application/geo+json", "GEOJSON", "https://www.iana.org/assignments/media-types/application/geo+json"),
}
"""What a release can be had as: media type, code of the table file-type, the media type's own URI."""
ALWAYS: Final = ("csv", "parquet", "json", "xlsx")

TONGUES: Final[Mapping[str, str]] = {
    "en": "ENG", "fr": "FRA", "es": "SPA", "ar": "ARA", "ja": "JPN", "de": "DEU", "it": "ITA", "nl": "NLD",
    "pt": "POR", "pl": "POL", "cs": "CES", "sk": "SLK", "sl": "SLV", "hu": "HUN", "ro": "RON", "bg": "BUL",
    "el": "ELL", "hr": "HRV", "da": "DAN", "sv": "SWE", "fi": "FIN", "et": "EST", "lv": "LAV", "lt": "LIT",
    "ga": "GLE", "mt": "MLT", "no": "NOR", "uk": "UKR", "ru": "RUS", "tr": "TUR", "zh": "ZHO", "ko": "KOR",
}  # fmt: skip
"""Languages (ISO 639-1) to codes of the table language (ISO 639-3)."""

HVD: Final[Mapping[str, str]] = {
    "http://data.europa.eu/bna/c_ac64a52d": "Geospatial",
    "http://data.europa.eu/bna/c_dd313021": "Earth observation and environment",
    "http://data.europa.eu/bna/c_164e0bf5": "Meteorological",
    "http://data.europa.eu/bna/c_e1da4e07": "Statistics",
    "http://data.europa.eu/bna/c_a9135398": "Companies and company ownership",
    "http://data.europa.eu/bna/c_b79e35eb": "Mobility",
}
"""Categories of high-value datasets (Implementing Regulation (EU) 2023/138)."""
HVD_LAW: Final = "http://data.europa.eu/eli/reg_impl/2023/138/oj"


def licence(code: str) -> str:
    """The URI of a licence; empty where none, or one that is not known, was said."""
    found = LICENCES.get(code)
    return "" if found is None else found.uri


def licence_of(said: object, where: str = "licence") -> str:
    """The code of a licence from its code, SPDX identifier, URI or address. Refusal."""
    if isinstance(said, str):
        for one in LICENCES.values():
            if said and said in {one.code, one.spdx, one.uri, one.url, one.ckan}:
                return one.code
    raise Refusal("this licence is not known", where=where, mend=f"one of {', '.join(LICENCES)}")


def one_of(said: object, table: Mapping[str, object], where: str) -> str:
    """A code of a table. Refusal."""
    if not isinstance(said, str) or said not in table:
        raise Refusal(f"{where} is one of {', '.join(table)}", where=where)
    return said
