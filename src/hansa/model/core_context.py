"""The core @context, built in: what a name of the standard stands for, and how hansa stores a name.

The data file beside this module holds the IRI of every term of core context 1.9, as ETSI publishes it (annex B).
A stored name is an IRI compacted with the core @context alone: `location` for `https://uri.etsi.org/ngsi-ld/location`,
`temperature` for `https://uri.etsi.org/ngsi-ld/default-context/temperature`, and any other IRI whole.
"""

import json
import re
from importlib.resources import files
from typing import Any, Final

_DATA: Final[dict[str, Any]] = json.loads(files("hansa.model").joinpath("core_context.json").read_bytes())

VOCAB: Final[str] = _DATA["vocab"]
"""Where a term goes that no @context defines."""

PREFIXES: Final[dict[str, str]] = _DATA["prefixes"]
"""Terms of the core @context that stand before a colon."""


def _whole(short: str) -> str:
    prefix, _, rest = short.partition(":")
    return PREFIXES[prefix] + rest if prefix in PREFIXES else short


TERMS: Final[dict[str, str]] = {**PREFIXES, **{term: _whole(short) for term, short in _DATA["terms"].items()}}
"""Every term of the core @context and its IRI; `id` and `type` stand for the keywords `@id` and `@type`."""

SHORT: Final[dict[str, str]] = {iri: term for term, iri in TERMS.items() if term not in PREFIXES}
"""The other way round: the core term of an IRI."""

URL: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
"""Where this version is published: what an answer names as its @context."""

# Older versions differ in terms that hansa does not speak; the core @context is one and invariant (clause 4.4).
_URLS = re.compile(r"https?://uri\.etsi\.org/ngsi-ld/v1/ngsi-ld-core-context(-v\d+\.\d+(\.\d+)?)?\.jsonld/?\Z")


def is_core(url: str) -> bool:
    """Whether a URL names the core @context, in whichever version."""
    return _URLS.match(url) is not None


def stored(iri: str) -> str:
    """The name under which the store holds an IRI."""
    short = SHORT.get(iri)
    if short is not None:
        return short
    if iri.startswith(VOCAB):
        rest = iri[len(VOCAB) :]
        # A rest that is a core term, or that reads as prefix and suffix, would not come back as the same IRI.
        if rest and ":" not in rest and rest[0] != "@" and rest not in TERMS:
            return rest
    return iri


def whole(name: str) -> str:
    """The IRI of a stored name: the inverse of `stored`."""
    if ":" in name:
        return name
    return TERMS.get(name) or VOCAB + name
