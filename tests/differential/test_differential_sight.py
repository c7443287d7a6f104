"""What a sight may not see does not exist for it (invariant 5): a city with secrets answers as one without them.

One city holds a crowd of which entities and attributes are hidden, the other only what a resident may see of it. To a
resident both say the same, byte for byte, whatever is asked: nothing shows through counts, pages, orders, places,
joins, times or errors.
"""

import asyncio
import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import NAMES, entities, orders, questions
from naive_query import Order, Question

from hansa.clock import Clock, micros
from hansa.model.change import Write
from hansa.model.context import CORE
from hansa.model.wire import entity_in
from hansa.platform.city import City
from hansa.platform.http import Headers, Request, Response, split
from hansa.platform.ngsild import NgsiLd
from hansa.platform.sqlite.store import SqliteStore
from hansa.trust.labels import ADMINISTRATOR, PUBLIC

QUIET = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
NOW = datetime(2026, 11, 22, 13, 0, 5, tzinfo=UTC)
PAST = {"timerel": "before", "timeAt": "2027-01-01T00:00:00Z"}
HOURS = {"options": "aggregatedValues", "aggrMethods": "max,totalCount", "aggrPeriodDuration": "PT1H"}


_INSTANCE = re.compile(rb'"urn:ngsi-ld:Instance:[^"]*"')


class Place:
    """A city, asked by a resident."""

    def __init__(self, folder: Path) -> None:
        self.city = City(SqliteStore(folder / "open.db"), Clock(micros(NOW), rate=0.0), ADMINISTRATOR, direct=True)
        self.door = NgsiLd(self.city)
        self.runner = asyncio.Runner()

    def hold(self, doc: dict[str, Any], label: str, labels: dict[str, str]) -> None:
        self.city.write(Write("create", doc["id"], doc, label=label, labels=labels or None))

    def ask(self, method: str, path: str, body: Any = None, **params: str) -> Response:
        raw = b"" if body is None else json.dumps(body).encode()
        pairs = [] if body is None else [("content-type", "application/json"), ("content-length", str(len(raw)))]
        headers = Headers([(name.encode(), value.encode()) for name, value in pairs])
        request = Request(method, split(path.encode()), urlencode(params).encode(), raw, headers, PUBLIC)
        return self.runner.run(self.door.handle(request))

    def close(self) -> None:
        self.runner.close()
        self.city.close()


class Pair:
    """The city with secrets, and the one without."""

    def __init__(self, folder: Path) -> None:
        (folder / "secrets").mkdir()
        (folder / "none").mkdir()
        self.secrets, self.none = Place(folder / "secrets"), Place(folder / "none")
        self.hidden: list[str] = []
        self.seen: list[str] = []

    def fill(self, bodies: list[dict[str, Any]]) -> None:
        chance = random.Random(11)
        for body in bodies:
            doc = entity_in(body, CORE)
            hidden = chance.random() < 0.3
            labels = {name: "security" for name in (*NAMES, "location") if name in doc and chance.random() < 0.3}
            self.secrets.hold(doc, "security" if hidden else "open", labels)
            (self.hidden if hidden else self.seen).append(doc["id"])
            if not hidden:
                self.none.hold({name: one for name, one in doc.items() if name not in labels}, "open", {})

    def same(self, method: str, path: str, body: Any = None, **params: str) -> None:
        one = self.secrets.ask(method, path, body, **params)
        other = self.none.ask(method, path, body, **params)
        assert _comparable(one, params) == _comparable(other, params), (method, path, params, body)


def _comparable(answer: Response, params: dict[str, str]) -> tuple[int, Any, list[tuple[bytes, bytes]]]:
    """A response; where no order was promised, in the order of ids. An instanceId is a place in the log."""
    body: Any = _INSTANCE.sub(b'""', answer.body)
    if body[:1] == b"[" and "orderBy" not in params:
        body = sorted(json.loads(body), key=lambda one: str(one.get("id")) if type(one) is dict else str(one))
    return answer.status, body, sorted(answer.headers)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    both = Pair(tmp_path_factory.mktemp("pair"))
    bodies: list[dict[str, Any]] = []

    @settings(QUIET, max_examples=60)
    @given(body=entities())
    def gather(body: dict[str, Any]) -> None:
        # Relationships point at the ids that `made` knows: those entities must be there, to be joined.
        ident = body["id"] if all(one["id"] != body["id"] for one in bodies) else f"urn:x:{len(bodies)}"
        bodies.append({**body, "id": ident})

    gather()
    both.fill(bodies)
    yield both
    both.secrets.close()
    both.none.close()


looks = st.sampled_from(
    [
        {},
        {"options": "sysAttrs"},
        {"options": "keyValues"},
        {"format": "concise"},
        {"join": "inline", "joinLevel": "3"},
        {"join": "flat", "joinLevel": "2"},
        {"limit": "0"},
        {"pick": "speed,größe"},
        {"omit": "speed"},
        {"datasetId": "urn:d:1"},
        {"lang": "en"},
    ]
)


@settings(QUIET, max_examples=150)
@given(question=questions(), look=looks, order=st.one_of(st.none(), orders))
def test_a_query_finds_nothing_by_what_is_hidden(
    pair: Pair, question: Question, look: dict[str, str], order: Order | None
) -> None:
    params = {"count": "true", "limit": "1000", **question.params(), **look}
    pair.same("GET", "entities", **(params if order is None else params | {"orderBy": str(order)}))


@settings(QUIET, max_examples=60)
@given(question=questions(), look=st.sampled_from([{}, {"options": "temporalValues"}, {"lastN": "1"}, HOURS]))
def test_the_past_tells_nothing_of_what_is_hidden(pair: Pair, question: Question, look: dict[str, str]) -> None:
    pair.same("GET", "temporal/entities", **{"limit": "1000", "count": "true", **PAST, **question.params(), **look})


@pytest.mark.parametrize(
    ("join", "q"),
    [
        ("inline", "speed{größe}"),
        ("inline", "near1{speed>0}"),
        ("flat", "größe{Lamp:speed}"),
        ("inline", "area{near1{speed}}"),
    ],
)
def test_no_relationship_leads_to_what_is_hidden(pair: Pair, join: str, q: str) -> None:
    pair.same("GET", "entities", q=q, join=join, joinLevel="2", local="true", limit="1000", count="true")
    for ident in (*pair.hidden[:3], *pair.seen[:10]):
        pair.same("GET", f"entities/{quote(ident, safe='')}", join=join, joinLevel="2")


def test_the_hidden_is_as_the_unknown_to_every_other_request(pair: Pair) -> None:
    for ident in (*pair.hidden[:5], *pair.seen[:5], "urn:x:nobody"):
        path = quote(ident, safe="")
        for params in ({}, {"options": "sysAttrs"}, {"pick": "speed"}, {"attrs": "area"}, {"type": "Lamp"}):
            pair.same("GET", f"entities/{path}", **params)
        for params in ({}, {"attrs": "speed"}, {"lastN": "1"}, HOURS, {"options": "temporalValues"}):
            pair.same("GET", f"temporal/entities/{path}", **params)
        for method, rest, body in (
            ("PATCH", "", {"a": 1}),
            ("PUT", "", {"type": "T"}),
            ("DELETE", "", None),
            ("POST", "/attrs", {"a": 1}),
            ("PATCH", "/attrs/speed", {"value": 1}),
            ("DELETE", "/attrs/speed", None),
        ):
            pair.same(method, f"entities/{path}{rest}", body)
        for verb, body in (
            ("create", {"id": ident, "type": "T"}),
            ("merge", {"id": ident, "type": "T"}),
            ("delete", ident),
        ):
            pair.same("POST", f"entityOperations/{verb}", [body])
    for path in ("types", "attributes", "types/Lamp", *(f"attributes/{quote(name)}" for name in NAMES)):
        for params in ({}, {"details": "true"}):
            pair.same("GET", path, **params)
    pair.same("DELETE", "entities", type="Lamp")


def test_there_is_something_to_be_seen_and_something_hidden(pair: Pair) -> None:
    """Without both, the comparison would say nothing."""
    answer = pair.secrets.ask("GET", "entities", local="true", limit="1000")
    assert sorted(one["id"] for one in json.loads(answer.body)) == sorted(pair.seen)
    assert len(pair.seen) > 20
    assert len(pair.hidden) > 10
