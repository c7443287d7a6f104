"""The front door: what an app may import, all of it, and nothing heavy behind it."""

import subprocess
import sys

import pytest

import hansa

# What DESIGN.md lists, as far as it is built (`forecast` is not), and NotFound, which `city.get` raises (ADR 0006).
FRONT = {
    *("Act", "Answer", "App", "Asked", "Asking", "Attribute", "BadRequest", "Change", "City", "Conflict"),
    *("Delete", "Entity", "File"),
    *("Forbidden", "NotFound", "Refusal", "command", "entity", "geo", "kpi", "labels", "saying", "sheets", "units"),
    "windows",
}
HEAVY = (
    "apsw",
    "starlette",
    "uvicorn",
    "uvloop",
    "httpx",
    "asyncio",
    "jinja2",
    "structlog",
    "hansa.platform",
    "hansa.serve",
)


def loaded_by(code: str) -> list[str]:
    """Which heavy modules a fresh process has loaded after `code`."""
    ask = f"import sys\n{code}\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.split()


def test_the_front_door_is_what_the_design_lists() -> None:
    assert set(hansa.__all__) == FRONT
    assert len(hansa.__all__) == len(FRONT)
    assert dir(hansa) == sorted(FRONT)


@pytest.mark.parametrize("name", sorted(FRONT))
def test_every_name_can_be_imported(name: str) -> None:
    assert getattr(hansa, name) is not None


def test_a_name_that_is_not_there_says_where_to_look() -> None:
    with pytest.raises(AttributeError, match=r"hansa\.__all__"):
        hansa.forecast_of_everything  # noqa: B018


def test_importing_hansa_loads_nothing_heavy() -> None:
    assert loaded_by("import hansa") == []


def test_importing_the_whole_front_door_loads_no_store_and_no_server() -> None:
    assert loaded_by("import hansa\nfor name in hansa.__all__: getattr(hansa, name)") == []


def test_the_question_would_notice_a_store() -> None:
    assert "apsw" in loaded_by("import hansa.platform.sqlite")


def test_the_city_of_an_app_only_reads() -> None:
    verbs = {name for name in vars(hansa.City) if not name.startswith("_")}
    assert verbs == {"get", "find", "history", "summary", "version", "now", "setting"}
