"""docs/trust.md and SECURITY.md say what is there: tests by their names, files of a city, kinds of the audit."""

import ast
import importlib.util
import re
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from served import Served

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "trust.md").read_text("utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")
THREATS = ("Denial of service", "Takeover", "Theft", "Insider", "Supply chain")
TEST = re.compile(r"`(tests/[\w./-]+\.py(?:::\w+)?)`")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool of docs/asvs.md, which knows whether a test is there."""
    spec = importlib.util.spec_from_file_location("asvs_of_trust", ROOT / "docs" / "asvs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["asvs_of_trust"] = module
    spec.loader.exec_module(module)
    return module


def section(name: str, page: str = PAGE) -> str:
    (found,) = re.findall(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return str(found)


def rows(text: str) -> list[list[str]]:
    """The rows of a section's table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def unheld(page: str, exists: Callable[[str], bool]) -> list[str]:
    """Threats that no test is named for, and tests that are not there."""
    found = [
        cells[0] for name in (*THREATS, "Ways in") for cells in rows(section(name, page)) if not TEST.search(cells[-1])
    ]
    return found + [test for test in TEST.findall(page) if not exists(test)]


def test_every_threat_names_tests_and_each_of_them_is_there(tool: ModuleType) -> None:
    assert unheld(PAGE, tool.exists) == []
    assert all(len(rows(section(name))) >= 7 for name in THREATS)


def test_a_threat_without_a_test_and_a_test_that_is_not_there_are_found(tool: ModuleType) -> None:
    head = "## Insider\n\n| threat | what is done | held by |\n|---|---|---|\n"
    bare = PAGE.replace(head, f"{head}| bribes | trust | nothing |\n")
    assert unheld(bare, tool.exists) == ["bribes"]
    wrong = PAGE.replace("tests/trust/test_merkle.py`", "tests/trust/test_merkle.py::test_nothing`", 1)
    assert unheld(wrong, tool.exists) == ["tests/trust/test_merkle.py::test_nothing"]


# Files of a city


def test_every_file_of_a_city_is_on_the_page_and_secret_ones_are_their_owners_alone(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    city = serve("--mqtts", "127.0.0.1:0", trusted=False)
    named = set(re.findall(r"`([\w./-]+)`", section("Keys")))
    files = [path for path in city.folder.rglob("*") if path.is_file()]
    plain = {path.relative_to(city.folder).as_posix() for path in files}
    assert {name for name in plain if re.sub(r"-(wal|shm|journal)$", "", name) not in named} == set()
    assert {"security.key", "audit.key", "admin.token", "tls/ca.key"} <= plain
    assert stat.S_IMODE(city.folder.stat().st_mode) == 0o700
    for path in files:
        if path.suffix in {".key", ".token"} or path.name == "server.pem":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


# The audit


def noted(source: str) -> Iterator[str]:
    """The kinds that a module notes: `note("kind", ...)`, or `noted(note, "kind", ...)`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            said = [getattr(one, "value", None) for one in node.args[:2]]
            if name in {"note", "noted", "_note"}:
                kind = said[0] if said and isinstance(said[0], str) else said[-1] if name == "noted" and said else None
                if isinstance(kind, str):
                    yield kind


def test_every_kind_that_is_noted_is_in_the_inventory_of_logs() -> None:
    kinds = {kind for path in (ROOT / "src").rglob("*.py") for kind in noted(path.read_text("utf-8"))}
    assert {"login", "login-failed", "policy", "device", "door", "break-glass", "export", "command"} <= kinds
    assert {kind for kind in kinds if re.fullmatch(r"[a-z-]+", kind)} - set(
        re.findall(r"`([a-z-]+)`", section("Logs"))
    ) == set()


def test_a_kind_that_is_noted_would_be_seen() -> None:
    found = noted('await noted(self._note, "bribe", who, {})\nself.note("gift", who)\nprint("no")\n_note(who, "no")')
    assert sorted(found) == ["bribe", "gift"]


# Security.md


def test_security_md_says_what_must_be_said() -> None:
    for word in ("How to report", "mended within", "What hansa promises", "What it does not promise", "90 days"):
        assert word in SECURITY
    assert "docs/trust.md" in SECURITY
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "(SECURITY.md)" in readme
    assert "(docs/trust.md)" in readme


@pytest.mark.parametrize("name", ["Ways in", "Classes of information", "Keys", "Logs", "Whom a city calls", "Guessing"])
def test_the_page_documents_what_asvs_wants_documented(name: str) -> None:
    assert len(section(name)) > 300


def test_what_is_said_of_guessing_is_what_the_code_does() -> None:
    from hansa.trust import lockout

    said = section("Guessing")
    assert f"one account from one address {lockout.PAIR.holds}," in said
    assert f"one address {lockout.ADDRESS.holds}," in said
    assert f"one account from everywhere unknown {lockout.ACCOUNT.holds}," in said
    assert f"has {lockout.DEVICE.holds} of its own" in said
    assert (lockout.PAIR.every_s, lockout.ADDRESS.every_s, lockout.ACCOUNT.every_s) == (180.0, 30.0, 180.0)
