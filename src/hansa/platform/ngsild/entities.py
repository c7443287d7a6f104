"""Entities over HTTP: /entities (CIM 009, clause 6.4) and /entities/{entityId} (6.5)."""

import asyncio
from typing import Final

import orjson

from hansa import clock
from hansa.errors import BadRequest, InvalidRequest, NotFound, NotSupported
from hansa.model.change import Write
from hansa.model.context import CORE, Context
from hansa.model.entity import MEMBERS, Entity, types_of
from hansa.model.selection import parse_types, types_match
from hansa.model.wire import View, spliceable
from hansa.platform.http import Response
from hansa.platform.ngsild import asked, provision
from hansa.platform.ngsild.answers import answer, bytes_answer, created, no_content, paged
from hansa.platform.ngsild.asked import Asked
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.store import Reader

NONE: Final[frozenset[str]] = frozenset()
TYPE: Final = frozenset({"type", "local"})
_CREATE: Final = frozenset({"local"})
_MERGE: Final = frozenset({"type", "format", "options", "observedAt", "lang", "local"})
_PURGE: Final = asked.FINDING | {"keep", "drop", "local"}


async def create(exchange: Exchange) -> Response:
    """POST /entities (6.4.3.1): 5.6.1 Create Entity. 201 and its place; AlreadyExists."""
    exchange.params(_CREATE)
    body, context = await exchange.body()
    write = provision.creation(body, context, **exchange.whose)
    provision.settled(await exchange.write(write, creating=True))
    return created(exchange, "entities", write.id)


async def retrieve(exchange: Exchange) -> Response:
    """GET /entities/{entityId} (6.5.3.1): 5.7.1 Retrieve Entity.

    ResourceNotFound when it is not there, not for this sight, not of the `type` asked for, or has none of `attrs`.
    """
    said = exchange.params(asked.RETRIEVE)
    accept = exchange.accepts()
    ident = exchange.ident()
    asked.refuse_later(said)
    context = await exchange.linked()
    view = asked.view_of(said, context)
    if view.identity and "type" not in said and exchange.sight.everything:
        row = await exchange.read(lambda reader: reader.row(exchange.tenant, ident, exchange.sight))
        if row is not None and spliceable(row.doc):
            return bytes_answer([row.doc], accept, one=True)
    entity = await find_one(exchange, ident, said, context)
    for words in (view.attrs, view.pick):
        wanted = frozenset(words or ())
        if wanted and wanted.isdisjoint(MEMBERS) and wanted.isdisjoint(entity.doc):
            raise NotFound(f"{ident} has none of these attributes", where="attrs" if words is view.attrs else "pick")
    shown = view.entity(entity.doc, entity.stamps)
    if not shown:
        raise NotFound(f"all of {ident} is omitted", where="omit")
    return answer(shown, accept, context)


async def query(exchange: Exchange) -> Response:
    """GET /entities (6.4.3.2): 5.7.2 Query Entities, a page of them, in no promised order."""
    request = exchange.request
    if request.headers.get(b"link") is not None:
        said = exchange.params(asked.QUERY)
        return await found(exchange, Asked.of(said, await exchange.linked(), exchange.limits), exchange.accepts())
    kept = exchange.desk.asked
    wanted = kept.get(request.query)
    if wanted is None:
        wanted = Asked.of(exchange.params(asked.QUERY), CORE, exchange.limits)
        if len(kept) >= _KEEP:
            kept.clear()
        kept[request.query] = wanted
    return await found(exchange, wanted, exchange.accepts())


_KEEP: Final = 500  # queries remembered: dashboards ask the same again and again


async def found(exchange: Exchange, wanted: Asked, accept: str, route: str = "entities") -> Response:
    """The response to a query, whether it came as GET or as POST (6.23)."""
    docs, entities, count = await exchange.read(lambda reader: _page(reader, exchange, wanted))
    limit = wanted.page.limit
    if docs is not None:
        more = len(docs) > limit
        del docs[limit:]
        if not all(map(spliceable, docs)):
            docs = [doc if spliceable(doc) else _without_system(doc, wanted.view) for doc in docs]
        response = bytes_answer(docs, accept, one=False)
    else:
        shown = [wanted.view.entity(one.doc, one.stamps) for one in entities[:limit]]
        response = answer(shown, accept, wanted.view.context)
        more = len(entities) > limit
    page = wanted.page
    return paged(response, exchange, route, accept, page=page, more=more, count=count)


def _page(reader: Reader, exchange: Exchange, wanted: Asked) -> tuple[list[bytes] | None, list[Entity], int | None]:
    """One page and one entity more, as documents where stored bytes can be the answer; and the count, if asked for."""
    page, tenant, sight = wanted.page, exchange.tenant, exchange.sight
    count = reader.count(tenant, wanted.query, sight) if page.count else None
    if page.limit == 0:
        return None, [], count
    if wanted.splice and sight.everything:
        docs = reader.find_docs(tenant, wanted.query, sight, page.limit + 1, page.offset)
        if docs is not None:
            return docs, [], count
    return None, reader.find(tenant, wanted.query, sight, page.limit + 1, page.offset, stamps=wanted.stamps), count


def _without_system(doc: bytes, view: View) -> bytes:
    return orjson.dumps(view.entity(orjson.loads(doc)))


async def merge(exchange: Exchange) -> Response:
    """PATCH /entities/{entityId} (6.5.3.4): 5.6.17 Merge Entity."""
    said = exchange.params(_MERGE)
    ident = exchange.ident()
    simplified = _simplified(said)
    observed = None
    if "observedAt" in said:
        try:
            observed = clock.parse(said["observedAt"])
        except BadRequest as fault:
            raise BadRequest(fault.detail, where="observedAt", mend=fault.mend) from None
    body, context = await exchange.body()
    write = provision.fragment(
        "merge",
        body,
        context,
        **exchange.whose,
        ident=ident,
        simplified=simplified,
        observed=observed,
        lang=said.get("lang"),
    )
    await check_type(exchange, ident, said, context)
    provision.settled(await exchange.write(write))
    return no_content()


def _simplified(said: dict[str, str]) -> bool:
    options = said["format"] if "format" in said else said.get("options")
    if options is None:
        return False
    if options not in {"simplified", "keyValues"}:
        where = "format" if "format" in said else "options"
        raise InvalidRequest(f"{options[:64]!r} is not known here", where=where, mend="simplified, or leave it out")
    return True


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


async def purge(exchange: Exchange) -> Response:
    """DELETE /entities (6.4.3.3): 5.6.21 Purge Entities, those that match a query.

    They go in batches; what was written while it ran may stay. `keep` and `drop` are built with the rest.
    """
    said = exchange.params(_PURGE)
    exchange.check_writer()
    context = await exchange.linked()
    query = asked.query_of(said, context, exchange.limits)
    asked.check_narrow(query, said)
    if "attrs" in said:
        asked.view_of({"attrs": said["attrs"]}, context)  # says what is wrong with a name
    if "keep" in said and "drop" in said:
        raise BadRequest("keep and drop are two ways to say the same", where="keep")
    for name in ("keep", "drop"):
        if name in said:
            raise NotSupported(f"{name} is not built yet", where=name)
    tenant, sight, size = exchange.tenant, exchange.sight, exchange.limits.batch
    while True:
        some = await exchange.read(lambda reader: [one.id for one in reader.find(tenant, query, sight, size)])
        if not some:
            return no_content()
        outcomes = await exchange.write(*(Write("delete", ident, tenant=tenant) for ident in some))
        provision.first_failure(outcomes)
        await asyncio.sleep(0)  # others get their turn between the batches


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
