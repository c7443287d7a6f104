"""The tree of RFC 9162: roots, proofs and their verification, against a naive tree and against others' vectors."""

import base64
import json
import tarfile
from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.trust import merkle

LEAVES = [merkle.leaf_hash(str(n).encode()) for n in range(1_500)]


def naive(leaves):
    """MTH as section 2.1.1 writes it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return merkle.node_hash(naive(leaves[:k]), naive(leaves[k:]))


class Kept:
    """Leaves, and the nodes that a frontier said are to be kept; counts what is read."""

    def __init__(self, leaves):
        self.levels = [list(leaves), [], [], []]
        self.front = merkle.Frontier()
        self.reads = 0
        for leaf in leaves:
            for tile, index, done in self.front.append(leaf):
                assert index == len(self.levels[tile]), "nodes are finished in order"
                self.levels[tile].append(done)

    def __call__(self, tile, first, end):
        self.reads += end - first
        return self.levels[tile][first:end]


WHOLE = Kept(LEAVES)


def test_the_vectors_of_others_are_accepted_and_refused_as_they_say(data):
    tried = Counter()
    with tarfile.open(data / "trust" / "merkle.tar.xz") as held:
        for member in held:
            if not member.name.endswith(".json"):
                continue
            said = json.load(held.extractfile(member))
            leaf, root = (base64.b64decode(said[name] or "") for name in ("leafHash", "root"))
            proof = [base64.b64decode(one or "") for one in said["proof"] or []]
            if "treeSize" in said:
                good = merkle.included(leaf, said["leafIdx"], said["treeSize"], proof, root)
            else:
                good = merkle.included_in_subtree(leaf, said["leafIdx"], said["start"], said["end"], proof, root)
            assert good is not said["wantErr"], member.name
            tried[good] += 1
    assert tried == {True: 18, False: 284}


def test_roots_are_those_of_the_definition():
    front = merkle.Frontier()
    assert front.root() == merkle.EMPTY == naive([])
    for size, leaf in enumerate(LEAVES[:600], 1):
        list(front.append(leaf))
        if size < 70 or size % 37 == 0:
            assert front.root() == naive(LEAVES[:size])
            assert merkle.root(WHOLE, size) == front.root()
            assert merkle.peaks(WHOLE, size) == front.peaks
    assert len(front.peaks) == (600).bit_count()


@given(st.data())
def test_every_leaf_can_be_shown_and_nothing_else_can(data):
    size = data.draw(st.integers(1, 1_500))
    index = data.draw(st.integers(0, size - 1))
    root = merkle.root(WHOLE, size)
    proof = merkle.inclusion(WHOLE, index, size)
    assert merkle.included(LEAVES[index], index, size, proof, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index) if size > 1 else st.just(size))
    assert not merkle.included(LEAVES[index], other, size, proof, root)
    assert not merkle.included(LEAVES[(index + 1) % 1_500], index, size, proof, root)
    assert not merkle.included(LEAVES[index], index, size, [*proof, merkle.EMPTY], root)
    assert not merkle.included(LEAVES[index], index, size, proof[:-1], root) or not proof
    assert not merkle.included(LEAVES[index], index, size, proof, merkle.EMPTY)


@given(st.data())
def test_a_tree_that_grew_is_consistent_and_no_other_is(data):
    second = data.draw(st.integers(0, 1_500))
    first = data.draw(st.integers(0, second))
    old, new = merkle.root(WHOLE, first), merkle.root(WHOLE, second)
    proof = merkle.consistency(WHOLE, first, second)
    assert merkle.consistent(first, old, second, new, proof)
    assert not merkle.consistent(first, sha256(b"x").digest(), second, new, proof)
    assert not merkle.consistent(first, old, second, new, [*proof, merkle.EMPTY])
    if first < second and first:
        assert not merkle.consistent(first, old, second, sha256(b"x").digest(), proof)
        assert not merkle.consistent(first, old, second, new, proof[:-1])
        assert not merkle.consistent(second, new, first, old, proof)


@given(st.binary(max_size=64), st.integers(-2, 70), st.integers(-2, 70), st.lists(st.binary(max_size=40), max_size=8))
def test_rubbish_is_no_proof_and_no_crash(leaf, first, second, proof):
    assert not merkle.included(leaf, first, second, proof, merkle.EMPTY)
    assert not merkle.consistent(first, leaf, second, sha256(b"nothing has this root").digest(), proof) or first == 0


def test_a_changed_moved_or_missing_entry_gives_another_root():
    root = merkle.root(WHOLE, 700)
    for other in (
        [*LEAVES[:300], merkle.leaf_hash(b"forged"), *LEAVES[301:700]],
        [*LEAVES[:300], LEAVES[301], LEAVES[300], *LEAVES[302:700]],
        [*LEAVES[:300], *LEAVES[301:700]],
        LEAVES[:699],
    ):
        assert Kept(other).front.root() != root


def test_a_proof_reads_a_few_tiles_however_large_the_tree():
    leaf = merkle.leaf_hash(b"")
    many = Kept([leaf] * 70_000)
    many.reads = 0
    proof = merkle.inclusion(many, 69_000, 70_000)
    assert merkle.included(leaf, 69_000, 70_000, proof, many.front.root())
    assert many.reads <= 3 * 2 * merkle.WIDTH
    many.reads = 0
    merkle.consistency(many, 40_001, 70_000)
    assert many.reads <= 3 * 2 * merkle.WIDTH


def test_what_cannot_be_proven_is_said_so():
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(BadRequest, match="no leaf"):
            merkle.inclusion(WHOLE, index, size)
    with pytest.raises(BadRequest, match="cannot begin"):
        merkle.consistency(WHOLE, 6, 5)
    with pytest.raises(BadRequest, match="peaks"):
        merkle.Frontier(3, [merkle.EMPTY])
    with pytest.raises(BadRequest, match="came"):
        merkle.root(lambda *_: [], 4)
