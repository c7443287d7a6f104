"""`hansa ballots check`: the file and the receipt alone, no city."""

import json
from pathlib import Path

import orjson
import pytest
from cities import run
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA384

from hansa.trust.ballots import RECEIPT, Cast, Seal, Vote, message, published
from hansa.trust.blind import Signer, prepared

ID = "urn:ngsi-ld:Ballot:lamps"
SIGNER, SEAL = Signer.fresh(2_048), Seal()
VOTE = Vote.read(
    {
        "ballot": ID, "question": {"en": "Which?"}, "kind": "choice", "rule": "plurality",
        "options": [{"id": "a"}, {"id": "b"}], "opens": "2026-05-01T00:00:00Z", "closes": "2026-05-08T00:00:00Z",
    }
)  # fmt: skip


def ballot(choice: str) -> Cast:
    serial = prepared(b"")
    ready = prepared(message(ID, serial, [choice]))
    signature = SIGNER.private.sign(ready, PSS(MGF1(SHA384()), 48), SHA384())
    return Cast(serial, ready[:32], (choice,), signature)


MARK = VOTE.fingerprint(SIGNER.public, SEAL.public)
CAST = [ballot("a"), ballot("b"), ballot("a")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ballots.jsonl"
    path.write_bytes(b"\n".join(published(VOTE, SIGNER.public, SEAL, 4, CAST)) + b"\n")
    return path


def receipt(folder: Path, one: Cast) -> Path:
    path = folder / "receipt.json"
    told = {"format": RECEIPT, "ballot": ID, **one.told(), "receipt": SEAL.receipt(ID, one.leaf(ID))}
    path.write_text(json.dumps(told))
    return path


def test_a_file_that_holds_is_counted_and_the_ballot_of_a_receipt_found(file: Path, tmp_path: Path) -> None:
    done = run("ballots", "check", file, "--receipt", receipt(tmp_path, CAST[1]), "--key", MARK)
    assert done.exit_code == 0, done.output
    for words in (
        "4 were given a ballot, 3 were cast",
        "2  a *",
        "your ballot: there",
        "all of it holds, compared with what was",
    ):
        assert words in done.output


def test_a_file_that_was_compared_with_nothing_says_so_and_does_not_exit_0(file: Path, tmp_path: Path) -> None:
    for more in ([], ["--receipt", receipt(tmp_path, CAST[0])], ["--key", " "]):
        done = run("ballots", "check", file, *more)
        assert (done.exit_code, "NOT COMPARED with what was announced" in done.output) == (3, True)
        assert "all of it holds" not in done.output
    kept = receipt(tmp_path, CAST[0])
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"fingerprint": MARK}))
    done = run("ballots", "check", file, "--receipt", kept)
    assert (done.exit_code, "compared with your receipt" in done.output) == (0, True)


@pytest.mark.parametrize("what", ["seal", "question", "closes", "key"])
def test_a_file_sealed_anew_by_whoever_dropped_ballots_or_changed_the_question_exits_2(file: Path, what: str) -> None:
    """Anybody can make one of true ballots: it agrees with itself, and is not what was announced."""
    said = dict(VOTE.said)
    if what == "question":
        said["question"] = {"en": "Which shall be torn down?"}
    if what == "closes":
        said["closes"] = "2026-05-09T00:00:00Z"
    key, cast = (Signer.fresh(2_048).public, []) if what == "key" else (SIGNER.public, CAST[:1])
    file.write_bytes(b"\n".join(published(Vote.read(said), key, SEAL if what == "key" else Seal(), 4, cast)))
    done = run("ballots", "check", file, "--key", MARK)
    assert (done.exit_code, "not the one that was announced" in done.output) == (2, True)
    assert run("ballots", "check", file, "--key", SIGNER.public.fingerprint).exit_code == 2
    assert run("ballots", "check", file).exit_code == 3


@pytest.mark.parametrize("fraud", ["altered", "doubled", "dropped", "added"])
def test_each_fraud_exits_2_and_says_what_is_wrong(file: Path, fraud: str) -> None:
    lines = file.read_bytes().splitlines()
    one = orjson.loads(lines[2])
    one["choice"] = ["b"] if one["choice"] == ["a"] else ["a"]
    lines = {
        "altered": [*lines[:2], orjson.dumps(one), *lines[3:]],
        "doubled": [*lines[:3], lines[2], *lines[3:]],
        "dropped": lines[:-1],
        "added": [*lines, orjson.dumps(ballot("b").told() | {"serial": "_" * 42 + "8"})],
    }[fraud]
    file.write_bytes(b"\n".join(lines))
    done = run("ballots", "check", file)
    assert done.exit_code == 2
    assert "WRONG: " in done.output
    assert "all of it holds" not in done.output


def test_a_missing_ballot_another_key_and_what_is_no_receipt_exit_2(file: Path, tmp_path: Path) -> None:
    assert "missing" in run("ballots", "check", file, "--receipt", receipt(tmp_path, ballot("a"))).output
    assert "not the one that was announced" in run("ballots", "check", file, "--key", "x").output
    wrong = tmp_path / "wrong"
    for body in (b"", b"[]", b"\xff", b"[" * 70_000):
        wrong.write_bytes(body)
        done = run("ballots", "check", file, "--receipt", wrong)
        assert (done.exit_code, "no receipt" in done.output) == (2, True)
    wrong.write_bytes(b"\x00" * 5_000_000)
    assert run("ballots", "check", wrong).exit_code == 2
