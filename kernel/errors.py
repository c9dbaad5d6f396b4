"""The few kinds of refusal a service may raise.

Every refusal has a stable code and a Chinese sentence that a grid worker understands. One exception
handler (`kernel.api.exception_handler`) turns them into HTTP answers; the admin shows `detail`.
"""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, OperationalError


class DomainError(Exception):
    """A rule of the house forbids it (409 unless a subclass says otherwise).

    Attributes:
        code: stable identifier for programs, e.g. `same_person`.
        detail: the sentence for people, in Simplified Chinese.
        attr: name of the request field at fault, or None.
    """

    status = 409
    default_code = "conflict"

    def __init__(self, detail: str, *, code: str | None = None, attr: str | None = None) -> None:
        super().__init__(detail)
        self.code = code or self.default_code
        self.detail = detail
        self.attr = attr


class Malformed(DomainError):
    """400: the request itself is wrong in form."""

    status = 400
    default_code = "invalid"


class NotAllowed(DomainError):
    """403: it exists and you may know of it, but this is not yours to do."""

    status = 403
    default_code = "permission_denied"


class NotVisible(DomainError):
    """404: it does not exist, or you may not know of it."""

    status = 404
    default_code = "not_found"


class Conflict(DomainError):
    """409: a rule forbids it in the present state."""


class Gone(DomainError):
    """410: it was there, and its time is over (a link that has expired)."""

    status = 410
    default_code = "gone"


class StaleVersion(DomainError):
    """412: somebody changed it since you read it."""

    status = 412
    default_code = "stale_version"


class TooLarge(DomainError):
    """413: the upload is larger than allowed."""

    status = 413
    default_code = "too_large"


class UnsupportedType(DomainError):
    """415: the content is of a type we do not take."""

    status = 415
    default_code = "unsupported_media_type"


class Refused(DomainError):
    """422: well formed, but the content cannot be accepted."""

    status = 422
    default_code = "unprocessable"


class VersionRequired(DomainError):
    """428: `If-Match` is missing or `*`."""

    status = 428
    default_code = "precondition_required"


class Busy(DomainError):
    """503: locks could not be had in time; the same request may be sent again."""

    status = 503
    default_code = "busy"


def is_outage(error: BaseException) -> bool:
    """Is it the database that is away or busy, and not what was asked of it?

    Where the server dies in the middle of a statement, psycopg2 raises a plain DatabaseError without a code.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return type(error) is DatabaseError and getattr(error.__cause__, "pgcode", None) is None
