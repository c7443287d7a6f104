"""A city in memory with the app `requests`, and its front: as residents, staff and other cities' programs meet it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from hansa import Answer, Asked, File, entity
from hansa.analytics.acts import Visit
from hansa.apps.requests import app
from hansa.model.change import Change
from hansa.testing import MemoryCity
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.labels import Sight

START = "2026-04-01T08:00:00Z"  # a Wednesday
WEST, SOUTH, EAST, NORTH = 16.0, 48.0, 16.2, 48.1
NOBODY = Sight("public", classes=frozenset({"open"}))


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def photo(seed: bytes = b"a") -> File:
    """A photograph as the kernel hands it over."""
    body = b"\xff\xd8\xff\xe0" + seed * 50
    return File("lamp.jpg", body, "image/jpeg", sha256(body).hexdigest(), len(body), 640, 480)


def key(n: int) -> str:
    return f"a-secret-key-of-somebody-{n:06d}"


class Front:
    """What people do at the city's doors."""

    def __init__(self, city: MemoryCity) -> None:
        self.city = city
        self.kept: list[tuple[str, str]] = []
        city.acts.keep = lambda ident, file: self.kept.append((ident, file.sha256))

    def sight(self, by: str, roles: tuple[str, ...] = ()) -> Sight:
        if not by:
            return NOBODY
        who = Actor(by, frozenset(roles), assurance=TWO_FACTORS, method="password+totp", session="test")
        return Sight(by, classes=None, who=who)

    def do(
        self,
        name: str,
        ident: str = "",
        /,
        *,
        by: str = "",
        roles: tuple[str, ...] = (),
        visitor: str = "house-1",
        files: tuple[File, ...] = (),
        **said: Any,
    ) -> list[Change]:
        """A resident does something, known or not."""
        found, deed = self.city.acts.deed("requests", name)
        visit = Visit(visitor, "https://city.example")
        if ident and not ident.startswith("urn:"):
            ident = f"urn:ngsi-ld:ServiceRequest:{ident}"
        doing = self.city.acts.do(found, deed, ident, said, self.sight(by, roles), visit, files)
        changes = asyncio.run(doing)
        self.city.rules.settle()
        return changes

    def staff(self, name: str, ident: str = "", /, **said: Any) -> list[Change]:
        """An operator does something."""
        return self.do(name, ident, by="person:ada", roles=("operator",), **said)

    def ask(self, name: str, /, by: str = "", roles: tuple[str, ...] = (), **asked: str) -> Any:
        """What a view says."""
        found, view = self.city.acts.seen("requests", name)
        visit = Visit("house-1", "https://city.example")
        return asyncio.run(self.city.acts.look(found, view, asked, self.sight(by, roles), visit))

    def board(self, **asked: str) -> Any:
        return self.ask("board", by="person:ada", roles=("operator",), **asked)

    def finder(self) -> Any:
        """What the finder of duplicates is worth so far."""
        return self.ask("review", by="person:ada", roles=("operator",))["finder"]

    def case(self, ident: str) -> Any:
        return self.ask("case", by="person:ada", roles=("operator",), id=ident)

    def report(self, n: int = 0, **said: Any) -> str:
        """A lamp is out; the public id of the request, and its link in `links`."""
        told = {"service": "street-light", "description": "The lamp is dark", "lon": 16.1, "lat": 48.05}
        told |= {"attributes": {"fault": "out"}, "key": key(n)}
        self.do("report", **(told | said))
        return str(self.ask("receipt", key=str(said.get("key", key(n))))["id"])

    def token(self, n: int = 0) -> str:
        return str(self.ask("receipt", key=key(n))["token"])

    def door(
        self,
        method: str,
        url: str,
        form: dict[str, str] | list[tuple[str, str]] | None = None,
        *,
        visitor: str = "house-1",
        files: tuple[File, ...] = (),
    ) -> Answer:
        """What a door answers, as the kernel hands over what was asked."""
        place = urlsplit(url)
        for door in app.doors:
            names = _names(door.template, place.path)
            if door.method == method and names is not None:
                break
        else:
            raise AssertionError(f"there is no door {method} {place.path}")
        body = urlencode(form or {}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"} if form is not None and not files else {}
        fields: dict[str, str] = {}
        for name, value in form.items() if isinstance(form, dict) else form or []:
            fields[name] = f"{fields[name]},{value}" if name in fields else value
        asked = Asked(
            method,
            names,
            dict(parse_qsl(place.query, keep_blank_values=True)),
            headers,
            body,
            self.city.clock.now(),
            fields,
            files,
            visitor=visitor,
            origin="https://city.example",
        )
        return asyncio.run(self.city.acts.open(app, door, asked, NOBODY))

    def told(self, url: str) -> Any:
        """A door's JSON."""
        return json.loads(self.door("GET", url).body)


def _names(template: str, path: str) -> dict[str, str] | None:
    """What stands for the names in a template; as `analytics.doors` matches them."""
    from hansa.analytics.doors import _pattern  # the kernel's own, so that tests meet what it serves

    found = _pattern(template).match(path)
    return None if found is None else found.groupdict()


@contextmanager
def front(**settings: Any) -> Iterator[Front]:
    """A city of two districts, one calendar: working days from 8 to 16 in UTC."""
    told = {"timezone": "UTC", "area": [WEST, SOUTH, EAST, NORTH]} | settings
    with MemoryCity(app, start=START, settings={"requests": told}).closing() as city:
        west = entity("District", "west", name="Westend", location=square(WEST, SOUTH, 16.1, NORTH))
        east = entity("District", "east", name="Eastend", location=square(16.1, SOUTH, EAST, NORTH))
        city.say(west, east)
        yield Front(city)
