"""The card: what a framework says of a city in a period, from its `KeyPerformanceIndicator` entities; pure.

Everything here is made of plain rows (`row`: an entity's attributes) and a framework, so that a page, the paper, a file
and the command line say one thing. Percents are 0..100. What was not reported counts nowhere; what has no target is not
scored, and both are said (`counts`).
Source: a framework's scoring is its own (`hansa.kpi.score`), and so is the share of missing indicators above which the
city is asked (U4SSC: 20 %).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hansa import Entity, kpi
from hansa.apps.scorecard import drawing

COUNTED: Final = ("reported", "verified")
STATES: Final = ("verified", "reported", "not applicable", "not reported")
PERIODS: Final = 40  # of which a card shows the course: a working life
MOST: Final = 1e100  # of a value: what is beyond is no quantity, and squares of it are no numbers
ROWS: Final = 10_000  # indicators by periods that a card reads
_YEAR: Final = re.compile(r"(1[89]|20|21)\d\d\Z")

Row = Mapping[str, Any]
Compared = Mapping[tuple[str, str], Sequence[float]]


def row(entity: Entity) -> dict[str, Any]:
    """A KeyPerformanceIndicator as plain values, and whether it is public."""
    names = (
        *("framework", "code", "name", "area", "period", "kpiValue", "unit", "points", "status", "completeness"),
        *("percentOfTarget", "band", "currentStanding", "calculationFrequency", "lineage", "verifiedBy"),
        *("calculatedBy", "computedAt", "provisional", "missing", "inputs", "fault", "warnings"),
    )
    said = {name: entity.get(name) for name in names}
    return {"id": entity.id, "label": str(entity.label), **said, "points": objects(said["points"])}


def objects(said: Any) -> list[Mapping[str, Any]]:
    """A list of objects, though a store may hand out a list of one as the one."""
    listed = [said] if isinstance(said, Mapping) else said if isinstance(said, list | tuple) else []
    return [one for one in listed if isinstance(one, Mapping)]


def year_of(period: str) -> int | None:
    """The year of a period that is one; None for others."""
    return int(period) if _YEAR.match(period) else None


def periods(rows: Iterable[Row]) -> list[str]:
    """The periods of rows in which something was reported, the oldest first."""
    return sorted({str(one["period"]) for one in rows if one["status"] in COUNTED})[-PERIODS:]


def latest(rows: Iterable[Row]) -> str:
    """The last period of which not everything is provisional: the running year comes after it. "" where none is."""
    found = list(rows)
    settled = periods(one for one in found if not one["provisional"])
    return (settled or periods(found) or [""])[-1]


def reported(indicator: kpi.Indicator, one: Row | None) -> kpi.Reported:
    """What the engine scores: values and targets of each data point."""
    points = {str(it.get("key", "")): it for it in (one or {}).get("points") or () if isinstance(it, Mapping)}
    counts = one is not None and one["status"] in COUNTED
    keys = list(indicator.told(points.keys()))
    status = str((one or {}).get("status"))
    return kpi.Reported(
        values={key: number(points.get(key, {}).get("value")) if counts else None for key in keys},
        targets={key: number(points.get(key, {}).get("target")) for key in keys},
        status=status if status in STATES else "not reported",
    )


def number(value: Any) -> float | None:
    """A number that one can reckon with; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < MOST else None


def by_code(rows: Iterable[Row], period: str, area: str = "city") -> dict[str, Row]:
    """The rows of one period and area, by code."""
    return {str(one["code"]): one for one in rows if str(one["period"]) == period and one["area"] == area}


# ---- one period


def made(
    framework: kpi.Framework,
    rows: Sequence[Row],
    period: str,
    area: str = "city",
    *,
    compared: Compared | None = None,
    known: Iterable[str] = (),
) -> dict[str, Any]:
    """The card of a period: `whole`, `counts`, `nodes` (the tree, with what was scored in it), `indicators`, `bands`.

    `compared` are other cities' values by data point, for a framework that ranks between the best and the worst;
    `known` names inputs that are there though no number came of them yet.
    """
    found = by_code(rows, period, area)
    before = by_code(rows, _earlier(rows, period, area), area)
    given = {code: reported(one, found.get(code)) for code, one in framework.indicators.items()}
    scored = kpi.score(framework, given, compared=compared)
    steps = {one.name: n for n, one in enumerate(framework.scoring.bands, 1)}
    there = {*known, *(name for one in found.values() for name in _inputs(one))}
    listed = [
        _indicator(one, given[code], scored.indicators[code], found.get(code), before.get(code), steps, there)
        for code, one in framework.indicators.items()
    ]
    told = {one["code"]: one for one in listed}
    count = iter(range(1, 10_000))
    nodes = [_node(framework, scored, path, told, steps, count) for path in _below(framework, ())]
    return {
        "framework": {"id": framework.id, "name": framework.name, "edition": framework.edition},
        "period": period,
        "area": area,
        "levels": list(framework.levels),
        "bands": [
            {"step": n, "name": one.name, "from": one.low, "to": one.high, "points": one.points}
            for n, one in enumerate(framework.scoring.bands, 1)
        ],
        "scheme": framework.scoring.kind,
        "whole": _scored(framework, scored, (), steps),
        "counts": counts(listed, framework.scoring.missing_share),
        "nodes": nodes,
        "indicators": listed,
    }


def counts(listed: Sequence[Mapping[str, Any]], ask_above: float | None = None) -> dict[str, Any]:
    """How complete a card is: indicators by status, and how many of those reported are not scored for want of a target.

    `ask`: more are missing than the framework lets pass (`ask_above`, a share) without asking the city.
    """
    by = {state: sum(1 for one in listed if one["status"] == state) for state in STATES}
    total, came = len(listed), by["reported"] + by["verified"]
    asked = total - by["not applicable"]
    missing = (asked - came) / asked if asked else 0.0
    return by | {
        "total": total,
        "came": came,
        "scored": sum(1 for one in listed if one["percent"] is not None),
        "without_target": sum(1 for one in listed if one["status"] in COUNTED and one["untargeted"]),
        "missing_share": round(missing, 4),
        "ask_above": ask_above,
        "ask": ask_above is not None and missing > ask_above,
        "warnings": sum(len(one["warnings"]) for one in listed),
        "provisional": sum(1 for one in listed if one["provisional"]),
    }


def _earlier(rows: Sequence[Row], period: str, area: str) -> str:
    """The last period before one that something was reported in; "" when there is none."""
    return max((one for one in periods(it for it in rows if it["area"] == area) if one < period), default="")


def _indicator(
    indicator: kpi.Indicator,
    given: kpi.Reported,
    scored: kpi.IndicatorScore,
    one: Row | None,
    before: Row | None,
    steps: Mapping[str, int],
    there: set[str],
) -> dict[str, Any]:
    """One line of a card."""
    was = {str(it.get("key", "")): it for it in (before or {}).get("points") or () if isinstance(it, Mapping)}
    said = {str(it.get("key", "")): it for it in (one or {}).get("points") or () if isinstance(it, Mapping)}
    points = []
    for key, point in indicator.told(given.values.keys()).items():
        it = scored.data_points[key]
        points.append(
            {
                "key": key,
                "name": point.name,
                "value": given.values.get(key),
                "unit": point.unit or "",
                "target": given.targets.get(key),
                "year": number(said.get(key, {}).get("year")),
                "percentOfTarget": it.percent_of_target,
                "points": it.points if it.points is not None else it.score,
                "band": it.band,
                "step": steps.get(it.band or ""),
                "why": it.why or "",
                "before": number(was.get(key, {}).get("value")),
            }
        )
    return {
        "code": indicator.code,
        "name": indicator.name,
        "path": list(indicator.path),
        "level": indicator.level,
        "unit": indicator.unit or "",
        "direction": indicator.direction,
        "status": given.status,
        "points": scored.points if scored.points is not None else scored.score,
        "percent": scored.percent,
        "percentOfTarget": scored.percent_of_target,
        "band": scored.band,
        "step": steps.get(scored.band or ""),
        "data_points": points,
        "untargeted": any(it["value"] is not None and it["points"] is None for it in points),
        "completeness": number((one or {}).get("completeness")),
        "provisional": bool((one or {}).get("provisional")),
        "verifiedBy": (one or {}).get("verifiedBy"),
        "computedAt": (one or {}).get("computedAt"),
        "fault": (one or {}).get("fault") or "",
        "warnings": _texts((one or {}).get("warnings")),
        "missing": [name for name in indicator.inputs if name not in there],
        "holders": list(indicator.holders),
        "recalled": sorted(name for name, how in indicator.said.items() if how == "recalled"),
        "period": str((before or {}).get("period") or ""),
    }


def _inputs(one: Row) -> list[str]:
    """The inputs with a number that a row was made of."""
    lineage = one["lineage"]
    said = lineage.get("inputs") if isinstance(lineage, Mapping) else None
    listed = [said] if isinstance(said, Mapping) else said or ()
    return [str(it.get("input")) for it in listed if isinstance(it, Mapping) and number(it.get("value")) is not None]


def _texts(said: Any) -> list[str]:
    """A list of texts, though a store hands out a list of one as the one."""
    return [str(one) for one in said] if isinstance(said, list | tuple) else [] if said in {None, ""} else [str(said)]


def _below(framework: kpi.Framework, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The nodes just below one, in the framework's own order."""
    return [one for one in framework.nodes if len(one) == len(path) + 1 and one[: len(path)] == path]


def _node(
    framework: kpi.Framework,
    scored: kpi.Scored,
    path: tuple[str, ...],
    told: Mapping[str, Mapping[str, Any]],
    steps: Mapping[str, int],
    count: Any,
) -> dict[str, Any]:
    """A dimension, sub-dimension or category with what is below it; the innermost are numbered as they come."""
    inner = _below(framework, path)
    codes = list(framework.nodes[path])
    return {
        "name": path[-1],
        "path": list(path),
        "level": framework.level(path),
        "n": None if inner else next(count),
        **_scored(framework, scored, path, steps),
        "total": len(codes),
        "came": sum(1 for code in codes if told[code]["status"] in COUNTED),
        "verified": sum(1 for code in codes if told[code]["status"] == "verified"),
        "codes": codes,
        "children": [_node(framework, scored, one, told, steps, count) for one in inner],
    }


def _scored(
    framework: kpi.Framework, scored: kpi.Scored, path: tuple[str, ...], steps: Mapping[str, int]
) -> dict[str, Any]:
    """What a node scored: `score` of `possible`, over `scored` data points (not indicators)."""
    one = scored.nodes[path]
    got, possible = one.score, one.possible
    if framework.scoring.kind == "points":
        points = [
            it.points
            for code in framework.nodes[path]
            for it in scored.indicators[code].data_points.values()
            if it.points is not None
        ]
        got, possible = float(sum(points)), float(len(points) * framework.scoring.bands[-1].points)
    return {
        "percent": one.percent,
        "band": one.band,
        "step": steps.get(one.band or ""),
        "scored": one.scored,
        "score": got or 0.0,
        "possible": possible or 0.0,
        "data_points": one.total,
    }


def walk(nodes: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """All nodes of a tree, a node before what is below it."""
    for one in nodes:
        yield one
        yield from walk(one["children"])


def leaves(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The innermost nodes of a node."""
    return [one for one in walk([node]) if not one["children"]]


# ---- over the periods


def trends(framework: kpi.Framework, rows: Sequence[Row], area: str = "city") -> list[dict[str, Any]]:
    """Of every period with something reported: percent and how much was scored, of the whole and of every node.

    `[{"period", "came", "nodes": {"": {"percent", "scored"}, "Economy/ICT": ...}}]`; fewer indicators than in another
    period are no change of the city, so `came` stands beside each.
    """
    found = []
    here = [one for one in rows if one["area"] == area]
    for period in periods(here):
        of = by_code(here, period, area)
        given = {code: reported(one, of.get(code)) for code, one in framework.indicators.items()}
        scored = kpi.score(framework, given)
        nodes = {
            "/".join(path): {"percent": one.percent, "scored": one.scored}
            for path, one in scored.nodes.items()
            if one.scored or not path
        }
        came = sum(1 for one in given.values() if one.status in COUNTED)
        found.append({"period": period, "came": came, "nodes": nodes})
    return found


def series(rows: Sequence[Row], code: str, key: str, area: str = "city") -> list[tuple[int, float]]:
    """The years and values of one data point, the oldest first."""
    found: dict[int, float] = {}
    for one in rows:
        year = year_of(str(one["period"]))
        if year is None or one["code"] != code or one["area"] != area or one["status"] not in COUNTED:
            continue
        for it in one["points"] or ():
            value = number(it.get("value")) if isinstance(it, Mapping) and str(it.get("key", "")) == key else None
            if value is not None:
                found[year] = value
    return sorted(found.items())


def gaps(framework: kpi.Framework, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every data point that has a target and has not met it, the farthest first: what is missing, by when, how fast."""
    found = []
    year = year_of(str(told["period"]))
    for one in told["indicators"]:
        indicator = framework.indicators[one["code"]]
        for it in one["data_points"]:
            if it["value"] is None or it["target"] is None or it["points"] is None:
                continue
            by = int(it["year"]) if it["year"] else None
            point = indicator.told([it["key"]])[it["key"]]
            gap = kpi.gap(it["value"], it["target"], point.direction, year=year, by=by, best=point.best)
            if gap.met:
                continue
            found.append(
                {
                    "code": one["code"],
                    "name": one["name"],
                    "path": one["path"],
                    "key": it["key"],
                    "point": it["name"],
                    "unit": it["unit"],
                    "direction": point.direction,
                    "value": it["value"],
                    "target": it["target"],
                    "by": by,
                    "gap": gap.gap,
                    "percentOfTarget": it["percentOfTarget"],
                    "step": it["step"],
                    "yearly_change": gap.yearly_change,
                    "yearly_rate": gap.yearly_rate,
                    "years": gap.years,
                }
            )
    return sorted(
        found, key=lambda it: (it["percentOfTarget"] if it["percentOfTarget"] is not None else 0.0, it["code"])
    )


def missing(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is not there, by who usually has it: `[{"holder", "indicators": [{"code", "name", "status", "missing"}]}]`.

    An indicator stands under each of its holders, for each of them can be asked.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for one in told["indicators"]:
        if one["status"] != "not reported":
            continue
        line = {name: one[name] for name in ("code", "name", "path", "status", "missing", "fault")}
        for holder in one["holders"] or [""]:
            found.setdefault(holder, []).append(line)
    return [
        {"holder": holder, "indicators": them}
        for holder, them in sorted(found.items(), key=lambda it: (it[0] == "", -len(it[1]), it[0]))
    ]


# ---- pictures


def pictures(told: Mapping[str, Any]) -> dict[str, Any]:
    """The radar of each dimension and the wheel of all, as geometry."""
    rings = [one["from"] for one in told["bands"] if one["from"]]
    percent = told["whole"]["percent"]
    headline = "\N{EN DASH}" if percent is None else f"{percent:.0f} %"
    return {
        "wheel": drawing.wheel(told["nodes"], headline).told(),
        "radars": {one["name"]: drawing.radar(leaves(one), rings).told() for one in told["nodes"]},
    }
