"""`GET /desk/opendata/explore`: a plot of what is published, by the address that says it (`explore`). Anybody may ask.

    {"spec": {parameters, all that was chosen said}, "plot", "dataset": {"id", "title", ...}, "joined",
     "axes": {"x", "y", "by", "lat"}: {"name", "type", "unit", "bin", "agg", "at": place in a row},
     "columns", "rows": at most 2,000, "series": [...], "more", "hidden": series not shown, "sampled", "of": rows in
     all,
     "choices": {"columns": [...], "datasets": [...]}}

With `form=csv` the same rows are a file. Held by tests/apps/test_explore.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hansa import Answer, Asking, Refusal, sheets
from hansa.apps.opendata import usage
from hansa.apps.opendata.dataset import release_of
from hansa.apps.opendata.explore import Column, Spec, joined, pairs, read, said_of, where
from hansa.apps.opendata.made import app
from hansa.apps.opendata.plan import BARS, POINTS, SERIES, Plan, planned
from hansa.apps.opendata.published import Published, get, published

_OFFERED = 300
"""Datasets that a list to choose from has."""
_FEW = 20
"""Groups of bars side by side."""


@app.view("explore", public=True)
def explore(asked: Mapping[str, str], city: Asking) -> Any:
    """A plot: parameters as in `explore`, `lang`, and `form=csv` for a file. Refusal, NotFound, Gone, Busy."""
    spec = read(asked)
    language = asked.get("lang", "")
    look = _Look(city, spec)
    told = look.told()
    for one in (look.one, look.other):
        if one is not None:
            usage.count(city, None, one.id, "api")
    if asked.get("form") == "csv":
        rows = [[one["name"] for one in told["columns"]], *told["rows"]]
        return Answer(sheets.csv_of(rows).encode(), "text/csv; charset=utf-8", f"{look.one.id}-{told['plot']}.csv")
    if asked.get("form"):
        raise Refusal("it is given as csv, or as JSON", where="form")
    return told | {
        "dataset": _named(look.one, language) | {"version": look.versions[0]},
        "joined": _named(look.other, language) | {"version": look.versions[1]} if look.other is not None else None,
        "choices": {
            "columns": [_column(one) for one in look.columns.values()],
            "datasets": [
                {"id": one.id, "title": text_in(one.title, language) or one.id}
                for one in published(city)[:_OFFERED]
                if one.table
            ],
        },
    }


def text_in(texts: Mapping[str, str], language: str) -> str:
    """A text in a language, else in English, else in any."""
    return str(texts.get(language) or texts.get("en") or next(iter(texts.values()), ""))


def _named(one: Published, language: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": text_in(one.title, language) or one.id,
        "version": one.version,
        "modified": one.modified,
        "licence": one.licence_code,
        "publisher": _called(one, language),
    }


def _called(one: Published, language: str) -> str:
    said = one.publisher.get("name")
    return text_in(said, language) if isinstance(said, Mapping) else str(said or "")


def _column(one: Column) -> dict[str, Any]:
    return {"name": one.name, "type": one.type, "unit": one.unit, "table": one.table}


class _Look:
    """One question: the tables, what is chosen of them, and what they answer."""

    def __init__(self, city: Asking, spec: Spec) -> None:
        self.city = city
        self.one = get(city, spec.dataset)
        self.other = get(city, spec.join) if spec.join else None
        self.versions = [self.one.version, self.other.version if self.other is not None else 0]
        table, self.rows = self._release(self.one, 0, spec)
        mine = self._columns(self.one, table)
        self.query: dict[str, Any] = {"table": table}
        self.columns = mine
        if self.other is not None:
            table, _ = self._release(self.other, 1, spec)
            theirs = self._columns(self.other, table)
            on = pairs(spec.on, mine, theirs)
            self.query["join"] = {"table": table, "on": on}
            self.columns = joined(mine, theirs)
            spec = replace(spec, on=said_of(on))
        self.query["where"] = where(spec, self.columns)
        self.spec = spec

    def _release(self, one: Published, place: int, spec: Spec) -> tuple[str, int]:
        """The table that is meant, and how many rows it has. Refusal, NotFound."""
        if place < len(spec.versions):
            self.versions[place] = spec.versions[place]
            found = release_of(self.city, one.id, spec.versions[place])
            return str(found["sha256"]), int(found.get("rows") or 0)
        if not one.table:
            raise Refusal(f"{one.id} has no release yet", where="d", mend="its live data is at its API addresses")
        return one.table, one.rows

    def _columns(self, one: Published, table: str) -> dict[str, Column]:
        units = {str(it.get("name")): str(it.get("unit") or "") for it in one.columns}
        return {
            it["name"]: Column(
                it["name"],
                it["type"],
                units.get(it["name"], ""),
                it.get("low"),
                it.get("high"),
                int(it.get("distinct") or 0),
            )
            for it in self.city.tables.columns(table)
        }

    def _ask(self, **more: Any) -> dict[str, Any]:
        conditions = [*self.query["where"], *more.pop("where", ())]
        return self.city.tables.ask(self.query | {"where": conditions} | more)

    def told(self) -> dict[str, Any]:
        """The plot."""
        plan = planned(self.spec, self.columns, self.rows)
        if self.spec.filters or self.other is not None:
            plan = self._narrowed(plan)
        known = plan.told()
        series: list[Any] = []
        hidden = False
        if plan.by is not None:
            if plan.by.type in {"time", "geometry"}:
                raise Refusal(f"{plan.by.name} does not tell lines apart", where="by", mend="choose a text")
            series, hidden = self._most(plan.by, known, SERIES)
            known.append({"column": plan.by.name, "op": "in", "value": series})
        found = self._found(plan, known)
        return {
            "spec": self._spec(plan).address(),
            "plot": plan.plot,
            "axes": _axes(plan, found["columns"]),
            "series": series,
            "hidden": hidden,
            "sampled": plan.plot == "scatter" and len(found["rows"]) >= POINTS,
            "of": self.rows,
            **found,
        }

    def _narrowed(self, plan: Plan) -> Plan:
        """How fine, where a part of the rows is looked at: as fits that part."""
        measures: list[dict[str, Any]] = [{"as": "count", "name": "n"}]
        axes = [one for one in (plan.x, plan.lat) if one is not None and (one.numeric or one.type == "time")]
        for n, one in enumerate(axes):
            measures += [{"of": one.name, "as": how, "name": f"{how}{n}"} for how in ("min", "max", "distinct")]
        (row,) = self._ask(measures=measures)["rows"]
        self.rows = row[0]
        for n, one in enumerate(axes):
            low, high, distinct = row[1 + 3 * n : 4 + 3 * n]
            self.columns[one.name] = replace(one, low=low, high=high, distinct=distinct)
        return planned(self.spec, self.columns, self.rows)

    def _most(self, column: Column, known: list[dict[str, Any]], most: int) -> tuple[list[Any], bool]:
        """The values of a column that most rows have, and whether there are others."""
        said = {"column": column.name, "op": "!=", "value": None}
        order = [["n", "desc"], [column.name, "asc"]]
        measures = [{"as": "count", "name": "n"}]
        found = self._ask(where=[*known, said], by=[column.name], measures=measures, order=order, limit=most)
        return [row[0] for row in found["rows"]], found["more"]

    def _found(self, plan: Plan, known: list[dict[str, Any]]) -> dict[str, Any]:
        by = [plan.by.name] if plan.by is not None else []
        if plan.plot == "scatter" and plan.y is not None:
            names = list(dict.fromkeys([plan.x.name, plan.y.name, *by]))
            return self._ask(where=known, columns=names, sample=POINTS, limit=POINTS)
        if plan.plot == "map" and plan.lat is not None:
            return self._mapped(plan, known, plan.lat)
        more = False
        ordered = [[plan.x.name, "asc"]]
        if plan.plot == "bar" and plan.bin is None:
            if by:
                shown, more = self._most(plan.x, known, _FEW)
                known = [*known, {"column": plan.x.name, "op": "in", "value": shown}]
            elif not plan.x.numeric:
                ordered = [[plan.measured, "desc"], *ordered]
        limit = BARS if plan.plot == "bar" and plan.bin is None and not by else POINTS
        found = self._ask(
            where=known, by=[plan.cut(), *by], measures=[plan.measure()], order=[*ordered, *by], limit=limit
        )
        return found | {"more": found["more"] or more}

    def _mapped(self, plan: Plan, known: list[dict[str, Any]], lat: Column) -> dict[str, Any]:
        cuts: list[Any] = [
            one.name if plan.bin is None else {"column": one.name, "to": plan.bin} for one in (plan.x, lat)
        ]
        measures = [plan.measure()]
        if plan.y is not None:
            measures.append(
                {"as": "count", "name": "count"} if plan.measured != "count" else {"as": "count", "name": "rows"}
            )
        label = next((name for name in ("name", "id") if name in self.columns and plan.bin is None), "")
        if label:
            measures.append({"of": label, "as": "min", "name": label})
        return self._ask(where=known, by=cuts, measures=measures, limit=POINTS)

    def _spec(self, plan: Plan) -> Spec:
        """All that was chosen, so that the address says it from now on; how fine only where somebody said it."""
        return replace(
            self.spec,
            plot=plan.plot,
            x="" if plan.plot == "map" else plan.x.name,
            y=plan.y.name if plan.y is not None else "",
            agg="" if plan.plot in {"scatter", "hist"} else plan.agg,
            by=plan.by.name if plan.by is not None else "",
        )


def _axes(plan: Plan, columns: list[dict[str, Any]]) -> dict[str, Any]:
    places = {one["name"]: n for n, one in enumerate(columns)}
    axes: dict[str, Any] = {"x": _column(plan.x) | {"at": places[plan.x.name], "bin": plan.bin}}
    axes["y"] = {
        "name": plan.y.name if plan.y is not None else "",
        "unit": plan.y.unit if plan.y is not None and plan.agg not in {"count", "distinct"} else "",
        "agg": "" if plan.plot == "scatter" else plan.agg,
        "at": places[plan.measured],
    }
    axes["by"] = _column(plan.by) | {"at": places[plan.by.name]} if plan.by is not None else None
    axes["lat"] = _column(plan.lat) | {"at": places[plan.lat.name]} if plan.lat is not None else None
    return axes
