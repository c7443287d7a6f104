"""What the indexes hold of a document: attribute rows, boxes of geometries, and of attributes which have several rows
and what kinds they are of.
"""

from typing import Any, Final

from hansa.model.entity import MEMBERS, Doc, instances, types_of
from hansa.model.geo import bbox
from hansa.model.narrow import WIDE, index_value
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.plan import type_word

NOTHING: Final = b""
"""The row of an instance whose value cannot be compared; it sorts after everything that can."""

IndexRow = tuple[int, int, Any, int, int, int]


def index_rows(doc: Doc, names: Names, tenant: str, e: int, label: int, labels: dict[str, str]) -> set[IndexRow]:
    """The attribute index of a document: (type, name, value, entity, dataset, label)."""
    rows: set[IndexRow] = set()
    kinds = [names.intern(type_word(tenant, t)) for t in types_of(doc)]
    for name, entry in doc.items():
        if name in MEMBERS:
            continue
        n = names.intern(name)
        own = names.intern(labels[name]) if name in labels else label
        for one in instances(entry):
            d = names.intern(one["datasetId"]) if "datasetId" in one else 0
            for value in index_value(one):
                for t in kinds:
                    rows.add((t, n, NOTHING if value is None else value, e, d, own))
    return rows


EXPIRES: Final = b'"expiresAt"'
"""What a stored document holds when something of it is to go by itself."""


def several_of(rows: set[IndexRow]) -> dict[tuple[int, int], int]:
    """The (type, name) of which an entity's rows are several, or 1 where they are too many to write down."""
    if len(rows) < 2 and all(row[2] != WIDE for row in rows):
        return {}
    found: dict[tuple[int, int], int] = {}
    seen: set[tuple[int, int]] = set()
    for row in rows:
        key = row[:2]
        if row[2] == WIDE:
            found[key] = 1
        elif key in seen:
            found.setdefault(key, 0)
        seen.add(key)
    return found


def kinds_of(doc: Doc, names: Names, tenant: str, before: Doc | None = None) -> set[tuple[int, int, int]]:
    """What kinds of attribute a document says: (type, name, kind).

    `before` is the same entity, of the same types: what it says alike is left out.
    """
    found: set[tuple[int, int, int]] = set()
    types: list[int] = []
    intern = names.intern
    for name, entry in doc.items():
        if name in MEMBERS:
            continue
        if before is not None and _alike(before.get(name), entry):
            continue
        types = types or [intern(type_word(tenant, t)) for t in types_of(doc)]
        n = intern(name)
        for one in instances(entry):
            k = intern(one["type"])
            for t in types:
                found.add((t, n, k))
    return found


def _alike(old: Any, new: Any) -> bool:
    """Whether an attribute is of the one kind that it was of."""
    return type(old) is dict and type(new) is dict and old["type"] == new["type"]


def place_rows(doc: Doc, names: Names) -> dict[tuple[int, int], tuple[float, float, float, float]]:
    """The boxes of a document's geometries: (name, dataset) -> west, east, south, north."""
    boxes = {}
    for name, entry in doc.items():
        if name not in MEMBERS:
            if type(entry) is dict and entry.get("type") == "Property":
                continue
            for one in instances(entry):
                if one.get("type") == "GeoProperty" and isinstance(one.get("value"), dict):
                    west, south, east, north = bbox(one["value"])
                    boxes[names.intern(name), names.intern(one.get("datasetId", ""))] = (west, east, south, north)
    return boxes
