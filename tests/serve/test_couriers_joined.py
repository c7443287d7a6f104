"""The courier in a whole city: a warning is pushed and mailed, a gateway calls back, and the key outlives a restart."""

import asyncio
import time

import pytest

from channel_sinks import Browser, Mailbox, mail_server
from hansa.errors import BadRequest, NotFound
from hansa.model.change import Change, Write
from hansa.model.entity import entity
from hansa.platform.http import Request
from hansa.serve.running import Running
from hansa.serve.told import health, metrics
from hansa.settings import Settings
from local_http import response, serving

SECRET = "a-secret-of-the-gateway"
SMS = {"via": "http", "url": "http://127.0.0.1:1/", "body": {"t": "{text}"}, "secret": SECRET, "ref": "id"}


def city(data, **channels):
    return Running(Settings(data=data, http="127.0.0.1:0", enabled=(), channels=channels))


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


async def until(found):
    end = time.monotonic() + 20
    while not found():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def delivery(key, channel):
    made = entity(
        *("Delivery", f"urn:ngsi-ld:Delivery:{key}"),
        warning="urn:ngsi-ld:Warning:1",
        status="waiting",
        step=0,
        language="en",
        channel=channel,
    )
    return Write("say", made.id, made.doc, label="personal")


def test_a_city_pushes_and_mails_hears_its_gateway_and_keeps_its_key(tmp_path) -> None:
    box, pushes = Mailbox(), []

    async def push(head, writer):
        pushes.append(head)
        writer.write(response(201))

    async def work():
        async with mail_server(box) as mail, serving(push) as port:
            email = {"host": "127.0.0.1", "port": mail, "security": "none", "sender": "w@city.example"}
            running = city(tmp_path, push={"plain": True, "allow": ["127.0.0.0/8"]}, email=email, sms=SMS)
            await running.start()
            try:
                here = running.cities["open"]
                browser = Browser(f"http://127.0.0.1:{port}/x")
                warning = entity(
                    "Warning", "urn:ngsi-ld:Warning:1", state="sent", texts={"en": {"title": "Frost", "short": "Frost"}}
                )
                outcomes = await here.awrite(
                    Write("say", warning.id, warning.doc),
                    delivery("p", {"kind": "push", "to": browser.subscription}),
                    delivery("m", {"kind": "email", "to": "ana@example.org"}),
                    delivery("s", {"kind": "sms", "to": "+421900"}),
                )
                assert all(isinstance(one, Change) for one in outcomes)
                await until(
                    lambda: [here.get(f"urn:ngsi-ld:Delivery:{key}")["status"] for key in "pm"] == ["handed"] * 2
                )
                link = browser.read(pushes[0].partition("\r\n\r\n")[2].encode("latin-1"))["url"]
                assert link.startswith(f"http://localhost:{running.port}/w/")
                told = link.rpartition("/")[2]
                assert running.acting.capabilities.told_by("warnings", told) == "urn:ngsi-ld:Delivery:p"
                assert box.mails[0][1] == "ana@example.org"
                await until(lambda: health(running)["channels"]["sms"]["state"] == "down")
                shown = health(running)
                assert (shown["channels"]["sms"]["waiting"], shown["channels"]["email"]["handed"]) == (1, 1)
                assert b'hansa_channel_up{channel="sms"} 0.0' in metrics(shown)
                await calls(running, here)
                said = running.acting.desks["open"].acts.settings["warnings"]
                assert {"push", "email", "sms"} <= set(said["channels"])
                return said["pushKey"]
            finally:
                await running.stop()

    async def calls(running, here):
        handle = running.couriers.handle
        for path in (["x" * 23, "reply"], [SECRET, "other"], [SECRET], []):
            with pytest.raises(NotFound):
                await handle(Request("POST", path, body=b"{}"))
        for body in (b"{", b"[1]", b"x" * 70_000):
            with pytest.raises(BadRequest):
                await handle(Request("POST", [SECRET, "reply"], body=body))
        assert (await handle(Request("POST", [SECRET, "reply"], body=b"from=%2B421900&text=OK"))).status == 204
        assert (
            await handle(Request("POST", [SECRET, "receipt"], body=b'[{"id":"none","status":"delivered"}]'))
        ).status == 204
        await until(lambda: here.find("SmsReply"))

    async def again():
        running = city(tmp_path)
        await running.start()
        try:
            return running.acting.desks["open"].acts.settings["warnings"]["pushKey"]
        finally:
            await running.stop()

    key = run(work())
    assert key == run(again())
    assert not any(key.encode() in file.read_bytes() for file in tmp_path.glob("trust.db*"))


def test_a_city_whose_channels_are_nonsense_does_not_start(tmp_path) -> None:
    with pytest.raises(BadRequest, match="no channel"):
        run(city(tmp_path, pigeon={}).start())


@pytest.mark.parametrize("allowed", [False, True])
def test_what_recipients_name_is_not_what_the_city_may_ask_for_other_purposes(tmp_path, allowed) -> None:
    asked = []

    async def hook(head, writer):
        asked.append(head)
        writer.write(response(200))

    async def work():
        channels = {"webhook": {"allow": ["127.0.0.0/8"]}} if allowed else {}
        running = Running(
            Settings(data=tmp_path, http="127.0.0.1:0", egress_allow=("127.0.0.0/8",), enabled=(), channels=channels)
        )
        async with serving(hook) as port:
            await running.start()
            try:
                here = running.cities["open"]
                warning = entity("Warning", "urn:ngsi-ld:Warning:1", state="sent", texts={"en": {"title": "Frost"}})
                to = {"kind": "webhook", "to": f"http://127.0.0.1:{port}/neighbour"}
                await here.awrite(Write("say", warning.id, warning.doc))
                await here.awrite(delivery("w", to))
                await until(lambda: here.get("urn:ngsi-ld:Delivery:w")["status"] in {"handed", "failed"})
                return here.get("urn:ngsi-ld:Delivery:w")
            finally:
                await running.stop()

    one = run(work())
    assert one["status"] == ("handed" if allowed else "failed")
    assert len(asked) == allowed
    assert allowed or one["attempts"][-1]["why"].startswith("refused: ")
