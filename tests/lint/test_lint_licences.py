"""What ships is locked by hashes, and under licences that are known and allowed."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from lint import licences, shipped

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
SAID = tomllib.loads(shipped.SAID.read_text("utf-8"))
HASH = "--hash=sha256:" + "ab" * 32


# Locks


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_of_every_lock_is_pinned_by_version_and_hash_and_comes_from_nowhere_in_particular(
    lock: Path,
) -> None:
    found = shipped.locked(lock.read_text("utf-8"))
    assert len(found) > 10
    assert len({(one.name, one.marker) for one in found}) == len(found)
    assert "://" not in "\n".join(
        line for line in lock.read_text("utf-8").splitlines() if not line.strip().startswith("#")
    )


@pytest.mark.parametrize(
    "line",
    [
        "jinja2==3.1.6",
        f"jinja2>=3.1 {HASH}",
        f"jinja2 {HASH}",
        "jinja2==3.1.6 --hash=md5:0123",
        f"--index-url https://example.org/simple\njinja2==3.1.6 {HASH}",
        f"--extra-index-url https://example.org/simple\njinja2==3.1.6 {HASH}",
        f"jinja2 @ https://example.org/jinja2.whl {HASH}",
        "-e .",
        "./wheels/jinja2.whl",
        "git+https://example.org/jinja2",
        f"jinja2==3.1.6 {HASH} --trusted-host example.org",
    ],
)
def test_a_line_that_could_become_something_else_is_refused(line: str) -> None:
    with pytest.raises(shipped.Unlocked):
        shipped.locked(line)


def test_a_lock_is_read_over_its_lines() -> None:
    (one,) = shipped.locked(
        f"Typing_Extensions==4.1 ; python_version < '3.15' \\\n    {HASH} \\\n    {HASH}\n    # via x\n"
    )
    assert one == shipped.Locked("typing-extensions", "4.1", "python_version < '3.15'", ("ab" * 32,) * 2)


def test_the_makefile_installs_nothing_that_has_no_hash_but_hansa_itself_and_the_tool_that_makes_locks() -> None:
    lines = [line.strip() for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if "pip install" in line]
    loose = [line for line in lines if "--require-hashes" not in line]
    assert len(lines) > len(loose)
    assert all(line.endswith(("--no-deps --no-build-isolation -e .", "install --quiet uv")) for line in loose), loose


def test_a_package_of_the_lock_that_is_not_installed_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(shipped.Unlocked, match="is not installed"):
        shipped.packages(tmp_path)


# Licences


@pytest.fixture(scope="module")
def ships() -> list[shipped.Package]:
    """All that ships."""
    return [*shipped.packages(), *shipped.vendored()]


def test_every_licence_of_what_ships_is_known_and_allowed_or_an_exception_with_its_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert licences.main() == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("(MIT)", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-2.0-or-later", False),
        ("AGPL-3.0-only", False),
        ("MIT AND (GPL-2.0-only OR AGPL-3.0-only)", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("LicenseRef-Ours", False),
        ("UNKNOWN", False),
        ("(MIT", False),
        ("MIT MIT", False),
        ("", False),
    ],
)
def test_an_expression_is_met_by_allowed_licences_alone_or_not(expression: str, allowed: bool) -> None:
    assert licences.allows(expression, frozenset(SAID["allowed"])) is allowed


@pytest.mark.parametrize(
    ("licence", "says"),
    [("", "nobody says its licence"), ("AGPL-3.0-only", "not among the allowed"), ("GPL-3.0-or-later", "not among")],
)
def test_a_package_that_must_not_ship_is_found(ships: list[shipped.Package], licence: str, says: str) -> None:
    planted = [replace(one, licence=licence) if one.name == "jinja2" else one for one in ships]
    (said,) = licences.faults(planted, SAID)
    assert says in said


def test_an_exception_that_is_needed_no_more_is_found(ships: list[shipped.Package]) -> None:
    freed = [replace(one, licence="MIT") if one.name == "frozendict" else one for one in ships]
    assert "needs no exception any more" in " ".join(licences.faults(freed, SAID))
    gone = [one for one in ships if one.name != "frozendict"]
    assert "does not ship" in " ".join(licences.faults(gone, SAID))
    assert {one.name for one in shipped.vendored()} == {"maplibre-gl", "uplot"}


def test_of_a_package_that_is_locked_for_several_pythons_what_is_installed_speaks(tmp_path: Path) -> None:
    (one,) = [one for one in shipped.packages() if one.name == "numpy"]
    twice = [two for two in shipped.locked(shipped.LOCK.read_text("utf-8")) if two.name == "numpy"]
    assert len(twice) > 1, "the lock has it once for each Python that numpy's newest does not run on"
    assert one.version in {two.version for two in twice}
    lock = tmp_path / "base.lock"
    lock.write_text(f"numpy==0.0.1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(shipped.Unlocked, match="is not installed"):
        shipped.packages(lock=lock)
