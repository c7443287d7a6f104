"""A network namespace of a test's own: a thread leaves the host's network, and sees only what it makes."""

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable

import pytest
from bench.line import impossible

CLONE_NEWNET = 0x40000000


def needed(program: Callable[[str], str]) -> None:
    """The parts that a line needs; skips where this kernel lets us make no namespace, which is no missing part."""
    for one in ("tc", "ip", "unshare", "nsenter"):
        program(one)
    if why := impossible():
        pytest.skip(f"this kernel does not let us shape a line in a network namespace: {why}")


def alone(work: Callable[[], None]) -> None:
    """Do `work` in a new network namespace; it is gone with the thread, whatever happens."""
    faults: list[BaseException] = []

    def run() -> None:
        try:
            assert ctypes.CDLL(None).unshare(CLONE_NEWNET) == 0
            work()
        except BaseException as fault:  # noqa: BLE001  # it is raised again, where the test sees it
            faults.append(fault)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]


def sh(*words: str) -> str:
    """What a program says; started from the thread, so it is where the thread is."""
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout
