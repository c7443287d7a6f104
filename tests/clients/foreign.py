"""Clients of the FIWARE world, which know nothing of hansa: each runs in a venv of its own, for their pins clash."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest


def says(venv: str, script: str, *words: str) -> dict[str, Any]:
    """What a script in `.venv-<venv>` has found out: the JSON of its line that begins with SAID."""
    python = Path(__file__).parents[2] / f".venv-{venv}" / "bin" / "python"
    if not python.exists():
        why = f"{python.parents[1].name} is not there; `make test` makes it"
        if os.environ.get("HANSA_REQUIRE_ALL"):
            pytest.fail(why)
        pytest.skip(why)
    done = subprocess.run([python, "-c", script, *words], capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    told: dict[str, Any] = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("SAID"))[5:])
    return told
