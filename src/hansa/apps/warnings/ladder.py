"""From channel to channel, and at the end to a human: who is told next, how, and by when he must have answered.

A `Delivery` is one message to one recipient. Everything here is a function of the delivery, the recipient, the warning
and the instant, so that rounds that come late, twice or after a crash say the same.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa import City, Entity, NotFound, entity
from hansa.apps.warnings import words
from hansa.apps.warnings.words import NEVER, SECOND, iso

DEADLINE_S: Final = {"Extreme": 120.0, "Severe": 300.0, "Moderate": 900.0, "Minor": 3_600.0, "Unknown": 900.0}
"""How long one channel has, where it is urgent at once; setting `deadline_s`. Ours: no standard says it."""
PACE: Final = {"Immediate": 1.0, "Expected": 2.0, "Future": 4.0, "Past": 4.0, "Unknown": 2.0}
RANK: Final = {"Extreme": 0, "Severe": 1, "Moderate": 2, "Minor": 3, "Unknown": 3}
OPEN: Final = frozenset({"held", "waiting", "sending", "handed", "failed"})
"""Of a delivery that nobody has confirmed, and that still has a channel."""
DONE: Final = frozenset({"confirmed", "reached", "unreached", "ended"})
BY_HAND: Final = frozenset({"phone", "print"})
"""Channels that a human serves: whoever is on them stands on the telephone list at once."""
_LEFT: Final = frozenset({"handed", "perhaps", "confirmed"})


def rank(warning: Mapping[str, Any] | Entity) -> int:
    """Which goes first, 0 before all others."""
    return RANK.get(str(warning.get("severity")), 3)


def commanding(warning: Entity) -> bool:
    """Whether nobody's preferences count: an order to evacuate or shelter, extreme danger, or the command says so."""
    asked = warning.get("responseType")
    return (
        warning.get("msgType") != "Cancel"
        and warning.get("event") != "all-clear"
        and (
            warning.get("severity") == "Extreme"
            or warning.get("override") is True
            or (isinstance(asked, list) and not words.COMMANDING.isdisjoint(map(str, asked)))
        )
    )


def channels(recipient: Entity | None) -> list[dict[str, Any]]:
    """The channels of a recipient, in order."""
    return [] if recipient is None else words.dicts(recipient.get("channels"))


def usable(channel: Mapping[str, Any]) -> bool:
    """Whether anything may be sent there: it is known to be his, and has not said that it is none."""
    return channel.get("verified") is True and not channel.get("stopped") and channel.get("kind") in words.KINDS


def following(recipient: Entity | None, step: int) -> int | None:
    """The index of the next channel after `step` that may be used; None when there is none."""
    for n, one in enumerate(channels(recipient)):
        if n > step and usable(one):
            return n
    return None


def deadline(warning: Entity, city: City, now: int) -> int:
    """Until when somebody has who is told at `now`."""
    table = words.mapping(city.setting("deadline_s"))
    grave = str(warning.get("severity"))
    said = table.get(grave, DEADLINE_S.get(grave, DEADLINE_S["Unknown"]))
    seconds = (
        said if isinstance(said, int | float) and not isinstance(said, bool) and said > 0 else DEADLINE_S["Unknown"]
    )
    until = now + int(seconds * PACE.get(str(warning.get("urgency")), 2.0) * SECOND)
    ends = words.whole(warning.get("ends"), NEVER)
    return min(until, ends) if ends > now else until


def quiet_until(recipient: Entity, city: City, now: int) -> int | None:
    """When the quiet hours of a recipient end that he is in; None when he is in none."""
    said = words.mapping(recipient.get("quiet"))
    try:
        begins, ends = (datetime.strptime(str(said[name]), "%H:%M").time() for name in ("from", "until"))  # noqa: DTZ007  # a time of day
        zone = ZoneInfo(str(city.setting("timezone") or "UTC"))
    except (KeyError, ValueError, OSError):
        return None
    at = datetime.fromtimestamp(now // SECOND, UTC).astimezone(zone)
    time = at.time().replace(second=0, microsecond=0)
    inside = begins <= time < ends if begins < ends else time >= begins or time < ends
    if not inside:
        return None
    over = at.replace(hour=ends.hour, minute=ends.minute, second=0, microsecond=0)
    if over <= at:
        over = (over.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return int(over.timestamp()) * SECOND


def told(delivery: Entity) -> bool:
    """Whether anything may have reached him already, on whatever channel."""
    return (
        delivery.get("again") is True
        or delivery.get("status") in {"sending", "handed", "confirmed"}
        or any(one.get("outcome") in _LEFT for one in words.dicts(delivery.get("attempts")))
    )


def begin(recipient: Entity, warning: Entity, city: City, now: int) -> dict[str, Any]:
    """The first step: the first channel at once, or after the quiet hours, or a human where there is no channel."""
    step = following(recipient, -1)
    if step is None:
        return {"step": -1, "again": False} | _human(recipient, warning, city, now, "no channel can be used")
    said = {"step": step, "channel": sent_to(channels(recipient)[step]), "again": False}
    if not commanding(warning) and (until := quiet_until(recipient, city, now)) is not None:
        return said | {"status": "held", "due": until, "why": "quiet hours"}
    return said | {"status": "waiting", "due": deadline(warning, city, now)}


def advance(delivery: Entity, recipient: Entity | None, warning: Entity, city: City, now: int, why: str) -> Entity:
    """The next step of a delivery that its channel has not brought to an end: another channel, or a human."""
    key = delivery.id
    if delivery.get("status") == "held":
        later = None if recipient is None or commanding(warning) else quiet_until(recipient, city, now)
        if later is not None and later > now:
            return entity("Delivery", key, due=later)
        return entity("Delivery", key, status="waiting", due=deadline(warning, city, now), why="")
    step = following(recipient, words.whole(delivery.get("step"), -1))
    if step is None:
        made = entity("Delivery", key, **_human(recipient, warning, city, now, why))
    else:
        made = entity(
            "Delivery",
            key,
            status="waiting",
            step=step,
            channel=sent_to(channels(recipient)[step]),
            address=str(channels(recipient)[step].get("key") or ""),
            again=told(delivery) or _by_another(delivery, recipient, str(channels(recipient)[step].get("key")), city),
            due=deadline(warning, city, now),
            why=why,
        )
    return made


def _by_another(delivery: Entity, recipient: Entity | None, key: str, city: City) -> bool:
    """Whether an address was told of this by another subscription, which has it too."""
    if recipient is None or recipient.get("shared") is not True:
        return False
    about = delivery.get("warning")
    them = city.find("Delivery", f'address=="{key}"', limit=1_000)
    return any(told(one) for one in them if one.id != delivery.id and one.get("warning") == about)


def sent_to(channel: Mapping[str, Any]) -> dict[str, Any]:
    """What the courier needs of a channel."""
    return {name: channel[name] for name in ("kind", "to", "secret") if channel.get(name) is not None}


def ended(delivery: Entity, why: str) -> Entity:
    """It need not be told any more."""
    return entity("Delivery", delivery.id, status="ended", due=NEVER, why=why)


def _human(recipient: Entity | None, warning: Entity, city: City, now: int, why: str) -> dict[str, Any]:
    """A named human has it from now on: the recipient's own contact, or whoever is on duty for his group."""
    return {
        "status": "escalated",
        "due": NEVER,
        "why": why,
        "escalatedAt": iso(now),
        "escalatedTo": contact(recipient, city),
        "rank": rank(warning),
    }


def contact(recipient: Entity | None, city: City) -> dict[str, str]:
    """The named human: {"name", "phone", "of"}."""
    said = words.mapping(None if recipient is None else recipient.get("contact"))
    if said.get("name"):
        return {"name": str(said["name"]), "phone": str(said.get("phone") or ""), "of": "contact"}
    duty = words.mapping(city.setting("duty"))
    groups = [] if recipient is None else recipient.get("groups")
    for group in [*(groups if isinstance(groups, list) else []), "everybody"]:
        one = words.mapping(duty.get(str(group)))
        if one.get("name"):
            return {"name": str(one["name"]), "phone": str(one.get("phone") or ""), "of": str(group)}
    return {"name": "duty officer", "phone": "", "of": "everybody"}


def recipient_of(delivery: Entity, city: City) -> Entity | None:
    """Whose delivery it is; None when he is gone, or has said that he wants nothing any more."""
    try:
        found = city.get(words.relation(delivery, "recipient") or "urn:ngsi-ld:Recipient:nobody")
    except NotFound:
        return None
    return found if found.get("status") == "active" else None
