"""The policy: how fast it decides, and that it decides as Cedar does, decision by decision.

`corpus` runs the decisions that Cedar's own project published; `labels` holds remembered decisions against calls of
Cedar that are put together here in another way than `hansa.trust.policy` does, on random policies, actors and labels.
"""

import json
import random
import statistics
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cedarpy

from bench.rows import Bench, Row, skipped
from hansa.trust.actors import ROLES, Actor
from hansa.trust.labels import CLASSES, Label
from hansa.trust.policy import VERBS, Decision, Policy, evaluate, schema, shipped
from hansa.trust.policy_record import Record

CORPUS: Final = Path(__file__).parents[2] / "shared" / "data" / "trust" / "cedar_corpus.tar.xz"
_DEPARTMENTS: Final = ("parks", "water", "roads", "Grünflächen", 'od"d', "")
_PURPOSES: Final = ("", "irrigation", "research", "billing", "audit")
_UNHEARD: Final = ("idling", "ä", "context.purpose", "irrigation ")  # purposes that no label bears
_LICENCES: Final = ("", "CC0-1.0")
_IDS: Final = ("person:ada", "person:bo", "service:ledger", "device:pump-7", "neighbour:graz", "app:frost", "public")
_ATOMS: Final = (
    *(f"principal.assurance >= {one}" for one in range(4)),
    *(f'principal.kind == "{one}"' for one in ("person", "service", "public")),
    *(f'principal in Role::"{one}"' for one in ROLES),
    *(f'resource in Class::"{one}"' for one in CLASSES),
    *(f'action == Action::"{one}"' for one in VERBS),
    "principal.departments.contains(resource.owner)",
    'principal.departments.contains("parks")',
    "principal.departments.isEmpty()",
    'principal == Actor::"service:ledger"',
    'principal in [Actor::"person:bo", Actor::"public"]',
    'resource.owner == ""',
    'resource.owner == "Grünflächen"',
    'resource.licence == "CC0-1.0"',
    'resource.realm == "open"',
    "resource.purposes.isEmpty()",
    "resource.purposes.contains(context.purpose)",
    'resource.purposes.containsAny(["irrigation", "billing"])',
    'context.purpose == "idling"',
    '"billing" != context.purpose',
    '["idling", "audit"].contains(context.purpose)',
    'context.purpose like "*ing"',
    "context.lent.contains(resource.owner)",
    "resource.owner == context.purpose",
    "context.lent.contains(context.purpose)",
    "context.lent.isEmpty()",
    "context.subject",
    "principal.assurance * 4611686018427387904 > 0",  # overflows for whoever is surely known
)


def policy(bench: Bench) -> Iterator[Row]:
    """How fast, and how right."""
    yield from _speed()
    how = f"every decision of {CORPUS.name}, through hansa.trust.policy.evaluate"
    asked = "100 % of decisions"
    if CORPUS.is_file():
        decisions, wrong = corpus(unpacked(CORPUS), 200 if bench.quick else None)
        yield Row(
            row="policy: Cedar corpus",
            asked=asked,
            measured=f"{decisions - wrong:,} of {decisions:,}",
            floor=None,
            ratio=None,
            ok=wrong == 0,
            how=how,
        )
    else:
        yield skipped("policy: Cedar corpus", asked, "no ../shared/data", how)
    rows = 2_000 if bench.quick else 100_000
    differences = len(labels(rows, 7))
    yield Row(
        row="policy: labels as Cedar row by row",
        asked="0 differences in 100,000 rows",
        measured=f"{differences} differences in {rows:,} rows",
        floor=None,
        ratio=None,
        ok=differences == 0,
        how="random policies, actors and labels; each row asked of Policy.decide twice and of cedarpy directly",
    )


def _speed() -> Iterator[Row]:
    draw = random.Random(1)
    made = Policy(shipped("open"), "bench", record=Record())
    asked = [_question(draw) for _ in range(2_000)]
    cold = _each(made.weigh, asked)
    _each(made.decide, asked)
    warm = [one for _ in range(5) for one in _each(made.decide, asked)]
    for name, times, most in (("cached", warm, 20e-6), ("cold", cold, 1e-3)):
        p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        yield Row(
            row=f"policy: a decision, {name}",
            asked=f"p50 ≤ {most * 1e6:,.0f} us",
            measured=f"p50 {p50 * 1e6:.1f} us, p99 {p99 * 1e6:.1f} us",
            floor=None,
            ratio=None,
            ok=p50 <= most,
            how=f"{len(asked):,} random questions to the shipped policy of the realm open",
        )


def _each(decide: Callable[..., Decision], asked: list[dict[str, Any]]) -> list[float]:
    times = []
    for one in asked:
        begun = time.perf_counter()
        decide(**one)
        times.append(time.perf_counter() - begun)
    return times


def unpacked(path: Path) -> dict[str, bytes]:
    """The files of the corpus by name."""
    with tarfile.open(path) as packed:
        files = ((one.name, packed.extractfile(one)) for one in packed)
        return {name: file.read() for name, file in files if file is not None}


def corpus(files: dict[str, bytes], most: int | None = None, seed: int = 0) -> tuple[int, int]:
    """How many decisions of the corpus were made (of at most so many cases, drawn), and how many wrongly."""
    cases = sorted(one for one in files if one.endswith(".json") and not one.endswith(".entities.json"))
    if most is not None:
        cases = random.Random(seed).sample(cases, min(most, len(cases)))
    decisions = wrong = 0
    for name in cases:
        case = json.loads(files[name])
        policies = cedarpy.PolicySet.from_str(files[case["policies"]].decode())
        entities = files[case["entities"]].decode()
        for said in case["requests"]:
            request = {part: said[part] for part in ("principal", "action", "resource")}
            answer = evaluate(request | {"context": json.dumps(said["context"])}, policies, entities)
            same = (
                answer.allowed is (said["decision"] == "allow")
                and sorted(answer.rules) == sorted(said["reason"])
                and len(answer.errors) == len(said["errors"])
            )
            decisions += 1
            wrong += not same
    return decisions, wrong


def labels(rows: int, seed: int, policies: int = 200) -> list[str]:
    """Random questions that `Policy.decide`, asked twice, answers otherwise than Cedar asked directly."""
    draw = random.Random(seed)
    of_hansa = cedarpy.Schema.from_str(schema())
    found = []
    for at in range(min(policies, rows)):
        text = shipped(("open", "security")[at]) if at < 2 else _policy(draw)
        made, direct = Policy(text, str(at)), cedarpy.PolicySet.from_str(text)
        for _ in range(rows // min(policies, rows)):
            asked = _question(draw)
            truth = _direct(asked, direct, of_hansa)
            if not made.decide(**asked).allowed == made.decide(**asked).allowed == truth:
                found.append(f"{asked} is {truth} by\n{text}")
    return found


def _direct(asked: dict[str, Any], policies: cedarpy.PolicySet, of_hansa: cedarpy.Schema) -> bool:
    """One row, asked of Cedar with everything spelled out and held against the schema."""
    who, label = asked["actor"], asked["label"]
    words = {"principal": f"Actor::{json.dumps(who.id)}", "action": f"Action::{json.dumps(asked['verb'])}"}
    entities = [
        {
            "uid": {"__entity": {"type": "Actor", "id": who.id}},
            "attrs": {
                "kind": who.id.split(":")[0],
                "departments": [one for one in who.departments if one],
                "assurance": who.assurance,
            },
            "parents": [{"__entity": {"type": "Role", "id": role}} for role in who.roles if role in ROLES],
        },
        {
            "uid": {"__entity": {"type": "Information", "id": str(label)}},
            "attrs": {
                "realm": asked["realm"],
                "owner": label.owner,
                "licence": label.licence,
                "purposes": list(label.purposes),
            },
            "parents": [{"__entity": {"type": "Class", "id": label.kind}}],
        },
    ]
    result = cedarpy.is_authorized(
        {
            **words,
            "resource": {"type": "Information", "id": str(label)},
            "context": {"purpose": asked["purpose"], "lent": list(asked["lent"]), "subject": asked["subject"]},
        },
        policies,
        entities,
        of_hansa,
    )
    return result.allowed and not result.diagnostics.errors  # a rule that failed might have forbidden


def _question(draw: random.Random) -> dict[str, Any]:
    def some(words: Sequence[str], most: int) -> frozenset[str]:
        return frozenset(draw.sample(words, draw.randint(0, most)))

    return {
        "actor": Actor(
            draw.choice(_IDS),
            some((*ROLES, "mayor"), 3),
            some(_DEPARTMENTS, 2),
            draw.randint(0, 3),
            "",
            draw.choice("ab"),
        ),
        "verb": draw.choice(VERBS) if draw.random() < 0.6 else "read",
        "label": Label(
            draw.choice(CLASSES),
            draw.choice(_DEPARTMENTS),
            draw.choice(_LICENCES),
            tuple(sorted(some(_PURPOSES[1:], 2))),
            draw.choice(("", "", "person:ada")),
        ),
        "realm": draw.choice(("open", "security")),
        "purpose": draw.choice((*_PURPOSES, *_UNHEARD)),
        "lent": some(_PURPOSES, 2),
        "subject": draw.random() < 0.2,
    }


def _policy(draw: random.Random) -> str:
    return "\n".join(_rule(draw, at) for at in range(draw.randint(1, 12)))


def _rule(draw: random.Random, at: int) -> str:
    verbs = ", ".join(f'Action::"{one}"' for one in draw.sample(VERBS, draw.randint(1, 4)))
    who = draw.choice(("principal", f'principal in Role::"{draw.choice(ROLES)}"'))
    what = draw.choice(("resource", f'resource in Class::"{draw.choice(CLASSES)}"'))
    effect = "permit" if draw.random() < 0.7 else "forbid"
    conditions = " ".join(
        f"{draw.choice(('when', 'unless'))} {{ {_condition(draw)} }}" for _ in range(draw.randint(0, 2))
    )
    scope = f"{who}, {draw.choice(('action', f'action in [{verbs}]'))}, {what}"
    return f'@id("rule-{at}") @reason("Drawn.")\n{effect} ({scope}) {conditions};'


def _condition(draw: random.Random, deep: int = 3) -> str:
    kind = draw.random()
    if deep == 0 or kind < 0.5:
        return draw.choice(_ATOMS)
    if kind < 0.6:
        return f"!({_condition(draw, deep - 1)})"
    return f"({_condition(draw, deep - 1)} {draw.choice(('&&', '||'))} {_condition(draw, deep - 1)})"
