"""What a Write does to a state: one pure function, used by every store, in tests and in rebuilds.

`apply(state, write, at)` answers the new state and the parts that changed, or raises what the caller did wrong. The
clause of CIM 009 that each kind follows stands in `hansa.model.change.Kind`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hansa import clock
from hansa.errors import AlreadyExists, BadRequest, NotFound
from hansa.model.change import LABEL, SCOPES, Part, Status, Write, put_instance
from hansa.model.entity import MEMBERS, Doc, Instance, Stamps, instances, types_of
from hansa.model.transient import alive
from hansa.model.wire import NULL
from hansa.model.wire_values import under
from hansa.platform.patch import find, is_null, merged, updated


@dataclass(slots=True)
class State:
    """What a store keeps of one entity: the document (None: not there) and what stands beside it."""

    doc: Doc | None
    stamps: Stamps
    label: str | None = None


@dataclass(slots=True)
class Merged:
    """The state after a Write, and what changed. No parts: nothing happened."""

    state: State
    parts: list[Part]
    new: bool = False
    gone: bool = False


def apply(state: State | None, write: Write, at: int) -> Merged:
    """The state after `write` at `at` (microseconds). The state before is not touched.

    Raises NotFound, AlreadyExists or BadRequest; tests: tests/platform/test_merge.py.
    """
    there = state is not None and state.doc is not None
    draft = _Draft(state, write, at)
    if not there:
        if write.kind in _NEEDS_ONE:
            raise NotFound(f"there is no entity {write.id}", where=write.id)
        draft.create()
        return draft.done(new=True)
    if write.kind == "create":
        raise AlreadyExists(f"the entity {write.id} is there already", where=write.id)
    _DO[write.kind](draft)
    return draft.done()


_NEEDS_ONE: Final = frozenset(
    {
        "append",
        "append_new",
        "update",
        "patch_attr",
        "replace_attr",
        "delete_attr",
        "delete",
        "merge",
        "replace",
        "expire",
    }
)


class _Draft:
    """A state being changed: copies what it touches and notes every part."""

    __slots__ = ("at", "doc", "gone", "label", "parts", "stamps", "state", "write")

    def __init__(self, state: State | None, write: Write, at: int) -> None:
        self.state = state
        self.write = write
        self.at = at
        self.doc: Doc = dict(state.doc) if state is not None and state.doc is not None else {}
        self.stamps = (
            Stamps(state.stamps.created, at, dict(state.stamps.attrs), dict(state.stamps.labels))
            if state is not None and state.doc is not None
            # Of what is gone the labels stay, for its past does too.
            else Stamps(at, at, {}, {} if state is None else dict(state.stamps.labels))
        )
        self.label = None if state is None else state.label
        self.parts: list[Part] = []
        self.gone = False

    def done(self, *, new: bool = False) -> Merged:
        """Close the draft: labels, and whether anything happened at all."""
        write, gone = self.write, self.gone
        if write.label is not None and (new or write.kind != "read"):  # a reading does not undo a relabelling
            self.label = write.label
        if write.labels:
            self.stamps.labels.update(write.labels)
        kept = new and (self.label is not None or bool(self.stamps.labels))  # of an earlier life
        if not gone and (write.label is not None or write.labels or kept):
            self._relabelled(new=new)
        if not self.parts and not new and not gone and self.state is not None:
            return Merged(self.state, [])
        if not new and not gone and self.state is not None and all(p.status == "late" for p in self.parts):
            return Merged(self.state, self.parts)
        if gone:
            return Merged(State(None, self.stamps, self.label), self.parts, gone=True)
        return Merged(State(self.doc, self.stamps, self.label), self.parts, new=new)

    def _relabelled(self, *, new: bool) -> None:
        """Labels are part of what happened: the log alone must give them back."""
        was = _labelled(None if new or self.state is None else self.state)
        now = _labelled(State(self.doc, self.stamps, self.label))
        if was != now:
            self.parts.append(Part(LABEL, None, "updated", was, now))

    # The single steps

    def put(self, name: str, instance: Instance, *, say_again: bool = True) -> None:
        """Set one instance; with `say_again` False, saying the same again is no part."""
        dataset = instance.get("datasetId")
        old = find(self.doc.get(name), dataset)
        if not say_again and _same(old, instance):
            return
        put_instance(self.doc, name, dataset, instance)
        self.stamp(name, dataset, created=old is None)
        self.parts.append(Part(name, dataset, "created" if old is None else "updated", old, instance))

    def take(self, name: str, dataset: str | None) -> bool:
        """Remove one instance; whether it was there."""
        old = find(self.doc.get(name), dataset)
        if old is None:
            return False
        put_instance(self.doc, name, dataset, None)
        datasets = dict(self.stamps.attrs.get(name, {}))
        datasets.pop(dataset or "", None)
        if datasets:
            self.stamps.attrs[name] = datasets
        else:
            self.stamps.attrs.pop(name, None)
        self.parts.append(Part(name, dataset, "deleted", old, None))
        return True

    def stamp(self, name: str, dataset: str | None, *, created: bool) -> None:
        """Note when an instance was created and modified."""
        before = self.stamps.attrs.get(name)
        datasets = dict(before) if before else {}
        was = datasets.get(dataset or "")
        datasets[dataset or ""] = [self.at if created or was is None else was[0], self.at]
        self.stamps.attrs[name] = datasets

    def member(self, name: str, value: Any) -> None:
        """Set `type`, `scope` or `expiresAt`; None removes."""
        old = self.doc.get(name)
        if old == value:
            return
        put_instance(self.doc, name, None, value)
        status: Status = "created" if old is None else "deleted" if value is None else "updated"
        self.parts.append(Part(name, None, status, old, value))

    def members(self, scope: str = "replace") -> None:
        """Types may be added, never taken away (5.6.2); scopes are replaced, added to, or left alone."""
        doc = self.write.doc
        if "type" in doc:
            said = doc["type"] if isinstance(doc["type"], list) else [doc["type"]]
            have = self.doc["type"] if isinstance(self.doc["type"], list) else [self.doc["type"]]
            more = [t for t in said if t not in have]
            if more:
                self.member("type", [*have, *more])
        if "scope" in doc and scope == "replace":
            self.member("scope", None if doc["scope"] == NULL else doc["scope"])
        if "expiresAt" in doc and (scope != "add" or "expiresAt" not in self.doc):
            self.member("expiresAt", None if doc["expiresAt"] == NULL else doc["expiresAt"])
        if scope == "add" and "scope" in doc:
            have, said = _list(self.doc.get("scope", [])), _list(doc["scope"])
            every = [*have, *(one for one in said if one not in have)]
            self.member("scope", every[0] if len(every) == 1 else every)

    # The verbs

    def create(self) -> None:
        """A new entity: everything said is a part, even when it is almost nothing."""
        doc = self.write.doc
        if "type" not in doc:
            raise BadRequest(f"a new entity needs a type: {self.write.id}", where="type")
        self.doc = {"id": self.write.id}
        self.parts.append(Part("type", None, "created", None, doc["type"]))
        self.doc["type"] = doc["type"]
        for name in ("scope", "expiresAt"):
            if name in doc:
                if doc[name] == NULL:
                    raise _nothing_there(name)
                self.member(name, doc[name])
        if self.write.kind == "instances":
            self.series()
            return
        for name, instance in self.said():
            if is_null(instance):
                raise _nothing_there(name)
            self.put(name, instance)

    def append(self, *, overwrite: bool = True) -> None:
        self.members(scope="replace" if overwrite else "add")
        for name, instance in self.said():
            if overwrite or find(self.doc.get(name), instance.get("datasetId")) is None:
                self.put(name, instance)

    def update(self) -> None:
        """Whole attributes, those that are not there too (5.5.8); scope only where there is one."""
        self.members(scope="replace" if "scope" in self.doc else "leave")
        for name, instance in self.said():
            if is_null(instance):
                self.take(name, instance.get("datasetId"))
            else:
                self.put(name, instance)

    def patch_attr(self) -> None:
        for name, fragment in self.said():
            dataset = fragment.get("datasetId")
            old = find(self.doc.get(name), dataset)
            if old is None:
                raise NotFound(f"{self.write.id} has no attribute {name}", where=name)
            if is_null(fragment):
                self.take(name, dataset)
                continue
            try:
                instance = updated(old, fragment)
            except BadRequest as fault:
                raise under(name, fault) from None
            self.put(name, instance)

    def replace_attr(self) -> None:
        for name, instance in self.said():
            if find(self.doc.get(name), instance.get("datasetId")) is None:
                raise NotFound(f"{self.write.id} has no attribute {name}", where=name)
            self.put(name, instance)

    def delete_attr(self) -> None:
        name = self.write.name or ""
        if name == "scope" and "scope" in self.doc:
            self.member("scope", None)
            return
        if self.write.dataset == "@all":
            gone = [self.take(name, one.get("datasetId")) for one in instances(self.doc.get(name, []))]
        else:
            gone = [self.take(name, self.write.dataset)]
        if not any(gone):
            raise NotFound(f"{self.write.id} has no attribute {name}", where=name)

    def delete(self) -> None:
        self.gone = True
        for name in [n for n in self.doc if n not in MEMBERS]:
            for one in instances(self.doc[name]):
                self.parts.append(Part(name, one.get("datasetId"), "deleted", one, None))
        for name in ("expiresAt", "scope", "type"):
            if name in self.doc:
                self.parts.append(Part(name, None, "deleted", self.doc[name], None))

    def expire(self) -> None:
        """What has expired goes: the entity, or some of its attributes, or of theirs."""
        left = alive(self.doc, self.at)
        if left is None:
            self.delete()
            return
        for name in [n for n in self.doc if n not in MEMBERS]:
            for one in instances(self.doc[name]):
                kept = find(left.get(name), one.get("datasetId"))
                if kept is None:
                    self.take(name, one.get("datasetId"))
                elif kept is not one:
                    self.put(name, kept)

    def merge(self) -> None:
        self.members()
        for name, said in self.said():
            dataset = said.get("datasetId")
            old = find(self.doc.get(name), dataset)
            if is_null(said):
                self.take(name, dataset)
                continue
            try:
                instance = merged(old, said, lang=self.write.lang, same_kind=self.write.same_kind)
            except BadRequest as fault:
                raise under(name, fault) from None
            if old is None or instance["type"] != old["type"]:
                self.put(name, instance)
                continue
            if self.write.observed is not None and "observedAt" not in said and "observedAt" in old:
                instance = {**instance, "observedAt": clock.text(self.write.observed)}
            self.put(name, instance)

    def replace(self) -> None:
        doc = self.write.doc
        said = {(name, one.get("datasetId")): one for name, one in self.said() if not is_null(one)}
        for name in [n for n in self.doc if n not in MEMBERS]:
            for one in instances(self.doc[name]):
                if (name, one.get("datasetId")) not in said:
                    self.take(name, one.get("datasetId"))
        for member in ("type", "scope", "expiresAt"):
            if member != "type" or "type" in doc:
                self.member(member, doc.get(member))
        for (name, _), instance in said.items():
            self.put(name, instance)

    def read(self) -> None:
        """A device's reading: newer moves the state, older goes to history, the same is nothing."""
        kind = self.write.doc.get("type", self.doc["type"])
        if kind != self.doc["type"] and kind not in types_of(self.doc):
            raise BadRequest(f"{self.write.id} is a {self.doc['type']}, not a {kind}", where="type")
        for name, instance in self.said():
            old = find(self.doc.get(name), instance.get("datasetId"))
            observed = instance.get("observedAt")
            if old is not None and observed is not None and (was := old.get("observedAt")) is not None:
                if observed == was or clock.parse(observed) == clock.parse(was):
                    if _same(old, instance):
                        continue
                elif clock.parse(observed) < clock.parse(was):
                    self.parts.append(Part(name, instance.get("datasetId"), "late", None, instance))
                    continue
            self.put(name, instance, say_again=observed is not None)

    def say(self) -> None:
        """An app's words: equal to the state is no Change."""
        doc = self.write.doc
        if "type" in doc:
            self.members()
        for name, instance in self.said():
            self.put(name, instance, say_again=False)

    def instances(self) -> None:
        """Instances of all times (5.6.11, 5.6.12): types are added, the newest scope is the entity's."""
        self.members()
        self.series()

    def series(self) -> None:
        """Of every series the newest instance moves the state, unless that is newer; all others are history's."""
        for name, entry in self.write.doc.items():
            if name in MEMBERS:
                continue
            if name == SCOPES:
                self.parts.extend(Part("scope", None, "late", None, one) for one in entry)
                continue
            by_dataset: dict[str | None, list[Instance]] = {}
            for one in entry:
                by_dataset.setdefault(one.get("datasetId"), []).append(one)
            for dataset, some in by_dataset.items():
                some.sort(key=_observed)
                self._newest(name, dataset, some[-1])
                self.parts.extend(Part(name, dataset, "late", None, one) for one in some[:-1])

    def _newest(self, name: str, dataset: str | None, newest: Instance) -> None:
        old = find(self.doc.get(name), dataset)
        older = old is not None and "observedAt" in old and _observed(newest) < _observed(old)
        gone = is_null(newest)
        if gone and not older:
            self.take(name, dataset)
        # What the state says already is a matter of history, which may have lost it (5.6.16).
        if gone or older or ("observedAt" in newest and _same(old, newest)):
            self.parts.append(Part(name, dataset, "late", None, newest))
        else:
            self.put(name, newest)

    def said(self) -> list[tuple[str, Instance]]:
        """Every instance that the Write names."""
        out: list[tuple[str, Instance]] = []
        for name, entry in self.write.doc.items():
            if name not in MEMBERS:
                if type(entry) is list:
                    out.extend((name, one) for one in entry)
                else:
                    out.append((name, {"value": NULL} if entry == NULL else entry))
        return out


_DO: Final[dict[str, Callable[[_Draft], None]]] = {
    "append": _Draft.append,
    "append_new": lambda d: d.append(overwrite=False),
    "update": _Draft.update,
    "patch_attr": _Draft.patch_attr,
    "replace_attr": _Draft.replace_attr,
    "delete_attr": _Draft.delete_attr,
    "delete": _Draft.delete,
    "expire": _Draft.expire,
    "merge": _Draft.merge,
    "replace": _Draft.replace,
    "upsert": _Draft.replace,
    "upsert_update": _Draft.update,
    "read": _Draft.read,
    "say": _Draft.say,
    "instances": _Draft.instances,
}


def corrected(state: State, write: Write, old: Instance, new: Instance, at: int) -> Merged:
    """The state after what it showed last, `old`, was corrected in history (5.6.14): it shows `new`."""
    draft = _Draft(state, write, at)
    name = write.name or ""
    if is_null(new) or old.get("datasetId") != new.get("datasetId"):
        draft.take(name, old.get("datasetId"))
    if not is_null(new):
        draft.put(name, new)
    return draft.done()


def _observed(instance: Instance) -> float:
    """When an instance was observed; one that does not say so is of now, later than all others."""
    return clock.parse(instance["observedAt"]) if "observedAt" in instance else math.inf


def _nothing_there(name: str) -> BadRequest:
    return BadRequest("there is nothing to take away from an entity that is new (5.5.4)", where=name)


def _labelled(state: State | None) -> dict[str, Any] | None:
    """The labels of a state as a part says them; None when there are none."""
    if state is None or (state.label is None and not state.stamps.labels):
        return None
    return {"label": state.label, "labels": dict(state.stamps.labels)}


def _same(old: Instance | None, new: Instance) -> bool:
    """Equal, and `true` is not 1."""
    return old == new and old is not None and (type(old.get("value")) is bool) == (type(new.get("value")) is bool)


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else [value]
