"""docs/conformance.md is what the docstrings and the last run of the suite say, and no clause is forgotten."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COUNTS = ("passed", "failed", "skipped")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool that writes the page; it is no package's."""
    spec = importlib.util.spec_from_file_location("conformance", ROOT / "docs" / "conformance.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["conformance"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_tool_writes(tool: ModuleType) -> None:
    assert tool.PAGE.read_text("utf-8") == tool.page(), "run python docs/conformance.py"


def test_a_page_that_says_something_else_is_found(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "PAGE", tmp_path / "conformance.md")
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0
    (tmp_path / "conformance.md").write_text("# Conformance\n\nAll of it.\n")
    assert tool.main(["--check"]) == 1
    assert "run python docs/conformance.py" in capsys.readouterr().err


def test_every_clause_of_chapters_5_and_6_is_kept_or_named_as_missing_and_not_both(tool: ModuleType) -> None:
    held, reasons = tool.kept(), tool.missing()
    asked = [clause for clause in tool.leaves() if clause[0] in "56"]
    assert len(asked) > 200
    kept = {clause for clause in asked if tool.claimed(clause, held)}
    gone = {clause for clause in asked if tool.reason(clause, reasons)}
    assert set(asked) - kept - gone == set(), "neither kept nor missing: name it in a docstring, or in missing.toml"
    assert set(held) & gone == set(), "kept, and named as missing too"
    assert all(any(one == said or one.startswith(f"{said}.") for one in asked) for said in reasons), "no such clause"


def test_every_clause_that_is_kept_is_held_by_a_test(tool: ModuleType) -> None:
    unheld = {clause: list(one.modules) for clause, one in tool.kept().items() if clause[0] in "56" and not one.tests}
    assert unheld == {}, "name the clause in the docstring of a test that holds it"


def test_a_reader_finds_clause_5_7_2_in_one_step(tool: ModuleType) -> None:
    (row,) = re.findall(r'^\| <a id="5\.7\.2"></a>5\.7\.2 \| Query Entities \|.*$', tool.PAGE.read_text(), re.MULTILINE)
    modules = re.findall(r"\(\.\./(src/[^)]+\.py)\) `(\w+)`", row)
    assert modules
    for path, function in modules:
        assert re.search(
            rf"^ *(?:async )?def {function}\b|^class {function}\b", (ROOT / path).read_text(), re.MULTILINE
        )
    assert "(../tests/" in row


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("GET /entities (6.4.3.2): 5.7.2 Query Entities.", ["6.4.3.2", "5.7.2"]),
        ("what is beside it is discarded (5.13.2.3)", ["5.13.2"]),
        ("Create to update (5.6.7 to 5.6.9)", ["5.6.7", "5.6.8", "5.6.9"]),
        (
            "names (clause 4.6.2), tenants (4.14, 6.3.14) and clauses 4.4 and 5.5.7",
            ["4.6.2", "4.14", "6.3.14", "4.4", "5.5.7"],
        ),
        ("CIM 009 v1.9.1, MQTT 3.1.1, MQTT v5.2.4, RFC 9110, 5.6.2, §4.1.9, the report, section 4.5.1", []),
        ("4.5 m above, 5.3 degrees, 5.99.1 nowhere, 10.5.6.1.2, version5.6.1", []),
    ],
)
def test_a_docstring_names_clauses_and_not_every_number_is_one(tool: ModuleType, text: str, clauses: list[str]) -> None:
    assert tool.clauses_in(text) == clauses


# The suite's run


def test_every_test_that_fails_has_a_clause_that_says_why(tool: ModuleType) -> None:
    for one in tool.failing():
        assert one["why"], f"{one['test']} fails: say why in docs/conformance/reasons.toml"
        assert one["clause"] in tool.TITLES, one


def test_the_counts_of_the_run_agree_and_name_nothing_of_a_machine(tool: ModuleType) -> None:
    run = tool.etsi()
    for name in COUNTS:
        assert sum(one[name] for one in run["tiers"].values()) == sum(one[name] for one in run["folders"].values())
    assert sum(one["failed"] for one in run["tiers"].values()) == len(run["failing"])
    assert all(re.match(r"(IOP_)?TP/", test) for test in run["failing"] + run["not_run"])
    assert not re.search(r"/(?:tmp|home|root|work)\b|127\.0\.0\.1", json.dumps(run))


def test_a_report_of_the_driver_becomes_counts_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from bench import etsi

    counts: dict[str, Any] = {"passed": 2, "failed": 1, "skipped": 0, "seconds": 0.3}
    report = {
        "run": {"seconds": 12.6, "broker": ["http://127.0.0.1:9/ngsi-ld/v1"]},
        "totals": {"passed": 2, "failed": 1, "tests": 3},
        "tiers": {"core": counts},
        "folders": {"Provision/Entities": counts},
        "failed": [
            {"file": "TP/a/001_01.robot", "name": "001_01_02 Second", "message": "at 127.0.0.1", "seconds": 0.1}
        ],
        "not_run": ["TP/a/001_01.robot::001_01_04 Fourth"],
    }
    plain = {"passed": 2, "failed": 1, "skipped": 0}
    assert etsi.summary(report, tmp_path) == {
        "suite": "marek-mraz/ngsi-ld-test-suite (no commit known)",
        "seconds": 13,
        "tiers": {"core": plain},
        "folders": {"Provision/Entities": plain},
        "failing": ["TP/a/001_01.robot::001_01_02 Second"],
        "not_run": ["TP/a/001_01.robot::001_01_04 Fourth"],
    }
