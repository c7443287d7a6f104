"""Bodies of HTML forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import HansaError, TooLarge
from hansa.platform.forms import FIELDS, form_in, is_form, lowered

KIND = "multipart/form-data; boundary=line"


def part(name, body, filename=None):
    more = f'; filename="{filename}"' if filename is not None else ""
    return f'--line\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + body + b"\r\n"


END = b"--line--\r\n"


def test_fields_and_files_are_told_apart():
    body = part("text", "tôt".encode()) + part("photo", b"\xff\xd8", "a.jpg") + part("none", b"", "") + END
    form = form_in(KIND, body, 1)
    assert (form.fields, form.files) == ({"text": "tôt"}, [("a.jpg", b"\xff\xd8")])


def test_a_field_that_is_said_twice_is_both():
    assert form_in("application/x-www-form-urlencoded; charset=utf-8", b"a=1&a=2&b=%C3%A9+x", 0).fields == {
        "a": "1,2",
        "b": "é x",
    }
    assert form_in(KIND, part("a", b"1") + part("a", b"2") + END, 0).fields == {"a": "1,2"}


@pytest.mark.parametrize(
    ("kind", "body", "files"),
    [
        (KIND, part("a", b"1"), 0),
        (KIND, b"", 0),
        (KIND, b"nothing of the kind", 0),
        (KIND, part("a", b"\xff") + END, 0),
        (KIND, part("a", b"x", "a.jpg") + END, 0),
        (KIND, part("a", b"x" * 1_000_001) + END, 0),
        (KIND, b"--line\r\nX: " + b"x" * 5_000 + b"\r\n\r\n\r\n" + END, 0),
        (KIND, part("a", b"1") * (FIELDS + 1) + END, 0),
        ("multipart/form-data", part("a", b"1") + END, 0),
        ("multipart/form-data; boundary=" + "x" * 71, b"", 0),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * (FIELDS + 1)), 0),
        ("application/x-www-form-urlencoded", b"a=%FF", 0),
        ("application/x-www-form-urlencoded", b"a=" + b"%41" * 90_000, 0),
        ("application/x-www-form-urlencoded", "a=é".encode(), 0),
    ],
)
def test_what_is_no_form_or_too_much_is_refused(kind, body, files):
    with pytest.raises(HansaError):
        form_in(kind, body, files)


def test_more_files_than_are_wanted_are_too_many():
    body = part("a", b"1", "a") + part("b", b"2", "b") + END
    assert len(form_in(KIND, body, 2).files) == 2
    with pytest.raises(TooLarge):
        form_in(KIND, body, 1)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(body):
    for kind in (KIND, "application/x-www-form-urlencoded"):
        try:
            form_in(kind, b"--line\r\n" + body + END, 2)
        except HansaError:
            continue


def test_only_forms_are_forms_and_nobody_is_proven_by_headers():
    assert is_form("multipart/form-data; boundary=x")
    assert is_form("Application/X-WWW-Form-Urlencoded")
    assert not is_form("application/json")
    assert not is_form(None)
    assert lowered({b"cookie": b"x", b"authorization": b"y", b"accept": b"z"}) == {"accept": "z"}
