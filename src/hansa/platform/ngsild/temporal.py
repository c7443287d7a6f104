"""The temporal API over HTTP: /temporal/entities and below (CIM 009, clauses 6.18 to 6.22 and 6.24).

An entity and its temporal evolution are one thing here: instances that are pushed are readings, late ones go to
history, newer ones move the state. Taking single instances out of history waits for the store to be able to.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from hansa.errors import BadRequest, InvalidRequest, NotFound, NotSupported, TooLarge
from hansa.model.change import Write
from hansa.model.context import Context
from hansa.model.entity import MEMBERS
from hansa.model.wire import View, attribute_in, entity_in
from hansa.model.wire_in import RESERVED
from hansa.model.wire_values import under
from hansa.platform.http import Response
from hansa.platform.ngsild import asked, evolution, provision
from hansa.platform.ngsild.answers import answer, created, linkable, no_content, paged
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.store import Reader

_NONE: Final = frozenset({"local"})
_WHEN: Final = frozenset({"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN"})
_LATER: Final = frozenset({"aggrMethods", "aggrPeriodDuration", "entityMap", "entityMapLifetime"})
_RETRIEVE: Final = asked.SHOWING | _WHEN | _LATER | {"local"}
_QUERY: Final = asked.FINDING | _RETRIEVE | asked.PAGING | asked.ORDERING | asked.ALONE | asked.WORDS
_POST: Final = asked.PAGING | {"options", "format", "local", "splitEntities"}
_FORMS: Final = {**asked.FORMS, "temporalValues": asked.FORMS["normalized"]}


async def retrieve(exchange: Exchange) -> Response:
    """GET /temporal/entities/{entityId} (6.19.3.1): 5.7.3 Retrieve Temporal Evolution of an Entity.

    206 with a Content-Range when it is more than one answer may hold (6.3.10).
    """
    said = exchange.params(_RETRIEVE)
    accept = exchange.accepts()
    ident = exchange.ident()
    context = await exchange.linked()
    wanted = _wanted(said, context, needed=False)
    tenant, sight, limits = exchange.tenant, exchange.sight, exchange.limits

    def work(reader: Reader) -> evolution.Evolution | None:
        entity = reader.entity(tenant, ident, sight)
        past = evolution.Past(reader, tenant, sight, limits)
        return None if entity is None else evolution.evolved(past, entity, wanted)

    found = await exchange.read(work)
    if found is None:
        raise NotFound(f"there is no entity {ident}", where=ident)
    for words in (wanted.view.attrs, wanted.view.pick):
        if words and MEMBERS.isdisjoint(words) and not any(name in words for name, _ in found.series):
            where = "attrs" if words is wanted.view.attrs else "pick"
            raise NotFound(f"{ident} has no history of these attributes", where=where)
    edge = evolution.cut([found], wanted.when, limits)
    shown = evolution.shown(found, wanted)
    if not shown:
        raise NotFound(f"all of {ident} is omitted", where="omit")
    return _ranged(answer(shown, accept, context), edge)


async def query(exchange: Exchange) -> Response:
    """GET /temporal/entities (6.18.3.2): 5.7.4 Query Temporal Evolution of Entities."""
    said = exchange.params(_QUERY)
    accept = exchange.accepts()
    context = await exchange.linked()
    return await _found(exchange, said, accept, context, route="temporal/entities")


async def query_post(exchange: Exchange) -> Response:
    """POST /temporal/entityOperations/query (6.24.3.1): 5.7.4, the query in the body, its times under temporalQ."""
    said = exchange.params(_POST)
    accept = exchange.accepts()
    body, context = await exchange.body()
    flat = asked.flattened(body, said)
    times = body.get("temporalQ", {})
    if type(times) is not dict or not times.keys() <= _WHEN:
        raise BadRequest(f"temporalQ is an object of {', '.join(sorted(_WHEN))}", where="temporalQ")
    flat.update({name: str(value) for name, value in times.items()})
    if "aggrParams" in body:
        flat["aggrMethods"] = ""
    return await _found(exchange, flat, accept, context, route="temporal/entityOperations/query")


async def _found(exchange: Exchange, said: dict[str, str], accept: str, context: Context, *, route: str) -> Response:
    asked.refuse_later(said)
    spoken = linkable(context, accept)
    wanted = _wanted(said, context, needed=True, spoken=spoken)
    conditions = asked.query_of(said, context, exchange.limits)
    asked.check_narrow(conditions, said)
    page = asked.Page.of(said, exchange.limits)
    tenant, sight, limits = exchange.tenant, exchange.sight, exchange.limits

    def work(reader: Reader) -> tuple[list[evolution.Evolution], bool, int | None]:
        every = evolution.matching(evolution.Past(reader, tenant, sight, limits), conditions, wanted)
        skipped = _skip(every, page.offset)
        some = list(islice(every, page.limit))
        rest = _skip(every, None if page.count else 1)
        return some, rest > 0, skipped + len(some) + rest if page.count else None

    some, more, count = await exchange.read(work)
    edge = evolution.cut(some, wanted.when, limits)
    response = answer([evolution.shown(one, wanted) for one in some], accept, spoken)
    return _ranged(paged(response, exchange, route, accept, page=page, more=more, count=count), edge)


def _skip(every: Iterator[Any], most: int | None) -> int:
    return sum(1 for _ in islice(every, most))


def _ranged(response: Response, edge: evolution.Cut | None) -> Response:
    if edge is not None:
        response.status = 206
        response.headers.append((b"content-range", edge.header))
    return response


def _wanted(said: dict[str, str], context: Context, *, needed: bool, spoken: Context | None = None) -> evolution.Wanted:
    """The times and the form that are asked for. Raises BadRequest, InvalidRequest, NotSupported."""
    told = [*said.get("options", "").split(","), said.get("format", "")]
    if "aggregatedValues" in told or _LATER & said.keys():
        where = next(iter(sorted(_LATER & said.keys())), "options")
        raise NotSupported("aggregated values and entity maps are not built yet", where=where)
    view = asked.view_of(said, context, _FORMS)
    values = said.get("format", "temporalValues" if "temporalValues" in told else "") == "temporalValues"
    if view.form == "simplified":
        raise InvalidRequest("entities through time are simplified as temporalValues", where="options")
    if spoken is not None and spoken is not context:
        view = View(spoken, view.form, view.sys_attrs, view.attrs, view.pick, view.omit, view.datasets, view.lang)
    return evolution.Wanted(evolution.TemporalQuery.of(said, needed=needed), view, values)


# Pushing what happened


async def upsert(exchange: Exchange) -> Response:
    """POST /temporal/entities (6.18.3.1): 5.6.11 Create or Update Temporal Evolution of an Entity. 201, or 204."""
    exchange.params(_NONE)
    body, context = await exchange.body()
    head, rounds = _said(body, context, exchange, partial=False)
    ident = head["id"]
    known = await _is_there(exchange, ident, creating=True)
    writes = _readings(ident, head, rounds, exchange.tenant, known=known)
    for outcome in await exchange.write(*writes, creating=True):
        provision.settled([outcome])
    return no_content() if known else created(exchange, "temporal/entities", ident)


async def append(exchange: Exchange) -> Response:
    """POST /temporal/entities/{entityId}/attrs (6.20.3.1): 5.6.12 Add Attributes to Temporal Evolution of an Entity."""
    exchange.params(_NONE)
    ident = exchange.ident()
    body, context = await exchange.body()
    head, rounds = _said(body, context, exchange, partial=True)
    if head.get("id", ident) != ident:
        raise BadRequest(f"the body is about {head['id']}, the path about {ident}", where="id")
    if not await _is_there(exchange, ident, creating=False):
        raise NotFound(f"there is no entity {ident}", where=ident)
    for outcome in await exchange.write(*_readings(ident, head, rounds, exchange.tenant, known=True)):
        provision.settled([outcome])
    return no_content()


def _said(
    body: Any, context: Context, exchange: Exchange, *, partial: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The members of an EntityTemporal, and its instances, oldest first: each round holds one of every attribute."""
    if type(body) is not dict:
        raise BadRequest("an entity is a JSON object")
    members = {name: value for name, value in body.items() if name in MEMBERS or name in {"@id", "@type"}}
    scopes = members.get("scope")
    if type(scopes) is list and scopes and type(scopes[0]) is dict:
        members["scope"] = scopes[-1].get("value")  # an entity's scope through time (4.5.6); the newest counts
    head = entity_in(members, context, partial=partial, limits=exchange.limits)
    rounds: list[dict[str, Any]] = []
    for key, value in body.items():
        if key in members or key == "@context":
            continue
        name = context.name(key)
        if name in RESERVED:
            raise BadRequest(f"{key!r} is a member of the standard, not the name of an attribute", where=key)
        instances = []
        for one in value if type(value) is list else [value]:
            try:
                instances.append(attribute_in(one, context, name, mode="whole", limits=exchange.limits))
            except BadRequest as fault:
                raise under(key, fault) from None
        if len(instances) > exchange.limits.batch:
            raise TooLarge(f"more than {exchange.limits.batch:,} instances", where=key, mend="send it in parts")
        instances.sort(key=lambda one: one.get("observedAt", "~"))
        for place, one in enumerate(instances):
            if place == len(rounds):
                rounds.append({})
            rounds[place][name] = one
    return head, rounds


def _readings(
    ident: str, head: dict[str, Any], rounds: list[dict[str, Any]], tenant: str, *, known: bool
) -> list[Write]:
    """The Writes that say it. An entity that is there gets types and scope first, a new one with its first reading."""
    head = {name: value for name, value in head.items() if name != "id"}
    if known:
        first = [Write("append", ident, head, tenant=tenant)] if head else []
        return first + [Write("read", ident, one, tenant=tenant) for one in rounds]
    news, *later = rounds or [{}]
    return [
        Write("read", ident, {**head, **news}, tenant=tenant),
        *(Write("read", ident, one, tenant=tenant) for one in later),
    ]


async def _is_there(exchange: Exchange, ident: str, *, creating: bool) -> bool:
    exchange.check_writer()
    if not creating:
        await exchange.check_tenant()
    row = await exchange.desk.read(lambda reader: reader.row(exchange.tenant, ident, exchange.sight))
    return row is not None


# Taking out of history


async def delete(exchange: Exchange) -> Response:
    """DELETE /temporal/entities/{entityId} (6.19.3.2): 5.6.16, not built yet."""
    raise _kept(exchange)


async def delete_attribute(exchange: Exchange) -> Response:
    """DELETE /temporal/entities/{entityId}/attrs/{attrId} (6.21.3.1): 5.6.13, not built yet."""
    raise _kept(exchange)


async def modify_instance(exchange: Exchange) -> Response:
    """PATCH /temporal/entities/{entityId}/attrs/{attrId}/{instanceId} (6.22.3.1): 5.6.14, not built yet."""
    raise _kept(exchange)


async def delete_instance(exchange: Exchange) -> Response:
    """DELETE /temporal/entities/{entityId}/attrs/{attrId}/{instanceId} (6.22.3.2): 5.6.15, not built yet."""
    raise _kept(exchange)


def _kept(exchange: Exchange) -> NotSupported:
    exchange.check_writer()
    exchange.ident()
    return NotSupported("history cannot be taken back yet", mend="delete the entity: its history then ends")
