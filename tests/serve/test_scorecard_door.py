"""The scorecard through the doors of a real city: each with his own rights, a filled sheet, and what strangers see."""

import io
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from hansa import sheets
from served import Served
from signed_in import SignedIn

PEOPLE = {"ben": ["operator"], "sue": ["supervisor"], "ali": ["auditor"], "rita": ["resident"]}
YEAR = "2024"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Served(tmp_path_factory.mktemp("scorecard") / "city")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def people(city: Served) -> Any:
    found, links = {}, {}
    for name, roles in PEOPLE.items():
        told = city.post("/admin/invitations", {"name": name, "shown": name.title(), "roles": roles, "departments": []})
        links[name] = told.json()["link"]
    for name, link in links.items():
        found[name] = SignedIn(SimpleNamespace(link=link), name)  # type: ignore[arg-type]
    yield found
    for one in found.values():
        one.close()


def act(one: SignedIn, verb: str, **said: Any) -> httpx.Response:
    return one.page("POST", f"/desk/scorecard/{verb}", said)


def upload(one: SignedIn, body: bytes, **said: str) -> httpx.Response:
    headers = {"origin": one.origin, "sec-fetch-site": "same-origin", "x-hansa": "page"}
    files = {"file": ("filled.xlsx", io.BytesIO(body), sheets.XLSX)}
    return one.client.post("/desk/scorecard/upload", data={"framework": "u4ssc"} | said, files=files, headers=headers)


def test_an_officer_fills_in_the_template_an_auditor_confirms_and_a_supervisor_publishes(
    city: Served, people: dict[str, SignedIn]
) -> None:
    ben, sue, ali, rita = (people[name] for name in PEOPLE)
    assert act(ben, "adopt", framework="u4ssc").status_code == 403
    assert act(sue, "adopt", framework="u4ssc").status_code == 200
    assert rita.page("GET", f"/desk/scorecard/inputs?framework=u4ssc&period={YEAR}").status_code == 403
    blank = ben.page("GET", f"/desk/scorecard/template?framework=u4ssc&period={YEAR}")
    assert blank.headers["content-type"] == sheets.XLSX
    rows = [list(row) for row in sheets.read(blank.content)[0].rows]
    head = [str(one) for one in rows[0]]
    for row in rows[1:]:
        numbers: dict[str, Any] = {"households": 3_893, "households_with_internet": "1.234"}
        row[head.index("value")] = numbers.get(str(row[head.index("input")]))
    told = upload(ben, sheets.write([sheets.Sheet("Values", rows)]))
    assert told.status_code == 400
    assert told.headers["content-type"] == "application/problem+json"
    assert [row["says"] for row in told.json()["rows"] if not row["took"]] == ["'1.234' can be read in two ways"]
    for row in rows[1:]:
        if row[head.index("input")] == "households_with_internet":
            row[head.index("value")] = "3541,0"
    told = upload(ben, sheets.write([sheets.Sheet("Values", rows)]))
    assert told.status_code == 200, told.text

    def inputs() -> dict[str, Any]:
        found = ali.page("GET", f"/desk/scorecard/inputs?framework=u4ssc&period={YEAR}&code=EC: ICT: ICT: 1C").json()
        return {row["input"]: row for row in found["rows"]}

    def value() -> dict[str, Any]:
        found = ali.page("GET", "/ngsi-ld/v1/entities?type=KeyPerformanceIndicator&options=keyValues").json()
        return found[0] if found else {}

    assert inputs()["households"]["by"] == "person:ben"
    assert city.until(lambda: value().get("kpiValue") == pytest.approx(100 * 3_541 / 3_893))
    assert act(ali, "enter", framework="u4ssc", input="households", period=YEAR, value=1).status_code == 403
    for name, row in inputs().items():
        said = {"id": row["id"], "value": row["value"]}
        assert row["verifiable"], name
        assert act(ben, "verify", **said).status_code == 403  # neither his to do, nor of another's word
        assert act(rita, "verify", **said).status_code == 403
        assert act(ali, "verify", **said).status_code == 200
    assert city.until(lambda: value().get("status") == "verified")
    assert inputs()["households"]["verifiedBy"] == "person:ali"

    assert act(ben, "publish", framework="u4ssc", period=YEAR).status_code == 403
    assert rita.page("GET", "/ngsi-ld/v1/entities?type=KeyPerformanceIndicator").json() == []
    assert act(sue, "publish", framework="u4ssc", period=YEAR).status_code == 200
    assert city.until(lambda: rita.page("GET", "/ngsi-ld/v1/entities?type=KeyPerformanceIndicator").json())
    shown = rita.page("GET", "/ngsi-ld/v1/entities?type=KeyPerformanceIndicator").text
    assert "person:" not in shown
    assert rita.page("GET", "/ngsi-ld/v1/entities?type=KpiInput").json() == []
    doc = {"id": inputs()["households"]["id"], "type": "KpiInput", "value": {"type": "Property", "value": 1}}
    past = sue.page("POST", "/ngsi-ld/v1/entityOperations/upsert?options=update", [doc])
    assert past.status_code in {207, 403}
    assert inputs()["households"]["value"] == 3_893
