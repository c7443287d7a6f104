"""What relationships point at: for conditions that follow them (CIM 009, 4.9), and for joined entities (4.5.23)."""

from hansa.limits import Limits
from hansa.model.entity import Doc, Entity
from hansa.model.query import Linked
from hansa.platform.joined import Fetch
from hansa.platform.store import Reader
from hansa.trust.labels import Sight


def fetching(reader: Reader, tenant: str, sight: Sight, limits: Limits) -> Fetch:
    """The entities of a tenant by their URI, as far as `sight` sees them; beyond `limits.linked` of them, none.

    One for each question: it remembers what it has read.
    """
    kept: dict[str, Entity | None] = {}

    def fetch(uri: str) -> Entity | None:
        if uri not in kept:
            if len(kept) >= limits.linked:
                return None
            kept[uri] = reader.entity(tenant, uri, sight)
        return kept[uri]

    return fetch


def documents(fetch: Fetch) -> Linked:
    """The same as documents, for a query."""

    def look(uri: str) -> Doc | None:
        entity = fetch(uri)
        return None if entity is None else entity.doc

    return look
