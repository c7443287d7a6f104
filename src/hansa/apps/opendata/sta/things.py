"""What is published of an entity: a Thing with its place, its Datastreams, and what else is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hansa import BadRequest, Entity, units
from hansa.apps.opendata.published import Published


@dataclass(frozen=True, slots=True)
class Stream:
    """A numeric attribute of a Thing, as its dataset publishes it."""

    thing: "Thing"
    name: str
    dataset: Published
    unit: str

    @property
    def id(self) -> str:
        """Of the Datastream."""
        return f"{self.thing.entity.id}~{self.name}"


class Thing:
    """An entity that is published, and by which datasets."""

    def __init__(self, entity: Entity, datasets: Sequence[Published]) -> None:
        """The first dataset that has an attribute speaks for it."""
        self.entity = entity
        self.datasets = tuple(datasets)
        self.streams: dict[str, Stream] = {}
        for dataset in self.datasets:
            for name in dataset.attributes:
                if name not in self.streams and "~" not in name and name in entity:
                    said = entity.attribute(name)
                    if isinstance(said.value, int | float) and not isinstance(said.value, bool):
                        self.streams[name] = Stream(self, name, dataset, said.unit or column(dataset, name, "unit"))

    @property
    def placed(self) -> bool:
        """Whether it is published where it is."""
        return any(one.geographic or "location" in one.attributes for one in self.datasets)

    @property
    def place(self) -> Any:
        """Its geometry; None where none is published."""
        return self.entity.location if self.placed else None

    @property
    def name(self) -> str:
        """What it is called."""
        known = {name for one in self.datasets for name in one.attributes}
        said = self.entity.get("name") if "name" in known else None
        return said if isinstance(said, str) and said else self.entity.key

    def told(self) -> dict[str, Any]:
        """What else is published of it: neither its numbers, which are Datastreams, nor its name and place."""
        names = {name: None for one in self.datasets for name in one.attributes}
        told: dict[str, Any] = {"type": self.entity.type, "datasets": [one.id for one in self.datasets]}
        for name in names:
            if name in self.entity and name not in self.streams and name not in {"name", "location"}:
                told.setdefault(name, self.entity[name])
        return told


def column(dataset: Published, name: str, what: str) -> Any:
    """What the data dictionary says of a column; empty where it says nothing."""
    return next((one.get(what) or "" for one in dataset.columns if one.get("name") == name), "")


def text_of(said: Any) -> str:
    """A text by language, in English or whichever there is."""
    if isinstance(said, Mapping):
        return str(said.get("en") or next(iter(said.values()), ""))
    return str(said or "")


def unit_of(code: str) -> dict[str, str | None]:
    """A unit of measurement by its UN/CEFACT code; all of it null where there is none (clause 8.2.4)."""
    if not code:
        return {"name": None, "symbol": None, "definition": None}
    try:
        known = units.unit(code)
    except BadRequest:  # a symbol that staff wrote
        return {"name": code, "symbol": code, "definition": None}
    return {"name": code, "symbol": known.symbol or code, "definition": f"UN/CEFACT Recommendation 20: {code}"}
