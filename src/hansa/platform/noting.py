"""Telling the audit, where there is one, and waiting until it has it on disk."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from inspect import isawaitable
from typing import Any

Note = Callable[..., object]
"""`Audit.note(kind, actor, what, *, session="")`: answers nothing, or what can be waited for."""


async def noted(note: Note | None, kind: str, actor: str, what: Mapping[str, Any], *, session: str = "") -> None:
    """Note it; what it is about happens only afterwards, so nothing happens that is not in the audit."""
    if note is None:
        return
    answer = note(kind, actor, what, session=session)
    if isinstance(answer, Future):
        await asyncio.wrap_future(answer)
    elif isawaitable(answer):
        await answer
