"""The members of an attribute: which the standard has, and which kind of attribute they tell (CIM 009, clause 4.5).

Tables and predicates over what somebody wrote; `wire_in` reads with them.
"""

from typing import Any, Final

from hansa.errors import BadRequest
from hansa.model.entity import GEOMETRIES, MEMBERS, VALUE_OF
from hansa.model.wire_values import NULL

KIND_OF: Final = {member: kind for kind, member in VALUE_OF.items() if kind != "GeoProperty"}
"""Which kind of attribute a member implies where `type` is left out; a geometry makes a Property a GeoProperty."""

_PREVIOUS: Final[dict[str, str]] = {f"previous{member[0].upper()}{member[1:]}": member for member in KIND_OF}
_IGNORED: Final = frozenset({"createdAt", "modifiedAt", "deletedAt", "instanceId"})  # we say these (table 5.2.5-2)
META: Final = frozenset({"observedAt", "expiresAt", "unitCode", "datasetId", "objectType", "valueType", "lang"})
SEALED: Final = frozenset({"entityIdSealed", "entityTypeSealed"})
PLACES: Final = frozenset({"location", "observationSpace", "operationSpace"})
"""Attributes that are GeoProperties by definition (4.7.1, 5.2.4)."""

OF_THE_STANDARD: Final = PLACES | {"ngsildproof"}
_LINKED: Final = {"entity": "Relationship", "entityList": "ListRelationship"}

RESERVED: Final = frozenset({*MEMBERS, *KIND_OF, *META, *_IGNORED, *_PREVIOUS, *SEALED, *_LINKED})
"""Core terms that are members of an attribute or entity, so never the name of one (clause 4.5.1)."""

_TELLING: Final = frozenset(
    {"type", "@type", *KIND_OF, *META}
)  # a plain object with one of these reads as an attribute
UNIT_OF: Final = frozenset({"Property", "ListProperty", None})
VALUE_TYPE_OF: Final = frozenset({None, *VALUE_OF} - {"Relationship", "ListRelationship"})
OBJECT_TYPE_OF: Final = frozenset({"Relationship", "ListRelationship", None})


def said_by_us(member: str, kind: str | None) -> bool:
    """Whether a member is output only: passed over when it comes in all the same (5.2.5 and its like)."""
    if member in _IGNORED or _LINKED.get(member, "") == kind:
        return True
    return member in _PREVIOUS and (kind is None or VALUE_OF[kind] == _PREVIOUS[member])


def _hashed(value: Any) -> Any:
    return value if type(value) is str else None


def is_geometry(value: Any) -> bool:
    """Whether a value reads as a GeoJSON geometry that NGSI-LD knows (clause 4.7)."""
    return type(value) is dict and "coordinates" in value and _hashed(value.get("type")) in GEOMETRIES


def reads_as_value(value: Any) -> bool:
    """Whether `value` alone, as a concise attribute, reads back as a Property of that value."""
    if type(value) is dict:
        return _TELLING.isdisjoint(value)
    if type(value) is list:
        return not any(is_instance(one) for one in value)
    return bool(value != NULL)


def is_instance(one: Any) -> bool:
    """Whether one element of a list reads as an instance of an attribute, and not as a value."""
    return type(one) is dict and (
        _hashed(one.get("type")) in VALUE_OF or not KIND_OF.keys().isdisjoint(one) or "datasetId" in one
    )


def implied(raw: dict[str, Any]) -> str | None:
    """The kind that an attribute's members imply, or None. Two kinds at once are a BadRequest."""
    found = [KIND_OF[member] for member in raw if member in KIND_OF]
    if len(found) > 1:
        raise BadRequest(f"an attribute is one of {' and '.join(found)}, not all of them")
    if not found:
        return None
    return "GeoProperty" if found[0] == "Property" and is_geometry(raw["value"]) else found[0]
