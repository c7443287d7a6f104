"""In which order entities stand: the entity ordering language of orderBy (CIM 009, clause 4.23).

    name,age;desc,address[city],location;dist-asc

A value is put among its own kind: numbers, strings, objects, arrays, truths, times, dates, date-times (4.23.2), and
`desc` turns that round; null comes after everything, and what has no such attribute comes last, either way. Of several
instances the default one counts. Entities that are equal in all this stand by their ids, so that pages are stable.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits
from hansa.model.collation import ROOT, Collation, collation
from hansa.model.compare import moment_of, untyped
from hansa.model.entity import MEMBERS, VALUE_OF, Doc, Instance, Stamps, default_instance
from hansa.model.geo import validate
from hansa.model.planar import Shape, distance_m
from hansa.model.qlang import Expand, day_of, hour_of, parse_path
from hansa.model.qtree import Path
from hansa.model.query import PLAIN, objects

_DIRECTIONS: Final = frozenset({"asc", "desc", "dist-asc", "dist-desc"})
_ABSENT: Final = object()
_NUMBER, _STRING, _OBJECT, _ARRAY, _TRUTH, _TIME, _DATE, _MOMENT = range(8)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to order by: its path, from great to small or the other way, and whether by distance."""

    path: Path
    descending: bool = False
    distance: bool = False


@dataclass(frozen=True, slots=True)
class Ordering:
    """Terms one after the other, how strings stand, and from where distances are measured."""

    terms: tuple[Term, ...]
    collation: Collation
    origin: Shape | None = None

    @classmethod
    def parse(
        cls,
        order_by: str,
        expand: Expand,
        *,
        tag: str = ROOT,
        order_from: str | None = None,
        order_geometry: str | None = None,
        limits: Limits = DEFAULT,
    ) -> "Ordering":
        """Read orderBy, collation, orderFrom and orderGeometry. Raises BadRequest, TooLarge, NotSupported."""
        terms = tuple(_term(text, expand, limits) for text in order_by.split(","))
        if len(terms) > limits.depth:
            raise BadRequest(f"more than {limits.depth} things to order by", where="orderBy")
        if order_from is None and any(term.distance for term in terms):
            raise BadRequest(
                "an order by distance needs orderFrom", where="orderFrom", mend="add orderFrom=[17.1,48.1]"
            )
        origin = None
        if order_from is not None:
            origin = _origin(order_from, order_geometry or "Point", limits)
        elif order_geometry is not None:
            raise BadRequest("orderGeometry goes with orderFrom", where="orderGeometry")
        return cls(terms, collation(tag), origin)

    def key(self, doc: Doc, stamps: Stamps | None) -> tuple[Any, ...]:
        """What an entity is sorted by."""
        return (*(self._key(term, doc, stamps) for term in self.terms), doc["id"])

    def _key(self, term: Term, doc: Doc, stamps: Stamps | None) -> tuple[Any, ...]:
        found = _found(doc, stamps, term.path)
        if term.distance and self.origin is not None and type(found) is dict and found.get("type") == "GeoProperty":
            away = distance_m(Shape.of(found["value"]), self.origin)
            return (0, -away if term.descending else away)
        value = _value(found, term.path.within)
        if value is _ABSENT:
            return (3,)
        if value is None:
            return (2,)
        rank = self._ranked(value)
        return (1, _Reversed(rank) if term.descending else rank)

    def _ranked(self, value: Any) -> tuple[Any, ...]:
        value = untyped(value)
        kind = type(value)
        if kind is int or kind is float:
            return (_NUMBER, value)
        if kind is bool:
            return (_TRUTH, value)
        if kind is str:
            return self._text(value)
        return (_ARRAY if kind is list else _OBJECT, json.dumps(value, sort_keys=True))

    def _text(self, text: str) -> tuple[Any, ...]:
        if text[:1].isdigit() and len(text) < 40:  # a time in one of its three forms (4.6.3), perhaps
            if (at := moment_of(text)) is not None:
                return (_MOMENT, at)
            try:
                return (_DATE, day_of(text).ordinal) if text[4:5] == "-" else (_TIME, hour_of(text).us)
            except ValueError:
                pass
        return (_STRING, self.collation.key(text))


class _Reversed:
    """What sorts the other way round."""

    __slots__ = ("rank",)

    def __init__(self, rank: tuple[Any, ...]) -> None:
        self.rank = rank

    def __lt__(self, other: "_Reversed") -> bool:
        return other.rank < self.rank

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and other.rank == self.rank

    __hash__ = None  # type: ignore[assignment]


def _term(text: str, expand: Expand, limits: Limits) -> Term:
    written, sign, direction = text.strip().partition(";")
    if sign and direction not in _DIRECTIONS:
        raise BadRequest(f"{direction[:32]!r} is no direction", where="orderBy", mend=", ".join(sorted(_DIRECTIONS)))
    try:
        path = parse_path(written, lambda name: name if name in MEMBERS else expand(name), limits)
    except BadRequest as fault:
        raise BadRequest(
            f"{written[:64]!r} is nothing to order by: {fault.detail}", where="orderBy", mend="name;desc,address[city]"
        ) from None
    if path.hop is not None or (path.names[0] in MEMBERS and (len(path.names) > 1 or path.within)):
        raise BadRequest(f"{written[:64]!r} is nothing to order by", where="orderBy")
    return Term(path, direction.endswith("desc"), direction.startswith("dist"))


def _origin(text: str, kind: str, limits: Limits) -> Shape:
    try:
        geometry = {"type": kind, "coordinates": json.loads(text)}
    except (ValueError, RecursionError):
        raise BadRequest("orderFrom is not JSON", where="orderFrom", mend="write [17.1,48.1]") from None
    try:
        validate(geometry, limits)
    except BadRequest as fault:
        fault.where = "orderGeometry" if fault.where == "type" else "orderFrom"
        raise
    return Shape.of(geometry)


def _found(doc: Doc, stamps: Stamps | None, path: Path) -> Any:
    """What a path leads to: an instance of an attribute, a plain member, or _ABSENT."""
    name, *more = path.names
    if stamps is not None and name in {"createdAt", "modifiedAt"}:
        return clock.text(stamps.created if name == "createdAt" else stamps.modified)
    if name in MEMBERS:
        return doc.get(name, _ABSENT)
    one = _default(doc.get(name))
    for step in more:
        if one is None:
            return _ABSENT
        if step in PLAIN:
            times = stamps.attrs.get(name, {}).get(one.get("datasetId", "")) if stamps is not None else None
            if len(more) == 1 and times is not None and step in {"createdAt", "modifiedAt"}:
                return clock.text(times[step == "modifiedAt"])
            return one.get(step, _ABSENT)
        one = _default(one.get(step))
    return _ABSENT if one is None else one


def _default(entry: Any) -> Instance | None:
    """The instance without a datasetId, else the first."""
    one = default_instance(entry) or next(iter(entry), None) if type(entry) is list else entry
    return one if type(one) is dict else None


def _value(found: Any, within: tuple[str, ...]) -> Any:
    if type(found) is not dict:
        return found
    kind = found.get("type", "Property")
    if kind in {"Relationship", "ListRelationship"}:
        return _ABSENT if within else objects(found)
    value = found.get(VALUE_OF.get(kind, "value"), _ABSENT)
    if kind == "LanguageProperty" and not within and type(value) is dict:
        return value.get("@none") or next(iter(value.values()), _ABSENT)
    for name in within:
        value = value.get(name, _ABSENT) if type(value) is dict else _ABSENT
    return value
