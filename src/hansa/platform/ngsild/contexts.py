"""The @contexts that the city has in use: /jsonldContexts (CIM 009, clauses 6.29 and 6.30).

Remote ones are cached by `network.contexts`; a context hosted here (5.13.2) is built with the rest of the standard.
"""

from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest, NotFound, NotSupported
from hansa.model import core_context as core
from hansa.platform.http import Response, json_response
from hansa.platform.ngsild.asked import truth
from hansa.platform.ngsild.exchange import Exchange, Usage

_LIST: Final = frozenset({"details", "kind"})
_SERVE: Final = frozenset({"details"})
_KINDS: Final = frozenset({"Cached", "Hosted", "ImplicitlyCreated"})


async def query(exchange: Exchange) -> Response:
    """GET /jsonldContexts (6.29.3.2): 5.13.3 List @contexts, their URLs or all that is known of them."""
    said = exchange.params(_LIST)
    details = truth(said, "details")
    kind = said.get("kind")
    if kind is not None and kind not in _KINDS:
        raise BadRequest(f"{kind[:64]!r} is no kind of @context", where="kind", mend=", ".join(sorted(_KINDS)))
    if kind in {"Hosted", "ImplicitlyCreated"}:
        return json_response([])
    used = exchange.desk.named
    return json_response([_details(url, usage) for url, usage in used.items()] if details else list(used))


async def serve(exchange: Exchange) -> Response:
    """GET /jsonldContexts/{contextId} (6.30.3.1): 5.13.4 Serve @context; only those hosted here are handed out."""
    details = truth(exchange.params(_SERVE), "details")
    url = exchange.path[0]
    usage = exchange.desk.named.get(url)
    if usage is None and not core.is_core(url):
        raise NotFound(f"the @context {url[:256]} is not here", where=url[:256])
    if usage is None or not details:
        raise NotSupported(f"{url[:256]} is another host's to serve", where=url[:256], mend="ask it, or details=true")
    return json_response(_details(url, usage))


async def add(exchange: Exchange) -> Response:
    """POST /jsonldContexts (6.29.3.1): 5.13.2 Add @context; not built yet."""
    exchange.check_writer()
    raise NotSupported("hosting an @context is not built yet", mend="put it on any web server and name its URL")


async def delete(exchange: Exchange) -> Response:
    """DELETE /jsonldContexts/{contextId} (6.30.3.2): 5.13.5 Delete and Reload @context; not built yet."""
    exchange.check_writer()
    if exchange.path[0] not in exchange.desk.named:
        raise NotFound(f"the @context {exchange.path[0][:256]} is not here", where=exchange.path[0][:256])
    raise NotSupported("forgetting an @context is not built yet", mend="it is asked for anew when it has grown old")


def _details(url: str, usage: Usage) -> dict[str, Any]:
    return {
        "URL": url,
        "localId": url,
        "kind": "Cached",
        "createdAt": clock.text(usage.first),
        "lastUsage": clock.text(usage.last),
        "numberOfHits": usage.hits,
    }
