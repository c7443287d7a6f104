"""The demo valley's scorecard: from what the valley counts, and as its officer filled it in, with honest gaps."""

from collections import Counter
from typing import Any

import pytest

from hansa import clock, kpi
from hansa.apps.scorecard import app, binding, nouns, rounds
from hansa.cli.demo import facts, figures
from hansa.cli.demo.forces import forces
from hansa.cli.demo.land import ZONE, base_map
from hansa.cli.demo.town import town
from hansa.cli.demo.valley import Plan
from hansa.model.change import Refused, Write
from hansa.testing import MemoryCity

START = Plan().start


@pytest.fixture(scope="module")
def valley() -> Any:
    """The valley's map, forces and facts, half an hour later."""
    with MemoryCity(app, start=START, settings={"scorecard": {"timezone": ZONE}}, keep=False).closing() as city:
        said = [Write("say", one["id"], one, label="open") for one in (*base_map(24), *town(), *forces())]
        said += [Write(one["kind"], one["id"], one["doc"], label=one["label"]) for one in facts.records(START)]
        at = clock.text(START - 3_600 * clock.SECOND)
        air = {"type": "Property", "value": 11.5, "unitCode": "GQ", "observedAt": at}
        ident = "urn:ngsi-ld:AirQualityObserved:air-1"
        said.append(Write("read", ident, {"id": ident, "type": "AirQualityObserved", "pm25": air, "no2": air}))
        assert [one for one in city.write(*said) if isinstance(one, Refused)] == []
        city.turn(seconds=2 * rounds.ROUND_S)
        yield city


def of_year(city: MemoryCity, period: str) -> dict[str, Any]:
    return {one["code"]: one for one in nouns.indicators(city, "u4ssc", period)}


def test_it_is_small_and_the_same_at_every_start() -> None:
    first, again = list(facts.records(START)), list(facts.records(START))
    assert first == again
    assert len({one["id"] for one in first if not one["doc"]["type"].startswith("Kpi")}) <= 400


def test_at_least_25_indicators_are_computed_from_what_the_valley_counts(valley: MemoryCity) -> None:
    found = {code: one for code, one in of_year(valley, "2026").items() if one["status"] == "reported"}
    by_query = [
        code
        for code, one in found.items()
        if {it["how"] for it in one["lineage"]["inputs"] if it["value"] is not None} == {"query"}
    ]
    assert len(by_query) >= 25
    assert all(one["provisional"] for one in found.values())  # the year still runs
    assert len(found) < 91
    stops = found["EC: ICT: T: 1C"]
    assert stops["kpiValue"] == pytest.approx(100 * 7 / 18)
    air = found["EN: EN: AQ: 1C"]
    assert 0 < air["completeness"] < 0.01  # an hour of a year, and it says so
    assert [one["value"] for one in air["points"]] == [11.5, None, 11.5, None, None]


def test_three_years_are_as_the_officer_filled_them_in_some_verified_some_not_reported(valley: MemoryCity) -> None:
    for year in ("2023", "2024", "2025"):
        states = Counter(one["status"] for one in of_year(valley, year).values())
        assert states["reported"] + states["verified"] >= 50
        assert states["not reported"] >= 3
        assert states["not applicable"] == 1
    assert of_year(valley, "2024")["EC: ICT: ICT: 1C"]["status"] == "verified"
    assert of_year(valley, "2025")["EC: ICT: ICT: 1C"]["status"] == "reported"
    assert of_year(valley, "2025")["EC: I: WS: 3C"]["lineage"]["inputs"][0]["how"] == "query"  # from monthly readings
    lacks = valley.view("missing", {"framework": "u4ssc", "period": "2025"})
    assert lacks["all"] == 91
    assert lacks["computed"] + sum(not one["partly"] for one in lacks["missing"]) == 91
    assert all(one["holders"] for one in lacks["missing"])


def test_nothing_of_it_is_implausible(valley: MemoryCity) -> None:
    for year in ("2023", "2024", "2025", "2026"):
        assert {code: one["fault"] for code, one in of_year(valley, year).items() if "fault" in one} == {}
        assert {code: one["warnings"] for code, one in of_year(valley, year).items() if "warnings" in one} == {}


def test_only_what_has_a_target_is_scored(valley: MemoryCity) -> None:
    wanted = {code for code, *_ in figures.TARGETS}
    scored = {
        code for code, one in of_year(valley, "2025").items() if any(it["points"] is not None for it in one["points"])
    }
    assert scored <= wanted
    assert len(scored) >= 15


def test_the_officers_figures_are_of_inputs_that_there_are() -> None:
    framework = kpi.framework("u4ssc")
    names = [name for name, *_ in (*figures.ENTERED, *figures.ABSENT)]
    assert len(names) == len(set(names))
    assert set(names) <= set(framework.inputs)
    assert {name for name, _ in figures.VERIFIED} <= set(names)
    for code, key, *_ in figures.TARGETS:
        assert key in framework.indicators[code].points
    assert set(binding.standard("u4ssc")) <= set(framework.inputs)


def test_one_changed_input_of_91_indicators_computes_its_dependants_alone(valley: MemoryCity) -> None:
    before = {one.id: one.doc for one in valley.find("KeyPerformanceIndicator", None, None, 2_000)}
    valley.act(
        "enter", framework="u4ssc", input="physicians", period="2025", value=25, evidence="the chamber", correct=True,
        reason="a practice was left out",
    )  # fmt: skip
    after = {one.id: one.doc for one in valley.find("KeyPerformanceIndicator", None, None, 2_000)}
    assert [after[ident]["code"]["value"] for ident in after if after[ident] != before.get(ident)] == ["SC: EH: H: 3C"]
