"""The card: its numbers against hand-reckoned ones, what it says of what is missing, what would help, its pictures."""

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scorecards import pack

from hansa import BadRequest, NotFound, entity, kpi
from hansa.apps.scorecard import card, drawing, helping, method

DAY = date(2026, 4, 11)


def framework(**scoring: Any) -> kpi.Framework:
    doc = pack()
    doc["scoring"] |= scoring
    doc["sources"] = {"M17": "https://example.org/page<N>.html"}
    doc["indicators"][0]["sources"] = ["M17:p23", "the library"]
    doc["indicators"][0]["points"][0]["range"] = [0, 100]
    doc["indicators"][0]["said"] = {"formula": "read", "unit": "recalled"}
    return kpi.load(doc)


def row(code: str, points: dict[str, tuple[float, float | None]], period: str = "2025", **said: Any) -> card.Row:
    """A value as the app keeps it: of each data point its value and target (by 2030)."""
    told = [{"key": key, "value": value, "target": target, "year": 2030} for key, (value, target) in points.items()]
    lineage = {"inputs": [{"input": name, "value": 1.0} for name in said.pop("inputs", ())]}
    made = {"framework": "small", "code": code, "area": "city", "period": period, "status": "reported", "points": told}
    return card.row(entity("KeyPerformanceIndicator", f"{code}-{period}", **made | {"lineage": lineage} | said))


def rows(period: str = "2025") -> list[card.Row]:
    """80 of 100: 3 points; 10 of 40: 1; PM10 20, lower is better, of 19.5: 4; NO2 40 of 10: 1; no third."""
    return [
        row("S: 1", {"": (80.0, 100.0)}, period, status="verified"),
        row("S: 2", {"": (10.0, 40.0)}, period, inputs=["cycle_km", "population"]),
        row("S: 4", {"pm10": (20.0, 19.5), "no2": (40.0, 10.0)}, period),
    ]


def test_points_of_3_1_4_1_are_56_25_percent_in_the_second_band() -> None:
    told = card.made(framework(), rows(), "2025")
    assert told["whole"] == {
        "percent": 56.25, "band": "33-66", "step": 2, "scored": 4, "score": 9.0, "possible": 16.0, "data_points": 5,
    }  # fmt: skip
    (small,) = told["nodes"]
    assert (small["percent"], small["total"], small["came"], small["verified"]) == (56.25, 4, 3, 1)
    (category,) = card.leaves(small)
    assert (category["n"], category["path"]) == (1, ["Small", "Part", "Category"])
    one, two, three, four = told["indicators"]
    assert [one["points"], two["points"], three["points"], four["points"]] == [3, 1, None, 2.5]
    assert [it["points"] for it in four["data_points"]] == [4, 1]
    assert four["data_points"][0]["percentOfTarget"] == 97.5


def test_what_is_missing_is_counted_and_from_a_share_on_the_city_is_asked() -> None:
    said = card.made(framework(missing_share=0.2), rows(), "2025")["counts"]
    assert (said["came"], said["total"], said["verified"], said["not reported"]) == (3, 4, 1, 1)
    assert (said["missing_share"], said["ask"]) == (0.25, True)
    assert card.made(framework(missing_share=0.3), rows(), "2025")["counts"]["ask"] is False
    all_but_one = [*rows(), row("S: 3", {}, status="not applicable")]
    said = card.made(framework(missing_share=0.2), all_but_one, "2025")["counts"]
    assert (said["missing_share"], said["not applicable"], said["ask"]) == (0.0, 1, False)


def test_without_a_target_nothing_is_scored_and_the_card_says_so() -> None:
    told = card.made(framework(), [row("S: 1", {"": (80.0, None)})], "2025")
    one = told["indicators"][0]
    assert (one["points"], one["untargeted"], one["data_points"][0]["why"]) == (None, True, "no target")
    assert told["whole"]["percent"] is None
    assert told["counts"]["without_target"] == 1
    assert card.gaps(framework(), told) == []


def test_a_value_beside_its_own_past_and_the_whole_over_the_periods() -> None:
    before = [row("S: 1", {"": (50.0, 100.0)}, "2023"), row("S: 1", {"": (1.0, None)}, "2026")]
    told = card.made(framework(), [*rows(), *before], "2025")
    assert (told["indicators"][0]["data_points"][0]["before"], told["indicators"][0]["period"]) == (50.0, "2023")
    course = card.trends(framework(), [*rows(), *before])
    assert [one["period"] for one in course] == ["2023", "2025", "2026"]
    assert [one["nodes"][""]["percent"] for one in course] == [50.0, 56.25, None]
    assert [one["came"] for one in course] == [1, 3, 1]
    running = row("S: 1", {"": (1.0, None)}, "2026", provisional=True)
    assert (card.latest([*rows(), running]), card.latest([running]), card.latest([])) == ("2025", "2026", "")
    assert card.series([*rows(), *before], "S: 1", "") == [(2023, 50.0), (2025, 80.0), (2026, 1.0)]


def test_a_gap_says_what_is_missing_and_how_much_a_year() -> None:
    made = framework()
    first, second, *rest = card.gaps(made, card.made(made, rows(), "2025"))
    assert {first["code"], second["code"]} == {"S: 2", "S: 4"}
    cycles = first if first["code"] == "S: 2" else second
    assert (cycles["gap"], cycles["by"], cycles["yearly_change"], cycles["years"]) == (30.0, 2030, 6.0, 5)
    assert cycles["yearly_rate"] == pytest.approx(4 ** (1 / 5) - 1)
    assert [one["key"] for one in rest if one["code"] == "S: 4"] == ["pm10"]
    met = [row("S: 1", {"": (100.0, 90.0)})]
    assert card.gaps(made, card.made(made, met, "2025")) == []


def test_what_is_not_there_stands_with_who_usually_has_it() -> None:
    told = card.made(framework(), rows(), "2025", known=["households"])
    ((holder,),) = [[one] for one in card.missing(told)]
    assert holder["holder"] == "statistics office"
    (line,) = holder["indicators"]
    assert (line["code"], line["missing"]) == ("S: 3", ["beds"])  # the population went into another number


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "code": st.sampled_from(["S: 1", "S: 4", "of another", ""]),
                "period": st.sampled_from(["2025", "x"]),
                "status": st.sampled_from(["reported", "verified", "no such", None, 7]),
                "points": st.none() | st.text(max_size=3) | st.lists(
                    st.none() | st.integers() | st.dictionaries(
                        st.sampled_from(["key", "value", "target", "year"]),
                        st.none() | st.text(max_size=2) | st.floats() | st.booleans() | st.integers(-5, 5),
                    ), max_size=3,
                ),
            }
        ), max_size=4,
    )
)  # fmt: skip
def test_no_entity_however_odd_breaks_a_card(found: list[dict[str, Any]]) -> None:
    """Whoever may write them through NGSI-LD writes what he likes."""
    made = framework()
    odd = [
        card.row(entity("KeyPerformanceIndicator", str(n), framework="small", area="city", **one))
        for n, one in enumerate(found)
    ]
    told = card.made(made, odd, "2025")
    assert told["counts"]["total"] == 4
    card.gaps(made, told)
    card.pictures(told)
    assert card.trends(made, odd) is not None
    for code in ("S: 1", "S: 4"):
        method.courses(made, odd, code, "2025")
        method.account(made, odd, code, "2025")


# ---- what would help most


def given_() -> dict[str, kpi.Reported]:
    made = framework()
    found = card.by_code(rows(), "2025")
    return {code: card.reported(one, found.get(code)) for code, one in made.indicators.items()}


def candidate(name: str, *effects: dict[str, Any], **said: Any) -> helping.Candidate:
    told = [{"framework": "small", "evidence": "measured", **one} for one in effects]
    made = helping.candidate(entity("Solution", name, name=name, effects=told, status="listed", **said))
    assert made is not None
    return made


def weighed(*them: helping.Candidate, **how: Any) -> dict[str, Any]:
    return helping.weighed(framework(), given_(), them, today=DAY, **how)


def test_a_measure_is_put_onto_the_values_and_the_card_scored_anew() -> None:
    """80 + 20 of 100 is the fourth band: 10 points of 16 instead of 9, 6.25 percent points for 2 million."""
    cost = {"capital": 1_500_000, "yearly": 50_000, "currency": "EUR"}
    (one,) = weighed(candidate("net", {"code": "S: 1", "change": 20, "unit": "%", "perYears": 2}, cost=cost))["helps"]
    assert (one["gain"]["percent"], one["gain"]["points"], one["gain"]["met"]) == (6.25, 1.0, 20.0)
    assert (one["price"]["total"], one["per_price"]) == (2_000_000, 3.125)
    (effect,) = one["effects"]
    assert (effect["before"], effect["after"], effect["points_before"], effect["points_after"]) == (80.0, 100.0, 3, 4)
    assert one["review"] == "2027-04-11"
    assert any("after 2 years" in it for it in one["assumptions"])
    (longer,) = weighed(candidate("net", {"code": "S: 1", "change": 20}, cost=cost), years=20)["helps"]
    assert longer["price"]["total"] == 2_500_000


def test_the_most_gain_for_its_price_comes_first_and_what_has_no_price_after() -> None:
    euro = {"capital": 1_000_000, "currency": "EUR"}
    told = weighed(
        candidate("dear", {"code": "S: 2", "change": 30}, cost={"capital": 9_000_000, "currency": "EUR"}),
        candidate("cheap", {"code": "S: 1", "change": 20}, cost=euro),
        candidate("unpriced", {"code": "S: 2", "change": 30}),
        candidate("abroad", {"code": "S: 2", "change": 30}, cost={"capital": 1, "currency": "USD"}),
        candidate("worse", {"code": "S: 1", "change": -70}, cost=euro),
    )
    assert [one["name"] for one in told["helps"]] == ["cheap", "dear", "abroad", "unpriced", "worse"]
    assert told["helps"][2]["per_price"] is None
    assert any("USD" in it for it in told["helps"][2]["assumptions"])
    assert told["helps"][-1]["gain"]["percent"] < 0


@pytest.mark.parametrize(
    ("effect", "why"),
    [
        ({"code": "S: 9", "change": 1}, "no such indicator"),
        ({"code": "S: 1", "change": "much"}, "says no change"),
        ({"code": "S: 1", "change": 1, "unit": "km"}, "in km"),
        ({"code": "S: 3", "change": 1}, "not reported"),
        ({"code": "S: 4", "change": 1}, "which of pm10, no2"),
        ({"code": "S: 4", "point": "o3", "change": 1}, "no data point"),
        ({"code": "S: 1", "change": 1, "area": "urn:ngsi-ld:District:1"}, "not in the whole city"),
    ],
)
def test_an_effect_that_cannot_be_reckoned_says_why(effect: dict[str, Any], why: str) -> None:
    told = weighed(candidate("odd", effect))
    assert told["helps"] == []
    ((skipped,),) = [one["skipped"] for one in told["unreckoned"]]
    assert why in skipped["why"]


def test_a_share_is_held_at_a_hundred_and_what_is_over_helps_no_more() -> None:
    (one,) = weighed(candidate("much", {"code": "S: 1", "change": 70}))["helps"]
    assert (one["effects"][0]["after"], one["effects"][0]["held"]) == (100.0, True)
    gone = entity("Measure", "old", name="old", status="dropped", effects=[{"framework": "small", "code": "S: 1"}])
    assert helping.candidate(gone) is None
    assert helping.candidate(entity("Measure", "none", name="none", status="approved")) is None
    other = candidate("elsewhere", {"framework": "u4ssc", "code": "S: 1", "change": 1})
    assert weighed(other)["helps"] == weighed(other)["unreckoned"] == []


# ---- how a number came about


def test_a_formula_has_its_figures_put_in_only_when_all_are_known() -> None:
    assert method.put_in("100 * online / households", {"online": 80.0, "households": 100.0}, 80.0, "%") == (
        "100 × 80 / 100 = 80 %"
    )
    assert method.put_in("100 * online / households", {"online": 80.0}, None, "%") == ""
    assert method.put_in("max(a, b)", {"a": 1.5, "b": -2.0}, 1.5, "1") == "max(1.5, −2) = 1.5 1"


def test_an_account_leads_to_the_page_of_its_source_and_keeps_persons_from_the_public() -> None:
    lineage = {"how": "entered", "by": "person:ada", "at": "2026-01-02T00:00:00Z"}
    query = {"how": "query", "type": "Meter", "aggregate": "count", "entities": 412, "ids": ["urn:x:1"], "by": "p"}
    one = dict(row("S: 1", {"": (80.0, 100.0)}))
    one["lineage"] = {
        "inputs": [
            {"input": "online", "value": 80.0, "id": "urn:1", "how": "entered", "lineage": lineage},
            {"input": "households", "value": 100.0, "id": "urn:2", "how": "query", "lineage": query},
        ]
    }
    staff = method.account(framework(), [one], "s: 1", "2025")
    assert staff["sources"][0] == {"said": "M17:p23", "url": "https://example.org/page23.html"}
    assert staff["sources"][1]["url"] == ""
    assert staff["said"]["unit"] == "recalled"
    assert [it["id"] for it in staff["inputs"]] == ["urn:1", "urn:2"]
    assert "412 entities of type Meter" in staff["inputs"][1]["words"]
    public = method.account(framework(), [one], "S: 1", "2025", public=True)
    assert "ada" not in str(public)
    assert "urn:" not in str(public["inputs"])
    assert public["points"][0]["put_in"] == "100 × 80 / 100 = 80 %"
    with pytest.raises(NotFound):
        method.account(framework(), [one], "S: 99", "2025")


def test_a_course_is_projected_straight_and_as_an_s_with_its_error() -> None:
    years = [row("S: 1", {"": (10.0 * n, 100.0)}, str(2020 + n)) for n in range(1, 6)]
    (it,) = method.courses(framework(), years, "S: 1", "2025")
    linear, logistic = it["ahead"]
    assert linear["points"][0] == {"year": 2026, "value": pytest.approx(60.0), "low": pytest.approx(60.0),
                                   "high": pytest.approx(60.0)}  # fmt: skip
    assert linear["error"] == pytest.approx(0.0, abs=1e-9)
    assert linear["points"][-1]["year"] == 2030  # the year of the target
    assert all(0 < one["value"] < 100 and one["low"] <= one["value"] <= one["high"] for one in logistic["points"])
    assert (it["gap"]["gap"], it["gap"]["yearly_change"]) == (50.0, 10.0)
    (two,) = method.courses(framework(), years[:2], "S: 1", "2022")
    assert two["ahead"][0]["points"][0]["low"] is None
    (alone,) = method.courses(framework(), years[:1], "S: 1", "2021")
    assert alone["ahead"] == []


def test_other_cities_stand_by_value_with_this_one_among_them() -> None:
    def other(city: str, value: Any, period: str = "2024", unit: str = "%") -> dict[str, Any]:
        return {"code": "S: 1", "point": "", "city": city, "period": period, "value": value, "unit": unit}

    them = [other("Brno", 90.0), other("Brno", 20.0, "2019"), other("Linz", 70.0), other("Odd", 1.0, unit="km"),
            other("None", "?")]  # fmt: skip
    (it,) = method.beside(framework(), them, rows(), "S: 1", "2025", "Orlava")
    assert [one["city"] for one in it["lines"]] == ["Brno", "Orlava", "Linz", "Odd"]
    assert it["other"] == 1
    assert method.compared(them)[("S: 1", "")] == [90.0, 70.0, 1.0]


# ---- pictures


def test_an_axis_that_is_not_scored_breaks_the_radar_instead_of_being_zero() -> None:
    axes = [{"n": n, "name": str(n), "percent": 50.0, "step": 2} for n in range(1, 6)]
    whole = drawing.radar(axes, [33, 66, 95])
    assert [one["class"] for one in whole.parts if one["kind"] == "area"] == ["radar"]
    axes[2] = axes[2] | {"percent": None, "step": None}
    broken = drawing.radar(axes, [33, 66, 95])
    assert [one for one in broken.parts if one["kind"] == "area"] == []
    assert sum(one["class"] == "radar-line" for one in broken.parts) == 3
    assert sum(one["class"] == "axis missing" for one in broken.parts) == 1
    assert len([one for one in broken.parts if one["kind"] == "dot"]) == 4
    top = next(one for one in whole.parts if one["kind"] == "dot")["points"][0]
    assert top == [130.0, pytest.approx(130 - 54)]  # half of the way up


def test_a_wheel_has_a_sector_for_every_node_and_bars_beside_colour() -> None:
    told = card.made(framework(), rows(), "2025")
    sectors = [one for one in drawing.wheel(told["nodes"], "56 %").parts if "sector" in one["class"]]
    assert [one["class"] for one in sectors] == ["band-2 sector"] * 3
    assert "56.2 %" in sectors[0]["title"]
    marks = [one["class"] for one in drawing.wheel(told["nodes"], "").parts if "mark-" in one["class"]]
    assert marks.count("mark-full on-2") == marks.count("mark-empty on-2") == 6
    assert drawing.wheel([], "–").parts[0]["text"] == "–"


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e12, 1e12), st.floats(0, 1e12))
def test_ticks_lie_around_what_they_are_for_and_are_few(low: float, more: float) -> None:
    found = drawing.ticks(low, low + more)
    assert 2 <= len(found) <= 9
    assert found == sorted(set(found))
    room = (found[1] - found[0]) * 1e-6
    assert found[0] <= low + room
    assert low + more <= found[-1] + room


def test_a_course_shows_what_was_the_target_and_what_is_ahead_in_its_band() -> None:
    ahead = [{"kind": "linear", "points": [{"year": y, "value": 5.0, "low": 4.0, "high": 6.0} for y in (2026, 2027)]}]
    made = drawing.course([(2024, 3.0), (2025, 4.0)], target=8.0, ahead=ahead, unit="%")
    kinds = [one["class"] for one in made.parts]
    assert {"was", "target", "ahead linear", "ahead-band linear"} <= set(kinds)
    assert all(math.isfinite(x) and 0 <= x <= 660 for one in made.parts for x, _ in one["points"])
    assert drawing.course([]).parts == []
    assert drawing.course([(2025, 4.0)]).parts


def test_a_projection_that_the_engine_refuses_is_no_projection() -> None:
    with pytest.raises(BadRequest):
        kpi.projected([(2025, 1.0)], 2030)
    point = framework().indicators["S: 1"].points[""]
    assert method.projections([(2025, 1.0)], point) == []
