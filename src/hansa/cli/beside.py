"""A city with a companion: hansa serves in this process, and a child beside it speaks to its doors.

The child is a program of its own (`python -m <module>`), as devices are: what it costs is not the city's cost, and what
breaks in it cannot break the city. It ends when the city ends, however that happens: its standard input closes.
"""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

import click
import uvloop

from hansa import settings as settings_
from hansa.analytics.link import environment
from hansa.errors import BadRequest, HansaError, SourceFailed
from hansa.serve import Running
from hansa.serve import serve as serve_city
from hansa.settings import Settings

PORTS: Final = 20  # how far a taken port is stepped over
GOODBYE_S: Final = 15.0  # how long a city may take to close before its silence counts as a fault
LEAVE_S: Final = 5.0  # how long a companion may take to say goodbye


def free_address(said: str | None, default: str, what: str) -> tuple[str, str | None]:
    """An address that can be bound: the one that was said, else the default or the next free port; and what to tell.

    BadRequest when the one that was said is taken: nobody wants to search for what he placed himself.
    """
    host, port = settings_.address(said or default, what)
    for number in range(port, min(65_535, port + (0 if said else PORTS)) + 1):
        if number == 0 or _free(host, number):
            told = None if number == port else f"port {port} is taken; {what} is at {number}"
            return f"{f'[{host}]' if ':' in host else host}:{number}", told
    mend = f"give another with --{what}, such as --{what} {host}:0" if said else f"free one of them, or give --{what}"
    span = f"port {port} is" if said else f"ports {port} to {port + PORTS} are all"
    raise BadRequest(f"{span} taken on {host}", where=what, mend=mend)


def _free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True
    except OSError:
        return False


class Companion:
    """The child of a running city. `begin` it when the city is ready, `end` it when the city has ended."""

    def __init__(self, module: str, said: dict[str, Any]) -> None:
        """`said` is what the child is told beside where the city is."""
        self._module = module
        self._said = said
        self._process: subprocess.Popen[bytes] | None = None
        self._waiter: threading.Thread | None = None
        self._ending = False
        self.code = 0

    def begin(self, running: Running, *, stay: bool) -> None:
        """Start it; without `stay`, the city ends with it."""
        where = {"url": running.url, "mqtt": running.mqtt_at[0], "data": str(running.settings.data.absolute())}
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", self._module, json.dumps({**self._said, **where})],
            stdin=subprocess.PIPE,
            env=environment(),
        )
        loop = asyncio.get_running_loop()
        self._waiter = threading.Thread(target=self._wait, args=(running, loop, stay), name="companion", daemon=True)
        self._waiter.start()

    def _wait(self, running: Running, loop: asyncio.AbstractEventLoop, stay: bool) -> None:
        process = self._process
        assert process is not None  # noqa: S101  # begin made it
        self.code = process.wait()
        if self._ending:
            return
        if self.code:
            click.echo(f"hansa: {self._module} has ended (code {self.code}); the city goes on without it", err=True)
        if not stay:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(running.end)

    def end(self) -> None:
        """Close its input, which it takes as a goodbye; then make sure."""
        self._ending = True
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._waiter is not None:
            self._waiter.join()


def run(settings: Settings, companion: Companion, told: Callable[[Running], None], *, stay: bool = True) -> None:
    """Serve until the end (Ctrl-C, SIGTERM), with the companion beside it."""

    def ready(running: Running) -> None:
        told(running)
        companion.begin(running, stay=stay)

    try:
        uvloop.run(serve_city(settings, ready))
    finally:
        companion.end()


def be(work: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """The child's `main`: do `work` until it is done, the city closes our input, or somebody ends us."""
    said: dict[str, Any] = json.loads(sys.argv[1])
    try:
        uvloop.run(_until_left(work(said)))
    except HansaError as fault:
        click.echo(f"hansa: {fault.detail}" + (f"\n  {fault.mend}" if fault.mend else ""), err=True)
        sys.exit(2)


async def _until_left(work: Awaitable[None]) -> None:
    loop = asyncio.get_running_loop()
    left = loop.create_future()

    def leave() -> None:
        if not left.done():
            left.set_result(None)

    # The terminal's Ctrl-C reaches us too; the city then closes our input, and that is when we go.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    loop.add_signal_handler(signal.SIGTERM, leave)
    loop.add_reader(sys.stdin.fileno(), leave)
    task: asyncio.Future[None] = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            # A city that ends stops answering before it says goodbye.
            if isinstance(task.exception(), SourceFailed):
                await asyncio.wait({left}, timeout=GOODBYE_S)
            if not left.done():
                await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        loop.remove_reader(sys.stdin.fileno())
