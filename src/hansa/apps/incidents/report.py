"""The situation report and the review as documents: blocks of text, facts and tables, which `paper` makes PDF.

Everything in it is read with the sight of whoever asks for it, is handed to him alone and kept nowhere; each page says
under which class the most guarded thing in it stands, so that a copy is not taken for something freer than it is.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hansa import Answer, City, Refusal
from hansa.apps.incidents import asked, review, sketch, tasks, views, words
from hansa.apps.incidents.case import kind_of
from hansa.apps.incidents.document import Block, Paper, lasting, page
from hansa.apps.incidents.joining import family
from hansa.apps.incidents.made import app

_ROLES: Final = {*words.DESK, "auditor", "data_officer"}
_EXTRACT: Final = 60  # lines of the log in a situation report; the review has all of them
_TABLE: Final = 300  # rows of one table of a situation report
_RANK: Final = {"open": 0, "smart": 1, "personal": 2, "security": 3}
_MAP: Final = (500.0, 230.0)
_LOG: Final = {"When": "at", "Who": "by", "What": "text"}


@app.view("report", roles=_ROLES)
def report(said: Mapping[str, str], city: City) -> Any:
    """The situation report of one incident (`id`) as it is now; `form`: html or pdf."""
    incident = views.one_of(city, said)
    return _handed(situation(views.whole(city, incident)), said.get("form", "html"), "situation", incident.key)


@app.view("review", roles=_ROLES)
def reviewed(said: Mapping[str, str], city: City) -> Any:
    """The after-action review of one incident (`id`), from its log; `form`: json, html, pdf, csv (the timeline)."""
    incident = views.one_of(city, said)
    told = reviewing(city, said)
    form = said.get("form", "json")
    if form == "json":
        return told
    if form == "csv":
        out = io.StringIO()
        csv.writer(out).writerows([[_cell(one) for one in row] for row in review.rows(told)])
        return Answer(out.getvalue().encode(), "text/csv; charset=utf-8", f"review-{incident.key}.csv")
    return _handed(looking_back(told), form, "review", incident.key)


def reviewing(city: City, said: Mapping[str, str]) -> dict[str, Any]:
    """The review as figures."""
    incident = views.one_of(city, said)
    now = city.now()
    members, hidden = family(city, incident)
    found = [
        tasks.read(task, now)
        for one in members
        for task in city.find("IncidentTask", q=f'incident=="{one.id}"', limit=words.TASKS_MAX)
    ]
    heads = [{"id": one.id, "lines": one.get("lines", 0), "seal": one.get("seal", "")} for one in members]
    runs = views.runs_of(city, members, now)
    told = review.made(views.plain(incident), views.every_line(city, members), found, runs, heads)
    return {**told, "unseen": hidden, "merged": [views.plain(one) for one in members[1:]]}


def situation(it: Mapping[str, Any]) -> Paper:
    """The situation report of a picture: where things stand, who does what, what is needed."""
    incident, tasks_ = it["incident"], it["tasks"]
    reached = [(name.removeprefix("date"), _s(incident.get(name))) for name in words.DATES.values() if name in incident]
    posts = [(post, ", ".join(who)) for post, who in (incident.get("roles") or {}).items() if post != words.COMMANDER]
    facts = [
        *((name.capitalize(), _s(incident.get(name))) for name in ("status", "severity", "category")),
        *reached,
        ("Raised by", _s(incident.get("raisedBy"))),
        ("Commander", _s(incident.get("commander")) or "nobody yet"),
        *posts,
        ("Alarms", str(len(it["alarms"]))),
        ("Tasks", f"{tasks_['open']} open, {tasks_['late']} late, of {tasks_['total']}"),
        ("Spent", _spent(it)),
    ]
    blocks = [*_begin(incident, f"Situation report as of {_s(it['now'])} UTC"), Block("facts", rows=tuple(facts))]
    if incident.get("description"):
        blocks += [Block("head", "What happened"), Block("text", str(incident["description"]))]
    blocks += _listed(
        "Objectives", {"No": "n", "Objective": "text", "State": "state"}, incident.get("objectives") or []
    )
    things = [("alarm", one) for one in it["alarms"]] + [("link", one) for one in (*it["links"], *it["resources"])]
    drawn = sketch.drawn(incident.get("area"), things, *_MAP)
    blocks.append(Block("head", "Where"))
    blocks.append(Block("map", sketch=drawn) if drawn else Block("text", "No place is known."))
    alarms = {"Severity": "severity", "State": "status", "Since": "dateIssued", "What": "description"}
    blocks += _listed("Alarms", alarms, it["alarms"])
    rows = [{**one, "flag": "LATE" if one["late"] else ""} for one in tasks_["rows"]]
    blocks += _listed("Tasks", {"No": "n", "Task": "name", "Owner": "owner", "Due": "due", "": "flag"}, rows)
    blocks += _listed("Resources", {"What": "name", "Type": "type", "State": "status"}, it["resources"])
    rows = [{**one, **_step(one)} for one in it["runs"]]
    blocks += _listed("Run-books", {"Run-book": "called", "State": "status", "Step": "step", "By": "by"}, rows)
    commands = {"Device": "commandDevice", "What": "payload", "State": "status", "When": "dateIssued"}
    blocks += _listed("Commands", commands, it["commands"])
    blocks += _listed(
        "Notices", {"To": "to", "What": "message", "State": "status", "When": "dateIssued"}, it["notices"]
    )
    rows = [{**one, "sum": f"{one['amount']:,.2f} {one['currency']}"} for one in incident.get("cost") or []]
    blocks += _listed("Costs", {"No": "n", "What": "what", "Amount": "sum", "Void": "void"}, rows)
    newest = it["log"]["lines"][:_EXTRACT]
    blocks += _listed(f"Log, newest {len(newest)} of {it['log']['total']}", _LOG, newest)
    if it["unseen"]:
        blocks.append(Block("text", f"{it['unseen']} more belong to this incident and are not yours to see."))
    every = [incident, *it["alarms"], *it["links"], *it["resources"], *it["commands"], *it["notices"], *it["merged"]]
    return Paper(f"Situation report, {incident.get('name')}", _guard(every), incident.get("drill") is True, blocks)


def looking_back(it: Mapping[str, Any]) -> Paper:
    """The after-action review as a document, with room for what people find."""
    incident, told = it["incident"], it["tasks"]
    blocks = _begin(incident, "After-action review")
    rows = [{**one, "took": lasting(one["seconds"]), "since": lasting(one["sinceRaised"])} for one in it["phases"]]
    blocks += _listed(
        "Response", {"Reached": "phase", "At": "at", "Took": "took", "Since it was raised": "since"}, rows
    )
    intact = it["log"]["broken"] or "every one stands as it was written"
    again = f" It was reopened {it['reopened']} times." if it["reopened"] else ""
    facts = (
        ("Tasks", f"{told['total']}: {told['done']} done, {told['dropped']} dropped, {told['open']} open"),
        ("Time to do a task", f"{lasting(told['median'])} (median)"),
        ("Late", str(len(told["late"]))),
        ("Spent", _spent(it)),
    )
    blocks += [Block("text", f"The log has {it['log']['lines']} lines: {intact}.{again}"), Block("facts", rows=facts)]
    rows = [{**one, "by": "not done" if one["lateBy"] is None else lasting(one["lateBy"])} for one in told["late"]]
    blocks += _listed("Late tasks", {"No": "n", "Task": "name", "Owner": "owner", "Due": "due", "Late by": "by"}, rows)
    rows = [
        {
            "called": f"{one['name']} v{one['version']}{' (drill)' if one['drill'] else ''}",
            "status": one["status"],
            "took": lasting(one["seconds"]),
            "steps": ", ".join(f"{n} {state}" for state, n in one["steps"].items()),
            "skipped": "; ".join(f"{each['title']}: {each['why']}" for each in one["skipped"]),
        }
        for one in it["runs"]
    ]
    names = {"Run-book": "called", "State": "status", "Took": "took", "Steps": "steps", "Skipped, and why": "skipped"}
    blocks += _listed("Run-books", names, rows)
    names = {"Kind": "kind", "Finding": "text", "Who": "by", "Owner": "owner", "Due": "due"}
    blocks += _listed("Findings", names, it["findings"])
    if not it["findings"]:
        blocks += [Block("head", "Findings"), Block("text", "Nobody has written one yet.")]
    rows = [{**one, "then": "" if one["minute"] is None else f"+{one['minute']:g}\u00a0min"} for one in it["timeline"]]
    names = {"When": "at", "": "then", "Who": "by", "What": "text"}
    blocks += _listed("Timeline", names, rows, most=words.LINES_MAX)
    guard = _guard([incident, *it["merged"]])
    return Paper(f"Review, {incident.get('name')}", guard, incident.get("drill") is True, blocks)


def _handed(paper: Paper, form: str, kind: str, key: str) -> Answer:
    if form == "html":
        return Answer(page(paper).encode(), "text/html; charset=utf-8", f"{kind}-{key}.html")
    if form == "pdf":
        from hansa.apps.incidents import paper as paper_  # noqa: PLC0415  # reportlab takes a quarter of a second

        return Answer(paper_.pdf(paper), "application/pdf", f"{kind}-{key}.pdf")
    raise Refusal("form is html or pdf", where="form")


def _begin(incident: Mapping[str, Any], what: str) -> list[Block]:
    flag = [Block("flag", "DRILL — EXERCISE ONLY")] if incident.get("drill") else []
    return [
        *flag,
        Block("title", str(incident.get("name"))),
        Block("text", f"{what} · {incident['id']} · all times UTC"),
    ]


def _listed(
    name: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], most: int = _TABLE
) -> list[Block]:
    """A table under its heading: `columns` says which member stands under which word; nothing where there is no row."""
    if not rows:
        return []
    told = [tuple(_s(row.get(column)) for column in columns.values()) for row in rows[:most]]
    made = [Block("head", name), Block("table", rows=(tuple(columns), *told))]
    return made if len(rows) <= most else [*made, Block("text", f"… and {len(rows) - most} more.")]


def _guard(things: Iterable[Mapping[str, Any]]) -> str:
    """Under which class a document stands: that of the most guarded thing in it."""
    found = max((kind_of(str(one["label"])) for one in things), key=lambda one: _RANK.get(one, 3))
    words_ = {
        "open": "For staff",
        "smart": "For staff",
        "personal": "PERSONAL DATA: only for the purpose for which it was read",
        "security": "SECURITY INFORMATION: not to be passed on",
    }
    return words_[found]


def _step(run: Mapping[str, Any]) -> dict[str, str]:
    """Which step of a run is on, and whose."""
    called = f"{run['name']}{' (drill)' if run['drill'] else ''}"
    on = next((one for one in run["steps"] if one["id"] == run["current"]), None)
    if on is None:
        return {"called": called, "step": "", "by": ""}
    return {"called": called, "step": f"{on['title']}{', LATE' if on['late'] else ''}", "by": on["owner"]}


def _spent(it: Mapping[str, Any]) -> str:
    return ", ".join(f"{amount:,.2f} {code}" for code, amount in it["spent"].items()) or "nothing noted"


def _s(value: Any) -> str:
    """A member as it stands in a table; instants without the letters between."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, str) and asked.instant(value) is not None:
        return f"{value[:10]} {value[11:19]}"
    return "" if value is None else str(value)


def _cell(value: Any) -> Any:
    """A cell that a spreadsheet does not run."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
