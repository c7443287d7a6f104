"""`hansa bench`: the speed and memory rows of docs/performance.md, beside a floor of the same run where there is one.

The rows live in the checkout's `bench` folder, for nobody measures on an installed package.
"""

import importlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

import hansa
from hansa.errors import BadRequest

ROOT = Path(hansa.__file__).parents[2]
_MARK = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}


@click.command()
@click.argument("rows", nargs=-1, metavar="[ROW]...")
@click.option("--quick", is_flag=True, help="Smaller numbers: whether it runs, not how well.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line, as rows are done.")
@click.option("--list", "only_list", is_flag=True, help="Name the rows.")
def bench(rows: tuple[str, ...], *, quick: bool, as_json: bool, only_list: bool) -> None:
    """Measure this machine: all rows, or those named."""
    known = _known()
    if only_list:
        click.echo("\n".join(known))
        return
    if unknown := [one for one in rows if one not in known]:
        raise BadRequest(f"there is no row {unknown[0][:40]!r}", where="ROW", mend=f"one of {', '.join(known)}")
    machine = importlib.import_module("bench.machine").describe()
    click.echo(machine, err=True)
    done = []
    with tempfile.TemporaryDirectory(prefix="hansa-bench-") as folder:
        for row in _measured(known, rows or tuple(known), Path(folder), quick=quick):
            done.append(row)
            if as_json:
                click.echo(json.dumps(row, ensure_ascii=False))
            else:
                click.echo(f"{row['row']}: {row['measured']}", err=True)
    if not as_json:
        Console().print(_table(done, machine, quick=quick))
    if any(row["ok"] is False for row in done):
        raise SystemExit(1)


def _known() -> dict[str, Callable[[Any], Iterator[dict[str, Any]]]]:
    """The rows of this checkout."""
    if not (ROOT / "bench" / "rows.py").is_file():
        raise BadRequest("the rows are part of the source, not of the package", mend="run it in a checkout of hansa")
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    found: dict[str, Callable[[Any], Iterator[dict[str, Any]]]] = importlib.import_module("bench.rows").known()
    return found


def _measured(known: dict[str, Any], names: tuple[str, ...], folder: Path, *, quick: bool) -> Iterator[dict[str, Any]]:
    run = importlib.import_module("bench.rows").Bench(folder, quick=quick)
    for name in names:
        yield from known[name](run)


def _table(rows: list[dict[str, Any]], machine: str, *, quick: bool) -> Table:
    table = Table(title="hansa bench" + (" --quick" if quick else ""), caption=machine, show_lines=True)
    for head in ("row", "asked", "measured", "floor", "ratio", "held"):
        table.add_column(head, justify="right" if head == "ratio" else "left")
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        table.add_row(row["row"], row["asked"], row["measured"], row["floor"] or "", ratio, _MARK[row["ok"]])
    return table


commands = {"bench": bench}
