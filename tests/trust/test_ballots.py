"""Ballots: signed unseen, published, and every kind of fraud with them found; counted by hand."""

import json
import random
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.trust.ballots import RECEIPT, Cast, Seal, Vote, check, message, published
from hansa.trust.blind import PublicKey, Signer, blind, coded, finalize, prepared, uncoded
from hansa.trust.counting import Option, count

VECTOR = {
    name: bytes.fromhex(said)
    for name, said in json.loads((Path(__file__).parent / "rfc9474.json").read_text()).items()
    if name != "source"
}
SIGNER = Signer.fresh(2_048)
OTHER = Signer.fresh(2_048)
SEAL = Seal()
ID = "urn:ngsi-ld:Ballot:lamps"


def number(name: str) -> int:
    return int.from_bytes(VECTOR[name])


def question(**more: Any) -> dict[str, Any]:
    return {
        "ballot": ID,
        "question": {"en": "Which?"},
        "kind": "approval",
        "rule": "approval",
        "options": [{"id": "bench"}, {"id": "lamp"}, {"id": "tree"}],
        "opens": "2026-05-01T00:00:00Z",
        "closes": "2026-05-08T00:00:00Z",
        **more,
    }


VOTE = Vote.read(question())


def ballot(*choice: str, serial: bytes = b"", vote: Vote = VOTE, signer: Signer = SIGNER) -> Cast:
    """As a browser makes one."""
    serial = serial or prepared(b"")
    chosen = tuple(sorted(choice))
    ready = prepared(message(vote.id, serial, chosen))
    hidden, inverse = blind(signer.public, ready)
    signature = finalize(signer.public, ready, signer.sign(hidden), inverse)
    return Cast(serial, ready[:32], chosen, signature)


def receipt(one: Cast, seal: Seal = SEAL) -> dict[str, Any]:
    return {"format": RECEIPT, "ballot": ID, **one.told(), "receipt": seal.receipt(ID, one.leaf(ID))}


CAST = [ballot("lamp"), ballot("lamp", "tree"), ballot("bench"), ballot("lamp"), ballot()]


def file(cast: list[Cast], given: int = 6) -> list[bytes]:
    return list(published(VOTE, SIGNER.public, SEAL, given, cast))


# ---- RFC 9474


def test_the_vectors_of_rfc_9474_hold_in_both_directions() -> None:
    public = PublicKey(number("n"), number("e"))
    p, q, d = number("p"), number("q"), number("d")
    private = RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), RSAPublicNumbers(public.e, public.n)
    ).private_key()
    signer = Signer(private)
    ready = prepared(VECTOR["msg"], VECTOR["msg_prefix"])
    assert ready == VECTOR["prepared_msg"]
    hidden, inverse = blind(public, ready, salt=VECTOR["salt"], inverse=number("inv"))
    assert hidden == VECTOR["blinded_msg"]
    assert inverse == number("inv")
    assert signer.sign(hidden) == VECTOR["blind_sig"]
    assert finalize(public, ready, VECTOR["blind_sig"], inverse) == VECTOR["sig"]
    assert public.verifier().holds(ready, VECTOR["sig"])
    assert not public.verifier().holds(ready + b"!", VECTOR["sig"])


def test_what_was_signed_cannot_be_told_from_what_was_blinded() -> None:
    """Every signature fits every blinded message: for each pair there is one blinding factor that leads there."""
    n, e = SIGNER.public.n, SIGNER.public.e
    for one in CAST:
        hidden, _ = blind(SIGNER.public, one.signed(ID))
        signature = int.from_bytes(one.signature)
        for other in CAST:
            fits = int.from_bytes(SIGNER.sign(hidden)) * pow(int.from_bytes(other.signature), -1, n) % n
            encoded = pow(int.from_bytes(other.signature), e, n)
            assert encoded * pow(fits, e, n) % n == int.from_bytes(hidden)
        assert coded(signature.to_bytes(256)) not in coded(hidden)


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\0" * 256, b"\0" * 255 + b"\x01", b"\xff" * 256, b"\x01" * 255, b"\x01" * 257,
     (SIGNER.public.n - 1).to_bytes(256)],
)  # fmt: skip
def test_blinded_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(BadRequest):
        SIGNER.sign(garbage)


def test_an_answer_of_another_key_or_an_altered_one_is_noticed_by_the_voter() -> None:
    ready = prepared(b"x")
    hidden, inverse = blind(SIGNER.public, ready)
    signed = SIGNER.sign(hidden)
    altered = bytes([*signed[:-1], signed[-1] ^ 1])
    for wrong in (OTHER.sign(b"\0" + hidden[1:]), altered, signed[:-1], b""):
        with pytest.raises(BadRequest):
            finalize(SIGNER.public, ready, wrong, inverse)


def test_a_key_is_read_as_it_was_told_and_no_other_kind_is() -> None:
    assert PublicKey.read(SIGNER.public.jwk) == SIGNER.public
    assert Signer.read(SIGNER.der).public == SIGNER.public
    small = PublicKey((1 << 1_023) + 1).jwk
    for wrong in (None, {}, {"kty": "EC"}, small, SIGNER.public.jwk | {"e": "Aw"}, SIGNER.public.jwk | {"n": "=="}):
        with pytest.raises(BadRequest):
            PublicKey.read(wrong)
    for text in ("", "a", "ab==", "é", None, 7, "____" * 3 + "\n"):
        with pytest.raises(BadRequest):
            uncoded(text, "it")


# ---- what is published


def test_anybody_finds_the_same_result_and_each_voter_his_ballot() -> None:
    found = check(file(CAST), receipt(CAST[1]))
    assert found.faults == []
    assert (found.given, found.cast, found.counted, found.mine) == (6, 5, 5, "there")
    assert found.result["tally"] == {"bench": 1, "lamp": 3, "tree": 1}
    assert found.result["chosen"] == ["lamp", "bench", "tree"]


def altered(lines: list[bytes]) -> list[bytes]:
    one = orjson.loads(lines[3])
    one["choice"] = [] if one["choice"] else ["tree"]
    return [*lines[:3], orjson.dumps(one), *lines[4:]]


def resealed(lines: list[bytes], **more: Any) -> list[bytes]:
    head = orjson.dumps(orjson.loads(lines[0]) | more)
    return [head, orjson.dumps({"signature": SEAL.head(head)}), *lines[2:]]


FRAUDS: dict[str, tuple[Callable[[], list[bytes]], str]] = {
    "a ballot is altered": (lambda: altered(file(CAST)), "not signed by the vote's key"),
    "a ballot is altered, and all of it counted anew": (
        lambda: file([*CAST[:4], Cast(CAST[4].serial, CAST[4].prefix, ("tree",), CAST[4].signature)]),
        "not signed by the vote's key",
    ),
    "a ballot is there twice": (lambda: file([*CAST, CAST[0]]), "there twice"),
    "a line is there twice": (lambda: [*file(CAST), file(CAST)[-1]], "there twice"),
    "a ballot is dropped": (lambda: file(CAST)[:-1], "the root is another"),
    "a ballot is added that the key never signed": (lambda: file([*CAST, ballot("tree", signer=OTHER)]), "not signed"),
    "more are cast than were given one": (lambda: file([*CAST, ballot("tree"), ballot("tree")]), "were made up"),
    "the head says another result": (lambda: resealed(file(CAST), result={}), "the result is another"),
    "the head is changed": (lambda: [file(CAST)[0].replace(b'"given":6', b'"given":9'), *file(CAST)[1:]], "the head"),
    "another number": (lambda: resealed(file(CAST), cast=4), "the head says 4"),
    "another order": (lambda: [*file(CAST)[:2], *reversed(file(CAST)[2:])], "not in its place"),
    "a ballot of another vote": (
        lambda: file([*CAST, ballot("lamp", vote=Vote.read(question(ballot="urn:ngsi-ld:Ballot:x")))]),
        "not signed",
    ),
}


@pytest.mark.parametrize("name", FRAUDS)
def test_every_fraud_with_published_ballots_is_found(name: str) -> None:
    made, says = FRAUDS[name]
    found = check(made())
    assert any(says in fault for fault in found.faults), found.faults


def test_a_ballot_that_was_dropped_before_the_count_is_missed_by_its_voter_alone() -> None:
    found = check(file(CAST[:4]), receipt(CAST[4]))
    assert found.faults == []
    assert found.mine.startswith("missing")


def test_a_voter_who_was_given_a_key_of_his_own_finds_that_he_was_marked() -> None:
    marked = ballot("lamp", signer=OTHER)
    found = check(file(CAST), receipt(marked))
    assert "to know you by" in found.mine
    assert found.faults


def test_one_fingerprint_is_of_question_key_and_seal_and_the_file_bears_it() -> None:
    mark = VOTE.fingerprint(SIGNER.public, SEAL.public)
    assert orjson.loads(file(CAST)[0])["fingerprint"] == mark
    assert check(file(CAST)).compared == []
    found = check(file(CAST), receipt(CAST[0]) | {"fingerprint": mark}, mark)
    assert (found.faults, found.compared) == ([], ["announced", "receipt"])
    again = Vote.read(dict(reversed(list(question().items()))))
    assert again.fingerprint(SIGNER.public, SEAL.public) == mark, "the order of members means nothing"
    others = {
        VOTE.fingerprint(OTHER.public, SEAL.public),
        VOTE.fingerprint(SIGNER.public, Seal().public),
        *(
            Vote.read(question(**more)).fingerprint(SIGNER.public, SEAL.public)
            for more in ({"question": {"en": "?"}}, {"most": 1}, {"closes": "2026-06-01T00:00:00Z"}, {"who": {}})
        ),
    }
    assert len(others | {mark}) == 7
    for other in others:
        assert any("announced" in one for one in check(file(CAST), announced=other).faults)
        kept = receipt(CAST[0]) | {"fingerprint": other}
        assert any("your browser" in one for one in check(file(CAST), kept).faults)
    assert any("another fingerprint" in one for one in check(resealed(file(CAST), fingerprint="x")).faults)


def test_a_receipt_that_nobody_signed_proves_nothing() -> None:
    found = check(file(CAST[:4]), receipt(CAST[4], Seal()))
    assert found.mine.startswith("not to be looked for")
    assert check(file(CAST), {}).mine.startswith("not to be looked for")
    assert check(file(CAST), receipt(CAST[0]) | {"serial": 7}).mine.startswith("not to be looked for")


@given(st.lists(st.binary(max_size=200), max_size=6), st.booleans())
@settings(max_examples=40, deadline=None)
def test_no_file_whatever_is_in_it_stops_the_check(lines: list[bytes], after_a_head: bool) -> None:
    found = check([*file(CAST)[:2], *lines] if after_a_head else lines)
    assert found.faults


@pytest.mark.parametrize(
    "wrong",
    [[], None, {}, question(kind="x"), question(rule="greedy"), question(options=[{"id": "a"}]),
     question(options=[{"id": "a"}, {"id": "a"}]), question(options=[{"id": "a"}, {"id": "<b>"}]),
     question(opens="2027-01-01T00:00:00Z"), question(closes="soon"), question(closes=7), question(most=0),
     question(options=[{"id": f"o{n}"} for n in range(501)]), question(ballot=""), question(most=True),
     question(kind="budget", rule="greedy", budget=10), question(districts={"n": 1}), question(districts=[]),
     question(knapsack="yes"), question(ballot="a\nb"), question(note=2**60), question(note=float("nan"))],
)  # fmt: skip
def test_what_is_no_vote_is_refused_with_the_place(wrong: object) -> None:
    with pytest.raises(BadRequest) as refused:
        Vote.read(wrong)
    assert refused.value.where


@pytest.mark.parametrize(
    "choice", [None, "lamp", ["road"], ["lamp", "lamp"], [7], ["bench", "lamp", "tree"], [["lamp"]]]
)
def test_what_cannot_be_chosen_is_refused(choice: object) -> None:
    with pytest.raises(BadRequest):
        Vote.read(question(most=2)).chosen(choice)


def test_over_the_budget_is_refused_where_the_ballot_is_a_knapsack() -> None:
    options = [{"id": "a", "cost": 60}, {"id": "b", "cost": 50}]
    said = question(kind="budget", rule="greedy", budget=100, options=options)
    assert Vote.read(said).chosen(["a", "b"]) == ("a", "b")
    with pytest.raises(BadRequest, match="more than 100"):
        Vote.read(said | {"knapsack": True}).chosen(["a", "b"])


# ---- how it is counted


def of(**costs: int) -> list[Option]:
    return [Option(name, cost) for name, cost in costs.items()]


def test_a_plurality_is_told_and_so_is_a_tie() -> None:
    one = count("plurality", of(a=0, b=0), [["a"], ["a"], ["b"]])
    assert (one.chosen, one.tied) == (["a"], [])
    assert count("plurality", of(a=0, b=0), [["a"], ["b"]]).tied == ["a", "b"]
    assert count("plurality", of(a=0, b=0), []).tied == []


def test_greedy_takes_by_approvals_what_still_fits() -> None:
    one = count("greedy", of(a=70, b=40, c=30, d=10), [["a", "b"], ["a", "b"], ["a", "c"], ["b"], ["b", "c"]], 100)
    # b 4 votes, a 3 (does not fit), c 2, d none
    assert (one.chosen, one.spent) == (["b", "c"], 70)
    assert [step["chosen"] for step in one.steps] == [True, False, True]


def test_a_district_spends_its_own_sum_and_the_rest_is_everybodys() -> None:
    options = [Option("n1", 60, "north"), Option("n2", 50, "north"), Option("all", 30)]
    votes = [["n1", "n2", "all"], ["n1"], ["n2"], ["n1"]]
    one = count("greedy", options, votes, 100, {"north": 70})
    assert (one.chosen, one.spent) == (["n1", "all"], 90)


def test_equal_shares_gives_a_minority_its_part_where_greedy_gives_it_nothing() -> None:
    """60 want a1 to a3, 40 want b1: each has 1 of 100; by approvals alone the 60 take all."""
    options = of(a1=34, a2=33, a3=33, b1=40)
    votes = [["a1", "a2", "a3"]] * 60 + [["b1"]] * 40
    assert count("greedy", options, votes, 100).chosen == ["a2", "a3", "a1"]
    fair = count("equal-shares", options, votes, 100)
    # The 60 have 60: a2 and a3 would be 66, so one of them; the 40 have 40: b1. Of the 27 that are left nothing is had.
    assert sorted(fair.chosen) == ["a2", "b1"]
    assert fair.spent == 73


def test_equal_shares_by_hand() -> None:
    """Three voters with 4 each; x (6) by 1 and 2, y (4) by 2 and 3, z (4) by 3: x at 1/2, then y: 2 has 1, 3 has 4."""
    one = count("equal-shares", of(x=6, y=4, z=4), [["x"], ["x", "y"], ["y", "z"]], 12)
    assert [(step["option"], step["share"]) for step in one.steps if step["rule"] == "equal-shares"] == [
        ("y", "1/2"),
        ("x", "2/3"),
    ]
    assert one.chosen == ["y", "x"]
    assert one.spent == 10


def by_fractions(options: list[Option], votes: list[list[str]], budget: int) -> list[tuple[str, Fraction]]:
    """Equal shares as the paper has it, of every voter and by fractions: slow, and plainly right."""
    voters = [set(one) for one in votes if one]
    money = [Fraction(budget, len(voters))] * len(voters) if voters else []
    bought: list[tuple[str, Fraction]] = []
    left = {one.id: one for one in options}
    while True:
        found = []
        for one in left.values():
            mine = sorted((money[n], n) for n, voter in enumerate(voters) if one.id in voter)
            rest, people = Fraction(one.cost), len(mine)
            for had, _ in mine:
                if had * people >= rest:
                    found.append((rest / people / one.cost, -len(mine), one.cost, one.id))
                    break
                rest, people = rest - had, people - 1
        if not found:
            return bought
        part, _, cost, ident = min(found)
        money = [max(Fraction(0), had - part * cost) if ident in voters[n] else had for n, had in enumerate(money)]
        bought.append((ident, part))
        del left[ident]


@given(
    st.lists(st.sampled_from([1, 2, 3, 7, 50, 10**15]), min_size=2, max_size=8),
    st.lists(st.sets(st.integers(0, 7), max_size=5).map(sorted), max_size=20),
    st.one_of(st.integers(1, 200), st.integers(10**14, 10**16)),
)
@settings(max_examples=50, deadline=None)
def test_equal_shares_in_whole_numbers_are_those_of_fractions(
    costs: list[int], said: list[list[int]], budget: int
) -> None:
    options = [Option(f"o{n}", cost) for n, cost in enumerate(costs)]
    votes = [[f"o{n}" for n in one if n < len(costs)] for one in said]
    steps = [one for one in count("equal-shares", options, votes, budget).steps if one["rule"] == "equal-shares"]
    wanted = by_fractions(options, votes, budget)
    assert [one["option"] for one in steps] == [ident for ident, _ in wanted]
    for one, (_, part) in zip(steps, wanted, strict=True):
        assert one["share"] in {str(part), f"{part.numerator}/{part.denominator}", f"{float(part):.12g}"}


def test_a_large_vote_by_equal_shares_is_counted_in_seconds() -> None:
    draw = random.Random(1)
    options = [Option(f"o{n:03d}", draw.randrange(1_009, 60_000)) for n in range(200)]
    votes = [draw.sample([one.id for one in options], 20) for _ in range(2_000)]
    began = time.process_time()
    one = count("equal-shares", options, votes, sum(it.cost for it in options) // 2)
    assert time.process_time() - began < 5
    assert len(one.chosen) > 50


@given(
    st.lists(st.integers(1, 50), min_size=2, max_size=6),
    st.lists(st.sets(st.integers(0, 5), max_size=4), max_size=30),
    st.integers(1, 120),
    st.sampled_from(["greedy", "equal-shares"]),
)
@settings(max_examples=50, deadline=None)
def test_no_rule_ever_spends_more_than_there_is_and_order_means_nothing(
    costs: list[int], said: list[set[int]], budget: int, rule: str
) -> None:
    options = [Option(f"o{n}", cost) for n, cost in enumerate(costs)]
    votes = [[f"o{n}" for n in sorted(one) if n < len(costs)] for one in said]
    one = count(rule, options, votes, budget)
    assert one.spent == sum(it.cost for it in options if it.id in one.chosen) <= budget
    assert one.told() == count(rule, options, list(reversed(votes)), budget).told()
    assert all(one.tally[it] for it in one.chosen)
