"""`hansa kpi report`: a card as files, of a file of values, of a city that sleeps; of what is not there, a sentence."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hansa.cli import main

VALUES = """
period: 2025
"EC: ICT: ICT: 1C": {value: 80, target: 95}
"EC: ICT: ICT: 2C": {fixed_broadband_subscriptions: 300, households: 1000}
"""


def run(*words: object) -> tuple[int, str]:
    found = CliRunner().invoke(main, ["kpi", "report", *map(str, words)])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.output


@pytest.fixture
def values(tmp_path: Path) -> Path:
    path = tmp_path / "Orlava.yaml"
    path.write_text(VALUES)
    return path


def test_a_file_of_values_becomes_a_card_and_the_method_of_every_number(values: Path, tmp_path: Path) -> None:
    out = tmp_path / "card"
    code, said = run("u4ssc", "--file", values, "--out", out)
    assert code == 0, said
    assert "2 of 91 are reported for 2025, 1 scored" in said
    assert (out / "card.pdf").read_bytes().startswith(b"%PDF-")
    assert (out / "fact-sheet.pdf").stat().st_size < (out / "card.pdf").stat().st_size
    lines = {one["code"]: one for one in csv.DictReader((out / "card.csv").read_text("utf-8").splitlines())}
    assert (lines["EC: ICT: ICT: 1C"]["value"], lines["EC: ICT: ICT: 1C"]["points"]) == ("80.0", "3")
    assert lines["EC: ICT: ICT: 2C"]["why_not_scored"] == "no target"
    graph = json.loads((out / "card.jsonld").read_text("utf-8"))["@graph"]
    assert (graph[0]["type"], graph[0]["percent"], len(graph)) == ("Scorecard", 75.0, 92)
    method = (out / "method" / "EC-ICT-ICT-2C.md").read_text("utf-8")
    assert "300 / 1,000 = 30" in method
    assert len(list((out / "method").iterdir())) == 91


def test_of_what_is_not_there_a_sentence_is_said_and_nothing_is_written(values: Path, tmp_path: Path) -> None:
    out = tmp_path / "none"
    for words, why in (
        (("u4ssc", "--data", tmp_path / "no-city"), "there is no city"),
        (("u4sc", "--file", values), "perhaps u4ssc"),
        (("u4ssc", "--file", values, "--period", "2019"), "2019"),
        (("u4ssc", "--file", values, "--area", "urn:x"), "nothing of"),
        (("u4ssc", "--file", values, "--url", "http://127.0.0.1:1"), "a city or of a file"),
        (("u4ssc", "--url", "http://127.0.0.1:1"), "does not answer"),
        (("u4ssc", "--file", tmp_path / "no.yaml"), "cannot be read"),
    ):
        code, said = run(*words, "--out", out)
        assert code != 0, words
        assert why in said
    assert not out.exists()
