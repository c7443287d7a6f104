"""A station as frost has it in mind: its night and model between two Changes, and how it goes on after a restart.

What is in mind can always be made again: the FrostStation entity says how things stood at the last decision or outcome
(in the same commit as these), and history what was heard since, in the order in which it was heard. So no reading costs
a write of its own, and a crash loses and doubles nothing. Held by tests/apps/test_frost.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hansa import City, Entity
from hansa.apps.frost import entities
from hansa.apps.frost.entities import Where
from hansa.apps.frost.events import Dawn, Decision, Event, Forecast, Observation, Outcome
from hansa.apps.frost.hearing import instant, past, place_of, there, utc
from hansa.apps.frost.model import Model
from hansa.apps.frost.night import DECIDED_MIN, END_MIN, Night, settle, step

FIRST_SIGHT: Final = 90 * 86_400_000_000
"""How far back (microseconds) history is learned from when a station is first met: nights enough for its own fit."""

STEP_C, STEP_CHANCE, STEP_S = 0.2, 0.05, 3_600
"""A forecast is said again when it, its uncertainty or its chance has moved by so much, or after an hour."""


@dataclass(slots=True)
class Held:
    """One station in mind.

    `heard` is the instant of its last reading, `before` how the night stood just before it, `told` the forecast that
    was last said.
    """

    where: Where
    night: Night = field(default_factory=Night)
    model: Model = field(default_factory=Model)
    heard: int = 0
    told: Forecast | None = None
    before: tuple[Night, Model] | None = None

    @property
    def due(self) -> int | None:
        """When (microseconds) something falls due by the clock alone, or None."""
        night = self.night
        if night.evening is None or night.over:
            return None
        minute = DECIDED_MIN if night.decision is None and night.ready is not None else END_MIN
        noon = datetime.combine(night.evening, datetime.min.time()) + timedelta(hours=12)
        return utc(noon + timedelta(minutes=minute + 1), self.where.zone)

    def step(self, at: int, seen: Observation) -> tuple[Event, ...]:
        """Take one observation in."""
        self.before = (self.night, self.model)
        self.night, self.model, events = step(self.night, self.model, seen, place_of(self.where.station))
        self.heard = max(self.heard, at)
        return events

    def complete(self, seen: Observation) -> tuple[Event, ...]:
        """Take the last observation once more, now that more of it has come; a decision that it made stays as it is."""
        if self.before is None:
            return ()
        was, model = self.before
        if was.decision is not self.night.decision or self.model is not model:
            return ()
        self.night, self.model, events = step(was, model, seen, place_of(self.where.station))
        return events

    def settle(self, now: datetime) -> tuple[Event, ...]:
        """What falls due by the clock."""
        self.night, self.model, events = settle(self.night, self.model, now)
        return events

    def catch_up(self, city: City, until: int, before_seq: int | None = None) -> tuple[Event, ...]:
        """Hear again what history knows from the last reading to before `until`."""
        events: list[Event] = []
        since = max(self.heard + 1, until - FIRST_SIGHT)
        for at, _, seen in past(city, self.where.station, since, until, before_seq):
            events.extend(self.step(at, seen))
        self.before = None
        if self.night.evening is None:
            return ()
        # Nights long gone were learned from; to speak of them now would be hindsight.
        return tuple(one for one in events if (self.night.evening - one.evening).days <= 1)

    def says(
        self, city: City, events: tuple[Event, ...], seen: Observation | None = None, *, new: bool = False
    ) -> Iterator[Entity]:
        """What the city is told of these events. `seen` is what the station just said, None by the clock."""
        where = self.where
        decisions = {one.evening: one for one in (self.night.decision, *events) if isinstance(one, Decision)}
        decisions.update({one.evening: one.decision for one in events if isinstance(one, Outcome) and one.decision})
        newest = next((one for one in reversed(events) if isinstance(one, Forecast)), None)
        kept = new
        for event in events:
            made = decisions.get(event.evening)
            if isinstance(event, Forecast):
                if event is newest:
                    yield from self._forecast(event, made, seen)
                continue
            kept = True
            if isinstance(event, Decision):
                yield entities.decided(where, event)
                if event.warn:
                    yield entities.raised(where, event)
            elif isinstance(event, Dawn):
                if made is not None and made.warn:
                    yield entities.cleared(where, made, event, _air(seen, event.as_of))
            elif made is not None or there(city, entities.forecast_id(where, event.evening)) is not None:
                yield entities.outcome(where, event)
        if kept:
            yield entities.memory(where, self.night, self.model, self.heard)

    def _forecast(self, new: Forecast, made: Decision | None, seen: Observation | None) -> Iterator[Entity]:
        told, again = self.told, self.told is not None and self.told.evening == new.evening
        if told is not None and not differs(told, new):
            return
        self.told = new
        if made is not None and made.as_of == new.as_of:
            return  # the decision says the same, and more
        yield entities.forecast(self.where, new, again=again)
        if made is not None and made.warn:
            yield entities.updated(self.where, made, new, _air(seen, new.as_of))


def differs(old: Forecast, new: Forecast) -> bool:
    """Whether a new forecast is worth saying after the one that was last said."""
    return (
        old.evening != new.evening
        or abs(old.tmin_c - new.tmin_c) >= STEP_C
        or abs(old.sd_c - new.sd_c) >= STEP_C
        or abs(old.chance - new.chance) >= STEP_CHANCE
        or (new.as_of - old.as_of).total_seconds() >= STEP_S
    )


def load(city: City, where: Where) -> Held | None:
    """The station as its FrostStation says that it stood, or None when there is none that can be used."""
    kept = there(city, entities.memory_id(where))
    if kept is None:
        return None
    try:
        night, model = Night.from_json(kept["night"]), Model.from_json(kept["model"])
    except (KeyError, ValueError, TypeError):
        return None
    return Held(where, night, model, instant(kept.get("heard")) or 0)


def _air(seen: Observation | None, at: datetime) -> float | None:
    """The air temperature of the observation that brought something about; None when it was the clock."""
    return seen.air_c if seen is not None and seen.at.replace(tzinfo=None) == at else None
