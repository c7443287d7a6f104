"""Is the city getting better? Frameworks of indicators: formulas, scores, checks, gaps, projections (chapter 5).

Owns: reading a framework from data, units and formulas, how values become points, percents and bands, what is not
plausible, where a series goes, and all of it recomputed when one number changes. It is pure: no store, no socket, no
clock. Must not: know any framework by name, make up a target, or decide where a number comes from.
"""

from hansa.kpi import units
from hansa.kpi.engine import Cell, Changed, Engine
from hansa.kpi.filed import BadFile, Filed, read_values
from hansa.kpi.formula import Formula, formula
from hansa.kpi.framework import (
    DIRECTIONS,
    Band,
    Check,
    Framework,
    Indicator,
    Input,
    Point,
    Scheme,
    Targets,
    Tree,
    plain,
    point_name,
)
from hansa.kpi.loading import framework, frameworks, load, opened
from hansa.kpi.outlook import Ahead, Backtest, Gap, Projection, gap, goal_distance, projected, years_to_goal
from hansa.kpi.plausibility import agrees, faults, filled, incomplete
from hansa.kpi.scoring import (
    STATUSES,
    IndicatorScore,
    NodeScore,
    PointScore,
    Reported,
    Scored,
    band,
    plural,
    reported,
    score,
    share,
)
from hansa.kpi.values import Fault, compute, computed, missing

__all__ = [
    "DIRECTIONS",
    "STATUSES",
    "Ahead",
    "Backtest",
    "BadFile",
    "Band",
    "Cell",
    "Changed",
    "Check",
    "Engine",
    "Fault",
    "Filed",
    "Formula",
    "Framework",
    "Gap",
    "Indicator",
    "IndicatorScore",
    "Input",
    "NodeScore",
    "Point",
    "PointScore",
    "Projection",
    "Reported",
    "Scheme",
    "Scored",
    "Targets",
    "Tree",
    "agrees",
    "band",
    "compute",
    "computed",
    "faults",
    "filled",
    "formula",
    "framework",
    "frameworks",
    "gap",
    "goal_distance",
    "incomplete",
    "load",
    "missing",
    "opened",
    "plain",
    "plural",
    "point_name",
    "projected",
    "read_values",
    "reported",
    "score",
    "share",
    "units",
    "years_to_goal",
]
