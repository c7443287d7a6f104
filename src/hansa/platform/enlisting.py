"""Which services a city takes on: one administrator alone, but for those that see what is about people, or security.

A service acts for whoever has its private key; so one that sees such information (`trust.powers.sees`, as the policies
stand), and a key more for it, takes two administrators as an appointment does, lest one of them look at it by a program
of his own. As long as there are not two, the city's own machine stands in.

Proposals of kind `service`: a new service as `trust.tokens.service_of` reads it, or `{"service", "key", "alone"}`.
"""

import asyncio
from typing import Any

from hansa.errors import AlreadyExists, BadRequest
from hansa.platform.appointing import Appointing
from hansa.platform.machines import Machines, wall
from hansa.platform.noting import Note, noted
from hansa.platform.proposals import Proposals
from hansa.trust.actors import PASSKEY, SINGLE
from hansa.trust.approvals import Proposal
from hansa.trust.jose import read_key
from hansa.trust.labels import Sight
from hansa.trust.powers import sees
from hansa.trust.tokens import Service, service_of, with_key


class Enlisting:
    """Who decides about services."""

    def __init__(self, machines: Machines, appointing: Appointing, note: Note | None = None) -> None:
        """`appointing` knows whether there are two who decide."""
        self._machines = machines
        self._appointing = appointing
        self._note = note

    def on(self, proposals: Proposals) -> None:
        """Carry out what two administrators decide."""
        proposals.on("service", prepare=self._to_enlist, after=self._enlisted)

    async def alone(self, by: Sight, service: Service, *, token: bool = False) -> None:
        """Let pass a service, or a `token` of it, that one administrator may have alone; Forbidden."""
        assurance = SINGLE if token else PASSKEY
        policies, roles = self._appointing.policies(), service.roles | {"service"}
        grave = await asyncio.to_thread(sees, policies, "service", roles, service.departments, assurance)
        why = [f"the service {service.name}"] if grave else []
        self._appointing.alone(by, why, propose="POST /admin/proposals of kind service, or hansa service ... --reason")

    def _to_enlist(self, said: dict[str, Any], by: Sight) -> dict[str, Any]:
        """Checked, and as it will be carried out."""
        if "service" not in said:
            made = service_of(said, wall(), by.who.id)
            if self._machines.knows(made.name):
                raise AlreadyExists(f"there is, or was, a service {made.name}", where="name", mend="take another name")
            return said
        if extra := sorted(said.keys() - {"service", "key", "alone"}):
            raise BadRequest(f"a service's key has no {extra[0][:40]}", where=extra[0][:40])
        alone = said.get("alone", False)
        if not isinstance(alone, bool) or not isinstance(said["service"], str):
            raise BadRequest("service is a text, alone true or false", where="service")
        service = with_key(self._machines.service(said["service"]), read_key(said.get("key")), alone=alone)
        shown = {"roles": sorted(service.roles), "departments": sorted(service.departments)}
        return {"service": service.name, "key": said["key"], "alone": alone, **shown}

    async def _enlisted(self, proposal: Proposal) -> None:
        """Done twice, it is done once."""
        what = proposal.what
        by = ", ".join((proposal.by, *proposal.approved_by, proposal.id))
        if "service" in what:
            before, key = self._machines.service(what["service"]), read_key(what["key"])
            if any(one.kid == key.kid for one in before.keys):
                return
            made = with_key(before, key, alone=what["alone"])
        else:
            made = service_of(what, wall(), by)
            if any(one.name == made.name and one.made_by == by for one in self._machines.services()):
                return
        told = {"what": f"service decided by two: {proposal.id}", "service": made.id, "by": by}
        keys = [key.kid for key in made.keys]
        await noted(self._note, "people", proposal.by, told | {"roles": sorted(made.roles), "keys": keys})
        await (self._machines.change(made) if "service" in what else self._machines.add(made))
