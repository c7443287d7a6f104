"""`hansa kpi`: scores as a table and as JSON, and what stands behind an indicator."""

import json

import pytest
from click.testing import CliRunner

from hansa.cli import main

ICT = ["EC: ICT: ICT: 1C", "EC: ICT: ICT: 2C", "EC: ICT: ICT: 3C"]
METERS = ["EC: ICT: WS: 1C", "EC: ICT: WS: 2A"]


@pytest.fixture
def ran(tmp_path):
    """Runs `hansa kpi score u4ssc FILE ...` over a text, or any other `hansa kpi`."""

    def run(*words, text=None, name="city.yaml", framework="u4ssc"):
        if text is not None:
            file = tmp_path / name
            file.write_text(text)
            words = ("score", framework, str(file), *words)
        return CliRunner().invoke(main, ["kpi", *words])

    return run


def lines(percents):
    return "".join(f"{code}: {{value: {percent}, target: 100}}\n" for code, percent in percents.items())


def test_points_of_one_three_four_and_one_are_56_25_percent(ran):
    codes = [*ICT, "EC: ICT: ICT: 4C"]
    text = lines(dict(zip(codes, [10, 70, 99], strict=False)))
    text += "EC: ICT: ICT: 4C: {points: {4g: {value: 5, target: 100}}}\n"
    done = ran("--json", text=text)
    assert done.exit_code == 0, done.stderr
    made = json.loads(done.stdout)
    assert [made["indicators"][code]["points"] for code in codes] == [1, 3, 4, 1]
    for level, name in (
        ("categories", "Economy/ICT/ICT Infrastructure"),
        ("sub_dimensions", "Economy/ICT"),
        ("dimensions", "Economy"),
    ):
        assert (made[level][name]["percent"], made[level][name]["band"]) == (56.25, "33-66")


def test_points_of_three_four_and_two_are_75_percent(ran):
    done = ran("--json", text=lines(dict(zip(ICT, [66, 95, 33], strict=True))))
    made = json.loads(done.stdout)
    assert [made["indicators"][code]["points"] for code in ICT] == [3, 4, 2]
    assert [made["indicators"][code]["percent_of_target"] for code in ICT] == [66, 95, 33]
    assert made["dimensions"]["Economy"] == {"percent": 75.0, "band": "66-95", "scored": 3, "total": 55}
    assert made["dimensions"]["Environment"]["percent"] is None


def test_the_table_shows_every_level(ran):
    done = ran(text=lines(dict(zip(ICT, [66, 95, 33], strict=True))))
    for shown in (
        *ICT,
        "Economy / ICT / ICT Infrastructure",
        "75",
        "66-95",
        "dimensions",
        "sub-dimensions",
        "categories",
    ):
        assert shown in done.stdout
    assert "88 of 91 indicators are not reported" in done.stdout


def test_csv_is_scored_the_same(ran):
    text = "code,value,target\n" + "".join(f"{code},{n},100\n" for code, n in zip(ICT, [66, 95, 33], strict=True))
    made = json.loads(ran("--json", text=text, name="city.csv").stdout)
    assert made["dimensions"]["Economy"]["percent"] == 75.0


def test_inputs_take_the_place_of_a_value(ran):
    text = "EC: ICT: ICT: 1C: {households_with_internet: 450, households: 600, target: 100}\n"
    found = json.loads(ran("--json", text=text).stdout)["indicators"]["EC: ICT: ICT: 1C"]
    assert (found["value"], found["points"], found["percent_of_target"]) == (75.0, 3, 75.0)


def test_what_is_wrong_is_told_on_stderr_and_nothing_is_scored(ran):
    text = "EC: ICT: ICT: 1C: {value: 56%}\nEC: ICT: ICT: 9C: {value: 5}\nEC: I: WS: 1C: 90\nEC: I: WS: 2C: 95\n"
    done = ran("--json", text=text)
    assert done.exit_code == 1
    assert done.stdout == ""
    for told in ("line 1, EC: ICT: ICT: 1C", "line 2, EC: ICT: ICT: 9C", "perhaps EC: ICT: ICT: ", "potable"):
        assert told in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("EC: P: IN: 1C: {value: 40}", "EC: P: IN: 1C"),
        ("period: 2999\nEC: P: IN: 1C: {value: 4}", "future"),
        ("EC: P: IN: 1C: {value: 4}\nEC: P: IN: 1C: {value: 5}", "two values for one period"),
        ("EN: EN: AQ: 1C: {points: {no2: {value: 40, unit: ppm}}}", "molar mass"),
        ("EC: ICT: ICT: 1C: {households_with_internet: 4, households: 0}", "households is 0"),
        ("EC: ICT: ICT: 1C: {value: 4", "YAML"),
    ],
)
def test_a_city_that_cannot_be_is_not_scored(ran, text, told):
    done = ran(text=text)
    assert done.exit_code == 1
    assert told in done.stderr


def test_what_is_odd_is_scored_and_told(ran):
    done = ran("--json", text="EC: P: IN: 1C: {value: 7, target: 3}")
    assert done.exit_code == 0
    assert "warning: line 1, EC: P: IN: 1C" in done.stderr
    made = json.loads(done.stdout)
    assert made["indicators"]["EC: P: IN: 1C"]["points"] == 4
    assert len(made["warnings"]) == 1


def test_a_city_s_own_framework_is_a_file(ran, tmp_path):
    bands = [{"from": 0, "to": 50, "points": 1, "name": "low"}, {"from": 50, "to": None, "points": 2, "name": "high"}]
    own = {
        "id": "own", "name": "Our own", "levels": ["theme"], "scoring": {"kind": "points", "bands": bands},
        "indicators": [{
            "code": "T1", "name": "Trees", "path": ["Green"], "direction": "higher",
            "inputs": [{"name": "trees", "says": "trees", "unit": "tree"}],
            "points": [{"key": "", "name": "Trees", "formula": "trees", "unit": "tree"}],
        }],
    }  # fmt: skip
    file = tmp_path / "own.json"
    file.write_text(json.dumps(own))
    made = json.loads(ran("--json", text="T1: {trees: 60, target: 100}", framework=str(file)).stdout)
    assert made["themes"]["Green"] == {"percent": 100.0, "band": "high", "scored": 1, "total": 1}
    assert "trees" in ran("explain", "T1", "--framework", str(file)).stdout
    own["indicators"][0]["points"][0]["formula"] = "trees * people"
    file.write_text(json.dumps(own))
    done = ran(text="T1: {trees: 60}", framework=str(file))
    assert done.exit_code == 1
    assert "people" in done.stderr


def test_between_cities_another_city_is_needed(ran, tmp_path):
    from hansa import kpi

    code = next(iter(kpi.framework("easypark_2021").indicators))
    other = tmp_path / "other.csv"
    other.write_text(f"code,value\n{code},10\n")
    text = f"code,value\n{code},5\n"
    alone = json.loads(ran("--json", text=text, name="city.csv", framework="easypark_2021").stdout)
    assert alone["whole"]["percent"] is None
    words = ("--json", "--against", str(other))
    beside = json.loads(ran(*words, text=text, name="city.csv", framework="easypark_2021").stdout)
    assert beside["whole"]["percent"] == 0.0


def test_a_framework_or_file_that_is_not_there_is_told(ran, tmp_path):
    done = ran(text="EC: P: IN: 1C: 4", framework="u4scc")
    assert done.exit_code == 1
    assert "perhaps u4ssc" in done.stderr
    done = CliRunner().invoke(main, ["kpi", "score", "u4ssc", str(tmp_path / "none.yaml")])
    assert done.exit_code == 1
    assert "cannot be read" in done.stderr
    assert ran(text="x", name="city.xlsx").exit_code == 1


def test_an_indicator_is_explained_with_where_it_is_known_from(ran):
    done = ran("explain", "EC: ICT: ICT: 1C")
    assert done.exit_code == 0, done.output
    for shown in (
        "Household Internet Access", "100 × households_with_internet ÷ households", "as a share of",
        "statistics office",
        "read in the standard", "ours", "M17:p23", "page23.html",
    ):  # fmt: skip
        assert shown in done.stdout


def test_what_was_recalled_says_so(ran):
    assert "recalled, not read" in ran("explain", "EC: P: IN: 1C").stdout


def test_an_indicator_that_is_not_there_names_near_ones(ran):
    done = ran("explain", "EC: ICT: ICT: 9C")
    assert done.exit_code == 2
    assert "EC: ICT: ICT: " in done.stderr


def test_frameworks_and_their_indicators_are_listed(ran):
    assert "u4ssc: " in ran("list").stdout
    assert len(ran("list", "u4ssc").stdout.splitlines()) == 91


def test_a_code_with_blanks_needs_no_quotes(ran):
    assert "Household Internet Access" in ran("explain", "EC:", "ICT:", "ICT:", "1C").stdout
