"""Endpoints that have yet to show themselves: few at once, the one with most recipients first, failures last."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.platform.newcomers import QUICK_S, SETTLED, Job, Newcomers


def job(order, endpoint, rank=5):
    return Job(rank, order, f"{endpoint}-{order}", endpoint, 0.0)


def gone(newcomers, many):
    found = []
    while len(found) < many and newcomers.first() is not None:
        found.append(newcomers.pop())
        newcomers.goes(found[-1])
    return found


def test_they_share_a_quarter_and_each_has_one_on_its_way_until_it_took_some() -> None:
    newcomers = Newcomers(32)
    for order in range(300):
        newcomers.put(job(order, f"host{order % 20}"), failed=False)
    out = gone(newcomers, 100)
    assert len(out) == 8 == len({one.endpoint for one in out})
    newcomers.left(out[0])
    newcomers.took(out[0].endpoint, after_s=0.1)
    newcomers.left(out[1])
    newcomers.failed(out[1].endpoint, down=False)
    assert {one.endpoint for one in gone(newcomers, 100)}.isdisjoint({out[1].endpoint})


def test_one_with_many_recipients_goes_before_many_with_one_and_the_gravest_before_all() -> None:
    newcomers = Newcomers(4)
    for order in range(50):
        newcomers.put(job(order, f"evil{order}"), failed=False)
    for order in range(50, 90):
        newcomers.put(job(order, "honest"), failed=False)
    newcomers.put(job(99, "grave", rank=0), failed=False)
    (first,) = gone(newcomers, 9)
    newcomers.left(first)
    (second,) = gone(newcomers, 9)
    assert (first.endpoint, second.endpoint) == ("grave", "honest")


def test_what_failed_goes_when_nothing_is_left_that_did_not() -> None:
    newcomers = Newcomers(4)
    newcomers.put(job(0, "bad", rank=0), failed=True)
    for order in range(1, 4):
        newcomers.put(job(order, f"new{order}"), failed=False)
    order = []
    for _ in range(4):
        (one,) = gone(newcomers, 9)
        newcomers.left(one)
        order.append(one.endpoint)
    assert order == ["new1", "new2", "new3", "bad"]


def test_a_score_of_quick_answers_settles_slow_ones_do_not_and_going_down_undoes_it() -> None:
    newcomers = Newcomers(32)
    assert newcomers.settled("")
    for order in range(5):
        newcomers.put(job(order, "slow"), failed=False)
    for _ in range(SETTLED * 2):
        assert newcomers.took("slow", after_s=QUICK_S + 1) == []
    assert not newcomers.settled("slow")
    freed = [one for _ in range(SETTLED) for one in newcomers.took("slow", after_s=0.1)]
    assert [one.order for one in freed] == list(range(5))
    assert newcomers.settled("slow")
    newcomers.failed("slow", down=False)
    newcomers.took("slow", after_s=0.1)
    assert newcomers.settled("slow")
    newcomers.failed("slow", down=True)
    assert not newcomers.settled("slow")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("pplfdtx"), st.integers(0, 3), st.integers(0, 2)), max_size=120))
def test_whatever_happens_each_goes_once_and_nothing_is_left_behind(steps) -> None:
    newcomers = Newcomers(12)
    put, went, out = set(), [], []
    for order, (what, host, rank) in enumerate(steps):
        name = f"host{host}"
        if what == "p":
            newcomers.put(job(order, name, rank), failed=rank == 2)
            put.add(order)
        elif what == "l":
            new = gone(newcomers, 2)
            out += new
            went += new
        elif what == "x" and out:
            newcomers.left(out.pop())
        elif what in "fd":
            newcomers.failed(name, down=what == "d")
        elif what == "t":
            went += newcomers.took(name, after_s=0.0)
        assert len(newcomers._out) <= 3
    while rest := gone(newcomers, 1) or out:
        one = rest[0]
        went += [one] if one not in out else []
        newcomers.left(one)
        out = [it for it in out if it is not one]
    assert sorted(one.order for one in went) == sorted(put)
    assert not list(newcomers.waiting())
