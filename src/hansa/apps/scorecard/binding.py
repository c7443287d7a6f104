"""KpiBinding: how an input is obtained from what the city knows. It is tried before it is kept, and its trial is shown.

A query over entities or history is asked again by the rounds (`rounds`); a table is asked once, for its file stays as
it is. `bindings/<framework>.json` has the bindings that hansa brings: for Smart Data Models' types, where a city has
them.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from hansa import Act, Asking, BadRequest, City, Delete, Entity, NotFound, Refusal, entity
from hansa.apps.scorecard import asked, evaluating, frameworks, inputs, nouns
from hansa.apps.scorecard.evaluating import Got
from hansa.apps.scorecard.inputs import AGENT, Word
from hansa.apps.scorecard.made import STAFF, app
from hansa.apps.scorecard.nouns import Spell
from hansa.apps.scorecard.queries import Column, How, read
from hansa.apps.scorecard.times import iso

MOST: Final = 2_000
"""Bindings of one city: 150 inputs of ten districts."""
YEARS: Final = 50
"""Periods that one table, or one refresh, fills."""
_AGGREGATED: Final = {"first": "max"}


@lru_cache(20)
def standard(framework: str) -> dict[str, dict[str, Any]]:
    """The bindings that hansa brings for a framework: `how` and `says` by the input's name."""
    file = files("hansa.apps").joinpath("scorecard", "bindings", f"{framework}.json")
    try:
        found: dict[str, dict[str, Any]] = json.loads(file.read_text("utf-8"))["bindings"]
    except FileNotFoundError:
        return {}
    return found


@app.act("bind", "KpiBinding", roles=STAFF, new=True)
def bind(act: Act, city: Asking) -> Iterable[Entity | Delete]:
    """Say how an input is obtained: `framework`, `input`, `how`, and `since` which year. What it gives now is taken."""
    framework = frameworks.in_use(city, act.said.get("framework"))
    name = asked.input_of(framework, act.said.get("input"))
    area = nouns.checked_area(city, act.said.get("area"))
    since = act.said.get("since")
    first = nouns.past_or_running(city, since, "since") if since not in (None, "") else _running(city)
    yield from _bound(act, city, framework, name, area, act.said.get("how"), first)


@app.act("bind_standard", "KpiBinding", roles=STAFF, new=True)
def bind_standard(act: Act, city: Asking) -> Iterable[Entity | Delete]:
    """Take the bindings that hansa brings for a `framework`: all that the city has things for, or those of `inputs`."""
    framework = frameworks.in_use(city, act.said.get("framework"))
    known = standard(framework.id)
    names = act.said.get("inputs")
    if names is not None and (not isinstance(names, list) or not all(isinstance(one, str) for one in names)):
        raise Refusal("inputs is a list of names", where="inputs")
    unknown = [one for one in names or () if one not in known]
    if unknown:
        raise Refusal(f"there is no standard binding of {unknown[0][:80]!r}", where="inputs")
    first, many = _running(city), 0
    for name in known if names is None else dict.fromkeys(names):
        if name not in framework.inputs:
            continue
        if nouns.known(city, nouns.binding_id(framework.id, name, nouns.WHOLE)) is not None:
            continue
        how = read(known[name]["how"])
        if isinstance(how, Column) or (names is None and not city.find(how.type, None, None, 1)):
            continue  # the city has no such things; `missing` says so
        many += 1
        # What each gives is for the next round: a hundred queries are not one person's wait.
        yield _made(act, framework.id, name, nouns.WHOLE, known[name]["how"], first, standard=True)
    if not many:
        raise Refusal("nothing was left to bind", where="framework", mend="GET /desk/scorecard/bindings says why")


@app.act("unbind", "KpiBinding", roles=STAFF)
def unbind(act: Act, _city: City) -> Iterable[Delete]:
    """Obtain it no more. The values stay as they are, until somebody corrects them."""
    yield Delete(act.id)


@app.act("refresh", "KpiBinding", roles=STAFF)
def refresh(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Ask its query again now, for a `period` (else the running year)."""
    one = act.subject
    if one is None:
        raise NotFound(f"there is no binding {act.id[:200]}", where="id")
    framework = frameworks.in_use(city, one.get("framework"))
    period = act.said.get("period")
    when = nouns.past_or_running(city, period) if period not in (None, "") else _running(city)
    yield from refreshed(city, framework, one, when)[0]


def refreshed(city: City, framework: Any, one: Entity, when: Spell) -> tuple[list[Entity | Delete], Got]:
    """What a binding gives for a period, as words; and what came of it."""
    said: list[Entity | Delete] = []
    name, area = str(one.get("input")), str(one.get("area"))
    try:
        how = read(one["how"])
        got = evaluating.evaluate(how, city, when, area)
    except BadRequest as why:
        got = Got(None, fault=why.detail)
    else:
        if isinstance(how, Column):
            return [], got  # it was asked when it was bound, and its file stays as it is
    if name in framework.inputs:
        # What hansa brings is no one's own word; what somebody thought out himself is.
        by = "" if one.get("standard") else str(one.get("by") or "")
        said += _said(city, framework, name, area, when, got, by)
    said += _standing(one, got.fault)
    return said, got


def trial(city: Asking, how: Any, area: str, when: Spell) -> Got:
    """What a `how` would give. Refusal when it cannot be asked."""
    return _asked(city, read(how), when, area)


# ---- Parts


def _bound(
    act: Act, city: Asking, framework: Any, name: str, area: str, said: Any, first: Spell
) -> Iterable[Entity | Delete]:
    how = read(said)
    ident = nouns.binding_id(framework.id, name, area)
    if nouns.known(city, ident) is None and len(city.find("KpiBinding", None, None, MOST)) >= MOST:
        raise Refusal(f"{MOST:,} inputs are bound; no more are", where="input")
    now = _running(city)
    years = range(int(first.period), int(now.period) + 1)[:YEARS]
    spells = [nouns.spell(city, str(year)) for year in years] if how.lasting else [now]
    gave = [(when, _asked(city, how, when, area)) for when in spells]
    if all(got.value is None for _, got in gave):
        raise Refusal(
            gave[-1][1].fault or "it gives no value", where="how", mend="GET /desk/scorecard/trial shows what it gives"
        )
    yield _made(act, framework.id, name, area, said, first, standard=False)
    for when, got in gave:
        before = nouns.known(city, nouns.input_id(framework.id, name, area, when.period))
        if _stands(before):
            if when.running or len(gave) == 1:
                raise Refusal(
                    f"{name} of {when.period} was said by somebody",
                    where="input",
                    mend="say since a later year, or mark that value as not reported first",
                )
            continue  # a value that somebody has said of an older year stays
        yield from _said(city, framework, name, area, when, got, act.by, before)


def _made(
    act: Act, framework: str, name: str, area: str, how: Mapping[str, Any], first: Spell, *, standard: bool
) -> Entity:
    return entity(
        "KpiBinding",
        nouns.binding_id(framework, name, area),
        framework=framework,
        input=name,
        area=area,
        how=dict(how),
        since=first.period,
        status="working",
        standard=standard,
        by=act.by,
        at=iso(act.at),
    )


def _said(
    city: City, framework: Any, name: str, area: str, when: Spell, got: Got, by: str, before: Entity | None = None
) -> Iterable[Entity | Delete]:
    """A query's value as a word; what somebody else has said stands, and no value leaves the last one as it was."""
    ident = nouns.input_id(framework.id, name, area, when.period)
    before = before or nouns.known(city, ident)
    if _stands(before):
        return
    value = got.value
    word = Word(
        name, area, when, value, "reported" if value is not None else "not reported", got.lineage.get("how", "query"),
        AGENT, city.now(),
        lineage={**got.lineage, "by": by} if by else got.lineage,
        reason="" if value is not None else got.fault,
        completeness=got.completeness,
        label=got.label,
    )  # fmt: skip
    if inputs.same(word, before) and before is not None and _alike(before, word):
        return  # the same by the same things: only the time of asking is another
    yield from inputs.said(framework, word, before)


def _stands(before: Entity | None) -> bool:
    """Whether somebody has said what it is, or that there is no such thing: no query says it over."""
    if before is None or before.get("by") == AGENT:
        return False
    return inputs.is_known(before) or before.get("status") == "not applicable"


def _alike(before: Entity, word: Word) -> bool:
    """Whether an input would say nothing new: neither value, nor by what it is known, nor how much of it came."""
    was, now = dict(before.get("lineage") or {}), dict(word.lineage)
    for one in (was, now):
        one.pop("asOf", None)
        one.pop("until", None)
    whole = None if word.completeness is None else round(word.completeness, 4)
    return was == now and before.get("completeness") == whole and bool(before.get("provisional")) == word.spell.running


def _standing(one: Entity, fault: str) -> Iterable[Entity | Delete]:
    status = "failing" if fault else "working"
    if one.get("status") != status or one.get("fault", "") != fault:
        yield entity("KpiBinding", one.id, status=status, fault=fault or None)
        if not fault and "fault" in one:
            yield Delete(one.id, "fault")


def _asked(city: Asking, how: How, when: Spell, area: str) -> Got:
    return _of_table(city, how, when) if isinstance(how, Column) else evaluating.evaluate(how, city, when, area)


def _of_table(city: Asking, how: Column, when: Spell) -> Got:
    """What a column of a table gives. Raises what the table does where there is none, or no such column."""
    conditions = [{"column": name, "op": op, "value": value} for name, op, value in how.where]
    if how.period_column:
        conditions.append({"column": how.period_column, "op": "==", "value": int(when.period)})
    measures = [
        {"of": how.column, "as": _AGGREGATED.get(how.aggregate, how.aggregate), "name": "value"},
        {"of": how.column, "as": "count", "name": "rows"},
    ]
    answer = city.tables.ask({"table": how.sha256, "where": conditions, "by": [], "measures": measures, "limit": 1})
    names = [one["name"] if isinstance(one, Mapping) else one for one in answer["columns"]]
    row = dict(zip(names, answer["rows"][0], strict=True)) if answer["rows"] else {}
    value, rows = row.get("value"), int(row.get("rows") or 0)
    told = {"how": "table", "table": how.sha256, "column": how.column, "aggregate": how.aggregate, "rows": rows}
    told |= {"where": conditions}
    if not rows or not isinstance(value, int | float) or isinstance(value, bool):
        return Got(None, told, 0.0, fault=f"the table has no {how.column} for {when.period}")
    if how.aggregate == "first" and rows > 1:
        return Got(None, told, fault=f"{rows} rows are meant; one value is of one row, or a sum")
    return Got(float(value) * how.scale, told, 1.0)


def _running(city: City) -> Spell:
    return nouns.spell(city, nouns.period_of(city, city.now()))
