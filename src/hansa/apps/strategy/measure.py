"""A measure: what is to be done, what it costs, who pays, what it is to move by when, and what it waits for."""

import re
from collections.abc import Mapping
from typing import Any, Final

from hansa import City, Conflict, Entity, NotFound, Refusal, saying
from hansa.apps.strategy.blocks import BLOCKS, WORKFLOWS
from hansa.apps.strategy.words import (
    DEEP,
    DEPENDS,
    EFFECTS,
    FUNDING,
    LISTED,
    MONEY,
    NAME,
    PAYMENTS,
    SUMMARY,
    WORD,
)

KIND: Final = "Measure"
FIELDS: Final = (
    *("name", "summary", "department", "owner", "cost", "funding", "effects", "beneficiaries", "benefitYearly"),
    *(
        "payments",
        "stakeholders",
        "dependsOn",
        "phase",
        "from",
        "until",
        "reviewAt",
        "workflows",
        "blocks",
        "sdg",
        "solution",
    ),
)
_TARGET: Final = re.compile(r"(1[0-7]|[1-9])\.([0-9]{1,2}|[a-d])\Z")
_ID: Final = re.compile(r"urn:ngsi-ld:[A-Za-z]{1,40}:[A-Za-z0-9._:-]{1,200}\Z")
_OWNER: Final = re.compile(r"(person:[A-Za-z0-9._-]{1,80}|[^:\"\\]{1,80})\Z")


def read(said: Mapping[str, Any]) -> dict[str, Any]:
    """A measure, whole; what is not said is left out. Refusal."""
    saying.only(said, *FIELDS)
    told: dict[str, Any] = {
        "name": saying.text(said, "name", NAME),
        "summary": saying.text(said, "summary", SUMMARY, least=0, lines=True),
        "department": saying.text(said, "department", WORD),
        "owner": saying.text(said, "owner", 90),
        "from": saying.day(said, "from"),
        "until": saying.day(said, "until"),
    }
    if not _OWNER.match(told["owner"]):
        raise Refusal("owner is person:<name>, or a name", where="owner")
    if told["until"] <= told["from"]:
        raise Refusal("it ends after it begins", where="until")
    if said.get("phase"):
        told["phase"] = saying.text(said, "phase", WORD)
    return told | _valued(said, told["from"]) | _linked(said)


def _valued(said: Mapping[str, Any], begins: str) -> dict[str, Any]:
    """What it costs, who pays, what it is to bring, and when that is looked at."""
    told: dict[str, Any] = {}
    if said.get("cost") is not None:
        told["cost"] = cost(saying.part(said, "cost"))
    if said.get("funding"):
        told["funding"] = funding(said)
    if said.get("effects"):
        told["effects"] = [effect(one, way) for way, one in saying.parts(said, "effects", EFFECTS)]
        if not said.get("reviewAt"):
            raise Refusal("what is expected is looked at again: say when", where="reviewAt")
    if said.get("reviewAt"):
        told["reviewAt"] = saying.day(said, "reviewAt")
        if told["reviewAt"] <= begins:
            raise Refusal("it is looked at again after it began", where="reviewAt")
    if said.get("beneficiaries") is not None:
        told["beneficiaries"] = saying.number(said, "beneficiaries", 0, 1e10)
    if said.get("benefitYearly") is not None:
        told["benefitYearly"] = saying.number(said, "benefitYearly", -MONEY, MONEY)
        if "cost" not in told:
            raise Refusal("a benefit in money stands beside a cost: it is in its currency", where="cost")
    if said.get("payments"):
        told["payments"] = _payments(said)
        if "cost" not in told:
            raise Refusal("payments stand beside a cost: they are in its currency", where="cost")
    return told


def _linked(said: Mapping[str, Any]) -> dict[str, Any]:
    """What ties it to others: people, other measures, workflows and blocks, targets, a solution of the bank."""
    told: dict[str, Any] = {}
    if said.get("stakeholders"):
        told["stakeholders"] = [_stakeholder(one, way) for way, one in saying.parts(said, "stakeholders", LISTED)]
    if said.get("dependsOn"):
        told["dependsOn"] = saying.texts(said, "dependsOn", DEPENDS, 300)
        for n, ident in enumerate(told["dependsOn"]):
            if not _ID.match(ident):
                raise Refusal("that is no id of a measure", where=f"dependsOn[{n}]")
    if said.get("workflows"):
        told["workflows"] = [
            saying.word({"workflow": one}, "workflow", WORKFLOWS, at="workflows.")
            for one in saying.texts(said, "workflows", LISTED, WORD)
        ]
    if said.get("blocks"):
        told["blocks"] = [_block(one, way) for way, one in saying.parts(said, "blocks", LISTED)]
        names = [one["name"] for one in told["blocks"]]
        if len(set(names)) < len(names):
            raise Refusal("each block once", where="blocks")
    if said.get("sdg"):
        told["sdg"] = saying.texts(said, "sdg", LISTED, 6)
        if wrong := [one for one in told["sdg"] if not _TARGET.match(one)]:
            raise Refusal(f"{wrong[0]!r} is no target of the SDGs", where="sdg", mend="11.2")
    if said.get("solution"):
        told["solution"] = saying.text(said, "solution", 300)
        if not _ID.match(told["solution"]):
            raise Refusal("that is no id of a solution", where="solution")
    return told


def cost(said: Mapping[str, Any], at: str = "cost.") -> dict[str, Any]:
    """Capital, and yearly, in one currency at the prices of one year."""
    saying.only(said, "capital", "yearly", "currency", "year", at=at)
    return {
        "capital": saying.number(said, "capital", 0, MONEY, at=at),
        "yearly": saying.number(said, "yearly", 0, MONEY, at=at),
        "currency": saying.currency(said, "currency", at=at),
        "year": saying.whole(said, "year", 1990, 2100, at=at),
    }


def funding(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who pays which share. Refusal when they do not sum to 100."""
    told: list[dict[str, Any]] = []
    for way, one in saying.parts(said, "funding", LISTED):
        saying.only(one, "kind", "share", "source", at=way)
        share = saying.number(one, "share", 0, 100, at=way)
        told.append({"kind": saying.word(one, "kind", FUNDING, at=way), "share": share})
        if one.get("source"):
            told[-1]["source"] = saying.text(one, "source", NAME, at=way)
    total = sum(float(one["share"]) for one in told)
    if abs(total - 100) > 1e-6:
        raise Refusal(f"the shares sum to {total:g}, not to 100", where="funding", mend="say who pays the rest")
    return told


def _payments(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is paid (below zero) and comes back on which days, where that is known; in the order of the days."""
    told = []
    for way, one in saying.parts(said, "payments", PAYMENTS):
        saying.only(one, "on", "amount", at=way)
        told.append(
            {"on": saying.day(one, "on", at=way), "amount": saying.number(one, "amount", -MONEY, MONEY, at=way)}
        )
    return sorted(told, key=lambda it: str(it["on"]))


def effect(said: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """What it is to do to an indicator of an area, within how many years."""
    saying.only(said, "framework", "code", "point", "area", "change", "unit", "perYears", at=at)
    told: dict[str, Any] = {
        "framework": saying.code(said, "framework", at=at),
        "code": saying.code(said, "code", at=at),
        "area": saying.code(said, "area", at=at) if said.get("area") else "city",
        "change": saying.number(said, "change", -MONEY, MONEY, at=at),
        "unit": saying.text(said, "unit", 30, least=0, at=at),
        "perYears": saying.number(said, "perYears", 0.01, 100, at=at),
    }
    if told["change"] == 0:
        raise Refusal("no change is no effect", where=f"{at}change")
    if said.get("point"):
        told["point"] = saying.code(said, "point", at=at)
    return told


def waits(city: City, ident: str, needed: list[str]) -> None:
    """Refuse what would wait for itself, and what is not there. All that is looked at is read by name, so an act that
    somebody else's overtakes is done anew on what is so then.
    """
    before: dict[str, str] = {}
    ahead = list(needed)
    for one in needed:
        before.setdefault(one, ident)
    seen: set[str] = set()
    while ahead:
        one = ahead.pop()
        if one == ident:
            raise Refusal("it would wait for itself", where="dependsOn", mend=" <- ".join(_way(before, ident)))
        if one in seen:
            continue
        seen.add(one)
        if len(seen) > DEEP:
            raise Refusal(f"more than {DEEP} measures hang together", where="dependsOn")
        found = _there(city, one)
        if found is None:
            if one in needed:
                raise Refusal(f"there is no measure {one[:200]}", where="dependsOn")
            continue  # what was deleted since keeps nobody waiting
        for further in found.get("dependsOn", ()):
            before.setdefault(further, one)
            ahead.append(further)


def _way(before: Mapping[str, str], ident: str) -> list[str]:
    """The circle, from the measure back to itself."""
    way, at = [ident], before.get(ident, ident)
    while at != ident and len(way) < 20:
        way.append(at)
        at = before.get(at, ident)
    return [one.rpartition(":")[2] for one in (*way, ident)]


def _there(city: City, ident: str) -> Entity | None:
    try:
        found = city.get(ident)
    except NotFound:
        return None
    return found if KIND in found.types else None


def dropped(one: Entity, told: Mapping[str, Any]) -> list[str]:
    """Members that it said before, and says no longer."""
    return [name for name in FIELDS if one.get(name) is not None and name not in told]


def content(one: Entity) -> dict[str, Any]:
    """What its entity says of a measure."""
    return {name: one[name] for name in FIELDS if one.get(name) is not None}


def unchanged(one: Entity, told: Mapping[str, Any]) -> None:
    """Refuse to turn what was expected into what came out: effects stand once a measure is approved."""
    if one.get("status") in {"proposed", "dropped"}:
        return
    for name in ("effects", "reviewAt", "from"):
        if told.get(name) != one.get(name):
            mend = "drop it and propose it anew, or add another measure"
            raise Conflict(f"{name} stands since it was approved: its outcome is measured by it", where=name, mend=mend)


def _stakeholder(said: Mapping[str, Any], at: str) -> dict[str, Any]:
    saying.only(said, "name", "role", at=at)
    return {"name": saying.text(said, "name", NAME, at=at), "role": saying.text(said, "role", WORD, at=at)}


def _block(said: Mapping[str, Any], at: str) -> dict[str, Any]:
    saying.only(said, "name", "cost", at=at)
    told: dict[str, Any] = {"name": saying.word(said, "name", BLOCKS, at=at)}
    if said.get("cost") is not None:
        told["cost"] = saying.number(said, "cost", 0, MONEY, at=at)
    return told
