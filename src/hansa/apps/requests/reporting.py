"""How a request comes in, from whichever side: checked, placed, given to a department, compared with what is known."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import Any, Final

from hansa import Asking, City, Entity, File, NotFound, Refusal, entity
from hansa.apps.requests import case, clocks, likeness, places, reach, services, texts
from hansa.apps.requests.times import DAY, HOUR, iso

CHANNELS: Final = ("web", "app", "phone", "paper", "open311")
STAFF_CHANNELS: Final = frozenset({"phone", "paper"})
DESCRIPTION: Final = 5_000
ADDRESS: Final = 300
KEY: Final = re.compile(r"[A-Za-z0-9_-]{22,80}\Z")
PER_VISITOR: Final = 20
"""Reports of one visitor in an hour, unless `per_visitor` says otherwise (0: no limit)."""
_SAME: Final = ("service", "description", "lon", "lat", "address", "attributes", "name", "email", "phone", "anonymous")
"""What is said the same twice by one who sends no key: with who he is, for many may be behind one address."""
_MAIL: Final = re.compile(r"[^\s@<>,;:\"]{1,64}@[^\s@<>,;:\"]{1,189}\.[^\s@<>,;:\".]{2,63}\Z")
_PHONE: Final = re.compile(r"\+?[0-9 ()/.-]{5,30}\Z")


class TooOften(Refusal):
    """One visitor asks for too much: he may go on later."""

    status = 429
    kind = "https://hansa.city/errors/TooMany"
    title = "Too many requests"
    retry_after_s = 3_600


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reports, as he said it, and what is known of him."""

    said: Mapping[str, Any]
    channel: str
    at: int
    by: str = ""
    visitor: str = ""
    files: tuple[File, ...] = ()
    person: str = ""
    trusted: bool = False
    taken_at: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


def key_hash(key: str) -> str:
    """What is kept of a secret key: enough to know it again."""
    return sha256(b"hansa requests key " + key.encode()).hexdigest()[:32]


def public_key(secret: str) -> str:
    """The public id of a request that was reported with a secret key, or with what stands for one."""
    return "R" + base64.b32encode(blake2b(secret.encode(), digest_size=10, person=b"request").digest())[:10].decode()


def secret_of(report: Report, city: Asking) -> str:
    """The key that came with a report, or one made of what it says and of who says it: the same twice in a day is one.

    What is made is signed by the city: from the public id that follows from it nobody finds a number by trying.
    """
    key = report.said.get("key")
    if key not in (None, ""):
        if not isinstance(key, str) or not KEY.match(key):
            raise Refusal("key is 22 to 80 random letters and figures", where="key")
        return key
    said = [
        report.person or report.by or report.visitor,
        report.at // DAY,
        *(str(report.said.get(name, "")) for name in _SAME),
        [one.sha256 for one in report.files],
    ]
    return city.token(f"said {sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()}")


def received(report: Report, city: Asking) -> tuple[str, list[Entity]]:
    """The request's key, and what to write: nothing when it came before. Refusal names what is wrong."""
    secret = secret_of(report, city)
    key = public_key(secret)
    try:
        city.get(case.PREFIX + key)
    except NotFound:
        return key, _made(key, secret, report, city)
    return key, []


def _made(key: str, secret: str, report: Report, city: Asking) -> list[Entity]:
    said = report.said
    service = services.catalogue(city).one(said.get("service"))
    spoken = str(city.setting("language") or "en")
    language = texts.language(said.get("language"), spoken)
    description = texts.plain(said.get("description"), "description", DESCRIPTION, least=0, lines=True)
    answers = services.answers(service, said.get("attributes"))
    if not (description or answers or report.files):
        raise Refusal("say what is wrong, or send a photo", where="description")
    address = texts.plain(said.get("address"), "address", ADDRESS, least=0)
    point = places.point_of(said.get("lon"), said.get("lat"))
    ground = places.ground(city)
    if point is not None:
        ground.must_hold(point)
    elif service.place == "required" and not (address and report.trusted):
        raise Refusal("say where it is", where="lon", mend="mark the place on the map")
    if len(report.files) > service.photos:
        raise Refusal(f"{len(report.files)} photos; {service.photos} are taken", where="photo")
    district = ground.district(point) if point is not None else None
    department = service.does(district.key if district is not None else "")
    reporter = _reporter(key, secret, report, city, service)
    _not_too_often(report, city)
    began = report.taken_at or report.at
    attributes: dict[str, Any] = {
        "serviceCode": service.code,
        "serviceVersion": service.version,
        "status": "open",
        "step": "received",
        "channel": report.channel,
        "language": language,
        "description": description,
        "address": address,
        "answers": answers,
        "department": department,
        "district": district.key if district is not None else "",
        "requestedAt": iso(began),
        "updatedAt": iso(report.at),
        "listed": service.listed and point is not None,
        "shown": str(city.setting("publish") or "staff") == "at-once",
        "people": 1,
        "photos": len(report.files),
        "steps": 1,
    }
    if point is not None:
        attributes["location"] = {"type": "Point", "coordinates": [round(point[0], 7), round(point[1], 7)]}
    one = entity("ServiceRequest", key, **attributes)
    one.label = case.label(department)
    found = likeness.likely(one, city, services.catalogue(city))
    hours = clocks.calendar(city, service.calendar)
    stood = clocks.state(one, service, hours, report.at)
    whole = entity("ServiceRequest", key, **attributes, **stood, likely=found)
    whole.label = one.label
    log = case.line(
        whole.id, 1, report.at, report.by, "received", "received", one.label, more={"channel": report.channel}
    )
    return [whole, log, reporter, *_photos(key, report, department)]


def _photos(key: str, report: Report, department: str) -> list[Entity]:
    made = []
    for n, file in enumerate({one.sha256: one for one in report.files}.values(), 1):
        one = entity(
            "RequestPhoto",
            f"{key}-{n}",
            request=case.PREFIX + key,
            media=[file.said()],
            at=iso(report.at),
            published=False,
        )
        one.label = case.label(department)
        made.append(one)
    return made


def _reporter(key: str, secret: str, report: Report, city: Asking, service: services.Service) -> Entity:
    """Who asked, as far as he may be known: read by himself, and by the desk that calls back."""
    said = report.said
    nameless = texts.yes(said.get("anonymous"))
    contact = {} if nameless else contact_of(said)
    person = "" if nameless else report.person
    if not (contact.get("email") or contact.get("phone") or person):
        nameless = True
    if nameless and not (city.setting("anonymous", True) is not False and service.anonymous):
        raise Refusal(
            f"{texts.in_language(service.names)} is not taken from somebody unknown",
            where="email",
            mend="say how you can be reached: email or phone",
        )
    one = entity(
        "RequestReporter",
        key,
        request=case.PREFIX + key,
        kind="reporter",
        keyHash=key_hash(secret),
        at=iso(report.at),
        visitor=report.visitor or None,
        person=person or None,
        anonymous=nameless,
        language=texts.language(said.get("language"), str(city.setting("language") or "en")),
        **contact,
        # Programs of others and the desk speak for many: their address is nobody's.
        **reach.said(
            contact, report.at, "" if report.trusted else report.visitor, city, asked=report.channel in STAFF_CHANNELS
        ),
    )
    one.label = personal(city, person)
    case.linked(one, city)
    return one


def personal(city: City, person: str) -> str:
    """The label of what is known of somebody: the desk's, for requests, and his own."""
    owner = str(city.setting("desk") or "service-desk")
    return f"personal;owner={owner};purposes=requests" + (f";subject={person}" if person else "")


def contact_of(said: Mapping[str, Any]) -> dict[str, str]:
    """Name, email and phone, as far as they are said. Refusal for what cannot be one."""
    found = {
        name: texts.plain(said.get(name), name, most, least=0)
        for name, most in (("name", 120), ("email", 254), ("phone", 30))
    }
    if found["email"] and not _MAIL.match(found["email"]):
        raise Refusal("that is no e-mail address", where="email")
    if found["phone"] and not _PHONE.match(found["phone"]):
        raise Refusal("that is no telephone number", where="phone")
    return {name: text for name, text in found.items() if text}


def _not_too_often(report: Report, city: City) -> None:
    most = city.setting("per_visitor", PER_VISITOR)
    if report.trusted or not report.visitor or not isinstance(most, int) or most <= 0:
        return
    since = iso(report.at - HOUR)
    asked = f'visitor=="{report.visitor}";at>="{since}"'
    if len(city.find("RequestReporter", asked, limit=most)) >= most:
        raise TooOften(f"{most} reports within an hour came from where you are", mend="try again in an hour, or call")
