"""`hansa import`: CSV, Parquet and NGSI-LD files into a city, refusals line by line.

A table has a column that names the entity (`id`, or --id-column) and perhaps a time (`observedAt`, `at`, ...): with
one, rows are readings and make history; without, they say what is so. Columns are attributes under their own names,
or as a --profile maps them. NGSI-LD is an array, one object, or one object a line (as `hansa export` writes it).
"""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hansa import settings as settings_
from hansa.cli import data_option
from hansa.cli.desk import call, running
from hansa.collect import Profile, Source, json_plain
from hansa.collect.standard import STANDARD
from hansa.errors import BadRequest, HansaError
from hansa.limits import Limits
from hansa.model.change import Refused, Write
from hansa.model.context import CORE
from hansa.model.wire import entity_in, json_in
from hansa.model.wire_values import uri
from hansa.serve import REALMS, Lock, clock_of, open_cities, token
from hansa.trust.labels import Label

_TIMES: Final = ("observedAt", "at", "time", "timestamp", "dateObserved")
_SHOWN: Final = 20  # refusals on the terminal; --refused FILE takes all
_BATCH: Final = 500

Line = tuple[int, "Write | HansaError"]


class Read(NamedTuple):
    """A file as it is read: bytes done, and what a line came to."""

    done: int
    line: int
    said: "list[Write] | HansaError"


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--type", "kind", help="Type of a table's entities, where no column `type` says it.")
@click.option("--id-column", default="id", show_default=True)
@click.option("--profile", help=f"How columns become attributes: a JSON file, or one of {', '.join(STANDARD)}.")
@click.option("--realm", type=click.Choice(REALMS), default="open", show_default=True)
@click.option("--label", help="Class of what is imported: open, smart, personal or security.")
@click.option("--refused", type=click.File("w"), help="Write every refusal here, a line each.")
@data_option
def import_(  # click hands them over by name
    file: Path, kind: str | None, id_column: str, profile: str | None, realm: str, label: str | None, refused: Any,
    data: Path,
) -> None:  # fmt: skip
    """Take FILE into the city; tells what it refused, line by line."""
    settings = settings_.load(data)
    if label is not None:
        label = str(Label.parse(label))
    limits = replace(settings.limits, past_s=200 * 366 * 86_400.0)  # archives are old on purpose
    now = clock_of(settings.clock).now()
    read = _guarded(file, _Table(kind, id_column, _profile(profile), label, now, limits))
    url = running(data)
    if url is not None and realm != "open":
        raise BadRequest("a running city takes imports into its open realm only", mend="stop it first")
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:  # fmt: skip
        task = bar.add_task(file.name, total=max(1, file.stat().st_size))
        faults: list[str] = []

        def fault(line: int, error: HansaError) -> None:
            where = f" ({error.where})" if error.where else ""
            faults.append(f"line {line}: {error.detail}{where}")
            if refused is not None:
                refused.write(faults[-1] + "\n")

        def pieces() -> Iterator[tuple[int, Write]]:
            for one in read:
                bar.update(task, completed=one.done)
                if isinstance(one.said, HansaError):
                    fault(one.line, one.said)
                else:
                    for write in one.said:
                        yield one.line, write

        taken = _send(url, data, pieces(), fault) if url else _store(data, settings, realm, pieces(), fault)
        bar.update(task, completed=max(1, file.stat().st_size))
    for said in faults[:_SHOWN]:
        click.echo(said, err=True)
    if len(faults) > _SHOWN:
        click.echo(f"... and {len(faults) - _SHOWN:,} more; --refused FILE keeps them all", err=True)
    click.echo(f"{taken:,} taken, {len(faults):,} refused")
    if faults and not taken:
        raise SystemExit(1)


Fault = Callable[[int, HansaError], None]


def _store(
    data: Path, settings: settings_.Settings, realm: str, pieces: Iterator[tuple[int, Write]], fault: Fault
) -> int:
    """Into the files of a city that sleeps."""
    lock = Lock(data)
    lines: list[int] = []
    taken = 0

    def writes() -> Iterator[Write]:
        for line, write in pieces:
            lines.append(line)
            yield write

    try:
        cities = open_cities(settings, clock_of(settings.clock), direct=True)
        try:
            city = cities[realm]
            for at, outcome in enumerate(city.store.load(writes(), "import", city.clock.now())):
                if isinstance(outcome, Refused):
                    fault(lines[at], outcome.error)
                else:
                    taken += 1
        finally:
            for city in cities.values():
                city.close()
    finally:
        lock.release()
    return taken


def _send(url: str, data: Path, pieces: Iterator[tuple[int, Write]], fault: Fault) -> int:
    """Through the administrator's door of a running city."""
    bearer = token(data)
    taken = 0
    batch: list[tuple[int, Write]] = []

    def flush() -> int:
        body = orjson.dumps([{"kind": w.kind, "id": w.id, "doc": w.doc, "label": w.label} for _, w in batch])
        answer = call(url, "POST", "/admin/import", bearer, body)
        for place, said in answer["refused"]:
            fault(batch[place][0], BadRequest(said))
        return len(batch) - len(answer["refused"])

    for one in pieces:
        batch.append(one)
        if len(batch) >= _BATCH:
            taken += flush()
            batch.clear()
    if batch:
        taken += flush()
    return taken


def _guarded(file: Path, table: "_Table") -> Iterator[Read]:
    """The readings of a file, to where it breaks off: what was read until then is taken."""
    last: Read | None = None
    try:
        for last in _reader(file, table):  # the last one is asked for below
            yield last
    except (OSError, EOFError, zlib.error) as fault:
        broken = BadRequest(f"{file.name} cannot be read further: {fault}")
        if last is None:
            raise broken from None
        yield Read(last.done, last.line + 1, broken)


def _reader(file: Path, table: "_Table") -> Iterator[Read]:
    suffixes = [s.lower() for s in file.suffixes]
    kind = next((s for s in reversed(suffixes) if s != ".gz"), "")
    if kind in {".csv", ".tsv", ".txt"}:
        return _csv(file, table)
    if kind == ".parquet":
        return _parquet(file, table)
    if kind in {".ndjson", ".jsonl"}:
        return _lines(file, table)
    if kind in {".json", ".jsonld"}:
        return _json(file, table)
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


def _csv(file: Path, table: "_Table") -> Iterator[Read]:
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


def _parquet(file: Path, table: "_Table") -> Iterator[Read]:
    try:
        import duckdb
    except ImportError:
        raise BadRequest("reading Parquet needs DuckDB", mend="pip install 'hansa[parquet]'") from None
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


def _lines(file: Path, table: "_Table") -> Iterator[Read]:
    done = 0
    with _text(file) as lines:
        for number, line in enumerate(lines, 1):
            done += len(line)
            if line.strip():
                try:
                    yield Read(done, number, table.entity(_bytes(line)))
                except BadRequest as fault:
                    yield Read(done, number, fault)


def _json(file: Path, table: "_Table") -> Iterator[Read]:
    with _text(file) as whole:
        text = whole.read()
    try:
        _bytes(text)
        found = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise BadRequest(f"{file.name} is not JSON: {fault}") from None
    many = found if isinstance(found, list) else [found]
    for number, one in enumerate(many, 1):
        yield Read(len(text) * number // len(many), number, table.entity(json.dumps(one).encode()))


class _Table:
    """Rows and objects to writes."""

    def __init__(
        self, kind: str | None, id_column: str, profile: Profile | None, label: str | None, now: int, limits: Limits
    ) -> None:
        self._kind = kind
        self._id = id_column
        self._given = profile
        self._label = label
        self._now = now
        self._limits = limits
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
                uri(whole, self._id, self._limits)
            except BadRequest as fault:
                return fault
            source = self._sources[str(ident), kind] = Source(str(ident), whole, profile, label=self._label)
        try:
            decoded = json_plain.decode(orjson.dumps(said), source, self._now, self._limits)
        except (HansaError, TypeError) as fault:
            return fault if isinstance(fault, HansaError) else BadRequest(str(fault))
        if decoded.refused:
            first = decoded.refused[0]
            return BadRequest(first.error.detail, where=first.where)
        return decoded.writes if self._timed else [_state(write) for write in decoded.writes]

    def entity(self, body: bytes) -> list[Write] | HansaError:
        """One NGSI-LD entity."""
        try:
            said = json_in(body, self._limits)
            if not isinstance(said, dict):
                return BadRequest("not an object")
            if said.pop("@context", None) is not None:
                pass  # short terms are understood by the core context alone, whole IRIs as they are
            doc = entity_in(said, CORE)
        except HansaError as fault:
            return fault
        return [Write("upsert", doc["id"], doc, label=self._label)]


def _state(write: Write) -> Write:
    """A row without a time says what is so, not when it was measured."""
    doc = {name: _timeless(said) if isinstance(said, dict) else said for name, said in write.doc.items()}
    return Write("upsert_update", write.id, doc, label=write.label)


def _timeless(said: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in said.items() if member != "observedAt"}


def _profile(said: str | None) -> Profile | None:
    if said is None:
        return None
    if said in STANDARD:
        return Profile.from_json(STANDARD[said])
    try:
        return Profile.from_json(json.loads(Path(said).read_text("utf-8")))
    except (OSError, ValueError) as fault:
        raise BadRequest(f"the profile {said!r} cannot be read: {fault}", where="--profile") from None


commands = {"import": import_}
