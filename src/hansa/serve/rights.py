"""Who may do what in a running city: policies, what is lent and widened, and the two people that changes take."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog

from hansa.app import App
from hansa.errors import HansaError
from hansa.model.wire import json_in
from hansa.platform.access import Access
from hansa.platform.breakglass import BreakGlass
from hansa.platform.city import City
from hansa.platform.enlisting import Enlisting
from hansa.platform.machines import Machines
from hansa.platform.ownership import Ownership
from hansa.platform.policies import Policies
from hansa.platform.proposals import Proposals
from hansa.platform.proposals_door import ProposalsDoor
from hansa.platform.realms import Realms
from hansa.serve.audits import Audits
from hansa.serve.people import Town
from hansa.trust.actors import Actor
from hansa.trust.labels import Label, Sight
from hansa.trust.policy import Decision, Policy
from hansa.trust.sights import Sights

log = structlog.get_logger("hansa.rights")


class Rights:
    """What everybody may do: one decision point for every door of a city."""

    def __init__(
        self, cities: Mapping[str, City], town: Town, machines: Machines, audits: Audits, *, origin: str = ""
    ) -> None:
        """Take up what is stored; nothing runs until `start`."""
        note = audits.note
        self._people = town.people
        self._machines = machines
        self.policies = Policies(cities, note=note, changed=self._changed)
        self.sights = {
            realm: Sights(
                realm,
                self.policies.policy(realm),
                current=self.current,
                saw=audits.reads[realm].saw,
                told=audits.reads[realm].settle,
            )
            for realm in cities
        }
        self.proposals = Proposals(cities["security"], note=note)
        self.proposals.current = self.known
        self.proposals.fresh = town.fresh
        self.policies.attach(self.proposals)
        self.enlisting = Enlisting(machines, town.appointing, note)
        self.enlisting.on(self.proposals)
        self.realms = Realms(cities, self.proposals, sees=self._sees_there, note=note)
        self.ownership = Ownership(cities, self.proposals, sees=self._sees_there, note=note)
        self.ownership.changed.append(self.renew)
        for sights in self.sights.values():
            sights.lent = self.ownership.lent
        self.glass = BreakGlass(cities["security"], self.proposals, note=note)
        self.glass.changed.append(lambda _who: self.renew())
        town.people.renewed = machines.renewed = self.renew
        town.appointing.policies = lambda: {realm: self.policies.policy(realm) for realm in cities}
        self.access = Access(
            cities, self.policies, decide=self.decide, sees=self._sees, known=self.known, origin=origin
        )
        self.doors = {
            "proposals": ProposalsDoor(self.proposals).handle,
            "break-glass": self.glass.handle,
            "derivations": self.realms.handle,
            "grants": self.ownership.handle,
            "ownership": self.ownership.handle_ownership,
        }
        """Doors below `/admin` that decide for themselves whom they answer."""

    async def start(self, stack: AsyncExitStack) -> None:
        """Go on where the last life came to."""
        await self.glass.start()
        stack.push_async_callback(self.glass.aclose)
        await self.realms.start()
        stack.push_async_callback(self.realms.aclose)
        await self.proposals.start()  # last: what was approved and not done is done by those above
        keeping = asyncio.create_task(self.policies.run())
        stack.push_async_callback(_ended, keeping)

    def of(self, sight: Sight, realm: str = "open", purpose: str = "") -> Sight:
        """What somebody sees of a realm, who was found out at the door; the system itself sees all of each."""
        if sight.everything:
            return sight
        return self.seen(sight.who, realm, purpose)

    def seen(self, who: Actor, realm: str = "open", purpose: str = "") -> Sight:
        """What an actor sees of a realm, for a purpose; a stranger, what is open."""
        return self.sights[realm].of(self.glass.widened(who), purpose)

    def current(self, who: Actor) -> Actor | None:
        """An actor as he is now, with the roles that he has and what he was lent; None when he is gone."""
        now = self._people.current(who) if who.kind == "person" else who
        now = None if now is None else self._machines.current(now)
        return None if now is None else self.glass.widened(now)

    def known(self, ident: str) -> Actor | None:
        """Who somebody is, by his id."""
        if ident.startswith("service:"):
            return self._machines.current(Actor(ident, method="private_key_jwt"))
        return self._people.current(Actor(ident)) if ident.startswith("person:") else None

    def decide(self, realm: str, who: Actor, verb: str, label: Label, purpose: str = "") -> Decision:
        """What policy says, with all that is lent now."""
        return self.sights[realm].decide(who, verb, label, purpose)[0]

    def renew(self) -> None:
        """Have everything decided anew: somebody has other roles, or more rights, or less."""
        for sights in self.sights.values():
            sights.renew()

    def _changed(self, realm: str, policy: Policy) -> None:
        self.sights[realm].renew(policy)

    async def declare(self, apps: Iterable[App], folder: Path) -> None:
        """Have proposed what apps, and files in the data folder, say is to leave a realm."""
        declared = [(f"app:{app.name}", one) for app in apps for one in app.leaves]
        declared += [("administrator", one) for one in _declared(folder)]
        for by, said in declared:
            try:
                await self.realms.declare(by, [said])
            except HansaError as fault:  # one that is wrong must not keep the city from running
                log.warning("a declared derivation is not proposed", by=by, what=str(said)[:200], why=fault.detail)

    def _sees_there(self, realm: str, sight: Sight) -> Sight:
        return self.of(sight, realm)

    def _sees(self, realm: str, sight: Sight, purpose: str) -> Sight:
        return self.of(sight, realm, purpose)


def _declared(folder: Path) -> Iterator[Any]:
    """What the files of a folder declare; a file that cannot be read is passed over."""
    for file in sorted(folder.glob("*.json")):
        try:
            yield json_in(file.read_bytes())
        except (HansaError, OSError) as fault:
            log.warning("a derivation's file cannot be read", file=file.name, why=str(fault))


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
