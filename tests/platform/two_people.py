"""People who propose and approve, and a city of two realms to do it in, for tests."""

import asyncio
from contextlib import contextmanager

from hansa.clock import Clock
from hansa.platform.city import City
from hansa.platform.sqlite import SqliteStore
from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.labels import ADMINISTRATOR, Sight


def run(work):
    return asyncio.run(asyncio.wait_for(work, 30))


def person(name, *roles, departments=(), assurance=PASSKEY, **more):
    return Actor(
        *(f"person:{name}", frozenset(roles), frozenset(departments)),
        **{"assurance": assurance, "method": "passkey", "session": f"s-{name}", **more},
    )


def sight(who):
    """Of somebody to whom nothing is hidden: what policy says is not what these tests are about."""
    return Sight(who.id, "operation", None, who)


ADA = person("ada", "administrator")
BEN = person("ben", "administrator", "data_officer")
OLA = person("ola", "operator")


class Noted:
    """An audit that remembers."""

    def __init__(self):
        self.lines = []
        self.fails = False

    async def __call__(self, kind, actor, what, *, session=""):
        if self.fails:
            raise RuntimeError("the audit is full")
        self.lines.append((kind, actor, dict(what), session))


class Wall:
    """A wall clock that is set by hand."""

    def __init__(self):
        self.at = 1_800_000_000_000_000

    def __call__(self):
        return self.at

    def turn(self, seconds):
        self.at += int(seconds * 1_000_000)


@contextmanager
def realms(folder, **options):
    """Both realms, on disk."""
    clock = Clock()
    cities = {
        realm: City(SqliteStore(folder / f"{realm}.db", realm), clock, ADMINISTRATOR, **options)
        for realm in ("open", "security")
    }
    try:
        yield cities
    finally:
        for city in cities.values():
            city.close()
