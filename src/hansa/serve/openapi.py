"""`/openapi.json`: what this city answers to programs, as OpenAPI 3.1.

NGSI-LD's part makes itself of its routes (`platform.ngsild.description`); the few doors beside it stand here.
"""

from typing import Any, Final

import hansa
from hansa.collect import FORMATS, MEDIA_TYPES
from hansa.platform.ngsild import description
from hansa.platform.ngsild.binding import ROUTES
from hansa.platform.ngsild.exchange import Desk

_ANY: Final[dict[str, Any]] = {"type": "object"}


def document(desk: Desk, city: str) -> dict[str, Any]:
    """The whole description; `desk` is that of the binding whose parameters are told."""
    parts = description.components()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": city,
            "version": hansa.__version__,
            "summary": "hansa, a city platform: NGSI-LD (ETSI CIM 009 v1.9.1), devices, live events",
            "description": "The realm `security` answers the same under /ccc/ngsi-ld/v1 and /ccc/live.",
        },
        "paths": description.paths(ROUTES, desk) | _doors(),
        "components": {
            **parts,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "the administrator's token"},
                "device": {"type": "http", "scheme": "basic", "description": "a device's name and secret"},
            },
        },
    }


def _doors() -> dict[str, Any]:
    return {
        "/collect/{format}": {"post": _collect()},
        "/collect/claim": {"post": _claim()},
        "/live": {"get": _live()},
        "/health": {"get": _told("what works, what waits, and every cap", "health")},
        "/ready": {"get": _told("200 when it takes work, else 503", "ready", 503)},
        "/metrics": {
            "get": _operation("metrics", "the figures of /health for Prometheus", {200: _content("text/plain")})
        },
    }


def _operation(name: str, summary: str, answers: dict[int, dict[str, Any]], *problems: int) -> dict[str, Any]:
    return {
        "operationId": f"city.{name}",
        "tags": ["city"],
        "summary": summary,
        "responses": {str(status): answer for status, answer in answers.items()}
        | {str(one): {"$ref": f"#/components/responses/Problem{one}"} for one in problems},
    }


def _content(kind: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": "done", "content": {kind: {"schema": schema or {"type": "string"}}}}


def _told(summary: str, name: str, *statuses: int) -> dict[str, Any]:
    said = _content("application/json", _ANY)
    return _operation(name, summary, {200: said, **dict.fromkeys(statuses, said)})


def _collect() -> dict[str, Any]:
    names = [*FORMATS, "auto"]
    said = _content("application/json", _ANY)
    operation = _operation(
        "collect", "one message of a device", {200: said, 207: said}, 400, 401, 403, 404, 413, 415, 503
    )
    return operation | {
        "parameters": [
            {
                "name": "format",
                "in": "path",
                "required": True,
                "description": "how the message is written; also the name of the device's profile",
                "schema": {"type": "string", "minLength": 1, "examples": names},
            }
        ],
        "requestBody": {"required": True, "content": {kind: {"schema": {}} for kind in MEDIA_TYPES}},
        "security": [{"device": []}],
    }


def _claim() -> dict[str, Any]:
    words = {"type": "string", "minLength": 1}
    claim = {"type": "object", "properties": {"device": words, "claim": words}, "required": ["device", "claim"]}
    operation = _operation(
        "claim",
        "a device's claim, exchanged for its secret",
        {200: _content("application/json", _ANY)},
        *(400, 401, 403, 404, 409, 413, 503),
    )
    return operation | {"requestBody": {"required": True, "content": {"application/json": {"schema": claim}}}}


def _live() -> dict[str, Any]:
    operation = _operation(
        "live", "Changes as server-sent events", {200: _content("text/event-stream")}, 400, 401, 403, 503
    )
    return operation | {
        "parameters": [
            {"name": "type", "in": "query", "description": "only these types, by comma", "schema": {"type": "string"}},
            {
                "name": "since",
                "in": "query",
                "description": "the place in the log after which to begin; so does Last-Event-ID",
                "schema": {"type": "integer", "minimum": 0},
            },
        ],
        "security": [{"token": []}],
    }
