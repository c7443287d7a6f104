"""A framework of indicators: the nouns. How a document becomes one is `loading`, how its values are judged `scoring`.

U4SSC, EasyPark, China's scheme and a city's own are data of one shape. Nothing in here knows any of them.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from hansa.errors import NotFound
from hansa.kpi.formula import Formula

DIRECTIONS: Final = ("higher", "lower", "best", "none")
KINDS: Final = ("points", "minmax", "weighted")
SAID: Final = ("read", "recalled", "ours", "none")

Path = tuple[str, ...]
Data = tuple[str, str]
"""A data point: the code of its indicator, and its key ("" where an indicator has but one)."""


@dataclass(frozen=True, slots=True)
class Input:
    """A number that indicators are computed from; the same name is the same number in every indicator."""

    name: str
    says: str
    unit: str
    range: tuple[float | None, float | None] = (0.0, None)


@dataclass(frozen=True, slots=True)
class Point:
    """One data point of an indicator: what is scored. `range` is where a value can be at all (None: no bound).

    `best` is the value that nothing is better than, where `direction` is `best`. `scored` is false where the framework
    has no target for it (a city that sets one is warned, and scored).
    """

    key: str
    name: str
    formula: Formula | None
    unit: str | None
    direction: str
    range: tuple[float | None, float | None] = (None, None)
    best: float | None = None
    scored: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold (`error`), or usually does (`warning`). `of`: the data points that a framework's check names."""

    formula: Formula
    says: str
    severity: str
    said: str = "ours"
    of: Mapping[str, Data] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator as its standard has it; `said`: whether each field was read there, recalled, or is ours."""

    code: str
    name: str
    path: Path
    level: str | None
    type: str | None
    definition: str
    unit: str | None
    direction: str
    period: str
    inputs: Mapping[str, Input]
    points: Mapping[str, Point]
    checks: tuple[Check, ...] = ()
    holders: tuple[str, ...] = ()
    sdg: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def single(self) -> bool:
        """Whether it is one number."""
        return tuple(self.points) == ("",)

    def told(self, keys: Collection[str]) -> Mapping[str, Point]:
        """Its data points, for what was said under these keys: of several, a city may know their sum alone.

        Then the indicator is one data point, under the key "", of its own name, unit and direction.
        """
        if self.single or "" not in keys or set(keys) != {""}:
            return self.points
        return {"": Point("", self.name, None, self.unit, self.direction)}


@dataclass(frozen=True, slots=True)
class Band:
    """A band of percent, `low` and up, below `high` (None: no end), and the points that it is worth."""

    name: str
    points: int
    low: float
    high: float | None


@dataclass(frozen=True, slots=True)
class Scheme:
    """How values become scores: `kind`, the bands in rising order, and of which parts somebody read what."""

    kind: str
    bands: tuple[Band, ...]
    said: Mapping[str, str] = field(default_factory=dict)
    missing_share: float | None = None  # of the indicators; when more are missing, the city is asked why
    low: float = 1.0  # minmax: what the worst of the compared cities gets
    high: float = 10.0  # minmax: what the best gets


@dataclass(frozen=True, slots=True)
class Tree:
    """A version of weights (by code or by node, `Dimension/Sub-dimension`), in force from `since` (a year) on."""

    version: str
    since: str
    of: Mapping[str, float | None]
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Targets:
    """A version of a city's targets by data point, in force from `since` (a year) on. No framework brings any."""

    version: str
    since: str
    of: Mapping[Data, float]


@dataclass(frozen=True, slots=True)
class Framework:
    """All of it. `nodes`: the codes below each dimension, sub-dimension and category, and below `()`, the whole."""

    id: str
    name: str
    edition: str
    levels: tuple[str, ...]
    scoring: Scheme
    indicators: Mapping[str, Indicator]
    nodes: Mapping[Path, tuple[str, ...]]
    weights: tuple[Tree, ...] = ()
    targets: tuple[Targets, ...] = ()
    checks: tuple[Check, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    inputs: Mapping[str, Input] = field(default_factory=dict)
    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def indicator(self, code: str) -> Indicator:
        """An indicator by its code, however spaced; NotFound names near ones."""
        found = self.code(code)
        if found is None:
            by_name = {one.upper(): one for one in self.indicators}
            near = get_close_matches(code.upper()[:80], by_name, n=3, cutoff=0.5)
            raise NotFound(
                f"{self.id} has no indicator {code[:80]!r}",
                where=code[:80],
                mend=f"perhaps {' or '.join(by_name[one] for one in near)}" if near else f"hansa kpi list {self.id}",
            )
        return self.indicators[found]

    def code(self, said: str) -> str | None:
        """The code that is meant by `said`: as written, or with other spaces and capitals; None when there is none."""
        return said if said in self.indicators else self.aliases.get(plain(said))

    def level(self, path: Path) -> str:
        """What a node is: `dimension`, `category`; the whole is `whole`."""
        return self.levels[len(path) - 1] if path else "whole"

    def weights_at(self, period: str | None = None) -> Tree | None:
        """The weights in force in a period (a year first): the latest that is not later; without one, the newest."""
        return _in_force(self.weights, period)

    def targets_at(self, period: str | None = None) -> Targets | None:
        """The targets in force in a period, as `weights_at` says."""
        return _in_force(self.targets, period)

    def input_units(self) -> dict[str, str]:
        """The unit of each input, by name."""
        return {name: one.unit for name, one in self.inputs.items()}


Version = TypeVar("Version", Tree, Targets)


def _in_force(several: tuple[Version, ...], period: str | None) -> Version | None:
    held = [one for one in several if period is None or one.since <= period]
    return max(held, key=lambda one: one.since) if held else None


def plain(code: str) -> str:
    """A code without its spaces, signs and capitals, to recognise it by: `ec.ict.ict.1c`."""
    return re.sub(r"[^0-9a-z]+", ".", code.casefold()).strip(".")


def point_name(key: str) -> str:
    """How a check names a data point: `value` for the only one, else its key, with `_` for what a name cannot hold."""
    if not key:
        return "value"
    name = re.sub(r"[^0-9A-Za-z_]", "_", key)
    return f"p_{name}" if name[0].isdigit() else name
