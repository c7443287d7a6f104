"""The entries of a desk's shift log: how they are named, found, told and proven. See `shifts` for how they are made."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hansa import City, Entity
from hansa.apps.brain.words import desk_of, iso, number_of, only, there

SHIFT: Final = "Shift"
ENTRY: Final = "ShiftEntry"
PAGE: Final = 200
DESKS: Final = 50
SHIFTS: Final = 5_000
PROVEN: Final = 20_000
"""Entries that one question proves: the newest, a year of a busy desk."""


class Last(NamedTuple):
    """The newest entry of a desk: its number (0: none) and digest."""

    number: int
    digest: str


def entry_id(desk: str, number: int) -> str:
    """The id of an entry: made of its desk and number, so that none can be entered twice."""
    return f"urn:ngsi-ld:{ENTRY}:{desk}-{number}"


def shift_id(desk: str, number: int) -> str:
    """The id of a shift: the number of the entry with which it begins."""
    return f"urn:ngsi-ld:{SHIFT}:{desk}-{number}"


def last(city: City, desk: str) -> Last:
    """The newest entry of a desk. Numbers have no holes, so it is found by doubling and halving: nobody's count of
    them need be believed.
    """
    low, step = 0, 1
    while there(city, entry_id(desk, low + step)) is not None:
        low, step = low + step, step * 2
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        if there(city, entry_id(desk, middle)) is not None:
            low = middle
        else:
            high = middle
    return Last(low, city.get(entry_id(desk, low)).digest if low else "")


def entry(city: City, ident: Any) -> Entity | None:
    """An entry, or None where there is none of that id."""
    found = there(city, ident) if isinstance(ident, str) else None
    return found if found is not None and ENTRY in found.types else None


def when(shift: Entity) -> tuple[str, int]:
    """The key that puts shifts in their order."""
    number = shift.get("number")
    return str(shift.get("begin", "")), number if isinstance(number, int) else 0


# ---- what people ask


def listed(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """The shifts of a `desk` (or all), newest first, and how each was handed over."""
    only(asked, {"desk", "limit"})
    where = f'desk=="{desk_of(asked)}"' if asked.get("desk") else None
    found = sorted(city.find(SHIFT, where, limit=SHIFTS), key=when, reverse=True)
    most = number_of(asked, "limit", 30, PAGE)
    desks = sorted({str(one.get("desk", "")) for one in found})[:DESKS]
    return {"now": iso(city.now()), "desks": desks, "shifts": [_told(one) for one in found[:most]]}


def entries(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """The entries of a `desk`, newest first, each with its digest and whether it follows the one before it."""
    only(asked, {"desk", "before", "limit", "shift"})
    desk = desk_of(asked)
    newest = last(city, desk).number
    most = number_of(asked, "limit", 50, PAGE)
    top = min(newest, number_of(asked, "before", newest + 1, 10**9) - 1)
    found = [there(city, entry_id(desk, number)) for number in range(top, max(-1, top - most - 1), -1) if number]
    told = []
    for place, one in enumerate(found[:most]):
        before = found[place + 1] if place + 1 < len(found) else None
        if one is not None and asked.get("shift") in {None, "", one.get("shift")}:
            told.append(_entry_told(one, before))
    return {"desk": desk, "newest": newest, "entries": told, "next": top - most + 1 if top - most > 0 else None}


def verified(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Whether the log of a `desk` stands: no number is missing, each entry follows the one before."""
    only(asked, {"desk"})
    desk = desk_of(asked)
    newest = last(city, desk).number
    first = max(1, newest - PROVEN + 1)
    faults: list[dict[str, Any]] = []
    before: Entity | None = None
    for number in range(first, newest + 1):
        one = there(city, entry_id(desk, number))
        if one is None:
            faults.append({"number": number, "what": "it is missing"})
        elif number > first and before is not None and one.get("previous") != before.digest:
            faults.append({"number": number - 1, "what": "it is not what it was when the next one was entered"})
        elif one.get("number") != number or one.get("desk") != desk:
            faults.append({"number": number, "what": "it is not the entry that it says it is"})
        before = one
        if len(faults) >= PAGE:
            break
    return {"desk": desk, "entries": newest, "from": first, "sound": not faults, "faults": faults}


def _told(one: Entity) -> dict[str, Any]:
    names = (
        "desk", "number", "who", "begin", "end", "status", "closedBy", "acceptedBy", "endedBy", "handedAt", "handover",
        "entries", "previous", "next", "begunWithout",
    )  # fmt: skip
    return {"id": one.id, **{name: one[name] for name in names if name in one}}


def _entry_told(one: Entity, before: Entity | None) -> dict[str, Any]:
    names = (
        "number", "shift", "kind", "by", "at", "text", "about", "corrects", "happenedAt", "facts", "handover",
        "assurance", "begunWithout", "previous",
    )  # fmt: skip
    told = {"id": one.id, **{name: one[name] for name in names if name in one}, "digest": one.digest}
    if "digest" in one:
        told["accepts"] = one["digest"]
    if isinstance(told.get("about"), str):
        told["about"] = [told["about"]]
    told["follows"] = before is None or one.get("previous") == before.digest
    return told
