"""The bytes of the log and of stamps: MessagePack with interned names.

A reading's log record is about 40 bytes: [actor, cause, depth, flags, [[name, dataset, status, old, new], ...]]. A
plain Property (a value, perhaps observedAt and unitCode) is an array [value, observed, unit]; whatever else stands in
full as a map. Times are stored as a distance from the commit, which is short for live readings.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from hansa import clock
from hansa.model.change import Part, Status
from hansa.model.entity import Stamps

_STATUS: Final[tuple[Status, ...]] = ("created", "updated", "deleted", "late")
_CODE: Final = {name: i for i, name in enumerate(_STATUS)}
_PLAIN_SIZES: Final = (2, 3, 4)

NEW: Final = 1
GONE: Final = 2

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

Intern = Callable[[str], int]
Lookup = Callable[[int], str]


def _pack_one(one: Any, at: int, intern: Intern) -> Any:
    """One instance (or a member's value), packed."""
    if type(one) is not dict:
        return None if one is None else {"": one}  # the value of type, scope, expiresAt, label
    size = len(one)
    if size in _PLAIN_SIZES and one.get("type") == "Property" and "value" in one:
        value = one["value"]
        observed = one.get("observedAt")
        unit = one.get("unitCode")
        known = 2 + (observed is not None) + (unit is not None)
        if known == size and (unit is None or type(unit) is str):
            if observed is None:
                return [value] if unit is None else [value, None, intern(unit)]
            micro = clock.parse(observed)
            when: int | str = micro - at if clock.text(micro) == observed else observed
            return [value, when] if unit is None else [value, when, intern(unit)]
    return one


def _unpack_one(packed: Any, at: int, dataset: str | None, lookup: Lookup) -> Any:
    if type(packed) is list:
        one: dict[str, Any] = {"type": "Property", "value": packed[0]}
        if len(packed) > 2:
            one["unitCode"] = lookup(packed[2])
        if len(packed) > 1 and packed[1] is not None:
            when = packed[1]
            one["observedAt"] = clock.text(at + when) if type(when) is int else when
        if dataset is not None:
            one["datasetId"] = dataset
        return one
    if type(packed) is dict and "" in packed:
        return packed[""]
    return packed


def pack_change(
    parts: list[Part], actor: str, cause: str | None, depth: int, flags: int, at: int, intern: Intern
) -> bytes:
    """The log record of a Change."""
    packed = []
    for name, dataset, status, old, new in parts:
        d = 0
        if dataset is not None:
            d, old, new = intern(dataset), _without(old), _without(new)  # noqa: PLW2901  # as they are kept
        packed.append(
            [
                intern(name),
                d,
                _CODE[status],
                None if old is None else _pack_one(old, at, intern),
                None if new is None else _pack_one(new, at, intern),
            ]
        )
    because: int | str | None = int(cause) if cause is not None and cause.isdecimal() else cause
    return _encode([intern(actor), because, depth, flags, packed])


def _without(one: Any) -> Any:
    """A plain instance of a dataset without its datasetId, which the record says already."""
    if type(one) is not dict or one.get("type") != "Property" or len(one) > 5:
        return one
    if set(one) <= _PLAIN_KEYS:
        return {k: v for k, v in one.items() if k != "datasetId"}
    return one


_PLAIN_KEYS: Final = frozenset({"type", "value", "observedAt", "unitCode", "datasetId"})


def updates(body: bytes) -> list[tuple[int, int, int, Any, Any]] | None:
    """The packed parts of a record that only updates what was there (and what came late); else None."""
    _, _, _, flags, packed = _decode(body)
    return packed if not flags and all(part[2] in _IN_PLACE for part in packed) else None


def record(body: bytes) -> tuple[int, int | str | None, int, int, list[tuple[int, int, int, Any, Any]]]:
    """A record as it is packed: actor, cause, depth, flags, and of each part name, dataset, status, old and new."""
    found: tuple[int, int | str | None, int, int, list[tuple[int, int, int, Any, Any]]] = _decode(body)
    return found


def unpack_one(packed: Any, at: int, dataset: str | None, lookup: Lookup) -> Any:
    """One packed instance or member."""
    return None if packed is None else _unpack_one(packed, at, dataset, lookup)


UPDATED: Final = _CODE["updated"]
LATE: Final = _CODE["late"]
_IN_PLACE: Final = frozenset({UPDATED, _CODE["late"]})


def unpack_change(
    body: bytes, at: int, lookup: Lookup, before: dict[str, Any] | None = None
) -> tuple[str, str | None, int, int, tuple[Part, ...]]:
    """actor, cause, depth, flags and parts of a record; with the document `before`, what it holds is not unpacked."""
    actor, because, depth, flags, packed = _decode(body)
    parts = []
    alone = before if len(packed) == 1 else None
    for name_n, dataset_n, code, old, new in packed:
        dataset = lookup(dataset_n) if dataset_n else None
        name = lookup(name_n)
        was = None
        if old is not None:
            if alone is not None and code == UPDATED and dataset is None and type(old) is list:
                was = alone.get(name)
            if type(was) is not dict or "datasetId" in was:
                was = _unpack_one(old, at, dataset, lookup)
        parts.append(
            Part(name, dataset, _STATUS[code], was, None if new is None else _unpack_one(new, at, dataset, lookup))
        )
    return lookup(actor), None if because is None else str(because), depth, flags, tuple(parts)


def pack_stamps(stamps: Stamps) -> bytes:
    """Stamps beside a document: [created, modified, {name: {dataset: [created, modified]}}, labels]."""
    attrs = {name: (own[""] if len(own) == 1 and "" in own else own) for name, own in stamps.attrs.items()}
    packed: list[Any] = [stamps.created, stamps.modified, attrs]
    if stamps.labels:
        packed.append(stamps.labels)
    return _encode(packed)


def labelled(body: bytes) -> bool:
    """Whether stamps hold labels of attributes: an array of four, not of three."""
    return body[0] != _THREE


_THREE: Final = 0x93  # MessagePack's first byte of an array of three


def labels_of(body: bytes) -> dict[str, str]:
    """The labels in stamps, by attribute; quicker than all of them."""
    found: dict[str, str] = _decode(body)[3] if labelled(body) else {}
    return found


def unpack_stamps(body: bytes) -> Stamps:
    """The inverse of pack_stamps."""
    packed = _decode(body)
    attrs = {name: ({"": own} if type(own) is list else own) for name, own in packed[2].items()}
    return Stamps(packed[0], packed[1], attrs, packed[3] if len(packed) > 3 else {})


def pack(value: Any) -> bytes:
    """Any JSON value."""
    return _encode(value)


def unpack(body: bytes) -> Any:
    """The inverse of pack."""
    return _decode(body)
