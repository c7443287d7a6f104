"""What cannot be, and what usually is not: of inputs, of values, of the period, and between indicators.

An `error` is a contradiction (more households with internet than households, waste routes that sum to 130 %, a year to
come) and nothing is to be scored on it; a `warning` asks somebody to look again. Which is which is data of the
framework, but for what holds of any: numbers are finite, an input is within its bounds, a period is not in the future.

Tests: tests/kpi/test_kpi_plausibility.py.
"""

import math
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.kpi.framework import Check, Framework, Indicator, Point, point_name
from hansa.kpi.scoring import Reported, Scored
from hansa.kpi.values import Fault, computed

FIRST: Final = 1900  # a year before it is a slip of the keyboard
PERIOD: Final = re.compile(r"([0-9]{4})(?:-(?:Q[1-4]|(?:0[1-9]|1[0-2])(?:-[0-9]{2})?))?")


def faults(
    framework: Framework,
    said: Mapping[str, Reported],
    *,
    inputs: Mapping[str, Any] | None = None,
    period: str | None = None,
    now_year: int | None = None,
) -> list[Fault]:
    """What is wrong or odd with what a city says of one period, errors first; [] where nothing is.

    `inputs` by name; values that are not said are computed from them. `now_year` is the city's year: this module has no
    clock, and without it no period is in the future.
    """
    given = dict(inputs or {})
    found = period_faults(period, now_year)
    found += _inputs(framework, given)
    sound = {name: one for name, one in given.items() if name in framework.inputs and _number(one)}
    whole, failed = filled(framework, said, sound)
    found += failed
    for code, one in whole.items():
        if code in framework.indicators:
            found += _values(framework.indicators[code], one)
            found += _targets(framework.indicators[code], one)
    found += _checked(framework, whole, sound)
    return sorted(found, key=lambda one: one.severity)


def filled(
    framework: Framework, said: Mapping[str, Reported], inputs: Mapping[str, Any]
) -> tuple[dict[str, Reported], list[Fault]]:
    """What is said, and beside it what the inputs give where nothing is said.

    Where both speak they must agree to the digits that were said; if not, it is two values for one period, an error.
    """
    made = dict(said)
    found = []
    for code, one in framework.indicators.items():
        if not inputs.keys() & one.inputs.keys():
            continue
        before = made.get(code, Reported({}, {}))
        if before.status in {"not reported", "not applicable"}:
            continue
        values, failed = computed(one, inputs)
        found += failed
        told = {key: value for key, value in before.values.items() if value is not None}
        for key in values.keys() & told.keys():
            if _number(told[key]) and not agrees(told[key], values[key]):
                says = f"{told[key]:g} is said, and its inputs give {values[key]:.6g}: two values for one period"
                found.append(Fault("error", code, key, says))
        if values or failed or code in made:
            made[code] = replace(before, values=values | told)
    return made, found


def agrees(printed: float, exact: float) -> bool:
    """Whether a number as printed is the exact one rounded to its digits: 56.3 is 56.25, and 56 is, 57 is not."""
    if not math.isfinite(exact) or not math.isfinite(printed):
        return False
    exponent = Decimal(repr(float(printed))).normalize().as_tuple().exponent
    step = 10.0 ** min(int(exponent), 0)
    return abs(printed - exact) <= 0.5 * step * (1 + 1e-9) + 1e-9 * abs(exact)


def incomplete(scored: Scored) -> str | None:
    """A sentence, where more indicators are missing than the framework lets pass without a question; else None."""
    share = scored.framework.scoring.missing_share
    if share is None or not scored.indicators:
        return None
    without = sum(
        all(point.value is None and point.status != "not applicable" for point in one.data_points.values())
        for one in scored.indicators.values()
    )
    if without / len(scored.indicators) <= share:
        return None
    return f"{without} of {len(scored.indicators)} indicators are not reported; above {share:.0%} the city is asked why"


def _number(one: Any) -> bool:
    if isinstance(one, bool) or not isinstance(one, (int, float)):
        return False
    try:
        return math.isfinite(one)
    except OverflowError:
        return False


def period_faults(period: str | None, now_year: int | None) -> list[Fault]:
    """What is wrong with a period: no year, one to come, or one before there were such numbers."""
    if period is None:
        return []
    whole = PERIOD.fullmatch(period)
    if whole is None:
        says = f"{period[:40]!r} is no period: write 2025, 2025-Q1 or 2025-03"
    elif now_year is not None and int(whole[1]) > now_year:
        says = f"{period} is in the future: it is {now_year}"
    elif int(whole[1]) < FIRST:
        says = f"{period} is before {FIRST}: a slip of the keyboard"
    else:
        return []
    return [Fault("error", "", "", says, "period")]


def _inputs(framework: Framework, given: Mapping[str, Any]) -> Iterator[Fault]:
    for name, value in given.items():
        one = framework.inputs.get(name)
        if one is None:
            near = get_close_matches(name[:80], framework.inputs, n=2)
            perhaps = f": perhaps {' or '.join(near)}" if near else ""
            yield Fault("error", "", "", f"{name[:80]!r} is no input of {framework.id}{perhaps}", name[:80])
        elif value is None:
            continue
        elif not _number(value):
            yield Fault("error", "", "", f"{name} is {value!r:.40}, which is no finite number", name)
        else:
            yield from _outside(Fault("error", "", "", "", name), name, value, one.range, one.unit)


def _outside(
    shape: Fault, what: str, value: float, bounds: tuple[float | None, float | None], unit: str | None
) -> Iterator[Fault]:
    low, high = bounds
    of = f" {unit}" if unit and unit != "1" else ""
    if low is not None and value < low:
        yield replace(shape, says=f"{what} is {value:g}{of}, and cannot be below {low:g}")
    if high is not None and value > high:
        yield replace(shape, says=f"{what} is {value:g}{of}, and cannot be above {high:g}")


def _values(one: Indicator, said: Reported) -> Iterator[Fault]:
    points = one.told(said.values.keys() | said.targets.keys())
    if points is not one.points:
        keys = ", ".join(one.points)
        yield Fault("warning", one.code, "", f"one number where there are data points of their own: {keys}")
    for key, value in said.values.items():
        point = points.get(key)
        if point is None:
            keys = ", ".join(one.points) or "none"
            yield Fault("error", one.code, key, f"it has no data point {key[:60]!r}; it has {keys}")
        elif value is None:
            continue
        elif not _number(value):
            yield Fault("error", one.code, key, f"{value!r:.40} is no finite number")
        elif said.status in {"not reported", "not applicable"}:
            yield Fault("error", one.code, key, f"it is {said.status}, and has a value of {value:g}")
        else:
            yield from _outside(Fault("error", one.code, key, ""), point.name, value, point.range, point.unit)
            if value < 0 and _share(point) and point.range[0] is None and not _bounded(one, key):
                yield Fault("warning", one.code, key, f"a share of {value:g} %")


def _targets(one: Indicator, said: Reported) -> Iterator[Fault]:
    points = one.told(said.values.keys() | said.targets.keys())
    for key, target in said.targets.items():
        point = points.get(key)
        if point is None or target is None:
            continue
        if not _number(target):
            yield Fault("error", one.code, key, f"a target of {target!r:.40} is no finite number")
        elif not point.scored:
            yield Fault("warning", one.code, key, "the framework has no target for it: this one is the city's own")


def _share(point: Point) -> bool:
    return (point.unit or "").startswith("%")


def _bounded(one: Indicator, key: str) -> bool:
    return any(point_name(key) in check.formula.names for check in one.checks)


def _checked(framework: Framework, whole: Mapping[str, Reported], inputs: Mapping[str, Any]) -> Iterator[Fault]:
    given = dict(inputs)
    for code, one in framework.indicators.items():
        values = _sound(whole.get(code))
        names = ChainMap(given, {point_name(key): value for key, value in values.items()})
        for check in one.checks:
            if any(name in names for name in check.formula.names):
                yield from _check(check, names, code, values)
    for check in framework.checks:
        across = {name: _sound(whole.get(code)).get(key) for name, (code, key) in check.of.items()}
        yield from _check(check, across, ", ".join(dict.fromkeys(code for code, _ in check.of.values())), {})


def _sound(said: Reported | None) -> dict[str, float]:
    if said is None or said.status in {"not reported", "not applicable"}:
        return {}
    return {key: value for key, value in said.values.items() if value is not None and _number(value)}


def _check(check: Check, names: Mapping[str, Any], code: str, values: Mapping[str, float]) -> Iterator[Fault]:
    try:
        held = check.formula.holds(names)
    except BadRequest as fault:
        yield Fault("warning", code, "", f"{check.says}: it cannot be told, for {fault.detail}", fault.where)
        return
    if held is not False:
        return
    used = sorted(name for name in check.formula.names if names.get(name) is not None)
    told = ", ".join(f"{name} = {names[name]:.6g}" for name in used)
    only = [key for key in values if point_name(key) in check.formula.names]
    yield Fault(check.severity, code, only[0] if len(only) == 1 else "", f"{check.says} ({told})")
