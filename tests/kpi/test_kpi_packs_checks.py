"""What is implausible is told, and what is not is not; every check of every pack can fail, and can hold."""

import itertools
from collections.abc import Iterator, Mapping

import pytest

from hansa import kpi

PACKS = ("u4ssc", "china_2016")
TRIED = (0.0, 0.4, 1.0, 1.5, 3.0, 20.0, 50.0, 85.0, 99.0, 100.0, 101.0, 250.0, 3_001.0, 40_000.0, 1e6)


def told(
    values: Mapping[str, kpi.Reported], inputs: Mapping[str, float] | None = None, pack: str = "u4ssc"
) -> list[str]:
    """What the faults say, each with its severity before it."""
    found = kpi.faults(kpi.framework(pack), values, inputs=inputs or {})
    return [f"{one.severity}: {one.says}" for one in found]


def has(found: list[str], start: str) -> bool:
    """Whether something that is told has some words, of some severity."""
    severity, words = start.split(": ", 1)
    return any(one.startswith(f"{severity}: ") and words in one for one in found)


def value(code: str, number: float) -> dict[str, kpi.Reported]:
    """The one value of an indicator."""
    return {code: kpi.reported(number)}


@pytest.mark.parametrize(
    ("code", "bad", "good", "said"),
    [
        ("EC: P: IN: 1C", 12.0, 2.1, "warning: below 5 % is normal"),
        ("EC: P: IN: 1C", 40.0, 4.9, "error: a quarter of its product"),
        ("EC: I: WS: 5C", 60.0, 98.0, "warning: 90 % or more"),
        ("EC: I: ES: 3C", 60.0, 98.0, "warning: 90 % or more"),
        ("EN: EN: EQ: 1C", 50.0, 100.0, "warning: 0 or 100 %"),
        ("SC: EH: ED: 2C", 104.0, 97.0, "warning: commute"),
        ("SC: EH: ED: 2C", 400.0, 104.0, "error: twice as many"),
        ("SC: SH: SI: 2C", 31.0, 0.31, "error: between 0 and 1"),
        ("SC: EH: H: 1C", 30.0, 81.0, "warning: life expectancy"),
        ("SC: EH: H: 1C", 810.0, 81.0, "error: not a life expectancy"),
        ("EC: ICT: ICT: 1C", 104.0, 97.0, "error: cannot be above 100"),
        ("SC: SH: SA: 9C", -1.0, 0.0, "error: cannot be below 0"),
        ("EC: I: T: 5A", 0.7, 1.3, "warning: free flow"),
        ("SC: SH: SA: 3A", 0.5, 1.0, "error: exist (1) or not (0)"),
    ],
)
def test_an_implausible_value_is_told_and_a_plausible_one_is_not(code: str, bad: float, good: float, said: str) -> None:
    assert has(told(value(code, bad)), said)
    assert not has(told(value(code, good)), said)


def test_modes_of_transport_that_do_not_sum_to_100_are_told() -> None:
    def modes(private: float) -> dict[str, kpi.Reported]:
        rest = {"public": 20.0, "walking": 20.0, "cycling": 9.0, "para": 1.0}
        return {"EC: I: T: 4A": kpi.Reported({"private": private, **rest})}

    assert has(told(modes(60.0)), "error: sum to 100")
    assert not has(told(modes(51.5)), "error: sum to 100")  # within 2 %, as the verification manual allows
    assert not has(told(modes(48.5)), "error: sum to 100")
    assert has(told(modes(47.0)), "error: sum to 100")


def test_waste_routes_that_do_not_sum_to_100_are_told() -> None:
    def routes(recycled: float) -> dict[str, kpi.Reported]:
        rest = {"landfill": 40.0, "burnt": 0.0, "incinerated": 30.0, "open_dump": 0.0, "other": 0.0}
        return {"EN: EN: WA: 1C": kpi.Reported({"recycled": recycled, **rest})}

    assert has(told(routes(20.0)), "error: sum to 100")
    assert not has(told(routes(30.0)), "error: sum to 100")


def test_a_sum_of_shares_is_not_held_against_what_is_not_all_known() -> None:
    assert not told({"EC: I: T: 4A": kpi.Reported({"private": 30.0, "public": 20.0})})


def test_levels_of_wastewater_treatment_that_grow_are_told() -> None:
    rising = {"EN: EN: WS: 4C": kpi.Reported({"primary": 60.0, "secondary": 70.0, "tertiary": 80.0})}
    assert sum("cumulative" in one for one in told(rising)) == 2
    assert not told({"EN: EN: WS: 4C": kpi.Reported({"primary": 90.0, "secondary": 70.0, "tertiary": 70.0})})


@pytest.mark.parametrize(
    ("first", "second", "bad", "good", "said"),
    [
        ("EC: I: WS: 2C", "EC: I: WS: 1C", (98.0, 95.0), (95.0, 98.0), "error: potable"),
        ("EC: ICT: WS: 1C", "EC: ICT: ES: 1C", (60.0, 20.0), (20.0, 60.0), "warning: smart water meters"),
        ("EC: ICT: ICT: 2C", "EC: ICT: ICT: 1C", (98.0, 90.0), (84.5, 97.0), "warning: fixed broadband"),
        ("EC: P: EM: 2C", "EC: P: EM: 1C", (1.0, 6.0), (12.0, 6.0), "warning: youth unemployment"),
        (
            "EC: ICT: ICT: 1C",
            "EC: I: ES: 3C",
            (97.0, 50.0),
            (97.0, 99.0),
            "warning: households are on the internet",
        ),
    ],
)
def test_two_indicators_that_contradict_each_other_are_told(
    first: str, second: str, bad: tuple[float, float], good: tuple[float, float], said: str
) -> None:
    assert has(told(value(first, bad[0]) | value(second, bad[1])), said)
    assert not has(told(value(first, good[0]) | value(second, good[1])), said)
    assert not has(told(value(first, bad[0])), said)  # nothing to hold it against


def test_tourism_ict_and_the_unemployed_are_parts_of_one_labour_force() -> None:
    said = "error: one labour force"
    tourism, ict, idle = "EC: P: EM: 3A", "EC: P: EM: 4A", "EC: P: EM: 1C"
    assert has(told(value(tourism, 48.0) | value(ict, 45.0) | value(idle, 10.0)), said)
    assert not has(told(value(tourism, 6.33) | value(ict, 3.22) | value(idle, 2.74)), said)


def test_parts_that_are_more_than_their_whole_are_told() -> None:
    assert has(told({}, {"households_with_internet": 1_100, "households": 1_000}), "error: cannot be more than")
    assert not told({}, {"households_with_internet": 900, "households": 1_000})
    assert has(told({}, {"youth_unemployed": 900, "unemployed": 500}), "error: part of the unemployed")
    assert has(told({}, {"water_billed": 900, "water_supplied": 500}), "error: more water was billed")


def test_an_air_quality_in_the_wrong_unit_is_told() -> None:
    # 40 ug/m3 of nitrogen dioxide, read as parts of a billion by a thousand: the units are mixed up.
    assert has(told({}, {"no2_annual_mean": 40_000.0}), "error: check the units (ppm, ppb, ug/m3)")
    assert not told({}, {"no2_annual_mean": 40.0, "pm2_5_annual_mean": 9.0, "pm10_annual_mean": 16.0})


# --- every check ---------------------------------------------------------------------------------------------------


def assignments(names: list[str]) -> Iterator[dict[str, float]]:
    """Numbers to try a check with: every pair of the list for two names, one number for all where there are more."""
    if len(names) <= 2:
        for several in itertools.product(TRIED, repeat=len(names)):
            yield dict(zip(names, several, strict=True))
    else:
        for one in TRIED:
            yield dict.fromkeys(names, one / len(names))


@pytest.mark.parametrize("pack", PACKS)
def test_every_check_of_a_pack_can_hold_and_can_fail(pack: str) -> None:
    framework = kpi.framework(pack)
    checks = [check for one in framework.indicators.values() for check in one.checks]
    for check in (*checks, *framework.checks):
        held = {check.formula.holds(one) for one in assignments(sorted(check.formula.names))}
        assert {True, False} <= held, check.formula.text
