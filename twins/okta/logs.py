"""The system log."""

from datetime import datetime, timedelta
from typing import Any, Final

from factory_tui.universe import Call, Response, iso, parse_time, route

from . import errors, shapes
from .base import listed, page
from .expressions import ExpressionError, compile_expression

__all__ = ["Logs"]

_OPERATORS: Final = "eq ne co sw ew gt ge lt le pr"
_NO_PARTS: Final = _OPERATORS.replace("co ", "")
_NAMES: Final = (
    *("uuid", "eventType", "legacyEventType", "displayMessage", "severity", "version"),
    *("actor", "actor.", "target", "target.", "client", "client.", "device", "device."),
    *("outcome", "outcome.", "transaction.", "request.", "securityContext."),
    *("authenticationContext.", "debugContext."),
    f"debugContext.debugData.url:{_NO_PARTS}",
    f"debugContext.debugData.requestUri:{_NO_PARTS}",
)
"""What ``filter`` may name: not ``published``, which ``since`` and ``until`` are for."""
_MOST_KEYWORDS: Final = 10
_LONGEST_KEYWORD: Final = 40


class Logs:
    """``/api/v1/logs``: what happened in this universe, oldest first."""

    @route("GET", "/api/v1/logs", "listLogEvents")
    def list_events(self, call: Call) -> Response:
        """``since``, ``until``, ``filter``, ``q``, ``sortOrder``; pages of 100 to 1000.

        A query with ``since`` and without ``until`` is a polling query: it always has a ``next``
        link, which later shows what has happened since.
        """
        query = call.request.query
        polling = bool(query.get("since")) and not query.get("until")
        until = _moment(call, "until") or call.twin.clock.now()
        since = _moment(call, "since") or until - timedelta(days=7)
        events = [
            shown
            for row in call.twin["logs"].rows()
            if since <= parse_time(row["published"]) and (polling or row["published"] <= iso(until))
            for shown in [{"n": row["n"], "event": shapes.event(row)}]
        ]
        if query.get("filter"):
            try:
                matches = compile_expression(query["filter"], False, _NAMES, _OPERATORS)
            except ExpressionError as problem:
                raise errors.bad_search(call, str(problem)) from None
            events = [item for item in events if matches(item["event"])]
        words = query.get("q", "").casefold().split()
        if len(words) > _MOST_KEYWORDS or any(len(word) > _LONGEST_KEYWORD for word in words):
            sentence = "q: At most 10 keywords of at most 40 characters are allowed."
            raise errors.invalid(call, "q", sentence)
        for word in words:
            events = [item for item in events if word in _words(item["event"])]
        by_offset = query.get("sortOrder", "ASCENDING").upper() == "DESCENDING"
        if by_offset:
            events.reverse()
        endless = polling and not by_offset
        shown, links = page(call, events, 100, 1000, by_offset=by_offset, endless=endless)
        return listed([item["event"] for item in shown], links)


def _moment(call: Call, name: str) -> datetime | None:
    text = call.request.query.get(name)
    if not text:
        return None
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        raise errors.invalid(
            call, name, f"{name}: The date format in your query is not recognized."
        ) from None


def _words(event: dict[str, Any]) -> str:
    parts = [event["eventType"], event["displayMessage"]]
    for party in [event["actor"] or {}, *event["target"]]:
        parts += [str(value) for value in party.values() if value]
    return " ".join(parts).casefold()
