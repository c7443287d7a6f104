"""The door of what people do through apps: `/desk`, and `/ccc/desk` of the security realm.

    GET  /desk                     the apps, and what one can do and ask
    POST /desk/<app>/<act>         {"id": ..., what the act wants}, or {"ids": [...]}: each for itself
    GET  /desk/<app>/<view>        its parameters as the query

An act or view that is public answers anybody, also somebody unknown. A form does for JSON where photographs come along.
Who asks is decided before (`sight`); what he may is for the act's roles, and for policy when it is written.
"""

import asyncio
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

from hansa.analytics.acts import Acts, Visit
from hansa.analytics.doors import Visits, sent, told
from hansa.app import Answer, App, Deed, View
from hansa.errors import BadRequest, HansaError, NotFound, TooLarge, Unauthenticated
from hansa.limits import Limits
from hansa.platform.http import Request, Response, json_response, object_in
from hansa.trust.labels import Sight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_AT_ONCE: Final = 32  # of one request: so many share a commit, and others find room between


class Desk:
    """The door of one realm."""

    def __init__(self, acts: Acts, limits: Limits, visits: Visits | None = None) -> None:
        """`acts` does what it is asked for; `visits` says from where."""
        self.acts = acts
        self.visits = visits or Visits(acts)
        self._limits = limits
        self.doors: dict[str, Callable[[Request], Awaitable[Response]]] = {}
        """What is no app's and answers by itself, by the first word of its path."""

    async def handle(self, request: Request) -> Response:
        """A request below `/desk`."""
        if request.sight.blind and (len(request.path) != 2 or request.path[0] in self.doors):  # an app's
            raise Unauthenticated("who are you?", mend="sign in: /sign-in")
        if (door := self.doors.get(request.path[0])) is not None:
            return await door(request)
        match request.method, request.path:
            case (("GET" | "HEAD"), [""]):
                return json_response({"apps": [self._told(app, request.sight) for app in self.acts.apps.values()]})
            case (("GET" | "HEAD"), [name, view]):
                app, found = self.acts.seen(name, view)
                visit = self.visits.of(request)
                return answered(await self.acts.look(app, found, request.params(), request.sight, visit))
            case "POST", [name, deed]:
                return await self._done(request, name, deed)
        raise NotFound("there is no such place at the desk", where="path", mend="GET /desk lists what there is")

    def most(self, path: str) -> int:
        """Bytes that may be sent to an act: more where photographs come along."""
        _, _, app, name, *_ = (*path.split("/"), "", "")
        found = self.acts.apps.get(app)
        deed = None if found is None else found.deeds.get(name)
        if deed is None:
            return self._limits.body
        return self._limits.body + deed.files * (self._limits.sheet if "sheet" in deed.kinds else self._limits.photo)

    async def _done(self, request: Request, name: str, what: str) -> Response:
        app, deed = self.acts.deed(name, what)
        self.acts.may(deed, request.sight)  # before anything of what he sends is read
        said, files = await sent(request, deed.files, deed.kinds) if deed.files else (object_in(request.body), ())
        visit = self.visits.of(request)
        ident, idents = said.pop("id", ""), said.pop("ids", None)
        if idents is None:
            if not isinstance(ident, str) or len(ident) > self._limits.name:
                raise BadRequest("id is the id of an entity", where="id")
            changes = await self.acts.do(app, deed, ident, said, request.sight, visit, files)
            if deed.public and not request.sight.who.roles:
                # How much came of it may tell him what he is not to know, such as whether an address is known.
                begun = (one.entity.id for one in changes if one.before is None and deed.type in one.entity.types)
                return json_response({"id": ident or next(begun, "")})
            made = list(dict.fromkeys(one.entity.id for one in changes))
            return json_response({"id": ident or next(iter(made), ""), "changes": len(changes), "changed": made})
        if ident:
            raise BadRequest("either id or ids", where="ids")
        if deed.public and not request.sight.who.roles:
            raise BadRequest("one at a time", where="ids", mend="id")
        if files:
            raise BadRequest("files go to one", where="ids")
        return await self._each(app, deed, idents, said, request.sight, visit)

    async def _each(
        self, app: App, deed: Deed, idents: Any, said: dict[str, Any], sight: Sight, visit: Visit
    ) -> Response:
        if not isinstance(idents, list) or not all(isinstance(one, str) and one for one in idents) or not idents:
            raise BadRequest("ids is a list of ids", where="ids")
        if len(idents) > self._limits.acts:
            raise TooLarge(f"{len(idents):,} at once; {self._limits.acts:,} are the most", where="ids")
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(ident: str) -> dict[str, Any]:
            async with room:
                try:
                    changes = await self.acts.do(app, deed, ident, dict(said), sight, visit)
                except HansaError as fault:
                    return {"id": ident, **fault.problem()}
                return {"id": ident, "changes": len(changes)}

        told = await asyncio.gather(*(one(ident) for ident in dict.fromkeys(idents)))
        done = [it for it in told if "changes" in it]
        return json_response({"done": done, "refused": [it for it in told if "changes" not in it]})

    def _told(self, app: App, sight: Sight) -> dict[str, Any]:
        def may(one: Deed | View) -> bool:
            return sight.everything or one.public or not one.roles or bool(one.roles & sight.who.roles)

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
                if may(one)
            ],
            "views": [
                {"name": one.name, "says": _first(one.looks), "roles": sorted(one.roles)}
                for one in app.views.values()
                if may(one)
            ],
        }


def answered(value: Any) -> Response:
    """What a view said, as an answer."""
    return told(value) if isinstance(value, Answer) else json_response(value)


def _first(function: Any) -> str:
    """The first line of what a function says of itself."""
    return cleandoc(function.__doc__ or "").partition("\n")[0]
