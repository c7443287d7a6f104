"""What of the catalogue is published: the one place from which whatever gives data away takes what it may give.

    published(city)         all of them, by id
    get(city, "stations")   one of them; NotFound, or Gone for what was withdrawn

Read with the app's own sight; a `Published` holds nothing but what everybody may know. Of a source with sight public
the entities themselves are read by `city.public` (policy decides once more), everything else from released tables.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from hansa import City, Entity, NotFound
from hansa.apps.opendata import authorities

MOST: Final = 10_000
"""Datasets of one city; the largest portals of cities have some 5,000."""
PREFIX: Final = "urn:ngsi-ld:Dataset:"


class Gone(NotFound):
    """It was published, and was withdrawn: 410, with the reason."""

    status: ClassVar[int] = 410
    title: ClassVar[str] = "It was withdrawn"


@dataclass(frozen=True, slots=True)
class Published:
    """One dataset that everybody may have. Times are ISO 8601 in UTC; empty where nothing was said.

    `source` of kind entities or history has `type`, `attributes` and `q`, and may be read live by `city.public`; of
    kind `table` (also where steps do more than drop columns) there are its releases alone. `table` is the newest.
    `columns`: {name, type, unit, says: text by language, low, high}, the data dictionary. `themes` are codes of the EU
    authority table data-theme, `licence` is a URI (`licence_code` the code of the EU authority table licence),
    `periodicity` a code of the table frequency. `series` has key, title and description of what it is one edition of.
    """

    id: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    licence: str
    licence_code: str = ""
    keywords: Mapping[str, Sequence[str]] = field(default_factory=dict)
    themes: Sequence[str] = ()
    source: Mapping[str, Any] = field(default_factory=lambda: {"kind": "table"})
    table: str | None = None
    version: int = 0
    rows: int = 0
    size: int = 0
    columns: Sequence[Mapping[str, Any]] = ()
    issued: str = ""
    modified: str = ""
    periodicity: str = "UNKNOWN"
    bbox: tuple[float, float, float, float] | None = None
    place: Mapping[str, str] = field(default_factory=dict)
    period: tuple[str, str] | None = None
    publisher: Mapping[str, Any] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=dict)
    conforms: Sequence[str] = ()
    hvd: str = ""
    series: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    guard: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def live(self) -> bool:
        """Whether it is of entities that can be read as they are now."""
        return self.source.get("kind") in {"entities", "history"}

    @property
    def type(self) -> str:
        """The type of its entities; empty for one that has released tables alone."""
        return str(self.source.get("type", "")) if self.live else ""

    @property
    def attributes(self) -> Sequence[str]:
        """The attributes that may be given, and no others; empty for one that has released tables alone."""
        return tuple(self.source.get("attributes", ())) if self.live else ()

    @property
    def geographic(self) -> bool:
        """Whether it says where things are."""
        names = {column.get("name") for column in self.columns}
        return "geometry" in names or {"lon", "lat"} <= names


def published(city: City) -> list[Published]:
    """All that is published, by id."""
    return list(_known(city).values())


def get(city: City, ident: str) -> Published:
    """One that is published, by its id (slug or URN). NotFound; Gone where it was withdrawn."""
    key = ident.removeprefix(PREFIX)
    found = _known(city).get(key)
    if found is not None:
        return found
    try:
        one = city.get(PREFIX + key[:100])
    except NotFound:
        one = None
    if one is not None and one.get("status") == "withdrawn":
        why = str(one.get("withdrawn") or "")
        raise Gone(f"{key[:100]} was withdrawn" + (f": {why}" if why else ""), where="id")
    raise NotFound(f"there is no dataset {key[:100]}", where="id", mend="/data/catalog has all there are")


def _known(city: City) -> Mapping[str, Published]:
    version = city.version("Dataset")
    kept = _Kept.one
    if kept is None or kept[0] != version:
        found = city.find("Dataset", 'status=="published"', limit=MOST)
        kept = _Kept.one = version, {one.key: of(one) for one in sorted(found, key=lambda it: it.key)}
    return kept[1]


class _Kept:
    """What was made of the catalogue, until one of its entities changes."""

    one: ClassVar[tuple[Hashable, Mapping[str, Published]] | None] = None


def of(one: Entity) -> Published:
    """A Dataset as everybody may know it."""
    said = _said(one)
    box, period = said("spatial", {}).get("bbox"), said("period", None)
    source = said("source", {})
    steps = said("steps", [])
    live = source.get("kind") in {"entities", "history"} and source.get("sight") != "app" and _as_they_are(steps)
    names = ("kind", "type", "attributes", "q", "days")
    return Published(
        one.key,
        said("title", {"en": one.key}),
        said("description", {}),
        authorities.licence(said("licence", "")),
        said("licence", ""),
        said("keywords", {}),
        tuple(said("themes", [])),
        _without(steps, {name: source[name] for name in names if name in source}) if live else {"kind": "table"},
        said("table", None),
        said("version", 0),
        said("rows", 0),
        said("size", 0),
        tuple(said("columns", [])),
        said("issued", ""),
        said("modified", ""),
        said("periodicity", "UNKNOWN"),
        tuple(box) if box else None,
        said("spatial", {}).get("name", {}),
        tuple(period) if period else None,
        said("publisher", {}),
        said("contactPoint", {}),
        tuple(said("conformsTo", [])),
        said("hvd", ""),
        said("series", {}),
        said("quality", {}),
        said("guard", {}),
        said("note", ""),
    )


def _as_they_are(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Whether entities read now say no more than the releases: what steps make coarser, or let go, stays so."""
    return all(it.get("do") == "drop" and not {"lon", "lat"} & set(it.get("columns") or ()) for it in steps)


def _without(steps: Sequence[Mapping[str, Any]], source: dict[str, Any]) -> dict[str, Any]:
    """A source without the attributes that its steps drop."""
    gone = {name for it in steps for name in it.get("columns") or ()}
    return source | {"attributes": [name for name in source.get("attributes", ()) if name not in gone]}


def _said(one: Entity) -> Any:
    """`get` whose answer has the kind of what it would be otherwise; entities come from acts of this app alone."""

    def said(name: str, otherwise: Any) -> Any:
        found = one.get(name)
        return otherwise if found is None else found

    return said
