"""What time and readings do to runs: a wait is over, a condition holds or not. Only this writes their `passed`.

Nothing is sent here and nothing is done: notices and commands are people's acts.
"""

from collections.abc import Iterator
from typing import Any, Final

from hansa import Change, City, Entity, NotFound, entity
from hansa.apps.incidents import asked, course, lines
from hansa.apps.incidents.case import holds, may_weigh
from hansa.apps.incidents.conducting import at_now
from hansa.apps.incidents.made import app

ROUND_S: Final = 5.0
RUNS: Final = 1_000
"""Runs that go on at once; what is beyond them waits for people."""
FRESH_MIN: Final = 60.0
"""A condition is not decided on an older reading, unless its step says so."""
_MINUTE: Final = 60 * asked.SECOND


@app.on("RunBookRun", "said")
def heard(change: Change, city: City) -> Iterator[Entity]:
    """Somebody did a step: what follows may decide itself."""
    yield from _advance(change.entity, city)


@app.every(ROUND_S)
def tour(city: City) -> Iterator[Entity]:
    """Look at every run that goes on."""
    for one in city.find("RunBookRun", q='status=="running";!ended', limit=RUNS):
        yield from _advance(one, city)


def _advance(one: Entity, city: City) -> Iterator[Entity]:
    """Let conditions and waits pass as far as they do; say why one cannot be decided."""
    if one.get("status") != "running" or "ended" in one:
        return
    now = city.now()
    passed = list(one.get("passed") or [])
    doc: dict[str, Any] = {**one.doc}
    stuck = ""
    while True:
        state = at_now(Entity({**doc, "passed": {"type": "Property", "value": passed}}), now)
        step = state.on
        if step is None or step["kind"] not in course.AUTOMATIC:
            break
        word, stuck = _decide(step, one, city, now)
        if word is None:
            break
        passed.append({"step": step["id"], **word})
    said: dict[str, Any] = {}
    if len(passed) != len(one.get("passed") or []):
        said["passed"] = passed
    if stuck != one.get("stuck", ""):
        said["stuck"] = stuck
    if state.ended is not None:
        said["ended"] = asked.iso(state.ended)
    if said:
        yield entity("RunBookRun", one.id, **said)


def _decide(step: dict[str, Any], run: Entity, city: City, now: int) -> tuple[dict[str, Any] | None, str]:
    """What the city says of a step, or why it says nothing."""
    begun = asked.instant(step["begun"]) or now
    if "minutes" in step:
        end = begun + int(step["minutes"] * _MINUTE)
        return ({"at": asked.iso(end), "answer": True}, "") if now >= end else (None, "")
    answer, reading, why = _reading(step, run, city, now)
    if step["kind"] == "condition":
        return (None, why) if answer is None else ({"at": asked.iso(now), "answer": answer, "reading": reading}, "")
    if answer:
        return {"at": asked.iso(now), "answer": True, "reading": reading}, ""
    if "atMostMinutes" in step and now >= (end := begun + int(step["atMostMinutes"] * _MINUTE)):
        return {"at": asked.iso(end), "answer": False, "reading": reading}, ""
    return None, why


def _reading(step: dict[str, Any], run: Entity, city: City, now: int) -> tuple[bool | None, dict[str, Any], str]:
    """Whether the condition holds, on which reading, and why it cannot be told."""
    try:
        thing = city.get(step["entity"])
    except NotFound:
        return None, {}, f"there is no {step['entity']}"
    name = step["attribute"]
    if not may_weigh(lines.label(run), thing, name):
        # Deciding it here would tell whoever sees the run what he may not see.
        return None, {}, f"{step['entity']} is guarded in another way than this run"
    if name not in thing:
        return None, {}, f"{step['entity']} says no {name}"
    said = thing.attribute(name)
    told = holds(lines.label(run), thing, name)  # else what it says is for its department to show
    if step.get("unit") and said.unit and said.unit != step["unit"]:
        return None, {}, f"{name} is not in the unit {step['unit']} that the run-book speaks of"
    fresh = step.get("freshMinutes", FRESH_MIN)
    if said.at is not None and now - said.at > fresh * _MINUTE:
        since = f" (of {asked.iso(said.at)})" if told else ""
        return None, {}, f"the newest {name}{since} is older than {fresh:g} minutes"
    answer = course.judge(step, said.value)
    if answer is None:
        return None, {}, f"{name}{f' is {str(said.value)[:60]!r}, which' if told else ''} does not compare"
    if not told:
        return answer, {"entity": thing.id, "owned": True}, ""
    at = "" if said.at is None else asked.iso(said.at)
    return answer, {"entity": thing.id, "attribute": name, "value": said.value, "unit": said.unit or "", "at": at}, ""
