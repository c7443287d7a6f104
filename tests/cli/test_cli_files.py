"""`hansa check`, `rebuild`, `export`: what is in the files, proved, mended and carried elsewhere."""

import json
from pathlib import Path
from typing import Any

import apsw
import pytest
from cities import find, run, store

from hansa import Attribute, clock, entity
from hansa.model.change import Write
from hansa.platform.store import Item

T0 = clock.parse("2026-04-01T00:00:00Z")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small city that sleeps."""
    folder = tmp_path / "city"
    folder.mkdir()
    with store(folder) as one:
        writes = []
        for n in range(20):
            place = {"type": "Point", "coordinates": [17 + n / 10, 48]}
            said = entity(
                "Thing", str(n), n=Attribute(n, "CEL", T0), name=f"thing {n}", location=place, deep={"a": [n]}
            )
            writes.append(Write("create", said.id, said.doc, label="open" if n % 2 else None))
        writes.append(Write("append", "urn:ngsi-ld:Thing:1", {"n": {"type": "Property", "value": 100}}))
        writes.append(Write("delete", "urn:ngsi-ld:Thing:2"))
        writes.append(Write("create", "urn:x:other", {"id": "urn:x:other", "type": "Thing"}, tenant="other"))
        one.commit([Item(writes, "me")], T0)
    with store(folder, "security"):
        pass
    return folder


def damage(data: Path, sql: str, realm: str = "open") -> None:
    db = apsw.Connection(str(data / f"{realm}.db"))
    db.execute(sql)
    db.close()


def test_a_sound_city_is_said_to_be_sound(data: Path) -> None:
    told = run("check", "--data", data)
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines() == ["open: 23 Changes in the log, sound", "security: 0 Changes in the log, sound"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entity SET doc = CAST(replace(CAST(doc AS TEXT), 'thing 3', 'thing X') AS BLOB)",
        "UPDATE entity SET doc = NULL WHERE id = 'urn:ngsi-ld:Thing:5'",
        "UPDATE entity SET doc = x'7b' WHERE id = 'urn:ngsi-ld:Thing:5'",
        "DELETE FROM attr WHERE e = (SELECT e FROM entity WHERE id = 'urn:ngsi-ld:Thing:5')",
        "DELETE FROM type",
        "DELETE FROM geo",
    ],
)
def test_a_planted_fault_is_named_and_mended(data: Path, sql: str) -> None:
    before = {one.id: one.doc for one in find(data, "Thing")}
    damage(data, sql)
    told = run("check", "--data", data)
    assert told.exit_code == 1, told.output
    assert "open: 23 Changes in the log, NOT sound" in told.stdout
    assert "security: 0 Changes in the log, sound" in told.stdout, "each realm is told of by itself"
    assert "hansa rebuild" in told.stderr
    assert len(told.stdout.splitlines()) > 2
    mended = run("rebuild", "--data", data)
    assert mended.exit_code == 0, mended.output
    assert run("check", "--data", data).exit_code == 0
    assert {one.id: one.doc for one in find(data, "Thing")} == before


def test_a_loss_that_the_log_cannot_mend_is_named(data: Path) -> None:
    damage(data, "DELETE FROM entity WHERE id = 'urn:ngsi-ld:Thing:5'")
    told = run("check", "--data", data)
    assert told.exit_code == 1
    assert "an entity numbered" in told.stdout
    mended = run("rebuild", "--data", data)
    assert mended.exit_code == 0
    assert "restore a backup" in mended.stdout
    assert run("check", "--data", data).exit_code == 1, "and it is not called sound afterwards"


def test_a_folder_without_a_city_is_told_so(tmp_path: Path) -> None:
    for command in ("check", "rebuild", "export"):
        told = run(command, "--data", tmp_path / "nowhere")
        assert told.exit_code == 2
        assert "there is no city" in told.stderr
        assert not (tmp_path / "nowhere").exists(), "and none is made by asking"


def test_a_running_city_is_not_checked_under_its_feet(city: Any) -> None:
    for command in ("check", "rebuild"):
        told = run(command, "--data", city.folder)
        assert told.exit_code == 2
        assert "another hansa runs" in told.stderr
    made = city.post("/ngsi-ld/v1/entities", {"id": "urn:x:run", "type": "Thing", "n": 1})
    assert made.status_code == 201
    out = run("export", "--data", city.folder)
    assert out.exit_code == 0, "but it can be read"
    assert any(json.loads(line)["id"] == "urn:x:run" for line in out.stdout.splitlines())
    assert city.get("/health").json()["status"] == "ok"


def test_what_was_exported_is_imported_as_it_was(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ndjson"
    assert run("export", "--data", data, "-o", out).exit_code == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == 19, "its own tenant, and nothing that was deleted"
    other = tmp_path / "other"
    told = run("import", out, "--data", other)
    assert (told.exit_code, told.stdout) == (0, "19 taken, 0 refused\n")
    assert {one.id: one.doc for one in find(other, "Thing")} == {one.id: one.doc for one in find(data, "Thing")}
    assert run("check", "--data", other).exit_code == 0
    again = tmp_path / "again.ndjson"
    run("export", "--data", other, "-o", again)
    assert sorted(again.read_text().splitlines()) == sorted(out.read_text().splitlines())


def test_the_whole_log_can_be_had(data: Path) -> None:
    told = run("export", "--log", "--data", data)
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert [one["seq"] for one in lines] == list(range(1, 24))
    assert {one["actor"] for one in lines} == {"me"}
    changed = lines[20]
    assert changed["id"] == "urn:ngsi-ld:Thing:1"
    assert (changed["parts"][0]["old"]["value"], changed["parts"][0]["new"]["value"]) == (1, 100)
    assert lines[21]["gone"] is True


def test_the_citys_own_affairs_are_not_exported(tmp_path: Path) -> None:
    data = tmp_path / "city"
    profile = tmp_path / "p.json"
    profile.write_text(json.dumps({"name": "p", "type": "Thing", "channels": {"n": "n"}}))
    claim = run("device", "add", "north", "--profile", profile, "--data", data).stdout.split("claim")[1].split()[0]
    for words in (["export"], ["export", "--log"]):
        told = run(*words, "--data", data)
        assert told.exit_code == 0
        assert "Credential" not in told.stdout
        assert claim not in told.stdout
    assert run("export", "--realm", "security", "--data", data).stdout == ""
