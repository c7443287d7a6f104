"""SMS gateways over HTTP, webhooks and brokers: templates, signatures, confirmations that cannot be forged."""

import asyncio
import json
import time
from dataclasses import replace

import pytest

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.network.broker import address
from hansa.network.channels import gsm, marked
from hansa.network.channels.marked import STRANGER_S, Patience, connect, egress
from hansa.network.channels.said import Failed, Handed, Notice, Receipt
from hansa.network.channels.texting import Gateway, HttpSms, filled, number, receipt_in, reply_in, words
from hansa.network.channels.topics import Topics
from hansa.network.channels.webhook import Webhook, signature
from hansa.network.http import Answer
from hansa.network.publish import Publisher
from local_http import response, serving
from mosquitto import Mosquitto

NOTICE = Notice(
    "urn:ngsi-ld:Delivery:1",
    "+421900",
    "Frost",
    "Frost {id} tonight",
    "Cover.",
    link="https://c.example/w/x",
    secret="s3cret",
)
BODY = {"recipient": "{to}", "message": "{text}", "custom": [{"ref": "{id}"}], "n": 1}


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


async def asked(make, serve, notice=NOTICE):
    """What became of one notice by a channel to a server that answers as `serve` does."""
    wall = egress(("127.0.0.0/8",), Limits())
    try:
        async with serving(serve) as port:
            return await make(wall, f"http://127.0.0.1:{port}/in").send(
                notice if notice.to != "url" else replace(notice, to=f"http://127.0.0.1:{port}/in")
            )
    finally:
        await wall.aclose()


def saying(raw, heads=None):
    async def answer(head, writer):
        if heads is not None:
            heads.append(head)
        writer.write(raw)

    return answer


def sms(wall, url):
    return HttpSms(wall, Gateway(url, BODY, {"Authorization": "Bearer x"}, ref="messages.0.id"))


def test_a_gateway_is_asked_as_its_manual_wants_and_what_is_said_is_no_template() -> None:
    heads = []
    answer = saying(response(200, json.dumps({"messages": [{"id": 77}]}).encode()), heads)
    assert run(asked(sms, answer)) == Handed("77")
    head, _, body = heads[0].partition("\r\n\r\n")
    assert "Authorization: Bearer x" in head
    said = json.loads(body)
    assert said["message"] == "Frost {id} tonight\nhttps://c.example/w/x"
    assert (said["recipient"], said["custom"], said["n"]) == ("+421900", [{"ref": NOTICE.key}], 1)


@pytest.mark.parametrize(
    ("status", "for_good", "everybody"),
    [
        *((400, True, False), (422, True, False), (401, False, True), (402, False, True), (429, False, True)),
        *((500, False, True), (302, False, True)),
    ],
)
def test_what_a_gateway_refuses_is_everybodys_or_one_numbers(status, for_good, everybody) -> None:
    outcome = run(asked(sms, saying(response(status))))
    assert (outcome.for_good, outcome.everybody) == (for_good, everybody)


@pytest.mark.parametrize(
    "raw", [response(200, b"not json"), response(200, b"[]"), response(204), response(200, b'{"messages":{"0":1}}')]
)
def test_a_gateway_that_answers_oddly_has_taken_it_all_the_same(raw) -> None:
    assert run(asked(sms, saying(raw))) == Handed()


def test_a_callback_says_what_became_of_it_or_nothing() -> None:
    gateway = Gateway("https://x", BODY, ref="id", status="dlr.state")
    assert receipt_in(gateway, {"id": 7, "dlr": {"state": "Delivered"}}) == Receipt("7", True)
    assert receipt_in(gateway, {"id": "7", "dlr": {"state": "failed"}}) == Receipt("7", False)
    for said in (
        None,
        [],
        {},
        {"id": "7"},
        {"id": "7", "dlr": {"state": "queued"}},
        {"id": {}, "dlr": {"state": "failed"}},
    ):
        assert receipt_in(gateway, said) is None
    assert reply_in(gateway, {"from": "00421 900", "text": "OK\0"}) == ("+421900", "OK")
    for said in ({}, {"from": "x", "text": "OK"}, {"from": "421900", "text": 5}):
        assert reply_in(gateway, said) is None


def test_numbers_are_read_as_people_write_them() -> None:
    assert [number(one) for one in ("+421 (900) 12-34", "00421900", "112", "1", "+42x", 5)] == [
        "+4219001234",
        "+421900",
        "112",
        None,
        None,
        None,
    ]


def test_a_long_text_is_cut_and_its_link_is_not() -> None:
    said = words(replace(NOTICE, short="x\x00" * 500_000), 2)
    assert said.endswith("…\nhttps://c.example/w/x")
    assert len(gsm.parts(said, 1, 9)) <= 2
    assert filled({"a": "{to}{text}"}, {"to": "{text}", "text": "{to}", "id": "", "from": ""}) == {"a": "{text}{to}"}


def webhook(wall, _url):
    return Webhook(wall, now=lambda: 1_000_000.0)


HOOK = replace(NOTICE, to="url")


def test_a_webhook_is_signed_with_its_time_and_a_plain_200_is_only_handed() -> None:
    heads = []
    assert run(asked(webhook, saying(response(200), heads), HOOK)) == Handed()
    head, _, body = heads[0].partition("\r\n\r\n")
    said = dict(one.split(": ", 1) for one in head.split("\r\n")[1:])
    assert said["Hansa-Timestamp"] == "1000000"
    assert said["Hansa-Signature"] == signature("s3cret", f"1000000.{body}".encode())
    assert json.loads(body)["id"] == NOTICE.id
    assert "s3cret" not in heads[0]


def answered(secret="s3cret", at="1000000", received=NOTICE.id, prefix="received."):
    body = json.dumps({"received": received}).encode()
    signed = signature(secret, f"{prefix}{at}.".encode() + body)
    return response(200, body, Hansa_Timestamp=at, Hansa_Signature=signed)


def test_a_signed_answer_is_the_word_of_a_device() -> None:
    assert run(asked(webhook, saying(answered()), HOOK)) == Handed(confirmed=True)


@pytest.mark.parametrize(
    "raw",
    [
        answered(secret="other"),
        answered(at="999000"),  # old: replayed
        answered(received="urn:ngsi-ld:Delivery:2"),
        answered(prefix=""),  # what we signed ourselves, sent back
        response(200, b'{"received":"urn:ngsi-ld:Delivery:1"}'),
        response(200, b"[", Hansa_Timestamp="1000000", Hansa_Signature=signature("s3cret", b"received.1000000.[")),
        response(200, b"{}", Hansa_Timestamp="x", Hansa_Signature="v1="),
    ],
)
def test_a_forged_or_replayed_answer_confirms_nothing(raw) -> None:
    assert run(asked(webhook, saying(raw), HOOK)) == Handed()
    assert run(asked(webhook, saying(answered()), replace(HOOK, secret=""))) == Handed()


@pytest.mark.parametrize(
    "to", [None, 5, "", "ftp://x", "http://", {"url": 7}, "http://10.0.0.1/x", "http://user:pw@x.example/"]
)
def test_a_webhook_that_is_none_or_leads_inwards_fails_for_good(to) -> None:
    outcome = run(asked(webhook, saying(response(200)), replace(NOTICE, to=to)))
    assert outcome.for_good


def test_a_broker_hears_it_with_its_promise_and_odd_topics_are_refused(program, tmp_path) -> None:
    async def work(port, *notices):
        wall = egress(("127.0.0.0/8",), Limits())
        broker = address(f"mqtt://127.0.0.1:{port}/x").broker
        topics = Topics(Publisher(wall, open_=connect), broker)
        try:
            return [await topics.send(one) for one in notices]
        finally:
            await topics.aclose()
            await wall.aclose()

    with Mosquitto(program, tmp_path) as broker, broker.subscriber("city/#") as heard:
        odd = [replace(NOTICE, to=one) for one in (None, "topic:", "topic:a/#", "topic:\0", "city/x", "mqtt://")]
        good, other, *bad = run(
            work(
                broker.port,
                replace(NOTICE, to="topic:city/frost"),
                replace(NOTICE, to=f"mqtt://127.0.0.1:{broker.port}/city/b"),
                *odd,
            )
        )
        assert good == other == Handed()
        assert {heard.next()["id"], heard.next()["id"]} == {NOTICE.id}
    assert all(one.for_good for one in bad)
    (away,) = run(work(broker.port, replace(NOTICE, to="topic:city/frost")))
    assert (away.everybody, away.for_good) == (True, False)
    with pytest.raises(BadRequest):
        address("mqtt://")


def test_who_never_answered_is_waited_for_a_short_while_and_then_longer_and_who_did_as_long_as_any() -> None:
    patience = Patience(10.0)
    silent = Failed(False, "no whole answer", everybody=True)
    assert patience.wait_s("a") == STRANGER_S
    patience.heard("a", Failed(True, "malformed: no URL"))  # nobody was asked
    waits = []
    for _ in range(4):
        patience.heard("a", silent)
        waits.append(patience.wait_s("a"))
    assert waits[:2] == [2 * STRANGER_S, 10.0]
    patience.heard("a", Answer(503, {}, b"", "https://a/"))
    assert patience.wait_s("a") == 10.0
    patience.heard("a", silent)
    assert patience.wait_s("a") == STRANGER_S
    assert Patience(0.5).wait_s("a") == 0.5


def test_a_webhook_that_hangs_is_not_waited_for_as_long_as_a_gateway(monkeypatch) -> None:
    monkeypatch.setattr(marked, "STRANGER_S", 0.2)

    async def hang(_head, _writer):
        await asyncio.sleep(1)

    began = time.monotonic()
    outcome = run(asked(webhook, hang, replace(NOTICE, to="url")))
    assert isinstance(outcome, Failed)
    assert outcome.everybody
    assert 0.2 <= time.monotonic() - began < 0.9
