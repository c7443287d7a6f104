"""One tree of errors: whose fault it was, what to answer, and how to mend it.

`BadRequest` and what hangs below it is the caller's fault, `SourceFailed` a neighbour's, `Busy` and `Full` say
that hansa cannot take it now, and every other `HansaError` is ours. Each becomes RFC 9457 problem details with the
type that NGSI-LD (CIM 009, table 5.5.2-1) names for it.
"""

import math
from typing import Any, ClassVar

_NGSI = "https://uri.etsi.org/ngsi-ld/errors/"


class HansaError(Exception):
    """Ours: something inside the city went wrong."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = _NGSI + "InternalError"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, *, where: str | None = None, mend: str | None = None) -> None:
        """Say what happened, `where` (a member, a line, a topic) and how to `mend` it."""
        super().__init__(detail)
        self.detail = detail
        self.where = where
        self.mend = mend

    def problem(self) -> dict[str, Any]:
        """Problem details (RFC 9457) of this error."""
        body: dict[str, Any] = {"type": self.kind, "title": self.title, "status": self.status, "detail": self.detail}
        if self.where is not None:
            body["where"] = self.where
        if self.mend is not None:
            body["mend"] = self.mend
        return body


class BadRequest(HansaError):
    """Theirs: the data is not what its format says (NGSI-LD BadRequestData)."""

    status = 400
    kind = _NGSI + "BadRequestData"
    title = "Bad request data"


class InvalidRequest(BadRequest):
    """Theirs: the request itself is not well formed (NGSI-LD InvalidRequest)."""

    kind = _NGSI + "InvalidRequest"
    title = "Invalid request"


class Unauthenticated(BadRequest):
    """Nobody we know: no session, no secret, or a wrong one."""

    status = 401
    kind = "https://hansa.city/errors/Unauthenticated"
    title = "Who are you?"


class Forbidden(BadRequest):
    """Known, but may not."""

    status = 403
    kind = "https://hansa.city/errors/Forbidden"
    title = "Not allowed"


class NotFound(BadRequest):
    """The thing asked for is not there (NGSI-LD ResourceNotFound)."""

    status = 404
    kind = _NGSI + "ResourceNotFound"
    title = "Not found"


class NoTenant(NotFound):
    """The tenant asked for does not exist (NGSI-LD NonexistentTenant)."""

    kind = _NGSI + "NonexistentTenant"
    title = "No such tenant"


class AlreadyExists(BadRequest):
    """It is there already (NGSI-LD AlreadyExists)."""

    status = 409
    kind = _NGSI + "AlreadyExists"
    title = "Already exists"


class Refusal(BadRequest):
    """Theirs: what somebody wants done cannot be done as things are, or as he said it."""

    kind = "https://hansa.city/errors/Refusal"
    title = "Not as it was asked"


class Conflict(BadRequest):
    """Somebody else changed it meanwhile."""

    status = 409
    kind = "https://hansa.city/errors/Conflict"
    title = "Changed meanwhile"


class NotAcceptable(BadRequest):
    """No representation that the caller accepts."""

    status = 406
    kind = "https://hansa.city/errors/NotAcceptable"
    title = "Not acceptable"


class UnsupportedMediaType(BadRequest):
    """A body in a format that this door does not read."""

    status = 415
    kind = "https://hansa.city/errors/UnsupportedMediaType"
    title = "Unsupported media type"


class TooLarge(BadRequest):
    """A body, depth or list beyond a cap in `limits`."""

    status = 413
    kind = "https://hansa.city/errors/TooLarge"
    title = "Too large"


class TooManyResults(BadRequest):
    """The answer would be beyond a cap (NGSI-LD TooManyResults)."""

    status = 403
    kind = _NGSI + "TooManyResults"
    title = "Too many results"


class TooMany(BadRequest):
    """Too often: the caller may try again, later."""

    status = 429
    kind = "https://hansa.city/errors/TooMany"
    title = "Too many requests"

    def __init__(self, detail: str, wait_s: float = 1.0, *, where: str | None = None, mend: str | None = None) -> None:
        """`wait_s` is how long until it may be tried again."""
        super().__init__(detail, where=where, mend=mend)
        self.retry_after_s = max(1, math.ceil(wait_s))


class NotSupported(BadRequest):
    """A part of the standard that is not built (NGSI-LD OperationNotSupported)."""

    status = 422
    kind = _NGSI + "OperationNotSupported"
    title = "Operation not supported"


class TooLong(BadRequest):
    """A head with more than a request needs."""

    status = 431
    kind = "https://hansa.city/errors/TooLong"
    title = "Too long"


class SourceFailed(HansaError):
    """A neighbour's fault: another machine did not answer, or wrongly."""

    status = 502
    kind = "https://hansa.city/errors/SourceFailed"
    title = "Another system failed"


class NoContext(SourceFailed):
    """A remote @context could not be had (NGSI-LD LdContextNotAvailable)."""

    status = 504
    kind = _NGSI + "LdContextNotAvailable"
    title = "Context not available"


class Busy(HansaError):
    """Not now: an inbox is full. The caller may try again."""

    status = 503
    kind = "https://hansa.city/errors/Busy"
    title = "Busy"
    retry_after_s: ClassVar[int] = 1


class Full(Busy):
    """The disk refuses to take more; nothing was acknowledged."""

    kind = "https://hansa.city/errors/StorageFull"
    title = "Storage full"
    retry_after_s = 10
