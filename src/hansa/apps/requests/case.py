"""A request as an entity: its course from step to step, and the log that says each of them for ever.

Open311 knows two states, open and closed; inside, a request goes through steps:

    received -> triaged -> routed -> planned -> in-progress -> answered -> done | declined
                                 waiting (for the resident)      duplicate (joined to another)      reopened
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import Asking, Attribute, City, Entity, NotFound, Refusal, entity
from hansa.apps.requests import clocks, services
from hansa.apps.requests.times import iso

OPEN_STEPS: Final = (
    "received",
    "triaged",
    "routed",
    "planned",
    "in-progress",
    "waiting",
    "answered",
    "reopened",
    "duplicate",
)
WORK_STEPS: Final = ("triaged", "routed", "planned", "in-progress")
OUTCOMES: Final = ("done", "declined")
STEPS_MOST: Final = 500
"""Of one request: a log that nobody reads to its end helps nobody."""
JOINED_MOST: Final = 200
WAITS_MOST: Final = 50
PREFIX: Final = "urn:ngsi-ld:ServiceRequest:"


def ident(said: Any) -> str:
    """The id of a request from its key or id."""
    if not isinstance(said, str) or not 0 < len(said) <= 100:
        raise Refusal("a request is named by its id", where="id")
    return said if said.startswith("urn:") else PREFIX + said


def request(city: City, said: Any) -> Entity:
    """A request by key or id; NotFound."""
    one = city.get(ident(said))
    if "ServiceRequest" not in one.types:
        raise NotFound("there is no such request", where="id")
    return one


def label(department: str) -> str:
    """Under which label a request stands: staff's, owned by who does it."""
    return f"smart;owner={department}"


def with_said(one: Entity, said: Mapping[str, Any]) -> Entity:
    """A request as it will be when this was said."""
    doc = one.doc | {name: {"type": "Property", "value": value} for name, value in said.items() if value is not None}
    return Entity(doc, one.stamps, one.realm, one.label)


def moved(
    one: Entity,
    city: City,
    at: int,
    by: str,
    kind: str,
    *,
    note: str = "",
    text: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
    owner: str | None = None,
    **said: Any,
) -> Iterable[Entity]:
    """What one step makes of a request: its attributes, its clocks, and the line in its log.

    `note` stays among staff, `text` is told to those who asked. `owner` relabels it for another department.
    """
    many = int(one.get("steps") or 0) + 1
    if many > STEPS_MOST:
        raise Refusal(f"a request has at most {STEPS_MOST} steps", where="id", mend="close it, and begin another")
    after = with_said(one, said)
    known = services.catalogue(city)
    try:
        service = known.known(after.get("serviceCode"))
        said = said | clocks.state(after, service, clocks.calendar(city, service.calendar), at)
    except NotFound:  # a service that somebody took out of the catalogue: it is worked on all the same
        pass
    whose = label(owner) if owner else one.label
    changed = entity("ServiceRequest", one.id, **said, updatedAt=iso(at), steps=many)
    changed.label = label(owner) if owner else None
    yield changed
    yield line(one.id, many, at, by, kind, str(after.get("step") or ""), whose, note=note, text=text, more=more)


def line(
    request_id: str,
    n: int,
    at: int,
    by: str,
    kind: str,
    step: str,
    whose: str | None,
    *,
    note: str = "",
    text: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Entity:
    """A line of a request's log."""
    made = entity(
        "RequestStep",
        f"{request_id.removeprefix(PREFIX)}-{n:04d}",
        request=Attribute(request_id, kind="Relationship"),
        n=n,
        kind=kind,
        step=step,
        at=iso(at),
        by=by or "public",
        note=note or None,
        text=dict(text) if text else None,
        more=dict(more) if more else None,
    )
    made.label = whose
    return made


def link_text(reporter: Entity) -> str:
    """What the capability of somebody who asked is for."""
    return f"{'reporter' if reporter.get('kind') == 'reporter' else 'too'} {reporter.key}"


def page(token: str, language: str, city: Asking) -> str:
    """The address of the page of whoever holds a link."""
    return f"{city.origin}/{language or str(city.setting('language') or 'en')}/r/{token}"


def linked(reporter: Entity, city: Asking) -> None:
    """Keep the link with whoever can be written to: rules that write to him make none."""
    if "email" in reporter or "phone" in reporter:
        link = page(city.token(link_text(reporter)), str(reporter.get("language") or ""), city)
        reporter.doc |= entity("RequestReporter", reporter.id, link=link).doc


def must_be_open(one: Entity) -> None:
    """Refusal for one that is closed, or follows another."""
    if one.get("into"):
        raise Refusal("it is joined to another; work on that one", where="id", mend="split it first")
    if one.get("status") != "open":
        raise Refusal("it is closed", where="id", mend="reopen it first")


def listing(said: Any) -> list[Any]:
    """A list, or none."""
    return said if isinstance(said, list) else []


def joined(one: Entity, city: City) -> list[Entity]:
    """The requests that follow this one."""
    found = []
    for it in listing(one.get("joined"))[:JOINED_MOST]:
        try:
            found.append(city.get(str(it)))
        except NotFound:
            continue
    return found
