"""The after-action review, made from the log: timeline, response times, what was late, what run-books did. Pure.

The measures are those of ISO 22320's evaluation and of common practice in emergency management (time to verify, to take
command, to contain, to resolve); people add findings, which no figure replaces.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Final

from hansa.apps.incidents import asked, keeping, lines, words

PHASES: Final = (
    ("verified", "dateRaised", "dateVerified"),
    ("commander named", "dateVerified", "dateCommanded"),
    ("opened", "dateVerified", "dateOpened"),
    ("contained", "dateOpened", "dateContained"),
    ("resolved", "dateContained", "dateResolved"),
    ("reviewed", "dateResolved", "dateReviewed"),
)
"""What was reached, counted from what, under which attributes."""

_DECISIONS: Final = frozenset({"decision", "state", "role", "objective"})


def made(
    incident: Mapping[str, Any],
    log: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
    heads: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """The review of an incident: `log` oldest first, of it and of those merged into it, whose records are `heads`."""
    began = asked.instant(incident.get("dateRaised"))
    return {
        "incident": dict(incident),
        "phases": phases(incident),
        "reopened": sum(
            1
            for one in log
            if one["kind"] == "state"
            and one["data"].get("was") == words.RESOLVED
            and one["data"].get("to") == words.OPEN
        ),
        "tasks": of_tasks(tasks),
        "runs": [of_run(one) for one in runs],
        "decisions": [_told(one, began) for one in log if one["kind"] in _DECISIONS],
        "people": dict(Counter(str(one["by"]) for one in log).most_common(100)),
        "timeline": timeline(log, runs, began),
        "spent": keeping.sums([*(incident.get("cost") or [])]),
        "findings": list(incident.get("findings") or []),
        "log": {"lines": len(log), "broken": broken(log, heads)},
    }


def phases(incident: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How long each step of the response took, in seconds; None where it was not reached, or not from there."""
    told = []
    for name, from_, to in PHASES:
        begun, ended = asked.instant(incident.get(from_)), asked.instant(incident.get(to))
        raised = asked.instant(incident.get("dateRaised"))
        told.append(
            {
                "phase": name,
                "at": incident.get(to),
                "from": from_,
                "seconds": None if begun is None or ended is None else (ended - begun) / asked.SECOND,
                "sinceRaised": None if raised is None or ended is None else (ended - raised) / asked.SECOND,
            }
        )
    return told


def of_tasks(tasks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many tasks there were, how they ended, which were late and by how much (seconds)."""
    ended = Counter(str(one["status"]) for one in tasks)
    late = []
    for one in tasks:
        due, done = asked.instant(one["due"]), asked.instant(one.get("doneAt"))
        if one["late"] and due is not None:
            by = None if done is None or one["status"] != "done" else (done - due) / asked.SECOND
            late.append({"n": one["n"], "name": one["name"], "owner": one["owner"], "due": one["due"], "lateBy": by})
    taken = [
        (done - made_) / asked.SECOND
        for one in tasks
        if one["status"] == "done"
        and (done := asked.instant(one.get("doneAt"))) is not None
        and (made_ := asked.instant(one["madeAt"])) is not None
    ]
    return {
        "total": len(tasks),
        **{name: ended[name] for name in ("done", "dropped", "open")},
        "median": median(taken) if taken else None,
        "late": late,
    }


def of_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """What a run came to: its steps by state, what was skipped and why, what was late, how long it took."""
    steps = run["steps"]
    begun, ended = asked.instant(run["startedAt"]), asked.instant(run["ended"])
    return {
        **{name: run[name] for name in ("id", "name", "version", "drill", "status", "startedAt", "startedBy")},
        "seconds": None if begun is None or ended is None else (ended - begun) / asked.SECOND,
        "steps": dict(Counter(one["state"] for one in steps)),
        "skipped": [
            {"title": one["title"], "why": one["word"].get("text", "")} for one in steps if one["state"] == "skipped"
        ],
        "late": [one["title"] for one in steps if one["late"]],
        "stoppedFor": run.get("stoppedFor"),
    }


def timeline(
    log: Iterable[Mapping[str, Any]], runs: Iterable[Mapping[str, Any]], began: int | None
) -> list[dict[str, Any]]:
    """All that happened, oldest first: the lines of the log, and what run-books decided by themselves."""
    told = [_told(one, began) for one in log]
    for run in runs:
        for step in run["steps"]:
            if step["state"] == "passed":
                word = step["word"]
                reading = word.get("reading") or {}
                seen = f" ({reading['attribute']} {reading['value']} {reading['unit']})" if "value" in reading else ""
                answer = (
                    ""
                    if step["kind"] == "wait" and word.get("answer")
                    else f": {'yes' if word.get('answer') else 'no'}"
                )
                said = f"{run['name']} · {step['title']}{answer}{seen}"
                told.append(_told({"at": step["ended"], "by": "hansa", "kind": "run", "text": said}, began))
    return sorted(told, key=lambda one: str(one["at"]))


def broken(log: Sequence[Mapping[str, Any]], heads: Iterable[Mapping[str, Any]]) -> str:
    """What is wrong with the logs, by their seals; empty when every line stands as it was written."""
    for head in heads:
        own = sorted((one for one in log if one["incident"] == head["id"]), key=lambda one: one["n"])
        if fault := lines.broken(head["id"], own, head["lines"], head["seal"]):
            return f"{head['id']}: {fault}"
    return ""


def rows(review: Mapping[str, Any]) -> list[list[Any]]:
    """The timeline as rows for a spreadsheet."""
    head = [["at", "minutes", "by", "kind", "text"]]
    return head + [[one["at"], one["minute"], one["by"], one["kind"], one["text"]] for one in review["timeline"]]


def _told(one: Mapping[str, Any], began: int | None) -> dict[str, Any]:
    at = asked.instant(one["at"])
    minute = None if at is None or began is None else round((at - began) / (60 * asked.SECOND), 1)
    return {"at": one["at"], "minute": minute, "by": one["by"], "kind": one["kind"], "text": one["text"]}
