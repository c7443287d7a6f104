"""The delivery board of a warning: who has it, by whose word, and who has not, with the next step and its clock.

Every figure is counted from the deliveries themselves when it is asked for, so it cannot differ from them. A gateway's
acceptance stands beside what people confirmed: a channel that takes everything and brings nothing is seen.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import Answer, Asking, Entity, Forbidden, NotFound, Refusal
from hansa.apps.warnings import ladder, words
from hansa.apps.warnings.people import STAFF
from hansa.apps.warnings.words import NEVER, SECOND, iso

ALL: Final = 200_000  # deliveries of one warning that are counted
ROWS: Final = 500  # of one page of the table
STATUSES: Final = (
    *("held", "waiting", "sending", "handed", "failed", "confirmed", "escalated", "reached", "unreached"),
    "ended",
)
READERS: Final = STAFF | {"engineer", "auditor", "data_officer"}
FEW: Final = 20  # accepted, before a channel is judged
POOR: Final = 0.2  # of what a channel accepted was confirmed: below it, somebody should look


def seen_by(city: Asking, roles: frozenset[str] = READERS) -> None:
    """Deliveries are about persons: staff see them here, for the purpose of warning. Raises Forbidden."""
    at_the_machine = "administrator" in city.roles and not city.by.startswith("person:")
    if not (city.roles & roles or at_the_machine):
        raise Forbidden("this is for the staff of the warning desk", mend="sign in: /sign-in")


def deliveries(ident: str, city: Asking) -> list[Entity]:
    """All deliveries of one warning (not of its chain). Raises NotFound, Refusal."""
    if not ident or '"' in ident or "\\" in ident or len(ident) > words.NAME * 2:
        raise Refusal("id names a warning", where="id")
    one = city.get(ident)
    if "Warning" not in one.types:
        raise NotFound("there is no such warning", where="id")
    return city.find("Delivery", f'warning=="{ident}"', limit=ALL)


def board(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Counts by state and channel, the funnel, how quickly, what each channel is worth, what comes next."""
    seen_by(city)
    ident = asked.get("id", "")
    them = deliveries(ident, city)
    try:
        sending = city.get(f"urn:ngsi-ld:Sending:{ident.rsplit(':', 1)[-1]}")
    except NotFound:
        sending = None
    now = city.now()
    return counted(them) | {
        "id": ident,
        "at": iso(now),
        "planning": None
        if sending is None
        else {
            "status": sending.get("status"),
            "many": sending.get("many"),
            "share": words.whole(sending.get("at")) / 256,
        },
        "next": _next(them, now),
        "cut": len(them) >= ALL,
    }


def counted(them: Iterable[Entity]) -> dict[str, Any]:
    """The figures of deliveries; pure."""
    status: Counter[str] = Counter()
    channel: dict[str, Counter[str]] = {}
    worth: dict[str, Counter[str]] = {}
    how: Counter[str] = Counter()
    took: list[float] = []
    left = accepted = again = odd = 0
    for one in them:
        state = str(one.get("status"))
        status[state] += 1
        kind = str(words.mapping(one.get("channel")).get("kind") or "none")
        channel.setdefault(kind, Counter())[state] += 1
        tries = words.dicts(one.get("attempts"))
        took_by = {str(it.get("kind")) for it in tries if it.get("outcome") in {"handed", "perhaps", "confirmed"}}
        for name in took_by:
            worth.setdefault(name, Counter())["accepted"] += 1
        for name in {str(it.get("kind")) for it in tries if it.get("outcome") == "failed"}:
            worth.setdefault(name, Counter())["failed"] += 1
        left += bool(tries) or state in {"sending", "handed", "confirmed"}
        accepted += bool(took_by)
        again += one.get("again") is True
        if "confirmedAt" in one:
            by = str(one.get("confirmedHow") or "?")
            how[by] += 1
            worth.setdefault(kind, Counter())["confirmed"] += 1
            begun, at = words.instant(one.get("made")), words.instant(one.get("confirmedAt"))
            if begun is not None and at is not None:
                took.append((at - begun) / SECOND)
        odd += any(it.get("late") or it.get("unread") for it in words.dicts(one.get("confirmations")))
    took.sort()
    total = sum(status.values())
    return {
        "total": total,
        "status": {name: status[name] for name in STATUSES if status[name]},
        "channels": {kind: dict(sorted(many.items())) for kind, many in sorted(channel.items())},
        "how": dict(how.most_common()),
        "funnel": [
            {"step": "recipients", "many": total},
            {"step": "sent", "many": left},
            {"step": "accepted", "many": accepted},
            {"step": "confirmed", "many": status["confirmed"]},
            {"step": "human", "many": status["escalated"] + status["reached"] + status["unreached"]},
        ],
        "again": again,
        "odd": odd,
        "seconds": {"p50": _at(took, 0.5), "p90": _at(took, 0.9), "p99": _at(took, 0.99)},
        "worth": [_worth(kind, many) for kind, many in sorted(worth.items())],
    }


def _worth(kind: str, many: Counter[str]) -> dict[str, Any]:
    taken, told = many["accepted"], many["confirmed"]
    share = round(told / taken, 3) if taken else None
    doubt = taken >= FEW and told < POOR * taken
    return {
        "channel": kind,
        "accepted": taken,
        "failed": many["failed"],
        "confirmed": told,
        "share": share,
        "doubt": doubt,
    }


def _at(took: list[float], part: float) -> float | None:
    return took[min(len(took) - 1, int(part * len(took)))] if took else None


def _next(them: Iterable[Entity], now: int) -> dict[str, Any] | None:
    """When the next step of anybody is due."""
    due = [words.whole(one.get("due"), NEVER) for one in them if one.get("status") in ladder.OPEN]
    soonest = min(due, default=NEVER)
    if soonest >= NEVER:
        return None
    return {"at": iso(max(soonest, now)), "many": sum(1 for one in due if one <= soonest + SECOND)}


def rows(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Deliveries one by one: `status` (words with commas; `open`: all that nobody confirmed), `channel`, `from`."""
    seen_by(city)
    wanted = [one for one in asked.get("status", "open").split(",") if one]
    if unknown := [one for one in wanted if one not in {*STATUSES, "open"}]:
        raise Refusal(
            "there is no such status", where="status", mend=f"{', '.join(STATUSES)}, open ({unknown[0][:20]!r})"
        )
    states = {it for one in wanted for it in ((ladder.OPEN | {"escalated", "unreached"}) if one == "open" else {one})}
    kind = asked.get("channel", "")
    begin = asked.get("from", "0")
    if not begin.isascii() or not begin.isdigit() or len(begin) > 7:
        raise Refusal("from is a whole number", where="from")
    them = [
        one
        for one in deliveries(asked.get("id", ""), city)
        if one.get("status") in states
        and (not kind or (words.mapping(one.get("channel")).get("kind") or "none") == kind)
    ]
    them.sort(key=lambda one: (words.whole(one.get("due"), NEVER), one.id))
    page = them[int(begin) : int(begin) + ROWS]
    return {"total": len(them), "from": int(begin), "rows": [row(one, city) for one in page]}


def row(one: Entity, city: Asking) -> dict[str, Any]:
    """A delivery as the board shows it, with who it is and what comes next."""
    try:
        recipient = city.get(words.relation(one, "recipient") or "urn:ngsi-ld:Recipient:nobody")
    except NotFound:
        recipient = None
    due = words.whole(one.get("due"), NEVER)
    step = words.whole(one.get("step"), -1)
    after = ladder.following(recipient, step)
    human = words.mapping(one.get("escalatedTo")) or ladder.contact(recipient, city)
    is_open = one.get("status") in ladder.OPEN
    tries = words.dicts(one.get("attempts"))
    place = words.dicts(None if recipient is None else recipient.get("places"))
    return {
        "id": one.id,
        "name": str((recipient.get("name") if recipient is not None else "") or one.get("named") or ""),
        "groups": (recipient.get("groups") if recipient is not None else None) or [],
        "place": place[0].get("name") if place else "",
        "language": one.get("language"),
        "status": one.get("status"),
        "channel": words.mapping(one.get("channel")).get("kind"),
        "to": shown(words.mapping(one.get("channel"))),
        "again": one.get("again") is True,
        "due": iso(due) if is_open and due < NEVER else None,
        "next": None if not is_open else ladder.channels(recipient)[after]["kind"] if after is not None else "human",
        "human": human,
        "tries": len(tries),
        "why": str(one.get("why") or (tries[-1].get("why") if tries else "") or ""),
        "confirmedAt": one.get("confirmedAt"),
        "confirmedHow": one.get("confirmedHow"),
        "odd": [it for it in words.dicts(one.get("confirmations")) if it.get("late") or it.get("unread")],
        "note": one.get("note"),
    }


def tree(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """The telephone tree: whom a human has to reach, by who has it, for printing. Without `id`: of all warnings.

    It has numbers whole, so it is for those who ring: neither auditors nor engineers.
    """
    seen_by(city, STAFF)
    ident = asked.get("id", "")
    if ident:
        them = [
            one for one in deliveries(ident, city) if one.get("status") in {"escalated", "unreached"} or _by_hand(one)
        ]
    else:
        them = city.find("Delivery", 'status=="escalated"', limit=ROWS * 4)
    lists: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in them[: ROWS * 4]:
        line: dict[str, Any] = row(one, city)
        try:
            recipient = city.get(words.relation(one, "recipient") or "urn:ngsi-ld:Recipient:nobody")
        except NotFound:
            recipient = None
        numbers = [str(it["to"]) for it in ladder.channels(recipient) if it.get("kind") in {"phone", "sms"}]
        line |= {
            "numbers": list(dict.fromkeys(numbers)),
            "since": one.get("escalatedAt"),
            "warning": one.get("warning"),
        }
        human = line["human"]
        lists.setdefault((human.get("name", ""), human.get("phone", "")), []).append(line)
    told: list[dict[str, Any]] = [
        {"name": name, "phone": phone, "of": sorted(lines, key=lambda it: (it["name"], it["id"]))}
        for (name, phone), lines in sorted(lists.items())
    ]
    return {"at": iso(city.now()), "lists": told, "total": len(them), "cut": len(them) > ROWS * 4}


_WITH_HUMANS: Final = frozenset({"escalated", "unreached"})


def _by_hand(one: Entity) -> bool:
    return one.get("status") == "handed" and words.mapping(one.get("channel")).get("kind") in ladder.BY_HAND


def export(asked: Mapping[str, str], city: Asking) -> Answer:
    """Every delivery of a warning as CSV."""
    seen_by(city)
    out = io.StringIO()
    write = csv.writer(out)
    names = ["id", "status", "channel", "step", "again", "language", "made", "due", "attempts", "lastOutcome", "why"]
    write.writerow([*names, "confirmedAt", "confirmedHow", "confirmedBy", "escalatedTo", "escalatedAt"])
    for one in sorted(deliveries(asked.get("id", ""), city), key=lambda it: it.id):
        tries = words.dicts(one.get("attempts"))
        due = words.whole(one.get("due"), NEVER)
        last = tries[-1] if tries else {}
        said = [one.id, one.get("status"), words.mapping(one.get("channel")).get("kind"), one.get("step")]
        said += [one.get("again"), one.get("language"), one.get("made"), iso(due) if due < NEVER else "", len(tries)]
        said += [last.get("outcome"), one.get("why") or last.get("why")]
        said += [one.get(name) for name in ("confirmedAt", "confirmedHow", "confirmedBy")]
        said += [words.mapping(one.get("escalatedTo")).get("name"), one.get("escalatedAt")]
        write.writerow([_cell(it) for it in said])
    return Answer(out.getvalue().encode(), "text/csv; charset=utf-8", "deliveries.csv")


def _cell(value: Any) -> str:
    """A text that no spreadsheet runs."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def shown(channel: Mapping[str, Any]) -> str:
    """An address as it may stand on a screen: enough to know it again."""
    to = channel.get("to")
    kind = channel.get("kind")
    if kind == "push":
        return "this browser" if to else ""
    if not isinstance(to, str):
        return ""
    if kind == "email":
        local, _, host = to.partition("@")
        return f"{local[:1]}…@{host}"
    if kind in {"sms", "phone"}:
        return f"{to[:4]}…{to[-2:]}"
    return to if len(to) <= 40 else f"{to[:39]}…"
