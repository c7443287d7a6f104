"""`hansa apps` and `hansa backtest`: what runs, and what an app would have said."""

from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hansa import app as apps_
from hansa import settings as settings_
from hansa.analytics.backtest import MemoryCity, past, replay
from hansa.cli import data_option
from hansa.errors import BadRequest
from hansa.platform.sqlite.log import LogReader
from hansa.serve import connect_realm


@click.command()
@data_option
def apps(data: Path) -> None:
    """The apps of this installation; those that are off, and the command that turns them on."""
    found, off = apps_.installed(settings_.load(data).enabled)
    table = Table("app", "report", "reads", "writes", "state")
    for one in found:
        table.add_row(one.name, one.report, ", ".join(sorted(one.reads)), ", ".join(sorted(one.writes)), "on")
    for missing in off:
        table.add_row(missing.name, "", "", "", f"off: {missing.reason}")
    Console().print(table)


@click.command()
@click.argument("name")
@click.option("--realm", default="open", show_default=True)
@data_option
def backtest(name: str, realm: str, data: Path) -> None:
    """Play the city's log through an app as it is now, and compare with what was said then."""
    found, off = apps_.installed([name])
    if not found:
        raise BadRequest(f"there is no app {name!r}: {off[0].reason if off else ''}", mend="hansa apps")
    if not (data / f"{realm}.db").exists():
        raise BadRequest(f"there is no city in {data}", mend="give its folder with --data")
    settings = settings_.load(data)
    log = LogReader(connect_realm(settings, realm), realm)
    given = {name: {"timezone": settings.timezone, **settings.apps.get(name, {})}}
    first = log.since(0, 1)
    city = MemoryCity(found[0], start=first[0].at if first else 0, settings=given, keep=False)
    then: Counter[str] = Counter()
    now: Counter[str] = Counter()
    actor = f"app:{name}"
    city.watch(lambda changes: now.update(c.entity.type for c in changes if c.actor == actor))
    count = replay(city, past(log, actor, then))
    log.close()
    table = Table("type", "said then", "said now")
    for kind in sorted(then | now):
        table.add_row(kind, f"{then[kind]:,}", f"{now[kind]:,}")
    Console().print(table)
    click.echo(f"{count:,} Changes of others played to {name}")


commands = {"apps": apps, "backtest": backtest}
