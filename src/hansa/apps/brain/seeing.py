"""What the pages are told of vital signs: counts by group, and the worst sources first.

Every answer is made of what whoever asks may see; nothing is counted that he may not. Held by
tests/apps/test_brain_seeing.py.
"""

from collections.abc import Mapping
from typing import Any, Final

from hansa import City, Entity, Refusal
from hansa.apps.brain.counting import GROUPS, NONE, SIGNS
from hansa.apps.brain.signs import PULSE_ID, REMEMBERED, SIGN
from hansa.apps.brain.vitals import FRESH, SECOND, STATES, THIN, URGENT
from hansa.apps.brain.words import instant, iso, number_of, only, quoted, there

READERS: Final = frozenset(
    {"operator", "supervisor", "command", "engineer", "data_officer", "auditor", "administrator", "member"}
)
"""The staff; each sees what he may see. The wall signs in as one of them."""
ROWS: Final = 1_000
STALE_S: Final = 300.0
"""When nobody has looked for so long, the signs are old, and it is said."""
_URGENT: Final[dict[str, tuple[int, ...]]] = {"fresh": (THIN, FRESH), **{state: (at,) for state, at in URGENT.items()}}
_ATTRIBUTE: Final = {"kind": "kind", "type": "measures", "department": "department", "area": "area"}


def vitals(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """How every source does: counts by `kind`, `type`, `department`, `area`, and the worst first (`state`, `text`)."""
    only(asked, {"state", "text", "limit", *GROUPS})
    limit = number_of(asked, "limit", 200, ROWS)
    states = [one for one in asked.get("state", "").split(",") if one]
    if wrong := set(states) - set(STATES):
        raise Refusal(f"there is no state {min(wrong)[:40]}", where="state", mend=", ".join(STATES))
    groups = groups_of(city)
    text = asked.get("text", "").strip().lower()[:100]
    rows, more = _worst(city, asked, states, text, limit)
    now = city.now()
    return {
        "now": iso(now),
        "pulse": pulse_of(city, now),
        "states": totals(groups),
        "groups": groups,
        "rows": [_row(city, one) for one in rows],
        "more": more,
    }


def groups_of(city: City) -> dict[str, dict[str, dict[str, int]]]:
    """Counts of all labels that whoever asks sees, together."""
    whole: dict[str, dict[str, list[int]]] = {}
    for one in city.find(SIGNS, limit=REMEMBERED):
        counts = one.get("counts")
        for group, names in counts.items() if isinstance(counts, dict) else ():
            for name, row in names.items():
                mine = whole.setdefault(group, {}).setdefault(name, [0] * len(STATES))
                for place, count in enumerate(row[: len(STATES)]):
                    mine[place] += count
    return {
        group: {name: dict(zip(STATES, row, strict=True)) for name, row in sorted(names.items()) if any(row)}
        for group, names in whole.items()
    }


def totals(groups: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[str, int]:
    """How many sources are in each state."""
    kinds = groups.get("kind", {}).values()
    return {state: sum(row[state] for row in kinds) for state in STATES}


def pulse_of(city: City, now: int) -> dict[str, Any] | None:
    """When somebody looked last; None when nobody ever did."""
    found = there(city, PULSE_ID)
    if found is None:
        return None
    at = instant(found.get("at")) or 0
    # A clock that runs fast makes a minute of it short: what the city writes down late is late here too.
    most_s = max(STALE_S, 2.0 * float(found.get("delay", 0.0) or 0.0))
    age_s = max(0.0, (now - at) / SECOND)
    return {"at": found.get("at"), "age_s": round(age_s), "old": age_s > most_s, "waiting": found.get("waiting", 0)}


def _worst(city: City, asked: Mapping[str, str], states: list[str], text: str, limit: int) -> tuple[list[Entity], bool]:
    terms = [f"{_ATTRIBUTE[name]}=={quoted(asked[name])}" for name in GROUPS if asked.get(name, "") not in {"", NONE}]
    terms += [f"!{_ATTRIBUTE[name]}" for name in GROUPS if asked.get(name) == NONE]
    steps = sorted({urgent for state in states or STATES for urgent in _URGENT[state]})
    found: list[Entity] = []
    now = city.now()
    for step in steps:
        if len(found) > limit:
            break
        # Of what is out of order the worst are looked for among a thousand; of what is well, any will do.
        enough = limit + 1 - len(found) if step > THIN else ROWS + 1
        some = city.find(SIGN, ";".join([f"urgency=={step}", *terms]), limit=REMEMBERED if text else enough)
        if text:
            some = [one for one in some if text in f"{one.get('name', '')} {one.get('refSource', '')}".lower()]
        found += sorted(some, key=lambda one: worse(one, now))
    return found[:limit], len(found) > limit


def worse(one: Entity, now: int) -> tuple[int, float, float]:
    """The key that sorts the worst VitalSign to the front: by urgency, what is most overdue, what is least complete."""
    heard, interval = instant(one.get("heard")), one.get("interval")
    overdue = 0.0
    if heard is not None:
        overdue = (now - heard) / SECOND / max(1.0, interval if isinstance(interval, int | float) else 3_600.0)
    complete = one.get("completeness")
    urgent = one.get("urgency")
    whole = complete if isinstance(complete, int | float) else 1.0
    return urgent if isinstance(urgent, int) else len(STATES), -overdue, whole


def _row(city: City, one: Entity) -> dict[str, Any]:
    names = (
        "kind", "name", "measures", "department", "area", "state", "since", "interval", "intervalIs", "median",
        "longest", "completeness", "refused", "strip", "heard",
    )  # fmt: skip
    told = {"id": one.get("refSource"), "sign": one.id, **{name: one[name] for name in names if name in one}}
    if "heard" not in told and one.get("kind") == "device":
        device = there(city, str(one.get("refSource")))
        told["heard"] = None if device is None else device.get("lastSeen")
    fell = one.get("fell")
    told["fell"] = len(fell) if isinstance(fell, list) else int(fell is not None)
    return told
