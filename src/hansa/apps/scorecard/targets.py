"""KpiTarget: what a city wants to reach by a year, and why. None is ever made up: without one, nothing is scored."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import Act, City, Delete, Entity, Refusal, entity
from hansa.apps.scorecard import asked, frameworks, nouns
from hansa.apps.scorecard.made import READERS, STAFF, app
from hansa.apps.scorecard.times import iso

FARTHEST: Final = 2100


@app.act("target", "KpiTarget", roles=STAFF, new=True)
def target(act: Act, city: City) -> Iterable[Entity]:
    """Set a target: `framework`, `code`, `point` of several, `target`, `year` by when, `reason`."""
    framework = frameworks.in_use(city, act.said.get("framework"))
    indicator = asked.indicator_of(framework, act.said.get("code"))
    point = act.said.get("point") or ""
    if not isinstance(point, str) or point not in indicator.points:
        raise Refusal(
            f"{indicator.code} has no data point {str(point)[:80]!r}",
            where="point",
            mend=", ".join(indicator.points) if not indicator.single else "leave it out",
        )
    year = act.said.get("year")
    if type(year) is not int or not nouns.FIRST_YEAR <= year <= FARTHEST:
        raise Refusal("year is the year by which it is to be reached", where="year", mend="such as 2030")
    wanted = asked.number(act.said.get("target"), "target")
    low, high = indicator.points[point].range
    if (low is not None and wanted < low) or (high is not None and wanted > high):
        raise Refusal(f"it lies between {_end(low)} and {_end(high)}", where="target")
    area = nouns.checked_area(city, act.said.get("area"))
    yield entity(
        "KpiTarget",
        nouns.target_id(framework.id, indicator.code, point, area, year),
        framework=framework.id,
        code=indicator.code,
        point=point,
        area=area,
        target=wanted,
        year=year,
        reason=asked.text(act.said, "reason"),
        by=act.by,
        at=iso(act.at),
    )


@app.act("drop_target", "KpiTarget", roles=STAFF)
def drop_target(act: Act, _city: City) -> Iterable[Delete]:
    """Take a target back, with a `reason`, which the log of Changes keeps."""
    asked.text(act.said, "reason")
    yield Delete(act.id)


@app.view("targets", roles=READERS)
def targets(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """The targets of a `framework`."""
    framework = nouns.checked_framework(said.get("framework"))
    area = nouns.checked_area(city, said.get("area"))
    names = ("code", "point", "target", "year", "reason", "by", "at")
    found = sorted(
        of(city, framework, area), key=lambda one: (str(one.get("code")), str(one.get("point")), one["year"])
    )
    return {"targets": [{"id": one.id, **{name: one.get(name) for name in names}} for one in found]}


def of(city: City, framework: str, area: str, code: str | None = None) -> list[Entity]:
    """Targets of a framework and area."""
    return [one for one in nouns.of_kind(city, "KpiTarget", framework=framework, area=area, code=code) if "year" in one]


def at(found: Iterable[Entity], code: str, point: str, period: str) -> tuple[float, int] | None:
    """The target that counts in a period, and its year: the first still to be reached then, else the last; or None."""
    years = {
        int(one["year"]): float(one["target"]) for one in found if one.get("code") == code and one.get("point") == point
    }
    ahead = [year for year in years if year >= int(period)]
    year = min(ahead) if ahead else max(years, default=None)
    return None if year is None else (years[year], year)


def _end(value: float | None) -> str:
    return "any number" if value is None else f"{value:g}"
