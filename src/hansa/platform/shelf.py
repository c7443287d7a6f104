"""Shelves: subscriptions laid out so that a document leads to those whose condition it can meet.

Thousands may watch the same type and ask `temperature>20` with a number each, or a circle each. Of a condition one term
is its guard (see `condition.Guard`). Guards are laid out by value, so a document finds those that it passes by look-up
and bisection. A guard may let through too much (the condition itself decides) and never too little.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import floor, inf, isfinite
from typing import Any, Final

from hansa.model.entity import VALUE_OF, Doc, instances
from hansa.model.geo import bbox
from hansa.model.planar import Box
from hansa.platform.condition import Condition
from hansa.platform.subscription import Subscription

Group = dict[Subscription, None]
Groups = dict[Condition, Group]


@dataclass(slots=True)
class _Bounds:
    """Conditions by the number that a value must not be below, or not be above."""

    edges: list[tuple[float, int]] = field(default_factory=list)  # (number, id of its condition), in order
    groups: dict[int, Group] = field(default_factory=dict)

    def passed(self, value: float, *, above: bool) -> Iterator[Group]:
        if above:  # the edge is at or below the value
            found = self.edges[: bisect_right(self.edges, (value, _LAST))]
        else:
            found = self.edges[bisect_left(self.edges, (value, -1)) :]
        for _, ident in found:
            yield self.groups[ident]

    def add(self, edge: float, condition: Condition, one: Subscription) -> None:
        group = self.groups.get(id(condition))
        if group is None:
            group = self.groups[id(condition)] = {}
            insort(self.edges, (edge, id(condition)))
        group[one] = None

    def remove(self, edge: float, condition: Condition, one: Subscription) -> None:
        group = self.groups[id(condition)]
        group.pop(one, None)
        if not group:
            del self.groups[id(condition)]
            del self.edges[bisect_left(self.edges, (edge, id(condition)))]


_LAST: Final = 1 << 100


@dataclass(slots=True)
class _Bands:
    """Conditions by the two numbers that a value must lie between, in the order of the lower ones."""

    lows: _Bounds = field(default_factory=_Bounds)
    widest: float = 0.0

    def passed(self, values: list[float]) -> Iterator[Group]:
        # Of several instances one can be above the lower number and another below the upper one.
        least = min(values) - self.widest if len(values) == 1 else -inf
        edges = self.lows.edges
        for _, ident in edges[bisect_left(edges, (least, -1)) : bisect_right(edges, (max(values), _LAST))]:
            yield self.lows.groups[ident]

    def add(self, band: tuple[float, float], condition: Condition, one: Subscription) -> None:
        # A difference of floats can come out a little too small.
        self.widest = max(self.widest, (band[1] - band[0]) * (1 + 1e-9))
        self.lows.add(band[0], condition, one)


@dataclass(slots=True)
class _Places:
    """Conditions by the cells of a grid that their boxes touch; `wide` touch too many."""

    cells: dict[tuple[int, int], Group] = field(default_factory=dict)
    wide: Group = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.cells or self.wide)

    def passed(self, entry: Any) -> Iterator[Group]:
        yield self.wide
        for geometry in _values(entry):
            touched = _cells((_box_of(geometry),)) if type(geometry) is dict else ()
            if touched is None:
                yield from self.cells.values()
            else:
                for cell in touched:
                    yield self.cells.get(cell, {})

    def add(self, boxes: tuple[Box, ...], one: Subscription) -> None:
        for group in self._groups(boxes):
            group[one] = None

    def remove(self, boxes: tuple[Box, ...], one: Subscription) -> None:
        for group in self._groups(boxes):
            group.pop(one, None)
        for cell in _cells(boxes) or ():
            if not self.cells[cell]:
                del self.cells[cell]

    def _groups(self, boxes: tuple[Box, ...]) -> list[Group]:
        cells = _cells(boxes)
        return [self.wide] if cells is None else [self.cells.setdefault(cell, {}) for cell in cells]


_CELL: Final = 0.02  # degrees: some two kilometres
_CELLS: Final = 100  # that one condition may touch


def _cells(boxes: tuple[Box | None, ...]) -> set[tuple[int, int]] | None:
    """The cells that boxes touch; None for too many, or where a box is none."""
    found: set[tuple[int, int]] = set()
    for box in boxes:
        if box is None:
            return None
        west, south, east, north = (floor(edge / _CELL) for edge in box)
        if (east - west + 1) * (north - south + 1) > _CELLS:
            return None
        found.update((x, y) for x in range(west, east + 1) for y in range(south, north + 1))
    return found


def _box_of(geometry: dict[str, Any]) -> Box | None:
    """Around a stored geometry; None when it is none: a Property can look like one."""
    try:
        box = bbox(geometry)
        return box if all(isfinite(edge) for edge in box) else None
    except (TypeError, KeyError, ValueError, IndexError, AttributeError, OverflowError):
        return None


@dataclass(slots=True)
class Shelf:
    """Subscriptions by the guard of their condition; `free` have none, or none that could be laid out."""

    free: Group = field(default_factory=dict)
    same: dict[str, dict[Any, Group]] = field(default_factory=dict)
    above: dict[str, _Bounds] = field(default_factory=dict)
    below: dict[str, _Bounds] = field(default_factory=dict)
    bands: dict[str, _Bands] = field(default_factory=dict)
    places: dict[str, _Places] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything lies on it."""
        return bool(self.free or self.same or self.above or self.below or self.bands or self.places)

    def add(self, one: Subscription) -> None:
        """Lay a subscription out."""
        condition = one.condition
        guard = None if condition is None else condition.guard
        if condition is None or guard is None:
            self.free[one] = None
        elif guard.op == "==":
            values = self.same.setdefault(guard.name, {})
            for value in guard.values:
                values.setdefault(value, {})[one] = None
        elif guard.op == "..":
            self.bands.setdefault(guard.name, _Bands()).add((guard.values[0], guard.values[1]), condition, one)
        elif guard.op == "in":
            self.places.setdefault(guard.name, _Places()).add(guard.values, one)
        else:
            bounds = self.above if guard.op == ">" else self.below
            bounds.setdefault(guard.name, _Bounds()).add(guard.values[0], condition, one)

    def remove(self, one: Subscription) -> None:
        """Take it off."""
        condition = one.condition
        guard = None if condition is None else condition.guard
        if condition is None or guard is None:
            self.free.pop(one, None)
        elif guard.op == "==":
            values = self.same[guard.name]
            for value in guard.values:
                if (group := values.get(value)) is not None:
                    group.pop(one, None)
                    if not group:
                        del values[value]
            if not values:
                del self.same[guard.name]
        elif guard.op == "..":
            self.bands[guard.name].lows.remove(guard.values[0], condition, one)
            if not self.bands[guard.name].lows.edges:
                del self.bands[guard.name]
        elif guard.op == "in":
            self.places[guard.name].remove(guard.values, one)
            if not self.places[guard.name]:
                del self.places[guard.name]
        else:
            bounds = self.above if guard.op == ">" else self.below
            bounds[guard.name].remove(guard.values[0], condition, one)
            if not bounds[guard.name].edges:
                del bounds[guard.name]

    def of(self, doc: Doc) -> Iterable[Subscription]:
        """Subscriptions whose guard this document passes; one may come twice."""
        yield from self.free
        for name, values in self.same.items():
            for value in _scalars(doc.get(name)):
                yield from values.get(value, ())
        for bounds_of, above in ((self.above, True), (self.below, False)):
            for name, bounds in bounds_of.items():
                for value in _numbers(doc.get(name)):
                    for group in bounds.passed(value, above=above):
                        yield from group
        for name, bands in self.bands.items():
            if numbers := list(_numbers(doc.get(name))):
                for group in bands.passed(numbers):
                    yield from group
        for name, places in self.places.items():
            for group in places.passed(doc.get(name)):
                yield from group


def _values(entry: Any) -> Iterator[Any]:
    if entry is None:
        return
    for one in instances(entry):
        if type(one) is dict:
            yield one.get(VALUE_OF.get(one.get("type", "Property"), "value"))
        else:
            yield one


def _numbers(entry: Any) -> Iterator[float]:
    """The numbers that an ordering could hold for: lists take no part in it."""
    for value in _values(entry):
        found = value.get("@value") if type(value) is dict else value
        if type(found) is int or type(found) is float:
            yield found


def _scalars(entry: Any) -> Iterator[Any]:
    """Whatever of an attribute an equality could hold for."""
    waiting = list(_values(entry))
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            waiting.extend(value.values())
        elif type(value) is list:
            waiting.extend(value)
        elif value is not None:
            yield value
