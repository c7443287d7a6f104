"""What must never stand in a log is taken out of every line, whoever wrote it.

Nothing that hansa logs holds a secret on purpose; this is for what comes along: a header in an exception, a token in a
URL, a password in somebody else's message. By the name of what bears it, wherever it is nested, and by its looks in
any text. It takes out too much rather than too little. Pure. Report: 4.2.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

GONE: Final = "[redacted]"

_BEARERS: Final = (
    r"authorization|proxy-authorization|cookie|set-cookie|x-auth-token|x-api-key|api[_-]?key|apikey|passw(?:or)?d|"
    r"passphrase|pwd|secret|client[_-]secret|token|access[_-]token|refresh[_-]token|id[_-]token|bearer|claim|otp|totp|"
    r"one[_-]time[_-]code|client[_-]assertion|assertion|private[_-]key|recovery|invitation|enrolment|session[_-]secret|"
    r"device[_-]cookie|csrf|challenge|signature|sig|mqtts?_password"
)
"""Names whose value is a secret, or stands so near to one that nobody needs it in a log."""
_BEARER: Final = re.compile(rf"(?i)(?:{_BEARERS})\Z")
_LOOKS: Final = (
    # a header of several cookies, to the end of its line
    (re.compile(r"""(?i)((?:set-)?cookie["']?\s*[=:]\s*(?:b?["'])?)[^\r\n"']+"""), rf"\1{GONE}"),
    # name=value of a query or form, name: value of a header, "name": "value" of JSON or of a repr
    (re.compile(rf"""(?i)(?<![a-z])((?:{_BEARERS})["']?\s*[=:]\s*(?:b?["'])?(?:(?:bearer|basic|digest|dpop)\s+)?)"""
                r"""[^\s"'&;,}\])]+"""), rf"\1{GONE}"),
    # the same, as bytes of ASGI headers
    (re.compile(rf"""(?i)(\(b?["'](?:{_BEARERS})["'],\s*b?["'])[^"']*"""), rf"\1{GONE}"),
    (re.compile(r"\b([Bb]earer|BEARER|[Bb]asic|BASIC)\s+(?=\S*[A-Z0-9=])[A-Za-z0-9+/_=.~-]{6,}"), rf"\1 {GONE}"),
    (re.compile(r"\bhansa_[A-Za-z0-9_-]{8,}"), GONE),  # our own tokens
    (re.compile(r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}"), GONE),  # signed tokens (JWS, JWE)
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)[^\s/@\"']+@"), rf"\1{GONE}@"),  # user and password of a URL
    (re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), GONE),
    (re.compile(r"(/(?:enrol|invitation|recover)/?[#?/])[A-Za-z0-9_=.~-]{8,}"), rf"\1{GONE}"),  # links that open
)  # fmt: skip
_DEPTH: Final = 8  # of what is nested in one line


def text(said: str) -> str:
    """A text without what looks like a secret."""
    for look, instead in _LOOKS:
        said = look.sub(instead, said)
    return said


def line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the line without secrets, as the last before it is rendered."""
    for name, value in event.items():
        event[name] = GONE if _hides(name, value) else _clean(value, _DEPTH)
    return event


def _hides(name: object, value: object) -> bool:
    """Whether a member is a secret by its name; a number or a yes is none."""
    return (
        isinstance(name, str | bytes)
        and not isinstance(value, bool | int | float | None)
        and _BEARER.match(name if isinstance(name, str) else name.decode("latin-1")) is not None
    )


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes):
        return text(value.decode("latin-1"))
    if depth == 0:
        return text(repr(value))
    if isinstance(value, Mapping):
        return {name: GONE if _hides(name, one) else _clean(one, depth - 1) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) == 2 and isinstance(value, list | tuple) and _hides(value[0], value[1]):
            return [_clean(value[0], 0), GONE]
        return [_clean(one, depth - 1) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return text(str(value))
