"""Jira Cloud's published rate limits.

Three systems work side by side there. This twin enforces the two that strike calls with an API
token: requests per second and endpoint (GET and POST 100, PUT and DELETE 50), and writes to one
issue (20 in two seconds). The hourly quota in points applies to apps only, 65,000 an hour, and
is not enforced here; neither is Data Center's, which administrators set.
"""

from typing import Final

from factory_tui.universe import Allowance, Call, Limit

__all__ = ["headers_of", "limit_of"]

_PER_SECOND: Final = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50, "PATCH": 50}
_ISSUE: Final = "issue "
_PER_ISSUE: Final = 20
_ISSUE_WINDOW: Final = 2.0
_NEAR: Final = 0.2


def _issue_of(call: Call) -> str:
    """The id of the issue a call writes to, "" for none."""
    if call.request.method == "GET":
        return ""
    name = call.params.get("issueIdOrKey", "")
    if not name:
        return ""
    table = call.twin["issues"]
    row = table.get(name) or table.first("key", name.upper())
    return str(row["id"]) if row is not None else ""


def limit_of(call: Call) -> Limit | None:
    """What a call counts against; ``None`` for what is not described."""
    if not call.operation:
        return None
    issue = _issue_of(call)
    if issue:
        return Limit(_ISSUE + issue, _PER_ISSUE, _ISSUE_WINDOW)
    allowed = _PER_SECOND.get(call.request.method, 100)
    return Limit(f"{call.request.method} {call.operation}", allowed, 1.0)


def headers_of(call: Call, allowance: Allowance | None) -> list[tuple[str, str]]:
    """The headers that every answer of Jira Cloud carries, and those of a refusal."""
    limit = allowance.limit if allowance is not None else limit_of(call)
    if limit is None:
        return []
    left = allowance.remaining if allowance is not None else limit.allowance - 1
    reset = allowance.reset if allowance is not None else call.twin.clock.now()
    headers = [
        ("x-ratelimit-limit", str(limit.allowance)),
        ("x-ratelimit-remaining", str(left)),
        ("x-ratelimit-reset", reset.strftime("%Y-%m-%dT%H:%M:%SZ")),
    ]
    if left < limit.allowance * _NEAR:
        headers.append(("x-ratelimit-nearlimit", "true"))
    if allowance is not None and allowance.retry_after:
        issue = limit.bucket.startswith(_ISSUE)
        reason = "jira-per-issue-on-write" if issue else "jira-burst-based"
        headers += [("retry-after", str(allowance.retry_after)), ("ratelimit-reason", reason)]
    return headers
