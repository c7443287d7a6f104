"""`hansa audit`, and what `check` and `export` have to do with the audit log: of a sleeping city, and a running one."""

import json
from pathlib import Path

import pytest
from cities import run

from hansa import clock
from hansa.serve import find_keys
from hansa.serve.audits import Audits
from hansa.settings import Settings
from hansa.trust.heads import Note

PROFILE = {
    "name": "weather",
    "type": "WeatherObserved",
    "channels": {"temperature": {"name": "temperature", "unit": "CEL"}},
}


def opened(folder):
    return Audits(Settings(folder), find_keys(Settings(folder)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A city that sleeps, with 700 entries in its audit log."""
    folder = tmp_path / "city"
    folder.mkdir()
    assert run("device", "list", "--data", folder).exit_code == 2
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps(PROFILE))
    made = run("device", "add", "north", "--profile", profile, "--data", folder)
    assert made.exit_code == 0, made.output
    audits = opened(folder)
    for n in range(700):
        audits.note("command", "person:ada", {"entity": f"urn:x:{n}"})
    audits.close()
    return folder


def entries(data):
    """Kinds and contents, oldest first."""
    audits = opened(data)
    log = audits.logs["open"]
    found = log.do(
        lambda trail: [(n, json.loads(body)) for n, body in trail.search([], 0, 1 << 40, 10_000, within_s=9)]
    )
    said = sorted(found.result())
    audits.close()
    return said


def test_what_is_done_to_devices_is_noted_before_it_happens(data: Path) -> None:
    run("device", "quarantine", "north", "--data", data)
    profile = data.parent / "profile.json"
    assert run("device", "add", "north", "--profile", profile, "--data", data).exit_code == 2
    said = [one["what"] for _, one in entries(data) if one["kind"] == "device"]
    assert said[0] == {"device": "north", "did": "enrol", "realm": "open"}
    assert said[1] == {"device": "north", "did": "state", "state": "quarantined"}
    assert said[2] == said[0]
    assert "is enrolled already" in said[3]["refused"]


def test_an_export_is_noted_and_a_sound_city_is_said_to_be_sound(data: Path) -> None:
    told = run("export", "--realm", "security", "--log", "--data", data)
    assert told.exit_code == 0, told.output
    kind, what = [(one["kind"], one["what"]) for _, one in entries(data)][-1]
    assert (kind, what) == ("export", {"log": True, "of_realm": "security"})
    checked = run("check", "--data", data)
    assert checked.exit_code == 0, checked.output
    assert "open: the audit log is sound" in checked.output
    assert "security: the audit log is sound" in checked.output


def test_check_finds_what_was_done_to_the_log(data: Path, tmp_path: Path) -> None:
    kept = tmp_path / "head"
    assert run("audit", "head", "-o", kept, "--data", data).exit_code == 0
    assert Note.parse(kept.read_text()).head.size == 702
    assert run("check", "--head", kept, "--data", data).exit_code == 0
    path = data / "audit-open.db"
    audits = opened(data)
    audits.logs["open"].do(lambda trail: trail.db.execute("DELETE FROM entry WHERE n = 500")).result()
    audits.close()
    told = run("check", "--data", data)
    assert told.exit_code == 1
    assert "open: entries 500 to 500 are gone" in told.output
    assert "nothing mends" in told.output
    for file in data.glob("audit-open.db*"):
        file.unlink()
    assert "there is no audit-open.db" in run("check", "--data", data).output
    for file in data.glob("audit*"):
        file.unlink()
    assert run("check", "--data", data).exit_code == 0, "a city of an earlier version has no audit log"
    forgotten = run("check", "--head", kept, "--data", data)
    assert forgotten.exit_code == 1
    assert "this city has no audit log" in forgotten.output
    assert not path.exists()


def test_a_proof_is_exported_and_holds_without_the_city(data: Path, tmp_path: Path) -> None:
    proof, keys = tmp_path / "proof.json", tmp_path / "city.pub"
    assert run("audit", "export", 7, "-o", proof, "--data", data).exit_code == 0
    keys.write_text(run("audit", "keys", "--data", data).output)
    told = run("audit", "verify", proof, "--keys", keys)
    assert told.exit_code == 0, told.output
    assert "entry 7 of hansa-" in told.output
    assert "person:ada  command" in told.output
    proof.write_text(proof.read_text().replace("urn:x:5", "urn:x:6"))
    refused = run("audit", "verify", proof, "--keys", keys)
    assert refused.exit_code == 2
    assert "not entry 7" in refused.output
    assert run("audit", "export", 4711, "--data", data).exit_code == 2


def test_the_front_is_cut_only_by_a_statement_that_keeps_the_root(data: Path, tmp_path: Path) -> None:
    at = clock.text(entries(data)[600][1]["at"])
    keys = tmp_path / "city.pub"
    keys.write_text(run("audit", "keys", "--data", data).output)
    told = run("audit", "cut", "--before", at, "--data", data)
    assert "open: 512 entries before 512 were cut off" in told.output, told.output
    said = entries(data)
    assert said[0][0] == 512
    (cut,) = [one["what"] for _, one in said if one["kind"] == "audit-cut"]
    assert cut["before"] == 512
    checked = run("check", "--data", data)
    assert checked.exit_code == 0, checked.output
    proof = tmp_path / "proof.json"
    assert run("audit", "export", 513, "-o", proof, "--data", data).exit_code == 0
    assert run("audit", "verify", proof, "--keys", keys).exit_code == 0
    gone = run("audit", "export", 100, "--data", data)
    assert "cut off by a signed statement" in gone.output
    assert "nothing to cut off" in run("audit", "cut", "--before", at, "--data", data).output


def test_a_cut_without_its_statement_is_found(data: Path) -> None:
    audits = opened(data)
    audits.logs["open"].do(lambda trail: trail.cut(256)).result()
    audits.close()
    told = run("check", "--data", data)
    assert told.exit_code == 1
    assert "entries before 256 were cut off, and no entry states it" in told.output


def test_of_a_running_city_and_with_a_witness(serve, tmp_path: Path) -> None:
    first = serve(folder="first")
    keys = tmp_path / "first.pub"
    keys.write_text(run("audit", "keys", "--data", first.folder).output)
    second = serve(folder="second", wait=False)
    second.read_addresses()
    second.stop()
    log, _, _ = keys.read_text().splitlines()
    (second.folder / "hansa.toml").write_text(f'[trust]\nwitnessed = ["{log}"]\n')
    second.start()
    seer = run("audit", "keys", "--data", second.folder).output.splitlines()[2]
    first.stop()
    (first.folder / "hansa.toml").write_text(
        f'[trust]\nwitnesses = ["{seer}"]\n[serve]\negress_allow = ["127.0.0.0/8"]\n'
    )
    first.start()
    first.enrol("north", PROFILE)
    for _ in range(2):
        told = run("audit", "witness", f"{second.url}/audit/witness", "--data", first.folder)
        assert told.exit_code == 0, told.output
        assert "has witnessed" in told.output
    stranger = run("audit", "witness", f"{first.url}/audit/witness", "--data", first.folder)
    assert stranger.exit_code == 2
    assert "404" in stranger.output
    head = run("audit", "head", "--data", first.folder).output
    assert head.count("— hansa-") == 2
    exported = run("export", "--data", first.folder)
    assert exported.exit_code == 0, exported.output
    found = first.get("/audit/entries?kind=export").json()["entries"]
    assert [one["entry"]["what"] for one in found] == [{"log": False, "of_realm": "open"}]
    devices = [
        one["entry"]["what"]["did"] for one in first.get("/audit/entries?kind=device&entity=north").json()["entries"]
    ]
    assert devices == ["enrol"]
    first.stop()
    assert run("check", "--data", first.folder).exit_code == 0
    seen = second.get("/audit/witness/seen").json()
    kept = tmp_path / "kept"
    kept.write_text(seen[0]["note"])
    assert run("check", "--head", kept, "--data", first.folder).exit_code == 0
    # Whoever holds every key of the first city begins another history: the head that the second one kept shows it.
    for file in first.folder.glob("audit-open.db*"):
        file.unlink()
    opened(first.folder).close()
    assert run("check", "--data", first.folder).exit_code == 0
    assert json.loads(run("audit", "export", 0, "--data", first.folder).output)["entry"].count("is gone") == 1
    told = run("check", "--head", kept, "--data", first.folder)
    assert told.exit_code == 1
    assert "open:" in told.output
