"""A client of the FIWARE world that knows nothing of hansa. It pins an old httpx and so lives in a venv of its own."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, sys
from ngsildclient import Client, Entity
from ngsildclient.api.exceptions import NgsiAlreadyExistsError

said = {}
with Client(hostname="127.0.0.1", port=int(sys.argv[1])) as client:
    room = Entity("Room", "kitchen").prop("temperature", 21.3, unitcode="CEL").gprop("location", (48.1, 17.1))
    said["created"] = bool(client.create(room))
    try:
        client.create(room)
    except NgsiAlreadyExistsError:
        said["refused"] = True
    hall = Entity("Room", "hall").prop("temperature", 12.0, unitcode="CEL")
    said["upserted"] = bool(client.upsert(hall))
    got = client.get("urn:ngsi-ld:Room:kitchen")
    said["got"] = json.loads(got.to_json())
    said["warm"] = [one.id for one in client.query(type="Room", q="temperature>20")]
    said["count"] = client.count(type="Room")
    got["temperature"]["value"] = 22.5
    said["updated"] = bool(client.update(got))
    said["after"] = client.get("urn:ngsi-ld:Room:kitchen")["temperature"]["value"]
    said["deleted"] = bool(client.delete(got))
    said["there"] = client.exists("urn:ngsi-ld:Room:kitchen")
    said["other"] = client.exists("urn:ngsi-ld:Room:hall")
print("SAID", json.dumps(said))
"""


@pytest.fixture(scope="module")
def clients() -> Path:
    python = Path(__file__).parents[2] / ".venv-clients" / "bin" / "python"
    if not python.exists():
        why = "ngsildclient's own venv is not there; `make test` makes it"
        if os.environ.get("HANSA_REQUIRE_ALL"):
            pytest.fail(why)
        pytest.skip(why)
    return python


def test_ngsildclient_creates_queries_updates_and_deletes(city: Any, clients: Path) -> None:
    port = city.url.rsplit(":", 1)[1]
    done = subprocess.run([clients, "-c", SCRIPT, port], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("SAID"))[5:])
    assert said["created"]
    assert said["refused"], "what is there cannot be created"
    assert said["upserted"]
    assert said["got"]["temperature"]["value"] == 21.3
    assert said["got"]["location"]["value"]["coordinates"] == [17.1, 48.1]
    assert said["warm"] == ["urn:ngsi-ld:Room:kitchen"]
    assert said["count"] == 2
    assert said["updated"]
    assert said["after"] == 22.5
    assert said["deleted"]
    assert not said["there"]
    assert said["other"], "its neighbour stayed"
