"""Slack's way of saying no: HTTP 200, ``ok: false`` and an error name."""

from typing import Any

__all__ = ["SlackError"]


class SlackError(Exception):
    """A Web API error.

    Args:
        name: Slack's name of the error, ``channel_not_found``.
        message: A line for ``response_metadata.messages``, "" for none.
        fields: Further top-level fields of the answer (``needed``, ``errors``).
    """

    def __init__(self, name: str, message: str = "", **fields: Any) -> None:
        super().__init__(name)
        self.name = name
        self.message = message
        self.fields = fields

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        answer: dict[str, Any] = {"ok": False, "error": self.name, **self.fields}
        if self.message:
            answer["response_metadata"] = {"messages": [self.message]}
        return answer
