"""Watched areas: who came in, who left, and what trembles at the edge."""

import time
from math import cos, pi, sin

import pytest

from hansa import Attribute, NotFound, entity
from hansa.apps.geofence import app, memory
from hansa.apps.geofence.fence import POSITIONS, Unusable, read
from hansa.apps.geofence.watching import alert_id, look, stricter
from hansa.limits import DEFAULT
from hansa.model.change import Write
from hansa.model.entity import Entity, Stamps
from hansa.testing import MemoryCity

FENCE = "urn:ngsi-ld:Geofence:yard"
VAN = "urn:ngsi-ld:Vehicle:van"
# A square of some 74 m by 111 m. A degree of longitude there is some 74 km, one of latitude 111 km.
RING = [[17.100, 48.300], [17.101, 48.300], [17.101, 48.301], [17.100, 48.301], [17.100, 48.300]]
SQUARE = {"type": "Polygon", "coordinates": [RING]}
INSIDE, OUTSIDE = (17.1005, 48.3005), (17.1050, 48.3005)
EDGE = (17.1010 + 8 / 74_000, 48.3005)  # 8 m beyond the eastern edge


def point(place):
    return {"type": "Point", "coordinates": list(place)}


@pytest.fixture
def city():
    return MemoryCity(app, start="2026-11-22T12:00:00Z")


def fence(city, ident=FENCE, label=None, **said):
    one = entity("Geofence", ident, **{"name": "the yard", "location": SQUARE, **said})
    one.label = label
    city.say(one)


def drive(city, *places, ident=VAN, kind="Vehicle"):
    for place in places:
        city.turn(seconds=10)
        city.read(
            entity(kind, ident, name="Van 7", location=Attribute(point(place), None, city.clock.now(), "GeoProperty"))
        )


def alarm(city, what, fence_=FENCE, ident=VAN):
    found = [one for one in city.find("Alert") if one.id == alert_id(fence_, what, ident)]
    return found[0] if found else None


def raised(city, what="entered"):
    """How often the alarm was opened."""
    changes = [one for one in city.changes if one.entity.id == alert_id(FENCE, what, VAN)]
    return sum(
        1 for one in changes if one.entity["status"] == "open" and (s := one.said("status")) and s["value"] == "open"
    )


def test_what_comes_in_is_an_alarm_until_it_is_out(city):
    fence(city)
    drive(city, OUTSIDE)
    assert alarm(city, "entered") is None
    drive(city, INSIDE)
    found = alarm(city, "entered")
    assert found["status"] == "open"
    assert found["description"] == "Van 7 came into the yard."
    assert found["alertSource"] == VAN
    assert found["geofence"] == FENCE
    drive(city, OUTSIDE)
    assert alarm(city, "entered")["status"] == "closed"
    assert "validTo" in alarm(city, "entered")
    drive(city, INSIDE)
    assert alarm(city, "entered")["status"] == "open"
    assert "validTo" not in alarm(city, "entered")
    assert len(city.find("Alert")) == 1


def test_a_place_that_trembles_at_the_edge_makes_one_alarm(city):
    fence(city)
    drive(city, OUTSIDE, INSIDE, *[EDGE, INSIDE] * 10)
    assert raised(city) == 1
    fence(city, margin=0)
    drive(city, *[EDGE, INSIDE] * 3)
    assert raised(city) > 1  # without a margin it does


def test_what_leaves_is_an_alarm_only_if_it_was_in(city):
    fence(city, onEnter=False, onExit=True)
    drive(city, OUTSIDE, EDGE, OUTSIDE)
    assert alarm(city, "left") is None
    drive(city, INSIDE)
    assert alarm(city, "left") is None
    drive(city, EDGE)
    assert alarm(city, "left") is None
    drive(city, OUTSIDE)
    assert alarm(city, "left")["status"] == "open"
    assert alarm(city, "left")["description"] == "Van 7 left the yard."
    drive(city, INSIDE)
    assert alarm(city, "left")["status"] == "closed"


def test_a_fence_is_for_its_types_alone(city):
    fence(city, forTypes=["Bus"])
    drive(city, OUTSIDE, INSIDE)
    assert city.find("Alert") == []
    drive(city, OUTSIDE, INSIDE, ident="urn:ngsi-ld:Bus:9", kind="Bus")
    assert len(city.find("Alert")) == 1


def test_a_late_place_moves_nothing(city):
    fence(city)
    drive(city, OUTSIDE)
    late = Attribute(point(INSIDE), None, city.clock.now() - 5_000_000, "GeoProperty")
    city.read(entity("Vehicle", VAN, location=late))
    assert city.find("Alert") == []


def test_circles_and_corridors(city):
    fence(city, location=point(INSIDE), radius=100)
    drive(city, (17.1005 + 90 / 74_000, 48.3005))
    assert alarm(city, "entered")["status"] == "open"
    drive(city, (17.1005 + 125 / 74_000, 48.3005))
    assert alarm(city, "entered")["status"] == "closed"
    other = "urn:ngsi-ld:Geofence:road"
    fence(city, other, location={"type": "LineString", "coordinates": [[17.2, 48.3], [17.3, 48.3]]})
    drive(city, (17.25, 48.3 + 20 / 111_195))
    assert alarm(city, "entered", other)["status"] == "open"


def test_a_fence_that_is_drawn_says_who_is_in_it_and_one_that_goes_takes_it_back(city):
    drive(city, INSIDE)
    fence(city)
    assert alarm(city, "entered") is None  # for everything it waits for what moves
    fence(city, forTypes=["Vehicle"])
    assert alarm(city, "entered")["status"] == "open"
    fence(city, active=False)
    assert alarm(city, "entered")["status"] == "closed"
    fence(city, active=True)
    assert alarm(city, "entered")["status"] == "open"
    city.delete(FENCE)
    city.rules.settle()
    assert alarm(city, "entered")["status"] == "closed"
    drive(city, OUTSIDE, INSIDE)
    assert alarm(city, "entered")["status"] == "closed"


def test_what_is_gone_is_in_no_fence(city):
    fence(city)
    drive(city, INSIDE)
    city.delete(VAN)
    city.rules.settle()
    assert alarm(city, "entered")["status"] == "closed"


@pytest.mark.parametrize(
    "said",
    [
        {"location": {"type": "MultiPoint", "coordinates": [[1, 2]]}},
        {"radius": "wide"},
        {"radius": -1},
        {"margin": True},
        {"severity": "dreadful"},
        {"forTypes": {"a": 1}},
        {"onEnter": "yes"},
    ],
)
def test_a_fence_that_cannot_be_used_is_left_out_and_the_others_work_on(city, said):
    broken = entity("Geofence", "broken", **{"location": SQUARE, **said})
    with pytest.raises(Unusable):
        read(broken)
    city.say(broken)
    fence(city)
    drive(city, OUTSIDE, INSIDE)
    told = {one["geofence"]: one for one in city.find("Alert")}
    assert told[FENCE]["subCategory"] == "geofence"
    mine = told["urn:ngsi-ld:Geofence:broken"]
    assert (mine["subCategory"], mine["status"]) == ("configuration", "open")
    assert "watches nothing: " in mine["description"]
    city.say(entity("Geofence", "broken", location=SQUARE, radius=0, margin=5, severity="low", forTypes=["Boat"],
                    onEnter=True))  # fmt: skip
    assert city.get(mine.id)["status"] == "closed"  # mended


def test_an_alarm_bears_the_stricter_label_of_area_and_thing(city):
    fence(city, label="personal;owner=care")
    drive(city, OUTSIDE, INSIDE)
    assert alarm(city, "entered").label == "personal;owner=care"
    area = read(entity("Geofence", "a", location=SQUARE))
    secret = entity("Vehicle", "v", location=point(INSIDE))
    secret.label = "security"
    assert stricter(area, secret) == "security"
    public = entity("Vehicle", "v", location=point(INSIDE))
    public.label = "open"
    assert stricter(area, public) is None  # the area is not public, and so is not the alarm


@pytest.mark.parametrize("hidden", ["name", "location"])
def test_an_alarm_is_guarded_as_the_name_and_the_place_are_that_it_tells(city, hidden):
    fence(city)
    drive(city, OUTSIDE)
    one = entity("Vehicle", "van", name="Ann's van", location=point(INSIDE))
    city.write(Write("say", VAN, one.doc | {"id": VAN}, labels={hidden: "personal;owner=care"}))
    assert alarm(city, "entered").label == "personal;owner=care"
    drive(city, OUTSIDE)
    assert (alarm(city, "entered")["status"], alarm(city, "entered").label) == ("closed", "personal;owner=care")


@pytest.mark.parametrize(
    ("own", "attribute", "expected"),
    [
        ("personal;owner=care", "open", "personal;owner=care"),  # a public place does not make its owner public
        ("smart;owner=parks", None, "smart;owner=several"),
        ("personal;owner=care;purposes=a", "personal;owner=care;purposes=b", "personal;owner=care;purposes=(none)"),
        ("personal;owner=care", "security", "security;owner=several;purposes=(none)"),
    ],
)
def test_an_alarm_of_several_owners_is_of_none(own, attribute, expected):
    area = read(entity("Geofence", "a", location=SQUARE))
    one = entity("Vehicle", "v", location=point(INSIDE))
    moved = Entity(one.doc, Stamps(0, 0, {}, {} if attribute is None else {"location": attribute}), label=own)
    assert stricter(area, moved) == expected


def ring(positions, radius=0.01):
    turns = [2 * pi * n / positions for n in range(positions)]
    there = [[17.1 + radius * cos(one), 48.3 + radius * sin(one)] for one in turns]
    return {"type": "Polygon", "coordinates": [[*there, there[0]]]}


def test_a_fence_has_so_many_positions_and_is_no_country():
    assert read(entity("Geofence", "a", location=ring(POSITIONS - 1))).cost == POSITIONS - 1
    with pytest.raises(Unusable, match="500 positions"):
        read(entity("Geofence", "a", location=ring(9_000)))
    split = [ring(100)["coordinates"]] * 5
    with pytest.raises(Unusable, match="500 positions"):
        read(entity("Geofence", "a", location={"type": "MultiPolygon", "coordinates": split}))
    with pytest.raises(Unusable, match="country"):
        read(entity("Geofence", "a", location=ring(400, radius=40.0)))
    with pytest.raises(Unusable, match="at most 20 types"):
        read(entity("Geofence", "a", location=SQUARE, forTypes=[f"T{n}" for n in range(21)]))


def test_fences_that_are_too_much_for_one_move_are_left_out_the_simple_ones_are_not_and_it_is_said(city, monkeypatch):
    monkeypatch.setattr(memory, "MEASURED", 500)
    fence(city, "dense", location=ring(300))
    fence(city, "denser", location=ring(400))
    fence(city)
    drive(city, (17.5, 48.3), INSIDE)  # far off nothing is measured to
    said = {one.get("geofence"): one for one in city.find("Alert", q='status=="open"')}
    assert {one and one.rpartition(":")[2] for one in said} == {"yard", "dense", None}
    assert said[None]["subCategory"] == "configuration"
    drive(city, OUTSIDE, INSIDE)
    assert len([one for one in city.find("Alert") if one.get("subCategory") == "configuration"]) == 1


def test_history_is_read_once_for_a_move_however_many_fences_ask_for_it():
    class Counted:
        asked = 0

        def get(self, ident):
            raise NotFound(ident)

        def history(self, *_, **__):
            self.asked += 1
            return []

    mine, town = memory.Memory(), Counted()
    for n in range(5):
        mine.take(entity("Geofence", f"f{n}", location=SQUARE, onEnter=False, onExit=True))
    van = entity("Vehicle", "van", location=Attribute(point(INSIDE), kind="GeoProperty"))
    assert list(look(mine, van, town)) == []
    assert town.asked == 1


def test_no_more_fences_are_looked_at_than_can_be(monkeypatch):
    monkeypatch.setattr(memory, "MOST", 1)
    mine = memory.Memory()
    for name in ("a", "b"):
        mine.take(entity("Geofence", name, location=SQUARE))
    assert len(mine.fences) == 1
    assert "no more are looked at" in mine.faults["urn:ngsi-ld:Geofence:b"]


def test_the_worst_that_can_be_drawn_is_far_from_what_a_rule_may_take(city):
    city.say(*(entity("Geofence", f"f{n}", name="f", location=ring(498, 0.01 + n / 1e5), onExit=True, margin=50_000)
               for n in range(memory.MOST)))  # fmt: skip
    drive(city, OUTSIDE)
    begun = time.process_time()
    drive(city, INSIDE)
    assert time.process_time() - begun < DEFAULT.rule_s / 3
