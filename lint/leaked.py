"""Secrets that were written down: in the tree, or in any commit of the history.

    python -m lint.leaked

What looks like a secret and is none (a published test vector, a made-up password) is named in `leaked.toml` by its
fingerprint, with the reason; an entry that matches nothing any more is a fault too. What is printed is where it stands
and its fingerprint, never the secret.
"""

import hashlib
import math
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
KNOWN: Final = ROOT / "lint" / "leaked.toml"
LARGEST: Final = 2_000_000  # bytes of a file; larger ones are data, and their history is read by its lines all the same

# The group is the secret itself. Formats that say whose they are need no guess; the last two need one.
KINDS: Final = {
    "private key": re.compile(r"(-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:\\n|\s)*[\w+/=]{8,})"),
    "private JWK": re.compile(r"""["']d["']\s*:\s*["']([\w-]{40,})["']"""),
    "cloud key": re.compile(r"\b((?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{35})\b"),
    "forge token": re.compile(r"\b(gh[opsur]_\w{36,}|github_pat_\w{40,}|glpat-[\w-]{20,})"),
    "service token": re.compile(r"\b(xox[abprs]-[\w-]{12,}|sk_live_\w{16,}|npm_\w{36}|pypi-AgE[\w-]{40,})"),
    "token of hansa": re.compile(r"\b(hansa_[\w-]{32,})"),
    "signed token": re.compile(r"\b(eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,})"),
    "password in an address": re.compile(r"\b[a-z][a-z+.-]*://[^\s/:@\"'`<>{}$]+:([^\s/@\"'`<>{}$]{3,})@"),
    "secret in words": re.compile(
        r"(?i)(?:password|passphrase|secret|token|api_?key|bearer)\w*[\"']?\s*(?::\s*str\s*)?[:=]=?\s*b?[\"']([^\"'\s{}<>$]{12,})[\"']"
    ),
}
_GUESSED: Final = {"secret in words"}
_DRAWN_BITS: Final = 3.3  # of a letter, on average: above it a word was drawn, not thought of


@dataclass(frozen=True)
class Leak:
    """What looks like a secret: of which kind, and in which file, line (0: unknown) or commit it stands."""

    kind: str
    where: str
    print: str


def main(words: list[str]) -> int:
    """Look at the tree and its history (or those of the folder named), and say what was found."""
    root = Path(words[0]) if words else ROOT
    known = reasons(root / KNOWN.relative_to(ROOT))
    found = {leak.print: leak for leak in (*of_history(root), *of_tree(root))}  # the tree's place is the better one
    fresh = [leak for name, leak in found.items() if name not in known]
    for leak in fresh:
        sys.stderr.write(f"{leak.where}: a {leak.kind}, or so it looks (fingerprint {leak.print})\n")
    stale = sorted(set(known) - set(found))
    for name in stale:
        sys.stderr.write(f"lint/leaked.toml: nothing has the fingerprint {name} any more\n")
    return 1 if fresh or stale else 0


def reasons(path: Path) -> dict[str, str]:
    """What is known to be no secret: why, by fingerprint."""
    if not path.exists():
        return {}
    said = tomllib.loads(path.read_text("utf-8"))
    return {name: one["why"] for one in said["known"].values() for name in one["prints"]}


def leaks(text: str, where: str) -> Iterator[Leak]:
    """What looks like a secret in a text."""
    for kind, pattern in KINDS.items():
        for match in pattern.finditer(text):
            secret = match[1]
            if kind in _GUESSED and not _drawn(secret):
                continue
            line = text.count("\n", 0, match.start()) + 1
            yield Leak(kind, f"{where}:{line}", hashlib.sha256(secret.encode()).hexdigest()[:16])


def of_tree(root: Path) -> Iterator[Leak]:
    """What stands in the files of the tree, those that are not committed yet among them."""
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        path = root / name
        if path.is_file() and path.stat().st_size <= LARGEST:
            content = path.read_bytes()
            if b"\0" not in content[:8000]:
                yield from leaks(content.decode("utf-8", "replace"), name)


def of_history(root: Path) -> Iterator[Leak]:
    """What any commit, on any branch, ever added."""
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        sys.stderr.write("this is a shallow clone: of its history only the newest part was looked at\n")
    log = _git(root, "log", "--all", "--no-color", "--no-ext-diff", "--no-textconv", "-U0", "-p", "--format=%x00%h")
    for commit in log.split("\0")[1:]:
        name, _, diff = commit.partition("\n")
        for where, added in _added(diff.splitlines()):
            yield from leaks(added, f"commit {name}, {where}")


def _added(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    where, added = "", list[str]()
    for line in lines:
        if line.startswith("+++ "):
            yield where, "\n".join(added)
            where, added = line[4:].removeprefix("b/"), []
        elif line.startswith("+"):
            added.append(line[1:])
    yield where, "\n".join(added)


def _drawn(secret: str) -> bool:
    """Whether a word looks drawn by lot, not made of words."""
    if re.fullmatch(r"[A-Za-z_.-]+|urn:\S+|https?:\S+|[\d.:/-]+", secret):
        return False
    counts = Counter(secret).values()
    bits = -sum(n / len(secret) * math.log2(n / len(secret)) for n in counts)
    return bits >= _DRAWN_BITS


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, check=False)  # noqa: S603, S607  # nosec B607
    if done.returncode:
        sys.stderr.write(f"could not look: git {words[0]}: {done.stderr.decode('utf-8', 'replace').strip()}\n")
        raise SystemExit(2)
    return done.stdout.decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
