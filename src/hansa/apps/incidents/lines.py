"""The log of an incident: lines that are only ever added, each sealed with the one before.

A line is an entity of its own, numbered without gaps; the incident keeps how many there are and the newest seal. So a
line that was changed, taken out or put in shows, whoever did it and however. (Whoever may write the incident as well
could seal anew; the city's own log of Changes, which nobody writes, still tells.)
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from hansa import Attribute, Entity, Refusal, entity
from hansa.apps.incidents import words
from hansa.apps.incidents.asked import iso

FIRST: Final = ""


class Line(NamedTuple):
    """One line: what happened, of which kind, and figures of it for the review."""

    kind: str
    text: str
    data: Mapping[str, Any] | None = None


def seal(before: str, incident: str, said: Mapping[str, Any]) -> str:
    """The seal of a line: SHA-256 over the seal before it and all that it says."""
    body = json.dumps([before, incident, said], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(body.encode()).hexdigest()


def label(one: Entity) -> str:
    """Under which label something that belongs to an entity is kept: its own, said in full."""
    return one.label or ("security" if one.realm == "security" else "smart")


def ident(incident: str, n: int) -> str:
    """The id of a line."""
    return f"urn:ngsi-ld:IncidentLog:{key(incident)}-{n:06d}"


def key(incident: str) -> str:
    """The last part of an incident's id."""
    return incident.rpartition(":")[2]


def write(
    incident: str, of: Entity | None, by: str, at: int, news: Iterable[Line]
) -> tuple[list[Entity], dict[str, Any]]:
    """The lines as entities, and what the incident then keeps of its log: `lines` and `seal`.

    `of` is the incident as it was, None when it is new. Refusal when the log is full.
    """
    n = 0 if of is None else int(of.get("lines", 0))
    last = FIRST if of is None else str(of.get("seal", FIRST))
    made: list[Entity] = []
    for one in news:
        n += 1
        if n > words.LINES_MAX:
            raise Refusal("the log of this incident is full", mend="resolve it, and go on in a new one")
        said = {"n": n, "at": iso(at), "by": by, "kind": one.kind, "text": one.text, "data": dict(one.data or {})}
        last = seal(last, incident, said)
        new = entity(
            "IncidentLog",
            ident(incident, n),
            incident=Attribute(incident, kind="Relationship"),
            n=n,
            at=said["at"],
            by=by,
            lineKind=one.kind,
            text=one.text,
            data=said["data"] or None,
            seal=last,
        )
        if of is not None:
            new.label = label(of)
        made.append(new)
    return made, {"lines": n, "seal": last}


def read(one: Entity) -> dict[str, Any]:
    """A line as views hand it out."""
    return {
        "n": one.get("n", 0),
        "at": str(one.get("at", "")),
        "by": str(one.get("by", "")),
        "kind": str(one.get("lineKind", "")),
        "text": str(one.get("text", "")),
        "data": one.get("data") or {},
        "seal": str(one.get("seal", "")),
    }


def broken(incident: str, lines: Iterable[Mapping[str, Any]], count: int, last: str) -> str:
    """What is wrong with a log, in a sentence; empty when every line stands as it was written. `lines` in order."""
    before, n = FIRST, 0
    for one in lines:
        n += 1
        if one["n"] != n:
            return f"line {n} is missing"
        said = {name: one[name] for name in ("n", "at", "by", "kind", "text", "data")}
        before = seal(before, incident, said)
        if before != one["seal"]:
            return f"line {n} is not as it was written"
    if n != count:
        return f"{count - n} of {count} lines are missing" if n < count else "there are lines that nobody wrote"
    return "" if before == last else "the last line is not the one that the incident knows"
