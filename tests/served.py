"""A real city in a process of its own, for tests that come through its doors."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from parted import Parted

ROOT = Path(__file__).parents[1]
KNOWN: Final = ssl.create_default_context()
"""One for all clients: to read the root certificates anew takes ten times as long as a request."""


class Served:
    """A real `hansa serve` in a process of its own."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        wait: bool = True,
        python_path: Path | None = None,
        trusted: bool = True,
        fresh: bool = False,
    ) -> None:
        """`fresh`: from the interpreter's start, where that matters; otherwise it parts from one that has imported."""
        self.folder = folder
        self.options = options if not trusted else (*options, "--trust-loopback")
        self.env = os.environ | ({} if python_path is None else {"PYTHONPATH": str(python_path)})
        self.fresh = fresh
        self.log = folder.parent / f"{folder.name}.log"
        self.start(wait=wait)

    def start(self, *, wait: bool = True) -> None:
        # A free port each time: nothing else of this machine is disturbed.
        with self.log.open("ab") as log:
            ports = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]
            words = ["serve", "--data", str(self.folder), *ports, *self.options]
            self.process: subprocess.Popen[str] | Parted
            if self.fresh:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "hansa", *words],
                    stdout=subprocess.PIPE, stderr=log, cwd=ROOT, text=True, start_new_session=True, env=self.env,
                )  # fmt: skip
            else:
                self.process = Parted(words, stderr=log.fileno(), cwd=ROOT, env=self.env)
        self.url = self.mqtt = self.mqtts = self.link = ""
        if wait:
            self.read_addresses()

    def read_addresses(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "the city" in line:
                self.url = line.split()[-1].rstrip("/")
            elif "come in" in line:
                self.link = line.split()[2]
            elif "mqtts://" in line:
                self.mqtts = line.split("mqtts://")[1].split()[0]
            elif "mqtt://" in line:
                self.mqtt = line.split("mqtt://")[1].split()[0]
            elif "its files" in line:
                return
        raise AssertionError(f"hansa did not start: {self.log.read_text()[-3000:]}")

    @property
    def mqtt_port(self) -> int:
        return int(self.mqtt.rsplit(":", 1)[1])

    def get(self, path: str, **more: object) -> httpx.Response:
        return httpx.get(self.url + path, verify=KNOWN, trust_env=False, timeout=30, **more)  # type: ignore[arg-type]

    def post(self, path: str, body: object, **more: object) -> httpx.Response:
        return httpx.post(self.url + path, content=json.dumps(body), verify=KNOWN, trust_env=False, timeout=30,
                          headers={"content-type": "application/json"}, **more)  # type: ignore[arg-type]  # fmt: skip

    def enrol(self, name: str, profile: object, **more: object) -> str:
        """Enrol a device and exchange its claim; its secret."""
        made = self.post("/admin/devices", {"name": name, "profile": profile, **more})
        assert made.status_code == 201, made.text
        got = self.post("/collect/claim", {"device": name, "claim": made.json()["claim"]})
        assert got.status_code == 200, got.text
        return str(got.json()["secret"])

    def until(self, true: Callable[[], object], within_s: float = 60.0) -> object:
        """Ask again until it is so; what has no event to wait for is polled, and never longer than said."""
        end = time.monotonic() + within_s
        while not (found := true()):
            assert time.monotonic() < end, f"not so within {within_s} s; log: {self.log.read_text()[-2000:]}"
            time.sleep(0.02)
        return found

    def kill(self) -> None:
        """As if the power went: no goodbye."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._closed()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self._closed()
        return self.process.returncode

    def _closed(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()


def third_party(folder: Path, name: str, source: str) -> Path:
    """A package of somebody else's with one app in it, installed in a folder of its own; put it on the path."""
    module = name.replace("-", "_")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[hansa.apps]\n{name} = {module}:app\n")
    return folder
