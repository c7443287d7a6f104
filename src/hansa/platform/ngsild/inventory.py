"""What there is: types and attributes, as a sight sees them (CIM 009, clauses 5.7.5 to 5.7.10). No HTTP here.

The documents that tell it are those of clauses 5.2.24 to 5.2.28.
Where nothing is masked, names come from the indexes. Kinds and counts come from the documents of the type or attribute
that is asked for.
"""

from collections import Counter
from dataclasses import dataclass, field

from hansa.model.entity import Entity, instances
from hansa.model.query import Query
from hansa.platform.store import Reader
from hansa.trust.labels import Sight


@dataclass(slots=True)
class Kind:
    """What is known of one type: how many entities bear it, and their attributes by name."""

    entities: int = 0
    attributes: dict[str, Counter[str]] = field(default_factory=dict)  # name -> kinds of attribute and how many


@dataclass(slots=True)
class Inventory:
    """Types and attributes of a tenant, by stored name."""

    types: dict[str, Kind] = field(default_factory=dict)
    attributes: dict[str, "Known"] = field(default_factory=dict)

    def add(self, entity: Entity) -> None:
        """Count one entity."""
        kinds = entity.types
        names = {name: Counter(one["type"] for one in instances(entity.doc[name])) for name in entity.names}
        for kind in kinds:
            known = self.types.setdefault(kind, Kind())
            known.entities += 1
            for name, counts in names.items():
                known.attributes.setdefault(name, Counter()).update(counts)
        for name, counts in names.items():
            attribute = self.attributes.setdefault(name, Known())
            attribute.entities += 1
            attribute.kinds.update(counts)
            attribute.types.update(kinds)


@dataclass(slots=True)
class Known:
    """What is known of one attribute: in how many entities it is, its kinds, and the types that bear it."""

    entities: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    types: set[str] = field(default_factory=set)


def names(reader: Reader, tenant: str, sight: Sight) -> dict[str, frozenset[str]]:
    """The types of which this sight sees an entity, each with the names of the attributes it sees (5.7.5, 5.7.6)."""
    known = reader.attributes(tenant) if sight.everything else None
    if known is None:
        found = taken(reader, tenant, Query(), sight)
        known = {name: frozenset(kind.attributes) for name, kind in found.types.items()}
    return known


def taken(reader: Reader, tenant: str, query: Query, sight: Sight) -> Inventory:
    """The inventory of the entities that match."""
    found = Inventory()
    for entity in reader.every(tenant, query, sight):
        found.add(entity)
    return found
