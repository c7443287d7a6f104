"""What the valley gives to everybody: its weather stations now and over a month, its bus stops; and what it could give.

Made up, and once. Published ones say that two people agreed; their tables the city makes itself, in the first round of
its catalogue. What is only inventoried waits for somebody to propose it: counts of requests by month need months first.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hansa import clock
from hansa.apps.opendata.acts import proposals
from hansa.apps.opendata.dataset import LABEL
from hansa.model.entity import entity

PUBLISHER: Final = {"name": {"en": "Municipality of Orlava (simulated)"}, "type": "LocalAuthority"}
CONTACT: Final = {"name": "Data office (simulated)", "email": "data@orlava.example"}
FIRST: Final = "person:ida (simulated)"
SECOND: Final = "person:tomas (simulated)"
_STOPS: Final[Mapping[str, Any]] = {
    "key": "bus-stops",
    "title": {
        "en": "Bus stops",
        "fr": "Arrêts de bus",
        "es": "Paradas de autobús",
        "ar": "مواقف الحافلات",
        "ja": "バス停",
    },
    "description": {
        "en": "Where the buses of the valley stop, and which stops show the next departures.",
        "fr": "Où s'arrêtent les bus de la vallée, et quels arrêts affichent les prochains départs.",
        "es": "Dónde paran los autobuses del valle y qué paradas muestran las próximas salidas.",
        "ar": "أين تتوقف حافلات الوادي، وأي المواقف تعرض الرحلات القادمة.",
        "ja": "谷のバスの停留所と、次の発車を表示する停留所。",
    },
    "keywords": {
        "en": ["bus", "stops"],
        "fr": ["bus", "arrêts"],
        "es": ["autobús", "paradas"],
        "ar": ["حافلة", "مواقف"],
        "ja": ["バス", "停留所"],
    },
    "themes": ["TRAN"],
    "licence": "CC_BY_4_0",
    "periodicity": "WEEKLY",
    "hvd": "http://data.europa.eu/bna/c_b79e35eb",
    "columns": [
        {"name": "name", "unit": "", "says": {"en": "Name of the stop", "fr": "Nom de l'arrêt"}},
        {"name": "liveInformation", "unit": "", "says": {"en": "Whether it shows the next departures"}},
    ],
    "source": {"kind": "entities", "type": "PublicTransportStop", "attributes": ["name", "liveInformation"]},
    "steps": [{"do": "drop", "columns": ["geometry"]}],
    "guard": {"kind": "open"},
}
_PUBLISHED: Final = ("weather-now", "weather-history")
_INVENTORIED: Final = ("requests-by-month", "indicators", "public-works")
_WORDS: Final = ("title", "description", "keywords", "themes", "licence", "periodicity", "hvd")
_DAYS: Final = 30
"""Of the history: what the demo has loaded of the weeks before its first evening."""


def records(now: int) -> Iterator[dict[str, Any]]:
    """All of it for the importers' door; `now` is the city's clock."""
    known = proposals()
    for one in (*(known[key] for key in _PUBLISHED), _STOPS):
        yield _record(one, now, _published(one, now))
    for key in _INVENTORIED:
        plan = {name: known[key][name] for name in ("source", "steps", "guard")}
        yield _record(
            known[key], now, {"status": "inventoried", "suggested": plan, "log": [_line(now, FIRST, "inventoried")]}
        )


def _published(one: Mapping[str, Any], now: int) -> dict[str, Any]:
    source = {**one["source"], "sight": "public"}
    if source["kind"] == "history":
        source["days"] = _DAYS
    log = [_line(now, FIRST, "inventoried"), _line(now, FIRST, "proposed"), _line(now, SECOND, "approved")]
    return {
        "status": "published",
        "source": source,
        "steps": list(one["steps"]),
        "guard": dict(one["guard"]),
        "proposedBy": FIRST,
        "approvedBy": SECOND,
        "nextAt": clock.text(now)[:19] + "Z",
        "log": log,
    }


def _line(now: int, by: str, did: str) -> dict[str, Any]:
    return {"at": clock.text(now)[:19] + "Z", "by": by, "did": did, "text": ""}


def _record(one: Mapping[str, Any], now: int, state: Mapping[str, Any]) -> dict[str, Any]:
    words = {name: one[name] for name in _WORDS if name in one}
    made = entity(
        "Dataset",
        one["key"],
        publisher=PUBLISHER,
        contactPoint=CONTACT,
        dictionary=[{"unit": "", **column} for column in one.get("columns", ())],
        spatial={"name": {"en": "Orlava valley (simulated)"}},
        version=0,
        inventoriedAt=clock.text(now)[:19] + "Z",
        **words,
        **state,
    )
    return {"kind": "say", "id": made.id, "doc": made.doc, "label": LABEL}
