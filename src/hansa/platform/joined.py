"""Linked entities: what relationships point at, shown with the entities that bear them (CIM 009, clause 4.5.23).

Entities are met level by level, so that each is met where it is nearest. One that was met on a level before, or that
the caller says it knows (`containedBy`), is not shown again: there are no loops and no cascades.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hansa.errors import TooManyResults
from hansa.model.entity import MEMBERS, Entity, instances
from hansa.model.projection import beyond
from hansa.model.query import objects
from hansa.model.wire import View

Fetch = Callable[[str], Entity | None]
"""The entity of a URI, as far as whoever asks may see it."""


@dataclass(frozen=True, slots=True)
class Join:
    """How linked entities are shown: `flat` beside the others, else inside the relationships; over `level` of them."""

    flat: bool
    level: int = 1
    contained: frozenset[str] = frozenset()


@dataclass(slots=True)
class Met:
    """An entity on the way, how it is to look, and what was met through its relationships."""

    entity: Entity
    view: View
    below: dict[str, dict[str, "Met"]] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The entity, with those below it in its relationships, unless the view leaves nothing of them."""
        found = {
            name: {uri: shown for uri, one in met.items() if (shown := one.shown())} for name, met in self.below.items()
        }
        return self.view.entity(self.entity.doc, self.entity.stamps, found)


def joined(entities: Sequence[Entity], view: View, join: Join, fetch: Fetch, most: int) -> list[Met]:
    """Entities with those they link to: inside them, or if `flat` after them. TooManyResults for more than `most`.

    Without `flat` each entity begins anew: what one shows, another shows too.
    """
    walk = _Walk(join, fetch, most)
    roots = [Met(one, view) for one in entities]
    if not join.flat:
        for root in roots:
            walk.along([root])
        return roots
    found = roots + walk.along(roots)
    for one in found:
        one.below.clear()
    return found


class _Walk:
    """One walk along relationships; it asks for an entity once."""

    def __init__(self, join: Join, fetch: Fetch, most: int) -> None:
        self._join = join
        self._fetch = fetch
        self._known: dict[str, Entity | None] = {}
        self._left = most
        self._most = most

    def along(self, roots: list[Met]) -> list[Met]:
        """Follow relationships from some entities, whose `below` is filled; what was met, nearest first."""
        met = {root.entity.id for root in roots} | self._join.contained
        linked: list[Met] = []
        level = roots
        for _ in range(self._join.level):
            found: list[Met] = []
            for one in level:
                self._from(one, met, found)
            met.update(one.entity.id for one in found)
            linked += found
            level = found
        return linked

    def _from(self, one: Met, met: set[str], found: list[Met]) -> None:
        for name, uris in _links(one):
            view = _beyond(one.view, name)
            for uri in uris:
                if uri in met or (entity := self._get(uri)) is None:
                    continue
                if self._left == 0:
                    raise TooManyResults(
                        f"more than {self._most:,} linked entities",
                        where="joinLevel",
                        mend="ask for fewer, or less far",
                    )
                self._left -= 1
                other = one.below.setdefault(name, {})[uri] = Met(entity, view)
                found.append(other)
                if self._join.flat:
                    met.add(uri)

    def _get(self, uri: str) -> Entity | None:
        if uri not in self._known:
            self._known[uri] = self._fetch(uri)
        return self._known[uri]


def _links(one: Met) -> list[tuple[str, list[str]]]:
    """The relationships of an entity that its view shows, and what they point at."""
    view = one.view
    found = []
    for name, entry in one.entity.doc.items():
        if name in MEMBERS or not view.shows(name):
            continue
        uris: list[str] = []
        for instance in instances(entry):
            if instance["type"] in {"Relationship", "ListRelationship"} and view.selects(instance):
                said = objects(instance)
                uris += said if isinstance(said, list) else [said] if said else []
        if uris:
            found.append((name, list(dict.fromkeys(uris))))
    return found


def _beyond(view: View, name: str) -> View:
    """How entities behind a relationship are to look: as the others, but for what is picked and omitted of them."""
    if view.attrs is None and view.pick is None and view.omit is None:
        return view
    return replace(view, attrs=beyond(view.attrs, name), pick=beyond(view.pick, name), omit=beyond(view.omit, name))
