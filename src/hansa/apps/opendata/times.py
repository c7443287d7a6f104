"""Instants: ISO 8601 in UTC outside, microseconds inside."""

from datetime import UTC, datetime
from typing import Any, Final

SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR


def iso(at: int) -> str:
    """An instant as UTC text, to the second; texts of two instants sort as they do."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(at: int) -> str:
    """The day of an instant in UTC."""
    return iso(at)[:10]


def micros(text: Any) -> int:
    """The instant of a text that this app wrote; 0 where there is none."""
    if not isinstance(text, str) or not text:
        return 0
    try:
        made = datetime.fromisoformat(text)
        return int((made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()) * SECOND
    except (ValueError, OverflowError):
        return 0


def rfc822(text: str) -> str:
    """An instant of this app's as RSS 2.0 has it."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    at = datetime.fromtimestamp(micros(text) // SECOND, UTC)
    return f"{days[at.weekday()]}, {at.day:02d} {months[at.month - 1]} {at.year} {at:%H:%M:%S} +0000"
