"""The same operations against hansa and against a naive broker: every status, document, answer and history agrees.

`HANSA_DIFFERENTIAL=2000 pytest tests/differential` runs so many examples, each of other operations; without it a few,
always the same.
"""

import asyncio
import json
import os
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from made import DATASETS, IDS, NAMES, entities, fragments, instances, parts, questions, typed
from naive_broker import MEMBERS, Naive, Refuse, alike, exact, from_concise, listed
from naive_query import Question

from hansa.clock import Clock, micros
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.http import Headers, Request, Response, split
from hansa.platform.ngsild import NgsiLd
from hansa.platform.sqlite.store import SqliteStore
from hansa.trust.labels import ADMINISTRATOR

LONG = int(os.environ.get("HANSA_DIFFERENTIAL", "0"))
START = datetime(2026, 11, 22, 13, tzinfo=UTC)
SEVERAL = 1_000  # entities, for a page that holds all

ids = st.sampled_from(IDS)
names = st.sampled_from(NAMES)


class Agreement(RuleBasedStateMachine):
    """Both brokers, told the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock(micros(START), rate=0.0)
        self.city = City(SqliteStore(Path(self.folder.name) / "open.db"), self.clock, ADMINISTRATOR, direct=True)
        self.door = NgsiLd(self.city)
        self.runner = asyncio.Runner()
        self.naive = Naive(START)
        self.touched: set[str] = set()
        self.agreed = True

    def teardown(self) -> None:
        try:
            if self.agreed:  # what differed says it better than what follows from it
                self.agree_in_the_end()
        finally:
            self.runner.close()
            self.city.close()
            self.folder.cleanup()

    def ask(self, method: str, path: str, body: Any = None, **params: str) -> Response:
        raw = b"" if body is None else json.dumps(body).encode()
        pairs = [] if body is None else [("content-type", "application/json"), ("content-length", str(len(raw)))]
        headers = Headers([(name.encode(), value.encode()) for name, value in pairs])
        request = Request(method, split(path.encode()), urlencode(params).encode(), raw, headers, ADMINISTRATOR)
        return self.runner.run(self.door.handle(request))

    def told(self, expected: int, method: str, path: str, body: Any = None, **params: str) -> Any:
        """What hansa says to it, which must be what the naive broker says."""
        answer = self.ask(method, path, body, **params)
        self.agreed = self.agreed and answer.status == expected
        assert answer.status == expected, (expected, answer.status, method, path, params, body, answer.body)
        event(f"{method} {path.replace(quote(IDS[0], safe=''), '').split('/')[0]} {expected}")
        return json.loads(answer.body) if answer.body else None

    def tick(self, *idents: str) -> None:
        """A second later: what is written now is modified now."""
        self.naive.now += timedelta(seconds=1)
        self.clock.turn(micros(self.naive.now))
        self.touched.update(idents)

    # Operations

    @initialize(bodies=st.lists(entities(), min_size=2, max_size=3))
    def begin(self, bodies: list[Any]) -> None:
        self.batch("create", bodies)

    @rule(body=entities())
    def create(self, body: dict[str, Any]) -> None:
        self.tick(body["id"])
        self.told(self.naive.create(body), "POST", "entities", body)

    @rule(ident=ids, body=entities(whole=False, ident=False), overwrite=st.booleans())
    def append(self, ident: str, body: dict[str, Any], overwrite: bool) -> None:
        self.tick(ident)
        status, missed = _tried(self.naive.append, ident, body, overwrite=overwrite)
        options = {} if overwrite else {"options": "noOverwrite"}
        said = self.told(status, "POST", f"{_path(ident)}/attrs", body, **options)
        if status == 207:
            assert {_short(one["attributeName"]) for one in said["notUpdated"]} == missed

    @rule(ident=ids, body=fragments(deep=False))
    def update(self, ident: str, body: dict[str, Any]) -> None:
        self.tick(ident)
        status, missed = _tried(self.naive.update, ident, body)
        said = self.told(status, "PATCH", f"{_path(ident)}/attrs", body)
        if status == 207:
            assert {_short(one["attributeName"]) for one in said["notUpdated"]} == missed

    @rule(ident=ids, body=fragments(deep=True).map(typed))
    def merge(self, ident: str, body: dict[str, Any]) -> None:
        self.tick(ident)
        self.told(_status(self.naive.merge, ident, body), "PATCH", _path(ident), body)

    @rule(ident=ids, body=entities(ident=False))
    def replace(self, ident: str, body: dict[str, Any]) -> None:
        self.tick(ident)
        self.told(_status(self.naive.replace, ident, body), "PUT", _path(ident), body)

    @rule(ident=ids)
    def delete(self, ident: str) -> None:
        self.tick(ident)
        self.told(_status(self.naive.delete, ident), "DELETE", _path(ident))

    @rule(ident=ids, name=names, fragment=parts(deep=False).map(typed))
    def patch_attribute(self, ident: str, name: str, fragment: dict[str, Any]) -> None:
        self.tick(ident)
        status = _status(self.naive.patch_attribute, ident, name, fragment)
        self.told(status, "PATCH", f"{_path(ident)}/attrs/{quote(name)}", fragment)

    @rule(ident=ids, name=names, instance=instances())
    def replace_attribute(self, ident: str, name: str, instance: dict[str, Any]) -> None:
        self.tick(ident)
        status = _status(self.naive.replace_attribute, ident, name, instance)
        self.told(status, "PUT", f"{_path(ident)}/attrs/{quote(name)}", instance)

    @rule(
        ident=ids,
        name=st.one_of(names, st.just("scope")),
        dataset=st.sampled_from([None, "everything", *DATASETS]),
    )
    def delete_attribute(self, ident: str, name: str, dataset: str | None) -> None:
        self.tick(ident)
        everything = dataset == "everything"
        status = _status(self.naive.delete_attribute, ident, name, dataset, everything=everything)
        params = {} if dataset is None else {"deleteAll": "true"} if everything else {"datasetId": dataset}
        self.told(status, "DELETE", f"{_path(ident)}/attrs/{quote(name)}", **params)

    # Many at once

    def batch(self, verb: str, bodies: list[Any], option: str | None = None) -> None:
        self.tick(*(body if type(body) is str else body["id"] for body in bodies))
        status, well, ill = self.naive.batch(verb, bodies, option)
        said = self.told(
            status, "POST", f"entityOperations/{verb}", bodies, **({} if option is None else {"options": option})
        )
        if status == 207:
            assert sorted(said["success"]) == sorted(well), (said, well)
            assert sorted(one["entityId"] for one in said["errors"]) == sorted(ill), (said, ill)
        elif status == 201:
            assert sorted(said) == sorted(well)

    @rule(bodies=st.lists(entities(), min_size=1, max_size=4))
    def batch_create(self, bodies: list[Any]) -> None:
        self.batch("create", bodies)

    @rule(bodies=st.lists(entities(), min_size=1, max_size=4), option=st.sampled_from([None, "replace", "update"]))
    def batch_upsert(self, bodies: list[Any], option: str | None) -> None:
        self.batch("upsert", bodies, option)

    @rule(bodies=st.lists(entities(whole=False), min_size=1, max_size=4), option=st.sampled_from([None, "noOverwrite"]))
    def batch_update(self, bodies: list[Any], option: str | None) -> None:
        self.batch("update", bodies, option)

    @rule(bodies=st.lists(fragments(deep=True, ident=True).map(typed), min_size=1, max_size=4))
    def batch_merge(self, bodies: list[Any]) -> None:
        self.batch("merge", bodies)

    @rule(some=st.lists(ids, min_size=1, max_size=3))
    def batch_delete(self, some: list[str]) -> None:
        self.batch("delete", some)

    # Questions

    @rule(question=questions(), size=st.integers(1, 3))
    def query(self, question: Question, size: int) -> None:
        self.agreed = False
        expected = question.answered(self.naive)
        event(f"query finds {len(expected)} of {len(self.naive.things)}")
        params = question.params()
        found, pages = [], 0
        while True:
            answer = self.ask("GET", "entities", **params, limit=str(size), offset=str(pages * size), count="true")
            assert answer.status == 200, (params, answer.body)
            assert dict(answer.headers)[b"ngsild-results-count"] == str(len(expected)).encode(), (
                params,
                expected,
                found,
            )
            some = json.loads(answer.body)
            found += [one["id"] for one in some]
            pages += 1
            if len(some) < size:
                break
        assert len(found) == len(set(found)), (params, "a page holds what another held")
        assert set(found) == expected, (params, [alike(self.naive.document(one)) for one in set(found) ^ expected])
        match = question.parsed(Query).match
        assert {one.id for one in self._every() if match(one.doc, one.stamps)} == expected
        self.agreed = True

    def _every(self) -> list[Any]:
        return self.city.reader.find("", Query(), ADMINISTRATOR, SEVERAL, stamps=True)

    # What both hold

    @invariant()
    def documents_agree(self) -> None:
        for ident in self.touched:
            self.agreed = False
            self._document_agrees(ident)
            self.agreed = True
        self.touched.clear()

    def _document_agrees(self, ident: str) -> None:
        there = ident in self.naive.things
        answer = self.told(200 if there else 404, "GET", _path(ident))
        if not there:
            return
        _agree(alike(answer), alike(self.naive.document(ident)))
        stamped = self.told(200, "GET", _path(ident), options="sysAttrs")
        _agree(alike(stamped), alike(self.naive.document(ident, system=True)))
        simple = self.told(200, "GET", _path(ident), options="keyValues")
        _agree(_plain(simple), _plain(self.naive.simplified(ident)))
        concise = self.told(200, "GET", _path(ident), format="concise")
        again = Naive(self.naive.now)  # concise is input too: what it says must be what was meant
        again.create({name: one if name in MEMBERS else from_concise(one) for name, one in concise.items()})
        _agree(alike(again.document(ident)), alike(self.naive.document(ident)))

    def agree_in_the_end(self) -> None:
        everything = self.told(200, "GET", "entities", local="true", limit=str(SEVERAL))
        assert {one["id"] for one in everything} == self.naive.things.keys()
        for ident in self.naive.things:
            self._document_agrees(ident)
        for ident in {ident for ident, *_ in self.naive.past}:
            self._history_agrees(ident)
        assert list(self.city.store.check()) == []
        before = {one.id: (one.doc, one.stamps) for one in self._every()}
        assert self._replayed() == {ident: doc for ident, (doc, _) in before.items()}
        list(self.city.store.rebuild())
        assert list(self.city.store.check()) == []
        assert {one.id: (one.doc, one.stamps) for one in self._every()} == before

    def _history_agrees(self, ident: str) -> None:
        said = self.told(200, "GET", f"temporal/{_path(ident)}")
        due = Counter(_frozen(name, one) for i, name, _, one in self.naive.past if i == ident)
        have = Counter(
            _frozen(name, one)
            for name, entry in said.items()
            if name not in {"id", "type", "scope"}
            for one in listed(entry)
        )
        assert have == due, (have - due, due - have)

    def _replayed(self) -> dict[str, Any]:
        """The state that the log tells, Change by Change, each leading on from the one before."""
        docs: dict[str, Any] = {}
        place = 0
        while changes := self.city.store.since(place, 7):
            for change in changes:
                place = change.seq
                was, held = change.before, docs.get(change.entity.id)
                assert (was is None) == (held is None)
                if was is not None and held is not None:
                    _agree(alike(was.doc), alike(held))
                docs[change.entity.id] = change.entity.doc
                if change.gone:
                    del docs[change.entity.id]
        return docs


def _agree(have: dict[str, Any], due: dict[str, Any]) -> None:
    """Both are the same; else what differs is said, and no more."""
    odd = {name for name in have.keys() | due.keys() if have.get(name) != due.get(name)}
    assert not odd, {name: {"hansa": have.get(name), "due": due.get(name)} for name in odd}


def _path(ident: str) -> str:
    return f"entities/{quote(ident, safe='')}"


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _tried(operation: Any, *args: Any, **more: Any) -> tuple[int, set[str]]:
    try:
        found: tuple[int, set[str]] = operation(*args, **more)
    except Refuse as no:
        return no.status, set()
    return found


def _status(operation: Any, *args: Any, **more: Any) -> int:
    try:
        return int(operation(*args, **more))
    except Refuse as no:
        return no.status


def _plain(doc: dict[str, Any]) -> Any:
    return exact({name: sorted(listed(one)) if name in {"type", "scope"} else one for name, one in doc.items()})


def _frozen(name: str, instance: dict[str, Any]) -> str:
    shown = {m: v for m, v in instance.items() if m not in {"instanceId", "createdAt", "modifiedAt", "deletedAt"}}
    return f"{name} {json.dumps(exact(_floats(shown)), sort_keys=True)}"


def _floats(value: Any) -> Any:
    """2 and 2.0 are one number; as text they must look alike."""
    if type(value) is dict:
        return {name: _floats(one) for name, one in value.items()}
    if type(value) is list:
        return [_floats(one) for one in value]
    if type(value) is float and value == int(value):
        return int(value)
    return value


def test_hansa_and_a_naive_broker_agree_on_everything() -> None:
    run_state_machine_as_test(
        Agreement,
        settings=settings(
            max_examples=LONG or 25,
            stateful_step_count=50 if LONG else 30,
            derandomize=not LONG,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=bool(LONG),
        ),
    )
