"""What the tests of the MQTT door share: a city that records, a clock by hand, a client of raw packets."""

import asyncio
import contextlib
import os
import shutil
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from hansa.network.mqtt import Caps, Command, Endpoint, Reason, Refusal
from hansa.network.mqtt.codec import decode, encode
from hansa.network.mqtt.framer import Framer
from hansa.network.mqtt.packets import ConnAck, Connect, Packet

WAIT_S = 10.0  # how long a test waits for what must come; nothing sleeps


def missing(what: str) -> None:
    """Skip with the reason, or fail where everything must be there."""
    if os.environ.get("HANSA_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is missing and HANSA_REQUIRE_ALL=1")
    pytest.skip(f"{what} is not installed")


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        missing(name)
    return str(path)


@dataclass(eq=False)
class FakePeer:
    device: str


@dataclass
class FakeDoors:
    """Devices `d1` to `d9` with the password `secret`; the rest is recorded."""

    answer: Callable[[FakePeer, str, bytes], int | None] = lambda _peer, _topic, _payload: 0
    messages: list[tuple[str, str, bytes, str | None]] = field(default_factory=list)
    undecided: list[Callable[[int], None]] = field(default_factory=list)
    pending: dict[str, list[Command]] = field(default_factory=dict)
    done: list[tuple[str, str, int]] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)
    asked: list[tuple[str, str | None, bytes | None, str]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def connect(self, client_id, username, password, address):
        self.asked.append((client_id, username, password, address))
        if username is None or not username.startswith("d") or password != b"secret":
            return Refusal(Reason.BAD_USER_NAME_OR_PASSWORD, "unknown device or wrong secret")
        return FakePeer(username)

    def publish(self, peer, topic, payload, content_type, done):
        with self.changed:
            self.messages.append((peer.device, topic, payload, content_type))
            code = self.answer(peer, topic, payload)
            if code is None:
                self.undecided.append(done)
            self.changed.notify_all()
        return code

    def disconnected(self, peer, reason):
        with self.changed:
            self.gone.append((peer.device, reason))
            self.changed.notify_all()

    def commands(self, peer):
        return list(self.pending.get(peer.device, ()))

    def command_done(self, peer, command_id, code):
        with self.changed:
            self.done.append((peer.device, command_id, code))
            kept = [one for one in self.pending.get(peer.device, ()) if one.id != command_id]
            self.pending[peer.device] = kept
            self.changed.notify_all()

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait, in another thread than the endpoint's, until the city has seen something."""
        with self.changed:
            assert self.changed.wait_for(condition, WAIT_S)


class Clock:
    """Seconds, turned by hand."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def __call__(self) -> float:
        return self.at_s


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something holds."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110  (the endpoint tells its city, not its tests)
            await asyncio.sleep(0)


class RawClient:
    """A client that says exactly what a test wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int) -> None:
        self.reader, self.writer, self.version = reader, writer, version
        self.framer = Framer(1 << 28)

    @classmethod
    async def open(cls, port: int, version: int = 4, tls: ssl.SSLContext | None = None) -> "RawClient":
        host = "localhost" if tls else "127.0.0.1"
        return cls(*await asyncio.open_connection(host, port, ssl=tls), version)

    @classmethod
    async def connect(cls, port: int, device: str = "d1", *, version: int = 4, client_id: str | None = None,
                      tls: ssl.SSLContext | None = None, **connect) -> tuple["RawClient", ConnAck]:  # fmt: skip
        client = await cls.open(port, version, tls)
        name = device if client_id is None else client_id
        client.say(Connect(name, version, username=device, password=b"secret", **connect))
        acknowledged = await client.hear()
        assert isinstance(acknowledged, ConnAck)
        return client, acknowledged

    def say(self, *packets: Packet | bytes) -> None:
        """Everything in one write."""
        self.writer.write(b"".join(one if isinstance(one, bytes) else encode(one, self.version) for one in packets))

    async def hear(self) -> Packet | None:
        """The next packet; None when the server has closed."""
        async with asyncio.timeout(WAIT_S):
            while True:
                frame = self.framer.next()
                if frame is not None:
                    return decode(*frame, self.version)
                try:
                    data = await self.reader.read(65_536)
                except ConnectionError:
                    return None
                if not data:
                    return None
                self.framer.feed(data)

    async def hear_end(self) -> None:
        assert await self.hear() is None

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def door(
    doors: FakeDoors, caps: Caps | None = None, clock: Clock | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Endpoint, int]]:
    """An endpoint on a free port of this machine, in the running loop."""
    endpoint = Endpoint(doors, caps, now=clock) if clock else Endpoint(doors, caps)
    _, port = await endpoint.listen("localhost" if tls else "127.0.0.1", 0, tls)
    try:
        yield endpoint, port
    finally:
        await endpoint.close()


@contextlib.contextmanager
def running(doors: FakeDoors, caps: Caps | None = None) -> Iterator[tuple[Endpoint, int, asyncio.AbstractEventLoop]]:
    """The same in a thread of its own, for clients that block."""
    started: list = []
    ready, stop = threading.Event(), []

    async def serve() -> None:
        async with door(doors, caps) as (endpoint, port):
            over = asyncio.Event()
            stop.append(over)
            started.extend((endpoint, port, asyncio.get_running_loop()))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(WAIT_S)
    try:
        yield tuple(started)
    finally:
        started[2].call_soon_threadsafe(stop[0].set)
        thread.join(WAIT_S)
        assert not thread.is_alive()
