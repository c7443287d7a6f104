"""Odd @contexts: those that only a whole JSON-LD processor understands, read by PyLD.

`@import`, `@propagate`, `@reverse`, protected terms, terms that look like IRIs. PyLD answers what each term stands for;
nothing more of JSON-LD is wanted, because NGSI-LD lets a user's @context name things and not reshape documents (CIM
009, clause 5.5.7).
"""

import json
import warnings
from collections.abc import Callable
from typing import Any, Final

from hansa.errors import BadRequest, HansaError
from hansa.limits import Limits
from hansa.model import core_context as core

TERM_BYTES: Final = 128  # that a term and its definition take; a context of so many terms may have so many times that


class Odd(Exception):
    """This @context is not ordinary."""


def read_odd(
    parts: list[Any], load: Callable[[str], Any], limits: Limits
) -> tuple[dict[str, str | None], set[str], str | None]:
    """Terms, prefixes and vocabulary of a flat list of local contexts; BadRequest when PyLD refuses it."""
    many, size = limits.context_odd_terms, limits.context_odd_terms * TERM_BYTES
    held = sum(len(part) for part in parts if part is not None)
    if held > many + 2 * len(core.TERMS) or len(json.dumps(parts)) > size:
        raise BadRequest(
            f"an @context with imported, reversed or protected terms may hold {many:,} terms and {size:,} bytes",
            where="@context",
        )
    from pyld import jsonld  # noqa: PLC0415 - it takes 100 ms to import, and hardly anybody needs it
    from pyld.context_resolver import ContextResolver  # noqa: PLC0415

    faults: list[HansaError] = []

    def loader(url: str, _options: Any) -> dict[str, Any]:
        try:
            document = {"@context": {"@vocab": core.VOCAB, **core.TERMS}} if core.is_core(url) else load(url)
        except HansaError as fault:  # PyLD wraps it in words of its own
            faults.append(fault)
            raise
        return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}

    # A resolver of its own: PyLD's shared one would remember contexts beyond what the platform's cache allows.
    resolver = ContextResolver({}, loader)
    options = {"base": "", "processingMode": "json-ld-1.1", "documentLoader": loader, "contextResolver": resolver}
    processor = jsonld.JsonLdProcessor()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # terms that look like keywords: ignored, as JSON-LD says
            active = processor.process_context({}, None, options)
            active = processor.process_context(active, {"@context": parts}, options)
    except (jsonld.JsonLdError, HansaError) as fault:
        if faults:
            raise faults[0] from None
        said = str(fault.args[0]) if fault.args else str(fault)
        raise BadRequest(f"the @context is not valid JSON-LD: {said}"[:300], where="@context") from None
    except RecursionError:
        raise BadRequest("the terms of the @context refer to each other too deeply", where="@context") from None
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as fault:
        # PyLD trusts the shape of what it reads; what it stumbles over is not a context.
        raise BadRequest(f"the @context is not well formed: {fault!r}"[:300], where="@context") from None
    iris: dict[str, str | None] = {}
    prefixes: set[str] = set()
    for term, mapping in active["mappings"].items():
        iri = None if mapping is None else mapping["@id"]
        if mapping is None or mapping["reverse"]:
            continue
        iris[term] = iri
        if mapping["_prefix"] and iri:
            prefixes.add(term)
    return iris, prefixes, active.get("@vocab")
