"""Whether numbers can be so, together with what else is known: the checks of the framework, before they are taken."""

from collections.abc import Mapping
from typing import Any

from hansa import City, kpi
from hansa.apps.scorecard import nouns
from hansa.apps.scorecard.inputs import is_known
from hansa.apps.scorecard.nouns import Spell


def values(city: City, framework: str, area: str, period: str) -> dict[str, float]:
    """Every input of a period that has a value."""
    found = nouns.inputs(city, framework, period, area)
    return {str(one["input"]): float(one["value"]) for one in found if is_known(one)}


def new_faults(
    framework: Any, before: Mapping[str, float], said: Mapping[str, float | None], spell: Spell
) -> list[Any]:
    """What becomes implausible by what is said (None: there is no value any more), and was not before."""
    after = {name: value for name, value in (dict(before) | dict(said)).items() if value is not None}
    related = beside(framework, said)
    old = {str(one) for one in _faults(framework, before, related, spell)}
    return [one for one in _faults(framework, after, related, spell) if str(one) not in old]


def _faults(framework: Any, known: Mapping[str, float], related: set[str], spell: Spell) -> list[Any]:
    given = {name: value for name, value in known.items() if name in related}
    return list(kpi.faults(framework, {}, inputs=given, period=spell.period))


def beside(framework: Any, names: Mapping[str, Any] | set[str]) -> set[str]:
    """The inputs that are weighed together with these: of the same indicators, and of those that a check names."""
    codes = {code for name in names for code in framework.uses.get(name, ())}
    for check in framework.checks:
        named = {code for code, _ in check.of.values()}
        if named & codes:
            codes = codes | named
    return {name for code in codes for name in framework.indicators[code].inputs} | set(names)


def of_fault(framework: Any, fault: Any) -> set[str]:
    """The inputs that a fault is about; a check of the framework names several indicators."""
    codes = [code for code in fault.code.split(", ") if code in framework.indicators]
    found = {name for code in codes for name in framework.indicators[code].inputs}
    return found or {fault.where or ""}
