"""Processes of a bench: a city on one core, its cost in CPU, memory and written bytes, and what machine this is."""

import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from bench import hot

ROOT: Final = Path(__file__).parents[1]
TICK: Final = os.sysconf("SC_CLK_TCK")
CITY_CORE: Final = "0"
LOAD_CORE: Final = "1"
_HERE: Final = ("--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--trust-loopback")


def describe() -> str:
    """The machine in a line: cores, processor, memory, and how busy it is already."""
    model = next((x.split(":")[1].strip() for x in _lines("/proc/cpuinfo") if x.startswith("model name")), "unknown")
    memory = next((int(x.split()[1]) // 2**20 for x in _lines("/proc/meminfo") if x.startswith("MemTotal")), 0)
    return (
        f"{os.cpu_count()} cores of {model}, {memory} GB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load before the run {os.getloadavg()[0]:.1f}"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def on_core(core: str | None) -> list[str]:
    """The words before a command that keep it on one core, where the machine has several and taskset is there."""
    several = (os.cpu_count() or 1) > 1
    return ["taskset", "-c", core] if core is not None and several and shutil.which("taskset") else []


def environment(folder: Path) -> dict[str, str]:
    """What processes of the bench see: this checkout, and the bench's own app beside those that are installed."""
    info = folder / "apps" / "hansa_bench-0.dist-info"
    if not info.exists():
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hansa-bench\nVersion: 0\n")
        (info / "entry_points.txt").write_text(f"[hansa.apps]\n{hot.NAME} = bench.hot:app\n")
    path = [str(info.parent), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in path if one)}


def python(folder: Path, core: str | None, *words: str, **more: Any) -> subprocess.Popen[str]:
    """A Python process of the bench, on a core."""
    raise_files()
    return subprocess.Popen(
        [*on_core(core), sys.executable, *words], env=environment(folder), cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, **more,
    )  # fmt: skip


def raise_files() -> None:
    """As many open files as the machine lets us have: 10,000 connections are 10,000 files at either end."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Served:
    """A real `hansa serve` of a data folder, both its processes on one core (or on any, with `core` None)."""

    def __init__(
        self, folder: Path, data: Path, core: str | None = CITY_CORE, options: Sequence[str] = _HERE, **limits: int
    ) -> None:
        """Start it and wait until it is ready; `ready_s` is how long that took. `options` say where it is bound."""
        if limits:
            (data / "hansa.toml").write_text("[limits]\n" + "".join(f"{k} = {v}\n" for k, v in limits.items()))
        began = time.monotonic()
        self.data = data
        with (folder / f"{data.name}.log").open("ab") as log:
            self._process = python(
                folder, core, "-m", "hansa", "serve", "--data", str(data), *options, stderr=log,
            )  # fmt: skip
        self.url = ""
        self.mqtt = ("", 0)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "the city" in line:
                self.url = line.split()[-1].rstrip("/")
            elif "mqtt://" in line:
                host, _, port = line.split("mqtt://")[1].split()[0].rpartition(":")
                self.mqtt = (host, int(port))
            elif "its files" in line:
                break
        else:
            raise RuntimeError(f"hansa did not start: {(folder / f'{data.name}.log').read_text()[-2_000:]}")
        self.ready_s = time.monotonic() - began

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()

    @property
    def pid(self) -> int:
        """The city's process (taskset becomes what it starts)."""
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """The city and its rules process."""
        return [self.pid, *children(self.pid)]

    def health(self) -> dict[str, Any]:
        """What `/health` says."""
        try:
            with _open(f"{self.url}/health") as answer:
                return json.load(answer)  # type: ignore[no-any-return]
        except urllib.error.HTTPError as fault:
            raise RuntimeError(f"/health says {fault.code}") from None

    def stop(self) -> None:
        """End it in good order."""
        end(self._process)


def _open(url: str) -> Any:
    # No proxy: what is measured is this machine.
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30)


def end(process: "subprocess.Popen[str]") -> None:
    """End one process that this bench started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def children(pid: int) -> list[int]:
    """The processes that a process has started and that live."""
    return [int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]


def cpu_s(pids: Sequence[int]) -> list[float]:
    """CPU seconds so far of each process."""
    out = []
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        out.append((int(fields[11]) + int(fields[12])) / TICK)
    return out


def pss_mb(pids: Sequence[int]) -> float:
    """Proportional set size of some processes together, megabytes of 10^6 bytes."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1_024 / 1e6


def written(pid: int) -> int:
    """Bytes that a process has had written to storage; those handed to write() where the kernel does not tell."""
    said = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(said["write_bytes"]) or int(said["wchar"])
