"""The floor: what uvicorn and the same SQL can do on this machine, without a model of anything.

    python -m bench.floor serve FILE              the HTTP rows over a copy of the city's file; prints its port
    python -m bench.floor readings FILE COUNT N   the rows of COUNT readings, N a transaction; prints readings/s

It writes the same rows into the same tables with `synchronous=FULL` and group commit. It checks nothing, knows no
context, no labels, no stamps worth the name, and no rules: nobody could use it. It says what to hold a row against.
"""

import asyncio
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import apsw
import orjson
import uvicorn
import uvloop

from bench.seeds import temperature
from hansa.model.query import Query
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.reader import SqliteReader, _page
from hansa.platform.sqlite.schema import connect

MOUNT: Final = "/ngsi-ld/v1/entities"
LOG_BODY: Final = bytes(40)  # as long as the log record of a reading
STAMPS: Final = bytes(60)
Job = tuple[Callable[["Tables"], None], "asyncio.Future[None]"]


class Tables:
    """The rows of one transaction, a list a table."""

    def __init__(self, db: apsw.Connection) -> None:
        """Number on from what the file holds."""
        self.db = db
        self.names = Names(db)
        self.seq = self.one("SELECT coalesce(max(seq), 0) FROM log")
        self.e = self.one("SELECT coalesce(max(e), 0) FROM entity")
        self.g = self.one("SELECT coalesce(max(g), 0) FROM place")
        self.touched: set[str] = set()
        self.rows: dict[str, list[tuple[Any, ...]]] = {sql: [] for sql in _SQL}

    def one(self, sql: str) -> int:
        """A number out of the file."""
        return int(next(iter(self.db.execute(sql)))[0])

    def flush(self) -> None:
        """Write all rows, a statement a table."""
        self.names.flush()
        self.names.settled(committed=True)
        self.touched.clear()
        for sql, rows in self.rows.items():
            if rows:
                self.db.executemany(sql, rows)
                rows.clear()

    def value(self, ident: str, name: str, said: dict[str, Any], at: int) -> None:
        """Another value of one attribute: state, index, history, log."""
        if ident in self.touched:
            self.flush()
        self.touched.add(ident)
        ((e, raw, stamps, label, prev),) = self.db.execute(_STATE, (0, ident))
        doc = orjson.loads(raw)
        old = doc[name]["value"]
        doc[name] = said
        t, n = self.names.intern(doc["type"]), self.names.intern(name)
        self.seq += 1
        rows = self.rows
        rows[_CHANGE].append((orjson.dumps(doc), stamps, label, self.seq, e))
        if old != said["value"]:
            rows[_UNINDEX].append((t, n, old, e, 0))
            rows[_INDEX].append((t, n, said["value"], e, 0, label))
        rows[_HISTORY].append((e, n, 0, at, self.seq, said["value"], None, None))
        rows[_LOG].append((self.seq, e, at, prev, LOG_BODY, t))

    def create(self, doc: dict[str, Any], at: int) -> None:
        """A new entity: its document, type, index, place, history, log."""
        self.e += 1
        self.seq += 1
        e, rows, intern = self.e, self.rows, self.names.intern
        t = intern(doc["type"])
        rows[_ENTITY].append((e, 0, doc["id"], orjson.dumps(doc), STAMPS, 0, self.seq))
        rows[_TYPE].append((t, e))
        for name, said in doc.items():
            if name in {"id", "type"}:
                continue
            n, value = intern(name), said["value"]
            if said["type"] == "GeoProperty":
                self.g += 1
                east, north = value["coordinates"]
                rows[_PLACE].append((self.g, e, n, 0))
                rows[_GEO].append((self.g, east, east, north, north))
                rows[_HISTORY].append((e, n, 0, at, self.seq, None, None, LOG_BODY))
            else:
                rows[_HISTORY].append((e, n, 0, at, self.seq, value, None, None))
            rows[_INDEX].append((t, n, b"" if type(value) is dict else value, e, 0, 0))
        rows[_LOG].append((self.seq, e, at, 0, LOG_BODY * 5, t))


_STATE: Final = "SELECT e, doc, stamps, label, seq FROM entity WHERE tenant = ? AND id = ?"
_ENTITY: Final = "INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"
_CHANGE: Final = "UPDATE entity SET doc = ?, stamps = ?, label = ?, seq = ? WHERE e = ?"
_TYPE: Final = "INSERT INTO type VALUES (?, ?)"
_UNINDEX: Final = "DELETE FROM attr WHERE t = ? AND n = ? AND v = ? AND e = ? AND d = ?"
_INDEX: Final = "INSERT INTO attr VALUES (?, ?, ?, ?, ?, ?)"
_PLACE: Final = "INSERT INTO place VALUES (?, ?, ?, ?)"
_GEO: Final = "INSERT INTO geo VALUES (?, ?, ?, ?, ?)"
_HISTORY: Final = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_LOG: Final = "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)"
_SQL: Final = (_ENTITY, _CHANGE, _TYPE, _UNINDEX, _INDEX, _PLACE, _GEO, _HISTORY, _LOG)


class Writer(threading.Thread):
    """Group commit, as the city does it."""

    def __init__(self, path: Path) -> None:
        """Write to `path`."""
        super().__init__(daemon=True)
        self._path = path
        self._ready = threading.Condition()
        self._waiting: deque[Job] = deque()
        self.start()

    def submit(self, job: Callable[[Tables], None]) -> "asyncio.Future[None]":
        """Have a job done; done when it is durable."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        with self._ready:
            self._waiting.append((job, answer))
            self._ready.notify()
        return answer

    def run(self) -> None:
        """Commit what waits, for ever."""
        db = connect(self._path, write=True)
        db.pragma("synchronous", "full")  # the city brings its WAL to the disk itself
        tables = Tables(db)
        while True:
            with self._ready:
                while not self._waiting:
                    self._ready.wait()
                taken, self._waiting = self._waiting, deque()
            tables.db.execute("BEGIN IMMEDIATE")
            for job, _ in taken:
                job(tables)
            tables.flush()
            tables.db.execute("COMMIT")
            taken[0][1].get_loop().call_soon_threadsafe(_answer, taken)


def _answer(taken: "deque[Job]") -> None:
    for _, answer in taken:
        if not answer.done():
            answer.set_result(None)


class Floor:
    """The five requests of load.lua as a raw ASGI application."""

    def __init__(self, path: Path) -> None:
        """Serve a copy of a city's file."""
        self.db = connect(path)
        # The very SELECT that the city would run, made once for each query and then remembered.
        self.reader = SqliteReader(connect(path), "open")
        self.sql: dict[bytes, tuple[str, list[Any]]] = {}
        self.writer = Writer(path)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        method, path = scope["method"], scope["path"]
        status, body = 200, b""
        if method == "GET":
            body = self._get(path[len(MOUNT) + 1 :]) if len(path) > len(MOUNT) else self._query(scope["query_string"])
        else:
            said = orjson.loads((await receive())["body"])
            at = time.time_ns() // 1_000
            if method == "PATCH":
                ident, _, name = path[len(MOUNT) + 1 :].partition("/attrs/")
                await self.writer.submit(lambda tables: tables.value(ident, name, said, at))
                status = 204
            else:
                await self.writer.submit(lambda tables: tables.create(said, at))
                status = 201
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers if status != 204 else []})
        await send({"type": "http.response.body", "body": body})

    def _get(self, ident: str) -> bytes:
        for row in self.db.execute("SELECT id, doc, stamps, label FROM entity WHERE tenant = 0 AND id = ?", (ident,)):
            return row[1]  # type: ignore[no-any-return]
        raise KeyError(ident)

    def _query(self, query: bytes) -> bytes:
        known = self.sql.get(query)
        if known is None:
            known = self.sql[query] = self._planned(query)
        return b"[" + b",".join([row[1] for row in self.db.execute(*known)]) + b"]"

    def _planned(self, query: bytes) -> tuple[str, list[Any]]:
        said = dict(one.split("=", 1) for one in query.decode().replace("%3C", "<").split("&"))
        made = self.reader._plan("", Query.parse(types=said["type"], q=said["q"]))  # noqa: SLF001  # see above
        assert made is not None
        return _page(made), [*made.given, int(said["limit"]), 0]


def serve(path: Path) -> None:
    """Serve until ended."""
    config = uvicorn.Config(
        Floor(path), port=0, loop="none", http="httptools", ws="none", interface="asgi3", lifespan="off",
        access_log=False, log_config=None, server_header=False,
    )  # fmt: skip
    server = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
        print(server.servers[0].sockets[0].getsockname()[1], flush=True)
        await serving

    uvloop.run(run())


def readings(path: Path, count: int, batch: int, stations: int = 1_000) -> float:
    """Write the rows of `count` readings; how many a second of CPU: other people's work must not lower a floor."""
    tables = Tables(connect(path, write=True))
    begin = time.time_ns() // 1_000
    for i in range(stations):
        said = {"type": "Property", "value": 0.0, "unitCode": "CEL", "observedAt": "2026-01-01T00:00:00.123Z"}
        doc = {"id": f"urn:ngsi-ld:BenchStation:s{i:05d}", "type": "BenchStation", "temperature": said}
        tables.create(doc, begin)
    tables.flush()
    began = time.process_time()
    for some in _batches(count, batch):
        tables.db.execute("BEGIN IMMEDIATE")
        for n in some:
            turn, i = divmod(n, stations)
            said = {
                "type": "Property",
                "value": temperature(i, turn),
                "unitCode": "CEL",
                "observedAt": "2026-01-01T00:00:00.123Z",
            }
            tables.value(f"urn:ngsi-ld:BenchStation:s{i:05d}", "temperature", said, begin + n + 1)
        tables.flush()
        tables.db.execute("COMMIT")
    return count / (time.process_time() - began)


def _batches(count: int, batch: int) -> Iterator[range]:
    for at in range(0, count, batch):
        yield range(at, min(at + batch, count))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(Path(sys.argv[2]))
    else:
        print(json.dumps({"rate": readings(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))}), flush=True)
