"""What is asked of strategy: the plan, one measure, the register, the profile, the loop, money, shared blocks."""

from collections.abc import Mapping
from typing import Any

from hansa import City, Entity, NotFound, saying
from hansa.apps.strategy import appraising, blocks, loop, outcome, profile, register
from hansa.apps.strategy.measure import KIND, content
from hansa.apps.strategy.words import MEASURES, NEXT, REMIND_DAYS, STAGES

Told = dict[str, Any]
PROFILE = "urn:ngsi-ld:StrategyProfile:city"
REUSE = 0.25
"""Of what a block would cost alone, what joining it costs; where whoever asks says nothing else."""


def plan(_asked: Mapping[str, str], city: City) -> Told:
    """Every measure on a time line, with phases, sums by currency and by who pays, and what begins too early."""
    listed = sorted(_measures(city), key=lambda one: (str(one.get("from")), str(one.get("name"))))
    by = {one.id: one for one in listed}
    today = saying.iso(city.now())[:10]
    soon = saying.iso(city.now() + REMIND_DAYS * outcome.DAY)[:10]
    return {
        "today": today,
        "phases": _profile(city).get("phases", []),
        "measures": [_line(one, today, soon) | {"early": _early(one, by)} for one in listed],
        "money": _money(listed),
        "departments": sorted({str(one.get("department")) for one in listed}),
    }


def one(asked: Mapping[str, str], city: City) -> Told:
    """One measure with all that hangs on it."""
    found = _measure(asked, city)
    today = saying.iso(city.now())[:10]
    outcomes = city.find("MeasureOutcome", f'measure=="{found.id}"', limit=50)
    listed = {name: city.find(name, limit=MEASURES) for name in ("Agreement", "RegulatoryRule", "Sandbox")}
    beside = {
        name: [_entry(it, today) for it in some if found.id in (it.get("measures") or ())]
        for name, some in listed.items()
    }
    waiting = [it for it in _measures(city) if found.id in (it.get("dependsOn") or ())]
    return (
        {"id": found.id, "status": found.get("status"), "next": sorted(NEXT.get(str(found.get("status")), ()))}
        | content(found)
        | {"decisions": found.get("decisions") or [], "outcomes": [_outcome(it) for it in outcomes]}
        | {"agreements": beside["Agreement"], "rules": beside["RegulatoryRule"], "sandboxes": beside["Sandbox"]}
        | {"needs": [_name(city, it) for it in found.get("dependsOn") or ()]}
        | {"neededBy": [{"id": it.id, "name": it.get("name")} for it in waiting]}
    )


def registered(_asked: Mapping[str, str], city: City) -> Told:
    """Agreements, rules and sandboxes, with how each stands today."""
    today = saying.iso(city.now())[:10]
    kinds = {"agreements": "Agreement", "rules": "RegulatoryRule", "sandboxes": "Sandbox"}
    return {"today": today} | {
        word: sorted((_entry(it, today) for it in city.find(kind, limit=MEASURES)), key=lambda it: str(it["name"]))
        for word, kind in kinds.items()
    }


def profiled(_asked: Mapping[str, str], city: City) -> Told:
    """The kind of city, why, its stage, and what opens the next; with the questions, for whoever answers them."""
    said = _profile(city)
    stage = said.get("stage") or STAGES[0]
    following = STAGES[STAGES.index(stage) + 1] if stage in STAGES[:-1] else None
    criteria = (said.get("gates") or {}).get(following) or []
    held = loop.opened(city, criteria)
    return {
        "answers": said.get("answers") or {},
        "judged": profile.judged(said.get("answers") or {}),
        "said": said.get("said"),
        "stage": stage,
        "stages": list(STAGES),
        "next": following,
        "gates": said.get("gates") or {},
        "criteria": held,
        "open": bool(held) and all(it["state"] == "met" for it in held),
        "phases": said.get("phases") or [],
        "questions": {
            name: {"asks": asks, "choices": {key: words for key, (words, _, _) in choices.items()}}
            for name, (asks, choices) in profile.QUESTIONS.items()
        },
        "types": dict(profile.TYPES),
        "how": "The three kinds are the report's (2.4.1); which answers speak for which is this project's reading. The "
        "names of the stages are those of ITU-T Y.4904, from memory; what opens them, the city has written down.",
    }


def looped(asked: Mapping[str, str], city: City) -> Told:
    """Index, gap, measures, next stage."""
    told = loop.loop(city)
    reviews = [_outcome(it) for it in city.find("MeasureOutcome", limit=500)]
    where = profiled(asked, city)
    stage = {name: where[name] for name in ("stage", "next", "criteria", "open")}
    return told | {"stage": stage, "outcomes": sorted(reviews, key=lambda it: str(it["reviewAt"]), reverse=True)}


def reviews(_asked: Mapping[str, str], city: City) -> Told:
    """What is due to be looked at, and what came of what was."""
    today = saying.iso(city.now())[:10]
    soon = saying.iso(city.now() + REMIND_DAYS * outcome.DAY)[:10]
    listed = [one for one in _measures(city) if one.get("status") in outcome.LIVE and one.get("reviewAt")]
    due = sorted((_line(one, today, soon) for one in listed), key=lambda it: str(it["reviewAt"]))
    told = [_outcome(it) for it in city.find("MeasureOutcome", limit=1_000)]
    return {"today": today, "due": due, "outcomes": sorted(told, key=lambda it: str(it["reviewAt"]), reverse=True)}


def money(asked: Mapping[str, str], city: City) -> Told:
    """What one measure is worth, on assumptions that are all told."""
    return appraising.appraisal(asked, city, _measure(asked, city))


def shared(asked: Mapping[str, str], city: City) -> Told:
    """Building blocks that several measures need, and what sharing them would save."""
    reuse = saying.figure(asked, "reuse", REUSE, 0, 1)
    plans = [_plan(one) for one in _measures(city) if one.get("status") not in {"dropped", "done"}]
    found = blocks.shared(plans, reuse)
    saved: dict[str, float] = {}
    for it in found:
        for line in it["savings"]:
            saved[line["currency"]] = saved.get(line["currency"], 0.0) + line["saved"]
    return {
        "blocks": found,
        "chain": blocks.chain(plans),
        "reuse": reuse,
        "saved": saved,
        "workflows": {name: list(some) for name, some in blocks.WORKFLOWS.items()},
        "how": f"The dearest is built; each other pays {reuse:.0%} of what it would cost alone. Only costs that a "
        "measure has said count; currencies are not added. Names of workflows and blocks as in the SDG Digital "
        "Investment Framework, from memory; which needs which is this project's reading.",
    }


# ---- Parts


def _measures(city: City) -> list[Entity]:
    return city.find(KIND, limit=MEASURES)


def _measure(asked: Mapping[str, str], city: City) -> Entity:
    found = outcome.there(city, asked.get("id", "")) if asked.get("id") else None
    if found is None or KIND not in found.types:
        raise NotFound("there is no such measure", where="id")
    return found


def _profile(city: City) -> Told:
    found = outcome.there(city, PROFILE)
    names = ("answers", "said", "stage", "gates", "phases")
    return {} if found is None else {name: found[name] for name in names if found.get(name) is not None}


def _line(one: Entity, today: str, soon: str) -> Told:
    names = (
        "name",
        "department",
        "owner",
        "status",
        "cost",
        "funding",
        "phase",
        "from",
        "until",
        "reviewAt",
        "dependsOn",
    )
    told = {"id": one.id} | {name: one.get(name) for name in names}
    review = str(one.get("reviewAt") or "9999")
    live = one.get("status") in outcome.LIVE
    told["review"] = "due" if live and review <= today else "soon" if live and review <= soon else ""
    told["late"] = one.get("status") in {"approved", "under-way"} and str(one.get("until")) < today
    return told


def _early(one: Entity, by: Mapping[str, Entity]) -> list[Told]:
    """What it waits for that ends after it begins, or is not to come at all."""
    told = []
    for ident in one.get("dependsOn") or ():
        needed = by.get(ident)
        if needed is None:
            told.append({"id": ident, "name": ident.rpartition(":")[2], "why": "it is gone"})
        elif needed.get("status") == "dropped":
            told.append({"id": ident, "name": needed.get("name"), "why": "it was dropped"})
        elif needed.get("status") != "done" and str(needed.get("until")) > str(one.get("from")):
            told.append({"id": ident, "name": needed.get("name"), "why": f"it ends on {needed.get('until')}"})
    return told


def _money(listed: list[Entity]) -> list[Told]:
    """Capital and yearly cost of what is not dropped, by currency, and the part of each that pays."""
    told: dict[str, Told] = {}
    for it in listed:
        cost = it.get("cost")
        if it.get("status") == "dropped" or not isinstance(cost, Mapping):
            continue
        line = told.setdefault(
            cost["currency"], {"currency": cost["currency"], "capital": 0, "yearly": 0, "of": 0, "by": {}}
        )
        line["capital"] += cost["capital"]
        line["yearly"] += cost["yearly"]
        line["of"] += 1
        for part in it.get("funding") or ():
            line["by"][part["kind"]] = line["by"].get(part["kind"], 0) + cost["capital"] * part["share"] / 100
        if not it.get("funding"):
            line["by"]["not said"] = line["by"].get("not said", 0) + cost["capital"]
    return [told[name] for name in sorted(told)]


def _entry(one: Entity, today: str) -> Told:
    names = (
        *("name", "kind", "summary", "parties", "measures", "from", "until", "reviewAt", "state", "reference"),
        *("authority", "scope", "safeguards", "exit", "rules", "criteria", "result", "report", "endedAt"),
    )
    told = {"id": one.id} | {name: one[name] for name in names if one.get(name) is not None}
    told["stands"] = one.get("state") if one.type == "RegulatoryRule" else register.state(one, today)
    told["review"] = "due" if str(one.get("reviewAt") or "9999") <= today and told["stands"] == "running" else ""
    return told


def _outcome(one: Entity) -> Told:
    names = ("measure", "name", "reviewAt", "verdict", "effects", "tolerance", "computedAt", "seenBy", "note")
    return {"id": one.id} | {name: one[name] for name in names if one.get(name) is not None}


def _name(city: City, ident: str) -> Told:
    found = outcome.there(city, ident)
    status = found.get("status") if found is not None else "gone"
    return {"id": ident, "name": found.get("name") if found is not None else ident, "status": status}


def _plan(one: Entity) -> blocks.Plan:
    cost = one.get("cost")
    return blocks.Plan(
        one.id,
        str(one.get("name")),
        str(one.get("department")),
        cost["currency"] if isinstance(cost, Mapping) else "no currency said",
        tuple(one.get("sdg") or ()),
        tuple(one.get("workflows") or ()),
        {it["name"]: it.get("cost") for it in one.get("blocks") or ()},
    )
