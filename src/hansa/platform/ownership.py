"""Whose information is: what a department shares and lends, takes back, takes on and hands over.

A Grant (`trust.ownership`) is an entity of the city's own tenant of the security realm, and in memory here, where
policy asks for it with every label. Who owns an entity stands in its label: a department takes on what is nobody's, and
what is another's it gets when both agree, by a Proposal of kind `handover`. MISSION M07.

GET  /admin/grants           your departments, and the grants that concern you
POST /admin/grants           {"owner", "to", "purpose", "until", "verbs", "classes", "reason"} -> 201
POST /admin/grants/<id>/end  take it back
POST /admin/ownership        {"realm", "owner", "ids"}: take on what is nobody's
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog

from hansa import clock
from hansa.clock import SECOND
from hansa.errors import BadRequest, Busy, Forbidden, NotFound
from hansa.model.change import Refused, Write
from hansa.model.entity import Entity, entity
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.http import Request, Response, json_response
from hansa.platform.noting import Note, noted
from hansa.platform.proposals import Proposals, wall
from hansa.platform.proposals_door import body_of, signed_in, text_of
from hansa.platform.seeing import Sees, as_he_came
from hansa.platform.store import Item
from hansa.trust.actors import Actor
from hansa.trust.approvals import Proposal
from hansa.trust.labels import ADMINISTRATOR, Label, Sight, unlabelled
from hansa.trust.ownership import Grant, check_speaks_for, department, give, lent, speaks_for, take_back

ACTOR: Final = "ownership"
_NEVER: Final = float("inf")
_KEPT: Final = Query.parse(types="Grant")
_LISTED: Final = 500

log = structlog.get_logger("hansa.ownership")


class Ownership:
    """The grants of a city, and who owns what."""

    def __init__(
        self,
        cities: Mapping[str, City],
        proposals: Proposals,
        *,
        sees: Sees = as_he_came,
        note: Note | None = None,
        now: Callable[[], int] = wall,
    ) -> None:
        """Read what is kept. `sees` is policy, `note` the audit, `now` wall time in microseconds."""
        self._cities = cities
        self._kept = cities["security"]
        self._sees = sees
        self._note = note
        self._now = now
        self._by_owner: dict[str, dict[str, Grant]] = {}
        self.changed: list[Callable[[], None]] = []
        """Told when something is lent or taken back; that its time is over, `lent` has said before."""
        proposals.on(
            *("handover", None),
            prepare=self._to_hand_over,
            check=_check_agrees,
            sees=_is_party,
            after=self._hand_over,
        )
        now_at = now()
        for kept in self._kept.reader.every(TENANT, _KEPT, ADMINISTRATOR):
            grant = _grant(kept)
            if grant.holds(now_at):
                self._take(grant)

    def lent(self, who: Actor, owner: str, verb: str, kind: str) -> tuple[frozenset[str], float]:
        """For which purposes an owner lends to an Actor, and until when that holds (wall time, seconds)."""
        grants = self._by_owner.get(owner)
        if not grants:
            return frozenset(), _NEVER
        purposes, until = lent(grants.values(), who, owner, self._now(), verb=verb, kind=kind)
        return purposes, _NEVER if until is None else until / SECOND

    # Lending

    async def give(self, said: dict[str, Any], who: Actor) -> Grant:
        """A department lends."""
        now = self._now()
        grant = give(said, who, now, secrets.token_hex(8))
        for grants in self._by_owner.values():
            for over in [one for one in grants.values() if not one.holds(now)]:
                del grants[over.id]
        if sum(len(grants) for grants in self._by_owner.values()) >= self._kept.limits.grants:
            raise Busy("too many grants are in effect", mend="take some back first")
        await self._keep(grant, who, "lent")
        self._take(grant)
        self._tell()
        return grant

    async def take_back(self, ident: str, who: Actor) -> Grant:
        """A department takes back what it lent; in effect before this returns."""
        grant = next((grants[ident] for grants in self._by_owner.values() if ident in grants), None)
        if grant is None or not grant.concerns(who):
            raise NotFound(f"there is no grant {ident[:80]}", where=ident[:80])
        ended = take_back(grant, who, self._now())
        del self._by_owner[grant.owner][ident]
        self._tell()  # first of all nobody sees any more; if that cannot be written down, it holds until a restart
        await self._keep(ended, who, "took back")
        return ended

    def listed(self, who: Actor) -> list[Grant]:
        """The newest grants that concern somebody, newest first, also such as are over."""
        many = self._kept.count(_KEPT, tenant=TENANT, sight=ADMINISTRATOR)
        offset = max(0, many - _LISTED)
        found = self._kept.find(query=_KEPT, tenant=TENANT, sight=ADMINISTRATOR, limit=_LISTED, offset=offset)
        return [one for kept in reversed(found) if (one := _grant(kept)).concerns(who)]

    def _take(self, grant: Grant) -> None:
        self._by_owner.setdefault(grant.owner, {})[grant.id] = grant

    def _tell(self) -> None:
        for told in self.changed:
            told()

    async def _keep(self, grant: Grant, who: Actor, did: str) -> None:
        about = {
            "did": did,
            "grant": grant.id,
            "owner": grant.owner,
            "to": grant.to,
            "purpose": grant.purpose,
            "until": clock.text(grant.until),
        }
        await noted(self._note, "policy", who.id, about, session=who.session)
        write = Write("say", f"urn:ngsi-ld:Grant:{grant.id}", _entity(grant).doc, tenant=TENANT, label="security")
        await _settle(self._kept, [write], who.id)

    # Owning

    async def take_on(self, realm: str, ids: Sequence[str], owner: str, sight: Sight) -> int:
        """Nobody's entities become a department's; how many. Refused as a whole when one is somebody's."""
        who = sight.who
        department(owner, "owner")
        leads = bool(who.roles & {"administrator", "engineer"}) and who.kind == "person"
        if not (leads and who.assurance > 1) and not ("supervisor" in who.roles and speaks_for(who, owner)):
            raise Forbidden("a supervisor of the department, an administrator or an engineer takes things on")
        city = self._city(realm)
        writes = []
        for ident in self._ids(ids):
            own, labels = self._labels(city, ident, self._sees(realm, sight))
            if any(Label.parse(one).owner for one in (own, *labels.values())):
                raise Forbidden(f"{ident[:80]} has an owner", where=ident[:80], mend="its owner hands it over")
            writes.append(_relabelled(ident, own, labels, "", owner))
        about = {"did": "took on", "owner": owner, "realm": realm, "entities": list(ids)}
        await noted(self._note, "policy", who.id, about, session=who.session)
        await _settle(city, writes, who.id)
        return len(writes)

    def _to_hand_over(self, what: dict[str, Any], sight: Sight) -> dict[str, Any]:
        if unknown := what.keys() - {"realm", "ids", "from", "to"}:
            raise BadRequest(f"a handover has no {min(unknown)[:40]!r}", mend="realm, ids, from, to")
        before, after = department(what.get("from"), "from"), department(what.get("to"), "to")
        if before == after:
            raise BadRequest("it is this department's already", where="to")
        check_speaks_for(sight.who, before)
        realm = what.get("realm", "open")
        city = self._city(realm)
        ids = self._ids(what.get("ids"))
        for ident in ids:
            own, labels = self._labels(city, ident, self._sees(realm, sight))
            if before not in {Label.parse(one).owner for one in (own, *labels.values())}:
                raise BadRequest(f"{ident[:80]} is not of {before}", where="ids")
        return {"realm": realm, "ids": ids, "from": before, "to": after}

    async def _hand_over(self, proposal: Proposal) -> None:
        what = proposal.what
        city = self._city(what["realm"])
        writes = []
        for ident in what["ids"]:
            try:
                own, labels = self._labels(city, ident, ADMINISTRATOR)
            except NotFound:  # gone meanwhile
                continue
            writes.append(_relabelled(ident, own, labels, what["from"], what["to"]))
        about = {"did": "handed over", "from": what["from"], "to": what["to"], "entities": what["ids"]}
        await noted(self._note, "policy", proposal.by, about | {"approvedBy": list(proposal.approved_by)})
        await _settle(city, writes, ACTOR, f"urn:ngsi-ld:Proposal:{proposal.id}")

    def _city(self, realm: Any) -> City:
        if not isinstance(realm, str) or realm not in self._cities:
            raise BadRequest(f"there is no realm {str(realm)[:40]!r}", where="realm")
        return self._cities[realm]

    def _ids(self, said: Any) -> list[str]:
        most = self._kept.limits.handed
        if not isinstance(said, list) or not 0 < len(said) <= most or not all(isinstance(one, str) for one in said):
            raise BadRequest(f"ids is a list of 1 to {most} ids", where="ids")
        return sorted(set(said))

    @staticmethod
    def _labels(city: City, ident: str, sight: Sight) -> tuple[str, dict[str, str]]:
        """The label of an entity, and those of its attributes that have one of their own; NotFound."""
        seen = city.get(ident, sight=sight)
        row = city.reader.row("", ident, ADMINISTRATOR)
        labels = {} if row is None else city.reader.stamps(row).labels
        # What he does not see stays as it is, and tells him nothing.
        return seen.label or unlabelled(city.realm), {name: one for name, one in labels.items() if sight.sees(one)}

    # The door

    async def handle(self, request: Request) -> Response:
        """One request; `request.path` begins after `/admin/grants`."""
        who = signed_in(request)
        match (request.method, *request.path):
            case ("GET",):
                speaks = sorted(one for one in who.departments if speaks_for(who, one))
                now = self._now()
                return json_response(
                    {
                        "departments": sorted(who.departments),
                        "speaksFor": speaks,
                        "grants": [_told(one, who, now) for one in self.listed(who)],
                    }
                )
            case ("POST",):
                made = await self.give(body_of(request, _GIVEN), who)
                return json_response(_told(made, who, self._now()), 201)
            case ("POST", ident, "end"):
                return json_response(_told(await self.take_back(ident, who), who, self._now()))
        raise NotFound("this door has nothing of that name", where="path")

    async def handle_ownership(self, request: Request) -> Response:
        """One request; `request.path` begins after `/admin/ownership`."""
        signed_in(request)
        match (request.method, *request.path):
            case ("POST",):
                said = body_of(request, {"realm", "owner", "ids"})
                owner = text_of(said, "owner")
                many = await self.take_on(said.get("realm", "open"), said.get("ids", []), owner, request.sight)
                return json_response({"owner": owner, "entities": many})
        raise NotFound("this door has nothing of that name", where="path")


_GIVEN: Final = {"owner", "to", "purpose", "until", "verbs", "classes", "reason"}


def _is_party(proposal: Proposal, who: Actor) -> bool:
    """Whether a handover is his business: of either department, or of those who watch over both."""
    parties = {proposal.what["from"], proposal.what["to"]}
    return bool(parties & who.departments or who.roles & {"auditor", "data_officer", "administrator"})


def _check_agrees(proposal: Proposal, who: Actor) -> None:
    """Who gets it must want it."""
    check_speaks_for(who, proposal.what["to"])


def _relabelled(ident: str, own: str, labels: Mapping[str, str], before: str, after: str) -> Write:
    """The Write by which all that was `before`'s of an entity is `after`'s, and the rest of its labels as it was."""

    def now(text: str) -> str:
        label = Label.parse(text)
        return str(replace(label, owner=after)) if label.owner == before else text

    return Write(
        "append",
        ident,
        {"id": ident},
        label=now(own),
        labels={name: now(text) for name, text in labels.items()} or None,
    )


async def _settle(city: City, writes: Sequence[Write], actor: str, cause: str | None = None) -> None:
    for outcome in await city.acommit(Item(writes, actor, cause)):
        if isinstance(outcome, Refused):
            raise outcome.error


def _entity(grant: Grant) -> Entity:
    return entity(
        *("Grant", grant.id), realm="security",
        owner=grant.owner, to=grant.to, purpose=grant.purpose, verbs=sorted(grant.verbs),
        classes=sorted(grant.classes), until=grant.until, by=grant.by, at=grant.at, reason=grant.reason,
        endedBy=grant.ended_by, endedAt=grant.ended_at,
    )  # fmt: skip


def _grant(kept: Entity) -> Grant:
    return Grant(
        id=kept.key,
        owner=kept["owner"],
        to=kept["to"],
        purpose=kept["purpose"],
        verbs=frozenset(kept["verbs"]),
        classes=frozenset(kept["classes"]),
        until=kept["until"],
        by=kept["by"],
        at=kept["at"],
        reason=kept["reason"],
        ended_by=kept["endedBy"],
        ended_at=kept["endedAt"],
    )


def _told(grant: Grant, who: Actor, now: int) -> dict[str, Any]:
    state = "lent" if grant.holds(now) else "taken back" if grant.ended_by else "over"
    return {
        "id": grant.id,
        "owner": grant.owner,
        "to": grant.to,
        "purpose": grant.purpose,
        "verbs": sorted(grant.verbs),
        "classes": sorted(grant.classes),
        "until": clock.text(grant.until),
        "by": grant.by,
        "at": clock.text(grant.at),
        "reason": grant.reason,
        "state": state,
        "endedBy": grant.ended_by or None,
        "mayEnd": state == "lent" and speaks_for(who, grant.owner),
    }
