"""Signed tokens: what is taken, and every way that is known to pass off a false one."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey
from signed import NOW, SIGNERS, keyed, part, private, public, short_rsa, token

from hansa.errors import BadRequest, Unauthenticated
from hansa.trust import jose

RULES = jose.Rules("ledger", frozenset({"https://city.example"}), 300.0)
CLAIMS = {"iss": "ledger", "sub": "ledger", "aud": "https://city.example", "iat": NOW, "exp": NOW + 60, "jti": "1"}
ALL = sorted(jose.ALGORITHMS)


def keys(*algorithms: str) -> list[jose.Key]:
    return [jose.read_key(public(one)) for one in algorithms or ("EdDSA",)]


def claims(**changed: Any) -> dict[str, Any]:
    return {name: value for name, value in (CLAIMS | changed).items() if value is not None}


def refused(text: str, where: str, *, rules: jose.Rules = RULES, known: list[jose.Key] | None = None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        jose.validate(text, keys() if known is None else known, rules, NOW)
    assert caught.value.where == where
    told = json.dumps(caught.value.problem())
    assert not any(piece in told for piece in text.split(".") if len(piece) > 12), "no part of a token is in a message"
    return caught.value.detail


# What is taken


@pytest.mark.parametrize("algorithm", ALL)
def test_a_sound_token_is_taken_by_each_algorithm(algorithm):
    assert jose.validate(token(CLAIMS, algorithm=algorithm), keys(algorithm), RULES, NOW) == CLAIMS


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt"])
def test_its_type_may_be_said_in_any_spelling(typ):
    assert jose.validate(token(CLAIMS, {"alg": "EdDSA", "typ": typ}), keys(), RULES, NOW)["sub"] == "ledger"


def test_an_audience_may_be_a_list_of_one():
    jose.validate(token(claims(aud=["https://city.example"])), keys(), RULES, NOW)


def test_its_key_is_found_by_name_among_others():
    known = [jose.read_key(public("ES256", kid="a")), jose.read_key(public("EdDSA", kid="b"))]
    known.append(jose.read_key({**OKPKey.generate_key().as_dict(private=False), "kid": "c"}))
    jose.validate(token(CLAIMS, {"alg": "EdDSA", "kid": "b"}), known, RULES, NOW)
    refused(token(CLAIMS, {"alg": "EdDSA", "kid": "c"}), "signature", known=known)
    assert "no key" in refused(token(CLAIMS), "signature", known=known), "without a name, two would fit"


# The signature


def test_a_token_without_a_signature_is_refused():
    for algorithm in ("none", "None", "NONE", "nOnE", "", None, 7, ["EdDSA"]):
        said = f"{part({'alg': algorithm})}.{part(CLAIMS)}"
        refused(f"{said}.", "token")
        refused(f"{said}.AAAA", "alg")
    refused(f"{part({'typ': 'JWT'})}.{part(CLAIMS)}.AAAA", "alg")


def test_a_public_key_is_never_a_secret():
    known = keys("RS256", "ES256", "EdDSA")
    pem = SIGNERS["RS256"].as_pem(private=False)
    for secret in (pem, pem.strip(), SIGNERS["RS256"].as_der(private=False), public("EdDSA")["x"].encode(), b""):
        refused(keyed(CLAIMS, secret), "alg", known=known)


@pytest.mark.parametrize("signed_by", ALL)
@pytest.mark.parametrize("said", ALL)
def test_a_key_serves_only_its_own_algorithm(signed_by, said):
    text = token(CLAIMS, {"alg": said}, algorithm=signed_by)
    if {said, signed_by} <= {"EdDSA", "Ed25519"} or said == signed_by:
        jose.validate(text, keys(signed_by), RULES, NOW)
        return
    for known in (keys(signed_by), keys(said), keys(*{said, signed_by})):
        refused(text, "signature", known=known)


def test_a_key_that_names_its_algorithm_serves_no_other():
    known = [jose.read_key(public("RS256", alg="PS256"))]
    refused(token(CLAIMS, algorithm="RS256"), "signature", known=known)
    jose.validate(token(CLAIMS, algorithm="PS256"), known, RULES, NOW)


def test_rules_may_take_fewer_algorithms():
    rules = jose.Rules("ledger", RULES.audience, 300.0, algorithms=frozenset({"ES256", "none", "HS256"}))
    refused(token(CLAIMS), "alg", rules=rules)
    refused(f"{part({'alg': 'none'})}.{part(CLAIMS)}.AAAA", "alg", rules=rules)
    refused(keyed(CLAIMS, b"x"), "alg", rules=rules)


def test_another_key_of_the_same_kind_is_refused():
    for algorithm, other in (("EdDSA", OKPKey.generate_key()), ("ES256", ECKey.generate_key())):
        refused(token(CLAIMS, algorithm=algorithm, signer=other), "signature", known=keys(algorithm))


def test_a_key_that_a_token_brings_along_is_not_used():
    thief = OKPKey.generate_key()
    jwk = thief.as_dict(private=False)
    for more in ({"jwk": jwk}, {"jku": "https://evil.example/k"}, {"x5u": "https://evil.example/k"}, {"x5c": ["AA=="]}):
        refused(token(CLAIMS, {"alg": "EdDSA", **more}, signer=thief), "signature")
        refused(token(CLAIMS, {"alg": "EdDSA", "kid": jwk.get("kid"), **more}, signer=thief), "signature")


@pytest.mark.parametrize(
    "kid", ["../../../dev/null", "/etc/passwd", "' OR 1=1 --", "", "\x00", 7, None, ["a"], {}, True]
)
def test_a_name_of_a_key_is_compared_and_nothing_else(kid):
    refused(token(CLAIMS, {"alg": "EdDSA", "kid": kid}), "signature")


def test_what_must_be_understood_is_not_understood():
    for name, value in (("crit", ["exp"]), ("crit", []), ("crit", ["b64"]), ("b64", False), ("zip", "DEF")):
        refused(token(CLAIMS, {"alg": "EdDSA", name: value}), name)


def test_a_token_of_another_kind_is_refused():
    for kind in ("at+jwt", "dpop+jwt", "logout+jwt", "JWT ", 7, None):
        refused(token(CLAIMS, {"alg": "EdDSA", "typ": kind}), "typ")
    only = jose.Rules("ledger", RULES.audience, 300.0, types=frozenset({"at+jwt"}))
    refused(token(CLAIMS), "typ", rules=only)
    jose.validate(token(CLAIMS, {"alg": "EdDSA", "typ": "at+jwt"}), keys(), only, NOW)


# How it is written


def test_one_token_has_one_spelling():
    good = token(CLAIMS, algorithm="RS256")
    head, body, signature = good.split(".")
    for text in (
        good + "=", good + "==", good + "\n", " " + good, good + " ", good + ".", good + "\x00", "." + good,
        f"{head}=.{body}.{signature}", f"{head}.{body}\n.{signature}", f"{head}.{body}.{signature[:9]} {signature[9:]}",
        f"{head}.{body}", f"{head}..{signature}", f"{head}.{body}.", "", "..", "a.b.c", "é.é.é", "a" * 20_000,
        signature.join((f"{head}.{body}.", "")).replace("-", "+").replace("_", "/") + "+", good.replace(".", "\u2024"),
    ):  # fmt: skip
        refused(text, "token", known=keys("RS256"))


def test_bits_beyond_the_last_byte_are_refused():
    """A signature of 64 bytes has four such bits: without this, each token would have sixteen spellings."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    good = token(CLAIMS)
    last = alphabet.index(good[-1])
    spellings = [good[:-1] + alphabet[last ^ extra] for extra in range(1, 16)]
    assert len(set(spellings)) == 15
    for text in spellings:
        refused(text, "token")


@given(st.binary(max_size=90))
def test_what_was_encoded_is_decoded_and_has_no_other_spelling(raw):
    text = jose.encode(raw)
    assert jose.decode(text) == raw
    for other in (text + "=", text + "\n", " " + text, text + "A" * (4 - len(text) % 4)):
        if other != text:
            try:
                assert jose.decode(other) != raw
            except ValueError:
                continue


@given(st.text(max_size=40))
@settings(deadline=None)
@example("a.b.c")
@example("..")
def test_any_text_is_refused_in_words(text):
    with pytest.raises(Unauthenticated):
        jose.validate(text, keys(), RULES, NOW)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"[]",
            b"7",
            b"null",
            b'"x"',
            b"{",
            b"\xff\xfe",
            b'{"a":NaN}',
            b'{"a":Infinity}',
            b"[" * 5_000,
            b'{"a":' * 3_000,
        ),
        *(b'{"exp":1,"exp":2}', b'{"a":{"b":1,"b":2}}', b"\xef\xbb\xbf{}", b'{"a":' + b"[" * 40 + b"]" * 40 + b"}"),
    ],
)
def test_claims_are_one_json_object_in_which_nothing_is_said_twice(raw):
    refused(token(raw), "token")
    refused(token(CLAIMS, raw), "token")


# The claims


def test_the_library_alone_takes_a_token_that_has_ended():
    """The trap for which this module exists: joserfc decodes it, and only we refuse it."""
    old = token(claims(iat=1, exp=2), algorithm="RS256")
    assert jwt.decode(old, SIGNERS["RS256"], algorithms=["RS256"]).claims["exp"] == 2
    refused(old, "exp", known=keys("RS256"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "other"), ("iss", None), ("iss", ["ledger"]), ("iss", "ledger "), ("iss", "LEDGER"),
        ("aud", None), ("aud", "https://city.example/"), ("aud", "https://other.example"), ("aud", []), ("aud", 7),
        ("aud", ["https://city.example", "https://other.example"]), ("aud", {"https://city.example": 1}),
        ("aud", ["https://city.example", "https://city.example"]), ("aud", [["https://city.example"]]),
        ("exp", None), ("exp", NOW - 31), ("exp", str(NOW + 60)), ("exp", True), ("exp", 1e300), ("exp", -1),
        ("exp", [NOW + 60]), ("exp", NOW + 301), ("exp", 10**30), ("exp", {}),
        ("nbf", NOW + 31), ("nbf", "0"), ("nbf", True), ("nbf", []),
        ("iat", None), ("iat", NOW + 31), ("iat", NOW - 241), ("iat", "1"), ("iat", False),
        ("sub", None), ("sub", ""), ("sub", "  "), ("sub", 7), ("sub", "x" * 256), ("sub", "a\nb"),
    ],
)  # fmt: skip
def test_a_claim_that_is_not_right_is_named(name, value):
    where = "exp" if (name, value) == ("iat", NOW - 241) else name
    refused(token(claims(**{name: value})), where)


@pytest.mark.parametrize("changed", [{"exp": NOW - 29}, {"nbf": NOW + 29}, {"iat": NOW + 29}, {"exp": NOW + 60.5}])
def test_a_clock_that_is_a_little_off_is_forgiven(changed):
    jose.validate(token(claims(**changed)), keys(), RULES, NOW)


def test_a_token_is_used_once_and_only_when_it_is_good():
    spent: dict[tuple[str, str], float] = {}

    def spend(issuer: str, jti: str, until: float) -> bool:
        if (issuer, jti) in spent:
            return False
        spent[issuer, jti] = until
        return True

    good = token(CLAIMS)
    for bad in (token(claims(exp=NOW - 100)), token(CLAIMS, signer=OKPKey.generate_key()), token(claims(aud="x"))):
        with pytest.raises(Unauthenticated):
            jose.validate(bad, keys(), RULES, NOW, spend)
    assert not spent, "what is refused uses nothing up"
    jose.validate(good, keys(), RULES, NOW, spend)
    assert spent == {("ledger", "1"): NOW + 60 + RULES.skew_s}
    with pytest.raises(Unauthenticated, match="used before"):
        jose.validate(good, keys(), RULES, NOW, spend)
    with pytest.raises(Unauthenticated) as caught:
        jose.validate(token(claims(jti=None)), keys(), RULES, NOW, spend)
    assert caught.value.where == "jti"


def test_what_rules_need_must_be_there():
    rules = jose.Rules("ledger", RULES.audience, 300.0, needs=frozenset({"sub", "nonce"}))
    refused(token(CLAIMS), "nonce", rules=rules)
    jose.validate(token(claims(nonce="n")), keys(), rules, NOW)


# Keys


@pytest.mark.parametrize("algorithm", ALL)
def test_a_key_keeps_nothing_but_its_public_members_and_its_name(algorithm):
    key = jose.read_key(public(algorithm, kid="mine", x5c=["AA=="], note="x"))
    assert set(key.jwk) <= {"kty", "n", "e", "crv", "x", "y", "kid"}
    assert key.kid == "mine"
    nameless = {name: value for name, value in public(algorithm).items() if name != "kid"}
    assert len(jose.read_key(nameless).kid) == 43


@pytest.mark.parametrize("algorithm", ALL)
def test_a_private_key_is_not_taken_for_a_public_one(algorithm):
    with pytest.raises(BadRequest, match="private key") as caught:
        jose.read_key(private(algorithm))
    assert private(algorithm)["d"] not in json.dumps(caught.value.problem())


@pytest.mark.parametrize(
    "said",
    [
        None, [], "x", {}, {"kty": "oct", "k": "AAAA"}, {"kty": ["RSA"]}, {"kty": "EC"},
        short_rsa(), short_rsa(1_536), public("RS256") | {"e": "AQ"}, public("RS256") | {"e": "Ag"},
        public("RS256") | {"e": "AQABAAEAAQ"}, public("RS256") | {"n": public("RS256")["n"] + "="},
        public("RS256") | {"n": "_" * 2_000}, public("RS256") | {"n": 7}, public("RS256") | {"alg": "HS256"},
        public("RS256") | {"alg": "none"}, public("RS256") | {"alg": "ES256"}, public("RS256") | {"use": "enc"},
        public("RS256") | {"key_ops": ["encrypt"]}, public("RS256") | {"key_ops": "verify"},
        public("RS256") | {"kid": "x" * 256}, public("RS256") | {"kid": 7}, public("RS256") | {"kid": ""},
        public("ES256") | {"crv": "P-384"}, public("ES256") | {"crv": "secp256k1"},
        public("ES256") | {"x": public("ES256")["y"]}, public("ES256") | {"y": "AAAA"},
        public("ES256") | {"x": "A" * 43, "y": "A" * 43}, public("EdDSA") | {"crv": "Ed448"},
        public("EdDSA") | {"crv": "X25519"}, public("EdDSA") | {"x": "AAAA"}, public("EdDSA") | {"x": "!" * 43},
    ],
)  # fmt: skip
def test_a_key_that_could_be_broken_or_is_none_is_refused(said):
    with pytest.raises(BadRequest):
        jose.read_key(said)


def test_of_a_set_the_usable_keys_are_taken():
    found = jose.read_keys({"keys": [public("RS256"), {"kty": "oct", "k": "AA"}, short_rsa(), None, public("EdDSA")]})
    assert [one.jwk["kty"] for one in found] == ["RSA", "OKP"]
    for said in (None, [], {}, {"keys": {}}, {"keys": [public("EdDSA")] * 101}):
        with pytest.raises(BadRequest):
            jose.read_keys(said)
