"""`hansa models ...`: what entities of a type look like, as JSON Schemas of Smart Data Models say it."""

import gzip
import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hansa.cli import data_option
from hansa.cli.desk import ask
from hansa.errors import BadRequest, HansaError
from hansa.platform.models.schema import described


@click.group()
def models() -> None:
    """Give the city schemas of types, and hold entities against them."""


@models.command()
@click.argument("path", type=click.Path(path_type=Path))
@data_option
def add(path: Path, data: Path) -> None:
    """Give a schema, or all *.json of a folder; what they refer to is given in the same way."""
    files = _files(path)
    refused = 0
    # What others refer to comes first: a model is taken when all that it refers to is there.
    for file, document in sorted(files, key=lambda one: (described(one[1]) is not None, str(one[0]))):
        try:
            told = ask(data, "POST", ["models"], {"name": file.name, "schema": document})
        except HansaError as fault:
            if len(files) == 1:
                raise
            refused += 1
            where = f" ({fault.where})" if fault.where else ""
            click.echo(f"refused  {file}: {fault.detail}{where}", err=True)
            continue
        click.echo(f"{told['type'] or '(referred to)'}  {told['url']}")
    if refused:
        raise SystemExit(1)


def _files(path: Path) -> list[tuple[Path, Any]]:
    """The schemas of a file or a folder: of a folder, those files that hold one; examples lie beside them."""
    if path.is_dir():
        found = [(file, _read(file)) for file in sorted(path.rglob("*.json"))]
        schemas = [(file, one) for file, one in found if type(one) is dict and _looks_like_schema(one)]
        if not schemas:
            raise BadRequest(f"{path} holds no JSON Schema", where="PATH")
        return schemas
    return [(path, _read(path))]


def _looks_like_schema(document: dict[str, Any]) -> bool:
    return "$schema" in document or "definitions" in document or "$defs" in document


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as fault:
        raise BadRequest(f"{file} cannot be read: {fault.strerror}", where="PATH") from None
    except (ValueError, RecursionError) as fault:
        raise BadRequest(f"{file} is not JSON: {fault}", where=str(file)) from None


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
def list_(as_json: bool, data: Path) -> None:
    """Every schema that was given."""
    found = ask(data, "GET", ["models"])
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("type", "title", "URL", "file")
    for one in found:
        table.add_row(one["type"] or "–", one["title"] or "", one["broken"] or one["url"], one["name"])
    Console().print(table)


@models.command()
@click.argument("word", metavar="TYPE")
@data_option
def remove(word: str, data: Path) -> None:
    """Forget the schema of a type, or that of a URL."""
    told = ask(data, "DELETE", ["models", word])
    click.echo(f"{told['type'] or told['url']} is forgotten")


@models.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
def check(file: Path, data: Path) -> None:
    """Hold the entities of a FILE (NGSI-LD: an array, one object, or one a line) against the city's models."""
    faults = 0
    for entity in _entities(file):
        told = ask(data, "POST", ["models", "check"], {"entity": entity})
        if not told["models"]:
            click.echo(f"{told['id']}: there is no model of {_words(told['type'])}")
        for one in told["models"]:
            faults += len(one["faults"])
            for fault in one["faults"]:
                click.echo(f"{told['id']} {fault['path'] or '/'}: {fault['reason']}")
            if not one["faults"]:
                click.echo(f"{told['id']}: as {one['url']} says")
    if faults:
        raise SystemExit(1)


def _entities(file: Path) -> list[Any]:
    try:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as fault:
        raise BadRequest(f"{file} cannot be read: {fault}", where="FILE") from None
    try:
        whole = json.loads(text)
        return whole if type(whole) is list else [whole]
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as fault:
        raise BadRequest(f"{file} is no JSON: {fault}", where="FILE") from None


def _words(kind: Any) -> str:
    return ", ".join(kind) if type(kind) is list else str(kind)


commands = {"models": models}
