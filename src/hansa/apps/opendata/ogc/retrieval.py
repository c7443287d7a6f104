"""What EDR's queries choose: the stations of a position, an area, a radius, a box, a line, or of ids (EDR, 8.2)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hansa import Refusal, geo
from hansa.apps.opendata.ogc import boxes, wkt
from hansa.apps.opendata.ogc import crs as systems
from hansa.apps.opendata.ogc.series import STATIONS, Series, Station

NEAREST_M: Final = 10_000.0
"""How far away the station may be that speaks for a position: as far as across a town."""
_RINGS_M: Final = (200.0, 1_500.0, NEAREST_M)
ASIDE_M: Final = 1_000.0
"""How far it may stand off a trajectory's line."""
FARTHEST_M: Final = 1_000_000.0
UNITS: Final[dict[str, float]] = {
    "m": 1.0,
    "km": 1_000.0,
    "mi": 1_609.344,
    "ft": 0.3048,
    "nmi": 1_852.0,
}
_LONG: Final = {
    "metre": "m", "metres": "m", "meter": "m", "meters": "m", "kilometre": "km", "kilometres": "km", "kilometer": "km",
    "kilometers": "km", "mile": "mi", "miles": "mi", "foot": "ft", "feet": "ft",
}  # fmt: skip
COMMON: Final = ("datetime", "parameter-name", "crs", "f")
QUERIES: Final[dict[str, tuple[str, ...]]] = {
    "position": ("coords", "z", *COMMON),
    "radius": ("coords", "within", "within-units", "z", *COMMON),
    "area": ("coords", "z", *COMMON),
    "cube": ("bbox", "z", *COMMON),
    "trajectory": ("coords", "z", *COMMON),
    "locations": ("bbox", "datetime", "limit", "offset", "crs", "f"),
    "location": COMMON,
    "items": ("bbox", "datetime", "limit", "offset", "crs", "f"),
}
"""The parameters of each; `location` is a query of one or several locations by id."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The stations that a query chose; `single` where it can be but one."""

    stations: list[Station]
    single: bool = False


def chosen(name: str, said: Mapping[str, str], found: Series, crs: systems.Crs) -> Choice:
    """What a query chooses. Refusal says which parameter is wrong, or is missing."""
    _heights(said.get("z"))
    return _QUERIES[name](said, found, crs)


def _heights(said: str | None) -> None:
    """No collection has heights, and then `z` decides nothing (/req/edr/z-response A); yet it must be one."""
    if said is None:
        return
    parts = said.removeprefix("R").replace("/", ",").split(",")
    good = len(parts) <= 100 and all(one == ".." or not math.isnan(boxes.number(one)) for one in parts)
    if not good:
        raise Refusal(f"{said[:60]!r} is no height", where="z", mend="z=10, z=10/20 or z=10,20,30")


def _coords(said: Mapping[str, str], crs: systems.Crs, *kinds: str) -> dict[str, Any]:
    text = said.get("coords")
    if text is None or not text.strip():
        raise Refusal("which place? coords is missing", where="coords", mend="coords=POINT(17.1 48.1)")
    made = systems.understood(wkt.geometry(text, "coords", kinds), crs)
    geo.validate(made)
    return made


def _points(geometry: Mapping[str, Any]) -> list[list[float]]:
    return [geometry["coordinates"]] if geometry["type"] == "Point" else geometry["coordinates"]


def _near(found: Series, shape: dict[str, Any], limit_m: float) -> list[tuple[float, Station]]:
    """Stations within a distance of a geometry, the nearest first."""
    query = geo.GeoQuery.parse(f"near;maxDistance=={limit_m:.3f}", shape["type"], shape["coordinates"])
    there = found.stations(query.boxes)
    return sorted(
        ((geo.metres(one.point, shape), one) for one in there if query.matches(one.point)),
        key=lambda it: (it[0], it[1].id),
    )


def _position(said: Mapping[str, str], found: Series, crs: systems.Crs) -> Choice:
    shape = _coords(said, crs, "POINT", "MULTIPOINT")
    made: dict[Station, None] = {}
    for one in _points(shape):
        point = {"type": "Point", "coordinates": one[:2]}
        # Farther only where nobody is nearer: in a city of many stations there would be too many to look at.
        for limit_m in _RINGS_M:
            if near := _near(found, point, limit_m):
                made[near[0][1]] = None
                break
    return Choice(list(made), shape["type"] == "Point")


def _radius(said: Mapping[str, str], found: Series, crs: systems.Crs) -> Choice:
    shape = _coords(said, crs, "POINT", "MULTIPOINT")
    limit_m = _distance(said)
    made: dict[Station, None] = {}
    for one in _points(shape):
        for _, station in _near(found, {"type": "Point", "coordinates": one[:2]}, limit_m):
            made[station] = None
    return Choice(list(made))


def _distance(said: Mapping[str, str]) -> float:
    if "within" not in said:
        raise Refusal("how far? within is missing", where="within", mend="within=10&within-units=km")
    if "within-units" not in said:
        raise Refusal("in which unit? within-units is missing", where="within-units", mend="within-units=km")
    name = said["within-units"].strip().lower()
    unit = UNITS.get(_LONG.get(name, name))
    if unit is None:
        raise Refusal(f"{name[:40]!r} is no unit here", where="within-units", mend="use one of " + ", ".join(UNITS))
    made = boxes.number(said["within"]) * unit
    if not 0 < made <= FARTHEST_M:
        raise Refusal(f"within is a number above 0, up to {FARTHEST_M / 1_000:,.0f} km", where="within")
    return made


def _area(said: Mapping[str, str], found: Series, crs: systems.Crs) -> Choice:
    shape = _coords(said, crs, "POLYGON", "MULTIPOLYGON")
    return _meeting(found, shape)


def _meeting(found: Series, shape: dict[str, Any]) -> Choice:
    query = boxes.meeting(shape)
    there = found.stations(boxes.held(shape))
    return Choice([one for one in there if query.matches(one.point)])


def _cube(said: Mapping[str, str], found: Series, crs: systems.Crs) -> Choice:
    if "bbox" not in said:
        raise Refusal("which box? bbox is missing", where="bbox", mend="bbox=17,48,18,49")
    box = boxes.asked(said["bbox"], crs)
    return Choice([one for one in found.stations(box.boxes) if box.place.matches(one.point)])


def _trajectory(said: Mapping[str, str], found: Series, crs: systems.Crs) -> Choice:
    shape = _coords(said, crs, "LINESTRING", "MULTILINESTRING")
    flat = systems.rewritten(shape["coordinates"], lambda x, y: (x, y), 12)
    return Choice([station for _, station in _near(found, {"type": shape["type"], "coordinates": flat}, ASIDE_M)])


_QUERIES: Final[dict[str, Callable[[Mapping[str, str], Series, systems.Crs], Choice]]] = {
    "position": _position,
    "radius": _radius,
    "area": _area,
    "cube": _cube,
    "trajectory": _trajectory,
}


def by_ids(said: str, found: Series) -> Choice:
    """Locations by their ids, with commas. Refusal, NotFound."""
    idents = list(dict.fromkeys(one for one in said.split(",") if one))
    if not idents or len(idents) > STATIONS:
        raise Refusal(f"one id, or up to {STATIONS:,} with commas", where="locId")
    return Choice(found.named(idents), len(idents) == 1)
