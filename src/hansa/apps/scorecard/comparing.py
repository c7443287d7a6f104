"""KpiCity: what other cities have published, or say by federation, and where it is from: to compare, never scored."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import Act, BadRequest, City, Entity, Refusal, entity, sheets
from hansa.apps.scorecard import asked, frameworks, nouns, reading
from hansa.apps.scorecard.made import READERS, STAFF, app
from hansa.apps.scorecard.times import iso
from hansa.apps.scorecard.uploading import Unsound

VALUES: Final = 500
"""Of one act: a city's whole report of five years."""
COLUMNS: Final = ("city", "code", "point", "period", "value", "unit", "source")


@app.act("compare", "KpiCity", roles=STAFF, new=True, files=1, kinds=("sheet",))
def compare(act: Act, city: City) -> Iterable[Entity]:
    """Take other cities' `values` of a `framework`: city, code, point, period, value, unit, source; or a sheet."""
    framework = frameworks.in_use(city, act.said.get("framework"))
    values = _rows(act) if act.files else act.said.get("values")
    if not isinstance(values, list) or not values:
        raise Refusal("values is a list", where="values", mend=f"each with {', '.join(COLUMNS)}")
    if len(values) > VALUES:
        raise Refusal(f"more than {VALUES} values at once", where="values")
    made: dict[str, Entity] = {}
    faults = []
    for n, one in enumerate(values):
        try:
            found = _value(city, framework, one, act)
        except BadRequest as wrong:
            where = f"values[{n}].{wrong.where or ''}".rstrip(".")
            faults.append({"row": n + 1, "cell": where, "took": False, "says": wrong.detail, "mend": wrong.mend or ""})
            continue
        if found.id in made and made[found.id]["value"] != found["value"]:
            faults.append(
                {
                    "row": n + 1,
                    "cell": f"values[{n}].value",
                    "took": False,
                    "says": "two values for one period",
                    "mend": "keep one",
                }
            )
        made[found.id] = found
    if faults:
        raise Unsound(
            f"{len(faults)} values cannot be taken; the first is {faults[0]['cell']}: {faults[0]['says']}", faults
        )
    yield from made.values()


@app.view("cities", roles=READERS)
def cities(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """Other cities' values of a `framework`, of one `code` or all."""
    framework = nouns.checked_framework(said.get("framework"))
    names = ("city", "code", "point", "period", "value", "unit", "source", "federated")
    found = nouns.of_kind(city, "KpiCity", framework=framework, code=said.get("code") or None)
    rows = [{name: one.get(name) for name in names} for one in found]
    return {"cities": sorted(rows, key=lambda row: [str(row[name]) for name in names[:4]])}


def _value(city: City, framework: Any, said: Any, act: Act) -> Entity:
    if not isinstance(said, Mapping) or (extra := sorted(set(map(str, said)) - {*COLUMNS, "federated"})):
        raise Refusal("a value has " + ", ".join(COLUMNS), where=extra[0][:40] if isinstance(said, Mapping) else "")
    place = asked.text(said, "city", nouns.WORD)
    indicator = asked.indicator_of(framework, said.get("code"))
    point = str(said.get("point") or "")
    if point not in indicator.points:
        raise Refusal(
            f"{indicator.code} has no data point {point[:80]!r}", where="point", mend=", ".join(indicator.points)
        )
    period = nouns.past_or_running(city, said.get("period")).period
    spec = indicator.points[point]
    value = asked.number(said.get("value"), "value")
    value = asked.in_unit(value, said.get("unit"), spec.unit or indicator.unit or "")
    low, high = spec.range
    if (low is not None and value < low) or (high is not None and value > high):
        raise Refusal(f"{value:g} is not between {low} and {high}", where="value")
    source = asked.text(said, "source", 1_000)
    if not asked.is_link(source):
        raise Refusal("the source is a link to where it was published", where="source", mend="https://...")
    made = entity(
        "KpiCity",
        nouns.city_id(framework.id, place, indicator.code, point, period),
        framework=framework.id,
        code=indicator.code,
        point=point,
        city=place,
        period=period,
        value=value,
        unit=spec.unit or indicator.unit,
        source=source,
        federated=asked.flag(said, "federated"),
        by=act.by,
        at=iso(act.at),
    )
    made.label = "smart"
    return made


def _rows(act: Act) -> list[dict[str, Any]]:
    """The values of a sheet with these columns, in any order; numbers as people write them."""
    found = []
    for sheet in sheets.read(act.files[0].body, act.files[0].kind):
        names: list[str] = []
        for row in sheet.rows:
            words = [str(one).strip().lower() if one is not None else "" for one in row]
            if not names:
                names = words if {"city", "code", "value"} <= set(words) else []
                continue
            said = {name: one for name, one in zip(names, row, strict=False) if name in COLUMNS and one is not None}
            if said:
                said["value"] = _number(said.get("value"))
                found.append(said)
        if len(found) > reading.ROWS:
            raise Refusal(f"more than {reading.ROWS:,} rows", where="file")
    return found


def _number(said: Any) -> Any:
    try:
        return sheets.number(said) if isinstance(said, str) else said
    except BadRequest:
        return said  # told with its row, as what it is
