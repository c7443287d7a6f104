"""`hansa device ...` and `hansa deadletters ...`: who may speak, and what could not be used."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hansa.cli import data_option
from hansa.cli.desk import ask
from hansa.collect.standard import STANDARD
from hansa.errors import BadRequest


@click.group()
def device() -> None:
    """Enrol, show, silence and release devices."""


@device.command()
@click.argument("name")
@click.option("--profile", required=True, help=f"A JSON file, or one of: {', '.join(STANDARD)}.")
@click.option("--at", "place", metavar="LON,LAT", help="Where it stands.")
@click.option("--realm", type=click.Choice(["open", "security"]), default="open", show_default=True)
@click.option("--label", help="Class of its readings: open, smart, personal or security, perhaps ;owner=...")
@click.option("--entity", help="URI of the entity it speaks for; else urn:ngsi-ld:<type>:<name>.")
@data_option
def add(name: str, profile: str, place: str | None, data: Path, **more: str | None) -> None:
    """Enrol a device; prints its one-time claim."""
    said: dict[str, Any] = {"name": name, "profile": _profile(profile), **more}
    if place is not None:
        said["location"] = {"type": "Point", "coordinates": _point(place)}
    made = ask(data, "POST", ["devices"], said)
    click.echo(f"device   {made['device']}\nspeaks for {made['entity']}\nclaim    {made['claim']}")
    click.echo(
        "\nThe claim works once. Exchange it for the device's secret:\n"
        f'  curl -X POST http://<city>/collect/claim -d \'{{"device": "{name}", "claim": "{made["claim"]}"}}\'\n'
        f"or over MQTT: connect as {name} with the claim, subscribe to hansa/{name}/cmd, take the secret that comes."
    )


@device.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
def list_(as_json: bool, data: Path) -> None:
    """Every device, when it was last heard, and what was refused of it."""
    found = ask(data, "GET", ["devices"])
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("device", "state", "realm", "profile", "last seen", "readings", "refusals")
    for one in sorted(found, key=lambda d: d["name"]):
        row = (one["state"], one["realm"], one["profile"], one["lastSeen"] or "never", one["readings"], one["refusals"])
        table.add_row(one["name"], *map(str, row))
    Console().print(table)


@device.command()
@click.argument("name")
@data_option
def renew(name: str, data: Path) -> None:
    """A new claim for a device that lost its secret; the old secret ends at once."""
    click.echo(f"claim    {ask(data, 'POST', ['devices', name, 'renew'])['claim']}")


@device.command("profile")
@click.argument("name")
@click.argument("profile")
@data_option
def mend(name: str, profile: str, data: Path) -> None:
    """Give a device another PROFILE (a JSON file, or a standard one), for what it says from now on and for retries."""
    told = ask(data, "PUT", ["devices", name, "profile"], _profile(profile))
    click.echo(f"{told['name']} speaks by {told['profile']}")


def _state(command: str, state: str, said: str) -> click.Command:
    @device.command(command, help=said)
    @click.argument("name")
    @data_option
    def set_state(name: str, data: Path) -> None:
        told = ask(data, "POST", ["devices", name, "state"], {"state": state})
        click.echo(f"{told['name']} is {told['state']}")

    return set_state


_state("quarantine", "quarantined", "Keep what it says as dead letters until it is released.")
_state("release", "active", "Let a quarantined device speak again.")
_state("revoke", "revoked", "Shut it out for good; its secret ends at once.")


@click.group()
def deadletters() -> None:
    """What could not be used, with its reason."""


@deadletters.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
def letters(as_json: bool, data: Path) -> None:
    """The newest hundred."""
    found = ask(data, "GET", ["deadletters"])
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("when", "kind", "from", "reason", "id")
    for one in found:
        table.add_row(one["at"], one["kind"], one["source"], one["reason"], one["id"].rsplit(":", 1)[1])
    Console().print(table)


@deadletters.command()
@click.argument("ident")
@data_option
def retry(ident: str, data: Path) -> None:
    """Try one again."""
    click.echo(ask(data, "POST", ["deadletters", _whole(ident), "retry"])["outcome"])


@deadletters.command()
@click.argument("ident")
@data_option
def drop(ident: str, data: Path) -> None:
    """Throw one away."""
    ask(data, "DELETE", ["deadletters", _whole(ident)])
    click.echo("gone")


def _whole(ident: str) -> str:
    return ident if ident.startswith("urn:") else f"urn:ngsi-ld:DeadLetter:{ident}"


def _point(text: str) -> list[float]:
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        raise BadRequest(f"{text!r} should be longitude,latitude", where="--at") from None
    return [longitude, latitude]


def _profile(said: str) -> Any:
    if said in STANDARD:
        return STANDARD[said]
    try:
        return json.loads(Path(said).read_text("utf-8"))
    except OSError:
        mend = f"a file, or {', '.join(STANDARD)}"
        raise BadRequest(f"there is no profile {said!r}", where="--profile", mend=mend) from None
    except ValueError as fault:
        raise BadRequest(f"{said} is not JSON: {fault}", where="--profile") from None


commands = {"device": device, "deadletters": deadletters}
