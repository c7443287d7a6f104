"""What cannot be is an error, what is odd a warning, and what is sound is neither."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kpi_small import document

from hansa import kpi
from hansa.errors import BadRequest

SMALL = kpi.load(document())
SOUND = {"online": 80, "households": 100, "waste": 50, "waste_dumped": 10, "waste_recycled": 40}


def told(said=None, **inputs):
    """Severity and sentence of each fault."""
    return [(one.severity, str(one)) for one in kpi.faults(SMALL, said or {}, inputs=inputs)]


def test_what_is_sound_has_no_fault():
    assert told(**SOUND) == []
    assert kpi.faults(SMALL, {"A: X: 1C": kpi.reported(80, 95)}, period="2024", now_year=2026) == []


@pytest.mark.parametrize(
    ("inputs", "severity", "words"),
    [
        ({"online": 101, "households": 100}, "error", "not more than all households (households = 100, online = 101)"),
        ({"online": 5, "households": 0}, "error", "households is 0"),
        ({"online": -5, "households": 10}, "error", "cannot be below 0"),
        ({"online": float("nan")}, "error", "no finite number"),
        ({"online": "80"}, "error", "no finite number"),
        ({"online": 10**400}, "error", "no finite number"),
        ({"onlin": 5}, "error", "perhaps online"),
        ({"waste": 100, "waste_dumped": 30, "waste_recycled": 100}, "error", "routes sum to 100 %"),
        ({"waste": 30_000, "households": 10}, "warning", "that is much"),
    ],
)
def test_inputs_that_cannot_be_are_faults_with_their_numbers(inputs, severity, words):
    assert any(severity == one and words in sentence for one, sentence in told(**inputs))


def test_a_share_above_its_range_is_a_fault_though_nothing_else_is_known():
    (fault,) = kpi.faults(SMALL, {"A: X: 1C": kpi.reported(140)})
    assert (fault.severity, fault.code, fault.point) == ("error", "A: X: 1C", "")
    assert "cannot be above 100" in fault.says


def test_a_share_below_zero_is_odd_where_nothing_bounds_it():
    made = document()
    made["indicators"][0]["points"][0].pop("range")
    (fault,) = kpi.faults(kpi.load(made), {"A: X: 1C": kpi.reported(-4)})
    assert (fault.severity, fault.says) == ("warning", "a share of -4 %")


def test_checks_between_indicators_look_at_both():
    said = {"A: X: 1C": kpi.reported(20), "B: Z: 1A": kpi.Reported({"open.dump": 50, "2nd": 50})}
    (fault,) = kpi.faults(SMALL, said)
    assert (fault.severity, fault.code) == ("warning", "A: X: 1C, B: Z: 1A")
    assert "dumped = 50, online = 20" in fault.says
    assert kpi.faults(SMALL, said | {"A: X: 1C": kpi.reported(60)}) == []


@pytest.mark.parametrize(
    ("code", "point", "severity", "said"),
    [
        ("EC: I: WS: 2C", "", "error", {"EC: I: WS: 1C": kpi.reported(90), "EC: I: WS: 2C": kpi.reported(95)}),
        ("EC: P: IN: 1C", "", "error", {"EC: P: IN: 1C": kpi.reported(40)}),
        ("EC: P: IN: 1C", "", "warning", {"EC: P: IN: 1C": kpi.reported(7)}),
        ("EN: EN: WA: 1C", "", "error", {
            "EN: EN: WA: 1C": kpi.Reported(
                {"landfill": 60, "burnt": 10, "incinerated": 20, "open_dump": 0, "recycled": 40, "other": 0}
            )
        }),
        ("EN: EN: WS: 4C", "", "error", {
            "EN: EN: WS: 4C": kpi.Reported({"primary": 50, "secondary": 60, "tertiary": 5})
        }),
    ],
)  # fmt: skip
def test_u4ssc_s_own_contradictions_are_found(code, point, severity, said):
    found = kpi.faults(kpi.framework("u4ssc"), said)
    assert any(one.severity == severity and code in one.code for one in found)


def test_u4ssc_s_own_sound_values_are_not_faulted():
    said = {
        "EC: I: WS: 1C": kpi.reported(96),
        "EC: I: WS: 2C": kpi.reported(95),
        "EC: P: IN: 1C": kpi.reported(3),
        "EN: EN: WA: 1C": kpi.Reported(
            {"landfill": 30, "burnt": 10, "incinerated": 20, "open_dump": 0, "recycled": 39, "other": 0}
        ),
    }
    assert kpi.faults(kpi.framework("u4ssc"), said) == []


# --- periods ---


@pytest.mark.parametrize("period", ["２０２５", "2027", "3024", "1789", "24", "2024-13", "last year", "2024-Q5", ""])
def test_a_period_that_cannot_be_is_an_error(period):
    found = kpi.faults(SMALL, {}, period=period, now_year=2026)
    assert [one.severity for one in found] == ["error"]


@pytest.mark.parametrize("period", ["2026", "2024-03", "2025-Q4", "1990", "2025-12-31", None])
def test_a_period_that_was_is_none(period):
    assert kpi.faults(SMALL, {}, period=period, now_year=2026) == []


# --- values beside inputs ---


@pytest.mark.parametrize("value", [56.25, 56.3, 56])
def test_a_value_rounded_from_its_inputs_agrees_with_them(value):
    inputs = {"online": 5625, "households": 10_000}
    assert kpi.faults(SMALL, {"A: X: 1C": kpi.reported(value)}, inputs=inputs) == []


@pytest.mark.parametrize("value", [56.1, 56.4, 57, 55, 562.5])
def test_a_value_that_its_inputs_do_not_give_is_two_values_for_one_period(value):
    found = kpi.faults(SMALL, {"A: X: 1C": kpi.reported(value)}, inputs={"online": 5625, "households": 10_000})
    assert any("two values" in one.says and one.severity == "error" for one in found)


def test_what_is_not_reported_is_not_made_up_from_inputs_and_has_no_value():
    said = {"A: X: 1C": kpi.Reported({}, {}, "not reported")}
    whole, _ = kpi.filled(SMALL, said, {"online": 5, "households": 10})
    assert whole["A: X: 1C"].values == {}
    (fault,) = kpi.faults(SMALL, {"A: X: 1C": kpi.reported(5, status="not applicable")})
    assert "not applicable, and has a value" in fault.says


def test_values_come_from_inputs_where_none_is_said():
    whole, faults = kpi.filled(SMALL, {}, {name: float(value) for name, value in SOUND.items()})
    assert faults == []
    assert whole["A: X: 1C"].values == {"": 80.0}
    assert whole["B: Z: 1A"].values == {"open.dump": 20.0, "2nd": 80.0}
    assert "A: X: 2C" not in whole


def test_computing_says_what_is_missing_and_what_went_wrong():
    waste = SMALL.indicators["B: Z: 1A"]
    assert kpi.compute(waste, {"waste": 50, "waste_dumped": 10}) == {"open.dump": 20.0}
    assert kpi.missing(waste, {"waste": 50, "waste_dumped": 10}) == {"2nd": ["waste_recycled"]}
    with pytest.raises(BadRequest, match="waste is 0"):
        kpi.compute(waste, {"waste": 0, "waste_dumped": 10})
    values, faults = kpi.computed(waste, {"waste": 0, "waste_dumped": 10})
    assert values == {}
    assert [(one.point, one.where) for one in faults] == [("open.dump", "waste")]


def test_a_city_that_leaves_out_too_much_is_asked_why():
    said = {code: kpi.reported(5, 5) for code in SMALL.indicators if code != "B: Z: 1A"}
    assert kpi.incomplete(kpi.score(SMALL, said)) is None  # one of seven is below a fifth
    del said["A: X: 2C"]
    sentence = kpi.incomplete(kpi.score(SMALL, said))
    assert sentence is not None
    assert "2 of 7" in sentence


ANY = st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=5), st.booleans())


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from([*SMALL.indicators, "other"]), ANY, max_size=4),
    st.dictionaries(st.sampled_from([*SMALL.inputs, "other"]), ANY, max_size=6),
    st.one_of(st.none(), st.text(max_size=8)),
)
def test_whatever_is_said_the_answer_is_a_list_of_faults(values, inputs, period):
    said = {code: kpi.reported(value, value) for code, value in values.items()}
    for fault in kpi.faults(SMALL, said, inputs=inputs, period=period, now_year=2026):
        assert fault.severity in {"error", "warning"}
        assert fault.says
