"""Where a warning holds: drawn polygons, circles, codes of places that the city knows; and whom that reaches.

A circle is kept as it was said and drawn as a polygon of 64 corners. A geocode is known by the setting `geocodes`, a
table from "name=value" to a polygon. Held by tests/apps/test_warnings_plan.py.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from hansa import City, Entity, Refusal, geo
from hansa.apps.warnings import words

CORNERS: Final = 64
METRES_A_DEGREE: Final = 111_195.0  # of latitude, on a sphere of the earth's mean radius


def area_of(said: Mapping[str, Any], one: Entity | None, city: City) -> dict[str, Any]:
    """Attributes of the area as far as it is said: area, circles, geocodes, and location, all of it. Raises Refusal."""
    if not {"area", "circles", "geocodes"} & set(said):
        return {}
    made: dict[str, Any] = {}
    if "area" in said:
        made["area"] = {} if said["area"] is None else words.area_ok(said["area"])  # empty: none any more
    if "circles" in said:
        made["circles"] = _circles(said["circles"])
    if "geocodes" in said:
        made["geocodes"] = _geocodes(said["geocodes"])
    known = {} if one is None else {name: one.get(name) for name in ("area", "circles", "geocodes")}
    whole = known | made
    made["location"] = located(
        whole.get("area"), words.dicts(whole.get("circles")), coded(words.dicts(whole.get("geocodes")), city)
    )
    return made


def located(area: Any, circles: list[dict[str, Any]], extra: list[dict[str, Any]] | None = None) -> Any:
    """One geometry of all parts; None when there is none."""
    parts: list[Any] = []
    for one in ([area] if isinstance(area, dict) and area else []) + (extra or []):
        parts += one["coordinates"] if one["type"] == "MultiPolygon" else [one["coordinates"]]
    parts += [[ring(one["lon"], one["lat"], one["radius_m"])] for one in circles]
    if not parts:
        return None
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def ring(lon: float, lat: float, radius_m: float) -> list[list[float]]:
    """A circle as a closed ring, kept on the map at the poles and the antimeridian."""
    up = radius_m / METRES_A_DEGREE
    wide = up / max(math.cos(math.radians(lat)), 0.01)
    turns = [2 * math.pi * n / CORNERS for n in range(CORNERS)]
    found = [
        [
            round(min(max(lon + wide * math.cos(turn), -180.0), 180.0), 6),
            round(min(max(lat + up * math.sin(turn), -90.0), 90.0), 6),
        ]
        for turn in turns
    ]
    return [*found, found[0]]


def _circles(said: Any) -> list[dict[str, Any]]:
    if not isinstance(said, list) or len(said) > words.AREAS:
        raise Refusal(f"circles are a list of at most {words.AREAS}", where="circles")
    found = []
    for n, one in enumerate(said):
        if not isinstance(one, Mapping):
            raise Refusal("a circle has lon, lat and radius_m", where=f"circles[{n}]")
        words.only(one, "lon", "lat", "radius_m")
        found.append(
            {
                "lon": words.number(one.get("lon"), f"circles[{n}].lon", -180, 180),
                "lat": words.number(one.get("lat"), f"circles[{n}].lat", -90, 90),
                "radius_m": words.number(one.get("radius_m"), f"circles[{n}].radius_m", 1, words.CIRCLE_M),
            }
        )
    return found


def _geocodes(said: Any) -> list[dict[str, str]]:
    if not isinstance(said, list) or len(said) > words.AREAS:
        raise Refusal(f"geocodes are a list of at most {words.AREAS}", where="geocodes")
    found = []
    for n, one in enumerate(said):
        if not isinstance(one, Mapping):
            raise Refusal("a geocode has a name and a value", where=f"geocodes[{n}]")
        words.only(one, "name", "value")
        found.append({name: words.text(one, name, needed=True) for name in ("name", "value")})
    return found


def coded(geocodes: list[dict[str, Any]], city: City) -> list[dict[str, Any]]:
    """The polygons of the codes that the city knows. Raises Refusal for one that it does not."""
    known = words.mapping(city.setting("geocodes"))
    found = []
    for one in geocodes:
        said = known.get(f"{one['name']}={one['value']}")
        if said is None:
            raise Refusal(f"nobody knows where {one['name']}={one['value']} is"[:200], where="geocodes")
        found.append(words.area_ok(said, "geocodes"))
    return found


def within(geometry: Any, area: Any) -> bool:
    """Whether all of a geometry, each part of it, lies in an area, its edge included. What is none lies nowhere."""
    if not isinstance(geometry, Mapping) or not isinstance(area, Mapping):
        return False
    parts = geometry["coordinates"] if geometry.get("type") == "MultiPolygon" else [geometry.get("coordinates")]
    inside = geo.GeoQuery("within", dict(area))
    return bool(parts) and all(inside.matches({"type": "Polygon", "coordinates": one}) for one in parts)


class Reach:
    """Whom an area reaches, asked of thousands of places: most are decided by a box."""

    def __init__(self, geometry: Mapping[str, Any]) -> None:
        """Of a valid Polygon or MultiPolygon."""
        self._geometry = dict(geometry)
        self._box = geo.bbox(self._geometry)
        self._inside = geo.GeoQuery("intersects", self._geometry)
        self._near: dict[float, geo.GeoQuery] = {}

    def touches(self, place: Mapping[str, Any]) -> bool:
        """Whether a place ({"lon", "lat", "radius_m"}) and the area have anything in common."""
        lon, lat, radius_m = (place.get(name) for name in ("lon", "lat", "radius_m"))
        if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in (lon, lat, radius_m)):
            return False
        return self._touches(float(lon), float(lat), float(radius_m))  # type: ignore[arg-type]  # looked at just now

    def _touches(self, lon: float, lat: float, radius_m: float) -> bool:
        west, south, east, north = self._box
        up = radius_m / METRES_A_DEGREE * 1.01
        wide = up / max(math.cos(math.radians(min(abs(lat) + up, 89.5))), 0.005)
        # Over the antimeridian the same place has another longitude: both are looked at.
        if lat < south - up or lat > north + up:
            return False
        if not any(west - wide <= lon + turn <= east + wide for turn in (-360, 0, 360)):
            return False
        point = {"type": "Point", "coordinates": [lon, lat]}
        if self._inside.matches(point):
            return True
        if radius_m <= 0:
            return False
        near = self._near.get(radius_m)
        if near is None:
            near = geo.GeoQuery("near_max", self._geometry, limit_m=radius_m)
            if len(self._near) < 1_000:  # radii that people choose: a few
                self._near[radius_m] = near
        return near.matches(point)
