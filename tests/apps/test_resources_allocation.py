"""Allocation: the answer is the best one there is, by trying all of them; and the plain one is never better."""

import math
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.apps.resources import allocation
from hansa.apps.resources.allocation import UNMET_MIN, Answer, Need, Unit, best, formula, nearest, propose


def need(incident, capability="pump", count=1, weight=1.0):
    return Need(incident, capability, count, weight)


def unit(ident, *capabilities, free=1):
    return Unit(ident, frozenset(capabilities or ("pump",)), free)


def least(needs, units, seconds, unmet_min=UNMET_MIN):
    """The least cost of all answers, by trying them: each place of each unit goes to one need, or nowhere."""
    places = [(u, one) for u, one in enumerate(units) for _ in range(one.free)]
    lowest = math.inf
    for chosen in product(range(-1, len(needs)), repeat=len(places)):
        left = [one.count for one in needs]
        cost = 0.0
        for (u, one), n in zip(places, chosen, strict=True):
            if n < 0:
                continue
            if needs[n].capability not in one.capabilities or not math.isfinite(seconds[u][n]) or not left[n]:
                break
            left[n] -= 1
            cost += needs[n].weight * seconds[u][n] / 60.0
        else:
            cost += sum(one.weight * unmet_min * n for one, n in zip(needs, left, strict=True))
            lowest = min(lowest, cost)
    return lowest


_names = st.sampled_from(["pump", "medic", "boat"])
_needs = st.lists(
    st.builds(need, st.just("i"), _names, st.integers(1, 2), st.sampled_from([8.0, 4.0, 1.0])), min_size=1, max_size=3
)
_units = st.lists(
    st.builds(lambda can, free: unit("u", *can, free=free), st.sets(_names, min_size=1), st.integers(1, 2)), max_size=3
)
_seconds = st.one_of(st.floats(0, 20_000), st.just(math.inf), st.just(math.nan))


@settings(deadline=None, max_examples=120)
@given(_needs, _units, st.data())
def test_no_answer_of_all_costs_less(needs, units, data):
    seconds = [[data.draw(_seconds) for _ in needs] for _ in units]
    units = [Unit(f"u{n}", one.capabilities, one.free) for n, one in enumerate(units)]
    found = best(needs, units, seconds)
    assert found.optimal
    assert found.cost == pytest.approx(least(needs, units, seconds), rel=1e-9, abs=1e-6)
    assert found.bound == pytest.approx(found.cost, rel=1e-6, abs=1e-6)
    plain = nearest(needs, units, seconds)
    assert plain.cost >= found.cost - 1e-6
    for answer in (found, plain):
        for one in units:
            assert sum(s.places for s in answer.sent if s.unit == one.id) <= one.free
        for n, asked in enumerate(needs):
            given_ = sum(s.places for s in answer.sent if s.need == n)
            assert given_ + answer.unmet[n] == asked.count
            assert answer.unmet[n] >= 0


def test_nearest_first_is_dearer_where_the_near_unit_is_wanted_elsewhere():
    # The first need takes the only unit that is near the second, although it has another almost as near.
    needs = [need("a"), need("b")]
    units = [unit("near"), unit("far")]
    seconds = [[60.0, 120.0], [120.0, 6_000.0]]
    compared = propose(needs, units, seconds)
    assert {(s.unit, s.need) for s in compared.nearest.sent} == {("near", 0), ("far", 1)}
    assert {(s.unit, s.need) for s in compared.best.sent} == {("near", 1), ("far", 0)}
    assert compared.best.cost == pytest.approx(4.0)
    assert compared.nearest.cost == pytest.approx(101.0)
    assert compared.saved == pytest.approx(97.0)


def test_the_graver_incident_gets_the_only_unit():
    found = best([need("low", weight=1.0), need("grave", weight=8.0)], [unit("u")], [[60.0, 600.0]])
    assert [(s.need, found.unmet) for s in found.sent] == [(1, (1, 0))]


def test_who_cannot_do_it_or_cannot_come_is_not_sent():
    found = best([need("a", "medic")], [unit("p", "pump")], [[60.0]])
    assert (found.sent, found.unmet, found.cost) == ((), (1,), UNMET_MIN)
    for away in (math.inf, math.nan, UNMET_MIN * 60.0 + 1):
        assert best([need("a")], [unit("p")], [[away]]).sent == ()
        assert nearest([need("a")], [unit("p")], [[away]]).sent == ()


def test_a_shelter_gives_many_places_to_several_incidents():
    needs = [need("a", "bed", 30), need("b", "bed", 30)]
    units = [unit("school", "bed", free=40), unit("hall", "bed", free=15)]
    found = best(needs, units, [[300.0, 300.0], [600.0, 600.0]])
    assert sum(s.places for s in found.sent) == 55
    assert sum(found.unmet) == 5


def test_nobody_asks_or_nobody_is_there():
    assert propose([], [unit("u")], [[]]).best.cost == 0.0
    alone = propose([need("a", count=3, weight=2.0)], [], [])
    assert alone.best.cost == alone.nearest.cost == 2.0 * 3 * UNMET_MIN
    assert alone.best.optimal


def test_the_same_question_has_the_same_answer():
    needs = [need(f"i{n}") for n in range(5)]
    units = [unit(f"u{n}") for n in range(5)]
    seconds = [[300.0] * 5 for _ in units]
    assert best(needs, units, seconds) == best(needs, units, seconds)


def test_the_objective_is_said_with_its_numbers():
    said = formula()
    assert "critical 8" in said
    assert "240" in said


def test_of_a_large_city_only_who_is_near_is_weighed_and_the_answer_is_still_the_best():
    chance = Random(7)
    needs = [need(f"i{n}", weight=chance.choice([1.0, 4.0])) for n in range(4)]
    units = [unit(f"u{n}") for n in range(400)]
    seconds = [[chance.random() * 6_000 for _ in needs] for _ in units]
    assert allocation.pairs_most(needs, units) == 16
    found = best(needs, units, seconds)
    near = {u for n in range(4) for u in sorted(range(400), key=lambda u: seconds[u][n])[:4]}
    few = sorted(near)
    lowest = least(needs, [units[u] for u in few[:4]], [seconds[u] for u in few[:4]])
    assert found.optimal
    assert found.cost <= lowest
    every = [(u, n, seconds[u][n] / 60) for u in range(400) for n in range(4)]
    assert len(allocation._near(needs, every)) == 16


def test_a_solver_that_is_stopped_says_how_far_off_it_may_be(monkeypatch):
    assert Answer((), 100.0, (), bound=80.0).gap == pytest.approx(0.2)
    assert Answer((), 100.0, (), bound=100.1).gap == 0.0
    assert Answer((), 0.0, (), bound=0.0).gap == 0.0
    assert Answer((), 100.0, ()).gap is None
    monkeypatch.setattr(allocation, "SOLVE_S", 0.0)
    chance = Random(7)
    needs = [need(f"i{n}", count=2) for n in range(20)]
    units = [unit(f"u{n}") for n in range(60)]
    found = best(needs, units, [[chance.random() * 6_000 for _ in needs] for _ in units])
    assert found.optimal is (found.gap == 0.0)
    assert found.cost <= nearest(needs, units, [[math.inf] * 20] * 60).cost
