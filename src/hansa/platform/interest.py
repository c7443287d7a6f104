"""Who wants to hear of a Change: an index of subscriptions, and the last word on each candidate.

The index goes by tenant, then by entity id or type (or any), then by watched attribute, then by a term of the condition
(`shelf`), so a Change looks only at subscriptions that could want it; thousands that want something else cost nothing.
Candidates that ask the same condition (`q`, `geoQ`, `scopeQ`) of the same sight share its answer.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakValueDictionary

from hansa.model.change import LABEL, Change
from hansa.model.entity import MEMBERS, Doc, Entity, Stamps, types_of
from hansa.model.query import Linked
from hansa.platform.condition import Condition
from hansa.platform.shelf import Shelf
from hansa.platform.subscription import Subscription
from hansa.trust.labels import AUDITED, Sight, unlabelled


@dataclass(slots=True)
class _Shelves:
    """Subscriptions by the attribute that they watch; `every` watch all."""

    every: Shelf = field(default_factory=Shelf)
    by_name: dict[str, Shelf] = field(default_factory=dict)

    def of(self, names: Iterable[str], doc: Doc) -> Iterator[Subscription]:
        if self.every:
            yield from self.every.of(doc)
        if self.by_name:
            for name in names:
                if (shelf := self.by_name.get(name)) is not None:
                    yield from shelf.of(doc)


Key = tuple[str, str, str]


class Interests:
    """Subscriptions, found by what a Change says."""

    def __init__(self) -> None:
        """Nobody wants anything yet."""
        self._shelves: dict[Key, _Shelves] = {}
        self._tenants: dict[str, int] = {}
        self._ends: dict[str, Counter[tuple[str, int]]] = {}  # of patterns: head or tail, how long, how many
        self._conditions: WeakValueDictionary[Any, Condition] = WeakValueDictionary()

    def add(self, one: Subscription) -> None:
        """Index a subscription; one that asks the same condition as another takes over that one's."""
        if one.condition is not None:
            one.condition = self._conditions.setdefault(one.condition.key, one.condition)
        self._tenants[one.tenant] = self._tenants.get(one.tenant, 0) + 1
        for key in _keys(one):
            if key[1] in _ENDS:
                self._ends.setdefault(one.tenant, Counter())[key[1], len(key[2])] += 1
            shelves = self._shelves.setdefault(key, _Shelves())
            if one.watched is None:
                shelves.every.add(one)
            else:
                for name in one.watched:
                    shelves.by_name.setdefault(name, Shelf()).add(one)

    def remove(self, one: Subscription) -> None:
        """Take it out again."""
        self._tenants[one.tenant] -= 1
        if not self._tenants[one.tenant]:
            del self._tenants[one.tenant]
        for key in _keys(one):
            if key[1] in _ENDS:
                ends = self._ends[one.tenant]
                ends[key[1], len(key[2])] -= 1
                if not ends[key[1], len(key[2])]:
                    del ends[key[1], len(key[2])]
            shelves = self._shelves[key]
            if one.watched is None:
                shelves.every.remove(one)
            else:
                for name in one.watched:
                    shelves.by_name[name].remove(one)
                    if not shelves.by_name[name]:
                        del shelves.by_name[name]
            if not shelves.every and not shelves.by_name:
                del self._shelves[key]

    def candidates(self, change: Change) -> list[Subscription]:
        """Subscriptions that could want this Change, each once."""
        tenant = change.tenant
        if tenant not in self._tenants:
            return []
        shelves = self._shelves
        doc = change.entity.doc
        found = [shelves.get((tenant, "id", doc["id"])), shelves.get((tenant, "any", ""))]
        found.extend(shelves.get((tenant, "type", kind)) for kind in types_of(doc))
        for end, long in self._ends.get(tenant, ()):
            ident = doc["id"]
            found.append(shelves.get((tenant, end, ident[:long] if end == "head" else ident[-long:])))
        names = {part.name for part in change.parts}
        return list(dict.fromkeys(one for kept in found if kept is not None for one in kept.of(names, doc)))


def _keys(one: Subscription) -> set[Key]:
    keys: set[Key] = set()
    for selector in one.selectors:
        if selector.ids is not None:
            keys.update((one.tenant, "id", ident) for ident in selector.ids)
        elif selector.like is not None and (end := _end_of(selector.like.text)) is not None:
            keys.add((one.tenant, *end))
        elif selector.types is None:
            keys.add((one.tenant, "any", ""))
        else:
            # Of types that must all be there, one is enough to be found by.
            keys.update((one.tenant, "type", min(group)) for group in selector.types)
    return keys


_ENDS: Final = frozenset(("head", "tail"))
_HEAD = re.compile(r"\^([\w:/-]+)(?![*?+{\w:/-])")
_TAIL = re.compile(r"([\w:/-]+)\$\Z")


def _end_of(pattern: str) -> tuple[str, str] | None:
    """The letters that an id must begin with or end on to match a pattern, where they can be read off it."""
    if "|" in pattern or "\\" in pattern:
        return None
    tail, head = _TAIL.search(pattern), _HEAD.match(pattern)
    if tail is not None and (head is None or len(tail[1]) >= len(head[1])):
        return "tail", tail[1]
    return None if head is None else ("head", head[1])


@dataclass(slots=True)
class Shown:
    """A Change as one sight sees it: the document, its stamps, and what happened to which visible attribute."""

    doc: Doc
    stamps: Stamps | None
    happened: dict[str, set[str]]  # attribute -> created, updated, deleted
    kinds: set[str]  # the same as triggers: attributeCreated ...
    members: bool  # type, scope or the like changed

    @classmethod
    def of(cls, change: Change, sight: Sight, realm: str, stamps: Stamps | None) -> "Shown | None":
        """None when this sight may not see the entity. `stamps` hold the attributes' labels.

        Without them a sight that does not see everything is shown the bare entity: what cannot be judged is hidden.
        """
        entity = change.entity
        doc = entity.doc
        hidden: Any = ()
        if not sight.everything:
            if not sight.hears(entity.label or unlabelled(realm)) or not (
                sight.covers("read", entity.types) and sight.covers("subscribe", entity.types)
            ):
                return None
            if stamps is None:
                hidden = [name for name in doc if name not in MEMBERS]
            else:
                hidden = {name for name, label in stamps.labels.items() if not sight.hears(label)}
            if hidden:
                doc = {name: entry for name, entry in doc.items() if name not in hidden}
        happened: dict[str, set[str]] = {}
        members = False
        for part in change.parts:
            if part.status == "late" or part.name in hidden or part.name == LABEL:
                continue  # late news is history, not a change of what is so
            if part.status == "updated" and part.old == part.new:
                continue  # 5.8.6: an attribute changes when it is updated with another value
            if part.name in MEMBERS:
                members = True
            else:
                happened.setdefault(part.name, set()).add(part.status)
        kinds = {_TRIGGER[status] for statuses in happened.values() for status in statuses}
        return cls(doc, stamps, happened, kinds, members)


Known = dict[Condition, bool]
"""Answers to conditions, for one Change and one sight."""


def wants(one: Subscription, change: Change, shown: Shown, known: Known, linked: Linked | None = None) -> bool:
    """Whether a candidate is to be told: trigger, entity, condition; cheap questions first.

    `linked` gives the entities that relationships point at, as far as the subscription's sight may see them.
    """
    if not _triggered(one, change, shown):
        return False
    for selector in one.selectors:
        if selector.selects(shown.doc):
            break
    else:
        return False
    condition = one.condition
    if condition is None:
        return True
    answer = known.get(condition)
    if answer is None:
        answer = known[condition] = condition.holds(shown.doc, shown.stamps, linked)
    return answer


def _triggered(one: Subscription, change: Change, shown: Shown) -> bool:
    triggers, watched, happened = one.triggers, one.watched, shown.happened
    concerned = watched is None or not watched.isdisjoint(happened)
    if change.gone:  # its attributes go with it
        return concerned and ("entityDeleted" in triggers or ("attributeDeleted" in triggers and bool(happened)))
    if change.new and "entityCreated" in triggers and concerned:
        return True
    if one.members_too and shown.members and not change.new:
        return True
    if not concerned:
        return False
    if watched is None:
        return not triggers.isdisjoint(shown.kinds)
    return any(_TRIGGER[status] in triggers for name in watched.intersection(happened) for status in happened[name])


_TRIGGER: Final = {"created": "attributeCreated", "updated": "attributeUpdated", "deleted": "attributeDeleted"}


def note(entity: Entity, sight: Sight, realm: str, stamps: Stamps | None) -> None:
    """Have it written down, where it must be, that somebody is told of an entity."""
    rights = sight.rights
    if rights is None:
        return
    labels = {entity.label or unlabelled(realm), *(stamps.labels.values() if stamps is not None else ())}
    audited = [one for one in labels if one.partition(";")[0] in AUDITED and sight.hears(one)]
    for label in audited:
        rights.saw(entity.id, label)
    if audited:
        rights.told("notification")
