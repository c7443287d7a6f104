"""OpenID Connect: another's word for who somebody is, and what this city makes of it.

A provider (a Keycloak, an Entra tenant, a national eID) is what the settings say (`providers`). Everything it sends is
held against that: its own description, the answer that a browser brings back, the ID token. What comes of it is an
`Identity`: roles and departments that the settings map its claims to, and nothing for claims that they do not name.
Pure: what is fetched is handed in.

Sources: OpenID Connect Core 1.0 (3.1) and Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (issuer in the answer), RFC 9700.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from hansa.errors import BadRequest, SourceFailed, Unauthenticated
from hansa.trust.jose import ALGORITHMS, Key, Rules, encode, validate
from hansa.trust.providers import Provider, check_url

SIGN_IN_S: Final = 600.0
"""How long somebody may take at the provider."""
_LIFETIME_S: Final = 86_400.0
_AGE_S: Final = 600.0  # of an ID token that was asked for just now
_SKEW_S: Final = 60.0

_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,511}\Z", re.ASCII)
_WORD: Final = re.compile(r"[a-z_]{1,64}\Z", re.ASCII)


# What a provider says of itself


def discovery_of(provider: Provider) -> str:
    """Where its description is (Discovery, 4)."""
    return f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Described:
    """What is needed of a provider's description."""

    authorization: str
    token: str
    keys: str
    algorithms: frozenset[str]
    authentication: frozenset[str]
    """How a client may show who it is at the token endpoint."""
    says_issuer: bool
    """Whether its answers name it (RFC 9207): then one that does not is another's."""

    @classmethod
    def read(cls, provider: Provider, said: Any) -> "Described":
        """Read a description; SourceFailed when it is not that of this provider, or of one that is safe to use."""
        if not isinstance(said, dict) or said.get("issuer") != provider.issuer:
            raise _failed(provider, "it describes another issuer", "issuer")
        found = {}
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            url = said.get(name)
            if not isinstance(url, str):
                raise _failed(provider, f"it has no {name}", name)
            try:
                check_url(url, name, local=provider.local)
            except BadRequest as fault:
                raise _failed(provider, f"its {name} is no https address", name) from fault
            found[name] = url
        if "code" not in _words(said.get("response_types_supported", ["code"])):
            raise _failed(provider, "it gives no codes", "response_types_supported")
        if "S256" not in _words(said.get("code_challenge_methods_supported", ["S256"])):
            raise _failed(provider, "it does not take PKCE with S256", "code_challenge_methods_supported")
        algorithms = _words(said.get("id_token_signing_alg_values_supported", ["RS256"])) & ALGORITHMS
        if not algorithms:
            raise _failed(provider, "it signs in no way that is taken", "id_token_signing_alg_values_supported")
        return cls(
            found["authorization_endpoint"],
            found["token_endpoint"],
            found["jwks_uri"],
            algorithms,
            _words(said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])),
            said.get("authorization_response_iss_parameter_supported") is True,
        )


def _words(said: Any) -> frozenset[str]:
    return frozenset(one for one in said if isinstance(one, str)) if isinstance(said, list) else frozenset()


def _failed(provider: Provider, why: str, where: str) -> SourceFailed:
    return SourceFailed(f"sign-in by {provider.title} cannot be used: {why}", where=where)


# Going there


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in on its way; all of it stays with the browser, sealed."""

    provider: str
    state: str
    nonce: str
    verifier: str
    next: str
    until: float
    again: bool = False
    """Whether he is to show anew who he is, also to a provider where he is signed in already."""


def begin(provider: Provider, next_: str, now: float, *, again: bool = False) -> Begun:
    """A sign-in with secrets of its own. `next_` is where the browser goes afterwards; `now` wall time in seconds."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Begun(provider.name, state, nonce, verifier, local(next_), now + SIGN_IN_S, again)


def local(path: str) -> str:
    """A path of this city, or `/` for whatever leads elsewhere."""
    return path if _LOCAL.match(path) else "/"


def request_url(provider: Provider, described: Described, begun: Begun, redirect_uri: str) -> str:
    """Where the browser is sent (Core, 3.1.2.1)."""
    said = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": encode(hashlib.sha256(begun.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    if provider.acr_values:
        said["acr_values"] = provider.acr_values
    if begun.again:
        said |= {"prompt": "login", "max_age": "0"}
    return f"{described.authorization}{'&' if '?' in described.authorization else '?'}{urlencode(said)}"


# Coming back


def code_of(provider: Provider, described: Described, begun: Begun, said: Mapping[str, str], now: float) -> str:
    """The code that a browser brought back, when it belongs to what this browser began. Raises Unauthenticated."""
    if begun.provider != provider.name or not hmac.compare_digest(begun.state.encode(), said.get("state", "").encode()):
        raise Unauthenticated("this sign-in was not begun in this browser", where="state", mend="sign in again")
    if now >= begun.until:
        raise Unauthenticated("this sign-in took too long", where="state", mend="sign in again")
    # An answer that another provider gave must not be taken to this one: it would get the other's code (mix-up).
    issuer = said.get("iss")
    if issuer != provider.issuer and (issuer is not None or described.says_issuer):
        raise Unauthenticated("another provider answered", where="iss", mend="sign in again")
    if "error" in said:
        word = said["error"] if _WORD.match(said["error"]) else "an error"
        raise Unauthenticated(f"{provider.title} says {word}", where="error", mend="sign in again")
    code = said.get("code", "")
    if not 0 < len(code) <= 4_096 or not all(" " <= one <= "~" for one in code):
        raise Unauthenticated("no code came back", where="code", mend="sign in again")
    return code


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a provider says somebody is, and what this city gives him for it."""

    provider: str
    account: str
    """`<provider>:<hash>`: always the same for the same person there. What he is called there may be a number of his
    that is nobody's business, so it is not kept; and no account that is made here can be called so."""
    shown: str
    roles: frozenset[str]
    departments: frozenset[str]
    two_factors: bool
    proven: float
    """When he showed over there who he is (wall time, seconds); 0 where the provider does not say."""


def identity(
    provider: Provider, described: Described, token: str, keys: Iterable[Key], begun: Begun, now: float
) -> Identity:
    """Who an ID token speaks of (Core, 3.1.3.7). Raises Unauthenticated with the reason."""
    rules = Rules(
        provider.issuer,
        frozenset({provider.client_id}),
        _LIFETIME_S,
        _SKEW_S,
        described.algorithms,
        needs=frozenset({"sub", "nonce"}),
    )
    claims = validate(token, keys, rules, now)
    if not hmac.compare_digest(claims["nonce"].encode(), begun.nonce.encode()):
        raise Unauthenticated("it answers another request", where="nonce")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise Unauthenticated("it was made for another client", where="azp")
    if claims["iat"] < now - _AGE_S:
        raise Unauthenticated("it was not made just now", where="iat", mend="is a clock wrong?")
    proven = _proven(claims, begun, now)
    mark = hashlib.sha256(f"{provider.issuer}\0{claims['sub']}".encode()).hexdigest()[:24]
    return Identity(
        provider.name,
        f"{provider.name}:{mark}",
        _shown(claims),
        provider.everyone | provider.roles.worth(claims),
        provider.departments.worth(claims),
        bool(provider.two_factors.worth(claims)),
        proven,
    )


def _proven(claims: Mapping[str, Any], begun: Begun, now: float) -> float:
    said = claims.get("auth_time", 0)
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= now + _SKEW_S:
        raise Unauthenticated("its auth_time is no time", where="auth_time")
    # Whoever is signed in over there may have left his desk since.
    if begun.again and said < begun.until - SIGN_IN_S - _SKEW_S:
        raise Unauthenticated("nobody showed anew who he is", where="auth_time", mend="the provider must say auth_time")
    return min(float(said), now)


def _shown(claims: Mapping[str, Any]) -> str:
    for name in ("name", "preferred_username", "email"):
        value = claims.get(name)
        if isinstance(value, str) and (text := " ".join(value.split())) and text.isprintable():
            return text[:100]
    return "somebody"
