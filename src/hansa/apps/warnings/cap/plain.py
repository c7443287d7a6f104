"""The tree as plain JSON and back: for an entity's attribute, a draft on a page.

Members are CAP's element names; those that may repeat are lists; absent ones are left out. Times are ISO 8601 with
their offset, a polygon `[[lat, lon], ...]`, a circle `{"lat", "lon", "radius"}`, references `sender,identifier,sent`.
"""

from typing import Any

from hansa.apps.warnings.cap.faults import FAULTS, Fault, Refused, Wrong
from hansa.apps.warnings.cap.grammar import GRAMMAR, Form, Part
from hansa.apps.warnings.cap.message import Alert
from hansa.apps.warnings.cap.values import LIST


def plain(alert: Alert) -> dict[str, Any]:
    """The message in JSON."""
    return _plain(alert, GRAMMAR["1.2"])


def _plain(node: Any, form: Form) -> dict[str, Any]:
    said = {}
    for part in form.parts:
        value = getattr(node, part.field)
        if part.needed or value not in (None, "", ()):
            said[part.name] = [_one(it, part) for it in value] if part.many else _one(value, part)
    return said


def _one(value: Any, part: Part) -> Any:
    return _plain(value, part.kind) if isinstance(part.kind, Form) else part.kind.plain(value)


def from_plain(value: Any) -> Alert:
    """The message that JSON says; Refused where it is none. What the values mean together is for `check` to say."""
    faults: list[Fault] = []
    alert = _node(value, GRAMMAR["1.2"], "alert", faults)
    if faults:
        raise Refused(faults)
    assert isinstance(alert, Alert)  # noqa: S101 -- the grammar made it, or there is a fault
    return alert


def _tell(faults: list[Fault], code: str, where: str, why: str) -> None:
    faults.append(Fault(code, where, why))
    if len(faults) >= FAULTS:
        raise Refused(faults)


def _node(value: Any, form: Form, where: str, faults: list[Fault]) -> Any:
    if not isinstance(value, dict):
        return _tell(faults, "json", where, "is no object")
    parts = {part.name: part for part in form.parts}
    for name in value:
        if name not in parts:
            _tell(faults, "schema", where, f"{str(name)[:80]} is no element of it")
    before = len(faults)
    said = {}
    for name, part in parts.items():
        one = value.get(name)
        if one is None or (one in ("", []) and not part.needed):
            if part.needed:
                _tell(faults, "schema", where, f"has no {name}")
            continue
        said[part.field] = _many(one, part, f"{where}/{name}", faults) if part.many else _said(one, part, where, faults)
    return form.make(**said) if len(faults) == before else None


def _many(value: Any, part: Part, where: str, faults: list[Fault]) -> Any:
    if not isinstance(value, list | tuple):
        return _tell(faults, "json", where, "is no list")
    if len(value) > LIST:
        return _tell(faults, "too-many", where, f"{len(value):,}; at most {LIST:,} are read")
    return tuple(_value(one, part, f"{where}[{place}]", faults) for place, one in enumerate(value, 1))


def _said(value: Any, part: Part, where: str, faults: list[Fault]) -> Any:
    return _value(value, part, f"{where}/{part.name}", faults)


def _value(value: Any, part: Part, where: str, faults: list[Fault]) -> Any:
    if isinstance(part.kind, Form):
        return _node(value, part.kind, where, faults)
    try:
        return part.kind.parse(value)
    except Wrong as fault:
        return _tell(faults, fault.code, where, fault.why)
