"""Entities for readers of an older version of the standard: what they do not know falls back (CIM 009, clause 4.3.6.8).

A version is (major, minor). Tables 4.3.6.8-1 to -3 say when each part came and what stood for it before.
"""

from collections.abc import Callable
from typing import Any, Final

from hansa.model.entity import MEMBERS, VALUE_OF, Doc, Instance, default_instance, targets
from hansa.model.members import RESERVED

Version = tuple[int, int]

NATIVE: Final[Version] = (1, 9)

_MULTIPLE: Final[Version] = (1, 3)  # several types, several instances of an attribute
_CAME: Final[dict[str, Version]] = {
    "datasetId": (1, 3),
    "observedAt": (1, 3),
    "unitCode": (1, 3),
    "scope": (1, 4),
    "objectType": (1, 8),
    "valueType": (1, 9),
    "expiresAt": (1, 9),
}
_KINDS: Final[dict[str, tuple[Version, str]]] = {
    "LanguageProperty": ((1, 4), "Property"),
    "JsonProperty": ((1, 8), "Property"),
    "VocabProperty": ((1, 8), "Property"),
    "ListProperty": ((1, 8), "Property"),
    "ListRelationship": ((1, 8), "Relationship"),
}


def older(doc: Doc, version: Version, compact: Callable[[str], str]) -> Doc:
    """The document as a version knew it; the same object where nothing is to be changed.

    `compact` gives the word of whoever asks for a stored name: a VocabProperty becomes a Property of words.
    """
    if version >= NATIVE:
        return doc
    out: Doc = {}
    for name, entry in doc.items():
        if name == "type" and type(entry) is list and version < _MULTIPLE:
            out[name] = entry[0]
        elif name in MEMBERS:
            if version >= _CAME.get(name, version):
                out[name] = entry
        else:
            out[name] = _entry(entry, version, compact)
    return doc if out == doc else out


def _entry(entry: Any, version: Version, compact: Callable[[str], str]) -> Any:
    if type(entry) is not list:
        return _instance(entry, version, compact)
    if version < _MULTIPLE:
        return _instance(default_instance(entry) or entry[0], version, compact)
    return [_instance(one, version, compact) for one in entry]


def _instance(instance: Instance, version: Version, compact: Callable[[str], str]) -> Instance:
    kind = instance["type"]
    came, before = _KINDS.get(kind, (version, kind))
    falls = version < came
    out: Instance = {"type": before if falls else kind}
    for member, value in instance.items():
        if falls and member == VALUE_OF[kind]:
            out[VALUE_OF[before]] = _value(kind, value, compact)
        elif member not in RESERVED:
            out[member] = _entry(value, version, compact)
        elif member != "type" and version >= _CAME.get(member, version):
            out[member] = value
    return out


def _value(kind: str, value: Any, compact: Callable[[str], str]) -> Any:
    if kind == "VocabProperty":
        return [compact(one) for one in value] if type(value) is list else compact(value)
    return targets(value) if kind == "ListRelationship" else value
