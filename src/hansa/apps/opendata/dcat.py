"""The catalogue in the words of DCAT-AP 3.0: a catalogue, its datasets, their distributions, services and contacts.

    catalogue(told, datasets, origin)   a page of it, as a Graph
    dataset(graph, p, origin, ...)      all of one, with its releases as versions

Every node that a property of DCAT-AP leads to says its class, as the profile's SHACL shapes ask (DCAT-AP 3.0.1).
Quality: DQV. High-value datasets: DCAT-AP HVD 3.0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.apps.opendata import services, texts
from hansa.apps.opendata.authorities import AUTHORITY, FORMS, HVD, HVD_LAW, LICENCES, THEMES, TONGUES
from hansa.apps.opendata.published import Published
from hansa.apps.opendata.rdf import Graph, Term, Text

PAGE: Final = 100
"""Datasets of one page of the catalogue: some 400 kB of Turtle."""
VERSIONS: Final = 50
"""Releases that are told as versions of their dataset; older ones stay where they are, and are listed by the page."""
_SPDX: Final = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"


@dataclass(frozen=True, slots=True)
class Told:
    """What the city says of its catalogue as a whole."""

    title: Mapping[str, str]
    description: Mapping[str, str]
    publisher: Mapping[str, Any]
    languages: Sequence[str] = ("en",)
    licence: str = "CC_BY_4_0"
    issued: str = ""
    modified: str = ""
    city: str = ""
    box: tuple[float, float, float, float] | None = None
    contact: Mapping[str, str] = field(default_factory=dict)


def worded(said: Mapping[str, str], otherwise: str = "") -> list[Term]:
    """A text in its languages; what is nowhere said is said otherwise, so that no node is without."""
    made: list[Term] = [Text(text, tag) for tag, text in sorted(said.items()) if text]
    return made or ([Text(otherwise, "en")] if otherwise else [])


def stamp(text: str) -> list[Term]:
    """An instant, where one is said."""
    return [Text(text, kind="xsd:dateTime")] if text else []


def catalogue(told: Told, found: Sequence[Published], origin: str, *, page: int = 1, last: int = 1) -> Graph:
    """One page of the catalogue, its datasets whole but for their older versions."""
    graph = Graph()
    here = f"{origin}/data/catalog"
    graph.add(
        here,
        "dcat:Catalog",
        dct_title=worded(told.title, told.city or "Open data"),
        dct_description=worded(told.description, told.city or "Open data"),
        dct_publisher=agent(graph, told.publisher, origin, told.city),
        dct_language=[_language(graph, tag) for tag in told.languages if tag in TONGUES],
        dct_license=_licence(graph, told.licence),
        dct_issued=stamp(told.issued),
        dct_modified=stamp(told.modified),
        dct_spatial=_place(graph, f"{here}#place", told.box, {"en": told.city} if told.city else {}),
        foaf_homepage=graph.add(f"{origin}/en/data", "foaf:Document"),
        dcat_themeTaxonomy=_scheme(graph),
        dct_conformsTo=graph.add("http://data.europa.eu/r5r/", "dct:Standard"),
        dcat_service=[service(graph, one, origin, told) for one in services.SERVICES],
        dcat_dataset=[dataset(graph, one, origin) for one in found],
    )
    if last > 1:
        _paged(graph, here, page, last)
    return graph


def _paged(graph: Graph, here: str, page: int, last: int) -> None:
    """Which page this is, in the words of Hydra, as data.europa.eu's harvester follows them."""
    view = graph.add(
        f"{here}?page={page}",
        "hydra:PartialCollectionView",
        hydra_first=f"{here}?page=1",
        hydra_last=f"{here}?page={last}",
        hydra_previous=f"{here}?page={page - 1}" if page > 1 else None,
        hydra_next=f"{here}?page={page + 1}" if page < last else None,
    )
    graph.add(here, "dcat:Catalog", hydra_view=view)


def service(graph: Graph, one: services.Service, origin: str, told: Told) -> str:
    """One of the city's own interfaces, as a data service."""
    return graph.add(
        f"{origin}/data/catalog#{one.key}",
        "dcat:DataService",
        dct_title=[Text(one.title, "en")],
        dct_description=[Text(one.says, "en")],
        dcat_endpointURL=graph.add(origin + one.path, "rdfs:Resource"),
        dcat_endpointDescription=graph.add(origin + one.description, "rdfs:Resource") if one.description else None,
        dct_conformsTo=graph.add(one.conforms, "dct:Standard"),
        dct_publisher=agent(graph, told.publisher, origin, told.city),
        dct_accessRights=_public(graph),
        dct_license=_licence(graph, told.licence),
        dcat_contactPoint=contact(graph, told.contact, f"{origin}/data/catalog#contact"),
    )


def dataset(
    graph: Graph, one: Published, origin: str, releases: Sequence[Mapping[str, Any]] = (), told: Told | None = None
) -> str:
    """One dataset, its distributions, and `releases` (newest first) as versions of it. Answers its node."""
    here = f"{origin}/data/{one.id}"
    title = worded(one.title, one.id)
    tongues = sorted({tag.partition("-")[0] for tag in (*one.title, *one.description)} & set(TONGUES))
    notes = [Text(one.note, "en")] if one.note else []
    graph.add(
        here,
        "dcat:Dataset",
        dct_title=title,
        dct_description=worded(one.description) or title,
        dct_identifier=Text(here, kind="xsd:anyURI"),
        dcat_keyword=[Text(word, tag) for tag, some in sorted(one.keywords.items()) for word in some if word],
        dcat_theme=[_theme(graph, code) for code in one.themes if code in THEMES],
        dct_publisher=agent(graph, one.publisher, origin) if one.publisher else None,
        dcat_contactPoint=contact(graph, one.contact, f"{here}#contact"),
        dct_issued=stamp(one.issued),
        dct_modified=stamp(one.modified),
        dct_accrualPeriodicity=_concept(graph, "frequency", one.periodicity, "dct:Frequency"),
        dct_spatial=_place(graph, f"{here}#place", one.bbox, one.place),
        dct_temporal=_period(graph, f"{here}#period", one.period),
        dct_language=[_language(graph, tag) for tag in tongues],
        dct_accessRights=_public(graph),
        dct_conformsTo=[graph.add(uri, "dct:Standard") for uri in one.conforms],
        dct_provenance=_provenance(graph, one, here),
        dcat_landingPage=graph.add(f"{origin}/en/data/{one.id}", "foaf:Document"),
        foaf_page=graph.add(f"{here}.schema.json", "foaf:Document"),
        dcat_version=Text(str(one.version)) if one.version else None,
        adms_versionNotes=list(notes),
        dcat_distribution=_distributions(graph, one, origin),
        dqv_hasQualityMeasurement=_quality(graph, one, here, origin),
    )
    if one.series:
        _series(graph, one, here, origin)
    if one.hvd in HVD:
        law = graph.add(HVD_LAW, "eli:LegalResource")
        category = graph.add(one.hvd, "skos:Concept", skos_prefLabel=Text(HVD[one.hvd], "en"))
        graph.add(here, "dcat:Dataset", dcatap_applicableLegislation=law, dcatap_hvdCategory=category)
        for node in (*graph.nodes[here].get("dcat:distribution", ()), *_used(graph)):
            graph.nodes[str(node)].setdefault("dcatap:applicableLegislation", [law])
    _versions(graph, one, here, releases)
    if told is not None:
        for it in services.of(one):
            service(graph, it, origin, told)
            graph.nodes[f"{origin}/data/catalog#{it.key}"].setdefault("dcat:servesDataset", []).append(here)
    return here


def _used(graph: Graph) -> list[str]:
    return [node for node, said in graph.nodes.items() if "dcat:DataService" in said.get("rdf:type", ())]


def _distributions(graph: Graph, one: Published, origin: str) -> list[Term]:
    here = f"{origin}/data/{one.id}"
    made: list[Term] = []
    for form in forms(one):
        media, code, uri = FORMS[form]
        made.append(
            graph.add(
                f"{here}#{form}",
                "dcat:Distribution",
                dct_title=[Text(f"{texts.in_language(one.title) or one.id} ({code})", "en")],
                dcat_accessURL=graph.add(here, "rdfs:Resource"),
                dcat_downloadURL=graph.add(f"{here}.{form}", "rdfs:Resource"),
                dcat_mediaType=graph.add(uri, "dct:MediaType", rdfs_label=Text(media)),
                dct_format=_concept(graph, "file-type", code, "dct:MediaTypeOrExtent"),
                dct_license=_licence(graph, one.licence_code),
                dct_issued=stamp(one.issued),
                dct_modified=stamp(one.modified),
                dcatap_availability=_concept(graph, "planned-availability", "STABLE", "skos:Concept"),
                dct_conformsTo=graph.add("https://www.w3.org/TR/tabular-data-model/", "dct:Standard")
                if form == "csv"
                else None,
            )
        )
        if form == "parquet" and one.table:  # the table's name is the digest of this very file
            algorithm = graph.add(_SPDX, "spdx:ChecksumAlgorithm")
            graph.add(
                f"{here}#sha256",
                "spdx:Checksum",
                spdx_algorithm=algorithm,
                spdx_checksumValue=Text(one.table, kind="xsd:hexBinary"),
            )
            size = Text(str(one.size), kind="xsd:nonNegativeInteger") if one.size else None
            graph.add(f"{here}#parquet", "dcat:Distribution", spdx_checksum=f"{here}#sha256", dcat_byteSize=size)
    made += [_through(graph, one, it, origin) for it in services.of(one)]
    return made


def _through(graph: Graph, one: Published, it: services.Service, origin: str) -> str:
    """A dataset as one of the city's interfaces has it."""
    return graph.add(
        f"{origin}/data/{one.id}#{it.key}",
        "dcat:Distribution",
        dct_title=[Text(f"{texts.in_language(one.title) or one.id} ({it.title})", "en")],
        dcat_accessURL=graph.add(origin + it.address(one.id), "rdfs:Resource"),
        dcat_accessService=graph.add(
            f"{origin}/data/catalog#{it.key}",
            "dcat:DataService",
            dct_title=[Text(it.title, "en")],
            dcat_endpointURL=graph.add(origin + it.path, "rdfs:Resource"),
        ),
        dct_license=_licence(graph, one.licence_code),
        dct_conformsTo=graph.add(it.conforms, "dct:Standard"),
    )


def forms(one: Published) -> list[str]:
    """As which files a dataset can be had; none before its first release."""
    return [form for form in FORMS if one.table and (form != "geojson" or one.geographic)]


def agent(graph: Graph, said: Mapping[str, Any], origin: str, otherwise: str = "") -> str:
    """A publisher."""
    names = said.get("name") or {}
    names = names if isinstance(names, Mapping) else {"en": str(names)}
    name = texts.in_language(names) or otherwise or "The city"
    key = "".join(char if char.isalnum() and char.isascii() else "-" for char in name.lower())[:60].strip("-") or "city"
    node = str(said.get("uri") or f"{origin}/data/catalog#publisher-{key}")
    kind = said.get("type") or "LocalAuthority"
    concept = graph.add(
        f"http://purl.org/adms/publishertype/{kind}",
        "skos:Concept",
        skos_prefLabel=Text(_PUBLISHERS.get(kind, kind), "en"),
    )
    return graph.add(node, "foaf:Agent", foaf_name=worded(names, name), dct_type=concept)


_PUBLISHERS: Final = {
    "LocalAuthority": "Local Authority",
    "RegionalAuthority": "Regional authority",
    "NationalAuthority": "National authority",
    "Company": "Company",
    "Academia-ScientificOrganisation": "Academia/Scientific organisation",
    "NonGovernmentalOrganisation": "Non-Governmental Organisation",
    "NonProfitOrganisation": "Non-Profit Organisation",
}
"""Types of publishers (ADMS)."""


def contact(graph: Graph, said: Mapping[str, str], node: str) -> str | None:
    """Whom to ask."""
    if not said:
        return None
    mail, url = said.get("email"), said.get("url")
    return graph.add(
        node,
        "vcard:Kind",
        vcard_fn=Text(said.get("name") or mail or url or "?"),
        vcard_hasEmail=graph.add(f"mailto:{mail}", "rdfs:Resource") if mail else None,
        vcard_hasURL=graph.add(url, "rdfs:Resource") if url else None,
    )


def _concept(graph: Graph, table: str, code: str, kind: str) -> str:
    label = code.replace("_", " ").capitalize() if table != "file-type" else code
    extra = {} if kind == "skos:Concept" else {"skos_prefLabel": Text(label, "en")}
    node = graph.add(f"{AUTHORITY}{table}/{code}", kind, **extra)
    return graph.add(node, "skos:Concept", skos_prefLabel=Text(label, "en"))


def _theme(graph: Graph, code: str) -> str:
    return graph.add(
        f"{AUTHORITY}data-theme/{code}",
        "skos:Concept",
        skos_prefLabel=worded(THEMES[code]),
        skos_inScheme=_scheme(graph),
    )


def _scheme(graph: Graph) -> str:
    return graph.add(f"{AUTHORITY}data-theme", "skos:ConceptScheme", dct_title=Text("Data theme", "en"))


def _language(graph: Graph, tag: str) -> str:
    return graph.add(f"{AUTHORITY}language/{TONGUES[tag]}", "dct:LinguisticSystem", rdfs_label=Text(TONGUES[tag]))


def _public(graph: Graph) -> str:
    node = _concept(graph, "access-right", "PUBLIC", "dct:RightsStatement")
    return graph.add(node, "skos:Concept", skos_prefLabel=Text("Public", "en"))


def _licence(graph: Graph, code: str) -> str | None:
    found = LICENCES.get(code)
    if found is None:
        return None
    public = "PublicDomain" if code in {"CC0", "ODC_PDDL", "DLDE_ZERO_2_0"} else "Attribution"
    kind = graph.add(f"http://purl.org/adms/licencetype/{public}", "skos:Concept", skos_prefLabel=Text(public, "en"))
    return graph.add(found.uri, "dct:LicenseDocument", dct_title=Text(found.name, "en"), dct_type=kind)


def _place(
    graph: Graph, node: str, box: tuple[float, float, float, float] | None, name: Mapping[str, str]
) -> str | None:
    if box is None and not name:
        return None
    wkt = None
    if box is not None:
        west, south, east, north = (f"{one:.6f}".rstrip("0").rstrip(".") for one in box)
        ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
        wkt = Text(f"POLYGON(({ring}))", kind="geo:wktLiteral")
    return graph.add(node, "dct:Location", dcat_bbox=wkt, skos_prefLabel=worded(name))


def _period(graph: Graph, node: str, period: tuple[str, str] | None) -> str | None:
    if period is None or not any(period):
        return None
    return graph.add(node, "dct:PeriodOfTime", dcat_startDate=stamp(period[0]), dcat_endDate=stamp(period[1]))


def _provenance(graph: Graph, one: Published, here: str) -> str:
    guarded = one.guard.get("kind")
    said = "Taken from what the city labels open"
    if guarded in {"cells", "rows"}:
        said = f"Made from records of which none leaves the city; no figure stands for fewer than {one.guard.get('k')}"
    elif not one.live:
        said = "Made from a table that the city keeps"
    return graph.add(f"{here}#provenance", "dct:ProvenanceStatement", rdfs_label=Text(said, "en"))


def _quality(graph: Graph, one: Published, here: str, origin: str) -> list[Term]:
    """What the figures of its newest release say (DQV)."""
    made: list[Term] = []
    for name, says in (("completeness", "Share of cells that hold a value"), ("age", "Days since the newest release")):
        value = one.quality.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            metric = graph.add(f"{origin}/data/catalog#{name}", "dqv:Metric", skos_definition=Text(says, "en"))
            node = graph.add(
                f"{here}#{name}",
                "dqv:QualityMeasurement",
                dqv_isMeasurementOf=metric,
                dqv_computedOn=here,
                dqv_value=Text(f"{value:.6f}", kind="xsd:decimal"),
            )
            made.append(node)
    return made


def _series(graph: Graph, one: Published, here: str, origin: str) -> None:
    key = str(one.series.get("key"))
    title = worded(one.series.get("title") or {}, key)
    node = graph.add(
        f"{origin}/data/catalog#series-{key}",
        "dcat:DatasetSeries",
        dct_title=title,
        dct_description=worded(one.series.get("description") or {}) or title,
        dcat_contactPoint=contact(graph, one.contact, f"{here}#contact"),
        dct_publisher=agent(graph, one.publisher, origin) if one.publisher else None,
    )
    graph.add(here, "dcat:Dataset", dcat_inSeries=node)


def _versions(graph: Graph, one: Published, here: str, releases: Sequence[Mapping[str, Any]]) -> None:
    """Each release as a dataset of its own that stays as it is, linked to the one before it."""
    some = list(releases[:VERSIONS])
    for place, it in enumerate(some):
        node = f"{here}/{it['version']}"
        before = some[place + 1]["version"] if place + 1 < len(some) else None
        title = [
            Text(f"{text.value}, {it['version']}", text.lang)
            for text in worded(one.title, one.id)
            if isinstance(text, Text)
        ]
        graph.add(
            node,
            "dcat:Dataset",
            dct_title=list(title),
            dct_description=worded(one.description) or list(title),
            dcat_version=Text(str(it["version"])),
            dct_issued=stamp(str(it.get("at") or "")),
            adms_versionNotes=[Text(str(it["note"]), "en")] if it.get("note") else None,
            dcat_isVersionOf=here,
            dcat_previousVersion=f"{here}/{before}" if before is not None else None,
            dcat_distribution=graph.add(
                f"{node}#csv",
                "dcat:Distribution",
                dcat_accessURL=graph.add(f"{node}.csv", "rdfs:Resource"),
                dcat_downloadURL=f"{node}.csv",
                dct_license=_licence(graph, one.licence_code),
            ),
        )
        graph.add(here, "dcat:Dataset", dcat_hasVersion=node)
