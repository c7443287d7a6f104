"""What can be asked of Features and of EDR, as OpenAPI 3.0 documents made of what is published at the moment."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hansa.apps.opendata.ogc import described, places
from hansa.apps.opendata.ogc.looking import fields_of
from hansa.apps.opendata.ogc.served import COVJSON, CSV, GEOJSON, HTML, JSON, OPENAPI, SCHEMA, Visit
from hansa.apps.opendata.published import Published

Doc = dict[str, Any]
SPELLED: Final = 200
"""Collections that have paths of their own, with their own properties as parameters; of more, the template speaks."""
_NUMBER: Final = {"type": "number"}
_TEXT: Final = {"type": "string"}
_LINK: Final = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": dict.fromkeys(("href", "rel", "type", "title"), _TEXT),
}
_LINKS: Final = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
_SCHEMAS: Final[Doc] = {
    "link": _LINK,
    "problem": {
        "type": "object",
        "description": "RFC 9457: what is wrong, where, and how to mend it",
        "properties": {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "where": _TEXT,
            "mend": _TEXT,
        },
    },
    "landingPage": {
        "type": "object",
        "required": ["links"],
        "properties": {"title": _TEXT, "description": _TEXT, "links": _LINKS},
    },
    "confClasses": {
        "type": "object",
        "required": ["conformsTo"],
        "properties": {"conformsTo": {"type": "array", "items": _TEXT}},
    },
    "extent": {
        "type": "object",
        "properties": {
            "spatial": {
                "type": "object",
                "properties": {"bbox": {"type": "array", "items": {"type": "array", "items": _NUMBER}}, "crs": _TEXT},
            },
            "temporal": {"type": "object", "properties": {"interval": {"type": "array", "items": {"type": "array"}}}},
        },
    },
    "collection": {
        "type": "object",
        "required": ["id", "links"],
        "properties": {
            "id": _TEXT,
            "title": _TEXT,
            "description": _TEXT,
            "links": _LINKS,
            "extent": {"$ref": "#/components/schemas/extent"},
            "itemType": {"type": "string", "default": "feature"},
            "crs": {"type": "array", "items": _TEXT},
        },
    },
    "collections": {
        "type": "object",
        "required": ["links", "collections"],
        "properties": {
            "links": _LINKS,
            "collections": {"type": "array", "items": {"$ref": "#/components/schemas/collection"}},
        },
    },
    "featureGeoJSON": {
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": _TEXT,
            "geometry": {"type": "object", "nullable": True},
            "properties": {"type": "object", "nullable": True},
            "links": _LINKS,
        },
    },
    "featureCollectionGeoJSON": {
        "type": "object",
        "required": ["type", "features"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": {"$ref": "#/components/schemas/featureGeoJSON"}},
            "links": _LINKS,
            "timeStamp": {"type": "string", "format": "date-time"},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
        },
    },
    "coverageJSON": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"type": "string", "enum": ["Coverage", "CoverageCollection"]}},
    },
}
_ERRORS: Final = {
    "400": "A parameter is unknown, or its value is none",
    "404": "There is no such resource",
    "406": "None of the forms that are accepted",
    "410": "The dataset was withdrawn",
    "413": "More than one answer may hold",
    "500": "The city is at fault",
    "503": "It takes too long, or the city is busy",
}


def parameter(name: str, schema: Doc, says: str, *, required: bool = False, place: str = "query") -> Doc:
    """A parameter; in the query as `form`, not exploded."""
    made: Doc = {"name": name, "in": place, "required": required, "description": says, "schema": schema}
    if place == "query":
        made |= {"style": "form", "explode": False}
    return made


_URI: Final = {"type": "string", "format": "uri"}
BBOX: Final = {
    "type": "array",
    "items": _NUMBER,
    "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
}
LIMIT: Final = {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}
_PARAMETERS: Final[Doc] = {
    "collectionId": parameter("collectionId", _TEXT, "The id of a dataset", required=True, place="path"),
    "featureId": parameter("featureId", _TEXT, "The id of a feature", required=True, place="path"),
    "f": parameter("f", _TEXT, "The form of the answer; without it, Accept decides"),
    "limit": parameter("limit", LIMIT, "How many at once; more than the most is the most"),
    "offset": parameter(
        "offset", {"type": "integer", "minimum": 0, "default": 0}, "How many to leave out; next links say it"
    ),
    "bbox": parameter("bbox", BBOX, "What meets this box: west, south, east, north"),
    "bbox-crs": parameter("bbox-crs", _URI, "The system of bbox"),
    "crs": parameter("crs", _URI, "The system of the answer"),
    "datetime": parameter("datetime", _TEXT, "An instant, or start/end, either of them open (..)"),
    "filter": parameter("filter", _TEXT, "A filter in CQL2 text"),
    "filter-lang": parameter(
        "filter-lang", {"type": "string", "enum": ["cql2-text"], "default": "cql2-text"}, "How the filter is written"
    ),
    "filter-crs": parameter("filter-crs", _URI, "The system of geometries in the filter"),
}


def operation(says: str, ident: str, parameters: Sequence[Doc | str], answers: Mapping[str, str]) -> Doc:
    """A GET. Parameters are those of the components by name, or of its own; answers are schemas by media type."""
    given = [{"$ref": f"#/components/parameters/{one}"} if isinstance(one, str) else one for one in parameters]
    content = {
        kind: {"schema": {"$ref": f"#/components/schemas/{name}"} if name else {"type": "string"}}
        for kind, name in answers.items()
    }
    responses: Doc = {"200": {"description": says, "content": content}}
    responses |= {code: {"$ref": f"#/components/responses/{code}"} for code in _ERRORS}
    responses["304"] = {"description": "You have it already"}
    return {"get": {"summary": says, "operationId": ident, "parameters": given, "responses": responses}}


def document(visit: Visit, title: str, says: str, paths: Doc, parameters: Doc) -> Doc:
    """The whole. Nothing is access-controlled, so there is no security scheme."""
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": "1.0.0", "description": says},
        "servers": [{"url": visit.root}],
        "paths": paths,
        "components": {
            "schemas": _SCHEMAS,
            "parameters": parameters,
            "responses": {code: {"description": what, "content": problem} for code, what in _ERRORS.items()},
        },
        "links": visit.links({"json": OPENAPI, "html": HTML}, "api"),
    }


def common(more: Mapping[str, Doc], *listing: str) -> Doc:
    """The paths that both APIs have, and others; `listing` are more parameters of the list of collections."""
    listed = [*listing, "limit", "offset", "f"]
    both = {JSON: "", HTML: ""}
    return {
        "/": operation("Where it begins", "getLandingPage", ["f"], {JSON: "landingPage", HTML: ""}),
        "/api": operation("This document", "getApi", ["f"], {OPENAPI: "", HTML: ""} | {}),
        "/conformance": operation("What is kept", "getConformance", ["f"], both | {JSON: "confClasses"}),
        "/collections": operation("The datasets", "getCollections", listed, both | {JSON: "collections"}),
        **more,
    }


ITEM_PARAMETERS: Final = (
    "limit",
    "offset",
    "bbox",
    "bbox-crs",
    "crs",
    "datetime",
    "filter",
    "filter-lang",
    "filter-crs",
    "f",
)


def features(visit: Visit) -> Doc:
    """Of Features."""
    many = {GEOJSON: "featureCollectionGeoJSON", HTML: ""}
    one = "/collections/{collectionId}"
    more = {
        one: operation("A dataset", "getCollection", ["collectionId", "f"], {JSON: "collection", HTML: ""}),
        f"{one}/queryables": operation(
            "What can be asked for", "getQueryables", ["collectionId", "f"], {SCHEMA: "", HTML: ""}
        ),
        f"{one}/items": operation("Features", "getFeatures", ["collectionId", *ITEM_PARAMETERS], many),
        f"{one}/items/{{featureId}}": operation(
            "A feature", "getFeature", ["collectionId", "featureId", "crs", "f"], {GEOJSON: "featureGeoJSON", HTML: ""}
        ),
    }
    found = list(described.with_places(visit.city))
    for each in found[:SPELLED]:
        more[f"/collections/{each.id}/items"] = operation(
            f"Features of {each.id}", f"getFeaturesOf_{each.id}", [*ITEM_PARAMETERS, *_own(visit, each)], many
        )
    says = "Read only. Datasets that the city has published, as features."
    return document(visit, "OGC API - Features", says, common(more), _PARAMETERS)


def _own(visit: Visit, one: Published) -> list[Doc]:
    if one.columns:
        fields, integers = fields_of(one.columns)
    else:
        found = places.of(visit.city, one)
        fields, integers = ({}, frozenset[str]()) if found is None else (dict(found.fields), found.whole)
    kinds = {"number": "number", "text": "string", "time": "string", "boolean": "boolean"}
    made = [parameter("id", _TEXT, "Only the one of this id")]
    for name, kind in fields.items():
        if kind in kinds and name not in _PARAMETERS:
            schema: Doc = {"type": "integer" if name in integers else kinds[kind]}
            made.append(parameter(name, schema, f"Only those whose {name} is this"))
    return made


def _maybe_none(said: Doc) -> Doc:
    said["get"]["responses"]["204"] = {"description": "Nothing was measured there and then"}
    return said


def edr(visit: Visit, queries: Mapping[str, Sequence[Doc | str]], parameters: Doc) -> Doc:
    """Of EDR: its queries by name, and the parameters of each."""
    data = {COVJSON: "coverageJSON", GEOJSON: "featureCollectionGeoJSON", CSV: "", HTML: ""}
    one = "/collections/{collectionId}"
    more = {
        one: operation("A dataset", "getCollection", ["collectionId", "f"], {JSON: "collection", HTML: ""}),
        f"{one}/instances": operation("Its releases", "getInstances", ["collectionId", "f"], {JSON: "", HTML: ""}),
        f"{one}/instances/{{instanceId}}": operation(
            "A release", "getInstance", ["collectionId", "instanceId", "f"], {JSON: "collection", HTML: ""}
        ),
    }
    for name, given in queries.items():
        path = name if name != "location" else "locations/{locId}"
        title = name.capitalize()
        own = ["collectionId", *(["locId"] if name == "location" else []), *given]
        more[f"{one}/{path}"] = _maybe_none(operation(f"{title} query", f"get{title}", own, data))
        more[f"{one}/instances/{{instanceId}}/{path}"] = _maybe_none(
            operation(f"{title} query of a release", f"get{title}OfInstance", [*own, "instanceId"], data)
        )
    listed = {GEOJSON: "featureGeoJSON", HTML: ""}
    more[f"{one}/items/{{itemId}}"] = operation("A station", "getItem", ["collectionId", "itemId", "crs", "f"], listed)
    says = "Read only. Series of measurements that the city has published."
    return document(
        visit,
        "OGC API - Environmental Data Retrieval",
        says,
        common(more, "bbox", "datetime"),
        _PARAMETERS | parameters,
    )
