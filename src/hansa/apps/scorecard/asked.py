"""What somebody said with an act, read with care. Refusal names the member that cannot be so."""

import difflib
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from hansa import Act, BadRequest, Refusal, kpi

NOTE: Final = 2_000
"""Characters of evidence, a reason."""
LARGEST: Final = 1e15
STATUSES: Final = ("reported", "not reported", "not applicable")
_URL: Final = re.compile(r"https?://[^\s<>\"'`]{3,1000}\Z")


def text(said: Mapping[str, Any], name: str, most: int = NOTE, *, needed: bool = True) -> str:
    """A text; empty where it may lack."""
    value = said.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or len(value) > most or (needed and not value.strip()):
        raise Refusal(f"{name} is a text of at most {most:,} characters", where=name)
    return value.strip()


def number(value: Any, where: str) -> float:
    """A finite number. True is none, nor is text."""
    if type(value) not in {int, float} or not math.isfinite(value) or abs(value) > LARGEST:
        raise Refusal(f"{str(value)[:40]!r} is not a number", where=where, mend="such as 1234.5")
    return float(value)


def flag(said: Mapping[str, Any], name: str) -> bool:
    """Yes or no, as JSON or as a form says it."""
    value = said.get(name, False)
    if value in (True, "true", "on", "1"):
        return True
    if value in (False, None, "", "false", "0"):
        return False
    raise Refusal(f"{name} is true or false", where=name)


def input_of(framework: Any, said: Any, where: str = "input") -> str:
    """The name of an input of a framework."""
    if isinstance(said, str) and said in framework.inputs:
        return said
    near = difflib.get_close_matches(str(said)[:80], list(framework.inputs), 3, 0.5)
    raise Refusal(
        f"{framework.id} has no input {str(said)[:80]!r}",
        where=where,
        mend=", ".join(near) or "GET /desk/scorecard/inputs",
    )


def indicator_of(framework: Any, said: Any, where: str = "code") -> Any:
    """An indicator of a framework by its code."""
    if not isinstance(said, str) or not said.strip() or len(said) > 200:
        raise Refusal("code is the code of an indicator", where=where)
    return framework.indicator(said)


def in_unit(value: float, unit: Any, wanted: str, where: str = "unit") -> float:
    """A value in the unit that the framework wants. Refusal where the two are of different kinds."""
    if unit in (None, "", wanted):
        return value
    if not isinstance(unit, str) or len(unit) > 80:
        raise Refusal("unit is a text", where=where)
    try:
        made = kpi.units.converted(value, unit.strip(), wanted)
    except BadRequest as why:
        raise Refusal(
            f"{unit} cannot be turned into {wanted}: {why.detail}", where=where, mend=f"say it in {wanted}"
        ) from None
    return float(made)


def is_link(said: str) -> bool:
    """Whether a text is a link."""
    return bool(_URL.match(said))


def evidence(act: Act) -> dict[str, Any]:
    """What somebody shows for a number: a text, a link, files. Refusal where there is nothing."""
    said = act.said.get("evidence", {})
    if isinstance(said, str):
        said = {"url" if _URL.match(said) else "text": said}
    if not isinstance(said, Mapping) or set(said) - {"text", "url"}:
        raise Refusal("evidence has a text or a url", where="evidence")
    made: dict[str, Any] = {}
    if note := text(said, "text", needed=False):
        made["text"] = note
    if url := text(said, "url", 1_000, needed=False):
        if not _URL.match(url):
            raise Refusal("a link begins with http:// or https://", where="evidence.url")
        made["url"] = url
    if act.files:
        made["files"] = [one.sha256 for one in act.files]
    return made
