"""How many requirements of the OGC's standards are asked for, by the names that the tests bear."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def named(*files: str) -> set[str]:
    """The requirements under whose names tests run."""
    marks = (one for file in files for one in re.findall(r"@req\(([^)]*)\)", (HERE / file).read_text()))
    return {ident for mark in marks for ident in re.findall(r'"(/req/[^"]+)"', mark)}


@pytest.mark.parametrize(
    ("files", "least"),
    [
        (("test_ogc_features.py", "test_ogc_crs.py", "test_ogc_filter.py"), 80),
        (("test_ogc_edr.py",), 60),
    ],
)
def test_as_many_requirements_are_asked_for_as_were_wanted(files: tuple[str, ...], least: int) -> None:
    assert len(named(*files)) >= least


def test_no_class_is_claimed_of_which_nothing_is_asked() -> None:
    from hansa.apps.opendata.ogc import edr, features

    common = {"landing-page", "collections", "json", "html", "oas30", "core"}
    for claimed, files in (
        (features.CONFORMS, ("test_ogc_features.py", "test_ogc_crs.py", "test_ogc_filter.py")),
        (edr.CONFORMS, ("test_ogc_edr.py",)),
    ):
        asked = {ident.split("/")[2] for ident in named(*files)} | common
        assert {uri.rpartition("/")[2] for uri in claimed} <= asked | {"cql2-text"}
