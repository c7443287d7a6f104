"""The course of a run: which steps are done, which one is on, by when. A pure fold over what was said, in any order.

People say what they did (`done`, `skipped`, `decided`, `assigned`), the city says what it saw (`passed`). Each writes
a list of its own, so neither can overwrite the other; where both decided one step, the person's word holds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.apps.incidents import asked
from hansa.apps.incidents.books import END

AUTOMATIC: Final = frozenset({"condition", "wait"})
_MINUTE: Final = 60 * asked.SECOND


@dataclass(slots=True)
class Course:
    """Where a run stands. `steps` are as views hand them out; `current` is an index, None when nothing is left."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    current: int | None = None
    ended: int | None = None
    """When the last step was finished; None while one is on."""

    @property
    def on(self) -> dict[str, Any] | None:
        """The step that is on."""
        return None if self.current is None else self.steps[self.current]


def follow(
    plan: list[dict[str, Any]],
    said: Iterable[Mapping[str, Any]],
    passed: Iterable[Mapping[str, Any]],
    started: int,
    now: int,
) -> Course:
    """The course of a run of `plan`, begun at `started`, as of `now` (microseconds)."""
    people, owners = _people(said)
    city = {str(one.get("step")): one for one in passed}
    course = Course([_blank(one, owners) for one in plan])
    places = {one["id"]: i for i, one in enumerate(plan)}
    i, at = 0, started
    for _ in plan:  # each step at most once: plans lead forward, and one that does not ends here
        if not 0 <= i < len(plan):
            break
        step, shown = plan[i], course.steps[i]
        word = people.get(step["id"]) or (city.get(step["id"]) if step["kind"] in AUTOMATIC else None)
        due = None if "withinMinutes" not in step else at + int(step["withinMinutes"] * _MINUTE)
        shown |= {"begun": asked.iso(at), "due": None if due is None else asked.iso(due)}
        if word is None:
            course.current = i
            shown |= {"state": "on", "late": due is not None and now > due, "until": _until(step, at)}
            return course
        ended = asked.instant(word.get("at"))
        at = max(at, at if ended is None else ended)
        shown |= {
            "state": {"skip": "skipped", "decide": "decided", "done": "done"}.get(str(word.get("did")), "passed"),
            "ended": asked.iso(at),
            "late": due is not None and at > due,
            "word": dict(word),
        }
        to = _onward(step, word)
        i = len(plan) if to == END else i + 1 if to is None else places.get(to, i + 1)
    course.ended = at
    return course


def _people(said: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """The first word of people on each step (an act takes no second), and to whom they gave it last."""
    words_: dict[str, Mapping[str, Any]] = {}
    owners: dict[str, str] = {}
    for one in said:
        if one.get("did") == "assign":
            owners[str(one.get("step"))] = str(one.get("owner", ""))
        else:
            words_.setdefault(str(one.get("step")), one)
    return words_, owners


def _blank(step: Mapping[str, Any], owners: Mapping[str, str]) -> dict[str, Any]:
    return {
        **step,
        "owner": owners.get(step["id"]) or step.get("owner", ""),
        "state": "ahead",
        "begun": None,
        "due": None,
        "ended": None,
        "late": False,
        "until": None,
        "word": None,
    }


def _until(step: Mapping[str, Any], at: int) -> str | None:
    """When a wait ends by itself at the latest."""
    minutes = step.get("minutes", step.get("atMostMinutes")) if step["kind"] == "wait" else None
    return None if minutes is None else asked.iso(at + int(minutes * _MINUTE))


def _onward(step: Mapping[str, Any], word: Mapping[str, Any]) -> str | None:
    """The step that follows; None: the next one."""
    if step["kind"] == "condition" and word.get("did") != "skip":
        found = step.get("then" if word.get("answer") else "else")
        if found is not None:
            return str(found)
    if step["kind"] == "wait" and word.get("answer") is False and "else" in step:
        return str(step["else"])
    found = step.get("next")
    return None if found is None else str(found)


def judge(step: Mapping[str, Any], value: Any) -> bool | None:
    """Whether a value fulfils the condition of a step; None when it cannot be compared."""
    wanted, sign = step["value"], step["is"]
    if sign in {"==", "!="}:
        if (type(value) is bool) != (type(wanted) is bool) or not isinstance(value, str | int | float):
            return None
        if isinstance(value, str) != isinstance(wanted, str):
            return None
        return bool((value == wanted) is (sign == "=="))
    if type(value) not in {int, float}:
        return None
    return bool({">": value > wanted, ">=": value >= wanted, "<": value < wanted, "<=": value <= wanted}[sign])
