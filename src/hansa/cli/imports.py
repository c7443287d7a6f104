"""`hansa import`: CSV, Parquet and NGSI-LD files into a city, refusals line by line.

How files are read is `pieces`; NGSI-LD goes into a sleeping city over all cores (`bulk`).
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hansa import settings as settings_
from hansa.cli import bulk, data_option
from hansa.cli.bulk import Fault
from hansa.cli.desk import call, running
from hansa.cli.pieces import Read, Table, guarded, raw, reader
from hansa.collect import Profile
from hansa.collect.standard import STANDARD
from hansa.errors import BadRequest, HansaError
from hansa.model.change import Refused, Write
from hansa.platform.sqlite import SqliteStore
from hansa.serve import REALMS, Lock, clock_of, open_cities, token
from hansa.trust.labels import Label

_TOLD: Final = 100_000  # bytes between two looks at the progress bar
_SHOWN: Final = 20  # refusals on the terminal; --refused FILE takes all
_BATCH: Final = 500


class _Faults:
    """What was refused, and where it is told."""

    def __init__(self, file: Any) -> None:
        self.told: list[str] = []
        self._file = file

    def __call__(self, line: int, error: HansaError) -> None:
        where = f" ({error.where})" if error.where else ""
        self.told.append(f"line {line}: {error.detail}{where}")
        if self._file is not None:
            self._file.write(self.told[-1] + "\n")

    def show(self) -> None:
        for said in self.told[:_SHOWN]:
            click.echo(said, err=True)
        if len(self.told) > _SHOWN:
            click.echo(f"... and {len(self.told) - _SHOWN:,} more; --refused FILE keeps them all", err=True)


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
    table = Table(kind, id_column, _profile(profile), label, now, limits)
    url = running(data)
    if url is not None and realm != "open":
        raise BadRequest("a running city takes imports into its open realm only", mend="stop it first")
    faults = _Faults(refused)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:  # fmt: skip
        task = bar.add_task(file.name, total=max(1, file.stat().st_size))

        def shown(pieces: Iterator[Read]) -> Iterator[Read]:
            told = 0
            for one in guarded(file, pieces):
                if one.done - told > _TOLD:
                    told = one.done
                    bar.update(task, completed=told)
                yield one

        if url:
            taken = _send(url, data, _writes(shown(reader(file, table)), faults), faults)
        else:
            entities = raw(file)
            with _asleep(data, settings, realm) as (store, at):
                if entities is None:
                    taken = _store(store, at, _writes(shown(reader(file, table)), faults), faults)
                else:
                    taken = bulk.load(store, shown(entities), bulk.How(label, limits, at), faults)
        bar.update(task, completed=max(1, file.stat().st_size))
    faults.show()
    click.echo(f"{taken:,} taken, {len(faults.told):,} refused")
    if faults.told and not taken:
        raise SystemExit(1)


def _writes(pieces: Iterator[Read], fault: Fault) -> Iterator[tuple[int, Write]]:
    """What can be used, by line."""
    for _, line, said in pieces:
        if isinstance(said, list):
            for write in said:
                yield line, write
        elif isinstance(said, HansaError):
            fault(line, said)


@contextmanager
def _asleep(data: Path, settings: settings_.Settings, realm: str) -> Iterator[tuple[SqliteStore, int]]:
    """The store of a city that sleeps, and its now."""
    lock = Lock(data)
    os.environ.setdefault("SQLITE_TMPDIR", str(data))  # what SQLite sets aside is as large as what is imported
    try:
        cities = open_cities(settings, clock_of(settings.clock), direct=True)
        try:
            store = cities[realm].store
            if not isinstance(store, SqliteStore):
                raise BadRequest("only a city in files of its own sleeps")
            yield store, cities[realm].clock.now()
        finally:
            for city in cities.values():
                city.close()
    finally:
        lock.release()


def _store(store: SqliteStore, at: int, pieces: Iterator[tuple[int, Write]], fault: Fault) -> int:
    """One write after the other."""
    lines: list[int] = []
    taken = 0

    def writes() -> Iterator[Write]:
        for line, write in pieces:
            lines.append(line)
            yield write

    for number, outcome in enumerate(store.load(writes(), bulk.ACTOR, at)):
        if isinstance(outcome, Refused):
            fault(lines[number], outcome.error)
        else:
            taken += 1
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
