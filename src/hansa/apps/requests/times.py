"""Instants as people and programs write them: ISO 8601 with a zone in, UTC out; inside, microseconds."""

from datetime import UTC, datetime
from typing import Any, Final

from hansa import Refusal

SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def iso(at: int) -> str:
    """An instant as UTC text, to the second; texts of two instants sort as they do."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micros(text: Any) -> int:
    """The instant of a text that this app wrote; 0 where there is none."""
    if not isinstance(text, str) or not text:
        return 0
    try:
        return int(datetime.fromisoformat(text).timestamp()) * SECOND
    except (ValueError, OverflowError):
        return 0


def moment(said: Any, where: str) -> int:
    """An instant from a text of somebody's (W3C datetime; without a zone, UTC). Refusal."""
    if not isinstance(said, str) or len(said) > 40:
        raise Refusal(f"{where} is a time such as 2026-04-01T18:00:00Z", where=where)
    try:
        # A plus sign in an address that nobody encoded arrives as a space.
        made = datetime.fromisoformat(said.strip().replace(" ", "+" if said.count(":") > 2 else "T"))
    except (ValueError, OverflowError):
        raise Refusal(f"{where} is a time such as 2026-04-01T18:00:00Z", where=where) from None
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    if not _FIRST <= made <= _LAST:
        raise Refusal(f"{where} is not in these times", where=where)
    return int(made.timestamp()) * SECOND
