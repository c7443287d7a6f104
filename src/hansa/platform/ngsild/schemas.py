"""The bodies of NGSI-LD as JSON Schema (CIM 009, clauses 5.2 and 4.5), for the description that hansa hands out.

They say what a client may send and will get, near enough to write one; what decides is the reading of a body itself
(`model.wire_in`, `subscription_in`, `asked`). Every schema is named after its data type in clause 5.2.
"""

from typing import Any, Final

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A schema of this module, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def several(name: str) -> Schema:
    """An array of one kind."""
    return {"type": "array", "items": ref(name)}


def _one_or_more(schema: Schema) -> Schema:
    return {"oneOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


def _choice(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _attribute(kind: str, member: str, value: Schema, **more: Schema) -> Schema:
    """One kind of attribute (4.5.2 and its like): its value, what may stand beside it, and sub-attributes."""
    properties = {"type": {"const": kind}, member: value, "observedAt": _MOMENT, "datasetId": _URI, **more}
    return {"type": "object", "properties": properties, "required": ["type", member]}


_URI: Final[Schema] = {"type": "string", "format": "uri", "examples": ["urn:ngsi-ld:WeatherObserved:north"]}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time", "examples": ["2026-11-22T12:00:00Z"]}
_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_TRUTH: Final[Schema] = {"type": "boolean"}
_ANY: Final[Schema] = {}  # any JSON at all
_NAME: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_.:/#-]*$"}  # a term, or the whole IRI
_TYPE: Final[Schema] = _one_or_more({**_NAME, "examples": ["WeatherObserved"]})
_COUNT: Final[Schema] = {"type": "integer", "minimum": 1}
_SECONDS: Final[Schema] = {"type": "number", "exclusiveMinimum": 0}

_MEMBERS: Final[Schema] = {
    "@context": ref("Context"),
    "id": _URI,
    "type": _TYPE,
    "scope": _one_or_more({"type": "string", "examples": ["/Vienna/Prater"]}),
    "location": ref("GeoProperty"),
    "expiresAt": _MOMENT,
}
_ATTRIBUTES: Final[Schema] = {
    "description": "an attribute, or several by datasetId; concise, any JSON (4.5.1 to 4.5.5)",
    "anyOf": [ref("Attribute"), several("Attribute"), _ANY],
}
_NAMES: Final[Schema] = {"pattern": "^(@context|[A-Za-z][A-Za-z0-9_.:/#-]*)$"}

SCHEMAS: Final[dict[str, Schema]] = {
    "Context": {
        "description": "an @context: a URL, terms, or several of them (JSON-LD 1.1)",
        "oneOf": [{"type": "string", "format": "uri"}, {"type": "object"}, {"type": "array", "items": _ANY}],
    },
    "Geometry": {
        "description": "a GeoJSON geometry (4.7); longitude, latitude",
        "type": "object",
        "properties": {
            "type": _choice("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
            "coordinates": {"type": "array", "items": _ANY, "minItems": 1},
        },
        "required": ["type", "coordinates"],
        "examples": [{"type": "Point", "coordinates": [16.37, 48.21]}],
    },
    "Property": _attribute("Property", "value", _ANY, unitCode=_TEXT),
    "Relationship": _attribute("Relationship", "object", _one_or_more(_URI), objectType=_TYPE),
    "GeoProperty": _attribute("GeoProperty", "value", ref("Geometry")),
    "LanguageProperty": _attribute(
        "LanguageProperty", "languageMap", {"type": "object", "additionalProperties": _one_or_more({"type": "string"})}
    ),
    "VocabProperty": _attribute("VocabProperty", "vocab", _one_or_more(_TEXT)),
    "JsonProperty": _attribute("JsonProperty", "json", _ANY),
    "ListProperty": _attribute("ListProperty", "valueList", {"type": "array", "items": _ANY}),
    "ListRelationship": _attribute("ListRelationship", "objectList", {"type": "array", "items": _ANY}),
    "Attribute": {
        "description": "an attribute of any kind, normalized (4.5.1 to 4.5.3, 4.5.18, 4.5.20 to 4.5.24)",
        "oneOf": [
            ref(kind)
            for kind in (
                "Property",
                "Relationship",
                "GeoProperty",
                "LanguageProperty",
                "VocabProperty",
                "JsonProperty",
                "ListProperty",
                "ListRelationship",
            )
        ],
    },
    "AttributeFragment": {
        "description": "what is to change of one attribute (5.6.4), or all of it (5.6.19)",
        "type": "object",
        "properties": {"type": _TEXT, "value": _ANY, "unitCode": _TEXT, "observedAt": _MOMENT, "datasetId": _URI},
        "minProperties": 1,
    },
    "Entity": {
        "description": "an Entity (5.2.4): every other member is an attribute, or several by datasetId",
        "type": "object",
        "properties": _MEMBERS,
        "required": ["id", "type"],
        "propertyNames": _NAMES,
        "additionalProperties": _ATTRIBUTES,
        "examples": [
            {
                "id": "urn:ngsi-ld:WeatherObserved:north",
                "type": "WeatherObserved",
                "temperature": {"type": "Property", "value": 3.1, "unitCode": "CEL"},
                "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [16.37, 48.21]}},
            }
        ],
    },
    "EntityFragment": {
        "description": "some attributes of an Entity (5.4); what is not said stays",
        "type": "object",
        "properties": _MEMBERS,
        "minProperties": 1,
        "propertyNames": _NAMES,
        "additionalProperties": _ATTRIBUTES,
    },
    "EntityTemporal": {
        "description": "an Entity through time (5.2.20): every attribute is an array of its instances",
        "type": "object",
        "properties": {name: value for name, value in _MEMBERS.items() if name != "location"},
        "propertyNames": _NAMES,
        "additionalProperties": {"oneOf": [several("Attribute"), ref("Attribute")]},
    },
    "AttributeInstance": {
        "description": "one instance of one attribute, under its name (5.6.14)",
        "type": "object",
        "propertyNames": _NAMES,
        "additionalProperties": {"oneOf": [several("Attribute"), ref("Attribute")]},
        "minProperties": 1,
    },
    "EntityList": several("Entity"),
    "EntityTemporalList": several("EntityTemporal"),
    "Batch": {"type": "array", "items": ref("Entity"), "minItems": 1},
    "FragmentBatch": {
        "type": "array",
        "items": {"allOf": [ref("EntityFragment"), {"type": "object", "required": ["id"]}]},
        "minItems": 1,
    },
    "Ids": {"type": "array", "items": _URI, "minItems": 1},
    "IdList": {"type": "array", "items": {"type": "string"}},
    "EntitySelector": {
        "description": "which entities (5.2.33)",
        "type": "object",
        "properties": {"type": _TEXT, "id": _one_or_more(_URI), "idPattern": _TEXT},
        "required": ["type"],
    },
    "GeoQuery": {
        "description": "where (4.10, 5.2.13)",
        "type": "object",
        "properties": {
            "georel": {"type": "string", "examples": ["near;maxDistance==2000"]},
            "geometry": _TEXT,
            "coordinates": {"oneOf": [{"type": "array", "items": _ANY}, {"type": "string"}]},
            "geoproperty": _TEXT,
        },
        "required": ["georel", "geometry", "coordinates"],
    },
    "TemporalQuery": {
        "description": "when (4.11, 5.2.21)",
        "type": "object",
        "properties": {
            "timerel": _choice("before", "after", "between"),
            "timeAt": _MOMENT,
            "endTimeAt": _MOMENT,
            "timeproperty": _choice("observedAt", "createdAt", "modifiedAt", "deletedAt"),
            "lastN": _COUNT,
        },
        "required": ["timerel", "timeAt"],
    },
    "Query": {
        "description": "the parameters of a query as a body (5.2.23)",
        "type": "object",
        "properties": {
            "@context": ref("Context"),
            "type": {"const": "Query"},
            "entities": {"type": "array", "items": ref("EntitySelector"), "minItems": 1},
            "attrs": {"type": "array", "items": _TEXT, "minItems": 1},
            "pick": {"type": "array", "items": _TEXT, "minItems": 1},
            "omit": {"type": "array", "items": _TEXT, "minItems": 1},
            "q": {"type": "string", "examples": ["temperature>20"]},
            "geoQ": ref("GeoQuery"),
            "temporalQ": ref("TemporalQuery"),
            "scopeQ": _TEXT,
            "lang": _TEXT,
            "datasetId": {"type": "array", "items": _TEXT, "minItems": 1},
        },
        "required": ["type"],
        "examples": [{"type": "Query", "entities": [{"type": "WeatherObserved"}], "q": "temperature<0"}],
    },
    "Endpoint": {
        "description": "where a notification goes (5.2.15)",
        "type": "object",
        "properties": {
            "uri": {"type": "string", "format": "uri", "examples": ["https://example.org/notified"]},
            "accept": _choice("application/json", "application/ld+json", "application/geo+json"),
            "timeout": _SECONDS,
            "cooldown": _SECONDS,
            "receiverInfo": several("KeyValuePair"),
            "notifierInfo": several("KeyValuePair"),
        },
        "required": ["uri"],
    },
    "KeyValuePair": {
        "type": "object",
        "properties": {"key": _TEXT, "value": {"type": "string"}},
        "required": ["key", "value"],
    },
    "NotificationParams": {
        "description": "what is told, and how (5.2.14)",
        "type": "object",
        "properties": {
            "attributes": {"type": "array", "items": _TEXT, "minItems": 1},
            "pick": {"type": "array", "items": _TEXT, "minItems": 1},
            "omit": {"type": "array", "items": _TEXT, "minItems": 1},
            "format": _choice("normalized", "concise", "keyValues", "simplified"),
            "sysAttrs": _TRUTH,
            "showChanges": _TRUTH,
            "join": _choice("flat", "inline", "@none"),
            "joinLevel": {"type": "integer", "minimum": 1},
            "endpoint": ref("Endpoint"),
        },
        "required": ["endpoint"],
    },
    "SubscriptionFragment": {
        "description": "some members of a Subscription (5.8.2)",
        "type": "object",
        "properties": {
            "@context": ref("Context"),
            "id": _URI,
            "type": {"const": "Subscription"},
            "subscriptionName": _TEXT,
            "description": _TEXT,
            "entities": {"type": "array", "items": ref("EntitySelector"), "minItems": 1},
            "watchedAttributes": {"type": "array", "items": _TEXT, "minItems": 1},
            "notificationTrigger": {"type": "array", "items": _TEXT, "minItems": 1},
            "timeInterval": _SECONDS,
            "q": _TEXT,
            "geoQ": ref("GeoQuery"),
            "scopeQ": _TEXT,
            "isActive": _TRUTH,
            "notification": ref("NotificationParams"),
            "expiresAt": _MOMENT,
            "throttling": _SECONDS,
            "lang": _TEXT,
            "datasetId": {"type": "array", "items": _TEXT, "minItems": 1},
            "csf": _TEXT,
            "expandValues": _TEXT,
            "jsonKeys": _TEXT,
            "jsonldContext": {"type": "string", "format": "uri"},
            "localOnly": _TRUTH,
            "splitEntities": _TRUTH,
            "ngsildConformance": {"type": "string", "examples": ["1.6"]},
        },
        "minProperties": 1,
    },
    "Subscription": {
        "description": "whom to tell of what (5.2.12)",
        "allOf": [ref("SubscriptionFragment"), {"type": "object", "required": ["type", "notification"]}],
    },
    "SubscriptionList": several("Subscription"),
    "EntityMap": {"type": "object", "description": "5.2.39"},
    "EntityTypeList": {"description": "5.2.24; with details an array of EntityType (5.2.25)"},
    "EntityTypeInfo": {"type": "object", "description": "5.2.26"},
    "AttributeList": {"description": "5.2.27; with details an array of Attribute (5.2.28)"},
    "AttributeInfo": {"type": "object", "description": "5.2.28"},
    "ContextDocument": {
        "type": "object",
        "properties": {"@context": ref("Context")},
        "required": ["@context"],
    },
    "ContextList": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "object"}]}},
    "BatchOperationResult": {
        "description": "what went well, and what did not (5.2.16, 5.2.17)",
        "type": "object",
        "properties": {
            "success": {"type": "array", "items": {"type": "string"}},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"entityId": {"type": "string"}, "error": ref("ProblemDetails")},
                    "required": ["error"],
                },
            },
        },
        "required": ["success", "errors"],
    },
    "UpdateResult": {
        "description": "which attributes were updated, and which were not (5.2.18, 5.2.19)",
        "type": "object",
        "properties": {
            "updated": {"type": "array", "items": {"type": "string"}},
            "notUpdated": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["updated", "notUpdated"],
    },
    "ProblemDetails": {
        "description": "RFC 9457, with the type that NGSI-LD names (5.5.2)",
        "type": "object",
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "where": {"type": "string", "description": "the member, parameter or header at fault"},
            "mend": {"type": "string", "description": "what would do"},
        },
        "required": ["type", "title"],
    },
}
"""Every body by the name of its data type."""
