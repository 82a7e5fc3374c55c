"""redact, and what migrating apps write: parts of texts blackened, values set in bulk."""

from typing import Any, Final

from factory_tui.universe import Response, Row, thaw

from .context import Context, empty, operation, reply
from .errors import JiraError
from .issue_more import properties_of
from .setting import set_field
from .state import change_issue, draft
from .tasks import finished

_INK: Final = "█"
_FIELDS: Final = ("summary", "description", "environment")


def _leaf(document: Any, pointer: str) -> dict[str, Any] | None:
    """The text node that a JSON pointer into an Atlassian document names."""
    node = document
    for part in pointer.strip("/").split("/"):
        if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            if part == "text":
                return node
            node = node[part]
        else:
            return None
    return node if isinstance(node, dict) and isinstance(node.get("text"), str) else None


def _blackened(text: str, place: dict[str, Any]) -> str | None:
    start, end = place.get("from"), place.get("to")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= len(text):
        return None
    if text[start:end] != place.get("expectedText"):
        return None
    return text[:start] + _INK * (end - start) + text[end:]


def _redacted(value: Any, place: dict[str, Any]) -> Any:
    """A stored text without a part of it, ``None`` when the part is not there."""
    if isinstance(value, str):
        return _blackened(value, place)
    if not isinstance(value, dict):
        return None
    changed = thaw(value)
    if "text" in changed:
        changed["text"] = _blackened(changed["text"], place)
        return changed if changed["text"] is not None else None
    leaf = _leaf(changed.get("adf"), str(place.get("adfPointer") or ""))
    found = _blackened(leaf["text"], place) if leaf is not None else None
    if leaf is None or found is None:
        return None
    leaf["text"] = found
    return changed


def _one(c: Context, item: dict[str, Any], place: dict[str, Any]) -> bool:
    issue = c.find_issue(str(item.get("entityId")))
    if issue is None:
        return False
    kind, key = item.get("entityType"), str(item.get("id"))
    if kind == "issuefieldvalue":
        value = _redacted(issue.get(key), place) if key in _FIELDS else None
        if value is None:
            return False
        c["issues"].put(issue["id"], {**issue, key: value})
        return True
    table, field = ("comments", "body") if kind == "issue-comment" else ("worklogs", "comment")
    row = c[table].get(key)
    value = _redacted(row[field], place) if row and row["issue"] == issue["id"] else None
    if row is None or value is None:
        return False
    c[table].put(key, {**row, field: value})
    return True


@operation("POST", "/redact", "redact")
def redact(c: Context) -> Response:
    """Blacken parts of fields, comments and worklogs; the answer is the job's id."""
    c.need_admin("You do not have permission to redact data.")
    given = c.body().get("redactions")
    if not isinstance(given, list) or not given:
        raise JiraError(400, "At least one redaction must be specified.")
    results = []
    for item in given:
        content = item.get("contentItem") if isinstance(item, dict) else None
        place = item.get("redactionPosition") if isinstance(item, dict) else None
        if not isinstance(content, dict) or not isinstance(place, dict) or not item.get("reason"):
            raise JiraError(400, "Every redaction needs its content item, position and reason.")
        done = _one(c, content, place)
        results.append({"externalId": str(item.get("externalId") or ""), "successful": done})
    letters = c.twin.ids.mint("redaction", 32, alphabet="0123456789abcdef")
    parts = (letters[:8], letters[8:12], letters[12:16], letters[16:20], letters[20:])
    job = "-".join(parts)
    row = finished(c, "Redact", results)
    c["tasks"].put(job, {**row, "id": job})
    return reply(job, 202)


@operation("GET", "/redact/status/{jobId}", "getRedactionStatus")
def status(c: Context) -> Response:
    """What came of it."""
    row: Row | None = c["tasks"].get(c.param("jobId"))
    if row is None or row["description"] != "Redact":
        raise JiraError(404, "The redaction job does not exist.")
    results = {"results": row["result"]}
    return reply({"jobStatus": "COMPLETED", "bulkRedactionResponse": results})


# -- migrations of apps


_MIGRATION: Final = "/rest/atlassian-connect/1/migration"


def _need_app(c: Context) -> None:
    if not (c.user and c.user["app"]):
        raise JiraError(403, "Access to this resource must be authenticated as an app.")


@operation("PUT", f"{_MIGRATION}/properties/{{entityType}}", "updateEntityProperties")
def migrate_properties(c: Context) -> Response:
    """Write properties of entities of a kind."""
    _need_app(c)
    return properties_of(c, c.param("entityType"))


@operation("PUT", f"{_MIGRATION}/field", "updateIssueFields")
def migrate_fields(c: Context) -> Response:
    """Write values of custom fields."""
    _need_app(c)
    given = c.body().get("updateValueList")
    if not isinstance(given, list) or not given:
        raise JiraError(400, "At least one value must be specified in 'updateValueList'.")
    names = {"number": "number", "string": "string", "text": "text", "richText": "richText"}
    for item in given:
        if not isinstance(item, dict):
            raise JiraError(400, "Every value must be an object.")
        issue = c.find_issue(str(item.get("issueID")))
        if issue is None:
            raise JiraError(400, f"Issue {str(item.get('issueID'))[:40]} does not exist.")
        value = next((item[name] for name in names if item.get(name) is not None), None)
        if item.get("optionID") is not None:
            value = {"id": str(item["optionID"])}
        changed = draft(issue)
        set_field(c, changed, f"customfield_{item.get('fieldID')}", value)
        change_issue(c, issue, changed)
    return empty(200)


@operation("GET", f"{_MIGRATION}/{{connectKey}}/{{jiraIssueFieldsKey}}/task", "fetchMigrationTask")
def migration_task(c: Context) -> Response:
    """How far the migration of a field is: nothing is ever migrated here."""
    raise JiraError(404, "No migration task exists for this field.")


@operation("GET", "/rest/atlassian-connect/1/service-registry", "serviceRegistry")
def services(c: Context) -> Response:
    """Services by id: there are none."""
    if not c.query_list("serviceIds"):
        raise JiraError(400, "The ids of the services must be specified.")
    return reply([])
