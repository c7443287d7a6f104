"""The template that an officer fills in, and what comes back: whole, or with a report cell by cell."""

import io
import zipfile
from datetime import datetime
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scorecards import as_file, enter, sheet_file, small_city

from hansa import BadRequest, Refusal, entity, sheets
from hansa.app import File
from hansa.apps.scorecard import nouns, reading
from hansa.apps.scorecard.uploading import Unsound
from hansa.testing import MemoryCity

HEAD = ["input", "period", "value", "unit", "status", "evidence", "reason"]


@pytest.fixture
def city() -> Any:
    with small_city().closing() as made:
        yield made


def upload(city: MemoryCity, file: File, **said: Any) -> Any:
    return city.act("upload", framework="small", files=(file,), **said)


def value(city: MemoryCity, name: str, period: str = "2025") -> Any:
    return city.get(nouns.input_id("small", name, "city", period)).get("value")


def report(caught: Any) -> list[tuple[str, str]]:
    """Cells and what is said of them, of the rows that were not taken."""
    return [(row["cell"], row["says"]) for row in caught.value.problem()["rows"] if not row["took"]]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_the_template_comes_back_filled_in_and_keeps_the_cell_it_was_in(city: MemoryCity, kind: str) -> None:
    enter(city, "population", 9_412)
    blank = city.view("template", {"framework": "small", "period": "2025", "kind": kind})
    assert blank.name == f"small-2025.{kind}"
    sheet = sheets.read(blank.body, sheets.kind_of(blank.body))[0]
    head = [str(one) for one in sheet.rows[0]]
    rows = [list(row) for row in sheet.rows]
    at = {row[head.index("input")]: n for n, row in enumerate(rows)}
    assert float(str(rows[at["population"]][head.index("value")])) == 9_412  # what is known is filled in
    assert rows[at["online"]][head.index("holder")] == "statistics office"
    for name, number in (("households", 3_893), ("online", 3_541.0)):
        rows[at[name]][head.index("value")] = number
    rows[at["beds"]][head.index("status")] = "Not reported"
    rows[at["beds"]][head.index("reason")] = "the clinic did not answer"
    file = sheet_file(rows) if kind == "xlsx" else as_file(sheets.csv_of(rows).encode(), "filled.csv")
    upload(city, file, by="person:ida")
    assert (value(city, "households"), value(city, "online")) == (3_893, 3_541)
    one = city.get(nouns.input_id("small", "online", "city", "2025"))
    told = one["lineage"]
    assert (told["how"], told["sha256"], told["row"]) == ("table", file.sha256, at["online"] + 1)
    assert told["cell"] == f"I{at['online'] + 1}"
    assert city.get(nouns.input_id("small", "population", "city", "2025"))["how"] == "entered"  # it was so before
    assert city.get(nouns.input_id("small", "beds", "city", "2025"))["status"] == "not reported"
    sent = city.view("uploads")["uploads"][0]
    assert (sent["taken"], sent["refused"], sent["open"]) == (4, 0, 3)
    assert city.view("uploads", {"id": sent["id"]})["rows"][0]["took"] is True
    assert city.get(sent["id"])["media"][0]["sha256"] == file.sha256  # the file is kept
    source = city.view("readings", {"id": one.id})
    assert "cell I" in source["says"]
    assert city.get(nouns.indicator_id("small", "S: 1", "city", "2025"))["kpiValue"] == pytest.approx(90.958, abs=1e-3)


BAD = (
    (["households", 2025, "1.234"], "C2", "two ways"),
    (["households", 2025, "1,234"], "C2", "two ways"),
    (["households", 2025, "some"], "C2", "no number"),
    (["households", 2025, "3 893 households"], "C2", "no number"),
    (["households", 2025, True], "C2", "yes or no"),
    (["households", 2025, datetime(2025, 5, 1)], "C2", "a date"),  # noqa: DTZ001  # a sheet has no zone
    (["households", 2025, "#DIV/0!"], "C2", "an error"),
    (["households", 2025, "#N/A"], "C2", "an error"),
    (["households", 2025, "=A1"], "C2", "formula without"),
    (["households", 2025, -4], "C2", "cannot be"),
    (["households", 2027, 4], "C2", "not begun"),
    (["households", "next", 4], "B2", "no year"),
    (["households", datetime(2025, 1, 1), 4], "B2", "a date"),  # noqa: DTZ001
    (["housholds", 2025, 4], "A2", "no input"),
    ([None, 2025, 4], "A2", "what it is"),
    (["pm10", 2025, 0.02, "ppm"], "D2", "cannot be turned"),
    (["households", 2025, 4, "km"], "D2", "cannot be turned"),
    (["households", 2025, 4, None, "maybe"], "E2", "no status"),
    (["households", 2025, 4, None, "not reported"], "E2", "has a value"),
    (["households", 2025, None, None, "not reported"], "G2", "nobody says why"),
    (["households", 2025, None, None, "reported"], "C2", "has no value"),
)


@pytest.mark.parametrize(("row", "cell", "why"), BAD)
def test_a_cell_that_cannot_be_taken_is_named_and_nothing_of_the_sheet_is_taken(
    city: MemoryCity, row: list[Any], cell: str, why: str
) -> None:
    good = ["online", 2025, 3]
    with pytest.raises(Unsound) as caught:
        upload(city, sheet_file([HEAD, row, good]))
    assert [one[0] for one in report(caught)] == [cell]
    assert why in report(caught)[0][1]
    assert caught.value.problem()["rows"][0]["mend"] or why == "cannot be"
    assert city.find("KpiInput") == []
    upload(city, sheet_file([HEAD, row, good]), partly="true")
    assert [one["input"] for one in city.find("KpiInput")] == ["online"]
    sent = city.view("uploads")["uploads"][0]
    assert (sent["taken"], sent["refused"]) == (1, 1)


def test_the_header_may_be_further_down_and_its_columns_in_another_order_and_rows_empty(city: MemoryCity) -> None:
    rows: list[list[Any]] = [
        ["Municipality of Orlava"], [], ["please fill in until May"],
        ["Source", "Value", "Units", "INPUT", "Year"],
        [], ["a letter", "12.345,5", None, " Population ", "2025"], [None, None, None, "beds", 2025],
        ["map", "7 800", "m", "cycle_km", 2025.0], [],
    ]  # fmt: skip
    upload(city, sheet_file(rows))
    assert (value(city, "population"), value(city, "cycle_km")) == (12_345.5, 7.8)
    assert city.get(nouns.input_id("small", "population", "city", "2025"))["evidence"]["text"] == "a letter"
    assert city.view("uploads")["uploads"][0]["open"] == 1


def _book(cells: Any) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet("Filled")
        page.write_row(0, 0, HEAD)
        cells(page, book)
    return out.getvalue()


def test_a_merged_text_counts_for_each_of_its_rows_and_a_merged_value_for_none(city: MemoryCity) -> None:
    def cells(page: Any, _book: Any) -> None:
        page.merge_range(1, 1, 2, 1, 2025)
        page.write_row(1, 0, ["population"])
        page.write(1, 2, 9_000)
        page.write_row(2, 0, ["beds"])
        page.write(2, 2, 30)

    upload(city, as_file(_book(cells)))
    assert (value(city, "population"), value(city, "beds")) == (9_000, 30)

    def merged(page: Any, _book: Any) -> None:
        page.write_row(1, 0, ["households", 2025])
        page.write_row(2, 0, ["online", 2025])
        page.merge_range(1, 2, 2, 2, 100)

    with pytest.raises(Unsound) as caught:
        upload(city, as_file(_book(merged)))
    assert [one[0] for one in report(caught)] == ["C2", "C3"]
    assert "merged" in report(caught)[0][1]


def test_a_formula_counts_by_its_result_and_without_one_it_is_asked_back(city: MemoryCity) -> None:
    def cells(page: Any, _book: Any) -> None:
        page.write_row(1, 0, ["population", 2025])
        page.write_formula(1, 2, "=4500*2", None, 9_000)
        page.write_row(2, 0, ["beds", 2025])
        page.write_formula(2, 2, "=1/0", None, "#DIV/0!")
        page.write_row(3, 0, ["households", 2025])
        page.write_formula(3, 2, "=1+1", None, 77)

    body = _book(cells)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>77</v>", b"<v></v>"))
    with pytest.raises(Unsound) as caught:
        upload(city, as_file(out.getvalue()))
    found = dict(report(caught))
    assert "#DIV/0!" in found["C3"]
    assert "without its result" in found["C4"]
    upload(city, as_file(out.getvalue()), partly=True)
    assert value(city, "population") == 9_000


def test_two_values_for_one_period_are_both_refused_and_the_same_twice_is_one(city: MemoryCity) -> None:
    rows = [HEAD, ["beds", 2025, 30], ["population", 2025, 9], ["beds", "2025", "31"], ["population", 2025, "9,0"]]
    with pytest.raises(Unsound) as caught:
        upload(city, sheet_file(rows))
    assert [one[0] for one in report(caught)] == ["C2", "C4"]
    upload(city, sheet_file(rows), partly=True)
    assert value(city, "population") == 9
    assert city.find("KpiInput", 'input=="beds"') == []


def test_a_value_that_stands_is_corrected_only_with_a_reason(city: MemoryCity) -> None:
    enter(city, "beds", 30)
    rows = [HEAD, ["beds", 2025, 31], ["population", 2025, 9_000]]
    with pytest.raises(Unsound) as caught:
        upload(city, sheet_file(rows))
    assert "30 already" in report(caught)[0][1]
    with pytest.raises(Refusal, match="reason"):
        upload(city, sheet_file(rows), correct=True)
    upload(city, sheet_file(rows), correct=True, reason="the clinic's letter of May")
    assert value(city, "beds") == 31
    assert city.get(nouns.input_id("small", "beds", "city", "2025"))["correction"] == "the clinic's letter of May"


def test_what_is_implausible_together_is_told_of_all_cells_that_it_is_about(city: MemoryCity) -> None:
    rows = [HEAD, ["online", 2025, 120], ["households", 2025, 100], ["beds", 2025, 30]]
    with pytest.raises(Unsound) as caught:
        upload(city, sheet_file(rows))
    assert [one[0] for one in report(caught)] == ["C2", "C3"]
    assert "more households online" in report(caught)[0][1]
    upload(city, sheet_file(rows), partly=True)
    assert [one["input"] for one in city.find("KpiInput")] == ["beds"]


def test_several_years_come_in_one_sheet(city: MemoryCity) -> None:
    upload(city, sheet_file([HEAD, *(["pm10", year, 30 - (year - 2020)] for year in range(2021, 2026))]))
    assert [value(city, "pm10", str(year)) for year in range(2021, 2026)] == [29, 28, 27, 26, 25]


def test_rows_of_districts_are_of_those_alone(city: MemoryCity) -> None:
    ring = [[17.0, 48.0], [17.2, 48.0], [17.2, 48.2], [17.0, 48.0]]
    city.say(entity("District", "inner", location={"type": "Polygon", "coordinates": [ring]}))
    inner = "urn:ngsi-ld:District:inner"
    upload(
        city, sheet_file([[*HEAD, "area"], ["beds", 2025, 3, *[None] * 4, inner], ["beds", 2025, 9, *[None] * 4, None]])
    )
    found = {one["area"]: one["value"] for one in city.find("KpiInput")}
    assert found == {"city": 9, inner: 3}
    with pytest.raises(Unsound, match="no area"):
        upload(city, sheet_file([[*HEAD, "area"], ["beds", 2025, 3, *[None] * 4, "urn:ngsi-ld:District:nowhere"]]))


def test_what_is_no_filled_template_is_refused_in_words(city: MemoryCity) -> None:
    for file, why in (
        (sheet_file([["a", "b"], [1, 2]]), "names the columns"),
        (sheet_file([HEAD]), "no row has a value"),
        (as_file(b"", "x.csv"), "no sheet"),
        (as_file(b"%PDF-1.7", "x.csv"), "no sheet"),
        (as_file(b"PK\x03\x04broken"), "cannot be read"),
        (as_file(b'input,value\n"open', "x.csv"), "cannot be read|names the columns"),
        (sheet_file([HEAD, *([["beds", 2025, 3]] * (reading.ROWS + 1))]), "more than"),
    ):
        with pytest.raises(BadRequest, match=why):
            upload(city, file)
    with pytest.raises(BadRequest, match="one sheet"):
        city.act("upload", framework="small")
    with pytest.raises(BadRequest, match=r"other|framework"):
        upload(city, sheet_file([["framework", *HEAD], ["u4ssc", "beds", 2025, 3]]))
    assert city.find("KpiInput") == []


def test_nothing_in_a_template_is_run_by_a_spreadsheet(city: MemoryCity) -> None:
    enter(city, "beds", 3, evidence={"text": '=HYPERLINK("https://evil.example")'})
    text = city.view("template", {"framework": "small", "period": "2025", "kind": "csv"}).body.decode()
    assert ",'=HYPERLINK" in text.replace('"', "")
    body = city.view("template", {"framework": "small", "period": "2025"}).body
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


CELL = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(max_size=20),
    st.datetimes(),
    st.sampled_from(["=1", "#REF!", "1.234", "١٢"]),
)


@given(
    rows=st.lists(st.lists(CELL, max_size=8), max_size=8),
    merged=st.lists(st.tuples(st.integers(1, 9), *[st.integers(0, 9)] * 3), max_size=3),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_the_cells_it_is_a_line_or_a_fault_with_its_cell(
    city: MemoryCity, rows: list[list[Any]], merged: list[tuple[int, int, int, int]]
) -> None:
    from hansa.apps.scorecard import frameworks

    sheet = sheets.Sheet("s", [HEAD, *rows], merged)
    found = reading.filled([sheet], frameworks.of(city, "small"), "2025")
    assert all(
        one.input in {"households", "online", "population", "beds", "cycle_km", "pm10", "no2"} for one in found.lines
    )
    assert all(one.says and one.cell.row >= 2 for one in found.faults)
