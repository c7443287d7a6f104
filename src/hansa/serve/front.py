"""The HTTP door: who is it, where does he want to go. Raw ASGI for what is asked often, Starlette for pages."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson
import structlog

from hansa.centres.catalogue import LANGUAGES
from hansa.centres.public import HEADS
from hansa.errors import BadRequest, Busy, Forbidden, HansaError, TooLarge, Unauthenticated
from hansa.model.change import LABEL, Change
from hansa.model.entity import MEMBERS, Entity
from hansa.platform.audit_reads import settled
from hansa.platform.http import (
    GUARDED,
    Bodies,
    Headers,
    Pairs,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    answer,
    problem,
    read_body,
    split,
)
from hansa.platform.ngsild.problems import WrongMethod, problem_response
from hansa.platform.streaming import stream
from hansa.serve import openapi
from hansa.serve.shield import SIGN_IN
from hansa.serve.told import briefly, health, metrics
from hansa.trust.actors import UNKNOWN
from hansa.trust.breakglass import is_widened
from hansa.trust.labels import AUDITED, NOBODY, Sight, unlabelled
from hansa.trust.tokens import within

if TYPE_CHECKING:
    from hansa.serve.running import Running
    from hansa.trust.rates import Visitor

log = structlog.get_logger("hansa.front")

_PAGES: Final = (b"/audit", b"/data", b"/map", b"/solutions")
"""Pages below which there are doors."""
_RESERVED: Final = frozenset({"ngsi-ld", "ccc", "live", "oidc", "account", "static", "health", "ready", "metrics"})
_OWN: Final = ("/admin/", "/audit/", "/access/v1/policies")
"""Doors that a token with a scope opens only when that says so."""
_PURPOSE: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z|\Z")

Handle = Callable[[Request], Awaitable[Response]]

_READ = ("GET", "HEAD")


class Front:
    """The HTTP door: who is it, where does he want to go."""

    def __init__(self, running: "Running") -> None:
        """Route to the parts of a running city."""
        self._running = running
        self._callers = running.callers
        self._body = running.settings.limits.body
        self._picture = running.settings.limits.picture
        self._media = running.settings.limits.media
        self.bodies = Bodies(running.settings.limits.bodies)
        # Whoever is unknown may fill his part, and nobody else's.
        self._strangers = Bodies(running.settings.limits.bodies // 4)
        self._url = running.settings.limits.url
        self._shield = running.shield
        self._cors = bool(running.shield.cors)
        self._pages = running.pages
        self._loopback_page = running.settings.trust_loopback
        self._ngsild = running.ngsild["open"]
        self._description: bytes | None = None
        self._collect: Handle = running.collect.handle
        self._parts: dict[str, Handle] = {
            "collect": self._collect,
            "admin": running.admin.handle,
            "token": running.token.handle,
            "audit": running.audits.door.handle,
            "access": running.access.handle,
            ".well-known": running.access.well_known,
            "desk": running.acting.desks["open"].handle,
            "map": running.maps["open"].handle,
            "media": running.acting.media["open"].handle,
            "photos": running.acting.media["open"].photo,
            "sms": running.couriers.handle,
            "votes": running.votes.handle,
        }
        for head in running.acting.doors.heads:
            if head in self._parts or head in _RESERVED:
                raise HansaError(f"an app wants /{head}, which is taken")
            self._parts[head] = running.acting.doors.handler(head)
        for head in HEADS:  # an app's door may take what is posted to a link that the site shows
            self._parts[head] = _shown_by(running.site.door(head), self._parts.get(head))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        path: bytes = scope["raw_path"]
        if path.startswith(b"/ngsi-ld/v1/"):
            if self._cors:
                more = self._shield.origin(scope)
                if asked := self._shield.preflight(scope):
                    await answer(send, asked, more=more)
                    return
                send = _adding(send, more)
            await self._answer(scope, receive, send, self._ngsild, path[12:])
            return
        head = path[1:].partition(b"/")[0].partition(b"?")[0]
        name = head.decode("latin-1")
        if name in SIGN_IN and (refusal := self._shield.sign_in(scope)):
            await answer(send, refusal, more=self._shield.headers(scope, NOBODY))
        elif path.startswith(b"/map/live"):
            await self._live(scope, receive, send, "open")
        elif name in self._parts and path not in _PAGES:  # what lies below them is a door
            await self._answer(scope, receive, send, self._parts[name], path[len(head) + 2 :])
        elif name == "oidc":
            await self._answer(scope, receive, send, self._oidc(scope), path[len(head) + 2 :])
        elif name == "account":
            await self._answer(scope, receive, send, self._account(scope), path[len(head) + 2 :])
        elif name == "live":
            await self._live(scope, receive, send, "open")
        elif name == "ccc":
            await self._command_centre(scope, receive, send, path[5:])
        elif name in {"health", "ready", "metrics", "openapi.json"}:
            more = self._shield.headers(scope, NOBODY)
            read = scope["method"] in _READ
            told = await self._told(name, scope) if read else problem_response(WrongMethod(f"/{name} is read", _READ))
            await answer(send, told, head=scope["method"] == "HEAD", more=more)
        else:
            await self._page(scope, receive, send)

    async def _command_centre(self, scope: Scope, receive: Receive, send: Send, rest: bytes) -> None:
        """A request of the security realm: the same doors, and its pages."""
        if rest.startswith(b"ngsi-ld/v1/"):
            await self._answer(scope, receive, send, self._running.ngsild["security"], rest[11:])
        elif rest.partition(b"/")[0] == b"desk":
            await self._answer(scope, receive, send, self._running.acting.desks["security"].handle, rest[5:])
        elif rest.startswith(b"media/"):
            await self._answer(scope, receive, send, self._running.acting.media["security"].handle, rest[6:])
        elif rest.startswith((b"live", b"map/live")):
            await self._live(scope, receive, send, "security")
        elif rest.startswith(b"map/"):
            await self._answer(scope, receive, send, self._running.maps["security"].handle, rest[4:])
        else:
            await self._page(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, handle: Handle, rest: bytes) -> None:
        method: str = scope["method"]
        sight = NOBODY
        visitor: Visitor | None = scope.get(GUARDED)
        try:
            query: bytes = scope["query_string"]
            if len(rest) + len(query) > self._url:
                raise TooLarge(f"the address is longer than {self._url:,} bytes")  # noqa: TRY301  # answered below
            headers = scope["headers"]
            client = scope["client"]
            sight = self._callers.sight(client[0] if client else None, headers, method)
            if not sight.everything:
                sight = await self._weighed(scope, sight)
            if visitor is not None:
                self._shield.charge(visitor, sight, device=handle is self._collect)
            most = self._most(method, scope)
            known = sight.who is not UNKNOWN or handle is self._collect
            bodies = self.bodies if known else self._strangers
            body = b"" if method in {"GET", "HEAD"} else await read_body(scope, receive, most, bodies)
            response = await handle(
                Request(method, split(rest), query, body, Headers(headers), sight, client[0] if client else "")
            )
            if sight.rights is not None:
                await self._noted(scope, sight)
        except HansaError as fault:
            response = problem(fault)
        except Exception:  # ours; the caller learns that it was not his fault, the log all the rest
            log.exception("a request failed", method=method, path=scope["path"])
            response = problem(HansaError("something went wrong here; the log says more"))
        if visitor is not None and response.status == 401:
            self._shield.unknown(visitor)
        if response.status == 403 and sight.who is not UNKNOWN:
            self._running.audits.refused(_realm(scope), sight.who, f"{method} {scope['path']}", response.body)
        more = self._shield.headers(scope, sight)
        if response.file is None:
            await answer(send, response, head=method == "HEAD", more=more)
        else:
            await stream(send, Headers(scope["headers"]), response, head=method == "HEAD", more=more)

    def _most(self, method: str, scope: Scope) -> int:
        """Bytes of one body: files may be larger than what is said, and come as such, or in a form with parts."""
        path: str = scope["path"]
        if path.endswith("/map/pictures"):
            return self._picture
        if path.startswith(("/media/", "/ccc/media/")):
            return self._media
        if not any(name == b"content-type" and value[:10].lower() == b"multipart/" for name, value in scope["headers"]):
            return self._body
        head = path.split("/", 2)[1]
        if head in LANGUAGES and path.endswith("/report"):  # a form with photographs
            return self._running.acting.desks["open"].most("/desk/requests/report")
        if head == "desk":
            return self._running.acting.desks["open"].most(path)
        return self._running.acting.doors.most(method, path) if head in self._running.acting.doors.heads else self._body

    async def _weighed(self, scope: Scope, sight: Sight) -> Sight:
        """What somebody sees of the realm that he asks about, for the purpose that he names."""
        running, path = self._running, scope["path"]
        if path.startswith(_OWN) and not within(sight.who.scope, "administer"):
            raise Forbidden("the token is not for this", mend="a scope with administer, or sign in")
        if sight.who.kind == "public" and not running.town.people.known:
            return sight  # until there are people, nobody is a resident either
        purpose = next((value for name, value in scope["headers"] if name == b"hansa-purpose"), b"")
        if not _PURPOSE.match(purpose):
            raise BadRequest("that is no purpose", where="Hansa-Purpose", mend="letters, digits, . _ and -")
        realm = _realm(scope)
        seen = running.rights.of(sight, realm, purpose.decode())
        if is_widened(seen.who):
            asked = f"{path}?{query}" if (query := scope["query_string"].decode("latin-1")) else path
            await running.rights.glass.asked_for(seen.who, scope["method"], asked)
        return seen

    def _before(self, scope: Scope, sight: Sight) -> Callable[[], Awaitable[None]]:
        """What is to be done before a part of a stream leaves."""

        async def nothing() -> None:
            """The system itself looks."""

        return nothing if sight.rights is None else lambda: self._noted(scope, sight)

    async def _noted(self, scope: Scope, sight: Sight) -> None:
        """Before an answer leaves: what it shows of personal and security information is written down."""
        await settled(self._running.audits.reads[_realm(scope)], sight.who, f"{scope['method']} {scope['path'][:200]}")

    def _account(self, scope: Scope) -> Handle:
        """The door of accounts, which asks also from where somebody comes."""
        return lambda request: self._running.town.handle(request, scope["client"], scope["scheme"])

    def _oidc(self, scope: Scope) -> Handle:
        """The door of OpenID providers, which notes from where somebody comes."""
        client = scope["client"]
        return lambda request: self._running.openid.handle(request, client[0] if client else "")

    async def _told(self, name: str, scope: Scope) -> Response:
        running = self._running
        if name == "openapi.json":
            if self._description is None:  # made when it is first asked for: most cities are never asked
                self._description = orjson.dumps(openapi.document(running.desks["open"], running.settings.name))
            return Response(200, self._description)
        said = health(running)
        client = scope["client"]
        sight = self._callers.sight(client[0] if client else None, scope["headers"])
        known = sight.everything or running.rights.of(sight).may("administer", "smart")
        status = 200 if said["status"] == "ok" and running.ready else 503
        if name == "ready":
            return Response(status, b'{"ready":%b}' % (b"true" if status == 200 else b"false"))
        if name == "metrics":
            if not known:  # how much happens in the security realm is nobody's business
                return problem(Unauthenticated("who are you?", mend="a token of a service with the role engineer"))
            return Response(200, metrics(said), b"text/plain; version=0.0.4; charset=utf-8")
        return Response(200, orjson.dumps(said if known else briefly(said)))

    async def _live(self, scope: Scope, receive: Receive, send: Send, realm: str) -> None:
        running = self._running
        send = self._shield.wrapped(scope, send)
        try:
            sight = await self._seen(scope)
            request = Request("GET", [], scope["query_string"], headers=Headers(scope["headers"]), sight=sight)
            if scope["path"].endswith("/map/live"):
                events = running.maps[realm].events(request, _shows(sight, realm))
            else:
                events = self._heard(request, realm)
        except HansaError as fault:
            refusal = problem(fault)
            refusal.headers.append((b"cache-control", b"no-store"))
            await answer(send, refusal)
            return
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")],
            }
        )
        telling = asyncio.create_task(_tell(events, send, self._before(scope, sight)))
        # The server says nothing to a writer whose reader has left: only listening shows it.
        leaving = asyncio.ensure_future(_left(receive))
        gone = running.town.people.gone(sight.who)
        await asyncio.wait({telling, leaving, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (telling, leaving):
            task.cancel()
        await asyncio.gather(telling, leaving, return_exceptions=True)
        if gone.done():
            await send({"type": "http.response.body", "body": b""})

    def _heard(self, request: Request, realm: str) -> AsyncGenerator[bytes, None]:
        """The events of a page that listens to Changes."""
        params = request.params()
        if unknown := set(params) - {"type", "since"}:
            raise BadRequest(f"/live has no parameter {min(unknown)[:40]}", where="query")
        last = request.headers.get(b"last-event-id") or params.get("since")
        if last is not None and not (last.isdecimal() and len(last) < 19):
            raise BadRequest("since is a number", where="since")
        live = self._running.live[realm]
        if live.streams >= self._running.settings.limits.streams:
            raise Busy("too many pages listen already")
        kinds = frozenset(params["type"].split(",")) if params.get("type") else None
        sight = request.sight
        since = None if last is None else int(last)
        return live.events(since, kinds, _shows(sight, realm), placed=sight.everything, sees=sight)

    async def _seen(self, scope: Scope) -> Sight:
        client = scope["client"]
        sight = self._callers.sight(client[0] if client else None, scope["headers"])
        if not sight.everything:
            sight = await self._weighed(scope, sight)
        if sight.blind:
            raise Unauthenticated("who are you?", mend="sign in: /sign-in")
        return sight

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        send = self._shield.wrapped(scope, send)
        visitor: Visitor | None = scope.get(GUARDED)
        try:
            if not scope["path"].startswith("/static/"):
                scope["hansa.sight"] = sight = await self._seen(scope)
                if visitor is not None:
                    self._shield.charge(visitor, sight)
                if sight.who.kind == "public" and (led := self._to_site(scope)) is not None:
                    await answer(send, led)
                    return
        except Unauthenticated as fault:
            if not _way_in(scope["path"]):
                await answer(send, self._to_site(scope) or _to_sign_in(scope) or problem(fault))
                return
            scope["hansa.sight"] = NOBODY
        except HansaError as fault:
            await answer(send, problem(fault))
            return
        await self._pages(scope, receive, send)

    def _to_site(self, scope: Scope) -> Response | None:
        """The way of a stranger's browser from `/` to the public side, in its language; None for whatever else asks."""
        said = dict(reversed(scope["headers"]))
        if scope["path"] != "/" or scope["method"] != "GET" or b"text/html" not in said.get(b"accept", b""):
            return None
        where = self._running.site.start(said.get(b"accept-language", b"").decode("latin-1"))
        return Response(303, headers=[(b"location", where.encode()), (b"cache-control", b"no-store")])


def _shown_by(site: Handle, app: Handle | None) -> Handle:
    """The site where something is read, an app's door for the rest; the site alone where no app has one."""
    if app is None:
        return site

    async def handle(request: Request) -> Response:
        return await (site if request.method in _READ else app)(request)

    return handle


def _realm(scope: Scope) -> str:
    """Of which realm a request asks."""
    return "security" if scope["path"].startswith("/ccc") else "open"


def _way_in(path: str) -> bool:
    """Whether a page is for those who are not signed in yet."""
    return path == "/sign-in" or path.startswith("/enrol/")


def _to_sign_in(scope: Scope) -> Response | None:
    """The way to sign in and back, for somebody who opens a page in a browser; None for whatever else asks."""
    accepts = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    if scope["method"] != "GET" or b"text/html" not in accepts:
        return None
    query: bytes = scope["query_string"]
    where = quote(scope["raw_path"] + (b"?" + query if query else b""), safe="/")
    return Response(303, headers=[(b"location", f"/sign-in?next={where}".encode()), (b"cache-control", b"no-store")])


def _adding(send: Send, more: Pairs) -> Send:
    """`send`, with more headers."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *more]
        await send(message)

    return sent


async def _tell(events: AsyncGenerator[bytes, None], send: Send, before: Callable[[], Awaitable[None]]) -> None:
    async with aclosing(events):
        async for block in events:
            await before()
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _shows(sight: Sight, realm: str) -> Callable[[Change], Change | None]:
    """A Change as a sight may see it, as things stand when it happens."""
    if sight.everything:
        return lambda change: change

    def shows(change: Change) -> Change | None:
        entity = change.entity
        own = entity.label or unlabelled(realm)
        if not sight.hears(own) or not (sight.covers("read", entity.types) and sight.covers("subscribe", entity.types)):
            return None
        labels = entity.stamps.labels if entity.stamps is not None else {}
        hidden = {name for name, label in labels.items() if not sight.hears(label)}
        if entity.stamps is None:  # nobody knows what its attributes were labelled: what cannot be judged is hidden
            hidden = entity.doc.keys() - MEMBERS
        parts = tuple(part for part in change.parts if part.name not in hidden and part.name != LABEL)
        if not parts and not change.gone:
            return None
        if sight.rights is not None:
            for label in {own, *(label for name, label in labels.items() if name not in hidden)}:
                if label.partition(";")[0] in AUDITED:
                    sight.rights.saw(entity.id, label)
        if not hidden:
            return change if len(parts) == len(change.parts) else replace(change, parts=parts)
        doc = {name: value for name, value in entity.doc.items() if name not in hidden}
        return replace(change, entity=Entity(doc, entity.stamps, realm, entity.label), parts=parts)

    return shows
