"""The doors of services and tokens: `/token`, where a service gets one for its signature, and those below `/admin`.

POST   /token                              RFC 6749 client_credentials with private_key_jwt (RFC 7523)
GET    /admin/services
POST   /admin/services                     {"name", "roles", "departments", "scope", "keys", "note"}
POST   /admin/services/<name>/keys         {"key": a public JWK, "alone": false}
DELETE /admin/services/<name>/keys/<kid>
POST   /admin/services/<name>/revoke       its keys and tokens end; its name stays taken
GET    /admin/tokens                       an administrator sees all, anybody else his own
POST   /admin/tokens                       {"owner", "scope", "days", "roles", "note"} -> {"token"}
DELETE /admin/tokens/<id>
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from hansa import clock
from hansa.errors import BadRequest, HansaError, InvalidRequest, NotFound, Unauthenticated
from hansa.model.wire import json_in
from hansa.platform.enlisting import Enlisting
from hansa.platform.http import Request, Response, json_response
from hansa.platform.machines import Machines, wall
from hansa.platform.noting import Note, noted
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.jose import read_key, unproven
from hansa.trust.people import needs
from hansa.trust.tokens import ACCESS_S, Service, Token, revoked, scope_of, service_of, with_key, within, without_key

_FORM: Final = 32_768
_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NAMED: Final = re.compile(r"[a-z0-9.-]{1,63}\Z", re.ASCII)
_KEPT_FROM_CACHES: Final = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache")]


class OAuthFault(HansaError):
    """What a client of `/token` did wrong, in the words of RFC 6749, 5.2."""

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        """`error` is one of its words."""
        super().__init__(detail)
        self.error = error
        self.answer = status

    def response(self) -> Response:
        """As its standard has it, and not as problem details."""
        body = orjson.dumps({"error": self.error, "error_description": self.detail})
        return Response(self.answer, body, headers=list(_KEPT_FROM_CACHES))


class TokenDoor:
    """`/token`: a service signs who it is, and gets a token for ten minutes."""

    def __init__(self, machines: Machines, audience: Callable[[], frozenset[str]], note: Note | None = None) -> None:
        """`audience` says what the city is called: whom a signed request must be for."""
        self._machines = machines
        self._audience = audience
        self.note = note

    async def handle(self, request: Request) -> Response:
        """One request; it says itself who it is, whoever the connection's sight is."""
        if request.method != "POST" or request.path not in ([], [""]):
            raise NotFound("there is only POST /token", where="path")
        try:
            return await self._granted(_form(request))
        except OAuthFault as fault:
            return fault.response()

    async def _granted(self, said: dict[str, str]) -> Response:
        if said.get("grant_type") != "client_credentials":
            raise OAuthFault("unsupported_grant_type", "grant_type is client_credentials")
        if said.get("client_assertion_type") != _BEARER or not said.get("client_assertion"):
            raise OAuthFault("invalid_client", f"client_assertion is missing, of type {_BEARER}", 401)
        name = "?"
        try:
            name = _claimed(said)
            token, text = await self._machines.issue(
                name, said["client_assertion"], self._audience(), said.get("scope", "").split()
            )
        except Unauthenticated as fault:
            if self._machines.knows(name):  # else anybody could fill the audit with names of his own
                what = {"method": "private_key_jwt", "why": fault.detail}
                await noted(self.note, "login-failed", f"service:{name}", what)
            raise OAuthFault("invalid_client", _sentence(fault), 401) from None
        except BadRequest as fault:
            raise OAuthFault("invalid_scope", _sentence(fault)) from None
        await noted(self.note, "login", token.owner, {"method": "private_key_jwt"}, session=token.id)
        told = {"access_token": text, "token_type": "Bearer", "expires_in": ACCESS_S}
        if token.scope is not None:
            told["scope"] = " ".join(sorted(token.scope))
        return Response(200, orjson.dumps(told), headers=list(_KEPT_FROM_CACHES))


def _form(request: Request) -> dict[str, str]:
    kind = (request.headers.get(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded" or len(request.body) > _FORM:
        raise OAuthFault("invalid_request", "the body is application/x-www-form-urlencoded, of at most 32 kB")
    if request.headers.get(b"authorization") is not None:
        raise OAuthFault("invalid_client", "a service signs (private_key_jwt); there are no client secrets here", 401)
    try:
        pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise OAuthFault("invalid_request", "the body cannot be read") from None
    said = dict(pairs)
    if len(said) != len(pairs):
        raise OAuthFault("invalid_request", "a parameter is said twice")
    return said


def _claimed(said: dict[str, str]) -> str:
    """The service that this says it is, so that its keys can be tried."""
    name = unproven(said["client_assertion"]).get("iss")
    if not isinstance(name, str) or not _NAMED.match(name):
        raise Unauthenticated("its iss is no service's name", where="iss")
    if said.get("client_id", name) != name:
        raise Unauthenticated("client_id and iss are not the same", where="client_id")
    return name


def _sentence(fault: HansaError) -> str:
    # RFC 6749 has neither quotes nor backslashes there.
    text = f"{fault.where}: {fault.detail}" if fault.where else fault.detail
    return "".join(one for one in text if " " <= one <= "~" and one not in '"\\')[:300]


def _anybody(_who: Actor) -> None:
    """Nobody asks how lately."""


class MachineDesk:
    """Services and tokens below `/admin`: services are for administrators, tokens also for whoever owns them."""

    def __init__(
        self,
        machines: Machines,
        note: Note | None = None,
        fresh: Callable[[Actor], None] = _anybody,
        enlisting: Enlisting | None = None,
    ) -> None:
        """Change what `machines` keeps. `fresh` raises StepUp for whoever has not shown lately who he is; `enlisting`
        says what one administrator does alone (None: all).
        """
        self._machines = machines
        self.note = note
        self._fresh = fresh
        self._enlisting = enlisting

    async def services(self, request: Request) -> Response:
        """Below `/admin/services`."""
        who = _administrator(request)
        if request.method == "POST" and "revoke" not in request.path:
            self._fresh(who)  # a key outlives the session that brings it
        match (request.method, *_rest(request)):
            case ("GET",):
                return json_response([_service(one) for one in self._machines.services()])
            case ("POST",):
                made = service_of(_body(request), wall(), who.id)
                await self._alone(request, made)
                await self._note(who, "added", made)
                await self._machines.add(made)
                return json_response(_service(made), 201)
            case ("POST", name, "keys"):
                said = _body(request, "key", "alone")
                alone = said.get("alone", False)
                if not isinstance(alone, bool):
                    raise BadRequest("alone is true or false", where="alone")
                changed = with_key(self._machines.service(name), read_key(said.get("key")), alone=alone)
                await self._alone(request, changed)
                return await self._changed(who, "key added", changed)
            case ("DELETE", name, "keys", kid):
                return await self._changed(who, "key removed", without_key(self._machines.service(name), kid))
            case ("POST", name, "revoke"):
                return await self._changed(who, "revoked", revoked(self._machines.service(name), wall()))
        raise NotFound(f"the services' door has no {request.method} of that", where="path")

    async def _alone(self, request: Request, service: Service, *, token: bool = False) -> None:
        if self._enlisting is not None:
            await self._enlisting.alone(request.sight, service, token=token)

    async def _changed(self, who: Actor, what: str, service: Service) -> Response:
        await self._note(who, what, service)
        await self._machines.change(service)
        return json_response(_service(service))

    async def tokens(self, request: Request) -> Response:
        """Below `/admin/tokens`."""
        who = _known(request)
        match (request.method, *_rest(request)):
            case ("GET",):
                found = self._machines.tokens(None if _administers(who) else who.id)
                return json_response([_token(one) for one in found])
            case ("POST",):
                return await self._make(request, _body(request, "owner", "scope", "days", "roles", "note"))
            case ("DELETE", ident):
                token = next((one for one in self._machines.tokens() if one.id == ident), None)
                if token is None or not (_administers(who) or token.owner == who.id):
                    raise NotFound(f"there is no token {ident[:64]!r}", where="token", mend="hansa token list")
                await self._noted(who, {"what": "token revoked", "token_id": token.id, "owner": token.owner})
                await self._machines.revoke(ident)
                return Response(204)
        raise NotFound(f"the tokens' door has no {request.method} of that", where="path")

    async def _make(self, request: Request, said: dict[str, Any]) -> Response:
        who = request.sight.who
        owner = said.get("owner", who.id)
        # Nobody makes a token in another person's name, not even an administrator.
        if not isinstance(owner, str) or (owner != who.id and not (_administers(who) and owner.startswith("service:"))):
            raise BadRequest("a token is for a service, or for yourself", where="owner", mend="such as service:ledger")
        needs(who, TWO_FACTORS)
        if who.scope is not None:
            raise BadRequest("a token does not make tokens", where="owner", mend="sign in")
        self._fresh(who)
        roles = said.get("roles")
        if roles is not None and not (isinstance(roles, list) and all(isinstance(one, str) for one in roles)):
            raise BadRequest("roles is a list of texts", where="roles")
        scope = scope_of(said.get("scope"))
        if owner.startswith("service:") and self._machines.knows(owner[8:]):
            await self._alone(request, self._machines.service(owner[8:]), token=True)
        token, text = await self._machines.make(
            owner,
            who.id,
            days=said.get("days"),
            scope=scope,
            roles=None if roles is None else frozenset(roles),
            note=said.get("note", ""),
        )
        await self._noted(who, {"what": "token made", "token_id": token.id, "owner": owner, "scope": sorted(scope)})
        return json_response({**_token(token), "token": text}, 201)

    async def _note(self, who: Actor, what: str, service: Service) -> None:
        told = {"what": f"service {what}", "service": service.id, "keys": [key.kid for key in service.keys]}
        await self._noted(who, {**told, "roles": sorted(service.roles), "departments": sorted(service.departments)})

    async def _noted(self, who: Actor, what: dict[str, Any]) -> None:
        await noted(self.note, "people", who.id, what, session=who.session)


def _known(request: Request) -> Actor:
    who = request.sight.who
    if who.kind == "public":
        raise Unauthenticated("who are you?", mend="sign in, or use the command line on the city's machine")
    return who


def _administers(who: Actor) -> bool:
    return "administrator" in who.roles and who.assurance >= TWO_FACTORS and within(who.scope, "administer")


def _administrator(request: Request) -> Actor:
    who = _known(request)
    if "administrator" not in who.roles or not within(who.scope, "administer"):
        raise NotFound("there is nothing here for you", where="path")
    needs(who, TWO_FACTORS)
    return who


def _rest(request: Request) -> list[str]:
    return [one for one in request.path if one]


def _body(request: Request, *names: str) -> dict[str, Any]:
    said = json_in(request.body) if request.body else {}
    if not isinstance(said, dict):
        raise BadRequest("the body is a JSON object")
    if names and (extra := sorted(said.keys() - set(names))):
        raise InvalidRequest(f"there is no {extra[0][:40]} here", where=extra[0][:40], mend=", ".join(names))
    return said


def _service(service: Service) -> dict[str, Any]:
    return {
        "name": service.name,
        "roles": sorted(service.roles),
        "departments": sorted(service.departments),
        "scope": None if service.scope is None else sorted(service.scope),
        "keys": [{"kid": key.kid, "kty": key.jwk["kty"], "algorithms": sorted(key.algorithms)} for key in service.keys],
        "note": service.note,
        "madeAt": clock.text(service.made_at),
        "madeBy": service.made_by,
        "revokedAt": clock.text(service.revoked_at) if service.revoked_at else None,
    }


def _token(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "owner": token.owner,
        "scope": None if token.scope is None else sorted(token.scope),
        "roles": None if token.roles is None else sorted(token.roles),
        "until": clock.text(token.until),
        "lastUsed": clock.text(token.used_at) if token.used_at else None,
        "note": token.note,
        "madeAt": clock.text(token.made_at),
        "madeBy": token.made_by,
    }
