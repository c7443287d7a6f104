"""The writer takes out what has expired by itself (CIM 009, clause 4.22), and lives on when it cannot."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from hansa.clock import SECOND, Clock, text
from hansa.errors import NotFound
from hansa.limits import DEFAULT
from hansa.model.change import Change, Write
from hansa.platform.city import City
from hansa.platform.expiry import Expiry
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR

START = 1_800_000_000 * SECOND
WAIT_S = 20


class Ends:
    """Who hears of every end."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._heard = threading.Condition()

    def __call__(self, changes: list[Change]) -> None:
        with self._heard:
            self.ids += [one.entity.id for one in changes if one.gone]
            self._heard.notify_all()

    def wait(self, count: int) -> list[str]:
        with self._heard:
            assert self._heard.wait_for(lambda: len(self.ids) >= count, WAIT_S)
        return self.ids


@contextmanager
def open_city(path: Path, clock: Clock, store: Callable[[Path], SqliteStore] = SqliteStore) -> Iterator[City]:
    with City(store(path / "open.db"), clock, ADMINISTRATOR).closing() as city:
        yield city


def thing(n: int, until: int) -> Write:
    ident = f"urn:x:{n}"
    return Write("create", ident, {"id": ident, "type": "Thing", "expiresAt": text(until)})


def test_the_writer_wakes_when_something_expires(tmp_path: Path) -> None:
    with open_city(tmp_path, Clock()) as city:
        ends = Ends()
        city.watch(ends)
        now = city.clock.now()
        city.write(thing(2, now + SECOND // 5), thing(1, now + SECOND // 10), thing(3, now + 3_600 * SECOND))
        assert ends.wait(2) == ["urn:x:1", "urn:x:2"]
        assert city.clock.now() >= now + SECOND // 5
        assert city.get("urn:x:3").id == "urn:x:3"
        assert list(city.store.check()) == []


def test_what_expired_while_the_city_slept_goes_when_it_wakes(tmp_path: Path) -> None:
    with open_city(tmp_path, Clock(START, 0.0)) as city:
        city.write(thing(1, START + SECOND))
    with open_city(tmp_path, Clock(START + SECOND, 0.0)) as city:
        with pytest.raises(NotFound):
            city.get("urn:x:1")
        changes = city.watch(ends := Ends())
        city.write(thing(2, START + 9 * SECOND))  # whichever came first, it is over now
        changes()
        assert [one.entity.id for one in city.since(0) if one.gone] == ["urn:x:1"]
        assert ends.ids in ([], ["urn:x:1"])


def test_the_citys_clock_decides_however_fast_it_runs(tmp_path: Path) -> None:
    with open_city(tmp_path, Clock(START, 36_000.0)) as city:
        city.watch(ends := Ends())
        city.write(thing(1, START + 3_600 * SECOND))
        assert ends.wait(1) == ["urn:x:1"]


def test_a_clock_that_is_turned_is_looked_at_again(tmp_path: Path) -> None:
    with open_city(tmp_path, Clock(START, 0.0)) as city:
        city.watch(ends := Ends())
        city.write(thing(1, START + 3_600 * SECOND))
        city.clock.turn(START + 3_600 * SECOND)
        assert ends.wait(1) == ["urn:x:1"]


@pytest.mark.parametrize(
    ("clock", "until", "patience"),
    [
        (Clock(START, 0.0), None, None),
        (Clock(START, 0.0), START, 0.0),
        (Clock(START, 0.0), START + 1, 1.0),
        (Clock(START, 0.0), START + 9_000 * SECOND, 1.0),
        (Clock(), 9 * 10**9 * SECOND, 60.0),
        (Clock(), START // 2, 0.0),
    ],
)
def test_the_writer_sleeps_no_longer_than_it_may(
    tmp_path: Path, clock: Clock, until: int | None, patience: float | None
) -> None:
    with City(SqliteStore(tmp_path / "open.db"), Clock(0, 0.0), ADMINISTRATOR, direct=True).closing() as city:
        if until is not None:
            city.write(thing(1, until))
        assert Expiry(city.store, clock, DEFAULT).patience_s() == patience


class Broken(SqliteStore):
    """A store whose index of what expires cannot be read. A real one cannot be broken in just this place."""

    def expired(self, at: int, limit: int, among: Collection[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        raise OSError("the disk is gone")


def test_the_writer_lives_on_when_nothing_can_be_taken_out(tmp_path: Path) -> None:
    lines: list[Any]
    with structlog.testing.capture_logs() as lines, open_city(tmp_path, Clock(START, 0.0), Broken) as city:
        city.write(thing(1, START - 1))
        city.write(thing(2, START + 9))
        assert city.get("urn:x:2").id == "urn:x:2"
        with pytest.raises(NotFound):
            city.get("urn:x:1")
    assert {line["event"] for line in lines} == {"what has expired could not be taken out"}
    assert len(lines) == 1, "it rests before it tries again"
