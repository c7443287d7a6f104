"""Formulas: read, held against units, reckoned, told in words; and nothing that one writes does anything else."""

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.kpi import formula
from hansa.kpi.tree import DEEPEST, Call, Compared, Joined, Minus, Name, Number, Pair, tree, written

PEOPLE = {"physicians": "physician", "population": "person", "households": "household", "online": "household"}


# --- units ---


def test_a_number_per_hundred_thousand_people_has_that_unit():
    made = formula("100000 * physicians / population", PEOPLE, "1 / 100 000 person")
    assert made.value({"physicians": 37, "population": 10_000}) == 370
    assert formula("100000 * physicians / population", PEOPLE, "physician / 100000 person")


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("1000 * physicians / population", "1 / 100 000 person"),  # the wrong factor
        ("100 * physicians / population", "%"),  # physicians are not people here
        ("100 * online / population", "%"),
        ("online / households", "%"),  # a factor of 100 is missing
        ("100 * online", "%"),
        ("physicians + population", "person"),
        ("100000 * physicians / population", "bed / 100000 person"),
    ],
)
def test_a_formula_whose_unit_is_not_the_declared_one_is_refused(text, declared):
    with pytest.raises(BadRequest):
        formula(text, PEOPLE, declared)


def test_a_missing_factor_is_named():
    with pytest.raises(BadRequest) as said:
        formula("online / households", PEOPLE, "%")
    assert said.value.mend == "multiply by 100"


@pytest.mark.parametrize(
    ("text", "inputs", "declared"),
    [
        ("100 * (supplied - billed) / supplied", {"supplied": "m3", "billed": "m3"}, "%"),
        ("100 * (1 - billed / supplied)", {"supplied": "m3", "billed": "m3"}, "%"),
        ("100 - 100 * billed / supplied", {"supplied": "m3", "billed": "m3"}, "%"),
        ("1000 * long + short", {"long": "km", "short": "m"}, "m"),
        ("water / 365 / population", {"water": "l / year", "population": "person"}, "l / day / person"),
        ("water / 366 / population", {"water": "l / year", "population": "person"}, "l / day / person"),
        ("met / 5 [1]", {"met": "1"}, "1"),
        ("mean(a, b)", {"a": "%", "b": "%"}, "%"),
        ("if_missing(a, 0) + b", {"a": "km", "b": "km"}, "km"),
        ("min(a, 100)", {"a": "%"}, "%"),
        ("energy / area", {"energy": "kWh / year", "area": "m2"}, "ekWh / m2 / year"),
        ("minutes / calls", {"minutes": "min", "calls": "call"}, "min / call"),
    ],
)
def test_constants_say_in_what_steps_the_result_is_told(text, inputs, declared):
    assert formula(text, inputs, declared).unit is not None


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("a + b", {"a": "km", "b": "m"}),
        ("a + b", {"a": "km", "b": "kWh"}),
        ("a + 5", {"a": "km"}),  # five of what?
        ("1 - share", {"share": "%"}),  # 100 - share is meant
        ("max(a, b)", {"a": "person", "b": "household"}),
        ("if_missing(a, b)", {"a": "km", "b": "m"}),
        ("0 * a", {"a": "km"}),
        ("a / 0", {"a": "km"}),
        ("a / (2 - 2)", {"a": "km"}),
        ("5", {"a": "km"}),
        ("5 * 2", {}),
        ("5 [km]", {}),
    ],
)
def test_what_cannot_be_brought_together_is_refused(text, inputs):
    with pytest.raises(BadRequest):
        formula(text, inputs)


def test_ppm_and_micrograms_are_never_brought_together_and_the_reason_is_told():
    with pytest.raises(BadRequest, match="molar mass"):
        formula("a + b", {"a": "ppm", "b": "ug/m3"})
    with pytest.raises(BadRequest, match="molar mass"):
        formula("no2", {"no2": "ppm"}, "ug/m3")


def test_a_name_that_is_no_input_is_told_with_those_that_are():
    with pytest.raises(BadRequest) as said:
        formula("100 * onlin / households", PEOPLE, "%")
    assert said.value.where == "onlin"
    assert "online" in str(said.value.mend)


# --- numbers ---

SHARE = formula("100 * online / households", PEOPLE, "%")


def test_division_by_zero_names_the_input():
    with pytest.raises(BadRequest, match="households is 0") as said:
        SHARE.value({"online": 5, "households": 0})
    assert said.value.where == "households"


def test_division_by_a_difference_of_zero_names_its_inputs():
    made = formula("a / (b - c)", {"a": "km", "b": "h", "c": "h"})
    with pytest.raises(BadRequest, match=r"b = 3, c = 3"):
        made.value({"a": 1, "b": 3, "c": 3})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400, True, "80", [1], object()])
def test_an_input_that_is_no_finite_number_is_named(value):
    with pytest.raises(BadRequest) as said:
        SHARE.value({"online": value, "households": 10})
    assert said.value.where == "online"


def test_an_overflow_is_told_with_its_inputs():
    made = formula("a * b", {"a": "km", "b": "km"})
    with pytest.raises(BadRequest, match=r"beyond.*a = 1e"):
        made.value({"a": 1e200, "b": 1e200})
    with pytest.raises(BadRequest, match="beyond"):
        formula("sum(a, b)", {"a": "km", "b": "km"}).value({"a": 1.7e308, "b": 1.7e308})


def test_a_missing_input_is_named_unless_the_formula_says_what_then():
    with pytest.raises(BadRequest, match="households is missing"):
        SHARE.value({"online": 5})
    assert SHARE.needs({"online": 5, "households": None}) == ["households"]
    made = formula("if_missing(a, 0) + b", {"a": "km", "b": "km"})
    assert made.value({"b": 3}) == 3
    assert made.needs({}) == ["b"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("2 [1] + 3 [1] * a", 14.0),
        ("(2 [1] + 3 [1]) * a", 20.0),
        ("a - 1 [1] - 1 [1]", 2.0),
        ("a / 2 [1] / 2 [1]", 1.0),
        ("-a * 2", -8.0),
        ("2 * -a", -8.0),
        ("abs(0 - a)", 4.0),
        ("mean(a, 2 [1], 0)", 2.0),
        ("min(a, 3)", 3.0),
        ("max(a, 3)", 4.0),
        ("sum(a, a, a)", 12.0),
        ("1.5e1 * a", 60.0),
        (".5 * a", 2.0),
    ],
)
def test_arithmetic_is_arithmetic(text, answer):
    assert formula(text, {"a": "1"}).value({"a": 4}) == answer


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("a <= b", True),
        ("a < a", False),
        ("a <= a", True),
        ("0 <= a <= b <= 10", True),
        ("0 <= a <= 3", False),
        ("a == 4 and b == 5", True),
        ("a == 4 and b == 4", False),
        ("a == 9 or b == 5", True),
        ("a != 4", False),
        ("abs(a - b) <= 2", True),
        ("c <= a", None),
        ("c <= a or a <= b", True),
        ("c <= a and b <= a", False),
        ("b <= a <= c", False),  # whatever c is
    ],
)
def test_a_check_holds_or_not_or_cannot_be_told(text, held):
    made = formula(text, dict.fromkeys("abc", "1"), check=True)
    assert made.holds({"a": 4, "b": 5}) is held


def test_what_rounding_leaves_breaks_no_check():
    made = formula("a + b + c == 100", dict.fromkeys("abc", "%"), check=True)
    assert made.holds({"a": 33.3, "b": 33.3, "c": 33.4}) is True
    assert made.holds({"a": 33.3, "b": 33.3, "c": 33.5}) is False


def test_counts_of_different_things_may_be_compared_and_measures_may_not():
    assert formula("deaths <= population", {"deaths": "death", "population": "person"}, check=True)
    with pytest.raises(BadRequest):
        formula("a <= b", {"a": "km", "b": "kWh"}, check=True)


def test_arrays_give_what_numbers_give_and_nan_where_they_refuse():
    made = formula("100 * if_missing(a, 0) / b + min(c, 5)", {"a": "1", "b": "1", "c": "%"}, "%")
    nan = math.nan
    cells = [(1.0, 4.0, 7.0), (nan, 4.0, 2.0), (1.0, nan, 2.0), (1.0, 0.0, 2.0), (3.0, 8.0, -1.0)]
    with np.errstate(all="ignore"):
        got = made.array({name: np.array([cell[at] for cell in cells]) for at, name in enumerate("abc")})
    for cell, value in zip(cells, got, strict=True):
        inputs = {name: None if math.isnan(one) else one for name, one in zip("abc", cell, strict=True)}
        try:
            assert value == pytest.approx(made.value(inputs))
        except BadRequest:
            assert not math.isfinite(value)


# --- words ---


def test_a_formula_is_told_in_words_and_symbols():
    says = {"online": "households with internet access", "households": "all households"}
    assert SHARE.words(says) == "households with internet access as a share of all households, in per cent"
    assert SHARE.symbols() == "100 × online ÷ households"
    per = formula("100000 * physicians / population", PEOPLE)
    assert per.words({"population": "people"}) == "physicians for every 100\u00a0000 of people"
    loss = formula("100 * (supplied - billed) / supplied", {"supplied": "m3", "billed": "m3"}, "%")
    assert loss.words() == "(supplied minus billed) as a share of supplied, in per cent"
    odd = formula("if_missing(a, 0) + max(a, b)", {"a": "km", "b": "km"})
    assert odd.words() == "a (where it is not known: 0) plus the greatest of a and b"
    check = formula("0 <= a <= 100", {"a": "%"}, check=True)
    assert check.words() == "0 is at most a is at most 100"


# --- the grammar ---


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1 +", "* a", "a b", "a.b", "a[0]", "f(a)", "sum()", "sum(a", "(a", "a)", "a ** 2", "a // b", "a % b",
        "'a'", "__import__('os')", "a := 3", "lambda: 1", "a if b else c", "abs(a, b)", "if_missing(a)", "sum", "and",
        "a, b", "1e9999", "1e-999", "1" * 500, "a" * 2000, "(" * 40 + "a" + ")" * 40, "a" + "+a" * 300, "a <= b",
        "a and b", "√a", "a;b", "a\x00b", "5 [km", "[km]", "--a",
    ],
)  # fmt: skip
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(BadRequest):
        tree(text)


@pytest.mark.parametrize(
    "text", ["a", "a + b", "(a <= b) <= c", "a <= b and c", "a <=", "<= a", "a and b", "sum(a <= b)"]
)
def test_what_is_no_check_is_refused(text):
    with pytest.raises(BadRequest):
        tree(text, check=True)


def test_a_refusal_says_where():
    with pytest.raises(BadRequest, match="character 5"):
        tree("a + * b")
    with pytest.raises(BadRequest, match=r"ends where"):
        tree("a +")


NAMES = st.sampled_from(["a", "b", "population", "x_1"])
LEAVES = st.one_of(
    st.builds(Name, NAMES),
    st.builds(Number, st.sampled_from(["0", "1", "100", "2.5", "1e3", ".5"]), st.sampled_from([None, "km", "1", "%"])),
)


def deeper(inner):
    return st.one_of(
        st.builds(Minus, inner),
        st.builds(Pair, st.sampled_from("+-*/"), inner, inner),
        st.builds(
            lambda fn, of: Call(fn, tuple(of)),
            st.sampled_from(["sum", "mean", "min", "max"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda of: Call("abs", (of,)), inner),
        st.builds(lambda one, two: Call("if_missing", (one, two)), inner, inner),
    )  # fmt: skip


TREES = st.recursive(LEAVES, deeper, max_leaves=12)
CHECKS = st.builds(
    lambda of, signs: Compared(tuple(of[: len(signs) + 1]), tuple(signs)),
    st.lists(TREES, min_size=3, max_size=3),
    st.lists(st.sampled_from(["<=", "<", ">=", ">", "==", "!="]), min_size=1, max_size=2),
)


@settings(max_examples=50)
@given(TREES)
def test_a_formula_written_and_read_again_is_itself(made):
    assert tree(written(made)) == made


@settings(max_examples=30)
@given(st.lists(CHECKS, min_size=1, max_size=3), st.sampled_from(["and", "or"]))
def test_a_check_written_and_read_again_is_itself(several, word):
    made = several[0] if len(several) == 1 else Joined(word, tuple(several))
    assert tree(written(made), check=True) == made


@settings(max_examples=50)
@given(st.one_of(st.text(max_size=60), st.text("ab01.e+-*/()<>=,[] sumin_", max_size=60)), st.booleans())
def test_whatever_is_written_is_a_tree_or_refused(text, check):
    with suppress(BadRequest):
        formula(text, {"a": "km", "b": "km"}, check=check)


@settings(max_examples=50)
@given(TREES, st.dictionaries(NAMES, st.one_of(st.none(), st.floats(), st.integers())))
def test_whatever_is_put_in_is_a_finite_number_or_refused(made, inputs):
    with suppress(BadRequest):
        ready = formula(written(made), dict.fromkeys(["a", "b", "population", "x_1"], "km"))
        assert math.isfinite(ready.value(inputs))


def test_the_deepest_and_the_longest_that_are_let_in_can_be_worked_with():
    deep = "(" * DEEPEST + "a" + ")" * DEEPEST
    assert formula(deep, {"a": "km"}).value({"a": 2}) == 2
    nested = "1 [1] / (" * DEEPEST + "a" + ")" * DEEPEST
    assert formula(nested, {"a": "1"}).words()
    long = "+".join(["a"] * 100)
    made = formula(long, {"a": "km"})
    assert made.value({"a": 2}) == 200
    assert made.words().count("plus") == 99
    assert tree(written(tree(long))) == tree(long)
