"""Reading a Subscription: what somebody said, checked member by member and compiled (CIM 009 v1.9.1, clause 5.2.12).

Every fault names its member. How it is told (5.2.14, 5.2.15) is read in `notification_in`. What asks for other sources
(`csf`, `splitEntities`) is checked and kept: a city that has none tells what it has itself.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits
from hansa.model.context import Context
from hansa.model.geo import GeoQuery
from hansa.model.older import NATIVE, Version
from hansa.model.pattern import pattern
from hansa.model.qlang import parse_q
from hansa.model.qtree import Node, Or
from hansa.model.query import Query
from hansa.model.selection import parse_scopes, parse_types
from hansa.platform.condition import Condition
from hansa.platform.notification_in import COUNTED, read_notification
from hansa.platform.said import Names, Words, is_uri, known, listed, moment, number, object_of, parted, text, truth
from hansa.platform.subscription import USUAL, Selector, Subscription

TRIGGERS: Final = frozenset(
    ("entityCreated", "entityUpdated", "entityDeleted", "attributeCreated", "attributeUpdated", "attributeDeleted")
)
_UPDATED: Final = frozenset(("attributeCreated", "attributeUpdated", "attributeDeleted"))

SAID_BY_US: Final = frozenset(("status", "createdAt", "modifiedAt", "@context"))
"""Members that an answer has and that are passed over when somebody sends them back."""

_MEMBERS: Final = frozenset(
    (
        *("id", "type", "subscriptionName", "description", "entities", "watchedAttributes", "notificationTrigger"),
        *("timeInterval", "q", "geoQ", "scopeQ", "csf", "isActive", "notification", "expiresAt", "throttling"),
        *("temporalQ", "lang", "jsonldContext", "datasetId", "localOnly", "expandValues", "jsonKeys"),
        *("ngsildConformance", "splitEntities"),
    )
)
_SELECTOR: Final = frozenset(("id", "idPattern", "type"))
_GEO: Final = frozenset(("geometry", "coordinates", "georel", "geoproperty"))
_ALONE = re.compile(r"\s*\(([^();]*[|,][^();]*)\)\s*\Z")
_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\Z")


def bare(doc: Any) -> dict[str, Any]:
    """What somebody said, without what only hansa says. BadRequest when it is no Subscription at all.

    A name that begins with `_` is none of the standard's (4.6.2): it is what another broker noted in a document that is
    now brought here, and goes as well.
    """
    if not isinstance(doc, dict):
        raise BadRequest("a Subscription is a JSON object")
    said = {name: value for name, value in doc.items() if name not in SAID_BY_US and not name.startswith("_")}
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
    Whether it has expired is not asked. Raises BadRequest with the member at fault.
    """
    return _Reader(said, Words(context, names or {}), limits).whole(tenant, answers)


class _Reader:
    """Reads one document; every fault says where."""

    def __init__(self, said: dict[str, Any], words: Words, limits: Limits) -> None:
        self._said = said
        self._words = words
        self._limits = limits

    def whole(self, tenant: str, context: Context) -> Subscription:
        said, limits = self._said, self._limits
        known(said, _MEMBERS)
        self._plain()
        triggers = self._triggers()
        interval_s = self._interval()
        told = read_notification(said, self._words, context, limits)
        condition = self._condition()
        one = Subscription(
            tenant=tenant,
            id=said["id"],
            said=said,
            names=self._words.names,
            context=context,
            view=told.view,
            selectors=self._selectors(),
            watched=self._watched(),
            triggers=(triggers | _UPDATED) if "entityUpdated" in triggers else triggers,
            members_too="entityUpdated" in triggers and "watchedAttributes" not in said,
            condition=condition,
            endpoint=told.endpoint,
            interval_s=interval_s,
            throttling_s=number(said, "throttling"),
            expires=moment(said, "expiresAt"),
            active=truth(said, "isActive", True),
            show_changes=told.show_changes,
            join=told.join,
            version=self._version(),
        )
        one.use(context)
        return one

    def _plain(self) -> None:
        """Members that say nothing but themselves."""
        said = self._said
        if said.get("type") != "Subscription":
            raise BadRequest("the type of a Subscription is Subscription", where="type")
        if not is_uri(said.get("id")) or len(said["id"]) > self._limits.name:
            raise BadRequest(f"{str(said.get('id'))[:80]!r} is no URI", where="id", mend="leave it out or give a URI")
        for name in ("subscriptionName", "description"):
            if name in said and not isinstance(said[name], str):
                raise BadRequest(f"{name} is a text", where=name)
        truth(said, "splitEntities", False)
        if "jsonldContext" in said and not is_url(said["jsonldContext"]):
            raise BadRequest("jsonldContext is the URL of an @context", where="jsonldContext")
        if "temporalQ" in said:
            raise BadRequest("temporalQ belongs to subscriptions to registrations", where="temporalQ")
        if not truth(said, "localOnly", False) and "entities" not in said and "watchedAttributes" not in said:
            raise BadRequest("say which entities or which attributes", where="entities", mend="give either, or both")

    def _version(self) -> Version | None:
        """The version of the standard to which notifications are to conform; None for this one and later ones."""
        text = self._said.get("ngsildConformance")
        if text is None:
            return None
        found = _VERSION.match(text) if isinstance(text, str) else None
        if found is None:
            raise BadRequest("a version of the standard is written as 1.6", where="ngsildConformance")
        version = int(found[1]), int(found[2])
        return None if version >= NATIVE else version

    def _interval(self) -> float:
        """The timeInterval, which goes with neither watchedAttributes nor throttling."""
        said = self._said
        interval_s = number(said, "timeInterval")
        if not interval_s:
            return 0.0
        for other in ("watchedAttributes", "throttling"):
            if other in said:
                raise BadRequest(
                    f"{other} does not go with timeInterval", where=other, mend=f"leave out {other}, or timeInterval"
                )
        if "entities" not in said and not said.get("localOnly"):
            raise BadRequest("a timeInterval needs entities", where="entities", mend="say which entities")
        if interval_s < self._limits.interval_s:
            raise BadRequest(
                f"timeInterval is at least {self._limits.interval_s:g} s here", where="timeInterval", mend="say more"
            )
        return interval_s

    # Which entities, which Changes

    def _selectors(self) -> tuple[Selector, ...]:
        if "entities" not in self._said:
            return (Selector(None),)
        entities = self._said["entities"]
        if not isinstance(entities, list) or not entities or len(entities) > self._limits.batch:
            raise BadRequest("entities is a list with something in it", where="entities")
        return tuple(self._selector(one, f"entities[{i}]") for i, one in enumerate(entities))

    def _selector(self, said: Any, where: str) -> Selector:
        """An EntitySelector (5.2.33)."""
        one = object_of(said, where)
        known(one, _SELECTOR, f"{where}.")
        if not isinstance(one.get("type"), str):
            raise BadRequest("which type is missing", where=f"{where}.type", mend='say "*" for any')
        if one["type"].strip() == "*" and self._said.get("localOnly") is False:
            raise BadRequest('type "*" asks for what is here only', where="localOnly", mend="leave localOnly out")
        ids = one.get("id")
        if ids is not None:
            ids = ids if isinstance(ids, list) else [ids]
            if not ids or not all(map(is_uri, ids)):
                raise BadRequest("an id is a URI", where=f"{where}.id")
        like = one.get("idPattern")
        if like is not None and not isinstance(like, str):
            raise BadRequest("idPattern is a regular expression", where=f"{where}.idPattern")
        # Parentheses around nothing but alternatives are not in the grammar (4.17), and can mean one thing only.
        alone = _ALONE.match(one["type"])
        types = one["type"] if alone is None else alone[1]
        with _placed(where):
            return Selector(
                parse_types(types, self._words.name("entities"), self._limits),
                None if ids is None else frozenset(ids),
                None if like is None else pattern(like, self._limits.regex),
            )

    def _triggers(self) -> frozenset[str]:
        said = self._said.get("notificationTrigger")
        if said is None:
            return frozenset(USUAL)
        if not isinstance(said, list) or not said or not all(isinstance(t, str) and t in TRIGGERS for t in said):
            raise BadRequest(
                "notificationTrigger lists what triggers a notification",
                where="notificationTrigger",
                mend=f"some of {', '.join(sorted(TRIGGERS))}",
            )
        return frozenset(said)

    def _watched(self) -> frozenset[str] | None:
        names = listed(self._said, "watchedAttributes", self._limits)
        if names is None:
            return None
        with _placed("watchedAttributes"):
            return frozenset(map(self._words.name("watchedAttributes"), names))

    def _condition(self) -> Condition | None:
        said = self._said
        geo = scope_q = None
        keys = {name: parted(said, name, self._limits) for name in ("expandValues", "jsonKeys")}
        if "csf" in said:
            self._q("csf", keys)
        q = self._q("q", keys) if "q" in said else None
        if "geoQ" in said:
            geo = self._geo(object_of(said["geoQ"], "geoQ"))
        if "scopeQ" in said:
            with _placed("scopeQ"):
                scope_q = parse_scopes(text(said, "scopeQ"), self._limits)
        if q is None and geo is None and scope_q is None:
            return None
        return Condition(Query(q=q, geo=geo, scope_q=scope_q))

    def _q(self, member: str, keys: dict[str, list[str]]) -> Node:
        """The tree of a query string (4.9).

        It need not be percent-encoded outside a URI, but many a subscriber copies it from one: where it could be meant
        both ways, either will do, so nobody misses what he asked for.
        """
        said = text(self._said, member)

        def tree(words: str) -> Node:
            return parse_q(
                words,
                self._words.word(member),
                expand_values=keys["expandValues"],
                json_keys=keys["jsonKeys"],
                limits=self._limits,
            )

        plain = unquote(said)
        found: list[Node] = []
        with _placed(member):
            if plain != said:
                with suppress(BadRequest):
                    found.append(tree(plain))
            try:
                found.append(tree(said))
            except BadRequest:
                if not found:
                    raise
        return found[0] if len(found) == 1 else Or(tuple(found))

    def _geo(self, said: dict[str, Any]) -> GeoQuery:
        """A GeoQuery (5.2.13)."""
        known(said, _GEO, "geoQ.")
        name = said.get("geoproperty", "location")
        for member in ("georel", "geometry"):
            if not isinstance(said.get(member), str):
                raise BadRequest(f"geoQ needs {member}", where=f"geoQ.{member}")
        if not isinstance(name, str):
            raise BadRequest("geoproperty is the name of an attribute", where="geoQ.geoproperty")
        if not isinstance(said.get("coordinates"), str | list):
            raise BadRequest("geoQ needs coordinates", where="geoQ.coordinates")
        with _placed("geoQ"):
            stored = self._words.name("geoQ")(name)
            return GeoQuery.parse(said["georel"], said["geometry"], said["coordinates"], stored, limits=self._limits)


@contextmanager
def _placed(where: str) -> Iterator[None]:
    """Faults found inside are those of this member, or of one within it."""
    try:
        yield
    except BadRequest as fault:
        inner = fault.where or ""
        place = f"{where}.{inner}" if where == "geoQ" and inner else where
        if inner.startswith("q["):
            place += inner[1:]
        raise BadRequest(fault.detail, where=place, mend=fault.mend) from None


def is_url(value: Any) -> bool:
    """Whether something may be the URL of an @context."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
