"""Notices that run-books write, brought to the people they name by the same deliveries as warnings.

Whoever is named and has no channel here is not lost: his notice stands with a human at once.
"""

from collections.abc import Iterator
from typing import Any, Final

from hansa import Change, City, Entity, entity
from hansa.apps.warnings import ladder, templates, words
from hansa.apps.warnings.sending import delivery_id
from hansa.apps.warnings.words import NEVER, iso

NAMED: Final = 200  # people of one notice


def noticed(change: Change, city: City) -> Iterator[Entity]:
    """A notice was written: one delivery for each person it names."""
    notice = change.entity
    message = notice.get("message")
    people = notice.get("to")
    if notice.get("status") != "written" or not isinstance(message, str) or not isinstance(people, list):
        return
    now = city.now()
    clean = "".join(one for one in message if one.isprintable() or one == "\n")
    for who in list(dict.fromkeys(str(one) for one in people))[:NAMED]:
        found = city.find("Recipient", f'person=="{_plain(who)}"', limit=5) if _plain(who) == who else []
        mine = next((one for one in found if one.get("status") == "active"), None)
        whole: dict[str, Any] = {
            "warning": notice.id,
            "recipient": mine.id if mine is not None else None,
            "named": who[: words.NAME],
            "purpose": "notice",
            "texts": templates.notice(clean),
            "language": (mine.get("language") if mine is not None else None) or "en",
            "rank": 1,
            "attempts": [],
            "made": iso(now),
            "again": False,
        }
        made = entity("Delivery", delivery_id(notice.id, who), **(whole | _step(mine, notice, city, now)))
        made.label = "personal" if mine is None else mine.label or "personal"
        yield made


def _step(mine: Entity | None, notice: Entity, city: City, now: int) -> dict[str, Any]:
    if mine is None:
        why = "no channel is known of him"
        human = {"escalatedAt": iso(now), "escalatedTo": ladder.contact(None, city)}
        return {"status": "escalated", "due": NEVER, "step": -1, "why": why, **human}
    step = ladder.following(mine, -1)
    if step is None:
        return ladder.begin(mine, notice, city, now)
    one = ladder.channels(mine)[step]
    # Who has a post in an incident is told at any hour.
    due = ladder.deadline(notice, city, now)
    return {"status": "waiting", "step": step, "channel": ladder.sent_to(one), "address": one.get("key"), "due": due}


def _plain(text: str) -> str:
    """The text without what would be no string of a query."""
    return "".join(one for one in text if one.isprintable() and one not in '"\\;|()')
