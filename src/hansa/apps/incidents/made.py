"""The app itself, which the modules beside it add their acts and views to."""

from typing import Final

from hansa import App

app: Final = App(
    "incidents",
    report="4.1.1",
    reads={"*"},
    writes={"Incident", "IncidentTask", "IncidentLog", "RunBook", "RunBookRun", "Alert", "Command", "Notice"},
    realm="*",
    append_only={"IncidentLog"},
    keeps={
        **dict.fromkeys(("Incident", "IncidentTask", "RunBook", "RunBookRun", "Notice"), ()),
        "Alert": ("incident", "runBook"),
    },
)
