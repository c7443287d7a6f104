"""What is bound is asked again: within five minutes of when its things changed, once an hour where it is of readings.

A reading only marks its type; the round asks. Rules of all apps share one process, so a round stops after so much work
and the next goes on where it stopped. All that is kept in mind here can be made again.
"""

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

from hansa import BadRequest, Change, City, Delete, Entity, Refusal, entity, kpi
from hansa.apps.scorecard import binding, computing, frameworks, inputs, nouns
from hansa.apps.scorecard.made import app
from hansa.apps.scorecard.queries import Column, How, Readings, Things, read

ROUND_S: Final = 300
HOUR: Final = 3_600_000_000
WORK: Final = 30_000
"""Entities that one round reads, or 600 things' years: under a second on a slow machine."""
SAID: Final = 800
"""Words of one round."""
TYPES: Final = 1_000


class Memory:
    """Which types are bound, which of them changed, when each binding was asked last, what was published lately."""

    def __init__(self) -> None:
        """Know nothing: all is due."""
        self.types: frozenset[str] | None = None
        self.changed: set[str] = set()
        self.asked: dict[str, int] = {}
        self.ended = ""
        self.published: set[str] | None = None


_memories: WeakKeyDictionary[City, Memory] = WeakKeyDictionary()


def _memory(city: City) -> Memory:
    found = _memories.get(city)
    if found is None:
        found = _memories[city] = Memory()
    return found


def _wanted(kind: str, city: City) -> bool:
    memory = _memory(city)
    return memory.types is not None and kind in memory.types and kind not in memory.changed


@app.on("*", only=_wanted)
def things_changed(change: Change, city: City) -> None:
    """Mark the types of what changed; until the next round no more of them is heard."""
    memory = _memory(city)
    if memory.types is not None:
        memory.changed |= memory.types & set(change.entity.types)


@app.on("KpiBinding")
@app.on("KpiBinding", gone=True)
def bound(change: Change, city: City) -> None:
    """Learn anew which types are bound, and ask a new one in the next round."""
    memory = _memory(city)
    memory.types = None
    if change.said("how") or change.gone:
        memory.asked.pop(change.entity.id, None)


@app.on("KpiPublication")
def published(change: Change, city: City) -> None:
    """Have the rounds go on with what was too much to be told anew at once."""
    memory = _memory(city)
    if memory.published is not None:
        memory.published.add(change.entity.id)


@app.every(ROUND_S)
def refresh_published(city: City) -> Iterable[Entity | Delete]:
    """Say the rest of what was published or taken back under its label, a part in each round."""
    memory = _memory(city)
    if memory.published is None:
        memory.published = {one.id for one in nouns.of_kind(city, "KpiPublication")}
    for ident in sorted(memory.published):
        found = nouns.known(city, ident)
        words = [] if found is None else list(computing.relabelled(city, found))
        if words:
            yield from words
            return
        memory.published.discard(ident)


@app.every(ROUND_S)
def refresh_bound(city: City) -> Iterable[Entity | Delete]:
    """Ask what is due, longest waiting first, as far as the work of one round goes."""
    memory, now = _memory(city), city.now()
    period = nouns.period_of(city, now)
    yield from _named(city)
    if memory.ended != period:
        yield from _ended(city, str(int(period) - 1))
        memory.ended = period
    found = {one.id: one for one in city.find("KpiBinding", None, None, binding.MOST)}
    hows: dict[str, How] = {}
    for ident, one in found.items():
        try:
            hows[ident] = read(one.get("how"))
        except Refusal:  # acts keep no other; an older edition of hansa may have
            continue
    _learn(memory, found, hows)
    changed, memory.changed = memory.changed, set()
    waiting = sorted(hows, key=lambda ident: memory.asked.get(ident, 0))
    left, said = WORK, 0
    for n, ident in enumerate(waiting):
        how = hows[ident]
        if isinstance(how, Column):
            continue
        last = memory.asked.get(ident)
        # A year's readings are another number with every reading: an hour is soon enough.
        if last is not None and now - last < HOUR and (isinstance(how, Readings) or how.type not in changed):
            continue
        if left <= 0 or said >= SAID:
            # What was changed and could not be asked now stays so.
            rest = (hows[one] for one in waiting[n:])
            memory.changed |= {it.type for it in rest if isinstance(it, Things)} & changed
            break
        one = found[ident]
        framework = str(one.get("framework"))
        try:
            used = frameworks.in_use(city, framework)
        except BadRequest:  # left, or not here any more: its bindings rest
            memory.asked[ident] = now
            continue
        for when in _periods(city, memory, ident, str(one.get("since") or period), period, lasting=how.lasting):
            words, got = binding.refreshed(city, used, one, nouns.spell(city, when))
            left -= got.work
            said += len(words)
            yield from words
        memory.asked[ident] = now


def _named(city: City) -> Iterable[Entity]:
    """The frameworks that the settings name are used from the first round on, until somebody leaves them."""
    names = city.setting("frameworks", [])
    for name in names if isinstance(names, list) else ():
        if name in kpi.frameworks() and nouns.known(city, nouns.framework_id(name)) is None:
            yield frameworks.adopted(kpi.framework(name), None, inputs.AGENT, city.now())


def _ended(city: City, period: str) -> Iterable[Entity]:
    """A year that is over is not provisional any more: what was known of it at its end is what there is."""
    for one in city.find("KpiInput", f'period=="{period}";provisional==true', None, SAID):
        yield entity("KpiInput", one.id, provisional=False)


def _periods(city: City, memory: Memory, ident: str, since: str, period: str, *, lasting: bool) -> list[str]:
    """Which years to ask: the running one, and the last one where readings may have come late, or it just ended."""
    before = str(int(period) - 1)
    if before < since:
        return [period]
    last = memory.asked.get(ident)
    ended = last is None or nouns.period_of(city, last) != period
    return [before, period] if lasting and ended else [period]


def _learn(memory: Memory, found: dict[str, Entity], hows: dict[str, How]) -> None:
    memory.types = frozenset(sorted({how.type for how in hows.values() if isinstance(how, Things)})[:TYPES])
    for ident in set(memory.asked) - set(found):
        del memory.asked[ident]
