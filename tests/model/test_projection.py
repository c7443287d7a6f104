"""What pick, omit and attrs say, also of entities behind relationships (4.21)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.model.context import CORE
from hansa.model.projection import beyond, clash, depth, parse_projection


def read(text, limits=None):
    return parse_projection(text, "pick", CORE.name, limits or Limits())


def test_a_comma_and_a_pipe_mean_the_same():
    assert read("a,b|c") == read("a|b,c") == {"a": None, "b": None, "c": None}
    assert read(" a , b ") == {"a": None, "b": None}


def test_braces_say_what_is_shown_of_linked_entities():
    found = read("id,at{id,name|in{name}},x")
    assert found == {"id": None, "at": {"id": None, "name": None, "in": {"name": None}}, "x": None}
    assert depth(found) == 2
    assert depth(read("id")) == depth(None) == 0
    assert beyond(found, "at") == {"id": None, "name": None, "in": {"name": None}}
    assert beyond(found, "x") is None
    assert beyond(frozenset({"at"}), "at") is None


def test_a_name_said_twice_shows_what_either_shows():
    assert read("a{b},a{c}") == {"a": {"b": None, "c": None}}
    assert read("a{b{x}},a{b{y}}") == {"a": {"b": {"x": None, "y": None}}}
    assert read("a,a{c}") == read("a{c},a") == {"a": None}


@pytest.mark.parametrize(
    "text",
    [
        "", ",", "a,", ",a", "a,,b", "a||b", "{", "}", "a}", "a{", "a{b", "a{}", "a{,b}", "a{b,}", "a{{b}}", "a{b}c",
        "a{b}}", "a;b", "a b", "a.b", "1a", "id{a}", "scope{a}", "a" * 3_000,
    ],
)  # fmt: skip
def test_what_is_no_projection_is_refused(text):
    with pytest.raises(BadRequest) as caught:
        read(text)
    assert caught.value.where.startswith("pick")


def test_a_projection_reaches_only_so_far():
    deep = "a{" * 10 + "b" + "}" * 10
    assert depth(read(deep)) == 10
    for hostile in ("a{" * 11 + "b" + "}" * 11, "a{" * 5_000, "a{b{c}}"):
        with pytest.raises(BadRequest):
            read(hostile, Limits(join=1) if hostile == "a{b{c}}" else None)


def test_what_is_picked_and_omitted_at_once_is_found():
    assert clash(read("a,b"), read("b,c")) == "b"
    assert clash(read("a{x,y}"), read("a{y}")) == "a{y}"
    assert clash(read("a{x}"), read("a")) == "a"
    assert clash(read("a{x}"), read("a{y},b")) is None
    assert clash(read("a"), read("a{y}")) is None


@given(st.text(alphabet="ab,|{} ", max_size=30))
def test_whatever_is_said_is_read_or_refused(text):
    try:
        found = read(text)
    except BadRequest:
        return
    assert found
    assert text.count("{") == text.count("}")
