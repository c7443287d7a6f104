"""Requests about one thing, joined and split again; suggestions that people turned down are kept, for they teach."""

from collections.abc import Iterable
from typing import Any

from hansa import Act, Asking, Conflict, Entity, Refusal
from hansa.apps.requests import case, likeness, services
from hansa.apps.requests.made import STAFF, app


@app.act("join", "ServiceRequest", roles=STAFF)
def join(act: Act, city: Asking) -> Iterable[Entity]:
    """Say that it is about the same as `into`: from then on it follows that one, and its reporter hears the answer."""
    one = act.subject
    if one is None:
        raise Refusal("name the request", where="id")
    case.must_be_open(one)
    other = case.request(city, act.said.get("into"))
    if other.id == one.id:
        raise Refusal("it is the same already", where="into")
    if other.get("into"):
        raise Refusal("that one follows another itself", where="into", mend=f"join it to {other.get('into')}")
    if other.get("status") != "open":
        raise Refusal("that one is closed", where="into", mend="answer this one by itself")
    if case.listing(one.get("joined")):
        raise Refusal("others follow it", where="id", mend="join them the other way round")
    followers = case.listing(other.get("joined"))
    if len(followers) >= case.JOINED_MOST:
        raise Refusal(f"{case.JOINED_MOST} follow that one already", where="into")
    value, why = _scored(one, other, city)
    suggested = any(it.get("id") == other.id for it in case.listing(one.get("likely")))
    yield from case.moved(
        one,
        city,
        act.at,
        act.by,
        "joined",
        more={"into": other.key, "score": value, "suggested": suggested, "why": why},
        into=other.id,
        step="duplicate",
        stepBefore=str(one.get("step")),
        joinSuggested=suggested,
        likely=[],
        **({"answer": other.get("answer")} if other.get("answer") else {}),
    )
    yield from case.moved(
        other,
        city,
        act.at,
        act.by,
        "took",
        more={"from": one.key, "score": value},
        joined=[*followers, one.id],
        people=_people(other) + _people(one),
    )


@app.act("split", "ServiceRequest", roles=STAFF)
def split(act: Act, city: Asking) -> Iterable[Entity]:
    """Undo a joining: it is a request of its own again, as open as it was."""
    one = act.subject
    if one is None or not one.get("into"):
        raise Refusal("it is joined to nothing", where="id")
    other = case.request(city, one.get("into"))
    yield from case.moved(
        one,
        city,
        act.at,
        act.by,
        "split",
        more={"from": other.key},
        into="",
        step=str(one.get("stepBefore") or "triaged"),
        status="open",
        closedAt="",
        outcome="",
    )
    yield from case.moved(
        other,
        city,
        act.at,
        act.by,
        "let-go",
        more={"from": one.key},
        joined=[it for it in case.listing(other.get("joined")) if it != one.id],
        people=max(1, _people(other) - _people(one)),
    )


@app.act("not-the-same", "ServiceRequest", roles=STAFF)
def not_the_same(act: Act, city: Asking) -> Iterable[Entity]:
    """Turn down a suggestion: it is not about the same as `other`."""
    one = act.subject
    if one is None:
        raise Refusal("name the request", where="id")
    other = case.ident(act.said.get("other"))
    likely = case.listing(one.get("likely"))
    found = [it for it in likely if it.get("id") == other]
    if not found:
        raise Conflict("nobody suggests that any more", mend="read it again")
    more = {"other": other.removeprefix(case.PREFIX), "score": found[0].get("score")}
    rest = [it for it in likely if it.get("id") != other]
    yield from case.moved(one, city, act.at, act.by, "not-the-same", more=more, likely=rest)


def _scored(one: Entity, other: Entity, city: Asking) -> tuple[float | None, dict[str, Any]]:
    mine, theirs = likeness.told(one), likeness.told(other)
    if mine is None or theirs is None:
        return None, {}
    value, why = likeness.compared(mine, theirs, services.catalogue(city))
    return round(value, 3), why


def _people(one: Entity) -> int:
    said = one.get("people")
    return said if type(said) is int and said > 0 else 1


def tally(city: Asking) -> dict[str, Any]:
    """How often people followed a suggestion, turned one down, and undid a joining: what the finder is worth here."""
    counts = {}
    for kind in ("joined", "split", "not-the-same"):
        counts[kind] = city.find("RequestStep", f'kind=="{kind}"', limit=10_000)
    suggested = {it.get("request") for it in counts["joined"] if (it.get("more") or {}).get("suggested")}
    undone = {it.get("request") for it in counts["split"]}
    confirmed, dismissed = len(suggested - undone), len(counts["not-the-same"]) + len(suggested & undone)
    judged = confirmed + dismissed
    return {
        "joined": len(counts["joined"]),
        "suggested": len(suggested),
        "undone": len(counts["split"]),
        "turnedDown": len(counts["not-the-same"]),
        "confirmed": confirmed,
        "precision": round(confirmed / judged, 3) if judged else None,
        "judged": judged,
    }
