"""The door of files: `/media/<incident>`, and `/ccc/media/...` of the security realm.

    POST /media/<incident>?name=photo.jpg&caption=...   the file as body; 201 with its sha256, kind and size
    GET  /media/<incident>/<sha256>                     the file, to be saved

    GET  /photos/<entity>/<sha256>                      a photograph, to be shown: of any entity that lists it

A file is kept first, then the app's act `attach` says in the person's name that the incident has it; when that is
refused, the file goes again. Who may see the incident may have its files, and nobody else.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from hansa.analytics.acts import Acts
from hansa.errors import BadRequest, HansaError, NotFound, Unauthenticated
from hansa.platform.http import Request, Response, json_response
from hansa.platform.media import Media, called, checked, listed
from hansa.platform.ngsild.problems import WrongMethod, problem_response
from hansa.serve.folder import store_key
from hansa.trust.labels import Sight

if TYPE_CHECKING:
    from hansa.serve.running import Running

APP: Final = "incidents"
KIND: Final = "Incident"
_SHOWN: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
_RESIDENT: Final = Sight("public", classes=frozenset({"open"}))
"""What somebody unknown sees while nobody has an account yet: what is for everybody."""
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cache-control", b"private, no-store"),
)


class MediaDoor:
    """The files of one realm's incidents."""

    def __init__(self, running: "Running", realm: str, acts: Acts) -> None:
        """Of a city that runs; `acts` says who attached what."""
        path = running.settings.data / f"media-{realm}.db"
        sealed = store_key(running.settings.data / f"{realm}.db", running.keys) is not None
        self._city = running.cities[realm]
        self._acts = acts
        self._media = Media(self._city, path, running.keys.of(path) if sealed else None, running.settings.limits)
        self._one = asyncio.Lock()
        running.stack.callback(self._media.close)
        acts.keep = lambda ident, file: self._media.keep_photo(ident, file.body, file.kind, file.sha256)

    def body(self, ident: str, digest: str) -> bytes:
        """A file that an entity lists, for the city itself; in a thread. NotFound."""
        if digest not in listed(self._city, ident):
            raise NotFound("there is no such file here", where=digest[:64])
        return self._media.body(ident, digest)

    async def handle(self, request: Request) -> Response:
        """A request below `/media`."""
        if request.sight.blind:
            raise Unauthenticated("who are you?", mend="sign in: /sign-in")
        match request.method, request.path:
            case "POST", [ident] if ident:
                return await self._take(request, ident)
            case (("GET" | "HEAD"), [ident, digest]):
                return await self._hand(request, ident, digest)
            case _, [_] | [_, _]:
                return problem_response(WrongMethod("files are added to an incident, and read", ("GET", "POST")))
        raise NotFound("there is no such place", where="path", mend="/media/<incident>/<sha256>")

    async def photo(self, request: Request) -> Response:
        """A request below `/photos`."""
        if request.method not in {"GET", "HEAD"}:
            return problem_response(WrongMethod("photographs are read", ("GET",)))
        if len(request.path) != 2:  # an entity, a hash
            raise NotFound("there is no such place", where="path", mend="/photos/<entity>/<sha256>")
        ident, digest = request.path
        sight = _RESIDENT if request.sight.blind else request.sight
        one = (await asyncio.to_thread(listed, self._city, ident, sight=sight)).get(digest)
        if one is None or one.get("kind") not in _SHOWN:
            raise NotFound("there is no such photograph", where=digest[:64])
        body = await asyncio.to_thread(self._media.body, ident, digest)
        kept = (b"cache-control", b"private, max-age=300")  # who may see it today may not tomorrow
        return Response(200, body, checked(one["kind"]).encode(), [*_HEADERS[:2], kept])

    async def _take(self, request: Request, ident: str) -> Response:
        said = request.params()
        if extra := set(said) - {"name", "caption"}:
            raise BadRequest(f"a file has no {min(extra)[:40]}", where="query", mend="name, caption")
        app, deed = self._acts.deed(APP, "attach")
        if KIND not in self._city.get(ident, sight=request.sight).types:
            raise NotFound(f"there is no entity {ident[:200]}", where=ident[:200])
        async with self._one:  # one file at a time is in memory twice
            known = await asyncio.to_thread(listed, self._city, ident)
            told = await asyncio.to_thread(self._media.keep, ident, request.body)
            try:
                await self._acts.do(app, deed, ident, {**told, **said}, request.sight)
            except (HansaError, asyncio.CancelledError):
                if told["sha256"] not in known:
                    await asyncio.to_thread(self._media.drop, ident, told["sha256"])
                raise
        return json_response({"id": ident, **told}, 201)

    async def _hand(self, request: Request, ident: str, digest: str) -> Response:
        one = (await asyncio.to_thread(listed, self._city, ident, sight=request.sight)).get(digest)
        if one is None:
            raise NotFound("there is no such file here", where=digest[:64])
        kind = checked(one.get("kind"))
        body = await asyncio.to_thread(self._media.body, ident, digest)
        name = called(str(one.get("name", "")), kind)
        headers = [*_HEADERS, (b"content-disposition", f'attachment; filename="{name}"'.encode())]
        return Response(200, body, kind.encode(), headers)
