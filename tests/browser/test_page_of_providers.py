"""Signing in by another house, as a person does it: a button, that house, and back."""

import pytest
from playwright.sync_api import expect
from seen import WITHIN_MS

from oidc_provider import SECRET, FakeProvider

TOML = """
[serve]
egress_allow = ["127.0.0.0/8"]

[trust.openid.valley]
title = "Valley <b>account</b>"
issuer = "{issuer}"
client_id = "hansa"
client_secret_file = "valley.secret"
roles = {{ claim = "groups", map = {{ operators = ["operator"] }} }}
two_factors = {{ claim = "amr", values = ["mfa"] }}
"""


@pytest.fixture(scope="module")
def theirs():
    with FakeProvider() as one:
        one.user["amr"] = ["mfa"]
        yield one


@pytest.fixture
def page(browser, serve, theirs, tmp_path):
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "hansa.toml").write_text(TOML.format(issuer=theirs.url))
    (folder / "valley.secret").write_text(SECRET)
    city = serve(trusted=False)
    context = browser.new_context(base_url=city.url.replace("127.0.0.1", "localhost"))
    made = context.new_page()
    made.set_default_timeout(WITHIN_MS)
    yield made
    context.close()


def test_a_button_leads_to_the_other_house_and_back(page, theirs):
    page.goto("/sign-in?next=%2Fme")
    house = page.get_by_role("link", name="With Valley <b>account</b>")
    expect(house).to_be_visible()
    theirs.claims = {"groups": []}
    house.click()
    expect(page.get_by_text("You are not signed in")).to_be_visible()
    expect(page.get_by_text("Ask an administrator for a role")).to_be_visible()
    theirs.claims = {"iat": 1}
    page.get_by_role("link", name="With Valley").click()
    expect(page.get_by_text("does not work just now")).to_be_visible()
    theirs.claims = {}
    page.goto("/sign-in?next=%2Fme")
    page.get_by_role("link", name="With Valley").click()
    page.wait_for_url("**/me")
    expect(page.get_by_text("Ada Lovelace").first).to_be_visible()
    assert {one["name"] for one in page.context.cookies()} >= {"hansa"}
    assert not any(one["name"] == "hansa-oidc" for one in page.context.cookies())
