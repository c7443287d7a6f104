"""Links that only this city can make, for one app each."""

from hypothesis import given
from hypothesis import strategies as st

from hansa.trust.capability import Capabilities

OURS = Capabilities(b"k" * 32)
ID = "urn:ngsi-ld:Delivery:3f9"


@given(st.text(max_size=200))
def test_a_capability_tells_what_it_is_for_to_its_app_alone(text):
    if text:
        token = OURS.token("warnings", text)
        assert OURS.told_by("warnings", token) == text
        assert OURS.told_by("requests", token) is None
        assert Capabilities(b"x" * 32).told_by("warnings", token) is None


def test_nothing_of_it_can_be_altered_and_it_has_one_spelling():
    token = OURS.token("warnings", ID)
    for place in range(len(token)):
        for char in "Aa0-_=":
            if token[place] != char:
                bent = token[:place] + char + token[place + 1 :]
                assert OURS.told_by("warnings", bent) is None
    for bent in ("", token[:22], token[:-1], token + "=", token + "A", " " + token, "é" + token, token * 100):
        assert OURS.told_by("warnings", bent) is None


def test_a_visitor_is_told_from_others_for_a_day():
    assert OURS.visitor("192.0.2.1", 20_000) == OURS.visitor("192.0.2.1", 20_000)
    others = {OURS.visitor(address, day) for address in ("192.0.2.1", "192.0.2.2") for day in (20_000, 20_001)}
    assert len(others) == 4
    assert not any("192" in one for one in others)
