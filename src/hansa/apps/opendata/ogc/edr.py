"""OGC API - Environmental Data Retrieval 1.1: published series of measurements, to be read.

/ogc/edr                        landing page        /ogc/edr/api                         OpenAPI 3.0
/ogc/edr/conformance                                /ogc/edr/collections
/ogc/edr/collections/{id}                           /ogc/edr/collections/{id}/instances
/ogc/edr/collections/{id}/position|radius|area|cube|trajectory
/ogc/edr/collections/{id}/locations[/{ids}]         /ogc/edr/collections/{id}/items[/{id}]
and the same queries below /ogc/edr/collections/{id}/instances/{version}: a release, as it was
"""

from collections.abc import Sequence
from typing import Any, Final

from hansa import Entity, NotFound, Refusal
from hansa.apps.opendata.ogc import boxes, coverages, described, openapi, retrieval, series, times
from hansa.apps.opendata.ogc import crs as systems
from hansa.apps.opendata.ogc import series_described as told
from hansa.apps.opendata.ogc.described import PLAIN
from hansa.apps.opendata.ogc.retrieval import QUERIES, Choice
from hansa.apps.opendata.ogc.series import Series, Station
from hansa.apps.opendata.ogc.series_described import FORMATS, LISTED, PARAMETERS
from hansa.apps.opendata.ogc.served import COVJSON, GEOJSON, HTML, JSON, OPENAPI, Told, Visit, whole
from hansa.apps.opendata.published import Published, get, published

LIMIT: Final = 100
_SPEC: Final = "http://www.opengis.net/spec/"
CONFORMS: Final = (
    *(f"{_SPEC}ogcapi-common-1/1.0/conf/{one}" for one in ("core", "landing-page", "json", "html", "oas30")),
    f"{_SPEC}ogcapi-common-2/1.0/conf/collections",
    *(
        f"{_SPEC}ogcapi-edr-1/1.1/conf/{one}"
        for one in (
            "core",
            "collections",
            "json",
            "geojson",
            "edr-geojson",
            "covjson",
            "html",
            "oas30",
            "queries",
            "instances",
        )
    ),
)
TITLE: Final = "Series of the city: OGC API - Environmental Data Retrieval"


def tell(visit: Visit) -> Told:
    """What is answered at an address below `/ogc/edr`. NotFound, Refusal."""
    match visit.parts:
        case []:
            visit.known()
            visit.choose(PLAIN)
            says = "What the city gives away of measurements, by place and time. Whoever asks may have it."
            return Told(described.landing(visit, TITLE, says), TITLE, PLAIN)
        case ["api"]:
            forms = {"json": OPENAPI, "html": HTML}
            visit.known()
            visit.choose(forms)
            return Told(openapi.edr(visit, QUERIES, PARAMETERS), TITLE, forms)
        case ["conformance"]:
            visit.known()
            visit.choose(PLAIN)
            value = {"conformsTo": list(CONFORMS), "links": visit.links(PLAIN, "conformance")}
            return Told(value, "Conformance", PLAIN)
        case ["collections"]:
            return _collections(visit)
        case ["collections", ident, "instances"]:
            return _instances(visit, _one(visit, ident))
        case ["collections", ident, "instances", version, *rest]:
            one = _one(visit, ident)
            release = told.release(visit, one, version)
            found = series.Released(visit.city, one, str(release["sha256"]))
            return _below(visit, one, found, ["collections", ident, "instances", version], rest, release)
        case ["collections", ident, *rest]:
            one = _one(visit, ident)
            opened = series.of(visit.city, one)
            if opened is not None:
                return _below(visit, one, opened, ["collections", ident], rest)
    raise NotFound("there is no such place", where="path", mend=f"begin at {visit.root}")


def _one(visit: Visit, ident: str) -> Published:
    one = get(visit.city, ident)
    if not series.is_series(one) or one.id != ident:
        raise NotFound(f"the dataset {ident[:100]} has no series", where="collectionId")
    return one


def _below(
    visit: Visit, one: Published, found: Series, at: list[str], rest: list[str], release: Entity | None = None
) -> Told:
    match rest:
        case []:
            visit.known()
            visit.choose(PLAIN)
            value = told.collection(visit, one, found, at, release)
            # What all collections say of themselves in the list, and the other forms of this one.
            value["links"] = [*visit.links(PLAIN, *at), *value["links"]]
            return Told(value, value["title"], PLAIN)
        case ["locations" | "items" as name]:
            return _listed(visit, one, found, at, name)
        case ["items", *ident] if ident:
            return _item(visit, one, found, at, "/".join(ident))
        case ["locations", *idents] if idents:
            visit.known(*QUERIES["location"])
            choice = retrieval.by_ids("/".join(idents), found)
            return _data(visit, one, found, at, choice)
        case ["position" | "radius" | "area" | "cube" | "trajectory" as name]:
            visit.known(*QUERIES[name])
            crs = systems.chosen(visit.query.get("crs"), described.offered(visit.city, one), "crs")
            return _data(visit, one, found, at, retrieval.chosen(name, visit.query, found, crs))
    raise NotFound("there is no such place", where="path", mend=f"begin at {visit.root}")


# ---- What there is


def _collections(visit: Visit) -> Told:
    visit.known("bbox", "datetime", "limit", "offset")
    visit.choose(PLAIN)
    box = boxes.asked(visit.query["bbox"], systems.LON_LAT) if "bbox" in visit.query else None
    span = times.asked(visit.query["datetime"]) if "datetime" in visit.query else None
    there = [one for one in published(visit.city) if series.is_series(one) and _meets(one, box, span)]
    some, links = described.listed(visit, there)
    made = []
    for one in some:
        found = series.of(visit.city, one)
        if found is None:
            continue
        at = ["collections", one.id]
        value = told.collection(visit, one, found, at)
        value["links"] = [visit.link("self", JSON, *at, title="This collection"), *value["links"]]
        made.append(value)
    value = {"links": links, "collections": made}
    return Told(value, "Datasets with series", PLAIN)


def _meets(one: Published, box: boxes.Boxed | None, span: times.Span | None) -> bool:
    """What says no place or no time is within each."""
    if box is not None and one.bbox is not None and not box.place.matches(_rectangle(one.bbox)):
        return False
    if span is None or one.period is None:
        return True
    since, until = (times.when(end) for end in one.period)
    own = times.Span(since.since if since else None, None if one.live or until is None else until.until)
    return own.meets(span)


def _rectangle(box: Sequence[float]) -> dict[str, Any]:
    west, south, east, north = box
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


# ---- Releases


def _instances(visit: Visit, one: Published) -> Told:
    visit.known()
    visit.choose(PLAIN)
    made = []
    for release in told.releases(visit, one):
        version = str(release["version"])
        try:
            found = series.Released(visit.city, one, str(release["sha256"]))
        except NotFound:
            continue  # it has other columns, or its rows are kept no more
        at = ["collections", one.id, "instances", version]
        value = told.collection(visit, one, found, at, release)
        value["links"] = [visit.link("self", JSON, *at, title="This release"), *value["links"]]
        made.append(value)
    value = {"links": visit.links(PLAIN, "collections", one.id, "instances"), "instances": made}
    return Told(value, f"Releases of {one.id}", PLAIN)


# ---- Locations


def _listed(visit: Visit, one: Published, found: Series, at: list[str], name: str) -> Told:
    visit.known(*QUERIES[name])
    visit.choose(LISTED)
    crs = systems.chosen(visit.query.get("crs"), described.offered(visit.city, one), "crs")
    limit = whole(visit.query.get("limit"), "limit", LIMIT, series.STATIONS)
    offset = whole(visit.query.get("offset"), "offset", 0, series.STATIONS, 0)
    if "bbox" in visit.query:
        box = boxes.asked(visit.query["bbox"], crs)
        there = [it for it in found.stations(box.boxes) if box.place.matches(it.point)]
    else:
        there = found.stations()
    if "datetime" in visit.query:
        spans = times.any_of(visit.query["datetime"])
        there = [track.station for track in found.tracks(there, list(found.parameters), spans)]
    period = _period(visit, one, found)
    shown = [_feature(visit, it, found, at, name, crs, period) for it in there[offset : offset + limit]]
    said = {key: value for key, value in visit.query.items() if key != "f"}
    links = visit.links(LISTED, *at, name, **said)
    if offset + limit < len(there):
        links.append(
            visit.link(
                "next", visit.kind, *at, name, **{**visit.query, "limit": str(limit), "offset": str(offset + limit)}
            )
        )
    value = {
        "type": "FeatureCollection",
        "features": shown,
        "parameters": [told.parameter(each, visit.address(*at)) for each in found.parameters.values()],
        "numberMatched": len(there),
        "numberReturned": len(shown),
        "timeStamp": times.text(visit.at // 1_000_000 * 1_000_000),
        "links": links,
    }
    return Told(value, f"Where {one.id} is measured", LISTED, {"Content-Crs": f"<{crs.uri}>"})


def _period(visit: Visit, one: Published, found: Series) -> str:
    since, until = told.extent(visit, one, found)["temporal"]["interval"][0]
    return f"{since or '..'}/{until or '..'}"


def _feature(
    visit: Visit, station: Station, found: Series, at: list[str], name: str, crs: systems.Crs, period: str
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": station.id,
        "geometry": coverages.point(station, crs),
        "properties": {
            "label": station.name,
            "datetime": period,
            "parameter-name": list(found.parameters),
            "edrqueryendpoint": visit.address(*at, "locations", station.id),
        },
        "links": [visit.link("self", GEOJSON, *at, "items", station.id)] if name == "items" else [],
    }


def _item(visit: Visit, one: Published, found: Series, at: list[str], ident: str) -> Told:
    visit.known("crs")
    visit.choose(LISTED)
    crs = systems.chosen(visit.query.get("crs"), described.offered(visit.city, one), "crs")
    station = found.named([ident])[0]
    value = _feature(visit, station, found, at, "locations", crs, _period(visit, one, found))
    value["links"] = [
        *visit.links(LISTED, *at, "items", ident),
        visit.link("collection", JSON, *at, title="The collection"),
        visit.link("data", COVJSON, *at, "locations", ident, title="What is measured there"),
    ]
    return Told(value, station.name, LISTED, {"Content-Crs": f"<{crs.uri}>"})


# ---- Data


def _data(visit: Visit, one: Published, found: Series, at: list[str], choice: Choice) -> Told:
    visit.choose(FORMATS)
    crs = systems.chosen(visit.query.get("crs"), described.offered(visit.city, one), "crs")
    names = _names(visit.query.get("parameter-name"), found)
    spans = times.any_of(visit.query["datetime"]) if "datetime" in visit.query else []
    tracks = list(found.tracks(choice.stations, names, spans)) if choice.stations else []
    headers = {"Content-Crs": f"<{crs.uri}>"}
    if not tracks:
        return Told({}, one.id, FORMATS, headers, status=204)
    parameters = {name: found.parameters[name] for name in names}
    root = visit.address(*at)
    if visit.form == "CoverageJSON":
        value = coverages.covjson(tracks, parameters, crs, root, single=choice.single)
        return Told(value, one.id, FORMATS, headers)
    if visit.form == "CSV":
        makers = {"CSV": lambda: coverages.csv_of(tracks, names, crs)}
        return Told(
            {}, one.id, FORMATS, {**headers, "Content-Disposition": f'attachment; filename="{one.id}.csv"'}, makers
        )
    features = coverages.features(tracks, crs, root)
    said = {key: value for key, value in visit.query.items() if key != "f"}
    value = {
        "type": "FeatureCollection",
        "features": features,
        "parameters": [told.parameter(each, root) for each in parameters.values()],
        "numberMatched": len(features),
        "numberReturned": len(features),
        "timeStamp": times.text(visit.at // 1_000_000 * 1_000_000),
        "links": visit.links(FORMATS, *visit.parts, **said),
    }
    return Told(value, one.id, FORMATS, headers)


def _names(said: str | None, found: Series) -> list[str]:
    if said is None:
        return list(found.parameters)
    names = list(dict.fromkeys(one.strip() for one in said.split(",")))
    for name in names:
        if name not in found.parameters:
            raise Refusal(
                f"{name[:60]!r} is no parameter of this collection",
                where="parameter-name",
                mend="there are " + ", ".join(found.parameters),
            )
    return names
