"""plans: plans over several projects and the teams in them."""

from typing import Any, Final

from factory_tui.universe import BadBodyError, Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .state import new_id

_BAD: Final = "Invalid request payload. Refer to the REST API documentation."
_SOURCES: Final = {"Board": "boards", "Project": "projects", "Filter": "filters"}
_DATES: Final = {"type": "DueDate"}, {"type": "TargetStartDate"}
_STYLES: Final = ("Scrum", "Kanban")


def _need(c: Context) -> None:
    c.need_admin("You do not have permission to access plans.")


def _plan(c: Context, *, active: bool = False) -> Row:
    _need(c)
    key = c.param("planId")
    row = c["plans"].get(key)
    if row is None:
        raise JiraError(404, f"The plan with ID {key[:40]} was not found.")
    if active and row["status"] != "Active":
        raise JiraError(409, f"The plan is not active, it is {row['status'].lower()}.")
    return row


def _checked(c: Context, plan: dict[str, Any]) -> dict[str, Any]:
    """A plan's fields, defaults filled in. Raises 400."""
    name = plan.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > 255:
        raise JiraError(400, "The name of a plan has from 1 to 255 characters.")
    sources = plan.get("issueSources")
    if not isinstance(sources, list) or not sources:
        raise JiraError(400, "A plan needs at least one issue source.")
    for one in sources:
        table = _SOURCES.get(str(one.get("type"))) if isinstance(one, dict) else None
        if table is None or str(one.get("value")) not in c[table]:
            raise JiraError(400, "An issue source of the plan was not found.")
    scheduling = plan.get("scheduling")
    if not isinstance(scheduling, dict) or scheduling.get("estimation") not in (
        "StoryPoints", "Days", "Hours"
    ):  # fmt: skip
        raise JiraError(400, "The estimation of the scheduling is StoryPoints, Days or Hours.")
    lead = plan.get("leadAccountId")
    if lead is not None and lead not in c["users"]:
        raise JiraError(400, "The lead of the plan was not found.")
    end, start = _DATES
    rules = plan.get("exclusionRules") if isinstance(plan.get("exclusionRules"), dict) else {}
    found = {
        "name": name.strip(),
        "leadAccountId": lead or c.me,
        "issueSources": [{"type": one["type"], "value": one["value"]} for one in sources],
        "scheduling": {
            "estimation": scheduling["estimation"],
            "startDate": scheduling.get("startDate") or start,
            "endDate": scheduling.get("endDate") or end,
            "inferredDates": scheduling.get("inferredDates") or "None",
            "dependencies": scheduling.get("dependencies") or "Sequential",
        },
        "exclusionRules": {"numberOfDaysToShowCompletedIssues": 30, **(rules or {})},
    }
    for part in ("crossProjectReleases", "customFields", "permissions"):
        value = plan.get(part) or []
        if not isinstance(value, list):
            raise JiraError(400, _BAD)
        found[part] = value
    return found


@operation("GET", "/plans/plan", "getPlans")
def plans(c: Context) -> Response:
    """Plans, page by page with a cursor."""
    _need(c)
    hidden = {name for name in ("Trashed", "Archived") if not c.query_flag(f"include{name}")}
    rows = [row for row in c["plans"].rows() if row["status"] not in hidden]
    return _cursor_page(
        c,
        [
            {
                "id": row["id"],
                "name": row["plan"]["name"],
                "status": row["status"],
                "scenarioId": row["scenario"],
                "issueSources": row["plan"]["issueSources"],
            }
            for row in rows
        ],
    )


def _cursor_page(c: Context, rows: list[dict[str, Any]]) -> Response:
    cursor = c.query("cursor")
    if cursor and not (cursor.isdecimal() and len(cursor) < 9):
        raise JiraError(400, "The cursor is invalid.")
    start = int(cursor or 0)
    size = c.page_size(c.query_number("maxResults"), 50, 50)
    values = rows[start : start + size]
    last = start + size >= len(rows)
    shape = {"cursor": cursor, "last": last, "size": len(values), "total": len(rows)}
    more = {} if last else {"nextPageCursor": str(start + size)}
    return reply({**shape, **more, "values": values})


def _store(c: Context, plan: dict[str, Any], teams: list[Any]) -> Row:
    key = new_id(c.twin, "plan", 1)
    row = {"id": key, "status": "Active", "scenario": new_id(c.twin, "planscenario", 100),
           "plan": plan, "teams": teams, "saved": c.now}  # fmt: skip
    c["plans"].put(key, row)
    return row


@operation("POST", "/plans/plan", "createPlan")
def create(c: Context) -> Response:
    """A plan."""
    _need(c)
    return reply(int(_store(c, _checked(c, c.body()), [])["id"]), 201)


@operation("GET", "/plans/plan/{planId}", "getPlan")
def one(c: Context) -> Response:
    """A plan."""
    row = _plan(c)
    shape = {"id": int(row["id"]), "status": row["status"], "lastSaved": row["saved"]}
    return reply({**shape, **row["plan"]})


def patched(c: Context, value: dict[str, Any]) -> dict[str, Any]:
    """An object changed as the JSON Patch that was sent says (add, replace, remove). Raises 400."""
    try:
        steps = c.call.request.json()
    except BadBodyError as error:
        raise JiraError(400, _BAD) from error
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise JiraError(400, "The body must be a JSON Patch.")
    new: dict[str, Any] = _copy(value)
    for step in steps:
        _apply(new, step)
    return new


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _apply(root: dict[str, Any], step: dict[str, Any]) -> None:
    path, verb = str(step.get("path") or ""), step.get("op")
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    if not parts or verb not in ("add", "replace", "remove"):
        raise JiraError(400, f"The operation on '{path[:60]}' is not supported.")
    place: Any = root
    for part in parts[:-1]:
        place = _step(place, part, path)
    last = parts[-1]
    if isinstance(place, list):
        at = len(place) if last == "-" else int(last) if last.isdecimal() else -1
        if verb == "add" and 0 <= at <= len(place):
            place.insert(at, step.get("value"))
        elif verb != "add" and 0 <= at < len(place):
            place[at : at + 1] = [step.get("value")] if verb == "replace" else []
        else:
            raise JiraError(400, f"The path '{path[:60]}' does not exist.")
    elif isinstance(place, dict) and verb != "remove":
        place[last] = step.get("value")
    elif isinstance(place, dict) and last in place:
        del place[last]
    else:
        raise JiraError(400, f"The path '{path[:60]}' does not exist.")


def _step(place: Any, part: str, path: str) -> Any:
    if isinstance(place, dict) and part in place:
        return place[part]
    if isinstance(place, list) and part.isdecimal() and int(part[:6]) < len(place):
        return place[int(part)]
    raise JiraError(400, f"The path '{path[:60]}' does not exist.")


@operation("PUT", "/plans/plan/{planId}", "updatePlan")
def update(c: Context) -> Response:
    """Change a plan by a JSON Patch."""
    row = _plan(c, active=True)
    new = _checked(c, patched(c, row["plan"]))
    c["plans"].put(row["id"], {**row, "plan": new, "saved": c.now})
    return empty()


def _end(c: Context, status: str) -> Response:
    row = _plan(c, active=True)
    c["plans"].put(row["id"], {**row, "status": status})
    return empty()


@operation("PUT", "/plans/plan/{planId}/archive", "archivePlan")
def archive(c: Context) -> Response:
    """Put a plan away."""
    return _end(c, "Archived")


@operation("PUT", "/plans/plan/{planId}/trash", "trashPlan")
def trash(c: Context) -> Response:
    """Throw a plan away."""
    return _end(c, "Trashed")


@operation("POST", "/plans/plan/{planId}/duplicate", "duplicatePlan")
def duplicate(c: Context) -> Response:
    """A copy of a plan under another name."""
    row = _plan(c, active=True)
    copy = _checked(c, {**_copy(row["plan"]), "name": c.body().get("name")})
    return reply(int(_store(c, copy, _copy(row["teams"]))["id"]), 201)


# -- teams


def _put_teams(c: Context, row: Row, teams: list[Any]) -> None:
    c["plans"].put(row["id"], {**row, "teams": teams, "saved": c.now})


def _team(c: Context, row: Row, name: str, kind: str) -> dict[str, Any]:
    for team in row["teams"]:
        if team["kind"] == kind and str(team["id"]) == c.param(name):
            found: dict[str, Any] = team
            return found
    raise JiraError(404, f"The team with ID {c.param(name)[:60]} was not found in the plan.")


def _team_fields(c: Context, sent: dict[str, Any], kind: str) -> dict[str, Any]:
    if sent.get("planningStyle") not in _STYLES:
        raise JiraError(400, "The planningStyle is Scrum or Kanban.")
    team: dict[str, Any] = {"planningStyle": sent["planningStyle"]}
    for name in ("capacity", "issueSourceId", "sprintLength"):
        value = sent.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise JiraError(400, f"The {name} must be a number.")
        if value is not None:
            team[name] = value
    if kind == "PlanOnly":
        title = sent.get("name")
        members = sent.get("memberAccountIds") or []
        if not isinstance(title, str) or not title.strip():
            raise JiraError(400, "The name of the team must be provided.")
        if not isinstance(members, list) or any(str(key) not in c["users"] for key in members):
            raise JiraError(400, "A member of the team was not found.")
        team |= {"name": title.strip(), "memberAccountIds": [str(key) for key in members]}
    return team


def _team_json(team: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in team.items() if name != "kind"}


@operation("GET", "/plans/plan/{planId}/team", "getTeams")
def teams_of(c: Context) -> Response:
    """The teams of a plan."""
    rows = []
    for team in _plan(c)["teams"]:
        shape = {"id": str(team["id"]), "type": team["kind"]}
        rows.append({**shape, "name": team["name"]} if "name" in team else shape)
    return _cursor_page(c, rows)


@operation("POST", "/plans/plan/{planId}/team/atlassian", "addAtlassianTeam")
def add_atlassian(c: Context) -> Response:
    """Let a team of the organisation take part in a plan."""
    row = _plan(c, active=True)
    body = c.body()
    key = body.get("id")
    if not isinstance(key, str) or not key:
        raise JiraError(400, "The id of the team must be provided.")
    if any(str(team["id"]) == key for team in row["teams"]):
        raise JiraError(409, "The team is in the plan already.")
    team = {"id": key, "kind": "Atlassian", **_team_fields(c, body, "Atlassian")}
    _put_teams(c, row, [*row["teams"], team])
    return empty()


@operation("POST", "/plans/plan/{planId}/team/planonly", "createPlanOnlyTeam")
def add_plan_only(c: Context) -> Response:
    """A team that exists in the plan only."""
    row = _plan(c, active=True)
    fields = _team_fields(c, c.body(), "PlanOnly")
    key = int(new_id(c.twin, "planteam", 1))
    _put_teams(c, row, [*row["teams"], {"id": key, "kind": "PlanOnly", **fields}])
    return reply(key, 201)


def _register(word: str, kind: str, param: str, names: tuple[str, str, str]) -> None:
    path = f"/plans/plan/{{planId}}/team/{word}/{{{param}}}"

    @operation("GET", path, names[0])
    def get(c: Context) -> Response:
        """A team of a plan."""
        return reply(_team_json(_team(c, _plan(c), param, kind)))

    @operation("PUT", path, names[1])
    def put(c: Context) -> Response:
        """Change a team by a JSON Patch."""
        row = _plan(c, active=True)
        old = _team(c, row, param, kind)
        fields = _team_fields(c, patched(c, _team_json(old)), kind)
        new = {"id": old["id"], "kind": kind, **fields}
        _put_teams(c, row, [new if team is old else team for team in row["teams"]])
        return empty()

    @operation("DELETE", path, names[2])
    def delete(c: Context) -> Response:
        """Take a team out of a plan."""
        row = _plan(c, active=True)
        gone = _team(c, row, param, kind)
        _put_teams(c, row, [team for team in row["teams"] if team is not gone])
        return empty()


_register(
    "atlassian",
    "Atlassian",
    "atlassianTeamId",
    ("getAtlassianTeam", "updateAtlassianTeam", "removeAtlassianTeam"),
)
_register(
    "planonly",
    "PlanOnly",
    "planOnlyTeamId",
    ("getPlanOnlyTeam", "updatePlanOnlyTeam", "deletePlanOnlyTeam"),
)
