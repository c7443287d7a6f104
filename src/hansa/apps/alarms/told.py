"""What the desk is asked for: the list, an alarm's story, and the load, each as far as the asker may see.

The load is computed from the history of Alerts alone: when each was raised (`activations`), when it returned
(`lastCleared`), and what was put aside when (`shelvedUntil`, `outOfService`, `suppressed`).
"""

import csv
import io
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hansa import Answer, City, Entity, Refusal
from hansa.apps.alarms import load
from hansa.apps.alarms.standing import (
    NORM,
    SECOND,
    active,
    began,
    instant,
    iso,
    severity,
    state,
    whole,
)

LISTED: Final = 20_000  # alarms of one answer
KEPT_S: Final = 86_400  # what returned and was acknowledged stays in the list for a day
SPAN_S: Final = 31 * 86_400  # the longest time of one load
_STORY: Final = (
    *(
        "status",
        "severity",
        "activations",
        "raises",
        "lastCleared",
        "acknowledgedActivation",
        "assignee",
        "shelvedUntil",
    ),
    *("outOfService", "suppressWhen", "suppressed", "rootAlarm", "escalation", "runBook", "incident"),
)
_ALL: Final = 2**62


def listed(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """The alarms that concern the desk now: all but those that returned and were acknowledged more than a day ago."""
    _only(asked, "kept")
    kept = _whole(asked, "kept", KEPT_S, SPAN_S)
    now = city.now()
    found = city.find("Alert", limit=LISTED + 1)
    shown = [one.doc for one in found[:LISTED] if _concerns(one, now - kept * SECOND)]
    return {"alarms": shown, "now": iso(now), "cut": len(found) > LISTED}


def _concerns(alert: Entity, since: int) -> bool:
    if state(alert) != NORM:
        return True
    times = (instant(alert.get(name)) for name in ("lastCleared", "validTo", "acknowledgedAt"))
    return any(at is not None and at >= since for at in times)


def story(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What happened to an alarm and what people did, newest first: raised, acknowledged, shelved, commented, ..."""
    _only(asked, "id")
    ident = asked.get("id", "")
    alert = city.get(ident)
    if "Alert" not in alert.types:
        raise Refusal("this is no alarm", where="id")
    told = [
        {"at": iso(point.at), "seq": point.seq, "what": name, "value": point.value, **_beside(point.instance)}
        for name in _STORY
        for point in city.history(ident, name, last=200)
    ]
    comments = alert.get("comments")
    told.extend(
        {"at": one["at"], "seq": 0, "what": "comment", "value": one.get("text"), "by": one.get("by")}
        for one in (comments if isinstance(comments, list) else [])
        if isinstance(one, dict) and instant(one.get("at")) is not None
    )
    told.sort(key=lambda one: (instant(one["at"]) or 0, one["seq"]), reverse=True)
    return {"id": ident, "story": told[:500]}


def _beside(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Who said it, and why, where it stands beside the value."""
    found = {name: instance.get(name) for name in ("by", "reason")}
    return {name: one["value"] for name, one in found.items() if isinstance(one, dict) and "value" in one}


def loaded(asked: Mapping[str, str], city: City) -> dict[str, Any] | Answer:
    """How much the alarms ask of people: rate, floods, offenders, stale, chattering, shares, with bands and sources.

    `from` and `to` are date-times (the last 24 hours), `operators` how many share the work; `format` may be csv.
    """
    _only(asked, "from", "to", "operators", "format")
    now = city.now()
    until = min(_instant(asked, "to", now), now)
    since = _instant(asked, "from", until - 86_400 * SECOND)
    if not 0 < until - since <= SPAN_S * SECOND:
        raise Refusal("from lies before to, by 31 days at most", where="from")
    since -= since % load.PERIOD  # periods are those of the clock: the same minutes fall together whoever asks
    operators = _whole(asked, "operators", _operators(city), 1_000)
    if operators < 1:
        raise Refusal("at least one operator", where="operators")
    if asked.get("format", "json") not in {"json", "csv"}:
        raise Refusal("there is no such format", where="format", mend="json or csv")
    found = city.find("Alert", limit=LISTED + 1)
    rung = [one for alert in found[:LISTED] for one in raisings(alert, city, since, until)]
    standing = {one.id: at for one in found[:LISTED] if active(one) and (at := began(one)) is not None and at < until}
    told = load.figures(rung, standing, since, until, operators)
    names = {one.id: one for one in found}
    for rows in ("offenders", "chatteringAlarms", "fleetingAlarms", "staleAlarms"):
        told[rows] = [row | _called(names[row["alarm"]]) for row in told[rows]]
    told = _dated(told) | {
        "from": iso(since),
        "to": iso(until),
        "operators": operators,
        "alarms": len(found[:LISTED]),
        "cut": len(found) > LISTED,
    }
    return Answer(_csv(told), "text/csv; charset=utf-8", "alarm-load.csv") if asked.get("format") == "csv" else told


def raisings(alert: Entity, city: City, since: int, until: int) -> Iterator[load.Raised]:
    """The raisings of one alarm in [since, until) that rang: those while it was put aside rang for nobody."""
    last = began(alert)
    if last is None or last < since:
        return
    grave, cleared = severity(alert), instant(alert.get("lastCleared"))
    if whole(alert, "activations") <= 1:  # most alarms: no history need be read
        starts: Sequence[int] = [last]
        ends: Sequence[int] = [] if cleared is None else [cleared]
    else:
        starts = [one.at for one in city.history(alert.id, "activations", since=since, until=until)]
        ends = [
            at for one in city.history(alert.id, "lastCleared", since=since) if (at := instant(one.value)) is not None
        ]
    quiet = _quiet(alert, city)
    graves = [] if len(starts) < 2 else city.history(alert.id, "severity")
    times = [one.at for one in graves]
    for number, at in enumerate(starts):
        if not since <= at < until or any(begin <= at < end for begin, end in quiet):
            continue
        after = bisect_right(ends, at - 1)
        over = ends[after] if after < len(ends) else None
        following = starts[number + 1] if number + 1 < len(starts) else _ALL
        then = bisect_right(times, at)
        said = graves[then - 1].value if then and len(starts) > 1 else grave
        yield load.Raised(alert.id, at, over if over is None or over <= following else None, str(said))


def _quiet(alert: Entity, city: City) -> list[tuple[int, int]]:
    """When it was put aside: [begin, end)."""
    found: list[tuple[int, int]] = []
    if "shelvedUntil" in alert:
        points = city.history(alert.id, "shelvedUntil")
        for number, one in enumerate(points):
            until = instant(one.value) or one.at
            following = points[number + 1].at if number + 1 < len(points) else _ALL
            found.append((one.at, min(until, following)))
    for name in ("outOfService", "suppressed"):
        if name in alert:
            points = city.history(alert.id, name)
            ends = [one.at for one in points[1:]] + [_end(alert, name)]
            found.extend((one.at, over) for one, over in zip(points, ends, strict=True) if one.value is True)
    return found


def _end(alert: Entity, name: str) -> int:
    until = instant(alert.get("outOfServiceUntil")) if name == "outOfService" else None
    return _ALL if until is None else until


def _called(alert: Entity) -> dict[str, Any]:
    """What people call an alarm."""
    return {
        "kind": alert.get("subCategory") or alert.get("category"),
        "source": alert.get("alertSource"),
        "severity": severity(alert),
    }


def _dated(told: dict[str, Any]) -> dict[str, Any]:
    """The same with instants as people and programs read them, and lengths in seconds."""
    return told | {
        "periods": [one | {"at": iso(one["at"])} for one in told["periods"]],
        "floods": [one | {"begin": iso(one["begin"]), "end": iso(one["end"])} for one in told["floods"]],
        "staleAlarms": [one | {"measure": one["measure"] / SECOND} for one in told["staleAlarms"]],
    }


def _csv(told: Mapping[str, Any]) -> bytes:
    """The figures, then who rang how often, then every ten minutes."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["what", "of", "measured", "target", "band", "source"])
    rows.writerow(["from", told["from"], "", "", "", ""])
    rows.writerow(["to", told["to"], "", "", "", ""])
    rows.writerow(["operators", "", told["operators"], "", "", ""])
    for one in told["bands"]:
        rows.writerow([one["figure"], "", one["measured"], one["target"], one["band"], one["source"]])
    for grave, part in told["shares"].items():
        rows.writerow(["share", grave, part, load.GUIDANCE[grave], "", load.EEMUA])
    for what in ("offenders", "chatteringAlarms", "fleetingAlarms", "staleAlarms"):
        for one in told[what]:
            measure = one.get("raisings", one.get("measure"))
            rows.writerow([what, one["alarm"], measure, "", _cell(one["kind"]), _cell(one["source"])])
    for one in told["floods"]:
        rows.writerow(["flood", f"{one['begin']}/{one['end']}", one["raisings"], "", "", ""])
    for one in told["periods"]:
        rows.writerow(["10 minutes", one["at"], one["raisings"], "", "", ""])
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    """A text that no spreadsheet runs."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _operators(city: City) -> int:
    said = city.setting("operators", 1)
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 < said <= 1_000 else 1


def _only(asked: Mapping[str, str], *names: str) -> None:
    for name in asked:
        if name not in names:
            raise Refusal("this view has no such parameter", where=name[:80], mend=f"it has: {', '.join(names)}")


def _whole(asked: Mapping[str, str], name: str, otherwise: int, most: int) -> int:
    said = asked.get(name)
    if said is None:
        return otherwise
    if not (said.isascii() and said.isdecimal()) or len(said) > 12 or int(said) > most:
        raise Refusal(f"{name} is a whole number up to {most:,}", where=name)
    return int(said)


def _instant(asked: Mapping[str, str], name: str, otherwise: int) -> int:
    said = asked.get(name)
    if said is None:
        return otherwise
    at = instant(said)
    if at is None:
        raise Refusal(f"{name} is no date-time", where=name, mend="as 2026-11-22T18:00:00Z")
    return at
