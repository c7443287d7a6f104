"""Instants and intervals of the `datetime` parameter (RFC 3339, section 5.6; OGC API - Features 7.15.4).

Times are microseconds since 1970 in UTC. A date stands for its whole day, as a date in the data does.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from hansa import Refusal

DAY: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)\Z")


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` to `until`, both included, microseconds; None is open."""

    since: int | None
    until: int | None

    def meets(self, other: "Span") -> bool:
        """Whether both have an instant in common."""
        return not (
            (self.until is not None and other.since is not None and self.until < other.since)
            or (other.until is not None and self.since is not None and other.until < self.since)
        )


@lru_cache(maxsize=8_192)
def span_of(value: str) -> Span | None:
    """What a time in the data covers: an instant, or the whole day of a date; None when it is no time."""
    try:
        if _DATE.match(value):
            start = _micros(datetime.fromisoformat(value).replace(tzinfo=UTC))
            return Span(start, start + DAY - 1)
        if _MOMENT.match(value):
            at = _micros(datetime.fromisoformat(value.upper()))
            return Span(at, at)
    except (ValueError, OverflowError):
        return None
    return None


def when(value: Any) -> Span | None:
    """The same of any value: texts, and microseconds."""
    if isinstance(value, str):
        return span_of(value) if len(value) <= 40 else None
    if isinstance(value, datetime):
        at = _micros(value if value.tzinfo else value.replace(tzinfo=UTC))
        return Span(at, at)
    return None


def instant(value: Any) -> int | None:
    """An instant as tables tell it, which are asked for many at a time; None for what is none."""
    try:
        at = datetime.fromisoformat(value)
        return _micros(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError):
        return None


def asked(said: str, where: str = "datetime") -> Span:
    """An instant, `start/end`, or one of them open (`..` or nothing). Refusal."""
    start, slash, end = said.partition("/")
    if not slash:
        return _one(start, where)
    since = None if start in {"", ".."} else _one(start, where).since
    until = None if end in {"", ".."} else _one(end, where).until
    if since is not None and until is not None and until < since:
        raise Refusal("the interval ends before it begins", where=where)
    return Span(since, until)


def any_of(said: str, where: str = "datetime") -> list[Span]:
    """EDR's: the same, a list of instants with commas, or `R5/2026-01-01T00:00Z/PT1H`, every so often."""
    if said[:1] == "R" and "/" in said:
        return _repeated(said, where)
    parts = said.split(",")
    if len(parts) > INSTANTS:
        raise Refusal(f"{len(parts)} instants; {INSTANTS} are the most", where=where)
    return [asked(one.strip(), where) for one in parts]


INSTANTS: Final = 500
_EVERY = re.compile(r"R(\d{1,4})/([^/]+)/P(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?\Z")


def _repeated(said: str, where: str) -> list[Span]:
    found = _EVERY.match(said)
    if found is None or not any(found.group(3, 4, 5, 6)):
        raise Refusal(f"{said[:60]!r} is no repeating interval", where=where, mend="write R5/2026-01-01T00:00:00Z/PT1H")
    many = int(found[1])
    start = _one(found[2], where).since or 0
    days, hours, minutes, seconds = (int(one or 0) for one in found.group(3, 4, 5, 6))
    step = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000
    if not 0 < many <= INSTANTS or step == 0:
        raise Refusal(f"a repeating interval has 1 to {INSTANTS} instants, some time apart", where=where)
    return [Span(start + n * step, start + n * step) for n in range(many)]


def _one(said: str, where: str) -> Span:
    # In an address a plus that nobody escaped arrives as a blank.
    found = span_of(re.sub(r" (\d\d:\d\d)\Z", r"+\1", said.strip())[:40])
    if found is None:
        raise Refusal(
            f"{said[:60]!r} is no date-time", where=where, mend="write 2026-04-01T18:00:00Z, or two of them with a /"
        )
    return found


def text(at: int) -> str:
    """RFC 3339 in UTC, as short as the instant allows."""
    made = (_EPOCH + timedelta(microseconds=at)).isoformat().removesuffix("+00:00")
    return (made.rstrip("0") if "." in made else made) + "Z"


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _US
