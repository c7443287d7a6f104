"""A proof that left the city, checked without it: an entry, its way up the tree, and a head that somebody signed.

    {"realm": "open", "n": 17, "entry": "{...}", "proof": ["...", ...], "head": "hansa-5f0c9a31/audit/open ..."}

A person who is shown what is about him gets `leaf`, the entry's hash, in the place of the entry, which may tell of
others. Pure: `hansa audit verify` needs no city, no key of it and no network. Report: 4.2.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import rfc8785

from hansa.errors import BadRequest
from hansa.trust.audit import Entry
from hansa.trust.heads import Head, Note, Verifier, unbase64
from hansa.trust.merkle import included, leaf_hash


@dataclass(frozen=True, slots=True)
class Proven:
    """What an exported proof shows."""

    n: int
    head: Head
    signed_by: tuple[str, ...]
    entry: Entry | None


def proven(said: bytes | Mapping[str, Any], keys: Iterable[Verifier]) -> Proven:
    """Check an exported proof by these keys; BadRequest says what does not hold."""
    told = _read(said) if isinstance(said, bytes) else said
    n, entry, leaf, proof, head = (told.get(name) for name in ("n", "entry", "leaf", "proof", "head"))
    if type(n) is not int or not isinstance(proof, list) or not isinstance(head, str) or len(proof) > 64:
        raise BadRequest("this is no exported proof", mend="GET /audit/proof/<n>, or hansa audit export")
    body = entry.encode("utf-8", "replace") if isinstance(entry, str) else None
    if body is not None:
        hashed = leaf_hash(body)
    elif isinstance(leaf, str):
        hashed = unbase64(leaf, "leaf")
    else:
        raise BadRequest("a proof has an entry, or its leaf", where="entry")
    note = Note.parse(head)
    known = note.head
    by = note.signed_by(keys)
    if not by:
        raise BadRequest("none of the given keys has signed this head", where="head", mend="give the city's audit.pub")
    path = [unbase64(one, "proof") if isinstance(one, str) else b"" for one in proof]
    if not included(hashed, n, known.size, path, known.root):
        raise BadRequest(f"this is not entry {n} of the log with that head", where="proof")
    read = None
    if body is not None:
        read = Entry.read(body)
        if rfc8785.dumps(read.shown()) != body:
            raise BadRequest("the entry is not canonical", where="entry")
    return Proven(n, known, tuple(one.name for one in by), read)


def _read(said: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(said)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadRequest(
            "this is no exported proof: no JSON object", mend="GET /audit/proof/<n>, or hansa audit export"
        )
    return found
