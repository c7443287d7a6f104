"""Every section of the report that is claimed has a file and a test; what code claims is listed in sections.toml."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hansa.app import installed

ROOT = Path(__file__).parents[2]
CLAIMS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "sections.toml").read_text("utf-8"))["claim"]
SECTIONS = {claim["section"] for claim in CLAIMS}
ROWS = {row for claim in CLAIMS for row in claim["rows"]}
CASES = {case for claim in CLAIMS for case in claim.get("cases", ())}

# As docstrings say it: Report with one or several numbers, in brackets or not, or a paragraph sign.
_SECTION = re.compile(r"(?:\b[Rr]eport:? (?:section )?§?|§)(\d\.\d[\d.]*(?:, \d\.\d[\d.]*)*)")
_ROW = re.compile(r"\b(M\d\d)\b")
_CASE = re.compile(r"\b[Ss]uccess cases? (\d+)")

# What the issues so far build, by their own words: each stays claimed.
PROMISED = {"M01", "M02", "M03", "M04", "M06", "M07", "M09", "M16", "M30", "M47", "M48", "M49", "M50"}


def claimed_by(text: str) -> set[str]:
    """The sections that a docstring names."""
    return {one.strip(" .") for found in _SECTION.findall(text) for one in found.split(",")}


@cache
def docstrings() -> list[tuple[str, str]]:
    found = []
    for file in sorted((ROOT / "src" / "hansa").rglob("*.py")):
        text = ast.get_docstring(ast.parse(file.read_text("utf-8")))
        if text:
            found.append((str(file.relative_to(ROOT)), text))
    return found


def package_docstrings() -> list[tuple[str, str]]:
    return [(name, text) for name, text in docstrings() if name.endswith("__init__.py")]


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim["section"] for claim in CLAIMS])
def test_a_claim_has_its_files_and_its_tests(claim: dict[str, Any]) -> None:
    assert claim["files"]
    assert claim["tests"]
    for name in claim["files"]:
        assert (ROOT / name).is_file(), name
    for name in claim["tests"]:
        assert re.search(r"^\s*(async )?def test_", (ROOT / name).read_text("utf-8"), re.MULTILINE), name


def test_a_section_is_claimed_once() -> None:
    assert len(SECTIONS) == len(CLAIMS)


def test_every_section_that_code_names_is_claimed() -> None:
    unlisted = {(name, one) for name, text in docstrings() for one in claimed_by(text) if one not in SECTIONS}
    assert unlisted == set()


def test_every_row_and_success_case_that_code_names_is_claimed() -> None:
    text = "\n".join(text for _, text in docstrings())
    assert set(_ROW.findall(text)) <= ROWS
    assert {int(case) for case in _CASE.findall(text)} <= CASES


def test_every_app_names_a_section_that_is_claimed() -> None:
    apps, off = installed()
    assert {app.report for app in apps} <= SECTIONS
    assert apps
    assert off == []


def test_every_section_that_is_claimed_is_named_by_a_package() -> None:
    named = {one for _, text in package_docstrings() for one in claimed_by(text)}
    assert named >= SECTIONS


def test_every_layer_names_its_section() -> None:
    layers = {"collect", "network", "platform", "analytics", "model", "trust", "centres"}
    told = {Path(name).parent.name: text for name, text in package_docstrings()}
    assert {layer for layer in layers if not claimed_by(told[layer])} == set()


def test_the_rows_that_were_promised_are_claimed() -> None:
    assert ROWS >= PROMISED


def test_sections_are_read_from_every_way_of_naming_them() -> None:
    assert claimed_by("Report: 2.1.1, 2.2.3. Tests: tests/x.py") == {"2.1.1", "2.2.3"}
    assert claimed_by("(report section 4.1.4, success case 21)") == {"4.1.4"}
    assert claimed_by("§2.1.2 NETWORKING") == claimed_by("(report §2.1.2)") == {"2.1.2"}
    assert claimed_by("CIM 009 v1.9.1, clause 4.9 reports 3.5 values") == set()
