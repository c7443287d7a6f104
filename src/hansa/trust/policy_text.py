"""The text of a policy before Cedar reads it: cut into rules, capped, and whatever is wrong with it, line by line.

Cedar's parser is recursive and says no places: a text that is nested deep enough ends the whole process, so brackets
and words are counted here first; and what it complains about is looked up in the rule that it names. Every rule bears
`@id` (its name, in answers) and `@reason` (a sentence for people). What a reader could not see, such as a character
that turns the direction of writing, is refused: two people are to approve what they read. Report: 4.2.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cedarpy

from hansa.errors import BadRequest
from hansa.limits import DEFAULT

_WORD: Final = re.compile(r'\s+|//[^\n]*|"(?:[^"\\]|\\.)*"|\w+|::|&&|\|\||[=!<>]=|.', re.DOTALL)
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}\Z", re.ASCII)
_NAMED: Final = re.compile(r"`([^`]+)`")
_POSITION: Final = re.compile(r"for policy `policy[0-9]+`[,:]? ")
_CONDITION: Final = re.compile(r"(?:^|\s|\))(?:when|unless)\b")
_FOLLOWS: Final = "unable to find an applicable action"
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_DEPTH: Final = 24
_WORDS: Final = 1_000
"""Of one rule. Cedar's parser overflowed its stack, and ended the process, at 1,000 brackets and at 20,000 terms."""
_RULES: Final = 500
_REASON: Final = 300
_FAULTS: Final = 50  # said at once


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong at a line of a policy."""

    line: int
    reason: str
    rule: str = ""


class PolicyInvalid(BadRequest):
    """Theirs: a policy that is not loaded. `faults` says what is wrong, line by line."""

    kind = "https://hansa.city/errors/PolicyInvalid"
    title = "Invalid policy"

    def __init__(self, faults: list[Fault]) -> None:
        """Of one fault at least."""
        self.faults = tuple(sorted(faults)[:_FAULTS])
        first = self.faults[0]
        super().__init__(f"line {first.line}: {first.reason}", where=f"line {first.line}")

    def problem(self) -> dict[str, Any]:
        """Problem details with every fault."""
        faults = [{"line": one.line, "reason": one.reason, "rule": one.rule} for one in self.faults]
        return super().problem() | {"faults": faults}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy: its name, what it does, the sentence for people, and where it stands."""

    id: str
    effect: str
    """`permit` or `forbid`."""
    reason: str
    first: int
    last: int
    text: str

    def shown(self) -> dict[str, Any]:
        """As it is told to people and programs."""
        return {
            "id": self.id,
            "effect": self.effect,
            "reason": self.reason,
            "lines": [self.first, self.last],
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class _Statement:
    first: int
    last: int
    text: str


def rules(text: str, schema: cedarpy.Schema) -> tuple[Rule, ...]:
    """The rules of a policy, in order, strictly valid against a schema. Raises PolicyInvalid with every fault found."""
    if faults := list(_unreadable(text)):
        raise PolicyInvalid(faults)
    cut = _cut(text)
    if faults := [fault for one in cut for fault in _syntax(one)]:
        raise PolicyInvalid(faults)
    held = json.loads(cedarpy.policies_to_json_str(text))
    found, faults = [], []
    names: set[str] = set()
    for at, one in enumerate(cut):
        said = held["staticPolicies"].get(f"policy{at}")
        if said is None:
            faults.append(Fault(one.first, "a rule has no slots (?principal, ?resource)"))
            continue
        notes = said.get("annotations") or {}
        name, reason = notes.get("id") or "", (notes.get("reason") or "").strip()
        if not _NAME.match(name):
            faults.append(Fault(one.first, 'a rule has a name: @id("small-letters-and-digits")'))
        elif name in names:
            faults.append(Fault(one.first, f"two rules are called {name}", name))
        if not reason or len(reason) > _REASON:
            faults.append(Fault(one.first, f'a rule says why: @reason("..."), at most {_REASON} characters', name[:64]))
        names.add(name)
        found.append(Rule(name, said["effect"], reason, one.first, one.last, one.text))
    if faults:
        raise PolicyInvalid(faults)
    # Others go on meanwhile: of a long text this is half a second.
    valid = cedarpy.validate_policies(text, schema, release_gil=True)
    if not valid.validation_passed:
        # A fault without a rule's name is still a fault: nothing is loaded that was not found valid.
        raise PolicyInvalid(_told(valid.errors, cut, found) or [Fault(1, "it is not valid")])
    return tuple(found)


def _unreadable(text: str) -> Iterator[Fault]:
    """What must not even be shown to the parser."""
    size = len(text.encode("utf-8", "replace"))
    if size > DEFAULT.policy:
        yield Fault(1, f"{size:,} bytes; {DEFAULT.policy:,} are the most")
        return
    for number, line in enumerate(text.split("\n"), 1):
        for letter in line:
            if letter > "~" or letter < " ":
                kind = unicodedata.category(letter)
                if (kind[0] == "C" and letter not in "\t\r") or kind in {"Zl", "Zp"}:
                    yield Fault(number, f"U+{ord(letter):04X} cannot be seen, and so not be approved")
                    break


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of a text: each with its line and where it begins, without spaces and comments."""
    line = 1
    for match in _WORD.finditer(text):
        word = match[0]
        if not word.isspace() and not word.startswith("//"):
            if word == '"':
                raise PolicyInvalid([Fault(line, "a quote is not closed")])
            if word[0] != '"' and not word.isascii():
                raise PolicyInvalid([Fault(line, f"{word[:20]!r}: such letters stand between quotes only")])
            yield word, line, match.start()
        line += word.count("\n")


def _cut(text: str) -> list[_Statement]:
    """The statements of a text; PolicyInvalid where brackets, quotes or caps are not kept."""
    found: list[_Statement] = []
    opened: list[tuple[str, int]] = []
    begun, first, words = -1, 1, 0
    for word, line, at in _words(text):
        if begun < 0:
            begun, first, words = at, line, 0
        words += 1
        if word in _PAIRS.values():
            opened.append((word, line))
        elif word in _PAIRS and (not opened or opened.pop()[0] != _PAIRS[word]):
            raise PolicyInvalid([Fault(line, f"this {word} closes nothing")])
        if len(opened) > _DEPTH or words > _WORDS:
            raise PolicyInvalid([Fault(line, "this rule is too long or too deep to be read: make it two")])
        if word == ";" and not opened:
            found.append(_Statement(first, line, text[begun : at + 1]))
            begun = -1
        elif word == ";":
            break
    if opened:
        raise PolicyInvalid([Fault(opened[-1][1], f"this {opened[-1][0]} is not closed")])
    if begun >= 0:
        raise PolicyInvalid([Fault(first, "this rule does not end with ;")])
    if not found:
        raise PolicyInvalid([Fault(1, "there is no rule, so nobody could do anything")])
    if len(found) > _RULES:
        raise PolicyInvalid([Fault(found[_RULES].first, f"{len(found):,} rules; {_RULES} are the most")])
    return found


def _syntax(one: _Statement) -> list[Fault]:
    """What Cedar's parser says of a statement, at the first line from which on it is lost."""
    fault = _parse(one.text)
    if fault is None:
        return []
    lines = one.text.split("\n")
    for count in range(1, len(lines)):
        so_far = _parse("\n".join(lines[:count]))
        if so_far is not None and "end of input" not in so_far:
            return [Fault(one.first + count - 1, so_far)]
    return [Fault(one.last, fault)]


def _parse(text: str) -> str | None:
    try:
        cedarpy.PolicySet.from_str(text)
    except ValueError as fault:
        return str(fault)[:300]
    return None


def _told(errors: list[cedarpy.ValidationError], cut: list[_Statement], found: list[Rule]) -> list[Fault]:
    """Validation errors, each once; what only follows from another fault of the same rule is left out."""
    placed = {_placed(one, cut, found) for one in errors}
    grave = {one.rule for one in placed if _FOLLOWS not in one.reason}
    return [one for one in placed if _FOLLOWS not in one.reason or one.rule not in grave]


def _placed(error: cedarpy.ValidationError, cut: list[_Statement], found: list[Rule]) -> Fault:
    """A validation error at the line that holds the words it names, else where the conditions of its rule begin."""
    at = error.policy_id.removeprefix("policy")
    reason = _POSITION.sub("", error.error)[:300]
    if not at.isdecimal() or int(at) >= len(cut):
        return Fault(1, reason)
    one = cut[int(at)]
    named = [word for word in _NAMED.findall(reason) if not word.startswith("policy")]
    lines = list(enumerate(one.text.split("\n"), one.first))
    at_word = (line for line, text in lines if text.lstrip()[:1] != "@" and any(_holds(text, word) for word in named))
    at_condition = (line for line, text in lines if _CONDITION.search(text))
    return Fault(next(at_word, next(at_condition, one.first)), reason, found[int(at)].id)


def _holds(line: str, word: str) -> bool:
    return re.search(rf"(?<![\w:]){re.escape(word)}(?!\w)", line) is not None
