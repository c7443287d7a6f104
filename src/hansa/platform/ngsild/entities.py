"""Entities over HTTP: /entities (CIM 009, clause 6.4) and /entities/{entityId} (6.5)."""

from typing import Final

from hansa import clock
from hansa.errors import InvalidRequest, NotFound
from hansa.model.change import Write
from hansa.model.context import Context
from hansa.model.entity import Entity, types_of
from hansa.model.selection import parse_types, types_match
from hansa.model.wire_values import at, instant, language
from hansa.platform.http import Response
from hansa.platform.ngsild import provision
from hansa.platform.ngsild.answers import created, no_content
from hansa.platform.ngsild.exchange import Exchange

NONE: Final[frozenset[str]] = frozenset()
TYPE: Final = frozenset({"type", "local"})
_CREATE: Final = frozenset({"local"})
_MERGE: Final = frozenset({"type", "format", "options", "observedAt", "lang", "local"})


async def create(exchange: Exchange) -> Response:
    """POST /entities (6.4.3.1): 5.6.1 Create Entity. 201 and its place; AlreadyExists."""
    exchange.params(_CREATE)
    body, context = await exchange.body()
    write = provision.creation(body, context, **exchange.whose)
    provision.settled(await exchange.write(write, creating=True))
    return created(exchange, "entities", write.id)


async def merge(exchange: Exchange) -> Response:
    """PATCH /entities/{entityId} (6.5.3.4): 5.6.17 Merge Entity."""
    said = exchange.params(_MERGE)
    ident = exchange.ident()
    simplified = _simplified(said)
    observed = clock.parse(at("observedAt", instant, said["observedAt"])) if "observedAt" in said else None
    if "lang" in said:
        at("lang", language, said["lang"])
    body, context = await exchange.body()
    write = provision.fragment("merge", body, context, **exchange.whose, ident=ident, simplified=simplified)
    write.observed, write.lang = observed, said.get("lang")
    await check_type(exchange, ident, said, context)
    provision.settled(await exchange.write(write))
    return no_content()


def _simplified(said: dict[str, str]) -> bool:
    """Whether the fragment is simplified (4.5.4): `format` says so, or else one of the `options` (6.5.3.4)."""
    where = "format" if "format" in said else "options"
    words = [said["format"]] if "format" in said else said["options"].split(",") if "options" in said else []
    for word in words:
        if word not in {"simplified", "keyValues"}:
            raise InvalidRequest(f"{word[:64]!r} is not known here", where=where, mend="simplified, or leave it out")
    return bool(words)


async def replace(exchange: Exchange) -> Response:
    """PUT /entities/{entityId} (6.5.3.3): 5.6.18 Replace Entity."""
    said = exchange.params(TYPE)
    ident = exchange.ident()
    body, context = await exchange.body()
    write = provision.fragment("replace", body, context, **exchange.whose, ident=ident)
    await check_type(exchange, ident, said, context)
    provision.settled(await exchange.write(write))
    return no_content()


async def delete(exchange: Exchange) -> Response:
    """DELETE /entities/{entityId} (6.5.3.2): 5.6.6 Delete Entity."""
    said = exchange.params(TYPE)
    ident = exchange.ident()
    await check_type(exchange, ident, said, await exchange.linked())
    provision.settled(await exchange.write(Write("delete", ident, tenant=exchange.tenant)))
    return no_content()


async def find_one(exchange: Exchange, ident: str, said: dict[str, str], context: Context) -> Entity:
    """One entity as this sight sees it. NotFound, also when it is of none of the types that `said` selects (4.17)."""
    entity = await exchange.read(lambda reader: reader.entity(exchange.tenant, ident, exchange.sight))
    if entity is None:
        raise NotFound(f"there is no entity {ident}", where=ident)
    if "type" in said:
        selection = parse_types(said["type"], context.expand, exchange.limits)
        if selection is not None and not types_match(selection)(entity.doc["type"]):
            raise NotFound(f"{ident} is a {', '.join(types_of(entity.doc))}", where="type")
    return entity


async def check_type(exchange: Exchange, ident: str, said: dict[str, str], context: Context) -> None:
    """Raise NotFound unless the entity is of the `type` selected, where one is (5.6.2 and its like)."""
    if "type" in said:
        await find_one(exchange, ident, said, context)
