"""Errors that only this binding raises, of the standard and of HTTP (CIM 009, clauses 5.5.2, 5.5.3, 6.3.2 to 6.3.4)."""

from collections.abc import Iterable

from hansa.errors import BadRequest, HansaError, InvalidRequest, NotAcceptable, UnsupportedMediaType
from hansa.platform.http import JSON, Response, problem


class TooComplex(BadRequest):
    """The query takes longer than anybody may wait (NGSI-LD TooComplexQuery)."""

    status = 403
    kind = "https://uri.etsi.org/ngsi-ld/errors/TooComplexQuery"
    title = "Too complex query"


class WrongMethod(BadRequest):
    """The resource is there, but not for this verb (RFC 9110, 15.5.6)."""

    status = 405
    kind = "https://hansa.city/errors/MethodNotAllowed"
    title = "Method not allowed"

    def __init__(self, detail: str, allow: Iterable[str]) -> None:
        """`allow` names the verbs that would do."""
        self.allow = ", ".join(sorted(allow))
        super().__init__(detail, mend=f"this resource knows {self.allow}")


class LengthRequired(BadRequest):
    """A body without a Content-Length (6.3.4)."""

    status = 411
    kind = "https://hansa.city/errors/LengthRequired"
    title = "Length required"


class UnknownParameter(InvalidRequest):
    """A query parameter that the operation does not have (6.3.20)."""

    def __init__(self, odd: str, known: frozenset[str]) -> None:
        """`odd` was said; `known` are those that the operation has."""
        self.known = known
        super().__init__(
            f"this operation has no parameter {odd[:64]!r}", where=odd[:64], mend=", ".join(sorted(known))[:400]
        )


class NothingAccepted(NotAcceptable):
    """None of the representations that there are is acceptable to the caller (6.3.4)."""

    def __init__(self, offered: Iterable[str]) -> None:
        """`offered` are the media types that the resource has."""
        self.offered = list(offered)
        super().__init__("the Accept header takes none of what there is", where="Accept", mend=", ".join(self.offered))


def problem_response(error: HansaError) -> Response:
    """Problem details, as application/json so that old clients can read them (5.5.3); 411 and 415 are bare (6.3.4)."""
    if isinstance(error, LengthRequired | UnsupportedMediaType):
        return Response(error.status)
    response = problem(error)
    response.kind = JSON
    if isinstance(error, WrongMethod):
        response.headers.append((b"allow", error.allow.encode()))
    return response
