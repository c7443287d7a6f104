"""A station and its device, as most tests of collect need them."""

import pytest

from hansa import clock
from hansa.collect import Profile, Source

PROFILE = {
    "name": "orchard-station",
    "type": "WeatherObserved",
    "interval_s": 600,
    "channels": {
        "temperature": {"name": "temperature", "unit": "CEL", "low": -60, "high": 60},
        "humidity": {"name": "relativeHumidity", "unit": "P1", "low": 0, "high": 100},
        "wind.speed": {"name": "windSpeed", "unit": "MTS", "from_unit": "KMH", "low": 0, "high": 90},
        "door": {"name": "doorOpen", "says": "boolean"},
        "note": {"name": "note", "says": "text"},
        "state": "state",
    },
}


@pytest.fixture
def now():
    """An instant with microseconds: 2026-11-22T18:00:05.25Z."""
    return clock.parse("2026-11-22T18:00:05.25Z")


@pytest.fixture
def make_source():
    """Make the source of a device, its profile changed as the test says."""

    def make(names=(), **changes):
        profile = Profile.from_json({**PROFILE, **changes})
        return Source(
            "d1", "urn:ngsi-ld:WeatherObserved:north", profile, label="smart/parks", tenant="valley", names=names
        )

    return make


@pytest.fixture
def source(make_source):
    """The device d1, which speaks for WeatherObserved:north."""
    return make_source()


@pytest.fixture
def values():
    """What a Decoded says, briefly: one dict of name to value for each write."""

    def brief(decoded):
        return [
            {name: one["value"] for name, one in write.doc.items() if name not in {"id", "type"}}
            for write in decoded.writes
        ]

    return brief


@pytest.fixture
def refusals():
    """What a Decoded refused, briefly: (where, detail)."""

    def brief(decoded):
        return [(one.where, one.error.detail) for one in decoded.refused]

    return brief
