"""The other ends of channels, for tests: browsers that decrypt, a mail server, a message centre; on loopback."""

import asyncio
import base64
import itertools
import os
from contextlib import asynccontextmanager
from email import message_from_bytes, policy

import http_ece
import orjson
from aiosmtpd.smtp import SMTP
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hansa.network.channels import pdu


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Browser:
    """A subscriber of web push: only it can read what it is sent."""

    def __init__(self, endpoint: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.endpoint = endpoint

    @property
    def subscription(self) -> dict:
        public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": self.endpoint, "keys": {"p256dh": b64(public), "auth": b64(self.auth)}}

    def read(self, body: bytes) -> dict:
        """By another implementation than ours."""
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return orjson.loads(plain)


class Mailbox:
    """A mail server: what it takes, and what it says to whom."""

    def __init__(self) -> None:
        self.mails: list = []
        self.refuse: dict[str, str] = {}
        self.after = "250 OK queued as 77"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.after.startswith("2"):
            mail = message_from_bytes(envelope.content, policy=policy.SMTP)
            self.mails.append((envelope.mail_from, envelope.rcpt_tos[0], mail))
        return self.after


@asynccontextmanager
async def mail_server(box: Mailbox, **options):
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, hostname="sink.example", enable_SMTPUTF8=True, **options), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class MessageCentre:
    """An SMPP centre: keeps what is submitted, answers as told, says what a test wants it to say."""

    def __init__(self) -> None:
        self.taken: list[pdu.Short] = []
        self.statuses: list[int] = []
        self.bind_status = 0
        self.silent = False
        self.heard: list[pdu.Pdu] = []
        self.bound = asyncio.Event()
        self._more = asyncio.Event()
        self.writer: asyncio.StreamWriter | None = None
        self.binds = 0
        self._ids = itertools.count(1)
        self.answers: asyncio.Queue[pdu.Pdu] = asyncio.Queue()

    async def connected(self, reader, writer) -> None:
        framer = pdu.Framer()
        self.writer = writer
        try:
            while data := await reader.read(65_536):
                for one in framer.feed(data):
                    self._take(one, writer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.bound.clear()
            writer.close()

    async def until(self, command: int, many: int = 1) -> None:
        """Wait until it was told so often."""
        while sum(one.command == command for one in self.heard) < many:
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), 5)

    def _take(self, one, writer) -> None:
        self.heard.append(one)
        self._more.set()
        if one.command & pdu.RESPONSE:
            self.answers.put_nowait(one)
            return
        if self.silent and one.command == pdu.SUBMIT:
            return
        status, body = 0, b""
        if one.command == pdu.BIND_TRANSCEIVER:
            status, body = self.bind_status, b"centre\0"
            self.binds += 1
            if not status:
                self.bound.set()
        elif one.command == pdu.SUBMIT:
            status = self.statuses.pop(0) if self.statuses else 0
            if not status:
                self.taken.append(pdu.short(one.body))
                body = b"m%d\0" % next(self._ids)
        writer.write(pdu.Pdu(one.command | pdu.RESPONSE, status, one.sequence, body).raw())

    def say(self, one: pdu.Pdu) -> None:
        assert self.writer is not None
        self.writer.write(one.raw())


@asynccontextmanager
async def centre_server(centre: MessageCentre, port: int = 0):
    tasks = set()

    async def connected(reader, writer):
        tasks.add(asyncio.current_task())
        try:
            await centre.connected(reader, writer)
        finally:
            tasks.discard(asyncio.current_task())

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
