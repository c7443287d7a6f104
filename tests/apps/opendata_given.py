"""A city in memory with something to give away, for the tests of the catalogue."""

from typing import Any

from hansa import Attribute, Entity, entity
from hansa.apps.opendata import app
from hansa.apps.opendata.published import PREFIX
from hansa.platform.http import Response
from hansa.testing import MemoryCity

START = "2026-04-10T18:00:00Z"
STAFF = {"roles": ("supervisor",)}
CONTACT = {"name": "Data desk", "email": "data@city.example"}


def city(**how: Any) -> MemoryCity:
    """An empty one."""
    return MemoryCity(app, start=START, **how)


def stations(here: MemoryCity, many: int = 6, label: str = "open", first: int = 0) -> None:
    """Weather stations that are open, or otherwise labelled."""
    now = here.clock.now()
    for n in range(first, first + many):
        one = entity(
            "WeatherObserved",
            f"s{n}",
            temperature=Attribute(1.5 + n, "CEL", now),
            relativeHumidity=Attribute(0.5, None, now),
            dewPoint=Attribute(-1.0, "CEL", now),
            name=f"Station {n}",
            location={"type": "Point", "coordinates": [17.1 + n / 100, 48.1]},
        )
        one.label = label
        here.read(one)


def proposed(here: MemoryCity, key: str, *, proposal: str = "", **plan: Any) -> Entity:
    """A dataset whose table waits for a second person."""
    ident = PREFIX + key
    if proposal:
        here.act("inventory", proposal=proposal, key=key, **STAFF)
        plan = {**here.get(ident)["suggested"], **plan}
    else:
        here.act("inventory", key=key, title={"en": key.title(), "fr": f"Le {key}"}, **STAFF)
    words: dict[str, Any] = {
        "publisher": "City of Tests",
        "contact": CONTACT,
        "licence": "CC_BY_4_0",
        "themes": ["ENVI"],
    }
    if not proposal:
        words["description"] = f"What {key} is about"
    here.act("describe", ident, **words, **STAFF)
    here.act("propose", ident, **plan, **STAFF)
    return here.get(ident)


def agreed(here: MemoryCity, ident: str) -> Entity:
    """Approved by another person, and published."""
    candidate = here.get(ident)["candidate"]
    assert candidate["status"] == "made", candidate
    here.act("approve", ident, sha256=candidate["sha256"], by="person:bob", **STAFF)
    here.act("publish", ident, by="person:bob", **STAFF)
    return here.get(ident)


def weather(here: MemoryCity | None = None) -> MemoryCity:
    """A city whose weather stations are published."""
    made = here or city()
    stations(made)
    proposed(made, "weather-now", proposal="weather-now")
    agreed(made, f"{PREFIX}weather-now")
    return made


def body_of(answer: Response) -> bytes:
    """What an answer holds, also where it is a file."""
    return answer.file.read_bytes() if answer.file is not None else answer.body


def header(answer: Response, name: str) -> str:
    """A header of an answer."""
    return next((value.decode() for key, value in answer.headers if key == name.encode()), "")


def request(n: int, service: str, district: str, at: str, **more: Any) -> Entity:
    """A request of a resident, as staff see it."""
    one = entity(
        "ServiceRequest", f"r{n}", serviceCode=service, district=district, requestedAt=at, status="open", **more
    )
    one.label = "smart;owner=works"
    return one
