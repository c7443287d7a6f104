"""A tree judged point by point: what one source said, and what holds of it at an instant.

Every node answers twice: whether it holds (`rings`), and whether it still holds for an alarm that rang already
(`stays`), which is where hysteresis and hold-off let go later than they take hold. What rings also stays. Either may
be None: it cannot be said yet. An alarm rings when its tree rings, and clears when its tree does not stay.

Pure: readings and others are handed in; `analytics` over whole series (`sweeping`) gives the same answer, held by
tests/apps/test_watch_sweeping.py.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from statistics import median
from typing import Any, Final, NamedTuple

from hansa import windows
from hansa.apps.watch.measuring import COVERED, DECIBEL, SLOPED, SLOPES, fits, measured
from hansa.apps.watch.science import ABOVE, BELOW, crossing, energy, implausible, level
from hansa.apps.watch.terms import SECOND
from hansa.apps.watch.tree import (
    All,
    Apart,
    Daytime,
    Equals,
    Flat,
    Group,
    Implausible,
    Lasting,
    Limit,
    Month,
    Near,
    Node,
    Not,
    Rate,
    Silent,
    Some,
    Weekday,
    own,
    parts,
    walk,
)

WINDOWED: Final = 10_000  # readings of one window of one source; beyond it the oldest go

Truth = bool | None


class Holds(NamedTuple):
    """What a node says: whether it rings, and whether it stays."""

    rings: Truth
    stays: Truth


UNKNOWN: Final = Holds(None, None)
YES: Final = Holds(True, True)
NO: Final = Holds(False, False)
_BOTH: Final = {True: YES, False: NO, None: UNKNOWN}


class Other(NamedTuple):
    """What another entity said last before an instant."""

    value: Any
    unit: str | None
    at: int


Others = Callable[[Group, str], Iterable[Other]]
"""(which, attribute) -> what each of them said last, before the instant that is judged."""


def nobody(_group: Group, _attribute: str) -> Iterable[Other]:
    """There are no others."""
    return ()


class Mind:
    """What is kept of one source: a state for each node of the tree, and when it was judged last."""

    __slots__ = ("at", "heard", "states")

    def __init__(self, states: list[Any]) -> None:
        """With the states that `Scales.mind` makes."""
        self.states = states
        self.heard: dict[str, int] = {}  # when each attribute was said last
        self.at = -(2**62)


class Scales:
    """A tree, ready to judge: its nodes by number, and which of them want an attribute."""

    def __init__(self, node: Node, zone: tzinfo) -> None:
        """Of a tree that was checked; the calendar follows `zone`."""
        self.node = node
        self.zone = zone
        self.nodes = list(walk(node))
        number = {id(one): i for i, one in enumerate(self.nodes)}
        self.below = [tuple(number[id(one)] for one in parts(it)) for it in self.nodes]
        self.names: dict[str, tuple[int, ...]] = {}
        for one in own(node):
            self.names[one.attribute] = (*self.names.get(one.attribute, ()), number[id(one)])
        self.others = tuple((one.group, one.attribute) for one in self.nodes if isinstance(one, Near | Apart))
        self.timed = any(_timed(one) for one in self.nodes)
        """Whether time alone, or somebody else, can change what holds."""
        self._free = [all(isinstance(x, _STATELESS) for x in walk(one)) for one in self.nodes]

    @property
    def horizon(self) -> int:
        """How far back (microseconds) the readings reach that what holds now can depend on."""
        return _horizon(self.node)

    def mind(self, *, standing: bool = False) -> Mind:
        """Of a source of which nothing was heard; `standing`: its alarm stands, so what only stays is taken to hold."""
        return Mind([_new_state(one, standing=standing) for one in self.nodes])

    # Hearing

    def hear(self, mind: Mind, name: str, at: int, value: Any, unit: str | None) -> bool:
        """Take a reading of the source, unless it is older than the last; False when its unit does not convert."""
        if at < mind.heard.get(name, at):
            return True
        mind.heard[name] = at
        fit = True
        for i in self.names.get(name, ()):
            node = self.nodes[i]
            wanted = _unit(node)
            if unit != wanted and not fits(unit, wanted):
                fit = False
            else:
                _HEAR[type(node)](node, mind.states[i], at, value, measured(value, unit, wanted))
        return fit

    def unsay(self, mind: Mind, name: str) -> None:
        """The attribute was taken away: nothing is known of it."""
        mind.heard.pop(name, None)
        for i in self.names.get(name, ()):
            mind.states[i] = _new_state(self.nodes[i], standing=False)

    # Judging

    def weigh(self, mind: Mind, at: int, others: Others = nobody) -> Holds:
        """What holds at an instant; instants never go back."""
        mind.at = at = max(at, mind.at)
        return self._weigh(0, mind, at, others)

    def _weigh(self, i: int, mind: Mind, at: int, others: Others) -> Holds:
        node = self.nodes[i]
        if isinstance(node, All):
            return self._some(i, len(node.of), mind, at, others)
        if isinstance(node, Some):
            return self._some(i, node.least, mind, at, others)
        if isinstance(node, Not):
            rings, stays = self._weigh(self.below[i][0], mind, at, others)
            return Holds(None if stays is None else not stays, None if rings is None else not rings)
        if isinstance(node, Lasting):
            return _lasting(node, mind.states[i], self._weigh(self.below[i][0], mind, at, others), at)
        if isinstance(node, Near):
            return YES if self.many(node, others) >= node.least else NO
        if isinstance(node, Apart):
            return _BOTH[_apart(node, mind.states[i], others)]
        if isinstance(node, Daytime | Weekday | Month):
            return YES if calendar_holds(node, at, self.zone) else NO
        return _LOOK[type(node)](node, mind.states[i], at)

    def _some(self, i: int, least: int, mind: Mind, at: int, others: Others) -> Holds:
        """At least so many of those below. What needs no state is asked last, and not at all once it is decided."""
        below = self.below[i]
        held = [self._weigh(j, mind, at, others) for j in below if not self._free[j]]
        possible = sum(one.stays is not False for one in held)  # what cannot be said yet may come to hold
        if possible + len(below) - len(held) < least:
            return NO
        held += [self._weigh(j, mind, at, others) for j in below if self._free[j]]
        return Holds(_enough([one.rings for one in held], least), _enough([one.stays for one in held], least))

    def many(self, node: Near, others: Others) -> int:
        """How many others say what a node asks of them."""
        return sum(1 for one in others(node.group, node.attribute) if _says(node, one))

    def because(self, mind: Mind, others: Others) -> list[tuple[Node, Any, float | None]]:
        """The leaves that hold for an alarm that stands: the node, what was measured, the limit."""
        return list(self._because(0, mind, others))

    def _because(self, i: int, mind: Mind, others: Others) -> Iterable[tuple[Node, Any, float | None]]:
        node = self.nodes[i]
        if isinstance(node, Near):
            if (many := self.many(node, others)) >= node.least:
                yield node, many, None
        elif isinstance(node, All | Some | Lasting):
            for j in self.below[i]:
                yield from self._because(j, mind, others)
        elif not isinstance(node, Not):
            state = mind.states[i]
            if isinstance(state, _Leaf) and (state.side is not None or state.holds is YES):
                yield node, state.measure, state.limit


def _enough(said: list[Truth], least: int) -> Truth:
    true = said.count(True)
    if true >= least:
        return True
    return None if true + said.count(None) >= least else False


def _says(node: Near, other: Other) -> bool:
    if node.beyond is None:
        return same(other.value, node.value)
    if not fits(other.unit, node.beyond.unit):
        return False
    number = measured(other.value, other.unit, node.beyond.unit)
    return number is not None and crossing(number, node.beyond.low, node.beyond.high) is not None


def same(value: Any, wanted: Any) -> bool:
    """Whether a value is the one that was asked for; true is not 1."""
    return isinstance(value, bool) is isinstance(wanted, bool) and value == wanted


def calendar_holds(node: Daytime | Weekday | Month, at: int, zone: tzinfo) -> bool:
    """Whether it is that time, day or month in a zone."""
    when = datetime.fromtimestamp(at // SECOND, zone)
    if isinstance(node, Weekday):
        return when.weekday() in node.days
    if isinstance(node, Month):
        return when.month in node.months
    minutes = when.hour * 60 + when.minute
    if node.since < node.until:
        return node.since <= minutes < node.until
    return minutes >= node.since or minutes < node.until


# What is kept of a source


class _Leaf:
    """A leaf's state: what it says, the side that is passed, and what was measured last."""

    __slots__ = ("holds", "limit", "measure", "side", "track")

    def __init__(self, track: Any = None, side: str | None = None) -> None:
        self.holds = UNKNOWN
        self.side = side
        self.measure: Any = None
        self.limit: float | None = None
        self.track = track


class _Held:
    """How long a condition has held, and whether it has lasted."""

    __slots__ = ("on", "since")

    def __init__(self, *, on: bool) -> None:
        self.since: int | None = None
        self.on = on


class Stretch:
    """The readings of the last `span`, for min, max, sum and count; one instant holds one, the last one said."""

    __slots__ = ("first", "points", "span")

    def __init__(self, span: int) -> None:
        """Nothing was heard yet."""
        self.span = span
        self.first: int | None = None
        self.points: deque[tuple[int, float]] = deque(maxlen=WINDOWED)

    def add(self, at: int, value: float) -> None:
        """Take a reading."""
        if self.first is None:
            self.first = at
        if self.points and self.points[-1][0] == at:
            self.points.pop()
        self.points.append((at, value))

    def measure(self, how: str, at: int) -> float | None:
        """What they make at an instant; None before the span has passed once, or of no reading where it takes one."""
        while self.points and self.points[0][0] <= at - self.span:
            self.points.popleft()
        if self.first is None or at - self.first < self.span:
            return None
        if how == "count":
            return float(len(self.points))
        values = [one[1] for one in self.points]
        if how == "sum":
            try:
                return windows.number(math.fsum(values))
            except OverflowError:
                return None
        return (min if how == "min" else max)(values, default=None)


def _new_state(node: Node, *, standing: bool) -> Any:
    if isinstance(node, Lasting):
        return _Held(on=standing)
    side = None
    if standing and isinstance(node, Limit | Rate) and node.hysteresis:
        side = BELOW if limits_of(node)[1] is None else ABOVE
    if isinstance(node, Limit):
        track = None if node.measure is None else (
            windows.Average(node.over) if node.measure == "mean" else Stretch(node.over)
        )  # fmt: skip
        return _Leaf(track, side)
    if isinstance(node, Rate):
        return _Leaf(windows.Window(node.over, SLOPES), side)
    if isinstance(node, Flat):
        return _Leaf(windows.Run(node.tolerance * (1.0 + 1e-9)))
    return _Leaf() if isinstance(node, Equals | Implausible | Silent | Apart) else None


def limits_of(node: Limit | Rate) -> tuple[float | None, float | None]:
    """The lowest and the highest that is well."""
    if isinstance(node, Limit):
        return node.beyond.low, node.beyond.high
    return (
        None if node.side == "rises" else -node.per_hour,
        None if node.side == "falls" else node.per_hour,
    )


def _unit(node: Node) -> str | None:
    if isinstance(node, Limit | Implausible):
        return node.beyond.unit
    return node.unit if isinstance(node, Rate | Flat | Apart) else None


def _cross(node: Limit | Rate, leaf: _Leaf, measure: float) -> None:
    """Compare; the side that is passed is remembered, for that is what hysteresis holds."""
    low, high = limits_of(node)
    found = crossing(measure, low, high)
    held = found or (crossing(measure, low, high, node.hysteresis, leaf.side) if leaf.side is not None else None)
    leaf.measure = measure
    leaf.side = None if held is None else held.side
    leaf.limit = None if held is None else held.limit
    leaf.holds = NO if held is None else YES if found is not None else _STAYS


_STAYS: Final = Holds(False, True)


# Readings


def _hear_limit(node: Any, leaf: _Leaf, at: int, _value: Any, number: float | None) -> None:
    if number is None:
        return
    if node.measure is None:
        _cross(node, leaf, number)
    elif node.measure == "mean":
        decibel = node.beyond.unit == DECIBEL
        leaf.track.add(at, energy(number) if decibel else number)
        mean = leaf.track.mean if leaf.track.covered >= COVERED * node.over else None
        mean = windows.number(mean if mean is None or not decibel else level(mean))
        if mean is not None:
            _cross(node, leaf, mean)
    else:
        leaf.track.add(at, number)


def _hear_rate(node: Any, leaf: _Leaf, at: int, _value: Any, number: float | None) -> None:
    track = leaf.track
    if number is None or (track.newest is not None and at - track.newest < node.over // SLOPES):
        return
    track.add(at, number)
    if len(track) >= node.readings and track.covered >= SLOPED * node.over:
        slope = windows.number(windows.slope(track.points))
        if slope is not None:
            _cross(node, leaf, slope)


def _hear_flat(node: Any, leaf: _Leaf, at: int, _value: Any, number: float | None) -> None:
    if number is None:
        return
    leaf.track.add(at, number)
    stuck = leaf.track.count >= node.readings and at - leaf.track.begin >= node.span
    leaf.measure = number
    leaf.holds = YES if stuck else NO


def _hear_equals(node: Any, leaf: _Leaf, _at: int, value: Any, _number: float | None) -> None:
    leaf.measure = value
    leaf.holds = YES if same(value, node.value) else NO


def _hear_implausible(node: Any, leaf: _Leaf, _at: int, value: Any, number: float | None) -> None:
    found = implausible(value, number, node.beyond.low, node.beyond.high)
    leaf.measure = value if number is None else number
    leaf.limit = None if found is None else found.limit
    leaf.holds = NO if found is None else YES


def _hear_silent(_node: Any, leaf: _Leaf, at: int, _value: Any, _number: float | None) -> None:
    leaf.track = at


def _hear_apart(_node: Any, leaf: _Leaf, _at: int, _value: Any, number: float | None) -> None:
    if number is not None:
        leaf.measure = number


_HEAR: Final[dict[type, Callable[[Any, _Leaf, int, Any, float | None], None]]] = {
    Limit: _hear_limit,
    Rate: _hear_rate,
    Flat: _hear_flat,
    Equals: _hear_equals,
    Implausible: _hear_implausible,
    Silent: _hear_silent,
    Apart: _hear_apart,
}


# Instants


def _look_limit(node: Any, leaf: _Leaf, at: int) -> Holds:
    if isinstance(leaf.track, Stretch):
        measure = leaf.track.measure(node.measure, at)
        if measure is None:
            return UNKNOWN
        _cross(node, leaf, measure)
    return leaf.holds


def _look_silent(node: Any, leaf: _Leaf, at: int) -> Holds:
    if leaf.track is None:
        return UNKNOWN
    leaf.measure = (at - leaf.track) / SECOND
    leaf.holds = YES if at - leaf.track >= node.span else NO
    return leaf.holds


def _look_heard(_node: Any, leaf: _Leaf, _at: int) -> Holds:
    return leaf.holds


_LOOK: Final[dict[type, Callable[[Any, _Leaf, int], Holds]]] = {
    Limit: _look_limit,
    Rate: _look_heard,
    Flat: _look_heard,
    Equals: _look_heard,
    Implausible: _look_heard,
    Silent: _look_silent,
}


def _apart(node: Apart, leaf: _Leaf, others: Others) -> Truth:
    if leaf.measure is None:
        return None
    numbers = [
        number
        for one in others(node.group, node.attribute)
        if fits(one.unit, node.unit) and (number := measured(one.value, one.unit, node.unit)) is not None
    ]
    if len(numbers) < node.least:
        return None
    leaf.limit = float(median(numbers))
    by = leaf.measure - leaf.limit
    far = bool(by > node.by if node.side == "above" else -by > node.by if node.side == "below" else abs(by) > node.by)
    leaf.holds = YES if far else NO
    return far


def _lasting(node: Lasting, held: _Held, below: Holds, at: int) -> Holds:
    rings = below.rings
    if rings is True:
        if held.since is None:
            held.since = at
        rings = at - held.since >= node.span
        held.on = held.on or rings
    elif rings is False:
        held.since = None
    if below.stays is False:
        held.on = False
    return Holds(rings, True if held.on else rings)


_STATELESS: Final = (Near, Apart, Daytime, Weekday, Month, All, Some, Not)


def _timed(node: Node) -> bool:
    return isinstance(node, Lasting | Silent | Near | Apart | Daytime | Weekday | Month) or (
        isinstance(node, Limit) and node.measure not in {None, "mean"}
    )


def _horizon(node: Node) -> int:
    if isinstance(node, Lasting):
        return node.span + _horizon(node.of)
    if isinstance(node, Limit):
        return 2 * node.over
    if isinstance(node, Rate):
        return node.over
    if isinstance(node, Silent | Flat):
        return 2 * node.span
    return max((_horizon(one) for one in parts(node)), default=0)
