"""Okta's error bodies: `/api/v1` and rate limits in one shape, `/oauth2` in the other."""

from __future__ import annotations

import msgspec

__all__ = ("ApiError", "OAuthError", "OktaError")

# Codes and statuses: Okta's published list of error codes; summaries of 0007, 0011 and 0047 as recorded.
_CODES: dict[str, tuple[int, str]] = {
    "E0000001": (400, "Api validation failed"),
    "E0000003": (400, "The request body was not well-formed."),
    "E0000005": (403, "Invalid session"),
    "E0000006": (403, "You do not have permission to perform the requested action"),
    "E0000007": (404, "Not found"),
    "E0000008": (404, "The requested path was not found"),
    "E0000009": (500, "Internal Server Error"),
    "E0000010": (503, "Service is in read only mode."),
    "E0000011": (401, "Invalid token provided"),
    "E0000016": (403, "Activation failed because the user is already active"),
    "E0000022": (405, "The endpoint does not support the provided HTTP method"),
    "E0000029": (400, "Invalid paging request."),
    "E0000031": (400, "Invalid search criteria."),
    "E0000032": (403, "Unlock is not allowed for this user."),
    "E0000033": (400, "Bad request. Can't specify a search query and filter in the same request."),
    "E0000038": (403, "This operation is not allowed in the user's current status."),
    "E0000047": (429, "API call exceeded rate limit due to too many requests."),
    "E0000053": (400, "Invalid filter."),
    "E0000056": (403, "Delete application forbidden."),
}


class OktaError(Exception):
    """An answer that is not a success: a status, a body and perhaps headers."""

    def __init__(self, status: int, summary: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(summary)
        self.status = status
        self.headers = headers or {}

    def body(self, error_id: str) -> bytes:
        """The JSON body; ``error_id`` is what Okta's support would ask for."""
        raise NotImplementedError


class ApiError(OktaError):
    """The ``errorCode`` shape."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        causes: tuple[str, ...] = (),
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        known, summary = _CODES[code]
        self.code = code
        self.summary = f"{summary}: {detail}" if detail else summary
        self.causes = causes
        super().__init__(status or known, self.summary, headers)

    def body(self, error_id: str) -> bytes:
        """``errorCode``, ``errorSummary``, ``errorLink``, ``errorId``, ``errorCauses``."""
        return msgspec.json.encode(
            {
                "errorCode": self.code,
                "errorSummary": self.summary,
                "errorLink": self.code,
                "errorId": error_id,
                "errorCauses": [{"errorSummary": cause} for cause in self.causes],
            }
        )

    @classmethod
    def missing(cls, key: str, kind: str) -> ApiError:
        """404 for an object that is not there; ``kind`` as Okta names it: User, UserGroup, AppInstance."""
        return cls("E0000007", f"Resource not found: {key} ({kind})")

    @classmethod
    def invalid(cls, field: str, cause: str) -> ApiError:
        """400 for a value that fails validation."""
        return cls("E0000001", field, causes=(f"{field}: {cause}",))


class OAuthError(OktaError):
    """The ``error`` and ``error_description`` shape of ``/oauth2``."""

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        self.error = error
        super().__init__(status, description, headers)
        self.description = description

    def body(self, error_id: str) -> bytes:
        """``error`` and ``error_description``; this shape carries no id."""
        del error_id
        return msgspec.json.encode({"error": self.error, "error_description": self.description})
