"""The features of a dataset: live entities, or the rows of its newest release."""

from collections.abc import Mapping
from typing import Any, Protocol

from hansa import Asking
from hansa.apps.opendata.ogc.live import Live
from hansa.apps.opendata.ogc.looking import OWN, Features, located
from hansa.apps.opendata.ogc.rows import Rows
from hansa.apps.opendata.ogc.wanted import Want
from hansa.apps.opendata.published import Published


class Places(Protocol):
    """A collection's features."""

    @property
    def fields(self) -> Mapping[str, str]:
        """Its properties and their kinds (number, text, boolean, time, any)."""

    @property
    def whole(self) -> frozenset[str]:
        """Those that hold whole numbers alone."""

    @property
    def shapes(self) -> str:
        """What its geometries are, in the words of queryables: point, any."""

    def page(self, want: Want, offset: int, limit: int) -> tuple[Features, int]:
        """So many that are wanted, and how many there are in all. TooMuch, TooLong."""

    def one(self, key: str) -> dict[str, Any]:
        """The feature of an id. NotFound."""


def of(city: Asking, one: Published) -> Places | None:
    """The features of a dataset; None when it says of nothing where it is."""
    if is_live(one):
        return Live(city, one)
    if is_placed(one):
        return Rows(city, one)
    return None


def is_placed(one: Published) -> bool:
    """Whether a dataset has features; told without reading any."""
    return is_live(one) or (one.table is not None and located(one.columns))


def is_live(one: Published) -> bool:
    """Whether its entities can be read as they are: what was guarded or made of others is not to be had finer here."""
    if one.source.get("kind") != "entities" or not one.type:
        return False
    names = {str(column.get("name")) for column in one.columns} - OWN
    guarded = one.guard.get("kind", "open") not in {"open", "none"}
    return not guarded and names <= set(one.attributes) and (not one.columns or located(one.columns))
