"""version and component: moving, merging, replacing, counting, related work."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .pages import page
from .parts import drop_part, one_part
from .shapes import component_shape, version_shape
from .telling import version_event

_ORDER: Final = ("Earlier", "Later", "First", "Last")


def _version(c: Context, key: str) -> Row:
    row = c["versions"].get(key)
    if row is None or not c.may_see(c["projects"][row["project"]]):
        raise JiraError(404, f"Could not find version for id '{key[:40]}'")
    return row


def _need(c: Context, row: Row) -> None:
    project = c["projects"][row["project"]]
    if not c.may("ADMINISTER_PROJECTS", project):
        raise JiraError(403, "You do not have permission to administer this project.")


def version_order(c: Context, project: str) -> list[Row]:
    """The versions of a project in their order."""
    rows = [c["versions"][key] for key in c["versions"].find("project", project)]
    return sorted(rows, key=lambda row: row.get("place", 0))


@operation("POST", "/version/{id}/move", "moveVersion")
def move(c: Context) -> Response:
    """Put a version elsewhere in the order, by ``position`` or ``after`` another's address."""
    row = one_part(c, "versions")
    _need(c, row)
    body = c.body()
    rows = version_order(c, row["project"])
    at = next(n for n, item in enumerate(rows) if item["id"] == row["id"])
    others = [item for item in rows if item["id"] != row["id"]]
    position, after = body.get("position"), body.get("after")
    if after is not None:
        other = _version(c, str(after).rstrip("/").rpartition("/")[2])
        if other["project"] != row["project"] or other["id"] == row["id"]:
            raise JiraError(400, "The version to move after is not one of the same project.")
        place = next(n for n, item in enumerate(others) if item["id"] == other["id"]) + 1
    elif position in _ORDER:
        last = len(others)
        places = {"Earlier": max(0, at - 1), "Later": min(last, at + 1), "First": 0, "Last": last}
        place = places[str(position)]
    else:
        raise JiraError(400, "Either 'after' or a valid 'position' must be specified.")
    others.insert(place, row)
    for number, item in enumerate(others):
        if item.get("place") != number:
            c["versions"].put(item["id"], {**c["versions"][item["id"]], "place": number})
    version_event(c, "moved", c["versions"][row["id"]])
    return reply(version_shape(c, c["versions"][row["id"]]))


@operation("PUT", "/version/{id}/mergeto/{moveIssuesTo}", "mergeVersions")
def merge(c: Context) -> Response:
    """Let another version take over the issues, then delete this one."""
    row = one_part(c, "versions")
    _need(c, row)
    other = _version(c, c.param("moveIssuesTo"))
    if other["id"] == row["id"] or other["project"] != row["project"]:
        raise JiraError(400, "The version to merge into is not another one of the same project.")
    drop_part(c, ("fix", "affects"), row["id"], other["id"])
    c["versions"].delete(row["id"])
    version_event(c, "merged", other, mergedVersion=row)
    return empty()


@operation("POST", "/version/{id}/removeAndSwap", "deleteAndReplaceVersion")
def replace(c: Context) -> Response:
    """Delete a version; others may take its place in issues."""
    row = one_part(c, "versions")
    _need(c, row)
    body = c.body()
    swaps: list[tuple[str, str | None]] = []
    for name, field in (("moveFixIssuesTo", "fix"), ("moveAffectedIssuesTo", "affects")):
        key = body.get(name)
        other = _version(c, str(key)) if key is not None else None
        if other is not None and other["project"] != row["project"]:
            raise JiraError(400, "The replacement is not a version of the same project.")
        swaps.append((field, other["id"] if other else None))
    for field, instead in swaps:
        drop_part(c, (field,), row["id"], instead)
    c["versions"].delete(row["id"])
    version_event(c, "deleted", row)
    return empty()


@operation("GET", "/version/{id}/relatedIssueCounts", "getVersionRelatedIssues")
def related(c: Context) -> Response:
    """How many issues a version fixes and affects."""
    row = one_part(c, "versions")
    issues = [c["issues"][key] for key in c["issues"].find("project", row["project"])]
    return reply(
        {
            "self": f"{c.api}/version/{row['id']}",
            "issuesFixedCount": sum(row["id"] in issue["fix"] for issue in issues),
            "issuesAffectedCount": sum(row["id"] in issue["affects"] for issue in issues),
            "issueCountWithCustomFieldsShowingVersion": 0,
            "customFieldUsage": [],
        }
    )


@operation("GET", "/version/{id}/unresolvedIssueCount", "getVersionUnresolvedIssues")
def unresolved(c: Context) -> Response:
    """How many of the issues to be fixed are open."""
    row = one_part(c, "versions")
    issues = [c["issues"][key] for key in c["issues"].find("project", row["project"])]
    mine = [issue for issue in issues if row["id"] in issue["fix"]]
    return reply(
        {
            "self": f"{c.api}/version/{row['id']}",
            "issuesUnresolvedCount": sum(issue["resolution"] is None for issue in mine),
            "issuesCount": len(mine),
        }
    )


# -- related work


def _works(row: Row) -> list[Row]:
    return list(row.get("works", ()))


def _work_shape(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


@operation("GET", "/version/{id}/relatedwork", "getRelatedWork")
def works(c: Context) -> Response:
    """What else belongs to a version."""
    return reply([_work_shape(item) for item in _works(one_part(c, "versions"))])


def _work_fields(body: dict[str, Any]) -> dict[str, Any]:
    category = body.get("category")
    if not isinstance(category, str) or not category.strip():
        raise JiraError(400, "The category of the related work must be specified.")
    title, url = body.get("title"), body.get("url")
    if url is not None and "://" not in str(url):
        raise JiraError(400, "The URL of the related work is not valid.")
    return {"category": category, "title": title, "url": url, "issueId": body.get("issueId")}


@operation("POST", "/version/{id}/relatedwork", "createRelatedWork")
def add_work(c: Context) -> Response:
    """Add something."""
    row = one_part(c, "versions")
    _need(c, row)
    fields = _work_fields(c.body())
    letters = c.twin.ids.mint("relatedwork", 32, alphabet="0123456789abcdef")
    parts = (letters[:8], letters[8:12], letters[12:16], letters[16:20], letters[20:])
    item = {"relatedWorkId": "-".join(parts), **fields}
    c["versions"].put(row["id"], {**row, "works": [*_works(row), item]})
    return reply(_work_shape(item), 201)


@operation("PUT", "/version/{id}/relatedwork", "updateRelatedWork")
def update_work(c: Context) -> Response:
    """Change it."""
    row = one_part(c, "versions")
    _need(c, row)
    body = c.body()
    key = body.get("relatedWorkId")
    known = [item["relatedWorkId"] for item in _works(row)]
    if key not in known:
        raise JiraError(404, "The related work does not exist.")
    item = {"relatedWorkId": key, **_work_fields(body)}
    found = [item if old["relatedWorkId"] == key else old for old in _works(row)]
    c["versions"].put(row["id"], {**row, "works": found})
    return reply(_work_shape(item))


@operation("DELETE", "/version/{versionId}/relatedwork/{relatedWorkId}", "deleteRelatedWork")
def delete_work(c: Context) -> Response:
    """Remove it."""
    row = _version(c, c.param("versionId"))
    _need(c, row)
    key = c.param("relatedWorkId")
    kept = [item for item in _works(row) if item["relatedWorkId"] != key]
    if len(kept) == len(_works(row)):
        raise JiraError(404, "The related work does not exist.")
    c["versions"].put(row["id"], {**row, "works": kept})
    return empty()


# -- components


@operation("GET", "/component", "findComponentsForProjects")
def components(c: Context) -> Response:
    """The components of projects by name."""
    keys = c.query_list("projectIdsOrKeys")
    projects = [c.project(key)["id"] for key in keys]
    needle = c.query("query").lower()
    order = c.query("orderBy", "name")
    if order.lstrip("+-") not in ("name", "description"):
        raise JiraError(400, f"The 'orderBy' value '{order[:40]}' is not supported.")
    rows = [
        row
        for row in c["components"].rows()
        if (not keys or row["project"] in projects)
        and c.may_see(c["projects"][row["project"]])
        and needle in f"{row['name']} {row['description']}".lower()
    ]
    rows.sort(key=lambda row: row[order.lstrip("+-")].lower(), reverse=order.startswith("-"))

    def shape(row: Row) -> dict[str, Any]:
        full = component_shape(c, row)
        return {"description": "", **{n: full[n] for n in ("id", "name", "self")}} | (
            {"description": full["description"]} if "description" in full else {}
        )

    return page(c, rows, shape)


@operation("GET", "/component/{id}/relatedIssueCounts", "getComponentRelatedIssues")
def component_count(c: Context) -> Response:
    """How many issues a component has."""
    row = one_part(c, "components")
    count = sum(row["id"] in issue["components"] for issue in c["issues"].rows())
    return reply({"self": f"{c.api}/component/{row['id']}", "issueCount": count})
