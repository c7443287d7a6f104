"""What is asked of requests: by everybody, by whoever holds a link, by staff. Answers are JSON."""

from collections.abc import Mapping
from typing import Any, Final

from hansa import Asking, Entity, NotFound, Refusal
from hansa.apps.requests import case, likeness, notices, places, reporting, residents, services, shown, texts
from hansa.apps.requests.made import READERS, app
from hansa.apps.requests.times import iso

PAGE: Final = 200
PAGES: Final = 200
STAFF_LIST: Final = 2_000
NEAR_MOST_M: Final = 500.0


class Unknown(Refusal):
    """Nobody is known, and this is for somebody."""

    status = 401
    kind = "https://hansa.city/errors/Unauthenticated"
    title = "Who are you?"


# ---- Public


@app.view("services", public=True)
def _services(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What may be asked for, in all languages that it is written in, and the city's area."""
    known, ground = services.catalogue(city), places.ground(city)
    offered = [one.told() for one in known.services.values() if one.active]
    return {
        "version": max((one["version"] for one in offered), default=0),
        "area": {"bbox": list(ground.box) if ground.box else None, "name": str(city.setting("city") or "")},
        "anonymous": city.setting("anonymous", True) is not False,
        "groups": {code: dict(names) for code, names in known.groups.items()},
        "services": sorted(offered, key=lambda one: str(one["code"])),
    }


@app.view("near", public=True)
def _near(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Open requests around `lon`, `lat`, the likeliest to be the same first: `service`, `text`, `radius` (m)."""
    point = places.point_of(asked.get("lon"), asked.get("lat"))
    if point is None:
        raise Refusal("say where", where="lon")
    known = services.catalogue(city)
    radius = number(asked, "radius", 100.0, NEAR_MOST_M)
    service = asked.get("service", "")
    mine = {
        "point": point,
        "service": service,
        "at": city.now(),
        "text": likeness.grams(asked.get("text", "")),
        "language": asked.get("language", "en"),
        "answers": {},
    }
    found = []
    for one in likeness.near(city, point, city.now(), radius):
        theirs = likeness.told(one)
        if theirs is None or one.get("listed") is not True:
            continue
        value, why = likeness.compared(mine, theirs, known)
        told = shown.brief(one, known) | {"metres": why["metres"], "score": round(value, 3)}
        told["why"] = {name: why[name] for name in ("metres", "days", "words", "sameService")}
        if one.get("shown") is True:
            told["description"] = one.get("description")
        found.append(told)
    return {"requests": sorted(found, key=lambda it: (-it["score"], it["metres"]))[:10]}


@app.view("request", public=True)
def _request(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What is public of one request (`id`)."""
    one = case.request(city, asked.get("id"))
    if one.get("listed") is not True:
        raise NotFound("there is no such request", where="id")
    return shown.public(one, city)


@app.view("follow", public=True)
def _follow(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """A request as whoever holds its link sees it (`token`)."""
    one, kind, ident = residents.holder(city, asked.get("token"))
    try:
        reporter = city.get(f"urn:ngsi-ld:RequestReporter:{ident}")
    except NotFound:
        reporter = None
    return shown.followed(one, reporter, city, kind)


@app.view("receipt", public=True)
def _receipt(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """The link that goes with a secret `key`, once something was reported with it."""
    key = asked.get("key", "")
    if not reporting.KEY.match(key):
        raise Refusal("key is 22 to 80 random letters and figures", where="key")
    found = city.find("RequestReporter", f'keyHash=="{reporting.key_hash(key)}"', limit=1)
    if not found:
        raise NotFound("nothing was reported with this key", where="key")
    return receipt(found[0], city)


def receipt(reporter: Entity, city: Asking, language: str = "") -> dict[str, Any]:
    """The link of somebody who asked."""
    token = city.token(case.link_text(reporter))
    return {
        "id": str(reporter.get("request")).removeprefix(case.PREFIX),
        "token": token,
        "link": case.page(token, language, city),
    }


@app.view("listed", public=True)
def _listed(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Public requests, the newest first: `service`, `status`, `bbox`, `district`, `page`."""
    known = services.catalogue(city)
    box = notices.bbox_of(asked.get("bbox", ""))
    page = texts.whole(asked.get("page") or 1, "page", PAGES)
    q = ["listed==true"]
    if status := asked.get("status"):
        if status not in {"open", "closed"}:
            raise Refusal("status is open or closed", where="status")
        q.append(f'status=="{status}"')
    for name, attribute in (("service", "serviceCode"), ("district", "district")):
        if said := asked.get(name):
            q.append(f'{attribute}=="{word(said, name)}"')
    found = city.find("ServiceRequest", ";".join(q), limit=STAFF_LIST * 5)
    if box is not None:
        found = [one for one in found if _inside(one, box)]
    found.sort(key=lambda one: (str(one.get("requestedAt")), one.id), reverse=True)
    first = (page - 1) * PAGE
    return {
        "requests": [shown.brief(one, known) for one in found[first : first + PAGE]],
        "page": page,
        "more": len(found) > first + PAGE,
    }


@app.view("mine", public=True)
def _mine(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What somebody who is signed in has reported, with the link to each."""
    if not city.by.startswith("person:"):
        raise Unknown("who are you?", mend="sign in, or use the link that you were given")
    known = services.catalogue(city)
    found = []
    for reporter in city.find("RequestReporter", f'person=="{city.by}"', limit=PAGE):
        try:
            one = city.get(str(reporter.get("request")))
        except NotFound:
            continue
        found.append(shown.brief(one, known) | {"token": receipt(reporter, city)["token"]})
    return {"requests": sorted(found, key=lambda it: str(it["at"]), reverse=True)}


# ---- Staff


@app.view("board", roles=READERS)
def _board(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Requests as staff work through them: `status` open, closed, all; `department`, `district`, `service`, `step`."""
    known, now = services.catalogue(city), city.now()
    q = []
    status = asked.get("status", "open")
    if status not in {"open", "closed", "all"}:
        raise Refusal("status is open, closed or all", where="status")
    if status != "all":
        q.append(f'status=="{status}"')
    for name, attribute in (
        ("department", "department"),
        ("district", "district"),
        ("service", "serviceCode"),
        ("step", "step"),
    ):
        if said := asked.get(name):
            q.append(f'{attribute}=="{word(said, name)}"')
    found = city.find("ServiceRequest", ";".join(q) or None, limit=STAFF_LIST + 1)
    rows = [shown.row(one, known, now) for one in found[:STAFF_LIST]]
    urgent = {"high": 0, "normal": 1, "low": 2}
    rows.sort(
        key=lambda it: (
            it["status"] != "open",
            bool(it["into"]),
            it["due"] or "9",
            urgent.get(it["priority"], 1),
            it["at"] or "",
        )
    )
    return {
        "at": iso(now),
        "requests": rows,
        "more": len(found) > STAFF_LIST,
        "departments": sorted(
            {str(it["department"]) for it in rows} | {one.department for one in known.services.values()}
        ),
        "districts": {one.key: one.name for one in places.ground(city).districts},
        "services": {code: dict(one.names) for code, one in sorted(known.services.items())},
        "faults": list(known.faults),
    }


@app.view("case", roles=READERS)
def _case(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """All of one request (`id`): its log, photographs, what it may be the same as."""
    return shown.whole(case.request(city, asked.get("id")), city)


@app.view("alike", roles=READERS)
def _alike(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Open requests that one (`id`) may be the same as, found anew, with every part of the score."""
    one = case.request(city, asked.get("id"))
    known = services.catalogue(city)
    found = likeness.likely(one, city, known, least=0.05)
    return {"requests": [it | {"other": shown.row(city.get(it["id"]), known, city.now())} for it in found]}


@app.view("reporter", roles=READERS)
def _reporter(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Who reported a request (`id`), for whoever may know: the desk that calls back, for the purpose `requests`."""
    one = case.request(city, asked.get("id"))
    found = city.find("RequestReporter", f'request=="{one.id}"', limit=PAGE)
    if not found:
        raise NotFound("nobody is told to you", where="id", mend="the desk asks for the purpose requests")
    names = ("kind", "name", "email", "phone", "person", "anonymous", "note", "at")
    return {"reporters": [{name: it.get(name) for name in names if name in it} for it in found]}


@app.view("editions", roles=READERS)
def _editions(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """All editions of a service (`code`), the newest first."""
    code = word(asked.get("code", ""), "code")
    found = city.find("ServiceEdition", f'service=="{code}"', limit=1_000)
    told = [{name: one.get(name) for name in ("version", "at", "by", "definition")} for one in found]
    return {"editions": sorted(told, key=lambda it: -int(it["version"] or 0))}


def word(said: str, where: str) -> str:
    """A word that may stand in a query. Refusal."""
    if not 0 < len(said) <= 100 or not all(char.isalnum() or char in "_-. " for char in said):
        raise Refusal(f"{where} is a word", where=where)
    return said


def number(asked: Mapping[str, str], name: str, otherwise: float, most: float) -> float:
    """A number above zero, up to a most. Refusal."""
    if not asked.get(name):
        return otherwise
    try:
        said = float(asked[name])
    except ValueError:
        said = 0.0
    if not 0 < said <= most:
        raise Refusal(f"{name} is a number up to {most:g}", where=name)
    return said


def _inside(one: Entity, box: tuple[float, float, float, float]) -> bool:
    point = places.point_in(one)
    return point is not None and box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]
