"""Acts: an incident is raised, from alarms, from a report or by hand, goes from state to state, and is described."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from hansa import Act, City, Conflict, Delete, Entity, NotFound, Refusal, entity, labels
from hansa.apps.incidents import area as area_
from hansa.apps.incidents import asked, lines, states, words
from hansa.apps.incidents.case import Case, case, common, graver, holds, may_name, moment, relation, several
from hansa.apps.incidents.lines import Line
from hansa.apps.incidents.made import app

_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: nothing that is misheard over a radio
_DESCRIBED: Final = ("name", "description", "category", "severity")
_REPEATED: Final = ("category", "severity", "location")
"""What an incident says as its alarms do."""


@app.act("raise", "Incident", roles=words.DESK, new=True)
def raise_(act: Act, city: City) -> Iterator[Entity | Delete]:
    """Raise an incident: from `alarms`, from a report (`entities`) or by hand; `drill` for an exercise."""
    said = act.said
    asked.only(said, *_DESCRIBED, "alarms", "entities", "area", "location", "drill", "source", "commander")
    if act.subject is not None:
        raise Conflict("this incident was raised already", mend="open it")
    alarms = [_alert(city, one) for one in asked.uris(said, "alarms")]
    things = [city.get(one) for one in asked.uris(said, "entities")]
    drill = asked.flag(said, "drill")
    if not drill:
        for one in alarms:
            _free(city, one)
    default = _default([*alarms, *things])
    label = common(
        [labels.full(it, one.realm) for one in (*alarms, *things) for it in labels.of(one, *_REPEATED)], default
    )
    name = asked.line(said, "name", needed=False) or _named(alarms, label or default)
    if not name:
        raise Refusal("an incident needs a name", where="name", mend="say in a few words what happened and where")
    severity = "informational"
    for one in alarms:
        severity = graver(severity, str(one.get("severity", "")))
    where = area_.drawn(said["area"]) if said.get("area") is not None else area_.around(_places(alarms or things))
    source = asked.choice(said, "source", words.SOURCES, "alarms" if alarms else "report" if things else "hand")
    commander = asked.person(said, "commander", needed=False)
    ident = drawn_id(act, city)
    raised = Line(
        "state",
        f"Raised{' as a drill' if drill else ''}: {name}",
        {"to": words.NEW, "from": source, "alarms": [one.id for one in alarms], "drill": drill},
    )
    named = [Line("role", f"{commander} takes command", {"post": words.COMMANDER, "person": commander})]
    made, kept = lines.write(ident, None, act.by, act.at, [raised, *(named if commander else [])])
    new = entity(
        "Incident",
        ident,
        name=name,
        description=asked.text(said, "description", words.TEXT_MAX, needed=False) or None,
        category=asked.line(said, "category", needed=False) or next((one.get("category") for one in alarms), "other"),
        severity=asked.choice(said, "severity", words.SEVERITIES, severity if alarms else "medium"),
        status=words.NEW,
        drill=drill,
        dateRaised=moment(act),
        raisedBy=act.by,
        raisedFrom=source,
        commander=commander or None,
        dateCommanded=moment(act) if commander else None,
        roles={words.COMMANDER: [commander]} if commander else {},
        alarms=relation([one.id for one in alarms]) if alarms else None,
        links=relation([one.id for one in things]) if things else None,
        area=where,
        location=_point(said) or area_.centre(where),
        tasks=0,
        tasksOpen=0,
        runs=0,
        **kept,
    )
    for one in (new, *made):
        one.label = label
    yield new
    yield from made
    if not drill:  # a drill looks at alarms and takes none away from the desk
        yield from (claimed(one, ident) for one in alarms)


@app.act("move", "Incident", roles=words.DESK)
def move(act: Act, _city: City) -> Iterator[Entity]:
    """Bring an incident `to` verified, open, contained, resolved or reviewed; some ways need a `reason`."""
    asked.only(act.said, "to", "reason")
    it = case(act)
    to = asked.choice(act.said, "to", words.STATES)
    reason = asked.text(act.said, "reason", words.TEXT_MAX, needed=False)
    states.check(it.status, to, it.who, reason)
    left = _left(it) if to in {words.RESOLVED, words.REVIEWED} else ""
    told = f"{it.status} → {to}{f': {reason}' if reason else ''}{left}"
    first = {} if words.DATES[to] in it.incident else {words.DATES[to]: moment(act)}
    if to == words.RESOLVED:
        first = {words.DATES[to]: moment(act), "outcome": reason or "resolved"}
    data = {"was": it.status, "to": to, "reason": reason}
    changed: dict[str, Any] = {"status": to, **first}
    yield from it.says(Line("state", told, data), **changed)


@app.act("describe", "Incident", roles=words.DESK)
def describe(act: Act, _city: City) -> Iterator[Entity]:
    """Say name, description, category or severity anew; `was` says what one saw, and refuses to overwrite others."""
    asked.only(act.said, *_DESCRIBED, "was")
    it = case(act).going()
    said = act.said
    was = said.get("was", {})
    if not isinstance(was, dict):
        raise Refusal("was is what one saw: {name: value}", where="was")
    new: dict[str, Any] = {}
    if "name" in said:
        new["name"] = asked.line(said, "name")
    if "description" in said:
        new["description"] = asked.text(said, "description", words.TEXT_MAX, needed=False)
    if "category" in said:
        new["category"] = asked.line(said, "category")
    if "severity" in said:
        new["severity"] = asked.choice(said, "severity", words.SEVERITIES)
    changed = {name: value for name, value in new.items() if it.incident.get(name, "") != value}
    if not changed:
        raise Refusal("this is what it says already", mend="change something")
    for name in changed:
        if name in was and was[name] != it.incident.get(name, ""):
            raise Conflict(f"somebody else changed the {name} meanwhile", mend="look at it, then say it anew")
    told = "; ".join(
        f"{name}: {_cut(value)} (was {_cut(it.incident.get(name, ''))})" for name, value in changed.items()
    )
    yield from it.says(Line("described", told, {"changed": sorted(changed)}), **changed)


@app.act("area", "Incident", roles=words.DESK)
def area(act: Act, city: City) -> Iterator[Entity | Delete]:
    """Say where: an `area` that was drawn (GeoJSON), or the hull of its alarms (`hull` true)."""
    asked.only(act.said, "area", "hull")
    it = case(act).going()
    if asked.flag(act.said, "hull"):
        made = area_.around(_places(seen(city, several(it.incident, "alarms"))))
        if made is None:
            raise Refusal("none of its alarms says where it is", where="hull", mend="draw the area")
        told = "Area taken from its alarms"
    else:
        made = area_.drawn(act.said.get("area"))
        told = "Area drawn"
    yield from it.says(Line("area", told, {"area": made}), area=made, location=area_.centre(made))


@app.act("link", "Incident", roles=words.DESK)
def link(act: Act, city: City) -> Iterator[Entity]:
    """Link `alarms` and other `entities` to an incident."""
    asked.only(act.said, "alarms", "entities")
    it = case(act).going()
    alarms = [_alert(city, one) for one in asked.uris(act.said, "alarms")]
    things = [city.get(one) for one in asked.uris(act.said, "entities")]
    have_alarms, have = several(it.incident, "alarms"), several(it.incident, "links")
    new_alarms = [one for one in alarms if one.id not in have_alarms]
    new = [one for one in things if one.id not in have and one.id != it.id]
    if not new_alarms and not new:
        raise Refusal("there is nothing here that is not linked already", mend="name alarms or entities")
    if len(have_alarms) + len(new_alarms) > words.LINKS_MAX or len(have) + len(new) > words.LINKS_MAX:
        raise Refusal(f"an incident holds {words.LINKS_MAX} alarms and as many links", mend="split it")
    for one in (*new_alarms, *new):
        may_name(it.incident, one)
    if not it.drill:
        for one in new_alarms:
            _free(city, one, it.id)
    every = [*have_alarms, *(one.id for one in new_alarms)]
    told = f"Linked {', '.join(one.id for one in (*new_alarms, *new))}"
    line = Line("link", _cut(told, 2_000), {"linked": [one.id for one in (*new_alarms, *new)]})
    yield from it.says(
        line,
        also=() if it.drill else [claimed(one, it.id) for one in new_alarms],
        alarms=relation(every) if every else None,
        links=relation([*have, *(one.id for one in new)]) if have or new else None,
    )


@app.act("unlink", "Incident", roles=words.DESK)
def unlink(act: Act, city: City) -> Iterator[Entity | Delete]:
    """Take links away, of `alarms` or `entities`; the log keeps that they were there."""
    asked.only(act.said, "alarms", "entities", "reason")
    it = case(act).going()
    gone = {*asked.uris(act.said, "alarms"), *asked.uris(act.said, "entities")}
    have_alarms, have = several(it.incident, "alarms"), several(it.incident, "links")
    if not gone & {*have_alarms, *have}:
        raise Refusal("none of these is linked", mend="name what is linked")
    reason = asked.text(act.said, "reason", needed=False)
    told = f"Unlinked {', '.join(sorted(gone & {*have_alarms, *have}))}{f': {reason}' if reason else ''}"
    kept: dict[str, Any] = {}
    for name, old in (("alarms", have_alarms), ("links", have)):
        new = [one for one in old if one not in gone]
        if new and new != old:
            kept[name] = relation(new)
        elif old and not new:
            yield Delete(it.id, name)
    yield from it.says(Line("link", _cut(told, 2_000), {"unlinked": sorted(gone)}), **kept)
    for one in seen(city, [one for one in have_alarms if one in gone]):
        if one.get("incident") == it.id:
            yield Delete(one.id, "incident")


def drawn_id(act: Act, city: City) -> str:
    """An id that can be said over a radio: the day and five letters; the one that was asked for, if one was."""
    if act.id:
        if not act.id.startswith("urn:ngsi-ld:Incident:"):
            raise Refusal("an incident's id begins with urn:ngsi-ld:Incident:", where="id", mend="leave it out")
        return asked.uri(act.id, "id")
    day = moment(act)[2:10].replace("-", "")
    told = json.dumps([act.by, act.at, act.session, dict(act.said)], sort_keys=True, default=str)
    for turn in range(1_000):
        drawn = sha256(f"{turn}{told}".encode("utf-8", "surrogatepass")).digest()
        ident = f"urn:ngsi-ld:Incident:{day}-{''.join(_LETTERS[byte % 32] for byte in drawn[:5])}"
        try:
            city.get(ident)
        except NotFound:
            return ident
    raise Conflict("no id is free", mend="try again")  # pragma: no cover  # a thousand digests that all are taken


def _alert(city: City, ident: str) -> Entity:
    one = city.get(ident)
    if "Alert" not in one.types and not any(kind.endswith("/Alert") for kind in one.types):
        raise Refusal(f"{ident} is no alarm", where="alarms", mend="name it among the entities")
    return one


def _free(city: City, alarm: Entity, mine: str = "") -> None:
    """Refuse an alarm that an incident works on already."""
    other = alarm.get("incident")
    if not isinstance(other, str) or other == mine:
        return
    try:
        status = city.get(other).get("status")
    except NotFound:
        status = words.OPEN  # hidden: whoever sees it works on it
    if status in words.ALIVE:
        raise Conflict(f"{alarm.id} is in an incident already", mend=f"see {other}")


def claimed(alarm: Entity, incident: str) -> Entity:
    """An alarm that says which incident works on it."""
    return Entity(
        {"id": alarm.id, "type": alarm.doc["type"], "incident": relation(incident).document()}, realm=alarm.realm
    )


def _default(found: list[Entity]) -> str:
    return "security" if found and found[0].realm == "security" else "smart"


def _named(alarms: list[Entity], label: str) -> str:
    """A name from the first alarm's sentence, where that may be repeated under the incident's label."""
    if not alarms or not holds(label, alarms[0], "description"):
        return ""
    said = alarms[0].get("description") or alarms[0].get("name") or ""
    more = f" (and {len(alarms) - 1} more)" if len(alarms) > 1 else ""
    return _cut(" ".join(str(said).split()), words.NAME_MAX - len(more)) + more if said else ""


def _places(found: list[Entity]) -> list[Any]:
    return [one.location for one in found if one.location is not None]


def _point(said: Any) -> Any:
    """The place that somebody named."""
    found = said.get("location")
    if found is None:
        return None
    if not isinstance(found, dict) or found.get("type") != "Point":
        raise Refusal("location is a GeoJSON Point", where="location")
    if area_.around([found]) is None:
        raise Refusal("location is no place on earth", where="location", mend="longitude comes first")
    return {"type": "Point", "coordinates": found["coordinates"][:2]}


def seen(city: City, idents: list[str]) -> list[Entity]:
    """Those of some entities that are there for the one who asks."""
    found = []
    for one in idents:
        try:
            found.append(city.get(one))
        except NotFound:
            continue
    return found


def _left(it: Case) -> str:
    """What is still open when an incident is resolved: said, not forbidden."""
    tasks = int(it.incident.get("tasksOpen", 0))
    return f" — with {tasks} tasks open" if tasks else ""


def _cut(value: Any, most: int = 200) -> str:
    said = str(value)
    return said if len(said) <= most else said[: most - 1] + "…"
