"""The four import contracts hold, and each of them notices the fault that it is there for."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"

LAYERS = "Imports go down only, along the report's layers"
INDEPENDENT = "An app knows no other app"
FACADE = "An app needs the façade and its own libraries, nothing else of hansa"
PURE = "Nouns and decoders touch no socket, thread, database or HTTP module"

FAULTS = [
    ("trust/labels.py", "import hansa.platform.city", LAYERS),
    ("network/wall.py", "import hansa.collect.senml", LAYERS),  # neighbours of one layer
    ("platform/city.py", "import hansa.serve", LAYERS),
    ("apps/frost/science.py", "import hansa.apps.watch.science", INDEPENDENT),
    ("apps/frost/science.py", "import hansa.platform.store", FACADE),
    ("apps/watch/science.py", "from hansa.trust import labels", FACADE),
    ("model/units.py", "import socket", PURE),
    ("collect/senml.py", "import sqlite3", PURE),
]


def verdicts(folder: Path) -> tuple[int, dict[str, str]]:
    """What import-linter says of the `hansa` in `folder/src`, contract by contract, in a process that imports none."""
    done = subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, env=os.environ | {"PYTHONPATH": str(folder / "src")},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    found = re.findall(r"^(.+) (KEPT|BROKEN)\s*$", done.stdout, re.MULTILINE)
    assert len(found) == 4, done.stdout + done.stderr
    return done.returncode, dict(found)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree's Python and its contracts, to plant faults in."""
    folder = tmp_path_factory.mktemp("planted")
    for file in (ROOT / "src" / "hansa").rglob("*.py"):
        there = folder / file.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, there)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_four_contracts_are_kept(copied: Path) -> None:
    code, said = verdicts(copied)
    assert said == dict.fromkeys((LAYERS, INDEPENDENT, FACADE, PURE), "KEPT")
    assert code == 0


@pytest.mark.parametrize(("where", "fault", "contract"), FAULTS)
def test_a_planted_fault_breaks_its_contract_and_no_other(copied: Path, where: str, fault: str, contract: str) -> None:
    file = copied / "src" / "hansa" / where
    sound = file.read_text()
    file.write_text(f"{sound}\n{fault}\n")
    try:
        code, said = verdicts(copied)
    finally:
        file.write_text(sound)
    assert [name for name, verdict in said.items() if verdict == "BROKEN"] == [contract]
    assert code != 0
