"""Passkeys: an answer is good once, for one question, from the right page, of the right key, by somebody verified."""

import time
from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest, HansaError, Unauthenticated
from hansa.trust import passkeys
from hansa.trust.passkeys import CHALLENGE_S, Challenges, Site
from hansa.trust.people import Person
from soft_key import SoftKey

ORIGIN = "https://city.example"
SITE = Site(ORIGIN)
ADA = Person("ada", "Ada", frozenset({"administrator"}))
NOW = 1_800_000_000_000_000


def challenges() -> Challenges:
    return Challenges(b"k" * 32, 100)


def enrolled(key: SoftKey, **wrong):
    challenge = challenges().new("x", NOW)
    options = passkeys.creation(challenge, SITE, "City", ADA)
    said, ident, seen = passkeys.answered(key.make(options, **wrong))
    assert ident == key.id
    return passkeys.made(said, challenge if "challenge" in wrong else seen, SITE, "ada", "Phone", NOW)


def signed(key: SoftKey, passkey, **wrong):
    challenge = challenges().new("x", NOW)
    options = passkeys.request(challenge, SITE, [passkey])
    said, ident, _ = passkeys.answered(key.sign(options, **wrong))
    assert ident == key.id
    return passkeys.used(said, challenge, SITE, passkey, ADA, NOW)


def test_a_passkey_is_made_and_signs() -> None:
    key = SoftKey(ORIGIN)
    made = enrolled(key)
    assert (made.person, made.site, made.called, made.count) == ("ada", "city.example", "Phone", 1)
    after = signed(key, made)
    assert (after.count, after.used_at, after.doubted) == (2, NOW, False)


def test_what_is_asked_is_a_key_that_verifies_and_finds_its_holder() -> None:
    made = enrolled(SoftKey(ORIGIN))
    elsewhere = replace(made, site="other.example")
    asked = passkeys.creation(b"c" * 56, SITE, "City", ADA, [made, elsewhere])
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["attestation"] == "none"
    assert len(asked["excludeCredentials"]) == 1
    assert passkeys.request(b"c" * 56, SITE)["userVerification"] == "required"
    assert passkeys.request(b"c" * 56, SITE)["allowCredentials"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://city.example.evil.example"}, {"origin": "http://city.example"},
        {"origin": "https://city.example:444"}, {"site": "evil.example"}, {"verified": False},
    ],
)  # fmt: skip
def test_an_answer_from_elsewhere_or_of_nobody_verified_makes_and_opens_nothing(wrong) -> None:
    with pytest.raises(Unauthenticated):
        enrolled(SoftKey(ORIGIN), **wrong)
    key = SoftKey(ORIGIN)
    made = enrolled(key)
    with pytest.raises(Unauthenticated):
        signed(key, made, **wrong)


@pytest.mark.parametrize("wrong", [{"spoilt": True}, {"handle": b"somebody else"}, {"challenge": b"another"}])
def test_an_answer_that_is_not_to_this_question_opens_nothing(wrong) -> None:
    key = SoftKey(ORIGIN)
    made = enrolled(key)
    with pytest.raises(Unauthenticated):
        signed(key, made, **wrong)


def test_a_page_within_another_is_not_answered() -> None:
    key = SoftKey(ORIGIN)
    made = enrolled(key)
    with pytest.raises(Unauthenticated, match="page within another"):
        signed(key, made, across=True)


def test_another_key_does_not_sign_for_it() -> None:
    key, other = SoftKey(ORIGIN), SoftKey(ORIGIN)
    made = enrolled(key)
    other.id, other.handle = key.id, key.handle
    with pytest.raises(Unauthenticated):
        signed(other, made)


def test_a_passkey_of_another_host_is_not_taken_though_a_header_says_so() -> None:
    key = SoftKey("https://evil.example")
    made = enrolled(SoftKey(ORIGIN))
    with pytest.raises(Unauthenticated, match="somebody else"):
        passkeys.used(key.sign({"challenge": "x", "rpId": "evil.example"}), b"x", Site("https://evil.example"), made,
                      ADA, NOW)  # fmt: skip


def test_a_count_that_goes_backwards_is_noticed_and_the_passkey_opens_nothing_any_more() -> None:
    key = SoftKey(ORIGIN)
    made = replace(enrolled(key), count=9)
    doubted = signed(key, made, count=9)
    assert doubted.doubted
    with pytest.raises(Unauthenticated, match="copy"):
        signed(key, doubted, count=20)
    with pytest.raises(Unauthenticated):
        signed(key, made, count=3, spoilt=True)  # a wrong signature says nothing about the count


def test_a_synced_passkey_does_not_count_and_is_good() -> None:
    key = SoftKey(ORIGIN, counts=False)
    made = enrolled(key)
    assert not signed(key, made).doubted
    assert signed(key, made).count == 0


# Challenges


def test_a_challenge_is_good_once_for_one_purpose_and_a_few_minutes() -> None:
    ours = challenges()
    one = ours.new("sign in", NOW)
    ours.check(one, "sign in", NOW)
    for purpose, now in (("enrol", NOW), ("sign in", NOW + CHALLENGE_S * 1_000_000)):
        with pytest.raises(Unauthenticated):
            ours.check(one, purpose, now)
    ours.use(one, NOW)
    with pytest.raises(Unauthenticated, match="before"):
        ours.check(one, "sign in", NOW)
    with pytest.raises(Unauthenticated, match="before"):
        ours.use(one, NOW)
    with pytest.raises(Unauthenticated):
        Challenges(b"j" * 32, 100).check(one, "sign in", NOW)
    assert len({ours.new("sign in", NOW) for _ in range(100)}) == 100


def test_what_is_remembered_of_challenges_is_bounded() -> None:
    ours = Challenges(b"k" * 32, 10)
    for _ in range(100):
        ours.use(ours.new("x", NOW), NOW)
    assert len(ours) == 10


@given(st.binary(max_size=80))
def test_no_challenge_of_somebody_elses_is_taken(challenge: bytes) -> None:
    with pytest.raises(Unauthenticated):
        challenges().check(challenge, "sign in", NOW)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("AAAA"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "attestationObject", "signature",
                         "authenticatorData", "userHandle"]), inner, max_size=6),
    max_leaves=12,
)  # fmt: skip


@given(json_like)
def test_what_is_no_answer_is_said_to_be_none(said: object) -> None:
    with pytest.raises(HansaError):
        passkeys.answered(said)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_an_answer_that_was_spoilt_anywhere_is_refused_and_breaks_nothing(data) -> None:
    key = SoftKey(ORIGIN)
    challenge = challenges().new("x", NOW)
    whole = key.make(passkeys.creation(challenge, SITE, "City", ADA))
    part = data.draw(st.sampled_from(["attestationObject", "clientDataJSON"]))
    text = whole["response"][part]
    at = data.draw(st.integers(0, len(text) - 1))
    whole["response"][part] = text[:at] + data.draw(st.text("ABCDxyz_-09", max_size=4)) + text[at + 1 :]
    if whole["response"][part] == text:
        return
    try:
        said, _, seen = passkeys.answered(whole)
        challenges().check(seen, "x", NOW)
        made = passkeys.made(said, challenge, SITE, "ada", "Phone", NOW)
    except (Unauthenticated, BadRequest):
        return
    # What no signature covers may differ, such as its id: attestation is not asked for.
    assert made.site == "city.example"


def test_a_huge_answer_is_refused_before_it_is_read() -> None:
    began = time.perf_counter()
    with pytest.raises(BadRequest):
        passkeys.answered({"rawId": "A" * 60_000, "response": {}})
    assert time.perf_counter() - began < 1


class RsaKey(SoftKey):
    """A passkey with an RSA key, as those of older TPMs; of what size and exponent is said."""

    def __init__(self, size: int, exponent: int = 65_537) -> None:
        super().__init__(ORIGIN)
        self.rsa = rsa.generate_private_key(65_537, size)
        self.exponent = exponent

    def cose(self) -> bytes:
        number = self.rsa.public_key().public_numbers().n
        long = (number.bit_length() + 7) // 8
        short = (self.exponent.bit_length() + 7) // 8
        return cbor2.dumps({1: 3, 3: -257, -1: number.to_bytes(long, "big"), -2: self.exponent.to_bytes(short, "big")})

    def signature(self, data: bytes) -> bytes:
        return self.rsa.sign(data, padding.PKCS1v15(), SHA256())


def test_an_rsa_key_as_authenticators_make_it_signs() -> None:
    key = RsaKey(2048)
    assert signed(key, enrolled(key)).count == 2


@pytest.mark.parametrize(("size", "exponent"), [(1024, 65_537), (5120, 65_537), (2048, 3), (2048, 2**64 + 13)])
def test_an_rsa_key_that_is_weak_or_costs_more_than_any_authenticators_is_refused(size: int, exponent: int) -> None:
    with pytest.raises(Unauthenticated, match=r"of a size that no authenticator makes"):
        enrolled(RsaKey(size, exponent))
