"""Coordinate reference systems by reference (OGC API - Features, Part 2): what a URI names, and there and back.

CRS84 and EPSG:4326 (the same, latitude first), EPSG:3857 by its formula (EPSG method 1024), and the UTM zones on
ETRS89 (EPSG:25828 to 25838) and WGS 84 (EPSG:32601 to 32660, 32701 to 32760) by Krueger's series to the sixth order of
n, as Karney gives them (Transverse Mercator with an accuracy of a few nanometers, 2011, equations 35 and 36): below a
micrometre within a zone. ETRS89 is taken for WGS 84, as everybody does who needs no better than a metre.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from hansa import Refusal

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CRS84H: Final = "http://www.opengis.net/def/crs/OGC/0/CRS84h"
EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"
_A: Final = 6_378_137.0
_F: Final = 1 / 298.257223563
_K0: Final = 0.9996
_MERCATOR_LAT: Final = 85.051_128_779_806_59
"""Where the square of web maps ends."""
_SHORT = re.compile(
    r"\[?(?:(?:urn:ogc:def:crs:)?EPSG:(?:\d*:)?|(?:https?://www\.opengis\.net/def/crs/)?EPSG/\d+/)(\d{4,5})\]?\Z"
)
_LIKE_CRS84 = re.compile(
    r"\[?(?:(?:urn:ogc:def:crs:)?OGC:(?:1\.3:)?|https?://www\.opengis\.net/def/crs/OGC/1\.3/)?CRS84\]?\Z"
)

Pair = tuple[float, float]
Project = Callable[[float, float], Pair]


@dataclass(frozen=True, slots=True)
class Crs:
    """One system: `forward` is from longitude and latitude (degrees) to its own first and second axis, `back` is back.

    `extent` are longitudes and latitudes between which it may be used.
    """

    uri: str
    name: str
    wkt: str
    forward: Project
    back: Project
    extent: tuple[float, float, float, float] = (-180.0, -90.0, 180.0, 90.0)
    geographic: bool = False


def _same(x: float, y: float) -> Pair:
    return x, y


def _swapped(x: float, y: float) -> Pair:
    return y, x


def _mercator(lon: float, lat: float) -> Pair:
    lat = max(-_MERCATOR_LAT, min(_MERCATOR_LAT, lat))
    return _A * math.radians(lon), _A * math.asinh(math.tan(math.radians(lat)))


def _from_mercator(x: float, y: float) -> Pair:
    return math.degrees(x / _A), math.degrees(math.atan(math.sinh(max(-40.0, min(40.0, y / _A)))))


_N: Final = _F / (2 - _F)
_E: Final = math.sqrt(_F * (2 - _F))
_RADIUS: Final = _A / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64 + _N**6 / 256)
_ALPHA: Final = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16 + 41 * _N**4 / 180 - 127 * _N**5 / 288 + 7891 * _N**6 / 37800,
    13 * _N**2 / 48 - 3 * _N**3 / 5 + 557 * _N**4 / 1440 + 281 * _N**5 / 630 - 1983433 * _N**6 / 1935360,
    61 * _N**3 / 240 - 103 * _N**4 / 140 + 15061 * _N**5 / 26880 + 167603 * _N**6 / 181440,
    49561 * _N**4 / 161280 - 179 * _N**5 / 168 + 6601661 * _N**6 / 7257600,
    34729 * _N**5 / 80640 - 3418889 * _N**6 / 1995840,
    212378941 * _N**6 / 319334400,
)
_BETA: Final = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360 - 81 * _N**5 / 512 + 96199 * _N**6 / 604800,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440 + 46 * _N**5 / 105 - 1118711 * _N**6 / 3870720,
    17 * _N**3 / 480 - 37 * _N**4 / 840 - 209 * _N**5 / 4480 + 5569 * _N**6 / 90720,
    4397 * _N**4 / 161280 - 11 * _N**5 / 504 - 830251 * _N**6 / 7257600,
    4583 * _N**5 / 161280 - 108847 * _N**6 / 3991680,
    20648693 * _N**6 / 638668800,
)


def _utm(central: float, north_false: float) -> tuple[Project, Project]:
    """Easting and northing of a zone whose middle meridian is `central` degrees, and back."""

    def forward(lon: float, lat: float) -> Pair:
        tau = math.tan(math.radians(lat))
        sigma = math.sinh(_E * math.atanh(_E * tau / math.hypot(1.0, tau)))
        conformal = tau * math.hypot(1.0, sigma) - sigma * math.hypot(1.0, tau)
        away = math.radians((lon - central + 180.0) % 360.0 - 180.0)
        xi = math.atan2(conformal, math.cos(away))
        eta = math.asinh(math.sin(away) / math.hypot(conformal, math.cos(away)))
        x, y = eta, xi
        for order, one in enumerate(_ALPHA, 1):
            x += one * math.cos(2 * order * xi) * math.sinh(2 * order * eta)
            y += one * math.sin(2 * order * xi) * math.cosh(2 * order * eta)
        return 500_000.0 + _K0 * _RADIUS * x, north_false + _K0 * _RADIUS * y

    def back(east: float, north: float) -> Pair:
        xi = max(-1.6, min(1.6, (north - north_false) / (_K0 * _RADIUS)))
        eta = max(-1.6, min(1.6, (east - 500_000.0) / (_K0 * _RADIUS)))
        u, v = xi, eta
        for order, one in enumerate(_BETA, 1):
            u -= one * math.sin(2 * order * xi) * math.cosh(2 * order * eta)
            v -= one * math.cos(2 * order * xi) * math.sinh(2 * order * eta)
        conformal = math.sin(u) / math.hypot(math.sinh(v), math.cos(u))
        away = math.atan2(math.sinh(v), math.cos(u))
        tau = conformal
        for _ in range(6):  # Newton's steps; three are enough within a zone
            sigma = math.sinh(_E * math.atanh(_E * tau / math.hypot(1.0, tau)))
            reached = tau * math.hypot(1.0, sigma) - sigma * math.hypot(1.0, tau)
            slope = (1 + (1 - _E**2) * tau**2) / ((1 - _E**2) * math.hypot(1.0, reached) * math.hypot(1.0, tau))
            tau += (conformal - reached) * slope
        return (central + math.degrees(away) + 180.0) % 360.0 - 180.0, math.degrees(math.atan(tau))

    return forward, back


_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]'
)
_ETRS89 = (
    'GEOGCS["ETRS89",DATUM["European_Terrestrial_Reference_System_1989",SPHEROID["GRS 1980",6378137,298.257222101]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]'
)
_LON_LAT = ',AXIS["Longitude",EAST],AXIS["Latitude",NORTH]]'
_LAT_LON = ',AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'


@lru_cache(maxsize=256)
def _epsg(code: int) -> Crs | None:
    uri = f"{EPSG}{code}"
    if code == 4326:
        return Crs(uri, "EPSG:4326", _WGS84 + _LAT_LON, _swapped, _swapped, geographic=True)
    if code == 3857:
        wkt = (
            f'PROJCS["WGS 84 / Pseudo-Mercator",{_WGS84}],PROJECTION["Popular_Visualisation_Pseudo_Mercator"],'
            'PARAMETER["central_meridian",0],PARAMETER["false_easting",0],PARAMETER["false_northing",0],'
            'UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH],AUTHORITY["EPSG","3857"]]'
        )
        return Crs(uri, "EPSG:3857", wkt, _mercator, _from_mercator, (-180.0, -_MERCATOR_LAT, 180.0, _MERCATOR_LAT))
    family, zone = divmod(code, 100)
    if family == 258 and 28 <= zone <= 38:
        return _zone(uri, code, zone, "ETRS89", _ETRS89, south=False)
    if family in {326, 327} and 1 <= zone <= 60:
        return _zone(uri, code, zone, "WGS 84", _WGS84, south=family == 327)
    return None


def _zone(uri: str, code: int, zone: int, datum: str, base: str, *, south: bool) -> Crs:
    central = zone * 6 - 183
    forward, back = _utm(central, 10_000_000.0 if south else 0.0)
    wkt = (
        f'PROJCS["{datum} / UTM zone {zone}{"S" if south else "N"}",{base}],PROJECTION["Transverse_Mercator"],'
        f'PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",{central}],PARAMETER["scale_factor",0.9996],'
        f'PARAMETER["false_easting",500000],PARAMETER["false_northing",{10_000_000 if south else 0}],'
        f'UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH],AUTHORITY["EPSG","{code}"]]'
    )
    # A zone is used somewhat beyond its six degrees; far away the series means nothing.
    extent = (central - 15.0, -84.0, central + 15.0, 84.0)
    return Crs(uri, f"EPSG:{code}", wkt, forward, back, extent)


LON_LAT: Final = Crs(CRS84, "CRS84", _WGS84 + _LON_LAT, _same, _same, geographic=True)
LON_LAT_H: Final = Crs(CRS84H, "CRS84h", _WGS84 + _LON_LAT, _same, _same, geographic=True)


def named(said: str) -> Crs | None:
    """The system of a URI, or of one of its short forms (`EPSG:3857`, `[EPSG:3857]`, `CRS84`); None: not known here."""
    if said in {CRS84H, CRS84H.replace("http:", "https:")}:
        return LON_LAT_H
    if _LIKE_CRS84.match(said):
        return LON_LAT
    found = _SHORT.match(said)
    return _epsg(int(found[1])) if found else None


def around(box: Sequence[float] | None) -> tuple[Crs, ...]:
    """The systems in which data of a box (west, south, east, north) is offered; CRS84 first."""
    codes = [4326, 3857]
    if box is not None and -180 <= box[0] <= box[2] <= 180:
        lon, lat = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        zone = min(60, int((lon + 180) // 6) + 1)
        if 28 <= zone <= 38 and 34 <= lat <= 84:
            codes.append(25800 + zone)
        codes.append((32600 if lat >= 0 else 32700) + zone)
    return (LON_LAT, *(one for code in codes if (one := _epsg(code)) is not None))


def chosen(said: str | None, offered: Sequence[Crs], where: str) -> Crs:
    """The system that a parameter asks for, the first where it asks for none. Refusal when it is not offered."""
    if said is None:
        return offered[0]
    found = named(said)
    if found is LON_LAT_H:
        return LON_LAT_H
    if found is None or found not in offered:
        raise Refusal(
            f"{said[:120]!r} is no coordinate reference system of this collection",
            where=where,
            mend="use one of " + ", ".join(one.uri for one in offered),
        )
    return found


def rewritten(coordinates: Any, project: Project, digits: int) -> Any:
    """Coordinates of any depth in another system; a height stays as it is."""
    if isinstance(coordinates[0], list | tuple):
        return [rewritten(one, project, digits) for one in coordinates]
    x, y = project(coordinates[0], coordinates[1])
    return [round(x, digits), round(y, digits), *coordinates[2:]]


def presented(geometry: dict[str, Any] | None, crs: Crs) -> dict[str, Any] | None:
    """A GeoJSON geometry in another system: degrees to nine digits, metres to three."""
    if geometry is None or crs.forward is _same:
        return geometry
    digits = 9 if crs.geographic else 3
    return {"type": geometry["type"], "coordinates": rewritten(geometry["coordinates"], crs.forward, digits)}


def understood(geometry: dict[str, Any], crs: Crs) -> dict[str, Any]:
    """A geometry that was said in a system, in longitude and latitude."""
    if crs.back is _same:
        return geometry
    return {"type": geometry["type"], "coordinates": rewritten(geometry["coordinates"], crs.back, 12)}
