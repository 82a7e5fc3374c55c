"""Jira's way of saying no: a status and ``{"errorMessages": [...], "errors": {...}}``."""

from typing import Any

from factory_tui.universe import Response

__all__ = ["TYPE", "JiraError", "bad_field", "many", "no_issue"]

TYPE = "application/json;charset=UTF-8"


class JiraError(Exception):
    """An error answer.

    Args:
        status: HTTP status.
        messages: General sentences.
        errors: Field to sentence.
    """

    def __init__(self, status: int, *messages: str, **errors: str) -> None:
        super().__init__(status, messages, errors)
        self.status = status
        self.messages = list(messages)
        self.errors: dict[str, str] = errors
        self.headers: list[tuple[str, str]] = []

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"errorMessages": self.messages, "errors": self.errors}

    def response(self) -> Response:
        """The answer."""
        return Response.json(self.body(), self.status, self.headers, TYPE)


def bad_field(name: str, sentence: str) -> JiraError:
    """400 about one field."""
    error = JiraError(400)
    error.errors = {name: sentence}
    return error


def no_issue(*, cloud: bool = True) -> JiraError:
    """404: Cloud does not tell a missing issue from one that the caller may not see."""
    if not cloud:
        return JiraError(404, "Issue Does Not Exist")
    return JiraError(404, "Issue does not exist or you do not have permission to see it.")


def many(value: Any) -> list[Any]:
    """A list that was sent, empty for none. Raises 400 for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    return value
