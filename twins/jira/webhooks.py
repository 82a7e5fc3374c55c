"""webhook: what apps register (dynamic) and what administrators set up (admin webhooks)."""

from datetime import timedelta
from typing import Any, Final

from factory_tui.universe import Response, Row, iso, parse_time

from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .hooks import EVENTS, ISSUE_EVENTS
from .jql import Clause, JqlError, Node, Not
from .jql import parse as parse_jql
from .pages import page
from .query import compile_query
from .state import new_id

_LIFE: Final = timedelta(days=30)
_MOST: Final = 100
_ADMIN: Final = "/rest/webhooks/1.0/webhook"
_OPERATORS: Final = frozenset({"=", "!=", "in", "not in"})
_CLAUSES: Final = frozenset(
    {"issuekey", "key", "id", "project", "issuetype", "type", "status", "assignee", "reporter"}
)


def _need_app(c: Context) -> None:
    if not (c.user and c.user["app"]):
        raise JiraError(403, "The caller is not a Connect or OAuth 2.0 app.")


def _unsupported(node: Node | None) -> list[str]:
    """What a dynamic webhook's filter may not hold."""
    if node is None:
        return []
    if isinstance(node, Clause):
        if node.field.lower() not in _CLAUSES and not node.field.lower().startswith("cf["):
            return [f"Clause {node.field} is unsupported"]
        if node.operator not in _OPERATORS:
            return [f"Operator {node.operator} is unsupported"]
        return []
    parts = (node.part,) if isinstance(node, Not) else node.parts
    return [problem for part in parts for problem in _unsupported(part)]


def _problems(c: Context, given: dict[str, Any]) -> list[str]:
    jql = given.get("jqlFilter")
    events = given.get("events")
    found: list[str] = []
    if not isinstance(events, list) or not events:
        found.append("At least one event must be specified.")
    else:
        found += [f"Event {event} is unsupported" for event in events if event not in ISSUE_EVENTS]
    if not isinstance(jql, str):
        return [*found, "The JQL filter must be specified."]
    try:
        query = parse_jql(jql)
        compile_query(c, query)
    except JqlError as error:
        return [*found, *error.messages]
    return found + _unsupported(query.where)


@operation("POST", "/webhook", "registerDynamicWebhooks")
def register(c: Context) -> Response:
    """Register webhooks of the calling app; each is made or has its errors."""
    _need_app(c)
    body = c.body()
    url, wanted = body.get("url"), body.get("webhooks")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise JiraError(400, "The URL of the webhooks must be specified.")
    if not isinstance(wanted, list) or not wanted:
        raise JiraError(400, "At least one webhook must be specified.")
    mine = [row for row in c["webhooks"].rows() if row["dynamic"] and row["owner"] == c.me]
    results: list[dict[str, Any]] = []
    for given in wanted:
        given = given if isinstance(given, dict) else {}
        problems = _problems(c, given)
        if len(mine) + len(results) >= _MOST:
            problems = [f"The maximum number of webhooks ({_MOST}) has been reached."]
        if problems:
            results.append({"errors": problems})
            continue
        key = new_id(c.twin, "webhook", 1)
        row = _row(c, key, url, list(given["events"]), given["jqlFilter"])
        row |= {
            "dynamic": True,
            "expires": iso(c.twin.clock.now() + _LIFE),
            "fields": _texts(given.get("fieldIdsFilter")),
            "properties": _texts(given.get("issuePropertyKeysFilter")),
        }
        c["webhooks"].put(key, row)
        results.append({"createdWebhookId": int(key)})
    return reply({"webhookRegistrationResult": results})


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _row(c: Context, key: str, url: str, events: list[str], jql: str) -> Row:
    return {
        "id": key,
        "owner": c.me,
        "dynamic": False,
        "url": url,
        "events": events,
        "jql": jql,
        "enabled": True,
        "expires": None,
        "fields": [],
        "properties": [],
        "secret": "",
        "bodiless": False,
        "name": "",
        "updated": c.now,
    }


def _mine(c: Context) -> list[Row]:
    """The calling app's webhooks; expired ones are gone."""
    _need_app(c)
    now = iso(c.twin.clock.now())
    rows = list(c["webhooks"].rows())
    return [r for r in rows if r["dynamic"] and r["owner"] == c.me and r["expires"] > now]


def _dynamic_shape(row: Row) -> dict[str, Any]:
    moment = parse_time(row["expires"])
    return {
        "id": int(row["id"]),
        "url": row["url"],
        "jqlFilter": row["jql"],
        "fieldIdsFilter": row["fields"],
        "issuePropertyKeysFilter": row["properties"],
        "events": row["events"],
        "expirationDate": int(moment.timestamp() * 1000),
    }


@operation("GET", "/webhook", "getDynamicWebhooksForApp")
def listed(c: Context) -> Response:
    """The calling app's webhooks."""
    return page(c, _mine(c), _dynamic_shape, 100, 100)


def _ids(c: Context) -> list[str]:
    found = c.body().get("webhookIds")
    if not isinstance(found, list) or not found:
        raise JiraError(400, "The list of webhook ids must not be empty.")
    return [str(item) for item in found]


@operation("DELETE", "/webhook", "deleteWebhookById")
def delete(c: Context) -> Response:
    """Remove webhooks of the calling app; ids of others are ignored."""
    wanted = set(_ids(c))
    for row in _mine(c):
        if row["id"] in wanted:
            c["webhooks"].delete(row["id"])
    return empty(202)


@operation("PUT", "/webhook/refresh", "refreshWebhooks")
def refresh(c: Context) -> Response:
    """Let webhooks live for another 30 days."""
    wanted = set(_ids(c))
    moment = c.twin.clock.now() + _LIFE
    for row in _mine(c):
        if row["id"] in wanted:
            c["webhooks"].put(row["id"], {**row, "expires": iso(moment)})
    return reply({"expirationDate": int(moment.timestamp() * 1000)})


@operation("GET", "/webhook/failed", "getFailedWebhooks")
def failed(c: Context) -> Response:
    """What could not be delivered after all retries, in the last 72 hours."""
    _need_app(c)
    after = c.query_number("after", 0) or 0
    rows = [(int(parse_time(row["at"]).timestamp() * 1000), row) for row in c["failedhooks"].rows()]
    oldest = int((c.twin.clock.now() - timedelta(hours=72)).timestamp() * 1000)
    rows = sorted((pair for pair in rows if pair[0] > max(after, oldest)), key=lambda p: p[0])
    size = c.page_size(c.query_number("maxResults"), 100, 100)
    values = [
        {"id": row["id"], "body": row["body"], "url": row["url"], "failureTime": moment}
        for moment, row in rows[:size]
    ]
    answer: dict[str, Any] = {"values": values, "maxResults": size}
    if len(rows) > size:
        answer["next"] = f"{c.api}/webhook/failed?maxResults={size}&after={rows[size - 1][0]}"
    return reply(answer)


# -- administrators' webhooks


def _need_admin(c: Context) -> None:
    if not (c.user and c.user["admin"]):
        raise JiraError(403, "You do not have permission to manage webhooks.")


def _fields(c: Context, body: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "name" in body:
        if not isinstance(body["name"], str) or not body["name"].strip():
            raise bad_field("name", "The name of the webhook must not be empty.")
        changes["name"] = body["name"]
    if "url" in body:
        if not isinstance(body["url"], str) or "://" not in body["url"]:
            raise bad_field("url", "The URL of the webhook is not valid.")
        changes["url"] = body["url"]
    if "events" in body:
        events = _texts(body["events"])
        unknown = [event for event in events if event not in EVENTS]
        if unknown:
            raise bad_field("events", f"Unknown event: {unknown[0][:60]}")
        changes["events"] = events
    filters = body.get("filters")
    jql = filters.get("issue-related-events-section") if isinstance(filters, dict) else None
    jql = body.get("jqlFilter", jql)
    if jql is not None:
        try:
            compile_query(c, parse_jql(str(jql)))
        except JqlError as error:
            raise JiraError(400, *error.messages) from error
        changes["jql"] = str(jql)
    if isinstance(body.get("secret"), str):
        changes["secret"] = body["secret"]
    for name, stored in (("excludeBody", "bodiless"), ("enabled", "enabled")):
        if isinstance(body.get(name), bool):
            changes[stored] = body[name]
    return changes


def _admin_shape(c: Context, row: Row) -> dict[str, Any]:
    owner = c["users"].get(row["owner"])
    name = f"{owner['first']} {owner['last']}".strip() if owner else ""
    account = row["owner"] if c.cloud or owner is None else owner["name"]
    return {
        "name": row["name"],
        "url": row["url"],
        "excludeBody": row["bodiless"],
        "filters": {"issue-related-events-section": row["jql"]} if row["jql"] else {},
        "events": row["events"],
        "enabled": row["enabled"],
        "isSigned": bool(row["secret"]),
        "self": f"{c.call.request.base_url}{_ADMIN}/{row['id']}",
        "lastUpdatedUser": account,
        "lastUpdatedDisplayName": name,
        "lastUpdated": int(parse_time(row["updated"]).timestamp() * 1000),
    }


@operation("POST", _ADMIN, "createAdminWebhook")
def create_admin(c: Context) -> Response:
    """A new webhook of the site."""
    _need_admin(c)
    changes = _fields(c, c.body())
    for name in ("name", "url"):
        if name not in changes:
            raise bad_field(name, f"The {name} of the webhook must be specified.")
    key = new_id(c.twin, "webhook", 1)
    row = _row(c, key, "", [], "") | changes
    c["webhooks"].put(key, row)
    return reply(_admin_shape(c, row), 201)


def _admin(c: Context) -> Row:
    _need_admin(c)
    row = c["webhooks"].get(c.param("webhookId"))
    if row is None or row["dynamic"]:
        raise JiraError(404, f"No webhook with id '{c.param('webhookId')}' exists.")
    return row


@operation("GET", _ADMIN, "getAdminWebhooks")
def admin_list(c: Context) -> Response:
    """The site's webhooks."""
    _need_admin(c)
    return reply([_admin_shape(c, row) for row in c["webhooks"].rows() if not row["dynamic"]])


@operation("GET", f"{_ADMIN}/{{webhookId}}", "getAdminWebhook")
def get_admin(c: Context) -> Response:
    """A webhook of the site."""
    return reply(_admin_shape(c, _admin(c)))


@operation("PUT", f"{_ADMIN}/{{webhookId}}", "updateAdminWebhook")
def update_admin(c: Context) -> Response:
    """Change a webhook of the site."""
    row = {**_admin(c), **_fields(c, c.body()), "updated": c.now}
    c["webhooks"].put(row["id"], row)
    return reply(_admin_shape(c, row))


@operation("DELETE", f"{_ADMIN}/{{webhookId}}", "deleteAdminWebhook")
def delete_admin(c: Context) -> Response:
    """Remove a webhook of the site."""
    c["webhooks"].delete(_admin(c)["id"])
    return empty()
