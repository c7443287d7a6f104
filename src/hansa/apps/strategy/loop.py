"""The closed loop (report section 5.5): index, gap, measures, next stage.

Gaps are of what the city has reported and has set itself a target for; beside each stand the measures that are to move
it, what of it is still to come, what is left, and the solutions of the bank that moved it elsewhere. The next stage
opens when the criteria that the city has written down for it are met, by values of indicators. No target is made up.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hansa import BadRequest, City, Entity, NotFound, kpi, saying
from hansa.apps.strategy import values
from hansa.apps.strategy.measure import KIND
from hansa.apps.strategy.outcome import LIVE
from hansa.apps.strategy.words import GATES, KPIS, MEASURES, STAGES

OPS: Final = (">=", "<=", ">", "<")
Key = tuple[str, str, str]


def gates(said: Mapping[str, Any]) -> dict[str, Any]:
    """What opens a stage: criteria by values of indicators. Refusal."""
    saying.only(said, "stage", "criteria")
    stage = saying.word(said, "stage", STAGES[1:])
    told = []
    for way, one in saying.parts(said, "criteria", GATES):
        saying.only(one, "framework", "code", "point", "op", "value", "unit", at=way)
        it: dict[str, Any] = {
            "framework": saying.code(one, "framework", at=way),
            "code": saying.code(one, "code", at=way),
            "op": saying.word(one, "op", OPS, at=way),
            "value": saying.number(one, "value", -1e12, 1e12, at=way),
            "unit": saying.text(one, "unit", 30, least=0, at=way),
        }
        if one.get("point"):
            it["point"] = saying.code(one, "point", at=way)
        told.append(it)
    return {stage: told}


def directions(city: City, frameworks: Iterable[str]) -> dict[Key, str]:
    """Which way is better, of every point of every indicator: as the framework says, shipped or the city's own."""
    told: dict[Key, str] = {}
    for name in frameworks:
        found = _framework(city, name)
        for indicator in found.indicators.values() if found is not None else ():
            for key, point in indicator.points.items():
                told[name, indicator.code, key] = str(point.direction or indicator.direction or "none")
    return told


def _framework(city: City, name: str) -> Any:
    for one in city.find("KpiFramework", f'framework=="{name}"', limit=1):
        if one.get("own") and isinstance(one.get("text"), str):
            try:
                return kpi.load(json.loads(one["text"]))
            except (ValueError, BadRequest):  # written as YAML, which its own app reads
                return None
    try:
        return kpi.framework(name)
    except NotFound:
        return None


def latest(listed: Sequence[Entity]) -> dict[Key, tuple[Entity, values.Value]]:
    """Of each point of each indicator of the whole city the last value."""
    told: dict[Key, tuple[Entity, values.Value]] = {}
    for one in listed:
        points = one.get("points")
        keys = (
            [str(it.get("key") or "") for it in points if isinstance(it, Mapping)] if isinstance(points, list) else []
        )
        for key in keys or [""]:
            value = values.of(one, key)
            name = (str(one.get("framework")), str(one.get("code")), key)
            if value is not None and (name not in told or told[name][1].begin < value.begin):
                told[name] = (one, value)
    return told


def gaps(
    last: Mapping[Key, tuple[Entity, values.Value]],
    targets: Mapping[Key, tuple[float, int | None]],
    ways: Mapping[Key, str],
) -> list[dict[str, Any]]:
    """What is short of its target; the largest share first. What has no target, or no direction, is no gap."""
    told = []
    for key, (one, value) in last.items():
        target, year = targets.get(key, (values.number(values.point_of(one, key[2]).get("target")), None))
        way = ways.get(key, "none")
        if target is None:
            continue
        short = {"higher": target - value.value, "lower": value.value - target}.get(way)
        told.append(
            {
                "framework": key[0],
                "code": key[1],
                "point": key[2],
                "name": str(one.get("name") or key[1]),
                "value": value.value,
                "period": value.period,
                "provisional": value.provisional,
                "unit": value.unit,
                "target": target,
                "year": year,
                "direction": way,
                "gap": max(0.0, short) if short is not None else None,
                "met": short <= 0 if short is not None else None,
                "said": "" if short is not None else "which way is better is not known, so there is no gap",
            }
        )
    return sorted(told, key=lambda it: -abs(it["gap"] or 0) / (abs(it["target"]) or 1))


def targets(listed: Sequence[Entity]) -> dict[Key, tuple[float, int | None]]:
    """The city's own targets for the whole of it; of several for one point, that of the last year."""
    told: dict[Key, tuple[float, int | None]] = {}
    for one in listed:
        value, year = values.number(one.get("target")), one.get("year")
        key = (str(one.get("framework")), str(one.get("code")), str(one.get("point") or ""))
        year = year if isinstance(year, int) else None
        if value is not None and (key not in told or (told[key][1] or 0) < (year or 0)):
            told[key] = (value, year)
    return told


def loop(city: City) -> dict[str, Any]:
    """Gaps with what is done about them, and how far the next stage is."""
    listed = city.find("KeyPerformanceIndicator", 'area=="city"', limit=KPIS)
    last = latest(listed)
    own = targets(city.find("KpiTarget", 'area=="city"', limit=KPIS))
    ways = directions(city, sorted({key[0] for key in last}))
    found = gaps(last, own, ways)
    by = _movers([one for one in city.find(KIND, limit=MEASURES) if one.get("status") in LIVE])
    bank = _movers(city.find("Solution", 'status=="listed"', limit=5_000))
    for it in found:
        key = (it["framework"], it["code"], it["point"])
        doing = by.get(key, [])
        sign = {"higher": 1, "lower": -1}.get(it["direction"], 0)
        # What came before the value's period ended is in the value: only what is still to come closes what is left.
        end = last[key][1].end
        ahead = [_ahead(one, effect, end) for one, effect in doing]
        helps = sum(sign * change for change in ahead)
        it["measures"] = [
            {"id": one.id, "name": one["name"], "status": one["status"], "change": effect["change"], "ahead": change,
             "perYears": effect["perYears"], "reviewAt": one.get("reviewAt")}
            for (one, effect), change in zip(doing, ahead, strict=True)
        ]  # fmt: skip
        it["expected"] = helps
        it["left"] = None if it["gap"] is None else max(0.0, it["gap"] - helps)
        some = [(one, effect) for one, effect in bank.get(key, []) if sign and effect["change"] * sign > 0]
        it["solutions"] = [
            {"id": one.id, "name": one["name"], "change": effect["change"], "evidence": effect.get("evidence")}
            for one, effect in some[:10]
        ]
    return {"gaps": found, "reported": len(last), "withTarget": len(found)}


def _ahead(one: Entity, effect: Mapping[str, Any], end: float) -> float:
    """The part of an effect that is due after the end of a period, its years counted evenly from the beginning."""
    gone = min(1.0, max(0.0, (end - values.year_of(str(one["from"]))) / effect["perYears"]))
    return float(effect["change"] * (1 - gone))


def _movers(listed: Sequence[Entity]) -> dict[Key, list[tuple[Entity, Mapping[str, Any]]]]:
    """What has effects, by the point that it moves."""
    told: dict[Key, list[tuple[Entity, Mapping[str, Any]]]] = {}
    for one in listed:
        said = one.get("effects")
        for it in said if isinstance(said, list) else []:
            if (
                isinstance(it, Mapping)
                and it.get("area", "city") == "city"
                and values.number(it.get("change")) is not None
            ):
                key = (str(it.get("framework")), str(it.get("code")), str(it.get("point") or ""))
                told.setdefault(key, []).append((one, it))
    return told


def opened(city: City, criteria: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each criterion of a stage: met, not met, or not known, with the value that it was held against."""
    told = []
    for it in criteria:
        known = values.reported(city, it["framework"], it["code"], it.get("point", ""))
        last = known[-1] if known else None
        met = None
        if last is not None and (not it.get("unit") or not last.unit or it["unit"] == last.unit):
            met = {
                ">=": last.value >= it["value"],
                "<=": last.value <= it["value"],
                ">": last.value > it["value"],
                "<": last.value < it["value"],
            }[it["op"]]
        told.append(
            dict(it)
            | {"now": None if last is None else last.value, "period": None if last is None else last.period}
            | {"state": "not known" if met is None else "met" if met else "not met"}
        )
    return told
