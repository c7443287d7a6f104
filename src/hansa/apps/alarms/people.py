"""What people say about an alarm: acknowledged, assigned, commented, shelved, out of service, suppressed, rooted.

Each writes attributes of its own beside what the process says, with who said it and when. Words and states are those of
ISA-18.2-2016 and IEC 62682:2014; section 11 of the former wants an end and a reason for what is put aside.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from hansa import Act, Attribute, City, Conflict, Delete, Entity, NotFound, Refusal, entity
from hansa.apps.alarms import words
from hansa.apps.alarms.standing import ACK, NORM, activation, iso, out_of_service, shelved, state

SHELVED_H: Final = 24.0
"""The longest that an alarm may be shelved; setting `shelve_h`. Ours: the standards leave the figure to each site."""
COMMENTS: Final = 200  # of one alarm; whoever has more to say opens an incident
ROOTS: Final = 10  # roots of roots
CONDITIONS: Final = 5  # for suppressing one alarm
_MAINTENANCE: Final = ("maintenance", "inMaintenance", "underMaintenance", "outOfService")


def acknowledge(act: Act, _city: City) -> Iterator[Entity]:
    """Say that one has seen this raising of an alarm and takes it on; `activation` is the one that was on screen."""
    words.only(act, "activation", "comment")
    alert = _subject(act)
    now, standing = activation(alert), state(alert)
    seen = words.count(act, "activation")
    if seen is not None and seen != now:
        raise Conflict(f"it was raised again since you looked: this is number {now}", mend="look again")
    if standing == NORM:
        raise Conflict("there is nothing to acknowledge: it is neither active nor new")
    if standing == ACK:
        who = str(alert.get("acknowledgedBy", "somebody"))[:200]
        raise Conflict(f"{who} has acknowledged it already")
    yield entity(
        alert.type,
        alert.id,
        acknowledgedActivation=words.by(act, now),
        acknowledgedBy=act.by,
        acknowledgedAt=iso(act.at),
        comments=_commented(act, alert, words.maybe(act, "comment", words.TEXT)),
    )


def assign(act: Act, _city: City) -> Iterator[Entity]:
    """Say who looks after an alarm: `to` a person, `me`, or nobody."""
    words.only(act, "to")
    if "to" not in act.said:
        raise Refusal("to is missing", where="to", mend="a person's id, me, or empty for nobody")
    whom = words.maybe(act, "to", words.KIND)
    alert = _subject(act)
    yield entity(alert.type, alert.id, assignee=words.by(act, act.by if whom == "me" else whom))


def comment(act: Act, _city: City) -> Iterator[Entity]:
    """Write something down about an alarm, for whoever looks at it next."""
    words.only(act, "text")
    alert = _subject(act)
    yield entity(alert.type, alert.id, comments=_commented(act, alert, words.text(act, "text", words.TEXT)))


def shelve(act: Act, city: City) -> Iterator[Entity]:
    """Put an alarm aside for a while, with the reason; it comes back by itself at the end."""
    words.only(act, "until", "minutes", "reason")
    alert = _subject(act)
    most = _hours(city.setting("shelve_h"), SHELVED_H) * 3_600
    until = words.end(act, most, needed=True)
    reason = words.text(act, "reason", why="whoever comes next must know why it is silent")
    yield entity(
        alert.type,
        alert.id,
        shelvedUntil=words.by(act, iso(until or act.at), reason=reason),
        shelvedBy=act.by,
        shelvedReason=reason,
    )


def unshelve(act: Act, _city: City) -> Iterator[Entity]:
    """Bring a shelved alarm back before its time."""
    words.only(act)
    alert = _subject(act)
    if not shelved(alert, act.at):
        raise Conflict("it is not shelved")
    yield entity(alert.type, alert.id, shelvedUntil=words.by(act, iso(act.at)))


def out(act: Act, _city: City) -> Iterator[Entity]:
    """Take an alarm out of service, with the reason: it does not ring until it is put back, or a time that is said."""
    words.only(act, "until", "minutes", "reason")
    alert = _subject(act)
    reason = words.text(act, "reason", why="whoever comes next must know why it is silent")
    until = words.end(act, 366 * 86_400, needed=False)
    yield entity(
        alert.type,
        alert.id,
        outOfService=words.by(act, value=True, reason=reason),
        outOfServiceReason=reason,
        outOfServiceBy=act.by,
        outOfServiceUntil="" if until is None else iso(until),
    )


def back(act: Act, _city: City) -> Iterator[Entity]:
    """Put an alarm back into service."""
    words.only(act)
    alert = _subject(act)
    if not out_of_service(alert, act.at):
        raise Conflict("it is in service")
    yield entity(alert.type, alert.id, outOfService=words.by(act, value=False))


def suppress(act: Act, city: City) -> Iterator[Entity]:
    """Suppress an alarm by design: while another alarm stands, or while an entity (its source) is maintained.

    `when` is a list of {"alarm": id} and {"entity": id, "attribute": "status", "is": ["maintenance"]}; one suffices. An
    empty list ends it.
    """
    words.only(act, "when", "reason")
    alert = _subject(act)
    when = [_condition(one, alert, city) for one in _list(act.said.get("when"))]
    reason = words.text(act, "reason", why="why it means nothing then") if when else words.maybe(act, "reason")
    if not when and not alert.get("suppressWhen"):
        raise Conflict("it is not suppressed by any design")
    yield entity(alert.type, alert.id, suppressWhen=words.by(act, when, reason=reason))


def root(act: Act, city: City) -> Iterator[Entity | Delete]:
    """Say which alarm is at the root of this one (its consequence); empty: none any more."""
    words.only(act, "root")
    if "root" not in act.said:
        raise Refusal("root is missing", where="root", mend="an alarm's id, or empty for none")
    alert = _subject(act)
    ident = words.maybe(act, "root", words.NAME)
    if not ident:
        if "rootAlarm" not in alert:
            raise Conflict("it has no root")
        yield Delete(alert.id, "rootAlarm")
        return
    _climb(ident, alert.id, city, _roots, "root")
    extra = {"by": {"type": "Property", "value": act.by}}
    yield entity(alert.type, alert.id, rootAlarm=Attribute(ident, kind="Relationship", at=act.at, extra=extra))


def _roots(alert: Entity) -> list[Any]:
    return [alert.get("rootAlarm")]


def _climb(first: str, end: str, city: City, up: Callable[[Entity], list[Any]], where: str) -> None:
    """See that the way up from an alarm is there and does not lead back. Raises Refusal, NotFound."""
    seen, row = {end}, [first]
    for _ in range(ROOTS):
        found = [_alarm(one, city, where, must=one == first) for one in row]
        if seen.intersection(row):
            raise Refusal("that leads back to the alarm itself", where=where)
        seen.update(row)
        row = [on for one in found if one is not None for on in up(one) if isinstance(on, str) and on and on != one.id]
        if not row:
            return
    raise Refusal(f"there are more than {ROOTS} above it already", where=where)


def _alarm(ident: str, city: City, where: str, *, must: bool) -> Entity | None:
    try:
        found = city.get(ident)
    except NotFound:
        if must:
            raise Refusal(f"there is no alarm {ident[:200]}", where=where) from None
        return None
    if "Alert" not in found.types:
        raise Refusal(f"{ident[:200]} is no alarm", where=where)
    return found


def _condition(said: Any, alert: Entity, city: City) -> dict[str, Any]:
    """One stated condition. Only what its author sees may decide: else he could ask what is hidden from him."""
    if (
        not isinstance(said, Mapping)
        or set(said) - {"alarm", "entity", "attribute", "is"}
        or ("alarm" in said) == (bool({"entity", "attribute", "is"} & set(said)))
    ):
        mend = '{"alarm": id} or {"entity": id, "attribute": "status", "is": ["maintenance"]}'
        raise Refusal("this is no condition", where="when", mend=mend)
    for one in ("alarm", "entity", "attribute"):
        if one in said and (not isinstance(said[one], str) or not 0 < len(said[one]) <= words.NAME):
            raise Refusal(f"{one} is a text", where="when")
    if "alarm" in said:
        _climb(said["alarm"], alert.id, city, _suppressors, "when")
        return {"alarm": said["alarm"]}
    ident, name = said.get("entity", alert.get("alertSource", "")), said.get("attribute", "status")
    values = said.get("is", list(_MAINTENANCE))
    if not isinstance(values, list) or not 0 < len(values) <= 20 or not all(_plain(one) for one in values):
        raise Refusal("is is a list of words, numbers, true or false", where="when")
    try:
        about = city.get(str(ident))
    except NotFound:
        raise Refusal(f"there is no entity {str(ident)[:200]}", where="when") from None
    if name not in about:
        raise Refusal(f"{about.id[:200]} does not say {name[:80]}", where="when", mend="name an attribute that it has")
    return {"entity": about.id, "attribute": name, "is": values}


def _suppressors(alert: Entity) -> list[Any]:
    return [one["alarm"] for one in conditions(alert) if "alarm" in one]


def conditions(alert: Entity) -> list[dict[str, Any]]:
    """The conditions under which an alarm is suppressed by design."""
    said = alert.get("suppressWhen")
    return [one for one in said if isinstance(one, dict)][:CONDITIONS] if isinstance(said, list) else []


def _plain(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= words.KIND)


def _list(said: Any) -> Iterable[Any]:
    if not isinstance(said, list) or len(said) > CONDITIONS:
        raise Refusal(f"when is a list of at most {CONDITIONS} conditions", where="when")
    return said


def _subject(act: Act) -> Entity:
    if act.subject is None:
        raise NotFound("there is no such alarm", where="id")
    return act.subject


def _hours(said: Any, otherwise: float) -> float:
    return said if isinstance(said, int | float) and not isinstance(said, bool) and said > 0 else otherwise


def _commented(act: Act, alert: Entity, said: str) -> list[dict[str, str]] | None:
    if not said:
        return None
    before = alert.get("comments")
    before = before if isinstance(before, list) else []
    if len(before) >= COMMENTS:
        raise Conflict(f"an alarm has at most {COMMENTS} comments", mend="open an incident")
    return [*before, {"by": act.by, "at": iso(act.at), "text": said}]
