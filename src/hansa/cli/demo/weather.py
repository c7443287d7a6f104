"""The weather over the simulated valley: fronts and clear spells, days and nights, cold air that pools at the bottom.

Plain numbers, no I/O. What it follows: the afternoon's warmth after season and air mass; radiative cooling from sunset
to sunrise along the square-root law (FAO, *Frost Protection*, vol. 1, ch. 5), stronger under clear sky, in calm and in
dry air; 6.5 °C/km of lapse by day (ICAO standard atmosphere); and by night cold air that drains to the valley floor, so
that the lowest orchards freeze first. A model to rehearse with, not a forecast of any real place.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from hansa.apps.frost.science import sun
from hansa.cli.demo.noise import Noise

DAY_S: Final = 86_400.0
LAPSE_C: Final = 0.0065  # per metre
POOL_M: Final = 55.0  # height over which the pool of cold air thins out
POOL_C: Final = 6.2  # depth of the pool at the valley floor on a clear, calm night
PEAK_H: Final = 2.7  # hours after solar noon at which the air is warmest


@dataclass(frozen=True, slots=True)
class Air:
    """What a station would measure without error: °C, °C, m/s, hPa (at sea level), cloud 0 to 1."""

    air_c: float
    dew_point_c: float
    wind_mps: float
    pressure_hpa: float
    cloud: float

    @property
    def humidity_percent(self) -> float:
        """Relative humidity by the Magnus form (Alduchov and Eskridge 1996)."""
        return min(100.0, 100.0 * math.exp(_magnus(self.dew_point_c) - _magnus(self.air_c)))


def _magnus(air_c: float) -> float:
    return 17.625 * air_c / (243.04 + air_c)


class Weather:
    """The weather of one valley from its seed; the night after `clear` (a date) is clear, calm and cold."""

    def __init__(self, seed: int, longitude: float, latitude: float, clear: date) -> None:
        """The quantities that wander, each at its own pace."""
        self._place = (latitude, longitude)
        self._clear_s = datetime(clear.year, clear.month, clear.day, 21, tzinfo=UTC).timestamp()
        self._mass = Noise(seed, "air mass", 3.1 * DAY_S)
        self._front = Noise(seed, "front", 1.9 * DAY_S)
        self._gust = Noise(seed, "wind", 0.6 * DAY_S)
        self._seed = seed
        self._skies = lru_cache(maxsize=512)(self._sky)
        self._nights = lru_cache(maxsize=128)(self._night)
        self._suns = lru_cache(maxsize=128)(self._sun)
        self._gusts: dict[str, tuple[Noise, Noise]] = {}

    def sun(self, day: date) -> tuple[float, float]:
        """Sunrise and sunset of a (UTC) day, seconds since 1970."""
        return self._suns(day)

    def sun_around(self, time_s: float) -> tuple[float, float]:
        """Sunrise and sunset of the (UTC) day that a time belongs to."""
        return self._suns(datetime.fromtimestamp(time_s, UTC).date())

    def cloud(self, time_s: float) -> float:
        """Cover of the sky, 0 to 1."""
        return self._skies(int(time_s // 600))[0]

    def wind(self, time_s: float) -> float:
        """Wind above the valley in m/s."""
        return self._skies(int(time_s // 600))[1]

    def pressure(self, time_s: float) -> float:
        """Pressure at sea level in hPa: low under fronts."""
        return 1016.0 - 7.5 * self._front.at(time_s + 0.2 * DAY_S) * (1.0 - self._spell(time_s))

    def rain(self, time_s: float) -> float:
        """Rain in mm/h: under thick cloud only."""
        return max(0.0, self.cloud(time_s) - 0.82) * 14.0

    def air(self, time_s: float, name: str, above_m: float) -> Air:
        """The air at a station `above_m` metres above the valley floor."""
        when = datetime.fromtimestamp(time_s, UTC)
        today = when.date()
        sunrise_s, sunset_s = self._suns(today)
        pool = math.exp(-above_m / POOL_M)
        sheltered = 0.75 + 0.25 * min(1.0, above_m / 200.0)
        if sunrise_s <= time_s <= sunset_s:
            air_c = self._daytime(time_s, today, above_m, pool)
        else:
            evening = today if time_s > sunset_s else today - timedelta(days=1)
            air_c = self._nighttime(time_s, evening, above_m, pool)
        slow, quick = self._own(name)
        lively = 0.25 + 0.75 * (sunrise_s <= time_s <= sunset_s)
        air_c += 0.25 * slow.at(time_s) + 0.12 * (0.5 + lively) * quick.at(time_s)
        dew_c = min(air_c - 0.1, self._dew_point(time_s) - 0.001 * above_m + 0.15 * slow.at(time_s + 40_000.0))
        wind = max(0.0, self.wind(time_s) * sheltered * (0.55 + 0.45 * lively) * (1.0 + 0.25 * quick.at(time_s)))
        return Air(air_c, dew_c, wind, self.pressure(time_s), self.cloud(time_s))

    def _own(self, name: str) -> tuple[Noise, Noise]:
        found = self._gusts.get(name)
        if found is None:
            found = Noise(self._seed, f"{name} slow", 5_400.0), Noise(self._seed, f"{name} quick", 700.0)
            self._gusts[name] = found
        return found

    def _spell(self, time_s: float) -> float:
        """How much of the promised clear spell there is: 1 in its night, 0 a day and a half away."""
        return max(0.0, min(1.0, 1.7 - abs(time_s - self._clear_s) / (0.62 * DAY_S)))

    def _sky(self, step: int) -> tuple[float, float]:
        time_s = step * 600.0
        spell = self._spell(time_s)
        cloud = 1.0 / (1.0 + math.exp(-(2.1 * self._front.at(time_s) + 0.1)))
        wind = 2.6 * math.exp(0.55 * self._gust.at(time_s) + 0.35 * (cloud - 0.5))
        return cloud + (0.06 - cloud) * spell, wind + (0.9 - wind) * spell

    def _sun(self, day: date) -> tuple[float, float]:
        midnight_s = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
        found = sun(day, *self._place, 0.0)
        rise_min, set_min = found if found is not None else (360.0, 1_080.0)
        return midnight_s + rise_min * 60.0, midnight_s + set_min * 60.0

    def season(self, time_s: float) -> float:
        """Mean daily maximum of the time of the year, °C."""
        day = datetime.fromtimestamp(time_s, UTC).timetuple().tm_yday
        return 14.0 - 12.0 * math.cos(2.0 * math.pi * (day - 22) / 365.25)

    def _warmest(self, day: date) -> tuple[float, float]:
        """The day's maximum on the valley floor, and how far the sun lifts it, °C."""
        noon_s = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
        lift_c = 9.0 - 5.5 * self.cloud(noon_s)
        spell = self._spell(noon_s + 0.3 * DAY_S)
        maximum_c = self.season(noon_s) + 3.4 * self._mass.at(noon_s) - 2.2 * self.cloud(noon_s)
        return maximum_c + (13.9 - maximum_c) * spell, lift_c

    def _sunset_air(self, day: date) -> float:
        maximum_c, lift_c = self._warmest(day)
        return maximum_c - 0.34 * lift_c

    def _night(self, evening: date) -> tuple[float, float, float, float, float]:
        """Sunset and sunrise (s), air at sunset, cooling until sunrise without and by the pool of cold air (°C)."""
        sunset_s, sunrise_s = self._suns(evening)[1], self._suns(evening + timedelta(days=1))[0]
        hours = [sunset_s + (sunrise_s - sunset_s) * part for part in (0.1, 0.35, 0.6, 0.85)]
        cloud = sum(map(self.cloud, hours)) / len(hours)
        wind = sum(map(self.wind, hours)) / len(hours)
        clear = 1.0 - 0.8 * cloud * cloud
        calm = math.exp(-wind / 3.5)
        start_c = self._sunset_air(evening)
        # Moist air sends heat back, and dew that forms sets it free.
        dry = max(0.7, min(1.2, 0.82 + 0.03 * (start_c - self._dew_point(sunset_s))))
        change_c = self._mass.at(sunrise_s) - self._mass.at(sunset_s)
        cooling_c = dry * clear * (4.2 + 3.6 * calm) - 1.6 * change_c * (1.0 - self._spell(sunset_s))
        return sunset_s, sunrise_s, start_c, max(0.5, cooling_c), POOL_C * clear * calm

    def _nighttime(self, time_s: float, evening: date, above_m: float, pool: float) -> float:
        sunset_s, sunrise_s, start_c, cooling_c, pooled_c = self._nights(evening)
        part = max(0.0, min(1.0, (time_s - sunset_s) / (sunrise_s - sunset_s)))
        return start_c - LAPSE_C * above_m - (cooling_c + pooled_c * pool) * math.sqrt(part)

    def _daytime(self, time_s: float, day: date, above_m: float, pool: float) -> float:
        sunrise_s, sunset_s = self._suns(day)
        peak_s = (sunrise_s + sunset_s) / 2.0 + PEAK_H * 3_600.0
        maximum_c, lift_c = self._warmest(day)
        top_c = maximum_c - LAPSE_C * above_m
        if time_s >= peak_s:
            part = (time_s - peak_s) / (sunset_s - peak_s)
            return top_c - 0.34 * lift_c * (1.0 - math.cos(part * math.pi / 2.0))
        start_c = self._nighttime(sunrise_s, day - timedelta(days=1), above_m, pool)
        part = (time_s - sunrise_s) / (peak_s - sunrise_s)
        return start_c + (top_c - start_c) * math.sin(part * math.pi / 2.0)

    def _dew_point(self, time_s: float) -> float:
        spell = self._spell(time_s)
        dew_c = self.season(time_s) - 10.5 + 2.6 * self._mass.at(time_s - 10_000.0) + 6.0 * (self.cloud(time_s) - 0.5)
        return dew_c + (-3.7 - dew_c) * spell


def start_of(text_date: date, hour: float) -> float:
    """Seconds since 1970 of an hour (UTC) of a day."""
    return datetime(text_date.year, text_date.month, text_date.day, tzinfo=UTC).timestamp() + hour * 3_600.0
