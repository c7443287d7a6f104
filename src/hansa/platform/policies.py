"""The policies of the realms: which version holds, how it came to hold, and what was asked of it.

Each version is an entity of type Policy of its realm, in the city's own tenant, where no header leads; none is ever
changed. Until there is one, the policy that hansa ships holds. A new one is a proposal (`policy`, see `proposals`) that
a second person approves: it must be strictly valid, and still replace the version that its readers saw. What was asked
is kept too, once an hour and at the end, so that a new policy can be tried against it. Report: 4.2; MISSION M06.
"""

import asyncio
import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
import structlog

from hansa import clock
from hansa.errors import AlreadyExists, BadRequest, Busy, NotFound
from hansa.model.change import Refused, Write
from hansa.model.entity import Entity, entity
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.noting import Note, noted
from hansa.platform.proposals import Proposals, wall
from hansa.trust.actors import Actor
from hansa.trust.approvals import Proposal
from hansa.trust.labels import ADMINISTRATOR, Sight, unlabelled
from hansa.trust.policy import SHIPPED, Policy, PolicyInvalid, shipped
from hansa.trust.policy_record import Record
from hansa.trust.policy_trial import trial

KEEP_S: Final = 3_600.0
KEPT: Final = 500  # of the record, on disk: every time it is kept, the log holds it once more
_ALL: Final = Query.parse(types="Policy")
_KEPT: Final = Query.parse(types="AskedDecisions")
_ASKED: Final = "urn:ngsi-ld:AskedDecisions:asked"
_CLOSED: Final = """\
@id("closed")
@reason("The policy that was stored cannot be read by this version of hansa; until it is mended, nothing is allowed.")
forbid (principal, action, resource);
"""

log = structlog.get_logger("hansa.policies")


def _unheard(_realm: str, _policy: Policy) -> None:
    """Nobody listens."""


class Policies:
    """The policy of each realm. Methods belong to the event loop; a `Policy` may be asked from any thread."""

    def __init__(
        self,
        cities: Mapping[str, City],
        *,
        note: Note | None = None,
        changed: Callable[[str, Policy], None] = _unheard,
    ) -> None:
        """Take up what is stored. `changed` hears of each policy that takes effect later; `note` is the audit."""
        self._cities = cities
        self._note = note
        self._changed = changed
        self.records = {realm: Record(city.limits.asked) for realm, city in cities.items()}
        self._counted: dict[str, int] = {}
        self._holding = {realm: self._stored(realm) for realm in cities}
        for realm, city in cities.items():
            if kept := city.find(query=_KEPT, tenant=TENANT, sight=ADMINISTRATOR):
                self.records[realm].take(orjson.loads(kept[0]["asked"]))
                self._counted[realm] = sum(one.count for one in self.records[realm])

    def policy(self, realm: str) -> Policy:
        """The one that holds; NotFound for a realm that is not there."""
        found = self._holding.get(realm)
        if found is None:
            raise NotFound(f"there is no realm {realm[:40]!r}", where="realm")
        return found

    def history(self, realm: str) -> list[dict[str, Any]]:
        """Every version that was stored, the newest first, without its text."""
        self.policy(realm)
        return [
            {name: one.get(name) for name in ("version", "at", "by", "approvedBy", "reason", "proposal", "replaces")}
            for one in self._versions(realm)
        ]

    def text(self, realm: str, version: str) -> str:
        """The text of a version; NotFound."""
        if version == SHIPPED:
            return shipped(realm)
        self.policy(realm)
        for one in self._versions(realm):
            if one["version"] == version:
                return str(one["text"])
        raise NotFound(f"the policy of {realm} has no version {version[:20]!r}", where="version")

    async def tried(self, realm: str, text: str) -> dict[str, Any]:
        """What a text would change of what was asked. Raises PolicyInvalid."""
        now, record = self.policy(realm), self.records[realm]
        new = await asyncio.to_thread(Policy, text, "tried")
        changes = await asyncio.to_thread(trial, now, new, record)
        return {"realm": realm, "against": now.version, "asked": len(record), "changes": changes}

    # Changing it: by a proposal that a second person approves

    def attach(self, proposals: Proposals) -> None:
        """Have proposals of kind `policy` take effect here."""
        proposals.on("policy", after=self._enact, prepare=self._prepare, check=self._check)

    def _prepare(self, what: dict[str, Any], _sight: Sight) -> dict[str, Any]:
        """`{"realm", "text"}`, and perhaps `replaces`, the version that its author saw."""
        if unknown := what.keys() - {"realm", "text", "replaces"}:
            raise BadRequest(f"a policy has no {min(unknown)[:40]!r}", mend="realm, text, replaces")
        realm, text = what.get("realm"), what.get("text")
        if not isinstance(realm, str) or not isinstance(text, str):
            raise BadRequest("realm and text are texts", where="what")
        holds = self.policy(realm)
        replaces = what.get("replaces", holds.version)
        if replaces != holds.version:
            raise AlreadyExists(f"version {holds.version} holds by now", where="replaces", mend="read it again")
        text = text.replace("\r\n", "\n")
        if text == holds.text:
            raise BadRequest("that is the policy that holds already", where="text")
        Policy(text, "proposed")
        return {"realm": realm, "text": text, "replaces": holds.version, "changes": _changes(holds.text, text)}

    def _check(self, proposal: Proposal, _who: Actor) -> None:
        holds = self.policy(proposal.what["realm"])
        if proposal.what["replaces"] != holds.version:
            raise AlreadyExists(
                f"the policy was changed since: version {holds.version} holds",
                where="replaces",
                mend="propose it again",
            )

    async def _enact(self, proposal: Proposal) -> None:
        """What two people want, from now on; once, however often it is asked for."""
        realm = proposal.what["realm"]
        versions = self._versions(realm)
        if any(one["proposal"] == proposal.id for one in versions):
            return  # it was stored before the city went down, and was taken up when it came back
        self._check(proposal, ADMINISTRATOR.who)
        number = 1 + max((int(one["version"]) for one in versions), default=0)
        text, record = proposal.what["text"], self.records[realm]
        made = await asyncio.to_thread(Policy, text, str(number), record=record)
        told = {
            "realm": realm,
            "version": made.version,
            "replaces": proposal.what["replaces"],
            "proposal": proposal.id,
            "by": proposal.by,
            "approvedBy": list(proposal.approved_by),
            "reason": proposal.reason,
        }
        await noted(self._note, "policy", proposal.by, told)
        stored = entity(
            "Policy", f"{realm}-{number}", realm=realm, text=made.text, at=clock.text(wall()), **_said(told)
        )
        write = Write("create", stored.id, stored.doc, tenant=TENANT, label=unlabelled(realm))
        for outcome in await self._cities[realm].awrite(write, sight=ADMINISTRATOR, cause=f"proposal:{proposal.id}"):
            if isinstance(outcome, Refused):
                raise outcome.error
        self._holding[realm] = made
        log.info("another policy holds", realm=realm, version=made.version, proposal=proposal.id)
        self._changed(realm, made)

    # What is stored

    def _versions(self, realm: str) -> list[Entity]:
        city = self._cities[realm]
        # A type's index is in the order in which entities came.
        before = max(0, city.count(_ALL, tenant=TENANT, sight=ADMINISTRATOR) - city.limits.page)
        found = city.find(query=_ALL, tenant=TENANT, sight=ADMINISTRATOR, offset=before)
        return sorted(found, key=lambda one: -int(one["version"]))

    def _stored(self, realm: str) -> Policy:
        record = self.records[realm]
        newest = next(iter(self._versions(realm)), None)
        if newest is None:
            return Policy(shipped(realm), SHIPPED, record=record)
        try:
            return Policy(newest["text"], newest["version"], record=record)
        except PolicyInvalid as fault:
            # The shipped one might allow what this one forbade: so nothing is allowed, but for the city itself.
            log.error("a stored policy cannot be read: nothing is allowed", realm=realm, why=fault.detail)  # noqa: TRY400
            return Policy(_CLOSED, newest["version"], record=record)

    # What was asked

    async def run(self) -> None:
        """Keep what was asked, once an hour and at the end."""
        try:
            while True:
                await asyncio.sleep(KEEP_S)
                self.keep()
        finally:
            self.keep()

    def keep(self) -> None:
        """Submit what was asked, where anything was since."""
        for realm, city in self._cities.items():
            asked = self.records[realm].to_json(KEPT)
            count = sum(one["count"] for one in asked)
            if count == self._counted.get(realm, 0):
                continue
            self._counted[realm] = count
            one = entity("AskedDecisions", _ASKED, realm=realm, asked=orjson.dumps(asked).decode())
            try:
                city.submit([Write("upsert", one.id, one.doc, tenant=TENANT)], _nobody)
            except Busy:
                log.info("no room to keep what was asked; in an hour then")


_LINES: Final = 5_000  # of a policy whose differences are shown line by line


def _said(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "realm"}


def _changes(before: str, after: str) -> str:
    """What differs, for whoever approves it: a unified diff."""
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) > _LINES:
        return ""
    return "\n".join(difflib.unified_diff(old, new, "holds", "proposed", lineterm=""))


def _nobody(_result: object) -> None:
    """Nobody waits for this answer."""
