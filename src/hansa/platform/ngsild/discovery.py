"""Types and attributes over HTTP: /types (CIM 009, clauses 6.25, 6.26) and /attributes (6.27, 6.28)."""

import uuid
from collections.abc import Callable
from typing import Final

from hansa.errors import NotFound
from hansa.model import core_context as core
from hansa.model.wire_values import at
from hansa.platform.http import Response
from hansa.platform.ngsild import inventory
from hansa.platform.ngsild.answers import answer
from hansa.platform.ngsild.asked import truth
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.store import Reader

_LIST: Final = frozenset({"details", "local"})
_ONE: Final = frozenset({"local"})
_SPACE: Final = uuid.UUID("9c0a6c53-5a0e-5f0b-9d63-7f1f0a2c1e44")  # of ids that are made from what they list


async def types(exchange: Exchange) -> Response:
    """GET /types (6.25.3.1): 5.7.5 the names of all types, or with details=true 5.7.6 their attributes too."""
    details = truth(exchange.params(_LIST), "details")
    accept = exchange.accepts()
    context = await exchange.linked()
    compact = context.compact
    found = await exchange.read(_named(exchange))
    if details:
        shown = [
            {
                "id": core.whole(name),
                "type": "EntityType",
                "typeName": compact(name),
                "attributeNames": sorted(map(compact, attributes)),
            }
            for name, attributes in sorted(found.items())
        ]
        return answer(shown, accept, context)
    words = [compact(name) for name in sorted(found)]
    return answer({"id": _made("EntityTypeList", words), "type": "EntityTypeList", "typeList": words}, accept, context)


async def type_information(exchange: Exchange) -> Response:
    """GET /types/{type} (6.26.3.1): 5.7.7 how many entities bear a type, and with which attributes."""
    exchange.params(_ONE)
    accept = exchange.accepts()
    context = await exchange.linked()
    name = at("type", context.name, exchange.path[0])
    kind = await exchange.read(lambda reader: inventory.of_type(reader, exchange.tenant, name, exchange.sight))
    if not kind.entities:
        raise NotFound(f"nothing is a {exchange.path[0]}", where=exchange.path[0])
    shown = {
        "id": core.whole(name),
        "type": "EntityTypeInfo",
        "typeName": context.compact(name),
        "entityCount": kind.entities,
        "attributeDetails": [
            {
                "id": core.whole(attribute),
                "type": "Attribute",
                "attributeName": context.compact(attribute),
                "attributeTypes": sorted(kinds),
            }
            for attribute, kinds in sorted(kind.attributes.items())
        ],
    }
    return answer(shown, accept, context)


async def attributes(exchange: Exchange) -> Response:
    """GET /attributes (6.27.3.1): 5.7.8 the names of all attributes, or with details=true 5.7.9 their types too."""
    details = truth(exchange.params(_LIST), "details")
    accept = exchange.accepts()
    context = await exchange.linked()
    compact = context.compact
    found: dict[str, list[str]] = {}
    for kind, names in (await exchange.read(_named(exchange))).items():
        for name in names:
            found.setdefault(name, []).append(kind)
    if details:
        shown = [
            {
                "id": core.whole(name),
                "type": "Attribute",
                "attributeName": compact(name),
                "typeNames": sorted(map(compact, kinds)),
            }
            for name, kinds in sorted(found.items())
        ]
        return answer(shown, accept, context)
    words = sorted(map(compact, found))
    listed = {"id": _made("AttributeList", words), "type": "AttributeList", "attributeList": words}
    return answer(listed, accept, context)


async def attribute_information(exchange: Exchange) -> Response:
    """GET /attributes/{attrId} (6.28.3.1): 5.7.10 in how many entities an attribute is, of which types and kinds."""
    exchange.params(_ONE)
    accept = exchange.accepts()
    context = await exchange.linked()
    name = at("attrId", context.name, exchange.path[0])
    known = await exchange.read(lambda reader: inventory.of_attribute(reader, exchange.tenant, name, exchange.sight))
    if not known.entities:
        raise NotFound(f"nothing has an attribute {exchange.path[0]}", where=exchange.path[0])
    shown = {
        "id": core.whole(name),
        "type": "Attribute",
        "attributeName": context.compact(name),
        "attributeCount": known.entities,
        "attributeTypes": sorted(known.kinds),
        "typeNames": sorted(map(context.compact, known.types)),
    }
    return answer(shown, accept, context)


def _named(exchange: Exchange) -> Callable[[Reader], dict[str, set[str]]]:
    tenant, sight = exchange.tenant, exchange.sight
    return lambda reader: inventory.names(reader, tenant, sight)


def _made(kind: str, words: list[str]) -> str:
    """An id that is the same as long as the list is."""
    return f"urn:ngsi-ld:{kind}:{uuid.uuid5(_SPACE, ' '.join(words))}"
