"""The ETSI suite against a real city: `python -m bench.etsi --suite DIR --driver run_etsi.py --python PYTHON`.

The suite (github.com/marek-mraz/ngsi-ld-test-suite) and its driver are not part of this repository; PYTHON is one that
has Robot Framework and what the suite needs. The driver has the city emptied before every file: here it is ended, and
another begins in an empty folder on the same port, a fork of a process that has hansa imported already (a quarter of a
second). What came of it goes to docs/conformance/etsi.json, from which `python docs/conformance.py` makes the page.

A part of it (`--include 'TP/NGSI-LD/jsonldContext/*/*/*'`) is for looking; it prints what failed, and writes nothing.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
OUT: Final = ROOT / "docs" / "conformance" / "etsi.json"
COUNTS: Final = ("passed", "failed", "skipped")
READY_S: Final = 30.0
DRIVER_S: Final = 3 * 3_600

# The suite's pages of temporal instances are longer than 20 and shorter than 40; its mock servers are on loopback.
SETTINGS: Final = """[serve]
egress_allow = ["127.0.0.0/8", "localhost"]
log = "error"
[apps]
enabled = []
[limits]
instants = 30
"""


class Cities:
    """One city at a time on one port, each new."""

    def __init__(self, folder: Path, port: int) -> None:
        """Begin with none."""
        self._folder = folder
        self._port = port
        self._made = 0
        self._pid = 0

    @property
    def url(self) -> str:
        """Where the city is."""
        return f"http://127.0.0.1:{self._port}"

    def renew(self) -> None:
        """End the city, if there is one, and wait for the next."""
        self.end()
        self._made += 1
        data = self._folder / f"city{self._made}"
        data.mkdir()
        (data / "hansa.toml").write_text(SETTINGS)
        self._pid = os.fork()
        if self._pid == 0:
            _serve(data, self._port, self._folder / "city.log")
        until = time.monotonic() + READY_S
        while not self._ready():
            if time.monotonic() > until or os.waitpid(self._pid, os.WNOHANG)[0]:
                self._pid = 0
                raise SystemExit(f"the city did not start:\n{(self._folder / 'city.log').read_text()[-2_000:]}")
            time.sleep(0.005)

    def end(self) -> None:
        """End the city at once; its folder goes."""
        if self._pid:
            os.killpg(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
            shutil.rmtree(self._folder / f"city{self._made}", ignore_errors=True)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ready", timeout=5):
                return True
        except (OSError, urllib.error.URLError):
            return False


def _serve(data: Path, port: int, log: Path) -> None:
    """`hansa serve` in this forked process, which ends with it."""
    from hansa.cli import main as hansa

    os.setsid()
    with log.open("ab") as told:
        os.dup2(told.fileno(), 1)
        os.dup2(told.fileno(), 2)
    try:
        hansa(["serve", "--data", str(data), "--http", f"127.0.0.1:{port}", "--trust-loopback"])
    finally:
        os._exit(1)


def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The driver's report of one run."""
    from hansa.cli import serving  # noqa: F401 - what each city imports, imported once

    control = socket.create_server(("127.0.0.1", 0))
    control.settimeout(0.2)
    cities = Cities(folder, _free_port())
    cities.renew()
    ask = f"import socket; socket.create_connection(('127.0.0.1', {control.getsockname()[1]})).recv(1)"
    command = [args.python, str(args.driver), "--suite", str(args.suite), "--broker", f"{cities.url}/ngsi-ld/v1"]
    command += ["--out", str(folder / "out"), "--reset-cmd", shlex.join([sys.executable, "-ISc", ask])]
    command += ["--test-timeout", "60", *(word for one in args.include for word in ("--include", one))]
    with (folder / "driver.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as driver:
        try:
            _attend(driver, control, cities)
        finally:
            driver.terminate()  # which it has ended by itself, unless something went wrong here
            cities.end()
            control.close()
    results = folder / "out" / "results.json"
    if not results.exists():
        raise SystemExit(f"the driver failed:\n{(folder / 'driver.log').read_text()[-2_000:]}")
    report: dict[str, Any] = json.loads(results.read_text())
    return report


def _attend(driver: "subprocess.Popen[bytes]", control: socket.socket, cities: Cities) -> None:
    """Give the driver a new city whenever it asks for one, until it has ended."""
    until = time.monotonic() + DRIVER_S
    while driver.poll() is None:
        if time.monotonic() > until:
            raise SystemExit(f"the driver has not ended within {DRIVER_S:,} s")
        try:
            asked, _ = control.accept()
        except TimeoutError:
            continue
        with asked:
            cities.renew()
            asked.sendall(b".")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def summary(report: dict[str, Any], suite: Path) -> dict[str, Any]:
    """What the page needs of a report: counts by tier and folder, and the names of what failed or was not run."""
    head = subprocess.run(
        ["git", "-C", str(suite), "log", "-1", "--format=%h %cs"], capture_output=True, text=True, check=False
    )
    return {
        "suite": f"marek-mraz/ngsi-ld-test-suite {head.stdout.strip() or '(no commit known)'}",
        "seconds": round(report["run"]["seconds"]),
        "tiers": {name: _counts(found) for name, found in sorted(report["tiers"].items())},
        "folders": {name: _counts(found) for name, found in sorted(report["folders"].items())},
        "failing": sorted(f"{one['file']}::{one['name']}" for one in report["failed"]),
        "not_run": sorted(report.get("not_run", [])),
    }


def _counts(found: dict[str, Any]) -> dict[str, int]:
    return {name: found[name] for name in COUNTS}


def main(words: Sequence[str] | None = None) -> int:
    """Run it; 0 when nothing failed."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--suite", required=True, type=Path, help="a checkout of the suite; it is left untouched")
    parser.add_argument("--driver", required=True, type=Path, help="run_etsi.py")
    parser.add_argument("--python", default=sys.executable, help="a Python with what the suite needs")
    parser.add_argument("--include", action="append", default=[], help="files or folders of the suite; repeatable")
    parser.add_argument("--keep", action="store_true", help="leave the driver's whole report behind, and say where")
    args = parser.parse_args(words)
    folder = Path(tempfile.mkdtemp(prefix="hansa-etsi-"))
    try:
        report = run(args, folder)
    finally:
        if args.keep:
            print(f"all of it is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for one in report["failed"]:
        print(f"{one['file']}::{one['name']}\n    {' '.join(one['message'].split())[:300]}")
    totals = report["totals"]
    print(", ".join(f"{totals.get(name, 0):,} {name}" for name in COUNTS), f"in {report['run']['seconds']:.0f} s")
    if not args.include:
        OUT.write_text(json.dumps(summary(report, args.suite), indent=1, sort_keys=True) + "\n")
    return 1 if totals.get("failed") else 0


if __name__ == "__main__":
    sys.exit(main())
