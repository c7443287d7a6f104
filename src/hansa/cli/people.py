"""`hansa person ...`: who may sign in, and the links by which people come in."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hansa.cli import data_option
from hansa.cli.desk import ask
from hansa.errors import BadRequest
from hansa.trust.people import PERSON_ROLES


@click.group()
def person() -> None:
    """Let people in, say what they are, and shut them out."""


@person.command()
@data_option
def enrol(data: Path) -> None:
    """A new link for the city's first administrator; an earlier one opens nothing any more."""
    click.echo(ask(data, "POST", ["invitations", "first"])["link"])


def _roles(command: Any) -> Any:
    roles = ", ".join(PERSON_ROLES)
    command = click.option("--department", "departments", multiple=True, help="A department; may be said again.")(
        command
    )
    return click.option("--role", "roles", multiple=True, required=True, help=f"May be said again: {roles}.")(command)


@person.command()
@click.argument("name", required=False)
@_roles
@click.option("--shown", help="The person's name, as others see it.")
@data_option
def invite(
    name: str | None, roles: tuple[str, ...], departments: tuple[str, ...], shown: str | None, data: Path
) -> None:
    """A link for somebody new, perhaps under the account NAME; prints it once."""
    said = {"name": name, "shown": shown, "roles": list(roles), "departments": list(departments)}
    made = ask(data, "POST", ["invitations"], {key: value for key, value in said.items() if value is not None})
    click.echo(f"{made['link']}\n\nIt works once, until {made['until']}, for whoever opens it first.")


@person.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
def list_(as_json: bool, data: Path) -> None:
    """Everybody who has an account, and every link that waits."""
    found = ask(data, "GET", ["people"])["people"]
    links = ask(data, "GET", ["invitations"])
    if as_json:
        click.echo(json.dumps({"people": found, "invitations": links}))
        return
    table = Table("account", "name", "roles", "departments", "signs in by", "sessions", "last seen")
    for one in found:
        ways = [f"{one['passkeys']} passkeys"] if one["passkeys"] else []
        ways += [] if not one["password"] else ["password and code" if one["authenticator"] else "password"]
        seen = "closed" if one["disabled"] else one["seen"] or "never"
        row = (one["shown"], ", ".join(one["roles"]), ", ".join(one["departments"]), ", ".join(ways), one["sessions"])
        table.add_row(one["name"], *map(str, row), seen)
    for one in links:
        table.add_row(one["name"], one["shown"], ", ".join(one["roles"]), ", ".join(one["departments"]),
                      f"a link ({one['kind']})", "", f"until {one['until']}")  # fmt: skip
    Console().print(table)


@person.command()
@click.argument("name")
@_roles
@data_option
def roles(name: str, roles: tuple[str, ...], departments: tuple[str, ...], data: Path) -> None:
    """Other roles and departments for somebody; all sessions of his end."""
    told = ask(data, "PATCH", ["people", name], {"roles": list(roles), "departments": list(departments)})
    click.echo(f"{told['name']} is {', '.join(told['roles'])}")


@person.command()
@click.argument("name")
@data_option
def close(name: str, data: Path) -> None:
    """Close an account: all sessions end, and nothing opens it."""
    ask(data, "PATCH", ["people", name], {"disabled": True})
    click.echo(f"{name} is shut out")


@person.command("open")
@click.argument("name")
@data_option
def open_(name: str, data: Path) -> None:
    """Open an account again that was closed."""
    ask(data, "PATCH", ["people", name], {"disabled": False})
    click.echo(f"{name} may sign in again")


@person.command()
@click.argument("name")
@data_option
def recover(name: str, data: Path) -> None:
    """A link for somebody who lost all keys, where there are not two other administrators to decide it."""
    made = ask(data, "POST", ["people", name, "recover"])
    click.echo(f"{made['link']}\n\nIt works once, until {made['until']}. What {name} signed in by before ends with it.")


@person.command("end")
@click.argument("name")
@data_option
def end_(name: str, data: Path) -> None:
    """End all sessions of somebody."""
    click.echo(f"{ask(data, 'DELETE', ['people', name, 'sessions'])['ended']} sessions ended")


@person.command("withdraw")
@click.argument("ident")
@data_option
def withdraw(ident: str, data: Path) -> None:
    """Take a link back, by its id or the account that it is for."""
    links = [one for one in ask(data, "GET", ["invitations"]) if ident in {one["id"], one["name"]}]
    if not links:
        raise BadRequest(f"no link waits under {ident[:60]!r}", mend="hansa person list --json")
    for one in links:
        ask(data, "DELETE", ["invitations", one["id"]])
    click.echo("It opens nothing any more.")


commands = {"person": person}
