"""The city's clock: wall time, or a simulated time that runs at a rate or is turned by hand.

Windows, `every`, plausibility and "now" come from here, so that an evening can pass in minutes and a backtest lives in
its own year. Sessions, time-outs and certificates use wall time (invariant 11).
Times are integers: microseconds since 1970-01-01T00:00:00Z.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from hansa.errors import BadRequest

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
# fromisoformat is more generous than CIM 009 (week dates, no seconds); this keeps to what 4.6.3 allows.
_SHAPE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?\Z")


# A reading's instants are asked for several times on its way; remembering them is cheaper than any parser.
@lru_cache(maxsize=8_192)
def parse(text: str, *, zone_needed: bool = True) -> int:
    """Microseconds of an ISO 8601 date-time; BadRequest when it is not one, or says no zone."""
    # Readings come many to a second, each with a fraction of its own: the second is remembered, the rest is a number.
    part = text[20:-1]
    if 0 < len(part) < 7 and text[19] == "." and text[-1] == "Z" and part.isascii() and part.isdecimal():
        second: int = parse(text[:19] + "Z")
        return second + int(part.ljust(6, "0"))
    if len(text) < 16 or not _SHAPE.match(text):
        raise BadRequest(f"{text[:64]!r} is not a date-time", mend="write it as 2026-11-22T18:00:00Z")
    try:
        when = datetime.fromisoformat(text.replace(",", "."))
    except ValueError as fault:
        mend = "write it as 2026-11-22T18:00:00Z"
        raise BadRequest(f"{text[:64]!r} is not a date-time: {fault}", mend=mend) from None
    if when.tzinfo is None:
        if zone_needed:
            raise BadRequest(f"{text!r} says no time zone", mend="end it with Z or with an offset such as +01:00")
        when = when.replace(tzinfo=UTC)
    try:
        return (when - _EPOCH) // _US
    except OverflowError:
        raise BadRequest(f"{text!r} is out of range") from None


@lru_cache(maxsize=8_192)
def text(at: int) -> str:
    """ISO 8601 in UTC, as short as the instant allows: 2026-11-22T18:00:00Z."""
    whole, part = divmod(at, SECOND)
    return f"{_second(whole)}.{part:06d}".rstrip("0") + "Z" if part else _second(whole) + "Z"


def _second(whole: int) -> str:
    # A day is remembered, the rest is arithmetic: a year of hours is more than any cache of instants holds.
    days, rest = divmod(whole, 86_400)
    minutes, seconds = divmod(rest, 60)
    return f"{_day(days)}T{_MINUTES[minutes]}:{seconds:02}"


_MINUTES = tuple(f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60))


@lru_cache(maxsize=8_192)
def _day(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).isoformat()[:10]


def moment(at: int) -> datetime:
    """An aware datetime (UTC) of microseconds."""
    return _EPOCH + timedelta(microseconds=at)


def micros(when: datetime) -> int:
    """Microseconds of an aware datetime."""
    return (when - _EPOCH) // _US


class Clock:
    """The city's now. `rate` 1 with no start is wall time; rate 0 stands still until `turn`ed.

    Raises nothing; a wall clock that jumps back is held still until real time has caught up, because
    transaction time must not run backwards.
    """

    __slots__ = ("_base", "_last", "_wall", "rate")

    def __init__(self, start: int | None = None, rate: float = 1.0, since: float | None = None) -> None:
        """`start` in microseconds (None: wall time), `rate` in city seconds per real second.

        `since` is the instant of `time.monotonic` at which it was `start`; now, if not said.
        """
        self.rate = rate
        self._base = start
        self._wall = time.monotonic() if since is None else since
        self._last = 0

    def now(self) -> int:
        """Microseconds, never smaller than the last answer."""
        if self._base is None:
            now = time.time_ns() // 1_000
        else:
            now = self._base + int((time.monotonic() - self._wall) * self.rate * SECOND)
        if now < self._last:
            return self._last
        self._last = now
        return now

    @property
    def simulated(self) -> bool:
        """Whether this clock is not wall time."""
        return self._base is not None

    def turn(self, at: int) -> None:
        """Set a simulated clock forward to `at`; going back is ignored, wall clocks refuse."""
        if self._base is None:
            raise BadRequest("the city runs on wall time; its clock cannot be set", mend="start it with --clock driven")
        self._base = max(at, self.now())
        self._wall = time.monotonic()

    def follow(self, spec: tuple[int | None, float, float]) -> None:
        """Run as the clock of another process does, whose `spec` this is."""
        self._base, self.rate, self._wall = spec

    def spec(self) -> tuple[int | None, float, float]:
        """What another process of this machine needs to run the very same clock: start, rate, and since when."""
        return self._base, self.rate, self._wall
