"""What leaves of records about persons: attacked by who knows every total, and by who has the release before."""

import csv
import io
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from opendata_given import STAFF, agreed, body_of, city, proposed, request
from scipy.optimize import linprog

from hansa import Refusal, entity
from hansa.app import File
from hansa.apps.opendata import anonymity, cells
from hansa.apps.opendata.cells import Cell
from hansa.apps.opendata.published import PREFIX
from hansa.testing import MemoryCity

K = 5
REQUESTS = f"{PREFIX}requests-by-month"


def of(counts: dict[tuple[Any, ...], int]) -> dict[tuple[Any, ...], Cell]:
    """Cells that stand for so many."""
    return {key: Cell(n=n, rows=n) for key, n in counts.items()}


def intervals(
    counts: dict[tuple[int, ...], int], shown: set[tuple[int, ...]]
) -> dict[tuple[int, ...], tuple[float, float]]:
    """What somebody finds of each that went who knows all totals of several cells, and that none is below nothing."""
    gone = [key for key in counts if key not in shown]
    rows, totals = [], []
    for axis in range(len(gone[0])):
        for rest in {key[:axis] + key[axis + 1 :] for key in gone}:
            if sum(key[:axis] + key[axis + 1 :] == rest for key in counts) == 1:
                continue  # a total of one cell alone is that cell, and goes with it
            line = [key for key in gone if key[:axis] + key[axis + 1 :] == rest]
            rows.append([1.0 if key in line else 0.0 for key in gone])
            totals.append(float(sum(counts[key] for key in line)))
    found = {}
    for place, key in enumerate(gone):
        cost = np.zeros(len(gone))
        cost[place] = 1.0
        ends = [
            linprog(
                sign * cost,
                A_eq=np.array(rows) if rows else None,
                b_eq=np.array(totals) if rows else None,
                bounds=(0, None),
            )
            for sign in (1, -1)
        ]
        found[key] = (ends[0].fun, -ends[1].fun if ends[1].status == 0 else np.inf)
    return found


GRIDS = st.integers(2, 5).flatmap(
    lambda wide: st.integers(2, 5).flatmap(
        lambda high: st.lists(st.integers(0, 14), min_size=wide * high, max_size=wide * high).map(
            lambda some: {(n % wide, n // wide): value for n, value in enumerate(some) if value}
        )
    )
)


@given(GRIDS)
@settings(max_examples=25, deadline=None)
def test_nobody_who_knows_every_total_works_a_small_cell_out(counts: dict[tuple[int, int], int]) -> None:
    assume(counts)
    try:
        left = anonymity.guarded(of(counts), K)
    except Refusal:
        return
    assert all(counts[key] >= K for key in left.shown)
    gone = set(counts) - set(left.shown)
    assert {key for key, n in counts.items() if n < K} <= gone
    if not gone:
        return
    for key, (low, high) in intervals(counts, set(left.shown)).items():
        if any(sum(other[axis] == key[axis] for other in counts) == 1 for axis in (0, 1)):
            continue  # a total that is one cell alone is that cell: docs/open-data.md
        assert high - low >= 1 - 1e-6, (key, low, high)


def test_a_cell_whose_line_went_whole_takes_what_it_hangs_together_with() -> None:
    counts = {(0, 0): 1, (2, 0): 1, (3, 0): 1, (1, 1): 5, (2, 1): 1, (3, 1): 4, (6, 6): 9}
    left = anonymity.guarded(of(counts), K)
    assert left.shown == ((6, 6),)
    low, high = intervals(counts, set(left.shown))[0, 0]
    assert high - low >= 1
    assert intervals(counts, {(1, 1), (6, 6)})[0, 0] == pytest.approx((1.0, 1.0))  # with one more it was read off


def test_a_cell_that_sums_would_give_back_takes_others_with_it() -> None:
    counts = {(x, y): 10 for x in range(4) for y in range(4)} | {(1, 1): 2}
    left = anonymity.guarded(of(counts), K)
    assert left.report["small"] == 1
    assert left.report["complementary"] == 3  # a rectangle: with fewer, a row or a column gives it back
    assert all(high - low > 1 for low, high in intervals(counts, set(left.shown)).values())
    plain = set(counts) - {(1, 1)}
    assert intervals(counts, plain)[1, 1] == (2.0, 2.0)  # without them it is there to be read


def test_two_cycles_that_one_cell_joins_do_not_give_it_back() -> None:
    """Each line has two that went, and yet sums of totals hold the one between: what lines alone would let through."""
    went = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2), (2, 3), (3, 2), (3, 3)]
    counts = {(x, y): 20 for x in range(4) for y in range(4)} | dict.fromkeys(went, 3)
    assert intervals(counts, set(counts) - set(went))[1, 2] == pytest.approx((3.0, 3.0))
    left = anonymity.guarded(of(counts), K)
    low, high = intervals(counts, set(left.shown))[1, 2]
    assert high - low >= 1


def test_a_dataset_of_one_person_is_refused() -> None:
    with pytest.raises(Refusal, match="nothing is left"):
        anonymity.guarded(of({("a", "b"): 1}), K)
    many = [{"service": "lamp", "by": "ada"} for _ in range(100)]
    with pytest.raises(Refusal, match="nothing is left"):
        anonymity.guarded(cells.counted(many, ["service"], person="by"), K)


INCOME = [
    {"as": "count", "name": "n"},
    {"as": "sum", "of": "income", "name": "total"},
    {"as": "mean", "of": "income", "name": "mean"},
]


def earning(*said: tuple[str, float | None]) -> dict[Any, Cell]:
    records = [{"district": "north", "who": who, "income": income} for who, income in said]
    return cells.counted(records, ["district"], INCOME, "who")


def test_a_sum_and_a_mean_of_one_column_count_each_value_once() -> None:
    found = earning(*[(f"p{n}", 10.0) for n in range(6)])
    assert cells.said(found["north",], INCOME) == [6, 60.0, 10.0]
    assert anonymity.guarded(found, K).shown == (("north",),)


@pytest.mark.parametrize(
    "said",
    [
        [*[(f"p{n}", None) for n in range(10)], ("ada", 50.0), ("bob", 50.0)],  # twelve persons, and two of them say it
        [*[(f"p{n}", 1.0) for n in range(5)], *[("ada", 100.0)] * 6],  # no record is much, and one person is all
        [*[(f"p{n}", 0.0) for n in range(5)], ("ada", 7.0), ("bob", -7.0)],
    ],
)
def test_a_sum_stands_for_as_many_persons_as_its_cell(said: list[tuple[str, float | None]]) -> None:
    with pytest.raises(Refusal, match="nothing is left"):
        anonymity.guarded(earning(*said), K)


def test_a_sum_that_one_makes_nearly_alone_is_nobodys() -> None:
    rich = [{"street": "a", "income": 1_000_000.0}] + [{"street": "a", "income": 1_000.0} for _ in range(20)]
    plain = [{"street": street, "income": 900.0 + n} for street in "bcd" for n in range(20)]
    measures = [{"as": "count", "name": "n"}, {"as": "sum", "of": "income"}]
    left = anonymity.guarded(cells.counted(rich + plain, ["street"], measures), K)
    assert ("a",) not in left.shown
    assert left.shown


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 20), min_size=1), min_size=2, max_size=6))
@settings(max_examples=50, deadline=None)
def test_between_any_two_releases_a_cell_moves_by_nobody_or_by_k(states: list[dict[str, int]]) -> None:
    told: dict[tuple[Any, ...], int] = {}
    history: list[dict[tuple[Any, ...], int]] = []
    for state in states:
        counts = {(key,): n for key, n in state.items() if n}
        try:
            left = anonymity.guarded(of(counts), K, told)
        except Refusal:
            continue
        told = {key: counts[key] for key in left.shown} | {key: told[key] for key in left.held}
        assert all(n >= K for n in told.values())
        if history:
            before = history[-1]
            assert all(told[key] == before[key] or abs(told[key] - before[key]) >= K for key in told if key in before)
        history.append(told)


def test_steps_make_values_coarser_and_let_go_of_what_they_cannot() -> None:
    records = [{"age": 37, "at": "2026-03-29T23:30:00Z", "x": 1.26}, {"age": None, "at": "no", "x": True}]
    steps = [
        {"do": "band", "column": "age", "width": 10},
        {"do": "truncate", "column": "at", "to": "month"},
        {"do": "round", "column": "x", "to": 0.5},
    ]
    assert cells.stepped(records, steps) == [
        {"age": "30-39", "at": "2026-03", "x": 1.0},
        {"age": None, "at": None, "x": None},
    ]
    assert cells.period("2026-03-31T23:30:00Z", "month", "Europe/Vienna") == "2026-04"
    assert [cells.period("2026-01-01T12:00:00Z", to) for to in ("week", "quarter", "year", "day", "hour")] == [
        "2026-W01",
        "2026-Q1",
        "2026",
        "2026-01-01",
        "2026-01-01T12",
    ]
    for bad in (
        {"do": "band", "column": "age", "width": 0},
        {"do": "round", "column": "x"},
        {"do": "sql"},
        {"do": "where", "column": "x", "op": "~"},
    ):
        with pytest.raises(Refusal):
            cells.stepped(records, [bad])
    kept = cells.stepped(
        records,
        [
            {"do": "where", "column": "age", "op": ">=", "value": 30},
            {"do": "rename", "to": {"age": "years"}},
            {"do": "keep", "columns": ["years"]},
        ],
    )
    assert kept == [{"years": 37}]


def test_what_hangs_together_is_found_as_linear_algebra_finds_it() -> None:
    draw = np.random.default_rng(5)
    for _ in range(60):
        many = int(draw.integers(2, 25))
        lines = [
            sorted(draw.choice(many, size=int(draw.integers(1, min(many, 5) + 1)), replace=False))
            for _ in range(int(draw.integers(1, many)))
        ]
        matrix = np.zeros((len(lines), many))
        for row, line in enumerate(lines):
            matrix[row, line] = 1.0
        _, values, right = np.linalg.svd(matrix)
        moves = right[int((values > 1e-9).sum()) :]
        expected = (np.abs(moves).max(axis=0) > 1e-7) if len(moves) else np.zeros(many, dtype=bool)
        assert anonymity._movable(lines, many) == list(expected)


# ---- Through the acts


def residents(
    here: MemoryCity, counts: dict[tuple[str, str], int], at: str = "2026-03-10T10:00:00Z", first: int = 0
) -> None:
    """Requests of residents: so many of each service and district."""
    n = first
    for (service, district), many in counts.items():
        for _ in range(many):
            here.say(request(n, service, district, at))
            n += 1


def table(here: MemoryCity, key: str = "requests-by-month") -> dict[tuple[str, str], int]:
    """What everybody can read."""
    text = body_of(here.ask("GET", f"/data/{key}.csv")).decode("utf-8-sig")
    return {(row["service"], row["district"]): int(row["requests"]) for row in csv.DictReader(io.StringIO(text))}


def test_requests_leave_as_counts_that_stand_for_five_and_never_as_records() -> None:
    here = city()
    counts = {
        ("lamp", "north"): 9,
        ("lamp", "south"): 2,
        ("bin", "north"): 12,
        ("bin", "south"): 8,
        ("tree", "north"): 7,
        ("tree", "south"): 6,
    }
    residents(here, counts)
    residents(here, {("lamp", "south"): 50}, at="2026-04-05T10:00:00Z", first=500)  # the month that is not over
    one = proposed(here, "requests-by-month", proposal="requests-by-month")
    check = one["candidate"]["check"]
    assert check["small"] == 1
    assert check["complementary"] >= 1
    assert not any(
        "ServiceRequest" in str(it["recipe"].get("from", {}).get("kind")) or it["recipe"]["from"]["kind"] != "rows"
        for it in here.find("Table")
    )
    agreed(here, one.id)
    told = table(here)
    assert ("lamp", "south") not in told
    assert all(counts[key] == n >= 5 for key, n in told.items())
    assert here.get(one.id)["guard"]["k"] == 5
    assert here.get("urn:ngsi-ld:DatasetRelease:requests-by-month-1")["check"]["smallest"] >= 5
    assert b"r0" not in here.ask("GET", "/data/requests-by-month.ttl").body


def test_a_second_release_gives_no_small_difference() -> None:
    here = city()
    residents(here, {("lamp", "north"): 9, ("bin", "north"): 12})
    agreed(here, proposed(here, "requests-by-month", proposal="requests-by-month").id)
    residents(here, {("lamp", "north"): 1, ("bin", "north"): 6}, first=100)
    here.act("release", REQUESTS, **STAFF)
    assert table(here) == {("lamp", "north"): 9, ("bin", "north"): 18}
    residents(here, {("lamp", "north"): 4}, first=200)
    here.act("release", REQUESTS, **STAFF)
    assert table(here)["lamp", "north"] == 14


def test_a_count_of_few_is_refused_whoever_approves() -> None:
    here = city()
    residents(here, {("lamp", "north"): 1})
    one = proposed(here, "requests-by-month", proposal="requests-by-month")
    assert one["candidate"]["status"] == "failed"
    assert "fewer than 5" in one["candidate"]["fault"]
    with pytest.raises(Refusal, match="fewer than 5"):
        here.act("approve", one.id, sha256="0" * 64, by="person:bob", **STAFF)


def test_the_citys_own_k_holds() -> None:
    here = city(settings={"opendata": {"k": 10}})
    residents(here, {("lamp", "north"): 9, ("bin", "north"): 12, ("tree", "north"): 30, ("bench", "north"): 31})
    one = proposed(here, "requests-by-month", proposal="requests-by-month")
    assert one["candidate"]["check"]["k"] == 10
    agreed(here, one.id)
    assert min(table(here).values()) >= 10


def sheet(text: str, name: str = "people.csv") -> File:
    """A sheet as staff send it."""
    from hashlib import sha256

    body = text.encode()
    return File(name, body, "text/csv", sha256(body).hexdigest(), len(body))


def people(rows: list[tuple[str, int, str]]) -> str:
    """A sheet of persons: district, age, illness."""
    return "person,district,age,illness\n" + "".join(f"p{n},{d},{a},{i}\n" for n, (d, a, i) in enumerate(rows))


GUARD = {"kind": "rows", "by": ["district", "age"], "k": 5, "sensitive": "illness", "l": 2, "person": "person"}
STEPS = [{"do": "band", "column": "age", "width": 20}]


def uploaded(here: MemoryCity, text: str, guard: dict[str, Any], steps: list[dict[str, Any]]) -> Any:
    """A sheet that was uploaded and proposed."""
    here.act("inventory", key="people", title="People", **STAFF)
    words = {
        "description": "d",
        "publisher": "C",
        "contact": {"email": "a@b.example"},
        "licence": "CC0",
        "themes": ["SOCI"],
    }
    here.act("describe", f"{PREFIX}people", **words, **STAFF)
    here.act("upload", f"{PREFIX}people", files=[sheet(text)], guard=guard, steps=steps, **STAFF)
    return here.get(f"{PREFIX}people")


def test_records_of_persons_leave_in_groups_of_five_with_different_illnesses() -> None:
    here = city()
    rows = [("north", 21 + n, "flu" if n % 2 else "cold") for n in range(8)] + [("south", 44, "rare")]
    one = uploaded(here, people(rows), GUARD, STEPS)
    assert one["candidate"]["status"] == "made", one["candidate"]
    check = one["candidate"]["check"]
    assert (check["reached"], check["kinds"], check["suppressed"], check["ok"]) == (8, 2, 1, True)
    agreed(here, one.id)
    text = body_of(here.ask("GET", "/data/people.csv")).decode("utf-8-sig")
    told = list(csv.DictReader(io.StringIO(text)))
    assert "person" not in told[0]
    assert Counter((row["district"], row["age"]) for row in told) == {("north", "20-39"): 8}
    assert "rare" not in text


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("north", 25, "flu")] * 9, "different values"),
        ([("north", 25, "flu"), ("south", 60, "cold")], "nothing is left"),
    ],
)
def test_a_group_that_says_it_of_everybody_is_refused(rows: list[tuple[str, int, str]], says: str) -> None:
    one = uploaded(city(), people(rows), GUARD, STEPS)
    assert one["candidate"]["status"] == "failed"
    assert says in one["candidate"]["fault"]


def test_a_column_that_nobody_declared_keeps_the_whole_from_leaving() -> None:
    rows = people([("north", 21 + n, "flu" if n % 2 else "cold") for n in range(8)])
    text = (
        "\n".join(f"{line},{'street' if n == 0 else f'Lane {n % 4}'}" for n, line in enumerate(rows.splitlines()))
        + "\n"
    )
    one = uploaded(city(), text, GUARD, STEPS)
    assert one["candidate"]["status"] == "failed"
    assert "street is neither" in one["candidate"]["fault"]
    declared = uploaded(city(), text, GUARD | {"others": ["street"]}, STEPS)
    assert declared["candidate"]["status"] == "made"


def test_a_column_that_tells_persons_apart_is_no_other_column() -> None:
    rows = "".join(f"north,{'ab'[n % 2]},p{n}@city.example,{n % 3}\n" for n in range(12))
    guard = {"kind": "rows", "by": ["district"], "k": 5, "sensitive": "illness", "l": 2, "others": ["mail", "visits"]}
    here = city()
    one = uploaded(here, "district,illness,mail,visits\n" + rows, guard, [])
    assert one["candidate"]["status"] == "failed"
    assert "mail has another value in nearly every row" in one["candidate"]["fault"]
    here = city()
    one = uploaded(here, "district,illness,mail,visits\n" + rows, guard, [{"do": "drop", "columns": ["mail"]}])
    assert one["candidate"]["status"] == "made"


def test_many_records_of_one_person_are_one_person() -> None:
    text = "person,district,age,illness\n" + "".join(
        f"p{n % 2},north,30,{'flu' if n % 2 else 'cold'}\n" for n in range(40)
    )
    one = uploaded(city(), text, GUARD, STEPS)
    assert "persons" in one["candidate"]["fault"]


def test_an_uploaded_sheet_of_no_person_becomes_a_dataset_and_its_next_edition_a_release() -> None:
    here = city()
    one = uploaded(here, "bench,year\n1,2001\n2,2002\n", {"kind": "none"}, [])
    agreed(here, one.id)
    here.act("upload", one.id, files=[sheet("bench,year\n1,2001\n2,2002\n3,2003\n", "next.csv")], **STAFF)
    assert here.get(one.id)["rows"] == 3
    with pytest.raises(Refusal, match="missing"):
        here.act("upload", one.id, **STAFF)


def test_what_is_labelled_personal_is_counted_and_never_released_as_it_is() -> None:
    here = city()
    for n in range(12):
        it = entity("Tree", f"t{n}", kind="oak" if n < 6 else "elm", owner=f"person {n}")
        it.label = "personal;owner=parks"
        here.say(it)
    plan = {"source": {"kind": "entities", "type": "Tree", "attributes": ["kind", "owner"]}}
    assert proposed(here, "trees", **plan, guard={"kind": "open"})["candidate"]["status"] == "failed"
    one = proposed(
        here, "oaks", **plan, guard={"kind": "cells", "by": ["kind"], "measures": [{"as": "count", "name": "n"}]}
    )
    assert one["candidate"]["rows"] == 2
    assert proposed(here, "owners", **plan, guard={"kind": "cells", "by": ["owner"]})["candidate"]["status"] == "failed"
