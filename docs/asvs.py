"""Writes docs/asvs.md: how hansa stands to OWASP's Application Security Verification Standard 5.0, line by line.

    python docs/asvs.py            # write the page
    python docs/asvs.py --check    # only say whether it is as it would be written

Beside this file, in `asvs/`: `levels.json` (the ids of the standard and their levels) and `lines.toml`, which says of
each line of levels 1 and 2 what it asks in a few words of our own, and then one of: `tests` that hold it; `why` it does
not apply, or holds by the way hansa is made; what is `open`.
"""  # noqa: INP001 - a tool beside the page that it writes, no package

import ast
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
KEPT: Final = ROOT / "docs" / "asvs"
PAGE: Final = ROOT / "docs" / "asvs.md"
LEVELS: Final[dict[str, int]] = json.loads((KEPT / "levels.json").read_text("utf-8"))
CHAPTERS: Final = {
    "V1": "Encoding and sanitization",
    "V2": "Validation and business logic",
    "V3": "Web frontend",
    "V4": "API and web service",
    "V5": "File handling",
    "V6": "Authentication",
    "V7": "Sessions",
    "V8": "Authorization",
    "V9": "Self-contained tokens",
    "V10": "OAuth and OIDC",
    "V11": "Cryptography",
    "V12": "Secure communication",
    "V13": "Configuration",
    "V14": "Data protection",
    "V15": "Secure coding and architecture",
    "V16": "Logging and errors",
    "V17": "WebRTC",
}
ANSWERS: Final = ("tests", "why", "open")


def chapter(line: str) -> str:
    """The chapter of a line, such as V11."""
    return line.partition(".")[0]


@cache
def lines() -> dict[str, dict[str, Any]]:
    """What is said of each line, in the order of the standard."""
    said: dict[str, dict[str, Any]] = tomllib.loads((KEPT / "lines.toml").read_text("utf-8"))
    return {line: said[line] for line in sorted(said, key=lambda one: [int(part) for part in one[1:].split(".")])}


def faults(said: dict[str, dict[str, Any]]) -> list[str]:
    """What is wrong with what is said: a line that is not there or twice answered, a test that does not exist."""
    found = [f"{line}: nothing is said of it" for line, level in LEVELS.items() if level < 3 and line not in said]
    for line, one in said.items():
        if line not in LEVELS:
            found.append(f"{line}: there is no such line")
        if not str(one.get("asks", "")).strip():
            found.append(f"{line}: does not say what is asked")
        answers = [name for name in ANSWERS if one.get(name)]
        if len(answers) != 1 or set(one) - {"asks", "how", *ANSWERS}:
            found.append(f"{line}: wants one of {', '.join(ANSWERS)}")
        found += [f"{line}: there is no {test}" for test in one.get("tests", []) if not exists(test)]
    return found


def exists(test: str) -> bool:
    """Whether a test is there: a file, or a function of one (`tests/lint/test_x.py::test_y`)."""
    path, _, function = test.partition("::")
    return path.startswith("tests/") and (not function or function in _functions(path)) and bool(_functions(path))


@cache
def _functions(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text("utf-8"))
    made = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in made if node.name.startswith("test_"))


def counts(level: int) -> Counter[str]:
    """How many lines of a level have which answer."""
    return Counter(
        next(name for name in ANSWERS if one.get(name)) for line, one in lines().items() if LEVELS[line] == level
    )


# The page


def page() -> str:
    """The whole page."""
    return "\n".join([*_head(), *(row for one in CHAPTERS for row in _chapter(one))]).rstrip() + "\n"


def _head() -> list[str]:
    rows = []
    for level in (1, 2):
        found = counts(level)
        rows.append(f"| {level} | {found.total()} | {found['tests']} | {found['why']} | {found['open']} |")
    beyond = sum(1 for level in LEVELS.values() if level == 3)
    return [
        "# Security requirements",
        "",
        "How hansa stands to the [Application Security Verification Standard](https://github.com/OWASP/ASVS)",
        "5.0.0 of OWASP (CC BY-SA 4.0), line by line. The words are ours and short; the standard's text decides.",
        "A line is held by a test that would fail without it; or it does not apply, or holds by the way hansa is",
        "made, and the table says why; or it is open, and the table says what is missing. `python docs/asvs.py`",
        "writes this page from `asvs/`; a test holds that it is up to date, that the tests are there, that nothing",
        "of level 1 is open, and little of level 2.",
        "",
        "| level | lines | held by tests | with a reason | open |",
        "|---:|---:|---:|---:|---:|",
        *rows,
        "",
        f"The {beyond} lines of level 3 are not claimed.",
        "",
    ]


def _chapter(name: str) -> list[str]:
    rows = [_row(line, one) for line, one in lines().items() if chapter(line) == name]
    return [
        f"## {name} {CHAPTERS[name]}",
        "",
        "| line | level | asks | how it is held |",
        "|---|---:|---|---|",
        *rows,
        "",
    ]


def _row(line: str, one: dict[str, Any]) -> str:
    how = str(one.get("how", ""))
    if tests := one.get("tests"):
        shown = ", ".join(_test(test) for test in tests)
        how = f"{how}: {shown}" if how else shown
    elif one.get("why"):
        how = str(one["why"])
    else:
        how = f"**open**: {one['open']}"
    return f"| {line} | {LEVELS[line]} | {one['asks']} | {how} |"


def _test(test: str) -> str:
    path, _, function = test.partition("::")
    return f"[{function or Path(path).stem}](../{path})"


def main(words: Sequence[str]) -> int:
    """Write the page, or check it."""
    wrong = faults(lines())
    if wrong:
        sys.stderr.write("\n".join(wrong) + "\n")
        return 1
    written = page()
    if "--check" in words:
        if PAGE.read_text("utf-8") == written:
            return 0
        sys.stderr.write("docs/asvs.md is not what asvs/lines.toml says: run python docs/asvs.py\n")
        return 1
    PAGE.write_text(written, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
