"""A recipe made into a table: rows out of the city or a sheet, the steps, the file. In a process beside the city.

{"from": {"kind": "entities" | "history" | "sheet" | "table" | "rows", ...}, "sight": "public" | "app", "steps": [...]}
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.platform.store import Reader
from hansa.platform.tables.engine import Engine, Made
from hansa.platform.tables.sources import Sheet, rows_of
from hansa.platform.tables.uploaded import rows_of_sheet
from hansa.platform.tables.words import members
from hansa.trust.labels import Sight, app_sight

SIGHTS: Final = frozenset({"public", "app"})
_MEMBERS: Final = frozenset({"from", "sight", "steps"})


def checked(recipe: Any) -> dict[str, Any]:
    """A recipe that can be tried. BadRequest."""
    told = members(recipe, "recipe", _MEMBERS)
    if not isinstance(told.get("from"), Mapping):
        raise BadRequest("a recipe says what it is from", where="recipe.from")
    if told.get("sight", "public") not in SIGHTS:
        raise BadRequest("a table is made with the eyes of the public, or of the app", where="recipe.sight")
    return told


def cook(engine: Engine, reader: Reader, recipe: Any, public: Sight, sheet: bytes | None = None) -> Made:
    """The table of a recipe; `sheet` is what was sent, where it is from one. BadRequest, NotFound, TooLarge, Busy."""
    told = checked(recipe)
    source, steps = told["from"], told.get("steps")
    if source.get("kind") == "table":
        digest = members(source, "from", frozenset({"kind", "sha256"})).get("sha256")
        digest = digest if isinstance(digest, str) else ""
        path = str(engine.path(digest)).replace("'", "''")
        return engine.make(f"read_parquet('{path}')", engine.types(digest), steps)
    if source.get("kind") == "sheet":
        if sheet is None:
            raise BadRequest("there is no such file", where="from.sha256")
        columns, rows = rows_of_sheet(sheet)
    else:
        sight = app_sight("tables") if told.get("sight") == "app" else public
        columns, rows = rows_of(reader, source, sight)
    with tempfile.TemporaryDirectory(prefix="rows-", dir=engine.folder) as folder:
        made = Sheet(Path(folder) / "rows.csv", columns).write(rows)
        types = {name: "geometry" if name == "geometry" else kind for name, kind in made.types.items()}
        return engine.make(made.sql(), types, steps)
