"""The two-person rule: what one proposes, another approves, exactly as it was proposed.

A `Proposal` says who wants what, why and until when it can be approved; a `Rule` who may propose and who may approve
proposals of its kind. Two different people stand behind everything that is approved: whoever proposes counts as one of
them when he is a person, surely known, of a role that may propose; what an app, a service or the city's own machine
proposes needs two others. Who approves names the digest of what he read, so that nothing else can be slipped under his
hand. Pure: a step takes a Proposal and gives the next one. Times are wall time in microseconds. Report: 4.2.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import rfc8785

from hansa.errors import AlreadyExists, BadRequest, Forbidden, TooLarge
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.breakglass import is_widened

State = Literal["waiting", "approved", "done", "refused", "failed"]
"""`approved`: by everybody it takes, and what it asks for is being done; `failed`: it could not be done, and why."""

DAY_S: Final = 86_400
REASON: Final = 2_000
"""Characters of a reason: somebody is to read it."""
WHAT: Final = 300_000
"""Bytes of what is proposed, in canonical JSON: a policy of a large city, with room."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may propose things of one kind, who may approve them, and for how long one waits."""

    kind: str
    asks: frozenset[str]
    approves: frozenset[str]
    waits_s: int = 7 * DAY_S


_LEADS: Final = frozenset({"supervisor", "command", "administrator"})
_KEEPERS: Final = frozenset({"administrator", "data_officer"})
_READERS: Final = frozenset({"supervisor", "command", "data_officer"})  # who may see what is to be let out
_DEPARTMENT: Final = frozenset({"member", "supervisor"})
_BOTH: Final = frozenset({"administrator"})

RULES: Final[Mapping[str, Rule]] = {
    rule.kind: rule
    for rule in (
        Rule("policy", _KEEPERS, _KEEPERS),
        Rule("derivation", _KEEPERS | {"command"}, _KEEPERS | {"command"}),  # nobody whom one alone can appoint
        Rule("declassify", _READERS, _READERS),
        Rule("break-glass", _LEADS, _LEADS | _KEEPERS, waits_s=3_600),
        Rule("handover", _DEPARTMENT, _DEPARTMENT),
        Rule("recovery", _BOTH, _BOTH, waits_s=DAY_S),
        Rule("appointment", _BOTH, _BOTH | {"supervisor"}),  # of his own department's members alone
        Rule("service", _BOTH, _BOTH),
    )
}
"""The kinds that hansa ships with."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants to be done, and how far it has come."""

    id: str
    kind: str
    what: dict[str, Any]
    by: str
    reason: str
    at: int
    until: int
    needs: int = 1
    """How many others must approve: one, or two where whoever proposed it does not count as a person."""
    approved_by: tuple[str, ...] = ()
    state: State = "waiting"
    ended_by: str = ""
    """Who refused it or took it back."""
    outcome: str = ""
    """Why it was refused, or why what was approved could not be done."""
    ended_at: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that was proposed, as canonical JSON (RFC 8785): what an approval is of."""
        return _digest_of(self)

    def expired(self, now: int) -> bool:
        """Whether nobody approved it in time."""
        return self.state == "waiting" and now >= self.until


def propose(
    rule: Rule,
    what: Mapping[str, Any],
    who: Actor,
    reason: str,
    now: int,
    *,
    ident: str = "",
    until: int | None = None,
) -> Proposal:
    """A new proposal of `who`. It can be approved until `until`, or for as long as the rule says, whichever is less.

    Raises Forbidden when he may not propose this, or is not known surely enough; BadRequest for what is no proposal.
    """
    counts = who.kind == "person"
    if counts:
        _allowed(who, rule.asks, f"propose a {rule.kind}")
    elif not (who.kind in {"app", "administrator"} or (who.kind == "service" and who.roles & rule.asks)):
        raise Forbidden(f"{who.id[:80]} may not propose a {rule.kind}")
    reason = _reason(reason)
    if now < 0:
        raise BadRequest("a proposal has a time", where="at")
    end = now + rule.waits_s * 1_000_000
    if until is not None:
        end = min(end, until)
    if end <= now:
        raise BadRequest("it would be too late to approve it at once", where="until")
    made = Proposal(
        ident or secrets.token_hex(8), rule.kind, dict(what), who.id, reason, now, end, needs=1 if counts else 2
    )
    # What two people agree on has one canonical text: what has none, such as an integer beyond 2^53, is refused here.
    _digest_of(made)
    return made


def approve(proposal: Proposal, rule: Rule, who: Actor, digest: str, now: int) -> Proposal:
    """The proposal with `who` behind it; its state is `approved` once that is enough.

    Raises Forbidden when this must be somebody else; AlreadyExists (409) when nothing waits here any more, or when
    what he read is not what is here.
    """
    if rule.kind != proposal.kind:
        raise Forbidden(f"the rule for {rule.kind} does not hold for a {proposal.kind}")
    _waiting(proposal, now)
    if who.kind != "person":
        raise Forbidden("a person approves, with a name of his own", mend="sign in")
    _allowed(who, rule.approves, f"approve a {rule.kind}")
    if who.id == proposal.by or who.id in proposal.approved_by:
        raise Forbidden("another person must approve this", where="approve")
    if not digest.isascii() or not hmac.compare_digest(digest, proposal.digest):
        raise AlreadyExists("this is not what was proposed", where="digest", mend="read it again, then approve")
    behind = (*proposal.approved_by, who.id)
    return replace(proposal, approved_by=behind, state="approved" if len(behind) >= proposal.needs else "waiting")


def refuse(proposal: Proposal, rule: Rule, who: Actor, why: str, now: int) -> Proposal:
    """The proposal, ended by `who`: whoever proposed it takes it back, whoever might approve it refuses it."""
    _waiting(proposal, now)
    if who.id != proposal.by:
        if who.kind != "person":
            raise Forbidden("a person refuses, with a name of his own", mend="sign in")
        _allowed(who, rule.approves, f"refuse a {rule.kind}")
    return replace(proposal, state="refused", ended_by=who.id, outcome=_reason(why), ended_at=now)


def may_see(proposal: Proposal, rule: Rule, who: Actor) -> bool:
    """Whether a proposal exists for somebody: his own, one that he may decide, and all for those who watch over it."""
    return who.id == proposal.by or bool(who.roles & (rule.approves | {"auditor", "data_officer", "administrator"}))


def _allowed(who: Actor, roles: frozenset[str], do: str) -> None:
    if is_widened(who):
        raise Forbidden(f"nobody may {do} while break-glass lends him rights", mend="end break-glass first")
    if not who.roles & roles:
        raise Forbidden(f"who may {do}: {', '.join(sorted(roles))}", where="role")
    if who.assurance < TWO_FACTORS:
        raise Forbidden(f"to {do}, sign in with a passkey or a second factor", where="assurance", mend="sign in again")


def _waiting(proposal: Proposal, now: int) -> None:
    if proposal.state != "waiting":
        raise AlreadyExists(f"this was decided already: {proposal.state}", where=proposal.id)
    if proposal.expired(now):
        raise AlreadyExists("nobody approved this in time", where=proposal.id, mend="propose it again")


def _reason(text: str) -> str:
    text = text.strip()
    if not text or len(text) > REASON:
        raise BadRequest(f"a reason of at most {REASON:,} characters", where="reason", mend="say why, for the record")
    return text


def _digest_of(proposal: Proposal) -> str:
    said: dict[str, Any] = {
        "id": proposal.id,
        "kind": proposal.kind,
        "what": proposal.what,
        "by": proposal.by,
        "reason": proposal.reason,
        "at": proposal.at,
        "until": proposal.until,
        "needs": proposal.needs,
    }
    try:
        canonical = rfc8785.dumps(said)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as fault:
        raise BadRequest(f"this cannot be proposed: {str(fault)[:200]}", where="what") from None
    if len(canonical) > WHAT:
        raise TooLarge(f"{len(canonical):,} bytes are proposed; {WHAT:,} are the most", where="what")
    return hashlib.sha256(canonical).hexdigest()
