"""What people do with rules: save, switch on and off, take back. Every version is kept: who, when, why, and all of it.

A WatchRule's attribute `saved` says all of its newest version; its history holds those before. The text of a version is
the whole rule, so that going back is saving it once more. Held by tests/apps/test_watch_keeping.py.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from hashlib import blake2b
from typing import Any, Final

from hansa import Act, City, Conflict, Delete, Entity, NotFound, Refusal, entity
from hansa.apps.watch.memory import iso, there
from hansa.apps.watch.printing import rule_text
from hansa.apps.watch.rule import Rule, read
from hansa.apps.watch.terms import Unusable
from hansa.apps.watch.tree import to_json
from hansa.apps.watch.wording import Text, read_rule
from hansa.apps.watch.words import Unreadable

VERSIONS: Final = 500  # that are told of one rule
REASON: Final = 500  # characters
ABOUT: Final = 2_000
_OLD: Final = (
    *("kind", "watchedAttribute", "high", "low", "minimum", "maximum", "averagedOver", "perHour", "direction"),
    *("window", "hysteresis", "holdOff", "silentFor", "flatFor", "tolerance", "minimumReadings", "unit"),
)
"""What says a rule of a single kind, and must go when the rule has a condition."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def save(act: Act, city: City) -> Iterator[Entity | Delete]:
    """Save a rule's `text`, with the `reason`; `version` is the one that was on screen. A new rule needs no id."""
    _only(act, "text", "reason", "version", "description", "enabled")
    said = _text(act.said.get("text"))
    reason = _said(act, "reason", REASON, needed=True)
    about = act.said.get("description")
    ident, subject = act.id, act.subject
    if not ident:
        ident = _named(said.alarm)
        if there(city, ident) is not None:
            raise Conflict(
                f"there is a rule of that name: {ident}",
                where="text",
                mend="edit that one, or name the alarm otherwise",
            )
    elif subject is None and not re.fullmatch(r"urn:ngsi-ld:WatchRule:[^\s/?#<>\"']{1,200}", ident):
        raise Refusal("a rule's id is urn:ngsi-ld:WatchRule: and a name", where="id")
    on = act.said.get("enabled", True if subject is None else subject.get("enabled", True))
    if not isinstance(on, bool):
        raise Refusal("enabled is true or false", where="enabled")
    if about is not None:
        about = _said(act, "description", ABOUT)
    _meant(act, subject)
    yield from _kept(act, "save", ident, subject, said, reason, on=on, about=about)


def enable(act: Act, _city: City) -> Iterator[Entity | Delete]:
    """Switch a rule on, with the `reason`."""
    yield from _switched(act, "enable", on=True)


def disable(act: Act, _city: City) -> Iterator[Entity | Delete]:
    """Switch a rule off, with the `reason`; its alarms close."""
    yield from _switched(act, "disable", on=False)


def revert(act: Act, city: City) -> Iterator[Entity | Delete]:
    """Take a rule back `to` an earlier version, with the `reason`. That is a new version, which says the same."""
    _only(act, "to", "reason", "version")
    reason = _said(act, "reason", REASON, needed=True)
    to = act.said.get("to")
    subject = _subject(act)
    found = next((one for one in versions(subject, city) if one["version"] == to), None)
    if found is None or type(to) is not int:
        raise Refusal("there is no such version", where="to", mend="GET /desk/watch/rule?id=... lists them")
    _meant(act, subject)
    said = _text(found["text"])
    yield from _kept(act, "revert", subject.id, subject, said, reason, on=found["enabled"], to=to)


def versions(subject: Entity, city: City) -> list[dict[str, Any]]:
    """Every version of a rule that is known, the newest first."""
    found: dict[int, dict[str, Any]] = {}
    for point in city.history(subject.id, "saved", last=VERSIONS):
        for one in _told(point[1]):
            found[one["version"]] = one
    for one in _told(subject.get("saved")):
        found[one["version"]] = one
    if not found:
        found[0] = {"version": 0, "act": "import", "by": "", "at": "", "reason": "", **_now(subject)}
    return [found[number] for number in sorted(found, reverse=True)]


def lines(before: str, after: str) -> list[dict[str, str]]:
    """How one text becomes another, line by line: `op` is -, + or a space."""
    old, new = before.splitlines(), after.splitlines()
    told: list[dict[str, str]] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            told += [{"op": " ", "line": one} for one in old[i1:i2]]
        else:
            told += [{"op": "-", "line": one} for one in old[i1:i2]]
            told += [{"op": "+", "line": one} for one in new[j1:j2]]
    return told


def text_of(subject: Entity) -> str:
    """A rule as a sentence, whether it is on or not; raises Unusable."""
    return rule_text(switched_on(subject))


def switched_on(subject: Entity) -> Rule:
    """The rule as if it were on; raises Unusable."""
    doc = {name: value for name, value in subject.doc.items() if name != "enabled"}
    rule = read(Entity(doc, subject.stamps, subject.realm, subject.label))
    if rule is None:  # pragma: no cover  # without `enabled` it is on
        raise Unusable("it says nothing")
    return rule


# What is written


def _switched(act: Act, name: str, *, on: bool) -> Iterator[Entity | Delete]:
    _only(act, "reason", "version")
    reason = _said(act, "reason", REASON, needed=True)
    subject = _subject(act)
    if subject.get("enabled", True) is on:
        raise Conflict(f"it is {'on' if on else 'off'} already")
    _meant(act, subject)
    try:
        said = read_rule(text_of(subject))
    except (Unusable, Unreadable) as fault:
        raise Refusal(f"this rule cannot be used: {fault}", mend="save it as it should be") from None
    yield from _kept(act, name, subject.id, subject, said, reason, on=on)


def _kept(
    act: Act,
    name: str,
    ident: str,
    subject: Entity | None,
    said: Text,
    reason: str,
    *,
    on: bool,
    about: str | None = None,
    to: int | None = None,
) -> Iterator[Entity | Delete]:
    """The rule as it is now, and its new version; what a rule of a single kind said goes."""
    known = subject.get("version", 0) if subject is not None else 0
    number = (known if type(known) is int else 0) + 1
    saved: dict[str, Any] = {
        "version": number,
        "act": name,
        "by": act.by,
        "at": iso(act.at),
        "reason": reason,
        "text": rule_text(said.rule(ident)),
        "enabled": on,
    }
    if to is not None:
        saved["to"] = to
    if subject is not None and "saved" not in subject:
        saved["before"] = _now(subject)  # what was imported, or said otherwise: no version tells of it
    if subject is not None:
        gone = [*_OLD, *(["template"] if said.template is None else []), *(["watchedId"] if said.like is None else [])]
        yield from (Delete(ident, one) for one in gone if one in subject)
        if about == "" and "description" in subject:
            yield Delete(ident, "description")
    made = entity(
        "WatchRule",
        ident,
        watchedType=said.type,
        watchedId=said.like,
        condition=to_json(said.condition),
        alarm=said.alarm,
        severity=said.severity,
        category=said.category,
        template=said.template,
        enabled=on,
        description=about or None,
        version=number,
        saved=saved,
    )
    made.label = None if subject is None else subject.label
    yield made


def _now(subject: Entity) -> dict[str, Any]:
    """A rule that no act has saved yet."""
    try:
        text = text_of(subject)
    except Unusable as fault:
        text = f"cannot be used: {fault}"
    return {"text": text, "enabled": subject.get("enabled", True) is not False}


def _told(saved: Any) -> Iterator[dict[str, Any]]:
    """The version that a `saved` says, and what was before the first."""
    if (
        not isinstance(saved, Mapping)
        or type(saved.get("version")) is not int
        or not isinstance(saved.get("text"), str)
    ):
        return
    kept = ("act", "by", "at", "reason", "text")
    yield {"version": saved["version"], "enabled": saved.get("enabled") is True} | {
        name: str(saved.get(name, "")) for name in kept
    }
    before = saved.get("before")
    if isinstance(before, Mapping) and isinstance(before.get("text"), str):
        first = {"version": saved["version"] - 1, "act": "import", "by": "", "at": "", "reason": ""}
        yield first | {"text": before["text"], "enabled": before.get("enabled") is True}


# What is said


def _subject(act: Act) -> Entity:
    if act.subject is None:
        raise NotFound(f"there is no WatchRule {act.id[:200]}", where="id")
    return act.subject


def _meant(act: Act, subject: Entity | None) -> None:
    """Refuse to save over a version that was not on screen."""
    seen = act.said.get("version")
    if seen is None:
        return
    known = subject.get("version", 0) if subject is not None else 0
    if type(seen) is not int or seen != known:
        saved = subject.get("saved") if subject is not None else None
        who = saved.get("by", "somebody") if isinstance(saved, Mapping) else "somebody"
        raise Conflict(f"{who} has saved version {known} meanwhile", where="version", mend="look at it first")


def _text(said: Any) -> Text:
    if not isinstance(said, str) or not said.strip():
        raise Refusal("text is the rule as a sentence", where="text", mend="when ... raise '...'")
    try:
        return read_rule(said)
    except Unreadable as fault:
        raise Refusal(str(fault), where="text") from None


def _only(act: Act, *names: str) -> None:
    for name in act.said:
        if name not in names:
            raise Refusal("this act does not know that", where=name[:80], mend=f"it knows: {', '.join(names)}")


def _said(act: Act, name: str, most: int, *, needed: bool = False) -> str:
    said = act.said.get(name)
    if said is None or said == "":
        if needed:
            raise Refusal(f"{name} is missing", where=name, mend="say in a few words why")
        return ""
    if not isinstance(said, str) or _CONTROL.search(said):
        raise Refusal(f"{name} is a text", where=name)
    if len(said) > most or (needed and not said.strip()):
        raise Refusal(f"{name} is a text of 1 to {most:,} characters", where=name)
    return said.strip()


def _named(alarm: str) -> str:
    """The id of a new rule, made of what its alarm is called."""
    plain = re.sub(r"[^a-z0-9]+", "-", alarm.lower()).strip("-")[:60]
    return f"urn:ngsi-ld:WatchRule:{plain or blake2b(alarm.encode(), digest_size=6).hexdigest()}"
