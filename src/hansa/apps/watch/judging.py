"""From one reading to what must be said about it: nothing, nearly always. Held by tests/apps/test_watch.py."""

from collections.abc import Iterator

from hansa import City, Delete, Entity, windows
from hansa.apps.watch import alarms
from hansa.apps.watch.measuring import COVERED, DECIBEL, SLOPED, SLOPES, fits, measured
from hansa.apps.watch.memory import (
    Held,
    Measured,
    Pending,
    Reading,
    Standing,
    Track,
    past,
    there,
    watched,
)
from hansa.apps.watch.rule import Rule
from hansa.apps.watch.science import Crossing, Judged, crossing, energy, further, implausible, lasted, level

FLAT = "flat"
SILENT = "silent"

Said = list[Entity | Delete]


def judge(held: Held, reading: Reading, city: City) -> Said | tuple[()]:
    """What a rule says about a reading."""
    rule = held.rule
    source = reading.entity.id
    if rule.kind == "silence":
        return _heard(held, reading, city)
    if reading.unit != rule.unit and not fits(reading.unit, rule.unit):
        return _unfit(held, reading, city)
    said: Said = _fit(held, source, city) if held.unfit else []
    standing = held.open.get(source)
    number = measured(reading.value, reading.unit, rule.unit)
    if number is None and rule.kind != "implausible":
        return said  # no measurement; an `implausible` rule says so
    was = None if standing is None else standing.side
    if rule.kind == "threshold" and not rule.average:
        judged: Judged | None = None
        found = crossing(number, rule.low, rule.high, rule.hysteresis, was)  # type: ignore[arg-type]  # not None: see above
        if found is None and standing is None and not held.pending:
            return said  # the way of nearly every reading
        judged = Judged(number, found)
    else:
        judged = assess(rule, _track(held, reading, city), Measured(reading.at, number, reading.value), was)
    if judged is not None:
        said.extend(_decide(held, reading, judged, standing, city))
    return said


def assess(rule: Rule, track: Track | None, point: Measured, was: str | None) -> Judged | None:
    """Measure and compare; the track takes the reading. None: it cannot be said yet."""
    at, number, value = point
    if rule.kind == "implausible":
        return Judged(number, implausible(value, number, rule.low, rule.high))
    if number is None:
        return None
    measure: float | None = number
    if isinstance(track, windows.Run):
        track.add(at, number)
        stuck = track.count >= rule.readings and lasted(track.begin, at, rule.lasting)
        return Judged(number, Crossing(FLAT, rule.lasting / 1_000_000) if stuck else None, track.begin)
    if isinstance(track, windows.Average):
        track.add(at, energy(number) if rule.unit == DECIBEL else number)
        mean = track.mean if track.covered >= COVERED * rule.average else None
        measure = mean if mean is None or rule.unit != DECIBEL else level(mean)
    elif isinstance(track, windows.Window):
        if track.newest is not None and at - track.newest < rule.window // SLOPES:
            return None  # readings that come faster than a slope needs would push the old ones out
        track.add(at, number)
        ready = len(track) >= rule.readings and track.covered >= SLOPED * rule.window
        measure = windows.slope(track.points) if ready else None
    measure = windows.number(measure)  # sums of huge numbers may not be finite
    if measure is None:
        return None
    return Judged(measure, crossing(measure, rule.low, rule.high, rule.hysteresis, was))


def _decide(held: Held, reading: Reading, judged: Judged, standing: Standing | None, city: City) -> Said:
    """Raise, hold off, update, clear, or nothing."""
    rule, source, found = held.rule, reading.entity.id, judged.found
    if found is None:
        held.pending.pop(source, None)
        if standing is None:
            return []
        del held.open[source]
        return [alarms.closed(city, rule, reading, judged.measure, standing)]
    if standing is not None:
        return _worse(city, rule, reading, judged, found, standing)
    since = reading.at if judged.since is None else judged.since
    if rule.hold_off and rule.kind != "flat":
        pending = held.pending.get(source)
        if pending is None:
            since = _began(held, reading, city)
            seen = reading.seen if since == reading.at else since
            held.pending[source] = pending = Pending(since, seen, reading, judged)
        else:
            since = pending.at
            pending.newest, pending.judged = reading, judged
        if not lasted(since, reading.at, rule.hold_off):
            return []
    return raise_(held, reading, judged, since, city)


def raise_(held: Held, reading: Reading, judged: Judged, since: int, city: City) -> Said:
    """Open the alarm, unless its rule was taken away meanwhile."""
    source = reading.entity.id
    held.pending.pop(source, None)
    found = judged.found
    if found is None or there(city, held.rule.id) is None:
        return []  # its rule went; the next round forgets it
    alert = alarms.ident(source, held.rule.called, held.rule.name)
    held.open[source] = Standing(alert, found.side, found.limit, judged.measure, since)
    return list(alarms.raised(city, held.rule, reading, judged, since))


def _worse(city: City, rule: Rule, reading: Reading, judged: Judged, found: Crossing, standing: Standing) -> Said:
    """An alarm that stands is said again only on another side, with another limit, or at a new extreme."""
    same = found.side == standing.side and found.limit == standing.limit
    if same and (
        judged.measure is None
        or rule.kind == FLAT
        or standing.extreme is None
        or not further(judged.measure, standing.extreme, found.side, found.limit, rule.hysteresis)
    ):
        return []
    said: Said = []
    if found.limit is None and standing.limit is not None:
        said.append(Delete(standing.alert, "limit"))  # 990 passed a limit; "NaN" passes none
    standing.side, standing.limit, standing.extreme = found.side, found.limit, judged.measure
    said.append(alarms.updated(city, rule, reading, judged, standing.since))
    return said


def _track(held: Held, reading: Reading, city: City) -> Track | None:
    """The source's window, made from history the first time."""
    rule = held.rule
    if rule.kind == "implausible":
        return None
    track = held.tracks.get(reading.entity.id)
    if track is None:
        known = past(city, reading, rule, span=_horizon(rule))
        track = held.keep(reading.entity.id, _new_track(rule))
        for one in known:
            assess(rule, track, one, None)
    return track


def _horizon(rule: Rule) -> int:
    """How far back the readings reach that a window is made of."""
    return {"rate": rule.window, "threshold": rule.average, "flat": 2 * rule.lasting}[rule.kind]


def _new_track(rule: Rule) -> Track:
    if rule.kind == "flat":
        return windows.Run(rule.tolerance * (1.0 + 1e-9))  # 1.02 - 1.00 is a little more than 0.02
    if rule.kind == "rate":
        return windows.Window(rule.window, SLOPES)
    return windows.Average(rule.average)


def _began(held: Held, reading: Reading, city: City) -> int:
    """When what holds now began to hold, from the readings before this one (this process may have begun since)."""
    rule = held.rule
    if rule.kind == "implausible" or (rule.kind == "threshold" and not rule.average):
        for most in (50, 10_000):
            before = past(city, reading, rule, most=most)
            began = reading.at
            for one in reversed(before):
                judged = assess(rule, None, one, None)
                if judged is not None and judged.found is None:
                    return began
                began = began if judged is None else one.at
            if len(before) < most:
                break
        return began
    horizon = _horizon(rule)
    before = past(city, reading, rule, span=2 * (horizon + rule.hold_off))
    track = _new_track(rule)
    since: int | None = None
    for one in before:
        judged = assess(rule, track, one, None)
        if judged is None or judged.found is None:
            since = None
        elif since is None:
            since = one.at
    return reading.at if since is None else since


def _heard(held: Held, reading: Reading, city: City) -> Said | tuple[()]:
    """A source speaks: remember it, and close its silence. What the app reads late, after an outage, is no news."""
    source = reading.entity.id
    held.heard[source] = max(held.heard.get(source, 0), reading.seen)
    if source not in held.open or lasted(reading.seen, city.now(), held.rule.lasting):
        return ()
    standing = held.open.pop(source)
    return [alarms.closed(city, held.rule, reading, None, standing)]


def _unfit(held: Held, reading: Reading, city: City) -> Said | tuple[()]:
    source = reading.entity.id
    if source in held.unfit:
        return ()
    rule = held.rule
    held.unfit[source] = alarms.ident(source, alarms.CONFIGURATION, rule.name)
    name, who = rule.name[:100], reading.entity.key[:100]
    said = (
        f"The watch rule {name} has its limits in {rule.unit}, but {rule.attribute[:100]} of {who} "
        f"comes in {str(reading.unit)[:40]}, which does not convert; it is not watched."
    )
    return list(alarms.misconfigured(city, reading.entity, rule.id, rule.name, said))


def _fit(held: Held, source: str, city: City) -> Said:
    alert = held.unfit.pop(source, None)
    return [] if alert is None else [alarms.withdrawn(alert, "the unit can be compared again", city.now())]


def overdue(held: Held, city: City) -> Iterator[Entity | Delete]:
    """What has lasted long enough by the city's clock though nobody spoke: hold-offs and silences."""
    rule, now = held.rule, city.now()
    for source, pending in list(held.pending.items()):
        if lasted(pending.seen, now, rule.hold_off) and (entity := there(city, source)) is not None:
            name = pending.newest.name
            # A newer reading is on its way here as a Change, and will be judged when it comes.
            if entity.get(name) == pending.newest.value and entity.at(name) in {None, pending.newest.at}:
                yield from raise_(held, pending.newest, pending.judged, pending.at, city)
    if rule.kind == "silence":
        yield from _silent(held, city, now)


def _silent(held: Held, city: City, now: int) -> Iterator[Entity | Delete]:
    rule = held.rule
    for source, seen in list(held.heard.items()):
        if source in held.open or not lasted(seen, now, rule.lasting):
            continue
        entity = there(city, source)
        name = None if entity is None else watched(entity, rule)
        if entity is None or name is None:
            del held.heard[source]
            continue
        newest = city.history(source, name, last=1)
        at = newest[-1][0] if newest else seen
        if seen < at <= now and not lasted(at, now, rule.lasting):
            held.heard[source] = at  # heard after the last Change that came this far
            continue
        judged = Judged(None, Crossing(SILENT, rule.lasting / 1_000_000))
        reading = Reading(entity, name, entity[name], None, at, seen, newest[-1][2] if newest else 0)
        yield from raise_(held, reading, judged, min(seen, now), city)
