"""How the city's services stand, and what works are planned: said by staff, read by everybody."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

from hansa import Act, Asking, Entity, Refusal, entity, geo
from hansa.apps.requests import services, texts
from hansa.apps.requests.made import STAFF, app
from hansa.apps.requests.times import DAY, iso, micros, moment

STATES: Final = ("down", "disturbed", "works")
"""Worst first; as a status page has them."""
TEXT: Final = 2_000
LISTED: Final = 500
SHAPE: Final = 2_000
"""Positions of an area that is drawn."""


@app.act("state", "CityService", roles=STAFF, new=True)
def state(act: Act, city: Asking) -> Iterable[Entity]:
    """Say how a service of the city stands: `code`, `names`, `kind`, `state`, `texts`, `until`, `area`."""
    known = act.subject
    code = act.said.get("code") or (known.key if known is not None else None)
    if not isinstance(code, str) or not services.CODE.match(code):
        raise Refusal("code is a word of small letters, figures and dashes", where="code")
    if act.id and act.id.rsplit(":", 1)[-1] != code:
        raise Refusal("its id and its code differ", where="code")
    now = act.said.get("state")
    if now not in STATES:
        raise Refusal(f"state is one of {', '.join(STATES)}", where="state")
    spoken = str(city.setting("language") or "en")
    said: dict[str, Any] = {"state": now, "updatedAt": iso(act.at), "by": act.by}
    if "names" in act.said or known is None:
        said["names"] = texts.words(act.said.get("names") or code, "names", 100, spoken=spoken)
    if "kind" in act.said or known is None:
        said["kind"] = texts.plain(act.said.get("kind", "other"), "kind", 40)
    said["texts"] = texts.words(act.said.get("texts", {}), "texts", TEXT, spoken=spoken, least=0)
    said["until"] = _until(act, act.at) if now != "works" else ""
    if known is None or known.get("state") != now:
        said["since"] = iso(act.at)
    if now == "works":
        said["area"] = {}
    elif act.said.get("area"):
        said["area"] = {"shape": _shape(act.said["area"], "area")}  # no place of its own: it is a place's state
    made = entity("CityService", code, **said)
    made.label = "open"
    yield made


@app.act("plan", "PlannedWork", roles=STAFF, new=True)
def plan(act: Act, city: Asking) -> Iterable[Entity]:
    """Announce works: `names`, `texts`, `kind`, `who`, `where`, `location`, `from`, `until`; or `cancelled` true."""
    known = act.subject
    if known is not None and texts.yes(act.said.get("cancelled")):
        yield _open(entity("PlannedWork", known.id, cancelled=True, updatedAt=iso(act.at)))
        return
    if act.id and known is None:
        raise Refusal("there are no such works", where="id")
    spoken = str(city.setting("language") or "en")
    begins = moment(act.said.get("from"), "from")
    ends = moment(act.said.get("until"), "until")
    if ends <= begins:
        raise Refusal("works end after they began", where="until")
    if ends <= act.at:
        raise Refusal("that is over already", where="until")
    said: dict[str, Any] = {
        "names": texts.words(act.said.get("names"), "names", 200, spoken=spoken),
        "texts": texts.words(act.said.get("texts", {}), "texts", TEXT, spoken=spoken, least=0),
        "kind": texts.plain(act.said.get("kind", "works"), "kind", 40),
        "who": texts.plain(act.said.get("who"), "who", 200),
        "where": texts.plain(act.said.get("where"), "where", 300),
        "from": iso(begins),
        "until": iso(ends),
        "updatedAt": iso(act.at),
        "cancelled": False,
    }
    if act.said.get("location"):
        said["location"] = _shape(act.said["location"], "location")
    ident = known.id if known is not None else blake2b(f"{act.by} {act.at} {said}".encode(), digest_size=8).hexdigest()
    yield _open(entity("PlannedWork", ident, **said))


@app.view("states", public=True)
def states(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """How the city's services stand, the worst first."""
    found = []
    for one in city.find("CityService", limit=LISTED):
        now = one.get("state")
        if now not in STATES:
            continue
        told = {"id": one.key, "names": one.get("names") or {"en": one.key}, "kind": one.get("kind") or "other"}
        told |= {"state": now, "since": one.get("since"), "updated": one.get("updatedAt")}
        for name in ("until", "texts"):
            if one.get(name):
                told[name] = one.get(name)
        if isinstance(one.get("area"), Mapping) and one["area"].get("shape"):
            told["area"] = one["area"]["shape"]
        found.append(told)
    return {"at": iso(city.now()), "services": sorted(found, key=lambda it: (STATES.index(it["state"]), it["id"]))}


@app.view("works", public=True)
def works(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Planned works and those under way, the soonest first; `from`, `until`, `bbox`."""
    now = city.now()
    since = moment(asked["from"], "from") if asked.get("from") else now
    until = moment(asked["until"], "until") if asked.get("until") else since + 10 * 366 * DAY
    box = bbox_of(asked.get("bbox", ""))
    found = []
    for one in city.find("PlannedWork", f'until>="{iso(since)}"', limit=LISTED):
        begins, ends = micros(one.get("from")), micros(one.get("until"))
        if begins > until or (box is not None and not _meets(one, box)):
            continue
        word = (
            "cancelled"
            if one.get("cancelled") is True
            else "planned"
            if begins > now
            else "now"
            if ends > now
            else "over"
        )
        told = {
            name: one.get(name) for name in ("names", "texts", "kind", "who", "where", "from", "until") if one.get(name)
        }
        found.append(
            {
                "id": one.key,
                "entity": one.id,
                **told,
                "state": word,
                **({"location": one.location} if one.location else {}),
            }
        )
    return {"at": iso(now), "works": sorted(found, key=lambda it: (str(it.get("from")), it["id"]))}


def bbox_of(said: str) -> tuple[float, float, float, float] | None:
    """West, south, east, north from a text; None for none. Refusal."""
    if not said:
        return None
    try:
        west, south, east, north = (float(one) for one in said.split(","))
    except ValueError:
        raise Refusal("bbox is west,south,east,north", where="bbox") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Refusal("bbox is west,south,east,north", where="bbox")
    return west, south, east, north


def _meets(one: Entity, box: tuple[float, float, float, float]) -> bool:
    if not isinstance(one.location, dict):
        return True  # works without a place are shown everywhere
    west, south, east, north = geo.bbox(one.location)
    return west <= box[2] and east >= box[0] and south <= box[3] and north >= box[1]


def _until(act: Act, at: int) -> str:
    if not act.said.get("until"):
        return ""
    until = moment(act.said["until"], "until")
    if until <= at:
        raise Refusal("that is over already", where="until")
    return iso(until)


def _shape(said: Any, where: str) -> dict[str, Any]:
    if not isinstance(said, dict) or len(str(said)) > SHAPE * 50:
        raise Refusal(f"{where} is a GeoJSON geometry", where=where)
    geo.validate(said)
    return dict(said)


def _open(one: Entity) -> Entity:
    one.label = "open"
    return one
