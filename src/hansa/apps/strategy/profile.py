"""What kind of city it is, by a questionnaire whose every point is shown with its reason (report section 2.4.1).

The report tells three kinds apart: a new city, a mature one, and one that has deteriorated; each begins elsewhere.
Which answers speak for which is this project's reading, stated here and on the page, and no measurement: a city may say
that it is another kind, with the reason.
"""

from collections.abc import Mapping
from typing import Any, Final

from hansa import Refusal, saying

TYPES: Final[Mapping[str, str]] = {
    "new": "A new city builds its networks first, and builds them open: nothing old has to be kept alive.",
    "mature": "A mature city joins what it has: shared blocks, common data, services across departments.",
    "deteriorated": "A deteriorated city mends first what people depend on, and chooses what pays for itself early.",
}
Answer = tuple[str, Mapping[str, int], str]
QUESTIONS: Final[Mapping[str, tuple[str, Mapping[str, Answer]]]] = {
    "built": (
        "How much of the built area is younger than 20 years?",
        {
            "most": ("more than half", {"new": 3}, "most of it was built for what is wanted now"),
            "some": ("a tenth to a half", {"mature": 1}, "old and new stand side by side"),
            "little": ("less than a tenth", {"mature": 2, "deteriorated": 1}, "its shape was given long ago"),
        },
    ),
    "people": (
        "How has the population changed in ten years?",
        {
            "grown": ("grown by more than 20 %", {"new": 3}, "networks are outgrown before they are old"),
            "steady": ("between -5 and +20 %", {"mature": 2}, "demand changes slowly, and can be planned for"),
            "shrunk": ("shrunk by more than 5 %", {"deteriorated": 3}, "fewer people pay for the same networks"),
        },
    ),
    "networks": (
        "How much of the water mains is past its planned life?",
        {
            "few": ("less than 10 %", {"new": 2}, "nothing has to be replaced before its time"),
            "part": ("10 to 40 %", {"mature": 2}, "replacement goes on as planned"),
            "many": ("more than 40 %", {"deteriorated": 3}, "what is under the ground has been put off"),
        },
    ),
    "empty": (
        "How many dwellings stand empty for more than a year?",
        {
            "few": ("less than 4 %", {"mature": 1, "new": 1}, "there is use for what there is"),
            "some": ("4 to 10 %", {"mature": 1}, "as in most places"),
            "many": ("more than 10 %", {"deteriorated": 3}, "parts of the city are given up"),
        },
    ),
    "upkeep": (
        "How much of what upkeep should cost is in the budget?",
        {
            "whole": ("90 % and more", {"mature": 2}, "what wears out is renewed"),
            "part": ("60 to 90 %", {"mature": 1, "deteriorated": 1}, "something is put off each year"),
            "little": ("less than 60 %", {"deteriorated": 3}, "debts of upkeep grow each year"),
            "none-yet": ("little is due yet", {"new": 2}, "the networks are young"),
        },
    ),
    "systems": (
        "How many of the departments have systems that others can ask?",
        {
            "most": ("more than half", {"mature": 2}, "there is something to join"),
            "some": ("some", {"mature": 1}, "each has begun for itself"),
            "none": ("none", {"new": 1, "deteriorated": 1}, "nothing is there to join, or nothing works any more"),
        },
    ),
    "work": (
        "How has the number of jobs changed in ten years?",
        {
            "grown": ("grown by more than 20 %", {"new": 2}, "the economy comes with the people"),
            "steady": ("between -10 and +20 %", {"mature": 2}, "its economy is settled"),
            "shrunk": ("shrunk by more than 10 %", {"deteriorated": 3}, "what the city lived from has left"),
        },
    ),
}
LEAST: Final = 4
"""Answers below which nothing is said about the kind."""


def answers(said: Mapping[str, Any]) -> dict[str, str]:
    """The answers of a questionnaire; what is not known is left out. Refusal."""
    told = saying.part(said, "answers")
    saying.only(told, *QUESTIONS, at="answers.")
    found = {}
    for name, (_, choices) in QUESTIONS.items():
        value = told.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str) or value not in choices:
            raise Refusal("there is no such answer", where=f"answers.{name}", mend=", ".join(choices))
        found[name] = value
    return found


def judged(given: Mapping[str, str]) -> dict[str, Any]:
    """The kind of city that answers speak for, with the points of each and why; None where two are level."""
    points = dict.fromkeys(TYPES, 0)
    because = []
    for name, (asks, choices) in QUESTIONS.items():
        if name not in given:
            continue
        words, worth, why = choices[given[name]]
        for kind, many in worth.items():
            points[kind] += many
        because.append({"question": asks, "answer": words, "points": dict(worth), "why": why})
    most = max(points.values())
    best = [kind for kind, many in points.items() if many == most]
    said = f"{len(because)} of {len(QUESTIONS)} questions are answered"
    if len(because) < LEAST:
        return {"kind": None, "points": points, "because": because, "said": f"{said}; {LEAST} are the least"}
    if len(best) > 1:
        return {"kind": None, "points": points, "because": because, "said": f"{said}; {' and '.join(best)} are level"}
    return {"kind": best[0], "points": points, "because": because, "said": f"{said}. {TYPES[best[0]]}"}
