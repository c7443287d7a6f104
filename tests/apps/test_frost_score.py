"""`hansa score frost DIR`: station files as they are, the app itself over them, and the figures on real stations."""

import gzip
import json
import math
import os
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from hansa.analytics.backtest import replay
from hansa.apps.frost import app
from hansa.apps.frost.entities import record_of
from hansa.apps.frost.events import Observation
from hansa.apps.frost.skill import nights, record
from hansa.apps.frost.skill import score as skill_score
from hansa.cli import main
from hansa.cli.score import judge, judge_all, table
from hansa.cli.stations import BadLine, readings, rows, station_files, station_name
from hansa.clock import micros
from hansa.errors import BadRequest
from hansa.model.change import Write
from hansa.testing import MemoryCity

HEAD = "time_local,air_c,dew_point_c,humidity_percent,wind_mps,pressure_hpa"
DAY = datetime(2012, 3, 1, 12)  # noqa: DTZ001  # station files are local


def lines(days, seed=7, minute=53):
    """A station file of invented but lifelike days, the same for the same seed."""
    rng = random.Random(seed)
    found = [HEAD]
    for day in range(days):
        mean_c, swing_c, dew_c = rng.gauss(3.0, 4.0), rng.uniform(1.0, 7.0), rng.gauss(-3.0, 3.0)
        for hour in range(24):
            air_c = mean_c + swing_c * math.cos((hour - 3) / 24 * 2 * math.pi) + rng.gauss(0, 0.4)
            at = DAY + timedelta(days=day, hours=hour, minutes=minute)
            dew = "" if rng.random() < 0.05 else f"{min(dew_c, air_c):.1f}"
            found.append(f"{at:%Y-%m-%dT%H:%M},{air_c:.1f},{dew},,2.1,{rng.gauss(1013, 6):.1f}")
    return found


def write(path, text):
    if path.name.endswith(".gz"):
        path.write_bytes(gzip.compress("\n".join(text).encode()))
    else:
        path.write_text("\n".join(text))
    return path


def directly(file):
    """The records of a file by the science alone."""
    seen = [
        Observation(
            at, v.get("temperature"), v.get("dewPoint"), v.get("relativeHumidity"), v.get("atmosphericPressure")
        )
        for at, v in (row for row in rows(file) if not isinstance(row, BadLine))
    ]
    station = f"urn:ngsi-ld:WeatherObserved:{station_name(file)}"
    return [one for one in (record(station, out) for out in nights(seen)) if one is not None]


def run(*words):
    return CliRunner().invoke(main, ["score", *map(str, words)])


# Station files


def test_a_station_file_is_read_line_by_line_and_blank_fields_are_left_out(tmp_path):
    file = write(
        tmp_path / "site-0.csv.gz", [HEAD, "2015-01-01T00:51,2.8,-0.6,79.0,2.58,1016.0", "2015-01-01 01:51,2,,,,"]
    )
    first, second = rows(file)
    assert first == (
        datetime(2015, 1, 1, 0, 51),  # noqa: DTZ001
        {
            "temperature": 2.8,
            "dewPoint": -0.6,
            "relativeHumidity": 79.0,
            "windSpeed": 2.58,
            "atmosphericPressure": 1016.0,
        },
    )
    assert second[1] == {"temperature": 2.0}
    ((at, _), _) = readings(file, ZoneInfo("Europe/Bratislava"))
    assert at == micros(datetime(2014, 12, 31, 23, 51, tzinfo=UTC))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2015-01-01T00:51,2.8", "2 fields where the first line has 6"),
        ("2015-02-30T00:51,2.8,,,,", "'2015-02-30T00:51' is not a time"),
        ("1420070400,2.8,,,,", "is not a time"),
        ("2015-01-01T00:51,cold,,,,", "temperature: 'cold' is not a number"),
        ("2015-01-01T00:51,2.8,nan,,,", "dewPoint: 'nan' is not a finite number"),
        ("2015-01-01T00:51,2.8,,,,1e999", "atmosphericPressure: '1e999' is not a finite number"),
        ("2015-01-01T00:51," + "9" * 200_000 + ",,,,", "field larger than field limit"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_the_rest_is_read(tmp_path, line, why):
    good = "2015-01-01T01:51,2.8,,,,"
    first, second, third = rows(write(tmp_path / "a.csv", [HEAD, good, line, good]))
    assert isinstance(second, BadLine)
    assert second.number == 3
    assert why in second.reason
    assert first == third


@given(st.text(max_size=300))
def test_no_line_whatever_is_the_end_of_its_file(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes((HEAD + "\n" + text).encode("utf-8", "surrogatepass"))
    assert all(isinstance(row, BadLine) or math.isfinite(sum(row[1].values())) for row in rows(file))


def test_a_file_that_is_no_station_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(BadRequest, match="time_local and air_c"):
        list(rows(write(tmp_path / "a.csv", ["a,b", "1,2"])))
    with pytest.raises(BadRequest, match="time_local and air_c"):
        list(rows(write(tmp_path / "empty.csv", [])))
    whole = gzip.compress("\n".join(lines(30)).encode())
    for name, content in (("cut.csv.gz", whole[: len(whole) // 2]), ("not.csv.gz", b"plain")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadRequest, match="cannot be read") as told:
            list(rows(tmp_path / name))
        assert name in str(told.value.where)


def test_two_files_of_one_station_are_refused_and_other_files_passed_over(tmp_path):
    write(tmp_path / "north.csv", lines(1))
    (tmp_path / "README.md").write_text("not a station")
    assert [station_name(one) for one in station_files(tmp_path)] == ["north"]
    write(tmp_path / "north.csv.gz", lines(1))
    with pytest.raises(BadRequest, match="same station"):
        station_files(tmp_path)
    assert station_name(tmp_path / "Nový sad 1.csv") == "Nov-sad-1"


# The score


def test_the_app_warns_the_very_nights_that_the_science_does(tmp_path):
    file = write(tmp_path / "a.csv", lines(60))
    judged = judge(file)
    assert judged.records == directly(file)
    assert len(judged.records) == 59
    assert {one.hansa_warn for one in judged.records} == {True, False}
    assert judged.readings == 60 * 24


def test_a_score_is_what_a_live_city_says_reading_by_reading_and_minute_by_minute(tmp_path):
    file = write(tmp_path / "a.csv", lines(6, seed=5))
    got = [row for row in readings(file, UTC) if not isinstance(row, BadLine)]
    city = MemoryCity(app, start=got[0][0], keep=False)

    def said():
        for at, values in got:
            doc = {"id": "urn:ngsi-ld:WeatherObserved:a", "type": "WeatherObserved"}
            when = datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            for name, value in values.items():
                doc[name] = {"type": "Property", "value": value, "observedAt": when}
            yield at, Write("read", doc["id"], doc)

    replay(city, said())
    live = [one for one in map(record_of, city.find("WeatherForecast")) if one is not None]
    assert sorted(live, key=lambda one: one.evening) == judge(file).records
    assert len(live) == 5


def test_a_file_out_of_order_is_played_in_time_order(tmp_path):
    told = lines(8)
    mixed = told[1:]
    random.Random(3).shuffle(mixed)
    ordered = write(tmp_path / "a.csv", told)
    want = judge(ordered).records
    assert judge(write(ordered, [HEAD, *mixed])).records == want
    assert len(want) == 7


def test_a_night_at_the_end_of_a_file_is_not_lost(tmp_path):
    file = write(tmp_path / "a.csv", lines(4)[: -24 + 21])  # the last line is of 08:53
    assert len(judge(file).records) == 3


def test_the_command_prints_a_table_and_the_same_rows_as_json(tmp_path):
    write(tmp_path / "a.csv.gz", lines(8))
    write(tmp_path / "b.csv", [*lines(8, seed=9), "2012-04-01T00:00,warm,,,,", "nothing"])
    told = run("frost", tmp_path, "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert [(r["method"], r["subset"]) for r in found] == [
        (method, subset) for method in ("persistence", "fao_pooled", "hansa") for subset in ("all", "at_risk", "spring")
    ]
    assert set(found[0]) == {"method", "subset", "nights", "events", "pod", "far", "csi", "rmse"}
    assert found[0]["nights"] == 14
    assert found == skill_score([*directly(tmp_path / "a.csv.gz"), *directly(tmp_path / "b.csv")])
    assert "b.csv: 2 lines of no use" in told.stderr
    assert "line 194: temperature: 'warm' is not a number" in told.stderr
    shown = run("frost", tmp_path)
    assert "POD" in shown.stdout
    assert "2 stations" in shown.stdout


def test_what_cannot_be_scored_is_a_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "a.csv", [HEAD, "never,1,,,,"])
    for words, why in (
        (("watch", tmp_path), "there is no score for an app 'watch'"),
        (("frost", tmp_path / "empty"), "no station file"),
        (("frost", tmp_path / "nowhere"), "is not a folder"),
        (("frost", tmp_path, "--timezone", "Mars/Base"), "'Mars/Base' is not a time zone"),
    ):
        told = run(*words)
        assert told.exit_code == 2
        assert why in told.stderr.replace("\n", " ")
    told = run("frost", tmp_path, "--json")
    assert [row["nights"] for row in json.loads(told.stdout)] == [0] * 9


# The real stations


def held_to_the_science(judged):
    for one in judged:
        assert one.records == directly(one.file)
        assert one.bad_count == 0
    found = table(judged)
    assert found == skill_score(r for one in judged for r in one.records)
    return {(r["method"], r["subset"]): r for r in found}


@pytest.mark.data
def test_on_real_stations_the_app_warns_the_very_nights_that_the_science_does(data, tmp_path):
    for name in ("nyc-ewr", "site-23"):  # on the hour; at :53 with gaps
        (tmp_path / f"{name}.csv.gz").symlink_to(data / "weather_hourly" / f"{name}.csv.gz")
    found = held_to_the_science(list(judge_all(tmp_path)))
    assert found["hansa", "all"]["nights"] > 600
    assert found["hansa", "at_risk"]["csi"] > found["persistence", "at_risk"]["csi"]


@pytest.mark.data
@pytest.mark.timeout(900)
def test_on_all_real_stations_the_figures_are_those_that_were_asked_for(data):
    if not os.environ.get("HANSA_REQUIRE_ALL"):
        pytest.skip("all stations take a minute of two cores; HANSA_REQUIRE_ALL=1 runs them")
    judged = list(judge_all(data / "weather_hourly"))
    found = held_to_the_science(judged)
    assert len(judged) == 22
    hansa = found["hansa", "at_risk"]
    assert hansa["pod"] >= 0.78
    assert hansa["far"] <= 0.38
    assert hansa["csi"] >= 0.54
    for subset in ("all", "at_risk", "spring"):
        ours, yardstick = found["hansa", subset], found["persistence", subset]
        assert ours["csi"] > yardstick["csi"]
        assert ours["rmse"] < yardstick["rmse"]
        assert ours["nights"] == yardstick["nights"] > 500
