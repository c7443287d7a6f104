"""Sign-in by an OpenID provider: who comes in with what, and every way that is known to come in as somebody else."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import replace

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.responses import JSONResponse, RedirectResponse, Response

from hansa.errors import BadRequest, Busy, Forbidden, HansaError, NotFound, SourceFailed, Unauthenticated
from hansa.network.http import Egress
from hansa.network.openid import OpenidHosts
from hansa.platform.http import Headers, Request
from hansa.platform.openid import OpenidDoor
from hansa.trust import jose, openid
from hansa.trust.providers import Provider
from oidc_provider import SECRET, FakeProvider, part, query, run
from served import KNOWN

LOOPBACK = ["127.0.0.0/8"]
CITY = "http://localhost:8080"
MAP = {
    "roles": {"claim": "groups", "map": {"operators": ["operator"], "bosses": ["supervisor", "operator"]}},
    "departments": {"claim": ["city", "unit"], "map": {"7": ["parks"]}},
    "two_factors": {"claim": "amr", "values": ["mfa"]},
}


@pytest.fixture(scope="module")
def provider():
    with FakeProvider() as one:
        yield one


@pytest.fixture
def theirs(provider):
    provider.honest()
    return provider


class City:
    """The door as a browser finds it, without a city behind it."""

    def __init__(self, theirs, tmp_path, *, allow=LOOPBACK, origin=CITY, **more):
        self.theirs, self.allow, self.entered = theirs, allow, []
        self.at = time.time()
        (tmp_path / "secret").write_text(SECRET + "\n")
        said = {"issuer": theirs.url, "client_id": "hansa", "client_secret_file": "secret", **MAP, **more}
        self.provider = Provider.read("city", {name: value for name, value in said.items() if value is not None})
        self.other = replace(self.provider, name="other", issuer="https://other.example")
        self.door = OpenidDoor(
            {"city": self.provider, "other": self.other}, None, self.enter, origin=lambda: origin,
            folder=tmp_path, now=lambda: self.at,
        )  # fmt: skip
        self.anew()

    def anew(self):
        """What was fetched is forgotten, as when the city starts."""
        self.egress = Egress(self.allow)
        self.door._hosts = OpenidHosts(self.egress)

    async def enter(self, who, request, peer):
        self.entered.append(who)
        return [(b"set-cookie", b"hansa=secret; Path=/")]

    async def get(self, *path, said="", cookie="", accept=""):
        headers = Headers([(b"cookie", cookie.encode()), (b"accept", accept.encode())])
        return await self.door.handle(Request("GET", list(path), said.encode(), b"", headers), "127.0.0.1")

    async def begin(self, next_="/me", more=""):
        """Where the browser is sent, and the cookie that it keeps."""
        answer = await self.get("city", "login", said=f"next={next_}{more}")
        headers = dict(answer.headers)
        assert answer.status == 303
        return headers[b"location"].decode(), headers[b"set-cookie"].decode().partition(";")[0]

    async def consent(self, url):
        """What the provider sends the browser back with."""
        async with httpx.AsyncClient(verify=KNOWN, trust_env=False) as browser:
            return (await browser.get(url)).headers["location"].partition("?")[2]

    async def whole(self):
        url, cookie = await self.begin()
        return await self.get("city", "callback", said=await self.consent(url), cookie=cookie)

    def sign_in(self):
        async def work():
            try:
                return await self.whole()
            finally:
                await self.egress.aclose()

        self.anew()
        return run(work())


@pytest.fixture
def city(theirs, tmp_path):
    return City(theirs, tmp_path)


def refused(city, kind, where, **told):
    with pytest.raises(kind) as caught:
        city.sign_in()
    assert caught.value.where == where, caught.value.detail
    assert city.entered == []
    said = json.dumps(caught.value.problem())
    assert SECRET not in said
    assert city.theirs.url not in said, "what is where inside is nobody's business"
    return caught.value


# Coming in


def test_somebody_comes_in_with_what_his_claims_are_worth(city, theirs):
    theirs.user |= {"groups": ["bosses", "unknown"], "city": {"unit": "7"}, "amr": ["pwd", "mfa"]}
    answer = city.sign_in()
    (who,) = city.entered
    assert (who.roles, who.departments, who.two_factors) == ({"supervisor", "operator"}, {"parks"}, True)
    assert who.shown == "Ada Lovelace"
    assert who.account.startswith("city:")
    assert "4711" not in who.account
    cookies = [value for name, value in answer.headers if name == b"set-cookie"]
    assert dict(answer.headers)[b"location"] == b"/me"
    assert cookies[0].startswith(b"hansa-oidc=; ")
    assert b"Max-Age=0" in cookies[0]
    assert cookies[1] == b"hansa=secret; Path=/"
    assert theirs.authenticated == ["basic"]


def test_the_browser_is_sent_with_state_nonce_and_pkce(city, theirs):
    async def work():
        url, cookie = await city.begin()
        again, _ = await city.begin()
        await city.egress.aclose()
        return url, again, cookie

    url, again, cookie = run(work())
    said, other = query(url), query(again)
    assert url.startswith(f"{theirs.url}/authorize?")
    assert said["redirect_uri"] == f"{CITY}/oidc/city/callback"
    assert (said["code_challenge_method"], said["scope"]) == ("S256", "openid profile")
    for name in ("state", "nonce", "code_challenge"):
        assert len(said[name]) == 43
        assert said[name] != other[name]
        assert said[name] not in cookie
    assert "code_verifier" not in url


def test_the_providers_that_there_are_are_told(city):
    answer = run(city.get())
    assert json.loads(answer.body)[0] == {"name": "city", "title": "city", "login": "/oidc/city/login"}
    for path in (("none", "login"), ("city",), ("city", "logout"), ("city", "login", "x")):
        with pytest.raises(NotFound):
            run(city.get(*path))
    with pytest.raises(NotFound):
        run(city.door.handle(Request("POST", ["city", "callback"]), ""))


def test_over_https_the_cookie_cannot_be_set_by_another_host(theirs, tmp_path):
    city = City(theirs, tmp_path, origin="https://city.example")

    async def work():
        answer = await city.get("city", "login")
        await city.egress.aclose()
        return dict(answer.headers)[b"set-cookie"].decode()

    cookie = run(work())
    assert cookie.startswith("__Host-hansa-oidc=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure")


@pytest.mark.parametrize(
    "claims",
    [
        {"groups": None}, {"groups": "nothing"}, {"groups": ["administrator", "supervisor"]}, {"groups": 7},
        {"groups": {"operators": True}}, {"groups": [["operators"]]}, {"groups": ["Operators"]},
        {"groups": None, "roles": ["administrator"]},
    ],
)  # fmt: skip
def test_claims_that_the_settings_do_not_name_are_worth_nothing(city, theirs, claims):
    theirs.claims = claims
    refused(city, Forbidden, "roles")


def test_one_value_is_as_good_as_a_list_of_it_and_everyone_may_be_something(theirs, tmp_path):
    city = City(theirs, tmp_path, everyone=["resident"])
    theirs.claims = {"groups": "operators", "name": None, "preferred_username": "ada"}
    city.sign_in()
    assert city.entered[0].roles == {"operator", "resident"}
    assert (city.entered[0].shown, city.entered[0].two_factors, city.entered[0].departments) == (
        "ada",
        False,
        frozenset(),
    )


def test_the_same_person_is_the_same_account_and_no_other_is(city, theirs):
    async def work():
        await city.whole()
        await city.whole()
        theirs.user["sub"] = "4711-eve"
        await city.whole()
        await city.egress.aclose()

    run(work())
    first, again, other = (one.account for one in city.entered)
    assert first == again != other


# How the city shows itself


@pytest.mark.parametrize(
    ("document", "how"),
    [
        ({"token_endpoint_auth_methods_supported": ["client_secret_post"]}, "post"),
        ({"token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"]}, "basic"),
        ({}, "basic"),
    ],
)
def test_the_city_shows_its_secret_as_the_provider_takes_it(city, theirs, document, how):
    theirs.document = document
    city.sign_in()
    assert theirs.authenticated == [how]


@pytest.mark.parametrize("key", [OKPKey.generate_key(), ECKey.generate_key("P-256"), RSAKey.generate_key(2_048)])
def test_the_city_can_sign_instead(theirs, tmp_path, key):
    (tmp_path / "key").write_text(json.dumps({**key.as_dict(private=True), "x5t#S256": "mark"}))
    city = City(theirs, tmp_path, client_secret_file=None, client_key_file="key")
    city.sign_in()
    (assertion,) = theirs.authenticated
    rules = jose.Rules("hansa", frozenset({f"{theirs.url}/token"}), 60, needs=frozenset({"sub", "jti"}))
    claims = jose.validate(assertion, [jose.read_key(key.as_dict(private=False))], rules, time.time())
    assert claims["sub"] == "hansa"
    assert json.loads(jose.decode(assertion.split(".")[0]))["x5t#S256"] == "mark"


PUBLIC_HALF = json.dumps(OKPKey.generate_key().as_dict(private=False))


@pytest.mark.parametrize("body", ["", "{", "[]", '{"kty":"oct","k":"AAAA"}', PUBLIC_HALF], ids=range(5))
def test_a_key_file_that_holds_none_is_ours_to_mend(theirs, tmp_path, body):
    (tmp_path / "key").write_text(body)
    city = City(theirs, tmp_path, client_secret_file=None, client_key_file="key")
    with pytest.raises(HansaError):
        city.sign_in()
    assert city.entered == []


def test_a_secret_is_read_anew_and_its_lack_is_not_told_to_strangers(city, tmp_path):
    (tmp_path / "secret").unlink()
    fault = refused(city, SourceFailed, None)
    assert "secret" not in fault.detail


# The token


def signed_by(algorithm, key):
    return lambda said: part(JWSRegistry.algorithms[algorithm].sign(said.encode(), key))


def hmac_with(secret):
    return lambda said: part(hmac.new(secret, said.encode(), hashlib.sha256).digest())


def test_a_token_without_a_signature_or_with_another_kind_is_not_believed(city, theirs):
    pem = theirs.key.as_pem(private=False)
    eve, curve = RSAKey.generate_key(2_048), ECKey.generate_key("P-256")
    for header, sign, where in (
        ({"alg": "none"}, lambda _: "AAAA", "alg"),
        ({"alg": "none"}, lambda _: "", "token"),
        ({"alg": "HS256"}, hmac_with(pem), "alg"),
        ({"alg": "HS256"}, hmac_with(theirs.key.as_dict(private=False)["n"].encode()), "alg"),
        ({"alg": "RS256"}, signed_by("RS256", eve), "signature"),
        ({"alg": "PS256"}, signed_by("PS256", theirs.key), "alg"),
        ({"alg": "ES256"}, signed_by("ES256", curve), "alg"),
        ({"jwk": eve.as_dict(private=False)}, signed_by("RS256", eve), "signature"),
        ({"kid": "../../../../dev/null"}, None, "signature"),
        ({"kid": "https://evil.example/keys"}, None, "signature"),
        ({"kid": None, "jku": "https://evil.example/keys"}, signed_by("RS256", eve), "signature"),
        ({"crit": ["x"], "x": 1}, None, "crit"),
        ({"typ": "at+jwt"}, None, "typ"),
    ):  # fmt: skip
        theirs.header, theirs.sign = header, sign
        refused(city, Unauthenticated, where)


def test_keys_of_another_kind_in_the_set_sign_nothing(city, theirs):
    """Key confusion: the public key, handed out as a symmetric one too, must not make a secret of itself."""
    secret = theirs.key.as_pem(private=False)
    jwk = theirs.key.as_dict(private=False)
    theirs.document = {"id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]}
    theirs.answers["/keys"] = lambda _: JSONResponse({"keys": [{"kty": "oct", "k": part(secret), "kid": "o"}, jwk]})
    theirs.header, theirs.sign = {"alg": "HS256", "kid": "o"}, hmac_with(secret)
    refused(city, Unauthenticated, "alg")
    theirs.header, theirs.sign = {}, None
    city.sign_in()


class Since(int):
    """So many seconds from when the test runs, which may be long after it was collected."""


@pytest.mark.parametrize(
    ("claims", "where"),
    [
        ({"nonce": "another"}, "nonce"), ({"nonce": None}, "nonce"), ({"nonce": ""}, "nonce"), ({"nonce": 7}, "nonce"),
        ({"iss": "https://other.example"}, "iss"), ({"iss": None}, "iss"),
        ({"aud": "another"}, "aud"), ({"aud": ["hansa", "another"]}, "aud"), ({"aud": None}, "aud"),
        ({"azp": "another"}, "azp"), ({"exp": 1_000}, "exp"), ({"exp": None}, "exp"),
        ({"iat": 1_000}, "exp"), ({"iat": Since(-700)}, "iat"), ({"iat": Since(300)}, "iat"),
        ({"nbf": Since(300)}, "nbf"), ({"sub": None}, "sub"), ({"sub": ""}, "sub"), ({"sub": "x" * 300}, "sub"),
    ],
)  # fmt: skip
def test_a_claim_that_is_not_right_is_not_believed(city, theirs, claims, where):
    now = time.time()
    theirs.claims = {name: now + said if isinstance(said, Since) else said for name, said in claims.items()}
    refused(city, Unauthenticated, where)


def test_a_token_for_this_client_alone_may_name_it_twice(city, theirs):
    theirs.claims = {"aud": ["hansa"], "azp": "hansa"}
    city.sign_in()
    assert city.entered


def test_whoever_is_to_show_again_who_he_is_does_so_over_there(city, theirs):
    """A desk that somebody left is still signed in over there; that is no proof."""

    async def work(**claims):
        theirs.claims = claims
        url, cookie = await city.begin(more="&step=up")
        assert (query(url)["prompt"], query(url)["max_age"]) == ("login", "0")
        return await city.get("city", "callback", said=await city.consent(url), cookie=cookie)

    async def all_of_it():
        now = time.time()
        for wrong in (
            {},
            {"auth_time": now - 3_600},
            {"auth_time": now + 3_600},
            {"auth_time": "now"},
            {"auth_time": True},
        ):
            with pytest.raises(Unauthenticated) as caught:
                await work(**wrong)
            assert caught.value.where == "auth_time"
        await work(auth_time=int(now))
        theirs.claims = {"auth_time": 1_000}
        await city.whole()
        theirs.claims = {}
        await city.whole()
        await city.egress.aclose()
        return int(now)

    now = run(all_of_it())
    assert [one.proven for one in city.entered] == [now, 1_000, 0]


def test_a_person_who_does_not_come_in_is_led_to_the_page_of_sign_in(city, theirs):
    async def work():
        url, cookie = await city.begin()
        said = await city.consent(url)
        found = [await city.get("city", "callback", said=said, accept="text/html,*/*;q=0.8")]
        theirs.claims = {"groups": []}
        found.append(await city.get("city", "callback", said=said, cookie=cookie, accept="text/html"))
        await city.egress.aclose()
        city.anew()
        theirs.answers["/.well-known/openid-configuration"] = lambda _: Response(status_code=503)
        found.append(await city.get("city", "login", accept="text/html"))
        await city.egress.aclose()
        return [(one.status, dict(one.headers)[b"location"]) for one in found]

    assert run(work()) == [
        (303, b"/sign-in?failed=city&why=cookie"),
        (303, b"/sign-in?failed=city&why=roles"),
        (303, b"/sign-in?failed=city&why="),
    ]
    assert city.entered == []


# Keys that rotate


def test_a_new_key_is_asked_for_once_and_found(theirs, tmp_path):
    city = City(theirs, tmp_path)
    clock = [0.0]
    city.door._hosts._now = lambda: clock[0]

    async def work():
        await city.whole()
        await city.whole()
        assert theirs.count("/keys") == 1
        theirs.rotate()
        with pytest.raises(Unauthenticated):  # asked for just now, and not again
            await city.whole()
        assert theirs.count("/keys") == 1
        clock[0] = 31.0
        await city.whole()
        assert theirs.count("/keys") == 2
        theirs.header = {"kid": "unknown"}
        for _ in range(5):
            with pytest.raises(Unauthenticated):
                await city.whole()
        assert theirs.count("/keys") == 2, "tokens that nobody signed do not make us ask"
        theirs.header = {}
        clock[0] = 700.0
        theirs.answers["/keys"] = lambda _: JSONResponse({"keys": []})
        with pytest.raises(Unauthenticated):  # a key that was withdrawn is believed ten minutes longer, and then not
            await city.whole()
        await city.egress.aclose()

    run(work())
    assert theirs.count("/.well-known/openid-configuration") == 1


# What the browser brings


def test_what_another_browser_began_is_nobodys(city, theirs):
    async def work():
        url, cookie = await city.begin()
        _, eve = await city.begin()
        said = await city.consent(url)
        for kept in (
            "",
            eve,
            "hansa-oidc=",
            "hansa-oidc=AAAA",
            cookie[:-1],
            cookie[:-4] + "AAAA",
            cookie.upper(),
            "hansa-oidc=" + "A" * 5_000,
        ):
            with pytest.raises(Unauthenticated):
                await city.get("city", "callback", said=said, cookie=kept)
        for wrong in (
            "code=x",
            "state=x&code=y",
            said.replace("state=", "state=a"),
            "",
            "code=a&state=",
            said.replace("code=", "c="),
        ):
            with pytest.raises(Unauthenticated):
                await city.get("city", "callback", said=wrong, cookie=cookie)
        with pytest.raises(BadRequest):
            await city.get("city", "callback", said=said + "&code=other", cookie=cookie)
        assert theirs.count("/token") == 0
        assert city.entered == []
        with pytest.raises(Unauthenticated):  # of several, the first that opens is the one: a browser has one
            await city.get("city", "callback", said=said, cookie=f"{eve}; {cookie}")
        await city.get("city", "callback", said=said, cookie=f"a=b; hansa-oidc=old; {cookie}")
        await city.egress.aclose()

    run(work())
    assert len(city.entered) == 1


def test_what_came_back_once_does_not_come_back_twice(city, theirs):
    async def work():
        url, cookie = await city.begin()
        said = await city.consent(url)
        await city.get("city", "callback", said=said, cookie=cookie)
        for again in (said, await city.consent(url)):
            with pytest.raises(Unauthenticated, match="used before"):
                await city.get("city", "callback", said=again, cookie=cookie)
        await city.egress.aclose()

    run(work())
    assert len(city.entered) == 1
    assert theirs.count("/token") == 1


def test_a_sign_in_that_took_too_long_is_begun_anew(city):
    async def work():
        url, cookie = await city.begin()
        said = await city.consent(url)
        city.at += 601
        with pytest.raises(Unauthenticated, match="too long"):
            await city.get("city", "callback", said=said, cookie=cookie)
        await city.egress.aclose()

    run(work())


def test_the_answer_of_one_provider_is_not_taken_to_another(city, theirs):
    """Mix-up (RFC 9207): without this, an evil provider would get a good one's code."""
    for returns in ({"iss": "https://evil.example"}, {"iss": ""}):
        theirs.returns = returns
        refused(city, Unauthenticated, "iss")

    async def work():
        url, cookie = await city.begin()
        said = await city.consent(url)
        theirs.answers["/.well-known/openid-configuration"] = None
        with pytest.raises(HansaError):
            await city.get("other", "callback", said=said, cookie=cookie)
        silent = "&".join(one for one in said.split("&") if not one.startswith("iss="))
        with pytest.raises(Unauthenticated) as caught:
            await city.get("city", "callback", said=silent, cookie=cookie)
        assert caught.value.where == "iss"
        await city.egress.aclose()

    theirs.returns = {}
    run(work())
    assert city.entered == []
    assert theirs.count("/token") == 0


def test_a_provider_that_never_names_itself_is_taken_without(city, theirs):
    theirs.document = {"authorization_response_iss_parameter_supported": None}

    async def work():
        url, cookie = await city.begin()
        said = "&".join(one for one in (await city.consent(url)).split("&") if not one.startswith("iss="))
        await city.get("city", "callback", said=said, cookie=cookie)
        await city.egress.aclose()

    run(work())
    assert city.entered


@pytest.mark.parametrize("error", ["access_denied", "<script>alert(1)</script>", "x" * 500, "%0d%0aSet-Cookie: a=b"])
def test_a_refusal_over_there_is_told_in_our_words(city, theirs, error):
    theirs.returns = {"error": error}
    fault = refused(city, Unauthenticated, "error")
    assert fault.detail == f"city says {error if error == 'access_denied' else 'an error'}"


@pytest.mark.parametrize(
    "next_",
    [
        *(
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "",
            "me",
        ),
        *(
            "/%0d%0aSet-Cookie:a=b",
            "/a%0ab",
            "/" + "a" * 600,
            "%2F%2Fevil.example",
            "/%09/evil.example",
            "/ü",
            "/a%20b",
        ),
    ],
)
def test_nobody_is_sent_elsewhere_afterwards(city, next_):
    async def work():
        answer = await city.get("city", "login", said=f"next={next_}" if next_.isascii() else "next=%2F%C3%BC")
        cookie = dict(answer.headers)[b"set-cookie"].decode().partition(";")[0]
        said = await city.consent(dict(answer.headers)[b"location"].decode())
        back = await city.get("city", "callback", said=said, cookie=cookie)
        await city.egress.aclose()
        return dict(back.headers)[b"location"]

    assert run(work()) == b"/"


# The provider itself


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"issuer": "https://other.example"}, "issuer"), ({"issuer": None}, "issuer"),
        ({"authorization_endpoint": None}, "authorization_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
        ({"token_endpoint": "http://evil.example/token"}, "token_endpoint"), ({"token_endpoint": 7}, "token_endpoint"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"), ({"jwks_uri": "http://169.254.169.254/latest"}, "jwks_uri"),
        ({"jwks_uri": "https://a:b@evil.example/"}, "jwks_uri"), ({"jwks_uri": "https://[::1/"}, "jwks_uri"),
        ({"response_types_supported": ["id_token"]}, "response_types_supported"),
        ({"code_challenge_methods_supported": ["plain"]}, "code_challenge_methods_supported"),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, "id_token_signing_alg_values_supported"),
    ],
)  # fmt: skip
def test_a_description_that_is_not_safe_is_not_followed(city, theirs, document, where):
    with pytest.raises(SourceFailed) as caught:
        openid.Described.read(city.provider, theirs._described() | document)
    assert caught.value.where == where
    theirs.document = document
    refused(city, SourceFailed, None)


@pytest.mark.parametrize("said", [None, [], "x", 7])
def test_what_is_no_description_is_none(city, said):
    with pytest.raises(SourceFailed):
        openid.Described.read(city.provider, said)


def test_the_description_of_another_address_is_not_asked_for_inside(theirs, tmp_path):
    """SSRF: a description may name any host, and the wall judges each."""
    city = City(theirs, tmp_path)
    for inner in (
        "https://10.0.0.1/keys",
        "https://169.254.169.254/keys",
        "https://[fd00::1]/keys",
        "https://192.168.1.1:8443/",
    ):
        theirs.document = {"jwks_uri": inner}
        refused(city, SourceFailed, None)
        city = City(theirs, tmp_path)
        theirs.document = {"token_endpoint": inner}
        refused(city, SourceFailed, None)
        city = City(theirs, tmp_path)


def test_a_provider_inside_is_not_asked_unless_the_operator_lets_it(theirs, tmp_path):
    refused(City(theirs, tmp_path, allow=[]), SourceFailed, None)
    assert theirs.seen == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
def test_no_redirect_is_followed(city, theirs, path, status):
    theirs.answers[path] = lambda _: RedirectResponse(f"{theirs.url}/elsewhere", status)
    refused(city, SourceFailed, None)
    assert theirs.count("/elsewhere") == 0, "a secret or a code would have gone there"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
@pytest.mark.parametrize(
    "answer",
    [
        Response(b"x" * 1_000_001, media_type="application/json"), Response(b"{}", status_code=500),
        Response(b"<html>", media_type="text/html"), Response(b"{", media_type="application/json"),
        Response(b"[]", media_type="application/json"), Response(b"[" * 10_000, media_type="application/json"),
        Response(b"", status_code=204), Response(b"null", media_type="application/json"),
    ],
)  # fmt: skip
def test_whatever_a_provider_answers_nobody_comes_in(city, theirs, path, answer):
    theirs.answers[path] = lambda _: answer
    refused(city, SourceFailed, None)


def test_keys_of_more_than_a_megabyte_are_not_read(city, theirs):
    padding = [{"kty": "RSA", "n": "A" * 20_000, "e": "AQAB"}] * 60
    theirs.answers["/keys"] = lambda _: JSONResponse({"keys": [*padding, theirs.key.as_dict(private=False)]})
    refused(city, SourceFailed, None)


def test_a_provider_that_failed_is_not_asked_again_at_once(theirs, tmp_path):
    city = City(theirs, tmp_path)
    clock = [0.0]
    city.door._hosts._now = lambda: clock[0]
    theirs.answers["/.well-known/openid-configuration"] = lambda _: Response(status_code=503)

    async def work():
        for _ in range(10):
            with pytest.raises(SourceFailed):
                await city.begin()
        assert theirs.count("/.well-known/openid-configuration") == 1
        del theirs.answers["/.well-known/openid-configuration"]
        clock[0] = 6.0
        await asyncio.gather(*(city.begin() for _ in range(20)))
        assert theirs.count("/.well-known/openid-configuration") == 2, "one asks, all hear"
        await city.egress.aclose()

    run(work())


def test_so_many_may_wait_and_no_more(city, theirs):
    async def work():
        found = await asyncio.gather(*(city.begin() for _ in range(150)), return_exceptions=True)
        assert sum(isinstance(one, Busy) for one in found) == 50
        assert sum(isinstance(one, tuple) for one in found) == 100
        await city.egress.aclose()

    run(work())


# Settings

SOUND = {"issuer": "https://login.city.example/realms/city", "client_id": "hansa"}


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"issuer": None}, "issuer"), ({"client_id": ""}, "client_id"), ({"issuer": "http://login.example"}, "issuer"),
        ({"issuer": "login.city.example"}, "issuer"), ({"issuer": "https://"}, "issuer"), ({"issuer": 7}, "issuer"),
        ({"issuer": "https://a:b@login.example"}, "issuer"), ({"issuer": "https://login.example/#x"}, "issuer"),
        ({"issuer": "https://login.example:99999"}, "issuer"),
        ({"client_secret": "x"}, "client_secret"),
        ({"client_secret_file": "a", "client_key_file": "b"}, "client_key_file"),
        ({"scopes": ["profile"]}, "scopes"), ({"scopes": "openid"}, "scopes"), ({"scopes": ["openid", "a b"]},"scopes"),
        ({"everyone": ["king"]}, "everyone"), ({"everyone": ["device"]}, "everyone"), ({"title": "a\nb"}, "title"),
        ({"roles": {"claim": "groups"}}, "roles"), ({"roles": {"claim": "", "map": {}}}, "roles"),
        ({"roles": {"claim": "groups", "map": {"a": ["king"]}}}, "roles"), ({"roles": "groups"}, "roles"),
        ({"roles": {"claim": [], "map": {}}}, "roles"),
        ({"departments": {"claim": "d", "map": {"a": ["b c"]}}}, "departments"),
        ({"two_factors": {"claim": "amr"}}, "two_factors"),
        ({"two_factors": {"claim": "amr", "values": []}}, "two_factors"),
        ({"two_factors": {"claim": "amr", "values": [True]}}, "two_factors"), ({"roels": {}}, "roels"),
    ],
)  # fmt: skip
def test_a_setting_that_is_not_right_is_named(said, where):
    table = {name: value for name, value in {**SOUND, **said}.items() if value is not None}
    with pytest.raises(BadRequest) as caught:
        Provider.read("city", table)
    assert caught.value.where == f"trust.openid.city.{where}"


@pytest.mark.parametrize("name", ["", "City", "a/b", "../x", "a" * 33, "7a"])
def test_a_provider_has_a_name_that_stands_in_a_path(name):
    with pytest.raises(BadRequest):
        Provider.read(name, SOUND)


def test_by_default_nobody_is_anything():
    sound = Provider.read("city", SOUND)
    assert (sound.everyone, sound.roles.map, sound.departments.map, sound.two_factors.map) == (frozenset(), {}, {}, {})
    assert sound.roles.worth({"groups": ["administrator"], "": "x"}) == frozenset()
