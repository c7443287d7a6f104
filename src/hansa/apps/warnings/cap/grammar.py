"""CAP's elements in the order of its schemas, and the field of the tree that each of them fills.

One table serves reading, writing, checking and JSON. It says what OASIS's XSDs of CAP 1.1 and 1.2 say (the tests hold
it against them); the XSDs themselves are not shipped, their notice grants no licence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hansa.apps.warnings.cap import message as tree
from hansa.apps.warnings.cap.values import (
    BASE64,
    CIRCLE,
    DECIMAL,
    INTEGER,
    LANGUAGE,
    POLYGON,
    REFERENCES,
    TEXT,
    TIME,
    TIME_11,
    TOKEN,
    URI,
    WORDS,
    Kind,
    choice,
)

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:"
VERSIONS: Final = ("1.1", "1.2")


@dataclass(frozen=True, slots=True)
class Part:
    """One element: its name, the field it fills, what it holds, and how often it may stand."""

    name: str
    field: str
    kind: "Kind | Form"
    needed: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """An element made of others, and what makes the node of the tree."""

    make: Callable[..., Any]
    parts: tuple[Part, ...]


def _grammar(version: str) -> Form:
    old = version == "1.1"
    when = TIME_11 if old else TIME
    named = Form(tree.Named, (Part("valueName", "name", TEXT, needed=True), Part("value", "value", TEXT, needed=True)))
    area = Form(
        tree.Area,
        (
            Part("areaDesc", "description", TEXT, needed=True),
            Part("polygon", "polygons", POLYGON, many=True),
            Part("circle", "circles", CIRCLE, many=True),
            Part("geocode", "geocodes", named, many=True),
            # 1.1's schema has these as any text; what is no number is refused all the same.
            Part("altitude", "altitude", DECIMAL),
            Part("ceiling", "ceiling", DECIMAL),
        ),
    )
    resource = Form(
        tree.Resource,
        (
            Part("resourceDesc", "description", TEXT, needed=True),
            Part("mimeType", "mime_type", TEXT, needed=not old),
            Part("size", "size", INTEGER),
            Part("uri", "uri", URI),
            Part("derefUri", "deref_uri", BASE64),
            Part("digest", "digest", TEXT),
        ),
    )
    answers = tuple(it for it in tree.RESPONSE_TYPE if not old or it not in {"Avoid", "AllClear"})
    info = Form(
        tree.Info,
        (
            Part("language", "language", LANGUAGE),
            Part("category", "categories", choice(tree.CATEGORY), needed=True, many=True),
            Part("event", "event", TEXT, needed=True),
            Part("responseType", "response_types", choice(answers), many=True),
            Part("urgency", "urgency", choice(tree.URGENCY), needed=True),
            Part("severity", "severity", choice(tree.SEVERITY), needed=True),
            Part("certainty", "certainty", choice(tree.CERTAINTY), needed=True),
            Part("audience", "audience", TEXT),
            Part("eventCode", "event_codes", named, many=True),
            Part("effective", "effective", when),
            Part("onset", "onset", when),
            Part("expires", "expires", when),
            Part("senderName", "sender_name", TEXT),
            Part("headline", "headline", TEXT),
            Part("description", "description", TEXT),
            Part("instruction", "instruction", TEXT),
            Part("web", "web", URI),
            Part("contact", "contact", TEXT),
            Part("parameter", "parameters", named, many=True),
            Part("resource", "resources", resource, many=True),
            Part("area", "areas", area, many=True),
        ),
    )
    return Form(
        tree.Alert,
        (
            Part("identifier", "identifier", TOKEN, needed=True),
            Part("sender", "sender", TOKEN, needed=True),
            Part("sent", "sent", when, needed=True),
            Part("status", "status", choice(tree.STATUS), needed=True),
            Part("msgType", "msg_type", choice(tree.MSG_TYPE), needed=True),
            Part("source", "source", TEXT),
            Part("scope", "scope", choice(tree.SCOPE), needed=True),
            Part("restriction", "restriction", TEXT),
            Part("addresses", "addresses", WORDS),
            Part("code", "codes", TEXT, many=True),
            Part("note", "note", TEXT),
            Part("references", "references", REFERENCES),
            Part("incidents", "incidents", WORDS),
            Part("info", "infos", info, many=True),
        ),
    )


GRAMMAR: Final = {version: _grammar(version) for version in VERSIONS}
