"""What staff do with a request: triage, route, work, ask, answer, close, reopen, hide; photographs made public."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import Act, Asking, Entity, Forbidden, Refusal, entity
from hansa.apps.requests import case, clocks, places, reporting, services, texts
from hansa.apps.requests.made import STAFF, app
from hansa.apps.requests.times import DAY, iso, micros, moment

NOTE: Final = 2_000
ANSWER: Final = 5_000
REOPEN_DAYS: Final = 30
"""Days after closing for which the reporter may reopen, unless `reopen_days` says otherwise."""
OLDEST_LETTER: Final = 60 * DAY


@app.act("take", "ServiceRequest", new=True, public=True, files=5)
def take(act: Act, city: Asking) -> Iterable[Entity]:
    """Enter what came by `channel` phone or paper, `at` which time: as `report`, with name, email, phone.

    It is the app's to write what is personal; so it is public to the kernel, and asks itself who does it.
    """
    staff_only(act)
    channel = act.said.get("channel", "phone")
    if channel not in {"phone", "paper"}:
        raise Refusal("channel is phone or paper", where="channel")
    taken = act.at
    if act.said.get("at"):
        taken = moment(act.said["at"], "at")
        if taken > act.at:
            raise Refusal("that is in the future", where="at")
        if taken < act.at - OLDEST_LETTER:
            raise Refusal("that is more than 60 days ago", where="at", mend="enter it with today's date and a note")
    report = reporting.Report(act.said, str(channel), act.at, by=act.by, files=act.files, trusted=True, taken_at=taken)
    yield from reporting.received(report, city)[1]


@app.act("triage", "ServiceRequest", roles=STAFF)
def triage(act: Act, city: Asking) -> Iterable[Entity]:
    """Say that it was looked at: `priority` low, normal, high; `show` whether its words may be public; `service`."""
    one = _open(act)
    said: dict[str, Any] = {"shown": act.said.get("show", True) is not False}
    priority = act.said.get("priority", "normal")
    if priority not in {"low", "normal", "high"}:
        raise Refusal("priority is low, normal or high", where="priority")
    said["priority"] = priority
    owner = None
    if (code := act.said.get("service")) not in (None, "", one.get("serviceCode")):
        service = services.catalogue(city).one(code)
        owner = service.does(str(one.get("district") or ""))
        said |= {
            "serviceCode": service.code,
            "serviceVersion": service.version,
            "department": owner,
            "listed": service.listed and one.location is not None,
            "answers": {},  # of another service's questions
        }
    if one.get("step") in {"received", "reopened"}:
        said["step"] = "triaged"
    more: dict[str, Any] = {name: said[name] for name in ("priority", "shown", "serviceCode") if name in said}
    yield from case.moved(one, city, act.at, act.by, "triaged", note=_note(act), more=more, owner=owner, **said)
    yield from _follow(one, city, owner)


@app.act("route", "ServiceRequest", roles=STAFF)
def route(act: Act, city: Asking) -> Iterable[Entity]:
    """Give it to another `department`, with a `note` on why."""
    one = _open(act)
    department = act.said.get("department")
    if not isinstance(department, str) or not services.CODE.match(department):
        raise Refusal("department is a word of small letters, figures and dashes", where="department")
    if department == one.get("department"):
        raise Refusal("it is theirs already", where="department")
    yield from case.moved(
        one,
        city,
        act.at,
        act.by,
        "routed",
        note=_note(act),
        more={"from": one.get("department"), "to": department},
        owner=department,
        department=department,
        step="routed",
    )
    yield from _follow(one, city, department)


@app.act("step", "ServiceRequest", roles=STAFF)
def step(act: Act, city: Asking) -> Iterable[Entity]:
    """Go a step: `step` triaged, routed, planned, in-progress; a `note` for staff, `text` for those who asked."""
    one = _open(act)
    to = act.said.get("step")
    if to not in case.WORK_STEPS:
        raise Refusal(f"step is one of {', '.join(case.WORK_STEPS)}", where="step")
    text = _words(act, city, "text", least=0)
    said: dict[str, Any] = {"step": to}
    if act.said.get("expected"):
        expected = moment(act.said["expected"], "expected")
        if expected < act.at:
            raise Refusal("that is over already", where="expected")
        said["expectedAt"] = iso(expected)
    yield from _told(one, act, city, "step", text, **said)


@app.act("ask-resident", "ServiceRequest", roles=STAFF)
def ask_resident(act: Act, city: Asking) -> Iterable[Entity]:
    """Ask whoever reported it (`text`); until he replies, the clocks stand."""
    one = _open(act)
    text = _words(act, city, "text")
    waits = case.listing(one.get("waits"))
    if len(waits) >= case.WAITS_MOST:
        raise Refusal("it has been asked often enough", where="id", mend="decide on what is known")
    if not clocks.waiting(one):
        waits = [*waits, {"from": iso(act.at), "until": ""}]
    question = {"text": text, "at": iso(act.at)}
    yield from _told(one, act, city, "asked", text, step="waiting", waits=waits, question=question)


@app.act("answer", "ServiceRequest", roles=STAFF)
def answer(act: Act, city: Asking) -> Iterable[Entity]:
    """Answer (`text`, or texts by language), and keep it open: those who joined hear it too."""
    one = _open(act)
    text = _words(act, city, "text")
    yield from _told(one, act, city, "answered", text, step="answered", answer=text)


@app.act("close", "ServiceRequest", roles=STAFF)
def close(act: Act, city: Asking) -> Iterable[Entity]:
    """End it: `outcome` done or declined, with `text` unless it was answered before; all who joined hear it."""
    one = _open(act)
    outcome = act.said.get("outcome", "done")
    if outcome not in case.OUTCOMES:
        raise Refusal("outcome is done or declined", where="outcome")
    text = _words(act, city, "text", least=0 if one.get("answer") else 1)
    days = city.setting("reopen_days", REOPEN_DAYS)
    said: dict[str, Any] = {
        "status": "closed",
        "step": outcome,
        "outcome": outcome,
        "closedAt": iso(act.at),
        "withinClose": _in_time("close", one, city, act.at),
        "statusNotes": text or one.get("answer"),
        "reopenUntil": iso(act.at + int(days) * DAY),
        "waits": ended(one, act.at),
    }
    if text:
        said["answer"] = text
    yield from _told(one, act, city, "closed", text, more={"outcome": outcome}, **said)


@app.act("reopen-case", "ServiceRequest", roles=STAFF)
def reopen_case(act: Act, city: Asking) -> Iterable[Entity]:
    """Open again what was closed, with a `note` on why."""
    if act.subject is None or act.subject.get("status") != "closed":
        raise Refusal("it is open", where="id")
    if act.subject.get("into"):
        raise Refusal("it is joined to another; reopen that one", where="id")
    yield from reopened(act.subject, city, act.at, act.by, texts.plain(act.said.get("note"), "note", NOTE, lines=True))


@app.act("hide", "ServiceRequest", roles=STAFF)
def hide(act: Act, city: Asking) -> Iterable[Entity]:
    """Write its `description` (and `address`) anew, without what tells of a person."""
    one = _subject(act)
    text = texts.plain(act.said.get("description"), "description", reporting.DESCRIPTION, lines=True)
    said: dict[str, Any] = {"description": text, "hiddenAt": iso(act.at)}
    if "address" in act.said:
        said["address"] = texts.plain(act.said["address"], "address", reporting.ADDRESS, least=0)
    yield from case.moved(one, city, act.at, act.by, "hidden", note=_note(act), **said)


@app.act("publish-photo", "RequestPhoto", roles=STAFF)
def publish_photo(act: Act, city: Asking) -> Iterable[Entity]:
    """Show a photograph to everybody, when nobody can be recognised in it; `show` false takes it back."""
    photo = act.subject
    if photo is None:
        raise Refusal("name the photograph", where="id")
    one = case.request(city, photo.get("request"))
    show = act.said.get("show", True) is not False
    if show and not one.get("listed"):
        raise Refusal("requests of this kind are not shown in public", where="id")
    if show == bool(photo.get("published")):
        raise Refusal("it is so already", where="show")
    made = entity("RequestPhoto", photo.id, published=show)
    made.label = "open" if show else case.label(str(one.get("department")))
    yield made
    kind = "photo-shown" if show else "photo-hidden"
    yield from case.moved(one, city, act.at, act.by, kind, more={"photo": photo.key})


@app.act("place", "ServiceRequest", roles=STAFF)
def place(act: Act, city: Asking) -> Iterable[Entity]:
    """Put it where it is: `lon` and `lat`, for what came by phone or lies beside the spot."""
    one = _open(act)
    point = places.point_of(act.said.get("lon"), act.said.get("lat"))
    if point is None:
        raise Refusal("say where it is", where="lon")
    ground = places.ground(city)
    ground.must_hold(point)
    district = ground.district(point)
    service = services.catalogue(city).services.get(str(one.get("serviceCode")))
    location = {"type": "Point", "coordinates": [round(point[0], 7), round(point[1], 7)]}
    yield entity("ServiceRequest", one.id, location=location)
    yield from case.moved(
        one,
        city,
        act.at,
        act.by,
        "placed",
        note=_note(act),
        district="" if district is None else district.key,
        listed=service is not None and service.listed,
    )


@app.act("service", "Service", roles={"supervisor", "administrator", "engineer"}, new=True)
def describe_service(act: Act, city: Asking) -> Iterable[Entity]:
    """Say what residents may ask for: a `definition`, as in README.md; `seen`, the version it was made from."""
    one = services.service(act.said.get("definition"))
    if act.id and act.id.rsplit(":", 1)[-1] != one.code:
        raise Refusal("its id and its code differ", where="id")
    known = services.catalogue(city).services.get(one.code)
    version = 0 if known is None else known.version
    if act.said.get("seen", version) != version:
        raise Refusal(f"its version is {version} by now", where="seen", mend="read it again")
    made = entity(
        "Service", one.code, definition=dict(act.said["definition"]), version=version + 1, at=iso(act.at), by=act.by
    )
    made.label = "open"
    yield made
    edition = entity(
        "ServiceEdition",
        f"{one.code}-{version + 1:04d}",
        service=one.code,
        version=version + 1,
        definition=dict(act.said["definition"]),
        at=iso(act.at),
        by=act.by,
    )
    yield edition


# ---- Parts that residents' acts share


def staff_only(act: Act) -> None:
    """Forbidden to whoever is not staff: asked where the kernel lets everybody in."""
    if not act.roles & STAFF and "administrator" not in act.roles:
        raise Forbidden("this is not for you to do", mend=f"it is for: {', '.join(sorted(STAFF))}")


def ended(one: Entity, at: int) -> list[dict[str, str]]:
    """Its waits, the last of them over."""
    waits = [dict(it) for it in case.listing(one.get("waits")) if isinstance(it, Mapping)]
    if waits and not waits[-1].get("until"):
        waits[-1]["until"] = iso(at)
    return waits


def reopened(one: Entity, city: Asking, at: int, by: str, why: str) -> Iterable[Entity]:
    """Open it again, and what follows it; the clock to its end begins anew."""
    said: dict[str, Any] = {
        "status": "open",
        "step": "reopened",
        "clockFrom": iso(at),
        "closedAt": "",
        "outcome": "",
        "reopened": int(one.get("reopened") or 0) + 1,
    }
    yield from case.moved(one, city, at, by, "reopened", note=why, **said)
    for other in case.joined(one, city):
        yield from case.moved(other, city, at, by, "reopened", status="open", closedAt="", outcome="")


def _told(
    one: Entity,
    act: Act,
    city: Asking,
    kind: str,
    text: Mapping[str, str],
    *,
    more: Mapping[str, Any] | None = None,
    **said: Any,
) -> Iterable[Entity]:
    """A step of which those who asked hear, if there is a text: the first stops the clock of the first answer."""
    if text and not one.get("firstAnswerAt"):
        said |= {"firstAnswerAt": iso(act.at), "withinAnswer": _in_time("answer", one, city, act.at)}
    if said.get("step") != "waiting" and said.get("status") != "closed" and clocks.waiting(one):
        said |= {"waits": ended(one, act.at)}
    yield from case.moved(one, city, act.at, act.by, kind, note=_note(act), text=text, more=more, **said)
    heard = {
        name: said[name]
        for name in ("status", "answer", "statusNotes", "closedAt", "outcome", "expectedAt", "reopenUntil")
        if name in said
    }
    if heard or (text and kind != "asked"):  # a question is for the one who is asked
        for other in case.joined(one, city):
            yield from case.moved(other, city, act.at, act.by, kind, text=text, more={"with": one.key}, **heard)


def _follow(one: Entity, city: Asking, owner: str | None) -> Iterable[Entity]:
    """Photographs that are not public go with their request to another department."""
    if owner is None:
        return
    for photo in city.find("RequestPhoto", f'request=="{one.id}"', limit=10):
        if not photo.get("published"):
            moved = entity("RequestPhoto", photo.id, published=False)
            moved.label = case.label(owner)
            yield moved


def _in_time(name: str, one: Entity, city: Asking, at: int) -> bool:
    service = services.catalogue(city).services.get(str(one.get("serviceCode")))
    if service is None:
        return True
    hours = clocks.calendar(city, service.calendar)
    closed = case.with_said(one, {"waits": ended(one, at)})
    return at <= clocks.due(name, closed, service, hours)


def _subject(act: Act) -> Entity:
    if act.subject is None:
        raise Refusal("name the request", where="id")
    return act.subject


def _open(act: Act) -> Entity:
    one = _subject(act)
    case.must_be_open(one)
    return one


def _note(act: Act) -> str:
    return texts.plain(act.said.get("note"), "note", NOTE, least=0, lines=True)


def _words(act: Act, city: Asking, name: str, *, least: int = 1) -> dict[str, str]:
    spoken = str(act.said.get("language") or city.setting("language") or "en")
    return texts.words(act.said.get(name), name, ANSWER, spoken=texts.language(spoken), least=least)


def reopen_ends(one: Entity) -> int:
    """Until when its reporter may reopen it (microseconds)."""
    return micros(one.get("reopenUntil"))
