"""Backups: whole, of one moment, sealed where the city is; and refused when a bit of them is not as it was."""

import io
import tarfile
import threading
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest, HansaError
from hansa.model.change import Write
from hansa.platform import backup
from hansa.platform.backup import Manifest, Source
from hansa.platform.sqlite import SqliteStore, sealed
from hansa.platform.sqlite.schema import VERSION
from hansa.platform.store import Item
from hansa.trust.keys import CityKey, KeyRing

KEY, OTHER = CityKey(bytes(range(32))), CityKey(bytes(range(1, 33)))
RING = KeyRing((KEY,))
NEEDLE = "quite-unmistakable-words"
VERSIONS = {"open.db": VERSION, "security.db": VERSION}


def reading(n: int) -> Write:
    ident = f"urn:x:{n}"
    return Write("create", ident, {"id": ident, "type": "Thing", "n": {"type": "Property", "value": f"{NEEDLE} {n}"}})


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city's folder with both realms, an account file, and small files."""
    data = tmp_path_factory.mktemp("city")
    for name, key in (("open.db", None), ("security.db", KEY.of("security.db"))):
        store = SqliteStore(data / name, name[:-3], key=key)
        store.commit([Item([reading(n) for n in range(50)], "me")], 1_000_000)
        store.close()
    db = sealed.connect(data / "trust.db", KEY.of("trust.db"))
    db.execute("CREATE TABLE person (name)")
    db.execute("INSERT INTO person VALUES (?)", (NEEDLE,))
    db.close()
    (data / "hansa.toml").write_text("[city]\nname = 'Here'\n")
    (data / "audit.key").write_text(NEEDLE)
    (data / "tls").mkdir()
    (data / "tls" / "ca.key").write_text(NEEDLE)
    return data


def source(data: Path) -> Source:
    databases = {data / "open.db": None, **{data / n: KEY.of(n) for n in ("security.db", "trust.db")}}
    return Source(databases, {name: data / name for name in ("hansa.toml", "audit.key", "tls/ca.key")})


def made(city: Path, target: Path, key: CityKey = KEY) -> Manifest:
    return backup.write(target, source(city), key, hansa="0", made="2026-04-01T00:00:00Z")


@pytest.fixture(scope="module")
def saved(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("saved") / "city.hansa"
    made(city, file)
    return file


def test_a_city_comes_back_as_it_was(city: Path, saved: Path, tmp_path: Path) -> None:
    said = backup.restore(saved, tmp_path / "new", RING, VERSIONS)
    assert said.heads == {"open": 50, "security": 50}
    new = tmp_path / "new"
    assert {str(one.relative_to(new)) for one in new.rglob("*") if one.is_file()} == {
        "open.db", "security.db", "trust.db", "hansa.toml", "audit.key", "tls/ca.key",
    }  # fmt: skip
    for name in ("hansa.toml", "audit.key", "tls/ca.key"):
        assert (new / name).read_bytes() == (city / name).read_bytes()
    for name, key in (("open.db", None), ("security.db", KEY.of("security.db"))):
        store = SqliteStore(new / name, name[:-3], key=key)
        assert store.head() == 50
        assert list(store.check()) == []
        store.close()
    db = sealed.connect(new / "trust.db", KEY.of("trust.db"))
    assert db.execute("SELECT name FROM person").get == NEEDLE
    db.close()
    assert {one.stat().st_mode & 0o077 for one in (new, *new.rglob("*"))} == {0}, "for its owner alone"


def test_only_what_is_open_can_be_read_in_a_backup(city: Path, saved: Path, tmp_path: Path) -> None:
    with tarfile.open(saved) as tar:
        for member in tar:
            body = tar.extractfile(member)
            assert body is not None
            assert (NEEDLE.encode() in body.read()) is (member.name == "open.db"), member.name
    assert KEY.secret not in saved.read_bytes()
    assert saved.stat().st_mode & 0o077 == 0
    data = source(city)
    backup.write(
        tmp_path / "b", Source({p: k for p, k in data.databases.items() if k}, data.files), KEY, hansa="", made=""
    )
    assert NEEDLE.encode() not in (tmp_path / "b").read_bytes()


def test_nothing_is_left_beside_a_backup_and_none_is_overwritten(city: Path, tmp_path: Path) -> None:
    made(city, tmp_path / "a.hansa")
    assert [one.name for one in tmp_path.iterdir()] == ["a.hansa"]
    before = (tmp_path / "a.hansa").read_bytes()
    with pytest.raises(BadRequest, match="is there already"):
        made(city, tmp_path / "a.hansa")
    assert [one.name for one in tmp_path.iterdir()] == ["a.hansa"]
    assert (tmp_path / "a.hansa").read_bytes() == before
    with pytest.raises(HansaError, match="there is no folder"):
        made(city, tmp_path / "no" / "such" / "folder")


def test_a_damaged_city_is_not_backed_up_as_if_it_were_whole(city: Path, tmp_path: Path) -> None:
    bad = tmp_path / "city"
    bad.mkdir()
    body = bytearray((city / "security.db").read_bytes())
    body[9 * 4_096 + 77] ^= 1
    (bad / "security.db").write_bytes(body)
    with pytest.raises(HansaError, match="damaged"):
        backup.write(tmp_path / "b", Source({bad / "security.db": KEY.of("security.db")}, {}), KEY, hansa="", made="")
    assert [one.name for one in tmp_path.iterdir()] == ["city"]


def test_a_city_that_is_being_written_to_is_copied_as_of_one_moment(tmp_path: Path) -> None:
    key = KEY.of("security.db")
    store = SqliteStore(tmp_path / "security.db", "security", key=key, steady=True)
    ended = threading.Event()
    n = 0

    def write() -> None:
        nonlocal n
        while not ended.is_set():
            # Two entities a transaction: half of one must never be seen.
            store.commit([Item([reading(n), reading(n + 1)], "me")], 1_000_000 + n)
            n += 2

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for i in range(3):
            head = n  # so many were acknowledged
            said = backup.write(tmp_path / f"{i}", Source({tmp_path / "security.db": key}, {}), KEY, hansa="", made="")
            assert said.heads["security"] >= head
            backup.restore(tmp_path / f"{i}", tmp_path / f"new{i}", RING, VERSIONS)
            again = SqliteStore(tmp_path / f"new{i}" / "security.db", "security", key=key)
            assert again.head() == said.heads["security"]
            assert again.head() % 2 == 0
            assert list(again.check()) == []
            again.close()
    finally:
        ended.set()
        thread.join()
        store.close()
    assert n > 20, "else nothing went on beside it"


@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_changed_bit_of_what_is_in_it_is_refused(saved: Path, tmp_path: Path, at: float, bit: int) -> None:
    body = bytearray(saved.read_bytes())
    spans = _bodies(saved)
    place = int(at * sum(size for _, size in spans))
    for start, size in spans:
        if place < size:
            body[start + place] ^= 1 << bit
            break
        place -= size
    (tmp_path / "bad").write_bytes(body)
    refused(tmp_path / "bad", tmp_path / "new")


def _bodies(file: Path) -> list[tuple[int, int]]:
    with tarfile.open(file) as tar:
        return [(member.offset_data, member.size) for member in tar]


@given(share=st.floats(0, 0.999))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_one_that_was_cut_is_refused(saved: Path, tmp_path: Path, share: float) -> None:
    body = saved.read_bytes()
    end = max(start + size for start, size in _bodies(saved))
    (tmp_path / "bad").write_bytes(body[: int(share * end)])
    refused(tmp_path / "bad", tmp_path / "new")


def refused(file: Path, new: Path, ring: KeyRing = RING) -> BadRequest:
    """It is refused with a sentence, and nothing is there."""
    with pytest.raises(BadRequest) as told:
        backup.check(file, ring)
    with pytest.raises(BadRequest):
        backup.restore(file, new, ring, VERSIONS)
    assert not new.exists()
    assert not [one for one in new.parent.iterdir() if "restoring" in one.name]
    return told.value


def test_one_with_more_less_or_other_parts_is_refused(saved: Path, tmp_path: Path) -> None:
    with tarfile.open(saved) as tar:
        parts = [(one, tar.extractfile(one).read()) for one in tar]  # type: ignore[union-attr]

    def packed(*chosen: tuple[tarfile.TarInfo, bytes], behind: bytes = b"") -> Path:
        file = tmp_path / "bad"
        with tarfile.open(file, "w") as out:
            for info, body in chosen:
                out.addfile(info, io.BytesIO(body))
        with file.open("ab") as end:
            end.write(behind)
        return file

    assert backup.check(packed(*parts), RING).key == KEY.id, "packed again as it was it is right"
    evil = tarfile.TarInfo("../evil")
    link = tarfile.TarInfo("open.db")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    for bad in (
        packed(*parts[:-1]),
        packed(*parts, (evil, b"")),
        packed(*parts, parts[2]),
        packed(*parts[:2], *reversed(parts[2:])),
        packed(parts[1], parts[0], *parts[2:]),
        packed(*parts[2:]),
        packed(*parts[:2], (link, b""), *parts[3:]),
        packed(),
        packed(*parts, behind=b"x"),
    ):
        refused(bad, tmp_path / "new")


@pytest.mark.parametrize(
    "name",
    [
        "../x.db",
        "/etc/x.db",
        "a/b.db",
        "tls/../../x.db",
        ".x.db",
        "",
        "tls/",
        "tls/.x",
        "TLS/x",
        "a\0.db",
        "a\n.db",
        "x" * 200,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_whoever_wrote_it(tmp_path: Path, name: str) -> None:
    body = b"hello"
    part = backup.Part(name, len(body), "0" * 64, database=False, sealed=True)
    said = msgspec.json.encode(Manifest(backup.FORMAT, "0", "", KEY.id, {}, [part]))
    with tarfile.open(tmp_path / "bad", "w") as tar:
        for title, text in (("manifest.json", said), ("manifest.mac", backup._mac(KEY, said).encode()), (name, body)):
            tar.addfile(backup._info(title, len(text)), io.BytesIO(text))
    refused(tmp_path / "bad", tmp_path / "new")


def test_another_key_opens_nothing_and_says_which_is_wanted(saved: Path, tmp_path: Path) -> None:
    told = refused(saved, tmp_path / "new", KeyRing((OTHER,)))
    assert KEY.id in told.detail
    assert backup.check(saved, KeyRing((OTHER, KEY))).key == KEY.id, "an older key of the ring does"


def test_what_is_no_backup_at_all_is_a_sentence(tmp_path: Path) -> None:
    for body in (b"", b"x" * 20_000, b"\0" * 20_000):
        (tmp_path / "bad").write_bytes(body)
        refused(tmp_path / "bad", tmp_path / "new")
    refused(tmp_path / "not-there", tmp_path / "new")


def test_a_folder_that_holds_something_is_left_alone(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").write_text("mine")
    with pytest.raises(BadRequest, match="not empty"):
        backup.restore(saved, tmp_path / "new", RING, VERSIONS)
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    backup.restore(saved, tmp_path / "empty", RING, VERSIONS)
    assert (tmp_path / "empty" / "open.db").exists()


def test_a_backup_of_a_newer_hansa_is_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="schema version"):
        backup.restore(saved, tmp_path / "new", RING, {**VERSIONS, "security.db": VERSION - 1})
    assert not (tmp_path / "new").exists()


def test_a_backup_of_files_that_were_sealed_anew_since_keeps_its_key(city: Path, saved: Path, tmp_path: Path) -> None:
    backup.restore(saved, tmp_path / "new", KeyRing((OTHER, KEY)), VERSIONS)
    path = tmp_path / "new" / "security.db"
    assert sealed.opens(KeyRing((OTHER, KEY)), path) == KEY
    sealed.replace(path, KEY.of(path.name), OTHER.of(path.name))
    with pytest.raises((BadRequest, apsw.Error)):
        sealed.connect(path, KEY.of(path.name))
    assert backup.check(saved, RING).heads == {"open": 50, "security": 50}
