"""What tests of commands share: run one, and look into the files of a city that sleeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hansa import settings as settings_
from hansa.cli import main
from hansa.model.entity import Entity
from hansa.model.query import Query
from hansa.platform.sqlite import SqliteStore
from hansa.serve import find_keys
from hansa.serve.folder import PLAIN
from hansa.trust.labels import ADMINISTRATOR


def run(*words: object) -> Result:
    """One command as somebody would type it; never a traceback."""
    told = CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "250"})
    assert told.exception is None or isinstance(told.exception, SystemExit), told.output + repr(told.exception)
    return told


@contextmanager
def store(data: Path, realm: str = "open") -> Iterator[SqliteStore]:
    """The store of a city that sleeps."""
    path = data / f"{realm}.db"
    key = None if realm in PLAIN else find_keys(settings_.load(data)).of(path)
    one = SqliteStore(path, realm, key=key)
    yield one
    one.close()


def find(data: Path, kind: str, realm: str = "open", tenant: str = "") -> list[Entity]:
    """Every entity of a type."""
    with store(data, realm) as one:
        reader = one.reader()
        found: list[Any] = reader.find(tenant, Query.parse(types=kind), ADMINISTRATOR, 10_000)
        reader.close()
    return found


def history(data: Path, ident: str, name: str) -> list[Any]:
    """The values of one attribute, oldest first."""
    with store(data) as one:
        reader = one.reader()
        found = [point.value for point in reader.history("", ident, name, ADMINISTRATOR)]
        reader.close()
    return found
