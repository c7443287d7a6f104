"""Who is warned because he asked: people subscribe themselves, and nothing goes where nobody said yes.

Whoever names an address gets one message there, with a link and a code, and warnings only after he has answered it.
What somebody asks for is answered alike whether or not an address is known.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from hansa import Act, Asking, Conflict, Entity, Forbidden, NotFound, Refusal, entity
from hansa.apps.warnings import ladder, templates, words
from hansa.apps.warnings.sending import shard
from hansa.apps.warnings.telling import ASKING, VERIFY_S
from hansa.apps.warnings.words import DAY, SECOND, hashed, iso

STAFF: Final = frozenset({"operator", "supervisor", "command"})
VISITS: Final = 20  # subscriptions of one address of the network a day: a school, a farm's office
ASKS: Final = 3  # messages that ask an address, a day: nobody's mail is filled by strangers


# ---- what people do themselves


def subscribe(act: Act, city: Asking) -> Iterator[Entity]:
    """Ask for warnings: language, places, hazards, quiet hours, channels in their order."""
    words.only(act.said, "language", "places", "hazards", "quiet", "name", "channels", "groups")
    wanted = wishes(act.said)
    them = [_own(one, n) for n, one in enumerate(channels_in(act.said))]
    if not them:
        raise Refusal("say where warnings go", where="channels", mend="push, email or sms")
    if len({one["key"] for one in them}) != len(them):
        raise Refusal("the same address twice", where="channels")
    person = act.by if act.by.startswith("person:") else ""
    # Each visitor has so many places a day, and each address so many messages: who takes one has read that it was
    # free, so of any number at once no two have the same.
    visitor = city.visitor or act.by
    key = _free("Recipient", (hashed("self", visitor, iso(act.at)[:10], str(n)) for n in range(VISITS)), city)
    if not key:
        raise Conflict("too many subscriptions from here today", mend="try again tomorrow, or ask the city")
    made = entity(
        "Recipient",
        key,
        **wanted,
        channels=them,
        addresses=[one["key"] for one in them],
        status="pending",
        source="self",
        shard=shard(f"urn:ngsi-ld:Recipient:{key}"),
        visitor=city.visitor,
        asked=iso(act.at),
        person=person or None,
    )
    made.label = f"personal;subject={person}" if person else "personal"
    yield made
    for one in them:
        yield from _ask(made, one, act.at, city)


def _free(kind: str, keys: Iterable[str], city: Asking) -> str:
    """The first of these keys that no entity of this type has; nothing when all are taken."""
    for key in keys:
        try:
            city.get(f"urn:ngsi-ld:{kind}:{key}")
        except NotFound:
            return key
    return ""


def line(said: Mapping[str, Any]) -> str:
    """Which line somebody stands in who subscribes, or asks for his link: that of the first address he names."""
    them = said.get("channels", [said])
    first = them[0] if isinstance(them, list) and them else None
    to = first.get("to") if isinstance(first, Mapping) else None
    to = to.get("endpoint") if isinstance(to, Mapping) else to
    # Nearly as it is written: who writes one address in many ways is still counted, only less quickly.
    return hashed("warnings line", to.casefold()) if isinstance(to, str) else ""


def change(act: Act, city: Asking) -> Iterator[Entity]:
    """Say anew what one wants; a channel that is new is asked first."""
    words.only(act.said, "token", "language", "places", "hazards", "quiet", "name", "channels", "groups")
    one = _mine(act, city)
    if one.get("status") == "unsubscribed":
        raise Conflict("it has ended", mend="subscribe anew")
    said = wishes(act.said, one)
    if "quiet" in act.said and said.get("quiet") is None:
        said["quiet"] = {}
    fresh: list[dict[str, Any]] = []
    if "channels" in act.said:
        known = ladder.channels(one)
        them: list[dict[str, Any]] = []
        for n, it in enumerate(channels_in(act.said)):
            number = it.get("n")
            if "n" in it:
                if (
                    isinstance(number, bool)
                    or not isinstance(number, int)
                    or not 0 <= number < len(known)
                    or set(it) != {"n"}
                ):
                    raise Refusal("there is no such channel", where=f"channels[{n}].n")
                them.append(known[number])
            else:
                fresh.append(_own(it, n))
                them.append(fresh[-1])
        if len({it.get("key") for it in them}) != len(them):
            raise Refusal("the same address twice", where="channels")
        said |= {"channels": them, "addresses": [str(it.get("key")) for it in them]}
    visitor = hashed("change", city.visitor or act.by)
    if fresh:
        said["asks"] = _counted(one, len(fresh), visitor, act.at, city)
    made = entity("Recipient", one.id, **said)
    yield made
    whole = Entity(one.doc | made.doc, label=one.label)
    for it in fresh:
        yield from _ask(whole, it, act.at, city, visitor=visitor)


def _counted(one: Entity, many: int, visitor: str, at: int, city: Asking) -> dict[str, Any]:
    """How many new addresses a subscription has named today, with these: as many as a visitor subscribes.

    Exact for a subscription, which is read with it; over all of a visitor's, what is committed. Raises Conflict.
    """
    day = iso(at)[:10]
    before = words.mapping(one.get("asks"))
    n = many + (words.whole(before.get("n")) if before.get("day") == day else 0)
    them = city.find("Delivery", f'visitor=="{visitor}"', limit=1_000)
    his = many + sum(1 for it in them if str(it.get("made"))[:10] == day)
    if max(n, his) > VISITS:
        raise Conflict("too many new addresses from here today", mend="try again tomorrow, or ask the city")
    return {"day": day, "n": n}


def unsubscribe(act: Act, city: Asking) -> Iterator[Entity]:
    """End it; the addresses go, and only what tells that they are not to be entered again stays."""
    words.only(act.said, "token")
    one = _mine(act, city)
    if one.get("status") != "unsubscribed":
        yield from ended(one, city, act.at)


def ended(one: Entity, city: Asking, at: int) -> Iterator[Entity]:
    """A recipient who wants nothing any more, without his addresses; what is on its way to him ends."""
    gone = [suppressed(city, str(it.get("kind")), str(it.get("to"))) for it in ladder.channels(one)]
    yield entity(
        "Recipient",
        one.id,
        status="unsubscribed",
        ended=iso(at),
        name="",
        places=[],
        channels=[],
        addresses=[],
        contact={},
        visitor="",
        suppressed=gone,
    )
    for it in city.find("Delivery", f'recipient=="{one.id}"', limit=500):
        if it.get("status") in ladder.OPEN | {"escalated"}:
            yield ladder.ended(it, "unsubscribed")


def link(act: Act, city: Asking) -> Iterator[Entity]:
    """Send the link to what one gets to an address of one's own; nobody is told whether it is known."""
    words.only(act.said, "kind", "to")
    it = _own({"kind": act.said.get("kind"), "to": act.said.get("to")}, 0)
    for one in city.find("Recipient", f'addresses=="{it["key"]}"', limit=20):
        mine = next((c for c in ladder.channels(one) if c.get("key") == it["key"]), None)
        if one.get("status") == "active" and mine is not None and ladder.usable(mine):
            yield from _ask(one, mine, act.at, city, "link")
            return


def _mine(act: Act, city: Asking) -> Entity:
    """The subscription of a capability, or of whoever is signed in. Raises NotFound, Forbidden."""
    token = words.text(act.said, "token", 2_048)
    if token:
        ident = of_token(token, city)
        if ident is None:
            raise NotFound("this link opens nothing", where="token")
        return city.get(ident)
    if act.subject is None or not act.by:
        raise NotFound("there is no such subscription", where="id", mend="use the link from a message")
    if act.subject.get("person") != act.by:
        raise Forbidden("this is not yours")
    return act.subject


def of_token(token: str, city: Asking) -> str | None:
    """The id of the recipient that a link is for, to manage or to unsubscribe."""
    told = (city.told_by(token) or "").removeprefix("unsubscribe ")
    return told if told.startswith("urn:ngsi-ld:Recipient:") else None


def suppressed(city: Asking, kind: str, to: str) -> str:
    """What stands for an address that is not to be entered again: keyed, so that nobody finds it by trying numbers."""
    return city.token(f"{kind} {to.casefold() if kind == 'email' else to}")[:22]


def wishes(said: Mapping[str, Any], one: Entity | None = None) -> dict[str, Any]:
    """What somebody wants to hear, where and when: all of it at first, what he says of it later. Raises Refusal."""
    found: dict[str, Any] = {}
    if one is None or "language" in said:
        found["language"] = words.word(said, "language", words.LANGUAGES, "en")
    if one is None or "places" in said:
        found["places"] = words.places_of(said.get("places"))
    if one is None or "hazards" in said:
        found["hazards"] = words.listed(said, "hazards", templates.hazards())
    if one is None or "quiet" in said:
        found["quiet"] = words.quiet_of(said.get("quiet"))
    if one is None or "name" in said:
        found["name"] = words.text(said, "name")
    if one is None or "groups" in said:
        found["groups"] = words.listed(said, "groups", ("growers",))
    return found


def channels_in(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The channels that somebody names, not looked at one by one yet. Raises Refusal."""
    them = said.get("channels")
    if not isinstance(them, list) or len(them) > words.CHANNELS or not all(isinstance(one, Mapping) for one in them):
        raise Refusal(f"channels are a list of at most {words.CHANNELS}", where="channels")
    return them


def _own(said: Mapping[str, Any], n: int) -> dict[str, Any]:
    """A channel that somebody names himself: not his until he has answered."""
    words.only(said, "kind", "to")
    return address(words.word(said, "kind", words.OWN), said.get("to"), f"channels[{n}].to") | {"verified": False}


def address(kind: str, to: Any, where: str) -> dict[str, Any]:
    """A channel with its address in one spelling, and the key by which it is found. Raises Refusal."""
    if kind == "push":
        endpoint = to.get("endpoint") if isinstance(to, Mapping) else None
        keys = to.get("keys") if isinstance(to, Mapping) else None
        if (
            not isinstance(endpoint, str)
            or not words.reached_by(endpoint)
            or len(endpoint) > 1_000
            or not isinstance(keys, Mapping)
            or not all(isinstance(keys.get(name), str) and len(keys[name]) <= 200 for name in ("p256dh", "auth"))
        ):
            raise Refusal("this is no push subscription", where=where, mend="PushSubscription.toJSON()")
        bare = {"endpoint": endpoint, "keys": {"p256dh": keys["p256dh"], "auth": keys["auth"]}}
        return {"kind": kind, "to": bare, "key": hashed(kind, endpoint)}
    if not isinstance(to, str):
        raise Refusal("an address is a text", where=where)
    said = words.text({"to": to}, "to", 500, needed=True)
    if kind == "email":
        said = words.email(said)
    elif kind in {"sms", "phone"}:
        said = words.phone(said)
    elif kind == "webhook" and not words.reached_by(said):
        raise Refusal("a webhook is reached by https", where=where)
    # Mail programs pass over capitals: one address in many spellings is one, and is written to as he wrote it.
    return {"kind": kind, "to": said, "key": hashed(kind, said.casefold() if kind == "email" else said)}


def _ask(
    one: Entity, channel: Mapping[str, Any], at: int, city: Asking, purpose: str = "verify", visitor: str = ""
) -> Iterator[Entity]:
    """Ask an address, by the channel itself, whether it is his: one message, and few a day."""
    before = city.find("Delivery", f'address=="{channel["key"]}"', limit=1_000)
    lately = [it for it in before if it.get("purpose") in ASKING and at - (words.instant(it.get("made")) or 0) < DAY]
    key = _free("Delivery", (hashed("ask", str(channel["key"]), iso(at)[:10], str(n)) for n in range(ASKS)), city)
    if len(lately) >= ASKS or not key:
        return  # whoever asks hears the same: that an address is known is nobody's business
    secret = city.token(f"code {one.id} {at} {channel['key']}")
    number = f"{int(hashed('code', secret), 16) % 1_000_000:06d}"
    texts = templates.message(purpose, code=number)
    made = entity(
        "Delivery",
        key,
        recipient=one.id,
        purpose=purpose,
        texts=texts,
        code=number if purpose == "verify" else None,
        status="waiting",
        channel=ladder.sent_to(channel),
        address=channel["key"],
        step=0,
        language=one.get("language") or "en",
        rank=1,
        again=False,
        attempts=[],
        made=iso(at),
        due=at + VERIFY_S * SECOND,
        visitor=visitor or None,
    )
    made.label = one.label or "personal"
    yield made
