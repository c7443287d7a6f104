"""What a station says, in words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import clock
from hansa.centres import stations

NOW = clock.parse("2026-04-12T21:00:00Z")
STALE_S, MISSING_S = 5_400, 86_400


def weather(at="2026-04-12T20:58:00Z", **more):
    temperature = {"value": -1.25, "unitCode": "CEL", "observedAt": at}
    return {
        "id": "urn:ngsi-ld:WeatherObserved:7",
        "type": "WeatherObserved",
        "name": "Orchard 7",
        "temperature": temperature,
    } | more


def alert(severity="high", kind="frost", source="urn:ngsi-ld:WeatherObserved:7", **more):
    return {
        "id": f"urn:ngsi-ld:Alert:{kind}",
        "type": "Alert",
        "severity": severity,
        "subCategory": kind,
        "status": "open",
        "alertSource": {"object": source},
    } | more


def how(entity, *alerts):
    return stations.state(entity, alerts, NOW, STALE_S, MISSING_S)


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        (3.1, 3.1),
        ({"value": 3.1, "unitCode": "CEL"}, 3.1),
        ({"object": "urn:a:b"}, "urn:a:b"),
        ({"languageMap": {"de": "Obstgarten"}}, "Obstgarten"),
        ({"vocab": "ok"}, "ok"),
        ([{"value": 2, "datasetId": "urn:b"}, {"value": 1}], 1),
        ([{"value": 2, "datasetId": "urn:b"}], 2),
        ([], None),
        (None, None),
    ],
)
def test_a_value_is_found_in_every_concise_shape(stated, value):
    assert stations.said({"x": stated}, "x") == value


def test_what_is_not_there_is_not_said():
    assert stations.said({}, "temperature") is None


def test_readings_are_the_finite_numbers_with_unit_and_time():
    entity = weather(raining=True, note="3", broken=float("nan"), huge=10**400, far=float("inf"), count=4)
    assert [(one.name, one.value, one.unit, one.at) for one in stations.readings(entity)] == [
        ("temperature", -1.25, "°C", clock.parse("2026-04-12T20:58:00Z")),
        ("count", 4.0, "", None),
    ]


def test_an_unknown_unit_is_its_own_symbol_and_a_broken_one_none():
    entity = {"a": {"value": 1, "unitCode": "XYZ"}, "b": {"value": 1, "unitCode": {"not": "a code"}}}
    assert [one.unit for one in stations.readings(entity)] == ["XYZ", ""]


def test_the_main_reading_is_the_types_own_before_any_other():
    entity = {"type": "WaterObserved", "flow": {"value": 9}, "level": {"value": 1.4, "unitCode": "MTR"}}
    assert stations.main_reading(entity).name == "level"
    assert (
        stations.main_reading({"type": "Odd", "x": 1, "y": {"value": 2, "observedAt": "2026-01-01T00:00:00Z"}}).name
        == "y"
    )
    assert stations.main_reading({"type": "Odd", "name": "none"}) is None


def test_a_station_that_reports_is_in_order_and_one_that_does_not_is_stale_then_missing():
    assert how(weather()) == "ok"
    assert how(weather(at="2026-04-12T19:00:00Z")) == "stale"
    assert how(weather(at="2026-04-10T19:00:00Z")) == "missing"
    assert how({"id": "a", "type": "WeatherObserved"}) == "missing"


def test_an_alarm_outweighs_silence_and_silence_is_no_alarm_of_the_city():
    assert how(weather(), alert("high")) == "alarm"
    assert how(weather(), alert("critical")) == "alarm"
    assert how(weather(), alert("medium")) == "watch"
    assert how(weather(), alert("unheard of")) == "watch"
    assert how(weather(at="2026-04-10T19:00:00Z"), alert("high")) == "alarm"
    assert how(weather(), alert("high", "silence")) == "stale"
    assert how(weather(), alert("high", "silence"), alert("low")) == "watch"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-1.25, "°C", "−1.3"),
        (0.04, "°C", "0.0"),
        (-0.04, "°C", "0.0"),
        (1013.2, "hPa", "1013"),
        (0.113, "µSv/h", "0.11"),
        (1.5, "m", "1.5"),
        (17.94, "µg/m³", "17.9"),
        (0.0, "", "0"),
        (12.0, "", "12"),
        (12.5, "", "12.5"),
        (0.021, "°", "0.02"),
        (1e20, "", "1.00e+20"),
        (-2.0, "m", "−2.0"),
    ],
)
def test_a_figure_has_decimals_by_unit_and_size_and_a_true_minus(value, unit, text):
    assert stations.figure(value, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (-50, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 d")],
)
def test_an_age_is_in_the_largest_whole_unit(seconds, text):
    assert stations.age(NOW - seconds * clock.SECOND, NOW) == text


def test_an_age_without_time_says_so():
    assert stations.age(None, NOW) == "no time"


def test_the_list_shows_the_worst_first_and_then_goes_by_name():
    def named(name, at="2026-04-12T20:59:00Z"):
        return weather(at=at) | {"id": f"urn:ngsi-ld:WeatherObserved:{name}", "name": name}

    here = [named("b"), named("a"), named("old", "2026-04-12T12:00:00Z"), named("frozen")]
    rows = stations.rows(here, [alert(source="urn:ngsi-ld:WeatherObserved:frozen")], NOW, STALE_S, MISSING_S)
    assert [(row.name, row.state) for row in rows] == [("frozen", "alarm"), ("old", "stale"), ("a", "ok"), ("b", "ok")]
    assert (rows[0].figure, rows[0].unit, rows[0].age, rows[0].label) == ("−1.3", "°C", "60 s", "Air temperature")


def test_alarms_are_listed_by_severity_and_then_the_newest_first():
    alerts = [
        alert("low", "flat", dateIssued="2026-04-12T20:00:00Z"),
        alert("high", "frost", dateIssued="2026-04-12T19:00:00Z", description="cold"),
        alert("high", "rate", dateIssued={"value": {"@type": "DateTime", "@value": "2026-04-12T20:30:00Z"}}),
        alert("none such", "odd"),
    ]
    rows = stations.alarm_rows(alerts, [weather()], NOW)
    assert [row.title for row in rows] == ["Changing fast", "Frost", "Flat line", "Odd"]
    assert (rows[1].source, rows[1].age, rows[1].severity_word, rows[1].description) == (
        "Orchard 7",
        "2 h",
        "High",
        "cold",
    )
    assert rows[3].severity == "informational"


def test_freshness_is_one_sentence():
    here = [weather(), weather(at="2026-04-12T12:00:00Z") | {"id": "urn:b"}, {"id": "urn:c", "type": "WeatherObserved"}]
    rows = stations.rows(here, [], NOW, STALE_S, MISSING_S)
    assert stations.freshness(here, rows, NOW) == "3 stations, newest 2 min ago, 1 stale, 1 missing"
    assert stations.freshness([], [], NOW) == "no stations yet"
    assert stations.freshness(here[2:], rows[2:], NOW).startswith("1 station, no reading yet")


def test_a_place_that_measures_nothing_is_no_station():
    assert stations.is_station(weather())
    assert stations.is_station({"type": "WeatherObserved", "name": "new, and silent so far"})
    assert stations.is_station({"type": "Odd", "refDevice": {"object": "urn:ngsi-ld:Device:x"}})
    assert not stations.is_station({"type": "Building", "floors": 3})
    assert not stations.is_station(weather(type="Device"))
    assert not stations.is_station(alert())


def test_units_are_written_as_the_city_writes_them_everywhere():
    from hansa.model.units import UNITS

    assert stations.words()["units"] == {code: one.symbol for code, one in UNITS.items()}
    assert {"°C", "%", "µg/m³", "hPa"} <= set(stations.words()["units"].values())


def test_a_term_that_nobody_explained_is_pulled_apart():
    assert stations.title("soilMoistureVwc", "attributes") == "Soil moisture"
    assert stations.title("someNewThing", "attributes") == "Some New Thing"
    assert stations.title("https://example.org/terms/leafWetness", "attributes") == "Leaf Wetness"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["id", "type", "name", "temperature", "location", "alertSource", "severity", "subCategory", "dateIssued", "x"]
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(NAMES, JSON, max_size=6), max_size=4),
    st.lists(st.dictionaries(NAMES, JSON, max_size=6), max_size=3),
)
def test_no_entity_however_odd_breaks_the_list(here, alerts):
    rows = stations.rows(here, alerts, NOW, STALE_S, MISSING_S)
    assert len(rows) == len(here)
    assert len(stations.alarm_rows(alerts, here, NOW)) == len(alerts)
    assert isinstance(stations.freshness(here, rows, NOW), str)
