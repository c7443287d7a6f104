"""What would help most: a gap, what could close it, what the card would then say, when that is looked at again.

The closed loop of the report (section 5.5): index, gap, next stage. A candidate is a `Solution` of the bank or a
`Measure` of the plan with `effects` on indicators. Its effects are put onto the values of the period and the card is
scored anew by the same engine; nothing is learned or weighed here. What was supposed is said in words beside each
result, and a candidate whose effect cannot be reckoned is listed with the reason instead of being left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from hansa import BadRequest, Entity, kpi
from hansa.apps.scorecard.card import number

YEARS: Final = 10  # of yearly costs that a price has, unless asked otherwise: the usual life of what a city buys
YEARS_MOST: Final = 50
CANDIDATES: Final = 2_000  # solutions and measures that are weighed: more than a bank of one country has
EFFECTS: Final = 100  # of one candidate
_GONE: Final = frozenset({"rejected", "withdrawn", "dropped", "done", "submitted"})
_POINTS: Final = frozenset({"", "pp", "percentage point", "percentage points", "point", "points"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """What could be done: from the bank or from the plan."""

    id: str
    name: str
    kind: str  # solution or measure
    status: str
    cost: Mapping[str, Any]
    effects: Sequence[Mapping[str, Any]]
    review: str = ""


def candidate(entity: Entity) -> Candidate | None:
    """A Solution or Measure as a candidate; None for what is over, refused or without effects."""
    effects = entity.get("effects")
    effects = [effects] if isinstance(effects, Mapping) else effects
    status = str(entity.get("status") or "")
    if status in _GONE or not isinstance(effects, list | tuple):
        return None
    kept = [one for one in effects[:EFFECTS] if isinstance(one, Mapping)]
    cost = entity.get("cost")
    name = entity.get("name")
    return Candidate(
        id=entity.id,
        name=name if isinstance(name, str) else entity.key,
        kind=entity.type.lower(),
        status=status,
        cost=cost if isinstance(cost, Mapping) else {"capital": cost} if number(cost) is not None else {},
        effects=kept,
        review=str(entity.get("reviewAt") or "")[:10],
    )


def price(cost: Mapping[str, Any], years: int = YEARS) -> tuple[float, str] | None:
    """Capital and so many years of yearly cost, and the currency; None where neither is known."""
    capital, yearly = number(cost.get("capital")), number(cost.get("yearly"))
    if capital is None and yearly is None:
        return None
    return (capital or 0.0) + (yearly or 0.0) * years, str(cost.get("currency") or "")


def weighed(
    framework: kpi.Framework,
    given: Mapping[str, kpi.Reported],
    candidates: Iterable[Candidate],
    *,
    today: date,
    years: int = YEARS,
    area: str = "city",
) -> dict[str, Any]:
    """Candidates with what each would gain, the most gain for its price first.

    `{"helps": [{"id", "name", "kind", "gain": {"percent", "points", "met"}, "effects", "price", "per_price", "review",
    "assumptions", "skipped"}], "unreckoned": [...], "how"}`. `gain.percent` is what the whole rises by, in percent
    points; `per_price` the same for a million of the currency. Without a price, and of another currency than most, a
    candidate comes after those with one, by gain.
    """
    before = kpi.score(framework, given)
    helps: list[dict[str, Any]] = []
    unreckoned: list[dict[str, Any]] = []
    for one in candidates:
        told = _tried(framework, given, before, one, years, area)
        if told is None:
            continue
        told["review"] = one.review or _review(one, today)
        (helps if told["effects"] else unreckoned).append(told)
    currencies = [one["price"]["currency"] for one in helps if one["price"]]
    common = max(sorted(set(currencies)), key=currencies.count, default="")
    for it in helps:
        cost = it["price"]
        if cost and cost["currency"] == common and cost["total"] > 0:
            it["per_price"] = it["gain"]["percent"] / (cost["total"] / 1e6)
        elif cost and cost["currency"] != common:
            it["assumptions"].append(f"not ranked by price: it is in {cost['currency']}, most are in {common}")
    helps.sort(key=_order)
    return {
        "helps": helps,
        "unreckoned": unreckoned,
        "currency": common,
        "years": years,
        "how": (
            "Each candidate's expected effects are added to this period's values and the card is scored anew with the "
            "same targets. Gains are not added up: two measures on one indicator may help less together than alone."
        ),
    }


def _order(one: Mapping[str, Any]) -> tuple[Any, ...]:
    gain = one["gain"]
    worth = gain["percent"] > 0 or gain["met"] > 0
    per = one["per_price"]
    return (not worth, per is None, -(per or 0.0), -gain["percent"], -gain["met"], one["name"], one["id"])


def _tried(
    framework: kpi.Framework,
    given: Mapping[str, kpi.Reported],
    before: kpi.Scored,
    one: Candidate,
    years: int,
    area: str,
) -> dict[str, Any] | None:
    """One candidate put onto the values; None where it is about another framework."""
    values = {code: dict(it.values) for code, it in given.items()}
    done: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    about = [it for it in one.effects if it.get("framework") == framework.id]
    if not about:
        return None
    assumptions = []
    for it in about:
        why = _put(framework, values, it, done, area)
        if why:
            skipped.append({"code": str(it.get("code", ""))[:100], "why": why})
    changed = {
        code: kpi.Reported(values=values[code], targets=it.targets, status=it.status) for code, it in given.items()
    }
    after = kpi.score(framework, changed) if done else before
    met = 0.0
    for it in done:
        was, now = (one_.indicators[it["code"]].data_points[it["key"]] for one_ in (before, after))
        it["target"] = was.target
        it["points_before"], it["points_after"] = was.points, now.points
        it["band_before"], it["band_after"] = was.band, now.band
        it["percent_before"], it["percent_after"] = was.percent_of_target, now.percent_of_target
        if was.points is None:
            assumptions.append(f"{it['code']}: no target is set, so its effect is not in the score")
        elif was.percent_of_target is not None and now.percent_of_target is not None:
            met += min(now.percent_of_target, 100.0) - min(was.percent_of_target, 100.0)
    cost = price(one.cost, years)
    wait = max((it["perYears"] or 0.0 for it in done), default=0.0)
    assumptions += _supposed(done, cost, one.cost, years, wait)
    gain = {
        "percent": (after.whole.percent or 0.0) - (before.whole.percent or 0.0),
        "points": _points(after) - _points(before),
        "met": met,
    }
    return {
        "id": one.id,
        "name": one.name,
        "kind": one.kind,
        "status": one.status,
        "gain": gain,
        "before": before.whole.percent,
        "after": after.whole.percent,
        "effects": done,
        "skipped": skipped,
        "price": None if cost is None else {"total": cost[0], "currency": cost[1], "years": years},
        "per_price": None,
        "within": wait,
        "assumptions": list(dict.fromkeys(assumptions)),
    }


def _points(scored: kpi.Scored) -> float:
    """All points of a card."""
    return float(sum(it.points or 0 for one in scored.indicators.values() for it in one.data_points.values()))


def _put(
    framework: kpi.Framework,
    values: dict[str, dict[str, float | None]],
    effect: Mapping[str, Any],
    done: list[dict[str, Any]],
    area: str,
) -> str:
    """Put one effect onto the values; why not, in words, where that cannot be done."""
    code = str(effect.get("code", ""))
    indicator = framework.indicators.get(code)
    if indicator is None:
        return "the framework has no such indicator"
    if str(effect.get("area") or "city") != area:
        return f"it is expected in {effect.get('area')}, not in the whole city"
    key = effect.get("point")
    if key is None:
        if len(indicator.points) > 1:
            return f"it does not say which of {', '.join(indicator.points)} it changes"
        key = next(iter(indicator.points))
    point = indicator.points.get(str(key))
    change = number(effect.get("change"))
    if point is None or change is None:
        return "it names no data point of the indicator" if point is None else "it says no change"
    unit, measured = str(effect.get("unit") or "").strip(), point.unit or ""
    factor = 1.0
    if unit and unit != measured and not (measured == "%" and unit.lower() in _POINTS):
        try:
            factor = kpi.units.converted(1.0, unit, measured)
        except ValueError:  # the engine's own refusals are errors of this kind too
            return f"its change is in {unit}, the indicator in {point.unit}"
        except BadRequest:
            return f"its change is in {unit}, the indicator in {measured or 'no unit'}"
    was = values[code].get(point.key)
    if was is None:
        return "the city has not reported this number, so nothing can be added to it"
    low, high = point.range
    now = was + change * factor
    now = max(now, low) if low is not None else now
    now = min(now, high) if high is not None else now
    values[code][point.key] = now
    done.append(
        {
            "code": code,
            "name": indicator.name,
            "key": point.key,
            "point": point.name,
            "unit": measured,
            "change": change * factor,
            "before": was,
            "after": now,
            "held": abs(was + change * factor - now) > 1e-9,
            "evidence": str(effect.get("evidence") or ""),
            "perYears": number(effect.get("perYears")),
        }
    )
    return ""


def _supposed(
    effects: Sequence[Mapping[str, Any]],
    cost: tuple[float, str] | None,
    parts: Mapping[str, Any],
    years: int,
    wait: float,
) -> list[str]:
    """What a result stands on, in words."""
    said = ["everything else stays as it is"]
    said.append(f"all of the effect is there after {wait:g} years" if wait else "nobody said how long the effect takes")
    kinds = sorted({str(one.get("evidence") or "nothing") for one in effects})
    said.append(f"the effect stands on: {', '.join(kinds)}"[:300])
    if cost is None:
        said.append("no cost is known, so it is not ranked by price")
    elif number(parts.get("yearly")):
        said.append(f"the price is capital and {years} years of yearly cost, not discounted")
    return said


def _review(one: Candidate, today: date) -> str:
    """When to look again, where nobody set a day: when the first effect should be there, in a year at the latest."""
    waits = [number(it.get("perYears")) for it in one.effects]
    soonest = min((it for it in waits if it and it > 0), default=1.0)
    return (today + timedelta(days=round(365.25 * min(1.0, soonest)))).isoformat()
