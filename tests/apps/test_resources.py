"""Resources: assigned, released, rostered; who is nearest; proposals that people decide."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hansa import Attribute, Conflict, Entity, NotFound, Refusal, entity
from hansa.apps.resources import app, fleet, plan
from hansa.errors import Busy, Forbidden
from hansa.model.change import Write
from hansa.testing import MemoryCity

STEP = 0.01
R, AT = "urn:ngsi-ld:Resource:", "urn:ngsi-ld:Incident:"


def point(x: float, y: float = 0.0) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [16.0 + x * STEP, 48.0 + y * STEP]}


def road(name: str, x1: float, x2: float, y: float = 0.0, **said: Any) -> Entity:
    line = [point(x1, y)["coordinates"], point(x2, y)["coordinates"]]
    return entity(
        "RoadSegment", name, location={"type": "LineString", "coordinates": line}, maximumAllowedSpeed=50, **said
    )


def unit(name: str, x: float, *can: str, **said: Any) -> Entity:
    told = {"name": name.title(), "resourceKind": "team", "status": "available", "location": point(x)} | said
    return entity("Resource", name, capabilities=list(can or ("pump",)), **told)


def incident(name: str, x: float, *needs: Any, severity: str = "high", **said: Any) -> Entity:
    lines = [{"capability": it, "count": 1} if isinstance(it, str) else it for it in needs]
    told = {"name": name.title(), "status": "open", "location": point(x)} | said
    return entity("Incident", name, severity=severity, needs=lines, **told)


@pytest.fixture
def city() -> Iterator[MemoryCity]:
    with MemoryCity(app, start="2026-04-11T12:00:00Z", settings={"resources": {"timezone": "UTC"}}).closing() as made:
        made.say(*(road(f"r{n}", n, n + 1) for n in range(5)))
        made.say(unit("near", 0), unit("far", 4), incident("flood", 1, "pump"))
        yield made


def test_a_resource_is_assigned_and_released(city: MemoryCity) -> None:
    city.act("assign", R + "near", incident=AT + "flood", by="person:bo")
    one = city.get(R + "near")
    assert (one["status"], one["assignedTo"], one["assignedFor"]) == ("assigned", AT + "flood", "pump")
    assert one["statusBy"] == "person:bo"
    assert one.attribute("assignedTo").kind == "Relationship"
    city.act("status", R + "near", status="on-scene")
    city.act("release", R + "near")
    one = city.get(R + "near")
    assert one["status"] == "available"
    assert "assignedTo" not in one
    assert "assignedFor" not in one


def test_a_resource_is_not_in_two_places_at_once(city: MemoryCity) -> None:
    city.say(incident("fire", 3, "pump"))
    city.act("assign", R + "near", incident=AT + "flood")
    with pytest.raises(Conflict, match="assigned already"):
        city.act("assign", R + "near", incident=AT + "fire")
    assert city.get(R + "near")["assignedTo"] == AT + "flood"


@pytest.mark.parametrize(
    ("said", "fault", "where"),
    [
        ({}, Refusal, "incident"),
        ({"incident": AT + "none"}, NotFound, AT + "none"),
        ({"incident": R + "far"}, NotFound, "incident"),
        ({"incident": AT + "over"}, Refusal, "incident"),
        ({"incident": AT + "flood", "capability": "fly"}, Refusal, "capability"),
        ({"incident": AT + "flood", "capability": 7}, Refusal, "capability"),
        ({"incident": AT + "flood", "places": 2}, Refusal, "places"),
        ({"incident": AT + "flood", "places": [1]}, Refusal, "places"),
    ],
)
def test_what_cannot_be_assigned_is_refused_where_it_is_wrong(
    city: MemoryCity, said: Any, fault: Any, where: str
) -> None:
    city.say(incident("over", 1, status="resolved"))
    with pytest.raises(fault) as told:
        city.act("assign", R + "near", **said)
    assert told.value.where == where


def test_who_is_out_of_service_or_off_duty_is_not_sent(city: MemoryCity) -> None:
    city.act("status", R + "near", status="out-of-service", reason="engine")
    with pytest.raises(Conflict, match="out of service"):
        city.act("assign", R + "near", incident=AT + "flood")
    city.act("status", R + "near", status="available")
    assert "statusReason" not in city.get(R + "near")
    city.act("roster", R + "near", roster={"shifts": []}, seen=None)
    with pytest.raises(Conflict, match="nobody on duty"):
        city.act("assign", R + "near", incident=AT + "flood")


def test_what_breaks_is_assigned_to_nothing_any_more(city: MemoryCity) -> None:
    city.act("assign", R + "near", incident=AT + "flood")
    with pytest.raises(Refusal, match="reason"):
        city.act("status", R + "near", status="out-of-service")
    city.act("status", R + "near", status="out-of-service", reason="engine")
    assert "assignedTo" not in city.get(R + "near")


@pytest.mark.parametrize("status", ["travelling", "on-scene", "assigned", "flying", None, ["available"]])
def test_who_is_assigned_to_nothing_is_on_no_way(city: MemoryCity, status: Any) -> None:
    with pytest.raises(Refusal):
        city.act("status", R + "near", status=status)
    with pytest.raises(Refusal):
        city.act("release", R + "near")


def test_a_shelter_gives_places_to_several_incidents_and_never_more_than_it_has(city: MemoryCity) -> None:
    city.say(unit("school", 2, "bed", resourceKind="shelter", capacity=40), incident("fire", 3))
    city.act("assign", R + "school", incident=AT + "flood", places=30)
    city.act("assign", R + "school", incident=AT + "fire", places=5)
    with pytest.raises(Conflict, match="5 places left"):
        city.act("assign", R + "school", incident=AT + "fire", places=6)
    assert city.get(R + "school")["occupied"] == 35
    city.act("release", R + "school", incident=AT + "flood")
    one = city.get(R + "school")
    assert (one["occupied"], [it["incident"] for it in one["held"]]) == (5, [AT + "fire"])
    with pytest.raises(Refusal, match="no places"):
        city.act("release", R + "school", incident=AT + "flood")
    city.act("occupy", R + "school", occupied=40)
    with pytest.raises(Conflict, match="full"):
        city.act("assign", R + "school", incident=AT + "fire", places=1)
    with pytest.raises(Refusal, match="40 places"):
        city.act("occupy", R + "school", occupied=41)


def test_a_roster_that_somebody_else_changed_meanwhile_is_not_overwritten(city: MemoryCity) -> None:
    first = {"needed": 1, "weekly": [{"who": "person:ada", "days": ["sat"], "from": "06:00", "to": "18:00"}]}
    city.act("roster", R + "near", roster=first, seen=None)
    with pytest.raises(Conflict, match="meanwhile"):
        city.act("roster", R + "near", roster={"needed": 2}, seen=None)
    city.act("roster", R + "near", roster=first | {"needed": 2}, seen=first)
    with pytest.raises(Refusal) as told:
        city.act("roster", R + "near", roster={"needed": "two"}, seen=first | {"needed": 2})
    assert told.value.where == "roster.needed"
    with pytest.raises(Refusal, match="which roster"):
        city.act("roster", R + "near", roster=first)


def test_resources_are_added_and_described(city: MemoryCity) -> None:
    (change,) = city.act(
        "describe", name="Pump 9", resourceKind="pump", capabilities=["pump", "pump"], location=point(1)
    )
    one = city.get(change.entity.id)
    assert (one["status"], one["capabilities"]) == ("available", ["pump"])
    city.act("describe", one.id, capacity=3)
    assert city.get(one.id)["name"] == "Pump 9"
    for said in (
        {"name": ""},
        {"name": 7},
        {"colour": "red"},
        {"capabilities": "pump"},
        {"capabilities": [""]},
        {"capacity": -1},
        {"capacity": True},
        {"location": {"type": "Point", "coordinates": [200, 0]}},
        {"location": "here"},
        {"location": {"type": "Point", "coordinates": []}},
    ):
        with pytest.raises(Refusal):
            city.act("describe", one.id, **said)


def test_acts_are_for_those_who_run_the_city(city: MemoryCity) -> None:
    with pytest.raises(Forbidden):
        city.act("assign", R + "near", incident=AT + "flood", roles=("engineer",))
    with pytest.raises(NotFound):
        city.act("assign", R + "nobody", incident=AT + "flood")


# ---- nearest


def test_the_nearest_is_told_by_the_roads_with_how_it_is_known(city: MemoryCity) -> None:
    city.say(unit("field", 60), unit("lost", 0, location=None), unit("other", 1, "medic"))
    told = city.view("nearest", {"incident": AT + "flood", "capability": "pump"})
    assert [(it["id"], it["eta"]["how"]) for it in told["resources"]] == [
        (R + "near", plan.ROAD),
        (R + "far", plan.ROAD),
        (R + "field", plan.STRAIGHT),
    ]
    near, far, field = (it["eta"]["seconds"] for it in told["resources"])
    assert near == pytest.approx(744 / (50 * 0.8 / 3.6), rel=0.01)
    assert far == pytest.approx(3 * near, rel=0.05)
    assert field > far
    assert told["withoutPosition"] == 1


def test_a_closed_road_is_gone_round_at_once_and_what_is_cut_off_says_so(city: MemoryCity) -> None:
    assert city.view("nearest", {"incident": AT + "flood"})["resources"][1]["eta"]["how"] == plan.ROAD
    city.say(entity("RoadSegment", "r2", status="closed"))
    told = city.view("nearest", {"incident": AT + "flood"})["resources"]
    assert [(it["id"], it["eta"]) for it in told][1] == (R + "far", {"seconds": None, "how": plan.NONE})
    city.delete("urn:ngsi-ld:RoadSegment:r2")
    city.say(road("new", 2, 3))
    assert city.view("nearest", {"incident": AT + "flood"})["resources"][1]["eta"]["how"] == plan.ROAD


def test_the_roads_are_read_once_and_again_when_one_changes(city: MemoryCity, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    made = plan.streets.network
    monkeypatch.setattr(plan.streets, "network", lambda them: read.append(1) or made(them))
    for _ in range(3):
        city.view("nearest", {"incident": AT + "flood"})
    assert len(read) == 1
    city.say(unit("third", 2))
    city.view("nearest", {"incident": AT + "flood"})
    assert len(read) == 1
    city.say(road("r9", 4, 5))
    city.view("nearest", {"incident": AT + "flood"})
    assert len(read) == 2


def test_a_city_without_roads_says_that_it_goes_by_the_straight_line() -> None:
    with MemoryCity(app).closing() as bare:
        bare.say(unit("near", 0), incident("flood", 1, "pump"))
        (one,) = bare.view("nearest", {"incident": AT + "flood"})["resources"]
        assert one["eta"]["how"] == plan.STRAIGHT
        assert bare.view("roads")["segments"] == 0


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"lon": "x", "lat": "1"},
        {"lon": "200", "lat": "1"},
        {"lon": "nan", "lat": "1"},
        {"lon": "1", "lat": "1", "count": "-1"},
    ],
)
def test_a_question_without_a_place_is_refused(city: MemoryCity, asked: Any) -> None:
    with pytest.raises(Refusal):
        city.view("nearest", asked)


# ---- proposals


def twice(city: MemoryCity) -> Any:
    """Two incidents that both want the unit that is near: nearest first sends it to the wrong one."""
    city.say(unit("left", 1.9), unit("right", 2.2), incident("a", 2.05, "pump"), incident("b", 5, "pump"))
    city.delete(R + "near")
    city.delete(R + "far")
    return city.view("propose", {"incidents": f"{AT}a,{AT}b"})


def test_both_answers_are_shown_with_the_objective(city: MemoryCity) -> None:
    told = twice(city)
    assert {(it["resource"], it["incident"]) for it in told["best"]["sent"]} == {
        (R + "left", AT + "a"),
        (R + "right", AT + "b"),
    }
    assert told["best"]["optimal"]
    assert told["best"]["cost"] <= told["nearest"]["cost"]
    assert told["saved"] == pytest.approx(told["nearest"]["cost"] - told["best"]["cost"], abs=0.02)
    assert "high 4" in told["formula"]


def decided(told: Any) -> dict[str, Any]:
    keys = ("resource", "incident", "capability", "places")
    return {"pairs": [{key: it[key] for key in keys} for it in told["best"]["sent"]], "basis": told["basis"]}


def test_a_proposal_is_decided_as_a_whole_and_recorded(city: MemoryCity) -> None:
    told = twice(city)
    city.act("allocate", by="person:bo", **decided(told), note="river first")
    assert city.get(R + "right")["assignedTo"] == AT + "b"
    (record,) = city.find("Allocation")
    assert (record["decidedBy"], record["asProposed"], record["note"]) == ("person:bo", True, "river first")
    assert record["cost"] == record["bestCost"] == pytest.approx(told["best"]["cost"], abs=0.02)
    assert record["nearestCost"] == pytest.approx(told["nearest"]["cost"], abs=0.02)
    assert city.view("propose", {"incidents": f"{AT}a,{AT}b"})["best"]["sent"] == []


def test_people_may_decide_otherwise_and_it_is_recorded_what_that_costs(city: MemoryCity) -> None:
    told = twice(city)
    said = decided(told)
    said["pairs"][0]["incident"], said["pairs"][1]["incident"] = (
        said["pairs"][1]["incident"],
        said["pairs"][0]["incident"],
    )
    city.act("allocate", **said)
    (record,) = city.find("Allocation")
    assert record["asProposed"] is False
    assert record["cost"] > record["bestCost"]


def test_who_leaves_an_incident_out_has_decided_otherwise(city: MemoryCity) -> None:
    said = decided(twice(city))
    said["pairs"] = said["pairs"][:1]
    city.act("allocate", **said)
    (record,) = city.find("Allocation")
    assert record["asProposed"] is False
    assert record["incidents"] == [AT + "a", AT + "b"]
    assert record["cost"] > record["bestCost"]


def test_a_stale_proposal_is_refused_and_nothing_of_it_happens(city: MemoryCity) -> None:
    said = decided(twice(city))
    city.act("assign", R + "left", incident=AT + "flood")
    with pytest.raises(Conflict, match="has changed since"):
        city.act("allocate", **said)
    assert city.get(R + "right")["status"] == "available"
    assert city.find("Allocation") == []
    city.act("release", R + "left")
    city.act("allocate", **said)  # it stands as it stood


def test_an_incident_that_asks_for_something_else_by_now_makes_a_proposal_stale(city: MemoryCity) -> None:
    said = decided(twice(city))
    city.say(entity("Incident", "a", needs=[{"capability": "medic", "count": 1}]))
    with pytest.raises(Conflict, match="has changed since"):
        city.act("allocate", **said)


def test_a_decision_that_is_sent_twice_is_made_once(city: MemoryCity) -> None:
    said = decided(twice(city))
    city.act("allocate", **said)
    with pytest.raises(Conflict):
        city.act("allocate", **said)
    assert len(city.find("Allocation")) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.pop("pairs"),
        lambda s: s.update(pairs=[]),
        lambda s: s.update(pairs=[7]),
        lambda s: s["pairs"].append(dict(s["pairs"][0])),
        lambda s: s["pairs"][0].update(capability="fly"),
        lambda s: s["pairs"][0].update(places=0),
        lambda s: s["pairs"][0].update(places=2),
        lambda s: s["pairs"][0].update(resource=AT + "a"),
        lambda s: s["pairs"][0].update(resource=R + "nobody"),
        lambda s: s["pairs"].append(s["pairs"][0] | {"incident": s["pairs"][1]["incident"]}),
        lambda s: s.pop("basis"),
        lambda s: s.update(basis={}),
        lambda s: s.update(note=7),
    ],
)
def test_a_decision_that_cannot_be_is_refused_as_a_whole(city: MemoryCity, spoil: Any) -> None:
    said = decided(twice(city))
    spoil(said)
    with pytest.raises((Refusal, Conflict, NotFound)):
        city.act("allocate", **said)
    assert city.find("Allocation") == []
    assert city.get(R + "left")["status"] == "available"


def test_what_is_there_already_is_not_asked_for_again(city: MemoryCity) -> None:
    city.say(entity("Incident", "flood", needs=[{"capability": "pump", "count": 2}]))
    city.act("assign", R + "far", incident=AT + "flood")
    told = city.view("propose")
    assert told["incidents"][0]["needs"] == [{"capability": "pump", "count": 2, "priority": "high", "open": 1}]
    assert [it["resource"] for it in told["best"]["sent"]] == [R + "near"]
    assert told["left"] == [{"id": R + "far", "name": "Far", "why": "assigned already"}]


def test_nonsense_needs_are_told_and_the_others_are_served(city: MemoryCity) -> None:
    city.say(
        entity(
            "Incident", "flood", needs=[{"capability": "pump"}, {"count": 3}, "x", {"capability": "pump", "count": -1}]
        )
    )
    told = city.view("propose")
    assert len(told["incidents"][0]["faults"]) == 3
    assert len(told["best"]["sent"]) == 1


def test_a_decision_bears_the_most_guarded_label_of_what_it_is_about(city: MemoryCity) -> None:
    said = decided(twice(city))
    city.write(Write("say", AT + "a", {"id": AT + "a", "type": "Incident"}, label="security;owner=police"))
    city.act("allocate", **said)
    (record,) = city.find("Allocation")
    assert record.label == "security;owner=police"


# ---- what is wrong


def test_checks_name_gaps_clashes_and_faults(city: MemoryCity) -> None:
    night = {"who": "person:ada", "from": "2026-04-11T18:00:00Z", "to": "2026-04-12T06:00:00Z"}
    city.act("roster", R + "near", roster={"shifts": [night]}, seen=None)
    city.act("roster", R + "far", roster={"shifts": [night], "needed": 2}, seen=None)
    city.say(
        unit("over", 1, resourceKind="shelter", capacity=3, occupied=5),
        unit("odd", 1, status="flying"),
        unit("idle", 1, status="on-scene"),
        unit("orphan", 1, status="assigned", assignedTo=Attribute(AT + "gone", kind="Relationship")),
        unit("broken", 1, roster={"needed": "x"}),
    )
    told = city.view("checks", {"days": "1"})
    assert [(it["who"], {it["id"], it["other"]}) for it in told["clashes"]] == [("person:ada", {R + "near", R + "far"})]
    assert {(it["id"], it["there"], it["needed"]) for it in told["gaps"]} == {
        (R + "near", 0, 1),
        (R + "far", 0, 2),
        (R + "far", 1, 2),
    }
    assert {it["id"] for it in told["faults"]} == {R + name for name in ("over", "odd", "idle", "orphan", "broken")}
    board = {it["id"]: it for it in city.view("board")["resources"]}
    assert board[R + "near"]["onDuty"] == []
    duties = city.view("duties", {"id": R + "near"})
    assert [it["who"] for it in duties["days"]] == ["person:ada"]
    assert len(duties["gaps"]) == 2
    assert duties["roster"] == {"shifts": [night]}
    city.turn(seconds=8 * 3_600)
    board = {it["id"]: it for it in city.view("board")["resources"]}
    assert (board[R + "near"]["onDuty"], board[R + "near"]["until"]) == (["person:ada"], "2026-04-12T06:00:00Z")


# ---- what one question may cost


def test_one_proposal_at_a_time_is_made_in_a_realm_and_others_are_told_to_come_again(
    city: MemoryCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    flood = fleet.incident(city.get(AT + "flood"))
    other = fleet.Incident(flood.id, "", "high", "", flood.place, flood.wants, (), "", "security")

    def slow(_city: Any, incidents: Any, _units: Any) -> Any:
        if incidents[0].realm == "open":
            begun.set()
            assert go.wait(10)
        return incidents[0].realm

    with monkeypatch.context() as patched, ThreadPoolExecutor(1) as pool:
        patched.setattr(plan, "_plan", slow)
        first = pool.submit(plan.plan, city, [flood], [])
        try:
            assert begun.wait(10)
            for _ in range(2):
                with pytest.raises(Busy, match="another proposal") as fault:
                    city.view("propose")
                assert (fault.value.status, fault.value.retry_after_s) == (503, 1)
            assert str(plan.plan(city, [other], [])) == "security"
        finally:
            go.set()
        assert str(first.result(10)) == "open"
    assert city.view("propose")["best"]["sent"]  # when it is done, the next


def test_a_proposal_that_fails_keeps_nobody_from_the_next(city: MemoryCity, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(plan.allocation, "PAIRS", 0)
        with pytest.raises(Refusal, match="weighed at most") as fault:
            city.view("propose")
        assert (fault.value.where, "incidents=" in str(fault.value.mend)) == ("incidents", True)
    assert city.view("propose")["best"]["optimal"]


def test_a_proposal_for_too_much_is_refused_with_how_to_ask_for_less(
    city: MemoryCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.say(*(incident(f"i{n}", n / 10, "pump") for n in range(plan.INCIDENTS)))
    with pytest.raises(Refusal, match="51 incidents") as fault:
        city.view("propose")
    assert "incidents=" in str(fault.value.mend)
    ids = ",".join(f"{AT}i{n}" for n in range(plan.INCIDENTS))
    told = city.view("propose", {"incidents": ids})
    assert (told["best"]["optimal"], told["best"]["gap"]) == (True, 0.0)
    monkeypatch.setattr(plan.allocation, "NEEDS", 10)
    with pytest.raises(Refusal, match="50 things"):
        city.view("propose", {"incidents": ids})


def test_who_asks_while_the_roads_are_read_is_told_to_come_again(
    city: MemoryCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "WAIT_S", 0.01)
    with plan._lock, pytest.raises(Busy, match="roads"):
        city.view("nearest", {"incident": AT + "flood"})
    assert city.view("nearest", {"incident": AT + "flood"})["resources"]


def test_a_decision_about_two_departments_is_neither_s(city: MemoryCity) -> None:
    said = decided(twice(city))
    for name, owner in (("a", "parks"), ("b", "roads")):
        city.write(Write("say", AT + name, {"id": AT + name, "type": "Incident"}, label=f"smart;owner={owner}"))
    city.act("allocate", **said)
    (record,) = city.find("Allocation")
    assert record.label == "smart;owner=several"
