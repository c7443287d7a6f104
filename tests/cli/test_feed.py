"""`hansa feed DIR`: real station files through the MQTT door, the city's clock following them."""

import gzip
import json
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import parted
from hansa import clock
from hansa.apps.frost import skill
from hansa.apps.frost.events import Observation
from hansa.cli.feed import Files, Sent
from hansa.cli.stations import BadLine, rows, station_files, station_name
from hansa.errors import BadRequest

HEAD = "time_local,air_c,dew_point_c,humidity_percent,wind_mps,pressure_hpa\n"
NORTH = HEAD + "".join(f"2012-03-01T{hour:02}:53,{3.5 - hour},-1.0,70,2.0,1012.5\n" for hour in range(6))
SOUTH = HEAD + (
    "2012-03-01T00:20,4.0,,,,\n"
    "2012-03-01T01:53,3.0,0.5,80,1.0,1013.0\n"
    "2012-03-01T01:53,3.0,0.5,80,1.0,1013.0\n"  # the same again
    "2012-03-01T03:53,99.0,0.5,80,1.0,1013.0\n"  # no air is so warm: refused at the door
    "2012-03-01T02:53,2.0,0.5,80,1.0,1013.0\n"  # late
    "2012-03-01T04:30,warm,0.5,80,1.0,1013.0\n"  # not a number: never sent
)


def fed(folder: Path, data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `hansa feed` to its end."""
    ports = ("--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")
    return parted.run("feed", folder, "--data", data, "--exit", *ports, *options)


def entities(data: Path, kind: str) -> dict[str, dict]:
    """What the city holds of a type, by id, values alone."""
    done = parted.run("export", "--data", data)
    assert done.returncode == 0, done.stderr
    found = {}
    for line in done.stdout.splitlines():
        doc = json.loads(line)
        if doc["type"] == kind:
            found[doc["id"]] = {k: v.get("value", v.get("object")) for k, v in doc.items() if isinstance(v, dict)}
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "stations"
    made.mkdir()
    (made / "north.csv").write_text(NORTH)
    (made / "south.csv.gz").write_bytes(gzip.compress(SOUTH.encode()))
    return made


@pytest.mark.timeout(300)
def test_station_files_become_readings_of_devices_and_a_second_run_goes_on(folder, tmp_path):
    city = tmp_path / "city"
    done = fed(folder, city)
    assert done.returncode == 0, done.stderr
    assert "11 readings of 2 stations sent and on disk" in done.stdout
    assert "1 refused, 1 lines could not be used" in done.stdout
    assert "south.csv.gz, line 7: temperature: 'warm' is not a number" in done.stderr
    stations = entities(city, "WeatherObserved")
    assert stations["urn:ngsi-ld:WeatherObserved:north"]["temperature"] == -1.5
    assert stations["urn:ngsi-ld:WeatherObserved:south"]["temperature"] == 2.0
    devices = entities(city, "Device")
    assert {one["deviceState"] for one in devices.values()} == {"active"}
    assert (city / "feed-secrets.json").stat().st_mode & 0o777 == 0o600
    head = _head(city)

    again = fed(folder, city)
    assert again.returncode == 0, again.stderr
    assert "0 readings of 2 stations" in again.stdout
    assert "11 were sent before" in again.stdout

    (city / "feed.json").unlink()  # as if it had been lost: all is sent again, and nothing comes of it
    once_more = fed(folder, city)
    assert once_more.returncode == 0, once_more.stderr
    assert "11 readings of 2 stations" in once_more.stdout
    assert entities(city, "WeatherObserved") == stations
    assert _head(city, but="Device") == head


def _head(data: Path, *, but: str = "Device") -> int:
    """How many Changes of anything but devices the log holds."""
    done = parted.run("export", "--log", "--data", data)
    assert done.returncode == 0, done.stderr
    return sum(f":{but}:" not in json.loads(line)["id"] for line in done.stdout.splitlines())


@pytest.mark.timeout(120)
def test_at_a_given_speed_the_city_takes_its_time(tmp_path):
    stations = tmp_path / "stations"
    stations.mkdir()
    (stations / "north.csv").write_text(
        HEAD + "2012-03-01T00:00,1,,,,\n2012-03-01T00:30,2,,,,\n2012-03-01T01:00,3,,,,\n"
    )
    done = fed(stations, tmp_path / "city", "--speed", "1800")
    assert done.returncode == 0, done.stderr
    took_s = float(done.stdout.split("on disk in ")[1].split(" s")[0])
    assert took_s >= 2.0  # an hour at half an hour a second


def test_a_folder_without_readings_is_refused_before_a_city_begins(tmp_path):
    city = tmp_path / "city"
    for made, why in (("nowhere", "is not a folder"), ("empty", "no station file"), ("bare", "holds a reading")):
        one = tmp_path / made
        if made != "nowhere":
            one.mkdir()
        if made == "bare":
            (one / "north.csv").write_text(HEAD)
        done = fed(one, city)
        assert done.returncode == 2
        assert why in done.stderr
    assert not city.exists()


def test_a_taken_port_and_broken_notes_are_refused_with_the_way_out(folder, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = fed(folder, tmp_path / "city", "--mqtt", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 2
    assert "is taken" in done.stderr
    for body in ("{", "[1]", '{"north": "x"}'):
        (tmp_path / "feed.json").write_text(body)
        with pytest.raises(BadRequest, match="how far the files were sent"):
            Sent(tmp_path / "feed.json")


_MINUTE = 60 * clock.SECOND
_BEGIN = clock.parse("2012-03-01T00:00:00Z")


@given(st.lists(st.lists(st.integers(0, 2_000), max_size=12), min_size=1, max_size=4))
def test_rows_come_in_turn_whatever_the_files_hold(tmp_path_factory, files):
    made = tmp_path_factory.mktemp("stations")
    for number, minutes in enumerate(files):
        lines = [f"{clock.text(_BEGIN + at * _MINUTE)[:16]},{at},,,,\n" for at in minutes]
        (made / f"s{number}.csv").write_text(HEAD + "".join(lines))
    sent = list(Files(station_files(made), {}).rows())
    assert [row[0] for row in sent] == sorted(row[0] for row in sent)
    for number, minutes in enumerate(files):
        mine = [row for row in sent if row[2] == f"s{number}"]
        assert [row[1] for row in mine] == [_BEGIN + at * _MINUTE for at in minutes]
        assert all(turn >= at for turn, at, *_ in mine)
    # What was acknowledged up to a turn is not sent again, and all that came later is.
    if sent:
        upto = sent[len(sent) // 2][0]
        rest = Files(station_files(made), dict.fromkeys((row[2] for row in sent), upto))
        assert list(rest.rows()) == [row for row in sent if row[0] > upto]
        assert rest.known == sum(row[0] <= upto for row in sent)


@pytest.mark.data
@pytest.mark.timeout(300)
def test_live_is_score_every_night_is_warned_as_the_score_says(data, tmp_path):
    stations = tmp_path / "stations"
    stations.mkdir()
    # 22 hours a day are enough: at noon nothing is decided and nothing observed that counts.
    for name in ("site-12", "site-22"):
        with gzip.open(data / "weather_hourly" / f"{name}.csv.gz", "rt") as whole:
            head, *lines = whole
        some = [
            line for line in lines if "2012-02-20" <= line[:10] < "2012-04-05" and line[11:13] not in {"10", "11", "12"}
        ]
        (stations / f"{name}.csv").write_text(head + "".join(some))
    done = fed(stations, tmp_path / "city")
    assert done.returncode == 0, done.stderr
    live = {}
    for one in entities(tmp_path / "city", "WeatherForecast").values():
        if "outcome" in one:
            said = (one.get("warned"), one.get("decidedMin"), one["outcome"], one["counted"])
            live[one["refStation"].rpartition(":")[2], one["night"]] = said
    score = {}
    for file in station_files(stations):
        seen = [_observation(*row) for row in rows(file) if not isinstance(row, BadLine)]
        for one in skill.nights(seen):
            made = one.decision
            said = (made and made.warn, made and made.tmin_c, one.tmin_c, one.counted)
            score[station_name(file), one.evening.isoformat()] = said
    last = max(night for _, night in score)
    score = {key: said for key, said in score.items() if key[1] < last}  # the last one is not over yet
    assert len(score) > 80
    assert any(said[0] for said in score.values())
    assert {key: said for key, said in live.items() if key[1] < last} == score


def _observation(at, values) -> Observation:
    names = ("temperature", "dewPoint", "relativeHumidity", "atmosphericPressure")
    return Observation(at, *(values.get(name) for name in names))
