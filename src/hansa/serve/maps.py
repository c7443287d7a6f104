"""What maps ask for: points, as they are or were, and what moves; of each realm by itself."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from hansa.analytics.link import environment
from hansa.analytics.rewind_sight import Asked as Then
from hansa.centres.web import Look
from hansa.errors import BadRequest, Busy, NotFound, Unauthenticated
from hansa.model.change import LABEL, Change, Part
from hansa.model.entity import Entity
from hansa.network.moves import Asked as Listens
from hansa.network.moves import Moves, News
from hansa.platform.http import Request, Response, json_response
from hansa.platform.ngsild.problems import WrongMethod, problem_response
from hansa.platform.pictures import Pictures
from hansa.platform.places import Asked, Places, kinds_of, then
from hansa.platform.pmtiles import PMTiles
from hansa.serve.folder import store_key
from hansa.settings import Settings
from hansa.trust.labels import Sight, unlabelled

if TYPE_CHECKING:
    from hansa.serve.running import Running

Handle = Callable[[Request], Awaitable[Response]]
_READ = ("GET", "HEAD")
_DEAR = frozenset({"points", "shapes"})
"""What costs a second of a core is for those who are known: strangers have the city's first page."""
_ANY = Part("type", None, "updated", None, None)
_LINES = b"application/x-ndjson"
_KEPT = (b"cache-control", b"private, max-age=86400")
_PRIVATE = (b"cache-control", b"private, max-age=3600")


class Maps:
    """The doors of one realm below `/map/` (security: `/ccc/map/`)."""

    def __init__(self, running: "Running", realm: str) -> None:
        """Of a city that runs."""
        limits = running.settings.limits
        self._city = running.cities[realm]
        self._running = running
        self._realm = realm
        self._most = limits.points
        self._places = Places(self._city, limits)
        self._streams = limits.streams
        self.moves = Moves(running.clock, limits)
        self._doors: dict[str, Handle] = {"points": self._points, "shapes": self._shapes}
        self._doors |= {"tiles": self._tile, "pictures": self._picture}
        path = running.settings.data / f"pictures-{realm}.db"
        sealed = store_key(running.settings.data / f"{realm}.db", running.keys) is not None
        key = running.keys.of(path) if sealed else None
        self._pictures = Pictures(self._city, path, key, limits, environment())
        running.stack.callback(self._pictures.close)

    async def handle(self, request: Request) -> Response:
        """One request. Raises NotFound, BadRequest, Unauthenticated ..., as other doors do."""
        door = self._doors.get(request.path[0])
        if door is None:
            raise NotFound(f"there is no /map/{'/'.join(request.path)[:80]}", mend=f"one of {', '.join(self._doors)}")
        if request.sight.blind or (request.path[0] in _DEAR and request.sight.who.kind == "public"):
            raise Unauthenticated("who are you?", mend="sign in: /sign-in")
        try:
            return await door(request)
        except WrongMethod as fault:
            return problem_response(fault)

    async def _points(self, request: Request) -> Response:
        asked, sight = Asked.parse(_read(request)), request.sight
        if asked.at is not None:
            return await self._then(asked, asked.at, sight)
        body = await self.moves.in_turn(lambda: b"\n".join(self._places.blocks(asked, sight)))
        return Response(200, body, _LINES, [(b"cache-control", b"no-store")])

    async def _then(self, asked: Asked, at: int, sight: Sight) -> Response:
        """The points of a time gone by, as the city's past tells it to this sight."""
        past = self._running.rewinds.pasts[self._realm]
        said = Then(self._running.clock.now(), at, types=frozenset(asked.types), most=self._most)
        picture = await past.ask("picture", said, sight)
        body = await self.moves.in_turn(lambda: b"\n".join(then(asked, picture)))
        return Response(200, body, _LINES, [(b"cache-control", b"no-store")])

    async def _shapes(self, request: Request) -> Response:
        kinds, sight = kinds_of(_read(request)), request.sight
        body = await self.moves.in_turn(lambda: self._places.shapes(kinds, sight))
        return Response(200, body, b"application/geo+json", [(b"cache-control", b"no-store")])

    async def _tile(self, request: Request) -> Response:
        """A tile of the base map that the city was given as a file."""
        _read(request)
        base = self._running.base
        if base is None:
            raise NotFound("this city has no base map of its own", mend='tiles = "file.pmtiles" under [city]')
        z, x, y = _address(request.path[1:])
        body = await asyncio.to_thread(base.tile, z, x, y)
        if body is None:
            return Response(204, headers=[_KEPT])
        packed = [(b"content-encoding", b"gzip")] if base.gzipped else []
        return Response(200, body, base.media, [_KEPT, *packed])

    async def _picture(self, request: Request) -> Response:
        """Pictures from above: the list, one that comes, a tile."""
        sight = request.sight
        if len(request.path) > 1:
            _read(request)
            z, x, y = _address(request.path[2:])
            body = await asyncio.to_thread(self._pictures.tile, request.path[1], z, x, y, sight)
            return Response(204) if body is None else Response(200, body, b"image/webp", [_PRIVATE])
        if request.method in _READ:
            found = await asyncio.to_thread(self._pictures.shown, sight)
            mount = b"/ccc" if self._realm == "security" else b""
            for one in found:
                one["tiles"] = f"{mount.decode()}/map/pictures/{quote(one['id'], safe=':')}/{{z}}/{{x}}/{{y}}"
            return json_response(found)
        if request.method != "POST":
            raise WrongMethod("/map/pictures is read, and added to", (*_READ, "POST"))
        ident = await self._pictures.add(request.params(), request.body, sight)
        return Response(201, orjson.dumps({"id": ident}), headers=[(b"location", f"/entities/{ident}".encode())])

    def events(self, request: Request, shows: Callable[[Change], Change | None]) -> AsyncGenerator[bytes, None]:
        """The events of a map that listens. Raises BadRequest, and Busy when too many do."""
        asked, sight = Asked.parse(request.params()), request.sight
        if sight.who.kind == "public":
            raise Unauthenticated("who are you?", mend="sign in: /sign-in")
        if asked.at is not None:
            raise BadRequest("what is gone by does not move", where="at", mend="/map/points")
        if self.moves.streams >= self._streams:
            raise Busy("too many maps listen already")
        return self.moves.events(
            Listens(
                kinds=frozenset(asked.types),
                show=asked.show,
                news=news(sight, self._realm, shows),
                epoch=lambda: sight.epoch,
                picture=lambda: self._places.events(asked, sight),
                group=lambda: self._city.reader.alike(sight),
            )
        )


def news(sight: Sight, realm: str, shows: Callable[[Change], Change | None]) -> News:
    """What a map that is open is told by a Change; `shows` is the Change as the sight may see it.

    What is relabelled may be hidden from now on: then it is taken from the maps of those who saw it, and nobody else
    hears that there is such a thing.
    """

    def told(change: Change) -> tuple[Entity | None] | None:
        mark = next((part for part in change.parts if part.name == LABEL), None)
        if mark is None or change.new or change.gone:
            shown = shows(change)
            return None if shown is None else (None if shown.gone else shown.entity,)
        shown = shows(replace(change, parts=(*change.parts, _ANY)))
        if shown is not None:
            return (shown.entity,)
        was = (mark.old or {}).get("label") or unlabelled(realm)
        return (None,) if sight.hears(was) and sight.covers("read", change.entity.types) else None

    return told


def _address(said: Sequence[str]) -> tuple[int, int, int]:
    """z, x and y of a tile's path; NotFound when they are none."""
    if len(said) != 3 or not all(one.isascii() and one.isdecimal() and len(one) < 9 for one in said):
        raise NotFound("there is no such tile", mend="/{z}/{x}/{y}")
    z, x, y = (int(one) for one in said)
    return z, x, y


def _read(request: Request) -> dict[str, str]:
    """The parameters of what is only read; WrongMethod for anything else."""
    if request.method not in _READ:
        raise WrongMethod(f"/map/{request.path[0]} is read", _READ)
    return request.params()


def base_map(settings: Settings) -> PMTiles | None:
    """The base map that is given as a file in the city's folder; None where it is an address, or none."""
    if not settings.tiles.endswith(".pmtiles") or "://" in settings.tiles:
        return None
    return PMTiles(settings.data / settings.tiles)


def look_of(settings: Settings, base: PMTiles | None) -> Look:
    """How the pages look, as the settings have it."""
    look = Look(city=settings.name, zone=settings.timezone, location=settings.location, screens=settings.screens)
    if base is None:
        return replace(look, tiles=settings.tiles or None)
    zooms = (base.minzoom, base.maxzoom)
    address = "/map/tiles/{z}/{x}/{y}"
    return replace(look, tiles=address, tiles_kind=base.kind, tiles_credit=base.credit, tiles_zooms=zooms)
