"""Which @context a request names: in a Link header, or in its body (CIM 009, clause 6.3.5)."""

import re
from functools import lru_cache
from typing import Any, Final

from hansa.errors import BadRequest

REL: Final = "http://www.w3.org/ns/json-ld#context"

_TOKEN = r"[^\s\"(),/:;<=>?@\[\]\\{}]+"  # noqa: S105  # nosec B105  # a token of RFC 9110, not a secret
_TARGET = re.compile(r"[\s,]*<([^<>]*)>")
_PARAMETER = re.compile(rf"\s*;\s*({_TOKEN})?(?:\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\",;]+)))?")


@lru_cache(512)
def linked(header: str | None) -> str | None:
    """The URL of the @context in a Link header (RFC 8288), or None when it names none.

    Links with another relation are passed over. BadRequest when the header cannot be read, or names two contexts.
    """
    if header is None or not header.strip(" \t,"):
        return None
    found: set[str] = set()
    at = 0
    while at < len(header) and header[at:].strip(" \t,"):
        target = _TARGET.match(header, at)
        if target is None:
            raise BadRequest(
                f"the Link header cannot be read from {header[at : at + 40]!r} on",
                where="Link",
                mend=link(header.split(";")[0].strip("<> ")[:80] or "URL"),
            )
        at = target.end()
        relations: str | None = None
        while (parameter := _PARAMETER.match(header, at)) is not None:
            at = parameter.end()
            name, quoted, bare = parameter.groups()
            if name is not None and name.lower() == "rel" and relations is None:
                relations = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
        if relations is not None and REL in relations.split():
            found.add(target.group(1).strip())
        rest = header[at:].lstrip(" \t")
        if rest and rest[0] != ",":
            raise BadRequest(f"the Link header cannot be read from {rest[:40]!r} on", where="Link")
    if len(found) > 1:
        raise BadRequest(
            "the Link header names more than one @context", where="Link", mend="put them into one @context"
        )
    return found.pop() if found else None


def link(url: str) -> str:
    """The Link header that names a JSON answer's @context."""
    return f'<{url}>; rel="{REL}"; type="application/ld+json"'


def chosen(header: str | None, body: Any, *, ld: bool) -> Any:
    """The user's @context of a request with a body, or None for the default one (5.5.5).

    `ld` says whether the body came as application/ld+json: then the @context is a member of it and a Link header is
    refused; otherwise it is the other way round. Raises BadRequest when the two are mixed, or the member is missing.
    """
    inside = isinstance(body, dict) and "@context" in body
    if not ld:
        if inside:
            raise BadRequest(
                "a body of application/json holds an @context",
                where="@context",
                mend="send it as application/ld+json, or name the @context in a Link header",
            )
        return linked(header)
    if linked(header) is not None:
        raise BadRequest(
            "a body of application/ld+json brings its own @context; the Link header names another", where="Link"
        )
    if not inside or body["@context"] is None:
        raise BadRequest(
            "a body of application/ld+json holds no @context", where="@context", mend="add it, or send application/json"
        )
    return body["@context"]
