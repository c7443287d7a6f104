"""The pages of the public site: what each asks of the city, and what it shows of it.

Every function makes a `Page` of a `Visiting`; `PAGES` says by which first word of the path. What an app cannot say just
now is None, and its part of the page says so.
"""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from secrets import token_urlsafe
from typing import Any, Final

from hansa.centres.public import Leads, Page, Told, Values, Visiting, spot
from hansa.centres.public_card import city
from hansa.errors import BadRequest, HansaError, NotFound

_FRONT: Final = 5  # of works and processes on the front page
_AROUND: Final = 0.03  # degrees of latitude around a place in which what is near is looked for: some 3 km
_PAGE_DIGITS: Final = 3  # of the number of a page: the app has 200
_RADIUS: Final = 500  # metres around a place that are "my street"
_REQUEST: Final = re.compile(r"R[A-Z0-9]{10}\Z")
FLAGS: Final = ("hate", "threat", "personal-data", "spam", "other")
_CLOSED: Final = frozenset({"cancelled", "expired"})

Makes = Callable[[Visiting], Awaitable[Page | Leads]]


async def home(visit: Visiting) -> Page:
    """What matters now: warnings here, services, works, what one can take part in."""
    if visit.path:
        raise NotFound("there is no such page")
    place = visit.place()
    warned, here, states, works, processes = await asyncio.gather(
        visit.perhaps("warnings", "current"),
        visit.perhaps("warnings", "current", lon=place[0], lat=place[1]) if place else _nothing(),
        visit.perhaps("requests", "states"),
        visit.perhaps("requests", "works"),
        visit.perhaps("participation", "processes"),
    )
    shown: dict[str, Any] = {"at": visit.query["at"] if place else "", "warnings": None, "states": None}
    if warned is not None:
        listed = warned["warnings"] or []
        mine = (here["warnings"] or []) if here else listed
        shown["warnings"] = {"here": mine, "elsewhere": max(0, len(listed) - len(mine))}
    if states is not None:
        listed = states["services"] or []
        shown["states"] = {"all": len(listed), "bad": [one for one in listed if one["state"] != "works"]}
    going = (works["works"] or []) if works else []
    shown["works"] = [one for one in going if _work(one) in {"planned", "now"}][:_FRONT]
    open_ = (processes["processes"] or []) if processes else []
    shown["processes"] = [one for one in open_ if one["phase"] != "over"][:_FRONT]
    return Page("home", "home", "", shown, keep=True)


async def _nothing() -> None:
    return None


def _work(one: Told) -> str:
    """The state of a work, as its messages name it."""
    one["state"] = {"going on": "now"}.get(str(one["state"]), one["state"])
    return str(one["state"])


async def warnings(visit: Visiting) -> Page:
    """Those in force, those of the last week, and one of them."""
    if len(visit.path) == 2:
        return await _warning(visit, visit.path[1])
    _last(visit, 1)
    place = visit.place()
    where = {"lon": place[0], "lat": place[1]} if place else {}
    told = await visit.perhaps("warnings", "current", past=1, **where)
    listed = None if told is None else told["warnings"] or []
    shown = {
        "now": None if listed is None else [one for one in listed if one["state"] not in _CLOSED],
        "past": [one for one in listed or () if one["state"] in _CLOSED],
    }
    return Page("warnings", "warnings", "warnings.title", shown, keep=True)


async def _warning(visit: Visiting, ident: str) -> Page:
    told = await visit.ask("warnings", "warning", id=ident)
    one = told["warning"]
    shape = {"shapes": [one["area"]]} if one["area"] else None
    return Page("warning", "warning", "", {"one": one, "chain": told["chain"] or [one], "shape": shape}, keep=True)


async def told(visit: Visiting) -> Page:
    """What a link in a message is about: a warning to be confirmed, an address to be proven."""
    token = _only(visit)
    found = await visit.ask("warnings", "told", token=token)
    if found["manage"] and found["kind"] in {"manage", "link"}:
        return await subscribe(visit, manage=found["manage"])
    return Page("told", "told", "", {"told": found, "token": token}, secret=True)


async def subscribe(visit: Visiting, *, manage: str = "", fault: Any = None, values: Values | None = None) -> Page:
    """Ask to be warned; change that; prove an address by its code."""
    manage = manage or visit.query["manage"]
    choices = await visit.perhaps("warnings", "choices")
    shown: dict[str, Any] = {
        "choices": choices,
        "manage": manage,
        "fault": fault,
        "bad": fault["where"] if fault else "",
    }
    shown |= {"kept": [], "channels": [], "picked": [], "step": "", "values": values or Values(visit.query)}
    said = visit.query["step"]
    if said in {"code", "done", "changed", "gone", "sent"}:
        shown["step"] = said
    elif manage and choices is not None:
        mine = await visit.ask("warnings", "subscription", token=manage)
        shown["kept"] = [
            {"at": n, "name": one["name"], "km": visit.words.number(float(one["radius_m"] or 0) / 1_000, 1)}
            for n, one in enumerate(mine["places"] or ())
        ]
        shown["channels"] = mine["channels"] or []
        shown["picked"] = mine["hazards"] or []
        if values is None:
            quiet = mine["quiet"] or {}
            filled = {
                "language": mine["language"] or "",
                "name": mine["name"] or "",
                "from": quiet.get("from", ""),
                "until": quiet.get("until", ""),
                "groups": ",".join(mine["groups"] or ()),
            }
            shown["values"] = Values(filled)
    if values is not None:
        shown["picked"] = values["hazards"].split(",")
    status = fault["status"] if fault else 200
    return Page("subscribe", "subscribe", "subscribe.title", shown, secret=bool(manage), status=status)


async def report(visit: Visiting, *, fault: Any = None, values: Values | None = None) -> Page:
    """What is wrong: first of which kind, then where and what."""
    _last(visit, 1)
    told_ = await visit.perhaps("requests", "services")
    code = (values or visit.query)["service"]
    listed = [] if told_ is None else told_["services"] or []
    one = next((it for it in listed if it["code"] == code), None)
    if code and told_ is not None and one is None:
        raise NotFound("there is no such service", mend="choose one")
    shown: dict[str, Any] = {
        "services": None if told_ is None else listed,
        "service": one,
        "groups": _grouped(listed, (told_["groups"] if told_ else None) or {}),
        "values": values or Values(visit.query),
        "key": (values["key"] if values else "") or token_urlsafe(24),
        "fault": fault,
        "bad": fault["where"] if fault else "",
    }
    if one is not None:
        one["attributes"] = sorted(one["attributes"] or (), key=lambda it: it["order"] or 0)
        for it in one["attributes"]:
            it["values"] = it["values"] or []
    return Page("report", "report", "report.title", shown, keep=fault is None, status=fault["status"] if fault else 200)


def _grouped(listed: list[Told], names: Mapping[str, Any]) -> list[dict[str, Any]]:
    groups: dict[str, list[Told]] = {}
    for one in listed:
        groups.setdefault(str(one["group"] or ""), []).append(one)
    return [{"names": names.get(code) or code or "·", "services": them} for code, them in groups.items()]


async def request(visit: Visiting, *, fault: Any = None) -> Page:
    """One request: as everybody sees it, or by the link of whoever reported it."""
    key = _only(visit)
    listed = visit.path[0] == "requests" and _REQUEST.match(key)
    told_ = await (visit.ask("requests", "request", id=key) if listed else visit.ask("requests", "follow", token=key))
    told_["course"] = told_["course"] or []
    shape = None
    if isinstance(told_["lon"], int | float) and isinstance(told_["lat"], int | float):
        shape = {"points": [{"lon": told_["lon"], "lat": told_["lat"], "name": visit.chosen(told_["names"]).text}]}
    shown = {
        "one": told_,
        "token": "" if listed else key,
        "sent": visit.query["sent"] == "1",
        "shape": shape,
        "fault": fault,
        "key": token_urlsafe(24),
    }
    status = fault["status"] if fault else 200
    return Page("request", "request", "", shown, keep=bool(listed), secret=not listed, status=status)


async def near(visit: Visiting) -> Page:
    """Open requests: newest first, or nearest first where somebody said where he is."""
    _last(visit, 1)
    place = visit.place()
    number = visit.query["page"] or "1"
    if not (number.isascii() and number.isdecimal() and len(number) <= _PAGE_DIGITS and int(number)):
        raise BadRequest("page is a small whole number", where="page")
    asked: dict[str, Any] = {"status": "open", "page": number}
    if place:
        wide = _AROUND / max(0.1, math.cos(math.radians(place[1])))
        asked["bbox"] = f"{place[0] - wide:.6f},{place[1] - _AROUND:.6f},{place[0] + wide:.6f},{place[1] + _AROUND:.6f}"
    told_ = await visit.perhaps("requests", "listed", **asked)
    listed = None if told_ is None else told_["requests"] or []
    if place and listed:
        for one in listed:
            one["metres"] = _metres(place, (float(one["lon"]), float(one["lat"])))
        listed.sort(key=lambda one: one["metres"])
    points = [
        {
            "lon": one["lon"],
            "lat": one["lat"],
            "name": visit.chosen(one["names"]).text,
            "href": visit.to(f"requests/{one['id']}"),
        }
        for one in listed or ()
    ]
    at = f"at={visit.query['at']}&" if place else ""
    more = f"{visit.here}?{at}page={int(number) + 1}" if told_ and told_["more"] else ""
    shown = {"requests": listed, "points": {"points": points, "at": place}, "next": more}
    return Page("lists", "near", "near.title", shown, keep=True)


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two places of one city; on a sphere, which is near enough."""
    wide = math.cos(math.radians((one[1] + other[1]) / 2))
    return 111_195 * math.hypot((one[0] - other[0]) * wide, one[1] - other[1])


async def services(visit: Visiting) -> Page:
    """How the city's services stand."""
    _last(visit, 1)
    found = await visit.perhaps("requests", "states")
    shown = {"states": None if found is None else found["services"] or []}
    return Page("lists", "services", "services.title", shown, keep=True)


async def works(visit: Visiting) -> Page:
    """Works, planned and going on."""
    _last(visit, 1)
    found = await visit.perhaps("requests", "works")
    listed = None if found is None else [one for one in found["works"] or () if _work(one) in {"planned", "now"}]
    return Page("lists", "works", "works.title", {"works": listed}, keep=True)


async def street(visit: Visiting) -> Page:
    """Notices around a place."""
    _last(visit, 1)
    place = spot(f"{visit.query['lon']},{visit.query['lat']}") or visit.place()
    items, feeds = None, []
    if place:
        found, warned = await asyncio.gather(
            visit.perhaps("participation", "street", lon=place[0], lat=place[1], radius_m=_RADIUS),
            visit.perhaps("warnings", "current", lon=place[0], lat=place[1]),
        )
        if found is not None:
            items = [_item(visit, one) for one in found["items"] or ()]
            known = {one["id"] for one in items}
            items = [
                _warned(visit, one) for one in (warned["warnings"] if warned else ()) or () if one["id"] not in known
            ] + items
    if visit.known:
        mine = await visit.perhaps("participation", "mine")
        feeds = [one for one in (mine["follows"] if mine else ()) or () if str(one["feed"]).startswith("/")]
    values = Values({"lon": f"{place[0]:.6f}", "lat": f"{place[1]:.6f}"} if place else {})
    shown = {"items": items if place else [], "asked": place is not None, "values": values, "feeds": feeds}
    return Page("lists", "street", "street.title", shown, keep=place is None)


def _item(visit: Visiting, one: Told) -> Told:
    kind, ident = str(one["kind"]), str(one["id"])
    key = ident.rpartition(":")[2]
    where = {"proposal": f"take-part/{ident}", "request": f"requests/{key}", "warning": f"warnings/{ident}"}.get(
        kind, "works"
    )
    one["href"] = visit.to(where)
    return one


def _warned(visit: Visiting, one: Told) -> Told:
    titles = {language: it["title"] for language, it in (one["texts"] or {}).items()}
    return Told(
        kind="warning",
        id=one["id"],
        title=titles,
        at=one["sent"],
        distance_m=None,
        href=visit.to(f"warnings/{one['id']}"),
    )


async def take_part(visit: Visiting, *, fault: Any = None, values: Values | None = None) -> Page:
    """What one can have a say in: all of it, a process, a proposal, a survey, a vote."""
    shown: dict[str, Any] = {"kind": "all", "thing": None, "fault": fault, "values": values or Values()}
    if len(visit.path) == 1:
        found = await visit.perhaps("participation", "processes")
        shown["processes"] = None if found is None else found["processes"] or []
        return Page("take-part", "take-part", "part.title", shown, keep=True)
    ident = _only(visit)
    kind = kind_of(ident)
    shown["kind"] = kind
    if kind == "process":
        thing, proposals = await asyncio.gather(
            visit.ask("participation", "process", id=ident),
            visit.perhaps("participation", "proposals", process=ident, sort="support", after=visit.query["after"]),
        )
        shown["proposals"] = proposals or Told(proposals=[], total=0, next="")
        thing["allows"] = thing["allows"] or []
    elif kind == "proposal":
        thing, comments = await asyncio.gather(
            visit.ask("participation", "proposal", id=ident),
            visit.perhaps("participation", "comments", about=ident, after=visit.query["after"]),
        )
        shown |= {"comments": comments or Told(comments=[], total=0, next=""), "flags": FLAGS}
    elif kind == "survey":
        thing, results = await asyncio.gather(
            visit.ask("participation", "survey", id=ident), visit.perhaps("participation", "survey-results", id=ident)
        )
        asked = {one["id"]: one for one in thing["questions"] or ()}
        if results is not None:
            results["questions"] = [one for one in results["questions"] or () if one["id"] in asked]
        shown |= {"results": results, "asked": asked}
    else:
        thing = await visit.ask("participation", "ballot", id=ident)
        shown["key"] = ident.rpartition(":")[2]
    shown["thing"] = thing
    return Page("take-part", "take-part", "", shown, keep=True, status=fault["status"] if fault else 200)


def kind_of(ident: str) -> str:
    """Which kind of thing an id of the participation app names, by its type."""
    kind = (ident.split(":") + [""] * 4)[2].lower()
    return next((one for one in ("proposal", "survey", "ballot") if one in kind), "process")


async def about(visit: Visiting) -> Page:
    """What the city keeps, and how these pages are made to be usable."""
    _last(visit, 1)
    return Page("about", "about", "about.title", keep=True)


async def offline(visit: Visiting) -> Page:
    """What is shown without a line, where nothing was kept."""
    _last(visit, 1)
    return Page("plain", "offline", "offline.title", {"text": "offline.text", "detail": ""}, keep=True)


def fault_of(visit: Visiting, fault: HansaError) -> dict[str, Any]:
    """What was wrong with a form, in the language of the page; the app's own words besides, which are English."""
    where = str(fault.where or "")
    key = f"fault.at.{where}"
    text = visit.words.say(key) if key in visit.words.words else visit.words.say("fault.form.text")
    if fault.status == 429:
        text = visit.words.say("fault.busy.text")
    return {
        "title": visit.words.say("fault.form"),
        "text": text,
        "detail": fault.detail,
        "where": where,
        "status": fault.status,
    }


def _only(visit: Visiting) -> str:
    """The one word after the first of a path."""
    if len(visit.path) != 2:
        raise NotFound("there is no such page")
    return visit.path[1]


def _last(visit: Visiting, parts: int) -> None:
    """NotFound when a path has more."""
    if len(visit.path) != parts:
        raise NotFound("there is no such page")


PAGES: Final[Mapping[str, Makes]] = {
    "": home,
    "warnings": warnings,
    "w": told,
    "subscribe": subscribe,
    "report": report,
    "requests": request,
    "r": request,
    "near": near,
    "services": services,
    "works": works,
    "take-part": take_part,
    "street": street,
    "city": city,
    "about": about,
    "offline": offline,
}
