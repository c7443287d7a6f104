"""The processes beside the city: marks in time, answers by the sight that asks, damage mended, nobody kept waiting."""

import asyncio
import time

import apsw
import orjson
import pytest

from hansa.analytics import rewinding
from hansa.analytics.rewind_sight import Asked
from hansa.analytics.rewinding import Rewinding
from hansa.clock import Clock
from hansa.errors import BadRequest, Busy, Forbidden
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.platform.city import City
from hansa.trust.labels import ADMINISTRATOR, Sight
from past_made import LATER, Told, prop, reading, second

WITHIN_S = 60


@pytest.fixture
def told(tmp_path, monkeypatch):
    monkeypatch.setattr(rewinding, "LOOK_S", 0.05)
    one = Told(tmp_path)
    for value in range(25):
        one.say(reading("urn:x:a", value))
    yield one
    one.close()


class Rights:
    """Somebody's rights, said by hand."""

    epoch, typed = 1, False

    def __init__(self, sees, exports=()):
        self.sees, self.exports, self.noted = set(sees), set(exports), []

    def may(self, verb, label):
        return label in (self.exports if verb == "export" else self.sees)

    def covers(self, _verb, _types):
        return True

    def saw(self, ident, label):
        self.noted.append((ident, label))


def sight(sees, exports=()):
    return Sight("person:anna", rights=Rights(sees, exports))


def looked(told, work, **caps):
    """Do something with the past of a city, and end what it started."""

    async def all_of_it():
        city = City(told.store, Clock(LATER, rate=0.0), ADMINISTRATOR, Limits(**caps), direct=True)
        past = Rewinding(city, told.path, told.marks)
        try:
            return await asyncio.wait_for(work(past), WITHIN_S)
        finally:
            await past.aclose()

    return asyncio.run(all_of_it())


async def until(true):
    ends = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)


async def values(past, at, who=ADMINISTRATOR):
    found = orjson.loads(await past.ask("picture", Asked(LATER, second(at)), who))["entities"]
    return {one["id"]: one.get("t") for one in found}


def test_marks_are_made_when_they_are_due_and_what_is_damaged_is_made_anew(told):
    async def work(past):
        past.start()
        await until(lambda: past.marked == 20)
        assert await values(past, 14) == {"urn:x:a": 13}
        db = apsw.Connection(str(told.marks))
        db.set_busy_timeout(10_000)
        db.execute("UPDATE chunk SET body = zeroblob(9) WHERE seq = 10")
        await past._ended()  # what it has in memory is sound
        assert await values(past, 14) == {"urn:x:a": 13}
        await until(lambda: db.execute("SELECT length(body) FROM chunk WHERE seq = 10").get not in {9, None})
        assert await values(past, 14) == {"urn:x:a": 13}
        db.close()

    looked(told, work, rewind_every=10)
    assert told.faults() == []


def test_a_mark_is_made_of_little_too_once_it_is_old_enough(told):
    async def work(past):
        past.start()
        await until(lambda: past.marked == 25)

    looked(told, work, rewind_every=1_000, rewind_s=0.1)


def test_labels_are_decided_as_they_are_met_and_what_was_shown_is_noted(told):
    told.say(
        Write("upsert", "urn:x:bo", {"id": "urn:x:bo", "type": "P", "t": prop(1)}, label="personal;subject=person:bo")
    )

    async def work(past):
        who = sight({"smart"})
        assert await values(past, 26, who) == {"urn:x:a": 24}
        assert who.rights.noted == []
        who = sight({"smart", "personal;subject=person:bo"})
        assert await values(past, 26, who) == {"urn:x:a": 24, "urn:x:bo": 1}
        assert who.rights.noted == [("urn:x:bo", "personal;subject=person:bo")]

    looked(told, work)


def test_a_film_is_of_what_may_be_taken_away_and_of_nothing_it_is_refused(told):
    async def work(past):
        asked = Asked(LATER, second(3), second(9), most=100)
        film = orjson.loads(await past.ask("film", asked, sight({"smart"}, {"smart"}), export=True))
        assert len(film["changes"]) == 6
        with pytest.raises(Forbidden):
            await past.ask("film", asked, sight({"smart"}), export=True)

    looked(told, work)


def test_faults_of_the_question_come_back_as_such(told):
    async def work(past):
        with pytest.raises(BadRequest, match="not happened yet"):
            await past.ask("picture", Asked(LATER, LATER + 1), ADMINISTRATOR)
        with pytest.raises(BadRequest, match="nothing is known"):
            await past.ask("nonsense", Asked(LATER, second(3)), ADMINISTRATOR)
        assert await values(past, 3) == {"urn:x:a": 2}

    looked(told, work)


def test_a_process_that_died_is_started_again(told):
    async def work(past):
        assert await values(past, 3) == {"urn:x:a": 2}
        past._process.kill()
        assert await values(past, 4) == {"urn:x:a": 3}

    looked(told, work)


def test_too_many_questions_are_refused_and_one_that_takes_too_long_is_ended(told):
    async def work(past):
        asked = [values(past, 3) for _ in range(5)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(one, Busy) for one in found) == 3
        assert sum(one == {"urn:x:a": 2} for one in found) == 2

    looked(told, work, rewind_waiting=2)

    async def slow(past):
        with pytest.raises(Busy, match="too long"):
            await values(past, 3)

    looked(told, slow, rewind_answer_s=0.0)
