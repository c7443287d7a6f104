"""What the valley's instruments speak: the standard profiles, and those that the report's list needs besides.

River gauges say a level, structures a tilt, the dam two tilts: what `apps/watch/defaults.json` watches.
"""

from typing import Any, Final

from hansa.collect.standard import STANDARD


def _profile(name: str, kind: str, interval_s: float, **channels: tuple[str | None, float, float]) -> dict[str, Any]:
    said = {}
    for key, (unit, low, high) in channels.items():
        said[key] = {"name": key, "low": low, "high": high} | ({} if unit is None else {"unit": unit})
    return {"name": name, "type": kind, "interval_s": interval_s, "channels": said}


PROFILES: Final[dict[str, dict[str, Any]]] = {
    "weather": dict(STANDARD["weather"]),
    "soil": dict(STANDARD["soil"]),
    "air": dict(STANDARD["air"]),
    "water": dict(STANDARD["water"]),
    "indoor": dict(STANDARD["indoor"]),
    "radiation": {**STANDARD["radiation"], "interval_s": 600},
    "camera": {**STANDARD["wildlife"], "name": "camera"},
    "river": _profile("river", "WaterObserved", 900, level=("MTR", -5, 30), flow=("MQS", 0, 100_000)),
    "noise": _profile("noise", "NoiseLevelObserved", 300, LAeq=("2N", 0, 160), LAmax=("2N", 0, 160)),
    "structure": _profile(
        "structure", "StructureObserved", 600, strain=(None, -10_000, 10_000), tilt=("DD", -90, 90),
        peakVelocity=("C16", 0, 10_000), temperature=("CEL", -60, 100),
    ),
    "dam": _profile(
        "dam", "DamObserved", 600, tiltX=("DD", -5, 5), tiltY=("DD", -5, 5), seepage=("L2", 0, 100_000)
    ),
    "board": _profile("board", "Display", 3_600, batteryLevel=("P1", 0, 100)),
    "collar": _profile("collar", "AnimalObserved", 1_800, activity=("P1", 0, 100), batteryLevel=("P1", 0, 100)),
}  # fmt: skip
"""Profile documents by name, as enrolment takes them."""


def _rule(name: str, description: str, kind: str, watched: tuple[str, str], **more: Any) -> dict[str, Any]:
    said = {
        "description": description,
        "kind": kind,
        "watchedType": watched[0],
        "watchedAttribute": watched[1],
        "source": "the demo valley; set for its rehearsal, not for any real place",
        **more,
    }
    whole = {key: {"type": "Property", "value": value} for key, value in said.items()}
    return {"id": f"urn:ngsi-ld:WatchRule:{name}", "type": "WatchRule", **whole}


RULES: Final = (
    _rule(
        "demo-flood-stage", "The river leaves its bed", "threshold", ("WaterObserved", "level"),
        high=2.6, hysteresis=0.1, holdOff=1_800, unitCode="MTR", severity="high", category="naturalDisaster",
    ),
    _rule(
        "demo-no2-flat", "An analyser that says the same for hours is stuck", "flat", ("AirQualityObserved", "no2"),
        flatFor=5_400, minimumReadings=6, severity="low", category="environment",
    ),
    _rule(
        "demo-station-silent", "An orchard station does not report", "silence", ("WeatherObserved", "temperature"),
        silentFor=3_600, severity="medium", category="agriculture",
    ),
)  # fmt: skip
"""WatchRules for what the defaults leave to the place."""
