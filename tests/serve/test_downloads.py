"""Tables of a real city: ordered, made beside it, asked, streamed with flat memory; also when it is killed between."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from served import Served, third_party

ROWS = 300_000
APP = '''
from hansa import App, Answer, entity

app = App("giving", report="4.1.7", reads={"Table", "WeatherObserved"}, writes={"Table"})

@app.act("send", "Table", new=True, files=1, kinds=("sheet",))
def send(act, city):
    """Send a sheet."""
    (file,) = act.files
    source = {"kind": "sheet", "entity": "urn:ngsi-ld:Table:sent", "sha256": file.sha256}
    yield entity("Table", "sent", status="ordered", media=[file.said()], recipe={"from": source})

@app.act("order", "Table", new=True)
def order(act, city):
    """Order a table of what is so now."""
    source = {"kind": "entities", "type": "WeatherObserved", "attributes": ["temperature"]}
    yield entity("Table", "now", status="ordered", recipe={"from": source, "sight": act.said["sight"]})

@app.door("GET", "/giving/ask/{name}")
def ask(asked, city):
    """Count its rows by a column."""
    import json
    query = {"table": asked.path["name"], "measures": [{"as": "count", "name": "n"}]}
    return Answer(json.dumps(city.tables.ask(query)["rows"]).encode(), "application/json")

@app.door("GET", "/giving/{name}.{form}")
def file(asked, city):
    """A file."""
    return city.tables.file(asked.path["name"], asked.path["form"], "rows")
'''


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("downloads")
    made = Served(folder / "city", python_path=third_party(folder / "path", "giving", APP))
    yield made
    made.stop()


def table(city: Served, name: str) -> dict[str, object]:
    def done() -> object:
        said = city.get(f"/ngsi-ld/v1/entities/urn:ngsi-ld:Table:{name}?options=keyValues").json()
        return said if said.get("status") in {"made", "failed"} else None

    found = city.until(done)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def sha(city: Served) -> str:
    body = "id,n,note\n" + "".join(f"station-{n % 97},{n / 8},some words that fill a line\n" for n in range(ROWS))
    sent = httpx.post(
        f"{city.url}/desk/giving/send", files={"file": ("a.csv", body, "text/csv")}, trust_env=False, timeout=30
    )
    assert sent.status_code == 200, sent.text
    made = table(city, "sent")
    assert (made["status"], made["rows"]) == ("made", ROWS), made
    return str(made["sha256"])


def memory(city: Served) -> int:
    lines = Path(f"/proc/{city.process.pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def test_a_large_file_is_streamed_and_the_city_grows_by_little(city: Served, sha: str) -> None:
    city.get(f"/giving/{sha}.csv", headers={"range": "bytes=0-9"})  # made
    before, size = memory(city), 0
    with httpx.stream("GET", f"{city.url}/giving/{sha}.csv", trust_env=False, timeout=30) as answer:
        for part in answer.iter_raw():
            size += len(part)
    assert size == int(answer.headers["content-length"]) > 10_000_000
    assert answer.headers["content-disposition"] == 'attachment; filename="rows.csv"'
    assert memory(city) - before < 8_000, "kB"


def test_a_part_of_a_file_is_answered_as_http_has_it(city: Served, sha: str) -> None:
    where = f"/giving/{sha}.csv"
    part = city.get(where, headers={"range": "bytes=3-4"})
    assert (part.status_code, part.text) == (206, "n,")
    whole = int(part.headers["content-range"].partition("/")[2])
    assert part.headers["content-range"] == f"bytes 3-4/{whole}"
    assert (
        city.get(where, headers={"range": "bytes=-5"}).headers["content-range"]
        == f"bytes {whole - 5}-{whole - 1}/{whole}"
    )
    assert city.get(where, headers={"range": f"bytes={whole}-"}).status_code == 416
    tag = part.headers["etag"]
    assert city.get(where, headers={"if-none-match": tag}).status_code == 304
    assert city.get(where, headers={"range": "bytes=3-4", "if-range": '"other"'}).status_code == 200
    head = httpx.head(city.url + where, trust_env=False)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(whole), b"")


def test_a_table_that_is_not_there_is_not_found(city: Served) -> None:
    assert city.get(f"/giving/{'0' * 64}.csv").status_code == 404
    assert city.get(f"/giving/ask/{'0' * 64}").status_code == 404
    assert city.get("/giving/..%2F..%2Fopen.db.parquet").status_code == 404


def test_an_order_outlives_the_city_and_the_answering_process_its_end(city: Served, sha: str) -> None:
    labelled = {"id": "urn:x:w1", "type": "WeatherObserved", "temperature": 4.5}
    assert city.post("/ngsi-ld/v1/entities", labelled).status_code == 201
    assert city.get(f"/giving/ask/{sha}").json() == [[ROWS]]
    ordered = city.post("/desk/giving/order", {"sight": "app"})
    city.kill()  # whatever it was at
    assert ordered.status_code == 200
    city.start()
    made = table(city, "now")
    assert (made["status"], made["rows"]) == ("made", 1), made
    assert city.get(f"/giving/ask/{made['sha256']}").json() == [[1]]
    assert city.get(f"/giving/ask/{sha}").json() == [[ROWS]], "what was made stays"


def test_what_is_not_for_everybody_does_not_come_into_a_public_table(city: Served) -> None:
    assert city.post("/desk/giving/order", {"sight": "public"}).status_code == 200
    end = time.monotonic() + 20
    while (made := table(city, "now")).get("rows") != 0:
        assert time.monotonic() < end, made
    assert city.get(f"/giving/ask/{made['sha256']}").json() == [[0]]
