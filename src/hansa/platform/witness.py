"""A city as a witness of other cities' logs: it signs a head only when that continues the last one it saw.

Whoever keeps a log could show one history to its auditor and another to its citizens, or cut its end off and sign
anew. A witness makes that impossible to hide: it has seen one history of each log and signs no other. The protocol is
C2SP's tlog-witness (`add-checkpoint`), so that other witnesses can see for hansa and hansa for other logs. Report: 4.2.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Final

from hansa.errors import AlreadyExists, BadRequest, Forbidden, HansaError, NotFound, TooLarge
from hansa.platform.sqlite.trail import TrailWriter
from hansa.trust.heads import Head, Note, Signer, Verifier, unbase64
from hansa.trust.merkle import consistent

_BODY: Final = 32_768  # bytes
_PROOF: Final = 63  # hashes: a log has fewer than 2**63 entries


class Moved(AlreadyExists):
    """The head that was seen last is another than the asker thinks: its size is the answer."""

    kind = "https://hansa.city/errors/HeadMoved"
    title = "The witness has seen another head"

    def __init__(self, size: int) -> None:
        """`size` is that of the last head that was signed."""
        super().__init__(f"the last head seen has {size} entries", where="old", mend="prove consistency from there")
        self.size = size


class Inconsistent(HansaError):
    """The head does not continue the last one: somebody has rewritten his log."""

    status = 422
    kind = "https://hansa.city/errors/Inconsistent"
    title = "This log was rewritten"


def parse(body: bytes) -> tuple[int, list[bytes], Note]:
    """A request to add a checkpoint: the old size, the proof from there, and the signed head. BadRequest."""
    if len(body) > _BODY:
        raise TooLarge(f"a checkpoint of more than {_BODY:,} bytes")
    try:
        said = body.decode()
    except UnicodeDecodeError:
        raise BadRequest("a checkpoint is text in UTF-8") from None
    before, gap, note = said.partition("\n\n")
    first, *proof = before.split("\n")
    word, _, size = first.partition(" ")
    if not gap or word != "old" or not size.isdecimal() or not size.isascii() or len(size) > 18 or len(proof) > _PROOF:
        raise BadRequest("it begins with 'old <size>' and the proof, a line each, then an empty line", where="old")
    return int(size), [unbase64(line, "proof") for line in proof], Note.parse(note)


class Witness:
    """What this city sees of others' logs. Its memory is in the audit file of its open realm."""

    def __init__(self, signer: Signer, logs: Iterable[Verifier]) -> None:
        """Sign as `signer` for the heads of `logs`."""
        self.signer = signer
        self._logs = {one.name: one for one in logs}

    def add(self, trail: TrailWriter, body: bytes, at_s: int) -> tuple[Head, str]:
        """Sign a head, in the one writer's thread, and remember it: the head and the line of the co-signature.

        NotFound: no such log is witnessed. Forbidden: its key has not signed. Moved, Inconsistent: see there.
        """
        old, proof, note = parse(body)
        head = note.head
        known = self._logs.get(head.origin)
        if known is None:
            raise NotFound(f"this city does not witness {head.origin[:200]}", where="origin")
        if not note.signed_by([known]):
            raise Forbidden("this head is not signed by its log's key", where="signature")
        size, seen = trail.last_seen(head.origin)
        if old > head.size:
            raise BadRequest(f"a head of {head.size} entries is older than {old}", where="old")
        if old != size:
            raise Moved(size)
        self._check(seen, head, proof)
        trail.seen(head, note.text + "\n" + self._own(note, known), size)
        return head, self.signer.line(head.text, at_s)

    @staticmethod
    def _check(seen: str, head: Head, proof: Sequence[bytes]) -> None:
        if not seen:
            if proof:
                raise BadRequest("nothing was seen of this log yet: its first head needs no proof", where="proof")
            return
        last = Note.parse(seen).head
        if not consistent(last.size, last.root, head.size, head.root, proof):
            raise Inconsistent(
                f"the log {head.origin[:200]} of {head.size} entries does not begin with its {last.size}"
            )

    @staticmethod
    def _own(note: Note, known: Verifier) -> str:
        """The log's own signature of a note, as it stood there."""
        return "".join(
            f"— {name} {b64encode(blob).decode()}\n"
            for name, blob in note.lines
            if name == known.name and known.holds(note.text, blob)
        )
