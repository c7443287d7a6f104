"""Standing approvals: two people say in advance that an app's alert of a kind becomes a warning at once, within limits.

What no approval covers becomes a proposed warning on the board, and two people decide. A fire alarm, an order to
evacuate or shelter never goes out by itself: what costs lives when it is wrong is not decided in advance.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from hansa import Act, Change, City, Conflict, Entity, Forbidden, NotFound, Refusal, entity
from hansa.apps.warnings import cap, templates, words
from hansa.apps.warnings.area import Reach, within
from hansa.apps.warnings.drafting import begun, described, logged
from hansa.apps.warnings.words import DAY, SECOND, hashed, iso

PER_NIGHT: Final = 50  # warnings of one approval: beyond it, people look again
LONGEST: Final = 200 * DAY  # of an approval: a season, not for ever
STANDING: Final = 200  # approvals that a rule looks through
EVENTS: Final = ("frost", "heat", "storm")
"""Of a sender's messages, what may ever go out by a standing approval."""
RADIUS_M: Final = 5_000.0  # around the place of an alert, where an approval says none
_PRINT: Final = re.compile(r"[0-9a-f]{64}")  # SHA-256 of a certificate


class Kind(NamedTuple):
    """What an alert of a kind becomes."""

    app: str
    template: str
    alone: bool  # whether it may go out by a standing approval


KINDS: Final = {
    "frost": Kind("frost", "frost", alone=True),
    "heat": Kind("watch", "heat", alone=True),
    "flood": Kind("watch", "flood", alone=False),
    "smoke": Kind("watch", "smoke", alone=False),
    "fire": Kind("watch", "smoke", alone=False),
}
"""By the alert's subCategory: the app whose word it must be, the template, and whether it may ever go out alone."""

GRAVITY: Final = {
    "critical": "Severe",
    "high": "Severe",
    "medium": "Moderate",
    "low": "Minor",
    "informational": "Minor",
}
"""From the severity of an Alert (Smart Data Models) to CAP's; Extreme is for people to say."""
_ORDER: Final = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")


def allow(act: Act, _city: City) -> Iterator[Entity]:
    """Propose a standing approval: kind, radius_m, or sender, signer, events; area, severityMost, perNight ...

    Who sends is what a message says of itself; `signer` is the SHA-256 fingerprint of the certificate that proves it.
    """
    if act.subject is not None:
        raise Conflict("an approval is not changed; revoke it, and propose another", where="id")
    known = ("kind", "sender", "signer", "events", "area", "severityMost", "perNight", "until", "groups", "radius_m")
    words.only(act.said, *known, "note")
    signer = words.text(act.said, "signer", 200).replace(":", "").lower()
    kind, sender = words.text(act.said, "kind"), words.text(act.said, "sender", 300)
    if bool(kind) == bool(sender):
        raise Refusal("either the kind of an alert or the sender of CAP messages", where="kind")
    if kind and (kind not in KINDS or not KINDS[kind].alone):
        mend = ", ".join(name for name, one in KINDS.items() if one.alone)
        raise Refusal("alerts of this kind do not become warnings by themselves", where="kind", mend=mend)
    if bool(sender) != (_PRINT.fullmatch(signer) is not None) or (kind and signer):
        mend = "the SHA-256 fingerprint of his certificate: it stands with each message of his that came"
        raise Refusal("a sender is approved with the certificate that he signs with", where="signer", mend=mend)
    events = words.listed(act.said, "events", EVENTS)
    if bool(sender) != bool(events):
        why = "a sender is approved for the events that he warns of" if sender else "an alert's kind says what it is"
        raise Refusal(why, where="events", mend=", ".join(EVENTS))
    until = words.moment(act.said, "until")
    if until is None or not act.at < until <= act.at + LONGEST:
        raise Refusal("it must end, within 200 days", where="until")
    yield entity(
        "StandingApproval",
        hashed("standing", act.by, str(act.at), kind, sender),
        kind=kind or None,
        sender=sender or None,
        signer=signer or None,
        events=events or None,
        area=words.area_ok(act.said.get("area")),
        severityMost=words.word(act.said, "severityMost", ("Minor", "Moderate", "Severe"), "Severe"),
        perNight=int(words.number(act.said.get("perNight", 10), "perNight", 1, PER_NIGHT)),
        until=iso(until),
        groups=words.listed(act.said, "groups"),
        radius_m=words.number(act.said["radius_m"], "radius_m", 100, words.RADIUS_M)
        if "radius_m" in act.said
        else None,
        note=words.text(act.said, "note", 500),
        state="proposed",
        proposedBy=act.by,
        proposedAt=iso(act.at),
        used={},
    )


def agree(act: Act, _city: City) -> Iterator[Entity]:
    """Approve a standing approval that another person proposed."""
    words.only(act.said)
    one = _standing(act, "proposed")
    first = one.get("proposedBy")
    if not act.by or not first or first == act.by:
        raise Forbidden("whoever proposed it does not approve it", mend="ask somebody else")
    yield entity("StandingApproval", one.id, state="approved", approvedBy=act.by, approvedAt=iso(act.at))


def revoke(act: Act, _city: City) -> Iterator[Entity]:
    """End a standing approval at once; one person suffices."""
    words.only(act.said, "reason")
    one = _standing(act, "proposed", "approved")
    why = words.text(act.said, "reason", 500, needed=True)
    yield entity("StandingApproval", one.id, state="revoked", revokedBy=act.by, revokedAt=iso(act.at), reason=why)


def _standing(act: Act, *states: str) -> Entity:
    if act.subject is None:
        raise NotFound("there is no such approval", where="id")
    if act.subject.get("state") not in states:
        raise Conflict(f"it is {act.subject.get('state')}")
    return act.subject


def alerted(change: Change, city: City) -> Iterator[Entity]:
    """An app's alert has opened: it is a warning by a standing approval, or one is proposed."""
    alert = change.entity
    name = str(alert.get("subCategory"))
    kind = KINDS.get(name)
    opened = change.said("status")
    if kind is None or opened is None or alert.get("status") != "open" or change.actor != f"app:{kind.app}":
        return  # what anybody else writes as an Alert is for the desk of alarms
    if alert.label is not None and not alert.label.startswith(("open", "smart")):
        return  # what is guarded is not said aloud, nor proposed to everybody at the desk
    place = alert.location
    if not isinstance(place, Mapping) or place.get("type") != "Point":
        return
    now = city.now()
    if (words.instant(alert.get("validTo")) or now + 1) <= now:
        return  # the past, brought in late: its danger is over
    key = hashed("alert", alert.id, str(alert.get("dateIssued") or iso(now)))
    if _known(f"urn:ngsi-ld:Warning:{key}", city):
        return
    grave = GRAVITY.get(str(alert.get("severity")), "Moderate")
    lon, lat = (float(one) for one in place["coordinates"][:2])
    found = approval(city, now, grave, lambda one: _around(one, lon, lat), kind=name)
    radius = float((found.get("radius_m") if found is not None else None) or RADIUS_M)
    said = _said(alert, kind.template, grave, (lon, lat, radius), city)
    made = described(said, None, now, frozenset(), city)
    yield from born(key, made, found, city, f"app:{kind.app}", {"alert": alert.id})


def _around(one: Entity, lon: float, lat: float) -> bool:
    """Whether an approval covers an alert at a place: all of what is warned, or the place, where it says how far."""
    if one.get("radius_m") is not None:
        return Reach(one["area"]).touches({"lon": lon, "lat": lat, "radius_m": 0})
    # A little wider, for a circle is drawn with corners; over the antimeridian it is two pieces.
    circle = cap.Circle(lat, lon, RADIUS_M * 1.01 / 1_000)
    return within(cap.geometry(cap.Area(description="", circles=(circle,))), one["area"])


def brought(city: City, now: int, grave: str, geometry: Any, *, sender: str, signer: str, event: str) -> Entity | None:
    """The standing approval of a sender for this event and area, all of it, with the certificate that he proves."""
    return approval(
        city,
        now,
        grave,
        lambda one: (
            bool(signer)
            and one.get("signer") == signer
            and event in EVENTS
            and event in (one.get("events") or ())
            and within(geometry, one["area"])
        ),
        sender=sender,
    )


def approval(
    city: City, now: int, grave: str, covers: Callable[[Entity], bool], *, kind: str = "", sender: str = ""
) -> Entity | None:
    """The standing approval that covers this, and is not used up tonight; None when there is none."""
    for it in city.find("StandingApproval", 'state=="approved"', limit=STANDING):
        if (kind and it.get("kind") != kind) or (sender and it.get("sender") != sender):
            continue
        one = city.get(it.id)  # so that of two messages at once one is done anew, and both are counted
        if one.get("state") != "approved":
            continue
        until = words.instant(one.get("until"))
        if until is None or until <= now or _ORDER.index(grave) > _ORDER.index(str(one.get("severityMost", "Minor"))):
            continue
        if not covers(one):
            continue
        used = words.mapping(one.get("used"))
        if used.get("night") == night(now, city) and words.whole(used.get("n")) >= words.whole(one.get("perNight"), 1):
            continue
        return one
    return None


def born(
    key: str,
    made: Mapping[str, Any],
    found: Entity | None,
    city: City,
    by: str,
    data: Mapping[str, Any],
    note: str = "",
) -> Iterator[Entity]:
    """A warning that a machine brought: sent at once where an approval covers it, else proposed."""
    now = city.now()
    more_: dict[str, Any] = {"note": note} if note else {}
    ident = f"urn:ngsi-ld:Warning:{key}"
    if found is None:
        yield begun(key, made, city, state="proposed", machine=True, proposal=1, proposedAt=iso(now), **data)
        yield logged(None, ident, now, by, "proposed", {**data, **more_})
        return
    groups = found.get("groups")
    whole = dict(made) | ({"groups": groups} if groups else {})
    both = [str(found.get("proposedBy")), str(found.get("approvedBy"))]
    more = {"proposal": 1, "proposedAt": iso(now), "approval": 1, "approvedAt": iso(now)}
    one = begun(key, whole, city, state="approved", standing=found.id, hold=False, **more, **data)
    yield one
    yield logged(None, ident, now, by, "approved", {"standing": found.id, "by": both, **data, **more_})
    used = words.mapping(found.get("used"))
    tonight = night(now, city)
    n = words.whole(used.get("n")) if used.get("night") == tonight else 0
    yield entity("StandingApproval", found.id, used={"night": tonight, "n": n + 1})


def night(now: int, city: City) -> str:
    """The night, named by the day on whose noon it begins: nights are counted, not dates."""
    at = datetime.fromtimestamp(now // SECOND, UTC).astimezone(zone(city))
    return (at - timedelta(hours=12)).date().isoformat()


def zone(city: City) -> ZoneInfo:
    """The city's time zone; UTC where the setting names none."""
    try:
        return ZoneInfo(str(city.setting("timezone") or "UTC"))
    except (ValueError, OSError):
        return ZoneInfo("UTC")


def _said(alert: Entity, template: str, grave: str, where: tuple[float, float, float], city: City) -> dict[str, Any]:
    """What a draft would say of an alert."""
    lon, lat, radius = where
    name = _called(alert, city)
    until = words.instant(alert.get("validTo")) or city.now() + 12 * 3_600 * SECOND
    local = datetime.fromtimestamp(until // SECOND, UTC).astimezone(zone(city))
    figure = alert.get("forecast", alert.get("value"))
    low = f"{float(figure):.1f}" if isinstance(figure, int | float) and not isinstance(figure, bool) else "0"
    known = {"place": name, "low": low, "high": low, "until": f"{local:%Y-%m-%d %H:%M}", "from": iso(city.now())}
    fields = templates.template(template)["fields"]
    return {
        "template": template,
        "values": {field: known[field] for field in fields},
        "severity": grave,
        "expires": iso(min(until, city.now() + int(words.HOURS * 3_600) * SECOND)),
        "circles": [{"lon": lon, "lat": lat, "radius_m": radius}],
        "areaDesc": dict.fromkeys(words.LANGUAGES, name),
        "status": "Actual",
    }


def _called(alert: Entity, city: City) -> str:
    """What people call the place of an alert."""
    source = str(alert.get("alertSource") or "")
    try:
        said = city.get(source).get("name") if source else None
    except NotFound:
        said = None
    name = said if isinstance(said, str) and said.strip() else source.rsplit(":", 1)[-1] or alert.key
    return "".join(one for one in name if one.isprintable())[:80].strip() or "?"


def _known(ident: str, city: City) -> bool:
    try:
        city.get(ident)
    except NotFound:
        return False
    return True
