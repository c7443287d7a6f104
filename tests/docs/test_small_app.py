"""The small app that docs/apps.md prints (and DESIGN before it), unchanged, in a package of its own, in a real city."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hansa.app import installed

TEXT = (Path(__file__).parents[2] / "docs" / "apps.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
(SKETCH,) = (block for block in BLOCKS if 'App("frost-sketch"' in block)
(ROUND,) = (block for block in BLOCKS if 'App("cold-hours"' in block)
(TEST,) = (block for block in BLOCKS if "MemoryCity(" in block)

ALERT = "urn:ngsi-ld:Alert:frost-sketch-north"
PROFILE = {
    "name": "weather",
    "type": "WeatherObserved",
    "channels": {
        "temperature": {"name": "temperature", "unit": "CEL"},
        "dewPoint": {"name": "dewPoint", "unit": "CEL"},
    },
}


def test_the_small_app_works_unchanged_in_a_package_of_its_own(
    serve: Callable[..., Any], package: Callable[[str, str], Path]
) -> None:
    city = serve(python_path=package("frost-sketch", SKETCH))
    assert {"name": "frost-sketch", "report": "4.1.4"} in city.get("/health").json()["apps"]
    place = {"type": "Point", "coordinates": [17.1, 48.1]}
    secret = city.enrol("north", PROFILE, location=place)

    def say(**reading: float) -> None:
        told = city.post("/collect/json", reading, auth=("north", secret))
        assert (told.status_code, told.json()["taken"]) == (200, 1)

    def alert() -> dict[str, Any] | None:
        told = city.get(f"/ngsi-ld/v1/entities/{ALERT}")
        return told.json() if told.status_code == 200 else None

    say(temperature=1.5)  # without a dew point the rule has nothing to go by
    city.until(lambda: city.get("/health").json()["rules"]["behind"] == 0)
    assert alert() is None

    say(temperature=1.5, dewPoint=-2.0)
    opened = city.until(alert)
    assert opened["status"]["value"] == "open"
    assert opened["category"]["value"] == "weather"
    assert opened["alertSource"]["value"] == "urn:ngsi-ld:WeatherObserved:north"
    assert opened["location"] == {"type": "GeoProperty", "value": place}

    say(temperature=9.0, dewPoint=-2.0)
    city.until(lambda: alert()["status"]["value"] == "closed")


def test_without_the_package_nobody_warns() -> None:
    assert "frost-sketch" not in {one.name for one in installed()[0]}


def test_the_test_on_the_page_passes(package: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(package("frost-sketch", SKETCH))
    monkeypatch.delitem(sys.modules, "frost_sketch", raising=False)
    said: dict[str, Any] = {}
    exec(compile(TEST, "docs/apps.md", "exec"), said)
    try:
        said["test_a_cold_dry_evening_opens_the_alert"]()
    finally:
        sys.modules.pop("frost_sketch", None)


def test_the_round_on_the_page_counts_cold_hours() -> None:
    from hansa import Attribute, entity
    from hansa.testing import MemoryCity

    said: dict[str, Any] = {}
    exec(compile(ROUND, "docs/apps.md", "exec"), said)
    city = MemoryCity(said["app"], start="2026-01-10T00:00:00Z")
    for hour in range(24):
        city.read(entity("WeatherObserved", "north", temperature=Attribute(hour - 6.0, "CEL", city.clock.now())))
        city.turn(seconds=3_600)
    assert city.get("urn:ngsi-ld:KeyPerformanceIndicator:cold-hours-north")["kpiValue"] == pytest.approx(6.0)
