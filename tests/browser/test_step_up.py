"""Whoever stands behind something shows first, again, who he is: in a real browser, each with a passkey of his own.

Sessions are made older than they are where the city keeps them; what was typed before is there when one comes back.
"""

import pytest
from seen import until
from test_people_pages import fresh, opening

from hansa.cli.desk import ask
from hansa.trust.policy import shipped
from signed_in import left_open

LAMP = "urn:ngsi-ld:Streetlight:l1"
CHANGED = shipped("open").replace(
    'when { principal in [Role::"operator", Role::"supervisor", Role::"command"] };',
    'when { principal in [Role::"supervisor", Role::"command"] };',
    1,
)
WHY = "Operators shall ask their supervisors."


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    made = fresh(tmp_path_factory.mktemp("step-up") / "city")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def people(browser, city):
    """The first administrator, and whom the city's own machine let in before there were two."""
    with opening(browser) as person:
        found = {"ada": person(city)}
        found["ada"].come_in(city.link, "ada", "Ada")
        links = {}
        for name, roles in {
            "ben": ["administrator", "data_officer"],
            "sue": ["supervisor"],
            "ola": ["operator"],
        }.items():
            said = {"roles": roles, "departments": ["parks"], "shown": name.title()}
            links[name] = ask(city.folder, "POST", ["invitations"], said)["link"]
        for name, link in links.items():
            found[name] = person(city)
            found[name].come_in(link, name, name.title())
        yield found


@pytest.fixture
def stale(city, people):
    """As if all had left their browsers open for an hour."""
    left_open(city)
    for one in people.values():
        one.base = city.url.replace("127.0.0.1", "localhost")
    return people


def shows_again(one, back: str) -> None:
    """He is led to show who he is, does so by his passkey, and is led back."""
    one.page.wait_for_url("**/sign-in?step=up*")
    until(one.page, "Show again who you are", "#way h2")
    one.page.click("#passkey")
    one.page.wait_for_url(f"{one.base}{back}")
    one.page.wait_for_selector("html.ready", state="attached")


def test_a_policy_is_changed_by_two_who_have_just_shown_who_they_are(stale):
    ada, ben = stale["ada"], stale["ben"]
    page = ada.page
    ada.open("/policies?realm=open&edit=1")
    until(page, "As it holds", "#faults")
    page.fill("[name=text]", CHANGED)
    page.fill("[name=reason]", WHY)
    until(page, "strictly valid", "#faults")
    page.click("#propose")
    shows_again(ada, "/policies?realm=open&edit=1")
    until(page, "strictly valid", "#faults")
    assert page.input_value("[name=text]") == CHANGED
    assert page.input_value("[name=reason]") == WHY
    assert ada.ask("GET", "/admin/proposals")[1] == [], "nothing was proposed before"
    page.click("#propose")
    until(page, "A proposed change", "#one h2")
    (one,) = ada.ask("GET", "/admin/proposals?state=waiting")[1]
    assert (one["by"], one["reason"]) == ("person:ada", WHY)

    ben.open("/approvals")
    ben.page.click(f"#p-{one['id']} .do")
    shows_again(ben, f"/approvals#p-{one['id']}")
    assert ben.ask("GET", f"/admin/proposals/{one['id']}")[1]["state"] == "waiting"
    ben.page.click(f"#p-{one['id']} .do")
    until(ben.page, "Nothing waits for a second person", "#list")
    assert ben.ask("GET", f"/admin/proposals/{one['id']}")[1]["state"] == "done"
    ola = stale["ola"]
    ola.open("/why?about=label&class=smart")
    until(ola.page, "version 1", "#answer .facts dd")
    until(ola.page, "Not allowed", "#verdict")


def test_break_glass_is_asked_for_and_approved_by_who_has_just_shown_who_he_is(stale):
    sue, ben = stale["sue"], stale["ben"]
    page = sue.page
    sue.open("/approvals")
    page.click("#break")
    page.check("dialog [value=command]")
    page.fill("#in-minutes", "20")
    page.fill("#in-reason", "The river rises")
    page.click("dialog [type=submit]")
    shows_again(sue, "/approvals")
    page.wait_for_selector("dialog[open] #in-reason")
    assert page.is_checked("dialog [value=command]")
    assert not page.is_checked("dialog [value=operator]")
    assert (page.input_value("#in-minutes"), page.input_value("#in-reason")) == ("20", "The river rises")
    assert page.evaluate("sessionStorage.length") == 0, "and nothing of it is kept any longer"
    page.click("dialog [type=submit]")
    until(page, "The river rises", ".matter-why")
    ben.open("/approvals")
    ben.page.click(".matter .do")
    shows_again(ben, "/approvals#p-*")
    ben.page.click(".matter .do")
    until(ben.page, "sue has the rights of Command", ".broken-who")
    sue.open("/approvals")
    sue.page.click(".broken >> text=End it now")
    sue.page.fill("#in-reason", "The river falls")
    sue.page.click("dialog [type=submit]")
    sue.page.wait_for_selector(".broken", state="detached")


def test_two_let_somebody_in_and_neither_could_by_himself(stale, city, browser):
    ada, ben = stale["ada"], stale["ben"]
    ada.open("/people")
    until(ada.page, "Ben", "#people")
    ada.page.click("#make")
    ada.page.fill("#in-shown", "Mia")
    ada.page.set_checked("dialog [value=operator]", False)
    ada.page.check("dialog [value=member]")
    ada.page.fill("#in-departments", "parks, water")
    until(ada.page, "takes two", "dialog .sub")
    ada.page.fill("#in-reason", "She reads the meters")
    ada.page.click("dialog [type=submit]")
    shows_again(ada, "/people")
    ada.page.wait_for_selector("dialog[open] #in-reason")
    assert ada.page.input_value("#in-shown") == "Mia"
    assert ada.page.input_value("#in-departments") == "parks, water"
    assert [one.get_attribute("value") for one in ada.page.locator("[name=roles]:checked").all()] == ["member"]
    ada.page.click("dialog [type=submit]")
    until(ada.page, "each of you has a half", "#list")
    ben.open("/approvals")
    until(ben.page, "She reads the meters", ".matter-why")
    until(ben.page, "Member of a department", ".matter .facts")
    ben.page.click(".matter .do")
    shows_again(ben, "/approvals#p-*")
    ben.page.click(".matter .do")
    until(ben.page, "A link in two halves", ".matter h3")
    ben.page.click("text=Tell my half")
    until(ben.page, "opens nothing without the other half", "dialog")
    his = ben.page.text_content("#link")
    ada.open("/people")
    ada.page.click("#links >> text=Tell my half")
    hers = ada.page.wait_for_selector("#link").text_content()
    with opening(browser) as person:
        mia = person(city)
        mia.base = ada.base
        mia.open(hers)
        until(mia.page, "This is one half of two", "#way h2")
        mia.page.fill("#in-half", hers)
        mia.page.click("#way [type=submit]")
        until(mia.page, "not two halves of one link", ".notice h2")
        mia.page.fill("#in-half", f"  {his}  ")
        mia.page.click("#way [type=submit]")
        until(mia.page, "Member of a department", "#way b")
        mia.page.fill("#in-name", "mia")
        mia.page.click("#passkey")
        mia.page.wait_for_url("**/me?new=1")
        until(mia.page, "parks, water", ".way-head")


def test_who_came_by_a_passkey_asks_why_and_what_was_seen_of_him(stale):
    ola, ben = stale["ola"], stale["ben"]
    ola.open("/why?about=label&class=security")
    until(ola.page, "Not allowed", "#verdict")
    until(ola.page, "No rule permits it", "#answer .rule p")
    ola.open("/audit")
    until(ola.page, "person:ola", ".audit-table tbody tr")
    assert "person:ada" not in ola.page.inner_text("#list")
    ben.open("/audit?kind=approval")
    until(ben.page, "person:ben", ".audit-table tbody tr")
    ben.open("/why?who=person:ola&about=label&class=personal")
    until(ben.page, "Not allowed", "#verdict")


def test_who_had_a_power_and_was_shut_out_is_let_in_by_two(stale):
    ada, ben = stale["ada"], stale["ben"]
    ada.open("/sign-in?step=up&next=/people")
    ada.page.click("#passkey")
    ada.page.wait_for_url("**/people")
    opens = ada.page.locator("#people .attr", has_text="Sue")
    opens.click()
    ada.page.click("dialog >> text=Close the account")
    until(ada.page, "Closed", "#people td")
    opens.click()
    ada.page.click("dialog >> text=Open the account")
    ada.page.fill("#in-reason", "It was a mistake")
    ada.page.click("dialog >> text=Open the account")
    until(ada.page, "each of you has a half", "#list")
    ben.open("/approvals")
    until(ben.page, "was closed, and is opened", ".matter .facts")
    ben.page.click(".matter .do")
    shows_again(ben, "/approvals#p-*")
    ben.page.click(".matter .do")
    until(ben.page, "Nothing waits", "#list")
    assert not any(one["disabled"] for one in ada.ask("GET", "/admin/people")[1]["people"])
    sue = stale["sue"]
    sue.open("/sign-in")
    sue.page.click("#passkey")
    sue.page.wait_for_url(f"{sue.base}/")
