"""Whoever signs out leaves nothing behind in the browser; where he signs in, password managers and pasting work."""

import pytest
from seen import until
from test_people_pages import LONG, fresh, opening


@pytest.fixture
def ada(browser, tmp_path):
    """Ada, the first administrator of a city of her own."""
    city = fresh(tmp_path / "city")
    try:
        with opening(browser) as person:
            made = person(city)
            made.come_in(city.link, "ada", "Ada Lovelace")
            yield made
    finally:
        city.stop()


def test_signing_out_is_one_step_from_every_page_and_leaves_nothing_behind(ada) -> None:
    page = ada.page
    for path in (
        "/",
        "/entities",
        "/subscriptions",
        "/contexts",
        "/people",
        "/policies",
        "/audit",
        "/approvals",
        "/why",
    ):
        ada.open(path)
        assert page.locator('.bar a[href="/me"]').is_visible(), path
    ada.open("/people")
    until(page, "Ada Lovelace", "#people")
    ada.open("/me")
    ada.lose_key()  # else it would sign her in again by itself
    page.click("#leave")
    page.wait_for_url("**/sign-in")
    assert ada.cookie() is None
    page.go_back()
    page.wait_for_load_state("networkidle")  # it leads on to the sign-in
    assert "Ada Lovelace" not in page.inner_text("body")
    ada.open("/people")
    until(page, "This page is for administrators", "#list")
    assert "Ada Lovelace" not in page.content()
    left = page.evaluate(
        """async () => [Object.keys(localStorage), Object.keys(sessionStorage),
                         (await indexedDB.databases()).length, (await caches.keys()).length, document.cookie]"""
    )
    assert left in ([[], [], 0, 0, ""], [["hansa.theme"], [], 0, 0, ""])


def test_a_password_is_hidden_can_be_pasted_and_is_known_to_password_managers(ada) -> None:
    page = ada.page
    ada.open("/me")
    page.click("#leave")
    page.wait_for_url("**/sign-in")
    page.click("summary")
    field = page.locator("#in-password")
    assert field.get_attribute("type") == "password"
    assert field.get_attribute("autocomplete") == "current-password"
    assert page.locator("#in-name").get_attribute("autocomplete") == "username"
    assert int(field.get_attribute("maxlength")) >= 64
    field.focus()
    page.keyboard.insert_text(f"  {LONG}")  # as pasting does: all at once, no key pressed
    assert field.input_value() == f"  {LONG}"
    let = field.evaluate("(one) => one.dispatchEvent(new ClipboardEvent('paste', {cancelable: true, bubbles: true}))")
    assert let is True, "something stops pasting"
