"""A release is the commit and nothing else, the same bytes when it is made again, and says what it is made of."""

import json
import os
import subprocess
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lint import release

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-lint" / "bin" / "python"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Wheel and sdist of the last commit, built in two places, zones and under two umasks, and from the sdist."""
    return release.twice(ROOT, tmp_path_factory.mktemp("built"))


def committed() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return set(listed.splitlines())


def test_a_build_is_the_same_wherever_and_whenever_it_is_made(built: list[Path]) -> None:
    assert [path.suffix for path in sorted(built)] == [".whl", ".gz"]  # `twice` compared them byte by byte


def test_a_build_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter("abc")

    def build(_tree: Path, to: Path, *_: Any, **__: Any) -> list[Path]:
        to.mkdir()
        (to / "hansa-1.tar.gz").write_bytes(b"same")
        (to / "hansa-1.whl").write_text(next(made))
        return sorted(to.iterdir())

    monkeypatch.setattr(release, "_build", build)
    monkeypatch.setattr(release, "_unpacked", lambda _sdist, to: to)
    with pytest.raises(release.NotTheSame, match=r"hansa-1\.whl"):
        release.twice(ROOT, tmp_path)


def test_the_wheel_is_the_package_of_the_commit_and_holds_no_tests_no_tools_and_no_history(built: list[Path]) -> None:
    wheel = next(path for path in built if path.suffix == ".whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == {name.removeprefix("src/") for name in committed() if name.startswith("src/hansa/")}
    sdist = next(path for path in built if path.suffix == ".gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert inside - {"PKG-INFO"} <= committed()


def test_every_time_in_a_wheel_is_the_commits(built: list[Path]) -> None:
    wheel = next(path for path in built if path.suffix == ".whl")
    assert len({entry.date_time for entry in zipfile.ZipFile(wheel).infolist()}) == 1


# What it is made of

BILL = """
import json, sys
from pathlib import Path
from lint import sbom
from lint.shipped import packages, vendored
shipped = [*packages(Path(sys.argv[1])), *vendored()]
released = [Path(one) for one in sys.argv[2:]]
text = sbom.bill(shipped, released, 1_700_000_000)
assert text == sbom.bill(shipped, released, 1_700_000_000), "not the same twice"
for sound, fault in (('"type": "application"', '"type": "city"'), ('"version": 1,', '"version": 1, "odd": "none",')):
    assert sound in text
    try:
        sbom.validate(text.replace(sound, fault))
    except sbom.Invalid:
        continue
    raise AssertionError(f"the schema lets {fault} pass")
print(text)
"""


@pytest.fixture(scope="module")
def bill(built: list[Path]) -> dict[str, Any]:
    """The bill of what was built, as the tools' own environment writes it."""
    if not PYTHON.exists():
        why = ".venv-lint is not there; `make lint` makes it"
        if os.environ.get("HANSA_REQUIRE_ALL"):
            pytest.fail(why)
        pytest.skip(why)
    words = [PYTHON, "-c", BILL, sysconfig.get_path("purelib"), *built]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_bill_names_every_package_of_the_lock_with_hashes_and_a_licence(bill: dict[str, Any]) -> None:
    from lint.shipped import LOCK, locked, packages

    found = {one["name"]: one for one in bill["components"]}
    shipped = {(one.name, one.version) for one in packages()}
    for package in locked(LOCK.read_text("utf-8")):
        if (package.name, package.version) not in shipped:
            continue  # locked once more, for another Python
        one = found.pop(package.name)
        assert one["version"] == package.version
        assert {entry["content"] for entry in one["hashes"]} == set(package.hashes)
        assert one["licenses"]
        assert one["purl"] == f"pkg:pypi/{package.name}@{package.version}"
    assert set(found) == {"maplibre-gl", "uplot"}
    assert all(part["hashes"] for one in found.values() for part in one["components"])


def test_the_bill_says_what_is_released_and_who_needs_whom(bill: dict[str, Any], built: list[Path]) -> None:
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    itself = bill["metadata"]["component"]
    hashes = {one["url"]: one["hashes"][0]["content"] for one in itself["externalReferences"]}
    assert hashes == {path.name: release.digest(path) for path in built}
    needs = {one["ref"]: set(one.get("dependsOn", [])) for one in bill["dependencies"]}
    assert any(ref.startswith("pkg:pypi/cryptography@") for ref in needs["hansa"])
    known = {one["bom-ref"] for one in bill["components"]} | {"hansa"}
    assert set().union(*needs.values()) <= known
