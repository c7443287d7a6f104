"""Processes beside the city that look into its past: one that answers, and for a moment one that makes marks.

    python -m hansa.analytics.rewind_child      what it is told first (`Start`) comes by standard input, in frames

Looking back costs tenths of a second of Python, which in the city's own process would hold up everybody. Neither writes
the city's files: they read through connections of their own, and the marks (`platform.sqlite.marks`) are a file of
theirs. The one that makes marks is niced, ends when there is nothing to mark, and is started again by `rewinding`.
"""

import gc
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import apsw
import msgspec

from hansa.analytics.rewind import Rewind, answered
from hansa.analytics.rewind_sight import Asked, Eyes
from hansa.errors import BadRequest, Busy, HansaError, TooLarge
from hansa.platform.sqlite.marking import Marker
from hansa.platform.sqlite.marks import Marks, remove
from hansa.platform.sqlite.schema import connect
from hansa.platform.sqlite.then import Then
from hansa.trust.labels import unlabelled

NICE = 10
_LENGTH = 4
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


@dataclass
class Start:
    """What a process is told when it starts."""

    path: str
    marks: str
    realm: str
    every: int = 0  # 0: it answers; else it makes a mark every so many Changes, and ends
    least: int = 1  # Changes beyond the last mark that are worth one
    now: int = 0
    most: int = 1_000_000
    broken: int = -1  # marks from here on are to be made anew
    key: bytes | None = field(default=None, repr=False)
    marks_key: bytes | None = field(default=None, repr=False)


@dataclass
class Question:
    """What is asked of the past, and what was decided about whoever asks: label by label, types by types."""

    do: str
    asked: Asked
    labels: dict[str, bool] | None
    types: dict[str, bool] | None
    bins: int = 288


@dataclass
class Reply:
    """What came of it, before the bytes of the answer."""

    size: int = 0
    saw: list[tuple[str, str]] = field(default_factory=list)  # ids and labels that are to be noted
    lacking: list[str] = field(default_factory=list)  # labels that are to be decided first
    lacking_types: list[str] = field(default_factory=list)
    broken: int = -1
    fault: str = ""
    kind: str = ""
    where: str | None = None
    mend: str | None = None


def framed(value: Any) -> bytes:
    """As it goes over the pipe."""
    body = _pack(value)
    return len(body).to_bytes(_LENGTH, "big") + body


def main() -> None:
    """Do what is told by standard input, until it ends."""
    gc.set_threshold(
        500_000, 50, 1_000
    )  # what is here are a few large tables without cycles: looking at them costs most
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who sits at the terminal ends the city, and the city this
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    said = _next(source)
    if said is None:
        return
    start = msgspec.convert(said, Start)
    if start.every:
        os.nice(NICE)
        _mark(start, sink)
    else:
        _answer(start, source, sink)


def _next(source: IO[bytes]) -> Any:
    head = source.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    return _unpack(source.read(int.from_bytes(head, "big")))


def _mark(start: Start, sink: IO[bytes]) -> None:
    """Make the marks that are owed, telling the place after each."""
    db = connect(start.path, start.key)
    marks = Marks(start.marks, start.marks_key, write=True)
    try:
        marker = Marker(db, marks, start.realm, start.every)
        try:
            if start.broken >= 0:
                marks.forget_from(start.broken)
            marker.sound()
        except apsw.Error:  # not even that can be read: all of it is made anew
            marks.close()
            remove(Path(start.marks))
            marks = Marks(start.marks, start.marks_key, write=True)
            marker = Marker(db, marks, start.realm, start.every)
        while marker.owed() >= start.least and (made := marker.step(start.now)) is not None:
            sink.write(framed(made.seq))
            sink.flush()
    finally:
        marks.close()
        db.close()


def _answer(start: Start, source: IO[bytes], sink: IO[bytes]) -> None:
    then = Then(start.path, start.marks, start.realm, start.key, start.marks_key, most=start.most)
    rewind = Rewind(then)
    while (said := _next(source)) is not None:
        reply, body = answer(rewind, then, msgspec.convert(said, Question))
        sink.write(framed(msgspec.to_builtins(reply)) + body)
        sink.flush()


def answer(rewind: Rewind, then: Then, question: Question) -> tuple[Reply, bytes]:
    """What the past says to a question; faults are told, never raised."""
    eyes = Eyes(question.labels, question.types, unlabelled(then.realm))
    reply, body = Reply(), b""
    try:
        asked = question.asked
        match question.do:
            case "picture":
                found = rewind.picture(asked, eyes)
            case "changes":
                found = rewind.changes(asked, eyes)
            case "day":
                found = rewind.day(asked, eyes, question.bins)
            case "film":
                found = rewind.film(asked, eyes, question.bins)
            case _:
                raise BadRequest(f"nothing is known of {question.do[:40]}")
        if eyes.lacking or eyes.lacking_types:
            reply.lacking, reply.lacking_types = sorted(eyes.lacking), sorted(eyes.lacking_types)
        else:
            body = answered(found)
            reply.saw = sorted(eyes.saw)
    except HansaError as fault:
        kinds = (("busy", Busy), ("large", TooLarge), ("bad", BadRequest))
        kind = next((word for word, one in kinds if isinstance(fault, one)), "ours")
        reply.fault, reply.kind, reply.where, reply.mend = fault.detail, kind, fault.where, fault.mend
    except (apsw.Error, ValueError, KeyError, TypeError, IndexError) as fault:
        reply.fault, reply.kind = f"the past cannot be read: {fault}", "ours"
    reply.broken = -1 if then.broken is None else then.broken
    reply.size = len(body)
    return reply, body


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
