"""`hansa ballots`: anybody counts a vote anew from its published ballots, and finds his own there, without any city."""

import json
from pathlib import Path
from typing import IO, Any

import click

from hansa.errors import BadRequest
from hansa.trust.ballots import check as check_
from hansa.trust.ballots import parted

_UNCOMPARED = 3  # the status of a file that is whole, of which nobody knows whose it is
_RECEIPT = 65_536  # bytes: one is under 3,000


@click.group()
def ballots() -> None:
    """What was published of a vote: GET /votes/<key>/published."""


@ballots.command()
@click.argument("file", type=click.File("rb"))
@click.option("--receipt", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Is this ballot in it?")
@click.option("--key", default="", help="The fingerprint that was announced when the vote opened.")
@click.pass_context
def check(ctx: click.Context, file: IO[bytes], receipt: Path | None, key: str) -> None:
    """Recompute a published file: signatures, doubles, numbers, root, result.

    Exits 0 where all of it holds; 2 where anything does not; 3 where the file agrees with itself and was compared with
    nothing that was announced (neither --key, nor a receipt that bears the fingerprint): anybody can make such a file.
    """
    found = check_(parted(file), None if receipt is None else _receipt(receipt), key)
    if found.ballot:
        click.echo(f"{found.ballot}, fingerprint {found.fingerprint}")
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
    if not found.compared:
        click.echo(
            "the file agrees with itself, but it was NOT COMPARED with what was announced: whoever made it may have "
            "changed question, key and ballots together. Give --key FINGERPRINT, from when the vote opened",
            err=True,
        )
        ctx.exit(_UNCOMPARED)
    with_ = " and ".join({"announced": "what was announced", "receipt": "your receipt"}[it] for it in found.compared)
    click.echo(f"all of it holds, compared with {with_}")


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
