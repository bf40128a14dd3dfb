"""Error bodies: Graph's in one shape, the token endpoint's in the other."""

from __future__ import annotations

import msgspec

__all__ = ("EntraError", "GraphError", "SignInError")


class EntraError(Exception):
    """An answer that is not a success: a status and perhaps headers."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


class GraphError(EntraError):
    """``{"error": {"code", "message", "innerError"}}``."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, message, headers)
        self.code = code

    def body(self, *, date: str, request_id: str, client_request_id: str) -> bytes:
        """The JSON body; ``date`` without its zone, as recorded."""
        inner = {"date": date.removesuffix("Z"), "request-id": request_id, "client-request-id": client_request_id}
        return msgspec.json.encode({"error": {"code": self.code, "message": self.message, "innerError": inner}})

    @classmethod
    def bad_request(cls, message: str, code: str = "Request_BadRequest") -> GraphError:
        """400 for a request that makes no sense."""
        return cls(400, code, message)

    @classmethod
    def unsupported(cls, message: str) -> GraphError:
        """400 for a query that this collection does not answer."""
        return cls(400, "Request_UnsupportedQuery", message)

    @classmethod
    def missing(cls, key: str) -> GraphError:
        """404 for an object that is not there, or not any more."""
        return cls(
            404,
            "Request_ResourceNotFound",
            f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
        )

    @classmethod
    def denied(cls) -> GraphError:
        """403 for a permission that the token lacks."""
        return cls(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


class SignInError(EntraError):
    """The token endpoint's: ``error``, ``error_description`` with an AADSTS number, ``error_codes`` and ids."""

    def __init__(self, number: int, error: str, message: str, *, status: int = 400) -> None:
        super().__init__(status, message)
        self.number = number
        self.error = error

    def body(self, *, timestamp: str, trace_id: str, correlation_id: str, base: str) -> bytes:
        """The JSON body; ``timestamp`` is ``2026-01-05 09:00:00Z``."""
        description = (
            f"AADSTS{self.number}: {self.message} "
            f"Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
        )
        return msgspec.json.encode(
            {
                "error": self.error,
                "error_description": description,
                "error_codes": [self.number],
                "timestamp": timestamp,
                "trace_id": trace_id,
                "correlation_id": correlation_id,
                "error_uri": f"{base}/error?code={self.number}",
            }
        )
