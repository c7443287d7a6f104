"""How a number came about: its definition, its formula in symbols, in words and with this city's figures put in.

One account of a number for the page, the paper and the file. It leads from the value to its inputs, from an input to
what it was counted from, and says of every part of the definition whether it was read in the standard or recalled.
`public`: without who entered what, and without what only staff may follow.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hansa import kpi
from hansa.apps.scorecard import drawing
from hansa.apps.scorecard.card import COUNTED, Row, number, objects, series, year_of

AHEAD: Final = 10  # years that are projected
HOW: Final = ("linear", "logistic")
CITIES: Final = 500  # values of other cities beside one number
IDS: Final = 50  # entities that one input names; the rest are counted
PUBLIC: Final = frozenset(
    {"how", "type", "aggregate", "attribute", "entities", "readings", "since", "until", "asOf", "expected", "came"}
)
"""What of an input's lineage a stranger is told."""
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def account(
    framework: kpi.Framework,
    rows: Sequence[Row],
    code: str,
    period: str,
    area: str = "city",
    *,
    public: bool = False,
    entries: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The method of one number of a period. NotFound where the framework has no such indicator.

    `entries` (by input) are what staff see besides: evidence, who entered and who verified, and inputs of a number that
    could not be computed for want of another.
    """
    indicator = framework.indicator(code)
    here = [one for one in rows if one["code"] == indicator.code and one["area"] == area]
    one = next((it for it in here if str(it["period"]) == period), None)
    lineage = (one or {}).get("lineage")
    lineage = lineage if isinstance(lineage, Mapping) else {}
    entries = {} if public or entries is None else entries
    given: dict[str, Mapping[str, Any]] = {
        str(it.get("input")): {**entries.get(str(it.get("input")), {}), **it} for it in objects(lineage.get("inputs"))
    }
    given = {**{name: it for name, it in entries.items() if name in indicator.inputs}, **given}
    numbers = {name: value for name, it in given.items() if (value := number(it.get("value"))) is not None}
    points = {str(it.get("key", "")): it for it in objects((one or {}).get("points"))}
    uses = {name: it.says for name, it in indicator.inputs.items()}
    return {
        "code": indicator.code,
        "name": indicator.name,
        "path": list(indicator.path),
        "level": indicator.level,
        "type": indicator.type,
        "definition": indicator.definition,
        "unit": indicator.unit or "",
        "direction": indicator.direction,
        "sdg": list(indicator.sdg),
        "notes": _lines(indicator.notes),
        "holders": list(indicator.holders),
        "said": dict(indicator.said),
        "sources": sources(framework, indicator),
        "status": str((one or {}).get("status") or "not reported"),
        "fault": str((one or {}).get("fault") or ""),
        "warnings": _lines((one or {}).get("warnings")),
        "missing": [name for name in indicator.inputs if name not in numbers],
        "completeness": number((one or {}).get("completeness")),
        "provisional": bool((one or {}).get("provisional")),
        "verifiedBy": (one or {}).get("verifiedBy"),
        "computedAt": (one or {}).get("computedAt"),
        "edition": lineage.get("edition") or framework.edition,
        "points": [_formula(it, numbers, points.get(key, {}), uses) for key, it in indicator.points.items()],
        "inputs": [_input(it, given.get(name), public=public) for name, it in indicator.inputs.items()],
        "checks": [{"says": it.says, "severity": it.severity} for it in indicator.checks],
    }


def sources(framework: kpi.Framework, indicator: kpi.Indicator) -> list[dict[str, str]]:
    """Where the definition stands: the mark, and its address where the framework knows it (`M17:p23`)."""
    found = []
    for said in indicator.sources:
        head, _, rest = str(said).partition(":")
        url = str(framework.sources.get(head, "") or framework.sources.get(str(said), ""))
        page = rest.partition("p")[2] if rest.startswith("p") else ""
        if "<N>" in url and page.isdecimal():
            url = url.replace("<N>", page)
        found.append({"said": str(said), "url": url if url.startswith("https://") and "<" not in url else ""})
    return found


def _formula(
    point: kpi.Point, numbers: Mapping[str, float], said: Mapping[str, Any], uses: Mapping[str, str]
) -> dict[str, Any]:
    """One data point: how it is made, and what came of it."""
    formula = point.formula
    value = number(said.get("value"))
    return {
        "key": point.key,
        "name": point.name,
        "unit": point.unit or "",
        "value": value,
        "target": number(said.get("target")),
        "symbols": "" if formula is None else formula.symbols(),
        "words": "" if formula is None else formula.words(uses),
        "put_in": "" if formula is None else put_in(formula.text, numbers, value, point.unit or ""),
    }


def put_in(text: str, numbers: Mapping[str, float], value: float | None, unit: str) -> str:
    """A formula with its inputs' figures in place of their names; "" while one of them is not known."""
    names = {name for name in _NAME.findall(text) if not re.search(rf"\b{name}\s*\(", text)}
    if not names or names - numbers.keys():
        return ""
    told = _NAME.sub(lambda it: figure(numbers[it[0]]) if it[0] in numbers else it[0], text)
    shown = told.replace("*", "×").replace(" - ", " − ")
    return shown if value is None else f"{shown} = {figure(value)} {unit}".rstrip()


def figure(value: float) -> str:
    """A number for people: grouped by thousands, no more digits than it has."""
    text = f"{value:,.6g}" if abs(value) < 1e6 and value != int(value) else f"{value:,.0f}"
    return text.replace("-", "\N{MINUS SIGN}")


def _input(declared: kpi.Input, it: Mapping[str, Any] | None, *, public: bool) -> dict[str, Any]:
    """One number that went in, and where it came from."""
    told: dict[str, Any] = {
        "input": declared.name,
        "says": declared.says,
        "unit": declared.unit,
        "id": "",
        "value": None,
        "status": "not reported",
        "how": "",
        "completeness": None,
        "at": "",
        "from": {},
        "words": "",
    }
    if it is None:
        return told
    lineage = it.get("lineage")
    lineage = dict(lineage) if isinstance(lineage, Mapping) else {}
    if public:
        # Who entered it is in no public account, nor which persons, meters or files it was counted from.
        lineage = {name: value for name, value in lineage.items() if name in PUBLIC}
    elif isinstance(lineage.get("ids"), list):
        lineage["ids"] = lineage["ids"][:IDS]
    told |= {
        "id": "" if public else str(it.get("id") or ""),
        "value": number(it.get("value")),
        "unit": str(it.get("unit") or declared.unit),
        "status": str(it.get("status") or "not reported"),
        "how": str(it.get("how") or ""),
        "completeness": number(it.get("completeness")),
        "at": str(it.get("at") or ""),
        "from": lineage,
        "words": came(str(it.get("how") or ""), lineage),
    }
    if not public:
        evidence = it.get("evidence")
        told["evidence"] = dict(evidence) if isinstance(evidence, Mapping) else {}
        told["by"], told["verifiedBy"] = str(it.get("by") or ""), str(it.get("verifiedBy") or "")
    return told


def came(how: str, lineage: Mapping[str, Any]) -> str:
    """Where an input came from, in a sentence."""
    if how == "query":
        many, readings = number(lineage.get("entities")), number(lineage.get("readings"))
        said = f"{lineage.get('aggregate') or 'counted'} over {_many(many)} entities of type {lineage.get('type')}"
        if lineage.get("attribute"):
            said += f", attribute {lineage['attribute']}"
        if readings is not None:
            said += f", {_many(readings)} readings"
        if lineage.get("since") and lineage.get("until"):
            said += f", from {str(lineage['since'])[:10]} to {str(lineage['until'])[:10]}"
        return said
    if how == "table":
        cell = lineage.get("cell") or (f"row {lineage['row']}" if lineage.get("row") else "")
        sheet = f", sheet {lineage['sheet']}" if lineage.get("sheet") else ""
        return f"from a table{sheet}{f', {cell}' if cell else ''}"
    return "entered by hand" if how == "entered" else ""


def _many(value: float | None) -> str:
    return "some" if value is None else figure(value)


# ---- over time, and beside others


def courses(
    framework: kpi.Framework, rows: Sequence[Row], code: str, period: str, area: str = "city"
) -> list[dict[str, Any]]:
    """Of each data point its values by year, its target, what it needs a year, where it goes, and a picture of that."""
    indicator = framework.indicator(code)
    now = year_of(period)
    one = next(
        (it for it in rows if it["code"] == indicator.code and str(it["period"]) == period and it["area"] == area), None
    )
    said = {str(it.get("key", "")): it for it in objects((one or {}).get("points"))}
    found = []
    for key, point in indicator.points.items():
        values = series(rows, indicator.code, key, area)
        target, by = number(said.get(key, {}).get("target")), number(said.get(key, {}).get("year"))
        value = next((it for year, it in values if year == now), None)
        gap = None
        if value is not None and target is not None and point.direction != "none":
            year = None if by is None else int(by)
            it = kpi.gap(value, target, point.direction, year=now, by=year, best=point.best)
            gap = {
                "gap": it.gap,
                "met": it.met,
                "percentOfTarget": it.percent_of_target,
                "yearly_change": it.yearly_change,
                "yearly_rate": it.yearly_rate,
                "years": it.years,
                "by": None if by is None else int(by),
            }
        ahead = projections(values, point, None if by is None else int(by))
        found.append(
            {
                "key": key,
                "name": point.name,
                "unit": point.unit or "",
                "direction": point.direction,
                "values": [{"year": year, "value": it} for year, it in values],
                "target": target,
                "gap": gap,
                "ahead": ahead,
                "picture": drawing.course(values, target=target, ahead=ahead, unit=point.unit or "").told(),
            }
        )
    return found


def projections(values: Sequence[tuple[int, float]], point: kpi.Point, by: int | None = None) -> list[dict[str, Any]]:
    """Linear and logistic, with the band of their error; [] where two years are not known.

    A logistic one has the limits of the number itself (a share has 0 and 100), and is left out where it has none.
    """
    if len(values) < 2:
        return []
    last = values[-1][0]
    until = max(last + 1, min(by, last + 3 * AHEAD)) if by is not None else last + AHEAD
    found = []
    for how in HOW:
        low, high = point.range
        if how == "logistic" and point.unit == "%":
            low, high = 0.0 if low is None else low, 100.0 if high is None else high
        if how == "logistic" and (low is None or high is None or not all(low <= it <= high for _, it in values)):
            continue
        it = kpi.projected(
            values, until, how, low=-math.inf if low is None else low, high=math.inf if high is None else high
        )
        points = [
            {"year": one.year, "value": one.value, "low": one.low, "high": one.high} for one in it.years
        ]  # fmt: skip
        told: dict[str, Any] = {"kind": how, "points": points, "said": it.said, "many": it.many, "level": it.level}
        # Its error on the city's own past, a year ahead each time, beside that of saying "it stays as it is".
        told["error"] = None if it.backtest is None else it.backtest.error
        told["unchanged_error"] = None if it.backtest is None else it.backtest.unchanged_error
        found.append(told)
    return found


def beside(
    framework: kpi.Framework,
    cities: Sequence[Mapping[str, Any]],
    rows: Sequence[Row],
    code: str,
    period: str,
    name: str,
) -> list[dict[str, Any]]:
    """Of each data point this city among others, the best first: the newest value of each, with period and source."""
    indicator = framework.indicator(code)
    found = []
    for key, point in indicator.points.items():
        newest: dict[str, Mapping[str, Any]] = {}
        for it in cities[: CITIES * 40]:
            if it["code"] != indicator.code or str(it.get("point") or "") != key or number(it["value"]) is None:
                continue
            known = newest.get(str(it["city"]))
            if known is None or str(it["period"]) > str(known["period"]):
                newest[str(it["city"])] = it
        lines: list[dict[str, Any]] = [
            {
                "city": str(it["city"]),
                "period": str(it["period"]),
                "value": number(it["value"]),
                "unit": str(it.get("unit") or point.unit or ""),
                "source": str(it.get("source") or ""),
                "federated": bool(it.get("federated")),
                "own": False,
            }
            for it in list(newest.values())[:CITIES]
        ]
        own = next((v for y, v in series(rows, indicator.code, key) if y == year_of(period)), None)
        if own is not None:
            mine = {"city": name, "period": period, "value": own, "unit": point.unit or "", "source": "", "own": True}
            lines.append(mine | {"federated": False})
        same = [it for it in lines if it["unit"] == (point.unit or "")]
        same.sort(key=lambda it: (it["value"] or 0.0, it["city"]), reverse=point.direction == "higher")
        other = [it for it in lines if it["unit"] != (point.unit or "")]  # shown, and put into no order with the rest
        found.append(
            {"key": key, "name": point.name, "unit": point.unit or "", "lines": same + other, "other": len(other)}
        )
    return found


def compared(cities: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[float]]:
    """Other cities' newest values by data point, for frameworks that rank between the best and the worst."""
    newest: dict[tuple[str, str, str], tuple[str, float]] = {}
    for it in cities[: CITIES * 40]:
        value = number(it["value"])
        key = (str(it["code"]), str(it.get("point") or ""), str(it["city"]))
        if value is not None and (key not in newest or str(it["period"]) > newest[key][0]):
            newest[key] = (str(it["period"]), value)
    found: dict[tuple[str, str], list[float]] = {}
    for (code, point, _), (_, value) in newest.items():
        found.setdefault((code, point), []).append(value)
    return found


def _lines(said: Any) -> list[str]:
    return [str(one) for one in said] if isinstance(said, list | tuple) else [] if not said else [str(said)]


def counted(one: Row | None) -> bool:
    """Whether a row has a number that counts."""
    return one is not None and one["status"] in COUNTED
