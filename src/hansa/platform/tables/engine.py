"""Tables of one folder, with DuckDB: made from rows, asked, written as files. Lives in processes beside the city.

DuckDB sees this folder and nothing else: no network, no other files, no extension that it does not bring, so much
memory. tests/platform/test_tables.py
"""

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson

from hansa.errors import BadRequest, Busy, HansaError, NotFound, TooLarge
from hansa.platform.tables import query as query_
from hansa.platform.tables.steps import Types, stepped
from hansa.platform.tables.words import NUMBERS, Given, quoted

_SHA: Final = re.compile(r"[0-9a-f]{64}\Z")
_KINDS: Final = {
    "DOUBLE": "number",
    "FLOAT": "number",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "HUGEINT": "integer",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "time",
    "TIMESTAMP_NS": "time",
    "DATE": "time",
}
_REMEMBERED: Final = 500
_ANSWER: Final = 16_000_000  # characters of all texts of one answer: ten thousand districts' shapes are more
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Made:
    """A table that was made."""

    sha256: str
    rows: int
    size: int
    columns: list[dict[str, Any]]


class Engine:
    """The tables of one folder. For one thread at a time."""

    def __init__(self, folder: Path, *, memory: str = "512MB", threads: int = 2) -> None:
        """`folder` is made where it is not there."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self._types: dict[str, Types] = {}
        self._columns: dict[str, list[dict[str, Any]]] = {}
        self.db = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory,
                "threads": threads,
                "temp_directory": str(self.folder / "spill"),
                "max_temp_directory_size": "4GB",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "preserve_insertion_order": "true",
                "allow_community_extensions": "false",
            },
        )
        self.db.execute("SET allowed_directories = [$folder]", {"folder": f"{self.folder}/"})
        self.db.execute("SET enable_progress_bar = false")  # it would stand among the answers
        self.db.execute("SET enable_external_access = false")
        self.db.execute("SET lock_configuration = true")

    def close(self) -> None:
        """Let go of DuckDB."""
        self.db.close()

    def path(self, sha256: str) -> Path:
        """Where a table is; NotFound."""
        where = self.folder / f"{sha256}.parquet"
        if not _SHA.match(sha256) or not where.is_file():
            raise NotFound("there is no such table", where="table")
        return where

    def types(self, sha256: str) -> Types:
        """What its columns hold, by name."""
        known = self._types.get(sha256)
        if known is None:
            if len(self._types) > _REMEMBERED:
                self._types.clear()
            known = self._types[sha256] = self._described(self._source(sha256))
        return known

    def columns(self, sha256: str) -> list[dict[str, Any]]:
        """Columns with what is in them: how much is missing, how many values there are, from where to where."""
        source, known = self._source(sha256), self._columns.get(sha256)
        if known is None:
            if len(self._columns) > _REMEMBERED:
                self._columns.clear()
            known = self._columns[sha256] = self._told(sha256) or self._looked(self.types(sha256), source)
        return known

    def _told(self, sha256: str) -> list[dict[str, Any]]:
        """What was found when it was made: who asks does not wait for it once more."""
        try:
            found: list[dict[str, Any]] = orjson.loads((self.folder / f"{sha256}.columns").read_bytes())
        except (OSError, ValueError):
            return []
        return found

    def _looked(self, types: Types, source: str) -> list[dict[str, Any]]:
        (rows,) = self._one(f"SELECT count(*) FROM {source}")  # noqa: S608  # ours
        found = []
        for name, kind in types.items():  # one after the other: what tells a million values apart takes memory
            column = quoted(name)
            parts = [f"count({column})"]
            parts += [f"min({column})", f"max({column})"] if kind in NUMBERS or kind == "time" else ["NULL", "NULL"]
            parts.append(f"avg({column})" if kind in NUMBERS else "NULL")
            many, low, high, mean = self._one(f"SELECT {', '.join(parts)} FROM {source}")  # noqa: S608  # looked up
            about = {"low": plain(low), "high": plain(high), "mean": plain(mean)}
            found.append(
                {"name": name, "type": kind, "nulls": rows - many, "distinct": min(self._apart(column, source), many)}
                | {key: value for key, value in about.items() if value is not None}
            )
        return found

    def _apart(self, column: str, source: str) -> int:
        """How many values there are; about so many, where there is no memory for all of them."""
        try:
            (many,) = self._one(f"SELECT count(DISTINCT {column}) FROM {source}")  # noqa: S608  # looked up
        except duckdb.OutOfMemoryException:
            (many,) = self._one(f"SELECT approx_count_distinct({column}) FROM {source}")  # noqa: S608  # the same
        return int(many)

    def ask(self, query: Mapping[str, Any], within_s: float = 10.0) -> dict[str, Any]:
        """Rows that answer a question: `{"columns", "rows", "more"}`. BadRequest, NotFound, TooLarge, Busy."""
        names = query_.tables_of(query)
        types: list[Mapping[str, str]] = [self.types(one) for one in names]
        asked = query_.asked(query, types, [self._source(one) for one in names])
        with self.timed(within_s):
            rows = _few(self.db.execute(asked.sql, asked.given))
        return {
            "columns": [{"name": one.name, "type": one.type} for one in asked.columns],
            "rows": [[plain(value) for value in row] for row in rows[: asked.limit]],
            "more": len(rows) > asked.limit,
        }

    def make(self, source: str, types: Types, steps: Any, within_s: float = 600.0) -> Made:
        """A table of what a source holds after these steps. `source` is ours, as SQL. BadRequest, Busy."""
        sql, given, _ = stepped(source, types, steps)
        with self._new() as path:
            with self.timed(within_s):
                self._write(sql, given, path)
            digest = _digest(path)
            where = self.folder / f"{digest}.parquet"
            os.replace(path, where)  # noqa: PTH105  # the same bytes are the same table
            _synced(self.folder)
        columns = self.columns(digest)
        with self._new() as path:
            path.write_bytes(orjson.dumps(columns))
            os.replace(path, self.folder / f"{digest}.columns")  # noqa: PTH105  # all of it or nothing
        rows = self._one(f"SELECT count(*) FROM {self._source(digest)}")[0]  # noqa: S608  # ours
        return Made(digest, rows, where.stat().st_size, columns)

    def _write(self, sql: str, given: Given, path: Path) -> None:
        # COPY binds no values, so what it writes is a view of the values first.
        self.db.execute(f"CREATE TEMP TABLE made AS {sql}", given)
        try:
            to = str(path).replace("'", "''")
            self.db.execute(f"COPY made TO '{to}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)")
        finally:
            self.db.execute("DROP TABLE made")
        with path.open("rb") as file:
            os.fsync(file.fileno())

    @contextmanager
    def _new(self) -> Iterator[Path]:
        handle, name = tempfile.mkstemp(".new", "table-", self.folder)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            with suppress(FileNotFoundError):
                Path(name).unlink()

    @contextmanager
    def timed(self, within_s: float) -> Iterator[None]:
        """End after so long what is asked within: Busy. BadRequest of what DuckDB refuses, TooLarge of too much."""
        timer = threading.Timer(within_s, self.db.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException:
            raise Busy("this takes too long", mend="ask for less: fewer rows, or coarser steps") from None
        except duckdb.OutOfMemoryException:
            raise TooLarge("this needs more memory than there is for it", mend="ask for less") from None
        except duckdb.IOException as fault:  # a full disk is nobody's fault who asks, and where it is nobody's business
            raise HansaError(f"tables cannot be kept or read just now: {type(fault).__name__}") from None
        except duckdb.Error as fault:
            raise BadRequest(f"this cannot be answered: {str(fault).splitlines()[0][:300]}", where="query") from None
        finally:
            timer.cancel()

    def _source(self, sha256: str) -> str:
        to = str(self.path(sha256)).replace("'", "''")
        return f"read_parquet('{to}')"

    def _described(self, source: str) -> Types:
        rows = self.db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608  # ours
        return {name: "geometry" if name == "geometry" else _KINDS.get(kind, "text") for name, kind, *_ in rows}

    def _one(self, sql: str) -> tuple[Any, ...]:
        found = self.db.execute(sql).fetchone()
        return () if found is None else found


def _few(cursor: Any) -> list[tuple[Any, ...]]:
    """All rows of an answer, while they are not too long together. TooLarge."""
    rows: list[tuple[Any, ...]] = []
    weight = 0
    while some := cursor.fetchmany(_BATCH):
        weight += sum(len(cell) for row in some for cell in row if isinstance(cell, str))
        if weight > _ANSWER:
            raise TooLarge(f"more than {_ANSWER:,} characters", where="limit", mend="fewer rows, or without shapes")
        rows += some
    return rows


def plain(value: Any) -> Any:
    """A value as JSON has it: times in UTC, numbers that are none as nothing."""
    if isinstance(value, datetime):
        at = value.astimezone(UTC) if value.tzinfo else value
        return f"{at.replace(tzinfo=None).isoformat(timespec='auto')}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124
        return None
    return value


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _synced(folder: Path) -> None:
    """The folder's own entry is on the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
