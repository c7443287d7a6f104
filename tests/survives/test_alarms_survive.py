"""A hundred raise and clear one alarm, the city is killed in between: one alarm, and every word that was answered."""

import os
import random
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hansa.apps.alarms.standing import ident
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR
from served import KNOWN

KILLS = int(os.environ.get("HANSA_KILLS", "2"))
THREADS = 100
SOURCE, KIND = "urn:ngsi-ld:WaterObserved:bridge", "flood"


class Crowd:
    """Everybody at once raises and clears one alarm, again and again, and counts what was answered."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answered = {"raise": 0, "clear": 0}
        self.changed = {"raise": 0, "clear": 0}
        self.unanswered = {"raise": 0, "clear": 0}
        self.ids: set[str] = set()
        self.odd: list[str] = []

    def act(self, client: httpx.Client, verb: str, **named: str) -> bool:
        """Whether there is still a city. Who names the alarm waits in a line; who does not tries again and again."""
        try:
            told = client.post(f"/desk/alarms/{verb}", json={"source": SOURCE, "kind": KIND, **named})
        except httpx.HTTPError:
            with self.lock:
                self.unanswered[verb] += 1  # perhaps it happened, perhaps not
            return False
        with self.lock:
            if told.status_code == 200:
                self.answered[verb] += 1
                self.changed[verb] += bool(told.json()["changes"])
                self.ids.update(told.json()["changed"])
            elif told.status_code not in {409, 503}:  # refused for now: nothing happened
                self.odd.append(told.text[:300])
        return True

    def one(self, url: str, seed: int, stop: threading.Event) -> None:
        rng = random.Random(seed)
        named = {} if seed % 20 == 0 else {"id": ident(SOURCE, KIND)}
        with httpx.Client(base_url=url, verify=KNOWN, trust_env=False, timeout=30) as client:
            while not stop.is_set():
                if not self.act(client, "raise" if rng.random() < 0.6 else "clear", **named):
                    return


@pytest.mark.timeout(60 + KILLS * 30)
def test_a_hundred_at_once_and_kill_9_leave_one_alarm_and_all_of_its_history(serve: Callable[..., Any]) -> None:
    city = serve()
    crowd = Crowd()
    assert city.post("/desk/alarms/raise", {"source": SOURCE, "kind": KIND}).status_code == 200
    crowd.answered["raise"] += 1
    for kill in range(KILLS + 1):
        stop = threading.Event()
        threads = [
            threading.Thread(target=crowd.one, args=(city.url, kill * THREADS + n, stop)) for n in range(THREADS)
        ]
        before = sum(crowd.answered.values())
        for thread in threads:
            thread.start()
        city.until(lambda before=before: sum(crowd.answered.values()) > before + 100)
        if kill < KILLS:
            city.kill()
        else:
            stop.set()
        for thread in threads:
            thread.join(60)
        if kill < KILLS:
            city.start()
    alarm = ident(SOURCE, KIND)
    assert crowd.odd == []
    assert crowd.ids == {alarm}
    city.until(lambda: city.get("/health").json()["rules"]["behind"] == 0)
    now = city.get(f"/ngsi-ld/v1/entities/{alarm}?options=concise").json()
    said = {name: now[name]["value"] for name in ("raises", "clears", "activations")}
    assert city.stop() == 0

    assert crowd.answered["raise"] <= said["raises"] <= crowd.answered["raise"] + crowd.unanswered["raise"]
    assert crowd.changed["clear"] <= said["clears"] <= crowd.changed["clear"] + crowd.unanswered["clear"]
    store = SqliteStore(city.folder / "open.db")
    assert list(store.check()) == []
    reader = store.reader()
    past = {
        name: [one.value for one in reader.history("", alarm, name, ADMINISTRATOR, limit=1_000_000)]
        for name in ("raises", "clears", "activations")
    }
    reader.close()
    for name, values in past.items():
        assert values == list(range(1, said[name] + 1)), f"each of the {name} once, none missing"
    walked, status, seq = [], [], 0
    while page := store.since(seq, 1_000):
        seq = page[-1].seq
        for change in page:
            if change.entity.type == "Alert":
                walked.append(change.entity.id)
                if (told := change.said("status")) is not None:
                    status.append(told["value"])
    store.close()
    assert set(walked) == {alarm}
    assert status == [("open", "closed")[n % 2] for n in range(len(status))], "it was open and closed in turns"
    assert status.count("open") == said["activations"]
    assert status.count("closed") == said["clears"]
