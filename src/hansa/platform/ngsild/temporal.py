"""Asking what was so through time (CIM 009, clauses 6.18.3.2, 6.19.3.1, 6.24 and 6.35: 5.7.3, 5.7.4 and 5.14.5)."""

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from hansa.errors import BadRequest, InvalidRequest, NotFound
from hansa.limits import Limits
from hansa.model.context import Context
from hansa.model.entity import MEMBERS
from hansa.model.query import Query
from hansa.platform.entity_maps import EntityMap
from hansa.platform.http import Response
from hansa.platform.ngsild import aggregation, asked, entity_maps, evolution, interval, moments
from hansa.platform.ngsild.answers import answer, paged
from hansa.platform.ngsild.contexts import answering
from hansa.platform.ngsild.evolution import Cut, Evolution, Past, Wanted
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.ngsild.interval import WHEN
from hansa.platform.ngsild.posted import flattened, selectors
from hansa.platform.store import Reader

_MAPS: Final = frozenset({"entityMap", "entityMapLifetime"})
_RETRIEVE: Final = asked.SHOWING | WHEN | aggregation.AGGREGATING | _MAPS | {"local"}
_QUERY: Final = asked.FINDING | _RETRIEVE | asked.PAGING | asked.ORDERING | asked.ALONE | asked.WORDS
_POST: Final = asked.PAGING | asked.ALONE | {"options", "format"}
_FORMS: Final = {
    "normalized": asked.FORMS["normalized"],
    "concise": asked.FORMS["concise"],
    "temporalValues": asked.FORMS["normalized"],
    "aggregatedValues": asked.FORMS["normalized"],
}
_TEMPORAL: Final[tuple[str, ...]] = ("temporalValues", "aggregatedValues")


async def retrieve(exchange: Exchange) -> Response:
    """GET /temporal/entities/{entityId} (6.19.3.1): 5.7.3 Retrieve Temporal Evolution of an Entity.

    206 with a Content-Range when it is more than one answer may hold (6.3.10).
    """
    said = exchange.params(_RETRIEVE)
    accept = exchange.accepts()
    ident = exchange.ident()
    context = await exchange.linked()
    named, naming = entity_maps.named(exchange)
    mapping, lifetime_s = asked.truth(said, "entityMap") or naming, asked.lifetime_of(said)
    wanted = _wanted(said, context, exchange, needed=False)

    def work(reader: Reader) -> tuple[dict[str, Any], Cut | None]:
        past = Past(reader, exchange.tenant, exchange.sight, exchange.limits)
        found = evolution.evolved(past, ident, wanted)
        if found is None:
            raise NotFound(f"there is no temporal evolution of {ident}", where=ident)
        _check_names(past, found, wanted)
        if wanted.aggregation is not None:
            return moments.aggregated(past, found, wanted), None
        edge = evolution.cut([found], wanted.when, exchange.limits)
        return moments.shown(found, wanted), edge

    shown, edge = await exchange.read(work)
    if not shown:
        raise NotFound(f"all of {ident} is omitted", where="omit")
    response = _ranged(answer(shown, accept, context), edge)
    if mapping:
        kept = named or entity_maps.made(exchange, [ident], lifetime_s)
        response.headers.append(entity_maps.place(exchange, kept))
    return response


def _check_names(past: Past, found: Evolution, wanted: Wanted) -> None:
    """Raise NotFound when the entity never had any of the attributes that are asked for."""
    for words, where in ((wanted.view.attrs, "attrs"), (wanted.view.pick, "pick")):
        if words and MEMBERS.isdisjoint(words):
            series = past.reader.series(past.tenant, found.entity.id, past.sight)
            if not any(name in words for name, _ in series):
                raise NotFound(f"{found.entity.id} has no history of these attributes", where=where)


async def query(exchange: Exchange) -> Response:
    """GET /temporal/entities (6.18.3.2): 5.7.4 Query Temporal Evolution of Entities."""
    return await _found(exchange, await _in_url(exchange), "temporal/entities")


async def query_post(exchange: Exchange) -> Response:
    """POST /temporal/entityOperations/query (6.24.3.1): 5.7.4, the query in the body, its times under temporalQ."""
    return await _found(exchange, await _in_body(exchange), "temporal/entityOperations/query")


async def create_map(exchange: Exchange) -> Response:
    """GET /temporal/entityMaps (6.35.3.1): 5.14.5 Create EntityMap for Query Temporal Evolution. 201, with the map."""
    return await _mapped(exchange, await _in_url(exchange))


async def create_map_post(exchange: Exchange) -> Response:
    """POST /temporal/entityMaps (6.35.3.2): 5.14.5 Create EntityMap, the query in the body."""
    return await _mapped(exchange, await _in_body(exchange))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A temporal query: which entities, which part of their past, which page of them, in which order and words."""

    query: Query
    wanted: Wanted
    page: asked.Page
    order: str | None
    accept: str
    spoken: Context
    mapped: bool
    lifetime_s: float | None

    @classmethod
    async def of(
        cls, exchange: Exchange, said: dict[str, str], accept: str, context: Context, several: tuple[Query, ...] = ()
    ) -> "_Asked":
        """From parameters, or what a body says like them. Raises whatever is wrong with them."""
        _check(said, context, exchange.limits)
        spoken = await answering(exchange, context, accept)
        wanted = _wanted(said, context, exchange, needed=True, spoken=spoken)
        query = asked.query_of(said, context, exchange.limits)
        if several:
            query = asked.selecting(query, several)
        asked.check_narrow(query, said)
        page = asked.Page.of(said, exchange.limits)
        mapped, lifetime_s = asked.truth(said, "entityMap"), asked.lifetime_of(said)
        return cls(query, wanted, page, said.get("orderBy"), accept, spoken, mapped, lifetime_s)


async def _in_url(exchange: Exchange) -> _Asked:
    said = exchange.params(_QUERY)
    accept = exchange.accepts()
    return await _Asked.of(exchange, said, accept, await exchange.linked())


async def _in_body(exchange: Exchange) -> _Asked:
    said = exchange.params(_POST)
    accept = exchange.accepts()
    body, context = await exchange.body()
    flat = flattened(body, said)
    flat.update(interval.told(body.get("temporalQ", {})))
    if params := aggregation.told(body):
        flat.update(params)
        if not any(form in f"{said.get('format', '')},{said.get('options', '')}".split(",") for form in _TEMPORAL):
            flat["format"] = "aggregatedValues"
    return await _Asked.of(exchange, flat, accept, context, selectors(body, context, exchange.limits))


async def _found(exchange: Exchange, one: _Asked, route: str) -> Response:
    wanted, page = one.wanted, one.page
    kept, naming = entity_maps.named(exchange)
    fresh = kept is None and (naming or one.mapped)
    if fresh:
        kept = await _made(exchange, one)
    conditions = one.query
    if kept is not None:  # it says which entities this is about (5.5.14)
        among = frozenset(kept.entities)
        conditions = replace(conditions, ids=among if conditions.ids is None else among & conditions.ids)

    def work(reader: Reader) -> tuple[list[dict[str, Any]], bool, int | None, Cut | None]:
        past = Past(reader, exchange.tenant, exchange.sight, exchange.limits)
        some, more, count = _page(past, conditions, wanted, page, one.order)
        if wanted.aggregation is not None:
            return [moments.aggregated(past, each, wanted) for each in some], more, count, None
        evolution.fill(past, some, wanted)
        if wanted.view.datasets is not None:
            some = [each for each in some if each.series]  # nothing is left of it (5.7.4.4, S8)
        edge = evolution.cut(some, wanted.when, exchange.limits)
        return [moments.shown(each, wanted) for each in some], more, count, edge

    shown, more, count, edge = await exchange.read(work)
    response = answer(shown, one.accept, one.spoken, 201 if fresh else 200)
    response = paged(response, exchange, route, one.accept, page=page, more=more, count=count)
    if kept is not None:
        response.headers.append(entity_maps.place(exchange, kept))
    return _ranged(response, edge)


async def _mapped(exchange: Exchange, one: _Asked) -> Response:
    kept = await _made(exchange, one)
    response = answer(kept.document(), one.accept, one.spoken, 201)
    response.headers.append(entity_maps.place(exchange, kept))
    return response


async def _made(exchange: Exchange, one: _Asked) -> EntityMap:
    """A new entity map of all that match (5.5.9.3, 5.14.5). TooManyResults beyond `limits.mapped`."""
    limits = exchange.limits

    def work(reader: Reader) -> list[str]:
        past = Past(reader, exchange.tenant, exchange.sight, limits)
        return list(islice(evolution.counted(past, one.query, one.wanted), limits.mapped + 1))

    return entity_maps.made(exchange, await exchange.read(work), one.lifetime_s)


def _page(
    past: Past, conditions: Query, wanted: Wanted, page: asked.Page, order: str | None
) -> tuple[list[Evolution], bool, int | None]:
    """One page of the entities that match, whether there are more, and how many there are if that is asked for."""
    if order is not None:
        every = sorted(evolution.counted(past, conditions, wanted), reverse=order.endswith(";desc"))
        # What matched is looked at once more: only so are its parts in scope known.
        chosen = replace(conditions, ids=frozenset(every[page.offset : page.offset + page.limit]))
        by_ident = {one.entity.id: one for one in evolution.matching(past, chosen, wanted)} if page.limit else {}
        some = [by_ident[ident] for ident in every[page.offset : page.offset + page.limit] if ident in by_ident]
        return some, len(every) > page.offset + page.limit, len(every) if page.count else None
    count = sum(1 for _ in evolution.counted(past, conditions, wanted)) if page.count else None
    if not page.limit:
        return [], False, count
    matching = evolution.matching(past, conditions, wanted)
    some = list(islice(matching, page.offset, page.offset + page.limit))
    more = next(matching, None) is not None if count is None else count > page.offset + len(some)
    return some, more, count


def _check(said: dict[str, str], context: Context, limits: Limits) -> None:
    """Raise what is wrong with parameters of 5.7.2 in a query through time: only ids order it, and it joins nothing."""
    asked.truth(said, "splitEntities")
    if odd := sorted(asked.LINKING.intersection(said)):
        raise BadRequest(f"{odd[0]} is not for temporal queries (5.7.4.4)", where=odd[0])
    if odd := sorted(asked.ORDERING.intersection(said) - {"orderBy", "collation"}):
        raise BadRequest(f"{odd[0]} is not for temporal queries: they are ordered by id (5.7.4.4)", where=odd[0])
    if "orderBy" in said and said["orderBy"] not in {"id", "id;asc", "id;desc"}:
        raise BadRequest("entities through time are ordered by id alone (5.7.4.4)", where="orderBy", mend="id;desc")
    asked.ordering_of(said, context, limits)  # a collation that is none is refused, and ids need none


def _ranged(response: Response, edge: Cut | None) -> Response:
    if edge is not None:
        response.status = 206
        response.headers.append((b"content-range", edge.header))
    return response


def _wanted(
    said: dict[str, str], context: Context, exchange: Exchange, *, needed: bool, spoken: Context | None = None
) -> Wanted:
    """The times and the form that are asked for. Raises BadRequest, InvalidRequest."""
    view = asked.view_of(said, context, _FORMS, limits=exchange.limits)
    told = said["options"].split(",") if "options" in said else []
    forms: list[str] = [form for form in _TEMPORAL if form in told]
    if "format" in said:
        forms = [said["format"]]
    elif len(forms) > 1:
        raise InvalidRequest("temporalValues and aggregatedValues are two forms (6.3.12)", where="options")
    if spoken is not None and spoken is not context:
        view = replace(view, context=spoken)
    when = interval.TemporalQuery.of(said, needed=needed)
    aggregating = None
    if "aggregatedValues" in forms:
        aggregating = aggregation.Aggregation.of(said)
    elif "aggregatedValues" not in told and (odd := sorted(aggregation.AGGREGATING.intersection(said))):
        raise BadRequest(f"{odd[0]} goes with format=aggregatedValues", where=odd[0])
    return Wanted(when, view, "temporalValues" in forms, aggregating)
