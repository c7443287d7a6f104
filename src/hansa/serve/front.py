"""The HTTP door: who is it, where does he want to go. Raw ASGI for what is asked often, Starlette for pages."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import structlog

from hansa.errors import BadRequest, Busy, HansaError, TooLarge, Unauthenticated
from hansa.model.change import Change
from hansa.model.entity import Entity
from hansa.platform.http import Headers, Receive, Request, Response, Scope, Send, answer, problem, read_body, split
from hansa.serve import openapi
from hansa.serve.told import health, metrics
from hansa.trust.labels import Sight, unlabelled

if TYPE_CHECKING:
    from hansa.serve.running import Running

log = structlog.get_logger("hansa.front")

Handle = Callable[[Request], Awaitable[Response]]


class Front:
    """The HTTP door: who is it, where does he want to go."""

    def __init__(self, running: "Running") -> None:
        """Route to the parts of a running city."""
        self._running = running
        self._callers = running.callers
        self._body = running.settings.limits.body
        self._url = running.settings.limits.url
        self._pages = running.pages
        self._loopback_page = running.settings.trust_loopback
        self._ngsild = running.ngsild["open"]
        self._description: bytes | None = None
        self._parts: dict[str, Handle] = {
            "collect": running.collect.handle,
            "admin": running.admin.handle,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        path: bytes = scope["raw_path"]
        if path.startswith(b"/ngsi-ld/v1/"):
            await self._answer(scope, receive, send, self._ngsild, path[12:])
            return
        head = path[1:].partition(b"/")[0].partition(b"?")[0]
        name = head.decode("latin-1")
        if name in self._parts:
            await self._answer(scope, receive, send, self._parts[name], path[len(head) + 2 :])
        elif path.startswith(b"/ccc/ngsi-ld/v1/"):
            await self._answer(scope, receive, send, self._running.ngsild["security"], path[16:])
        elif name == "live":
            await self._live(scope, receive, send, "open")
        elif path.startswith(b"/ccc/live"):
            await self._live(scope, receive, send, "security")
        elif name in {"health", "ready", "metrics", "openapi.json"}:
            await answer(send, self._told(name), head=scope["method"] == "HEAD")
        else:
            await self._page(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, handle: Handle, rest: bytes) -> None:
        method: str = scope["method"]
        try:
            query: bytes = scope["query_string"]
            if len(rest) + len(query) > self._url:
                raise TooLarge(f"the address is longer than {self._url:,} bytes")  # noqa: TRY301  # answered below
            headers = scope["headers"]
            client = scope["client"]
            sight = self._callers.sight(client[0] if client else None, headers)
            body = b"" if method in {"GET", "HEAD"} else await read_body(scope, receive, self._body)
            response = await handle(Request(method, split(rest), query, body, Headers(headers), sight))
        except HansaError as fault:
            response = problem(fault)
        except Exception:  # ours; the caller learns that it was not his fault, the log all the rest
            log.exception("a request failed", method=method, path=scope["path"])
            response = problem(HansaError("something went wrong here; the log says more"))
        await answer(send, response, head=method == "HEAD")

    def _told(self, name: str) -> Response:
        running = self._running
        if name == "openapi.json":
            if self._description is None:  # made when it is first asked for: most cities are never asked
                self._description = orjson.dumps(openapi.document(running.desks["open"], running.settings.name))
            return Response(200, self._description)
        said = health(running)
        status = 200 if said["status"] == "ok" and running.ready else 503
        if name == "ready":
            return Response(status, b'{"ready":%b}' % (b"true" if status == 200 else b"false"))
        if name == "metrics":
            return Response(200, metrics(said), b"text/plain; version=0.0.4; charset=utf-8")
        return Response(200, orjson.dumps(said))

    async def _live(self, scope: Scope, receive: Receive, send: Send, realm: str) -> None:
        running = self._running
        headers = Headers(scope["headers"])
        try:
            sight = self._seen(scope)
            params = Request("GET", [], scope["query_string"]).params()
            if unknown := set(params) - {"type", "since"}:
                raise BadRequest(f"/live has no parameter {min(unknown)[:40]}", where="query")
            last = headers.get(b"last-event-id") or params.get("since")
            if last is not None and not (last.isdecimal() and len(last) < 19):
                raise BadRequest("since is a number", where="since")
            live = running.live[realm]
            if live.streams >= running.settings.limits.streams:
                raise Busy("too many pages listen already")
        except HansaError as fault:
            await answer(send, problem(fault))
            return
        kinds = frozenset(params["type"].split(",")) if params.get("type") else None
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")],
            }
        )
        events = live.events(None if last is None else int(last), kinds, _shows(sight, realm))
        telling = asyncio.create_task(_tell(events, send))
        # The server says nothing to a writer whose reader has left: only listening shows it.
        leaving = asyncio.ensure_future(_left(receive))
        await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in (telling, leaving):
            task.cancel()
        await asyncio.gather(telling, leaving, return_exceptions=True)

    def _seen(self, scope: Scope) -> Sight:
        client = scope["client"]
        sight = self._callers.sight(client[0] if client else None, scope["headers"])
        if sight.classes is not None and not sight.classes:
            raise Unauthenticated("who are you?", mend="until people exist, the city's own machine may look")
        return sight

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not scope["path"].startswith("/static/"):
                scope["hansa.sight"] = self._seen(scope)
        except HansaError as fault:
            await answer(send, problem(fault))
            return
        await self._pages(scope, receive, send)


async def _tell(events: AsyncGenerator[bytes, None], send: Send) -> None:
    async with aclosing(events):
        async for block in events:
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _shows(sight: Sight, realm: str) -> Callable[[Change], Change | None]:
    """A Change as a sight may see it."""
    if sight.everything:
        return lambda change: change

    def shows(change: Change) -> Change | None:
        entity = change.entity
        if not sight.sees(entity.label or unlabelled(realm)):
            return None
        labels = entity.stamps.labels if entity.stamps is not None else {}
        hidden = {name for name, label in labels.items() if not sight.sees(label)}
        if not hidden:
            return change
        doc = {name: value for name, value in entity.doc.items() if name not in hidden}
        parts = tuple(part for part in change.parts if part.name not in hidden)
        return replace(change, entity=Entity(doc, entity.stamps, realm, entity.label), parts=parts) if parts else None

    return shows
