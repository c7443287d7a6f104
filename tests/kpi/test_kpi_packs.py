"""The packs that ship: whole, in their standards' words, and honest about what was read and what was not."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from hansa import kpi
from hansa.errors import BadRequest, NotFound

OWN = Path(__file__).parent / "own"
PACKS = ("u4ssc", "china_2016", "easypark_2019", "easypark_2021", "iso_iec_30146")
FIELDS = (
    *("code", "name", "path", "level", "type", "definition", "unit", "point_unit", "direction", "period", "inputs"),
    *("points", "formula", "checks", "holders", "sdg", "target"),
)


def document(name: str) -> dict[str, Any]:
    """A pack as it is written."""
    found: dict[str, Any] = json.loads(resources.files("hansa.kpi").joinpath(f"packs/{name}.json").read_text("utf-8"))
    return found


def indicators() -> list[tuple[str, dict[str, Any]]]:
    """Every indicator of every pack, with the pack's id."""
    return [(name, one) for name in PACKS for one in document(name)["indicators"]]


# --- all packs -----------------------------------------------------------------------------------------------------


def test_the_packs_that_ship_are_these_and_each_loads() -> None:
    assert set(kpi.frameworks()) == set(PACKS)
    for name in PACKS:
        framework = kpi.framework(name)
        assert framework.id == name
        assert list(framework.indicators) == [one["code"] for one in document(name)["indicators"]]


def test_a_pack_whose_formula_does_not_come_out_in_its_unit_does_not_load() -> None:
    wrong = document("u4ssc")
    wrong["indicators"][0]["points"][0]["formula"] = "1000 * households_with_internet / households"
    with pytest.raises(BadRequest, match="households_with_internet"):
        kpi.load(wrong)


def test_every_indicator_says_of_each_field_whether_it_was_read_recalled_or_is_ours() -> None:
    for name, one in indicators():
        missing = [field for field in FIELDS if field not in one["said"]]
        assert not missing, (name, one["code"], missing)
        assert set(one["said"].values()) <= {"read", "recalled", "ours", "none"}, (name, one["code"])
        assert all(check["said"] in {"read", "recalled", "ours"} for check in one["checks"]), (name, one["code"])


def test_no_pack_brings_a_target() -> None:
    for name in PACKS:
        text = json.dumps(document(name))
        assert '"benchmark_target"' not in text
        assert not kpi.framework(name).targets_at(None) or not kpi.framework(name).targets_at(None).of  # type: ignore[union-attr]
    for name, one in indicators():
        assert one["said"]["target"] == "none", (name, one["code"])
        assert not any("target" in point for point in one["points"]), (name, one["code"])


def test_an_input_of_one_name_is_the_same_number_in_every_indicator() -> None:
    for name in PACKS:
        seen: dict[str, dict[str, Any]] = {}
        for one in document(name)["indicators"]:
            for each in one["inputs"]:
                assert seen.setdefault(each["name"], each) == each, (name, one["code"], each["name"])


def test_every_input_is_used_and_every_check_names_something_there_is() -> None:
    for name in PACKS:
        framework = kpi.framework(name)
        for code, one in framework.indicators.items():
            used = {each for point in one.points.values() if point.formula for each in point.formula.names}
            assert used == set(one.inputs), (name, code)


def test_every_indicator_explains_itself_in_words_with_the_words_of_its_inputs() -> None:
    for name in PACKS:
        for code, one in kpi.framework(name).indicators.items():
            says = {each.name: each.says for each in one.inputs.values()}
            for point in one.points.values():
                assert point.formula is not None, (name, code)
                words = point.formula.words(says)
                for each in point.formula.names:
                    assert says[each] in words, (name, code, words)


def test_every_indicator_names_who_usually_has_its_numbers() -> None:
    for name, one in indicators():
        assert one["holders"], (name, one["code"])
        assert all(isinstance(each, str) and each for each in one["holders"])


def test_every_source_that_an_indicator_names_is_in_the_packs_list_of_sources() -> None:
    for name in PACKS:
        pack = document(name)
        for one in pack["indicators"]:
            for source in one["sources"]:
                assert source.split(":")[0] in pack["sources"], (name, one["code"], source)


def test_definitions_and_texts_are_short_and_without_control_characters() -> None:
    for name, one in indicators():
        for text in (one["name"], one["definition"], *(each["says"] for each in one["inputs"]), *one.get("notes", ())):
            assert text, (name, one["code"])
            assert len(text) <= 300, (name, one["code"], text)
            assert text.isprintable(), (name, one["code"], text)


# --- U4SSC ---------------------------------------------------------------------------------------------------------


def test_u4ssc_has_91_indicators_with_codes_as_the_standard_writes_them() -> None:
    codes = [one["code"] for one in document("u4ssc")["indicators"]]
    assert len(codes) == len(set(codes)) == 91
    for code in codes:
        assert re.fullmatch(r"(EC|EN|SC): [A-Z]+: [A-Z]+: \d[AC]", code), code


def test_u4ssc_has_three_dimensions_seven_sub_dimensions_and_twenty_two_categories() -> None:
    # Verification manual 2022, page 15.
    paths = [tuple(one["path"]) for one in document("u4ssc")["indicators"]]
    assert {path[0] for path in paths} == {"Economy", "Environment", "Society and Culture"}
    assert len({path[:2] for path in paths}) == 7
    assert len({path[2] for path in paths}) == 22


def test_the_level_of_a_u4ssc_indicator_is_the_letter_of_its_code() -> None:
    # How many are core and how many advanced is published differently in several places: neither is asserted.
    for one in document("u4ssc")["indicators"]:
        assert one["level"] == {"C": "core", "A": "advanced"}[one["code"][-1]], one["code"]


def test_a_u4ssc_formula_was_read_only_where_the_sheet_with_the_formula_was_seen() -> None:
    said = {one["code"]: (one["verification"], one["said"]["formula"]) for one in document("u4ssc")["indicators"]}
    for code, (verification, formula) in said.items():
        assert formula == "recalled" if verification != "full" else formula in {"read", "ours"}, code
    assert said["EC: ICT: ICT: 1C"] == ("full", "read")
    assert said["EN: EN: PSN: 1C"] == ("code", "recalled")
    assert said["EN: EN: AQ: 1C"] == ("full", "ours")  # the annual mean is how we read mass by volume


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("EC: ICT: ICT: 4C", ["3g", "4g"]),
        ("EC: ICT: PS: 1A", ["number", "percent"]),
        ("EC: I: T: 4A", ["private", "public", "walking", "cycling", "para"]),
        ("EC: I: UP: 2A", ["compact", "connected", "integrated", "inclusive", "resilient"]),
        ("EN: EN: AQ: 1C", ["pm_2.5", "pm_10", "no2", "so2", "o3"]),
        ("EN: EN: WS: 4C", ["primary", "secondary", "tertiary"]),
        ("EN: EN: WA: 1C", ["landfill", "burnt", "incinerated", "open_dump", "recycled", "other"]),
    ],
)
def test_a_u4ssc_indicator_of_several_points_has_them_in_order(code: str, keys: list[str]) -> None:
    assert list(kpi.framework("u4ssc").indicator(code).points) == keys


def test_all_other_u4ssc_indicators_are_one_number() -> None:
    assert sum(one.single for one in kpi.framework("u4ssc").indicators.values()) == 84


def test_u4ssc_shares_of_modes_and_of_waste_routes_have_a_direction_each() -> None:
    modes = kpi.framework("u4ssc").indicator("EC: I: T: 4A").points
    assert {key: one.direction for key, one in modes.items()} == {
        **dict.fromkeys(("public", "walking", "cycling", "para"), "higher"),
        "private": "lower",
    }
    routes = kpi.framework("u4ssc").indicator("EN: EN: WA: 1C").points
    assert routes["recycled"].direction == "higher"
    assert routes["open_dump"].direction == "lower"
    assert routes["incinerated"].direction == routes["other"].direction == "none"


def test_inputs_that_many_u4ssc_indicators_share_are_entered_once() -> None:
    uses = kpi.framework("u4ssc").uses
    assert len(uses["population"]) >= 20
    assert len(uses["households"]) >= 8
    assert {"EC: ICT: ICT: 4C", "EC: I: UP: 1A", "EN: EN: PSN: 3A"} <= set(uses["city_area_km2"])
    assert set(uses["customer_interruptions"]) == {"EC: I: ES: 1C", "EC: I: ES: 2C"}


@pytest.mark.parametrize(
    ("code", "inputs", "expected"),
    [
        ("EC: ICT: ICT: 1C", {"households_with_internet": 970, "households": 1000}, {"": 97.0}),
        ("EC: I: WS: 3C", {"water_supplied": 1000, "water_billed": 800}, {"": 20.0}),
        ("EC: I: ES: 1C", {"customer_interruptions": 3000, "electricity_customers": 2000}, {"": 1.5}),
        ("EC: I: ES: 2C", {"customer_interruption_minutes": 90000, "customer_interruptions": 3000}, {"": 30.0}),
        ("EC: P: IN: 2C", {"patents_granted": 50, "population": 200_000}, {"": 25.0}),
        ("EN: EN: WS: 2C", {"water_consumed": 15_000_000, "population": 100_000}, {"": 150.0}),
        ("EN: E: E: 4A", {"public_building_energy": 1_200_000, "public_building_m2": 10_000}, {"": 120.0}),
        ("SC: EH: H: 2C", {"maternal_deaths": 3, "live_births": 40_000}, {"": 7.5}),
        ("SC: SH: SI: 1C", {"female_hourly_earnings": 18, "male_hourly_earnings": 20}, {"": 0.9}),
        ("SC: SH: SA: 5A", {"response_minutes": 700, "emergency_calls": 100}, {"": 7.0}),
        (
            "EN: EN: WA: 1C",
            {"waste_recycled": 30, "waste_landfill": 70, "waste": 100},
            {"landfill": 70.0, "recycled": 30.0},
        ),
        (
            "EC: ICT: PS: 1A",
            {"open_datasets_published": 30, "open_datasets_inventoried": 40},
            {"number": 30.0, "percent": 75.0},
        ),
        ("EC: I: UP: 2A", {"plan_compact": 1, "plan_resilient": 0}, {"compact": 1.0, "resilient": 0.0}),
    ],
)
def test_a_u4ssc_indicator_is_computed_from_its_inputs(
    code: str, inputs: dict[str, float], expected: dict[str, float]
) -> None:
    assert kpi.compute(kpi.framework("u4ssc").indicator(code), inputs) == pytest.approx(expected)


def test_a_u4ssc_indicator_whose_denominator_is_zero_names_the_input_that_is() -> None:
    with pytest.raises(BadRequest) as told:
        kpi.compute(
            kpi.framework("u4ssc").indicator("EC: ICT: ICT: 1C"), {"households_with_internet": 1, "households": 0}
        )
    assert "households" in f"{told.value} {told.value.where}"


@pytest.mark.parametrize(("points", "percent", "band"), [([1, 3, 4, 1], 56.25, "33-66"), ([3, 4, 2], 75.0, "66-95")])
def test_the_worked_example_of_the_u4ssc_reports_comes_out(points: list[int], percent: float, band: str) -> None:
    # Verification report of Kristiansund, page 12: the four education indicators (one was not reported in the second).
    share = {1: 20.0, 2: 50.0, 3: 80.0, 4: 100.0}
    codes = ["SC: EH: ED: 1C", "SC: EH: ED: 2C", "SC: EH: ED: 3C", "SC: EH: ED: 4C"]
    values = {code: kpi.reported(share[many], 100.0) for code, many in zip(codes, points, strict=False)}
    scored = kpi.score(kpi.framework("u4ssc"), values)
    node = scored.nodes["Society and Culture", "Education, Health and Culture", "Education"]
    assert node.percent == pytest.approx(percent)
    assert node.band == band


# --- China ---------------------------------------------------------------------------------------------------------


def test_china_2016_is_a_tree_of_8_21_and_54() -> None:
    paths = [tuple(one["path"]) for one in document("china_2016")["indicators"]]
    assert (len({path[:1] for path in paths}), len(set(paths)), len(paths)) == (8, 21, 54)


def test_the_weights_of_china_2016_sum_to_100_and_each_primary_is_the_sum_of_its_secondaries() -> None:
    of = document("china_2016")["weights"]["of"]
    primaries = {path: weight for path, weight in of.items() if "/" not in path and not re.match(r"L\dP", path)}
    assert len(primaries) == 8
    assert sum(primaries.values()) == 100
    for name, weight in primaries.items():
        assert sum(one for path, one in of.items() if path.startswith(f"{name}/")) == weight, name


def test_a_china_2016_item_has_a_weight_only_where_one_was_read() -> None:
    pack = document("china_2016")
    weighted = [one["code"] for one in pack["indicators"] if pack["weights"]["of"][one["code"]] is not None]
    assert weighted == ["L1P1-A1"]
    for one in pack["indicators"]:
        assert (one["said"]["weight"] == "read") == (one["code"] in weighted), one["code"]
        assert one["code"] in weighted or any("not scored" in note for note in one["notes"]), one["code"]
    unnamed = [one["code"] for one in pack["indicators"] if "name not known" in one["name"]]
    assert len(unnamed) == 8
    assert all(code.startswith(("L6", "L7")) for code in unnamed)


def test_the_example_of_china_2016_comes_out() -> None:
    # L1P1 = 8 % of (A1 + A2 + A3), A1 = 30 % of the ratio, times 100: 900 of 1,000 services give 27, and L1P1 2.16.
    framework = kpi.framework("china_2016")
    values = kpi.compute(
        framework.indicator("L1P1-A1"), {"services_with_e_certificates": 900, "government_services": 1000}
    )
    assert values == {"": 90.0}
    scored = kpi.score(framework, {"L1P1-A1": kpi.Reported(values)})
    assert scored.nodes["Citizen services", "Government services"].score == pytest.approx(2.16)


def test_a_china_2016_item_without_a_weight_is_listed_and_not_scored() -> None:
    scored = kpi.score(kpi.framework("china_2016"), {"L1P1-A2": kpi.reported(80.0)})
    point = scored.indicators["L1P1-A2"].data_points[""]
    assert point.points is None
    assert point.why


# --- EasyPark and ISO/IEC 30146 ------------------------------------------------------------------------------------


def test_easypark_2019_has_its_eight_groups_and_23_indicators_and_2021_its_four_areas() -> None:
    first, second = document("easypark_2019"), document("easypark_2021")
    assert [len(first["indicators"]), len({one["path"][0] for one in first["indicators"]})] == [23, 8]
    assert [len(second["indicators"]), len({one["path"][0] for one in second["indicators"]})] == [14, 4]
    recalled = {one["path"][0] for one in second["indicators"] if one["said"]["name"] == "recalled"}
    assert recalled == {"Business Tech Infrastructure", "Environmental Footprint"}


def test_how_easypark_is_scored_is_said_to_be_ours() -> None:
    for name in ("easypark_2019", "easypark_2021"):
        pack = document(name)
        assert pack["scoring"]["kind"] == "minmax"
        assert pack["scoring"]["said"]["kind"] == pack["scoring"]["said"]["weights"] == "ours"
        assert any("not EasyPark's" in note for note in pack["notes"])


def test_easypark_2019_gives_the_best_of_the_compared_cities_10_and_the_worst_1() -> None:
    framework = kpi.framework("easypark_2019")
    code = next(code for code, one in framework.indicators.items() if one.name == "Car-sharing services")
    compared = {(code, ""): [5.0, 20.0, 50.0]}
    for value, percent in ((50.0, 100.0), (5.0, 0.0), (27.5, 50.0)):
        scored = kpi.score(framework, {code: kpi.reported(value)}, compared=compared)
        assert scored.nodes["Transport and mobility",].score == pytest.approx(1 + 9 * percent / 100)


def test_iso_iec_30146_is_a_frame_of_two_classes_and_six_categories_without_indicators() -> None:
    pack = document("iso_iec_30146")
    assert [len({path[0] for path in pack["frame"]}), len(pack["frame"])] == [2, 6]
    assert pack["indicators"] == []
    assert pack["said"]["indicators"] == "none"
    suggested = [code for codes in pack["crosswalk"]["of"].values() for code in codes]
    assert pack["crosswalk"]["said"] == "ours"
    assert set(suggested) <= set(kpi.framework("u4ssc").indicators)


def test_a_city_that_bought_iso_iec_30146_loads_its_indicators_into_the_frame() -> None:
    pack = document("iso_iec_30146") | json.loads((OWN / "iso_iec_30146_indicators.json").read_text("utf-8"))
    framework = kpi.load(pack)
    values = kpi.compute(framework.indicator("CITY-1"), {"services_without_visit": 30, "public_services": 40})
    scored = kpi.score(framework, {"CITY-1": kpi.Reported(values, {"": 100.0})})
    assert scored.nodes["Performance", "Citizen service"].percent == pytest.approx(75.0)


def test_a_citys_own_framework_loads_computes_checks_and_scores() -> None:
    framework = kpi.load(json.loads((OWN / "own_city.json").read_text("utf-8")))
    late = {"departures_on_time": 900, "departures_late": 50, "departures": 1000}
    values = kpi.compute(framework.indicator("HT2"), late)
    assert values == pytest.approx({"on_time": 90.0, "late": 5.0})
    scored = kpi.score(framework, {"HT2": kpi.Reported(values, {"on_time": 95.0, "late": 5.0})})
    assert {key: one.points for key, one in scored.indicators["HT2"].data_points.items()} == {"on_time": 3, "late": 4}
    assert not kpi.faults(framework, {"HT2": kpi.Reported(values)})
    assert kpi.faults(framework, {"HT2": kpi.Reported({"on_time": 90.0, "late": 15.0})})


def test_a_framework_without_its_year_is_the_newest_edition():
    assert kpi.framework("easypark").id == "easypark_2021"
    assert kpi.framework("china").id == "china_2016"
    with pytest.raises(NotFound):
        kpi.framework("easy")
