"""SMPP: units against another codec and against noise; a centre that throttles, hangs, lies and goes away."""

import asyncio
import random
import struct
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
import smpplib.gsm
import smpplib.smpp
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_sinks import MessageCentre, centre_server
from hansa.limits import Limits
from hansa.network.channels import gsm, pdu
from hansa.network.channels.marked import egress
from hansa.network.channels.said import Failed, Handed, Notice, Receipt
from hansa.network.channels.smpp import Centre, Smpp

NOTICE = Notice("urn:ngsi-ld:Delivery:1", "+421 900 123456", "Frost", "Frost tonight", "", link="https://c.example/w/x")


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


@asynccontextmanager
async def bound(centre, *, port=0, wait=True, **options):
    """A client that is bound to a centre; what it heard comes back in two lists."""
    receipts, replies = [], []
    wall = egress(("127.0.0.0/8",), Limits())
    async with centre_server(centre, port) as at:
        options = {"wait_s": 1.0, "back_s": 0.01} | options
        channel = Smpp(
            wall,
            Centre("127.0.0.1", at, "hansa", "secret", source="City"),
            heard=receipts.append,
            replied=lambda *said: replies.append(said),
            **options,
        )
        channel.start()
        try:
            if wait:
                await asyncio.wait_for(centre.bound.wait(), 5)
            yield channel, receipts, replies
        finally:
            await channel.aclose()
            await wall.aclose()


# ---- Units


def test_another_codec_reads_what_we_submit_and_we_read_what_it_says() -> None:
    one = pdu.Short("City", "421900123456", b"Frost\x1b\x65", 0, 0x40, receipt=True, source_ton=5)
    raw = pdu.submit(7, one).raw()
    client = SimpleNamespace(next_sequence=lambda: 1, sequence=1)
    theirs = smpplib.smpp.parse_pdu(raw, client=client, allow_unknown_opt_params=True)
    assert (theirs.command, theirs.sequence, theirs.source_addr, theirs.destination_addr) == (
        "submit_sm",
        7,
        b"City",
        b"421900123456",
    )
    assert (theirs.short_message, theirs.esm_class, theirs.registered_delivery) == (b"Frost\x1b\x65", 0x40, 1)
    assert pdu.short(raw[16:]) == one
    bind = smpplib.smpp.parse_pdu(
        pdu.bind_transceiver(1, "hansa", "secret", "x").raw(), client=client, allow_unknown_opt_params=True
    )
    assert (bind.command, bind.system_id, bind.password, bind.interface_version) == (
        "bind_transceiver",
        b"hansa",
        b"secret",
        0x34,
    )


@pytest.mark.parametrize(
    "text",
    ["Frost tonight", "{€}" * 80, "凍霜" * 60, "a" * 160, "a" * 161, "x" * 152 + "€" + "y" * 40, "❄" * 90, "𝄞" * 90],
)
def test_texts_are_cut_where_another_codec_cuts_them_and_come_together_again(text) -> None:
    pieces = gsm.parts(text, 9, 20)
    theirs, coding, _ = smpplib.gsm.make_parts(text)
    assert pieces[0].coding == coding
    assert abs(len(pieces) - len(theirs)) <= 1  # neither parts an escape or a pair, where the other may
    joined = b"".join(one.body[6:] if one.joined else one.body for one in pieces)
    assert gsm.decoded(joined, coding) == text
    assert all(len(one.body) <= (160 if coding == gsm.GSM else 140) for one in pieces)
    if len(pieces) > 1:
        assert [tuple(one.body[:6]) for one in pieces] == [(5, 0, 3, 9, len(pieces), i + 1) for i in range(len(pieces))]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=700), st.integers(1, 4))
def test_any_text_makes_few_messages_that_a_phone_can_read(text, most) -> None:
    pieces = gsm.parts(text, 1, most)
    assert 1 <= len(pieces) <= most
    assert "".join(gsm.decoded(one.body[6:] if one.joined else one.body, one.coding) for one in pieces) is not None


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_malformed_or_a_unit_and_nothing_else(noise) -> None:
    framer = pdu.Framer()
    try:
        for one in framer.feed(noise):
            pdu.short(one.body)
    except pdu.Malformed:
        pass
    try:
        one = pdu.short(noise)
        pdu.receipt_of(one)
        pdu.without_header(one)
        gsm.decoded(one.text, one.coding)
    except pdu.Malformed:
        pass


def test_a_stream_cut_anywhere_gives_the_same_units_and_a_wild_length_is_refused() -> None:
    units = [pdu.Pdu(pdu.ENQUIRE_LINK, 0, n) for n in range(5)] + [pdu.submit(9, pdu.Short("a", "1", b"x"))]
    raw = b"".join(one.raw() for one in units)
    dice = random.Random(1)
    framer, found = pdu.Framer(), []
    while raw:
        n = dice.randint(1, 9)
        found += framer.feed(raw[:n])
        raw = raw[n:]
    assert found == units
    for length in (0, 15, 0xFFFFFFFF):
        with pytest.raises(pdu.Malformed):
            pdu.Framer().feed(struct.pack("!IIII", length, 4, 0, 1))


@pytest.mark.parametrize(
    ("text", "options", "found"),
    [
        (b"id:m7 sub:001 dlvrd:001 submit date:2611 done date:2611 stat:DELIVRD err:000", {}, Receipt("m7", True)),
        (b"id:m7 sub:001 dlvrd:000 stat:UNDELIV err:001 text:x", {}, Receipt("m7", False)),
        (b"", {0x001E: b"m8\0", 0x0427: b"\2"}, Receipt("m8", True)),
        (b"id:m7 stat:ENROUTE", {}, None),
        (b"stat:DELIVRD", {}, None),
        (b"nonsense", {}, None),
    ],
)
def test_receipts_are_read_from_their_text_or_their_options(text, options, found) -> None:
    assert pdu.receipt_of(pdu.Short("1", "2", text, esm_class=4, options=options)) == found
    assert pdu.receipt_of(pdu.Short("1", "2", text, esm_class=0, options=options)) is None


# ---- The line


def test_a_text_is_taken_and_its_receipt_and_a_reply_come_back() -> None:
    async def work():
        centre = MessageCentre()
        async with bound(centre) as (channel, receipts, replies):
            assert await channel.send(NOTICE) == Handed("m1")
            long = replace(NOTICE, short="凍霜" * 80)
            assert await channel.send(long) == Handed("m4")
            receipt = pdu.Short("421", "City", b"id:m1 stat:DELIVRD err:000", esm_class=4)
            centre.say(pdu.deliver(90, receipt))
            centre.say(pdu.deliver(91, receipt))  # they come twice; who hears of it knows what to do
            centre.say(pdu.deliver(92, pdu.Short("421900123456", "City", b"O\x00K\x1b\x65", source_ton=1)))
            centre.say(pdu.Pdu(pdu.DELIVER, 0, 93, b"junk"))
            centre.say(pdu.Pdu(pdu.ENQUIRE_LINK, 0, 94))
            centre.say(pdu.Pdu(0x00000103, 0, 95))
            answers = [await asyncio.wait_for(centre.answers.get(), 5) for _ in range(6)]
            return centre, receipts, replies, answers

    centre, receipts, replies, answers = run(work())
    first, *rest = centre.taken
    assert first.target == "421900123456"
    assert gsm.decoded(first.text, first.coding) == "Frost tonight\nhttps://c.example/w/x"
    assert [one.receipt for one in rest] == [False, False, True]
    whole = "".join(gsm.decoded(pdu.without_header(one), one.coding) for one in rest)
    assert whole == "凍霜" * 80 + "\nhttps://c.example/w/x"
    assert receipts == [Receipt("m1", True)] * 2
    assert replies == [("+421900123456", "O@K€")]
    assert [(one.sequence, one.status) for one in answers] == [(90, 0), (91, 0), (92, 0), (93, 8), (94, 0), (95, 3)]
    assert centre.heard[-1].command == pdu.UNBIND


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0x58, (False, True)),
        (0x14, (False, True)),
        (0x0B, (True, False)),
        (0x45, (False, False)),
        (0x08, (False, True)),
    ],
)
def test_what_the_centre_refuses_is_everybodys_or_one_numbers(status, outcome) -> None:
    async def work():
        centre = MessageCentre()
        centre.statuses = [status]
        async with bound(centre) as (channel, _, _):
            return await channel.send(NOTICE), await channel.send(NOTICE)

    refused, taken = run(work())
    assert (refused.for_good, refused.everybody) == outcome
    assert isinstance(taken, Handed)


def test_no_more_units_wait_for_an_answer_than_the_window_holds() -> None:
    async def work():
        centre = MessageCentre()
        centre.silent = True
        async with bound(centre, width=3, wait_s=0.3) as (channel, _, _):
            sends = [asyncio.ensure_future(channel.send(NOTICE)) for _ in range(10)]
            await asyncio.sleep(0.1)
            under_way = sum(one.command == pdu.SUBMIT for one in centre.heard)
            for one in sends:
                one.cancel()
            await asyncio.gather(*sends, return_exceptions=True)
            late = await channel.send(NOTICE)
            return under_way, late

    under_way, late = run(work())
    assert under_way == 3
    assert (late.everybody, late.perhaps, late.for_good) == (True, True, False)


def test_a_line_that_breaks_is_bound_again_and_what_was_under_way_has_perhaps_been_taken() -> None:
    async def work():
        centre = MessageCentre()
        centre.silent = True
        async with bound(centre) as (channel, _, _):
            sending = asyncio.ensure_future(channel.send(NOTICE))
            await centre.until(pdu.SUBMIT)
            centre.writer.transport.abort()
            lost = await sending
            centre.silent = False
            found = await channel.send(NOTICE)
            return lost, found, centre.binds

    lost, found, binds = run(work())
    assert (lost.everybody, lost.perhaps) == (True, True)
    assert isinstance(found, Handed)
    assert binds == 2


def test_a_centre_that_does_not_let_us_in_is_asked_again_and_says_why() -> None:
    async def work():
        centre = MessageCentre()
        centre.bind_status = 0x0E
        async with bound(centre, wait=False, wait_s=0.2) as (channel, _, _):
            first = await channel.send(NOTICE)
            centre.bind_status = 0
            await asyncio.wait_for(centre.bound.wait(), 5)
            return first, await channel.send(NOTICE)

    first, second = run(work())
    assert isinstance(first, Failed)
    assert (first.everybody, first.perhaps, "0x0000000e" in first.why) == (True, False, True)
    assert isinstance(second, Handed)


def test_a_quiet_line_is_asked_whether_it_is_there() -> None:
    async def work():
        centre = MessageCentre()
        async with bound(centre, enquire_s=0.02):
            await centre.until(pdu.ENQUIRE_LINK, 2)

    run(work())


@pytest.mark.parametrize("to", [None, "", "abc", "+", "1" * 40, ["+421"], "+421\0900"])
def test_what_is_no_number_fails_for_good(to) -> None:
    async def work():
        centre = MessageCentre()
        async with bound(centre) as (channel, _, _):
            return await channel.send(replace(NOTICE, to=to)), centre.taken

    outcome, taken = run(work())
    assert outcome.for_good
    assert outcome.why.startswith("malformed:")
    assert not taken


@pytest.mark.parametrize(
    ("source", "ton", "who"),
    [
        ("421900123456", 1, "+421900123456"),
        ("00421900123456", 1, "+421900123456"),
        ("0900123456", 2, "0900123456"),
        ("421900123456", 5, None),
        ("T4219012345", 5, None),
        ("T4219012345", 1, None),
        ("Bank", 0, None),
    ],
)
def test_a_reply_is_from_a_number_and_words_are_none_whatever_digits_are_in_them(source, ton, who) -> None:
    replies = []
    channel = Smpp(None, Centre("x", 1, "city"), heard=print, replied=lambda *what: replies.append(what))
    said = pdu.deliver(1, pdu.Short(source, "City", b"OK", source_ton=ton))
    assert channel._delivered(said.body) == pdu.OK
    assert replies == ([] if who is None else [(who, "OK")])
