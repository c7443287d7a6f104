"""Acts: two incidents that are one are merged, one that is two is split.

Nothing is lost: records stay where they are, and each names the other.
"""

from collections.abc import Iterator
from typing import Any

from hansa import Act, City, Delete, Entity, NotFound, Refusal, entity
from hansa.apps.incidents import area, asked, lines, words
from hansa.apps.incidents.case import Case, case, graver, may_name, moment, relation, several
from hansa.apps.incidents.lines import Line
from hansa.apps.incidents.made import app
from hansa.apps.incidents.raising import claimed, drawn_id, seen
from hansa.apps.incidents.tasks import open_tasks


@app.act("merge", "Incident", roles=words.DESK)
def merge(act: Act, city: City) -> Iterator[Entity]:
    """Merge this incident `into` another, which takes its alarms and links, and shows its tasks, runs and log."""
    asked.only(act.said, "into", "reason")
    it = case(act).going().decided(words.COMMANDER)
    into = asked.uri(act.said.get("into"), "into")
    if into == it.id:
        raise Refusal("an incident is not merged into itself", where="into", mend="name another")
    target = city.get(into)
    if "Incident" not in target.types:
        raise Refusal(f"{into} is no incident", where="into")
    other = Case(act, target)
    if other.status == words.MERGED:  # so that no chain of merged ones ever closes to a ring
        raise Refusal("that one was merged itself", where="into", mend=f"merge into {target.get('mergedInto')}")
    other.going().decided(words.COMMANDER)
    if it.drill is not other.drill:
        raise Refusal("a drill is not merged with what is real", where="into")
    may_name(target, it.incident)
    have = several(target, "merged")
    if len(have) >= words.MERGED_MAX:
        raise Refusal(f"at most {words.MERGED_MAX} incidents are merged into one", where="into")
    alarms = _both(target, it.incident, "alarms")
    links = [one for one in _both(target, it.incident, "links") if one not in {it.id, into}]
    if len(alarms) > words.LINKS_MAX or len(links) > words.LINKS_MAX:
        raise Refusal(f"together they have more than {words.LINKS_MAX} alarms or links", where="into", mend="link them")
    reason = asked.text(act.said, "reason", words.TEXT_MAX, needed=False)
    why = f": {reason}" if reason else ""
    yield from it.says(
        Line("merge", f"Merged into {into}{why}", {"into": into}),
        status=words.MERGED,
        statusBefore=it.status,
        dateMerged=moment(act),
        mergedInto=relation(into),
    )
    where = area.joined(target.get("area"), it.incident.get("area"))
    yield from other.says(
        Line("merge", f"{it.id} merged into this one{why}", {"merged": it.id, "was": it.status}),
        also=[]
        if it.drill
        else [claimed(one, into) for one in seen(city, several(it.incident, "alarms")) if one.get("incident") == it.id],
        merged=relation([*have, it.id]),
        alarms=relation(alarms) if alarms else None,
        links=relation(links) if links else None,
        area=where,
        location=area.centre(where),
        severity=graver(str(target.get("severity")), str(it.incident.get("severity"))),
    )


@app.act("split", "Incident", roles=words.DESK)
def split(act: Act, city: City) -> Iterator[Entity | Delete]:
    """Make a second incident of a part of this one: `name`, and which `alarms`, `links` and `tasks` go with it."""
    asked.only(act.said, "name", "alarms", "links", "tasks", "reason", "severity")
    it = case(act).working().decided(words.COMMANDER)
    name = asked.line(act.said, "name")
    moving = {one: asked.uris(act.said, one) for one in ("alarms", "links", "tasks")}
    for kind in ("alarms", "links"):
        if strange := [one for one in moving[kind] if one not in several(it.incident, kind)]:
            raise Refusal(f"{strange[0]} is not among its {kind}", where=kind)
    gone = [city.get(one) for one in moving["tasks"]]
    for one in gone:
        if one.get("incident") != it.id:
            raise Refusal(f"{one.id} is no task of this incident", where="tasks")
    opened = sum(1 for one in gone if one.get("status") == "open")
    reason = asked.text(act.said, "reason", words.TEXT_MAX, needed=False)
    ident = drawn_id(Act("", None, act.said, act.by, act.roles, act.assurance, act.at, act.session), city)
    alarms = seen(city, moving["alarms"])
    where = area.around([one.location for one in alarms if one.location is not None])
    status = words.NEW if it.status == words.NEW else words.VERIFIED
    began = Line("state", f"Split from {it.id}: {name}", {"to": status, "from": it.id, "drill": it.drill})
    made, kept = lines.write(ident, None, act.by, act.at, [began])
    new = entity(
        "Incident",
        ident,
        name=name,
        category=it.incident.get("category"),
        severity=asked.choice(act.said, "severity", words.SEVERITIES, str(it.incident.get("severity", "medium"))),
        status=status,
        drill=it.drill,
        dateRaised=moment(act),
        dateVerified=moment(act) if status == words.VERIFIED else None,
        raisedBy=act.by,
        raisedFrom=it.incident.get("raisedFrom"),
        splitFrom=relation(it.id),
        roles={},
        alarms=relation(moving["alarms"]) if moving["alarms"] else None,
        links=relation(moving["links"]) if moving["links"] else None,
        area=where,
        location=area.centre(where) or it.incident.location,
        tasks=int(it.incident.get("tasks", 0)),  # tasks that come along keep their numbers; new ones follow
        tasksOpen=opened,
        runs=0,
        **kept,
    )
    for one in (new, *made):
        one.label = it.incident.label
        yield one
    staying: dict[str, Any] = {}
    for kind in ("alarms", "links"):
        left = [one for one in several(it.incident, kind) if one not in moving[kind]]
        if left:
            staying[kind] = relation(left)
        elif moving[kind]:
            yield Delete(it.id, kind)
    told = f"Split off {ident}: {name}{f' — {reason}' if reason else ''}"
    yield from it.says(
        Line("merge", told, {"split": ident, **{kind: ids for kind, ids in moving.items() if ids}}),
        also=[
            *(entity("IncidentTask", one.id, incident=relation(ident)) for one in gone),
            *([] if it.drill else [claimed(one, ident) for one in alarms if one.get("incident") == it.id]),
        ],
        tasksOpen=max(0, open_tasks(it.incident) - opened),
        **staying,
        splits=relation([*several(it.incident, "splits"), ident][-words.LINKS_MAX :]),
    )


def family(city: City, incident: Entity) -> tuple[list[Entity], int]:
    """An incident and all that were merged into it, as far as they are seen; and how many are not."""
    found, waiting, hidden = [incident], several(incident, "merged"), 0
    known = {incident.id}
    while waiting and len(found) < words.LISTED:
        ident = waiting.pop()
        if ident in known:
            continue
        known.add(ident)
        try:
            one = city.get(ident)
        except NotFound:
            hidden += 1
            continue
        found.append(one)
        waiting += several(one, "merged")
    return found, hidden


def _both(one: Entity, other: Entity, name: str) -> list[str]:
    return list(dict.fromkeys([*several(one, name), *several(other, name)]))
