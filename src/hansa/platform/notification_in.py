"""Reading how a subscriber is told: the NotificationParams and Endpoint of a Subscription (CIM 009, 5.2.14, 5.2.15)."""

from dataclasses import dataclass
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.model.context import Context
from hansa.model.projection import Projection, clash, depth, parse_projection
from hansa.model.wire import Form, View
from hansa.network import broker
from hansa.network.http import header, target
from hansa.platform.joined import Join
from hansa.platform.said import Words, is_uri, known, listed, number, object_of, pairs, text, truth
from hansa.platform.subscription import GEO_JSON, JSON, LD_JSON, Endpoint

COUNTED: Final = frozenset(
    ("status", "timesSent", "timesFailed", "lastNotification", "lastSuccess", "lastFailure", "notificationId")
)
"""What only hansa says of a notification (5.2.14.2)."""

_MEMBERS: Final = frozenset(
    ("attributes", "pick", "omit", "format", "sysAttrs", "showChanges", "endpoint", "join", "joinLevel")
)
_ENDPOINT: Final = frozenset(("uri", "accept", "timeout", "cooldown", "receiverInfo", "notifierInfo"))
_NO_ATTRIBUTES: Final = frozenset(("id", "type", "scope"))
FORMS: Final[dict[str, Form]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_HERE: Final = "notification."
_THERE: Final = "notification.endpoint."


@dataclass(frozen=True, slots=True)
class Told:
    """How a subscriber is told, as a Subscription holds it."""

    view: View
    join: Join | None
    endpoint: Endpoint
    show_changes: bool


def read_notification(said: dict[str, Any], words: Words, context: Context, limits: Limits) -> Told:
    """What a whole Subscription says of its notifications. Raises BadRequest."""
    notification = object_of(said.get("notification"), "notification")
    known(notification, _MEMBERS, _HERE)
    show_changes = truth(notification, "showChanges", False, _HERE)
    join = _join(notification, limits)
    view = _view(said, notification, words, context, limits, 0 if join is None else join.level)
    if show_changes and view.form == "simplified":
        raise BadRequest(
            "showChanges does not go with the simplified form",
            where="notification.showChanges",
            mend="use normalized or concise",
        )
    return Told(view, join, _endpoint(notification, limits), show_changes)


def _join(said: dict[str, Any], limits: Limits) -> Join | None:
    """Whether linked entities come along (4.5.23)."""
    how, level = said.get("join", "@none"), said.get("joinLevel", 1)
    if not isinstance(how, str) or how not in {"flat", "inline", "@none"}:
        raise BadRequest("there is no such way to join", where="notification.join", mend="flat, inline or @none")
    if type(level) is not int or not 1 <= level <= limits.join:
        raise BadRequest(f"joinLevel is a whole number from 1 to {limits.join}", where="notification.joinLevel")
    if "joinLevel" in said and "join" not in said:
        raise BadRequest("joinLevel goes with join", where="notification.joinLevel", mend="add join")
    return None if how == "@none" else Join(how == "flat", level)


def _view(
    said: dict[str, Any], notification: dict[str, Any], words: Words, context: Context, limits: Limits, level: int
) -> View:
    form = notification.get("format", "normalized")
    if not isinstance(form, str) or form not in FORMS:
        raise BadRequest("there is no such format", where="notification.format", mend=", ".join(FORMS))
    lang = said.get("lang")
    if lang is not None and not isinstance(lang, str):
        raise BadRequest("lang is a text", where="lang")
    datasets = listed(said, "datasetId", limits)
    for one in datasets or ():
        if one != "@none" and not is_uri(one):
            raise BadRequest(f'{one[:64]!r} is neither a URI nor "@none"', where="datasetId")
    attrs, pick, omit = (_members(notification, name, words, limits, level) for name in ("attributes", "pick", "omit"))
    if attrs is not None and (pick is not None or omit is not None):
        raise BadRequest("attributes goes with neither pick nor omit", where="notification.attributes")
    if pick is not None and omit is not None and (both := clash(pick, omit)) is not None:
        raise BadRequest(f"{both!r} is to be picked and omitted", where="notification.omit")
    return View(
        context,
        form=FORMS[form],
        sys_attrs=truth(notification, "sysAttrs", False, _HERE),
        attrs=attrs,
        pick=pick,
        omit=omit,
        datasets=None if datasets is None else frozenset(datasets),
        lang=lang,
    )


def _members(said: dict[str, Any], name: str, words: Words, limits: Limits, level: int) -> Projection | None:
    """The members that `attributes`, `pick` or `omit` name, in the projection language (4.21)."""
    names = listed(said, name, limits, _HERE)
    if names is None:
        return None
    where = f"{_HERE}{name}"
    found = parse_projection(",".join(names), where, words.name("notification"), limits)
    if name == "attributes" and not _NO_ATTRIBUTES.isdisjoint(found):
        raise BadRequest("attributes names attributes only", where=where, mend="use pick")
    if (reach := depth(found)) > level:
        why = f"joinLevel is {level}" if level else "join was not asked for"
        raise BadRequest(f"{name} reaches over {reach} relationships, and {why}", where=where)
    return found


def _endpoint(notification: dict[str, Any], limits: Limits) -> Endpoint:
    said = object_of(notification.get("endpoint"), "notification.endpoint")
    known(said, _ENDPOINT, _THERE)
    uri = text(said, "uri", _THERE)
    accept = said.get("accept", JSON)
    if not isinstance(accept, str) or accept not in {JSON, LD_JSON, GEO_JSON}:
        raise BadRequest("accept is a media type", where=f"{_THERE}accept", mend=f"{JSON}, {LD_JSON} or {GEO_JSON}")
    receiver = pairs(said, "receiverInfo", limits, _THERE)
    notifier = pairs(said, "notifierInfo", limits, _THERE)
    address = None
    try:
        if broker.is_mqtt(uri):
            address = broker.address(uri, notifier, limits)
        else:
            target(uri, limits)
    except BadRequest as fault:
        place = fault.where if address is None and str(fault.where).startswith("notifierInfo") else "uri"
        raise BadRequest(fault.detail, where=f"{_THERE}{place}", mend=fault.mend) from None
    if address is not None and accept == GEO_JSON:
        raise BadRequest("MQTT takes no GeoJSON (Table 7.2-2)", where=f"{_THERE}accept", mend=f"{JSON} or {LD_JSON}")
    if address is None:
        for i, one in enumerate(receiver):
            try:
                header(*one)
            except BadRequest as fault:
                raise BadRequest(fault.detail, where=f"{_THERE}receiverInfo[{i}]") from None
    wait_s = number(said, "timeout", _THERE) / 1_000 or limits.egress_s
    rest_s = number(said, "cooldown", _THERE) / 1_000
    # A subscriber cannot have longer than the city's own cap: it would hold a connection.
    return Endpoint(uri, accept, dict(receiver), min(wait_s, limits.egress_s), rest_s, address)
