"""What a station has learned from its own finished nights: the coefficients, and how wrong it was at each hour.

The model is sums, so that learning a night costs the same after a thousand nights as after one, and nothing but a
finished night can reach it. Pure; held by tests/apps/test_frost_science.py.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from hansa.apps.frost.science import FAO_POOLED, POOLED, POOLED_SD_C, Inputs, fao_minimum, minimum, solve

OWN_NIGHTS = 30
"""Finished nights from which the station's own fit replaces the pooled coefficients."""

DECISION_SLOT = 8
"""The hour of the decision of record: 20:00, counted in hours from noon."""

WARN_CHANCE = 0.35
"""Chance of frost from which a warning pays.

The threshold that makes F1 (and so CSI, which rises with it) greatest is half of that F1 (Lipton, Elkan, Narayanaswamy
2014). The CSI asked for, 0.54, is an F1 of 0.70.
"""

MARGIN_SDS = 0.3853
"""The same as a margin: the standard normal quantile of 1 - WARN_CHANCE."""

_PRIOR_WEIGHT = 1.0
_PRIOR_ERRORS = 8.0
_FORGET = 0.5 ** (1.0 / 60.0)
_SIZE = len(POOLED)
_SUMS = _SIZE * _SIZE


@dataclass(frozen=True, slots=True)
class Errors:
    """Running errors of the forecasts made at one hour: weight, mean and mean square of (minimum - forecast), °C."""

    weight: float = 0.0
    mean_c: float = 0.0
    square_c2: float = 0.0

    def add(self, error_c: float) -> "Errors":
        """Take one more error in; older ones fade with a half-life of 60 nights, as seasons do."""
        weight = self.weight * _FORGET + 1.0
        share = 1.0 / weight
        return Errors(
            weight,
            self.mean_c + share * (error_c - self.mean_c),
            self.square_c2 + share * (error_c * error_c - self.square_c2),
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A station's own frost model; `Model()` is a station without a past.

    `nights` learned; `xx` (4 x 4, row by row) and `xy` their normal equations; `coefficients` in force;
    `errors` by hour from noon.
    """

    nights: int = 0
    xx: tuple[float, ...] = (0.0,) * _SUMS
    xy: tuple[float, ...] = (0.0,) * _SIZE
    coefficients: tuple[float, ...] = POOLED
    errors: Mapping[int, Errors] = field(default_factory=dict)

    def equation(self, inputs: Inputs) -> float:
        """The minimum in °C by the coefficients in force."""
        return minimum(inputs, self.coefficients)

    def bias_c(self, slot: int) -> float:
        """How much colder (-) or warmer (+) the night has turned out than what was said at this hour, shrunk to 0.

        Always 0 at the hour of decision, for which the coefficients themselves are fitted.
        """
        errors = self.errors.get(slot)
        if errors is None or slot == DECISION_SLOT:
            return 0.0
        return errors.mean_c * errors.weight / (errors.weight + _PRIOR_ERRORS)

    def sd_c(self, slot: int, left: float = 1.0) -> float:
        """Standard deviation in °C of the error of what is said at this hour.

        Pooled until the station has errors of its own; `left` is the share (0..1) of the way from 20:00 to dawn that is
        still to come, by which the pooled value shrinks.
        """
        pooled_c2 = POOLED_SD_C * POOLED_SD_C * max(left, 0.05)
        errors = self.errors.get(slot)
        if errors is None:
            return math.sqrt(pooled_c2)
        bias_c = self.bias_c(slot)
        # The error that is left when the mean `m` has been corrected by `b`: E(e - b)² = E e² - 2 b m + b².
        square_c2 = max(0.0, errors.square_c2 - 2.0 * bias_c * errors.mean_c + bias_c * bias_c)
        return math.sqrt((errors.weight * square_c2 + _PRIOR_ERRORS * pooled_c2) / (errors.weight + _PRIOR_ERRORS))

    def learn(self, inputs: Inputs, said: Mapping[int, float], tmin_c: float) -> "Model":
        """The model after one more finished night.

        `inputs` of the decision, `said` the uncorrected forecasts by hour from noon, `tmin_c` what came. Called at the
        end of that night and never before: this is the only door by which data enter the model.
        """
        xx = tuple(value + inputs[i // _SIZE] * inputs[i % _SIZE] for i, value in enumerate(self.xx))
        xy = tuple(value + x * tmin_c for value, x in zip(self.xy, inputs, strict=True))
        errors = dict(self.errors)
        for slot, forecast_c in said.items():
            errors[slot] = errors.get(slot, Errors()).add(tmin_c - forecast_c)
        nights = self.nights + 1
        return Model(nights, xx, xy, _fit(xx, xy) if nights >= OWN_NIGHTS else POOLED, errors)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON of the model; floats survive the journey exactly."""
        return {
            "nights": self.nights,
            "xx": list(self.xx),
            "xy": list(self.xy),
            "errors": {str(slot): [e.weight, e.mean_c, e.square_c2] for slot, e in self.errors.items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Model":
        """The model of such a document; raises ValueError when it is not one."""
        try:
            nights = int(document["nights"])
            xx = tuple(float(value) for value in document["xx"])
            xy = tuple(float(value) for value in document["xy"])
            known = {int(slot): tuple(map(float, three)) for slot, three in document["errors"].items()}
            if len(xx) != _SUMS or len(xy) != _SIZE or any(len(three) != 3 for three in known.values()):
                raise ValueError("not a frost model: its sums are incomplete")
            if not all(map(math.isfinite, chain(xx, xy, *known.values()))):
                raise ValueError("not a frost model: its sums are not finite")
            coefficients = _fit(xx, xy) if nights >= OWN_NIGHTS else POOLED
        except (KeyError, TypeError, AttributeError, ZeroDivisionError) as fault:
            raise ValueError(f"not a frost model: {fault!r}") from fault
        return cls(nights, xx, xy, coefficients, {slot: Errors(*three) for slot, three in known.items()})


def _fit(xx: tuple[float, ...], xy: tuple[float, ...]) -> tuple[float, ...]:
    """Least squares from the sums, with the pooled coefficients as one more night's worth of opinion.

    The ridge keeps the system solvable where an input never varies (a station without hygrometer or barometer).
    """
    ridge = _PRIOR_WEIGHT
    matrix = [[xx[i * _SIZE + j] + (ridge if i == j else 0.0) for j in range(_SIZE)] for i in range(_SIZE)]
    return solve(matrix, [value + ridge * prior for value, prior in zip(xy, POOLED, strict=True)])


def pooled_minimum(inputs: Inputs) -> float:
    """The plain FAO forecast in °C with pooled coefficients, which the station's own is measured against."""
    return fao_minimum(inputs[0], inputs[1], FAO_POOLED)
