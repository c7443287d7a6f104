"""Whether numbers can be so, together with what else is known: the checks of the framework, before they are taken."""

from collections.abc import Iterable, Mapping
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
    return named(framework, touched(framework, names)) | set(names)


def touched(framework: Any, names: Iterable[str]) -> set[str]:
    """The indicators that these inputs can make implausible: that use them, whose checks name them, or beside those."""
    found = {code for name in names for code in framework.uses.get(name, ())}
    said = set(names)
    for code, one in framework.indicators.items():
        if any(check.formula.names & said for check in one.checks):
            found.add(code)
    return joined(framework, found)


def joined(framework: Any, codes: Iterable[str]) -> set[str]:
    """Indicators, and those that a check of the framework holds against them."""
    found = set(codes)
    for check in framework.checks:
        together = {code for code, _ in check.of.values()}
        if together & found:
            found |= together
    return found


def named(framework: Any, codes: Iterable[str]) -> set[str]:
    """The inputs of indicators, and those of others that their checks name."""
    found: set[str] = set()
    for code in codes:
        one = framework.indicators[code]
        found.update(one.inputs)
        for check in one.checks:
            found |= check.formula.names & framework.inputs.keys()
    return found


def of_fault(framework: Any, fault: Any) -> set[str]:
    """The inputs that a fault is about; a check of the framework names several indicators."""
    codes = [code for code in fault.code.split(", ") if code in framework.indicators]
    found = {name for code in codes for name in framework.indicators[code].inputs}
    return found or {fault.where or ""}
