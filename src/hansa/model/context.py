"""Context: the words of one request, turned into the names of the store and back.

The store holds names compacted with the core @context alone (see `core_context`). A request may bring words of its
own: `expand` takes them to stored names, `compact` takes stored names to the words of whoever asks. The core @context
comes last, so no user's @context redefines a term of the standard (CIM 009, clauses 4.4 and 5.5.7), and a term that no
@context defines belongs to the default context, whatever `@vocab` a user names.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits
from hansa.model import core_context as core
from hansa.model.terms import Load, Terms, read

_MEMO: Final = 20_000  # names remembered by one Context; beyond it, it starts again
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x1f]+\Z")
_REST = re.compile(r"[^\s<>\"{}|\\^`\x00-\x1f]+\Z")


class _Memo(dict[str, str]):
    """A dict that works out what it does not hold yet: a look-up that hits costs no Python call."""

    __slots__ = ("_work_out",)

    def __init__(self, work_out: Callable[[str], str]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, key: str) -> str:
        found = self._work_out(key)
        if len(self) >= _MEMO:  # a sender with endless names must not fill the memory
            self.clear()
        self[key] = found
        return found


class Context:
    """An @context in use. `CORE` is the one without words of a user's own; `Context.of` makes the others.

    `expand(term)` is the stored name of a term; BadRequest when the @context says that it stands for nothing.
    `name(term)` is the same for what names a type or an attribute: BadRequest also when it is no name (clause 4.6.2).
    `compact(name)` is the term for a stored name; a full IRI when there is none.
    All three remember, so a repeated look-up costs tens of nanoseconds.
    """

    __slots__ = ("_best", "_cored", "_prefixes", "_terms", "compact", "expand", "name", "plain", "source")

    expand: Callable[[str], str]
    name: Callable[[str], str]
    compact: Callable[[str], str]

    def __init__(self, terms: Terms | None = None, source: Any = None) -> None:
        """`terms` are the user's (see `terms.read`); `source` is the @context value that they came from."""
        self.source = core.URL if source is None else source
        self._terms: dict[str, str | None] = {}
        self._prefixes: dict[str, str] = dict(core.PREFIXES)
        self._best: dict[str, str] = {}
        self._cored = terms is not None and core.TERMS.items() <= terms.iris.items()  # a remote one can bring the core
        if terms is not None:
            self._terms = {t: iri for t, iri in terms.iris.items() if t not in core.TERMS}
            self._prefixes.update({p: iri for p in terms.prefixes if (iri := self._terms.get(p))})
        for term in sorted(self._terms, key=lambda t: (len(t), t), reverse=True):
            iri = self._terms[term]
            if iri is not None and _is_name(term):
                self._best[iri] = term  # the shortest comes last and stays, as JSON-LD's inverse context has it
        self.plain = not self._terms
        self.expand = _Memo(self._expand).__getitem__
        self.name = _Memo(self._name).__getitem__
        self.compact = _Memo(self._compact).__getitem__

    @classmethod
    def of(cls, value: Any, load: Load, limits: Limits = DEFAULT) -> "Context":
        """Read the value of an @context member, or the URL of a Link header.

        `load` fetches what it names (see `terms.Load`). Raises BadRequest when it is no @context, NoContext when a
        remote one cannot be had.
        """
        if value is None or (isinstance(value, str) and core.is_core(value)):
            return CORE
        terms = read(value, load, limits)
        if all(term in core.TERMS for term in terms.iris):
            return CORE
        return cls(terms, value)

    @property
    def url(self) -> str | None:
        """The one URL that names it, the core beside it or not; None when there is no such."""
        if self.plain:
            return core.URL
        source = self.source if type(self.source) is list else [self.source]
        others = [one for one in source if not (type(one) is str and core.is_core(one))]
        return others[0] if len(others) == 1 and type(others[0]) is str else None

    @property
    def member(self) -> Any:
        """The @context member of JSON-LD in these words: the user's and, last, the core one (CIM 009, clause 5.2.3)."""
        if self.plain:
            return core.URL
        source = self.source if type(self.source) is list else [self.source]
        if self._cored or any(type(one) is str and core.is_core(one) for one in source):
            return source[0] if len(source) == 1 else source
        return [*source, core.URL]

    def _expand(self, term: str) -> str:
        iri = self._iri(term)
        if iri is None:
            raise BadRequest(f"the @context says that {term[:64]!r} stands for nothing")
        return core.stored(iri)

    def _iri(self, term: str) -> str | None:
        if term in core.TERMS:
            return core.TERMS[term]
        if term in {"@id", "@type"}:
            return term
        if term in self._terms:
            return self._terms[term]
        prefix, colon, rest = term.partition(":")
        if colon and prefix:
            if rest.startswith("//"):
                return term
            if prefix in self._prefixes:
                return self._prefixes[prefix] + rest
            if _IRI.match(term):
                return term
        return core.VOCAB + term

    def _name(self, term: str) -> str:
        if not _is_name(term):
            raise BadRequest(
                f"{term[:64]!r} is not a name",
                mend="begin with a letter, go on with letters, digits and _",
            )
        if len(term) > DEFAULT.name:
            raise BadRequest(f"the name {term[:64]!r}… is longer than {DEFAULT.name} characters")
        name = self._expand(term)
        if not _is_name(name):
            raise BadRequest(f"{term[:64]!r} stands for {name[:128]!r}, which cannot be a name")
        return name

    def _compact(self, name: str) -> str:
        if name in core.TERMS:
            return name
        iri = core.whole(name)
        best = self._best.get(iri)
        if best is not None:
            return best
        # By the core alone a stored name stays as it is, so that stored bytes can be the answer.
        if self.plain or (":" not in name and name not in self._terms):
            return name
        return self._with_prefix(iri)

    def _with_prefix(self, iri: str) -> str:
        found = [
            compact
            for prefix, start in self._prefixes.items()
            if len(iri) > len(start) and iri.startswith(start)
            if (compact := f"{prefix}:{iri[len(start) :]}") not in self._terms
            and not compact.startswith(f"{prefix}://")
            and _is_name(compact)
        ]
        return min(found, key=lambda c: (len(c), c)) if found else iri


def _is_name(term: str) -> bool:
    """Whether a term may name a type or an attribute: the grammar of clause 4.6.2, a prefixed name, or an IRI."""
    prefix, colon, rest = term.partition(":")
    word = prefix[:1].isalpha() and prefix.replace("_", "a").isalnum()
    if not colon:
        return word
    return (word and _REST.match(rest) is not None) or _IRI.match(term) is not None


CORE: Final = Context()
"""The core @context alone: names are what the store holds."""
