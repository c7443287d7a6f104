"""The Subscription datatype (CIM 009 v1.9.1, clause 5.2.12): what is read, what is refused, and where."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest, HansaError, NotSupported
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
    assert one.source == "https://own.example/c"
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
        {"temperature"},
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
        ({"geoQ": {"georel": "near", "geometry": "Point", "coordinates": [1, 2]}}, "georel"),
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
        ({"notification__format": "xml"}, "format"),
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
        ({"notification__endpoint__receiverInfo": [{"key": "a"}]}, "notification.endpoint.receiverInfo"),
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
    assert not isinstance(caught.value, NotSupported)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "more",
    [
        {"timeInterval": 60},
        {"temporalQ": {}},
        {"csf": "x==1"},
        {"q": "near{Room:temperature}>5"},
        {"notification__endpoint__uri": "mqtt://broker/topic"},
        {"notification__endpoint__accept": "application/geo+json"},
        {"notification__join": "inline"},
        {"notification__pick": ["a{b}"]},
    ],
)
def test_what_is_not_built_is_refused_by_name(more):
    with pytest.raises(NotSupported) as caught:
        understood(**more)
    assert caught.value.where


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


def test_what_only_hansa_says_is_passed_over_when_it_comes_back():
    doc = said(status="active", createdAt="x", notification__timesSent=5, notification__lastSuccess="x")
    assert bare(doc) == said()
    with pytest.raises(BadRequest):
        bare([])


def test_counters_are_kept_as_they_are_shown():
    counters = Counters(5, 2, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z", good=False)
    assert Counters.of(counters.document()) == counters
    assert counters.document()["status"] == "failed"
    assert Counters().document() == {"timesSent": 0, "timesFailed": 0}


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
