"""Values compared: what ==, <, >= and ~= mean between a query's value and a document's (CIM 009, clause 4.9).

Types decide: a number is never equal to a string. A date-time is compared as an instant with strings that are such.
"""

import operator
from collections.abc import Callable
from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest
from hansa.model.qlang import day_of, hour_of
from hansa.model.qtree import Bool, Day, Hour, Moment, Span, Value

Test = Callable[[Any], bool]

_SIGNS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}
ORDERINGS: Final = frozenset({">", ">=", "<", "<="})


def like(found: Callable[[str], bool], negated: bool) -> Test:
    """A string in which a pattern is found, or (`negated`) is not."""

    def test(value: Any) -> bool:
        value = untyped(value)
        return type(value) is str and found(value) is not negated

    return test


def untyped(value: Any) -> Any:
    """The value of a JSON-LD typed value ({"@type":, "@value":}), or the value itself."""
    return value["@value"] if type(value) is dict and "@value" in value else value


def ordering(sign: str, want: Value | Span) -> Test:
    """Greater, less: only between values of one type. `sign` is one of ORDERINGS, or ==."""
    op = _SIGNS[sign]
    if isinstance(want, int | float):

        def number(value: Any) -> bool:
            kind = type(value)
            if kind is int or kind is float:
                return op(value, want)
            return kind is dict and type(inner := untyped(value)) in {int, float} and op(inner, want)

        return number
    if isinstance(want, str):

        def text(value: Any) -> bool:
            value = untyped(value)
            return type(value) is str and op(value, want)

        return text
    read, edge = _temporal(want)

    def temporal(value: Any) -> bool:
        value = untyped(value)
        at = read(value) if type(value) is str else None
        return at is not None and op(at, edge)

    return temporal


def _temporal(want: Value | Span) -> tuple[Callable[[str], int | None], int]:
    match want:
        case Moment(at):
            return moment_of, at
        case Day(ordinal):
            return _day, ordinal
        case Hour(us):
            return _hour, us
    raise TypeError(want)


def moment_of(text: str) -> int | None:
    """Microseconds of a string that is a date-time, else None."""
    if len(text) < 17 or text[10] != "T" or text[4] != "-":
        return None
    try:
        return clock.parse(text)
    except BadRequest:
        return None


def _day(text: str) -> int | None:
    try:
        return day_of(text).ordinal
    except ValueError:
        return None


def _hour(text: str) -> int | None:
    try:
        return hour_of(text).us
    except ValueError:
        return None


def equality(values: tuple[Value | Span, ...]) -> Test:
    """Whether a JSON value is one of `values`, lies within a Span of them, or is a list that holds one."""
    texts = frozenset(v for v in values if isinstance(v, str))
    numbers = frozenset(v for v in values if isinstance(v, int | float))
    truths = frozenset(v.value for v in values if isinstance(v, Bool))
    others = [ordering("==", v) for v in values if isinstance(v, Moment | Day | Hour)]
    spans = [(ordering(">=", v.low), ordering("<=", v.high)) for v in values if isinstance(v, Span)]

    def one(value: Any) -> bool:
        kind = type(value)
        if kind is int or kind is float:
            return value in numbers
        if kind is str:
            return value in texts or (bool(others) and any(other(value) for other in others))
        if kind is bool:
            return value in truths
        return kind is dict and "@value" in value and type(value["@value"]) is not dict and one(value["@value"])

    def equal(value: Any) -> bool:
        if type(value) is list:
            return any(map(one, value))
        return one(value) or (bool(spans) and any(low(value) and high(value) for low, high in spans))

    return equal


def timed(value: Value | Span) -> Value | Span:
    """A quoted date-time, read as one: what it is compared with cannot be anything else."""
    if isinstance(value, Span):
        low, high = timed(value.low), timed(value.high)
        return value if isinstance(low, Span) or isinstance(high, Span) else Span(low, high)
    at = moment_of(value) if isinstance(value, str) else None
    return value if at is None else Moment(at)
