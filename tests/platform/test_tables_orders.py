"""Orders of tables: each is answered, also when the disk is full, and the usual table is made at the first try."""

import asyncio

from hansa import entity
from hansa.platform.tables import orders
from hansa.platform.tables.child import Reply, Start
from hansa.testing import MemoryCity
from hansa.trust.labels import PUBLIC

MADE = {"sha256": "0" * 64, "rows": 1, "size": 1, "columns": []}


def answered(monkeypatch, tmp_path, recipe, body, *replies):
    """What is said of an order, and the questions that were asked for it."""
    asked, left = [], list(replies)

    class Answers:
        def __init__(self, start):
            assert start.folder == str(tmp_path)

        def call(self, question, within_s):
            asked.append(question)
            return left.pop(0)

        def close(self):
            pass

    monkeypatch.setattr(orders, "TableProcess", Answers)
    city = MemoryCity()
    city.say(entity("Table", "one", status="ordered", recipe=recipe))
    one = orders.Orders(city, tmp_path, Start(str(tmp_path)), body, lambda: PUBLIC)
    asyncio.run(one._one("urn:ngsi-ld:Table:one"))
    return city.get("urn:ngsi-ld:Table:one"), asked


def full(ident, digest):
    raise OSError(28, "No space left on device")


def test_an_order_that_finds_no_room_is_told_so_and_does_not_wait_for_ever(monkeypatch, tmp_path):
    sheet = {"from": {"kind": "sheet", "entity": "urn:x:a", "sha256": "1" * 64}}
    said, asked = answered(monkeypatch, tmp_path, sheet, full)
    assert said["status"] == "failed"
    assert "No space left" in said["fault"]
    assert asked == []


def test_the_usual_labels_are_decided_before_the_first_try_and_others_with_the_next(monkeypatch, tmp_path):
    recipe = {"from": {"kind": "entities", "type": "Bench", "attributes": ["name"]}}
    said, asked = answered(monkeypatch, tmp_path, recipe, full, Reply(MADE))
    assert said["status"] == "made"
    assert [one.labels for one in asked] == [{"open": True, "smart": False}]
    said, asked = answered(monkeypatch, tmp_path, recipe, full, Reply(MADE, lacking=["open;owner=parks"]), Reply(MADE))
    assert said["status"] == "made"
    assert asked[1].labels == {"open": True, "smart": False, "open;owner=parks": True}
