"""Notifications over MQTT (CIM 009, clause 7): a real mosquitto between the city and mosquitto's own client."""

import asyncio

import pytest
from living import Life, living, run
from receiver import Receiver

from hansa.errors import BadRequest
from hansa.model.context import Context
from hansa.model.terms import Terms
from mosquitto import Mosquitto

NAMES = {4: "mqtt3.1.1", 5: "mqtt5.0"}
OWN = Context(Terms({"temp": "https://own.example/temperature"}), "https://own.example/c")


def wanted(uri, *info, **said):
    endpoint = {"uri": uri, **said.pop("endpoint", {})}
    if info:
        endpoint["notifierInfo"] = [{"key": key, "value": value} for key, value in info]
    return {"type": "Subscription", "entities": [{"type": "Room"}], "notification": {"endpoint": endpoint}, **said}


@pytest.fixture
def broker(tmp_path, program):
    with Mosquitto(program, tmp_path / "broker", ("city", "p@ss")) as one:
        yield one


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_mosquitto_sub_hears_a_notification_with_its_metadata(tmp_path, broker, version, qos):
    async def work(uri):
        async with living(tmp_path) as life:
            info = [{"key": "city", "value": "Vienna"}, {"key": "a: header", "value": "it need not be"}]
            doc = wanted(uri, ("MQTT-Version", NAMES[version]), ("MQTT-QoS", qos), endpoint={"receiverInfo": info})
            ident = await life.subs.create(doc, "parks", OWN)
            await life.room(tenant="parks", **{"https://own.example/temperature": 21})
            await life.until(lambda: life.subs.get(ident, "parks")["notification"].get("timesSent"))
            shown = life.subs.get(ident, "parks")["notification"]
            assert shown["status"] == "ok"
            assert "timesFailed" not in shown
            return ident

    with broker.subscriber("city/#", version) as heard:
        ident = run(work(f"mqtt://city:p%40ss@127.0.0.1:{broker.port}/city/rooms"))
        message = heard.next()
        assert heard.heard.empty()
    assert message["metadata"] == {
        "Content-Type": "application/json",
        "Link": '<https://own.example/c>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"',
        "NGSILD-Tenant": "parks",
        "city": "Vienna",
        "a: header": "it need not be",
    }
    body = message["body"]
    assert (body["type"], body["subscriptionId"]) == ("Notification", ident)
    assert body["data"] == [{"id": "urn:ngsi-ld:Room:a", "type": "Room", "temp": {"type": "Property", "value": 21}}]


def test_json_ld_brings_its_context_in_the_body(tmp_path, broker):
    async def work(uri):
        async with living(tmp_path) as life:
            await life.subs.create(wanted(uri, endpoint={"accept": "application/ld+json"}), "", OWN)
            await life.room(temperature=21)
            await life.until(lambda: not life.subs.shown()["notifications_waiting"])

    with broker.subscriber("city/#") as heard:
        run(work(f"mqtt://city:p%40ss@127.0.0.1:{broker.port}/city/rooms"))
        message = heard.next()
    assert message["metadata"] == {"Content-Type": "application/ld+json"}
    assert message["body"]["data"][0]["@context"][0] == "https://own.example/c"


def test_a_wrong_password_ends_as_a_dead_letter_that_does_not_tell_it(tmp_path, broker):
    async def work(uri):
        async with living(tmp_path) as life:
            doc = wanted(uri, endpoint={"receiverInfo": [{"key": "Authorization", "value": "Bearer hush"}]})
            ident = await life.subs.create(doc)
            await life.room(temperature=21)
            await life.until(life.letters)
            (letter,) = life.letters()
            assert "refuses the connection" in letter["reason"]
            assert "guess" not in str(letter.doc)
            assert "hush" not in str(letter.doc)
            assert life.subs.get(ident)["notification"]["status"] == "failed"
            await life.subs.update(ident, {"notification": wanted(uri.replace("guess", "p%40ss"))["notification"]})
            await life.subs.retry(letter.id)
            await life.until(lambda: not life.letters())

    with broker.subscriber("city/#") as heard:
        run(work(f"mqtt://city:guess@127.0.0.1:{broker.port}/city/rooms"))
        assert heard.next()["body"]["data"][0]["temperature"]["value"] == 21
        assert heard.heard.empty()


def test_a_broker_that_is_away_is_told_when_it_comes_back_also_in_another_life(tmp_path, program):
    with Mosquitto(program, tmp_path / "b") as broker:
        port = broker.port

    async def first():
        life = await Life(tmp_path / "open.db", sleep=asyncio.sleep).begin()
        ident = await life.subs.create(wanted(f"mqtt://127.0.0.1:{port}/city/rooms"))
        await life.room(temperature=21)
        await life.until(lambda: life.subs.get(ident)["notification"].get("timesFailed"))
        await life.crash()

    run(first())
    with Mosquitto(program, tmp_path / "b", port=port) as broker, broker.subscriber("city/#") as heard:

        async def again():
            async with living(tmp_path) as life:
                await life.until(lambda: not heard.heard.empty())

        run(again())
        assert heard.next()["body"]["data"][0]["temperature"]["value"] == 21


def test_the_wall_is_asked_before_a_broker_is(tmp_path):
    async def work():
        async with living(tmp_path, allow=()) as life:
            with pytest.raises(BadRequest) as caught:
                await life.subs.create(wanted("mqtt://127.0.0.1/city"))
            assert caught.value.where == "notification.endpoint.uri"
            assert not life.subs.count()

    run(work())


def test_a_broker_that_hangs_delays_nobody_else(tmp_path):
    async def work():
        async with Receiver(lambda got: None) as hanging, Receiver() as healthy, living(tmp_path) as life:
            await life.subs.create(wanted(f"mqtt://127.0.0.1:{hanging.port}/city"))
            await life.subs.create(wanted(healthy.url()))
            for n in range(3):
                await life.room(temperature=n)
            for n in range(3):
                assert (await healthy.next(1.5)).data[0]["temperature"]["value"] == n

    run(work())
