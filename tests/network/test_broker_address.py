"""The addresses of MQTT endpoints (CIM 009, clause 7.2): what they mean, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.network.broker import Address, Broker, address, is_mqtt


def test_the_least_that_can_be_said():
    one = address("mqtt://broker.example/city/rooms")
    assert one == Address(Broker("broker.example", 1883, False, 5), "city/rooms", 1)
    assert one.url == "mqtt://broker.example:1883/city/rooms"


def test_everything_that_can_be_said():
    info = [("MQTT-Version", "mqtt3.1.1"), ("MQTT-QoS", "2"), ("colour", "blue")]
    one = address("MQTTS://us%40er:p%3Aw@[::1]:8884/a%20b//c", info)
    assert one == Address(Broker("::1", 8884, True, 4, "us@er", "p:w"), "a b//c", 2)
    assert one.url == "mqtts://[::1]:8884/a b//c", "what is shown has no password"
    assert "p:w" not in repr(one)
    assert address("mqtts://h/t").broker.port == 8883
    assert address("mqtt://user@h/t").broker.user == "user"
    assert address("mqtt://:key@h/t").broker.password == "key"


@pytest.mark.parametrize(
    "uri",
    [
        *("mqtt://broker.example", "mqtt://broker.example/", "mqtt:///topic", "mqtt:topic", "http://broker.example/t"),
        *("mqtt://h:0/t", "mqtt://h:99999/t", "mqtt://h:x/t", "mqtt://h/a/+/b", "mqtt://h/a/#", "mqtt://h/t?q=1"),
        *("mqtt://h/%23", "mqtt://h/%00", "mqtt://h/%ff", "mqtt://h/a b", "mqtt://[::1/t", "mqtt://h/" + "x" * 3_000),
    ],
)
def test_what_names_no_topic_of_a_broker_is_refused(uri):
    with pytest.raises(BadRequest) as caught:
        address(uri)
    assert caught.value.where == "uri"


@pytest.mark.parametrize(
    ("info", "at"),
    [
        ([("MQTT-QoS", "3")], 0),
        ([("MQTT-QoS", "1"), ("MQTT-Version", "mqtt4")], 1),
        ([("MQTT-Retain", "true")], 0),
    ],
)
def test_what_cannot_be_said_of_the_protocol_is_refused(info, at):
    with pytest.raises(BadRequest) as caught:
        address("mqtt://h/t", info)
    assert caught.value.where == f"notifierInfo[{at}]"


def test_the_old_version_has_no_password_without_a_user():
    with pytest.raises(BadRequest):
        address("mqtt://:key@h/t", [("MQTT-Version", "mqtt3.1.1")])


def test_a_password_is_not_shown_when_it_is_refused():
    with pytest.raises(BadRequest) as caught:
        address("mqtt://user:secret@h:x/t")
    assert "secret" not in caught.value.detail


@given(st.text(max_size=40))
def test_whatever_follows_the_scheme_is_an_address_or_refused(rest):
    uri = f"mqtt://{rest}"
    assert is_mqtt(uri)
    try:
        one = address(uri, limits=Limits())
    except BadRequest:
        return
    assert one.topic
    assert one.broker.host
