"""Sheets that people fill in and take along: CSV and XLSX, read with suspicion, written so that nothing runs.

    for sheet in sheets.read(body, kind): sheet.rows, sheet.merged
    sheets.number("1.234,5") == 1234.5             BadRequest for "1.234", which is read in two ways
    sheets.write([Sheet("Inputs", rows)]) -> XLSX  texts stay texts: "=1+1" is not computed

A CSV may be in UTF-8, UTF-16 or Windows' Latin, with commas, semicolons, tabs or bars. What a spreadsheet computed is
taken as it was last shown; what it could not compute (`#DIV/0!`) is a text that says so. Held by
tests/collect/test_sheets.py. Sources: RFC 4180; ECMA-376 part 1 (SpreadsheetML); OWASP, "CSV Injection".
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from html import unescape
from typing import Any, Final

from hansa.errors import BadRequest, TooLarge, UnsupportedMediaType

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CELLS: Final = 5_000_000
"""Of one file; what an officer fills in has some thousands."""
_UNPACKED: Final = 400_000_000  # bytes of an XLSX without its compression
_SHEETS: Final = 50
_WIDE: Final = 16_384
_TEXT: Final = 32_767  # characters of one cell, as spreadsheets have it
_DELIMITERS: Final = ";\t|,"
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PLAIN: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s*%?\Z")
_DIGITS: Final = re.compile(r"[+-]?[\d.,' \u00a0\u202f]+\Z")
_E: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d{1,3}\Z")

_FAULTS: Final = 10_000  # cells of one sheet that are said to be without a result
# No part of a pattern reaches over the next tag: what somebody made to be slow is read as fast as any.
_TAG: Final = re.compile(rb"<(?:\w{1,9}:)?(?:Relationship|sheet)\b([^<>]*)>")
_SAID: Final = re.compile(rb"([\w:]+)=\"([^\"]*)\"")
_FORMULA: Final = rb"(?:<f\b[^<>]{0,300}/>|<f\b[^<>]{0,300}>[^<]*</f>)"
_FAULTY: Final = re.compile(
    rb"<c\b[^<>]{0,300}?\br=\"([A-Z]{1,3}\d{1,7})\"(?:"
    rb"[^<>]{0,300}?\b(t=\"e\")[^<>]{0,300}>" + _FORMULA + rb"?<v>([^<]*)</v>|"
    rb"(?![^<>]{0,300}\bt=\"str\")[^<>]{0,300}>" + _FORMULA + rb"(?:<v></v>|<v\s?/>)?</c>)"
)
_SCANNED: Final = 60_000_000  # bytes of one sheet's XML; in a larger one, errors stay as empty as the reader gives them

_BEGUN: Final = re.compile(rb"<(?:[^<>\s/\"'=]+:)?(?:row|c)(?=[\s/>])")
_PLACED: Final = re.compile(
    rb"<(?:[^<>\s/\"'=]+:)?(row|c)(?=[\s/>])((?:[^>\"']{1,200}|\"[^\"]{0,500}\"|'[^']{0,500}'){0,40}+)>"
)
_REFERENCE: Final = re.compile(rb"(?:^|\s)r\s*=\s*[\"']([^\"']*)[\"']")
_CELL: Final = re.compile(rb"([A-Za-z]{1,3})(\d{1,7})")

Cell = str | float | bool | datetime | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: rows of cells, as wide as they are; `merged` are the corners (row, column, row, column) from 0 on.

    For writing, `notes` are by (row, column), and `widths` in characters.
    """

    name: str
    rows: Sequence[Sequence[Cell]]
    merged: Sequence[tuple[int, int, int, int]] = ()
    notes: dict[tuple[int, int], str] = field(default_factory=dict)
    widths: Sequence[int] = ()
    header: int = 0
    """How many rows from the top are headings."""


def kind_of(body: bytes) -> str:
    """Whether a file is a CSV or an XLSX, by its bytes. UnsupportedMediaType."""
    if body[:4] == b"PK\x03\x04":
        return XLSX
    if body[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise UnsupportedMediaType(
            "this is an old Excel file, or one with a password", where="file", mend="save it as .xlsx"
        )
    if not body or (b"\0" in body[:4_096] and body[:2] not in {b"\xff\xfe", b"\xfe\xff"}):
        raise UnsupportedMediaType("this is no sheet", where="file", mend="CSV or XLSX")
    if body[:5] in {b"%PDF-", b"<html", b"<!DOC", b"<?xml"} or body[:1] == b"{":
        raise UnsupportedMediaType("this is no sheet", where="file", mend="CSV or XLSX")
    return CSV


def read(body: bytes, kind: str = "") -> list[Sheet]:
    """The sheets of a file. BadRequest, TooLarge, UnsupportedMediaType say what is wrong with it."""
    found = kind_of(body)
    if kind and kind not in {found, "application/octet-stream", "text/plain", "application/vnd.ms-excel"}:
        raise UnsupportedMediaType(f"this says it is {kind[:60]}, and is not", where="file")
    return _xlsx(body) if found == XLSX else [_csv(body)]


def text_of(body: bytes) -> str:
    """The text of a CSV, whatever its encoding."""
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        try:
            return body.decode("utf-16")
        except UnicodeDecodeError:
            raise BadRequest("this begins like UTF-16 and is none", where="file") from None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def delimiter_of(text: str) -> str:
    """What stands between the cells of a CSV: the character that its first lines have alike, and most of."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:20]
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:
        return lines[0][4]

    def weight(char: str) -> tuple[int, int]:
        rows = list(csv.reader(lines, delimiter=char))
        widths = [len(row) for row in rows if row]
        most = max(set(widths), key=widths.count, default=1)
        return (widths.count(most) if most > 1 else 0), most

    return max(_DELIMITERS, key=weight) if lines else ","


def _csv(body: bytes) -> Sheet:
    text = text_of(body)
    delimiter = delimiter_of(text)
    if text[:4].lower() == "sep=":
        text = text.partition("\n")[2]
    rows: list[list[Cell]] = []
    cells = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            cells += len(row) or 1
            if cells > CELLS or len(row) > _WIDE:
                raise TooLarge(f"more than {CELLS:,} cells", where="file")
            rows.append([cell.strip() or None for cell in row])
    except csv.Error as fault:
        raise BadRequest(f"line {len(rows) + 1} cannot be read: {fault}", where="file") from None
    return Sheet("", rows)


def _xlsx(body: bytes) -> list[Sheet]:
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  # only where a sheet is read

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            _bounded(packed)
            uncomputed = _uncomputed(packed)
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        names = book.sheet_names
        left = CELLS
        found = []
        for name in names[:_SHEETS]:
            sheet = book.get_sheet_by_name(name)
            left = _left(left, sheet.total_height * sheet.total_width)
            rows = [[_cell(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
            for (r, c), text in uncomputed.get(name, {}).items():
                rows += [[] for _ in range(r + 1 - len(rows)) if r - len(rows) < _FAULTS]
                if r < len(rows) and c < _WIDE:
                    rows[r] += [None] * (c + 1 - len(rows[r]))
                    rows[r][c] = text if rows[r][c] is None else rows[r][c]
            merged = [(a[0], a[1], b[0], b[1]) for a, b in sheet.merged_cell_ranges or ()]
            found.append(Sheet(name, rows, merged))
    except (zipfile.BadZipFile, zlib.error, CalamineError, ValueError, KeyError, OSError, NotImplementedError) as fault:
        raise BadRequest(f"this XLSX cannot be read: {str(fault)[:200]}", where="file", mend="save it anew") from None
    except BaseException as fault:
        if type(fault).__name__ != "PanicException":  # what the reader, which is no Python, has not foreseen
            raise
        raise BadRequest("this XLSX cannot be read", where="file", mend="save it anew") from None
    return found


def _left(left: int, cells: int) -> int:
    """What is left of the cells that one file may have. A sheet is as large as its last row, also an empty one."""
    if cells > left:
        raise TooLarge(f"more than {CELLS:,} cells", where="file", mend="delete empty rows at the end")
    return left - cells


def _bounded(packed: zipfile.ZipFile) -> None:
    """Refuse what the reader would fill all memory with: it makes room for every cell between the first and the last.

    One cell in the last row and column of a sheet would be 17 thousand million; the process ends, not the call. So all
    of the file is looked through before: that it is what it says, and how far apart its cells are.
    """
    entries = packed.infolist()
    if sum(one.file_size for one in entries) > _UNPACKED:
        raise TooLarge(f"more than {_UNPACKED:,} bytes without compression", where="file")
    names = [one.filename.lower().replace("\\", "/").lstrip("/") for one in entries]
    if "xl/workbook.xml" not in names or len(set(names)) < len(names):
        raise BadRequest("this is no XLSX", where="file", mend="save it as .xlsx, or as CSV")
    if {"content.xml", "xl/workbook.bin", "mimetype"} & set(names):
        raise BadRequest("this is no XLSX, or several things at once", where="file", mend="save it as .xlsx, or as CSV")
    cells = 0
    for one in entries:
        xml = packed.read(one)  # that it is as long as it says, and whole, is found here
        if b"sheetData" in xml:
            cells += _area(xml)
        elif xml[:2] in {b"\xff\xfe", b"\xfe\xff"} or (b"\0" in xml[:200] and one.filename.lower().endswith(".xml")):
            raise BadRequest("this XLSX is in UTF-16", where="file", mend="save it anew")
    if cells > CELLS:
        raise TooLarge(
            f"its cells span {cells:,}; {CELLS:,} are the most", where="file", mend="delete empty rows and columns"
        )


def _area(xml: bytes) -> int:
    """How many cells there are between the outermost of a sheet. BadRequest where a place is none."""
    row = rows = columns = 0
    first_row, first_column = 1 << 30, 1 << 30
    column = 0
    tags = _PLACED.findall(xml)
    if len(tags) != len(_BEGUN.findall(xml)):
        raise BadRequest(
            "a cell of this XLSX is written in a way that nobody writes", where="file", mend="save it anew"
        )
    for kind, said in tags:
        found = _REFERENCE.search(said)
        if kind == b"row":
            row, column = row + 1, 0
            if found is not None:
                row = _numbered(found[1])
            continue
        column += 1
        if found is not None:
            letters, digits = _parts(found[1])
            column, row = letters, digits
        rows, columns = max(rows, row), max(columns, column)
        first_row, first_column = min(first_row, row), min(first_column, column)
    return max(0, rows - first_row + 1) * max(0, columns - first_column + 1)


def _numbered(text: bytes) -> int:
    if not text.isdigit() or len(text) > 7:
        raise BadRequest("a row of this XLSX has no number", where="file", mend="save it anew")
    return int(text)


def _parts(text: bytes) -> tuple[int, int]:
    place = _CELL.fullmatch(text)
    if place is None:
        raise BadRequest("a cell of this XLSX is nowhere", where="file", mend="save it anew")
    letters = 0
    for char in place[1].upper():
        letters = letters * 26 + char - 64
    return letters, int(place[2])


def _uncomputed(packed: zipfile.ZipFile) -> dict[str, dict[tuple[int, int], str]]:
    """Cells whose formula has no result, by sheet: `#DIV/0!` as it is shown, `=` where none was kept.

    The reader gives both as empty, which is something else: nobody left these open.
    """
    try:
        book, ways = packed.read("xl/workbook.xml"), packed.read("xl/_rels/workbook.xml.rels")
    except KeyError:
        return {}
    files, sizes = {}, {one.filename: one.file_size for one in packed.infolist()}
    for tag in _TAG.findall(ways):
        said = dict(_SAID.findall(tag))
        files[said.get(b"Id")] = said.get(b"Target", b"").decode("utf-8", "replace").lstrip("/").removeprefix("xl/")
    found: dict[str, dict[tuple[int, int], str]] = {}
    for tag in _TAG.findall(book):
        said = dict(_SAID.findall(tag))
        path = f"xl/{files.get(said.get(b'r:id'), '')}"
        if b"sheetId" not in said or path not in sizes or sizes[path] > _SCANNED:
            continue
        name = unescape(said.get(b"name", b"").decode("utf-8", "replace"))
        for where, error, text in _FAULTY.findall(packed.read(path)):
            if len(found.setdefault(name, {})) < _FAULTS:
                found[name][_place(where.decode())] = (text.decode("utf-8", "replace") or "#VALUE!") if error else "="
    return found


def _place(name: str) -> tuple[int, int]:
    """Row and column, from 0 on, of a cell by its name."""
    letters = name.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(name[len(letters) :]) - 1, column - 1


def _cell(value: Any) -> Cell:
    if value is None or value == "":
        return None
    if isinstance(value, bool | float | datetime):
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # a sheet says no zone
    if isinstance(value, time | timedelta):
        return str(value)
    text = str(value).strip()
    return text[:_TEXT] or None


def number(said: Cell) -> float:
    """What a cell says as a number, in whichever way people write them. BadRequest where it can be read in two ways.

    `1.234,5` and `1,234.5` are 1234.5, `1 234` and `1'234` 1234; `0,5` is a half; `1.234` and `1,234` are asked back.
    """
    if isinstance(said, bool) or said is None or isinstance(said, datetime):
        raise BadRequest("this is no number")
    if isinstance(said, int | float):
        return float(said)
    text = said.strip().replace("\u2212", "-")
    if _E.match(text):
        return float(text)
    if not text or not _DIGITS.match(text) or not any(char.isdigit() for char in text):
        raise BadRequest(f"{said[:40]!r} is no number", mend="digits, and a comma or point before decimals")
    sign, digits = (-1.0, text[1:]) if text[0] == "-" else (1.0, text.lstrip("+"))
    digits = re.sub(r"(?<=\d)[ '\u00a0\u202f](?=\d{3}(?!\d))", "", digits)
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        decimal = "." if digits.rfind(".") > digits.rfind(",") else ","
        thousands = "," if decimal == "." else "."
        whole, _, part = digits.rpartition(decimal)
        groups = whole.split(thousands)
        if decimal in whole or not part.isdigit() or not _grouped(groups):
            raise BadRequest(f"{said[:40]!r} is no number")
        return sign * float("".join(groups) + "." + part)
    mark = "." if points else "," if commas else ""
    if not mark:
        return sign * _float(digits, said)
    groups = digits.split(mark)
    if len(groups) > 2:
        if not _grouped(groups):
            raise BadRequest(f"{said[:40]!r} is no number")
        return sign * _float("".join(groups), said)
    if len(groups[1]) == 3 and groups[0].isdigit() and groups[0] != "0" and len(groups[0]) <= 3:
        raise BadRequest(
            f"{said[:40]!r} can be read in two ways", mend=f"{''.join(groups)}, or {groups[0]}{mark}{groups[1]}0"
        )
    return sign * _float(".".join(groups), said)


def _grouped(groups: list[str]) -> bool:
    return (
        all(one.isdigit() for one in groups) and 1 <= len(groups[0]) <= 3 and all(len(one) == 3 for one in groups[1:])
    )


def _float(text: str, said: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadRequest(f"{said[:40]!r} is no number") from None


def csv_text(value: Any) -> str:
    """A value as a cell of a CSV that whoever opens it in a spreadsheet can trust: a text that would run does not.

    Numbers stay numbers, also such as -5; a text that begins like a formula has an apostrophe before it (OWASP).
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    return f"'{text}" if text.startswith(_RUNS) and not _PLAIN.match(text) else text


def csv_of(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as a CSV (RFC 4180) in which nothing runs."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([csv_text(cell) for cell in row])
    return out.getvalue()


def write(sheets: Sequence[Sheet]) -> bytes:
    """Sheets as an XLSX. Texts are texts, also those that begin like a formula or an address."""
    import xlsxwriter  # noqa: PLC0415  # only where one is written

    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd hh:mm",
        "nan_inf_to_errors": True,
        "remove_timezone": True,
    }
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for sheet in sheets:
            page = book.add_worksheet(_sheet_name(sheet.name))
            if sheet.header:
                page.freeze_panes(sheet.header, 0)
            for n, width in enumerate(sheet.widths):
                page.set_column(n, n, width)
            for r, row in enumerate(sheet.rows):
                for c, cell in enumerate(row):
                    _put(page, r, c, cell, bold if r < sheet.header else None)
            for (r, c), note in sheet.notes.items():
                page.write_comment(r, c, note)
    return out.getvalue()


def _put(page: Any, r: int, c: int, cell: Any, look: Any) -> None:
    if cell is None:
        return
    if isinstance(cell, bool):
        page.write_boolean(r, c, cell, look)
    elif isinstance(cell, datetime):
        page.write_datetime(r, c, cell, look)
    elif isinstance(cell, int | float):
        page.write_number(r, c, cell, look)
    else:
        page.write_string(r, c, str(cell)[:_TEXT], look)


def _sheet_name(name: str) -> str:
    return re.sub(r"[\[\]:*?/\\']", " ", name)[:31].strip() or "Sheet"
