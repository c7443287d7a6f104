"""Watch: alarms on any attribute of any type, by configuration (report section 4.1.1 a; success case 1).

A WatchRule says what to watch and when it is out of order; an Alert says that it is. See README.md beside this file.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final
from weakref import WeakKeyDictionary

from hansa import App, Change, City, Delete, Entity
from hansa.apps.watch import alarms, joined, keeping, showing
from hansa.apps.watch.judging import Said, judge
from hansa.apps.watch.memory import Held, Memory, Reading, short
from hansa.apps.watch.tending import begin, configured, tend

__all__ = ["app"]

ROUND_S: Final = 60.0
MOST: Final = 900  # words of one call; the city takes 1,000. What is left over is said in the next round.

app = App("watch", report="4.1.1", reads={"*"}, writes={"Alert", "WatchRule"}, realm="*")

KEEPERS: Final = ("supervisor", "engineer")
READERS: Final = ("operator", "supervisor", "engineer", "command", "administrator", "auditor")

app.act("save", "WatchRule", roles=KEEPERS, new=True, noted=True)(keeping.save)
app.act("enable", "WatchRule", roles=KEEPERS, noted=True)(keeping.enable)
app.act("disable", "WatchRule", roles=KEEPERS, noted=True)(keeping.disable)
app.act("revert", "WatchRule", roles=KEEPERS, noted=True)(keeping.revert)
for _view in (showing.rules, showing.rule, showing.parse, showing.diff):
    app.view(_view.__name__, roles=READERS)(_view)

_memories: WeakKeyDictionary[City, Memory] = WeakKeyDictionary()


def watched(kind: str, city: City) -> bool:
    """Whether a rule watches entities of a type, or they are rules: nobody else's are read."""
    memory = _memories.get(city)
    return memory is None or kind == "WatchRule" or memory.looks(kind) or memory.looks(short(kind))


@app.on("*", only=watched)
def look(change: Change, city: City) -> Iterable[Entity | Delete]:
    """Judge what was just said by every rule that watches it. Called for every Change, so the way out is short."""
    memory = _remembered(change, city)
    said = joined.look(change, memory, city) if memory.joined else None
    for kind in change.entity.types:
        table = memory.by_type.get(kind)
        if table is None:
            if kind == "WatchRule":
                return islice(configured(memory, city, change.entity.id), MOST)
            table = memory.by_type.get(short(kind)) if ":" in kind else None
            if table is None:
                continue
        found = _look(change, table, city)
        return islice([*said, *found], MOST) if said else found
    return said or ()


@app.on("*", gone=True, only=watched)
def farewell(change: Change, city: City) -> Iterable[Entity | Delete]:
    """A rule or a source went: its alarms have lost their ground."""
    memory = _remembered(change, city)
    ident = change.entity.id
    if "WatchRule" in change.entity.types:
        return islice(configured(memory, city, ident), MOST)
    for kind in change.entity.types:
        if (crowd := memory.crowds.get(kind) or memory.crowds.get(short(kind))) is not None:
            crowd.leave(ident)
    for held in memory.held.values():
        held.minds.pop(ident, None)
    if any(ident in held.open for held in memory.held.values()):
        return islice(tend(memory, city), MOST)
    return ()


def _remembered(change: Change, city: City) -> Memory:
    memory = _memories.get(city)
    if memory is None or change.seq <= memory.seq:
        # A Change that comes again means that what was said last was not kept; then memory knows too much.
        memory = _memories[city] = begin(city)
    memory.seq = change.seq
    return memory


@app.every(ROUND_S)
def tour(city: City) -> Iterable[Entity | Delete]:
    """See what happened without a word: silence, a hold-off that has lasted, a rule or a source that went."""
    memory = _memories.get(city)
    if memory is None:
        memory = _memories[city] = begin(city)
    return islice(tend(memory, city), MOST)


def _look(change: Change, table: dict[str, tuple[Held, ...]], city: City) -> Said:
    said: Said = []
    for part in change.parts:
        rules = table.get(part.name)
        if rules is None:
            rules = table.get(short(part.name)) if ":" in part.name else None
            if rules is None:
                continue
        if part.dataset is not None or part.status == "late":
            continue
        if part.new is None:
            said.extend(_unsaid(rules, change.entity.id, city))
        else:
            said.extend(_said(change, part, rules, city))
    return said


def _said(change: Change, part: Any, rules: tuple[Held, ...], city: City) -> Said:
    """What all rules say about one new value."""
    said: Said = []
    new = part.new
    source = change.entity.id
    value = new["value"] if "value" in new else change.entity.get(part.name)
    unit = new.get("unitCode")
    reading: Reading | None = None
    for held in rules:
        if held.quiet(source, value, unit) or not held.rule.wants(source):
            continue
        if reading is None:
            at = joined.measured_at(change, part)
            if at is None:
                break
            unit = unit if isinstance(unit, str) else None
            reading = Reading(change.entity, part.name, value, unit, at, change.at, change.seq)
        said.extend(judge(held, reading, city))
    return said


def _unsaid(rules: tuple[Held, ...], source: str, city: City) -> Iterable[Entity]:
    """The attribute was taken away: nothing is left to watch."""
    for held in rules:
        held.pending.pop(source, None)
        held.tracks.pop(source, None)
        held.heard.pop(source, None)
        if (standing := held.open.pop(source, None)) is not None:
            yield alarms.withdrawn(standing.alert, "its source no longer says this", city.now())
