"""Resources: what the city can send and where it can take people in, and who should go where (report section 2.4.2).

Teams, vehicles, shelters, beds and pumps are `Resource` entities. People assign and release them and keep their
rosters; the app says who is nearest by the city's own roads, and proposes the best allocation for several incidents at
once, with the plain one beside it. It decides nothing. See README.md beside this file.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

from hansa import Act, App, Attribute, City, Conflict, Delete, Entity, NotFound, Refusal, entity, labels
from hansa.apps.resources import fleet, views
from hansa.apps.resources import roster as rosters
from hansa.apps.resources.roster import iso

__all__ = ["app"]

STAFF: Final = frozenset({"operator", "supervisor", "command"})
READERS: Final = STAFF | {"engineer", "administrator", "auditor"}
PAIRS: Final = 300  # of one decision
SAID: Final = 500  # characters of a note or reason

app = App(
    "resources",
    report="2.4.2",
    reads={"Resource", "Incident", "RoadSegment", "Allocation"},
    writes={"Resource", "Allocation"},
    realm="*",
    keeps={"Allocation": (), "Resource": ("assignedTo", "assignedFor", "roster", "rosterBy", "rosterAt", "statusBy")},
)


# ---- What people do


@app.act("describe", "Resource", roles=STAFF, new=True)
def describe(act: Act, _city: City) -> Iterable[Entity | Delete]:
    """Add a resource, or say anew what it is: name, resourceKind, capabilities, capacity, location."""
    known = {"name", "resourceKind", "capabilities", "capacity", "location"}
    if extra := sorted(set(act.said) - known):
        raise Refusal(f"{extra[0][:40]!r} is not said this way", where=extra[0][:40], mend=", ".join(sorted(known)))
    told: dict[str, Any] = {}
    for name, most in (("name", fleet.NAME), ("resourceKind", fleet.WORD)):
        if name in act.said or act.subject is None:
            told[name] = _text(act, name, most)
    if "capabilities" in act.said:
        words = act.said["capabilities"]
        if not isinstance(words, list) or len(words) > fleet.CAPABILITIES or not all(map(_is_word, words)):
            raise Refusal(f"capabilities are up to {fleet.CAPABILITIES} words", where="capabilities")
        told["capabilities"] = sorted({word.strip() for word in words})
    if "capacity" in act.said:
        told["capacity"] = _places(act, "capacity", least=0)
        if act.subject is not None and told["capacity"] < fleet.resource(act.subject).occupied:
            raise Refusal("more are there than that", where="capacity")
    if "location" in act.said:
        told["location"] = _point(act.said["location"])
    if act.subject is None:
        told["status"] = "available"
    yield entity("Resource", act.id or _made(act, told), **told)


@app.act("assign", "Resource", roles=STAFF)
def assign(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Send a resource to an incident: `incident`, and for what (`capability`); `places` of a shelter or ward."""
    one = _mine(act, city)
    where = _incident(_text(act, "incident", fleet.NAME * 10), city)
    yield from _sent(act, one, where, _capability(act, one), act.said.get("places"))


@app.act("release", "Resource", roles=STAFF)
def release(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Take a resource back: it is available again. Of what has places, those given to `incident`."""
    one = _mine(act, city)
    if one.has_places:
        ident = _text(act, "incident", fleet.NAME * 10)
        stays = [it for it in one.held if it.get("incident") != ident]
        given = sum(it["places"] for it in one.held if it.get("incident") == ident and type(it.get("places")) is int)
        if len(stays) == len(one.held):
            raise Refusal("it has given no places to that incident", where="incident")
        yield entity("Resource", one.id, held=stays, occupied=max(0, one.occupied - given))
        return
    if not one.assigned_to and one.status not in fleet.BUSY:
        raise Refusal("it is assigned to nothing", where="id")
    yield entity("Resource", one.id, status="available", statusSince=iso(act.at), statusBy=act.by)
    yield from _unassigned(act)


@app.act("status", "Resource", roles=STAFF)
def status(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Say how it stands: `status` assigned, travelling, on-scene, available, or out-of-service with a `reason`."""
    one = _mine(act, city)
    to = act.said.get("status")
    if to not in fleet.STATUSES:
        raise Refusal("there is no such status", where="status", mend=", ".join(fleet.STATUSES))
    if to in fleet.BUSY and not one.assigned_to:
        raise Refusal(f"it is assigned to nothing, so it cannot be {to}", where="status", mend="assign it first")
    if to == "available" and one.assigned_to:
        raise Refusal("it is assigned; release it", where="status", mend="POST /desk/resources/release")
    why = _text(act, "reason", SAID) if to == "out-of-service" else ""
    yield entity("Resource", one.id, status=to, statusSince=iso(act.at), statusBy=act.by, statusReason=why or None)
    subject = act.subject
    if not why and subject is not None and "statusReason" in subject:
        yield Delete(one.id, "statusReason")
    if to == "out-of-service":  # what is broken is with nobody any more
        yield from _unassigned(act)


@app.act("occupy", "Resource", roles=STAFF)
def occupy(act: Act, city: City) -> Iterable[Entity]:
    """Say how many places are taken: `occupied`, as counted on the spot."""
    one = _mine(act, city)
    if one.capacity is None:
        raise Refusal("it does not say how many places it has", where="id", mend="describe it with its capacity")
    taken = _places(act, "occupied", least=0)
    if taken > one.capacity:
        raise Refusal(f"it has {one.capacity} places", where="occupied")
    yield entity("Resource", one.id, occupied=taken)


@app.act("roster", "Resource", roles=STAFF)
def roster(act: Act, city: City) -> Iterable[Entity]:
    """Write its roster: `roster`, and `seen`, the roster that it was made from (null: there was none)."""
    one = _mine(act, city)
    before = None if act.subject is None else act.subject.get("roster")
    if "seen" not in act.said:
        raise Refusal("say which roster this was made from", where="seen", mend="the roster as it was read, or null")
    if act.said["seen"] != before:
        raise Conflict("somebody else has changed the roster meanwhile", mend="look at it, then write it again")
    said = act.said.get("roster")
    rosters.read(said, str(city.setting("timezone") or "UTC"))
    if len(json.dumps(said)) > 500_000:
        raise Refusal("a roster of more than 500 kB", where="roster")
    yield entity("Resource", one.id, roster=said, rosterBy=act.by, rosterAt=iso(act.at))


@app.act("allocate", "Allocation", roles=STAFF, new=True)
def allocate(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Decide who goes where: `pairs`, as proposed or edited, and the `basis` of the proposal; all of them, or none."""
    if act.subject is not None:
        raise Refusal("a decision is not changed; decide anew", where="id")
    pairs, basis = _pairs(act), act.said.get("basis")
    if not isinstance(basis, Mapping):
        raise Refusal("say what it was decided on", where="basis", mend="the basis that the proposal came with")
    zone = str(city.setting("timezone") or "UTC")
    units = {ident: _resource(ident, city) for ident in dict.fromkeys(who for who, _, _, _ in pairs)}
    wheres = {ident: _incident(ident, city) for ident in dict.fromkeys(where for _, where, _, _ in pairs)}
    states = {it.id: fleet.resource(it).state for it in units.values()}
    states |= {it.id: fleet.incident(it).state for it in wheres.values()}
    for ident, state in states.items():
        if basis.get(ident) != state:
            raise Conflict(f"{ident} has changed since this was proposed", mend="ask for a proposal again")
    asked = [_known(ident, city) for ident in list(basis)[: fleet.INCIDENTS] if ident not in states]
    others = [one for one in asked if one is not None and "Incident" in one.types]
    yield _decision(act, city, pairs, [*wheres.values(), *others], list(units.values()))
    for n, (who, where, what, places) in enumerate(pairs):
        one = fleet.resource(units[who], zone)
        if what not in one.capabilities:
            raise Refusal(f"{one.name} cannot do {what}", where=f"pairs[{n}].capability")
        for said in _sent(act, one, wheres[where], what, places):
            yield said
            units[who] = _with(units[who], said)  # the next pair of the same one stands on this one


# ---- What people ask


@app.view("board", roles=READERS)
def _board(_asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Every resource: what it can, how it stands, who is on duty."""
    return views.board(city)


@app.view("nearest", roles=READERS)
def _nearest(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Who is soonest at `incident`, or at `lon` and `lat`; of a `capability`, `count` of them, `all` also if busy."""
    return views.nearest(asked, city)


@app.view("propose", roles=READERS)
def _propose(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Who should go where, for `incidents` (ids with commas; else all that ask for something)."""
    return views.propose(asked, city)


@app.view("checks", roles=READERS)
def _checks(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What is wrong, or will be within `days`: gaps in rosters, people in two places, too little room."""
    return views.checks(asked, city)


@app.view("duties", roles=READERS)
def _duties(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """The roster of one resource (`id`) as it was written, and who is on duty in the next week."""
    return views.duties(asked, city)


@app.view("roads", roles=READERS)
def _roads(_asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What is known of the roads, and so what a time is worth."""
    told: dict[str, Any] = views.science().told_roads(city)
    return told


# ---- Parts of the acts


def _sent(act: Act, one: fleet.Resource, where: Entity, what: str, places: Any) -> Iterable[Entity]:
    """Send one resource; Refusal or Conflict when it cannot be sent now."""
    if why := one.kept(act.at):
        raise Conflict(f"{one.name} cannot be sent: {why}", mend="choose another, or release it first")
    if one.has_places:
        many = 1 if places is None else places
        if type(many) is not int or many < 1:
            raise Refusal("places is a whole number above zero", where="places")
        if many > one.free:
            raise Conflict(f"{one.name} has {one.free} places left", mend="take fewer")
        hold = {"incident": where.id, "capability": what, "places": many, "by": act.by, "at": iso(act.at)}
        yield entity("Resource", one.id, held=[*one.held, hold], occupied=one.occupied + many)
        return
    if places is not None and places != 1:
        raise Refusal("it goes as a whole", where="places")
    yield entity(
        "Resource",
        one.id,
        status="assigned",
        assignedTo=Attribute(where.id, kind="Relationship"),
        assignedFor=what,
        statusSince=iso(act.at),
        statusBy=act.by,
    )


def _known(ident: Any, city: City) -> Entity | None:
    try:
        return city.get(ident) if isinstance(ident, str) and ident else None
    except NotFound:
        return None


def _decision(
    act: Act, city: City, pairs: list[tuple[str, str, str, int]], wheres: list[Entity], units: list[Entity]
) -> Entity:
    """The record of a decision: who, what, what it costs by the sum that was shown, and what the best would cost.

    `wheres` are all incidents that it was about, also those to which nobody goes.
    """
    science, busy = views.science(), fleet.all_resources(city)
    everyone = [one for one in busy if not one.kept(act.at)]
    incidents = [fleet.incident(one, busy) for one in wheres]
    made = science.plan(city, incidents, everyone)
    best = {
        (s.unit, made.needs[s.need].incident, made.needs[s.need].capability, s.places) for s in made.compared.best.sent
    }
    note = act.said.get("note", "")
    if not isinstance(note, str) or len(note) > SAID:
        raise Refusal(f"note is a text of at most {SAID} characters", where="note")
    told = [
        {
            "resource": who,
            "incident": where,
            "capability": what,
            "places": places,
            "eta": made.eta[who, where].told() if (who, where) in made.eta else None,
        }
        for who, where, what, places in pairs
    ]
    one = entity(
        "Allocation",
        act.id or _made(act, told),
        decidedBy=act.by,
        decidedAt=iso(act.at),
        pairs=told,
        incidents=sorted(one.id for one in incidents),
        cost=round(made.cost_of(pairs), 2),
        bestCost=round(made.compared.best.cost, 2),
        nearestCost=round(made.compared.nearest.cost, 2),
        objective=science.allocation.formula(),
        asProposed=best == set(pairs),
        note=note or None,
    )
    about = [*wheres, *units]
    found = [it for each in about for it in labels.of(each, *_WEIGHED)]
    one.label = labels.strictest(found, about[0].realm if about else "open")
    return one


_WEIGHED: Final = ("location", "area", "severity", "needs", "capabilities", "status")
"""What a decision tells something of."""


def _with(one: Entity, said: Entity) -> Entity:
    """A resource as it will be when this was said."""
    return Entity(one.doc | {name: said.doc[name] for name in said.names}, one.stamps, one.realm, one.label)


def _unassigned(act: Act) -> Iterable[Delete]:
    for name in ("assignedTo", "assignedFor"):
        if act.subject is not None and name in act.subject:
            yield Delete(act.subject.id, name)


def _mine(act: Act, city: City) -> fleet.Resource:
    if act.subject is None:
        raise NotFound(f"there is no resource {act.id[:200]}", where="id")
    return fleet.resource(act.subject, str(city.setting("timezone") or "UTC"))


def _resource(ident: str, city: City) -> Entity:
    found = city.get(ident)
    if "Resource" not in found.types:
        raise NotFound(f"there is no resource {ident[:200]}", where="pairs")
    return found


def _incident(ident: str, city: City) -> Entity:
    found = city.get(ident)
    if "Incident" not in found.types:
        raise NotFound(f"there is no incident {ident[:200]}", where="incident")
    if found.get("status") in fleet.OVER:
        raise Refusal("that incident is over", where="incident")
    return found


def _capability(act: Act, one: fleet.Resource) -> str:
    if "capability" not in act.said and len(one.capabilities) == 1:
        return next(iter(one.capabilities))
    word = _text(act, "capability", fleet.WORD)
    if word not in one.capabilities:
        raise Refusal(f"{one.name} cannot do {word}", where="capability", mend=", ".join(sorted(one.capabilities)))
    return word


def _pairs(act: Act) -> list[tuple[str, str, str, int]]:
    said = act.said.get("pairs")
    if not isinstance(said, list) or not 0 < len(said) <= PAIRS:
        raise Refusal(f"pairs is a list of 1 to {PAIRS}", where="pairs")
    made: list[tuple[str, str, str, int]] = []
    for n, one in enumerate(said):
        match one:
            case {"resource": str(who), "incident": str(where), "capability": str(what)} if who and where and what:
                places = one.get("places", 1)
                if type(places) is int and places > 0:
                    made.append((who, where, what, places))
                    continue
        raise Refusal("a pair says resource, incident, capability, and how many places", where=f"pairs[{n}]")
    if len({pair[:3] for pair in made}) < len(made):
        raise Refusal("a pair is said twice", where="pairs")
    return made


def _text(act: Act, name: str, most: int) -> str:
    said = act.said.get(name)
    if not isinstance(said, str) or not said.strip() or len(said) > most:
        raise Refusal(f"{name} is a text of 1 to {most} characters", where=name)
    return said.strip()


def _is_word(said: Any) -> bool:
    return isinstance(said, str) and bool(said.strip()) and len(said) <= fleet.WORD


def _places(act: Act, name: str, least: int) -> int:
    said = act.said.get(name)
    if type(said) is not int or not least <= said <= fleet.MOST:
        raise Refusal(f"{name} is a whole number from {least} to {fleet.MOST:,}", where=name)
    return said


def _point(said: Any) -> dict[str, Any]:
    place = fleet.place_of(entity("Resource", "x", location=said)) if isinstance(said, dict) else None
    if place is None or said.get("type") != "Point":
        raise Refusal("location is a Point with longitude and latitude", where="location")
    return {"type": "Point", "coordinates": [place[0], place[1]]}


def _made(act: Act, told: Any) -> str:
    """An id for something new: made, not drawn, so that an act that is tried again makes the same."""
    text = f"{act.by}\n{act.at}\n{json.dumps(told, sort_keys=True)}"
    return blake2b(text.encode(), digest_size=9).hexdigest()
