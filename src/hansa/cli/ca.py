"""`hansa ca show`: the certificate that people and devices need to know this city by."""

from pathlib import Path

import click

from hansa import settings as settings_
from hansa.cli import data_option
from hansa.serve.tls import of_city
from hansa.trust import authority


@click.group()
def ca() -> None:
    """The city's own certificate authority, where it was given no certificate."""


@ca.command()
@data_option
def show(data: Path) -> None:
    """Print the authority's certificate (PEM, to stdout) and its fingerprint (to stderr)."""
    held, _ = of_city(data, settings_.load(data).name, make=False)
    click.echo(held.certificate.decode(), nl=False)
    click.echo(f"SHA-256 {authority.fingerprint(held.certificate)}", err=True)
    click.echo(f"until   {authority.until(held.certificate):%Y-%m-%d}", err=True)


commands = {"ca": ca}
