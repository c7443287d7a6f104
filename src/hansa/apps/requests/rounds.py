"""What comes with time: a clock is near its end or over, which is said in the request's log and to its department.

Each department has one Alert while anything of it is over its time or near: `urn:ngsi-ld:Alert:requests-<department>`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import City, Entity, entity
from hansa.apps.requests import case, clocks, services
from hansa.apps.requests.made import app
from hansa.apps.requests.times import iso

AT_ONCE: Final = 300
"""Requests of one round; what is left waits a minute."""
PERIOD_S: Final = 60.0
DEPARTMENTS: Final = 200
SEVERE: Final = 10
"""Breached requests of one department from which its Alert is high."""


@app.every(PERIOD_S)
def watch(city: City) -> Iterable[Entity]:
    """Say which clocks have warned or run out since the last round."""
    now = city.now()
    passed = city.find("ServiceRequest", f'status=="open";nextDue<="{iso(now)}"', limit=AT_ONCE)
    known = services.catalogue(city)
    changed: dict[str, Entity] = {}
    for one in passed:
        service = known.services.get(str(one.get("serviceCode")))
        if service is None or int(one.get("steps") or 0) >= case.STEPS_MOST:
            yield entity("ServiceRequest", one.id, nextDue=clocks.NEVER)
            continue
        before = set(case.listing(one.get("breached"))), set(case.listing(one.get("warned")))
        said = clocks.state(one, service, clocks.calendar(city, service.calendar), now)
        broken = sorted(set(said["breached"]) - before[0])
        near = sorted(set(said["warned"]) - before[1] - set(said["breached"]))
        many = int(one.get("steps") or 0)
        for kind, names in (("breached", broken), ("near", near)):
            if names:
                many += 1
                yield case.line(
                    one.id, many, now, "app:requests", kind, str(one.get("step")), one.label, more={"clocks": names}
                )
        yield entity("ServiceRequest", one.id, **said, steps=many)
        changed[one.id] = case.with_said(one, said)
    yield from _alerts(city, changed, now)


def _alerts(city: City, changed: Mapping[str, Entity], now: int) -> Iterable[Entity]:
    """What each department has over its time; said again only when its numbers changed."""
    late: dict[str, dict[str, int]] = {}
    for kind, q in (
        ("breached", 'status=="open";clock=="breached"'),
        ("near", 'status=="open";clock=="running";warned=="answer","close"'),
    ):
        for one in city.find("ServiceRequest", q, limit=5_000):
            if one.id not in changed:
                _count(late, one, kind)
    for one in changed.values():
        if one.get("clock") == "breached":
            _count(late, one, "breached")
        elif case.listing(one.get("warned")):
            _count(late, one, "near")
    standing = {one.id: one for one in city.find("Alert", 'alertSource=="app:requests"', limit=DEPARTMENTS)}
    for department, numbers in sorted(late.items())[:DEPARTMENTS]:
        ident = f"urn:ngsi-ld:Alert:requests-{department}"
        severity = "high" if numbers["breached"] >= SEVERE else "medium" if numbers["breached"] else "low"
        said: dict[str, Any] = {
            "breached": numbers["breached"],
            "near": numbers["near"],
            "severity": severity,
            "status": "open",
        }
        before = standing.pop(ident, None)
        if before is None or any(before.get(name) != value for name, value in said.items()):
            text = f"{department}: {numbers['breached']} requests over their time, {numbers['near']} near it"
            yield _alert(ident, department, now, description=text, **said)
    for ident, one in standing.items():
        if one.get("status") == "open":
            yield entity("Alert", ident, status="closed", breached=0, near=0, validTo=iso(now))


def _count(late: dict[str, dict[str, int]], one: Entity, kind: str) -> None:
    late.setdefault(str(one.get("department")), {"breached": 0, "near": 0})[kind] += 1


def _alert(ident: str, department: str, now: int, **said: Any) -> Entity:
    one = entity(
        "Alert",
        ident,
        name=f"Requests: {department}",
        category="requests",
        subCategory="serviceLevel",
        alertSource="app:requests",
        dateIssued=iso(now),
        **said,
    )
    one.label = case.label(department)
    return one
