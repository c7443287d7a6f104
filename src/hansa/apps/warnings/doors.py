"""The doors of warnings: CAP in and out, the Atom feed, and the link in every message.

What arrives at `POST /cap` is signed by somebody the city trusts, or refused. It becomes a proposed warning, or one at
once where a standing approval covers it. A link is opened by anybody who has it, and confirmed by one tap: what merely
looks at links confirms nothing.
"""

import json
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding

from hansa import Answer, Asked, Asking, Conflict, Entity, NotFound, Refusal, entity
from hansa.apps.warnings import cap, ladder, message, people, standing, telling, templates, words
from hansa.apps.warnings.drafting import described, follows
from hansa.apps.warnings.words import DAY, SECOND, hashed, iso

CAP: Final = 1_000_000  # bytes of a CAP message: the largest of national services have some 300,000
FEED: Final = 100  # entries of the feed
AHEAD_S: Final = 300  # that a sender's clock may run before ours, for his message to go out by itself
JSON: Final = "application/json"


def cap_in(asked: Asked, city: Asking) -> Answer:
    """Take a CAP message of a trusted sender."""
    trusted = message.trusted(city)
    if not trusted:
        raise Refusal("this city takes no CAP messages", where="signature", mend="setting cap_trusted of warnings")
    now = words.utc(asked.at)
    received = cap.read(asked.body, now=now, trusted=trusted, signature="required")
    alert = received.alert
    key = hashed("cap", alert.sender, alert.identifier, iso(words.micros(alert.sent)))
    ident = f"urn:ngsi-ld:Warning:{key}"
    told: dict[str, Any] = {"sender": alert.sender, "identifier": alert.identifier, "msgType": alert.msg_type}
    if (known := _known(ident, city)) is not None:
        return _json({"id": ident, "state": known.get("state"), "again": True} | told)
    if alert.status in {"System", "Draft"} or alert.msg_type in {"Ack", "Error"}:
        return _json({"state": "noted", "status": alert.status} | told)
    says = list(_brought(alert, key, received, asked, city))
    state = "approved" if says[0].get("state") == "approved" else "proposed"
    return _json({"id": ident, "state": state, "again": False} | told, status=201, says=says)


def _brought(alert: cap.Alert, key: str, received: cap.Received, asked: Asked, city: Asking) -> list[Entity]:
    said = message.draft_of(alert, asked.at)
    made = described(said, None, asked.at, frozenset(), city)
    found = None
    signer = "" if received.signed is None else received.signed.fingerprint
    if alert.msg_type == "Alert":
        found = _covered(alert, made, signer, asked.at, city)
    sent = iso(words.micros(alert.sent))
    came = {"sender": alert.sender, "identifier": alert.identifier, "sent": sent, "signer": signer}
    data: dict[str, Any] = {"came": came, "odd": [one.why for one in received.told][:20]}
    if alert.scope != "Public":
        data["cameScope"] = alert.scope
    if alert.msg_type in {"Update", "Cancel"}:
        data |= _chained(alert, city)
        made["texts"] = templates.marked(made["words"], str(made["status"]), alert.msg_type)
    return list(
        standing.born(key, made, found, city, f"cap:{alert.sender}"[:200], data, words.text(said, "note", 2_000))
    )


def _covered(alert: cap.Alert, made: dict[str, Any], signer: str, at: int, city: Asking) -> Entity | None:
    """The standing approval of this sender for what every part of his message says; what is odd, people decide.

    That is: an order to evacuate or shelter, what is not for everybody, what is a day old or never ends, and every
    event that no code names.
    """
    sent = words.micros(alert.sent)
    event = message.event_of(alert)
    grave = str(made["severity"])
    if alert.scope != "Public" or not at - DAY <= sent <= at + AHEAD_S * SECOND or not event:
        return None
    for info in alert.infos:
        orders = not words.COMMANDING.isdisjoint(info.response_types)
        if orders or info.expires is None or info.severity != grave or grave in {"Extreme", "Unknown"}:
            return None
    where = made.get("location")
    made["event"] = event
    return standing.brought(city, at, grave, where, sender=alert.sender, signer=signer, event=event)


def _chained(alert: cap.Alert, city: Asking) -> dict[str, Any]:
    """What of ours a message of another follows: the newest that came of what it cites.

    Where nothing of it is in force here, people see what it is and what it cites: it is no new warning.
    """
    for one in reversed(alert.references):
        if one.sender != alert.sender:
            continue  # nobody updates what another has sent
        before = _known(
            f"urn:ngsi-ld:Warning:{hashed('cap', one.sender, one.identifier, iso(words.micros(one.sent)))}", city
        )
        if before is not None and before.get("state") == "sent":
            return {"msgType": alert.msg_type, **follows(before)}
    cited = [
        {"sender": one.sender, "identifier": one.identifier, "sent": iso(words.micros(one.sent))}
        for one in alert.references
    ]
    return {"msgType": alert.msg_type, "references": cited[-20:]}


def cap_out(asked: Asked, city: Asking) -> Answer:
    """One warning of this city as a signed CAP message."""
    ident = asked.path["identifier"]
    key = ident.removesuffix(".xml").removeprefix("hansa-")
    one = _known(f"urn:ngsi-ld:Warning:{key}", city)
    if one is None or not public(one):
        raise NotFound("there is no such warning", where="identifier", mend="GET /cap/feed.atom lists them")
    return _tagged(asked, message.signed(one, city), cap.CAP_TYPE, str(one["identifier"]) + str(one["sent"]))


def feed(asked: Asked, city: Asking) -> Answer:
    """What is in force, newest first, for aggregators."""
    them = [one for one in city.find("Warning", 'state=="sent"', limit=1_000) if public(one)]
    them.sort(key=lambda one: (str(one.get("sent")), one.id), reverse=True)
    entries = [
        cap.Entry(message.cap_of(one), f"{asked.origin}/cap/{quote(str(one['identifier']))}.xml") for one in them[:FEED]
    ]
    newest = max((words.instant(one.get("sent")) or 0 for one in them), default=0)
    sender = str(city.setting("sender") or "hansa@city.invalid")
    body = cap.feed(
        entries,
        id=f"{asked.origin}/cap/feed.atom",
        title=str(city.setting("senderName") or "City warnings"),
        link=f"{asked.origin}/cap/feed.atom",
        updated=words.utc(newest),
        author=sender,
    )
    return _tagged(asked, body, cap.FEED_TYPE, body.hex())


def certificate(asked: Asked, city: Asking) -> Answer:
    """The certificate that this city signs its warnings with (PEM)."""
    _, found = message.key_of(city)
    return _tagged(asked, found.public_bytes(Encoding.PEM), "application/x-pem-file", str(found.serial_number))


def public(one: Entity) -> bool:
    """Whether a warning has been sent to everybody."""
    return (
        one.get("capScope") != "Restricted"
        and one.get("state") in {"sent", "updated", "cancelled", "expired"}
        and words.instant(one.get("sent")) is not None
    )


def _tagged(asked: Asked, body: bytes, kind: str, of: str) -> Answer:
    tag = f'"{blake2b(of.encode(), digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    seen = [one.strip().removeprefix("W/") for one in asked.headers.get("if-none-match", "")[:2_000].split(",")]
    if tag in seen or seen == ["*"]:
        return Answer(b"", kind, status=304, headers=headers)
    return Answer(body, kind, headers=headers)


# ---- the link of a message


def confirm(asked: Asked, city: Asking) -> Answer:
    """One tap: he has it. Twice is as once; a forged link is refused."""
    token = asked.path["token"]
    told = city.told_by(token) or ""
    if told.startswith("unsubscribe "):
        return _one_click(told.removeprefix("unsubscribe "), asked, city)
    one = _known(told, city) if told.startswith("urn:ngsi-ld:Delivery:") else None
    if one is None:
        raise NotFound("this link opens nothing", where="token", mend="open it as it stands in the message")
    plain = "text/html" not in asked.headers.get("accept", "")
    place = f"/{one.get('language') or 'en'}/w/{quote(token)}"
    if one.get("purpose") == "verify" and "confirmedAt" not in one:
        whose = _known(words.relation(one, "recipient"), city)
        if not telling.answerable(one, whose, asked.at):
            if plain:
                raise Conflict("this message is over", mend="ask for a new one")
            return Answer(b"", "text/plain", status=303, headers={"Location": place})
    says, new = telling.confirmed(one, "link", "recipient", asked.at)
    if new:
        # Once: who opens an old link again takes no address from whoever has it by now.
        says += telling.verified(one, city)
    if not plain:
        place += "?confirmed=1"
        return Answer(b"", "text/plain", status=303, headers={"Location": place}, says=says)
    at = one.get("confirmedAt") or iso(asked.at)
    return _json({"state": "confirmed", "confirmedAt": at, "already": not new, "kind": one.get("purpose")}, says=says)


def _one_click(ident: str, asked: Asked, city: Asking) -> Answer:
    """RFC 8058: the mail program's own button. It ends e-mail, and all where that was the only channel."""
    one = _known(ident, city)
    if one is None:
        raise NotFound("this link opens nothing", where="token")
    them = ladder.channels(one)
    left = [it for it in them if it.get("kind") != "email" and not it.get("stopped")]
    if one.get("status") == "unsubscribed" or not them:
        return _json({"state": "unsubscribed"})
    if not left:
        return _json({"state": "unsubscribed"}, says=list(people.ended(one, city, asked.at)))
    kept = [{**it, "stopped": "unsubscribed"} if it.get("kind") == "email" else it for it in them]
    return _json({"state": "stopped", "kind": "email"}, says=[entity("Recipient", one.id, channels=kept)])


def code(asked: Asked, city: Asking) -> Answer:
    """The code of a message, typed: {"code": "123456"}; five wrong ones end it."""
    one = _known(f"urn:ngsi-ld:Recipient:{asked.path['recipient']}", city)
    try:
        said = json.loads(asked.body) if asked.body else dict(asked.form)
    except ValueError:
        said = None
    typed = said.get("code") if isinstance(said, dict) else None
    if not isinstance(typed, str) or not typed.isascii() or not typed.isdigit() or len(typed) != 6:
        raise Refusal("a code has six digits", where="code")
    if one is None:
        raise Refusal("this is not the code", where="code")
    says, came = telling.code(one, typed, city, asked.at)
    if came == "confirmed":
        return _json({"state": "confirmed"}, says=says)
    why = "this is not the code" if came == "wrong" else "too many wrong codes; ask for a new message"
    problem = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": why, "where": "code"}
    return Answer(json.dumps(problem).encode(), "application/problem+json", status=400, says=says)


def _known(ident: str, city: Asking) -> Entity | None:
    try:
        return city.get(ident)
    except NotFound:
        return None


def _json(told: dict[str, Any], *, status: int = 200, says: list[Entity] | None = None) -> Answer:
    return Answer(json.dumps(told, ensure_ascii=False).encode(), JSON, status=status, says=says or ())
