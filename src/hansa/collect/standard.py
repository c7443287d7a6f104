"""Profiles for the report's sensor kinds (4.1.1a), for cities that have none of their own yet.

Types and attribute names are Smart Data Models' where they exist (WeatherObserved, AgriParcelRecord, WaterObserved,
AirQualityObserved, NoiseLevelObserved, WaterQualityObserved, IndoorEnvironmentObserved). Ranges are what an instrument
can say at all, not what is normal: that is for rules.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

STANDARD: Final[Mapping[str, Mapping[str, Any]]] = json.loads(
    files("hansa.collect").joinpath("standard.json").read_text("utf-8")
)
"""Profile documents by name, as `Profile.from_json` reads them."""
