"""What a card is shown as: files, views for staff and for anybody, doors; nothing leaves that was not published."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pyld import jsonld
from scorecards import enter, pack, small_city

from hansa import Forbidden, NotFound, Refusal, entity, kpi
from hansa.apps.scorecard import card, export, method, nouns, pdf, views_card
from hansa.testing import MemoryCity


@pytest.fixture
def city() -> Iterator[MemoryCity]:
    """2024: 60 of 100 households; 2025: 80, with a target of 100 by 2030."""
    with small_city().closing() as made:
        for period, online in (("2024", 60), ("2025", 80)):
            enter(made, "households", 100, period)
            enter(made, "online", online, period)
        made.act("target", framework="small", code="S: 1", target=100, year=2030, reason="the council of 2025")
        yield made


def publish(city: MemoryCity, period: str = "2025") -> None:
    city.act("publish", framework="small", period=period, roles=("supervisor",))


def report(city: MemoryCity, form: str) -> bytes:
    return bytes(city.view("report", {"framework": "small", "form": form}).body)


def told(name: str = "A small framework", **said: Any) -> dict[str, Any]:
    """A card of one number, of a framework with this name."""
    doc = pack()
    doc["name"] = name
    doc["indicators"][0]["name"] = said.get("indicator", "Online")
    one = {"framework": "small", "code": "S: 1", "area": "city", "period": "2025", "status": "verified"}
    points = [{"key": "", "value": 80.0, "target": 100.0, "year": 2030}]
    rows = [card.row(entity("KeyPerformanceIndicator", "1", **one, points=points))]
    return card.made(kpi.load(doc), rows, "2025")


# ---- files


def test_the_csv_has_a_line_for_each_data_point_with_what_it_is_worth(city: MemoryCity) -> None:
    lines = list(csv.DictReader(io.StringIO(report(city, "csv").decode())))
    assert [one["code"] for one in lines] == ["S: 1", "S: 2", "S: 3", "S: 4", "S: 4"]
    assert [one["data_point"] for one in lines[3:]] == ["pm10", "no2"]
    first = lines[0]
    assert (first["value"], first["unit"], first["target"], first["points"], first["band"]) == (
        "80.0", "%", "100.0", "3", "66-95",
    )  # fmt: skip
    assert (lines[1]["value"], lines[1]["status"], lines[1]["why_not_scored"]) == ("", "not reported", "not reported")


def test_no_cell_of_the_csv_is_run_by_a_spreadsheet() -> None:
    """A framework of one's own is a text that somebody sent."""
    lines = list(csv.reader(io.StringIO(export.table(told(indicator='=HYPERLINK("http://x")')).decode())))
    names = [one[7] for one in lines]
    assert not any(name.startswith(("=", "+", "-", "@", "\t", "\r")) for name in names)
    assert any("HYPERLINK" in name for name in names)


def test_the_json_ld_is_of_smart_data_models_and_needs_nobody_to_be_read(city: MemoryCity) -> None:
    document = json.loads(report(city, "jsonld"))

    def nobody(url: str, _options: Any) -> Any:
        raise AssertionError(f"it asks {url}")

    expanded = jsonld.expand(document, {"documentLoader": nobody})
    model = "https://smartdatamodels.org/dataModel.KeyPerformanceIndicator/"
    kpis = [one for one in expanded if f"{model}KeyPerformanceIndicator" in one["@type"]]
    assert len(kpis) == 4
    first = next(one for one in kpis if one["https://hansa.city/terms/code"][0]["@value"] == "S: 1")
    assert first["@id"] == nouns.indicator_id("small", "S: 1", "city", "2025")
    assert first[f"{model}kpiValue"][0]["@value"] == 80.0
    assert first[f"{model}currentStanding"][0]["@value"] == "good"
    assert first[f"{model}calculationFrequency"][0]["@value"] == "yearly"
    assert first[f"{model}calculationFormula"][0]["@value"] == "100 × online ÷ households"
    assert first["https://hansa.city/terms/path"][0]["@list"][0]["@value"] == "Small"
    # Every term is in the context: nothing is lost in reading it.
    assert not re.search(r'"(?!@|https?:)[A-Za-z]+":', json.dumps(expanded))
    unsaid = next(one for one in kpis if one["https://hansa.city/terms/code"][0]["@value"] == "S: 3")
    assert f"{model}kpiValue" not in unsaid
    assert unsaid["https://hansa.city/terms/status"][0]["@value"] == "not reported"


@pytest.mark.parametrize(("step", "word"), [(1, "veryBad"), (4, "veryGood"), (None, None), (5, None)])
def test_a_band_is_a_standing_of_the_model(step: int | None, word: str | None) -> None:
    assert export.standing(step) == word


def test_the_pdf_is_tagged_has_bookmarks_and_is_the_same_each_time(city: MemoryCity) -> None:
    body = report(city, "pdf")
    assert body.startswith(b"%PDF-")
    assert body == report(city, "pdf")
    for sign in (
        b"/StructTreeRoot",
        b"/MarkInfo",
        b"/Lang",
        b"/S /H1",
        b"/S /Table",
        b"/S /TH",
        b"/S /Figure",
        b"/Alt",
    ):
        assert sign in body, sign
    assert b"/Outlines" in body
    assert b"/FontFile2" in body  # the font is in it
    # Every mark on a page is one of the tree, and every page says which are its own.
    marks = [int(one) for one in re.findall(rb"/MCID (\d+)", body)]
    assert len(marks) > 60
    pages = len(re.findall(rb"/Type /Page\b", body))
    assert len(re.findall(rb"/StructParents \d+", body)) == pages
    sheet = report(city, "sheet")
    assert len(re.findall(rb"/Type /Page\b", sheet)) < pages


def test_the_pdf_takes_whatever_somebody_called_a_thing() -> None:
    name = "<b>&amp; 都市 " + "long " * 50 + "\x00"
    made = told(name, indicator=name)
    body = pdf.pdf(
        made, card.pictures(made), city="<script>", gaps=[], missing=[{"holder": name, "indicators": []}], foot=name
    )
    assert body.startswith(b"%PDF-")
    assert pdf.shown("都A") in {"□A", "都A"}


@pytest.mark.parametrize("many", [0, 1, 7, 40])
def test_the_paper_comes_to_an_end_wherever_its_headings_fall(many: int) -> None:
    """Keeping a heading with its table had reportlab go round for ever, on some cards."""
    framework = kpi.framework("u4ssc")
    codes = list(framework.indicators)[:many]
    said = {"framework": "u4ssc", "area": "city", "period": "2025", "status": "reported"}
    rows = [
        card.row(
            entity("KeyPerformanceIndicator", str(n), **said, code=code, fault="odd " * n, points=[
                {"key": key, "value": 1.0 + n, "target": 9.0, "year": 2030} for key in framework.indicators[code].points
            ])
        )
        for n, code in enumerate(codes)
    ]  # fmt: skip
    body = views_card.filed(framework, rows, "2025", "city", "pdf", "Orlava", foot="x").body
    assert 5 < len(re.findall(rb"/Type /Page\b", body)) < 40


def test_the_method_of_a_number_is_a_text_of_its_own() -> None:
    framework = kpi.load(pack())
    said = export.worded(method.account(framework, [], "S: 1", "2025"), framework.name, "2025")
    assert said.startswith("# Indicator S: 1 (S: 1)")
    assert "Formula: `100 × online ÷ households`" in said
    assert "households in the city (`households`): not reported" in said


# ---- views of staff


def test_the_card_of_the_last_period_with_its_course_and_what_is_missing(city: MemoryCity) -> None:
    found = city.view("card", {"framework": "small"})
    assert (found["card"]["period"], found["periods"], found["public"]) == ("2025", ["2024", "2025"], False)
    assert found["card"]["whole"]["percent"] == 75.0
    assert [one["nodes"][""]["percent"] for one in found["trends"]] == [50.0, 75.0]
    assert [(one["code"], one["by"], one["yearly_change"]) for one in found["gaps"]] == [("S: 1", 2030, 4.0)]
    assert [len(one["indicators"]) for one in found["missing"]] == [3]
    assert set(found["pictures"]["radars"]) == {"Small"}
    earlier = city.view("card", {"framework": "small", "period": "2024"})
    assert earlier["card"]["whole"]["percent"] == 50.0
    assert city.view("card", {})["card"]["framework"]["id"] == "small"


@pytest.mark.parametrize(
    ("view", "asked"),
    [
        ("card", {"framework": "none-such"}),
        ("card", {"framework": "small", "period": "next"}),
        ("card", {"framework": "../etc"}),
        ("method", {"framework": "small", "code": "S: 99"}),
        ("method", {"framework": "small"}),
        ("loop", {"framework": "small", "years": "99"}),
        ("report", {"framework": "small", "form": "docx"}),
    ],
)
def test_what_cannot_be_asked_is_said(city: MemoryCity, view: str, asked: dict[str, str]) -> None:
    with pytest.raises((Refusal, NotFound)):
        city.view(view, asked)


def test_a_city_without_a_framework_says_so() -> None:
    from hansa.apps.scorecard import app

    with (
        MemoryCity(app, start="2026-04-11T12:00:00Z").closing() as empty,
        pytest.raises(NotFound, match="no framework"),
    ):
        empty.view("card", {})


@pytest.mark.parametrize("name", kpi.frameworks())
def test_every_framework_that_ships_has_a_card_before_anything_is_reported(name: str) -> None:
    framework = kpi.framework(name)
    made = card.made(framework, [], "2025")
    assert (made["counts"]["came"], made["whole"]["percent"]) == (0, None)
    assert {one["name"] for one in made["nodes"]} == set(card.pictures(made)["radars"])
    lines = list(csv.DictReader(io.StringIO(export.table(made).decode())))
    assert {one["code"] for one in lines} == set(framework.indicators)
    missing = {it["code"] for one in card.missing(made) for it in one["indicators"]}
    assert missing == set(framework.indicators)


def test_what_would_help_takes_the_bank_and_the_plan(city: MemoryCity) -> None:
    effects = [{"framework": "small", "code": "S: 1", "change": 20, "unit": "%", "perYears": 2, "evidence": "measured"}]
    cost = {"capital": 1_000_000, "yearly": 0, "currency": "EUR"}
    city.say(
        entity("Solution", "net", name="Fibre", status="listed", effects=effects, cost=cost),
        entity("Measure", "wifi", name="Wi-Fi", status="approved", effects=effects, reviewAt="2027-01-31"),
        entity("Measure", "odd", name=7, status="approved", effects="none"),
    )
    found = city.view("loop", {"framework": "small"})
    assert [(one["name"], one["kind"], one["review"]) for one in found["helps"]] == [
        ("Fibre", "solution", "2027-04-11"),
        ("Wi-Fi", "measure", "2027-01-31"),
    ]
    assert (found["helps"][0]["gain"]["percent"], found["helps"][0]["per_price"]) == (25.0, 25.0)
    assert found["gaps"][0]["gap"] == 20.0


def test_staff_see_the_evidence_and_inputs_of_what_could_not_be_computed(city: MemoryCity) -> None:
    found = city.view("method", {"framework": "small", "code": "S: 1", "period": "2025"})
    one = found["account"]["inputs"][0]
    assert (one["evidence"], one["by"], one["status"]) == ({"text": "a letter"}, "person:ada", "reported")
    enter(city, "population", 25_000)
    lacking = city.view("method", {"framework": "small", "code": "S: 3", "period": "2025"})["account"]
    assert [(it["input"], it["value"]) for it in lacking["inputs"]] == [("beds", None), ("population", 25_000.0)]
    assert (lacking["missing"], lacking["points"][0]["put_in"]) == (["beds"], "")


# ---- anybody


def test_a_stranger_sees_what_was_published_and_nothing_of_the_rest(city: MemoryCity) -> None:
    assert city.view("public_cards", by="")["cards"] == []
    with pytest.raises(NotFound):
        city.view("public_card", {"framework": "small"}, by="")
    publish(city)
    ((one,),) = [city.view("public_cards", by="")["cards"]]
    assert (one["id"], one["periods"]) == ("small", ["2025"])
    found = city.view("public_card", {"framework": "small"}, by="")
    assert (found["card"]["whole"]["percent"], found["periods"]) == (75.0, ["2025"])
    assert len(found["trends"]) == 1
    with pytest.raises(NotFound, match="2024"):
        city.view("public_card", {"framework": "small", "period": "2024"}, by="")
    account = city.view("public_method", {"framework": "small", "code": "S: 1"}, by="")
    assert account["account"]["points"][0]["put_in"] == "100 × 80 / 100 = 80 %"
    assert "person:" not in json.dumps(account)
    assert account["courses"][0]["values"] == [{"year": 2025, "value": 80.0}]


def test_a_stranger_asks_nothing_that_is_for_staff(city: MemoryCity) -> None:
    publish(city)
    for view in ("card", "method", "loop", "report"):
        with pytest.raises(Forbidden):
            city.view(view, {"framework": "small", "code": "S: 1"}, by="person:eve", roles=("resident",))


def test_published_cards_have_addresses_that_stay(city: MemoryCity) -> None:
    with pytest.raises(NotFound):
        city.ask("GET", "/kpi/small.csv")
    publish(city)
    table = city.ask("GET", "/kpi/small.csv?period=2025")
    assert table.body.startswith(b"framework,period")
    assert json.loads(city.ask("GET", "/kpi/small.jsonld").body)["@graph"][0]["type"] == "Scorecard"
    assert city.ask("GET", "/kpi/small.pdf").body.startswith(b"%PDF-")
    for path in ("/kpi/small.exe", "/kpi/none.csv", "/kpi/small.csv?period=2024", "/kpi/small"):
        with pytest.raises(NotFound):
            city.ask("GET", path)
    city.act("withdraw", framework="small", period="2025", reason="an error", roles=("supervisor",))
    with pytest.raises(NotFound):
        city.ask("GET", "/kpi/small.csv")
