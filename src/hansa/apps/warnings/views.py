"""What is told of warnings: to everybody what is public, to whoever has a link what it is for, to staff the desk."""

from collections.abc import Mapping
from typing import Any, Final

from hansa import Asking, Entity, NotFound, Refusal
from hansa.apps.warnings import cap, ladder, message, standing, telling, templates, words
from hansa.apps.warnings.area import Reach
from hansa.apps.warnings.board import seen_by, shown
from hansa.apps.warnings.doors import public
from hansa.apps.warnings.drafting import word_of
from hansa.apps.warnings.lists import LISTS
from hansa.apps.warnings.people import of_token
from hansa.apps.warnings.words import DAY, iso

LISTED: Final = 200  # warnings of one answer
PAST: Final = 7 * DAY


# ---- for everybody


def current(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What is in force, gravest first; with `lon` and `lat` there; with `past` also what ended in the last week."""
    now = city.now()
    them = [one for one in city.find("Warning", 'state=="sent"', limit=1_000) if public(one)]
    them = [one for one in them if one.get("msgType") != "Cancel" and (words.instant(one.get("expires")) or 0) > now]
    if asked.get("past") == "1":
        for state in ("expired", "cancelled"):
            over = city.find("Warning", f'state=="{state}"', limit=1_000)
            them += [one for one in over if public(one) and (words.instant(one.get("expires")) or 0) > now - PAST]
    if "lon" in asked or "lat" in asked:
        at = {"lon": _degrees(asked, "lon", 180), "lat": _degrees(asked, "lat", 90), "radius_m": 0}
        them = [one for one in them if isinstance(one.get("location"), dict) and Reach(one["location"]).touches(at)]
    newest = sorted(them, key=lambda one: str(one.get("sent")), reverse=True)
    graves = {name: n for n, name in enumerate(words.SEVERITY)}
    newest.sort(key=lambda one: (one.get("state") != "sent", graves.get(str(one.get("severity")), 9)))
    return {"at": iso(now), "warnings": [shown_public(one) for one in newest[:LISTED]]}


def warning(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """One warning (`id`, or CAP's `identifier`) and its chain, oldest first."""
    ident = asked.get("id") or f"urn:ngsi-ld:Warning:{asked.get('identifier', '').removeprefix('hansa-')}"
    one = _public(ident, city)
    chain = [one]
    while (before := words.relation(chain[0], "follows")) and len(chain) < 20:
        chain.insert(0, _public(before, city))
    while (after := words.relation(chain[-1], "followedBy")) and len(chain) < 40:
        chain.append(_public(after, city))
    return {"at": iso(city.now()), "warning": shown_public(one), "chain": [shown_public(it) for it in chain]}


def told(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What a link of a message is for. Looking confirms nothing."""
    token = asked.get("token", "")
    ident = city.told_by(token) or ""
    if ident.startswith("unsubscribe "):
        recipient = of_token(token, city)
        if recipient is None or _get(recipient, city) is None:
            raise NotFound("this link opens nothing", where="token")
        nothing: dict[str, Any] = {
            "warning": None,
            "texts": {},
            "language": "en",
            "confirmedAt": None,
            "again": False,
            "latest": None,
        }
        return nothing | {"kind": "manage", "state": "open", "manage": token, "channel": None, "newest": True}
    one = _get(ident, city) if ident.startswith("urn:ngsi-ld:Delivery:") else None
    if one is None:
        raise NotFound("this link opens nothing", where="token", mend="open it as it stands in the message")
    about = _get(words.relation(one, "warning"), city) if one.get("warning") else None
    if about is not None and "Warning" not in about.types:
        about = None
    latest = about
    while latest is not None and (after := words.relation(latest, "followedBy")):
        latest = _get(after, city)
    state = "confirmed" if "confirmedAt" in one else "ended" if one.get("status") == "ended" else "open"
    if about is not None and latest is not None and latest.id != about.id and state != "confirmed":
        state = "replaced"
    purpose = str(one.get("purpose"))
    whose = _get(words.relation(one, "recipient"), city)
    if purpose == "verify" and state == "open" and not telling.answerable(one, whose, city.now()):
        state = "ended"
    # Whoever has a message that went to a wrong address learns nothing by it: not before the address is proved.
    proved = any(it.get("key") == one.get("address") and it.get("verified") is True for it in ladder.channels(whose))
    may = purpose == "link" or (purpose == "verify" and proved)
    manage = city.token(words.relation(one, "recipient")) if may else None
    return {
        "kind": purpose,
        "warning": None if about is None else shown_public(about),
        "texts": _texts(one, about),
        "language": one.get("language") or "en",
        "state": state,
        "confirmedAt": one.get("confirmedAt"),
        "again": one.get("again") is True,
        "latest": shown_public(latest) if latest is not None and about is not None and latest.id != about.id else None,
        "newest": latest is about,
        "manage": manage,
        "channel": _channel(words.mapping(one.get("channel"))),
    }


def _texts(one: Entity, about: Entity | None) -> dict[str, dict[str, str]]:
    own = one.get("texts")
    return words.mapping(own or (None if about is None else about.get("texts")))


def subscription(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What a manage link is for."""
    ident = of_token(asked.get("token", ""), city)
    one = None if ident is None else _get(ident, city)
    if one is None:
        raise NotFound("this link opens nothing", where="token", mend="ask for a new one")
    return subscribed(one)


def mine(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """The subscriptions of whoever is signed in."""
    if not city.by.startswith("person:"):
        return {"subscriptions": []}
    them = [one for one in city.find("Recipient", f'person=="{city.by}"', limit=20) if one.get("source") == "self"]
    return {"subscriptions": [subscribed(one) | {"token": city.token(one.id)} for one in them]}


def choices(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What can be chosen: languages, hazards, channels that this city has."""
    kinds = city.setting("channels") or ()
    return {
        "languages": list(words.LANGUAGES),
        "hazards": [{"code": code, "names": one["names"]} for code, one in templates.hazards().items()],
        "channels": [kind for kind in words.OWN if kind in kinds],
        "pushKey": city.setting("pushKey"),
        "feed": "/cap/feed.atom",
        "most": {
            "places": words.PLACES,
            "channels": words.CHANNELS,
            "radius_m": int(words.RADIUS_M),
            "name": words.NAME,
        },
        "groups": ["growers"],
    }


def subscribed(one: Entity) -> dict[str, Any]:
    """A recipient as he may see himself through a link: his addresses as he knows them, not whole."""
    return {
        "id": one.id,
        "name": one.get("name") or "",
        "language": one.get("language") or "en",
        "places": words.dicts(one.get("places")),
        "hazards": one.get("hazards") or [],
        "quiet": words.mapping(one.get("quiet")) or None,
        "channels": [{"n": n} | _channel(it) for n, it in enumerate(ladder.channels(one))],
        "groups": one.get("groups") or [],
        "status": one.get("status"),
    }


def _channel(it: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": it.get("kind"), "to": shown(it)}
    if "verified" in it:
        found |= {"verified": it.get("verified") is True, "stopped": it.get("stopped") or ""}
    return found


def shown_public(one: Entity) -> dict[str, Any]:
    """A warning as everybody may see it."""
    names = (
        *("identifier", "status", "msgType", "state", "event", "category", "severity", "urgency", "certainty"),
        *("responseType", "sent", "effective", "onset", "expires", "areaDesc", "texts", "instruction", "senderName"),
        "web",
    )
    said = {name: one.get(name) for name in names}
    return said | {
        "id": one.id,
        "area": one.get("location"),
        "responseType": one.get("responseType") or [],
        "areaDesc": words.mapping(one.get("areaDesc")),
        "instruction": words.mapping(one.get("instruction")),
        "update": one.get("msgType") == "Update",
        "follows": words.relation(one, "follows") or None,
        "followedBy": words.relation(one, "followedBy") or None,
        "cap": f"/cap/{one.get('identifier')}.xml",
    }


# ---- for staff


def listed(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """All warnings, what waits for somebody first, then the newest."""
    them = city.find("Warning", limit=5_000)
    waits = {"proposed": 0, "draft": 1, "approved": 2, "sent": 3}
    them.sort(key=lambda one: str(one.get("sent") or one.get("proposedAt") or ""), reverse=True)
    them.sort(key=lambda one: waits.get(str(one.get("state")), 4))
    return {"at": iso(city.now()), "warnings": [_line(one, city) for one in them[:LISTED]], "cut": len(them) > LISTED}


def _line(one: Entity, city: Asking) -> dict[str, Any]:
    names = ("identifier", "state", "status", "msgType", "event", "severity", "urgency", "sent", "expires", "machine")
    title = words.mapping(words.mapping(one.get("texts")).get("en")).get("title")
    more = ("standing", "alert", "follows", "followedBy", "hold")
    return {name: one.get(name) for name in (*names, *more)} | {
        "proposedBy": word_of(one, "proposal", city),
        "id": one.id,
        "title": title or "",
        "areaDesc": words.mapping(one.get("areaDesc")).get("en") or "",
    }


def one_(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """One warning as the desk works on it: all of it, its log, what CAP says to it, how it reads on each channel."""
    one = city.get(asked.get("id", ""))
    if "Warning" not in one.types:
        raise NotFound("there is no such warning", where="id")
    key = one.id.rsplit(":", 1)[-1]
    log = [
        city.get(f"urn:ngsi-ld:WarningLog:{key}-{n}") for n in range(1, min(words.whole(one.get("logged")), 500) + 1)
    ]
    said = {name: one.get(name) for name in one.names}
    return {
        "warning": {"id": one.id} | said,
        "log": [{name: it.get(name) for name in ("n", "at", "by", "what", "data")} for it in log],
        "faults": _faults(one, city),
        "preview": _preview(one, city),
        "at": iso(city.now()),
    }


def _faults(one: Entity, city: Asking) -> list[dict[str, Any]]:
    """What CAP's rules say to a draft, as somebody writes it."""
    if one.get("location") is None:
        return [{"code": "no-area", "where": "area", "why": "it has no area yet", "refused": True}]
    try:
        found = cap.check(message.cap_of(one, city.now()), strict=True)
    except Refusal as fault:
        return [{"code": "refused", "where": fault.where or "", "why": fault.detail, "refused": True}]
    # Each language has an info of its own: what is wrong in all of them is said once.
    once = {(it.code, it.why): it for it in reversed(found)}
    return [
        {"code": it.code, "where": it.where, "why": it.why, "refused": it.refused} for it in reversed(once.values())
    ]


def _preview(one: Entity, city: Asking) -> dict[str, Any]:
    texts = words.mapping(one.get("texts"))
    link, real = f"{city.origin}/w/…", f"{city.origin}/w/{city.token(one.id)}"
    found: dict[str, Any] = {}
    for language in words.LANGUAGES:
        said = words.mapping(texts.get(language) or texts.get("en"))
        short, advice = str(said.get("short") or ""), words.mapping(one.get("instruction")).get(language)
        found[language] = {
            "own": language in texts,
            "push": {"title": said.get("title"), "body": short},
            "sms": f"{short} {link}",
            "septets": cap.septets(f"{short} {real}"),
            "email": {"subject": said.get("title"), "body": "\n\n".join(filter(None, [said.get("body"), advice]))},
        }
    return found


def recipients(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Who is warned: how many, by status and channel, and a page of them (`from`)."""
    seen_by(city, LISTS)
    begin = asked.get("from", "0")
    if not begin.isascii() or not begin.isdigit() or len(begin) > 7:
        raise Refusal("from is a whole number", where="from")
    them = city.find("Recipient", limit=200_000)
    by: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for one in them:
        by[str(one.get("status"))] = by.get(str(one.get("status")), 0) + 1
        for it in ladder.channels(one):
            if ladder.usable(it):
                kinds[str(it.get("kind"))] = kinds.get(str(it.get("kind")), 0) + 1
    them = sorted(
        (one for one in them if one.get("status") != "unsubscribed"), key=lambda one: (str(one.get("name")), one.id)
    )
    page = them[int(begin) : int(begin) + LISTED]
    rows = [
        subscribed(one) | {"source": one.get("source"), "contact": words.mapping(one.get("contact"))} for one in page
    ]
    return {"total": len(them), "status": by, "channels": kinds, "from": int(begin), "rows": rows}


def approvals(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Standing approvals, and what kinds there can be."""
    names = (
        *("kind", "sender", "area", "severityMost", "perNight", "until", "groups", "state", "proposedBy", "approvedBy"),
        *("revokedBy", "reason", "used", "note", "radius_m", "signer", "events"),
    )
    them = city.find("StandingApproval", limit=standing.STANDING)
    order = {"proposed": 0, "approved": 1}
    them.sort(key=lambda one: (order.get(str(one.get("state")), 2), str(one.get("until"))))
    kinds = [name for name, one in standing.KINDS.items() if one.alone]
    return {
        "at": iso(city.now()),
        "kinds": kinds,
        "events": list(standing.EVENTS),
        "approvals": [{"id": one.id} | {name: one.get(name) for name in names} for one in them],
    }


def forms(_asked: Mapping[str, str], _city: Asking) -> dict[str, Any]:
    """The words of the desk's forms: templates, hazards, codes, marks."""
    data = templates.data()
    return {
        "version": data["version"],
        "templates": data["templates"],
        "marks": data["marks"],
        "hazards": {code: one["names"]["en"] for code, one in templates.hazards().items()},
        "languages": list(words.LANGUAGES),
        "severity": list(words.SEVERITY),
        "urgency": list(words.URGENCY),
        "certainty": list(words.CERTAINTY),
        "status": list(words.STATUS),
        "scope": list(words.SCOPES),
        "responseType": list(words.RESPONSE),
        "category": list(words.CATEGORY),
    }


def _get(ident: str, city: Asking) -> Entity | None:
    try:
        return city.get(ident) if ident else None
    except NotFound:
        return None


def _public(ident: str, city: Asking) -> Entity:
    one = _get(ident, city)
    if one is None or "Warning" not in one.types or not public(one):
        raise NotFound("there is no such warning", where="id", mend="GET /desk/warnings/current lists what is in force")
    return one


def _degrees(asked: Mapping[str, str], name: str, most: float) -> float:
    try:
        said = float(asked.get(name, ""))
    except ValueError:
        raise Refusal(f"{name} is a number", where=name) from None
    return words.number(said, name, -most, most)
