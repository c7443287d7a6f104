"""People and rules: saved, switched, taken back; every version is kept; two who edit at once do not lose a word."""

import pytest

from hansa import Attribute, entity
from hansa.apps.watch import app
from hansa.errors import Conflict, Forbidden, NotFound, Refusal
from hansa.testing import MemoryCity

FLOOD = "urn:ngsi-ld:WatchRule:flood"
TEXT = "when level of WaterObserved is above 3 m for 10 min raise 'flood' high"
HIGHER = "when level of WaterObserved is above 4 m for 10 min\nraise 'flood' high"


@pytest.fixture
def city():
    return MemoryCity(app, start="2026-03-01T08:00:00Z")


def act(city, name, ident="", *, by="person:eva", roles=("engineer",), **said):
    return city.act(name, ident, by=by, roles=roles, **said)


def gauge(city, value):
    city.turn(seconds=600)
    city.read(entity("WaterObserved", "bridge", level=Attribute(value, "MTR", city.clock.now())))


def open_(city):
    return [a["subCategory"] for a in city.find("Alert", q='status=="open"')]


def test_a_rule_that_is_saved_rings(city):
    act(city, "save", text=TEXT, reason="first flood rule")
    for value in (3.4, 3.5):
        gauge(city, value)
    assert open_(city) == ["flood"]
    found = city.get(FLOOD)
    assert (found["version"], found["enabled"], found["watchedType"]) == (1, True, "WaterObserved")
    saved = found["saved"]
    assert (saved["by"], saved["reason"], saved["act"]) == ("person:eva", "first flood rule", "save")


def test_every_version_is_kept_with_who_when_and_why_and_can_be_taken_back(city):
    act(city, "save", text=TEXT, reason="one")
    city.turn(seconds=60)
    act(city, "save", FLOOD, text=HIGHER, reason="too often", version=1, by="person:max", roles=("supervisor",))
    city.turn(seconds=60)
    act(city, "disable", FLOOD, reason="works on the weir")
    city.turn(seconds=60)
    act(city, "revert", FLOOD, to=1, reason="was better")
    told = city.view("rule", {"id": FLOOD})
    assert [(v["version"], v["act"], v["by"], v["reason"], v["enabled"]) for v in told["versions"]] == [
        (4, "revert", "person:eva", "was better", True),
        (3, "disable", "person:eva", "works on the weir", False),
        (2, "save", "person:max", "too often", True),
        (1, "save", "person:eva", "one", True),
    ]
    assert [v["at"] for v in told["versions"]][::-1] == [f"2026-03-01T08:0{i}:00Z" for i in range(4)]
    assert told["versions"][0]["text"] == told["versions"][3]["text"] == told["text"]


def test_two_versions_differ_line_by_line(city):
    act(city, "save", text=TEXT, reason="one")
    act(city, "save", FLOOD, text=HIGHER, reason="two")
    act(city, "disable", FLOOD, reason="three")
    told = city.view("diff", {"id": FLOOD, "from": "1", "to": "3"})
    assert [(one["op"], one["line"]) for one in told["lines"]] == [
        ("-", "when level of WaterObserved is above 3 m for 10 min"),
        ("+", "when level of WaterObserved is above 4 m for 10 min"),
        (" ", "raise 'flood' high"),
    ]
    assert told["enabled"] == "switched off"
    with pytest.raises(Refusal):
        city.view("diff", {"id": FLOOD, "from": "1", "to": "9"})


def test_a_rule_of_a_single_kind_is_edited_as_a_sentence_and_its_alarm_stays_the_same(city):
    city.say(
        entity(
            "WatchRule", "old", kind="threshold", watchedType="WaterObserved", watchedAttribute="level", high=3.0,
            unit="MTR", severity="low", template="{source} is high", watchedId="*bridge",
        )
    )  # fmt: skip
    gauge(city, 3.4)
    (alarm,) = city.find("Alert")
    old = "urn:ngsi-ld:WatchRule:old"
    text = city.view("rule", {"id": old})["text"]
    assert text.startswith("when level of WaterObserved like '*bridge' is above 3 m\nraise 'threshold' low")
    act(
        city,
        "save",
        old,
        text=text.replace("low", "critical").replace("\nsaying '{source} is high'", ""),
        reason="grave",
    )
    (same,) = city.find("Alert")
    assert (same.id, same["status"], same["severity"]) == (alarm.id, "open", "critical")
    now = city.get(old)
    assert not {"kind", "high", "unit", "watchedAttribute", "template"} & set(now.doc)
    versions = city.view("rule", {"id": old})["versions"]
    assert [(v["version"], v["act"]) for v in versions] == [(1, "save"), (0, "import")]
    act(city, "revert", old, to=0, reason="as it was")
    assert city.view("rule", {"id": old})["text"] == text


def test_switching_a_rule_off_closes_its_alarms_and_on_raises_them_again(city):
    act(city, "save", text=TEXT.replace(" for 10 min", ""), reason="one")
    gauge(city, 3.4)
    assert open_(city) == ["flood"]
    act(city, "disable", FLOOD, reason="weir")
    assert open_(city) == []
    with pytest.raises(Conflict):
        act(city, "disable", FLOOD, reason="again")
    act(city, "enable", FLOOD, reason="done")
    assert open_(city) == ["flood"]


def test_saving_over_a_version_that_was_not_on_screen_is_refused(city):
    act(city, "save", text=TEXT, reason="one")
    act(city, "save", FLOOD, text=HIGHER, reason="two", version=1, by="person:max")
    with pytest.raises(Conflict, match="person:max has saved version 2"):
        act(city, "save", FLOOD, text=TEXT, reason="three", version=1)


def test_a_new_rule_does_not_take_the_place_of_another(city):
    act(city, "save", text=TEXT, reason="one")
    with pytest.raises(Conflict, match="there is a rule of that name"):
        act(city, "save", text=TEXT, reason="one more")


@pytest.mark.parametrize("roles", [(), ("operator",), ("resident",), ("command",)])
@pytest.mark.parametrize("name", ["save", "enable", "disable", "revert"])
def test_only_supervisors_and_engineers_change_rules(city, name, roles):
    act(city, "save", text=TEXT, reason="one")
    with pytest.raises(Forbidden):
        act(city, name, FLOOD, roles=roles, text=TEXT, reason="x", to=1)


@pytest.mark.parametrize(
    ("name", "said", "where"),
    [
        ("save", {"text": "when level", "reason": "x"}, "text"),
        ("save", {"text": 7, "reason": "x"}, "text"),
        ("save", {"text": TEXT}, "reason"),
        ("save", {"text": TEXT, "reason": " "}, "reason"),
        ("save", {"text": TEXT, "reason": "x\x00"}, "reason"),
        ("save", {"text": TEXT, "reason": "x" * 501}, "reason"),
        ("save", {"text": TEXT, "reason": "x", "colour": "red"}, "colour"),
        ("save", {"text": TEXT, "reason": "x", "enabled": "yes"}, "enabled"),
        ("save", {"text": TEXT, "reason": "x", "description": 5}, "description"),
        ("save", {"text": TEXT, "reason": "x", "version": "1"}, "version"),
        ("revert", {"to": 9, "reason": "x"}, "to"),
        ("revert", {"to": True, "reason": "x"}, "to"),
        ("revert", {"reason": "x"}, "to"),
        ("disable", {}, "reason"),
    ],
)
def test_what_cannot_be_done_names_the_member(city, name, said, where):
    act(city, "save", text=TEXT, reason="one")
    with pytest.raises((Refusal, Conflict)) as caught:
        act(city, name, FLOOD, **said)
    assert caught.value.where == where


def test_ids_of_rules_are_checked_and_made(city):
    with pytest.raises(Refusal):
        act(city, "save", "urn:ngsi-ld:Alert:x", text=TEXT, reason="x")
    with pytest.raises(NotFound):
        act(city, "disable", "urn:ngsi-ld:WatchRule:none", reason="x")
    (change,) = [c for c in act(city, "save", text=TEXT.replace("'flood'", "'Überlauf!'"), reason="x") if c.new]
    assert change.entity.id == "urn:ngsi-ld:WatchRule:berlauf"


def test_the_list_says_what_rings_and_what_is_wrong(city):
    act(city, "save", text=TEXT.replace(" for 10 min", ""), reason="one")
    city.say(entity("WatchRule", "bad", kind="threshold", watchedType="WaterObserved"))
    for value in (3.4, 2.0, 3.4):
        gauge(city, value)
    told = {one["name"]: one for one in city.view("rules")["rules"]}
    assert (told["flood"]["open"], told["flood"]["last"]) == (1, "2026-03-01T08:30:00Z")
    assert (told["flood"]["severity"], told["flood"]["type"]) == ("high", "WaterObserved")
    assert "watchedAttribute" in told["bad"]["fault"]


def test_a_text_is_explained_part_by_part_or_where_it_fails(city):
    text = "when level of W is above 3 m for 10 min and (flow is below 1 or not (the month is May)) raise 'x'"
    told = city.view("parse", {"text": text})
    outline = told["outline"]
    assert (outline["what"], [one["what"] for one in outline["of"]]) == ("all", ["lasting", "any"])
    leaf = outline["of"][0]["of"][0]
    assert text[slice(*leaf["at"])] == "level of W is above 3 m"
    assert leaf["says"] == "level is above 3 m"
    inner = outline["of"][1]["of"][1]["of"][0]
    assert text[slice(*inner["at"])] == "the month is May"
    wrong = city.view("parse", {"text": "when level of W is over 3"})
    assert (wrong["line"], wrong["column"], wrong["found"]) == (1, 20, "'over'")
