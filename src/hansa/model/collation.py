"""In which order texts stand: the root collation of ICU and its tailorings to languages (CIM 009, 4.23; RFC 6067).

Texts are compared by their letters, then by their accents, then by small before great, as the Unicode Collation
Algorithm (UTS 10) has it. The data file beside this module holds the order of letters up to the scripts of South and
South-East Asia and kana; what it does not hold stands after it, by code point. `tests/model/test_collation.py` compares
with ICU.
"""

import json
import re
import unicodedata
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from hansa.errors import BadRequest, NotSupported

ROOT: Final = "und"

_DATA: Final[dict[str, Any]] = json.loads(files("hansa.model").joinpath("collation.json").read_bytes())
_SPELT: Final = str.maketrans(_DATA["spelt"])
_IGNORED: Final = frozenset(_DATA["ignored"])
_UNKNOWN: Final = 1_000_000  # the primary weight from which on characters stand that the data does not hold

Weight = tuple[float, int, int]  # letter, accent, case


def _read() -> dict[str, Weight]:
    weights: dict[str, Weight] = {}
    for letter, line in enumerate(_DATA["letters"].split("\n"), 1):
        for variant, group in enumerate(line.split("\t")):
            for case, char in enumerate(group):
                weights[char] = (letter, 10_000 * (variant > 0) + variant, case)
    weights.update({mark: (0, place, 0) for place, mark in enumerate(_DATA["marks"], 1)})
    return weights


_WEIGHTS: Final = _read()

_AS_ROOT: Final = frozenset(
    (
        "und",
        "root",
        "ca",
        "de",
        "en",
        "eu",
        "fr",
        "fy",
        "ga",
        "gd",
        "id",
        "it",
        "lb",
        "ms",
        "nl",
        "pt",
        "sw",
        "xh",
        "zu",
    )
)
# Where the letters of a language stand (CLDR): `y ü;z<å<ä æ` has ü as a variant of y, å after z, then ä, and æ as a
# variant of ä; `ch~cH` are one letter also where only its second sign is great.
_TAILORED: Final[dict[str, str]] = {
    "cs": "c<č;h<ch~cH;r<ř;s<š;z<ž",
    "da": "y ü ű;z<æ ä<ø ö ő<å aa",
    "es": "n<ñ",
    "et": "s<š<z<ž;w<õ<ä<ö<ü",
    "fi": "y ü ű;z<å<ä æ<ö ø",
    "hr": "c<č<ć;d<dž<đ;l<lj;n<nj;s<š;z<ž",
    "hu": "c<cs;d<dz<dzs;g<gy;l<ly;n<ny;o<ö ő;s<sz;t<ty;u<ü ű;z<zs",
    "is": "a<á;d<ð;e<é;i<í;o<ó;u<ú;y<ý;z<þ<æ ä<ö ø<å",
    "lt": "c<č;i y;s<š;z<ž",
    "lv": "c<č;g<ģ;i y;k<ķ;l<ļ;n<ņ;r<ŗ;s<š;z<ž",
    "pl": "a<ą;c<ć;e<ę;l<ł;n<ń;o<ó;s<ś;z<ź<ż",
    "ro": "a<ă<â;i<î;s<ș ş;t<ț ţ",
    "sk": "a<ä;c<č;h<ch~cH;o<ô;r<ř;s<š;z<ž",
    "sl": "c<č<ć;d<đ;s<š;z<ž",
    "sv": "y ü ű;z<å<ä æ<ö ø ő",
    "tr": "c<ç;g<ğ;h<ı;i i̇;o<ö;s<ş;u<ü",
}
_TAILORED.update({"nb": _TAILORED["da"], "nn": _TAILORED["da"], "no": _TAILORED["da"], "bs": _TAILORED["hr"]})
_PHONEBOOK: Final = {"ä": "ae", "ö": "oe", "ü": "ue"}

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3}|root)(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(?P<unicode>-u((-[a-z0-9]{3,8})*)((-[a-z0-9][a-z](-[a-z0-9]{3,8})*)*))?(-x(-[a-z0-9]{1,8})+)?"
)
_KEYWORD = re.compile(r"-([a-z0-9][a-z])((?:-[a-z0-9]{3,8})*)(?=-[a-z0-9][a-z](?:-|\Z)|-x-|\Z)")
_STRENGTHS: Final = {"level1": 1, "level2": 2, "level3": 3, "level4": 3, "identic": 4}
_OF_COLLATIONS: Final = frozenset(("co", "ka", "kb", "kc", "kf", "kh", "kk", "kn", "kr", "ks", "kv", "vt"))
_USUAL: Final = frozenset({("co", "standard"), ("ka", "noignore"), ("kb", "false"), ("kc", "false"), ("kk", "false")})


class Collation:
    """An order of texts. `key(text)` is what to sort by; equal keys are equal texts to it."""

    __slots__ = ("_digits", "_great", "_sequences", "_spelt", "_strength", "_weights")

    def __init__(self, language: str = ROOT, keywords: dict[str, str] | None = None) -> None:
        """`language` is one of those known here, `keywords` as in the `u` extension of a tag; see `collation`."""
        said = keywords or {}
        self._strength = _STRENGTHS[said.get("ks", "level3")]
        self._digits = said.get("kn") == "true"
        self._great = said.get("kf", "upper" if language == "da" else "false") == "upper"
        self._spelt = _PHONEBOOK if said.get("co") == "phonebk" else {}
        self._weights = dict(_WEIGHTS) if language in _TAILORED else _WEIGHTS
        self._sequences: re.Pattern[str] | None = None
        found = {text: text for text in (*self._spelt, *(one.upper() for one in self._spelt))}
        if language in _TAILORED:
            found.update(self._tailor(_TAILORED[language]))
        if found:
            self._sequences = re.compile("|".join(sorted(map(re.escape, found), key=len, reverse=True)))

    def _tailor(self, rules: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for rule in rules.split(";"):
            anchor, *letters = rule.split("<")
            anchor, *same = anchor.split(" ")
            for step, variants in enumerate((same, *(one.split(" ") for one in letters))):
                letter = _WEIGHTS[anchor][0] + step / 100
                for variant, said in enumerate(variants, step == 0):
                    text, *between = said.split("~")
                    for case, form in enumerate(dict.fromkeys((text, *between, text.title(), text.upper()))):
                        found[form] = form
                        self._weights[form] = (letter, 5_000 * (variant > 0) + variant, case)
        return found

    def key(self, text: str) -> tuple[Any, ...]:
        """What a text is sorted by."""
        letters: list[float] = []
        accents: list[int] = []
        cases: list[int] = []
        for part in self._parts(text):
            letter, accent, case = self._weights.get(part) or (_UNKNOWN + ord(part[0]), 0, 0)
            if letter:
                letters.append(letter)
            accents.append(accent)
            cases.append(-case if self._great else case)
        if self._digits:
            letters = _numbered(letters)
        levels = (tuple(letters), tuple(accents), tuple(cases), text)
        return levels[: self._strength]

    def _parts(self, text: str) -> list[str]:
        """What bears a weight: characters, and sequences of them that are one letter."""
        if self._sequences is None:
            return _decomposed(text)
        parts: list[str] = []
        text = unicodedata.normalize("NFC", text)
        at = 0
        for found in self._sequences.finditer(text):
            parts += _decomposed(text[at : found.start()])
            word = found[0]
            parts += self._spelt.get(word.lower(), [word])
            at = found.end()
        return parts + _decomposed(text[at:])


def _decomposed(text: str) -> list[str]:
    if text.isascii():
        return [char for char in text if char not in _IGNORED]
    spelt = unicodedata.normalize("NFKD", text).translate(_SPELT)
    return [char for char in spelt if char not in _IGNORED]


def _numbered(letters: list[float]) -> list[float]:
    """Digits that follow each other as one number: by how many there are, then by their values (`kn`)."""
    out: list[float] = []
    run: list[float] = []
    for letter in (*letters, 0):
        if _ZERO <= letter <= _NINE:
            run.append(letter)
            continue
        if run:
            while len(run) > 1 and run[0] == _ZERO:
                del run[0]
            out += (_ZERO + len(run) / 1_000_000, *run)
            run = []
        if letter:
            out.append(letter)
    return out


_ZERO: Final = _WEIGHTS["0"][0]
_NINE: Final = _WEIGHTS["9"][0]


@lru_cache(64)
def collation(tag: str = ROOT) -> Collation:
    """The collation of a language tag with an extension U (RFC 6067): `sv`, `de-u-co-phonebk`, `und-u-ks-level1`.

    BadRequest when it is no such tag, NotSupported when it names an order that is not known here.
    """
    lowered = tag.lower()
    found = _TAG.fullmatch(lowered) if len(lowered) < 100 else None
    if found is None:
        raise BadRequest(
            f"{tag[:64]!r} is no collation", where="collation", mend="a language tag, as sv or de-u-co-phonebk"
        )
    language = found["language"]
    said = {key: value.removeprefix("-") or "true" for key, value in _KEYWORD.findall(found["unicode"] or "")}
    if language not in _AS_ROOT and language not in _TAILORED:
        raise NotSupported(
            f"the order of {language!r} is not known here", where="collation", mend="und, or leave it out"
        )
    for key, value in said.items():
        if key in _OF_COLLATIONS and not _known(language, key, value):
            raise NotSupported(f"{key}-{value} is not built", where="collation", mend="leave it out")
    return Collation(language, said)


def _known(language: str, key: str, value: str) -> bool:
    if key == "ks":
        return value in _STRENGTHS
    if key == "kn":
        return value in {"true", "false"}
    if key == "kf":
        return value in {"upper", "lower", "false"}
    return (key, value) in _USUAL or (language, key, value) == ("de", "co", "phonebk")
