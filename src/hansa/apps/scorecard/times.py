"""Instants as text and as microseconds."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)


def iso(at: int) -> str:
    """An instant as UTC text, to the second."""
    return (_EPOCH + timedelta(seconds=at // 1_000_000)).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(said: Any) -> int | None:
    """The instant of an ISO 8601 text (without a zone: UTC), microseconds; None where it is none."""
    if not isinstance(said, str) or len(said) > 40:
        return None
    try:
        made = datetime.fromisoformat(said)
    except ValueError:
        return None
    return ((made if made.tzinfo else made.replace(tzinfo=UTC)) - _EPOCH) // _MICRO
