"""The courier: what waits is sent once and written down, over outages, lies and kill -9, in the order of rank."""

import asyncio
import random
import time
from contextlib import asynccontextmanager

import pytest

from hansa.clock import Clock
from hansa.limits import Limits
from hansa.model.change import Change, Write
from hansa.model.entity import entity
from hansa.network.channels.said import Failed, Handed, Receipt
from hansa.platform import courier as courier_module
from hansa.platform.city import City
from hansa.platform.commands import Commands
from hansa.platform.courier import Courier
from hansa.platform.sqlite import SqliteStore
from hansa.platform.telling_devices import Devices
from hansa.trust.capability import Capabilities
from hansa.trust.labels import ADMINISTRATOR

WARNING = "urn:ngsi-ld:Warning:frost"
TEXTS = {
    "en": {"title": "Frost", "short": "Frost tonight", "body": "Cover."},
    "ja": {"title": "霜", "short": "今夜は霜"},
}
LINKS = Capabilities(bytes(32))


def run(work):
    return asyncio.run(asyncio.wait_for(work, 30))


class Sink:
    """A channel whose other end does as a test wants: `does` is given a notice and says what came of it."""

    def __init__(self, does=None, width=8, per_s=100_000.0):
        self.width, self.per_s = width, per_s
        self.does = does or (lambda _notice: Handed())
        self.got = []
        self.at_once = self.most = 0

    def endpoint(self, to):
        return to.partition("@")[2] if isinstance(to, str) else ""

    async def send(self, notice):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.got.append(notice)
        try:
            await asyncio.sleep(0)
            outcome = self.does(notice)
            return await outcome if asyncio.iscoroutine(outcome) else outcome
        finally:
            self.at_once -= 1

    async def aclose(self):
        pass


class Town:
    """A city on disk with a courier, whose lives a test begins and ends."""

    def __init__(self, path, channels, **options):
        self.city = City(SqliteStore(path), Clock(), ADMINISTRATOR, Limits())
        self.courier = Courier(self.city, channels, LINKS.token, lambda: "https://c.example", base_s=0.02, **options)
        loop = asyncio.get_running_loop()
        self.written = []

        def heard(changes):
            self.written += [(one.entity.id, one.entity.get("status"), one.actor) for one in changes]
            loop.call_soon_threadsafe(self.courier.heard, changes)

        self.city.watch(heard)

    def waiting(self, *keys, kind="push", to="x@one", **more):
        for key in keys:
            channel = {"kind": kind, "to": to}
            said = {"warning": WARNING, "recipient": f"urn:ngsi-ld:Recipient:{key}", "status": "waiting", "step": 0}
            said |= {"channel": channel, "language": "en", "rank": 5, "attempts": []}
            yield entity("Delivery", f"urn:ngsi-ld:Delivery:{key}", **(said | more))

    async def put(self, *entities, actor=None):
        writes = [
            Write("say", one.id, one.doc, label="personal" if one.type == "Delivery" else None) for one in entities
        ]
        for at in range(0, len(writes), 1_000):
            outcomes = await self.city.awrite(*writes[at : at + 1_000])
            assert all(isinstance(one, Change) for one in outcomes)

    def get(self, key):
        return self.city.get(f"urn:ngsi-ld:Delivery:{key}")

    async def until(self, found, wait_s=15.0):
        end = time.monotonic() + wait_s
        while not found():
            assert time.monotonic() < end, "it does not come to that"
            await asyncio.sleep(0.01)


@asynccontextmanager
async def living(path, channels, **options):
    town = Town(path, channels, **options)
    await town.courier.start()
    try:
        yield town
    finally:
        await town.courier.aclose()
        town.city.close()


async def crashed(town):
    """End a life as kill -9 does: nothing more is sent, heard or written."""
    courier = town.courier
    for lane in courier.lanes.values():
        for task in [*lane._tasks, *lane._work]:
            task.cancel()
    for task in list(courier._tasks):
        task.cancel()
    courier._ledger._batch.clear()
    await asyncio.sleep(0)
    town.city.close()


def frost(**more):
    return entity("Warning", WARNING, **({"state": "sent", "texts": TEXTS} | more))


def test_what_waits_is_written_as_sending_before_it_is_sent_and_as_handed_after(tmp_path) -> None:
    seen = []

    async def work():
        sink = Sink()
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            sink.does = lambda notice: seen.append(town.city.get(notice.id)["status"]) or Handed("ref-1")
            await town.put(frost(), *town.waiting("a", language="ja-JP"))
            await town.until(lambda: town.get("a")["status"] == "handed")
            one = town.get("a")
            assert one["attempts"][0] | {"at": ""} == {
                "n": 1,
                "kind": "push",
                "at": "",
                "outcome": "handed",
                "ref": "ref-1",
            }
            assert one["gatewayRef"] == "push:ref-1"
            assert town.courier.shown()["push"]["handed"] == 1
            await town.until(lambda: town.courier.shown()["push"]["waiting"] == 0)
        return sink.got

    (notice,) = run(work())
    assert seen == ["sending"]
    assert (notice.title, notice.short, notice.language, notice.again) == ("霜", "今夜は霜", "ja", False)
    link, leave = notice.link.removeprefix("https://c.example/w/"), notice.leave.removeprefix("https://c.example/w/")
    assert LINKS.told_by("warnings", link) == "urn:ngsi-ld:Delivery:a"
    assert LINKS.told_by("warnings", leave) == "unsubscribe urn:ngsi-ld:Recipient:a"


def test_after_a_crash_what_was_being_sent_goes_out_again_and_says_so_and_the_rest_as_new(tmp_path) -> None:
    async def first():
        hang = asyncio.Event()
        sink = Sink(lambda _notice: hang.wait(), width=2)
        town = Town(tmp_path / "city.db", {"push": sink})
        await town.courier.start()
        await town.put(frost(), *town.waiting(*range(30), to="x"))
        await town.until(lambda: len(sink.got) == 2)
        statuses = {key: town.get(key)["status"] for key in range(30)}
        await crashed(town)
        return {one.id for one in sink.got}, {key for key, status in statuses.items() if status == "sending"}

    sent, sending = run(first())
    assert len(sent) == 2 <= len(sending) <= 20

    async def second():
        sink = Sink()
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            await town.until(lambda: all(town.get(key)["status"] == "handed" for key in range(30)))
            assert town.get(min(sending))["attempts"][0]["outcome"] == "perhaps"
        return sink.got

    got = run(second())
    assert len(got) == 30 == len({one.id for one in got})
    again = {one.id for one in got if one.again}
    assert again == {f"urn:ngsi-ld:Delivery:{key}" for key in sending}
    assert sent <= again
    assert all(one.title.startswith("Again: ") == one.again for one in got)


def test_a_city_that_ends_in_order_sends_nothing_twice_and_what_it_had_not_sent_stays_news(tmp_path) -> None:
    async def life(does, wanted):
        sink = Sink(does, width=2)
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            await town.put(frost(), *town.waiting(*range(60)))
            await town.until(lambda: len(sink.got) >= wanted)
        return sink.got

    async def slowly(_notice):
        await asyncio.sleep(0.01)
        return Handed()

    first = run(life(slowly, 20))

    async def rest():
        sink = Sink()
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            await town.until(lambda: all(town.get(key)["status"] == "handed" for key in range(60)))
        return sink.got

    got = first + run(rest())
    assert len(got) == 60 == len({one.id for one in got})
    assert not any(one.again for one in got)


def test_the_gravest_go_first_and_no_more_at_once_than_the_channel_takes(tmp_path) -> None:
    async def work():
        sink = Sink(width=3)
        town = Town(tmp_path / "city.db", {"push": sink})
        await town.put(
            frost(), *(one for rank in (7, 0, 3) for one in town.waiting(f"{rank}-1", f"{rank}-2", rank=rank))
        )
        await asyncio.sleep(0.05)
        await town.courier.start()
        await town.until(lambda: len(sink.got) == 6)
        await town.courier.aclose()
        town.city.close()
        return [one.rank for one in sink.got], sink.most

    ranks, most = run(work())
    assert ranks == [0, 0, 3, 3, 7, 7]
    assert most <= 3


def test_a_dead_endpoint_rests_and_is_asked_by_one_while_another_goes_on_and_nothing_is_lost(tmp_path) -> None:
    up = False

    async def work():
        nonlocal up
        sink = Sink(lambda one: Handed() if one.to.endswith("two") or up else Failed(False, "away", everybody=True))
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            await town.put(frost(), *town.waiting(*range(300)), *town.waiting(*range(300, 310), to="y@two"))
            await town.until(lambda: all(town.get(key)["status"] == "handed" for key in range(300, 310)))
            await asyncio.sleep(0.3)
            tried = sum(one.to.endswith("one") for one in sink.got)
            assert tried < 30, "it spins"
            assert town.courier.shown()["push"]["why"] == "away"
            up = True
            await town.until(lambda: all(town.get(key)["status"] == "handed" for key in range(300)))
            assert not any(one.again for one in sink.got)
            assert town.courier.shown()["push"]["state"] == "up"
            await town.until(lambda: not town.courier._known)

    run(work())


def test_thirty_in_a_hundred_dropped_and_liars_all_are_handed_and_no_second_try_passes_for_news(tmp_path) -> None:
    dice = random.Random(6)
    arrived: dict[str, list[bool]] = {}

    def lie(notice):
        roll = dice.random()
        if roll < 0.15:
            return Failed(False, "it broke off", everybody=dice.random() < 0.3)  # never arrived
        arrived.setdefault(notice.id, []).append(notice.again)
        if roll < 0.30:
            return Failed(False, "no answer", everybody=dice.random() < 0.3, perhaps=True)  # arrived, not said
        return Handed()

    async def work():
        async with living(tmp_path / "city.db", {"push": Sink(lie, width=16)}) as town:
            await town.put(frost(), *(one for key in range(200) for one in town.waiting(key, to=f"x@{key % 7}")))
            await town.until(lambda: all(town.get(key)["status"] == "handed" for key in range(200)), 25)

    run(work())
    assert len(arrived) == 200
    assert all(sum(not again for again in one) <= 1 for one in arrived.values())


def test_one_whose_sends_always_break_off_does_not_spin_nor_hold_up_the_others(tmp_path) -> None:
    async def work():
        sink = Sink(lambda one: Failed(False, "broke off", everybody=True) if one.id.endswith(":0") else Handed())
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            await town.put(frost(), *town.waiting(*range(200)))
            await town.until(lambda: all(town.get(key)["status"] == "handed" for key in range(1, 200)))
            await asyncio.sleep(0.5)
            assert 1 < sum(one.id.endswith(":0") for one in sink.got) < 12
            assert town.get(0)["status"] in {"waiting", "sending"}

    run(work())


def test_a_bounce_is_failed_for_good_and_said_once(tmp_path) -> None:
    async def work():
        sink = Sink(lambda _one: Failed(True, "bounced: no such user"))
        async with living(tmp_path / "city.db", {"email": sink}) as town:
            await town.put(frost(), *town.waiting("a", kind="email"), *town.waiting("b", kind="pigeon"))
            await town.until(lambda: {town.get("a")["status"], town.get("b")["status"]} == {"failed"})
            assert town.get("a")["attempts"][-1]["why"] == "bounced: no such user"
            assert town.get("b")["attempts"][-1]["why"] == "off: this city has no channel pigeon"
            await asyncio.sleep(0.1)
            assert len(sink.got) == 1

    run(work())


def test_one_full_mailbox_is_tried_again_later_and_given_up_in_the_end(tmp_path) -> None:
    async def work():
        sink = Sink(lambda _one: Failed(False, "full"))
        async with living(tmp_path / "city.db", {"email": sink}) as town:
            town.courier.lanes["email"]._base_s = 0.0001
            await town.put(frost(), *town.waiting("a", kind="email"))
            await town.until(lambda: town.get("a")["status"] == "failed")
            assert town.get("a")["attempts"][-1]["why"] == "given up: full"
            assert [one["outcome"] for one in town.get("a")["attempts"]] == ["later"] * 11 + ["failed"]

    run(work())


@pytest.mark.parametrize("kind", ["phone", "print"])
def test_what_humans_do_waits_for_them(tmp_path, kind) -> None:
    async def work():
        async with living(tmp_path / "city.db", {}) as town:
            await town.put(frost(), *town.waiting("a", kind=kind))
            await town.until(lambda: town.get("a")["status"] == "handed")
            assert town.get("a")["attempts"][-1]["why"] == "waits for a human"

    run(work())


def test_nobody_is_told_of_a_cancelled_warning_and_a_code_needs_no_warning(tmp_path) -> None:
    async def work():
        sink = Sink()
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            code = {"en": {"title": "Your code", "short": "123456", "body": "123456"}}
            await town.put(frost(state="cancelled"), *town.waiting("a"))
            await town.put(
                *town.waiting("b", warning="urn:ngsi-ld:Warning:none"),
                *town.waiting("c", warning="", texts=code, link=False),
            )
            await town.until(lambda: [town.get(key)["status"] for key in "abc"] == ["ended", "ended", "handed"])
            assert [(one.short, one.link) for one in sink.got] == [("123456", "")]

    run(work())


def test_what_is_taken_back_at_the_last_moment_does_not_go_out(tmp_path) -> None:
    async def work():
        go = asyncio.Event()

        async def slowly(_notice):
            await go.wait()
            return Handed()

        sink = Sink(slowly, width=1)
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            await town.put(frost(), *town.waiting("a", "b", "c", "d", to="x"))
            await town.until(lambda: [town.get(key)["status"] for key in "abcd"] == ["sending"] * 4)
            await town.put(*(entity("Delivery", f"urn:ngsi-ld:Delivery:{key}", status="ended") for key in "bc"))
            await town.put(entity("Delivery", "urn:ngsi-ld:Delivery:d", due=7))  # which says nothing of whether it goes
            await town.until(lambda: len(town.courier._over) == 2)
            go.set()
            await town.until(lambda: not town.courier._known)
            assert [town.get(key)["status"] for key in "abcd"] == ["handed", "ended", "ended", "handed"]
        return [one.id[-1] for one in sink.got]

    assert run(work()) == ["a", "d"]


def test_what_others_say_meanwhile_stays(tmp_path) -> None:
    async def work():
        go = asyncio.Event()

        async def slowly(_notice):
            await go.wait()
            return Handed()

        sink = Sink(slowly)
        async with living(tmp_path / "city.db", {"push": sink, "sms": Sink()}) as town:
            await town.put(frost(), *town.waiting("a", "b", to="x"))
            await town.until(lambda: len(sink.got) == 2)
            first = "urn:ngsi-ld:Delivery:"
            await town.put(
                entity("Delivery", first + "a", status="confirmed", confirmedHow="link"),
                entity(
                    "Delivery", first + "b", status="waiting", step=1, again=True, channel={"kind": "sms", "to": "+421"}
                ),
            )
            go.set()
            await town.until(lambda: town.get("b")["status"] == "handed" and len(town.get("a")["attempts"]) == 1)
            assert town.get("a")["status"] == "confirmed"
            assert [one["kind"] for one in town.get("b")["attempts"]] in (
                ["push", "sms"],
                ["sms", "sms"],
                ["sms", "push"],
            )
            (notice,) = town.courier.lanes["sms"].channel.got
            assert notice.again

    run(work())


def test_a_receipt_is_noted_and_confirms_nothing_unless_it_is_trusted_and_a_forged_one_is_nothing(tmp_path) -> None:
    async def work(trusted):
        sink = Sink(lambda one: Handed(f"m-{one.id[-1]}"))
        async with living(tmp_path / f"{len(trusted)}.db", {"sms": sink}, trusted=trusted) as town:
            await town.put(frost(), *town.waiting("a", "b", kind="sms"))
            await town.until(lambda: {town.get("a")["status"], town.get("b")["status"]} == {"handed"})
            town.courier._returns._refs.clear()  # as after a restart
            for ref, reached in (("m-a", True), ("m-a", True), ("m-b", False), ("m-z", True), ('"|x', True)):
                town.courier.receipt("sms", Receipt(ref, reached))
            await town.until(
                lambda: "receipt" in town.get("a")["attempts"][0] and "receipt" in town.get("b")["attempts"][0]
            )
            return [(town.get(key)["status"], town.get(key)["attempts"][0]["receipt"]) for key in "ab"]

    assert run(work(frozenset())) == [("handed", "reached"), ("handed", "unreached")]
    assert run(work(frozenset({"sms"}))) == [("confirmed", "reached"), ("handed", "unreached")]


def test_a_device_confirms_by_its_own_word_and_a_display_by_what_it_shows(tmp_path) -> None:
    async def work():
        async with living(tmp_path / "city.db", {}) as town:
            channels = {"display": Devices(town.city), "webhook": Sink(lambda _one: Handed(confirmed=True))}
            lane = Courier(town.city, channels, LINKS.token, lambda: "https://c")
            loop = asyncio.get_running_loop()
            stop = town.city.watch(lambda changes: loop.call_soon_threadsafe(lane.heard, changes))
            commands = Commands(town.city, Limits())
            sent = []
            commands.send = lambda device, ident, payload: sent.append((device, ident, payload)) or True
            town.city.watch(lambda changes: loop.call_soon_threadsafe(commands.heard, changes))
            await lane.start()
            shown = {"device": "sign-7", "entity": "urn:ngsi-ld:Display:sign-7"}
            await town.put(
                frost(), *town.waiting("s", kind="display", to=shown), *town.waiting("d", kind="display", to="siren-1")
            )
            await town.put(*town.waiting("w", kind="webhook", to="x"))
            await town.until(lambda: len(sent) == 2 and {town.get(key)["status"] for key in "sd"} == {"handed"})
            assert b'"text":"Frost tonight"' in sent[0][2]
            for _, ident, _ in sent:
                commands.done(ident, accepted=True)
            await town.until(lambda: town.get("d")["status"] == "confirmed")
            assert town.get("d")["confirmedHow"] == "device"
            assert town.get("s")["status"] == "handed"  # it has it, and has not shown it yet
            ident = next(ident for device, ident, _ in sent if device == "sign-7")
            await town.put(entity("Command", ident, result="confirmed"))
            await town.until(lambda: town.get("s")["status"] == "confirmed" == town.get("w")["status"])
            stop()
            await lane.aclose()

    run(work())


def test_replies_from_phones_become_entities_once(tmp_path) -> None:
    async def work():
        async with living(tmp_path / "city.db", {}) as town:
            for _ in range(2):
                town.courier.replied("+421900", "OK\x00\x1b")
            await town.until(lambda: town.city.find("SmsReply"))
            await asyncio.sleep(0.1)
            (one,) = town.city.find("SmsReply")
            assert (one["from"], one["text"]) == ("+421900", "OK")

    run(work())


@pytest.mark.parametrize(
    "more",
    [
        *({"channel": 7}, {"channel": {"kind": ["push"]}}, {"rank": "x"}, {"attempts": "x"}, {"language": 5}),
        *({"step": "1"}, {"texts": {"en": 5}}, {"again": 1}, {"recipient": 5}),
    ],
)
def test_a_delivery_that_is_badly_made_ends_one_way_or_the_other_and_stops_nobody(tmp_path, more) -> None:
    async def work():
        sink = Sink()
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            await town.put(
                frost(),
                *town.waiting("bad", **more),
                *town.waiting("good"),
            )
            await town.until(
                lambda: town.get("good")["status"] == "handed" and town.get("bad")["status"] in {"handed", "failed"}
            )

    run(work())


def test_a_channel_that_breaks_in_its_own_code_loses_nothing(tmp_path) -> None:
    tries = []

    def breaks(notice):
        tries.append(notice)
        if len(tries) < 3:
            raise RuntimeError("a bug")
        return Handed()

    async def work():
        async with living(tmp_path / "city.db", {"push": Sink(breaks)}) as town:
            await town.put(frost(), *town.waiting("a"))
            await town.until(lambda: town.get("a")["status"] == "handed")

    run(work())
    assert [one.again for one in tries] == [False, True, True]


def test_a_rate_is_kept(tmp_path) -> None:
    async def work():
        sink = Sink(per_s=40.0)
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            await town.put(frost(), *town.waiting(*range(40)))
            await town.until(lambda: len(sink.got) > 8)
            began = time.monotonic()
            before = len(sink.got)
            await town.until(lambda: len(sink.got) == 40)
            return (40 - before) / (time.monotonic() - began)

    assert run(work()) <= 48


# ---- What hostile or broken others must not hold up


def test_a_relay_that_is_down_holds_up_its_own_mail_and_nobody_elses(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(courier_module, "HELD", 64)
    monkeypatch.setattr(courier_module, "LOOK_S", 0.1)
    up = False

    async def work():
        nonlocal up
        mail = Sink(lambda _one: Handed() if up else Failed(False, "the relay is down", everybody=True))
        push = Sink()
        async with living(tmp_path / "city.db", {"email": mail, "push": push}) as town:
            many = [f"m{key}" for key in range(300)]
            await town.put(frost(), *town.waiting(*many, kind="email", to="x", rank=7))
            await town.until(lambda: "email" in town.courier._more)
            await town.put(*town.waiting("extreme", rank=0))
            await town.until(lambda: town.get("extreme")["status"] == "handed")
            grave = [f"g{key}" for key in range(20)]
            await town.put(*town.waiting(*grave, kind="email", to="x", rank=0))
            held = town.courier._known
            await town.until(lambda: all(f"urn:ngsi-ld:Delivery:{key}" in held for key in grave))
            assert town.courier._held["email"] <= 64
            mail.got.clear()
            up = True
            await town.until(lambda: all(town.get(key)["status"] == "handed" for key in [*many, *grave]))
            # All but the few that found out whether the relay is back go by rank.
            assert [one.rank for one in mail.got[8:24]].count(0) >= 12
            await town.until(lambda: not held)
            assert not +town.courier._held
        return mail.got

    got = run(work())
    assert len({one.id for one in got}) == 320


def test_what_waits_in_the_store_is_taken_up_by_rank_whatever_its_place_there(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(courier_module, "HELD", 10)
    monkeypatch.setattr(courier_module, "LOOK_S", 0.05)

    async def work():
        sink = Sink(width=1)
        town = Town(tmp_path / "city.db", {"push": sink})
        await town.put(frost(), *(one for key in range(60) for one in town.waiting(key, rank=59 - key, to="x")))
        await asyncio.sleep(0.05)
        town.courier._new.clear()
        await town.courier.start()
        await town.until(lambda: len(sink.got) == 60)
        await town.courier.aclose()
        town.city.close()
        return [one.rank for one in sink.got]

    ranks = run(work())
    assert ranks[:10] == list(range(10))
    assert sorted(ranks) == list(range(60))


def test_three_hundred_endpoints_that_hang_do_not_hold_up_the_honest_ones(tmp_path) -> None:
    hang_s = 0.5

    async def does(notice):
        if "evil" in notice.to:
            await asyncio.sleep(hang_s)
            return Failed(False, "no whole answer", everybody=True, perhaps=True)
        return Handed()

    async def work():
        sink = Sink(does, width=32)
        async with living(tmp_path / "city.db", {"push": sink}) as town:
            evil = [one for key in range(300) for one in town.waiting(f"e{key}", to=f"x@evil{key}")]
            await town.put(frost(), *evil)
            await town.put(*town.waiting(*range(200), to="x@honest"))
            began = time.monotonic()
            await town.until(lambda: sum("honest" in one.to for one in sink.got) == 200)
            took = time.monotonic() - began
            hung = sum("evil" in one.to for one in sink.got)
            assert hung <= 8 * (took / hang_s + 3), "more than a quarter hang"
            return hung

    assert run(work()) < 150


def test_a_command_that_is_not_the_couriers_confirms_nothing_whatever_delivery_it_names(tmp_path) -> None:
    async def work():
        async with living(tmp_path / "city.db", {}) as town:
            channels = {"display": Devices(town.city), "push": Sink()}
            courier = Courier(town.city, channels, LINKS.token, lambda: "https://c")
            loop = asyncio.get_running_loop()
            stop = town.city.watch(lambda changes: loop.call_soon_threadsafe(courier.heard, changes))
            await courier.start()
            await town.put(frost(), *town.waiting("p"), *town.waiting("d", kind="display", to="siren-1"))
            await town.until(lambda: {town.get(key)["status"] for key in "pd"} == {"handed"})
            own = town.city.find("Command", limit=10)[0].id
            word = {"status": "delivered", "deliveredAt": "2026-01-01T00:00:00Z"}
            for key in "pd":
                mine = f"urn:ngsi-ld:Command:mine-{key}"
                ident = f"urn:ngsi-ld:Delivery:{key}"
                await town.put(entity("Command", mine, commandDevice="siren-1", delivery=ident, **word))
            await town.put(entity("Command", own, commandDevice="my-lamp", **word))
            await asyncio.sleep(0.2)
            assert {town.get(key)["status"] for key in "pd"} == {"handed"}
            await town.put(entity("Command", own, commandDevice="siren-1", status="pending"))
            await town.put(entity("Command", own, status="delivered"))
            await town.until(lambda: town.get("d")["status"] == "confirmed")
            assert town.get("p")["status"] == "handed"
            stop()
            await courier.aclose()

    run(work())


@pytest.mark.parametrize("ref", ["\udc80x", "a\0b\n\u202e", "é" * 5_000])
def test_whatever_a_gateway_calls_a_message_it_is_handed_and_its_receipt_is_found(tmp_path, ref) -> None:
    async def work():
        async with living(tmp_path / "city.db", {"push": Sink(lambda _one: Handed(ref))}) as town:
            await town.put(frost(), *town.waiting("a"))
            await town.until(lambda: town.get("a")["status"] == "handed")
            town.courier.receipt("push", Receipt(ref, True))
            await town.until(lambda: town.get("a")["attempts"][-1].get("receipt") == "reached")

    run(work())
