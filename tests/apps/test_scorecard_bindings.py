"""Inputs that the city itself says: queries over entities and readings, by area and year, with their lineage."""

import json
from typing import Any

import pytest
from scorecards import enter, small_city

from hansa import Attribute, BadRequest, Entity, NotFound, Refusal, clock, entity, kpi
from hansa.apps.scorecard import binding, nouns, rounds
from hansa.model.change import Write
from hansa.testing import MemoryCity

HOUR, DAY = 3_600 * clock.SECOND, 86_400 * clock.SECOND
SQUARE = [[17.0, 48.0], [17.2, 48.0], [17.2, 48.2], [17.0, 48.2], [17.0, 48.0]]


def bed(name: str, number: Any = 1, lon: float = 17.1, **said: Any) -> Entity:
    return entity("Ward", name, beds=number, location={"type": "Point", "coordinates": [lon, 48.1]}, **said)


@pytest.fixture
def city() -> Any:
    with small_city().closing() as made:
        made.say(
            bed("a", 10), bed("b", 20, status="shut"), bed("c", 5, lon=18.0), bed("d", "many"),
            entity("District", "inner", location={"type": "Polygon", "coordinates": [SQUARE]}),
        )  # fmt: skip
        yield made


def bind(city: MemoryCity, how: Any, name: str = "beds", **said: Any) -> Any:
    return city.act("bind", framework="small", input=name, how=how, **said)


def trial(city: MemoryCity, how: Any, name: str = "beds", **said: str) -> dict[str, Any]:
    asked = {"framework": "small", "input": name, "how": json.dumps(how)} | said
    return city.view("trial", asked)  # type: ignore[no-any-return]


def said(city: MemoryCity, name: str, period: str = "2026", area: str = "city") -> Entity:
    return city.get(nouns.input_id("small", name, area, period))


WARDS = {"from": "entities", "type": "Ward", "aggregate": "sum", "attribute": "beds"}


@pytest.mark.parametrize(
    ("more", "value", "completeness"),
    [
        ({"aggregate": "count"}, 4, 1.0),
        ({"aggregate": "count", "scale": 0.5}, 2, 1.0),
        ({"aggregate": "count", "q": 'status=="shut"'}, 1, 1.0),
        ({"aggregate": "count", "q": 'status=="burning"'}, 0, 1.0),
        ({}, 35, 0.75),
        ({"aggregate": "mean"}, 35 / 3, 0.75),
        ({"aggregate": "min"}, 5, 0.75),
        ({"aggregate": "max"}, 20, 0.75),
        ({"aggregate": "distinct", "attribute": "status"}, 1, 1.0),
        ({"aggregate": "share", "of": "beds>=10"}, 50, 1.0),
        ({"within": "urn:ngsi-ld:District:inner"}, 30, 2 / 3),
    ],
)
def test_a_query_over_entities_counts_what_there_is_and_says_how_much_of_it_spoke(
    city: MemoryCity, more: dict[str, Any], value: float, completeness: float
) -> None:
    told = trial(city, WARDS | more)
    assert told["fault"] is None
    assert told["value"] == pytest.approx(value)
    assert told["completeness"] == pytest.approx(completeness)
    assert told["provisional"]
    assert told["lineage"]["entities"] >= (0 if value == 0 else 1)
    assert city.find("KpiInput") == []  # a trial says nothing


def test_nothing_known_is_not_the_same_as_none_there(city: MemoryCity) -> None:
    assert "knows of no Lighthouse" in trial(city, {"from": "entities", "type": "Lighthouse"})["fault"]
    with pytest.raises(Refusal, match="knows of no Lighthouse"):
        bind(city, {"from": "entities", "type": "Lighthouse"})
    assert "only the running year" in trial(city, {"from": "entities", "type": "Ward"}, period="2024")["fault"]
    with pytest.raises(Refusal, match="not begun"):
        bind(city, {"from": "entities", "type": "Ward"}, since="2027")


@pytest.mark.parametrize(
    "how",
    [
        None, [], "count", {}, {"from": "moon"}, {"from": "entities"}, {"from": "entities", "type": 'Ward"'},
        {"from": "entities", "type": "Ward", "aggregate": "sum"}, {"from": "entities", "type": "Ward", "more": 1},
        {"from": "entities", "type": "Ward", "q": "((("}, {"from": "entities", "type": "Ward", "scale": "1"},
        {"from": "entities", "type": "Ward", "aggregate": "share"},
        {"from": "entities", "type": "Ward", "q": "x" * 2_000},
        {"from": "entities", "type": "Ward", "within": "urn:ngsi-ld:District:none"},
        {"from": "entities", "type": "Ward", "aggregate": "sum", "attribute": "a b"},
        {"from": "history", "type": "Ward"}, {"from": "history", "type": "Ward", "attribute": "@area"},
        {"from": "history", "type": "Ward", "attribute": "a", "above": 1, "below": 2},
        {"from": "history", "type": "Ward", "attribute": "a", "interval_s": 0},
        {"from": "history", "type": "Ward", "attribute": "a", "q": "b>{from}"},
        {"from": "table", "sha256": "../../etc"}, {"from": "table", "sha256": "0" * 64, "column": "c"},
        {"from": "table", "sha256": "0" * 64, "column": "c", "where": [{"column": "a", "op": "; drop", "value": 1}]},
    ],
)  # fmt: skip
def test_a_how_that_cannot_be_asked_is_refused_and_nothing_is_bound(city: MemoryCity, how: Any) -> None:
    with pytest.raises(BadRequest):
        bind(city, how)
    assert city.find("KpiBinding") == []


def test_a_bound_input_is_asked_again_by_the_round_when_its_things_changed(city: MemoryCity) -> None:
    enter(city, "population", 1_000, "2026")
    bind(city, WARDS)
    one = said(city, "beds")
    assert (one["value"], one["how"], one["provisional"], one["by"]) == (35, "query", True, "app:scorecard")
    assert one["lineage"]["ids"] == [f"urn:ngsi-ld:Ward:{key}" for key in "abcd"]
    found = city.get(nouns.indicator_id("small", "S: 3", "city", "2026"))
    assert (found["kpiValue"], found["provisional"], found["completeness"]) == (3_500, True, 0.75)
    city.turn(seconds=rounds.ROUND_S)
    for number in (11, 12, 13):
        city.say(bed("a", number))
    assert said(city, "beds")["value"] == 35  # not each reading: the round asks
    before = len(city.changes)
    city.turn(seconds=rounds.ROUND_S)
    assert said(city, "beds")["value"] == 38
    assert city.get(found.id)["kpiValue"] == 3_800
    kinds = [one.entity.type for one in city.changes[before:]]
    assert kinds.count("KpiInput") == kinds.count("KeyPerformanceIndicator") == 1
    before = len(city.changes)
    city.turn(seconds=3 * 3_600)  # nothing changed: nothing is said, however often it is asked
    assert [one.entity.type for one in city.changes[before:]] == []
    city.say(bed("e", 100))
    city.act("refresh", nouns.binding_id("small", "beds", "city"))
    assert said(city, "beds")["value"] == 138


def test_what_somebody_has_said_stands_and_what_is_bound_is_not_said_over(city: MemoryCity) -> None:
    enter(city, "beds", 99, "2026")
    with pytest.raises(Refusal, match="said by somebody"):
        bind(city, WARDS)
    enter(city, "beds", None, "2026", status="not reported", reason="bound from now on", correct=True)
    bind(city, WARDS)
    assert said(city, "beds")["value"] == 35
    with pytest.raises(Refusal, match="obtained by a query"):
        enter(city, "beds", 40, "2026", correct=True, reason="I know better")
    enter(city, "beds", 40, "2025")  # of a year that the query cannot be asked of
    city.act("unbind", nouns.binding_id("small", "beds", "city"))
    enter(city, "beds", 40, "2026", correct=True, reason="I know better")
    city.turn(seconds=3_600)
    assert said(city, "beds")["value"] == 40


def test_what_does_not_apply_is_not_counted_after_all(city: MemoryCity) -> None:
    enter(city, "beds", None, "2026", status="not applicable", reason="they are the next town's")
    with pytest.raises(Refusal, match="said by somebody"):
        bind(city, WARDS)


def test_a_query_that_gives_nothing_any_more_takes_its_number_away_and_says_why(city: MemoryCity) -> None:
    bind(city, WARDS)
    enter(city, "population", 1_000, "2026")
    city.say(*(bed(key, "unknown") for key in "abcd"))
    city.turn(seconds=rounds.ROUND_S + 1)
    city.turn(seconds=rounds.ROUND_S)
    one = said(city, "beds")
    assert (one["status"], one["reason"]) == ("not reported", "no Ward says its beds")
    assert city.get(nouns.binding_id("small", "beds", "city"))["status"] == "failing"
    found = city.get(nouns.indicator_id("small", "S: 3", "city", "2026"))
    assert (found["status"], "kpiValue" in found) == ("not reported", False)
    city.say(bed("a", 7))
    city.turn(seconds=rounds.ROUND_S)
    assert (said(city, "beds")["value"], "reason" in said(city, "beds")) == (7, False)
    assert "fault" not in city.get(nouns.binding_id("small", "beds", "city"))


def test_a_district_has_a_value_of_its_own(city: MemoryCity) -> None:
    bind(city, WARDS, area="urn:ngsi-ld:District:inner")
    assert said(city, "beds", area="urn:ngsi-ld:District:inner")["value"] == 30
    assert city.find("KpiInput", 'area=="city"') == []
    with pytest.raises(Refusal, match="no polygon"):
        bind(city, WARDS, area="urn:ngsi-ld:Ward:a")


def test_units_of_things_are_converted_and_one_of_another_kind_is_told_by_name(city: MemoryCity) -> None:
    city.say(
        entity("Lane", "one", length=Attribute(1_500, "MTR")), entity("Lane", "two", length=Attribute(2, "KMT")),
        entity("Lane", "way", location={"type": "LineString", "coordinates": [[17.0, 48.0], [17.0, 48.01]]}),
    )  # fmt: skip
    lanes = {"from": "entities", "type": "Lane", "aggregate": "sum", "attribute": "length", "unit": "KMT"}
    assert trial(city, lanes, "cycle_km")["value"] == pytest.approx(3.5)
    drawn = {"from": "entities", "type": "Lane", "aggregate": "sum", "attribute": "@length", "scale": 0.001}
    assert trial(city, drawn, "cycle_km")["value"] == pytest.approx(1.112, rel=2e-3)
    city.say(entity("Lane", "odd", length=Attribute(3, "CEL")))
    assert "Lane:odd" in trial(city, lanes, "cycle_km")["fault"]
    city.say(entity("AirQualityObserved", "x", no2=Attribute(0.02, "59", city.clock.now() - HOUR)))
    mixed = {"from": "history", "type": "AirQualityObserved", "attribute": "no2", "unit": "GQ"}
    assert "AirQualityObserved:x" in trial(city, mixed, "no2")["fault"]  # ppm is no mass in a volume


def test_what_is_personal_is_not_counted_and_what_is_a_departments_stays_with_it(city: MemoryCity) -> None:
    enter(city, "population", 1_000, "2026")
    owned = bed("e", 1)
    owned.label = "smart;owner=health"
    city.say(owned)
    bind(city, WARDS)
    assert said(city, "beds").label == "smart;owner=several"  # of a department and of nobody
    found = city.get(nouns.indicator_id("small", "S: 3", "city", "2026"))
    assert found.label == "smart;owner=several"
    assert "urn:ngsi-ld:Ward" not in json.dumps(found["lineage"])  # it may be published: which things, stays with staff
    assert said(city, "beds")["lineage"]["ids"]
    hidden = bed("f", 1)
    hidden.label = "personal;owner=health"
    city.say(hidden)
    assert "personal" in trial(city, WARDS)["fault"]
    city.turn(seconds=2 * rounds.ROUND_S)
    assert said(city, "beds")["status"] == "not reported"
    assert "personal" in trial(city, {"from": "history", "type": "Ward", "attribute": "beds"})["fault"]


def test_nobody_asks_by_a_query_who_is_among_the_patients(city: MemoryCity) -> None:
    ward = bed("g", 1, patient="Ada")
    city.write(Write("create", ward.id, ward.doc, labels={"patient": "personal"}))
    count: dict[str, Any] = {"from": "entities", "type": "Ward"}
    for q in ('patient=="Ada"', 'patient=="Bob"', 'beds>0;(status=="shut"|patient~="A")', "!patient"):
        for how in (count | {"q": q}, count | {"aggregate": "share", "of": q}, WARDS | {"q": q}):
            assert "personal" in trial(city, how)["fault"]
        assert "personal" in trial(city, {"from": "history", "type": "Ward", "attribute": "beds", "q": q})["fault"]
    city.write(Write("say", ward.id, bed("g", 1, income=5).doc, labels={"income": "personal"}))
    for kind in ("sum", "distinct", "mean"):
        assert "personal" in trial(city, WARDS | {"attribute": "income", "aggregate": kind})["fault"]
    assert "personal" in trial(city, {"from": "history", "type": "Ward", "attribute": "income"})["fault"]
    assert "at most" in trial(city, count | {"q": "|".join(f"a{n}" for n in range(30))})["fault"]
    assert trial(city, count | {"q": 'status=="patient"'})["fault"] is None  # a word of a value is no attribute


def test_who_thought_out_a_query_does_not_verify_what_it_gives(city: MemoryCity) -> None:
    how = {"from": "entities", "type": "Ward", "q": 'created!="{from}"', "scale": 12.5}
    bind(city, how, since="2025", by="person:ida")
    city.act("refresh", nouns.binding_id("small", "beds", "city"), period="2025", by="person:tom")
    one = said(city, "beds", "2025")
    with pytest.raises(Refusal, match="does not verify"):
        city.act("verify", one.id, by="person:ida", roles=("supervisor",), value=one["value"])
    rows = city.view("inputs", {"framework": "small", "period": "2025"}, by="person:ida", roles=("operator",))["rows"]
    assert [row["verifiable"] for row in rows if row["input"] == "beds"] == [False]
    city.act("verify", one.id, by="person:tom", roles=("supervisor",), value=one["value"])
    assert said(city, "beds", "2025")["status"] == "verified"


def test_a_few_things_of_one_area_are_not_published(city: MemoryCity) -> None:
    area = "urn:ngsi-ld:District:inner"
    for where in ("city", area):
        enter(city, "population", 1_000, "2026", area=where)
    bind(city, WARDS | {"aggregate": "count"}, area=area)
    bind(city, WARDS)
    city.act("publish", framework="small", period="2026", roles=("supervisor",))
    inner, whole = (
        nouns.indicator_id("small", "S: 3", area, "2026"),
        nouns.indicator_id("small", "S: 3", "city", "2026"),
    )
    assert (city.get(inner).label, city.get(whole).label) == ("smart", "open")
    city.say(*(bed(f"more{n}") for n in range(5)))
    city.act("refresh", nouns.binding_id("small", "beds", area))
    assert city.get(inner).label == "open"


# ---- Readings


@pytest.fixture
def air(city: MemoryCity) -> MemoryCity:
    """Two stations: one with a reading every hour of ten days of 2025, one of five, and both one of this year."""
    begin = clock.parse("2025-03-01T00:00:00Z")
    for n in range(240):
        city.read(
            entity("AirQualityObserved", "west", pm10=Attribute(10.0 + 20 * (n % 24 == 7), "GQ", begin + n * HOUR))
        )
        if n < 120:
            city.read(entity("AirQualityObserved", "east", pm10=Attribute(30.0, "GQ", begin + n * HOUR)))
    for key in ("west", "east"):
        city.read(entity("AirQualityObserved", key, pm10=Attribute(40.0, "GQ", city.clock.now() - HOUR)))
    return city


AIR = {"from": "history", "type": "AirQualityObserved", "attribute": "pm10"}


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({}, (10 + 20 / 24 + 30) / 2),
        ({"each": "max", "across": "max"}, 30),
        ({"each": "min", "across": "min"}, 10),
        ({"each": "count", "across": "sum"}, 360),
        ({"each": "sum", "across": "sum"}, 240 * 10 + 10 * 20 + 120 * 30),
        ({"each": "rise", "across": "max"}, 20),
        ({"each": "last", "across": "sum"}, 40),
        ({"bucket": "hour", "above": 25, "across": "sum"}, 10 + 120),
        ({"bucket": "day", "above": 25, "across": "sum"}, 6),
        ({"bucket": "day", "below": 25, "across": "max"}, 11),
    ],
)
def test_a_years_readings_are_summed_up_of_each_thing_and_then_of_all(
    air: MemoryCity, more: dict[str, Any], value: float
) -> None:
    told = trial(air, AIR | more, "pm10", period="2025")
    assert told["value"] == pytest.approx(value), told
    lineage = told["lineage"]
    assert (lineage["readings"], lineage["entities"]) == (360, 2)
    assert lineage["since"] == "2024-12-31T23:00:00Z"  # the year begins by the city's time zone
    assert lineage["until"] == "2025-12-31T23:00:00Z"


def test_completeness_is_the_share_of_days_or_of_expected_readings_that_came(air: MemoryCity) -> None:
    told = trial(air, AIR, "pm10", period="2025")
    assert told["completeness"] == pytest.approx((11 + 6) / (2 * 365), abs=2e-3)  # days by the city's zone
    told = trial(air, AIR | {"interval_s": 3_600}, "pm10", period="2025")
    assert told["completeness"] == pytest.approx(360 / (2 * 8_760), abs=1e-4)


def test_a_binding_to_history_fills_each_year_from_since_on_and_leads_down_to_the_readings(air: MemoryCity) -> None:
    bind(air, AIR, "pm10", since="2024")
    assert "value" in said(air, "pm10", "2025")
    assert said(air, "pm10", "2024")["status"] == "not reported"
    assert (said(air, "pm10", "2026")["value"], said(air, "pm10", "2026")["provisional"]) == (40, True)
    ident = said(air, "pm10", "2025").id
    told = air.view("readings", {"id": ident})
    assert [one["id"] for one in told["entities"]] == [
        f"urn:ngsi-ld:AirQualityObserved:{key}" for key in ("east", "west")
    ]
    west = {"id": ident, "entity": "urn:ngsi-ld:AirQualityObserved:west", "limit": "100"}
    seen: list[dict[str, Any]] = []
    more, after = True, ""
    while more:
        page = air.view("readings", west | ({"after": after} if after else {}))
        seen, more = seen + page["readings"], page["more"]
        after = seen[-1]["at"]
    assert len(seen) == len({one["at"] for one in seen}) == 240
    assert sum(one["value"] for one in seen) / 240 == pytest.approx(10 + 20 / 24)
    with pytest.raises(NotFound):
        air.view("readings", west | {"entity": "urn:ngsi-ld:Ward:a"})
    for wrong in ({"limit": "-1"}, {"limit": "9999999"}, {"offset": "x"}):
        with pytest.raises(BadRequest):
            air.view("readings", west | wrong)


def test_a_late_reading_of_the_running_year_counts_within_the_hour(air: MemoryCity) -> None:
    bind(air, AIR, "pm10")
    air.turn(seconds=rounds.ROUND_S)
    air.read(entity("AirQualityObserved", "west", pm10=Attribute(20.0, "GQ", clock.parse("2026-02-01T00:00:00Z"))))
    air.turn(seconds=rounds.ROUND_S)
    assert said(air, "pm10")["value"] == 40
    air.turn(seconds=3_600)
    assert said(air, "pm10")["value"] == pytest.approx((30 + 40) / 2)


def test_a_round_stops_after_its_share_of_work_and_the_next_goes_on(air: MemoryCity, monkeypatch: Any) -> None:
    for name in ("pm10", "no2"):
        bind(air, AIR | {"attribute": "pm10"}, name)
    bind(air, WARDS)
    asked: list[str] = []
    real = binding.refreshed

    def counted(city: Any, framework: Any, one: Entity, when: Any) -> Any:
        asked.append(one["input"])
        return real(city, framework, one, when)

    monkeypatch.setattr(rounds, "WORK", 0)
    air.turn(seconds=1)
    monkeypatch.setattr(rounds, "WORK", 1)
    monkeypatch.setattr(rounds.binding, "refreshed", counted)
    for n in range(1, 4):
        air.turn(seconds=rounds.ROUND_S)
        assert len(asked) == n  # one each time, and each in its turn
    assert sorted(asked) == ["beds", "no2", "pm10"]


# ---- Events of a year, and tables


def test_a_query_that_names_the_period_is_asked_of_every_year(city: MemoryCity) -> None:
    for n, day in enumerate(("2024-05-01", "2025-05-01", "2025-06-01", "2026-01-01")):
        call = {"dateReceived": f"{day}T10:00:00Z", "dateArrived": f"{day}T10:0{n + 4}:30Z"}
        city.say(entity("EmergencyCall", f"c{n}", **call))
    city.say(entity("EmergencyCall", "open", dateReceived="2025-07-01T10:00:00Z"))
    calls = {"from": "entities", "type": "EmergencyCall", "q": "dateReceived>={from};dateReceived<{until}"}
    bind(city, calls, since="2024")
    assert [said(city, "beds", year)["value"] for year in ("2024", "2025", "2026")] == [1, 3, 1]
    spent = calls | {"aggregate": "sum", "attribute": "dateReceived..dateArrived"}
    told = trial(city, spent, period="2025")
    assert (told["value"], told["completeness"]) == (12, pytest.approx(2 / 3))


def test_a_column_of_a_table_is_asked_when_it_is_bound_and_says_which(city: MemoryCity) -> None:
    rows = [["x", 2024, 20], ["x", 2025, 22], ["y", 2025, 8]]
    recipe = {"from": {"kind": "rows", "columns": ["house", "year", "beds"], "rows": rows}, "sight": "app", "steps": []}
    sha = _table(city, recipe)
    how = {"from": "table", "sha256": sha, "column": "beds", "aggregate": "sum", "period_column": "year"}
    bind(city, how, since="2024")
    assert [said(city, "beds", year)["value"] for year in ("2024", "2025")] == [20, 30]
    lineage = said(city, "beds", "2025")["lineage"]
    assert (lineage["how"], lineage["table"], lineage["rows"]) == ("table", sha, 2)
    with pytest.raises(Refusal, match=r"unbind|obtained"):
        enter(city, "beds", 31, "2025", correct=True, reason="I know better")
    bind(city, how | {"scale": 2}, since="2024")  # bound anew, it says its own values over
    assert said(city, "beds", "2025")["value"] == 60
    only = how | {"where": [{"column": "house", "op": "==", "value": "y"}]}
    assert trial(city, only, period="2025")["value"] == 8
    assert "no beds" in trial(city, only, period="2023")["fault"]
    assert "2 rows" in trial(city, how | {"aggregate": "first"}, period="2025")["fault"]
    with pytest.raises(BadRequest):
        trial(city, how | {"column": "rooms"}, period="2025")


def _table(city: MemoryCity, recipe: dict[str, Any]) -> str:
    city.say(entity("Table", "wards", status="ordered", recipe=recipe))
    city.turn(seconds=1)
    made = city.get("urn:ngsi-ld:Table:wards")
    assert made["status"] == "made", made.get("fault")
    return str(made["sha256"])


# ---- What hansa brings


def test_every_standard_binding_is_of_an_input_of_its_framework_and_can_be_read() -> None:
    known = binding.standard("u4ssc")
    framework = kpi.framework("u4ssc")
    assert set(known) <= set(framework.inputs)
    for one in known.values():
        assert binding.read(one["how"]).says()
    whole = [
        code
        for code, indicator in framework.indicators.items()
        if any(point.formula is not None and point.formula.names <= set(known) for point in indicator.points.values())
    ]
    assert len(whole) >= 25
    assert binding.standard("nothing-of-the-kind") == {}


def test_standard_bindings_are_taken_where_the_city_has_things_for_them(city: MemoryCity) -> None:
    city.act("adopt", framework="u4ssc", roles=("supervisor",))
    with pytest.raises(Refusal, match="nothing was left"):
        city.act("bind_standard", framework="u4ssc")
    city.say(entity("WifiHotspot", "one", status="working"), entity("WifiHotspot", "two", status="stolen"))
    city.act("bind_standard", framework="u4ssc")
    city.turn(seconds=rounds.ROUND_S)
    found = city.get(nouns.indicator_id("u4ssc", "EC: ICT: ICT: 5C", "city", "2026"))
    assert (found["kpiValue"], found["provisional"]) == (1, True)
    told = city.view("bindings", {"framework": "u4ssc"})
    assert [(row["input"], row["standard"], row["value"]) for row in told["bindings"]] == [
        ("public_wifi_hotspots", True, 1)
    ]
    offered = {row["input"]: row for row in told["standard"]}
    assert (offered["public_wifi_hotspots"]["bound"], offered["antenna_sites"]["here"]) == (True, False)
    with pytest.raises(Refusal, match="no standard binding"):
        city.act("bind_standard", framework="u4ssc", inputs=["gini"])
