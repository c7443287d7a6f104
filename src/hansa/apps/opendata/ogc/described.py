"""Collections as both APIs describe them: text, extent, systems, licence (OGC API - Common, Part 2)."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from hansa import Asking
from hansa.apps.opendata.ogc import crs as systems
from hansa.apps.opendata.ogc import places
from hansa.apps.opendata.ogc.live import Live
from hansa.apps.opendata.ogc.served import GEOJSON, HTML, JSON, SCHEMA, Link, Visit, in_language, whole
from hansa.apps.opendata.ogc.wanted import Box
from hansa.apps.opendata.published import MOST, Published, published

QUERYABLES: Final = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
GREGORIAN: Final = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
LISTED: Final = 500
"""Collections of one answer: each is described, and of what is live the places are measured."""
PLAIN: Final = {"json": JSON, "html": HTML}
ITEMS: Final = {"json": GEOJSON, "html": HTML}
_JSON_TYPES: Final = {"number": "number", "text": "string", "time": "string", "boolean": "boolean"}


def with_places(city: Asking) -> Iterator[Published]:
    """The datasets that say where things are."""
    for one in published(city):
        if places.is_placed(one):
            yield one


def extent(city: Asking, one: Published) -> dict[str, Any]:
    """Where and when all of a dataset is, as far as anybody knows."""
    box = extent_box(city, one)
    made: dict[str, Any] = {}
    if box is not None:
        made["spatial"] = {"bbox": [list(box)], "crs": systems.CRS84}
    since, until = one.period or (None, None)
    if since or until:
        # What is live goes on: its end is open.
        ended = until if until and not one.live else None
        made["temporal"] = {"interval": [[since or None, ended]], "trs": GREGORIAN}
    return made


def extent_box(city: Asking, one: Published) -> Box | None:
    """West, south, east, north of a dataset."""
    return Live(city, one).box() if places.is_live(one) else one.bbox


def offered(city: Asking, one: Published) -> tuple[systems.Crs, ...]:
    """The systems in which a dataset can be had."""
    return systems.around(extent_box(city, one))


def listed(visit: Visit, there: Sequence[Published]) -> tuple[Sequence[Published], list[Link]]:
    """Those of the collections that are told at once, and the links of the list."""
    limit = whole(visit.query.get("limit"), "limit", LISTED, LISTED)
    offset = whole(visit.query.get("offset"), "offset", 0, MOST, 0)
    query = {name: value for name, value in visit.query.items() if name != "f"}
    links = visit.links(PLAIN, "collections", **query)
    if offset + limit < len(there):
        more = {**visit.query, "limit": str(limit), "offset": str(offset + limit)}
        links.append(visit.link("next", visit.kind, "collections", title="The next ones", **more))
    return there[offset : offset + limit], links


def said(one: Published) -> dict[str, Any]:
    """The members that say what it is."""
    made: dict[str, Any] = {"id": one.id, "title": in_language(one.title, one.id)}
    if one.description:
        made["description"] = in_language(one.description)
    if one.keywords:
        made["keywords"] = list(in_language(one.keywords))
    return made


def licence(one: Published) -> list[Link]:
    """A link to the licence, and to the dataset among the others."""
    made = []
    if one.licence:
        title = one.licence_code or "Licence"
        made.append({"href": one.licence, "rel": "license", "type": HTML, "title": title})
    return made


def collection(visit: Visit, one: Published) -> dict[str, Any]:
    """A collection of features (Features, Part 1, 7.14; Part 2, 6.2)."""
    crs = offered(visit.city, one)
    at = ("collections", one.id)
    links = [
        *(
            visit.link("items", kind, *at, "items", title=f"The features as {name}", f=name)
            for name, kind in ITEMS.items()
        ),
        visit.link(QUERYABLES, SCHEMA, *at, "queryables", title="What can be asked for"),
        *licence(one),
    ]
    made = {**said(one), "itemType": "feature", "crs": [each.uri for each in crs], "storageCrs": systems.CRS84}
    made["extent"] = extent(visit.city, one)
    if not made["extent"]:
        del made["extent"]
    made["links"] = links
    return made


def queryables(visit: Visit, one: Published, found: places.Places) -> dict[str, Any]:
    """A JSON Schema of what a filter may name (Features, Part 3, 6.2)."""
    says = {str(column["name"]): column for column in one.columns}
    named: dict[str, Any] = {"id": {"type": "string", "x-ogc-role": "id"}}
    named["geometry"] = {"format": f"geometry-{found.shapes}", "x-ogc-role": "primary-geometry"}
    for name, kind in found.fields.items():
        if kind not in _JSON_TYPES or name in named:
            continue
        own: dict[str, Any] = {"type": "integer" if name in found.whole else _JSON_TYPES[kind]}
        if kind == "time":
            own["format"] = "date-time"
        column = says.get(name, {})
        if column.get("says"):
            own["title"] = in_language(column["says"])
        if column.get("unit"):
            own["x-ogc-unit"] = column["unit"]
        named[name] = own
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": visit.here,
        "type": "object",
        "title": in_language(one.title, one.id),
        "properties": named,
        "additionalProperties": False,
    }


def landing(visit: Visit, title: str, says: str, more: Sequence[Link] = ()) -> dict[str, Any]:
    """Where an API begins (Common, Part 1, 7.2)."""
    openapi = "application/vnd.oai.openapi+json;version=3.0"
    return {
        "title": title,
        "description": says,
        "links": [
            *visit.links(PLAIN),
            visit.link("service-desc", openapi, "api", title="What can be asked here, as OpenAPI 3.0", f="json"),
            visit.link("service-doc", HTML, "api", title="What can be asked here, as a page", f="html"),
            visit.link("conformance", JSON, "conformance", title="The parts of the standards that are kept"),
            visit.link("data", JSON, "collections", title="The datasets"),
            *more,
        ],
    }
