"""`hansa import`: every kind of file, what is wrong with it line by line, into a city that sleeps or runs."""

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cities import find, history, run

TABLE = """id,type,observedAt,temperature,name,ok
north,WeatherObserved,2026-04-01T00:00:00Z,3.5,North,true
north,WeatherObserved,2026-04-01T01:00:00Z,4.5,North,false
south,WeatherObserved,2026-04-01T00:00:00Z,-1,0123,true
"""
NORTH = "urn:ngsi-ld:WeatherObserved:north"


def file(folder: Path, name: str, body: str | bytes) -> Path:
    path = folder / name
    raw = body.encode() if isinstance(body, str) else body
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


def thing(n: int, **more: Any) -> dict[str, Any]:
    return {"id": f"urn:x:{n}", "type": "Thing", "n": {"type": "Property", "value": n}, **more}


@pytest.mark.parametrize("name", ["t.csv", "t.CSV", "t.tsv", "t.csv.gz", "t.txt"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_with_times_makes_history(tmp_path: Path, name: str, separator: str) -> None:
    data = tmp_path / "city"
    told = run("import", file(tmp_path, name, TABLE.replace(",", separator)), "--data", data)
    assert (told.exit_code, told.stdout) == (0, "3 taken, 0 refused\n")
    by_id = {one.id: one for one in find(data, "WeatherObserved")}
    assert by_id[NORTH]["temperature"] == 4.5
    assert by_id[NORTH]["ok"] is False
    assert by_id["urn:ngsi-ld:WeatherObserved:south"]["name"] == "0123", "a code keeps its zeros"
    assert history(data, NORTH, "temperature") == [3.5, 4.5]
    again = run("import", tmp_path / name, "--data", data)
    assert again.exit_code == 0
    assert history(data, NORTH, "temperature") == [3.5, 4.5], "importing it again changes nothing"


def test_a_table_without_times_says_what_is_so(tmp_path: Path) -> None:
    data = tmp_path / "city"
    sheet = file(tmp_path, "t.csv", "id,name,level\n12,Bridge,1.5\nurn:x:whole,Dam,2\n")
    assert run("import", sheet, "--type", "Gauge", "--label", "open", "--data", data).stdout == "2 taken, 0 refused\n"
    by_id = {one.id: one for one in find(data, "Gauge")}
    assert set(by_id) == {"urn:ngsi-ld:Gauge:12", "urn:x:whole"}
    one = by_id["urn:ngsi-ld:Gauge:12"]
    assert (one["level"], one.at("level"), one.label) == (1.5, None, "open")


def test_refusals_are_told_line_by_line_and_the_rest_is_taken(tmp_path: Path) -> None:
    data = tmp_path / "city"
    sheet = file(
        tmp_path,
        "t.csv",
        "id,type,observedAt,temperature\n"
        "a,T,2026-04-01T00:00:00Z,1\n"
        "b,T,yesterday,1\n"
        "c,T,2026-04-01T00:00:00Z\n"
        ",T,2026-04-01T00:00:00Z,1\n"
        "\n"
        "d,,2026-04-01T00:00:00Z,1\n"
        "e,T,2999-01-01T00:00:00Z,1\n"
        "no uri,T,2026-04-01T00:00:00Z,1\n"
        "f,T,2026-04-01T00:00:00Z,2\n",
    )
    told = run("import", sheet, "--data", data, "--refused", tmp_path / "refused.txt")
    assert (told.exit_code, told.stdout) == (0, "2 taken, 6 refused\n")
    refused = (tmp_path / "refused.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in refused] == [f"line {n}" for n in (3, 4, 5, 7, 8, 9)]
    for said in ("3 cells", "no id", "no type", "ahead", "URI"):
        assert any(said in line for line in refused), said
    assert all(line in told.stderr for line in refused)
    assert {one.key for one in find(data, "T")} == {"a", "f"}


def test_a_file_of_which_nothing_can_be_taken_fails(tmp_path: Path) -> None:
    sheet = file(tmp_path, "t.csv", "id,type,n\n" + ",T,1\n" * 50)
    told = run("import", sheet, "--data", tmp_path / "city")
    assert told.exit_code == 1
    assert told.stdout == "0 taken, 50 refused\n"
    assert "and 30 more" in told.stderr


def test_a_profile_says_what_columns_are(tmp_path: Path) -> None:
    data = tmp_path / "city"
    channels = {"t": {"name": "temperature", "unit": "CEL", "from_unit": "FAH", "low": -60, "high": 60}}
    profile = file(
        tmp_path, "p.json", json.dumps({"name": "p", "type": "WeatherObserved", "channels": channels, "time": "when"})
    )
    sheet = file(tmp_path, "t.csv", "station,when,t\nn,2026-04-01T00:00:00Z,50\ns,2026-04-01T00:00:00Z,500\n")
    told = run("import", sheet, "--profile", profile, "--id-column", "station", "--data", data)
    assert told.stdout == "1 taken, 1 refused\n"
    assert "not plausible" in told.stderr
    (one,) = find(data, "WeatherObserved")
    assert one["temperature"] == 10.0
    assert one.attribute("temperature").unit == "CEL"
    for wrong in ("nothing", file(tmp_path, "x.json", "{"), file(tmp_path, "y.json", "{}")):
        assert run("import", sheet, "--profile", wrong, "--data", data).exit_code == 2


def test_a_spreadsheet_begins_with_a_mark_that_nobody_sees(tmp_path: Path) -> None:
    sheet = file(tmp_path, "t.csv", "\ufeffid;level\r\n1;5\r\n".encode())
    assert run("import", sheet, "--type", "Gauge", "--data", tmp_path / "city").stdout == "1 taken, 0 refused\n"


def test_an_id_is_text_whatever_it_looks_like(tmp_path: Path) -> None:
    sheet = file(tmp_path, "t.csv", "id,code\n1.50,1_000\n1e5,nan\n007,1e3\ntrue,+5\n")
    assert run("import", sheet, "--type", "Gauge", "--data", tmp_path / "city").stdout == "4 taken, 0 refused\n"
    found = {one.key: one["code"] for one in find(tmp_path / "city", "Gauge")}
    assert found == {"1.50": "1_000", "1e5": "nan", "007": 1000.0, "true": 5}


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    data, path = tmp_path / "city", tmp_path / "t.parquet"
    with duckdb.connect() as db:
        db.execute(
            "COPY (SELECT 'n' || (i % 2) AS id, "
            "TIMESTAMPTZ '2026-04-01 00:00:00+00' + INTERVAL 1 HOUR * i AS observedAt, "
            "CASE WHEN i = 3 THEN NULL ELSE i * 0.5::DOUBLE END AS temperature, 7::DECIMAL(4, 1) AS level "
            f"FROM range(10) t(i)) TO '{path}' (FORMAT parquet)"
        )
    told = run("import", path, "--type", "Gauge", "--data", data)
    assert (told.exit_code, told.stdout) == (0, "10 taken, 0 refused\n"), told.stderr
    assert history(data, "urn:ngsi-ld:Gauge:n1", "temperature") == [0.5, 2.5, 3.5, 4.5]
    assert history(data, "urn:ngsi-ld:Gauge:n1", "level") == [7.0] * 5
    broken = file(tmp_path, "b.parquet", b"PAR1 is not enough")
    assert run("import", broken, "--type", "Gauge", "--data", data).exit_code == 2


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_ngsi_ld_comes_as_an_array_one_object_or_one_a_line(tmp_path: Path, suffix: str) -> None:
    data = tmp_path / "city"
    lines = "\n".join(json.dumps(thing(n)) for n in range(3)) + "\n\n{\nnull\n" + json.dumps({"id": "x", "type": "T"})
    for name, body, said in (
        ("a.json", json.dumps([thing(3), 7, thing(4), {"id": "urn:x:5"}]), "2 taken, 2 refused\n"),
        ("b.jsonld", json.dumps({**thing(6), "@context": "https://example.org/c.jsonld"}), "1 taken, 0 refused\n"),
        ("c.ndjson", lines, "3 taken, 3 refused\n"),
        ("d.jsonl", "", "0 taken, 0 refused\n"),
        ("e.json", "[]", "0 taken, 0 refused\n"),
    ):
        told = run("import", file(tmp_path, name + suffix, body), "--data", data)
        assert (told.exit_code, told.stdout) == (0, said), (name, told.stderr)
    assert {one.id for one in find(data, "Thing")} == {f"urn:x:{n}" for n in (0, 1, 2, 3, 4, 6)}


HOSTILE = [
    ("nothing.csv", b"", 2), ("noid.csv", b"a,b\n1,2\n", 2), ("latin.csv", b"id,n\xe4me\n1,2\n", 2),
    ("latin2.csv", b"id,n\n1,2\n2,\xe4\n3,4\n", 0), ("null.csv", b"id,n\n1,\x00\n2,2\n", 0),
    ("bad.csv.gz", None, 2), ("bad.json.gz", None, 2), ("bad.ndjson.gz", None, 2), ("a.json", b"{", 2),
    ("latin.json", b'{"id": "\xe4"}', 2), ("latin.ndjson", b'{"id": "\xe4"}\n', 1), ("deep.json", b"[" * 100_000, 2),
    ("deep.ndjson", b"[" * 100_000 + b"\n", 1),
    ("long.json", b'[{"id":"urn:x:1","type":"T","n":' + b"9" * 400 + b"}]", 1),
    ("longer.json", b'[{"id":"urn:x:1","type":"T","n":' + b"9" * 5_000 + b"}]", 2),
    ("nan.json", b'[{"id":"urn:x:1","type":"T","n":NaN}]', 1), ("what.xlsx", b"PK", 2), ("noending", b"x", 2),
    ("wide.csv", b"id,n\n1," + b"x" * 200_000 + b"\n", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "code"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_a_file_that_is_not_what_it_says_is_a_sentence_and_never_a_traceback(
    tmp_path: Path, name: str, body: bytes | None, code: int
) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x1f\x8b\x08\x00 not gzip" if body is None else body)
    told = run("import", path, "--type", "T", "--data", tmp_path / "city")
    assert told.exit_code == code, told.output
    assert told.stderr or told.stdout
    assert "Traceback" not in told.output
    after = run("import", file(tmp_path, "good.json", json.dumps(thing(1))), "--data", tmp_path / "city")
    assert after.stdout == "1 taken, 0 refused\n", "and the city is not left locked"


def test_a_label_that_is_none_is_refused_before_anything_is_taken(tmp_path: Path) -> None:
    sheet = file(tmp_path, "t.json", json.dumps(thing(1)))
    told = run("import", sheet, "--label", "public", "--data", tmp_path / "city")
    assert told.exit_code == 2
    assert "public" in told.stderr


def test_the_security_realm_takes_its_own(tmp_path: Path) -> None:
    data = tmp_path / "city"
    sheet = file(tmp_path, "t.json", json.dumps(thing(1)))
    assert run("import", sheet, "--realm", "security", "--data", data).exit_code == 0
    assert find(data, "Thing") == []
    assert len(find(data, "Thing", "security")) == 1


def test_a_running_city_takes_imports_through_its_own_door(tmp_path: Path, city: Any) -> None:
    rows = "".join(f"c{n},T,2026-04-01T00:00:00Z,{n}\n" for n in range(1_200)) + "x,T,never,1\n"
    sheet = file(tmp_path, "t.csv", "id,type,observedAt,n\n" + rows)
    told = run("import", sheet, "--data", city.folder)
    assert (told.exit_code, told.stdout) == (0, "1,200 taken, 1 refused\n"), told.stderr
    assert "line 1202" in told.stderr
    assert city.get("/ngsi-ld/v1/entities/urn:ngsi-ld:T:c1199").json()["n"]["value"] == 1199
    other = file(
        tmp_path,
        "o.csv",
        "id,type,observedAt,n\nc1,T,2026-04-02T00:00:00Z,1\nurn:ngsi-ld:T:c2,U,2026-04-02T00:00:00Z,1\n",
    )
    told = run("import", other, "--data", city.folder)
    assert told.stdout == "1 taken, 1 refused\n", "what the city itself refuses has its line too"
    assert "line 3" in told.stderr
    secret = run("import", other, "--realm", "security", "--data", city.folder)
    assert secret.exit_code == 2
    assert "stop it first" in secret.stderr
