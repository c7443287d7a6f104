"""Finding among what is published: words, facets, order; and the query language of CKAN's package_search as far as
harvesters use it (`field:value`, `field:"a phrase"`, `field:(a OR b)`, `field:[x TO y]`, a minus before it, AND).

Each word must begin a word of the title, description, keywords, publisher or columns, accents and case aside. In titles
it counts most.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from hansa import City, Refusal
from hansa.apps.opendata import dcat, texts
from hansa.apps.opendata.authorities import LICENCES
from hansa.apps.opendata.published import Published, published

QUERY: Final = 2_000
TERMS: Final = 50
_WORD: Final = re.compile(r"[^\W_]+")
_TERM: Final = re.compile(
    r"""\s*(?P<not>[+-])?(?P<field>[A-Za-z_]+):(?:
        "(?P<phrase>[^"]*)"|\((?P<some>[^()]*)\)|\[(?P<low>\S+)\s+TO\s+(?P<high>[^\]\s]+)\]|(?P<word>[^\s()\[\]"]+))
        |\s*(?P<minus>-)?"(?P<quoted>[^"]*)"|\s*(?P<bare>[^\s"()\[\]:]+)|\s*(?P<odd>\S)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset as it is found: its words by weight, and what it can be narrowed by."""

    one: Published
    strong: frozenset[str]
    words: frozenset[str]
    facets: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Term:
    """One condition on an entry."""

    holds: Callable[[Entry], bool]


def entries(city: City) -> Sequence[Entry]:
    """Everything published, as it is found; kept until the catalogue changes."""
    found = published(city)
    version = (city.version("Dataset"), str(city.setting("language") or "en"))
    kept = _Kept.one
    if kept is None or kept[0] != version:
        kept = _Kept.one = version, [_entry(one, version[1]) for one in found]
    return kept[1]


class _Kept:
    one: ClassVar[tuple[Hashable, Sequence[Entry]] | None] = None


def words_of(text: str) -> list[str]:
    """The words of a text: small letters, without accents. A run of a script without spaces is cut into pairs."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    made = []
    for word in _WORD.findall(plain):
        if any("\u3040" <= char <= "\u9fff" for char in word):
            made += [word[n : n + 2] for n in range(max(1, len(word) - 1))]
        else:
            made.append(word)
    return made


def _entry(one: Published, language: str) -> Entry:
    strong = {word for text in one.title.values() for word in words_of(text)} | set(words_of(one.id))
    weak = {word for text in one.description.values() for word in words_of(text)[:2_000]}
    weak |= {word for some in one.keywords.values() for text in some for word in words_of(text)}
    weak |= {word for column in one.columns for word in words_of(str(column.get("name")))}
    weak |= set(words_of(publisher(one)))
    licence = LICENCES.get(one.licence_code)
    return Entry(
        one,
        frozenset(strong),
        frozenset(weak | strong),
        {
            "organization": (publisher_key(one),),
            "groups": tuple(code.lower() for code in one.themes),
            "tags": tuple(tags(one, language)),
            "res_format": tuple(form.upper() if form != "geojson" else "GeoJSON" for form in dcat.forms(one)),
            "license_id": (licence.ckan if licence else "notspecified",),
            "name": (one.id,),
            "id": (one.id,),
            "title": tuple(one.title.values()),
            "state": ("active",),
            "type": ("dataset",),
            "dataset_type": ("dataset",),
            "private": ("false",),
            "capacity": ("public",),
            "metadata_modified": (one.modified,),
            "metadata_created": (one.issued,),
        },
    )


def tags(one: Published, language: str = "en") -> list[str]:
    """The keywords of one language, or of the first that there is."""
    found = one.keywords.get(language) or one.keywords.get("en") or next(iter(one.keywords.values()), ())
    return list(found)


def publisher(one: Published, language: str = "en") -> str:
    """The publisher's name."""
    return texts.in_language(one.publisher.get("name"), language)


def publisher_key(one: Published) -> str:
    """The publisher as a word for addresses."""
    return slug(publisher(one)) or "city"


def slug(name: str) -> str:
    """A name as a word for addresses."""
    return "-".join(words_of(name))[:80]


def matched(one: Entry, wanted: Iterable[str]) -> int:
    """How well: 0 where a word is nowhere, else 1 and two more for each that a title has."""
    score = 1
    for word in wanted:
        if any(it.startswith(word) for it in one.strong):
            score += 2
        elif not any(it.startswith(word) for it in one.words):
            return 0
    return score


FIELDS: Final = {
    "organization": "organization",
    "owner_org": "organization",
    "groups": "groups",
    "tags": "tags",
    "res_format": "res_format",
    "license_id": "license_id",
    "name": "name",
    "id": "id",
    "title": "title",
    "state": "state",
    "type": "type",
    "dataset_type": "dataset_type",
    "private": "private",
    "capacity": "capacity",
    "metadata_modified": "metadata_modified",
    "metadata_created": "metadata_created",
}


def terms(said: str, where: str = "fq") -> tuple[list[Term], list[str]]:
    """The conditions and the free words of a query. Refusal of what is none of this language."""
    if len(said) > QUERY:
        raise Refusal(f"{where} has {len(said):,} characters; {QUERY:,} are the most", where=where)
    conditions: list[Term] = []
    free: list[str] = []
    for n, match in enumerate(_TERM.finditer(said.strip())):
        if n >= TERMS:
            raise Refusal(f"more than {TERMS} terms", where=where)
        if match["odd"]:
            raise Refusal(
                f"{match['odd']!r} is not understood", where=where, mend='field:value field:"a phrase" -field:value'
            )
        if match["field"]:
            conditions.append(_condition(match, where))
        elif match["minus"]:
            unwanted = words_of(match["quoted"])
            conditions.append(Term(lambda it, unwanted=unwanted: not matched(it, unwanted)))  # type: ignore[misc]
        else:
            bare = match["quoted"] if match["quoted"] is not None else match["bare"]
            if bare == "OR":
                raise Refusal("OR stands within one field: tags:(a OR b)", where=where)
            if bare not in {"AND", "*"}:
                free += words_of(bare)
    return conditions, free


def _condition(match: re.Match[str], where: str) -> Term:
    name, word = match["field"], match["word"] or match["phrase"]
    unwanted = match["not"] == "-"
    if name == "text":
        some = words_of(word or match["some"] or "")
        return Term(lambda it: bool(matched(it, some)) != unwanted)
    if name not in FIELDS:
        raise Refusal(f"there is no field {name[:40]!r}", where=where, mend=", ".join(FIELDS))
    field = FIELDS[name]
    if match["low"]:
        low, high = match["low"], match["high"]
        return Term(
            lambda it: (
                any((low == "*" or low <= one) and (high == "*" or one <= high) for one in it.facets[field]) != unwanted
            )
        )
    if match["some"] is not None:
        several = {one.strip().strip('"').casefold() for one in re.split(r"\bOR\b", match["some"]) if one.strip()}
    else:
        several = {(word or "").casefold()}
    if field == "title":
        needed = [words_of(one) for one in several]
        return Term(
            lambda it: any(all(any(s.startswith(w) for s in it.strong) for w in one) for one in needed) != unwanted
        )
    if several == {"*"}:
        return Term(lambda it: bool(it.facets[field]) != unwanted)
    return Term(lambda it: any(one.casefold() in several for one in it.facets[field]) != unwanted)


def found(known: Iterable[Entry], said: str = "", narrowed: str = "") -> list[tuple[int, Entry]]:
    """What holds, with how well it is matched, in the catalogue's own order. Refusal."""
    conditions, free = ([], []) if said.strip() in {"", "*:*", "*"} else terms(said.replace("*:*", ""), "q")
    more, rest = terms(narrowed)
    conditions += more
    made = []
    for one in known:
        if not all(term.holds(one) for term in conditions):
            continue
        score = matched(one, free + rest)
        if score:
            made.append((score, one))
    return made


def facet(some: Iterable[Entry], name: str, most: int = 50) -> list[tuple[str, int]]:
    """How many of these bear which value, the commonest first."""
    counts = Counter(value for one in some for value in one.facets.get(name, ()))
    return sorted(counts.items(), key=lambda it: (-it[1], it[0]))[:most]
