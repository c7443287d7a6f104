"""E-mail through a relay: SMTP (RFC 5321) with PIPELINING, STARTTLS or TLS from the start, AUTH, SMTPUTF8.

A few connections are kept and used one mail after the other; each mail costs two round trips where the relay takes
pipelined commands. A 5xx for one recipient is a bounce for good, a 4xx is tried again, and what ails the relay itself
(no connection, 421, sender or sign-in refused) ails everybody. Held by tests/network/test_channel_mail.py.
"""

import asyncio
import base64
import ssl
import time
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from hansa.errors import HansaError
from hansa.network.channels import mime
from hansa.network.channels.marked import Streams, connect
from hansa.network.channels.said import Failed, Handed, Notice, Outcome
from hansa.network.http import Egress
from hansa.network.wall import Walled

LINE: Final = 4_096  # bytes of a reply's line; RFC 5321 allows 512
LINES: Final = 100  # of one reply
REST_S: Final = 20.0  # a connection that rested longer is opened anew: relays close them without a word
OUT_OF_STEP: Final = 503  # bad sequence of commands (RFC 5321, 4.2.2)
USES: Final = 500  # mails of one connection: some relays count

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail goes, and as whom."""

    host: str
    port: int
    sender: str
    sender_name: str = ""
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)


class Reply(NamedTuple):
    """What the relay answered."""

    code: int
    text: str


class _Said(Exception):  # an answer that ends a conversation; `Smtp.send` makes an outcome of it
    def __init__(self, outcome: Failed) -> None:
        super().__init__(outcome.why)
        self.outcome = outcome


class Smtp:
    """Tells by e-mail. The egress must allow the relay: whoever sets it up names it."""

    def __init__(
        self, through: Egress, relay: Relay, *, width: int = 8, per_s: float = 500.0, wait_s: float = 30.0
    ) -> None:
        """Connect to nobody yet; `width` connections at most, `wait_s` for each answer."""
        self.width, self.per_s = width, per_s
        self.relay = relay
        self._through = through
        self._wait_s = wait_s
        self._resting: list[_Line] = []
        self._lines: set[_Line] = set()

    def endpoint(self, to: object) -> str:
        """One relay takes everything."""
        del to
        return ""

    async def aclose(self) -> None:
        """Say goodbye."""
        for one in list(self._lines):
            one.close()
        self._lines.clear()
        self._resting.clear()
        await asyncio.sleep(0)

    async def send(self, notice: Notice) -> Outcome:
        """Send one mail."""
        try:
            to = mime.address(notice.to)
        except mime.NoAddress as fault:
            return Failed(True, f"malformed: {fault}")
        mail = mime.stuffed(mime.build(notice, to, self.relay.sender, self.relay.sender_name))
        outcome, astray = await self._tried(to, mail, fresh=False)
        if astray:  # which says nothing of the relay: a conversation that was used before may be; begin another
            outcome, _ = await self._tried(to, mail, fresh=True)
        return outcome

    async def _tried(self, to: str, mail: bytes, *, fresh: bool) -> tuple[Outcome, bool]:
        """What came of one mail, and whether the conversation was out of step before anything of it was said."""
        one: _Line | None = None
        keep = False
        try:
            one = await self._line(fresh=fresh)
            async with asyncio.timeout(self._wait_s * 4):  # also where it takes nothing more, and says nothing
                outcome = await one.mail(self.relay.sender, to, mail)
            keep = one.good
        except _Said as said:
            return said.outcome, False
        except Walled as fault:
            return Failed(False, f"refused: {fault.detail}"[:300], everybody=True), False
        except HansaError as fault:
            return Failed(False, fault.detail[:300], everybody=True), False
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as fault:
            why = "the relay does not answer in time" if isinstance(fault, TimeoutError) else _broken(fault)
            return Failed(False, why, everybody=True, perhaps=one is not None and one.told), False
        else:
            return outcome, one.astray
        finally:
            if one is not None:
                if keep and one in self._lines:
                    self._resting.append(one)
                else:
                    self._lines.discard(one)
                    one.close()

    async def _line(self, *, fresh: bool) -> "_Line":
        while self._resting and not fresh:
            one = self._resting.pop()
            if one.usable():
                return one
            self._lines.discard(one)
            one.close()
        relay = self.relay
        tls = relay.security == "tls"
        async with asyncio.timeout(self._wait_s):
            streams = await self._through.reach(relay.host, relay.port, connect, tls=tls)
        one = _Line(streams, relay, self._wait_s)
        self._lines.add(one)
        try:
            await one.greet(await self._through.trust() if relay.security == "starttls" else None)
        except BaseException:
            self._lines.discard(one)
            one.close()
            raise
        return one


class _Line:
    """One conversation with the relay."""

    def __init__(self, streams: Streams, relay: Relay, wait_s: float) -> None:
        self._reader, self._writer = streams
        self._relay = relay
        self._wait_s = wait_s
        self._able: dict[str, str] = {}
        self._uses = 0
        self._last = time.monotonic()
        self.good = True
        self.astray = False
        """Whether the relay and we disagree on where the conversation is, while nothing of the mail was said."""
        self.told = False
        """Whether the mail went out whole, so that it may have been taken without our hearing of it."""

    def usable(self) -> bool:
        """Whether another mail can go this way."""
        return (
            self.good
            and self._uses < USES
            and time.monotonic() - self._last < REST_S
            and not self._reader.at_eof()
            and not self._writer.is_closing()
        )

    def close(self) -> None:
        """Leave."""
        self.good = False
        if not self._writer.is_closing():
            self._writer.write(b"QUIT\r\n")
            self._writer.close()

    async def greet(self, tls: ssl.SSLContext | None) -> None:
        """From the banner to being signed in; raises _Said with what ails everybody."""
        self._must(await self._read(), "does not greet")
        await self._hello()
        if tls is not None:
            if "STARTTLS" not in self._able:
                raise _Said(Failed(False, "the relay offers no STARTTLS", 300.0, everybody=True))
            self._must(await self._ask(b"STARTTLS"), "does not begin TLS")
            # What came before TLS could be anybody's: nothing of it may be read as if it came after.
            if getattr(self._reader, "_buffer", b""):
                raise _Said(Failed(False, "the relay speaks out of turn before TLS", 300.0, everybody=True))
            async with asyncio.timeout(self._wait_s):
                await self._writer.start_tls(tls, server_hostname=self._relay.host)
            await self._hello()
        if self._relay.user:
            await self._sign_in()

    async def _hello(self) -> None:
        name = self._relay.sender.rpartition("@")[2]
        reply = await self._ask(b"EHLO " + name.encode())
        if reply.code >= 500:
            reply = await self._ask(b"HELO " + name.encode())
            self._must(reply, "refuses us")
            self._able = {}
            return
        self._must(reply, "refuses us")
        pairs = (one.partition(" ") for one in reply.text.split("\n")[1:])
        self._able = {word.upper(): rest for word, _, rest in pairs}

    async def _sign_in(self) -> None:
        ways = self._able.get("AUTH", "").upper().split()
        user, password = self._relay.user.encode(), self._relay.password.encode()
        if "PLAIN" in ways or not ways:
            reply = await self._ask(b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password))
        elif "LOGIN" in ways:
            reply = await self._ask(b"AUTH LOGIN")
            if reply.code == 334:
                reply = await self._ask(base64.b64encode(user))
            if reply.code == 334:
                reply = await self._ask(base64.b64encode(password))
        else:
            raise _Said(Failed(False, "the relay offers no way to sign in that we have", 300.0, everybody=True))
        if reply.code != 235:
            raise _Said(Failed(False, f"the relay refuses the sign-in ({reply.code})", 300.0, everybody=True))

    async def mail(self, sender: str, to: str, mail: bytes) -> Outcome:
        """One mail, from MAIL to the answer after its last dot."""
        self.told = False
        self._uses += 1
        more = b""
        if not to.isascii():
            if "SMTPUTF8" not in self._able:
                return Failed(True, "refused: the relay takes no address beyond ASCII (SMTPUTF8)")
            more = b" SMTPUTF8"
        if "8BITMIME" in self._able:
            more += b" BODY=8BITMIME"
        size = self._able.get("SIZE", "")
        if size.isdecimal() and 0 < int(size[:18]) < len(mail):
            return Failed(True, f"refused: the relay takes {size} bytes")
        asked = (b"MAIL FROM:<%b>%b" % (sender.encode(), more), b"RCPT TO:<%b>" % to.encode(), b"DATA")
        replies: list[Reply] = []
        if "PIPELINING" in self._able:
            self._writer.write(b"\r\n".join(asked) + b"\r\n")
            await self._writer.drain()
            replies = [await self._read() for _ in asked]
        else:
            for one in asked:
                replies.append(await self._ask(one))
                if replies[-1].code >= 400:
                    break
        refused = next((i for i, one in enumerate(replies) if one.code // 100 != (3 if i == 2 else 2)), None)
        if refused is not None:
            await self._part(mail_wanted=replies[-1].code == 354)
            self.astray = replies[refused].code == OUT_OF_STEP
            return self._refused(replies[refused], ("sender", "recipient", "mail")[refused])
        self._writer.write(mail)
        self.told = True
        await self._writer.drain()
        reply = await self._read()
        self._last = time.monotonic()
        if reply.code < 400:
            return Handed(reply.text.rpartition("queued as ")[2][:80] if "queued as " in reply.text else "")
        return self._refused(reply, "mail")

    async def _part(self, *, mail_wanted: bool) -> None:
        """End what was begun and refused: a relay that is left in it takes no other MAIL (RFC 5321, 4.1.4)."""
        try:
            if mail_wanted:  # it wants a mail that is for nobody: an empty one
                await self._ask(b".")
            if (await self._ask(b"RSET")).code // 100 != 2:
                self.good = False
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            self.good = False  # why it was refused is known, and stays what is said

    def _refused(self, reply: Reply, what: str) -> Failed:
        why = f"the relay refuses the {what} ({reply.code} {' '.join(reply.text.split())[:120]})"
        if reply.code == 421:
            self.good = False
            return Failed(False, why, everybody=True, perhaps=self.told)
        if reply.code == OUT_OF_STEP or not 400 <= reply.code < 600:  # it is about this conversation, and nobody else
            self.good = False
            return Failed(False, why, perhaps=self.told)
        if what == "sender":
            return Failed(False, why, 60.0 if reply.code >= 500 else None, everybody=True)
        if reply.code >= 500:
            return Failed(True, f"{'bounced' if what == 'recipient' else 'refused'}: {why}")
        return Failed(False, why, perhaps=self.told)  # relays are known to deliver what they put off

    def _must(self, reply: Reply, what: str) -> None:
        if not 200 <= reply.code < 300:
            wait_s = 60.0 if reply.code >= 500 else None
            raise _Said(Failed(False, f"the relay {what} ({reply.code})", wait_s, everybody=True))

    async def _ask(self, words: bytes) -> Reply:
        self._writer.write(words + b"\r\n")
        await self._writer.drain()
        return await self._read()

    async def _read(self) -> Reply:
        """One reply, perhaps of several lines; ValueError when it is none."""
        lines: list[str] = []
        async with asyncio.timeout(self._wait_s):
            for _ in range(LINES):
                raw = await self._reader.readuntil(b"\n")
                if len(raw) > LINE or len(raw) < 5 or not raw[:3].isdigit() or raw[3:4] not in b" -\r\n":
                    raise ValueError("what it says is no SMTP")
                lines.append(raw[4:].decode("utf-8", "replace").strip())
                if raw[3:4] != b"-":
                    return Reply(int(raw[:3]), "\n".join(lines))
        raise ValueError("its answer does not end")


def _broken(fault: Exception) -> str:
    if isinstance(fault, asyncio.IncompleteReadError | ConnectionError):
        return "the relay cannot be reached or broke off"
    return f"the relay cannot be spoken to: {fault}"[:200]
