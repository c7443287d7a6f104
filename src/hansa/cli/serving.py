"""`hansa serve`: the parts of a city; `hansa up`: all of it on this machine, with a demo valley if asked."""

from pathlib import Path
from typing import Any

import click
import uvloop

from hansa import settings as settings_
from hansa.cli import data_option, log_to_stderr
from hansa.errors import BadRequest
from hansa.serve import Running
from hansa.serve import serve as serve_city


def _told(running: Running) -> None:
    click.echo(f"  the city   {running.url}/")
    for host, port in running.mqtt_at:
        click.echo(f"  devices    mqtt://{host}:{port}   topic hansa/<device>/<format>")
    for host, port in running.tls_at:
        click.echo(f"  devices    mqtts://{host}:{port}")
    if running.certificate is not None and running.certificate.own:
        click.echo("  its TLS    a certificate of its own: hansa ca show prints what to trust")
    for off in running.acting.off:
        click.echo(f"  app off    {off.name}: {off.reason}")
    echo_key(running)
    echo_enrolment(running)
    click.echo(f"  its files  {running.settings.data.absolute()}")


def echo_enrolment(running: Running) -> None:
    """Say where the first administrator comes in, as long as there is none."""
    if running.enrolment:
        click.echo(f"  come in    {running.enrolment}   for its first administrator; works once, for a day")


def echo_key(running: Running) -> None:
    """Say where the key is, and what it means that it lies beside what it opens."""
    keys = running.keys
    if keys.made:
        click.echo(f"  its key    {keys.file}   made now; without it nobody can read the sealed files: keep a copy")
    if keys.beside:
        click.echo(
            "  note       the key lies in the same folder as what it opens: docs/backup.md says how to part them"
        )


def _options(command: Any) -> Any:
    for option in (
        click.option("--http", help="host:port of the pages and the API."),
        click.option("--mqtt", help="host:port of the MQTT door without TLS."),
        click.option("--mqtts", help="host:port of the MQTT door with TLS."),
        click.option("--certificate", type=click.Path(exists=True, dir_okay=False), help="PEM file for TLS."),
        click.option("--key", type=click.Path(exists=True, dir_okay=False), help="PEM file of its private key."),
        click.option("--clock", help="wall, driven, or START*RATE such as 2026-04-11T15:00:00Z*60."),
        click.option("--log", help="debug, info, warning or error."),
        data_option,
    ):
        command = option(command)
    return command


@click.command()
@_options
@click.option("--trust-loopback", is_flag=True, default=None, help="This machine's requests are the administrator's.")
def serve(data: Path, trust_loopback: bool | None, **said: Any) -> None:
    """Run the city in a data folder."""
    settings = settings_.load(data, trust_loopback=trust_loopback, **said)
    log_to_stderr(settings.log)
    uvloop.run(serve_city(settings, _told))


@click.command()
@_options
@click.option("--demo", is_flag=True, help="A valley of simulated stations and sensors, an evening in minutes.")
@click.option("--stations", type=click.IntRange(1, 1_000), help="Orchard stations of a new demo valley. [24]")
@click.option("--sensors", type=click.IntRange(0, 1_000), help="Other sensors of a new demo valley. [60]")
@click.option("--past-days", type=click.IntRange(0, 366), help="Days that a new demo valley remembers. [36]")
def up(data: Path, demo: bool, stations: int | None, sensors: int | None, past_days: int | None, **said: Any) -> None:
    """Everything for one machine; prints where to look."""
    if demo:
        from hansa.cli.demo import up_demo

        up_demo(data, said, {"stations": stations, "sensors": sensors, "past_days": past_days})
        return
    if (stations, sensors, past_days) != (None, None, None):
        raise BadRequest("--stations, --sensors and --past-days are the demo valley's", mend="say --demo too")
    said["mqtt"] = said["mqtt"] or "127.0.0.1:1883"
    settings = settings_.load(data, trust_loopback=True, **said)
    log_to_stderr(settings.log)
    uvloop.run(serve_city(settings, _told))


commands = {"serve": serve, "up": up}
