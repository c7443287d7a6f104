"""Sealing a file anew is cut off by kill -9, again and again: it is whole each time, with the one key or the other."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from hansa.model.change import Write
from hansa.platform.sqlite import SqliteStore, sealed
from hansa.platform.store import Item

KEYS = (bytes(range(32)), bytes(range(1, 33)))
NEEDLE = "quite-unmistakable-words"


def made(path: Path, key: bytes | None) -> int:
    store = SqliteStore(path, key=key)
    for n in range(4):
        value = {"type": "Property", "value": f"{NEEDLE} {n}" * 20}
        writes = [
            Write("create", f"urn:x:{n}:{i}", {"id": f"urn:x:{n}:{i}", "type": "Thing", "n": value}) for i in range(100)
        ]
        assert isinstance(store.commit([Item(writes, "me")], 1_000_000 * n)[0], list)
    head = store.head()
    store.close()
    return head


def key_of(path: Path) -> bytes | None:
    seal = sealed.seal_of(path)
    assert seal is not None
    return None if seal == "" else next(key for key in KEYS if sealed.seal_id(key) == seal)


def seal_on_and_on(path: Path) -> None:
    """From one key to the other and back, without end."""
    while True:
        old = key_of(path)
        sealed.replace(path, old, KEYS[1] if old == KEYS[0] else KEYS[0])


def killed_after(path: Path, wait_s: float) -> None:
    """Have a process seal it on and on, and end it without a goodbye."""
    process = os.fork()
    if process == 0:
        try:
            seal_on_and_on(path)
        finally:
            os._exit(1)
    time.sleep(wait_s)  # when it is killed is the whole point
    os.kill(process, signal.SIGKILL)
    _, how = os.waitpid(process, 0)
    assert os.WIFSIGNALED(how), "it ended by itself"


@pytest.mark.parametrize("plain", [True, False], ids=["of-an-earlier-version", "with-another-key"])
def test_a_file_that_is_being_sealed_is_whole_whenever_the_process_is_killed(tmp_path: Path, *, plain: bool) -> None:
    rng = random.Random(plain)
    path = tmp_path / "security.db"
    head = made(path, None if plain else KEYS[0])
    body = path.read_bytes()
    began = time.monotonic()
    sealed.replace(path, key_of(path), KEYS[1])
    took = time.monotonic() - began
    seen: set[bytes | None] = set()
    between = 0
    for turn in range(100):
        if turn >= 25 and between and len(seen) > 1:
            break  # on a busy machine what took so long a moment ago may take longer: then it is tried more often
        if plain:
            path.write_bytes(body)
        killed_after(path, rng.random() * (2 + turn // 25) * took)
        between += path.with_name("security.db.sealing").exists()
        seen.add(key := key_of(path))
        store = SqliteStore(path, key=key)
        assert store.head() == head
        assert sum(1 for _ in store.check()) == 0
        store.close()
        if key is not None:
            assert NEEDLE.encode() not in path.read_bytes()
    assert between, "none was killed in the middle, and this proved nothing"
    assert len(seen) > 1, "before, and after"
