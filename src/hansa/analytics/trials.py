"""Trying something on the past, beside the city: starts the process, tells how far it is, keeps what came of it.

    POST   /desk/trials          {"rule": "when ...", "from": ..., "to": ...}     begins; answers its id
    GET    /desk/trials          one's own
    GET    /desk/trials/<id>     how far it is, and the result
    DELETE /desk/trials/<id>     ends it

For those who work for the city, each his own, and what he began with a token only for a token of the same scope. It
reads with the asker's sight, so what is hidden from him does not count. Lives in the event loop. What is tried is a
function of an app (`trial_child`).
Tests: tests/analytics/test_trials.py.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from hansa.analytics.link import environment
from hansa.analytics.trial_child import Start, framed
from hansa.clock import text
from hansa.errors import Busy, Forbidden, HansaError, NotFound, Unauthenticated
from hansa.platform.city import City
from hansa.platform.http import Request, Response, json_response, object_in
from hansa.trust.labels import Sight

ROLES: Final = frozenset({"operator", "supervisor", "engineer", "command"})
"""Who works with rules."""
RESULT: Final = 8_000_000  # bytes of one result
_unpack = msgspec.msgpack.Decoder().decode


@dataclass(slots=True)
class Trial:
    """One trial: whose, of what, how far."""

    id: str
    by: str
    scope: frozenset[str] | None  # of the token that he came with
    asked: dict[str, Any]
    began: int
    state: str = "waiting"  # waiting, running, done, failed, ended
    progress: float = 0.0
    doing: str = ""
    took_s: float = 0.0
    cpu_s: float = 0.0
    result: Any = None
    fault: Any = None
    saw: list[tuple[str, str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)  # the labels that were shown to it
    task: "asyncio.Task[None] | None" = None

    def of(self, sight: Sight) -> bool:
        """Whether this one began it, with as much right: a token is for less than its owner."""
        return self.by == sight.actor and self.scope == sight.who.scope

    def told(self, *, whole: bool) -> dict[str, Any]:
        """As a page takes it."""
        found = {
            "id": self.id,
            "state": self.state,
            "progress": self.progress,
            "doing": self.doing,
            "began": text(self.began),
            "took_s": round(self.took_s, 2),
            "cpu_s": round(self.cpu_s, 2),
            "asked": self.asked,
        }
        if self.fault is not None:
            found["fault"] = self.fault
        if whole and self.result is not None:
            found["result"] = self.result
        return found


class Trials:
    """The trials of one realm, and their door."""

    def __init__(
        self, city: City, path: Path, work: str, settings: Mapping[str, Any], key: bytes | None = None
    ) -> None:
        """Of the store at `path`; `work` is what is done, as `module:function`, with the `settings` of its app."""
        self._city = city
        self._limits = city.limits
        self._path = path
        self._work = work
        self._settings = dict(settings)
        self._key = key
        self._trials: dict[str, Trial] = {}
        self._turns = asyncio.Semaphore(city.limits.trials)

    async def aclose(self) -> None:
        """End what runs."""
        for one in self._trials.values():
            if one.task is not None and one.state in {"waiting", "running"}:  # what is over is letting its process go
                one.task.cancel()
        tasks = [one.task for one in self._trials.values() if one.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def handle(self, request: Request) -> Response:
        """A request; its path begins with `trials`."""
        sight = request.sight
        _may(sight)
        match request.method, request.path[1:]:
            case "POST", []:
                return json_response(self.start(object_in(request.body), sight).told(whole=False), 201)
            case (("GET" | "HEAD"), []):
                own = [one.told(whole=False) for one in self._trials.values() if one.of(sight)]
                return json_response({"trials": own[::-1]})
            case (("GET" | "HEAD"), [ident]):
                found = self._own(ident, sight)
                if found.result is not None and not all(map(sight.sees, found.seen)):
                    raise Forbidden("it was tried with other rights than you have now", mend="try it again")
                if sight.rights is not None and found.result is not None:
                    for one, label in found.saw:  # it is written down before the answer leaves
                        sight.rights.saw(one, label)
                return json_response(found.told(whole=True))
            case "DELETE", [ident]:
                return json_response((await self.end(ident, sight)).told(whole=False))
        raise NotFound("there is no such place among the trials", where="path", mend="POST /desk/trials begins one")

    def start(self, asked: dict[str, Any], sight: Sight) -> Trial:
        """Begin one; raises Busy when too many wait."""
        if sight.typed:
            raise Forbidden("a token for some types alone tries no rules", mend="sign in yourself")
        waiting = [one for one in self._trials.values() if one.state in {"waiting", "running"}]
        if len(waiting) >= self._limits.trials_waiting:
            raise Busy("too many rules are being tried", mend="try again in a minute")
        if sum(one.by == sight.actor for one in waiting) >= self._limits.trials:
            raise Busy("you are trying as many rules as one may at once", mend="wait for one, or end it")
        self._forget()
        now = self._city.clock.now()
        trial = Trial(f"trial-{secrets.token_hex(8)}", sight.actor, sight.who.scope, asked, now)
        self._trials[trial.id] = trial
        trial.task = asyncio.create_task(self._run(trial, sight))
        return trial

    async def end(self, ident: str, sight: Sight) -> Trial:
        """End one, or forget one that is over. Raises NotFound."""
        trial = self._own(ident, sight)
        if trial.state in {"waiting", "running"} and trial.task is not None:
            trial.task.cancel()
            await asyncio.gather(trial.task, return_exceptions=True)
            trial.state, trial.doing = "ended", ""  # also where it had not begun yet
        else:
            del self._trials[ident]
        return trial

    def _own(self, ident: str, sight: Sight) -> Trial:
        found = self._trials.get(ident)
        if found is None or not found.of(sight):
            raise NotFound(f"there is no trial {ident[:80]}", where="id")
        return found

    def _forget(self) -> None:
        """Keep only so many that are over."""
        over = [one.id for one in self._trials.values() if one.state not in {"waiting", "running"}]
        for ident in over[: max(0, len(over) - self._limits.trials_kept + 1)]:
            del self._trials[ident]

    async def _run(self, trial: Trial, sight: Sight) -> None:
        starting: asyncio.Task[asyncio.subprocess.Process] | None = None
        try:
            async with self._turns:
                trial.state, trial.doing = "running", "reading"
                began = time.monotonic()
                starting = asyncio.create_task(_child())
                async with asyncio.timeout(self._limits.trial_s):
                    process = await asyncio.shield(starting)  # it is not left half started
                    await _say(process, msgspec.to_builtins(self._start(trial, sight), builtin_types=(bytes,)))
                    await self._hear(trial, process, sight)
                trial.took_s = time.monotonic() - began
        except TimeoutError:
            self._failed(
                trial, Busy("this takes too long", mend="try a shorter time, or fewer sources (like '...')").problem()
            )
        except asyncio.CancelledError:
            trial.state, trial.doing = "ended", ""
            raise
        except (OSError, asyncio.IncompleteReadError, msgspec.MsgspecError, ValueError):
            self._failed(
                trial, HansaError("the trial broke off", mend="try again; a shorter time needs less").problem()
            )
        finally:
            if starting is not None:
                with suppress(OSError):
                    await _ended(await starting)

    def _start(self, trial: Trial, sight: Sight) -> Start:
        return Start(
            str(self._path),
            self._city.realm,
            self._work,
            trial.asked,
            trial.began,
            self._settings,
            {"points": self._limits.trial_points, "series": self._limits.trial_series},
            sight.everything,
            self._key,
        )

    async def _hear(self, trial: Trial, process: asyncio.subprocess.Process, sight: Sight) -> None:
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        while True:
            size = int.from_bytes(await process.stdout.readexactly(4), "big")
            if size > RESULT:
                raise ValueError(f"{size} bytes")
            said = _unpack(await process.stdout.readexactly(size))
            if "labels" in said:
                decided = {label: sight.sees(label) for label in said["labels"]}
                trial.seen = [label for label, seen in decided.items() if seen]
                await _say(process, decided)
            elif "fault" in said:
                self._failed(trial, said["fault"])
                return
            elif "result" in said:
                trial.cpu_s = said["cpu_s"]
                trial.saw = [(one, label) for one, label in said["saw"]]
                trial.result, trial.state, trial.progress, trial.doing = said["result"], "done", 1.0, ""
                return
            else:
                trial.progress, trial.doing = said["progress"], said["doing"]

    @staticmethod
    def _failed(trial: Trial, fault: Mapping[str, Any]) -> None:
        trial.state, trial.doing, trial.fault = "failed", "", fault


async def _child() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hansa.analytics.trial_child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**environment(), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


async def _ended(process: asyncio.subprocess.Process) -> None:
    """It writes nothing, so it may end at any moment."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.communicate()  # until its pipes are closed


async def _say(process: asyncio.subprocess.Process, value: Any) -> None:
    assert process.stdin is not None  # noqa: S101  # a pipe was asked for
    process.stdin.write(framed(value))
    await process.stdin.drain()


def _may(sight: Sight) -> None:
    if sight.blind:
        raise Unauthenticated("who are you?", mend="sign in: /sign-in")
    if not sight.everything and not ROLES & sight.who.roles:
        raise Forbidden("rules are tried by those who work with them", mend=f"it is for: {', '.join(sorted(ROLES))}")
