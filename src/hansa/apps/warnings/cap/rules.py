"""What CAP 1.2 asks beyond its schema (data dictionary, clause 3.2, and 3.3): each fault with its place and reason.

A message from a stranger is refused for what makes it unclear or untrue, and otherwise told what is odd: a warning of
danger is not thrown away for a missing headline. `strict` is for what the city itself issues: there every fault
refuses, except those that only time or other messages make.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from hansa.apps.warnings.cap import resources
from hansa.apps.warnings.cap.faults import FAULTS, Fault, Wrong
from hansa.apps.warnings.cap.grammar import GRAMMAR, Form, Part
from hansa.apps.warnings.cap.languages import same, well_formed
from hansa.apps.warnings.cap.message import Alert, Area, Info, Reference
from hansa.apps.warnings.cap.shapes import HALF_ROUND_KM, wrong_with
from hansa.apps.warnings.cap.values import LIST, POINTS

INFOS: Final = 100  # blocks of a message
AREAS: Final = 2_000  # of a message
EARLY: Final = timedelta(minutes=5)  # clocks differ; a message may be sent that far in the future
# What refuses nothing even from us: these lie in other messages, in the clock, or are meant.
ONLY_TOLD: Final = frozenset({"future", "references-unknown", "draft", "system", "signature-unverified"})


def check(
    alert: Alert,
    *,
    now: datetime | None = None,
    known: Collection[Reference] | None = None,
    strict: bool = False,
) -> tuple[Fault, ...]:
    """All that is wrong with a message, at most `FAULTS`; none of them `refused` means that it may be read, or issued.

    `now` to tell what is expired; `known` are the messages that one may refer to; `strict` for what we issue ourselves.
    """
    # What is not of the right form, or too much of it, has no meaning to look at.
    found = (
        list(islice(structure(alert), FAULTS))
        or list(islice(_sizes(alert), FAULTS))
        or list(islice(meaning(alert, now=now, known=known), FAULTS))
    )
    return stricter(found) if strict else tuple(found)


def stricter(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The same faults, refusing wherever it was in the issuer's hands."""
    return tuple(it if it.refused or it.code in ONLY_TOLD else replace(it, refused=True) for it in faults)


def structure(node: Any, form: Form = GRAMMAR["1.2"], where: str = "alert") -> Iterator[Fault]:
    """What could not be written, or would be read as something else."""
    for part in form.parts:
        value = getattr(node, part.field)
        # A block always has a language, since one that says none is in American English.
        if value in (None, "", ()) and part.field != "language":
            if part.needed and (part.many or value is None):
                yield Fault("schema", where, f"has no {part.name}")
            continue
        if not part.many:
            yield from _value(value, part, f"{where}/{part.name}")
            continue
        if len(value) > LIST:
            yield Fault("too-many", f"{where}/{part.name}[{LIST + 1}]", f"{len(value):,}; at most {LIST:,} are read")
            continue
        for place, one in enumerate(value, 1):
            yield from _value(one, part, f"{where}/{part.name}[{place}]")


def _value(value: Any, part: Part, where: str) -> Iterator[Fault]:
    if isinstance(part.kind, Form):
        yield from structure(value, part.kind, where)
        return
    try:
        again = part.kind.of(part.kind.write(value))
    except Wrong as fault:
        yield Fault(fault.code, where, fault.why)
        return
    if again != value:
        yield Fault("schema", where, "would be read as something else: spaces at an end, or parts of a second")


def meaning(alert: Alert, *, now: datetime | None, known: Collection[Reference] | None) -> Iterator[Fault]:
    """What the data dictionary asks, of a message whose structure is right."""
    yield from _envelope(alert)
    yield from _references(alert, known)
    yield from _blocks(alert)
    for place, info in enumerate(alert.infos, 1):
        where = f"alert/info[{place}]"
        yield from _times(alert, info, where)
        yield from _block(alert, info, where)
    if now is not None:
        yield from _arrival(alert, now)


def _sizes(alert: Alert) -> Iterator[Fault]:
    areas = [area for info in alert.infos for area in info.areas]
    points = sum(len(polygon) for area in areas for polygon in area.polygons)
    for count, most, what in (
        (len(alert.infos), INFOS, "blocks"),
        (len(areas), AREAS, "areas"),
        (points, POINTS, "points"),
    ):
        if count > most:
            yield Fault("too-many", "alert", f"{count:,} {what}; at most {most:,} are read")


def _envelope(alert: Alert) -> Iterator[Fault]:
    for name, text in (("identifier", alert.identifier), ("sender", alert.sender)):
        odd = sorted({it for it in text if it in ",<&" or it.isspace()})
        if not text:
            yield Fault("empty", f"alert/{name}", "is empty")
        elif odd:
            told = ", ".join("a space" if it.isspace() else repr(it) for it in odd)
            yield Fault("identifier", f"alert/{name}", f"has {told} in it; references could not name it")
    if alert.scope == "Private" and not alert.addresses:
        yield Fault("addresses-missing", "alert/addresses", "scope is Private, and it is not said to whom")
    if alert.scope == "Restricted" and not alert.restriction.strip():
        yield Fault("restriction-missing", "alert/restriction", "scope is Restricted, and it is not said how")
    if alert.status == "Exercise" and not alert.note.strip():
        yield Fault("note-missing", "alert/note", "status is Exercise; the note should say which", refused=False)
    if alert.msg_type == "Error" and not alert.note.strip():
        yield Fault("note-missing", "alert/note", "msgType is Error; the note should explain it", refused=False)
    if alert.status == "Draft":
        yield Fault("draft", "alert/status", "a draft: nobody may act on it", refused=False)
    if alert.status == "System":
        yield Fault("system", "alert/status", "for machines: there is nothing in it for people", refused=False)
    yield from _repeated(alert.codes, "alert/code")


def _references(alert: Alert, known: Collection[Reference] | None) -> Iterator[Fault]:
    where = "alert/references"
    if alert.msg_type != "Alert" and not alert.references:
        yield Fault("references-missing", where, f"msgType is {alert.msg_type}, and it does not say of which message")
    for one in alert.references:
        if one == alert.key:
            yield Fault("references-self", where, "it refers to itself")
        elif one.sent > alert.sent:
            yield Fault("references-late", where, f"{one} was sent after this message")
        elif known is not None and one not in known:
            yield Fault("references-unknown", where, f"{one} is not known here", refused=False)
    yield from _repeated([str(it) for it in alert.references], where)


def _repeated(values: Iterable[Any], where: str) -> Iterator[Fault]:
    for value, times in Counter(values).items():
        if times > 1:
            yield Fault("twice", where, f"{str(value)[:60]!r} is said {times} times", refused=False)


def _blocks(alert: Alert) -> Iterator[Fault]:
    if not alert.infos and alert.msg_type in {"Alert", "Update"}:
        yield Fault("info-missing", "alert/info", "it does not say what it warns of", refused=False)
    # What different languages say must be the same warning: as many blocks, of one category, urgency, severity and
    # certainty, for one event (its name is translated, its codes are not).
    tongues: dict[str, list[tuple[Any, ...]]] = {}
    for info in alert.infos:
        said = (sorted(info.categories), sorted(info.event_codes), info.urgency, info.severity, info.certainty)
        tongues.setdefault(info.language.lower(), []).append(said)
    first = next(iter(tongues), "")
    for tongue, blocks in tongues.items():
        if len(blocks) != len(tongues[first]):
            why = f"{len(tongues[first])} blocks in {first}, {len(blocks)} in {tongue}"
            yield Fault("languages-disagree", "alert/info", why, refused=False)
        elif sorted(blocks) != sorted(tongues[first]):
            why = f"category, event code, urgency, severity or certainty in {tongue} are not those in {first}"
            yield Fault("languages-disagree", "alert/info", why, refused=False)
    for place, info in enumerate(alert.infos, 1):
        if any(same(info.language, it.language) and info == it for it in alert.infos[: place - 1]):
            yield Fault("twice", f"alert/info[{place}]", "the same block stands before it", refused=False)


def _times(alert: Alert, info: Info, where: str) -> Iterator[Fault]:
    begins = info.effective or alert.sent
    ends = info.expires
    if info.effective and info.effective < alert.sent:
        why = "effective is before sent: nobody could have been told by then"
        yield Fault("time-order", f"{where}/effective", why, refused=False)
    if ends is None:
        if alert.msg_type not in {"Alert", "Update"}:
            return
        yield Fault("expires-missing", f"{where}/expires", "it does not say until when", refused=False)
        return
    if ends <= begins:
        # What ends a warning may well end with the moment it was sent in.
        ending = alert.msg_type not in {"Alert", "Update"} or "AllClear" in info.response_types
        why = f"expires is not after {'effective' if info.effective else 'sent'}"
        yield Fault("time-order", f"{where}/expires", why, refused=not ending or ends < begins)
    if info.onset and ends < info.onset:
        # Met offices let a message end before the event that it announces, since a later message will follow it.
        yield Fault("time-order", f"{where}/onset", "it expires before the event begins", refused=False)


def _arrival(alert: Alert, now: datetime) -> Iterator[Fault]:
    if alert.sent > now + EARLY:
        yield Fault("future", "alert/sent", "sent in the future: its sender's clock, or a forgery", refused=False)
    ends = alert.expires()
    if ends is not None and ends <= now and alert.msg_type in {"Alert", "Update"}:
        yield Fault("expired", "alert/info/expires", "it has expired already", refused=False)


def _block(alert: Alert, info: Info, where: str) -> Iterator[Fault]:
    if not info.event.strip():
        yield Fault("empty", f"{where}/event", "is empty")
    if not well_formed(info.language):
        yield Fault("language", f"{where}/language", f"BCP 47 does not allow {info.language[:40]!r}")
    warns = alert.msg_type in {"Alert", "Update"}
    if warns and not (info.headline.strip() or info.description.strip()):
        yield Fault("headline-missing", f"{where}/headline", "has no headline and no description", refused=False)
    if warns and not info.areas:
        yield Fault("area-missing", f"{where}/area", "it does not say where", refused=False)
    yield from _repeated(info.categories, f"{where}/category")
    yield from _repeated(info.response_types, f"{where}/responseType")
    if info.web:
        yield from _told(((it, False) for it in resources.address(info.web, relative=False)), f"{where}/web")
    for place, named in enumerate(info.event_codes, 1):
        if not named.name.strip():
            yield Fault("empty", f"{where}/eventCode[{place}]/valueName", "is empty", refused=False)
    for place, one in enumerate(info.resources, 1):
        yield from _told(resources.wrong_with(one), f"{where}/resource[{place}]")
    for place, area in enumerate(info.areas, 1):
        yield from _area(area, f"{where}/area[{place}]")


def _told(faults: Iterable[tuple[Wrong, bool]], where: str) -> Iterator[Fault]:
    for fault, refused in faults:
        yield Fault(fault.code, where, fault.why, refused=refused)


def _area(area: Area, where: str) -> Iterator[Fault]:
    if not area.description.strip():
        yield Fault("empty", f"{where}/areaDesc", "is empty", refused=False)
    for place, polygon in enumerate(area.polygons, 1):
        for fault in wrong_with(polygon):
            only = fault.code in {"polygon-crossing", "polygon-complex"}
            yield Fault(fault.code, f"{where}/polygon[{place}]", fault.why, refused=not only)
    for place, circle in enumerate(area.circles, 1):
        if not 0 <= circle.radius_km <= HALF_ROUND_KM:
            why = f"a radius of {circle.radius_km} km; nothing on Earth is farther than {HALF_ROUND_KM:,.0f}"
            yield Fault("circle-radius", f"{where}/circle[{place}]", why)
    yield from _repeated(area.polygons, f"{where}/polygon")
    yield from _repeated(area.circles, f"{where}/circle")
    yield from _repeated(area.geocodes, f"{where}/geocode")
    if area.ceiling is not None:
        if area.altitude is None:
            yield Fault("altitude", f"{where}/ceiling", "a ceiling without the altitude that it begins at")
        elif area.ceiling < area.altitude:
            yield Fault("altitude", f"{where}/ceiling", "the ceiling is below the altitude")
