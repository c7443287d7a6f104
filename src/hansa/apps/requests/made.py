"""The app itself, which the modules beside it add their acts, views and doors to."""

from typing import Final

from hansa import App

OWN: Final = ("ServiceRequest", "RequestStep", "RequestReporter", "RequestPhoto", "Service", "ServiceEdition")
STATES: Final = ("CityService", "PlannedWork")

app: Final = App(
    "requests",
    report="4.1.2",
    reads={*OWN, *STATES, "District", "Delivery"},
    writes={*OWN, *STATES, "Alert", "Delivery"},
    append_only={"RequestStep", "ServiceEdition"},
    keeps=dict.fromkeys(OWN, ()),
)

STAFF: Final = frozenset({"operator", "supervisor", "command", "member"})
READERS: Final = STAFF | {"engineer", "administrator", "auditor"}
LEADS: Final = frozenset({"supervisor", "administrator", "engineer"})
