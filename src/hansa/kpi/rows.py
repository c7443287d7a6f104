"""A file of values, YAML or CSV, as rows: the line, the code, the data point, the field and what stands there.

YAML is composed, never constructed: no tag makes an object, no alias repeats a part, nesting and size are capped, and
what is written is kept as text with its line, so that `010` is no eight and `1:30` no ninety. Codes such as
`EC: ICT: ICT: 1C` need no quotes, though YAML would want them. What the rows mean is `filed`'s business.

Tests: tests/kpi/test_kpi_filed.py.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hansa.errors import BadRequest, TooLarge

BODY: Final = 2_000_000  # bytes of a file; 130 indicators of 300 districts in CSV have 1.5 MB
ROWS: Final = 100_000  # of one file
DEPTH: Final = 6  # of YAML: a file, a code, points, a point
DOCUMENT_DEPTH: Final = 12  # of a framework
LINE: Final = 2_000  # characters of a line that may begin with a code
CELL: Final = 500  # characters of one value or name


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is said: `path` is where it stands below its code (`("points", "no2", "value")`), `text` what."""

    line: int
    code: str
    path: tuple[str, ...]
    text: str | None
    quoted: bool = False


def text_of(body: bytes) -> str:
    """The text of a file; BadRequest when it is too large or in no encoding that is told."""
    if len(body) > BODY:
        raise TooLarge(f"a file of {len(body):,} bytes", mend=f"at most {BODY:,}")
    encoding = "utf-16" if body[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as fault:
        line = body[: fault.start].count(b"\n") + 1
        raise BadRequest("the file is not UTF-8", where=f"line {line}", mend="save it as UTF-8") from fault
    if "\x00" in text:
        raise BadRequest("the file is no text: there is a zero byte in it")
    return text


# --- YAML ----------------------------------------------------------------------------------------------------------

# A code without quotes: parts with colons between them, and the colon of the key. Nothing else in YAML looks like it.
_BARE_CODE: Final = re.compile(
    r"^(\s*(?:-\s+)?)([^\s\"'#{}\[\],:&*!|>%@`-][^\"'#{}\[\],:]*(?::[ \t]*[^\s\"'#{}\[\],:]+)+)\s*:(?=\s|$)"
)


def yaml_rows(text: str) -> Iterator[Row]:
    """The rows of a YAML file: a mapping of codes, and of what the file itself says (the code is then "").

    BadRequest, with the line: no YAML, no mapping, an anchor or alias, a key twice, nested too deep.
    """
    import yaml  # noqa: PLC0415 - only who reads such a file needs it

    quoted = "\n".join(_quoted(line) for line in text.split("\n"))
    root = _read(yaml, quoted, DEPTH, lambda: yaml.compose(quoted, Loader=yaml.SafeLoader))
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise BadRequest("the file is no mapping of codes", where="line 1", mend="EC: ICT: ICT: 1C: {value: 80}")
    for key, node in _pairs(yaml, root):
        yield from _below(yaml, node, _line(key), key.value, ())


def yaml_document(text: str) -> Any:
    """A YAML document as plain values, for what is a framework and no table of values; BadRequest as `yaml_rows`."""
    import yaml  # noqa: PLC0415 - only who reads such a file needs it

    return _read(yaml, text, DOCUMENT_DEPTH, lambda: yaml.safe_load(text))


def _read(yaml: Any, text: str, most: int, call: Callable[[], Any]) -> Any:
    """Walk the events before anything is made: what nests deep or repeats itself is refused here."""
    try:
        loader = yaml.SafeLoader(text)
        try:
            _sober(yaml, loader, most)
        finally:
            loader.dispose()
        return call()
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        where = f"line {mark.line + 1}" if mark else None
        raise BadRequest(f"this is no YAML: {fault.problem or fault.context}", where=where) from fault
    except (yaml.YAMLError, ValueError, OverflowError) as fault:  # the last two: dates that are none
        raise BadRequest(f"this is no YAML: {str(fault)[:200]}") from fault


def _quoted(line: str) -> str:
    """A line whose key is a code, with the code in quotes."""
    found = _BARE_CODE.match(line) if len(line) <= LINE else None
    if found is None:
        return line
    code = found[2].rstrip()
    return f'{found[1]}"{code}":{line[found.end() :]}' if "\\" not in code else line


def _sober(yaml: Any, loader: Any, most: int) -> None:
    deep = many = 0
    while loader.check_event():
        event = loader.get_event()
        line = f"line {event.start_mark.line + 1}"
        many += 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadRequest("anchors and aliases (& and *) are not read", where=line, mend="write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            deep += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            deep -= 1
        if deep > most:
            raise BadRequest(f"it nests deeper than {most}", where=line)
        if many > ROWS:
            raise TooLarge(f"more than {ROWS:,} parts", where=line)


def _pairs(yaml: Any, node: Any) -> Iterator[tuple[Any, Any]]:
    seen: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise BadRequest("a key is a mapping or a list", where=f"line {_line(key)}")
        if key.value in seen:
            lines = f"in line {seen[key.value]} and in line {_line(key)}"
            raise BadRequest(
                f"{key.value[:80]!r} is said twice, {lines}: two values for one period", where=f"line {_line(key)}"
            )
        seen[key.value] = _line(key)
        yield key, value


def _below(yaml: Any, node: Any, line: int, code: str, path: tuple[str, ...]) -> Iterator[Row]:
    if isinstance(node, yaml.MappingNode):
        if not node.value:
            yield Row(line, code, path, None)
        for key, value in _pairs(yaml, node):
            yield from _below(yaml, value, _line(key), code, (*path, key.value))
    elif isinstance(node, yaml.ScalarNode):
        empty = node.tag == "tag:yaml.org,2002:null"
        yield Row(_line(node), code, path, None if empty else node.value, node.style is not None)
    else:
        raise BadRequest(f"a list stands under {code[:80]!r}", where=f"line {_line(node)}", mend="key: value")


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


# --- CSV -----------------------------------------------------------------------------------------------------------


def csv_rows(text: str) -> Iterator[Row]:
    """The rows of a CSV file with a header: `code`, and `point`, `value`, `target`, `status`, `input`, names of inputs.

    A row whose `code` is empty speaks of the city (`,population,41000` under `code,input,value`). BadRequest, with the
    line: no header with a code, a row with more cells than the header, a quote without end.
    """
    lines = text.splitlines()
    if not lines:
        return
    head_line = next((line for line in lines if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(head_line), strict=True)
    head: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if reader.line_num > ROWS:
                raise TooLarge(f"more than {ROWS:,} rows", where=f"line {reader.line_num}")
            if head is None:
                head = _head(cells, reader.line_num)
                continue
            yield from _csv_row(head, cells, reader.line_num)
    except csv.Error as fault:
        raise BadRequest(f"this is no CSV: {fault}", where=f"line {reader.line_num}") from fault


def _separator(line: str) -> str:
    """What stands most often in the header, outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max(",;\t|", key=bare.count)


def _head(cells: Sequence[str], line: int) -> list[str]:
    head = [cell.strip() for cell in cells]
    lowered = [cell.lower() for cell in head]
    named = [low if low in FIELDS else cell for low, cell in zip(lowered, head, strict=True)]
    if "code" not in named:
        raise BadRequest(
            "the header has no column `code`", where=f"line {line}", mend="code,point,value,target,status"
        )  # fmt: skip
    twice = sorted(name for name, many in Counter(named).items() if name and many > 1)
    if twice:
        raise BadRequest(f"the column {twice[0][:80]!r} stands twice", where=f"line {line}")
    return named


FIELDS: Final = frozenset(
    ["code", "point", "value", "target", "status", "period", "year", "unit", "input", "note", "source", "evidence"]
)


def _csv_row(head: Sequence[str], cells: Sequence[str], line: int) -> Iterator[Row]:
    if len(cells) > len(head) and any(cell.strip() for cell in cells[len(head) :]):
        raise BadRequest(
            f"{len(cells)} cells under {len(head)} columns: a number with a comma, or a text without quotes",
            where=f"line {line}",
            mend="write 56.25, or quote the cell",
        )
    said = {name: cell.strip() for name, cell in zip(head, cells, strict=False) if name}
    code, point, name = said.pop("code", ""), said.pop("point", ""), said.pop("input", "")
    if name:
        yield Row(line, code, ("inputs", name, "value"), said.pop("value", "") or None)
        if unit := said.pop("unit", ""):
            yield Row(line, code, ("inputs", name, "unit"), unit)
    inside = ("points", point) if point else ()
    yielded = False
    for field, cell in said.items():
        if cell:
            yielded = True
            where = inside if field in {"value", "target", "status", "unit"} else ()
            yield Row(line, code, (*where, field), cell)
    if not yielded and not name:
        yield Row(line, code, (*inside, "value") if inside else (), None)
