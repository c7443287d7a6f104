"""`hansa models`: with a city that sleeps, and with one that runs and takes entities and readings."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cities import run as ran

from some_models import BENCH, BENCH_URL, COMMON, COMMON_URL, bench

PROFILE = {"name": "seats", "type": "Bench", "channels": {"seats": "seats", "name": "name"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Schemas as they lie in Smart Data Models' repositories, examples beside them."""
    there = tmp_path / "dataModel.Parks"
    (there / "Bench").mkdir(parents=True)
    (there / "Bench" / "schema.json").write_text(json.dumps(BENCH))
    (there / "Bench" / "example.json").write_text(json.dumps(bench("example")))
    (there / "zz-common-schema.json").write_text(json.dumps(COMMON))
    return there


def run(*words: str, code: int = 0) -> str:
    done = ran(*words)
    assert done.exit_code == code, done.output
    return done.output


def test_a_folder_of_schemas_is_given_listed_used_and_taken_back(tmp_path: Path, folder: Path) -> None:
    data = ("--data", str(tmp_path / "city"))
    assert BENCH_URL in run("models", "add", str(folder), *data)
    listed = json.loads(run("models", "list", "--json", *data))
    assert [(one["type"], one["url"]) for one in listed] == [("Bench", BENCH_URL), (None, COMMON_URL)]
    assert "A bench in a park" in run("models", "list", *data)
    good, odd = tmp_path / "good.json", tmp_path / "odd.jsonl"
    good.write_text(json.dumps([bench("a"), {"id": "urn:x:1", "type": "Other"}]))
    odd.write_text("\n".join(json.dumps(one) for one in (bench("a"), bench("b", "many"))))
    told = run("models", "check", str(good), *data)
    assert "urn:ngsi-ld:Bench:a: as" in told
    assert "no model of Other" in told
    assert "urn:ngsi-ld:Bench:b /seats" in run("models", "check", str(odd), *data, code=1)
    run("models", "remove", COMMON_URL, *data, code=2)
    assert "forgotten" in run("models", "remove", "Bench", *data)
    run("models", "remove", "Bench", *data, code=2)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.json", "[1]", "no JSON Schema"),
        ("a.json", '{"title": "nothing"}', "neither a type nor definitions"),
        ("a.json", json.dumps(BENCH), "common-schema.json, which is not given"),
        ("a.json", "[" * 100_000, "JSON"),
    ],
)
def test_what_is_no_model_is_refused_in_a_sentence(tmp_path: Path, name: str, text: str, words: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert words in run("models", "add", str(file), "--data", str(tmp_path / "city"), code=2)


def test_an_empty_folder_and_a_file_that_is_not_there_are_said(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "city"))
    (tmp_path / "nothing").mkdir()
    assert "holds no JSON Schema" in run("models", "add", str(tmp_path / "nothing"), *data, code=2)
    assert "cannot be read" in run("models", "add", str(tmp_path / "gone.json"), *data, code=2)
    assert "cannot be read" in run("models", "check", str(tmp_path / "gone.json"), *data, code=2)


def test_of_a_folder_the_sound_ones_are_taken_and_the_others_named(tmp_path: Path, folder: Path) -> None:
    (folder / "lost.json").write_text(
        json.dumps({**BENCH, "$id": "https://x.example.org/l.json", "allOf": [{"$ref": "y"}]})
    )
    told = run("models", "add", str(folder), "--data", str(tmp_path / "city"), code=1)
    assert BENCH_URL in told
    assert "lost.json" in told


def test_a_running_city_warns_counts_and_says_so(serve: Callable[..., Any], folder: Path) -> None:
    city = serve()
    run("models", "add", str(folder), "--data", str(city.folder))
    made = city.post("/ngsi-ld/v1/entities", bench("a", "many"))
    assert made.status_code == 201
    assert "/seats" in made.headers["ngsild-warning"]
    assert city.get("/health").json()["models"] == {"known": 1, "breaches": {"Bench": 1}}
    assert 'hansa_model_breaches{type="Bench"} 1.0' in city.get("/metrics").text
    assert "is not as its model says" in city.log.read_text()


def test_a_city_that_refuses_refuses_readings_too_and_keeps_them(
    serve: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "strict").mkdir()
    (tmp_path / "strict" / "hansa.toml").write_text('[city]\nmodels = "refuse"\n')
    city = serve(folder="strict")
    run("models", "add", str(folder), "--data", str(city.folder))
    assert city.post("/ngsi-ld/v1/entities", bench("a", "many")).status_code == 400
    secret = city.enrol("north", PROFILE, entity="urn:ngsi-ld:Bench:north")
    basic = {"authorization": "Basic " + base64.b64encode(f"north:{secret}".encode()).decode()}

    def say(value: Any) -> httpx.Response:
        return httpx.post(f"{city.url}/collect/json", json={"seats": value}, headers=basic, trust_env=False)

    assert say(4).json() == {"taken": 1, "refused": []}
    refused = say(0)
    assert refused.status_code == 400
    assert "/seats" in refused.json()["detail"]
    letters = city.get("/admin/deadletters").json()
    assert "model of Bench" in letters[0]["reason"]
    assert city.get("/ngsi-ld/v1/entities/urn:ngsi-ld:Bench:north").json()["seats"]["value"] == 4
