"""`hansa bench`: its rows have names, its verdicts are told by the exit code, and what it checks it can also refuse."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hansa.cli import bench, main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def checkout(monkeypatch):
    """The rows live in the checkout, not in the package."""
    monkeypatch.syspath_prepend(str(ROOT))


def ran(*words):
    return CliRunner().invoke(main, ["bench", *words])


def test_every_row_is_named_and_told_of_in_the_documentation():
    names = ran("--list").output.split()
    told = (ROOT / "docs" / "performance.md").read_text()
    assert "readings" in names
    assert all(f"hansa bench {name}`" in told for name in names)


def test_a_row_that_is_not_there_is_refused_with_those_that_are():
    said = ran("fastest")
    assert said.exit_code == 2
    assert "fastest" in said.output
    assert "catchup" in said.output


def test_an_installed_package_has_no_rows(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    said = ran("--list")
    assert said.exit_code == 2
    assert "checkout" in said.output


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1), (None, 0)])
def test_a_row_that_falls_short_is_told_by_the_exit_code(monkeypatch, ok, code):
    row = {"row": "r", "asked": "a", "measured": "m", "floor": None, "ratio": 0.5, "ok": ok, "how": "h"}
    monkeypatch.setattr(bench, "_known", lambda: {"one": lambda _: iter([row])})
    said = ran("--json")
    assert said.exit_code == code
    assert json.loads(said.stdout) == row


def test_a_tenth_of_every_stations_readings_is_hot():
    from bench.hot import HOT_C
    from bench.seeds import temperature

    for station in (0, 7, 999):
        assert sum(temperature(station, turn) >= HOT_C for turn in range(1_000)) == 100


def test_what_was_not_stored_or_stored_twice_is_found(tmp_path):
    from bench.mqtt_rows import _held, _history
    from bench.seeds import devices, readings

    from hansa.platform.sqlite import SqliteStore

    devices(tmp_path, 2)
    store = SqliteStore(tmp_path / "open.db")
    readings(store, 20, stations_=2)
    store.close()
    stored = _history(tmp_path, "temperature")
    sent = tmp_path / "sent.json"

    def told(first, acked):
        times = [[at // 1_000 for at, _ in stored[name]] for name in ("s00000", "s00001")]
        times[0] = first(times[0])
        sent.write_text(json.dumps([["s00000", acked, times[0]], ["s00001", 10, times[1]]]))
        return _held(tmp_path, sent)

    lost, strange, alarms = told(lambda times: times, 10)
    assert (lost, strange) == (0, 0)
    assert alarms == "alarms of 2 stations are wrong"  # no rule has run here
    assert told(lambda times: [*times, times[-1] + 1], 11)[0] == 1
    assert told(lambda times: times[:-1], 9)[1] == 1


def test_the_load_generator_reads_nothing_but_acknowledgements_in_their_order(tmp_path):
    from bench.readings import Bench

    secrets = tmp_path / "secrets.json"
    secrets.write_text(json.dumps({"s00000": "x"}))
    load = Bench({"secrets": str(secrets)})
    (station,) = load.stations
    station.transport = _Sink()
    station.data_received(b"\x20\x02")
    station.data_received(b"\x00\x00")
    assert station.up
    load.wall_ms = 1_800_000_000_000
    for due in (0.0, 0.0):
        station.publish(due, wide=False)
    assert station.times[1] == station.times[0] + 1  # no two readings of a station share their time
    station.data_received(b"\x40\x02\x00\x01\x40")
    assert (station.acked, load.faults) == (1, [])
    station.data_received(b"\x02\x00\x01")
    assert station.acked == 1
    assert load.faults


class _Sink:
    def write(self, data):
        """Nobody is there."""


def test_the_machine_is_described():
    from bench.machine import describe

    assert f"Python {sys.version.split()[0]}" in describe()
