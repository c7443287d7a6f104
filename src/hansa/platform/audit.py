"""The audit log of a realm as the city writes it: what must be noted is on the disk before it happens.

    await noted(audit.note, "device", "person:ada", {"asked": "revoke", "device": "pump-7"}, session="s-7Qk")

One thread takes what waits and commits it as one transaction (group commit), signed; then it answers. The queue is
bounded: full means Busy for the caller, whose action then does not happen. Once a minute the head is kept.
Files in the data folder: `audit-<realm>.db`, `audit.key` (Ed25519, readable by its owner alone) and `audit.pub` (the
keys by which anybody can check heads). Report: 4.2. Tests: `tests/platform/test_audit.py`, `tests/survives/`.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from hansa.errors import BadRequest, Busy, HansaError, TooLarge
from hansa.limits import DEFAULT, Limits
from hansa.platform.sqlite.trail import TrailWriter, origin
from hansa.trust.audit import halves
from hansa.trust.heads import WITNESS, Signer

MINUTE_S: Final = 60.0
PROBE_S: Final = 2.0
"""Between two looks whether a disk that took nothing takes something again."""
_BATCH: Final = 1_000  # entries of one transaction

log = structlog.get_logger("hansa.audit")
_Waiting = tuple[bytes, "Future[int]"]


class Audit:
    """The audit log of one realm, for any thread."""

    def __init__(self, trail: TrailWriter, limits: Limits = DEFAULT) -> None:
        """Own `trail` from now on."""
        self.trail = trail
        self.realm = trail.realm
        self.trouble = ""  # why nothing can be noted, while it cannot
        self.each_minute: list[Callable[[], object]] = []
        self._most, self._entry = limits.audit_queue, limits.audit_entry
        self._ready = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._jobs: deque[tuple[Callable[[TrailWriter], Any], Future[Any]]] = deque()
        self._last_at = trail.last_at
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"audit-{self.realm}", daemon=True)
        self._thread.start()

    def note(self, kind: str, actor: str, what: Mapping[str, Any], *, session: str = "") -> "Future[int]":
        """Note an entry; done, with its number, when it is durable. Whoever must not act unaudited waits for it.

        Raises Busy when too many wait (or the log has ended), BadRequest and TooLarge when it is no entry. Full comes
        through the future.
        """
        before, after = halves(kind, actor, what, session=session, realm=self.realm)
        if len(before) + len(after) > self._entry:
            raise TooLarge(f"an audit entry of more than {self._entry:,} bytes")
        answer: Future[int] = Future()
        with self._ready:
            if self._ended:
                raise Busy("the audit log is closing")
            if len(self._queue) >= self._most:
                raise Busy("the audit log cannot keep up: what must be audited has to wait")
            # Times never run backwards in the log, so that it can be searched by them, whatever the clock is set to.
            self._last_at = at = max(self.trail.wall(), self._last_at)
            self._queue.append((b"%b%d%b" % (before, at, after), answer))
            self._ready.notify()
        return answer

    def do(self, job: Callable[[TrailWriter], Any]) -> "Future[Any]":
        """Have something else done by the log's one writer (witnessing, cutting)."""
        answer: Future[Any] = Future()
        with self._ready:
            if self._ended or len(self._jobs) >= self._most:
                raise Busy("the audit log is closing, or cannot keep up")
            self._jobs.append((job, answer))
            self._ready.notify()
        return answer

    @property
    def waiting(self) -> int:
        """Entries that are not on the disk yet."""
        return len(self._queue)

    def close(self) -> None:
        """Write what waits, keep the head, let go of the file."""
        self._gather()
        with self._ready:
            self._ended = True
            self._ready.notify()
        self._thread.join()

    # In the log's own thread

    def _run(self) -> None:
        due = time.monotonic() + MINUTE_S
        while True:
            with self._ready:
                while not (self._queue or self._jobs or self._ended or time.monotonic() >= due):
                    waits = max(0.0, due - time.monotonic())
                    if not self._ready.wait(min(waits, PROBE_S) if self.trouble else waits) and self.trouble:
                        break
                taken = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
                jobs, self._jobs = self._jobs, deque()
                ended = self._ended and not taken and not jobs
            if taken:
                self._append(taken)
            elif self.trouble:
                self._probe()
            for job, answer in jobs:
                self._do(job, answer)
            if ended or time.monotonic() >= due:
                due = time.monotonic() + MINUTE_S
                self._minute()
            if ended:
                self.trail.close()
                return

    def _append(self, taken: list[_Waiting]) -> None:
        try:
            first = self.trail.append([body for body, _ in taken])
        except Exception as fault:  # whatever it was: nobody may believe that his entry was kept
            if not isinstance(fault, HansaError):
                log.exception("audit entries were lost")
                fault = HansaError("the audit log failed; the log of hansa says more")
            if not self.trouble:
                log.error("audit entries cannot be kept", realm=self.realm, why=str(fault))  # noqa: TRY400
            self.trouble = str(fault)
            for _, answer in taken:
                if answer.set_running_or_notify_cancel():
                    answer.set_exception(fault)
            return
        self.trouble = ""
        for n, (_, answer) in enumerate(taken, first):
            if answer.set_running_or_notify_cancel():
                answer.set_result(n)

    def _probe(self) -> None:
        """Try the disk: a balancer that sends nobody to a full city would else never hear of room."""
        with suppress(HansaError):
            self.trail.probe()
            self.trouble = ""

    def _do(self, job: Callable[[TrailWriter], Any], answer: "Future[Any]") -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(job(self.trail))
        except Exception as fault:  # noqa: BLE001  # it is whoever asked that is to hear of it
            answer.set_exception(fault)

    def _minute(self) -> None:
        """Let others say what they have gathered, and keep the head."""
        if not self._ended:
            self._gather()
        try:
            self.trail.keep()
        except HansaError as fault:
            log.warning("the head of the audit log could not be kept", realm=self.realm, why=fault.detail)

    def _gather(self) -> None:
        for one in self.each_minute:
            try:
                one()
            except Exception as fault:  # noqa: BLE001  # a count that cannot be noted must not stop the log
                log.warning("what was gathered could not be noted", realm=self.realm, why=str(fault))


def city_key(data: Path) -> Ed25519PrivateKey:
    """The key that signs a city's heads: made once; HansaError when it is gone but was there before."""
    file = data / "audit.key"
    public = data / "audit.pub"
    if not file.exists():
        if public.exists():
            raise HansaError(
                "audit.key is gone, with which the heads of the audit log were signed",
                where="audit.key",
                mend="put it back; or keep audit.pub and audit-*.db as evidence elsewhere, and new logs begin",
            )
        data.mkdir(parents=True, exist_ok=True)
        made = Ed25519PrivateKey.generate()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            out.flush()
            os.fsync(out.fileno())
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadRequest("audit.key is no Ed25519 key in PEM", where="audit.key")
    if file.stat().st_mode & 0o077:
        log.warning("others on this machine may read audit.key: chmod 600", file=str(file))
    told = "".join(f"{vkey}\n" for vkey in public_keys(key))
    if not public.exists():
        public.write_text(told, "utf-8")
    elif public.read_text("utf-8") != told:
        raise HansaError("audit.pub is not of audit.key", where="audit.pub", mend="put the right one back")
    return key


def public_keys(key: Ed25519PrivateKey) -> list[str]:
    """The keys to check heads by, as vkeys: the log of each realm, then the city as a witness of others."""
    logs = [Signer(origin(key, realm), key).public.vkey for realm in ("open", "security")]
    return [*logs, witness_of(key).public.vkey]


def witness_of(key: Ed25519PrivateKey) -> Signer:
    """The city as a witness of other cities' logs."""
    return Signer(origin(key, "open").partition("/")[0] + "/witness", key, WITNESS)


def open_audit(
    data: Path,
    realm: str,
    *,
    key: bytes | None = None,
    limits: Limits = DEFAULT,
    signer: Ed25519PrivateKey | None = None,
) -> Audit:
    """The audit log of a realm of the city in `data`; `key` seals its file."""
    return Audit(TrailWriter(data / f"audit-{realm}.db", realm, signer or city_key(data), key), limits)
