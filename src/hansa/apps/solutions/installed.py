"""The apps that are installed here, each an entry of the bank by itself: what it is for, and what it has done so far.

Which are installed, whoever runs the city hands over (the setting `installed`): an app does not look at its neighbours.
Since when one is there, and which indicators it is to move, staff says with the act `app`.
"""

from collections.abc import Mapping
from typing import Any, Final

from hansa import City, Entity, NotFound, Refusal
from hansa.apps.solutions import entry, measured
from hansa.apps.solutions.words import NAME, NEED, SUMMARY, THEMES

APPS: Final = 200
_SLUG: Final = 40


def slug(text: str) -> str:
    """A text as a word of an identifier."""
    plain = "".join(one if one.isascii() and one.isalnum() else "-" for one in text.casefold())
    return "-".join(part for part in plain.split("-") if part)[:_SLUG] or "city"


def name_of(city: City) -> str:
    """What this city is called."""
    return str(city.setting("city") or "this city")[:NAME]


def identifier(city: City, key: str) -> str:
    """The name between cities of an entry of this one."""
    return f"urn:hansa:solution:{slug(name_of(city))}:{key}"


def apps(city: City) -> dict[str, Mapping[str, Any]]:
    """What is installed, by name, as it was handed over."""
    listed = city.setting("installed", [])
    said = [one for one in listed if isinstance(one, Mapping) and one.get("name")] if isinstance(listed, list) else []
    return {slug(str(one["name"])): one for one in said[:APPS]}


def ident(name: str) -> str:
    """The id of the entry of an app."""
    return f"urn:ngsi-ld:Solution:app-{name}"


def base(city: City, name: str) -> dict[str, Any]:
    """What is said of an installed app before anybody has added to it. Refusal when it is not installed."""
    said = apps(city).get(name)
    if said is None:
        raise Refusal("there is no such app here", where="name", mend=", ".join(sorted(apps(city))) or "none is known")
    section = str(said.get("report") or "")[:20]
    theme = said.get("theme")
    return {
        "kind": "app",
        "name": str(said["name"])[:NAME],
        "summary": (str(said.get("says") or "").strip() or "An app that is installed in this city.")[:SUMMARY],
        "language": "en",
        "theme": theme if theme in THEMES else "government",
        "need": (str(said.get("need") or "").strip() or f"section {section or '?'} of the report")[:NEED],
        "maturity": "running",
        "licence": str(said.get("licence") or "LicenseRef-not-said")[:60],
        "runsIn": [{"city": name_of(city)}],
    }


def told(city: City, name: str, known: Entity | None, reads: measured.Finds | None = None) -> dict[str, Any]:
    """The entry of an installed app: what was handed over, what staff added, and its measured effects.

    `reads` is the city that the values of indicators are read from (what the asker sees, or what is open).
    """
    one = base(city, name)
    one |= {"id": ident(name), "app": name, "report": str(apps(city)[name].get("report") or ""), "status": "listed"}
    one |= {"identifier": identifier(city, f"app-{name}"), "version": 1, "state": "installed", "measured": []}
    if known is None:
        return one
    one |= {key: value for key, value in entry.kept(known).items() if key not in {"status", "kind"}}
    names = known.get("indicators")
    listed = names if isinstance(names, list) else []
    found = [measured.change(it, measured.values(reads or city, it), known.get("installedAt")) for it in listed]
    return one | {"measured": found}


def known(city: City, ident_: str) -> Entity | None:
    """An entity, or None."""
    try:
        return city.get(ident_)
    except NotFound:
        return None
