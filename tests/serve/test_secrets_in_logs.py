"""A city at its most talkative says no secret: every way in is walked, rightly and wrongly, and its log is read."""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import paho.mqtt.client as paho
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from served import KNOWN, Served
from signed_in import SignedIn

PROFILE = {"name": "weather", "type": "WeatherObserved", "channels": {"t": {"name": "temperature", "unit": "CEL"}}}
WRONG = f"wrong-{secrets.token_urlsafe(24)}"


def written(secret: str) -> Iterator[bytes]:
    """A secret as it may stand somewhere: as it is, in an address, in Basic or another base64, in JSON."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    for shift in range(3):  # base64 of a text in which it stands looks different at each place modulo three
        yield base64.b64encode(b"x" * shift + raw)[4 : -4 - (-len(raw) % 3)][:40]


def told(text: bytes, all_of: Iterable[str]) -> list[str]:
    """Which secrets stand in a text."""
    return [one for one in all_of if any(len(form) > 7 and form in text for form in written(one))]


@pytest.fixture
def city(serve: Callable[..., Served]) -> Served:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANSA_EGRESS_ALLOW", "127.0.0.0/8")
        return serve("--log", "debug", trusted=False)


def connect(port: int, name: str, password: str) -> bool:
    """Whether a device is let in over MQTT."""
    said: list[bool] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
    client.username_pw_set(name, password)
    client.on_connect = lambda _c, _d, _f, reason, _p: said.append(not reason.is_failure)
    client.connect("127.0.0.1", port)
    while not said:
        client.loop(0.1)
    client.disconnect()
    return said[0]


def people(city: Served) -> list[str]:
    """Sign in rightly and wrongly; every secret that was used."""
    ada = SignedIn(city)
    ada.page("POST", "/account/sign-in", {})
    wrong = {"name": "ada", "password": WRONG, "code": "123456"}
    assert ada.page("POST", "/account/sign-in/password", wrong).status_code in {401, 403}
    assert ada.page("POST", "/account/again/password", wrong).status_code in {401, 403}
    assert ada.page("POST", "/account/enrol", {"link": ada.link}).status_code in {401, 403, 404, 410}
    assert ada.page("POST", "/account/enrol", {"link": WRONG}).status_code in {401, 403, 404, 410}
    ada.client.get(f"/enrol/{WRONG}")
    ada.page("POST", "/account/sign-in/password", {"name": [WRONG], "password": {"x": WRONG}})
    invited = ada.page("POST", "/admin/invitations", {"name": "eve", "shown": "Eve", "roles": ["operator"]})
    assert invited.status_code == 201, invited.text
    link = str(invited.json()["link"]).rsplit("/", 1)[-1]
    made = ada.page("POST", "/admin/tokens", {"owner": "person:ada", "scope": ["read"], "days": 1, "note": "a test"})
    assert made.status_code == 201, made.text
    token = str(made.json()["token"])
    for said in (token, token[:-3] + "abc", WRONG, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."):
        httpx.get(
            f"{city.url}/ngsi-ld/v1/types", headers={"authorization": f"Bearer {said}"}, verify=KNOWN, trust_env=False
        )
        httpx.get(f"{city.url}/live?token={said}", verify=KNOWN, trust_env=False)
    ada.page("POST", "/account/sign-out")
    ada.close()
    return [*ada.secrets, link, token]


def services(city: Served, admin: dict[str, str]) -> list[str]:
    """A service proves itself, rightly and wrongly."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    public = ECKey.import_key(pem).as_dict(private=False) | {"kid": "one", "alg": "ES256"}
    said = {"name": "ledger", "roles": ["service"], "departments": [], "scope": ["read"], "keys": [public]}
    made = httpx.post(f"{city.url}/admin/services", json=said, headers=admin, verify=KNOWN, trust_env=False)
    assert made.status_code in {200, 201}, made.text
    used = []
    for audience in (f"{city.url}/token", "https://elsewhere.example"):
        claims = {
            "iss": "service:ledger", "sub": "service:ledger", "aud": audience, "jti": secrets.token_hex(8),
            "iat": int(time.time()), "exp": int(time.time()) + 60,
        }  # fmt: skip
        assertion = jwt.encode({"alg": "ES256", "kid": "one"}, claims, ECKey.import_key(public | {"d": _d(key)}))
        answer = httpx.post(
            f"{city.url}/token", verify=KNOWN, trust_env=False,
            data={"grant_type": "client_credentials", "client_assertion": assertion,
                  "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        )  # fmt: skip
        used.append(assertion.rsplit(".", 1)[1])
        if answer.status_code == 200:
            used.append(answer.json()["access_token"])
    return used


def _d(key: ec.EllipticCurvePrivateKey) -> str:
    raw = key.private_numbers().private_value.to_bytes(32, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def devices(city: Served, admin: dict[str, str]) -> list[str]:
    """A device gets its secret, and comes with it, by HTTP and MQTT; rightly and wrongly."""
    enrolled = httpx.post(
        f"{city.url}/admin/devices",
        json={"name": "north", "profile": PROFILE},
        headers=admin,
        verify=KNOWN,
        trust_env=False,
    )
    claim = str(enrolled.json()["claim"])
    said = httpx.post(
        f"{city.url}/collect/claim", json={"device": "north", "claim": claim}, verify=KNOWN, trust_env=False
    )
    secret = str(said.json()["secret"])
    for password in (secret, WRONG):
        httpx.post(f"{city.url}/collect/json", json={"t": 1}, auth=("north", password), verify=KNOWN, trust_env=False)
        httpx.post(
            f"{city.url}/collect/claim", json={"device": "north", "claim": password}, verify=KNOWN, trust_env=False
        )
        assert connect(city.mqtt_port, "north", password) is (password == secret)
    httpx.post(
        f"{city.url}/collect/json?password={WRONG}",
        content=WRONG.encode(),
        auth=("north", secret),
        verify=KNOWN,
        trust_env=False,
    )
    return [claim, secret]


def neighbours(city: Served, admin: dict[str, str]) -> list[str]:
    """Subscribers who are told with a secret of theirs, and cannot be reached."""
    bearer, password = f"theirs-{secrets.token_urlsafe(20)}", f"broker-{secrets.token_urlsafe(20)}"
    for n, endpoint in enumerate([
        {"uri": "http://127.0.0.1:9/told", "receiverInfo": [{"key": "Authorization", "value": f"Bearer {bearer}"}]},
        {"uri": f"mqtt://hansa:{password}@127.0.0.1:9/told"},
        {"uri": f"http://127.0.0.1:9/told?token={bearer}"},
    ]):  # fmt: skip
        said = {"type": "Subscription", "id": f"urn:x:{n}", "entities": [{"type": "WeatherObserved"}],
                "notification": {"endpoint": endpoint}}  # fmt: skip
        answer = httpx.post(
            f"{city.url}/ngsi-ld/v1/subscriptions", json=said, headers=admin, verify=KNOWN, trust_env=False
        )
        assert answer.status_code == 201, answer.text
    entity = {"id": "urn:x:e", "type": "WeatherObserved", "x": {"type": "Property", "value": 1}}
    httpx.post(f"{city.url}/ngsi-ld/v1/entities", json=entity, headers=admin, verify=KNOWN, trust_env=False)

    def failed() -> bool:
        answer = httpx.get(
            f"{city.url}/admin/deliveries?subscription=urn:x:0", headers=admin, verify=KNOWN, trust_env=False
        )
        return bool(answer.json().get("attempts"))

    city.until(failed)
    return [bearer, password]


def test_no_secret_stands_in_the_log_or_in_the_clear_on_the_disk(city: Served) -> None:
    token = (city.folder / "admin.token").read_text()
    admin = {"authorization": f"Bearer {token}"}
    ours = [token, *people(city), *services(city, admin), *devices(city, admin)]
    theirs = neighbours(city, admin)
    assert len(ours) > 10
    city.stop()
    log = city.log.read_bytes()
    assert b'"level": "debug"' in log, "it was talkative"
    assert told(log, [*ours, *theirs, WRONG]) == []
    kept = [file for file in city.folder.rglob("*") if file.is_file() and file.name != "admin.token"]
    assert len(kept) > 4
    for file in kept:
        assert told(file.read_bytes(), ours) == [], file.name


@pytest.mark.parametrize("how", ["{}", "Authorization: Basic {}", "?token={}", '{{"x": "{}"}}'])
def test_a_secret_that_stood_there_would_be_found(how: str, tmp_path: Path) -> None:
    secret = 'k9-Zq_7/Lm2+xV4bT8"'
    form: Any = secret
    if "Basic" in how:
        form = base64.b64encode(f"north:{secret}".encode()).decode()
    elif "token" in how:
        form = quote(secret, safe="")
    elif "x" in how:
        form = json.dumps(secret)[1:-1]
    assert told(b"before " + how.format(form).encode() + b" after", [secret]) == [secret]
    assert told(b"before after", [secret]) == []
