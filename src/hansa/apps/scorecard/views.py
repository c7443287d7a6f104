"""What staff ask of inputs: how they stand, what is missing and who has it, what a binding would give."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from hansa import Asking, City, Entity, NotFound, Refusal, kpi, windows
from hansa.apps.scorecard import asked, binding, frameworks, inputs, nouns
from hansa.apps.scorecard.made import READERS, app
from hansa.apps.scorecard.queries import Column, read
from hansa.apps.scorecard.template import holders_of
from hansa.apps.scorecard.times import iso

_ROW: Final = (
    "value", "status", "reason", "how", "provisional", "completeness", "evidence", "by", "at", "verifiedBy",
    "verifiedAt",
)  # fmt: skip


@app.view("frameworks", roles=READERS)
def _frameworks(_asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """The frameworks that ship, and the city's own: which of them it uses, and of which years something is known."""
    stands = {str(one.get("framework")): one for one in nouns.of_kind(city, "KpiFramework")}
    rows = []
    for name in dict.fromkeys([*kpi.frameworks(), *stands]):
        one, framework = stands.get(name), frameworks.of(city, name)
        used = one is not None and one.get("status") == "used"
        periods = sorted({str(it.get("period")) for it in nouns.indicators(city, name, None, None)}) if used else []
        rows.append(
            {
                "id": name,
                "name": framework.name,
                "edition": framework.edition,
                "used": used,
                "own": bool(one.get("own")) if one is not None else False,
                "indicators": len(framework.indicators),
                "periods": periods,
                "by": one.get("by") if one is not None else None,
                "at": one.get("at") if one is not None else None,
                "standard": sum(it in framework.inputs for it in binding.standard(name)),
            }
        )
    return {"frameworks": rows}


@app.view("inputs", roles=READERS)
def _inputs(said: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Every input of a `framework` and `period`: its value and how it is known, or who usually has it."""
    framework, spell, area = _asked_for(said, city)
    names = list(framework.inputs)
    if said.get("code"):
        names = list(asked.indicator_of(framework, said["code"]).inputs)
    known = {str(one.get("input")): one for one in nouns.inputs(city, framework.id, spell.period, area)}
    bound = {str(one.get("input")): one for one in nouns.of_kind(city, "KpiBinding", framework=framework.id, area=area)}
    rows = [_row(framework, name, known.get(name), bound.get(name), city.by) for name in names]
    counts = Counter(str(row["status"] or "nothing") for row in rows)
    states = ("reported", "verified", "not reported", "not applicable", "nothing")
    return {
        "framework": framework.id,
        "period": spell.period,
        "area": area,
        "running": spell.running,
        "rows": rows,
        "counts": {state: counts[state] for state in states},
    }


@app.view("input", roles=READERS)
def _input(said: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """One input (`id`): by what it is known, what it was before, and which indicators use it."""
    one = _known_input(said, city)
    framework = frameworks.of(city, str(one.get("framework")))
    name = str(one.get("input"))
    bound = nouns.known(city, nouns.binding_id(framework.id, name, str(one.get("area"))))
    # What is no number is that it was taken away.
    past = [
        {"at": iso(point.at), "value": windows.number(point.value)} for point in city.history(one.id, "value", last=50)
    ]
    row = _row(framework, name, one, bound, city.by) if name in framework.inputs else {"input": name, "id": one.id}
    more = {"period": one.get("period"), "area": one.get("area"), "framework": framework.id}
    return row | more | {
        "lineage": one.get("lineage"),
        "correction": one.get("correction"),
        "history": past,
        "dependants": sorted(framework.uses.get(name, ())),
    }  # fmt: skip


@app.view("bindings", roles=READERS)
def _bindings(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """What is bound of a `framework`, and what hansa could bind: whether the city has things for it."""
    framework = frameworks.of(city, str(said.get("framework") or ""))
    area = nouns.checked_area(city, said.get("area"))
    found = nouns.of_kind(city, "KpiBinding", framework=framework.id, area=area)
    period = nouns.period_of(city, city.now())
    names = ("input", "how", "status", "fault", "standard", "since", "by", "at")
    rows = []
    for one in sorted(found, key=lambda it: str(it.get("input"))):
        now = nouns.known(city, nouns.input_id(framework.id, str(one.get("input")), area, period))
        more = {name: now.get(name) if now is not None else None for name in ("value", "completeness")}
        rows.append({"id": one.id, **{name: one.get(name) for name in names}, "says": _says(one), **more})
    bound = {row["input"] for row in rows}
    kinds: dict[str, bool] = {}
    offered = []
    for name, it in binding.standard(framework.id).items():
        if name not in framework.inputs:
            continue
        how = read(it["how"])
        kind = "" if isinstance(how, Column) else how.type
        if kind not in kinds:
            kinds[kind] = bool(city.find(kind, None, None, 1))
        offered.append(
            {
                "input": name,
                "how": it["how"],
                "says": how.says(),
                "note": it.get("note"),
                "bound": name in bound,
                "here": kinds[kind],
            }
        )
    return {"bindings": rows, "standard": offered}


@app.view("trial", roles=READERS)
def _trial(said: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What a `how` (JSON) would give for an `input` of a `framework`; it changes nothing."""
    framework, spell, area = _asked_for(said, city)
    name = asked.input_of(framework, said.get("input"))
    try:
        how = json.loads(said.get("how") or "")
    except (ValueError, RecursionError):
        raise Refusal("how is JSON", where="how") from None
    got = binding.trial(city, how, area, spell)
    return {
        "value": got.value,
        "unit": framework.inputs[name].unit,
        "completeness": got.completeness,
        "provisional": spell.running,
        "lineage": got.lineage,
        "period": spell.period,
        "says": read(how).says(),
        "fault": got.fault or None,
    }


@app.view("missing", roles=READERS)
def _missing(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """Which indicators of a `framework` and `period` are not computed, for want of what, and who usually has it."""
    framework, spell, area = _asked_for(said, city)
    known = {str(one.get("input")): one for one in nouns.inputs(city, framework.id, spell.period, area)}
    offered = binding.standard(framework.id)
    values = {name: float(one["value"]) for name, one in known.items() if inputs.is_known(one)}
    rows = []
    for code, indicator in framework.indicators.items():
        results, faults = kpi.computed(indicator, values)
        lacking = [name for name in indicator.inputs if name not in values]
        if not faults and len(results) == len(indicator.points):
            continue
        rows.append(
            {
                "code": code,
                "name": indicator.name,
                "path": list(indicator.path),
                "partly": bool(results),
                "faults": [one.says for one in faults],
                "inputs": [_lack(indicator, name, known.get(name), name in offered) for name in lacking],
                "holders": list(indicator.holders),
            }
        )
    none = sum(not row["partly"] for row in rows)
    return {"computed": len(framework.indicators) - none, "all": len(framework.indicators), "missing": rows}


# ---- Parts


def _asked_for(said: Mapping[str, str], city: City) -> tuple[Any, nouns.Spell, str]:
    framework = frameworks.in_use(city, said.get("framework"))
    spell = nouns.past_or_running(city, said.get("period") or nouns.period_of(city, city.now()))
    return framework, spell, nouns.checked_area(city, said.get("area"))


def _known_input(said: Mapping[str, str], city: City) -> Entity:
    found = nouns.known(city, str(said.get("id") or "urn:ngsi-ld:KpiInput:none"))
    if found is None or "KpiInput" not in found.types:
        raise NotFound("there is no such input", where="id")
    return found


def _row(framework: Any, name: str, one: Entity | None, bound: Entity | None, by: str) -> dict[str, Any]:
    spec = framework.inputs[name]
    told = {key: one.get(key) if one is not None else None for key in _ROW}
    told["binding"] = None
    if bound is not None:
        told["binding"] = {"id": bound.id, "says": _says(bound)} | {
            key: bound.get(key) for key in ("status", "fault", "how")
        }
    open_ = one is not None and one.get("status") == "reported" and not one.get("provisional")
    return {
        "input": name,
        "says": spec.says,
        "unit": spec.unit,
        "codes": sorted(framework.uses.get(name, ())),
        "holders": holders_of(framework, name),
        "id": one.id if one is not None else None,
        **told,
        # Whether whoever asks may say that it is so: not of what he said, nor of a year that still runs.
        "verifiable": open_ and one is not None and not inputs.is_word_of(one, by),
    }


def _lack(indicator: Any, name: str, one: Entity | None, standard: bool) -> dict[str, Any]:
    spec = indicator.inputs[name]
    return {
        "input": name,
        "says": spec.says,
        "unit": spec.unit,
        "status": one.get("status") if one is not None else None,
        "reason": one.get("reason") if one is not None else None,
        "standard": standard,
    }


def _says(bound: Entity) -> str:
    try:
        return read(bound.get("how")).says()
    except Refusal as why:
        return why.detail
