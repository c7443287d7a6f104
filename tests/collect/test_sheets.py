"""Sheets that people fill in: whatever they are saved as, and whatever is in them."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import sheets
from hansa.collect.sheets import Sheet
from hansa.errors import BadRequest, HansaError, TooLarge, UnsupportedMediaType


@pytest.mark.parametrize(
    ("said", "number"),
    [("1.234,5", 1234.5), ("1,234.5", 1234.5), ("1 234", 1234.0), ("1'234'567", 1234567.0), ("1.234.567", 1234567.0),
     ("0,5", 0.5), ("12,5", 12.5), ("-3", -3.0), ("−3", -3.0), ("1e5", 1e5), ("0.123", 0.123), ("1234.567", 1234.567),
     ("1\u202f234,50", 1234.5), (7.25, 7.25)],
)  # fmt: skip
def test_a_number_is_read_in_whichever_way_people_write_it(said, number):
    assert sheets.number(said) == number


@pytest.mark.parametrize("said", ["1.234", "1,234", "12.345"])
def test_a_number_that_is_read_in_two_ways_is_asked_back(said):
    with pytest.raises(BadRequest, match="two ways"):
        sheets.number(said)


@pytest.mark.parametrize("said", ["", "abc", "1,2,3", "--1", "#DIV/0!", "1.23.45,6", True, None, "12 34", "NaN", "inf"])
def test_what_is_no_number_is_refused(said):
    with pytest.raises(BadRequest):
        sheets.number(said)


@given(st.floats(-1e9, 1e9).map(lambda one: round(one, 2)))
@settings(max_examples=50)
def test_a_number_that_a_german_and_an_english_officer_write_is_the_same(value):
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert sheets.number(english) == sheets.number(german) == value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_is_read_whatever_it_was_saved_as(encoding, delimiter):
    text = "\r\n".join(delimiter.join(row) for row in (["Zähler", "Wert"], ["Öl", "5"], ["", "x"]))
    (sheet,) = sheets.read(text.encode(encoding))
    assert sheet.rows == [["Zähler", "Wert"], ["Öl", "5"], [None, "x"]]


def test_a_csv_may_say_what_parts_its_cells():
    assert sheets.read(b"sep=;\na;b\n1,5;2\n")[0].rows == [["a", "b"], ["1,5", "2"]]


def test_an_xlsx_comes_back_as_it_was_written_and_nothing_in_it_runs():
    body = sheets.write([Sheet("In/puts", [["code", "value"], ["=1+1", 2.5], [None, True], ["http://x", 3]], header=1)])
    (sheet,) = sheets.read(body)
    assert sheet.name == "In puts"
    assert sheet.rows == [["code", "value"], ["=1+1", 2.5], [None, True], ["http://x", 3.0]]
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        page = packed.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in page
    assert b"hyperlink" not in page


def test_merged_cells_are_told():
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet("A")
        page.merge_range("A1:B2", "both")
        page.write(2, 1, 4.5)
    (sheet,) = sheets.read(out.getvalue())
    assert sheet.merged == [(0, 0, 1, 1)]
    assert sheet.rows[0][0] == "both"
    assert sheet.rows[2][1] == 4.5


@pytest.mark.parametrize(
    "body",
    [b"", b"%PDF-1.7 x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", b"{}", b"<html>", b"\0\0\0\0", b"PK\x03\x04broken",
     b'a,"b\n1,2'],
)  # fmt: skip
def test_what_is_no_sheet_is_refused_with_the_reason(body):
    with pytest.raises((BadRequest, UnsupportedMediaType)):
        sheets.read(body)


def test_a_file_that_says_it_is_another_kind_is_refused():
    with pytest.raises(UnsupportedMediaType):
        sheets.read(b"a,b\n", sheets.XLSX)


def test_a_spreadsheet_that_unpacks_without_end_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for n in range(5):
            packed.writestr(f"xl/worksheets/sheet{n}.xml", b"\0" * 90_000_000)
    with pytest.raises(TooLarge):
        sheets.read(out.getvalue())


@given(st.binary(max_size=400))
@settings(max_examples=50)
def test_no_bytes_make_it_stumble(body):
    try:
        sheets.read(body)
        sheets.read(b"PK\x03\x04" + body)
    except HansaError:
        pass


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "＝1"])
def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(text):
    assert sheets.csv_text(text) == f"'{text}"


@pytest.mark.parametrize("value", ["-5", "+49", "plain", "a=b", -5, 1.5, "-3,5 %"])
def test_what_does_not_run_stays_as_it_is(value):
    assert sheets.csv_text(value) == (value if isinstance(value, str) else repr(value))


@pytest.mark.parametrize("far", [(1_048_575, 16_383), (1_048_575, 50), (200_000, 200)])
def test_two_cells_that_are_far_apart_do_not_fill_all_memory(far):
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet("A")
        page.write(0, 0, "here")
        page.write(*far, "there")
    with pytest.raises(TooLarge, match="span"):
        sheets.read(out.getvalue())


def zipped(**more):
    """An XLSX, and whatever else is in it, or instead of something."""
    with zipfile.ZipFile(io.BytesIO(sheets.write([Sheet("A", [["a"]])]))) as packed:
        parts = {one: packed.read(one) for one in packed.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, body in (parts | {name: body for name, body in more.items() if body is not None}).items():
            if more.get(name, b"") is not None:
                made.writestr(name, body)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("content.xml", b"<office/>"),
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("XL/Workbook.xml", b"<workbook/>"),
        ("xl/workbook.xml", None),
        (
            "xl/worksheets/sheet1.xml",
            b'<worksheet><sheetData><row r="1"><c r="&#88;FD1"/></row></sheetData></worksheet>',
        ),
        ("xl/worksheets/sheet1.xml", b'<worksheet><sheetData><row r="9999999999"/></sheetData></worksheet>'),
        ("xl/worksheets/sheet1.xml", b'<sheetData><c s="' + b"x" * 1_000 + b'" r="XFD1048576"></sheetData>'),
    ],
)
def test_what_is_two_things_at_once_or_says_places_in_disguise_is_refused(name, body):
    assert sheets.read(zipped())[0].rows == [["a"]]
    with pytest.raises(BadRequest):
        sheets.read(zipped(**{name: body}))


@pytest.mark.parametrize("cell", ['<c s=">" r="XFD1048576">', "<x:c\nr = 'XFD1048576'/>", '<\u00e9:c r="XFD1048576"/>'])
def test_a_far_cell_is_found_however_it_is_written(cell):
    sheet = f'<worksheet><sheetData><row r="1"><c r="A1"/></row><row>{cell}</row></sheetData></worksheet>'
    with pytest.raises(TooLarge, match="span"):
        sheets.read(zipped(**{"xl/worksheets/sheet1.xml": sheet.encode()}))
