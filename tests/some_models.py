"""Schemas in the form in which Smart Data Models publishes them, made up for the tests."""

from typing import Any

BASE = "https://models.example.org/"
COMMON_URL = f"{BASE}common-schema.json"

COMMON: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": COMMON_URL,
    "title": "what all have in common",
    "definitions": {
        "Identifier": {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[\\w\\-\\.:]+$"},
                {"type": "string", "format": "uri"},
            ]
        },
        "Commons": {
            "type": "object",
            "properties": {
                "id": {"$ref": "#/definitions/Identifier"},
                "name": {"type": "string"},
                "owner": {"type": "array", "items": {"$ref": f"{COMMON_URL}#/definitions/Identifier"}},
            },
        },
        "Location-Commons": {
            "type": "object",
            "properties": {
                "location": {
                    "oneOf": [
                        {
                            "type": "object",
                            "required": ["type", "coordinates"],
                            "properties": {
                                "type": {"type": "string", "enum": ["Point"]},
                                "coordinates": {"type": "array", "minItems": 2, "items": {"type": "number"}},
                            },
                        }
                    ]
                }
            },
        },
    },
}

BENCH_URL = f"{BASE}dataModel.Parks/Bench/schema.json"
BENCH: dict[str, Any] = {
    "$schema": "http://json-schema.org/schema#",
    "$schemaVersion": "0.1",
    "$id": BENCH_URL,
    "title": "A bench in a park",
    "type": "object",
    "allOf": [
        {"$ref": f"{COMMON_URL}#/definitions/Commons"},
        {"$ref": "../../common-schema.json#/definitions/Location-Commons"},
        {
            "properties": {
                "type": {"type": "string", "enum": ["Bench"]},
                "seats": {"type": "integer", "minimum": 1},
                "dateChecked": {"type": "string", "format": "date-time"},
                "refPark": {"$ref": f"{COMMON_URL}#/definitions/Identifier"},
            }
        },
    ],
    "required": ["id", "type", "seats"],
}


def bench(key: str, seats: Any = 4, **more: Any) -> dict[str, Any]:
    """A bench as a document."""
    return {"id": f"urn:ngsi-ld:Bench:{key}", "type": "Bench", "seats": {"type": "Property", "value": seats}, **more}


def model(kind: str, **more: Any) -> dict[str, Any]:
    """The least schema of a type."""
    return {"$id": f"{BASE}{kind}.json", "properties": {"type": {"const": kind}}, **more}
