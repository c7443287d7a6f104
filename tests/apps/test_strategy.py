"""Strategy: measures that wait for each other, money with its assumptions, outcomes, the loop, the register."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Conflict, Entity, Forbidden, NotFound, Refusal, entity
from hansa import kpi as engine
from hansa.apps.strategy import app, blocks, measure, outcome, profile
from hansa.testing import MemoryCity

M = "urn:ngsi-ld:Measure:"
CODE = "EC: ICT: ICT: 1C"
EFFECT = {"framework": "u4ssc", "code": CODE, "change": 10, "unit": "%", "perYears": 2}
LIGHT = {
    "name": "Fibre to homes", "summary": "", "department": "works", "owner": "person:ada",
    "from": "2024-01-01", "until": "2026-12-31", "reviewAt": "2026-01-15", "effects": [EFFECT],
    "cost": {"capital": 1_000_000, "yearly": 20_000, "currency": "EUR", "year": 2024},
    "funding": [{"kind": "public", "share": 60, "source": "budget"}, {"kind": "private", "share": 40}],
    "benefitYearly": 150_000, "beneficiaries": 5_000,
}  # fmt: skip


@pytest.fixture
def city() -> Iterator[MemoryCity]:
    with MemoryCity(app, start="2026-01-02T12:00:00Z").closing() as made:
        yield made


def said(city: MemoryCity, **more: Any) -> str:
    (change,) = city.act("measure", **(LIGHT | more))
    city.turn(seconds=1)
    return change.entity.id


def to(city: MemoryCity, ident: str, *statuses: str) -> None:
    for status in statuses:
        city.act("decide", ident, roles=("supervisor",), status=status)


def kpi(period: str, value: float | None, **more: Any) -> Entity:
    told = {"framework": "u4ssc", "code": CODE, "name": "Internet at home", "area": "city", "period": period,
            "kpiValue": value, "unit": "%", "status": "reported"} | more  # fmt: skip
    told = {name: it for name, it in told.items() if it is not None}
    return entity("KeyPerformanceIndicator", f"u4ssc-{told['code'].replace(' ', '')}-{period}", **told)


# ---- measures


def test_a_measure_is_proposed_decided_and_carried_out(city: MemoryCity) -> None:
    ident = said(city)
    one = city.get(ident)
    assert (one["status"], one.label) == ("proposed", "smart")
    to(city, ident, "approved", "under-way", "done")
    told = city.view("one", {"id": ident})
    assert [it["status"] for it in told["decisions"]] == ["approved", "under-way", "done"]
    assert told["next"] == []
    with pytest.raises(Conflict, match="nothing else"):
        to(city, ident, "dropped")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"funding": [{"kind": "public", "share": 60}, {"kind": "private", "share": 30}]}, "funding"),
        ({"funding": [{"kind": "crowd", "share": 100}]}, "funding[0].kind"),
        ({"funding": [{"kind": "public", "share": -5}, {"kind": "mixed", "share": 105}]}, "funding[0].share"),
        ({"until": "2023-12-31"}, "until"),
        ({"from": "2024-02-30"}, "from"),
        ({"reviewAt": None}, "reviewAt"),
        ({"reviewAt": "2023-01-01"}, "reviewAt"),
        ({"owner": "device:x"}, "owner"),
        ({"cost": None}, "cost"),
        ({"cost": {"capital": 1, "yearly": 1, "currency": "€", "year": 2024}}, "cost.currency"),
        ({"cost": {"capital": -1, "yearly": 1, "currency": "EUR", "year": 2024}}, "cost.capital"),
        ({"effects": [EFFECT | {"change": 0}]}, "effects[0].change"),
        ({"effects": [EFFECT | {"code": 'a";b'}]}, "effects[0].code"),
        ({"effects": [EFFECT | {"perYears": 0}]}, "effects[0].perYears"),
        ({"effects": {}, "x": 1}, "x"),
        ({"workflows": ["magic"]}, "workflows.workflow"),
        ({"blocks": [{"name": "payments"}, {"name": "payments"}]}, "blocks"),
        ({"blocks": [{"name": "teleport"}]}, "blocks[0].name"),
        ({"sdg": ["18.1"]}, "sdg"),
        ({"dependsOn": ["x"]}, "dependsOn[0]"),
        ({"solution": "javascript:x"}, "solution"),
        ({"stakeholders": [{"name": "Ada"}]}, "stakeholders[0].role"),
        ({"payments": [{"on": "soon", "amount": 1}]}, "payments[0].on"),
        ({"payments": [{"on": "2026-01-01"}]}, "payments[0].amount"),
        ({"name": "a\u202eb"}, "name"),
        ({"beneficiaries": float("nan")}, "beneficiaries"),
    ],
)
def test_what_is_no_measure_is_refused_with_its_place(city: MemoryCity, change: dict[str, Any], where: str) -> None:
    with pytest.raises(Refusal) as fault:
        said(city, **change)
    assert fault.value.where == where


def test_roles_decide_who_proposes_who_decides_and_who_reads(city: MemoryCity) -> None:
    ident = said(city)
    with pytest.raises(Forbidden):
        city.act("decide", ident, status="approved")
    with pytest.raises(Forbidden):
        city.act("measure", roles=("auditor",), **LIGHT)
    with pytest.raises(Forbidden):
        city.view("plan", by="person:bo", roles=("member",))
    with pytest.raises(Conflict):
        to(city, ident, "done")
    for act, what in (("measure", LIGHT), ("agreement", DEAL)):
        with pytest.raises(NotFound):
            city.act(act, M + "none", **what)
    with pytest.raises(Refusal) as fault:
        to(city, ident, "dropped")
    assert fault.value.where == "reason"
    city.act("decide", said(city, funding=None), roles=("supervisor",), status="dropped", reason="no money")
    with pytest.raises(Refusal, match="who pays"):
        to(city, said(city, funding=None), "approved")


def test_what_is_approved_keeps_what_it_was_expected_to_do(city: MemoryCity) -> None:
    ident = said(city)
    city.act("measure", ident, effects=[EFFECT | {"change": 12}], phase=None)
    to(city, ident, "approved")
    with pytest.raises(Conflict, match="effects stands"):
        city.act("measure", ident, effects=[EFFECT | {"change": 1}])
    city.act("measure", ident, summary="Now with ducts.", benefitYearly=None)
    one = city.get(ident)
    assert (one["summary"], "benefitYearly" in one, one["effects"][0]["change"]) == ("Now with ducts.", False, 12)


def test_a_measure_does_not_wait_for_itself(city: MemoryCity) -> None:
    a = said(city, name="a")
    b = said(city, name="b", dependsOn=[a])
    c = said(city, name="c", dependsOn=[b])
    with pytest.raises(Refusal, match="wait for itself") as fault:
        city.act("measure", a, dependsOn=[c])
    assert fault.value.mend.count(" <- ") == 3
    with pytest.raises(Refusal, match="wait for itself"):
        city.act("measure", a, dependsOn=[a])
    with pytest.raises(Refusal, match="there is no measure"):
        said(city, dependsOn=[M + "none"])
    told = city.view("one", {"id": b})
    assert ([it["id"] for it in told["needs"]], [it["id"] for it in told["neededBy"]]) == ([a], [c])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_whatever_is_tied_to_whatever_there_is_never_a_circle(ties: list[tuple[int, int]]) -> None:
    class Town:
        def __init__(self) -> None:
            self.them = {f"{M}{n}": entity("Measure", str(n), dependsOn=[]) for n in range(6)}

        def get(self, ident: str) -> Entity:
            if ident not in self.them:
                raise NotFound("no", where="id")
            return self.them[ident]

    town = Town()
    for one, other in ties:
        needs = [*town.get(f"{M}{one}")["dependsOn"], f"{M}{other}"]
        try:
            measure.waits(town, f"{M}{one}", needs)  # type: ignore[arg-type]
        except Refusal:
            continue
        town.them[f"{M}{one}"] = entity("Measure", str(one), dependsOn=needs)
    left = {ident: set(one["dependsOn"]) for ident, one in town.them.items()}
    while free := [ident for ident, needs in left.items() if not needs & set(left)]:
        for ident in free:
            del left[ident]
    assert not left


def test_the_plan_says_what_begins_too_early_and_who_pays(city: MemoryCity) -> None:
    a = said(city, name="a")
    b = said(city, name="b", dependsOn=[a], **{"from": "2025-01-01"})
    told = city.view("plan")
    by = {it["id"]: it for it in told["measures"]}
    assert by[b]["early"] == [{"id": a, "name": "a", "why": "it ends on 2026-12-31"}]
    assert told["money"] == [
        {
            "currency": "EUR",
            "capital": 2_000_000,
            "yearly": 40_000,
            "of": 2,
            "by": {"public": 1_200_000, "private": 800_000},
        }
    ]
    to(city, b, "approved")
    with pytest.raises(Refusal, match="waits for a"):
        to(city, b, "under-way")
    to(city, a, "approved", "under-way", "done")
    to(city, b, "under-way")
    with pytest.raises(NotFound):
        city.view("one", {"id": a + "x"})


# ---- money


def test_what_a_measure_is_worth_is_told_with_every_assumption(city: MemoryCity) -> None:
    ident = said(city)
    told = city.view("finance", {"id": ident, "rate": "0.04", "years": "10"})
    factor = (1 - 1.04**-10) / 0.04
    assert told["npv"] == pytest.approx(130_000 * factor - 1_000_000)
    by = {it["name"]: (it["value"], it["from"]) for it in told["assumptions"]}
    assert (by["rate"], by["years"]) == ((0.04, "asked"), (10, "asked"))
    assert (by["capital"], by["inflation"]) == ((1_000_000, "the measure"), (0.0, "taken here"))
    assert {it["name"] for it in told["tornado"]} == {"capital", "yearly", "benefit", "rate", "years", "delay"}
    assert told["chance"]["seed"] == 1
    assert told == city.view("finance", {"id": ident, "rate": "0.04", "years": "10"})
    with pytest.raises(Refusal, match="rate of exchange"):
        city.view("finance", {"id": ident, "currency": "CZK"})
    for wrong in (
        {"rate": "x"},
        {"rate": "2"},
        {"years": "0"},
        {"years": "2.5"},
        {"prices": "old"},
        {"spread": "1"},
        {"runs": "1e9"},
        {"rate": "nan"},
    ):
        with pytest.raises(Refusal):
            city.view("finance", {"id": ident} | wrong)
    with pytest.raises(Refusal, match="what it costs"):
        city.view("finance", {"id": said(city, cost=None, funding=None, benefitYearly=None)})


def test_payments_by_their_days_are_worth_what_the_manual_says(city: MemoryCity) -> None:
    # Microsoft's example of XNPV and XIRR, told in another order.
    paid = {"2008-03-01": 2_750, "2008-01-01": -10_000, "2009-02-15": 3_250, "2008-10-30": 4_250, "2009-04-01": 2_750}
    ident = said(city, payments=[{"on": on, "amount": amount} for on, amount in paid.items()])
    told = city.view("finance", {"id": ident, "rate": "0.09"})["payments"]
    assert (told["npv"], told["irr"]) == (pytest.approx(2_086.65, abs=0.005), pytest.approx(0.373362535, abs=1e-8))
    assert (told["many"], told["from"]) == (5, "2008-01-01")
    assert city.view("finance", {"id": said(city)})["payments"] is None


def test_a_citys_own_discount_rate_goes_before_the_one_taken_here() -> None:
    with MemoryCity(
        app, start="2026-01-02T12:00:00Z", settings={"strategy": {"discount_rate": 0.05}}
    ).closing() as city:
        told = city.view("finance", {"id": said(city)})
        assert ({"name": "rate", "value": 0.05, "from": "the city's setting"}.items()) <= told["assumptions"][4].items()
        nominal = city.view("finance", {"id": said(city), "prices": "nominal", "inflation": "0.05"})
        assert nominal["realRate"] == pytest.approx(0)


def test_ways_to_pay_for_an_identity_are_told_with_the_citys_numbers() -> None:
    with MemoryCity(app, settings={"strategy": {"identity": {"population": 20_000, "ceiling": 9}}}).closing() as city:
        told = city.view("identity", {"rate": "0.02"})
        by = {it["name"]: (it["value"], it["from"]) for it in told["assumptions"]}
        assert (by["population"], by["rate"]) == ((20_000, "the city's setting"), (0.02, "asked"))
        assert by["ceiling"] == (0.8, "taken here")  # what the setting says is no share
        assert [it["model"] for it in told["models"]] == [
            "government",
            "user",
            "relying",
            "concession",
            "advertising-free",
        ]
        for wrong in ({"population": "0"}, {"ceiling": "2"}, {"years": "inf"}):
            with pytest.raises(Refusal):
                city.view("identity", wrong)


# ---- blocks


def test_blocks_that_departments_share_are_found_with_what_that_saves(city: MemoryCity) -> None:
    said(city, name="Portal", department="people", workflows=["client communication"], sdg=["16.6"],
         blocks=[{"name": "messaging", "cost": 100_000}])  # fmt: skip
    said(city, name="Alarms", department="safety", sdg=["11.5", "9.1"], blocks=[{"name": "messaging", "cost": 60_000}])
    said(city, name="Post", department="safety", workflows=["work planning and coordination"])
    told = city.view("blocks", {"reuse": "0.5"})
    (messaging,) = [it for it in told["blocks"] if it["block"] == "messaging"]
    assert messaging["departments"] == ["people", "safety"]
    assert messaging["savings"] == [
        {"currency": "EUR", "alone": 160_000, "together": 130_000, "saved": 30_000, "of": 2}
    ]
    assert len(messaging["measures"]) == 3
    assert told["saved"] == {"EUR": 30_000}
    assert [it["target"] for it in told["chain"]] == ["9.1", "11.5", "16.6"]
    with pytest.raises(Refusal):
        city.view("blocks", {"reuse": "1.5"})


def test_costs_of_two_currencies_are_not_added_and_those_not_said_do_not_count() -> None:
    def plan(name: str, currency: str, cost: float | None) -> blocks.Plan:
        return blocks.Plan(name, name, name, currency, (), (), {"payments": cost})

    users = [plan("a", "EUR", 10), plan("b", "CZK", 500), plan("c", "EUR", 4), plan("d", "EUR", None)]
    assert [(it["currency"], it["saved"], it["of"]) for it in blocks.savings(users, "payments", 0.25)] == [
        ("CZK", 0, 1),
        ("EUR", 3, 2),
    ]
    assert blocks.shared(users[:1], 0.25) == []
    assert all(set(some) <= set(blocks.BLOCKS) for some in blocks.WORKFLOWS.values())


# ---- reviews


def verdict(city: MemoryCity) -> str:
    (one,) = city.find("MeasureOutcome")
    return str(one["verdict"])


@pytest.mark.parametrize(
    ("after", "word"), [(60.0, "as expected"), (57.4, "less"), (57.6, "as expected"), (62.6, "more"), (40.0, "less")]
)
def test_at_the_review_expected_is_compared_with_actual(city: MemoryCity, after: float, word: str) -> None:
    city.say(kpi("2022", 45.0), kpi("2023", 50.0), kpi("2024", 54.0), kpi("2025", after), kpi("2026", 99.0))
    to(city, said(city), "approved")
    city.turn(seconds=3_600)
    assert city.find("MeasureOutcome") == []
    city.turn(seconds=14 * 86_400)
    (one,) = city.find("MeasureOutcome")
    (effect,) = one["effects"]
    assert one["verdict"] == word
    assert (effect["beforePeriod"], effect["afterPeriod"], effect["expected"]) == ("2023", "2025", 10)
    assert effect["actual"] == pytest.approx(after - 50.0)
    assert "no proof" in effect["said"]


def test_what_cannot_be_said_is_not_guessed_and_is_said_when_values_come(city: MemoryCity) -> None:
    ident = said(city)
    to(city, ident, "approved")
    city.turn(seconds=14 * 86_400)
    assert verdict(city) == "cannot say"
    city.say(kpi("2023", 50.0), kpi("2025", 60.0, status="not reported"))
    city.turn(seconds=7_200)
    assert verdict(city) == "cannot say"
    city.say(kpi("2025", 60.0, unit="1"))
    city.turn(seconds=7_200)
    assert "units differ" in city.view("reviews")["outcomes"][0]["effects"][0]["said"]
    city.say(kpi("2025", 60.0))
    city.turn(seconds=7_200)
    assert verdict(city) == "as expected"
    before = len(city.changes)
    city.turn(seconds=86_400)
    assert len(city.changes) == before  # what is so already is not said again
    (one,) = city.find("MeasureOutcome")
    with pytest.raises(Refusal):
        city.act("review", one.id, note="well", reviewAt="2020-01-01")
    city.act("review", one.id, note="as we hoped", reviewAt="2027-01-15")
    assert city.get(ident)["reviewAt"] == "2027-01-15"
    city.say(kpi("2025", 10.0))
    city.turn(seconds=7_200)
    assert verdict(city) == "as expected"  # what somebody has looked at stands
    with pytest.raises(Conflict):
        city.act("review", one.id, note="again")


def test_a_measure_that_is_only_proposed_has_no_outcome(city: MemoryCity) -> None:
    said(city)
    city.turn(seconds=14 * 86_400)
    assert city.find("MeasureOutcome") == []
    assert city.view("reviews")["due"] == []


def test_part_of_the_years_gone_by_is_part_of_what_is_due_and_a_fall_can_be_wanted() -> None:
    known = [outcome.Value(2023, 2024, "2023", 50.0, "%"), outcome.Value(2024, 2025, "2024", 46.0, "%")]
    told = outcome.judged(EFFECT | {"change": -8}, known, "2024-01-01", "2025-02-01")
    assert (told["expected"], told["actual"], told["verdict"]) == (pytest.approx(-4), -4.0, "as expected")
    told = outcome.judged(EFFECT, known, "2024-01-01", "2025-02-01")
    assert (told["share"], told["verdict"]) == (pytest.approx(-0.8), "less")
    words = ["as expected", "more", "cannot say", "less"]
    assert [outcome.whole([{"verdict": it} for it in words[:n]]) for n in (0, 1, 2, 3, 4)] == [
        *("cannot say", "as expected", "more", "more", "less")
    ]


def test_an_owner_is_reminded_once_of_a_review(city: MemoryCity) -> None:
    ident = said(city)
    to(city, ident, "approved")
    city.turn(seconds=3_600)
    (notice,) = city.find("Notice")
    assert (notice["to"], notice["status"], notice["about"]) == (["person:ada"], "written", ident)
    assert ident in notice["message"]
    city.say(entity("Notice", notice.id, status="sent"))
    city.turn(seconds=86_400)
    assert city.get(notice.id)["status"] == "sent"
    said(city, owner="the water board", name="Pipes")
    city.turn(seconds=3_600)
    assert len(city.find("Notice")) == 1


# ---- the loop


def test_gaps_are_joined_with_what_is_done_and_what_the_bank_knows(city: MemoryCity) -> None:
    points = [{"key": "", "value": 60.0, "target": 90.0}]
    city.say(kpi("2023", 50.0), kpi("2025", 60.0, points=points))
    city.say(kpi("2025", 5.0, code="EC: ICT: ICT: 2C"))  # no target: no gap is made up
    bank = [{"framework": "u4ssc", "code": CODE, "change": 4.0, "unit": "%", "perYears": 1, "evidence": "measured"}]
    city.say(entity("Solution", "wires", name="Wires", status="listed", effects=bank))
    ident = said(city, **{"from": "2026-01-01", "reviewAt": "2028-01-15", "until": "2028-12-31"})
    said(city, name="Begun", **{"from": "2025-01-01", "reviewAt": "2027-01-15"})
    told = city.view("loop")
    (gap,) = told["gaps"]
    assert (gap["value"], gap["target"], gap["gap"], gap["direction"], gap["met"]) == (
        60.0,
        90.0,
        30.0,
        "higher",
        False,
    )
    assert (gap["measures"], gap["left"]) == ([], 30.0)
    to(city, ident, "approved")
    (gap,) = city.view("loop")["gaps"]
    assert (gap["expected"], gap["left"]) == (10, 20.0)
    assert [it["id"] for it in gap["measures"]] == [ident]
    assert [it["name"] for it in gap["solutions"]] == ["Wires"]
    begun = next(it["id"] for it in city.view("plan")["measures"] if it["name"] == "Begun")
    to(city, begun, "approved")
    (gap,) = city.view("loop")["gaps"]
    # One of its two years is in the value of 2025 already.
    assert (gap["expected"], gap["left"]) == (pytest.approx(15), pytest.approx(15))
    city.say(entity("KpiTarget", "t", framework="u4ssc", code=CODE, point="", area="city", target=55, year=2027))
    (gap,) = city.view("loop")["gaps"]
    assert (gap["met"], gap["gap"], gap["year"]) == (True, 0.0, 2027)
    city.say(kpi("2025", 1.0, code="own 1", framework="own", points=[{"key": "", "value": 1.0, "target": 2.0}]))
    own = next(it for it in city.view("loop")["gaps"] if it["framework"] == "own")
    assert (own["gap"], "not known" in own["said"]) == (None, True)


def test_a_stage_opens_by_values_or_with_a_reason(city: MemoryCity) -> None:
    criterion = {"framework": "u4ssc", "code": CODE, "op": ">=", "value": 55, "unit": "%"}
    city.act("gates", roles=("supervisor",), stage="alignment", criteria=[criterion])
    told = city.view("city")
    assert (told["stage"], told["next"], told["criteria"][0]["state"]) == ("planning", "alignment", "not known")
    with pytest.raises(Refusal, match="is not known"):
        city.act("stage", roles=("supervisor",), stage="alignment")
    city.say(kpi("2025", 54.0))
    with pytest.raises(Refusal, match="is not met"):
        city.act("stage", roles=("supervisor",), stage="alignment")
    city.say(kpi("2025", 55.0))
    assert city.view("city")["open"] is True
    city.act("stage", roles=("supervisor",), stage="alignment")
    with pytest.raises(Conflict):
        city.act("stage", roles=("supervisor",), stage="alignment", reason="again")
    with pytest.raises(Refusal):
        city.act("stage", roles=("supervisor",), stage="optimisation")
    city.act("stage", roles=("supervisor",), stage="planning", reason="it was too early")
    for wrong in ({"stage": "planning", "criteria": []}, {"stage": "alignment", "criteria": [criterion | {"op": "~"}]}):
        with pytest.raises(Refusal):
            city.act("gates", roles=("supervisor",), **wrong)
    with pytest.raises(Forbidden):
        city.act("gates", stage="alignment", criteria=[])


# ---- the city


def test_the_kind_of_city_is_told_with_every_point_and_why(city: MemoryCity) -> None:
    worn = {"built": "little", "people": "shrunk", "networks": "many", "upkeep": "little"}
    city.act("profile", answers=worn)
    told = city.view("city")["judged"]
    assert (told["kind"], told["points"]) == ("deteriorated", {"new": 0, "mature": 2, "deteriorated": 10})
    assert [it["why"] for it in told["because"]][1] == "fewer people pay for the same networks"
    assert sum(it["points"].get("deteriorated", 0) for it in told["because"]) == 10
    with pytest.raises(Refusal) as fault:
        city.act("profile", kind="mature")
    assert fault.value.where == "reason"
    city.act("profile", kind="mature", reason="the networks are being renewed")
    assert city.view("city")["said"]["kind"] == "mature"
    city.act("profile", answers=worn)
    assert city.view("city")["said"] is None
    for wrong in ({"answers": {"built": "all"}}, {"answers": {"weather": "fine"}}, {"answers": []}, {"kind": "old"}):
        with pytest.raises(Refusal):
            city.act("profile", **wrong)


def test_too_few_answers_or_two_kinds_level_say_nothing() -> None:
    assert profile.judged({"built": "most"})["kind"] is None
    level = profile.judged({"built": "most", "people": "shrunk", "networks": "few", "systems": "none", "empty": "some"})
    assert level["kind"] == "new"
    level = profile.judged({"built": "most", "people": "shrunk", "systems": "none", "empty": "some"})
    assert (level["kind"], level["points"]["new"]) == (None, level["points"]["deteriorated"])
    assert "are level" in level["said"]


def test_phases_have_names_of_their_own_and_end_after_they_begin(city: MemoryCity) -> None:
    first = {"name": "Ground", "from": "2024-01-01", "until": "2025-12-31", "goal": "fibre"}
    city.act("phases", phases=[first])
    assert city.view("plan")["phases"] == [first]
    for wrong in ([first, first], [first | {"until": "2023-01-01"}], [{}], "x"):
        with pytest.raises(Refusal):
            city.act("phases", phases=wrong)


# ---- the register

DEAL = {
    "name": "Fibre partnership", "kind": "partnership",
    "from": "2024-01-01", "until": "2034-01-01", "reviewAt": "2025-01-01",
    "parties": [{"name": "City", "duties": ["lets ducts"]}, {"name": "Net AG", "duties": ["builds", "runs"]}],
}  # fmt: skip
LAW = {
    "name": "Ducts",
    "kind": "by-law",
    "state": "in-force",
    "reference": "VZN 4/2023",
    "authority": "Council",
    "from": "2023-05-01",
}
TRIAL = {
    "name": "Robots on pavements", "scope": "Two streets, 6 km/h.", "authority": "Council", "from": "2025-01-01",
    "until": "2026-12-31", "safeguards": ["a person sees each robot"], "exit": ["no injury", "5 % fewer vans"],
}  # fmt: skip


def test_the_register_keeps_agreements_rules_and_trials(city: MemoryCity) -> None:
    ident = said(city)
    city.act("agreement", **DEAL, measures=[ident])
    city.act("rule", **LAW, measures=[ident])
    city.act("sandbox", **TRIAL)
    told = city.view("register")
    assert [(it["name"], it["stands"], it["review"]) for it in told["agreements"]] == [
        ("Fibre partnership", "running", "due")
    ]
    assert [it["stands"] for it in told["rules"]] == ["in-force"]
    assert [it["stands"] for it in told["sandboxes"]] == ["running"]
    one = city.view("one", {"id": ident})
    assert ([it["name"] for it in one["agreements"]], [it["name"] for it in one["rules"]]) == (
        ["Fibre partnership"],
        ["Ducts"],
    )
    city.act("rule", told["rules"][0]["id"], state="ended", until="2026-01-01")
    assert city.view("register")["rules"][0]["stands"] == "ended"


@pytest.mark.parametrize(
    ("act", "whole", "change", "where"),
    [
        ("agreement", DEAL, {"parties": DEAL["parties"][:1]}, "parties"),
        ("agreement", DEAL, {"parties": [{"name": "City"}, {"name": "Net AG"}]}, "parties"),
        ("agreement", DEAL, {"until": "2023-01-01"}, "until"),
        ("agreement", DEAL, {"reviewAt": "2040-01-01"}, "reviewAt"),
        ("agreement", DEAL, {"kind": "handshake"}, "kind"),
        ("rule", LAW, {"from": None}, "from"),
        ("rule", LAW, {"state": "ended"}, "until"),
        ("rule", LAW, {"kind": "habit"}, "kind"),
        ("sandbox", TRIAL, {"safeguards": []}, "safeguards"),
        ("sandbox", TRIAL, {"exit": []}, "exit"),
        ("sandbox", TRIAL, {"until": "2035-01-01"}, "until"),
        ("sandbox", TRIAL, {"status": "ended"}, "status"),
    ],
)
def test_what_does_not_belong_in_the_register_is_refused(
    city: MemoryCity, act: str, whole: dict[str, Any], change: dict[str, Any], where: str
) -> None:
    with pytest.raises(Refusal) as fault:
        city.act(act, **(whole | change))
    assert fault.value.where == where


def test_a_trial_ends_by_its_criteria(city: MemoryCity) -> None:
    (change,) = city.act("sandbox", **TRIAL)
    ident = change.entity.id
    met = [{"met": True, "note": ""}, {"met": False, "note": "2 %"}]
    end = {"result": "changed", "report": "fewer vans, less than hoped"}
    with pytest.raises(Forbidden):
        city.act("sandbox-end", ident, criteria=met, **end)
    for wrong in ({"criteria": met[:1]}, {"criteria": met, "result": "adopted"}, {"criteria": [{"met": "yes"}] * 2}):
        with pytest.raises(Refusal):
            city.act("sandbox-end", ident, roles=("supervisor",), **(end | wrong))
    city.act("sandbox-end", ident, roles=("supervisor",), criteria=met, **end)
    (told,) = city.view("register")["sandboxes"]
    assert (told["stands"], told["result"], told["criteria"][1]["criterion"]) == ("ended", "changed", "5 % fewer vans")
    with pytest.raises(Conflict):
        city.act("sandbox", ident, scope="Everywhere.")
    with pytest.raises(Conflict):
        city.act("sandbox-end", ident, roles=("supervisor",), criteria=met, **end)
    city.turn(seconds=1)
    (later,) = city.act("sandbox", **(TRIAL | {"from": "2026-06-01"}))
    with pytest.raises(Conflict, match="not begun"):
        city.act("sandbox-end", later.entity.id, roles=("supervisor",), criteria=met, **end)


def test_points_of_an_indicator_are_judged_each_for_itself() -> None:
    before, after = ({"key": "3g", "value": 80.0}, {"key": "4g", "value": 50.0}), ({"key": "4g", "value": 58.0},)
    with MemoryCity(app, start="2026-02-01T12:00:00Z").closing() as city:
        city.say(kpi("2023", None, unit=None, points=list(before)), kpi("2025", None, unit=None, points=list(after)))
        ident = said(city, effects=[EFFECT | {"point": "4g"}, EFFECT | {"point": "3g"}])
        to(city, ident, "approved")
        city.turn(seconds=3_600)
        (one,) = city.find("MeasureOutcome")
        assert [(it["point"], it["verdict"]) for it in one["effects"]] == [("4g", "as expected"), ("3g", "cannot say")]
        assert one["verdict"] == "as expected"


def test_a_citys_own_framework_says_which_way_is_better(city: MemoryCity) -> None:
    own = kpi_document("own", "Own 1", "lower")
    city.say(entity("KpiFramework", "own", framework="own", own=True, text=json.dumps(own)))
    city.say(kpi("2025", 5.0, code="Own 1", framework="own", points=[{"key": "", "value": 5.0, "target": 2.0}]))
    (gap,) = city.view("loop")["gaps"]
    assert (gap["direction"], gap["gap"]) == ("lower", 3.0)
    city.say(entity("KpiFramework", "own", framework="own", own=True, text="{not json"))
    (gap,) = city.view("loop")["gaps"]
    assert gap["gap"] is None


def kpi_document(ident: str, code: str, way: str) -> dict[str, Any]:
    """A framework of the city's own with one indicator: the shipped one, cut down."""
    whole = engine.framework("u4ssc").document
    (one,) = (it for it in whole["indicators"] if it["code"] == "EC: P: EM: 1C")
    one = dict(one) | {"code": code, "direction": way, "points": [dict(one["points"][0]) | {"direction": way}]}
    return {**whole, "id": ident, "indicators": [one], "checks": [], "weights": {"version": "1", "of": {}}}
