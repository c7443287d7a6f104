"""A frost night as it unfolds: one observation in, what is now known out.

`step` is fed the observations of one station in time order and answers with events: `Forecast` from sunset on, one
`Decision` of record, `Dawn`, and the `Outcome` once the night is over, upon which the model learns. The live rule and
`hansa score` run exactly this code. All times are local wall time; minutes count from noon of the evening's day, so
that a night is one run of numbers. Pure; held by tests/apps/test_frost_science.py.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from hansa.apps.frost.events import Dawn, Decision, Event, Forecast, Observation, Outcome, Place
from hansa.apps.frost.inputs import Dew, Pressures, Reading, equation_inputs, keep_pressure, minutes, reading
from hansa.apps.frost.model import DECISION_SLOT, MARGIN_SDS, Model, pooled_minimum
from hansa.apps.frost.science import Inputs, chance_below, sun, trend

NOON = timedelta(hours=12)

SUNSET_MIN = 360
"""18:00: sunset of a station without a location."""

EARLIEST_MIN = 180
"""15:00: no evening opens before it."""

READY_MIN, DECIDE_MIN, DECIDED_MIN = 450, 480, 510
"""19:30, 20:00 and 20:30: docs/frost.md, section The decision of record."""

NIGHT_MIN, END_MIN = 540, 1260
"""21:00 and 09:00: the hours whose minimum is the outcome; 09:00 is also the dawn of a station without a location."""

USUAL_DAWN_MIN = 1140
"""07:00: where the cooling trend of a station without a location ends."""

EARLIEST_DAWN_MIN = 720
"""Midnight: no dawn comes before it, wherever the clock stands."""

YEARS = range(1900, 2200)
HOURS_NEEDED = 11
BASELINE_DAYS = 3


class Night(NamedTuple):
    """What the current night knows so far; `Night()` is a station that has not spoken yet.

    `opens_min`, `dawn_min`, `rise_min`: when forecasts begin, when danger may be past, where the trend ends. `ready`:
    the latest inputs from 19:30 on (time, whether the dew point was measured, inputs). `said`: uncorrected forecasts by
    hour from noon. `low_c`, `hours`: minimum and clock hours since 21:00. `before`: the latest night that counted.
    """

    last: datetime | None = None
    evening: date | None = None
    opens_min: int = SUNSET_MIN
    dawn_min: int = END_MIN
    rise_min: int = USUAL_DAWN_MIN
    dew: Dew | None = None
    pressures: Pressures = ()
    ready: tuple[datetime, bool, Inputs] | None = None
    decision: Decision | None = None
    said: Mapping[int, float] = MappingProxyType({})
    low_c: float | None = None
    hours: frozenset[int] = frozenset()
    dawned: bool = False
    over: bool = False
    before: tuple[date, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON of the night; floats and times survive the journey exactly."""
        return {
            "last": self.last and self.last.isoformat(),
            "evening": self.evening and self.evening.isoformat(),
            "sun": [self.opens_min, self.dawn_min, self.rise_min],
            "dew": self.dew and list(self.dew),
            "pressures": [list(each) for each in self.pressures],
            "ready": self.ready and [self.ready[0].isoformat(), self.ready[1], list(self.ready[2])],
            "decision": self.decision and self.decision.to_json(),
            "said": {str(slot): value for slot, value in self.said.items()},
            "low": self.low_c,
            "hours": sorted(self.hours),
            "flags": [self.dawned, self.over],
            "before": self.before and [self.before[0].isoformat(), self.before[1]],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Night":
        """The night of such a document; raises ValueError when it is not one."""
        try:
            last, evening, dew, before, ready = (document[key] for key in ("last", "evening", "dew", "before", "ready"))
            opens_min, dawn_min, rise_min = map(int, document["sun"])
            dawned, over = map(bool, document["flags"])
            return cls(
                last=last and datetime.fromisoformat(last),
                evening=evening and date.fromisoformat(evening),
                opens_min=opens_min,
                dawn_min=dawn_min,
                rise_min=rise_min,
                dew=dew and (int(dew[0]), float(dew[1])),
                pressures=tuple((int(minute), float(value)) for minute, value in document["pressures"]),
                ready=ready and (datetime.fromisoformat(ready[0]), bool(ready[1]), _inputs(ready[2])),
                decision=document["decision"] and Decision.from_json(document["decision"]),
                said={int(slot): float(value) for slot, value in document["said"].items()},
                low_c=None if document["low"] is None else float(document["low"]),
                hours=frozenset(map(int, document["hours"])),
                dawned=dawned,
                over=over,
                before=before and (date.fromisoformat(before[0]), float(before[1])),
            )
        except (KeyError, IndexError, TypeError, AttributeError) as fault:
            raise ValueError(f"not a frost night: {fault!r}") from fault


class Step(NamedTuple):
    """What a step leaves behind. `model` is a new object only when a night was learned: `is` tells when to save it."""

    night: Night
    model: Model
    events: tuple[Event, ...]


def step(night: Night, model: Model, seen: Observation, place: Place | None = None) -> Step:
    """Take one observation in.

    One that is no newer than the last is ignored (late or duplicate: what was said stays said). One without a usable
    air temperature moves the clock and nothing else. In the hour that a clock is put back, the night waits until local
    time has caught up. Raises ValueError for a year outside 1900 to 2199.
    """
    at = seen.at.replace(tzinfo=None)
    if at.year not in YEARS:
        raise ValueError(f"an observation of the year {at.year} is of no night that can be reckoned with")
    if night.last is not None and at <= night.last:
        return Step(night, model, ())
    night, model, due = settle(night, model, at)
    evening = (at - NOON).date()
    if night.evening != evening:
        night = _open(evening, seen.at, place, night.before)
    heard = reading(seen, at, evening, night.dew)
    if heard is None:
        return Step(night._replace(last=at), model, due)
    if heard.minute <= DECIDED_MIN and night.decision is None:
        night, events = _evening(night, model, heard)
    elif heard.minute <= END_MIN:
        night, events = _dark(night, model, heard)
    else:
        night, events = night._replace(last=at, dew=heard.dew), ()
    return Step(night, model, due + events)


def settle(night: Night, model: Model, now: datetime) -> Step:
    """What falls due by the clock alone: the decision after 20:30, dawn and outcome after 09:00.

    `step` calls it first, so a timer that calls it too only makes the same things known earlier, never other ones: the
    decision rests on what was observed by 20:30 whoever asks.
    """
    evening = night.evening
    if evening is None or night.over:
        return Step(night, model, ())
    minute = minutes(evening, now.replace(tzinfo=None))
    events: tuple[Event, ...] = ()
    if minute > DECIDED_MIN and night.decision is None and night.ready is not None:
        night, events = _decide(night, model, evening, night.ready)
    if minute <= END_MIN:
        return Step(night, model, events)
    if not night.dawned:
        events = (*events, Dawn(evening, datetime.combine(evening, time()) + NOON * 2.75, night.low_c))
    frost, before, low_c = None, night.before, night.low_c
    if low_c is not None and len(night.hours) >= HOURS_NEEDED:
        frost, before = low_c <= 0.0, (evening, low_c)
        if night.ready is not None:
            model = model.learn(night.ready[2], night.said, low_c)
    outcome = Outcome(evening, low_c, len(night.hours), frost is not None, frost, night.decision)
    return Step(night._replace(dawned=True, over=True, before=before), model, (*events, outcome))


def _open(evening: date, at: datetime, place: Place | None, before: tuple[date, float] | None) -> Night:
    """A new night, which keeps of the old one only how it ended."""
    night = Night(evening=evening, before=before)
    if place is None:
        return night
    offset = at.utcoffset()
    offset_h = place.utc_offset_h if offset is None else offset / timedelta(hours=1)
    if offset_h is None:
        offset_h = round(place.longitude / 15.0)
    tonight = sun(evening, place.latitude, place.longitude, offset_h)
    tomorrow = sun(evening + timedelta(days=1), place.latitude, place.longitude, offset_h)
    if tonight is None or tomorrow is None:
        return night
    # The decision falls due at 20:00 in any season, and so the app is awake by then.
    opens_min = round(min(max(tonight[1] - 720.0, EARLIEST_MIN), DECIDE_MIN))
    dawn_min = round(min(max(tomorrow[0] + 720.0, EARLIEST_DAWN_MIN), END_MIN))
    return night._replace(opens_min=opens_min, dawn_min=dawn_min, rise_min=dawn_min)


def _evening(night: Night, model: Model, heard: Reading) -> tuple[Night, tuple[Event, ...]]:
    """Noon to 20:30: gather what the equation needs, forecast from sunset on, decide at the first value from 20:00."""
    pressures = keep_pressure(night.pressures, heard.minute, heard.pressure_hpa)
    night = night._replace(last=heard.at, dew=heard.dew, pressures=pressures)
    if night.evening is None or heard.minute < night.opens_min:
        return night, ()
    inputs = equation_inputs(heard.air_c, heard.dew, pressures)
    slot = min((heard.minute + 30) // 60, DECISION_SLOT)
    said_c = model.equation(inputs)
    tmin_c, sd_c = said_c + model.bias_c(slot), model.sd_c(slot)
    night = night._replace(said={**night.said, slot: said_c})
    decided: tuple[Event, ...] = ()
    if heard.minute >= READY_MIN:
        ready = (heard.at, heard.dew is not None, inputs)
        night = night._replace(ready=ready)
        if heard.minute >= DECIDE_MIN:
            night, decided = _decide(night, model, night.evening or heard.at.date(), ready)
    warn = tmin_c <= MARGIN_SDS * sd_c
    return night, (_forecast(night, heard, tmin_c, sd_c, warn=warn), *decided)


def _dark(night: Night, model: Model, heard: Reading) -> tuple[Night, tuple[Event, ...]]:
    """After the decision: keep the low and the hours, carry the departure from the expected trend over to dawn."""
    minute, air_c, low_c = heard.minute, heard.air_c, night.low_c
    if minute >= NIGHT_MIN:
        low_c = air_c if low_c is None else min(low_c, air_c)
        night = night._replace(last=heard.at, dew=heard.dew, low_c=low_c, hours=night.hours | {minute // 60})
    else:
        night = night._replace(last=heard.at, dew=heard.dew)
    if night.dawned or night.evening is None:
        return night, ()
    if minute >= night.dawn_min and air_c > 0.0:
        return night._replace(dawned=True), (Dawn(night.evening, heard.at, low_c),)
    decision, slot = night.decision, (minute + 30) // 60
    if decision is None:
        # A station that was silent at 20:00 informs, but has no trend to be held against.
        said_c = model.equation(equation_inputs(air_c, heard.dew, ()))
    else:
        start = minutes(night.evening, decision.as_of)
        way = (minute - start) / (night.rise_min - start)
        said_c = decision.tmin_c + air_c - trend(decision.air_c, decision.tmin_c, way)
    # What has been measured is certain: the night's minimum is no higher than its low so far.
    said_c = said_c if low_c is None else min(said_c, low_c)
    if decision is not None and slot > DECISION_SLOT:
        night = night._replace(said={**night.said, slot: said_c})
    tmin_c = said_c + model.bias_c(slot)
    tmin_c = tmin_c if low_c is None else min(tmin_c, low_c)
    left = 1.0 - (minute - DECIDE_MIN) / (night.rise_min - DECIDE_MIN)
    warn = decision is not None and decision.warn
    return night, (_forecast(night, heard, tmin_c, model.sd_c(slot, left), warn=warn),)


def _forecast(night: Night, heard: Reading, tmin_c: float, sd_c: float, *, warn: bool) -> Forecast:
    evening = night.evening or heard.at.date()
    return Forecast(evening, heard.at, tmin_c, sd_c, chance_below(0.0, tmin_c, sd_c), _baseline(night), warn)


def _decide(
    night: Night, model: Model, evening: date, ready: tuple[datetime, bool, Inputs]
) -> tuple[Night, tuple[Event, ...]]:
    """Take the decision of record from what was ready by 20:30."""
    as_of, measured, inputs = ready
    tmin_c = model.equation(inputs)
    sd_c = model.sd_c(DECISION_SLOT)
    margin_c = MARGIN_SDS * sd_c
    decision = Decision(
        evening=evening,
        as_of=as_of,
        air_c=inputs[0],
        dew_point_c=inputs[1] if measured else None,
        tendency_hpa=inputs[3],
        tmin_c=tmin_c,
        sd_c=sd_c,
        margin_c=margin_c,
        pooled_c=pooled_minimum(inputs),
        baseline_c=_baseline(night),
        warn=tmin_c <= margin_c,
        nights=model.nights,
        coefficients=model.coefficients,
    )
    said = {**night.said, DECISION_SLOT: tmin_c}
    return night._replace(decision=decision, said=said, pressures=()), (decision,)


def _baseline(night: Night) -> float | None:
    """Persistence: the minimum of the latest counted night, if that is at most three nights ago."""
    if night.before is None or night.evening is None or (night.evening - night.before[0]).days > BASELINE_DAYS:
        return None
    return night.before[1]


def _inputs(values: list[float]) -> Inputs:
    air_c, dew_c, one, tendency_hpa = map(float, values)
    return air_c, dew_c, one, tendency_hpa
