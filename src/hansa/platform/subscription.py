"""A Subscription as CIM 009 v1.9.1 has it (clauses 5.2.12 to 5.2.15 and 5.2.33), read, checked and compiled.

The document is kept as it was said, together with what its names stand for, so that a city which starts without its
neighbours still knows what everybody wanted. What hansa does not do yet (`timeInterval`, MQTT endpoints, `q` that
follows relationships) is refused by name and never accepted in silence.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest, NotSupported
from hansa.limits import DEFAULT, Limits
from hansa.model.context import Context
from hansa.model.core_context import VOCAB
from hansa.model.entity import Doc, Stamps
from hansa.model.geo import GeoQuery
from hansa.model.pattern import Pattern, pattern
from hansa.model.qlang import And, Compare, Node, hops, parse_q
from hansa.model.query import Match, Query
from hansa.model.selection import TypeSelection, parse_scopes, parse_types, types_match
from hansa.model.wire import View, form_of
from hansa.model.wire_in import RESERVED
from hansa.network.http import header, target
from hansa.trust.labels import NOBODY, Sight

JSON: Final = "application/json"
LD_JSON: Final = "application/ld+json"

TRIGGERS: Final = frozenset(
    ("entityCreated", "entityUpdated", "entityDeleted", "attributeCreated", "attributeUpdated", "attributeDeleted")
)
USUAL: Final = frozenset(("attributeCreated", "attributeUpdated"))
"""What triggers a notification when the subscription does not say (5.2.12)."""
_UPDATED: Final = frozenset(("attributeCreated", "attributeUpdated", "attributeDeleted"))

SAID_BY_US: Final = frozenset(("status", "createdAt", "modifiedAt", "@context"))
"""Members that an answer has and that are passed over when somebody sends them back."""
COUNTED: Final = frozenset(
    ("status", "timesSent", "timesFailed", "lastNotification", "lastSuccess", "lastFailure", "notificationId")
)

_MEMBERS: Final = frozenset(
    (
        *("id", "type", "subscriptionName", "description", "entities", "watchedAttributes", "notificationTrigger"),
        *("timeInterval", "q", "geoQ", "scopeQ", "csf", "isActive", "notification", "expiresAt", "throttling"),
        *("temporalQ", "lang", "jsonldContext", "datasetId", "localOnly", "expandValues", "jsonKeys"),
    )
)
_NOTIFICATION: Final = frozenset(
    ("attributes", "pick", "omit", "format", "sysAttrs", "showChanges", "endpoint", "join", "joinLevel", "onlyIds")
)
_ENDPOINT: Final = frozenset(("uri", "accept", "timeout", "cooldown", "receiverInfo", "notifierInfo"))
_NOT_YET: Final = ("timeInterval", "temporalQ", "csf")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]+\Z")


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


def bare(doc: Any) -> dict[str, Any]:
    """What somebody said, without what only hansa says. BadRequest when it is no Subscription at all."""
    if not isinstance(doc, dict):
        raise BadRequest("a Subscription is a JSON object")
    said = {name: value for name, value in doc.items() if name not in SAID_BY_US}
    notification = said.get("notification")
    if isinstance(notification, dict):
        said["notification"] = {name: value for name, value in notification.items() if name not in COUNTED}
    return said


def read(
    said: dict[str, Any],
    tenant: str,
    context: Context,
    answers: Context,
    *,
    names: Names | None = None,
    limits: Limits = DEFAULT,
) -> Subscription:
    """The Subscription of a document (with its `id`). `context` takes its names to stored ones, `answers` back.

    `names` says what the names of a member stand for where that is known already, whatever the context says now.
    Whether it has expired is not asked. Raises BadRequest with the member at fault, NotSupported for what is not built.
    """
    return _Reader(said, context, names or {}, limits).whole(tenant, answers)


def is_uri(value: Any) -> bool:
    """Whether something may be the id of an entity or a subscription."""
    return isinstance(value, str) and _URI.match(value) is not None


class _Reader:
    """Reads one document; every fault says where."""

    def __init__(self, said: dict[str, Any], context: Context, names: Names, limits: Limits) -> None:
        self._said = said
        self._limits = limits
        self._context = context
        self._given = names
        self._member = ""  # which one is being read
        self.names: Names = {}

    def whole(self, tenant: str, context: Context) -> Subscription:
        said = self._said
        self._known(said, _MEMBERS, "")
        for name in _NOT_YET:
            if name in said:
                raise NotSupported(f"subscriptions with {name} are not built yet", where=name, mend=f"leave {name} out")
        if said.get("type") != "Subscription":
            raise BadRequest("the type of a Subscription is Subscription", where="type")
        if not is_uri(said.get("id")) or len(said["id"]) > self._limits.name:
            raise BadRequest(f"{str(said.get('id'))[:80]!r} is no URI", where="id", mend="leave it out or give a URI")
        for name in ("subscriptionName", "description"):
            if name in said and not isinstance(said[name], str):
                raise BadRequest(f"{name} is a text", where=name)
        if "jsonldContext" in said and not isinstance(said["jsonldContext"], str):
            raise BadRequest("jsonldContext is a URL", where="jsonldContext")
        self._truth(said, "localOnly", False, "")
        if "entities" not in said and "watchedAttributes" not in said:
            raise BadRequest("say which entities or which attributes", where="entities", mend="give either, or both")
        triggers = self._triggers()
        notification = self._object(said.get("notification"), "notification")
        self._known(notification, _NOTIFICATION, "notification.")
        show_changes = self._truth(notification, "showChanges", False, "notification.")
        view = self._view(notification, context)
        if show_changes and view.form == "simplified":
            raise BadRequest(
                "showChanges does not go with the simplified form",
                where="notification.showChanges",
                mend="use normalized or concise",
            )
        condition = self._condition()
        return Subscription(
            tenant=tenant,
            id=said["id"],
            said=said,
            names=self.names,
            source=context.source,
            view=view,
            selectors=self._selectors(),
            watched=self._attributes(said, "watchedAttributes", ""),
            triggers=(triggers | _UPDATED) if "entityUpdated" in triggers else triggers,
            members_too="entityUpdated" in triggers and "watchedAttributes" not in said,
            condition=condition,
            endpoint=self._endpoint(notification),
            throttling_s=self._number(said, "throttling", ""),
            expires=self._moment("expiresAt"),
            active=self._truth(said, "isActive", True, ""),
            show_changes=show_changes,
        )

    def _expand(self, term: str) -> str:
        return self._noted(term, self._context.name)

    def _expand_word(self, term: str) -> str:
        """Of a `q`, whose parser knows what a name is, and whose values may be expanded too."""
        return self._noted(term, self._context.expand)

    def _noted(self, term: str, expand: Callable[[str], str]) -> str:
        given = self._given.get(self._member)
        name = expand(term) if given is None or term not in given else given[term]
        self.names.setdefault(self._member, {})[term] = name
        return name

    # Which entities, which Changes

    def _selectors(self) -> tuple[Selector, ...]:
        if "entities" not in self._said:
            return (Selector(None),)
        self._member = "entities"
        entities = self._said["entities"]
        if not isinstance(entities, list) or not entities or len(entities) > self._limits.batch:
            raise BadRequest("entities is a list with something in it", where="entities")
        return tuple(self._selector(one, f"entities[{i}]") for i, one in enumerate(entities))

    def _selector(self, said: Any, where: str) -> Selector:
        one = self._object(said, where)
        self._known(one, frozenset(("id", "idPattern", "type")), f"{where}.")
        if not isinstance(one.get("type"), str):
            raise BadRequest("which type is missing", where=f"{where}.type", mend='say "*" for any')
        ids = one.get("id")
        if ids is not None:
            ids = ids if isinstance(ids, list) else [ids]
            if not ids or not all(map(is_uri, ids)):
                raise BadRequest("an id is a URI", where=f"{where}.id")
        like = one.get("idPattern")
        if like is not None and not isinstance(like, str):
            raise BadRequest("idPattern is a regular expression", where=f"{where}.idPattern")
        return Selector(
            parse_types(one["type"], self._expand, self._limits),
            None if ids is None else frozenset(ids),
            None if like is None else pattern(like, self._limits.regex),
        )

    def _triggers(self) -> frozenset[str]:
        said = self._said.get("notificationTrigger")
        if said is None:
            return USUAL
        if not isinstance(said, list) or not said or not all(isinstance(t, str) and t in TRIGGERS for t in said):
            raise BadRequest(
                "notificationTrigger lists what triggers a notification",
                where="notificationTrigger",
                mend=f"some of {', '.join(sorted(TRIGGERS))}",
            )
        return frozenset(said)

    def _condition(self) -> Condition | None:
        said, limits = self._said, self._limits
        q = geo = scope_q = None
        if "q" in said:
            self._member = "q"
            keys = {name: self._names(said, name) or () for name in ("expandValues", "jsonKeys")}
            q = parse_q(
                self._text(said, "q"),
                self._expand_word,
                expand_values=keys["expandValues"],
                json_keys=keys["jsonKeys"],
                limits=limits,
            )
            if hops(q):
                raise NotSupported("a q that follows relationships is not built for subscriptions yet", where="q")
        if "geoQ" in said:
            self._member = "geoQ"
            geo = self._geo(self._object(said["geoQ"], "geoQ"))
        if "scopeQ" in said:
            scope_q = parse_scopes(self._text(said, "scopeQ"), limits)
        if q is None and geo is None and scope_q is None:
            return None
        return Condition(Query(q=q, geo=geo, scope_q=scope_q))

    def _geo(self, said: dict[str, Any]) -> GeoQuery:
        self._known(said, frozenset(("geometry", "coordinates", "georel", "geoproperty")), "geoQ.")
        name = said.get("geoproperty", "location")
        for member in ("georel", "geometry"):
            if not isinstance(said.get(member), str):
                raise BadRequest(f"geoQ needs {member}", where=f"geoQ.{member}")
        if not isinstance(name, str):
            raise BadRequest("geoproperty is the name of an attribute", where="geoQ.geoproperty")
        if not isinstance(said.get("coordinates"), str | list):
            raise BadRequest("geoQ needs coordinates", where="geoQ.coordinates")
        return GeoQuery.parse(
            said["georel"], said["geometry"], said["coordinates"], self._expand(name), limits=self._limits
        )

    # How it is told

    def _view(self, said: dict[str, Any], context: Context) -> View:
        if said.get("join", "none") != "none" or said.get("onlyIds"):
            raise NotSupported("joined and onlyIds notifications are not built yet", where="notification.join")
        form = said.get("format", "normalized")
        if not isinstance(form, str):
            raise BadRequest("format is a text", where="notification.format")
        lang = self._said.get("lang")
        if lang is not None and not isinstance(lang, str):
            raise BadRequest("lang is a text", where="lang")
        return View(
            context,
            form_of(form),
            self._truth(said, "sysAttrs", False, "notification."),
            self._attributes(said, "attributes", "notification."),
            self._attributes(said, "pick", "notification.", members=True),
            self._attributes(said, "omit", "notification.", members=True),
            self._names(self._said, "datasetId"),
            lang,
        )

    def _endpoint(self, notification: dict[str, Any]) -> Endpoint:
        where = "notification.endpoint"
        said = self._object(notification.get("endpoint"), where)
        self._known(said, _ENDPOINT, f"{where}.")
        uri = self._text(said, "uri", f"{where}.")
        if uri.lower().startswith(("mqtt:", "mqtts:")):
            raise NotSupported(
                "notifications over MQTT are not built yet", where=f"{where}.uri", mend="give an http or https URL"
            )
        try:
            target(uri, self._limits)
        except BadRequest as fault:
            raise BadRequest(fault.detail, where=f"{where}.uri", mend=fault.mend) from None
        accept = said.get("accept", JSON)
        if accept == "application/geo+json":
            raise NotSupported("GeoJSON notifications are not built yet", where=f"{where}.accept")
        if not isinstance(accept, str) or accept not in {JSON, LD_JSON}:
            raise BadRequest("accept is a media type", where=f"{where}.accept", mend=f"{JSON} or {LD_JSON}")
        headers: dict[str, str] = {}
        for i, one in enumerate(self._pairs(said.get("receiverInfo", []), f"{where}.receiverInfo")):
            try:
                header(*one)
            except BadRequest as fault:
                raise BadRequest(fault.detail, where=f"{where}.receiverInfo[{i}]") from None
            headers[one[0]] = one[1]
        self._pairs(said.get("notifierInfo", []), f"{where}.notifierInfo")
        wait_s = self._number(said, "timeout", f"{where}.") / 1_000 or self._limits.egress_s
        rest_s = self._number(said, "cooldown", f"{where}.") / 1_000
        # A subscriber cannot have longer than the city's own cap: it would hold a connection.
        return Endpoint(uri, accept, headers, min(wait_s, self._limits.egress_s), rest_s)

    def _pairs(self, said: Any, where: str) -> list[tuple[str, str]]:
        if not isinstance(said, list) or len(said) > self._limits.depth:
            raise BadRequest("a list of {key, value}", where=where)
        for one in said:
            if (
                not isinstance(one, dict)
                or not isinstance(one.get("key"), str)
                or not isinstance(one.get("value"), str)
            ):
                raise BadRequest('each is {"key": text, "value": text}', where=where)
        return [(one["key"], one["value"]) for one in said]

    # Members by kind

    def _known(self, said: dict[str, Any], members: frozenset[str], where: str) -> None:
        for name in said:
            if name not in members:
                raise BadRequest(f"there is no member {name[:64]!r} here", where=f"{where}{name[:64]}")

    def _object(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise BadRequest("an object is missing here", where=where)
        return value

    def _text(self, said: dict[str, Any], name: str, where: str = "") -> str:
        value = said.get(name)
        if not isinstance(value, str) or not value:
            raise BadRequest(f"{name} is a text with something in it", where=f"{where}{name}")
        return value

    def _truth(self, said: dict[str, Any], name: str, otherwise: bool, where: str) -> bool:
        value = said.get(name, otherwise)
        if not isinstance(value, bool):
            raise BadRequest(f"{name} is true or false", where=f"{where}{name}")
        return value

    def _number(self, said: dict[str, Any], name: str, where: str) -> float:
        value = said.get(name, 0)
        if type(value) not in {int, float} or not 0 <= value < 1e12 or (name in said and value == 0):
            raise BadRequest(f"{name} is a number above 0", where=f"{where}{name}")
        return float(value)

    def _moment(self, name: str) -> int | None:
        value = self._said.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise BadRequest(f"{name} is a date-time", where=name)
        try:
            return clock.parse(value)
        except BadRequest as fault:
            raise BadRequest(fault.detail, where=name, mend=fault.mend) from None

    def _names(self, said: dict[str, Any], name: str, where: str = "") -> list[str] | None:
        value = said.get(name)
        if value is None:
            return None
        value = value if isinstance(value, list) else [value]
        if not value or not all(isinstance(one, str) and one for one in value) or len(value) > self._limits.batch:
            raise BadRequest(f"{name} is a list of names with something in it", where=f"{where}{name}")
        return value

    def _attributes(
        self, said: dict[str, Any], name: str, where: str, *, members: bool = False
    ) -> frozenset[str] | None:
        names = self._names(said, name, where)
        if names is None:
            return None
        self._member = name if not where else "notification"
        if members and any(sign in one for one in names for sign in "{[.,"):
            raise NotSupported(f"{name} takes whole attributes until now", where=f"{where}{name}")
        try:
            return frozenset(one if members and one in _ENTITY else self._expand(one) for one in names)
        except BadRequest as fault:
            raise BadRequest(fault.detail, where=f"{where}{name}", mend=fault.mend) from None


_ENTITY: Final = frozenset(("id", "type", "scope", "createdAt", "modifiedAt", "expiresAt"))
