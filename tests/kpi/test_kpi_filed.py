"""Files of values: YAML and CSV as people write them, and all that can be wrong with them, by line."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kpi_small import document

from hansa import kpi
from hansa.errors import BadRequest

SMALL = kpi.load(document())


def read(text, kind="yaml", **more):
    body = text if isinstance(text, bytes) else text.encode()
    return kpi.read_values(SMALL, body, kind, now_year=2026, **more)


def wrong(text, kind="yaml", **more):
    """The sentences of all that is wrong."""
    with pytest.raises(kpi.BadFile) as said:
        read(text, kind, **more)
    return [str(one) for one in said.value.faults]


# --- YAML ---


@pytest.mark.parametrize(
    "text",
    [
        "A: X: 1C: {value: 80, target: 95}",
        '"A: X: 1C": {value: 80, target: 95}',
        "'A: X: 1C':\n  value: 80\n  target: 95\n",
        "A: X: 1C:\r\n  value: 80.0\r\n  target: 95\r\n",
        "a:x:1c: {value: 8e1, target: 95}",
        "period: 2024\nvalues:\n  A: X: 1C: {value: 80, target: 95}",
        "A: X: 1C: {online: 80, households: 100, target: 95}",
        "A: X: 1C: {value: 80, inputs: {online: 80, households: 100}, target: 95}",
        "inputs: {online: 80, households: 100}\nA: X: 1C: {target: 95}",
        "A: X: 1C:\n  online: {value: 80}\n  households: 100\n  target: 95 # ours",
        '{"A: X: 1C": {"value": 80, "target": 95, "note": "from the census", "status": "verified"}}',
        "\ufeffA: X: 1C: {value: 80, target: 95}",
    ],
)
def test_a_value_and_its_target_are_read_however_they_are_written(text):
    said = read(text).reported["A: X: 1C"]
    assert (dict(said.values), dict(said.targets)) == ({"": 80.0}, {"": 95.0})


@pytest.mark.parametrize(
    "text",
    [
        "B: Z: 1A:\n  points:\n    open.dump: {value: 20, target: 5}\n    2nd: {value: 80}\n",
        "B: Z: 1A: {value: {open.dump: 20, 2nd: 80}, target: {open.dump: 5}}",
        "B: Z: 1A:\n  open.dump: {value: 20, target: 5}\n  2nd: 80\n",
        "B: Z: 1A: {waste: 50, waste_dumped: 10, waste_recycled: 40, target: {Open_Dump: 5}}",
    ],
)
def test_several_data_points_are_said_by_their_keys(text):
    said = read(text).reported["B: Z: 1A"]
    assert (dict(said.values), dict(said.targets)) == ({"open.dump": 20.0, "2nd": 80.0}, {"open.dump": 5.0})


@pytest.mark.parametrize(
    "text",
    [
        "A: X: 1C:",
        "A: X: 1C: {}",
        "A: X: 1C: NR",
        "A: X: 1C: {value: NR}",
        "A: X: 1C: {value: , target: 5}",
        "A: X: 1C: {status: not reported}",
        "",
        "# nothing",
    ],
)
def test_what_is_not_said_is_not_reported(text):
    said = read(text).reported.get("A: X: 1C")
    assert said is None or not any(value is not None for value in said.values.values())


def test_codes_as_u4ssc_writes_them_need_no_quotes():
    text = "EC: ICT: ICT: 1C: {value: 80, target: 95}\nEN: EN: AQ: 1C:\n  points:\n    pm_2.5: {value: 9, target: 5}\n"
    found = kpi.read_values(kpi.framework("u4ssc"), text.encode(), now_year=2026)
    assert found.reported["EC: ICT: ICT: 1C"].values == {"": 80.0}
    assert found.reported["EN: EN: AQ: 1C"].values == {"pm_2.5": 9.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A: X: 9C: {value: 80}", ["line 1", "A: X: 9C", "perhaps", "A: X: 1C"]),
        ("nonsense: 5", ["line 1", "nonsense"]),
        ("\nA: X: 1C: {value: eighty}", ["line 2", "'eighty' stands where a number belongs"]),
        ("A: X: 1C: {value: '56,25'}", ["write 56.25"]),
        ("A: X: 1C: {value: 56,25}", ["'25' stands alone", "with a point"]),
        ("A: X: 1C: {value: 80 %}", ["'80 %' is a number with a unit: write 80"]),
        ("B: Z: 4A: {value: 40 ppm}", ["molar mass"]),
        ("B: Z: 4A: {value: 40, unit: ppm}", ["molar mass", "line 1"]),
        ("B: Z: 4A: {value: 40, unit: km}", ["measure different things"]),
        ("A: X: 1C: {value: .nan}", ["no finite number"]),
        ("A: X: 1C: {value: 1e999}", ["beyond what a number can be"]),
        ("A: X: 1C: {value: true}", ["stands where a number belongs"]),
        ("A: X: 1C: {value: 010:30}", ["stands where a number belongs"]),
        ("A: X: 1C: {value: 2024-01-01}", ["stands where a number belongs"]),
        ("A: X: 1C: {value: 80, target: high}", ["high"]),
        ("A: X: 1C: {vaule: 80}", ["vaule", "perhaps value"]),
        ("A: X: 1C: {onlin: 80}", ["onlin", "online"]),
        ("A: X: 1C: {value: {2nd: 80}}", ["no data point '2nd'"]),
        ("B: Z: 1A: {value: 80, points: {2nd: 5}}", ["no data point ''", "open.dump, 2nd"]),
        ("B: Z: 1A: {points: {third: 5}}", ["third", "open.dump"]),
        ("B: Z: 1A: {points: {2nd: {price: 5}}}", ["price"]),
        ("A: X: 1C: {status: maybe}", ["maybe", "verified"]),
        ("A: X: 1C: {value: 80, status: not reported}", ["not reported, and has a value"]),
        ("A: X: 1C: {value: 140}", ["cannot be above 100"]),
        ("A: X: 1C: {online: 110, households: 100}", ["not more than all households", "line 1"]),
        ("A: X: 1C: {online: 10, households: 0}", ["households is 0"]),
        ("A: X: 1C: {value: 80, online: 70, households: 100}", ["two values for one period"]),
        ("A: X: 1C: {online: 70}\ninputs: {online: 71}", ["line 2", "70 in line 1", "two values"]),
        ("period: 2031\nA: X: 1C: {value: 80}", ["future"]),
        ("period: soon\nA: X: 1C: {value: 80}", ["no period"]),
        ("framework: china\nA: X: 1C: {value: 80}", ["of 'china', not of 'small'"]),
        ("inputs: {onlin: 5}", ["onlin", "perhaps online"]),
        ("inputs: 5", ["inputs is no mapping"]),
        ("A: X: 1C: {inputs: 5}", ["inputs are a mapping"]),
        ("A: X: 1C: {online: {value: 5, colour: red}}", ["colour"]),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_code(text, told):
    sentences = " | ".join(wrong(text))
    for word in told:
        assert word in sentences


def test_everything_wrong_is_told_at_once_and_in_order():
    found = wrong("A: X: 1C: {value: a}\nA: X: 2C: {value: b}\nA: Z: 9C: 4\n")
    assert [one.split(",")[0] for one in found] == ["line 1", "line 2", "line 3"]


def test_what_is_odd_is_a_warning_and_the_rest_is_read():
    found = read("A: X: 1C: {value: 20}\nB: Z: 1A: {value: {open.dump: 50, 2nd: 50}}")
    assert ["who dumps" in one.says for one in found.warnings] == [True]
    assert found.warnings[0].where == "line 1"


def test_a_unit_of_its_own_is_converted():
    assert read("B: Z: 4A: {value: 0.04, target: 0.01, unit: mg/m3}").reported["B: Z: 4A"].values[""] == pytest.approx(
        40
    )
    found = read("A: X: 1C: {value: 0.8, unit: ratio}")
    assert found.reported["A: X: 1C"].values == {"": 80.0}
    kilos = read("B: Z: 1A: {waste: {value: 50000, unit: kg}, waste_dumped: 10}")
    assert kilos.inputs["waste"] == 50
    assert kilos.reported["B: Z: 1A"].values == {"open.dump": 20.0}


def test_yes_and_no_are_numbers_where_the_unit_is_one():
    assert read("A: X: 2C: {value: yes}").reported["A: X: 2C"].values == {"": 1.0}
    assert wrong("A: X: 1C: {value: yes}")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("A: X: 1C: {value: 80", "YAML"),
        ("- 5", "mapping"),
        ("just a text", "mapping"),
        ("a: &x 5\nb: *x", "aliases"),
        ("a: &x [1]", "aliases"),
        ("A: X: 1C: {value: 80}\nA: X: 1C: {value: 81}", "two values for one period"),
        ("A: X: 1C: {value: 80, value: 81}", "two values for one period"),
        ("a: " + "{a: " * 50 + "}" * 50, "deeper"),
        ("[" * 5000, "deeper"),
        ("A: X: 1C: [80]", "list"),
        ("? [a, b]\n: 5", "key"),
        ("a: 5\n---\nb: 6", "YAML"),
        ("\tA: 5", "YAML"),
        (b"A: \xff\xfe", "UTF-8"),
        (b"A: \x00", "zero byte"),
        ("a: \x07", "YAML"),
        (b"#" * 3_000_000, "bytes"),
        ("a: !!python/object/apply:os.system [ls]", "list"),
    ],
)
def test_a_file_that_does_not_read_is_refused_as_a_whole(body, told):
    with pytest.raises(BadRequest) as said:
        read(body)
    assert told in f"{said.value.detail} {said.value.mend}"


def test_codes_may_be_of_several_periods_unless_one_is_chosen():
    text = "A: X: 1C: {value: 80, period: 2023}\nA: X: 2C: {value: 5, period: 2024}\n"
    both = read(text)
    assert (both.period, list(both.reported)) == ("2024", ["A: X: 1C", "A: X: 2C"])
    assert ["2023, 2024" in one.says for one in both.warnings] == [True]
    assert "future" in " ".join(wrong(text.replace("2023", "2999")))
    assert "future" in " ".join(wrong(text + "A: Y: 1C: {value: 5, year: 2999}\n"))
    found = read(text, period="2024")
    assert (found.period, list(found.reported)) == ("2024", ["A: X: 2C"])
    with pytest.raises(BadRequest, match="2022"):
        read(text, period="2022")


# --- CSV ---


@pytest.mark.parametrize(
    "text",
    [
        "code,value,target\nA: X: 1C,80,95\n",
        "Code;Value;Target\r\nA: X: 1C;80;95\r\n",
        "code\tvalue\ttarget\nA: X: 1C\t80\t95\n",
        '"code","value","target"\n"A: X: 1C","80","95"\n',
        "code,point,value,target,status\nA: X: 1C,,80,95,verified\n",
        "code,online,households,target\nA: X: 1C,80,100,95\n",
        "code,input,value,target\nA: X: 1C,online,80,\nA: X: 1C,households,100,\nA: X: 1C,,,95\n",
        "code,input,value,unit,target\n,online,80,household,\n,households,100,,\nA: X: 1C,,,,95\n",
        '\n\ncode,value,target,note\n\nA: X: 1C,80,95,"a, b"\n,,,\n',
        "code,value,target,year\nA: X: 1C,80,95,2024\n",
        "\ufeffcode,value,target\nA: X: 1C,80,95\n",
    ],
)  # fmt: skip
def test_csv_says_the_same(text):
    said = read(text, "csv").reported["A: X: 1C"]
    assert (dict(said.values), dict(said.targets)) == ({"": 80.0}, {"": 95.0})


def test_a_row_of_csv_is_a_data_point():
    text = "code,point,value,target\nB: Z: 1A,open.dump,20,5\nB: Z: 1A,2nd,80,\n"
    said = read(text, "csv").reported["B: Z: 1A"]
    assert (dict(said.values), dict(said.targets)) == ({"open.dump": 20.0, "2nd": 80.0}, {"open.dump": 5.0})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('code,value\nA: X: 1C,"56,25"\n', "line 2, A: X: 1C: '56,25' has a comma: write 56.25"),
        ("code;value\nA: X: 1C;56,25\n", "'56,25' has a comma: write 56.25"),
        ("code;value\nA: X: 1C;1.234,5\n", "write 1234.5"),
        ('code,value\nA: X: 1C,"1,234"\n', "two ways: write 1234 or 1.234"),
        ('code,value\nA: X: 1C,"1 234 567"\n', "write 1234567"),
        ("code,value\nA: X: 1C,80\nA: X: 1C,81\n", "two values for one period"),
        ("code,value\nA: X: 9C,80\n", "perhaps"),
        ("code,value,year\nA: X: 1C,80,2031\n", "future"),
        ("code,value,onlin\nA: X: 1C,80,5\n", "onlin"),
        ("code,value\nA: X: 1C,=1+1\n", "stands where a number belongs"),
        ("code,input,value\nA: X: 1C,onlin,80\n", "onlin"),
        ("code,value\n,80\n", "of no code"),
    ],
)
def test_what_is_wrong_in_csv_is_told_with_its_line(text, told):
    assert told in " | ".join(wrong(text, "csv"))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("name,value\nA,5\n", "no column `code`"),
        ("code,value,value\nA: X: 1C,5,6\n", "twice"),
        ("code,value\nA: X: 1C,56,25\n", "number with a comma"),
        ('code,value\nA: X: 1C,"80\n', "CSV"),
        (b"code,value\nA: X: 1C,\xff\n", "UTF-8"),
        ("code,value,year\nA: X: 1C,80,2023\nA: X: 1C,81,2024\n", "--period"),
    ],
)
def test_a_csv_that_does_not_read_is_refused_as_a_whole(body, told):
    with pytest.raises(BadRequest) as said:
        read(body, "csv")
    assert told in f"{said.value.detail} {said.value.mend}"


def test_a_header_of_very_many_columns_is_read_at_once():
    with pytest.raises(BadRequest, match="stands twice"):
        read("code," + ",".join(f"c{n}" for n in range(200_000)) + ",c7\n", "csv")


def test_a_code_does_not_move_the_cursor_of_whoever_reads_what_is_wrong():
    told = wrong('"A\\e[2J\\u202e": 80\n')
    assert told
    assert all(one.isprintable() for one in told)


def test_one_period_of_several_in_csv_is_chosen():
    found = read("code,value,year\nA: X: 1C,80,2023\nA: X: 1C,81,2024\n", "csv", period="2023")
    assert found.reported["A: X: 1C"].values == {"": 80.0}


PIECES = st.lists(
    st.sampled_from(
        [
            "A: X: 1C",
            "B: Z: 1A",
            *["value", "points", "2nd", "inputs", "code", "target", "period", "unit", "ppm", "80", "2024"],
            *':{},-";#!&* \n\t',
        ]
    ),
    max_size=20,
)


@settings(max_examples=50)
@given(st.one_of(PIECES.map("".join), st.text(max_size=80)), st.sampled_from(["yaml", "csv"]))
def test_whatever_a_file_holds_it_is_read_or_refused(text, kind):
    with suppress(BadRequest):
        read(text.encode("utf-8", "replace"), kind)
