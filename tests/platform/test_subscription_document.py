"""The Subscription datatype (clauses 5.2.12 to 5.2.15, 5.2.22): what is read, what is refused, and where."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest, HansaError
from hansa.model.context import CORE, Context
from hansa.model.terms import Terms
from hansa.platform.subscription import Counters
from hansa.platform.subscription_in import bare, read

ID = "urn:ngsi-ld:Subscription:1"
URI = "http://receiver.example/notify"


def said(**more):
    doc = {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "notification": {"endpoint": {"uri": URI}},
    }
    for path, value in more.items():
        *way, last = path.split("__")
        inner = doc
        for name in way:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return doc


def understood(**more):
    return read(said(**more), "", CORE, CORE)


OWN = Context(
    Terms({"temp": "https://own.example/temperature", "Flat": "https://own.example/Flat"}), "https://own.example/c"
)


def test_the_least_that_can_be_said():
    one = understood()
    assert one.watched is None
    assert one.triggers == {"attributeCreated", "attributeUpdated"}
    assert one.endpoint.uri == URI
    assert one.endpoint.accept == "application/json"
    assert one.view.form == "normalized"
    assert one.status(0) == "active"
    assert one.selectors[0].selects({"id": "urn:x:1", "type": "Room"})
    assert not one.selectors[0].selects({"id": "urn:x:1", "type": "House"})


def test_everything_that_can_be_said():
    one = read(
        said(
            entities=[
                {"type": "(Room;Warm)|House", "idPattern": "^urn:x:"},
                {"type": "*", "id": ["urn:x:1", "urn:x:2"], "idPattern": "nothing"},
            ],
            subscriptionName="mine",
            description="why",
            watchedAttributes=["temperature", "humidity"],
            notificationTrigger=["entityUpdated", "entityDeleted"],
            q='temperature>20;room=="a"',
            geoQ={"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [17.1, 48.1]},
            scopeQ="/Madrid/#",
            isActive=False,
            expiresAt="2030-01-01T00:00:00Z",
            throttling=5,
            lang="de",
            notification__attributes=["temperature"],
            notification__format="concise",
            notification__sysAttrs=True,
            notification__showChanges=True,
            notification__endpoint__accept="application/ld+json",
            notification__endpoint__timeout=1_500,
            notification__endpoint__cooldown=10_000,
            notification__endpoint__receiverInfo=[{"key": "Authorization", "value": "Bearer x"}],
            jsonldContext="https://own.example/c",
        ),
        "parks",
        CORE,
        OWN,
    )
    assert one.key == ("parks", ID)
    assert one.view.context.url == "https://own.example/c"
    first, second = one.selectors
    assert first.selects({"id": "urn:x:1", "type": ["Warm", "Room"]})
    assert not first.selects({"id": "urn:x:1", "type": "Room"})
    assert not first.selects({"id": "urn:y:1", "type": "House"})
    assert second.selects({"id": "urn:x:2", "type": "Anything"}), "ids win over the pattern"
    assert one.watched == {"temperature", "humidity"}
    assert {"attributeDeleted", "entityDeleted"} <= one.triggers
    assert not one.members_too
    assert (one.throttling_s, one.endpoint.wait_s, one.endpoint.rest_s) == (5.0, 1.5, 10.0)
    assert one.endpoint.headers == {"Authorization": "Bearer x"}
    assert one.status(0) == "paused"
    assert one.status(one.expires) == "expired"
    assert (one.view.form, one.view.sys_attrs, one.view.attrs, one.view.lang) == (
        "concise",
        True,
        {"temperature": None},
        "de",
    )
    assert one.condition is not None


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"type": "Thing"}, "type"),
        ({"id": "no uri"}, "id"),
        ({"id": 5}, "id"),
        ({"entities": []}, "entities"),
        ({"entities": {}}, "entities"),
        ({"entities": [5]}, "entities[0]"),
        ({"entities": [{"id": "urn:x:1"}]}, "entities[0].type"),
        ({"entities": [{"type": "Room", "id": "x y"}]}, "entities[0].id"),
        ({"entities": [{"type": "Room", "id": []}]}, "entities[0].id"),
        ({"entities": [{"type": "Room", "idPattern": 5}]}, "entities[0].idPattern"),
        ({"entities": [{"type": "Room", "isPattern": True}]}, "entities[0].isPattern"),
        ({"watchedAttributes": []}, "watchedAttributes"),
        ({"watchedAttributes": [5]}, "watchedAttributes"),
        ({"notificationTrigger": ["entityExploded"]}, "notificationTrigger"),
        ({"notificationTrigger": []}, "notificationTrigger"),
        ({"notificationTrigger": [{}]}, "notificationTrigger"),
        ({"q": 5}, "q"),
        ({"q": ""}, "q"),
        ({"geoQ": []}, "geoQ"),
        ({"geoQ": {"georel": "within"}}, "geoQ.geometry"),
        ({"geoQ": {"georel": "near", "geometry": "Point", "coordinates": [1, 2]}}, "geoQ.georel"),
        ({"geoQ": {"georel": "within", "geometry": "Point", "coordinates": [1, 2], "unit": "m"}}, "geoQ.unit"),
        ({"geoQ": {"georel": "within", "geometry": "Point", "coordinates": 5}}, "geoQ.coordinates"),
        ({"scopeQ": "//"}, "scopeQ"),
        ({"isActive": "yes"}, "isActive"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"expiresAt": 5}, "expiresAt"),
        ({"throttling": -1}, "throttling"),
        ({"throttling": 0}, "throttling"),
        ({"throttling": True}, "throttling"),
        ({"throttling": float("inf")}, "throttling"),
        ({"lang": 5}, "lang"),
        ({"jsonldContext": {}}, "jsonldContext"),
        ({"description": 5}, "description"),
        ({"watchedAttribute": ["a"]}, "watchedAttribute"),
        ({"notification": None}, "notification"),
        ({"notification": {}}, "notification.endpoint"),
        ({"notification__format": "xml"}, "notification.format"),
        ({"notification__format": 5}, "notification.format"),
        ({"notification__attributes": []}, "notification.attributes"),
        ({"notification__attributes": "a b"}, "notification.attributes"),
        ({"notification__showChanges": 1}, "notification.showChanges"),
        ({"notification__showChanges": True, "notification__format": "keyValues"}, "notification.showChanges"),
        ({"notification__sysAttrs": "true"}, "notification.sysAttrs"),
        ({"notification__endpoint__uri": "nowhere"}, "notification.endpoint.uri"),
        ({"notification__endpoint__uri": "http://u:p@h/"}, "notification.endpoint.uri"),
        ({"notification__endpoint__uri": 5}, "notification.endpoint.uri"),
        ({"notification__endpoint__accept": "text/html"}, "notification.endpoint.accept"),
        ({"notification__endpoint__accept": ["text/html"]}, "notification.endpoint.accept"),
        ({"notification__endpoint__timeout": "5"}, "notification.endpoint.timeout"),
        ({"notification__endpoint__cooldown": -5}, "notification.endpoint.cooldown"),
        ({"notification__endpoint__receiverInfo": {}}, "notification.endpoint.receiverInfo"),
        ({"notification__endpoint__receiverInfo": [{"key": "a"}]}, "notification.endpoint.receiverInfo[0]"),
        (
            {"notification__endpoint__notifierInfo": [{"key": "a", "value": "b"}, {"key": "a", "value": 5}]},
            "notification.endpoint.notifierInfo[1]",
        ),
        (
            {"notification__endpoint__receiverInfo": [{"key": "X", "value": "a\r\nb"}]},
            "notification.endpoint.receiverInfo[0]",
        ),
        (
            {"notification__endpoint__receiverInfo": [{"key": "Host", "value": "inner"}]},
            "notification.endpoint.receiverInfo[0]",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(more, where):
    with pytest.raises(BadRequest) as caught:
        understood(**more)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"timeInterval": 0}, "timeInterval"),
        ({"timeInterval": "5"}, "timeInterval"),
        ({"timeInterval": 0.1}, "timeInterval"),
        ({"timeInterval": 5, "watchedAttributes": ["a"]}, "watchedAttributes"),
        ({"timeInterval": 5, "throttling": 5}, "throttling"),
        ({"temporalQ": {}}, "temporalQ"),
        ({"csf": "(("}, "csf[2]"),
        ({"q": "a>"}, "q[2]"),
        ({"q": "a>%"}, "q[2]"),
        ({"description": None}, "description"),
        ({"description": "urn:ngsi-ld:null"}, "description"),
        ({"notification__lang": "de"}, "notification.lang"),
        ({"notification__sysAttrs": None}, "notification.sysAttrs"),
        ({"notification__endpoint__accept": None}, "notification.endpoint.accept"),
        ({"entities": [{"type": "Room", "id": None}]}, "entities[0].id"),
        ({"entities": [{"type": "Room(", "id": "urn:x:1"}]}, "entities[0]"),
        ({"entities": [{"type": "Room", "idPattern": "("}]}, "entities[0]"),
        ({"entities": [{"type": "*"}], "localOnly": False}, "localOnly"),
        ({"localOnly": "yes"}, "localOnly"),
        ({"splitEntities": 1}, "splitEntities"),
        ({"datasetId": ["no uri"]}, "datasetId"),
        ({"datasetId": []}, "datasetId"),
        ({"expandValues": ","}, "expandValues"),
        ({"jsonldContext": "a word"}, "jsonldContext"),
        ({"jsonldContext": "ftp://h/c"}, "jsonldContext"),
        ({"jsonldContext": "http://[::1"}, "jsonldContext"),
        ({"ngsildConformance": "new"}, "ngsildConformance"),
        ({"ngsildConformance": 1.6}, "ngsildConformance"),
        ({"notification__attributes": ["a", "id"]}, "notification.attributes"),
        ({"notification__attributes": ["a"], "notification__pick": ["b"]}, "notification.attributes"),
        ({"notification__attributes": ["a"], "notification__omit": ["b"]}, "notification.attributes"),
        ({"notification__pick": ["a", "b"], "notification__omit": ["b"]}, "notification.omit"),
        ({"notification__pick": []}, "notification.pick"),
        ({"notification__pick": ["a{b}"]}, "notification.pick"),
        ({"notification__pick": ["a{b"], "notification__join": "flat"}, "notification.pick"),
        ({"notification__join": "around"}, "notification.join"),
        ({"notification__join": ["flat"]}, "notification.join"),
        ({"notification__joinLevel": 1}, "notification.joinLevel"),
        ({"notification__join": "flat", "notification__joinLevel": 0}, "notification.joinLevel"),
        ({"notification__join": "flat", "notification__joinLevel": True}, "notification.joinLevel"),
        ({"notification__onlyIds": True}, "notification.onlyIds"),
        ({"notification__endpoint__uri": "mqtt://broker.example"}, "notification.endpoint.uri"),
        (
            {
                "notification__endpoint__uri": "mqtt://broker.example/t",
                "notification__endpoint__notifierInfo": [{"key": "MQTT-QoS", "value": "7"}],
            },
            "notification.endpoint.notifierInfo[0]",
        ),
        (
            {
                "notification__endpoint__uri": "mqtt://broker.example/t",
                "notification__endpoint__accept": "application/geo+json",
            },
            "notification.endpoint.accept",
        ),
    ],
)
def test_what_goes_wrong_with_the_rarer_members_is_refused_with_its_place(more, where):
    with pytest.raises(BadRequest) as caught:
        understood(**more)
    assert caught.value.where == where


def test_the_rarer_members_are_understood():
    one = understood(
        timeInterval=2.5,
        csf="endpoint==1",
        localOnly=True,
        splitEntities=False,
        datasetId=["@none", "urn:d:1"],
        expandValues="a,b",
        jsonKeys="c",
        q="a==1",
        ngsildConformance="1.3",
        notification__join="inline",
        notification__joinLevel=2,
        notification__pick=["name,near{name}", "id"],
        notification__endpoint__accept="application/geo+json",
    )
    assert one.interval_s == 2.5
    assert one.view.datasets == {"@none", "urn:d:1"}
    assert one.version == (1, 3)
    assert (one.join.flat, one.join.level) == (False, 2)
    assert one.view.pick == {"name": None, "near": {"name": None}, "id": None}
    assert not one.endpoint.linked
    prefer = [{"key": "Prefer", "value": "body=json"}]
    as_json = understood(
        notification__endpoint__accept="application/geo+json", notification__endpoint__receiverInfo=prefer
    )
    assert as_json.endpoint.linked
    assert understood(ngsildConformance="2.0").version is None


def test_an_mqtt_endpoint_is_understood_and_may_bear_any_metadata():
    one = understood(
        notification__endpoint__uri="mqtts://u:p@broker.example/city/rooms",
        notification__endpoint__notifierInfo=[{"key": "MQTT-Version", "value": "mqtt3.1.1"}],
        notification__endpoint__receiverInfo=[{"key": "no header: at all", "value": "x\ny"}],
    )
    assert one.endpoint.url == "mqtts://broker.example:8883/city/rooms"
    assert one.endpoint.address.broker.version == 4
    assert one.endpoint.headers == {"no header: at all": "x\ny"}


def test_parentheses_around_alternatives_say_nothing():
    one = understood(entities=[{"type": "(Room|House)"}]).selectors[0]
    assert one.selects({"id": "urn:x:1", "type": "House"})
    assert not one.selects({"id": "urn:x:1", "type": "Tower"})
    with pytest.raises(BadRequest):
        understood(entities=[{"type": "(Room|House;Tower)"}])


def test_a_query_that_may_have_been_encoded_holds_both_ways():
    one = understood(q='name=="Eiffel%20Tower"')
    for name, yes in (("Eiffel Tower", True), ("Eiffel%20Tower", True), ("Eiffel", False)):
        doc = {"id": "urn:x:1", "type": "Room", "name": {"type": "Property", "value": name}}
        assert one.condition.holds(doc, None) is yes
    encoded = understood(q="temperature%3E20")
    for value, yes in ((21, True), (20, False)):
        doc = {"id": "urn:x:1", "type": "Room", "temperature": {"type": "Property", "value": value}}
        assert encoded.condition.holds(doc, None) is yes


def test_a_query_follows_relationships_as_far_as_they_lead():
    one = understood(q="isConnectedTo{battery}<0.5")
    doc = {"id": "urn:x:1", "type": "Room", "isConnectedTo": {"type": "Relationship", "object": "urn:x:2"}}
    other = {"id": "urn:x:2", "type": "Device", "battery": {"type": "Property", "value": 0.3}}
    assert one.condition.holds(doc, None, {"urn:x:2": other}.get)
    assert not one.condition.holds(doc, None, {}.get)
    assert not one.condition.holds(doc, None)


def test_neither_entities_nor_attributes_is_nothing():
    doc = said()
    del doc["entities"]
    with pytest.raises(BadRequest, match="which entities or"):
        read(doc, "", CORE, CORE)
    assert read({**doc, "watchedAttributes": ["a"]}, "", CORE, CORE).selectors[0].selects({"id": "x", "type": "Any"})


def test_names_are_expanded_and_can_be_read_again_without_the_context():
    doc = said(
        entities=[{"type": "Flat|Room"}], watchedAttributes=["temp"], q="temp>3", notification__attributes=["temp"]
    )
    one = read(doc, "", OWN, OWN)
    assert one.watched == {"https://own.example/temperature"}
    again = read(copy.deepcopy(one.said), "", CORE, CORE, names=one.names)
    assert again.watched == one.watched
    assert again.selectors == one.selectors
    assert again.condition.key == one.condition.key
    assert again.view.attrs == one.view.attrs
    shown = again.document(OWN)
    assert shown["entities"] == [{"type": "Flat|Room"}]
    assert shown["watchedAttributes"] == ["temp"]
    shown = again.document(CORE)
    assert shown["entities"] == [{"type": "https://own.example/Flat|Room"}]
    assert shown["watchedAttributes"] == ["https://own.example/temperature"]
    assert shown["notification"]["attributes"] == ["https://own.example/temperature"]
    assert "isActive" not in shown
    assert shown["notificationTrigger"] == ["attributeCreated", "attributeUpdated"]
    assert shown["jsonldContext"] == CORE.url, "it is initialized with the @context of the request"


def test_the_words_of_a_projection_are_shown_in_those_of_the_reader():
    one = read(said(notification__pick=["near{temp}", "id"], notification__join="flat"), "", OWN, OWN)
    assert one.document(OWN)["notification"]["pick"] == ["near{temp}", "id"]
    assert one.document(CORE)["notification"]["pick"] == ["near{https://own.example/temperature}", "id"]
    assert one.document(CORE)["jsonldContext"] == "https://own.example/c"


def test_what_only_hansa_says_is_passed_over_when_it_comes_back():
    doc = said(status="active", createdAt="x", notification__timesSent=5, notification__lastSuccess="x")
    doc["_id"] = "another broker's"
    assert bare(doc) == said()
    with pytest.raises(BadRequest):
        bare([])


def test_counters_are_kept_as_they_are_shown():
    counters = Counters(5, 2, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z", good=False)
    assert Counters.of(counters.document()) == counters
    assert counters.document()["status"] == "failed"
    assert Counters().document() == {}, "counts are greater than 0 where they are shown"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = [
    *("id", "type", "entities", "watchedAttributes", "notificationTrigger", "q", "geoQ", "scopeQ", "isActive", "lang"),
    *("notification", "expiresAt", "throttling", "jsonldContext", "description", "datasetId", "expandValues"),
    *("notification__endpoint", "notification__format", "notification__attributes", "notification__pick"),
    *("notification__endpoint__uri", "notification__endpoint__accept", "notification__endpoint__receiverInfo"),
    *("notification__join", "notification__joinLevel", "notification__omit", "timeInterval", "csf", "localOnly"),
    *("ngsildConformance", "splitEntities", "notification__endpoint__notifierInfo", "_private"),
]


@given(st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=3))
@settings(deadline=None)
def test_whatever_is_said_is_understood_or_refused(more):
    try:
        doc = said()
        for path, value in more.items():
            *way, last = path.split("__")
            inner = doc
            for name in way:
                inner = inner.setdefault(name, {}) if isinstance(inner, dict) else {}
            if isinstance(inner, dict):
                inner[last] = value
        one = read(bare(doc), "", CORE, CORE)
    except HansaError as fault:
        assert fault.status < 500  # noqa: PT017
    else:
        assert one.document(CORE)["type"] == "Subscription"
