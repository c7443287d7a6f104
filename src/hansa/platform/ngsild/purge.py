"""Many entities away at once: DELETE /entities (CIM 009, clauses 5.6.21 and 6.4.3.3).

They go in batches, each durable; what is written while it runs may stay.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hansa.errors import BadRequest
from hansa.model.change import Write
from hansa.model.context import Context
from hansa.model.entity import MEMBERS, Doc, Entity, instances
from hansa.model.wire import NULL
from hansa.model.wire_values import at
from hansa.platform.http import Response
from hansa.platform.ngsild import asked, provision
from hansa.platform.ngsild.answers import no_content
from hansa.platform.ngsild.exchange import Exchange

_PURGE: Final = asked.FINDING | {"keep", "drop", "geometryProperty", "local"}
_DROPPED: Final = frozenset({"scope", "expiresAt"})  # members, beside attributes, that an entity can do without

Made = Callable[[Entity], Write | None]
"""What is to become of an entity; None: it has nothing that is to go."""


async def purge(exchange: Exchange) -> Response:
    """DELETE /entities (6.4.3.3): 5.6.21 Purge Entities, those that match a query.

    All of them goes, or with `drop` some of their attributes, or with `keep` all but some. 204.
    """
    said = exchange.params(_PURGE)
    exchange.check_writer()
    context = await exchange.linked()
    query = asked.query_of(said, context, exchange.limits)
    asked.check_narrow(query, said)
    if "attrs" in said:
        _names(said, "attrs", context)
    made = _made(said, context, exchange.tenant)
    tenant, sight, size = exchange.tenant, exchange.sight, exchange.limits.batch
    passed = 0  # of what is found first, so many have been purged and still match
    while True:
        found = await exchange.read(lambda reader: reader.find(tenant, query, sight, size, passed))  # noqa: B023
        if not found:
            return no_content()
        if writes := [write for one in found if (write := made(one)) is not None]:
            provision.first_failure(await exchange.write(*writes))
        same = replace(query, ids=frozenset(one.id for one in found))
        passed += len(await exchange.read(lambda reader: reader.find(tenant, same, sight, size)))  # noqa: B023
        await asyncio.sleep(0)  # others get their turn between the batches


def _made(said: dict[str, str], context: Context, tenant: str) -> Made:
    if "keep" in said and "drop" in said:
        raise BadRequest("keep and drop are two ways to say the same", where="keep")
    if "drop" in said:
        names = _names(said, "drop", context)
        if odd := sorted(names & MEMBERS - _DROPPED):
            raise BadRequest(f"no entity is without its {odd[0]}", where="drop")
        return lambda one: _without(one.doc, names & one.doc.keys(), tenant)
    if "keep" in said:
        kept = _names(said, "keep", context) | MEMBERS
        return lambda one: _without(one.doc, one.doc.keys() - kept, tenant)
    return lambda one: Write("delete", one.id, tenant=tenant)


def _names(said: dict[str, str], where: str, context: Context) -> frozenset[str]:
    """Stored names of a list of members. Raises BadRequest; linked entities are none of its business (5.6.21.4)."""
    words = [word.strip() for word in said[where].split(",")]
    if odd := next((word for word in words if "{" in word or "}" in word), None):
        raise BadRequest(f"{odd[:64]!r} reaches into a linked entity", where=where)
    return frozenset(word if word in MEMBERS else at(where, context.name, word) for word in words)


def _without(doc: Doc, names: "set[str] | frozenset[str]", tenant: str) -> Write | None:
    """The Write that takes members away from an entity, as one Change: 5.6.2 Update Attributes with nulls."""
    if not names:
        return None
    gone: Doc = {}
    for name in names:
        if name in MEMBERS:
            gone[name] = NULL
        else:
            sets = [one.get("datasetId") for one in instances(doc[name])]
            gone[name] = [{"value": NULL} if one is None else {"value": NULL, "datasetId": one} for one in sets]
    return Write("update", doc["id"], gone, tenant=tenant)
