"""OGC API - Features: published places, to be read (Part 1 Core 1.0.1, Part 2 CRS 1.0.1, Part 3 Filtering 1.0.1).

/ogc/features                                   landing page      /ogc/features/api           OpenAPI 3.0
/ogc/features/conformance                                         /ogc/features/collections
/ogc/features/collections/{id}                                    /ogc/features/collections/{id}/queryables
/ogc/features/collections/{id}/items            limit, offset, bbox, bbox-crs, crs, datetime, filter, filter-lang,
                                                filter-crs, and a parameter for each queryable
/ogc/features/collections/{id}/items/{feature}  crs
"""

import math
from typing import Any, Final

from hansa import NotFound, Refusal
from hansa.apps.opendata.ogc import boxes, cql, described, openapi, places, times
from hansa.apps.opendata.ogc import crs as systems
from hansa.apps.opendata.ogc.described import ITEMS, PLAIN
from hansa.apps.opendata.ogc.served import HTML, JSON, OPENAPI, SCHEMA, Told, Visit, whole
from hansa.apps.opendata.ogc.wanted import Want
from hansa.apps.opendata.published import Published, get

LIMIT: Final = 100
MOST: Final = 10_000
OFFSET: Final = 100_000_000
_SPEC: Final = "http://www.opengis.net/spec/"
CONFORMS: Final = (
    *(f"{_SPEC}ogcapi-common-1/1.0/conf/{one}" for one in ("core", "landing-page", "json", "html", "oas30")),
    f"{_SPEC}ogcapi-common-2/1.0/conf/collections",
    *(f"{_SPEC}ogcapi-features-1/1.0/conf/{one}" for one in ("core", "oas30", "html", "geojson")),
    f"{_SPEC}ogcapi-features-2/1.0/conf/crs",
    *(
        f"{_SPEC}ogcapi-features-3/1.0/conf/{one}"
        for one in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"{_SPEC}cql2/1.0/conf/{one}"
        for one in (
            "cql2-text",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison",
            "basic-spatial-functions",
            "temporal-functions",
        )
    ),
)
RESERVED: Final = ("limit", "offset", "bbox", "bbox-crs", "crs", "datetime", "filter", "filter-lang", "filter-crs")
TITLE: Final = "Places of the city: OGC API - Features"


def tell(visit: Visit) -> Told:
    """What is answered at an address below `/ogc/features`. NotFound, Refusal."""
    match visit.parts:
        case []:
            visit.known()
            visit.choose(PLAIN)
            says = (
                "What the city gives away of places, as features. Whoever asks may have it; nobody can change it here."
            )
            return Told(described.landing(visit, TITLE, says), TITLE, PLAIN)
        case ["api"]:
            forms = {"json": OPENAPI, "html": HTML}
            visit.known()
            visit.choose(forms)
            return Told(openapi.features(visit), TITLE, forms)
        case ["conformance"]:
            visit.known()
            visit.choose(PLAIN)
            value = {"conformsTo": list(CONFORMS), "links": visit.links(PLAIN, "conformance")}
            return Told(value, "Conformance", PLAIN)
        case ["collections"]:
            return _collections(visit)
        case ["collections", ident]:
            return _collection(visit, ident)
        case ["collections", ident, "queryables"]:
            return _queryables(visit, ident)
        case ["collections", ident, "items"]:
            return _items(visit, ident)
        case ["collections", ident, "items", *rest] if rest:
            return _item(visit, ident, "/".join(rest))
    raise NotFound("there is no such place", where="path", mend=f"begin at {visit.root}")


def _placed(visit: Visit, ident: str) -> Published:
    one = get(visit.city, ident)
    if not places.is_placed(one) or one.id != ident:
        raise NotFound(f"the dataset {ident[:100]} has no places", where="collectionId")
    return one


def _opened(visit: Visit, ident: str) -> tuple[Published, places.Places]:
    one = _placed(visit, ident)
    found = places.of(visit.city, one)
    if found is None:
        raise NotFound(f"the dataset {ident[:100]} has no places", where="collectionId")
    return one, found


def _collections(visit: Visit) -> Told:
    visit.known("limit", "offset")
    visit.choose(PLAIN)
    some, links = described.listed(visit, list(described.with_places(visit.city)))
    found = [described.collection(visit, one) for one in some]
    for one in found:
        one["links"].insert(0, visit.link("self", JSON, "collections", one["id"], title="This collection"))
    known = dict.fromkeys(uri for one in found for uri in one["crs"])
    value = {"links": links, "collections": found, "crs": list(known)}
    return Told(value, "Datasets with places", PLAIN)


def _collection(visit: Visit, ident: str) -> Told:
    visit.known()
    visit.choose(PLAIN)
    value = described.collection(visit, _placed(visit, ident))
    value["links"] = [*visit.links(PLAIN, *visit.parts), *value["links"]]
    return Told(value, value["title"], PLAIN)


def _queryables(visit: Visit, ident: str) -> Told:
    one, found = _opened(visit, ident)
    forms = {"json": SCHEMA, "html": HTML}
    visit.known()
    visit.choose(forms)
    return Told(described.queryables(visit, one, found), f"What can be asked of {ident}", forms)


def _items(visit: Visit, ident: str) -> Told:
    one, found = _opened(visit, ident)
    # A property that is called like a parameter of the standard can be asked for in a filter.
    asked = {name: kind for name, kind in found.fields.items() if kind != "any" and name not in {*RESERVED, "f"}}
    asked = {"id": "text", **asked}
    visit.known(*RESERVED, *asked)
    visit.choose(ITEMS)
    offered = described.offered(visit.city, one)
    crs = systems.chosen(visit.query.get("crs"), offered, "crs")
    limit = whole(visit.query.get("limit"), "limit", LIMIT, MOST)
    offset = whole(visit.query.get("offset"), "offset", 0, OFFSET, 0)
    want = _wanted(visit.query, found, asked, offered)
    features, matched = found.page(want, offset, limit)
    value: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [_presented(each, crs) for each in features],
        "numberMatched": matched,
        "numberReturned": len(features),
        "timeStamp": times.text(visit.at // 1_000_000 * 1_000_000),
        "links": _paged(visit, (offset, limit), len(features), matched),
    }
    value["links"].append(visit.link("collection", JSON, "collections", ident, title="The collection"))
    return Told(value, ident, ITEMS, {"Content-Crs": f"<{crs.uri}>"})


def _wanted(
    said: dict[str, str], found: places.Places, asked: dict[str, str], offered: tuple[systems.Crs, ...]
) -> Want:
    box = None
    box_crs = systems.chosen(said.get("bbox-crs"), offered, "bbox-crs")
    if "bbox" in said:
        box = boxes.asked(said["bbox"], box_crs)
    if said.get("filter-lang", "cql2-text") != "cql2-text":
        raise Refusal("filters are written in cql2-text", where="filter-lang")
    filter_crs = systems.chosen(said.get("filter-crs"), offered, "filter-crs")
    fields = {"id": "text", "geometry": "geometry", **{n: k for n, k in found.fields.items() if k != "any"}}
    return Want(
        place=box.place if box else None,
        boxes=box.boxes if box else (),
        square=bool(box and box.square),
        span=times.asked(said["datetime"]) if "datetime" in said else None,
        equal={name: _value(name, said[name], kind) for name, kind in asked.items() if name in said},
        node=cql.parsed(said["filter"], fields, filter_crs) if "filter" in said else None,
    )


def _value(name: str, said: str, kind: str) -> Any:
    if kind == "number":
        made = boxes.number(said)
        if math.isnan(made):
            raise Refusal(f"{name} is a number", where=name)
        return int(made) if made == int(made) and abs(made) < 1e15 else made
    if kind == "boolean":
        if said not in {"true", "false"}:
            raise Refusal(f"{name} is true or false", where=name)
        return said == "true"
    if kind == "time":
        return times.asked(said, name)
    return said


def _paged(visit: Visit, asked: tuple[int, int], came: int, matched: int) -> list[dict[str, Any]]:
    """Fewer may have come than were asked for: the next page begins after them."""
    offset, limit = asked
    said = {name: value for name, value in visit.query.items() if name != "f"}
    made = visit.links(ITEMS, *visit.parts, **said)
    form = {"f": visit.query["f"]} if "f" in visit.query else {}
    said |= {"limit": str(limit), **form}
    if came and offset + came < matched:
        more = {**said, "offset": str(offset + came)}
        made.append(visit.link("next", visit.kind, *visit.parts, title="The next ones", **more))
    if offset > 0:
        before = {**said, "offset": str(max(0, offset - limit))}
        made.append(visit.link("prev", visit.kind, *visit.parts, title="Those before", **before))
    return made


def _presented(one: dict[str, Any], crs: systems.Crs) -> dict[str, Any]:
    return {**one, "geometry": systems.presented(one["geometry"], crs)}


def _item(visit: Visit, ident: str, key: str) -> Told:
    one, found = _opened(visit, ident)
    visit.known("crs")
    visit.choose(ITEMS)
    crs = systems.chosen(visit.query.get("crs"), described.offered(visit.city, one), "crs")
    value = _presented(found.one(key), crs)
    said = {name: value for name, value in visit.query.items() if name != "f"}
    at = ("collections", ident, "items", key)
    links = visit.links(ITEMS, *at, **said)
    value["links"] = [*links, visit.link("collection", JSON, "collections", ident, title="The collection")]
    return Told(value, key, ITEMS, {"Content-Crs": f"<{crs.uri}>"})
