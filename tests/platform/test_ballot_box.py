"""The ballot box and its doors: given once, cast unnamed, kept without order, published; and what its files tell."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA384

from hansa.clock import SECOND, parse
from hansa.errors import Conflict, Forbidden, Full, HansaError, NotFound, Unauthenticated
from hansa.model.change import Write
from hansa.model.entity import entity
from hansa.platform.ballot_box import LONG, SLOTS, AlreadyGiven, BallotBox, Over, _elsewhere
from hansa.platform.http import Headers, Request, Response, problem
from hansa.platform.votes import Votes
from hansa.testing import MemoryCity
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.ballots import RECEIPT, Cast, Vote, check, counted, message
from hansa.trust.blind import PublicKey, blind, coded, finalize, prepared, uncoded
from hansa.trust.labels import ADMINISTRATOR, PUBLIC, Sight
from hansa.trust.people import StepUp

KEY = b"k" * 32
ID = "urn:ngsi-ld:Ballot:lamps"
OPTIONS = ["bench", "lamp", "tree"]


def definition(**more: Any) -> dict[str, Any]:
    return {
        "ballot": ID,
        "question": {"en": "Which?"},
        "kind": "choice",
        "rule": "plurality",
        "options": [{"id": one} for one in OPTIONS],
        "opens": "2026-05-01T00:00:00Z",
        "closes": "2026-05-08T00:00:00Z",
        "who": {"roles": ["resident"], "assurance": 2},
        **more,
    }


VOTE = Vote.read(definition())


class Voter:
    """What a browser does, and keeps for itself."""

    def __init__(self, key: PublicKey, *choice: str) -> None:
        self.key = key
        self.serial = prepared(b"")
        self.ready = prepared(message(ID, self.serial, choice))
        self.choice = choice
        self.blinded, self.inverse = blind(key, self.ready)

    def ballot(self, signed: bytes) -> Cast:
        signature = finalize(self.key, self.ready, signed, self.inverse)
        return Cast(self.serial, self.ready[:32], self.choice, signature)


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Cast], list[Voter]]]:
    """A box with 900 ballots that were cast in an order that is known here; it is open, and its file is copied."""
    path = tmp_path_factory.mktemp("box") / "ballots.db"
    box = BallotBox(path, None, bits=2_048)  # not sealed: an administrator has the key of the seal
    box._db.pragma("synchronous", "off")  # what is looked at is where ballots lie, not how sure they are
    key, _ = box.begin(VOTE)
    voters, cast = [], []
    signer = box._open[ID].signer.private
    for n in range(900):
        if n < 50:
            one = Voter(key, OPTIONS[n % 3])
            ballot = one.ballot(box.give(ID, f"person:p{n}", one.blinded))
            voters.append(one)
        else:  # as it would have become, in a tenth of the time
            serial, choice = prepared(b""), (OPTIONS[n % 3],)
            ready = prepared(message(ID, serial, choice))
            ballot = Cast(serial, ready[:32], choice, signer.sign(ready, PSS(MGF1(SHA384()), 48), SHA384()))
        box.cast(ID, ballot)
        cast.append(ballot)
    yield path, cast, voters
    box.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[BallotBox]:
    made = BallotBox(tmp_path / "ballots.db", KEY, bits=2_048)
    yield made
    made.close()


def given(box: BallotBox, who: str = "person:ada", choice: str = "lamp") -> tuple[Voter, Cast]:
    one = Voter(box.begin(VOTE)[0], choice)
    return one, one.ballot(box.give(ID, who, one.blinded))


# ---- what is given


def test_a_person_is_given_one_ballot_and_the_same_answer_again_when_it_was_lost(box: BallotBox) -> None:
    one, _ = given(box)
    assert box.give(ID, "person:ada", one.blinded) == box.give(ID, "person:ada", one.blinded)
    assert box.given(ID) == 1
    with pytest.raises(AlreadyGiven):
        box.give(ID, "person:ada", Voter(box.keys(ID)[0], "tree").blinded)
    assert box.given(ID) == 1
    assert box.was_given(ID, "person:ada")
    assert not box.was_given(ID, "person:bo")


def test_of_twenty_windows_that_ask_at_once_one_is_given_a_ballot(box: BallotBox) -> None:
    key, _ = box.begin(VOTE)
    voters = [Voter(key, "lamp") for _ in range(20)]
    gate = threading.Barrier(20)

    def ask(one: Voter) -> bytes:
        gate.wait()
        return box.give(ID, "person:ada", one.blinded)

    with ThreadPoolExecutor(20) as pool:
        asked: list[Future[bytes]] = [pool.submit(ask, one) for one in voters]
    told = [one.exception() for one in asked]
    assert sum(one is None for one in told) == 1
    assert all(isinstance(one, AlreadyGiven) for one in told if one is not None)
    assert box.given(ID) == 1


# ---- what is cast


def test_a_replayed_ballot_counts_once_and_gets_the_same_receipt(box: BallotBox) -> None:
    _, ballot = given(box)
    assert box.cast(ID, ballot) == box.cast(ID, ballot)
    assert box.cast_so_far(ID) == 1


def test_a_ballot_that_the_city_did_not_sign_is_refused(box: BallotBox, tmp_path: Path) -> None:
    _, ballot = given(box)
    other = BallotBox(tmp_path / "other.db", KEY, bits=2_048)
    _, foreign = given(other)
    other.close()
    altered = Cast(ballot.serial, ballot.prefix, ("tree",), ballot.signature)
    unsigned = Cast(ballot.serial, ballot.prefix, ballot.choice, b"\1" * 256)
    for wrong in (altered, foreign, unsigned):
        with pytest.raises(Conflict, match="not signed"):
            box.cast(ID, wrong)
    assert box.cast_so_far(ID) == 0


def test_whoever_signs_two_ballots_with_one_serial_keeps_one(box: BallotBox) -> None:
    _, first = given(box)
    box.cast(ID, first)
    key = box.keys(ID)[0]
    second = Voter(key, "tree")
    second.serial = first.serial
    second.ready = prepared(message(ID, first.serial, ("tree",)))
    second.blinded, second.inverse = blind(key, second.ready)
    with pytest.raises(Conflict, match="serial"):
        box.cast(ID, second.ballot(box.give(ID, "person:bo", second.blinded)))


def test_what_was_acknowledged_is_there_after_the_power_went(box: BallotBox, tmp_path: Path) -> None:
    _, ballot = given(box)
    receipt = box.cast(ID, ballot)
    (tmp_path / "copy.db").write_bytes((tmp_path / "ballots.db").read_bytes())  # nothing was closed
    again = BallotBox(tmp_path / "copy.db", KEY, bits=2_048)
    assert again.cast_so_far(ID) == 1
    assert again.given(ID) == 1
    assert again.cast(ID, ballot) == receipt
    with pytest.raises(AlreadyGiven):
        again.give(ID, "person:ada", Voter(again.keys(ID)[0], "tree").blinded)
    again.close()


def test_after_the_close_nothing_is_given_cast_or_signed_and_the_file_holds(box: BallotBox, tmp_path: Path) -> None:
    one, ballot = given(box)
    receipt = {"format": RECEIPT, "ballot": ID, **ballot.told(), "receipt": box.cast(ID, ballot)}
    late = Voter(box.keys(ID)[0], "lamp")
    _, unused = given(box, "person:bo", "bench")
    box.end(ID)
    box.end(ID)
    for deed in (
        lambda: box.give(ID, "person:cy", late.blinded),
        lambda: box.give(ID, "person:ada", one.blinded),
        lambda: box.cast(ID, unused),
        lambda: box.keys(ID),
        lambda: box.begin(VOTE),
    ):
        with pytest.raises(Over):
            deed()
    found = check((box.published(ID) or b"").splitlines(), receipt)
    assert (found.faults, found.mine, found.given, found.cast) == ([], "there", 2, 1)
    for table in ("given", "slot"):
        assert list(box._db.execute(f"SELECT count(*) FROM {table}")) == [(0,)]  # two names of ours
    assert list(box._db.execute("SELECT private, seal FROM vote")) == [(None, None)]


def test_a_vote_that_is_counted_by_two_at_once_is_published_once_and_a_seal_is_on_the_file(
    box: BallotBox, tmp_path: Path
) -> None:
    for n in range(5):
        box.cast(ID, given(box, f"person:p{n}")[1])
    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(box.end, ID) for _ in range(2)]:
            one.result()
    body = box.published(ID) or b""
    assert (check(body.splitlines()).faults, len(body.splitlines())) == ([], 7)
    lies = (tmp_path / "ballots.db").read_bytes()
    assert lies[:16] != b"SQLite format 3\0"
    assert b"lamp" not in lies, "it is sealed"


def test_a_vote_that_was_opened_is_not_changed_and_one_that_is_not_there_is_not_found(box: BallotBox) -> None:
    box.begin(VOTE)
    with pytest.raises(Conflict, match="as another"):
        box.begin(Vote.read(definition(closes="2027-01-01T00:00:00Z")))
    for deed in (box.given, box.end):
        with pytest.raises(NotFound):
            deed("urn:ngsi-ld:Ballot:none")
    assert box.published(ID) is None


def test_a_full_disk_gives_nothing_and_takes_nothing_away(box: BallotBox) -> None:
    one, ballot = given(box)
    box._db.pragma("max_page_count", box._db.pragma("page_count"))
    refused = ""
    for n in range(200):
        try:
            box.give(ID, f"person:p{n}", one.blinded)
        except Full:
            refused = f"person:p{n}"
            break
    assert refused
    assert not box.was_given(ID, refused)
    assert box.given(ID) == n + 1
    with pytest.raises(Full):
        box.end(ID)
    box._db.pragma("max_page_count", 1_000_000)
    box.end(ID)
    assert check((box.published(ID) or b"").splitlines()).faults == []
    assert ballot.choice == ("lamp",)


# ---- what an administrator finds who has every file


def test_where_ballots_lie_tells_nothing_of_when_they_came(spent: tuple[Path, list[Cast], list[Voter]]) -> None:
    """The offset of each ballot in the file, against the order in which they were cast: no more than chance."""
    path, cast, _ = spent
    body = path.read_bytes()
    places = [body.find(one.serial) for one in cast]
    assert all(place > 0 for place in places)
    assert all(body.count(one.serial) == 1 for one in cast), "a copy of a ballot lies where it was before"
    rank = {place: n for n, place in enumerate(sorted(places))}
    many = len(cast)
    apart = sum((rank[place] - n) ** 2 for n, place in enumerate(places))
    spearman = 1 - 6 * apart / (many * (many**2 - 1))
    assert abs(spearman) < 0.2  # six standard deviations of chance; by inserting it would be 1
    late = sum(rank[place] for place in places[many // 2 :]) / (many / 2)
    assert abs(late / many - 0.5) < 0.1
    assert not list(path.parent.glob("ballots.db-*")), "no journal stays that says what came last"


def test_no_file_holds_a_time_an_address_or_a_person_beside_a_ballot(
    spent: tuple[Path, list[Cast], list[Voter]],
) -> None:
    path, cast, voters = spent
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    columns = {
        table: [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    assert columns == {
        "vote": ["n", "id", "said", "public", "private", "seal", "state", "given"],
        "given": ["vote", "who", "asked"],
        "slot": ["n", "vote", "body"],
        "published": ["vote", "n", "part"],
    }
    rows = [bytes(body) for (body,) in db.execute("SELECT body FROM slot")]
    kept = [row for row in rows if row[0]]
    assert len(rows) == 2 * SLOTS
    assert len(kept) == len(cast)
    for row in kept:
        used = 68 + 256 + 2 * row[1]
        assert not any(row[used:]), "a slot holds the ballot and nothing else"
    asked = {bytes(one) for (one,) in db.execute("SELECT asked FROM given")}
    # Neither what was blinded nor what came back of it is anywhere with a ballot, nor any number of it with a person.
    everything = b"".join(kept)
    assert not any(one in everything for one in asked)
    assert not any(one.blinded[:16] in everything for one in voters)
    people = b"".join(str(row).encode() for row in db.execute("SELECT * FROM given"))
    assert not any(one.serial in people or coded(one.serial).encode() in people for one in cast)
    db.close()


def test_ballots_move_when_the_box_grows(spent: tuple[Path, list[Cast], list[Voter]]) -> None:
    _, cast, _ = spent
    assert len(cast) > SLOTS * 0.75, "it has grown once: the order above was looked for after that too"


# ---- the doors


class Doors:
    """A city in memory with its votes, and who comes."""

    def __init__(self, folder: Path) -> None:
        self.city = MemoryCity(start="2026-05-02T00:00:00Z")
        self.noted: list[tuple[str, str, dict[str, Any]]] = []
        self.box = BallotBox(folder / "ballots.db", KEY, bits=2_048)
        self.votes = Votes(self.city, self.box, self.note)

    def note(self, kind: str, actor: str, what: dict[str, Any], *, session: str = "") -> None:
        self.noted.append((kind, actor, {**what, "session": session}))

    def drafted(self, **more: Any) -> None:
        self.city.say(entity("Ballot", "lamps", status="opening", definition=definition(**more)))

    def ask(
        self, method: str, path: str, said: Any = None, sight: Sight = PUBLIC, **headers: str
    ) -> tuple[int, Any, Response]:
        body = b"" if said is None else said if isinstance(said, bytes) else orjson.dumps(said)
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]

        async def run() -> Response:
            try:
                request = Request(method, path.split("/"), body=body, headers=Headers(pairs), sight=sight)
                return await self.votes.handle(request)
            except HansaError as fault:
                return problem(fault)

        answer = asyncio.run(run())
        return answer.status, orjson.loads(answer.body) if b"json" in answer.kind[-4:] else answer.body, answer


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    made = Doors(tmp_path)
    yield made
    made.box.close()
    made.city.close()


def resident(name: str, *roles: str, assurance: int = TWO_FACTORS) -> Sight:
    who = Actor(f"person:{name}", frozenset(roles or ("resident",)), assurance=assurance, session=f"s-{name}")
    return Sight(who.id, classes=frozenset({"open"}), who=who)


def test_a_vote_from_its_opening_to_the_count(doors: Doors) -> None:
    doors.drafted()
    status, told, _ = doors.ask("GET", "lamps")
    assert (status, told["status"]) == (200, "open")
    key = PublicKey.read(told["key"])
    receipts = []
    for n, name in enumerate(("ada", "bo", "cy")):
        one = Voter(key, OPTIONS[min(n, 1)])
        status, given, _ = doors.ask("POST", "lamps/sign", {"blinded": coded(one.blinded)}, resident(name))
        assert status == 200, given
        assert given["fingerprint"] == told["fingerprint"]
        ballot = one.ballot(uncoded(given["signature"], "signature"))
        status, cast, _ = doors.ask("POST", "lamps/cast", ballot.told())
        assert status == 200, cast
        receipts.append({"format": RECEIPT, "ballot": ID, **ballot.told(), **cast})
    assert doors.ask("GET", "lamps/given", sight=resident("ada"))[1] == {"given": True}
    assert doors.ask("GET", "lamps/given", sight=resident("dee"))[1] == {"given": False}
    assert doors.ask("GET", "lamps/published")[0] == 404
    doors.city.clock.turn(parse("2026-05-08T00:00:00Z"))
    status, told, _ = doors.ask("GET", "lamps")
    assert (told["status"], told["given"], told["cast"]) == ("counted", 3, 3)
    assert told["result"]["chosen"] == ["lamp"]
    status, body, answer = doors.ask("GET", "lamps/published")
    assert status == 200
    assert b"immutable" in dict(answer.headers)[b"cache-control"]
    for receipt in receipts:
        found = check(body.splitlines(), receipt)
        assert (found.faults, found.mine) == ([], "there")
    assert doors.ask("POST", "lamps/cast", receipts[0])[0] == 409
    assert [(actor, what["did"]) for _, actor, what in doors.noted] == [
        ("app:participation", "opened"),
        ("person:ada", "given"),
        ("person:bo", "given"),
        ("person:cy", "given"),
        ("app:participation", "counted"),
    ]


def test_the_audit_log_and_the_log_of_changes_say_who_was_given_a_ballot_and_nothing_of_any(doors: Doors) -> None:
    doors.drafted()
    key = PublicKey.read(doors.ask("GET", "lamps")[1]["key"])
    doors.city.changes.clear()
    before = len(doors.noted)
    secrets = []
    for name in ("ada", "bo"):
        one = Voter(key, "lamp")
        told = doors.ask("POST", "lamps/sign", {"blinded": coded(one.blinded)}, resident(name))[1]
        ballot = one.ballot(uncoded(told["signature"], "signature"))
        assert doors.ask("POST", "lamps/cast", ballot.told())[0] == 200
        secrets += [coded(ballot.serial), coded(ballot.signature), coded(one.blinded), told["signature"]]
    assert doors.city.changes == [], "a ballot is no Change: the log would say when it came"
    said = str(doors.noted[before:])
    assert len(doors.noted) == before + 2
    assert not any(one[:12] in said for one in secrets)
    assert not any(word in said for word in ("lamp'", "choice", "cast"))


def test_a_ballot_that_says_who_it_is_from_is_not_read(doors: Doors) -> None:
    doors.drafted()
    for header in ("cookie", "authorization"):
        status, told, _ = doors.ask("POST", "lamps/cast", {"serial": "x"}, PUBLIC, **{header: "hansa=1"})
        assert (status, told["where"]) == (400, "headers")


def test_only_who_may_vote_is_given_a_ballot(doors: Doors) -> None:
    doors.drafted()
    key = PublicKey.read(doors.ask("GET", "lamps")[1]["key"])
    said = {"blinded": coded(Voter(key, "lamp").blinded)}
    for sight, status in (
        (PUBLIC, 401),
        (ADMINISTRATOR, 403),
        (resident("ada", "operator"), 403),
        (resident("ada", assurance=1), 401),
        (Sight("service:x", who=Actor("service:x", frozenset({"resident"}))), 403),
        (resident("ada"), 200),
    ):
        assert doors.ask("POST", "lamps/sign", said, sight)[0] == status
    vote = Vote.read(definition(who={"departments": ["north"]}))
    with pytest.raises(Forbidden, match="others"):
        vote.may(resident("ada").who)
    with pytest.raises(Unauthenticated):
        vote.may(PUBLIC.who)
    with pytest.raises(StepUp):
        VOTE.may(resident("ada", assurance=1).who)


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        ("lamps/sign", {"blinded": "x"}, 400),
        ("lamps/sign", {"blinded": "AAAA"}, 400),
        ("lamps/sign", {"blinded": "_" * 342}, 400),
        ("lamps/sign", {}, 400),
        ("lamps/sign", [], 400),
        ("lamps/sign", b"{", 400),
        ("lamps/sign", {"blinded": 7}, 400),
        ("lamps/cast", {}, 400),
        ("lamps/cast", {"serial": "x", "prefix": "x", "choice": [], "signature": "x"}, 400),
        ("lamps/cast", {"serial": "A" * 43, "prefix": "A" * 43, "choice": ["road"], "signature": "A" * 342}, 400),
        ("lamps/cast", {"serial": "A" * 43, "prefix": "A" * 43, "choice": ["lamp"] * 90, "signature": "A" * 342}, 400),
        ("lamps/cast", {"serial": "A" * 43, "prefix": "A" * 43, "choice": ["lamp"], "signature": "A" * 342}, 409),
        ("lamps/cast", b"[" * 9_000, 413),
        ("lamps/none", {}, 404),
        ("none/cast", {}, 404),
        ("%", {}, 404),
        ("lamps/a/b", {}, 404),
    ],
)
def test_garbage_at_the_doors_is_told_to_whoever_sent_it(doors: Doors, path: str, said: Any, status: int) -> None:
    doors.drafted()
    got, told, _ = doors.ask("POST", path, said, resident("ada") if "sign" in path else PUBLIC)
    assert (got, told["status"]) == (status, status), told
    assert doors.box.opened(ID) is None or doors.box.given(ID) == 0


def test_from_the_close_on_nothing_is_given_or_cast_though_the_count_fails(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.drafted()
    key = PublicKey.read(doors.ask("GET", "lamps")[1]["key"])
    early, late = Voter(key, "lamp"), Voter(key, "tree")
    told = doors.ask("POST", "lamps/sign", {"blinded": coded(early.blinded)}, resident("ada"))[1]
    ballot = early.ballot(uncoded(told["signature"], "signature"))

    def full(ident: str) -> None:
        raise Full("the ballot box could not be written")

    with monkeypatch.context() as at:
        at.setattr(doors.box, "end", full)
        doors.city.clock.turn(parse("2026-05-08T00:00:00Z"))
        for path, said, sight in (
            ("lamps/sign", {"blinded": coded(late.blinded)}, resident("late")),
            ("lamps/cast", ballot.told(), PUBLIC),
        ):
            status, told, _ = doors.ask("POST", path, said, sight)
            assert (status, "closed" in told["detail"]) == (409, True)
        assert doors.ask("GET", "lamps")[1]["status"] == "open"
    asyncio.run(doors.votes.turn())
    assert doors.ask("GET", "lamps")[1]["cast"] == 0


def test_a_count_that_takes_long_holds_nobody_up(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    doors.drafted()
    doors.city.say(entity("Ballot", "other", status="opening", definition=definition(
        ballot="urn:ngsi-ld:Ballot:other", closes="2026-06-01T00:00:00Z")))  # fmt: skip
    assert doors.ask("GET", "lamps")[1]["status"] == "open"
    doors.city.clock.turn(parse("2026-05-08T00:00:00Z"))
    counting, done, times = threading.Event(), threading.Event(), []
    end = doors.box.end

    def slow(ident: str) -> None:
        times.append(ident)
        counting.set()
        assert done.wait(20)
        end(ident)

    monkeypatch.setattr(doors.box, "end", slow)
    monkeypatch.setattr("hansa.platform.votes.PATIENCE_S", 0.01)

    async def run() -> list[str]:
        async def status(name: str) -> str:
            told = orjson.loads((await doors.votes.handle(Request("GET", [name]))).body)
            return str(told["status"])

        first = await status("lamps")
        await asyncio.to_thread(counting.wait, 20)
        # Another vote is opened and asked about while this one is counted; and this one is not counted twice.
        told = [first, await status("other"), await status("lamps")]
        done.set()
        while doors.votes._counts:
            await asyncio.wait(doors.votes._counts.values())
        return [*told, await status("lamps")]

    assert asyncio.run(run()) == ["open", "open", "open", "counted"]
    assert times == [ID]


def test_another_process_counts_the_same() -> None:
    options = [{"id": f"o{n}", "cost": 3 + n} for n in range(20)]
    vote = Vote.read(definition(kind="budget", rule="equal-shares", budget=60, options=options))
    choices = [tuple(sorted({f"o{(n * k) % 20}" for k in (1, 3, 7)})) for n in range(LONG // 2)]
    assert sum(map(len, choices)) >= LONG
    assert _elsewhere(vote, choices).told() == counted(vote, choices).told()


def test_before_it_opens_nothing_is_given(doors: Doors) -> None:
    doors.drafted(opens="2026-05-03T00:00:00Z")
    key = PublicKey.read(doors.ask("GET", "lamps")[1]["key"])
    said = {"blinded": coded(Voter(key, "lamp").blinded)}
    status, told, _ = doors.ask("POST", "lamps/sign", said, resident("ada"))
    assert (status, "opens" in told["detail"]) == (409, True)
    doors.city.clock.turn(parse("2026-05-03T00:00:00Z") + SECOND)
    assert doors.ask("POST", "lamps/sign", said, resident("ada"))[0] == 200


def test_what_cannot_be_a_vote_is_refused_and_a_draft_is_nobodys(doors: Doors) -> None:
    doors.city.say(entity("Ballot", "wrong", status="opening", definition={"ballot": "x"}))
    doors.city.say(entity("Ballot", "draft", status="draft", definition=definition()))
    doors.city.say(entity("Ballot", "other", status="opening", definition=definition()))
    doors.city.say(entity("Bench", "b", status="opening"))
    asyncio.run(doors.votes.turn())
    assert doors.ask("GET", "wrong")[1]["status"] == "refused"
    assert "another vote" in doors.ask("GET", "other")[1]["fault"]
    assert doors.ask("GET", "draft")[0] == 404
    doors.drafted(closes="2026-05-01T12:00:00Z")
    assert "over already" in doors.ask("GET", "lamps")[1]["fault"]


def test_a_count_that_was_cut_off_is_made_again(doors: Doors) -> None:
    doors.drafted()
    key = PublicKey.read(doors.ask("GET", "lamps")[1]["key"])
    one = Voter(key, "tree")
    told = doors.ask("POST", "lamps/sign", {"blinded": coded(one.blinded)}, resident("ada"))[1]
    doors.ask("POST", "lamps/cast", one.ballot(uncoded(told["signature"], "signature")).told())
    doors.box.end(ID)  # and then the power went: the entity says that it is open
    doors.city.clock.turn(parse("2026-05-09T00:00:00Z"))
    asyncio.run(doors.votes.turn())
    assert doors.ask("GET", "lamps")[1]["result"]["tally"] == {"bench": 0, "lamp": 0, "tree": 1}
    assert doors.city.write(Write("say", ID, {"id": ID, "type": "Ballot"}))
