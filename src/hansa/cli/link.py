"""`hansa link ...`: on a congested line warnings pass first, by Linux' traffic control or as files for an SDN."""

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from hansa.errors import BadRequest

_FILES = ("openflow", "ryu", "onos")


def _line_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a line is shared: the same words for the kernel and for a controller."""
    for option in (
        click.option("--ceil", default="100%", show_default=True, help="What warnings have at most, when all warn."),
        click.option("--city", default="30%", show_default=True, help="What readings and commands are sure of."),
        click.option("--reserve", default="20%", show_default=True, help="What warnings are sure of."),
        click.option(
            "--rate", required=True, help="What the line carries, a little less than it is sold for: 950kbit."
        ),
    ):
        command = option(command)
    return command


_direction = click.option(
    "--direction", type=click.Choice(("auto", "both", "out")), default="auto", show_default=True,
    help="What leaves, or what comes in too (by an ifb); auto: both where the kernel can.",
)  # fmt: skip
_replace = click.option("--replace", is_flag=True, help="Take away a queueing discipline that somebody else made.")


@click.group()
def link() -> None:
    """Let warnings pass first on a line that this machine sends by."""


@link.command("set")
@click.argument("iface")
@_line_options
@_direction
@_replace
def set_line(iface: str, rate: str, reserve: str, city: str, ceil: str, direction: str, *, replace: bool) -> None:
    """Reserve a share of a line for warnings. Said again, it changes the shares and loses nothing."""
    from hansa.network import tc
    from hansa.network.shaping import Line, spoken

    line = Line.asked(rate, reserve, city, ceil)
    notes = tc.put(iface, line, direction, replace=replace)
    for share in line.shares:
        click.echo(f"{share.name:9} sure of {spoken(share.rate)}, at most {spoken(share.ceil)}")
    for note in notes:
        click.echo(f"note: {note}", err=True)


@link.command("plan")
@click.argument("iface")
@_line_options
@_direction
@_replace
def plan_line(iface: str, rate: str, reserve: str, city: str, ceil: str, direction: str, *, replace: bool) -> None:
    """Print what `set` would do, and do nothing."""
    from hansa.network import tc
    from hansa.network.shaping import Line

    found = tc.plan(iface, Line.asked(rate, reserve, city, ceil), direction, replace=replace)
    for step in found.steps:
        click.echo(shlex.join(step.words))
    for note in found.notes:
        click.echo(f"note: {note}", err=True)


@link.command("show")
@click.argument("iface")
@click.option("--json", "as_json", is_flag=True, help="As JSON: rates in bit/s, the rest in bytes and packets.")
def show_line(iface: str, *, as_json: bool) -> None:
    """What each class may take, and what the kernel counted of it."""
    from hansa.network import tc
    from hansa.network.shaping import spoken

    found = tc.counts(iface)
    if as_json:
        told = {way: [asdict(one) for one in counts] for way, counts in found.items()}
        click.echo(json.dumps({"interface": iface, "shaped": bool(found), "directions": told}))
        return
    if not found:
        click.echo(f"{iface} is not shaped by hansa")
        return
    table = Table("way", "class", "sure of", "at most", box=SIMPLE, padding=(0, 1, 0, 0))
    for head in ("sent", "packets", "dropped", "waiting"):
        table.add_column(head, justify="right")
    for way, counts in found.items():
        for one in counts:
            limits = (spoken(one.rate), spoken(one.ceil))
            waiting = f"{_bytes(one.backlog_bytes)} ({one.backlog_packets:,})"
            sent = (_bytes(one.sent_bytes), f"{one.sent_packets:,}", f"{one.dropped_packets:,}", waiting)
            table.add_row(way, one.name, *limits, *sent)
    Console().print(table)


@link.command("remove")
@click.argument("iface")
def remove_line(iface: str) -> None:
    """Give a line back as it was."""
    from hansa.network import tc

    for note in tc.take(iface):
        click.echo(note)


@link.command("export")
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--format", "kind", type=click.Choice(_FILES), required=True, help="For whom: ovs-ofctl, Ryu, or ONOS.")
@_line_options
@click.option("--switch", required=True, help="Whose: a bridge (openflow), a datapath id (ryu), of:... (onos).")
@click.option("--port", type=int, required=True, help="The number of the line's port.")
@click.option("--port-name", required=True, help="The name of the line's port, for its queues.")
@click.option("--inside", type=int, required=True, help="The number of the port by which the line's traffic comes.")
@click.option("--table", type=int, default=0, show_default=True, help="The table that the rules go to.")
@click.option(
    "--next", "following", type=int, help="The table that forwards; without it, everything leaves by the line."
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
def export_line(
    out: Path, kind: str, rate: str, reserve: str, city: str, ceil: str, switch: str, port: int, port_name: str,
    inside: int, table: int, following: int | None, *, force: bool,
) -> None:  # fmt: skip
    """The same rules as files for an SDN controller: OpenFlow 1.3 queues, meters and flows."""
    from hansa.network import openflow
    from hansa.network.shaping import Line

    where = openflow.Switch(kind, switch, port, inside, port_name, table, following)
    rules = openflow.Rules(Line.asked(rate, reserve, city, ceil), where)
    files = openflow.files(rules)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (out / name).open("w" if force else "x", encoding="utf-8") as file:
                file.write(text)
            click.echo(str(out / name))
    except FileExistsError as fault:
        raise BadRequest(f"{fault.filename} is there already", where="OUT", mend="another folder, or --force") from None
    except OSError as fault:
        raise BadRequest(f"{out} cannot be written: {fault.strerror}", where="OUT") from None


def _bytes(count: int) -> str:
    for unit, step in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


commands = {"link": link}
