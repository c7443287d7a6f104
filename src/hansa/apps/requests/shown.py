"""A request as JSON: for everybody, for whoever holds its link, and for staff. Public is only what is named here."""

from collections.abc import Mapping
from typing import Any, Final

from hansa import Asking, City, Entity, NotFound
from hansa.apps.requests import case, clocks, reach, services
from hansa.apps.requests.places import point_in
from hansa.apps.requests.times import iso, micros

PUBLIC_KINDS: Final = frozenset(
    {"received", "triaged", "routed", "step", "asked", "replied", "answered", "closed", "reopened", "joined", "split"}
)
"""Steps of a log that are told outside; what staff note between them is not."""


def brief(one: Entity, known: services.Catalogue) -> dict[str, Any]:
    """One line of a public list."""
    point = point_in(one) or (None, None)
    return {
        "id": one.key,
        "service": one.get("serviceCode"),
        "names": names(one, known),
        "status": one.get("status"),
        "step": one.get("step"),
        "lon": point[0],
        "lat": point[1],
        "at": one.get("requestedAt"),
        "updated": one.get("updatedAt"),
        "people": one.get("people") or 1,
    }


def names(one: Entity, known: services.Catalogue) -> dict[str, str]:
    """What its service is called, in languages."""
    found = known.services.get(str(one.get("serviceCode")))
    return {"en": str(one.get("serviceCode"))} if found is None else dict(found.names)


def public(one: Entity, city: City, *, own: bool = False) -> dict[str, Any]:
    """All that is public of a request; to whoever reported it, also what waits for staff's eye."""
    known = services.catalogue(city)
    seen = own or one.get("shown") is True
    photos = city.find("RequestPhoto", f'request=="{one.id}"', limit=10)
    into = public_id(one.get("into"), city)
    return brief(one, known) | {
        "address": one.get("address") if seen else None,
        "district": one.get("district") or None,
        "department": one.get("department"),
        "expected": one.get("expectedAt") or one.get("closeDue") or None,
        "description": one.get("description") if seen else None,
        "answer": one.get("answer") or None,
        "notes": one.get("statusNotes") or None,
        "closed": one.get("closedAt") or None,
        "outcome": one.get("outcome") or None,
        "photos": sorted(paths(photos, published=True)),
        "joined": [it.key for it in case.joined(one, city) if it.get("listed") is True],
        "into": into or None,
        "course": [_line(it, own=own) for it in log(one, city) if it.get("kind") in PUBLIC_KINDS],
    }


def public_id(said: Any, city: City) -> str:
    """The id of a request that another names; "" unless it is listed itself."""
    found = _known(str(said), city) if said else None
    return found.key if found is not None and found.get("listed") is True else ""


def paths(photos: list[Entity], *, published: bool) -> list[str]:
    """Where photographs are read: those that everybody may see, or all."""
    return [
        f"/photos/{one.id}/{it['sha256']}"
        for one in photos
        if one.get("published") is True or not published
        for it in case.listing(one.get("media"))
        if isinstance(it, Mapping) and isinstance(it.get("sha256"), str)
    ]


def log(one: Entity, city: City) -> list[Entity]:
    """Its steps, the first first."""
    found = city.find("RequestStep", f'request=="{one.id}"', limit=case.STEPS_MOST)
    return sorted(found, key=lambda it: int(it.get("n") or 0))


def _line(one: Entity, *, own: bool) -> dict[str, Any]:
    """A step; what the reporter is asked is told to nobody else, for it may name him."""
    told = {"at": one.get("at"), "kind": one.get("kind"), "step": one.get("step")}
    return told | ({"text": one.get("text")} if one.get("text") and (own or one.get("kind") != "asked") else {})


def followed(one: Entity, reporter: Entity | None, city: Asking, kind: str) -> dict[str, Any]:
    """A request as whoever holds its link sees it."""
    mine = kind == "reporter"
    written = reporter is not None and reach.channel(reporter) is not None
    told = public(one, city, own=mine) | {"mine": mine, "written": written}
    if not mine:
        return told
    now = city.now()
    closed = one.get("status") == "closed"
    asked = clocks.waiting(one) and not closed
    ends = micros(one.get("reopenUntil"))
    contact = {} if reporter is None else {name: reporter.get(name) for name in ("name", "email", "phone", "anonymous")}
    return told | {
        "yourDescription": one.get("description"),
        "question": one.get("question") or None if asked else None,
        "mayReply": asked,
        "mayRate": closed and not one.get("rating"),
        "mayReopen": closed and now <= ends,
        "reopenUntil": iso(ends) if closed and ends else None,
        "rating": one.get("rating") or None,
        "reporter": {name: value for name, value in contact.items() if value not in (None, "")},
    }


def row(one: Entity, known: services.Catalogue, now: int) -> dict[str, Any]:
    """One line of staff's list."""
    due = one.get("answerDue") or one.get("closeDue") or ""
    likely = case.listing(one.get("likely"))
    return brief(one, known) | {
        "entity": one.id,
        "description": str(one.get("description") or "")[:240],
        "address": one.get("address") or "",
        "department": one.get("department"),
        "district": one.get("district") or "",
        "channel": one.get("channel"),
        "language": one.get("language"),
        "priority": one.get("priority") or "normal",
        "clock": one.get("clock"),
        "due": due,
        "dueFor": "answer" if one.get("answerDue") else "close" if due else "",
        "late": bool(due) and micros(due) < now,
        "breached": case.listing(one.get("breached")),
        "warned": case.listing(one.get("warned")),
        "likely": len(likely),
        "joined": len(case.listing(one.get("joined"))),
        "into": one.get("into") or "",
        "photos": one.get("photos") or 0,
        "score": (one.get("rating") or {}).get("score"),
    }


def whole(one: Entity, city: City) -> dict[str, Any]:
    """All that staff see of one: its log, photographs, neighbours."""
    known = services.catalogue(city)
    service = known.services.get(str(one.get("serviceCode")))
    photos = city.find("RequestPhoto", f'request=="{one.id}"', limit=10)
    return row(one, known, city.now()) | {
        "description": one.get("description") or "",
        "answers": one.get("answers") or {},
        "questions": [] if service is None else [it.told() for it in service.questions],
        "serviceVersion": one.get("serviceVersion"),
        "levels": {} if service is None else {"answer_h": service.answer_h, "close_h": service.close_h},
        "answerDue": one.get("answerDue") or "",
        "closeDue": one.get("closeDue") or "",
        "expected": one.get("expectedAt") or "",
        "firstAnswerAt": one.get("firstAnswerAt") or "",
        "closedAt": one.get("closedAt") or "",
        "answer": one.get("answer") or {},
        "question": one.get("question") or {},
        "rating": one.get("rating") or {},
        "shown": one.get("shown") is True,
        "listed": one.get("listed") is True,
        "hiddenAt": one.get("hiddenAt") or "",
        "outcome": one.get("outcome") or "",
        "log": [_staff_line(it) for it in log(one, city)],
        "photographs": [
            {"entity": it.id, "path": path, "published": it.get("published") is True}
            for it in sorted(photos, key=lambda it: it.key)
            for path in paths([it], published=False)
        ],
        "suggested": [_suggested(it, city, known) for it in case.listing(one.get("likely")) if isinstance(it, Mapping)],
        "followers": [row(it, known, city.now()) for it in case.joined(one, city)],
    }


def _staff_line(one: Entity) -> dict[str, Any]:
    return {name: one.get(name) for name in ("n", "at", "by", "kind", "step", "note", "text", "more") if one.get(name)}


def _suggested(said: Mapping[str, Any], city: City, known: services.Catalogue) -> dict[str, Any]:
    ident = str(said.get("id"))
    other = _known(ident, city)
    told = {"id": ident.removeprefix(case.PREFIX), "entity": ident, "score": said.get("score"), "why": said.get("why")}
    if other is not None:
        told |= {"other": row(other, known, city.now())}
    return told


def _known(ident: str, city: City) -> Entity | None:
    try:
        return city.get(ident)
    except NotFound:
        return None
