"""Aggregates of what was so through time: methods, periods, and what they make of values (CIM 009, clause 4.5.19).

Plain numbers are summed by the store; whatever else stands in history is looked at here, value by value. What the
tables of 4.5.19.1 leave open: the standard deviation is that of the values at hand (divided by their number), an
instance that says that the attribute ended has no value, and a period without values is left out (annex C.5.14).
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest
from hansa.model.entity import VALUE_OF, Instance
from hansa.model.wire import json_out
from hansa.platform.store import Bucket

METHODS: Final = ("avg", "distinctCount", "max", "min", "stddev", "sum", "sumsq", "totalCount")
AGGREGATING: Final = frozenset({"aggrMethods", "aggrPeriodDuration"})
"""The parameters that say it."""

_COUNTS: Final = frozenset({"distinctCount", "totalCount"})
_OF: Final[dict[str, frozenset[str]]] = {
    "number": frozenset(METHODS),
    "boolean": frozenset(METHODS),
    "array": _COUNTS | {"avg", "max", "min", "sum"},
    "string": _COUNTS | {"max", "min"},
    "time": _COUNTS | {"avg", "max", "min"},
    "DateTime": _COUNTS | {"max", "min"},
    "Date": _COUNTS | {"max", "min"},
    "other": _COUNTS,
}
"""Which methods suit which sort of value (tables 4.5.19.1-1 to -3)."""

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,6})W|(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,8})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,10}(?:[.,]\d{1,6})?)S)?)?)\Z",
    re.ASCII,
)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)([.,]\d{1,6})?Z?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a period is: months of the calendar, and microseconds; neither means the whole time asked for."""

    months: int = 0
    micros: int = 0

    @classmethod
    def of(cls, text: str, where: str = "aggrPeriodDuration") -> "Duration":
        """Read an ISO 8601 duration: P3Y6M4DT12H30M5S or P2W. Raises BadRequest."""
        found = _DURATION.match(text)
        if found is None or not any(part is not None for part in found.groups()):
            raise BadRequest(f"{where}: {text[:64]!r} is no duration", where=where, mend="PT1H, P1D, P2W, P1M or PT0S")
        said = {name: part or "0" for name, part in found.groupdict().items()}
        fixed = timedelta(weeks=int(said["weeks"]), days=int(said["days"]), hours=int(said["hours"]))
        fixed += timedelta(minutes=int(said["minutes"]), seconds=float(said["seconds"].replace(",", ".")))
        return cls(int(said["years"]) * 12 + int(said["months"]), fixed // timedelta(microseconds=1))

    @property
    def whole(self) -> bool:
        """Whether one period spans the whole time."""
        return not self.months and not self.micros

    def after(self, origin: int, periods: int) -> int:
        """The instant so many periods after `origin`; months keep the day as far as they have it."""
        fixed = self.micros * periods
        if not self.months:
            return max(origin, min(origin + fixed, _END))
        begin = clock.moment(origin)
        year, month = divmod(begin.year * 12 + begin.month - 1 + self.months * periods, 12)
        if year > _LAST_YEAR:
            return _END
        for day in range(begin.day, begin.day - 4, -1):
            try:
                moved = begin.replace(year=year, month=month + 1, day=day)
            except ValueError:
                continue
            return max(origin, min(clock.micros(moved) + fixed, _END))
        raise AssertionError("a month has 28 days")


_LAST_YEAR: Final = 9_000
_END: Final = 221_845_392_000_000_000  # the beginning of the year 9000


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Which aggregates of which periods."""

    methods: tuple[str, ...]
    duration: Duration = Duration()

    @classmethod
    def of(cls, said: dict[str, str]) -> "Aggregation":
        """Read aggrMethods and aggrPeriodDuration (table 6.18.3.2-1). Raises BadRequest."""
        if "aggrMethods" not in said:
            raise BadRequest("aggregatedValues needs aggrMethods", where="aggrMethods", mend=",".join(METHODS))
        methods = tuple(dict.fromkeys(word.strip() for word in said["aggrMethods"].split(",")))
        for method in methods:
            if method not in METHODS:
                raise BadRequest(
                    f"aggrMethods: {method[:32]!r} is no method", where="aggrMethods", mend=", ".join(METHODS)
                )
        return cls(methods, Duration.of(said.get("aggrPeriodDuration", "PT0S")))


def told(body: dict[str, Any]) -> dict[str, str]:
    """What a Query says of aggrMethods and aggrPeriodDuration, in its aggrParams (5.2.44) or its temporalQ (5.2.21)."""
    said: dict[str, str] = {}
    for name in ("temporalQ", "aggrParams"):
        params = body.get(name, {})
        if type(params) is not dict:
            raise BadRequest(f"{name} is an object", where=name)
        if name == "aggrParams" and (odd := sorted(params.keys() - AGGREGATING)):
            raise BadRequest(f"aggrParams has no member {odd[0][:64]!r}", where=f"aggrParams.{odd[0][:64]}")
        if "aggrMethods" in params:
            methods = params["aggrMethods"]
            listed = methods if type(methods) is list else [methods]
            if not listed or not all(type(one) is str and one for one in listed):
                raise BadRequest("aggrMethods is a list of methods", where=f"{name}.aggrMethods")
            said["aggrMethods"] = ",".join(listed)
        if "aggrPeriodDuration" in params:
            if type(params["aggrPeriodDuration"]) is not str:
                raise BadRequest("aggrPeriodDuration is a text", where=f"{name}.aggrPeriodDuration")
            said["aggrPeriodDuration"] = params["aggrPeriodDuration"]
    return said


# Values


def sort_and_value(instance: Instance) -> tuple[str, Any]:
    """The sort of value that an instance holds, and the value to reckon with."""
    kind = instance.get("type", "Property")
    value = instance[VALUE_OF[kind]]
    if kind == "ListProperty":
        return "array", value
    if kind != "Property":
        return "other", value
    if type(value) is dict and "@value" in value:
        return _typed(str(value.get("@type")), value["@value"])
    if type(value) is str:
        return _typed(str(instance.get("valueType", "")), value)
    return _SORTS.get(type(value), "other"), value


_SORTS: Final[dict[type, str]] = {bool: "boolean", int: "number", float: "number", list: "array", str: "string"}


def _typed(kind: str, value: Any) -> tuple[str, Any]:
    kind = re.split(r"[/#:]", kind)[-1].removeprefix("xsd")
    if type(value) is not str:
        return _SORTS.get(type(value), "other"), value
    if kind.lower() == "time" and _TIME.match(value):
        return "time", value
    if kind.lower() in {"datetime", "date"}:
        return "DateTime" if kind.lower() == "datetime" else "Date", value
    return ("other", value) if kind.lower() in {"uri", "anyuri", "@id", "id"} else ("string", value)


class Pile:
    """The values of one period."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        """Nothing yet."""
        self._values: list[tuple[str, Any]] = []

    def add(self, sort: str, value: Any) -> None:
        """One more value."""
        self._values.append((sort, value))

    def suits(self, method: str) -> bool:
        """Whether any of the values is of a sort that the method is for."""
        return any(method in _OF[sort] for sort, _ in self._values)

    def of(self, method: str) -> Any:
        """What the method makes of the values that it is for."""
        values = [(sort, value) for sort, value in self._values if method in _OF[sort]]
        if method == "totalCount":
            return len(values)
        if method == "distinctCount":
            return len({_identity(value) for _, value in values})
        sort = values[-1][0]  # where values of several sorts meet, the newest says which are meant
        return _made(method, sort, [value for other, value in values if _FAMILY[other] == _FAMILY[sort]])


_FAMILY: Final = {sort: "number" if sort in {"number", "boolean", "array"} else sort for sort in _OF}


def _identity(value: Any) -> Any:
    return value if type(value) in {str, bool} else json_out(value)


def _made(method: str, sort: str, values: list[Any]) -> Any:
    if _FAMILY[sort] != "number":
        if method == "avg":
            return _clock_face(sum(map(_seconds, values)) / len(values))
        return _EXTREME[method](values)
    numbers = [len(value) if type(value) is list else value for value in values]
    if method in _EXTREME:
        return _finite(_EXTREME[method]([int(n) if type(n) is bool else n for n in numbers]))
    try:
        return _finite(_NUMERIC[method](numbers))
    except OverflowError:  # on the way to a number that no double can be
        return None


_EXTREME: Final[dict[str, Callable[[list[Any]], Any]]] = {"max": max, "min": min}


def _spread(numbers: list[float]) -> float:
    mean = math.fsum(numbers) / len(numbers)
    return math.sqrt(math.fsum((n - mean) ** 2 for n in numbers) / len(numbers))


def _sum(numbers: list[float]) -> float:
    return sum(numbers) if all(type(n) is not float for n in numbers) else math.fsum(numbers)


_NUMERIC: Final[dict[str, Callable[[list[float]], float]]] = {
    "avg": lambda numbers: math.fsum(numbers) / len(numbers),
    "sum": _sum,
    "sumsq": lambda numbers: _sum([n * n for n in numbers]),
    "stddev": _spread,
}


def _finite(number: Any) -> Any:
    """The number; as a double beyond 64 bits, and None beyond every double, which JSON could not say."""
    if type(number) is int and not -(2**63) <= number < 2**64:
        number = float(number)
    return None if type(number) is float and not math.isfinite(number) else number


def _seconds(time: str) -> float:
    hours, minutes, seconds = time.rstrip("Z").replace(",", ".").split(":")
    return int(hours) * 3_600 + int(minutes) * 60 + float(seconds)


def _clock_face(seconds: float) -> str:
    whole, part = divmod(round(seconds * 1_000_000), 1_000_000)
    face = f"{whole // 3_600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{face}.{part:06}".rstrip("0") + "Z" if part else face + "Z"


def piled(moments: Iterable[tuple[int, Instance]], duration: Duration, origin: int) -> dict[int, Pile]:
    """Values by period from `origin` on; what says that the attribute ended has no value."""
    piles: dict[int, Pile] = {}
    period, end = 0, duration.after(origin, 1)
    for at, instance in moments:
        if "deletedAt" in instance:
            continue
        if not duration.whole:
            if not duration.months:
                period = (at - origin) // duration.micros
            else:
                while at >= end and end < _END:
                    period += 1
                    end = duration.after(origin, period + 1)
        pile = piles.get(period)
        if pile is None:
            pile = piles[period] = Pile()
        pile.add(*sort_and_value(instance))
    return piles


def summed(bucket: Bucket, method: str) -> Any:
    """What a method makes of plain numbers that the store has summed up."""
    made = _FROM_SUMS[method](bucket)
    return _finite(made)


_FROM_SUMS: Final[dict[str, Callable[[Bucket], Any]]] = {
    "avg": lambda b: b.total / b.many,
    "distinctCount": lambda b: b.distinct,
    "max": lambda b: b.high,
    "min": lambda b: b.low,
    "stddev": lambda b: math.sqrt(b.spread / b.many),
    "sum": lambda b: b.total,
    "sumsq": lambda b: b.squares,
    "totalCount": lambda b: b.many,
}
