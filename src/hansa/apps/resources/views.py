"""What the desk asks of resources: the board, who is nearest, a proposal, what is wrong. Answers are JSON."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from hansa import City, NotFound, Refusal
from hansa.apps.resources import fleet
from hansa.apps.resources import roster as rosters
from hansa.apps.resources.roster import DAY, iso

AHEAD_DAYS: Final = 7
TOLD: Final = 1_000  # gaps and clashes of one answer
NEAREST: Final = 200


def science() -> Any:
    """The module `plan`, imported when it is first needed."""
    return import_module("hansa.apps.resources.plan")


def board(city: City) -> dict[str, Any]:
    """Every resource: what it can, how it stands, who is on duty now and until when."""
    now = city.now()
    return {"at": iso(now), "resources": [_line(one, now) for one in fleet.all_resources(city)]}


def nearest(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Who is soonest at an incident or a place."""
    place = _goal(asked, city)
    word, now = asked.get("capability", ""), city.now()
    units = [one for one in fleet.all_resources(city) if not word or word in one.capabilities]
    if asked.get("all") != "true":
        units = [one for one in units if not one.kept(now)]
    found = science().nearest(city, units, place)
    lost = sum(1 for one in units if one.place is None)
    told = [
        _line(one, now) | {"eta": eta.told(), "straight_m": round(far)}
        for one, eta, far in found[: _number(asked, "count", 10, NEAREST)]
    ]
    return {"at": iso(now), "place": list(place), "resources": told, "withoutPosition": lost, "how": science().FACTS}


def propose(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Who should go where, for several incidents at once: the best answer, and the nearest-first one beside it."""
    now = city.now()
    everyone = fleet.all_resources(city)
    incidents = _incidents(asked, city, everyone)
    kept = {one.id: one.kept(now) for one in everyone}
    units = [one for one in everyone if not kept[one.id]]
    made = science().plan(city, incidents, units)
    compared, names = made.compared, {one.id: one.name for one in everyone}
    wanted = {need.capability for need in made.needs}
    sent = {one.unit for answer in (compared.best, compared.nearest) for one in answer.sent}
    states = {one.id: one.state for one in everyone if one.id in sent} | {one.id: one.state for one in incidents}
    return {
        "at": iso(now),
        "formula": science().allocation.formula(),
        "incidents": [_asks(one) for one in incidents],
        "best": _answer(made, compared.best, names),
        "nearest": _answer(made, compared.nearest, names),
        "saved": round(compared.saved, 2),
        "basis": states,
        "considered": sum(1 for one in units if not wanted.isdisjoint(one.capabilities)),
        "left": [
            {"id": one.id, "name": one.name, "why": kept[one.id]}
            for one in everyone
            if kept[one.id] and not wanted.isdisjoint(one.capabilities)
        ][:NEAREST],
        "how": science().FACTS,
    }


def duties(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """The roster of one resource as it was written, its duties, and its gaps."""
    found, now = city.get(asked.get("id", "")), city.now()
    if "Resource" not in found.types:
        raise NotFound("there is no such resource", where="id")
    one = fleet.resource(found, str(city.setting("timezone") or "UTC"))
    until = now + AHEAD_DAYS * DAY
    roster = one.roster
    return {
        "id": one.id,
        "roster": found.get("roster"),
        "faults": list(one.faults),
        "days": []
        if roster is None
        else [{"who": it.who, "from": iso(it.begin), "to": iso(it.end)} for it in roster.duties(now, until)[:TOLD]],
        "gaps": []
        if roster is None
        else [{"from": iso(begin), "to": iso(end), "there": there} for begin, end, there in roster.gaps(now, until)],
    }


def checks(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What is wrong, or soon will be: rosters with gaps, people in two places, too many in too little room."""
    now = city.now()
    until = now + _number(asked, "days", AHEAD_DAYS, 92) * DAY
    everyone = fleet.all_resources(city)
    rostered = {one.id: one.roster for one in everyone if one.roster is not None}
    gaps = [
        {"id": ident, "from": iso(begin), "to": iso(end), "there": there, "needed": roster.needed}
        for ident, roster in rostered.items()
        for begin, end, there in roster.gaps(now, until)
    ]
    clashes = [
        {"who": who, "id": one, "other": other, "from": iso(begin), "to": iso(end)}
        for who, one, other, begin, end in rosters.clashes(rostered, now, until)
    ]
    faults = [{"id": one.id, "fault": fault} for one in everyone for fault in [*one.faults, *_wrong(one, city)]]
    names = {one.id: one.name for one in everyone}
    return {
        "at": iso(now),
        "until": iso(until),
        "gaps": sorted(gaps, key=lambda gap: str(gap["from"]))[:TOLD],
        "clashes": clashes[:TOLD],
        "faults": faults[:TOLD],
        "names": names,
    }


def _wrong(one: fleet.Resource, city: City) -> list[str]:
    """What only shows beside others."""
    found = []
    if one.status in fleet.BUSY and not one.assigned_to:
        found.append(f"it is {one.status}, and to nothing")
    if one.assigned_to and one.status == "available":
        found.append("it is available, and assigned")
    if one.assigned_to:
        try:
            over = city.get(one.assigned_to).get("status") in fleet.OVER
        except NotFound:
            over = True
        if over:
            found.append("what it is assigned to is over, or gone")
    if one.has_places and one.capacity is None:
        found.append("it gives places, and does not say how many it has")
    if one.place is None:
        found.append("it has no position")
    return found


def _incidents(asked: Mapping[str, str], city: City, busy: Sequence[fleet.Resource]) -> list[fleet.Incident]:
    """Those that are named, or all that still ask for something; the gravest first, then by age."""
    named = [one for one in asked.get("incidents", "").split(",") if one]
    if len(named) > fleet.INCIDENTS:
        raise Refusal(f"at most {fleet.INCIDENTS} incidents at once", where="incidents")
    found = (
        [city.get(ident) for ident in dict.fromkeys(named)] if named else city.find("Incident", limit=fleet.INCIDENTS)
    )
    read = [fleet.incident(one, busy) for one in found if "Incident" in one.types]
    if not named:
        read = [one for one in read if one.status not in fleet.OVER and any(want.open for want in one.wants)]
    return read


def _goal(asked: Mapping[str, str], city: City) -> tuple[float, float]:
    if ident := asked.get("incident"):
        place = fleet.place_of(city.get(ident))
        if place is None:
            raise Refusal("the incident has no position", where="incident")
        return place
    try:
        place = float(asked["lon"]), float(asked["lat"])
    except (KeyError, ValueError):
        raise Refusal("say incident, or lon and lat", where="lon", mend="such as lon=17.1&lat=48.1") from None
    if not (-180 <= place[0] <= 180 and -90 <= place[1] <= 90):
        raise Refusal("lon and lat are no place on the Earth", where="lon")
    return place


def _number(asked: Mapping[str, str], name: str, plain: int, most: int) -> int:
    said = asked.get(name, "")
    if not said:
        return plain
    if not said.isascii() or not said.isdigit() or not 0 < int(said[:6]) <= most:
        raise Refusal(f"{name} is a whole number from 1 to {most}", where=name)
    return int(said)


def _line(one: fleet.Resource, now: int) -> dict[str, Any]:
    """A resource as the board shows it."""
    told: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "kind": one.kind,
        "capabilities": sorted(one.capabilities),
        "status": one.status,
        "place": None if one.place is None else list(one.place),
        "assignedTo": one.assigned_to,
        "assignedFor": one.assigned_for,
        "kept": one.kept(now),
        "state": one.state,
    }
    if one.has_places or one.capacity is not None:
        told |= {"capacity": one.capacity, "occupied": one.occupied, "held": list(one.held)}
    if one.roster is not None:
        duties = [duty for duty in one.roster.duties(now, now + DAY) if duty.begin <= now < duty.end]
        told |= {
            "needed": one.roster.needed,
            "onDuty": sorted({duty.who for duty in duties}),
            "until": iso(min(duty.end for duty in duties)) if duties else None,
        }
    return told


def _asks(one: fleet.Incident) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "severity": one.severity,
        "status": one.status,
        "place": None if one.place is None else list(one.place),
        "needs": [
            {"capability": it.capability, "count": it.count, "priority": it.priority, "open": it.open}
            for it in one.wants
        ],
        "faults": list(one.faults),
    }


def _answer(made: Any, answer: Any, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "cost": round(answer.cost, 2),
        "optimal": answer.optimal,
        "bound": None if answer.bound is None else round(answer.bound, 2),
        "gap": None if answer.gap is None else round(answer.gap, 4),
        "sent": [
            {
                "resource": one.unit,
                "name": names[one.unit],
                "incident": made.needs[one.need].incident,
                "capability": made.needs[one.need].capability,
                "places": one.places,
                "weight": made.needs[one.need].weight,
                "eta": made.eta[one.unit, made.needs[one.need].incident].told(),
            }
            for one in sorted(answer.sent, key=lambda it: (it.need, it.seconds))
        ],
        "unmet": [
            {"incident": need.incident, "capability": need.capability, "count": left, "weight": need.weight}
            for need, left in zip(made.needs, answer.unmet, strict=True)
            if left
        ],
    }
