"""The pages of policy of a real, served city, walked by hand: read, edit, check, try; and why something is denied."""

import pytest
from seen import until

from hansa.trust.policy import shipped
from looks import nameless, outside, small, weak

LAMP = "urn:ngsi-ld:Streetlight:l1"


@pytest.fixture(autouse=True)
def lamp(city):
    told = city.post("/ngsi-ld/v1/entityOperations/upsert", [{"id": LAMP, "type": "Streetlight"}])
    assert told.status_code in {201, 204}, told.text


def write(page, text):
    """Put another text in, as if it were typed."""
    page.fill("[name=text]", text)


def test_a_policy_is_read_as_sentences_and_as_text_with_its_lines(browse):
    page = browse("/policies")
    until(page, "Open information is for everybody.", ".rule p")
    until(page, "Departments", ".rules h3")
    until(page, "as hansa ships it", "#sum")
    rules = page.locator(".rule").count()
    assert rules == shipped("open").count("@id(")
    page.click("text=purposes-bind")
    until(page, "resource.purposes.isEmpty()", ".rule details[open] pre")
    page.click("#rule-purposes-bind .links a")
    page.wait_for_selector("html.ready", state="attached")
    until(page, '@id("purposes-bind")', ".law li.at code")
    assert "view=text" in page.url
    lines = page.locator(".law li code").all_text_contents()
    assert lines == [line or " " for line in shipped("open").rstrip("\n").split("\n")]
    page.click("#realms >> text=Security")
    until(page, "Nothing here is public", ".law code")
    page.click("#views >> text=Rules")
    until(page, "The command centre works with", ".rule p")
    page.go_back()
    until(page, "Nothing here is public", ".law code")


def test_what_is_wrong_in_a_text_is_shown_at_its_line(browse):
    page = browse("/policies?realm=open&edit=1")
    until(page, "As it holds", "#faults")
    assert page.is_disabled("#try")
    assert page.is_disabled("#propose")
    write(page, shipped("open").replace("principal.assurance >= 1 };", "principal.asurance >= 1 };"))
    until(page, "asurance", "#faults li")
    wrong = 1 + shipped("open").split("principal.assurance >= 1 };")[0].count("\n")
    until(page, f"Line {wrong}", "#faults button")
    until(page, str(wrong), ".desk pre b")
    assert page.is_disabled("#propose")
    page.click("#faults button")
    start = page.evaluate("document.querySelector('[name=text]').selectionStart")
    assert shipped("open")[:start].count("\n") + 1 == wrong
    write(page, "permit (principal, action, resource)")
    until(page, "does not end with ;", "#faults li")
    write(page, '@id("a") @reason("x")\npermit (principal, action, resource) when { context["<img src=x>"] };')
    until(page, "<img src=x>", "#faults li")  # as text, and as nothing else
    assert page.locator("#faults img").count() == 0


def test_a_change_is_tried_against_what_was_asked_and_says_for_whom(browse, city):
    page = browse("/policies?realm=open&edit=1")
    write(page, shipped("open") + "// a word more\n")
    until(page, "strictly valid", "#faults")
    page.click("#try")
    until(page, "were asked would be answered as now", "#tried")
    page.reload()
    page.wait_for_selector("html.ready", state="attached")
    assert page.input_value("[name=text]").endswith("// a word more\n")  # a draft survives
    page.click("#leave")
    until(page, "Open information is for everybody.", ".rule p")
    page.click("#edit")
    until(page, "As it holds", "#faults")


def test_a_change_is_proposed_and_waits_for_others_with_what_it_changes(browse, city):
    page = browse("/policies?realm=open&edit=1")
    until(page, "As it holds", "#faults")
    write(page, shipped("open").replace("Open information is for everybody.", "What is open is for everybody."))
    until(page, "strictly valid", "#faults")
    page.click("#propose")
    until(page, "It was not proposed", "#told h2")  # nobody said why
    page.fill("[name=reason]", "The council asked for plainer words.")
    page.click("#propose")
    until(page, "A proposed change", "#one h2")
    until(page, "The council asked for plainer words.", "#one .facts dd")
    until(page, '+@reason("What is open is for everybody.")', ".changes .more")
    until(page, '-@reason("Open information is for everybody.")', ".changes .less")
    until(page, "would be answered as now", "#tried")
    assert city.get("/access/v1/policies/open").json()["version"] == "shipped"
    [waiting] = [one for one in city.get("/admin/proposals").json() if one["kind"] == "policy"]
    assert waiting["id"] in page.url
    assert waiting["what"]["text"].count("What is open is for everybody.") == 1
    page.click("#leave")
    until(page, "Open information is for everybody.", ".rule p")


def test_why_something_is_denied_is_told_with_the_rule_and_its_lines(browse):
    page = browse("/why")
    until(page, "Why may I not?", "#answer h1")
    page.fill("[name=id]", LAMP)
    page.click("summary >> text=somebody else")
    page.check("[name=roles][value=resident]")
    page.click("[type=submit]")
    until(page, "Not allowed", "#verdict")
    until(page, "No rule permits it", "#answer .rule p")
    until(page, "resident", "#answer .facts dd")
    assert "roles=resident" in page.url
    page.check("[name=roles][value=operator]")
    page.keyboard.press("Enter")
    page.click("[type=submit]")
    until(page, "Allowed", "#verdict")
    until(page, "Operators, supervisors and the command centre see", "#answer .rule p")
    page.go_back()
    page.reload()
    page.wait_for_selector("html.ready", state="attached")
    page.select_option("[name=about]", "label")
    page.select_option("[name=class]", "smart")
    page.fill("[name=purposes]", "irrigation, research")
    page.fill("[name=purpose]", "advertising")
    page.click("[type=submit]")
    until(page, "It may be used for the purposes it bears", "#answer .rule p")
    until(page, "smart;purposes=irrigation,research", "#answer .facts dd")
    page.click("#answer .rule .links a")
    page.wait_for_selector("html.ready", state="attached")
    until(page, '@id("purposes-bind")', ".law li.at code")


def test_of_what_is_not_there_why_says_no_more_than_that_it_may_not_be_seen(browse):
    page = browse("/why?id=urn:ngsi-ld:Streetlight:never&roles=operator")
    until(page, "Not allowed", "#verdict")
    until(page, "Whether there is anything is not said", "#answer .rule p")


def test_a_question_that_cannot_be_asked_is_refused_in_words(browse):
    page = browse("/why?id=x&assurance=9&roles=operator")
    until(page, "This cannot be answered", "#answer h2")
    until(page, "Assurance is a whole number", "#answer .notice p")


PAGES = [
    "/policies?rule=purposes-bind",
    "/policies?view=text&rule=purposes-bind",
    "/policies?edit=1",
    f"/why?id={LAMP}&roles=operator",
]


def test_the_pages_of_policy_fit_every_width_and_can_be_read_in_light_and_dark(browse):
    for path in PAGES:
        page = browse(path)
        for width, height in [(320, 640), (390, 844), (860, 700), (1101, 800), (2560, 1440)]:
            page.set_viewport_size({"width": width, "height": height})
            wide = page.evaluate("document.documentElement.scrollWidth")
            stuck = outside(page, ".bar *, .rule *, .law *, .head-line *, .side-head *, .step *, .builder *")
            assert (path, width, wide, stuck) == (path, width, width, [])
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert (path, scheme, weak(page, "body *")) == (path, scheme, [])
        assert (path, nameless(page), small(page)) == (path, [], [])
