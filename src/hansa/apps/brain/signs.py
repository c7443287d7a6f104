"""What brain keeps in mind of every source, and what it says of it: a VitalSign a source, VitalSigns of all of them.

A source is a Device, or whoever says entities of a type that the setting `feeds` names. What is in mind can be made
again from Device and VitalSign entities and from the history of `readings`, so a restart loses nothing. Each VitalSign
bears the label of its source (or of what it measures, where that is stricter), and sources are counted by label: who
may not see a source does not find it in a count either. Held by tests/apps/test_brain.py.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from statistics import median
from typing import Any, Final, NamedTuple

from hansa import Attribute, Change, City, Delete, Entity, entity, geo
from hansa.apps.brain.counting import SIGNS, Counts, Place
from hansa.apps.brain.vitals import HOUR, SECOND, STATES, Expected, Gaps, Source, expected, learn, urgency
from hansa.apps.brain.words import digest_of, instant, iso, seconds, there

SIGN: Final = "VitalSign"
REMEMBERED: Final = 100_000
"""Sources that are kept in mind; beyond it, those that speak."""
SAID: Final = 900
"""Words of one round; the city takes 1,000. What is left over is said in the next."""
LOOKED: Final = 3_000
"""Sources that one round judges: some 20 µs each."""
RECALLED: Final = 60
"""Sources of which a round reads the past: 1 to 3 ms each."""
PULSE_ID: Final = "urn:ngsi-ld:VitalSigns:pulse"
PULSE: Final = 60 * SECOND
"""How often it is said that somebody still looks."""
DELAY_S: Final = 60.0
"""The city writes down once a minute when its devices were heard."""
TEXT: Final = 100
AREAS: Final = ("District", "AdministrativeArea", "CityDistrict", "Neighbourhood")

Said = Iterator[Entity | Delete]


class Area(NamedTuple):
    """A named part of the city."""

    name: str
    query: geo.GeoQuery


@dataclass(slots=True)
class Known:
    """One source, and what was said of it last."""

    source: Source
    kind: str = "device"
    name: str = ""
    measures: str = ""
    department: str = ""
    area: str = ""
    declared: Any = None
    active: bool = True
    label: str | None = None
    place: Any = None
    asset: str = ""
    due: Expected | None = None
    said: dict[str, Any] = field(default_factory=dict)
    counted: Place | None = None
    recalled: bool = False
    written: int = 0
    """When its Device was written last."""


@dataclass(slots=True)
class Signs:
    """All sources of a realm."""

    seq: int = 0
    known: dict[str, Known] = field(default_factory=dict)
    fresh: dict[str, None] = field(default_factory=dict)
    """Of whom there is something to say, in their order."""
    slow: dict[str, None] = field(default_factory=dict)
    """Whose day is to be told anew, because an hour is over."""
    turning: list[tuple[int, str]] = field(default_factory=list)
    """(when it will be in another state without a word, id): a heap, with what no longer holds still in it."""
    recall: deque[str] = field(default_factory=deque)
    written: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    """Seconds between two records of a device that spoke several times between them."""
    counts: Counts = field(default_factory=Counts)
    pulse: int = 0
    hour: int = 0
    areas: list[Area] = field(default_factory=list)

    @property
    def delay_s(self) -> float:
        """How often devices are written down; seldom by the city's own clock, where that runs fast."""
        return max(DELAY_S, median(self.written)) if self.written else DELAY_S


def begin(city: City) -> Signs:
    """What is known of all sources from what the city holds."""
    signs = Signs(areas=_areas(city))
    kept: dict[str, Entity] = {}
    for one in city.find(SIGN, limit=REMEMBERED):
        ref = one.get("refSource")
        if isinstance(ref, str):
            kept[ref] = one
    for device in city.find("Device", limit=REMEMBERED):
        known = _device(signs, device, kept.pop(device.id, None))
        heard = instant(device.get("lastSeen"))
        known.source.heard = max(known.source.heard, heard or 0)
    for ref, sign in kept.items():
        if sign.get("kind") == "feed":
            known = Known(Source(ref), kind="feed", name=_text(sign.get("name")), measures=_text(sign.get("measures")))
            known.label = sign.label
            known.department = _owner(sign.label)
            _take_up(known, sign)
            signs.known[ref] = known
        else:
            known = Known(Source(ref), said=_values(sign), label=sign.label)
            known.kind = ""  # its device is gone
            signs.known[ref] = known
        signs.fresh[ref] = None
    for one in city.find(SIGNS, limit=REMEMBERED):
        if "counts" in one:
            signs.counts.know(one.label or "")
    for known in signs.known.values():
        if known.kind and (state := known.said.get("state")) in STATES:
            names = (known.kind, known.measures, known.department, known.area)
            _count(signs, known, Place(known.said.get("@label", ""), state, names))
    return signs


def hear(signs: Signs, change: Change, city: City) -> None:
    """A Device was written down: it spoke, moved, or is another now."""
    device = change.entity
    known = signs.known.get(device.id)
    if change.gone:
        if known is not None:
            known.kind = ""
            signs.fresh[device.id] = None
        return
    if known is None:
        if len(signs.known) >= REMEMBERED:
            return
        known = _device(signs, device, there(city, sign_id(device.id)))
    else:
        _dress(signs, known, device)
    taken = refused = 0
    for part in change.parts:
        if part.name == "readings":
            taken = _more(part.old, part.new)
        elif part.name == "refusals":
            refused = _more(part.old, part.new)
    heard = instant(device.get("lastSeen"))
    if heard is not None and heard > known.source.heard:
        if taken > 1 and 0 < change.at - known.written < 24 * HOUR:
            signs.written.append((change.at - known.written) / SECOND)
        known.written = change.at
        first = change.at - int(signs.delay_s * SECOND)
        known.source.hear(heard, taken, refused, first if known.source.heard else None)
    signs.fresh[device.id] = None


def hear_feed(signs: Signs, change: Change) -> None:
    """Somebody said an entity of a type that is watched as a feed."""
    if change.actor.startswith(("device:", "person:")):
        return
    measures = change.entity.type.rsplit("/", 1)[-1]
    label = change.entity.label
    # Under another label it is another source: who does not see one must not count it.
    ref = f"urn:ngsi-ld:Feed:{digest_of(f'{change.actor} {measures} {label}')}"
    known = signs.known.get(ref)
    if known is None:
        if len(signs.known) >= REMEMBERED:
            return
        known = Known(Source(ref), kind="feed", name=f"{measures} of {change.actor}"[:TEXT], measures=measures)
        known.label, known.department, known.recalled = label, _owner(label), True
        signs.known[ref] = known
    known.source.hear(change.at)
    signs.fresh[ref] = None


def tell(signs: Signs, city: City) -> Said:
    """What is new of the sources: who turned, who is back, and once an hour how the day was."""
    now = city.now()
    if now // HOUR != signs.hour:
        signs.hour = now // HOUR
        signs.areas = _areas(city)
        signs.slow.update(dict.fromkeys(signs.known))
    while signs.turning and signs.turning[0][0] <= now:
        signs.fresh[heapq.heappop(signs.turning)[1]] = None
    _recall(signs, city)
    room, looked = SAID, LOOKED
    for waiting in (signs.fresh, signs.slow):  # who turned comes before those whose hour is over
        for ident in list(islice(waiting, looked)):
            if room <= 0:
                break
            del waiting[ident]
            looked -= 1
            for one in _say(signs, ident, city, now):
                room -= 1
                yield one
    # A city without sources has no pulse: an empty broker stays empty.
    if signs.known and (now - signs.pulse >= PULSE or not signs.pulse):
        signs.pulse = now
        yield entity(
            SIGNS, PULSE_ID, at=iso(now), delay=Attribute(round(signs.delay_s), "SEC"), waiting=len(signs.fresh)
        )
    yield from islice(signs.counts.news(), max(1, room))


def _say(signs: Signs, ident: str, city: City, now: int) -> Said:
    known = signs.known.get(ident)
    if known is None:
        return
    if not known.kind:
        _count(signs, known, None)
        del signs.known[ident]
        if known.said:
            yield Delete(sign_id(ident))
        return
    source = known.source
    unknown = (seconds(city, "late_s", 5_400.0), seconds(city, "silent_s", 86_400.0))
    delay_s = signs.delay_s if known.kind == "device" else 0.0
    due = known.due = expected(known.declared, source.gaps, unknown, delay_s)
    state = source.judge(now, due, active=known.active)
    if (turns := source.turns(due)) is not None:
        heapq.heappush(signs.turning, (max(turns, now + SECOND), ident))
    label = _label(known, city)
    _count(signs, known, Place(label, state, (known.kind, known.measures, known.department, known.area)))
    said = _figures(known, now, due)
    if known.said and known.said.get("@label") != label:
        # A label is not taken back by saying none: it is said anew, in the next round.
        yield Delete(sign_id(ident))
        known.said = {}
        signs.fresh[ident] = None
        return
    changed = {name: value for name, value in said.items() if known.said.get(name) != value}
    gone = [name for name in known.said if name not in said and name != "@label"]
    if changed:
        made = entity(SIGN, sign_id(ident), **{name: _attribute(name, value) for name, value in changed.items()})
        made.label = label or None
        yield made
    for name in gone:
        yield Delete(sign_id(ident), name)
    known.said = said | {"@label": label}


def _figures(known: Known, now: int, due: Expected) -> dict[str, Any]:
    source = known.source
    day = source.day(now, due.interval_s)
    gaps = source.gaps
    said: dict[str, Any] = {
        "refSource": source.id,
        "kind": known.kind,
        "name": known.name,
        "measures": known.measures or None,
        "department": known.department or None,
        "area": known.area or None,
        "state": source.state,
        "urgency": urgency(source.state, day.complete, day.refused),
        "since": iso(source.since),
        "interval": _short(due.interval_s),
        "intervalIs": due.how,
        "median": _short(gaps.median),
        "longest": _short(gaps.longest),
        "completeness": None if day.complete is None else math.floor(day.complete * 100 + 0.5) / 100,
        "refused": day.refused,
        "strip": day.strip,
        "fell": [iso(at) for at in source.fell] or None,
    }
    # While it speaks, its Device says when; a Change a minute for each would say the same twice.
    if source.heard and source.state in {"silent", "late"}:
        said["heard"] = iso(source.heard)
    return {name: value for name, value in said.items() if value is not None}


def _attribute(name: str, value: Any) -> Any:
    if name == "refSource":
        return Attribute(value, kind="Relationship")
    if name in {"interval", "median", "longest"}:
        return Attribute(value, "SEC")
    return value


def _short(value_s: float | None) -> float | None:
    """Two figures: what is learned wavers, and that is no news."""
    if value_s is None or value_s <= 0:
        return None
    digits = 1 - math.floor(math.log10(value_s))
    return float(round(value_s, max(0, digits))) if digits >= 0 else float(round(value_s, digits))


def _count(signs: Signs, known: Known, now: Place | None) -> None:
    if known.counted != now:
        signs.counts.move(known.counted, now)
        known.counted = now


# ---- what a source is


def _device(signs: Signs, device: Entity, sign: Entity | None) -> Known:
    known = Known(Source(device.id))
    _dress(signs, known, device)
    if sign is not None:
        _take_up(known, sign)
    signs.known[device.id] = known
    signs.recall.append(device.id)
    signs.fresh[device.id] = None
    return known


def _dress(signs: Signs, known: Known, device: Entity) -> None:
    """What the Device says of itself."""
    known.kind = "device"
    known.name = _text(device.get("name")) or device.key[:TEXT]
    known.asset = _text(device.get("controlledAsset"), 2_048)
    parts = known.asset.split(":")
    known.measures = parts[2][:TEXT] if len(parts) > 3 and known.asset.startswith("urn:ngsi-ld:") else ""
    known.declared = device.get("reportingInterval")
    known.active = device.get("deviceState") not in {"quarantined", "revoked"}
    known.label = device.label
    known.department = _owner(device.label)
    address = device.get("address")
    said = address.get("addressLocality") if isinstance(address, dict) else device.get("areaServed")
    place = device.location
    if isinstance(said, str) and said.strip():
        known.area = said[:TEXT]
    elif place != known.place or not known.area:
        known.area = next((one.name for one in signs.areas if one.query.matches(place)), "") if place else ""
    known.place = place


def _take_up(known: Known, sign: Entity) -> None:
    """What was learned of a source before."""
    known.said = _values(sign) | {"@label": sign.label or ""}
    source = known.source
    state = sign.get("state")
    if state in STATES:
        source.state = state
        source.since = instant(sign.get("since")) or 0
    fell = sign.get("fell")
    source.fell = [at for one in (fell if isinstance(fell, list) else [fell]) if (at := instant(one)) is not None]
    heard = instant(sign.get("heard"))
    if heard:
        source.heard = max(source.heard, heard)
    median = sign.get("median")
    if isinstance(median, int | float) and median > 0:
        source.gaps.add(float(median), 5.0)  # until its past is read


def _recall(signs: Signs, city: City) -> None:
    """Read the past of some sources: how often they spoke, and how much in each of the last hours."""
    now = city.now()
    for _ in range(min(RECALLED, len(signs.recall))):
        known = signs.known.get(ident := signs.recall.popleft())
        if known is None or known.recalled:
            continue
        known.recalled = True
        points = city.history(ident, "readings", since=now - 26 * HOUR)
        spoken = [(p[0], p[1]) for p in points if isinstance(p[1], int) and not isinstance(p[1], bool)]
        if len(spoken) >= 2:
            known.source.gaps = Gaps()
        learn(known.source, [one for one in spoken if one[0] <= max(known.source.heard + 3_600 * SECOND, 1)])
        signs.fresh[ident] = None


def _label(known: Known, city: City) -> str:
    """The label of its device; that of what it measures, where this is about persons or for security alone."""
    if known.asset:
        asset = there(city, known.asset)
        own = None if asset is None else asset.label
        if own is not None and own.startswith(("personal", "security")):
            return own
    label = known.label or ""
    # What is open may be shown to everybody; how it is watched is for the staff.
    return "" if label.startswith("open") else label


def _owner(label: str | None) -> str:
    """The department in a label."""
    for part in (label or "").split(";")[1:]:
        if part.startswith("owner="):
            return part[6:][:TEXT]
    return ""


def _areas(city: City) -> list[Area]:
    found = []
    for kind in AREAS:
        for one in city.find(kind, limit=200):
            shape, name = one.location, one.get("name")
            if isinstance(shape, dict) and shape.get("type") in {"Polygon", "MultiPolygon"} and isinstance(name, str):
                found.append(Area(name[:TEXT], geo.GeoQuery("within", shape)))
    return found


def sign_id(ref: str) -> str:
    """The id of the VitalSign of a source: made, not drawn."""
    return f"urn:ngsi-ld:{SIGN}:{digest_of(ref)}"


def _values(one: Entity) -> dict[str, Any]:
    return {name: one.get(name) for name in one.names}


def _more(old: Any, new: Any) -> int:
    """How much more a counter says; a counter that began anew says all that it says."""
    values = [one.get("value") if isinstance(one, dict) else None for one in (old, new)]
    before, after = (one if isinstance(one, int) and not isinstance(one, bool) else 0 for one in values)
    return after - before if after >= before else after


def _text(value: Any, most: int = TEXT) -> str:
    return value[:most] if isinstance(value, str) else ""
