"""Keeping alarms, rules and the city in step: what a changed WatchRule means for what stands already, and the rounds.

Held by tests/apps/test_watch_rules_change.py.
"""

from collections.abc import Iterator

from hansa import City, Delete, Entity
from hansa.apps.watch import alarms, joined
from hansa.apps.watch.judging import judge, overdue
from hansa.apps.watch.memory import ALARMS, Held, Memory, Standing, current, short, there, watched, zone_of
from hansa.apps.watch.neighbours import gather

SWEPT = 20_000  # entities of one type that a new rule is held against at once; others are judged when they speak


def begin(city: City) -> Memory:
    """What watch knows when its process begins: the rules, and the alarms that stand."""
    memory = Memory()
    memory.zone = zone_of(city)
    memory.load(city, fresh=False)
    gather(memory, city)
    _adopt(memory, city, None)
    return memory


def configured(memory: Memory, city: City, ident: str) -> Iterator[Entity | Delete]:
    """A WatchRule was said: take it as it is now, and hold it against what the city knows."""
    rule = there(city, ident)
    if rule is None:
        memory.forget(ident)
    else:
        memory.learn(rule, fresh=True)
    memory.sort()
    gather(memory, city)
    yield from _settle(memory, city, ident)


def tend(memory: Memory, city: City) -> Iterator[Entity | Delete]:
    """The round: rules that went, sources that went, hold-offs that have lasted, silences."""
    memory.load(city, fresh=True)
    gather(memory, city)
    yield from _settle(memory, city, None)
    for held in list(memory.held.values()):
        if held.scales is not None:
            if not held.warm:
                yield from joined.sweep(held, memory, city, SWEPT)
            yield from joined.overdue(held, memory, city)
            continue
        if not held.warm:
            yield from _warm(held, city, memory.seq)
        yield from overdue(held, city)


def _settle(memory: Memory, city: City, only: str | None) -> Iterator[Entity | Delete]:
    amended = _adopt(memory, city, only)
    said: set[str] = set()
    for held in list(memory.held.values()):
        if held.fresh and only in {None, held.rule.id}:
            swept = _sweep(held, city, memory.seq) if held.scales is None else joined.sweep(held, memory, city, SWEPT)
            for one in swept:
                said.add(one.id)
                yield one
            held.fresh = False
    for ident, why in memory.faults.items():
        if only in {None, ident} and (rule := there(city, ident)) is not None:
            name = ident.removeprefix("urn:ngsi-ld:WatchRule:")
            text = f"The watch rule {name[:100]} cannot be used and watches nothing. {why}."
            yield from alarms.misconfigured(city, rule, ident, name, text)
    for one in amended:
        if one.id not in said:
            yield one


def _adopt(memory: Memory, city: City, only: str | None) -> list[Entity]:
    """Take the open alarms from the store into memory, which may be new.

    Answers what must be said about them: that nobody stands for one any more, or that its rule now grades it otherwise.
    """
    amended: list[Entity] = []
    seen: set[tuple[str, str]] = set()
    for alert in city.find("Alert", q='watchRule;status=="open"', limit=ALARMS):
        ident, source = alert.get("watchRule"), alert.get("alertSource")
        if not isinstance(ident, str) or not isinstance(source, str) or only not in {None, ident}:
            continue
        held = memory.held.get(ident)
        if alert.get("subCategory") == alarms.CONFIGURATION:
            if source == ident:
                why = None if ident in memory.faults else "the watch rule is mended, off or gone"
            else:
                why = "its watch rule changed or went" if held is None or held.fresh else None
                if held is not None and why is None:
                    held.unfit[source] = alert.id
        elif (why := _unfounded(held, alert, source, city)) is None and held is not None:
            seen.add((ident, source))
            held.open.setdefault(source, _standing(alert))
            if alert.get("severity") != held.rule.severity:
                amended.append(alarms.graded(alert.id, held.rule))
        if why is not None:
            amended.append(alarms.withdrawn(alert.id, why, city.now()))
    for held in memory.held.values():
        if only in {None, held.rule.id}:
            for source in [s for s in held.open if (held.rule.id, s) not in seen]:
                del held.open[source]
    return amended


def _unfounded(held: Held | None, alert: Entity, source: str, city: City) -> str | None:
    """Why an open alarm has lost its ground, or None."""
    if held is None:
        return "its watch rule is gone, off or cannot be used"
    rule = held.rule
    said = alert.get("evidence")
    about = said.get("attribute") if isinstance(said, dict) else None
    if alert.id != alarms.ident(source, rule.called, rule.name) or about != rule.attribute or not rule.wants(source):
        return "its watch rule means something else now"
    entity = there(city, source)
    if entity is None:
        return "its source is gone"
    if rule.type not in entity.types and rule.type not in map(short, entity.types):
        return "its watch rule means something else now"
    silent = watched(entity, rule) is None if held.scales is None else joined.misses(held, entity)
    return "its source no longer says this" if silent else None


def _standing(alert: Entity) -> Standing:
    """What memory keeps of an open alarm."""
    said = alert["evidence"]
    extreme = alert.get("value")
    since = said.get("since")
    began = alarms.instant(since) if isinstance(since, str) else None
    side = said.get("side")
    limit = said.get("limit")
    return Standing(
        alert.id,
        side if isinstance(side, str) else "",
        limit if isinstance(limit, int | float) else None,
        extreme if isinstance(extreme, int | float) else None,
        0 if began is None else began,
    )


def _sweep(held: Held, city: City, seq: int) -> Iterator[Entity | Delete]:
    """Hold a new or changed rule against the newest reading of every source."""
    rule = held.rule
    for entity in city.find(rule.type, limit=SWEPT):
        reading = current(city, entity, rule) if rule.wants(entity.id) else None
        # What was said after the last Change that came this far is on its way here, and judged when it comes.
        if reading is not None and (not seq or reading.seq <= seq):
            yield from judge(held, reading, city)
    held.warm = True


def _warm(held: Held, city: City, seq: int) -> Iterator[Entity | Delete]:
    """After a start: learn again what was pending and who was heard."""
    if held.rule.kind == "silence" or held.rule.hold_off:
        yield from _sweep(held, city, seq)
    held.warm = True
