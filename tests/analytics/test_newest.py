"""What was made of many entities is kept until one of them changes, and for those alone who see the same of them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from hansa import entity
from hansa.analytics.acts import Acts, AskedCity
from hansa.analytics.newest import Newest
from hansa.apps.resources import app, plan
from hansa.model.change import Write
from hansa.testing import MemoryCity
from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.labels import ADMINISTRATOR, Sight
from hansa.trust.policy import Policy, shipped
from hansa.trust.sights import Sights

OPERATOR = Actor("person:ben", frozenset({"operator"}), assurance=PASSKEY)
OTHER = Actor("person:bea", frozenset({"operator"}), assurance=PASSKEY)
COMMAND = Actor("person:cleo", frozenset({"command"}), assurance=PASSKEY)


@pytest.fixture
def city() -> Iterator[MemoryCity]:
    with MemoryCity(app).closing() as made:
        yield made


@pytest.fixture
def sights() -> Sights:
    return Sights("open", Policy(shipped("open"), "shipped"))


def road(n: int, label: str = "smart", **said: Any) -> Write:
    line = {"type": "LineString", "coordinates": [[16 + n * 0.01, 48.0], [16 + (n + 1) * 0.01, 48.0]]}
    one = entity("RoadSegment", f"r{n}", location=line, maximumAllowedSpeed=50, **said)
    return Write("say", one.id, one.doc, label=label)


def test_another_value_comes_with_a_change_of_the_type_and_with_no_other(city: MemoryCity) -> None:
    newest = Newest(city)
    first = newest.version("RoadSegment", ADMINISTRATOR)
    city.say(entity("Lamp", "a", on=True))
    assert newest.version("RoadSegment", ADMINISTRATOR) == first
    city.write(road(1))
    second = newest.version("RoadSegment", ADMINISTRATOR)
    assert second != first
    assert newest.version("RoadSegment", ADMINISTRATOR) == second
    city.delete("urn:ngsi-ld:RoadSegment:r1")
    assert newest.version("RoadSegment", ADMINISTRATOR) != second
    sdm = entity("https://smartdatamodels.org/dataModel.Transportation/RoadSegment", "urn:x:1", a=1)
    third = newest.version("RoadSegment", ADMINISTRATOR)
    city.say(sdm)
    assert newest.version("RoadSegment", ADMINISTRATOR) != third


def test_two_cities_never_share(city: MemoryCity) -> None:
    with MemoryCity(app).closing() as other:
        assert Newest(city).version("A", ADMINISTRATOR) != Newest(other).version("A", ADMINISTRATOR)


def test_it_is_the_same_for_who_sees_the_same_and_for_nobody_else(city: MemoryCity, sights: Sights) -> None:
    newest = Newest(city)
    city.write(road(1), road(2, "security"))

    def of(who: Actor) -> Any:
        return newest.version("RoadSegment", sights.of(who))

    assert of(OPERATOR) == of(OTHER)
    assert of(OPERATOR) != of(COMMAND)
    before = of(OPERATOR)
    city.write(road(3, "smart;owner=roads"))
    assert of(OPERATOR) != before
    assert hash(of(OPERATOR)) == hash(of(OTHER))


def test_roads_that_somebody_does_not_see_take_nobody_there(city: MemoryCity, sights: Sights) -> None:
    """Not even where somebody else has asked before, and the roads are kept."""
    city.write(road(0), road(1, "security"), road(2))
    acts = Acts(city, [app])

    def asked(sight: Sight) -> str:
        seen = AskedCity(acts, acts.apps["resources"], sight, sight.who)
        ((eta,),) = plan.etas(seen, [(16.0, 48.0)], [(16.03, 48.0)])
        return eta.how

    for _ in range(2):
        assert asked(sights.of(COMMAND)) == plan.ROAD
        assert asked(sights.of(OPERATOR)) == plan.NONE
        assert asked(ADMINISTRATOR) == plan.ROAD


def test_views_are_asked_with_the_sight_of_who_asks(city: MemoryCity, sights: Sights) -> None:
    city.write(road(0), road(1, "security"), road(2))
    place = {"type": "Point", "coordinates": [16.0, 48.0]}
    city.say(entity("Resource", "u", status="available", capabilities=["pump"], location=place))
    found, view = city.acts.seen("resources", "nearest")
    there = {"lon": "16.03", "lat": "48.0"}
    told = {
        who.id: asyncio.run(city.acts.look(found, view, there, sights.of(who)))["resources"][0]["eta"]["how"]
        for who in (COMMAND, OPERATOR)
    }
    assert told == {COMMAND.id: plan.ROAD, OPERATOR.id: plan.NONE}
