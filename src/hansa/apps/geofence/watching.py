"""From a move to an alarm: who came in, who left, and what is said of it. Held by tests/apps/test_geofence.py."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from typing import Final

from hansa import Attribute, City, Delete, Entity, NotFound, entity, geo, labels
from hansa.apps.geofence.fence import IN, Fence, position
from hansa.apps.geofence.memory import MEASURED, Effort, Memory, Spent

BACK: Final = 50
"""Places of history that are looked at to know where something was."""
NEAR: Final = 1_000
"""Entities that are looked at when a fence is drawn; the others are met when they move."""


def alert_id(fence: str, what: str, ident: str) -> str:
    """The id of the one alarm of a fence, what is wrong (`entered` or `left`) and who: made, not drawn."""
    said = f"{fence}\n{what}\n{ident}".encode("utf-8", "surrogatepass")
    return f"urn:ngsi-ld:Alert:geofence-{blake2b(said, digest_size=12).hexdigest()}"


def look(memory: Memory, moved: Entity, city: City) -> Iterator[Entity | Delete]:
    """What is to be said of something that is elsewhere now; where that is too much to find out, so it says."""
    place = position(moved.location)
    if place is None:
        return
    effort, then = Effort(), _Past(moved, city)
    try:
        for fence in memory.fences.values():
            if not fence.kinds or not fence.kinds.isdisjoint(moved.types):
                yield from _looked(memory, fence, moved, city, effort, then)
    except Spent:
        yield from _too_much(city)


class _Past:
    """Where something was, newest first: read once for one move, and only if a fence asks for it."""

    def __init__(self, moved: Entity, city: City) -> None:
        self._moved, self._city = moved, city
        self._places: list[tuple[float, float]] | None = None

    def places(self) -> list[tuple[float, float]]:
        if self._places is None:
            points = reversed(self._city.history(self._moved.id, "location", last=BACK))
            self._places = [place for point in points if (place := position(point.value)) is not None]
        return self._places


def _looked(
    memory: Memory, fence: Fence, moved: Entity, city: City, effort: Effort, past: _Past
) -> Iterator[Entity | Delete]:
    place = position(moved.location)
    inside = None if place is None else effort.where(fence, *place)
    if inside is None:
        return  # on the edge it stays as it was
    key = fence.id, moved.id
    was = memory.was.get(key)
    if was is None:
        was = _before(fence, moved, city, effort, past, inside=inside)
    memory.note(*key, inside=inside)
    if was is not inside:
        yield from _crossed(fence, moved, city, inside=inside, new=was is None)


def _before(fence: Fence, moved: Entity, city: City, effort: Effort, past: _Past, *, inside: bool) -> bool | None:
    """Whether it was in the fence: by the alarms that stand, else by its newest places that say so; None: unknown."""
    if fence.enter and _open(city, alert_id(fence.id, "entered", moved.id)):
        return True
    if fence.leave and _open(city, alert_id(fence.id, "left", moved.id)):
        return False
    if fence.enter and not fence.leave:
        return False  # no alarm stands: it was not in
    now = position(moved.location)
    for place in past.places():
        then = effort.where(fence, *place)
        if then is not None and not (place == now and then is inside):
            return then
    return None


def _too_much(city: City) -> Iterator[Entity]:
    """Say once that areas are left out; it stands until somebody closes it."""
    ident = "urn:ngsi-ld:Alert:geofence-too-much"
    if _open(city, ident):
        return
    yield entity(
        "Alert",
        ident,
        category="security",
        subCategory="configuration",
        severity="high",
        status="open",
        dateIssued=_iso(city.now()),
        alertSource="geofence",
        description=f"Watched areas lie so densely, with edges of so many pieces, that a move would take more than "
        f"{MEASURED:,} measurements: the most detailed of them are left out there. Draw them simpler.",
    )


def _open(city: City, ident: str) -> bool:
    known = _known(city, ident)
    return known is not None and bool(known.get("status") == "open")


def _known(city: City, ident: str) -> Entity | None:
    try:
        return city.get(ident)
    except NotFound:
        return None


def _crossed(fence: Fence, moved: Entity, city: City, *, inside: bool, new: bool) -> Iterator[Entity | Delete]:
    if fence.enter:
        if inside:
            yield from _raised(fence, moved, city, "entered")
        elif not new:
            yield from _cleared(fence, moved, city, "entered")
    if fence.leave:
        if inside:
            yield from _cleared(fence, moved, city, "left")
        elif not new:  # whoever was never in it has not left it
            yield from _raised(fence, moved, city, "left")


def _raised(fence: Fence, moved: Entity, city: City, what: str) -> Iterator[Entity | Delete]:
    ident = alert_id(fence.id, what, moved.id)
    before = _known(city, ident)
    if before is not None and before.get("status") != "open" and "validTo" in before:
        yield Delete(ident, "validTo")
    who = str(moved.get("name") or moved.key)
    said = entity(
        "Alert",
        ident,
        category="security",
        subCategory="geofence",
        severity=fence.severity,
        status="open",
        dateIssued=_iso(city.now()),
        alertSource=moved.id,
        geofence=Attribute(fence.id, kind="Relationship"),
        description=f"{who} {'came into' if what == 'entered' else 'left'} {fence.name}.",
        location=moved.location,
    )
    said.label = stricter(fence, _whole(moved, city), before)
    yield said


def _cleared(fence: Fence, moved: Entity, city: City, what: str) -> Iterator[Entity | Delete]:
    ident = alert_id(fence.id, what, moved.id)
    if (before := _known(city, ident)) is None or before.get("status") != "open":
        return
    who = str(moved.get("name") or moved.key)
    how = f"{who} is {'out of' if what == 'entered' else 'back in'} {fence.name}."
    said = entity("Alert", ident, status="closed", validTo=_iso(city.now()), description=how)
    said.label = stricter(fence, _whole(moved, city), before)
    yield said


def begun(memory: Memory, ident: str, city: City) -> Iterator[Entity | Delete]:
    """What a fence that is new or another has to say: alarms that are none any more, and who is in it now."""
    fence = memory.fences.get(ident)
    still: set[str] = set()
    said: list[Entity | Delete] = []
    effort = Effort()
    if (
        fence is not None and fence.kinds
    ):  # one for everything is for what moves: what stands in it since long is not news
        # As many as may be measured in one go; the others are met when they move.
        for one in islice(_near(fence, city), effort.left // fence.cost):
            place = position(one.location)
            if place is not None and effort.where(fence, *place) is IN:
                memory.note(fence.id, one.id, inside=True)
                if fence.enter:
                    still.add(alert_id(fence.id, "entered", one.id))
                    if not _open(city, alert_id(fence.id, "entered", one.id)):
                        said += _raised(fence, one, city, "entered")
    if (fault := memory.faults.get(ident)) is not None:
        still.add(alert_id(ident, "unusable", ident))
        said += _unusable(ident, fault, city)
    yield from ended(ident, city, still)
    yield from said


def _unusable(ident: str, fault: str, city: City) -> Iterator[Entity | Delete]:
    """A fence watches nothing, and why: whoever drew it believes that it does."""
    try:
        area = city.get(ident)
    except NotFound:
        return
    known = _known(city, alert := alert_id(ident, "unusable", ident))
    if known is not None and "validTo" in known:
        yield Delete(alert, "validTo")
    said = entity(
        "Alert",
        alert,
        category="security",
        subCategory="configuration",
        severity="medium",
        status="open",
        dateIssued=_iso(city.now()),
        alertSource=ident,
        geofence=Attribute(ident, kind="Relationship"),
        description=f"The watched area {area.key} watches nothing: {fault}.",
    )
    under = labels.of(area, "name", "location")
    said.label = labels.strictest(under if known is None else [*under, known.label], area.realm)
    yield said


def _near(fence: Fence, city: City) -> Iterable[Entity]:
    """Entities that may be in a fence: of its types, around the middle of its box."""
    lon, lat = (fence.west + fence.east) / 2, (fence.south + fence.north) / 2
    corner = {"type": "Point", "coordinates": [fence.west, fence.south]}
    far = geo.metres({"type": "Point", "coordinates": [lon, lat]}, corner)
    for kind in sorted(fence.kinds):
        for one in city.find(kind, near=(lon, lat, far), limit=NEAR):
            if not {"Alert", "Geofence"} & set(one.types):
                yield one


def ended(ident: str, city: City, still: Iterable[str] = ()) -> Iterator[Entity | Delete]:
    """Take back the alarms of a fence, but for those that `still` stand."""
    keep = set(still)
    for alert in city.find("Alert", q=f'status=="open";geofence=="{ident}"', limit=NEAR):
        if alert.id not in keep:
            told = "The watched area is gone, or another; nothing is said of it any more."
            yield entity("Alert", alert.id, status="closed", validTo=_iso(city.now()), description=told)


def wake(memory: Memory, gone: Entity, city: City) -> Iterator[Entity | Delete]:
    """Something is gone altogether: its alarms have lost their ground."""
    for fence in memory.fences.values():
        memory.was.pop((fence.id, gone.id), None)
        for what in ("entered", "left"):
            ident = alert_id(fence.id, what, gone.id)
            if _open(city, ident):
                told = "It is gone from the city."
                yield entity("Alert", ident, status="closed", validTo=_iso(city.now()), description=told)


def stricter(fence: Fence, moved: Entity, before: Entity | None = None) -> str | None:
    """The label of an alarm: of the fence, of what moved, its place and its name, so that nobody learns of any by it.

    An alarm that was raised `before` keeps to its label, too: what it told then is in its history.
    """
    found = [*fence.guarded, *labels.of(moved, "name", "location"), *(labels.of(before) if before is not None else ())]
    return labels.strictest(found, moved.realm)


def _whole(moved: Entity, city: City) -> Entity:
    """What moved, with the labels of its attributes: a Change does not say them."""
    return moved if moved.stamps is not None else _known(city, moved.id) or moved


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
