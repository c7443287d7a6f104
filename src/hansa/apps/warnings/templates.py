"""Templates: versioned texts for each hazard in five languages, with placeholders; and the marks on every text.

They are data (`templates.json`). A placeholder that nobody filled is refused: a warning that says "{place}" is none.
"""

import json
import string
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from hansa import Refusal
from hansa.apps.warnings.words import BODY, LANGUAGES, SHORT, TITLE, only, text

VALUE: Final = 120  # characters of what is put in a placeholder
Texts = dict[str, dict[str, str]]


@cache
def data() -> dict[str, Any]:
    """All that ships: version, marks, hazards, templates, messages."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath("templates.json").read_text("utf-8"))
    return found


def hazards() -> dict[str, dict[str, Any]]:
    """The hazards that people choose from: {code: {"category", "names"}}."""
    found: dict[str, dict[str, Any]] = data()["hazards"]
    return found


def template(name: str) -> dict[str, Any]:
    """One template. Raises Refusal."""
    them: dict[str, dict[str, Any]] = data()["templates"]
    if name not in them:
        raise Refusal("there is no such template", where="template", mend=", ".join(them))
    return them[name]


def fields(words: str) -> set[str]:
    """The placeholders of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


def filled(name: str, values: Any) -> tuple[Texts, dict[str, str]]:
    """Texts and instructions of a template with its placeholders filled. Raises Refusal."""
    it = template(name)
    if not isinstance(values, Mapping):
        raise Refusal("values fill the placeholders", where="values", mend=", ".join(it["fields"]))
    only(values, *it["fields"])
    said = {field: text({field: _plain(values.get(field))}, field, VALUE) for field in it["fields"]}
    if missing := [field for field, value in said.items() if not value]:
        raise Refusal(f"{', '.join(missing)} is not filled in", where=f"values.{missing[0]}")
    texts = {
        language: {part: _put(words, said) for part, words in parts.items()} for language, parts in it["texts"].items()
    }
    return texts, {language: _put(words, said) for language, words in it["instruction"].items()}


def message(name: str, **values: str) -> Texts:
    """Texts of a message that is no warning: verify, link."""
    said: Texts = data()["messages"][name]
    return {language: {part: _put(words, values) for part, words in one.items()} for language, one in said.items()}


def notice(words: str) -> Texts:
    """Texts of a notice that a run-book wrote: its words are in the language it was written in."""
    heads = data()["messages"]["notice"]
    return {one: {"title": heads[one]["title"], "short": words[:SHORT], "body": words[:BODY]} for one in LANGUAGES}


def marked(texts: Mapping[str, Mapping[str, str]], status: str, kind: str) -> Texts:
    """The texts as they go out: an exercise, a test, an update, a cancellation says so first, in each language."""
    found: Texts = {}
    for language, parts in texts.items():
        mark = mark_of(status, kind, language)
        most = {"title": TITLE, "short": SHORT, "body": BODY}
        found[language] = {name: (mark + parts.get(name, ""))[: 2 * most[name]] for name in most}
    return found


def mark_of(status: str, kind: str, language: str) -> str:
    """What stands before every text of such a message; empty for a first, actual one."""
    marks = data()["marks"]
    return "".join(marks[one].get(language, marks[one]["en"]) for one in (status, kind) if one in marks)


def _plain(value: Any) -> Any:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value


def _put(words: str, values: Mapping[str, str]) -> str:
    # A value is text and never a template: braces in it stay as they are.
    for field in fields(words):
        if field in values:
            words = words.replace("{" + field + "}", "\0" + field + "\0")
    for field, value in values.items():
        words = words.replace("\0" + field + "\0", value)
    return words
