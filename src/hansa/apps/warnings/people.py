"""Who is warned: people subscribe themselves, staff enter or import lists; nothing goes where nobody said yes.

Whoever names an address gets one message there, with a link and a code, and warnings only after he has answered it.
What somebody asks for is answered alike whether or not an address is known. Staff vouch for those they enter.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hansa import Act, Asking, Conflict, Entity, Forbidden, NotFound, Refusal, entity
from hansa.apps.warnings import ladder, templates, words
from hansa.apps.warnings.sending import shard
from hansa.apps.warnings.words import DAY, SECOND, hashed, iso

STAFF: Final = frozenset({"operator", "supervisor", "command"})
LISTS: Final = frozenset({"supervisor", "command", "engineer"})
"""Who may enter and import recipients: he vouches for them."""
VISITS: Final = 20  # subscriptions of one address of the network a day: a school, a farm's office
ASKS: Final = 3  # messages that ask an address, a day: nobody's mail is filled by strangers
ROWS: Final = 400  # of one import; a longer list comes in parts
CSV: Final = 400_000  # characters of one import
VERIFY_S: Final = 86_400  # a code holds a day
COLUMNS: Final = (
    *("name", "language", "place", "lon", "lat", "radius_m", "hazards", "groups", "quiet_from", "quiet_until"),
    *("contact", "contact_phone", *words.KINDS),
)


# ---- what people do themselves


def subscribe(act: Act, city: Asking) -> Iterator[Entity]:
    """Ask for warnings: language, places, hazards, quiet hours, channels in their order."""
    words.only(act.said, "language", "places", "hazards", "quiet", "name", "channels", "groups")
    wanted = _wishes(act.said)
    them = [_own(one, n) for n, one in enumerate(_channels(act.said))]
    if not them:
        raise Refusal("say where warnings go", where="channels", mend="push, email or sms")
    if city.visitor and len(city.find("Recipient", f'visitor=="{city.visitor}"', limit=VISITS)) >= VISITS:
        raise Conflict("too many subscriptions from here today", mend="try again tomorrow, or ask the city")
    person = act.by if act.by.startswith("person:") else ""
    key = hashed("self", act.by or city.visitor, str(act.at), str(wanted), *(one["key"] for one in them))
    if _there(key, city):
        return  # the same, said twice at once
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
        tries=0,
    )
    made.label = f"personal;subject={person}" if person else "personal"
    yield made
    for one in them:
        yield from _ask(made, one, act.at, city)


def _there(key: str, city: Asking) -> bool:
    try:
        city.get(f"urn:ngsi-ld:Recipient:{key}")
    except NotFound:
        return False
    return True


def change(act: Act, city: Asking) -> Iterator[Entity]:
    """Say anew what one wants; a channel that is new is asked first."""
    words.only(act.said, "token", "language", "places", "hazards", "quiet", "name", "channels", "groups")
    one = _mine(act, city)
    if one.get("status") == "unsubscribed":
        raise Conflict("it has ended", mend="subscribe anew")
    said = _wishes(act.said, one)
    if "quiet" in act.said and said.get("quiet") is None:
        said["quiet"] = {}
    fresh: list[dict[str, Any]] = []
    if "channels" in act.said:
        known = ladder.channels(one)
        them: list[dict[str, Any]] = []
        for n, it in enumerate(_channels(act.said)):
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
    made = entity("Recipient", one.id, **said)
    yield made
    whole = Entity(one.doc | made.doc, label=one.label)
    for it in fresh:
        yield from _ask(whole, it, act.at, city)


def unsubscribe(act: Act, city: Asking) -> Iterator[Entity]:
    """End it; the addresses go, and only what tells that they are not to be entered again stays."""
    words.only(act.said, "token")
    one = _mine(act, city)
    if one.get("status") != "unsubscribed":
        yield ended(one, city, act.at)


def ended(one: Entity, city: Asking, at: int) -> Entity:
    """A recipient who wants nothing any more, without his addresses."""
    gone = [suppressed(city, str(it.get("kind")), str(it.get("to"))) for it in ladder.channels(one)]
    return entity(
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


def link(act: Act, city: Asking) -> Iterator[Entity]:
    """Send the link to what one gets to an address of one's own; nobody is told whether it is known."""
    words.only(act.said, "kind", "to")
    it = _own({"kind": act.said.get("kind"), "to": act.said.get("to")}, 0)
    for one in city.find("Recipient", f'addresses=="{it["key"]}"', limit=20):
        mine = next((c for c in ladder.channels(one) if c.get("key") == it["key"]), None)
        if one.get("status") == "active" and mine is not None and ladder.usable(mine):
            yield from _ask(one, mine, act.at, city, "link")
            return


def code(one: Entity, said: Any, city: Asking, at: int) -> tuple[list[Entity], str]:
    """Look at a code that somebody typed: what is said, and a word: confirmed, wrong, over."""
    tries = words.whole(one.get("tries"))
    if tries >= 5:
        return [], "over"
    asked = [it for it in city.find("Delivery", f'recipient=="{one.id}"', limit=50) if it.get("purpose") == "verify"]
    fit = [it for it in asked if it.get("code") and it.get("code") == said and _fresh(it, at)]
    if not fit:
        return [entity("Recipient", one.id, tries=tries + 1)], "wrong"
    from hansa.apps.warnings.telling import confirmed, verified  # noqa: PLC0415  # they need this module's neighbours

    out, _ = confirmed(fit[0], "code", "recipient", at)
    return [*out, *verified(fit[0], city)], "confirmed"


def _fresh(one: Entity, at: int) -> bool:
    made = words.instant(one.get("made"))
    return made is not None and at - made <= VERIFY_S * SECOND


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
    return city.token(f"{kind} {to}")[:22]


def _wishes(said: Mapping[str, Any], one: Entity | None = None) -> dict[str, Any]:
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


def _channels(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
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
    return {"kind": kind, "to": said, "key": hashed(kind, said)}


def _ask(one: Entity, channel: Mapping[str, Any], at: int, city: Asking, purpose: str = "verify") -> Iterator[Entity]:
    """Ask an address, by the channel itself, whether it is his: one message, and few a day."""
    before = city.find("Delivery", f'address=="{channel["key"]}"', limit=1_000)
    lately = [
        it
        for it in before
        if it.get("purpose") in {"verify", "link"} and at - (words.instant(it.get("made")) or 0) < DAY
    ]
    if len(lately) >= ASKS:
        return  # whoever asks hears the same: that an address is known is nobody's business
    secret = city.token(f"code {one.id} {at} {channel['key']}")
    number = f"{int(hashed('code', secret), 16) % 1_000_000:06d}"
    texts = templates.message(purpose, code=number)
    made = entity(
        "Delivery",
        hashed(purpose, one.id, str(channel["key"]), str(at)),
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
    )
    made.label = one.label or "personal"
    yield made


# ---- what staff do


def may(act: Act, roles: frozenset[str]) -> None:
    """Only for these roles, or whoever sits at the machine itself. Raises Forbidden."""
    at_the_machine = "administrator" in act.roles and not act.by.startswith("person:")
    if not (act.roles & roles or at_the_machine):
        raise Forbidden("this is not for you to do", mend=f"it is for: {', '.join(sorted(roles))}")


def enter(act: Act, city: Asking) -> Iterator[Entity]:
    """Enter a recipient, or say anew what is known of one: staff vouch for the addresses."""
    may(act, LISTS)
    known = ("name", "language", "places", "hazards", "quiet", "groups", "channels", "contact", "person")
    words.only(act.said, *known)
    them = [_vouched(one, n, city) for n, one in enumerate(_channels(act.said))]
    said = {name: value for name, value in act.said.items() if name not in {"groups", "channels", "contact", "person"}}
    wanted = _wishes(said) | {"groups": words.listed(act.said, "groups")}
    yield _entered(wanted, them, words.mapping(act.said.get("contact")), words.text(act.said, "person"), act, city)


def bring(act: Act, city: Asking) -> Iterator[Entity]:
    """Import a list (CSV with a head line): all of it, or nothing with the lines that are wrong."""
    may(act, LISTS)
    words.only(act.said, "csv")
    said = act.said.get("csv")
    if not isinstance(said, str) or len(said) > CSV:
        raise Refusal(f"csv is a text of at most {CSV:,} characters", where="csv", mend="import it in parts")
    rows = csv.DictReader(io.StringIO(said), strict=True)
    try:
        heads = [str(one).strip().lower() for one in rows.fieldnames or ()]
        lines = list(rows)
    except csv.Error as fault:
        raise Refusal(f"this is no CSV: {fault}", where="csv") from None
    if unknown := [one for one in heads if one not in COLUMNS]:
        raise Refusal(f"{unknown[0][:40]!r} is no column", where="csv", mend=", ".join(COLUMNS))
    if not lines or len(lines) > ROWS:
        raise Refusal(f"a list has 1 to {ROWS} lines; this has {len(lines):,}", where="csv", mend="import it in parts")
    made: dict[str, Entity] = {}
    wrong: list[str] = []
    for n, line in enumerate(lines, 2):
        try:
            one = _row(
                {str(k).strip().lower(): (v or "").strip() for k, v in line.items() if isinstance(v, str)}, act, city
            )
            made[one.id] = one
        except Conflict:
            continue  # he has it by his own subscription, which stands
        except Refusal as fault:
            wrong.append(f"line {n}: {fault.detail}")
    if wrong:
        more = f" (and {len(wrong) - 10} more)" if len(wrong) > 10 else ""
        raise Refusal("; ".join(wrong[:10]) + more, where="csv", mend="mend the lines; nothing was imported")
    yield from made.values()


def _row(line: Mapping[str, str], act: Act, city: Asking) -> Entity:
    def many(name: str) -> list[str]:
        return [one.strip() for one in line.get(name, "").replace(";", "|").split("|") if one.strip()]

    them = [
        _vouched({"kind": kind, "to": line[kind]}, n, city)
        for n, kind in enumerate(name for name in line if name in words.KINDS)
        if line.get(kind)
    ]
    places = []
    if line.get("lon") or line.get("lat"):
        try:
            at = {name: float(line.get(name) or "") for name in ("lon", "lat")}
            radius = float(line.get("radius_m") or 1_000)
        except ValueError:
            raise Refusal("lon, lat and radius_m are numbers", where="csv") from None
        places = [{"name": line.get("place", ""), **at, "radius_m": radius}]
    quiet = {"from": line["quiet_from"], "until": line.get("quiet_until", "")} if line.get("quiet_from") else None
    said = {"name": line.get("name"), "language": line.get("language") or "en", "places": places, "quiet": quiet}
    wanted = _wishes({**said, "hazards": many("hazards")}) | {
        "groups": words.listed({"groups": many("groups")}, "groups")
    }
    contact = {"name": line.get("contact", ""), "phone": line.get("contact_phone", "")}
    return _entered(wanted, them, contact if contact["name"] else {}, "", act, city)


def _vouched(said: Mapping[str, Any], n: int, city: Asking) -> dict[str, Any]:
    words.only(said, "kind", "to", "secret")
    kind = words.word(said, "kind", words.KINDS)
    one = address(kind, said.get("to"), f"channels[{n}].to")
    if isinstance(one["to"], str) and city.find(
        "Recipient", f'suppressed=="{suppressed(city, kind, one["to"])}"', limit=1
    ):
        raise Refusal(
            f"who has {one['to']} wants no warnings there", where=f"channels[{n}]", mend="he must subscribe himself"
        )
    secret = words.text(said, "secret", 200)
    return one | {"verified": True} | ({"secret": secret} if secret else {})


def _entered(
    wanted: dict[str, Any], them: list[dict[str, Any]], contact: Mapping[str, Any], person: str, act: Act, city: Asking
) -> Entity:
    human = {name: words.text(contact, name) for name in ("name", "phone")} if contact else {}
    if not them and not human and not person:
        raise Refusal("he has neither a channel nor a contact", where="channels")
    first = them[0]["key"] if them else hashed("nobody", str(wanted.get("name")), str(human))
    ident = act.id or f"urn:ngsi-ld:Recipient:{hashed('list', str(first))}"
    if act.subject is not None and act.subject.get("source") == "self":
        raise Conflict("he has subscribed himself; what he chose stands", where="id")
    for key in (str(one["key"]) for one in them):
        for other in city.find("Recipient", f'addresses=="{key}"', limit=5):
            if other.id != ident and other.get("status") == "active":
                raise Conflict("one of these addresses is another recipient's already", where="channels")
    made = entity(
        "Recipient",
        ident,
        **{name: value for name, value in wanted.items() if value is not None},
        channels=them,
        addresses=[str(one["key"]) for one in them],
        contact=human,
        person=person or None,
        status="active",
        source="list",
        shard=shard(ident),
        enteredBy=act.by,
        tries=0,
    )
    made.label = f"personal;subject={person}" if person.startswith("person:") else "personal"
    return made
