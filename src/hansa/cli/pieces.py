"""Files in pieces: CSV, Parquet and NGSI-LD as lines that say something, whatever is wrong with some of them.

A table has a column that names the entity (`id`, or another) and perhaps a time (`observedAt`, `at`, ...): with one,
rows are readings and make history; without, they say what is so. Columns are attributes under their own names, or as a
profile maps them. NGSI-LD is an array, one object, or one object a line (as `hansa export` writes it).
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from hansa.collect import Profile, Source, json_plain
from hansa.errors import BadRequest, HansaError
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.model.context import CORE
from hansa.model.wire import entity_in, json_in
from hansa.model.wire_values import uri

_TIMES: Final = ("observedAt", "at", "time", "timestamp", "dateObserved")


class Read(NamedTuple):
    """A piece of a file: bytes done, its line, and what it says or came to."""

    done: int
    line: int
    said: "bytes | list[Write] | HansaError"


def entity_write(body: bytes, label: str | None, limits: Limits) -> list[Write] | HansaError:
    """The Write of an NGSI-LD entity.

    Its @context is not followed: short terms are understood by the core context alone, whole IRIs as they are.
    """
    try:
        said = json_in(body, limits)
        if not isinstance(said, dict):
            return BadRequest("not an object")
        said.pop("@context", None)
        doc = entity_in(said, CORE)
    except HansaError as fault:
        return fault
    return [Write("upsert", doc["id"], doc, label=label)]


def guarded(file: Path, pieces: Iterator[Read]) -> Iterator[Read]:
    """The pieces of a file, to where it breaks off: what was read until then is taken."""
    last: Read | None = None
    try:
        for last in pieces:  # the last one is asked for below
            yield last
    except (OSError, EOFError, zlib.error) as fault:
        broken = BadRequest(f"{file.name} cannot be read further: {fault}")
        if last is None:
            raise broken from None
        yield Read(last.done, last.line + 1, broken)


def _kind(file: Path) -> str:
    suffixes = [s.lower() for s in file.suffixes]
    return next((s for s in reversed(suffixes) if s != ".gz"), "")


def raw(file: Path) -> Iterator[Read] | None:
    """The entities of an NGSI-LD file as they stand there; None when it is a table."""
    kind = _kind(file)
    if kind in {".ndjson", ".jsonl"}:
        return _lines(file)
    return _json(file) if kind in {".json", ".jsonld"} else None


def reader(file: Path, table: "Table") -> Iterator[Read]:
    """The pieces of a file by its name: what each line comes to. Raises BadRequest when it is of no kind we know."""
    entities = raw(file)
    if entities is not None:
        return _entities(entities, table.label, table.limits)
    kind = _kind(file)
    if kind in {".csv", ".tsv", ".txt"}:
        return _csv(file, table)
    if kind == ".parquet":
        return _parquet(file, table)
    mend = "csv, parquet, json, jsonld or ndjson, perhaps .gz"
    raise BadRequest(f"{file.name}: what kind of file is this?", mend=mend)


def _text(file: Path) -> Any:
    # Spreadsheets begin with a mark; and a byte that is no UTF-8 spoils its own line alone.
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return file.open("rt", encoding="utf-8-sig", errors="surrogateescape", newline="")


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadRequest("this is not UTF-8", mend="iconv -f latin1 -t utf-8, perhaps") from None


def _csv(file: Path, table: "Table") -> Iterator[Read]:
    done = 0
    with _text(file) as lines:
        head = lines.readline()
        try:
            dialect = csv.Sniffer().sniff(head, delimiters=",;\t")
        except csv.Error:
            dialect = csv.excel
        _bytes(head)
        names = next(csv.reader([head], dialect))
        table.columns(names)
        reader = csv.reader(lines, dialect)
        while True:
            line = reader.line_num + 2
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as fault:
                yield Read(done, line, BadRequest(f"this line cannot be read: {fault}"))
                continue
            done += sum(map(len, row)) + len(row)
            if not any(row):
                continue
            if len(row) != len(names):
                yield Read(done, line, BadRequest(f"{len(row)} cells where the header has {len(names)}"))
                continue
            try:
                _bytes("".join(row))
            except BadRequest as fault:
                yield Read(done, line, fault)
                continue
            said = {k: v if k in table.texts else _cell(v) for k, v in zip(names, row, strict=True) if v != ""}
            yield Read(done, line, table.row(said))


def _cell(text: str) -> Any:
    if "_" in text:  # Python reads 1_000 as a number; nobody else does
        return text
    try:
        number = float(text)
    except ValueError:
        return {"true": True, "false": False}.get(text.lower(), text)
    if text.strip().lstrip("+-").isdigit() and len(text) < 19:
        # Codes keep their zeros: 0123 is a name, not a number.
        return text if text.lstrip("+-").startswith("0") and len(text.lstrip("+-")) > 1 else int(text)
    return number if number - number == 0 else text


def _parquet(file: Path, table: "Table") -> Iterator[Read]:
    import duckdb

    db = duckdb.connect()
    try:
        shape = db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
        names = [one[0] for one in shape]
        rows = db.execute(f"SELECT {', '.join(map(_column, shape))} FROM read_parquet(?)", [str(file)])  # noqa: S608
        ((count,),) = db.cursor().execute("SELECT count(*) FROM read_parquet(?)", [str(file)]).fetchall()
        table.columns(names)
        size, line = file.stat().st_size, 0
        while some := rows.fetchmany(1_000):
            for row in some:
                line += 1
                said = {k: _plain(v) for k, v in zip(names, row, strict=True) if v is not None}
                yield Read(size * line // max(1, count), line, table.row(said))
    except duckdb.Error as fault:
        raise BadRequest(f"{file.name} cannot be read: {fault}") from None
    finally:
        db.close()


def _column(shape: tuple[Any, ...]) -> str:
    """A column as it is asked for; times with a zone in UTC, for which DuckDB would need another library."""
    name = '"' + shape[0].replace('"', '""') + '"'
    return f"{name} AT TIME ZONE 'UTC' AS {name}" if shape[1] == "TIMESTAMP WITH TIME ZONE" else name


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        text = value.isoformat()
        return text if getattr(value, "tzinfo", None) is not None or len(text) < 19 else text + "Z"
    return float(value) if type(value).__name__ == "Decimal" else value


def _lines(file: Path) -> Iterator[Read]:
    done = 0
    with _text(file) as lines:
        for number, line in enumerate(lines, 1):
            done += len(line)
            if line.strip():
                try:
                    yield Read(done, number, _bytes(line))
                except BadRequest as fault:
                    yield Read(done, number, fault)


def _json(file: Path) -> Iterator[Read]:
    with _text(file) as whole:
        text = whole.read()
    try:
        _bytes(text)
        found = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise BadRequest(f"{file.name} is not JSON: {fault}") from None
    many = found if isinstance(found, list) else [found]
    for number, one in enumerate(many, 1):
        yield Read(len(text) * number // len(many), number, json.dumps(one).encode())


def _entities(pieces: Iterator[Read], label: str | None, limits: Limits) -> Iterator[Read]:
    for done, line, said in pieces:
        yield Read(done, line, entity_write(said, label, limits) if isinstance(said, bytes) else said)


class Table:
    """Rows to Writes."""

    def __init__(
        self, kind: str | None, id_column: str, profile: Profile | None, label: str | None, now: int, limits: Limits
    ) -> None:
        """Entities of type `kind`, or as a column or `profile` says; `now` is the city's."""
        self._kind = kind
        self._id = id_column
        self._given = profile
        self.label = label
        self._now = now
        self.limits = limits
        self.texts = frozenset({id_column, "type"})  # columns that are never numbers
        self._timed = False
        self._time = "observedAt"
        self._sources: dict[tuple[str, str], Source] = {}

    def columns(self, names: list[str]) -> None:
        """Take note of a table's header; BadRequest when it cannot be used."""
        if self._id not in names:
            mend = f"--id-column, of {', '.join(names)}"
            raise BadRequest(f"there is no column {self._id!r}", where="line 1", mend=mend)
        wanted = (self._given.time,) if self._given is not None else ()
        time = next((name for name in (*wanted, *_TIMES) if name in names), None)
        self._timed = time is not None
        self._time = time or "observedAt"

    def row(self, said: dict[str, Any]) -> list[Write] | HansaError:
        """One row."""
        ident, kind = said.pop(self._id, None), said.pop("type", self._kind)
        if ident is None:
            return BadRequest("no id", where=self._id)
        if self._given is not None:
            kind = self._given.type
        if not isinstance(kind, str):
            return BadRequest("no type", where="type", mend="a column `type`, or --type")
        source = self._sources.get((str(ident), kind))
        if source is None:
            profile = self._given or Profile(kind, kind, time=self._time, others="take")
            whole = str(ident) if ":" in str(ident) else f"urn:ngsi-ld:{kind}:{ident}"
            try:
                uri(whole, self._id, self.limits)
            except BadRequest as fault:
                return fault
            source = self._sources[str(ident), kind] = Source(str(ident), whole, profile, label=self.label)
        try:
            decoded = json_plain.decode(orjson.dumps(said), source, self._now, self.limits)
        except (HansaError, TypeError) as fault:
            return fault if isinstance(fault, HansaError) else BadRequest(str(fault))
        if decoded.refused:
            first = decoded.refused[0]
            return BadRequest(first.error.detail, where=first.where)
        return decoded.writes if self._timed else [_state(write) for write in decoded.writes]


def _state(write: Write) -> Write:
    """A row without a time says what is so, not when it was measured."""
    doc = {name: _timeless(said) if isinstance(said, dict) else said for name, said in write.doc.items()}
    return Write("upsert_update", write.id, doc, label=write.label)


def _timeless(said: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in said.items() if member != "observedAt"}
