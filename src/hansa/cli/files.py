"""`hansa check`, `rebuild` and `export`: on the files of a city that sleeps (export also reads a running one)."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from hansa import settings as settings_
from hansa.cli import data_option
from hansa.cli.audit import noted_export
from hansa.errors import BadRequest
from hansa.model.change import Change
from hansa.platform.audit_check import check as audit_check
from hansa.platform.sqlite.mark_check import check_marks
from hansa.serve import REALMS, Lock, clock_of, connect_realm, find_keys, open_cities
from hansa.serve.audits import parsed
from hansa.serve.folder import PLAIN
from hansa.trust.heads import Verifier


def _there(data: Path) -> None:
    if not (data / "open.db").exists():
        raise BadRequest(f"there is no city in {data}", mend="give its folder with --data")


@click.command()
@click.option(
    "--head",
    "heads",
    type=click.File("r", "utf-8"),
    multiple=True,
    help="A head of the audit log that somebody else kept (a witness, an auditor); may be said again.",
)
@data_option
def check(heads: tuple[Any, ...], data: Path) -> None:
    """Prove that index = documents, checkpoint + log = state, and that the audit log is what was noted.

    Exits 1 and names every fault otherwise.
    """
    _there(data)
    lock = Lock(data)
    settings = settings_.load(data)
    faults = 0
    try:
        for realm, city in open_cities(settings, clock_of(settings.clock), direct=True).items():
            found = 0
            for fault in city.store.check():
                found += 1
                click.echo(fault)
            head = city.store.head()
            marks = data / f"rewind-{realm}.db"
            if marks.exists():
                key = None if realm in PLAIN else find_keys(settings).of(marks)
                for fault in check_marks(connect_realm(settings, realm), marks, realm, key):
                    found += 1
                    click.echo(fault)
            city.close()
            click.echo(f"{realm}: {head:,} Changes in the log, " + ("sound" if not found else "NOT sound"))
            faults += found
        broken = 0
        for fault in _audited(settings, [file.read() for file in heads]):
            broken += 1
            click.echo(fault)
    finally:
        lock.release()
    if broken:
        click.echo(f"{broken} faults of the audit log, which nothing mends: keep the files as evidence", err=True)
    if broken and not faults:
        sys.exit(1)
    if faults:
        click.echo(f"{faults} faults; `hansa rebuild` makes state and index anew from the log", err=True)
        sys.exit(1)


def _audited(settings: settings_.Settings, outside: list[str]) -> Iterator[str]:
    """Every fault of the audit logs. A city that never had one (it was begun by an earlier version) has none."""
    public = settings.data / "audit.pub"
    if not public.exists():
        there = sorted(file.name for file in settings.data.glob("audit-*.db"))
        yield from (f"{name} is there, and audit.pub, by which it is checked, is not" for name in there)
        yield from ("a head was kept elsewhere, and this city has no audit log" for _ in outside[:1])
        return
    logs = [Verifier.parse(line) for line in public.read_text("utf-8").splitlines()]
    witnesses = parsed(settings.witnesses, "trust.witnesses")
    keys = find_keys(settings)
    for realm in REALMS:
        path = settings.data / f"audit-{realm}.db"
        found = 0
        for fault in audit_check(path, realm, logs, key=keys.of(path), witnesses=witnesses, outside=outside):
            found += 1
            yield fault
        if not found:
            click.echo(f"{realm}: the audit log is sound")


@click.command()
@data_option
def rebuild(data: Path) -> None:
    """Make state and index anew from checkpoint and log."""
    _there(data)
    lock = Lock(data)
    settings = settings_.load(data)
    try:
        for city in open_cities(settings, clock_of(settings.clock), direct=True).values():
            for line in city.store.rebuild():
                click.echo(line)
            city.close()
    finally:
        lock.release()


@click.command()
@click.option("--realm", type=click.Choice(REALMS), default="open", show_default=True)
@click.option("--log", "whole", is_flag=True, help="Every Change instead of the entities as they are.")
@click.option("-o", "--output", type=click.File("wb"), default="-", help="A file; else standard output.")
@data_option
def export(realm: str, whole: bool, output: Any, data: Path) -> None:
    """Entities (or the log) as NGSI-LD, one JSON object a line; `hansa import` reads it back."""
    _there(data)
    noted_export(data, realm, log=whole)
    db = connect_realm(settings_.load(data), realm)
    try:
        if whole:
            from hansa.platform.sqlite.log import LogReader

            log = LogReader(db, realm)
            seq = 0
            while changes := log.since(seq, 1_000):
                seq = changes[-1].seq
                output.writelines(_line(change) for change in changes if not change.tenant.startswith("~"))
            return
        for (doc,) in db.execute(
            "SELECT doc FROM entity JOIN name ON name.n = entity.tenant WHERE doc IS NOT NULL AND text = ''"
        ):
            output.write(doc + b"\n")
    finally:
        db.close()


def _line(change: Change) -> bytes:
    names = ("name", "datasetId", "status", "old", "new")
    parts = [dict(zip(names, part, strict=True)) for part in change.parts]
    said = {"seq": change.seq, "id": change.entity.id, "at": change.at, "actor": change.actor, "cause": change.cause}
    return orjson.dumps({**said, "gone": change.gone, "parts": parts}) + b"\n"


commands = {"check": check, "rebuild": rebuild, "export": export}
