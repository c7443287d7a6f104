"""What an indicator comes to, and how it is told as a KeyPerformanceIndicator: pure, from inputs, faults and score.

The Smart Data Model has one number; a scorecard needs the data points, the status, what is missing, and by what each
number is known. Who entered or verified it is not repeated here: a value may be published, a person's name not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hansa import Entity, kpi
from hansa.apps.scorecard.inputs import is_known

CALCULATOR: Final = "hansa scorecard"
STANDING: Final = {4: "very good", 3: "good", 2: "bad", 1: "very bad"}
"""`currentStanding` in the words of the Smart Data Model, by points."""
TEXT: Final = 2_000
_WITHHELD: Final = frozenset({"by", "ids", "silent"})
"""Of an input's lineage what is not repeated where it may be published: persons, and things that may not be open."""
MAY_GO: Final = (
    "kpiValue", "percentOfTarget", "band", "currentStanding", "completeness", "fault", "warnings", "missing", "reason",
    "verifiedBy",
)  # fmt: skip


def reasons(stands: Mapping[str, Entity | None]) -> list[str]:
    """Why inputs have no value, as somebody has said."""
    return sorted({str(one["reason"]) for one in stands.values() if one is not None and "reason" in one})


@dataclass(frozen=True, slots=True)
class Result:
    """An indicator with its inputs as they stand, the values of its data points, and what is wrong with them."""

    indicator: Any
    stands: Mapping[str, Entity | None]
    values: Mapping[str, float]
    wrong: Sequence[Any]
    wanted: Mapping[str, tuple[float, int] | None]  # the target of a data point, and by which year
    odd: Sequence[Any] = ()

    def weighed(self, faults: Sequence[Any]) -> "Result":
        """With what is not plausible of it; an error of its own leaves no value, one beside others is told."""
        code = self.indicator.code
        own = [*self.wrong, *(one for one in faults if code in one.code.split(", "))]
        wrong = [one for one in own if one.severity == "error" and one.code == code]
        odd = [one for one in own if one not in wrong]
        return replace(self, wrong=wrong, odd=odd, values={} if wrong else self.values)

    @property
    def status(self) -> str:
        """verified, reported, not reported or not applicable."""
        said = {str(one.get("status")) for one in self.stands.values() if one is not None}
        if self.values:
            return "verified" if said & {"reported", "verified"} == {"verified"} else "reported"
        return "not applicable" if "not applicable" in said else "not reported"

    @property
    def warnings(self) -> list[str]:
        """What is odd of it, in sentences."""
        return list(dict.fromkeys(one.says for one in self.odd))

    def reported(self) -> Any:
        """As the engine scores it."""
        targets = {key: None if one is None else one[0] for key, one in self.wanted.items()}
        return kpi.Reported({key: self.values.get(key) for key in self.indicator.points}, targets, self.status)

    def told(self, framework: Any, area: str, period: str, score: Any) -> dict[str, Any]:
        """Its attributes; None is what there is nothing to say of."""
        indicator, status = self.indicator, self.status
        used = [one for one in self.stands.values() if one is not None and is_known(one)]
        whole = [float(one["completeness"]) for one in used if "completeness" in one]
        verified = sorted({str(one.get("verifiedRole")) for one in used}) if status == "verified" else []
        known = {str(one.get("input")) for one in used}
        points = score.points if score is not None else None
        return {
            "framework": framework.id,
            "edition": framework.edition,
            "code": indicator.code,
            "name": indicator.name,
            "area": area,
            "period": period,
            "calculationFrequency": "yearly",
            "unit": indicator.unit,
            "status": status,
            "kpiValue": self.values.get("") if indicator.single else None,
            "points": [self._point(key, score) for key in indicator.points],
            "percentOfTarget": _round(score.percent_of_target) if score is not None else None,
            "band": score.band if score is not None else None,
            "currentStanding": None if points is None else STANDING.get(round(points)),
            "completeness": min(whole) if whole and self.values else None,
            "provisional": any(bool(one.get("provisional")) for one in used),
            "inputs": list(indicator.inputs),
            "missing": [name for name in indicator.inputs if name not in known] or None,
            "reason": "; ".join(reasons(self.stands))[:TEXT] or None if not self.values else None,
            "fault": "; ".join(dict.fromkeys(one.says for one in self.wrong))[:TEXT] or None,
            "warnings": self.warnings or None,
            "verifiedBy": ", ".join(verified) or None,
            "calculatedBy": CALCULATOR,
            "lineage": self.lineage(framework),
        }

    def _point(self, key: str, score: Any) -> dict[str, Any]:
        point = self.indicator.points[key]
        found = score.data_points.get(key) if score is not None else None
        target, year = self.wanted.get(key) or (None, None)
        return {
            "key": key,
            "name": point.name,
            "value": self.values.get(key),
            "unit": point.unit,
            "target": target,
            "year": year,
            "points": found.points if found is not None else None,
            "percent_of_target": _round(found.percent_of_target) if found is not None else None,
            "band": found.band if found is not None else None,
            "status": "reported" if key in self.values else "not reported",
        }

    def told_already(self, framework: Any, before: Entity) -> bool:
        """Whether a value stands that was computed from these same inputs, targets and formulas."""
        if before.get("status") not in {"reported", "verified"} or before.get("lineage") != self.lineage(framework):
            return False
        if (before.get("warnings") or []) != self.warnings or (self.wrong and not before.get("fault")):
            return False
        had = {one["key"]: (one["target"], one.get("year")) for one in before.get("points") or ()}
        return had == {key: self.wanted.get(key) or (None, None) for key in self.indicator.points}

    def lineage(self, framework: Any) -> dict[str, Any]:
        """By what its values are known: inputs with their own lineage, formulas, edition."""
        names = ("value", "unit", "how", "status", "completeness", "provisional", "at")
        told = [
            {"input": name, "id": one.id}
            | {it: one.get(it) for it in names}
            | {"lineage": {it: value for it, value in dict(one.get("lineage") or {}).items() if it not in _WITHHELD}}
            for name, one in self.stands.items()
            if one is not None
        ]
        points = self.indicator.points.items()
        formulas = {key: point.formula.text for key, point in points if point.formula is not None}
        return {"inputs": told, "formula": formulas, "framework": framework.id, "edition": framework.edition}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
