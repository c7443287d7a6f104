"""Shelves: subscriptions laid out so that a document leads to those whose condition it can meet.

Thousands may watch the same type and ask `temperature>20` with a number each. Of a condition's terms one is its guard:
`attribute == value`, or `attribute` above or below a number. Guards are laid out by value, so a document finds those
that it passes by look-up and bisection. A guard may let through too much (the condition itself decides) and never
too little.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.model.entity import VALUE_OF, Doc, instances
from hansa.platform.subscription import Condition, Subscription

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
class Shelf:
    """Subscriptions by the guard of their condition; `free` have none, or none that could be laid out."""

    free: Group = field(default_factory=dict)
    same: dict[str, dict[Any, Group]] = field(default_factory=dict)
    above: dict[str, _Bounds] = field(default_factory=dict)
    below: dict[str, _Bounds] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything lies on it."""
        return bool(self.free or self.same or self.above or self.below)

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
