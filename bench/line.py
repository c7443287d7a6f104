"""A line of 1 Mbit/s between two network namespaces, full of bulk traffic both ways, and warnings that must pass it.

Each namespace belongs to a process (`bench.line_end`) and has no name: it is gone with the process, and that ends when
our end of its pipe closes, even after kill -9. Nothing of the host's own network is seen or touched.

What the line carries is held by a token bucket behind each receiving end, with the half second of dumb queue that
modems have; what the city reserves is held at the sending ends, by `hansa link set` as anybody would call it.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.line_end import FAR, NEAR

ROOT = Path(__file__).parents[1]
ENDS = (("near", "v0", NEAR), ("far", "v1", FAR))


@dataclass(frozen=True)
class Told:
    """What became of the warnings: seconds until each was acknowledged, how many never were; bulk's kbit/s out."""

    took_s: list[float]
    lost: int
    heard: int
    twice: int
    bulk_kbit: float

    def quantile(self, share: float) -> float:
        """The seconds within which that share of all warnings was acknowledged; infinite where they never were."""
        at = int(share * (len(self.took_s) + self.lost))
        return sorted(self.took_s)[at] if at < len(self.took_s) else float("inf")


def impossible() -> str:
    """Why there can be no such line here; empty where there can."""
    for program in ("unshare", "nsenter", "ip", "tc"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    probe = (
        "ip link add v0 type veth peer name v1 && ip link add i0 type ifb && tc qdisc add dev v0 root htb "
        "&& tc qdisc add dev v1 ingress && tc qdisc add dev i0 root tbf rate 1mbit burst 4kb latency 1s"
    )
    done = subprocess.run(["unshare", "--net", "sh", "-c", probe], capture_output=True, text=True, check=False)
    return done.stderr.strip()[:200] if done.returncode else ""


class Line:
    """A context: the line is there within it. At each of the `shaped` ends `hansa link set` is called."""

    def __init__(self, *shaped: str, rate: str = "1mbit", given: str = "950kbit") -> None:
        """The line's rate, and the rate that is given to `hansa link set`: a little less, so that its queue is ours."""
        self.shaped, self.rate, self.given = shaped, rate, given
        self._ends: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        """Make both ends and what is between them."""
        try:
            for role, _, _ in ENDS:
                self._ends[role] = subprocess.Popen(
                    ["unshare", "--net", sys.executable, "-m", "bench.line_end", role],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=ROOT,
                )
            for role, _, _ in ENDS:
                self._heard(role)
            far = str(self._ends["far"].pid)
            self._in("near", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", far)
            for role, dev, hosts in ENDS:
                self._wire(role, dev, list(hosts.values()))
                if role in self.shaped:
                    self.share(role)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close the ends' input: they go, and their namespaces with them."""
        for end in self._ends.values():
            for pipe in (end.stdin, end.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        for end in self._ends.values():
            try:
                end.wait(5)
            except subprocess.TimeoutExpired:
                end.kill()
                end.wait()

    def _wire(self, role: str, dev: str, hosts: list[str]) -> None:
        """Addresses, and the line itself: what comes in waits in front of a token bucket."""
        self._in(role, "ip", "link", "set", "lo", "up")
        for host, bits in zip(hosts, ("30", "64"), strict=True):
            self._in(role, "ip", "addr", "add", f"{host}/{bits}", "dev", dev, *(("nodad",) if ":" in host else ()))
        self._in(role, "ip", "link", "add", "line0", "type", "ifb")
        bucket = ("tbf", "rate", self.rate, "burst", "1600", "latency", "500ms")
        self._in(role, "tc", "qdisc", "add", "dev", "line0", "root", *bucket)
        self._in(role, "ip", "link", "set", "line0", "up")
        self._in(role, "tc", "qdisc", "add", "dev", dev, "ingress")
        everything = ("protocol", "all", "u32", "match", "u32", "0", "0")
        to = ("action", "mirred", "egress", "redirect", "dev", "line0")
        self._in(role, "tc", "filter", "add", "dev", dev, "parent", "ffff:", *everything, *to)
        self._in(role, "ip", "link", "set", dev, "up")

    def share(self, role: str) -> str:
        """Call `hansa link set` at one end, as anybody would; what it says."""
        words = ("--rate", self.given, "--direction", "out")
        return self._in(role, sys.executable, "-m", "hansa", "link", "set", {"near": "v0", "far": "v1"}[role], *words)

    def within(self, role: str, *words: str) -> str:
        """What a program says that runs at one end."""
        return self._in(role, *words)

    def warn(self, count: int, every_s: float, *, patience_s: float, settle_s: float = 1.0, bulk: bool = True) -> Told:
        """Fill the line, send warnings, and hear what became of them."""
        if bulk:
            self._ask("far", {"flood": True})
        before, begun = self._ask("far", {}), time.monotonic()
        said = {"count": count, "every_s": every_s, "patience_s": patience_s, "settle_s": settle_s, "bulk": bulk}
        took = self._ask("near", said)["took_s"]
        lasted, after = time.monotonic() - begun, self._ask("far", {})
        held = [one for one in took if one is not None]
        kbit = (after["sunk"] - before["sunk"]) * 8 / 1_000 / lasted
        return Told(held, len(took) - len(held), after["heard"], after["twice"], kbit)

    def _ask(self, role: str, said: dict[str, Any]) -> dict[str, Any]:
        pipe = self._ends[role].stdin
        assert pipe is not None
        pipe.write(json.dumps(said) + "\n")
        pipe.flush()
        return self._heard(role)

    def _heard(self, role: str) -> dict[str, Any]:
        pipe = self._ends[role].stdout
        assert pipe is not None
        row = pipe.readline()
        if not row:
            raise RuntimeError(f"the {role} end of the line is gone")
        told: dict[str, Any] = json.loads(row)
        return told

    def _in(self, role: str, *words: str) -> str:
        where = ["nsenter", "--target", str(self._ends[role].pid), "--net", "--"]
        done = subprocess.run([*where, *words], capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()[:300]}")
        return done.stdout
