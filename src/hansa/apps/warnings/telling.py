"""What becomes of deliveries: the round that looks at what is due, and the rules on what channels and people answer.

A gateway's word that it took a message is no receipt: only a person, or a device that proves who it is, confirms.
"""

from collections.abc import Iterator
from typing import Any, Final

from hansa import Change, City, Delete, Entity, NotFound, entity
from hansa.apps.warnings import ladder, words
from hansa.apps.warnings.drafting import logged
from hansa.apps.warnings.words import DAY, NEVER, SECOND, hashed, iso

ROUND_S: Final = 1.0
DUE: Final = 900  # deliveries of one round; rules may say 1,000
NOTES: Final = 10  # confirmations of one delivery that are kept, the first ones
KEEP_DAYS: Final = 365  # deliveries are kept, setting `keep_days`: a year, so that a season can be looked at
PENDING_S: Final = 2 * 86_400  # a code holds a day; then it is tidied away
DEAD: Final = ("unsubscribed:", "bounced:", "malformed:")
"""How the courier begins the reason when an address is none, or none any more: nothing is sent there again."""
VERIFY_S: Final = 86_400  # a code holds a day
TRIES: Final = 5  # wrong codes, until a new message is asked for
ASKING: Final = frozenset({"verify", "link"})
"""What a delivery is for that asks somebody who he is: a bare yes answers no such question."""
YES: Final = frozenset({"1", "ok", "yes", "oui", "si", "sí", "نعم", "はい", "ہاں"})
STOP: Final = frozenset({"stop", "arret", "arrêt", "baja", "alto", "إيقاف", "停止", "end", "quit", "unsubscribe"})


def look(city: City) -> Iterator[Entity]:
    """See what is due: nobody has confirmed in time, somebody's quiet hours are over, a warning has ended."""
    now = city.now()
    seen: dict[str, Entity | None] = {}
    for one in city.find("Delivery", f"due<={now}", limit=DUE):
        yield fallen_due(one, city, now, seen)


def fallen_due(one: Entity, city: City, now: int, seen: dict[str, Entity | None]) -> Entity:
    """What is said of a delivery whose time has come."""
    if one.get("status") not in ladder.OPEN:
        return entity("Delivery", one.id, due=NEVER)
    if one.get("purpose") in ASKING:
        return ladder.ended(one, "nobody answered in time")
    warning = _message(one, city, seen)
    if warning is None:
        return ladder.ended(one, "what it was about is gone")
    if warning.get("state") not in {None, "sent"} or words.whole(warning.get("ends"), NEVER) <= now:
        return ladder.ended(one, _over(warning))
    why = "nobody confirmed in time" if ladder.told(one) else "it could not be sent in time"
    return ladder.advance(one, ladder.recipient_of(one, city), warning, city, now, why)


def heard(change: Change, city: City) -> Iterator[Entity]:
    """A delivery has another status: a channel failed, somebody confirmed."""
    if change.entity.get("status") in {"waiting", "sending", "handed", "held"} and "confirmedAt" not in change.entity:
        return
    try:
        one = city.get(change.entity.id)
    except NotFound:
        return
    status = one.get("status")
    if "confirmedAt" in one and status in ladder.OPEN | {"escalated"}:
        # A step was decided while he answered: his word stands.
        yield entity("Delivery", one.id, status="confirmed", due=NEVER)
    elif status == "failed":
        yield from _failed(one, city)
    elif status in ladder.DONE and words.whole(one.get("due"), NEVER) < NEVER:
        yield entity("Delivery", one.id, due=NEVER)


def _failed(one: Entity, city: City) -> Iterator[Entity]:
    now = city.now()
    tried = words.dicts(one.get("attempts"))
    why = str(tried[-1].get("why") or "") if tried else ""
    if why.startswith(DEAD) and (stopped := _stopped(one, city, why.partition(":")[0])) is not None:
        yield stopped
    if one.get("purpose") in ASKING:
        yield ladder.ended(one, f"it could not be sent: {why}"[:300])
        return
    warning = _message(one, city, {})
    if warning is None or warning.get("state") not in {None, "sent"} or words.whole(warning.get("ends"), NEVER) <= now:
        yield ladder.ended(one, "what it was about is gone" if warning is None else _over(warning))
        return
    yield ladder.advance(one, ladder.recipient_of(one, city), warning, city, now, f"the channel failed: {why}"[:300])


def _stopped(one: Entity, city: City, why: str) -> Entity | None:
    """The recipient with this address marked as dead."""
    recipient = ladder.recipient_of(one, city)
    them, step = ladder.channels(recipient), words.whole(one.get("step"), -1)
    used = words.mapping(one.get("channel"))
    if recipient is None or not 0 <= step < len(them) or them[step].get("to") != used.get("to"):
        return None
    said = [{**it, "stopped": why} if n == step else it for n, it in enumerate(them)]
    return entity("Recipient", recipient.id, channels=said)


def run_out(city: City) -> Iterator[Entity]:
    """Warnings whose time is over have expired."""
    now = city.now()
    for one in city.find("Warning", f"ends<={now}", limit=200):
        n = words.whole(one.get("logged")) + 1
        if one.get("state") == "sent":
            yield entity("Warning", one.id, state="expired", ends=NEVER, logged=n)
            yield logged(one, one.id, now, "app:warnings", "expired")
        else:
            yield entity("Warning", one.id, ends=NEVER)


# ---- what people answer


def confirmed(one: Entity, how: str, who: str, at: int) -> tuple[list[Entity], bool]:
    """What is said when somebody confirms, and whether it was new. Twice is noted; late is noted as late."""
    notes = words.dicts(one.get("confirmations"))
    status = one.get("status")
    late = status in {"ended", "unreached"}
    already = "confirmedAt" in one
    note: dict[str, Any] = {"at": iso(at), "how": how} | ({"late": True} if late else {})
    said: dict[str, Any] = {}
    if len(notes) < NOTES:
        said["confirmations"] = [*notes, note]
    if not already:
        said |= {"confirmedAt": iso(at), "confirmedHow": how, "confirmedBy": who}
    if status in ladder.OPEN | {"escalated"}:
        said |= {"status": "confirmed", "due": NEVER}
    return ([entity("Delivery", one.id, **said)] if said else []), not already


def replied(change: Change, city: City) -> Iterator[Entity | Delete]:
    """A text message came back: yes confirms the newest that is open from that number, stop ends that channel.

    Whether a number is somebody's is not answered by yes, for he may mean another message: by the code alone.
    """
    reply = change.entity
    words_ = str(reply.get("text") or "").strip().strip(".!").lower()[:50]
    key = hashed("sms", _number(str(reply.get("from") or "")))
    now = city.now()
    yield Delete(reply.id)
    if words_ in STOP:
        for one in city.find("Recipient", f'addresses=="{key}"', limit=20):
            them = [{**it, "stopped": "unsubscribed"} if it.get("key") == key else it for it in ladder.channels(one)]
            yield entity("Recipient", one.id, channels=them)
        return
    theirs = city.find("Recipient", f'addresses=="{key}"', limit=20)
    if len(words_) == 6 and words_.isdecimal():
        says, came = _coded(theirs, f"{int(words_):06d}", key, city, now)
        yield from says
        if came == "confirmed":
            return
    found = [
        one
        for it in theirs
        for one in city.find("Delivery", f'recipient=="{it.id}"', limit=1_000)
        if one.get("purpose") not in ASKING and ladder.told(one) and _texted(one)
    ]
    found.sort(key=_turn, reverse=True)
    if not found:
        return
    newest = found[0]
    if words_ in YES:
        said, _ = confirmed(newest, "sms", "recipient", now)
        yield from said
    elif len(notes := words.dicts(newest.get("confirmations"))) < NOTES:
        # What we cannot read is no confirmation; whoever looks after the board sees that he answered.
        note = {"at": iso(now), "how": "sms", "unread": True}
        yield entity("Delivery", newest.id, confirmations=[*notes, note])


def _turn(one: Entity) -> tuple[bool, bool, str]:
    """What a bare yes means most likely: what is open, a warning, the newest."""
    return one.get("status") in ladder.OPEN | {"escalated"}, one.get("purpose") == "warning", str(one.get("made"))


def _coded(theirs: list[Entity], said: str, key: str, city: City, at: int) -> tuple[list[Entity], str]:
    """A code that came as a text from the number that it was sent to."""
    wrong: list[Entity] = []
    for one in theirs:
        says, came = code(one, said, city, at, "sms", key)
        if came == "confirmed":
            return says, came
        wrong += says
    return wrong, "wrong"


def code(one: Entity, said: str, city: City, at: int, how: str = "code", address: str = "") -> tuple[list[Entity], str]:
    """Look at a code that somebody typed: what is said, and a word: confirmed, wrong, over.

    With `address`, only codes that were sent there. Wrong ones are counted with each code that was meant, for good.
    """
    found = city.find("Delivery", f'recipient=="{one.id}";purpose=="verify"', limit=1_000)
    # Each is read anew, so that of many guesses at once each is counted.
    asked = [city.get(it.id) for it in found if not address or it.get("address") == address]
    asked = [it for it in asked if it.get("code") and "confirmedAt" not in it and answerable(it, one, at)]
    left = [it for it in asked if words.whole(it.get("tries")) < TRIES]
    if not left:
        return [], "over" if asked else "wrong"
    fit = [it for it in left if it.get("code") == said]
    if not fit:
        return [entity("Delivery", it.id, tries=words.whole(it.get("tries")) + 1) for it in left], "wrong"
    out, _ = confirmed(fit[0], how, "recipient", at)
    # Typed where it was asked for, it proves that who asked and who has the address are one.
    return [*out, *verified(fit[0], city, both=how == "code")], "confirmed"


def answerable(one: Entity, recipient: Entity | None, at: int) -> bool:
    """Whether a message still asks somebody: a day old at most, not ended, its address one of his channels."""
    there = one.get("address") in {it.get("key") for it in ladder.channels(recipient)}
    return there and one.get("status") not in ladder.DONE - {"confirmed"} and _fresh(one, at)


def _fresh(one: Entity, at: int) -> bool:
    made = words.instant(one.get("made"))
    return made is not None and at - made <= VERIFY_S * SECOND


def _texted(one: Entity) -> bool:
    """Whether it was told by text message, now or before."""
    kinds = {one.get("kind") for one in words.dicts(one.get("attempts"))}
    return "sms" in kinds or words.mapping(one.get("channel")).get("kind") == "sms"


def tidy(city: City) -> Iterator[Delete]:
    """Forget who asked for warnings and never answered, and who was told what so long ago that nobody asks any more."""
    now = city.now()
    days = city.setting("keep_days", KEEP_DAYS)
    kept = days if isinstance(days, int) and not isinstance(days, bool) and days > 0 else KEEP_DAYS
    for one in city.find("Delivery", f'made<"{iso(now - kept * DAY)}"', limit=300):
        yield Delete(one.id)
    for one in city.find("Recipient", 'status=="pending"', limit=200):
        asked = words.instant(one.get("asked"))
        if asked is None or now - asked < PENDING_S * SECOND:
            continue
        for it in city.find("Delivery", f'recipient=="{one.id}"', limit=2):
            yield Delete(it.id)
        yield Delete(one.id)


def verified(one: Entity, city: City, *, both: bool = False) -> Iterator[Entity]:
    """Who answers a message that asks whether an address is his gets warnings there from now on.

    Another subscription of that address goes on beside it, and what is the same is told once (`sending`): somebody may
    say yes to what a stranger asked for in his name. It ends there only when he made it himself, had proved it, and
    `both`: who asks now and who has the address are one.
    """
    if one.get("purpose") != "verify":
        return
    try:
        recipient = city.get(words.relation(one, "recipient"))
    except NotFound:
        return
    if recipient.get("status") == "unsubscribed" or not answerable(one, recipient, city.now()):
        return
    key = one.get("address")
    them = [
        {**{name: value for name, value in it.items() if name != "stopped"}, "verified": True}
        if it.get("key") == key
        else it
        for it in ladder.channels(recipient)
    ]
    shared = False
    for other in city.find("Recipient", f'addresses=="{key}"', limit=20):
        if other.id == recipient.id or other.get("status") != "active":
            continue
        if both and _own(other, recipient, key):
            theirs = [{**it, "stopped": "moved"} if it.get("key") == key else it for it in ladder.channels(other)]
            left = any(ladder.usable(it) for it in theirs)
            # Without a channel of its own it would be a human's work for ever, to reach who is told already.
            over: dict[str, Any] = {"status": "unsubscribed", "ended": iso(city.now()), "channels": [], "addresses": []}
            gone: dict[str, Any] = {"channels": theirs} if left else over | {"name": "", "places": [], "visitor": ""}
            yield entity("Recipient", other.id, **gone)
        elif any(it.get("key") == key and ladder.usable(it) for it in ladder.channels(other)):
            shared = True
            yield entity("Recipient", other.id, shared=True)
    said: dict[str, Any] = {"channels": them, "status": "active"} | ({"shared": True} if shared else {})
    yield entity("Recipient", recipient.id, **said)


def _own(other: Entity, recipient: Entity, key: Any) -> bool:
    """Whether one and the same made both subscriptions: signed in as the same, or by proving the address twice."""
    if other.get("source") != "self" or (other.get("person") or "") != (recipient.get("person") or ""):
        return False
    return any(it.get("key") == key and it.get("verified") is True for it in ladder.channels(other))


def _number(said: str) -> str:
    digits = "".join(one for one in said if one.isascii() and one.isdigit())
    return f"+{digits[2:]}" if digits.startswith("00") else f"+{digits}"


def _message(one: Entity, city: City, seen: dict[str, Entity | None]) -> Entity | None:
    """The warning or notice of a delivery."""
    ident = words.relation(one, "warning")
    if ident not in seen:
        try:
            seen[ident] = city.get(ident)
        except NotFound:
            seen[ident] = None
    return seen[ident]


def _over(warning: Entity) -> str:
    state = warning.get("state")
    return str(state) if state in words.OVER else "expired"
