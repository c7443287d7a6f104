"""Notifications: what a subscriber is told, as bytes (CIM 009 v1.9.1, clauses 5.3.1 and 5.8.6).

A Notification's id is made of the subscription and the place in the log, so whoever gets one twice (after a crash, or
because its answer was lost) can tell. Subscriptions that want the same entity in the same view share the rendering.
"""

import hashlib
from typing import Any, Final

import orjson

from hansa import clock
from hansa.model.change import Change, put_instance
from hansa.model.entity import VALUE_OF, Doc, Instance, default_instance, instances
from hansa.model.link import link
from hansa.model.wire import NULL, View
from hansa.platform.interest import Shown
from hansa.platform.subscription import LD_JSON, Subscription

TENANT_HEADER: Final = "NGSILD-Tenant"
_PREVIOUS: Final = {member: f"previous{member[0].upper()}{member[1:]}" for member in VALUE_OF.values()}


class Renderings:
    """The entity of one Change as one sight sees it, rendered once for each way of looking at it."""

    __slots__ = ("_change", "_kept", "_shown")

    def __init__(self, change: Change, shown: Shown) -> None:
        """Render nothing yet."""
        self._change = change
        self._shown = shown
        self._kept: dict[Any, bytes] = {}

    def of(self, one: Subscription) -> bytes:
        """The entity in this subscription's view, as JSON."""
        view = one.view
        key = (
            *(id(view.context), view.form, view.sys_attrs, view.attrs, view.pick, view.omit, view.lang),
            *(None if view.datasets is None else tuple(view.datasets), one.show_changes, one.shows_deleted),
        )
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = orjson.dumps(entity(one, self._change, self._shown))
        return found


def entity(one: Subscription, change: Change, shown: Shown) -> dict[str, Any]:
    """The entity of a Change as this subscription shows it."""
    view, doc = one.view, shown.doc
    if change.gone:
        gone: Doc = {name: doc[name] for name in ("id", "type") if name in doc}
        told = View(view.context).entity(gone)
        told["deletedAt"] = clock.text(change.at)
        return told
    if one.show_changes or (one.shows_deleted and any("deleted" in s for s in shown.happened.values())):
        doc = _changed(one, change, shown)
    return view.entity(doc, shown.stamps)


def _changed(one: Subscription, change: Change, shown: Shown) -> Doc:
    """The document with what was before beside what is now, and with what went as NGSI-LD null."""
    doc = dict(shown.doc)
    for part in change.parts:
        if part.name not in shown.happened or part.status == "late":
            continue
        new: Instance | None = None
        if part.new is not None:
            new = _instance(doc.get(part.name), part.dataset)
        elif one.shows_deleted:
            new = _null(part.old, change.at)
        if new is None:
            continue
        if one.show_changes and part.old is not None:
            member = VALUE_OF.get(part.old.get("type", "Property"), "value")
            if member in part.old:
                new = {**new, _PREVIOUS[member]: part.old[member]}
        put_instance(doc, part.name, part.dataset, new)
    return doc


def _instance(entry: Any, dataset: str | None) -> Instance | None:
    if entry is None:
        return None
    if dataset is None:
        return default_instance(entry)
    return next((one for one in instances(entry) if one.get("datasetId") == dataset), None)


def _null(old: Instance, at: int) -> Instance:
    """An attribute that went (4.5.0: NGSI-LD null), and when."""
    kind = old.get("type", "Property")
    value: Any = NULL
    if kind == "LanguageProperty":
        value = {"@none": NULL}
    elif kind == "ListRelationship":
        value = [{"object": NULL}]
    elif kind == "ListProperty":
        value = [NULL]
    gone: Instance = {"type": kind, VALUE_OF[kind]: value}
    if "datasetId" in old:
        gone["datasetId"] = old["datasetId"]
    return {**gone, "deletedAt": clock.text(at)}


def ident(key: tuple[str, str], seq: int) -> str:
    """The id of what a subscription is told about the Change at `seq`: the same however often it is sent."""
    digest = hashlib.sha256(f"{key[0]}\0{key[1]}\0{seq}".encode()).hexdigest()
    return f"urn:ngsi-ld:Notification:{digest[:32]}"


def body(one: Subscription, name: str, at: int, entities: list[bytes]) -> bytes:
    """A Notification (5.3.1) as JSON, with entities that are JSON already."""
    head: dict[str, Any] = {
        "id": name,
        "type": "Notification",
        "subscriptionId": one.id,
        "notifiedAt": clock.text(at),
    }
    if one.endpoint.accept == LD_JSON:
        head["@context"] = one.source
    return orjson.dumps(head)[:-1] + b',"data":[' + b",".join(entities) + b"]}"


def headers(one: Subscription) -> dict[str, str]:
    """What goes before it; the receiver's own headers (receiverInfo) win over ours, but for the media type."""
    said = {"Content-Type": one.endpoint.accept}
    if one.endpoint.accept != LD_JSON and isinstance(one.source, str):
        said["Link"] = link(one.source)
    if one.tenant:
        said[TENANT_HEADER] = one.tenant
    own = {name.lower() for name in one.endpoint.headers}
    kept = {name: value for name, value in said.items() if name == "Content-Type" or name.lower() not in own}
    return kept | {name: v for name, v in one.endpoint.headers.items() if name.lower() != "content-type"}
