"""project-template: projects made from a described template, templates saved from projects."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import named
from .context import Context, empty, operation, reply
from .errors import JiraError
from .projects import SCHEMES, check_new, project_setup, template_setup
from .tasks import submit, task_link, work
from .templating import build, given

_PATH: Final = "/project-template"
_ADMINS: Final = "Only Jira administrators can manage project templates."
_GONE: Final = "The project template was not found."
_LONGEST_NAME: Final = 50
_LONGEST_TEXT: Final = 150
_OPTIONS: Final = ("enableScreenDelegatedAdminSupport", "enableWorkflowDelegatedAdminSupport")
_KINDS: Final = {
    "software": "SOFTWARE",
    "business": "BUSINESS",
    "service_desk": "SERVICE_DESK",
    "product_discovery": "PRODUCT_DISCOVERY",
}


@operation("POST", _PATH, "createProjectWithCustomTemplate")
def create(c: Context) -> Response:
    """A project and all that its template describes, made by a task."""
    c.need_admin("You must have global administrator rights in order to modify projects.")
    body = c.body()
    details, template = given(body.get("details")), given(body.get("template"))
    check_new(c, details)
    args = {"details": details, "template": template}
    task = submit(c, "Create project with custom template", "project template", args)
    return Response(303, b"", [("location", task_link(c, task))])


@work("project template")
def _make(c: Context, args: dict[str, Any]) -> Any:
    made = build(c, args["details"], args["template"])
    return {"projectId": int(made["id"]), "projectKey": made["key"]}


# -- saved ones


def _words(body: dict[str, Any]) -> dict[str, str]:
    text = body.get("templateDescription")
    if text is not None and (not isinstance(text, str) or len(text) > _LONGEST_TEXT):
        raise JiraError(400, f"The templateDescription is limited to {_LONGEST_TEXT} characters.")
    found = {} if text is None else {"description": text}
    if body.get("templateName") is not None:
        found["name"] = named({"name": body["templateName"]}, _LONGEST_NAME)
    return found


def _options(sent: Any) -> dict[str, bool]:
    return {name: given(sent).get(name) is True for name in _OPTIONS}


def _free(c: Context, name: str, own: str = "") -> None:
    for row in c["templates"].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            raise JiraError(400, "A project template with that name already exists.")


@operation("POST", f"{_PATH}/save-template", "saveTemplate")
def save(c: Context) -> Response:
    """A template of a project: one that follows it, or its state of now."""
    c.need_admin(_ADMINS)
    body = c.body()
    words = _words(body)
    if not words.get("name"):
        raise JiraError(400, "The templateName must be provided.")
    _free(c, words["name"])
    sent = given(body.get("templateFromProjectRequest"))
    project = c["projects"].get(str(sent.get("projectId")))
    if project is None:
        raise JiraError(404, f"No project could be found with id '{sent.get('projectId')}'.")
    kind = sent.get("templateType") or "LIVE"
    if kind not in ("LIVE", "SNAPSHOT"):
        raise JiraError(400, "The templateType must be LIVE or SNAPSHOT.")
    letters = c.twin.ids.mint("template", 32, alphabet="0123456789abcdef")
    uuid = "-".join((letters[:8], letters[8:12], letters[12:16], letters[16:20], letters[20:]))
    key = f"com.atlassian.jira.custom-project-template:{uuid}"
    row = {
        "id": key,
        "uuid": uuid,
        "name": words["name"],
        "description": words.get("description", ""),
        "project": project["id"],
        "type": kind,
        "options": _options(sent.get("templateGenerationOptions")),
        "snapshot": project_setup(project),
    }
    c["templates"].put(key, row)
    return reply({"projectTemplateKey": {"key": key, "uuid": uuid}})


def _saved(c: Context, key: Any) -> Row:
    c.need_admin(_ADMINS)
    row = c["templates"].get(str(key))
    if row is None:
        raise JiraError(404, _GONE)
    return row


@operation("GET", f"{_PATH}/live-template", "liveTemplate")
def live(c: Context) -> Response:
    """A template by its key or by the project it came from."""
    c.need_admin(_ADMINS)
    key, source = c.query("templateKey"), c.query("projectId")
    if not key and not source:
        raise JiraError(400, "Either templateKey or projectId must be provided.")
    project = c.find_project(source) if source else None
    own = project["id"] if project else ""
    found = [one for one in c["templates"].rows() if one["id"] == key or one["project"] == own]
    if not found:
        raise JiraError(404, _GONE)
    row = found[0]
    setup = template_setup(c, row)
    kind = _KINDS[setup.get("kind", "software")]
    shape: dict[str, Any] = {
        "name": row["name"],
        "description": row["description"],
        "projectTemplateKey": {"key": row["id"], "uuid": row["uuid"]},
        "type": row["type"],
        "templateGenerationOptions": row["options"],
        "archetype": {"realType": kind, "type": kind, "style": "classic"},
        "defaultBoardView": "board",
    }
    if row["type"] == "LIVE":
        shape["liveTemplateProjectIdReference"] = int(row["project"])
    else:
        sent = {name: setup[stored] for name, stored, _ in SCHEMES if setup.get(stored)}
        shape["snapshotTemplate"] = {"project": sent, "issueTypeIds": setup["types"]}
    return reply(shape)


@operation("PUT", f"{_PATH}/edit-template", "editTemplate")
def edit(c: Context) -> Response:
    """Another name, description or options."""
    body = c.body()
    row = _saved(c, body.get("templateKey"))
    new = {**row, **_words(body)}
    _free(c, new["name"], row["id"])
    if body.get("templateGenerationOptions") is not None:
        new["options"] = _options(body["templateGenerationOptions"])
    c["templates"].put(row["id"], new)
    return empty(200)


@operation("DELETE", f"{_PATH}/remove-template", "removeTemplate")
def remove(c: Context) -> Response:
    """Forget a template; projects made from it stay."""
    c["templates"].delete(_saved(c, c.query("templateKey"))["id"])
    return empty(200)
