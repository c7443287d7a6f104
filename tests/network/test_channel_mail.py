"""E-mail: a real mail server takes it and Python's own parser reads it back; relays that refuse, drop and hang."""

import asyncio
import ssl
from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest
from aiosmtpd.smtp import AuthResult
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_sinks import Mailbox, mail_server
from hansa.limits import Limits
from hansa.network.channels import mime
from hansa.network.channels.marked import egress
from hansa.network.channels.said import Failed, Handed, Notice
from hansa.network.channels.smtp import Relay, Smtp
from mosquitto import certificate

NOTICE = Notice(
    *("urn:ngsi-ld:Delivery:1", "ana@example.org", "Mráz — 凍霜", "Frost", "Cover the trees.\n.hidden dot\n\nSecond."),
    link="https://city.example/w/abc",
    leave="https://city.example/w/leave",
    thread="urn:ngsi-ld:Warning:1",
    confirm="Tap here",
    at=1_790_000_000_000_000,
)


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


async def mailed(port, *notices, tls=None, wait_s=5.0, **relay):
    wall = egress(("127.0.0.0/8",), Limits(), tls=tls)
    said = {"security": "none"} | relay
    channel = Smtp(wall, Relay("127.0.0.1", port, "warnings@city.example", "Horná Ves", **said), wait_s=wait_s)
    try:
        return [await channel.send(one) for one in notices]
    finally:
        await channel.aclose()
        await wall.aclose()


def test_a_mail_arrives_whole_and_says_who_what_and_how_to_leave() -> None:
    box = Mailbox()

    async def work():
        async with mail_server(box) as port:
            return await mailed(port, NOTICE, replace(NOTICE, again=True))

    assert run(work()) == [Handed("77"), Handed("77")]
    sender, to, mail = box.mails[0]
    assert (sender, to) == ("warnings@city.example", "ana@example.org")
    assert (mail["Subject"], mail["From"]) == ("Mráz — 凍霜", "Horná Ves <warnings@city.example>")
    assert mail["List-Unsubscribe"] == "<https://city.example/w/leave>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(mail["Date"]).timestamp() == 1_790_000_000
    plain, rich = mail.iter_parts()
    assert plain.get_content().replace("\r\n", "\n") == mime.text(NOTICE)
    assert "\n.hidden dot\n" in plain.get_content().replace("\r\n", "\n")
    assert 'href="https://city.example/w/abc"' in rich.get_content()
    again = box.mails[1][2]
    assert (again["Message-ID"], again["In-Reply-To"]) == (mail["Message-ID"], mail["References"])
    assert mail["In-Reply-To"] is None


@settings(max_examples=50, deadline=None)
@given(*[st.text(max_size=400)] * 4)
def test_no_text_can_smuggle_a_header_or_a_second_mail(title, body, name, link) -> None:
    from email import message_from_bytes, policy

    # Hypothesis knows surrogates, JSON from the store does not bear them.
    title, body, name, link = (one.encode(errors="ignore").decode() for one in (title, body, name, link))
    raw = mime.build(
        replace(NOTICE, title=title, body=body, link=link, leave=link or "x"), "a@b.example", "c@d.example", name
    )
    head, _, _ = raw.partition(b"\r\n\r\n")
    assert {one.partition(b":")[0] for one in head.split(b"\r\n") if one[:1] != b" "} <= {
        *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"References", b"Auto-Submitted", b"Importance"),
        *(b"Content-Language", b"List-Unsubscribe", b"List-Unsubscribe-Post", b"MIME-Version", b"Content-Type"),
    }
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    stuffed = mime.stuffed(raw)
    assert stuffed.count(b"\r\n.\r\n") == 1
    assert stuffed.endswith(b"\r\n.\r\n")
    mail = message_from_bytes(raw, policy=policy.SMTP)
    assert len(list(mail.iter_parts())) == 2
    assert not mail.defects


@pytest.mark.parametrize(
    "said",
    [
        *("", "a", "a@", "@b", "a b@c", "a@b\r\nRCPT TO:<x@y>", "a@b>\n", "a@b c", '"a"@b', "a@[127.0.0.1]"),
        *("a..b@c", "a@-b", "a@b..c", 7, None, "a@" + "b" * 300, "a\0@b", "<a@b>"),
    ],
)
def test_what_is_no_address_is_never_sent(said) -> None:
    with pytest.raises(mime.NoAddress):
        mime.address(said)


def test_an_address_with_an_odd_domain_goes_in_ascii_and_an_odd_name_needs_smtputf8() -> None:
    assert mime.address("ana@Bücher.example") == "ana@xn--bcher-kva.example"
    box = Mailbox()

    async def work():
        async with mail_server(box) as port:
            return await mailed(port, replace(NOTICE, to="žofia@example.org"))

    assert isinstance(run(work())[0], Handed)
    assert box.mails[0][1] == "žofia@example.org"


def test_a_mailbox_that_is_gone_bounces_for_good_and_one_that_is_full_waits_and_the_others_get_theirs() -> None:
    box = Mailbox()
    box.refuse = {"gone@example.org": "550 5.1.1 no such user", "full@example.org": "452 4.2.2 full"}

    async def work():
        async with mail_server(box) as port:
            return await mailed(port, *(replace(NOTICE, to=f"{one}@example.org") for one in ("gone", "full", "ana")))

    gone, full, ana = run(work())
    assert (gone.for_good, full.for_good, full.everybody) == (True, False, False)
    assert gone.why.startswith("bounced:")
    assert isinstance(ana, Handed)
    assert len(box.mails) == 1


def test_a_relay_that_refuses_what_it_read_is_believed() -> None:
    box = Mailbox()

    async def work(after):
        box.after = after
        async with mail_server(box) as port:
            return (await mailed(port, NOTICE))[0]

    assert run(work("554 5.7.1 spam")).for_good
    assert run(work("451 4.3.0 later")) == Failed(False, "the relay refuses the mail (451 4.3.0 later)", perhaps=True)


def test_it_signs_in_under_starttls_alone_and_a_wrong_password_ails_everybody(tmp_path) -> None:
    cert, key = certificate(tmp_path)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(cert, key)
    ours = ssl.create_default_context(cafile=cert)
    box = Mailbox()

    def who(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=data.password == b"right", handled=False)

    async def work(password, tls=ours):
        async with mail_server(box, tls_context=theirs, authenticator=who, auth_required=True) as port:
            given = {"security": "starttls", "user": "city", "password": password}
            return (await mailed(port, NOTICE, tls=tls, **given))[0]

    assert isinstance(run(work("right")), Handed)
    wrong = run(work("wrong"))
    assert (wrong.everybody, wrong.for_good) == (True, False)
    assert "sign-in" in wrong.why
    assert run(work("right", ssl.create_default_context())).everybody  # a certificate of nobody we know
    assert len(box.mails) == 1


def test_a_relay_without_starttls_is_sent_nothing() -> None:
    box = Mailbox()

    async def work():
        async with mail_server(box) as port:
            return (await mailed(port, NOTICE, security="starttls"))[0]

    assert "STARTTLS" in run(work()).why
    assert not box.mails


class Raw:
    """A relay that says exactly these things, each after a line that begins so."""

    def __init__(self, *says, banner=b"220 x\r\n", drop=b"\0", after=b"250 ok\r\n") -> None:
        self.able, self.banner, self.drop, self.after = says, banner, drop, after
        self.read: list[bytes] = []
        self.mails = 0

    async def connected(self, reader, writer) -> None:
        try:
            writer.write(self.banner)
            while data := await reader.readline():
                self.read.append(data.strip())
                if data.startswith(self.drop):
                    writer.transport.abort()
                    return
                if data.startswith(b"EHLO"):
                    lines = [b"x", *self.able]
                    writer.write(
                        b"".join(
                            b"250%b%b\r\n" % (b" " if i == len(lines) else b"-", one) for i, one in enumerate(lines, 1)
                        )
                    )
                elif data.startswith(b"DATA"):
                    writer.write(b"354 go\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    self.mails += 1
                    if self.after == b"":
                        writer.transport.abort()
                        return
                    writer.write(self.after)
                else:
                    writer.write(b"250 ok\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def through(relay, *notices, **options):
    server = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    try:
        return await mailed(server.sockets[0].getsockname()[1], *notices, **options)
    finally:
        server.close()


def test_with_pipelining_a_mail_takes_two_round_trips_on_one_connection() -> None:
    relay = Raw(b"PIPELINING", b"8BITMIME")
    assert all(isinstance(one, Handed) for one in run(through(relay, *[NOTICE] * 20)))
    assert relay.mails == 20
    assert sum(one.startswith(b"EHLO") for one in relay.read) == 1


@pytest.mark.parametrize(
    ("relay", "perhaps"),
    [
        (Raw(b"PIPELINING", after=b""), True),  # took it, and did not say so
        (Raw(drop=b"RCPT"), False),
        (Raw(banner=b"421 busy\r\n"), False),
        (Raw(banner=b"nonsense\r\n"), False),
        (Raw(banner=b"220-" + b"x" * 5_000 + b"\r\n"), False),
        (Raw(banner=b""), False),  # says nothing at all
        (Raw(b"PIPELINING", after=b"421 4.0 bye\r\n"), True),
    ],
)  # fmt: skip
def test_what_ails_the_relay_ails_everybody_and_a_lost_answer_may_have_been_a_yes(relay, perhaps) -> None:
    (outcome,) = run(through(relay, NOTICE, wait_s=0.3))
    assert (outcome.everybody, outcome.for_good, outcome.perhaps) == (True, False, perhaps)


def test_a_text_of_a_megabyte_is_cut_and_one_beyond_the_relays_size_is_refused() -> None:
    assert len(mime.build(replace(NOTICE, body="x" * 1_000_000), "a@b.example", "c@d.example", "")) < 200_000
    (outcome,) = run(through(Raw(b"PIPELINING", b"SIZE 1000"), NOTICE))
    assert outcome.for_good


class Transacting:
    """A relay that holds to the order of commands as Postfix does: what was begun ends with a mail or RSET."""

    def __init__(self, *able, stuck=0) -> None:
        self.able, self.stuck = able, stuck
        self.connections = 0

    async def connected(self, reader, writer) -> None:
        self.connections += 1
        begun, takers, mails = False, 0, 0
        writer.write(b"220 x\r\n")
        while data := (await reader.readline()).strip().upper():
            said = b"250 ok"
            if data.startswith(b"EHLO"):
                lines = [b"x", *self.able]
                said = b"\r\n".join(
                    b"250%b%b" % (b" " if i == len(lines) else b"-", one) for i, one in enumerate(lines, 1)
                )
                begun = False
            elif data.startswith(b"MAIL"):
                if begun or (self.stuck >= self.connections and mails):
                    said = b"503 5.5.1 nested MAIL command"
                begun, takers = True, -9 if said[:3] == b"503" else 0
            elif data.startswith(b"RCPT"):
                takers += b"GONE" not in data
                said = b"550 5.1.1 user unknown" if b"GONE" in data else said
            elif data == b"DATA" and takers <= 0:
                said = b"554 5.5.1 no valid recipients"
            elif data == b"DATA":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                begun, mails = False, mails + 1
            elif data == b"RSET":
                begun = False
            elif data == b"QUIT":
                break
            writer.write(said + b"\r\n")
        writer.close()


@pytest.mark.parametrize("able", [(b"PIPELINING", b"8BITMIME"), (b"8BITMIME",)])
def test_a_mailbox_that_is_gone_does_not_make_the_relay_refuse_the_next_mail(able) -> None:
    relay = Transacting(*able)
    notices = [replace(NOTICE, to=f"{who}@x.example") for who in ("a", "gone", "b", "gone", "gone", "c")]
    outcomes = run(through(relay, *notices))
    assert [isinstance(one, Handed) for one in outcomes] == [True, False, True, False, False, True]
    assert all(one.for_good and not one.everybody for one in outcomes if isinstance(one, Failed))
    assert relay.connections == 1


def test_a_conversation_out_of_step_is_left_for_another_and_is_no_relay_that_is_down() -> None:
    relay = Transacting(b"PIPELINING", stuck=1)
    assert all(isinstance(one, Handed) for one in run(through(relay, NOTICE, NOTICE, NOTICE)))
    assert relay.connections == 2

    class Never(Transacting):
        async def connected(self, reader, writer) -> None:
            self.connections += 1
            writer.write(b"220 x\r\n")
            while data := await reader.readline():
                writer.write(b"503 bad sequence\r\n" if data[:4] in {b"MAIL", b"RCPT", b"DATA"} else b"250 x\r\n")
            writer.close()

    never = Never()
    (outcome,) = run(through(never, NOTICE))
    assert isinstance(outcome, Failed)
    assert not outcome.everybody
    assert not outcome.for_good
    assert never.connections == 2
