"""Writes docs/conformance.md: which module keeps which clause of ETSI CIM 009 v1.9.1, and how the ETSI suite goes.

    python docs/conformance.py            # write the page
    python docs/conformance.py --check    # only say whether it is as it would be written

Nothing here knows hansa: docstrings say which clauses a module, class or function keeps ("6.4.3.2: 5.7.2 Query
Entities"), docstrings and comments of tests say which they hold to. Beside this file, in `conformance/`: `clauses.json`
(numbers and titles), `missing.toml` (what is not built, and why), `etsi.json` (the last run, by `bench/etsi.py`) and
`reasons.toml` (why a test of the suite fails).
"""  # noqa: INP001 - a tool beside the page that it writes, no package

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
KEPT: Final = ROOT / "docs" / "conformance"
PAGE: Final = ROOT / "docs" / "conformance.md"
PACKAGES: Final = ("platform", "network", "model")  # of src/hansa: where the standard is kept
TITLES: Final[dict[str, str]] = json.loads((KEPT / "clauses.json").read_text("utf-8"))
CHAPTERS: Final = {"4": "Information and languages", "5": "Operations and data types", "6": "HTTP", "7": "MQTT"}

# Other numbers with dots: versions, sections of an RFC, of the report that hansa is built by, and of this page's tools.
_OTHERS: Final = re.compile(
    r"\bv?(?:MQTT|TLS|HTTP/|JSON-LD|Python|context|v)\s?v?\d+(?:\.\d+)+|RFC \d+(?:, (?:section )?[\d.]+)?"
    r"|§\s?[\d.]+|sections? [\d.]+(?:(?:,| and| to) [\d.]+)*|CIM 009 v[\d.]+",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"(?<![\w.-])([4-7](?:\.\d{1,2}){1,4})(?![\w-]|\.\d)")
_AS_CLAUSE: Final = re.compile(r"(?:\(|clauses? |, |and |to |: )\Z")
_ENDS: Final = re.compile(r"[),:;.]|\Z| and | to ")
_COMMENT: Final = re.compile(r"^[^#\n]*#( .*)$", re.MULTILINE)
_TO: Final = re.compile(r" to \Z")


@dataclass
class Kept:
    """Where a clause is kept: functions by module (none: the module as a whole), and test files."""

    modules: dict[str, list[str]] = field(default_factory=dict)
    tests: set[str] = field(default_factory=set)


def order(clause: str) -> list[int]:
    """Clauses as the standard orders them."""
    return [int(part) for part in clause.split(".")]


def clauses_in(text: str) -> list[str]:
    """The clauses that a text names, "5.6.7 to 5.6.10" spelled out; one below a known one counts for that one."""
    found: list[str] = []
    text = _OTHERS.sub("", text)
    for match in _NUMBER.finditer(text):
        said = match[1]
        before = text[: match.start()]
        # Two numbers may be a measure; three are a clause, if there is one.
        if said.count(".") == 1 and not (_AS_CLAUSE.search(before) and _ENDS.match(text, match.end())):
            continue
        clause = _known(said)
        if clause is None:
            continue
        if _TO.search(before) and found:
            first = order(found[-1])
            found += [one for one in TITLES if first < order(one) < order(clause) and len(order(one)) == len(first)]
        found.append(clause)
    return list(dict.fromkeys(found))


def _known(said: str) -> str | None:
    parts = said.split(".")
    for many in range(len(parts), 2, -1):
        if ".".join(parts[:many]) in TITLES:
            return ".".join(parts[:many])
    return said if said in TITLES else None


def docstrings(source: str) -> Iterator[tuple[str, str]]:
    """The docstrings of a module: the name of what each is of ("" for the module), and the text."""
    waiting: list[Any] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        yield getattr(node, "name", ""), ast.get_docstring(node, clean=False) or ""
        waiting += [one for one in node.body if isinstance(one, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]


@cache
def kept() -> dict[str, Kept]:
    """What is kept where, by clause."""
    found: dict[str, Kept] = {}
    modules = sorted(path for one in PACKAGES for path in (ROOT / "src" / "hansa" / one).rglob("*.py"))
    modules = [path for path in modules if "mqtt" not in path.parts]  # whose numbers are MQTT's own
    for path in modules:
        where = path.relative_to(ROOT).as_posix()
        for name, text in docstrings(path.read_text("utf-8")):
            for clause in clauses_in(text):
                functions = found.setdefault(clause, Kept()).modules.setdefault(where, [])
                if name and name not in functions:
                    functions.append(name)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text("utf-8")
        said = [text for _, text in docstrings(source)] + _COMMENT.findall(source)
        for clause in clauses_in("\n".join(said)):
            if clause in found:
                found[clause].tests.add(path.relative_to(ROOT).as_posix())
    _mirrored(found)
    for clause, one in found.items():  # what holds other clauses is held by their tests
        one.tests.update(*(found[other].tests for other in found if other.startswith(f"{clause}.")))
    return {clause: found[clause] for clause in sorted(found, key=order)}


def _mirrored(found: dict[str, Kept]) -> None:
    """A clause that no test names is held by tests of a module that keeps it: of its name, or that import it."""
    sources = {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    }
    modules = sorted({module for one in found.values() for module in one.modules})
    tests = {module: _tests_of(module, sources) for module in modules}
    for one in found.values():
        if not one.tests:
            one.tests.update(*(tests[m] for m, functions in one.modules.items() if functions or len(one.modules) == 1))


def _tests_of(module: str, sources: dict[str, str]) -> list[str]:
    stem = Path(module).stem
    dotted = module.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    uses = (f"from {dotted} import", f"import {dotted}\n")
    beside = module.replace("src/hansa/", "tests/").rpartition("/")[0]
    return [
        path
        for path, text in sources.items()
        if (path.rpartition("/")[0] == beside and _named_for(path, stem)) or any(one in text for one in uses)
    ]


def _named_for(test: str, stem: str) -> bool:
    """Whether a test file bears a module's name: `test_ngsild_temporal.py` that of `temporal` and `temporal_x`."""
    name = Path(test).stem.removeprefix("test_").removeprefix("ngsild_")
    return name in {stem, stem.removesuffix("s")} or stem.startswith(f"{name}_") or name.startswith(f"{stem}_")


def missing() -> dict[str, str]:
    """What is not built and why, by clause or by the clause that holds it."""
    said: dict[str, dict[str, Any]] = tomllib.loads((KEPT / "missing.toml").read_text("utf-8"))
    return {clause: group["why"] for group in said.values() for clause in group["clauses"]}


def reason(clause: str, reasons: dict[str, str]) -> str | None:
    """Why a clause is not built; None when nothing says that it is not."""
    parts = clause.split(".")
    return next((reasons[one] for n in range(len(parts), 0, -1) if (one := ".".join(parts[:n])) in reasons), None)


@cache
def leaves() -> list[str]:
    """The clauses that ask for something: those that hold no others, and the titled ones that do both."""
    return [one for one in TITLES if len(order(one)) > 2 or not any(other.startswith(f"{one}.") for other in TITLES)]


def claimed(clause: str, held: dict[str, Kept]) -> bool:
    """Whether a module keeps a clause: by its number, or by that of its parts or, below three levels, its whole."""
    above = ".".join(clause.split(".")[:3])
    return clause in held or any(one.startswith(f"{clause}.") for one in held) or above in held


def failing() -> list[dict[str, str]]:
    """The tests of the suite that fail, each with the clause and why; `why` is empty where nothing says why."""
    run = etsi()
    said = tomllib.loads((KEPT / "reasons.toml").read_text("utf-8")).get("test", [])
    found = []
    for test in run["failing"] + run["not_run"]:
        known = next((one for one in said if re.search(one["match"], test)), {"clause": "", "why": ""})
        found.append({"test": test, "clause": known["clause"], "why": known["why"]})
    return found


def etsi() -> dict[str, Any]:
    """The last run of the suite, as `bench/etsi.py` left it."""
    run: dict[str, Any] = json.loads((KEPT / "etsi.json").read_text("utf-8"))
    return run


# The page


def page() -> str:
    """The whole page."""
    return "\n".join([*_head(), *_suite(), *_clauses()]).rstrip() + "\n"


def _head() -> list[str]:
    held = kept()
    return [
        "# Conformance",
        "",
        "Which module keeps which clause of ETSI CIM 009 v1.9.1 (NGSI-LD), which tests hold it to that, and how the",
        "ETSI suite goes. Clause 5.7.2 is at `conformance.md#5.7.2`. `python docs/conformance.py` writes the page from",
        "the docstrings, which name the clauses, and from the files in `conformance/`; a test holds that it is up to",
        "date, and that every clause of chapters 5 and 6 is kept, or named as missing with the reason.",
        "",
        f"{len(held)} clauses are kept.",
        "",
    ]


def _suite() -> list[str]:
    run = etsi()
    lines = ["## The ETSI suite", ""]
    lines += [f"`{run['suite']}`, in {run['seconds']:,} s against a city that is empty before each file:", ""]
    lines += ["    python -m bench.etsi --suite DIR --driver run_etsi.py --python PYTHON", ""]
    lines += ["| tier | passed | failed | skipped |", "|---|---:|---:|---:|"]
    lines += [_counts(name, found) for name, found in run["tiers"].items()]
    lines += ["", "| folder | passed | failed | skipped |", "|---|---:|---:|---:|"]
    lines += [_counts(name, found) for name, found in run["folders"].items()]
    lines += ["", "### Tests that fail", ""]
    by_reason: dict[tuple[str, str], list[str]] = {}
    for one in failing():
        by_reason.setdefault((one["clause"], one["why"]), []).append(one["test"])
    if not by_reason:
        return [*lines, "None.", ""]
    lines += ["| clause | why | tests |", "|---|---|---|"]
    for (clause, why), tests in sorted(by_reason.items(), key=lambda one: (one[0][0] == "", one[0])):
        names = ", ".join(f"`{name}`" for name in _short(tests))
        lines.append(f"| {clause} | {why or 'not looked at yet'} | {len(tests)}: {names} |")
    return [*lines, ""]


def _counts(name: str, found: dict[str, int]) -> str:
    return f"| {name} | {found['passed']:,} | {found['failed']:,} | {found['skipped']:,} |"


def _short(tests: Sequence[str]) -> list[str]:
    """The tests by the names of their files, as the suite's own reports call them."""
    return list(dict.fromkeys(Path(test.split("::")[0]).stem for test in tests))


def _clauses() -> list[str]:
    held, reasons = kept(), missing()
    lines: list[str] = []
    for chapter, subject in CHAPTERS.items():
        lines += [f"## Chapter {chapter}: {subject}", "", "| clause | | modules | tests |", "|---|---|---|---|"]
        lines += [_row(one, held, reasons) for one in TITLES if one.startswith(f"{chapter}.")]
        lines.append("")
    return lines


def _row(clause: str, held: dict[str, Kept], reasons: dict[str, str]) -> str:
    name = f'<a id="{clause}"></a>{clause}'
    title = TITLES[clause] if clause in leaves() else f"**{TITLES[clause]}**"
    one = held.get(clause)
    if one is None:
        why = reason(clause, reasons)
        if why is not None:
            return f"| {name} | {title} | missing: {why} | |"
        inside = clause in leaves() and any(other.startswith(f"{clause}.") for other in held)
        return f"| {name} | {title} | {'see its parts' if inside else ''} | |"
    modules = sorted(one.modules.items(), key=lambda entry: (not entry[1], entry[0]))
    shown = "; ".join(_module(path, functions) for path, functions in modules)
    tests = ", ".join(f"[{Path(path).stem}](../{path})" for path in sorted(one.tests))
    return f"| {name} | {title} | {shown} | {tests} |"


def _module(path: str, functions: Sequence[str]) -> str:
    short = path.removeprefix("src/hansa/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return f"[{short}](../{path})" + "".join(f" `{one}`" for one in functions)


def main(words: Sequence[str]) -> int:
    """Write the page, or check it."""
    written = page()
    if "--check" in words:
        if PAGE.read_text("utf-8") == written:
            return 0
        sys.stderr.write("docs/conformance.md is not what the docstrings say: run python docs/conformance.py\n")
        return 1
    PAGE.write_text(written, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
