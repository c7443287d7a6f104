"""`hansa service` and `hansa token`: the same words to a city that sleeps and to one that runs."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cities import run
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from hansa.cli.desk import ask
from hansa.trust import jose
from signed_in import SignedIn

KINDS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65_537, 2_048),
}


@pytest.fixture(params=["asleep", "running"])
def where(request: pytest.FixtureRequest, tmp_path: Path, serve: Callable[..., Any]) -> Iterator[Path]:
    """The folder of a city, once asleep and once running."""
    if request.param == "running":
        yield serve(trusted=False).folder
    else:
        yield tmp_path / "asleep"


def said(*words: Any) -> str:
    told = run(*words)
    assert told.exit_code == 0, told.output
    return told.stdout


def listed(what: str, data: Path) -> list[dict[str, Any]]:
    return json.loads(said(what, "list", "--json", "--data", data))


def pem(tmp_path: Path, kind: str, *, private: bool = False) -> Path:
    key = KINDS[kind]()
    file = tmp_path / f"{kind}.pem"
    raw = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if private:
        raw = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(raw)
    return file


def test_a_service_comes_changes_its_keys_gets_a_token_and_goes(where: Path, tmp_path: Path) -> None:
    private = tmp_path / "ledger.jwk"
    more = (
        "--role",
        "member",
        "--department",
        "parks",
        "--scope",
        "read",
        "--scope",
        "write:Alert",
        "--note",
        "the ledger",
    )
    told = said("service", "add", "ledger", *more, "--make-key", private, "--data", where)
    kid = told.split("key")[1].split()[0]
    assert private.stat().st_mode & 0o077 == 0
    assert json.loads(private.read_text())["d"] not in told
    (one,) = listed("service", where)
    assert (one["name"], one["roles"], one["scope"]) == ("ledger", ["member"], ["read", "write:Alert"])
    assert [key["kid"] for key in one["keys"]] == [kid]
    for kind in ("ed25519", "p256", "rsa"):
        said("service", "key", "ledger", pem(tmp_path, kind), "--data", where)
    assert len(listed("service", where)[0]["keys"]) == 4
    said("service", "key", "ledger", "--remove", kid, "--data", where)
    assert len(listed("service", where)[0]["keys"]) == 3
    said("service", "key", "ledger", pem(tmp_path, "ed25519"), "--alone", "--data", where)
    assert len(listed("service", where)[0]["keys"]) == 1
    told = said("token", "add", "ledger", "--scope", "read", "--days", 7, "--note", "cron", "--data", where)
    text = told.split("token")[1].split()[0]
    assert text.startswith("hansa_")
    (token,) = listed("token", where)
    assert (token["owner"], token["scope"], token["note"]) == ("service:ledger", ["read"], "cron")
    assert text[23:] not in json.dumps(token)
    for table in (said("service", "list", "--data", where), said("token", "list", "--data", where)):
        assert "ledger" in table
    assert said("token", "revoke", token["id"], "--data", where) == "gone\n"
    assert listed("token", where) == []
    assert said("service", "revoke", "ledger", "--data", where) == "ledger is shut out\n"
    assert listed("service", where)[0]["keys"] == []


def test_what_cannot_be_is_refused_in_a_sentence(tmp_path: Path) -> None:
    where = tmp_path / "asleep"
    said("service", "add", "ledger", "--data", where)
    key = tmp_path / "key"
    key.write_text(json.dumps(OKPKey.generate_key().as_dict(private=True)))
    bad = tmp_path / "bad"
    bad.write_text("{")
    for words, why in (
        (("service", "add", "ledger"), "or was"),
        (("service", "add", "Ledger"), "no name"),
        (("service", "add", "b", "--key", key), "private key"),
        (("service", "add", "b", "--key", pem(tmp_path, "p256", private=True)), "private key"),
        (("service", "add", "b", "--key", bad), "neither"),
        (("service", "add", "b", "--key", tmp_path / "none"), "cannot be read"),
        (("service", "add", "b", "--make-key", bad), "cannot be made"),
        (("service", "add", "b", "--key", key, "--make-key", key), "two ways"),
        (("service", "key", "ledger"), "--remove"),
        (("service", "key", "none", "--remove", "x"), "no service"),
        (("token", "add", "none", "--scope", "read", "--days", 1), "no service:none"),
        (("token", "add", "ledger", "--scope", "all", "--days", 1), "nothing of a scope"),
        (("token", "add", "ledger", "--scope", "read", "--days", 1_000), "366"),
        (("token", "revoke", "none"), "no token"),
    ):
        told = run(*words, "--data", where)
        assert told.exit_code == 2, words
        assert why in told.output, told.output
        assert json.loads(key.read_text())["d"] not in told.output
    made = tmp_path / "made.jwk"
    assert run("service", "add", "Bad Name", "--make-key", made, "--data", where).exit_code == 2
    assert not made.exists(), "a key that nobody knows is not left lying about"


def test_a_service_signs_and_asks_in_its_own_name(serve: Callable[..., Any], tmp_path: Path) -> None:
    city = serve(trusted=False)
    private = tmp_path / "ledger.jwk"
    said("service", "add", "ledger", "--role", "operator", "--make-key", private, "--data", city.folder)
    key = OKPKey.import_key(json.loads(private.read_text()))
    assertion = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}

    def ask(audience: str) -> httpx.Response:
        now = time.time()
        claims = {"iss": "ledger", "sub": "ledger", "aud": audience, "iat": now, "exp": now + 60, "jti": str(now)}
        head = {"alg": "EdDSA", "kid": key.kid}
        text = ".".join(jose.encode(json.dumps(part).encode()) for part in (head, claims))
        signature = JWSRegistry.algorithms["Ed25519"].sign(text.encode(), key)
        form = {"grant_type": "client_credentials", **assertion, "client_assertion": f"{text}.{jose.encode(signature)}"}
        return httpx.post(f"{city.url}/token", data=form, trust_env=False)

    assert ask("https://city.example").status_code == 401
    got = ask(city.url)
    assert got.status_code == 200, got.text
    assert got.headers["cache-control"] == "no-store"
    bearer = {"authorization": f"Bearer {got.json()['access_token']}"}
    assert city.get("/ngsi-ld/v1/entities?type=Alert").status_code == 401
    assert city.get("/ngsi-ld/v1/entities?type=Alert", headers=bearer).status_code == 200
    assert city.get("/admin/services", headers=bearer).status_code == 404
    wrong = {"authorization": bearer["authorization"][:-1]}
    assert city.get("/ngsi-ld/v1/entities?type=Alert", headers=wrong).status_code == 401
    said("service", "revoke", "ledger", "--data", city.folder)
    assert city.get("/ngsi-ld/v1/entities?type=Alert", headers=bearer).status_code == 401
    assert bearer["authorization"][7:] not in city.log.read_text()


def test_where_there_are_two_administrators_a_service_that_sees_much_waits_for_both(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    city = serve(trusted=False)
    ada = SignedIn(city)
    link = ask(city.folder, "POST", ["invitations"], {"roles": ["administrator"]})["link"]
    ben = SignedIn(SimpleNamespace(link=link), "ben")
    private, where = tmp_path / "ledger.jwk", ("--data", city.folder)
    words = ("service", "add", "ledger", "--department", "parks", "--make-key", private)
    told = run(*words, *where)
    assert told.exit_code == 2
    assert "--reason" in told.output
    assert not private.exists(), "nobody knows that key"
    assert "proposed" in said(*words, "--reason", "the books of the parks", *where)
    assert listed("service", city.folder) == []

    def agreed() -> None:
        (waits,) = ada.client.get("/admin/proposals?state=waiting").json()
        assert (waits["by"], waits["needs"]) == ("administrator", 2)
        for one in (ada, ben):
            path = f"/admin/proposals/{waits['id']}/approve"
            assert one.page("POST", path, {"digest": waits["digest"]}).status_code == 200

    agreed()
    assert [key["kid"] for key in listed("service", city.folder)[0]["keys"]] == [json.loads(private.read_text())["kid"]]
    more = ("service", "key", "ledger", pem(tmp_path, "p256"))
    assert run(*more, *where).exit_code == 2
    said(*more, "--reason", "a second machine", *where)
    agreed()
    assert len(listed("service", city.folder)[0]["keys"]) == 2
    for one in (ada, ben):
        one.close()
