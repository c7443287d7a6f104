"""What was predicted, held against what came: a ForecastOutcome a forecast, a ForecastSkill an app, attribute and lead.

A forecast is an entity whose type ends with `Forecast`: `validFrom` and `validTo` say for when, a relationship (best
`refStation`) for what, and its numbers bear the names of what is measured there: `temperatureMin` is the least
`temperature` of its time. How it stood at each lead is in its own history, what came in the history of what it speaks
of; nothing else is believed, least of all what a forecast says of itself. What is measured under a stricter label than
the forecast's has an outcome and sums of its own, under the label of both; to all others it is as if it were not there.
Held by tests/apps/test_brain_foresight.py.
"""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from hansa import Attribute, Change, City, Entity, entity, labels, units
from hansa.apps.brain.scores import DAY, HOUR, Sums, came, cases, meant
from hansa.apps.brain.words import digest_of, instant, iso, short, there

SKILL: Final = "ForecastSkill"
OUTCOME: Final = "ForecastOutcome"
GRACE: Final = HOUR
"""Readings of its time may come so much later."""
LOST: Final = 7 * DAY
"""Forecasts older than that are not taken up after a restart."""
SETTLED: Final = 20
"""Forecasts that one round settles: some 10 ms each."""
KNOWN: Final = 50_000
KEPT: Final = 400 * DAY
TYPES: Final = ("WeatherForecast",)
"""Types that are looked for after a restart, beside those of which something is known and the setting `forecasts`."""
EVENTS: Final = {"temperatureMin": {"below": 0.0}}
"""What a forecast warns of, where no setting `events` says otherwise: frost is the freezing of water."""
SHORT: Final = 200
WINDOW: Final = 40 * DAY


@dataclass(slots=True)
class Foresight:
    """Forecasts whose time is still to come, of one realm."""

    seq: int = 0
    due: list[tuple[int, str]] = field(default_factory=list)
    when: dict[str, int] = field(default_factory=dict)
    apps: dict[str, str] = field(default_factory=dict)
    speakers: dict[str, set[str]] = field(default_factory=dict)
    """Type -> apps that say forecasts of it."""
    announced: set[tuple[str, str, str]] = field(default_factory=set)


def begin(city: City) -> Foresight:
    """The forecasts that the city holds and that are not settled."""
    memory = Foresight()
    said = city.setting("forecasts", ())
    kinds = {*TYPES, *(one for one in said if isinstance(one, str))} if isinstance(said, list | tuple) else set(TYPES)
    for one in city.find(SKILL, limit=KNOWN):
        app, kind = one.get("app"), one.get("forecastType")
        if isinstance(app, str) and isinstance(kind, str):
            kinds.add(kind)
            memory.speakers.setdefault(kind, set()).add(app)
            memory.announced.add((_label(one), app, kind))
    edge = city.now() - LOST
    for kind in sorted(kinds):
        for one in city.find(kind, limit=KNOWN):
            until = instant(one.get("validTo"))
            if until is not None and until > edge:
                _await(memory, one.id, until)
    return memory


def hear(memory: Foresight, change: Change) -> Iterator[Entity]:
    """Somebody predicts something."""
    said = change.entity
    until = instant(said.get("validTo"))
    if change.gone or until is None or until <= change.at - GRACE or len(memory.when) >= KNOWN:
        return
    app, kind = _speaker(change.actor), short(said.type)
    _await(memory, said.id, until)
    memory.apps[said.id] = app
    memory.speakers.setdefault(kind, set()).add(app)
    label = _label(said)
    if (label, app, kind) not in memory.announced:
        memory.announced.add((label, app, kind))
        made = entity(SKILL, _id(SKILL, label, app, kind), app=app, forecastType=kind, n=0)
        made.label = label or None
        yield made


def settle(memory: Foresight, city: City) -> Iterator[Entity]:
    """Hold forecasts whose time is over against what came."""
    now = city.now()
    sums: dict[str, tuple[Sums, Entity]] = {}
    for _ in range(SETTLED):
        if not memory.due or memory.due[0][0] + GRACE > now:
            break
        at, ident = heapq.heappop(memory.due)
        if memory.when.get(ident) != at:
            continue  # it was for another time meanwhile
        del memory.when[ident]
        app = memory.apps.pop(ident, None)
        said = there(city, ident)
        if said is None or there(city, outcome_id(ident)) is not None:
            continue
        if app is None:
            speakers = memory.speakers.get(short(said.type), set())
            app = next(iter(speakers)) if len(speakers) == 1 else "?"
        yield from _settled(city, said, app, now, sums)
    for _, made in sums.values():
        yield made


def outcome_id(ident: str, label: str | None = None) -> str:
    """The id of what became of a forecast; with a `label`, of that part which is guarded more strictly than it is."""
    return _id(OUTCOME, ident, *(() if label is None else (label,)))


class _Row(NamedTuple):
    name: str
    unit: str | None
    came: float
    persistence: float | None
    leads: dict[str, list[Any]]


def _settled(city: City, said: Entity, app: str, now: int, sums: dict[str, tuple[Sums, Entity]]) -> Iterator[Entity]:
    since, until = instant(said.get("validFrom")), instant(said.get("validTo"))
    target = next((ref for ref in targets(said) if there(city, ref) is not None), None)
    label, kind = _label(said), short(said.type)
    why = ""
    rows: dict[str, list[_Row]] = {label: []}  # by the label under which they may be told
    if since is None or until is None or until < since or until - since > WINDOW:
        why = "it does not say for when"
    elif target is None:
        why = "nothing is known of what it speaks of"
    else:
        measured = city.get(target)
        for name in said.names:
            row = _held(city, said, name, measured, since, until)
            if row is not None:
                rows.setdefault(_guarded(said, name, measured), []).append(row)
        why = "" if rows[label] else "too little was measured, or it was said too late"
        if _guarded(said, None, measured) != label:
            why = "nothing is known of what it speaks of"
    for whose, found in rows.items():
        for row in found:
            _sum(city, sums, (whose, app, kind), row, said)
        own = whose == label
        about = None if own and why.startswith("nothing is known") else target
        made = _outcome(said, app, now, about, found, why if own else "", outcome_id(said.id, None if own else whose))
        made.label = whose or None
        yield made


def _outcome(said: Entity, app: str, now: int, target: str | None, rows: list[_Row], why: str, ident: str) -> Entity:
    since, until = instant(said.get("validFrom")), instant(said.get("validTo"))
    made = entity(
        OUTCOME,
        ident,
        refForecast=Attribute(said.id, kind="Relationship"),
        refSource=None if target is None else Attribute(target, kind="Relationship"),
        app=app,
        forecastType=short(said.type),
        validFrom=None if since is None else iso(since),
        validTo=None if until is None else iso(until),
        settledAt=iso(now),
        counted=bool(rows),
        reason=why or None,
        scores=Attribute({row.name: _json(row) for row in rows}, kind="JsonProperty") if rows else None,
    )
    made.doc["expiresAt"] = iso(max(until or now, now - KEPT // 2) + KEPT)
    return made


def _guarded(said: Entity, name: str | None, measured: Entity) -> str:
    """Under which label a forecast held against what came may be told: its own, unless that guards too little."""
    own = _label(said)
    holder = labels.full(own, said.realm)
    found = labels.of(measured)
    if name is not None:
        found = labels.of(said, name) + labels.of(measured, meant(name).name)
    found = [one for one in found if one != said.label]
    if all(labels.may_tell(holder, labels.full(one, said.realm)) for one in found):
        return own
    return labels.strictest([own or None, *found], said.realm) or ""


def _held(city: City, said: Entity, name: str, measured: Entity, since: int, until: int) -> _Row | None:
    """One number of a forecast against what came; None where it cannot be judged."""
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    what = meant(name)
    if what.name not in measured:
        return None
    ours, theirs = said.attribute(name).unit, measured.attribute(what.name).unit
    points = city.history(measured.id, what.name, since=since - HOUR, until=until + 1)
    found = came(points, since, until, what.how)
    if found is None:
        return None
    yesterday = city.history(measured.id, what.name, since=since - DAY - HOUR, until=until - DAY + 1)
    before = came(yesterday, since - DAY, until - DAY, what.how)
    if ours and theirs and ours != theirs:
        try:
            found = units.convert(found, theirs, ours)
            before = None if before is None else units.convert(before, theirs, ours)
        except Exception:  # noqa: BLE001  # units that do not fit: it cannot be judged
            return None
    versions = city.history(said.id, name, until=since + 1)
    leads = {str(one.lead_h): [iso(one.issued), one.said] for one in cases(versions, since, found, before)}
    return _Row(name, ours or theirs, found, before, leads) if leads else None


def _json(row: _Row) -> dict[str, Any]:
    return {"came": row.came, "persistence": row.persistence, "unit": row.unit, "leads": row.leads}


def _sum(
    city: City, sums: dict[str, tuple[Sums, Entity]], whose: tuple[str, str, str], row: _Row, said: Entity
) -> None:
    event = _event(city, row.name)
    for lead, (_, value) in row.leads.items():
        key, own = _so_far(city, sums, (*whose, row.name, lead))
        own = own.add(value, row.came, row.persistence)
        if event is not None:
            own = own.warn(warned=_crosses(value, event), came=_crosses(row.came, event))
        sums[key] = own, _skill(key, whose, row, lead, own)
    warned = said.get("warned")
    if event is not None and isinstance(warned, bool):
        key, own = _so_far(city, sums, (*whose, row.name, "warned"))
        own = own.warn(warned=warned, came=_crosses(row.came, event))
        sums[key] = own, _skill(key, whose, row, "warned", own)


def _so_far(city: City, sums: dict[str, tuple[Sums, Entity]], parts: tuple[str, ...]) -> tuple[str, Sums]:
    key = _id(SKILL, *parts)
    if key in sums:
        return key, sums[key][0]
    kept = there(city, key)
    return key, Sums() if kept is None else Sums.of(kept.get("sums"))


def _skill(key: str, whose: tuple[str, str, str], row: _Row, lead: str, own: Sums) -> Entity:
    label, app, kind = whose
    made = entity(
        SKILL,
        key,
        app=app,
        forecastType=kind,
        forecastAttribute=row.name,
        lead=None if lead == "warned" else Attribute(int(lead), "HUR"),
        unit=row.unit,
        n=own.n or own.hits + own.false_alarms + own.misses + own.rejections,
        sums=Attribute(own.to_json(), kind="JsonProperty"),
    )
    for name, value in figures(own).items():
        if value is not None:
            made.doc[name] = {"type": "Property", "value": round(value, 4)}
    made.label = label or None
    return made


def figures(own: Sums) -> dict[str, float | None]:
    """What people read of the sums."""
    return {
        "bias": own.bias,
        "mae": own.mae,
        "rmse": own.rmse,
        "skill": own.skill,
        "detected": own.detected,
        "falseShare": own.false_share,
        "success": own.success,
    }


def _event(city: City, name: str) -> dict[str, float] | None:
    said = city.setting("events", EVENTS)
    found = said.get(name) if isinstance(said, dict) else None
    if not isinstance(found, dict):
        return None
    sides = {k: v for k, v in found.items() if k in {"below", "above"} and isinstance(v, int | float)}
    return {side: float(limit) for side, limit in sides.items() if math.isfinite(limit)} or None


def _crosses(value: float, event: dict[str, float]) -> bool:
    """Whether a value is at the limit or beyond it."""
    return ("below" in event and value <= event["below"]) or ("above" in event and value >= event["above"])


def _await(memory: Foresight, ident: str, until: int) -> None:
    if memory.when.get(ident) != until:
        memory.when[ident] = until
        heapq.heappush(memory.due, (until, ident))


def targets(said: Entity) -> list[str]:
    """What a forecast may speak of, the likeliest first."""
    found = []
    for name in said.names:
        term = short(name)
        if term.startswith("ref"):
            value = said.get(name)
            if isinstance(value, str):
                found.append((term != "refStation", term, value))
    return [ref for _, _, ref in sorted(found)]


def _label(said: Entity) -> str:
    """The label of what is known of it: open forecasts have no open record, errors are for the staff."""
    label = said.label or ""
    return "" if label.startswith("open") else label


def _speaker(actor: str) -> str:
    return actor.removeprefix("app:")[:SHORT]


def _id(kind: str, *parts: str) -> str:
    return f"urn:ngsi-ld:{kind}:{digest_of(chr(10).join(parts))}"
