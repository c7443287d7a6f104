"""NGSI-LD from a device: its own entities, checked against its profile."""

import json

import pytest

from hansa.collect.ngsild import decode
from hansa.errors import BadRequest, Forbidden, TooLarge

ID = "urn:ngsi-ld:WeatherObserved:north"
AT = "2026-11-22T18:00:00Z"
HEAD = {"id": ID, "type": "WeatherObserved"}


@pytest.fixture
def read(make_source, now):
    """Decode a body."""

    def run(body, **changes):
        return decode(body if isinstance(body, bytes) else json.dumps(body).encode(), make_source(**changes), now)

    return run


def test_a_normalized_entity_is_taken_as_it_is(read):
    doc = {
        **HEAD,
        "temperature": {
            "type": "Property",
            "value": 3.1,
            "unitCode": "CEL",
            "observedAt": AT,
            "accuracy": {"type": "Property", "value": 0.2},
        },
        "refDevice": {"type": "Relationship", "object": "urn:ngsi-ld:Device:d1"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.0, 48.1]}},
    }
    decoded = read(doc)
    assert not decoded.refused
    (write,) = decoded.writes
    assert (write.kind, write.id, write.label, write.tenant) == ("read", ID, "smart/parks", "valley")
    assert write.doc == doc


def test_a_concise_entity_is_the_same_and_values_without_time_are_of_now(read):
    (write,) = read({**HEAD, "temperature": 3.1, "relativeHumidity": {"value": 81, "observedAt": AT}}).writes
    assert write.doc["temperature"] == {
        "type": "Property",
        "value": 3.1,
        "unitCode": "CEL",
        "observedAt": "2026-11-22T18:00:05.25Z",
    }
    assert write.doc["relativeHumidity"]["observedAt"] == AT


def test_names_of_the_default_context_lose_its_prefix_and_other_iris_stay(read, values):
    default = "https://uri.etsi.org/ngsi-ld/default-context/"
    decoded = read({**HEAD, f"{default}temperature": 3, "https://example.org/soilTension": 4})
    assert values(decoded) == [{"temperature": 3, "https://example.org/soilTension": 4}]


def test_values_are_put_into_the_channels_unit_and_must_be_plausible(read, values, refusals):
    decoded = read(
        {
            **HEAD,
            "temperature": {"value": 32, "unitCode": "FAH"},
            "windSpeed": {"value": 36, "unitCode": "KMH"},
            "relativeHumidity": {"value": 810},
            "pressure": {"value": 1013, "unitCode": "A97"},
        }
    )
    assert values(decoded) == [{"temperature": 0.0, "windSpeed": 10.0, "pressure": 1013}]
    assert decoded.writes[0].doc["windSpeed"]["unitCode"] == "MTS"
    assert refusals(decoded) == [("relativeHumidity", "relativeHumidity 810 P1 is not plausible: 0 to 100 is")]


def test_a_value_without_a_unit_is_in_the_attributes_unit_not_in_the_payloads(read, values):
    assert values(read({**HEAD, "windSpeed": 36})) == [{"windSpeed": 36}]


@pytest.mark.parametrize(
    ("name", "said", "message"),
    [
        ("temperature", {"value": 3, "unitCode": "MTS"}, "MTS is a unit of speed, CEL of temperature"),
        ("temperature", {"value": 3, "observedAt": "2030-01-01T00:00:00Z"}, "ahead of the city's clock"),
        ("temperature", {"value": 3, "observedAt": "1970-01-01T00:00:00Z"}, "57 years ago"),
        ("temperature", {"value": 3, "observedAt": "2026-11-22T18:00:00"}, "says no time zone"),
        ("temperature", {"value": "warm"}, "text, not a number"),
        ("temperature", {"type": "Property"}, "value"),
        ("temperature", None, "null"),
        ("location", {"type": "GeoProperty", "value": {"type": "Point", "coordinates": ["x"]}}, ""),
        ("object", 3, "member of the standard"),
        ("scope", "/park", "scope is not a device's to say"),
    ],
)
def test_a_wrong_attribute_is_refused_and_its_neighbours_survive(read, values, name, said, message):
    decoded = read({**HEAD, "relativeHumidity": 81, name: said, "note": "ok"})
    assert values(decoded) == [{"relativeHumidity": 81, "note": "ok"}]
    (refused,) = decoded.refused
    assert refused.where.startswith(name)
    assert message in refused.error.detail


def test_an_array_may_hold_the_device_and_what_is_below_it(read, values, refusals):
    decoded = read(
        [
            {**HEAD, "temperature": 3},
            {"id": f"{ID}:probe-1", "type": "SoilProbe", "tension": 4},
            {"id": "urn:ngsi-ld:WeatherObserved:northern", "type": "WeatherObserved", "temperature": 5},
            {"type": "WeatherObserved", "temperature": 5},
            {"id": ID, "type": "Alert", "temperature": 6},
            {"id": ID, "temperature": 6},
            7,
        ]
    )
    assert values(decoded) == [{"temperature": 3}, {"tension": 4}]
    assert [write.id for write in decoded.writes] == [ID, f"{ID}:probe-1"]
    found = refusals(decoded)
    assert [where for where, _ in found] == ["[2].id", "[3].id", "[4].type", "[5].type", "[6]"]
    assert isinstance(decoded.refused[0].error, Forbidden)
    assert found[2][1] == f"{ID} is a WeatherObserved, not a Alert"


def test_an_entity_may_have_further_types(read):
    (write,) = read({"id": ID, "type": ["WeatherObserved", "Station"], "temperature": 3}).writes
    assert write.doc["type"] == ["WeatherObserved", "Station"]


def test_the_core_context_may_be_named_and_no_other(read, values, refusals):
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
    assert values(read({**HEAD, "@context": [core], "temperature": 3})) == [{"temperature": 3}]
    for other in ("http://127.0.0.1/evil-core-context", {"temperature": "urn:x:pressure"}, [core, {}]):
        ((where, detail),) = refusals(read({**HEAD, "@context": other, "temperature": 3}))
        assert where == "@context"
        assert "not read at a device's door" in detail


def test_instances_of_several_datasets_stay_together(read):
    several = [{"value": 3}, {"value": 4, "datasetId": "urn:ngsi-ld:dataset:b"}]
    (write,) = read({**HEAD, "temperature": several}).writes
    assert [one["value"] for one in write.doc["temperature"]] == [3, 4]
    assert all(one["unitCode"] == "CEL" and "observedAt" in one for one in write.doc["temperature"])


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"", BadRequest, "not JSON"),
        (b"3", BadRequest, "neither an entity nor an array"),
        (b"[" * 10_000, TooLarge, "nests deeper"),
        (b" " * 20_000_000, TooLarge, "20,000,000 bytes"),
        (b"[" + b"{}," * 1000 + b"{}]", TooLarge, "1,001 entities"),
    ],
)
def test_a_message_that_cannot_be_read_is_refused_whole(read, body, kind, message):
    with pytest.raises(kind, match=message):
        read(body)
