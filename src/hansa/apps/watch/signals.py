"""Series of readings, and what a node of a tree says of them: a `Signal`, the instants at which that changes.

An instant is a key: twice the microseconds, plus one for a reading, because a round that falls on the instant of a
reading comes before it. Used by `sweeping`; held by tests/apps/test_watch_sweeping.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hansa import units
from hansa.apps.watch.measuring import fits

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

TRUE: Final = 1
FALSE: Final = 0
UNKNOWN: Final = -1
FAR: Final = 2**62
"""A key after everything."""


@dataclass(slots=True)
class Series:
    """What one entity said of one attribute, oldest first: instants, numbers (NaN for what is none), units.

    `raw` holds the values themselves where some are no numbers; `unit` is one for all, or `unit_of` has one for each.
    """

    at: Ints
    number: Floats
    unit: str | None = None
    raw: Sequence[Any] | None = None
    unit_of: Sequence[str | None] | None = None
    _in: dict[str | None, Floats] = field(default_factory=dict)

    def numbers(self, wanted: str | None) -> Floats:
        """Its numbers in a unit; NaN for what is none, or does not convert."""
        found = self._in.get(wanted)
        if found is None:
            found = self._in[wanted] = self._numbers(wanted)
        return found

    def _numbers(self, wanted: str | None) -> Floats:
        if self.unit_of is None:
            return _converted(self.number, self.unit, wanted)
        found = np.full(self.number.shape, math.nan)
        codes = np.array([one or "" for one in self.unit_of])
        for code in set(self.unit_of):
            here = codes == (code or "")
            found[here] = _converted(self.number[here], code, wanted)
        return found

    def fitting(self, wanted: str | None) -> npt.NDArray[np.bool_]:
        """Which readings come in a unit that can be compared."""
        if self.unit_of is None:
            return np.full(self.at.shape, fits(self.unit, wanted))
        return np.array([fits(one, wanted) for one in self.unit_of], bool)


def _converted(number: Floats, unit: str | None, wanted: str | None) -> Floats:
    if unit is None or wanted is None or unit == wanted:
        return number
    if not fits(unit, wanted):
        return np.full(number.shape, math.nan)
    change = units.conversion(unit, wanted)
    with np.errstate(all="ignore"):
        found = (number * change.up + change.add) / change.down
    return np.where(np.isfinite(found), found, math.nan)


class Signal(NamedTuple):
    """From each key on: whether a node rings and whether it stays (1, 0, or -1 for what cannot be said)."""

    keys: Ints
    rings: Bits
    stays: Bits


NOTHING: Final = Signal(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0, np.int8))


def changes(keys: Ints, rings: Bits, stays: Bits) -> Signal:
    """Only where something changes; of several at one key, the last."""
    if len(keys) < 2:
        return Signal(keys, rings.astype(np.int8), stays.astype(np.int8))
    last = np.append(keys[1:] != keys[:-1], True)
    if not last.all():
        keys, rings, stays = keys[last], rings[last], stays[last]
    new = np.append(True, (rings[1:] != rings[:-1]) | (stays[1:] != stays[:-1]))
    return Signal(keys[new], rings[new].astype(np.int8), stays[new].astype(np.int8))


def said_at(keys: Ints, says: Bits, wanted: Ints) -> Bits:
    """What is said at other keys; nothing before the first."""
    if not len(keys):
        return np.full(len(wanted), UNKNOWN, np.int8)
    place = np.searchsorted(keys, wanted, "right") - 1
    return np.where(place >= 0, says[np.maximum(place, 0)], UNKNOWN).astype(np.int8)


def joined(signals: list[Signal], least: int) -> Signal:
    """At least so many of them."""
    keys = np.unique(np.concatenate([one.keys for one in signals]))
    sums = []
    for how in ([one.rings for one in signals], [one.stays for one in signals]):
        says = np.stack([said_at(one.keys, bits, keys) for one, bits in zip(signals, how, strict=True)])
        true, unknown = (says == TRUE).sum(0), (says == UNKNOWN).sum(0)
        sums.append(np.where(true >= least, TRUE, np.where(true + unknown >= least, UNKNOWN, FALSE)))
    return changes(keys, sums[0].astype(np.int8), sums[1].astype(np.int8))


def negated(says: Bits) -> Bits:
    """The contrary; what cannot be said stays so."""
    return np.where(says < 0, says, 1 - says).astype(np.int8)


def filled(codes: npt.NDArray[Any], first: int) -> npt.NDArray[Any]:
    """Where a code is below 0, the last one before it that is not."""
    place = np.maximum.accumulate(np.where(codes >= 0, np.arange(len(codes)), -1))
    return np.where(place >= 0, codes[np.maximum(place, 0)], first)


def latched(whole: Signal) -> tuple[Ints, Ints]:
    """From which keys to which an alarm stands: on when it rings, off when it does not stay."""
    if not len(whole.keys):
        return whole.keys, whole.keys
    on = filled(np.where(whole.rings == TRUE, 1, np.where(whole.stays == FALSE, 0, -1)), 0)
    edge = np.diff(np.concatenate([[0], on]))
    begin, end = whole.keys[edge == 1], whole.keys[edge == -1]
    return begin, np.append(end, FAR)[: len(begin)]
