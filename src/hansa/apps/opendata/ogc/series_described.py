"""Series and their releases as EDR describes them: extent, parameters, what can be asked, in which forms (EDR, 8.2)."""

from collections.abc import Sequence
from typing import Any, Final

from hansa import Entity, NotFound
from hansa.apps.opendata import dataset
from hansa.apps.opendata.ogc import crs as systems
from hansa.apps.opendata.ogc import described, openapi
from hansa.apps.opendata.ogc.retrieval import UNITS
from hansa.apps.opendata.ogc.series import Parameter, Series
from hansa.apps.opendata.ogc.served import COVJSON, CSV, GEOJSON, HTML, JSON, Visit
from hansa.apps.opendata.published import Published

FORMATS: Final = {"CoverageJSON": COVJSON, "GeoJSON": GEOJSON, "CSV": CSV, "HTML": HTML}
LISTED: Final = {"GeoJSON": GEOJSON, "HTML": HTML}


def collection(
    visit: Visit, one: Published, found: Series, at: list[str], release: Entity | None = None
) -> dict[str, Any]:
    """A collection, or one release of it, and what can be asked of it (EDR, 8.2)."""
    crs = described.offered(visit.city, one)
    root = visit.address(*at)
    value = described.said(one)
    if release is not None:
        value |= {"id": at[-1], "title": f"{value['title']}, version {at[-1]}"}
    newest = release is None
    listed = newest and bool(releases(visit, one))
    links = [
        *(
            visit.link("data", COVJSON, *at, name, title=f"{name.capitalize()} query")
            for name in ("position", "area", "cube")
        ),
        visit.link("data", GEOJSON, *at, "locations", title="Where it is measured"),
        *described.licence(one),
    ]
    if listed:
        links.append(visit.link("instance", JSON, *at, "instances", title="Releases of it"))
    return {
        **value,
        "links": links,
        "extent": extent(visit, one, found, newest=newest),
        "data_queries": _queries(visit, at, crs, releases=listed),
        "crs": [each.name for each in crs],
        "output_formats": list(FORMATS),
        "within_units": list(UNITS),
        "parameter_names": {name: parameter(each, root) for name, each in found.parameters.items()},
    }


def extent(visit: Visit, one: Published, found: Series, *, newest: bool = True) -> dict[str, Any]:
    """EDR wants an extent of every collection; of an older release, and where none was told, the stations tell it."""
    made = described.extent(visit.city, one) if newest else {}
    if "spatial" not in made:
        there = found.stations()
        lon, lat = [it.lon for it in there] or [-180.0, 180.0], [it.lat for it in there] or [-90.0, 90.0]
        made = {"spatial": {"bbox": [[min(lon), min(lat), max(lon), max(lat)]], "crs": systems.CRS84}, **made}
    if "temporal" not in made:
        made["temporal"] = {"interval": [[None, None]], "trs": described.GREGORIAN}
    return made


def parameter(one: Parameter, root: str) -> dict[str, Any]:
    """A parameter as collections and GeoJSON have it."""
    made: dict[str, Any] = {
        "type": "Parameter",
        "id": one.name,
        "data-type": one.type,
        "observedProperty": {"id": one.about if "://" in one.about else root + one.about, "label": one.title},
    }
    if one.unit:
        made["unit"] = {"label": {"en": one.unit}, "symbol": one.unit}
    return made


def _queries(visit: Visit, at: list[str], crs: Sequence[systems.Crs], *, releases: bool) -> dict[str, Any]:
    details = [{"crs": each.name, "wkt": each.wkt} for each in crs]
    made: dict[str, Any] = {}
    for name in ("position", "radius", "area", "cube", "trajectory", "locations", "items"):
        listed = name in {"locations", "items"}
        formats = LISTED if listed else FORMATS
        variables: dict[str, Any] = {
            "title": f"{name.capitalize()} query",
            "query_type": name,
            "output_formats": list(FORMATS if name == "locations" else formats),
            "default_output_format": next(iter(formats)),
            "crs_details": details,
        }
        if name == "radius":
            variables["within_units"] = list(UNITS)
        if name == "cube":
            variables["height_units"] = ["m"]
        if name == "locations":
            variables["multiple_locations"] = True
        kind = formats[next(iter(formats))]
        made[name] = {"link": {**visit.link("data", kind, *at, name), "variables": variables}}
    if releases:
        made["instances"] = {"link": visit.link("instance", JSON, *at, "instances")}
    return made


def releases(visit: Visit, one: Published) -> list[Entity]:
    """Those that everybody may have, the newest first."""
    return dataset.releases(visit.city, dataset.ident(one.id), 100)


def release(visit: Visit, one: Published, version: str) -> Entity:
    """One of them by its number. NotFound."""
    if not version.isascii() or not version.isdigit() or len(version) > 6:
        raise NotFound(f"there is no release {version[:40]} of {one.id}", where="instanceId")
    return dataset.release_of(visit.city, one.id, int(version))


_TEXT: Final = {"type": "string"}
_WKT: Final = "A geometry as well-known text, in crs"
PARAMETERS: Final[dict[str, Any]] = {
    "instanceId": openapi.parameter("instanceId", _TEXT, "The number of a release", required=True, place="path"),
    "locId": openapi.parameter("locId", _TEXT, "Ids of locations, with commas", required=True, place="path"),
    "itemId": openapi.parameter("itemId", _TEXT, "The id of a station", required=True, place="path"),
    "coords": openapi.parameter("coords", _TEXT, _WKT, required=True),
    "within": openapi.parameter("within", _TEXT, "How far", required=True),
    "within-units": openapi.parameter(
        "within-units", {"type": "string", "enum": list(UNITS)}, "The unit of within", required=True
    ),
    "z": openapi.parameter("z", _TEXT, "Heights; no collection has any, so it decides nothing"),
    "datetime": openapi.parameter("datetime", _TEXT, "An instant, several, start/end, or R5/start/PT1H"),
    "parameter-name": openapi.parameter(
        "parameter-name", {"type": "array", "minItems": 1, "items": _TEXT}, "Only these, with commas"
    ),
    "crs": openapi.parameter("crs", _TEXT, "The system of coords and of the answer, as the collection names it"),
    "f": openapi.parameter("f", _TEXT, "The form of the answer, as the collection names it"),
}
