"""Subscriptions over HTTP: /subscriptions (CIM 009, clause 6.10) and /subscriptions/{subscriptionId} (6.11).

The operations of clause 5.8 are `platform.subscriptions`.
"""

from typing import Final

from hansa.errors import Forbidden, InvalidRequest, NotSupported
from hansa.platform.http import Response
from hansa.platform.ngsild.answers import answer, created, no_content, paged
from hansa.platform.ngsild.asked import PAGING, Page
from hansa.platform.ngsild.contexts import implicit
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.subscriptions import Subscriptions
from hansa.trust.tokens import within

_NONE: Final[frozenset[str]] = frozenset({"local"})
_SHOW: Final = frozenset({"options", "local"})
_LIST: Final = PAGING | _SHOW


def _kept(exchange: Exchange) -> Subscriptions:
    exchange.check_known()
    scope = exchange.sight.who.scope
    if (not exchange.sight.everything and exchange.sight.rights is None) or not within(scope, "subscribe"):
        raise Forbidden(f"{exchange.sight.actor} may not see or make subscriptions")
    found = exchange.desk.subscriptions
    if found is None:
        raise NotSupported("this city keeps no subscriptions here")
    return found


def _sys_attrs(said: dict[str, str]) -> bool:
    options = said["options"].split(",") if "options" in said else []
    # `count` is how FIWARE's clients asked for it before it had a parameter of its own; they say both.
    if odd := sorted({*options} - {"sysAttrs", "count"}):
        raise InvalidRequest(f"{odd[0][:64]!r} is no option here", where="options", mend="sysAttrs")
    return "sysAttrs" in options


async def create(exchange: Exchange) -> Response:
    """POST /subscriptions (6.10.3.1): 5.8.1 Create Subscription. 201 and its place."""
    exchange.params(_NONE)
    kept = _kept(exchange)
    body, context = await exchange.body()
    if type(body) is dict and "jsonldContext" not in body and (url := await implicit(exchange, context)):
        body = {**body, "jsonldContext": url}  # so that notifications in JSON can name their @context (5.13.1)
    ident = await kept.create(body, exchange.tenant, context, sight=exchange.sight)
    exchange.know_tenant()
    return created(exchange, "subscriptions", ident)


async def query(exchange: Exchange) -> Response:
    """GET /subscriptions (6.10.3.2): 5.8.4 Query Subscriptions."""
    said = exchange.params(_LIST)
    accept = exchange.accepts()
    kept = _kept(exchange)
    page, sys_attrs = Page.of(said, exchange.limits), _sys_attrs(said)
    await _check_tenant(exchange, kept)
    context = await exchange.linked()
    total = kept.count(exchange.tenant, exchange.sight)
    shown = kept.list(
        *(exchange.tenant, context),
        limit=page.limit,
        offset=page.offset,
        sys_attrs=sys_attrs,
        sight=exchange.sight,
    )
    return paged(
        answer(shown, accept, context),
        exchange,
        "subscriptions",
        accept,
        page=page,
        more=page.offset + page.limit < total,
        count=total if page.count else None,
    )


async def retrieve(exchange: Exchange) -> Response:
    """GET /subscriptions/{subscriptionId} (6.11.3.1): 5.8.3 Retrieve Subscription."""
    said = exchange.params(_SHOW)
    accept = exchange.accepts()
    kept = _kept(exchange)
    ident = exchange.ident()
    await _check_tenant(exchange, kept)
    context = await exchange.linked()
    shown = kept.get(ident, exchange.tenant, context, sys_attrs=_sys_attrs(said), sight=exchange.sight)
    return answer(shown, accept, context)


async def update(exchange: Exchange) -> Response:
    """PATCH /subscriptions/{subscriptionId} (6.11.3.2): 5.8.2 Update Subscription."""
    exchange.params(_NONE)
    kept = _kept(exchange)
    ident = exchange.ident()
    body, context = await exchange.body()
    await _check_tenant(exchange, kept)
    await kept.update(ident, body, exchange.tenant, context, sight=exchange.sight)
    return no_content()


async def delete(exchange: Exchange) -> Response:
    """DELETE /subscriptions/{subscriptionId} (6.11.3.3): 5.8.5 Delete Subscription."""
    exchange.params(_NONE)
    kept = _kept(exchange)
    ident = exchange.ident()
    await _check_tenant(exchange, kept)
    await kept.delete(ident, exchange.tenant, sight=exchange.sight)
    return no_content()


async def _check_tenant(exchange: Exchange, kept: Subscriptions) -> None:
    """A tenant that has nothing but subscriptions is there too (5.5.10)."""
    if not kept.count(exchange.tenant, exchange.sight):
        await exchange.check_tenant()
