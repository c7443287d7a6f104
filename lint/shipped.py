"""What ships with hansa: the packages of `requirements/base.lock`, and what is vendored for the page.

Of a package: name, version, the hashes that its lock accepts, and what its installed metadata say of licence and needs.
The metadata are read from a folder of installed packages, so that another interpreter than hansa's can read them.
"""

import re
import sysconfig
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "requirements" / "base.lock"
VENDOR: Final = ROOT / "src" / "hansa" / "centres" / "static" / "vendor"
SAID: Final = ROOT / "lint" / "licences.toml"

_PINNED: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[\w,.-]+\])?==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>.+))?"
)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Unlocked(ValueError):
    """A lock does not say exactly what it takes: the line, and what is wrong with it."""


@dataclass(frozen=True)
class Locked:
    """One package of a lock: the marker says where it is wanted (empty: everywhere)."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


@dataclass(frozen=True)
class Package:
    """What ships: `licence` is an SPDX expression, or empty where nobody said one; `files` and their SHA-256."""

    name: str
    version: str
    kind: str  # pypi or npm
    licence: str
    hashes: tuple[str, ...]
    needs: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


def locked(text: str) -> list[Locked]:
    """The packages of a lock. Raises Unlocked for a line without version or hash, or that says where to look."""
    found: list[Locked] = []
    for line in text.replace("\\\n", " ").splitlines():
        said = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if not said:
            continue
        hashes = tuple(sorted(_HASH.findall(said)))
        head = _PINNED.fullmatch(_HASH.sub("", said).strip())
        if head is None:
            raise Unlocked(f"{said[:80]}: a package is pinned by its version, and from nowhere else")
        if not hashes:
            raise Unlocked(f"{said[:80]}: has no hash")
        found.append(Locked(canonical(head["name"]), head["version"], (head["marker"] or "").strip(), hashes))
    return found


def canonical(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def packages(site: Path | None = None, lock: Path = LOCK) -> list[Package]:
    """The packages of a lock, with what their installed metadata say. Raises Unlocked where one is missing."""
    site = site or Path(sysconfig.get_path("purelib"))
    installed = {canonical(one.metadata["Name"]): one for one in distributions(path=[str(site)])}
    given = tomllib.loads(SAID.read_text("utf-8"))["named"]
    found = []
    pinned = locked(lock.read_text("utf-8"))
    here = {(one.name, one.version) for one in pinned} & {(name, one.version) for name, one in installed.items()}
    known = {name for name, _ in here}
    for one in pinned:
        if one.name in known and (one.name, one.version) not in here:
            continue  # locked once more for another Python: what is installed here speaks for both
        distribution = installed.get(one.name)
        if distribution is None or distribution.version != one.version:
            raise Unlocked(f"{one.name} {one.version} is not installed in {site}")
        said = licence(distribution) or given.get(one.name, {}).get("licence", "")
        found.append(Package(one.name, one.version, "pypi", said, one.hashes, tuple(_needs(distribution))))
    names = {one.name for one in found}
    return [
        Package(p.name, p.version, p.kind, p.licence, p.hashes, tuple(sorted(names.intersection(p.needs))))
        for p in found
    ]


def vendored() -> list[Package]:
    """What is vendored for the page, by the table of its README and its checksums."""
    sums = [line.split("  ", 1) for line in (VENDOR / "SHA256SUMS").read_text("utf-8").splitlines()]
    found = []
    rows = re.findall(
        r"^\| `([\w.-]+)` \| ([\w./@-]+)[^|]*\| ([\d.]+) \| ([\w.-]+)",
        (VENDOR / "README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    for folder, name, version, said in rows:
        files = tuple((path, digest) for digest, path in sums if path.startswith(f"{folder}/"))
        found.append(Package(name, version, "npm", said, (), files=files))
    return found


def licence(distribution: Distribution) -> str:
    """The SPDX expression that a package's metadata say; empty where they say none, or only a family of licences."""
    said = distribution.metadata
    if "License-Expression" in said:
        return str(said["License-Expression"])
    names: dict[str, str] = tomllib.loads(SAID.read_text("utf-8"))["names"]
    text = " ".join(said.get_all("License") or []).strip()
    if text in names:
        return names[text]
    classes = [
        str(one).rpartition(" :: ")[2] for one in said.get_all("Classifier") or [] if str(one).startswith("License ::")
    ]
    exact = [names[one] for one in classes if one in names]
    return " OR ".join(exact) if exact and len(exact) == len(classes) else ""


def _needs(distribution: Distribution) -> Iterator[str]:
    for line in distribution.requires or []:
        name, _, marker = line.partition(";")
        if "extra" not in marker:
            match = re.match(r"[\w.-]+", name)
            if match:
                yield canonical(match[0])


def hansa() -> dict[str, Any]:
    """What pyproject.toml says of hansa itself."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project
