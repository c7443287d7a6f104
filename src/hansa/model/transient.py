"""What goes by itself: entities and attributes that say until when they are to be kept (CIM 009, clause 4.22).

An `expiresAt` stands at an entity, at an instance of an attribute, or at an attribute's own attributes. From that
instant on what bears it is not there.
"""

from collections.abc import Iterator
from typing import Any

from hansa import clock
from hansa.model.entity import Doc, instances
from hansa.model.members import RESERVED


def expires(doc: Doc) -> int | None:
    """When the first of all that a document holds is to go (microseconds); None: never."""
    return min(map(clock.parse, _whens(doc)), default=None)


def _whens(holder: dict[str, Any]) -> Iterator[str]:
    if "expiresAt" in holder:
        yield holder["expiresAt"]
    for name, entry in holder.items():
        if name not in RESERVED:
            for one in instances(entry):
                if type(one) is dict:
                    yield from _whens(one)


def alive(doc: Doc, at: int) -> Doc | None:
    """What of a document has not expired at `at` (microseconds): the document itself when all of it, None when nothing.

    The same for one instance of an attribute.
    """
    until = doc.get("expiresAt")
    if until is not None and clock.parse(until) <= at:
        return None
    out = doc
    for name, entry in doc.items():
        if name in RESERVED:
            continue
        kept = _kept(entry, at)
        if kept is entry:
            continue
        if out is doc:
            out = dict(doc)
        if kept is None:
            del out[name]
        else:
            out[name] = kept
    return out


def _kept(entry: Any, at: int) -> Any:
    """What is left of an attribute's instances; the same object when all of it."""
    if type(entry) is dict:
        return alive(entry, at)
    if type(entry) is not list:
        return entry
    left = [alive(one, at) if type(one) is dict else one for one in entry]
    if all(one is before for one, before in zip(left, entry, strict=True)):
        return entry
    kept = [one for one in left if one is not None]
    return kept if len(kept) > 1 else kept[0] if kept else None
