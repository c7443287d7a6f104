"""The data model of SensorThings: eight sets of entities, their properties, and what is linked to what.

Source: OGC 18-088, clause 8.2. What a set lacks here (`observedArea`, `resultQuality`) is optional there.
"""

from dataclasses import dataclass
from typing import Final

from hansa.apps.opendata.sta.expressions import Call, Literal, Path, Tree, wrong

_FARTHEST: Final = 6  # links in one path: all sets are within three of each other


@dataclass(frozen=True, slots=True)
class Link:
    """A way from one entity to another, or to many."""

    to: str
    many: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """One set: its name, its properties in order, its links by name."""

    name: str
    properties: tuple[str, ...]
    links: dict[str, Link]


def _to(*many: str, **single: str) -> dict[str, Link]:
    return {name: Link(to, many=False) for name, to in single.items()} | {name: Link(name, many=True) for name in many}


SETS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("Things", ("name", "description", "properties"), _to("Locations", "HistoricalLocations", "Datastreams")),
        Kind(
            "Locations",
            ("name", "description", "encodingType", "location", "properties"),
            _to("Things", "HistoricalLocations"),
        ),
        Kind("HistoricalLocations", ("time",), _to("Locations", Thing="Things")),
        Kind(
            "Datastreams",
            (
                "name", "description", "observationType", "unitOfMeasurement", "phenomenonTime", "resultTime",
                "properties",
            ),
            _to("Observations", Thing="Things", Sensor="Sensors", ObservedProperty="ObservedProperties"),
        ),
        Kind("Sensors", ("name", "description", "encodingType", "metadata", "properties"), _to("Datastreams")),
        Kind("ObservedProperties", ("name", "definition", "description", "properties"), _to("Datastreams")),
        Kind(
            "Observations",
            ("phenomenonTime", "resultTime", "result", "parameters"),
            _to(Datastream="Datastreams", FeatureOfInterest="FeaturesOfInterest"),
        ),
        Kind(
            "FeaturesOfInterest",
            ("name", "description", "encodingType", "feature", "properties"),
            _to("Observations"),
        ),
    )
}  # fmt: skip
IDS: Final = frozenset({"id", "@iot.id"})
"""Both ways of asking for the id of an entity (clause 9.3.3.2)."""
_OPEN: Final = frozenset({"properties", "parameters", "unitOfMeasurement", "location", "feature"})
"""Properties that have members of their own."""


def checked(tree: Tree, kind: Kind, where: str) -> None:
    """Refuse a path that the data model does not have."""
    match tree:
        case Call(_, args):
            for one in args:
                checked(one, kind, where)
        case Path(names):
            _walked(names, kind, where)
        case Literal():
            pass


def _walked(names: tuple[str, ...], kind: Kind, where: str) -> None:
    if len(names) > _FARTHEST:
        raise wrong(f"{'/'.join(names)[:80]} leads too far", where)
    at = kind
    for n, name in enumerate(names):
        if name in at.links:
            at = SETS[at.links[name].to]
            continue
        last = n == len(names) - 1
        if (name in IDS and last) or (name in at.properties and (last or name in _OPEN)):
            return
        raise wrong(f"{at.name} have no {'/'.join(names[n:])[:80]!r}", where)
    raise wrong(f"{'/'.join(names)[:80]!r} is an entity, not a value", where)
