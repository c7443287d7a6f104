"""The register beside the measures: agreements, rules of the city, regulatory sandboxes (report sections 3.1, 3.2)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import Act, Conflict, Entity, Refusal, entity, saying
from hansa.apps.strategy.words import (
    AGREEMENTS,
    DEPENDS,
    LISTED,
    NAME,
    NOTE,
    RESULTS,
    RULE_STATES,
    RULES,
    SUMMARY,
    WORD,
)

LONGEST_YEARS: Final = 5
"""Of a sandbox: what runs longer is no trial, and wants a rule of its own."""


def agreement(said: Mapping[str, Any]) -> dict[str, Any]:
    """Who has promised whom what, from when until when, and when it is looked at again."""
    saying.only(said, "name", "kind", "parties", "measures", "from", "until", "reviewAt", "summary")
    told: dict[str, Any] = {
        "name": saying.text(said, "name", NAME),
        "kind": saying.word(said, "kind", AGREEMENTS),
        "parties": [_party(one, way) for way, one in saying.parts(said, "parties", LISTED)],
        "summary": saying.text(said, "summary", SUMMARY, least=0, lines=True),
    } | _spell(said)
    names = [one["name"] for one in told["parties"]]
    if len(set(names)) < 2:
        raise Refusal("an agreement is between two parties at least", where="parties")
    if not any(one["duties"] for one in told["parties"]):
        raise Refusal("an agreement names a duty at least", where="parties")
    told["reviewAt"] = saying.day(said, "reviewAt")
    if not told["from"] < told["reviewAt"] <= told["until"]:
        raise Refusal("it is looked at again while it runs", where="reviewAt")
    return told | _measures(said)


def rule(said: Mapping[str, Any]) -> dict[str, Any]:
    """A by-law, a standard, a rule of data protection or procurement: what it is, whose, and in force since when."""
    saying.only(said, "name", "kind", "state", "reference", "authority", "summary", "from", "until", "measures")
    told: dict[str, Any] = {
        "name": saying.text(said, "name", NAME),
        "kind": saying.word(said, "kind", RULES),
        "state": saying.word(said, "state", RULE_STATES),
        "reference": saying.text(said, "reference", NAME),
        "authority": saying.text(said, "authority", NAME),
        "summary": saying.text(said, "summary", SUMMARY, least=0, lines=True),
    }
    if said.get("from"):
        told["from"] = saying.day(said, "from")
    elif told["state"] == "in-force":
        raise Refusal("what is in force is so since a day", where="from")
    if said.get("until"):
        told["until"] = saying.day(said, "until")
        if told["until"] <= told.get("from", ""):
            raise Refusal("it ends after it begins", where="until")
    elif told["state"] == "ended":
        raise Refusal("what has ended has a day", where="until")
    return told | _measures(said)


def sandbox(said: Mapping[str, Any]) -> dict[str, Any]:
    """A trial in which rules are eased: where, how long, with which safeguards, and by what it will be judged."""
    names = ("name", "scope", "rules", "authority", "from", "until", "safeguards", "exit", "measures")
    saying.only(said, *names)
    told: dict[str, Any] = {
        "name": saying.text(said, "name", NAME),
        "scope": saying.text(said, "scope", SUMMARY, lines=True),
        "authority": saying.text(said, "authority", NAME),
        "safeguards": saying.texts(said, "safeguards", LISTED, NOTE),
        "exit": saying.texts(said, "exit", LISTED, NOTE),
    } | _spell(said)
    for name, what in (("safeguards", "a safeguard"), ("exit", "a criterion by which it is judged")):
        if not told[name]:
            raise Refusal(f"a sandbox has {what} at least", where=name)
    if int(told["until"][:4]) - int(told["from"][:4]) > LONGEST_YEARS:
        raise Refusal(f"a trial lasts {LONGEST_YEARS} years at most", where="until", mend="make a rule of it")
    if said.get("rules"):
        told["rules"] = saying.texts(said, "rules", LISTED, 300)
    return told | _measures(said)


def ended(act: Act) -> Iterable[Entity]:
    """What came of a sandbox: each criterion met or not, and the result."""
    saying.only(act.said, "criteria", "result", "report")
    one = act.subject
    if one is None or one.get("status") == "ended":
        raise Conflict("it has ended already", where="id")
    if saying.iso(act.at)[:10] < one["from"]:
        raise Conflict("it has not begun", where="id")
    result = saying.word(act.said, "result", RESULTS)
    criteria = []
    for way, it in saying.parts(act.said, "criteria", LISTED):
        saying.only(it, "met", "note", at=way)
        criteria.append({"met": saying.flag(it, "met", at=way), "note": saying.text(it, "note", NOTE, least=0, at=way)})
    if len(criteria) != len(one["exit"]):
        raise Refusal(f"it has {len(one['exit'])} criteria; say of each whether it is met", where="criteria")
    if result == "adopted" and not all(it["met"] for it in criteria):
        mend = "say that it is changed, prolonged or stopped"
        raise Refusal("what does not meet its criteria is not adopted", where="result", mend=mend)
    told = [{"criterion": text_, **it} for text_, it in zip(one["exit"], criteria, strict=True)]
    report = saying.text(act.said, "report", SUMMARY, lines=True)
    yield entity(
        "Sandbox", act.id, status="ended", criteria=told, result=result, report=report, endedAt=saying.iso(act.at)[:10]
    )


def state(one: Entity, today: str) -> str:
    """Whether something is planned, runs or has ended, by its days."""
    if one.get("status") == "ended" or str(one.get("until") or "9999") < today:
        return "ended"
    return "planned" if str(one.get("from") or "") > today else "running"


def _spell(said: Mapping[str, Any]) -> dict[str, str]:
    told = {"from": saying.day(said, "from"), "until": saying.day(said, "until")}
    if told["until"] <= told["from"]:
        raise Refusal("it ends after it begins", where="until")
    return told


def _measures(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"measures": saying.texts(said, "measures", DEPENDS, 300)} if said.get("measures") else {}


def _party(said: Mapping[str, Any], at: str) -> dict[str, Any]:
    saying.only(said, "name", "duties", at=at)
    return {
        "name": saying.text(said, "name", WORD * 2, at=at),
        "duties": saying.texts(said, "duties", LISTED, NOTE, at=at) if said.get("duties") else [],
    }
