"""Phases of a process: when each is, what may be done in which. Pure but for the Refusals."""

from collections.abc import Mapping
from typing import Any

from hansa import Conflict, Entity, Refusal
from hansa.apps.participation.said import iso, moment, only, word
from hansa.apps.participation.words import ALLOWED, PHASES


def read(said: Any) -> list[dict[str, Any]]:
    """Phases as staff writes them: each of `PHASES` once, in that order, none beginning before the last has ended."""
    if not isinstance(said, list) or not 1 <= len(said) <= len(PHASES):
        raise Refusal("phases is a list of phases", where="phases", mend=", ".join(PHASES))
    found: list[dict[str, Any]] = []
    ended, turn = 0, -1
    for n, one in enumerate(said):
        where = f"phases[{n}]"
        if not isinstance(one, Mapping):
            raise Refusal("a phase is phase, begins, ends", where=where)
        only(one, "phase", "begins", "ends", "allows")
        name = word(one, "phase", PHASES)
        begins, ends = moment(one, "begins"), moment(one, "ends")
        if PHASES.index(name) <= turn or begins < ended or begins >= ends:
            mend = f"in the order {', '.join(PHASES)}, one after the other"
            raise Refusal("phases come one after the other", where=where, mend=mend)
        allows = one.get("allows", sorted(ALLOWED[name]))
        if not isinstance(allows, list) or not all(isinstance(it, str) and it in ALLOWED[name] for it in allows):
            mend = ", ".join(sorted(ALLOWED[name]))
            raise Refusal("a phase allows some of what it may", where=f"{where}.allows", mend=mend)
        ended, turn = ends, PHASES.index(name)
        found.append({"phase": name, "begins": iso(begins), "ends": iso(ends), "allows": sorted(set(allows))})
    return found


def now(process: Entity, at: int) -> tuple[str, frozenset[str]]:
    """The phase of a process at a time, `before`, `between` or `over` outside of all, and what residents may do."""
    phases = process.get("phases", [])
    if process.get("status") != "open":
        return ("over" if process.get("status") == "closed" else "before"), frozenset()
    for one in phases:
        if moment(one, "begins") <= at < moment(one, "ends"):
            return str(one["phase"]), frozenset(one.get("allows", ()))
    if phases and at < moment(phases[0], "begins"):
        return "before", frozenset()
    return ("over" if not phases or at >= moment(phases[-1], "ends") else "between"), frozenset()


def allows(process: Entity, at: int, what: str) -> None:
    """Let pass what may be done now; Conflict, saying the phase."""
    phase, may = now(process, at)
    if what not in may:
        mend = ", ".join(sorted(may)) or "nothing for now; its phases say when"
        raise Conflict(f"the process is in the phase {phase}: this is not the time to {what}", mend=mend)
