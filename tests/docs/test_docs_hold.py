"""What every page of the repository promises: links lead somewhere, code compiles, paths and commands are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hansa.app import installed
from hansa.collect.standard import STANDARD

ROOT = Path(__file__).parents[2]
ELSEWHERE = {".venv", ".venv-clients", "city", "node_modules"}
PAGES = sorted(
    page for page in ROOT.rglob("*.md")
    if not any(part in ELSEWHERE or part.startswith(".") for part in page.relative_to(ROOT).parts)
)  # fmt: skip
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
PICTURE = re.compile(r"!\[[^\]\n]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`((?:src|tests|docs|bench|requirements|\.ci)/[\w./-]+)`")


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make, as code forges spell them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        words = re.sub(r"[^\w\s-]", "", heading.lower())
        found.add(re.sub(r"\s", "-", words.strip()))
    return found


def faults(page: Path, text: str) -> Iterator[str]:
    """Links and paths in a page that lead nowhere."""
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            yield f"{target}: not there"
        elif anchor and anchor not in anchors(there):
            yield f"{target}: no such heading"
    for path in CODE.findall(text):
        if not (ROOT / path).exists():
            yield f"`{path}`: not there"


@pytest.mark.parametrize("name", NAMES)
def test_every_link_and_path_leads_somewhere(name: str) -> None:
    assert list(faults(ROOT / name, prose(ROOT / name))) == []


def test_a_link_or_path_that_leads_nowhere_is_found() -> None:
    page = ROOT / "README.md"
    text = (
        "[a](docs/nowhere.md) [b](ARCHITECTURE.md#nothing-of-the-kind) `src/hansa/nowhere.py` [c](https://example.org/)"
    )
    assert len(list(faults(page, text))) == 3


@pytest.mark.parametrize("name", NAMES)
def test_every_block_of_python_compiles(name: str) -> None:
    for kind, body in FENCE.findall((ROOT / name).read_text("utf-8")):
        if kind.split()[:1] == ["python"]:
            compile(body, name, "exec", dont_inherit=True)


def test_every_test_that_a_docstring_names_is_there() -> None:
    for path in sorted((ROOT / "src").rglob("*.py")):
        for named in re.findall(r"\btests/[\w/]+\.py", path.read_text("utf-8")):
            assert (ROOT / named).is_file(), f"{path.relative_to(ROOT)} names {named}"


def test_the_readmes_pictures_are_of_real_pages() -> None:
    pictures = PICTURE.findall((ROOT / "README.md").read_text("utf-8"))
    assert pictures[0] == "docs/city.png"
    for picture in pictures:
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG"), f"make the screenshot: {picture}"


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_that_a_page_names_is_in_the_makefile(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    text = (ROOT / name).read_text("utf-8")
    named = set(re.findall(r"`make ([a-z]+)", text)) | set(re.findall(r"^ +make ([a-z]+)", text, re.MULTILINE))
    assert named <= targets


def test_the_readme_says_how_to_begin_and_how_to_test() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert re.search(r"^ +make up\b", text, re.MULTILINE)
    assert re.search(r"^ +make test\b", text, re.MULTILINE)


def figures(text: str) -> set[str]:
    """The numbers of a text that are more than one digit, without thousands' commas."""
    return set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w])", re.sub(r"(?<=\d),(?=\d{3})", "", text))) - set(
        "0123456789"
    )


def test_every_figure_of_the_readme_stands_in_the_page_that_it_comes_from() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.split("## Figures")[1].split("\n## ")[0]
    told = figures("\n".join(line for line in section.splitlines() if line.startswith("|")))
    measured = [ROOT / "docs" / name for name in ("conformance.md", "frost.md", "performance.md")]
    held = set().union(*(figures(page.read_text("utf-8")) for page in measured if page.exists()))
    assert told
    assert told <= held
    assert "TBD" not in readme


def test_a_figure_that_nobody_measured_would_be_found() -> None:
    assert figures("| 41,203 a second | p99 12.75 ms of 8 |") == {"41203", "12.75"}


def test_every_type_that_hansa_writes_is_among_the_words() -> None:
    apps, _ = installed()
    written = {kind for app in apps for kind in app.writes} | {profile["type"] for profile in STANDARD.values()}
    words = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "words.md").read_text("utf-8").split("## Types")[1]))
    assert written | {"Device", "Command", "Credential", "DeadLetter"} <= words


def test_every_decision_says_what_why_what_gets_worse_and_what_holds_it() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [int(record.name[:4]) for record in records]
    assert numbers == list(range(1, len(records) + 1))
    assert records
    for record in records:
        headings = re.findall(r"^## (.+)$", record.read_text("utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "What gets worse", "What shows that it still holds"], record.name
        held = CODE.findall(record.read_text("utf-8").split("## What shows that it still holds")[1])
        assert any(path.startswith("tests/") for path in held), record.name
