"""Who is on duty when: a roster read, laid out over days, and what is wrong with it. Numbers in, numbers out.

    {"zone": "Europe/Vienna", "needed": 2,
     "shifts": [{"who": "person:ada", "from": "2026-04-11T06:00:00Z", "to": "2026-04-11T14:00:00Z"}],
     "weekly": [{"who": "person:bo", "days": ["mon", "tue"], "from": "22:00", "to": "06:00"}],
     "off": [{"who": "person:bo", "from": "2026-04-13", "to": "2026-04-14"}]}

`shifts` are single ones; `weekly` is the working calendar, in local time (a shift over midnight belongs to the day on
which it begins, and summer time is kept); `off` takes days of the calendar away, both included, never a single shift.
Instants are microseconds; a duty holds from its begin up to, and without, its end.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa import Refusal

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LINES: Final = 1_000  # of each list of a roster
LONGEST: Final = 7 * DAY  # of one shift: who is away for longer has several
AHEAD: Final = 92 * DAY  # that are laid out at once
NAME: Final = 200  # characters
MEMBERS: Final = frozenset({"zone", "needed", "shifts", "weekly", "off"})
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True, order=True)
class Duty:
    """Somebody is on duty from `begin` up to `end`."""

    begin: int
    end: int
    who: str


@dataclass(frozen=True, slots=True)
class Weekly:
    """A line of the working calendar: on these days of the week (0 is Monday), from and to in local minutes."""

    who: str
    days: frozenset[int]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Roster:
    """Who works when, and how many it takes."""

    zone: ZoneInfo
    needed: int
    shifts: tuple[Duty, ...]
    weekly: tuple[Weekly, ...]
    off: tuple[tuple[str, date, date], ...]

    def duties(self, since: int, until: int) -> list[Duty]:
        """Everybody's duties that touch the time from `since` to `until`, in order."""
        until = min(until, since + AHEAD)
        found = [one for one in self.shifts if one.begin < until and one.end > since]
        first = datetime.fromtimestamp(since / SECOND, self.zone).date() - timedelta(days=1)  # one over midnight
        last = datetime.fromtimestamp(until / SECOND, self.zone).date()
        for line in self.weekly:
            away = [(begin, end) for who, begin, end in self.off if who == line.who]
            day = first
            while day <= last:
                if day.weekday() in line.days and not any(begin <= day <= end for begin, end in away):
                    begin = self._at(day, line.begin)
                    end = self._at(day if line.end > line.begin else day + timedelta(days=1), line.end)
                    if begin < until and end > since:
                        found.append(Duty(begin, end, line.who))
                day += timedelta(days=1)
        return sorted(found)

    def on_duty(self, at: int) -> list[str]:
        """Who is on duty at an instant, each once."""
        return sorted({one.who for one in self.duties(at, at + 1) if one.begin <= at < one.end})

    def gaps(self, since: int, until: int) -> list[tuple[int, int, int]]:
        """When fewer than needed are on duty: begin, end, and how many are there."""
        until = min(until, since + AHEAD)
        duties = self.duties(since, until)
        edges = sorted({since, until, *(t for one in duties for t in (one.begin, one.end) if since < t < until)})
        gaps: list[tuple[int, int, int]] = []
        for begin, end in pairwise(edges):
            there = len({one.who for one in duties if one.begin <= begin and one.end >= end})
            if there >= self.needed:
                continue
            if gaps and gaps[-1][1] == begin and gaps[-1][2] == there:
                gaps[-1] = gaps[-1][0], end, there
            else:
                gaps.append((begin, end, there))
        return gaps

    def _at(self, day: date, minutes: int) -> int:
        local = datetime.combine(day, time(minutes // 60, minutes % 60), self.zone)
        return round(local.timestamp()) * SECOND


def clashes(rosters: Mapping[str, Roster], since: int, until: int) -> list[tuple[str, str, str, int, int]]:
    """Who is on duty in two places at once: who, one place, the other (perhaps the same one, said twice), when."""
    by_who: dict[str, list[tuple[int, int, str]]] = {}
    for place, roster in rosters.items():
        for one in roster.duties(since, until):
            by_who.setdefault(one.who, []).append((one.begin, one.end, place))
    found = []
    for who, times in sorted(by_who.items()):
        times.sort()
        open_: list[tuple[int, int, str]] = []
        for begin, end, place in times:
            open_ = [one for one in open_ if one[1] > begin]
            found += [(who, other, place, begin, min(end, done)) for _, done, other in open_]
            open_.append((begin, end, place))
    return found


def read(said: Any, zone: str = "UTC") -> Roster:
    """A roster as somebody said it; Refusal with the member that is wrong. `zone` holds where it names none."""
    if not isinstance(said, Mapping):
        raise Refusal("a roster is an object", where="roster", mend='such as {"needed": 2, "shifts": [...]}')
    if extra := sorted(set(said) - MEMBERS):
        raise Refusal(
            f"a roster has no {extra[0][:40]!r}", where=f"roster.{extra[0][:40]}", mend=", ".join(sorted(MEMBERS))
        )
    needed = said.get("needed", 1)
    if type(needed) is not int or not 0 <= needed <= LINES:
        raise Refusal(f"needed is a whole number from 0 to {LINES}", where="roster.needed")
    return Roster(
        _zone(said.get("zone", zone)),
        needed,
        tuple(_shift(one, where) for one, where in _lines(said, "shifts", {"who", "from", "to"})),
        tuple(_weekly(one, where) for one, where in _lines(said, "weekly", {"who", "days", "from", "to"})),
        tuple(_off(one, where) for one, where in _lines(said, "off", {"who", "from", "to"})),
    )


def instant(said: Any) -> int | None:
    """Microseconds of an ISO 8601 instant with its zone; None for anything else."""
    if not isinstance(said, str) or len(said) > 40:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return round((at - _EPOCH) / timedelta(microseconds=1))


def iso(at: int) -> str:
    """An instant as ISO 8601 text, to the second."""
    return (_EPOCH + timedelta(seconds=at // SECOND)).strftime("%Y-%m-%dT%H:%M:%SZ")


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _zone(said: Any) -> ZoneInfo:
    try:
        if isinstance(said, str) and len(said) <= NAME:
            return ZoneInfo(said)
    except (KeyError, ValueError, OSError):
        pass
    raise Refusal(f"there is no time zone {str(said)[:40]!r}", where="roster.zone", mend="such as Europe/Vienna")


def _lines(said: Mapping[str, Any], name: str, members: set[str]) -> Iterable[tuple[Mapping[str, Any], str]]:
    lines = said.get(name, [])
    if not isinstance(lines, list) or len(lines) > LINES:
        raise Refusal(f"{name} is a list of at most {LINES:,}", where=f"roster.{name}")
    for n, one in enumerate(lines):
        where = f"roster.{name}[{n}]"
        if not isinstance(one, Mapping) or set(one) != members:
            raise Refusal(f"each of {name} says {', '.join(sorted(members))}", where=where)
        if not isinstance(one["who"], str) or not one["who"].strip() or len(one["who"]) > NAME:
            raise Refusal("who is the id of a person, such as person:ada", where=f"{where}.who")
        yield one, where


def _shift(one: Mapping[str, Any], where: str) -> Duty:
    begin, end = instant(one["from"]), instant(one["to"])
    if begin is None or end is None:
        raise Refusal("from and to are instants, such as 2026-04-11T06:00:00Z", where=where)
    if not 0 < end - begin <= LONGEST:
        raise Refusal(f"a shift ends after it begins, and within {LONGEST // DAY} days", where=where)
    return Duty(begin, end, one["who"])


def _weekly(one: Mapping[str, Any], where: str) -> Weekly:
    days = one["days"]
    if (
        not isinstance(days, list)
        or not days
        or not all(day in DAYS for day in days if isinstance(day, str))
        or any(not isinstance(day, str) for day in days)
    ):
        raise Refusal(f"days are some of {', '.join(DAYS)}", where=f"{where}.days")
    begin, end = _minutes(one["from"], where), _minutes(one["to"], where)
    if begin == end:
        raise Refusal("from and to are the same; say two lines for a whole day", where=where)
    return Weekly(one["who"], frozenset(DAYS.index(day) for day in days), begin, end)


def _minutes(said: Any, where: str) -> int:
    found = _TIME.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        raise Refusal("a time of day is such as 06:00", where=where)
    return int(found[1]) * 60 + int(found[2])


def _off(one: Mapping[str, Any], where: str) -> tuple[str, date, date]:
    try:
        begin, end = date.fromisoformat(one["from"]), date.fromisoformat(one["to"])
    except (TypeError, ValueError):
        raise Refusal("from and to are days, such as 2026-04-13", where=where) from None
    if end < begin:
        raise Refusal("it ends before it begins", where=where)
    return one["who"], begin, end
