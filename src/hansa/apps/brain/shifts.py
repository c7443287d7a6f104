"""The shift log: who sat at a desk from when to when, what was entered, how it was handed over.

An entry (ShiftEntry) is never changed or deleted, by whomever: `append_only`. Each names the digest of the one before
it at its desk, so that one that is taken out of the file is missed, and the audit log has the digest of each. A Shift
only sums up what the entries say. A handover is an entry that the outgoing person signs and another one, with the first
one's digest, that the incoming one signs: both prove anew who they are (`fresh`). Held by
tests/apps/test_brain_shifts.py.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from hansa import Act, Attribute, City, Conflict, Entity, NotFound, Refusal, entity
from hansa.apps.brain.logbook import ENTRY, SHIFT, SHIFTS, Last, entry, entry_id, last, shift_id, when
from hansa.apps.brain.words import SECOND, TEXT, desk_of, instant, iso, link, only, text_of, there

ROLES: Final = frozenset({"operator", "supervisor", "command"})
READERS: Final = ROLES | {"auditor", "data_officer", "administrator"}
SENIORS: Final = frozenset({"supervisor", "command"})
KINDS: Final = ("note", "call", "decision", "unusual", "correction")
"""What people enter; begin, handover, accepted and end are entered by what they do."""
LINE: Final = 500
FACTS: Final = 200
"""Lines of a section of a handover."""
ABOUT: Final = 20
AHEAD: Final = 60 * SECOND
"""So much may the clock of a desk be ahead of the city's."""
BACK: Final = 30 * 86_400 * SECOND
_SHA: Final = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)


# ---- what people do


def begin(act: Act, city: City) -> Iterable[Entity]:
    """Sit down at a desk: `desk`, and perhaps a `text`."""
    if act.id or act.subject is not None:
        raise Refusal("a shift gets its id here", where="id", mend="leave it out")
    desk = desk_of(act.said)
    only(act.said, {"desk", "text"})
    text = text_of(act.said, "text", needed=False)
    standing = _open(city, desk)
    if any(one.get("who") == act.by for one in standing):
        raise Conflict("you sit at this desk already", where=None)
    for one in standing:
        if one.get("status") == "handed":
            mend = "read it, and accept it"
            raise Refusal("a handover waits for whoever comes: accept it", where="desk", mend=mend)
    yield from _begun(act, city, desk, last(city, desk), text, standing[0] if standing else _newest(city, desk))


def enter(act: Act, city: City) -> Iterable[Entity]:
    """Enter something for good: `text`, `kind`, perhaps `about` (ids), `happenedAt`, `corrects` (an entry's id)."""
    shift, desk = _own(act, city)
    said = act.said
    only(said, {"text", "kind", "about", "happenedAt", "corrects", "key"})
    kind = said.get("kind", "note")
    if kind not in KINDS:
        raise Refusal("there is no such kind of entry", where="kind", mend=", ".join(KINDS))
    text = text_of(said, "text")
    corrects = said.get("corrects")
    if (corrects is not None) != (kind == "correction"):
        raise Refusal("a correction says what it corrects, and nothing else does", where="corrects")
    if corrects is not None:
        old = entry(city, corrects)
        if old is None or old.get("desk") != desk:
            raise Refusal("there is no such entry at this desk", where="corrects")
    key = said.get("key")
    if key is not None and (not isinstance(key, str) or not 0 < len(key) <= 64):
        raise Refusal("a key is a short text", where="key")
    newest = last(city, desk)
    if key is not None and newest.number:
        before = city.get(entry_id(desk, newest.number))
        if before.get("key") == key and before.get("by") == act.by:
            return  # the same click, twice
    about = _about(said.get("about", ()))
    made = _made(
        act, desk, shift.id, kind, newest, text=text, about=about, corrects=link(corrects),
        happenedAt=_happened(said.get("happenedAt"), act.at), key=key,
    )  # fmt: skip
    yield _labelled(made, shift)
    yield _labelled(entity(SHIFT, shift.id, entries=_more(shift)), shift)


def hand_over(act: Act, city: City) -> Iterable[Entity]:
    """Sign what whoever comes must know: `text`, and `facts` (sections of lines) as you leave them."""
    shift, desk = _own(act, city)
    only(act.said, {"text", "facts"})
    text = text_of(act.said, "text")
    facts = _facts(act.said.get("facts", {}))
    newest = last(city, desk)
    kept = Attribute(facts, kind="JsonProperty") if facts else None
    made = _made(act, desk, shift.id, "handover", newest, text=text, facts=kept, assurance=act.assurance)
    yield _labelled(made, shift)
    handed = entity(
        SHIFT, shift.id, status="handed", handover=link(made.id), handedAt=iso(act.at), entries=_more(shift)
    )
    yield _labelled(handed, shift)


def accept(act: Act, city: City) -> Iterable[Entity]:
    """Sign that you have read a handover and take over: `digest` of what you read."""
    shift, desk, whose = _shift(act, city)
    only(act.said, {"digest", "text"})
    if shift.get("status") == "closed":
        raise Conflict(f"this shift is over: {shift.get('acceptedBy') or whose} closed it", where=None)
    if shift.get("status") != "handed":
        raise Refusal("nothing was handed over yet", where="id", mend="ask whoever sits there to write his handover")
    if whose == act.by:
        raise Refusal("nobody hands over to himself", where="id", mend="whoever comes accepts it")
    digest = act.said.get("digest")
    if not isinstance(digest, str) or not _SHA.match(digest):
        raise Refusal("say the digest of what you read", where="digest")
    handover = entry(city, shift.get("handover"))
    if (
        handover is None
        or handover.get("kind") != "handover"
        or handover.get("by") != whose
        or handover.get("shift") != act.id
    ):
        raise Refusal("this handover is not to be found", where="id", mend="have it written again")
    if handover.digest != digest:
        raise Conflict("the handover is another one by now", where=None, mend="read it again, then accept it")
    text = text_of(act.said, "text", needed=False)
    newest = last(city, desk)
    made = _made(
        act, desk, shift.id, "accepted", newest, text=text or None, handover=link(handover.id), digest=digest,
        assurance=act.assurance,
    )  # fmt: skip
    yield _labelled(made, shift)
    standing = [one for one in _open(city, desk) if one.get("who") == act.by]
    after = Last(newest.number + 1, made.digest)
    next_ = ""
    if not standing:
        began = list(_begun(act, city, desk, after, "", shift, handed=True))
        next_ = began[0].id
        yield from began
    yield _labelled(
        entity(
            SHIFT, shift.id, status="closed", end=iso(act.at), closedBy="handover", acceptedBy=act.by,
            next=link(next_ or standing[0].id), entries=_more(shift),
        ),
        shift,
    )  # fmt: skip


def end(act: Act, city: City) -> Iterable[Entity]:
    """Leave a desk without a handover: `text` says why. Your own shift; a senior, also one that somebody forgot."""
    shift, desk, whose = _shift(act, city)
    only(act.said, {"text"})
    if shift.get("status") == "closed":
        raise Conflict("this shift is over already", where=None)
    if whose != act.by and not act.roles & SENIORS and "administrator" not in act.roles:
        raise Refusal("this is not your shift", where="id")
    text = text_of(act.said, "text")
    newest = last(city, desk)
    yield _labelled(_made(act, desk, shift.id, "end", newest, text=text), shift)
    yield _labelled(
        entity(
            SHIFT, shift.id, status="closed", end=iso(act.at), closedBy="none", endedBy=act.by,
            entries=_more(shift),
        ),
        shift,
    )  # fmt: skip


# ---- parts


def _begun(
    act: Act, city: City, desk: str, newest: Last, text: str, before: Entity | None, *, handed: bool = False
) -> Iterator[Entity]:
    number = newest.number + 1
    ident = shift_id(desk, number)
    if there(city, ident) is not None:
        raise Conflict("somebody else sat down in the same moment", where=ident)
    without = before is not None and not handed
    yield entity(
        SHIFT, ident, desk=desk, number=number, who=act.by, begin=iso(act.at), status="open", entries=1,
        previous=None if before is None else link(before.id), begunWithout=without or None,
    )  # fmt: skip
    yield _made(act, desk, ident, "begin", newest, text=text or None, begunWithout=without or None)


def _made(act: Act, desk: str, shift: str, kind: str, newest: Last, **said: Any) -> Entity:
    number = newest.number + 1
    return entity(
        ENTRY,
        entry_id(desk, number),
        desk=desk,
        number=number,
        shift=link(shift),
        kind=kind,
        by=act.by,
        at=iso(act.at),
        previous=newest.digest or None,
        **said,
    )


def _open(city: City, desk: str) -> list[Entity]:
    """Shifts of a desk that are not over, newest first, as `get` has them: what is done stands on them."""
    found = city.find(SHIFT, f'desk=="{desk}";status!="closed"', limit=100)
    return sorted((city.get(one.id) for one in found), key=when, reverse=True)


def _newest(city: City, desk: str) -> Entity | None:
    """The newest shift of a desk where it ended without a handover; None where it was handed over, or there is none."""
    found = max(city.find(SHIFT, f'desk=="{desk}"', limit=SHIFTS), key=when, default=None)
    return found if found is not None and found.get("closedBy") != "handover" else None


def _shift(act: Act, city: City) -> tuple[Entity, str, str]:
    """A shift, its desk, and whose it is: as it was entered when it began, whatever the Shift says by now."""
    if act.subject is None:
        raise NotFound(f"there is no shift {act.id[:200]}", where="id")
    began = entry(city, act.id.replace(f":{SHIFT}:", f":{ENTRY}:", 1))
    if began is None or began.get("kind") != "begin" or began.get("shift") != act.id:
        raise Refusal("this shift was never begun", where="id", mend="begin one of your own")
    return act.subject, str(began["desk"]), str(began["by"])


def _more(shift: Entity) -> int:
    count = shift.get("entries")
    return count + 1 if isinstance(count, int) and not isinstance(count, bool) else 1


def _own(act: Act, city: City) -> tuple[Entity, str]:
    shift, desk, whose = _shift(act, city)
    if whose != act.by:
        raise Refusal("this is not your shift", where="id", mend="begin one of your own")
    if shift.get("status") not in {"open", "handed"}:
        raise Conflict("this shift is over", where=None, mend="begin another one")
    return shift, desk


def _labelled(made: Entity, shift: Entity) -> Entity:
    made.label = shift.label
    return made


# ---- what is said, checked


def _about(said: Any) -> list[str] | None:
    if not isinstance(said, list | tuple) or not all(isinstance(one, str) and 0 < len(one) <= 2_048 for one in said):
        raise Refusal("about is a list of ids", where="about")
    if len(said) > ABOUT:
        raise Refusal(f"an entry is about {ABOUT} things at most", where="about")
    return list(dict.fromkeys(said)) or None


def _happened(said: Any, now: int) -> str | None:
    if said is None or said == "":
        return None
    at = instant(said)
    if at is None:
        raise Refusal("this is no time", where="happenedAt", mend="2026-04-01T18:00:00Z")
    if at > now + AHEAD:
        raise Refusal(
            "this has not happened yet by the city's clock", where="happenedAt", mend="look at your own clock"
        )
    if at < now - BACK:
        raise Refusal("this is too long ago for a shift log", where="happenedAt")
    return iso(min(at, now))


def _facts(said: Any) -> dict[str, list[str]]:
    """Sections of lines, each a text."""
    if not isinstance(said, dict) or len(said) > 20:
        raise Refusal("facts are sections of lines", where="facts")
    found: dict[str, list[str]] = {}
    for name, lines in said.items():
        if not (isinstance(name, str) and 0 < len(name) <= 40 and isinstance(lines, list) and len(lines) <= FACTS):
            raise Refusal(f"a section has a name and at most {FACTS} lines", where="facts")
        kept = [text_of({"facts": one}, "facts", needed=False)[:LINE] for one in lines]
        if any(kept):
            found[name] = [one for one in kept if one]
    if sum(len(one) for lines in found.values() for one in lines) > 5 * TEXT:
        raise Refusal("this is more than anybody reads", where="facts")
    return found
