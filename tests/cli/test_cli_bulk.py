"""NGSI-LD files over all cores: the same city as one write after the other would have made, only sooner."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from cities import run

from hansa.cli import bulk
from hansa.model.change import Write
from hansa.model.context import CORE
from hansa.model.wire import entity_in
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.bulk import Bulk, rows_of
from hansa.platform.store import Item

TABLES = {
    "entity": "SELECT * FROM entity",
    "type": "SELECT * FROM type",
    "attr": "SELECT * FROM attr",
    "several": "SELECT * FROM several",
    "kind": "SELECT * FROM kind",
    "place": "SELECT e, n, d, west, east, south, north FROM place JOIN geo USING (g)",
    "history": "SELECT * FROM history",
    "log": "SELECT * FROM log",
}  # places without their numbers, which follow no order
AT = 1_760_000_000_000_000


def entity(n: int, rng: random.Random) -> dict[str, Any]:
    doc: dict[str, Any] = {
        "id": f"urn:x:{n}",
        "type": rng.choice(["Thing", "Other", ["Thing", "Other"]]),
        "level": {"type": "Property", "value": rng.random(), "unitCode": "MTR", "observedAt": "2026-04-01T10:00:00Z"},
        "several": [
            {"type": "Property", "value": rng.randrange(9), "datasetId": f"urn:d:{k}"}
            for k in range(rng.randrange(1, 4))
        ],
        "near": {"type": "Relationship", "object": [f"urn:x:{n + 1}", f"urn:x:{n + 2}"]},
    }
    if rng.random() < 0.7:
        doc["location"] = {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [round(rng.random(), 6), round(rng.random(), 6)]},
        }
    if rng.random() < 0.1:
        doc["scope"] = ["/a/b", "/c"]
    if rng.random() < 0.1:
        doc["expiresAt"] = "2099-01-01T00:00:00Z"
    return doc


def lines(file: Path, docs: list[dict[str, Any]], *odd: str) -> Path:
    file.write_text("\n".join([*(json.dumps(doc) for doc in docs), *odd]) + "\n")
    return file


def content(store: SqliteStore) -> dict[str, list[str]]:
    return {table: sorted(map(repr, store.db.execute(sql))) for table, sql in TABLES.items()}


def test_it_makes_the_same_city_as_one_write_after_the_other(tmp_path: Path) -> None:
    rng = random.Random(5)
    docs = [entity_in(entity(n, rng), CORE) for n in range(450)]
    writes = [Write("upsert", doc["id"], doc, label="open") for doc in docs]
    slow, quick = SqliteStore(tmp_path / "slow.db"), SqliteStore(tmp_path / "quick.db")
    for at in range(0, 450, 50):
        list(slow.load(writes[at : at + 50], "import", AT))
    list(quick.load(writes[:50], "import", AT))
    with Bulk(quick) as loading:
        for at in range(50, 450, 50):
            rows = rows_of(writes[at : at + 50], "import", AT, loading.words())
            assert rows is not None
            assert loading.add(rows)
    assert list(quick.check()) == []
    assert quick.several == slow.several
    assert quick.kinds == slow.kinds
    assert len(quick.kinds) == 2 * len(("level", "several", "near", "location"))
    for table, rows_there in content(slow).items():
        assert content(quick)[table] == rows_there, table
    for store in (slow, quick):  # and both go on alike
        store.commit(
            [Item([Write("delete", "urn:x:7"), Write("upsert", "urn:x:8", docs[9] | {"id": "urn:x:8"})], "me")], AT
        )
        assert list(store.check()) == []
        store.close()


def test_what_is_there_already_what_is_said_twice_and_what_is_wrong_find_their_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 50)
    rng = random.Random(6)
    docs = [entity(n, rng) for n in range(300)]
    run("import", lines(tmp_path / "some.ndjson", docs[120:125]), "--data", tmp_path / "city")
    docs[260] = {**docs[260], "newWord": {"type": "Property", "value": 1, "datasetId": "urn:d:never-heard"}}
    docs[40] = {**docs[250]}  # comes again later
    docs[270] = {"id": "no uri", "type": "Thing"}
    file = lines(tmp_path / "all.ndjson", docs, "{broken", "[]")
    told = run("import", file, "--data", tmp_path / "city", "--refused", tmp_path / "refused.txt")
    assert told.stdout == "299 taken, 3 refused\n", told.stderr
    refused = (tmp_path / "refused.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in refused] == ["line 271", "line 301", "line 302"]
    assert run("check", "--data", tmp_path / "city").exit_code == 0
    store = SqliteStore(tmp_path / "city" / "open.db")
    assert store._one("SELECT count(*) FROM entity WHERE doc IS NOT NULL AND id LIKE 'urn:x:%'") == 298
    store.close()


def test_an_import_that_is_cut_off_before_its_index_has_it_when_the_city_is_opened_again(tmp_path: Path) -> None:
    rng = random.Random(7)
    writes = [Write("upsert", doc["id"], doc) for doc in (entity_in(entity(n, rng), CORE) for n in range(200))]
    store = SqliteStore(tmp_path / "open.db")
    list(store.load(writes[:50], "import", AT))
    loading = Bulk(store)
    loading.__enter__()
    rows = rows_of(writes[50:], "import", AT, loading.words())
    assert rows is not None
    assert loading.add(rows)
    assert list(store.check()), "the index is not there yet"
    store.close()  # and nobody settled it
    again = SqliteStore(tmp_path / "open.db")
    assert list(again.check()) == []
    assert again._one("SELECT count(*) FROM attr") > 500
    assert again._one("SELECT count(*) FROM meta WHERE key = 'unindexed'") == 0
    again.close()


def test_rows_are_not_made_of_what_only_the_store_can_decide() -> None:
    rng = random.Random(8)
    one = entity_in(entity(1, rng), CORE)
    store = SqliteStore(":memory:")
    write = Write("upsert", one["id"], one)
    assert rows_of([write], "import", AT, store.names.words()) is None, "words without a number"
    list(store.load([write], "import", AT))
    words = store.names.words()
    other = Write("upsert", "urn:x:9", {**one, "id": "urn:x:9"})
    assert rows_of([other], "import", AT, words) is not None
    assert rows_of([other, other], "import", AT, words) is None, "two Changes of one entity"
    with Bulk(store) as loading:
        again = rows_of([write], "import", AT, words)
        assert again is not None
        assert not loading.add(again), "it is there already"
    store.close()
