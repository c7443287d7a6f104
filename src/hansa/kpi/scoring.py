"""From values and targets to points, percents and bands: by data point, indicator, category, and so on up to the whole.

Three ways, as a framework says:

- `points` (U4SSC): a data point's share of its target falls into a band, which is worth 1 to 4 points; a node has
  100 * sum(points) / (4 * n) percent over its n scored data points. What is not reported or has no target is left out.
- `minmax` (EasyPark; ours, they publish none): the value between the worst and the best of the compared cities, on
  low..high; a node is the weighted mean of what is directly below it.
- `weighted` (China): the value, a share, times its weight in its node times the node's weight in the whole.

The share of a target, by direction. `higher`: value / target. `lower`: target / value; a value of 0 or less meets a
target of 0 or more beyond any share (no percent, the best band), and a target of 0 that is not met is a share of 0.
`best`: how near the value is to what is best over how near the target is, near = the smaller of value / best and
best / value. A share beyond what a number can be is met, too. A target below 0, or of 0 where higher is better, has no
share, and is not scored. `none` is not scored. Shares are rounded to 9 decimals before they fall into a band, so that
29.7 of 90 is 33 %.

Tests: tests/kpi/test_kpi_scoring.py.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.kpi.framework import Band, Data, Framework, Indicator, Path, Point, Scheme, Targets, Tree

DECIMALS: Final = 9  # of a percent, before it falls into a band: a double has 15 digits, a report prints 2
UNDIRECTED: Final = "no direction: neither more nor less of it is better"
STATUSES: Final = ("reported", "verified", "not reported", "not applicable")


@dataclass(frozen=True, slots=True)
class Reported:
    """What a city says of an indicator in one period: values and targets by data point ("": the only one)."""

    values: Mapping[str, float | None]
    targets: Mapping[str, float | None] = field(default_factory=dict)
    status: str = "reported"


@dataclass(frozen=True, slots=True)
class PointScore:
    """A data point. `points` None: not scored, `why` says why. `score`: what it adds where there are no points."""

    key: str
    value: float | None
    target: float | None
    points: int | None
    percent_of_target: float | None
    band: str | None
    status: str
    why: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class IndicatorScore:
    """An indicator. Of several data points `points` is the mean, and `percent` what their sum is of the most."""

    code: str
    points: float | None
    percent_of_target: float | None
    percent: float | None
    band: str | None
    data_points: Mapping[str, PointScore]
    score: float | None = None


@dataclass(frozen=True, slots=True)
class NodeScore:
    """A category, a dimension, the whole. Of `total` data points `scored` count; `percent` None: none does.

    `score`: what the framework's own scale says (minmax: low..high; weighted: parts of 100, out of `possible`).
    """

    path: Path
    level: str
    percent: float | None
    band: str | None
    scored: int
    unreported: int
    untargeted: int
    total: int
    score: float | None = None
    possible: float | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A framework, scored."""

    framework: Framework
    indicators: Mapping[str, IndicatorScore]
    nodes: Mapping[Path, NodeScore]

    @property
    def whole(self) -> NodeScore:
        """All of it together."""
        return self.nodes[()]

    def document(self) -> dict[str, Any]:
        """As JSON: `indicators`, the nodes by level (`categories`, `sub_dimensions`, `dimensions`), and `whole`."""
        made: dict[str, Any] = {
            "framework": self.framework.id,
            "indicators": {code: _indicator_document(one) for code, one in self.indicators.items()},
        }
        for level in reversed(self.framework.levels):
            made[plural(level)] = {
                "/".join(path): _node_document(one)
                for path, one in self.nodes.items()
                if path and self.framework.level(path) == level
            }
        return made | {"whole": _node_document(self.whole)}


def reported(value: float | None, target: float | None = None, status: str = "reported") -> Reported:
    """What is said of an indicator that is one number."""
    return Reported({"": value}, {"": target}, status)


def plural(level: str) -> str:
    """The plural of a level's name: `categories`."""
    return f"{level[:-1]}ies" if level.endswith("y") else f"{level}{'es' if level.endswith(('s', 'x')) else 's'}"


def band(scheme: Scheme, percent: float | None) -> Band | None:
    """The band of a percent; below 0 is the first. None without a percent, or in a scheme without bands."""
    if percent is None or not scheme.bands:
        return None
    held = [one for one in scheme.bands if one.low <= round(percent, DECIMALS)]
    return held[-1] if held else scheme.bands[0]


def share(value: float, target: float, direction: str, best: float | None = None) -> tuple[float | None, str | None]:
    """A value in percent of its target, and why there is none. `(None, None)`: the target is met beyond any share."""
    if direction == "none":
        return None, UNDIRECTED
    if target < 0:
        return None, "a share of a target below 0 says nothing"
    if direction == "best":
        near = _near(target, best)
        return _percent(_near(value, best), near) if near else (None, "a target of 0 has no share")
    if direction == "lower":
        return (None, None) if value <= 0 else _percent(target, value)
    return _percent(value, target) if target else (None, "a target of 0 has no share where more is better")


def _near(one: float, best: float | None) -> float:
    if best is None or one <= 0:
        return 0.0
    return min(one / best, best / one)


def _percent(above: float, below: float) -> tuple[float | None, str | None]:
    percent = 100 * above / below
    if not math.isfinite(percent):
        percent = above / below * 100
    if percent == math.inf:
        return None, None
    if not math.isfinite(percent):
        return None, "the share is beyond what a number can be"
    return round(percent, DECIMALS), None


def score(
    framework: Framework,
    said: Mapping[str, Reported],
    *,
    targets: Targets | None = None,
    weights: Tree | None = None,
    compared: Mapping[Data, Sequence[float]] | None = None,
) -> Scored:
    """Score what a city says: every indicator of the framework is in the answer, whether reported or not.

    A target in `said` goes before one of `targets` (default: none; a framework's own are `targets_at(period)`).
    `weights` default to the newest of the framework. `compared`: for `minmax`, the other cities' values by data point.
    BadRequest: a code or data point that the framework does not have, a status it does not know, a number that is none.
    """
    if unknown := said.keys() - framework.indicators.keys():
        framework.indicator(min(unknown))
    weights = framework.weights_at() if weights is None else weights
    found = {
        code: _indicator(framework, one, said.get(code), targets, weights, compared or {})
        for code, one in framework.indicators.items()
    }
    return Scored(framework, found, _nodes(framework, found, weights))


def _indicator(
    framework: Framework, one: Indicator, said: Reported | None, targets: Targets | None, weights: Tree | None,
    compared: Mapping[Data, Sequence[float]],
) -> IndicatorScore:  # fmt: skip
    said = said or Reported({}, {}, "not reported")
    if said.status not in STATUSES:
        raise BadRequest(f"{said.status!r:.40} is no status", where=one.code, mend=f"one of {', '.join(STATUSES)}")
    points = one.told(said.values.keys() | said.targets.keys())
    if strange := (said.values.keys() | said.targets.keys()) - points.keys():
        keys = ", ".join(repr(key) for key in one.points)
        raise BadRequest(f"{one.code} has no data point {min(strange)!r:.60}", where=one.code, mend=f"it has {keys}")
    found = {}
    for key, point in points.items():
        target = said.targets.get(key)
        if target is None and targets is not None:
            target = targets.of.get((one.code, key))
        value, target = _finite(said.values.get(key), one.code), _finite(target, one.code)
        if said.status in STATUSES[2:]:
            found[key] = _left_out(key, None, target, said.status, said.status)
        elif value is None:
            found[key] = _left_out(key, None, target, "not reported", "not reported")
        elif framework.scoring.kind == "points":
            found[key] = _by_share(framework.scoring, point, value, target, said.status)
        elif framework.scoring.kind == "minmax":
            found[key] = _between(framework.scoring, point, value, compared.get((one.code, key), ()), said.status)
        else:
            found[key] = _as_share(point, value, None if weights is None else weights.of.get(one.code), said.status)
    return _together(framework.scoring, one.code, found)


def _finite(value: float | None, code: str) -> float | None:
    if value is None:
        return None
    try:
        found = math.nan if isinstance(value, bool) or not isinstance(value, (int, float)) else float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise BadRequest(f"{value!r:.40} is no finite number", where=code)
    return found


def _left_out(key: str, value: float | None, target: float | None, status: str, why: str) -> PointScore:
    return PointScore(key, value, target, None, None, None, status, why)


def _by_share(scheme: Scheme, point: Point, value: float, target: float | None, status: str) -> PointScore:
    if point.direction == "none":
        return _left_out(point.key, value, target, status, UNDIRECTED)
    if target is None:
        told = "no target" if point.scored else "no target: the framework has none for it"
        return _left_out(point.key, value, target, status, told)
    percent, why = share(value, target, point.direction, point.best)
    if why is not None:
        return _left_out(point.key, value, target, status, why)
    fallen = scheme.bands[-1] if percent is None else band(scheme, percent)
    if fallen is None:  # a scheme by points has bands
        return _left_out(point.key, value, target, status, "no bands")
    return PointScore(point.key, value, target, fallen.points, percent, fallen.name, status)


def _between(scheme: Scheme, point: Point, value: float, others: Sequence[float], status: str) -> PointScore:
    if point.direction not in {"higher", "lower"} or not point.scored:
        return _left_out(point.key, value, None, status, UNDIRECTED)
    least, most = min([value, *others]), max([value, *others])
    if not others:
        return _left_out(point.key, value, None, status, "no other city to compare with")
    if least == most:
        return _left_out(point.key, value, None, status, "all compared cities say the same")
    # Halves, so that the span of two numbers near a double's limits is still a number.
    part = (value / 2 - least / 2) / (most / 2 - least / 2)
    if point.direction == "lower":
        part = 1 - part
    percent = round(100 * part, DECIMALS)
    fallen = band(scheme, percent)
    got = scheme.low + (scheme.high - scheme.low) * part
    return PointScore(point.key, value, None, None, percent, fallen.name if fallen else None, status, None, got)


def _as_share(point: Point, value: float, weight: float | None, status: str) -> PointScore:
    if point.direction not in {"higher", "lower"} or not point.scored:
        return _left_out(point.key, value, None, status, UNDIRECTED)
    if weight is None:
        return _left_out(point.key, value, None, status, "its weight is not known")
    part = value / 100 if (point.unit or "").strip().startswith("%") else value
    part = min(max(part, 0.0), 1.0)
    if point.direction == "lower":
        part = 1 - part
    return PointScore(point.key, value, None, None, round(100 * part, DECIMALS), None, status, None, weight * part)


def _together(scheme: Scheme, code: str, found: Mapping[str, PointScore]) -> IndicatorScore:
    if scheme.kind == "points":
        got = [one.points for one in found.values() if one.points is not None]
        percent = _of_most(scheme, got)
        points = sum(got) / len(got) if got else None
        if len(found) == 1:
            (only,) = found.values()
            return IndicatorScore(code, only.points, only.percent_of_target, percent, only.band, found)
        fallen = band(scheme, percent)
        return IndicatorScore(code, points, None, percent, fallen.name if fallen else None, found)
    shares = [one.percent_of_target for one in found.values() if one.percent_of_target is not None]
    scores = [one.score for one in found.values() if one.score is not None]
    percent = sum(shares) / len(shares) if shares else None
    fallen = band(scheme, percent)
    mean = sum(scores) / len(scores) if scores else None
    return IndicatorScore(code, None, None, percent, fallen.name if fallen else None, found, mean)


def _of_most(scheme: Scheme, got: Sequence[int]) -> float | None:
    """100 * sum(points) / (most * n); None for none."""
    return 100 * sum(got) / (scheme.bands[-1].points * len(got)) if got else None


# --- nodes ---------------------------------------------------------------------------------------------------------


def _nodes(framework: Framework, found: Mapping[str, IndicatorScore], weights: Tree | None) -> dict[Path, NodeScore]:
    made: dict[Path, NodeScore] = {}
    for path in sorted(framework.nodes, key=len, reverse=True):  # the deepest first: minmax and weighted build on them
        codes = framework.nodes[path]
        points = [one for code in codes for one in found[code].data_points.values()]
        percent, got, possible = _node_value(framework, path, found, made, weights)
        fallen = band(framework.scoring, percent)
        left = [one for one in points if one.percent_of_target is None and one.points is None]
        unreported = sum(one.value is None for one in left)
        made[path] = NodeScore(
            path,
            framework.level(path),
            percent,
            fallen.name if fallen else None,
            len(points) - len(left),
            unreported,
            len(left) - unreported,
            len(points),
            got,
            possible,
        )
    return {path: made[path] for path in framework.nodes}


def _node_value(
    framework: Framework, path: Path, found: Mapping[str, IndicatorScore], made: Mapping[Path, NodeScore],
    weights: Tree | None,
) -> tuple[float | None, float | None, float | None]:  # fmt: skip
    """Percent, own score and possible score of a node."""
    scheme, codes = framework.scoring, framework.nodes[path]
    if scheme.kind == "points":
        got = [one.points for code in codes for one in found[code].data_points.values() if one.points is not None]
        return _of_most(scheme, got), None, None
    leaf = len(path) == len(framework.levels)
    below = [one for other, one in made.items() if len(other) == len(path) + 1 and other[: len(path)] == path]
    known: Mapping[str, float | None] = {} if weights is None else weights.of
    if scheme.kind == "minmax":
        parts = [(found[code].score, known.get(code, 1.0)) for code in codes] if leaf else [
            (one.score, known.get("/".join(one.path), 1.0)) for one in below
        ]  # fmt: skip
        mean = _weighted_mean(parts)
        percent = None if mean is None else 100 * (mean - scheme.low) / (scheme.high - scheme.low)
        return percent, mean, scheme.high
    if leaf:
        weight = known.get("/".join(path))
        items = [(found[code].score, known.get(code)) for code in codes]
        if weight is None or all(one is None for one, _ in items):
            return None, None, None
        earned = weight * sum(one for one, _ in items if one is not None) / 100
        possible = weight * sum(part for one, part in items if one is not None and part is not None) / 100
    else:
        scored = [one for one in below if one.score is not None]
        if not scored:
            return None, None, None
        earned = sum(one.score or 0.0 for one in scored)
        possible = sum(one.possible or 0.0 for one in scored)
    return (100 * earned / possible if possible else None), earned, possible


def _weighted_mean(parts: Iterable[tuple[float | None, float | None]]) -> float | None:
    held = [(one, 1.0 if weight is None else weight) for one, weight in parts if one is not None]
    total = sum(weight for _, weight in held)
    return sum(one * weight for one, weight in held) / total if total else None


def _indicator_document(one: IndicatorScore) -> dict[str, Any]:
    made: dict[str, Any] = {
        "points": one.points, "percent_of_target": one.percent_of_target, "band": one.band, "percent": one.percent,
    }  # fmt: skip
    if one.score is not None:
        made["score"] = one.score
    several = tuple(one.data_points) != ("",)
    points = {key: _point_document(point) for key, point in one.data_points.items()}
    if several:
        return made | {"data_points": points}
    return points[""] | made


def _point_document(one: PointScore) -> dict[str, Any]:
    made: dict[str, Any] = {
        "points": one.points, "percent_of_target": one.percent_of_target, "band": one.band,
        "value": one.value, "target": one.target, "status": one.status,
    }  # fmt: skip
    if one.why is not None:
        made["why"] = one.why
    return made if one.score is None else made | {"score": one.score}


def _node_document(one: NodeScore) -> dict[str, Any]:
    made: dict[str, Any] = {
        "percent": one.percent, "band": one.band, "scored": one.scored, "total": one.total,
    }  # fmt: skip
    return made if one.score is None else made | {"score": one.score, "possible": one.possible}
