"""Proposals: what takes two people, kept and carried out.

Each is an entity of type Proposal in the city's own tenant of the security realm, where no header leads, so nobody can
write one that was never approved. What happens when one is approved is a handler of its kind: the Writes that it gives
are committed together with the proposal's state; what must be done elsewhere (another realm, people, the network) is
its `after`, which runs once the approval is on disk, and again after a crash that came between, so it must bear that.
The rule itself is `hansa.trust.approvals`. MISSION M06.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import rfc8785
import structlog

from hansa.errors import AlreadyExists, BadRequest, Busy, Forbidden, HansaError, NotFound
from hansa.model.change import Refused, Write
from hansa.model.entity import Entity, entity
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.noting import Note, noted
from hansa.platform.store import Item
from hansa.trust import approvals
from hansa.trust.actors import Actor
from hansa.trust.approvals import RULES, Proposal, Rule
from hansa.trust.labels import ADMINISTRATOR, Sight

Handler = Callable[[Proposal], Sequence[Write]]
"""What is written, in the security realm, together with the approval."""
After = Callable[[Proposal], Awaitable[None]]
"""What is done elsewhere once the approval is on disk; doing it twice must be as doing it once."""
Prepare = Callable[[dict[str, Any], Sight], dict[str, Any]]
"""What is proposed, as it is kept: checked, and with what its readers need. Raises BadRequest, NotFound, Forbidden."""
Sees = Callable[[Proposal, Actor], bool]
"""Whether a proposal exists for somebody else than its author, where what it says is not for all who may decide."""
Check = Callable[[Proposal, Actor], None]
"""Raises when this person may not approve, or when it can no longer be done."""

LISTED: Final = 200
_SHARE: Final = 20
"""Of all that may wait, one may have proposed a twentieth at most: nobody keeps others from being heard."""
_ALL: Final = Query.parse(types="Proposal")
_APPROVED: Final = Query.parse(types="Proposal", q='state=="approved"')

log = structlog.get_logger("hansa.proposals")


def wall() -> int:
    """Wall time in microseconds: approvals live by it, whatever the city's clock says."""
    return time.time_ns() // 1_000


def _anybody(_who: Actor) -> None:
    """Nobody asks how lately."""


@dataclass(frozen=True, slots=True)
class _Kind:
    rule: Rule
    handler: Handler | None
    after: After | None
    prepare: Prepare | None
    check: Check | None
    sees: Sees | None


class Proposals:
    """Takes proposals, has them approved, and carries each out once."""

    def __init__(self, city: City, *, note: Note | None = None, now: Callable[[], int] = wall) -> None:
        """Keep them in `city`, the security realm's; `note` is the audit, `now` wall time in microseconds."""
        self._city = city
        self._note = note
        self._now = now
        self._kinds: dict[str, _Kind] = {}
        self._deciding = asyncio.Lock()
        self.current: Callable[[str], Actor | None] | None = None
        """Who somebody is now, by his id; None: it is not asked whether those who agreed are still there."""
        self.fresh: Callable[[Actor], None] = _anybody
        """Raises StepUp for a person who has not shown lately who he is: a browser that was left open, or a stolen
        session, must not be one of two people."""

    def on(
        self,
        kind: str,
        handler: Handler | None = None,
        *,
        after: After | None = None,
        prepare: Prepare | None = None,
        check: Check | None = None,
        sees: Sees | None = None,
    ) -> None:
        """What happens with proposals of one kind, which is one of `approvals.RULES`."""
        if kind in self._kinds:
            raise HansaError(f"proposals of kind {kind} have a handler already")
        self._kinds[kind] = _Kind(RULES[kind], handler, after, prepare, check, sees)

    @property
    def kinds(self) -> dict[str, Rule]:
        """The rule of every kind that can be proposed here."""
        return {name: one.rule for name, one in self._kinds.items()}

    async def start(self) -> None:
        """Do what was approved, and not done any more, in the last life."""
        for proposal in _sound(self._city.find(query=_APPROVED, tenant=TENANT, sight=ADMINISTRATOR)):
            kind = self._kinds.get(proposal.kind)
            if kind is not None:
                await self._finish(proposal, kind)

    # What people do

    async def propose(
        self, kind: str, what: dict[str, Any], sight: Sight, reason: str, *, until: int | None = None
    ) -> Proposal:
        """Somebody wants something done that takes two."""
        known = self._kind(kind)
        if known.prepare is not None:
            what = known.prepare(what, sight)
        made = approvals.propose(known.rule, what, sight.who, reason, self._now(), until=until)
        self.fresh(sight.who)
        most, waiting = self._city.limits.proposals, self._waiting()
        if len(waiting) >= most or sum(one.by == made.by for one in waiting) >= max(1, most // _SHARE):
            raise Busy("too many proposals wait for somebody", mend="approve or refuse some first")
        await self._noted("proposed", made, sight.who)
        await self._keep(made, sight.who.id, [])
        return made

    async def approve(self, ident: str, who: Actor, digest: str) -> Proposal:
        """`who` stands behind what has this digest; enough of them, and it is carried out before this returns."""
        async with self._deciding:  # two at once would each be the last one
            proposal, kind = self._found(ident, who)
            self._still_there(proposal, kind)
            approved = approvals.approve(proposal, kind.rule, who, digest, self._now())
            if kind.check is not None:
                kind.check(approved, who)
            self.fresh(who)
            await self._noted("approved", approved, who)
            if approved.state != "approved":
                await self._keep(approved, who.id, [])
                return approved
            writes = [] if kind.handler is None else kind.handler(approved)
            if kind.after is None:
                approved = replace(approved, state="done", ended_at=self._now())
            refused = await self._keep(approved, who.id, writes)
            if refused is not None:
                return await self._failed(approved, refused)
        return approved if kind.after is None else await self._finish(approved, kind)

    def _still_there(self, proposal: Proposal, kind: _Kind) -> None:
        """Raise Forbidden where somebody who stands behind it has gone, or lost the role by which he did."""
        for ident, roles in (
            (proposal.by, kind.rule.asks),
            *((one, kind.rule.approves) for one in proposal.approved_by),
        ):
            if ident.startswith("person:") and self.current is not None:
                now = self.current(ident)
                if now is None or not now.roles & roles:
                    raise Forbidden(f"{ident} may not stand behind it any more", mend="propose it again")

    async def refuse(self, ident: str, who: Actor, why: str) -> Proposal:
        """`who` refuses it, or takes back what he proposed himself."""
        async with self._deciding:
            proposal, kind = self._found(ident, who)
            refused = approvals.refuse(proposal, kind.rule, who, why, self._now())
            await self._noted("refused", refused, who)
            await self._keep(refused, who.id, [])
            return refused

    def get(self, ident: str, who: Actor) -> Proposal:
        """One proposal; NotFound when there is none, or none that exists for `who`."""
        return self._found(ident, who)[0]

    def listed(self, who: Actor, *, waiting: bool = False, limit: int = LISTED) -> list[Proposal]:
        """The newest proposals that exist for `who`, newest first; or all that wait, and can still be approved."""
        found = self._waiting() if waiting else self._newest(limit)
        return [one for one in found if self._sees(one, who)]

    def known(self, kind: str) -> list[Proposal]:
        """The newest proposals of one kind that wait or were decided, for the city itself."""
        now = self._now()
        return [one for one in self._newest(self._city.limits.page) if one.kind == kind and not one.expired(now)]

    def approvable(self, proposal: Proposal, who: Actor) -> str:
        """Why `who` cannot approve it; empty when he can."""
        kind = self._kinds[proposal.kind]
        try:
            approvals.approve(proposal, kind.rule, who, proposal.digest, self._now())
            if kind.check is not None:
                kind.check(proposal, who)
        except HansaError as fault:
            return fault.detail
        return ""

    # Keeping

    def _newest(self, limit: int) -> list[Proposal]:
        many = self._city.count(_ALL, tenant=TENANT, sight=ADMINISTRATOR)
        # A type's index is in the order in which entities came.
        offset = max(0, many - limit)
        found = self._city.find(query=_ALL, tenant=TENANT, sight=ADMINISTRATOR, limit=limit, offset=offset)
        return list(_sound(reversed(found)))

    def _waiting(self) -> list[Proposal]:
        query = Query.parse(types="Proposal", q=f'state=="waiting";until>{self._now()}')
        found = self._city.find(query=query, tenant=TENANT, sight=ADMINISTRATOR, limit=self._city.limits.proposals)
        return sorted(_sound(found), key=lambda one: -one.at)

    def _kind(self, name: str) -> _Kind:
        found = self._kinds.get(name)
        if found is None:
            raise BadRequest(
                f"nobody proposes a {name[:40]!r}", where="kind", mend=f"one of {', '.join(sorted(self._kinds))}"
            )
        return found

    def _sees(self, proposal: Proposal, who: Actor) -> bool:
        kind = self._kinds.get(proposal.kind)
        if kind is None:
            return False
        if kind.sees is not None:
            return who.id == proposal.by or kind.sees(proposal, who)
        return approvals.may_see(proposal, kind.rule, who)

    def _found(self, ident: str, who: Actor) -> tuple[Proposal, _Kind]:
        try:
            proposal = _proposal(self._city.get(_urn(ident), tenant=TENANT, sight=ADMINISTRATOR))
        except NotFound:
            proposal = None
        if proposal is None or not self._sees(proposal, who):
            raise NotFound(f"there is no proposal {ident[:80]}", where=ident[:80])
        return proposal, self._kinds[proposal.kind]

    async def _finish(self, approved: Proposal, kind: _Kind) -> Proposal:
        """Do what is to be done elsewhere, and write down that it was."""
        try:
            if kind.after is not None:
                await kind.after(approved)
        except HansaError as fault:
            return await self._failed(approved, fault)
        except Exception as fault:  # its authors' mistake: people must see that nothing came of it
            log.exception("what was approved could not be done", kind=approved.kind, proposal=approved.id)
            return await self._failed(approved, HansaError(f"something went wrong here: {type(fault).__name__}"))
        done = replace(approved, state="done", ended_at=self._now())
        await self._keep(done, "proposals", [])
        return done

    async def _failed(self, approved: Proposal, fault: HansaError) -> Proposal:
        failed = replace(approved, state="failed", outcome=fault.detail, ended_at=self._now())
        await self._keep(failed, "proposals", [])
        return failed

    async def _keep(self, proposal: Proposal, actor: str, writes: Sequence[Write]) -> HansaError | None:
        """Write it down, and `writes` with it; why one of these was refused, or None."""
        own = Write("say", _urn(proposal.id), _entity(proposal).doc, tenant=TENANT, label="security")
        outcomes = await self._city.acommit(Item([own, *writes], actor, _urn(proposal.id)))
        return next((one.error for one in outcomes if isinstance(one, Refused)), None)

    async def _noted(self, did: str, proposal: Proposal, who: Actor) -> None:
        about = {
            "proposal": proposal.id,
            "kind": proposal.kind,
            "did": did,
            "by": proposal.by,
            "reason": proposal.outcome or proposal.reason,
            "digest": proposal.digest,
        }
        await noted(self._note, "approval", who.id, about, session=who.session)


def _sound(kept: Iterable[Entity]) -> Iterator[Proposal]:
    """Those that are as they were proposed; one whose file was changed must not hide the others."""
    for one in kept:
        try:
            yield _proposal(one)
        except AlreadyExists as fault:
            log.warning("a proposal was changed where it is kept", why=fault.detail)


def _urn(ident: str) -> str:
    return f"urn:ngsi-ld:Proposal:{ident}"


def _entity(proposal: Proposal) -> Entity:
    return entity(
        "Proposal",
        proposal.id,
        realm="security",
        kind=proposal.kind,
        what=rfc8785.dumps(proposal.what).decode(),  # as text: nothing in it is a geometry or an index of its own
        by=proposal.by,
        reason=proposal.reason,
        at=proposal.at,
        until=proposal.until,
        needs=proposal.needs,
        approvedBy=list(proposal.approved_by),
        state=proposal.state,
        endedBy=proposal.ended_by,
        endedAt=proposal.ended_at,
        outcome=proposal.outcome,
        digest=proposal.digest,
    )


def _proposal(kept: Entity) -> Proposal:
    """Read one back. AlreadyExists (409) when it is not what was proposed: somebody changed the file."""
    proposal = Proposal(
        id=kept.key,
        kind=kept["kind"],
        what=msgspec.json.decode(kept["what"]),
        by=kept["by"],
        reason=kept["reason"],
        at=kept["at"],
        until=kept["until"],
        needs=kept["needs"],
        approved_by=tuple(kept["approvedBy"]),
        state=kept["state"],
        ended_by=kept["endedBy"],
        ended_at=kept["endedAt"],
        outcome=kept["outcome"],
    )
    if proposal.digest != kept["digest"]:
        raise AlreadyExists(f"the proposal {proposal.id} is not what was proposed", where=proposal.id)
    return proposal
