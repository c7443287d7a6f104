"""What people are, and who says so: invitations, roles, accounts that are closed, and those who are let in again.

One administrator does it alone for others, except for powers (`trust.powers`) and for letting somebody in who has lost
all that he signed in by: that takes two people (`trust.approvals`), so that nobody can invite or become his own
accomplice. What he is himself, an administrator never changes alone. As long as there is one administrator, the city's
own machine stands in for the second (`hansa person`); so a second one is made there. What two have approved is a link
with two halves: each of them has his own told, and neither can open it by himself.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

from hansa.errors import AlreadyExists, BadRequest, Busy, Forbidden, NotFound
from hansa.platform.people import People
from hansa.platform.proposals import Proposals
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.approvals import RULES, Proposal
from hansa.trust.labels import ADMINISTRATOR, Sight
from hansa.trust.people import (
    Kind,
    Link,
    Person,
    StepUp,
    changed,
    departments_of,
    halved,
    hash_of,
    link,
    name_of,
    needs,
    new_secret,
    roles_of,
    shown_of,
)
from hansa.trust.policy import SHIPPED, Policy, shipped
from hansa.trust.powers import powers

_BOTH: Final = frozenset({"administrator"})
_SELF: Final = "himself"
_NOTHING: Final[frozenset[str]] = frozenset()


@cache
def as_shipped() -> Mapping[str, Policy]:
    """The policies that come with hansa."""
    return {realm: Policy(shipped(realm), SHIPPED) for realm in ("open", "security")}


class Appointing:
    """Who is what."""

    def __init__(self, people: People) -> None:
        """Of these people. Without `on`, two administrators cannot decide anything together."""
        self._people = people
        self.policies: Callable[[], Mapping[str, Policy]] = as_shipped
        """The policies that hold: by them a role is a power, or none."""
        self._weighed: tuple[tuple[Policy, ...], frozenset[str]] = ((), _NOTHING)

    def on(self, proposals: Proposals) -> None:
        """Carry out what two administrators decide."""
        proposals.on("recovery", prepare=self._to_recover, after=self._recovered)
        proposals.on(
            "appointment",
            prepare=self._to_appoint,
            check=self._may_appoint,
            sees=_may_see,
            after=self._appointed,
        )

    def powers(self) -> frozenset[str]:
        """Roles that one administrator does not give alone."""
        held = tuple(self.policies().values())
        if self._weighed[0] != held:
            self._weighed = held, powers(self.policies())
        return self._weighed[1]

    # One administrator

    async def invite(self, by: Sight, said: dict[str, Any]) -> tuple[Link, str]:
        """A link for somebody new. `said`: name (may be empty), shown, roles, departments. StepUp, Forbidden."""
        self.administers(by, lately=True)
        what = self._newcomer(said)
        self.alone(by, self._given(None, what["roles"], what["departments"]))
        await self._noted(by, "invited", **what)
        return await self._offer("invite", by.who.id, **what)

    async def change(self, by: Sight, name: str, said: dict[str, Any]) -> Person:
        """Other roles, departments or state of somebody: his sessions end at once. StepUp, Forbidden."""
        # In haste somebody is shut out by whoever can.
        self.administers(by, lately=said != {"disabled": True})
        person = self._people.person(name)
        what: dict[str, Any] = {}
        if "roles" in said:
            what["roles"] = roles_of(said["roles"])
        if "departments" in said:
            what["departments"] = departments_of(said["departments"])
        if "shown" in said:
            what["shown"] = shown_of(said["shown"])
        if "disabled" in said:
            if not isinstance(said["disabled"], bool):
                raise BadRequest("disabled is true or false", where="disabled")
            what["disabled"] = said["disabled"]

        def allowed(before: Person, after: Person) -> None:
            grave = set(before.roles & self.powers()) if before.disabled and not after.disabled else set()
            if (after.roles, after.departments) != (before.roles, before.departments):
                grave |= {_SELF} if by.who.id == before.id else set()
                grave |= self._given(before, after.roles, after.departments)
            self.alone(by, grave)

        return await self._become(by.who, person.name, allowed, **what)

    async def recover(self, by: Sight, name: str) -> tuple[Link, str]:
        """A link for somebody who has lost all he signed in by, where there are not two administrators to decide it."""
        self.administers(by)
        person = self._own(name)
        others = [one for one in self._people.administrators() if one.name != name]
        if len(others) >= 2 or not machine(by):
            raise Forbidden(
                "two administrators let somebody in again", where="name", mend="propose it on the page /people"
            )
        await self._noted(by, "let in again", person=name)
        return await self._offer("recover", by.who.id, person=person.name, shown=person.shown, roles=person.roles)

    async def tell(self, by: Sight, public: str) -> tuple[Link, str]:
        """A link's secret, for whoever is to hand it on: an earlier one opens nothing any more. StepUp.

        Of a link that two agreed upon, each of them is told his own half, and nobody else anything.
        """
        held = next((one for one in await self.links_of(by) if one.public == public), None)
        if held is not None:
            self._lately(by)
            secret = new_secret()
            await self._noted(by, "had half a link told", person=held.person, kind=held.kind, link=held.public)
            await self._people.do(self._people.accounts.tell_half, held, by.who.id, hash_of(secret))
            return held, secret
        self.administers(by, lately=True)
        old = await self._listed(public)
        if old.holders:
            names = " and ".join(one.removeprefix("person:") for one in old.holders)
            raise Forbidden(f"{names} agreed upon it: each has a half of it told", where="link", mend="/approvals")
        if old.kind == "first":
            raise NotFound("the first administrator's link is told on the city's machine", mend="hansa person enrol")
        made, secret = link(old.kind, old.by, self._people.now(), 0)
        made = replace(old, hash=made.hash)
        await self._noted(by, "had a link told", person=old.person, kind=old.kind, link=made.public)
        await self._people.do(self._people.accounts.add_link, made, [old])
        return made, secret

    async def withdraw(self, by: Sight, public: str) -> None:
        """A link opens nothing any more."""
        self.administers(by)
        old = await self._listed(public)
        await self._noted(by, "took back a link", person=old.person, kind=old.kind, link=public)
        await self._people.do(self._people.accounts.drop_link, old)

    async def shut_out(self, by: Sight, name: str) -> int:
        """End all sessions of somebody; how many there were."""
        self.administers(by)
        self._people.person(name)
        await self._noted(by, "ended sessions", person=name)
        gone = self._people.sessions.end_all(name)
        await self._people.end(gone)
        return len(gone)

    def administers(self, by: Sight, *, lately: bool = False) -> None:
        """Let pass an administrator; NotFound for everybody else, for whom this door does not exist.

        `lately`: he must have shown within the last minutes who he is, lest a browser that was left open, or a stolen
        session, lets others in for ever; StepUp.
        """
        if machine(by):
            return
        if "administrator" not in by.who.roles or by.who.kind != "person":
            raise NotFound("there is nothing here", where="path")
        needs(by.who, TWO_FACTORS)
        if lately:
            self._lately(by)

    def _lately(self, by: Sight) -> None:
        needs(by.who, TWO_FACTORS)
        session = self._people.session_of(by.who)
        if session is None or not session.fresh(self._people.now(), self._people.limits.step_s):
            raise StepUp(TWO_FACTORS, "this needs you to show again who you are")

    async def links(self) -> list[Link]:
        """Those that wait to be opened."""
        now = self._people.now()
        return [one for one in await self._people.do(self._people.accounts.links) if one.good(now)]

    async def links_for(self, by: Sight) -> list[Link]:
        """All for an administrator, and for one of two who agreed those that are his; NotFound for everybody else."""
        held = await self.links_of(by)
        if held and "administrator" not in by.who.roles:
            return held
        self.administers(by)
        return await self.links()

    async def links_of(self, by: Sight) -> list[Link]:
        """Those of which somebody has a half, whether he is an administrator or not."""
        if by.who.kind != "person" or by.everything:
            return []
        return [one for one in await self.links() if by.who.id in one.holders]

    # Two administrators

    def _to_recover(self, said: dict[str, Any], _by: Sight) -> dict[str, Any]:
        person = self._own(said.get("person"))
        return {"person": person.name, "shown": person.shown}

    async def _recovered(self, proposal: Proposal) -> None:
        person = self._people.person(proposal.what["person"])
        await self._wait_for("recover", proposal, person=person.name, shown=person.shown, roles=person.roles)

    def _to_appoint(self, said: dict[str, Any], _by: Sight) -> dict[str, Any]:
        """Somebody new (`shown` and perhaps `name`), or other roles for somebody who is here (`person`)."""
        if "person" in said:
            person = self._people.person(said["person"])
            departments = departments_of(said.get("departments", sorted(person.departments)))
            what = {
                "person": person.name,
                "shown": person.shown,
                "roles": sorted(roles_of(said.get("roles"))),
                "departments": sorted(departments),
            }
            return what | ({"opens": True} if person.disabled else {})
        what = self._newcomer(said)
        return {
            "name": what["person"],
            "shown": what["shown"],
            "roles": sorted(what["roles"]),
            "departments": sorted(what["departments"]),
        }

    async def _appointed(self, proposal: Proposal) -> None:
        what = proposal.what
        roles, departments = frozenset(what["roles"]), frozenset(what["departments"])
        if "person" in what:
            # Who was closed since it was proposed stays closed: nobody has agreed to that.
            closed = self._people.person(what["person"]).disabled and not what.get("opens")
            by = Actor(proposal.by)
            await self._become(by, what["person"], roles=roles, departments=departments, disabled=closed)
            return
        await self._wait_for(
            "invite", proposal, person=what["name"], shown=what["shown"], roles=roles, departments=departments
        )

    async def _wait_for(self, kind: Kind, proposal: Proposal, **what: Any) -> None:
        """A link that nobody has the secret of yet. Done twice, it is there once."""
        agreed = (proposal.by, *proposal.approved_by)
        by = ", ".join((*agreed, proposal.id))
        if not any(one.by == by for one in await self.links()):
            await self._offer(kind, by, [one for one in agreed if one.startswith("person:")], **what)

    def _may_appoint(self, proposal: Proposal, who: Actor) -> None:
        """Forbidden for a supervisor, unless it is about who belongs to his own department, and no more."""
        if "administrator" in who.roles:
            return
        what = proposal.what
        before = self._people.known.get(what.get("person", ""))
        had, was = (before.roles, before.departments) if before else (_NOTHING, _NOTHING)
        roles, departments = frozenset(what["roles"]), frozenset(what["departments"])
        given = self._given(before, roles, departments) | ((had - roles) & self.powers())
        moved = departments if "member" in roles - had else departments ^ was
        closed = before is not None and before.disabled
        if closed or not given <= {"member"} or not moved or not moved <= who.departments:
            raise Forbidden("a supervisor decides who is a member of his own department", where="role")

    # Within

    def _own(self, name: object) -> Person:
        """Somebody who has what he signs in by here; BadRequest for a provider's people."""
        person = self._people.person(name)
        if person.provider:
            raise BadRequest(
                f"{person.provider} says who that is", where="name", mend="let him be let in again over there"
            )
        return person

    def _newcomer(self, said: dict[str, Any]) -> dict[str, Any]:
        name = name_of(said["name"]) if said.get("name") else ""
        if name in self._people.known:
            raise AlreadyExists(f"there is an account {name}", where="name")
        return {
            "person": name,
            "shown": shown_of(said["shown"]) if said.get("shown") else "",
            "roles": roles_of(said.get("roles")),
            "departments": departments_of(said.get("departments", [])),
        }

    def together(self, by: Sight) -> bool:
        """Whether there are two who decide. An administrator who was shut out still counts, lest one alone be left by
        shutting out the other; where he cannot be asked, the machine's own administrator stands in.
        """
        able = len(self._people.administrators())
        closed = sum("administrator" in one.roles and one.disabled for one in self._people.known.values())
        return able + (0 if machine(by) else closed) >= 2

    def alone(self, by: Sight, grave: Iterable[str], *, propose: str = "propose it on /people") -> None:
        """Let pass what one administrator may give or take by himself, where nothing of it is `grave`; else Forbidden.

        As long as there are not two administrators, the machine's own may. `propose` says how two do it.
        """
        grave = sorted(grave)
        if not grave or (machine(by) and not self.together(by)):
            return
        mend = propose
        if not self.together(by):
            mend = "on the city's own machine: hansa person; or propose it to a supervisor of the department"
        what = "what an administrator is himself" if _SELF in grave else f"who is {' and '.join(grave)}"
        raise Forbidden(f"two people decide {what}", where="roles", mend=mend)

    def _given(self, before: Person | None, roles: frozenset[str], departments: frozenset[str]) -> frozenset[str]:
        """The powers that somebody gets by this, be it in one department more; and that of an administrator, lost."""
        had, was = (before.roles, before.departments) if before else (_NOTHING, _NOTHING)
        found = (roles - had) & self.powers()
        if departments - was:
            found |= roles & self.powers()
        # One who takes an administrator away would soon be the only one left, and decide alone.
        return found | ((had - roles) & _BOTH)

    async def _become(
        self, by: Actor, name: str, allowed: Callable[[Person, Person], None] | None = None, **what: Any
    ) -> Person:
        people = self._people
        async with people.changing:
            before = people.person(name)
            after, ends = changed(before, **what)
            if allowed is not None:  # as he is now: others may have made something else of him meanwhile
                allowed(before, after)
            administers = "administrator" in after.roles and not after.disabled
            if not administers and [one.name for one in people.administrators()] == [name]:
                raise BadRequest("this is the last administrator", where="name", mend="let another one in first")
            about = {"did": "changed", "person": name, **_told(what)}
            await people.noted("people", by.id, about, by.session)
            await people.keep(after)
            if ends:
                await people.end(people.sessions.end_all(name))
                people.renewed()
            if after.disabled:
                await people.distrusted(after.id)
            if not administers:  # whom he was about to let in, somebody else may invite
                for one in await self.links():
                    if one.by == after.id or (ends and after.id in one.holders):
                        await people.do(people.accounts.drop_link, one)
        return after

    async def _offer(self, kind: Kind, by: str, holders: Iterable[str] = (), **what: Any) -> tuple[Link, str]:
        people, limits = self._people, self._people.limits
        links = await self.links()
        if len(links) >= limits.invitations:
            raise Busy("too many invitations are open", mend="take some back first")
        seconds = limits.recovery_s if kind == "recover" else limits.invitation_s
        made, secret = link(kind, by, people.now(), seconds, **what)
        if holders:
            made = halved(made, holders)
        old = [one for one in links if kind == "recover" and one.kind == kind and one.person == what["person"]]
        await people.do(people.accounts.add_link, made, old)
        return made, secret

    async def _listed(self, public: str) -> Link:
        found = next((one for one in await self.links() if secrets.compare_digest(one.public, public[:16])), None)
        if found is None:
            raise NotFound("there is no such link", where="link")
        return found

    async def _noted(self, by: Sight, did: str, **what: Any) -> None:
        await self._people.noted("people", by.who.id, {"did": did, **_told(what)}, by.who.session)


def _may_see(proposal: Proposal, who: Actor) -> bool:
    """Whether an appointment exists for somebody: for those who watch over all, and where it is of his department."""
    ours = "supervisor" in who.roles and bool(who.departments & set(proposal.what["departments"]))
    return ours or bool(who.roles & (RULES["appointment"].asks | {"auditor", "data_officer"}))


def machine(by: Sight) -> bool:
    """Whether it is the administrator of the machine itself who asks."""
    return by.everything and by.who.id == ADMINISTRATOR.who.id


def _told(what: dict[str, Any]) -> dict[str, Any]:
    """What the audit keeps of a change."""
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in what.items()}
