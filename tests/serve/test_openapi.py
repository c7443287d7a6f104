"""`/openapi.json` of a real city, and what schemathesis makes of it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hansa.model import core_context as core
from hansa.model import link
from hansa.platform.ngsild.binding import ROUTES

CONFIG = f"""
[checks]
not_a_server_error.expected-statuses = ["2xx", "4xx", 503, 504]
[parameters]
"header.Link" = '{link.link(core.URL)}'
"header.NGSILD-Tenant" = "fuzz"
"""
NORTH = {
    "id": "urn:ngsi-ld:WeatherObserved:north",
    "type": "WeatherObserved",
    "temperature": {"type": "Property", "value": 3.1, "observedAt": "2026-11-22T12:00:00Z"},
}


@pytest.fixture(scope="module")
def schemathesis() -> Path:
    program = Path(sys.executable).with_name("schemathesis")
    if not program.exists():
        why = "schemathesis is not installed; `make test` brings it"
        if os.environ.get("HANSA_REQUIRE_ALL"):
            pytest.fail(why)
        pytest.skip(why)
    return program


def test_the_description_is_handed_to_anybody_and_names_every_route(city: Any) -> None:
    said = city.get("/openapi.json").json()
    assert said["openapi"] == "3.1.0"
    assert len([path for path in said["paths"] if path.startswith("/ngsi-ld/v1/")]) == len(ROUTES)
    assert {"/collect/{format}", "/collect/claim", "/live", "/health", "/ready", "/metrics"} <= said["paths"].keys()
    assert city.get("/openapi.yaml").status_code == 404


def test_schemathesis_finds_no_500_and_no_status_that_is_not_described(
    city: Any, schemathesis: Path, tmp_path: Path
) -> None:
    made = city.post("/ngsi-ld/v1/entities", NORTH, params={})
    assert made.status_code == 201, made.text
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    command = [
        str(schemathesis), "--config-file", str(config), "run", f"{city.url}/openapi.json",
        "--checks", "not_a_server_error,status_code_conformance", "--continue-on-failure",
        "--header", f"Authorization: Bearer {(city.folder / 'admin.token').read_text().strip()}",
        "--exclude-path", "/live",  # it never ends
        "--max-time", "20", "--request-timeout", "10", "--generation-database", "none", "--warnings", "off",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert city.get("/ready").status_code == 200
