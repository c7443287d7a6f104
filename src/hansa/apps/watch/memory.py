"""What watch keeps in mind about one city: its rules, the alarms that stand, and what is about to become one.

All of it can be made again from entities and history (a process may end at any time): the rules from the WatchRules,
the alarms from the open Alerts, hold-offs and windows from the readings themselves. Held by tests/apps/test_watch.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from hansa import City, Entity, windows
from hansa.apps.watch.measuring import fits, measured
from hansa.apps.watch.rule import Rule, Unusable, read
from hansa.apps.watch.science import Judged
from hansa.apps.watch.weighing import Mind, Scales

if TYPE_CHECKING:
    from hansa.apps.watch.neighbours import Crowd

RULES = 5_000  # WatchRules of one city
ALARMS = 100_000  # alarms that stand at once
TRACKS = 20_000  # windows of one rule; the oldest go, and are made again from history when their source speaks


class Reading(NamedTuple):
    """One value of one source. `at` is when it was measured, `seen` when the city took it (microseconds)."""

    entity: Entity
    name: str  # the attribute's name as stored
    value: Any
    unit: str | None
    at: int
    seen: int
    seq: int


class Measured(NamedTuple):
    """A reading as a rule takes it: the number in the rule's unit (None: it is no number), and what was said."""

    at: int
    number: float | None
    value: Any


@dataclass(slots=True)
class Standing:
    """An alarm that stands: the side that is passed, the limit, and the extreme that was last said."""

    alert: str
    side: str
    limit: float | None
    extreme: float | None
    since: int


@dataclass(slots=True)
class Pending:
    """A condition that holds and has not lasted yet. `at` and `seen` are its beginning, the rest its newest reading."""

    at: int
    seen: int
    newest: Reading
    judged: Judged


Track = windows.Window | windows.Average | windows.Run


@dataclass(slots=True)
class Held:
    """One rule and what it has in mind, by source."""

    rule: Rule
    open: dict[str, Standing] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)  # for silence: when the city last took a reading
    unfit: dict[str, str] = field(default_factory=dict)  # source -> its alert, where units do not convert
    fresh: bool = False  # it is new or changed, and what stands already must be judged by it
    warm: bool = False  # what was pending or heard before this process began is known
    scales: Scales | None = None  # of a joined rule, and what it keeps of each source
    minds: dict[str, Mind] = field(default_factory=dict)

    def quiet(self, source: str, value: Any, unit: Any) -> bool:
        """Whether there is plainly nothing to say: the way of nearly every reading, so it costs next to nothing."""
        rule = self.rule
        if not rule.plain or (type(value) is not float and type(value) is not int):
            return False
        if unit != rule.unit and unit is not None and rule.unit is not None:
            return False
        if source in self.open or source in self.pending or self.unfit:
            return False
        return (rule.high is None or value <= rule.high) and (rule.low is None or value >= rule.low)

    def keep(self, source: str, track: Track) -> Track:
        """Keep a window; the oldest makes room."""
        if len(self.tracks) >= TRACKS:
            del self.tracks[next(iter(self.tracks))]
        self.tracks[source] = track
        return track


class Memory:
    """Rules by type and attribute, and what each has in mind."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.seq = 0
        self.held: dict[str, Held] = {}
        self.faults: dict[str, str] = {}  # WatchRule -> why it cannot be used
        self.by_type: dict[str, dict[str, tuple[Held, ...]]] = {}
        self.joined: dict[str, dict[str, tuple[Held, ...]]] = {}  # the same, of joined rules
        self.crowds: dict[str, Crowd] = {}  # by type: the others that joined rules look at
        self.zone: tzinfo = UTC

    def looks(self, kind: str) -> bool:
        """Whether anything is to be done with entities of a type."""
        return kind in self.by_type or kind in self.joined or kind in self.crowds

    def load(self, city: City, *, fresh: bool) -> None:
        """Read all rules; what is new or changed is `fresh`. What is gone is forgotten."""
        found = {one.id: one for one in city.find("WatchRule", limit=RULES)}
        for ident in [i for i in (*self.held, *self.faults) if i not in found]:
            self.forget(ident)
        for one in found.values():
            self.learn(one, fresh=fresh)
        self.sort()

    def learn(self, entity: Entity, *, fresh: bool) -> None:
        """Take one WatchRule as it is now. Call `sort` after the last."""
        try:
            rule = read(entity)
        except Unusable as fault:
            self.forget(entity.id)
            self.faults[entity.id] = str(fault)
            return
        known = self.held.get(entity.id)
        if rule is None:
            self.forget(entity.id)
        elif known is None or known.rule != rule:
            self.faults.pop(entity.id, None)
            scales = None if rule.condition is None else Scales(rule.condition, self.zone)
            self.held[entity.id] = Held(rule, {} if known is None else known.open, fresh=fresh, scales=scales)

    def forget(self, ident: str) -> None:
        """The rule is gone, off, or of no use."""
        self.held.pop(ident, None)
        self.faults.pop(ident, None)

    def sort(self) -> None:
        """Make the tables that every Change asks."""
        table: dict[str, dict[str, tuple[Held, ...]]] = {}
        joined: dict[str, dict[str, tuple[Held, ...]]] = {}
        for held in self.held.values():
            by_name = (table if held.scales is None else joined).setdefault(held.rule.type, {})
            for name in (held.rule.attribute,) if held.scales is None else held.scales.names:
                by_name[name] = (*by_name.get(name, ()), held)
        self.by_type, self.joined = table, joined


def there(city: City, ident: str) -> Entity | None:
    """The entity, or None."""
    try:
        return city.get(ident)
    except Exception as missing:
        # The façade hands out no NotFound; its status is the part of it that an app can know.
        if getattr(missing, "status", None) == 404:
            return None
        raise


_IRIS = ("https://smartdatamodels.org/", "https://uri.fiware.org/ns/")


def short(name: str) -> str:
    """The term of a Smart Data Models' IRI; other names stay."""
    return name.replace("#", "/").rsplit("/", 1)[1] if name.startswith(_IRIS) else name


def stored(entity: Entity, attribute: str) -> str | None:
    """Under which name an entity has the attribute, or None."""
    if attribute in entity.doc:
        return attribute
    return next((n for n in entity.doc if ":" in n and short(n) == attribute), None)


def watched(entity: Entity, rule: Rule) -> str | None:
    """The stored name of what the rule watches on an entity; None when it does not say it."""
    name = stored(entity, rule.attribute)
    return name if name is not None and name in entity else None


def current(city: City, entity: Entity, rule: Rule) -> Reading | None:
    """The newest reading of what the rule watches on an entity; None when it does not say it."""
    name = watched(entity, rule)
    if name is None:
        return None
    newest = city.history(entity.id, name, last=1)
    at = entity.at(name)
    if at is None:
        at = newest[-1][0] if newest else city.now()
    seq = newest[-1][2] if newest else 0
    # When the city took it is not known any more; a measurement is taken soon after it was made.
    return Reading(entity, name, entity[name], unit_of(entity, name), at, min(at, city.now()), seq)


def unit_of(entity: Entity, name: str) -> str | None:
    """The unit of the default instance, or None."""
    entry = entity.doc[name]
    if type(entry) is dict:
        code = entry.get("unitCode")
        return code if isinstance(code, str) else None
    return entity.attribute(name).unit


def past(city: City, reading: Reading, rule: Rule, *, span: int = 0, most: int = 10_000) -> list[Measured]:
    """The readings before this one, oldest first; late ones left out.

    Those of the last `span` microseconds, or the newest `most`.
    """
    since = reading.at - span if span else None
    points = city.history(reading.entity.id, reading.name, since, reading.at + 1, last=most)
    return list(reversed(list(_in_order(points, reading.seq, rule))))


def _in_order(points: Any, before: int, rule: Rule) -> Iterable[Measured]:
    for point in in_order(points, before):
        unit = point[3].get("unitCode")
        number = measured(point[1], unit, rule.unit) if fits(unit, rule.unit) else None
        yield Measured(point[0], number, point[1])


def in_order(points: Any, before: int) -> Iterable[Any]:
    """Newest first. A reading is late when one that was measured after it was said before it."""
    for point in reversed(points):
        if point[2] < before:
            before = point[2]
            yield point


def zone_of(city: City) -> tzinfo:
    """The zone that the city's days follow."""
    return ZoneInfo(str(city.setting("timezone", "UTC")))


def iso(at: int) -> str:
    """An instant as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
