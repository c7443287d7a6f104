"""A framework from its document: all that is said is there, and whatever is wrong is named with its place."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kpi_small import BANDS, document, one

from hansa import kpi
from hansa.errors import BadRequest, NotFound

SMALL = kpi.load(document())


def test_a_framework_has_its_indicators_nodes_and_inputs():
    assert list(SMALL.nodes) == [(), ("A",), ("A", "X"), ("A", "Y"), ("B",), ("B", "Z")]
    assert SMALL.nodes["A",] == ("A: X: 1C", "A: X: 2C", "A: Y: 1C")
    assert SMALL.uses["households"] == ("A: X: 1C",)
    assert SMALL.level(("A", "X")) == "category"
    share = SMALL.indicators["A: X: 1C"]
    assert share.single
    assert share.points[""].range == (0, 100)
    assert share.said == {"name": "read", "formula": "recalled"}
    assert SMALL.indicators["B: Z: 1A"].points["2nd"].direction == "higher"


@pytest.mark.parametrize("code", ["A: X: 1C", "A:X:1C", "a: x: 1c", "small.a.x.1c", "A X 1C"])
def test_a_code_is_known_however_it_is_spaced(code):
    assert SMALL.indicator(code).code == "A: X: 1C"


def test_a_code_that_is_not_there_names_near_ones():
    with pytest.raises(NotFound) as said:
        SMALL.indicator("A: X: 1D")
    assert "A: X: 1C" in str(said.value.mend)


def broken(path, value):
    """The document with one thing changed; `None` as the last step of a path appends."""
    made = document()
    at = made
    for step in path[:-1]:
        at = at[step]
    if path[-1] is None:
        at.append(value)
    else:
        at[path[-1]] = value
    return made


FIRST = ("indicators", 0)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("id",), 5, "id"),
        (("levels",), [], "levels"),
        (("levels",), ["dimension"], "path"),
        (("colour",), "red", "colour"),
        (("scoring",), {"kind": "stars"}, "kind"),
        (("scoring",), {"kind": "points"}, "bands"),
        (("scoring",), {"kind": "points", "bands": [BANDS[0], BANDS[2]]}, "gap"),
        (("scoring",), {"kind": "points", "bands": BANDS[:2]}, "null"),
        (("scoring",), {"kind": "minmax", "low": 5, "high": 5}, "scale"),
        ((*FIRST, "direcion"), "higher", "direction"),
        ((*FIRST, "direction"), "up", "higher"),
        ((*FIRST, "code"), "A: X: 2C", "twice"),
        ((*FIRST, "name"), "x" * 400, "characters"),
        ((*FIRST, "points"), [], "data point"),
        ((*FIRST, "points", 0, "formula"), "online / households", "100"),
        ((*FIRST, "points", 0, "formula"), "100 * onlin / households", "onlin"),
        ((*FIRST, "points", 0, "formula"), 7, "formula"),
        ((*FIRST, "points", 0, "unit"), "KM", "KM"),
        ((*FIRST, "points", 0, "range"), [0], "range"),
        ((*FIRST, "points", 0, "scored"), "no", "scored"),
        ((*FIRST, "inputs", 0, "name"), "two words", "two words"),
        ((*FIRST, "inputs", 0, "name"), "sum", "sum"),
        ((*FIRST, "inputs", 0, "name"), "value", "value"),
        ((*FIRST, "inputs", 0, "unit"), "person", "household"),
        ((*FIRST, "inputs", 0, "low"), "0", "number"),
        ((*FIRST, "checks", 0, "expr"), "online + households", "compares"),
        ((*FIRST, "checks", 0, "severity"), "fatal", "severity"),
        ((*FIRST, "said"), {"name": "guessed"}, "recalled"),
        ((*FIRST, "path"), ["A/B", "X"], "path"),
        (("indicators", 4, "best"), 0, "best"),
        (("checks", 0, "of", "online"), "A: X: 9C", "A: X: 9C"),
        (("checks", 0, "of", "dumped"), ["B: Z: 1A", "nothing"], "nothing"),
        (("checks", 0, "expr"), "dumped <= somebody", "somebody"),
        (("weights",), {"version": "1", "of": {"A: X: 9C": 1}}, "A: X: 9C"),
        (("weights",), {"version": "1", "of": {"A": -1}}, "below 0"),
        (("weights",), {"version": "1", "of": {"A": "much"}}, "number"),
        (("targets",), {"version": "1", "of": {"A: X: 9C": 5}}, "A: X: 9C"),
        (("targets",), {"version": "1", "of": {"B: Z: 1A": {"third": 5}}}, "B: Z: 1A"),
        (("frame",), [["A"]], "path"),
        (("indicators",), {}, "list"),
        (("indicators", None), 7, "object"),
        (("indicators", None), one("C", ["A", "X"]) | {"inputs": [{"name": "c"}]}, "unit"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(path, value, told):
    with pytest.raises(BadRequest) as said:
        kpi.load(broken(path, value))
    fault = said.value
    assert told in f"{fault.detail} {fault.where} {fault.mend}"


def test_one_name_is_one_number_in_every_indicator():
    made = document()
    made["indicators"][1]["inputs"][0] |= {"name": "households", "unit": "person"}
    with pytest.raises(BadRequest, match="household for one indicator and in person for another"):
        kpi.load(made)


@pytest.mark.parametrize(("points", "inputs", "told"), [(50, 1, "data points"), (1, 60, "inputs")])
def test_a_framework_beyond_measure_is_refused_at_once(points, inputs, told):
    listed = [
        {
            "code": f"C{nth}", "name": "x", "path": ["A", "X"], "direction": "higher",
            "inputs": [{"name": f"n{nth}_{at}", "says": "x", "unit": "km"} for at in range(inputs)],
            "points": [{"key": f"k{at}", "formula": f"n{nth}_0", "unit": "km"} for at in range(points)],
        }
        for nth in range(100)
    ]  # fmt: skip
    with pytest.raises(BadRequest, match=told):
        kpi.load(document(indicators=listed, checks=[]))


def test_points_that_are_no_list_are_refused():
    with pytest.raises(BadRequest, match="list"):
        kpi.load(broken((*FIRST, "points"), 7))


def test_weights_and_targets_have_versions_that_begin_in_a_year():
    made = document(
        weights=[{"version": "1", "of": {"A": 2}}, {"version": "2", "since": "2024", "of": {"A": 3}}],
        targets=[{"version": "1", "since": "2020", "of": {"A: X: 1C": 95, "B: Z: 1A": {"2nd": 50}}}],
    )
    loaded = kpi.load(made)
    assert loaded.weights_at("2023").version == "1"
    assert loaded.weights_at("2024").version == "2"
    assert loaded.weights_at().version == "2"
    assert loaded.targets_at("2019") is None
    assert loaded.targets_at("2021").of == {("A: X: 1C", ""): 95.0, ("B: Z: 1A", "2nd"): 50.0}


def test_an_empty_frame_has_nodes_and_scores_nothing():
    made = document(indicators=[], checks=[], frame=[["A", "X"], ["B", "Y"]])
    loaded = kpi.load(made)
    assert ("B", "Y") in loaded.nodes
    assert kpi.score(loaded, {}).whole.percent is None


def test_a_city_s_own_framework_is_read_from_json_and_yaml():
    text = json.dumps(document())
    assert kpi.opened("own.json", text.encode()).indicators.keys() == SMALL.indicators.keys()
    assert kpi.opened("own.yaml", text.encode()).indicators.keys() == SMALL.indicators.keys()  # JSON is YAML


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 100_000,
        b"\xff\xff",
        b"7",
        b"&a [*a, *a]",
        b"!!python/object:os.system {}",
        b"id: 0001-01-01T00:00:00+23:59",
    ],
)
@pytest.mark.parametrize("name", ["own.json", "own.yaml"])
def test_a_file_that_is_no_framework_is_refused(name, body):
    with pytest.raises(BadRequest):
        kpi.opened(name, body)


def test_every_framework_that_ships_loads_and_has_no_target():
    for name in kpi.frameworks():
        found = kpi.framework(name)
        assert found.id == name
        assert all(not one.of for one in found.targets)


def test_a_framework_that_does_not_ship_names_those_that_do():
    with pytest.raises(NotFound) as said:
        kpi.framework("u4scc")
    assert "u4ssc" in str(said.value.mend)
    with pytest.raises(NotFound):
        kpi.framework("../packs/u4ssc")


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
PLACES = [
    ("scoring",),
    ("indicators",),
    ("indicators", 0),
    ("checks",),
    ("weights",),
    ("targets",),
    ("sources",),
    ("frame",),
]
FIELDS = ["points", "inputs", "checks", "said", "path", "direction", "best", "unit", "notes", "of", "kind", "bands"]


@settings(max_examples=50)
@given(st.sampled_from(PLACES), st.one_of(st.none(), st.sampled_from(FIELDS)), JSON)
def test_whatever_the_document_holds_it_is_a_framework_or_refused(place, field, value):
    made = document()
    at = made
    for step in place[:-1]:
        at = at[step]
    if field is None or not isinstance(at[place[-1]] if place[-1] in made or place[-1] == 0 else None, dict):
        at[place[-1]] = value
    else:
        at[place[-1]][field] = value
    with suppress(BadRequest):
        assert kpi.load(made).id == "small"
