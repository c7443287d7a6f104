"""Who and what the valley can send: crews, vehicles, pumps and shelters, where they stand, and who is on duty when.

Made up, and the same at every start. What is there already is left as it is: operators have changed it since.
"""

from collections.abc import Iterator
from typing import Any, Final

from hansa.cli.demo.land import SOURCE, ZONE, beside_river, point

_ALL: Final = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WORK: Final = _ALL[:5]

# key, name, kind, capabilities, where along and across the river (km), places, taken, who is on duty
_FORCES: Final = (
    ("fire-1", "Engine Orlava 1", "vehicle", ["pump", "ladder", "rescue"], (0.47, 0.31), None, None, "round"),
    ("fire-2", "Engine Orlava 2", "vehicle", ["pump", "light"], (0.47, 0.31), None, None, "round"),
    ("fire-3", "Engine Lower Valley", "vehicle", ["pump"], (0.82, 0.45), None, None, "evening"),
    ("boat", "River rescue boat", "vehicle", ["boat", "rescue"], (0.52, 0.16), None, None, "evening"),
    ("medic-1", "Ambulance 1", "vehicle", ["medic"], (0.49, 0.61), None, None, "round"),
    ("medic-2", "Ambulance 2", "vehicle", ["medic"], (0.56, -0.33), None, None, "round"),
    ("police", "Patrol", "vehicle", ["traffic", "guard"], (0.5, 0.31), None, None, "round"),
    ("works-1", "Town works, crew A", "team", ["sandbags", "barrier", "traffic"], (0.44, 0.61), None, None, "day"),
    ("works-2", "Town works, crew B", "team", ["sandbags", "saw"], (0.44, 0.61), None, None, "evening"),
    ("growers", "Growers' watch", "team", ["heaters", "sandbags"], (0.3, 0.95), None, None, "night"),
    ("pump-trailer", "Pump trailer", "pump", ["pump"], (0.45, 0.61), None, None, ""),
    ("generator", "Generator trailer", "generator", ["generator", "light"], (0.45, 0.61), None, None, ""),
    ("school", "School gym", "shelter", ["bed", "shelter"], (0.53, 0.78), 120, 0, ""),
    ("hall", "Swimming hall", "shelter", ["shelter"], (0.48, 0.95), 80, 0, ""),
    ("clinic", "Clinic, beds", "ward", ["bed", "medic-bed"], (0.51, 0.61), 36, 29, ""),
)
_ROUND: Final = (("06:00", "14:00"), ("14:00", "22:00"), ("22:00", "06:00"))


def forces() -> Iterator[dict[str, Any]]:
    """Every resource of the valley, as an entity."""
    for key, name, kind, can, spot, places, taken, duty in _FORCES:
        said = {
            "name": name,
            "resourceKind": kind,
            "capabilities": can,
            "status": "available",
            "capacity": places,
            "occupied": taken,
            "roster": _roster(key, duty),
            "source": SOURCE,
        }
        yield {
            "id": f"urn:ngsi-ld:Resource:orlava-{key}",
            "type": "Resource",
            "location": {"type": "GeoProperty", "value": point(beside_river(*spot))},
            **{part: {"type": "Property", "value": value} for part, value in said.items() if value is not None},
        }


def _roster(key: str, duty: str) -> dict[str, Any] | None:
    """Made-up people in three shifts, or at one time of day; None for what needs nobody."""

    def line(number: int, days: list[str], hours: tuple[str, str]) -> dict[str, Any]:
        return {"who": f"person:{key}-{number}", "days": days, "from": hours[0], "to": hours[1]}

    if duty == "round":
        weekly = [line(n + 1, _ALL, hours) for n, hours in enumerate(_ROUND)]
    elif duty:
        hours = {"day": ("07:00", "16:00"), "evening": ("15:00", "23:00"), "night": ("20:00", "08:00")}[duty]
        weekly = [line(1, _WORK if duty == "day" else _ALL, hours), line(2, _ALL, hours)]
    else:
        return None
    return {"zone": ZONE, "needed": 1, "weekly": weekly}
