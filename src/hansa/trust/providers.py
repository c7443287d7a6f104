"""OpenID providers as the settings have them: who they are, how the city shows itself to them, what claims are worth.

    [trust.openid.city]
    title = "City account"
    issuer = "https://login.city.example/realms/city"
    client_id = "hansa"
    client_secret_file = "openid-city.secret"       # or client_key_file, with a private JWK
    everyone = ["resident"]
    roles = { claim = "groups", map = { operators = ["operator"] } }
    departments = { claim = ["city", "unit"], map = { "4711" = ["parks"] } }
    two_factors = { claim = "amr", values = ["mfa"] }

What is not named gives nothing: no role for a claim that is not in the map, no second factor that is not vouched for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from hansa.errors import BadRequest
from hansa.trust.callers import is_loopback
from hansa.trust.people import PERSON_ROLES
from hansa.trust.tokens import departments_of, roles_of

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}\Z", re.ASCII)
_MEMBERS: Final = frozenset(
    (
        *("issuer", "client_id", "client_secret_file", "client_key_file", "title", "scopes", "acr_values"),
        *("everyone", "roles", "departments", "two_factors"),
    )
)


@dataclass(frozen=True, slots=True)
class Claim:
    """Where a claim stands, and what its values are worth here."""

    path: tuple[str, ...]
    map: Mapping[str, frozenset[str]]

    def worth(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """What the settings give for the values that are there; nothing for any other."""
        found: Any = claims
        for step in self.path:
            found = found.get(step) if isinstance(found, Mapping) else None
        values = found if isinstance(found, list) else [found]
        given = (self.map.get(one, frozenset()) for one in values if isinstance(one, str))
        return frozenset().union(*given)


_NO_CLAIM: Final = Claim((), {})


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider, as `[trust.openid.<name>]` has it."""

    name: str
    title: str
    issuer: str
    client_id: str
    secret_file: str
    key_file: str
    scopes: tuple[str, ...]
    acr_values: str
    everyone: frozenset[str]
    """Roles of whoever signs in there; none by default."""
    roles: Claim
    departments: Claim
    two_factors: Claim
    """Which claim says that somebody showed two factors; without it nobody has, however the provider does it."""

    @classmethod
    def read(cls, name: str, said: Any) -> "Provider":
        """Read a table of the settings; BadRequest, naming the setting."""
        where = f"trust.openid.{name[:40]}"
        if not _NAME.match(name):
            raise BadRequest(f"{name[:40]!r} is no name of a provider", where=where, mend="small letters, digits, '-'")
        if not isinstance(said, dict):
            raise BadRequest(f"{where} is a table", where=where, mend=f"write [{where}]")
        if extra := sorted(said.keys() - _MEMBERS):
            raise BadRequest(
                f"[{where}] has no {extra[0]}", where=f"{where}.{extra[0]}", mend=", ".join(sorted(_MEMBERS))
            )
        texts = {one: _text(said, one, where) for one in ("issuer", "client_id", "title", "acr_values")}
        files = {one: _text(said, one, where) for one in ("client_secret_file", "client_key_file")}
        for one in ("issuer", "client_id"):
            if not texts[one]:
                raise BadRequest(f"[{where}] needs {one}", where=f"{where}.{one}")
        check_url(texts["issuer"], f"{where}.issuer")
        if all(files.values()):
            raise BadRequest("a client has a secret or a key, not both", where=f"{where}.client_key_file")
        scopes = said.get("scopes", ["openid", "profile"])
        if not isinstance(scopes, list) or "openid" not in scopes or not all(map(_is_token, scopes)):
            raise BadRequest("scopes is a list of words, one of them openid", where=f"{where}.scopes")
        return cls(
            name, texts["title"] or name, texts["issuer"], texts["client_id"],
            files["client_secret_file"], files["client_key_file"], tuple(scopes), texts["acr_values"],
            _given(said.get("everyone", []), "roles", f"{where}.everyone"),
            _claim(said.get("roles"), "roles", f"{where}.roles"),
            _claim(said.get("departments"), "departments", f"{where}.departments"),
            _factors(said.get("two_factors"), f"{where}.two_factors"),
        )  # fmt: skip

    @property
    def local(self) -> bool:
        """Whether it is on this machine, where alone it may speak without TLS."""
        return _is_local(self.issuer)


def _text(said: dict[str, Any], name: str, where: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str) or len(value) > 1_000 or not (value.isprintable() or not value):
        raise BadRequest(f"{where}.{name} is a text", where=f"{where}.{name}")
    return value


def _is_token(word: object) -> bool:
    return (
        isinstance(word, str) and 0 < len(word) <= 200 and all("!" <= one <= "~" and one not in '"\\' for one in word)
    )


def _given(said: Any, kind: str, where: str) -> frozenset[str]:
    listed = [said] if isinstance(said, str) else said
    try:
        return roles_of(listed, PERSON_ROLES) if kind == "roles" else departments_of(listed)
    except BadRequest as fault:
        raise BadRequest(fault.detail, where=where, mend=fault.mend) from None


def _claim(said: Any, kind: str, where: str) -> Claim:
    if said is None:
        return _NO_CLAIM
    if not isinstance(said, dict) or said.keys() != {"claim", "map"} or not isinstance(said["map"], dict):
        raise BadRequest("it is {claim = ..., map = {value = [...]}}", where=where)
    return Claim(_path(said["claim"], where), {one: _given(what, kind, where) for one, what in said["map"].items()})


def _factors(said: Any, where: str) -> Claim:
    if said is None:
        return _NO_CLAIM
    values = said.get("values") if isinstance(said, dict) and said.keys() == {"claim", "values"} else None
    if not isinstance(values, list) or not values or not all(isinstance(one, str) and one for one in values):
        raise BadRequest('it is {claim = "acr", values = [...]}', where=where)
    return Claim(_path(said["claim"], where), dict.fromkeys(values, frozenset({"yes"})))


def _path(said: Any, where: str) -> tuple[str, ...]:
    steps = [said] if isinstance(said, str) else said
    if not isinstance(steps, list) or not 0 < len(steps) <= 5 or not all(isinstance(one, str) and one for one in steps):
        raise BadRequest("claim is a name, or the names that lead to it", where=where)
    return tuple(steps)


def check_url(url: str, where: str, *, local: bool | None = None) -> None:
    """Raise BadRequest for what is no address of a provider: https, or http on this very machine (`local`)."""
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.username is None and not parts.fragment and parts.port != 0
    except ValueError:
        sound = False
    plain = sound and parts.scheme == "http" and (_is_local(url) if local is None else local and _is_local(url))
    if not sound or not (parts.scheme == "https" or plain) or not all("!" <= one <= "~" for one in url):
        raise BadRequest(f"{url[:200]!r} is no https address", where=where, mend="https://login.city.example/...")


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname is not None and is_loopback(parts.hostname)
