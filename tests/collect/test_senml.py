"""SenML: the examples of RFC 8428 as facts, its rules of resolution, and what is refused."""

import json

import pytest

from hansa import clock
from hansa.collect.senml import decode
from hansa.errors import BadRequest, NotSupported, TooLarge

ELECTRIC = {
    "voltage": {"name": "voltage", "unit": "VLT"},
    "current": {"name": "current", "unit": "AMP"},
}


@pytest.fixture
def read(make_source, values, refusals):
    """Decode a pack at an instant: (what was written, what was refused, the times)."""

    def run(pack, at="2026-11-22T18:00:05Z", names=(), **changes):
        payload = pack if isinstance(pack, bytes) else json.dumps(pack).encode()
        decoded = decode(payload, make_source(names, **changes), clock.parse(at))
        times = [
            next(one["observedAt"] for name, one in write.doc.items() if name not in {"id", "type"})
            for write in decoded.writes
        ]
        return values(decoded), refusals(decoded), times

    return run


def test_rfc_8428_5_1_1_a_single_reading_found_by_its_unit(read):
    pack = [{"n": "urn:dev:ow:10e2073a01080063", "u": "Cel", "v": 23.1}]
    assert read(pack, channels={"Cel": {"name": "temperature", "unit": "CEL"}}) == (
        [{"temperature": 23.1}],
        [],
        ["2026-11-22T18:00:05Z"],
    )


def test_rfc_8428_5_1_2_voltage_and_current_now(read):
    pack = [
        {"bn": "urn:dev:ow:10e2073a01080063:", "n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "u": "A", "v": 1.2},
    ]
    assert read(pack, channels=ELECTRIC)[0] == [{"voltage": 120.1, "current": 1.2}]


def test_rfc_8428_5_1_2_current_in_each_of_the_last_seconds(read):
    pack = b"""[
        {"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,
         "bu":"A","bver":5,
         "n":"voltage","u":"V","v":120.1},
        {"n":"current","t":-5,"v":1.2},
        {"n":"current","t":-4,"v":1.3},
        {"n":"current","t":-3,"v":1.4},
        {"n":"current","t":-2,"v":1.5},
        {"n":"current","t":-1,"v":1.6},
        {"n":"current","v":1.7}
    ]"""
    said, refused, times = read(pack, at="2010-06-08T18:01:20Z", channels=ELECTRIC)
    assert not refused
    assert said == [
        {"voltage": 120.1, "current": 1.7},
        {"current": 1.2},
        {"current": 1.3},
        {"current": 1.4},
        {"current": 1.5},
        {"current": 1.6},
    ]
    # In the RFC's words: Tue Jun 8 18:01:16.001 UTC 2010 and at each second for the previous 5 seconds.
    assert times == [f"2010-06-08T18:01:{second}.001Z" for second in (16, 11, 12, 13, 14, 15)]


def test_rfc_8428_5_1_3_a_mobile_device_says_where_it_is(read):
    pack = b"""[
        {"bn":"urn:dev:ow:10e2073a01080063","bt":1.320067464e+09,"bu":"%RH","v":20},
        {"u":"lon","v":24.30621},
        {"u":"lat","v":60.07965},
        {"t":60,"v":20.3},
        {"u":"lon","t":60,"v":24.30622},
        {"u":"lat","t":60,"v":60.07965},
        {"t":120,"v":20.7},
        {"u":"lon","t":120,"v":24.30623},
        {"u":"lat","t":120,"v":60.07966},
        {"u":"%EL","t":150,"v":98},
        {"t":180,"v":21.2},
        {"u":"lon","t":180,"v":24.30628},
        {"u":"lat","t":180,"v":60.07967}
    ]"""
    channels = {
        "%RH": {"name": "relativeHumidity", "unit": "P1"},
        "%EL": {"name": "batteryLevel", "unit": "C62"},
    }
    said, refused, times = read(pack, at="2011-10-31T13:30:00Z", channels=channels)
    assert not refused
    assert said[0] == {"relativeHumidity": 20, "location": {"type": "Point", "coordinates": [24.30621, 60.07965]}}
    assert [one.get("relativeHumidity") for one in said] == [20, 20.3, 20.7, None, 21.2]
    assert said[3] == {"batteryLevel": 0.98}
    assert times[0] == "2011-10-31T13:24:24Z"  # as the RFC says
    assert times[4] == "2011-10-31T13:27:24Z"


def test_rfc_8428_5_1_4_different_types_of_data(read):
    pack = [
        {"bn": "urn:dev:ow:10e2073a01080063:", "n": "temp", "u": "Cel", "v": 23.1},
        {"n": "label", "vs": "Machine Room"},
        {"n": "open", "vb": False},
        {"n": "nfc-reader", "vd": "aGkgCg"},
    ]
    channels = {"temp": {"name": "temperature", "unit": "CEL"}, "label": "name", "open": "open", "nfc-reader": "badge"}
    assert read(pack, channels=channels)[0] == [
        {"temperature": 23.1, "name": "Machine Room", "open": False, "badge": "aGkgCg"}
    ]


def test_rfc_8428_5_1_5_a_pack_cannot_speak_for_a_second_device(read):
    pack = [
        {"bn": "2001:db8::2/", "bt": 1.320078429e9, "n": "temperature", "u": "Cel", "v": 25.2},
        {"n": "humidity", "u": "%RH", "v": 30},
        {"bn": "2001:db8::1/", "n": "temperature", "u": "Cel", "v": 12.3},
        {"n": "humidity", "u": "%RH", "v": 67},
    ]
    said, refused, _ = read(pack, at="2011-10-31T16:27:10Z")
    assert said == [{"temperature": 25.2, "relativeHumidity": 30}]
    assert [where for where, _ in refused] == ["[2].n", "[3].n"]
    assert "another device" in refused[0][1]


def test_a_device_with_names_of_its_own_may_use_only_those(read):
    pack = [{"bn": "urn:dev:mac:1:", "n": "temperature", "v": 3}, {"bn": "urn:dev:mac:2:", "n": "humidity", "v": 3}]
    said, refused, _ = read(pack, names=("urn:dev:mac:1:",))
    assert said == [{"temperature": 3}]
    assert refused == [("[1].n", "'urn:dev:mac:2' is not a name of d1")]


def test_a_record_of_base_fields_alone_is_no_reading(read):
    assert read([{"bn": "urn:dev:x:"}, {"n": "temperature", "v": 3}])[:2] == ([{"temperature": 3}], [])


def test_base_values_are_added_and_stand_in_for_a_missing_value(read):
    pack = [{"bn": "d:", "bv": 20, "n": "temperature", "v": 1.5}, {"n": "humidity"}]
    assert read(pack)[0] == [{"temperature": 21.5, "relativeHumidity": 20}]


def test_the_unit_of_a_record_is_converted_and_replaces_the_profiles(read):
    assert read([{"n": "wind.speed", "v": 36}])[0] == [{"windSpeed": 10.0}]  # the profile says KMH
    assert read([{"n": "wind.speed", "u": "m/s", "v": 36}])[0] == [{"windSpeed": 36}]
    assert read([{"n": "temperature", "u": "K", "v": 273.15}])[0] == [{"temperature": 0.0}]
    assert read([{"n": "wind.speed", "u": "km/h", "v": 36}])[0] == [{"windSpeed": 10.0}]
    assert read([{"n": "temperature", "u": "FAH", "v": 32}])[0] == [{"temperature": 0.0}]


def test_the_unit_of_a_record_is_kept_where_the_profile_has_none(make_source, now):
    (write,) = decode(b'[{"n":"state","u":"Cel","v":3}]', make_source(), now).writes
    assert write.doc["state"]["unitCode"] == "CEL"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"n": "temperature", "u": "m/s", "v": 3}, "MTS is a unit of speed, CEL of temperature"),
        ({"n": "temperature", "u": "furlong", "v": 3}, "not a SenML unit"),
        ({"n": "temperature", "v": 300}, "not plausible"),
        ({"n": "temperature", "v": "3"}, "v is not a number"),
        ({"n": "temperature", "v": True}, "v is not a number"),
        ({"n": "temperature", "v": 3, "vs": "x"}, "v and vs in one record"),
        ({"n": "temperature"}, "without a value"),
        ({"n": "temperature", "s": 3}, "a sum without a value"),
        ({"n": "temperature", "vd": "?"}, "not base64url"),
        ({"n": "temperature", "v": 3, "t": 1e10}, "ahead of the city's clock"),
        ({"n": "temperature", "v": 3, "t": 3e8}, "more than the 10 years"),
        ({"n": "temperature", "v": 3, "t": -4e8}, "more than the 10 years"),
        ({"n": "temperature", "v": 3, "t": 1e300}, "no time in seconds"),
        ({"n": " temperature", "v": 3}, "not a SenML name"),
        ({"v": 3}, "not a SenML name"),
        ({"n": "humidity", "v": 5}, "said twice"),
        (7, "a record is an object"),
    ],
)
def test_a_wrong_record_is_refused_and_its_neighbours_survive(read, record, message):
    said, refused, _ = read([{"n": "humidity", "v": 81}, record])
    assert said == [{"relativeHumidity": 81}]
    ((where, detail),) = refused
    assert where.startswith("[1]")
    assert message in detail


def test_base_fields_stay_in_force_when_their_record_is_refused(read):
    said, refused, _ = read(
        [{"bn": "d:", "bu": "K", "n": "temperature", "v": "hot"}, {"n": "temperature", "v": 273.15}]
    )
    assert said == [{"temperature": 0.0}]
    assert len(refused) == 1


def test_a_position_without_its_other_half_is_refused(read):
    said, refused, _ = read([{"n": "d:temperature", "v": 3}, {"n": "d", "u": "lat", "v": 48.1}])
    assert said == [{"temperature": 3}]
    assert refused == [("[1]", "the longitude is not a number")]


def test_names_that_no_channel_has_are_passed_over_unless_there_is_nothing_else(read):
    assert read([{"n": "temperature", "v": 3}, {"n": "rssi", "v": -80}])[:2] == ([{"temperature": 3}], [])
    said, refused, _ = read([{"n": "rssi", "v": -80}])
    assert not said
    assert refused == [("", "rssi is not in the profile orchard-station")]


def test_names_that_no_channel_has_are_refused_or_taken_where_the_profile_says_so(read):
    pack = [{"bn": "urn:dev:x:", "n": "temperature", "v": 3}, {"n": "rssi", "v": -80}]
    said, refused, _ = read(pack, others="refuse")
    assert (said, len(refused)) == ([{"temperature": 3}], 1)
    assert read(pack, others="take")[0] == [{"temperature": 3, "rssi": -80}]


@pytest.mark.parametrize(
    ("pack", "kind", "message"),
    [
        ({"n": "temperature", "v": 3}, BadRequest, "an array of records"),
        ([{"n": "temperature", "v": 3, "precise_": True}], NotSupported, "precise_' must be understood"),
        ([{"bver": 11, "n": "temperature", "v": 3}], NotSupported, "version 11 is not understood"),
        ([{"bver": "10", "n": "temperature", "v": 3}], NotSupported, "version 10"),
        ([{"bver": 10, "v": 3}, {"bver": 9, "v": 3}], BadRequest, "version 9 after 10"),
        ([{"bn": 5}, {"n": "temperature", "v": 3}], BadRequest, "bn is not text"),
        ([{"n": "temperature", "v": 3}] * 2001, TooLarge, "2,001 records"),
    ],
)
def test_a_pack_that_cannot_be_understood_is_refused_whole(read, pack, kind, message):
    with pytest.raises(kind, match=message):
        read(pack)


def test_the_version_that_adds_secondary_units_is_understood(read):
    assert read([{"bver": 26, "n": "wind.speed", "u": "km/h", "v": 36}])[0] == [{"windSpeed": 10.0}]
