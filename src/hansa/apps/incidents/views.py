"""Views: the list of incidents, the whole picture of one, its log and tasks, run-books; all with the asker's sight."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import City, Entity, NotFound, Refusal
from hansa.apps.incidents import asked, books, lines, states, tasks, words
from hansa.apps.incidents.case import several
from hansa.apps.incidents.conducting import at_now
from hansa.apps.incidents.joining import family
from hansa.apps.incidents.keeping import sums
from hansa.apps.incidents.made import app

LINES: Final = 100  # of a log, with the picture; older ones by the view `log`
_PLAIN: Final = (
    *("name", "description", "category", "severity", "status", "drill", "raisedBy", "raisedFrom", "outcome"),
    *(*words.DATES.values(), "dateCommanded", "dateMerged", "commander", "roles", "objectives", "cost", "findings"),
    *("location", "area", "mergedInto", "splitFrom", "statusBefore", "tasks", "tasksOpen", "runs", "lines"),
    *("media", "needs"),
)


@app.view("list", roles={*words.DESK, "auditor", "data_officer", "member", "engineer"})
def listed(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """Incidents, gravest and newest first: `status` (by comma; all), `drill` (true, false), `text` in their names."""
    wanted = said.get("status", ",".join(sorted(words.ALIVE)))
    states_ = [one for one in wanted.split(",") if one in {*words.STATES, words.MERGED}]
    q = None if wanted == "all" else f"status=={','.join(f'{chr(34)}{one}{chr(34)}' for one in states_)}"
    if q is not None and not states_:
        raise Refusal("status is one or several of " + ", ".join((*words.STATES, words.MERGED, "all")), where="status")
    found = city.find("Incident", q=q, limit=words.LISTED)
    if (drill := said.get("drill")) in {"true", "false"}:
        found = [one for one in found if (one.get("drill") is True) is (drill == "true")]
    if text := said.get("text", "").casefold():
        found = [one for one in found if text in f"{one.get('name')} {one.id}".casefold()]
    now = asked.iso(city.now())
    late = Counter(
        str(one.get("incident"))
        for one in city.find("IncidentTask", q=f'status=="open";dueAt<"{now}"', limit=words.TASKS_MAX)
    )
    rows = [
        {**plain(one), "alarms": len(several(one, "alarms")), "late": late[one.id], "merged": several(one, "merged")}
        for one in found
    ]
    order = {name: i for i, name in enumerate((*words.STATES, words.MERGED))}
    rows.sort(key=lambda one: str(one.get("dateRaised")), reverse=True)
    rows.sort(key=lambda one: (order.get(one["status"], 9) > 3, -_grave(one), order.get(one["status"], 9)))
    return {"now": now, "incidents": rows, "more": len(found) >= words.LISTED}


@app.view("picture", roles={*words.DESK, "auditor", "data_officer", "member", "engineer"})
def picture(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """The whole picture of one incident (`id`): everything that belongs on its page."""
    return whole(city, one_of(city, said))


@app.view("log", roles={*words.DESK, "auditor", "data_officer", "member", "engineer"})
def log(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """Lines of the log of one incident (`id`), newest first, `before` line n, at most `limit`."""
    incident = one_of(city, said)
    total = int(incident.get("lines", 0))
    before, limit = _number(said, "before", total + 1), min(_number(said, "limit", LINES), 1_000)
    found = _between(city, incident, before - limit - 1, before)
    return {"total": total, "lines": sorted(found, key=lambda one: -one["n"])}


@app.view("tasks", roles={*words.DESK, "auditor", "data_officer", "member", "engineer"})
def task_list(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """Tasks of one incident (`id`): those that are late first, then by due time; `status`, `offset` and `limit`."""
    incident = one_of(city, said)
    now = city.now()
    status = said.get("status", "all")
    more = f';status=="{status}"' if status in {"open", "done", "dropped"} else ""
    found = [
        tasks.read(task, now)
        for one in family(city, incident)[0]
        for task in city.find("IncidentTask", q=f'incident=="{one.id}"{more}', limit=words.TASKS_MAX)
    ]
    found.sort(key=_urgent)
    offset, limit = _number(said, "offset", 0), min(_number(said, "limit", 200), words.LISTED)
    return {"total": len(found), "tasks": found[offset : offset + limit]}


@app.view("books", roles={*words.DESK, "auditor", "data_officer", "member", "engineer"})
def book_list(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """Run-books: those in use, or `all`, with their steps; `for` names an alarm or an incident that they should fit."""
    q = None if said.get("all") else 'status=="current"'
    found = city.find("RunBook", q=q, limit=words.LISTED)
    now = asked.iso(city.now())[:10]
    wanted = city.get(said["for"]) if said.get("for") else None
    told = [book(one, now) for one in found]
    if wanted is not None:
        fitting = {one.id for one in suited(found, wanted, alarms_of(city, wanted))}
        told = [one for one in told if one["id"] in fitting]
    return {"now": now, "books": sorted(told, key=lambda one: (one["name"], -one["version"]))}


def one_of(city: City, said: Mapping[str, str]) -> Entity:
    """The incident that a view is asked about."""
    ident = said.get("id", "")
    if not ident:
        raise Refusal("which incident?", where="id", mend="say id=urn:ngsi-ld:Incident:...")
    found = city.get(ident)
    if "Incident" not in found.types:
        raise NotFound(f"there is no entity {ident[:200]}", where="id")
    return found


def plain(one: Entity) -> dict[str, Any]:
    """An incident in plain JSON."""
    return {"id": one.id, "label": lines.label(one), **{name: one.get(name) for name in _PLAIN if name in one}}


def book(one: Entity, today: str) -> dict[str, Any]:
    """A run-book in plain JSON."""
    names = ("name", "summary", "version", "author", "published", "reviewDate", "needs", "sources", "forAlarms")
    told = {name: one.get(name) for name in (*names, "forIncidents", "steps", "status")}
    plan = [step for step in told["steps"] or [] if isinstance(step, dict)]
    asks = sorted(books.asks(plan))
    overdue = str(told["reviewDate"] or "") < today
    return {
        **told,
        "id": one.id,
        "name": str(told["name"] or one.key),
        "version": int(told["version"] or 1),
        "asks": asks,
        "overdue": overdue,
    }


def suited(found: Iterable[Entity], incident: Entity, alarms: Iterable[Entity]) -> list[Entity]:
    """The run-books that fit an incident, or one of its alarms."""
    alarms = list(alarms)
    return [
        one
        for one in found
        if one.get("status", "current") == "current"
        and (
            books.fits(one.get("forIncidents"), incident)
            or any(books.fits(one.get("forAlarms"), each) or each.get("runBook") == one.id for each in alarms)
        )
    ]


def alarms_of(city: City, one: Entity) -> list[Entity]:
    """The alarms of an incident, as far as they are seen; of an alarm, itself."""
    return [one] if "Incident" not in one.types else seen(city, several(one, "alarms"))[0]


def seen(city: City, idents: Iterable[str]) -> tuple[list[Entity], int]:
    """Those of some entities that the one who asks sees, and how many he does not, or are gone."""
    found, missing = [], 0
    for ident in idents:
        try:
            found.append(city.get(ident))
        except NotFound:
            missing += 1
    return found, missing


def every_line(city: City, incidents: Iterable[Entity]) -> list[dict[str, Any]]:
    """The lines of some incidents as one log, oldest first."""
    found = [
        {**line, "incident": one.id}
        for one in incidents
        for line in _between(city, one, 0, int(one.get("lines", 0)) + 1)
    ]
    return sorted(found, key=lambda one: (one["at"], one["incident"], one["n"]))


def whole(city: City, incident: Entity) -> dict[str, Any]:
    """All that belongs to an incident and to those that were merged into it."""
    now = city.now()
    members, hidden = family(city, incident)
    idents = [one.id for one in members]
    alarms, missing = seen(city, several(incident, "alarms"))
    links, more = seen(city, several(incident, "links"))
    newest: list[dict[str, Any]] = []
    for one in members:
        total = int(one.get("lines", 0))
        newest += [{**line, "incident": one.id} for line in _between(city, one, total - LINES, total + 1)]
    newest.sort(key=lambda one: (one["at"], one["incident"], one["n"]), reverse=True)
    used = city.find("RunBook", q='status=="current"', limit=words.LISTED)
    return {
        "now": asked.iso(now),
        "incident": plain(incident),
        "moves": [] if incident.get("status") == words.MERGED else list(states.onward(str(incident.get("status")))),
        "alarms": [_alarm(one) for one in alarms],
        "links": [thing(one) for one in links],
        "unseen": missing + more + hidden,
        "merged": [plain(one) for one in members[1:]],
        "tasks": _tasks(city, members, now),
        "runs": runs_of(city, members, now),
        "books": [book(one, asked.iso(now)[:10]) for one in suited(used, incident, alarms)],
        "log": {"total": sum(int(one.get("lines", 0)) for one in members), "lines": newest[:LINES]},
        "commands": [_command(one) for ident in idents for one in city.find("Command", q=f'incident=="{ident}"')],
        "notices": [_notice(one) for ident in idents for one in city.find("Notice", q=f'incident=="{ident}"')],
        "resources": [thing(one) for ident in idents for one in city.find("Resource", q=f'assignedTo=="{ident}"')],
        "spent": sums([item for one in members for item in one.get("cost") or []]),
    }


def runs_of(city: City, members: Iterable[Entity], now: int) -> list[dict[str, Any]]:
    """The runs of some incidents with their courses, oldest first."""
    found = [run for one in members for run in city.find("RunBookRun", q=f'incident=="{one.id}"', limit=words.RUNS_MAX)]
    return [_run(one, now) for one in sorted(found, key=lambda one: (str(one.get("startedAt")), one.id))]


def _tasks(city: City, members: list[Entity], now: int) -> dict[str, Any]:
    """Open tasks, those that are late first; the ended ones are counted, the view `tasks` has them."""
    total = sum(int(one.get("tasks", 0)) for one in members)
    open_ = sum(int(one.get("tasksOpen", 0)) for one in members)
    at = asked.iso(now)
    late, rest = [], []
    for one in members:
        q = f'incident=="{one.id}";status=="open";dueAt'
        late += city.find("IncidentTask", q=f'{q}<"{at}"', limit=words.TASKS_MAX)
        rest += city.find("IncidentTask", q=f'{q}>="{at}"', limit=words.LISTED)
    rows = sorted((tasks.read(one, now) for one in (*late[: words.LISTED], *rest)), key=_urgent)[: words.LISTED]
    return {"total": total, "open": open_, "late": len(late), "rows": rows}


def _run(one: Entity, now: int) -> dict[str, Any]:
    course = at_now(one, now)
    status = str(one.get("status", "running"))
    return {
        "id": one.id,
        "incident": str(one.get("incident", "")),
        "book": str(one.get("runBook", "")),
        "name": str(one.get("name", "")),
        "version": one.get("version", 1),
        "drill": one.get("drill") is True,
        "status": "done" if status == "running" and course.current is None else status,
        "startedAt": str(one.get("startedAt", "")),
        "startedBy": str(one.get("startedBy", "")),
        "ended": None if course.ended is None else asked.iso(course.ended),
        "stoppedFor": one.get("stoppedFor"),
        "stuck": str(one.get("stuck", "")) if course.on and course.on["kind"] in {"condition", "wait"} else "",
        "current": course.on["id"] if course.on and status == "running" else None,
        "steps": course.steps,
    }


def _alarm(one: Entity) -> dict[str, Any]:
    names = ("description", "severity", "status", "category", "subCategory", "dateIssued", "alertSource", "validTo")
    acknowledged = one.get("acknowledgedActivation") is not None and one.get("acknowledgedActivation") == one.get(
        "activations"
    )
    return {**thing(one), **{name: one.get(name) for name in names}, "acknowledged": acknowledged}


def thing(one: Entity) -> dict[str, Any]:
    """An entity that is linked: what it is, how it is called, where it is, how it is."""
    name = one.get("name")
    return {
        "id": one.id,
        "type": one.type.rpartition("/")[2],
        "name": name if isinstance(name, str) and name else one.key,
        "status": one.get("status") if isinstance(one.get("status"), str) else None,
        "location": one.location,
        "label": lines.label(one),
    }


def _command(one: Entity) -> dict[str, Any]:
    return {**thing(one), **{name: one.get(name) for name in ("commandDevice", "payload", "dateIssued", "issuedBy")}}


def _notice(one: Entity) -> dict[str, Any]:
    return {**thing(one), **{name: one.get(name) for name in ("to", "message", "dateIssued", "issuedBy")}}


def _between(city: City, incident: Entity, after: int, before: int) -> list[dict[str, Any]]:
    """Lines of one incident's own log with after < n < before."""
    q = f'incident=="{incident.id}";n>{max(0, after)};n<{before}'
    return [lines.read(one) for one in city.find("IncidentLog", q=q, limit=words.LINES_MAX)]


def _urgent(one: Mapping[str, Any]) -> tuple[bool, bool, str, int]:
    return one["status"] != "open", not one["late"], one["due"], one["n"]


def _grave(one: Mapping[str, Any]) -> int:
    severity = one.get("severity")
    return words.SEVERITIES.index(severity) if severity in words.SEVERITIES else -1


def _number(said: Mapping[str, str], name: str, default: int) -> int:
    found = said.get(name, "")
    if not found:
        return default
    if not (found.isascii() and found.isdecimal() and len(found) <= 9):
        raise Refusal(f"{name} is a number", where=name)
    return int(found)
