"""Tables in the very process that asks: for cities in memory, and for tests."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from hansa.app import Answer
from hansa.platform.store import Reader
from hansa.platform.tables import cooking, writing
from hansa.platform.tables.engine import Engine, Made
from hansa.platform.tables.forms import FORMS
from hansa.trust.labels import PUBLIC


class DirectTables:
    """As `KeptTables`, without a process."""

    def __init__(self, folder: Path) -> None:
        """In a folder; DuckDB begins with the first question."""
        self._folder = folder

    @cached_property
    def engine(self) -> Engine:
        """What answers."""
        return Engine(self._folder, memory="256MB", threads=1)

    def ask(self, query: Mapping[str, Any], /) -> dict[str, Any]:
        """Rows that answer a question."""
        return self.engine.ask(query)

    def columns(self, sha256: str, /) -> list[dict[str, Any]]:
        """Its columns."""
        return self.engine.columns(sha256)

    def file(self, sha256: str, form: str, /, name: str = "") -> Answer:
        """It as a file."""
        path = writing.written(self.engine, sha256, form)
        return Answer(b"", FORMS[form], f"{name or sha256[:12]}.{form}", file=path)

    def cook(self, reader: Reader, recipe: Any, sheet: bytes | None) -> Made:
        """The table of a recipe."""
        return cooking.cook(self.engine, reader, recipe, PUBLIC, sheet)
