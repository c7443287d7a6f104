"""All formats together: how they are found, and that no bytes make a decoder raise anything but a BadRequest."""

import contextlib
import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa import clock
from hansa.collect import FORMATS, MEDIA_TYPES, Profile, Source, decoder
from hansa.errors import BadRequest, NotFound, UnsupportedMediaType
from hansa.model.entity import Attribute

NOW = clock.parse("2026-11-22T18:00:05.25Z")
ID = "urn:ngsi-ld:WeatherObserved:north"
SOURCES = [
    Source(
        "d1",
        ID,
        Profile.from_json(
            {
                "name": "p",
                "type": "WeatherObserved",
                "others": others,
                "zone": "Europe/Vienna",
                "channels": {
                    "t": {"name": "temperature", "unit": "CEL", "from_unit": "FAH", "low": -60, "high": 60},
                    "a.b": "nested",
                    "note": {"name": "note", "says": "text"},
                },
            }
        ),
    )
    for others in ("ignore", "take", "refuse")
]

WORDS = """t a b a.b note at lat lon bn n u v vs bt bv bver x_ s id type value observedAt unitCode @context temperature
location coordinates datasetId"""
KEYS = st.sampled_from(WORDS.split())
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        [ID, f"{ID}:x", "WeatherObserved", "2026-11-22T18:00:00Z", "CEL", "Cel", "lat", "Property", "Point"]
    )
)
BODIES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25
)
CELLS = st.sampled_from(["3", "-40", "nan", "1e999", '"a', '"a"', "2026-11-22T18:00:00Z", "2026-10-25 02:30", "", "x"])
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6).map(
    lambda lines: "\n".join(["at,t,note", *(",".join(line) for line in lines)]).encode()
)


def holds(decoded):
    """What every decoded message keeps: storable documents, plausible values, reasons that say something."""
    for write in decoded.writes:
        assert write.id == ID or write.id.startswith(f"{ID}:")
        assert len(write.doc) > 2
        orjson.dumps(write.doc)  # finite, 64 bits, no broken text
        entry = write.doc.get("temperature")
        for one in entry if isinstance(entry, list) else [entry] if entry else []:
            assert Attribute.of(one).at is not None
            if one["type"] == "Property":
                assert -60 <= one["value"] <= 60
    for refused in decoded.refused:
        assert refused.error.detail
        assert len(refused.raw) <= 256


@pytest.mark.parametrize("name", FORMATS)
@given(payload=st.binary(max_size=200), source=st.sampled_from(SOURCES))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_random_bytes_raise_nothing_but_bad_requests(name, payload, source):
    with contextlib.suppress(BadRequest):
        holds(FORMATS[name](payload, source, NOW))


@pytest.mark.parametrize("name", ["json", "senml", "ngsi-ld"])
@given(body=BODIES | st.lists(st.dictionaries(KEYS, LEAVES, max_size=6), max_size=5), source=st.sampled_from(SOURCES))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_json_raises_nothing_but_bad_requests(name, body, source):
    if name == "ngsi-ld" and isinstance(body, dict):
        body = {**body, "id": ID, "type": "WeatherObserved"}
    with contextlib.suppress(BadRequest):
        holds(FORMATS[name](json.dumps(body).encode(), source, NOW))


@given(table=TABLES, source=st.sampled_from(SOURCES))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_tables_raise_nothing_but_bad_requests(table, source):
    with contextlib.suppress(BadRequest):
        holds(FORMATS["csv"](table, source, NOW))


@given(st.floats(-60, 60), st.integers(NOW - 10**12, NOW))
def test_a_reading_says_the_same_in_every_format(air_c, at):
    channel = {"name": "temperature", "unit": "CEL", "low": -60, "high": 60}
    source = Source(
        "d1", ID, Profile.from_json({"name": "p", "type": "WeatherObserved", "channels": {"temperature": channel}})
    )
    time = clock.text(at)
    observed = {"value": air_c, "unitCode": "CEL", "observedAt": time}
    payloads = {
        "json": json.dumps({"temperature": air_c, "at": time}),
        "senml": json.dumps([{"n": "temperature", "u": "Cel", "v": air_c, "t": at / 1e6}]),
        "csv": f"at,temperature\n{time},{air_c!r}\n",
        "ngsi-ld": json.dumps({"id": ID, "type": "WeatherObserved", "temperature": observed}),
    }
    found = [FORMATS[name](payload.encode(), source, NOW).writes for name, payload in payloads.items()]
    assert all(writes == found[0] for writes in found)
    assert found[0][0].doc["temperature"] == {"type": "Property", **observed}


def test_formats_are_found_by_name_and_by_media_type():
    assert decoder("senml") is FORMATS["senml"]
    assert decoder("text/csv; charset=utf-8") is FORMATS["csv"]
    assert decoder("Application/SenML+JSON") is FORMATS["senml"]
    assert set(MEDIA_TYPES.values()) == set(FORMATS)


def test_a_format_that_there_is_not_is_refused():
    with pytest.raises(NotFound, match="no format 'xml'"):
        decoder("xml")
    with pytest.raises(UnsupportedMediaType, match="'text/html' is not read here"):
        decoder("text/html")


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("json", "{" + ",".join(f'"k{i}":[1]' for i in range(5000)) + "}"),
        ("csv", "at,t\n" + "noon,3\n" * 2000),
        ("senml", json.dumps([{"n": "k", "v": 3}] * 2000)),
        ("ngsi-ld", json.dumps([{"id": "urn:x:1", "type": "T"}] * 1000)),
    ],
)
def test_one_bad_message_cannot_fill_the_dead_letters(name, payload):
    decoded = FORMATS[name](payload.encode(), SOURCES[2], NOW)
    assert len(decoded.refused) == 100
    assert decoded.further in {4900, 1900, 900}


def test_names_of_many_parts_are_looked_up_at_little_cost():
    names = [f"{'a:' * 900}k{i}" for i in range(130)]
    decoded = FORMATS["senml"](json.dumps([{"n": one, "v": 3} for one in names]).encode(), SOURCES[0], NOW)
    assert not decoded.writes
    assert len(decoded.refused) == 1
    deep = [{"n": f"{'a:' * 900}t", "v": 32}]
    assert FORMATS["senml"](json.dumps(deep).encode(), SOURCES[0], NOW).writes
