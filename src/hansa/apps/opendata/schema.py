"""The data dictionary for machines: one document that is a Table Schema (Frictionless) and CSVW metadata at once.

Sources: Table Schema v1 (specs.frictionlessdata.io/table-schema); Metadata Vocabulary for Tabular Data (W3C, 2015),
clause 5. The two name their members apart (`fields`, `tableSchema`), so both read the one document.
"""

from collections.abc import Mapping
from typing import Any, Final

from hansa.apps.opendata import texts
from hansa.apps.opendata.published import Published

_TABLE: Final = {
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "time": "datetime",
    "text": "string",
    "geometry": "string",
}
_CSVW: Final = _TABLE | {"time": "dateTime"}


def schema(one: Published, origin: str, language: str = "en") -> dict[str, Any]:
    """Columns with type, unit, meaning and range, as both vocabularies say them."""
    here = f"{origin}/data/{one.id}"
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "@id": f"{here}.schema.json",
        "url": f"{here}.csv",
        "dc:title": _literals(one.title),
        "dc:description": _literals(one.description),
        "dc:license": {"@id": one.licence} if one.licence else None,
        "dc:modified": one.modified,
        "dialect": {"delimiter": ",", "encoding": "utf-8", "header": True},
        "tableSchema": {"columns": [_csvw(column) for column in one.columns]},
        "fields": [_field(column, language) for column in one.columns],
        "missingValues": [""],
    }


def _literals(said: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"@value": text, "@language": tag} for tag, text in sorted(said.items())]


def _csvw(column: Mapping[str, Any]) -> dict[str, Any]:
    kind: Any = _CSVW.get(str(column.get("type")), "string")
    low, high = column.get("range") or (None, None)
    bounds = {name: value for name, value in (("minimum", low), ("maximum", high)) if value is not None}
    if bounds and kind in {"number", "integer"}:
        kind = {"base": kind, **bounds}
    made: dict[str, Any] = {"name": column["name"], "titles": column["name"], "datatype": kind}
    if column.get("says"):
        made["dc:description"] = _literals(column["says"])
    if column.get("unit"):
        made["schema:unitText"] = column["unit"]
    return made


def _field(column: Mapping[str, Any], language: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": column["name"], "type": _TABLE.get(str(column.get("type")), "string")}
    says = texts.in_language(column.get("says"), language)
    if says:
        made["description"] = says
    if column.get("unit"):
        made["unit"] = column["unit"]
    low, high = column.get("range") or (None, None)
    bounds = {name: value for name, value in (("minimum", low), ("maximum", high)) if value is not None}
    if bounds and made["type"] in {"number", "integer"}:
        made["constraints"] = bounds
    return made
