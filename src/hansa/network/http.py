"""The egress wall: the only way hansa asks or tells other machines anything over HTTP.

It resolves names itself, lets `wall` judge each address, and connects to the very address that was judged, so that a
name which answers differently the second time (DNS rebinding) gains nothing; Host, SNI and the certificate remain those
of the name. Redirects are followed by hand, each judged again. There is one deadline for a whole request, which also
ends servers that drip; answers are capped; there are no cookies and no proxies from the environment.

Built on httpcore, the connection layer of httpx, because the address must be pinned where the socket is opened.
"""

import asyncio
import re
import socket
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpcore
import httpx

from hansa.errors import BadRequest, SourceFailed
from hansa.limits import DEFAULT, Limits
from hansa.network.wall import Wall, Walled

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From a host name and a port to addresses, best first."""

PER_HOST: Final = 4  # connections to one host: a slow one must not take all sockets
CONNECTIONS: Final = 1_000  # requests under way at once, over all hosts
HOSTS: Final = 256  # hosts to which connections are kept open
IDLE_S: Final = 15.0
REDIRECTS: Final = 3
HEADERS: Final = 32_768  # bytes of an answer's headers; httpcore itself stops at 100 kB
_RESOLVERS: Final = 4

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
    """Connections to one host, and how many requests use them."""

    pool: httpcore.AsyncConnectionPool
    users: int = 0


@dataclass(slots=True)
class _Ask:
    url: httpx.URL
    method: str
    headers: list[tuple[bytes, bytes]]
    body: bytes | None
    limit: int
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
    ) -> None:
        """Open nothing yet."""
        self.wall = Wall(allow)
        self.limits = limits
        # A resolver that hangs holds threads of its own, not those that others wait for.
        self._threads = ThreadPoolExecutor(_RESOLVERS, "resolver") if resolve is None else None
        self._resolve = resolve or self._system
        self._tls = tls
        self._backend = _Judged(self.wall, self._resolve)
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
        hosts = list(self._hosts.values())
        self._hosts.clear()
        for host in hosts:
            await host.pool.aclose()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

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
    ) -> Answer:
        """Send one request; its answer, whatever its status.

        `wait_s` (never more than `limits.egress_s` is wise, and that is the default) bounds all of it: resolving,
        connecting, redirects, the last byte. Raises BadRequest (no such URL or header), Walled, Unreachable,
        Unanswered, Overlong.
        """
        parsed = target(url, self.limits)
        said = [header(name, value) for name, value in (headers or {}).items()]
        if not any(name.lower() == b"user-agent" for name, _ in said):
            said.append((b"User-Agent", b"hansa"))
        asked = _Ask(parsed, method, said, body, self.limits.egress_body if body_max is None else body_max)
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
            if answer.status not in {301, 302, 303, 307, 308} or "location" not in answer.headers:
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
        # A host name that is itself an address is judged before a socket is opened; so are kept connections' names.
        self.wall.literal(url.host)
        if url.scheme == "https" and self._tls is None:
            # Reading every authority of the world takes a third of a second: not in the loop, and once.
            self._tls = await asyncio.to_thread(httpcore.default_ssl_context)
        host = self._host(url)
        host.users += 1
        request = httpcore.Request(
            asked.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=[(b"Host", url.netloc), (b"Accept-Encoding", b"identity"), *asked.headers, *_length(asked)],
            content=asked.body,
        )
        try:
            response = await host.pool.handle_async_request(request)
            try:
                return await _read(response, asked, url)
            finally:
                await response.aclose()
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as fault:
            raise Unreachable(f"{type(fault).__name__}: {fault or 'broken off'}"[:300], where=_where(url)) from fault
        finally:
            host.users -= 1
            await self._spare()

    def _host(self, url: httpx.URL) -> _Host:
        key = _origin(url)
        host = self._hosts.get(key)
        if host is None:
            pool = httpcore.AsyncConnectionPool(
                ssl_context=self._tls,
                max_connections=PER_HOST,
                max_keepalive_connections=PER_HOST,
                keepalive_expiry=IDLE_S,
                network_backend=self._backend,
            )
            host = self._hosts[key] = _Host(pool)
        self._hosts.move_to_end(key)
        return host

    async def _spare(self) -> None:
        """Let go of the connections to the host that was asked longest ago, when there are too many hosts."""
        if len(self._hosts) <= HOSTS:
            return
        for key, host in self._hosts.items():
            if not host.users:
                del self._hosts[key]
                await host.pool.aclose()
                return

    async def _system(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(one[4][0]) for one in found))


class _Judged(httpcore.AsyncNetworkBackend):
    """Opens sockets to addresses that the wall has judged, and to no others."""

    def __init__(self, wall: Wall, resolve: Resolve) -> None:
        self._wall = wall
        self._resolve = resolve
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature; the deadline is around all of it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve once, judge, connect to what was judged."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as fault:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {fault}") from fault
        refused: Walled | None = None
        failed: Exception | None = None
        for address in addresses[:8]:
            try:
                self._wall.check(host, address)
                return await self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)
            except Walled as fault:
                refused = fault
            except httpcore.ConnectError as fault:
                failed = fault
        raise failed or refused or httpcore.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def _read(response: httpcore.Response, asked: _Ask, url: httpx.URL) -> Answer:
    size = sum(len(name) + len(value) for name, value in response.headers)
    if size > HEADERS:
        raise Overlong(f"the answer's headers have {size:,} bytes, more than {HEADERS:,}", where=_where(url))
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Unreachable(
            f"the answer is {headers['content-encoding'][:40]}-encoded, which was not asked for", where=_where(url)
        )
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > asked.limit:
            raise Overlong(f"the answer is longer than {asked.limit:,} bytes", where=_where(url))
    return Answer(response.status, headers, bytes(body), str(url))


def _length(asked: _Ask) -> list[tuple[bytes, bytes]]:
    return [] if asked.body is None else [(b"Content-Length", str(len(asked.body)).encode())]


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _where(url: httpx.URL) -> str:
    """A URL for people: without its query, which may hold a secret."""
    return f"{url.scheme}://{url.netloc.decode('latin-1')}{url.path}"[:256]
