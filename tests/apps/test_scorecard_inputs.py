"""What people say of inputs: entered with evidence, verified by a second person, corrected, and computed from."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scorecards import enter, pack, sheet_file, small_city

from hansa import BadRequest, Conflict, Entity, Forbidden, NotFound, Refusal, entity
from hansa.app import File
from hansa.apps.scorecard import app, computing, nouns, rounds
from hansa.testing import MemoryCity

INPUT, KPI = "KpiInput", "KeyPerformanceIndicator"


@pytest.fixture
def city() -> Any:
    with small_city().closing() as made:
        yield made


@pytest.fixture
def eve() -> Any:
    with small_city(start="2026-12-31T22:50:00Z").closing() as made:  # 23:50 in Bratislava
        yield made


def value(city: MemoryCity, code: str, period: str = "2025") -> Entity:
    return city.get(nouns.indicator_id("small", code, "city", period))


def said(city: MemoryCity, name: str, period: str = "2025") -> Entity:
    return city.get(nouns.input_id("small", name, "city", period))


def computed(city: MemoryCity, since: int) -> list[str]:
    """The codes of indicators that changed since, in order."""
    return sorted(one.entity["code"] for one in city.changes[since:] if KPI in one.entity.types)


# ---- Frameworks


def test_a_citys_own_framework_is_taken_as_json_or_yaml_and_a_broken_one_says_what_is_wrong(city: MemoryCity) -> None:
    with pytest.raises(Forbidden):
        city.act("adopt", framework="u4ssc", roles=("operator",))
    import yaml

    city.act("adopt", text=yaml.safe_dump(pack("other")), roles=("supervisor",))
    assert {one["id"] for one in city.view("frameworks")["frameworks"] if one["used"]} == {"small", "other"}
    broken = pack("broken")
    broken["indicators"][0]["points"][0]["formula"] = "100 * online / nobody"
    with pytest.raises(BadRequest, match="nobody"):
        city.act("adopt", text=json.dumps(broken), roles=("supervisor",))
    for text in ("{", "a: [1", "a: &x [1]\nb: *x", "[1, 2]", "", "a: !!python/object:os.system {}", "[" * 3_000):
        with pytest.raises(BadRequest):
            city.act("adopt", text=text, roles=("supervisor",))
    with pytest.raises(Refusal, match="id of a framework that ships"):
        city.act("adopt", text=json.dumps(pack("u4ssc")), roles=("supervisor",))


def test_a_framework_is_adopted_in_the_edition_that_is_here_and_left_again(city: MemoryCity) -> None:
    with pytest.raises(Refusal, match="edition"):
        city.act("adopt", framework="u4ssc", edition="1066", roles=("supervisor",))
    city.act("adopt", framework="u4ssc", roles=("supervisor",))
    enter(city, "population", 9_000.0, framework="u4ssc")
    city.act("leave", framework="u4ssc", roles=("supervisor",))
    with pytest.raises(Refusal, match="does not use"):
        enter(city, "households", 3_000.0, framework="u4ssc")
    assert city.get(nouns.input_id("u4ssc", "population", "city", "2025"))["value"] == 9_000


# ---- Entering


def test_an_entered_value_has_its_evidence_and_what_depends_on_it_is_computed(city: MemoryCity) -> None:
    enter(city, "households", 100, evidence={"text": "register", "url": "https://city.example/r.pdf"}, by="person:ida")
    enter(city, "online", 80)
    one = said(city, "households")
    assert (one["status"], one["how"], one["by"], one["completeness"]) == ("reported", "entered", "person:ida", 1.0)
    assert one["evidence"] == {"text": "register", "url": "https://city.example/r.pdf"}
    found = value(city, "S: 1")
    assert (found["kpiValue"], found["status"], found["provisional"], found.label) == (80.0, "reported", False, "smart")
    assert [one["input"] for one in found["lineage"]["inputs"]] == ["online", "households"]
    assert "person:" not in json.dumps(found["lineage"])  # it may be published, who entered it not


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"value": "80"}, None),
        ({"value": "many"}, "not a number"),
        ({"value": True}, "not a number"),
        ({"value": 1e300}, "not a number"),
        ({"value": -5}, "cannot be"),
        ({"evidence": {}}, "where it is from"),
        ({"evidence": {"url": "javascript:alert(1)"}}, "begins with http"),
        ({"evidence": ["x"]}, "evidence"),
        ({"period": "2027"}, "has not begun"),
        ({"period": "25"}, "no period"),
        ({"period": 1e9}, "no period"),
        ({"input": "housholds"}, "no input"),
        ({"input": ["households"]}, "no input"),
        ({"area": "urn:ngsi-ld:District:nowhere"}, "no area"),
        ({"area": 'x"; drop'}, "area"),
        ({"status": "fine"}, "status"),
        ({"status": "not reported"}, "reason"),
        ({"status": "not reported", "reason": "nobody knows"}, "has no value"),
        ({"unit": "ppm"}, "cannot be turned"),
        ({"framework": "nothing"}, "does not use"),
        ({"framework": {"$ne": 1}}, "no such framework"),
    ],
)
def test_what_cannot_be_so_is_refused_and_says_where(city: MemoryCity, more: dict[str, Any], why: str | None) -> None:
    if why is None:
        enter(city, "households", None, **more)
        assert said(city, "households")["value"] == 80.0
        return
    with pytest.raises(BadRequest, match=why) as caught:
        enter(city, "households", 80.0, **more)
    assert caught.value.where
    assert city.find(INPUT) == []


def test_units_are_converted_where_they_are_of_one_kind_and_ppm_is_no_mass_in_a_volume(city: MemoryCity) -> None:
    enter(city, "cycle_km", 7_800, unit="m")
    assert said(city, "cycle_km")["value"] == 7.8
    enter(city, "pm10", 0.02, unit="mg/m3")
    assert said(city, "pm10")["value"] == pytest.approx(20.0)
    with pytest.raises(Refusal, match="ppm"):
        enter(city, "no2", 0.02, unit="ppm")


def test_two_values_for_one_period_are_refused_unless_one_corrects_the_other_with_a_reason(city: MemoryCity) -> None:
    enter(city, "households", 100)
    before = len(city.changes)
    enter(city, "households", 100)  # the same again is no second value
    assert said(city, "households")["value"] == 100
    with pytest.raises(Refusal, match="is 100 already"):
        enter(city, "households", 120)
    with pytest.raises(Refusal, match="why"):
        enter(city, "households", 120, correct=True)
    city.turn(seconds=60)
    enter(city, "households", 120, correct=True, reason="a street was left out")
    one = said(city, "households")
    assert (one["value"], one["correction"]) == (120, "a street was left out")
    assert [point.value for point in city.history(one.id, "value")] == [100, 120]
    assert len(city.changes) > before


def test_more_online_than_there_are_households_is_refused_whichever_comes_first(city: MemoryCity) -> None:
    enter(city, "online", 80)
    with pytest.raises(Refusal, match="more households online"):
        enter(city, "households", 70)
    enter(city, "households", 100)
    with pytest.raises(Refusal, match="more households online"):
        enter(city, "online", 101, correct=True, reason="recount")


def test_dividing_by_nothing_leaves_no_number_and_says_why(city: MemoryCity) -> None:
    enter(city, "cycle_km", 5)
    with pytest.raises(Refusal, match=r"zero|0"):
        enter(city, "population", 0)
    enter(city, "population", 1_000)
    assert value(city, "S: 2")["kpiValue"] == 500


def test_what_nobody_can_say_is_said_with_the_reason_and_takes_the_number_away(city: MemoryCity) -> None:
    enter(city, "population", 1_000)
    enter(city, "beds", 10)
    assert value(city, "S: 3")["kpiValue"] == 1_000
    with pytest.raises(Refusal, match="already"):
        enter(city, "beds", None, status="not reported", reason="the clinic did not answer")
    enter(city, "beds", None, status="not reported", reason="the clinic took it back", correct=True)
    found = value(city, "S: 3")
    assert (found["status"], found["reason"], found["missing"]) == ("not reported", "the clinic took it back", ["beds"])
    assert "kpiValue" not in found
    assert found["points"][0]["value"] is None
    past = city.view("input", {"id": said(city, "beds").id})["history"]
    assert [point["value"] for point in past] == [10, None]


def test_an_indicator_that_does_not_apply_is_said_by_its_code(city: MemoryCity) -> None:
    city.act("enter", framework="small", code="s 3", period="2025", status="not applicable", reason="no hospital")
    assert value(city, "S: 3")["status"] == "not applicable"
    with pytest.raises(Refusal, match="of an input"):
        city.act("enter", framework="small", code="S: 3", period="2025", value=3, evidence="x")
    with pytest.raises(NotFound):
        city.act("enter", framework="small", code="S: 9", period="2025", status="not reported", reason="x")


def test_of_several_data_points_those_are_computed_whose_inputs_are_there(city: MemoryCity) -> None:
    enter(city, "pm10", 20.0)
    found = value(city, "S: 4")
    assert found["status"] == "reported"
    assert [(one["key"], one["value"]) for one in found["points"]] == [("pm10", 20.0), ("no2", None)]
    assert "kpiValue" not in found
    assert found["missing"] == ["no2"]


# ---- What cannot be so, by U4SSC's own checks

IMPLAUSIBLE = (
    ({"city_gdp": 100, "rd_expenditure": 40}, "quarter of its product"),
    ({"households": 200, "households_basic_water": 100, "households_potable_water": 120}, "potable"),
    ({"waste": 100, "waste_landfill": 50, "waste_burnt": 0, "waste_incinerated": 0, "waste_open_dump": 0,
      "waste_recycled": 30, "waste_other": 0}, "sum to 100"),
    ({"youth_unemployed": 100, "youth_labour_force": 50}, "cannot be above 100"),
    ({"electricity_meters": 10, "smart_electricity_meters": 11}, "above 100"),
)  # fmt: skip


@pytest.mark.parametrize(("numbers", "why"), IMPLAUSIBLE)
def test_what_u4ssc_says_cannot_be_is_refused_with_the_last_number_of_it(numbers: dict[str, float], why: str) -> None:
    with small_city(keep=False).closing() as city:
        city.act("adopt", framework="u4ssc", roles=("supervisor",))
        *first, last = numbers
        for name in first:
            enter(city, name, numbers[name], framework="u4ssc")
        with pytest.raises(Refusal, match=why) as caught:
            enter(city, last, numbers[last], framework="u4ssc")
        assert caught.value.mend
        assert city.find(INPUT, f'input=="{last}"') == []


def test_what_is_odd_is_taken_and_told_beside_the_value(city: MemoryCity) -> None:
    city.act("adopt", framework="u4ssc", roles=("supervisor",))
    enter(city, "city_gdp", 100, framework="u4ssc")
    enter(city, "rd_expenditure", 12, framework="u4ssc")
    found = city.get(nouns.indicator_id("u4ssc", "EC: P: IN: 1C", "city", "2025"))
    assert (found["kpiValue"], len(found["warnings"])) == (12, 1)


# ---- Exactly the dependants


def test_one_changed_input_computes_exactly_its_dependants_of_its_period_and_no_other(city: MemoryCity) -> None:
    for name, number in (("population", 1_000), ("beds", 10), ("cycle_km", 5), ("households", 100), ("online", 50)):
        for period in ("2024", "2025"):
            enter(city, name, number, period)
    before = len(city.changes)
    enter(city, "population", 2_000, correct=True, reason="census")
    assert computed(city, before) == ["S: 2", "S: 3"]
    assert {one.entity["period"] for one in city.changes[before:] if KPI in one.entity.types} == {"2025"}
    assert value(city, "S: 3")["kpiValue"] == 500
    before = len(city.changes)
    enter(city, "online", 60, correct=True, reason="recount")
    assert computed(city, before) == ["S: 1"]


def test_a_number_of_its_own_is_wanted_before_an_indicator_is_told_of(city: MemoryCity) -> None:
    enter(city, "population", 1_000)
    assert city.find(KPI) == []  # how many live here says nothing of beds


# ---- Verifying


def test_a_second_person_verifies_what_he_has_seen_and_a_correction_makes_it_unverified(city: MemoryCity) -> None:
    enter(city, "households", 100, by="person:ida")
    enter(city, "online", 80, by="person:ida")
    one = said(city, "households")
    with pytest.raises(Refusal, match="does not verify"):
        city.act("verify", one.id, by="person:ida", roles=("supervisor",), value=100)
    with pytest.raises(Forbidden):
        city.act("verify", one.id, by="person:tom", roles=("operator",), value=100)
    with pytest.raises(Forbidden):
        city.act("verify", one.id, by="", roles=(), value=100)  # public in name only
    with pytest.raises(Conflict, match="by now"):
        city.act("verify", one.id, by="person:tom", roles=("auditor",), value=99)
    city.act("verify", one.id, by="person:tom", roles=("auditor",), value=100)
    assert value(city, "S: 1")["status"] == "reported"  # the other input is not
    city.act("verify", said(city, "online").id, by="person:tom", roles=("auditor",), value=80)
    found = value(city, "S: 1")
    assert (found["status"], found["verifiedBy"]) == ("verified", "auditor")
    with pytest.raises(Refusal, match="is verified"):
        city.act("verify", one.id, by="person:kim", roles=("auditor",), value=100)
    enter(city, "online", 82, correct=True, reason="recount")
    one = said(city, "online")
    assert one["status"] == "reported"
    assert "verifiedBy" not in one
    assert [point.value for point in city.history(one.id, "value")] == [80, 82]
    assert (value(city, "S: 1")["status"], "verifiedBy" in value(city, "S: 1")) == ("reported", False)


def test_a_year_that_still_runs_is_provisional_and_is_not_verified_before_it_is_over(eve: MemoryCity) -> None:
    city = eve
    enter(city, "pm10", 20.0, "2026")
    one = said(city, "pm10", "2026")
    assert one["provisional"]
    assert value(city, "S: 4", "2026")["provisional"]
    with pytest.raises(Refusal, match="still runs"):
        city.act("verify", one.id, by="person:tom", roles=("auditor",), value=20)
    city.turn(seconds=900)
    assert said(city, "pm10", "2026")["provisional"] is False
    assert value(city, "S: 4", "2026")["provisional"] is False
    city.act("verify", one.id, by="person:tom", roles=("auditor",), value=20)


def test_nobody_says_an_input_or_a_value_past_the_acts(city: MemoryCity) -> None:
    from hansa.model.change import Refused, Write
    from hansa.trust.actors import Actor
    from hansa.trust.labels import Sight

    enter(city, "households", 100)
    one = said(city, "households")
    who = Sight("person:eve", classes=frozenset({"open", "smart"}), who=Actor("person:eve", frozenset({"supervisor"})))
    for kind, ident in ((INPUT, one.id), (KPI, nouns.indicator_id("small", "S: 1", "city", "2025"))):
        doc = entity(kind, ident, value=7, code="S: 1", points=[]).doc
        assert isinstance(city.write(Write("upsert_update", ident, doc), sight=who)[0], Refused)
    assert said(city, "households")["value"] == 100


# ---- Targets


def test_without_a_target_nothing_is_scored_and_with_one_it_is_by_the_year_that_counts(city: MemoryCity) -> None:
    enter(city, "households", 100)
    enter(city, "online", 60)
    assert (value(city, "S: 1").get("band"), value(city, "S: 1")["points"][0]["target"]) == (None, None)
    goal = {"framework": "small", "code": "S: 1", "reason": "the council's plan"}
    city.act("target", **goal, target=80, year=2026)
    city.act("target", **goal, target=100, year=2030)
    found = value(city, "S: 1")
    assert found["points"][0]["target"] == 80  # 2025 counts towards 2026
    assert (found["percentOfTarget"], found["band"], found["points"][0]["points"]) == (75.0, "66-95", 3)
    assert [one["year"] for one in city.view("targets", {"framework": "small"})["targets"]] == [2026, 2030]
    city.act("drop_target", nouns.target_id("small", "S: 1", "", "city", 2026), reason="superseded")
    assert (value(city, "S: 1")["percentOfTarget"], value(city, "S: 1")["band"]) == (60.0, "33-66")
    city.act("drop_target", nouns.target_id("small", "S: 1", "", "city", 2030), reason="no plan any more")
    assert "band" not in value(city, "S: 1")


@pytest.mark.parametrize(
    "more", [{"target": "high"}, {"year": "2030"}, {"year": 1066}, {"point": "x"}, {"code": "X"}, {"reason": " "}]
)
def test_a_target_that_is_none_is_refused(city: MemoryCity, more: dict[str, Any]) -> None:
    goal: dict[str, Any] = {"framework": "small", "code": "S: 1", "target": 80, "year": 2030, "reason": "plan"}
    with pytest.raises(BadRequest):
        city.act("target", **(goal | more))
    assert city.find("KpiTarget") == []


# ---- Publishing


def test_a_year_is_written_in_one_way_so_that_there_is_one_value_for_it(city: MemoryCity) -> None:
    enter(city, "beds", 5)
    for year in ("２０２５", "٢٠٢٥", "2025 AD"):
        with pytest.raises(Refusal, match="no period"):
            enter(city, "beds", 6, year)
    assert len(city.find(INPUT)) == 1
    for odd in ("1_000", "１２"):
        with pytest.raises(Refusal, match="not a number"):
            city.act("enter", framework="small", input="pm10", period="2025", value=odd, evidence="a letter")


@pytest.mark.parametrize("ident", ["../../etc/passwd", "..", "CON", "a" * 41, "a b", "<b>"])
def test_a_framework_whose_id_nobody_could_ask_for_is_refused_and_leaves_the_list_whole(
    city: MemoryCity, ident: str
) -> None:
    with pytest.raises(Refusal, match="cannot be the id"):
        city.act("adopt", text=json.dumps(pack(ident)), roles=("supervisor",))
    assert any(one["id"] == "small" for one in city.view("frameworks")["frameworks"])


@pytest.mark.parametrize("text", ["- " * 100_000, "a: " + "[" * 50_000, "? " * 20_000])
def test_yaml_too_deep_for_the_parser_is_refused_before_it_is_made_into_anything(city: MemoryCity, text: str) -> None:
    with pytest.raises(Refusal, match="levels deep"):
        city.act("adopt", text=text, roles=("supervisor",))


def test_a_code_with_any_signs_in_it_is_scored_like_another(city: MemoryCity) -> None:
    odd, code = pack("odd"), 'S: 3 (a&b) "q" <i>|;\\ ü'
    odd["indicators"][2]["code"] = code
    city.act("adopt", text=json.dumps(odd), roles=("supervisor",))
    for name, number in (("beds", 5), ("population", 1_000)):
        enter(city, name, number, framework="odd")
    city.act("target", framework="odd", code=code, target=1_000, year=2030, reason="a plan")
    found = city.get(nouns.indicator_id("odd", code, "city", "2025"))
    assert (found["kpiValue"], found["percentOfTarget"], found["band"]) == (500, 50, "33-66")


def test_what_was_verified_is_not_kept_so_with_other_evidence_or_from_somebody_else(city: MemoryCity) -> None:
    enter(city, "beds", 5, by="person:ida")
    for more in ({"evidence": {"text": "hearsay"}}, {"by": "person:tom"}):
        one = said(city, "beds")
        city.act("verify", one.id, by="person:eve", roles=("auditor",), value=5)
        enter(city, "beds", 5, **{"by": "person:ida"} | more)
        assert said(city, "beds")["status"] == "reported"
        assert "verifiedBy" not in said(city, "beds")
        enter(city, "beds", 5, by="person:ida")


def test_a_check_holds_an_input_against_those_of_other_indicators_whichever_comes_first(city: MemoryCity) -> None:
    city.act("adopt", framework="u4ssc", roles=("supervisor",))
    pairs = (("adults", 5_000), ("population", 1_000)), (("city_area_km2", 1), ("green_area_ha", 5_000))
    for first, last in (one[::way] for one in pairs for way in (1, -1)):
        year = "2020" if first[0] in {"adults", "city_area_km2"} else "2021"
        enter(city, *first, year, framework="u4ssc")
        with pytest.raises(Refusal, match=r"SC: EH: ED: 4C|EN: EN: PSN: 1C"):
            enter(city, *last, year, framework="u4ssc")


def test_what_is_odd_beside_another_indicator_is_told_of_both_and_goes_with_its_cause(city: MemoryCity) -> None:
    city.act("adopt", framework="u4ssc", roles=("supervisor",))
    for name, number in {
        "households": 100,
        "households_with_internet": 30,
        "fixed_broadband_subscriptions": 60,
    }.items():
        enter(city, name, number, framework="u4ssc")

    def warned() -> set[str]:
        return {one["code"] for one in city.find(KPI) if "normally below" in str(one.get("warnings"))}

    assert warned() == {"EC: ICT: ICT: 1C", "EC: ICT: ICT: 2C"}
    enter(city, "households_with_internet", 90, framework="u4ssc", correct=True, reason="a slip")
    assert warned() == set()
    enter(city, "households_with_internet", 20, framework="u4ssc", correct=True, reason="no slip")
    assert warned() == {"EC: ICT: ICT: 1C", "EC: ICT: ICT: 2C"}


def test_more_than_one_rule_can_tell_at_once_is_published_and_taken_back_by_the_rounds(
    city: MemoryCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "AT_ONCE", 2)
    for name, number in {"households": 100, "online": 80, "population": 1_000, "beds": 5, "pm10": 20}.items():
        enter(city, name, number)
    public = {"framework": "small", "period": "2025", "roles": ("supervisor",)}
    for act, label in (("publish", "open"), ("withdraw", "smart")):
        city.act(act, **public, reason="it is time")
        city.turn(seconds=3 * rounds.ROUND_S)
        assert {one.label for one in city.find(KPI)} == {label}


def test_what_is_published_is_open_from_then_on_and_can_be_taken_back(city: MemoryCity) -> None:
    public = {"framework": "small", "period": "2025"}
    with pytest.raises(Refusal, match="nothing"):
        city.act("publish", **public, roles=("supervisor",))
    enter(city, "pm10", 20)
    enter(city, "pm10", 19, "2024")
    with pytest.raises(Forbidden):
        city.act("publish", **public, roles=("operator",))
    city.act("publish", **public, roles=("supervisor",))
    assert (value(city, "S: 4").label, value(city, "S: 4", "2024").label) == ("open", "smart")
    enter(city, "households", 100)
    enter(city, "online", 80)
    assert value(city, "S: 1").label == "open"
    assert said(city, "online").label != "open"  # who entered it stays with staff
    city.act("withdraw", **public, reason="a mistake was found", roles=("supervisor",))
    assert {value(city, code).label for code in ("S: 1", "S: 4")} == {"smart"}
    city.act("publish", framework="small", period="2025", roles=("supervisor",))
    city.act("leave", framework="small", roles=("supervisor",))
    city.act("withdraw", framework="small", period="2025", reason="nobody keeps it", roles=("supervisor",))
    assert {value(city, code).label for code in ("S: 1", "S: 4")} == {"smart"}
    with pytest.raises(Refusal, match="not public"):
        city.act("withdraw", **public, reason="again", roles=("supervisor",))


# ---- Views


def test_views_say_what_stands_and_what_is_missing_and_who_has_it(city: MemoryCity) -> None:
    enter(city, "households", 100, by="person:ida")
    told = city.view("inputs", {"framework": "small", "period": "2025"}, by="person:ida", roles=("operator",))
    rows = {row["input"]: row for row in told["rows"]}
    assert (rows["households"]["value"], rows["households"]["verifiable"]) == (100, False)
    assert told["counts"]["reported"] == 1
    assert told["counts"]["nothing"] == 6
    told = city.view(
        "inputs", {"framework": "small", "period": "2025", "code": "S: 1"}, by="person:tom", roles=("auditor",)
    )
    assert {row["input"]: row["verifiable"] for row in told["rows"]} == {"online": False, "households": True}
    lacks = city.view("missing", {"framework": "small", "period": "2025"})
    assert (lacks["computed"], lacks["all"]) == (0, 4)
    first = next(one for one in lacks["missing"] if one["code"] == "S: 1")
    assert [one["input"] for one in first["inputs"]] == ["online"]
    assert first["holders"] == ["statistics office"]
    one = city.view("input", {"id": said(city, "households").id})
    assert (one["dependants"], one["history"][0]["value"]) == (["S: 1"], 100)
    for asked in ({"id": "urn:ngsi-ld:KpiInput:none"}, {"id": "urn:x\nq"}):
        with pytest.raises(BadRequest):
            city.view("input", asked)


# ---- Other cities


def test_other_cities_values_are_taken_with_their_source_or_not_at_all(city: MemoryCity) -> None:
    one = {"city": "Pully", "code": "S: 1", "period": "2020", "value": 91.2, "source": "https://itu.example/pully.pdf"}
    city.act("compare", framework="small", values=[one, one | {"city": "Aukra", "value": 99.0, "unit": "%"}])
    told = city.view("cities", {"framework": "small", "code": "S: 1"})["cities"]
    assert [(row["city"], row["value"], row["period"]) for row in told] == [
        ("Aukra", 99.0, "2020"),
        ("Pully", 91.2, "2020"),
    ]
    for wrong in (
        {"value": "x"}, {"value": None}, {"source": "a book"}, {"period": "2099"}, {"code": "?"}, {"city": ""},
        {"more": 1}, {"unit": "km"},
    ):  # fmt: skip
        with pytest.raises(Refusal, match="cannot be taken"):
            city.act("compare", framework="small", values=[one | {"city": "Bizerte"}, one | wrong])
    with pytest.raises(Refusal, match="two values"):
        city.act("compare", framework="small", values=[one, one | {"value": 3.0}])
    assert len(city.view("cities", {"framework": "small"})["cities"]) == 2


# ---- Whatever is said

WORD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=12),
    st.sampled_from(["small", "online", "2025", "S: 1", "city", "reported", "not reported", "count", "Ward"]),
)  # fmt: skip
JSON = st.recursive(
    WORD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SOUND: dict[str, dict[str, Any]] = {
    "adopt": {"framework": "u4ssc", "edition": "1"},
    "enter": {"framework": "small", "input": "online", "period": "2025", "value": 3, "evidence": {"text": "x"},
              "unit": "", "status": "reported", "area": "city", "correct": True, "reason": "x"},
    "target": {"framework": "small", "code": "S: 1", "point": "", "target": 80, "year": 2030, "reason": "x"},
    "bind": {"framework": "small", "input": "beds", "since": "2025",
             "how": {"from": "entities", "type": "Ward", "q": "a==1", "aggregate": "sum", "attribute": "beds"}},
    "compare": {"framework": "small",
                "values": [{"city": "A", "code": "S: 1", "period": "2020", "value": 1, "source": "x"}]},
    "publish": {"framework": "small", "period": "2025"},
    "bind_standard": {"framework": "small", "inputs": ["online"]},
    "withdraw": {"framework": "small", "period": "2025", "reason": "x"},
}  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Any:
    with small_city(keep=False).closing() as made:
        yield made


@given(st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_said_it_is_done_or_refused_in_words(shared: MemoryCity, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SOUND)))
    told = dict(SOUND[name])
    for member in data.draw(st.lists(st.sampled_from(sorted(told)), min_size=1, max_size=2, unique=True)):
        deep = told[member]
        if isinstance(deep, dict) and data.draw(st.booleans()):
            told[member] = deep | {data.draw(st.sampled_from(sorted(deep))): data.draw(JSON)}
        else:
            told[member] = data.draw(JSON)
    try:
        shared.act(name, roles=("supervisor",), **told)
    except BadRequest:
        return  # it says so itself


# ---- Files, settings, other editions


def test_a_paper_that_proves_a_number_is_kept_with_it(city: MemoryCity) -> None:
    paper = File("letter.pdf", b"%PDF-1.7", "application/pdf", "a" * 64, 8)
    city.act(
        "enter", framework="small", input="beds", period="2025", value="30", correct="true", reason="", files=(paper,)
    )
    one = said(city, "beds")
    assert (one["evidence"], one["media"][0]["name"]) == ({"files": ["a" * 64]}, "letter.pdf")


def test_a_framework_named_in_the_settings_is_used_from_the_first_round_on_and_can_be_left() -> None:
    settings_ = {"scorecard": {"timezone": "UTC", "frameworks": ["u4ssc", "nothing", 7]}}
    with MemoryCity(app, start="2026-04-11T12:00:00Z", settings=settings_).closing() as city:
        city.turn(seconds=300)
        assert [one["framework"] for one in city.find("KpiFramework")] == ["u4ssc"]
        city.act("leave", framework="u4ssc", roles=("supervisor",))
        city.turn(seconds=600)
        assert [one["status"] for one in city.find("KpiFramework")] == ["left"]


def test_another_edition_computes_all_years_anew(city: MemoryCity) -> None:
    for period in ("2024", "2025"):
        enter(city, "households", 100, period)
        enter(city, "online", 80, period)
    other = pack(edition="2")
    other["indicators"][0]["points"][0]["formula"] = "100 * (households - online) / households"
    city.act("adopt", text=json.dumps(other), roles=("supervisor",))
    found = [value(city, "S: 1", year) for year in ("2024", "2025")]
    assert [(one["kpiValue"], one["edition"]) for one in found] == [(20, "2"), (20, "2")]


def test_other_cities_values_come_as_a_sheet_too(city: MemoryCity) -> None:
    rows = [
        ["from the reports"], ["City", "Code", "Period", "Value", "Source"],
        ["Pully", "S: 1", 2020, "91,2", "https://itu.example/pully"],
        ["Aukra", "S: 1", "2019", 99.0, "https://itu.example/aukra"],
    ]  # fmt: skip
    city.act("compare", framework="small", files=(sheet_file(rows),))
    assert [row["value"] for row in city.view("cities", {"framework": "small"})["cities"]] == [99.0, 91.2]
    with pytest.raises(Refusal, match=r"two ways|not a number"):
        city.act(
            "compare",
            framework="small",
            files=(sheet_file([rows[1], ["X", "S: 1", 2020, "1.234", "https://x.example/1"]]),),
        )
