"""The rules process of a real city, with somebody else's app in it that does everything wrong."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from served import KNOWN, Served, third_party

MISCHIEF = '''
"""A third party's app: what it does depends on what it is told."""
import os, sys, time
from hansa import App, Delete, entity

app = App("mischief", report="4.1.1", reads={"Thing"}, writes={"Echo"})

@app.on("Thing", "n")
def echo(change, city):
    do = change.entity.get("do", "")
    if do == "hang":
        if not os.path.exists(city.setting("mended", "")):
            while True:
                time.sleep(0.01)
    if do == "spin":
        while True:
            pass
    if do == "raise" and not os.path.exists(city.setting("mended", "")):
        raise RuntimeError("broken on purpose")
    if do == "exit":
        sys.exit("goodbye")
    if do == "die":
        os._exit(3)
    if do == "poison":
        yield entity("Echo", "poison", value=float("nan"))
    if do == "object":
        yield entity("Echo", "object", value=object())
    yield entity("Echo", change.entity.key, n=change.entity["n"])
'''

ROUNDS = """
from datetime import timedelta
from hansa import App, entity

app = App("rounds", report="4.1.1", writes={"Tick"})

@app.every(timedelta(hours=1))
def tick(city):
    yield entity("Tick", "t", at=city.now())
"""


def echo(city: Any, key: str) -> Any:
    got = city.get(f"/ngsi-ld/v1/entities/urn:ngsi-ld:Echo:{key}")
    return got.json()["n"]["value"] if got.status_code == 200 else None


def say(city: Any, key: str, n: int = 1, do: str = "") -> None:
    ident = f"urn:ngsi-ld:Thing:{key}"
    body = {"id": ident, "type": "Thing", "n": n, **({"do": do} if do else {})}
    assert city.post("/ngsi-ld/v1/entities", body).status_code == 201


def letters(city: Any) -> list[dict[str, Any]]:
    return [one for one in city.get("/admin/deadletters?kind=rule").json() if one["source"] == "mischief"]


def level(city: Any) -> bool:
    rules = city.get("/health").json()["rules"]
    return bool(rules["running"]) and rules["behind"] == 0


@pytest.fixture(scope="module")
def mischief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("mischief")
    (folder / "city").mkdir()
    (folder / "city" / "hansa.toml").write_text(
        f'[limits]\nrule_s = 0.6\n[apps]\nenabled = ["mischief"]\n[app.mischief]\nmended = "{folder / "mended"}"\n'
    )
    one = Served(folder / "city", python_path=third_party(folder / "third-party", "mischief", MISCHIEF))
    yield one
    assert one.stop() == 0


def test_a_third_partys_app_runs_like_our_own(mischief: Any) -> None:
    assert [one["name"] for one in mischief.get("/health").json()["apps"]] == ["mischief"]
    say(mischief, "first", 7)
    mischief.until(lambda: echo(mischief, "first") == 7)
    assert letters(mischief) == []


def test_a_rule_that_raises_is_put_aside_and_can_be_tried_again(mischief: Any) -> None:
    say(mischief, "raises", do="raise")
    say(mischief, "after-raise")
    mischief.until(lambda: echo(mischief, "after-raise") == 1)
    (letter,) = [one for one in letters(mischief) if "on purpose" in one["reason"]]
    assert letter["reason"] == "RuntimeError: broken on purpose"
    assert letter["detail"]["rule"] == "echo"
    assert "mischief.py" in letter["detail"]["where"]
    assert echo(mischief, "raises") is None
    (mischief.folder.parent / "mended").touch()
    try:
        told = mischief.post(f"/admin/deadletters/{letter['id']}/retry", None)
        assert told.status_code == 200
        mischief.until(lambda: echo(mischief, "raises") == 1)
        assert letter["id"] not in {one["id"] for one in letters(mischief)}
    finally:
        (mischief.folder.parent / "mended").unlink()


@pytest.mark.parametrize("do", ["exit", "poison", "object"])
def test_a_rule_that_ends_its_process_or_says_what_cannot_be_kept_is_put_aside(mischief: Any, do: str) -> None:
    before = mischief.get("/health").json()["rules"]["pid"]
    say(mischief, f"does-{do}", do=do)
    say(mischief, f"after-{do}")
    mischief.until(lambda: echo(mischief, f"after-{do}") == 1)
    assert echo(mischief, f"does-{do}") is None
    assert len([one for one in letters(mischief) if one["detail"]["rule"] == "echo"]) >= 1
    assert mischief.get("/health").json()["rules"]["pid"] == before, "nothing had to be started again"


@pytest.mark.parametrize("do", ["hang", "spin", "die"])
def test_a_rule_that_never_returns_or_kills_its_process_is_put_aside_and_the_city_goes_on(
    mischief: Any, do: str
) -> None:
    before = mischief.get("/health").json()["rules"]
    say(mischief, f"does-{do}", do=do)
    say(mischief, f"after-{do}", 2)
    assert mischief.get("/health").status_code == 200, "meanwhile everybody else is served"
    mischief.until(lambda: echo(mischief, f"after-{do}") == 2, 30)
    mischief.until(lambda: level(mischief))
    after = mischief.get("/health").json()["rules"]
    assert after["restarts"] > before["restarts"]
    assert after["pid"] != before["pid"]
    seqs = [one["detail"]["seq"] for one in letters(mischief) if "process" in one["reason"]]
    assert len(seqs) == len(set(seqs))
    assert echo(mischief, f"does-{do}") is None
    if do == "hang":
        (letter,) = [one for one in letters(mischief) if "did not return" in one["reason"]]
        (mischief.folder.parent / "mended").touch()
        try:
            mischief.post(f"/admin/deadletters/{letter['id']}/retry", None)
            mischief.until(lambda: echo(mischief, "does-hang") == 1)
        finally:
            (mischief.folder.parent / "mended").unlink()


def test_a_rules_process_that_was_killed_is_started_again_and_nothing_is_lost_or_doubled(mischief: Any) -> None:
    mischief.until(lambda: level(mischief))
    health = mischief.get("/health").json()
    pid, seq = health["rules"]["pid"], health["realms"]["open"]["seq"]
    for n in range(10):
        say(mischief, f"before-kill-{n}", n)
    os.kill(pid, signal.SIGKILL)
    for n in range(10):
        say(mischief, f"after-kill-{n}", n)
    mischief.until(lambda: all(echo(mischief, f"after-kill-{n}") == n for n in range(10)))
    assert all(echo(mischief, f"before-kill-{n}") == n for n in range(10))
    assert mischief.get("/health").json()["rules"]["pid"] != pid
    guilty = [one for one in letters(mischief) if one["detail"]["seq"] > seq]
    assert guilty == [], "who was killed from outside is innocent"


def test_a_letter_is_not_lost_when_there_is_no_process_to_try_it_again(mischief: Any) -> None:
    say(mischief, "again", do="raise")
    mischief.until(lambda: level(mischief))
    (letter,) = [one for one in letters(mischief) if "on purpose" in one["reason"]]
    pid = mischief.get("/health").json()["rules"]["pid"]
    os.kill(pid, signal.SIGKILL)
    (mischief.folder.parent / "mended").touch()
    try:
        mischief.until(lambda: not mischief.get("/health").json()["rules"]["running"])
        told = mischief.post(f"/admin/deadletters/{letter['id']}/retry", None)
        if told.status_code == 503:
            assert letter["id"] in {one["id"] for one in letters(mischief)}
        mischief.until(
            lambda: (
                echo(mischief, "again") == 1
                or mischief.post(f"/admin/deadletters/{letter['id']}/retry", None).status_code == 200
            )
        )
        mischief.until(lambda: echo(mischief, "again") == 1)
    finally:
        (mischief.folder.parent / "mended").unlink()


def test_a_city_that_was_stopped_makes_its_rules_catch_up(mischief: Any) -> None:
    mischief.until(lambda: level(mischief))
    mischief.stop()
    mischief.start()
    say(mischief, "woken", 5)
    mischief.until(lambda: echo(mischief, "woken") == 5)


def test_the_clock_that_is_turned_reaches_the_rounds(
    serve: Callable[..., Any], package: Callable[[str, str], Path]
) -> None:
    city = serve("--clock", "driven@2026-04-01T00:00:00Z", python_path=package("rounds", ROUNDS))

    def tick() -> Any:
        got = city.get("/ngsi-ld/v1/entities/urn:ngsi-ld:Tick:t")
        return got.json()["at"]["value"] if got.status_code == 200 else None

    def turn(now: str, **more: Any) -> httpx.Response:
        body = json.dumps({"now": now, **more})
        return httpx.put(f"{city.url}/admin/clock", content=body, verify=KNOWN, trust_env=False, timeout=30)

    first = city.until(tick)
    assert turn("2026-04-01T00:59:59Z").status_code == 200
    assert city.get("/health").json()["now"] == "2026-04-01T00:59:59Z"
    assert tick() == first
    assert turn("2026-04-01T01:00:00Z").status_code == 200
    city.until(lambda: tick() == first + 3_600_000_000)
    assert turn("2026-03-01T00:00:00Z").status_code == 200
    assert city.get("/health").json()["now"] == "2026-04-01T01:00:00Z", "time does not run backwards"
    for wrong in ({"now": "soon"}, {}, {"now": 5}, {"now": "2026-04-01T02:00:00Z", "rate": -1},
                  {"now": "2026-04-01T02:00:00Z", "rate": True}):  # fmt: skip
        told = httpx.put(f"{city.url}/admin/clock", json=wrong, trust_env=False, timeout=30)
        assert told.status_code == 400
    turn("2026-04-01T01:00:00Z", rate=36_000)  # an hour in a tenth of a second
    city.until(lambda: tick() >= first + 4 * 3_600_000_000)
