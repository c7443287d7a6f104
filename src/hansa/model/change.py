"""Write and Change: what somebody wants to be true, and what then happened.

Everything that happens is one Change; a Write is the only way to bring one about. Map, alarm desk, history and
rewind are views of the log of Changes.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from hansa.errors import HansaError
from hansa.model.entity import Doc, Entity

Kind = Literal[
    "create",  # 5.6.1: refuse if it is there
    "append",  # 5.6.3: add attributes, overwriting
    "append_new",  # 5.6.3 with noOverwrite
    "update",  # 5.6.2: only attributes that are there
    "patch_attr",  # 5.6.4: change members of one attribute
    "replace_attr",  # 5.6.19
    "delete_attr",  # 5.6.5
    "delete",  # 5.6.6
    "merge",  # 5.6.17: JSON merge patch, null deletes
    "replace",  # 5.6.18
    "upsert",  # 5.6.8, options=replace
    "upsert_update",  # 5.6.8, options=update
    "expire",  # 4.22: take out what is to be kept no longer
    "read",  # a device says what it measured: late goes to history, duplicates are nothing
    "say",  # an app says what is so: equal to the state is no Change
    "instances",  # 5.6.11, 5.6.12: what was so, each at its time; the newest is the state
    "correct",  # 5.6.14: another instance in the place of one of history
    "retract",  # 5.6.15: one instance of history goes
    "forget",  # 5.6.16, and with a name 5.6.13: history goes, the state stays
]

KINDS: Final[frozenset[str]] = frozenset(Kind.__args__)  # type: ignore[attr-defined]

EDITS: Final[frozenset[str]] = frozenset({"correct", "retract", "forget"})
"""Kinds that change what history says; the store decides them, for only it knows history."""

SCOPES: Final = "@scope"
"""In the doc of `instances`: the scope through time, a list of instances (4.5.6). No attribute can bear that name."""


@dataclass(slots=True)  # not frozen: that alone would cost a reading a microsecond
class Write:
    """One thing somebody wants to be true. Never changed once it is made.

    `doc` holds names as the store does (see `entity`); for the attr kinds it is `{"id":, name: instance}`.
    `name` and `dataset` narrow the attr kinds and `forget`; `instance` is the instanceId that an edit is about. In
    `instances` an attribute is a list: instances of all times, each observedAt and datasetId once. `label` and `labels`
    (by attribute) classify what is written; None leaves what is there, or the realm's default.
    """

    kind: Kind
    id: str
    doc: Doc = field(default_factory=dict)
    name: str | None = None
    dataset: str | None = None  # "@all": every instance
    observed: int | None = None  # for merge: observedAt of what changes
    lang: str | None = None  # for merge: the language a plain string is in
    label: str | None = None
    labels: dict[str, str] | None = None
    tenant: str = ""
    instance: str | None = None
    same_kind: bool = False  # for merge: an attribute that is there stays of its kind (6.5.3.4, simplified)


Status = Literal["created", "updated", "deleted", "late"]


LABEL: Final = "@label"
"""The part that says how an entity and its attributes are labelled; no attribute can bear that name."""


class Part(NamedTuple):
    """What happened to one instance of one attribute (or to the member `type`, `scope` or `expiresAt`).

    `late` is about history alone, the state stays: an instance that came late (new), was corrected (old and new) or was
    taken back (old); neither means that the whole series was.
    """

    name: str
    dataset: str | None
    status: Status
    old: Any  # the instance before, None when there was none
    new: Any  # the instance after, None when it is gone


@dataclass(slots=True)  # not frozen, as Write
class Change:
    """One thing that happened; never changed once it is made.

    `seq` is its place in the log and transaction time `at` (microseconds).
    """

    seq: int
    entity: Entity  # as of `seq`; of a deleted entity, what it was
    gone: bool
    parts: tuple[Part, ...]
    actor: str
    cause: str | None
    depth: int
    at: int
    tenant: str = ""
    new: bool = False  # the entity was created

    @property
    def before(self) -> Entity | None:
        """The entity as it was, or None when it did not exist."""
        if self.new:
            return None
        if self.gone:
            return self.entity
        doc = dict(self.entity.doc)
        for part in self.parts:
            if part.status != "late":
                put_instance(doc, part.name, part.dataset, part.old)
        return Entity(doc, None, self.entity.realm, self.entity.label)

    def said(self, name: str) -> Any:
        """The new instance of `name` in this Change (default instance first), or None."""
        found = None
        for part in self.parts:
            if part.name == name and part.new is not None:
                if part.dataset is None:
                    return part.new
                found = found or part.new
        return found

    @property
    def names(self) -> frozenset[str]:
        """The names that changed."""
        return frozenset(p.name for p in self.parts)


@dataclass(frozen=True, slots=True)
class Refused:
    """A Write that did not happen, and the error that says why. Its neighbours are not touched."""

    write: Write
    error: HansaError


@dataclass(frozen=True, slots=True)
class Nothing:
    """A Write that said what was so already (a duplicate reading, an app's repetition)."""

    write: Write


@dataclass(frozen=True, slots=True)
class Delete:
    """What a rule returns to take an entity, or one of its attributes, away."""

    id: str
    name: str | None = None


def put_instance(doc: Doc, name: str, dataset: str | None, new: Any) -> None:
    """Set or remove one instance in a document's top level (which must be the caller's own copy)."""
    if name in _WHOLE:
        if new is None:
            doc.pop(name, None)
        else:
            doc[name] = new
        return
    entry = doc.get(name)
    if entry is None or (type(entry) is not list and entry.get("datasetId") == dataset):
        if new is None:
            doc.pop(name, None)
        else:
            doc[name] = new
        return
    others: list[Any] = []
    for one in entry if type(entry) is list else [entry]:
        if one.get("datasetId") != dataset:
            others.append(one)
        elif new is not None:  # in its old place, so that saying it again gives the same document
            others.append(new)
            new = None
    if new is not None:
        others.append(new)
    if not others:
        doc.pop(name, None)
    else:
        doc[name] = others[0] if len(others) == 1 else others


_WHOLE = frozenset({"type", "scope", "expiresAt"})
