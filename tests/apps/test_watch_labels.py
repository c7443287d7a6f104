"""An alarm bears the strictest label of what its condition read; whoever may not see that does not see the alarm."""

import pytest

from hansa import Attribute, entity
from hansa.apps.watch import app
from hansa.apps.watch.tree import to_json
from hansa.apps.watch.wording import read_rule
from hansa.model.change import Write
from hansa.testing import MemoryCity
from hansa.trust.labels import Sight

NEAR = (
    "when temperature of WeatherObserved is below 2 degC and at least 1 neighbour within 5 km is also below 2 degC"
    " raise 'frost'"
)
APART = (
    "when temperature of WeatherObserved is 3 degC below the median of at least 1 neighbours within 5 km raise 'frost'"
)
LINKED = (
    "when temperature of WeatherObserved is below 2 degC and at least 1 Care linked by refCare has pulse above 90"
    " raise 'x'"
)


def ruled(text):
    said = read_rule(text)
    return entity("WatchRule", "r", watchedType=said.type, condition=to_json(said.condition), alarm=said.alarm)


def station(city, i, value, label=None, attribute=None, **more):
    place = {"type": "Point", "coordinates": [17 + i * 0.001, 48.0]}
    one = entity(
        "WeatherObserved", f"s{i}", location=place, temperature=Attribute(value, "CEL", city.clock.now()), **more
    )
    labelled = None if attribute is None else {"temperature": attribute}
    city.write(Write("say", one.id, one.doc, label=label, labels=labelled))


def alarm_of(city, i):
    ident = f"urn:ngsi-ld:WeatherObserved:s{i}"
    return next((one for one in city.find("Alert") if one["alertSource"] == ident), None)


@pytest.mark.parametrize(
    ("mine", "neighbours", "expected"),
    [
        (None, [None], None),
        ("open", ["open"], None),
        ("smart", ["smart"], "smart"),
        (None, ["personal;owner=health"], "personal;owner=health"),
        ("security", [None], "security"),
        ("personal;owner=health", ["security"], "security;owner=several;purposes=(none)"),
        ("personal;subject=person:a", ["personal;subject=person:b"], "personal"),
        ("smart;owner=parks", ["smart;owner=roads"], "smart;owner=several"),
    ],
)
@pytest.mark.parametrize("text", [NEAR, APART])
def test_an_alarm_over_neighbours_bears_the_strictest_label_that_was_read(text, mine, neighbours, expected):
    city = MemoryCity(app)
    city.say(ruled(text))
    for i, label in enumerate(neighbours, 1):
        station(city, i, 1.0 if text is NEAR else 9.0, label)
    city.turn(seconds=60)
    station(city, 0, 1.0, mine)
    city.turn(seconds=60)
    assert alarm_of(city, 0).label == expected


@pytest.mark.parametrize("text", [NEAR, "when temperature of WeatherObserved is below 2 degC raise 'frost'"])
def test_the_label_of_an_attribute_counts_as_much_as_that_of_its_entity(text):
    city = MemoryCity(app)
    city.say(ruled(text))
    station(city, 1, 1.0)
    city.turn(seconds=60)
    station(city, 0, 1.0, None, "personal;owner=health")
    city.turn(seconds=60)
    assert alarm_of(city, 0).label == "personal;owner=health"
    station(city, 0, 0.2, None, "personal;owner=health")  # a new extreme, and later the end, do not widen it
    assert alarm_of(city, 0).label == "personal;owner=health"
    city.turn(seconds=60)
    station(city, 0, 9.0, None, "personal;owner=health")
    assert (alarm_of(city, 0)["status"], alarm_of(city, 0).label) == ("closed", "personal;owner=health")


def test_an_attribute_of_a_linked_person_makes_the_alarm_personal():
    city = MemoryCity(app)
    city.say(ruled(LINKED))
    care = entity("Care", "ann", pulse=Attribute(120.0, None, city.clock.now()))
    city.write(Write("say", care.id, care.doc, labels={"pulse": "personal;subject=person:ann"}))
    city.turn(seconds=60)
    station(city, 0, 1.0, refCare=Attribute(care.id, kind="Relationship"))
    city.turn(seconds=60)
    assert alarm_of(city, 0).label == "personal", "it tells of a station, too, and ann does not see that"


def test_who_writes_a_rule_over_hidden_data_does_not_see_what_it_finds():
    city = MemoryCity(app)
    author = Sight("person:eva", classes=frozenset({"open", "smart"}))
    city.say(ruled(NEAR))
    station(city, 1, 1.0, "security")
    city.turn(seconds=60)
    station(city, 0, 1.0)
    city.turn(seconds=60)
    assert alarm_of(city, 0) is not None
    assert city.find("Alert", sight=author) == []
