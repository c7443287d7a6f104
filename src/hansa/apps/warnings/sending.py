"""Sending: from an approved warning to one `Delivery` for each recipient, in batches, resumed where it stood.

A `Sending` says how far a message has come: recipients are in 256 shards by their ids, and one step takes as many as a
rule may say at once. Its place and what it said are one commit, so kill -9 loses nobody and doubles nobody. Steps
follow each other as Changes, and a round goes on where that chain has to end.
"""

from collections.abc import Iterator
from typing import Any, Final

from hansa import Change, City, Entity, NotFound, entity
from hansa.apps.warnings import ladder, words
from hansa.apps.warnings.area import Reach
from hansa.apps.warnings.drafting import ends_at, logged
from hansa.apps.warnings.words import NEVER, SECOND, hashed, iso

SHARDS: Final = 256
STEP: Final = 900  # entities of one step; rules may say 1,000
CHAIN: Final = 6  # steps that follow each other; rules that answer rules go eight deep
SHARD: Final = 20_000  # recipients, and deliveries, of one shard: five million residents
ROUND_S: Final = 1.0


def shard(ident: str) -> int:
    """The shard of a recipient."""
    return int(hashed("shard", ident)[:2], 16)


def delivery_id(message: str, recipient: str) -> str:
    """One message reaches one recipient once, so this id is made."""
    return f"urn:ngsi-ld:Delivery:{hashed(message, recipient)}"


def approved(change: Change, city: City) -> Iterator[Entity]:
    """What two people have approved goes out: it is public from now on, and what it follows is over."""
    one = city.get(change.entity.id)
    if one.get("state") != "approved" or one.get("hold") is True:
        return
    now = city.now()
    before = _before(one, city)
    if before is not None and (before.get("state") != "sent" or before.get("followedBy")):
        yield entity("Warning", one.id, state="proposed", machine=False, logged=words.whole(one.get("logged")) + 1)
        yield logged(
            one, one.id, now, "app:warnings", "stopped", {"reason": f"what it follows is {before.get('state')}"}
        )
        return
    ends = ends_at(one, now)
    if ends <= now:
        yield entity("Warning", one.id, state="expired", logged=words.whole(one.get("logged")) + 1)
        yield logged(one, one.id, now, "app:warnings", "expired", {"reason": "it was over before it was sent"})
        return
    yield from go_out(one, before, now, ends)


def go_out(one: Entity, before: Entity | None, now: int, ends: int) -> Iterator[Entity]:
    """The message itself, the beginning of its sending, and the end of what it follows."""
    n = words.whole(one.get("logged")) + 1
    # CAP's times are whole seconds, and a follower is later than what it follows.
    sent = now // SECOND * SECOND
    if before is not None and (earlier := words.instant(before.get("sent"))) is not None and sent <= earlier:
        sent = earlier + SECOND
    said: dict[str, Any] = {
        "state": "sent",
        "sent": iso(sent),
        "effective": iso(sent),
        "expires": iso(ends),
        "ends": ends,
        "logged": n,
    }
    made = entity("Warning", one.id, **said)
    if one.get("capScope") != "Restricted":
        made.label = "open"
    yield made
    yield logged(one, one.id, now, "app:warnings", "sent")
    yield entity(
        "Sending", one.id.rsplit(":", 1)[-1], warning=one.id, at=0, after="", many=0, status="planning", begun=iso(now)
    )
    if before is not None:
        over = "cancelled" if one.get("msgType") == "Cancel" else "updated"
        yield entity(
            "Warning",
            before.id,
            state=over,
            ends=NEVER,
            followedBy=one.id,
            logged=words.whole(before.get("logged")) + 1,
        )
        yield logged(before, before.id, now, "app:warnings", over, {"by": one.id})


def planned(change: Change, city: City) -> Iterator[Entity]:
    """The next step of a sending, when one has been made."""
    if change.depth >= CHAIN:
        return  # the round goes on from here
    yield from step(change.entity.id, city)


def go_on(city: City) -> Iterator[Entity]:
    """Go on with a sending that stands still: its chain of steps has ended, or the city was killed in between."""
    for one in city.find("Sending", 'status=="planning"', limit=1):
        yield from step(one.id, city)


def step(ident: str, city: City) -> Iterator[Entity]:
    """Deliveries for the next recipients, and how far that is."""
    one = city.get(ident)
    if one.get("status") != "planning":
        return
    try:
        warning = city.get(words.relation(one, "warning"))
    except NotFound:
        yield entity("Sending", one.id, status="done")  # else it would hold up all that come after it
        return
    crowd = _Crowd(warning, city)
    at, after, many, left = words.whole(one.get("at")), str(one.get("after") or ""), words.whole(one.get("many")), STEP
    while at < SHARDS and left > 0:
        after_next = ""
        for recipient, said in crowd.of(at, after):
            if len(said) > left:
                left = 0
                break
            yield from said
            many += sum(1 for it in said if it.get("warning") == warning.id)
            left -= len(said)
            after = after_next = recipient
        else:
            at, after = at + 1, ""
            continue
        after = after_next or after
    over = at >= SHARDS
    yield entity(
        "Sending",
        one.id,
        at=at,
        after=after,
        many=many,
        status="done" if over else "planning",
        done=iso(city.now()) if over else None,
    )


class _Crowd:
    """Everybody whom a message concerns, shard by shard."""

    def __init__(self, warning: Entity, city: City) -> None:
        self.warning = warning
        self.city = city
        self.now = city.now()
        self.chain = words.relation(warning, "chain") or warning.id
        self.follows = warning.get("msgType") in {"Update", "Cancel"}
        self.cancels = warning.get("msgType") == "Cancel"
        self.all = ladder.commanding(warning)
        area = warning.get("location")
        self.reach = Reach(area) if isinstance(area, dict) else None
        self.over = warning.get("state") not in {"sent", "updated"}

    def of(self, shard_: int, after: str) -> Iterator[tuple[str, list[Entity]]]:
        """(recipient, what is said of him) of one shard, in the order of their ids, from `after` on."""
        slot = f"{self.chain.rsplit(':', 1)[-1]}/{shard_}"
        earlier: dict[str, list[Entity]] = {}
        for one in self.city.find("Delivery", f'slot=="{slot}"', limit=SHARD):
            earlier.setdefault(words.relation(one, "recipient"), []).append(one)
        people = {one.id: one for one in self.city.find("Recipient", f"shard=={shard_}", limit=SHARD)}
        for ident in sorted(people.keys() | earlier.keys()):
            if ident <= after:
                continue
            if said := list(self._said(ident, people.get(ident), earlier.get(ident, []), slot)):
                yield ident, said

    def _said(self, ident: str, recipient: Entity | None, earlier: list[Entity], slot: str) -> Iterator[Entity]:
        if any(one.get("warning") == self.warning.id for one in earlier):
            return  # he has it already: nobody twice
        was_told = any(ladder.told(one) for one in earlier)
        for one in earlier:
            if one.get("status") in ladder.OPEN | {"escalated"}:
                yield ladder.ended(one, "cancelled" if self.cancels else "updated")
        if recipient is None or self.over or recipient.get("status") != "active":
            return
        if self.cancels and not was_told:
            return
        if (was_told or self.wants(recipient)) and not self._by_another(recipient, was_told=was_told):
            yield self._delivery(ident, recipient, slot)

    def _by_another(self, recipient: Entity, *, was_told: bool) -> bool:
        """Whether another subscription of the same address brings it there: one warning is one message to an address.

        Whichever of them is asked first, at whatever step, the answer is the same: one of them brings it.
        """
        key = _first(recipient) if recipient.get("shared") is True else ""
        if not key:
            return False
        mine = self._turn(recipient, told=was_told)
        for one in self.city.find("Recipient", f'addresses=="{key}"', limit=20):
            if one.id == recipient.id or one.get("status") != "active" or _first(one) != key:
                continue
            told = self._told(one)
            if (told or (not self.cancels and self.wants(one))) and self._turn(one, told=told) < mine:
                return True
        return False

    def _turn(self, one: Entity, *, told: bool) -> tuple[bool, bool, bool, str, str]:
        """Which of several goes first: who was told before, who is not asleep, whom staff entered, the oldest."""
        at = words.instant(self.warning.get("sent")) or self.now
        asleep = not self.all and ladder.quiet_until(one, self.city, at) is not None
        return not told, asleep, one.get("source") != "list", str(one.get("asked") or ""), one.id

    def _told(self, one: Entity) -> bool:
        """Whether somebody was told of an earlier message of this chain."""
        slot = f"{self.chain.rsplit(':', 1)[-1]}/{words.whole(one.get('shard'))}"
        them = self.city.find("Delivery", f'recipient=="{one.id}"', limit=1_000) if self.follows else []
        return any(ladder.told(it) for it in them if it.get("slot") == slot and it.get("warning") != self.warning.id)

    def wants(self, recipient: Entity) -> bool:
        """Whether a warning is for somebody: where he is, what he chose, whom it is for."""
        groups = self.warning.get("groups")
        mine = recipient.get("groups")
        if isinstance(groups, list) and groups and not set(map(str, groups)) & set(map(str, mine or ())):
            return False
        if self.warning.get("status") == "Test" and "test" not in (mine or ()):
            return False  # CAP: for technical testing, all others disregard it
        hazards = recipient.get("hazards")
        if isinstance(hazards, list) and hazards and not self.all and self.warning.get("event") not in hazards:
            return False
        places = words.dicts(recipient.get("places"))
        return not places or self.reach is None or any(self.reach.touches(one) for one in places)

    def _delivery(self, ident: str, recipient: Entity, slot: str) -> Entity:
        said: dict[str, Any] = ladder.begin(recipient, self.warning, self.city, self.now)
        step_ = said["step"]
        whole: dict[str, Any] = {
            "warning": self.warning.id,
            "recipient": ident,
            "slot": slot,
            "purpose": "warning",
            "language": recipient.get("language") or "en",
            "rank": ladder.rank(self.warning),
            "attempts": [],
            "made": iso(self.now),
            "address": str(ladder.channels(recipient)[step_].get("key") or "") if step_ >= 0 else "",
        }
        made = entity("Delivery", delivery_id(self.warning.id, ident), **(whole | said))
        made.label = recipient.label or "personal"
        return made


def _first(recipient: Entity) -> str:
    """The address that is told first."""
    step_ = ladder.following(recipient, -1)
    return "" if step_ is None else str(ladder.channels(recipient)[step_].get("key") or "")


def _before(one: Entity, city: City) -> Entity | None:
    ident = words.relation(one, "follows")
    if not ident:
        return None
    try:
        return city.get(ident)
    except NotFound:
        return None
