"""`hansa backup` and `restore`: a city in one file, and back."""

import time
from pathlib import Path

import click

import hansa
from hansa.cli import data_option
from hansa.cli.audit import noted_export
from hansa.cli.keys import key_file_option, keys_of
from hansa.clock import text
from hansa.errors import BadRequest
from hansa.platform import backup as backup_
from hansa.serve.folder import REALMS, Lock
from hansa.serve.keys import BESIDE, write_ring
from hansa.serve.saved import VERSIONS, source_of


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@data_option
def backup(file: Path, data: Path) -> None:
    """Copy the city, running or asleep, into FILE.hansa; sealed parts stay sealed, and the key is not in it."""
    if not (data / "open.db").exists():
        raise BadRequest(f"there is no city in {data}", mend="give its folder with --data")
    keys = keys_of(data, None)
    if file.exists():
        raise BadRequest(f"{file} is there already", where="FILE", mend="give another name")
    for realm in REALMS:  # all of it leaves the city
        noted_export(data, realm, log=True)
    try:  # a city that sleeps must not wake, nor change its keys, meanwhile
        lock = Lock(data)
    except BadRequest:
        lock = None
    began = time.monotonic()
    try:
        source = source_of(data, keys)
        said = backup_.write(
            file, source, keys.ring.newest, hansa=hansa.__version__, made=text(time.time_ns() // 1_000)
        )
    finally:
        if lock is not None:
            lock.release()
    _tell(said, began)
    click.echo(f"{file} is whole: it was read again. It is opened with the key {said.key}, which is not in it")


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@key_file_option
@click.option("--keep-key", is_flag=True, help="Put the key into the new folder, as security.key.")
@data_option
def restore(file: Path, key_file: Path | None, data: Path, *, keep_key: bool) -> None:
    """Make a city's folder of a backup, after all of it was verified; `--data` is a new folder, or an empty one."""
    ring = keys_of(data, key_file, ask=True).ring
    began = time.monotonic()
    said = backup_.restore(file, data, ring, VERSIONS)
    if keep_key:
        write_ring(data / BESIDE, ring, new=True)
    _tell(said, began)
    click.echo(f"the city of {said.made} is in {data}" + ("" if keep_key else "; its key is not, and it needs it"))


def _tell(said: backup_.Manifest, began: float) -> None:
    for part in said.parts:
        click.echo(f"  {part.name}  {part.bytes:,} bytes" + ("  sealed" if part.sealed else ""))
    total, took = sum(part.bytes for part in said.parts), max(1e-9, time.monotonic() - began)
    heads = ", ".join(f"{realm} to Change {head:,}" for realm, head in said.heads.items())
    click.echo(f"{total:,} bytes, {total / took / 1e6:,.0f} MB/s; {heads}")


commands = {"backup": backup, "restore": restore}
