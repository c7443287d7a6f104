"""Attributes of an entity over HTTP: /entities/{entityId}/attrs (CIM 009, clause 6.6) and .../attrs/{attrId} (6.7)."""

from typing import Final

from hansa.errors import BadRequest, InvalidRequest
from hansa.model.change import Kind, Write
from hansa.model.members import RESERVED
from hansa.model.wire_values import uri
from hansa.platform.http import Response
from hansa.platform.ngsild import provision
from hansa.platform.ngsild.answers import no_content, update_result
from hansa.platform.ngsild.asked import truth
from hansa.platform.ngsild.entities import TYPE, check_type, find_one
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.store import Outcome

_APPEND: Final = frozenset({"options", "type", "local"})
_DELETE: Final = frozenset({"datasetId", "deleteAll", "type", "local"})


async def append(exchange: Exchange) -> Response:
    """POST /entities/{entityId}/attrs (6.6.3.1): 5.6.3 Append Attributes, over what is there unless noOverwrite."""
    said = exchange.params(_APPEND)
    ident = exchange.ident()
    options = said.get("options")
    if options not in {None, "noOverwrite"}:
        raise InvalidRequest(f"{str(options)[:64]!r} is no option here", where="options", mend="noOverwrite")
    body, context = await exchange.body()
    kind: Kind = "append" if options is None else "append_new"
    write = provision.fragment(kind, body, context, **exchange.whose, ident=ident)
    await check_type(exchange, ident, said, context)
    return _told(write, provision.settled(await exchange.write(write)))


async def update(exchange: Exchange) -> Response:
    """PATCH /entities/{entityId}/attrs (6.6.3.2): 5.6.2 Update Attributes, whole ones; null takes away."""
    said = exchange.params(TYPE)
    ident = exchange.ident()
    body, context = await exchange.body()
    write = provision.fragment("update", body, context, **exchange.whose, ident=ident)
    await check_type(exchange, ident, said, context)
    scoped = "scope" not in write.doc or "scope" in (await find_one(exchange, ident, {}, context)).doc
    return _told(write, provision.settled(await exchange.write(write)), scoped=scoped)


def _told(write: Write, outcome: Outcome, *, scoped: bool = True) -> Response:
    missed = provision.left_out(write, outcome, scoped=scoped)
    if not missed:
        return no_content()
    names = {name for name, _ in missed}
    return update_result([name for name in provision.said_names(write.doc) if name not in names], missed)


async def patch(exchange: Exchange) -> Response:
    """PATCH /entities/{entityId}/attrs/{attrId} (6.7.3.1): 5.6.4 Partial Attribute Update."""
    said = exchange.params(TYPE) if exchange.request.query else {}
    ident = exchange.ident()
    body, context = await exchange.body()
    write = provision.partial(ident, exchange.name(context), body, context, **exchange.whose)
    await check_type(exchange, ident, said, context)
    provision.settled(await exchange.write(write))
    return no_content()


async def replace(exchange: Exchange) -> Response:
    """PUT /entities/{entityId}/attrs/{attrId} (6.7.3.3): 5.6.19 Replace Attribute."""
    said = exchange.params(TYPE)
    ident = exchange.ident()
    body, context = await exchange.body()
    write = provision.replacement(ident, exchange.name(context), body, context, **exchange.whose)
    await check_type(exchange, ident, said, context)
    provision.settled(await exchange.write(write))
    return no_content()


async def delete(exchange: Exchange) -> Response:
    """DELETE /entities/{entityId}/attrs/{attrId} (6.7.3.2): 5.6.5 Delete Attribute: one instance, or all."""
    said = exchange.params(_DELETE)
    ident = exchange.ident()
    context = await exchange.linked()
    name = exchange.name(context)
    if name in RESERVED and name != "scope":
        raise BadRequest(f"{name!r} is a member of the standard, not an attribute", where=name)
    dataset = said.get("datasetId")
    if truth(said, "deleteAll"):
        dataset = "@all"
    elif dataset == "@none":
        dataset = None
    elif dataset is not None:
        uri(dataset, "datasetId", exchange.limits)
    await check_type(exchange, ident, said, context)
    write = Write("delete_attr", ident, name=name, dataset=dataset, tenant=exchange.tenant)
    provision.settled(await exchange.write(write))
    return no_content()
