"""The process beside the city in which tables are made and asked: DuckDB is loaded here and nowhere else.

    python -m hansa.platform.tables.child       what it is told first (`Start`) comes by standard input, in frames

What it is asked, it answers, one after the other, until its input ends; faults are told, never raised.
"""

import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from hansa import errors
from hansa.errors import HansaError
from hansa.trust.actors import UNKNOWN
from hansa.trust.labels import Sight

if TYPE_CHECKING:
    from collections.abc import Iterable

NICE = 10
_LENGTH = 4
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


@dataclass
class Start:
    """What the process is told when it starts; one that cooks is niced too, and reads the store at `path`."""

    folder: str
    memory: str = "512MB"
    niced: bool = False
    path: str = ""
    realm: str = "open"
    key: bytes | None = field(default=None, repr=False)


@dataclass
class Question:
    """What is asked: `ask` with a query, `columns` or `file` of a table, `cook` with a recipe."""

    do: str
    query: Any = None
    sha256: str = ""
    form: str = ""
    within_s: float = 10.0
    sheet: str = ""
    """Where the file lies that a recipe is from."""
    labels: dict[str, bool] = field(default_factory=dict)
    """What is for everybody, as policy has it, label by label."""


@dataclass
class Reply:
    """What came of it; `fault` names one of our errors."""

    result: Any = None
    fault: str = ""
    detail: str = ""
    where: str | None = None
    mend: str | None = None
    lacking: list[str] = field(default_factory=list)
    """Labels that are to be decided first."""


class Decided:
    """Rights of whom all was decided before; what was not is hidden, and remembered."""

    epoch = 0
    typed = False

    def __init__(self, labels: dict[str, bool]) -> None:
        """By label."""
        self._labels = labels
        self.lacking: set[str] = set()

    @property
    def sight(self) -> Sight:
        """The sight of these rights."""
        return Sight("public", classes=frozenset(), who=UNKNOWN, rights=self)

    hearing = sight

    def covers(self, _verb: str, _types: "Iterable[str]") -> bool:
        """No types are kept from anybody."""
        return True

    def may(self, verb: str, label: str) -> bool:
        """Whether this is for everybody."""
        if label not in self._labels:
            self.lacking.add(label)
            return False
        return verb == "read" and self._labels[label]

    def saw(self, ident: str, label: str) -> None:
        """Nothing is noted of what is for everybody."""

    def told(self, how: str) -> None:
        """Nothing is noted of what is for everybody."""


def framed(value: Any) -> bytes:
    """As it goes over the pipe."""
    body = _pack(value)
    return len(body).to_bytes(_LENGTH, "big") + body


def main() -> None:
    """Do what is told by standard input, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who sits at the terminal ends the city, and the city this
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    said = _next(source)
    if said is None:
        return
    start = msgspec.convert(said, Start)
    if start.path or start.niced:
        os.nice(NICE)
    from hansa.platform.tables.engine import Engine  # noqa: PLC0415  # where a process is known to be wanted

    engine = Engine(Path(start.folder), memory=start.memory)
    while (said := _next(source)) is not None:
        sink.write(framed(msgspec.to_builtins(answered(engine, start, msgspec.convert(said, Question)))))
        sink.flush()


def _next(source: IO[bytes]) -> Any:
    head = source.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    return _unpack(source.read(int.from_bytes(head, "big")))


def answered(engine: Any, start: Start, question: Question) -> Reply:
    """What comes of a question."""
    rights = Decided(question.labels)
    reply = Reply()
    try:
        reply.result = _done(engine, start, question, rights)
    except HansaError as fault:
        reply.fault, reply.detail, reply.where, reply.mend = type(fault).__name__, fault.detail, fault.where, fault.mend
    except OSError as fault:
        reply.fault, reply.detail = "HansaError", f"tables cannot be kept: {fault.strerror}"
    except Exception as fault:  # noqa: BLE001  # one question that breaks something must not end the answers to others
        reply.fault, reply.detail = "HansaError", f"a table broke: {type(fault).__name__}: {str(fault)[:300]}"
    reply.lacking = sorted(rights.lacking)
    return reply


def _done(engine: Any, start: Start, question: Question, rights: Decided) -> Any:
    from hansa.platform.tables import cooking, writing  # noqa: PLC0415  # the same

    match question.do:
        case "ask":
            return engine.ask(question.query, question.within_s)
        case "columns":
            return engine.columns(question.sha256)
        case "file":
            return str(writing.written(engine, question.sha256, question.form))
        case "cook":
            from hansa.platform.sqlite.reader import SqliteReader  # noqa: PLC0415  # of a process that cooks alone
            from hansa.platform.sqlite.schema import connect  # noqa: PLC0415

            db = connect(start.path, start.key)
            try:
                reader = SqliteReader(db, start.realm)
                sheet = Path(question.sheet).read_bytes() if question.sheet else None
                return cooking.cook(engine, reader, question.query, rights.sight, sheet)
            finally:
                db.close()
    raise errors.BadRequest(f"nothing is known of {question.do[:40]}")


def fault_of(reply: Reply) -> HansaError:
    """What was told as a fault, as one."""
    kind = getattr(errors, reply.fault, HansaError)
    if not (isinstance(kind, type) and issubclass(kind, HansaError)):
        kind = HansaError
    return kind(reply.detail, where=reply.where, mend=reply.mend)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
    sys.stdout.flush()
    os._exit(0)  # DuckDB's bindings complain of themselves when Python ends them
