"""Backtests: the past played again through an app as it is now, and the comparison that an operator sees."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hansa import App, Attribute, Change, City, Entity, clock, entity
from hansa.analytics.backtest import MemoryCity, past, replay
from hansa.cli import main
from hansa.clock import SECOND
from hansa.errors import HansaError
from hansa.model.change import Delete, Write
from hansa.platform.sqlite import SqliteStore

T0 = clock.parse("2026-04-01T00:00:00Z")
MINUTE = 60 * SECOND


def threshold(limit: float, name: str = "limit") -> App:
    app = App(name, report="4.1.4", reads={"Thing"}, writes={"Alert"})

    @app.on("Thing", "n")
    def judge(change: Change, _city: City) -> Iterator[Entity]:
        if change.entity["n"] > limit:
            yield entity("Alert", f"{change.entity.key}-{change.seq}", n=change.entity["n"])

    return app


def reading(key: str, n: float, at: int) -> tuple[int, Write]:
    one = entity("Thing", key, n=Attribute(n, at=at))
    return at, Write("read", one.id, one.doc)


def readings() -> list[tuple[int, Write]]:
    return [reading(key, n, T0 + n * MINUTE) for n in range(10) for key in ("a", "b")]


def test_readings_are_played_in_their_own_time() -> None:
    app = App("look", report="4", writes={"Alert"})
    seen: list[tuple[int, int]] = []
    rounds: list[int] = []

    @app.on("Thing")
    def look(change: Change, city: City) -> None:
        seen.append((change.at, city.now()))

    @app.every(120)
    def round_(city: City) -> None:
        rounds.append(city.now())

    city = MemoryCity(app, start=T0)
    assert replay(city, readings()) == 20
    assert seen == [(T0 + n * MINUTE, T0 + n * MINUTE) for n in range(10) for _ in "ab"]
    assert rounds == [T0 + n * 2 * MINUTE for n in range(5)], "rounds fall due between readings, as they would have"
    assert replay(city, []) == 0


def test_the_clock_of_a_replay_never_goes_back() -> None:
    city = MemoryCity(start=T0)
    replay(city, [reading("a", 1, T0 + MINUTE), reading("a", 2, T0)])
    assert city.clock.now() == T0 + MINUTE
    assert city.get("urn:ngsi-ld:Thing:a")["n"] == 1
    assert [point.value for point in city.history("urn:ngsi-ld:Thing:a", "n")] == [2, 1]


def test_the_past_of_others_is_played_and_what_the_app_said_is_only_counted() -> None:
    live = MemoryCity(threshold(5), start=T0)
    replay(live, readings())
    live.write(Write("say", "urn:x:note", {"id": "urn:x:note", "type": "Note", "n": {"type": "Property", "value": 1}}))
    live.write(Write("delete_attr", "urn:x:note", name="n"))
    live.delete("urn:x:note")
    said: Counter[str] = Counter()
    again = MemoryCity(threshold(5), start=T0)
    replay(again, past(live.store, "app:limit", said))
    assert said == {"Alert": 8}
    assert [one.doc for one in again.find("Alert")] == [one.doc for one in live.find("Alert")]
    assert [one.doc for one in again.find("Thing")] == [one.doc for one in live.find("Thing")]
    assert again.find("Note") == []
    stricter = MemoryCity(threshold(8), start=T0)
    replay(stricter, past(live.store, "app:limit", Counter()))
    assert len(stricter.find("Alert")) == 2


def test_late_readings_and_labels_are_played_as_they_came() -> None:
    live = MemoryCity(start=T0)
    label = entity("Thing", "a", n=Attribute(1, at=T0 + MINUTE))
    live.write(Write("read", label.id, label.doc, label="open"))
    live.write(reading("a", 9, T0)[1])
    again = MemoryCity(start=T0)
    replay(again, past(live.store, "app:none", Counter()))
    found = again.get(label.id)
    assert found["n"] == 1
    assert found.label == "open"
    assert [point.value for point in again.history(label.id, "n")] == [9, 1]
    assert [part.status for part in again.changes[-1].parts] == ["late"]


def test_rules_that_never_settle_are_an_error_and_not_for_ever() -> None:
    app = App("loop", report="4", writes={"Thing"})

    @app.on("Thing")
    def loop(change: Change, _city: City) -> Iterator[Entity | Delete]:
        yield entity("Thing", "a", n=change.entity["n"] + 1)

    from hansa.limits import Limits

    city = MemoryCity(app, limits=Limits(depth_of_cause=10_000))
    with pytest.raises(HansaError, match="not done"):
        city.write(Write("say", "urn:x:a", entity("Thing", "urn:x:a", n=0).doc))


SOURCE = """
from hansa import App, entity

app = App("limit", report="4.1.4", reads={"Thing"}, writes={"Alert"})

@app.on("Thing", "n")
def judge(change, city):
    if change.entity["n"] > city.setting("limit", 5):
        yield entity("Alert", f"{change.entity.key}-{change.entity['n']}", n=change.entity["n"])
"""


def test_the_command_compares_what_was_said_then_with_what_would_be_said_now(
    tmp_path: Path, package: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "city"
    data.mkdir()
    live = MemoryCity(threshold(5), start=T0, store=SqliteStore(data / "open.db"))
    replay(live, readings())
    live.close()
    monkeypatch.syspath_prepend(str(package("limit", SOURCE)))
    (data / "hansa.toml").write_text("[app.limit]\nlimit = 3\n")

    def run(*words: str) -> Any:
        return CliRunner().invoke(main, ["backtest", *words], env={"COLUMNS": "200"})

    told = run("limit", "--data", str(data))
    assert told.exit_code == 0, told.output
    assert "20 Changes of others played to limit" in told.output
    row = next(line for line in told.output.splitlines() if "Alert" in line)
    assert [cell.strip() for cell in row.strip("│|").replace("|", "│").split("│")] == ["Alert", "8", "12"]
    assert SqliteStore(data / "open.db").head() == 28, "nothing of it was written"
    unknown = run("nobody", "--data", str(data))
    assert unknown.exit_code == 2
    assert "nobody" in unknown.output
    nowhere = run("limit", "--data", str(tmp_path / "nowhere"))
    assert nowhere.exit_code == 2
    assert "there is no city" in nowhere.output
