"""What people ask the city to publish: said by anybody, shown when staff have looked, supported by others, answered.

Nothing of who asked is kept but what stands for his address for one day, to count by.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

from hansa import Act, Asking, Entity, NotFound, Refusal
from hansa.apps.opendata import authorities, dataset, texts
from hansa.apps.opendata.dataset import own
from hansa.apps.opendata.made import READERS, STAFF, app
from hansa.apps.opendata.times import day, iso

STATES: Final = ("new", "open", "planned", "published", "declined", "hidden")
SHOWN: Final = frozenset({"open", "planned", "published", "declined"})
PER_DAY: Final = 3
"""Requests of one address in a day."""
MOST: Final = 5_000
VOTERS: Final = 5_000
"""Addresses of a day that are remembered for one request, so that each counts once."""
PAGE: Final = 50
TITLE: Final = 150
TEXT: Final = 3_000


@app.act("request-data", "DataRequest", new=True, public=True)
def request(act: Act, city: Asking) -> Iterable[Entity]:
    """Ask for data that is not there: `title`, `text`, `theme`, `language`."""
    if act.id:
        raise Refusal("a request is made without an id", where="id")
    title = texts.plain(act.said.get("title"), "title", TITLE, least=5)
    text = texts.plain(act.said.get("text", ""), "text", TEXT, least=0, lines=True)
    theme = act.said.get("theme") or ""
    if theme:
        authorities.one_of(theme, authorities.THEMES, "theme")
    today = day(act.at)
    mine = (
        city.find("DataRequest", f'visitor=="{act.visitor}";day=="{today}"', limit=PER_DAY + 1) if act.visitor else []
    )
    key = blake2b(f"{act.visitor} {today} {title} {text}".encode(), digest_size=8).hexdigest()
    if any(one.key == key for one in mine):
        return  # the same again is the same
    if len(mine) >= PER_DAY:
        raise Refusal(f"{PER_DAY} requests a day are enough", where="visitor", mend="support one that is there")
    if len(city.find("DataRequest", 'status=="new"', limit=MOST)) >= MOST:
        raise Refusal("too many requests wait to be looked at", where="title", mend="try again next week")
    yield own(
        "DataRequest",
        key,
        title=title,
        text=text,
        theme=theme,
        language=texts.language(act.said.get("language")),
        status="new",
        votes=1,
        voters={"day": today, "some": [act.visitor]},
        visitor=act.visitor,
        day=today,
        at=iso(act.at),
    )


@app.act("support-request", "DataRequest", public=True)
def support(act: Act, _city: Asking) -> Iterable[Entity]:
    """Say that one would have it too; an address counts once a day."""
    one = act.subject
    if one is None or one.get("status") not in SHOWN:
        raise NotFound("there is no such request", where="id")
    if one.get("status") not in {"open", "planned"}:
        raise Refusal(f"it is {one.get('status')}", where="id")
    today, voters = day(act.at), one.get("voters") or {}
    some = list(voters.get("some") or []) if voters.get("day") == today else []
    if act.visitor in some or len(some) >= VOTERS:
        return
    yield own(
        "DataRequest", one.id, votes=int(one.get("votes") or 0) + 1, voters={"day": today, "some": [*some, act.visitor]}
    )


@app.act("answer-request", "DataRequest", roles=STAFF)
def answer(act: Act, city: Asking) -> Iterable[Entity]:
    """Show, hide or answer it: `status`, `answer` in languages, `dataset` when it is there now."""
    one = act.subject
    if one is None:
        raise Refusal("name the request", where="id")
    status = act.said.get("status")
    if status not in STATES[1:]:
        raise Refusal(f"status is one of {', '.join(STATES[1:])}", where="status")
    spoken = texts.language(city.setting("language"))
    told = texts.words(
        act.said.get("answer", ""), "answer", TEXT, spoken=spoken, least=1 if status == "declined" else 0
    )
    key = ""
    if status == "published":
        found = dataset.dataset(city, str(act.said.get("dataset") or "")[:200])
        if found.get("status") != "published":
            raise Refusal(f"{found.key} is not published", where="dataset")
        key = found.key
    yield own("DataRequest", one.id, status=status, answer=told, dataset=key, answeredBy=act.by, answeredAt=iso(act.at))


@app.view("data-requests", public=True)
def shown(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What was asked for, as far as staff let it be shown: `status`, `page`; what most want first."""
    status = asked.get("status", "")
    if status and status not in SHOWN:
        raise Refusal(f"status is one of {', '.join(sorted(SHOWN))}", where="status")
    wanted = [status] if status else sorted(SHOWN)
    q = "status==" + ",".join(f'"{one}"' for one in wanted)
    page = texts.whole(asked.get("page") or 1, "page", 1_000, least=1)
    language = texts.language(asked.get("lang"))
    found = [_told(one, language) for one in city.find("DataRequest", q, limit=MOST)]
    found.sort(key=lambda it: (-it["votes"], it["at"], it["id"]))
    return {
        "requests": found[(page - 1) * PAGE : page * PAGE],
        "page": page,
        "total": len(found),
        "more": len(found) > page * PAGE,
    }


@app.view("asked-for", roles=READERS)
def asked_for(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """All that was asked for, also what nobody has looked at: `status`."""
    status = asked.get("status", "")
    if status and status not in STATES:
        raise Refusal(f"status is one of {', '.join(STATES)}", where="status")
    found = [
        _told(one, "en") | {"answer": one.get("answer") or {}, "by": one.get("answeredBy") or ""}
        for one in city.find("DataRequest", f'status=="{status}"' if status else None, limit=MOST)
    ]
    found.sort(key=lambda it: (STATES.index(it["status"]), -it["votes"], it["at"]))
    return {"requests": found[:500], "more": len(found) > 500}


def _told(one: Entity, language: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.get("title") or "",
        "text": one.get("text") or "",
        "theme": one.get("theme") or "",
        "status": one.get("status"),
        "votes": int(one.get("votes") or 0),
        "at": one.get("at") or "",
        "answer": texts.in_language(one.get("answer"), language),
        "answeredAt": one.get("answeredAt") or "",
        "dataset": one.get("dataset") or "",
        "language": one.get("language") or "en",
    }
