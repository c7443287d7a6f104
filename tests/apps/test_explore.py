"""Plots by their address: read with care, chosen so that they show something, put together where the rows are."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Entity, entity
from hansa.apps.opendata import app
from hansa.apps.opendata.explore import PLOTS, Column, Filter, Spec, pairs, read, said_of
from hansa.apps.opendata.plan import POINTS, planned
from hansa.errors import BadRequest, NotFound, Refusal
from hansa.testing import MemoryCity

COLUMNS = {
    one.name: one
    for one in (
        Column("id", "text", distinct=5),
        Column("time", "time", low="2026-01-01T00:00:00Z", high="2026-04-30T00:00:00Z", distinct=2_900),
        Column("temperature", "number", "°C", -5.0, 25.0, 2_500),
        Column("lon", "number", low=17.0, high=17.1, distinct=5),
        Column("lat", "number", low=48.0, high=48.1, distinct=5),
        Column("open", "boolean", distinct=2),
        Column("geometry", "geometry"),
    )
}


@pytest.fixture(scope="module")
def city():
    """Weather of 6,000 rows and the stations that measured it, released as tables."""
    made = MemoryCity(app, start="2026-04-01T18:00:00Z")
    chance = random.Random(1)
    rows = [
        [f"s{i % 5}", f"2026-0{1 + i // 1500}-{1 + (i // 50) % 28:02d}T{i % 24:02d}:00:00Z",
         round(10 + (i % 5) + chance.gauss(0, 1), 2), 17 + 0.01 * (i % 5), 48 + 0.01 * (i % 5)]
        for i in range(6_000)
    ]  # fmt: skip
    stations = [[f"s{i}", "north" if i < 3 else "south; harbour", 100 + i * 10] for i in range(5)]
    for key, columns, some in (
        ("weather", ["id", "time", "temperature", "lon", "lat"], rows),
        ("stations", ["id", "district", "height"], stations),
    ):
        recipe = {"from": {"kind": "rows", "columns": columns, "rows": some}, "steps": []}
        table = made.acts.tables.cook(made.reader, recipe, None)
        dataset = entity(
            "Dataset", key, status="published", title={"en": key.title(), "ar": "طقس"}, licence="CC_BY_4_0",
            source={"kind": "table"}, table=table.sha256, version=1, rows=table.rows,
            columns=[{"name": "temperature", "unit": "°C"}],
        )  # fmt: skip
        made.say(Entity(dataset.doc, label="open"))
    older = {"from": {"kind": "rows", "columns": ["id", "height"], "rows": [["s0", 5]]}, "steps": []}
    table = made.acts.tables.cook(made.reader, older, None)
    for number, status in ((1, "released"), (2, "candidate")):
        of = {"dataset": "urn:ngsi-ld:Dataset:stations", "sha256": table.sha256, "rows": 1}
        made.say(entity("DatasetRelease", f"stations-{number}", version=number, status=status, **of))
    return made


@pytest.fixture
def plot(city):
    def ask(**said):
        return city.view("explore", said, app="opendata", by="")

    return ask


# ---- what an address says


def test_an_address_says_a_whole_plot_and_is_said_again_as_it_was():
    said = {"d": "weather", "plot": "line", "x": "time", "y": "temperature", "agg": "mean", "bin": "day", "by": "id",
            "f": "temperature>3;name=a;;b|c", "j": "stations", "on": "id", "v": "3,1"}  # fmt: skip
    spec = read(said)
    assert spec.filters == (Filter("temperature", ">", "3"), Filter("name", "=", "a;b|c"))
    assert spec.address() == said
    assert read({"d": "x", "on": "id"}).address() == {"d": "x"}  # nothing is joined


@pytest.mark.parametrize(
    "said",
    [
        {}, {"d": "x", "plot": "pie"}, {"d": "x", "agg": "evil"}, {"d": "x", "f": "nothing"}, {"d": "x", "f": "=3"},
        {"d": "x", "f": ";".join(f"a={n}" for n in range(9))}, {"d": "x" * 2_000},
        {"d": "x", "v": "one"}, {"d": "x", "v": "1,2,3"}, {"d": "x", "v": "9" * 30},
    ],
)  # fmt: skip
def test_what_is_no_plot_is_refused(said):
    with pytest.raises(Refusal):
        read(said)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["a", "b c"]), st.sampled_from(["=", "!=", ">=", "~"]), st.text(max_size=9))))
def test_conditions_are_said_as_they_were_written(conditions):
    filters = tuple(Filter(name, op, value.strip()) for name, op, value in conditions[:6])
    # A condition cannot begin or end where another does, and an operator takes the longest that it can.
    if any(one.value[:1] in {"=", ";"} or one.value.endswith(";") for one in filters):
        return
    assert read(Spec("x", filters=filters).address()).filters == filters


# ---- what is chosen


def test_what_is_left_open_is_chosen_so_that_it_shows_something():
    plan = planned(Spec("x"), COLUMNS, 6_000)
    assert (plan.plot, plan.x.name, plan.y and plan.y.name, plan.agg, plan.bin) == (
        "line", "time", "temperature", "mean", "day"
    )  # fmt: skip
    assert planned(Spec("x", "bar"), COLUMNS, 6_000).x.name == "open"
    assert planned(Spec("x", "hist", "temperature"), COLUMNS, 6_000).bin == 1
    assert planned(Spec("x", "map"), COLUMNS, 6_000).bin is None  # five places
    many = COLUMNS | {"lon": Column("lon", "number", low=17.0, high=17.4, distinct=90_000)}
    assert planned(Spec("x", "map"), many, 1_000_000).bin == pytest.approx(0.01)
    one_text = {"kind": Column("kind", "text", distinct=3)}
    assert (planned(Spec("x"), one_text, 9).plot, planned(Spec("x"), one_text, 9).measured) == ("bar", "count")


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        (Spec("x", x="none"), "x"), (Spec("x", y="none"), "y"), (Spec("x", "line", "id"), "x"),
        (Spec("x", "hist", "id"), "x"), (Spec("x", "scatter", "lon", "id"), "y"), (Spec("x", bin="fortnight"), "bin"),
        (Spec("x", "bar", y="id", agg="sum"), "y"), (Spec("x", "hist", "lon", bin="-1"), "bin"),
        (Spec("x", "bar", "geometry"), "x"),
        (Spec("x", by="none"), "by"), (Spec("x", "map", bin="day"), "bin"),
    ],
)  # fmt: skip
def test_what_cannot_be_plotted_names_what_is_wrong(spec, where):
    with pytest.raises(Refusal) as fault:
        planned(spec, COLUMNS, 6_000)
    assert fault.value.where == where


@settings(max_examples=50)
@given(
    st.sampled_from(["", *PLOTS]),
    *[st.sampled_from(["", *COLUMNS, "none"])] * 3,
    st.sampled_from(["", "day", "2", "x"]),
)
def test_whatever_is_asked_there_is_a_plan_or_a_refusal(plot, x, y, by, bin_):
    try:
        plan = planned(Spec("x", plot, x, y, by=by, bin=bin_), COLUMNS, 1_000_000)
    except Refusal:
        return
    assert plan.plot in PLOTS


def test_tables_are_joined_on_what_both_have():
    other = {"id": COLUMNS["id"], "height": Column("height", "number"), "lon": COLUMNS["lon"]}
    assert said_of(pairs("", COLUMNS, other)) == "id"
    hours = [{"column": "time", "to": "hour"}] * 2
    assert pairs("", COLUMNS, {"time": COLUMNS["time"]}) == [hours]
    assert said_of([hours]) == "time@hour"
    assert said_of(pairs("temperature@5:height@5,id", COLUMNS, other)) == "temperature@5:height@5,id"
    for wrong in ("none", "id@day", "id,id,id,id", "temperature@-1"):
        with pytest.raises(Refusal):
            pairs(wrong, COLUMNS, other)
    with pytest.raises(Refusal):
        pairs("", COLUMNS, {"height": Column("height", "number")})


# ---- what is answered


def test_a_line_is_put_together_day_by_day(plot):
    told = plot(d="weather", lang="ar")
    assert told["spec"] == {"d": "weather", "plot": "line", "x": "time", "y": "temperature", "agg": "mean"}
    assert len(told["rows"]) == 112
    assert told["rows"][0][0] == "2026-01-01T00:00:00Z"
    assert told["axes"]["y"] == {"name": "temperature", "unit": "°C", "agg": "mean", "at": 1}
    assert told["dataset"]["title"] == "طقس"
    by = plot(d="weather", by="id")
    assert sorted(by["series"]) == ["s0", "s1", "s2", "s3", "s4"]
    assert len(by["rows"]) == 5 * 112


def test_bars_are_the_largest_first_and_a_histogram_counts_every_row(plot):
    told = plot(d="weather", plot="bar", x="id")
    assert [row[0] for row in told["rows"]] == ["s4", "s3", "s2", "s1", "s0"]
    spread = plot(d="weather", plot="hist", x="temperature")
    assert sum(row[1] for row in spread["rows"]) == 6_000


def test_conditions_narrow_and_the_steps_follow(plot):
    told = plot(d="weather", f="id=s1|s2;time<2026-01-03")
    assert told["axes"]["x"]["bin"] in {"minute", "hour"}
    assert told["of"] < 6_000
    assert plot(d="weather", f="temperature>99")["rows"] == []
    with pytest.raises(Refusal):
        plot(d="weather", f="temperature>warm")


def test_two_datasets_are_joined(plot):
    told = plot(d="weather", j="stations", plot="bar", x="district")
    assert (told["spec"]["on"], [row[0] for row in told["rows"]]) == ("id", ["south; harbour", "north"])
    same = plot(d="weather", j="stations", plot="bar", x="id", f="district=south;; harbour")
    assert [row[0] for row in same["rows"]] == ["s4", "s3"]
    assert told["joined"]["id"] == "stations"


def test_points_are_a_sample_and_a_map_is_of_places(plot):
    told = plot(d="weather", plot="scatter", x="temperature", y="lat")
    assert (len(told["rows"]), told["sampled"], told["of"]) == (POINTS, True, 6_000)
    places = plot(d="weather", plot="map")
    assert len(places["rows"]) == 5
    assert {row[-1] for row in places["rows"]} == {"s0", "s1", "s2", "s3", "s4"}


def test_a_plot_of_a_release_stays_as_it_is_and_of_no_other_table(plot):
    told = plot(d="stations", plot="bar", x="id", v="1")
    assert (told["rows"], told["of"], told["dataset"]["version"], told["spec"]["v"]) == ([["s0", 5.0]], 1, 1, "1")
    for version in ("2", "3"):  # one that waits for a second person, and none
        with pytest.raises(NotFound):
            plot(d="stations", v=version)


def test_the_same_is_a_file(plot):
    told = plot(d="stations", plot="bar", x="district", y="height", agg="max", form="csv")
    assert told.body.decode().splitlines() == ["district,max of height", "south; harbour,140", "north,120"]
    with pytest.raises(Refusal):
        plot(d="stations", form="exe")


NAMES = ["plot", "x", "y", "agg", "bin", "by", "f", "j", "on"]
VALUES = ["", "time", "temperature", "id", "lon", "bar", "map", "hist", "day", "5", "count", "stations", "id:id",
          "temperature>1", "' OR 1=1 --", "a=b;c"]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES)))
def test_whatever_an_address_says_it_is_a_plot_or_a_refusal(city, said):
    try:
        told = city.view("explore", {"d": "weather", **said}, app="opendata", by="")
    except BadRequest:
        return
    assert len(told["rows"]) <= POINTS
