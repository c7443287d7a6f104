"""What a Write does to a state: one pure function, used by every store, in tests and in rebuilds.

`apply(state, write, at)` answers the new state and the parts that changed, or raises what the caller did wrong. The
clause of CIM 009 that each kind follows stands in `hansa.model.change.Kind`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hansa import clock
from hansa.errors import AlreadyExists, BadRequest, NotFound
from hansa.model.change import LABEL, Part, Status, Write, put_instance
from hansa.model.context import CORE
from hansa.model.entity import MEMBERS, VALUE_OF, Doc, Instance, Stamps, instances, types_of
from hansa.model.wire import NULL, attribute_in, completed
from hansa.model.wire_in import KIND_OF, RESERVED
from hansa.model.wire_values import under


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
    return draft.done(gone=write.kind == "delete")


_NEEDS_ONE: Final = frozenset(
    {"append", "append_new", "update", "patch_attr", "replace_attr", "delete_attr", "delete", "merge", "replace"}
)


class _Draft:
    """A state being changed: copies what it touches and notes every part."""

    __slots__ = ("at", "doc", "label", "parts", "stamps", "state", "write")

    def __init__(self, state: State | None, write: Write, at: int) -> None:
        self.state = state
        self.write = write
        self.at = at
        self.doc: Doc = dict(state.doc) if state is not None and state.doc is not None else {}
        self.stamps = (
            Stamps(state.stamps.created, at, dict(state.stamps.attrs), dict(state.stamps.labels))
            if state is not None and state.doc is not None
            else Stamps(at, at, {}, {})
        )
        self.label = state.label if state is not None and state.doc is not None else None
        self.parts: list[Part] = []

    def done(self, *, new: bool = False, gone: bool = False) -> Merged:
        """Close the draft: labels, and whether anything happened at all."""
        write = self.write
        if write.label is not None:
            self.label = write.label
        if write.labels:
            self.stamps.labels.update(write.labels)
        if not gone and (write.label is not None or write.labels):
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
        old = _find(self.doc.get(name), dataset)
        if not say_again and _same(old, instance):
            return
        put_instance(self.doc, name, dataset, instance)
        self.stamp(name, dataset, created=old is None)
        self.parts.append(Part(name, dataset, "created" if old is None else "updated", old, instance))

    def take(self, name: str, dataset: str | None) -> bool:
        """Remove one instance; whether it was there."""
        old = _find(self.doc.get(name), dataset)
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
        for name in ("scope", "expiresAt"):
            if name in doc and (name != "scope" or scope == "replace"):
                self.member(name, None if doc[name] == NULL else doc[name])
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
            if name in doc and doc[name] != NULL:
                self.member(name, doc[name])
        for name, instance in self.said():
            if not _is_null(instance):
                self.put(name, instance)

    def append(self, *, overwrite: bool = True) -> None:
        self.members(scope="replace" if overwrite else "add")
        for name, instance in self.said():
            if overwrite or _find(self.doc.get(name), instance.get("datasetId")) is None:
                self.put(name, instance)

    def update(self) -> None:
        """Whole attributes, those that are not there too (5.5.8); scope only where there is one."""
        self.members(scope="replace" if "scope" in self.doc else "leave")
        for name, instance in self.said():
            if _is_null(instance):
                self.take(name, instance.get("datasetId"))
            else:
                self.put(name, instance)

    def patch_attr(self) -> None:
        for name, fragment in self.said():
            dataset = fragment.get("datasetId")
            old = _find(self.doc.get(name), dataset)
            if old is None:
                raise NotFound(f"{self.write.id} has no attribute {name}", where=name)
            if _is_null(fragment):
                self.take(name, dataset)
                continue
            said = _fitted(old, fragment, None)
            kind = _kind_of(said)
            if kind is not None and kind != old["type"]:
                raise BadRequest(f"{name} is a {old['type']}, not a {kind}", where=f"{name}.type")
            self.put(name, _sound(name, _patched(old, said, deep=False), said is not fragment))

    def replace_attr(self) -> None:
        for name, instance in self.said():
            if _find(self.doc.get(name), instance.get("datasetId")) is None:
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
        for name in [n for n in self.doc if n not in MEMBERS]:
            for one in instances(self.doc[name]):
                self.parts.append(Part(name, one.get("datasetId"), "deleted", one, None))
        for name in ("expiresAt", "scope", "type"):
            if name in self.doc:
                self.parts.append(Part(name, None, "deleted", self.doc[name], None))

    def merge(self) -> None:
        self.members()
        for name, said in self.said():
            dataset = said.get("datasetId")
            old = _find(self.doc.get(name), dataset)
            if _is_null(said):
                self.take(name, dataset)
                continue
            fragment = said if old is None else _fitted(old, said, self.write.lang)
            if old is None or _kind_of(fragment) not in {None, old["type"]}:  # new, or of another kind
                self.put(name, completed(fragment))
                continue
            instance = _sound(name, _patched(old, fragment, deep=True), fragment is not said or _nested(said))
            if self.write.observed is not None and "observedAt" not in said and "observedAt" in old:
                instance = {**instance, "observedAt": clock.text(self.write.observed)}
            self.put(name, instance)

    def replace(self) -> None:
        doc = self.write.doc
        said = {(name, one.get("datasetId")): one for name, one in self.said() if not _is_null(one)}
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
            old = _find(self.doc.get(name), instance.get("datasetId"))
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
    "merge": _Draft.merge,
    "replace": _Draft.replace,
    "upsert": _Draft.replace,
    "upsert_update": _Draft.append,
    "read": _Draft.read,
    "say": _Draft.say,
}


def _find(entry: Any, dataset: str | None) -> Instance | None:
    if entry is None:
        return None
    if type(entry) is not list:
        return entry if entry.get("datasetId") == dataset else None
    for one in entry:
        if one.get("datasetId") == dataset:
            return one  # type: ignore[no-any-return]
    return None


def _labelled(state: State | None) -> dict[str, Any] | None:
    """The labels of a state as a part says them; None when there are none."""
    if state is None or (state.label is None and not state.stamps.labels):
        return None
    return {"label": state.label, "labels": dict(state.stamps.labels)}


def _same(old: Instance | None, new: Instance) -> bool:
    """Equal, and `true` is not 1."""
    return old == new and old is not None and (type(old.get("value")) is bool) == (type(new.get("value")) is bool)


def _is_null(instance: Instance) -> bool:
    # One look over what is there settles almost every case; which member it was is asked only then.
    return NULL in instance.values() and any(instance.get(member) == NULL for member in _VALUES)


_VALUES: Final = frozenset(VALUE_OF.values())


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else [value]


def _kind_of(fragment: Instance) -> str | None:
    """The kind that a fragment says or implies; None when it says nothing of it."""
    kind: str | None = fragment.get("type")
    if kind is not None:
        return kind
    return next((KIND_OF[member] for member in fragment if member in KIND_OF), None)


def _fitted(old: Instance, fragment: Instance, lang: str | None) -> Instance:
    """A fragment that says no type, in the words of the kind that is there (simplified input says `value`)."""
    kind = old["type"]
    if "value" not in fragment or "type" in fragment or kind == "Property":
        return fragment
    value: Any = fragment["value"]
    if kind == "LanguageProperty" and type(value) is not dict:
        value = {lang or "@none": value}
    elif kind == "ListRelationship" and type(value) is list:
        value = [{"object": one} for one in value]
    return {"type": kind, VALUE_OF[kind]: value, **{m: v for m, v in fragment.items() if m != "value"}}


def _nested(fragment: Instance) -> bool:
    return any(member not in RESERVED for member in fragment)


def _sound(name: str, instance: Instance, understood: bool) -> Instance:
    """The instance, read once more where laying two over each other can have made nonsense. Raises BadRequest."""
    if understood or instance["type"] == "GeoProperty":
        try:
            attribute_in(instance, CORE, name, mode="whole")
        except BadRequest as fault:
            raise under(name, fault) from None
    return instance


def _patched(old: Instance, fragment: Instance, *, deep: bool) -> Instance:
    """An instance with a fragment laid over it: members replaced (5.5.8), or merged down into values (5.5.12)."""
    out = dict(old)
    for member, value in fragment.items():
        if value == NULL:
            out.pop(member, None)
        elif member in RESERVED:
            out[member] = _merge_patch(old.get(member), value) if deep else value
        elif deep and type(value) is dict and type(old.get(member)) is dict:
            said = _fitted(old[member], value, None)
            same = _kind_of(said) in {None, old[member]["type"]}
            out[member] = _patched(old[member], said, deep=True) if same else completed(said)
        else:
            out[member] = completed(value)
    return out


def _merge_patch(old: Any, new: Any) -> Any:
    """RFC 7396 with NGSI-LD's null. A value that is an object merges too (5.5.12)."""
    if not isinstance(new, dict) or not isinstance(old, dict):
        return new
    out = dict(old)
    for key, value in new.items():
        if value == NULL or value is None:
            out.pop(key, None)
        else:
            out[key] = _merge_patch(old.get(key), value)
    return out
