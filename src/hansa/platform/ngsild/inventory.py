"""What there is: types and attributes, as a sight sees them (CIM 009, clauses 5.7.5 to 5.7.10). No HTTP here.

The documents that tell it are those of clauses 5.2.24 to 5.2.28.
Where nothing is masked, the reader's indexes know; else the entities themselves are asked, all of the type or with the
attribute.
"""

from dataclasses import dataclass, field

from hansa.model.entity import Entity, instances
from hansa.model.query import Query
from hansa.platform.store import Reader
from hansa.trust.labels import Sight


@dataclass(slots=True)
class Kind:
    """What is known of one type: how many entities bear it, and their attributes with the kinds of these."""

    entities: int = 0
    attributes: dict[str, set[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Known:
    """What is known of one attribute: in how many entities it is, its kinds, and the types that bear it."""

    entities: int = 0
    kinds: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)


def names(reader: Reader, tenant: str, sight: Sight) -> dict[str, set[str]]:
    """The types of which this sight sees an entity, each with the names of the attributes it sees (5.7.5, 5.7.6)."""
    if reader.wholly(sight):
        return reader.attributes(tenant)
    found: dict[str, set[str]] = {}
    for entity in reader.every(tenant, Query(), sight):
        for kind in entity.types:
            found.setdefault(kind, set()).update(entity.names)
    return found


def of_type(reader: Reader, tenant: str, kind: str, sight: Sight) -> Kind:
    """One type (5.7.7); of no entities when this sight sees none of it."""
    if reader.wholly(sight):
        return Kind(*reader.of_type(tenant, kind))
    found = Kind()
    for entity in reader.every(tenant, Query(types=(frozenset({kind}),)), sight):
        found.entities += 1
        for name in entity.names:
            found.attributes.setdefault(name, set()).update(_kinds(entity, name))
    return found


def of_attribute(reader: Reader, tenant: str, name: str, sight: Sight) -> Known:
    """One attribute (5.7.10); in no entities when this sight sees none of it."""
    if reader.wholly(sight):
        return Known(*reader.of_attribute(tenant, name))
    found = Known()
    for entity in reader.every(tenant, Query(attrs=frozenset({name})), sight):
        found.entities += 1
        found.kinds |= _kinds(entity, name)
        found.types.update(entity.types)
    return found


def _kinds(entity: Entity, name: str) -> set[str]:
    return {one["type"] for one in instances(entity.doc[name])}
