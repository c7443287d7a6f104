"""HTTP as the binding sees it: a request, a response, and nothing of the server.

`handle(Request) -> Response` is what routes are; `serve` fits them to ASGI. Hot routes pay for no framework, and tests
call them without a socket.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import orjson

from hansa.errors import BadRequest, Busy, HansaError, InvalidRequest, TooLarge
from hansa.trust.labels import NOBODY, Sight

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Scope = MutableMapping[str, Any]

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"

_DIGITS: Final = 18  # of a length: longer ones are no number that Python reads, nor a length that anybody sends


class Headers:
    """A request's headers."""

    __slots__ = ("_first", "_pairs")

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """As ASGI hands them: lower-case names."""
        self._pairs = pairs if isinstance(pairs, list) else list(pairs)
        self._first: dict[bytes, bytes] | None = None

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Every pair, as it came."""
        return iter(self._pairs)

    def get(self, name: bytes) -> str | None:
        """The first value of a header, or None."""
        if self._first is None:
            self._first = dict(reversed(self._pairs))
        value = self._first.get(name)
        return None if value is None else value.decode("latin-1")

    def all(self, name: bytes) -> list[str]:
        """Every value of a header."""
        if self.get(name) is None:
            return []
        return [value.decode("latin-1") for key, value in self._pairs if key == name]


@dataclass(slots=True)
class Request:
    """What was asked. `path` is decoded after splitting, so an id may hold an escaped slash."""

    method: str
    path: list[str]
    query: bytes = b""
    body: bytes = b""
    headers: Headers = field(default_factory=lambda: Headers(()))
    sight: Sight = NOBODY

    def params(self) -> dict[str, str]:
        """The query parameters; InvalidRequest when one is said twice or is no UTF-8."""
        if not self.query:
            return {}
        try:
            pairs = parse_qsl(self.query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
        except ValueError as fault:
            raise InvalidRequest(f"the query cannot be read: {fault}", where="query") from None
        said = dict(pairs)
        if len(said) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise InvalidRequest(f"the parameter {twice[:64]!r} is said twice", where=twice[:64])
        return said


@dataclass(slots=True)
class Response:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    kind: bytes = JSON
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def problem(error: HansaError) -> Response:
    """Problem details of an error."""
    headers = [(b"retry-after", str(error.retry_after_s).encode())] if isinstance(error, Busy) else []
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="hansa", Basic realm="hansa"'))
    return Response(error.status, orjson.dumps(error.problem()), PROBLEM, headers)


def json_response(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, orjson.dumps(value))


def split(raw_path: bytes) -> list[str]:
    """The segments of a path, each decoded; BadRequest when one is no UTF-8."""
    path = raw_path.decode("latin-1").strip("/").split("/")
    if "%" not in raw_path.decode("latin-1"):
        return path
    try:
        return [unquote(part, errors="strict") for part in path]
    except UnicodeDecodeError:
        raise BadRequest("the path is no UTF-8", where="path") from None


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The whole body; TooLarge beyond `most`, before it is all here."""
    for key, value in scope["headers"]:
        if key == b"content-length" and value.isdigit() and (len(value) > _DIGITS or int(value) > most):
            said = value[:_DIGITS].decode()
            raise TooLarge(f"{said} bytes; {most:,} are the most", mend="send it in parts, or use hansa import")
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > most:
            raise TooLarge(f"{len(body):,} bytes; {most:,} are the most")
        return body
    parts = [body]
    size = len(body)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("the sender went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise TooLarge(f"more than {most:,} bytes", mend="send it in parts, or use hansa import")
        if not message.get("more_body"):
            return b"".join(parts)


async def answer(send: Send, response: Response, *, head: bool = False) -> None:
    """Send a response."""
    headers = [(b"content-type", response.kind)] if response.body else []
    headers += [(b"content-length", str(len(response.body)).encode()), *response.headers]
    if response.status == 204:
        headers = list(response.headers)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})
