"""The sheet that a city officer fills in: a row for each input, with who usually has it and what is known already."""

from collections.abc import Mapping
from typing import Any, Final

from hansa import Answer, City, Entity, Refusal, sheets
from hansa.apps.scorecard import frameworks, inputs, nouns
from hansa.apps.scorecard.made import READERS, app

HEADER: Final = (
    "framework", "period", "area", "input", "codes", "says", "unit", "holder", "value", "status", "evidence", "reason",
)  # fmt: skip
WIDTHS: Final = (11, 8, 8, 30, 26, 46, 12, 28, 16, 15, 46, 30)
_HELP: Final = (
    ("What to fill in", ""),
    ("value", "A number alone: 1234.5 or 1 234,5. No unit, no text, no formula without its result."),
    ("", "Leave it empty where you do not know."),
    ("unit", "Leave it, or write another unit of the same kind (m for km): the value is converted."),
    ("", "Ppm and ug/m3 are not of one kind."),
    ("status", "reported (or empty, with a value) | not reported | not applicable. Of the two latter say the reason."),
    ("evidence", "Where the number is from: a document, or a link to it."),
    ("reason", "Why there is no value."),
    ("Rows", "May be sorted, left out, or doubled for other years. An empty value says nothing."),
    ("Years", "A year that has not begun is refused. What is of the running year is provisional."),
    ("Checks", "All of the sheet is taken, or nothing, with a report by cell."),
    ("Known values", "Are filled in. Another number needs: correct, and a reason."),
)  # fmt: skip


@app.view("template", roles=READERS)
def template(said: Mapping[str, str], city: City) -> Answer:
    """The sheet of a `framework` and `period` as `kind` xlsx or csv; only what a `holder` has, if one is named."""
    framework = frameworks.in_use(city, said.get("framework"))
    spell = nouns.past_or_running(city, said.get("period"))
    area = nouns.checked_area(city, said.get("area"))
    rows = [list(HEADER), *_rows(city, framework, spell.period, area, str(said.get("holder") or ""))]
    name = f"{framework.id}-{spell.period}"
    kind = said.get("kind") or "xlsx"
    if kind == "csv":
        # With the mark by which spreadsheets know UTF-8.
        body = ("\ufeff" + sheets.csv_of(rows)).encode()
        return Answer(body, "text/csv; charset=utf-8", f"{name}.csv")
    if kind != "xlsx":
        raise Refusal("a template is xlsx or csv", where="kind")
    page = sheets.Sheet(f"{framework.id} {spell.period}", rows, widths=WIDTHS, header=1)
    notes = sheets.Sheet("How to fill in", [list(one) for one in _HELP], widths=(18, 120), header=1)
    return Answer(sheets.write([page, notes]), sheets.XLSX, f"{name}.xlsx")


def _rows(city: City, framework: Any, period: str, area: str, holder: str) -> list[list[Any]]:
    known = {str(one.get("input")): one for one in nouns.inputs(city, framework.id, period, area)}
    made = []
    for name, spec in framework.inputs.items():
        holders = holders_of(framework, name)
        if holder and holder not in holders:
            continue
        one = known.get(name)
        stands = one is not None and inputs.is_known(one)
        status = str(one.get("status")) if one is not None else ""
        made.append(
            [
                framework.id,
                period,
                area,
                name,
                ", ".join(framework.uses.get(name, ())),
                spec.says,
                spec.unit,
                ", ".join(holders),
                one["value"] if one is not None and stands else None,
                "reported" if stands else status,
                _evidence(one),
                str(one.get("reason", "")) if one is not None else "",
            ]
        )
    return made


def holders_of(framework: Any, name: str) -> list[str]:
    """Who usually has an input: the holders of the indicators that use it."""
    found = (holder for code in framework.uses.get(name, ()) for holder in framework.indicators[code].holders)
    return list(dict.fromkeys(found))[:5]


def _evidence(one: Entity | None) -> str:
    said = (one.get("evidence") or {}) if one is not None else {}
    return str(said.get("url") or said.get("text") or "")
