"""Joined rules in the city: whose condition is more than one leaf. Held by tests/apps/test_watch_joined.py.

A source is judged when it says something that its rule looks at, and with every round, for what time and others
change. What it said is remembered in a `Mind`, made from history when it is missing.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from hansa import Attribute, Change, City, Delete, Entity, labels
from hansa.apps.watch import alarms
from hansa.apps.watch.memory import TRACKS, Held, Memory, Standing, in_order, short, stored, there, unit_of
from hansa.apps.watch.neighbours import TooClose, asking, members
from hansa.apps.watch.tree import Group
from hansa.apps.watch.weighing import Mind, Other, Others, Scales

REMADE: Final = 10_000  # readings of one attribute that a Mind is made of, at most

ROUND: Final = 60_000_000
ROUNDS: Final = 1_500  # looks at a past that is made again, at most

Said = list[Entity | Delete]
Reading = tuple[int, int, str, Any, str | None]
"""When, with which Change, of which attribute, what, in which unit."""


def look(change: Change, memory: Memory, city: City) -> Said:
    """What the joined rules say about one Change."""
    entity = change.entity
    touched: dict[str, tuple[Held, list[Any]]] = {}
    for kind in entity.types:
        crowd = memory.crowds.get(kind) or memory.crowds.get(short(kind))
        if crowd is not None:
            crowd.meet(entity)
            for part in change.parts:
                if part.dataset is None and part.status != "late" and isinstance(part.new, dict):
                    at = measured_at(change, part)
                    if at is not None:
                        value = entity.get(part.name)
                        crowd.hear(entity.id, short(part.name), Other(value, part.new.get("unitCode"), at))
        table = memory.joined.get(kind) or memory.joined.get(short(kind)) or {}
        for part in change.parts:
            if part.dataset is None and part.status != "late" and (part.new is None or isinstance(part.new, dict)):
                for held in table.get(short(part.name), ()):
                    if held.rule.wants(entity.id):
                        touched.setdefault(held.rule.id, (held, []))[1].append(part)
    said: Said = []
    for held, heard in touched.values():
        said.extend(_heard(held, change, heard, memory, city))
    return said


def _heard(held: Held, change: Change, heard: list[Any], memory: Memory, city: City) -> Said:
    entity = change.entity
    scales = _scales(held)
    mind = held.minds.get(entity.id)
    if mind is None:
        mind = _made(held, entity, memory, city, before=change.seq)
    said: Said = []
    newest = -1
    for part in heard:
        if part.new is None:
            scales.unsay(mind, short(part.name))
            newest = max(newest, mind.at)
            continue
        at = measured_at(change, part)
        if at is None:
            continue
        newest = max(newest, at)
        unit = part.new.get("unitCode")
        fit = scales.hear(mind, short(part.name), at, entity.get(part.name), unit if isinstance(unit, str) else None)
        said.extend(_fitting(held, entity, part.name, unit, city, fit=fit))
    if newest >= 0:
        said.extend(judge(held, entity, mind, newest, memory, city, seq=change.seq))
    return said


def judge(
    held: Held, entity: Entity, mind: Mind, at: int, memory: Memory, city: City, *, seq: int = 0
) -> Iterator[Entity | Delete]:
    """Weigh a source at an instant: raise, clear, or nothing."""
    scales = _scales(held)
    read: list[tuple[str, str]] = []
    # Others are asked for what they said before the instant itself: whoever speaks at the same time, speaks after.
    others = asking(memory.crowds, held.rule.type, entity, max(at, mind.at), lambda *who: read.append(who))
    try:
        holds = scales.weigh(mind, at, others)
    except TooClose as fault:
        yield from _unfit(held, entity, f"its source {entity.key[:100]} has {fault}", city)
        return
    standing = held.open.get(entity.id)
    if standing is None and holds.rings is True and there(city, held.rule.id) is not None:
        yield from _raised(held, entity, mind, others, read, city, seq)
    elif standing is not None and holds.stays is False:
        del held.open[entity.id]
        yield alarms.joined_closed(city, held.rule, entity, standing)


def overdue(held: Held, memory: Memory, city: City) -> Iterator[Entity | Delete]:
    """What time or others have changed, though nobody spoke."""
    if not _scales(held).timed:
        return
    now = city.now()
    scales = _scales(held)
    for source, mind in list(held.minds.items()):
        if not scales.others:  # then the source need not be read to say that there is nothing to say
            holds = scales.weigh(mind, now)
            if (holds.rings is not True) if source not in held.open else (holds.stays is not False):
                continue
        entity = there(city, source)
        if entity is None:
            del held.minds[source]
        else:
            yield from judge(held, entity, mind, now, memory, city)


def sweep(held: Held, memory: Memory, city: City, most: int) -> Iterator[Entity | Delete]:
    """Judge every source as it stands."""
    for entity in city.find(held.rule.type, limit=most):
        if held.rule.wants(entity.id) and any(stored(entity, name) for name in _scales(held).names):
            # What was said after the last Change that came this far is on its way here, and judged when it comes.
            before = memory.seq + 1 if memory.seq else 2**62
            mind = held.minds.get(entity.id) or _made(held, entity, memory, city, before)
            yield from judge(held, entity, mind, mind.at, memory, city)
    held.warm = True


def misses(held: Held, entity: Entity) -> bool:
    """Whether a source says nothing that its rule looks at."""
    return not any((name := stored(entity, one)) is not None and name in entity for one in _scales(held).names)


def measured_at(change: Change, part: Any) -> int | None:
    """When it was measured; None when that was before what it overwrote (an NGSI-LD PATCH may do that)."""
    observed = part.new.get("observedAt")
    if observed is None:
        return change.at
    at = change.entity.at(part.name)
    if at is None:
        return change.at
    before = None if part.old is None else part.old.get("observedAt")
    if before is None or (before <= observed and len(before) == len(observed) and before[-1] == observed[-1] == "Z"):
        return at  # texts of one shape sort as their instants
    was = Attribute.of(part.old).at
    return None if was is not None and was > at else at


def _scales(held: Held) -> Scales:
    assert held.scales is not None  # noqa: S101  # `Memory.joined` holds none without
    return held.scales


# A Mind that is missing


def _made(held: Held, entity: Entity, memory: Memory, city: City, before: int = 2**62) -> Mind:
    """A Mind from history, of what was said before the Change `before`."""
    scales = _scales(held)
    mind = scales.mind(standing=entity.id in held.open)
    oldest = city.now()
    readings: list[Reading] = []
    for name in scales.names:
        known = stored(entity, name)
        if known is None:
            continue
        newest = city.history(entity.id, known, last=1)
        since = (newest[-1][0] if newest else city.now()) - scales.horizon
        oldest = min(oldest, since)
        edge = city.history(entity.id, known, None, since, last=1)
        points = [*edge, *city.history(entity.id, known, since, last=REMADE)]
        if not points and known in entity:
            at = entity.at(known)
            readings.append((city.now() if at is None else at, 0, name, entity[known], unit_of(entity, known)))
        readings.extend((one[0], one[2], name, one[1], one[3].get("unitCode")) for one in in_order(points, before))
    readings.sort(key=lambda one: one[:2])
    _replayed(scales, mind, readings, _past_of(held, entity, memory, city, oldest), city.now())
    if len(held.minds) >= TRACKS:
        del held.minds[next(iter(held.minds))]
    held.minds[entity.id] = mind
    return mind


def _replayed(scales: Scales, mind: Mind, readings: list[Reading], past: Callable[[int], Others], now: int) -> None:
    """Hear the readings again, and look between them as the rounds did, as far as that can matter."""
    rounds: Iterable[int] = ()
    if scales.timed and readings:
        step = max(ROUND, scales.horizon // ROUNDS)
        first = max(readings[0][0] + 1, now - scales.horizon - step)
        rounds = range(now - (now - first) // step * step, now + 1, step)
    found = sorted({at for at, *_ in readings} | set(rounds))
    i = 0
    try:
        for at in found:
            if at in rounds:
                scales.weigh(mind, at, past(at))
            heard = i
            while i < len(readings) and readings[i][0] == at:
                _, _, name, value, unit = readings[i]
                scales.hear(mind, name, at, value, unit)
                i += 1
            if i > heard:
                scales.weigh(mind, at, past(at))
    except TooClose:
        return  # said when it is judged


def _past_of(held: Held, entity: Entity, memory: Memory, city: City, since: int) -> Any:
    """What the others said in the past, as far as it is asked for: only a hold-off over neighbours needs it."""
    kept: dict[tuple[str, str], list[Other]] = {}

    def series(ident: str, name: str, fresh: int) -> list[Other]:
        found = kept.get((ident, name))
        if found is None:
            points = city.history(ident, name, since - fresh, last=REMADE)
            found = kept[ident, name] = [Other(p[1], p[3].get("unitCode"), p[0]) for p in points]
        return found

    def as_of(at: int) -> Others:
        def others(group: Group, name: str) -> Iterable[Other]:
            for ident in members(memory.crowds, held.rule.type, entity, group)[1]:
                one = next((o for o in reversed(series(ident, name, group.fresh)) if o.at < at), None)
                if one is not None and at - group.fresh < one.at:
                    yield one

        return others

    return as_of


# What is said


def _raised(
    held: Held,
    entity: Entity,
    mind: Mind,
    others: Others,
    read: list[tuple[str, str]],
    city: City,
    seq: int,
) -> Iterator[Entity | Delete]:
    scales = _scales(held)
    because = scales.because(mind, others)
    names = {one: stored(entity, one) or one for one in scales.names}
    label = _label(entity, names.values(), read, city)
    found = alarms.joined_raised(city, held.rule, entity, because, mind.at, seq, label)
    held.open[entity.id] = Standing(alarms.ident(entity.id, held.rule.called, held.rule.name), "", None, None, mind.at)
    yield from found


def _label(entity: Entity, names: Iterable[str], read: list[tuple[str, str]], city: City) -> str | None:
    """As strict as the strictest of what the condition read: of the source, and of every neighbour it asked."""
    whole = there(city, entity.id) or entity  # of a Change, the labels of attributes are not known
    found = labels.of(entity) + labels.of(whole, *names)
    for ident, name in dict.fromkeys(read):
        other = there(city, ident)
        if other is not None:
            found += labels.of(other, stored(other, name) or name)
    return labels.strictest(found, whole.realm)


def _fitting(held: Held, entity: Entity, name: str, unit: Any, city: City, *, fit: bool) -> Iterator[Entity | Delete]:
    if not fit:
        why = f"{short(name)[:100]} of {entity.key[:100]} comes in {str(unit)[:40]}, which does not convert"
        yield from _unfit(held, entity, why, city)
    elif entity.id in held.unfit:
        yield alarms.withdrawn(held.unfit.pop(entity.id), "it can be judged again", city.now())


def _unfit(held: Held, entity: Entity, why: str, city: City) -> Iterator[Entity | Delete]:
    if entity.id in held.unfit:
        return
    name = held.rule.name
    held.unfit[entity.id] = alarms.ident(entity.id, alarms.CONFIGURATION, name)
    said = f"The watch rule {name[:100]} does not watch {entity.key[:100]}: {why}."
    yield from alarms.misconfigured(city, entity, held.rule.id, name, said)
