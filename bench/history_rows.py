"""Rows over a long history: ten million instants of 10,000 series, and one series hourly over a year."""

import http.client
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import apsw
import orjson

from bench.machine import Served
from bench.rows import Bench, Row
from hansa import clock
from hansa.model.change import Change, Write
from hansa.model.entity import Doc  # noqa: TC001  # a bench is no library
from hansa.platform.sqlite import SqliteStore

HOUR: Final = 3_600 * clock.SECOND
BEGIN: Final = clock.parse("2025-04-01T00:00:00Z")
YEAR: Final = 8_760  # hours
NAMES: Final = tuple(f"value{i}" for i in range(10))
METER: Final = "urn:ngsi-ld:Meter:year"
_PATH: Final = "/ngsi-ld/v1/temporal/entities"
_LATER: Final = "timerel=after&timeAt=2025-04-01T00:00:00Z"
_ONE: Final = f"{_PATH}/{METER}?{_LATER}"
_LAST: Final = f"{_PATH}?type=BenchSeries&{_LATER}&lastN=1&limit=1000"


def history(bench: Bench) -> Iterator[Row]:
    """A year of one series in three forms, and the last value of every series, over HTTP, one after another."""
    hours = 100 if bench.quick else 1_000
    data = bench.data()
    count = _made(data, hours)
    with Served(bench.folder, data) as served:
        rows = (
            ("a year of one series hourly, instances", _ONE, 100.0, _year, YEAR),
            ("a year of one series hourly, temporalValues", _ONE + "&format=temporalValues", 100.0, _year, YEAR),
            (
                "a year of one series hourly, by days",
                _ONE + "&format=aggregatedValues&aggrMethods=avg,min,max,stddev&aggrPeriodDuration=P1D",
                100.0,
                _days,
                YEAR // 24,
            ),
            ("the last value of each of 10,000 series", _LAST, 300.0, _last, 10_000),
        )
        for what, path, asked, floor, due in rows:
            ask = _asker(served.url)  # one for each row: a connection that rests is closed
            body = ask(path)
            assert _told(orjson.loads(body)) == due, what
            took = _p95(partial(ask, path))
            below = _floor(data / "open.db", floor)
            yield Row(
                row=what,
                asked=f"p95 < {asked:.0f} ms",
                measured=f"p95 {took:.0f} ms, {len(body) / 1e6:.1f} MB",
                floor=f"p95 {below:.0f} ms",
                ratio=below / took,
                ok=took < asked,
                how=f"{count:,} instants in history; 60 requests one after another, one core; the floor is the rows "
                "and their JSON in one process",
            )


def _made(data: Path, hours: int) -> int:
    """Make the city: its entities through the store, its history straight into the table. How many instants it has."""
    store = SqliteStore(data / "open.db")
    now = BEGIN + 2 * YEAR * HOUR
    zero = {"type": "Property", "value": 0.5, "unitCode": "CEL", "observedAt": clock.text(BEGIN - HOUR)}
    try:
        docs: list[Doc] = [{"id": METER, "type": "Meter", NAMES[0]: zero}]
        for i in range(1_000):
            ident = f"urn:ngsi-ld:BenchSeries:{i:04}"
            docs.append({"id": ident, "type": "BenchSeries", **dict.fromkeys(NAMES, zero)})
        for outcome in store.load((Write("create", one["id"], one) for one in docs), "bench", now):
            assert isinstance(outcome, Change)
        db = store.db
        for e, ident in list(db.execute("SELECT e, id FROM entity WHERE id LIKE 'urn:ngsi-ld:%'")):
            names = NAMES[:1] if ident == METER else NAMES
            with db:
                for name in names:
                    n, u = store.names.number(name), store.names.number("CEL")
                    db.execute(_FILL, {"e": e, "n": n, "u": u, "begin": BEGIN, "hour": HOUR,
                                       "many": YEAR if ident == METER else hours})  # fmt: skip
        db.pragma("wal_checkpoint(TRUNCATE)")
        return int(next(iter(db.execute("SELECT count(*) FROM history")))[0])
    finally:
        store.close()


_FILL: Final = (
    "WITH RECURSIVE t(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM t WHERE i < :many - 1) "
    "INSERT INTO history "
    "SELECT :e, :n, 0, :begin + i * :hour, 1, (i * 7919 + :e * 31 + :n) % 4000 / 100.0, :u, NULL FROM t"
)


def _asker(url: str) -> Callable[[str], bytes]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)

    def ask(path: str) -> bytes:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body[:300])
        return body

    return ask


def _told(answer: Any) -> int:
    """How many values an answer tells."""
    entities = answer if type(answer) is list else [answer]
    count = 0
    for entity in entities:
        for name in NAMES:
            said = entity.get(name, [])
            count += len(said if type(said) is list else said.get("values") or said["avg"])
    return count


def _p95(work: Callable[[], Any]) -> float:
    """Milliseconds."""
    took = []
    for _ in range(60):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1_000)
    return sorted(took)[56]


def _floor(path: Path, work: Callable[[apsw.Connection], bytes]) -> float:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return _p95(lambda: work(db))
    finally:
        db.close()


def _year(db: apsw.Connection) -> bytes:
    sql = "SELECT at, v FROM history WHERE e = (SELECT e FROM entity WHERE id = ?) AND at >= ? ORDER BY n, d, at"
    rows = db.execute(sql, (METER, BEGIN)).fetchall()
    return orjson.dumps([{"type": "Property", "value": v, "observedAt": clock.text(at)} for at, v in rows])


def _days(db: apsw.Connection) -> bytes:
    sql = (
        "SELECT (at - ?1) / ?2 AS day, avg(v), min(v), max(v), total(v * v) FROM history "
        "WHERE e = (SELECT e FROM entity WHERE id = ?3) AND at >= ?1 GROUP BY day"
    )
    return orjson.dumps(db.execute(sql, (BEGIN, 24 * HOUR, METER)).fetchall())


def _last(db: apsw.Connection) -> bytes:
    numbers = [n for (n,) in db.execute("SELECT n FROM name WHERE text LIKE 'value_'")]
    es = [e for (e,) in db.execute("SELECT e FROM entity WHERE id LIKE 'urn:ngsi-ld:BenchSeries:%'")]
    sql = "SELECT at, v FROM history WHERE e = ? AND n = ? AND d = 0 ORDER BY at DESC LIMIT 1"
    told = []
    for e in es:
        for n in numbers:
            at, v = db.execute(sql, (e, n)).get
            told.append({"type": "Property", "value": v, "observedAt": clock.text(at)})
    return orjson.dumps(told)
