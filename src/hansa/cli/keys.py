"""`hansa key`: the key of a city's sealed files: which it is, a new one, another one."""

import time
from dataclasses import replace
from pathlib import Path

import click

from hansa import settings as settings_
from hansa.cli import data_option
from hansa.platform.sqlite import sealed
from hansa.serve import Lock, find_keys
from hansa.serve.keys import Keys, rotate, sealed_files, write_ring
from hansa.trust.keys import CityKey, KeyRing

key_file_option = click.option(
    "--key-file", type=click.Path(dir_okay=False, path_type=Path), help="The key's file, instead of the city's setting."
)


@click.group()
def key() -> None:
    """The key of the city's sealed files."""


@key.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
def new(file: Path) -> None:
    """Make a key file, readable by its owner alone, for a city that is to begin with it."""
    made = CityKey.fresh()
    write_ring(file, KeyRing((made,)), new=True)
    click.echo(f"{made.id}  {file}")


@key.command("show-id")
@key_file_option
@data_option
def show_id(key_file: Path | None, data: Path) -> None:
    """Which key the city has, and which of its files that opens; never the key itself."""
    keys = keys_of(data, key_file)
    for number, one in enumerate(keys.ring.keys):
        click.echo(f"{one.id}  {'older, from' if number else 'from'} {keys.ring.source or keys.file}")
    others = 0
    for path in sealed_files(data):
        seal, opens = sealed.seal_of(path), sealed.opens(keys.ring, path)
        if opens is not None:
            told = f"sealed with {opens.id}"
        elif seal:
            told, others = f"sealed with another key ({seal})", 1
        else:
            told = "not sealed yet: it will be when the city starts"
        click.echo(f"  {path.name}  {told}")
    if others:
        raise SystemExit(1)


@key.command("rotate")
@click.option(
    "--new", type=click.Path(dir_okay=False, path_type=Path),
    help="File of the new key, where the old one is in no file; made if it is not there.",
)  # fmt: skip
@data_option
def rotate_(new: Path | None, data: Path) -> None:
    """Seal the files of a sleeping city with a new key; cut off, it goes on when it is called again."""
    lock = Lock(data)
    try:
        keys = find_keys(settings_.load(data), make=False)
        total, began = 0, time.monotonic()
        for path, size in rotate(data, keys, new):
            total += size
            click.echo(f"  {path.name}  {size:,} bytes")
        took = max(1e-9, time.monotonic() - began)
        click.echo(f"sealed anew: {total:,} bytes, {total / took / 1e6:,.0f} MB/s")
    finally:
        lock.release()
    if keys.file is None:
        click.echo(f"put what is in {new} where the key came from ({keys.ring.source}), before the city starts")
    else:
        click.echo(
            f"the old key lies beside {keys.file}, under its id: backups made until now need it, the city does not"
        )


def keys_of(data: Path, key_file: Path | None, *, ask: bool = False) -> Keys:
    """The keys of the city in `data`, or those in a file that was said; `ask` as of `find_keys`."""
    settings = settings_.load(data)
    if key_file is not None:
        settings = replace(settings, key_file=str(key_file.absolute()))
    return find_keys(settings, make=False, ask=ask)


commands = {"key": key}
