"""Tables as files for whoever takes them: CSV, JSON, GeoJSON, XLSX; the Parquet is there already.

A CSV is opened in spreadsheets, which run what begins like a formula: such texts have an apostrophe before them
(OWASP, "CSV Injection"). Times are in UTC and say so. tests/platform/test_tables.py
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from hansa.collect import sheets
from hansa.errors import BadRequest, TooLarge
from hansa.platform.tables.engine import Engine, plain
from hansa.platform.tables.forms import FORMS
from hansa.platform.tables.words import quoted

if TYPE_CHECKING:
    from hansa.platform.tables.steps import Types

_XLSX_ROWS: Final = 200_000  # beyond it nobody opens a spreadsheet
_BATCH: Final = 10_000
WITHIN_S: Final = 300.0
MAKING: Final = "file-"
"""With what folders begin in which files are being made."""
_RUNS: Final = "^[=+\\-@\\t\\r\\n＝＋－＠]"
_NUMBER: Final = "^[+-]?[0-9]+([.,][0-9]+)?[ ]*%?$"


def written(engine: Engine, sha256: str, form: str) -> Path:
    """The file of a table, made where it is not there yet. BadRequest, NotFound, TooLarge."""
    where = engine.path(sha256)
    if form == "parquet":
        return where
    if form not in FORMS:
        raise BadRequest(f"{form[:20]!r} is no form of a table", where="form", mend=", ".join(FORMS))
    made = engine.folder / f"{sha256}.{form}"
    if made.is_file():
        with suppress(OSError):
            os.utime(made)  # what is asked for stays longest
        return made
    with tempfile.TemporaryDirectory(prefix=MAKING, dir=engine.folder) as folder:
        new = Path(folder) / f"new.{form}"
        with engine.timed(WITHIN_S):
            _WRITERS[form](engine, where, engine.types(sha256), new)
        with new.open("rb") as file:  # it is handed out for ever under its name: half of it never is
            os.fsync(file.fileno())
        new.replace(made)
    return made


def _csv(engine: Engine, where: Path, types: "Types", new: Path) -> None:
    runs, number = _sql(_RUNS), _sql(_NUMBER)
    parts = []
    for name, kind in types.items():
        column = quoted(name)
        if kind == "time":
            column = _time(engine, where, name)
        elif kind in {"text", "geometry"}:
            column = (
                f"CASE WHEN regexp_matches({column}, {runs}) AND NOT regexp_matches({column}, {number}) "
                f"THEN chr(39) || {column} ELSE {column} END"
            )
        parts.append(f"{column} AS {quoted(sheets.csv_text(name))}")
    chosen = f"SELECT {', '.join(parts)} FROM read_parquet({_sql(str(where))})"  # noqa: S608  # names that were looked up
    engine.db.execute(f"COPY ({chosen}) TO {_sql(str(new))} (FORMAT csv, HEADER true)")


def _time(engine: Engine, where: Path, name: str) -> str:
    """A time as ISO 8601, with parts of a second only where there are any."""
    column = quoted(name)
    sql = f"SELECT count(*) FROM read_parquet({_sql(str(where))}) WHERE microsecond({column}) % 1000000 <> 0"  # noqa: S608
    found = engine.db.execute(sql).fetchone()
    fine = ".%f" if found is not None and found[0] else ""
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S{fine}Z')"


def _rows(engine: Engine, where: Path) -> Iterator[tuple[Any, ...]]:
    cursor = engine.db.execute(f"SELECT * FROM read_parquet({_sql(str(where))})")  # noqa: S608  # ours
    while rows := cursor.fetchmany(_BATCH):
        yield from rows


def _json(engine: Engine, where: Path, types: "Types", new: Path) -> None:
    names = list(types)
    with new.open("wb") as file:
        for n, row in enumerate(_rows(engine, where)):
            file.write(b",\n" if n else b"[\n")
            file.write(orjson.dumps(dict(zip(names, map(plain, row), strict=True))))
        file.write(b"\n]\n" if file.tell() else b"[]\n")


def _geojson(engine: Engine, where: Path, types: "Types", new: Path) -> None:
    names = list(types)
    if not ({"lon", "lat"} <= set(names) or "geometry" in names):
        raise BadRequest("nothing of this table is on a map", where="form", mend="csv, json, parquet")
    with new.open("wb") as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        for n, row in enumerate(_rows(engine, where)):
            file.write(b",\n" if n else b"\n")
            file.write(orjson.dumps(feature(dict(zip(names, map(plain, row), strict=True)))))
        file.write(b"\n]}\n")


def feature(said: dict[str, Any]) -> dict[str, Any]:
    """A row as a GeoJSON feature (RFC 7946)."""
    shape, lon, lat = said.pop("geometry", None), said.pop("lon", None), said.pop("lat", None)
    geometry: Any = None
    if shape:
        with suppress(orjson.JSONDecodeError):
            geometry = orjson.loads(shape)
    elif lon is not None and lat is not None:
        geometry = {"type": "Point", "coordinates": [lon, lat]}
    made: dict[str, Any] = {"type": "Feature"}
    if "time" not in said and said.get("id") is not None:  # of a place's history every row has the place's id
        made["id"] = said["id"]
    return made | {"geometry": geometry, "properties": said}


def _xlsx(engine: Engine, where: Path, types: "Types", new: Path) -> None:
    import xlsxwriter  # noqa: PLC0415  # only where one is written

    many = engine.db.execute(f"SELECT count(*) FROM read_parquet({_sql(str(where))})").fetchone()  # noqa: S608  # ours
    if many is not None and many[0] > _XLSX_ROWS:  # said before a minute of work, not after it
        raise TooLarge(f"more than {_XLSX_ROWS:,} rows, for a spreadsheet", where="form", mend="csv, parquet")
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "tmpdir": str(new.parent),
    }
    with xlsxwriter.Workbook(str(new), options) as book:
        page = book.add_worksheet("Data")
        bold = book.add_format({"bold": True})
        page.freeze_panes(1, 0)
        for n, name in enumerate(types):
            page.write_string(0, n, name, bold)
        for r, row in enumerate(_rows(engine, where), 1):
            for c, value in enumerate(map(plain, row)):
                if isinstance(value, bool):
                    page.write_boolean(r, c, value)
                elif isinstance(value, int | float):
                    page.write_number(r, c, value)
                elif value is not None:
                    page.write_string(r, c, str(value)[:32_767])


_WRITERS: Final = {"csv": _csv, "json": _json, "geojson": _geojson, "xlsx": _xlsx}


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
