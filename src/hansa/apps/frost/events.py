"""What the frost app hears and says: an observation in; forecast, decision, dawn and outcome out.

Plain values in local wall time, °C and hPa. Pure; held by tests/apps/test_frost_science.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation of a station: `at` in local wall time (naive, or aware in the station's zone), °C, %, hPa."""

    at: datetime
    air_c: float | None
    dew_point_c: float | None = None
    humidity_percent: float | None = None
    pressure_hpa: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a station stands (degrees north and east), and its clock's hours from UTC where times are naive."""

    latitude: float
    longitude: float
    utc_offset_h: float | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Tonight's minimum as seen at `as_of`, with its standard deviation and the chance of 0 °C or less.

    `warn` is provisional before the decision of record and that decision's word after it. `baseline_c` is persistence.
    """

    evening: date
    as_of: datetime
    tmin_c: float
    sd_c: float
    chance: float
    baseline_c: float | None
    warn: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of record for the night that began on `evening`, and everything that it rests on.

    `margin_c` is how far above 0 °C a forecast still warns; `nights` how many finished nights the coefficients were
    fitted on; `pooled_c` and `baseline_c` what FAO pooled and persistence said with the same knowledge.
    """

    evening: date
    as_of: datetime
    air_c: float
    dew_point_c: float | None
    tendency_hpa: float
    tmin_c: float
    sd_c: float
    margin_c: float
    pooled_c: float
    baseline_c: float | None
    warn: bool
    nights: int
    coefficients: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON of the decision; floats and times survive the journey exactly."""
        return {
            **{each.name: getattr(self, each.name) for each in fields(self)},
            "evening": self.evening.isoformat(),
            "as_of": self.as_of.isoformat(),
            "coefficients": list(self.coefficients),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Decision":
        """The decision of such a document; raises ValueError when it is not one."""
        try:
            times = {
                "evening": date.fromisoformat(document["evening"]),
                "as_of": datetime.fromisoformat(document["as_of"]),
                "coefficients": tuple(map(float, document["coefficients"])),
            }
            return cls(**{**document, **times})
        except (KeyError, TypeError) as fault:
            raise ValueError(f"not a frost decision: {fault!r}") from fault


@dataclass(frozen=True, slots=True)
class Dawn:
    """The danger is past: the sun is up and the air above 0 °C, or it is 09:00. `low_c`: the lowest since 21:00."""

    evening: date
    as_of: datetime
    low_c: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the night came out: minimum from 21:00 to 09:00, the clock hours that have a value, and whether it counts.

    `frost` is None where the night does not count (fewer than 11 hours).
    """

    evening: date
    tmin_c: float | None
    hours: int
    counted: bool
    frost: bool | None
    decision: Decision | None


Event = Forecast | Decision | Dawn | Outcome
