"""Warnings that arrive: drafted, approved by two, sent by every channel, and confirmed or brought to a human.

Report sections 2.4.2 and 4.1.4 (success case 21); OASIS CAP 1.2. The app decides who is told, how, by when he must have
answered and what happens then; the courier (`hansa.platform.courier`) carries it. See README.md beside this file.
"""

from collections.abc import Iterator
from typing import Any, Final

from hansa import Act, App, Asking, Conflict, Entity, NotFound, entity
from hansa.apps.warnings import (
    board,
    doors,
    drafting,
    ladder,
    lists,
    notices,
    people,
    sending,
    standing,
    telling,
    views,
    words,
)
from hansa.apps.warnings.words import NEVER, iso

__all__ = ["app"]

STAFF: Final = people.STAFF
APPROVE: Final = frozenset({"operator", "supervisor", "command"})
STANDING: Final = frozenset({"supervisor", "command"})
READERS: Final = board.READERS | {"administrator", "member"}

app = App(
    "warnings",
    report="2.4.2",
    reads={
        *(
            "Warning",
            "WarningLog",
            "Sending",
            "Delivery",
            "Recipient",
            "StandingApproval",
            "Alert",
            "Notice",
            "SmsReply",
        ),
    },
    writes={
        *("Warning", "WarningLog", "Sending", "Delivery", "Recipient", "StandingApproval", "SmsReply"),
    },
    append_only={"WarningLog"},
    keeps=dict.fromkeys(("Warning", "Sending", "Delivery", "Recipient", "StandingApproval", "SmsReply"), ()),
)

# ---- The desk
app.act("draft", "Warning", roles=STAFF, new=True)(drafting.draft)
app.act("edit", "Warning", roles=STAFF)(drafting.edit)
app.act("propose", "Warning", roles=STAFF)(drafting.propose)
app.act("approve", "Warning", roles=APPROVE, fresh=True, noted=True)(drafting.approve)
app.act("send", "Warning", roles=APPROVE, fresh=True, noted=True)(drafting.send)
app.act("return", "Warning", roles=STAFF)(drafting.give_back)
app.act("discard", "Warning", roles=STAFF)(drafting.discard)
app.act("update", "Warning", roles=STAFF)(drafting.update)
app.act("cancel", "Warning", roles=STAFF)(drafting.cancel)
app.act("allow", "StandingApproval", roles=STANDING, new=True)(standing.allow)
app.act("agree", "StandingApproval", roles=STANDING, fresh=True, noted=True)(standing.agree)
app.act("revoke", "StandingApproval", roles=STAFF)(standing.revoke)

# ---- People; what is about them is written by the app, which sees to it whose it is
app.act("subscribe", "Recipient", new=True, public=True, key=people.line)(people.subscribe)
app.act("change", "Recipient", new=True, public=True)(people.change)
app.act("unsubscribe", "Recipient", new=True, public=True)(people.unsubscribe)
app.act("link", "Recipient", new=True, public=True, key=people.line)(people.link)
app.act("enter", "Recipient", new=True, public=True)(lists.enter)
app.act("import", "Recipient", new=True, public=True)(lists.bring)

# ---- Views
app.view("current", public=True)(views.current)
app.view("warning", public=True)(views.warning)
app.view("told", public=True)(views.told)
app.view("subscription", public=True)(views.subscription)
app.view("mine", public=True)(views.mine)
app.view("choices", public=True)(views.choices)
app.view("list", roles=READERS)(views.listed)
app.view("one", roles=READERS)(views.one_)
app.view("forms", roles=READERS)(views.forms)
app.view("approvals", roles=READERS)(views.approvals)
# Of persons, so the app reads them with its own sight, for those whom `board.seen_by` lets.
app.view("recipients", public=True)(views.recipients)
app.view("board", public=True)(board.board)
app.view("deliveries", public=True)(board.rows)
app.view("tree", public=True)(board.tree)
app.view("export", public=True)(board.export)

# ---- Doors
app.door("POST", "/cap", most=doors.CAP)(doors.cap_in)
app.door("GET", "/cap/feed.atom")(doors.feed)
app.door("GET", "/cap/certificate.pem")(doors.certificate)
app.door("GET", "/cap/{identifier}")(doors.cap_out)
app.door("POST", "/w/{token}", most=10_000)(doors.confirm)
app.door("POST", "/w/code/{recipient}", most=10_000)(doors.code)

# ---- Rules
app.on("Warning", "state")(sending.approved)
app.on("Warning", "hold")(sending.approved)
app.on("Sending")(sending.planned)
app.on("Delivery", "status")(telling.heard)
app.on("SmsReply")(telling.replied)
app.on("Alert", "status")(standing.alerted)
app.on("Notice", "status")(notices.noticed)
app.every(sending.ROUND_S)(sending.go_on)
app.every(telling.ROUND_S)(telling.look)
app.every(10.0)(telling.run_out)
app.every(3_600.0)(telling.tidy)


@app.act("reached", "Delivery", public=True)
def reached(act: Act, city: Asking) -> Iterator[Entity]:
    """Say that one has reached somebody (by telephone, at the door); `note` says how."""
    yield _by_hand(act, "reached", city)


@app.act("unreached", "Delivery", public=True)
def unreached(act: Act, city: Asking) -> Iterator[Entity]:
    """Say that somebody could not be reached, with a `note`; of a telephone in between, the next channel is tried."""
    yield _by_hand(act, "unreached", city)


def _by_hand(act: Act, what: str, city: Asking) -> Entity:
    lists.may(act, STAFF)
    words.only(act.said, "note")
    one = act.subject
    if one is None:
        raise NotFound("there is no such delivery", where="id")
    status = one.get("status")
    waits = status in ladder.OPEN and words.mapping(one.get("channel")).get("kind") in ladder.BY_HAND
    if what == "reached" and status not in ladder.OPEN | {"escalated", "unreached"}:
        raise Conflict(f"it is {status}")
    if what == "unreached" and not (status == "escalated" or waits):
        raise Conflict(f"it is {status}")
    note = words.text(act.said, "note", 500)
    if what == "unreached" and waits:
        warning = city.get(words.relation(one, "warning"))
        return ladder.advance(one, ladder.recipient_of(one, city), warning, city, act.at, f"not reached: {note}"[:300])
    said: dict[str, Any] = {
        "status": what,
        "due": NEVER,
        "handledBy": act.by,
        "handledAt": iso(act.at),
        "note": note,
    }
    return entity("Delivery", act.id, **said)
