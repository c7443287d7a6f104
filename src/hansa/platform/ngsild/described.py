"""What the description says beyond what the routes say of themselves: parameters in words, bodies, and statuses.

Parameters are those of tables 6.4.3.2-1 and its like. An operation is named by its module and function. What is not in
`TOLD` has what its verb usually has; `tests/platform/ngsild/test_ngsild_description.py` holds that nothing is missing.
"""

from dataclasses import dataclass, field
from typing import Any, Final

_WORDS: Final[dict[str, Any]] = {"type": "string", "minLength": 1}
_TRUTH: Final[dict[str, Any]] = {"type": "boolean"}
_MOMENT: Final[dict[str, Any]] = {"type": "string", "format": "date-time"}
_NUMBER: Final[dict[str, Any]] = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
_POSITIVE: Final[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": 1_000}


def _choice(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def _like(*examples: str) -> dict[str, Any]:
    return {**_WORDS, "examples": list(examples)}


PARAMETERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "aggrMethods": ("aggregation functions, by comma (4.5.19)", _like("avg,max")),
    "aggrPeriodDuration": ("how long each aggregated period is, ISO 8601 (4.5.19)", _like("PT1H")),
    "attrs": ("attributes that an entity must have one of, and that are shown", _like("temperature")),
    "collation": ("by which language's rules texts are ordered (4.23)", _like("de")),
    "containedBy": ("entities that the linked retrieval has passed already (4.5.23)", _WORDS),
    "coordinates": ("coordinates of the reference geometry, as JSON (4.10)", _like("[16.37,48.21]")),
    "count": ("whether NGSILD-Results-Count tells how many there are (6.3.13)", _TRUTH),
    "csf": ("which context sources are asked (4.9)", _like("endpoint==x")),
    "datasetId": ("instances of these datasetIds, @none for the default one (4.5.5)", _like("@none")),
    "deleteAll": ("whether every instance of the attribute goes (5.6.5)", _TRUTH),
    "details": ("whether all is told, or names alone", _TRUTH),
    "drop": ("attributes that go, instead of the whole entity (5.6.21)", _WORDS),
    "endTimeAt": ("the end of `between` (4.11)", _MOMENT),
    "entityMap": ("whether an EntityMap is made, and named in the answer (5.5.14)", _TRUTH),
    "entityMapLifetime": ("how long the EntityMap should live, ISO 8601", _like("PT5M")),
    "expandValues": ("attributes whose compared values are terms of the @context (4.9)", _WORDS),
    "format": ("the representation of entities (6.3.7)", _like("normalized", "concise", "simplified")),
    "geometry": ("type of the reference geometry (4.10)", _choice("Point", "LineString", "Polygon", "MultiPolygon")),
    "geometryProperty": ("the GeoProperty that is the geometry of GeoJSON (4.5.16)", _like("location")),
    "geoproperty": ("the GeoProperty that is compared; location, unless said (4.7)", _like("location")),
    "georel": ("how the entity lies to the reference geometry (4.10)", _like("near;maxDistance==2000", "within")),
    "id": ("ids, by comma", _like("urn:ngsi-ld:WeatherObserved:north")),
    "idPattern": ("a regular expression that ids match", _like("^urn:ngsi-ld:.*")),
    "join": ("how linked entities are retrieved (4.5.23)", _choice("flat", "inline", "@none")),
    "joinLevel": ("how deep linked entities are retrieved", {"type": "integer", "minimum": 1, "maximum": 5}),
    "jsonKeys": ("attributes whose values are no JSON-LD (4.9)", _WORDS),
    "keep": ("attributes that stay, while the others go (5.6.21)", _WORDS),
    "kind": ("which @contexts (5.13.3)", _choice("Cached", "Hosted", "ImplicitlyCreated")),
    "lang": ("the language to which LanguageProperties are reduced (4.5.18)", _like("de")),
    "lastN": ("only the newest so many instances (4.11)", _POSITIVE),
    "limit": ("how many at most on a page (6.3.10)", _POSITIVE),
    "local": ("whether only this city answers (5.5.13)", _TRUTH),
    "observedAt": ("observedAt of what the merge changes (5.6.17)", _MOMENT),
    "offset": ("how many are passed over (6.3.10)", _NUMBER),
    "omit": ("members and attributes that are not shown (4.21)", _like("location")),
    "options": ("sysAttrs, a representation, noOverwrite, update: by comma (6.3.11)", _like("sysAttrs", "keyValues")),
    "orderBy": ("members by which the answer is ordered, such as temperature;desc (4.23)", _like("temperature;desc")),
    "orderFrom": ("coordinates from which distance is ordered (4.23)", _like("[16.37,48.21]")),
    "orderGeometry": ("type of the geometry of orderFrom (4.23)", _choice("Point", "LineString", "Polygon")),
    "pick": ("members and attributes that are shown (4.21)", _like("id,temperature")),
    "q": ("a condition (4.9)", _like("temperature>20", 'name=="north"')),
    "reload": ("whether the @context is fetched anew instead of deleted (5.13.5)", _TRUTH),
    "scopeQ": ("a condition on the scope (4.19)", _like("/Vienna/#")),
    "splitEntities": ("whether one entity may be spread over several sources", _TRUTH),
    "timeAt": ("the instant of timerel (4.11)", _MOMENT),
    "timeproperty": ("which time (4.8)", _choice("observedAt", "createdAt", "modifiedAt", "deletedAt")),
    "timerel": ("how the time lies to timeAt (4.11)", _choice("before", "after", "between")),
    "type": ("a selection of types (4.17)", _like("WeatherObserved", "(A|B);C")),
}
"""Every query parameter: what it says, and its schema."""

SEGMENTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "id": ("the id, a URI", {**_WORDS, "examples": ["urn:ngsi-ld:WeatherObserved:north"]}),
    "name": ("a term of the @context, or the whole name", _like("temperature")),
    "type": ("a term of the @context, or the whole name", _like("WeatherObserved")),
    "instance": ("the instanceId, a URI (4.5.6)", _like("urn:ngsi-ld:Instance:1")),
}
"""Every variable segment of a path."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of one operation: the schema of its body, and of its answer by status; None: nothing is said there."""

    body: str | None
    answers: dict[int, str | None] = field(default_factory=dict)


_PART: Final = Told("EntityFragment", {204: None, 207: "UpdateResult"})
_BATCH: Final = {201: "IdList", 204: None, 207: "BatchOperationResult"}
_GONE: Final = Told(None, {204: None})

TOLD: Final[dict[str, Told]] = {
    "entities.create": Told("Entity", {201: None}),
    "retrieval.query": Told(None, {200: "EntityList"}),
    "purge.purge": _GONE,
    "retrieval.retrieve": Told(None, {200: "Entity"}),
    "entities.merge": _PART,
    "entities.replace": Told("Entity", {204: None}),
    "entities.delete": _GONE,
    "attributes.append": _PART,
    "attributes.update": _PART,
    "attributes.patch": Told("AttributeFragment", {204: None}),
    "attributes.replace": Told("AttributeFragment", {204: None}),
    "attributes.delete": _GONE,
    "batch.create": Told("Batch", _BATCH),
    "batch.upsert": Told("Batch", _BATCH),
    "batch.update": Told("FragmentBatch", _BATCH),
    "batch.merge": Told("FragmentBatch", _BATCH),
    "batch.delete": Told("Ids", _BATCH),
    "retrieval.query_post": Told("Query", {200: "EntityList"}),
    "entity_maps.create": Told(None, {201: "EntityMap"}),
    "entity_maps.create_post": Told("Query", {201: "EntityMap"}),
    "entity_maps.retrieve": Told(None, {200: "EntityMap"}),
    "entity_maps.update": Told("EntityMap", {204: None}),
    "entity_maps.delete": _GONE,
    "discovery.types": Told(None, {200: "EntityTypeList"}),
    "discovery.type_information": Told(None, {200: "EntityTypeInfo"}),
    "discovery.attributes": Told(None, {200: "AttributeList"}),
    "discovery.attribute_information": Told(None, {200: "AttributeInfo"}),
    "temporal_provision.upsert": Told("EntityTemporal", {201: None, 204: None}),
    "temporal.query": Told(None, {200: "EntityTemporalList", 206: "EntityTemporalList"}),
    "temporal.retrieve": Told(None, {200: "EntityTemporal", 206: "EntityTemporal"}),
    "temporal_provision.delete": _GONE,
    "temporal_provision.append": Told("EntityTemporal", {204: None}),
    "temporal_provision.delete_attribute": _GONE,
    "temporal_provision.modify_instance": Told("AttributeInstance", {204: None}),
    "temporal_provision.delete_instance": _GONE,
    "temporal.query_post": Told("Query", {200: "EntityTemporalList", 206: "EntityTemporalList"}),
    "temporal.create_map": Told(None, {201: "EntityMap"}),
    "temporal.create_map_post": Told("Query", {201: "EntityMap"}),
    "subscriptions.create": Told("Subscription", {201: None}),
    "subscriptions.query": Told(None, {200: "SubscriptionList"}),
    "subscriptions.retrieve": Told(None, {200: "Subscription"}),
    "subscriptions.update": Told("SubscriptionFragment", {204: None}),
    "subscriptions.delete": _GONE,
    "contexts.query": Told(None, {200: "ContextList"}),
    "contexts.serve": Told(None, {200: "ContextDocument"}),
    "contexts.add": Told("ContextDocument", {201: None}),
    "contexts.delete": _GONE,
}
"""Every operation, by module and function."""

USUAL: Final[dict[str, Told]] = {
    "GET": Told(None, {200: None}),
    "POST": Told("EntityFragment", {200: None, 201: None, 204: None}),
    "PATCH": Told("EntityFragment", {204: None}),
    "PUT": Told("EntityFragment", {204: None}),
    "DELETE": _GONE,
}
"""What a verb has where nothing else is told."""

PROBLEMS: Final[dict[int, str]] = {
    400: "the request, or what it holds, is not what the standard says (BadRequestData, InvalidRequest)",
    401: "who are you?",
    403: "known, but may not; or more than one answer may hold (TooManyResults, TooComplexQuery)",
    404: "it is not there (ResourceNotFound), or the tenant is not (NonexistentTenant)",
    406: "none of the representations that there are is acceptable",
    409: "it is there already (AlreadyExists)",
    411: "the request does not say how long its body is",
    413: "beyond one of the city's caps",
    415: "a body in a format that is not read here",
    422: "a part of the standard that this city does not do (OperationNotSupported)",
    503: "not now: the city has more to do than it can; Retry-After says when",
    504: "an @context could not be had (LdContextNotAvailable)",
}
"""Every status that is an error, and what it says."""
