"""The process side of alarms that others write: each raising counted once, with its times, whoever the others are.

watch, frost and any third party say `status` (and severity) of Alerts of their own; these rules add how often, since
when, and which run-book fits. They follow the log, and what they say is committed with their place in it: a restart
counts nothing twice and leaves nothing out. People's acts write other attributes, so neither undoes the other.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Final
from weakref import WeakKeyDictionary

from hansa import Attribute, Change, City, Entity, NotFound, entity
from hansa.apps.alarms.standing import SEVERITIES, active, graver, is_ours, iso, severity, whole

BOOKS: Final = 1_000  # run-books that are looked at
_books: WeakKeyDictionary[City, list[Entity]] = WeakKeyDictionary()


def count(change: Change, city: City) -> Iterator[Entity]:
    """Count a raising or a clearing that somebody else's Alert has just told."""
    moved = _moved(change)
    if not moved:
        return
    try:
        # The newest, not the state of then: it holds what this rule has counted meanwhile.
        known = city.get(change.entity.id)
    except NotFound:
        return
    if _counted(known) >= change.seq:
        return  # it comes again because somebody asked for it (`hansa deadletters`)
    at = iso(change.at)
    if moved == "cleared":
        yield entity(known.type, known.id, lastCleared=Attribute(at, at=change.at, extra=_mark(change)))
        return
    before = change.before
    # What stood before there was a desk was raised once, however often that was.
    earlier = whole(known, "activations") or int(before is not None and "dateIssued" in before)
    yield entity(
        known.type,
        known.id,
        activations=Attribute(earlier + 1, at=change.at, extra=_mark(change)),
        raises=Attribute(earlier + 1, at=change.at),
        firstRaised=None if "firstRaised" in known else at,
        lastRaised=at,
        escalation=0 if "escalation" in known else None,
    )


def suggest(change: Change, city: City) -> Iterator[Entity]:
    """Name the run-book for an alarm that was raised, unless it has one."""
    alert = change.entity
    if "runBook" in alert or not ({"status", "activations", "subCategory", "category"} & change.names):
        return
    if not active(alert):
        return
    books = _books.get(city)
    if books is None:
        books = _books[city] = city.find("RunBook", limit=BOOKS)
    best = fitting(alert, books)
    if best is not None:
        yield entity(alert.type, alert.id, runBook=Attribute(best.id, kind="Relationship"))


def booked(change: Change, city: City) -> Iterator[Entity]:
    """A run-book came, changed or went: remember it, and name it for alarms that stand without one."""
    _books.pop(city, None)
    if change.gone:
        return
    for alert in city.find("Alert", 'status!="closed"', limit=BOOKS // 2):
        if "runBook" not in alert and fitting(alert, [change.entity]) is not None:
            yield entity(alert.type, alert.id, runBook=Attribute(change.entity.id, kind="Relationship"))


def fitting(alert: Entity, books: list[Entity]) -> Entity | None:
    """The run-book whose `forAlarms` says an alarm most exactly: its kind, a pattern of kinds, its category, `*`.

    Of equals the one with the lower id. What is more confidential than the alarm is not named on it.
    """
    kind, category = str(alert.get("subCategory", "")), str(alert.get("category", ""))
    found: tuple[int, str] | None = None
    best = None
    for book in books:
        patterns = book.get("forAlarms")
        patterns = [patterns] if isinstance(patterns, str) else patterns
        if not isinstance(patterns, list) or not _no_secret(book, alert):
            continue
        for pattern in patterns[:100]:
            rank = _rank(pattern, kind, category)
            if rank and (found is None or (-rank, book.id) < found):
                found, best = (-rank, book.id), book
    return best


def _rank(pattern: Any, kind: str, category: str) -> int:
    """How exactly a pattern says an alarm; 0: not at all."""
    if not isinstance(pattern, str) or not 0 < len(pattern) <= 200:
        return 0
    if pattern in {kind, f"{category}/{kind}"}:
        return 4
    if pattern == "*":
        return 1
    if pattern == category:
        return 2
    wild = "*" in pattern or "?" in pattern
    return 3 if wild and any(fnmatchcase(one, pattern) for one in (kind, category, f"{category}/{kind}")) else 0


def _no_secret(book: Entity, alert: Entity) -> bool:
    return book.label is None or book.label == alert.label or book.label.split(";")[0] in {"open", "smart"}


def _moved(change: Change) -> str:
    """`raised`, `cleared`, or nothing: what a Change did to an Alert whose process side is not the desk's."""
    alert, names = change.entity, change.names
    if change.gone or "activations" in names or (is_ours(alert.id) and {"raises", "clears"} & names):
        return ""  # an act, or this rule itself, which count as they write
    if change.new:
        return "raised" if active(alert) else ""
    if not {"status", "severity"} & names:
        return ""
    before = change.before
    if before is None or active(before) != active(alert):
        return "raised" if active(alert) else "cleared"
    # What turns graver rings again: whoever acknowledged the lesser has not seen this.
    return "raised" if active(alert) and _known(before) and graver(severity(alert), severity(before)) else ""


def _known(alert: Entity) -> bool:
    return alert.get("severity") in SEVERITIES


def _counted(alert: Entity) -> int:
    """The seq of the newest Change that was counted."""
    marks = [0]
    for name in ("activations", "lastCleared"):
        extra = alert.attribute(name).extra if name in alert else None
        mark = None if extra is None else extra.get("change")
        if isinstance(mark, dict) and isinstance(mark.get("value"), int):
            marks.append(mark["value"])
    return max(marks)


def _mark(change: Change) -> dict[str, Any]:
    return {"change": {"type": "Property", "value": change.seq}}
