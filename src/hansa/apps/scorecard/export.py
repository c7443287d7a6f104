"""A card as files: CSV for spreadsheets, JSON-LD for programs.

The JSON-LD is `KeyPerformanceIndicator` of Smart Data Models (dataModel.KeyPerformanceIndicator, schema 0.2.1), with
what a framework adds under terms of hansa's own; its @context is in it, so that it is read without asking anybody.
The CSV has a line for each data point; a cell that a spreadsheet would run is text (`sheets.csv_text`).
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import sheets
from hansa.apps.scorecard import nouns
from hansa.apps.scorecard.card import COUNTED, year_of
from hansa.apps.scorecard.method import figure

_MODEL: Final = "https://smartdatamodels.org/dataModel.KeyPerformanceIndicator/"
_OURS: Final = "https://hansa.city/terms/"
_MODELS: Final = (
    *("KeyPerformanceIndicator", "aggregatedData", "area", "businessTarget", "calculatedBy", "calculationFormula"),
    *("calculationFrequency", "calculationMethod", "calculationPeriod", "category", "currentStanding", "from"),
    *("kpiValue", "process", "to", "updatedAt"),
)
_ADDED: Final = (
    *("framework", "edition", "code", "period", "level", "path", "dataPoints", "key", "value", "unit", "target"),
    *("targetYear", "percentOfTarget", "points", "band", "status", "completeness", "provisional", "verifiedBy", "why"),
    *("Scorecard", "ScorecardNode", "percent", "scored", "possible", "reported", "total", "nodes", "counts", "missing"),
)
CONTEXT: Final[dict[str, Any]] = {
    "@version": 1.1,
    "id": "@id",
    "type": "@type",
    "name": "https://smartdatamodels.org/name",
    "description": "http://purl.org/dc/terms/description",
    "source": "https://smartdatamodels.org/source",
    **{name: f"{_MODEL}{name}" for name in _MODELS},
    **{name: f"{_OURS}{name}" for name in _ADDED},
    "path": {"@id": f"{_OURS}path", "@container": "@list"},
}
STANDINGS: Final = ("veryBad", "bad", "good", "veryGood")
"""`currentStanding` has five words; the four bands from the lowest take those that say better or worse."""
COLUMNS: Final = (
    *("framework", "period", "area", "dimension", "sub_dimension", "category", "code", "indicator", "data_point"),
    *("value", "unit", "status", "target", "target_year", "percent_of_target", "points", "band", "why_not_scored"),
    *("completeness", "provisional", "verified_by", "computed_at"),
)


def standing(step: int | None) -> str | None:
    """`currentStanding` of Smart Data Models for a band; None where nothing was scored, or the bands are not four."""
    return STANDINGS[step - 1] if step is not None and 1 <= step <= len(STANDINGS) else None


def rows(told: Mapping[str, Any]) -> Iterable[list[Any]]:
    """A card as the lines of a table, the heading first."""
    yield list(COLUMNS)
    head = [told["framework"]["id"], told["period"], told["area"]]
    for one in told["indicators"]:
        path = [*one["path"], "", "", ""][:3]
        for it in one["data_points"]:
            yield [
                *head,
                *path,
                one["code"],
                one["name"],
                it["key"],
                it["value"],
                it["unit"],
                one["status"],
                it["target"],
                None if it["year"] is None else int(it["year"]),
                it["percentOfTarget"],
                it["points"],
                it["band"],
                it["why"],
                one["completeness"],
                "yes" if one["provisional"] else "",
                one["verifiedBy"],
                one["computedAt"],
            ]


def table(told: Mapping[str, Any]) -> bytes:
    """A card as CSV (RFC 4180, UTF-8)."""
    out = io.StringIO()
    csv.writer(out).writerows([[_cell(one) for one in line] for line in rows(told)])
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    """A number stays one; a text that a spreadsheet would run is made harmless."""
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    return sheets.csv_text(str(value))


def linked(told: Mapping[str, Any], accounts: Mapping[str, Mapping[str, Any]] | None = None) -> bytes:
    """A card as JSON-LD: the card itself, its nodes, and every indicator of which something was said.

    `accounts` (by code) are what `method.account` makes: with it the formula is told.
    """
    head = f"urn:ngsi-ld:Scorecard:{told['framework']['id']}-{told['period']}"
    graph: list[dict[str, Any]] = [
        _kept(
            {
                "id": head if told["area"] == nouns.WHOLE else f"{head}-{told['area']}",
                "type": "Scorecard",
                "name": told["framework"]["name"],
                "framework": told["framework"]["id"],
                "edition": told["framework"]["edition"],
                "period": told["period"],
                "area": told["area"],
                "percent": told["whole"]["percent"],
                "band": told["whole"]["band"],
                "points": told["whole"]["score"],
                "possible": told["whole"]["possible"],
                "reported": told["counts"]["came"],
                "scored": told["counts"]["scored"],
                "total": told["counts"]["total"],
                "missing": told["counts"]["missing_share"],
                "nodes": [_branch(one) for one in told["nodes"]],
            }
        )
    ]
    graph += [_indicator(told, one, (accounts or {}).get(one["code"])) for one in told["indicators"]]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, ensure_ascii=False, indent=1).encode()


def _branch(one: Mapping[str, Any]) -> dict[str, Any]:
    return _kept(
        {
            "type": "ScorecardNode",
            "name": one["name"],
            "level": one["level"],
            "percent": one["percent"],
            "band": one["band"],
            "points": one["score"],
            "possible": one["possible"],
            "reported": one["came"],
            "total": one["total"],
            "nodes": [_branch(it) for it in one["children"]],
        }
    )


def _indicator(
    told: Mapping[str, Any], one: Mapping[str, Any], account: Mapping[str, Any] | None
) -> dict[str, Any]:  # fmt: skip
    points = one["data_points"]
    single = points[0] if len(points) == 1 else None
    year = year_of(told["period"])
    said = [it["symbols"] for it in (account or {}).get("points", ()) if it["symbols"]]
    return _kept(
        {
            "id": nouns.indicator_id(told["framework"]["id"], one["code"], told["area"], told["period"]),
            "type": "KeyPerformanceIndicator",
            "name": one["name"],
            "description": (account or {}).get("definition"),
            "category": ["quantitative"],
            "process": " / ".join(one["path"]),
            "framework": told["framework"]["id"],
            "code": one["code"],
            "level": one["level"],
            "path": one["path"],
            "area": told["area"],
            "period": told["period"],
            "calculationPeriod": {"from": f"{year}-01-01", "to": f"{year}-12-31"} if year else None,
            "calculationFrequency": "yearly",
            "calculationFormula": "; ".join(said) or None,
            "kpiValue": single["value"] if single else None,
            "unit": single["unit"] if single else None,
            "currentStanding": standing(one["step"]),
            "status": one["status"],
            "completeness": one["completeness"],
            "provisional": one["provisional"] or None,
            "verifiedBy": one["verifiedBy"],
            "updatedAt": one["computedAt"],
            "percentOfTarget": one["percentOfTarget"],
            "band": one["band"],
            "points": one["points"],
            "dataPoints": [_point(it) for it in points if one["status"] in COUNTED],
        }
    )


def _point(it: Mapping[str, Any]) -> dict[str, Any]:
    return _kept(
        {
            "key": it["key"] or None,
            "name": it["name"],
            "value": it["value"],
            "unit": it["unit"],
            "target": it["target"],
            "targetYear": None if it["year"] is None else int(it["year"]),
            "percentOfTarget": it["percentOfTarget"],
            "points": it["points"],
            "band": it["band"],
            "why": it["why"] or None,
        }
    )


def _kept(said: Mapping[str, Any]) -> dict[str, Any]:
    """Without what nobody said: an absent member is "not said", and null would be something else in JSON-LD."""
    return {name: value for name, value in said.items() if value is not None and value != []}


def worded(account: Mapping[str, Any], framework: str, period: str) -> str:
    """The method of one number as Markdown, for a file of its own."""
    lines = [
        f"# {account['name']} ({account['code']})",
        "",
        f"{framework}, {period}: {' / '.join(account['path'])}",
        "",
    ]
    lines += [account["definition"], ""] if account["definition"] else []
    lines += [f"Status: {account['status']}{', provisional' if account['provisional'] else ''}", ""]
    lines += [f"Not computed: {account['fault']}", ""] if account["fault"] else []
    lines += [f"Odd: {one}" for one in account["warnings"]]
    for it in account["points"]:
        lines += ["", f"## {it['name']}", ""]
        value = "not reported" if it["value"] is None else f"{figure(it['value'])} {it['unit']}".rstrip()
        target = "none is set, so it is not scored" if it["target"] is None else f"{figure(it['target'])} {it['unit']}"
        lines += [f"- Value: {value}", f"- Target: {target}"]
        lines += [f"- Formula: `{it['symbols']}`", f"- In words: {it['words']}"] if it["symbols"] else []
        lines += [f"- With its figures: `{it['put_in']}`"] if it["put_in"] else []
    lines += ["", "## What went in", ""]
    for it in account["inputs"]:
        value = "not reported" if it["value"] is None else f"{figure(it['value'])} {it['unit']}"
        more = [it["status"] if it["value"] is not None else "", it["words"], str(it["at"])[:10]]
        lines.append(f"- {it['says']} (`{it['input']}`): {value}; {', '.join(filter(None, more))}".rstrip("; "))
    lines += ["- nothing: the value is entered as it is"] if not account["inputs"] else []
    lines += ["", "## What this stands on", ""]
    lines += [f"- Source: {it['said']}{' ' + it['url'] if it['url'] else ''}" for it in account["sources"]]
    for how, says in (("read", "Read in the standard"), ("recalled", "Recalled, not read"), ("ours", "Ours")):
        named = sorted(name for name, one in account["said"].items() if one == how)
        lines += [f"- {says}: {', '.join(named)}"] if named else []
    lines += [f"- Who usually has the data: {', '.join(account['holders'])}"] if account["holders"] else []
    lines.append(f"- Verified by: {account['verifiedBy'] or 'nobody yet'}")
    return "\n".join(lines) + "\n"
