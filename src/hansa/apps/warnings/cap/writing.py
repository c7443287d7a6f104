"""From the tree to XML: canonical CAP 1.2, valid by the schema, the same bytes for the same message."""

from typing import Any, Final

from lxml import etree

from hansa.apps.warnings.cap.faults import Refused, refuse
from hansa.apps.warnings.cap.grammar import GRAMMAR, NAMESPACE, Form
from hansa.apps.warnings.cap.message import Alert
from hansa.apps.warnings.cap.rules import check
from hansa.apps.warnings.cap.source import BYTES

_SPACE: Final = f"{{{NAMESPACE}1.2}}"


def element(alert: Alert) -> Any:
    """The message as an `alert` element; Refused when it is not valid."""
    faults = check(alert)
    if any(it.refused for it in faults):
        raise Refused(faults)
    root = etree.Element(f"{_SPACE}alert", nsmap={None: f"{NAMESPACE}1.2"})
    _fill(root, alert, GRAMMAR["1.2"])
    etree.indent(root)
    return root


def serialised(root: Any) -> bytes:
    """The document's bytes; Refused when they are more than anybody would read."""
    data: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    if len(data) > BYTES:
        raise refuse("too-large", "alert", f"{len(data):,} bytes; a message has at most {BYTES:,}")
    return data


def _fill(parent: Any, node: Any, form: Form) -> None:
    for part in form.parts:
        value = getattr(node, part.field)
        if not part.needed and value in (None, "", ()):
            continue
        for one in value if part.many else (value,):
            child = etree.SubElement(parent, _SPACE + part.name)
            if isinstance(part.kind, Form):
                _fill(child, one, part.kind)
            else:
                child.text = part.kind.write(one)
