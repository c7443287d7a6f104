"""Tables: separators, times, refusals line by line."""

import pytest

from hansa import clock
from hansa.collect.csv_table import decode, rows
from hansa.errors import BadRequest, TooLarge
from hansa.limits import Limits

AT = "2026-11-22T18:00:00Z"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(("start", "end"), [(b"", "\n"), (b"", "\r\n"), (b"\xef\xbb\xbf", "\r\n")])
def test_a_table_becomes_a_reading_for_each_line(source, now, separator, start, end):
    lines = ["at,temperature,humidity", f"{AT},3.1,81", "2026-11-22T18:10:00Z,-2,", ""]
    table = end.join(lines).replace(",", separator)
    decoded = decode(start + table.encode(), source, now + 600_000_000)
    assert not decoded.refused
    assert [write.tenant for write in decoded.writes] == ["valley", "valley"]
    assert [write.doc["temperature"]["value"] for write in decoded.writes] == [3.1, -2]
    assert "relativeHumidity" not in decoded.writes[1].doc
    assert decoded.writes[0].doc["relativeHumidity"] == {
        "type": "Property",
        "value": 81,
        "unitCode": "P1",
        "observedAt": AT,
    }


@pytest.mark.parametrize("column", ["at", "Time", "observedAt", "timestamp", "DateObserved"])
def test_the_time_is_found_under_its_usual_names(source, now, values, column):
    assert values(decode(f"temperature,{column}\n3,{AT}".encode(), source, now)) == [{"temperature": 3}]


def test_the_profile_names_another_time_column(make_source, now, values):
    source = make_source(time="when")
    assert values(decode(f"when,at,temperature\n{AT},x,3".encode(), source, now)) == [{"temperature": 3}]


def test_quoted_cells_hold_separators_and_quotes(source, now, values):
    table = f'at,note,temperature\n{AT},"wind, ""strong""",3\n'
    assert values(decode(table.encode(), source, now)) == [{"note": 'wind, "strong"', "temperature": 3}]


def test_bad_lines_and_cells_are_refused_with_their_number_and_the_rest_survives(source, now, values, refusals):
    table = f"""at,temperature,humidity,door

{AT},3,81,true
{AT},3
noon,3,81,true
,3,81,true
{AT},850,81,0
{AT},cold,"81,true
{AT},nan,1e400,maybe
2030-01-01T00:00:00Z,3,81,1
{AT},4,82,FALSE"""
    decoded = decode(table.encode(), source, now)
    assert values(decoded) == [
        {"temperature": 3, "relativeHumidity": 81, "doorOpen": True},
        {"relativeHumidity": 81, "doorOpen": False},
        {"temperature": 4, "relativeHumidity": 82, "doorOpen": False},
    ]
    found = refusals(decoded)
    assert [where for where, _ in found] == [
        "line 4",
        "line 5",
        "line 6",
        "line 7, temperature",
        "line 8",
        "line 9, temperature",
        "line 9, humidity",
        "line 9, door",
        "line 10",
    ]
    details = [detail for _, detail in found]
    assert details[0] == "2 cells where the header has 4"
    assert "'noon' is not a date-time" in details[1]
    assert details[2] == "the line says no time"
    assert "not plausible" in details[3]
    assert "not a line of a table" in details[4]
    assert details[5] == "temperature is 'nan', not a number"
    assert "no finite number" in details[6]
    assert details[7] == "doorOpen is text, not true or false"
    assert "ahead of the city's clock" in details[8]
    assert decoded.refused[0].raw == f"{AT},3"


@pytest.mark.parametrize("cell", ["1_000", "0x10", "１", "--1", "1e", "1" * 400, "1,5", "inf", "-Infinity"])
def test_what_python_would_take_for_a_number_and_no_table_means_is_refused(source, now, cell):
    decoded = decode(f"at;humidity\n{AT};{cell}".encode(), source, now)
    assert not decoded.writes
    assert decoded.refused[0].where == "line 2, humidity"


def test_decimal_commas_are_understood_where_the_profile_says_so(make_source, now, values, refusals):
    table = f"at;temperature\n{AT};3,5\n{AT};1.234,5".encode()
    decoded = decode(table, make_source(decimal=","), now)
    assert values(decoded) == [{"temperature": 3.5}]
    assert [where for where, _ in refusals(decoded)] == ["line 3, temperature"]
    refused = decode(table, make_source(), now).refused[0].error
    assert refused.mend == 'if it is a decimal comma, say "decimal": "," in the profile'


def test_what_stands_for_missing_says_nothing(make_source, now, values):
    table = f"at,temperature,humidity,door\n{AT},NA,-9999,true".encode()
    decoded = decode(table, make_source(missing=["NA", -9999]), now)
    assert values(decoded) == [{"doorOpen": True}]
    assert not decoded.refused


def test_a_column_without_a_type_is_a_number_a_truth_or_a_text(source, now, values):
    table = f"at,state\n{AT},7\n{AT},True\n{AT},idle".encode()
    assert values(decode(table, source, now)) == [{"state": 7}, {"state": True}, {"state": "idle"}]


def test_positions_in_a_table_become_locations(source, now, values, refusals):
    decoded = decode(f"at,lat,lon\n{AT},48.1,17\n{AT},,\n{AT},48.1,x\n".encode(), source, now)
    assert values(decoded) == [{"location": {"type": "Point", "coordinates": [17.0, 48.1]}}]
    assert refusals(decoded) == [("line 4", "the longitude is not a number")]


def test_local_times_are_understood_in_the_order_of_the_file(make_source, now):
    source = make_source(zone="Europe/Vienna")
    hours = ["01:00", "02:00", "02:00", "03:00"]
    lines = ["at,temperature", *(f"2026-10-25 {hour},3" for hour in hours), "2026-03-29 02:30,3"]
    found = list(rows(lines, source, now))
    times = [row.write.doc["temperature"]["observedAt"] for row in found if row.write]
    assert times == [f"2026-10-2{day}T{hour}:00:00Z" for day, hour in ((4, 23), (5, "00"), (5, "01"), (5, "02"))]
    assert "did not exist" in found[-1].refused[0].error.detail


def test_rows_reads_line_by_line_and_knows_their_numbers(source, now):
    def lines():
        yield "at,temperature\n"
        for _ in range(3):
            yield f"{AT},3\n"
        raise AssertionError("read too far")

    reader = rows(lines(), source, now)
    assert [next(reader).line for _ in range(3)] == [2, 3, 4]


def test_an_old_file_is_read_under_limits_that_allow_it(source, now):
    lines = ["at,temperature", "1990-01-01T00:00:00Z,3"]
    assert "more than the 10 years" in next(rows(lines, source, now)).refused[0].error.detail
    assert next(rows(lines, source, now, Limits(past_s=1e11))).write is not None


def test_unknown_columns_are_passed_over_refused_or_taken(source, make_source, now, values):
    table = f"at,temperature,rssi\n{AT},3,-80".encode()
    assert values(decode(table, source, now)) == [{"temperature": 3}]
    assert values(decode(table, make_source(others="take"), now)) == [{"temperature": 3, "rssi": -80}]
    with pytest.raises(BadRequest, match="the column 'rssi' is not in the profile"):
        decode(table, make_source(others="refuse"), now)


@pytest.mark.parametrize(
    ("payload", "kind", "message"),
    [
        (b"", BadRequest, "an empty table"),
        (b"\n\n \n", BadRequest, "an empty table"),
        (b"at,temperature\n\xff", BadRequest, "not UTF-8"),
        (b"temperature,humidity\n1,2", BadRequest, "no column holds the time: temperature, humidity"),
        (b"at,pressure\n1,2", BadRequest, "no column is in the profile"),
        (b"at,temperature,temperature\n", BadRequest, "'temperature' is there twice"),
        (b'at,"temperature\n', BadRequest, "not a line of a table"),
        (b" " * 20_000_000, TooLarge, "20,000,000 bytes"),
        (b"at,temperature" + b"\n1,2" * 2_002, TooLarge, "more than 2,000 lines"),
        (b"at," + b"x" * 300_000, TooLarge, "a line of 300,003 characters"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_whole(source, now, payload, kind, message):
    with pytest.raises(kind, match=message):
        decode(payload, source, now)


def test_a_line_that_is_too_long_does_not_stop_the_file(source, now):
    lines = ["at,temperature", "x" * 300_000, f"{AT},3"]
    long, good = rows(lines, source, now)
    assert isinstance(long.refused[0].error, TooLarge)
    assert len(long.refused[0].raw) == 256
    assert good.write is not None
    assert clock.parse(good.write.doc["temperature"]["observedAt"]) < now
