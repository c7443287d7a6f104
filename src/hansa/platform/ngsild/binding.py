"""The door: which route answers a request, and what becomes of errors (CIM 009, clauses 6.2 and 6.3).

`NgsiLd.handle` takes a Request whose path begins after the mount (`["entities", id]`) and gives a Response. It knows
nothing of sockets, and is mounted once for each realm. A GET of one entity that asks for nothing special has a way of
its own: stored bytes, no parsing.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from hansa.errors import HansaError, NotFound, Unauthenticated
from hansa.model.wire import spliceable
from hansa.model.wire_values import uri
from hansa.network.contexts import Contexts
from hansa.platform.city import City
from hansa.platform.hosted import HostedContexts
from hansa.platform.http import JSON, Request, Response
from hansa.platform.ngsild import (
    attributes,
    batch,
    contexts,
    discovery,
    entities,
    entity_maps,
    media,
    purge,
    retrieval,
    subscriptions,
    temporal,
    temporal_provision,
)
from hansa.platform.ngsild.answers import CORE_LINK, warning
from hansa.platform.ngsild.exchange import Desk, Exchange
from hansa.platform.ngsild.problems import WrongMethod, problem_response
from hansa.platform.ngsild.retrieval import whole
from hansa.platform.subscriptions import Subscriptions

Route = Callable[[Exchange], Awaitable[Response]]

ANY: Final = "*"
ROUTES: Final[dict[str, dict[str, Route]]] = {
    "entities": {"POST": entities.create, "GET": retrieval.query, "DELETE": purge.purge},
    "entities/*": {
        "GET": retrieval.retrieve,
        "PATCH": entities.merge,
        "PUT": entities.replace,
        "DELETE": entities.delete,
    },
    "entities/*/attrs": {"POST": attributes.append, "PATCH": attributes.update},
    "entities/*/attrs/*": {"PATCH": attributes.patch, "PUT": attributes.replace, "DELETE": attributes.delete},
    "entityOperations/create": {"POST": batch.create},
    "entityOperations/upsert": {"POST": batch.upsert},
    "entityOperations/update": {"POST": batch.update},
    "entityOperations/merge": {"POST": batch.merge},
    "entityOperations/delete": {"POST": batch.delete},
    "entityOperations/query": {"POST": retrieval.query_post},
    "types": {"GET": discovery.types},
    "types/*": {"GET": discovery.type_information},
    "attributes": {"GET": discovery.attributes},
    "attributes/*": {"GET": discovery.attribute_information},
    "temporal/entities": {"POST": temporal_provision.upsert, "GET": temporal.query},
    "temporal/entities/*": {"GET": temporal.retrieve, "DELETE": temporal_provision.delete},
    "temporal/entities/*/attrs": {"POST": temporal_provision.append},
    "temporal/entities/*/attrs/*": {"DELETE": temporal_provision.delete_attribute},
    "temporal/entities/*/attrs/*/*": {
        "PATCH": temporal_provision.modify_instance,
        "DELETE": temporal_provision.delete_instance,
    },
    "temporal/entityOperations/query": {"POST": temporal.query_post},
    "temporal/entityMaps": {"GET": temporal.create_map, "POST": temporal.create_map_post},
    "subscriptions": {"POST": subscriptions.create, "GET": subscriptions.query},
    "subscriptions/*": {
        "GET": subscriptions.retrieve,
        "PATCH": subscriptions.update,
        "DELETE": subscriptions.delete,
    },
    "entityMaps": {"GET": entity_maps.create, "POST": entity_maps.create_post},
    "entityMaps/*": {"GET": entity_maps.retrieve, "PATCH": entity_maps.update, "DELETE": entity_maps.delete},
    "jsonldContexts": {"GET": contexts.query, "POST": contexts.add},
    "jsonldContexts/*": {"GET": contexts.serve, "DELETE": contexts.delete},
}
"""Every resource that there is, and its verbs; `*` is one segment that the route is told."""

_WITH_BODY: Final = frozenset({"POST", "PATCH", "PUT"})
# A GET whose headers hold none of these, and whose Accept takes plain JSON, can have the stored bytes.
_TELLING: Final = frozenset({b"link", b"ngsild-tenant", b"ngsild-entitymap", b"prefer"})
_PLAIN_ACCEPT: Final = frozenset({b"*/*", JSON, b"application/*"})

log = structlog.get_logger("hansa.ngsild")


class _Node:
    """One step of the routes' tree."""

    __slots__ = ("steps", "verbs")

    def __init__(self) -> None:
        self.steps: dict[str, _Node] = {}
        self.verbs: dict[str, Route] = {}


class NgsiLd:
    """The NGSI-LD API of one realm."""

    def __init__(
        self,
        city: City,
        contexts: Contexts | None = None,
        subscriptions: Subscriptions | None = None,
        *,
        mount: str = "/ngsi-ld/v1",
        origin: str = "",
    ) -> None:
        """Speak for `city`; `mount` is where clients find it, for Location and paging links.

        `origin` stands before it in the URLs of @contexts: `https://city.example`, or `https:` where only the request
        knows the host. Without `contexts` only the core @context and inline ones are known, without `subscriptions`
        there are none.
        """
        hosted = None if contexts is None else HostedContexts(city, contexts)
        self.desk = Desk(city, contexts, subscriptions, mount.rstrip("/"), hosted=hosted, origin=origin)
        self._tree = _tree(ROUTES)

    async def handle(self, request: Request) -> Response:
        """The response to a request; errors are problem details, never raised."""
        try:
            path = request.path
            if (
                len(path) == 2
                and request.method == "GET"
                and not request.query
                and path[0] == "entities"
                and not request.sight.blind
                and (quick := self._stored(request, path[1])) is not None
            ):
                return quick
            return await self._routed(request)
        except HansaError as error:
            response = problem_response(error)
        except Exception as fault:  # a bug of ours in one request must not end the connection, nor tell its insides
            log.exception("a request failed", method=request.method, path="/".join(request.path)[:256])
            response = problem_response(HansaError(f"hansa failed at this ({type(fault).__name__}); its log says more"))
        return _echoed(request, response)

    def _stored(self, request: Request, ident: str) -> Response | None:
        """The stored bytes of an entity, when the request asks for nothing else; None: take the long way."""
        for key, value in request.headers:
            if key in _TELLING or (key == b"accept" and value not in _PLAIN_ACCEPT):
                return None
        row = self.desk.city.reader.row("", ident, request.sight)
        if row is None and ident:
            uri(ident, "id", self.desk.limits)
            raise NotFound(f"there is no entity {ident}", where=ident)
        if row is None or not spliceable(row.doc) or not (request.sight.everything or whole(row)):
            return None
        return Response(200, row.doc, JSON, [CORE_LINK])

    async def _routed(self, request: Request) -> Response:
        if request.sight.blind:
            raise Unauthenticated("this city does not know you", mend="log in, or send a token")
        verbs, told = self._found(request.path)
        method = request.method
        if method == "HEAD":
            method = "GET"  # the server leaves the body away
        route = verbs.get(method)
        if route is None:
            allow = [*verbs, "OPTIONS", *(["HEAD"] if "GET" in verbs else [])]
            if method == "OPTIONS":
                return Response(204, headers=[(b"allow", ", ".join(sorted(allow)).encode())])
            raise WrongMethod(f"{method[:16]} is not for {'/'.join(request.path)[:128]}", allow)
        if method in _WITH_BODY:
            Exchange.check_length(request)
        exchange = Exchange(self.desk, request, told)
        response = await route(exchange)
        if (applied := media.preferences(request.headers).applied) is not None and response.body:
            response.headers.append((b"preference-applied", applied))
        if exchange.breaches:
            response.headers.append(warning(exchange.breaches))
        return _echoed(request, response)

    def _found(self, path: Sequence[str]) -> tuple[dict[str, Route], list[str]]:
        """The verbs of a path and the segments that its route is told. Raises NotFound."""
        node: _Node | None = self._tree
        told: list[str] = []
        for segment in path:
            # The sign of any segment is not one that somebody can say.
            step = node.steps.get(segment) if node is not None and segment != ANY else None
            if step is None and node is not None:
                step = node.steps.get(ANY)
                told.append(segment)
            node = step
        if node is None or not node.verbs:
            raise NotFound(f"there is no resource {'/'.join(path)[:128]}", where="path")
        return node.verbs, told


def _tree(routes: dict[str, dict[str, Route]]) -> _Node:
    root = _Node()
    for path, verbs in routes.items():
        node = root
        for segment in path.split("/"):
            node = node.steps.setdefault(segment, _Node())
        node.verbs = verbs
    return root


def _echoed(request: Request, response: Response) -> Response:
    """The response, with the tenant that the request named (6.3.14)."""
    tenant = request.headers.get(b"ngsild-tenant")
    if tenant is not None and tenant.isascii() and tenant.isprintable():
        response.headers.append((b"ngsild-tenant", tenant.encode("ascii")))
    return response
