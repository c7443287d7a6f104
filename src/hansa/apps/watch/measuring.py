"""How a reading becomes a number in a rule's unit, and how many readings it takes. Held by tests/apps/test_watch.py."""

from typing import Any, Final

from hansa import units, windows

DECIBEL: Final = "2N"  # levels are averaged by their energy
COVERED: Final = 0.75  # part of an averaging time that must be measured before its mean is judged
SLOPES: Final = 60  # readings that one slope is made of, at most
SLOPED: Final = 0.25  # part of a rate's window that its readings must span


def measured(value: Any, unit: str | None, wanted: str | None) -> float | None:
    """The value as a number in the rule's unit; None when it is no number. Call `fits` first."""
    number = windows.number(value)
    if number is None or unit is None or wanted is None or unit == wanted:
        return number
    return windows.number(units.conversion(unit, wanted)(number))


def fits(unit: str | None, wanted: str | None) -> bool:
    """Whether a value with this unit can be compared; a value without one is taken to be in the rule's."""
    if unit is None or wanted is None or unit == wanted:
        return True
    one, other = units.UNITS.get(unit), units.UNITS.get(wanted)
    return one is not None and other is not None and one.dimension == other.dimension
