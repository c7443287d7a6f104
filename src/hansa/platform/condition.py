"""What an entity must be like to be told of: the `q`, `geoQ` and `scopeQ` of a subscription (5.2.12), compiled."""

from dataclasses import dataclass
from typing import Any

from hansa.model.core_context import VOCAB
from hansa.model.entity import Doc, Stamps
from hansa.model.members import RESERVED
from hansa.model.qtree import And, Compare, Node, Span, hops
from hansa.model.query import Linked, Match, Query


@dataclass(frozen=True, slots=True)
class Guard:
    """What must be so where a condition holds, of the attribute `name`.

    It is one of `values` (==), not below one (>), not above one (<), between two (..), or in one of these boxes (in).
    """

    name: str
    op: str
    values: tuple[Any, ...]


class Condition:
    """What an entity must be like (`q`, `geoQ`, `scopeQ`); equal ones are decided once a Change."""

    __slots__ = ("__weakref__", "_linked", "_match", "follows", "guard", "key", "query")

    def __init__(self, query: Query) -> None:
        """Compile it."""
        self.query = query
        self.key = query.q, None if query.geo is None else repr(query.geo), query.scope_q
        guard = None if query.q is None else _guard(query.q)
        if (guard is None or guard.op in "<>") and query.geo is not None and query.geo.boxes is not None:
            guard = Guard(query.geo.name, "in", query.geo.boxes)
        self.guard = guard
        self.follows = query.q is not None and hops(query.q) > 0
        self._linked: Linked = _nobody
        self._match: Match = query.compile(self._look)

    def holds(self, doc: Doc, stamps: Stamps | None, linked: Linked | None = None) -> bool:
        """Whether it is like that. `linked` gives the entities that relationships point at (4.9)."""
        self._linked = linked or _nobody
        return self._match(doc, stamps)

    def _look(self, ident: str) -> Doc | None:
        return self._linked(ident)


def _guard(node: Node) -> Guard | None:
    """The term that tells most, if there is one that tells enough: an equality, two bounds, else one."""
    bounds: dict[str, dict[str, float]] = {}
    for term in node.terms if isinstance(node, And) else (node,):
        if not isinstance(term, Compare) or len(term.path.names) != 1 or term.path.within or term.path.hop is not None:
            continue
        name, value = term.path.names[0], term.values[0]
        if name in RESERVED:
            continue
        if term.op == "==" and all(type(value) in {str, int, float} for value in term.values):
            # The store keeps names of the default context short, a caller may not.
            short = [v.removeprefix(VOCAB) for v in term.values if isinstance(v, str)]
            return Guard(name, "==", tuple(dict.fromkeys((*term.values, *short))))
        known = bounds.setdefault(name, {})
        if term.op == "==" and len(term.values) == 1 and isinstance(value, Span):
            if isinstance(value.low, int | float) and isinstance(value.high, int | float):
                known |= {">": value.low, "<": value.high}
        elif term.op[0] in "<>" and isinstance(value, int | float):
            known[term.op[0]] = value
    for name, known in bounds.items():
        if len(known) == 2:
            return Guard(name, "..", (known[">"], known["<"]))
    return next((Guard(name, op, (value,)) for name, known in bounds.items() for op, value in known.items()), None)


def _nobody(_: str) -> Doc | None:
    return None
