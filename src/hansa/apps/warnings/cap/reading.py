"""From XML elements to the tree, by the grammar: every place where they differ from the schema is told."""

from typing import Any, Final

from hansa.apps.warnings.cap.faults import FAULTS, Fault, Refused, Wrong, refuse
from hansa.apps.warnings.cap.grammar import GRAMMAR, NAMESPACE, Form, Part
from hansa.apps.warnings.cap.message import Alert

DSIG: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_HINTS: Final = frozenset({_XSI + "schemaLocation", _XSI + "noNamespaceSchemaLocation"})  # where a schema is: not asked
_SPACE: Final = " \t\r\n"


def version_of(root: Any) -> str:
    """Whether the outermost element is CAP 1.1's or 1.2's alert; Refused when it is neither."""
    tag = str(root.tag)
    for version in GRAMMAR:
        if tag == f"{{{NAMESPACE}{version}}}alert":
            return version
    raise refuse("not-cap", "alert", f"the outermost element is {tag[:120]}, no CAP 1.1 or 1.2 alert", root.sourceline)


def tree_of(root: Any) -> tuple[Alert, str, list[Any]]:
    """The message, its version, and the elements of signatures at its end; Refused with all that the schema refuses."""
    version = version_of(root)
    reader = _Reader(f"{{{NAMESPACE}{version}}}")
    alert = reader.node(root, GRAMMAR[version], "alert")
    if reader.faults:
        raise Refused(reader.faults)
    return alert, version, reader.signatures


class _Reader:
    def __init__(self, space: str) -> None:
        self.space = space
        self.faults: list[Fault] = []
        self.signatures: list[Any] = []

    def tell(self, code: str, element: Any, where: str, why: str) -> None:
        self.faults.append(Fault(code, where, why, line=element.sourceline or 0))
        if len(self.faults) >= FAULTS:
            raise Refused(self.faults)

    def node(self, element: Any, form: Form, where: str) -> Any:
        """What the element says, as a node of the tree; None where something that is needed is missing."""
        self._bare(element, where)
        said: dict[str, Any] = {}
        at = 0  # the part that the next element may be
        for child in element:
            if not isinstance(child.tag, str):  # a comment, or an instruction to some program
                self._no_text(child.tail, child, where)
                continue
            self._no_text(child.tail, child, where)
            if where == "alert" and child.tag.startswith(DSIG):
                self.signatures.append(child)
                at = len(form.parts)
                continue
            at = self._child(child, form, where, at, said)
        self._no_text(element.text, element, where)
        for part in form.parts:
            if part.needed and part.field not in said:
                self.tell("schema", element, where, f"has no {part.name}")
        if any(part.needed and said.get(part.field) is None for part in form.parts):
            return None
        return form.make(**{name: tuple(it) if isinstance(it, list) else it for name, it in said.items()})

    def _child(self, child: Any, form: Form, where: str, at: int, said: dict[str, Any]) -> int:
        name = child.tag.removeprefix(self.space)
        found = next((place for place, part in enumerate(form.parts) if part.name == name), None)
        if found is None:
            self.tell("schema", child, where, f"{name[:80]} is no element of it")
            return at
        part = form.parts[found]
        here = f"{where}/{name}"
        if part.many:
            here += f"[{len(said.get(part.field, ())) + 1}]"
        if found < at:
            twice = not part.many and part.field in said
            self.tell("schema", child, here, "stands twice" if twice else "stands after elements that follow it")
        value = self._value(child, part, here)
        if part.many:
            said.setdefault(part.field, []).append(value)
        else:
            said[part.field] = value
        return max(at, found if part.many else found + 1)

    def _value(self, child: Any, part: Part, where: str) -> Any:
        if isinstance(part.kind, Form):
            return self.node(child, part.kind, where)
        self._bare(child, where)
        texts = [child.text]
        for below in child:
            if isinstance(below.tag, str):
                self.tell("schema", below, where, "has elements in it, where a text is due")
                return None
            texts.append(below.tail)  # what stands around a comment is one text
        try:
            return part.kind.of("".join(it for it in texts if it))
        except Wrong as fault:
            self.tell(fault.code, child, where, fault.why)
            return None

    def _bare(self, element: Any, where: str) -> None:
        for name in element.attrib:
            if name not in _HINTS:
                self.tell("schema", element, where, f"has an attribute, {str(name)[:80]}; CAP has none")

    def _no_text(self, text: str | None, element: Any, where: str) -> None:
        if text and text.strip(_SPACE):
            self.tell("schema", element, where, f"has text between its elements: {text.strip()[:40]!r}")
