"""Acts: files of an incident. The bytes come and go by the door `/media`; here stands what they are, and whose."""

import re
from collections.abc import Iterator
from typing import Any, Final

from hansa import Act, City, Conflict, Entity, Refusal
from hansa.apps.incidents import asked, words
from hansa.apps.incidents.case import case, moment
from hansa.apps.incidents.lines import Line
from hansa.apps.incidents.made import app

_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)


@app.act("attach", "Incident", roles=words.DESK)
def attach(act: Act, _city: City) -> Iterator[Entity]:
    """Say that an incident has a file; the door `/media` says it, with what it kept: `sha256`, `kind`, `size`."""
    asked.only(act.said, "sha256", "kind", "size", "name", "caption")
    it = case(act).going()
    digest = asked.line(act.said, "sha256")
    if not _DIGEST.match(digest):
        raise Refusal("sha256 is 64 hexadecimal digits", where="sha256", mend="POST the file to /media/<incident>")
    have: list[dict[str, Any]] = list(it.incident.get("media") or [])
    if any(one["sha256"] == digest for one in have):
        raise Conflict("this very file is there already")
    if len(have) >= words.MEDIA_MAX:
        raise Refusal(f"an incident has at most {words.MEDIA_MAX} files", mend="take some away")
    name = asked.line(act.said, "name", needed=False) or "file"
    new = {
        "sha256": digest,
        "name": name,
        "kind": asked.line(act.said, "kind"),
        "size": int(asked.number(act.said, "size", 1, 1e12)),
        "caption": asked.line(act.said, "caption", needed=False),
        "by": act.by,
        "at": moment(act),
    }
    told = f"File {name} ({new['kind']}, {new['size']:,} bytes, SHA-256 {digest[:16]}…)"
    caption = f": {new['caption']}" if new["caption"] else ""
    yield from it.says(Line("media", told + caption, {"sha256": digest}), media=[*have, new])


@app.act("detach", "Incident", roles=words.DESK)
def detach(act: Act, _city: City) -> Iterator[Entity]:
    """Take a file (`sha256`) away, with a `reason`; its bytes go, the log keeps that it was there, and its hash."""
    asked.only(act.said, "sha256", "reason")
    it = case(act).decided(words.COMMANDER, "information", "scribe")
    digest = asked.line(act.said, "sha256")
    have: list[dict[str, Any]] = list(it.incident.get("media") or [])
    gone = next((one for one in have if one["sha256"] == digest), None)
    if gone is None:
        raise Refusal("there is no such file", where="sha256")
    why = asked.text(act.said, "reason", 1_000)
    left = [one for one in have if one["sha256"] != digest]
    yield from it.says(Line("media", f"File {gone['name']} taken away: {why}", {"sha256": digest}), media=left)
