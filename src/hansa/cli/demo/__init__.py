"""`hansa up --demo`: a simulated valley, honest about it, whose devices come in through the real doors.

Owns: the valley (land, weather, sensors), its devices as MQTT clients, and what is loaded before they speak. Must not:
write past the city's doors, or mix simulated readings into a folder that holds anything else.
"""

from pathlib import Path
from typing import Any

import click

from hansa import clock
from hansa import settings as settings_
from hansa.cli import log_to_stderr
from hansa.cli.beside import Companion, free_address, run
from hansa.cli.demo.keys import Keys
from hansa.cli.demo.land import LATITUDE, LONGITUDE, VALLEY, ZONE
from hansa.cli.demo.valley import Plan
from hansa.cli.serving import echo_enrolment, echo_key
from hansa.errors import BadRequest
from hansa.serve import Running

__all__ = ["up_demo"]

RATE = 60.0
"""City seconds in a real one: an evening, a frost night and a dawn pass in some fifteen minutes."""


def up_demo(data: Path, said: dict[str, Any], size: dict[str, int | None] | None = None) -> None:
    """Run a city on `data` with its demo valley beside it, until it is ended. `said`: settings of the command line.

    `size` may say stations, sensors and past_days of a new valley. BadRequest when the folder holds something else.
    """
    clock_said, rate = _clock(said.get("clock"))
    plan = _plan(data, clock_said, size or {})
    Keys(data / "demo-secrets.json")  # what cannot be read is said before anything starts
    said = dict(said)
    said["http"], told_http = free_address(said.get("http"), "127.0.0.1:8080", "http")
    said["mqtt"], told_mqtt = free_address(said.get("mqtt"), "127.0.0.1:1883", "mqtt")
    # The clock stands until the valley is furnished: no minute of the evening is lost to loading.
    said["clock"] = f"{clock.text(plan.start)}*0"
    known = {"name": VALLEY, "timezone": ZONE, "location": (LONGITUDE, LATITUDE), "trust_loopback": True}
    settings = settings_.load(data, **{**known, **said})
    log_to_stderr(said.get("log") or "warning")

    def told(running: Running) -> None:
        for line in (told_http, told_mqtt):
            if line:
                click.echo(f"  note       {line}")
        click.echo(f"  the city   {running.url}/")
        for host, port in running.mqtt_at:
            click.echo(f"  devices    mqtt://{host}:{port}   topic hansa/<device>/<format>")
        for off in running.acting.off:
            click.echo(f"  app off    {off.name}: {off.reason}")
        echo_key(running)
        echo_enrolment(running)
        click.echo(f"  its files  {settings.data.absolute()}")
        click.echo(f"\n  A demo: {VALLEY}. {plan.stations} orchard stations and {plan.sensors} other sensors come in.")

    run(settings, Companion("hansa.cli.demo.crew", {"rate": rate}), told)


def _clock(said: str | None) -> tuple[int | None, float]:
    """Start (None: the plan's) and rate of `START*RATE`; BadRequest for any other clock."""
    if said is None:
        return None, RATE
    start, star, rate = said.partition("*")
    try:
        found = float(rate) if star else RATE
    except ValueError:
        found = -1.0
    if said in {"wall", "driven"} or said.startswith("driven@") or not 0 < found <= 86_400:
        raise BadRequest(
            f"the demo valley cannot follow the clock {said!r}",
            where="--clock",
            mend="give START*RATE, such as 2026-04-11T15:30:00Z*60",
        )
    return clock.parse(start), found


def _plan(data: Path, start: int | None, size: dict[str, int | None]) -> Plan:
    """The plan of the folder's valley, made on the first start."""
    file = data / "demo.json"
    asked = {name: number for name, number in {**size, "start": start}.items() if number is not None}
    plan = Plan.read(file)
    if plan is None:
        if (data / "open.db").exists():
            raise BadRequest(
                f"{data} holds a city already; simulated devices do not go into it",
                where="--data",
                mend="give another folder with --data, or start this city without --demo",
            )
        plan = Plan(**asked)
        plan.write(file)
    elif any(getattr(plan, name) != number for name, number in asked.items()):
        raise BadRequest(
            f"the valley in {data} was made with other numbers", where="--data", mend="give another folder with --data"
        )
    return plan
