"""A small framework and city that the tests of the scorecard share."""

import json
from typing import Any, Final

from hansa import sheets
from hansa.app import File
from hansa.apps.scorecard import app
from hansa.testing import MemoryCity

START: Final = "2026-04-11T12:00:00Z"
BANDS: Final = [
    {"from": 0, "to": 33, "points": 1, "name": "0-33"},
    {"from": 33, "to": 66, "points": 2, "name": "33-66"},
    {"from": 66, "to": 95, "points": 3, "name": "66-95"},
    {"from": 95, "to": None, "points": 4, "name": "95+"},
]
NAMES: Final = {
    "households": ("households in the city", "household"),
    "online": ("households on the internet", "household"),
    "population": ("inhabitants", "person"),
    "cycle_km": ("cycle ways", "km"),
    "beds": ("hospital beds", "bed"),
    "pm10": ("annual mean of PM10", "ug/m3"),
    "no2": ("annual mean of NO2", "ug/m3"),
}


def _indicator(
    code: str, inputs: list[str], points: dict[str, tuple[str, str]], direction: str, **more: Any
) -> dict[str, Any]:
    return {
        "code": code,
        "name": f"Indicator {code}",
        "path": ["Small", "Part", "Category"],
        "level": "core",
        "type": "smart",
        "definition": f"What {code} says",
        "unit": next(iter(points.values()))[1],
        "direction": direction,
        "period": "year",
        "inputs": [{"name": name, "says": NAMES[name][0], "unit": NAMES[name][1]} for name in inputs],
        "points": [
            {"key": key, "name": f"{code} {key}".strip(), "formula": formula, "unit": unit, "direction": direction}
            for key, (formula, unit) in points.items()
        ],
        "holders": ["statistics office"],
        "said": {"formula": "ours"},
        **more,
    }


def pack(ident: str = "small", edition: str = "1") -> dict[str, Any]:
    """A framework of four indicators: two that share an input, one of several data points."""
    check = {"expr": "online <= households", "says": "more households online than there are", "severity": "error"}
    return {
        "id": ident,
        "name": "A small framework",
        "edition": edition,
        "version": "1",
        "levels": ["dimension", "sub_dimension", "category"],
        "scoring": {"kind": "points", "bands": BANDS, "said": {"bands": "ours"}},
        "sources": {},
        "notes": [],
        "indicators": [
            _indicator(
                "S: 1", ["online", "households"], {"": ("100 * online / households", "%")}, "higher", checks=[check]
            ),
            _indicator(
                "S: 2",
                ["cycle_km", "population"],
                {"": ("100000 * cycle_km / population", "km / 100000 person")},
                "higher",
            ),
            _indicator(
                "S: 3", ["beds", "population"], {"": ("100000 * beds / population", "bed / 100000 person")}, "higher"
            ),
            _indicator("S: 4", ["pm10", "no2"], {"pm10": ("pm10", "ug/m3"), "no2": ("no2", "ug/m3")}, "lower"),
        ],
    }


def small_city(**how: Any) -> MemoryCity:
    """A city in memory that uses the small framework."""
    settings = {"scorecard": {"timezone": "Europe/Bratislava"}}
    city = MemoryCity(app, start=how.pop("start", START), settings=settings, **how)
    city.act("adopt", text=json.dumps(pack()), roles=("supervisor",))
    return city


def enter(city: MemoryCity, name: str, number: float | None, period: str = "2025", /, **said: Any) -> list[Any]:
    """Somebody enters a number with its evidence."""
    told: dict[str, Any] = {"framework": "small", "input": name, "period": period, "evidence": {"text": "a letter"}}
    if number is not None:
        told["value"] = number
    return city.act("enter", **(told | said))


def sheet_file(rows: list[list[Any]], *, name: str = "filled.xlsx", **more: Any) -> File:
    """Rows as an XLSX that somebody sends."""
    return as_file(sheets.write([sheets.Sheet("Values", rows, **more)]), name)


def as_file(body: bytes, name: str = "filled.xlsx") -> File:
    """Bytes as a file that somebody sends."""
    from hashlib import sha256

    kind = sheets.XLSX if name.endswith("xlsx") else sheets.CSV
    return File(name, body, kind, sha256(body).hexdigest(), len(body))
