"""A Dataset as an entity: its course from an idea to what everybody has, its log, and what it still lacks.

    inventoried -> proposed -> approved -> published -> withdrawn

What is `pending` is a source with its steps and its guard as somebody proposed them; `candidate` is the table that was
made of it, which the second person looks at. Approved, it becomes the dataset's own, and the releases are made of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import Act, City, Entity, NotFound, Refusal, entity
from hansa.apps.opendata.published import PREFIX
from hansa.apps.opendata.times import iso

STATES: Final = ("inventoried", "proposed", "approved", "published", "withdrawn")
LABEL: Final = "smart;owner=open-data"
"""Of all that this app keeps: who proposed what is no open data. What is published goes out by its doors."""
LOG: Final = 200
"""Lines of one dataset's log; older ones go, the audit log has them."""
RESERVED: Final = frozenset({"catalog", "explore", "feed", "new", "requests", "series"})
"""Words of addresses below /data that no dataset can have."""


def own(kind: str, ident: str, /, **said: Any) -> Entity:
    """An entity of this app, under its label."""
    one = entity(kind, ident, **said)
    one.label = LABEL
    return one


def ident(key: str) -> str:
    """The id of a dataset from its key, or as it is."""
    return key if key.startswith(PREFIX) else PREFIX + key[:100]


def dataset(city: City, key: str) -> Entity:
    """A dataset in whatever state, by key or id. NotFound."""
    one = city.get(ident(key))
    if "Dataset" not in one.types:
        raise NotFound("there is no such dataset", where="id")
    return one


def subject(act: Act, *states: str) -> Entity:
    """The dataset that an act is about, in one of these states. Refusal."""
    one = act.subject
    if one is None:
        raise Refusal("name the dataset", where="id")
    if states and one.get("status") not in states:
        raise Refusal(
            f"it is {one.get('status')}", where="id", mend=f"this is done with one that is {' or '.join(states)}"
        )
    return one


def said(one: Entity, act: Act, did: str, text: str = "", **what: Any) -> Entity:
    """The dataset after an act: what it says, and the line in its log."""
    line = {"at": iso(act.at), "by": act.by, "did": did, "text": text}
    log = [*(one.get("log") or []), line][-LOG:]
    return own("Dataset", one.id, **what, log=log)


def entered(one: Entity, at: int, did: str, text: str) -> list[dict[str, Any]]:
    """The log of a dataset with a line of the app's own."""
    return [*(one.get("log") or []), {"at": iso(at), "by": "app:opendata", "did": did, "text": text}][-LOG:]


def missing(one: Entity) -> list[str]:
    """What publication still needs, in the words of `describe` and the acts."""
    lacks = [name for name in ("title", "description", "licence", "publisher") if not one.get(name)]
    if not (one.get("contactPoint") or {}).get("email") and not (one.get("contactPoint") or {}).get("url"):
        lacks.append("contact")
    if not one.get("themes"):
        lacks.append("themes")
    candidate = one.get("candidate") or {}
    if one.get("status") in {"inventoried", "proposed"}:
        if not one.get("pending"):
            lacks.append("source")
        elif candidate.get("status") != "made":
            lacks.append("candidate")
        lacks.append("approval")
    return lacks


def undescribed(one: Entity) -> list[str]:
    """Columns of which the data dictionary says nothing."""
    columns = (one.get("candidate") or {}).get("columns") or one.get("columns") or []
    known = {str(it.get("name")) for it in one.get("dictionary") or [] if it.get("says")}
    return [str(it.get("name")) for it in columns if str(it.get("name")) not in known]


def releases(city: City, one: str, limit: int = 200) -> list[Entity]:
    """The newest releases of a dataset that everybody may have, the newest first: of its last so many versions."""
    after = int(city.get(one).get("version") or 0) - limit
    found = city.find("DatasetRelease", f'dataset=="{one}";status=="released";version>{max(0, after)}', limit=limit)
    return sorted(found, key=lambda it: int(it.get("version") or 0), reverse=True)


def release_of(city: City, key: str, version: int) -> Entity:
    """One release by its number. NotFound."""
    none = NotFound(f"there is no version {version} of {key[:100]}", where="version")
    try:
        one = city.get(f"urn:ngsi-ld:DatasetRelease:{key[:100]}-{version}")
    except NotFound:
        raise none from None
    if one.get("status") != "released" or one.get("dataset") != ident(key):
        raise none
    return one


def columns_told(made: Iterable[Mapping[str, Any]], dictionary: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Columns as they were made, with what the data dictionary says of each."""
    known = {str(one.get("name")): one for one in dictionary}
    told = []
    for column in made:
        one = known.get(str(column.get("name")), {})
        low, high = one.get("low"), one.get("high")
        told.append(
            {name: column.get(name) for name in ("name", "type", "nulls", "distinct", "low", "high")}
            | {"unit": one.get("unit", ""), "says": one.get("says") or {}}
            | ({"range": [low, high]} if low is not None or high is not None else {})
        )
    return told
