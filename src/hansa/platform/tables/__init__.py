"""Tables: rows in files that stay as they are, each known by the SHA-256 of its Parquet.

    recipe -> `cooking` (in a process of its own) -> <sha256>.parquet -> `engine` answers questions, hands out files

A table is ordered by an entity of the type `Table` (`orders`); apps ask it through `City.tables` (`asking`). Questions
are data, never SQL: `query` and `steps` put the statements together, from names that are looked up and values that are
bound. DuckDB is loaded in the processes beside the city alone. ADR 0018.
"""

from collections.abc import Mapping
from typing import Any

from hansa.app import Answer
from hansa.errors import NotFound


class NoTables:
    """The tables of a city that keeps no files."""

    def ask(self, _query: Mapping[str, Any], /) -> dict[str, Any]:
        """None of them is there."""
        raise NotFound("this city keeps no tables", where="table")

    def columns(self, _sha256: str, /) -> list[dict[str, Any]]:
        """None of them is there."""
        raise NotFound("this city keeps no tables", where="table")

    def file(self, _sha256: str, _form: str, /, _name: str = "") -> Answer:
        """None of them is there."""
        raise NotFound("this city keeps no tables", where="table")
