"""A Subscription as CIM 009 v1.9.1 has it (clauses 5.2.12 to 5.2.15 and 5.2.33), compiled; `subscription_in` reads it.

The document is kept as it was said, together with what its names stand for, so that a city which starts without its
neighbours still knows what everybody wanted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.model.context import Context
from hansa.model.core_context import VOCAB
from hansa.model.entity import Doc, Stamps
from hansa.model.pattern import Pattern
from hansa.model.qlang import And, Compare, Node
from hansa.model.query import Match, Query
from hansa.model.selection import TypeSelection, types_match
from hansa.model.wire import View
from hansa.model.wire_in import RESERVED
from hansa.trust.labels import NOBODY, Sight

JSON: Final = "application/json"
LD_JSON: Final = "application/ld+json"

Names = dict[str, dict[str, str]]
"""What the names within each member of a Subscription stand for: member -> name as said -> stored name."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which entities (5.2.33). None asks nothing of that kind; ids win over the pattern."""

    types: TypeSelection | None
    ids: frozenset[str] | None = None
    like: Pattern | None = None
    _kinds: Callable[[str | list[str]], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the types once."""
        object.__setattr__(self, "_kinds", _any if self.types is None else types_match(self.types))

    def selects(self, doc: Doc) -> bool:
        """Whether an entity is one of them."""
        ident = doc["id"]
        if self.ids is not None:
            if ident not in self.ids:
                return False
        elif self.like is not None and not self.like.found(ident):
            return False
        return self._kinds(doc["type"])


def _any(_: str | list[str]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Guard:
    """What must be so where a condition holds: `name` is one of `values` (==), or not below (>), not above (<)."""

    name: str
    op: str
    values: tuple[Any, ...]


class Condition:
    """What an entity must be like (`q`, `geoQ`, `scopeQ`); equal ones are decided once a Change."""

    __slots__ = ("__weakref__", "_match", "guard", "key")

    def __init__(self, query: Query) -> None:
        """Compile it. NotSupported when it follows relationships."""
        self.key = query.q, None if query.geo is None else repr(query.geo), query.scope_q
        self.guard = None if query.q is None else _guard(query.q)
        self._match: Match = query.compile()

    def holds(self, doc: Doc, stamps: Stamps | None) -> bool:
        """Whether it is like that."""
        return self._match(doc, stamps)


def _guard(node: Node) -> Guard | None:
    """The term that tells most, if there is one that tells enough: an equality, else a bound."""
    bound = None
    for term in node.terms if isinstance(node, And) else (node,):
        if not isinstance(term, Compare) or len(term.path.names) != 1 or term.path.within or term.path.hop is not None:
            continue
        name = term.path.names[0]
        if name in RESERVED:
            continue
        if term.op == "==" and all(type(value) in {str, int, float} for value in term.values):
            # The store keeps names of the default context short, a caller may not.
            short = [v.removeprefix(VOCAB) for v in term.values if isinstance(v, str)]
            return Guard(name, "==", tuple(dict.fromkeys((*term.values, *short))))
        if term.op[0] in "<>" and type(term.values[0]) in {int, float}:
            bound = bound or Guard(name, term.op[0], term.values)
    return bound


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to, and how (5.2.15)."""

    uri: str
    accept: str
    headers: Mapping[str, str]
    wait_s: float
    rest_s: float


@dataclass(slots=True)
class Counters:
    """How deliveries went (5.2.14). Times as text, of the city's clock."""

    sent: int = 0
    failed: int = 0
    last: str | None = None
    last_good: str | None = None
    last_bad: str | None = None
    good: bool = True

    def document(self) -> dict[str, Any]:
        """As it is kept, and as an answer shows it within `notification`."""
        times = {"lastNotification": self.last, "lastSuccess": self.last_good, "lastFailure": self.last_bad}
        shown: dict[str, Any] = {"timesSent": self.sent, "timesFailed": self.failed}
        shown.update({name: at for name, at in times.items() if at is not None})
        if self.sent:
            shown["status"] = "ok" if self.good else "failed"
        return shown

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Counters":
        """What was kept."""
        return cls(
            said.get("timesSent", 0),
            said.get("timesFailed", 0),
            said.get("lastNotification"),
            said.get("lastSuccess"),
            said.get("lastFailure"),
            said.get("status") != "failed",
        )


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription, ready to be asked. `said` is its document; `names` what each name in it stands for."""

    tenant: str
    id: str
    said: dict[str, Any]
    names: Names
    source: Any  # the @context value for notifications
    view: View
    selectors: tuple[Selector, ...]
    watched: frozenset[str] | None
    triggers: frozenset[str]
    members_too: bool  # changes of type, scope and the like count
    condition: Condition | None
    endpoint: Endpoint
    throttling_s: float
    expires: int | None
    active: bool
    show_changes: bool
    counters: Counters = field(default_factory=Counters)
    sight: Sight = NOBODY  # who hears of it sees no more than whoever asked for it
    created: int = 0
    modified: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Two tenants can use the same id."""
        return self.tenant, self.id

    @property
    def shows_deleted(self) -> bool:
        """Whether an attribute that went is shown as NGSI-LD null."""
        return "attributeDeleted" in self.triggers

    def status(self, now: int) -> str:
        """active, paused or expired, at `now` (microseconds)."""
        if self.expires is not None and self.expires <= now:
            return "expired"
        return "active" if self.active else "paused"

    def document(self, context: Context) -> dict[str, Any]:
        """As an answer shows it (5.8.3), without status and stamps: names of types and attributes by `context`.

        `q` stands as it was said; the names in it are those of the @context that came with it.
        """
        said, names, compact = dict(self.said), self.names, context.compact
        notification = dict(said["notification"])
        for where, member, whose in (
            (said, "watchedAttributes", "watchedAttributes"),
            *((notification, member, "notification") for member in ("attributes", "pick", "omit")),
        ):
            if member in where:
                words = where[member] if isinstance(where[member], list) else [where[member]]
                known = names.get(whose, {})
                where[member] = [compact(known[word]) if word in known else word for word in words]
        if "entities" in said:
            known = {word: compact(name) for word, name in names.get("entities", {}).items()}
            said["entities"] = [
                {**one, "type": _WORD.sub(lambda m: known.get(m[0], m[0]), one["type"])} for one in said["entities"]
            ]
        said["isActive"] = self.active
        said["notification"] = notification | self.counters.document()
        return said


_WORD: Final = re.compile(r"[^\s;,|()]+")
