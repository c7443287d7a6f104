"""Growers of the valley: whom frost warnings go to, on boards in their yards, and by telephone where a board fails.

A board is a device like any other: that it took a warning, it says itself, and that confirms the delivery. Two of them
are out of order, so that the board of deliveries has something to escalate. Made up, and the same at every start.
"""

from collections.abc import Iterator
from typing import Any, Final

from hansa import clock
from hansa.cli.demo.door import Door
from hansa.cli.demo.land import SOURCE, Spot, lonlat, orchard
from hansa.cli.demo.sensors import Say
from hansa.cli.demo.valley import HOUR_S, Instrument
from hansa.errors import HansaError

# name, language, the orchard, telephone of the house, whether the board works
_GROWERS: Final = (
    ("Jana Hrušková (simulated)", "en", 0, "+421900000001", True),
    ("Luc Pommier (simulated)", "fr", 1, "+421900000002", True),
    ("Inés Manzano (simulated)", "es", 2, "+421900000003", True),
    ("林 さくら (simulated)", "ja", 3, "+421900000004", True),
    ("سالم التفاح (simulated)", "ar", 4, "+421900000005", True),
    ("Peter Sadár (simulated)", "en", 5, "+421900000006", False),
    ("Marie Cerisier (simulated)", "fr", 6, "+421900000007", True),
    ("Ján Slivka (simulated)", "en", 7, "+421900000008", False),
)
_RADIUS_M: Final = 800.0
_SEASON: Final = 150 * 86_400 * clock.SECOND
_AROUND: Final = 0.25  # degrees of the valley on every side


def boards() -> list[Instrument]:
    """The boards as devices: each says once an hour how full its battery is."""
    return [
        Instrument(
            f"board-{n}", f"Yard board {n}", "board", _yard(n), HOUR_S, 60.0 * n, "http", _says(n)
        )
        for _, _, n, _, _ in _GROWERS
    ]  # fmt: skip


def _says(number: int) -> Say:
    def says(at_s: float) -> dict[str, Any]:
        return {"batteryLevel": round(96.0 - number - at_s / 86_400.0 % 7.0, 1)}

    return says


def at_work(instrument: Instrument) -> bool:
    """Whether a board is in order."""
    return any(works and instrument.name == f"board-{number}" for _, _, number, _, works in _GROWERS)


def _yard(number: int) -> Spot:
    _, (east, north) = orchard(number)
    return (east + 0.05, north - 0.08)


def standing(now: int) -> Iterator[dict[str, Any]]:
    """What two people have said in advance: frost alerts of this season go to the growers at once."""
    west, south = (coordinate - _AROUND for coordinate in lonlat((0.0, 0.0)))
    east, north = west + 2 * _AROUND, south + 2 * _AROUND
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    said = {
        "kind": "frost",
        "area": {"type": "Polygon", "coordinates": [ring]},
        "severityMost": "Severe",
        "perNight": 50,
        "until": clock.text(now + _SEASON),
        "groups": ["growers"],
        "radius_m": 1_000.0,
        "state": "approved",
        "proposedBy": "person:sam (simulated)",
        "proposedAt": clock.text(now),
        "approvedBy": "person:kim (simulated)",
        "approvedAt": clock.text(now),
        "used": {},
        "source": SOURCE,
    }
    ident = "urn:ngsi-ld:StandingApproval:orlava-frost"
    doc: dict[str, Any] = {"id": ident, "type": "StandingApproval"}
    doc |= {name: {"type": "Property", "value": value} for name, value in said.items()}
    yield {"kind": "say", "id": ident, "doc": doc, "label": "smart"}


async def enter(door: Door) -> None:
    """Enter every grower, as staff would; what they have changed since stays."""
    for name, language, number, telephone, _ in _GROWERS:
        where, spot = orchard(number)
        lon, lat = lonlat(spot)
        said = {
            "name": name,
            "language": language,
            "places": [{"name": where, "lon": lon, "lat": lat, "radius_m": _RADIUS_M}],
            "hazards": ["frost"],
            "groups": ["growers"],
            "channels": [{"kind": "display", "to": f"board-{number}"}, {"kind": "phone", "to": telephone}],
            "contact": {"name": f"{where}, the neighbours (simulated)", "phone": telephone},
        }
        answer = await door.ask("POST", "/desk/warnings/enter", said)
        if "id" not in answer:
            raise HansaError(f"the city refuses the grower {name}: {answer}")
