"""Suppression by design: alarms that mean nothing while another stands, or while their source is maintained.

The conditions are stated on the alarm (`suppressWhen`, by the act `suppress`); these rules say `suppressed` as they
come to hold and cease. Judged on the newest state of everything, so the order in which things are heard is no matter.
What is guarded more strictly than the alarm is not judged: a yes or no, too, tells whoever sees the alarm.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from hansa import Attribute, Change, City, Entity, NotFound, entity, labels
from hansa.apps.alarms.people import conditions
from hansa.apps.alarms.standing import active

MOST: Final = 10_000  # alarms with a condition
ONCE: Final = 450  # words of one call; the next round says the rest


@dataclass(slots=True)
class Conditions:
    """Which alarms hang on which entities, and of what types those are."""

    hang: dict[str, set[str]] = field(default_factory=dict)
    types: set[str] = field(default_factory=set)
    stated: set[str] = field(default_factory=set)

    def take(self, alert: Entity, city: City) -> None:
        """Note what an alarm hangs on now."""
        for hanging in self.hang.values():
            hanging.discard(alert.id)
        self.stated.discard(alert.id)
        for one in conditions(alert):
            ident = str(one.get("alarm") or one.get("entity") or "")
            self.hang.setdefault(ident, set()).add(alert.id)
            self.stated.add(alert.id)
            found = _there(city, ident)
            if found is not None:
                self.types.update(found.types)


_known: WeakKeyDictionary[City, Conditions] = WeakKeyDictionary()


def concerned(kind: str, city: City) -> bool:
    """Whether an alarm hangs on an entity of a type; of others no Change need be read."""
    known = _known.get(city)
    return known is None or kind.endswith("Alert") or kind in known.types


def heard(change: Change, city: City) -> Iterable[Entity]:
    """Something changed on which alarms may hang; or a condition was stated. The way out is short for all others."""
    known = _known.get(city)
    if known is None:
        known = _known[city] = _read(city)
    ident = change.entity.id
    stated = not change.gone and any(part.name == "suppressWhen" for part in change.parts)
    if stated:
        known.take(change.entity, city)
    elif ident not in known.hang:
        return ()
    alarms = [*((ident,) if stated else ()), *known.hang.get(ident, ())]
    return [word for one in alarms[:ONCE] for word in _judged(one, city)]


def judged(city: City) -> Iterator[Entity]:
    """Look at every stated condition again: a source may have come or gone unheard."""
    known = _known[city] = _read(city)
    said = 0
    for ident in known.stated:
        for one in _judged(ident, city):
            yield one
            said += 1
        if said >= ONCE:
            return


def _read(city: City) -> Conditions:
    known = Conditions()
    for alert in city.find("Alert", "suppressWhen", limit=MOST):
        known.take(alert, city)
    return known


def _judged(ident: str, city: City) -> Iterator[Entity]:
    alert = _there(city, ident)
    if alert is None:
        return
    why = next((said for one in conditions(alert) if (said := holds(one, alert, city))), "")
    if bool(why) != (alert.get("suppressed") is True):
        extra = {"reason": {"type": "Property", "value": why}} if why else None
        yield entity(alert.type, alert.id, suppressed=Attribute(bool(why), at=city.now(), extra=extra))


def holds(condition: dict[str, Any], alert: Entity, city: City) -> str:
    """Why a condition of an alarm holds, for people; empty when it does not. What is gone, or hidden, holds nothing."""
    if "alarm" in condition:
        other = _there(city, str(condition["alarm"]))
        stands = other is not None and _may_weigh(alert, other, "status") and active(other)
        return f"{condition['alarm']} stands" if stands else ""
    about, name = _there(city, str(condition.get("entity"))), str(condition.get("attribute"))
    values = condition.get("is")
    if about is None or name not in about or not isinstance(values, list) or not _may_weigh(alert, about, name):
        return ""
    value = about[name]
    for one in value if isinstance(value, list) else [value]:
        if any(type(one) is type(wanted) and one == wanted for wanted in values):
            return f"{name} of {about.id} is as was said"  # what it is, whoever may see it sees there
    return ""


def _may_weigh(alert: Entity, about: Entity, name: str) -> bool:
    holder = labels.full(alert.label, alert.realm)
    return all(labels.may_weigh(holder, labels.full(one, about.realm)) for one in labels.of(about, name))


def _there(city: City, ident: str) -> Entity | None:
    try:
        return city.get(ident)
    except NotFound:
        return None
