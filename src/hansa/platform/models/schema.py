"""One model: a JSON Schema as Smart Data Models publishes them, compiled, and what it says of an entity.

It speaks of the key-values form: `{"id", "type", "temperature": 3.1, "location": {...}}`. Patterns are matched in
linear time, so no entity can hang one; look-around and back-references are refused when the schema is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol

from hansa.errors import BadRequest
from hansa.model.entity import MEMBERS, VALUE_OF, Doc, alias, default_instance, instances
from hansa.platform.models import bounds

FAULTS: Final = 10
"""Told of one entity; who has mended them may ask again."""

_REGEX_BYTES: Final = 1_000_000  # of one compiled pattern
_WORDS: Final = 300  # of one reason: it repeats the value, which may be long


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing in which an entity is not as its model says: where, by which rule, and why in words."""

    path: str
    rule: str
    reason: str

    def __str__(self) -> str:
        """As a sentence of a log shows it."""
        return f"{self.path or '/'}: {self.reason}"


class _Validator(Protocol):
    def is_valid(self, instance: Any) -> bool: ...

    def iter_errors(self, instance: Any) -> Any: ...


class Schema:
    """A compiled schema of one type."""

    def __init__(self, document: Any, url: str, documents: Mapping[str, Any]) -> None:
        """Compile it; `documents` are all that it may refer to, by URL. BadRequest or TooLarge say what is wrong."""
        self.url = url
        self.type = described(document)
        if self.type is None:
            raise BadRequest("the schema does not say which type it is of", where="properties.type")
        every = {**documents, url: document}
        bounds.check(document, url, every)
        self._validator = _compiled(document, url, every)

    def faults(self, doc: Doc) -> list[Fault]:
        """In what an entity is not as its model says; empty when it is."""
        values = key_values(doc, str(self.type))
        if self._validator.is_valid(values):
            return []
        return [
            Fault(
                "".join(f"/{step}" for step in error.instance_path)[:_WORDS],
                error.kind.name,
                _short(error.message, _WORDS),
            )
            for error in islice(self._validator.iter_errors(values), FAULTS)
        ]


def _compiled(document: Any, url: str, documents: Mapping[str, Any]) -> _Validator:
    # Loaded when the first model is: its library is 15 MB, and most cities have none.
    import jsonschema_rs  # noqa: PLC0415

    missing: list[str] = []

    def given(wanted: str) -> Any:
        try:
            return documents[bounds.published(wanted)]
        except KeyError:
            missing.append(wanted)
            raise

    try:
        # `http://json-schema.org/schema#`, as models are marked, names no version; all of theirs read as 2020-12.
        versioned = _VERSIONS.get(str(document.get("$schema", "")).rstrip("#"), "Draft202012Validator")
        made: _Validator = getattr(jsonschema_rs, versioned)(
            document,
            base_uri=url,
            retriever=given,
            validate_formats=True,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as fault:
        if missing:
            raise BadRequest(
                f"the schema refers to {missing[0][:200]}, which is not given", where="$ref", mend="add its file first"
            ) from None
        raise BadRequest(f"this is no JSON Schema: {_short(str(fault), _WORDS)}", where=_place(fault)) from None
    return made


_VERSIONS: Final = {
    "http://json-schema.org/draft-04/schema": "Draft4Validator",
    "http://json-schema.org/draft-06/schema": "Draft6Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
}


def _place(fault: Exception) -> str | None:
    path = getattr(fault, "instance_path", None)
    return "".join(f"/{step}" for step in path)[:_WORDS] if path else None


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def described(document: Any) -> str | None:
    """The type that a schema is of: the only value that its `type` may have, here or in its `allOf`; None: of none."""
    if type(document) is not dict:
        return None
    for part in (document, *_parts(document)):
        named = part.get("properties")
        kind = named.get("type") if type(named) is dict else None
        if type(kind) is dict:
            values = kind.get("enum", [kind["const"]] if "const" in kind else [])
            if type(values) is list and len(values) == 1 and type(values[0]) is str and values[0]:
                return values[0]
    return None


def _parts(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document.get("allOf")
    return [one for one in found if type(one) is dict] if type(found) is list else []


def key_values(doc: Doc, kind: str) -> dict[str, Any]:
    """An entity in the form that models speak of: values under short terms, the default instance of several.

    `kind` is said as its type, for a model knows no second one. A `@value` stands for itself.
    """
    values: dict[str, Any] = {"id": doc["id"], "type": kind}
    for name, entry in doc.items():
        if name in MEMBERS:
            continue
        one = default_instance(entry) or instances(entry)[0]
        value = one.get(VALUE_OF.get(one.get("type", "Property"), "value"))
        if type(value) is dict and "@value" in value:
            value = value["@value"]
        term = alias(name)
        if term == name or term not in doc:  # what stands under the short term itself comes first
            values[term] = value
    return values
