"""Every command and option is in docs/commands.md, and nothing else is."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from hansa.cli import main

TEXT = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")


def built(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Every command that can be called, with its arguments, and its options."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from built(found, (*path, name))
        return
    arguments = [str(p.metavar or p.name).strip("[].").upper() for p in command.params if isinstance(p, click.Argument)]
    options = {max(p.opts, key=len) for p in command.params if isinstance(p, click.Option)}
    yield " ".join((*path, *arguments)), options


def documented(text: str) -> dict[str, set[str]]:
    """The same of the page: its headings, and the first cells of their tables."""
    said = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading = re.match(r"`hansa ([^`]+)`", section)
        assert heading, section[:60]
        said[heading[1]] = set(re.findall(r"^\| `(--[a-z-]+)` \| [^|\s]", section, re.MULTILINE))
    return said


def test_every_command_and_option_is_documented_and_nothing_else() -> None:
    assert documented(TEXT) == dict(built(main))


def test_a_command_or_option_that_is_left_out_would_be_missed() -> None:
    assert documented(TEXT.replace("| `--refused` |", "| refused |")) != documented(TEXT)
    assert documented(TEXT.replace("## `hansa check`", "### `hansa check`")) != documented(TEXT)
    assert documented(TEXT.replace("| as JSON |", "| |")) != documented(TEXT)
