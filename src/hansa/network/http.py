"""The egress wall: the only way hansa asks or tells other machines anything over HTTP.

It resolves names itself, lets `wall` judge each address, and connects to the very address that was judged, so that a
name which answers differently the second time (DNS rebinding) gains nothing; Host, SNI and the certificate remain those
of the name. Redirects are followed by hand, each judged again. There is one deadline for a whole request, which also
ends servers that drip; answers are capped; there are no cookies and no proxies from the environment.

No general client is used, because the address must be pinned where the socket is opened (see `connection`).
"""

import asyncio
import re
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self, TypeVar

import httpx

from hansa.errors import BadRequest, SourceFailed
from hansa.limits import DEFAULT, Limits
from hansa.network.connection import Broken, Connection, Reply, Swollen
from hansa.network.resolving import Resolver
from hansa.network.wall import Wall, Walled

T = TypeVar("T")

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From a host name and a port to addresses, best first."""
Open = Callable[[str, int, ssl.SSLContext | None, str], Awaitable[T]]
"""Opens a connection: to an address and port, with or without TLS, whose certificate is that of a name."""

PER_HOST: Final = 16  # connections to one host: a slow one must not take all sockets, a far one must not be a queue
CONNECTIONS: Final = 1_000  # requests under way at once, over all hosts
HOSTS: Final = 256  # hosts to which connections are kept open
IDLE_S: Final = 4.0  # many servers close after five; a request must not meet that
ADDRESSES: Final = 4  # of one name, tried in turn
CONNECT_S: Final = 2.0  # each
REDIRECTS: Final = 3
HEADERS: Final = 32_768  # bytes of an answer's headers

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FORBIDDEN: Final = frozenset(
    (
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer"),
        *("expect", "proxy-authorization", "proxy-authenticate", "proxy-connection", "accept-encoding"),
    )
)
_TRAVEL: Final = frozenset(("accept", "content-type", "user-agent"))  # all others stay with the first host


class Unreachable(SourceFailed):
    """Another machine could not be reached, or broke off."""

    kind = "https://hansa.city/errors/Unreachable"
    title = "Another system cannot be reached"


class Unanswered(SourceFailed):
    """Another machine did not answer in time."""

    status = 504
    kind = "https://hansa.city/errors/Unanswered"
    title = "Another system did not answer in time"


class Overlong(SourceFailed):
    """Another machine's answer is longer than hansa takes."""

    kind = "https://hansa.city/errors/Overlong"
    title = "Another system's answer is too long"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other machine said. Header names are in lower case; `url` is where it came from in the end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        """Whether it was taken well (2xx)."""
        return 200 <= self.status < 300


@lru_cache(4_096)
def target(url: str, limits: Limits = DEFAULT) -> httpx.URL:
    """The parts of a URL that hansa would ask; BadRequest when it is none: http and https only, no password in it."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError) as fault:
        raise BadRequest(f"{str(url)[:128]!r} is not a URL: {fault}", where=str(url)[:128]) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host or not 0 < (parsed.port or 80) < 65_536:
        raise BadRequest(f"{url[:128]!r} is not an http or https URL", where=url[:128])
    if len(url) > limits.name:
        raise BadRequest(f"a URL of {len(url):,} characters, more than {limits.name:,}", where=url[:128])
    if parsed.userinfo:
        raise BadRequest("a URL with a password in it is not asked", where=_where(parsed), mend="send it in a header")
    return parsed


def header(name: str, value: str) -> tuple[bytes, bytes]:
    """One header of a request; BadRequest when it cannot be one, or is not for a caller to set."""
    if not _TOKEN.match(name):
        raise BadRequest(f"{name[:64]!r} is not the name of a header", where=name[:64])
    if name.lower() in _FORBIDDEN:
        raise BadRequest(f"the header {name[:64]} is set by hansa itself", where=name[:64])
    if any(ch in value for ch in "\r\n\0") or len(value) > HEADERS:
        raise BadRequest(f"the value of {name[:64]} cannot be sent in a header", where=name[:64])
    try:
        return name.encode(), value.strip().encode("latin-1")
    except UnicodeEncodeError:
        raise BadRequest(f"the value of {name[:64]} is not Latin-1", where=name[:64]) from None


@dataclass(slots=True)
class _Host:
    """Connections to one host: how many may be asked at once, and those that rest."""

    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_HOST))
    users: int = 0
    resting: list[Connection] = field(default_factory=list)

    def close(self) -> None:
        while self.resting:
            self.resting.pop().close()


@dataclass(slots=True)
class _Ask:
    url: httpx.URL
    method: str
    headers: list[tuple[bytes, bytes]]
    body: bytes | None
    limit: int
    follow: bool = True
    hops: list[str] = field(default_factory=list)


class Egress:
    """Asks other machines. One for a process; close it with the loop that used it (or `async with`).

    `allow` is the operator's list (see `Wall`), `resolve` stands in for the system's resolver, `tls` for its trust.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        limits: Limits = DEFAULT,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        open_: "Open[Connection]" = Connection.open,
    ) -> None:
        """Open nothing yet; `open_` opens the connections."""
        self.wall = Wall(allow)
        self.limits = limits
        self._resolve: Resolve = resolve or Resolver()
        self._tls = tls
        self._open = open_
        self._hosts: OrderedDict[tuple[str, str, int | None], _Host] = OrderedDict()
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._closed = False

    async def __aenter__(self) -> Self:
        """Nothing to wait for."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        for host in self._hosts.values():
            host.close()
        self._hosts.clear()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn
        if isinstance(self._resolve, Resolver):
            self._resolve.close()

    def check(self, url: str) -> None:
        """Raise what can be said against a URL without asking anybody: BadRequest, or Walled for a literal address."""
        self.wall.literal(target(url, self.limits).host)

    async def ask(
        self,
        url: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        wait_s: float | None = None,
        body_max: int | None = None,
        follow: bool = True,
    ) -> Answer:
        """Send one request; its answer, whatever its status. A redirect is followed, or is the answer (`follow`).

        `wait_s` (never more than `limits.egress_s` is wise, and that is the default) bounds all of it: resolving,
        connecting, redirects, the last byte. Raises BadRequest (no such URL or header), Walled, Unreachable,
        Unanswered, Overlong.
        """
        parsed = target(url, self.limits)
        said = [header(name, value) for name, value in (headers or {}).items()]
        if not any(name.lower() == b"user-agent" for name, _ in said):
            said.append((b"User-Agent", b"hansa"))
        asked = _Ask(parsed, method, said, body, self.limits.egress_body if body_max is None else body_max, follow)
        wait_s = self.limits.egress_s if wait_s is None else wait_s
        if self._closed:
            raise Unreachable("hansa is shutting down", where=_where(parsed))
        try:
            async with asyncio.timeout(wait_s), self._free:
                return await self._follow(asked)
        except TimeoutError:
            raise Unanswered(f"no whole answer within {wait_s:g} s", where=_where(asked.url)) from None

    async def _follow(self, asked: _Ask) -> Answer:
        for _ in range(REDIRECTS + 1):
            answer = await self._once(asked)
            moved = answer.status in {301, 302, 303, 307, 308} and "location" in answer.headers
            if not moved or not asked.follow:
                return answer
            if asked.method != "GET" and answer.status < 307:
                return answer  # what was sent would be lost on the way: the caller must know
            self._redirect(asked, answer.headers["location"])
        raise Unreachable(f"more than {REDIRECTS} redirects: {' > '.join(asked.hops)}"[:500], where=_where(asked.url))

    def _redirect(self, asked: _Ask, location: str) -> None:
        before = asked.url
        try:
            asked.url = target(str(before.join(location)), self.limits)
        except (BadRequest, httpx.InvalidURL, ValueError) as fault:
            raise Unreachable(f"redirected to what cannot be asked: {fault}", where=_where(before)) from None
        if before.scheme == "https" and asked.url.scheme == "http":
            raise Unreachable("redirected from https to http", where=_where(before))
        if _origin(before) != _origin(asked.url):
            asked.headers = [one for one in asked.headers if one[0].lower().decode() in _TRAVEL]
        asked.hops.append(_where(asked.url))

    async def _once(self, asked: _Ask) -> Answer:
        url = asked.url
        host = self._hosts.get(_origin(url))
        if host is None:
            host = self._hosts[_origin(url)] = _Host()
        self._hosts.move_to_end(_origin(url))
        host.users += 1
        try:
            async with host.turn:
                reply = await self._exchange(asked, host)
        except Swollen as fault:
            raise Overlong(str(fault), where=_where(url)) from None
        except (Broken, OSError) as fault:
            raise Unreachable(f"{fault or 'it broke off'}"[:300], where=_where(url)) from fault
        finally:
            host.users -= 1
            self._spare()
        packed = reply.headers.get("content-encoding", "identity")
        if packed.lower() != "identity":
            raise Unreachable(f"the answer is {packed[:40]}-encoded, which was not asked for", where=_where(url))
        return Answer(reply.status, reply.headers, bytes(reply.body), str(url))

    async def _exchange(self, asked: _Ask, host: _Host) -> Reply:
        request = _request(asked)
        while host.resting:
            connection = host.resting.pop()
            if not connection.usable(IDLE_S):
                connection.close()
                continue
            try:
                return await self._through(connection, request, asked, host)
            except Broken as fault:
                # It was closed while it rested. What may have been heard must not be said twice (RFC 9110, 9.2.2).
                if not fault.early or asked.method != "GET":
                    raise
        return await self._through(await self._connect(asked.url), request, asked, host)

    async def _through(self, connection: Connection, request: bytes, asked: _Ask, host: _Host) -> Reply:
        kept = False
        try:
            reply = await connection.exchange(request, HEADERS, asked.limit)
            kept = reply.keep and not self._closed
        finally:
            if kept:
                host.resting.append(connection)
            else:
                connection.close()
        return reply

    async def _connect(self, url: httpx.URL) -> Connection:
        tls = url.scheme == "https"
        port = url.port or (443 if tls else 80)
        return await self.reach(url.host, port, self._open, tls=tls, name=url.raw_host.decode())

    async def reach(self, host: str, port: int, open_: Open[T], *, tls: bool, name: str | None = None) -> T:
        """Resolve a host once, judge its addresses, and open a connection to the first good one.

        `open_(address, port, tls, name)` opens; the certificate must be that of `name` (None: the host's). Raises
        Walled, Unreachable, OSError and TimeoutError.
        """
        trust = await self.trust() if tls else None
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as fault:
            raise Unreachable(f"{host} cannot be resolved: {fault}", where=host) from fault
        refused: Exception | None = None
        failed: Exception | None = None
        for address in addresses[:ADDRESSES]:
            try:
                self.wall.check(host, address)
                async with asyncio.timeout(CONNECT_S):
                    return await open_(address, port, trust, name or host)
            except Walled as fault:
                refused = fault
            except (OSError, TimeoutError) as fault:
                failed = fault
        raise failed or refused or Unreachable(f"{host} has no address", where=host)

    async def trust(self) -> ssl.SSLContext:
        """Whose certificates are believed."""
        if self._tls is None:
            # Reading every authority of the world takes a while: not in the loop, and once.
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        return self._tls

    def _spare(self) -> None:
        """Let go of the connections to the host that was asked longest ago, when there are too many hosts."""
        if len(self._hosts) > HOSTS:
            key = next((key for key, host in self._hosts.items() if not host.users), None)
            if key is not None:
                self._hosts.pop(key).close()


def _request(asked: _Ask) -> bytes:
    url = asked.url
    head = [b"%s %s HTTP/1.1" % (asked.method.encode(), url.raw_path), b"Host: " + url.netloc]
    head += [b"%s: %s" % one for one in asked.headers]
    head.append(b"Accept-Encoding: identity")
    if asked.body is not None:
        head.append(b"Content-Length: %d" % len(asked.body))
    return b"\r\n".join(head) + b"\r\n\r\n" + (asked.body or b"")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _where(url: httpx.URL) -> str:
    """A URL for people: without its query, which may hold a secret."""
    return f"{url.scheme}://{url.netloc.decode('latin-1')}{url.path}"[:256]
