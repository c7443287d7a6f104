"""The door of what people do through apps: `/desk`, and `/ccc/desk` of the security realm.

    GET  /desk                     the apps, and what one can do and ask
    POST /desk/<app>/<act>         {"id": ..., what the act wants}, or {"ids": [...]}: each for itself
    GET  /desk/<app>/<view>        its parameters as the query

Who asks is decided before (`sight`); what he may is for the act's roles, and for policy when it is written.
"""

import asyncio
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

from hansa.analytics.acts import Acts
from hansa.app import Answer, App, Deed
from hansa.errors import BadRequest, HansaError, NotFound, TooLarge, Unauthenticated
from hansa.limits import Limits
from hansa.platform.http import Request, Response, json_response, object_in
from hansa.trust.labels import Sight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_AT_ONCE: Final = 32  # of one request: so many share a commit, and others find room between


class Desk:
    """The door of one realm."""

    def __init__(self, acts: Acts, limits: Limits) -> None:
        """`acts` does what it is asked for."""
        self._acts = acts
        self._limits = limits
        self.doors: dict[str, Callable[[Request], Awaitable[Response]]] = {}
        """What is no app's and answers by itself, by the first word of its path."""

    async def handle(self, request: Request) -> Response:
        """A request below `/desk`."""
        if request.sight.blind:
            raise Unauthenticated("who are you?", mend="sign in: /sign-in")
        if (door := self.doors.get(request.path[0])) is not None:
            return await door(request)
        match request.method, request.path:
            case (("GET" | "HEAD"), [""]):
                return json_response({"apps": [self._told(app, request.sight) for app in self._acts.apps.values()]})
            case (("GET" | "HEAD"), [name, view]):
                app, found = self._acts.seen(name, view)
                return answered(await self._acts.look(app, found, request.params(), request.sight))
            case "POST", [name, deed]:
                return await self._done(request, name, deed)
        raise NotFound("there is no such place at the desk", where="path", mend="GET /desk lists what there is")

    async def _done(self, request: Request, name: str, what: str) -> Response:
        app, deed = self._acts.deed(name, what)
        said = object_in(request.body)
        ident, idents = said.pop("id", ""), said.pop("ids", None)
        if idents is None:
            if not isinstance(ident, str) or len(ident) > self._limits.name:
                raise BadRequest("id is the id of an entity", where="id")
            changes = await self._acts.do(app, deed, ident, said, request.sight)
            made = list(dict.fromkeys(one.entity.id for one in changes))
            return json_response({"id": ident or next(iter(made), ""), "changes": len(changes), "changed": made})
        if ident:
            raise BadRequest("either id or ids", where="ids")
        return await self._each(app, deed, idents, said, request.sight)

    async def _each(self, app: App, deed: Deed, idents: Any, said: dict[str, Any], sight: Sight) -> Response:
        if not isinstance(idents, list) or not all(isinstance(one, str) and one for one in idents) or not idents:
            raise BadRequest("ids is a list of ids", where="ids")
        if len(idents) > self._limits.acts:
            raise TooLarge(f"{len(idents):,} at once; {self._limits.acts:,} are the most", where="ids")
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(ident: str) -> dict[str, Any]:
            async with room:
                try:
                    return {"id": ident, "changes": len(await self._acts.do(app, deed, ident, dict(said), sight))}
                except HansaError as fault:
                    return {"id": ident, **fault.problem()}

        told = await asyncio.gather(*(one(ident) for ident in dict.fromkeys(idents)))
        done = [it for it in told if "changes" in it]
        return json_response({"done": done, "refused": [it for it in told if "changes" not in it]})

    def _told(self, app: App, sight: Sight) -> dict[str, Any]:
        def may(roles: frozenset[str]) -> bool:
            return sight.everything or not roles or bool(roles & sight.who.roles)

        return {
            "app": app.name,
            "report": app.report,
            "acts": [
                {
                    "name": one.name,
                    "type": one.type,
                    "says": _first(one.does),
                    "roles": sorted(one.roles),
                    "new": one.new,
                }
                for one in app.deeds.values()
                if may(one.roles)
            ],
            "views": [
                {"name": one.name, "says": _first(one.looks), "roles": sorted(one.roles)}
                for one in app.views.values()
                if may(one.roles)
            ],
        }


def answered(value: Any) -> Response:
    """What a view said, as an answer."""
    if not isinstance(value, Answer):
        return json_response(value)
    headers = [(b"content-security-policy", b"default-src 'none'; sandbox")]
    if value.name:
        name = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "-" for char in value.name)
        headers.append((b"content-disposition", f'attachment; filename="{name[:120]}"'.encode()))
    return Response(200, value.body, value.kind.encode("latin-1"), headers)


def _first(function: Any) -> str:
    """The first line of what a function says of itself."""
    return cleandoc(function.__doc__ or "").partition("\n")[0]
