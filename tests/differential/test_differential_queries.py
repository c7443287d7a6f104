"""One crowd of entities, many questions: the store, the evaluator in memory and the naive broker find the same.

Here the indexes are full, so that what narrows can go wrong: many of a type, many values, lists that are too wide to be
written down, strings that are too long.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import entities, orders, questions
from naive_broker import Naive
from naive_query import Order, Question

from hansa.clock import Clock, micros
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.http import Headers, Request
from hansa.platform.ngsild import NgsiLd
from hansa.platform.sqlite.store import SqliteStore
from hansa.trust.labels import ADMINISTRATOR, Sight

LONG = int(os.environ.get("HANSA_DIFFERENTIAL", "0"))
QUIET = settings(derandomize=not LONG, database=None, deadline=None, suppress_health_check=list(HealthCheck))
NOW = datetime(2026, 11, 22, 13, 0, 5, tzinfo=UTC)
CURIOUS = Sight("curious", classes=frozenset({"open", "smart", "personal", "security"}))
"""Sees all there is, and yet is no administrator: nothing may be answered from the index alone."""


class Crowd:
    """A city with a crowd in it, and the naive broker with the same."""

    def __init__(self, folder: Path, bodies: list[dict[str, Any]]) -> None:
        self.city = City(SqliteStore(folder / "open.db"), Clock(micros(NOW), rate=0.0), ADMINISTRATOR, direct=True)
        self.door = NgsiLd(self.city)
        self.runner = asyncio.Runner()
        self.naive = Naive(NOW)
        for body in bodies:
            raw = json.dumps(body).encode()
            pairs = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
            request = Request("POST", ["entities"], b"", raw, Headers(pairs), ADMINISTRATOR)
            assert self.runner.run(self.door.handle(request)).status == self.naive.create(body), body
        self.docs = self.city.reader.find("", Query(), ADMINISTRATOR, len(bodies), stamps=True)

    def get(self, params: dict[str, str], sight: Sight = ADMINISTRATOR) -> tuple[list[str], int]:
        """The ids that are answered, and how many there are."""
        query = urlencode({"limit": "1000", "count": "true"} | params).encode()
        answer = self.runner.run(self.door.handle(Request("GET", ["entities"], query, b"", Headers(()), sight)))
        assert answer.status == 200, (params, answer.body)
        return [one["id"] for one in json.loads(answer.body)], int(dict(answer.headers)[b"ngsild-results-count"])

    def close(self) -> None:
        self.runner.close()
        self.city.close()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    bodies: list[dict[str, Any]] = []

    @settings(QUIET, max_examples=200)
    @given(body=entities())
    def gather(body: dict[str, Any]) -> None:
        bodies.append({**body, "id": f"urn:x:{len(bodies)}{'äab'[len(bodies) % 3]}"})

    gather()
    one = Crowd(tmp_path_factory.mktemp("crowd"), bodies)
    yield one
    one.close()


@settings(QUIET, max_examples=LONG or 150)
@given(question=questions())
def test_store_evaluator_and_naive_broker_find_the_same(crowd: Crowd, question: Question) -> None:
    due = question.answered(crowd.naive)
    params = question.params()
    for sight in (ADMINISTRATOR, CURIOUS):
        found, count = crowd.get(params, sight)
        assert len(found) == len(set(found)) == count, params
        odd = set(found) ^ due
        assert not odd, (
            params,
            sight.actor,
            len(found),
            len(due),
            [crowd.naive.document(one) for one in sorted(odd)[:2]],
        )
    match = question.parsed(Query).match
    assert {one.id for one in crowd.docs if match(one.doc, one.stamps)} == due, params


@settings(QUIET, max_examples=LONG or 25)
@given(question=questions(), order=orders, size=st.integers(20, 90))
def test_pages_in_order_hold_everything_once_and_in_order(
    crowd: Crowd, question: Question, order: Order, size: int
) -> None:
    params = question.params() | {"orderBy": str(order)}
    found: list[str] = []
    while True:
        some, _ = crowd.get(params | {"limit": str(size), "offset": str(len(found))})
        found += some
        if len(some) < size:
            break
    assert sorted(found) == sorted(question.answered(crowd.naive)), params
    places = [order.place(one, crowd.naive.things[one]) for one in found]
    due = sorted(places, reverse=order.name == "id" and order.direction == "desc")
    assert places == due, (params, [one for one, a, b in zip(found, places, due, strict=True) if a != b])


def test_the_questions_are_not_all_alike(crowd: Crowd) -> None:
    """The comparison would say little if nothing, or everything, were found."""
    shares = []

    @settings(QUIET, max_examples=60)
    @given(question=questions())
    def asked(question: Question) -> None:
        shares.append(len(question.answered(crowd.naive)) / len(crowd.naive.things))

    asked()
    assert sum(0 < share < 1 for share in shares) > len(shares) / 6
