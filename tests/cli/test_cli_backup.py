"""`hansa backup`, `restore` and `key`, on a city that runs and on one that sleeps."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cities import find, run, store

from hansa.analytics.link import WITHHELD
from hansa.model.change import Write
from hansa.platform.store import Item
from served import Served

NEEDLE = "quite-unmistakable-words"
CODED = base64.b64encode(f"[[{NEEDLE}".encode()).decode()[4:28]  # as a dead letter keeps what it could not read
GUARD = '''
"""An app of the security realm, which also says what its process knows of the city."""
import os
from hansa import App, entity

app = App("guard", report="4.2", reads={"GateEvent"}, writes={"Echo"}, realm="security")

@app.on("GateEvent", "n")
def echo(change, city):
    known = " ".join(f"{k}={v}" for k, v in os.environ.items()) + " " + open("/proc/self/cmdline").read()
    yield entity("Echo", change.entity.key, n=change.entity["n"], known=known.replace("\\0", " "))
'''


@pytest.fixture(autouse=True)
def _no_key_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WITHHELD:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A city that sleeps, with something in each realm."""
    folder = tmp_path / "city"
    folder.mkdir()
    for realm in ("open", "security"):
        with store(folder, realm) as one:
            doc = {"id": "urn:x:1", "type": "Thing", "said": {"type": "Property", "value": f"{NEEDLE} in {realm}"}}
            one.commit([Item([Write("create", "urn:x:1", doc)], "me")], 1_000_000)
    return folder


def said(data: Path, realm: str) -> list[str]:
    return [one["said"] for one in find(data, "Thing", realm)]


def told(folder: Path) -> set[str]:
    """Files of a folder in which the words can be read."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.name for file in files if any(word.encode() in file.read_bytes() for word in (NEEDLE, CODED))}


def test_a_sleeping_city_is_backed_up_and_restored(data: Path, tmp_path: Path) -> None:
    key = (data / "security.key").read_text().split()[-3]
    made = run("backup", tmp_path / "a.hansa", "--data", data)
    assert made.exit_code == 0, made.output
    assert "is whole" in made.stdout
    assert key not in made.output
    again = run(
        "restore", tmp_path / "a.hansa", "--data", tmp_path / "new", "--key-file", data / "security.key", "--keep-key"
    )
    assert again.exit_code == 0, again.output
    for realm in ("open", "security"):
        assert said(tmp_path / "new", realm) == [f"{NEEDLE} in {realm}"]
    checked = run("check", "--data", tmp_path / "new")
    assert checked.exit_code == 0, checked.output
    assert told(tmp_path / "new") == {"open.db"}


def test_a_restored_city_needs_its_key_and_says_so(data: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "a.hansa", "--data", data)
    assert (
        run("restore", tmp_path / "a.hansa", "--data", tmp_path / "new", "--key-file", data / "security.key").exit_code
        == 0
    )
    assert not (tmp_path / "new" / "security.key").exists()
    without = run("check", "--data", tmp_path / "new")
    assert without.exit_code == 2
    assert "there is no key" in without.stderr
    assert not (tmp_path / "new" / "security.key").exists(), "and no other is made"
    with pytest.raises(AssertionError):
        assert run("export", "--realm", "security", "--data", tmp_path / "new").exit_code == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("restore", "{tmp}/none.hansa", "--data", "{tmp}/new", "--key-file", "{city}/security.key"), "there is no"),
        (("restore", "{tmp}/a.hansa", "--data", "{city}", "--key-file", "{city}/security.key"), "not empty"),
        (("restore", "{tmp}/a.hansa", "--data", "{tmp}/new", "--key-file", "{tmp}/nokey"), "cannot be read"),
        (("restore", "{tmp}/a.hansa", "--data", "{tmp}/new"), "a key is wanted"),
        (("backup", "{tmp}/a.hansa", "--data", "{city}"), "is there already"),
        (("backup", "{tmp}/b.hansa", "--data", "{tmp}/new"), "there is no city"),
        (("key", "new", "{city}/security.key"), "is there already"),
        (("key", "rotate", "--data", "{tmp}/new"), "has no key yet"),
        (("key", "rotate", "--data", "{city}", "--new", "{tmp}/k"), "the new key goes where the old one is"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(data: Path, tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    run("backup", tmp_path / "a.hansa", "--data", data)
    answer = run(*(word.format(tmp=tmp_path, city=data) for word in words))
    assert answer.exit_code == 2, answer.output
    assert why in answer.stderr
    assert "Traceback" not in answer.output
    assert not (tmp_path / "new" / "open.db").exists()


def test_the_key_of_a_city_is_changed_and_an_old_backup_still_opens(data: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "a.hansa", "--data", data)
    first = run("key", "show-id", "--data", data).stdout.split()[0]
    turned = run("key", "rotate", "--data", data)
    assert turned.exit_code == 0, turned.output
    assert "MB/s" in turned.stdout
    second = run("key", "show-id", "--data", data)
    assert second.exit_code == 0
    assert first not in second.stdout
    assert said(data, "security") == [f"{NEEDLE} in security"]
    old = data / f"security.key.{first}"
    assert run("key", "show-id", "--data", data, "--key-file", old).exit_code == 1, "it opens nothing any more"
    with_new = run("restore", tmp_path / "a.hansa", "--data", tmp_path / "new", "--key-file", data / "security.key")
    assert with_new.exit_code == 2
    assert first in with_new.stderr
    with_old = run("restore", tmp_path / "a.hansa", "--data", tmp_path / "new", "--key-file", old, "--keep-key")
    assert with_old.exit_code == 0, with_old.output
    assert said(tmp_path / "new", "security") == [f"{NEEDLE} in security"]


def test_a_city_begins_with_a_key_that_lies_elsewhere(tmp_path: Path) -> None:
    made = run("key", "new", tmp_path / "stick")
    assert made.exit_code == 0
    assert (tmp_path / "stick").read_text().split()[-3] not in made.output
    (tmp_path / "city").mkdir()
    (tmp_path / "city" / "hansa.toml").write_text(f"[trust]\nkey_file = {json.dumps(str(tmp_path / 'stick'))}\n")
    with store(tmp_path / "city", "open"):
        pass
    assert run("check", "--data", tmp_path / "city").exit_code == 0
    assert not (tmp_path / "city" / "security.key").exists()
    assert made.stdout.split()[0] in run("key", "show-id", "--data", tmp_path / "city").stdout
    (tmp_path / "stick").unlink()
    away = run("check", "--data", tmp_path / "city")
    assert away.exit_code == 2
    assert "mounted" in away.stderr


def test_a_running_city_keeps_its_secrets_from_the_disk_from_its_apps_and_from_its_backup(
    tmp_path: Path, package: Callable[[str, str], Path], serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("key", "new", tmp_path / "key").exit_code == 0
    text = (tmp_path / "key").read_text().split()[-3]
    monkeypatch.setenv("HANSA_SECURITY_KEY", text)
    city = serve(python_path=package("guard", GUARD))
    assert not (city.folder / "security.key").exists()
    event = {"id": "urn:ngsi-ld:GateEvent:1", "type": "GateEvent", "n": {"type": "Property", "value": NEEDLE}}
    assert city.post("/ccc/ngsi-ld/v1/entities", event).status_code == 201

    def echo() -> str:
        got = city.get("/ccc/ngsi-ld/v1/entities/urn:ngsi-ld:Echo:1")
        return str(got.json()["known"]["value"]) if got.status_code == 200 else ""

    known = str(city.until(echo))
    assert "hansa.analytics.child" in known
    assert text not in known
    assert text[12:55] not in known
    # A device of the security realm says what nobody understands: a dead letter, with what it said.
    secret = city.enrol(
        "gate", {"name": "gate", "type": "GateEvent", "channels": {"n": {"name": "n"}}}, realm="security"
    )
    refused = httpx.post(f"{city.url}/collect/json", content=f"[[{NEEDLE}", auth=("gate", secret), trust_env=False)
    assert refused.status_code == 400, refused.text
    letters = city.until(lambda: city.get("/admin/deadletters").json())
    assert CODED in json.dumps(letters)
    assert told(city.folder) == set()
    backed = run("backup", tmp_path / "a.hansa", "--data", city.folder)
    assert backed.exit_code == 0, backed.output
    assert told(tmp_path) == set()
    exported = run("export", "--realm", "security", "--data", city.folder)
    assert NEEDLE in exported.stdout, "whoever has the key reads it, also while the city runs"
    assert city.stop() == 0
    assert told(city.folder) == set()
    monkeypatch.delenv("HANSA_SECURITY_KEY")
    refused = run("check", "--data", city.folder)
    assert refused.exit_code == 2
    assert "there is no key" in refused.stderr
    assert (
        run("restore", tmp_path / "a.hansa", "--data", tmp_path / "new", "--key-file", tmp_path / "key").exit_code == 0
    )
    monkeypatch.setenv("HANSA_SECURITY_KEY", text)
    assert [one["n"] for one in find(tmp_path / "new", "Echo", "security")] == [NEEDLE]
    assert os.listdir(tmp_path / "new").count("security.key") == 0  # noqa: PTH208
