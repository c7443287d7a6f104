"""Raising and clearing by hand and by other programs: acts, so that a hundred at once are one alarm, all counted.

Between acts the city itself keeps order: an act is called anew when somebody else has changed the alarm meanwhile. What
watch, frost or any third party says by writing an Alert of its own is counted by `counting`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from hansa import Act, Attribute, City, Conflict, Delete, Entity, NotFound, Refusal, entity, labels
from hansa.apps.alarms import words
from hansa.apps.alarms.standing import SEVERITIES, active, graver, ident, is_ours, iso, severity, whole

_GENERAL: Final = "operation"


def about(said: Mapping[str, Any]) -> str:
    """The id of the alarm that a body is about; empty where it does not say."""
    source, kind = said.get("source"), said.get("kind")
    return ident(source, kind) if isinstance(source, str) and isinstance(kind, str) else ""


def raise_(act: Act, city: City) -> Iterator[Entity | Delete]:
    """Raise the alarm of a source and a kind; while it stands, raising it again is counted and says the newest."""
    words.only(act, "source", "kind", "severity", "description", "category", "value", "limit", "unitCode", "location")
    source = words.text(act, "source", words.NAME, why="what it is about: an entity's id, or in words")
    kind = words.text(act, "kind", words.KIND, why="what is out of order, in a word: flood, fire, intrusion")
    alert = ident(source, kind)
    if act.id and act.id != alert:
        raise Refusal("an alarm's id is made of source and kind", where="id", mend=f"leave it out, or say {alert}")
    grave = words.maybe(act, "severity", words.KIND) or "medium"
    if grave not in SEVERITIES:
        raise Refusal("there is no such severity", where="severity", mend=f"one of {', '.join(SEVERITIES)}")
    known, about = _there(city, alert), _there(city, source)
    act = replace(act, at=city.now())  # after all that was raised before it, which it has read
    if known is not None and active(known) and graver(severity(known), grave):
        grave = severity(known)  # a lesser word does not calm what stands
    # What turns graver rings again, also where the lesser was acknowledged.
    anew = known is None or not active(known) or graver(grave, severity(known))
    if known is not None and "validTo" in known:
        yield Delete(alert, "validTo")
    yield _labelled(
        entity(
            "Alert",
            alert,
            category=words.maybe(act, "category", words.KIND) or (None if known else _GENERAL),
            subCategory=kind,
            severity=grave,
            description=words.maybe(act, "description", words.TEXT) or None,
            alertSource=source,
            location=words.point(act, "location") or (None if about is None else about.location),
            status="open",
            raises=words.by(act, 1 + (0 if known is None else whole(known, "raises"))),
            **_figures(act),
            **(_begun(act, known) if anew else {}),
        ),
        known,
        about,
    )


def _begun(act: Act, known: Entity | None) -> dict[str, Any]:
    """What is said when a raising begins."""
    at = iso(act.at)
    return {
        "activations": Attribute(1 + (0 if known is None else whole(known, "activations")), at=act.at),
        "firstRaised": at if known is None or "firstRaised" not in known else None,
        "lastRaised": at,
        "dateIssued": at,
        "escalation": 0 if known is not None and "escalation" in known else None,
    }


def _figures(act: Act) -> dict[str, Any]:
    unit = words.maybe(act, "unitCode", words.KIND) or None
    said = {name: words.number(act, name) for name in ("value", "limit")}
    return {name: Attribute(one, unit) for name, one in said.items() if one is not None}


def clear(act: Act, city: City) -> Iterator[Entity]:
    """Say that an alarm raised here is over (by id, or by source and kind); one that is over already stays as it is."""
    words.only(act, "source", "kind", "reason")
    alert = act.id
    if not alert:
        source = words.text(act, "source", words.NAME, why="or the alarm's id")
        alert = ident(source, words.text(act, "kind", words.KIND, why="or the alarm's id"))
    known = _there(city, alert)
    act = replace(act, at=city.now())
    if known is None or "Alert" not in known.types:
        raise NotFound(f"there is no alarm {alert[:200]}", where="id")
    if not is_ours(alert):
        mend = "it clears when its source says so; shelve it, or take it out of service, until then"
        raise Conflict("what keeps this alarm is not the desk", mend=mend)
    reason = words.maybe(act, "reason")
    if active(known):
        yield entity(
            "Alert",
            alert,
            status="closed",
            lastCleared=words.by(act, iso(act.at), reason=reason),
            clears=words.by(act, 1 + whole(known, "clears")),
            validTo=iso(act.at),
        )


def _there(city: City, name: str) -> Entity | None:
    try:
        return city.get(name)
    except NotFound:
        return None


def _labelled(alert: Entity, known: Entity | None, about: Entity | None) -> Entity:
    """An alarm is as confidential as what it repeats of its source, and never becomes less so: open readings make no
    open alarm.
    """
    if known is None and about is not None:
        alert.label = labels.strictest(labels.of(about, "location"), about.realm)
    return alert
