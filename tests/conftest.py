"""What every test may ask for."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from served import Served, third_party

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"


def part(name: str) -> str:
    """The path of a program that a test talks to; without it the test skips, or fails where all parts are required."""
    found = shutil.which(name)
    if found is None:
        why = f"{name} is not installed (apt-get install it, or run `make test` as root)"
        if os.environ.get("HANSA_REQUIRE_ALL"):
            pytest.fail(why)
        pytest.skip(why)
    return found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several workers share the files, those that take long come first: at the end nobody waits for one."""
    if not hasattr(config, "workerinput"):
        return
    place: dict[Path, int] = {}
    for one in items:
        place[one.path] = min(_place(one), place.get(one.path, len(_LONG)))
    items.sort(key=lambda one: place[one.path])


_LONG = ("browser", "serve", "city")
"""Fixtures of tests that start programs, the most costly first."""


def _place(item: pytest.Item) -> int:
    allowed = item.get_closest_marker("timeout")
    if allowed is not None and allowed.args[0] > 100:
        return -1
    asked = getattr(item, "fixturenames", ())
    return next((place for place, name in enumerate(_LONG) if name in asked), len(_LONG))


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    return part


@pytest.fixture(scope="session")
def data() -> Path:
    """The real data, which stays out of the repository."""
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data, the real data that stays out of the repository")
    return DATA


@pytest.fixture
def package(tmp_path: Path) -> Callable[[str, str], Path]:
    return lambda name, source: third_party(tmp_path / "third-party", name, source)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start real cities, as many as a test wants; they end with it."""
    begun: list[Served] = []

    def start(*options: str, folder: str = "city", **more: Any) -> Served:
        begun.append(Served(tmp_path / folder, *options, **more))
        return begun[-1]

    yield start
    for one in begun:
        if one.process.poll() is None:
            one.stop()
        one._closed()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One real city for the tests of a module."""
    one = Served(tmp_path_factory.mktemp("served") / "city")
    yield one
    one.stop()
