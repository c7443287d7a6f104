"""Entities as GeoJSON: Features and FeatureCollections (CIM 009, clauses 4.5.16, 4.5.17, 5.2.29 to 5.2.31)."""

from collections.abc import Sequence
from typing import Any

from hansa.model.entity import Doc, instances
from hansa.model.wire_out import View


def feature(shown: dict[str, Any], doc: Doc, view: View, name: str | None = None) -> dict[str, Any]:
    """The Feature of an entity that a view has `shown`; the value of its GeoProperty `name` is the geometry.

    The geometry does not depend on what is picked: maps need it. It is null where there is none to choose (4.5.16.1).
    """
    properties = {member: value for member, value in shown.items() if member != "id"}
    geometry = _geometry(doc.get(name or "location"), view)
    return {"id": doc["id"], "type": "Feature", "geometry": geometry, "properties": properties}


def collection(features: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The FeatureCollection of Features."""
    return {"type": "FeatureCollection", "features": list(features)}


def _geometry(entry: Any, view: View) -> Any:
    """The geometry of the one instance that datasetIds leave, or else of the default instance."""
    kept = [] if entry is None else [one for one in instances(entry) if type(one) is dict and view.selects(one)]
    if len(kept) != 1 or view.datasets is None:
        kept = [one for one in kept if "datasetId" not in one]
    if not kept or kept[0].get("type") != "GeoProperty":
        return None
    value = kept[0].get("value")
    return value if type(value) is dict else None
