"""An append-only log as a Merkle tree (RFC 9162, section 2.1): its root, and proofs that need no trust in its keeper.

A leaf's hash is SHA-256(0x00 || entry), a node's SHA-256(0x01 || left || right). What must be kept of a growing tree is
its `Frontier`, one hash for each bit that is set in its size. For proofs, only the nodes at every eighth level are kept
(as in C2SP's tlog-tiles); those between are hashed again from at most 256 below them, so a proof among a million
entries reads three runs of neighbouring hashes. Pure: whoever keeps them hands over a function `Read`.

Report: 4.2. Tests: `tests/trust/test_merkle.py`, with the vectors of transparency-dev/merkle.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final

from hansa.errors import BadRequest

HASH: Final = 32
TILE: Final = 8
"""Levels between those that are kept: a tile is a tree of 2**8 hashes."""
WIDTH: Final = 1 << TILE
EMPTY: Final = sha256(b"").digest()
"""The root of a tree without entries."""

Read = Callable[[int, int, int], Sequence[bytes]]
"""(tile level, first, end) -> the hashes of that level from `first` to before `end`. Level 0 holds leaves' own, level 1
those over 256 leaves each, level 2 over 65,536. Raises NotFound where they are no longer kept."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry (MTH of a list of one)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """What a growing tree must remember: the roots of its complete subtrees, largest first. O(log n) hashes."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """A tree of `size` leaves with one peak for each bit set in it."""
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise BadRequest(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(self.peaks)}")

    def append(self, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
        """One more leaf, by its hash. Gives the nodes that are to be kept: (tile level, index, hash)."""
        index, level, done = self.size, 0, leaf
        kept: list[tuple[int, int, bytes]] = []
        while index & 1:
            done = node_hash(self.peaks.pop(), done)
            index >>= 1
            level += 1
            if level % TILE == 0:
                kept.append((level // TILE, index, done))
        self.peaks.append(done)
        self.size += 1
        return iter(kept)

    def root(self) -> bytes:
        """The root of all leaves so far."""
        return _joined(self.peaks)

    def copy(self) -> "Frontier":
        """Another one, to go on with."""
        return Frontier(self.size, self.peaks)


def _joined(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


# Out of what is kept


def _complete(read: Read, level: int, index: int) -> bytes:
    """The node over the 2**level leaves from index * 2**level on."""
    tile, above = divmod(level, TILE)
    row = list(read(tile, index << above, (index + 1) << above))
    if len(row) != 1 << above:
        raise BadRequest(f"{1 << above} hashes were asked for, {len(row)} came")
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def peaks(read: Read, size: int) -> list[bytes]:
    """The frontier of the first `size` leaves, from what is kept."""
    return _peaks(read, 0, size)


def _peaks(read: Read, begin: int, end: int) -> list[bytes]:
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append(_complete(read, level, begin >> level))
        begin += 1 << level
    return found


def root(read: Read, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return _joined(peaks(read, size))


def _range(read: Read, begin: int, end: int) -> bytes:
    """MTH of the leaves from `begin` to before `end`, where `begin` is a multiple of a power of two >= their number."""
    return _joined(_peaks(read, begin, end))


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def inclusion(read: Read, index: int, size: int) -> list[bytes]:
    """PATH(index, D_size), RFC 9162 2.1.3.1; BadRequest when there is no such leaf."""
    if not 0 <= index < size:
        raise BadRequest(f"there is no leaf {index} in a tree of {size}", where="index")
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(_range(read, middle, end))
            end = middle
        else:
            proof.append(_range(read, begin, middle))
            begin = middle
    proof.reverse()
    return proof


def consistency(read: Read, first: int, second: int) -> list[bytes]:
    """PROOF(first, D_second), RFC 9162 2.1.4.1: the tree of `second` leaves begins with that of `first`.

    Empty when they are the same size, or when the first is empty; BadRequest when the first is the larger.
    """
    if not 0 <= first <= second:
        raise BadRequest(f"a tree of {second} leaves cannot begin with one of {first}", where="first")
    if first in {0, second}:
        return []
    proof: list[bytes] = []
    begin, end, whole = 0, second, True
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            proof.append(_range(read, middle, end))
            end = middle
        else:
            proof.append(_range(read, begin, middle))
            begin, whole = middle, False
    if not whole:
        proof.append(_range(read, begin, end))
    proof.reverse()
    return proof


# By whoever does not trust the keeper


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_: bytes) -> bool:
    """Whether `proof` shows that `leaf` (its hash) is entry `index` of the tree of `size` with `root_` (2.1.3.2)."""
    if not 0 <= index < size or not _hashes(leaf, root_, *proof):
        return False
    at, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(one, found)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            found = node_hash(found, one)
        at >>= 1
        last >>= 1
    return last == 0 and found == root_


def included_in_subtree(leaf: bytes, index: int, begin: int, end: int, proof: Sequence[bytes], root_: bytes) -> bool:
    """The same within the subtree of the leaves from `begin` to before `end`.

    A subtree begins at a multiple of the least power of two that is not smaller than it.
    """
    if not 0 <= begin <= index < end:
        return False
    if begin % (1 << (end - begin - 1).bit_length()):
        return False
    return included(leaf, index - begin, end - begin, proof, root_)


def consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `second` leaves begins with that of `first` (2.1.4.2)."""
    if not 0 <= first <= second or not _hashes(first_root, second_root, *proof):
        return False
    if first == 0:
        return not proof and first_root == EMPTY and (second > 0 or second_root == EMPTY)
    if first == second:
        return not proof and first_root == second_root
    path = list(proof)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at >>= 1
        last >>= 1
    old = new = path[0]
    for one in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(one, old), node_hash(one, new)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            new = node_hash(new, one)
        at >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root


def _hashes(*all_: bytes) -> bool:
    return all(len(one) == HASH for one in all_)
