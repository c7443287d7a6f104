"""What a request asks for: which entities, in which order, which page of them (5.7.1, 5.7.2, 4.23, 6.3.10, 6.3.13).

An `Asked` is made once from the parameters of a GET or the body of a POST, and can be kept: it depends on nothing but
the words of the request and its @context. How answers look is said in `looks`, what a body says is read in `posted`;
this is the door to both.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from hansa.errors import BadRequest, TooManyResults
from hansa.limits import Limits
from hansa.model.context import Context
from hansa.model.entity import MEMBERS
from hansa.model.ordering import Ordering
from hansa.model.projection import parse_projection
from hansa.model.qlang import parse_q
from hansa.model.qtree import And, Node, Or, hops
from hansa.model.query import Query
from hansa.model.selection import TypeSelection, parse_types
from hansa.model.wire_values import at, uri
from hansa.platform.entity_maps import seconds
from hansa.platform.ngsild.looks import FORMS, LINKING, SHOWING, Look, view_of
from hansa.platform.ngsild.posted import flattened, selectors

__all__ = [
    "ALONE",
    "FINDING",
    "FORMS",
    "LINKING",
    "ORDERING",
    "PAGING",
    "QUERY",
    "QUERY_POST",
    "RETRIEVE",
    "SHOWING",
    "WORDS",
    "Asked",
    "AskedOne",
    "Look",
    "Page",
    "asked_in",
    "check_narrow",
    "ordering_of",
    "query_of",
    "selecting",
    "truth",
    "view_of",
]

PAGING: Final = frozenset({"limit", "offset", "count"})
ORDERING: Final = frozenset({"orderBy", "orderFrom", "orderGeometry", "collation"})
FINDING: Final = frozenset(
    {"type", "id", "idPattern", "attrs", "q", "csf", "georel", "geometry", "coordinates", "geoproperty", "scopeQ"}
)
ALONE: Final = frozenset({"local", "splitEntities"})  # what asks other sources or not: there are none yet
WORDS: Final = frozenset({"expandValues", "jsonKeys"})
_GEO: Final = frozenset({"geometryProperty"})
_MAPS: Final = frozenset({"entityMap", "entityMapLifetime"})

RETRIEVE: Final = SHOWING | LINKING | _GEO | _MAPS | {"type", "local"}
QUERY: Final = FINDING | SHOWING | LINKING | _GEO | _MAPS | PAGING | ORDERING | ALONE | WORDS
QUERY_POST: Final = PAGING | ALONE | _GEO | {"options", "format"}

_SYSTEM: Final = frozenset({"observedAt", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the results; `count` says whether their number is wanted too."""

    limit: int
    offset: int = 0
    count: bool = False

    @classmethod
    def of(cls, said: dict[str, str], limits: Limits) -> "Page":
        """Read limit, offset and count (5.5.9, 6.3.10, 6.3.13). Raises BadRequest, TooManyResults."""
        limit = _number(said, "limit", limits.page_default)
        count = truth(said, "count")
        if limit > limits.page:
            raise TooManyResults(f"a page holds {limits.page} at most", where="limit")
        if limit == 0 and not count:
            raise BadRequest("limit=0 asks for nothing", where="limit", mend="add count=true")
        return cls(limit, _number(said, "offset", 0), count)


def truth(said: dict[str, str], name: str) -> bool:
    """A parameter that is true or false; False when it is not said. BadRequest otherwise."""
    value = said.get(name, "false")
    if value not in {"true", "false"}:
        raise BadRequest(f"{name} is true or false, not {value[:32]!r}", where=name)
    return value == "true"


def _number(said: dict[str, str], name: str, default: int) -> int:
    value = said.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit()) or len(value) > 15:
        raise BadRequest(f"{name} is a whole number from 0 on, not {value[:32]!r}", where=name)
    return int(value)


@dataclass(frozen=True, slots=True)
class AskedOne:
    """How one entity is to look, and of which types it has to be (None: of any)."""

    look: Look
    types: TypeSelection | None = None
    mapped: bool = False  # an entity map is wanted (5.5.14), for so long
    lifetime_s: float | None = None

    @classmethod
    def of(cls, said: dict[str, str], context: Context, limits: Limits) -> "AskedOne":
        """From the parameters of GET /entities/{entityId} (6.5.3.1). Raises whatever is wrong with them."""
        truth(said, "local")
        types = parse_types(said["type"], context.expand, limits) if "type" in said else None
        return cls(Look.of(said, context, limits), types, truth(said, "entityMap"), lifetime_of(said))


@dataclass(frozen=True)
class Asked:
    """A query, how its answers are to look, in which order (None: any), and which page of them."""

    query: Query
    look: Look
    page: Page
    ordering: Ordering | None = None
    mapped: bool = False  # an entity map is wanted (5.5.14), for so long
    lifetime_s: float | None = None

    @classmethod
    def of(cls, said: dict[str, str], context: Context, limits: Limits) -> "Asked":
        """From the parameters of GET /entities (6.4.3.2). Raises whatever is wrong with them."""
        return cls._of(said, context, limits, ())

    @classmethod
    def _of(cls, said: dict[str, str], context: Context, limits: Limits, several: tuple[Query, ...]) -> "Asked":
        truth(said, "splitEntities")
        look = Look.of(said, context, limits)
        query = query_of(said, context, limits, level=0 if look.join is None else look.join.level)
        if several:
            query = selecting(query, several)
        check_narrow(query, said)
        pick = look.view.pick
        if pick is not None and query.attrs is None and MEMBERS.isdisjoint(pick):
            query = replace(query, attrs=frozenset(pick))  # who has nothing of it is no answer (5.7.2.4)
        page, ordering = Page.of(said, limits), ordering_of(said, context, limits)
        return cls(query, look, page, ordering, truth(said, "entityMap"), lifetime_of(said))


def query_of(said: dict[str, str], context: Context, limits: Limits, *, level: int = 0) -> Query:
    """Which entities (table 6.4.3.2-1). Names are expanded by the @context (5.5.7).

    BadRequest; also for a q that follows more than `level` relationships.
    """
    for name in ("geoproperty", *WORDS):
        if name in said:
            for word in _words(said[name], name):
                at(name, context.name, word)
    ids = said.get("id")
    query = Query.parse(
        types=said.get("type"),
        ids=None if ids is None else [uri(one, "id", limits) for one in ids.split(",")],
        id_pattern=said.get("idPattern"),
        q=said.get("q"),
        georel=said.get("georel"),
        geometry=said.get("geometry"),
        coordinates=said.get("coordinates"),
        geoproperty=said.get("geoproperty"),
        scope_q=said.get("scopeQ"),
        expand=context.expand,
        expand_values=_words(said["expandValues"], "expandValues") if "expandValues" in said else (),
        json_keys=_words(said["jsonKeys"], "jsonKeys") if "jsonKeys" in said else (),
        limits=limits,
    )
    if "attrs" in said:
        query = replace(query, attrs=frozenset(parse_projection(said["attrs"], "attrs", context.name, limits)))
    if "csf" in said:
        try:
            parse_q(said["csf"], context.expand, limits=limits)  # no other sources yet, but nonsense is nonsense
        except BadRequest as fault:
            raise BadRequest(fault.detail, where="csf", mend=fault.mend) from None
    if query.q is not None and (reach := hops(query.q)) > level:
        why = f"joinLevel is {level}" if level else "join was not asked for"
        raise BadRequest(f"q follows {reach} relationships, and {why}", where="q")
    return query


def ordering_of(said: dict[str, str], context: Context, limits: Limits) -> Ordering | None:
    """In which order (4.23); None when nothing was said of it. Raises BadRequest, TooLarge, NotSupported."""
    if "orderBy" not in said:
        if odd := sorted(ORDERING & said.keys()):
            raise BadRequest(f"{odd[0]} goes with orderBy", where=odd[0])
        return None
    return Ordering.parse(
        said["orderBy"],
        context.expand,
        tag=said.get("collation", "und"),
        order_from=said.get("orderFrom"),
        order_geometry=said.get("orderGeometry"),
        limits=limits,
    )


def check_narrow(query: Query, said: dict[str, str]) -> None:
    """Raise BadRequest for a query that names no type, attribute, condition or place: too wide (5.7.2.4).

    With local=true anything goes (5.5.13, 6.3.18); `type=*` names no type when local=false is said.
    """
    if truth(said, "local"):
        return
    if query.geo is not None or (said.get("type", "*") != "*" if "local" in said else "type" in said):
        return
    if query.selectors and ("local" not in said or all(one.types is not None for one in query.selectors)):
        return
    if query.attrs is not None and query.attrs - MEMBERS:
        return
    if query.q is not None and _names(query.q) - _SYSTEM:
        return
    raise BadRequest("the query is too wide", where="type", mend="name a type, attrs, q or georel, or say local=true")


def _names(node: Node) -> set[str]:
    if isinstance(node, And | Or):
        return set().union(*(_names(term) for term in node.terms))
    return {node.path.names[0]}


def _words(text: str, where: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise BadRequest(f"{where} holds an empty name", where=where)
    return words


def lifetime_of(said: dict[str, str]) -> float | None:
    """How long an entity map is to live, in seconds; None when nothing was said of it (6.4.3.2). BadRequest."""
    if "entityMapLifetime" not in said:
        return None
    if not truth(said, "entityMap"):
        raise BadRequest("entityMapLifetime goes with entityMap=true", where="entityMapLifetime")
    return seconds(said["entityMapLifetime"])


# From a body (5.2.23)


def asked_in(body: Any, said: dict[str, str], context: Context, limits: Limits, *, spoken: Context) -> Asked:
    """From the body of POST /entityOperations/query (6.23), answered in the words of `spoken`. Raises BadRequest."""
    flat = flattened(body, said)
    if "temporalQ" in body or "aggrParams" in body:
        raise BadRequest("temporalQ is for the temporal query (5.7.4)", where="temporalQ")
    asked = Asked._of(flat, context, limits, selectors(body, context, limits))  # noqa: SLF001 # its own door
    if spoken is context:
        return asked
    return replace(asked, look=replace(asked.look, view=replace(asked.look.view, context=spoken)))


def selecting(query: Query, several: tuple[Query, ...]) -> Query:
    """The query with selectors of which any will do; what they have in common narrows it."""
    types = [one.types for one in several if one.types is not None]
    ids = [one.ids for one in several if one.ids is not None]
    return replace(
        query,
        types=tuple(group for some in types for group in some) if len(types) == len(several) else None,
        ids=frozenset().union(*ids) if len(ids) == len(several) else None,
        selectors=several,
    )
