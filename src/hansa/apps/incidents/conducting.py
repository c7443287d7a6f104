"""Acts: people publish run-books, start them, go through them step by step. In a drill nothing leaves the desk."""

from collections.abc import Iterator
from typing import Any, Final

from hansa import Act, City, Conflict, Entity, NotFound, Refusal, command, entity
from hansa.apps.incidents import asked, books, course, lines, words
from hansa.apps.incidents.case import Case, case, case_of, holds, may_name, moment, relation, several
from hansa.apps.incidents.lines import Line
from hansa.apps.incidents.made import app

APPROVE_S: Final = 900
"""What was asked for longer ago was asked for in another situation; the same as in the app `commands`."""
SEND_S: Final = 60
"""For the device to be reached: a command of a run-book is for now."""
_CAPTURED: Final = 20  # readings that are kept with one step


@app.act("publish", "RunBook", roles=words.AUTHORS, new=True)
def publish(act: Act, _city: City) -> Iterator[Entity]:
    """Publish a run-book, or its next version; the one before is kept, and runs go on by the one they began."""
    said = act.said
    asked.only(
        said, "name", "summary", "steps", "needs", "forAlarms", "forIncidents", "reviewDate", "sources", "version"
    )
    if not act.id.startswith("urn:ngsi-ld:RunBook:") or ":v" in act.id[len("urn:ngsi-ld:RunBook:") :]:
        raise Refusal("a run-book's id is urn:ngsi-ld:RunBook:<name>", where="id", mend="name it")
    asked.uri(act.id, "id")
    old = act.subject
    was = 0 if old is None else int(old.get("version", 0))
    if "version" in said and int(asked.number(said, "version", 1, 1e6)) != was + 1:
        raise Conflict(f"version {was} is the newest", mend=f"look at it, then publish {was + 1}")
    plan = books.steps(said.get("steps"))
    needed = books.needs(said.get("needs"))
    if missing := sorted(books.asks(plan) - {f"${name}" for name in needed} - {books.SOURCE}):
        raise Refusal(f"steps speak of {', '.join(missing)}", where="needs", mend="say in `needs` what that is")
    review = books.day(said, "reviewDate")
    if review <= moment(act)[:10]:
        raise Refusal(f"the review date {review} is not to come", where="reviewDate")
    new = entity(
        "RunBook",
        act.id,
        name=asked.line(said, "name"),
        summary=asked.text(said, "summary", 5_000, needed=False) or "",
        version=was + 1,
        author=act.by,
        published=moment(act),
        reviewDate=review,
        status="current",
        needs=needed,
        forAlarms=books.patterns(said, "forAlarms"),
        forIncidents=books.patterns(said, "forIncidents"),
        sources=books.sources(said),
        steps=plan,
    )
    yield new
    if old is not None:
        kept = Entity({**old.doc, "id": f"{act.id}:v{was}"}, realm=old.realm, label=lines.label(old))
        kept.doc["status"] = {"type": "Property", "value": "superseded"}
        kept.doc["supersededBy"] = relation(act.id).document()
        yield kept


@app.act("withdraw", "RunBook", roles=words.AUTHORS)
def withdraw(act: Act, _city: City) -> Iterator[Entity]:
    """Take a run-book out of use; it is suggested and started no more."""
    asked.only(act.said)
    book = _subject(act)
    if book.get("status") == "withdrawn":
        raise Conflict("it is withdrawn already")
    yield entity("RunBook", book.id, status="withdrawn")


@app.act("run", "Incident", roles=words.DESK)
def run(act: Act, city: City) -> Iterator[Entity]:
    """Start a run of a run-book (`book`) in an incident; `with` names what it asks for; `drill` only tries it."""
    asked.only(act.said, "book", "with", "drill")
    it = case(act).working()
    book = city.get(asked.uri(act.said.get("book"), "book"))
    if "RunBook" not in book.types or book.get("status", "current") != "current":
        raise Refusal("this is no run-book in use", where="book", mend="choose a current one")
    may_name(it.incident, book)
    n = int(it.incident.get("runs", 0)) + 1
    if n > words.RUNS_MAX:
        raise Refusal(f"an incident has at most {words.RUNS_MAX} runs")
    drill = it.drill or asked.flag(act.said, "drill")
    plan = books.named(books.steps(_again(book)), _given(act, city, it))
    ident = f"urn:ngsi-ld:RunBookRun:{lines.key(it.id)}-{n:03d}"
    new = entity(
        "RunBookRun",
        ident,
        incident=relation(it.id),
        runBook=relation(book.id),
        version=book.get("version", 1),
        name=book.get("name"),
        drill=drill,
        status="running",
        startedAt=moment(act),
        startedBy=act.by,
        plan=plan,
        said=[],
    )
    new.label = lines.label(it.incident)
    data = {"run": ident, "book": book.id, "version": book.get("version", 1), "drill": drill}
    told = f"Run-book {book.get('name')} (version {book.get('version', 1)}) started{' as a drill' if drill else ''}"
    yield from it.says(Line("run", told, data), also=[new], runs=n)


@app.act("do-step", "RunBookRun", roles=words.DESK)
def do_step(act: Act, city: City) -> Iterator[Entity]:
    """Do the `step` that is on; its notice or command goes out. Evidence: `text`, `links`, readings to `capture`."""
    asked.only(act.said, "step", "text", "links", "capture")
    it, one, step = _on(act, city)
    if step["kind"] in course.AUTOMATIC:
        raise Refusal(f"a {step['kind']} ends by itself", where="step", mend="decide it by hand, or skip it")
    word = _evidence(act, city, one)
    if step.get("evidence") and not (word["text"] or word.get("links") or word.get("captured")):
        raise Refusal("this step wants evidence", where="text", mend="say what was done, or keep a reading")
    drill = one.get("drill") is True
    told = f"{step['title']}: done"
    out: list[Entity] = []
    if step["kind"] == "notify":
        sent = {"to": step["to"], "message": step["message"]}
        told = f"{step['title']}: {'DRILL, not sent' if drill else 'notice written'} to {', '.join(step['to'])}"
        made = f"{one.id}-{step['id']}".replace("RunBookRun", "Notice")
        word |= {"wouldNotify": sent} if drill else {"notice": made}
        if not drill:
            out.append(_notice(act, it, one, word["notice"], step))
    elif step["kind"] == "command":
        sent = {"device": step["device"], "payload": step["payload"]}
        told = f"{step['title']}: {'DRILL, not sent' if drill else 'command written'} to {step['device']}"
        word |= (
            {"wouldCommand": sent} if drill else {"command": f"{one.id}-{step['id']}".replace("RunBookRun", "Command")}
        )
        if not drill:
            out.append(_command(act, city, it, one, word["command"], step))
    yield from _word(act, it, one, step, {"did": "done", **word}, told, out)


@app.act("skip-step", "RunBookRun", roles=words.DESK)
def skip_step(act: Act, city: City) -> Iterator[Entity]:
    """Leave out the `step` that is on; that needs a reason (`text`)."""
    asked.only(act.said, "step", "text")
    it, one, step = _on(act, city)
    why = asked.text(act.said, "text", 5_000)
    yield from _word(act, it, one, step, {"did": "skip", "text": why}, f"{step['title']}: skipped — {why}")


@app.act("decide-step", "RunBookRun", roles=words.DESK)
def decide_step(act: Act, city: City) -> Iterator[Entity]:
    """Say by hand whether the condition of the `step` that is on holds (`answer`), and why (`text`)."""
    asked.only(act.said, "step", "answer", "text")
    it, one, step = _on(act, city)
    if step["kind"] not in course.AUTOMATIC:
        raise Refusal("there is nothing to decide in this step", where="step", mend="do it")
    if type(act.said.get("answer")) is not bool:
        raise Refusal("answer is true or false", where="answer")
    why = asked.text(act.said, "text", 5_000)
    word = {"did": "decide", "answer": act.said["answer"], "text": why}
    yield from _word(act, it, one, step, word, f"{step['title']}: decided {'yes' if word['answer'] else 'no'} — {why}")


@app.act("assign-step", "RunBookRun", roles=words.DESK)
def assign_step(act: Act, city: City) -> Iterator[Entity]:
    """Give a `step` that is not done another `owner`."""
    asked.only(act.said, "step", "owner")
    it, one, now = _running(act, city)
    name = asked.line(act.said, "step")
    step = next((each for each in now.steps if each["id"] == name), None)
    if step is None or step["state"] not in {"on", "ahead"}:
        raise Refusal("there is no such step to come", where="step")
    word = {"did": "assign", "owner": asked.person(act.said, "owner")}
    yield from _word(act, it, one, step, word, f"{step['title']}: for {word['owner']}")


@app.act("stop-run", "RunBookRun", roles=words.DESK)
def stop_run(act: Act, city: City) -> Iterator[Entity]:
    """End a run before its last step; that needs a reason (`text`)."""
    asked.only(act.said, "text")
    it, one, _ = _running(act, city)
    why = asked.text(act.said, "text", 5_000)
    stopped = entity("RunBookRun", one.id, status="stopped", stoppedAt=moment(act), stoppedBy=act.by, stoppedFor=why)
    yield from it.says(Line("run", f"{one.get('name')} stopped: {why}", {"run": one.id}), also=[stopped])


def at_now(one: Entity, now: int) -> course.Course:
    """The course of a run as it is kept."""
    started = asked.instant(one.get("startedAt")) or now
    stopped = asked.instant(one.get("stoppedAt")) if one.get("status") == "stopped" else None
    plan = [dict(each) for each in one.get("plan") or []]
    return course.follow(plan, one.get("said") or [], one.get("passed") or [], started, stopped or now)


def _running(act: Act, city: City) -> tuple[Case, Entity, course.Course]:
    one = _subject(act)
    it = case_of(act, city, one).going()
    now = at_now(one, act.at)
    if one.get("status") != "running" or now.current is None:
        raise Refusal("this run is over", where="id", mend="start another")
    return it, one, now


def _on(act: Act, city: City) -> tuple[Case, Entity, dict[str, Any]]:
    it, one, now = _running(act, city)
    name, step = asked.line(act.said, "step"), now.on
    if step is None or step["id"] != name:
        known = next((each for each in now.steps if each["id"] == name), None)
        if known is None:
            raise Refusal("there is no such step", where="step")
        if known["state"] == "ahead":
            raise Refusal("this step is not on", where="step", mend=f"first: {step and step['title']}")
        raise Conflict(f"this step is {known['state']} already", mend="look again")
    return it, one, step


def _word(
    act: Act,
    it: Case,
    one: Entity,
    step: dict[str, Any],
    word: dict[str, Any],
    told: str,
    also: list[Entity] | None = None,
) -> Iterator[Entity]:
    said = list(one.get("said") or [])
    if len(said) >= words.EVENTS_MAX:
        raise Refusal("there is no room for more in this run", mend="stop it and start another")
    kept = {"step": step["id"], "by": act.by, "at": moment(act), **word}
    data = {"run": one.id, "step": step["id"], "did": word["did"]}
    more = [entity("RunBookRun", one.id, said=[*said, kept]), *(also or [])]
    yield from it.says(Line("run", f"{one.get('name')} · {told}"[:2_000], data), also=more)


def _subject(act: Act) -> Entity:
    if act.subject is None:  # pragma: no cover  # the door answers 404 before
        raise NotFound("there is no such entity", where="id")
    return act.subject


def _again(book: Entity) -> Any:
    """A run-book's steps, which may have come by import and never passed `publish`."""
    return [{k: v for k, v in one.items() if v is not None} if isinstance(one, dict) else one for one in book["steps"]]


def _given(act: Act, city: City, it: Case) -> dict[str, str]:
    """What `$names` stand for: as was said, and the first alarm's source."""
    said = act.said.get("with", {})
    if not isinstance(said, dict) or len(said) > 20:
        raise Refusal("with is {name: what it is}", where="with")
    given = {f"${name}": asked.line(said, name) for name in said}
    for alarm in several(it.incident, "alarms")[:1]:
        try:
            source = city.get(alarm).get("alertSource")
        except NotFound:
            break
        if isinstance(source, str):
            given.setdefault(books.SOURCE, source)
    return given


def _evidence(act: Act, city: City, one: Entity) -> dict[str, Any]:
    """What somebody keeps of a step; readings only where the run is guarded as they are."""
    kept: dict[str, Any] = {"text": asked.text(act.said, "text", 5_000, needed=False)}
    if links := asked.uris(act.said, "links", _CAPTURED):
        kept["links"] = links
    wanted = act.said.get("capture", [])
    if not isinstance(wanted, list) or len(wanted) > _CAPTURED or not all(isinstance(each, dict) for each in wanted):
        raise Refusal("capture is a list of {entity, attribute}", where="capture")
    found = [_captured(each, city, lines.label(one)) for each in wanted]
    return kept | ({"captured": found} if found else {})


def _captured(wanted: dict[str, Any], city: City, label: str) -> dict[str, Any]:
    thing = city.get(asked.uri(wanted.get("entity"), "capture.entity"))
    name = asked.line(wanted, "attribute")
    if name not in thing:
        raise Refusal(f"{thing.id} says no {name}", where="capture.attribute")
    if not holds(label, thing, name):
        raise Refusal(f"{thing.id} is guarded in another way than this run", where="capture", mend="link it instead")
    said = thing.attribute(name)
    at = None if said.at is None else asked.iso(said.at)
    return {"entity": thing.id, "attribute": name, "value": said.value, "unit": said.unit or "", "at": at or ""}


def _notice(act: Act, it: Case, one: Entity, ident: str, step: dict[str, Any]) -> Entity:
    people = [who for to in step["to"] for who in (it.posts.get(to) or [to])]
    made = entity(
        "Notice", ident, to=list(dict.fromkeys(people)), message=step["message"], status="written",
        dateIssued=moment(act), issuedBy=act.by, incident=relation(it.id), runBookRun=relation(one.id),
    )  # fmt: skip
    made.label = lines.label(one)
    return made


def _command(act: Act, city: City, it: Case, one: Entity, ident: str, step: dict[str, Any]) -> Entity:
    """The Command of a step, as the app `commands` asks for one: where it takes two people, another one approves it."""
    device = str(step["device"]).removeprefix("urn:ngsi-ld:Device:")
    if why := command.blocked(city, device, step["payload"], act.at):
        raise Refusal("an interlock blocks it: " + "; ".join(why), mend="skip this step with a reason, or wait")
    two = one.realm == "security"
    made = entity(
        "Command",
        ident,
        commandDevice=device,
        payload=step["payload"],
        status="requested" if two else "pending",
        reason=f"{one.get('name')}: {step['title']}",
        dateIssued=moment(act),
        issuedBy=act.by,
        requestedBy=act.by,
        requestedAt=moment(act),
        approveBy=asked.iso(act.at + APPROVE_S * asked.SECOND) if two else None,
        sendWithin=SEND_S,
        sendBy=None if two else asked.iso(act.at + SEND_S * asked.SECOND),
        incident=relation(it.id),
        runBookRun=relation(one.id),
    )
    made.label = lines.label(one)
    return made
