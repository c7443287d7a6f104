"""What happens in my street: by a place, of proposals, works, requests and warnings; as a list, and as a feed.

Whoever asks by a place leaves nothing behind. Who wants it kept has a `Follow`, and a link to its feed that opens
without signing in: whoever has the link reads the feed, and nothing else.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from hansa import Act, Answer, Asking, City, Conflict, Delete, Entity, NotFound, Refusal, entity
from hansa.apps.participation.said import iso, known, made, not_there, number, only, point, subject, text, there, word
from hansa.apps.participation.taking_part import Participant, private
from hansa.apps.participation.words import FOLLOWS, LANGUAGES, RADIUS_M, WORD

KIND: Final = "Follow"
SOURCES: Final = {
    "proposal": ("ParticipationProposal", "title", "submittedAt", "status"),
    "works": ("PlannedWork", "names", "from", "kind"),
    "request": ("ServiceRequest", "serviceCode", "requestedAt", "step"),
    "warning": ("Warning", "texts", "sent", "severity"),
}
"""Of what, which types; under which attributes they tell what it is, since when, and how it stands."""
_MOST: Final = 200
_EARTH_M: Final = 6_371_008.8
_ATOM: Final = "http://www.w3.org/2005/Atom"


def followed(act: Act, city: Asking) -> Iterable[Entity]:
    """Somebody wants to hear what happens around a place."""
    who = known(act)
    only(act.said, "name", "lon", "lat", "radius_m", "kinds", "language")
    kinds = act.said.get("kinds", sorted(SOURCES))
    if not isinstance(kinds, list) or not kinds or not all(isinstance(it, str) and it in SOURCES for it in kinds):
        raise Refusal("there is no such kind", where="kinds", mend=", ".join(SOURCES))
    spot = point({"type": "Point", "coordinates": [act.said.get("lon"), act.said.get("lat")]}, "lon")
    radius = act.said.get("radius_m", 500)
    if type(radius) not in {int, float} or not 10 <= radius <= RADIUS_M:
        raise Refusal(f"radius_m is 10 to {RADIUS_M:,}", where="radius_m")
    he = Participant(act, city)
    mine = he.kept.get("follows", [])
    ident = f"urn:ngsi-ld:{KIND}:{made('follow', who, str(spot), str(radius), *sorted(kinds))}"
    if ident in mine and there(city, ident) is not None:
        return
    if len(mine) >= FOLLOWS:
        raise Conflict(f"{FOLLOWS} places are the most", mend="leave one out first")
    he.does("follow")
    he.keeps("follows", ident)
    yield he.said()
    one = entity(
        KIND,
        ident,
        name=text(act.said, "name", WORD, least=0),
        place=spot["coordinates"],
        radius_m=radius,
        kinds=sorted(set(kinds)),
        language=word(act.said, "language", LANGUAGES, default="en"),
    )
    yield private(one, who)


def unfollowed(act: Act, city: Asking) -> Iterable[Entity | Delete]:
    """He does not want to hear it any more: it is gone, and so is its feed."""
    he = Participant(act, city)
    if act.id not in he.kept.get("follows", []):
        raise not_there(act)
    only(act.said)
    he.lets_go("follows", act.id)
    yield he.said()
    yield Delete(act.id)


def around(city: City, lon: float, lat: float, radius: float, kinds: Iterable[str]) -> list[dict[str, Any]]:
    """What is near a place and for everybody, the nearest first."""
    found = []
    now = iso(city.now())
    for kind in kinds:
        type_, name, since, stands = SOURCES[kind]
        for one in city.find(type_, near=(lon, lat, radius), limit=1_000):
            if not _for_all(one, now):
                continue
            found.append(
                {
                    "kind": kind,
                    "id": one.id,
                    "title": _called(one.get(name, "")),
                    "status": one.get(stands, ""),
                    "at": one.get(since, ""),
                    "distance_m": _metres(one, lon, lat),
                }
            )
    found.sort(key=lambda it: (it["distance_m"], it["id"]))
    return found[:_MOST]


def _for_all(one: Entity, now: str) -> bool:
    """Whether it is told to everybody, and not over: an app sees more than those who ask it."""
    if "ServiceRequest" in one.types:  # staff's own, of which a part is told when its service is listed
        return one.get("listed") is True
    if (one.label or "").partition(";")[0] != "open" or one.get("cancelled") is True:
        return False
    if "Warning" in one.types and one.get("state") != "sent":
        return False
    return all(str(one.get(name, now)) >= now for name in ("until", "expires"))


def _called(said: Any) -> Any:
    """What it is called: a text, or texts by language; of a warning, the title of each."""
    if not isinstance(said, Mapping):
        return said
    return {name: one.get("title", "") if isinstance(one, Mapping) else one for name, one in said.items()}


def _metres(one: Entity, lon: float, lat: float) -> int:
    """To its point, or to the nearest corner of its line or area: the list is sorted by it, nothing is decided."""
    where = one.get("location")
    spots = _spots(where.get("coordinates")) if isinstance(where, Mapping) else []
    return round(min((_apart(x, y, lon, lat) for x, y in spots), default=0.0))


def _spots(said: Any) -> list[tuple[float, float]]:
    if isinstance(said, list) and said and isinstance(said[0], int | float):
        return [(said[0], said[1])]
    return [spot for one in said or () for spot in _spots(one)][:10_000] if isinstance(said, list) else []


def _apart(x: float, y: float, lon: float, lat: float) -> float:
    """Metres between two places (haversine)."""
    a, b = math.radians(y), math.radians(lat)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon - x) / 2) ** 2
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def street(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What is near a place."""
    lon, lat = number(asked, "lon", -180, 180), number(asked, "lat", -90, 90)
    radius = number(asked, "radius_m", 10, RADIUS_M) if "radius_m" in asked else 500.0
    kinds = [one for one in asked.get("kinds", "").split(",") if one] or list(SOURCES)
    if unknown := [one for one in kinds if one not in SOURCES]:
        raise Refusal(f"there is no kind {unknown[0][:40]!r}", where="kinds", mend=", ".join(SOURCES))
    return {"at": iso(city.now()), "items": around(city, lon, lat, radius, dict.fromkeys(kinds))}


def of_token(asked: Mapping[str, str], city: Asking) -> Entity:
    """The Follow that a link is for; NotFound, which does not say whether there ever was one."""
    told = city.told_by(asked.get("token", "")[:500])
    if told is None or not told.startswith("follow:"):
        raise NotFound("there is no such feed", where="token")
    return subject(city, f"urn:ngsi-ld:{KIND}:{told[7:]}", KIND, where="token")


def told(one: Entity, city: Asking) -> dict[str, Any]:
    """A Follow, and what is in its feed."""
    lon, lat = one["place"]
    items = around(city, lon, lat, one["radius_m"], one["kinds"])
    items.sort(key=lambda it: (str(it["at"]), it["id"]), reverse=True)
    return {"name": one.get("name", ""), "language": one.get("language", "en"), "items": items}


def link(one: Entity, city: Asking) -> str:
    """Where the feed of a Follow is read."""
    return f"{city.origin}/desk/participation/feed?token={city.token('follow:' + one.key)}"


def feed(asked: Mapping[str, str], city: Asking) -> Answer:
    """A feed (Atom, RFC 4287): of a Follow by its token, or of a place."""
    if "token" in asked:
        one = told(of_token(asked, city), city)
        name, items, language = one["name"], one["items"], one["language"]
    else:
        items, name, language = street(asked, city)["items"], "", word(dict(asked), "language", LANGUAGES, default="en")
    root = Element("feed", {"xmlns": _ATOM, "xml:lang": language})
    ident = made("feed", asked.get("token", ""), asked.get("lon", ""), asked.get("lat", ""))
    SubElement(root, "id").text = f"urn:hansa:feed:{ident}"
    SubElement(root, "title").text = name or "hansa"
    SubElement(root, "updated").text = max((str(it["at"]) for it in items if it["at"]), default=iso(city.now()))
    author = SubElement(root, "author")
    SubElement(author, "name").text = "hansa"
    for item in items:
        entry = SubElement(root, "entry")
        SubElement(entry, "id").text = item["id"]
        SubElement(entry, "title").text = _in(item["title"], language) or item["kind"]
        SubElement(entry, "updated").text = str(item["at"]) or iso(city.now())
        SubElement(entry, "category", {"term": item["kind"]})
        SubElement(entry, "summary").text = f"{item['status']}, {item['distance_m']} m"
    return Answer(tostring(root, encoding="utf-8", xml_declaration=True), "application/atom+xml")


def _in(said: Any, language: str) -> str:
    """A text in a language, or in whatever there is; without what XML 1.0 cannot hold."""
    if isinstance(said, Mapping):
        said = said.get(language) or said.get("en") or next(iter(said.values()), "")
    return "".join(
        one
        for one in str(said)
        if one in "\t\n" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one > "\uffff"
    )[:500]
