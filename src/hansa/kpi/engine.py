"""All indicators of many areas and periods at once, recomputed whole with numpy or where one number changed.

An `Engine` is a cube of inputs, entered values and targets, and what follows from them. It knows which data points hang
on which input, and which nodes on which data points, so that one changed input touches its dependants and nothing else.
NaN in an array is "not said". A data point whose formula cannot be reckoned (divided by 0) has no value, as if it were
not said; `fault` tells why.

Points, percents and nodes are kept for frameworks that score by points; `scored(area, period)` scores one cell of any.
Tests: tests/kpi/test_kpi_engine.py (the same as `score`, cell by cell); measured by bench/kpi_rows.py.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hansa.errors import BadRequest, NotFound
from hansa.kpi.framework import Data, Framework, Path, Point, Targets
from hansa.kpi.scoring import DECIMALS, Reported, Scored, band, score, share
from hansa.kpi.values import Fault

CELLS: Final = 50_000  # areas x periods: with 112 data points and 149 inputs some 250 MB


@dataclass(frozen=True, slots=True)
class Cell:
    """A data point of one area and period: value, points (None: not scored) and percent of its target."""

    value: float | None
    points: int | None
    percent_of_target: float | None


@dataclass(frozen=True, slots=True)
class Changed:
    """What one change touched, in its area and period: data points, and the percent of each node above them."""

    points: Mapping[Data, Cell]
    nodes: Mapping[Path, float | None]
    faults: Sequence[Fault]


class Engine:
    """A framework over areas and periods: put numbers in, take values, points and percents out."""

    def __init__(
        self, framework: Framework, areas: Sequence[str], periods: Sequence[str], targets: Targets | None = None
    ) -> None:
        """An empty cube; BadRequest when it is larger than CELLS or names something twice."""
        import numpy as np  # noqa: PLC0415 - only who has many values needs it

        if not 1 <= len(areas) * len(periods) <= CELLS:
            raise BadRequest(f"{len(areas):,} areas x {len(periods):,} periods", mend=f"1 to {CELLS:,} cells in all")
        self._np = np
        self.framework = framework
        self._area = {name: at for at, name in enumerate(areas)}
        self._period = {name: at for at, name in enumerate(periods)}
        if len(self._area) < len(areas) or len(self._period) < len(periods):
            raise BadRequest("an area or a period stands twice")
        self.data: tuple[Data, ...] = tuple(
            (code, key) for code, one in framework.indicators.items() for key in one.points
        )
        self._row = {data: row for row, data in enumerate(self.data)}
        self._points: list[Point] = [framework.indicators[code].points[key] for code, key in self.data]
        shape = (len(areas), len(periods))
        self._inputs = {name: np.full(shape, np.nan) for name in framework.inputs}
        cube = (len(self.data), *shape)
        self._entered, self._targets, self._values = (np.full(cube, np.nan) for _ in range(3))
        self._percent = np.full(cube, np.nan)  # inf: met beyond any share
        self._got = np.zeros(cube, np.int8)
        if targets is not None:
            for data, target in targets.of.items():
                self._targets[self._row[data]] = target
        self._uses: dict[str, list[int]] = {name: [] for name in framework.inputs}
        for row, point in enumerate(self._points):
            for name in point.formula.names if point.formula is not None else ():
                self._uses[name].append(row)
        rows: dict[str, list[int]] = {}
        for row, (code, _) in enumerate(self.data):
            rows.setdefault(code, []).append(row)
        self._below = {
            path: np.array([row for code in codes for row in rows[code]], dtype=np.intp)
            for path, codes in framework.nodes.items()
        }
        self._above = {
            code: [one.path[:deep] for deep in range(len(one.path), -1, -1)]
            for code, one in framework.indicators.items()
        }
        bands = framework.scoring.bands
        self._edges = np.array([one.low for one in bands])
        self._worth = np.array([0, *(one.points for one in bands)], dtype=np.int8)
        self._sums = {path: np.zeros(shape, np.int32) for path in framework.nodes}
        self._many = {path: np.zeros(shape, np.int32) for path in framework.nodes}

    # --- in ---

    def put(self, name: str, area: str, period: str, value: float | None) -> Changed:
        """One input, and everything that hangs on it; None takes it away. BadRequest: no such input, or no number."""
        if name not in self._inputs:
            raise NotFound(f"{self.framework.id} has no input {name[:80]!r}", where=name[:80])
        at = self._at(area, period)
        self._inputs[name][at] = _number(value, name)
        return self._touch(self._uses[name], at)

    def put_value(self, code: str, key: str, area: str, period: str, value: float | None) -> Changed:
        """A value that is said itself; it goes before what the inputs give. None takes it away."""
        row, at = self._of(code, key), self._at(area, period)
        self._entered[row][at] = _number(value, code)
        return self._touch([row], at)

    def put_target(
        self, code: str, key: str, target: float | None, area: str | None = None, period: str | None = None
    ) -> None:
        """A target, of one area or all, of one period or all; `recompute` afterwards."""
        where_area = slice(None) if area is None else self._named(self._area, area, "area")
        where_period = slice(None) if period is None else self._named(self._period, period, "period")
        self._targets[self._of(code, key), where_area, where_period] = _number(target, code)

    def fill(self, name: str, values: Any) -> None:
        """All of one input: an array of areas x periods, NaN where it is not said; `recompute` afterwards."""
        array = self._np.asarray(values, dtype=float)
        if name not in self._inputs or array.shape != self._inputs[name].shape:
            raise BadRequest(f"{name[:80]!r} is no input, or not of {self._inputs_shape()}", where=name[:80])
        self._inputs[name][...] = self._np.where(self._np.isinf(array), self._np.nan, array)

    def fill_values(self, code: str, key: str, values: Any) -> None:
        """All values of one data point that are said themselves, as `fill`."""
        row, array = self._of(code, key), self._np.asarray(values, dtype=float)
        if array.shape != self._entered.shape[1:]:
            raise BadRequest(f"not of {self._inputs_shape()}", where=code)
        self._entered[row] = self._np.where(self._np.isinf(array), self._np.nan, array)

    def recompute(self) -> None:
        """Everything from its inputs."""
        np = self._np
        with np.errstate(all="ignore"):
            for row, point in enumerate(self._points):
                said = self._entered[row]
                if point.formula is None:
                    self._values[row] = said
                else:
                    made = point.formula.array(self._inputs)
                    self._values[row] = np.where(np.isnan(said), np.where(np.isfinite(made), made, np.nan), said)
                if self._edges.size:
                    self._score(row, point)
        for path, rows in self._below.items():
            got = self._got[rows]
            self._sums[path] = got.sum(axis=0, dtype=np.int32)
            self._many[path] = (got > 0).sum(axis=0, dtype=np.int32)

    # --- out ---

    def value(self, code: str, key: str, area: str, period: str) -> float | None:
        """The value of one data point."""
        return _said(self._values[self._of(code, key)][self._at(area, period)])

    def cell(self, code: str, key: str, area: str, period: str) -> Cell:
        """The value, points and percent of one data point."""
        return self._cell(self._of(code, key), self._at(area, period))

    def values(self, code: str, key: str = "") -> Any:
        """The values of one data point: an array of areas x periods, NaN where there is none."""
        return self._values[self._of(code, key)].copy()

    def percent(self, path: Path, area: str, period: str) -> float | None:
        """The percent of a node (`()`: the whole); None where nothing of it is scored."""
        if path not in self._sums:
            raise NotFound(f"{self.framework.id} has no node {'/'.join(path)[:200]!r}")
        return self._share(path, self._at(area, period))

    def percents(self, path: Path) -> Any:
        """The percent of a node in all cells: an array of areas x periods, NaN where nothing is scored."""
        np = self._np
        most = max(int(self._worth[-1]), 1)
        with np.errstate(all="ignore"):
            return 100 * self._sums[path] / (most * self._many[path])

    def dependants(self, name: str) -> list[Data]:
        """The data points that hang on an input."""
        return [self.data[row] for row in self._uses.get(name, ())]

    def fault(self, code: str, key: str, area: str, period: str) -> str | None:
        """Why a data point has no value although its inputs are there; None where there is no such reason."""
        row, at = self._of(code, key), self._at(area, period)
        formula = self._points[row].formula
        inputs = self._given(row, at)
        if formula is None or formula.needs(inputs):
            return None
        try:
            formula.value(inputs)
        except BadRequest as fault:
            return fault.detail
        return None

    def scored(self, area: str, period: str, **named: Any) -> Scored:
        """One cell scored by `score`, whatever the framework's way; further arguments are those of `score`."""
        at = self._at(area, period)
        said = {
            code: Reported(
                {key: _said(self._values[self._row[code, key]][at]) for key in one.points},
                {key: _said(self._targets[self._row[code, key]][at]) for key in one.points},
            )
            for code, one in self.framework.indicators.items()
        }
        return score(self.framework, said, **named)

    # --- inside ---

    def _touch(self, rows: Sequence[int], at: tuple[int, int]) -> Changed:
        faults, paths = [], dict[Path, None]()
        for row in rows:
            code, key = self.data[row]
            point, made = self._points[row], None
            inputs = self._given(row, at)
            if point.formula is not None and not point.formula.needs(inputs):
                try:
                    made = point.formula.value(inputs)
                except BadRequest as fault:
                    faults.append(Fault("error", code, key, fault.detail, fault.where))
            said = _said(self._entered[row][at])
            value = made if said is None else said
            self._values[row][at] = math.nan if value is None else value
            self._judge(row, point, at)
            paths |= dict.fromkeys(self._above[code])
        for path in paths:
            got = self._got[(self._below[path], *at)]
            self._sums[path][at], self._many[path][at] = int(got.sum(dtype=int)), int((got > 0).sum())
        return Changed(
            {self.data[row]: self._cell(row, at) for row in rows},
            {path: self._share(path, at) for path in paths},
            faults,
        )

    def _judge(self, row: int, point: Point, at: tuple[int, int]) -> None:
        """Points and percent of one cell."""
        value, target = _said(self._values[row][at]), _said(self._targets[row][at])
        percent, got = math.nan, 0
        if value is not None and target is not None and self._edges.size:
            told, why = share(value, target, point.direction, point.best)
            if why is None:
                percent = math.inf if told is None else told
                fallen = band(self.framework.scoring, percent) if told is not None else self.framework.scoring.bands[-1]
                got = fallen.points if fallen else 0
        self._percent[row][at], self._got[row][at] = percent, got

    def _score(self, row: int, point: Point) -> None:
        """Points and percent of one data point in all cells."""
        np = self._np
        if point.direction == "none":
            return
        value, target = self._values[row], self._targets[row]
        above, below, met = value, target, np.zeros(value.shape, bool)
        if point.direction == "lower":
            above, below, met = target, value, (value <= 0) & (target >= 0)
        elif point.direction == "best":
            above, below = (self._near(one, point.best or 1.0) for one in (value, target))
        percent = np.where(np.isinf(100 * above), above / below * 100, 100 * above / below)
        sound = (target >= 0) & (below != 0) & (percent > -np.inf)
        percent = np.where(met, np.inf, np.where(sound, np.round(percent, DECIMALS), np.nan))
        fallen = np.maximum(np.searchsorted(self._edges, percent, side="right"), 1)
        self._percent[row] = percent
        self._got[row] = np.where(np.isnan(percent), 0, self._worth[fallen])

    def _near(self, one: Any, best: float) -> Any:
        np = self._np
        return np.where(one > 0, np.minimum(one / best, best / one), np.where(np.isnan(one), np.nan, 0.0))

    def _share(self, path: Path, at: tuple[int, int]) -> float | None:
        many = int(self._many[path][at])
        return 100 * int(self._sums[path][at]) / (int(self._worth[-1]) * many) if many else None

    def _cell(self, row: int, at: tuple[int, int]) -> Cell:
        got = int(self._got[row][at])
        return Cell(_said(self._values[row][at]), got or None, _said(self._percent[row][at]))

    def _given(self, row: int, at: tuple[int, int]) -> dict[str, float | None]:
        formula = self._points[row].formula
        return {name: _said(self._inputs[name][at]) for name in formula.names} if formula is not None else {}

    def _of(self, code: str, key: str) -> int:
        row = self._row.get((code, key))
        if row is None:
            raise NotFound(f"{self.framework.id} has no data point {code[:80]!r} {key[:60]!r}", where=code[:80])
        return row

    def _at(self, area: str, period: str) -> tuple[int, int]:
        return self._named(self._area, area, "area"), self._named(self._period, period, "period")

    def _named(self, known: Mapping[str, int], name: str, what: str) -> int:
        if name not in known:
            raise NotFound(f"{name[:80]!r} is no {what} of this engine", where=what)
        return known[name]

    def _inputs_shape(self) -> str:
        return f"{len(self._area)} areas x {len(self._period)} periods"


def _number(value: float | None, where: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= 1.7e308:
        raise BadRequest(f"{value!r:.40} is no finite number", where=where)
    return float(value)


def _said(value: Any) -> float | None:
    """A cell of an array; NaN (not said) and inf (met beyond any share) are None."""
    found = float(value)
    return found if math.isfinite(found) else None
