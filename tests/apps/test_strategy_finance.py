"""Money over years: worked examples of spreadsheet manuals, identities, sensitivity and chance; five ways to pay."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.apps.strategy import finance, identity
from hansa.apps.strategy.finance import Case, Money, Wrong

# The examples of Microsoft's reference of worksheet functions (NPV, XNPV, XIRR, IRR, PMT), and OpenFormula's.
XFLOWS = [
    (date(2008, 1, 1), -10_000),
    (date(2008, 3, 1), 2_750),
    (date(2008, 10, 30), 4_250),
    (date(2009, 2, 15), 3_250),
    (date(2009, 4, 1), 2_750),
]
SHOP = [-70_000, 12_000, 15_000, 18_000, 21_000, 26_000]


def test_net_present_value_is_as_in_the_manual():
    # NPV(10 %, -10000, 3000, 4200, 6800) = 1188.44: there the first flow is at the end of year 1.
    assert finance.npv(0.10, [0, -10_000, 3_000, 4_200, 6_800]) == pytest.approx(1_188.44, abs=0.005)
    # NPV(8 %, 8000, 9200, 10000, 12000, 14500) - 40000 = 1922.06; with a loss of 9000 in year 6: -3749.47.
    later = [-40_000, 8_000, 9_200, 10_000, 12_000, 14_500]
    assert finance.npv(0.08, later) == pytest.approx(1_922.06, abs=0.005)
    assert finance.npv(0.08, [*later, -9_000]) == pytest.approx(-3_749.47, abs=0.005)


def test_irregular_flows_are_as_in_the_manual():
    assert finance.xnpv(0.09, XFLOWS) == pytest.approx(2_086.65, abs=0.005)
    assert finance.xirr(XFLOWS) == pytest.approx(0.373362535, abs=1e-8)
    with pytest.raises(Wrong, match="before the first"):
        finance.xnpv(0.09, XFLOWS[::-1])


def test_the_rate_of_return_is_as_in_the_manual():
    assert finance.irr(SHOP) == pytest.approx(0.0866, abs=5e-5)
    assert finance.irr(SHOP[:5]) == pytest.approx(-0.0212, abs=5e-5)
    assert finance.irr([-1, 3, -2.5]) is None  # its sign turns twice: no one rate
    assert finance.irr([1, 2]) is None
    assert finance.irr([]) is None


def test_an_annuity_is_as_in_the_manual():
    # PMT(8 %/12, 10, 10000) = -1037.03
    assert finance.annuity(0.08 / 12, 10, 10_000) == pytest.approx(1_037.03, abs=0.005)
    assert finance.annuity(0, 10, 10_000) == 1_000
    for wrong in ((0.1, 0), (-1, 5)):
        with pytest.raises(Wrong):
            finance.annuity(*wrong, 1)


@settings(max_examples=50)
@given(st.floats(-0.2, 0.5), st.integers(1, 40), st.floats(1, 1e7))
def test_an_annuity_is_worth_what_it_stands_for(rate, years, worth):
    due = finance.annuity(rate, years, worth)
    assert finance.npv(rate, [0, *([due] * years)]) == pytest.approx(worth, rel=1e-6)


@settings(max_examples=50)
@given(st.floats(0, 0.3), st.floats(0, 0.2), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_real_flows_at_the_real_rate_are_worth_what_nominal_ones_are_at_the_nominal(nominal, inflation, flows):
    paid = finance.nominal_flows(flows, inflation)
    real = finance.npv(finance.real(nominal, inflation), flows)
    assert finance.npv(nominal, paid) == pytest.approx(real, rel=1e-6, abs=1e-3)


@settings(max_examples=30)
@given(st.floats(10, 1e6), st.lists(st.floats(1, 1e6), min_size=1, max_size=15))
def test_at_its_rate_of_return_a_case_is_worth_nothing(capital, back):
    flows = [-capital, *back]
    rate = finance.irr(flows)
    if rate is not None:
        assert finance.npv(rate, flows) == pytest.approx(0, abs=1e-3 * max(capital, *back))


def test_the_real_rate_is_fishers():
    assert finance.real(0.05, 0.02) == pytest.approx(0.0294118, abs=1e-7)
    with pytest.raises(Wrong):
        finance.real(0.05, -1)


@pytest.mark.parametrize(
    ("flows", "rate", "years"),
    [
        ([-100, 50, 50, 50], 0, 2.0),
        ([-100, 60, 60], 0, 1 + 40 / 60),
        ([-100, 60, 60], 0.1, 1 + (100 - 60 / 1.1) / (60 / 1.21)),
        ([-100, 60, 60], 0.2, None),
        ([-100, 200, -150, 100], 0, 2.5),  # it falls below zero again: the last time counts
        ([10, 5], 0, 0.0),
        ([-100, 99], 0, None),
        ([], 0, None),
    ],
)
def test_payback_is_when_the_flows_have_come_back_for_good(flows, rate, years):
    assert finance.payback(flows, rate) == (years if years is None else pytest.approx(years))


def test_sums_of_two_currencies_are_not_added():
    assert Money(1, "EUR") + Money(2, "EUR") == Money(3, "EUR")
    with pytest.raises(Wrong, match="EUR and CZK"):
        Money(1, "EUR") + Money(2, "CZK")


# ---- a case

CASE = Case(capital=1_000_000, yearly=20_000, benefit=150_000, years=10, rate=0.04, beneficiaries=5_000)


def test_a_case_is_reckoned_by_hand():
    told = finance.appraise(CASE)
    factor = (1 - 1.04**-10) / 0.04
    assert told["costs"] == pytest.approx(1_000_000 + 20_000 * factor)
    assert told["benefits"] == pytest.approx(150_000 * factor)
    assert told["npv"] == pytest.approx(130_000 * factor - 1_000_000)
    assert told["ratio"] == pytest.approx(150_000 * factor / (1_000_000 + 20_000 * factor))
    assert told["perPersonYear"] == pytest.approx(told["costs"] / (5_000 * factor))
    assert told["annual"] == pytest.approx(told["costs"] / factor)
    assert told["payback"] == pytest.approx(1_000_000 / 130_000)
    assert finance.npv(told["irr"], told["flows"]) == pytest.approx(0, abs=1e-3)


def test_delay_ramp_and_what_is_left_at_the_end():
    late = replace(CASE, delay=1, ramp=2, residual=0.1)
    assert late.share == [0, 0, 0.5, *([1] * 8)]
    assert late.costs[-1] == pytest.approx(20_000 - 100_000)
    assert finance.npv_of(late) < finance.npv_of(CASE)
    nominal = replace(CASE, rate=0.0608, inflation=0.02, rate_is_nominal=True)
    assert finance.npv_of(nominal) == pytest.approx(finance.npv_of(CASE))


@pytest.mark.parametrize(
    "wrong",
    [{"years": 0}, {"years": 61}, {"rate": 1.5}, {"inflation": -0.9}, {"residual": 2}, {"capital": -1}, {"ramp": 0}],
)
def test_a_case_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(Wrong):
        replace(CASE, **wrong)


def test_a_tornado_has_the_widest_first_and_moves_one_at_a_time():
    told = finance.tornado(CASE, {"benefit": (120_000, 180_000), "capital": (900_000, 1_100_000), "rate": (0.04, 0.04)})
    factor = (1 - 1.04**-10) / 0.04
    assert [it["name"] for it in told] == ["benefit", "capital", "rate"]
    assert told[0]["swing"] == pytest.approx(60_000 * factor)
    assert told[1]["swing"] == pytest.approx(200_000)
    assert told[2]["swing"] == 0
    for wrong in ({"luck": (0, 1)}, {"capital": (2, 1)}):
        with pytest.raises(Wrong):
            finance.tornado(CASE, wrong)


def test_chance_is_the_same_from_the_same_seed_and_near_what_is_known():
    ranges = {"benefit": (120_000, 180_000)}
    one = finance.monte_carlo(CASE, ranges, 4_000, 7)
    assert one == finance.monte_carlo(CASE, ranges, 4_000, 7)
    assert one != finance.monte_carlo(CASE, ranges, 4_000, 8)
    # The value is linear in the benefit: its mean is that of the case, its deviation (b - a) / sqrt(24) of a triangle.
    factor = (1 - 1.04**-10) / 0.04
    assert one["mean"] == pytest.approx(finance.npv_of(CASE), abs=10_000)
    assert one["deviation"] == pytest.approx(60_000 / 24**0.5 * factor, rel=0.05)
    assert one["p5"] < one["p50"] < one["p95"]
    assert finance.monte_carlo(CASE, {}, 100, 1)["deviation"] == pytest.approx(0, abs=1e-6)
    with pytest.raises(Wrong):
        finance.monte_carlo(CASE, ranges, 10, 1)
    with pytest.raises(Wrong, match="outside"):
        finance.monte_carlo(CASE, {"benefit": (1, 2)}, 100, 1)


# ---- paying for a digital identity

TOWN = identity.plain()


def test_what_one_pays_another_has_so_all_models_of_one_adoption_have_one_total():
    told = {it["model"]: it for it in identity.compare(TOWN)}
    totals = [told[name]["total"] for name in ("government", "relying", "concession", "advertising-free")]
    assert totals == pytest.approx([totals[0]] * 4)
    assert told["user"]["total"] < totals[0]  # a fee keeps people away
    free = {it["model"]: it for it in identity.compare(replace(TOWN, deterred=0))}
    assert free["user"]["total"] == pytest.approx(free["government"]["total"])


def test_an_operator_of_a_concession_has_his_margin_and_no_more():
    (told,) = [it for it in identity.compare(TOWN) if it["model"] == "concession"]
    assert told["npv"]["operator"] == pytest.approx(told["cost"] * TOWN.margin)
    assert told["pays"] == {"government": pytest.approx(told["cost"] * (1 + TOWN.margin))}
    assert 1 < told["breakEven"]["operator"] <= 15


def test_the_fee_that_is_told_as_break_even_breaks_even():
    told = {it["model"]: it for it in identity.compare(TOWN)}
    fee = told["relying"]["fee"]["breakEven"]
    again = {it["model"]: it for it in identity.compare(replace(TOWN, transactionFee=fee))}
    assert again["relying"]["npv"]["government"] == pytest.approx(0, abs=1e-3)
    ads = told["advertising-free"]["fee"]["breakEven"]
    again = {it["model"]: it for it in identity.compare(replace(TOWN, adIncome=ads))}
    assert again["advertising-free"]["npv"]["operator"] == pytest.approx(0, abs=1e-3)
    yearly = {it["model"]: it for it in identity.compare(replace(TOWN, deterred=0))}["user"]["fee"]["breakEven"]
    again = {it["model"]: it for it in identity.compare(replace(TOWN, deterred=0, yearFee=yearly))}
    assert again["user"]["npv"]["government"] == pytest.approx(0, abs=1e-3)


def test_adoption_begins_at_nobody_grows_and_stays_below_its_ceiling():
    people = identity.adoption(TOWN)
    assert people[0] == 0
    assert people == sorted(people)
    assert people[-1] < TOWN.population * TOWN.ceiling
    assert people[4] == pytest.approx(TOWN.population * TOWN.ceiling / 2, rel=0.05)
    assert identity.adoption(replace(TOWN, deterred=1), 5)[-1] == 0


def test_nobody_who_has_one_leaves_no_cost_a_person():
    (told,) = [it for it in identity.compare(replace(TOWN, deterred=1)) if it["model"] == "user"]
    assert told["perPerson"] is None
    assert told["fee"]["breakEven"] is None


@settings(max_examples=30)
@given(st.fixed_dictionaries({name: st.floats(said[0], said[1]) for name, said in identity.BOUNDS.items()}))
def test_any_city_within_the_bounds_is_reckoned(numbers):
    for it in identity.compare(identity.City(**numbers)):
        whole = abs(it["cost"]) + sum(abs(one) for one in it["npv"].values())
        assert sum(it["npv"].values()) == pytest.approx(it["total"], abs=1e-9 * whole + 1e-6)


def test_a_number_beyond_its_bounds_is_refused_by_name():
    with pytest.raises(Wrong) as fault:
        replace(TOWN, ceiling=1.2)
    assert fault.value.where == "ceiling"
    with pytest.raises(Wrong):
        replace(TOWN, rate=float("nan"))
