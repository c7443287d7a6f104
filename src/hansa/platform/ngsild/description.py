"""The OpenAPI 3.1 description of the binding, made of the routes themselves so that it cannot drift.

Which parameters an operation has, it says itself: each is asked with one that does not exist, and its refusal
(`UnknownParameter`, clause 6.3.20) names those that do. Summaries are the operations' docstrings. What cannot be read
off the code (bodies, answers, what a parameter means) stands in `described` and `schemas`.
"""

from collections.abc import Mapping
from inspect import getdoc
from typing import TYPE_CHECKING, Any, Final

from hansa.errors import HansaError
from hansa.model import core_context as core
from hansa.model import link
from hansa.platform.http import Headers, Request
from hansa.platform.ngsild import media
from hansa.platform.ngsild.described import PARAMETERS, PROBLEMS, SEGMENTS, TOLD, USUAL, Told
from hansa.platform.ngsild.exchange import Desk, Exchange
from hansa.platform.ngsild.problems import UnknownParameter
from hansa.platform.ngsild.schemas import SCHEMAS, ref
from hansa.trust.labels import PUBLIC

if TYPE_CHECKING:
    from hansa.platform.ngsild.binding import Route

_URN: Final = "urn:ngsi-ld:Nobody:1"
_UNHEARD: Final = b"unheard-of=1"
_TENANT: Final[dict[str, Any]] = {
    "name": "NGSILD-Tenant",
    "in": "header",
    "description": "whose information (4.14, 6.3.14); the city's own, unless said",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}$"},
}
_LINK: Final[dict[str, Any]] = {
    "name": "Link",
    "in": "header",
    "description": "the @context of the request and of its answer (6.3.5)",
    "schema": {"type": "string"},
    "example": link.link(core.URL),
}


def paths(routes: Mapping[str, Mapping[str, "Route"]], desk: Desk) -> dict[str, Any]:
    """The `paths` of a description: every route and verb, under the desk's mount."""
    found: dict[str, Any] = {}
    for pattern, verbs in routes.items():
        path, segments = _path(pattern)
        found[f"{desk.mount}/{path}"] = {
            verb.lower(): _operation(verb, route, segments, parameters_of(route, verb, pattern, desk))
            for verb, route in verbs.items()
        }
    return found


def components() -> dict[str, Any]:
    """The `components` that `paths` refers to."""
    words = {name: _described(name, "query", told) for name, told in PARAMETERS.items()}
    return {
        "schemas": SCHEMAS,
        "parameters": {**words, "NGSILD-Tenant": _TENANT, "Link": _LINK},
        "responses": {f"Problem{status}": _problem(status, what) for status, what in PROBLEMS.items()},
    }


def parameters_of(route: "Route", verb: str, pattern: str, desk: Desk) -> frozenset[str] | None:
    """The query parameters that an operation has; None when it does not look.

    It is asked as somebody who may neither see nor write, so nothing comes of it whatever it does.
    """
    told = [_URN] * pattern.count("*")
    body = b"" if verb in {"GET", "DELETE"} else b"{}"
    headers = Headers([(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())])
    asking = route(Exchange(desk, Request(verb, [], _UNHEARD, body, headers, PUBLIC), told))
    steps = asking.__await__()
    try:
        next(steps)  # before it waits for anything, an operation has looked at its parameters
    except UnknownParameter as refusal:
        return refusal.known
    except (HansaError, StopIteration):
        return None
    finally:
        steps.close()
    return None


def _path(pattern: str) -> tuple[str, list[str]]:
    """A path with names for its variable segments, and those names."""
    named: list[str] = []
    before = ""
    parts = []
    for part in pattern.split("/"):
        if part != "*":
            before = part
            parts.append(part)
            continue
        name = {"attrs": "name", "attributes": "name", "types": "type"}.get(before, "id")
        if name in named:
            name = "instance"
        named.append(name)
        parts.append("{" + name + "}")
    return "/".join(parts), named


def _operation(verb: str, route: "Route", segments: list[str], parameters: frozenset[str] | None) -> dict[str, Any]:
    family = route.__module__.rsplit(".", 1)[-1]
    name = f"{family}.{route.__name__}"
    told = TOLD.get(name, USUAL[verb])
    summary, _, more = (getdoc(route) or name).partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": [family],
        "summary": " ".join(summary.split()),
        "parameters": [
            *(_described(one, "path", SEGMENTS[one]) for one in segments),
            *(_parameter(one) for one in sorted(parameters or ())),
            {"$ref": "#/components/parameters/NGSILD-Tenant"},
            {"$ref": "#/components/parameters/Link"},
        ],
        "responses": _responses(verb, told),
        "security": [{"token": []}],
    }
    if more:
        operation["description"] = " ".join(more.split())
    if told.body is not None:
        kinds = [media.JSON, media.LD, *([media.MERGE] if verb == "PATCH" else [])]
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": ref(told.body)} for kind in kinds}}
    return operation


def _responses(verb: str, told: Told) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, schema in told.answers.items():
        answers[str(status)] = {"description": _DONE[status]}
        if schema is not None:
            shown = {"schema": ref(schema)}
            kinds = (media.JSON, media.LD, media.GEO) if schema in {"Entity", "EntityList"} else media.OFFERED
            answers[str(status)]["content"] = dict.fromkeys(kinds, shown)
    problems = {400, 401, 403, 404, 413, 422, 503, 504}
    if told.body is None and verb == "GET":
        problems.add(406)
    if told.body is not None:
        problems |= {406, 409, 411, 415} if verb == "POST" else {411, 415}
    return answers | {str(one): {"$ref": f"#/components/responses/Problem{one}"} for one in sorted(problems)}


_DONE: Final = {
    200: "what was asked for",
    201: "made; Location says where it is",
    204: "done",
    206: "a part of what was asked for; Content-Range says which (6.3.10)",
    207: "done in part; the answer says which (6.3.16)",
}


def _parameter(name: str) -> dict[str, Any]:
    if name in PARAMETERS:
        return {"$ref": f"#/components/parameters/{name}"}
    return {"name": name, "in": "query", "schema": {"type": "string"}}


def _described(name: str, where: str, told: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    about, schema = told
    shown = {"name": name, "in": where, "description": about, "schema": schema}
    return {**shown, "required": True} if where == "path" else shown


def _problem(status: int, what: str) -> dict[str, Any]:
    response: dict[str, Any] = {"description": what}
    if status == 503:
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    if status not in {411, 415}:  # these two are bare (6.3.4)
        response["content"] = {media.JSON: {"schema": ref("ProblemDetails")}}
    return response
