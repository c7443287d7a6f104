"""Questions in the form of AuthZEN 1.0: whether a subject may do an action to a resource, in a context.

The form alone: reading a question, one or many at once, and telling the answers. Who answers is handed in. Members that
nobody knows are passed over, as the standard wants. Source: OpenID AuthZEN, Authorization API 1.0, clauses 5 and 6.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.errors import BadRequest, HansaError, TooLarge


@dataclass(frozen=True, slots=True)
class Thing:
    """A subject or a resource."""

    type: str
    id: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One question."""

    subject: Thing
    action: str
    resource: Thing
    context: Mapping[str, Any] = field(default_factory=dict)
    action_properties: Mapping[str, Any] = field(default_factory=dict)


Evaluate = Callable[[Evaluation], tuple[bool, dict[str, Any]]]
"""The decision, and what else is told with it."""

_STOPS: Final[Mapping[str, bool | None]] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""The decision after which no more are made, by the words of `options.evaluations_semantic`."""


def one(said: Any, evaluate: Evaluate) -> dict[str, Any]:
    """The answer to one question. BadRequest, naming the member."""
    decision, context = evaluate(_read(_object(said, "body"), {}))
    return {"decision": decision, "context": context} if context else {"decision": decision}


def many(said: Any, evaluate: Evaluate, most: int) -> dict[str, Any]:
    """The answers to many, in order; what a question leaves out is taken from above it, whole.

    A question that cannot be read is answered with no, and why; without `evaluations` it is one question. TooLarge
    beyond `most`.
    """
    body = _object(said, "body")
    listed = body.get("evaluations")
    if listed is None or listed == []:
        return one(body, evaluate)
    if not isinstance(listed, list):
        raise BadRequest("evaluations is a list", where="evaluations")
    if len(listed) > most:
        raise TooLarge(f"{len(listed):,} questions at once; {most:,} are the most", where="evaluations")
    options = _object(body.get("options", {}), "options")
    semantic = options.get("evaluations_semantic", "execute_all")
    if not isinstance(semantic, str) or semantic not in _STOPS:
        raise BadRequest(
            "there is no such way of evaluating", where="options.evaluations_semantic", mend=", ".join(_STOPS)
        )
    answers: list[dict[str, Any]] = []
    for each in listed:
        answers.append(_answered(each, body, evaluate))
        if answers[-1]["decision"] is _STOPS[semantic]:
            break
    return {"evaluations": answers}


def _answered(said: Any, above: Mapping[str, Any], evaluate: Evaluate) -> dict[str, Any]:
    try:
        decision, context = evaluate(_read(_object(said, "evaluations"), above))
    except HansaError as fault:
        return {"decision": False, "context": {"error": {"status": fault.status, "message": fault.detail}}}
    return {"decision": decision, "context": context} if context else {"decision": decision}


def _read(said: Mapping[str, Any], above: Mapping[str, Any]) -> Evaluation:
    action = _member(said, above, "action")
    return Evaluation(
        _thing(_member(said, above, "subject"), "subject"),
        _text(action, "name", "action"),
        _thing(_member(said, above, "resource"), "resource"),
        _object(said.get("context", above.get("context", {})), "context"),
        _object(action.get("properties", {}), "action.properties"),
    )


def _member(said: Mapping[str, Any], above: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = said.get(name, above.get(name))
    if value is None:
        raise BadRequest(f"{name} is missing", where=name)
    return _object(value, name)


def _thing(said: Mapping[str, Any], where: str) -> Thing:
    properties = _object(said.get("properties", {}), f"{where}.properties")
    return Thing(_text(said, "type", where), _text(said, "id", where), properties)


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(f"{where} is a JSON object", where=where)
    return value


def _text(said: Mapping[str, Any], name: str, where: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{where}.{name} is missing, or no text", where=f"{where}.{name}")
    return value
