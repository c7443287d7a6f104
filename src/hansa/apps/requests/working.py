"""Working time: how much of it lies between two instants, and when so much of it will have gone by.

    said = {"zone": "Europe/Bratislava", "hours": {"mon": [["08:00", "16:00"]]}, "holidays": ["2026-05-01"]}
    hours = Calendar.of(said)
    hours.worked(since, until)      # seconds
    hours.after(since, 8 * 3_600)   # when eight working hours have gone by

Instants are microseconds of the city's clock. A day's hours are local clock times: on the night on which clocks change,
what is open from 00:00 to 06:00 is open for five hours, or seven, and each of them counts as what it lasted. A time
that does not exist that day is the instant at which the clocks jumped; of one that exists twice, the first counts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa import Refusal

SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_DAYS: Final = 3_660
"""Ten years: a promise that takes longer is none, and no loop runs on."""
HOLIDAYS: Final = 1_000
_MIDNIGHT: Final = 24 * 60

Spans = tuple[tuple[int, int], ...]
"""Of a day: from and until, minutes of the local clock."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people work: by the days of the week, but for holidays, in a zone."""

    zone: str
    week: tuple[Spans, ...]
    holidays: frozenset[date] = frozenset()

    @classmethod
    def of(cls, said: Any, zone: str = "UTC") -> "Calendar":
        """A calendar from a setting or an entity; Refusal names what is wrong."""
        if said is None:
            return cls(_zone(zone), (((8 * 60, 16 * 60),),) * 5 + ((), ()))
        if not isinstance(said, Mapping):
            raise Refusal("a calendar has hours, holidays and a zone", where="calendar")
        hours = said.get("hours", {})
        if not isinstance(hours, Mapping) or set(hours) - set(DAYS):
            raise Refusal("hours are said by mon, tue, wed, thu, fri, sat, sun", where="hours")
        free = said.get("holidays", [])
        if not isinstance(free, list) or len(free) > HOLIDAYS:
            raise Refusal(f"holidays are up to {HOLIDAYS:,} dates", where="holidays")
        try:
            holidays = frozenset(date.fromisoformat(str(one)) for one in free)
        except ValueError:
            raise Refusal("a holiday is a date such as 2026-05-01", where="holidays") from None
        made = cls(_zone(said.get("zone") or zone), tuple(_spans(hours.get(day, [])) for day in DAYS), holidays)
        if not any(made.week):
            raise Refusal("nobody ever works by this calendar", where="hours")
        return made

    def worked(self, since: int, until: int) -> int:
        """Seconds of working time between two instants; 0 when the second is not later."""
        total = 0
        for begins, ends in self._open(since, until):
            total += max(0, min(ends, until) - max(begins, since))
        return total // SECOND

    def after(self, since: int, seconds: int) -> int:
        """The instant at which so many seconds of working time have gone by since; `since` for none."""
        left = seconds * SECOND
        if left <= 0:
            return since
        last = since + MOST_DAYS * 24 * HOUR
        for begins, ends in self._open(since, last):
            begins = max(begins, since)  # noqa: PLW2901  # of the span that is under way, what is left
            if ends - begins >= left:
                return begins + left
            left -= max(0, ends - begins)
        return last

    def _open(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        """Working spans that end after `since` and begin before `until`, in order."""
        if until <= since:
            return
        zone = ZoneInfo(self.zone)
        day = datetime.fromtimestamp(since / SECOND, zone).date() - timedelta(days=1)
        for _ in range(MOST_DAYS + 3):
            for begins, ends in _instants(self.zone, day, () if day in self.holidays else self.week[day.weekday()]):
                if begins >= until:
                    return
                if ends > since:
                    yield begins, ends
            day += timedelta(days=1)


@lru_cache(maxsize=4_096)
def _instants(zone: str, day: date, spans: Spans) -> tuple[tuple[int, int], ...]:
    made = ((_instant(zone, day, first), _instant(zone, day, last)) for first, last in spans)
    return tuple((begins, ends) for begins, ends in made if ends > begins)


def _instant(zone: str, day: date, minute: int) -> int:
    if minute == _MIDNIGHT:
        day, minute = day + timedelta(days=1), 0
    local = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone))
    there = local.astimezone(UTC)
    if there.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        # The clocks jump over it. Read with the offset of before, it lies as far behind the jump as it lay in the gap.
        after = local.replace(fold=1).utcoffset() or timedelta()
        before = local.utcoffset() or timedelta()
        low, high = there - abs(before - after), there
        while high - low > timedelta(seconds=1):  # the jump itself: the first instant of the new offset
            middle = low + (high - low) / 2
            if middle.astimezone(local.tzinfo).utcoffset() == before:
                low = middle
            else:
                high = middle
        there = high.replace(microsecond=0)
    return round(there.timestamp()) * SECOND


def _zone(said: Any) -> str:
    try:
        return ZoneInfo(str(said)).key
    except (ValueError, OSError, LookupError):
        raise Refusal(f"there is no zone {str(said)[:40]!r}", where="zone", mend="such as Europe/Vienna") from None


def _spans(said: Any) -> Spans:
    if not isinstance(said, list) or len(said) > 6:
        raise Refusal('the hours of a day are a list such as [["08:00", "12:00"], ["13:00", "17:00"]]', where="hours")
    made: list[tuple[int, int]] = []
    for one in said:
        if not isinstance(one, list | tuple) or len(one) != 2:
            raise Refusal('hours are from and until, such as ["08:00", "16:00"]', where="hours")
        first, last = (_minute(it) for it in one)
        if last <= first or (made and first < made[-1][1]):
            raise Refusal("hours end after they began, and come one after the other", where="hours")
        made.append((first, last))
    return tuple(made)


def _minute(said: Any) -> int:
    hour, colon, minute = str(said).partition(":")
    plain = hour.isascii() and hour.isdecimal() and minute.isascii() and minute.isdecimal()
    if colon and plain and len(hour) <= 2 and len(minute) == 2 and int(minute) < 60:
        told = int(hour) * 60 + int(minute)
        if told <= _MIDNIGHT:
            return told
    raise Refusal(f"{str(said)[:20]!r} is no time of a day", where="hours", mend='such as "08:30", up to "24:00"')
