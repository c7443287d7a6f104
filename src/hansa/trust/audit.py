"""What an entry of the audit log is: who did or saw what, when, in which session and realm; and what it must not hold.

    {"actor":"person:ada","at":1795369200123456,"kind":"read-personal","realm":"open","session":"s-7Qk",
     "what":{"asked":"GET entities","of":{"person:bo":["urn:ngsi-ld:Person:bo"]},"purpose":"care"}}

Canonical JSON (RFC 8785), so that its bytes, and with them its hash, follow from what it says. `at` is wall time in
microseconds, and never before that of the entry before. Members of `what` that the log is searched by: `entity`,
`entities` and `device` (of what), `of`, `about` and `person` (whose). Secrets are left out by name and by look: whoever
notes something need not think of it. Pure. Report: 4.2. Tests: `tests/trust/test_audit_entry.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
import rfc8785

from hansa.errors import BadRequest, TooLarge

LEFT_OUT: Final = "(left out)"
"""What stands in the place of a secret."""
TEXT: Final = 2_048
"""Characters of one text; an entity's id is at most as long."""
DEPTH: Final = 16
WORDS: Final = 2_000
"""Things and persons that one entry is found by."""

_SHORT: Final = 200
_KIND = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
_SAFE: Final = 2**53 - 1  # beyond it, JSON's numbers are not exact (RFC 8785, 3.2.2.3)

_SECRET_NAMES: Final = frozenset(
    {
        "apikey",
        "apitoken",
        "assertion",
        "authorization",
        "bearer",
        "claim",
        "clientassertion",
        "clientsecret",
        "code",
        "cookie",
        "credential",
        "credentials",
        "csrf",
        "jwt",
        "mfa",
        "otp",
        "passcode",
        "passphrase",
        "passwd",
        "password",
        "pin",
        "privatekey",
        "proxyauthorization",
        "pwd",
        "recoverycode",
        "recoverycodes",
        "secret",
        "sessionid",
        "setcookie",
        "token",
        "tokens",
        "totp",
        "xapikey",
    }
)
_SECRET_ENDS: Final = ("password", "passphrase", "secret", "token", "privatekey", "apikey", "recoverycode", "otp")
_NAMES: Final = frozenset({"about", "device", "devices", "entities", "entity", "ids", "person"})
"""Members of an entry that say of whom and what it is."""
_SECRET_LOOKS: Final = re.compile(
    r"hansa_[a-z0-9]{16}_[A-Za-z0-9_-]{43}"  # our API tokens, and no name that only begins like one
    r"|hansa-key-1\.[A-Za-z0-9_.-]+"  # our city keys
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"  # signed tokens (JWS)
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
    r"|\b(?:[Bb]earer|[Bb]asic)\s+[A-Za-z0-9._~+/=-]{8,}"
    r"|\$argon2(?:id|i|d)\$[^\s\"]+"
)
_SECRET_PARTS: Final = re.compile(
    r"([?&#](?:access_token|id_token|token|code|secret|password|claim|key|state)=)[^&#\s]+|(://[^/\s:@]+:)[^/\s@]+(?=@)"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was noted."""

    at: int
    kind: str
    actor: str
    session: str
    realm: str
    what: dict[str, Any]

    @classmethod
    def read(cls, body: bytes) -> "Entry":
        """An entry out of its bytes; BadRequest when they are none."""
        try:
            said = orjson.loads(body)
            found = cls(**said)
        except (ValueError, TypeError):
            raise BadRequest("this is no entry of an audit log", where="entry") from None
        texts = (found.kind, found.actor, found.session, found.realm)
        if not all(type(one) is str for one in texts) or type(found.at) is not int or type(found.what) is not dict:
            raise BadRequest("this is no entry of an audit log", where="entry")
        return found

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "actor": self.actor,
            "at": self.at,
            "kind": self.kind,
            "realm": self.realm,
            "session": self.session,
            "what": self.what,
        }


def halves(kind: str, actor: str, what: Mapping[str, Any], *, session: str, realm: str) -> tuple[bytes, bytes]:
    """The canonical bytes of an entry before and behind the digits of its `at`, which is known last.

    BadRequest and TooLarge when it cannot be kept.
    """
    if not _KIND.match(kind):
        raise BadRequest(f"{kind[:60]!r} is no kind of audit entry", where="kind", mend="small letters, digits and -")
    said = rfc8785.dumps(cleaned(what))
    # Who it was is never left out, however he is called.
    return b'{"actor":%b,"at":' % _canonical(_sound(actor)), b"%b%b}" % (_head(kind, realm, _sound(session)), said)


@lru_cache(maxsize=4_096)
def _canonical(text: str) -> bytes:
    return rfc8785.dumps(text)


@lru_cache(maxsize=4_096)
def _head(kind: str, realm: str, session: str) -> bytes:
    return b',"kind":%b,"realm":%b,"session":%b,"what":' % (
        rfc8785.dumps(kind),
        rfc8785.dumps(realm),
        rfc8785.dumps(session),
    )


def cleaned(what: Mapping[str, Any]) -> dict[str, Any]:
    """What may be kept: without secrets, texts not longer than `TEXT`, numbers that every reader takes alike.

    What an entity or a device is called is kept, whatever it looks like: nobody goes unseen by his name.
    """
    return {
        _text(name): _names(value) if name in _NAMES else LEFT_OUT if is_secret(name) else _kept(value, 1)
        for name, value in what.items()
    }


def _names(value: Any) -> Any:
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, list | tuple):
        return [_sound(one) if isinstance(one, str) else _kept(one, 2) for one in value]
    return _kept(value, 1)


def _kept(value: Any, depth: int) -> Any:
    if depth > DEPTH:
        raise TooLarge(f"an audit entry nested deeper than {DEPTH}")
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_SAFE <= value <= _SAFE else str(value)[:TEXT]
    if isinstance(value, float):
        return value if abs(value) <= _SAFE else str(value)  # NaN is not, and neither are infinities
    if isinstance(value, Mapping):
        return {
            _text(str(name)): LEFT_OUT if is_secret(str(name)) else _kept(one, depth + 1) for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [_kept(one, depth + 1) for one in value]
    if isinstance(value, frozenset | set):
        return sorted(_text(str(one)) for one in value)
    raise BadRequest(f"{type(value).__name__} cannot be kept in an audit entry", where="what")


@lru_cache(maxsize=4_096)
def is_secret(name: str) -> bool:
    """Whether what goes by this name is left out."""
    plain = "".join(one for one in name.lower() if one.isalnum())
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDS)


def _text(said: str) -> str:
    return _short_text(said) if len(said) <= _SHORT else _any_text(said)


@lru_cache(maxsize=20_000)
def _short_text(said: str) -> str:
    """The same entities and persons are named again and again."""
    return _any_text(said)


def _sound(name: str) -> str:
    """A name that UTF-8 can hold, cut where it is longer than any."""
    return name[:TEXT].encode("utf-8", "replace").decode()


def _any_text(said: str) -> str:
    if len(said) > 5 * TEXT:  # nothing of it is looked at that would be cut anyway
        said, count = said[: 5 * TEXT], len(said)
    else:
        count = len(said)
    if len(said) >= 8:
        said = _SECRET_PARTS.sub(lambda found: (found[1] or found[2]) + LEFT_OUT, _SECRET_LOOKS.sub(LEFT_OUT, said))
    if len(said) > TEXT:
        said = f"{said[: TEXT - 40]}… ({count} characters)"
    try:
        said.encode()
    except UnicodeEncodeError:  # half of a surrogate pair is no text that UTF-8 can hold
        said = said.encode("utf-8", "replace").decode()
    return said


def words(entry: Entry) -> list[str]:
    """What an entry is found by: `kind:`, `actor:`, `session:`, `entity:` and `about:` (a person), each once."""
    found = {f"kind:{entry.kind}", f"actor:{entry.actor}"}
    if entry.session:
        found.add(f"session:{entry.session}")
    what = entry.what
    things = [*_texts(what.get("entity")), *_texts(what.get("entities")), *_texts(what.get("device"))]
    about = list(_texts(what.get("about")))
    about += [one if ":" in one else f"person:{one}" for one in _texts(what.get("person"))]
    of = what.get("of")
    if isinstance(of, dict):
        for person, seen in of.items():
            about.append(person)
            things += _texts(seen)
    if entry.kind.startswith("log"):  # somebody's sign-in is his own affair too
        about.append(entry.actor)
    return sorted(found | {f"entity:{one}" for one in things[:WORDS]} | {f"about:{one}" for one in about[:WORDS]})


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def told_to(person: str, entry: Entry) -> dict[str, Any]:
    """What a person may see of an entry that is about him: who saw or did what of his, when and why; nobody else's."""
    what = entry.what
    of = what.get("of")
    mine = _texts(of.get(person)) if isinstance(of, dict) else []
    said: dict[str, Any] = {name: what[name] for name in ("did", "purpose", "reason", "times") if name in what}
    if isinstance(asked := what.get("asked"), str):
        said["asked"] = asked.partition("?")[0]
    if mine:
        said["entities"] = mine
    return {"actor": entry.actor, "at": entry.at, "kind": entry.kind, "what": said}
