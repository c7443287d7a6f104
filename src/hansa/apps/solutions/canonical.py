"""One way to write a JSON value, so that two cities that say the same have the same digest (RFC 8785, JCS).

Members in the order of their UTF-16 code units, no blanks, numbers as ECMAScript writes them. Held against the vectors
of RFC 8785, appendix B, by tests/apps/test_solutions_exchange.py.
"""

import json
import math
from collections.abc import Mapping
from hashlib import sha256
from typing import Any


def canonical(value: Any) -> str:
    """A JSON value as its one text. ValueError for what is none: NaN, an infinity, another type."""
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int() | float():
            return number(float(value))
        case list() | tuple():
            return f"[{','.join(map(canonical, value))}]"
        case Mapping():
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            members = (f"{json.dumps(name, ensure_ascii=False)}:{canonical(value[name])}" for name in names)
            return f"{{{','.join(members)}}}"
    raise ValueError(f"{type(value).__name__} is nothing of JSON")


def number(value: float) -> str:
    """A number as ECMAScript's Number::toString writes it: the shortest digits that mean it."""
    if not math.isfinite(value):
        raise ValueError("a number of JSON is finite")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, part = mantissa.partition(".")
    part = "" if part == "0" else part
    digits = (whole + part).lstrip("0")
    # Where the point stands, counted from the first digit that is none of the leading zeros.
    point = len(whole) - (len(whole + part) - len(digits)) + int(exponent or 0)
    digits = digits.rstrip("0")
    many = len(digits)
    if many <= point <= 21:
        return sign + digits + "0" * (point - many)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + (digits if many == 1 else f"{digits[0]}.{digits[1:]}") + tail


def digest(value: Any) -> str:
    """`sha256:` and the hash of the canonical text."""
    return "sha256:" + sha256(canonical(value).encode()).hexdigest()
