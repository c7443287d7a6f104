"""Sign-in by an OpenID provider and tokens of services, through the front door of a real city."""

from typing import Any

import httpx
import pytest

from oidc_provider import SECRET, FakeProvider
from served import KNOWN

TOML = """
[serve]
egress_allow = ["127.0.0.0/8"]

[trust.openid.valley]
title = "Valley account"
issuer = "{issuer}"
client_id = "hansa"
client_secret_file = "valley.secret"
everyone = ["resident"]
roles = {{ claim = "groups", map = {{ operators = ["operator"] }} }}
departments = {{ claim = "unit", map = {{ "7" = ["parks"] }} }}
two_factors = {{ claim = "amr", values = ["mfa"] }}
"""


@pytest.fixture(scope="module")
def provider():
    with FakeProvider() as one:
        yield one


@pytest.fixture
def theirs(provider):
    provider.honest()
    provider.user |= {"unit": "7", "amr": ["mfa"]}
    return provider


@pytest.fixture
def city(serve, theirs, tmp_path):
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "hansa.toml").write_text(TOML.format(issuer=theirs.url))
    (folder / "valley.secret").write_text(SECRET)
    return serve(trusted=False)


def browser() -> httpx.Client:
    return httpx.Client(verify=KNOWN, trust_env=False, follow_redirects=False, timeout=20)


def sign_in(city: Any, who: httpx.Client, next_: str = "/me") -> httpx.Response:
    """As a browser does it: to the provider, and back to where that sends it. The city is `localhost` to it."""
    where = city.url.replace("127.0.0.1", "localhost")
    there = who.get(f"{where}/oidc/valley/login", params={"next": next_})
    assert there.status_code == 303, there.text
    back = who.get(there.headers["location"])
    assert back.headers["location"].startswith(f"{where}/oidc/valley/callback?")
    return who.get(back.headers["location"])


def test_somebody_comes_in_and_is_what_his_provider_says_today(city, theirs):
    where = city.url.replace("127.0.0.1", "localhost")
    assert httpx.get(f"{where}/oidc", verify=KNOWN, trust_env=False).json()[0]["title"] == "Valley account"
    with browser() as ada, browser() as desk, browser() as eve:
        assert ada.get(f"{where}/account").status_code == 401
        home = sign_in(city, ada)
        assert (home.status_code, home.headers["location"]) == (303, "/me")
        assert "hansa-oidc" not in ada.cookies
        cookie = next(one for one in home.headers.get_list("set-cookie") if one.startswith("hansa="))
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        me = ada.get(f"{where}/account").json()
        assert me["shown"] == "Ada Lovelace"
        assert set(me["roles"]) == {"operator", "resident"}
        assert me["departments"] == ["parks"]
        # The same address again is nothing any more, in whatever browser.
        again = home.request.url
        assert ada.get(again).status_code == 401
        assert eve.get(again).status_code == 401
        assert eve.get(f"{where}/account").status_code == 401
        # Another browser of hers; over there she has lost a role since: what she was ends everywhere.
        assert ada.get(f"{where}/account").status_code == 200
        theirs.user["groups"] = []
        sign_in(city, desk)
        assert desk.get(f"{where}/account").json()["roles"] == ["resident"]
        assert ada.get(f"{where}/account").status_code == 401
    said = city.log.read_text()
    assert SECRET not in said
    assert cookie.partition("=")[2].partition(";")[0] not in said


def test_an_account_that_is_closed_here_stays_closed(city, theirs):
    where = city.url.replace("127.0.0.1", "localhost")
    with browser() as ada:
        sign_in(city, ada)
        name = ada.get(f"{where}/account").json()["name"]
        token = {"authorization": f"Bearer {(city.folder / 'admin.token').read_text().strip()}"}
        told = httpx.patch(
            f"{city.url}/admin/people/{name}", json={"disabled": True}, headers=token, verify=KNOWN, trust_env=False
        )
        assert told.status_code == 200, told.text
        assert ada.get(f"{where}/account").status_code == 401
        assert sign_in(city, ada).status_code == 403
        assert ada.get(f"{where}/account").status_code == 401


def test_a_provider_is_asked_only_where_the_operator_lets_it(serve, theirs, tmp_path):
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "hansa.toml").write_text(TOML.format(issuer=theirs.url).replace("127.0.0.0/8", "10.9.9.9/32"))
    city = serve(trusted=False)
    told = city.get("/oidc/valley/login")
    assert told.status_code == 502
    assert theirs.url not in told.text
    assert theirs.seen == []


def test_a_city_that_no_provider_can_send_anybody_back_to_does_not_start(tmp_path, theirs):
    from hansa import settings
    from hansa.errors import BadRequest
    from hansa.serve.openids import openid_door

    (tmp_path / "hansa.toml").write_text(TOML.format(issuer=theirs.url))
    said = settings.load(tmp_path, {}, http="0.0.0.0:8080")
    with pytest.raises(BadRequest) as caught:
        openid_door(said, None, None, lambda: "")
    assert caught.value.where == "serve.url"
    openid_door(settings.load(tmp_path, {}, http="0.0.0.0:8080", url="https://city.example"), None, None, lambda: "")


def test_a_token_that_is_used_too_late_or_half_is_nobodys(city):
    for text in ("hansa_x", "hansa_aaaaaaaaaaaaaaaa_" + "A" * 43, "a.b.c", "x" * 9_000):
        headers = {"authorization": f"Bearer {text}"}
        assert city.get("/ngsi-ld/v1/entities?type=Alert", headers=headers).status_code == 401
