"""The door of sign-in by others, `/oidc`: people whom an OpenID provider knows come in with an account here.

GET /oidc                       the providers that there are: name, title, where to go
GET /oidc/<provider>/login      to the provider; `?next=` a path of this city, `?step=up` to show again who one is
GET /oidc/<provider>/callback   back from it, with a code: a session, and on to that path

Nothing of a sign-in on its way is kept here: state, nonce and verifier are in a cookie of the browser that began it,
sealed (AES-256-GCM) with a key of this process. So no flood of beginnings pushes out anybody's, and what another
browser brings is nobody's.
"""

import base64
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hansa.errors import BadRequest, Busy, Forbidden, HansaError, NotFound, SourceFailed, Unauthenticated
from hansa.network.openid import OpenidHosts
from hansa.platform.http import Request, Response, json_response
from hansa.trust import openid
from hansa.trust.jose import Key, decode, encode, read_keys, sign
from hansa.trust.openid import Begun, Described, Identity
from hansa.trust.providers import Provider

log = structlog.get_logger("hansa.openid")

Enter = Callable[[Identity, Request, str], Awaitable[list[tuple[bytes, bytes]]]]
"""Somebody whom a provider knows comes in, from an address: the headers by which his browser keeps the session."""

DESCRIBED_S: Final = 3_600.0
KEYS_S: Final = 600.0
"""How long a provider's description and keys are good for: a key that it withdraws is not believed any longer."""
_ASSERTION_S: Final = 60
_SECRET: Final = 65_536  # bytes of a file with a secret
_USED: Final = 10_000  # sign-ins that came back, remembered so that none does twice
_PURPOSE: Final = b"hansa oidc 1"
_NONCE: Final = 12
_UNKEPT: Final = (b"cache-control", b"no-store")


class OpenidDoor:
    """Sends browsers to providers, and takes them in when they come back."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        hosts: OpenidHosts,
        enter: Enter,
        *,
        origin: Callable[[], str],
        folder: Path,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`origin` is where a browser opens the city; files of secrets are named from `folder`; `now` is wall time."""
        self.providers = dict(providers)
        self._hosts = hosts
        self._enter = enter
        self._origin = origin
        self._folder = folder
        self._now = now
        self._box = AESGCM(AESGCM.generate_key(256))
        self._used: OrderedDict[str, None] = OrderedDict()

    async def handle(self, request: Request, peer: str) -> Response:
        """One request; `request.path` begins after `/oidc`, `peer` is the address that asks."""
        match (request.method, *(part for part in request.path if part)):
            case ("GET" | "HEAD",):
                return json_response([self._shown(one) for one in self.providers.values()])
            case ("GET", name, "login") if name in self.providers:
                return await self._answered(request, name, self._sent(self.providers[name], request.params()))
            case ("GET", name, "callback") if name in self.providers:
                return await self._answered(request, name, self._returned(self.providers[name], request, peer))
        raise NotFound("nobody signs in here", where="path", mend="/sign-in")

    @staticmethod
    def _shown(provider: Provider) -> dict[str, str]:
        return {"name": provider.name, "title": provider.title, "login": f"/oidc/{provider.name}/login"}

    @staticmethod
    async def _answered(request: Request, name: str, work: Awaitable[Response]) -> Response:
        try:
            return await work
        except (SourceFailed, Busy, Unauthenticated, Forbidden) as fault:
            if isinstance(fault, SourceFailed):
                # What is wrong over there, or with the settings, is for whoever runs the city, not for strangers.
                log.warning("a provider cannot be used", error=fault.detail, where=fault.where)
                fault = SourceFailed("signing in there does not work just now", mend="try again, or sign in here")
            if "text/html" not in (request.headers.get(b"accept") or ""):
                raise fault from None
            # A person stands before this: the page of sign-in has the words.
            where = f"/sign-in?failed={name}&why={fault.where or ''}"
            return Response(303, headers=[(b"location", where.encode()), _UNKEPT])

    # Going there

    async def _sent(self, provider: Provider, said: Mapping[str, str]) -> Response:
        described = await self._described(provider)
        begun = openid.begin(provider, said.get("next", "/"), self._now(), again=said.get("step") == "up")
        url = openid.request_url(provider, described, begun, self._back(provider))
        return self._moved(url, self._cookie(self._sealed(begun), openid.SIGN_IN_S))

    def _back(self, provider: Provider) -> str:
        return f"{self._origin()}/oidc/{provider.name}/callback"

    async def _described(self, provider: Provider) -> Described:
        said = await self._hosts.document(openid.discovery_of(provider), DESCRIBED_S)
        return Described.read(provider, said)

    # Coming back

    async def _returned(self, provider: Provider, request: Request, peer: str) -> Response:
        said = request.params()
        begun = self._opened(request)
        described = await self._described(provider)
        code = openid.code_of(provider, described, begun, said, self._now())
        self._use(begun.state)
        token = await self._token(provider, described, code, begun)
        who = await self._identity(provider, described, token, begun)
        if not who.roles:
            raise Forbidden(
                f"{provider.title} knows you, and this city has nothing for you to do",
                where="roles",
                mend="ask an administrator for a role",
            )
        headers = await self._enter(who, request, peer)
        return self._moved(begun.next, self._cookie("", 0), *headers)

    def _use(self, state: str) -> None:
        """Let a sign-in come back once."""
        if state in self._used:
            raise Unauthenticated("this sign-in was used before", where="state", mend="sign in again")
        self._used[state] = None
        if len(self._used) > _USED:
            self._used.popitem(last=False)

    async def _token(self, provider: Provider, described: Described, code: str, begun: Begun) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back(provider),
            "code_verifier": begun.verifier,
            "client_id": provider.client_id,
        }
        headers = self._authenticate(provider, described, form)
        said = await self._hosts.exchange(described.token, form, headers)
        token = said.get("id_token") if isinstance(said, dict) else None
        if not isinstance(token, str):
            raise SourceFailed("the provider gave no ID token", where="id_token")
        return token

    def _authenticate(self, provider: Provider, described: Described, form: dict[str, str]) -> dict[str, str]:
        """Say who we are to the token endpoint: in the form, or in the headers that are handed back."""
        if provider.key_file:
            now = int(self._now())
            claims = {"iss": provider.client_id, "sub": provider.client_id, "aud": described.token}
            claims |= {"iat": now, "exp": now + _ASSERTION_S, "jti": secrets.token_urlsafe(24)}  # type: ignore[dict-item]  # times
            form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            form["client_assertion"] = sign(self._private(provider), claims)
        elif provider.secret_file:
            secret = self._read(provider.secret_file).decode("utf-8", "replace").strip()
            if "client_secret_basic" in described.authentication:
                # RFC 6749, 2.3.1: each half as in a form.
                both = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
                return {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}
            form["client_secret"] = secret
        return {}

    def _private(self, provider: Provider) -> dict[str, Any]:
        try:
            found = orjson.loads(self._read(provider.key_file))
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise SourceFailed(f"{provider.key_file} holds no private JWK", where="client_key_file")
        return found

    def _read(self, name: str) -> bytes:
        """A file with a secret, read each time, so that it can change while the city runs."""
        try:
            with (self._folder / Path(name).expanduser()).open("rb") as file:
                return file.read(_SECRET)
        except OSError as fault:
            raise SourceFailed(f"{name} cannot be read: {fault.strerror}", where=name) from None

    async def _identity(self, provider: Provider, described: Described, token: str, begun: Begun) -> Identity:
        """Who the ID token speaks of; a key that is not known yet may be new, so the keys are asked for once more."""
        keys = await self._keys(described, anew=False)
        try:
            return openid.identity(provider, described, token, keys, begun, self._now())
        except Unauthenticated as fault:
            # nosemgrep: secrets-are-compared-in-equal-time  # the name of what was wrong
            if fault.where != "signature":
                raise self._disbelieved(provider, fault) from None
        keys = await self._keys(described, anew=True)
        try:
            return openid.identity(provider, described, token, keys, begun, self._now())
        except Unauthenticated as fault:
            raise self._disbelieved(provider, fault) from None

    async def _keys(self, described: Described, *, anew: bool) -> tuple[Key, ...]:
        try:
            return read_keys(await self._hosts.document(described.keys, KEYS_S, anew=anew))
        except BadRequest as fault:
            raise SourceFailed(fault.detail, where="jwks_uri") from None

    @staticmethod
    def _disbelieved(provider: Provider, fault: Unauthenticated) -> HansaError:
        # nosemgrep: secrets-are-not-logged  # what is wrong with it, not what it is
        log.warning("an ID token is not believed", provider=provider.name, why=fault.detail, claim=fault.where)
        said = f"what {provider.title} says of you is not believed: {fault.detail}"
        return Unauthenticated(said, where=fault.where, mend="sign in again; if it stays so, tell an administrator")

    # What the browser keeps meanwhile

    def _sealed(self, begun: Begun) -> str:
        nonce = secrets.token_bytes(_NONCE)
        return encode(nonce + self._box.encrypt(nonce, orjson.dumps(asdict(begun)), _PURPOSE))

    def _opened(self, request: Request) -> Begun:
        for text in _cookies(request, self._name()):
            try:
                raw = decode(text)
                return Begun(**orjson.loads(self._box.decrypt(raw[:_NONCE], raw[_NONCE:], _PURPOSE)))
            except (ValueError, InvalidTag):
                continue
        raise Unauthenticated("this sign-in was not begun in this browser", where="cookie", mend="sign in again")

    def _name(self) -> str:
        return "__Host-hansa-oidc" if self._secure() else "hansa-oidc"

    def _secure(self) -> bool:
        return self._origin().startswith("https:")

    def _cookie(self, value: str, lasts_s: float) -> tuple[bytes, bytes]:
        # Lax: the provider sends the browser back from another site.
        parts = [f"{self._name()}={value}", "Path=/", "HttpOnly", "SameSite=Lax", f"Max-Age={lasts_s:.0f}"]
        return b"set-cookie", "; ".join([*parts, "Secure"] if self._secure() else parts).encode()

    @staticmethod
    def _moved(where: str, *headers: tuple[bytes, bytes]) -> Response:
        more = [(b"location", where.encode()), _UNKEPT, (b"referrer-policy", b"no-referrer")]
        return Response(303, headers=[*more, *headers])


def _cookies(request: Request, name: str) -> list[str]:
    found = []
    for header, value in request.headers:
        # nosemgrep: secrets-are-compared-in-equal-time  # the name of a header
        if header == b"cookie":
            pairs = (part.strip().partition("=") for part in value.decode("latin-1").split(";"))
            found += [said for one, _, said in pairs if one == name]
    return found[:4]
