"""Joining OpenID providers to a city: its settings, its egress wall, its accounts."""

from collections.abc import Callable
from dataclasses import replace

from hansa.clock import SECOND
from hansa.errors import BadRequest
from hansa.network.http import Egress
from hansa.network.openid import OpenidHosts
from hansa.platform.http import Request
from hansa.platform.openid import OpenidDoor
from hansa.platform.people import People, Visit
from hansa.settings import Settings, address
from hansa.trust.callers import COOKIE, PLAIN_COOKIE, is_loopback
from hansa.trust.openid import Identity
from hansa.trust.passkeys import Site
from hansa.trust.people import Person
from hansa.trust.providers import Provider


def openid_door(settings: Settings, egress: Egress, people: People, origin: Callable[[], str]) -> OpenidDoor:
    """The door of the providers that the settings name. `origin` is where a browser opens the city."""
    providers = {name: Provider.read(name, said) for name, said in settings.openid.items()}
    if providers and not settings.url and not is_loopback(address(settings.http, "serve.http")[0]):
        raise BadRequest("providers send people back to the city's url", where="serve.url", mend="say url in [serve]")

    async def enter(who: Identity, request: Request, peer: str) -> list[tuple[bytes, bytes]]:
        agent = (request.headers.get(b"user-agent") or "")[:200]
        return await _enter(people, who, Visit(Site(origin()), peer, agent))

    return OpenidDoor(
        providers, OpenidHosts(egress, settings.limits), enter, origin=origin, folder=settings.data.absolute()
    )


async def _enter(people: People, who: Identity, visit: Visit) -> list[tuple[bytes, bytes]]:
    """A session for somebody whom a provider knows, with an account that is as the provider says today."""
    async with people.changing:
        before = people.known.get(who.account)
        account = before or Person(who.account, who.shown, who.roles, made_at=people.now())
        after = replace(account, shown=who.shown, roles=who.roles, departments=who.departments)
        if after != before:
            said = {
                "did": "signed in by a provider",
                "roles": sorted(who.roles),
                "departments": sorted(who.departments),
            }
            await people.noted("people", after.id, {**said, "provider": who.provider})
            await people.keep(after)
        if before is not None and (before.roles, before.departments) != (after.roles, after.departments):
            # What he was till now, other browsers of his would else remain.
            await people.end(people.sessions.end_all(after.name))
            people.renewed()
    method = "oidc+two" if who.two_factors else "oidc"
    entered = await people.enter(after, method, visit, proven=round(who.proven * SECOND))
    secure = visit.site.secure
    parts = [f"{COOKIE if secure else PLAIN_COOKIE}={entered.secret}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if secure:
        parts.append("Secure")
    if not after.official:
        parts.append(f"Max-Age={people.limits.session_resident_s:.0f}")
    return [(b"set-cookie", "; ".join(parts).encode())]
