"""Cities that part from one process which has imported all of hansa, so that not every test pays for the imports.

What runs is `hansa serve` as it is, with its own arguments, environment, files and session, in a process of its own
that can be killed: only the second of importing is spared. From the interpreter's start, as an operator does, begin the
programs of tests/cli and the cities that are asked for with `fresh=True`.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


class Parted:
    """A process that parted from the one that was ready; to its user what `subprocess.Popen` is."""

    def __init__(self, arguments: Sequence[str], *, stderr: int, cwd: Path, env: dict[str, str]) -> None:
        """Start `hansa` with these arguments, its standard error at this descriptor."""
        said, says = os.pipe()
        self._status, status = os.pipe()
        order = json.dumps([list(arguments), str(cwd), env]).encode()
        try:
            socket.send_fds(_ready(), [order], [says, stderr, status])
        finally:
            os.close(says)
            os.close(status)
        self.stdout = os.fdopen(said, encoding="utf-8")
        self.returncode: int | None = None
        self.pid = int(self._told())

    def poll(self) -> int | None:
        """Its exit status when it has ended; minus the signal that ended it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("hansa", timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(self._told()))
            os.close(self._status)
        return self.returncode

    def send_signal(self, sign: int) -> None:
        """Send it a signal, as long as it is there."""
        if self.poll() is None:
            os.kill(self.pid, sign)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _told(self) -> bytes:
        """A number that its keeper wrote: each is written at once, ten bytes of it."""
        said = os.read(self._status, 10)
        assert len(said) == 10, "the process that cities part from has ended"
        return said


def run(*words: object, env: dict[str, str] | None = None, within_s: float = 280.0) -> subprocess.CompletedProcess[str]:
    """What `hansa` does and says with these words, from its start to its end."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errs:
        one = Parted([str(word) for word in words], stderr=errs.fileno(), cwd=ROOT, env=env or dict(os.environ))
        late = threading.Timer(within_s, one.kill)
        late.start()
        with one.stdout:
            said = one.stdout.read()
        code = one.wait()
        late.cancel()
        late.join()
        errs.seek(0)
        return subprocess.CompletedProcess(words, code, said, errs.read())


@cache
def _ready() -> socket.socket:
    """The process that is ready, one for all tests of this process; it ends with the socket to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-P", __file__, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        start_new_session=True,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _orders(asked: socket.socket) -> list[str]:
    """Take orders, and part for each; the arguments, in a process that is to be a city."""
    while True:
        order, descriptors, _, _ = socket.recv_fds(asked, 1_000_000, 3)
        while True:  # keepers that have ended
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(-1, os.WNOHANG)[0]:
                    continue
            break
        if not order:
            sys.exit()
        if os.fork() == 0:
            asked.close()
            return _kept(order, *descriptors)
        for one in descriptors:
            os.close(one)


def _kept(order: bytes, says: int, errs: int, status: int) -> list[str]:
    """Part once more: one is the city, the other says how it ended."""
    pid = os.fork()
    if pid:
        os.close(says)
        os.close(errs)
        os.write(status, b"%010d" % pid)
        os.write(status, b"%010d" % os.waitpid(pid, 0)[1])
        os._exit(0)
    os.close(status)
    os.setsid()
    for place, one in enumerate((says, errs), start=1):
        os.dup2(one, place)
        os.close(one)
    arguments, cwd, env = json.loads(order)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.path[:0] = [one for one in env.get("PYTHONPATH", "").split(os.pathsep) if one and one not in sys.path]
    return arguments


def _main() -> None:
    from importlib.metadata import entry_points

    from hansa.cli import main, serving  # noqa: F401  # that it is imported is the point

    for app in entry_points(group="hansa.apps"):
        with contextlib.suppress(Exception):  # the city says what is wrong with it
            app.load()
    gc.collect()
    gc.freeze()  # pages that no collector writes to stay shared
    main(_orders(socket.socket(fileno=int(sys.argv[1]))), prog_name="hansa")


if __name__ == "__main__":
    _main()
