"""Files of tables are made beside the answers: for real, in processes of their own."""

import threading
import time

import pytest

from hansa.errors import BadRequest, Busy, TooLarge
from hansa.platform.tables import cooking, writing
from hansa.platform.tables.asking import KeptTables, TableProcess
from hansa.platform.tables.child import Question, Reply, Start
from hansa.platform.tables.direct import DirectTables
from hansa.platform.tables.making import Making, swept


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def made_in(folder, rows=3):
    direct = DirectTables(folder)
    recipe = {"from": {"kind": "rows", "columns": ["a"], "rows": [[n] for n in range(rows)]}}
    found = cooking.cook(direct.engine, None, recipe, None)
    return direct, found.sha256


def test_whoever_asks_for_a_file_waits_a_little_and_the_next_one_finds_it(folder):
    slow, calls = threading.Event(), []

    def call(question, _within_s):
        calls.append(question.form)
        slow.wait(10)
        path = folder / f"{question.sha256}.{question.form}"
        path.write_bytes(b"[]")
        return Reply(str(path))

    making = Making(folder, call, 1_000)
    for _ in range(3):
        with pytest.raises(Busy, match="is being made"):
            making.made("a" * 64, "json", 0.01)
    slow.set()
    assert making.made("a" * 64, "json", 10).read_bytes() == b"[]"
    assert calls == ["json"]
    making.close()


def test_no_more_files_are_begun_than_can_be_made(folder):
    slow = threading.Event()
    making = Making(folder, lambda question, within_s: slow.wait(10) and Reply("", "Busy", "late"), 1_000)
    for n in range(20):
        with pytest.raises(Busy, match="is being made"):
            making.made(f"{n:064}", "csv", 0.0)
    with pytest.raises(Busy, match="too many"):
        making.made("f" * 64, "csv", 0.0)
    slow.set()
    making.close()


def test_what_a_process_that_was_killed_left_behind_goes(folder):
    for name in ("rows-x", "sheet-y", "file-z"):
        (folder / name).mkdir()
        (folder / name / "rows.csv").write_text("Ada,1")
    (folder / "kept").mkdir()
    swept(folder, "rows-", "sheet-", "file-")
    assert [one.name for one in folder.iterdir()] == ["kept"]


def test_a_spreadsheet_of_too_many_rows_is_refused_before_it_is_written(folder, monkeypatch):
    direct, sha256 = made_in(folder, 30)
    monkeypatch.setattr(writing, "_XLSX_ROWS", 29)
    monkeypatch.setattr(writing, "_rows", None)  # none is read
    with pytest.raises(TooLarge, match="29"):
        direct.file(sha256, "xlsx")
    assert not list(folder.glob(f"{writing.MAKING}*"))
    direct.engine.close()


def test_a_city_answers_questions_while_others_wait_and_refuses_what_no_question_can_say(folder):
    direct, sha256 = made_in(folder)
    direct.engine.close()
    process, makes = TableProcess(Start(str(folder)), 1), TableProcess(Start(str(folder), niced=True))
    tables = KeptTables(folder, process, Making(folder, makes.call, 1_000_000), within_s=20.0)
    try:
        assert tables.ask({"table": sha256, "order": ["a"]})["rows"] == [[0], [1], [2]]
        deep: list[object] = []
        for _ in range(5_000):
            deep = [deep]
        for said in ({"limit": 10**30}, {"columns": ["\ud800"]}, {"where": deep}):
            with pytest.raises(BadRequest):
                tables.ask({"table": sha256, **said})
        assert tables.file(sha256, "csv", "x").file.read_text() == "a\n0\n1\n2\n"
        with pytest.raises(BadRequest):
            tables.file(sha256, ["csv"])
        held = threading.Thread(target=lambda: process.call(Question("ask", query={"table": sha256}), 20.0))
        with process._lock:
            held.start()
            until = time.monotonic() + 10
            while not process._waiting and time.monotonic() < until:
                time.sleep(0.001)
            with pytest.raises(Busy, match="too many"):
                tables.ask({"table": sha256})
        held.join()
        assert tables.ask({"table": sha256, "limit": 1})["more"]
    finally:
        process.close()
        makes.close()
