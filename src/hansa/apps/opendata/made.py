"""The app itself, which the modules beside it add their acts, views and doors to."""

from typing import Final

from hansa import App

OWN: Final = ("Dataset", "DatasetRelease", "DataRequest", "DatasetUsage")

app: Final = App(
    "opendata",
    report="4.1.7",
    reads={*OWN, "*"},
    writes={*OWN, "Table"},
    keeps=dict.fromkeys(OWN, ()),
)

STAFF: Final = frozenset({"supervisor", "engineer", "data_officer"})
"""Who keeps the catalogue."""
READERS: Final = STAFF | {"operator", "command", "member", "administrator", "auditor"}
