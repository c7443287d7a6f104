"""The @contexts of the city over HTTP: /jsonldContexts (CIM 009, clause 6.29) and /jsonldContexts/{contextId} (6.30).

The operations of clause 5.13 on those of kind Hosted and ImplicitlyCreated are `platform.hosted`; Cached ones are
`network.contexts`. The core @context is listed as Cached, is never asked for, and stays (4.4).
"""

import hashlib
import re
from typing import Any, Final

import structlog

from hansa import clock
from hansa.errors import BadRequest, Forbidden, InvalidRequest, NotSupported, TooLarge, TooManyResults
from hansa.model import core_context as core
from hansa.model.context import CORE, Context
from hansa.model.terms import LOCAL
from hansa.network.contexts import Contexts
from hansa.network.remote import Kept, Usage
from hansa.platform.hosted import RESOURCE, HostedContext, HostedContexts
from hansa.platform.http import Response, json_response
from hansa.platform.ngsild.answers import created, linkable, no_content
from hansa.platform.ngsild.asked import truth
from hansa.platform.ngsild.exchange import Exchange

_NONE: Final[frozenset[str]] = frozenset()
_LIST: Final = frozenset({"details", "kind"})
_SERVE: Final = frozenset({"details"})
_DELETE: Final = frozenset({"reload"})
_KINDS: Final = frozenset({"Cached", "Hosted", "ImplicitlyCreated"})
_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}\Z")

log = structlog.get_logger("hansa.contexts")


async def add(exchange: Exchange) -> Response:
    """POST /jsonldContexts (6.29.3.1): 5.13.2 Add @context; 201 and its place.

    What is beside the @context is discarded (5.13.2.3). InvalidRequest when there is none (5.5.4).
    """
    exchange.params(_NONE)
    exchange.check_writer()
    if not exchange.sight.may("create", "smart"):
        raise Forbidden(f"{exchange.sight.actor} may not host @contexts here")
    hosted, _ = _parts(exchange)
    value = exchange.document()
    if type(value) is not dict or "@context" not in value:
        raise InvalidRequest("an object with an @context is what can be hosted", where="@context")
    ident = await hosted.add(value["@context"], exchange.tenant, sight=exchange.sight)
    return created(exchange, RESOURCE, ident)


async def query(exchange: Exchange) -> Response:
    """GET /jsonldContexts (6.29.3.2): 5.13.3 List @contexts, their URLs or all that is known of them.

    A tenant sees what it added itself, and every cached one: those are copies of public documents.
    """
    said = exchange.params(_LIST)
    details = truth(said, "details")
    kind = said.get("kind")
    if kind is not None and kind not in _KINDS:
        raise BadRequest(f"{kind[:64]!r} is no kind of @context", where="kind", mend=", ".join(sorted(_KINDS)))
    if not exchange.sight.may("administer", "smart"):
        raise Forbidden(f"{exchange.sight.actor} may not see which @contexts the city uses")
    hosted, contexts = _parts(exchange)
    own = [one for one in hosted.list(exchange.tenant) if kind in {None, one.kind}]
    cached = contexts.cached() if kind in {None, "Cached"} else []
    if details:
        shown: list[Any] = [_core(contexts)] if kind in {None, "Cached"} else []
        shown += [_hosted(exchange, one) for one in own] + [_cached(contexts, one) for one in cached]
    else:
        shown = [core.URL] if kind in {None, "Cached"} else []
        shown += [url_of(exchange, one.ident) for one in own] + [one.key for one in cached]
    return json_response(shown)


async def serve(exchange: Exchange) -> Response:
    """GET /jsonldContexts/{contextId} (6.30.3.1): 5.13.4 Serve @context, or what is known of it with details=true.

    Hosted and ImplicitlyCreated ones are handed out; for a Cached one its own host is to be asked: NotSupported.
    """
    details = truth(exchange.params(_SERVE), "details")
    accept = exchange.accepts()
    hosted, contexts = _parts(exchange)
    ident = exchange.path[0]
    cached = _found(contexts, ident)
    if cached is not None and not details:
        raise NotSupported(
            f"{ident[:256]} is another host's to serve", where=ident[:256], mend="ask it, or details=true"
        )
    if cached == core.URL:
        return json_response(_core(contexts))
    if isinstance(cached, Kept):
        shown = _cached(contexts, cached)
        cached.usage.found(exchange.desk.city.clock.now())
        return json_response(shown)
    if not details:
        response = json_response(hosted.served(ident, exchange.tenant))
        response.kind = accept.encode()
        return response
    one = hosted.get(ident, exchange.tenant)
    shown = _hosted(exchange, one)
    one.usage.found(exchange.desk.city.clock.now())
    return json_response(shown)


async def delete(exchange: Exchange) -> Response:
    """DELETE /jsonldContexts/{contextId} (6.30.3.2): 5.13.5 Delete and Reload @context.

    With reload=true a Cached one is fetched anew, and stays as it is when that fails; anything else, known or not, is
    nothing to be reloaded: BadRequest. The core @context is invariant: it cannot go, and a new copy would be the same.
    """
    reload = truth(exchange.params(_DELETE), "reload")
    exchange.check_writer()
    if not exchange.sight.may("administer", "smart"):
        raise Forbidden(f"{exchange.sight.actor} may not take @contexts away")
    hosted, contexts = _parts(exchange)
    ident = exchange.path[0]
    cached = _found(contexts, ident)
    if cached == core.URL and not reload:
        raise BadRequest("the core @context is part of every request, and stays", where=ident[:256])
    if reload and cached is None:
        raise BadRequest(f"{ident[:256]} is no cached @context, so it cannot be reloaded", where="reload")
    if isinstance(cached, Kept):
        if reload:
            await contexts.reload(cached.key)
        else:
            contexts.forget(cached.key)
    elif cached is None:
        await hosted.delete(ident, exchange.tenant, sight=exchange.sight)
    return no_content()


async def implicit(exchange: Exchange, context: Context) -> str | None:
    """The URL of an @context that came without one: created implicitly, kept and served here (5.13.1).

    None when it has a URL already, when it is too long or one too many to be kept, and for a request that does not say
    under which name it found this city: names stand in full then.
    """
    hosted = exchange.desk.hosted
    if hosted is None or context.url is not None or _origin(exchange) is None:
        return None
    try:
        ident = await hosted.implicit(context.member, exchange.tenant, sight=exchange.sight)
    except (TooLarge, TooManyResults) as fault:
        log.info("an @context gets no URL", why=fault.detail)
        return None
    return url_of(exchange, ident)


async def answering(exchange: Exchange, context: Context, accept: str) -> Context:
    """The @context to answer a request in: JSON can only name it by a URL (6.3.6), so one without gets one.

    Who may not write has nothing created for it: its names stand in full, in the core @context (5.5.7).
    """
    writes = exchange.sight.may("create", "smart")
    if linkable(context, accept) is context or exchange.desk.contexts is None or not writes:
        return linkable(context, accept)
    url = await implicit(exchange, context)
    return CORE if url is None else await exchange.desk.contexts.context(url)


def url_of(exchange: Exchange, ident: str) -> str:
    """Where the @context with this local id is served, as whoever asks would call it."""
    return f"{_origin(exchange) or ''}{exchange.desk.mount}/{RESOURCE}/{ident}"


def _origin(exchange: Exchange) -> str | None:
    """Where others find the city; None when neither its settings nor the request say."""
    origin = exchange.desk.origin.rstrip("/") or "http:"
    if "://" in origin:
        return origin
    host = exchange.request.headers.get(b"host")
    return f"{origin}//{host}" if host is not None and _HOST.match(host) else None


def _parts(exchange: Exchange) -> tuple[HostedContexts, Contexts]:
    desk = exchange.desk
    if desk.hosted is None or desk.contexts is None:
        raise NotSupported("this city keeps no @contexts here")
    return desk.hosted, desk.contexts


def _found(contexts: Contexts, ident: str) -> Kept | str | None:
    """The cached @context with this URL or local id; the core's URL for the core, in whichever version; or None."""
    if core.is_core(ident) or ident == _CORE_ID:
        return core.URL
    if ident.startswith(LOCAL):
        return next((one for one in contexts.cached() if _local(one.key) == ident), None)
    return contexts.find(ident)


def _local(url: str) -> str:
    """The local id of a cached @context: made of its URL, so that it stays the same."""
    return f"{LOCAL}{hashlib.sha256(url.encode()).hexdigest()[:32]}"


_CORE_ID: Final = _local(core.URL)


def _core(contexts: Contexts) -> dict[str, Any]:
    return _shown(core.URL, _CORE_ID, "Cached", Usage(contexts.began))


def _cached(contexts: Contexts, kept: Kept) -> dict[str, Any]:
    shown = _shown(kept.key, _local(kept.key), "Cached", kept.usage)
    return {**shown, "expiresAt": clock.text(contexts.expires(kept)), "numberOfHits": kept.usage.hits}


def _hosted(exchange: Exchange, one: HostedContext) -> dict[str, Any]:
    shown = _shown(url_of(exchange, one.ident), one.ident, one.kind, one.usage)
    return {**shown, "numberOfHits": one.usage.hits}


def _shown(url: str, ident: str, kind: str, usage: Usage) -> dict[str, Any]:
    """What is known of one (5.13.3.5). A look at it is a hit too, and counts from the next look on."""
    shown: dict[str, Any] = {"URL": url, "localId": ident, "kind": kind, "createdAt": clock.text(usage.created)}
    if usage.last is not None:
        shown["lastUsage"] = clock.text(usage.last)
    return shown
