"""`hansa up --demo`: a valley that is honest about being simulated, whose devices come in through the real doors."""

import json
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import parted
from hansa import clock
from hansa.cli.beside import free_address
from hansa.cli.demo import up_demo
from hansa.cli.demo.crew import prospect
from hansa.cli.demo.keys import Keys
from hansa.cli.demo.land import base_map, height
from hansa.cli.demo.past import readings, setting, watch_rules
from hansa.cli.demo.profiles import PROFILES
from hansa.cli.demo.valley import HOUR_S, Plan, Valley
from hansa.collect.profile import Profile
from hansa.errors import BadRequest
from hansa.model.context import CORE
from hansa.model.wire import entity_in
from served import KNOWN

ROOT = Path(__file__).parents[2]
VALLEY = Valley(Plan())
SMALL = ("--stations", "2", "--sensors", "22", "--past-days", "1")
FAST = "2026-04-11T15:30:00Z*1800"


class Up:
    """A real `hansa up --demo`, and what it has said."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.log = folder.parent / "up.log"
        with self.log.open("ab") as log:
            self.began = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hansa", "up", "--demo", "--data", str(folder), "--http", "127.0.0.1:0",
                 "--mqtt", "127.0.0.1:0", *options],
                stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, start_new_session=True,
                env={"PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        self.url = self.until(self._url)

    def said(self) -> str:
        return self.log.read_bytes()[self.began :].decode()

    def _url(self) -> str:
        lines = [line.split()[-1].rstrip("/") for line in self.said().splitlines() if "  the city  " in line]
        return lines[0] if lines else ""

    def until(self, true: Callable[[], object], within_s: float = 90.0):
        end = time.monotonic() + within_s
        while not (found := true()):
            assert self.process.poll() is None, f"it has ended: {self.said()}"
            assert time.monotonic() < end, f"not so within {within_s} s: {self.said()[-3000:]}"
            time.sleep(0.02)
        return found

    def get(self, path: str):
        return httpx.get(self.url + path, verify=KNOWN, trust_env=False, timeout=30).json()

    def devices(self) -> list[dict]:
        return self.get("/admin/devices")

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    begun: list[Up] = []

    def start(*options: str) -> Up:
        begun.append(Up(tmp_path / "city", *options))
        return begun[-1]

    yield start
    for one in begun:
        one.stop()


def refused(*words: str) -> tuple[int, str]:
    """What `hansa ...` says when it will not start; it must end by itself."""
    done = parted.run(*words, within_s=60)
    return done.returncode, done.stderr


@pytest.mark.timeout(300)
def test_a_demo_valley_comes_alive_by_itself_and_goes_on_where_it_ended(up, tmp_path):
    city = up("--clock", FAST, *SMALL)
    city.until(lambda: "All of it is simulated" in city.said())
    assert "32 devices enrolled" in city.said()
    # Everybody has an identity, has used up its claim, and speaks; but for one that fell silent, and two broken boards.
    city.until(lambda: sum(one["lastSeen"] is not None for one in city.devices()) >= 29)
    mute = {one["name"] for one in city.devices() if one["state"] == "enrolled"}
    assert mute == {"board-5", "board-7"}
    assert all(one["state"] == "active" for one in city.devices() if one["name"] not in mute)
    station = city.get("/ngsi-ld/v1/entities/urn:ngsi-ld:WeatherObserved:orchard-mill-orchard?options=keyValues")
    assert station["source"] == "simulation"
    assert "not measured" in station["description"]
    assert -40 < station["temperature"] < 40
    secrets = tmp_path / "city" / "demo-secrets.json"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    held = secrets.read_text()
    assert len(set(json.loads(held).values())) == 32
    # The garbled message of one device is a dead letter with its reason.
    letters = city.until(lambda: city.get("/admin/deadletters?kind=message"))
    assert "not plausible" in letters[0]["reason"]
    assert city.get("/desk/warnings/recipients")["total"] == 8
    assert [one["state"] for one in city.get("/desk/warnings/approvals")["approvals"]] == ["approved"]
    assert len(city.get("/desk/requests/listed")["requests"]) >= 1
    assert [one["kind"] for one in city.get("/desk/participation/processes")["processes"]] == ["budget"]
    then = clock.parse(city.get("/health")["now"])
    assert city.stop() == 0
    assert "Traceback" not in city.said()

    again = up(*SMALL)
    again.until(lambda: "All of it is simulated" in again.said())
    assert "enrolled" not in again.said()
    assert "are loaded" not in again.said()
    assert secrets.read_text() == held
    # It is no earlier than it was; the last minute may not have been written.
    assert clock.parse(again.get("/health")["now"]) > then - 60 * 60 * clock.SECOND
    assert again.get("/health")["rate"] == 60
    again.until(lambda: again.get("/health")["messages"]["taken"] > 20)
    assert again.stop() == 0


@pytest.mark.timeout(300)
def test_the_devices_leave_when_the_city_is_killed(up):
    city = up("--clock", FAST, *SMALL)
    city.until(lambda: "All of it is simulated" in city.said())
    crew = _children(city.process.pid, "hansa.cli.demo.crew")
    assert len(crew) == 1
    city.process.kill()
    city.process.wait()
    end = time.monotonic() + 30
    while Path(f"/proc/{crew[0]}").exists() and _state(crew[0]) != "Z":
        assert time.monotonic() < end, "the devices outlive their city"
        time.sleep(0.02)


def _children(parent: int, module: str) -> list[int]:
    found = []
    for stat_file in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat_file.read_text().rpartition(")")[2].split()[1]) == parent:
                words = (stat_file.parent / "cmdline").read_bytes().decode().split("\0")
                if module in words:
                    found.append(int(stat_file.parent.name))
        except OSError:
            continue
    return found


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_a_folder_with_another_city_takes_no_simulated_devices(tmp_path):
    (tmp_path / "open.db").write_bytes(b"")
    code, said = refused("up", "--demo", "--data", str(tmp_path))
    assert code == 2
    assert "holds a city already" in said
    assert not (tmp_path / "demo.json").exists()


def test_broken_secrets_are_named_with_the_way_out(tmp_path):
    (tmp_path / "demo-secrets.json").write_text('{"orchard-mill-orchard": 3}')
    code, said = refused("up", "--demo", "--data", str(tmp_path))
    assert code == 2
    assert "demo-secrets.json does not hold" in said
    assert "delete" in said
    (tmp_path / "demo-secrets.json").write_text("{")
    with pytest.raises(BadRequest, match="cannot be read"):
        Keys(tmp_path / "demo-secrets.json")


def test_a_taken_port_that_was_asked_for_is_refused_and_the_default_steps_aside(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused("up", "--demo", "--data", str(tmp_path), "--http", f"127.0.0.1:{port}")
        assert code == 2
        assert f"port {port} is taken" in said
        address, told = free_address(None, f"127.0.0.1:{port}", "http")
    assert address != f"127.0.0.1:{port}"
    assert f"port {port} is taken; http is at " in told
    assert free_address("127.0.0.1:0", "127.0.0.1:1", "http") == ("127.0.0.1:0", None)


@pytest.mark.parametrize("said", ["wall", "driven", "driven@2026-04-11T15:30:00Z", "2026-04-11T15:30:00Z*0", "x*60"])
def test_a_clock_that_the_valley_cannot_follow_is_refused(said, tmp_path):
    with pytest.raises(BadRequest, match="date-time" if said == "x*60" else "cannot follow"):
        up_demo(tmp_path / "city", {"clock": said})
    assert not (tmp_path / "city").exists()


def test_the_size_of_a_valley_needs_the_demo_and_stays_as_it_was(tmp_path):
    code, said = refused("up", "--stations", "3", "--data", str(tmp_path))
    assert code == 2
    assert "--demo" in said
    Plan(stations=2).write(tmp_path / "demo.json")
    assert Plan.read(tmp_path / "demo.json") == Plan(stations=2)
    code, said = refused("up", "--demo", "--stations", "3", "--data", str(tmp_path))
    assert code == 2
    assert "other numbers" in said


@pytest.mark.parametrize("body", ["{", "[]", '{"hills": 3}', '{"seed": "x"}', '{"seed": null}'])
def test_a_plan_that_cannot_be_used_is_named(body, tmp_path):
    (tmp_path / "demo.json").write_text(body)
    with pytest.raises(BadRequest, match="no plan of a demo valley"):
        Plan.read(tmp_path / "demo.json")


# The simulation


def test_the_valley_has_what_the_report_lists():
    assert len(VALLEY.instruments) == 84
    assert len({one.name for one in VALLEY.instruments}) == 84
    assert len(VALLEY.stations) == 24
    assert {one.kind for one in VALLEY.instruments} == {
        "WeatherObserved", "AgriParcelRecord", "WaterObserved", "RadiationObserved", "AirQualityObserved",
        "NoiseLevelObserved", "StructureObserved", "DamObserved", "WildlifeObserved", "AnimalObserved",
        "WaterQualityObserved", "IndoorEnvironmentObserved",
    }  # fmt: skip
    over = [one.over for one in VALLEY.instruments]
    assert over.count("mqtt") == over.count("http") == 42


@given(
    st.sampled_from([one for one in VALLEY.instruments if one.name != "noise-2"]),
    st.floats(-400 * 86_400, 400 * 86_400),
)
@settings(max_examples=300, deadline=None)
def test_what_an_instrument_says_is_what_its_profile_takes_at_any_time_of_the_year(instrument, after_s):
    time_s = VALLEY.start_s + after_s
    said = instrument.say(time_s)
    assert said == instrument.say(time_s)
    profile = Profile.from_json(PROFILES[instrument.profile])
    for key, value in (said or {}).items():
        if key not in {"lat", "lon"}:
            assert profile.channels[key].take(value) == value


def test_only_the_garbled_meter_says_what_its_profile_refuses():
    meter = next(one for one in VALLEY.instruments if one.name == "noise-2")
    level = Profile.from_json(PROFILES["noise"]).channels["LAeq"]
    hour = [meter.say(VALLEY.start_s + 300.0 * k)["LAeq"] for k in range(12)]
    with pytest.raises(BadRequest, match="not plausible"):
        level.take(max(hour))
    assert sorted(hour)[-2] < 160


def test_the_valley_floor_freezes_in_the_first_night_and_the_slopes_do_not():
    low = {}
    for one in VALLEY.stations:
        hours = [
            VALLEY.weather.air(VALLEY.start_s + k * HOUR_S, one.name, height(one.spot)).air_c for k in range(6, 17)
        ]
        low[one.name] = (height(one.spot), min(hours))
    assert all(air_c < 0.0 for above_m, air_c in low.values() if above_m < 15)
    assert all(air_c > 0.0 for above_m, air_c in low.values() if above_m > 120)
    frost_s = VALLEY.first_frost_s(VALLEY.start_s)
    assert 3 * HOUR_S < frost_s - VALLEY.start_s < 12 * HOUR_S


def test_what_will_happen_is_told_in_its_order_and_in_minutes_of_the_watcher():
    lines = prospect(VALLEY, VALLEY.start_s, 60.0).splitlines()
    minutes = [float(line.split()[1]) for line in lines]
    assert minutes == sorted(minutes)
    told = [line.partition("min")[2].strip().partition(":")[0] for line in lines]
    assert told == ["sunset", "all stations are decided", "the first orchard freezes", "dawn"]
    assert minutes[:2] == [2.1, 3.0]  # 19:36 and 20:30 in the valley, from 17:30 on
    faster = prospect(VALLEY, VALLEY.start_s, 600.0).splitlines()
    assert float(faster[-1].split()[1]) == pytest.approx(minutes[-1] / 10, abs=0.06)


def test_another_seed_is_another_weather_and_the_same_seed_the_same():
    there = [Valley(Plan(seed=seed)).stations[0].say(VALLEY.start_s - 20 * 86_400.0) for seed in (7, 7, 8)]
    assert there[0] == there[1] != there[2]


def test_devices_do_not_speak_in_one_breath_and_never_miss_their_turn():
    for one in VALLEY.instruments:
        first = one.next_s(VALLEY.start_s)
        assert VALLEY.start_s < first <= VALLEY.start_s + one.interval_s
        assert one.next_s(first) == first + one.interval_s
    assert len({one.next_s(VALLEY.start_s) for one in VALLEY.stations}) == 24


def test_the_past_is_in_order_ends_at_the_start_and_holds_every_hour_of_every_night():
    valley = Valley(Plan(stations=2, sensors=0, past_days=6))
    times = [clock.parse(one["doc"]["temperature"]["observedAt"]) for one in readings(valley)]
    assert times == sorted(times)
    assert times[-1] == valley.plan.start
    hours = [clock.moment(at).hour for at in times[::2]]
    assert all(hours.count(hour) >= 6 for hour in (18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 6, 7))


def test_every_entity_of_the_valley_is_sound_ngsi_ld_and_says_that_it_is_simulated():
    for one in (*base_map(24), *(write["doc"] for write in setting(VALLEY))):
        assert one["source"]["value"] == "simulation"
        assert entity_in(one, CORE)["id"] == one["id"]
    rules = [write["doc"] for write in watch_rules()]
    assert len({one["id"] for one in rules}) == len(rules) > 30
