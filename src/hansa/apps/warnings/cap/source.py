"""From a stranger's bytes to XML elements, safely: nothing is expanded, fetched or nested without end.

The bytes are decoded here, not by the parser: so that the encoding is one of few, and a document type declaration is
seen, and refused, before a parser meets it (in UTF-16 a search in the bytes would miss it). What the parser is given
is UTF-8 without a declaration. CAP has no use for a DTD; entity expansion and external entities begin with one.
"""

import codecs
import re
from typing import Any, Final

from lxml import etree

from hansa.apps.warnings.cap.faults import refuse

BYTES: Final = 2_000_000  # of a message: a polygon has thousands of points and a picture may be enclosed; no more
DEPTH: Final = 20  # CAP nests five deep, a signature's certificates a few more
ELEMENTS: Final = 50_000
SPACES: Final = 50  # namespaces declared: CAP has one and a signature one; each is carried to every element below it
ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
_HEAD: Final = 400  # bytes that the XML declaration may have
_DECLARATION: Final = re.compile(
    r"<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*([\"'])(?P<version>[^\"']{1,8})\1"
    r"(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*([\"'])(?P<encoding>[A-Za-z0-9._-]{1,40})\3)?"
    r"(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*([\"'])(?:yes|no)\5)?[ \t\r\n]*\?>"
)


def parse(data: bytes) -> Any:
    """The outermost element of the document; Refused when it is no safe, well-formed XML."""
    if len(data) > BYTES:
        raise refuse("too-large", "alert", f"{len(data):,} bytes; a message has at most {BYTES:,}")
    text = _prolog(_decoded(data))
    if text.count("xmlns") > SPACES:  # wherever the word stands: no warning speaks of it so often
        raise refuse("too-many", "alert", f"more than {SPACES} declarations of namespaces")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        collect_ids=False,
        remove_blank_text=False,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except UnicodeEncodeError:
        raise refuse("encoding", "alert", "half of a surrogate pair stands alone") from None
    except etree.XMLSyntaxError as fault:
        line = fault.lineno or 0
        raise refuse("not-xml", "alert", f"no well-formed XML: {_said(fault)}", line) from None
    _bounded(root)
    return root


def _said(fault: Exception) -> str:
    return str(fault).split("\n", maxsplit=1)[0][:200]


def _decoded(data: bytes) -> str:
    """The text, by its byte order mark, its declaration, or else as UTF-8 (XML 1.0, appendix F)."""
    marked = ""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            marked, data = name, data[len(mark) :]
            break
    head = data[:_HEAD].decode(marked if marked.startswith("utf-16") else "latin-1", errors="replace")
    found = _DECLARATION.match(head)
    declared = found["encoding"].lower() if found and found["encoding"] else ""
    if declared and declared not in ENCODINGS:
        raise refuse("encoding", "alert", f"declared as {declared}; read are {', '.join(ENCODINGS)}", 1)
    codec = ENCODINGS.get(declared, "utf-8")
    if marked and declared and not codec.startswith(marked[:6]):
        raise refuse("encoding", "alert", f"declared as {declared}, but it begins as {marked}", 1)
    if codec.startswith("utf-16") and not marked:
        raise refuse("encoding", "alert", f"declared as {declared}, without its byte order mark", 1)
    try:
        return data.decode(marked or codec)
    except UnicodeDecodeError as fault:
        why = f"byte {fault.start:,} is none of {marked or codec}: {fault.reason}"
        raise refuse("encoding", "alert", why, data.count(b"\n", 0, fault.start) + 1) from None


def _prolog(text: str) -> str:
    """The text without its declaration, on the same lines; Refused when a DTD stands before the outermost element."""
    if text.startswith(("<?xml ", "<?xml\t", "<?xml\r", "<?xml\n")):
        found = _DECLARATION.match(text)
        if found is None:
            raise refuse("not-xml", "alert", "an XML declaration that is none", 1)
        if found["version"] != "1.0":
            raise refuse("not-xml", "alert", f"XML {found['version']}; CAP is XML 1.0", 1)
        text = "\n" * found[0].count("\n") + text[found.end() :]
    at = 0
    while True:
        at = _after_space(text, at)
        if text.startswith("<!--", at):
            at = text.find("-->", at)
        elif text.startswith("<?", at):
            at = text.find("?>", at)
        else:
            break
        if at < 0:
            return text  # the parser says what is missing
        at += 2
        at += text.startswith(">", at)
    if text.startswith("<!", at):
        line = text.count("\n", 0, at) + 1
        raise refuse("doctype", "alert", "a document type declaration: CAP has none, and entities begin there", line)
    return text


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _bounded(root: Any) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise refuse("doctype", "alert", "a document type declaration")
    count, level, todo = 0, 0, [root]
    while todo:
        level += 1
        count += len(todo)
        if level > DEPTH:
            raise refuse("too-deep", "alert", f"elements nested deeper than {DEPTH}", todo[0].sourceline or 0)
        if count > ELEMENTS:
            raise refuse("too-many", "alert", f"more than {ELEMENTS:,} elements")
        todo = [below for one in todo for below in one]
