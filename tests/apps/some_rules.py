"""Hypothesis: trees of every kind, and readings for them."""

from hypothesis import strategies as st

from hansa.apps.watch import tree
from hansa.apps.watch.terms import SECOND, Unusable

MINUTE = 60 * SECOND
NAMES = ("level", "flow", "door")
NUMBERS = st.integers(-20, 20).map(lambda n: n / 4)
SPANS = st.sampled_from([60, 300, 420, 900, 1_800, 3_600]).map(lambda s: s * SECOND)
NO_UNIT = st.none()
names = st.sampled_from(NAMES[:2])
hysteresis = st.sampled_from([0.0, 0.0, 0.25, 1.0, 4.0])


def ranges(unit=NO_UNIT):
    pair = st.tuples(NUMBERS, NUMBERS).map(sorted)
    return st.one_of(
        st.builds(lambda x, u: tree.Range(x, None, u), NUMBERS, unit),
        st.builds(lambda x, u: tree.Range(None, x, u), NUMBERS, unit),
        st.builds(lambda p, u: tree.Range(p[0], p[1], u), pair, unit),
    )


def groups():
    within = st.sampled_from([100.0, 5_000.0])
    fresh = st.sampled_from([tree.FRESH, 10 * MINUTE])
    return st.builds(tree.Group, within=within, fresh=fresh)


def leaves(unit=NO_UNIT):
    return st.one_of(
        st.builds(tree.Limit, names, ranges(unit), hysteresis),
        st.builds(lambda a, r, h, o: tree.Limit(a, r, h, "mean", o), names, ranges(unit), hysteresis, SPANS),
        st.builds(
            tree.Limit,
            names, ranges(unit), hysteresis, st.sampled_from(["min", "max", "sum"]), SPANS,
        ),
        st.builds(lambda a, r, h, o: tree.Limit(a, r, h, "count", o), names, ranges(), hysteresis, SPANS),
        st.builds(
            tree.Rate, names, st.sampled_from(["rises", "falls", "changes"]), st.integers(1, 80).map(lambda n: n / 4),
            unit, SPANS, hysteresis, st.sampled_from([2, 3, 5]),
        ),
        st.builds(tree.Silent, names, SPANS),
        st.builds(
            tree.Flat, names, SPANS, st.sampled_from([0.0, 0.5, 2.0]), unit, st.sampled_from([2, 3, 5])
        ),
        st.builds(tree.Implausible, names, ranges(unit)),
        st.builds(tree.Equals, st.just("door"), st.sampled_from(["open", "shut", True, 1.0])),
        st.builds(lambda p: tree.Daytime(*p), st.tuples(st.integers(0, 1_439), st.integers(0, 1_439)).filter(
            lambda p: p[0] != p[1]
        )),
        st.builds(lambda d: tree.Weekday(tuple(sorted(d))), st.sets(st.integers(0, 6), min_size=1)),
        st.builds(lambda d: tree.Month(tuple(sorted(d))), st.sets(st.integers(1, 12), min_size=1)),
        st.builds(tree.Near, st.integers(1, 3), groups(), names, ranges(unit), st.none()),
        st.builds(
            tree.Apart, names, st.sampled_from([0.5, 2.0]), st.sampled_from(["above", "below", "away"]), groups(), unit,
            st.integers(1, 3),
        ),
    )  # fmt: skip


def nested(below):
    many = st.lists(below, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(tree.All, many),
        st.builds(tree.Some, many),
        st.builds(lambda of: tree.Some(of, 2), many),
        st.builds(tree.Not, below),
        st.builds(tree.Lasting, below, SPANS),
    )


def trees(unit=NO_UNIT):
    return st.recursive(leaves(unit), nested, max_leaves=5).filter(_usable)


def _usable(node):
    try:
        tree.check(node)
    except Unusable:
        return False
    return True
