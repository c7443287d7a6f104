"""The door of proposals, `/admin/proposals`: for every signed-in person, each with what exists for him.

GET  /admin/proposals               ?state=waiting  -> what exists for whoever asks, newest first
GET  /admin/proposals/<id>
POST /admin/proposals               {"kind", "what": {...}, "reason", "until"} -> 201 and the proposal with its digest
POST /admin/proposals/<id>/approve  {"digest"}: of what was read
POST /admin/proposals/<id>/refuse   {"reason"}: take it back, or refuse it
"""

from typing import Any

from hansa import clock
from hansa.errors import BadRequest, NotFound, Unauthenticated
from hansa.platform.http import Request, Response, json_response, object_in
from hansa.platform.proposals import Proposals, wall
from hansa.trust.actors import Actor
from hansa.trust.approvals import Proposal


class ProposalsDoor:
    """Answers whoever is signed in."""

    def __init__(self, proposals: Proposals) -> None:
        """The door of `proposals`."""
        self._proposals = proposals

    async def handle(self, request: Request) -> Response:
        """One request; `request.path` begins after `/admin/proposals`."""
        who = signed_in(request)
        match (request.method, *request.path):
            case ("GET",):
                params = request.params()
                if unknown := params.keys() - {"state"}:
                    raise BadRequest(f"there is no parameter {min(unknown)[:40]}", where="query")
                if params.get("state", "waiting") != "waiting":
                    raise BadRequest("state is waiting, or not said", where="state")
                found = self._proposals.listed(who, waiting="state" in params)
                return json_response([self._told(one, who) for one in found])
            case ("GET", ident):
                return json_response(self._told(self._proposals.get(ident, who), who))
            case ("POST",):
                said = body_of(request, {"kind", "what", "reason", "until"})
                what = said.get("what")
                if not isinstance(what, dict):
                    raise BadRequest("what is proposed is a JSON object", where="what")
                until = clock.parse(text_of(said, "until")) if "until" in said else None
                made = await self._proposals.propose(
                    text_of(said, "kind"), what, request.sight, text_of(said, "reason"), until=until
                )
                return json_response(self._told(made, who), 201)
            case ("POST", ident, "approve"):
                digest = text_of(body_of(request, {"digest"}), "digest")
                return json_response(self._told(await self._proposals.approve(ident, who, digest), who))
            case ("POST", ident, "refuse"):
                why = text_of(body_of(request, {"reason"}), "reason")
                return json_response(self._told(await self._proposals.refuse(ident, who, why), who))
        raise NotFound("this door has nothing of that name", where="path")

    def _told(self, proposal: Proposal, who: Actor) -> dict[str, Any]:
        why_not = self._proposals.approvable(proposal, who)
        waits = proposal.state == "waiting"
        state = "expired" if proposal.expired(wall()) else proposal.state
        return {
            "id": proposal.id,
            "kind": proposal.kind,
            "what": proposal.what,
            "by": proposal.by,
            "reason": proposal.reason,
            "at": clock.text(proposal.at),
            "until": clock.text(proposal.until),
            "needs": proposal.needs,
            "approvedBy": list(proposal.approved_by),
            "state": state,
            "endedBy": proposal.ended_by or None,
            "endedAt": clock.text(proposal.ended_at) if proposal.ended_at else None,
            "outcome": proposal.outcome or None,
            "digest": proposal.digest,
            "mine": proposal.by == who.id,
            "mayApprove": waits and not why_not,
            "whyNot": why_not if waits else None,
        }


def signed_in(request: Request) -> Actor:
    """Who asks; 401 when nobody knows."""
    who = request.sight.who
    if who.kind == "public":
        raise Unauthenticated("who are you?", mend="sign in")
    return who


def body_of(request: Request, names: set[str]) -> dict[str, Any]:
    """The members of a JSON object, none but `names`."""
    said = object_in(request.body)
    if unknown := said.keys() - names:
        raise BadRequest(f"there is no member {min(unknown)[:40]!r}", mend=", ".join(sorted(names)))
    return said


def text_of(said: dict[str, Any], name: str) -> str:
    """A member that is a text."""
    value = said.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"{name} is a text", where=name)
    return value
