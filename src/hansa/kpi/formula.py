"""A formula: read once, held against the units of its inputs, reckoned with numbers or arrays, and told in words.

A number written in a formula without a unit says in what steps the result is told: `100 * a / b` is in hundredths, and
`100000 * beds / population` per 100,000 people. So its unit is the inverse of itself, and a wrong factor is found like
a wrong unit. A number that is a quantity says so: `60 [min]`, `5 [1]`. Beside a comparison, in min, max and if_missing,
a bare number is in the unit of its neighbours.

Tests: tests/kpi/test_kpi_formula.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hansa.errors import BadRequest
from hansa.kpi import units
from hansa.kpi.reckoning import arrays, holds, needed, numbers, reckoned
from hansa.kpi.spoken import listed, spoken
from hansa.kpi.tree import Call, Compared, Joined, Minus, Name, Number, Pair, Tree, names, parts, tree, written
from hansa.kpi.units import ONE, Unit


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula or a check over named inputs. `unit` is what its result comes out in; None for a check."""

    text: str
    tree: Tree
    unit: Unit | None
    names: frozenset[str] = field(default_factory=frozenset)

    def value(self, inputs: Mapping[str, Any]) -> float:
        """The value for some inputs, by name; more than are used may be given.

        BadRequest, with the input in `where`: one is missing or no finite number, something is divided by 0, or the
        result is beyond what a number can be.
        """
        found = reckoned(self.tree, numbers(inputs, self.names))
        if found is None:
            missing = sorted(name for name in self.names if inputs.get(name) is None)
            raise BadRequest(f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing", where=missing[0])
        return found

    def holds(self, inputs: Mapping[str, Any]) -> bool | None:
        """Whether a check holds; None when what it compares is not all known. Raises as `value` does."""
        return holds(self.tree, numbers(inputs, self.names))

    def needs(self, inputs: Mapping[str, Any]) -> list[str]:
        """The names without which there is no value, of those that are not given."""
        return sorted(needed(self.tree, {name for name in self.names if inputs.get(name) is not None}))

    def array(self, inputs: Mapping[str, Any]) -> Any:
        """The values for numpy arrays of one shape, NaN where an input is NaN or nothing can be said."""
        return arrays(self.tree, inputs)

    def symbols(self) -> str:
        """As mathematics writes it: `100 × a ÷ b`."""
        return written(self.tree).replace("*", "×").replace("/", "÷").replace("<=", "≤").replace(">=", "≥")

    def words(self, says: Mapping[str, str] | None = None) -> str:
        """As one says it; `says` gives the names' words."""
        return spoken(self.tree, says or {})


def formula(
    text: str,
    inputs: Mapping[str, str],
    declared: str | None = None,
    *,
    check: bool = False,
) -> Formula:
    """Read a formula over `inputs` (name -> unit as text), and refuse it unless it comes out in the `declared` unit.

    BadRequest: it does not read, names what is no input, adds or compares what does not measure the same, or its unit
    is another than the declared one (the message says which).
    """
    made = tree(text, check=check)
    used = frozenset(names(made))
    if unknown := sorted(name for name in used if name not in inputs):
        given = ", ".join(sorted(inputs)[:12]) or "none"
        raise BadRequest(f"{listed(unknown)} is no input of {text!r}", where=unknown[0], mend=f"inputs: {given}")
    if not used:
        raise BadRequest(f"{text!r} names no input", mend="a formula is over inputs: 100 * a / b")
    out = _unit(made, {name: units.unit(inputs[name]) for name in used})
    if check:
        return Formula(text, made, None, used)
    if not isinstance(out, Unit):
        raise BadRequest(f"{text!r} is a number that hangs on no input")
    if declared is not None:
        wanted = units.unit(declared)
        if not out.fits(wanted):
            raise BadRequest(f"{text!r} {_unfit(out, wanted, declared)}", mend=_mend(out, wanted))
    return Formula(text, made, out, used)


# --- units ---------------------------------------------------------------------------------------------------------


def _unit(of: Tree, known: Mapping[str, Unit]) -> Unit | Fraction:
    """The unit of a tree, or its value where it is made of bare numbers alone."""
    if isinstance(of, Number):
        return Fraction(of.text) if of.unit is None else _quantity(of.unit)
    if isinstance(of, Name):
        return known[of.text]
    if isinstance(of, Minus):
        inner = _unit(of.of, known)
        return -inner if isinstance(inner, Fraction) else inner
    if isinstance(of, Pair) and of.sign in "*/":
        return _product(of, _unit(of.left, known), _unit(of.right, known))
    several = [_unit(part, known) for part in parts(of)]
    if isinstance(of, Joined):
        return ONE
    if all(isinstance(one, Fraction) for one in several):
        return _bare(of)
    adopts = isinstance(of, Compared) or (isinstance(of, Call) and of.function in {"min", "max", "if_missing"})
    return _same(of, several, adopts=adopts)


def _quantity(text: str) -> Unit:
    """`5 [1]` is five and no more: a number of nothing in particular would not cancel."""
    return ONE if text in {"1", ""} else units.unit(text)


def _bare(of: Tree) -> Fraction:
    if isinstance(of, Compared):
        raise BadRequest(f"{written(of)!r} compares numbers alone")
    return Fraction(reckoned(of, {}) or 0)


def _product(of: Pair, left: Unit | Fraction, right: Unit | Fraction) -> Unit | Fraction:
    if of.sign == "/" and right == 0:
        raise BadRequest(f"{written(of)!r} divides by 0")
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left * right if of.sign == "*" else left / right
    if left == 0 or right == 0:
        raise BadRequest(f"{written(of)!r} is always 0")
    first, second = _stepped(left), _stepped(right)
    return first * second if of.sign == "*" else first / second


def _stepped(one: Unit | Fraction) -> Unit:
    """A bare number tells the result in steps of its inverse; its sign says nothing of them."""
    return Unit(1 / abs(one)) if isinstance(one, Fraction) else one


def _same(of: Tree, several: Sequence[Unit | Fraction], *, adopts: bool) -> Unit:
    first = next(one for one in several if isinstance(one, Unit))
    for part, one in zip(parts(of), several, strict=True):
        if isinstance(one, Fraction):
            if adopts or one == 0 or _stepped(one).fits(first):
                continue
            raise BadRequest(
                f"in {written(of)!r} the number {written(part)} has no unit, the rest is in {first}",
                mend=f"say what it is: {written(part)} [unit]",
            )
        if not one.fits(first) and not (isinstance(of, Compared) and one.counts and first.counts):
            what = "compared" if isinstance(of, Compared) else "brought together"
            why = units.unlike(first, one, str(first), str(one)) if not first.alike(one) else "they are of another size"
            raise BadRequest(f"in {written(of)!r} {first} and {one} are {what}: {why}")
    return first


def _unfit(out: Unit, wanted: Unit, declared: str) -> str:
    if not out.alike(wanted):
        return f"comes out in {out}, which {declared!r} is not: {units.unlike(out, wanted, str(out), declared)}"
    return f"comes out in steps of {out}, and {declared!r} is steps of {wanted}"


def _mend(out: Unit, wanted: Unit) -> str | None:
    if not out.alike(wanted):
        return None
    factor = out.scale / wanted.scale
    return f"multiply by {float(factor):g}" if factor >= 1 else f"divide by {float(1 / factor):g}"
