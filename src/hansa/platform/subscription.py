"""A Subscription as CIM 009 v1.9.1 has it (clauses 5.2.12 to 5.2.15 and 5.2.33), compiled; `subscription_in` reads it.

The document is kept as it was said, together with what its names stand for, so that a city which starts without its
neighbours still knows what everybody wanted.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hansa.model.context import CORE, Context
from hansa.model.entity import Doc
from hansa.model.older import Version
from hansa.model.pattern import Pattern
from hansa.model.selection import TypeSelection, types_match
from hansa.model.wire import View
from hansa.network.broker import Address
from hansa.platform.condition import Condition
from hansa.platform.joined import Join
from hansa.platform.said import Names
from hansa.trust.labels import NOBODY, Sight

JSON: Final = "application/json"
LD_JSON: Final = "application/ld+json"
GEO_JSON: Final = "application/geo+json"

USUAL: Final = ("attributeCreated", "attributeUpdated")
"""What triggers a notification when the subscription does not say (5.2.12)."""


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
class Endpoint:
    """Where to, and how (5.2.15). `address` is that of an MQTT endpoint (7.2); `headers` are its receiverInfo."""

    uri: str
    accept: str
    headers: Mapping[str, str]
    wait_s: float
    rest_s: float
    address: Address | None = None

    @property
    def url(self) -> str:
        """The URI for people: without a password."""
        return self.uri if self.address is None else self.address.url

    @property
    def linked(self) -> bool:
        """Whether the @context goes in a Link header, not in the body (6.3.8)."""
        prefer = next((value for name, value in self.headers.items() if name.lower() == "prefer"), "")
        return self.accept == JSON or (self.accept == GEO_JSON and prefer.replace(" ", "").lower() == "body=json")


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
        # Counts are greater than 0 where they are shown (Table 5.2.14.2-1).
        counts = {"timesSent": self.sent, "timesFailed": self.failed}
        shown: dict[str, Any] = {name: count for name, count in counts.items() if count}
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
    context: Context  # the one for notifications
    view: View
    selectors: tuple[Selector, ...]
    watched: frozenset[str] | None
    triggers: frozenset[str]
    members_too: bool  # changes of type, scope and the like count
    condition: Condition | None
    endpoint: Endpoint
    interval_s: float  # of the city's clock, between two notifications of what is so; 0: it hears of Changes
    throttling_s: float
    expires: int | None
    active: bool
    show_changes: bool
    join: Join | None = None  # whether linked entities come along
    version: Version | None = None  # of the standard, to which notifications conform (4.3.6.8)
    look: tuple[Any, ...] = ()  # equal for subscriptions to whom an entity looks the same
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

    def use(self, context: Context) -> None:
        """Write notifications in the words of this @context; JSON can only name one by a URL (5.5.7, 6.3.8)."""
        self.context = context
        self.view = view = replace(self.view, context=CORE if self.endpoint.linked and context.url is None else context)
        told = (self.endpoint.accept, self.endpoint.linked, self.show_changes, self.join, self.version)
        gone = (self.triggers & _DELETED, self.watched) if self.triggers & _DELETED else ()
        parts = (view.attrs, view.pick, view.omit, view.datasets)
        self.look = (id(view.context), view.form, view.sys_attrs, view.lang, *map(_frozen, parts), *told, *gone)

    def status(self, now: int) -> str:
        """active, paused or expired, at `now` (microseconds)."""
        if self.expires is not None and self.expires <= now:
            return "expired"
        return "active" if self.active else "paused"

    def document(self, context: Context) -> dict[str, Any]:
        """As an answer shows it (5.8.3), without status and stamps: names of types and attributes by `context`.

        `q` and `csf` stand as they were said; the names in them are those of the @context that came with them.
        """
        said, names = dict(self.said), self.names
        notification = dict(said["notification"])
        for where, member, whose in (
            (said, "watchedAttributes", "watchedAttributes"),
            *((notification, member, "notification") for member in ("attributes", "pick", "omit")),
        ):
            if member in where:
                words = where[member] if isinstance(where[member], list) else [where[member]]
                where[member] = [_compacted(word, _NAME, names.get(whose, {}), context) for word in words]
        if "entities" in said:
            known = names.get("entities", {})
            said["entities"] = [
                {**one, "type": _compacted(one["type"], _TYPE, known, context)} for one in said["entities"]
            ]
        said.setdefault("notificationTrigger", list(USUAL))
        if "jsonldContext" not in said and self.context.url is not None:
            said["jsonldContext"] = self.context.url  # 5.8.1.4: it is initialized with the @context that came with it
        said["notification"] = notification | self.counters.document()
        return said


_DELETED: Final = frozenset(("entityDeleted", "attributeDeleted"))


def _frozen(members: Collection[str] | None) -> str | None:
    return None if members is None else repr(sorted(members.items() if isinstance(members, Mapping) else members))


_TYPE: Final = re.compile(r"[^\s;,|()]+")
_NAME: Final = re.compile(r"[^\s,|{}]+")


def _compacted(text: str, word: re.Pattern[str], known: Mapping[str, str], context: Context) -> str:
    """A selection of types or members, each name in it as `context` has it."""
    return word.sub(lambda found: context.compact(known[found[0]]) if found[0] in known else found[0], text)
