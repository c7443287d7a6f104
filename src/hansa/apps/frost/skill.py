"""How good the forecasts were: contingency tables and root mean square errors over finished nights.

The same rows come from `hansa score frost DIR` and from the WeatherForecast entities of a live city. Pure; held by
tests/apps/test_frost_science.py.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from hansa.apps.frost.events import Observation, Outcome, Place
from hansa.apps.frost.model import Model
from hansa.apps.frost.night import Night, settle, step

SPRING_DAYS = range(60, 152)
"""Days of the year on whose evenings a spring night begins."""


@dataclass(frozen=True, slots=True)
class Record:
    """One finished night of one station that counts: what each method said by 20:30, and what came (°C)."""

    station: str
    evening: date
    air_c: float
    persistence_c: float
    fao_pooled_c: float
    hansa_c: float
    hansa_warn: bool
    tmin_c: float

    @property
    def frost(self) -> bool:
        """Whether the minimum was at or below 0 °C."""
        return self.tmin_c <= 0.0

    @property
    def at_risk(self) -> bool:
        """Whether the air at 20:00 was in (0, 12] °C."""
        return 0.0 < self.air_c <= 12.0

    @property
    def spring(self) -> bool:
        """Whether the night was at risk and began on day 60 to 151 of the year."""
        return self.at_risk and self.evening.timetuple().tm_yday in SPRING_DAYS


METHODS: dict[str, tuple[Callable[[Record], float], Callable[[Record], bool]]] = {
    "persistence": (lambda r: r.persistence_c, lambda r: r.persistence_c <= 0.0),
    "fao_pooled": (lambda r: r.fao_pooled_c, lambda r: r.fao_pooled_c <= 0.0),
    "hansa": (lambda r: r.hansa_c, lambda r: r.hansa_warn),
}
"""Each method's forecast and warning. The two yardsticks warn at a forecast of 0 °C or less, without a margin."""

SUBSETS: dict[str, Callable[[Record], bool]] = {
    "all": lambda _: True,
    "at_risk": lambda r: r.at_risk,
    "spring": lambda r: r.spring,
}


def record(station: str, outcome: Outcome) -> Record | None:
    """The record of a night, or None if it does not count: too few hours, no decision, or no night to persist from."""
    decision = outcome.decision
    if not outcome.counted or outcome.tmin_c is None or decision is None or decision.baseline_c is None:
        return None
    return Record(
        station,
        outcome.evening,
        decision.air_c,
        decision.baseline_c,
        decision.pooled_c,
        decision.tmin_c,
        decision.warn,
        outcome.tmin_c,
    )


def nights(observations: Iterable[Observation], place: Place | None = None) -> Iterator[Outcome]:
    """The outcomes of one station's observations, in time order, the night at the end included."""
    night, model = Night(), Model()
    for seen in observations:
        night, model, events = step(night, model, seen, place)
        for event in events:
            if isinstance(event, Outcome):
                yield event
    if night.evening is not None:
        # Noon of the next day: the last night is over even if the station has fallen silent.
        for event in settle(night, model, datetime.combine(night.evening + timedelta(days=1), time(12))).events:
            if isinstance(event, Outcome):
                yield event


def score(records: Iterable[Record]) -> list[dict[str, Any]]:
    """One row for each method and subset: nights, events, POD, FAR, CSI and RMSE (°C).

    POD = hits / events, FAR = false alarms / warnings, CSI = hits / (events + false alarms); None where a denominator
    is 0. All methods are scored on the same nights.
    """
    known = list(records)
    rows = []
    for method, (forecast, warn) in METHODS.items():
        for subset, belongs in SUBSETS.items():
            chosen = [r for r in known if belongs(r)]
            events = sum(r.frost for r in chosen)
            warned = sum(warn(r) for r in chosen)
            hits = sum(r.frost and warn(r) for r in chosen)
            squares = math.fsum((forecast(r) - r.tmin_c) ** 2 for r in chosen)
            mean_square = _share(squares, len(chosen))
            rows.append(
                {
                    "method": method,
                    "subset": subset,
                    "nights": len(chosen),
                    "events": events,
                    "pod": _share(hits, events),
                    "far": _share(warned - hits, warned),
                    "csi": _share(hits, events + warned - hits),
                    "rmse": None if mean_square is None else math.sqrt(mean_square),
                }
            )
    return rows


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
