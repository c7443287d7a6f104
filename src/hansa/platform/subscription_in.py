"""Reading a Subscription: what somebody said, checked member by member and compiled (CIM 009 v1.9.1, clause 5.2.12).

What hansa does not do yet (`timeInterval`, MQTT endpoints, `q` that follows relationships) is refused by name and never
accepted in silence.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest, NotSupported
from hansa.limits import DEFAULT, Limits
from hansa.model.context import Context
from hansa.model.geo import GeoQuery
from hansa.model.pattern import pattern
from hansa.model.qlang import hops, parse_q
from hansa.model.query import Query
from hansa.model.selection import parse_scopes, parse_types
from hansa.model.wire import View, form_of
from hansa.network.http import header, target
from hansa.platform.subscription import JSON, LD_JSON, Condition, Endpoint, Names, Selector, Subscription

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
