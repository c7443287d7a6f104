"""The app itself, which the modules beside it add their acts, views and rules to."""

from typing import Final

from hansa import App

OWN: Final = ("KpiFramework", "KpiInput", "KpiBinding", "KpiTarget", "KpiPublication", "KpiUpload", "KpiCity")

app: Final = App(
    "scorecard",
    report="5.2",
    reads={"*"},
    writes={*OWN, "KeyPerformanceIndicator"},
    # What an act has weighed (who may, a second person, evidence) nobody says past it; other apps' own
    # KeyPerformanceIndicators stay theirs, so of that type the attributes that only a scorecard bears are kept.
    keeps={
        **dict.fromkeys(OWN, ()),
        "KeyPerformanceIndicator": ("framework", "code", "points", "lineage", "verifiedBy", "completeness"),
    },
)

STAFF: Final = frozenset({"operator", "supervisor", "engineer"})
"""Who enters values: those whom policy lets write smart information of the whole city."""
LEADS: Final = frozenset({"supervisor", "engineer"})
VERIFIERS: Final = frozenset({"supervisor", "auditor"})
READERS: Final = STAFF | {"command", "administrator", "auditor", "data_officer"}
