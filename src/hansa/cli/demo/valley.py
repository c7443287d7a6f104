"""The simulated valley: its instruments, where they stand, what they say at any time, and which of them misbehave.

Everything follows from the plan, so that a later run goes on with the same valley.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from hansa import clock
from hansa.cli.demo import sensors
from hansa.cli.demo.land import LATITUDE, LONGITUDE, Spot, beside_river, height, orchard, point, slug
from hansa.cli.demo.profiles import PROFILES
from hansa.cli.demo.sensors import Nature, Say
from hansa.cli.demo.weather import DAY_S, Weather
from hansa.errors import BadRequest

HOUR_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a valley is made from: chance, when its evening begins (microseconds), and how much of it there is."""

    seed: int = 7
    start: int = clock.parse("2026-04-11T15:30:00Z")
    stations: int = 24
    sensors: int = 60
    past_days: int = 36

    @classmethod
    def read(cls, file: Path) -> "Plan | None":
        """The plan of a valley that was begun; None before that. BadRequest when the file cannot be used."""
        try:
            return cls(**{name: int(value) for name, value in json.loads(file.read_text("utf-8")).items()})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, AttributeError) as fault:
            raise BadRequest(
                f"{file} is no plan of a demo valley: {fault}", mend="give --data another folder, or remove this one"
            ) from None

    def write(self, file: Path) -> None:
        """Keep it beside the city."""
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)), "utf-8")
        new.replace(file)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One device of the valley: who it is, where it stands, how often it speaks, and what it would say."""

    name: str
    title: str
    profile: str
    spot: Spot
    interval_s: float
    phase_s: float
    over: Literal["mqtt", "http"]
    say: Callable[[float], dict[str, Any] | None]

    @property
    def entity(self) -> str:
        """The entity it speaks for."""
        return f"urn:ngsi-ld:{self.kind}:{self.name}"

    @property
    def kind(self) -> str:
        """The type of that entity."""
        return str(PROFILES[self.profile]["type"])

    @property
    def location(self) -> dict[str, Any] | None:
        """Where it stands; None for what walks about."""
        return None if self.profile == "collar" else point(self.spot)

    def next_s(self, after_s: float) -> float:
        """When it speaks next: on a grid of its own, so that eighty devices do not speak in one breath."""
        return ((after_s - self.phase_s) // self.interval_s + 1.0) * self.interval_s + self.phase_s


_Make = Callable[[Nature, str, Spot, int], Say]
_KINDS: Final[tuple[tuple[str, str, int, _Make, tuple[float, float]], ...]] = (
    # profile, title, how many in a valley of sixty, what it says, where along and across the river they begin
    ("soil", "Soil probe", 10, sensors.soil, (0.08, 0.7)),
    ("river", "River gauge", 4, sensors.river, (0.1, 0.03)),
    ("radiation", "Dose rate probe", 4, sensors.radiation, (0.16, 1.6)),
    ("air", "Air station", 8, sensors.air, (0.3, 0.4)),
    ("noise", "Noise meter", 6, sensors.noise, (0.44, 0.5)),
    ("structure", "Bridge sensor", 6, sensors.structure, (0.2, -0.05)),
    ("dam", "Dam pendulum", 3, sensors.dam, (0.074, -0.2)),
    ("camera", "Wildlife camera", 4, sensors.camera, (0.15, -1.9)),
    ("collar", "Deer collar", 2, sensors.collar, (0.3, 1.9)),
    ("water", "Water probe", 5, sensors.water, (0.12, 0.2)),
    ("indoor", "Room sensor", 8, sensors.indoor, (0.46, 0.3)),
)
_SPREAD: Final[dict[str, tuple[float, float]]] = {"noise": (0.028, -0.13), "indoor": (0.012, 0.03), "dam": (0.0, 0.2)}
_FIRST: Final = {"water": "drinking-waterworks", "indoor": "indoor-school"}


class Valley:
    """All instruments of a plan. The faults: see `_faulty`."""

    def __init__(self, plan: Plan) -> None:
        """Build it; nothing is drawn that does not follow from the plan."""
        self.plan = plan
        self.start_s = plan.start / clock.SECOND
        self.weather = Weather(plan.seed, LONGITUDE, LATITUDE, datetime.fromtimestamp(self.start_s, UTC).date())
        self.nature = Nature(self.weather, plan.seed, self.start_s)
        self.stations = [self._station(number) for number in range(plan.stations)]
        self.instruments = [*self.stations, *self._sensors()]

    def _station(self, number: int) -> Instrument:
        title, spot = orchard(number)
        name, above_m = f"orchard-{slug(title)}", height(spot)

        def say(time_s: float) -> dict[str, Any]:
            air = self.weather.air(time_s, name, above_m)
            return {
                "temperature": round(air.air_c, 1),
                "dewPoint": round(air.dew_point_c, 1),
                "relativeHumidity": round(air.humidity_percent),
                "windSpeed": round(air.wind_mps, 1),
                "atmosphericPressure": round(air.pressure_hpa, 1),
            }

        return self._instrument(number, name, title, "weather", spot, say)

    def _sensors(self) -> Iterator[Instrument]:
        """As many of each kind as its share of the plan's sensors, one of each kind first."""
        left = dict.fromkeys(range(len(_KINDS)), 0)
        for _ in range(self.plan.sensors):
            # The kind that is furthest behind its share comes next.
            at = min(left, key=lambda k: (left[k] / _KINDS[k][2], -_KINDS[k][2]))
            left[at] += 1
        number = self.plan.stations
        for at, (profile, title, share, make, (along, across)) in enumerate(_KINDS):
            step, sway = _SPREAD.get(profile, (0.85 / max(1, share), 0.18))
            for one in range(left[at]):
                spot = beside_river((along + step * one) % 1.0, across + sway * (one % 3 - 1))
                name = _FIRST.get(profile, f"{profile}-1") if one == 0 else f"{profile}-{one + 1}"
                if profile == "indoor" and one == 1:
                    name = "indoor-choir"
                say = self._faulty(name, make(self.nature, name, spot, one))
                yield self._instrument(number, name, f"{title} {one + 1}", profile, spot, say)
                number += 1

    @staticmethod
    def _instrument(  # one line of a table
        number: int,
        name: str,
        title: str,
        profile: str,
        spot: Spot,
        say: Callable[[float], dict[str, Any] | None],
    ) -> Instrument:
        interval_s = float(PROFILES[profile]["interval_s"])
        phase_s = round(number * 0.381966 % 1.0 * interval_s)  # the golden section spreads any number of them evenly
        return Instrument(name, title, profile, spot, interval_s, phase_s, "mqtt" if number % 2 else "http", say)

    def _faulty(self, name: str, say: Say) -> Callable[[float], dict[str, Any] | None]:
        """On purpose, to have something to watch: one goes silent, one is stuck, one says nonsense, one garbles.

        Too dry soil (`soil-4`), stale air (`indoor-choir`) and the flood stage come from the valley itself.
        """
        begin_s = self.start_s + 0.4 * HOUR_S
        if name == "radiation-2":
            return lambda t: None if begin_s <= t < begin_s + 6.0 * HOUR_S else say(t)
        if name == "air-3":
            return lambda t: say(t) | {"no2": 23.4}
        if name == "indoor-3":
            return lambda t: say(t) | ({"temperature": 74.2} if begin_s <= t < begin_s + 2.0 * HOUR_S else {})
        if name == "noise-2":  # beyond what the instrument can say: refused at the door, kept as a dead letter
            return lambda t: say(t) | ({"LAeq": 999.0} if t % HOUR_S < 300.0 else {})
        return say

    def first_frost_s(self, after_s: float) -> float | None:
        """When the first orchard freezes in the coming day and a half, or None."""
        steps = (after_s + 600.0 * k for k in range(int(1.5 * DAY_S / 600.0)))
        places = [(one.name, height(one.spot)) for one in self.stations]
        return next(
            (t for t in steps for name, above_m in places if self.weather.air(t, name, above_m).air_c <= 0.0), None
        )
