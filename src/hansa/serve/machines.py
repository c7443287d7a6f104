"""Joining services and tokens to a city: the file that they are in, the doors that they have, the names it goes by."""

from collections.abc import Callable, Mapping
from typing import Final

from hansa.clock import SECOND
from hansa.platform.admin import Handle
from hansa.platform.enlisting import Enlisting
from hansa.platform.machine_doors import MachineDesk
from hansa.platform.machines import Machines, Owners
from hansa.platform.noting import Note
from hansa.platform.people import People
from hansa.serve.keys import Keys
from hansa.settings import Settings
from hansa.trust.actors import Actor
from hansa.trust.callers import is_loopback

FILE: Final = "trust.db"


def open_machines(settings: Settings, keys: Keys) -> Machines:
    """The services and tokens of a data folder, whose lock is the caller's."""
    path = settings.data / FILE
    return Machines(path, keys.seal(path), settings.limits)


def owners(people: People) -> Owners:
    """Persons as owners of tokens: each as he is now, and nobody whose account is closed.

    Nor somebody for whom an OpenID provider speaks, when he has not signed in there for a while: it may have put him
    out, which it tells nobody. His tokens rest until he signs in again.
    """
    lasts = round(people.limits.provider_token_s * SECOND)

    def owner(ident: str) -> Actor | None:
        person = people.known.get(ident.removeprefix("person:")) if ident.startswith("person:") else None
        if person is None or person.disabled or (person.provider and people.now() >= person.seen_at + lasts):
            return None
        return Actor(person.id, person.roles, person.departments)

    return owner


def desk_doors(
    machines: Machines, note: Note, fresh: Callable[[Actor], None], enlisting: Enlisting
) -> Mapping[str, Handle]:
    """Their doors below `/admin`, by first segment; `fresh` as `Town.fresh`."""
    desk = MachineDesk(machines, note, fresh, enlisting)
    return {"services": desk.services, "tokens": desk.tokens}


def audience(settings: Settings, host: str, url: str) -> frozenset[str]:
    """What a signed request for a token may say that it is for: the city as `url` says, else as it is bound.

    Never as a request calls it: a token that somebody else's host was given could be carried here under that name.
    """
    names = {settings.url.rstrip("/") or url}
    if not settings.url and is_loopback(host):
        scheme, _, rest = url.partition("://")
        names.add(f"{scheme}://localhost:{rest.rpartition(':')[2]}")
    return frozenset(names | {f"{one}/token" for one in names})
