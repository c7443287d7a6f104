"""hansa: a city platform in one program.

Everything a city knows is an Entity; everything that happens is one Change; an app is a set of small functions from a
Change to Entities. This is the front door for apps: nothing else of hansa is theirs to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hansa import kpi
    from hansa.analytics import windows
    from hansa.app import Act, Answer, App, Asked, Asking, City, File
    from hansa.collect import sheets
    from hansa.errors import BadRequest, Conflict, Forbidden, NotFound, Refusal
    from hansa.model import command, geo, labels, saying, units
    from hansa.model.change import Change, Delete
    from hansa.model.entity import Attribute, Entity, entity

__all__ = [
    "Act",
    "Answer",
    "App",
    "Asked",
    "Asking",
    "Attribute",
    "BadRequest",
    "Change",
    "City",
    "Conflict",
    "Delete",
    "Entity",
    "File",
    "Forbidden",
    "NotFound",
    "Refusal",
    "command",
    "entity",
    "geo",
    "kpi",
    "labels",
    "saying",
    "sheets",
    "units",
    "windows",
]

__version__ = "0.6.0"

_WHERE = {
    "Act": "hansa.app",
    "Answer": "hansa.app",
    "App": "hansa.app",
    "Asked": "hansa.app",
    "Asking": "hansa.app",
    "Attribute": "hansa.model.entity",
    "BadRequest": "hansa.errors",
    "Change": "hansa.model.change",
    "City": "hansa.app",
    "Conflict": "hansa.errors",
    "File": "hansa.app",
    "Forbidden": "hansa.errors",
    "NotFound": "hansa.errors",
    "Refusal": "hansa.errors",
    "Delete": "hansa.model.change",
    "Entity": "hansa.model.entity",
    "command": "hansa.model",
    "entity": "hansa.model.entity",
    "geo": "hansa.model",
    "kpi": "hansa",
    "labels": "hansa.model",
    "saying": "hansa.model",
    "sheets": "hansa.collect",
    "units": "hansa.model",
    "windows": "hansa.analytics",
}


def __getattr__(name: str) -> Any:
    """Names are imported when they are asked for, so that a decoder's process loads no store."""
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"hansa has no {name!r}; see hansa.__all__")
    if where == __name__:  # a package of its own; asking this module for it would ask here again
        found = import_module(f"{where}.{name}")
    else:
        module = import_module(where)
        found = getattr(module, name, None) or import_module(f"{where}.{name}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
