"""What a formula comes to: for some numbers, for arrays of them, and whether a check holds.

Nothing in here raises anything but BadRequest, whatever the numbers: a division by 0, a number that is none and a
result beyond what a number can be are told with the input that is to blame. Tests: tests/kpi/test_kpi_formula.py.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.kpi.tree import Call, Compared, Joined, Minus, Name, Number, Pair, Tree, names, parts, written

CLOSE: Final = 1e-9  # of two numbers that a comparison takes for equal: what rounding leaves, and no more


def numbers(inputs: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, float]:
    """The inputs that are wanted and given, as finite floats; BadRequest names one that is no number."""
    found = {}
    for name in wanted:
        one = inputs.get(name)
        if one is None:
            continue
        if isinstance(one, bool) or not isinstance(one, (int, float)):
            raise BadRequest(f"{name} is {one!r:.40}, which is no number", where=name)
        try:
            found[name] = float(one)
        except OverflowError:
            found[name] = math.inf
        if not math.isfinite(found[name]):
            raise BadRequest(f"{name} is not a finite number", where=name)
    return found


def reckoned(of: Tree, known: Mapping[str, float]) -> float | None:
    """The value of a tree; None when a name in it is not known and no `if_missing` stands around it."""
    if isinstance(of, Number):
        return of.value
    if isinstance(of, Name):
        return known.get(of.text)
    if isinstance(of, Call) and of.function == "if_missing":
        first = reckoned(of.of[0], known)
        return reckoned(of.of[1], known) if first is None else first
    several = [reckoned(part, known) for part in parts(of)]
    given = [one for one in several if one is not None]
    if len(given) < len(several):
        return None
    found = _one(of, given, known)
    if not math.isfinite(found):
        used = sorted(set(names(of)))
        told = ", ".join(f"{name} = {known[name]:g}" for name in used)
        raise BadRequest(f"{written(of)!r} is beyond what a number can be ({told})", where=used[0] if used else None)
    return found


def _one(of: Tree, given: list[float], known: Mapping[str, float]) -> float:
    if isinstance(of, Minus):
        return -given[0]
    if isinstance(of, Pair):
        if of.sign == "/" and given[1] == 0:
            raise _divided(of, known)
        return _PAIRS[of.sign](given[0], given[1])
    if isinstance(of, Call):
        return _CALLS[of.function](given)
    raise BadRequest(f"{written(of)!r} is a comparison, not a number")


def _divided(of: Pair, known: Mapping[str, float]) -> BadRequest:
    used = sorted(set(names(of.right)))
    where = next((name for name in used if known[name] == 0), used[0] if used else None)
    if isinstance(of.right, Name):
        return BadRequest(f"{of.right.text} is 0, and {written(of)!r} divides by it", where=where)
    told = ", ".join(f"{name} = {known[name]:g}" for name in used)
    return BadRequest(f"{written(of.right)!r} is 0 ({told}), and {written(of)!r} divides by it", where=where)


def _summed(given: list[float]) -> float:
    try:
        return math.fsum(given)
    except OverflowError:
        return math.inf


_PAIRS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
}
_CALLS: Final[dict[str, Callable[[list[float]], float]]] = {
    "sum": _summed,
    "mean": lambda given: _summed(given) / len(given),
    "min": min,
    "max": max,
    "abs": lambda given: abs(given[0]),
}


def needed(of: Tree, given: set[str]) -> set[str]:
    """The names without which a tree has no value, of those that are not given."""
    if isinstance(of, Name):
        return set() if of.text in given else {of.text}
    if isinstance(of, Call) and of.function == "if_missing":
        return needed(of.of[1], given) if needed(of.of[0], given) else set()
    return {name for part in parts(of) for name in needed(part, given)}


def holds(of: Tree, known: Mapping[str, float]) -> bool | None:
    """Whether a check holds; None when what it compares is not all known."""
    if isinstance(of, Joined):
        several = [holds(one, known) for one in of.of]
        decided = of.word == "or"
        if decided in several:
            return decided
        return None if None in several else not decided
    if not isinstance(of, Compared):
        raise BadRequest(f"{written(of)!r} compares nothing")
    found = [reckoned(one, known) for one in of.of]
    for left, sign, right in zip(found, of.signs, found[1:], strict=False):
        if left is not None and right is not None and not _stands(left, sign, right):
            return False
    return None if None in found else True


def _stands(left: float, sign: str, right: float) -> bool:
    close = math.isclose(left, right, rel_tol=CLOSE, abs_tol=CLOSE)
    if sign in {"==", "!="}:
        return close == (sign == "==")
    if close:
        return "=" in sign
    return (left < right) == sign.startswith("<")


def arrays(of: Tree, known: Mapping[str, Any]) -> Any:
    """The value of a tree over arrays; NaN is "not known". numpy's warnings are the caller's to still."""
    import numpy as np  # noqa: PLC0415 - only who has many values needs it

    if isinstance(of, Number):
        return of.value
    if isinstance(of, Name):
        return known[of.text]
    several = [arrays(part, known) for part in parts(of)]
    if isinstance(of, Minus):
        return -several[0]
    if isinstance(of, Pair):
        if of.sign == "/":
            return np.divide(several[0], several[1])
        return _PAIRS[of.sign](several[0], several[1])
    if isinstance(of, Call):
        if of.function == "if_missing":
            return np.where(np.isnan(several[0]), several[1], several[0])
        if of.function == "abs":
            return np.abs(several[0])
        total = several[0]
        joined = {"min": np.minimum, "max": np.maximum}.get(of.function, np.add)
        for one in several[1:]:
            total = joined(total, one)
        return total / len(several) if of.function == "mean" else total
    raise BadRequest(f"{written(of)!r} is a comparison, not a number")
