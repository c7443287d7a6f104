"""Conditions as trees, what they mean (CIM 009, clauses 4.9, 4.10, 4.17, 4.19), and how they are written.

The tree is what the tests generate; hansa gets the text. No parser, no index, no code of hansa.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from naive_broker import VALUE, Naive, Thing, instant, listed

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
STAMPS = {"createdAt": 0, "modifiedAt": 1}
PLAIN_TERMS = {"observedAt", "unitCode", "datasetId", *STAMPS}


@dataclass(frozen=True)
class Word:
    """A value in a query: how it is written, and what it is: a number, a string, a truth, or one of three times."""

    text: str
    value: Any


@dataclass(frozen=True)
class Term:
    """`path[within] op values`; no op asks whether it is there. A range has two values and op `..` or `!..`."""

    path: tuple[str, ...]
    within: tuple[str, ...] = ()
    op: str = ""
    words: tuple[Word, ...] = ()

    def __str__(self) -> str:
        text = ".".join(self.path) + (f"[{'.'.join(self.within)}]" if self.within else "")
        if self.op in {"..", "!.."}:
            return f"{text}{'==' if self.op == '..' else '!='}{self.words[0].text}..{self.words[1].text}"
        return text + self.op + ",".join(word.text for word in self.words)


@dataclass(frozen=True)
class Both:
    """All of them."""

    parts: tuple[Any, ...]

    def __str__(self) -> str:
        return ";".join(f"({one})" if isinstance(one, Either) else str(one) for one in self.parts)


@dataclass(frozen=True)
class Either:
    """Any of them."""

    parts: tuple[Any, ...]

    def __str__(self) -> str:
        return "|".join(map(str, self.parts))


def holds(node: Any, thing: Thing) -> bool:
    """Whether an entity meets a condition."""
    if isinstance(node, Both):
        return all(holds(one, thing) for one in node.parts)
    if isinstance(node, Either):
        return any(holds(one, thing) for one in node.parts)
    if node.path[0] in STAMPS:
        return compares(node, (thing.created, thing.modified)[STAMPS[node.path[0]]])
    found = [(one, thing.stamps[key]) for key, one in thing.instances.items() if key[0] == node.path[0]]
    *between, last = node.path[1:] or [""]
    level = [one for one, _ in found]
    if last in STAMPS and not between:
        return any(compares(node, stamps[STAMPS[last]]) for _, stamps in found)
    for name in [*between, *([last] if last and last not in PLAIN_TERMS else [])]:
        level = [sub for one in level if name in one for sub in listed(one[name])]
    if last in PLAIN_TERMS:
        return any(last in one and compares(node, plain(last, one[last])) for one in level)
    return any(meets(node, one) for one in level)


def plain(member: str, value: str) -> Any:
    return instant(value) if member == "observedAt" else value


def meets(term: Term, instance: dict[str, Any]) -> bool:
    """Whether one instance of an attribute meets a term, by its kind (4.9)."""
    kind = instance["type"]
    value = instance[VALUE[kind]]
    if kind == "LanguageProperty":
        return spoken(term, value)
    if kind in {"Relationship", "ListRelationship", "VocabProperty"}:
        if term.within or (kind != "VocabProperty" and term.op not in {"", "==", "!=", "..", "!.."}):
            return False  # there is nothing below a URI, and no order among them
        if kind == "VocabProperty":
            value = [whole(one) for one in value] if type(value) is list else whole(value)
        if kind == "ListRelationship":
            value = [one["object"] for one in value]
    for name in term.within:
        if type(value) is not dict or name not in value:
            return False  # no defined value: as if it were not there
        value = value[name]
    return compares(term, value)


def whole(name: str) -> str:
    """A term expanded by the core @context alone: what it does not know has the default context's name (5.5.7)."""
    return name if "://" in name else DEFAULT + name


def spoken(term: Term, texts: dict[str, Any]) -> bool:
    """A language map: the language named, or any; for the negative operators none may be equal."""
    if len(term.within) > 1:
        return False
    if term.within and term.within != ("*",):
        return term.within[0] in texts and compares(term, texts[term.within[0]])
    every = [compares(term, one) for one in texts.values()]
    return all(every) if term.op.startswith("!") else any(every)


def compares(term: Term, value: Any) -> bool:
    """Whether a target value meets the operator and the values of a term."""
    op, words = term.op, term.words
    if op == "":
        return True
    if op in {"==", "!="}:
        equal = any(same(word.value, one) for word in words for one in listed(value))
        return equal == (op == "==")
    if op in {"..", "!.."}:
        inside = ordered(words[0].value, value, below=False) and ordered(words[1].value, value, below=True)
        return inside == (op == "..")
    value = untyped(value)
    if op in {"~=", "!~="}:
        return type(value) is str and (re.search(words[0].value, value) is not None) == (op == "~=")
    if op in {">=", "<="}:
        return ordered(words[0].value, value, below=op == "<=")
    return ordered(words[0].value, value, below=op == "<") and not same(words[0].value, value)


def same(want: Any, value: Any) -> bool:
    """Equal, and of one data type."""
    value = read(want, untyped(value))
    return type_of(want) == type_of(value) and type_of(want) != "none" and bool(want == value)


def ordered(want: Any, value: Any, *, below: bool) -> bool:
    """Whether a value is at most (`below`), or at least, what is wanted; only within one data type."""
    value = read(want, untyped(value))
    if type_of(want) != type_of(value) or type_of(want) in {"none", "truth"}:
        return False
    return bool(value <= want) if below else bool(value >= want)


def untyped(value: Any) -> Any:
    return value["@value"] if type(value) is dict and "@value" in value else value


def read(want: Any, value: Any) -> Any:
    """A string as the kind of time that is wanted, if it is one (4.6.3)."""
    if type(value) is not str:
        return value
    try:
        if isinstance(want, datetime) and re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", value) and value[-1] in "Z0":
            return instant(value)
        if type(want) is date and len(value) == 10:
            return date.fromisoformat(value)
        if isinstance(want, time) and value.endswith("Z") and len(value) < 17:
            return time.fromisoformat(value[:-1]).replace(tzinfo=UTC)
    except ValueError:
        pass
    return value


def type_of(value: Any) -> str:
    if type(value) is bool:
        return "truth"
    if type(value) in {int, float}:
        return "number"
    return type(value).__name__ if isinstance(value, str | date | time) else "none"


# The other ways to select


@dataclass(frozen=True)
class Scopes:
    """Alternatives of conjunctions of scopes, with + and #."""

    groups: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return "|".join(group[0] if len(group) == 1 else f"({';'.join(group)})" for group in self.groups)

    def select(self, thing: Thing) -> bool:
        return any(all(any(covers(want, one) for one in thing.scopes) for want in group) for group in self.groups)


def covers(want: str, scope: str) -> bool:
    """4.19, as a regular expression of levels."""
    shape = "".join(r"/[^/]+" if level == "+" else "/" + level for level in want.removesuffix("/#").split("/")[1:])
    return re.fullmatch(shape + (r"(/[^/]+)*" if want.endswith("/#") else ""), "/" + scope.strip("/")) is not None


@dataclass(frozen=True)
class Types:
    """Alternatives of conjunctions of types."""

    groups: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return "|".join(group[0] if len(group) == 1 else f"({';'.join(group)})" for group in self.groups)

    def select(self, thing: Thing) -> bool:
        return any(all(kind in thing.types for kind in group) for group in self.groups)


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Geo:
    """A relation to a point or a box with its sides along the axes; `metres` for near."""

    relation: str
    box: Box
    metres: float = 0.0
    name: str = "location"

    def params(self) -> dict[str, str]:
        shape = geometry(self.box)
        relation = self.relation
        if relation in {"maxDistance", "minDistance"}:
            relation = f"near;{relation}=={self.metres:g}"
        said = {"georel": relation, "geometry": shape["type"], "coordinates": json.dumps(shape["coordinates"])}
        return said if self.name == "location" else said | {"geoproperty": self.name}

    def select(self, thing: Thing) -> bool:
        return any(
            self.related(box_of(one["value"]))
            for (name, _), one in thing.instances.items()
            if name == self.name and one["type"] == "GeoProperty"
        )

    def related(self, other: Box) -> bool:
        """Whether the target `other` stands in the relation to this box (4.10; OGC simple features)."""
        mine, relation = self.box, self.relation
        if relation in {"maxDistance", "minDistance"}:
            return (apart(mine, other) <= self.metres) == (relation == "maxDistance")
        meet = other[0] <= mine[2] and mine[0] <= other[2] and other[1] <= mine[3] and mine[1] <= other[3]
        inner = other[0] < mine[2] and mine[0] < other[2] and other[1] < mine[3] and mine[1] < other[3]
        if relation in {"intersects", "disjoint"}:
            return meet == (relation == "intersects")
        if relation == "equals":
            return other == mine
        if relation == "within":
            return inside(other, mine)
        if relation == "contains":
            return inside(mine, other)
        # overlaps: of one dimension, sharing some of their interiors, neither within the other
        return (
            not is_point(mine) and not is_point(other) and inner and not inside(mine, other) and not inside(other, mine)
        )


def is_point(box: Box) -> bool:
    return box[:2] == box[2:]


def inside(one: Box, other: Box) -> bool:
    """OGC within: nothing outside, and the interiors meet. A point upon an edge is not within."""
    if is_point(other):
        return one == other
    if is_point(one):
        return other[0] < one[0] < other[2] and other[1] < one[1] < other[3]
    return other[0] <= one[0] and other[1] <= one[1] and one[2] <= other[2] and one[3] <= other[3]


def geometry(box: Box) -> dict[str, Any]:
    west, south, east, north = box
    if is_point(box):
        return {"type": "Point", "coordinates": [west, south]}
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def box_of(shape: dict[str, Any]) -> Box:
    places = [shape["coordinates"]] if shape["type"] == "Point" else shape["coordinates"][0]
    return (
        min(x for x, _ in places),
        min(y for _, y in places),
        max(x for x, _ in places),
        max(y for _, y in places),
    )


def apart(one: Box, other: Box) -> float:
    """Metres between two boxes near the equator, on a sphere: by their nearest corners' differences."""
    lon = max(0.0, other[0] - one[2], one[0] - other[2])
    lat = max(0.0, other[1] - one[3], one[1] - other[3])
    return math.hypot(lon, lat) * math.pi / 180 * 6_371_008.8


@dataclass(frozen=True)
class Order:
    """One thing to order by: an attribute, or the id."""

    name: str
    direction: str

    def __str__(self) -> str:
        return self.name + (f";{self.direction}" if self.direction else "")

    def place(self, ident: str, thing: Thing) -> tuple[Any, ...]:
        """Where an entity stands: among its kind of value (4.23.2), numbers and truths by what they are.

        How strings stand to each other is a matter of collation, and not looked at here.
        """
        if self.name == "id":
            return (tuple(map(ord, ident)),)
        some = {dataset: one for (name, dataset), one in thing.instances.items() if name == self.name}
        if not some:
            return (9,)
        instance = some.get("@none", next(iter(some.values())))
        value = untyped(instance[VALUE[instance["type"]]])
        if instance["type"] == "LanguageProperty":
            value = value.get("@none") or next(iter(value.values()))
        rank = RANKS[kind_of_value(value)]
        if rank == 0:
            return (-rank, -value) if self.direction == "desc" else (rank, value)
        return (-rank if self.direction == "desc" else rank, 0)


RANKS = {"number": 0, "str": 1, "object": 2, "list": 3, "truth": 4, "time": 5, "date": 6, "datetime": 7}


def kind_of_value(value: Any) -> str:
    """The data type of a value as 4.23.2 tells them apart."""
    if type(value) in {dict, list}:
        return "object" if type(value) is dict else "list"
    for want in (datetime.now(UTC), date(2026, 1, 1), time(0, tzinfo=UTC)):
        if type(read(want, value)) is type(want):
            return type(want).__name__
    return type_of(value)


@dataclass(frozen=True)
class Question:
    """All of a query; None asks nothing of that kind."""

    types: Types | None = None
    ids: tuple[str, ...] | None = None
    pattern: str | None = None
    attrs: tuple[str, ...] | None = None
    q: Any = None
    geo: Geo | None = None
    scopes: Scopes | None = None

    def params(self) -> dict[str, str]:
        """As parameters of a GET."""
        said = {"local": "true"}
        if self.types is not None:
            said["type"] = str(self.types)
        if self.ids is not None:
            said["id"] = ",".join(self.ids)
        if self.pattern is not None:
            said["idPattern"] = self.pattern
        if self.attrs is not None:
            said["attrs"] = ",".join(self.attrs)
        if self.q is not None:
            said["q"] = str(self.q)
        if self.scopes is not None:
            said["scopeQ"] = str(self.scopes)
        return said | (self.geo.params() if self.geo is not None else {})

    def parsed(self, kind: Any) -> Any:
        """The same as hansa reads it; `kind` is its Query."""
        said = self.params()
        return kind.parse(
            types=said.get("type"),
            ids=self.ids,
            id_pattern=said.get("idPattern"),
            attrs=self.attrs,
            q=said.get("q"),
            scope_q=said.get("scopeQ"),
            **(self.geo.params() if self.geo is not None else {}),
        )

    def answered(self, broker: Naive) -> set[str]:
        """The ids of what matches (5.7.2)."""
        return set(self._matching(broker))

    def _matching(self, broker: Naive) -> Iterator[str]:
        for ident, thing in broker.things.items():
            if self.ids is not None:
                if ident not in self.ids:
                    continue
            elif self.pattern is not None and not re.search(self.pattern, ident):
                continue
            if self.attrs is not None and not any(name in self.attrs for name, _ in thing.instances):
                continue
            if all(part is None or part.select(thing) for part in (self.types, self.geo, self.scopes)) and (
                self.q is None or holds(self.q, thing)
            ):
                yield ident
