"""A real OpenID provider on loopback, which lies when it is told to: discovery, keys that rotate, codes with PKCE."""

import asyncio
import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable  # noqa: TC003  # as everywhere
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode

import uvicorn
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hansa.trust import jose

SECRET = "s3cret/with+signs and blanks"
FIRST, SECOND = RSAKey.generate_key(2_048, auto_kid=True), RSAKey.generate_key(2_048, auto_kid=True)


def part(value: Any) -> str:
    return jose.encode(value if isinstance(value, bytes) else json.dumps(value).encode())


class FakeProvider:
    """`claims`, `header`, `document` and `answers` are what a test may change."""

    def __init__(self) -> None:
        self.honest()
        app = Starlette(routes=[Route("/{path:path}", self._any, methods=["GET", "POST"])])
        self.server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def honest(self) -> None:
        """As if nobody had ever told it to lie."""
        self.key = FIRST
        self.user: dict[str, Any] = {"sub": "4711-ada", "name": "Ada Lovelace", "groups": ["operators"]}
        self.claims: dict[str, Any] = {}  # over what an honest token says; None takes away
        self.header: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.sign: Callable[[str], str] | None = None
        self.answers: dict[str, Callable[[Request], Response]] = {}  # by path: anything instead of what is honest
        self.returns: dict[str, str] = {}  # in the answer that the browser takes back
        self.codes: dict[str, dict[str, str]] = {}
        self.seen: list[str] = []
        self.authenticated: list[str] = []

    def __enter__(self) -> Self:
        self.thread.start()
        while not self.server.started:
            time.sleep(0.002)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)

    def rotate(self) -> None:
        self.key = SECOND

    def count(self, path: str) -> int:
        return self.seen.count(path)

    async def _any(self, request: Request) -> Response:
        path = request.url.path
        self.seen.append(path)
        if path in self.answers:
            return self.answers[path](request)
        if path == "/.well-known/openid-configuration":
            return JSONResponse(self._described())
        if path == "/keys":
            return JSONResponse({"keys": [self.key.as_dict(private=False)]})
        if path == "/authorize":
            return self._authorize(dict(request.query_params))
        if path == "/token":
            return self._token(dict(parse_qsl((await request.body()).decode())), request)
        return Response(status_code=404)

    def _described(self) -> dict[str, Any]:
        said = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return {name: value for name, value in (said | self.document).items() if value is not None}

    def _authorize(self, said: dict[str, str]) -> Response:
        assert said["response_type"] == "code"
        assert said["code_challenge_method"] == "S256"
        assert "openid" in said["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = said
        back = {"code": code, "state": said["state"], "iss": self.url} | self.returns
        return RedirectResponse(f"{said['redirect_uri']}?{urlencode(back)}", 302)

    def _token(self, form: dict[str, str], request: Request) -> Response:
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = jose.encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri") or asked["code_challenge"] != challenge:
            return JSONResponse({"error": "invalid_grant"}, 400)
        how = self._client(form, request)
        if how is None:
            return JSONResponse({"error": "invalid_client"}, 401)
        self.authenticated.append(how)
        now = int(time.time())
        claims = {"iss": self.url, "aud": "hansa", "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.user}
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid, "typ": "JWT"} | self.header
        said = f"{part({name: value for name, value in header.items() if value is not None})}.{part(claims)}"
        sign = self.sign or (lambda text: part(JWSRegistry.algorithms["RS256"].sign(text.encode(), self.key)))
        return JSONResponse({"id_token": f"{said}.{sign(said)}", "access_token": "x", "token_type": "Bearer"})

    @staticmethod
    def _client(form: dict[str, str], request: Request) -> str | None:
        said = request.headers.get("authorization", "")
        if said.startswith("Basic "):
            name, _, secret = base64.b64decode(said[6:]).decode().partition(":")
            return "basic" if (unquote(name), unquote(secret)) == ("hansa", SECRET) else None
        if "client_secret" in form:
            return "post" if (form["client_id"], form["client_secret"]) == ("hansa", SECRET) else None
        if "client_assertion" in form:
            return form["client_assertion"]
        return "public"


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(url.partition("?")[2]).items()}


def run(work: Any) -> Any:
    return asyncio.run(asyncio.wait_for(work, 20))
