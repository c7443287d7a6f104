"""How long it takes from many places to many others over a city's own roads: numbers in, numbers out.

A `Network` is made of `Segment`s: lines with a speed and the directions in which they may be driven. Lines meet where
they share a position (to 0.1 m), as they do in OpenStreetMap; two that only cross, as a bridge does, do not meet. A
place hangs on every open road that is hardly further from it than the nearest one; the rest of the way is walked.
Times are those of an empty road without turns, lights or traffic: they put units in order, they promise nothing.

Method: Dijkstra (scipy.sparse.csgraph) over the junctions, from the side with fewer places, with the places as nodes of
their own, a few at a time: scipy lets no other thread of the city run meanwhile. Held against a Bellman-Ford over every
position by tests/apps/test_resources_roads.py.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

Place: TypeAlias = tuple[float, float]
"""Longitude and latitude, degrees."""
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

EARTH_M: Final = 6_371_008.8  # mean radius of the WGS 84 ellipsoid (IUGG)
WALK_MPS: Final = 1.4  # from where a place is to its road: a person on foot
REACH_M: Final = 1_000.0  # a place further than this from every open road is not on the network
BESIDE_M: Final = 5.0  # roads so much further than the nearest one count as well: both carriageways, all of a junction
HANGS: Final = 16  # roads that one place hangs on
STEP_M: Final = 200.0  # the index knows a line by points not further apart
POINTS: Final = 1_000_000  # of the index; beyond it they stand further apart
SAME_M: Final = 0.1  # places on a road that are no further apart are at one spot
AT_ONCE: Final = 2  # places from which one call of Dijkstra goes: 10 ms each in a city of 30,000 junctions
LEAST_S: Final = 1e-6  # of an edge: the sparse graph takes a zero for no edge


@dataclass(frozen=True, slots=True)
class Segment:
    """A line that may be driven at `speed_mps`, along its positions (`forward`), against them, both, or not at all."""

    id: str
    line: tuple[Place, ...]
    speed_mps: float
    forward: bool = True
    backward: bool = True


@dataclass(frozen=True, slots=True)
class _Hung:
    """Places hung on edges: whose (index of the place), which edge, how far along it (0 to 1), the walk in seconds."""

    whose: Ints
    edge: Ints
    along: Floats
    walk_s: Floats
    off_m: Floats  # of each place: how far its nearest open road is (metres; infinite where there is none)


class Network:
    """Roads, ready to be asked for times. Never changed once made, so that threads may share it."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        """Build it; lines of fewer than two different positions are passed over."""
        lines = [(one, _apart(one.line)) for one in segments]
        lines = [(one, line) for one, line in lines if len(line) > 1]
        visits: Counter[Place] = Counter()
        for _, line in lines:
            visits.update(line)
            visits.update((line[0], line[-1]))  # an end is a node in any case
        nodes: dict[Place, int] = {}
        raw = _cut(lines, visits, nodes)
        self.nodes = len(nodes)
        self.edges = len(raw.begin)
        self._begin, self._end = raw.begin, raw.end
        self._forward, self._backward = raw.forward, raw.backward
        ends = _vectors(np.array(raw.pieces, dtype=np.float64).reshape(-1, 4))
        length = _metres(ends[0], ends[1])
        self._length = np.zeros(self.edges)
        np.add.at(self._length, raw.owner, length)
        self._seconds = np.maximum(self._length / raw.speed, LEAST_S) if self.edges else np.zeros(0)
        self._index(raw, ends, length)
        f, b, s = self._forward, self._backward, self._seconds
        rows = np.concatenate((self._begin[f], self._end[b]))
        cols = np.concatenate((self._end[f], self._begin[b]))
        self._ahead = _graph(rows, cols, np.concatenate((s[f], s[b])), (self.nodes, self.nodes))
        self._back: csr_matrix = self._ahead.T.tocsr()
        self.length_m = float(self._length.sum())

    def _index(self, raw: "_Cut", ends: tuple[Floats, Floats], length: Floats) -> None:
        """Points along every open piece, so that the nearest one is found without looking at all of them."""
        passable = self._forward | self._backward
        before = np.cumsum(length) - length  # metres of all pieces before
        first = np.full(self.edges, np.inf)
        np.minimum.at(first, raw.owner, before)
        start = before - first[raw.owner]
        keep = passable[raw.owner]
        self._step_m = max(STEP_M, float(length.sum()) / POINTS)
        owner, start, length = raw.owner[keep], start[keep], length[keep]
        a, b = ends[0][keep], ends[1][keep]
        times = np.maximum(1, np.ceil(length / self._step_m)).astype(np.int64)
        piece = np.repeat(np.arange(len(owner)), times)
        nth = np.arange(len(piece)) - np.repeat(np.cumsum(times) - times, times)
        share = (nth + 0.5) / times[piece]
        middle = a[piece] + (b - a)[piece] * share[:, None]
        self._piece_owner, self._piece_start, self._piece_length = owner, start, length
        self._piece_a, self._piece_b = a, b
        self._points_piece: Ints = piece
        self._tree = cKDTree(middle) if len(middle) else None

    # Asking

    def times(self, starts: Sequence[Place], goals: Sequence[Place]) -> Floats:
        """Seconds from each start to each goal (rows: starts); infinite without a way, NaN for what is off the network.

        Walks at both ends included.
        """
        answer = np.full((len(starts), len(goals)), np.inf)
        if not starts or not goals:
            return answer
        here, there = self._hang(starts), self._hang(goals)
        # What is asked from the side with fewer places is asked against the directions of the roads.
        if len(goals) <= len(starts):
            answer[:, :] = self._search(there, here, len(goals), len(starts), against=True).T
        else:
            answer[:, :] = self._search(here, there, len(starts), len(goals), against=False)
        answer[here.off_m > REACH_M, :] = np.nan
        answer[:, there.off_m > REACH_M] = np.nan
        return answer

    def off_m(self, places: Sequence[Place]) -> list[float]:
        """Metres from each place to the nearest open road; infinite when there is none."""
        return [float(one) for one in self._hang(places).off_m] if places else []

    def connected(self) -> float:
        """The share of all junctions that can be reached from each other: 1.0 is a network without islands or traps."""
        if not self.nodes:
            return 0.0
        _, parts = connected_components(self._ahead, directed=True, connection="strong")
        return float(np.bincount(parts).max() / self.nodes)

    def _search(self, near: _Hung, far: _Hung, n_near: int, n_far: int, *, against: bool) -> Floats:
        """Seconds from the `near` places to the `far` ones, or the other way round where `against`."""
        along, back = (self._backward, self._forward) if against else (self._forward, self._backward)
        rows: list[Ints] = []
        cols: list[Ints] = []
        data: list[Floats] = []
        e, share = near.edge, near.along
        for can, node, part in ((along[e], self._end[e], 1.0 - share), (back[e], self._begin[e], share)):
            rows.append(near.whose[can])
            cols.append(node[can])
            data.append((near.walk_s + part * self._seconds[e])[can])
        graph = self._with(against, n_near, np.concatenate(rows), np.concatenate(cols), np.concatenate(data))
        answer = np.full((n_near, n_far), np.inf)
        e, share = far.edge, far.along
        for first in range(0, n_near, AT_ONCE):
            some = np.arange(first, min(first + AT_ONCE, n_near))
            reach = dijkstra(graph, directed=True, indices=self.nodes + some)
            rows_of = answer[first : first + AT_ONCE]
            for can, node, part in ((along[e], self._begin[e], share), (back[e], self._end[e], 1.0 - share)):
                last = (far.walk_s + part * self._seconds[e])[can]
                np.minimum.at(rows_of.T, far.whose[can], (reach[:, node[can]] + last).T)
        self._beside(near, far, answer, along, back)
        return answer

    def _beside(self, near: _Hung, far: _Hung, answer: Floats, along: NDArray[Any], back: NDArray[Any]) -> None:
        """Both on one road: straight along it, without a junction between."""
        on: dict[int, list[int]] = {}
        for i, edge in enumerate(near.edge):
            on.setdefault(int(edge), []).append(i)
        for j, edge in enumerate(far.edge):
            for i in on.get(int(edge), ()):
                ahead = far.along[j] - near.along[i]
                here = abs(ahead) * self._length[edge] < SAME_M  # nobody goes round the block for a rounded digit
                if here or (ahead > 0 and along[edge]) or (ahead < 0 and back[edge]):
                    took = abs(ahead) * self._seconds[edge] + near.walk_s[i] + far.walk_s[j]
                    at = near.whose[i], far.whose[j]
                    answer[at] = min(answer[at], took)

    def _with(self, against: bool, places: int, rows: Ints, cols: Ints, data: Floats) -> csr_matrix:
        """The junctions, and after them places from which edges lead to them; nothing leads to a place."""
        base = self._back if against else self._ahead
        more = _graph(rows, cols, data, (places, self.nodes))
        size = self.nodes + places
        indptr = np.concatenate((base.indptr, base.indptr[-1] + more.indptr[1:]))
        indices = np.concatenate((base.indices, more.indices))
        return csr_matrix((np.concatenate((base.data, more.data)), indices, indptr), shape=(size, size))

    def _hang(self, places: Sequence[Place]) -> _Hung:
        """Hang places on the roads beside them."""
        off = np.full(len(places), np.inf)
        none = np.zeros(0, dtype=np.int64)
        if self._tree is None:
            return _Hung(none, none, np.zeros(0), np.zeros(0), off)
        at = _vector(np.array(places, dtype=np.float64))
        nearest, _ = self._tree.query(at)
        slack = (self._step_m / 2 + BESIDE_M) / EARTH_M * 1.001
        off = 2.0 * np.arcsin(np.minimum(1.0, nearest / 2.0)) * EARTH_M
        near = np.flatnonzero(nearest <= REACH_M / EARTH_M + slack)
        # A road is not further than its nearest index point, and none of its places further than half a step from one.
        around = self._tree.query_ball_point(at[near], nearest[near] + slack)
        whose, edges, along, walk = [none], [none], [np.zeros(0)], [np.zeros(0)]
        for i, found in zip(near, around, strict=True):
            pieces = np.unique(self._points_piece[found])
            far, share = _to_pieces(at[i], self._piece_a[pieces], self._piece_b[pieces])
            off[i] = far.min()
            if off[i] > REACH_M:
                continue
            close = np.flatnonzero(far <= off[i] + BESIDE_M)
            close = close[np.argsort(far[close], kind="stable")][:HANGS]
            chosen = pieces[close]
            owner = self._piece_owner[chosen]
            whose.append(np.full(len(chosen), i, dtype=np.int64))
            edges.append(owner)
            metres = self._piece_start[chosen] + share[close] * self._piece_length[chosen]
            along.append(np.clip(metres / np.maximum(self._length[owner], 1e-9), 0.0, 1.0))
            walk.append(far[close] / WALK_MPS)
        return _Hung(np.concatenate(whose), np.concatenate(edges), np.concatenate(along), np.concatenate(walk), off)


@dataclass(slots=True)
class _Cut:
    """Lines cut at their nodes: arrays by edge, and the straight pieces of all edges one after the other."""

    begin: Ints
    end: Ints
    speed: Floats
    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    pieces: list[tuple[float, float, float, float]]
    owner: Ints


def _cut(lines: list[tuple[Segment, list[Place]]], visits: Counter[Place], nodes: dict[Place, int]) -> _Cut:
    """Cut every line where another meets it, or where it ends."""
    edges: list[tuple[int, int, float, bool, bool]] = []
    pieces: list[tuple[float, float, float, float]] = []
    owner: list[int] = []
    for one, line in lines:
        last = line[0]
        begin = nodes.setdefault(last, len(nodes))
        for here in line[1:]:
            pieces.append((*last, *here))
            owner.append(len(edges))
            if visits[here] > 1:
                end = nodes.setdefault(here, len(nodes))
                edges.append((begin, end, one.speed_mps, one.forward, one.backward))
                begin = end
            last = here
    begins, ends, speeds, forwards, backwards = zip(*edges, strict=True) if edges else ((), (), (), (), ())
    return _Cut(
        np.array(begins, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        np.array(speeds, dtype=np.float64),
        np.array(forwards, dtype=np.bool_),
        np.array(backwards, dtype=np.bool_),
        pieces,
        np.array(owner, dtype=np.int64),
    )


def _graph(rows: Ints, cols: Ints, data: Floats, shape: tuple[int, int]) -> csr_matrix:
    """Edges as a sparse graph; of several between the same two only the quickest counts."""
    order = np.lexsort((data, cols, rows))
    rows, cols, data = rows[order], cols[order], np.maximum(data[order], LEAST_S)
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (cols[1:] != cols[:-1])
    return csr_matrix((data[first], (rows[first], cols[first])), shape=shape)


def _apart(line: Sequence[Place]) -> list[Place]:
    """A line's positions to 0.1 m, each different from the one before; the antimeridian is one line, not two."""
    made: list[Place] = []
    for longitude, latitude in line:
        here = (round(-180.0 if longitude == 180.0 else longitude, 6), round(latitude, 6))
        if not made or made[-1] != here:
            made.append(here)
    return made


def _vector(places: Floats) -> Floats:
    """Positions as unit vectors: near the poles and at the antimeridian they are as near as they are."""
    longitude, latitude = np.radians(places[:, 0]), np.radians(places[:, 1])
    flat = np.cos(latitude)
    return np.stack((flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)), axis=1)


def _vectors(pieces: Floats) -> tuple[Floats, Floats]:
    return _vector(pieces[:, :2]), _vector(pieces[:, 2:])


def _metres(a: Floats, b: Floats) -> Floats:
    """Along the sphere; a chord says it exactly enough for the shortest piece."""
    chord = np.linalg.norm(a - b, axis=-1)
    made: Floats = 2.0 * np.arcsin(np.minimum(1.0, chord / 2.0)) * EARTH_M
    return made


def _to_pieces(at: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Metres from a place to straight pieces, and where along each (0 to 1) it is nearest."""
    along = b - a
    share = np.einsum("ij,ij->i", at - a, along) / np.maximum(np.einsum("ij,ij->i", along, along), 1e-30)
    share = np.clip(share, 0.0, 1.0)
    return _metres(a + along * share[:, None], at[None, :]), share


def straight_m(starts: Sequence[Place], goals: Sequence[Place]) -> Floats:
    """Metres as the crow flies from each start to each goal."""
    if not starts or not goals:
        return np.zeros((len(starts), len(goals)))
    a, b = _vector(np.array(starts, dtype=np.float64)), _vector(np.array(goals, dtype=np.float64))
    return _metres(a[:, None, :], b[None, :, :])
