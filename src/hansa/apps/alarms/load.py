"""How much the alarms ask of the people at the desk: plain functions from raisings to figures. No I/O.

Definitions, targets and their sources stand at each function. A raising is one activation of one alarm as it rang: what
was shelved, suppressed or out of service at that moment rang for nobody and is left out by the caller. Times are
microseconds. Tests by hand: tests/apps/test_alarms_load.py.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

SECOND: Final = 1_000_000
PERIOD: Final = 600 * SECOND
"""Ten minutes, the interval in which EEMUA 191 and ISA-18.2 count."""
FLOOD: Final = 10
"""More than so many in ten minutes for one operator is a flood (EEMUA 191; ISA-18.2-2016, clauses 3 and 16)."""
CALM: Final = 5
"""A flood is over with the first ten minutes that bring fewer than so many (ISA-18.2-2016, clause 16)."""
CHATTER: Final = 3
CHATTER_SPAN: Final = 60 * SECOND
"""Three raisings of one alarm in a minute are chattering (ISA-18.2-2016, clause 3; EEMUA 191)."""
FLEETING: Final = 60 * SECOND
"""A raising that is over within a minute and does not chatter is fleeting. The standard says "a short time"; the minute
is ours, so that chattering and fleeting share a scale."""
STALE: Final = 86_400 * SECOND
"""An alarm that stands for more than 24 hours is stale (ISA-18.2-2016, clause 3; EEMUA 191 calls it standing)."""

ISA: Final = "ANSI/ISA-18.2-2016, clause 16 (IEC 62682:2014, clause 16)"
EEMUA: Final = "EEMUA 191, third edition, performance benchmarks"


class Raised(NamedTuple):
    """One raising of one alarm. `cleared` is None while it stands."""

    alarm: str
    at: int
    cleared: int | None
    severity: str


class Flood(NamedTuple):
    """Ten-minute periods on end in which more rang than people can take in."""

    begin: int
    end: int
    raisings: int
    peak: int


def periods(times: Iterable[int], since: int, until: int) -> list[int]:
    """How many rang in each ten minutes of [since, until), the first beginning at `since`.

    The last one may be shorter; what lies outside is not counted.
    """
    if until <= since:
        return []
    counts = [0] * -(-(until - since) // PERIOD)
    for at in times:
        if since <= at < until:
            counts[(at - since) // PERIOD] += 1
    return counts


def rate(raisings: int, since: int, until: int, operators: int) -> float:
    """Raisings per ten minutes and operator, averaged over the whole time.

    Target: about 1 is very likely acceptable, about 2 can just be managed (ISA-18.2-2016, clause 16; EEMUA 191).
    """
    return raisings * PERIOD / max(1, until - since) / max(1, operators)


def floods(counts: Sequence[int], since: int, until: int, operators: int) -> list[Flood]:
    """Floods: they begin with a period of more than 10 an operator, and end with the first of fewer than 5.

    The period that ends one is no part of it.
    """
    found: list[Flood] = []
    begin: int | None = None
    for number in range(len(counts) + 1):
        each = counts[number] / max(1, operators) if number < len(counts) else 0.0
        if begin is None:
            begin = number if each > FLOOD else None
        elif each < CALM:
            within = counts[begin:number]
            end = min(until, since + number * PERIOD)
            found.append(Flood(since + begin * PERIOD, end, sum(within), max(within)))
            begin = None
    return found


def offenders(raisings: Iterable[Raised], most: int = 10) -> list[tuple[str, int]]:
    """The alarms that rang most often: (alarm, how often), the loudest first; of equals the lower id.

    Target: the ten of them together 1 % of all raisings, 5 % at most (ISA-18.2-2016, clause 16).
    """
    counted = Counter(one.alarm for one in raisings)
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:most]


def chattering(raisings: Iterable[Raised]) -> dict[str, int]:
    """Alarms that rang three times or more within a minute: how many of their raisings are part of that.

    Two that are exactly a minute apart are within it. Target: none (ISA-18.2-2016, clause 16).
    """
    found: dict[str, int] = {}
    for alarm, times in _by_alarm(raisings).items():
        part = _chatters(times)
        if part:
            found[alarm] = len(part)
    return found


def _chatters(times: Sequence[int]) -> set[int]:
    """The places, in order of time, of raisings that chatter."""
    part: set[int] = set()
    for last in range(CHATTER - 1, len(times)):
        if times[last] - times[last - CHATTER + 1] <= CHATTER_SPAN:
            part.update(range(last - CHATTER + 1, last + 1))
    return part


def fleeting(raisings: Iterable[Raised]) -> dict[str, int]:
    """Alarms whose raisings were over within a minute without chattering: how many.

    Target: none (ISA-18.2-2016, clause 16).
    """
    listed = sorted(raisings, key=lambda one: one.at)
    by_alarm: dict[str, list[Raised]] = {}
    for one in listed:
        by_alarm.setdefault(one.alarm, []).append(one)
    found: dict[str, int] = {}
    for alarm, own in by_alarm.items():
        loud = _chatters([one.at for one in own])
        short = sum(
            number not in loud and one.cleared is not None and one.cleared - one.at <= FLEETING
            for number, one in enumerate(own)
        )
        if short:
            found[alarm] = short
    return found


def stale(standing: Mapping[str, int], now: int) -> dict[str, int]:
    """Of alarms that stand (id: since when), those that have for more than 24 hours: for how long (microseconds).

    Target: fewer than five on any day, with a plan for each (ISA-18.2-2016, clause 16).
    """
    return {alarm: now - since for alarm, since in standing.items() if now - since > STALE}


def shares(severities: Iterable[str]) -> dict[str, float]:
    """Which part of the raisings was of each severity, in per cent; informational ones are no alarms and do not count.

    Guidance: 80 % low, 15 % medium, 5 % high, of four grades under 1 % critical (EEMUA 191; ISA-18.2-2016, clause 16).
    """
    counted = Counter(one for one in severities if one in GUIDANCE)
    total = sum(counted.values())
    return {grave: 100.0 * counted[grave] / total if total else 0.0 for grave in GUIDANCE}


GUIDANCE: Final = {"critical": 1.0, "high": 5.0, "medium": 15.0, "low": 80.0}
"""Per cent of all raisings by severity; critical: at most."""


def percent(part: float, whole: float) -> float:
    """A part of a whole in per cent; nothing of nothing is nothing."""
    return 100.0 * part / whole if whole else 0.0


def figures(
    raisings: Sequence[Raised], standing: Mapping[str, int], since: int, until: int, operators: int = 1
) -> dict[str, Any]:
    """All figures of [since, until) for so many operators, with the bands that each should lie in."""
    rung = [one for one in raisings if since <= one.at < until]
    counts = periods((one.at for one in rung), since, until)
    flooded = floods(counts, since, until, operators)
    loudest = offenders(rung)
    loud, short, old = chattering(rung), fleeting(rung), stale(standing, until)
    busy = sum(one > FLOOD * operators for one in counts)
    asked = [one.severity for one in rung]
    told: dict[str, Any] = {
        "raisings": len(rung),
        "per10min": rate(len(rung), since, until, operators),
        "busiest": max(counts, default=0),
        "busiestEach": max(counts, default=0) / max(1, operators),
        "overPercent": percent(busy, len(counts)),
        "floodPercent": percent(sum(one.end - one.begin for one in flooded), until - since),
        "topTenPercent": percent(sum(many for _, many in loudest), len(rung)),
        "chattering": len(loud),
        "fleeting": len(short),
        "stale": len(old),
        "shares": shares(asked),
        "informational": sum(one not in GUIDANCE for one in asked),
    }
    return told | {
        "bands": bands(told),
        "periods": [{"at": since + number * PERIOD, "raisings": many} for number, many in enumerate(counts)],
        "floods": [one._asdict() for one in flooded],
        "offenders": [
            {"alarm": alarm, "raisings": many, "percent": percent(many, len(rung))} for alarm, many in loudest
        ],
        "chatteringAlarms": _ranked(loud),
        "fleetingAlarms": _ranked(short),
        "staleAlarms": _ranked(old),
    }


def bands(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each figure with its target, where it lies (`ok`, `watch` at the edge, `bad` beyond), and the target's source."""
    part = told["shares"]
    rows: list[tuple[str, float, str, float, float, str]] = [
        ("per10min", told["per10min"], "about 1, at most 2", 1.0, 2.0, f"{ISA}; {EEMUA}"),
        ("busiestEach", told["busiestEach"], "10 or fewer", 10.0, 10.0, ISA),
        ("overPercent", told["overPercent"], "about 1 % or less", 1.0, 1.0, ISA),
        ("floodPercent", told["floodPercent"], "about 1 % or less", 1.0, 1.0, ISA),
        ("topTenPercent", told["topTenPercent"], "1 %, at most 5 %", 1.0, 5.0, ISA),
        ("chattering", told["chattering"], "none", 0.0, 0.0, ISA),
        ("fleeting", told["fleeting"], "none", 0.0, 0.0, ISA),
        ("stale", told["stale"], "fewer than 5", 4.0, 4.0, ISA),
        ("grave", part["high"] + part["critical"], "about 5 % high, under 1 % critical", 6.0, 6.0, f"{EEMUA}; {ISA}"),
    ]
    return [
        {"figure": name, "measured": value, "target": target, "band": _band(value, good, most), "source": source}
        for name, value, target, good, most, source in rows
    ]


def _band(value: float, good: float, most: float) -> str:
    return "ok" if value <= good else "watch" if value <= most else "bad"


def _ranked(found: Mapping[str, int]) -> list[dict[str, Any]]:
    rows = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:100]
    return [{"alarm": alarm, "measure": measure} for alarm, measure in rows]


def _by_alarm(raisings: Iterable[Raised]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one in sorted(raisings, key=lambda one: one.at):
        found.setdefault(one.alarm, []).append(one.at)
    return found
