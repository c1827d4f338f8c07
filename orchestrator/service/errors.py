"""What a caller is told when something goes wrong: OpenAI's error object with a hint.

Only errors that the caller can act on speak for themselves. Any other could carry a path, an
address or a key, so it is named by its code and a fixed sentence; the log has the rest.
"""

import math
from collections.abc import Mapping

from pydantic import BaseModel
from starlette.responses import JSONResponse

from orchestrator.core.errors import (
    BackendError,
    ConfigurationError,
    Forbidden,
    InvalidRequest,
    OrchestratorError,
    RequestError,
    RequestTooLarge,
    RunConflict,
    RunNotFound,
    ServiceBusy,
    ToolError,
    ToolUnavailable,
    Unauthorized,
)

_STATUS: tuple[tuple[type[OrchestratorError], int], ...] = (
    (Unauthorized, 401),
    (Forbidden, 403),
    (RunNotFound, 404),
    (RunConflict, 409),
    (RequestTooLarge, 413),
    (InvalidRequest, 400),
    (ServiceBusy, 503),
    (RequestError, 400),
    (ToolUnavailable, 503),
    (ToolError, 409),
    (BackendError, 502),
    (ConfigurationError, 503),
)
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
}
_SERVER = 500


class ErrorDetail(BaseModel):
    """What went wrong: `code` for programs, `message` and `hint` for people."""

    message: str
    type: str
    code: str
    hint: str = ""
    param: str | None = None


class ErrorBody(BaseModel):
    """The body of every answer that is no success."""

    error: ErrorDetail


def status_of(error: OrchestratorError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), _SERVER)


def body_of(error: OrchestratorError, status: int = 0) -> ErrorBody:
    """The body that tells an error to a caller, without anything that is not theirs to know."""
    status = status or status_of(error)
    if isinstance(error, RequestError):
        return failure(status, error.code, error.message, error.hint, param=error.param)
    said = f"The service could not do this: {error.code.replace('_', ' ')}."
    return failure(status, error.code, said, "The log of the service has the details.")


def told(error: Exception) -> ErrorBody:
    """The body that tells any error."""
    return body_of(error) if isinstance(error, OrchestratorError) else BROKEN


def failure(
    status: int, code: str, message: str, hint: str = "", *, param: str | None = None
) -> ErrorBody:
    """The body of a failure; `param` names the field of the request that it is about."""
    kind = _TYPES.get(status, "server_error" if status >= _SERVER else "invalid_request_error")
    return ErrorBody(
        error=ErrorDetail(message=message, type=kind, code=code, hint=hint, param=param)
    )


def answer_to(error: OrchestratorError, *, status: int = 0) -> JSONResponse:
    """The response that tells an error; `status` replaces the error's own."""
    status = status or status_of(error)
    return answer(status, body_of(error, status), headers_of(error))


def answer(status: int, body: ErrorBody, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A response with an error's body."""
    return JSONResponse(body.model_dump(), status, {"Cache-Control": "no-store", **(headers or {})})


def headers_of(error: OrchestratorError) -> dict[str, str]:
    """What the status line of an error asks to be said besides."""
    if isinstance(error, ServiceBusy):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after_s)))}
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    return {}


BROKEN = failure(
    500,
    "internal",
    "The service failed at this request.",
    "The log of the service has the details; trying again may help.",
)
"""What is told of an error that nobody foresaw."""
