"""`hansa ballots`: anybody counts a vote anew from its published ballots, and finds his own there, without any city."""

import json
from pathlib import Path
from typing import IO, Any

import click

from hansa.errors import BadRequest
from hansa.trust.ballots import check as check_
from hansa.trust.ballots import parted

_RECEIPT = 65_536  # bytes: one is under 3,000


@click.group()
def ballots() -> None:
    """What was published of a vote: GET /votes/<key>/published."""


@ballots.command()
@click.argument("file", type=click.File("rb"))
@click.option("--receipt", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Is this ballot in it?")
@click.option("--key", help="The fingerprint that was announced when the vote opened.")
def check(file: IO[bytes], receipt: Path | None, key: str | None) -> None:
    """Recompute a published file: signatures, doubles, numbers, root, result. Exits 2 where anything does not hold."""
    found = check_(parted(file), None if receipt is None else _receipt(receipt))
    if key is not None and key.strip() != found.fingerprint:
        found.fault(f"the file is of another key, {found.fingerprint}")
    if found.ballot:
        click.echo(f"{found.ballot}, key {found.fingerprint}")
        click.echo(f"{found.given:,} were given a ballot, {found.cast:,} were cast, {found.counted:,} count")
        click.echo(f"root {found.root}")
        for option, many in sorted(found.result.get("tally", {}).items(), key=lambda it: (-it[1], it[0])):
            mark = " *" if option in found.result.get("chosen", ()) else ""
            click.echo(f"  {many:>9,}  {option}{mark}")
    if found.mine:
        click.echo(f"your ballot: {found.mine}")
    for fault in found.faults:
        click.echo(f"WRONG: {fault}", err=True)
    if found.faults or found.mine not in {"", "there"}:
        raise BadRequest(f"{len(found.faults):,} faults" if found.faults else "your ballot is not there")
    click.echo("all of it holds")


def _receipt(path: Path) -> dict[str, Any]:
    with path.open("rb") as there:
        body = there.read(_RECEIPT + 1)
    try:
        said = json.loads(body) if len(body) <= _RECEIPT else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise BadRequest(f"{path.name} is no receipt", where="--receipt", mend="the file that the voting page saved")
    return said


commands = {"ballots": ballots}
