"""Terms: what the names in a user's @context stand for.

Owns the reading of a JSON-LD 1.1 @context into a flat map from term to IRI, which is all that NGSI-LD needs of it:
names are expanded at every level by the one @context of the request, and a context that would have them mean something
else within a term or a type (scoped, or not propagated) is refused (CIM 009, clauses 4.4 and 5.5.7). Ordinary contexts
are read here; what this module does not speak (`@import`, `@reverse`, terms with a colon, protected terms) goes to
PyLD, which reads all of JSON-LD and is far slower. Remote documents come from a `Load` that the platform hands in:
behind the egress wall, cached, raising NoContext.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urldefrag, urljoin, urlsplit

from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits
from hansa.model import core_context as core
from hansa.model.odd_terms import Odd, read_odd

Load = Callable[[str], Any]
"""From the URL of a remote @context to the JSON document there; raises NoContext."""

LOCAL: Final = "urn:ngsi-ld:jsonldContext:"
"""How the local id of an @context begins that a city keeps itself (5.13.1); it may be named by it."""

_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]*\Z")
_REFERENCE = re.compile(r"""[^\s<>"{}|\\^`]*\Z""")
_KEYWORD_LIKE = re.compile(r"@[A-Za-z]+\Z")
_ORDINARY_KEYS = frozenset({"@id", "@type", "@container", "@language", "@prefix", "@direction"})
_WITHOUT_EFFECT = frozenset({"@vocab", "@version", "@base", "@language", "@direction"})
_MAPPABLE = frozenset({"@id", "@type", "@graph", "@value", "@list", "@set", "@language", "@index", "@none", "@json"})


@dataclass(slots=True)
class Terms:
    """A term map. `iris` holds None for a term that stands for nothing; `prefixes` may stand before a colon."""

    iris: dict[str, str | None] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)
    vocab: str | None = None

    def forget(self) -> None:
        """Start again: what a null in a list of contexts means."""
        self.iris.clear()
        self.prefixes.clear()
        self.vocab = None

    def add_core(self) -> None:
        """The core @context, over whatever was there."""
        self.iris.update(core.TERMS)
        self.prefixes.difference_update(core.TERMS)
        self.prefixes.update(core.PREFIXES)
        self.vocab = core.VOCAB


def read(value: Any, load: Load, limits: Limits = DEFAULT) -> Terms:
    """The user's terms of an @context value: a URL, an object, null, or a list of these.

    The core @context is not yet added at the end. Raises BadRequest when the @context is not one, and whatever `load`
    raises (NoContext) when a remote one cannot be had.
    """
    parts: list[dict[str, Any] | str | None] = []
    _Flattener(load, limits, parts).add(value, None, 0)
    terms = Terms()
    try:
        for part in parts:
            if part is None:
                terms.forget()
            elif isinstance(part, str):
                terms.add_core()
            else:
                _Definitions(part, terms, limits).read()
    except Odd:

        def importing(url: str) -> Any:
            document = load(url)
            if isinstance(document, dict) and isinstance(document.get("@context"), dict):
                _unscoped(document["@context"])
            return document

        terms = Terms(*read_odd([_core_part() if isinstance(p, str) else p for p in parts], importing, limits))
    for term, iri in terms.iris.items():
        if iri is not None and (len(iri) > limits.name or len(term) > limits.name):
            raise BadRequest(f"the @context maps {term[:64]!r} to more than {limits.name} characters", where="@context")
    return terms


def check(value: Any, limits: Limits = DEFAULT) -> None:
    """Raise BadRequest when a value is no @context (5.13.2.4), as far as it can be seen without what it names."""
    absent: list[str] = []

    def load(url: str) -> Any:
        absent.append(url)
        return {"@context": {}}

    _Flattener(load, limits, []).add(value, None, 0)
    if not absent:
        read(value, load, limits)


def _core_part() -> dict[str, Any]:
    return {"@vocab": core.VOCAB, **core.TERMS}


class _Flattener:
    """Lays a nested @context out as the list of its parts, in order; the core @context is the string "core"."""

    def __init__(self, load: Load, limits: Limits, parts: list[dict[str, Any] | str | None]) -> None:
        self._load = load
        self._limits = limits
        self._parts = parts
        self._left = limits.context_documents
        self._terms = limits.context_terms

    def add(self, value: Any, base: str | None, depth: int) -> None:
        if depth > self._limits.context_depth:
            raise BadRequest(f"@context nests more than {self._limits.context_depth} deep", where="@context")
        if isinstance(value, str):
            self._remote(value, base, depth)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, list):
                    raise BadRequest("@context holds a list within a list", where="@context", mend="lay it out as one")
                self.add(one, base, depth)
        elif isinstance(value, dict):
            if "@context" in value:  # a whole document where its @context was meant: JSON-LD looks inside
                self.add(value["@context"], base, depth + 1)
                return
            self._count(len(value) + 1)
            _unscoped(value)
            _sound(value, remote=base is not None)
            if base is not None and isinstance(value.get("@import"), str):
                value = {**value, "@import": _joined(base, value["@import"]) or value["@import"]}
            self._parts.append(value)
        elif value is None:
            self._count(1)
            self._parts.append(None)
        else:
            raise BadRequest(
                f"@context holds {str(value)[:64]}, which is no context",
                where="@context",
                mend="give a URL, an object, or a list of these",
            )

    def _count(self, terms: int) -> None:
        self._terms -= terms
        if self._terms < 0:
            raise BadRequest(f"@context holds more than {self._limits.context_terms} terms", where="@context")

    def _remote(self, value: str, base: str | None, depth: int) -> None:
        url = _joined(base, value)
        if url is None or len(url) > self._limits.name:
            raise BadRequest(
                f"@context {value[:128]!r} is not a URL", where="@context", mend="name it as http:// or https://"
            )
        if core.is_core(url):
            self._count(1)
            self._parts.append("core")
            return
        self._left -= 1
        if self._left < 0:
            most = self._limits.context_documents
            raise BadRequest(f"@context names more than {most} other contexts", where="@context")
        document = self._load(url)
        if not isinstance(document, dict) or "@context" not in document:
            raise BadRequest(f"the document at {url[:256]} holds no @context", where="@context")
        self.add(document["@context"], url, depth + 1)


def _joined(base: str | None, value: str) -> str | None:
    """The URL that a reference means; None when it is none that could be asked, nor the id of one that is kept here."""
    try:
        url = urldefrag(urljoin(base, value) if base else value).url
        parts = urlsplit(url)
    except ValueError:
        return None
    asked = parts.scheme in {"http", "https"} and parts.netloc
    return url if asked or url.startswith(LOCAL) else None


def _unscoped(local: dict[str, Any]) -> None:
    """Raise BadRequest for a context that holds only within a term or a type, or not below its own node (5.5.7)."""
    for term, definition in local.items():
        if type(definition) is dict and "@context" in definition:
            raise BadRequest(
                f"the @context scopes another into {term[:64]!r}, which NGSI-LD does not allow",
                where="@context",
                mend="define its terms beside the others, under names of their own",
            )
    if local.get("@propagate") is False:
        raise BadRequest("an @context that does not propagate is scoped; NGSI-LD allows none", where="@context")


def _sound(local: dict[str, Any], *, remote: bool) -> None:
    """Raise BadRequest for a member without effect here that JSON-LD would refuse; others will read this context."""
    for member, valid, what in _VALID:
        if member in local and not valid(local[member]) and not (remote and member == "@base"):
            raise BadRequest(
                f"{member} of the @context is {str(local[member])[:64]!r}, and not {what}", where=f"@context.{member}"
            )


def _is_reference(value: Any) -> bool:
    if value is None:
        return True
    if type(value) is not str or not _REFERENCE.match(value):
        return False
    try:
        urlsplit(value)
    except ValueError:
        return False
    return True


_VALID: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    ("@language", lambda value: value is None or type(value) is str, "a language or null"),
    ("@direction", lambda value: value is None or value in ("ltr", "rtl"), "ltr, rtl or null"),
    ("@protected", lambda value: type(value) is bool, "true or false"),
    ("@base", _is_reference, "an IRI or null"),  # JSON-LD does not look at that of a remote one
)


class _Definitions:
    """One local context being read into `terms`, as the JSON-LD API's "create term definition" says."""

    def __init__(self, local: dict[str, Any], terms: Terms, limits: Limits) -> None:
        self._local = local
        self._terms = terms
        self._limits = limits
        self._done: dict[str, bool] = {}

    def read(self) -> None:
        """Define every term. Raises Odd when the context says something that this module does not speak."""
        self._vocab()
        for key in self._local:
            if key in _WITHOUT_EFFECT:
                continue
            self._define(key, 0)

    def _vocab(self) -> None:
        if self._local.get("@version", 1.1) != 1.1:
            raise Odd
        if "@vocab" not in self._local:
            return
        vocab = self._local["@vocab"]
        if vocab is not None and not (isinstance(vocab, str) and "://" in vocab and _IRI.match(vocab)):
            raise Odd
        self._terms.vocab = vocab

    def _define(self, term: str, depth: int) -> None:
        if self._done.get(term):
            return
        if term in self._done or depth > self._limits.depth or not term or term[0] == "@" or ":" in term or "/" in term:
            raise Odd
        self._done[term] = False
        iris, prefixes = self._terms.iris, self._terms.prefixes
        iris.pop(term, None)
        prefixes.discard(term)
        value = self._local[term]
        may_prefix = False
        if value is None:
            iri = None
        elif isinstance(value, str):
            iri = self._mapped(term, value, depth)
            may_prefix = iri[-1:] in {":", "/", "?", "#", "[", "]", "@"} and value != term
        elif isinstance(value, dict) and _ORDINARY_KEYS.issuperset(value):
            _check(value)
            ident = value.get("@id", term)
            iri = None if ident is None else self._mapped(term, ident, depth)
            may_prefix = value.get("@prefix", False)
        else:
            raise Odd
        iris[term] = iri
        if may_prefix and iri is not None:
            if iri[0] == "@":
                raise Odd
            prefixes.add(term)
        self._done[term] = True

    def _mapped(self, term: str, ident: Any, depth: int) -> str:
        if not isinstance(ident, str):
            raise Odd
        iri = None
        if ident == term:
            iri = None if self._terms.vocab is None else self._terms.vocab + term
        elif ident in _MAPPABLE:
            return ident
        elif not _KEYWORD_LIKE.match(ident):
            iri = self._iri(ident, depth)
        if iri is None or not _IRI.match(iri):
            raise Odd
        if len(iri) > self._limits.name:  # prefixes of prefixes of prefixes would grow without end
            raise BadRequest(
                f"the @context maps {term[:64]!r} to more than {self._limits.name} characters", where="@context"
            )
        return iri

    def _iri(self, ident: str, depth: int) -> str | None:
        if ident in self._local and not self._done.get(ident):
            self._define(ident, depth + 1)
        iris = self._terms.iris
        if ident in iris:
            return iris[ident]
        prefix, colon, rest = ident.partition(":")
        if colon and prefix:
            if rest.startswith("//"):
                return ident
            if prefix in self._local and not self._done.get(prefix):
                self._define(prefix, depth + 1)
            if prefix in self._terms.prefixes:
                return f"{iris[prefix]}{rest}"
            if _IRI.match(ident):
                return ident
        return None if self._terms.vocab is None else self._terms.vocab + ident


def _check(definition: dict[str, Any]) -> None:
    """Let PyLD find the words for a definition that is not well formed."""
    kind = definition.get("@type", "@id")
    container = definition.get("@container", "@set")
    if not isinstance(kind, str) or not isinstance(definition.get("@prefix", False), bool):
        raise Odd
    if not isinstance(container, str) or container not in {"@set", "@list", "@language", "@index"}:
        raise Odd
    if "@language" in definition and not isinstance(definition["@language"], str | None):
        raise Odd
    if "@direction" in definition and definition["@direction"] not in {"ltr", "rtl", None}:
        raise Odd
