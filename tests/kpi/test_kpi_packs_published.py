"""What cities and statistics offices printed: their inputs give the results they printed, to the digit they printed.

U4SSC's own reports print results without the numbers they come from, and benchmarks as pictures. So where both were
printed it is by statistics offices, of the same indicator (`same`) or of the same quotient of something near it; each
file names its source and says which. The results that U4SSC printed are held against the plausibility checks.
"""

import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from hansa import kpi

FILES = sorted((Path(__file__).parent / "published").glob("*.json"))
BOTH = [path for path in FILES if json.loads(path.read_text("utf-8"))["printed"] == "inputs and result"]
REPORTS = json.loads((Path(__file__).parent / "published" / "u4ssc_reports.json").read_text("utf-8"))


def read(path: Path) -> dict[str, Any]:
    """A file of published values."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def rounded(number: float, like: str) -> str:
    """A number with as many digits after the point as were printed, halves up."""
    digits = len(like.partition(".")[2])
    return str(Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


@pytest.mark.parametrize("path", BOTH, ids=[path.stem for path in BOTH])
def test_the_printed_inputs_give_the_printed_result_to_its_digits(path: Path) -> None:
    file = read(path)
    indicator = kpi.framework(file["framework"]).indicator(file["code"])
    point = indicator.points[file["point"]]
    for one in file["values"]:
        value = kpi.compute(indicator, one["inputs"])[file["point"]]
        said = kpi.units.converted(value, str(point.unit), file["unit"])
        assert rounded(said, one["printed"]) == one["printed"], (one["city"], one["period"], said)


def test_one_unit_more_in_an_input_would_have_been_seen() -> None:
    # The comparison is worth something: a death more in any of the cities gives another printed rate.
    file = read(next(path for path in BOTH if path.stem.startswith("traffic_deaths")))
    indicator = kpi.framework("u4ssc").indicator(file["code"])
    for one in file["values"]:
        value = kpi.compute(indicator, one["inputs"] | {"traffic_deaths": one["inputs"]["traffic_deaths"] + 1})[""]
        said = kpi.units.converted(value, str(indicator.points[""].unit), file["unit"])
        assert rounded(said, one["printed"]) != one["printed"], one["city"]


def test_there_are_values_of_more_than_50_cities_and_six_indicators_and_it_is_said_which_are_the_same() -> None:
    files = [read(path) for path in BOTH]
    values = [(file["code"], one["city"]) for file in files for one in file["values"]]
    assert len(values) >= 75
    assert len({city for _, city in values}) >= 50
    assert len({code for code, _ in values}) == 6
    same = [one for file in files if file["same"] for one in file["values"]]
    assert len(same) >= 40


def test_every_published_value_names_where_it_was_read() -> None:
    for path in BOTH:
        file = read(path)
        assert file["source"]["name"], path
        assert file["note"], path
        assert all("read_at" in one or "read_at" in file["source"] for one in file["values"]), path
    assert all(one["read_at"] for one in REPORTS["values"])


@pytest.mark.parametrize("city", [one["city"] for one in REPORTS["values"]])
def test_what_u4ssc_printed_of_a_city_is_not_held_implausible(city: str) -> None:
    results = next(one["results"] for one in REPORTS["values"] if one["city"] == city)
    values = {code: kpi.Reported({key: float(text) for key, text in of.items()}) for code, of in results.items()}
    found = kpi.faults(kpi.framework("u4ssc"), values)
    assert [one.says for one in found if one.severity == "error"] == []


def test_the_waste_of_a_report_with_a_route_left_out_would_be_held_implausible() -> None:
    # Mashhad's routes sum to 98.37 %, which passes; without recycling they would not.
    printed = next(one for one in REPORTS["values"] if one["city"] == "Mashhad")["results"]["EN: EN: WA: 1C"]
    values = {key: float(text) for key, text in printed.items()} | {"recycled": 0.0}
    found = kpi.faults(kpi.framework("u4ssc"), {"EN: EN: WA: 1C": kpi.Reported(values)})
    assert any(one.severity == "error" and "sum to 100" in one.says for one in found)
