"""Requests as the binding sees them: parameters and bodies, before anybody reads them."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from hansa.errors import BadRequest, InvalidRequest, TooLarge
from hansa.platform.http import Request, read_body, split


@pytest.mark.parametrize(
    ("query", "where"),
    [
        (b"type=A&type=B", "type"),
        (b"a=1&b=2&%61=3", "a"),
        (b"=1&=2", ""),
        (b"q=%ff", "query"),
        (b"&".join([b"a=1"] * 101), "query"),
    ],
)
def test_a_parameter_that_is_said_twice_is_named(query: bytes, where: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Request("GET", [], query).params()
    assert refused.value.where == where


def test_parameters_are_read_once_decoded() -> None:
    assert Request("GET", [], b"q=a%3D%3D1&type=A%20B&empty=").params() == {"q": "a==1", "type": "A B", "empty": ""}
    assert Request("GET", []).params() == {}
    assert split(b"/entities/urn:x:a%2Fb/attrs/") == ["entities", "urn:x:a/b", "attrs"]
    with pytest.raises(BadRequest):
        split(b"/entities/%ff")


def body(length: bytes | None, *parts: bytes, ends: bool = True) -> bytes:
    """What is read of a body that comes in parts; where it does not end, the sender goes away."""
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": not ends or n < len(parts) - 1}
        for n, part in enumerate(parts)
    ]

    async def receive() -> MutableMapping[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    headers = [] if length is None else [(b"content-length", length)]
    return asyncio.run(read_body({"headers": headers}, receive, 10))


def test_a_body_is_read_whole_up_to_its_cap() -> None:
    assert body(b"4", b"abcd") == b"abcd"
    assert body(None, b"ab", b"", b"cd") == b"abcd"
    for length, parts in (
        (b"11", []), (b"9" * 5_000, []), (None, [b"x" * 11]), (None, [b"x" * 6, b"x" * 5]), (b"2", [b"x" * 11]),
    ):  # fmt: skip
        with pytest.raises(TooLarge):
            body(length, *parts)
    with pytest.raises(BadRequest, match="went away"):
        body(None, b"ab", ends=False)
