"""`hansa kpi report`: the words of the command; what it does is in `kpi_cards`, loaded when it is called."""

from pathlib import Path

import click


@click.command("report")
@click.argument("framework")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write to; made."
)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=Path("city"), show_default=True,
    envvar="HANSA_DATA", help="The city's folder.",
)  # fmt: skip
@click.option("--url", help="Another city instead: what it has published, https://city.example.")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="A file as `score` takes it, instead.")
@click.option("--period", help="Which period; else the last one that is over.")
@click.option("--area", default="city", show_default=True, help="The whole city, or the id of a district.")
@click.option("--city", "name", help="What the city is called.")
def report(
    framework: str,
    out: Path,
    data: Path,
    url: str | None,
    file: Path | None,
    period: str | None,
    area: str,
    name: str | None,
) -> None:
    """Write the card of FRAMEWORK: card.pdf, fact-sheet.pdf, card.csv, card.jsonld, and the method of every number."""
    from hansa.cli import kpi_cards  # it loads the app and the store, which scoring a file needs not

    kpi_cards.write(framework, out, data, url, file, period, area, name)
