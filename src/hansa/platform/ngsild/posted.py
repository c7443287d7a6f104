"""A Query of a body (5.2.23): the words of POST /entityOperations/query as the parameters that say the same."""

from collections.abc import Callable
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.model.context import Context
from hansa.model.query import Query
from hansa.model.wire import json_out
from hansa.model.wire_values import uri

_ORDERING: Final = frozenset({"orderBy", "coordinates", "geometry", "collation"})


def flattened(body: Any, said: dict[str, str]) -> dict[str, str]:
    """A Query as the parameters that say the same, with those of the URL. Raises BadRequest.

    Entity selectors that no parameters can say are left to `selectors`.
    """
    if type(body) is not dict or body.get("type") != "Query":
        raise BadRequest("a query is an object of type Query", where="type")
    if odd := sorted(body.keys() - _MEMBERS):
        raise BadRequest(f"a Query has no member {odd[0][:64]!r}", where=odd[0][:64])
    flat = dict(said)
    flat.update({name: _FLAT[name](body[name], name) for name in _FLAT.keys() & body.keys()})
    if "ordering" in body:
        flat.update(_ordering(body["ordering"]))
    if "geoQ" in body:
        flat.update(_geo(body["geoQ"]))
    if "entities" in body:
        flat.update(_selected(_selectors(body["entities"])))
    return flat


def selectors(body: Any, context: Context, limits: Limits) -> tuple[Query, ...]:
    """EntitySelectors (5.2.33) that no parameters can say, each as a Query; none when parameters can."""
    said = _selectors(body["entities"]) if "entities" in body else []
    if not said or "type" in _selected(said):
        return ()
    return tuple(
        Query.parse(
            types=kind,
            ids=None if ids is None else [uri(one, "id", limits) for one in ids],
            id_pattern=pattern,
            expand=context.expand,
            limits=limits,
        )
        for kind, ids, pattern in said
    )


def _ordering(ordering: Any) -> dict[str, str]:
    """OrderingParams (5.2.43)."""
    _object(ordering, "ordering", _ORDERING)
    if "orderBy" not in ordering:
        raise BadRequest("an ordering has orderBy", where="ordering.orderBy")
    flat = {"orderBy": ",".join(_texts(ordering["orderBy"], "ordering.orderBy"))}
    if "coordinates" in ordering:
        if type(ordering["coordinates"]) is not list:
            raise BadRequest("coordinates are an array", where="ordering.coordinates")
        flat["orderFrom"] = json_out(ordering["coordinates"]).decode()
    if "geometry" in ordering:
        flat["orderGeometry"] = _text(ordering["geometry"], "ordering.geometry")
    if "collation" in ordering:
        flat["collation"] = _text(ordering["collation"], "ordering.collation")
    return flat


def _geo(geo: Any) -> dict[str, str]:
    """GeoQuery (5.2.13)."""
    _object(geo, "geoQ", frozenset({"georel", "geometry", "coordinates", "geoproperty"}))
    if not {"georel", "geometry", "coordinates"} <= geo.keys():
        raise BadRequest("a geoQ has georel, geometry and coordinates", where="geoQ")
    flat = {name: _text(geo[name], f"geoQ.{name}") for name in geo if name != "coordinates"}
    coordinates = geo["coordinates"]
    flat["coordinates"] = coordinates if type(coordinates) is str else json_out(coordinates).decode()
    return flat


_Selector = tuple[str, list[str] | None, str | None]  # type, ids, idPattern


def _selectors(entities: Any) -> list[_Selector]:
    if type(entities) is not list or not entities:
        raise BadRequest("entities is an array of selectors, not an empty one", where="entities")
    found: list[_Selector] = []
    for place, one in enumerate(entities):
        where = f"entities[{place}]"
        _object(one, where, frozenset({"id", "idPattern", "type"}))
        if "type" not in one:
            raise BadRequest("a selector has a type", where=where)
        found.append(
            (
                _text(one["type"], f"{where}.type"),
                _texts(one["id"], f"{where}.id") if "id" in one else None,
                _text(one["idPattern"], f"{where}.idPattern") if "idPattern" in one else None,
            )
        )
    return found


def _selected(said: list[_Selector]) -> dict[str, str]:
    """Selectors as the parameters that say the same; nothing where there are no such."""
    types = list(dict.fromkeys(kind for kind, _, _ in said))
    ids = [one for _, some, _ in said for one in some or ()]
    patterns = {pattern for _, _, pattern in said}
    if len(said) == 1 or (not ids and patterns == {None}):
        flat = {"type": "*" if "*" in types else "|".join(types)}
    elif len(types) == 1 and all(some is not None for _, some, _ in said):
        flat = {"type": types[0]}
    else:
        return {}
    if ids:
        flat["id"] = ",".join(ids)
    elif None not in patterns:
        flat["idPattern"] = str(next(iter(patterns)))
    return flat


def _object(value: Any, where: str, members: frozenset[str]) -> None:
    if type(value) is not dict:
        raise BadRequest(f"{where} is an object", where=where)
    if odd := sorted(value.keys() - members):
        raise BadRequest(f"{where} has no member {odd[0][:64]!r}", where=f"{where}.{odd[0][:64]}")


def _truth(value: Any, where: str) -> str:
    if type(value) is not bool:
        raise BadRequest(f"{where} is true or false", where=where)
    return "true" if value else "false"


def _count(value: Any, where: str) -> str:
    if type(value) is not int:
        raise BadRequest(f"{where} is a whole number", where=where)
    return str(value)


def _list(value: Any, where: str) -> str:
    return ",".join(_texts(value, where))


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


_FLAT: Final[dict[str, Callable[[Any, str], str]]] = {
    **dict.fromkeys(("attrs", "pick", "omit", "datasetId", "expandValues", "jsonKeys", "containedBy"), _list),
    **dict.fromkeys(("q", "csf", "scopeQ", "lang", "join", "entityMapLifetime"), _text),
    **dict.fromkeys(("entityMap", "splitEntities", "local"), _truth),
    "joinLevel": _count,
}
_OTHERS: Final = frozenset({"type", "@context", "entities", "geoQ", "temporalQ", "aggrParams", "ordering"})
_MEMBERS: Final = _OTHERS | _FLAT.keys()
