"""Series as they go out: CoverageJSON (OGC 21-069r2, PointSeries), GeoJSON, CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hansa.apps.opendata.ogc import times
from hansa.apps.opendata.ogc.crs import Crs
from hansa.apps.opendata.ogc.series import Parameter, Station, Track

_RUNS: Final = frozenset("=+-@\t\r")
"""With which a cell begins that a spreadsheet would run."""


def _position(station: Station, crs: Crs) -> tuple[float, float]:
    """Its x and y: longitude and latitude, or easting and northing, whatever the order of the system's axes."""
    first, second = crs.forward(station.lon, station.lat)
    if crs.geographic:
        return station.lon, station.lat
    return round(first, 3), round(second, 3)


def referencing(crs: Crs) -> list[dict[str, Any]]:
    """How numbers on the axes are to be read. `coordinates` are in the order of the system's own axes."""
    swapped = crs.name == "EPSG:4326"
    kind = "GeographicCRS" if crs.geographic else "ProjectedCRS"
    return [
        {"coordinates": ["y", "x"] if swapped else ["x", "y"], "system": {"type": kind, "id": crs.uri}},
        {"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": "Gregorian"}},
    ]


def parameter(one: Parameter, root: str) -> dict[str, Any]:
    """A parameter of CoverageJSON; texts are by language there."""
    made: dict[str, Any] = {
        "type": "Parameter",
        "id": one.name,
        "observedProperty": {"id": one.about if "://" in one.about else root + one.about, "label": {"en": one.title}},
    }
    if one.unit:
        made["unit"] = {"label": {"en": one.unit}, "symbol": one.unit}
    return made


def coverage(track: Track, parameters: Mapping[str, Parameter], crs: Crs) -> dict[str, Any]:
    """One station's series, without what a collection says once for all."""
    x, y = _position(track.station, crs)
    many = len(track.at)
    return {
        "type": "Coverage",
        "id": track.station.id,
        "domain": {
            "type": "Domain",
            "domainType": "PointSeries",
            "axes": {"x": {"values": [x]}, "y": {"values": [y]}, "t": {"values": [times.text(at) for at in track.at]}},
        },
        "ranges": {
            name: {
                "type": "NdArray",
                "dataType": parameters[name].type,
                "axisNames": ["t"],
                "shape": [many],
                "values": values,
            }
            for name, values in track.values.items()
        },
    }


def covjson(
    tracks: Sequence[Track], parameters: Mapping[str, Parameter], crs: Crs, root: str, *, single: bool
) -> dict[str, Any]:
    """A Coverage where one was asked for, else a CoverageCollection."""
    told = {name: parameter(one, root) for name, one in parameters.items()}
    if single and len(tracks) == 1:
        made = coverage(tracks[0], parameters, crs)
        made["domain"]["referencing"] = referencing(crs)
        return {**made, "parameters": told}
    return {
        "type": "CoverageCollection",
        "domainType": "PointSeries",
        "parameters": told,
        "referencing": referencing(crs),
        "coverages": [coverage(track, parameters, crs) for track in tracks],
    }


def point(station: Station, crs: Crs) -> dict[str, Any]:
    """A GeoJSON point, in the order of the system's axes (Features, Part 2)."""
    if crs.name.startswith("CRS84"):
        return station.point
    first, second = crs.forward(station.lon, station.lat)
    digits = 9 if crs.geographic else 3
    return {"type": "Point", "coordinates": [round(first, digits), round(second, digits)]}


def features(tracks: Sequence[Track], crs: Crs, root: str) -> list[dict[str, Any]]:
    """A GeoJSON feature of each station and instant, with the properties that EDR wants and the values."""
    made = []
    for track in tracks:
        shape, end = point(track.station, crs), f"{root}/locations/{track.station.id}"
        for n, at in enumerate(track.at):
            said = {name: values[n] for name, values in track.values.items() if values[n] is not None}
            when = times.text(at)
            properties = {
                "datetime": when,
                "label": track.station.name,
                "parameter-name": list(said),
                "edrqueryendpoint": end,
                **{name: value for name, value in said.items() if name not in _OWN},
            }
            made.append(
                {"type": "Feature", "id": f"{track.station.id}@{when}", "geometry": shape, "properties": properties}
            )
    return made


_OWN: Final = frozenset({"datetime", "label", "parameter-name", "edrqueryendpoint"})


def csv_of(tracks: Sequence[Track], names: Sequence[str], crs: Crs) -> bytes:
    """A row of each station and instant: id, x, y, datetime, values."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["id", "x", "y", "datetime", *map(_cell, names)])
    for track in tracks:
        x, y = _position(track.station, crs)
        for n, at in enumerate(track.at):
            values = (track.values[name][n] for name in names)
            writer.writerow([_cell(track.station.id), x, y, times.text(at), *map(_cell, values)])
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    # Spreadsheets run what begins like a formula; the quote shows that it is a text.
    return f"'{value}" if isinstance(value, str) and value[:1] in _RUNS else value
