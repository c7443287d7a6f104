"""Where warnings of the bench arrive: a push service and a mail server, each in a process of its own.

    python -m bench.warning_sinks push|mail      prints its port, then at end of input what it counted, as JSON

The push service keeps what it is sent and lets another implementation than hansa's decrypt a sample of it; the mail
server is aiosmtpd.
"""

import asyncio
import base64
import json
import sys
from functools import lru_cache
from typing import Any, Final

import http_ece
import httptools
import uvloop
from aiosmtpd.smtp import SMTP
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BROWSERS: Final = 50
SAMPLE: Final = 100
AUTH: Final = bytes(range(16))


def browser(number: int) -> ec.EllipticCurvePrivateKey:
    """The key of a browser, the same in every process."""
    return ec.derive_private_key(number % BROWSERS + 12_345, ec.SECP256R1())


def subscription(number: int, port: int) -> dict[str, Any]:
    """What that browser subscribed with."""
    keys = {"p256dh": _public(number % BROWSERS), "auth": _b64(AUTH)}
    return {"endpoint": f"http://127.0.0.1:{port}/push/{number}", "keys": keys}


class Push(asyncio.Protocol):
    """A push service: 201 for everything."""

    got: dict[str, bytes] = {}  # noqa: RUF012  # of the process
    doubled = 0

    # What a Protocol and httptools' parser call.
    # ruff: noqa: D102
    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url = url.decode()
        self.body = b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        Push.doubled += self.url in Push.got
        Push.got[self.url] = self.body
        self.transport.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


class Mail:
    """What the mail server was given."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.got: set[str] = set()
        self.doubled = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        to = envelope.rcpt_tos[0]
        self.doubled += to in self.got
        self.got.add(to)
        return "250 OK"


async def main(kind: str) -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    mail = Mail()
    make = Push if kind == "push" else lambda: SMTP(mail, hostname="sink.example")
    server = await loop.create_server(make, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    if kind == "push":
        read = sum(_readable(url, body) for url, body in list(Push.got.items())[:SAMPLE])
        said = {"got": len(Push.got), "doubled": Push.doubled, "sample": min(SAMPLE, len(Push.got)), "read": read}
    else:
        said = {"got": len(mail.got), "doubled": mail.doubled}
    print(json.dumps(said), flush=True)


def _readable(url: str, body: bytes) -> bool:
    key = browser(int(url.rpartition("/")[2]))
    plain = http_ece.decrypt(body, private_key=key, auth_secret=AUTH, version="aes128gcm")
    return json.loads(plain)["title"] == "Frost"


@lru_cache
def _public(number: int) -> str:
    return _b64(browser(number).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
