"""Run-books as data: what a step may say, and when a run-book fits an alarm or an incident. Pure.

    {"id": "pump", "kind": "command", "title": "Start the second pump", "owner": "operations", "withinMinutes": 5,
     "device": "$pump", "payload": {"on": true}, "next": "level"}

Steps follow one another as they stand, or as `next`, `then` and `else` say: only ever forward, so that no run-book can
loop. `$name` stands for something that is named when a run is started; `needs` says what, in words.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Final

from hansa import Entity, Refusal
from hansa.apps.incidents import asked, words

KINDS: Final = ("manual", "notify", "command", "condition", "wait")
SIGNS: Final = (">", ">=", "<", "<=", "==", "!=")
END: Final = "end"
SOURCE: Final = "$source"
"""What the first alarm of the incident is about; known without being named, where there is an alarm."""

_COMMON: Final = ("id", "kind", "title", "text", "owner", "withinMinutes", "next", "evidence")
_OWN: Final = {
    "manual": (),
    "notify": ("to", "message"),
    "command": ("device", "payload"),
    "condition": ("entity", "attribute", "is", "value", "unit", "freshMinutes", "then", "else"),
    "wait": ("minutes", "entity", "attribute", "is", "value", "unit", "freshMinutes", "atMostMinutes", "else"),
}
_MINUTES: Final = (0.0, 60.0 * 24 * 30)
_PAYLOAD: Final = 4_000

Step = dict[str, Any]


def steps(said: Any) -> list[Step]:
    """The steps of a run-book, every member looked at; Refusal says which is wrong."""
    if not isinstance(said, list) or not 0 < len(said) <= words.STEPS_MAX:
        raise Refusal(f"steps is a list of 1 to {words.STEPS_MAX}", where="steps")
    known: dict[str, int] = {}
    for i, one in enumerate(said):
        if not isinstance(one, dict):
            raise Refusal("a step is an object", where=f"steps[{i}]")
        ident = _at(i, asked.line, one, "id")
        if not ident.replace("-", "").isalnum() or not ident.isascii() or len(ident) > 60 or ident == END:
            raise Refusal("the id of a step is of letters, digits and -", where=f"steps[{i}].id")
        if known.setdefault(ident, i) != i:
            raise Refusal(f"two steps are called {ident}", where=f"steps[{i}].id")
    return [_at(i, _step, one, i, known) for i, one in enumerate(said)]


def needs(said: Any) -> dict[str, str]:
    """What is to be named when a run is started, each with its question."""
    if said is None:
        return {}
    if not isinstance(said, dict) or len(said) > 20:
        raise Refusal("needs is {name: what to name}", where="needs")
    return {str(name)[:60]: asked.line(said, name) for name in said}


def patterns(said: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """For what a run-book is: a list of {attribute: pattern, or list of them}; `*` in a pattern is anything."""
    found = said.get(name, [])
    if not isinstance(found, list) or len(found) > 50:
        raise Refusal(f"{name} is a list of patterns", where=name)
    for i, one in enumerate(found):
        if not isinstance(one, dict) or not one or len(one) > 10:
            raise Refusal("a pattern is {attribute: value}", where=f"{name}[{i}]")
        for each in one.values():
            if not isinstance(each, str) and not (isinstance(each, list) and all(isinstance(it, str) for it in each)):
                raise Refusal("a pattern's values are texts", where=f"{name}[{i}]")
    return found


def sources(said: Mapping[str, Any]) -> list[dict[str, str]]:
    """Where a run-book has what it says from."""
    found = said.get("sources", [])
    if not isinstance(found, list) or len(found) > 50 or not all(isinstance(one, dict) for one in found):
        raise Refusal("sources is a list of {title, url}", where="sources")
    told = [{"title": asked.line(one, "title"), "url": asked.line(one, "url", needed=False)} for one in found]
    for i, one in enumerate(told):
        if one["url"] and not one["url"].startswith(("https://", "http://")):
            raise Refusal("a source's url is a web address", where=f"sources[{i}].url")
    return told


def day(said: Mapping[str, Any], name: str) -> str:
    """A day, as 2026-11-22."""
    found = asked.line(said, name)
    try:
        return date.fromisoformat(found).isoformat()
    except ValueError:
        raise Refusal(f"{name} is a day", where=name, mend="write it as 2026-11-22") from None


def fits(wanted: Any, one: Entity) -> bool:
    """Whether an alarm or an incident is among those that a run-book is for."""
    return isinstance(wanted, list) and any(isinstance(each, dict) and _fits(each, one) for each in wanted)


def asks(plan: Iterable[Step]) -> set[str]:
    """The `$names` that steps speak of."""
    return {one[name] for one in plan for name in ("entity", "device") if str(one.get(name, "")).startswith("$")}


def named(plan: Iterable[Step], given: Mapping[str, str]) -> list[Step]:
    """The steps with what was named in the place of `$names`. Refusal lists what is missing."""
    plan = list(plan)
    missing = sorted(asks(plan) - set(given))
    if missing:
        raise Refusal(f"this run-book needs {', '.join(missing)}", where="with", mend="name them in `with`")
    return [
        {**one, **{name: given[one[name]] for name in ("entity", "device") if one.get(name) in given}} for one in plan
    ]


def _fits(wanted: Mapping[str, Any], one: Entity) -> bool:
    if not wanted:
        return False
    for name, patterns_ in wanted.items():
        value = one.get(name)
        listed = [patterns_] if isinstance(patterns_, str) else patterns_
        if not isinstance(value, str) or not isinstance(listed, list):
            return False
        if not any(isinstance(each, str) and fnmatchcase(value, each) for each in listed):
            return False
    return True


def _at(i: int, does: Any, *given: Any) -> Any:
    """Do it, and let a refusal say in which step."""
    try:
        return does(*given)
    except Refusal as fault:
        if not str(fault.where or "").startswith("steps["):
            fault.where = f"steps[{i}].{fault.where or ''}".rstrip(".")
        raise


def _step(said: Mapping[str, Any], i: int, known: Mapping[str, int]) -> Step:
    kind = asked.choice(said, "kind", KINDS)
    if extra := sorted(set(said) - {*_COMMON, *_OWN[kind]}):
        raise Refusal(f"a {kind} step has no {extra[0][:60]}", where=extra[0][:60])
    made: Step = {"id": asked.line(said, "id"), "kind": kind, "title": asked.line(said, "title")}
    made["text"] = asked.text(said, "text", 5_000, needed=False)
    made["owner"] = asked.line(said, "owner", needed=False) or words.COMMANDER
    made["evidence"] = asked.flag(said, "evidence")
    if "withinMinutes" in said:
        made["withinMinutes"] = asked.number(said, "withinMinutes", *_MINUTES)
    for name in ("next", "then", "else"):
        if name in said:
            made[name] = _onward(said, name, i, known)
    if kind == "notify":
        to = said.get("to")
        if not isinstance(to, list) or not 0 < len(to) <= 50:
            raise Refusal("to is a list of people or posts", where="to", mend='write ["operations", "person:anna"]')
        made["to"] = [asked.line({"to": one}, "to") for one in to]
        made["message"] = asked.text(said, "message", 2_000)
    elif kind == "command":
        made["device"] = asked.line(said, "device")
        made["payload"] = said.get("payload")
        if made["payload"] is None or len(json.dumps(made["payload"])) > _PAYLOAD:
            raise Refusal(f"payload is what the device is told, in at most {_PAYLOAD} bytes", where="payload")
    elif kind == "condition":
        made |= _condition(said)
        if "then" not in made and "else" not in made:
            raise Refusal("a condition has then, else, or both", where="then", mend="say to which step it leads")
    elif kind == "wait":
        made |= _wait(said)
    return made


def _wait(said: Mapping[str, Any]) -> Step:
    """For a time, or for a condition, at most so long."""
    if "minutes" in said:
        if extra := {"entity", "attribute", "is", "value", "atMostMinutes"} & set(said):
            raise Refusal("a wait is for minutes or for a condition", where=min(extra))
        return {"minutes": asked.number(said, "minutes", *_MINUTES)}
    made = _condition(said)
    if "atMostMinutes" in said:
        made["atMostMinutes"] = asked.number(said, "atMostMinutes", *_MINUTES)
    elif "else" in said:
        raise Refusal("else is where it goes when it has waited too long", where="else", mend="say atMostMinutes")
    return made


def _condition(said: Mapping[str, Any]) -> Step:
    entity = said.get("entity")
    made: Step = {
        "entity": entity if isinstance(entity, str) and entity.startswith("$") else asked.uri(entity, "entity"),
        "attribute": asked.line(said, "attribute"),
        "is": asked.choice(said, "is", SIGNS),
    }
    value = said.get("value")
    if type(value) not in {int, float, str, bool}:
        raise Refusal("value is a number, a text, true or false", where="value")
    if made["is"] not in {"==", "!="} and type(value) not in {int, float}:
        raise Refusal(f"only numbers are {made['is']} something", where="value")
    made["value"] = asked.number(said, "value", -1e15, 1e15) if type(value) in {int, float} else value
    if "unit" in said:
        made["unit"] = asked.line(said, "unit")
    if "freshMinutes" in said:
        made["freshMinutes"] = asked.number(said, "freshMinutes", *_MINUTES)
    return made


def _onward(said: Mapping[str, Any], name: str, i: int, known: Mapping[str, int]) -> str:
    to = asked.line(said, name)
    if to == END:
        return to
    if to not in known:
        raise Refusal(f"there is no step {to}", where=name)
    if known[to] <= i:
        raise Refusal(f"{to} is not after this step, so the run-book would loop", where=name, mend="lead forward")
    return to
