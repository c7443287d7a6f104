"""Trying a rule on what was: in a process of its own, as the asker sees it, with progress, and an end."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from hansa import Attribute, entity
from hansa.analytics.trial_child import Decided, Past, Start
from hansa.analytics.trials import Trials
from hansa.apps.watch.trying import tried
from hansa.clock import SECOND, Clock, parse, text
from hansa.errors import BadRequest, Busy, Forbidden, HansaError, InvalidRequest, NotFound, Unauthenticated
from hansa.limits import DEFAULT
from hansa.model.change import Write
from hansa.platform.city import City
from hansa.platform.http import Request
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.columns import ColumnReader
from hansa.platform.sqlite.schema import connect
from hansa.trust.actors import Actor
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight

WORK = "hansa.apps.watch.trying:tried"
NOW = parse("2026-04-11T00:00:00Z")
BEGIN = parse("2026-04-10T00:00:00Z")
RULE = "when level of WaterObserved is above 3 m for 10 min raise 'flood' high"


def engineer(*classes, name="person:eva", roles=("engineer",)):
    return Sight(name, classes=frozenset(classes or {"open", "smart"}), who=Actor(name, frozenset(roles)))


def history(name, *values, step_s=300, attribute="level"):
    points = [
        {"type": "Property", "value": v, "unitCode": "MTR", "observedAt": text(BEGIN + i * step_s * SECOND)}
        for i, v in enumerate(values)
    ]
    ident = f"urn:ngsi-ld:WaterObserved:{name}"
    return Write("instances", ident, {"id": ident, "type": "WaterObserved", attribute: points})


def labelled(write, label):
    return replace(write, label=label)


COURSE = [1.0, 3.5, 3.6, 3.7, 1.0, 1.0, 3.5, 1.0, 3.5, 3.5, 3.5, 3.5, 1.0]


@pytest.fixture
def made(tmp_path):
    store = SqliteStore(tmp_path / "open.db")
    city = City(store, Clock(NOW, rate=0.0), ADMINISTRATOR, direct=True)
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.0, 48.0]}}
    for name, label in (("open", None), ("secret", "security")):
        ident = f"urn:ngsi-ld:WaterObserved:{name}"
        doc = {"id": ident, "type": "WaterObserved", "location": place,
               "level": {"type": "Property", "value": 1.0, "observedAt": text(BEGIN - SECOND)}}  # fmt: skip
        city.write(Write("create", ident, doc, label=label))
        city.write(history(name, *COURSE))
    yield city, tmp_path / "open.db"
    city.close()


def trials_of(made, **limits):
    city, path = made
    city.limits = replace(DEFAULT, **limits)
    return Trials(city, path, WORK, {"timezone": "Europe/Vienna"})


async def ask(trials, method="GET", *path, sight=None, said=None):
    body = b"" if said is None else orjson.dumps(said)
    answer = await trials.handle(Request(method, ["trials", *path], body=body, sight=sight or engineer()))
    return orjson.loads(answer.body)


async def outcome(trials, said, sight=None):
    begun = await ask(trials, "POST", sight=sight, said=said)
    while True:
        found = await ask(trials, "GET", begun["id"], sight=sight)
        if found["state"] not in {"waiting", "running"}:
            return found
        await asyncio.sleep(0.02)


def run(trials, said, sight=None):
    async def whole():
        try:
            return await outcome(trials, said, sight)
        finally:
            await trials.aclose()

    return asyncio.run(whole())


def directly(made, said, sight=None, now=NOW, **most):
    """The same without a process of its own."""
    reader = ColumnReader(connect(made[1]), "open", lambda: now)
    asked = sight or engineer()
    rights = Decided({label: asked.sees(label) for label in reader.labels()})
    start = Start("", "open", WORK, said, now, {}, {"points": 1_000, "series": 100, **most})
    try:
        return tried(said, Past(start, reader, Sight("trial", classes=frozenset(), rights=rights), lambda _: None))
    finally:
        reader.close()


SPAN = {"from": "2026-04-10T00:00:00Z", "to": "2026-04-11T00:00:00Z"}


def test_a_trial_says_when_a_rule_would_have_rung_and_for_whom(made):
    found = run(trials_of(made), {"rule": RULE, **SPAN})
    assert (found["state"], found["progress"]) == ("done", 1.0), found
    result = found["result"]
    assert result["says"] == "would have rung twice; no real incident is known of that time"
    assert [(one["source"].rsplit(":", 1)[1], one["from"], one["to"]) for one in result["listed"]] == [
        ("open", "2026-04-10T00:15:00Z", "2026-04-10T00:20:00Z"),
        ("open", "2026-04-10T00:50:00Z", "2026-04-10T01:00:00Z"),
    ]
    assert (result["rings"], result["sources"], result["values"]) == (2, 1, 14)
    assert result["days"] == {"2026-04-10": 2}


def test_hidden_series_do_not_count_and_those_who_see_them_see_more(made):
    trials = trials_of(made)
    assert run(trials, {"rule": RULE, **SPAN})["result"]["sources"] == 1
    told = run(trials_of(made), {"rule": RULE, **SPAN}, engineer("open", "smart", "security"))
    assert told["result"]["rings"] == 4


def test_a_hidden_attribute_of_a_visible_entity_does_not_count_either(made):
    city, _ = made
    ident = "urn:ngsi-ld:WaterObserved:open"
    doc = {"id": ident, "type": "WaterObserved", "level": {"type": "Property", "value": 2.0, "unitCode": "MTR"}}
    city.write(Write("say", ident, doc, labels={"level": "personal"}))
    assert directly(made, {"rule": RULE, **SPAN})["rings"] == 0
    assert directly(made, {"rule": RULE, **SPAN}, engineer("smart", "personal"))["rings"] == 2


def test_neighbours_that_are_hidden_do_not_ring_anything(made):
    near = "when level of WaterObserved is above 3 m and at least 1 neighbour within 5 km is also above 3 m raise 'x'"
    assert directly(made, {"rule": near, **SPAN})["rings"] == 0
    assert directly(made, {"rule": near, **SPAN}, engineer("smart", "security"))["rings"] > 0


class Noting:
    """Rights that see security, and remember what was shown."""

    epoch, typed = 0, False

    def __init__(self):
        self.shown = set()

    def may(self, verb, label):
        return True

    def covers(self, verb, types):
        return True

    def saw(self, ident, label):
        self.shown.add((ident, label))


def test_what_is_shown_of_security_information_is_noted_before_the_answer(made):
    rights = Noting()
    sight = Sight("person:eva", classes=frozenset(), who=Actor("person:eva", frozenset({"engineer"})), rights=rights)
    run(trials_of(made), {"rule": RULE, **SPAN}, sight)
    assert rights.shown == {("urn:ngsi-ld:WaterObserved:secret", "security")}


def test_rings_are_held_against_incidents_and_windows(made):
    city, _ = made
    near = {"type": "Polygon", "coordinates": [[[16.9, 47.9], [17.1, 47.9], [17.1, 48.1], [16.9, 48.1], [16.9, 47.9]]]}
    far = {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}
    city.put(
        entity("Incident", "one", name="Flood", area=near, dateRaised="2026-04-10T00:55:00Z",
               dateResolved="2026-04-10T02:00:00Z"),
        entity("Incident", "far", area=far, dateRaised="2026-04-10T00:55:00Z", dateResolved="2026-04-10T02:00:00Z"),
        entity("Incident", "drill", drill=True, area=near, dateRaised="2026-04-10T00:55:00Z"),
        entity("Incident", "late", area=near, dateRaised="2026-04-10T20:00:00Z", dateResolved="2026-04-10T21:00:00Z"),
    )  # fmt: skip
    windows = [{"name": "named", "from": "2026-04-10T05:00:00Z", "to": "2026-04-10T06:00:00Z"}]
    found = directly(made, {"rule": RULE, **SPAN, "windows": windows, "before": 600})
    assert found["says"] == "would have rung twice, once for real incidents, missed 2"
    assert (found["precision"], found["recall"]) == (0.5, pytest.approx(1 / 3))
    assert [(one["name"], one["caught"], one["lead_s"]) for one in found["incidents"]] == [
        ("Flood", True, 300), ("named", False, None), ("late", False, None),
    ]  # fmt: skip
    assert [one["real"] for one in found["listed"]] == [[], ["urn:ngsi-ld:Incident:one"]]


def test_a_rule_that_is_saved_is_held_against_what_it_really_rang(made):
    city, _ = made
    rule = "urn:ngsi-ld:WatchRule:flood"
    city.put(entity("WatchRule", "flood", watchedType="WaterObserved", kind="threshold", watchedAttribute="level",
                    high=3.0, unit="MTR", holdOff=600, enabled=False))  # fmt: skip
    alert = entity("Alert", "a", status="open", alertSource="urn:ngsi-ld:WaterObserved:open",
                   watchRule=Attribute(rule, kind="Relationship"))  # fmt: skip
    city.clock.turn(parse("2026-04-12T00:00:00Z"))
    city.put(alert)
    span = {"from": "2026-04-10T00:00:00Z", "to": "2026-04-13T00:00:00Z"}
    found = directly(made, {"id": rule, **span}, now=parse("2026-04-13T00:00:00Z"))
    assert found["alarms"] == {"rang": 1, "both": 0, "new": 2}
    assert "is above 3 m for 10 min" in found["rule"]


@pytest.mark.parametrize(
    ("said", "where", "why"),
    [
        ({}, "rule", "what is to be tried"),
        ({"rule": "nonsense"}, "rule", "line 1, column 1"),
        ({"rule": RULE, "from": "yesterday"}, "from", "no date-time"),
        ({"rule": RULE, "from": "2026-04-10T00:00:00"}, "from", "names no zone"),
        ({"rule": RULE, "from": "2026-04-10T00:00:00Z", "to": "2026-04-09T00:00:00Z"}, "from", "before it ends"),
        ({"rule": RULE, "from": "2020-04-10T00:00:00Z"}, "from", "400 days"),
        ({"rule": RULE, "before": "x"}, "before", "seconds"),
        ({"rule": RULE, "windows": [{"name": "x"}]}, "windows[0].from", "no date-time"),
        ({"rule": RULE, "windows": "x"}, "windows", "list"),
        ({"rule": RULE, "colour": 1}, "colour", "no colour"),
        ({"id": "urn:ngsi-ld:WatchRule:none"}, "id", "no entity"),
    ],
)
def test_what_cannot_be_tried_says_why(made, said, where, why):
    with pytest.raises(HansaError) as caught:
        directly(made, said)
    assert caught.value.where == where
    assert why in caught.value.detail


@pytest.mark.parametrize(("limit", "why"), [({"points": 5}, "more than 5 values"), ({"series": 1}, "more than 1")])
def test_too_much_is_refused_with_what_would_be_less(made, limit, why):
    with pytest.raises(HansaError) as caught:
        directly(made, {"rule": RULE, **SPAN}, engineer("smart", "security"), **limit)
    assert why in caught.value.detail
    assert "like" in caught.value.mend


def test_a_trial_that_cannot_be_made_says_so_at_the_door(made):
    found = run(trials_of(made), {"rule": "nonsense"})
    assert (found["state"], found["fault"]["where"], found["fault"]["status"]) == ("failed", "rule", 400)


def test_a_trial_that_takes_too_long_is_ended_with_its_process(made):
    found = run(trials_of(made, trial_s=0.01), {"rule": RULE, **SPAN})
    assert (found["state"], found["fault"]["status"]) == ("failed", 503)


def test_trials_are_ones_own_and_can_be_ended(made):
    async def whole():
        trials = trials_of(made)
        begun = await ask(trials, "POST", said={"rule": RULE, **SPAN})
        other = engineer(name="person:max")
        with pytest.raises(NotFound):
            await ask(trials, "GET", begun["id"], sight=other)
        with pytest.raises(NotFound):
            await ask(trials, "DELETE", begun["id"], sight=other)
        assert (await ask(trials, sight=other))["trials"] == []
        assert (await ask(trials, "DELETE", begun["id"]))["state"] == "ended"
        assert [one["state"] for one in (await ask(trials))["trials"]] == ["ended"]
        await ask(trials, "DELETE", begun["id"])
        assert (await ask(trials))["trials"] == []
        await trials.aclose()

    asyncio.run(whole())


def test_only_so_many_are_tried_at_once(made):
    async def whole():
        trials = trials_of(made, trials=1)
        await ask(trials, "POST", said={"rule": RULE})
        with pytest.raises(Busy):
            await ask(trials, "POST", said={"rule": RULE})
        await trials.aclose()

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("sight", "fault"),
    [(NOBODY, Unauthenticated), (engineer(roles=("resident",)), Forbidden), (engineer(roles=()), Forbidden)],
)
def test_rules_are_tried_by_those_who_work_with_them(made, sight, fault):
    with pytest.raises(fault):
        asyncio.run(ask(trials_of(made), "POST", sight=sight, said={"rule": RULE}))


@pytest.mark.parametrize(("body", "fault"), [(b"{", InvalidRequest), (b"[]", BadRequest)])
def test_a_body_that_is_no_object_is_refused(made, body, fault):
    request = Request("POST", ["trials"], body=body, sight=engineer())
    with pytest.raises(fault):
        asyncio.run(trials_of(made).handle(request))


def test_a_result_is_not_shown_to_who_has_fewer_rights_by_now(made):
    async def whole():
        trials = trials_of(made)
        found = await outcome(trials, {"rule": RULE, **SPAN}, engineer("smart", "security"))
        with pytest.raises(Forbidden, match="other rights"):
            await ask(trials, "GET", found["id"], sight=engineer("smart"))
        await trials.aclose()

    asyncio.run(whole())


def test_what_was_tried_is_for_the_scope_alone_with_which_it_was_tried(made):
    trials = trials_of(made)
    whole = engineer()
    token = replace(whole, who=replace(whole.who, scope=frozenset({"read"})))
    other = replace(whole, who=replace(whole.who, scope=frozenset({"read:WaterObserved"})))

    async def all_of_it():
        try:
            for mine, others in ((whole, (token, other)), (token, (whole, other))):
                found = await outcome(trials, {"rule": RULE, **SPAN}, mine)
                assert found["state"] == "done"
                assert [one["id"] for one in (await ask(trials, sight=mine))["trials"]] == [found["id"]]
                for one in others:
                    for method in ("GET", "DELETE"):
                        with pytest.raises(NotFound):
                            await ask(trials, method, found["id"], sight=one)
                    assert found["id"] not in [it["id"] for it in (await ask(trials, sight=one))["trials"]]
        finally:
            await trials.aclose()

    asyncio.run(all_of_it())
