"""What is posted to the public site by plain forms: each becomes a public act of an app, then leads on (303).

With script or without, a form is the same: nothing here is only for browsers that run it. What an app refuses comes
back as the page, with what was filled in and what is wrong with it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from hansa.analytics.doors import sent
from hansa.app import File
from hansa.centres.public import Leads, Page, Values, Visiting, spot
from hansa.centres.public_pages import FLAGS, fault_of, kind_of, report, request, subscribe, take_part
from hansa.errors import BadRequest, HansaError, NotFound
from hansa.model.wire import json_in

_PHOTOS: Final = 5  # that come with one form: as many as a report takes
_RADIUS: Final = 500  # metres of a street that somebody follows
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{22,80}\Z")

Posts = Callable[[Visiting], Awaitable[Page | Leads]]


async def _filled(visit: Visiting, files: int = 0) -> tuple[Values, tuple[File, ...]]:
    """What a form says. BadRequest for what is no form."""
    said, photos = await sent(visit.request, files)
    if any(not isinstance(value, str) for value in said.values()):
        raise BadRequest("a form is sent here, not JSON", where="content-type")
    return Values(said), photos


def _place(values: Values) -> dict[str, float]:
    """Where, in figures; nothing where none were filled in. BadRequest: those are none."""
    lon, lat = values["lon"].strip().replace(",", "."), values["lat"].strip().replace(",", ".")
    if not lon and not lat:
        return {}
    found = spot(f"{lon},{lat}")
    if found is None:
        raise BadRequest("longitude and latitude are figures in degrees", where="lon")
    return {"lon": found[0], "lat": found[1]}


async def posted_report(visit: Visiting) -> Page | Leads:
    """Somebody reports something; then he is led to its page, by the link that only he has."""
    values = Values()
    try:
        values, photos = await _filled(visit, _PHOTOS)
        if not _KEY.match(values["key"]):
            raise BadRequest("the form is too old", where="key", mend="open it again")
        said: dict[str, Any] = {
            name: values[name].strip()
            for name in ("key", "service", "description", "address", "name", "email", "phone")
            if values[name].strip()
        }
        said |= _place(values) | {"language": visit.language, "anonymous": values["anonymous"] == "true"}
        if attributes := await _attributes(visit, values):
            said["attributes"] = attributes
        await visit.do("requests", "report", said, files=photos)
        receipt = await visit.ask("requests", "receipt", key=values["key"])
    except HansaError as fault:
        if not values["service"]:
            raise
        return await report(visit, fault=fault_of(visit, fault), values=values)
    return Leads(visit.to(f"r/{receipt['token']}") + "?sent=1")


async def _attributes(visit: Visiting, values: Values) -> dict[str, Any]:
    """What was filled in of what a service asks: lists where it wants lists."""
    told = await visit.ask("requests", "services")
    one = next((it for it in told["services"] or () if it["code"] == values["service"]), None)
    found: dict[str, Any] = {}
    for it in (one["attributes"] if one else None) or ():
        text = values[f"a.{it['code']}"].strip()
        if it["variable"] and text:
            found[it["code"]] = text.split(",") if it["datatype"] == "multivaluelist" else text
    return found


async def posted_request(visit: Visiting) -> Page | Leads:
    """What is said about a request: an answer to a question, marks, that it is not done, that one sees it too."""
    values, _ = await _filled(visit)
    key = visit.path[1] if len(visit.path) == 2 else ""
    said: dict[str, Any]
    match values["do"]:
        case "reply":
            said = {"token": key, "text": values["text"]}
        case "rate":
            score = values["score"]  # what is no mark is refused by the app, as it was written
            said = {"token": key, "score": int(score) if score in {"1", "2", "3", "4", "5"} else score}
            said |= {"comment": values["comment"]} if values["comment"] else {}
        case "reopen":
            said = {"token": key, "why": values["why"]}
        case "stop":
            said = {"token": key}
        case "me-too":
            said = {"key": values["key"]}
        case _:
            raise NotFound("there is no such form")
    try:
        await visit.do("requests", values["do"], said, key if values["do"] == "me-too" else "")
        if values["do"] == "me-too":
            receipt = await visit.ask("requests", "receipt", key=values["key"])
            return Leads(visit.to(f"r/{receipt['token']}"))
    except HansaError as fault:
        return await request(visit, fault=fault_of(visit, fault))
    return Leads(visit.here)


async def posted_subscribe(visit: Visiting) -> Page | Leads:
    """Somebody wants to be warned, otherwise than before, or no longer."""
    values, _ = await _filled(visit)
    manage, where = values["manage"], visit.to("subscribe")
    try:
        match values["do"]:
            case "subscribe":
                made = await visit.do("warnings", "subscribe", await _wish(visit, values))
                proven = any(values[name] for name in ("email", "sms"))
                return Leads(f"{where}?step=code&id={quote(made.of('Recipient'))}" if proven else f"{where}?step=done")
            case "verify":
                key = quote(values["id"].rpartition(":")[2], safe="")
                await visit.town.open(f"w/code/{key}", {"code": values["code"].strip()}, visit.request)
                return Leads(f"{where}?step=done")
            case "change":
                await visit.do("warnings", "change", {"token": manage} | await _wish(visit, values))
                return Leads(f"{where}?step=changed")
            case "unsubscribe":
                await visit.do("warnings", "unsubscribe", {"token": manage})
                return Leads(f"{where}?step=gone")
            case "link":
                await visit.do("warnings", "link", {"kind": "email", "to": values["to"]})
                return Leads(f"{where}?step=sent")
    except HansaError as fault:
        if values["do"] == "verify":
            page = await subscribe(visit, fault=fault_of(visit, fault), values=values)
            page.shown["step"] = "code"
            return page
        return await subscribe(visit, manage=manage, fault=fault_of(visit, fault), values=values)
    raise NotFound("there is no such form")


async def _wish(visit: Visiting, values: Values) -> dict[str, Any]:
    """How somebody wants to be warned, as the act takes it. BadRequest."""
    places: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    if values["manage"]:
        mine = await visit.ask("warnings", "subscription", token=values["manage"])
        kept = values["keep-place"].split(",")
        places = [dict(one) for n, one in enumerate(mine["places"] or ()) if str(n) in kept]
        channels = [{"n": int(n)} for n in values["keep-channel"].split(",") if n.isdecimal() and len(n) < 6]
    if found := _place(values):
        radius = values["radius_m"] if values["radius_m"].isdecimal() else "2000"
        places.append({"name": values["place"].strip(), **found, "radius_m": int(radius[:7])})
    if not places:
        raise BadRequest("a subscription has a place", where="places")
    if values["push"]:
        channels.append({"kind": "push", "to": json_in(values["push"].encode())})
    channels += [{"kind": kind, "to": values[kind].strip()} for kind in ("email", "sms") if values[kind].strip()]
    if not channels:
        raise BadRequest("a subscription has a channel", where="channels")
    said: dict[str, Any] = {
        "language": values["language"] or visit.language,
        "places": places,
        "hazards": [one for one in values["hazards"].split(",") if one],
        "channels": channels,
    }
    if values["name"].strip():
        said["name"] = values["name"].strip()
    if values["from"] and values["until"]:
        said["quiet"] = {"from": values["from"], "until": values["until"]}
    elif values["manage"]:
        said["quiet"] = None
    if values["groups"] and not values["manage"]:
        said["groups"] = values["groups"].split(",")
    return said


async def posted_part(visit: Visiting) -> Page | Leads:
    """What is said in a process, about a proposal, to a survey."""
    values, _ = await _filled(visit)
    ident = visit.path[1] if len(visit.path) == 2 else ""
    try:
        act, said, about = await _said(visit, values, ident)
        made = await visit.do("participation", act, said, about)
    except HansaError as fault:
        return await take_part(visit, fault=fault_of(visit, fault), values=values)
    proposal = made.of("ParticipationProposal") if act == "propose" else ""
    return Leads(visit.to(f"take-part/{proposal}") if proposal else visit.here)


async def _said(visit: Visiting, values: Values, ident: str) -> tuple[str, dict[str, Any], str]:
    """The act that a form of participation means, what it says, and of which entity it is."""
    author = {"author": values["author"].strip()} if values["author"].strip() else {}
    text = values["text"].strip()
    match values["do"]:
        case "propose":
            said: dict[str, Any] = {"process": ident, "title": values["title"].strip(), "text": text}
            said |= {"language": visit.language, "category": values["category"], **author}
            if values["cost"].strip():
                if not values["cost"].strip().isdecimal():
                    raise BadRequest("a cost is a whole number", where="cost")
                said["cost"] = int(values["cost"].strip()[:15])
            return "propose", {name: value for name, value in said.items() if value != ""}, ""
        case "support" | "unsupport" as act:
            return act, {}, ident
        case "comment":
            return "comment", {"about": ident, "text": text, "language": visit.language, **author}, ""
        case "flag":
            kind = values["kind"] if values["kind"] in FLAGS else "other"
            return "flag", {"about": values["about"] or ident, "kind": kind}, ""
        case "appeal":
            return "appeal", {"about": values["about"] or ident, "text": text}, ""
        case "answer" if kind_of(ident) == "survey":
            return (
                "answer",
                {"answers": await _answers(visit, values, ident), "anonymous": values["anonymous"] == "true"},
                ident,
            )
    raise NotFound("there is no such form")


async def _answers(visit: Visiting, values: Values, ident: str) -> dict[str, Any]:
    survey = await visit.ask("participation", "survey", id=ident)
    found: dict[str, Any] = {}
    for one in survey["questions"] or ():
        text = values[f"q.{one['id']}"].strip()
        if not text:
            continue
        match one["kind"]:
            case "many":
                found[one["id"]] = text.split(",")
            case "scale":
                found[one["id"]] = int(text) if text.isdecimal() and len(text) < 6 else text
            case _:
                found[one["id"]] = text
    return found


async def posted_street(visit: Visiting) -> Leads:
    """Somebody wants the notices of a street."""
    values, _ = await _filled(visit)
    place = _place(values)
    if not place:
        raise BadRequest("a street has a place", where="lon")
    said = {"name": values["name"].strip(), **place, "radius_m": _RADIUS, "language": visit.language}
    said["kinds"] = ["proposal", "works", "request", "warning"]
    await visit.do("participation", "follow", said)
    return Leads(f"{visit.here}?lon={place['lon']}&lat={place['lat']}")


POSTED: Final[Mapping[str, Posts]] = {
    "report": posted_report,
    "requests": posted_request,
    "r": posted_request,
    "subscribe": posted_subscribe,
    "take-part": posted_part,
    "street": posted_street,
}
