"""The door of policies, `/access/v1/policies`: reading them, checking a text, trying it against what was asked.

GET  /access/v1/policies                   every realm whose policy is for whoever asks, and what policies may speak of
GET  /access/v1/policies/<realm>           ?version= -> its text, its rules, every version
POST /access/v1/policies/<realm>/check     {"text"} -> {"faults": [{"line", "reason", "rule"}]}
POST /access/v1/policies/<realm>/trial     {"text"} -> what would change, for whom

The policy of `open` is for everybody who is signed in: it is the city's law. A new one is proposed at
`/admin/proposals`: `{"kind": "policy", "what": {"realm", "text"}, "reason"}`.
"""

import asyncio
from typing import Any, Final

from hansa.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from hansa.model.wire import json_in
from hansa.platform.http import Request, Response, json_response
from hansa.platform.policies import Policies
from hansa.trust.actors import Actor
from hansa.trust.labels import Sight
from hansa.trust.policy import Policy, PolicyInvalid, schema

WATCHES: Final = frozenset({"auditor", "data_officer", "administrator"})
"""Who watches over decisions, and may ask about other people's."""
_IN_SECURITY: Final = WATCHES | {"command"}


def signed_in(request: Request) -> Actor:
    """Who asks; 401 when nobody knows."""
    if request.sight.who.kind == "public" and not request.sight.everything:
        raise Unauthenticated("who are you?", mend="sign in, or bear a token")
    return request.sight.who


def reads(realm: str, sight: Sight) -> bool:
    """Whether the policy of a realm is for somebody to read."""
    return sight.everything or realm == "open" or bool(sight.who.roles & _IN_SECURITY)


def watches(sight: Sight) -> bool:
    """Whether somebody watches over decisions: tries policies, asks about others."""
    return sight.everything or bool(sight.who.roles & WATCHES)


class PoliciesDoor:
    """Tells of policies; changes none."""

    def __init__(self, policies: Policies) -> None:
        """Of these."""
        self._policies = policies

    async def handle(self, request: Request, rest: list[str]) -> Response:
        """One request; `rest` is the path after `/access/v1/policies`."""
        signed_in(request)
        match (request.method, *rest):
            case ("GET",):
                return json_response(self._all(request.sight))
            case ("GET", realm):
                return json_response(self._one(realm, request))
            case ("POST", realm, "check"):
                text = self._given(realm, request)
                return json_response({"faults": await asyncio.to_thread(_faults, text)})
            case ("POST", realm, "trial"):
                return json_response(await self._policies.tried(realm, self._given(realm, request)))
        raise NotFound(f"this door has no {request.method} {'/'.join(rest)[:80]}", where="path")

    def _all(self, sight: Sight) -> dict[str, Any]:
        realms = [realm for realm in self._policies.records if reads(realm, sight)]
        held = {realm: self._policies.policy(realm) for realm in realms}
        told = [
            {
                "realm": realm,
                "version": policy.version,
                "rules": len(policy.rules),
                "asked": len(self._policies.records[realm]),
            }
            for realm, policy in held.items()
        ]
        return {"policies": told, "schema": schema()}

    def _one(self, realm: str, request: Request) -> dict[str, Any]:
        holds = self._readable(realm, request.sight)
        params = request.params()
        if unknown := params.keys() - {"version"}:
            raise BadRequest(f"there is no parameter {min(unknown)[:40]}", where="query", mend="version")
        version = params.get("version", holds.version)
        text = holds.text if version == holds.version else self._policies.text(realm, version)
        rules = [rule.shown() for rule in holds.rules] if version == holds.version else []
        history = self._policies.history(realm)
        return {
            "realm": realm,
            "version": version,
            "holds": version == holds.version,
            "text": text,
            "rules": rules,
            "versions": history,
        }

    def _given(self, realm: str, request: Request) -> str:
        """The text of a policy that somebody writes who may propose it, or watches over it."""
        self._readable(realm, request.sight)
        if not watches(request.sight):
            raise Forbidden("administrators, auditors and the data officer try policies", where="role")
        said = json_in(request.body)
        if not isinstance(said, dict) or not isinstance(said.get("text"), str):
            raise BadRequest("the body is a JSON object with a text", where="text")
        return str(said["text"]).replace("\r\n", "\n")

    def _readable(self, realm: str, sight: Sight) -> Policy:
        if not reads(realm, sight):
            raise NotFound(f"there is no realm {realm[:40]!r}", where="realm")
        return self._policies.policy(realm)


def _faults(text: str) -> list[dict[str, Any]]:
    try:
        Policy(text, "checked")
    except PolicyInvalid as invalid:
        faults: list[dict[str, Any]] = invalid.problem()["faults"]
        return faults
    return []
