"""Acts: who is who in an incident, what is to be reached, what is noted, what it costs, what was found afterwards."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from hansa import Act, City, Conflict, Entity, Refusal
from hansa.apps.incidents import asked, words
from hansa.apps.incidents.case import case, moment
from hansa.apps.incidents.lines import Line
from hansa.apps.incidents.made import app

_CURRENCY: Final = 3
_AMOUNT_MAX: Final = 1e12


@app.act("post", "Incident", roles=words.DESK)
def post(act: Act, _city: City) -> Iterator[Entity]:
    """Name somebody (`person`) for a `post` of ISO 22320, or take him off it (`off`); one person commands at a time."""
    asked.only(act.said, "post", "person", "off")
    it = case(act).going()
    what = asked.choice(act.said, "post", words.POSTS)
    who = asked.person(act.said, "person")
    off = asked.flag(act.said, "off")
    if what == words.COMMANDER:
        if it.commander and not (it.who.senior or it.commander == act.by):
            raise Refusal(f"{it.commander} is in command", where="post", mend="a supervisor, or he himself, hands over")
        if off:
            raise Refusal("a command is handed over, not left", where="off", mend="name the next commander")
    else:
        it.decided(words.COMMANDER, "planning")
    have = list(it.posts.get(what, []))
    if (who in have) is not off:
        raise Refusal(f"{who} {'has' if off else 'is'} {'no such post' if off else what + ' already'}", where="person")
    new = [one for one in have if one != who] if off else [who] if what == words.COMMANDER else [*have, who]
    if len(new) > words.PERSONS_MAX:
        raise Refusal(f"at most {words.PERSONS_MAX} people on one post", where="person")
    posts = {name: people for name, people in {**it.posts, what: new}.items() if people}
    if what == words.COMMANDER:
        told = f"{who} takes command{f' from {it.commander}' if it.commander else ''}"
        first: dict[str, Any] = {} if "dateCommanded" in it.incident else {"dateCommanded": moment(act)}
        line = Line("role", told, {"post": what, "person": who, "was": it.commander})
        yield from it.says(line, roles=posts, commander=who, **first)
    else:
        told = f"{who} is no longer {what}" if off else f"{who} is {what}"
        yield from it.says(Line("role", told, {"post": what, "person": who, "off": off}), roles=posts)


@app.act("note", "Incident", roles=words.DESK)
def note(act: Act, _city: City) -> Iterator[Entity]:
    """Write a line into the log: a note, a `decision`, or a `message` that came or went."""
    asked.only(act.said, "text", "kind")
    it = case(act)  # also afterwards: a log that cannot be added to is kept somewhere else
    kind = asked.choice(act.said, "kind", words.NOTES, "note")
    yield from it.says(Line(kind, asked.text(act.said, "text", words.TEXT_MAX)))


@app.act("objective", "Incident", roles=words.DESK)
def objective(act: Act, _city: City) -> Iterator[Entity]:
    """Say what is to be reached (`text`), or that objective `n` is `met` or `dropped`."""
    asked.only(act.said, "text", "n", "state", "was")
    it = case(act).working().decided(words.COMMANDER, "planning")
    have: list[dict[str, Any]] = list(it.incident.get("objectives") or [])
    if "n" not in act.said:
        if len(have) >= words.OBJECTIVES_MAX:
            raise Refusal(f"an incident has at most {words.OBJECTIVES_MAX} objectives", mend="drop some")
        text = asked.text(act.said, "text", 1_000)
        new = {"n": len(have) + 1, "text": text, "state": "open", "by": act.by, "at": moment(act)}
        yield from it.says(Line("objective", f"Objective {new['n']}: {text}", {"n": new["n"]}), objectives=[*have, new])
        return
    n = int(asked.number(act.said, "n", 1, words.OBJECTIVES_MAX))
    if n > len(have):
        raise Refusal(f"there is no objective {n}", where="n")
    state = asked.choice(act.said, "state", ("open", "met", "dropped"))
    if have[n - 1]["state"] == state:
        raise Conflict(f"objective {n} is {state} already")
    every = [{**one, "state": state, "at": moment(act), "by": act.by} if one["n"] == n else one for one in have]
    told = f"Objective {n} {state}: {have[n - 1]['text']}"
    yield from it.says(Line("objective", told, {"n": n, "state": state}), objectives=every)


@app.act("need", "Incident", roles=words.DESK)
def need(act: Act, _city: City) -> Iterator[Entity]:
    """Say what an incident needs: so many (`count`) of a `capability`, how pressing (`priority`); 0: none any more."""
    asked.only(act.said, "capability", "count", "priority")
    it = case(act).working()
    what = asked.line(act.said, "capability")
    many = int(asked.number(act.said, "count", 0, 1_000))
    severity = str(it.incident.get("severity", "medium"))
    priority = asked.choice(act.said, "priority", words.SEVERITIES, severity)
    have = [one for one in it.incident.get("needs") or [] if one.get("capability") != what]
    every = [*have, {"capability": what, "count": many, "priority": priority}] if many else have
    if len(every) > words.NEEDS_MAX:
        raise Refusal(f"an incident needs at most {words.NEEDS_MAX} kinds of things")
    told = f"Needs {many} × {what} ({priority})" if many else f"Needs no {what} any more"
    yield from it.says(Line("need", told, {"capability": what, "count": many}), needs=every)


@app.act("cost", "Incident", roles=words.DESK)
def cost(act: Act, _city: City) -> Iterator[Entity]:
    """Note what something cost: `what`, `amount`, `currency`; or `void` item `n` with a `reason`. Nothing is erased."""
    asked.only(act.said, "what", "amount", "currency", "void", "reason")
    it = case(act)
    have: list[dict[str, Any]] = list(it.incident.get("cost") or [])
    if "void" in act.said:
        n = int(asked.number(act.said, "void", 1, words.COSTS_MAX))
        if n > len(have):
            raise Refusal(f"there is no item {n}", where="void")
        if have[n - 1].get("void"):
            raise Conflict(f"item {n} is void already")
        reason = asked.text(act.said, "reason", 1_000)
        every = [{**one, "void": reason, "voidBy": act.by} if one["n"] == n else one for one in have]
        yield from it.says(Line("cost", f"Cost {n} void: {reason}", {"n": n, "void": True}), cost=every)
        return
    if len(have) >= words.COSTS_MAX:
        raise Refusal(f"an incident holds {words.COSTS_MAX} cost items", mend="sum up")
    amount = asked.number(act.said, "amount", 0.01, _AMOUNT_MAX)
    if round(amount, 2) != amount:
        raise Refusal("amount has at most two decimals", where="amount")
    currency = asked.line(act.said, "currency")
    if len(currency) != _CURRENCY or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise Refusal("currency is a code of ISO 4217", where="currency", mend="write EUR")
    new = {"n": len(have) + 1, "what": asked.line(act.said, "what"), "amount": amount, "currency": currency}
    told = f"Cost {new['n']}: {new['what']}, {amount:,.2f} {currency}"
    yield from it.says(Line("cost", told, dict(new)), cost=[*have, {**new, "by": act.by, "at": moment(act)}])


def sums(items: list[dict[str, Any]]) -> dict[str, float]:
    """What was spent, by currency; nothing is converted."""
    total: dict[str, Decimal] = {}
    for one in items:
        if not one.get("void"):
            total[one["currency"]] = total.get(one["currency"], Decimal(0)) + Decimal(str(one["amount"]))
    return {currency: float(amount) for currency, amount in sorted(total.items())}


@app.act("finding", "Incident", roles=words.DESK)
def finding(act: Act, _city: City) -> Iterator[Entity]:
    """Add to the after-action review: what went well, what to improve, a decision looked back on, an action to take."""
    asked.only(act.said, "text", "kind", "owner", "due")
    it = case(act)
    if it.status not in {words.RESOLVED, words.REVIEWED}:
        raise Refusal(
            f"this incident is {it.status}", where="id", mend="resolve it first; until then the log takes notes"
        )
    have: list[dict[str, Any]] = list(it.incident.get("findings") or [])
    if len(have) >= words.FINDINGS_MAX:
        raise Refusal(f"a review holds {words.FINDINGS_MAX} findings")
    kind = asked.choice(act.said, "kind", words.FINDINGS)
    new: dict[str, Any] = {"n": len(have) + 1, "kind": kind, "text": asked.text(act.said, "text", 5_000)}
    if kind == "action":
        new["owner"] = asked.person(act.said, "owner")
        new["due"] = asked.due(act.said, act.at)
    new |= {"by": act.by, "at": moment(act)}
    yield from it.says(Line("review", f"{kind}: {new['text']}", {"n": new["n"], "kind": kind}), findings=[*have, new])
