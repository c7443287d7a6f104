"""Plain JSON by profile."""

import pytest

from hansa.collect.json_plain import decode, reading
from hansa.errors import BadRequest, TooLarge

AT = "2026-11-22T18:00:00Z"


def test_a_message_becomes_one_reading_with_units_and_time(source, now):
    decoded = decode(b'{"temperature": 3.1, "humidity": 81, "at": "2026-11-22T18:00:00Z"}', source, now)
    (write,) = decoded.writes
    assert not decoded.refused
    assert (write.kind, write.id, write.label, write.tenant) == ("read", source.entity, "smart/parks", "valley")
    assert write.doc == {
        "id": "urn:ngsi-ld:WeatherObserved:north",
        "type": "WeatherObserved",
        "temperature": {"type": "Property", "value": 3.1, "unitCode": "CEL", "observedAt": AT},
        "relativeHumidity": {"type": "Property", "value": 81, "unitCode": "P1", "observedAt": AT},
    }


def test_without_a_time_of_its_own_a_reading_is_of_now(source, now):
    (write,) = decode(b'{"temperature": 3.1}', source, now).writes
    assert write.doc["temperature"]["observedAt"] == "2026-11-22T18:00:05.25Z"


def test_nested_keys_are_dotted_and_units_are_converted(source, now, values):
    assert values(decode(b'{"wind": {"speed": 36, "gust": 50}}', source, now)) == [{"windSpeed": 10.0}]
    assert values(decode(b'{"wind.speed": 36}', source, now)) == [{"windSpeed": 10.0}]


def test_text_and_booleans_are_taken_where_the_profile_says_so(source, now, values):
    body = b'{"door": true, "note": "3", "state": "ok", "humidity": null}'
    assert values(decode(body, source, now)) == [{"doorOpen": True, "note": "3", "state": "ok"}]


def test_an_array_holds_several_times_in_any_order(source, now, values):
    body = b'[{"temperature": 3, "at": 1795370400}, {"temperature": 4, "at": 1795370100000}]'
    decoded = decode(body, source, now)
    assert values(decoded) == [{"temperature": 3}, {"temperature": 4}]
    assert [write.doc["temperature"]["observedAt"] for write in decoded.writes] == [AT, "2026-11-22T17:55:00Z"]


def test_neighbours_of_an_implausible_value_survive(source, now, values, refusals):
    decoded = decode(b'{"temperature": 850, "humidity": 81, "door": "open"}', source, now)
    assert values(decoded) == [{"relativeHumidity": 81}]
    assert refusals(decoded) == [
        ("temperature", "temperature 850 CEL is not plausible: -60 to 60 is"),
        ("door", "doorOpen is text, not true or false"),
    ]
    assert decoded.refused[0].raw == "850"


def test_neighbours_of_a_refused_object_survive(source, now, values, refusals):
    body = b'[{"temperature": 3, "at": "2040-01-01T00:00:00Z"}, 7, {"temperature": 4}, {"at": "noon"}]'
    decoded = decode(body, source, now)
    assert values(decoded) == [{"temperature": 4}]
    assert [where for where, _ in refusals(decoded)] == ["[0].at", "[1]", "[3].at"]
    assert "ahead of the city's clock" in refusals(decoded)[0][1]


def test_a_position_in_the_payload_becomes_the_location(source, now):
    (write,) = decode(b'{"temperature": 3, "lat": 48.1, "lon": 17, "at": 1795370400}', source, now).writes
    assert write.doc["location"] == {
        "type": "GeoProperty",
        "value": {"type": "Point", "coordinates": [17.0, 48.1]},
        "observedAt": AT,
    }


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ('"lat": 91, "lon": 0', "latitude 91 is not within ±90"),
        ('"lat": 1, "lon": -180.5', "longitude -180.5 is not within ±180"),
        ('"lat": 1', "longitude is not a number"),
        ('"lat": "N48", "lon": 17', "latitude is not a number"),
        ('"lat": 0, "lon": 0.0', "without a fix"),
    ],
)
def test_a_position_that_is_none_is_refused_and_the_values_survive(source, now, values, place, message):
    decoded = decode(f'{{"temperature": 3, {place}}}'.encode(), source, now)
    assert values(decoded) == [{"temperature": 3}]
    assert message in decoded.refused[0].error.detail


def test_a_position_is_not_believed_where_the_profile_says_so(make_source, now, values):
    decoded = decode(b'{"temperature": 3, "lat": 91, "lon": 0}', make_source(position=None), now)
    assert values(decoded) == [{"temperature": 3}]
    assert not decoded.refused


def test_keys_that_no_channel_names_are_passed_over(source, now, values):
    decoded = decode(b'{"temperature": 3, "rssi": -80}', source, now)
    assert values(decoded) == [{"temperature": 3}]
    assert not decoded.refused


def test_a_message_that_says_nothing_of_the_profile_is_refused(source, now, refusals):
    ((where, detail),) = refusals(decode(b'{"temprature": 3, "at": 1795370400}', source, now))
    assert (where, detail) == ("", "nothing in it is in the profile orchard-station; it says temprature, at")


def test_a_message_of_nulls_says_nothing_and_is_no_fault(source, now):
    decoded = decode(b'{"temperature": null}', source, now)
    assert not decoded.writes
    assert not decoded.refused


def test_unknown_keys_are_refused_or_taken_where_the_profile_says_so(make_source, now, values, refusals):
    body = b'{"temperature": 3, "rssi": -80, "id": "x", "a b": 1, "list": [1], "ok": true, "at": 1795370400}'
    strict = decode(body, make_source(others="refuse"), now)
    assert values(strict) == [{"temperature": 3}]
    assert [where for where, _ in refusals(strict)] == ["rssi", "id", "a b", "list", "ok"]
    generous = decode(body, make_source(others="take"), now)
    assert values(generous) == [{"temperature": 3, "rssi": -80, "ok": True}]
    assert [where for where, _ in refusals(generous)] == ["id", "a b", "list"]


def test_a_key_that_is_not_listed_cannot_pass_by_the_range_of_one_that_is(make_source, now, values, refusals):
    source = make_source(others="take", channels={"t": {"name": "temperature", "high": 60}})
    decoded = decode(b'{"temperature": 850, "humidity": 3}', source, now)
    assert values(decoded) == [{"humidity": 3}]
    assert refusals(decoded) == [("temperature", "temperature is filled by another key of the profile orchard-station")]


def test_what_stands_for_missing_says_nothing(make_source, now, values):
    source = make_source(missing=[-9999, "n/a"])
    decoded = decode(b'{"temperature": -9999, "humidity": "n/a", "wind": {"speed": 36}}', source, now)
    assert values(decoded) == [{"windSpeed": 10.0}]
    assert not decoded.refused


def test_the_same_attribute_twice_in_one_reading_is_refused(make_source, now, values, refusals):
    source = make_source(channels={"t": "temperature", "temp": "temperature"})
    decoded = decode(b'{"t": 3, "temp": 4}', source, now)
    assert values(decoded) == [{"temperature": 3}]
    assert refusals(decoded) == [("temp", "temperature is said twice in one reading")]


@pytest.mark.parametrize(
    ("payload", "kind", "message"),
    [
        (b"", BadRequest, "not JSON"),
        (b"3.1", BadRequest, "neither an object nor an array"),
        (b'{"temperature": NaN}', BadRequest, "not JSON"),
        (b'{"temperature": Infinity}', BadRequest, "not JSON"),
        (b'{"temperature": 1e400}', BadRequest, "number"),
        (b'{"temperature": ' + b"1" * 400 + b"}", BadRequest, "more than 40 digits"),
        (b'{"temperature": 0.' + b"1" * 400 + b"}", BadRequest, "more than 40 digits"),
        (b'{"temperature": "\xff"}', BadRequest, "not JSON"),
        (b'{"temperature": 3', BadRequest, "not JSON"),
        (b" " * 20_000_000, TooLarge, "20,000,000 bytes"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, TooLarge, "nests deeper than 64"),
        (b"[" * 10_000, TooLarge, "nests deeper than 64"),
        (b"[" * 100 + b"]" * 100, TooLarge, "nests deeper than 64"),
        (b"[" + b"{}," * 2_000 + b"{}]", TooLarge, "2,001 readings"),
    ],
)
def test_a_message_that_cannot_be_read_is_refused_whole(source, now, payload, kind, message):
    with pytest.raises(kind, match=message):
        decode(payload, source, now)


def test_a_row_that_is_decoded_already_is_read_the_same_way(source, now, values, refusals):
    row = {"at": 1795370400_000000, "temperature": float("nan"), "humidity": 81.0, "door": None}
    decoded = reading(row, source, now, where="row 7")
    assert values(decoded) == [{"relativeHumidity": 81.0}]
    assert decoded.writes[0].doc["relativeHumidity"]["observedAt"] == AT
    assert refusals(decoded) == [("row 7.temperature", "temperature is nan, which is no finite number")]
