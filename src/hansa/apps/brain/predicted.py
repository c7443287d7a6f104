"""What is predicted now, and how wrong such forecasts were so far. Held by tests/apps/test_brain_seeing.py."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from hansa import City, Entity
from hansa.apps.brain.foresight import OUTCOME, SKILL, figures, targets
from hansa.apps.brain.scores import DAY, Sums, meant
from hansa.apps.brain.words import SECOND, instant, iso, only, there

RECENT: Final = 30 * DAY
KEPT: Final = 5_000
LATELY: Final = 3 * DAY


def predictions(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What is predicted now, and how wrong such forecasts were so far: bias, MAE, RMSE, skill against persistence."""
    only(asked, {"app"})
    now = city.now()
    kept = [one for one in city.find(SKILL, limit=KEPT) if not asked.get("app") or one.get("app") == asked["app"]]
    skills = [_skill(city, one, now) for one in kept if one.get("forecastAttribute")]
    skills.sort(key=lambda one: (one["app"], one["type"], one["attribute"], -1 if one["lead"] is None else one["lead"]))
    kinds = sorted({str(one.get("forecastType")) for one in kept})
    return {
        "now": iso(now),
        "skills": skills,
        "waiting": [{"app": one.get("app"), "type": one.get("forecastType")} for one in kept if not one.get("n")],
        "current": list(current(city, kinds, skills, now)),
        "settled": [_settled(one) for one in _newest(city, now)],
    }


def _skill(city: City, one: Entity, now: int) -> dict[str, Any]:
    """The same, with what it was in the last 30 days."""
    before = [p[1] for p in city.history(one.id, "sums", until=now - RECENT, last=1)]
    sums = Sums.of(one.get("sums"))
    return {**skill_of(one), "recent": read(sums - Sums.of(before[0]) if before else sums)}


def skill_of(one: Entity) -> dict[str, Any]:
    """One ForecastSkill, as people are told of it."""
    return {
        "id": one.id,
        "app": str(one.get("app", "")),
        "type": str(one.get("forecastType", "")),
        "attribute": str(one.get("forecastAttribute", "")),
        "lead": one.get("lead"),
        "unit": one.get("unit"),
        **read(Sums.of(one.get("sums"))),
    }


def read(sums: Sums) -> dict[str, Any]:
    """What people are told of sums."""
    rounded = {name: None if value is None else round(value, 4) for name, value in figures(sums).items()}
    table = {"hits": sums.hits, "falseAlarms": sums.false_alarms, "misses": sums.misses, "rejections": sums.rejections}
    return {"n": sums.n or sum(table.values()), **rounded, **table}


def current(city: City, kinds: Iterable[str], skills: list[dict[str, Any]], now: int) -> Iterator[dict[str, Any]]:
    """Forecasts whose time is not over, each number with the error that such a forecast had so far."""
    typical: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
    for row in skills:
        if row["lead"] is not None and row["rmse"] is not None:
            typical.setdefault((row["type"], row["attribute"]), []).append((row["lead"], row["rmse"], row["n"]))
    for kind in kinds:
        for one in city.find(kind, f'validTo>"{iso(now)}"', limit=500):
            since = instant(one.get("validFrom"))
            of = _target(city, one)
            for name in one.names:
                known = typical.get((kind, name))
                value = one.get(name)
                # What is not measured there is about the forecast, and no forecast.
                if isinstance(value, bool) or not isinstance(value, int | float):
                    continue
                if of is None or meant(name).name not in of:
                    continue
                lead_h = 0.0 if since is None else max(0.0, (since - now) / SECOND / 3_600)
                nearest = min(known, key=lambda it: abs(it[0] - lead_h)) if known else None
                yield {
                    "id": one.id,
                    "type": kind,
                    "of": _called(of),
                    "attribute": name,
                    "said": value,
                    "unit": one.attribute(name).unit,
                    "from": one.get("validFrom"),
                    "to": one.get("validTo"),
                    "warned": one.get("warned"),
                    "rmse": None if nearest is None else nearest[1],
                    "cases": None if nearest is None else nearest[2],
                }


def _target(city: City, one: Entity) -> Entity | None:
    """What a forecast speaks of."""
    return next((found for ref in targets(one) if (found := there(city, ref)) is not None), None)


def _called(one: Entity) -> str:
    name = one.get("name")
    return name[:100] if isinstance(name, str) and name.strip() else one.key


def _newest(city: City, now: int) -> list[Entity]:
    found = city.find(OUTCOME, f'settledAt>"{iso(now - LATELY)}"', limit=1_000)
    return sorted(found, key=lambda one: str(one.get("settledAt", "")), reverse=True)[:50]


def _settled(one: Entity) -> dict[str, Any]:
    names = (
        "refForecast", "refSource", "app", "forecastType", "validFrom", "validTo", "settledAt", "counted", "reason",
        "scores",
    )  # fmt: skip
    return {"id": one.id, **{name: one[name] for name in names if name in one}}
