"""Okta's error dialect: ``E00000xx`` codes with their status, sentence and causes."""

from typing import Final

from factory_tui.universe import Call, Refused, Response

__all__ = [
    "STATUS_ERRORS",
    "bad_search",
    "bodies_malformed",
    "error",
    "forbidden",
    "invalid",
    "no_feature",
    "not_found",
    "refuse",
]

_ID_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

STATUS_ERRORS: Final[dict[int, tuple[str, str]]] = {
    400: ("E0000001", "Api validation failed"),
    401: ("E0000011", "Invalid token provided"),
    403: ("E0000006", "You do not have permission to perform the requested action"),
    404: ("E0000007", "Not found: Resource not found"),
    405: ("E0000022", "The endpoint does not support the provided HTTP method"),
    429: ("E0000047", "API call exceeded rate limit due to too many requests."),
    500: ("E0000009", "Internal Server Error"),
    501: ("E0000060", "Unsupported operation."),
    503: ("E0000010", "Service is in read only mode"),
}
"""What a bare status says in Okta's words."""


def error(call: Call, status: int, code: str, summary: str, *causes: str) -> Response:
    """An error answer in Okta's shape."""
    return Response.json(
        {
            "errorCode": code,
            "errorSummary": summary,
            "errorLink": code,
            "errorId": call.twin.ids.mint("error", 22, prefix="oae", alphabet=_ID_LETTERS),
            "errorCauses": [{"errorSummary": cause} for cause in causes],
        },
        status,
    )


def refuse(call: Call, status: int, code: str, summary: str, *causes: str) -> Refused:
    """The same, to be raised."""
    return Refused(error(call, status, code, summary, *causes))


def not_found(call: Call, key: str, kind: str) -> Refused:
    """404: there is no ``kind`` called ``key``."""
    return refuse(call, 404, "E0000007", f"Not found: Resource not found: {key} ({kind})")


def invalid(call: Call, field: str, *causes: str) -> Refused:
    """400: ``field`` of the request does not hold."""
    return refuse(call, 400, "E0000001", f"Api validation failed: {field}", *causes)


def forbidden(call: Call) -> Refused:
    """403: nobody may do that."""
    return refuse(call, 403, *STATUS_ERRORS[403])


def bodies_malformed(call: Call) -> Refused:
    """400: the body is not the JSON object it should be."""
    return refuse(call, 400, "E0000003", "The request body was not well-formed.")


def bad_search(call: Call, cause: str = "Invalid search syntax.") -> Refused:
    """400: a ``filter`` or ``search`` that cannot be understood."""
    return refuse(call, 400, "E0000031", "Invalid search criteria.", cause)


def no_feature(call: Call) -> Refused:
    """401: the organisation has not bought that feature."""
    sentence = "You do not have permission to access the feature you are requesting"
    return refuse(call, 401, "E0000015", sentence)
