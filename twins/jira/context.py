"""What an operation's function gets to work with, and the registry of operations."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from factory_tui.universe import BadBodyError, Call, Response, Row, Table, Twin

from .errors import TYPE, JiraError, no_issue
from .permits import holds, may_browse

__all__ = ["OPERATIONS", "Context", "Function", "Operation", "empty", "operation", "reply", "stamp"]

Function = Callable[["Context"], Response]


class Operation(NamedTuple):
    """An implemented operation; the path is the one below ``/rest/api/{version}``."""

    method: str
    path: str
    name: str
    function: Function


OPERATIONS: Final[list[Operation]] = []
_TOO_LARGE: Final = 1 << 63


def operation(method: str, path: str, name: str) -> Callable[[Function], Function]:
    """Register a function as an operation. May be stacked."""

    def register(function: Function) -> Function:
        OPERATIONS.append(Operation(method, path, name, function))
        return function

    return register


def reply(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response.json(value, status, content_type=TYPE)


def empty(status: int = 204) -> Response:
    """An answer without a body."""
    return Response(status, b"", [])


def stamp(moment: datetime) -> str:
    """A time as Jira writes it: ``2026-03-02T09:00:00.000+0000``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


class Context:
    """One call: who calls, in which API version, on which state."""

    __slots__ = ("cache", "call", "twin", "user", "v3")

    def __init__(self, call: Call, user: Row | None, *, v3: bool) -> None:
        self.call = call
        self.twin: Twin = call.twin
        self.user = user
        self.v3 = v3
        self.cache: dict[str, Any] = {}

    def __getitem__(self, table: str) -> Table:
        return self.twin[table]

    @property
    def me(self) -> str:
        """The caller's account id, "" for nobody."""
        return str(self.user["id"]) if self.user else ""

    @property
    def site(self) -> Row:
        """The site."""
        return self.twin["site"]["site"]

    @property
    def cloud(self) -> bool:
        """Whether this is Jira Cloud; otherwise it is Data Center."""
        return bool(self.site["deployment"] == "Cloud")

    @property
    def api(self) -> str:
        """The address of this version of the API, for links."""
        return f"{self.call.request.base_url}/rest/api/{3 if self.v3 else 2}"

    @property
    def now(self) -> str:
        """The virtual time as Jira writes it."""
        return stamp(self.twin.clock.now())

    # -- what was sent

    def param(self, name: str) -> str:
        """A path parameter."""
        return self.call.params[name]

    def query(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.call.request.query.get(name, default)

    def query_list(self, name: str) -> list[str]:
        """A query parameter that may be repeated or comma-joined."""
        found = [v for key, v in self.call.request.query_pairs if key == name]
        return [item.strip() for value in found for item in value.split(",") if item.strip()]

    def query_flag(self, name: str, default: bool = False) -> bool:
        """A boolean query parameter."""
        value = self.query(name)
        return value.lower() == "true" if value else default

    def query_number(self, name: str, default: int | None = None) -> int | None:
        """A whole number of 64 bits in the query. Raises 400 for anything else."""
        text = self.query(name)
        if not text:
            return default
        try:
            number = int(text[:30])
        except ValueError:
            number = _TOO_LARGE
        if abs(number) >= _TOO_LARGE:
            raise JiraError(
                400, f"The value '{text[:40]}' of the parameter '{name}' is not a number."
            )
        return number

    def sent_texts(self, body: Any, name: str) -> list[str]:
        """A list in a body, as texts; nothing there is an empty one. Raises 400 for no list."""
        value = body.get(name) if isinstance(body, dict) else None
        if value is None:
            return []
        if not isinstance(value, list):
            raise JiraError(400, f"'{name}' must be a list.")
        return [str(item) for item in value]

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent. Raises 400 for anything else, 415 for no JSON."""
        request = self.call.request
        if request.body and request.media_type not in ("", "application/json"):
            raise JiraError(415, "Unsupported Media Type")
        try:
            value = self.call.request.json()
        except BadBodyError as error:
            raise JiraError(
                400, "There was an error parsing JSON. Check that your request body is valid."
            ) from error
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
        return value

    def page(self, default: int = 50, largest: int = 100) -> tuple[int, int]:
        """``startAt`` and the size of the page, from the query."""
        start = self.query_number("startAt", 0) or 0
        asked = self.query_number("maxResults")
        if start < 0:
            raise JiraError(400, "The 'startAt' parameter must not be negative.")
        if asked is not None and asked < 0:
            raise JiraError(400, "The 'maxResults' parameter must not be negative.")
        return start, self.page_size(asked, default, largest)

    def page_size(self, asked: int | None, default: int, largest: int) -> int:
        """How many a page holds, from what was asked for: 0 is a page of nothing but totals."""
        return 0 if asked == 0 else self.twin.page_size(asked, default, largest)

    # -- looking up

    def project(self, id_or_key: str) -> Row:
        """A project the caller may see. Raises Jira's 404."""
        row = self.find_project(id_or_key)
        if row is None:
            raise JiraError(404, f"No project could be found with key '{id_or_key}'.")
        return row

    def find_project(self, id_or_key: str) -> Row | None:
        """A project the caller may see, or ``None``."""
        table = self["projects"]
        row = table.get(id_or_key) or table.first("key", id_or_key.upper())
        return row if row is not None and self.may_see(row) else None

    def may(self, permission: str, project: Row | None = None, issue: Row | None = None) -> bool:
        """Whether the caller has a permission, in a project and on an issue if they are given."""
        if project is None and issue is not None:
            project = self["projects"][issue["project"]]
        return holds(self, permission, project, issue)

    def need(self, permission: str, issue: Row, sentence: str, status: int = 403) -> None:
        """Refuse unless the caller has a permission on an issue."""
        if not self.may(permission, None, issue):
            raise JiraError(status, sentence)

    def need_admin(
        self, sentence: str = "Only Jira administrators can perform this operation."
    ) -> None:
        """403 unless the caller administers the site."""
        if not (self.user and self.user["admin"]):
            raise JiraError(403, sentence)

    def may_see(self, project: Row) -> bool:
        """Whether the caller may browse a project."""
        return holds(self, "BROWSE_PROJECTS", project)

    def may_write(self, project: Row) -> bool:
        """Whether the caller may change issues of a project."""
        return holds(self, "EDIT_ISSUES", project)

    def issue(self, id_or_key: str) -> Row:
        """An issue the caller may see. Raises Jira's 404."""
        row = self.find_issue(id_or_key)
        if row is None:
            raise no_issue(cloud=self.cloud)
        return row

    def find_issue(self, id_or_key: str) -> Row | None:
        """An issue the caller may see, or ``None``."""
        table = self["issues"]
        row = table.get(id_or_key) or table.first("key", id_or_key.upper())
        return row if row is not None and may_browse(self, row) else None

    def find_account(self, reference: Any) -> Row | None:
        """A user from ``{"accountId"}`` (Cloud), ``{"name"}`` or ``{"key"}`` (Data Center)."""
        if not isinstance(reference, dict):
            return None
        for name in ("accountId", "id", "name", "key"):
            value = reference.get(name)
            if not isinstance(value, str):
                continue
            if name in ("accountId", "id"):
                return self["users"].get(value)
            if not self.cloud:
                return self["users"].first("name", value)
        return None
