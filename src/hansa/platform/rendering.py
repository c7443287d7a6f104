"""The entity of a notification: as it is, as it changed, or as it went (CIM 009 v1.9.1, clauses 5.8.6 and 4.5.0).

What went is shown as NGSI-LD null, and with as little as there is to say of it: its datasetId, its system attributes
and what it was only where the subscription asks for these.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import orjson
import structlog

from hansa import clock
from hansa.errors import TooManyResults
from hansa.model.change import Change, Part, put_instance
from hansa.model.entity import VALUE_OF, Doc, Entity, Instance, default_instance, instances
from hansa.model.older import Version, older
from hansa.model.wire import NULL
from hansa.model.wire_geo import feature
from hansa.platform.interest import Shown
from hansa.platform.joined import Fetch, Met, joined
from hansa.platform.subscription import GEO_JSON, LD_JSON, Subscription

_LOST: Final = {"value": NULL}
"""An attribute that went, of which there is nothing else to say: concisely, the null alone, whatever it was (5.5.4)."""
LINKED: Final = 1_000  # entities that join one: a notification is a message, not an export

log = structlog.get_logger("hansa.subscriptions")

_PREVIOUS: Final = {member: f"previous{member[0].upper()}{member[1:]}" for member in VALUE_OF.values()}


def changed(one: Subscription, change: Change, shown: Shown, fetch: Fetch) -> bytes:
    """The entity of a Change as this subscription shows it; see `pictured`."""
    if change.gone:
        return orjson.dumps(_dressed(one, _gone(one, change, shown), shown.doc))
    doc = shown.doc
    if one.show_changes or (one.shows_deleted and any("deleted" in s for s in shown.happened.values())):
        doc = _changed(one, change, shown)
    return pictured(one, Entity(doc, shown.stamps), fetch)


def pictured(one: Subscription, entity: Entity, fetch: Fetch) -> bytes:
    """An entity in a subscription's view, as it stands in `data`: JSON; with the linked ones that belong beside it.

    `fetch` gives what relationships point at. Nothing, when the view leaves nothing of it.
    """
    view, doc = one.view, entity.doc
    if one.join is None and one.version is None:
        shown = view.entity(doc, entity.stamps)
        return orjson.dumps(_dressed(one, shown, doc)) if shown else b""
    met = [Met(entity, view)]
    if one.join is not None:
        try:
            met = joined([entity], view, one.join, fetch, LINKED)
        except TooManyResults:
            # It would be a notification that no receiver takes: the entity itself is what he must not miss.
            log.warning("more linked entities than a notification tells", id=one.id, tenant=one.tenant)
    told: list[bytes] = []
    for other in met:
        was = other.entity.doc
        if one.version is not None:
            _amend(other, one.version)
        if shown := other.shown():
            told.append(orjson.dumps(_dressed(one, shown, was)))
    return b",".join(told)


def _dressed(one: Subscription, shown: dict[str, Any], doc: Doc) -> dict[str, Any]:
    """JSON-LD brings its @context along, GeoJSON is a Feature (6.3.8, 4.5.16)."""
    if one.shows_deleted and one.view.form == "concise":
        shown = {name: NULL if value == _LOST else value for name, value in shown.items()}
    if one.endpoint.accept == LD_JSON:
        return {**shown, "@context": one.view.context.member}
    return feature(shown, doc, one.view) if one.endpoint.accept == GEO_JSON else shown


def _amend(met: Met, version: Version) -> None:
    """As a version of the standard knew it (4.3.6.8), with what is below it."""
    entity = met.entity
    doc = older(entity.doc, version, met.view.context.compact)
    met.entity = Entity(doc, entity.stamps, entity.realm, entity.label)
    for others in met.below.values():
        for other in others.values():
            _amend(other, version)


def _gone(one: Subscription, change: Change, shown: Shown) -> dict[str, Any]:
    """An entity that went: when, and of its attributes those that somebody waits for, or what all of them were."""
    if "entityDeleted" in one.triggers:
        names: Collection[str] = shown.happened if one.show_changes else ()
    else:
        names = [name for name in shown.happened if one.watched is None or name in one.watched]
    doc: Doc = {name: shown.doc[name] for name in ("id", "type") if name in shown.doc}
    for name in names:
        doc[name] = _lost(one, [part for part in change.parts if part.name == name], change.at)
    told = one.view.entity(doc, shown.stamps)
    compact = one.view.context.compact
    kind = doc["type"]
    told = {"id": doc["id"], "type": list(map(compact, kind)) if type(kind) is list else compact(kind), **told}
    told["deletedAt"] = clock.text(change.at)
    return told


def _changed(one: Subscription, change: Change, shown: Shown) -> Doc:
    """The document with what was before beside what is now, and with what went as NGSI-LD null."""
    doc = dict(shown.doc)
    lost: dict[str, list[Part]] = {}
    for part in change.parts:
        if part.name not in shown.happened or part.status == "late":
            continue
        new: Instance | None = None
        if part.new is not None:
            new = _instance(doc.get(part.name), part.dataset)
        elif one.shows_deleted and part.name in shown.doc:
            new = _null(one, part.old, change.at)
        elif one.shows_deleted:
            lost.setdefault(part.name, []).append(part)
        if new is None:
            continue
        if one.show_changes and part.new is not None and part.old is not None:
            new = {**new, **_previous(part.old)}
        put_instance(doc, part.name, part.dataset, new)
    for name, parts in lost.items():
        doc[name] = _lost(one, parts, change.at)
    return doc


def _instance(entry: Any, dataset: str | None) -> Instance | None:
    if entry is None:
        return None
    if dataset is None:
        return default_instance(entry)
    return next((one for one in instances(entry) if one.get("datasetId") == dataset), None)


def _previous(old: Instance) -> Instance:
    """What it was (5.2.14.1: previousValue and its like)."""
    member = VALUE_OF.get(old.get("type", "Property"), "value")
    return {_PREVIOUS[member]: old[member]} if member in old else {}


def _lost(one: Subscription, parts: Sequence[Part], at: int) -> Instance | list[Instance]:
    """An attribute that went with all its instances: one null, unless there is something to say of each."""
    view = one.view
    if not (one.show_changes or view.sys_attrs or view.datasets is not None):
        first = next((part.old for part in parts if part.dataset is None), parts[0].old)
        null = _null(one, first, at)
        null.pop("datasetId", None)
        if view.form == "concise":
            return {"type": "Property", **_LOST}
        return null
    nulls = [_null(one, part.old, at) for part in parts]
    return nulls[0] if len(nulls) == 1 else nulls


def _null(one: Subscription, old: Instance, at: int) -> Instance:
    """One instance that went (4.5.0: NGSI-LD null)."""
    kind = old.get("type", "Property")
    value: Any = NULL
    if one.view.form == "simplified":
        kind = "Property"
    elif kind == "LanguageProperty":
        value = {"@none": NULL}
    elif kind in {"ListProperty", "ListRelationship"}:
        value = [NULL]  # 4.5.21.2, 4.5.22.2: the null in place of an item, not inside one
    gone: Instance = {"type": kind, VALUE_OF[kind]: value}
    if "datasetId" in old:
        gone["datasetId"] = old["datasetId"]
    if one.show_changes:
        gone |= _previous(old)
    if one.view.sys_attrs:
        gone["deletedAt"] = clock.text(at)
    return gone
