"""One HTTP/1.1 connection as a client: a request out, its answer in, with caps on both halves of it.

Made of asyncio's streams and httptools' parser (llhttp, strict), because a city tells its subscribers thousands of
things a minute and a general client costs several times as much for each. No chunked requests, no HEAD, no upgrades.
"""

import asyncio
import ssl
import time
from typing import Any

import httptools

_CHUNK = 65_536


class Broken(Exception):  # the edge makes an error for people out of it
    """The other side broke off, or does not speak HTTP. `early`: it had not begun to answer."""

    def __init__(self, why: str, *, early: bool = False) -> None:
        """Say why."""
        super().__init__(why)
        self.early = early


class Swollen(Exception):
    """Headers or body beyond their cap."""


class Reply:
    """What has come of an answer; the parser calls it. Of a header said twice, both are kept, joined by a comma."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.headed = False
        self.done = False
        self.keep = False
        self.excess = False
        self.parser: Any = httptools.HttpResponseParser(self)

    def on_message_begin(self) -> None:
        """A status line comes: of this answer, or of one that nobody asked for."""
        if self.done:
            self.excess = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if not self.excess:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        """The head is whole; 1xx is not an answer yet."""
        if self.excess:
            return
        self.status = self.parser.get_status_code()
        if self.status < 200:
            self.headers.clear()
            return
        self.headed = True
        self.keep = self.parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """Take a piece."""
        if not self.excess:
            self.body += data

    def on_message_complete(self) -> None:
        """It is whole."""
        if self.headed:
            self.done = True

    def ends_with_connection(self) -> bool:
        """Whether the end of the connection is the end of the body (RFC 9112, 6.3)."""
        return (
            self.headed
            and self.status not in {204, 304}
            and "content-length" not in self.headers
            and "transfer-encoding" not in self.headers
        )


class Connection:
    """A socket to a machine that has been judged."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take over the streams."""
        self._reader = reader
        self._writer = writer
        self._idle_since = time.monotonic()

    @classmethod
    async def open(cls, address: str, port: int, tls: ssl.SSLContext | None, name: str) -> "Connection":
        """Connect to an address; the certificate must be that of `name`. Raises OSError."""
        name_of = name if tls is not None else None
        return cls(*await asyncio.open_connection(address, port, ssl=tls, server_hostname=name_of, limit=_CHUNK))

    def usable(self, idle_s: float) -> bool:
        """Whether another request can be sent: nothing came unasked, and it did not rest for too long."""
        return (
            not self._reader.at_eof()
            and not self._writer.is_closing()
            and not self._unread()
            and time.monotonic() - self._idle_since < idle_s
        )

    async def exchange(self, request: bytes, head_max: int, body_max: int) -> Reply:
        """Send a request and read its answer whole.

        Raises Broken, Swollen, OSError; after any of these the connection is of no use.
        """
        reply = Reply()
        self._writer.write(request)
        await self._writer.drain()
        came = 0
        while not reply.done:
            data = await self._reader.read(_CHUNK)
            if not data:
                if reply.ends_with_connection():
                    reply.done = True
                    break
                raise Broken("it broke off" if came else "it closed without an answer", early=not came)
            came += len(data)
            try:
                reply.parser.feed_data(data)
            except httptools.HttpParserUpgrade:
                raise Broken("it wants to speak something else") from None
            except httptools.HttpParserError as fault:
                raise Broken(f"it does not speak HTTP: {fault}") from None
            if not reply.headed and came > head_max:
                raise Swollen(f"the answer's headers are longer than {head_max:,} bytes")
            if len(reply.body) > body_max:
                raise Swollen(f"the answer is longer than {body_max:,} bytes")
        if sum(len(name) + len(value) for name, value in reply.headers.items()) > head_max:
            raise Swollen(f"the answer's headers are longer than {head_max:,} bytes")
        reply.keep = reply.keep and not reply.excess and not reply.ends_with_connection()
        self._idle_since = time.monotonic()
        return reply

    def close(self) -> None:
        """Let go of the socket at once."""
        self._writer.transport.abort()

    def _unread(self) -> bool:
        return bool(getattr(self._reader, "_buffer", b""))
