"""Pictures from above, of cameras and drones, as tiles of a map: kept beside a realm's store, each with an entity.

What a picture is of, when, and who may see it, a `MapPicture` entity says, under the realm's policy; the tiles lie in a
file of their own (`pictures-<realm>.db`, sealed where the realm is), and are handed out to whoever may read the entity.
Tiles of pictures whose entity is gone go with the next picture that comes.

    GET  /map/pictures                                  those that the asker may see
    POST /map/pictures?name=...&corners=lon,lat;...      a PNG, JPEG, WebP or TIFF; corners as `cutting` has them
    GET  /map/pictures/<id>/<z>/<x>/<y>                 a tile
"""

import asyncio
import json
import math
import secrets
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import apsw

from hansa import clock
from hansa.errors import BadRequest, Busy, Forbidden, HansaError, NotFound
from hansa.limits import Limits
from hansa.model.change import Refused, Write
from hansa.model.entity import Entity, entity
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.sqlite import sealed
from hansa.trust.labels import Sight, unlabelled

KIND: Final = "MapPicture"
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS tile (picture TEXT NOT NULL, z INTEGER NOT NULL, x INTEGER NOT NULL, "
    "y INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (picture, z, x, y)) WITHOUT ROWID"
)
_LISTED: Final = 200
_HEAD: Final = 100_000

Corner = tuple[float, float]


class Pictures:
    """The pictures of one realm. Lives in the event loop; the file is asked in threads."""

    def __init__(
        self, city: City, path: Path, key: bytes | None, limits: Limits, environment: Mapping[str, str]
    ) -> None:
        """Of the entities of `city`; the file at `path` is begun with the first picture.

        `environment` is what the process that cuts may know of ours.
        """
        self._city = city
        self._path = path
        self._key = key
        self._limits = limits
        self._environment = environment
        self._lock = threading.Lock()
        self._cutting = asyncio.Lock()
        self._db: apsw.Connection | None = None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _there(self) -> apsw.Connection | None:
        return self._open() if self._db is not None or self._path.exists() else None

    def _open(self) -> apsw.Connection:
        db = self._db
        if db is None:
            self._path.touch(mode=0o600)
            db = sealed.connect(self._path, self._key, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
            db.pragma("journal_mode", "wal")
            db.pragma("synchronous", "normal")
            db.execute(_TABLE)
            self._db = db
        return db

    # Reading

    def shown(self, sight: Sight) -> list[dict[str, Any]]:
        """Those that a sight may see, the newest first."""
        found = self._city.reader.find("", Query.parse(types=KIND), sight, _LISTED)
        told = [one for one in map(_told, found) if one is not None]
        return sorted(told, key=lambda one: one["observedAt"] or "", reverse=True)

    def tile(self, ident: str, z: int, x: int, y: int, sight: Sight) -> bytes | None:
        """A tile of a picture; None where it shows nothing. NotFound when the picture is not for this sight."""
        if self._city.get(ident, sight=sight).type != KIND:
            raise NotFound(f"{ident[:80]} is no picture", where=ident)
        with self._lock:
            db = self._there()
            sql = "SELECT body FROM tile WHERE picture = ? AND z = ? AND x = ? AND y = ?"
            found = None if db is None else db.execute(sql, (ident, z, x, y)).get
        return found if isinstance(found, bytes) else None

    # Taking in

    async def add(self, said: Mapping[str, str], body: bytes, sight: Sight) -> str:
        """Cut a picture and keep it; the id of its entity. Raises BadRequest, Forbidden, Busy."""
        if not sight.may("create", unlabelled(self._city.realm)):
            raise Forbidden("you may not add pictures")
        name, corners, at = _asked(said)
        if self._cutting.locked():
            raise Busy("another picture is being cut", mend="try again in a minute")
        async with self._cutting:
            await asyncio.to_thread(self._sweep)
            ident = f"urn:ngsi-ld:{KIND}:{secrets.token_hex(8)}"
            try:
                about = await self._cut(ident, corners, body)
                await self._say(ident, name, corners, at, about, sight)
            except BaseException:
                await asyncio.to_thread(self._drop, ident)
                raise
        return ident

    async def _say(
        self, ident: str, name: str, corners: list[Corner], at: str, about: dict[str, Any], sight: Sight
    ) -> None:
        ring = [list(one) for one in (*corners, corners[0])]
        area = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))
        one = entity(
            KIND,
            ident,
            name=name,
            location={"type": "Polygon", "coordinates": [ring if area < 0 else ring[::-1]]},
            corners=[list(corner) for corner in corners],
            minzoom=about["minzoom"],
            maxzoom=about["maxzoom"],
            width=about["width"],
            height=about["height"],
            dateObserved=at or clock.text(self._city.clock.now()),
        )
        for outcome in await self._city.awrite(Write("create", ident, one.doc), sight=sight):
            if isinstance(outcome, Refused):
                raise outcome.error

    async def _cut(self, ident: str, corners: list[Corner], body: bytes) -> dict[str, Any]:
        limits = self._limits
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hansa.platform.cutting"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**self._environment, "PYTHONDONTWRITEBYTECODE": "1"},
            limit=1 << 22,
        )
        asked = {"corners": corners, "pixels": limits.picture_pixels, "tiles": limits.picture_tiles}
        try:
            async with asyncio.timeout(limits.picture_s):
                feeding = asyncio.create_task(_feed(process, asked, body))
                try:
                    return await self._keep(ident, process)
                finally:
                    feeding.cancel()
                    await asyncio.gather(feeding, return_exceptions=True)
        except TimeoutError:
            raise BadRequest("it takes too long to cut", mend="send a smaller picture") from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _keep(self, ident: str, process: asyncio.subprocess.Process) -> dict[str, Any]:
        about: dict[str, Any] = {}
        tiles: list[tuple[str, int, int, int, bytes]] = []
        async for head, body in _frames(process):
            if "fault" in head:
                raise BadRequest(str(head["fault"])[:400], where="body")
            if not about:
                about = head
                continue
            tiles.append((ident, head["z"], head["x"], head["y"], body))
            if len(tiles) >= 256:
                await asyncio.to_thread(self._write, tiles)
                tiles = []
        if not about or await process.wait():
            raise BadRequest("it cannot be cut", where="body", mend="a PNG, JPEG, WebP or TIFF")
        await asyncio.to_thread(self._write, tiles)
        return about

    def _write(self, tiles: list[tuple[str, int, int, int, bytes]]) -> None:
        with self._lock, self._open() as db:
            db.executemany("INSERT OR REPLACE INTO tile VALUES (?, ?, ?, ?, ?)", tiles)

    def _drop(self, ident: str) -> None:
        with self._lock:
            if (db := self._there()) is not None:
                db.execute("DELETE FROM tile WHERE picture = ?", (ident,))

    def _sweep(self) -> None:
        """Let tiles go whose entity is gone."""
        with self._lock:
            db = self._there()
            there = [] if db is None else [one for (one,) in db.execute("SELECT DISTINCT picture FROM tile")]
        for ident in there:
            try:
                self._city.get(ident)
            except NotFound:
                self._drop(ident)


async def _feed(process: asyncio.subprocess.Process, asked: dict[str, Any], body: bytes) -> None:
    if (stdin := process.stdin) is not None:
        with suppress(OSError):  # it ended before it had read everything; what it said tells why
            stdin.write(json.dumps(asked).encode() + b"\n")
            stdin.write(body)
            await stdin.drain()
            stdin.close()


async def _frames(process: asyncio.subprocess.Process) -> AsyncIterator[tuple[dict[str, Any], bytes]]:
    stdout = process.stdout
    while stdout is not None:
        try:
            size = int.from_bytes(await stdout.readexactly(4), "big")
            if size > _HEAD:
                raise HansaError("what cuts pictures said something odd")
            head = json.loads(await stdout.readexactly(size))
            yield head, await stdout.readexactly(head["size"])
        except asyncio.IncompleteReadError:
            return


def _asked(said: Mapping[str, str]) -> tuple[str, list[Corner], str]:
    """Name, corners and time of a request; BadRequest names what is wrong."""
    if unknown := set(said) - {"name", "corners", "at"}:
        raise BadRequest(f"a picture has no parameter {min(unknown)[:40]}", where="query", mend="name, corners, at")
    name = said.get("name", "").strip()
    if not 0 < len(name) <= 200:
        raise BadRequest("a picture has a name of 1 to 200 letters", where="name")
    mend = "corners=lon,lat;lon,lat;lon,lat;lon,lat from the upper left with the clock, or west,south,east,north"
    try:
        points = [tuple(float(n) for n in one.split(",")) for one in said.get("corners", "").split(";")]
    except ValueError:
        raise BadRequest("corners are longitudes and latitudes", where="corners", mend=mend) from None
    if len(points) == 1 and len(points[0]) == 4:
        west, south, east, north = points[0]
        points = [(west, north), (east, north), (east, south), (west, south)]
    if len(points) != 4 or any(len(one) != 2 or not all(map(math.isfinite, one)) for one in points):
        raise BadRequest("a picture has four corners", where="corners", mend=mend)
    if any(abs(lon) > 180 or abs(lat) > 85 for lon, lat in points):
        raise BadRequest("a corner is not on the map", where="corners", mend=mend)
    if max(one[0] for one in points) - min(one[0] for one in points) > 90:
        raise BadRequest("a picture over a quarter of the Earth is none from above", where="corners")
    at = said.get("at", "")
    return name, [(one[0], one[1]) for one in points], clock.text(clock.parse(at)) if at else ""


def _told(one: Entity) -> dict[str, Any] | None:
    """A picture as a page takes it; None for an entity that is no such."""
    corners, low, high = one.get("corners"), one.get("minzoom"), one.get("maxzoom")
    if not isinstance(corners, list) or len(corners) != 4 or type(low) is not int or type(high) is not int:
        return None
    try:
        lons, lats = [float(c[0]) for c in corners], [float(c[1]) for c in corners]
    except (TypeError, ValueError, IndexError):
        return None
    return {
        "id": one.id,
        "name": str(one.get("name") or one.key),
        "bounds": [min(lons), min(lats), max(lons), max(lats)],
        "minzoom": low,
        "maxzoom": high,
        "observedAt": one.get("dateObserved"),
    }
