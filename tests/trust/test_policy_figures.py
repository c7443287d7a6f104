"""Decisions are Cedar's: a sample of its own corpus, and of random rows asked directly; all by `hansa bench policy`.

`HANSA_POLICY_ROWS` asks for more rows than a suite has time for, `HANSA_POLICY_CASES` for more cases.
"""

import os
import sys
from pathlib import Path

import pytest

from hansa.trust.policy import Decision

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rows():
    """What `hansa bench policy` measures with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        from bench import policy_rows
    return policy_rows


@pytest.mark.data
def test_decisions_of_cedars_own_corpus_are_the_published_ones(rows, data):
    files = rows.unpacked(data / "trust" / "cedar_corpus.tar.xz")
    decisions, wrong = rows.corpus(files, int(os.environ.get("HANSA_POLICY_CASES", "400")), seed=11)
    assert decisions >= 8 * 400
    assert wrong == 0


def test_labels_are_decided_as_cedar_decides_row_by_row(rows):
    many = int(os.environ.get("HANSA_POLICY_ROWS", "3000"))
    assert rows.labels(many, seed=many, policies=60) == []


def test_a_row_that_cedar_decides_otherwise_would_be_found(rows, monkeypatch):
    def wrong(self, *, label, **_):
        return Decision(label.kind == "open", ())

    monkeypatch.setattr(rows.Policy, "decide", wrong)
    assert len(rows.labels(200, seed=1, policies=10)) > 10


def test_the_speed_rows_tell_times(rows):
    cached, cold = rows._speed()
    assert cached["ok"] is not False, cached
    assert cold["ok"] is not False, cold
    assert sys.modules["bench.rows"].known()["policy"] is rows.policy
