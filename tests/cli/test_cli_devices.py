"""`hansa device` and `hansa deadletters`: the same words to a city that sleeps and to one that runs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cities import find, run

from served import KNOWN

PROFILE = {
    "name": "weather",
    "type": "WeatherObserved",
    "channels": {"temperature": {"name": "temperature", "low": -60, "high": 60}},
}


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(PROFILE))
    return path


@pytest.fixture(params=["asleep", "running"])
def where(request: pytest.FixtureRequest, tmp_path: Path, serve: Callable[..., Any]) -> Iterator[Path]:
    """The folder of a city, once asleep and once running."""
    if request.param == "running":
        yield serve(trusted=False).folder
    else:
        yield tmp_path / "asleep"


def listed(data: Path) -> dict[str, dict[str, Any]]:
    told = run("device", "list", "--json", "--data", data)
    assert told.exit_code == 0, told.output
    return {one["name"]: one for one in json.loads(told.stdout)}


def test_a_device_is_added_shown_silenced_released_renewed_and_revoked(where: Path, profile: Path) -> None:
    added = run("device", "add", "north", "--profile", profile, "--at", "17.1,48.2", "--label", "open", "--data", where)
    assert added.exit_code == 0, added.output
    assert "speaks for urn:ngsi-ld:WeatherObserved:north" in added.stdout
    claim = added.stdout.split("claim")[1].split()[0]
    assert len(claim) >= 32
    own = run("device", "add", "own", "--profile", profile, "--entity", "urn:x:mine", "--data", where)
    assert "speaks for urn:x:mine" in own.stdout
    assert listed(where)["north"]["state"] == "enrolled"
    table = run("device", "list", "--data", where).stdout
    assert "north" in table
    assert "never" in table
    assert run("device", "quarantine", "north", "--data", where).stdout == "north is quarantined\n"
    assert listed(where)["north"]["state"] == "quarantined"
    assert run("device", "release", "north", "--data", where).stdout == "north is enrolled\n"
    renewed = run("device", "renew", "north", "--data", where)
    assert renewed.stdout.split()[1] != claim
    assert run("device", "revoke", "north", "--data", where).stdout == "north is revoked\n"
    back = run("device", "release", "north", "--data", where)
    assert back.exit_code == 2
    assert "hansa device renew" in back.stderr
    assert listed(where)["north"]["state"] == "revoked"


def test_what_is_wrong_is_a_sentence(where: Path, profile: Path, tmp_path: Path) -> None:
    assert run("device", "add", "north", "--profile", profile, "--data", where).exit_code == 0
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    for words, said in (
        (["add", "north", "--profile", profile], "enrolled already"),
        (["add", "no/name", "--profile", profile], "no device name"),
        (["add", "a", "--profile", "nothing"], "no profile"),
        (["add", "a", "--profile", broken], "not JSON"),
        (["add", "a", "--profile", empty], "name"),
        (["add", "a", "--profile", profile, "--at", "here"], "longitude,latitude"),
        (["add", "a", "--profile", profile, "--at", "500,1"], ""),
        (["add", "a", "--profile", profile, "--label", "public"], "public"),
        (["add", "a", "--profile", profile, "--entity", "no uri"], "URI"),
        (["renew", "nobody"], "no device"),
        (["revoke", "nobody"], "no device"),
    ):
        told = run("device", *words, "--data", where)
        assert told.exit_code == 2, (words, told.output)
        assert told.stderr.startswith("hansa: ")
        assert said in told.stderr, words
    assert set(listed(where)) == {"north"}


def test_asking_a_folder_without_a_city_makes_none(tmp_path: Path) -> None:
    for words in (["device", "list"], ["deadletters", "list"]):
        told = run(*words, "--data", tmp_path / "nowhere")
        assert told.exit_code == 2
        assert "there is no city" in told.stderr
    assert not (tmp_path / "nowhere" / "open.db").exists()


def test_a_device_enrolled_asleep_comes_in_when_the_city_runs_and_its_dead_letters_are_dealt_with(
    serve: Callable[..., Any], profile: Path, tmp_path: Path
) -> None:
    data = tmp_path / "city"
    claim = run("device", "add", "north", "--profile", profile, "--data", data).stdout.split("claim")[1].split()[0]
    city = serve(trusted=False)

    def send(password: str, body: str) -> int:
        auth = ("north", password)
        return httpx.post(
            city.url + "/collect/json", content=body, auth=auth, verify=KNOWN, trust_env=False, timeout=30
        ).status_code

    secret = httpx.post(city.url + "/collect/claim", auth=("north", claim), verify=KNOWN, trust_env=False).json()[
        "secret"
    ]
    assert send(secret, '{"temperature": 1, "at": "2026-04-01T00:00:00Z"}') == 200
    assert listed(data)["north"]["readings"] == 1
    assert run("device", "quarantine", "north", "--data", data).exit_code == 0
    assert send(secret, '{"temperature": 2, "at": "2026-04-01T00:01:00Z"}') == 403
    assert send(secret, "{") == 403

    def letters() -> list[dict[str, Any]]:
        return json.loads(run("deadletters", "list", "--json", "--data", data).stdout)  # type: ignore[no-any-return]

    assert len(letters()) == 2
    short = letters()[0]["id"].rsplit(":", 1)[1]
    assert short in run("deadletters", "list", "--data", data).stdout
    assert run("device", "release", "north", "--data", data).stdout == "north is active\n"
    outcomes = [run("deadletters", "retry", one["id"], "--data", data) for one in letters()]
    assert sorted(one.exit_code for one in outcomes) == [0, 2]
    assert {one.stdout for one in outcomes if not one.exit_code} == {"1 taken\n"}
    left = letters()
    assert all("JSON" in one["reason"] or "quarantined" in one["reason"] for one in left)
    assert city.stop() == 0
    for one in left:  # the same words to the files
        again = run("deadletters", "retry", one["id"].rsplit(":", 1)[1], "--data", data)
        assert again.exit_code == 2
        assert run("deadletters", "drop", one["id"].rsplit(":", 1)[1], "--data", data).stdout == "gone\n"
    for one in letters():
        run("deadletters", "drop", one["id"], "--data", data)
    assert letters() == []
    gone = run("deadletters", "drop", "nothing", "--data", data)
    assert gone.exit_code == 2
    assert "no dead letter" in gone.stderr
    (station,) = find(data, "WeatherObserved")
    assert station["temperature"] == 2


def test_what_a_profile_could_not_read_is_read_when_the_profile_is_mended(
    serve: Callable[..., Any], profile: Path, tmp_path: Path
) -> None:
    data = tmp_path / "city"
    claim = run("device", "add", "north", "--profile", profile, "--data", data).stdout.split("claim")[1].split()[0]
    city = serve(trusted=False)
    secret = httpx.post(city.url + "/collect/claim", auth=("north", claim), verify=KNOWN, trust_env=False).json()[
        "secret"
    ]
    said = '{"t": 7, "at": "2026-04-01T00:00:00Z"}'
    answer = httpx.post(city.url + "/collect/json", content=said, auth=("north", secret), verify=KNOWN, trust_env=False)
    assert answer.status_code == 400

    mended = json.loads(profile.read_text())
    name, channel = next(iter(mended["channels"].items()))
    mended["channels"] = {"t": channel, name: channel}
    other = tmp_path / "mended.json"
    other.write_text(json.dumps({**mended, "type": "Another"}))
    refused = run("device", "profile", "north", other, "--data", data)
    assert refused.exit_code == 2
    assert "Another" in refused.stderr
    other.write_text(json.dumps(mended))
    assert run("device", "profile", "north", other, "--data", data).exit_code == 0
    (letter,) = json.loads(run("deadletters", "list", "--json", "--data", data).stdout)
    assert run("deadletters", "retry", letter["id"], "--data", data).stdout == "1 taken\n"
    assert city.stop() == 0
    (station,) = find(data, "WeatherObserved")
    assert station[channel["name"]] == 7


def test_dead_letters_can_be_tried_again_while_the_city_sleeps(
    serve: Callable[..., Any], profile: Path, tmp_path: Path
) -> None:
    city = serve()
    secret = city.enrol("north", PROFILE)
    city.post("/admin/devices/north/state", {"state": "quarantined"})
    told = httpx.post(
        city.url + "/collect/json", content='{"temperature": 7}', auth=("north", secret), verify=KNOWN, trust_env=False
    )
    assert told.status_code == 403
    city.stop()
    assert run("device", "release", "north", "--data", city.folder).stdout == "north is active\n"
    (letter,) = json.loads(run("deadletters", "list", "--json", "--data", city.folder).stdout)
    assert run("deadletters", "retry", letter["id"], "--data", city.folder).stdout == "1 taken\n"
    assert find(city.folder, "WeatherObserved")[0]["temperature"] == 7
    assert json.loads(run("deadletters", "list", "--json", "--data", city.folder).stdout) == []
