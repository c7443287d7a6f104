"""Consuming entities over HTTP: GET /entities/{entityId} (CIM 009, clause 6.5.3.1), GET /entities (6.4.3.2) and
POST /entityOperations/query (6.23.3.1): 5.7.1 Retrieve Entity and 5.7.2 Query Entities.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import orjson

from hansa.errors import NotFound, TooManyResults
from hansa.limits import Limits
from hansa.model.context import CORE, Context
from hansa.model.entity import MEMBERS, Entity, types_of
from hansa.model.older import older
from hansa.model.selection import types_match
from hansa.model.wire import View, spliceable
from hansa.model.wire_geo import feature
from hansa.platform.codec import labelled
from hansa.platform.entity_maps import EntityMap
from hansa.platform.http import Response
from hansa.platform.joined import Met, joined
from hansa.platform.ngsild import asked, entity_maps, media
from hansa.platform.ngsild.answers import bytes_answer, entities_answer, paged
from hansa.platform.ngsild.asked import Asked, AskedOne, Look
from hansa.platform.ngsild.contexts import answering
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.ngsild.media import Preferences
from hansa.platform.store import Reader, Row

T = TypeVar("T")

_KEEP: Final = 500  # queries remembered: dashboards ask the same again and again


async def retrieve(exchange: Exchange) -> Response:
    """GET /entities/{entityId} (6.5.3.1): 5.7.1 Retrieve Entity, an array of several with join=flat (4.5.23.3).

    ResourceNotFound when it is not there, not for this sight, not of the `type` asked for, or has none of `attrs`.
    """
    accept = exchange.accepts(media.SPATIAL)
    ident = exchange.ident()
    one = await _known(exchange, b"entity", asked.RETRIEVE, AskedOne.of)
    look, types = one.look, one.types
    look.check(accept)
    prefer = media.preferences(exchange.request.headers)
    named, naming = entity_maps.named(exchange)
    mapping = one.mapped or naming
    if look.plain and types is None and not mapping and accept != media.GEO and prefer.version is None:
        row = await exchange.read(lambda reader: reader.row(exchange.tenant, ident, exchange.sight))
        if row is None:
            raise NotFound(f"there is no entity {ident}", where=ident)
        if spliceable(row.doc) and (exchange.sight.everything or whole(row)):
            return bytes_answer([row.doc], accept, one=True)

    def work(reader: Reader) -> list[Met]:
        entity = reader.entity(exchange.tenant, ident, exchange.sight)
        if entity is None:
            raise NotFound(f"there is no entity {ident}", where=ident)
        if types is not None and not types_match(types)(entity.doc["type"]):
            raise NotFound(f"{ident} is a {', '.join(types_of(entity.doc))}", where="type")
        return _met(reader, exchange, [entity], look)

    met = await exchange.read(work)
    doc = met[0].entity.doc
    for words in (look.view.attrs, look.view.pick):
        wanted = frozenset(words or ())
        if wanted and wanted.isdisjoint(MEMBERS) and wanted.isdisjoint(doc):
            where = "attrs" if words is look.view.attrs else "pick"
            raise NotFound(f"{ident} has none of these attributes", where=where)
    told = _Telling(look, accept, prefer)
    shown = told.all(met)
    if not shown:
        raise NotFound(f"all of {ident} is omitted", where="omit")
    several = look.join is not None and look.join.flat
    response = told.response(shown if several else shown[0])
    if mapping:
        kept = named or entity_maps.made(exchange, [ident], one.lifetime_s)
        response.headers.append(entity_maps.place(exchange, kept))
    return response


def whole(row: Row) -> bool:
    """Whether whoever sees the entity sees all of it: none of its attributes bears a label of its own."""
    return not labelled(row.stamps)


async def query(exchange: Exchange) -> Response:
    """GET /entities (6.4.3.2): 5.7.2 Query Entities, a page of them, in no promised order but that of orderBy."""
    accept = exchange.accepts(media.SPATIAL)
    return await _found(exchange, await _known(exchange, b"entities", asked.QUERY, Asked.of), accept, "entities")


async def _known(
    exchange: Exchange, what: bytes, allowed: frozenset[str], read: Callable[[dict[str, str], Context, Limits], T]
) -> T:
    """What the query string means; remembered where no @context of a user's own gives it another meaning."""
    request = exchange.request
    if request.headers.get(b"link") is not None:
        return read(exchange.params(allowed), await exchange.linked(), exchange.limits)
    kept = exchange.desk.asked
    key = what + request.query
    known: T | None = kept.get(key)
    if known is None:
        known = read(exchange.params(allowed), CORE, exchange.limits)
        if len(kept) >= _KEEP:
            kept.clear()
        kept[key] = known
    return known


async def query_post(exchange: Exchange) -> Response:
    """POST /entityOperations/query (6.23.3.1): 5.7.2 Query Entities, the query in the body."""
    said = exchange.params(asked.QUERY_POST)
    accept = exchange.accepts(media.SPATIAL)
    body, context = await exchange.body()
    within = media.preferences(exchange.request.headers).within(accept)
    spoken = context if within else await answering(exchange, context, accept)
    wanted = asked.asked_in(body, said, context, exchange.limits, spoken=spoken)
    return await _found(exchange, wanted, accept, "entityOperations/query")


async def _found(exchange: Exchange, wanted: Asked, accept: str, route: str) -> Response:
    """The response to a query, whether it came as GET or as POST."""
    wanted.look.check(accept)
    named, naming = entity_maps.named(exchange)
    if naming or wanted.mapped:
        return await _mapped(exchange, wanted, accept, route, named)
    prefer = media.preferences(exchange.request.headers)
    splice = wanted.ordering is None and wanted.look.plain and accept != media.GEO and prefer.version is None
    docs, met, more, count = await exchange.read(lambda reader: _page(reader, exchange, wanted, splice=splice))
    if docs is not None:
        response = bytes_answer(docs, accept, one=False)
        if not spliceable(response.body):
            docs = [doc if spliceable(doc) else _without_system(doc, wanted.look.view) for doc in docs]
            response = bytes_answer(docs, accept, one=False)
    else:
        told = _Telling(wanted.look, accept, prefer)
        response = told.response(told.all(met))
    return paged(response, exchange, route, accept, page=wanted.page, more=more, count=count)


async def _mapped(exchange: Exchange, wanted: Asked, accept: str, route: str, named: EntityMap | None) -> Response:
    """The response to a query of an entity map: of the one that was named, or of a new one (5.5.9.3, 5.5.14)."""
    if named is None:
        found = await exchange.read(lambda reader: entity_maps.matching(reader, exchange, wanted.query))
        kept = entity_maps.made(exchange, found, wanted.lifetime_s)
    else:
        kept = named
    page, ordering = wanted.page, wanted.ordering
    most = None if page.count or ordering is not None else page.offset + page.limit + 1

    def work(reader: Reader) -> tuple[list[Met], int, list[str]]:
        fit, gone = entity_maps.fitting(reader, exchange, kept, wanted.query, most)
        if ordering is not None:
            fit.sort(key=lambda one: ordering.key(one.doc, one.stamps))
        return _met(reader, exchange, fit[page.offset : page.offset + page.limit], wanted.look), len(fit), gone

    met, number, gone = await exchange.read(work)
    exchange.desk.maps.prune(kept, gone)
    told = _Telling(wanted.look, accept, media.preferences(exchange.request.headers))
    response = told.response(told.all(met))
    if named is None and response.status == 200:
        response.status = 201
    response.headers.append(entity_maps.place(exchange, kept))
    more = page.limit > 0 and number > page.offset + page.limit
    return paged(response, exchange, route, accept, page=page, more=more, count=number if page.count else None)


_Found = tuple[list[bytes] | None, list[Met], bool, int | None]


def _page(reader: Reader, exchange: Exchange, wanted: Asked, *, splice: bool) -> _Found:
    """One page, as documents where stored bytes can be the answer; whether there is more; the count, if asked for."""
    page, tenant, sight = wanted.page, exchange.tenant, exchange.sight
    count = reader.count(tenant, wanted.query, sight) if page.count else None
    if page.limit == 0:
        return None, [], False, count
    if splice:
        docs = reader.find_docs(tenant, wanted.query, sight, page.limit + 1, page.offset)
        if docs is not None:
            return docs[: page.limit], [], len(docs) > page.limit, count
    if wanted.ordering is None:
        stamps = wanted.look.view.sys_attrs
        entities = reader.find(tenant, wanted.query, sight, page.limit + 1, page.offset, stamps=stamps)
    else:
        entities = _ordered(reader, exchange, wanted)
    met = _met(reader, exchange, entities[: page.limit], wanted.look)
    return None, met, len(entities) > page.limit, count


def _ordered(reader: Reader, exchange: Exchange, wanted: Asked) -> list[Entity]:
    """A page and one entity more in the order asked for; of all that match no more are kept than it takes."""
    ordering, page, most = wanted.ordering, wanted.page, exchange.limits.ordered
    if ordering is None:
        return []

    def some() -> Iterator[Entity]:
        for number, one in enumerate(reader.every(exchange.tenant, wanted.query, exchange.sight)):
            if number >= most:
                raise TooManyResults(f"more than {most:,} entities to order", where="orderBy", mend="ask for fewer")
            yield one

    first = min(page.offset + page.limit + 1, most)
    return heapq.nsmallest(first, some(), key=lambda one: ordering.key(one.doc, one.stamps))[page.offset :]


def _met(reader: Reader, exchange: Exchange, entities: list[Entity], look: Look) -> list[Met]:
    """The entities, with those they link to where these are wanted."""
    if look.join is None:
        return [Met(one, look.view) for one in entities]
    return joined(
        entities,
        look.view,
        look.join,
        lambda uri: reader.entity(exchange.tenant, uri, exchange.sight),
        exchange.limits.linked,
    )


def _without_system(doc: bytes, view: View) -> bytes:
    return orjson.dumps(view.entity(orjson.loads(doc)))


@dataclass(slots=True)
class _Telling:
    """Entities on their way into one answer: in JSON, JSON-LD or GeoJSON, perhaps for an older reader (4.3.6.8)."""

    look: Look
    accept: str
    prefer: Preferences
    altered: bool = field(default=False)

    def all(self, met: list[Met]) -> list[dict[str, Any]]:
        """Entities as they are to be shown, without those of which nothing is left."""
        return [shown for one in met if (shown := self._one(one))]

    def _one(self, one: Met) -> dict[str, Any]:
        doc = one.entity.doc
        if self.prefer.version is not None:
            self._amend(one)
        shown = one.shown()
        if shown and self.accept == media.GEO:
            return feature(shown, doc, one.view, self.look.geometry)
        return shown

    def _amend(self, one: Met) -> None:
        doc = older(one.entity.doc, self.prefer.version or (0, 0), one.view.context.compact)
        if doc is not one.entity.doc:
            self.altered = True
            one.entity = Entity(doc, one.entity.stamps, one.entity.realm, one.entity.label)
        for met in one.below.values():
            for other in met.values():
                self._amend(other)

    def response(self, shown: Any) -> Response:
        """The answer: an entity or several; 203 when it was altered."""
        within = self.prefer.within(self.accept)
        return entities_answer(shown, self.accept, self.look.view.context, 203 if self.altered else 200, within=within)
