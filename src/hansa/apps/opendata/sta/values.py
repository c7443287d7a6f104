"""What a tree of `expressions` is for one row: numbers, texts, times, shapes.

Nothing fails on a value: what cannot be computed (a text plus a number, a division by zero, a property that was not
said) is None, and no order holds for None. Only `eq null` and `ne null` see it. Times are `When`; of an interval, `gt`
wants its beginning after, `lt` its end before. Distances are metres on the ground. Source: OGC 18-088, tables 23, 24.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from hansa.apps.opendata.sta.expressions import Call, Literal, Path, Tree, When
from hansa.apps.opendata.sta.shapes import MEASURES, RELATIONS, is_shape, metres, relates, shape

Test = Callable[[Any], Any]
Reach = Callable[[Any, tuple[str, ...]], Any]

_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
_LONGEST: Final = 100_000  # characters of a text that is made by joining texts
_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


@dataclass(frozen=True, slots=True)
class Several:
    """What stands at the end of a path through many: a comparison holds when it holds for one of them."""

    values: Sequence[Any]


def truth(value: Any) -> bool:
    """Whether a filter lets a row through."""
    return value is True or (isinstance(value, Several) and any(map(truth, value.values)))


def order_of(one: Any, other: Any) -> int:
    """Which of two values comes first; nothing before everything, and kinds that do not compare by their names."""
    one, other = _plain(one), _plain(other)
    if one is None or other is None:
        return (one is not None) - (other is not None)
    if _kind(one) != _kind(other):
        return -1 if _kind(one) < _kind(other) else 1
    if isinstance(one, dict | list) or is_shape(one):
        one, other = str(one), str(other)
    return int(one > other) - int(one < other)


def _plain(value: Any) -> Any:
    if isinstance(value, Several):
        return _plain(value.values[0]) if value.values else None
    return (value.start, value.end) if isinstance(value, When) else value


def compiled(tree: Tree, reach: Reach, now: int) -> Test:
    """A function from a row to the tree's value; `reach(row, names)` finds properties, `now` is the city's time."""
    match tree:
        case Literal(value):
            return lambda _row: value
        case Path(names):
            return lambda row: reach(row, names)
        case Call("and", (one, other)):
            left, right = compiled(one, reach, now), compiled(other, reach, now)
            return lambda row: truth(left(row)) and truth(right(row))
        case Call("or", (one, other)):
            left, right = compiled(one, reach, now), compiled(other, reach, now)
            return lambda row: truth(left(row)) or truth(right(row))
        case Call("not", (one,)):
            inner = compiled(one, reach, now)
            return lambda row: _not(inner(row))
        case Call("now", ()):
            return lambda _row: When(now, now)
        case Call(name, args):
            parts = [compiled(one, reach, now) for one in args]
            does = _DOES[name]
            return lambda row: _each(does, name, [part(row) for part in parts])


def _each(does: Callable[..., Any], name: str, values: list[Any]) -> Any:
    for n, value in enumerate(values):
        if isinstance(value, Several):
            return Several([_each(does, name, [*values[:n], one, *values[n + 1 :]]) for one in value.values])
    return does(name, *values)


def _not(value: Any) -> Any:
    if isinstance(value, Several):
        return not truth(value)
    return value is False


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    return type(value).__name__


def _compare(name: str, one: Any, other: Any) -> Any:
    if one is None or other is None:
        same = one is other
        return same if name == "eq" else not same if name == "ne" else None
    one, other = _alike(one, other)
    if _kind(one) != _kind(other):
        return name == "ne" if name in {"eq", "ne"} else None
    if name in {"eq", "ne"}:
        return (one == other) is (name == "eq")
    if isinstance(one, When):
        match name:
            case "gt":
                return one.start > other.end if other.end == other.start else one.start >= other.end
            case "ge":
                return one.start >= other.start
            case "lt":
                return one.end < other.start
            case _:
                return one.end <= other.end
    if isinstance(one, bool | int | float | str | timedelta | time):
        return _ORDERS[name](one, other)
    return None


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    """Shapes that are compared with literals are shapes too."""
    if is_shape(other):
        return shape(one) or one, other
    if is_shape(one):
        return one, shape(other) or other
    return one, other


def _sum(name: str, one: Any, other: Any) -> Any:
    sign = -1 if name == "sub" else 1
    try:
        if isinstance(one, When) and isinstance(other, timedelta):
            by = sign * (other // _MICRO)
            return When(one.start + by, one.end + by)
        if name == "sub" and isinstance(one, When) and isinstance(other, When):
            return timedelta(microseconds=one.start - other.start)
        if isinstance(one, timedelta) and isinstance(other, timedelta):
            return one + sign * other
        if _kind(one) == _kind(other) == "number":
            return _finite(one + sign * other)
    except OverflowError:
        pass
    return None


def _product(name: str, one: Any, other: Any) -> Any:
    if _kind(one) != "number" or _kind(other) != "number":
        return None
    try:
        if name == "mul":
            return _finite(one * other)
        return _finite(one / other) if name == "div" else _finite(math.fmod(one, other))
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def _finite(value: float) -> float | None:
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def _text(name: str, one: Any, *rest: Any) -> Any:
    if not isinstance(one, str):
        return None
    match name:
        case "length":
            return len(one)
        case "tolower":
            return one.lower()
        case "toupper":
            return one.upper()
        case "trim":
            return one.strip()
        case "substring":
            return _part(one, *rest)
    other = rest[0]
    if not isinstance(other, str):
        return None
    match name:
        case "substringof":  # what is looked for comes first
            return one in other
        case "startswith":
            return one.startswith(other)
        case "endswith":
            return one.endswith(other)
        case "indexof":
            return one.find(other)
        case _:
            return (one + other)[:_LONGEST]


def _part(text: str, begin: Any, length: Any = None) -> str | None:
    if _kind(begin) != "number" or (length is not None and _kind(length) != "number"):
        return None
    first = max(0, int(begin))
    return text[first:] if length is None else text[first : first + max(0, int(length))]


def _time(name: str, one: Any) -> Any:
    if not isinstance(one, When):
        return None
    try:
        at = _BEGIN + timedelta(microseconds=one.start)
    except OverflowError:
        return None
    match name:
        case "date":
            start = (datetime(at.year, at.month, at.day, tzinfo=UTC) - _BEGIN) // _MICRO
            return When(start, start + 86_400_000_000 - 1)
        case "time":
            return at.time()
        case "fractionalseconds":
            return at.microsecond / 1_000_000
        case "totaloffsetminutes":
            return 0  # the city's times are UTC
        case _:
            return getattr(at, name)


def _bound(name: str) -> When:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    at = ((first if name == "mindatetime" else last) - _BEGIN) // _MICRO
    return When(at, at)


def _rounded(name: str, one: Any) -> Any:
    if _kind(one) != "number":
        return None
    if name == "round":  # half goes away from zero, as OData has it
        return math.copysign(math.floor(abs(one) + 0.5), one)
    return math.floor(one) if name == "floor" else math.ceil(one)


_DOES: Final[Mapping[str, Callable[..., Any]]] = (
    dict.fromkeys(("eq", "ne", "gt", "ge", "lt", "le"), _compare)
    | dict.fromkeys(("add", "sub"), _sum)
    | dict.fromkeys(("mul", "div", "mod"), _product)
    | dict.fromkeys(
        (
            "substringof", "endswith", "startswith", "length", "indexof", "substring", "tolower", "toupper", "trim",
            "concat",
        ),
        _text,
    )
    | dict.fromkeys(
        ("year", "month", "day", "hour", "minute", "second", "fractionalseconds", "date", "time", "totaloffsetminutes"),
        _time,
    )
    | dict.fromkeys(("mindatetime", "maxdatetime"), _bound)
    | dict.fromkeys(("round", "floor", "ceiling"), _rounded)
    | dict.fromkeys(RELATIONS, relates)
    | dict.fromkeys(MEASURES, metres)
)  # fmt: skip
