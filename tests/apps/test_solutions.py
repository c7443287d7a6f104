"""The solutions bank: described, found with reasons, handed in and moderated, exchanged, apps with what they did."""

import json
from collections.abc import Iterator

import pytest

from hansa import Conflict, Forbidden, NotFound, Refusal, entity
from hansa.apps.solutions import app, exchange, measured, searching
from hansa.errors import Unauthenticated
from hansa.testing import MemoryCity

S = "urn:ngsi-ld:Solution:"
LAMPS = {
    "kind": "project", "name": "Lamps that dim", "summary": "Street lamps that dim when nobody is there.",
    "theme": "energy", "need": "power for street lamps", "maturity": "running", "licence": "CC-BY-4.0",
    "cost": {"capital": 200_000, "yearly": 4_000, "currency": "EUR", "year": 2024},
    "effects": [{"framework": "u4ssc", "code": "EN: EN: E: 1C", "unit": "%", "change": -12.5, "perYears": 2,
                 "evidence": "measured", "source": "meters of 400 lamps"}],
}  # fmt: skip
PONDS = {
    "kind": "project", "name": "Ponds in parks", "summary": "Ponds that take rain, and lamps beside them.",
    "theme": "water", "need": "floods after rain", "maturity": "pilot", "licence": "CC0-1.0",
    "effects": [{"framework": "u4ssc", "code": "SC: SH: SA: 4C", "unit": "1", "change": -3, "perYears": 1,
                 "evidence": "claimed"}],
}  # fmt: skip
INSTALLED = [
    {"name": "frost", "report": "4.1.4", "says": "Frost warnings for growers.", "theme": "agriculture"},
    {"name": "watch", "report": "4.1.1", "says": "Alarms on any attribute."},
]


def town(name: str = "Orlava") -> MemoryCity:
    settings = {"solutions": {"city": name, "installed": INSTALLED}}
    return MemoryCity(app, start="2026-04-01T12:00:00Z", settings=settings)


@pytest.fixture
def city() -> Iterator[MemoryCity]:
    with town().closing() as made:
        yield made


def described(city: MemoryCity, said: dict) -> str:
    (change,) = city.act("describe", **said)
    return change.entity.id


def export(city: MemoryCity, query: str = "") -> dict:
    answer = city.ask("GET", f"/solutions/catalogue.jsonld{query}")
    assert answer.status == 200
    return json.loads(answer.body)


def names(told: dict) -> list[str]:
    return [one["name"] for one in told["solutions"] if one["kind"] != "app"]


# ---- describing


def test_an_entry_is_described_and_open_to_everybody(city: MemoryCity) -> None:
    ident = described(city, LAMPS)
    one = city.get(ident)
    assert (one["status"], one["version"], one.label) == ("listed", 1, "open")
    assert one["identifier"].startswith("urn:hansa:solution:orlava:lamps-that-dim-")
    assert names(city.view("catalogue", by="")) == ["Lamps that dim"]
    assert city.view("entry", {"id": ident}, by="")["effects"][0]["change"] == -12.5


def test_an_edition_is_one_more_and_saying_the_same_is_none(city: MemoryCity) -> None:
    ident = described(city, LAMPS)
    before = city.get(ident)["digest"]
    city.act("describe", ident, maturity="scaled", cost=None)
    one = city.get(ident)
    assert (one["version"], one["maturity"], "cost" in one) == (2, "scaled", False)
    assert one["digest"] != before
    assert city.act("describe", ident, maturity="scaled") == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"theme": "magic"}, "theme"),
        ({"name": ""}, "name"),
        ({"status": "listed"}, "status"),
        ({"effects": [1]}, "effects"),
    ],
)
def test_what_is_no_entry_is_refused(city: MemoryCity, change: dict, where: str) -> None:
    with pytest.raises(Refusal) as fault:
        city.act("describe", **(LAMPS | change))
    assert fault.value.where == where


def test_only_those_who_write_describe_and_only_deciders_decide(city: MemoryCity) -> None:
    with pytest.raises(Forbidden):
        city.act("describe", roles=("auditor",), **LAMPS)
    with pytest.raises(Unauthenticated):
        city.act("describe", by="", **LAMPS)
    city.act("submit", by="", **PONDS)
    (one,) = city.find("Solution")
    with pytest.raises(Forbidden):
        city.act("moderate", one.id, decision="accept")
    with pytest.raises(Forbidden):
        city.view("search", by="person:ada", roles=("member",))


def test_what_is_withdrawn_is_not_offered_any_more(city: MemoryCity) -> None:
    ident = described(city, LAMPS)
    with pytest.raises(Refusal):
        city.act("withdraw", ident)
    city.act("withdraw", ident, reason="the maker is gone")
    assert names(city.view("catalogue", by="")) == []
    with pytest.raises(NotFound):
        city.view("entry", {"id": ident}, by="")
    assert names(city.view("search", {"status": "withdrawn"})) == ["Lamps that dim"]
    with pytest.raises(Conflict):
        city.act("withdraw", ident, reason="again")
    city.act("describe", ident, maturity="scaled")
    assert names(city.view("catalogue", by="")) == ["Lamps that dim"]
    assert "reason" not in city.get(ident)


# ---- searching


def test_a_search_says_why_an_entry_stands_where_it_does(city: MemoryCity) -> None:
    described(city, LAMPS)
    described(city, PONDS)
    told = city.view("search", {"q": "lamps"})
    assert names(told) == ["Lamps that dim", "Ponds in parks"]
    first, second = told["solutions"]
    assert first["why"][0]["field"] == "name"
    assert second["why"][0]["field"] == "summary"
    # Two of four entries have it: ln(1 + 4/2) = 1.0986; 5 in the name, 1 in the summary.
    assert first["score"] == pytest.approx(5 * 1.0986, abs=2e-3)
    assert second["score"] == pytest.approx(1.0986, abs=2e-3)
    assert "ln(1 + entries" in told["how"]
    assert names(city.view("search", {"q": "lamps zeppelin"})) == []


def test_a_search_knows_no_accents_and_takes_the_beginning_of_a_word_for_half() -> None:
    entries = [{"name": "Électricité", "kind": "project"}, {"name": "Wind", "kind": "project"}]
    (whole,) = searching.found(entries, "ELECTRICITE")
    (half,) = searching.found(entries, "elec")
    assert whole.score == pytest.approx(2 * half.score, abs=2e-3)


def test_facets_count_under_all_that_is_chosen_but_themselves(city: MemoryCity) -> None:
    described(city, LAMPS)
    described(city, PONDS)
    told = city.view("search", {"theme": "energy", "kind": "project"})
    assert names(told) == ["Lamps that dim"]
    assert {it["value"]: it["count"] for it in told["facets"]["theme"]} == {"energy": 1, "water": 1}
    assert told["facets"]["evidence"] == [{"value": "measured", "count": 1}]
    assert told["facets"]["cost"] == [{"value": "EUR 100 k to 1 M", "count": 1}]
    assert names(city.view("search", {"indicator": "u4ssc EN: EN: E: 1C"})) == ["Lamps that dim"]
    assert names(city.view("search", {"cost": "not said", "licence": "CC0-1.0"})) == ["Ponds in parks"]
    for wrong in ({"q": "x" * 201}, {"limit": "0"}, {"offset": "x"}, {"status": "all"}):
        with pytest.raises(Refusal):
            city.view("search", wrong)


def test_what_would_move_an_indicator_is_told_with_the_best_evidence_first(city: MemoryCity) -> None:
    described(city, LAMPS)
    claimed = LAMPS["effects"][0] | {"evidence": "claimed", "change": -40}
    described(city, LAMPS | {"name": "Wonder lamp", "effects": [claimed]})
    asked = {"framework": "u4ssc", "code": "EN: EN: E: 1C", "direction": "lower"}
    assert [it["name"] for it in city.view("helps", asked)["solutions"]] == ["Lamps that dim", "Wonder lamp"]
    assert city.view("helps", asked | {"direction": "higher"})["solutions"] == []
    with pytest.raises(Refusal):
        city.view("helps", {"framework": "u4ssc"})


# ---- from outside


def test_what_somebody_hands_in_waits_for_a_moderator(city: MemoryCity) -> None:
    city.act("submit", by="", **PONDS)
    (one,) = city.find("Solution")
    assert (one["status"], one.label) == ("submitted", "smart")
    assert names(city.view("catalogue", by="")) == []
    assert [it["name"] for it in city.view("queue")["submitted"]] == ["Ponds in parks"]
    with pytest.raises(Conflict, match="for a moderator"):  # who may describe does not moderate
        city.act("describe", one.id, maturity="scaled")
    with pytest.raises(NotFound):
        city.act("describe", S + "none", **PONDS)
    with pytest.raises(Refusal):
        city.act("moderate", one.id, roles=("supervisor",), decision="maybe")
    with pytest.raises(Refusal) as fault:
        city.act("moderate", one.id, roles=("supervisor",), decision="reject")
    assert fault.value.where == "reason"
    city.act("moderate", one.id, roles=("supervisor",), decision="accept")
    assert "visitor" not in city.get(one.id)
    assert names(city.view("catalogue", by="")) == ["Ponds in parks"]
    with pytest.raises(Conflict):
        city.act("moderate", one.id, roles=("supervisor",), decision="accept")


def test_nobody_floods_the_queue(city: MemoryCity) -> None:
    for n in range(5):
        city.act("submit", by="", **(PONDS | {"name": f"Pond {n}"}))
    with pytest.raises(Refusal, match="5 a day"):
        city.act("submit", by="", **(PONDS | {"name": "Pond 6"}))
    with pytest.raises(Refusal, match="installed here"):
        city.act("submit", by="", **(PONDS | {"name": "Frost", "kind": "app"}))


def test_a_rejected_entry_is_shown_to_nobody(city: MemoryCity) -> None:
    city.act("submit", by="", **PONDS)
    (one,) = city.find("Solution")
    city.act("moderate", one.id, roles=("supervisor",), decision="reject", reason="an advertisement")
    assert (city.get(one.id).label, "visitor" in city.get(one.id)) == ("smart", False)
    with pytest.raises(NotFound):
        city.view("entry", {"id": one.id}, by="")


# ---- between cities


def test_what_one_city_exports_another_takes_in_once(city: MemoryCity) -> None:
    described(city, LAMPS)
    document = export(city, "?theme=energy")
    assert document["city"] == "Orlava"
    with town("Brodno").closing() as other:
        other.act("import", document=document)
        other.turn(seconds=1)
        other.act("import", document=document)
        (one,) = other.find("Solution")
        assert (one["status"], one["origin"]["city"], one.label) == ("submitted", "Orlava", "smart")
        counts = [it["counts"] for it in other.view("imports")["imports"]]
        assert [(it["new"], it["same"]) for it in counts] == [(0, 1), (1, 0)]
        other.act("moderate", one.id, roles=("supervisor",), decision="accept")
        again = export(other, "?kind=project")
        assert again["entries"][0]["origin"] == {
            "city": "Orlava",
            "source": "https://city.example/solutions/catalogue.jsonld",
        }
        assert again["entries"][0]["digest"] == document["entries"][0]["digest"]
        with pytest.raises(Conflict, match="entry of Orlava"):
            other.act("describe", one.id, maturity="scaled")
        city.act("import", document=again)  # it comes home, and is the same
        assert city.view("imports")["imports"][0]["counts"]["same"] == 1


def test_a_newer_edition_waits_beside_and_takes_its_place_when_it_is_accepted(city: MemoryCity) -> None:
    ident = described(city, LAMPS)
    with town("Brodno").closing() as other:
        other.act("import", document=export(city, "?kind=project"))
        (one,) = other.find("Solution")
        other.act("moderate", one.id, roles=("supervisor",), decision="accept")
        old = export(city, "?kind=project")
        city.act("describe", ident, maturity="scaled", cost=None)
        other.turn(seconds=1)
        other.act("import", document=export(city, "?kind=project"))
        assert other.get(one.id)["maturity"] == "running"  # nothing that waits is shown
        (waits,) = other.view("solution", {"id": one.id})["editions"]
        assert waits["why"] == "newer"
        other.act("choose", waits["id"], roles=("supervisor",), decision="accept")
        now = other.get(one.id)
        assert (now["maturity"], now["version"], "cost" in now) == ("scaled", 2, False)
        other.turn(seconds=1)
        other.act("import", document=old)
        assert other.view("imports")["imports"][0]["counts"]["older"] == 1
        with pytest.raises(Conflict):
            other.act("choose", waits["id"], roles=("supervisor",), decision="accept")


def test_two_texts_of_one_version_are_a_conflict_that_is_shown_and_refused_for_good(city: MemoryCity) -> None:
    described(city, LAMPS)
    document = export(city, "?kind=project")
    entry_ = {name: value for name, value in document["entries"][0].items() if name not in {"id", "type", "digest"}}
    other = {"identifier": document["entries"][0]["id"]} | entry_ | {"name": "Lamps of mine"}
    forged = exchange.document([other], "Lesno", "https://lesno.example/x", "2026-04-01T00:00:00Z")
    city.act("import", document=forged)
    assert city.view("catalogue", {"kind": "project"}, by="")["solutions"][0]["name"] == "Lamps that dim"
    (pair,) = city.view("queue")["editions"]
    assert (pair["why"], pair["content"]["name"], pair["here"]["name"]) == (
        "conflict",
        "Lamps of mine",
        "Lamps that dim",
    )
    with pytest.raises(Refusal):
        city.act("choose", pair["id"], roles=("supervisor",), decision="reject")
    city.act("choose", pair["id"], roles=("supervisor",), decision="reject", reason="not ours")
    city.turn(seconds=1)
    city.act("import", document=forged)
    assert city.view("imports")["imports"][0]["counts"]["same"] == 1
    assert city.view("queue")["editions"] == []


def test_of_a_document_the_good_entries_are_taken_and_the_bad_are_named(city: MemoryCity) -> None:
    with town("Brodno").closing() as other:
        described(other, LAMPS)
        described(other, PONDS)
        document = export(other, "?kind=project")
    document["entries"][1]["name"] = "changed"
    twice = [*document["entries"], document["entries"][0]]
    whole = document | {"entries": twice, "digest": exchange.digest([one["digest"] for one in twice])}
    city.act("import", document=whole)
    (told,) = city.view("imports")["imports"]
    assert (told["counts"]["new"], told["counts"]["refused"], told["from"]) == (1, 2, "Brodno")
    assert [it["where"] for it in told["refused"]] == ["entries[1].digest", "entries[2].id"]
    stranger = {"identifier": "urn:hansa:solution:orlava:none", "version": 1, "language": "en"} | LAMPS
    city.turn(seconds=1)
    city.act("import", document=exchange.document([stranger], "Lesno", "", "2026-04-01T00:00:00Z") | {"source": ""})
    assert "does not know it" in city.view("imports")["imports"][0]["refused"][0]["why"]


def test_nothing_that_is_not_open_leaves(city: MemoryCity) -> None:
    city.act("submit", by="", **PONDS)
    described(city, LAMPS)
    assert [it["name"] for it in export(city)["entries"] if it["kind"] != "app"] == ["Lamps that dim"]
    with pytest.raises(Refusal):
        city.ask("GET", f"/solutions/catalogue.jsonld?q={'x' * 300}")


# ---- installed apps


def kpi(period: str, value: float, *, label: str = "open", **more: object) -> object:
    said = {"framework": "u4ssc", "code": "EC: E: 1C", "area": "city", "period": period, "kpiValue": value,
            "unit": "%", "status": "reported"} | more  # fmt: skip
    one = entity("KeyPerformanceIndicator", f"u4ssc-{period}", **said)
    one.label = label
    return one


INDICATOR = {"framework": "u4ssc", "code": "EC: E: 1C", "unit": "%"}


def test_an_installed_app_is_an_entry_by_itself_and_says_that_nothing_is_measured_yet(city: MemoryCity) -> None:
    told = city.view("catalogue", {"kind": "app"}, by="")
    assert [it["name"] for it in told["solutions"]] == ["frost", "watch"]
    assert (told["solutions"][0]["theme"], told["solutions"][0]["report"]) == ("agriculture", "4.1.4")
    city.act("app", name="frost", indicators=[INDICATOR])
    one = city.view("solution", {"id": S + "app-frost"})
    assert one["measured"][0]["said"] == measured.SAID["when"]
    city.act("app", name="frost", installedAt="2023-05-01")
    assert city.view("solution", {"id": S + "app-frost"})["measured"][0]["said"] == measured.SAID["both"]


def test_an_apps_effect_is_the_change_of_its_indicators_with_how_many_values_it_stands_on(city: MemoryCity) -> None:
    city.act("app", name="frost", installedAt="2023-05-01", indicators=[INDICATOR])
    city.say(kpi("2021", 10.0), kpi("2022", 12.0), kpi("2023", 99.0))
    (effect,) = city.view("solution", {"id": S + "app-frost"})["measured"]
    assert (effect["nBefore"], effect["nAfter"], effect["said"]) == (2, 0, measured.SAID["after"])
    city.say(kpi("2024", 15.0), kpi("2025", 17.0, label="smart"))
    (effect,) = city.view("solution", {"id": S + "app-frost"})["measured"]
    assert (effect["before"], effect["after"], effect["change"]) == (11.0, 16.0, 5.0)
    # What is not published does not show through: outside, the mean is of 2024 alone.
    (outside,) = city.view("entry", {"id": S + "app-frost"}, by="")["measured"]
    assert (outside["change"], outside["nAfter"]) == (4.0, 1)
    (sent,) = [it for it in export(city)["entries"] if it["name"] == "frost"]
    assert (sent["effects"][0]["change"], sent["effects"][0]["evidence"]) == (4.0, "measured")
    exchange.judged(sent, 0, {"city": "Orlava"})  # what leaves could be taken in


def test_values_of_different_units_or_states_are_no_measurement(city: MemoryCity) -> None:
    city.act("app", name="frost", installedAt="2023-05-01", indicators=[INDICATOR])
    city.say(kpi("2021", 10.0), kpi("2024", 15.0, unit="1"), kpi("2025", 1.0, status="not reported"))
    (effect,) = city.view("solution", {"id": S + "app-frost"})["measured"]
    assert effect["change"] is None
    assert "different units" in effect["said"]


def test_an_app_that_is_not_installed_or_comes_tomorrow_is_refused(city: MemoryCity) -> None:
    with pytest.raises(Refusal, match="no such app"):
        city.act("app", name="sewers")
    with pytest.raises(Refusal, match="yet to come"):
        city.act("app", name="frost", installedAt="2027-01-01")
    with pytest.raises(Refusal):
        city.act("app", name="frost", indicators=[{"framework": "u4ssc", "code": 'a"b'}])


@pytest.mark.parametrize(
    ("period", "years"),
    [
        ("2025", (2025, 2026)),
        ("2025-Q3", (2025.5, 2025.75)),
        ("2025-01", (2025, 2025 + 1 / 12)),
        *(("25", None), ("2025-13", None), (None, None), ("2025-Q5", None)),
    ],
)
def test_a_period_is_years_or_parts_of_one(period: object, years: object) -> None:
    assert measured.span(period) == years
