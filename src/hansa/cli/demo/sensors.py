"""What the valley's other sensors say: the report's list (4.1.1 a), each from the same weather, river and day.

A `Say` takes a time (seconds since 1970) and gives what the device would measure then. Plausible shapes, not science.
"""

import math
from collections.abc import Callable
from typing import Any, Final

from hansa.cli.demo.land import Spot, height, lonlat
from hansa.cli.demo.noise import Noise
from hansa.cli.demo.weather import DAY_S, Weather

Say = Callable[[float], dict[str, Any]]
_SUMMER_S: Final = 7_200.0  # the valley's own time is two hours ahead of UTC in the season of the demo


def hour_of(time_s: float) -> float:
    """Local hour of the day, 0 to 24."""
    return (time_s + _SUMMER_S) % DAY_S / 3_600.0


def bump(value: float, middle: float, width: float) -> float:
    """A smooth hill of height 1."""
    return math.exp(-(((value - middle) / width) ** 2))


def rush(time_s: float) -> float:
    """How busy the roads are, 0 to about 1: morning and evening rush, quiet nights, half of it at weekends."""
    hour = hour_of(time_s)
    weekend = int((time_s + _SUMMER_S) // DAY_S + 4) % 7 in {0, 6}
    daily = 0.06 + 0.35 * bump(hour, 13.0, 5.5) + 0.6 * bump(hour, 7.6, 1.1) + 0.65 * bump(hour, 17.2, 1.6)
    return daily * (0.55 if weekend else 1.0)


class Nature:
    """The weather, and what follows from it: river, soil, steel, air. `start_s` is when the demo's evening begins."""

    def __init__(self, weather: Weather, seed: int, start_s: float) -> None:
        """One for all sensors."""
        self.weather = weather
        self.seed = seed
        self._flood_s = start_s + 11.0 * 3_600.0
        self._stage = Noise(seed, "stage", 4.0 * DAY_S)

    def noise(self, name: str, period_s: float) -> Callable[[float], float]:
        """A wandering quantity of one sensor."""
        return Noise(self.seed, name, period_s).at

    def level(self, time_s: float, down_s: float) -> float:
        """River level in m at a gauge that the wave reaches `down_s` later: snow melt sends one slow flood wave."""
        since = (time_s - down_s - self._flood_s) / 3_600.0
        wave = 1.95 * math.exp(-((since / (6.0 if since < 0 else 14.0)) ** 2))
        return 1.15 + 0.12 * self._stage.at(time_s - down_s) + wave

    def rained(self, time_s: float, hours: int) -> float:
        """Rain of the last hours, mm."""
        return sum(self.weather.rain(time_s - 3_600.0 * back) for back in range(hours))

    def stillness(self, time_s: float) -> float:
        """How closed the valley's air is, 0 to 1: calm, clear nights hold smoke and radon down."""
        sunrise_s, sunset_s = self.weather.sun_around(time_s)
        night = 0.0 if sunrise_s <= time_s <= sunset_s else 1.0
        return night * math.exp(-self.weather.wind(time_s) / 2.0) * (1.0 - 0.7 * self.weather.cloud(time_s))


def river(nature: Nature, name: str, _spot: Spot, number: int) -> Say:
    """A gauge; each further down hears of the wave 50 minutes later."""
    ripple = nature.noise(name, 1_200.0)

    def say(time_s: float) -> dict[str, Any]:
        level_m = nature.level(time_s, 3_000.0 * number) + 0.006 * ripple(time_s)
        return {"level": round(level_m, 3), "flow": round(11.5 * max(0.05, level_m) ** 1.65, 2)}

    return say


def soil(nature: Nature, name: str, spot: Spot, number: int) -> Say:
    """Water content follows the rain of two days; number 3 stands on gravel and is too dry."""
    wander = nature.noise(name, 5.0 * DAY_S)
    above_m = height(spot)
    base = 16.4 if number % 10 == 3 else 25.0 + 1.5 * (number % 4) - 0.01 * above_m

    def say(time_s: float) -> dict[str, Any]:
        rained = 0.0 if number % 10 == 3 else min(8.0, 0.12 * nature.rained(time_s, 24))
        hour = hour_of(time_s)
        vwc = base + rained + 0.7 * wander(time_s) - 0.25 * bump(hour, 15.0, 4.0)
        warm = nature.weather.season(time_s) - 5.5 + 2.2 * math.sin((hour - 12.0) / 24.0 * 2.0 * math.pi)
        return {"soilMoistureVwc": round(vwc, 2), "soilTemperature": round(warm - 0.004 * above_m, 2)}

    return say


def radiation(nature: Nature, name: str, spot: Spot, _number: int) -> Say:
    """Background of the ground, radon that still nights hold down, and the bump when rain washes radon out."""
    count = nature.noise(name, 900.0)
    ground = 0.092 + 0.00012 * height(spot)

    def say(time_s: float) -> dict[str, Any]:
        washed = sum(nature.weather.rain(time_s - 900.0 * k) * 0.68**k for k in range(8)) * 0.012
        dose = ground + 0.012 * nature.stillness(time_s) + min(0.08, washed) + 0.003 * count(time_s)
        return {"doseRate": round(dose, 4)}

    return say


def air(nature: Nature, name: str, spot: Spot, number: int) -> Say:
    """Traffic by day, wood smoke in still nights, ozone with the sun."""
    wander, flutter = nature.noise(name, 5_000.0), nature.noise(f"{name} flutter", 900.0)
    near = 1.3 - 0.11 * (number % 8) - 0.001 * height(spot)

    def say(time_s: float) -> dict[str, Any]:
        stove = nature.stillness(time_s) * bump(hour_of(time_s) % 24.0, 20.5, 3.5)
        thin = 1.0 / (0.6 + 0.25 * nature.weather.wind(time_s))
        pm25 = (4.5 + 8.0 * near * rush(time_s) + 17.0 * stove) * thin + 0.8 * wander(time_s)
        no2 = (6.0 + 38.0 * near * rush(time_s)) * thin + 1.6 * wander(time_s) + 0.7 * flutter(time_s)
        sun = max(0.0, math.sin((hour_of(time_s) - 7.5) / 13.0 * math.pi)) * (1.0 - 0.6 * nature.weather.cloud(time_s))
        o3 = 42.0 + 48.0 * sun - 0.5 * no2 + 3.0 * flutter(time_s)
        return {
            "pm25": round(max(0.4, pm25), 1),
            "pm10": round(max(0.8, 1.55 * pm25 + 1.2 * flutter(time_s)), 1),
            "no2": round(max(0.5, no2), 1),
            "o3": round(max(1.0, o3), 1),
        }

    return say


def noise(nature: Nature, name: str, _spot: Spot, number: int) -> Say:
    """Levels follow the traffic; ten times the cars are 10 dB more."""
    wander, event = nature.noise(name, 1_800.0), nature.noise(f"{name} event", 300.0)
    street = 66.0 - 3.2 * (number % 6)

    def say(time_s: float) -> dict[str, Any]:
        level = street + 10.0 * math.log10(rush(time_s)) + 1.3 * wander(time_s)
        return {"LAeq": round(max(27.0, level), 1), "LAmax": round(max(36.0, level + 13.0 + 4.0 * event(time_s)), 1)}

    return say


def structure(nature: Nature, name: str, spot: Spot, number: int) -> Say:
    """A bridge or a wall: steel that follows the air, traffic that shakes it."""
    shake = nature.noise(name, 600.0)
    above_m = height(spot)

    def say(time_s: float) -> dict[str, Any]:
        steel_c = 0.5 * (
            nature.weather.air(time_s, name, above_m).air_c + nature.weather.air(time_s - 5_400.0, name, above_m).air_c
        )
        return {
            "temperature": round(steel_c, 2),
            "strain": round(-11.4 * (steel_c - 10.0) + 2.0 * shake(time_s), 1),
            "tilt": round(0.012 + 0.0009 * (steel_c - 10.0) * (1 + number % 3) + 0.0004 * shake(time_s), 4),
            "peakVelocity": round(max(0.02, 0.15 + 1.1 * rush(time_s) + 0.2 * shake(time_s)), 2),
        }

    return say


def dam(nature: Nature, name: str, spot: Spot, number: int) -> Say:
    """A pendulum: the wall leans downstream when the water stands high and its sunny face is warm."""
    quiver = nature.noise(name, 1_200.0)

    def say(time_s: float) -> dict[str, Any]:
        warm_c = nature.weather.air(time_s - 14_400.0, name, height(spot)).air_c
        level_m = nature.level(time_s, 0.0)
        lean = 0.0011 * (level_m - 1.0) - 0.00012 * (warm_c - 8.0)
        return {
            "tiltX": round(lean * (1.0 + 0.2 * number) + 0.00002 * quiver(time_s), 6),
            "tiltY": round(0.2 * lean + 0.00002 * quiver(time_s + 500.0), 6),
            "seepage": round(13.0 + 2.4 * level_m + 0.15 * quiver(time_s), 2),
        }

    return say


_BEASTS: Final = ("roe deer", "red fox", "wild boar", "European hare", "badger")


def camera(nature: Nature, name: str, _spot: Spot, number: int) -> Say:
    """Animals that passed in the hour: most at dusk and dawn."""
    luck, kind = nature.noise(name, 3_600.0), nature.noise(f"{name} kind", 3_600.0)

    def say(time_s: float) -> dict[str, Any]:
        hour = hour_of(time_s)
        likely = 0.2 + 2.2 * bump(hour, 20.3, 1.6) + 2.0 * bump(hour, 5.6, 1.5) + 0.7 * (hour < 5.0 or hour > 22.0)
        count = max(0, round(likely * (1.0 + 0.6 * luck(time_s)) - 0.2))
        beast = _BEASTS[int(abs(kind(time_s)) * 7 + number) % len(_BEASTS)]
        return {"count": count, "species": beast} if count else {"count": 0}

    return say


def collar(nature: Nature, name: str, spot: Spot, _number: int) -> Say:
    """A deer that walks about its range, more in twilight, with a battery that empties."""
    east, north, restless = (
        nature.noise(f"{name} x", 14_000.0),
        nature.noise(f"{name} y", 14_000.0),
        nature.noise(name, 1_800.0),
    )

    def say(time_s: float) -> dict[str, Any]:
        longitude, latitude = lonlat((spot[0] + 0.5 * east(time_s), spot[1] + 0.4 * north(time_s)))
        hour = hour_of(time_s)
        activity = 18.0 + 45.0 * bump(hour, 20.0, 2.0) + 42.0 * bump(hour, 5.5, 1.8) + 9.0 * restless(time_s)
        battery = 100.0 - time_s % (90.0 * DAY_S) / (90.0 * DAY_S) * 80.0
        return {"lat": latitude, "lon": longitude, "activity": round(min(100.0, max(0.0, activity)), 1),
                "batteryLevel": round(battery, 1)}  # fmt: skip

    return say


def water(nature: Nature, name: str, _spot: Spot, number: int) -> Say:
    """The river's water, and (number 0) what leaves the waterworks."""
    wander = nature.noise(name, 7_000.0)

    def say(time_s: float) -> dict[str, Any]:
        if number == 0:
            clear = {
                "turbidity": round(max(0.05, 0.2 + 0.03 * wander(time_s)), 2),
                "pH": round(7.6 + 0.04 * wander(time_s), 2),
            }
            return clear | {
                "temperature": round(9.4 + 0.1 * wander(time_s), 2),
                "conductivity": 412 + round(4 * wander(time_s)),
            }
        level_m = nature.level(time_s, 3_000.0 * number)
        warm = 7.6 + 0.9 * math.sin((hour_of(time_s) - 10.0) / 24.0 * 2.0 * math.pi) + 0.2 * wander(time_s)
        return {
            "temperature": round(warm, 2),
            "pH": round(7.9 - 0.12 * (level_m - 1.2) + 0.05 * wander(time_s), 2),
            "turbidity": round(max(0.3, 3.0 + 16.0 * max(0.0, level_m - 1.3) + 0.5 * wander(time_s)), 2),
            "conductivity": round(430.0 - 60.0 * (level_m - 1.2) + 6.0 * wander(time_s)),
        }

    return say


def indoor(nature: Nature, name: str, _spot: Spot, number: int) -> Say:
    """Rooms: a school by day, and (number 1) a hall where a choir sings in the evening behind closed windows."""
    wander = nature.noise(name, 2_400.0)

    def say(time_s: float) -> dict[str, Any]:
        hour = hour_of(time_s)
        people = bump(hour, 19.3, 1.3) * 1.15 if number % 8 == 1 else 0.42 * bump(hour, 11.0, 3.2)
        co2 = 425.0 + 1_050.0 * people + 18.0 * wander(time_s)
        warm = 20.6 + 0.9 * people + 0.25 * wander(time_s) + 0.3 * (number % 3)
        humid = 38.0 + 9.0 * people + 1.5 * wander(time_s + 9_000.0)
        return {"temperature": round(warm, 1), "relativeHumidity": round(humid, 1), "co2": round(co2)}

    return say
