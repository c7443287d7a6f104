"""The city brain's page: vital signs, predictions with their error, what is proposed and decided, the shift log.

Report 2.4.2 and 4.1.1 (success case 5). A round judges when each source was heard (`signs`, `vitals`), another holds
forecasts against what came (`foresight`, `scores`); people keep the shift log and hand over (`shifts`, `logbook`);
views answer the pages `/brain` and `/shift` (`seeing`, `predicted`, `standing`, `wall`). README.md says more.
"""

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

from hansa import App, Change, City, Delete, Entity
from hansa.apps.brain import foresight, logbook, predicted, seeing, shifts, signs, standing, wall
from hansa.apps.brain.words import short

__all__ = ["app"]

app = App(
    "brain", report="2.4.2", reads={"*"}, realm="*",
    writes={"VitalSign", "VitalSigns", "ForecastSkill", "ForecastOutcome", "Shift", "ShiftEntry"},
    append_only={"ShiftEntry"},
    keeps={"Shift": (), "VitalSign": (), "VitalSigns": (), "ForecastSkill": (), "ForecastOutcome": ()},
)  # fmt: skip

ROUND_S: Final = 10.0
SETTLE_S: Final = 60.0

_signs: WeakKeyDictionary[City, signs.Signs] = WeakKeyDictionary()
_foresight: WeakKeyDictionary[City, foresight.Foresight] = WeakKeyDictionary()


def _remembered(city: City, seq: int | None = None) -> signs.Signs:
    memory = _signs.get(city)
    if memory is None or (seq is not None and seq <= memory.seq):
        # A Change that comes again: what was said after it may not have been kept, and then memory knows too much.
        memory = _signs[city] = signs.begin(city)
    if seq is not None:
        memory.seq = seq
    return memory


def speaks(kind: str, city: City) -> bool:
    """Whether entities of a type tell of a source: devices, and what the setting `feeds` names."""
    feeds = city.setting("feeds", ())
    return short(kind) == "Device" or (isinstance(feeds, list | tuple) and short(kind) in feeds)


@app.on("*", only=speaks)
def hear(change: Change, city: City) -> Iterable[Entity]:
    """A device was written down (when it was heard, how much it said), or a feed said something."""
    kind = change.entity.type
    if speaks(kind, city):
        memory = _remembered(city, change.seq)
        if short(kind) == "Device":
            signs.hear(memory, change, city)
        else:
            signs.hear_feed(memory, change)
    return ()


@app.on("Device", gone=True)
def miss(change: Change, city: City) -> Iterable[Entity]:
    """A device is no more."""
    signs.hear(_remembered(city, change.seq), change, city)
    return ()


@app.every(ROUND_S)
def look_after(city: City) -> Iterable[Entity | Delete]:
    """Say who fell silent, who is back, and how the day was."""
    try:
        yield from signs.tell(_remembered(city), city)
    except BaseException:
        # What was to be said is not; so it must not stay in mind either.
        _signs.pop(city, None)
        raise


def predicts(kind: str, _city: City) -> bool:
    """Whether entities of a type predict something."""
    return kind.endswith("Forecast")


@app.on("*", only=predicts)
def predict(change: Change, city: City) -> Iterable[Entity]:
    """Somebody predicts something: it will be held against what comes."""
    if not predicts(change.entity.type, city):
        return ()
    memory = _foresight.get(city)
    if memory is None or change.seq <= memory.seq:
        memory = _foresight[city] = foresight.begin(city)
    memory.seq = change.seq
    return foresight.hear(memory, change)


@app.every(SETTLE_S)
def settle(city: City) -> Iterable[Entity]:
    """Hold forecasts whose time is over against what came."""
    memory = _foresight.get(city)
    if memory is None:
        memory = _foresight[city] = foresight.begin(city)
    try:
        yield from foresight.settle(memory, city)
    except BaseException:
        _foresight.pop(city, None)
        raise


# ---- the shift log

app.act("begin", "Shift", roles=shifts.ROLES, new=True)(shifts.begin)
app.act("enter", "Shift", roles=shifts.ROLES)(shifts.enter)
app.act("hand-over", "Shift", roles=shifts.ROLES, fresh=True)(shifts.hand_over)
app.act("accept", "Shift", roles=shifts.ROLES, fresh=True)(shifts.accept)
app.act("end", "Shift", roles=shifts.ROLES)(shifts.end)
app.view("shifts", roles=shifts.READERS)(logbook.listed)
app.view("log", roles=shifts.READERS)(logbook.entries)
app.view("verify", roles=shifts.READERS)(logbook.verified)

# ---- what the pages ask

app.view("vitals", roles=seeing.READERS)(seeing.vitals)
app.view("predictions", roles=seeing.READERS)(predicted.predictions)
app.view("decisions", roles=seeing.READERS)(standing.decisions)
app.view("draft", roles=shifts.ROLES)(standing.draft)
app.view("wall", roles=seeing.READERS)(wall.wall)
