"""Reading WatchRules: good ones, switched off, and nonsense, which says what is wrong."""

import ast
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hansa.apps.watch
from hansa import Attribute, Entity, entity, units
from hansa.apps.watch.rule import CATEGORIES, KINDS, SEVERITIES, Rule, Unusable, read

PACK = json.loads((Path(hansa.apps.watch.__file__).parent / "defaults.json").read_text())


def watch_rule(**said):
    return entity(
        "WatchRule",
        "one",
        **{"kind": "threshold", "watchedType": "River", "watchedAttribute": "level", "high": 3, **said},
    )


def test_a_rule_is_read_with_times_in_microseconds():
    rule = read(watch_rule(holdOff=600, hysteresis=0.5, unit="MTR", severity="high", watchedId="*:bridge"))
    assert rule == Rule(
        "urn:ngsi-ld:WatchRule:one",
        "threshold",
        "River",
        "level",
        high=3.0,
        hysteresis=0.5,
        hold_off=600_000_000,
        unit="MTR",
        severity="high",
        match=rule.match,
    )
    assert rule.wants("urn:ngsi-ld:River:bridge")
    assert not rule.wants("urn:ngsi-ld:River:mill")
    assert rule.name == "one"


def test_a_rule_is_off_when_it_says_so():
    assert read(watch_rule(enabled=False)) is None
    assert read(watch_rule(enabled=True)) is not None


def test_the_unit_is_that_of_the_limits_or_said_for_all_of_them():
    assert read(watch_rule(high=Attribute(3, "MTR"), low=Attribute(1, "MTR"), unit="MTR")).unit == "MTR"
    assert read(watch_rule(high=3, unit="MTR")).unit == "MTR"
    assert read(watch_rule(high=3)).unit is None


def test_two_readings_of_the_same_rule_are_equal_and_another_pattern_is_not():
    assert read(watch_rule(watchedId="a*")) == read(watch_rule(watchedId="a*"))
    assert read(watch_rule(watchedId="a*")) != read(watch_rule(watchedId="b*"))


@pytest.mark.parametrize(
    ("way", "limits"), [("rise", (None, 2.0)), ("fall", (-2.0, None)), ("both", (-2.0, 2.0)), (None, (-2.0, 2.0))]
)
def test_a_rate_has_a_direction(way, limits):
    rule = read(watch_rule(kind="rate", perHour=2, direction=way))
    assert (rule.low, rule.high) == limits
    assert rule.window == 3_600_000_000


@pytest.mark.parametrize(
    ("said", "blamed"),
    [
        ({"kind": "hunch"}, "kind"),
        ({"kind": ["threshold"]}, "kind"),
        ({"kind": None}, "kind"),
        ({"watchedType": 5}, "watchedType"),
        ({"watchedType": ""}, "watchedType"),
        ({"watchedType": "Alert"}, "watchedType"),
        ({"watchedType": "WatchRule"}, "watchedType"),
        ({"watchedAttribute": "a b"}, "watchedAttribute"),
        ({"watchedAttribute": "x" * 3_000}, "watchedAttribute"),
        ({"high": "3"}, "high"),
        ({"high": True}, "high"),
        ({"high": float("nan")}, "high"),
        ({"high": 10**400}, "high"),
        ({"high": None}, "high or low"),
        ({"low": 4}, "low"),
        ({"hysteresis": -1}, "hysteresis"),
        ({"holdOff": -1}, "holdOff"),
        ({"holdOff": 1e12}, "holdOff"),
        ({"holdOff": "10"}, "holdOff"),
        ({"severity": "terrible"}, "severity"),
        ({"category": {"a": 1}}, "category"),
        ({"unit": "parsec"}, "unit"),
        ({"high": Attribute(3, "parsec")}, "high"),
        ({"high": Attribute(3, "MTR"), "hysteresis": Attribute(5, "CMT")}, "CMT and MTR differ"),
        ({"high": Attribute(3, "MTR"), "unit": "CMT"}, "CMT and MTR differ"),
        ({"unit": ["MTR"]}, "unit"),
        ({"watchedId": "*a" * 200}, "watchedId"),
        ({"watchedId": "*a" * 5}, "watchedId"),
        ({"watchedId": 5}, "watchedId"),
        ({"template": 5}, "template"),
        ({"enabled": "no"}, "enabled"),
        ({"kind": "silence"}, "silentFor"),
        ({"kind": "flat", "flatFor": 0}, "flatFor"),
        ({"kind": "rate"}, "perHour"),
        ({"kind": "rate", "perHour": -2}, "perHour"),
        ({"kind": "rate", "perHour": 2, "direction": "up"}, "direction"),
        ({"kind": "rate", "perHour": 2, "window": 0}, "window"),
        ({"kind": "threshold", "averagedOver": 1e300}, "averagedOver"),
        ({"kind": "flat", "flatFor": 60, "minimumReadings": 1}, "minimumReadings"),
        ({"kind": "implausible", "minimum": 2, "maximum": 1}, "minimum"),
    ],
)
def test_nonsense_is_refused_with_the_attribute_that_is_to_blame(said, blamed):
    with pytest.raises(Unusable, match=blamed):
        read(watch_rule(**said))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["kind", "watchedType", "watchedAttribute", "high", "low", "minimum", "maximum", "perHour", "direction", "holdOff",
     "hysteresis", "silentFor", "flatFor", "window", "averagedOver", "unit", "severity", "category", "watchedId",
     "template", "enabled", "tolerance", "minimumReadings"]
)  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(KINDS), st.dictionaries(NAMES, JSON, max_size=4))
def test_whatever_a_rule_says_it_is_read_or_refused_and_nothing_else_is_raised(kind, said):
    good = {"kind": kind, "perHour": 1, "silentFor": 60, "flatFor": 60}
    try:
        rule = read(watch_rule(**{**good, **said}))
    except Unusable:
        return
    assert rule is None or isinstance(rule, Rule)


@pytest.mark.parametrize("doc", PACK, ids=lambda doc: doc["id"].rsplit(":", 1)[1])
def test_every_rule_of_the_default_pack_can_be_used_and_says_where_its_figures_come_from(doc):
    rule = read(Entity(doc))
    assert isinstance(rule, Rule)
    assert rule.severity in SEVERITIES
    assert rule.category in CATEGORIES
    assert len(doc["source"]["value"]) > 10
    if rule.kind in {"threshold", "rate"}:
        assert rule.unit in units.UNITS


def test_the_default_pack_covers_the_ten_kinds_of_the_report():
    assert {doc["reportKind"]["value"] for doc in PACK} == {
        "soil moisture", "river level", "radioactivity", "air quality", "noise", "structure", "dam tilt", "wildlife",
        "water", "indoor climate",
    }  # fmt: skip
    assert len({doc["id"] for doc in PACK}) == len(PACK)


def test_the_apps_quality_is_graded_with_a_reason_for_what_is_not_done():
    graded = tomllib.loads((Path(hansa.apps.watch.__file__).parent / "quality.toml").read_text())
    criteria = {k: v for part in graded.values() if isinstance(part, dict) for k, v in part.items()}
    assert len(criteria) > 15
    for name, said in criteria.items():
        assert said["grade"] in {"done", "todo", "exempt"}, name
        assert said["where" if said["grade"] == "done" else "reason"], name


def test_the_app_imports_the_facade_and_nothing_else_of_hansa():
    for file in Path(hansa.apps.watch.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "hansa":
                assert node.module == "hansa" or node.module.startswith("hansa.apps.watch"), (file.name, node.module)
                if node.module == "hansa":
                    assert {name.name for name in node.names} <= set(hansa.__all__)
