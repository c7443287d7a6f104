"""What somebody says with an act, looked at word for word: each fault is refused with the name of its member."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from hansa import Act, Attribute, Refusal
from hansa.apps.alarms.standing import SECOND, instant, iso

REASON: Final = 500  # characters: a sentence or two
NAME: Final = 2_048  # characters of an id, as everywhere in the city
KIND: Final = 200  # characters of a kind, a category, a unit, a person
TEXT: Final = 2_000  # characters of a comment or a description
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # a new line and a tab are text


def only(act: Act, *names: str) -> None:
    """Refuse what the act does not know: a word that is passed over may have been meant. Raises Refusal."""
    for name in act.said:
        if name not in names:
            raise Refusal("this act does not know that", where=name[:80], mend=f"it knows: {', '.join(names)}")


def text(act: Act, name: str, most: int = REASON, *, why: str = "say it") -> str:
    """A text that must be there. Raises Refusal."""
    found = maybe(act, name, most)
    if not found:
        raise Refusal(f"{name} is missing", where=name, mend=why)
    return found


def maybe(act: Act, name: str, most: int = REASON) -> str:
    """A text, or none. Raises Refusal when it is no text, or too long."""
    said = act.said.get(name)
    if said is None:
        return ""
    if not isinstance(said, str):
        raise Refusal(f"{name} is a text", where=name)
    if len(said) > most:
        raise Refusal(f"{name} has {len(said):,} characters", where=name, mend=f"{most:,} are the most")
    if _CONTROL.search(said):
        raise Refusal(f"{name} holds a control character", where=name)
    return said.strip()


def number(act: Act, name: str) -> float | None:
    """A finite number, or none. Raises Refusal."""
    said = act.said.get(name)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said) or abs(said) > 1e300:
        raise Refusal(f"{name} is a number", where=name)
    return said


def count(act: Act, name: str) -> int | None:
    """A whole number from 0 on, or none. Raises Refusal."""
    said = act.said.get(name)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said < 2**53:
        raise Refusal(f"{name} is a whole number", where=name)
    return said


def end(act: Act, most_s: float, *, needed: bool) -> int | None:
    """When something ends that must not last for ever: `until` (ISO 8601) or `minutes`. Raises Refusal."""
    minutes, until = number(act, "minutes"), maybe(act, "until", 40)
    if minutes is None and not until:
        if needed:
            raise Refusal("it must have an end", where="until", mend="say until (a date-time) or minutes")
        return None
    if minutes is not None and until:
        raise Refusal("either until or minutes", where="until")
    if minutes is not None:
        if minutes <= 0:
            raise Refusal("minutes is above zero", where="minutes")
        at = act.at + int(min(minutes * 60, 1e10) * SECOND)
    else:
        said = instant(until)
        if said is None:
            raise Refusal("until is no date-time", where="until", mend=f"as {iso(act.at + 3_600 * SECOND)}")
        at = said
    if at <= act.at:
        raise Refusal("until has passed already", where="until")
    if at - act.at > most_s * SECOND:
        raise Refusal(
            "that is too long", where="until" if until else "minutes", mend=f"{most_s / 3_600:g} h are the most"
        )
    return at


def point(act: Act, name: str) -> dict[str, Any] | None:
    """A GeoJSON Point on Earth, or none. Raises Refusal."""
    said = act.said.get(name)
    if said is None:
        return None
    at = said.get("coordinates") if isinstance(said, Mapping) and said.get("type") == "Point" else None
    if (
        not isinstance(at, list)
        or len(at) != 2
        or not all(_within(one, most) for one, most in zip(at, (180, 90), strict=True))
    ):
        raise Refusal(f"{name} is no point", where=name, mend='{"type": "Point", "coordinates": [longitude, latitude]}')
    return {"type": "Point", "coordinates": at}


def _within(one: Any, most: float) -> bool:
    return isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) and abs(one) <= most


def by(act: Act, value: Any, **more: Any) -> Attribute:
    """A value with who said it, and when; the past of the attribute keeps both."""
    extra = {"by": {"type": "Property", "value": act.by}}
    extra |= {name: {"type": "Property", "value": one} for name, one in more.items() if one}
    return Attribute(value, at=act.at, extra=extra)
