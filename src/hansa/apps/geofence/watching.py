"""From a move to an alarm: who came in, who left, and what is said of it. Held by tests/apps/test_geofence.py."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from hansa import Attribute, City, Delete, Entity, NotFound, entity, geo
from hansa.apps.geofence.fence import IN, Fence, position
from hansa.apps.geofence.memory import Memory

BACK: Final = 50
"""Places of history that are looked at to know where something was."""
NEAR: Final = 1_000
"""Entities that are looked at when a fence is drawn; the others are met when they move."""
_CLASSES: Final = ("open", "smart", "personal", "security")


def alert_id(fence: str, what: str, ident: str) -> str:
    """The id of the one alarm of a fence, what is wrong (`entered` or `left`) and who: made, not drawn."""
    said = f"{fence}\n{what}\n{ident}".encode("utf-8", "surrogatepass")
    return f"urn:ngsi-ld:Alert:geofence-{blake2b(said, digest_size=12).hexdigest()}"


def look(memory: Memory, moved: Entity, city: City) -> Iterator[Entity | Delete]:
    """What is to be said of something that is elsewhere now."""
    place = position(moved.location)
    if place is None:
        return
    for fence in memory.fences.values():
        if fence.kinds and fence.kinds.isdisjoint(moved.types):
            continue
        inside = fence.where(*place)
        if inside is None:
            continue  # on the edge it stays as it was
        key = fence.id, moved.id
        was = memory.was.get(key)
        if was is None:
            was = _before(fence, moved, city, inside=inside)
        memory.note(*key, inside=inside)
        if was is not inside:
            yield from _crossed(fence, moved, city, inside=inside, new=was is None)


def _before(fence: Fence, moved: Entity, city: City, *, inside: bool) -> bool | None:
    """Whether it was in the fence: by the alarms that stand, else by its newest places that say so; None: unknown."""
    if fence.enter and _open(city, alert_id(fence.id, "entered", moved.id)):
        return True
    if fence.leave and _open(city, alert_id(fence.id, "left", moved.id)):
        return False
    if fence.enter and not fence.leave:
        return False  # no alarm stands: it was not in
    now = position(moved.location)
    for point in reversed(city.history(moved.id, "location", last=BACK)):
        place = position(point.value)
        if place is None or (place == now and fence.where(*place) is inside):
            continue
        if (then := fence.where(*place)) is not None:
            return then
    return None


def _open(city: City, ident: str) -> bool:
    try:
        return bool(city.get(ident).get("status") == "open")
    except NotFound:
        return False


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
    try:
        before = city.get(ident)
    except NotFound:
        before = None
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
    said.label = stricter(fence, moved)
    yield said


def _cleared(fence: Fence, moved: Entity, city: City, what: str) -> Iterator[Entity | Delete]:
    ident = alert_id(fence.id, what, moved.id)
    if not _open(city, ident):
        return
    who = str(moved.get("name") or moved.key)
    how = f"{who} is {'out of' if what == 'entered' else 'back in'} {fence.name}."
    yield entity("Alert", ident, status="closed", validTo=_iso(city.now()), description=how)


def begun(memory: Memory, ident: str, city: City) -> Iterator[Entity | Delete]:
    """What a fence that is new or another has to say: alarms that are none any more, and who is in it now."""
    fence = memory.fences.get(ident)
    still: set[str] = set()
    said: list[Entity | Delete] = []
    if (
        fence is not None and fence.kinds
    ):  # one for everything is for what moves: what stands in it since long is not news
        for one in _near(fence, city):
            place = position(one.location)
            if place is not None and fence.where(*place) is IN:
                memory.note(fence.id, one.id, inside=True)
                if fence.enter:
                    still.add(alert_id(fence.id, "entered", one.id))
                    if not _open(city, alert_id(fence.id, "entered", one.id)):
                        said += _raised(fence, one, city, "entered")
    yield from ended(ident, city, still)
    yield from said


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


def stricter(fence: Fence, moved: Entity) -> str | None:
    """The label of an alarm: the stricter of the fence's and of the place's, so that nobody learns of either by it."""
    own = moved.label
    if moved.stamps is not None:
        own = moved.stamps.labels.get("location", own)
    one, other = (own, _rank(own, moved.realm)), (fence.label, _rank(fence.label, fence.realm))
    if one[1] != other[1] or one[0] == other[0]:
        return max(one, other, key=lambda it: it[1])[0]
    # Alike in class and of several owners or for several purposes: then of no one department, and for no purpose said.
    return f"{_CLASSES[one[1]]};owner=several" + (";purposes=none" if "purposes" in f"{own}{fence.label}" else "")


def _rank(label: str | None, realm: str) -> int:
    kind = ("security" if realm == "security" else "smart") if label is None else label.partition(";")[0]
    return _CLASSES.index(kind) if kind in _CLASSES else len(_CLASSES) - 1


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
