"""When a reading was taken: text or epoch numbers to the canonical observedAt, and whether the city can believe it.

A device whose clock was never set says 1970, one whose clock runs wild says next year: both are refused, by the city's
clock and not the wall's. Times that name no zone are understood only where the profile names it.
Tests: tests/collect/test_times.py.
"""

import math
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa import clock
from hansa.clock import SECOND
from hansa.collect.decoded import brief
from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits

_MEND: Final = "write it as 2026-11-22T18:00:00Z, or as seconds since 1970"
_US: Final = timedelta(microseconds=1)
_DAY: Final = 86_400 * SECOND
_SECONDS: Final = 1e11  # as seconds the year 5138, as milliseconds 1973
_MILLIS: Final = 1e14
_MICROS: Final = 1e17


def stamp(raw: Any, now: int, zone: ZoneInfo | None = None, limits: Limits = DEFAULT) -> str:
    """Canonical observedAt (`2026-11-22T18:00:00Z`) of what a device said; None is `now`.

    `raw` is ISO 8601 text, or a number of seconds, milliseconds or microseconds since 1970 (told apart by size).
    BadRequest when it is none of them, names no zone where the profile names none, or is not believable at `now`
    (microseconds).
    """
    if raw is None:
        return text(now)
    # The canonical form needs no writing again; all but a few devices send it, and this is the hot path.
    known: float | None = None
    if type(raw) is str:
        size = len(raw)
        if size == 20:
            known = _canonical(raw)
        elif 21 < size < 28 and raw[19] == "." and raw[-2] != "0" and raw[20:-1].isdecimal() and raw.isascii():
            # A fraction of its own, without needless zeros: the second is remembered, the rest is not looked at.
            known = _canonical(f"{raw[:19]}{raw[-1]}")
    if known is not None and -limits.past_s <= known - now / SECOND <= limits.future_s:
        return raw  # type: ignore[no-any-return]
    return text(believed(micros(raw, now, zone, limits), now, limits))


def micros(raw: Any, now: int, zone: ZoneInfo | None, limits: Limits, previous: int | None = None) -> int:
    """Microseconds of what a device said, believable or not.

    `previous` is the row before, for the hour that autumn repeats.
    """
    kind = type(raw)
    if kind is int or kind is float:
        return _epoch(raw)
    if kind is not str:
        raise BadRequest("the time is neither text nor a number", mend=_MEND)
    said = raw.strip()
    if said.isdecimal() and said.isascii() and 9 <= len(said) <= 17:
        return _epoch(int(said))
    if len(said) > 10 and said[10] in " t":
        said = f"{said[:10]}T{said[11:]}"
    if said.endswith("z"):
        said = f"{said[:-1]}Z"
    tail = said[10:]
    if zone is None or tail.endswith("Z") or "+" in tail or "-" in tail:
        return clock.parse(said)
    return _local(clock.parse(said, zone_needed=False), said, zone, now + int(limits.future_s * SECOND), previous)


def believed(at: int, now: int, limits: Limits = DEFAULT) -> int:
    """`at`, when a reading may bear it at `now`; BadRequest when it is too far ahead or too old."""
    ahead_s = (at - now) / SECOND
    if ahead_s > limits.future_s:
        raise BadRequest(
            f"{_shown(at)} is {_span(ahead_s)} ahead of the city's clock ({text(now)})",
            mend=f"set the device's clock; {limits.future_s:g} s ahead are taken",
        )
    if -ahead_s > limits.past_s:
        raise BadRequest(
            f"{_shown(at)} is {_span(-ahead_s)} ago, more than the {_span(limits.past_s)} that are taken",
            mend="set the device's clock (1970 is one that was never set)",
        )
    return at


def text(at: int) -> str:
    """`clock.text`, remembering the last seconds: readings come many to a second."""
    second, part = divmod(at, SECOND)
    whole = _second(second)
    if part:
        return f"{whole}.{part:06d}".rstrip("0") + "Z"
    return whole + "Z"


@lru_cache(maxsize=4096)
def _canonical(raw: str) -> float | None:
    """Seconds since 1970 of `2026-11-22T18:00:00Z`; None when it has another form. Many devices say the same second."""
    if raw[4] + raw[7] + raw[10] + raw[13] + raw[16] + raw[19] != "--T::Z":
        return None
    try:
        return datetime.fromisoformat(raw).timestamp()
    except ValueError as fault:
        raise BadRequest(f"{raw!r} is not a date-time: {fault}", mend=_MEND) from None


@lru_cache(maxsize=256)
def _second(second: int) -> str:
    return clock.moment(second * SECOND).isoformat()[:19]


def _epoch(raw: float) -> int:
    size = raw if raw >= 0 else math.inf  # nothing was measured by a device before 1970, and NaN fails every test
    if size < _SECONDS:
        return round(raw * SECOND)
    if size < _MILLIS:
        return round(raw * 1_000)
    if size < _MICROS:
        return round(raw)
    raise BadRequest(f"{brief(raw)} is no time", mend="give seconds, milliseconds or microseconds since 1970")


def _local(naive_us: int, said: str, zone: ZoneInfo, newest: int, previous: int | None) -> int:
    """The instant of a local time.

    In the hour that autumn repeats, the one that follows the row before; without a row before, the later one unless it
    is yet to come (a device speaks of now).
    """
    steady = _steady(zone, naive_us // _DAY)
    if steady is not None:
        return naive_us - steady
    # The zone's offset says all; both folds are asked, because they differ only where clocks change.
    naive = clock.moment(naive_us).replace(tzinfo=zone)
    early, late = (naive_us - when.utcoffset() // _US for when in (naive, naive.replace(fold=1)))  # type: ignore[operator]
    if early == late:
        return early
    if early > late:  # the hour that spring leaves out: the offset after the change is the smaller instant
        raise BadRequest(
            f"{said[:64]!r} did not exist in {zone.key}: clocks went forward over it",
            mend="let the device speak UTC; if its clock ignores summer time, name a fixed zone such as Etc/GMT-1",
        )
    if previous is not None:
        return early if early > previous else late
    return late if late <= newest else early


@lru_cache(maxsize=4096)
def _steady(zone: ZoneInfo, day: int) -> int | None:
    """The zone's offset (microseconds) on a day since 1970, or None when clocks change on it or next to it.

    No zone has changed twice within three days since there are devices.
    """
    try:
        before, after = (clock.moment((day + step) * _DAY).replace(tzinfo=zone).utcoffset() for step in (-1, 2))
    except OverflowError:  # the first and last days that there are
        return None
    return before // _US if before is not None and before == after else None


def _span(seconds: float) -> str:
    for size, name in ((365.25 * 86_400, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _shown(at: int) -> str:
    try:
        return str(clock.moment(at).replace(tzinfo=None, microsecond=0).isoformat()) + "Z"
    except (OverflowError, ValueError):
        return f"{at} µs since 1970"
