"""Files of the city's own as answers: in parts of a megabyte, so that memory stays flat whatever their size.

One range (RFC 9110, section 14), validators (section 8.8) and HEAD are kept: what is content-addressed never changes
under its name, so its name is its entity tag. tests/serve/test_downloads.py
"""

import asyncio
import os
import re
from pathlib import Path
from typing import Final

from hansa.errors import NotFound
from hansa.platform.http import Headers, Pairs, Response, Send, answer, problem

PART: Final = 1 << 20
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


async def stream(send: Send, asked: Headers, response: Response, *, head: bool = False, more: Pairs = ()) -> None:
    """Send the file of a response, as it was asked for."""
    path = response.file
    if path is None:
        raise NotFound("there is no file")
    try:
        handle = await asyncio.to_thread(os.open, path, os.O_RDONLY)
    except FileNotFoundError:  # another form of a table, which had to make room just now
        await answer(send, problem(NotFound("this file is gone", mend="ask again")), head=head, more=more)
        return
    try:
        await _sent(send, asked, response, handle, path, head=head, more=more)
    finally:
        os.close(handle)


async def _sent(
    send: Send, asked: Headers, response: Response, handle: int, path: Path, *, head: bool, more: Pairs
) -> None:
    size = os.fstat(handle).st_size
    tag = f'"{path.name}"'
    own = [*response.headers, (b"etag", tag.encode()), (b"accept-ranges", b"bytes")]
    if response.status == 200 and _known(asked.get(b"if-none-match"), tag):
        await answer(send, Response(304, b"", response.kind, own), more=more)
        return
    begin, end, status = 0, size, response.status
    said = asked.get(b"range")
    if said is not None and status == 200 and asked.get(b"if-range") in {None, tag}:
        found = _ranged(said, size)
        if found == (0, 0):
            refused = [*own, (b"content-range", f"bytes */{size}".encode())]
            await answer(send, Response(416, b"", response.kind, refused), more=more)
            return
        if found is not None:
            begin, end, status = *found, 206
            own.append((b"content-range", f"bytes {begin}-{end - 1}/{size}".encode()))
    won = {name for name, _ in more}
    headers = [(b"content-type", response.kind), (b"content-length", str(end - begin).encode())]
    headers += [*(one for one in own if one[0] not in won), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    while not head and begin < end:
        part = await asyncio.to_thread(os.pread, handle, min(PART, end - begin), begin)
        if not part:
            break
        begin += len(part)
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _known(said: str | None, tag: str) -> bool:
    if said is None:
        return False
    return said.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in said.split(",")}


def _ranged(said: str, size: int) -> tuple[int, int] | None:
    """From where to where (not included); None where all of it is answered, (0, 0) where there is no such part."""
    match = _RANGE.match(said.replace(" ", ""))
    if match is None or not any(match.groups()):  # several ranges, or none that is known: all of it is an answer too
        return None
    first, last = match.groups()
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
    return (begin, end) if begin < end else (0, 0)
