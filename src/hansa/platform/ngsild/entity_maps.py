"""Entity maps over HTTP: /entityMaps (CIM 009, clause 6.34) and /entityMaps/{entityMapId} (6.32): 5.14.1 to 5.14.4."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from hansa import clock
from hansa.errors import BadRequest, NotFound
from hansa.model.entity import Entity
from hansa.model.query import Query
from hansa.model.wire_values import at, instant, uri
from hansa.platform.entity_maps import EntityMap
from hansa.platform.http import Response
from hansa.platform.ngsild import asked
from hansa.platform.ngsild.answers import answer, linkable, no_content
from hansa.platform.ngsild.asked import Asked
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.store import Reader

_NONE: Final[frozenset[str]] = frozenset()
_OUTPUT: Final = frozenset({"id", "type", "entityMap", "linkedMaps", "@context"})
_CHUNK: Final = 500  # entities that are looked up at once


def named(exchange: Exchange) -> tuple[EntityMap | None, bool]:
    """The map that the request names (NGSILD-EntityMap: its place or its id), and whether it names any."""
    header = exchange.request.headers.get(b"ngsild-entitymap")
    if header is None:
        return None, False
    ident = unquote(header.strip().rpartition("/entityMaps/")[2])
    return exchange.desk.maps.get(ident, _whose(exchange)), True


def place(exchange: Exchange, one: EntityMap) -> tuple[bytes, bytes]:
    """The header that says where a map is (6.4.3.2)."""
    return b"ngsild-entitymap", f"{exchange.desk.mount}/entityMaps/{one.ident}".encode()


def made(exchange: Exchange, entities: Iterable[str], lifetime_s: float | None) -> EntityMap:
    """A new map for whoever asks."""
    return exchange.desk.maps.create(_whose(exchange), entities, lifetime_s)


def fitting(
    reader: Reader, exchange: Exchange, one: EntityMap, query: Query, most: int | None
) -> tuple[list[Entity], list[str]]:
    """The first `most` entities of a map that fit the query, in its order; and those on the way that do not."""
    # A copy, made at once: this may run in a thread while another request takes entities out.
    wanted = [ident for ident in list(one.entities) if query.ids is None or ident in query.ids]
    found: list[Entity] = []
    gone: list[str] = []
    for begin in range(0, len(wanted), _CHUNK):
        some = wanted[begin : begin + _CHUNK]
        narrowed = replace(query, ids=frozenset(some))
        kept = {e.id: e for e in reader.find(exchange.tenant, narrowed, exchange.sight, len(some), stamps=True)}
        for ident in some:
            if ident in kept:
                found.append(kept[ident])
            else:
                gone.append(ident)
            if most is not None and len(found) == most:
                return found, gone
    return found, gone


def matching(reader: Reader, exchange: Exchange, query: Query) -> list[str]:
    """The ids of all that match, no more than one beyond the cap."""
    found: list[str] = []
    for one in reader.every(exchange.tenant, query, exchange.sight):
        found.append(one.id)
        if len(found) > exchange.limits.mapped:
            break
    return found


def _whose(exchange: Exchange) -> tuple[str, str]:
    """The tenant, and who asks, with what his token is for: another of his tokens may be for less."""
    sight = exchange.sight
    scope = "" if sight.who.scope is None else f" for {' '.join(sorted(sight.who.scope))}"
    return exchange.tenant, f"{sight.actor}{scope}"


# Resources


async def retrieve(exchange: Exchange) -> Response:
    """GET /entityMaps/{entityMapId} (6.32.3.1): 5.14.1 Retrieve EntityMap."""
    exchange.params(_NONE)
    accept = exchange.accepts()
    return answer(_one(exchange).document(), accept, await exchange.linked())


async def update(exchange: Exchange) -> Response:
    """PATCH /entityMaps/{entityMapId} (6.32.3.2): 5.14.2 Update EntityMap; only expiresAt can be said."""
    exchange.params(_NONE)
    one = _one(exchange)
    body, _ = await exchange.body()
    if type(body) is not dict:
        raise BadRequest("an EntityMap is an object")
    if odd := sorted(body.keys() - _OUTPUT - {"expiresAt"}):
        raise BadRequest(f"an EntityMap has no member {odd[0][:64]!r}", where=odd[0][:64])
    if type(body.get("expiresAt", "")) is not str:
        raise BadRequest("expiresAt is a date-time", where="expiresAt", mend="write it as 2026-11-22T18:00:00Z")
    if "expiresAt" in body:
        exchange.desk.maps.until(one, clock.parse(at("expiresAt", instant, body["expiresAt"])))
    return no_content()


async def delete(exchange: Exchange) -> Response:
    """DELETE /entityMaps/{entityMapId} (6.32.3.3): 5.14.3 Delete EntityMap."""
    exchange.params(_NONE)
    exchange.desk.maps.drop(_one(exchange))
    return no_content()


async def create(exchange: Exchange) -> Response:
    """GET /entityMaps (6.34.3.1): 5.14.4 Create EntityMap for Query Entities. 201, with the map."""
    said = exchange.params(asked.QUERY)
    accept = exchange.accepts()
    context = await exchange.linked()
    wanted = Asked.of({**said, "entityMap": "true"}, context, exchange.limits)
    return await _created(exchange, wanted, accept)


async def create_post(exchange: Exchange) -> Response:
    """POST /entityMaps (6.34.3.2): 5.14.4 Create EntityMap for Query Entities, the query in the body."""
    said = exchange.params(asked.QUERY_POST)
    accept = exchange.accepts()
    body, context = await exchange.body()
    if type(body) is dict:
        body = {**body, "entityMap": True}
    wanted = asked.asked_in(body, said, context, exchange.limits, spoken=linkable(context, accept))
    return await _created(exchange, wanted, accept)


async def _created(exchange: Exchange, wanted: Asked, accept: str) -> Response:
    found = await exchange.read(lambda reader: matching(reader, exchange, wanted.query))
    one = made(exchange, found, wanted.lifetime_s)
    response = answer(one.document(), accept, wanted.look.view.context, 201)
    response.headers.append(place(exchange, one))
    return response


def _one(exchange: Exchange) -> EntityMap:
    ident = uri(exchange.path[0] or None, "entityMapId", exchange.limits)
    found = exchange.desk.maps.get(ident, _whose(exchange))
    if found is None:
        raise NotFound(f"there is no entity map {ident}", where=ident)
    return found
