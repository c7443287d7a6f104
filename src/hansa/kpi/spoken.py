"""A formula in words, as one would say it. Tests: tests/kpi/test_kpi_formula.py."""

from collections.abc import Mapping, Sequence
from typing import Final

from hansa.kpi.tree import Call, Compared, Minus, Name, Number, Pair, Tree


def spoken(of: Tree, says: Mapping[str, str]) -> str:
    """A tree in words. The commonest shape, a factor times something by something, is told as people do."""
    if (usual := _usual(of, says)) is not None:
        return usual
    if isinstance(of, Number):
        return number_text(of.value) + (f" {of.unit}" if of.unit not in {None, "1", ""} else "")
    if isinstance(of, Name):
        return says.get(of.text) or of.text.replace("_", " ")
    if isinstance(of, Minus):
        return f"minus {_inner(of.of, says)}"
    if isinstance(of, Pair):
        return f"{_inner(of.left, says)} {_SAID[of.sign]} {_inner(of.right, says)}"
    told = [spoken(one, says) for one in of.of]
    if isinstance(of, Call):
        if of.function == "if_missing":
            return f"{told[0]} (where it is not known: {told[1]})"
        return f"{_SAID[of.function]} {listed(told)}"
    if isinstance(of, Compared):
        return told[0] + "".join(f" {_SAID[sign]} {one}" for sign, one in zip(of.signs, told[1:], strict=True))
    return f" {of.word} ".join(told)


_SAID: Final = {
    "+": "plus",
    "-": "minus",
    "*": "times",
    "/": "divided by",
    "sum": "the sum of",
    "mean": "the mean of",
    "min": "the least of",
    "max": "the greatest of",
    "abs": "the size, whatever its sign, of",
    "<=": "is at most",
    "<": "is below",
    ">=": "is at least",
    ">": "is above",
    "==": "equals",
    "!=": "differs from",
}


def _usual(of: Tree, says: Mapping[str, str]) -> str | None:
    if not isinstance(of, Pair) or of.sign != "/":
        return None
    top = of.left
    if isinstance(top, Pair) and top.sign == "*" and isinstance(top.left, Number) and top.left.unit is None:
        what, below, factor = _inner(top.right, says), _inner(of.right, says), top.left.value
        if factor == 100:
            return f"{what} as a share of {below}, in per cent"
        return f"{what} for every {number_text(factor)} of {below}"
    return None


def _inner(of: Tree, says: Mapping[str, str]) -> str:
    told = spoken(of, says)
    return f"({told})" if isinstance(of, (Pair, Minus)) else told


def number_text(value: float) -> str:
    """A number as people write it: `100 000`, `0.5`."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", "\u00a0")
    return f"{value:g}"


def listed(several: Sequence[str]) -> str:
    """Several words in a row: `a, b and c`."""
    return several[0] if len(several) == 1 else f"{', '.join(several[:-1])} and {several[-1]}"
