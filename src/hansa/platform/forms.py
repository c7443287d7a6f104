"""Bodies of HTML forms: fields and files, each counted before it is kept.

    application/x-www-form-urlencoded     fields
    multipart/form-data (RFC 7578)        fields and files

Held by tests/platform/test_forms.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from hansa.errors import BadRequest, InvalidRequest, TooLarge

FIELDS: Final = 100
"""Of one form; no page of ours has so many."""
_URLENCODED: Final = 256_000  # bytes of a form without parts: each escape of one costs many times its length to read
_HEAD: Final = 4_096  # bytes of the headers of one part
_FIELD: Final = 1_000_000  # bytes of one field

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


@dataclass(slots=True)
class Form:
    """What was in it: fields by name, files as (name, bytes)."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)


def is_form(kind: str | None) -> bool:
    """Whether a Content-Type is that of a form."""
    return (kind or "").partition(";")[0].strip().lower() in {URLENCODED, MULTIPART}


def form_in(kind: str, body: bytes, files: int) -> Form:
    """The form that a body of this Content-Type holds. BadRequest, InvalidRequest, TooLarge beyond so many files."""
    if kind.partition(";")[0].strip().lower() == URLENCODED:
        return Form(_urlencoded(body))
    _, options = parse_options_header(kind)
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 70:
        raise InvalidRequest("the form names no boundary", where="content-type")
    reader = _Reader(files)
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as fault:
        raise InvalidRequest(f"the form cannot be read: {fault}", where="body") from None
    if not reader.ended:
        raise InvalidRequest("the form ends before its last part", where="body")
    return reader.form


def _urlencoded(body: bytes) -> dict[str, str]:
    if len(body) > _URLENCODED:
        raise TooLarge(f"a form of more than {_URLENCODED:,} bytes", where="body", mend="send multipart/form-data")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS, encoding="utf-8"
        )
    except ValueError as fault:
        raise InvalidRequest(f"the form cannot be read: {fault}", where="body") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        _put(found, name, value)
    return found


def _put(found: dict[str, str], name: str, value: str) -> None:
    """A field that is said twice is several values, as one text with commas (what checkboxes of one name send)."""
    found[name] = f"{found[name]},{value}" if name in found else value


class _Reader:
    """Takes the parts of one form as they are found."""

    def __init__(self, files: int) -> None:
        self.form = Form()
        self.ended = False
        self._most = files
        self._parts = 0
        self._begin()

    def callbacks(self) -> Any:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._heading(self._name, data[start:end]),
            "on_header_value": lambda data, start, end: self._heading(self._value, data[start:end]),
            "on_header_end": self._header,
            "on_part_data": lambda data, start, end: self._body.append(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._all,
        }

    def _begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = bytearray(), bytearray()
        self._body: list[bytes] = []
        self._head = 0

    def _heading(self, to: bytearray, data: bytes) -> None:
        self._head += len(data)
        if self._head > _HEAD:
            raise TooLarge("the head of a part of the form is too long", where="body")
        to += data

    def _header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _end(self) -> None:
        self._parts += 1
        if self._parts > FIELDS:
            raise TooLarge(f"a form of more than {FIELDS} parts", where="body")
        _, said = parse_options_header(self._headers.get(b"content-disposition", b""))
        name, body = _text(said.get(b"name", b""), "name"), b"".join(self._body)
        if b"filename" not in said:
            if len(body) > _FIELD:
                raise TooLarge(f"{name[:40]} has more than {_FIELD:,} bytes", where=name[:40])
            _put(self.form.fields, name, _text(body, name))
        elif body:  # a page sends an empty one where nothing was chosen
            if len(self.form.files) >= self._most:
                raise TooLarge(f"more than {self._most} files", where=name[:40])
            self.form.files.append((_text(said[b"filename"], "filename"), body))

    def _all(self) -> None:
        self.ended = True


def _text(raw: bytes, where: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadRequest("this is no UTF-8", where=where[:40]) from None


def lowered(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """Headers as text, without those that prove who somebody is."""
    hidden = {b"authorization", b"cookie", b"proxy-authorization"}
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items() if name not in hidden}
