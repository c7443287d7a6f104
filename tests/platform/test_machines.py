"""Services and tokens as they are kept: who bears one, for how long, and that nothing taken away comes back."""

import asyncio
import json
import sqlite3
import time

import orjson
import pytest
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from hansa.clock import SECOND
from hansa.errors import AlreadyExists, BadRequest, Busy, NotFound, Unauthenticated
from hansa.limits import Limits
from hansa.platform.http import Headers, Request
from hansa.platform.machine_doors import MachineDesk, TokenDoor
from hansa.platform.machines import Machines
from hansa.trust import jose, tokens
from hansa.trust.actors import PASSKEY, SINGLE, TWO_FACTORS, Actor
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight

CITY = "https://city.example"
GRANT = (
    "grant_type=client_credentials"
    "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
)
NOW = 1_800_000_000 * SECOND
DAY = 86_400 * SECOND
KEY = OKPKey.generate_key("Ed25519")
PUBLIC = KEY.as_dict(private=False)
ADA = Actor("person:ada", frozenset({"operator", "engineer"}), frozenset({"parks"}), PASSKEY, "passkey", "s1")


class Wall:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def opened(tmp_path, wall):
    """Open the city's machines, again and again; the file stays."""
    begun: list[Machines] = []

    def open_(**more) -> Machines:
        if begun:
            begun.pop().close()
        people = {"person:ada": ADA}
        begun.append(Machines(tmp_path / "trust.db", None, people=people.get, now=wall, **more))
        return begun[-1]

    yield open_
    for one in begun:
        one.close()


@pytest.fixture
def machines(opened):
    return opened()


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


def service(**more):
    said = {"name": "ledger", "roles": ["member"], "departments": ["parks"], "keys": [PUBLIC]}
    return tokens.service_of({**said, **more}, NOW, "administrator")


def signed(wall, signer=KEY, header=None, **changed):
    now = wall.at / SECOND
    claims = {
        "iss": "ledger",
        "sub": "ledger",
        "aud": CITY,
        "iat": now,
        "exp": now + 60,
        "jti": str(time.perf_counter_ns()),
    }
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    text = ".".join(jose.encode(json.dumps(part).encode()) for part in (header or {"alg": "EdDSA"}, claims))
    return f"{text}.{jose.encode(JWSRegistry.algorithms['Ed25519'].sign(text.encode(), signer))}"


def issue(machines, assertion, scope=()):
    return run(machines.issue("ledger", assertion, frozenset({CITY}), list(scope)))


# Tokens that somebody made


def test_a_token_says_whose_it_is_until_it_ends(machines, wall):
    run(machines.add(service()))
    token, text = run(machines.make("service:ledger", "person:ada", days=2, scope=frozenset({"read:Alert"})))
    assert machines.bearer(text) == Actor(
        "service:ledger", frozenset({"service", "member"}), frozenset({"parks"}), SINGLE, "token", token.id,
        frozenset({"read:Alert"}),
    )  # fmt: skip
    wall.at += 2 * DAY - 1
    assert machines.bearer(text) is not None
    wall.at += 1
    assert machines.bearer(text) is None
    assert machines.tokens() == []


def test_a_token_bears_of_a_person_what_he_is_now(machines):
    _, text = run(
        machines.make("person:ada", "person:ada", days=1, scope=frozenset({"read"}), roles=frozenset({"engineer"}))
    )
    assert machines.bearer(text).roles == {"engineer"}
    machines.people = {"person:ada": Actor("person:ada", frozenset({"operator"}))}.get
    assert machines.bearer(text).roles == frozenset(), "a role that he lost is lost to his tokens"
    machines.people = {}.get
    assert machines.bearer(text) is None


def test_a_text_that_is_nearly_a_token_is_none(machines):
    run(machines.add(service()))
    token, text = run(machines.make("service:ledger", "x", days=1, scope=frozenset({"read"})))
    secret = text.rsplit("_", 1)[1] if text.count("_") == 2 else text[6 + 17 :]
    last = "A" if text[-1] != "A" else "B"
    near = [
        text[:-1],
        text + "A",
        text[:-1] + last,
        text.upper(),
        " " + text,
        text + "\n",
        text.replace("hansa", "hansb"),
    ]
    parts = [f"hansa_{token.id}_", f"hansa_{'a' * 16}_{secret}", secret, token.id, "", "hansa__", "a.b.c"]
    for other in (*near, *parts):
        assert machines.bearer(other) is None
    assert machines.bearer(text) is not None


def test_a_token_that_was_revoked_stays_revoked(opened):
    machines = opened()
    run(machines.add(service()))
    token, text = run(machines.make("service:ledger", "x", days=1, scope=frozenset({"read"})))
    _, other = run(machines.make("service:ledger", "x", days=1, scope=frozenset({"read"})))
    assert machines.bearer(text)
    run(machines.revoke(token.id))
    assert machines.bearer(text) is None
    with pytest.raises(NotFound):
        run(machines.revoke(token.id))
    machines = opened()
    assert machines.bearer(text) is None
    assert machines.bearer(other) is not None


def test_a_service_that_is_shut_out_is_silent_at_once_and_for_ever(opened, wall):
    machines = opened()
    run(machines.add(service()))
    _, made = run(machines.make("service:ledger", "x", days=1, scope=frozenset({"read"})))
    _, got = issue(machines, signed(wall))
    who = machines.bearer(got)
    assert machines.bearer(made)
    run(machines.change(tokens.revoked(machines.service("ledger"), wall.at)))
    for _ in range(2):
        assert machines.bearer(made) is None
        assert machines.bearer(got) is None
        assert machines.current(who) is None
        with pytest.raises(Unauthenticated):
            issue(machines, signed(wall))
        with pytest.raises(AlreadyExists, match="or was"):
            run(machines.add(service()))
        machines = opened()
    assert machines.services()[0].revoked_at == wall.at


def test_nothing_of_a_secret_is_in_the_file(opened, wall, tmp_path):
    machines = opened()
    run(machines.add(service()))
    _, made = run(machines.make("service:ledger", "x", days=1, scope=frozenset({"read"}), note="for the ledger"))
    assertion = signed(wall)
    _, got = issue(machines, assertion)
    machines.bearer(made)
    run(machines.flush())
    opened()
    for file in tmp_path.iterdir():
        raw = file.read_bytes()
        for secret in (made, got, made[23:], got[23:], assertion, assertion.rsplit(".", 1)[1]):
            assert secret.encode() not in raw, file
    held = sqlite3.connect(tmp_path / "trust.db").execute("SELECT count(*) FROM machine_token").fetchone()
    assert held == (2,)
    assert (tmp_path / "trust.db").stat().st_mode & 0o077 == 0


def test_the_last_use_is_written_once_a_minute_and_at_the_end(opened, wall):
    machines = opened()
    run(machines.add(service()))
    token, text = run(machines.make("service:ledger", "x", days=1, scope=frozenset({"read"})))
    wall.at += 5 * SECOND
    machines.bearer(text)
    assert opened().tokens()[0].used_at == NOW + 5 * SECOND
    assert token.id


@pytest.mark.parametrize("days", [None, 0, -1, 367, True, "7", float("inf"), float("nan"), 10**30, []])
def test_a_token_without_an_end_in_sight_is_not_made(machines, days):
    run(machines.add(service()))
    with pytest.raises(BadRequest) as caught:
        run(machines.make("service:ledger", "x", days=days, scope=frozenset({"read"})))
    assert caught.value.where == "days"


def test_one_owner_has_so_many_tokens_and_no_more(opened):
    machines = opened(limits=Limits(tokens=2, services=1))
    run(machines.add(service()))
    with pytest.raises(BadRequest, match="services are the most"):
        run(machines.add(service(name="other", keys=[])))
    for _ in range(2):
        run(machines.make("service:ledger", "x", days=1, scope=frozenset({"read"})))
    with pytest.raises(BadRequest, match="tokens of one owner"):
        run(machines.make("service:ledger", "x", days=1, scope=frozenset({"read"})))


def test_what_was_begun_with_a_token_ends_with_it(machines, wall):
    """A subscription keeps who made it: it goes on as he is now, and not at all when his token is gone."""
    run(machines.add(service(roles=["member", "operator"])))
    token, text = run(
        machines.make("service:ledger", "x", days=1, scope=frozenset({"read"}), roles=frozenset({"operator"}))
    )
    who = machines.bearer(text)
    assert machines.current(who) == who
    _, mine = run(machines.make("person:ada", "person:ada", days=1, scope=frozenset({"read"})))
    ada = machines.bearer(mine)
    machines.people = {"person:ada": Actor("person:ada", frozenset({"operator"}))}.get
    assert machines.current(ada).roles == {"operator"}
    assert machines.current(ADA) is ADA, "whoever came by a session is not our business"
    told = []
    machines.renewed = lambda: told.append(machines.current(who))
    run(machines.revoke(token.id))
    assert told == [None], "what was decided for it is decided again, when it is gone already"
    wall.at += DAY
    assert machines.current(ada) is None
    run(machines.flush())
    assert len(told) == 2
    run(machines.flush())
    run(machines.change(tokens.with_key(machines.service("ledger"), jose.read_key(OKPKey.generate_key().as_dict()))))
    assert len(told) == 3


# Tokens for a signature


def test_a_service_gets_a_token_for_its_signature_and_ten_minutes(machines, wall):
    run(machines.add(service(scope=["read", "write:Alert"])))
    token, text = issue(machines, signed(wall))
    who = machines.bearer(text)
    assert (who.id, who.assurance, who.method) == ("service:ledger", TWO_FACTORS, "private_key_jwt")
    assert who.scope == {"read", "write:Alert"}
    assert machines.bearer(issue(machines, signed(wall), ["read:Alert"])[1]).scope == {"read:Alert"}
    assert machines.tokens() == [], "it is none that somebody made"
    with pytest.raises(NotFound):
        run(machines.revoke(token.id))
    wall.at += 600 * SECOND
    assert machines.bearer(text) is None
    assert machines.current(who) == who, "what was begun with it goes on"


@pytest.mark.parametrize("scope", ["write", "read:Alert write", "admin", "delete:Alert nonsense"])
def test_a_service_gets_no_more_than_it_is_for(machines, wall, scope):
    run(machines.add(service(scope=["read", "update:Alert"])))
    with pytest.raises(BadRequest) as caught:
        issue(machines, signed(wall), scope.split())
    assert caught.value.where == "scope"


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"aud": "https://evil.example"}, "aud"), ({"aud": [CITY, "x"]}, "aud"), ({"aud": None}, "aud"),
        ({"sub": "other"}, "sub"), ({"sub": None}, "sub"), ({"iss": "other"}, "iss"), ({"jti": None}, "jti"),
        ({"exp": None}, "exp"), ({"exp": 1}, "exp"), ({"exp": 1_800_000_000 + 301}, "exp"), ({"iat": None}, "iat"),
        ({"nbf": 1_800_000_000 + 99}, "nbf"), ({"header": {"alg": "none"}}, "alg"),
        ({"header": {"alg": "HS256"}}, "alg"),
        ({"header": {"alg": "ES256"}}, "signature"), ({"header": {"alg": "EdDSA", "typ": "at+jwt"}}, "typ"),
        ({"header": {"alg": "EdDSA", "kid": "../../etc/passwd"}}, "signature"),
        ({"header": {"alg": "EdDSA", "crit": ["exp"]}}, "crit"), ({"signer": OKPKey.generate_key()}, "signature"),
        ({"header": {"alg": "EdDSA", "jwk": PUBLIC}, "signer": OKPKey.generate_key()}, "signature"),
    ],
)  # fmt: skip
def test_a_signature_that_is_not_quite_right_gets_nothing(machines, wall, changed, where):
    run(machines.add(service()))
    with pytest.raises(Unauthenticated) as caught:
        issue(machines, signed(wall, **changed))
    assert caught.value.where == where
    assert len(machines._tokens) == 0


def test_a_signature_is_used_once_whatever_happens_between(opened, wall):
    machines = opened()
    run(machines.add(service()))
    assertion = signed(wall)
    issue(machines, assertion)
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="used before"):
            issue(machines, assertion)
        machines = opened()
    assert issue(machines, signed(wall))


def test_of_many_at_once_with_one_signature_one_gets_a_token(machines, wall):
    run(machines.add(service()))
    assertion = signed(wall)

    async def all_at_once():
        asked = [machines.issue("ledger", assertion, frozenset({CITY}), []) for _ in range(20)]
        return await asyncio.gather(*asked, return_exceptions=True)

    found = run(all_at_once())
    assert sum(isinstance(one, tuple) for one in found) == 1
    assert sum(isinstance(one, Unauthenticated) for one in found) == 19


def test_used_signatures_are_forgotten_when_they_have_ended_and_never_before(opened, wall, monkeypatch):
    monkeypatch.setattr("hansa.platform.machines._SPENT", 3)
    machines = opened()
    run(machines.add(service()))
    first = signed(wall)
    issue(machines, first)
    for _ in range(2):
        issue(machines, signed(wall))
    with pytest.raises(Busy):
        issue(machines, signed(wall))
    wall.at += 89 * SECOND
    run(machines.flush())
    with pytest.raises(Unauthenticated, match=r"ended|used before"):
        issue(machines, first)
    wall.at += 2 * SECOND
    run(machines.flush())
    assert machines._spent == {}
    issue(machines, signed(wall))


def test_a_service_has_so_many_tokens_at_once_and_the_oldest_goes(machines, wall, monkeypatch):
    monkeypatch.setattr("hansa.platform.machines._ACCESS", 3)
    run(machines.add(service()))
    texts = [issue(machines, signed(wall))[1] for _ in range(5)]
    assert [machines.bearer(one) is not None for one in texts] == [False, False, True, True, True]


def test_a_key_that_was_taken_away_signs_nothing_any_more(machines, wall):
    run(machines.add(service()))
    new = OKPKey.generate_key()
    one = machines.service("ledger")
    both = tokens.with_key(one, jose.read_key(new.as_dict(private=False)))
    run(machines.change(both))
    old_kid, new_kid = (key.kid for key in both.keys)
    issue(machines, signed(wall, header={"alg": "EdDSA", "kid": old_kid}))
    _, text = issue(machines, signed(wall, signer=new, header={"alg": "EdDSA", "kid": new_kid}))
    assert machines.bearer(text)
    run(machines.change(tokens.without_key(both, old_kid)))
    assert machines.bearer(text) is None
    with pytest.raises(Unauthenticated):
        issue(machines, signed(wall, header={"alg": "EdDSA", "kid": old_kid}))
    issue(machines, signed(wall, signer=new))


def test_a_key_that_is_taken_away_while_its_token_is_written_gives_none(machines, wall):
    run(machines.add(service()))

    async def race():
        asked = asyncio.create_task(machines.issue("ledger", signed(wall), frozenset({CITY}), []))
        await asyncio.sleep(0)
        await machines.change(tokens.revoked(machines.service("ledger"), wall.at))
        return await asyncio.gather(asked, return_exceptions=True)

    (found,) = run(race())
    assert isinstance(found, Unauthenticated)
    assert len(machines._tokens) == 0


# The doors


def ask(door, method, *path, body=None, sight=ADMINISTRATOR, form=None, headers=()):
    raw = b"" if body is None else orjson.dumps(body)
    kind = (b"content-type", b"application/json")
    if form is not None:
        raw, kind = form.encode(), (b"content-type", b"application/x-www-form-urlencoded")
    answer = run(door(Request(method, list(path), b"", raw, Headers([kind, *headers]), sight)))
    return answer.status, orjson.loads(answer.body) if answer.body else None


def seen(who):
    return Sight(who.id, classes=frozenset(), who=who)


def test_an_administrator_adds_a_service_and_it_gets_its_token(machines, wall):
    heard = []

    def note(kind, actor, what, *, session=""):
        heard.append((kind, actor, session))
        told.append(json.dumps(what))

    told = []
    desk = MachineDesk(machines, note)
    door = TokenDoor(machines, lambda: frozenset({CITY}), note)
    status, made = ask(
        desk.services, "POST", body={"name": "ledger", "roles": ["member"], "keys": [PUBLIC], "scope": ["read"]}
    )
    assert (status, made["name"], made["keys"][0]["algorithms"]) == (201, "ledger", ["Ed25519", "EdDSA"])
    assert [one["name"] for one in ask(desk.services, "GET")[1]] == ["ledger"]
    status, got = ask(door.handle, "POST", form=f"{GRANT}&client_assertion={signed(wall)}", sight=NOBODY)
    assert (status, got["token_type"], got["expires_in"], got["scope"]) == (200, "Bearer", 600, "read")
    assert machines.bearer(got["access_token"]).id == "service:ledger"
    status, refused = ask(door.handle, "POST", form=f"{GRANT}&client_assertion={signed(wall, aud='x')}", sight=NOBODY)
    assert (status, refused["error"]) == (401, "invalid_client")
    assert [kind for kind, *_ in heard] == ["people", "login", "login-failed"]
    assert heard[1][1:] == ("service:ledger", machines.bearer(got["access_token"]).session)
    assert not any(got["access_token"] in text or got["access_token"][23:] in text for text in told)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("", "unsupported_grant_type"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=client_credentials", "invalid_client"),
        ("grant_type=client_credentials&client_id=ledger&client_secret=x", "invalid_client"),
        ("{G}&client_assertion=", "invalid_client"),
        ("{G}&client_assertion=a.b.c", "invalid_client"),
        ("{G}&client_assertion={A}&client_assertion={A}", "invalid_request"),
        ("{G}&client_assertion={A}&client_id=other", "invalid_client"),
        ("{G}&client_assertion={A}&scope=nonsense", "invalid_scope"),
        ("{G}&client_assertion={A}&scope=write", "invalid_scope"),
        ("%ff=%fe", "invalid_request"),
        ("a" * 40_000, "invalid_request"),
        ("&".join(f"a{n}=1" for n in range(30)), "invalid_request"),
    ],
)
def test_what_is_wrong_with_a_request_for_a_token_is_said_in_the_words_of_its_standard(machines, wall, form, error):
    run(machines.add(service(scope=["read"])))
    form = form.replace("{G}", GRANT).replace("{A}", signed(wall))
    status, told = ask(TokenDoor(machines, lambda: frozenset({CITY})).handle, "POST", form=form, sight=NOBODY)
    assert (status, told["error"]) == (401 if error == "invalid_client" else 400, error)
    assert set(told) == {"error", "error_description"}


def test_an_unknown_service_and_a_wrong_signature_are_told_alike(machines, wall):
    run(machines.add(service()))
    door = TokenDoor(machines, lambda: frozenset({CITY}))
    form = f"{GRANT}&client_assertion="
    other = OKPKey.generate_key()
    known = ask(door.handle, "POST", form=form + signed(wall, signer=other), sight=NOBODY)
    unknown = ask(door.handle, "POST", form=form + signed(wall, signer=other, iss="nobody", sub="nobody"), sight=NOBODY)
    assert known == unknown


def test_a_secret_instead_of_a_signature_is_refused(machines):
    door = TokenDoor(machines, lambda: frozenset({CITY}))
    for kind in ("application/json", "text/plain", ""):
        answer = run(door.handle(Request("POST", [], b"", b"{}", Headers([(b"content-type", kind.encode())]))))
        assert (answer.status, orjson.loads(answer.body)["error"]) == (400, "invalid_request")
    status, told = ask(
        door.handle, "POST", form="grant_type=client_credentials", headers=[(b"authorization", b"Basic bGVkZ2VyOng=")]
    )
    assert (status, told["error"]) == (401, "invalid_client")
    for request in (Request("GET", []), Request("POST", ["x"])):
        with pytest.raises(NotFound):
            run(door.handle(request))


def test_only_administrators_see_services(machines):
    desk = MachineDesk(machines)
    with pytest.raises(Unauthenticated):
        ask(desk.services, "GET", sight=NOBODY)
    boss = Actor("person:bo", frozenset({"administrator"}), assurance=TWO_FACTORS)
    assert ask(desk.services, "GET", sight=seen(boss))[0] == 200
    for who, fault in (
        (ADA, NotFound),
        (Actor("service:x", frozenset({"service", "member"}), assurance=TWO_FACTORS), NotFound),
        (Actor("person:bo", frozenset({"administrator"}), assurance=SINGLE), Unauthenticated),
        (Actor("person:bo", frozenset({"administrator"}), assurance=PASSKEY, scope=frozenset({"read"})), NotFound),
    ):
        for method, path in (("GET", ()), ("POST", ()), ("POST", ("ledger", "revoke"))):
            with pytest.raises(fault):
                ask(desk.services, method, *path, body={"name": "evil"}, sight=seen(who))


def test_a_person_makes_tokens_for_himself_and_nobody_in_his_name(machines):
    desk = MachineDesk(machines)
    run(machines.add(service()))
    boss = Actor("person:bo", frozenset({"administrator"}), assurance=PASSKEY)
    status, made = ask(desk.tokens, "POST", body={"scope": ["read"], "days": 7, "note": "my script"}, sight=seen(ADA))
    assert (status, made["owner"], made["madeBy"], made["note"]) == (201, "person:ada", "person:ada", "my script")
    assert machines.bearer(made["token"]).roles == ADA.roles
    for who, owner in (
        (boss, "person:ada"),
        (ADMINISTRATOR.who, "person:ada"),
        (ADA, "person:bo"),
        (ADA, "service:ledger"),
    ):
        with pytest.raises(BadRequest, match="for yourself"):
            ask(desk.tokens, "POST", body={"owner": owner, "scope": ["read"], "days": 7}, sight=seen(who))
    assert (
        ask(desk.tokens, "POST", body={"owner": "service:ledger", "scope": ["read"], "days": 7}, sight=seen(boss))[0]
        == 201
    )
    with pytest.raises(BadRequest, match="not the role"):
        ask(desk.tokens, "POST", body={"scope": ["read"], "days": 7, "roles": ["administrator"]}, sight=seen(ADA))
    bound = Actor(ADA.id, ADA.roles, assurance=TWO_FACTORS, scope=frozenset({"read"}))
    with pytest.raises(BadRequest, match="does not make tokens"):
        ask(desk.tokens, "POST", body={"scope": ["read"], "days": 7}, sight=seen(bound))
    with pytest.raises(Unauthenticated):
        ask(desk.tokens, "POST", body={"scope": ["read"], "days": 7}, sight=seen(machines.bearer(made["token"])))
    # Everybody sees his own; of another's there is nothing.
    assert [one["owner"] for one in ask(desk.tokens, "GET", sight=seen(ADA))[1]] == ["person:ada"]
    assert len(ask(desk.tokens, "GET", sight=seen(boss))[1]) == 2
    assert "token" not in ask(desk.tokens, "GET", sight=seen(boss))[1][0]
    eve = Actor("person:eve", frozenset({"operator"}), assurance=PASSKEY)
    with pytest.raises(NotFound):
        ask(desk.tokens, "DELETE", made["id"], sight=seen(eve))
    assert ask(desk.tokens, "DELETE", made["id"], sight=seen(ADA))[0] == 204
    assert machines.bearer(made["token"]) is None


def test_keys_are_changed_and_a_service_is_shut_out_by_the_door(machines, wall):
    desk = MachineDesk(machines)
    run(machines.add(service()))
    new = OKPKey.generate_key()
    status, told = ask(desk.services, "POST", "ledger", "keys", body={"key": new.as_dict(private=False)})
    assert (status, len(told["keys"])) == (200, 2)
    kid = told["keys"][1]["kid"]
    assert len(ask(desk.services, "DELETE", "ledger", "keys", told["keys"][0]["kid"])[1]["keys"]) == 1
    issue(machines, signed(wall, signer=new, header={"alg": "EdDSA", "kid": kid}))
    assert len(ask(desk.services, "POST", "ledger", "keys", body={"key": PUBLIC, "alone": True})[1]["keys"]) == 1
    with pytest.raises(BadRequest, match="private key"):
        ask(desk.services, "POST", "ledger", "keys", body={"key": KEY.as_dict(private=True)})
    assert ask(desk.services, "POST", "ledger", "revoke")[1]["revokedAt"]
    with pytest.raises(NotFound):
        ask(desk.services, "POST", "ledger", "keys", body={"key": PUBLIC})
