"""docs/asvs.md says of every line of levels 1 and 2 how it is held, by tests that are there."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool that writes the page; it is no package's."""
    spec = importlib.util.spec_from_file_location("asvs", ROOT / "docs" / "asvs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["asvs"] = module
    spec.loader.exec_module(module)
    return module


def test_every_line_has_one_answer_and_every_test_that_it_names_is_there(tool: ModuleType) -> None:
    assert tool.faults(tool.lines()) == []


def test_the_page_is_what_the_tool_writes(tool: ModuleType) -> None:
    assert tool.PAGE.read_text("utf-8") == tool.page(), "run python docs/asvs.py"


def test_nothing_of_level_1_is_open_and_of_level_2_at_most_a_fifth(tool: ModuleType) -> None:
    first, second = tool.counts(1), tool.counts(2)
    assert (first.total(), second.total()) == (70, 183)
    assert first["open"] == 0
    assert second["open"] <= 0.2 * second.total()
    assert first["tests"] > first["why"]


def test_a_line_that_is_forgotten_made_up_or_held_by_no_test_that_exists_is_found(tool: ModuleType) -> None:
    sound = dict(tool.lines())
    where = "tests/docs/test_docs_asvs.py"
    assert tool.faults({line: one for line, one in sound.items() if line != "V1.2.4"}) == [
        "V1.2.4: nothing is said of it"
    ]
    for fault, says in (
        ({"asks": "a", "tests": ["tests/nowhere.py"]}, "there is no tests/nowhere.py"),
        ({"asks": "a", "tests": [f"{where}::test_nothing_of_the_kind"]}, "test_nothing_of_the_kind"),
        ({"asks": "a", "tests": ["docs/asvs.py"]}, "there is no docs/asvs.py"),
        ({"asks": "a"}, "wants one of"),
        ({"asks": "a", "tests": [where], "open": "all of it"}, "wants one of"),
        ({"asks": "", "why": "so"}, "does not say what is asked"),
    ):
        (found,) = tool.faults({**sound, "V1.2.4": fault})
        assert says in found
    (found,) = tool.faults({**sound, "V99.1.1": {"asks": "a", "why": "so"}})
    assert "no such line" in found


def test_a_page_that_says_something_else_is_found(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "PAGE", tmp_path / "asvs.md")
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0
    (tmp_path / "asvs.md").write_text("# Security requirements\n\nAll of them.\n")
    assert tool.main(["--check"]) == 1
    assert "run python docs/asvs.py" in capsys.readouterr().err


@pytest.mark.data
def test_the_ids_and_levels_are_the_standards(tool: ModuleType) -> None:
    path = ROOT.parent / "shared" / "data" / "asvs" / "asvs_5.0.0.json"
    if not path.exists():
        pytest.skip("needs ../shared/data")
    said = json.loads(path.read_text("utf-8"))["requirements"]
    assert {one["req_id"]: int(one["L"]) for one in said} == tool.LEVELS
