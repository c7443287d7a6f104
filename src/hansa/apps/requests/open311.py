"""Open311 GeoReport v2 (wiki.open311.org/GeoReport_v2): requests for telephones and programs of others.

    GET  /open311/v2/discovery.{json|xml}
    GET  /open311/v2/services.{format}            GET  /open311/v2/services/{service_code}.{format}
    POST /open311/v2/requests.{format}            GET  /open311/v2/requests.{format}
    GET  /open311/v2/requests/{id}.{format}       also /open311/v2/request/{id}, as the shared description has it
    GET  /open311/v2/tokens/{token}.{format}

Answers are JSON or XML, the same. Parameters come in the address or the form. Beyond the standard: `lat`, `long` and
`radius` (m) of a list, `page` and `page_size`, `lang`, `attribute[CODE]` as well as `attribute=CODE:value`, and
photographs in a multipart form.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from functools import wraps
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl

from hansa import Answer, Asked, Asking, Entity, NotFound, Refusal
from hansa.apps.requests import case, places, reporting, residents, services, shown, texts
from hansa.apps.requests.made import app
from hansa.apps.requests.places import point_in
from hansa.apps.requests.times import DAY, iso, moment
from hansa.apps.requests.xml import KINDS, written

MOST: Final = 1_000
SPAN: Final = 90 * DAY
RADIUS_M: Final = 50_000.0
IDS: Final = 100
READ: Final = 10_000
_ATTRIBUTE: Final = re.compile(r"attribute\[([A-Za-z0-9_-]{1,40})\](\[\])?\Z")
_PAIRS: Final = 300


class Wrong(Exception):  # it is an answer, and its name is said in it
    """What is answered as an Open311 error."""

    def __init__(self, status: int, description: str) -> None:
        """With the code of HTTP."""
        super().__init__(description)
        self.status = status
        self.description = description


Opens = Callable[[Asked, Asking], Answer]


def in_format(opens: Callable[[Asked, Asking, str], Answer]) -> Opens:
    """A door in both formats, whose errors are told in the format that was asked for."""

    @wraps(opens)
    def door(asked: Asked, city: Asking) -> Answer:
        form = asked.path.get("format", "json")
        if form not in KINDS:
            return _error(Wrong(404, f"there is no format {form[:20]}; there are json and xml"), "json")
        try:
            _jurisdiction(asked, city)
            return opens(asked, city, form)
        except Wrong as wrong:
            return _error(wrong, form)
        except Refusal as fault:
            where = f"{fault.where}: " if fault.where else ""
            return _error(Wrong(fault.status, f"{where}{fault.detail}"), form)
        except NotFound as fault:
            return _error(Wrong(404, fault.detail), form)

    return door


def _error(wrong: Wrong, form: str) -> Answer:
    body = written("errors", [{"code": wrong.status, "description": texts.sayable(wrong.description)}], form)
    headers = {"Retry-After": "3600"} if wrong.status == 429 else {}
    return Answer(body, KINDS[form], status=wrong.status, headers=headers)


def _answer(root: str, value: Any, form: str, **more: Any) -> Answer:
    return Answer(written(root, value, form), KINDS[form], headers={"Access-Control-Allow-Origin": "*"}, **more)


def _jurisdiction(asked: Asked, city: Asking) -> None:
    """The city's own id, where it has one and somebody names another: 404, as the standard has it."""
    own = city.setting("jurisdiction_id")
    said = _said(asked).get("jurisdiction_id")
    if said and own and said != own:
        raise Wrong(404, f"jurisdiction_id {said[:60]} is not served here; this is {own}")


def _said(asked: Asked) -> dict[str, str]:
    """Parameters of the address and of the form; the form's hold."""
    return {**asked.query, **asked.form}


# ---- What there is


@app.door("GET", "/open311/v2/discovery.{format}")
@in_format
def discovery(asked: Asked, city: Asking, form: str) -> Answer:
    """Where the endpoint is (Service Discovery)."""
    kinds = ["text/xml", "application/json"]
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": f"{asked.origin}/open311/v2",
        "changeset": "2026-04-01T00:00:00Z",
        "type": str(city.setting("endpoint_type") or "production"),
        "formats": kinds,
    }
    told = {
        "changeset": "2026-04-01T00:00:00Z",
        "contact": str(city.setting("contact") or ""),
        "key_service": str(city.setting("key_service") or ""),
        "endpoints": [endpoint],
    }
    return _answer("discovery", told, form)


@app.door("GET", "/open311/v2/services.{format}")
@in_format
def service_list(asked: Asked, city: Asking, form: str) -> Answer:
    """The services that are offered."""
    known, tongue = services.catalogue(city), _tongue(asked, city)
    told = [_service(one, known, tongue) for code, one in sorted(known.services.items()) if one.active]
    return _answer("services", told, form)


def _service(one: services.Service, known: services.Catalogue, tongue: str) -> dict[str, Any]:
    keywords = one.keywords.get(tongue) or one.keywords.get("en") or []
    return {
        "service_code": one.code,
        "service_name": texts.in_language(one.names, tongue),
        "description": texts.in_language(one.descriptions, tongue),
        "metadata": bool(one.questions),
        "type": one.type,
        "keywords": ",".join(keywords),
        "group": texts.in_language(known.groups.get(one.group, {"en": one.group}), tongue),
    }


@app.door("GET", "/open311/v2/services/{code}.{format}")
@in_format
def service_definition(asked: Asked, city: Asking, form: str) -> Answer:
    """What a service asks."""
    one = services.catalogue(city).known(asked.path["code"])
    if not one.active:
        raise Wrong(404, f"service_code {one.code} is no longer offered")
    tongue = _tongue(asked, city)
    told = {"service_code": one.code, "attributes": [_attribute(it, tongue) for it in one.questions]}
    return _answer("service_definition", told, form)


def _attribute(one: services.Question, tongue: str) -> dict[str, Any]:
    return {
        "variable": one.variable,
        "code": one.code,
        "datatype": one.datatype,
        # One that is asked only in some cases cannot be said to be required: those who know only the standard would
        # have to answer it always.
        "required": one.required and one.when is None,
        "datatype_description": texts.in_language(one.help, tongue) or None,
        "order": one.order,
        "description": texts.in_language(one.names, tongue),
        "values": [{"key": key, "name": texts.in_language(names, tongue)} for key, names in one.values],
    }


# ---- Reporting


@app.door("POST", "/open311/v2/requests.{format}", most=24_000_000, files=5)
@in_format
def create(asked: Asked, city: Asking, form: str) -> Answer:
    """Take a request: its id, and a token that leads to it; said again, the token only to whoever sends its key."""
    said = _said(asked)
    client = _client(said.get("api_key", ""), city)
    if not said.get("service_code"):
        raise Wrong(400, "service_code was not provided")
    code = said["service_code"]
    found = services.catalogue(city).services.get(code)
    if found is None or not found.active:
        raise Wrong(404, f"service_code {code[:40]} was not found")
    name = " ".join(said.get(it, "").strip() for it in ("first_name", "last_name")).strip()
    media = texts.plain(said.get("media_url", ""), "media_url", 2_000, least=0)
    report = {
        "service": code,
        "description": said.get("description", ""),
        "lat": said.get("lat"),
        "lon": said.get("long"),
        "address": said.get("address_string") or said.get("address") or said.get("address_id") or "",
        "attributes": _answers(asked),
        "language": said.get("lang") or "",
        "email": said.get("email", ""),
        "phone": said.get("phone", ""),
        "name": name,
        "anonymous": said.get("anonymous", ""),
        "key": said.get("key", ""),
    }
    if media and not report["description"]:
        report["description"] = media
    taken = reporting.Report(
        report,
        "open311",
        asked.at,
        visitor=asked.visitor,
        files=asked.files,
        trusted=bool(client),
        person=asked.by if asked.by.startswith("person:") else "",
    )
    if not report["lat"] and not report["lon"] and found.place == "required":
        # An address alone is not looked up here: whoever takes it would send somebody to a place that was guessed.
        raise Wrong(400, "lat and long were not provided; addresses alone are not resolved")
    key, says = reporting.received(taken, city)
    # Who says the same again without a key may be somebody else behind the same address: the page is the first one's.
    token = city.token(f"reporter {key}") if says or report["key"] else None
    notice = texts.in_language(found.notice or {}, _tongue(asked, city))
    told = [{"service_request_id": key, "token": token, "service_notice": notice or None, "account_id": None}]
    return _answer("service_requests", told, form, status=201 if says else 200, says=says)


def _client(key: str, city: Asking) -> str:
    """The name of the program whose `api_key` this is; 403 for a wrong one, or none where one is needed."""
    said = city.setting("api_keys")
    known = said if isinstance(said, Mapping) else {}
    if key:
        digest = sha256(key.encode()).hexdigest()
        for name, wanted in known.items():
            if hmac.compare_digest(digest, str(wanted)):
                return str(name)
        raise Wrong(403, "api_key is not known here")
    if city.setting("api_key_required") is True:
        raise Wrong(403, "api_key was not provided")
    return ""


def _answers(asked: Asked) -> dict[str, Any]:
    """Answers as GeoReport has them, `attribute[CODE]=value`, many of one as a list; and `attribute=CODE:value`."""
    pairs = [*asked.query.items(), *asked.form.items()]
    kind = asked.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):  # what is said twice stands in it twice
        found = parse_qsl(asked.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_PAIRS)
        pairs = [*asked.query.items(), *found]
    made: dict[str, Any] = {}
    for name, value in pairs:
        if match := _ATTRIBUTE.match(name):
            code = match[1]
        elif name == "attribute" and (":" in value or "=" in value):
            code, _, value = value.replace("=", ":", 1).partition(":")  # noqa: PLW2901  # code and answer in one
        else:
            continue
        before = made.get(code)
        made[code] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    return made


@app.door("GET", "/open311/v2/tokens/{token}.{format}")
@in_format
def by_token(asked: Asked, city: Asking, form: str) -> Answer:
    """The id of the request that a token leads to."""
    one, _, _ = residents.holder(city, asked.path["token"])
    return _answer("service_requests", [{"token": asked.path["token"], "service_request_id": one.key}], form)


# ---- Reading


@app.door("GET", "/open311/v2/requests.{format}")
@in_format
def requests(asked: Asked, city: Asking, form: str) -> Answer:
    """Public requests: by ids, or service, time (90 days at most), status, place; the newest first."""
    known, tongue, said = services.catalogue(city), _tongue(asked, city), asked.query
    ids = said.get("service_request_id")
    found = _by_ids(ids, city) if ids else _by_filters(said, city)
    size = _whole(said, "page_size", MOST, MOST)
    first = (_whole(said, "page", 1, 1_000) - 1) * size
    told = [_request(one, known, city, asked, tongue) for one in found[first : first + size]]
    return _answer("service_requests", told, form)


@app.door("GET", "/open311/v2/requests/{id}.{format}")
@in_format
def request(asked: Asked, city: Asking, form: str) -> Answer:
    """One public request."""
    found = _by_ids(asked.path["id"], city)
    if not found:
        raise Wrong(404, f"service_request_id {asked.path['id'][:40]} was not found")
    return _answer(
        "service_requests", [_request(found[0], services.catalogue(city), city, asked, _tongue(asked, city))], form
    )


app.door("GET", "/open311/v2/request/{id}.{format}")(request)


def _by_ids(said: str, city: Asking) -> list[Entity]:
    keys = list(dict.fromkeys(one.strip() for one in said.split(",") if one.strip()))
    if len(keys) > IDS:
        raise Wrong(400, f"service_request_id has {len(keys)} ids; {IDS} are the most")
    found = []
    for key in keys:
        try:
            one = city.get(case.PREFIX + key[:60])
        except NotFound:
            continue
        if one.get("listed") is True:
            found.append(one)
    return found


def _by_filters(said: Mapping[str, str], city: Asking) -> list[Entity]:
    q = ["listed==true"]
    end = moment(said["end_date"], "end_date") if said.get("end_date") else city.now() + 1_000_000
    start = moment(said["start_date"], "start_date") if said.get("start_date") else end - SPAN
    if said.get("start_date") and not said.get("end_date"):
        end = min(end, start + SPAN)
    if end < start:
        raise Wrong(400, "end_date is before start_date")
    if end - start > SPAN:
        raise Wrong(400, "start_date and end_date are more than 90 days apart")
    q += [f'requestedAt>="{iso(start)}"', f'requestedAt<="{iso(end)}"']
    for name, attribute, allowed in (("service_code", "serviceCode", None), ("status", "status", {"open", "closed"})):
        words = [one.strip() for one in said.get(name, "").split(",") if one.strip()]
        if not words:
            continue
        if allowed is not None and (odd := set(words) - allowed):
            raise Wrong(400, f"{name} {min(odd)[:40]} is not one of open, closed")
        if not all(services.CODE.match(one) for one in words) or len(words) > IDS:
            return []  # no service is called so
        q.append(f"{attribute}==" + ",".join(f'"{one}"' for one in words))
    near = None
    point = places.point_of(said.get("long"), said.get("lat"))
    if point is not None:
        radius = said.get("radius") or "500"
        try:
            far = float(radius)
        except ValueError:
            far = 0.0
        if not 0 < far <= RADIUS_M:
            raise Wrong(400, f"radius is a number of metres up to {RADIUS_M:,.0f}")
        near = (*point, far)
    found = city.find("ServiceRequest", ";".join(q), near=near, limit=READ)
    return sorted(found, key=lambda one: (str(one.get("requestedAt")), one.id), reverse=True)


def _whole(said: Mapping[str, str], name: str, otherwise: int, most: int) -> int:
    return texts.whole(said.get(name) or otherwise, name, most)


def _request(one: Entity, known: services.Catalogue, city: Asking, asked: Asked, tongue: str) -> dict[str, Any]:
    service = known.services.get(str(one.get("serviceCode")))
    point = point_in(one) or (None, None)
    seen = one.get("shown") is True
    notes = texts.in_language(one.get("statusNotes") or one.get("answer") or {}, tongue)
    if into := shown.public_id(one.get("into"), city):
        notes = f"{notes} (same as {into})".strip()
    photos = city.find("RequestPhoto", f'request=="{one.id}"', limit=10) if one.get("photos") else []
    paths = sorted(shown.paths(photos, published=True))
    return {
        "service_request_id": one.key,
        "status": one.get("status"),
        "status_notes": notes or None,
        "service_name": one.get("serviceCode") if service is None else texts.in_language(service.names, tongue),
        "service_code": one.get("serviceCode"),
        "description": (one.get("description") or None) if seen else None,
        "agency_responsible": one.get("department"),
        "service_notice": (texts.in_language(service.notice or {}, tongue) or None) if service is not None else None,
        "requested_datetime": one.get("requestedAt"),
        "updated_datetime": one.get("closedAt") or one.get("updatedAt"),
        "expected_datetime": one.get("expectedAt") or one.get("closeDue") or None,
        "address": (one.get("address") or None) if seen else None,
        "address_id": None,
        "zipcode": None,
        "lat": point[1],
        "long": point[0],
        "media_url": f"{asked.origin}{paths[0]}" if paths else None,
    }


def _tongue(asked: Asked, city: Asking) -> str:
    said = _said(asked).get("lang", "")
    try:
        return texts.language(said, str(city.setting("language") or "en"))
    except Refusal:
        return "en"
