"""From inputs to the values of an indicator, by its formulas. Tests: tests/kpi/test_kpi_packs.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hansa.errors import BadRequest
from hansa.kpi.framework import Indicator


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong (`error`) or odd (`warning`) with what was said: of which data point, and why, in words.

    `where`: the input or the line that it came from, where that is known.
    """

    severity: str
    code: str
    point: str
    says: str
    where: str | None = None

    def __str__(self) -> str:
        """As a sentence: the place first."""
        place = ", ".join(one for one in (self.where, f"{self.code} {self.point}".strip()) if one)
        return f"{place}: {self.says}"


def compute(indicator: Indicator, inputs: Mapping[str, Any]) -> dict[str, float]:
    """The values that the inputs suffice for, by the key of the data point.

    BadRequest as `Formula.value` raises it: an input is no number, is divided by and 0, or too large.
    """
    found = {}
    for key, point in indicator.points.items():
        if point.formula is not None and not point.formula.needs(inputs):
            found[key] = point.formula.value(inputs)
    return found


def computed(indicator: Indicator, inputs: Mapping[str, Any]) -> tuple[dict[str, float], list[Fault]]:
    """As `compute`, with what went wrong beside what went well."""
    found: dict[str, float] = {}
    faults = []
    for key, point in indicator.points.items():
        if point.formula is None or point.formula.needs(inputs):
            continue
        try:
            found[key] = point.formula.value(inputs)
        except BadRequest as fault:
            faults.append(Fault("error", indicator.code, key, fault.detail, fault.where))
    return found, faults


def missing(indicator: Indicator, inputs: Mapping[str, Any]) -> dict[str, list[str]]:
    """Which inputs each data point still waits for, by name; a data point that has all is not in it."""
    waits = {key: point.formula.needs(inputs) for key, point in indicator.points.items() if point.formula is not None}
    return {key: names for key, names in waits.items() if names}
