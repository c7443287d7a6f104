"""The city's schemas: given, kept, found by type, taken back.

Each is an entity of the city's own tenant (`~`), so it is durable, in the log, and where every other copy of the city
finds it. It is compiled when it is first needed, and checked when it is given: a city that starts looks at none.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

import orjson
import structlog

from hansa.errors import AlreadyExists, BadRequest, HansaError, NotFound, TooLarge
from hansa.limits import Limits
from hansa.model.change import Refused, Write
from hansa.model.entity import Doc, Entity, alias, types_of
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.models.bounds import published
from hansa.platform.models.schema import Fault, Schema, described
from hansa.trust.labels import ADMINISTRATOR

TYPE: Final = "Model"

log = structlog.get_logger("hansa.models")


@dataclass(slots=True)
class _Held:
    """One schema as it was given; compiled when it is first needed."""

    ident: str
    url: str
    name: str
    type: str | None
    document: dict[str, Any]
    refers: frozenset[str]  # URLs of other schemas
    schema: Schema | None = None
    broken: str | None = None


class Register:
    """Every schema of the city. Belongs to the loop's thread; `load` once before anybody asks."""

    def __init__(self, city: City) -> None:
        """Keep schemas in `city`."""
        self._city = city
        self.known: dict[str, _Held] = {}  # by type, in the short term
        self._held: dict[str, _Held] = {}  # by URL; those of no type are what others refer to
        self._changing = asyncio.Lock()  # one change after the other: each is checked against all the rest

    def load(self) -> None:
        """Know every schema that was ever given and not taken back."""
        query = Query.parse(types=TYPE)
        found: list[Entity] = []
        while page := self._city.find(query=query, tenant=TENANT, sight=ADMINISTRATOR, offset=len(found)):
            found += page
        self._held = {}
        for one in found:
            url, document = one["url"], one["document"]
            self._held[url] = _Held(one.id, url, one["name"], one.get("describes"), document, _refers(document, url))
        self._index()

    def _index(self) -> None:
        self.known = {one.type: one for one in self._held.values() if one.type is not None}

    # Giving and taking back

    async def add(self, name: str, document: Any) -> dict[str, Any]:
        """Keep a schema, in the place of an older one with its URL. BadRequest, TooLarge, AlreadyExists say why not."""
        async with self._changing:
            return await self._add(name, document)

    async def _add(self, name: str, document: Any) -> dict[str, Any]:
        limits = self._city.limits
        held = _read(name, document, limits)
        if held.url not in self._held and len(self._held) >= limits.models:
            raise TooLarge(f"{limits.models:,} schemas are kept at most", mend="remove some, or raise limits.models")
        other = None if held.type is None else self.known.get(held.type)
        if other is not None and other.url != held.url:
            raise AlreadyExists(
                f"{held.type} has a model already: {other.url}", where=held.url, mend=f"hansa models remove {held.type}"
            )
        after = {**self._held, held.url: held}
        self._check(after, held)
        doc: Doc = {
            "id": held.ident,
            "type": TYPE,
            "url": {"type": "Property", "value": held.url},
            "name": {"type": "Property", "value": held.name},
            "document": {"type": "JsonProperty", "json": held.document},
        }
        if held.type is not None:
            doc["describes"] = {"type": "Property", "value": held.type}
        await self._write(Write("upsert", held.ident, doc, tenant=TENANT))
        self._held = after
        self._compile_anew()
        return _told(held)

    async def remove(self, word: str) -> dict[str, Any]:
        """Forget the schema of a type, or that of a URL. NotFound; BadRequest when others refer to it."""
        async with self._changing:
            held = self.known.get(word) or self._held.get(word)
            if held is None:
                raise NotFound(f"there is no model {word[:200]}", where=word[:200], mend="hansa models list")
            after = {url: one for url, one in self._held.items() if one is not held}
            self._check(after, held)
            await self._write(Write("delete", held.ident, tenant=TENANT))
            self._held = after
            self._compile_anew()
            return _told(held)

    @staticmethod
    def _check(after: Mapping[str, _Held], changed: _Held) -> None:
        """Raise what would be wrong with the changed schema, or with those that refer to it."""
        documents = {url: one.document for url, one in after.items()}
        for one in _leading_to(changed, after):
            if one.type is None:
                continue
            try:
                Schema(one.document, one.url, documents)
            except HansaError as fault:
                if one is changed:
                    raise
                raise BadRequest(f"{one.type} needs {changed.url}: {fault.detail}", where=one.url) from None

    def _compile_anew(self) -> None:
        for one in self._held.values():
            one.schema = one.broken = None
        self._index()

    async def _write(self, write: Write) -> None:
        for outcome in await self._city.awrite(write, sight=ADMINISTRATOR):
            if isinstance(outcome, Refused):
                raise outcome.error

    def shown(self) -> list[dict[str, Any]]:
        """Every schema, those of a type first."""
        return [_told(one) for one in sorted(self._held.values(), key=lambda one: (one.type or "~", one.url))]

    # Holding entities against them

    def faults(self, doc: Doc) -> list[tuple[str, list[Fault]]]:
        """Of an entity, by URL of each model that one of its types has: in what it is not as the model says."""
        found = []
        for kind in types_of(doc):
            schema = self.schema(kind)
            if schema is not None:
                found.append((schema.url, schema.faults(doc)))
        return found

    def schema(self, kind: str) -> Schema | None:
        """The schema of a type, by its stored name; None when it has none that can be used."""
        held = self.known.get(kind) or self.known.get(alias(kind))
        if held is None or held.broken is not None:
            return None
        if held.schema is None:
            try:
                held.schema = Schema(held.document, held.url, {url: one.document for url, one in self._held.items()})
            except HansaError as fault:  # it was sound when it was given: another version of the library says no
                held.broken = fault.detail
                log.exception("a model cannot be used", type=held.type)
        return held.schema


def _read(name: str, document: Any, limits: Limits) -> _Held:
    """A schema as it was given, and where it says that it stands."""
    if type(document) is not dict:
        raise BadRequest(f"{name[:200]} is no JSON Schema: that is an object", where=name[:200])
    size = len(orjson.dumps(document))
    if size > limits.model:
        raise TooLarge(f"{name[:200]} has {size:,} bytes; {limits.model:,} are the most", where=name[:200])
    url = document.get("$id", document.get("id"))
    if type(url) is not str or "://" not in url:
        url = f"file:///{name}"
    url = url.rstrip("#")
    if len(url) > limits.name:
        raise TooLarge(f"its $id is longer than {limits.name:,}", where="$id")
    kind = described(document)
    if kind is None and not any(type(document.get(one)) is dict for one in ("definitions", "$defs", "properties")):
        raise BadRequest(
            f"{name[:200]} is no model: it says neither a type nor definitions",
            where=name[:200],
            mend='give the type as properties.type.enum = ["..."]',
        )
    ident = f"urn:ngsi-ld:{TYPE}:{hashlib.sha256(url.encode()).hexdigest()[:32]}"
    return _Held(ident, url, name[:200], kind, document, _refers(document, url))


def _refers(value: Any, base: str) -> frozenset[str]:
    """URLs of the schemas that a schema refers to, anywhere within."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is list:
            waiting += one
        elif type(one) is dict:
            waiting += one.values()
            if type(reference := one.get("$ref")) is str:
                found.add(published(urldefrag(urljoin(base, reference))[0]))
    return frozenset(found - {base})


def _leading_to(changed: _Held, every: Mapping[str, _Held]) -> list[_Held]:
    """The changed schema, if it is still there, and those that refer to it, through others too."""
    urls = {changed.url}
    while more := {url for url, one in every.items() if url not in urls and one.refers & urls}:
        urls |= more
    return [one for url, one in every.items() if url in urls]


def _told(one: _Held) -> dict[str, Any]:
    title = one.document.get("title")
    return {
        "type": one.type,
        "url": one.url,
        "name": one.name,
        "title": title if type(title) is str else None,
        "broken": one.broken,
    }
