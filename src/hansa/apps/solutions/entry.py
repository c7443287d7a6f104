"""An entry of the bank: what it says (its content), read with care from whoever says it, and from its entity.

The content is what two cities exchange; how it stands here, and where it came from, is beside it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from hansa import Entity, Refusal, saying
from hansa.apps.solutions.canonical import digest
from hansa.apps.solutions.words import (
    EFFECTS,
    EVIDENCE,
    KINDS,
    LINK,
    LISTED,
    MATURITY,
    MONEY,
    NAME,
    NEED,
    SUMMARY,
    THEMES,
    WORD,
)

KIND: Final = "Solution"
CONTENT: Final = (
    *("kind", "name", "summary", "language", "theme", "need", "cost", "effects", "maturity", "licence", "standards"),
    *("workflows", "blocks", "runsIn", "contact"),
)
"""What an entry says, in the order in which it is read."""
_CODE: Final = re.compile(r"[^\"\\;|()\x00-\x1f]+\Z")
"""Of a framework's code: what a query could not be told apart from its own signs is no code."""
_LICENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*( (AND|OR|WITH) [A-Za-z0-9][A-Za-z0-9.+-]*){0,3}\Z")
"""An expression of SPDX, or `proprietary`."""
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?\Z")
_IDENTIFIER: Final = re.compile(r"(urn:[a-z0-9][a-z0-9-]{1,31}:|https://)[A-Za-z0-9._~:/-]{1,200}\Z")


def read(said: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """The content of an entry, whole: what is not said is left out. Refusal."""
    saying.only(said, *CONTENT, at=at)
    told: dict[str, Any] = {
        "kind": saying.word(said, "kind", KINDS, at=at),
        "name": saying.text(said, "name", NAME, at=at),
        "summary": saying.text(said, "summary", SUMMARY, lines=True, at=at),
        "theme": saying.word(said, "theme", THEMES, at=at),
        "need": saying.text(said, "need", NEED, at=at),
        "maturity": saying.word(said, "maturity", MATURITY, at=at),
        "licence": _matched(said, "licence", _LICENCE, WORD, "an SPDX identifier, or proprietary", at),
        "language": _matched({"language": "en"} | dict(said), "language", _LANGUAGE, 12, "a code such as en", at),
    }
    if said.get("cost") is not None:
        told["cost"] = cost(saying.part(said, "cost", at=at), f"{at}cost.")
    if said.get("effects"):
        told["effects"] = [effect(one, way) for way, one in saying.parts(said, "effects", EFFECTS, at=at)]
    for name in ("standards", "workflows", "blocks"):
        if said.get(name):
            told[name] = saying.texts(said, name, LISTED, NAME, at=at)
    if said.get("runsIn"):
        told["runsIn"] = [_place(one, way) for way, one in saying.parts(said, "runsIn", LISTED, at=at)]
    if said.get("contact"):
        told["contact"] = _contact(saying.part(said, "contact", at=at), f"{at}contact.")
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


def effect(said: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """What it does to an indicator, how that is known, and from where. What was measured has a source."""
    names = ("framework", "code", "point", "change", "unit", "perYears", "evidence", "source")
    saying.only(said, *names, at=at)
    told = indicator({name: said[name] for name in ("framework", "code", "point", "unit") if name in said}, at)
    told |= {
        "change": saying.number(said, "change", -MONEY, MONEY, at=at),
        "perYears": saying.number(said, "perYears", 0.01, 100, at=at),
        "evidence": saying.word(said, "evidence", EVIDENCE, at=at),
    }
    if said.get("source"):
        told["source"] = saying.text(said, "source", LINK, at=at)
    elif told["evidence"] != "claimed":
        raise Refusal(f"what is {told['evidence']} has a source", where=f"{at}source", mend="or say that it is claimed")
    return told


def indicator(said: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """Which number of which framework: `framework`, `code`, `point` of one with several, `unit`."""
    saying.only(said, "framework", "code", "point", "unit", at=at)
    told = {
        "framework": _matched(said, "framework", _CODE, WORD, "the id of a framework, such as u4ssc", at),
        "code": _matched(said, "code", _CODE, WORD, "the code that the framework writes", at),
        "unit": saying.text(said, "unit", 30, least=0, at=at),
    }
    if said.get("point"):
        told["point"] = _matched(said, "point", _CODE, WORD, "the key of a point", at)
    return told


def identifier(value: Any, at: str = "identifier") -> str:
    """The name of an entry between cities: a URN or an https address, which nobody else uses."""
    if not isinstance(value, str) or not _IDENTIFIER.match(value):
        raise Refusal("identifier is a URN or an https address", where=at, mend="urn:hansa:solution:orlava:frost")
    return value


def content(one: Entity) -> dict[str, Any]:
    """What the entity of an entry says."""
    return {name: one[name] for name in CONTENT if one.get(name) is not None}


def edition(ident: str, version: int, told: Mapping[str, Any]) -> str:
    """The digest of one edition: its name, its number, and all that it says."""
    return digest({"identifier": ident, "version": version} | dict(told))


def kept(one: Entity) -> dict[str, Any]:
    """An entry as views show it."""
    told = {"id": one.id} | content(one)
    beside = ("identifier", "version", "status", "digest", "origin", "reason", "at", "app", "installedAt", "indicators")
    return told | {name: one[name] for name in beside if one.get(name) is not None}


def _matched(said: Mapping[str, Any], name: str, rule: re.Pattern[str], most: int, what: str, at: str) -> str:
    value = saying.text(said, name, most, at=at)
    if not rule.match(value):
        raise Refusal(f"{name} is {what}", where=at + name)
    return value


def _place(said: Mapping[str, Any], at: str) -> dict[str, Any]:
    saying.only(said, "city", "country", "since", at=at)
    told: dict[str, Any] = {"city": saying.text(said, "city", WORD, at=at)}
    if said.get("country"):
        told["country"] = saying.text(said, "country", WORD, at=at)
    if said.get("since"):
        told["since"] = saying.day(said, "since", at=at)
    return told


def _contact(said: Mapping[str, Any], at: str) -> dict[str, Any]:
    saying.only(said, "name", "email", "url", at=at)
    told: dict[str, Any] = {"name": saying.text(said, "name", NAME, at=at)}
    if said.get("email"):
        told["email"] = saying.mail(said, "email", at=at)
    if said.get("url"):
        told["url"] = saying.link(said, "url", LINK, at=at)
    return told
