"""HTTP as the binding sees it: a request, a response, and nothing of the server.

`handle(Request) -> Response` is what routes are; `serve` fits them to ASGI. Hot routes pay for no framework, and tests
call them without a socket.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import orjson

from hansa.errors import BadRequest, Busy, HansaError, InvalidRequest, TooLarge
from hansa.model.wire import json_in
from hansa.trust.labels import NOBODY, Sight

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Scope = MutableMapping[str, Any]

Pairs = tuple[tuple[bytes, bytes], ...]
"""Headers that are made once."""

GUARDED: Final = "hansa.visitor"
"""Where a scope bears the `Visitor` that asks (`trust.rates`), when something limits him."""
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
    client: str = ""
    """The address at the other end, as far as it is known."""

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
    file: Path | None = None
    """A file of the city's own, sent in parts (`streaming`); then there is no body."""


def object_in(body: bytes) -> dict[str, Any]:
    """The members of a JSON object; an empty body has none. Raises what `json_in` raises, and BadRequest."""
    said = json_in(body) if body else {}
    if not isinstance(said, dict):
        raise BadRequest("the body is a JSON object", where="body")
    return said


def problem(error: HansaError) -> Response:
    """Problem details of an error."""
    headers = []
    if (wait_s := getattr(error, "retry_after_s", None)) is not None:  # Busy, TooMany, and what apps say like them
        headers.append((b"retry-after", str(wait_s).encode()))
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="hansa", Basic realm="hansa"'))
    said = error.problem()
    try:
        body = orjson.dumps(said)
    except TypeError:  # it repeats what somebody said: halves of characters, which JSON can write and no text has
        body = json.dumps(said, default=str).encode()
    return Response(error.status, body, PROBLEM, headers)


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


class Bodies:
    """What is held of bodies that are on their way, all together: each has its cap, and many senders have many."""

    __slots__ = ("_most", "held")

    def __init__(self, most: int) -> None:
        """`most` bytes at once."""
        self._most = most
        self.held = 0

    def take(self, size: int) -> None:
        """Hold more; Busy when there is no room."""
        if self.held + size > self._most:
            raise Busy("too many bodies are on their way", mend="try again in a second")
        self.held += size


async def read_body(scope: Scope, receive: Receive, most: int, bodies: Bodies | None = None) -> bytes:
    """The whole body; TooLarge beyond `most`, before it is all here. Busy when `bodies` holds no more."""
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
    parts: list[bytes] = []
    bodies = bodies or Bodies(most)
    held = size = 0
    try:
        while True:
            parts.append(body)
            size += len(body)
            if size > most:
                raise TooLarge(f"more than {most:,} bytes", mend="send it in parts, or use hansa import")
            bodies.take(len(body))
            held = size
            if not message.get("more_body"):
                return b"".join(parts)
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("the sender went away")
            body = message.get("body", b"")
    finally:
        bodies.held -= held


async def answer(send: Send, response: Response, *, head: bool = False, more: Pairs = ()) -> None:
    """Send a response, with `more` headers, which win over its own."""
    own = response.headers
    if own and more:
        won = {name for name, _ in more}
        own = [one for one in own if one[0] not in won]
    headers = [(b"content-type", response.kind)] if response.body else []
    headers += [(b"content-length", str(len(response.body)).encode()), *own, *more]
    if response.status == 204:
        headers = [*own, *more]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})
