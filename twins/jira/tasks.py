"""task and bulk/queue: work that takes a while on the virtual clock, and how far it is.

An operation hands in work with :func:`submit`; it is carried out a second of virtual time later
(:func:`catch_up`), on behalf of whoever asked. Work that is over at once is recorded with
:func:`finished`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from factory_tui.universe import Call, Request, Response, Row, Twin, iso, parse_time

from .context import Context, empty, operation, reply
from .errors import JiraError
from .shapes import user_shape
from .state import new_id

__all__ = ["WORK", "catch_up", "finished", "next_due", "submit", "task_link", "task_shape", "work"]

_DELAY: Final = timedelta(seconds=1)

Worker = Callable[[Context, Any], Any]
WORK: Final[dict[str, Worker]] = {}
"""Name to the work itself: given a context of the one who asked and the arguments, it gives the
task's result. It may raise :class:`JiraError`: the task has failed."""


def work(name: str) -> Callable[[Worker], Worker]:
    """Register a kind of work."""

    def register(function: Worker) -> Worker:
        WORK[name] = function
        return function

    return register


def _new(c: Context, description: str) -> Row:
    return {
        "id": new_id(c.twin, "task"),
        "description": description,
        "by": c.me,
        "base": c.call.request.base_url,
        "submitted": iso(c.twin.clock.now()),
        "finished": None,
        "status": "ENQUEUED",
        "message": "",
        "result": None,
    }


def submit(c: Context, description: str, name: str, args: Any) -> Row:
    """Hand in work of a registered kind; ``args`` is JSON-able. Gives the task's row."""
    row = _new(c, description)
    due = iso(c.twin.clock.now() + _DELAY)
    c["tasks"].put(row["id"], row)
    c["pending"].put(row["id"], {"id": row["id"], "due": due, "work": name, "args": args})
    return row


def finished(c: Context, description: str, result: Any) -> Row:
    """Record work that is already done."""
    row = _new(c, description)
    row |= {"status": "COMPLETE", "finished": row["submitted"], "result": result}
    c["tasks"].put(row["id"], row)
    return row


def next_due(twin: Twin) -> datetime | None:
    """When the next work is to be done."""
    return min((parse_time(row["due"]) for row in twin["pending"].rows()), default=None)


def catch_up(twin: Twin) -> None:
    """Do the work that is due, in the order in which it was handed in."""
    now = iso(twin.clock.now())
    for item in [row for row in twin["pending"].rows() if row["due"] <= now]:
        twin["pending"].delete(item["id"])
        row = twin["tasks"][item["id"]]
        where = urlsplit(row["base"])
        request = Request("POST", "/", headers={"host": where.netloc})
        c = Context(Call(twin, request), twin["users"].get(row["by"]), v3=False)
        status, message = "COMPLETE", ""
        try:
            result = WORK[item["work"]](c, item["args"])
        except JiraError as error:
            status, result = "FAILED", None
            message = " ".join([*error.messages, *error.errors.values()])
        done = {"status": status, "message": message, "result": result, "finished": item["due"]}
        twin["tasks"].put(row["id"], {**row, **done})


# -- asking


def task_link(c: Context, row: Row) -> str:
    """Where a task is asked for."""
    return f"{c.api}/task/{row['id']}"


def _millis(text: str) -> int:
    return int(parse_time(text).timestamp() * 1000)


def task_shape(c: Context, row: Row) -> dict[str, Any]:
    """A task."""
    submitted = _millis(row["submitted"])
    last = _millis(row["finished"]) if row["finished"] else submitted
    done = row["status"] not in ("ENQUEUED", "RUNNING")
    shape: dict[str, Any] = {
        "self": task_link(c, row),
        "id": row["id"],
        "description": row["description"],
        "status": row["status"],
        "submittedBy": int(row["by"][1:9] or "0", 16),
        "progress": 100 if done else 0,
        "elapsedRuntime": last - submitted,
        "submitted": submitted,
        "lastUpdate": last,
    }
    if row["message"]:
        shape["message"] = row["message"]
    if done:
        shape |= {"started": submitted, "finished": last}
    if row["result"] is not None:
        shape["result"] = row["result"]
    return shape


def _task(c: Context, status: int = 404) -> Row:
    row = c["tasks"].get(c.param("taskId"))
    if row is None:
        raise JiraError(status, f"The task with id '{c.param('taskId')}' does not exist.")
    if row["by"] != c.me:
        c.need_admin("You do not have permission to see this task.")
    return row


@operation("GET", "/task/{taskId}", "getTask")
def get(c: Context) -> Response:
    """How far a task is."""
    return reply(task_shape(c, _task(c)))


@operation("POST", "/task/{taskId}/cancel", "cancelTask")
def cancel(c: Context) -> Response:
    """Stop a task that is not done yet."""
    row = _task(c)
    if row["id"] not in c["pending"]:
        raise JiraError(400, f"The task is {row['status']} and cannot be cancelled.")
    c["pending"].delete(row["id"])
    gone = {"status": "CANCELLED", "finished": iso(c.twin.clock.now())}
    c["tasks"].put(row["id"], {**row, **gone})
    return empty(202)


@operation("GET", "/bulk/queue/{taskId}", "getBulkOperationProgress")
def progress(c: Context) -> Response:
    """How far a bulk operation is."""
    row = _task(c, 400)
    result = row["result"] if isinstance(row["result"], dict) else {}
    shape: dict[str, Any] = {
        "taskId": row["id"],
        "status": row["status"],
        "submittedBy": user_shape(c, row["by"]),
        "created": _millis(row["submitted"]),
        "started": _millis(row["submitted"]),
        "updated": _millis(row["finished"] or row["submitted"]),
        "progressPercent": 100 if row["finished"] else 0,
        "totalIssueCount": result.get("total", 0),
        "invalidOrInaccessibleIssueCount": result.get("invalid", 0),
    }
    if row["finished"]:
        shape["processedAccessibleIssues"] = result.get("processed", [])
        shape["failedAccessibleIssues"] = result.get("failed", {})
    return reply(shape)
