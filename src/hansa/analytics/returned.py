"""What an app's functions return, as Writes: only types that it declared, only what the store can keep."""

import math
from collections.abc import Iterable
from typing import Any, Final, Protocol

import orjson

from hansa.app import App
from hansa.errors import BadRequest
from hansa.limits import DEFAULT
from hansa.model.change import Delete, Write
from hansa.model.entity import Entity, alias
from hansa.model.wire_values import uri
from hansa.platform.city import delete_write

_PLAIN: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


class Known(Protocol):
    """The city that an app writes into."""

    def get(self, ident: str, /) -> Entity:
        """One entity; raises NotFound."""

    def known(self, ident: str) -> Entity | None:
        """The entity that a word would meet, or None."""


def writes_of(app: App, said: Iterable[Entity | Delete], city: Known, most: int) -> list[Write]:
    """What an app said, as Writes. Raises BadRequest for what it may not say, and beyond `most` of them."""
    writes: list[Write] = []
    for one in said:
        if len(writes) >= most:
            raise BadRequest(f"more than {most} entities at once")
        if isinstance(one, Delete):
            _declared(app, city.get(one.id))
            writes.append(delete_write(one))
        elif isinstance(one, Entity):
            _declared(app, one)
            _storable(one)
            there = city.known(one.id)
            if there is not None and not any(alias(kind) in app.writes for kind in there.types):
                # Calling another's entity by a type of one's own does not make it one's own.
                raise BadRequest(f"{app.name} did not declare that it writes {there.type}", where=one.id)
            writes.append(Write("say", one.id, one.doc, label=one.label))
        else:
            raise BadRequest(f"an app returns entities and Deletes, not {type(one).__name__}")
    return writes


def _declared(app: App, one: Entity) -> None:
    for kind in one.types:
        if alias(kind) not in app.writes:
            raise BadRequest(f"{app.name} did not declare that it writes {kind}", where=one.id)


def _storable(one: Entity) -> None:
    """Refuse what the store cannot keep before it is sent: there, it would hold up every app. Raises BadRequest."""
    uri(one.doc.get("id"), "id", DEFAULT)
    try:
        body = orjson.dumps(one.doc, option=_PLAIN)
    except TypeError as fault:
        raise BadRequest(f"this is no JSON: {fault}", where=one.id) from None
    if b"null" in body and not _finite(one.doc):  # what orjson makes of them; looked for only where there may be one
        raise BadRequest("a number is not finite", where=one.id)


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
