"""A small framework for tests: two dimensions, every direction, an indicator of several data points."""

from copy import deepcopy
from typing import Any

BANDS = [
    {"from": 0, "to": 33, "points": 1, "name": "0-33"},
    {"from": 33, "to": 66, "points": 2, "name": "33-66"},
    {"from": 66, "to": 95, "points": 3, "name": "66-95"},
    {"from": 95, "to": None, "points": 4, "name": "95+"},
]


def one(code: str, path: list[str], direction: str = "higher", unit: str = "1", **more: Any) -> dict[str, Any]:
    """An indicator that is one number, its only input."""
    name = code.lower().replace(": ", "_")
    return {
        "code": code,
        "name": f"Indicator {code}",
        "path": path,
        "direction": direction,
        "inputs": [{"name": name, "says": f"what {code} counts", "unit": unit, "low": None}],
        "points": [{"key": "", "name": code, "formula": name, "unit": unit}],
        **more,
    }


DOCUMENT: dict[str, Any] = {
    "id": "small",
    "name": "A small framework",
    "edition": "1",
    "levels": ["dimension", "category"],
    "scoring": {"kind": "points", "bands": BANDS, "missing_share": 0.2},
    "indicators": [
        {
            "code": "A: X: 1C",
            "name": "Households online",
            "path": ["A", "X"],
            "definition": "Share of households with internet access",
            "unit": "%",
            "direction": "higher",
            "inputs": [
                {"name": "online", "says": "households with internet access", "unit": "household"},
                {"name": "households", "says": "all households", "unit": "household"},
            ],
            "points": [{"key": "", "name": "", "formula": "100 * online / households", "unit": "%", "range": [0, 100]}],
            "checks": [{"expr": "online <= households", "says": "not more than all households", "severity": "error"}],
            "holders": ["statistics office"],
            "sources": ["S:p3"],
            "said": {"name": "read", "formula": "recalled"},
        },
        one("A: X: 2C", ["A", "X"], "lower"),
        one("A: Y: 1C", ["A", "Y"], "none"),
        {
            "code": "B: Z: 1A",
            "name": "Waste by route",
            "path": ["B", "Z"],
            "direction": "lower",
            "inputs": [
                {"name": "waste", "says": "all waste", "unit": "t"},
                *({"name": f"waste_{key}", "says": f"waste {key}", "unit": "t"} for key in ("dumped", "recycled")),
            ],
            "points": [
                {"key": "open.dump", "name": "dumped", "formula": "100 * waste_dumped / waste", "unit": "%"},
                {
                    "key": "2nd", "name": "recycled", "formula": "100 * waste_recycled / waste", "unit": "%",
                    "direction": "higher",
                },
            ],
            "checks": [
                {"expr": "98 <= open_dump + p_2nd <= 102", "says": "routes sum to 100 %", "severity": "error"},
                {"expr": "waste / households <= 9 [t / household]", "says": "that is much", "severity": "warning"},
            ],
        },
        one("B: Z: 2A", ["B", "Z"], "best", best=1.0),
        one("B: Z: 3A", ["B", "Z"], scored=False),
        {**one("B: Z: 4A", ["B", "Z"], unit="ug/m3"), "direction": "lower"},
    ],
    "checks": [
        {
            "of": {"online": "A: X: 1C", "dumped": ["B: Z: 1A", "open.dump"]},
            "expr": "dumped <= online",
            "says": "who dumps is not online",
            "severity": "warning",
        }
    ],
    "sources": {"S": "https://example.org/page<N>"},
}  # fmt: skip


def document(**more: Any) -> dict[str, Any]:
    """The document, for a test to change."""
    return deepcopy(DOCUMENT) | more
