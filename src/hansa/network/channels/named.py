"""`[channels.<name>]` of hansa.toml: what each channel may be told, read once and refused with the place that is wrong.

Nothing of it is a socket yet: `serve.couriers` makes channels of it. A secret may stand in a file of its own
(`password_file`, `secret_file`), and is shown nowhere.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.network.channels import mime
from hansa.network.wall import Wall

KINDS: Final = ("push", "email", "sms", "webhook", "mqtt", "display")
_SECRET: Final = 4_096  # bytes of a file with a secret
_ALL: Final[dict[str, Any]] = {"on": True, "at_once": 0, "per_s": 0.0}
_SPOKEN: Final[dict[str, dict[str, Any]]] = {
    "push": {"contact": "", "ttl_s": 86_400, "plain": False, "allow": []},
    "email": {
        "host": "",
        "port": 0,
        "security": "starttls",
        "user": "",
        "password": "",
        "password_file": "",
        "sender": "",
        "sender_name": "",
        "wait_s": 30.0,
    },
    "sms": {
        "via": "",
        "host": "",
        "port": 2775,
        "tls": False,
        "system_id": "",
        "password": "",
        "password_file": "",
        "system_type": "",
        "source": "",
        "parts": 4,
        "receipts": "noted",
        "wait_s": 10.0,
        "url": "",
        "headers": {},
        "body": {},
        "ref": "id",
        "status": "status",
        "number": "from",
        "text": "text",
        "secret": "",
        "secret_file": "",
    },
    "webhook": {"allow": []},
    "mqtt": {"url": "", "allow": []},
    "display": {},
}
_AT_ONCE: Final = 1_000
_PARTS: Final = 10
_SECURITY: Final = ("starttls", "tls", "none")
_VIA: Final = ("smpp", "http")
_RECEIPTS: Final = ("noted", "trusted")
_LONGEST: Final = 2_419_200  # seconds, four weeks, for which push services keep anything


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel was told; every name that it may be told is there."""

    kind: str
    said: Mapping[str, Any] = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        """One of them."""
        return self.said[name]

    def pace(self, at_once: int, per_s: float) -> dict[str, Any]:
        """How many at once and a second, where nothing else is said."""
        return {"width": self["at_once"] or at_once, "per_s": self["per_s"] or per_s}


def read(tables: Mapping[str, Any], folder: Path) -> dict[str, Told]:
    """The channels of a city, by kind: those that need no setting are on unless they are off. Raises BadRequest.

    `folder` is where files with secrets are looked for.
    """
    for name, said in tables.items():
        if name not in KINDS:
            raise BadRequest(
                f"there is no channel {name[:40]!r}", where=f"channels.{name[:40]}", mend=f"one of {', '.join(KINDS)}"
            )
        if not isinstance(said, Mapping):
            raise BadRequest(
                f"channels.{name} should be a table", where=f"channels.{name}", mend=f"write [channels.{name}]"
            )
    found: dict[str, Told] = {}
    for kind in KINDS:
        if kind not in tables and kind in {"email", "sms"}:
            continue
        told = _typed(kind, tables.get(kind, {}))
        if not told["on"]:
            continue
        _secrets(kind, told, folder)
        _CHECKS.get(kind, _nothing)(told)
        found[kind] = Told(kind, told)
    return found


def _typed(kind: str, said: Mapping[str, Any]) -> dict[str, Any]:
    known = _ALL | _SPOKEN[kind]
    told = dict(known)
    for name, value in said.items():
        where = f"channels.{kind}.{name[:40]}"
        if name not in known:
            raise BadRequest(f"[channels.{kind}] has no {name[:40]}", where=where, mend=f"one of {', '.join(known)}")
        plain = known[name]
        wanted = (int, float) if isinstance(plain, float) else type(plain)
        if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(plain, bool):
            # What it was is not repeated: it may be a secret in the wrong place.
            raise BadRequest(f"{name} should be a {_words(plain)}", where=where)
        told[name] = value
    _allowed(kind, told)
    if not 0 <= told["at_once"] <= _AT_ONCE:
        raise BadRequest(f"at_once is 1 to {_AT_ONCE:,}", where=f"channels.{kind}.at_once")
    if not 0 <= told["per_s"] < math.inf:
        raise BadRequest("per_s is a number of sends a second", where=f"channels.{kind}.per_s")
    return told


def _allowed(kind: str, told: Mapping[str, Any]) -> None:
    """What recipients may name of the city's own machines: read by the wall itself."""
    where = f"channels.{kind}.allow"
    allow = told.get("allow", [])
    if not all(isinstance(one, str) for one in allow):
        raise BadRequest("allow is a list of texts", where=where)
    try:
        Wall(allow)
    except BadRequest as fault:
        raise BadRequest(fault.detail, where=where, mend=fault.mend) from None


def _words(plain: Any) -> str:
    return {list: "list", bool: "true or false", int: "whole number", float: "number", dict: "table"}.get(
        type(plain), "text"
    )


def _secrets(kind: str, told: dict[str, Any], folder: Path) -> None:
    for name in ("password", "secret"):
        file = told.get(f"{name}_file")
        if not file:
            continue
        where = f"channels.{kind}.{name}_file"
        if told[name]:
            raise BadRequest(f"say {name} or {name}_file", where=where)
        path = Path(file).expanduser()
        try:
            with (path if path.is_absolute() else folder / path).open("rb") as there:
                told[name] = there.read(_SECRET).decode().strip()
        except (OSError, UnicodeDecodeError):
            raise BadRequest(f"{file} cannot be read", where=where) from None


def _nothing(_told: dict[str, Any]) -> None:
    """There is nothing that could be wrong together."""


def _push(told: dict[str, Any]) -> None:
    contact = told["contact"]
    if contact and not contact.startswith(("mailto:", "https://")):
        raise BadRequest("contact is mailto: or https:", where="channels.push.contact", mend="mailto:it@city.example")
    if not 0 < told["ttl_s"] <= _LONGEST:
        raise BadRequest(f"ttl_s is 1 to {_LONGEST:,}", where="channels.push.ttl_s")


def _email(told: dict[str, Any]) -> None:
    _one_of(told, "email", "security", _SECURITY)
    _needed(told, "email", "host")
    _needed(told, "email", "sender")
    told["port"] = told["port"] or {"tls": 465, "starttls": 587, "none": 25}[told["security"]]
    _port(told, "email")
    _wait(told, "email")
    try:
        told["sender"] = mime.address(told["sender"])
    except mime.NoAddress as fault:
        raise BadRequest(
            f"sender: {fault}", where="channels.email.sender", mend="such as warnings@city.example"
        ) from None
    if not told["sender"].isascii():
        raise BadRequest("the sender's own address is ASCII", where="channels.email.sender")
    if told["user"] and told["security"] == "none":
        raise BadRequest("a password is not sent in the open", where="channels.email.security", mend="starttls or tls")


def _sms(told: dict[str, Any]) -> None:
    _one_of(told, "sms", "via", _VIA)
    _one_of(told, "sms", "receipts", _RECEIPTS)
    _wait(told, "sms")
    if not 1 <= told["parts"] <= _PARTS:
        raise BadRequest(f"parts is 1 to {_PARTS}", where="channels.sms.parts")
    if not told["source"].isascii() or len(told["source"]) > 15:
        raise BadRequest("source is up to 15 letters or digits", where="channels.sms.source")
    if told["via"] == "smpp":
        _needed(told, "sms", "host")
        _needed(told, "sms", "system_id")
        _port(told, "sms")
        for name, most in (("system_id", 15), ("password", 8), ("system_type", 12)):
            if len(told[name]) > most or not told[name].isascii():
                raise BadRequest(f"{name} has at most {most} ASCII characters (SMPP 3.4)", where=f"channels.sms.{name}")
        return
    _needed(told, "sms", "url")
    if not told["url"].startswith(("https://", "http://")):
        raise BadRequest("url is an http or https URL", where="channels.sms.url")
    if not told["body"]:
        raise BadRequest(
            "body says what the gateway wants to be told",
            where="channels.sms.body",
            mend='body = { to = "{to}", text = "{text}" }',
        )
    if not all(isinstance(value, str) for value in told["headers"].values()):
        raise BadRequest("headers are texts", where="channels.sms.headers")
    if told["secret"] and (len(told["secret"]) < 16 or not told["secret"].replace("-", "").replace("_", "").isalnum()):
        raise BadRequest("secret is 16 or more letters, digits, - and _", where="channels.sms.secret")


_CHECKS: Final = {"push": _push, "email": _email, "sms": _sms}


def _one_of(told: dict[str, Any], kind: str, name: str, words: tuple[str, ...]) -> None:
    if told[name] not in words:
        raise BadRequest(f"{name} is one of {', '.join(words)}", where=f"channels.{kind}.{name}")


def _needed(told: dict[str, Any], kind: str, name: str) -> None:
    if not told[name]:
        raise BadRequest(f"[channels.{kind}] needs {name}", where=f"channels.{kind}.{name}")


def _port(told: dict[str, Any], kind: str) -> None:
    if not 0 < told["port"] < 65_536:
        raise BadRequest("port is 1 to 65,535", where=f"channels.{kind}.port")


def _wait(told: dict[str, Any], kind: str) -> None:
    if not 0.1 <= told["wait_s"] <= 300:
        raise BadRequest("wait_s is 0.1 to 300 seconds", where=f"channels.{kind}.wait_s")
