"""Numbers that look like chance and are not: the same seed, name and time give the same value, in any order asked.

So the past that is loaded at the start and the present that the devices say belong to one valley, and a run goes on
where an earlier one ended without anything to remember.
"""

import math
from functools import lru_cache
from zlib import crc32

_MASK = (1 << 64) - 1


def _mixed(x: int) -> int:
    """SplitMix64 (G. Steele, D. Lea, C. Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014)."""
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


@lru_cache(maxsize=65_536)
def drawn(seed: int, number: int) -> float:
    """A draw with mean 0 and standard deviation 1, between -2.4 and 2.4: the sum of two uniform ones."""
    bits = _mixed((seed << 32) ^ (number & 0xFFFFFFFF))
    return ((bits >> 32) + (bits & 0xFFFFFFFF) - 0xFFFFFFFF) / 0x1_0000_0000 * math.sqrt(6.0)


@lru_cache(maxsize=4_096)
def seeded(seed: int, name: str) -> int:
    """The seed of one quantity of one place."""
    return _mixed((seed << 32) ^ crc32(name.encode())) >> 32


class Noise:
    """A quantity that wanders around 0 with standard deviation near 1, smooth over `period_s`."""

    __slots__ = ("_period_s", "_seed")

    def __init__(self, seed: int, name: str, period_s: float) -> None:
        """Its own for each name."""
        self._seed = seeded(seed, name)
        self._period_s = period_s

    def at(self, time_s: float) -> float:
        """Its value at a time in seconds since 1970."""
        place = time_s / self._period_s
        number = math.floor(place)
        part = place - number
        # Weights whose squares sum to 1 keep the spread the same between two draws as at one.
        angle = part * part * (3.0 - 2.0 * part) * math.pi / 2.0
        return math.cos(angle) * drawn(self._seed, number) + math.sin(angle) * drawn(self._seed, number + 1)
