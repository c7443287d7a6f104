"""Makes a release of the last commit: wheel, sdist, SBOM and their checksums.

    python -m lint.release DIR

What is built is the commit, not what happens to lie in the folder. It is built twice, in different places, zones and
with different rights, and the wheel a third time from the sdist; a byte of difference is a fault, because then nobody
could prove that what ships is what was written. Times are the commit's (SOURCE_DATE_EPOCH).
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_LINT: Final = ROOT / ".venv-lint" / "bin" / "python"  # has what writes and validates an SBOM; hansa needs none of it


class NotTheSame(Exception):
    """Two builds of one commit differ: the file's name."""


def main(words: list[str]) -> int:
    """Make the release into a folder."""
    to = Path(words[0] if words else "dist").resolve()
    if unsaid := _run("git", "status", "--porcelain", cwd=ROOT).strip():
        some = "\n".join(unsaid.splitlines()[:5])
        sys.stderr.write(f"a release is of a commit, and these are in none:\n{some}\n")
        return 2
    with tempfile.TemporaryDirectory() as held:
        try:
            made = twice(ROOT, Path(held))
        except NotTheSame as fault:
            sys.stderr.write(f"{fault} is not the same when it is built again: nobody could check it\n")
            return 1
        to.mkdir(parents=True, exist_ok=True)
        for old in (*to.glob("hansa-*"), *to.glob("SHA256SUMS")):
            old.unlink()
        kept = [Path(shutil.copy(path, to)) for path in made]
    wheel = next(path for path in kept if path.suffix == ".whl")
    bill = to / f"{'-'.join(wheel.name.split('-')[:2])}.cdx.json"
    site = sysconfig.get_path("purelib")
    _run(str(_LINT), "-m", "lint.sbom", str(bill), site, str(epoch(ROOT)), *map(str, kept), cwd=ROOT)
    sums = "".join(f"{digest(path)}  {path.name}\n" for path in sorted([*kept, bill]))
    (to / "SHA256SUMS").write_text(sums, "utf-8")
    sys.stdout.write(sums)
    return 0


def twice(root: Path, held: Path) -> list[Path]:
    """Wheel and sdist of a repository's last commit, built three times under `held`. Raises NotTheSame."""
    when = epoch(root)
    first = _build(_exported(root, held / "a"), held / "first", when, umask=0o022, zone="UTC")
    second = _build(_exported(root, held / "elsewhere" / "b"), held / "second", when, umask=0o077, zone="Asia/Tokyo")
    sdist, wheel = sorted(first, key=lambda path: path.suffix)
    again = _build(_unpacked(sdist, held / "c"), held / "third", when, umask=0o027)
    pairs = [*zip(first, second, strict=True), (wheel, next(path for path in again if path.suffix == ".whl"))]
    for one, other in pairs:
        if (one.name, digest(one)) != (other.name, digest(other)):
            raise NotTheSame(one.name)
    return first


def epoch(root: Path) -> int:
    """When the last commit was made: every time in a release."""
    return int(_run("git", "log", "-1", "--format=%ct", cwd=root))


def digest(path: Path) -> str:
    """A file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _exported(root: Path, to: Path) -> Path:
    """The last commit's files and nothing else."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", "HEAD"],  # noqa: S607  # nosec B607
        cwd=root,
        capture_output=True,
        check=True,
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(to, filter="data")
    return to


def _unpacked(sdist: Path, to: Path) -> Path:
    with tarfile.open(sdist) as archive:
        archive.extractall(to, filter="data")
    return next(to.iterdir())


def _build(tree: Path, to: Path, when: int, *, umask: int, zone: str = "UTC") -> list[Path]:
    for path in tree.rglob("*"):  # as a checkout under that umask would have it
        path.chmod((0o777 if path.is_dir() or os.access(path, os.X_OK) else 0o666) & ~umask)
    words = (sys.executable, "-m", "hatchling", "build", "-d", str(to), "-t", "sdist", "-t", "wheel")
    _run(*words, cwd=tree, umask=umask, SOURCE_DATE_EPOCH=str(when), TZ=zone, PYTHONDONTWRITEBYTECODE="1")
    return sorted(to.iterdir())


def _run(*words: str, cwd: Path, umask: int = -1, **more: str) -> str:
    done = subprocess.run(  # noqa: S603
        words, cwd=cwd, env=os.environ | more, umask=umask, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"{words[0]} failed")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
