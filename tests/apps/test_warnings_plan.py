"""Whom a warning concerns, in steps that nothing doubles; from channel to channel, and at the end to a human."""

import math
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_warnings import VALLEY, a_city, deliver, grower, mail, sent
from test_warnings_people import tap

from hansa import Entity, entity
from hansa.analytics.rules import Rules
from hansa.apps.warnings import app, ladder, sending
from hansa.apps.warnings.area import Reach, ring
from hansa.apps.warnings.people import address
from hansa.apps.warnings.words import NEVER, SECOND
from hansa.testing import MemoryCity


def crowd(city: MemoryCity, many: int, *kinds: str) -> None:
    """Recipients by the thousand, as an import makes them."""
    made = []
    for n in range(many):
        ident = f"urn:ngsi-ld:Recipient:{n:06d}"
        tos = {"email": f"p{n}@example.org", "sms": f"+4219{n:08d}", "phone": f"+4218{n:08d}"}
        them = [address(kind, tos[kind], "to") | {"verified": True} for kind in kinds]
        one = entity(
            "Recipient", ident, name=f"P{n}", language="en", hazards=[], groups=["growers"], status="active",
            places=[{"name": "x", "lon": 17.0 + n % 100 / 500, "lat": 48.0 + n % 97 / 490, "radius_m": 300}],
            channels=them, addresses=[str(it["key"]) for it in them], shard=sending.shard(ident), source="list",
        )  # fmt: skip
        one.label = "personal"
        made.append(one)
    for begin in range(0, many, 1_000):
        city.say(*made[begin : begin + 1_000])


def test_a_warning_for_many_is_planned_in_steps_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "STEP", 100)
    city = a_city()
    crowd(city, 1_000, "email")
    ident = sent(city)
    assert len(mail(city)) < 1_000, "rules that answer rules have an end"
    city.turn(seconds=5)
    assert len(mail(city)) == 1_000
    assert city.view("board", {"id": ident})["planning"] == {"status": "done", "many": 1_000, "share": 1}
    steps = [one for one in city.changes if one.entity.type == "Sending"]
    assert len(steps) >= 11
    city.turn(seconds=30)
    assert len(mail(city)) == 1_000


def test_a_planning_that_was_killed_goes_on_exactly_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit of any step may be the last: what was committed is whole, and nobody is planned twice or left out."""
    monkeypatch.setattr(sending, "STEP", 200)
    city = a_city()
    crowd(city, 600, "email")
    rules = city.rules
    left, commit = 3, rules._commit  # the test stands where a crash would

    def dies(item: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise ConnectionError("killed")
        commit(item)

    rules._commit = dies
    with pytest.raises(ConnectionError):
        sent(city)
    made = {one.id: one["made"] for one in mail(city)}
    assert 0 < len(made) < 600
    for one in list(made)[:50]:
        deliver_quietly(city, one)
    city.rules = Rules([app], city.reader, city.clock, place=city.store.place, head=city.store.head,
                       walk=city.store.walk, commit=commit, settings={"warnings": {}})  # fmt: skip
    city.rules.settle()
    city.turn(seconds=5)
    assert len(mail(city)) == 600
    assert sum(one["status"] == "handed" for one in mail(city)) == 50, "what was sent is not planned anew"


def deliver_quietly(city: MemoryCity, ident: str) -> None:
    """The courier's word, while there are no rules."""
    apps, city.rules.apps = city.rules.apps, []
    deliver(city, ident, "handed")
    city.rules.apps = apps


def test_who_is_elsewhere_or_chose_other_hazards_hears_nothing_but_an_order_reaches_all_in_the_place() -> None:
    city = a_city()
    here = grower(city, "Here", hazards=["flood"])
    far = grower(city, "Far", places=[{"name": "x", "lon": 19, "lat": 49, "radius_m": 500}])
    anywhere = grower(city, "Any", places=[])
    other = grower(city, "Other", groups=["others"])
    sent(city, groups=["growers"])
    assert {one["recipient"] for one in mail(city)} == {anywhere}
    order = sent(city, template="evacuation", values={"place": "x", "assembly": "y", "why": "z"})
    assert {one["recipient"] for one in mail(city, warning=order)} == {here, anywhere, other}
    assert far not in {one["recipient"] for one in mail(city)}


def test_quiet_hours_hold_a_message_back_and_an_order_goes_through() -> None:
    city = a_city()  # 18:00
    grower(city, quiet={"from": "17:00", "until": "18:02"})
    ident = sent(city)
    (one,) = mail(city)
    assert (one["status"], one["due"] - city.clock.now()) == ("held", 120 * SECOND)
    order = sent(city, severity="Extreme")
    assert mail(city, warning=order)[0]["status"] == "waiting"
    city.turn(seconds=121)
    assert mail(city, warning=ident)[0]["status"] == "waiting"


@pytest.mark.parametrize(
    ("at", "quiet", "held"),
    [
        ("2026-04-01T23:00:00Z", ("22:00", "06:00"), True),
        ("2026-04-01T05:59:00Z", ("22:00", "06:00"), True),
        ("2026-04-01T06:00:00Z", ("22:00", "06:00"), False),
        ("2026-04-01T12:00:00Z", ("22:00", "06:00"), False),
        ("2026-04-01T12:30:00Z", ("12:00", "13:00"), True),
    ],
)
def test_quiet_hours_are_the_hours_that_were_said(at: str, quiet: tuple[str, str], held: bool) -> None:
    city = MemoryCity(app, start=at, settings={"warnings": {"timezone": "UTC"}})
    one = entity("Recipient", "x", quiet={"from": quiet[0], "until": quiet[1]})
    until = ladder.quiet_until(one, city.rules.apps[0].city, city.clock.now())
    assert (until is not None) is held
    assert until is None or 0 < until - city.clock.now() <= 24 * 3_600 * SECOND


def test_who_does_not_confirm_is_told_on_the_next_channel_as_again_and_at_last_by_a_human() -> None:
    city = a_city(duty={"growers": {"name": "Duty Dan", "phone": "+421900"}}, deadline_s={"Moderate": 30})
    channels = [{"kind": "email", "to": "v@example.org"}, {"kind": "sms", "to": "+421901234567"}]
    grower(city, channels=channels)
    grower(city, "Wim", channels=channels[:0], contact={"name": "Neighbour Nina", "phone": "+421911"})
    ident = sent(city)
    (one,) = [it for it in mail(city) if it["status"] != "escalated"]
    (wim,) = [it for it in mail(city) if it["status"] == "escalated"]
    assert wim["escalatedTo"]["name"] == "Neighbour Nina"
    deliver(city, one.id, "handed")
    city.turn(seconds=55)
    assert city.get(one.id)["step"] == 0, "he has his time"
    city.turn(seconds=10)
    assert {k: city.get(one.id)[k] for k in ("status", "step", "again")} == {
        "status": "waiting",
        "step": 1,
        "again": True,
    }
    deliver(city, one.id, "handed")
    city.turn(seconds=65)
    assert city.get(one.id)["status"] == "escalated"
    assert city.get(one.id)["escalatedTo"] == {"name": "Duty Dan", "phone": "+421900", "of": "growers"}
    lists = city.view("tree", {"id": ident})["lists"]
    assert [(it["name"], len(it["of"])) for it in lists] == [("Duty Dan", 1), ("Neighbour Nina", 1)]
    assert lists[0]["of"][0]["numbers"] == ["+421901234567"]
    city.act("unreached", one.id, by="person:dan", note="no answer")
    city.act("reached", one.id, by="person:dan", note="at the door")
    assert (city.get(one.id)["status"], city.get(one.id)["handledBy"]) == ("reached", "person:dan")
    tap(city, wim.id)
    assert city.get(wim.id)["status"] == "confirmed", "late is better than never"
    city.turn(seconds=100)
    assert {it["status"] for it in mail(city)} == {"reached", "confirmed"}


def test_a_channel_that_fails_before_anything_left_is_no_first_time() -> None:
    city = a_city()
    grower(city, channels=[{"kind": "email", "to": "v@example.org"}, {"kind": "sms", "to": "+421901234567"}])
    sent(city)
    (one,) = mail(city)
    deliver(city, one.id, "failed", "failed", "off: no such channel")
    assert (city.get(one.id)["channel"]["kind"], city.get(one.id)["again"]) == ("sms", False)
    deliver(city, one.id, "failed", "failed", "off: no such channel")
    assert city.get(one.id)["status"] == "escalated"


def test_a_word_that_comes_while_a_step_is_decided_stands() -> None:
    city = a_city()
    grower(city, channels=[{"kind": "email", "to": "v@example.org"}, {"kind": "sms", "to": "+421901234567"}])
    sent(city)
    (one,) = mail(city)
    deliver(city, one.id, "handed")
    tap(city, one.id)
    # As a round would have said it that had read before the tap.
    for said in ({"status": "waiting", "step": 1, "due": city.clock.now() + SECOND}, {"status": "escalated"}):
        city.say(entity("Delivery", one.id, **said))
        assert (city.get(one.id)["status"], city.get(one.id)["due"]) == ("confirmed", NEVER)


def test_a_notice_of_a_run_book_reaches_the_people_it_names_or_a_human_has_it() -> None:
    city = a_city()
    city.act("enter", by="person:sup", roles=("supervisor",), person="person:bo", language="fr",
             channels=[{"kind": "email", "to": "bo@example.org"}])  # fmt: skip
    city.say(
        entity("Notice", "n1", to=["person:bo", "person:ghost", 'x"y'], message="Close the gate\x07", status="written")
    )
    them = {one["named"]: one for one in mail(city, purpose="notice")}
    assert (them["person:bo"]["status"], them["person:bo"]["texts"]["fr"]["body"]) == ("waiting", "Close the gate")
    assert them["person:ghost"]["status"] == them['x"y']["status"] == "escalated"
    tap(city, them["person:bo"].id)
    assert city.get(them["person:bo"].id)["status"] == "confirmed"
    assert city.view("tree")["total"] == 2


@settings(max_examples=50, deadline=None)
@given(st.floats(16.5, 17.7), st.floats(47.5, 48.7), st.floats(0, 40_000))
def test_a_place_touches_an_area_as_plain_geometry_says(lon: float, lat: float, radius: float) -> None:
    """Against a grid of its edge: within metres of the border either answer may be right."""
    (points,) = VALLEY["coordinates"]
    inside = 17.0 <= lon <= 17.2 and 48.0 <= lat <= 48.2

    def metres(x: float, y: float) -> float:
        dy, dx = math.radians(y - lat), math.radians(x - lon) * math.cos(math.radians((lat + y) / 2))
        return 6_371_008.8 * math.hypot(dx, dy)

    edge = min(
        metres(a[0] + (b[0] - a[0]) * n / 200, a[1] + (b[1] - a[1]) * n / 200)
        for a, b in pairwise(points)
        for n in range(201)
    )
    told = Reach(VALLEY).touches({"lon": lon, "lat": lat, "radius_m": radius})
    if inside or abs(edge - radius) > 150:
        assert told is (inside or edge <= radius)


def test_a_circle_at_the_antimeridian_reaches_who_lives_on_its_other_side_when_his_circle_does() -> None:
    area = {"type": "Polygon", "coordinates": [ring(179.9, 0.0, 5_000)]}
    assert Reach(area).touches({"lon": 179.94, "lat": 0, "radius_m": 0})
    assert not Reach(area).touches({"lon": -170.0, "lat": 0, "radius_m": 1_000})
    assert Reach(area).touches({"lon": -179.99, "lat": 0, "radius_m": 20_000})
    for nonsense in ({}, {"lon": "1", "lat": 2, "radius_m": 3}, {"lon": True, "lat": 1, "radius_m": 1}):
        assert not Reach(area).touches(nonsense)


def test_ten_thousand_that_fall_due_at_once_are_looked_at_in_few_rounds() -> None:
    """The round asks for what is due and reads nothing else."""
    city = a_city()
    made: list[Entity] = [
        entity("Delivery", f"d{n}", status="confirmed", due=NEVER, warning="urn:ngsi-ld:Warning:x", slot="x/1")
        for n in range(3_000)
    ]
    city.say(*made)
    began = time.perf_counter()
    for _ in range(20):
        city.rules.apps[0].city.find("Delivery", f"due<={city.clock.now()}", limit=900)
    assert (time.perf_counter() - began) / 20 < 0.02
