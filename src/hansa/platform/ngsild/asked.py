"""What a request asks for: which entities, which of their attributes, in which form, how many (5.7.1, 5.7.2, 6.3.7).

An `Asked` is made once from the parameters of a GET or the body of a POST, and can be kept: it depends on nothing but
the words of the request and its @context.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from hansa.errors import BadRequest, InvalidRequest, NotSupported, TooManyResults
from hansa.limits import Limits
from hansa.model.context import Context
from hansa.model.entity import MEMBERS
from hansa.model.qlang import And, Node, Or, hops, parse_q
from hansa.model.query import Query
from hansa.model.wire import Form, View, json_out
from hansa.model.wire_values import uri

PAGING: Final = frozenset({"limit", "offset", "count"})
SHOWING: Final = frozenset({"attrs", "pick", "omit", "datasetId", "lang", "format", "options"})
LATER: Final = frozenset(
    {"join", "joinLevel", "containedBy", "entityMap", "entityMapLifetime", "geometryProperty"}
)  # known to the standard, built with the rest of it
ORDERING: Final = frozenset({"orderBy", "orderFrom", "orderGeometry", "collation"})
FINDING: Final = frozenset(
    {"type", "id", "idPattern", "attrs", "q", "csf", "georel", "geometry", "coordinates", "geoproperty", "scopeQ"}
)
ALONE: Final = frozenset({"local", "splitEntities"})  # what asks other sources or not: there are none yet
WORDS: Final = frozenset({"expandValues", "jsonKeys"})

RETRIEVE: Final = SHOWING | LATER | {"type", "local"}
QUERY: Final = FINDING | SHOWING | PAGING | LATER | ORDERING | ALONE | WORDS
QUERY_POST: Final = PAGING | {"options", "format", "local", "splitEntities"}

FORMS: Final[dict[str, Form]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
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


@dataclass(frozen=True)
class Asked:
    """A query, how its answers are to look, and which page of them."""

    query: Query
    view: View
    page: Page
    splice: bool  # an answer is the stored document itself, where nothing is masked
    stamps: bool  # the answer shows stamps

    @classmethod
    def of(cls, said: dict[str, str], context: Context, limits: Limits) -> "Asked":
        """From the parameters of GET /entities (6.4.3.2). Raises whatever is wrong with them."""
        refuse_later(said)
        query = query_of(said, context, limits)
        check_narrow(query, said)
        return cls.showing(query, view_of(said, context), Page.of(said, limits))

    @classmethod
    def showing(cls, query: Query, view: View, page: Page) -> "Asked":
        """Put together what was read."""
        if view.pick is not None and query.attrs is None and not MEMBERS & frozenset(view.pick):
            query = replace(query, attrs=frozenset(view.pick))  # who has nothing of it is no answer (5.7.2.4)
        return cls(query, view, page, view.identity, view.sys_attrs)


def query_of(said: dict[str, str], context: Context, limits: Limits) -> Query:
    """Which entities (table 6.4.3.2-1). Raises BadRequest; names are expanded by the @context (5.5.7)."""
    ids = said.get("id")
    attrs = said.get("attrs")
    query = Query.parse(
        types=said.get("type"),
        ids=None if ids is None else [uri(one, "id", limits) for one in ids.split(",")],
        id_pattern=said.get("idPattern"),
        attrs=None if attrs is None else _words(attrs, "attrs"),
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
    if "csf" in said:
        parse_q(said["csf"], context.expand, limits=limits)  # no other sources yet, but nonsense is nonsense
    if query.q is not None and hops(query.q):
        raise BadRequest("q follows a relationship, and join was not asked for", where="q")
    return query


def check_narrow(query: Query, said: dict[str, str]) -> None:
    """Raise BadRequest for a query that names no type, attribute, condition or place: too wide (5.7.2.4).

    With local=true anything goes; `type=*` names no type when local=false is said.
    """
    if truth(said, "local"):
        return
    if query.geo is not None or (said.get("type", "*") != "*" if "local" in said else "type" in said):
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


def view_of(said: dict[str, str], context: Context, forms: dict[str, Form] = FORMS) -> View:
    """How entities are to look: attrs, pick, omit, datasetId, lang, format and options (4.21, 6.3.7, 6.3.11)."""
    form, sys_attrs = form_of(said, forms)
    attrs, pick, omit = (_projected(said, name, context) for name in ("attrs", "pick", "omit"))
    if attrs is not None and (pick is not None or omit is not None):
        raise BadRequest("attrs goes with neither pick nor omit", where="attrs", mend="use pick alone")
    if pick is not None and omit is not None and (both := sorted(pick & omit)):
        raise BadRequest(f"{both[0]!r} is to be picked and omitted", where="omit")
    datasets = said.get("datasetId")
    return View(
        context,
        form,
        sys_attrs,
        attrs,
        pick,
        omit,
        None if datasets is None else dataset_ids(datasets.split(",")),
        said.get("lang"),
    )


def form_of(said: dict[str, str], forms: dict[str, Form] = FORMS) -> tuple[Form, bool]:
    """The representation, and whether system attributes are shown. `format` comes before `options` (6.3.7)."""
    form: Form | None = None
    sys_attrs = False
    for option in said["options"].split(",") if "options" in said else ():
        if option == "sysAttrs":
            sys_attrs = True
        elif option in forms:
            form = form or forms[option]
        else:
            raise InvalidRequest(f"{option[:64]!r} is no option here", where="options", mend=", ".join(forms))
    if "format" in said:
        if said["format"] not in forms:
            raise InvalidRequest(f"{said['format'][:64]!r} is no format", where="format", mend=", ".join(forms))
        form = forms[said["format"]]
    return form or "normalized", sys_attrs


def _projected(said: dict[str, str], name: str, context: Context) -> frozenset[str] | None:
    if name not in said:
        return None
    # The projection language has two signs for the same (4.21).
    return projection(_words(said[name].replace("|", ","), name), name, context)


def projection(words: Collection[str], where: str, context: Context) -> frozenset[str]:
    """Stored names of what pick, omit or attrs name (4.21). Linked entities (`a{b}`) are built with joins."""
    found = set()
    for word in words:
        if "{" in word or "}" in word:
            raise BadRequest(f"{word[:64]!r} reaches into a linked entity, and join was not asked for", where=where)
        found.add(word if word in MEMBERS else context.name(word))
    return frozenset(found)


def dataset_ids(said: Collection[str]) -> frozenset[str]:
    """datasetIds; BadRequest when one is neither a URI nor @none (4.5.5)."""
    for one in said:
        if one != "@none":
            uri(one, "datasetId", Limits())
    return frozenset(said)


def _words(text: str, where: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise BadRequest(f"{where} holds an empty name", where=where)
    return words


def refuse_later(said: Collection[str]) -> None:
    """Raise NotSupported for a parameter of the standard that this hansa does not act on: it must not be ignored."""
    if "geometryProperty" in said:
        raise BadRequest("geometryProperty is for GeoJSON answers (5.7.1.4)", where="geometryProperty")
    for name in sorted((LATER | ORDERING).intersection(said)):
        raise NotSupported(f"{name} is not built yet", where=name, mend="leave it out")


# From a body (5.2.23)


def asked_in(body: Any, said: dict[str, str], context: Context, limits: Limits, *, spoken: Context) -> Asked:
    """From the body of POST /entityOperations/query (6.23), answered in the words of `spoken`. Raises BadRequest."""
    flat = flattened(body, said)
    refuse_later(flat)
    if "temporalQ" in body or "aggrParams" in body:
        raise BadRequest("temporalQ is for the temporal query (5.7.4)", where="temporalQ")
    query = query_of(flat, context, limits)
    check_narrow(query, flat)
    return Asked.showing(query, replace(view_of(flat, context), context=spoken), Page.of(said, limits))


_LISTS: Final = ("attrs", "pick", "omit", "datasetId", "expandValues", "jsonKeys", "containedBy")
_TEXTS: Final = ("q", "csf", "scopeQ", "lang", "join")
_MEMBERS: Final = frozenset(
    {*_LISTS, *_TEXTS, "type", "@context", "entities", "geoQ", "temporalQ", "aggrParams", "joinLevel", "ordering"}
    | {"entityMap", "entityMapLifetime", "splitEntities", "local"}
)


def flattened(body: Any, said: dict[str, str]) -> dict[str, str]:
    """A Query as the parameters that say the same, with those of the URL. Raises BadRequest."""
    if type(body) is not dict or body.get("type") != "Query":
        raise BadRequest("a query is an object of type Query", where="type")
    if odd := sorted(body.keys() - _MEMBERS):
        raise BadRequest(f"a Query has no member {odd[0][:64]!r}", where=odd[0][:64])
    flat = dict(said)
    for name in _LISTS:
        if name in body:
            flat[name] = ",".join(_texts(body[name], name))
    for name in _TEXTS:
        if name in body:
            flat[name] = _text(body[name], name)
    if "joinLevel" in body:
        flat["joinLevel"] = str(body["joinLevel"])
    if "ordering" in body:
        flat["orderBy"] = ""
    if "geoQ" in body:
        flat.update(_geo(body["geoQ"]))
    if "entities" in body:
        flat.update(_selected(body["entities"]))
    return flat


def _geo(geo: Any) -> dict[str, str]:
    if type(geo) is not dict:
        raise BadRequest("geoQ is an object", where="geoQ")
    if odd := sorted(geo.keys() - {"georel", "geometry", "coordinates", "geoproperty"}):
        raise BadRequest(f"a geoQ has no member {odd[0][:64]!r}", where="geoQ")
    if not {"georel", "geometry", "coordinates"} <= geo.keys():
        raise BadRequest("a geoQ has georel, geometry and coordinates", where="geoQ")
    flat = {name: _text(geo[name], f"geoQ.{name}") for name in geo if name != "coordinates"}
    coordinates = geo["coordinates"]
    flat["coordinates"] = coordinates if type(coordinates) is str else json_out(coordinates).decode()
    return flat


def _selected(entities: Any) -> dict[str, str]:
    """EntitySelectors (5.2.33) as one selection; NotSupported when only several could say it."""
    if type(entities) is not list or not entities:
        raise BadRequest("entities is an array of selectors, not an empty one", where="entities")
    selectors = []
    for place, one in enumerate(entities):
        if type(one) is not dict or "type" not in one:
            raise BadRequest("a selector is an object with a type", where=f"entities[{place}]")
        if odd := sorted(one.keys() - {"id", "idPattern", "type"}):
            raise BadRequest(f"a selector has no {odd[0][:64]!r}", where=f"entities[{place}]")
        ids = one.get("id")
        selectors.append(
            (
                _text(one["type"], f"entities[{place}].type"),
                None if ids is None else ",".join(_texts(ids if type(ids) is list else [ids], f"entities[{place}].id")),
                None if "idPattern" not in one else _text(one["idPattern"], f"entities[{place}].idPattern"),
            )
        )
    types = list(dict.fromkeys(kind for kind, _, _ in selectors))
    ids = [said for _, said, _ in selectors if said is not None]
    patterns = {pattern for _, _, pattern in selectors}
    if len(selectors) == 1 or (not ids and patterns == {None}):
        flat = {"type": "|".join(types)}
    elif len(types) == 1 and len(ids) == len(selectors):
        flat = {"type": types[0]}
    else:
        raise NotSupported("selectors that differ in more than their types", where="entities", mend="ask one by one")
    if ids:
        flat["id"] = ",".join(ids)
    elif None not in patterns:
        flat["idPattern"] = str(next(iter(patterns)))
    return flat


def _text(value: Any, where: str) -> str:
    if type(value) is not str or not value:
        raise BadRequest(f"{where} is a text", where=where)
    return value


def _texts(value: Any, where: str) -> list[str]:
    if type(value) is str and value:
        return [value]
    if type(value) is not list or not value:
        raise BadRequest(f"{where} is an array of texts, not an empty one", where=where)
    return [_text(one, where) for one in value]
