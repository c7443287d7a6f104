"""Many at once: /entityOperations (CIM 009, clauses 6.14 to 6.17 and 6.31).

A batch is one item for the writer: its writes are decided one by one, in their order, and a refusal drops only its own.
An entity that is in it more than once is written as often (5.5.11).
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from hansa.errors import BadRequest, HansaError, InvalidRequest
from hansa.model.change import Change, Kind, Refused, Write
from hansa.model.context import Context
from hansa.model.wire_values import uri
from hansa.platform.http import Response
from hansa.platform.ngsild import provision
from hansa.platform.ngsild.answers import batch_result, no_content
from hansa.platform.ngsild.exchange import Exchange

_NONE: Final = frozenset({"local"})
_OPTIONS: Final = frozenset({"options", "local"})

Made = Callable[[Any, Context], Write]
Errors = list[tuple[str | None, HansaError]]


async def create(exchange: Exchange) -> Response:
    """POST /entityOperations/create (6.14.3.1): 5.6.7 Batch Entity Creation."""
    exchange.params(_NONE)
    changes, _, errors = await _all(exchange, _creations(exchange, "create"), creating=True)
    if errors:
        return batch_result(changes, errors)
    return Response(201, orjson.dumps(changes))


async def upsert(exchange: Exchange) -> Response:
    """POST /entityOperations/upsert (6.15.3.1): 5.6.8 Batch Entity Creation or Update.

    What is there is replaced, or with options=update updated.
    """
    mode = _option(exchange, {None: "upsert", "replace": "upsert", "update": "upsert_update"})
    changes, fresh, errors = await _all(exchange, _creations(exchange, mode), creating=True)
    if errors:
        return batch_result(changes, errors)
    return Response(201, orjson.dumps(fresh)) if fresh else no_content()


async def update(exchange: Exchange) -> Response:
    """POST /entityOperations/update (6.16.3.1): 5.6.9 Batch Entity Update: appends, over what is there or not."""
    return await _fragments(exchange, _option(exchange, {None: "append", "noOverwrite": "append_new"}))


async def merge(exchange: Exchange) -> Response:
    """POST /entityOperations/merge (6.31.3.1): 5.6.20 Batch Entity Merge."""
    exchange.params(_NONE)
    return await _fragments(exchange, "merge")


async def delete(exchange: Exchange) -> Response:
    """POST /entityOperations/delete (6.17.3.1): 5.6.10 Batch Entity Delete; the body is an array of ids."""
    exchange.params(_NONE)
    writes: list[Write] = []
    errors: Errors = []
    for one in exchange.array():
        try:
            writes.append(Write("delete", uri(one, "id", exchange.limits), tenant=exchange.tenant))
        except HansaError as fault:
            errors.append((str(one)[:256], fault))
    changes, _, refused = await _written(exchange, writes, creating=False)
    errors += refused
    return batch_result(changes, errors) if errors else no_content()


def _option(exchange: Exchange, known: dict[str | None, Kind]) -> Kind:
    option = exchange.params(_OPTIONS).get("options")
    if option not in known:
        raise InvalidRequest(f"{str(option)[:64]!r} is no option here", where="options")
    return known[option]


def _creations(exchange: Exchange, kind: Kind) -> Made:
    return lambda body, context: provision.creation(body, context, **exchange.whose, kind=kind)


async def _fragments(exchange: Exchange, kind: Kind) -> Response:
    changes, _, errors = await _all(exchange, _creations(exchange, kind), creating=False)
    return batch_result(changes, errors) if errors else no_content()


async def _all(exchange: Exchange, made: Made, *, creating: bool) -> tuple[list[str], list[str], Errors]:
    """Read each body, write what can be read; ids that went well, those that are new, and the errors (5.2.16)."""
    bodies, contexts = await exchange.bodies()
    writes: list[Write] = []
    errors: Errors = []
    for body, context in zip(bodies, contexts, strict=True):
        try:
            if isinstance(context, HansaError):
                raise context
            writes.append(made(body, context))
        except HansaError as fault:
            errors.append((_ident(body), fault))
    changes, fresh, refused = await _written(exchange, writes, creating=creating)
    return changes, fresh, errors + refused


async def _written(exchange: Exchange, writes: list[Write], *, creating: bool) -> tuple[list[str], list[str], Errors]:
    if not writes:
        return [], [], []
    changes: dict[str, None] = {}
    fresh: dict[str, None] = {}
    errors: Errors = []
    for write, outcome in zip(writes, await exchange.write(*writes, creating=creating), strict=True):
        if isinstance(outcome, Refused):
            errors.append((write.id, outcome.error))
            continue
        if missed := provision.left_out(write, outcome):
            names = ", ".join(name for name, _ in missed)
            errors.append((write.id, BadRequest(f"not all of it was taken: {names}", where=missed[0][0])))
            continue
        changes[write.id] = None
        if isinstance(outcome, Change) and outcome.new:
            fresh[write.id] = None
    return list(changes), list(fresh), errors


def _ident(body: Any) -> str | None:
    ident = body.get("id", body.get("@id")) if type(body) is dict else None
    return ident[:2_048] if type(ident) is str else None
