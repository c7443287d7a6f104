"""RDF as the catalogue says it: triples, written as Turtle and as JSON-LD. Nothing else of RDF is needed here.

Every node has an IRI, so the two say the same without blank nodes.
Sources: RDF 1.1 Turtle (W3C, 2014) clauses 2.5, 6.4; JSON-LD 1.1 (W3C, 2020).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

PREFIXES: Final[Mapping[str, str]] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "eli": "http://data.europa.eu/eli/ontology#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "locn": "http://www.w3.org/ns/locn#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~-._"
_ESCAPES: Final = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


@dataclass(frozen=True, slots=True)
class Text:
    """A literal: with a language, or of a datatype (a prefixed name), or neither."""

    value: str
    lang: str = ""
    kind: str = ""


Term = str | Text
"""An IRI (prefixed name, or in full), or a literal."""


@dataclass(slots=True)
class Graph:
    """Triples by subject, in the order in which they were said; what is said twice is there once."""

    nodes: dict[str, dict[str, list[Term]]] = field(default_factory=dict)

    def add(self, subject: str, kind: str, **said: Term | list[Term] | None) -> str:
        """Say of a node which class it is (a prefixed name), and more: `dct_title=Text("x")`. Answers the node."""
        node = self.nodes.setdefault(subject, {})
        _more(node.setdefault("rdf:type", []), kind)
        for name, value in said.items():
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    _more(node.setdefault(name.replace("_", ":", 1), []), one)
        return subject

    def __len__(self) -> int:
        """How many triples."""
        return sum(len(terms) for node in self.nodes.values() for terms in node.values())


def _more(terms: list[Term], one: Term) -> None:
    if one not in terms:
        terms.append(one)


def turtle(graph: Graph) -> bytes:
    """The graph as Turtle, UTF-8."""
    made = [f"@prefix {name}: <{iri}> ." for name, iri in PREFIXES.items()]
    for subject, node in graph.nodes.items():
        said = [
            f"    {'a' if name == 'rdf:type' else name} {', '.join(_term(one) for one in terms)}"
            for name, terms in node.items()
            if terms
        ]
        made.append(f"\n{_iri(subject)}\n" + " ;\n".join(said) + " .")
    return ("\n".join(made) + "\n").encode()


def _term(one: Term) -> str:
    if isinstance(one, str):
        return _iri(one)
    body = "".join(
        _ESCAPES.get(char) or (char if char >= " " and char != "\x7f" else f"\\u{ord(char):04X}") for char in one.value
    )
    if one.lang:
        return f'"{body}"@{one.lang}'
    return f'"{body}"^^{one.kind}' if one.kind else f'"{body}"'


def _iri(one: str) -> str:
    return one if _is_prefixed(one) else f"<{encoded(one)}>"


def _is_prefixed(one: str) -> bool:
    prefix, colon, local = one.partition(":")
    return bool(colon) and prefix in PREFIXES and local.isalnum() and local.isascii()


def encoded(iri: str) -> str:
    """An IRI without what none may have: percent-encoded, so that nothing ends it before its end."""
    return "".join(char if char.isalnum() or char in _SAFE else quote(char, safe="", errors="replace") for char in iri)


def jsonld(graph: Graph) -> bytes:
    """The graph as JSON-LD: a context of prefixes, and all nodes side by side."""
    nodes = []
    for subject, node in graph.nodes.items():
        made: dict[str, Any] = {"@id": _full(subject)}
        for name, terms in node.items():
            if name == "rdf:type":
                made["@type"] = [str(one) for one in terms]
            else:
                made[name] = [_value(one) for one in terms]
        nodes.append(made)
    told = {"@context": dict(PREFIXES), "@graph": nodes}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _value(one: Term) -> dict[str, str]:
    if isinstance(one, str):
        return {"@id": _full(one)}
    if one.lang:
        return {"@value": one.value, "@language": one.lang}
    return {"@value": one.value, "@type": one.kind} if one.kind else {"@value": one.value}


def _full(one: str) -> str:
    if _is_prefixed(one):
        prefix, _, local = one.partition(":")
        return PREFIXES[prefix] + local
    return encoded(one)
