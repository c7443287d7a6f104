"""KpiInput: one number of one period, how it is known, and how far it may be believed.

Earlier values are in its history: each bears when it was said. A correction makes what was verified unverified.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isclose
from typing import Any, Final

from hansa import Attribute, Delete, Entity, Refusal, entity
from hansa.apps.scorecard import nouns
from hansa.apps.scorecard.nouns import Spell
from hansa.apps.scorecard.times import iso

AGENT: Final = "app:scorecard"
"""Who says what a query gives, or a column of a table that is bound."""
KNOWN: Final = frozenset({"reported", "verified"})
"""States in which there is a value."""
_MAY_GO: Final = (
    "value", "reason", "evidence", "verifiedBy", "verifiedAt", "verifiedRole", "completeness", "fault", "correction",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """What is said of an input: a value, or why there is none."""

    name: str
    area: str
    spell: Spell
    value: float | None
    status: str
    how: str
    by: str
    at: int
    lineage: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    correction: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    completeness: float | None = None
    media: tuple[Mapping[str, Any], ...] = ()
    label: str | None = None


def is_known(one: Entity | None) -> bool:
    """Whether there is a value."""
    return one is not None and one.get("status") in KNOWN and "value" in one


def is_word_of(one: Entity, who: str) -> bool:
    """Whether it is somebody's own word: he entered or sent it, or said which query gives it."""
    return who in {one.get("by"), dict(one.get("lineage") or {}).get("by")}


def same(word: Word, before: Entity | None) -> bool:
    """Whether this says of the value what stands already."""
    if before is None:
        return False
    if word.status == "reported":
        # A spreadsheet keeps 16 digits of a number.
        return (
            is_known(before) and word.value is not None and isclose(float(before["value"]), word.value, rel_tol=1e-14)
        )
    return bool(before.get("status") == word.status and before.get("reason", "") == word.reason)


def unsaid(word: Word, before: Entity | None, *, correct: bool) -> None:
    """Refusal where another value stands for the period, unless it is to be corrected, with a reason."""
    if before is None or same(word, before) or not is_known(before):
        return
    if not correct:
        raise Refusal(
            f"{word.name} of {word.spell.period} is {before['value']:g} already",
            where="value",
            mend="say correct: true and the reason, if it was wrong",
        )
    if not word.correction:
        raise Refusal("say why it is corrected", where="reason")


def said(framework: Any, word: Word, before: Entity | None) -> Iterable[Entity | Delete]:
    """The words that make it so. What no longer holds, such as who verified the old value, goes."""
    spec = framework.inputs[word.name]
    codes = sorted(framework.uses.get(word.name, ()))
    stands = same(word, before)
    # Who verified it has seen this evidence, of this person: with another it is another word.
    verified = (
        stands and before is not None and before.get("status") == "verified" and before.get("by") == word.by
        and dict(before.get("evidence") or {}) == dict(word.evidence)
    )  # fmt: skip
    told: dict[str, Any] = {
        "framework": framework.id,
        "input": word.name,
        "area": word.area,
        "period": word.spell.period,
        "code": codes[0] if codes else None,
        "codes": codes,
        "says": spec.says,
        "unit": spec.unit,
        "status": "verified" if verified else word.status,
        "how": word.how,
        "provisional": word.spell.running,
        "lineage": dict(word.lineage),
        "by": word.by,
        "at": iso(word.at),
        "reason": word.reason or None,
        "correction": word.correction or None,
        "evidence": dict(word.evidence) or None,
        "completeness": None if word.completeness is None else round(word.completeness, 4),
        "media": list(word.media) or None,
    }
    if word.value is not None:
        # With its time, so that each value it ever had is in the history.
        told["value"] = Attribute(word.value, at=before.at("value") if stands and before is not None else word.at)
    ident = nouns.input_id(framework.id, word.name, word.area, word.spell.period)
    made = entity("KpiInput", ident, **told)
    made.label = word.label or "smart"
    yield made
    gone = set(_MAY_GO) - {name for name, value in told.items() if value is not None}
    if verified:
        gone -= {"verifiedBy", "verifiedAt", "verifiedRole"}
    for name in sorted(gone):
        if before is not None and name in before:
            yield Delete(ident, name)
