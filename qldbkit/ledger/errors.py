"""The errors that the embedded ledger's API answers with, named as in QLDB's service models."""

from __future__ import annotations

from qldbkit.errors import QldbkitError


class ServiceError(QldbkitError):
    """The ledger refuses a request.

    Attributes:
        name: the error's shape in QLDB's service models, e.g. ``BadRequestException``.
        http_status: the status code of the answer.
        fields: further members of the answer's body beside ``Message`` (such as ``Code``).
    """

    name = "InternalFailure"
    http_status = 500

    def __init__(self, message: str, **fields: str):
        super().__init__(message)
        self.fields = fields


class BadRequestError(ServiceError):
    """The request is malformed, or its statement cannot be run."""

    name = "BadRequestException"
    http_status = 400


class InvalidSessionError(ServiceError):
    """The session or its transaction no longer exists."""

    name = "InvalidSessionException"
    http_status = 400


class OccConflictError(ServiceError):
    """Another transaction changed what this one had read."""

    name = "OccConflictException"
    http_status = 400


class RateExceededError(ServiceError):
    """Too many requests."""

    name = "RateExceededException"
    http_status = 400


class LimitExceededError(ServiceError):
    """One of QLDB's limits is reached."""

    name = "LimitExceededException"
    http_status = 400


class CapacityExceededError(ServiceError):
    """The ledger cannot take this request now; try again."""

    name = "CapacityExceededException"
    http_status = 503


class InvalidParameterError(ServiceError):
    """A parameter of a control plane request is invalid."""

    name = "InvalidParameterException"
    http_status = 400


class ResourceNotFoundError(ServiceError):
    """The ledger, stream or export does not exist."""

    name = "ResourceNotFoundException"
    http_status = 404


class ResourceAlreadyExistsError(ServiceError):
    """The ledger exists already."""

    name = "ResourceAlreadyExistsException"
    http_status = 409


class ResourceInUseError(ServiceError):
    """The resource can't be changed at this time."""

    name = "ResourceInUseException"
    http_status = 409


class ResourcePreconditionNotMetError(ServiceError):
    """A condition of the operation is not met, such as deletion protection being off."""

    name = "ResourcePreconditionNotMetException"
    http_status = 412


class AccessDeniedError(ServiceError):
    """The request is not signed by a key that may do this."""

    name = "AccessDeniedException"
    http_status = 403


class UnknownOperationError(ServiceError):
    """QLDB's API has no such operation."""

    name = "UnknownOperationException"
    http_status = 404


class RequestTimedOutError(ServiceError):
    """The request did not arrive in time."""

    name = "RequestTimeoutException"
    http_status = 408


class RequestTooLargeError(ServiceError):
    """The request's body is larger than the server takes."""

    name = "RequestEntityTooLargeException"
    http_status = 413
