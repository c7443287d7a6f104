"""What an address asks for: the resource path, and the query options, also those within `$expand`.

    Things('a')/Datastreams('a~t')/Observations?$filter=result gt 3&$orderby=phenomenonTime desc&$top=10
    Datastreams?$expand=Thing($select=name;$expand=Locations),Observations($top=1)

Source: OGC 18-088, clauses 9.2 (paths) and 9.3.3 (options); OData 4.01 URL conventions for the nesting.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hansa import NotFound, Refusal
from hansa.apps.opendata.sta.expressions import MOST_TEXT, Tree, parsed
from hansa.apps.opendata.sta.sets import IDS, SETS, Kind, checked
from hansa.apps.opendata.sta.shapes import NotBuilt

TOP: Final = 100
"""Entities of a page where nobody says how many."""
MOST: Final = 1_000
"""Entities of a page, whatever is asked: the rest is behind `@iot.nextLink` (clause 9.3.3.7, server-driven paging)."""
_DEEPEST: Final = 5  # `$expand` within `$expand`
_WIDEST: Final = 20  # links that are expanded side by side, names that are selected, keys of an order
_SKIP: Final = 1_000_000
_KNOWN: Final = ("$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$resultFormat", "$skiptoken")
_ONE: Final = frozenset({"$select", "$expand"})
_ELSEWHERE: Final = frozenset(
    {"$apply", "$batch", "$compute", "$delta", "$deltatoken", "$format", "$id", "$index", "$levels", "$search"}
)
"""Options of OData that this is without: 501, and not 400, for they are known."""
_STEP: Final = re.compile(r"([A-Za-z]\w*)(?:\(\s*(?:'((?:[^']|'')*)'|(-?\d{1,30}))\s*\))?(?=/|\Z)")
_MEMBER: Final = re.compile(r"[^/]{1,200}")


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a path: a set, link or property, and the id in its parentheses."""

    name: str
    ident: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How what is found is to be shown."""

    test: Tree | None = None
    select: tuple[str, ...] = ()
    expand: Mapping[str, "Options"] = field(default_factory=dict)
    order: tuple[tuple[Tree, bool], ...] = ()
    """Keys, each with whether it descends."""
    top: int | None = None
    skip: int = 0
    count: bool = False
    array: bool = False
    after: int | None = None
    """Microseconds after which (before which, descending) a page of Observations goes on."""


def steps(path: str) -> list[Step]:
    """The parts of a resource path. NotFound where it is none."""
    found: list[Step] = []
    at = 0
    path = path.strip("/")
    while at < len(path):
        match = _STEP.match(path, at)
        if match is not None:
            name, text, number = match.groups()
            ident = text.replace("''", "'") if text is not None else number
            found.append(Step(name, ident))
        else:
            # Members of `properties` may be called anything; `$value` and `$ref` are last.
            match = _MEMBER.match(path, at)
            if match is None:
                raise NotFound(f"{path[:80]!r} is no resource path", where="path")
            found.append(Step(match.group()))
        at = match.end() + 1
        if len(found) > 12:
            raise NotFound("the path leads too far", where="path")
    return found


def options(said: Mapping[str, str], kind: Kind, *, many: bool, depth: int = 0) -> Options:
    """What the options of a set (or of one entity of it) say. Refusal: 400 what is wrong, 501 what is not here."""
    for name, text in said.items():
        _possible(name, many=many, kind=kind, nested=depth > 0)
        if len(text) > MOST_TEXT:
            raise Refusal(f"it has {len(text):,} characters; {MOST_TEXT:,} are the most", where=name)
    test = None
    if "$filter" in said:
        test = parsed(said["$filter"])
        checked(test, kind, "$filter")
    return Options(
        test,
        _selected(said.get("$select", ""), kind),
        _expanded(said.get("$expand", ""), kind, depth),
        _ordered(said.get("$orderby", ""), kind),
        _whole(said["$top"], "$top", _SKIP) if "$top" in said else None,
        _whole(said.get("$skip", "0"), "$skip", _SKIP),
        _truth(said.get("$count", "false")),
        said.get("$resultFormat") == "dataArray",
        _after(said.get("$skiptoken")),
    )


def _possible(name: str, *, many: bool, kind: Kind, nested: bool) -> None:
    if name in _ELSEWHERE:
        raise NotBuilt(f"{name} is not here", where=name)
    if name not in _KNOWN:
        raise Refusal(f"there is no option {name[:40]!r}", where=name[:40], mend="see OGC 18-088, clause 9.3.3")
    if not many and name not in _ONE:
        raise Refusal(f"{name} is for many entities; this is one", where=name)
    if name in {"$resultFormat", "$skiptoken"} and (kind.name != "Observations" or nested):
        raise Refusal(f"{name} is for Observations", where=name)


def _after(said: str | None) -> int | None:
    if said is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", said):
        raise Refusal("it is not one of ours", where="$skiptoken", mend="follow @iot.nextLink as it is")
    return int(said)


def _whole(said: str, where: str, most: int) -> int:
    text = said.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise Refusal(f"{said[:40]!r} is not a whole number from 0 on", where=where)
    if int(text) > most:
        raise Refusal(f"{most:,} is the most", where=where, mend="narrow it with $filter")
    return int(text)


def _truth(said: str) -> bool:
    if said not in {"true", "false"}:
        raise Refusal(f"{said[:40]!r} is neither true nor false", where="$count")
    return said == "true"


def _selected(said: str, kind: Kind) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in said.split(","))) if said.strip() else ()
    if len(names) > _WIDEST:
        raise Refusal(f"{_WIDEST} names are the most", where="$select")
    for name in names:
        if name not in IDS and name not in kind.properties and name not in kind.links and name != "@iot.selfLink":
            raise Refusal(f"{kind.name} have no {name[:60]!r}", where="$select")
    return names


def _ordered(said: str, kind: Kind) -> tuple[tuple[Tree, bool], ...]:
    keys: list[tuple[Tree, bool]] = []
    for one in split(said, ",", "$orderby"):
        text, _, way = one.strip().rpartition(" ")
        if not text or way not in {"asc", "desc"}:
            text, way = one.strip(), "asc"
        tree = parsed(text, "$orderby")
        checked(tree, kind, "$orderby")
        keys.append((tree, way == "desc"))
    if len(keys) > _WIDEST:
        raise Refusal(f"{_WIDEST} keys are the most", where="$orderby")
    return tuple(keys)


def _expanded(said: str, kind: Kind, depth: int) -> dict[str, Options]:
    found: dict[str, Options] = {}
    items = split(said, ",", "$expand")
    if items and depth >= _DEEPEST:
        raise Refusal(f"{_DEEPEST} within each other are the most", where="$expand")
    if len(items) > _WIDEST:
        raise Refusal(f"{_WIDEST} links are the most", where="$expand")
    for item in items:
        text, inner = item.strip(), ""
        if text.endswith(")") and "(" in text:
            text, _, inner = text[:-1].partition("(")
        name, _, rest = text.strip().partition("/")
        link = kind.links.get(name)
        if link is None:
            raise Refusal(f"{kind.name} have no link {name[:60]!r}", where="$expand")
        if rest:  # `Datastreams/Thing` is `Datastreams($expand=Thing)`
            inner = f"$expand={rest}({inner})" if inner else f"$expand={rest}"
        made = options(_inner(inner), SETS[link.to], many=link.many, depth=depth + 1)
        found[name] = _joined(found[name], made) if name in found else made
    return found


def _joined(one: Options, other: Options) -> Options:
    """`Datastreams/Thing,Datastreams/Sensor` names one link twice: both are expanded."""
    return Options(
        one.test or other.test,
        one.select or other.select,
        {**one.expand, **other.expand},
        one.order or other.order,
        one.top if one.top is not None else other.top,
        one.skip or other.skip,
        one.count or other.count,
    )


def _inner(said: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in split(said, ";", "$expand"):
        name, mark, text = one.strip().partition("=")
        if not mark or name in found:
            raise Refusal(f"{one[:60]!r} is no option", where="$expand")
        found[name] = text
    return found


def split(said: str, mark: str, where: str) -> list[str]:
    """Parts between marks that stand in no quotes and no parentheses. Refusal when these do not match."""
    parts, depth, quoted, begin = [], 0, False, 0
    for at, char in enumerate(said):
        if char == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth < 0:
                break
        elif char == mark and not depth:
            parts.append(said[begin:at])
            begin = at + 1
    if depth or quoted:
        raise Refusal("quotes or parentheses do not match", where=where)
    if said.strip():
        parts.append(said[begin:])
    return parts
