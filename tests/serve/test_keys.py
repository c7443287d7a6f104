"""Where a city finds its key, what it does without, and how it comes by another."""

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from hansa import settings as settings_
from hansa.analytics.link import WITHHELD
from hansa.clock import Clock
from hansa.errors import BadRequest
from hansa.platform.sqlite import SqliteStore, sealed
from hansa.serve import find_keys, open_cities
from hansa.serve import keys as keys_
from hansa.serve.keys import BESIDE, VARIABLE, Keys, rotate, sealed_files, write_ring
from hansa.settings import Settings
from hansa.trust.keys import CityKey, KeyRing

A, B = CityKey(bytes(range(32))), CityKey(bytes(range(1, 33)))


@pytest.fixture(autouse=True)
def _no_key_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WITHHELD:
        monkeypatch.delenv(name, raising=False)


def found(data: Path, environ: dict[str, str] | None = None, **more: Any) -> Keys:
    return find_keys(Settings(data, **more), environ=environ or {})


def key_file(path: Path, *keys: CityKey) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_ring(path, KeyRing(keys))
    return path


def open_and_close(data: Path) -> None:
    data.mkdir(exist_ok=True)
    for city in open_cities(Settings(data), Clock(), direct=True).values():
        city.close()


def test_a_new_city_makes_a_key_for_its_owner_alone_and_finds_it_again(tmp_path: Path) -> None:
    made = found(tmp_path)
    assert (made.made, made.beside, made.file) == (True, True, tmp_path / BESIDE)
    assert stat.S_IMODE((tmp_path / BESIDE).stat().st_mode) == 0o600
    assert "Whoever has this file" in (tmp_path / BESIDE).read_text()
    again = found(tmp_path)
    assert (again.made, again.ring.keys) == (False, made.ring.keys)
    assert [one.name for one in tmp_path.iterdir()] == [BESIDE], "and nothing else is left"


def test_the_first_place_that_has_a_key_counts(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    key_file(tmp_path / BESIDE, A)
    key_file(credentials / "hansa-security-key", B)
    other = key_file(tmp_path / "stick" / "key", named := CityKey.fresh())
    environ = {VARIABLE: (said := CityKey.fresh()).text(), "CREDENTIALS_DIRECTORY": str(credentials)}
    assert found(tmp_path, environ, key_file=str(other)).ring.newest == named
    assert found(tmp_path, environ, key_file="stick/key").ring.newest == named, "from the city's folder"
    assert found(tmp_path, environ).ring.newest == said
    del environ[VARIABLE]
    assert found(tmp_path, environ).ring.newest == B
    assert found(tmp_path).ring.newest == A


def test_the_setting_is_read_from_the_file_and_the_environment(tmp_path: Path) -> None:
    (tmp_path / "hansa.toml").write_text('[trust]\nkey_file = "/mnt/key"\n')
    assert settings_.load(tmp_path, {}).key_file == "/mnt/key"
    assert settings_.load(tmp_path, {"HANSA_KEY_FILE": "/other"}).key_file == "/other"


@pytest.mark.parametrize("body", [None, b"", b"not a key", b"\xff\xfe", b"#" * 70_000])
def test_a_named_key_file_that_is_none_is_an_error_and_never_made(tmp_path: Path, body: bytes | None) -> None:
    if body is not None:
        (tmp_path / "k").write_bytes(body)
    with pytest.raises(BadRequest) as told:
        found(tmp_path, key_file="k")
    assert "k" in f"{told.value.detail} {told.value.where}"
    assert "not a key" not in told.value.detail
    assert not (tmp_path / BESIDE).exists()
    assert (tmp_path / "k").exists() is (body is not None)


def test_a_city_whose_key_is_gone_is_not_given_another(tmp_path: Path) -> None:
    open_and_close(tmp_path)
    (tmp_path / BESIDE).unlink()
    with pytest.raises(BadRequest, match="sealed, and there is no key") as told:
        found(tmp_path)
    assert VARIABLE in str(told.value.mend)
    assert not (tmp_path / BESIDE).exists()


def test_a_person_at_a_terminal_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_and_close(tmp_path)
    text = found(tmp_path).ring.newest.text()
    (tmp_path / BESIDE).unlink()

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(keys_.sys, "stdin", Terminal())  # type: ignore[attr-defined]
    monkeypatch.setattr(keys_.getpass, "getpass", lambda _prompt: text)  # type: ignore[attr-defined]
    keys = found(tmp_path)
    assert (keys.ring.newest.text(), keys.file, keys.beside) == (text, None, False)
    monkeypatch.setattr(keys_.getpass, "getpass", lambda _prompt: "")  # type: ignore[attr-defined]
    with pytest.raises(BadRequest):
        found(tmp_path)


def test_the_wrong_key_is_a_sentence_and_leaves_nothing_open(tmp_path: Path) -> None:
    open_and_close(tmp_path)
    key_file(tmp_path / BESIDE, A)
    with pytest.raises(BadRequest, match=r"security\.db is sealed with another key"):
        open_cities(Settings(tmp_path), Clock())
    # Nobody has it open: it can be closed to all others.
    db = sqlite3.connect(tmp_path / "open.db", timeout=0)
    assert db.execute("PRAGMA journal_mode=delete").fetchone() == ("delete",)
    db.close()


def test_others_who_may_read_the_key_file_are_told_of(tmp_path: Path) -> None:
    key_file(tmp_path / BESIDE, A)
    assert found(tmp_path).notes == []
    (tmp_path / BESIDE).chmod(0o644)
    (note,) = found(tmp_path).notes
    assert "chmod 600" in note


def test_a_city_of_an_earlier_version_is_sealed_when_it_opens(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "security.db", "security").close()
    SqliteStore(tmp_path / "open.db").close()
    assert sealed.seal_of(tmp_path / "security.db") == ""
    open_and_close(tmp_path)
    key = found(tmp_path).ring.newest
    assert sealed.seal_of(tmp_path / "security.db") == sealed.seal_id(key.of("security.db"))
    assert sealed.seal_of(tmp_path / "open.db") == "", "what is open stays plain"


@pytest.mark.parametrize("name", ["security.db", "trust.db", "audit-open.db"])
def test_a_plain_file_among_sealed_ones_is_refused_and_stays(tmp_path: Path, name: str) -> None:
    # Whoever can write to the folder but has no key must not slip a file of his own in.
    open_and_close(tmp_path)
    city(tmp_path, *(find_keys(Settings(tmp_path), environ={}).ring.newest,) * 3)
    (tmp_path / name).unlink()
    SqliteStore(tmp_path / name).close()
    keys = found(tmp_path)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(BadRequest, match="had no key"):
        keys.seal(tmp_path / name)
    with pytest.raises(BadRequest, match="not sealed, though"):
        sealed.connect(tmp_path / name, keys.of(tmp_path / name))
    with pytest.raises(BadRequest, match="had no key"):
        list(rotate(tmp_path, keys))
    assert (tmp_path / name).read_bytes() == before


def city(data: Path, *keys: CityKey) -> Path:
    """A sleeping city whose files are sealed with one key each, in turn."""
    for name, key in zip(("security.db", "trust.db", "audit-open.db"), keys, strict=True):
        SqliteStore(data / name, key=key.of(name)).close()
    return data


def sealed_with(data: Path) -> set[str]:
    keys = find_keys(Settings(data), environ={})
    return {one.id if (one := sealed.opens(keys.ring, path)) else "?" for path in sealed_files(data)}


def test_a_rotation_seals_every_file_anew_and_keeps_the_old_key_beside(tmp_path: Path) -> None:
    city(tmp_path, A, A, A)
    file = key_file(tmp_path / BESIDE, A)
    assert [path.name for path, _ in rotate(tmp_path, found(tmp_path))] == ["audit-open.db", "security.db", "trust.db"]
    ring = found(tmp_path).ring
    assert len(ring.keys) == 1
    assert ring.newest != A
    assert sealed_with(tmp_path) == {ring.newest.id}
    assert KeyRing.read((tmp_path / f"{BESIDE}.{A.id}").read_text()).keys == (A,)
    assert stat.S_IMODE((tmp_path / f"{BESIDE}.{A.id}").stat().st_mode) == 0o600
    assert not [one for one in tmp_path.iterdir() if "sealing" in one.name or one.name.startswith(".")]
    with pytest.raises(BadRequest, match="another key"):
        sealed.connect(tmp_path / "trust.db", A.of("trust.db"))
    assert file.exists()


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_rotation_that_was_cut_off_leaves_a_city_that_opens_and_goes_on(tmp_path: Path, done: int) -> None:
    city(tmp_path, A, A, A)
    key_file(tmp_path / BESIDE, A)
    work = rotate(tmp_path, found(tmp_path))
    for _ in range(done):
        next(work)
    work.close()
    for path in sealed_files(tmp_path):
        sealed.connect(path, found(tmp_path).of(path)).close()
    newest = found(tmp_path).ring.newest
    left = [path.name for path, _ in rotate(tmp_path, found(tmp_path))]
    assert len(left) == 3 - done
    if done:
        assert found(tmp_path).ring.keys == (newest,), "the key that it began with"
    assert sealed_with(tmp_path) == {found(tmp_path).ring.newest.id}


def test_a_rotation_begins_nothing_when_a_file_wants_a_key_that_is_not_there(tmp_path: Path) -> None:
    city(tmp_path, A, B, A)
    key_file(tmp_path / BESIDE, A)
    with pytest.raises(BadRequest, match=r"trust\.db is sealed with a key"):
        list(rotate(tmp_path, found(tmp_path)))
    assert found(tmp_path).ring.keys == (A,)
    key_file(tmp_path / BESIDE, A, B)
    assert len(list(rotate(tmp_path, found(tmp_path)))) == 1, "two keys: it goes to the first of them"
    assert sealed_with(tmp_path) == {A.id}


def test_a_key_of_the_environment_is_rotated_into_a_file(tmp_path: Path) -> None:
    city(tmp_path, A, A, A)
    environ = {VARIABLE: A.text()}
    with pytest.raises(BadRequest, match="needs a file"):
        list(rotate(tmp_path, found(tmp_path, environ)))
    new = tmp_path.parent / f"{tmp_path.name}.new"
    work = rotate(tmp_path, found(tmp_path, environ), new)
    next(work)
    work.close()
    assert len(list(rotate(tmp_path, found(tmp_path, environ), new))) == 2, "the same file goes on with the same key"
    fresh = KeyRing.read(new.read_text()).newest
    for path in sealed_files(tmp_path):
        sealed.connect(path, fresh.of(path.name)).close()
    assert not (tmp_path / BESIDE).exists()


def test_a_key_file_is_replaced_whole_and_never_overwritten_unasked(tmp_path: Path) -> None:
    key_file(tmp_path / "k", A)
    with pytest.raises(BadRequest, match="is there already"):
        write_ring(tmp_path / "k", KeyRing((B,)), new=True)
    assert KeyRing.read((tmp_path / "k").read_text()).keys == (A,)
    write_ring(tmp_path / "k", KeyRing((B, A)))
    assert KeyRing.read((tmp_path / "k").read_text()).keys == (B, A)
    assert os.listdir(tmp_path) == ["k"]  # noqa: PTH208
