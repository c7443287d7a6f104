"""Acts: the tasks of an incident, each with an owner and a due time."""

from collections.abc import Iterator, Mapping
from typing import Any

from hansa import Act, City, Conflict, Entity, NotFound, Refusal, entity
from hansa.apps.incidents import asked, lines, words
from hansa.apps.incidents.case import case, case_of, moment, relation
from hansa.apps.incidents.lines import Line
from hansa.apps.incidents.made import app


@app.act("task", "Incident", roles=words.DESK)
def task(act: Act, _city: City) -> Iterator[Entity]:
    """Give somebody a task: `name`, `owner`, `due`, and perhaps a `text`."""
    asked.only(act.said, "name", "owner", "due", "text", "objective")
    it = case(act).working()
    n = int(it.incident.get("tasks", 0)) + 1
    if n > words.TASKS_MAX:
        raise Refusal(f"an incident has at most {words.TASKS_MAX:,} tasks", mend="split it")
    name, owner = asked.line(act.said, "name"), asked.person(act.said, "owner")
    due = asked.due(act.said, act.at)
    goal = int(asked.number(act.said, "objective", 1, words.OBJECTIVES_MAX)) if "objective" in act.said else None
    new = entity(
        "IncidentTask",
        f"urn:ngsi-ld:IncidentTask:{lines.key(it.id)}-{n:05d}",
        incident=relation(it.id),
        n=n,
        name=name,
        description=asked.text(act.said, "text", 5_000, needed=False) or None,
        owner=owner,
        dueAt=due,
        objective=goal,
        status="open",
        madeAt=moment(act),
        madeBy=act.by,
        drill=it.drill,
    )
    new.label = lines.label(it.incident)
    line = Line("task", f"Task {n} for {owner}, due {asked.shown(due)}: {name}", {"n": n, "owner": owner, "due": due})
    yield from it.says(line, also=[new], tasks=n, tasksOpen=open_tasks(it.incident) + 1)


@app.act("edit-task", "IncidentTask", roles=words.DESK)
def edit_task(act: Act, city: City) -> Iterator[Entity]:
    """Give a task another `owner`, `due` time or `name`."""
    asked.only(act.said, "name", "owner", "due", "text")
    one = _task(act)
    it = case_of(act, city, one).working()
    if one.get("status") != "open":
        raise Refusal(f"this task is {one.get('status')}", where="id", mend="reopen it first")
    new: dict[str, Any] = {}
    if "name" in act.said:
        new["name"] = asked.line(act.said, "name")
    if "owner" in act.said:
        new["owner"] = asked.person(act.said, "owner")
    if "due" in act.said:
        new["dueAt"] = asked.due(act.said, act.at)
    if "text" in act.said:
        new["description"] = asked.text(act.said, "text", 5_000, needed=False)
    changed = {name: value for name, value in new.items() if one.get(name, "") != value}
    if not changed:
        raise Refusal("this is what it says already", mend="change something")
    told = ", ".join(f"{name} {value}" for name, value in changed.items() if name != "description") or "description"
    line = Line("task", f"Task {one.get('n')} changed: {told}"[:2_000], {"n": one.get("n"), "changed": sorted(changed)})
    yield from it.says(line, also=[entity("IncidentTask", one.id, **changed)])


@app.act("finish-task", "IncidentTask", roles=words.DESK)
def finish_task(act: Act, city: City) -> Iterator[Entity]:
    """Say that a task is done, and perhaps how (`text`)."""
    asked.only(act.said, "text")
    yield from _end(act, city, "done", asked.text(act.said, "text", 5_000, needed=False))


@app.act("drop-task", "IncidentTask", roles=words.DESK)
def drop_task(act: Act, city: City) -> Iterator[Entity]:
    """Say that a task is not to be done any more, and why (`text`)."""
    asked.only(act.said, "text")
    yield from _end(act, city, "dropped", asked.text(act.said, "text", 5_000))


@app.act("reopen-task", "IncidentTask", roles=words.DESK)
def reopen_task(act: Act, city: City) -> Iterator[Entity]:
    """Open a task again, with a new `due` time."""
    asked.only(act.said, "due", "text")
    one = _task(act)
    if one.get("status") == "open":
        raise Conflict("this task is open")
    it = case_of(act, city, one).working()
    due = asked.due(act.said, act.at)
    why = asked.text(act.said, "text", 5_000, needed=False)
    opened = entity("IncidentTask", one.id, status="open", dueAt=due)
    line = Line(
        "task",
        f"Task {one.get('n')} opened again, due {asked.shown(due)}{f': {why}' if why else ''}",
        {"n": one.get("n")},
    )
    yield from it.says(line, also=[opened], tasksOpen=open_tasks(it.incident) + 1)


def _end(act: Act, city: City, status: str, text: str) -> Iterator[Entity]:
    one = _task(act)
    if one.get("status") != "open":
        raise Conflict(f"this task is {one.get('status')} already, by {one.get('doneBy')}")
    it = case_of(act, city, one).going()
    late = is_late({"status": "open", "due": one.get("dueAt")}, act.at)
    told = f"Task {one.get('n')} {status}{', late' if late and status == 'done' else ''}: {one.get('name')}"
    data = {"n": one.get("n"), "status": status, "late": late}
    ended = entity("IncidentTask", one.id, status=status, doneAt=moment(act), doneBy=act.by, doneText=text or None)
    left = max(0, open_tasks(it.incident) - 1)
    yield from it.says(Line("task", f"{told}{f' — {text}' if text else ''}", data), also=[ended], tasksOpen=left)


def open_tasks(incident: Entity) -> int:
    """How many tasks of an incident are open."""
    return int(incident.get("tasksOpen", 0))


def _task(act: Act) -> Entity:
    if act.subject is None:  # pragma: no cover  # the door answers 404 before
        raise NotFound("there is no such task", where="id")
    return act.subject


def read(one: Entity, now: int) -> dict[str, Any]:
    """A task as views hand it out."""
    said = {
        "id": one.id,
        "incident": str(one.get("incident", "")),
        "n": one.get("n", 0),
        "name": str(one.get("name", "")),
        "text": str(one.get("description", "")),
        "owner": str(one.get("owner", "")),
        "due": str(one.get("dueAt", "")),
        "status": str(one.get("status", "open")),
        "doneAt": one.get("doneAt"),
        "doneBy": one.get("doneBy"),
        "doneText": one.get("doneText"),
        "madeAt": str(one.get("madeAt", "")),
        "objective": one.get("objective"),
    }
    return {**said, "late": is_late(said, now)}


def is_late(one: Mapping[str, Any], now: int) -> bool:
    """Whether a task is overdue, or was when it was done."""
    due = asked.instant(one.get("due"))
    ended = asked.instant(one.get("doneAt")) if one.get("status") != "open" else None
    return due is not None and one.get("status") != "dropped" and (ended if ended is not None else now) > due
