"""The writer of a realm: group commit, order, a bounded inbox, and nothing that can stop it."""

import asyncio
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

sys.path.insert(0, str(Path(__file__).parents[1] / "survives"))
from lost_power import Power

from hansa.clock import Clock
from hansa.errors import Busy, Full, HansaError
from hansa.limits import Limits
from hansa.model.change import Change, Refused, Write
from hansa.platform.city import City
from hansa.platform.inbox import Inbox
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item, Outcome
from hansa.trust.labels import ADMINISTRATOR

if TYPE_CHECKING:
    from concurrent.futures import Future

WAIT_S = 20


class Held:
    """A real store whose next commit waits until it is let go, so that a test can fill the inbox meanwhile.

    A real one cannot be made to stand still on demand.
    """

    realm = "open"

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.begun = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.commits: list[list[Item]] = []
        self.breaks: Exception | None = None
        self.syncing = threading.Event()
        self.synced = threading.Event()
        self.synced.set()
        self.fails: OSError | None = None

    def sync(self) -> None:
        self.syncing.set()
        assert self.synced.wait(WAIT_S)
        if self.fails is not None:
            raise self.fails
        self.store.sync()

    def soonest(self) -> int | None:
        return self.store.soonest()

    def expired(self, at: int, limit: int, among: Collection[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        return self.store.expired(at, limit, among)

    def hold(self) -> None:
        self.begun.clear()
        self.go.clear()

    def write(self, items: Sequence[Item], at: int) -> list[list[Outcome] | HansaError]:
        self.commits.append(list(items))
        self.begun.set()
        assert self.go.wait(WAIT_S)
        if self.breaks is not None:
            fault, self.breaks = self.breaks, None
            raise fault
        return self.store.write(items, at)


def thing(n: int, value: int = 0) -> Write:
    ident = f"urn:x:{n}"
    return Write("say", ident, {"id": ident, "type": "Thing", "n": {"type": "Property", "value": value}})


@pytest.fixture(autouse=True)
def told() -> Iterator[list[Any]]:
    """What was logged; nothing of it is drawn, for a traceback in colour takes longer than a hundred commits."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    one = SqliteStore(tmp_path / "open.db")
    yield one
    one.close()


@pytest.fixture
def inbox_of() -> Iterator[Callable[..., Inbox]]:
    begun: list[tuple[Any, Inbox]] = []

    def make(store: Any, **caps: int) -> Inbox:
        begun.append((store, Inbox(store, Clock(), Limits(**caps))))  # type: ignore[arg-type]
        return begun[-1][1]

    yield make
    for held, one in begun:
        if isinstance(held, Held):
            held.go.set()
        one.stop()


def holding(held: Held, inbox: Inbox) -> "Future[list[Outcome]]":
    """An item on its way to the disk; what is submitted now has to wait."""
    held.hold()
    first = inbox.future(Item([thing(0)], "me"))
    assert held.begun.wait(WAIT_S)
    return first


def test_what_many_threads_write_at_once_is_committed_together(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    held = Held(store)
    inbox = inbox_of(held)
    first = holding(held, inbox)
    futures: list[Future[list[Outcome]]] = []
    lock = threading.Lock()

    def work(thread: int) -> None:
        for n in range(20):
            answer = inbox.future(Item([thing(1 + thread * 20 + n)], f"thread-{thread}"))
            with lock:
                futures.append(answer)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert inbox.size == 321, "and the one on its way"
    assert not first.done()
    held.go.set()
    seqs = []
    for answer in futures:
        (change,) = answer.result(WAIT_S)
        assert isinstance(change, Change)
        seqs.append(change.seq)
    assert sorted(seqs) == list(range(2, 322))
    assert len(held.commits) == inbox.commits == 2, "one on its way, and one for all who waited"
    assert inbox.size == 0
    assert inbox.written == 321


def test_what_one_sender_says_keeps_its_order(store: SqliteStore, inbox_of: Callable[..., Inbox]) -> None:
    held = Held(store)
    inbox = inbox_of(held, commit=7)
    holding(held, inbox)
    answers = [inbox.future(Item([thing(1, n)], "me")) for n in range(50)]
    held.go.set()
    seqs = []
    for n, answer in enumerate(answers):
        (change,) = answer.result(WAIT_S)
        assert isinstance(change, Change)
        assert change.entity["n"] == n
        seqs.append(change.seq)
    assert seqs == sorted(seqs)


def test_a_commit_has_a_cap_and_one_item_is_never_cut(store: SqliteStore, inbox_of: Callable[..., Inbox]) -> None:
    held = Held(store)
    inbox = inbox_of(held, commit=10)
    holding(held, inbox)
    sizes = [4, 4, 4, 25, 1, 1]
    answers = [inbox.future(Item([thing(n) for n in range(size)], "me")) for size in sizes]
    held.go.set()
    for answer in answers:
        answer.result(WAIT_S)
    assert [[len(item.writes) for item in commit] for commit in held.commits] == [[1], [4, 4], [4], [25], [1, 1]]


def test_who_comes_when_the_inbox_is_full_is_told_so_and_nothing_of_his_is_taken(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    held = Held(store)
    inbox = inbox_of(held, inbox=6)
    holding(held, inbox)
    waiting = [inbox.future(Item([thing(1 + n)], "me")) for n in range(5)]
    called = []
    with pytest.raises(Busy, match="waiting") as fault:
        inbox.submit(Item([thing(9)], "me"), called.append)
    assert (fault.value.status, fault.value.retry_after_s) == (503, 1)
    placed = inbox.future(Item([thing(8)], "rules", places={"app:x": b"\1"}))  # rules must keep up, or it stays full
    held.go.set()
    for answer in [*waiting, placed]:
        answer.result(WAIT_S)
    assert called == []
    inbox.future(Item([thing(9)], "me")).result(WAIT_S)
    assert [c.entity.id for c in store.since(0, 100)][-1] == "urn:x:9"


def test_one_item_beyond_the_cap_is_taken_by_an_empty_inbox_alone(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    held = Held(store)
    inbox = inbox_of(held, inbox=5)
    assert len(inbox.future(Item([thing(n) for n in range(10)], "me")).result(WAIT_S)) == 10
    holding(held, inbox)
    inbox.future(Item([thing(1, 1)], "me"))
    with pytest.raises(Busy):
        inbox.future(Item([thing(n) for n in range(10)], "me"))


def test_items_with_a_place_go_first(store: SqliteStore, inbox_of: Callable[..., Inbox]) -> None:
    held = Held(store)
    inbox = inbox_of(held, commit=2)
    holding(held, inbox)
    answers = [inbox.future(Item([thing(n)], "device")) for n in (1, 2, 3)]
    answers.append(inbox.future(Item([thing(4)], "rules", places={"app:x": b"\1"})))
    held.go.set()
    for answer in answers:
        answer.result(WAIT_S)
    assert [[item.actor for item in commit] for commit in held.commits] == [
        ["device" if n else "me" for n in (0,)],
        ["rules", "device"],
        ["device", "device"],
    ]
    assert store.place("app:x") == b"\1"


def test_an_item_that_is_refused_does_not_touch_its_neighbours(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    inbox = inbox_of(store)
    (refused,) = inbox.future(Item([Write("delete", "urn:x:nobody")], "me")).result(WAIT_S)
    assert isinstance(refused, Refused)
    assert isinstance(inbox.future(Item([thing(1)], "me")).result(WAIT_S)[0], Change)


def test_a_watcher_that_raises_silences_nobody(
    store: SqliteStore, inbox_of: Callable[..., Inbox], told: list[Any]
) -> None:
    inbox = inbox_of(store)
    heard: list[int] = []

    def broken(_changes: list[Change]) -> None:
        raise RuntimeError("broken")

    inbox.watch(broken)
    stop = inbox.watch(lambda changes: heard.extend(change.seq for change in changes))
    inbox.future(Item([thing(1), thing(2)], "me")).result(WAIT_S)
    assert heard == [1, 2]
    assert [line["event"] for line in told] == ["a watcher failed"]
    stop()
    inbox.future(Item([thing(3)], "me")).result(WAIT_S)
    assert heard == [1, 2], "who stopped listening hears nothing more"


def test_a_caller_that_raises_or_has_given_up_silences_nobody(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    held = Held(store)
    inbox = inbox_of(held)
    holding(held, inbox)

    def broken(_result: object) -> None:
        raise RuntimeError("broken")

    inbox.submit(Item([thing(1)], "me"), broken)
    assert inbox.future(Item([thing(2)], "me")).cancel()
    last = inbox.future(Item([thing(3)], "me"))
    held.go.set()
    assert isinstance(last.result(WAIT_S)[0], Change)
    assert isinstance(inbox.future(Item([thing(4)], "me")).result(WAIT_S)[0], Change), "the writer lives"


def test_a_commit_that_fails_in_a_way_nobody_thought_of_is_answered_and_the_next_goes_on(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    held = Held(store)
    inbox = inbox_of(held)
    held.breaks = RuntimeError("lightning")
    with pytest.raises(HansaError, match="lightning"):
        inbox.future(Item([thing(1)], "me")).result(WAIT_S)
    assert isinstance(inbox.future(Item([thing(1)], "me")).result(WAIT_S)[0], Change)


def test_stopping_commits_what_waits_and_takes_no_more(store: SqliteStore, inbox_of: Callable[..., Inbox]) -> None:
    held = Held(store)
    inbox = inbox_of(held, commit=3)
    holding(held, inbox)
    answers = [inbox.future(Item([thing(n)], "me")) for n in range(1, 11)]
    stopper = threading.Thread(target=inbox.stop)
    stopper.start()
    while True:
        try:
            answers.append(inbox.future(Item([thing(len(answers) + 1)], "me")))
        except Busy as busy:
            refused = busy.detail
            break
    assert "shutting down" in refused
    held.go.set()
    stopper.join(WAIT_S)
    assert all(isinstance(answer.result(0)[0], Change) for answer in answers)
    assert store.head() == 1 + len(answers)


def test_everyone_of_one_commit_is_answered_in_his_own_loop(store: SqliteStore, inbox_of: Callable[..., Inbox]) -> None:
    held = Held(store)
    inbox = inbox_of(held)

    def broken(_result: object) -> None:
        raise RuntimeError("broken")

    async def ask() -> list[int]:
        loop = asyncio.get_running_loop()
        here = threading.get_ident()
        answers: list[asyncio.Future[int]] = []
        for n in range(20):
            future: asyncio.Future[int] = loop.create_future()

            def done(result: Any, future: "asyncio.Future[int]" = future) -> None:
                assert threading.get_ident() == here
                future.set_result(result[0].seq)

            inbox.submit(Item([thing(1 + n)], "me"), done, loop)
            if n == 10:
                inbox.submit(Item([thing(100)], "me"), broken, loop)
            answers.append(future)
        held.go.set()
        return await asyncio.gather(*answers)

    holding(held, inbox)
    seqs = asyncio.run(ask())
    assert seqs == sorted(set(seqs))
    assert len(seqs) == 20
    gone = asyncio.new_event_loop()
    gone.close()
    inbox.submit(Item([thing(100)], "me"), lambda _result: None, gone)
    assert isinstance(inbox.future(Item([thing(101)], "me")).result(WAIT_S)[0], Change), "nobody was left to answer"


def test_while_one_commit_is_on_its_way_to_the_disk_the_next_is_written_and_nobody_is_answered(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    held = Held(store)
    inbox = inbox_of(held)
    heard: list[int] = []
    inbox.watch(lambda changes: heard.extend(change.seq for change in changes))
    held.synced.clear()
    first = inbox.future(Item([thing(1)], "me"))
    assert held.syncing.wait(WAIT_S)
    held.begun.clear()
    second = inbox.future(Item([thing(2)], "me"))
    assert held.begun.wait(WAIT_S), "it is written already"
    assert not first.done()
    assert not second.done()
    assert heard == []
    assert inbox.size == 2, "what is not on the disk counts as waiting"
    held.synced.set()
    assert isinstance(first.result(WAIT_S)[0], Change)
    assert isinstance(second.result(WAIT_S)[0], Change)
    assert heard == [1, 2]


def test_after_a_failed_sync_nobody_is_told_that_anything_was_kept(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    held = Held(store)
    inbox = inbox_of(held)
    assert isinstance(inbox.future(Item([thing(1)], "me")).result(WAIT_S)[0], Change)
    held.fails = OSError(5, "Input/output error")
    with pytest.raises(Full, match="the disk failed"):
        inbox.future(Item([thing(2)], "me")).result(WAIT_S)
    held.fails = None  # a disk that says that all is well again may have forgotten
    with pytest.raises(Full, match="the disk failed"):
        inbox.future(Item([thing(3)], "me")).result(WAIT_S)
    assert inbox.full


@pytest.fixture
def power() -> Iterator[Power]:
    one = Power("full-disk")
    yield one
    one.close()


def test_a_full_disk_is_said_and_takes_nothing_until_there_is_room(tmp_path: Path, power: Power) -> None:
    store = SqliteStore(tmp_path / "full.db", vfs=power.name, sync=power.sync)
    city = City(store, Clock(), ADMINISTRATOR)
    heard: list[int] = []
    with city.closing():
        assert city.inbox is not None
        city.watch(lambda changes: heard.extend(change.seq for change in changes))
        city.write(thing(1))
        assert city.inbox.full is None
        power.full = True
        for _ in range(2):
            with pytest.raises(Full, match="disk is full"):
                city.write(thing(2))
            assert city.inbox.full
        assert heard == [1], "what is not on disk has not happened"
        assert store.head() == 1
        power.full = False
        (change,) = city.write(thing(2))
        assert isinstance(change, Change)
        assert change.seq == 2
        assert city.inbox.full is None
        assert heard == [1, 2]
        assert list(store.check()) == []


def test_who_would_wait_too_long_for_the_disk_is_told_so_and_is_taken_when_it_goes_on(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    held = Held(store)
    inbox = inbox_of(held, inbox_s=0.0)
    assert inbox.wait_s == 0
    first = holding(held, inbox)
    assert inbox.wait_s > 0
    with pytest.raises(Busy, match="1 writes are waiting"):
        inbox.future(Item([thing(1)], "me"))
    placed = inbox.future(Item([thing(2)], "rules", places={"app:x": b"\1"}))
    held.go.set()
    first.result(WAIT_S)
    placed.result(WAIT_S)
    while inbox.size:  # who waited is told a moment before he is no more counted
        threading.Event().wait(0.001)
    inbox.future(Item([thing(1)], "me")).result(WAIT_S)


def test_a_disk_that_is_slow_with_many_writes_makes_the_wait_of_others_longer(
    store: SqliteStore, inbox_of: Callable[..., Inbox]
) -> None:
    held = Held(store)
    inbox = inbox_of(held)
    before = inbox._write_s
    held.hold()
    waiting = inbox.future(Item([thing(n) for n in range(200)], "me"))
    assert inbox.wait_s >= 200 * before
    threading.Event().wait(0.2)  # no event tells that time has passed
    held.go.set()
    waiting.result(WAIT_S)
    while inbox.size:
        threading.Event().wait(0.001)
    assert inbox._write_s > before
