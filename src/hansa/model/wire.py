"""The wire forms of NGSI-LD: bytes to JSON, JSON to documents, documents to answers (CIM 009, clause 4.5).

In: normalized, concise and simplified, mixed as the standard allows; every fault is a BadRequest that names its place.
Out: normalized, concise, simplified. The parts are in `wire_in` and `wire_out`; this is the door to both.
"""

import json
import re
from typing import Any, Final

import msgspec
import orjson

from hansa.errors import BadRequest, InvalidRequest, TooLarge
from hansa.limits import DEFAULT, Limits
from hansa.model.wire_in import attribute_in, completed, entity_in
from hansa.model.wire_out import Form, View, entity_out, form_of, is_identity, spliceable
from hansa.model.wire_values import NULL, Mode

__all__ = [
    "NULL",
    "Form",
    "Mode",
    "View",
    "attribute_in",
    "check_unique",
    "completed",
    "entity_in",
    "entity_out",
    "form_of",
    "is_identity",
    "json_in",
    "json_out",
    "spliceable",
]

_DECODER = msgspec.json.Decoder()
_DIGITS_ALIKE = bytes(ord("0") if chr(b) in "0123456789." else b for b in range(256))
_WIDE: Final = b"0" * 20  # shorter numbers fit 64 bits
# Possessive, and an end that is missing counts as one: else an unterminated string costs the square of its length.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)', re.DOTALL)
_NUMBER = re.compile(rb"[0-9.]+")


def json_in(body: bytes, limits: Limits = DEFAULT) -> Any:
    """Decode a JSON body (RFC 8259, UTF-8). Whole numbers beyond 64 bits become floating point.

    Raises InvalidRequest when it is not JSON (nor are NaN, infinities and a byte order mark), TooLarge when it nests
    deeper than `limits.depth`, BadRequest when a number has more digits than `limits.digits`. Of a member said twice,
    the last counts; see `check_unique`.
    """
    if body[:3] == b"\xef\xbb\xbf":
        raise InvalidRequest("the body begins with a byte order mark", mend="send UTF-8 without it (RFC 8259, 8.1)")
    wide = _WIDE in body.translate(_DIGITS_ALIKE)
    if wide:
        _check_digits(body, limits)
    try:
        value = _DECODER.decode(body)
    except RecursionError:
        raise _too_deep(limits) from None
    except msgspec.ValidationError as fault:  # the only one without a schema: a number beyond a double
        raise BadRequest(f"the body holds a number that no computer can: {fault}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise InvalidRequest(f"the body is not JSON: {fault}"[:300]) from None
    if body.count(b"{") + body.count(b"[") > limits.depth:
        _check_depth(value, limits)
    return _narrowed(value) if wide else value


def check_unique(body: bytes, value: Any) -> None:
    """Raise BadRequest when an object of `body`, which was decoded as `value`, says a name twice (JSON-LD 1.1, 1.4)."""
    # What was said twice is missing from what is written anew, and each name has its colon.
    if body.count(b":") != orjson.dumps(value).count(b":"):
        json.loads(body, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(f"{twice[:128]!r} is said twice in one object", where=twice[:128], mend="say it once")
    return found


def json_out(value: Any) -> bytes:
    """Encode an answer as JSON bytes."""
    return orjson.dumps(value)


def _too_deep(limits: Limits) -> TooLarge:
    return TooLarge(f"the body nests deeper than {limits.depth}", mend="flatten it")


def _check_depth(value: Any, limits: Limits) -> None:
    level = [value]
    for _ in range(limits.depth + 1):
        level = [
            inner
            for outer in level
            if type(outer) is dict or type(outer) is list
            for inner in (outer.values() if type(outer) is dict else outer)
        ]
        if not level:
            return
    raise _too_deep(limits)


def _check_digits(body: bytes, limits: Limits) -> None:
    for number in _NUMBER.finditer(_STRING.sub(b'""', body)):
        if number.end() - number.start() - number.group().count(b".") > limits.digits:
            raise BadRequest(
                f"a number has more than {limits.digits} digits: {number.group()[:20].decode()}…",
                mend="a double holds 17 digits; send what must be exact as a string",
            )


def _narrowed(value: Any) -> Any:
    if type(value) is dict:
        return {key: _narrowed(inner) for key, inner in value.items()}
    if type(value) is list:
        return [_narrowed(inner) for inner in value]
    if type(value) is int and not -(2**63) <= value < 2**64:
        return float(value)
    return value
