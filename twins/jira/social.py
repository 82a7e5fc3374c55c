"""watchers and votes of issues."""

from typing import Any

from factory_tui.universe import BadBodyError, Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .shapes import user_shape


@operation("GET", "/issue/{issueIdOrKey}/watchers", "getIssueWatchers")
def watchers(c: Context) -> Response:
    """Who watches an issue."""
    row = c.issue(c.param("issueIdOrKey"))
    return reply(
        {
            "self": f"{c.api}/issue/{row['key']}/watchers",
            "isWatching": c.me in row["watchers"],
            "watchCount": len(row["watchers"]),
            "watchers": [user_shape(c, key) for key in row["watchers"]],
        }
    )


def _named(c: Context, value: Any) -> Row:
    """The user that a bare JSON string or a query names."""
    row = None
    if isinstance(value, str):
        row = c["users"].get(value) if c.cloud else c["users"].first("name", value.lower())
    if row is None:
        raise JiraError(404, "The user does not exist or you do not have permission to see them.")
    return row


@operation("POST", "/issue/{issueIdOrKey}/watchers", "addWatcher")
def watch(c: Context) -> Response:
    """Add a watcher, the caller by default."""
    row = c.issue(c.param("issueIdOrKey"))
    try:
        value = c.call.request.json()
    except BadBodyError as error:
        raise JiraError(400, "There was an error parsing JSON.") from error
    user = _named(c, value)["id"] if value else c.me
    if user not in row["watchers"]:
        c["issues"].put(row["id"], {**row, "watchers": [*row["watchers"], user]})
    return empty()


@operation("DELETE", "/issue/{issueIdOrKey}/watchers", "removeWatcher")
def unwatch(c: Context) -> Response:
    """Remove a watcher."""
    row = c.issue(c.param("issueIdOrKey"))
    name = c.query("accountId") if c.cloud else c.query("username")
    if not name:
        raise JiraError(400, "The user to remove must be given.")
    user = _named(c, name)["id"]
    c["issues"].put(row["id"], {**row, "watchers": [w for w in row["watchers"] if w != user]})
    return empty()


@operation("GET", "/issue/{issueIdOrKey}/votes", "getVotes")
def votes(c: Context) -> Response:
    """Who voted for an issue."""
    row = c.issue(c.param("issueIdOrKey"))
    return reply(
        {
            "self": f"{c.api}/issue/{row['key']}/votes",
            "votes": len(row["voters"]),
            "hasVoted": c.me in row["voters"],
            "voters": [user_shape(c, key) for key in row["voters"]],
        }
    )


@operation("POST", "/issue/{issueIdOrKey}/votes", "addVote")
def vote(c: Context) -> Response:
    """Vote; nobody votes for an issue they reported."""
    row = c.issue(c.param("issueIdOrKey"))
    if row["reporter"] == c.me:
        raise JiraError(404, "You cannot vote for an issue you have reported.")
    if row["resolution"] is not None:
        raise JiraError(404, "You cannot vote or change your vote on resolved issues.")
    if c.me not in row["voters"]:
        c["issues"].put(row["id"], {**row, "voters": [*row["voters"], c.me]})
    return empty()


@operation("DELETE", "/issue/{issueIdOrKey}/votes", "removeVote")
def unvote(c: Context) -> Response:
    """Take the vote back."""
    row = c.issue(c.param("issueIdOrKey"))
    if c.me not in row["voters"]:
        raise JiraError(404, "You have not voted for this issue.")
    c["issues"].put(row["id"], {**row, "voters": [w for w in row["voters"] if w != c.me]})
    return empty()
