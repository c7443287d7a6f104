"""JSON from a device: the size that one message may have, then what `model.wire` says of any JSON."""

from typing import Any

from hansa.errors import TooLarge
from hansa.limits import Limits
from hansa.model.wire import json_in


def body(payload: bytes, limits: Limits) -> Any:
    """The JSON value of a message; TooLarge beyond a cap, BadRequest when it is not JSON in UTF-8."""
    if len(payload) > limits.message:
        raise TooLarge(
            f"the message is {len(payload):,} bytes; at most {limits.message:,} are taken",
            mend="send it in parts, or bring it in with `hansa import`",
        )
    return json_in(payload, limits)
