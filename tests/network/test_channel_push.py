"""Web push: the RFC's own example, another implementation as the browser, and services that answer badly."""

import asyncio
import socket

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_sinks import Browser
from hansa.limits import Limits
from hansa.network.channels.marked import TOS, connect, egress
from hansa.network.channels.said import Failed, Handed, Notice
from hansa.network.channels.webpush import (
    PLAIN,
    Unreadable,
    WebPush,
    encrypt,
    payload,
    point,
    unb64,
    vapid_key,
)
from local_http import response, serving

SECRET = bytes(range(32))
NOTICE = Notice(
    "urn:ngsi-ld:Delivery:1", None, "Frost", "Frost tonight", "Cover your trees.", link="https://c.example/w/x"
)


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


def told(to, notice=NOTICE):
    from dataclasses import replace

    return replace(notice, to=to)


async def pushed(serve, to=None, *, allow=("127.0.0.0/8",), limits=None):
    """What became of one push to a service that answers as `serve` does, and the browser it was for."""
    wall = egress(allow, limits or Limits())
    try:
        async with serving(serve) as port:
            browser = Browser(f"http://127.0.0.1:{port}/push/abc")
            channel = WebPush(wall, SECRET, "mailto:it@city.example", plain=True)
            subscription = browser.subscription if to is None else to(browser)
            return await channel.send(told(subscription)), browser, channel
    finally:
        await wall.aclose()


def test_the_example_of_rfc_8291_is_encrypted_byte_for_byte() -> None:
    number = int.from_bytes(unb64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
    raw = encrypt(
        b"When I grow up, I want to be a watermelon",
        unb64("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        unb64("BTBZMqHH6r4Tts7J_aSIgg"),
        salt=unb64("DGv6ra1nlYgDCS1FRnbzlw"),
        key=ec.derive_private_key(number, ec.SECP256R1()),
    )
    assert raw == unb64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize(
    ("theirs", "auth"),
    [(b"", b"a" * 16), (b"\4" + b"\1" * 64, b"a" * 16), (point(vapid_key(SECRET).public_key()), b"")],
)
def test_a_subscription_that_is_none_is_refused(theirs: bytes, auth: bytes) -> None:
    with pytest.raises(Unreadable):
        encrypt(b"x", theirs, auth)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=6_000), st.text(max_size=6_000))
def test_whatever_the_text_the_payload_fits_and_only_the_browser_reads_it(title: str, short: str) -> None:
    browser = Browser("https://push.example/x")
    made = payload(
        Notice(
            "d",
            browser.subscription,
            title.encode(errors="ignore").decode(),
            short.encode(errors="ignore").decode(),
            "",
        )
    )
    assert len(made) <= PLAIN
    keys = browser.subscription["keys"]
    assert browser.read(encrypt(made, unb64(keys["p256dh"]), unb64(keys["auth"])))["again"] is False


def test_a_push_is_signed_encrypted_urgent_and_replaces_the_same_one_before() -> None:
    heads: list[str] = []

    async def take(head, writer):
        heads.append(head)
        writer.write(response(201))

    outcome, browser, channel = run(pushed(take))
    assert outcome == Handed()
    head, _, body = heads[0].partition("\r\n\r\n")
    said = dict(one.split(": ", 1) for one in head.split("\r\n")[1:])
    assert (said["Urgency"], said["Content-Encoding"], len(said["Topic"])) == ("high", "aes128gcm", 32)
    assert browser.read(body.encode("latin-1"))["body"] == "Frost tonight"
    token, _, key = said["Authorization"].removeprefix("vapid t=").partition(", k=")
    assert key == channel.public
    signed, _, signature = token.rpartition(".")
    raw = unb64(signature)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(key))
    rs = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public.verify(rs, signed.encode(), ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(rs, signed.encode() + b"x", ec.ECDSA(SHA256()))
    assert unb64(signed.split(".")[1]).startswith(b'{"aud":"http://127.0.0.1:')


@pytest.mark.parametrize(
    ("status", "for_good", "word"),
    [
        (410, True, "unsubscribed:"),
        (404, True, "unsubscribed:"),
        (413, True, "refused:"),
        (503, False, "503"),
        (403, True, "refused:"),
    ],
)
def test_what_a_push_service_answers_decides_whether_it_is_tried_again(status, for_good, word) -> None:
    async def answer(_head, writer):
        writer.write(response(status))

    outcome, _, _ = run(pushed(answer))
    assert isinstance(outcome, Failed)
    assert (outcome.for_good, outcome.perhaps) == (for_good, status >= 500)
    assert word in outcome.why


def test_a_service_that_has_too_much_says_for_how_long() -> None:
    async def answer(_head, writer):
        writer.write(response(429, Retry_After="17"))

    outcome, _, _ = run(pushed(answer))
    assert outcome == Failed(False, "the push service answered 429", 17.0, everybody=True)


def test_a_service_that_breaks_off_has_perhaps_taken_it_and_one_that_is_away_has_not() -> None:
    async def drop(_head, writer):
        writer.transport.abort()

    outcome, _, _ = run(pushed(drop))
    assert (outcome.everybody, outcome.perhaps, outcome.for_good) == (True, True, False)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
        outcome, _, _ = run(pushed(drop, lambda b: b.subscription | {"endpoint": f"http://127.0.0.1:{port}/x"}))
    assert (outcome.everybody, outcome.perhaps, outcome.for_good) == (True, False, False)


def test_an_endpoint_behind_the_wall_is_not_asked() -> None:
    asked: list[str] = []

    async def take(head, writer):
        asked.append(head)
        writer.write(response(201))

    outcome, _, _ = run(pushed(take, allow=()))
    assert (outcome.for_good, asked) == (True, [])
    assert outcome.why.startswith("refused:")


@pytest.mark.parametrize(
    "to", [None, 7, "x", {}, {"endpoint": 4}, {"endpoint": "ftp://x"}, {"endpoint": "http://[", "keys": []}]
)
def test_what_is_no_subscription_fails_for_good(to) -> None:
    async def never(_head, writer):
        raise AssertionError

    outcome, _, channel = run(pushed(never, lambda _browser: to if to is not None else []))
    assert outcome.for_good
    assert outcome.why.startswith("malformed:")
    assert isinstance(channel.endpoint(to), str)


def test_sockets_are_marked_to_go_first() -> None:
    async def marked():
        async with serving(lambda *_: asyncio.sleep(0)) as port:
            _, writer = await connect("127.0.0.1", port, None, "")
            try:
                held = writer.get_extra_info("socket")
                return held.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)
            finally:
                writer.close()

    assert run(marked()) == TOS == 184
