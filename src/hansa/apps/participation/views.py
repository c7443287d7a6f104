"""What residents and the desk ask of participation. Everything here is asked publicly: so each says who may see what.

A text that is held or hidden is told to its author, with the reason, and to the staff; to everybody else it is not
there. Of who wrote something only the name is told that he wrote under.
"""

from collections.abc import Hashable, Mapping
from threading import Lock
from typing import Any, Final

from hansa import Asking, City, Entity, Forbidden, Refusal
from hansa.apps.participation import ballots, comments, moderation, phases, street, surveys
from hansa.apps.participation.processes import KIND as PROCESS
from hansa.apps.participation.proposals import KIND as PROPOSAL
from hansa.apps.participation.said import count, iso, none_such, staff, subject, there, word, works
from hansa.apps.participation.taking_part import author_of, of
from hansa.apps.participation.words import IN_PROCESS, PAGE, PAGE_MOST
from hansa.apps.participation.words import PROPOSAL as STATES

_LISTED: Final = 1_000
_QUEUE: Final = 200
_INDEXES: Final = 8
_lock = Lock()
_indexes: dict[str, tuple[Hashable, list[Entity]]] = {}


def _mine(city: Asking) -> Mapping[str, list[str]]:
    return of(city, city.by)


def _since(one: Entity) -> tuple[str, str]:
    return str(one.get("submittedAt")), one.id


# ---- processes


def processes(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Every process that is open or over; drafts for staff."""
    found = [one for one in city.find(PROCESS, limit=_LISTED) if one.get("status") != "draft" or works(city)]
    lines = [_process(one, city) for one in found]
    lines.sort(key=lambda it: (it["phase"] in {"over", "before"}, str(it["id"])))
    return {"at": iso(city.now()), "processes": lines}


def process(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """One process, its votes and its surveys."""
    one = subject(city, asked.get("id"), PROCESS)
    if one.get("status") == "draft" and not works(city):
        raise none_such(PROCESS)
    all_ = works(city)
    votes = [
        it for it in city.find(ballots.KIND, f'process=="{_quoted(one.id)}"', limit=100) if it.get("process") == one.id
    ]
    asked_ = [
        it for it in city.find(surveys.KIND, f'process=="{_quoted(one.id)}"', limit=100) if it.get("process") == one.id
    ]
    return _process(one, city) | {
        "categories": one.get("categories", []),
        "reason": one.get("reason"),
        "ballots": [_ballot_line(it) for it in votes if all_ or it.get("status") not in {"draft", "refused"}],
        "surveys": [
            {"id": it.id, "title": it["title"], "status": it["status"]}
            for it in asked_
            if all_ or it["status"] != "draft"
        ],
    }


def _quoted(said: str) -> str:
    if any(one in said for one in '"\\;|()'):
        raise none_such(PROCESS)
    return said


def _process(one: Entity, city: City) -> dict[str, Any]:
    phase, may = phases.now(one, city.now())
    return {
        "id": one.id,
        "title": one.get("title", {}),
        "summary": one.get("summary", {}),
        "kind": one.get("processKind", "consultation"),
        "status": one.get("status"),
        "phase": phase,
        "phases": one.get("phases", []),
        "allows": sorted(may),
        "budget": one.get("budget"),
        "districts": one.get("districts", []),
        "proposals": one.get("proposalCount", 0),
        "comments": one.get("commentCount", 0),
    }


# ---- proposals


def _index(city: City, process_: str) -> list[Entity]:
    """The proposals of a process; read again when one has changed."""
    version = city.version(PROPOSAL)
    with _lock:
        had = _indexes.get(process_)
    if had is not None and had[0] == version:
        return had[1]
    found = city.find(PROPOSAL, f'process=="{_quoted(process_)}"', limit=IN_PROCESS)
    with _lock:
        if len(_indexes) >= _INDEXES:
            _indexes.clear()
        _indexes[process_] = (version, found)
    return found


def proposals(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """The proposals of a process: `category`, `district`, `status`, `q`; by `support` or the `new` ones first."""
    one = subject(city, asked.get("process"), PROCESS, where="process")
    if one.get("status") == "draft" and not works(city):
        raise none_such(PROCESS, where="process")
    order = word({"sort": asked.get("sort", "support")}, "sort", ("support", "new"))
    limit, after = count(asked, "limit", PAGE, PAGE_MOST), asked.get("after", "0")
    if not (after.isascii() and after.isdecimal() and len(after) < 7):
        raise Refusal("after is what next said", where="after")
    if "status" in asked:
        word(dict(asked), "status", STATES)
    find = moderation.plain(asked.get("q", "")[:200])
    mine = _mine(city)
    own = set(mine.get(f"proposals:{one.key}", ()))
    found = [
        it
        for it in _index(city, one.id)
        if _visible(it, own, staff_=works(city))
        and all(asked.get(name, it.get(name)) == it.get(name) for name in ("category", "district", "status"))
        and (not find or find in moderation.plain(f"{it['title']} {it['text']}"))
    ]
    found.sort(key=(lambda it: (-it.get("supportCount", 0), it.id)) if order == "support" else _since)
    if order == "new":
        found.reverse()
    start = int(after)
    page = found[start : start + limit]
    return {
        "at": iso(city.now()),
        "proposals": [_proposal(it, city, mine, own) for it in page],
        "total": len(found),
        "next": str(start + limit) if len(found) > start + limit else "",
    }


def proposal(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """One proposal: its versions, and how far it is."""
    one = subject(city, asked.get("id"), PROPOSAL)
    mine = _mine(city)
    own = set(mine.get(f"proposals:{str(one['process']).rpartition(':')[2]}", ()))
    if not _visible(one, own, staff_=works(city)):
        raise none_such(PROPOSAL)
    told = _proposal(one, city, mine, own)
    told["versions"] = one.get("versions", [])
    told["delivery"] = {
        "milestones": one.get("milestones", []),
        "spent": one.get("spent"),
        "budget": one.get("cost"),
        "works": one.get("works", []),
    }
    return told


def _visible(one: Entity, own: set[str], *, staff_: bool) -> bool:
    return staff_ or one.get("shown", "shown") == "shown" or one.id in own


def _proposal(one: Entity, city: Asking, mine: Mapping[str, list[str]], own: set[str]) -> dict[str, Any]:
    shown = one.get("shown", "shown")
    told: dict[str, Any] = {
        name: one.get(name)
        for name in ("process", "title", "text", "language", "category", "district", "cost", "reason")
    }
    told |= {
        "id": one.id,
        "location": one.get("location"),
        "status": one.get("status") if shown == "shown" else shown,
        "support": one.get("supportCount", 0),
        "comments": one.get("commentCount", 0),
        "version": one.get("versionNo", 1),
        "at": one.get("submittedAt"),
        "author": one.get("author", ""),
        "mine": one.id in own,
        "supported": one.id in set(mine.get("supports", ())),
    }
    if shown != "shown" and (one.id in own or works(city)):
        told["held"] = moderation.hidden_because(one)
    return told


# ---- comments


def comments_(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What is said about something, the newest first."""
    about = subject(city, asked.get("about"), PROPOSAL, PROCESS, where="about")
    mine = _mine(city)
    own = set(mine.get("comments", ()))
    theirs = {it for name, them in mine.items() if name.startswith("proposals:") for it in them}
    hidden = about.get("shown", "shown") != "shown" and about.id not in theirs
    if (hidden or about.get("status") == "draft") and not works(city):
        raise none_such(PROPOSAL, PROCESS, where="about")
    limit = count(asked, "limit", PAGE, PAGE_MOST)
    before = count(asked, "after", about.get("commentCount", 0) + 1, 10_000_000)
    found, following = comments.newest(city, about, before, limit)
    lines = [_comment(it, it.id in own, city) for it in found if _visible(it, own, staff_=works(city))]
    return {
        "at": iso(city.now()),
        "comments": lines,
        "total": about.get("commentCount", 0),
        "next": str(following) if following else "",
    }


def _comment(one: Entity, mine: bool, city: Asking) -> dict[str, Any]:
    shown = one.get("shown", "shown")
    told = {name: one.get(name) for name in ("about", "text", "language", "author", "at")}
    told |= {"id": one.id, "mine": mine, "status": shown}
    if shown != "shown" and (mine or works(city)):
        told["held"] = moderation.hidden_because(one)
    return told


# ---- what is somebody's own


def mine(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What is of whoever asks: proposals, comments, places."""
    if not city.by.startswith("person:"):
        raise Forbidden("this is for somebody who is known", mend="sign in: /sign-in")
    kept = _mine(city)
    named = [it for name, them in kept.items() if name.startswith("proposals:") for it in them]
    found = [one for one in (there(city, it) for it in named) if one is not None]
    said = [one for one in (there(city, it) for it in reversed(kept.get("comments", []))) if one is not None]
    follows = [one for one in (there(city, it) for it in kept.get("follows", [])) if one is not None]
    return {
        "proposals": [_proposal(it, city, kept, {it.id}) for it in found],
        "comments": [_comment(it, mine=True, city=city) for it in said],
        "follows": [
            {"id": it.id, **{name: it.get(name) for name in ("name", "place", "radius_m", "kinds", "language")}}
            | {"feed": street.link(it, city)}
            for it in follows
        ],
    }


# ---- votes, surveys


def ballot(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """A vote: what is asked, of whom, until when; and its result."""
    one = subject(city, asked.get("id"), ballots.KIND)
    if one.get("status") in {"draft", "refused"} and not works(city):
        raise none_such(ballots.KIND)
    asks = one["definition"]
    names = ("question", "kind", "rule", "options", "most", "budget", "knapsack", "districts", "opens", "closes", "who")
    told = {"id": one.id, "process": one.get("process"), "currency": one.get("currency")}
    told |= {name: asks.get(name) for name in names}
    told |= {"status": one.get("status"), "fault": one.get("fault"), "fingerprint": one.get("fingerprint")}
    told["result"] = None
    if one.get("status") == "counted":
        told["result"] = {name: one.get(name) for name in ("given", "cast", "root", "sha256")} | one.get("result", {})
    return told


def _ballot_line(one: Entity) -> dict[str, Any]:
    asks = one["definition"]
    names = ("question", "kind", "opens", "closes")
    return {"id": one.id, "status": one.get("status"), **{name: asks.get(name) for name in names}}


def survey(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """A survey, as whoever would answer it sees it."""
    return surveys.told(_survey(asked, city), city, city.by)


def survey_results(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What was answered, when it is closed: of one that is open the next answer would be what has changed since."""
    one = _survey(asked, city)
    if one.get("status") != "closed":
        raise Forbidden("it is told when it is closed", where="id")
    return surveys.results(city, one)


def _survey(asked: Mapping[str, str], city: Asking) -> Entity:
    one = subject(city, asked.get("id"), surveys.KIND)
    if one.get("status") == "draft" and not works(city):
        raise none_such(surveys.KIND)
    return one


# ---- the desk


def queue(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What waits for a moderator: held, flagged, appealed; an appeal says whether whoever asks may decide it."""
    who = staff(city)
    lines = []
    for kind in moderation.KINDS:
        for q in ('shown=="held"', 'appeal=="open"', "flags>0"):
            lines += [(it, q) for it in city.find(kind, q, limit=_QUEUE)]
    seen: dict[str, dict[str, Any]] = {}
    for one, _ in lines:
        if one.id in seen:
            continue
        author = author_of(city, one.id)
        appeal = one.get("appeal", "none")
        first = moderation.decided_by(city, one) if appeal == "open" else ""
        seen[one.id] = {
            "id": one.id,
            "kind": one.type,
            "about": one.get("about", one.get("process")),
            "title": one.get("title", ""),
            "text": one.get("text", ""),
            "language": one.get("language"),
            "author": one.get("author", ""),
            "at": one.get("at", one.get("submittedAt")),
            "shown": one.get("shown", "shown"),
            "held": one.get("held", {}),
            "flags": one.get("flags", 0),
            "appeal": appeal,
            "appealText": one.get("appealText", ""),
            "mayDecide": who not in {author, first},
        }
    told = sorted(seen.values(), key=lambda it: (it["appeal"] != "open", it["shown"] != "held", str(it["at"])))
    return {"at": iso(city.now()), "waiting": told[:_QUEUE], "more": max(0, len(told) - _QUEUE)}


def moderated(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What became of a text, entry by entry."""
    staff(city)
    one = subject(city, asked.get("about"), *moderation.KINDS, where="about")
    names = ("did", "by", "reason", "rule", "note", "at")
    entries = [{name: it.get(name) for name in names} for it in moderation.record(city, one)]
    return {"id": one.id, "entries": entries, "appealText": one.get("appealText", "")}


def surveys_(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Every survey, for staff."""
    staff(city)
    names = ("title", "status", "answered", "process")
    found = city.find(surveys.KIND, limit=_LISTED)
    return {"surveys": [{"id": it.id, **{name: it.get(name) for name in names}} for it in found]}


def ballots_(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Every vote, for staff."""
    staff(city)
    found = city.find(ballots.KIND, limit=_LISTED)
    return {"ballots": [_ballot_line(it) | {"process": it.get("process"), "fault": it.get("fault")} for it in found]}
