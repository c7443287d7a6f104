"""Break-glass as the city keeps it: who was lent which rights, until when, and who was told.

It is a Proposal of kind `break-glass`; when the second person approves, the rights begin, and with them stands a Notice
that the data officer sees. It lasts an hour at most by wall time and by a timer that no clock can turn back, ends
early when anybody concerned ends it, and everything that is asked meanwhile is noted before it is answered.
The rule itself is `hansa.trust.breakglass`. MISSION M06.

GET  /admin/break-glass           what is open, and what was, as far as it concerns whoever asks
POST /admin/break-glass           {"roles", "minutes", "reason"} -> 201 and the proposal
POST /admin/break-glass/<id>/end  {"reason"}
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog

from hansa import clock
from hansa.clock import SECOND
from hansa.errors import AlreadyExists, BadRequest, Forbidden, HansaError, NotFound
from hansa.model.change import Refused, Write
from hansa.model.entity import Entity, entity
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.http import Request, Response, json_response
from hansa.platform.noting import Note, noted
from hansa.platform.proposals import Proposals, wall
from hansa.platform.proposals_door import body_of, signed_in, text_of
from hansa.platform.store import Item
from hansa.trust.actors import Actor
from hansa.trust.approvals import RULES, Proposal
from hansa.trust.breakglass import Glass, asked, widened
from hansa.trust.labels import ADMINISTRATOR, Sight

ACTOR: Final = "break-glass"
TOLD: Final = "personal;owner=audit"
"""The label of a Notice: the data officer and the auditor see it, and those whom rights were lent cannot touch it."""
_OPEN: Final = Query.parse(types="BreakGlass", q='state=="open"')
_ALL: Final = Query.parse(types="BreakGlass")
_LISTED: Final = 100
_TOLD: Final = RULES["break-glass"].approves | {"auditor"}

log = structlog.get_logger("hansa.breakglass")


class BreakGlass:
    """Who has been lent rights now."""

    def __init__(
        self, city: City, proposals: Proposals, *, note: Note | None = None, now: Callable[[], int] = wall
    ) -> None:
        """Kept in `city`, the security realm's; `note` is the audit, `now` wall time in microseconds."""
        self._city = city
        self._proposals = proposals
        self._note = note
        self._now = now
        self._open: dict[str, Glass] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self.changed: list[Callable[[str], None]] = []
        """Told the id of each Actor whose rights begin or end."""
        proposals.on("break-glass", self._lent, prepare=self._asked, check=self._may_begin, after=self._begin)

    async def start(self) -> None:
        """Go on where the last life came to: what is over is over."""
        for kept in self._city.find(query=_OPEN, tenant=TENANT, sight=ADMINISTRATOR):
            if kept["who"] not in self._open:
                await self._take_up(_glass(kept))

    async def aclose(self) -> None:
        """Let go of the timers; nothing is changed."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await asyncio.gather(*self._ending, return_exceptions=True)

    # What sign-in asks

    def widened(self, who: Actor) -> Actor:
        """Who he is now, with what he was lent."""
        glass = self._open.get(who.id)
        return who if glass is None else widened(who, glass, self._now())

    def ends(self, who: str) -> int | None:
        """When the rights end that this Actor has been lent (wall time, microseconds); None: he has none."""
        glass = self._open.get(who)
        return None if glass is None else glass.until

    async def asked_for(self, who: Actor, method: str, path: str) -> None:
        """Note what a widened Actor asks, before he is answered."""
        glass = self._open.get(who.id)
        about = {"did": "asked", "method": method, "path": path[:2_000], "glass": "" if glass is None else glass.id}
        await noted(self._note, "break-glass", who.id, about, session=who.session)

    # From the proposal to its end

    def _asked(self, what: dict[str, Any], sight: Sight) -> dict[str, Any]:
        if sight.who.kind != "person":
            raise Forbidden("a person asks for rights, with a name of his own", mend="sign in")
        if sight.who.id in self._open:
            raise AlreadyExists("you have been lent rights already", mend="end them first")
        return asked(what, sight.who)

    def _may_begin(self, proposal: Proposal, _: Actor) -> None:
        if proposal.by in self._open:
            raise AlreadyExists(f"{proposal.by} has been lent rights already", mend="end them first")

    def _lent(self, proposal: Proposal) -> Sequence[Write]:
        now = self._now()
        glass = Glass(
            id=proposal.id,
            who=proposal.by,
            roles=frozenset(proposal.what["roles"]),
            reason=proposal.reason,
            since=now,
            until=now + proposal.what["minutes"] * 60 * SECOND,
            approved_by=proposal.approved_by,
        )
        return _writes(glass, "open")

    async def _begin(self, proposal: Proposal) -> None:
        kept = self._city.get(_urn(proposal.id), tenant=TENANT, sight=ADMINISTRATOR)
        if kept["state"] == "open" and proposal.by not in self._open:
            await self._take_up(_glass(kept))

    async def _take_up(self, glass: Glass) -> None:
        left_s = (glass.until - self._now()) / SECOND
        if left_s <= 0:
            await self._over(glass, ACTOR, "its time was over")
            return
        about = {"did": "began", "glass": glass.id, "roles": sorted(glass.roles), "until": clock.text(glass.until)}
        await noted(self._note, "break-glass", glass.who, about | {"approvedBy": list(glass.approved_by)})
        self._open[glass.who] = glass
        loop = asyncio.get_running_loop()
        self._timers[glass.id] = loop.call_later(left_s, self._time_is_up, glass)
        self._tell(glass.who)

    def _time_is_up(self, glass: Glass) -> None:
        """At once for everybody who asks, whatever the clock says; then on disk."""
        if self._open.get(glass.who) is not glass:
            return
        del self._open[glass.who]
        self._timers.pop(glass.id, None)
        self._tell(glass.who)
        task = asyncio.get_running_loop().create_task(self._over(glass, ACTOR, "its time was over"))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def end(self, ident: str, who: Actor, reason: str) -> None:
        """It ends before its time: by himself, or by anybody who might have approved it."""
        glass = next((one for one in self._open.values() if one.id == ident), None)
        concerned = glass is not None and (who.id == glass.who or bool(who.roles & RULES["break-glass"].approves))
        if glass is None or not concerned:
            raise NotFound(f"there is no break-glass {ident[:80]}", where=ident[:80])
        reason = reason.strip()[:2_000]
        if not reason:
            raise BadRequest("say why it ends", where="reason")
        del self._open[glass.who]
        if (timer := self._timers.pop(ident, None)) is not None:
            timer.cancel()
        self._tell(glass.who)
        await self._over(replace(glass, ended_by=who.id), who.id, reason, session=who.session)

    async def _over(self, glass: Glass, by: str, reason: str, *, session: str = "") -> None:
        try:
            about = {"did": "ended", "glass": glass.id, "who": glass.who, "reason": reason}
            await noted(self._note, "break-glass", by, about, session=session)
            item = Item(_writes(glass, "over", ended=self._now(), why=reason), by, f"urn:ngsi-ld:Proposal:{glass.id}")
            for outcome in await self._city.acommit(item):
                if isinstance(outcome, Refused):
                    log.warning("the end of break-glass was not written", why=outcome.error.detail)
        except HansaError as fault:  # the rights are gone; when it starts again it is written down
            log.warning("the end of break-glass was not written", why=fault.detail)

    def _tell(self, who: str) -> None:
        for told in self.changed:
            try:
                told(who)
            except Exception:  # whoever listens must not keep rights from ending
                log.exception("a listener failed")

    # The door

    async def handle(self, request: Request) -> Response:
        """One request; `request.path` begins after `/admin/break-glass`."""
        who = signed_in(request)
        match (request.method, *request.path):
            case ("GET",):
                return json_response([_told(one, who, self._now()) for one in self._listed(who)])
            case ("POST",):
                said = body_of(request, {"roles", "minutes", "reason"})
                reason = text_of(said, "reason")
                del said["reason"]
                made = await self._proposals.propose("break-glass", said, request.sight, reason)
                return json_response({"proposal": made.id, "digest": made.digest}, 201)
            case ("POST", ident, "end"):
                await self.end(ident, who, text_of(body_of(request, {"reason"}), "reason"))
                return Response(204)
        raise NotFound("this door has nothing of that name", where="path")

    def _listed(self, who: Actor) -> list[Entity]:
        many = self._city.count(_ALL, tenant=TENANT, sight=ADMINISTRATOR)
        offset = max(0, many - _LISTED)
        found = self._city.find(query=_ALL, tenant=TENANT, sight=ADMINISTRATOR, limit=_LISTED, offset=offset)
        return [one for one in reversed(found) if one["who"] == who.id or who.roles & _TOLD]


def _urn(ident: str) -> str:
    return f"urn:ngsi-ld:BreakGlass:{ident}"


def _writes(glass: Glass, state: str, *, ended: int = 0, why: str = "") -> list[Write]:
    """What is kept of it, and the Notice of it, which those see who may read security information."""
    kept = entity(
        *("BreakGlass", glass.id), realm="security",
        who=glass.who, roles=sorted(glass.roles), reason=glass.reason, since=glass.since, until=glass.until,
        approvedBy=list(glass.approved_by), state=state, endedBy=glass.ended_by, endedAt=ended, ending=why,
    )  # fmt: skip
    notice = entity(
        *("Notice", f"break-glass-{glass.id}"), realm="security",
        category="break-glass", audience="data_officer", status=state,
        title=f"{glass.who} was lent the rights of {', '.join(sorted(glass.roles))}",
        description=glass.reason, who=glass.who, approvedBy=list(glass.approved_by),
        validFrom=clock.text(glass.since), validTo=clock.text(ended or glass.until),
    )  # fmt: skip
    return [
        Write("say", kept.id, kept.doc, tenant=TENANT, label="security"),
        Write("say", notice.id, notice.doc, label=TOLD),
    ]


def _glass(kept: Entity) -> Glass:
    return Glass(
        id=kept.key,
        who=kept["who"],
        roles=frozenset(kept["roles"]),
        reason=kept["reason"],
        since=kept["since"],
        until=kept["until"],
        approved_by=tuple(kept["approvedBy"]),
        ended_by=kept["endedBy"],
    )


def _told(kept: Entity, who: Actor, now: int) -> dict[str, Any]:
    state = kept["state"] if now < kept["until"] else "over"
    return {
        "id": kept.key,
        "who": kept["who"],
        "roles": kept["roles"],
        "reason": kept["reason"],
        "since": clock.text(kept["since"]),
        "until": clock.text(kept["until"]),
        "approvedBy": kept["approvedBy"],
        "state": state,
        "endedBy": kept["endedBy"] or None,
        "endedAt": clock.text(kept["endedAt"]) if kept["endedAt"] else None,
        "ending": kept["ending"] or None,
        "mine": kept["who"] == who.id,
        "mayEnd": state == "open" and (kept["who"] == who.id or bool(who.roles & RULES["break-glass"].approves)),
    }
