"""The pages of policy for people who signed in: each reads what is his, asks why, and two of them change a policy."""

import pytest
from seen import until

from hansa.trust.policy import shipped
from signed_in import SignedIn

LAMP, METER = "urn:ngsi-ld:Streetlight:l1", "urn:ngsi-ld:WaterMeter:m1"
PEOPLE = {"ben": ["administrator", "data_officer"], "ola": ["operator"], "eva": ["auditor"]}
CHANGED = shipped("open").replace(
    'when { principal in [Role::"operator", Role::"supervisor", Role::"command"] };',
    'when { principal in [Role::"supervisor", Role::"command"] };',
    1,
)


@pytest.fixture(scope="module")
def people(city):
    """Everybody signed in: the first administrator, and whom she invited."""
    found = {"ada": SignedIn(city, "ada")}
    links = {}
    for name, roles in PEOPLE.items():
        said = {"name": name, "shown": name.title(), "roles": roles, "departments": []}
        told = city.post("/admin/invitations", said)
        assert told.status_code == 201, told.text
        links[name] = told.json()["link"]
    for name, link in links.items():  # all are made before there are two administrators
        found[name] = SignedIn(type("Door", (), {"link": link}), name)
    writes = [
        {"kind": "upsert", "id": ident, "doc": {"id": ident, "type": ident.split(":")[2]}, "label": label}
        for ident, label in ((LAMP, "smart"), (METER, "personal;owner=water"))
    ]
    assert city.post("/admin/import", writes).json()["taken"] == 2
    yield found
    for one in found.values():
        one.close()


@pytest.fixture
def seat(browse, people):
    """A browser in which one of them is signed in."""

    def sit(name, path):
        cookies = [
            {"name": one.name, "value": one.value, "domain": "127.0.0.1", "path": "/", "expires": -1,
             "httpOnly": True, "secure": False, "sameSite": "Lax"}
            for one in people[name].client.cookies.jar
        ]  # fmt: skip
        return browse(path, storage_state={"cookies": cookies, "origins": []})

    return sit


def test_an_operator_reads_the_policy_of_the_open_realm_and_changes_nothing(seat):
    page = seat("ola", "/policies")
    until(page, "Open information is for everybody.", ".rule p")
    assert page.locator("#realms button").all_inner_texts() == ["Open"]
    assert page.is_hidden("#edit")
    page = seat("ola", "/policies?realm=open&edit=1")
    until(page, "Open information is for everybody.", ".rule p")
    assert page.locator("textarea").count() == 0
    page = seat("ola", "/policies?realm=security")
    until(page, "The policy could not be read", "#list h2")


def test_somebody_is_told_why_not_and_nothing_of_what_is_hidden_from_him(seat):
    page = seat("ola", f"/why?id={LAMP}&verb=delete")
    until(page, "Not allowed", "#verdict")
    until(page, "No rule permits it", "#answer .rule p")
    assert page.locator("#question details").count() == 0  # for himself alone
    hidden = seat("ola", f"/why?id={METER}").inner_text("#answer")
    assert hidden == seat("ola", "/why?id=urn:ngsi-ld:WaterMeter:never").inner_text("#answer")
    assert "water" not in hidden
    page = seat("eva", f"/why?id={METER}&who=person:ola")
    until(page, "personal;owner=water", "#answer .facts dd")  # who watches over decisions is told


def test_two_people_change_a_policy_and_it_holds_from_then_on(seat, people):
    see = f"/ngsi-ld/v1/entities/{LAMP}"
    assert people["ola"].client.get(see).status_code == 200
    page = seat("ada", "/policies?realm=open&edit=1")
    until(page, "As it holds", "#faults")
    page.fill("[name=text]", CHANGED)
    until(page, "strictly valid", "#faults")
    page.click("#try")
    until(page, "operator", ".trial tbody th")
    until(page, "denied", ".trial td .sign")
    page.fill("[name=reason]", "Operators shall ask their supervisors.")
    page.click("#propose")
    until(page, "A proposed change", "#one h2")
    assert people["ola"].client.get(see).status_code == 200  # nothing has changed yet

    page = seat("ben", "/approvals")
    page.click("text=What would change in the policy of open")
    page.wait_for_selector("html.ready", state="attached")
    until(page, '-when { principal in [Role::"operator"', ".changes .less")
    until(page, "operator", ".trial tbody th")
    page.click("text=Approve or refuse it")
    page.click(".matter .do")
    until(page, "Nothing waits for a second person", "#list")

    assert people["ola"].client.get(see).status_code == 404
    page = seat("ola", f"/why?id={LAMP}")
    until(page, "Not allowed", "#verdict")
    page = seat("ola", "/why?about=label&class=smart")
    until(page, "No rule permits it", "#answer .rule p")
    until(page, "version 1", "#answer .facts dd")
    page = seat("ada", "/policies")
    until(page, "Operators shall ask their supervisors.", ".versions li")
    page.select_option("#version", "shipped")
    until(page, 'Role::"operator", Role::"supervisor", Role::"command"', ".law code")
