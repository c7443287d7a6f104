"""How well requests are answered, by department and district: times, levels kept, satisfaction, and what was breached.

A time is from the report to the first public word, or to the end, in hours of the clock on the wall: that is what a
resident waited. Whether a level was kept counts working hours. Joined requests count with the one that they follow.
What rests on fewer than five is not shown where it would tell of a person: satisfaction, and every figure in public.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa import Answer, Asking, Entity, Refusal
from hansa.apps.requests import case, clocks, joining, places, services
from hansa.apps.requests.made import READERS, app
from hansa.apps.requests.times import DAY, HOUR, SECOND, iso, micros, moment

FEW: Final = 5
SPAN: Final = 91 * DAY
LONGEST: Final = 366 * DAY
MOST: Final = 50_000
"""Requests of one review: a city of a million has some 200,000 a year, which is asked for by quarter."""
BREACHES: Final = 500
_QUARTER: Final = re.compile(r"(20[0-9]{2})-Q([1-4])\Z")


@app.view("review", roles=READERS)
def _review(asked: Mapping[str, str], city: Asking) -> dict[str, Any] | Answer:
    """The performance review: `since`, `until`, `by` department, district or service; `format=csv`."""
    by = asked.get("by", "department")
    if by not in {"department", "district", "service"}:
        raise Refusal("by is department, district or service", where="by")
    since, until = _span(asked, city)
    found = _found(city, since, until)
    told = review(found, by, since, until, city.now())
    if asked.get("format") == "csv":
        return Answer(_csv(told["groups"], by), "text/csv; charset=utf-8", f"requests-{by}-{iso(since)[:10]}.csv")
    told["names"] = _names(by, city)
    told["finder"] = joining.tally(city)
    told["truncated"] = len(found) >= MOST
    return told


@app.view("figures", public=True)
def _figures(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What of the review is for everybody, by department: `quarter` (2026-Q1; the last whole one), as it stood then.

    Whole quarters alone, and nothing that came after: two answers never differ by what one resident did.
    What fewer than five make is null, and named in `few`.
    """
    if odd := {"since", "until"} & set(asked):
        raise Refusal("public figures are of whole quarters", where=min(odd), mend="quarter=2026-Q1")
    name, since, until = _quarter(asked.get("quarter", ""), city)
    groups: dict[str, list[Entity]] = {}
    for one in _found(city, since, until):
        groups.setdefault(str(one.get("department") or ""), []).append(_stood(one, until))
    shown = [{"department": key} | _public(_figures_of(some, until), some) for key, some in sorted(groups.items())]
    names = {one.key: one.name for one in places.ground(city).districts}
    return {
        "quarter": name,
        "since": iso(since),
        "until": iso(until),
        "fewer": FEW,
        "departments": shown,
        "districts": names,
    }


def _public(told: Mapping[str, Any], some: Sequence[Entity]) -> dict[str, Any]:
    """The figures of a group, each of which is hidden by how many made it."""
    content = told["satisfaction"]
    made = {
        "n": (told["n"], told["n"]),
        "closed": (told["closed"], told["closed"]),
        "within": (told["withinClose"], sum(_kept(one, "close") is not None for one in some)),
        "answer_h": (told["answer_h"], (told["answer_h"] or {}).get("n", 0)),
        "close_h": (told["close_h"], (told["close_h"] or {}).get("n", 0)),
        "satisfaction": (content, (content or {}).get("n", 0)),
    }
    few = [name for name, (_, many) in made.items() if many < FEW]
    return {name: None if name in few else value for name, (value, _) in made.items()} | {"few": few}


def _stood(one: Entity, until: int) -> Entity:
    """A request as far as it had come by then: what was answered, closed or rated later is not said of it."""
    told = dict(one.doc)
    rating = one.get("rating")
    if not (isinstance(rating, Mapping) and 0 < micros(rating.get("at")) < until):
        told.pop("rating", None)
    if not 0 < micros(one.get("firstAnswerAt")) < until:
        told.pop("firstAnswerAt", None)
        told.pop("withinAnswer", None)
    if not 0 < micros(one.get("closedAt")) < until:
        for name in ("closedAt", "withinClose", "breached"):  # when a clock ran out is not kept, so it is left out
            told.pop(name, None)
        told["status"] = {"type": "Property", "value": "open"}
    return Entity(told, one.stamps, one.realm, one.label)


def _quarter(said: str, city: Asking) -> tuple[str, int, int]:
    """A calendar quarter that is over, by the city's own clocks: its name, from and until. Refusal."""
    zone = clocks.calendar(city).zone
    now = datetime.fromtimestamp(city.now() // SECOND, ZoneInfo(zone))
    last = now.year * 4 + (now.month - 1) // 3 - 1
    if said:
        found = _QUARTER.match(said)
        if found is None:
            raise Refusal("a quarter is one such as 2026-Q1", where="quarter")
        n = int(found[1]) * 4 + int(found[2]) - 1
        if n > last:
            raise Refusal("that quarter is not over", where="quarter", mend=f"{last // 4}-Q{last % 4 + 1}")
    else:
        n = last
    since, until = (datetime(it // 4, it % 4 * 3 + 1, 1, tzinfo=ZoneInfo(zone)) for it in (n, n + 1))
    return f"{n // 4}-Q{n % 4 + 1}", int(since.timestamp()) * SECOND, int(until.timestamp()) * SECOND


def review(found: Sequence[Entity], by: str, since: int, until: int, now: int) -> dict[str, Any]:
    """The review of requests that were reported in a span. `by` names the attribute that they are grouped by."""
    attribute = {"department": "department", "district": "district", "service": "serviceCode"}[by]
    groups: dict[str, list[Entity]] = {}
    for one in found:
        groups.setdefault(str(one.get(attribute) or ""), []).append(one)
    told = [{"key": key} | _figures_of(some, now) for key, some in sorted(groups.items())]
    breaches = [_breach(one) for one in found if case.listing(one.get("breached")) or _missed(one)]
    breaches.sort(key=lambda it: str(it["at"]), reverse=True)
    return {
        "by": by,
        "since": iso(since),
        "until": iso(until),
        "all": _figures_of(found, now),
        "groups": told,
        "weeks": _weeks(found, since, until),
        "breaches": breaches[:BREACHES],
        "breached": len(breaches),
    }


def _figures_of(some: Sequence[Entity], now: int) -> dict[str, Any]:
    answered = [
        (micros(one.get("firstAnswerAt")) - micros(one.get("requestedAt"))) / HOUR
        for one in some
        if one.get("firstAnswerAt")
    ]
    closed = [one for one in some if one.get("status") == "closed"]
    took = [
        (micros(one.get("closedAt")) - micros(one.get("requestedAt"))) / HOUR for one in closed if one.get("closedAt")
    ]
    rated = [
        float(one["rating"]["score"])
        for one in some
        if isinstance(one.get("rating"), Mapping) and one["rating"].get("score")
    ]
    late = sum(
        1 for one in some if one.get("status") == "open" and one.get("closeDue") and micros(one.get("closeDue")) < now
    )
    return {
        "n": len(some),
        "open": len(some) - len(closed),
        "closed": len(closed),
        "late": late,
        "answer_h": _spread(answered),
        "close_h": _spread(took),
        # One that is open and late has missed its level already: else what is never done would look well.
        "withinAnswer": _share([_kept(one, "answer") for one in some]),
        "withinClose": _share([_kept(one, "close") for one in some]),
        "satisfaction": {"mean": round(sum(rated) / len(rated), 2), "n": len(rated)} if len(rated) >= FEW else None,
        "reopened": sum(1 for one in some if one.get("reopened")),
        "people": sum(int(one.get("people") or 1) for one in some),
    }


def _kept(one: Entity, name: str) -> bool | None:
    """Whether a level was kept; None while that is open."""
    said = one.get("withinAnswer" if name == "answer" else "withinClose")
    if isinstance(said, bool) and (name == "answer" or one.get("status") == "closed"):
        return said
    return False if name in case.listing(one.get("breached")) else None


def _missed(one: Entity) -> bool:
    return any(_kept(one, name) is False for name in ("answer", "close"))


def _share(said: Iterable[bool | None]) -> float | None:
    judged = [one for one in said if one is not None]
    return round(sum(judged) / len(judged), 3) if judged else None


def _spread(hours: list[float]) -> dict[str, float] | None:
    if not hours:
        return None
    return {"median": round(quantile(hours, 0.5), 1), "p90": round(quantile(hours, 0.9), 1), "n": len(hours)}


def quantile(some: Sequence[float], share: float) -> float:
    """The quantile of numbers, between neighbours in proportion (Hyndman and Fan 1996, type 7)."""
    ordered = sorted(some)
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _weeks(found: Sequence[Entity], since: int, until: int) -> list[dict[str, Any]]:
    """Reported and closed, week by week from the beginning of the span; rates of few are left out."""
    span = 7 * DAY
    many = max(1, -(-(until - since) // span))
    made: list[dict[str, Any]] = [
        {"from": iso(since + n * span), "reported": 0, "closed": 0, "_kept": []} for n in range(many)
    ]
    for one in found:
        at = (micros(one.get("requestedAt")) - since) // span
        if 0 <= at < many:
            made[at]["reported"] += 1
            made[at]["_kept"].append(_kept(one, "close"))
        ended = (micros(one.get("closedAt")) - since) // span if one.get("closedAt") else -1
        if 0 <= ended < many:
            made[ended]["closed"] += 1
    for week in made:
        week["within"] = _share(week.pop("_kept"))
    return made


def _breach(one: Entity) -> dict[str, Any]:
    which = [name for name in ("answer", "close") if _kept(one, name) is False]
    return {
        "id": one.key,
        "entity": one.id,
        "service": one.get("serviceCode"),
        "department": one.get("department"),
        "district": one.get("district") or "",
        "at": one.get("requestedAt"),
        "status": one.get("status"),
        "breached": which,
        "closed": one.get("closedAt") or None,
    }


def _found(city: Asking, since: int, until: int) -> list[Entity]:
    asked = f'requestedAt>="{iso(since)}";requestedAt<"{iso(until)}"'
    return [one for one in city.find("ServiceRequest", asked, limit=MOST) if not one.get("into")]


def _span(asked: Mapping[str, str], city: Asking) -> tuple[int, int]:
    until = moment(asked["until"], "until") if asked.get("until") else city.now() + DAY // 86_400
    since = moment(asked["since"], "since") if asked.get("since") else until - SPAN
    if not 0 < until - since <= LONGEST:
        raise Refusal("a review is of up to 366 days", where="since")
    return since, until


def _names(by: str, city: Asking) -> dict[str, Any]:
    if by == "district":
        return {one.key: one.name for one in places.ground(city).districts}
    if by == "service":
        return {code: dict(one.names) for code, one in services.catalogue(city).services.items()}
    return {}


def _csv(groups: Sequence[Mapping[str, Any]], by: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    names = ("n", "open", "closed", "late", "reopened", "people", "withinAnswer", "withinClose")
    heads = ("answer_h_median", "answer_h_p90", "close_h_median", "close_h_p90", "satisfaction_mean", "satisfaction_n")
    writer.writerow([by, *names, *heads])
    for one in groups:
        answer, close, content = one["answer_h"] or {}, one["close_h"] or {}, one["satisfaction"] or {}
        spread = [answer.get("median"), answer.get("p90"), close.get("median"), close.get("p90")]
        cells = [one["key"], *(one[name] for name in names), *spread, content.get("mean"), content.get("n")]
        writer.writerow(["" if it is None else _plain(it) for it in cells])
    return out.getvalue().encode()


def _plain(cell: Any) -> Any:
    """A cell that no table program takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t"} else cell
