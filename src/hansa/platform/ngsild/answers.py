"""Answers: documents and results made into responses (CIM 009, clauses 5.2.16 to 5.2.19, 6.3.6, 6.3.10, 6.3.13)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import orjson

from hansa.errors import HansaError
from hansa.model import core_context as core
from hansa.model import link
from hansa.model.context import CORE, Context
from hansa.model.wire_geo import collection
from hansa.platform.http import Response
from hansa.platform.models import Breach
from hansa.platform.ngsild import media
from hansa.platform.ngsild.asked import Page
from hansa.platform.ngsild.exchange import Exchange

CORE_LINK: Final = (b"link", link.link(core.URL).encode())
_LD_KIND: Final = media.LD.encode()
_GEO_KIND: Final = media.GEO.encode()
_CORE_MEMBER: Final = b',"@context":' + orjson.dumps(core.URL)


def created(exchange: Exchange, collection: str, ident: str) -> Response:
    """201 with the place of what was made (6.4.3.1)."""
    place = f"{exchange.desk.mount}/{collection}/{quote(ident, safe=':')}"
    return Response(201, headers=[(b"location", place.encode())])


def no_content() -> Response:
    """204: done, and nothing to say."""
    return Response(204)


def bytes_answer(docs: Sequence[bytes], accept: str, *, one: bool) -> Response:
    """Stored documents spliced into an answer in the core @context; `one` is an object, otherwise an array."""
    if accept == media.LD:
        docs = [doc[:-1] + _CORE_MEMBER + b"}" for doc in docs]
        body = docs[0] if one else b"[" + b",".join(docs) + b"]"
        return Response(200, body, _LD_KIND)
    return Response(200, docs[0] if one else b"[" + b",".join(docs) + b"]", headers=[CORE_LINK])


def answer(value: Any, accept: str, context: Context, status: int = 200) -> Response:
    """JSON with its @context: in a Link header, or inside each object of JSON-LD (6.3.6)."""
    if accept == media.LD:
        source = context.member
        if type(value) is list:
            value = [{**one, "@context": source} if type(one) is dict else one for one in value]
        else:
            value = {**value, "@context": source}
        return Response(status, orjson.dumps(value), _LD_KIND)
    return Response(status, orjson.dumps(value), headers=[context_link(context)])


def entities_answer(value: Any, accept: str, context: Context, status: int, *, within: bool) -> Response:
    """An entity or several, or Features of them, with their @context `within` the body or in a Link header (6.3.6)."""
    if accept != media.GEO:
        return answer(value, accept, context, status)
    if type(value) is list:
        value = collection(value)
    if within:
        return Response(status, orjson.dumps({**value, "@context": context.member}), _GEO_KIND)
    return Response(status, orjson.dumps(value), _GEO_KIND, [context_link(context)])


def context_link(context: Context) -> tuple[bytes, bytes]:
    """The Link header that names an answer's @context; see `linkable`."""
    url = context_url(context)
    return CORE_LINK if url is None else (b"link", link.link(quote(url, safe=_URL)).encode("ascii"))


_URL: Final = ":/?#[]@!$&'()*+,;=%~-._"


def context_url(context: Context) -> str | None:
    """The one URL that names a user's @context, the core beside it or not; None when there is no such."""
    return None if context.plain else context.url


def linkable(context: Context, accept: str) -> Context:
    """The @context to answer in: JSON can only name one by a URL, so without one its names stand in full (5.5.7)."""
    return context if accept == media.LD or context_url(context) is not None else CORE


@lru_cache(512)
def _others(query: bytes) -> tuple[str, ...]:
    """The parameters of a query string that stay the same from page to page, written in one way."""
    said = parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True)
    return tuple(f"{quote(n, safe='')}={quote(v, safe=':*,')}" for n, v in said if n not in {"limit", "offset"})


def paged(
    response: Response, exchange: Exchange, route: str, accept: str, *, page: Page, more: bool, count: int | None
) -> Response:
    """The same response with its neighbours in Link headers (6.3.10) and the count, if it was asked for (6.3.13)."""
    if count is not None:
        response.headers.append((b"ngsild-results-count", str(count).encode()))
    places = []
    if page.limit and more:
        places.append((page.offset + page.limit, "next"))
    if page.limit and page.offset:
        places.append((max(0, page.offset - page.limit), "prev"))
    if places:
        said = _others(exchange.request.query)
        for offset, relation in places:
            words = "&".join(sorted((*said, f"limit={page.limit}", f"offset={offset}")))
            url = f"{exchange.desk.mount}/{route}?{words}"
            response.headers.append((b"link", f'<{url}>;rel="{relation}";type="{accept}"'.encode()))
    return response


def update_result(updated: Iterable[str], not_updated: Iterable[tuple[str, str]]) -> Response:
    """207 with an UpdateResult (5.2.18); names are whole IRIs, for an error has no @context (6.3.6)."""
    return Response(
        207,
        orjson.dumps(
            {
                "updated": [core.whole(name) for name in updated],
                "notUpdated": [{"attributeName": core.whole(name), "reason": why} for name, why in not_updated],
            }
        ),
    )


def batch_result(success: list[str], errors: list[tuple[str | None, HansaError]]) -> Response:
    """207 with a BatchOperationResult (5.2.16, 5.2.17)."""
    told = []
    for ident, error in errors:
        entry: dict[str, Any] = {"error": error.problem()}
        if ident is not None:
            entry["entityId"] = ident
        told.append(entry)
    return Response(207, orjson.dumps({"success": success, "errors": told}))


def warning(breaches: Sequence[Breach]) -> tuple[bytes, bytes]:
    """The NGSILD-Warning header of what was written although its model says otherwise: code 299 of table 6.3.17-1."""
    told = "; ".join(f"{one.write.id} {one.type} {fault}" for one in breaches for fault in one.faults)
    plain = told.encode("ascii", "replace").decode().translate(_QUOTABLE)
    return b"ngsild-warning", f'299 - "{plain[:_WARNED]}"'.encode()


_WARNED: Final = 1_000  # bytes of a header: more than that is in the log
_QUOTABLE: Final = dict.fromkeys(range(32), " ") | {ord('"'): "'", ord("\\"): "/", 127: " "}
