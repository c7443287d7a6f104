"""Scorecard: is the city getting better? Indicators of U4SSC and other frameworks, from what the city itself knows.

Inputs are bound to queries over entities and history, come by a sheet that an officer fills in, or are entered with
evidence; a second person verifies them; what depends on one that changed is computed again; each value keeps by what it
is known (report section 5.2, M52). Nothing that is not known is made up. See README.md beside this file.
"""

from hansa.apps.scorecard import (
    binding,
    comparing,
    computing,
    doors,
    entering,
    frameworks,
    lineage,
    publishing,
    rounds,
    targets,
    template,
    uploading,
    views,
    views_card,
)
from hansa.apps.scorecard.made import app

__all__ = [
    "app",
    "binding",
    "comparing",
    "computing",
    "doors",
    "entering",
    "frameworks",
    "lineage",
    "publishing",
    "rounds",
    "targets",
    "template",
    "uploading",
    "views",
    "views_card",
]
