"""docs/policies.md says what the shipped policies do: each cell of its tables is asked of them."""

import re
from pathlib import Path

import pytest

from hansa.trust.actors import PASSKEY, ROLES, UNKNOWN, Actor
from hansa.trust.labels import CLASSES, Label
from hansa.trust.policy import SHIPPED, VERBS, Policy, shipped

TEXT = (Path(__file__).parents[2] / "docs" / "policies.md").read_text("utf-8")
WORDS = {
    "sees": ("read", "subscribe"),
    "reads": ("read",),
    "writes": ("create", "update"),
    "deletes": ("delete",),
    "takes along": ("export",),
    "commands": ("command",),
    "administers": ("administer",),
    "declassifies": ("declassify",),
}


def said(realm):
    """What the doer of each row does, by class, as the verbs that its words stand for."""
    section = TEXT.split(f"### The realm `{realm}`")[1].split("###")[0]
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in section.splitlines() if line.startswith("|")]
    assert rows[0][1:] == [f"`{kind}`" for kind in CLASSES]
    return {row[0].strip("`"): dict(zip(CLASSES, row[1:], strict=True)) for row in rows[2:]}


def words(policy, realm, who, kind):
    label, how = Label(kind, "parks", "", ("irrigation",)), {"realm": realm, "purpose": "irrigation"}
    may = {verb for verb in VERBS if policy.decide(who, verb, label, **how).allowed}
    found = []
    for word, verbs in WORDS.items():
        if may.issuperset(verbs):
            found.append(word)
            may -= set(verbs)
    assert may == set(), (who, kind, may)
    return ", ".join(found) or "–"


@pytest.mark.parametrize("realm", ["open", "security"])
def test_each_cell_of_the_tables_is_what_the_shipped_policy_decides(realm):
    policy = Policy(shipped(realm), SHIPPED)
    actors = {role: Actor("person:ada", frozenset({role}), frozenset({"parks"}), PASSKEY) for role in ROLES}
    actors["nobody known"] = UNKNOWN
    assert said(realm) == {
        role: {kind: words(policy, realm, who, kind) for kind in CLASSES} for role, who in actors.items()
    }


def test_the_example_of_the_page_is_a_valid_policy():
    [example] = re.findall(r"```cedar\n(.*?)```", TEXT, re.DOTALL)
    [rule] = Policy(shipped("open") + example, "2").rules[-1:]
    assert rule.id == "surveyors-see-what-is-for-planning"
    member = Actor("person:ada", frozenset({"member"}), frozenset({"survey"}), PASSKEY)
    asked = Label("smart", "parks", "", ("planning",))
    assert (
        Policy(shipped("open") + example, "2").decide(member, "read", asked, realm="open", purpose="planning").allowed
    )
    assert not Policy(shipped("open"), "1").decide(member, "read", asked, realm="open", purpose="planning").allowed
