"""What the page of rules asks: all of them, one with its versions, and what a text means. Held by
tests/apps/test_watch_keeping.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hansa import City, Entity, NotFound, Refusal
from hansa.apps.watch.keeping import lines, switched_on, versions
from hansa.apps.watch.memory import RULES, there
from hansa.apps.watch.printing import leaf_text, rule_text
from hansa.apps.watch.rule import Rule, condition_of
from hansa.apps.watch.terms import SECOND, Unusable
from hansa.apps.watch.tree import All, Lasting, Node, Not, Some, parts, subject, to_json
from hansa.apps.watch.wording import read_rule
from hansa.apps.watch.words import Unreadable, span_text

ALARMS: Final = 20_000  # Alerts that are counted for the list
ALERTS: Final = 50  # of one rule that are told
DIFFED: Final = 10_000


def rules(_asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Every rule: what it says, whether it is on, when it rang last and how often, as far as one sees its alarms."""
    counted = _counted(city)
    found = [_told(one, counted.get(one.id, {})) for one in city.find("WatchRule", limit=RULES)]
    return {"rules": sorted(found, key=lambda one: (one["alarm"].lower(), one["id"])), "cut": len(found) >= RULES}


def rule(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """One rule (`id`): its text, its tree, its alarms, and all its versions."""
    one = _rule(asked, city)
    rung = city.find("Alert", q=f'watchRule=="{one.id}"', limit=ALARMS)
    counted = _summed(rung)
    told = _told(one, counted)
    try:
        told |= _meaning(switched_on(one))
    except Unusable as fault:
        told["fault"] = str(fault)
    rung.sort(key=lambda it: str(it.get("dateIssued", "")), reverse=True)
    told["alarms"] = [
        {name: it.get(name) for name in ("status", "severity", "alertSource", "dateIssued", "validTo", "description")}
        | {"id": it.id}
        for it in rung[:ALERTS]
    ]
    told["versions"] = versions(one, city)
    return told


def parse(asked: Mapping[str, str], _city: City) -> dict[str, Any]:
    """What a `text` means: its tree and where each part of it stands, or where it cannot be read, and why."""
    try:
        said = read_rule(asked.get("text", ""))
    except Unreadable as fault:
        return {
            "fault": str(fault),
            "line": fault.line,
            "column": fault.column,
            "expected": fault.expected,
            "found": fault.found,
        }
    spans = iter(said.leaves)
    outline = _outline(said.condition, subject(said.condition), spans)
    return _meaning(said.rule("")) | {"outline": outline, "type": said.type, "like": said.like}


def diff(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """How version `from` of a rule (`id`) became version `to`, line by line."""
    one = _rule(asked, city)
    known = {str(it["version"]): it for it in versions(one, city)}
    before, after = known.get(asked.get("from", "")), known.get(asked.get("to", ""))
    if before is None or after is None:
        raise Refusal("there is no such version", where="from" if before is None else "to")
    switched = before["enabled"] is not after["enabled"]
    return {
        "from": before,
        "to": after,
        "lines": lines(before["text"][:DIFFED], after["text"][:DIFFED]),
        "enabled": ("switched on" if after["enabled"] else "switched off") if switched else None,
    }


def _rule(asked: Mapping[str, str], city: City) -> Entity:
    found = there(city, asked.get("id", ""))
    if found is None or "WatchRule" not in found.types:
        raise NotFound(f"there is no WatchRule {asked.get('id', '')[:200]}", where="id")
    return found


def _told(one: Entity, counted: Mapping[str, Any]) -> dict[str, Any]:
    saved = one.get("saved")
    by: Mapping[str, Any] = saved if isinstance(saved, Mapping) else {}
    told: dict[str, Any] = {
        "id": one.id,
        "name": one.id.removeprefix("urn:ngsi-ld:WatchRule:"),
        "description": one.get("description") if isinstance(one.get("description"), str) else None,
        "enabled": one.get("enabled", True) is not False,
        "version": one.get("version", 0) if type(one.get("version", 0)) is int else 0,
        "by": by.get("by"),
        "at": by.get("at"),
        "alarm": "",
        "open": 0,
        "rung": 0,
        "last": None,
    }
    try:
        rule = switched_on(one)
        told |= {"text": rule_text(rule), "alarm": rule.called, "severity": rule.severity, "type": rule.type}
        told["category"] = rule.category
    except Unusable as fault:
        told |= {"text": None, "fault": str(fault), "severity": None, "type": None, "category": None}
    return {**told, **counted}


def _counted(city: City) -> dict[str, dict[str, Any]]:
    """Of each rule: alarms that stand, how often they were raised, and when last."""
    some: dict[str, list[Entity]] = {}
    for one in city.find("Alert", q="watchRule", limit=ALARMS):
        ident = one.get("watchRule")
        if isinstance(ident, str):
            some.setdefault(ident, []).append(one)
    return {ident: _summed(found) for ident, found in some.items()}


def _summed(found: list[Entity]) -> dict[str, Any]:
    rung = [one for one in found if one.get("subCategory") != "configuration"]
    last = max((str(one.get("lastRaised") or one.get("dateIssued") or "") for one in rung), default="")
    many = [one.get("activations") for one in rung]
    return {
        "open": sum(one.get("status") == "open" for one in rung),
        "rung": sum(count if type(count) is int and count > 0 else 1 for count in many),
        "last": last or None,
        "notes": sum(one.get("status") == "open" for one in found if one not in rung),
    }


# What a rule means


def _meaning(rule: Rule) -> dict[str, Any]:
    node = condition_of(rule)
    text = rule_text(rule)
    spans = iter(read_rule(text).leaves)
    return {
        "text": text,
        "condition": to_json(node),
        "outline": _outline(node, subject(node), spans),
        "alarm": rule.called,
        "severity": rule.severity,
        "category": rule.category,
        "template": rule.text,
        "kind": rule.kind,
    }


def _outline(node: Node, about: str, spans: Iterator[tuple[int, int]]) -> dict[str, Any]:
    """The tree for a page: what joins, what lasts, and of each leaf its words and its place in the text."""
    if isinstance(node, All | Some | Not | Lasting):
        below = [_outline(one, about, spans) for one in parts(node)]
        if isinstance(node, Lasting):
            return {"what": "lasting", "for": span_text(node.span), "seconds": node.span // SECOND, "of": below}
        if isinstance(node, Some):
            return {"what": "any" if node.least == 1 else "some", "least": node.least, "of": below}
        return {"what": "all" if isinstance(node, All) else "not", "of": below}
    begin, end = next(spans, (0, 0))
    return {"what": "leaf", "kind": type(node).__name__.lower(), "says": leaf_text(node, about), "at": [begin, end]}
