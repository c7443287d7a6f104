"""What the demo valley can send: it stands on its roads, works in its own time, and reads without a fault."""

from hansa.apps.resources import fleet
from hansa.apps.resources.roads import REACH_M
from hansa.apps.resources.streets import network
from hansa.cli.demo.forces import forces
from hansa.cli.demo.land import base_map
from hansa.cli.demo.town import streets
from hansa.clock import parse
from hansa.model.entity import Entity

THEM = [fleet.resource(Entity(one)) for one in forces()]


def test_the_valleys_resources_are_sound_and_the_same_at_every_start() -> None:
    assert list(forces()) == list(forces())
    assert len({one.id for one in THEM}) == len(THEM) >= 12
    assert [one.faults for one in THEM if one.faults] == []
    assert {"pump", "boat", "medic", "bed", "sandbags"} <= {word for one in THEM for word in one.capabilities}


def test_each_stands_near_a_road_and_reaches_the_others() -> None:
    roads = [one for one in (*base_map(24), *streets()) if one["type"] == "RoadSegment"]
    town, _ = network(Entity(one) for one in roads)
    places = [one.place for one in THEM if one.place is not None]
    assert len(places) == len(THEM)
    assert all(far < REACH_M for far in town.off_m(places))
    assert (town.times(places, places) < 1_800).all()


def test_somebody_is_on_duty_in_the_evening_of_the_demo() -> None:
    at = parse("2026-04-11T17:00:00Z")
    ready = [one for one in THEM if not one.kept(at)]
    assert len(ready) >= 10
    assert any(one.kept(at) == "nobody on duty" for one in THEM)
