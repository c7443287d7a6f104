"""Tables: made by recipes, asked with data, handed out as files. DuckDB for real, in this process."""

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import sheets
from hansa.errors import BadRequest, HansaError, NotFound, TooLarge
from hansa.platform.tables import cooking
from hansa.platform.tables.direct import DirectTables
from hansa.platform.tables.engine import Engine
from hansa.platform.tables.making import tidy
from hansa.platform.tables.uploaded import rows_of_sheet
from hansa.trust.labels import PUBLIC

ROWS = [
    ["north", "2025-01-01T00:30:00Z", 1.5, 30, "=1+1"],
    ["north", "2025-01-01T01:30:00Z", 2.5, 34, "plain"],
    ["south", "2025-02-01T00:00:00Z", -4.0, 41, None],
    ["south", "2025-02-01T01:00:00Z", None, 78, "-5"],
]
NAMES = ["place", "time", "air", "age", "note"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    made = DirectTables(tmp_path_factory.mktemp("tables"))
    yield made
    made.engine.close()


def make(tables, columns=NAMES, rows=ROWS, steps=()):
    recipe = {"from": {"kind": "rows", "columns": list(columns), "rows": list(rows)}, "steps": list(steps)}
    return tables.cook(None, recipe, None)


@pytest.fixture(scope="module")
def made(tables):
    return make(tables)


def ask(tables, made, **query):
    return tables.ask({"table": made.sha256, **query})["rows"]


def test_a_table_knows_its_columns_and_what_is_in_them(made):
    assert made.rows == 4
    about = {one["name"]: one for one in made.columns}
    assert about["air"] == {
        "name": "air",
        "type": "number",
        "nulls": 1,
        "distinct": 3,
        "low": -4.0,
        "high": 2.5,
        "mean": 0.0,
    }
    assert about["time"]["type"] == "time"
    assert about["time"]["high"] == "2025-02-01T01:00:00Z"
    assert about["age"]["type"] == "integer"
    assert about["note"]["type"] == "text"


def test_the_same_rows_are_the_same_table_and_others_are_another(tables, made):
    assert make(tables).sha256 == made.sha256
    assert make(tables, rows=ROWS[:3]).sha256 != made.sha256


def test_rows_are_filtered_ordered_and_paged(tables, made):
    query = {
        "columns": ["place", "air"],
        "where": [{"column": "air", "op": ">", "value": -9}],
        "order": [["air", "desc"]],
    }
    assert ask(tables, made, **query) == [["north", 2.5], ["north", 1.5], ["south", -4.0]]
    first = tables.ask({"table": made.sha256, **query, "limit": 2})
    assert first["more"]
    assert not tables.ask({"table": made.sha256, **query, "limit": 2, "offset": 2})["more"]


def test_rows_are_grouped_by_spans_and_widths_and_measured(tables, made):
    by_month = ask(
        tables,
        made,
        by=[{"column": "time", "to": "month"}],
        order=["time"],
        measures=[{"of": "air", "as": "mean", "name": "mean"}, {"as": "count", "name": "n"}],
    )
    assert by_month == [["2025-01-01T00:00:00Z", 2.0, 2], ["2025-02-01T00:00:00Z", -4.0, 2]]
    assert ask(tables, made, by=[{"column": "age", "to": 10}], order=["age"]) == [[30.0, 2], [40.0, 1], [70.0, 1]]


def test_two_tables_are_joined_on_columns_or_on_spans(tables, made):
    other = make(tables, ["place", "height"], [["north", 300], ["west", 10]])
    query = {"join": {"table": other.sha256, "on": [["place", "place"]]}, "columns": ["place", "height", "b.place"]}
    assert ask(tables, made, **query) == [["north", 300, "north"], ["north", 300, "north"]]
    left = {"join": {"table": other.sha256, "on": [["place", "place"]], "kind": "left"}, "measures": [{"as": "count"}]}
    assert ask(tables, made, **left) == [[4]]


def test_a_name_may_hold_whatever_sql_means_something_by(tables):
    hostile = ['a"; DROP TABLE x; --', "b?$p0", "c'd", "e\\N"]
    made = make(tables, hostile, [["\\N", "x", 1, True], ["'; --", None, 2, False]])
    found = tables.ask({"table": made.sha256, "where": [{"column": hostile[0], "op": "==", "value": "'; --"}]})
    assert [one["name"] for one in found["columns"]] == hostile
    assert found["rows"] == [["'; --", None, 2, False]]
    assert ask(tables, made, where=[{"column": hostile[0], "op": "==", "value": "\\N"}])


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"columns": ["nothing"]}, "no column"),
        ({"columns": ["air; DROP"]}, "no column"),
        ({"where": [{"column": "air", "op": "~", "value": 1}]}, "compares nothing"),
        ({"where": [{"column": "air", "op": ">", "value": "x"}]}, "numbers"),
        ({"where": [{"column": "time", "op": ">", "value": "yesterday"}]}, "no time"),
        ({"by": [{"column": "place", "to": "day"}]}, "cannot be cut"),
        ({"by": [{"column": "age", "to": 0}]}, "cannot be cut"),
        ({"measures": [{"of": "place", "as": "mean"}]}, "no numbers"),
        ({"measures": [{"of": "air", "as": "exec"}]}, "no measure"),
        ({"by": ["place"], "measures": [{"as": "count", "name": "place"}]}, "two columns"),
        ({"limit": 10_001}, "limit"),
        ({"offset": -1}, "offset"),
        ({"sql": "SELECT 1"}, "has no"),
        ({"join": {"table": "TABLE", "on": []}}, "on which"),
        ({"join": {"table": "TABLE", "on": [["place", "air"]]}}, "one kind"),
        ({"where": [{"column": "air", "op": "==", "value": 1}] * 65}, "are the most"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_the_reason(tables, made, query, why):
    if "join" in query:
        query = {"join": query["join"] | {"table": made.sha256}}
    with pytest.raises((BadRequest, TooLarge), match=why):
        tables.ask({"table": made.sha256, **query})


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", "", "x" * 64])
def test_a_table_that_is_not_there_is_not_found(tables, name):
    with pytest.raises(NotFound):
        tables.ask({"table": name})
    with pytest.raises(NotFound):
        tables.file(name, "parquet")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["join", "where", "by", "measures", "columns", "order", "limit"]), json_values))
@settings(max_examples=50, deadline=None)
def test_whatever_is_asked_is_answered_or_refused(tables, made, query):
    with suppress(HansaError):
        tables.ask({"table": made.sha256, **query})


def test_steps_keep_cut_filter_group_and_rename(tables):
    steps = [
        {"do": "where", "column": "age", "op": "<", "value": 70},
        {"do": "truncate", "column": "time", "to": "month"},
        {"do": "band", "column": "age", "width": 10},
        {"do": "group", "by": ["time", "age"], "measures": [{"as": "count", "name": "n"}]},
        {"do": "rename", "to": {"time": "month"}},
    ]
    made = make(tables, steps=steps)
    assert sorted(ask(tables, made)) == [["2025-01-01T00:00:00Z", "30-39", 2], ["2025-02-01T00:00:00Z", "40-49", 1]]


def test_a_group_of_fewer_than_k_does_not_leave(tables):
    rows = [["a", 1], ["a", 2], ["a", 3], ["b", 4], ["b", 5]]
    by_rows = make(tables, ["g", "x"], rows, [{"do": "suppress", "by": ["g"], "k": 3}])
    assert sorted(ask(tables, by_rows)) == rows[:3]
    counted = [
        {"do": "group", "by": ["g"], "measures": [{"as": "count", "name": "n"}]},
        {"do": "suppress", "count": "n", "k": 3},
    ]
    assert ask(tables, make(tables, ["g", "x"], rows, counted)) == [["a", 3]]
    assert make(tables, ["g", "x"], rows, [{"do": "suppress", "by": ["g"], "k": 4}]).rows == 0


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"do": "exec"},
        {"do": "keep", "columns": ["x"]},
        {"do": "drop", "columns": NAMES},
        {"do": "suppress", "k": 1, "by": []},
        {"do": "round", "column": "note", "to": 1},
        {"do": "band", "column": "age", "width": 0},
        {"do": "keep", "columns": ["air"], "x": 1},
        {"do": "rename", "to": {"air": "age"}},
        {"do": "group", "by": ["place"], "measures": [{"as": "count", "name": "place"}]},
        5,
    ],
)
def test_a_step_that_makes_no_sense_is_refused(tables, step):
    with pytest.raises(BadRequest):
        make(tables, steps=[step])


def test_a_csv_has_times_that_say_their_zone_and_nothing_that_runs(tables, made):
    lines = tables.file(made.sha256, "csv").file.read_text().splitlines()
    assert lines[0] == "place,time,air,age,note"
    assert lines[1] == "north,2025-01-01T00:30:00Z,1.5,30,'=1+1"
    assert lines[4] == "south,2025-02-01T01:00:00Z,,78,-5"


def test_every_form_holds_the_same_rows(tables, made):
    assert tables.file(made.sha256, "parquet").file.read_bytes()[:4] == b"PAR1"
    rows = json.loads(tables.file(made.sha256, "json").file.read_bytes())
    assert rows[3] == {"place": "south", "time": "2025-02-01T01:00:00Z", "air": None, "age": 78, "note": "-5"}
    (sheet,) = sheets.read(tables.file(made.sha256, "xlsx").file.read_bytes())
    assert sheet.rows[1] == ["north", "2025-01-01T00:30:00Z", 1.5, 30.0, "=1+1"]
    with pytest.raises(BadRequest, match="on a map"):
        tables.file(made.sha256, "geojson")
    with pytest.raises(BadRequest, match="no form"):
        tables.file(made.sha256, "exe")


def test_a_table_with_places_is_a_feature_collection(tables):
    made = make(tables, ["id", "lon", "lat", "n"], [["a", 7.5, 60.1, 1], ["b", None, None, 2]])
    found = json.loads(tables.file(made.sha256, "geojson").file.read_bytes())
    assert found["features"][0]["geometry"] == {"type": "Point", "coordinates": [7.5, 60.1]}
    assert found["features"][1]["geometry"] is None
    assert found["features"][0]["properties"] == {"id": "a", "n": 1}


def test_duckdb_sees_nothing_but_its_folder(tables):
    for sql in ("SELECT * FROM read_csv('/etc/passwd')", "INSTALL httpfs", "SET enable_external_access = true"):
        with pytest.raises(Exception, match=r"(?i)disabled|locked|not allow|permission|cannot"):
            tables.engine.db.execute(sql)


def test_other_forms_make_room_and_tables_stay(tables, tmp_path):
    for n, name in enumerate(("a.csv", "b.json", "c.parquet")):
        (tmp_path / name).write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (n, n))
    tidy(tmp_path, 100)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b.json", "c.parquet"]


def test_an_uploaded_csv_gives_numbers_where_all_are_and_codes_their_zeros():
    columns, rows = rows_of_sheet("a;b;c\n1,5;007;x\n2;01;true\n".encode("cp1252"))
    assert columns == ["a", "b", "c"]
    assert list(rows) == [[1.5, "007", "x"], [2, "01", True]]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\n\n", "nothing"),
        (b"a,b\n1,2,3\n", "line 2 has 3"),
        (b'a\n"x\n', "cannot be read"),
    ],
)
def test_an_upload_that_is_no_table_says_which_line_is_wrong(body, why):
    with pytest.raises(BadRequest, match=why):
        list(rows_of_sheet(body)[1])


@pytest.mark.parametrize(
    "recipe",
    [
        None,
        {},
        {"from": {}},
        {"from": {"kind": "rows", "columns": ["a"], "rows": [[1, 2]]}},
        {"from": {"kind": "files"}},
        {"from": {"kind": "rows", "columns": ["a", "a"], "rows": []}},
        {"from": {"kind": "sheet"}},
        {"from": {"kind": "rows"}, "sight": "all"},
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(tables, recipe):
    with pytest.raises(BadRequest):
        cooking.cook(tables.engine, None, recipe, PUBLIC)


def test_nothing_is_left_beside_the_tables(tables, made):
    left = {one.suffix for one in Path(tables.engine.folder).iterdir() if one.is_file()}
    assert left <= {".parquet", ".columns", ".csv", ".json", ".geojson", ".xlsx"}


@pytest.mark.parametrize("name", ["District", "DISTRICT"])
def test_a_column_that_is_dropped_does_not_come_out_under_a_name_that_differs_by_case(tables, name):
    steps = [{"do": "rename", "to": {"person": name}}, {"do": "drop", "columns": [name]}]
    with pytest.raises(BadRequest, match="two columns would be called"):
        make(tables, ["person", "district"], [["Ada", "north"]], steps)
    steps[0]["to"]["person"] = "who"
    steps[1]["columns"] = ["who"]
    found = make(tables, ["person", "district"], [["Ada", "north"]], steps)
    assert tables.ask({"table": found.sha256})["rows"] == [["north"]]


def test_names_that_differ_by_case_alone_are_refused_wherever_columns_are_named(tables, made):
    with pytest.raises(BadRequest, match="two columns"):
        make(tables, ["Name", "name"], [["A", "b"]])
    with pytest.raises(BadRequest, match="two columns"):
        ask(tables, made, by=["place"], measures=[{"as": "count", "name": "Place"}])
    names, rows = rows_of_sheet(b"a 3,A,a\n1,2,3\n")
    assert len({one.casefold() for one in names}) == 3
    assert list(rows) == [[1, 2, 3]]


@pytest.mark.parametrize(
    "query",
    [
        {"where": [{"column": "air", "op": [1], "value": 1}]},
        {"where": [{"column": "air", "op": {}, "value": None}]},
        {"measures": [{"as": [1]}]},
        {"order": [["air", []]]},
        {"where": [{"column": "time", "value": "0001-01-01T00:00:00+14:00"}]},
        {"where": [{"column": "place", "value": "\ud800"}]},
        {"columns": ["\ud800"]},
    ],
)
def test_a_question_of_whatever_json_is_answered_or_refused(tables, made, query):
    with pytest.raises(BadRequest):
        ask(tables, made, **query)


def test_a_number_that_is_none_in_a_sheet_is_nothing_in_the_table(tables):
    names, rows = rows_of_sheet(b"a,b\n1.5,1\n1.0e999,2\n")
    recipe = {"from": {"kind": "rows", "columns": names, "rows": []}}
    assert tables.cook(None, recipe, None).rows == 0
    found = tables.cook(None, {"from": {"kind": "sheet"}}, b"a,b\n1.5,1\n1.0e999,2\n")
    about = {one["name"]: one for one in found.columns}
    assert about["a"]["nulls"] == 1
    assert about["a"]["mean"] == 1.5
    assert next(iter(rows)) == [1.5, 1]


def test_an_answer_is_not_longer_than_the_city_can_hold(tables):
    long = make(tables, ["shape"], [["x" * 100_000 + str(n)] for n in range(200)])
    assert len(ask(tables, long, limit=100)) == 100
    with pytest.raises(TooLarge, match="characters"):
        ask(tables, long, limit=200)


def test_a_wide_table_is_made_with_little_memory_and_remembers_its_columns(tmp_path):
    engine = Engine(tmp_path, memory="64MB", threads=1)
    values = ", ".join(f"i * {n + 1} AS c{n}" for n in range(40))
    made = engine.make(f"(SELECT {values} FROM range(100000) t(i))", {f"c{n}": "integer" for n in range(40)}, [])
    assert [(one["distinct"], one["low"]) for one in made.columns] == [(100_000, 0)] * 40
    engine.close()
    (tmp_path / f"{made.sha256}.columns").write_bytes(b'[{"name": "kept"}]')
    again = Engine(tmp_path, memory="64MB")
    assert again.columns(made.sha256) == [{"name": "kept"}]
    (tmp_path / f"{made.sha256}.columns").write_bytes(b"[{")
    other = Engine(tmp_path, memory="64MB")
    assert len(other.columns(made.sha256)) == 40
    again.close()
    other.close()
