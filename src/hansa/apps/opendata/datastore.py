"""Rows of a release, as CKAN's datastore gives them. `_id` is the place of a row in the answer, from 1 on."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from hansa import NotFound, Refusal
from hansa.apps.opendata import ckan
from hansa.apps.opendata.faults import invalid, missing
from hansa.apps.opendata.published import Published

if TYPE_CHECKING:
    from hansa.apps.opendata.actions import Call

LIMIT: Final = 100
MOST: Final = 10_000
"""Rows of one answer; whoever wants more takes the file. CKAN has 32,000."""
OFFSET: Final = 10_000_000
SCANNED: Final = 50_000
"""Rows through which a word is looked for in every column."""
VALUES: Final = 1_000


def search(one: Published, resource: Mapping[str, Any], call: "Call") -> dict[str, Any]:
    """Rows as they are asked for. Fault."""
    if not resource["datastore_active"] or not one.table:
        raise missing()
    for name in ("plain", "language", "distinct"):
        if name == "distinct" and call.yes(name):
            raise invalid({name: ["Not supported here; ask /data for a grouping"]})
    kinds = {str(column["name"]): str(column.get("type")) for column in one.columns}
    names = _names(call, kinds)
    where = [*_filters(call, kinds), *_by_column(call, kinds)]
    limit, offset = call.whole("limit", LIMIT, MOST), call.whole("offset", 0, OFFSET)
    asked: dict[str, Any] = {"table": one.table, "where": where, "columns": names}
    if order := _order(call, kinds):
        asked["order"] = order
    words = call.said.get("q") if isinstance(call.said.get("q"), str) and not _is_object(call.said.get("q")) else ""
    if words:
        rows, total = _scanned(call, asked, str(words), names, one, limit, offset)
    else:
        rows = _asked(call, asked | {"limit": limit, "offset": offset})["rows"] if limit else []
        total = one.rows if not where else _count(call, one.table, where)
    known = [column for column in one.columns if column["name"] in names]
    fields = ckan.fields(sorted(known, key=lambda column: names.index(column["name"])))
    records: Any = [dict(zip(names, row, strict=True)) | {"_id": offset + n + 1} for n, row in enumerate(rows)]
    form = call.text("records_format", "objects")
    if form == "lists":
        records = [[offset + n + 1, *row] for n, row in enumerate(rows)]
    elif form != "objects":
        raise invalid({"records_format": ["objects or lists; the file is there as CSV"]})
    made: dict[str, Any] = {
        "resource_id": resource["id"],
        "fields": fields,
        "records": records,
        "records_format": form,
        "limit": limit,
        "_links": _links(call, resource["id"], limit, offset),
        "include_total": call.yes("include_total", otherwise=True),
    }
    if made["include_total"]:
        made |= {"total": total, "total_was_estimated": False, "total_estimation_threshold": None}
    return (
        made
        | ({"filters": call.said["filters"]} if call.said.get("filters") else {})
        | ({"offset": offset} if offset else {})
    )


def info(one: Published, resource: Mapping[str, Any], call: "Call") -> dict[str, Any]:
    """What columns there are."""
    if not resource["datastore_active"]:
        raise missing()
    schema = {str(column["name"]): column.get("type") for column in one.columns}
    return {
        "meta": {"id": resource["id"], "table_type": "BASE TABLE", "count": one.rows, "size": one.size, "aliases": []},
        "schema": schema,
        "fields": [
            field | {"schema": {"notnull": False}} for field in ckan.fields(one.columns) if field["id"] != "_id"
        ],
        "url": f"{call.origin}/data/{one.id}.schema.json",
    }


def _asked(call: "Call", question: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return call.city.tables.ask(question)
    except NotFound:
        raise missing() from None
    except Refusal:
        raise
    except Exception as fault:
        detail = getattr(fault, "detail", "")
        if getattr(fault, "status", 500) >= 500:
            raise  # not his fault: the city says so in its own words
        raise invalid({getattr(fault, "where", "") or "query": [str(detail)]}) from None


def _names(call: "Call", kinds: Mapping[str, str]) -> list[str]:
    said = call.said.get("fields")
    wanted = [it.strip() for it in said.split(",") if it.strip()] if isinstance(said, str) else call.listed("fields")
    for name in wanted:
        if name not in kinds and name != "_id":
            raise invalid({"fields": [f'field "{name[:80]}" not in table']})
    return [name for name in dict.fromkeys(wanted) if name != "_id"] or list(kinds)


def _is_object(said: Any) -> bool:
    return isinstance(said, Mapping) or (isinstance(said, str) and said.lstrip().startswith("{"))


def _object(call: "Call", name: str) -> dict[str, Any]:
    said = call.said.get(name)
    if isinstance(said, str):
        try:
            said = json.loads(said) if said.strip() else {}
        except (ValueError, RecursionError):
            raise invalid({name: ["Cannot parse JSON"]}) from None
    if said is None:
        return {}
    if not isinstance(said, dict) or len(said) > 50:
        raise invalid({name: ["Not a dictionary"]})
    return said


def _filters(call: "Call", kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for name, value in _object(call, "filters").items():
        if name not in kinds:
            raise invalid({"filters": [f'field "{name[:80]}" not in table']})
        some = value if isinstance(value, list) else [value]
        if len(some) > VALUES:
            raise invalid({"filters": [f"more than {VALUES:,} values"]})
        if None in some:
            if len(some) > 1:
                raise invalid({"filters": ["null stands alone"]})
            made.append({"column": name, "op": "==", "value": None})
            continue
        values = [_value(one, kinds[name], name) for one in some]
        if kinds[name] == "boolean" and len(values) == 1:
            made.append({"column": name, "op": "==", "value": values[0]})
        else:
            made.append({"column": name, "op": "in", "value": values})
    return made


def _value(said: Any, kind: str, name: str) -> Any:
    """A value of the column's kind; CKAN takes numbers as texts."""
    try:
        if kind in {"number", "integer"} and isinstance(said, str):
            return int(said) if kind == "integer" else float(said)
        if kind == "boolean" and isinstance(said, str):
            return {"true": True, "false": False}[said.lower()]
    except (ValueError, KeyError):
        raise invalid({"filters": [f"{name[:80]} does not hold such a value"]}) from None
    return str(said) if kind in {"text", "time", "geometry"} else said


def _by_column(call: "Call", kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """`q` as an object: a word in each of these columns."""
    if not _is_object(call.said.get("q")):
        return []
    made = []
    for name, text in _object(call, "q").items():
        if kinds.get(name) != "text" or not isinstance(text, str):
            raise invalid({"q": [f'field "{name[:80]}" holds no text']})
        made.append({"column": name, "op": "like", "value": f"%{_like(text)}%"})
    return made


def _like(text: str) -> str:
    """A text of which nothing stands for anything else."""
    return text.replace("%", "_")  # `_` stands for any one character: a little more is found, never less


def _scanned(
    call: "Call", asked: Mapping[str, Any], words: str, names: Sequence[str], one: Published, limit: int, offset: int
) -> tuple[list[list[Any]], int]:
    """Rows of which any column holds all these words."""
    if one.rows > SCANNED:
        raise invalid({"q": [f'more than {SCANNED:,} rows: name a column, q={{"column": "text"}}']})
    wanted = [word.casefold() for word in words.split()[:20]]
    every = [str(column["name"]) for column in one.columns]
    found: list[list[Any]] = []
    for first in range(0, one.rows, MOST):
        for row in _asked(call, {**asked, "columns": every, "limit": MOST, "offset": first})["rows"]:
            text = " ".join(str(cell) for cell in row if cell is not None).casefold()
            if all(word in text for word in wanted):
                found.append(row)
    places = [every.index(name) for name in names]
    return [[row[place] for place in places] for row in found[offset : offset + limit]], len(found)


def _count(call: "Call", table: str, where: Sequence[Mapping[str, Any]]) -> int:
    found = _asked(call, {"table": table, "where": list(where), "measures": [{"as": "count", "name": "n"}]})
    return int(found["rows"][0][0]) if found["rows"] else 0


def _order(call: "Call", kinds: Mapping[str, str]) -> list[list[str]]:
    said = call.said.get("sort")
    parts = said if isinstance(said, list) else str(said or "").split(",")
    made = []
    for part in parts[:10]:
        name, _, way = str(part).strip().strip('"').rpartition(" ")
        if way.lower() not in {"asc", "desc"}:
            name, way = str(part).strip(), "asc"
        name = name.strip().strip('"')
        if not name or name == "_id":
            continue
        if name not in kinds:
            raise invalid({"sort": [f'field "{name[:80]}" not in table']})
        made.append([name, way.lower()])
    return made


def _links(call: "Call", ident: str, limit: int, offset: int) -> dict[str, str]:
    base = f"/api/3/action/{call.asked.path['name']}"
    kept = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in call.said.items()
        if name in {"filters", "q", "fields", "sort", "records_format"} and value
    }
    said = {"resource_id": ident, **kept, "limit": limit}
    return {
        "start": f"{base}?{urlencode(said)}",
        "next": f"{base}?{urlencode(said | {'offset': offset + max(1, limit)})}",
    }
