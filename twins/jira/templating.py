"""Making a project with everything that a custom template describes.

A template names what it makes and what exists already by PCRIs (``pcri:status:ref:todo``,
``pcri:workflow:id:…``). Every part is made by the operation that an administrator would call, so
that a template obeys the rules of those; the first one that is refused fails the whole task.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from factory_tui.universe import Call, Request

from .context import OPERATIONS, Context
from .errors import JiraError, many

__all__ = ["build", "called", "given"]

_BAD: Final = "Invalid request payload. Refer to the REST API documentation."
_SPECIAL: Final = {
    "CURRENT_ASSIGNEE": "assignee",
    "ASSIGNEE": "assignee",
    "PROJECT_LEAD": "projectLead",
    "REPORTER": "reporter",
    "ANYONE": "anyone",
    "SD_CUSTOMER_PORTAL_ONLY": "sd.customer.portal.only",
}
"""Special grants as templates write them, and as permission schemes do."""


def called(c: Context, operation: str, body: Any, **params: str) -> Any:
    """The answer of another operation to the same caller. Raises what it raises."""
    request = Request("POST", "/", headers={"host": c.call.request.headers.get("host", "")},
                      body=json.dumps(body).encode())  # fmt: skip
    call = Call(c.twin, request)
    call.params = params
    function = next(one.function for one in OPERATIONS if one.name == operation)
    answer = function(Context(call, c.user, v3=True))
    return answer.data() if answer.body else None


def given(value: Any) -> dict[str, Any]:
    """An object that was sent, empty for none. Raises 400 for anything else."""
    if value is not None and not isinstance(value, dict):
        raise JiraError(400, _BAD)
    return value or {}


def _listed(part: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    yield from (given(one) for one in many(part.get(name)))


def _without_nothing(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "")}


class _Builder:
    """One project under construction.

    Attributes:
        refs: Reference to the id of what was made.
    """

    def __init__(self, c: Context, template: dict[str, Any]) -> None:
        self.c = c
        self.refs: dict[str, str] = {}
        self.template = template

    def part(self, name: str) -> dict[str, Any]:
        """A capability of the template."""
        return given(self.template.get(name))

    # -- references

    @staticmethod
    def _split(pcri: Any) -> tuple[str, str]:
        """Type (``id`` or ``ref``) and entity id of a PCRI, as a text or as an object."""
        if isinstance(pcri, dict):
            kind, key = pcri.get("type"), pcri.get("entityId")
            if key is None and isinstance(pcri.get("id"), str):
                return _Builder._split(pcri["id"])
            if kind is None:
                kind = "ref" if pcri.get("areference") else "id"
            return str(kind), str(key)
        parts = str(pcri).split(":", 3)
        if len(parts) == 4 and parts[0] == "pcri" and parts[2] in ("id", "ref"):
            return parts[2], parts[3]
        raise JiraError(400, f"'{str(pcri)[:80]}' is not a valid PCRI.")

    def id_of(self, pcri: Any) -> str:
        """The id that a PCRI stands for. Raises 400."""
        kind, key = self._split(pcri)
        if kind == "id":
            return key
        if key not in self.refs:
            raise JiraError(400, f"Nothing in the template has the reference '{key[:80]}'.")
        return self.refs[key]

    def ids_of(self, pcris: Any) -> list[str]:
        """The ids that a list of PCRIs stands for."""
        return [self.id_of(one) for one in many(pcris)]

    def mapped(self, pairs: Any) -> dict[str, str]:
        """A map whose keys and values are PCRIs."""
        return {self.id_of(key): self.id_of(value) for key, value in given(pairs).items()}

    def known(self, item: dict[str, Any], key: Any) -> str:
        """Note what was made for an item; its id."""
        if item.get("pcri") is not None:
            kind, reference = self._split(item["pcri"])
            if kind == "ref":
                self.refs[reference] = str(key)
        return str(key)

    def make(
        self, item: dict[str, Any], table: str, operation: str, body: dict[str, Any], key: str = ""
    ) -> str:
        """Make an entity by an operation, or take the one of its name; gives its id.

        Args:
            key: Of the id in the operation's answer, "id" unless it is said.
        """
        policy, name = item.get("onConflict"), str(item.get("name") or "")
        same = [row for row in self.c[table].rows() if row["name"].lower() == name.lower()]
        if same and policy == "USE":
            return self.known(item, same[0]["id"])
        if same and policy == "NEW":
            names = {row["name"].lower() for row in self.c[table].rows()}
            number = next(n for n in range(2, 10_000) if f"{name} {n}".lower() not in names)
            body = {**body, "name": f"{name} {number}"}
        elif same:
            raise JiraError(400, f"The name '{name[:80]}' is already used.")
        return self.known(item, called(self.c, operation, body)[key or "id"])

    # -- what projects consist of

    def entities(self) -> None:
        """Roles, issue types, custom fields and statuses."""
        for item in _listed(self.part("role"), "roles"):
            body = _without_nothing(name=item.get("name"), description=item.get("description"))
            key = self.make(item, "roles", "createProjectRole", body)
            if item.get("defaultActors"):
                actors = self._actors(item["defaultActors"])
                called(self.c, "addProjectRoleActorsToRole", actors, id=key)
        for item in _listed(self.part("issueType"), "issueTypes"):
            names = ("name", "description", "hierarchyLevel")
            body = _without_nothing(**{name: item.get(name) for name in names})
            self.make(item, "issuetypes", "createIssueType", body)
        for item in _listed(self.part("field"), "customFieldDefinitions"):
            names = ("name", "description", "searcherKey")
            body = _without_nothing(**{name: item.get(name) for name in names})
            body["type"] = item.get("cfType")
            self.make(item, "customfields", "createCustomField", body)
        for item in _listed(self.part("workflow"), "statuses"):
            self._status(item)

    def _actors(self, pcris: Any) -> dict[str, list[str]]:
        """Users and groups, as the operations of roles take them."""
        ids = self.ids_of(pcris)
        users = [key for key in ids if key in self.c["users"]]
        return {"user": users, "groupId": [key for key in ids if key not in users]}

    def _status(self, item: dict[str, Any]) -> None:
        name = str(item.get("name") or "")
        same = [row for row in self.c["statuses"].rows() if row["name"].lower() == name.lower()]
        if same and item.get("onConflict") == "USE":
            self.known(item, same[0]["id"])
            return
        names = ("name", "description", "statusCategory")
        body = _without_nothing(**{key: item.get(key) for key in names})
        made = called(self.c, "createStatuses", {"scope": {"type": "GLOBAL"}, "statuses": [body]})
        self.known(item, made[0]["id"])

    def workflows(self) -> None:
        """Workflows and the scheme that gives them to issue types."""
        part = self.part("workflow")
        for item in _listed(part, "workflows"):
            same = self.c["workflows"].first("name", str(item.get("name") or ""))
            if same is not None and item.get("onConflict") == "USE":
                self.known(item, same["id"])
                continue
            keys = [self.id_of(one.get("pcri")) for one in _listed(item, "statuses")]
            layout = [
                {"statusReference": key, "layout": one.get("layout"),
                 "properties": given(one.get("properties"))}
                for key, one in zip(keys, _listed(item, "statuses"), strict=True)
            ]  # fmt: skip
            rows = (self.c["statuses"].get(key) for key in keys)
            flow = {
                "name": item.get("name"),
                "description": item.get("description") or "",
                "statuses": layout,
                "transitions": [self._step(step) for step in _listed(item, "transitions")],
            }
            body = {
                "scope": {"type": "GLOBAL"},
                "statuses": [
                    {"statusReference": row["id"], "id": row["id"]} for row in rows if row
                ],
                "workflows": [flow],
            }
            self.known(item, called(self.c, "createWorkflows", body)["workflows"][0]["id"])
        scheme = given(part.get("workflowScheme"))
        if scheme:
            default = scheme.get("defaultWorkflow")
            mappings = self.mapped(scheme.get("explicitMappings"))
            body = {
                "defaultWorkflow": self._flow(self.id_of(default)) if default else "jira",
                "issueTypeMappings": {kind: self._flow(key) for kind, key in mappings.items()},
            }
            self._scheme(scheme, "createWorkflowScheme", body)

    def _flow(self, key: str) -> str:
        row = self.c["workflows"].get(key)
        if row is None:
            raise JiraError(400, f"The workflow '{key[:60]}' was not found.")
        return str(row["name"])

    def _step(self, step: dict[str, Any]) -> dict[str, Any]:
        """A transition as the operations of workflows take it."""
        shape: dict[str, Any] = {
            name: step[name]
            for name in ("actions", "validators", "triggers", "properties", "transitionScreen")
            if step.get(name)
        }
        links = [self.id_of(one.get("status")) for one in _listed(step, "from")]
        target = given(step.get("to")).get("status")
        if target is not None:
            shape["toStatusReference"] = self.id_of(target)
        if step.get("conditions"):
            shape["conditions"] = _conditions(given(step["conditions"]))
        return {
            **shape,
            "id": str(step.get("id") or ""),
            "name": step.get("name"),
            "description": step.get("description") or "",
            "type": str(step.get("type") or "").upper(),
            "links": [{"fromStatusReference": key} for key in links],
        }

    def _scheme(
        self, item: dict[str, Any], operation: str, body: dict[str, Any], key: str = "id"
    ) -> str:
        named = _without_nothing(name=item.get("name"), description=item.get("description"))
        return self.known(item, called(self.c, operation, {**named, **body})[key])

    # -- schemes

    def schemes(self) -> None:
        """Everything else that a project is given by a scheme."""
        scheme = given(self.part("issueType").get("issueTypeScheme"))
        if scheme:
            body: dict[str, Any] = {"issueTypeIds": self.ids_of(scheme.get("issueTypeIds"))}
            if scheme.get("defaultIssueTypeId") is not None:
                body["defaultIssueTypeId"] = self.id_of(scheme["defaultIssueTypeId"])
            self._scheme(scheme, "createIssueTypeScheme", body, "issueTypeSchemeId")
        self._screens()
        self._layouts()
        scheme = self.part("permissionScheme")
        if scheme:
            body = {"name": scheme.get("name"), "description": scheme.get("description")}
            body["permissions"] = list(self._grants(scheme))
            self.make(scheme, "permissionschemes", "createPermissionScheme", body)
        scheme = self.part("notification")
        if scheme:
            names = ("name", "description", "notificationSchemeEvents")
            body = _without_nothing(**{name: scheme.get(name) for name in names})
            self.make(scheme, "notificationschemes", "createNotificationScheme", body)
        scheme = self.part("security")
        if scheme:
            levels: Any = [
                {**level, "members": [
                    {**member, "type": str(member.get("type")).replace("users", "user")}
                    for member in _listed(level, "securityLevelMembers")]}
                for level in _listed(scheme, "securityLevels")
            ]  # fmt: skip
            self._scheme(scheme, "createIssueSecurityScheme", {"levels": levels})

    def _screens(self) -> None:
        part = self.part("field")
        for item in _listed(part, "screens"):
            key = self._scheme(item, "createScreen", {})
            first = self.c["screens"][key]["tabs"][0]["id"]
            for n, tab in enumerate(_listed(item, "tabs")):
                where = {"screenId": key}
                named = {"name": tab.get("name") or "Field Tab"}
                if n == 0:
                    place = str(first)
                    called(self.c, "renameScreenTab", named, **where, tabId=place)
                else:
                    place = str(called(self.c, "addScreenTab", named, **where)["id"])
                for field in self.ids_of(tab.get("fields")):
                    sent = {"fieldId": field}
                    called(self.c, "addScreenTabField", sent, **where, tabId=place)
        for item in _listed(part, "screenScheme"):
            screens = {name: self.id_of(one) for name, one in given(item.get("screens")).items()}
            screens["default"] = self.id_of(item.get("defaultScreen"))
            self._scheme(item, "createScreenScheme", {"screens": screens})
        scheme = given(part.get("issueTypeScreenScheme"))
        if scheme:
            pairs = {"default": self.id_of(scheme.get("defaultScreenScheme"))}
            pairs |= self.mapped(scheme.get("explicitMappings"))
            mappings = [{"issueTypeId": a, "screenSchemeId": b} for a, b in pairs.items()]
            body = {"issueTypeMappings": mappings}
            self._scheme(scheme, "createIssueTypeScreenScheme", body)

    def _layouts(self) -> None:
        part = self.part("field")
        for item in _listed(part, "fieldLayouts"):
            key = self._scheme(item, "createFieldConfiguration", {})
            items = [
                {"id": self.id_of(one.get("pcri")), "isRequired": one.get("required") is True,
                 "isHidden": one.get("field") is False}
                for one in _listed(item, "configuration")
            ]  # fmt: skip
            if items:
                body = {"fieldConfigurationItems": items}
                called(self.c, "updateFieldConfigurationItems", body, id=key)
        scheme = given(part.get("fieldLayoutScheme"))
        if scheme:
            key = self._scheme(scheme, "createFieldConfigurationScheme", {})
            pairs = self.mapped(scheme.get("explicitMappings"))
            if scheme.get("defaultFieldLayout") is not None:
                pairs = {"default": self.id_of(scheme["defaultFieldLayout"]), **pairs}
            mappings = [{"issueTypeId": a, "fieldConfigurationId": b} for a, b in pairs.items()]
            if mappings:
                called(self.c, "setFieldConfigurationSchemeMapping", {"mappings": mappings}, id=key)

    def _grants(self, scheme: dict[str, Any]) -> Iterator[dict[str, Any]]:
        seen = set()
        for grant in _listed(scheme, "grants"):
            holders: list[dict[str, Any]] = [
                {"type": _SPECIAL.get(str(one).upper(), str(one))}
                for one in many(grant.get("specialGrants"))
            ]
            for name, kind in (
                ("groups", "group"),
                ("users", "user"),
                ("projectRoles", "projectRole"),
                ("userCustomFields", "userCustomField"),
                ("groupCustomFields", "groupCustomField"),
            ):
                holders += [{"type": kind, "value": key} for key in self.ids_of(grant.get(name))]
            for one in many(grant.get("applicationAccess")):
                holders.append({"type": "applicationRole", "parameter": str(one)})
            for permission in many(grant.get("permissionKeys")):
                for holder in holders:
                    mark = (str(permission), tuple(holder.items()))
                    if mark not in seen:
                        seen.add(mark)
                        yield {"holder": holder, "permission": permission}

    # -- the project

    def project(self, details: dict[str, Any]) -> Any:
        """The project itself, its actors and boards; gives what ``createProject`` answers."""
        wanted = self.part("project")
        names = ("key", "name", "description", "url", "leadAccountId", "avatarId", "categoryId",
                 "assigneeType")  # fmt: skip
        body = _without_nothing(**{name: details.get(name) for name in names})
        if body.get("assigneeType") not in ("PROJECT_LEAD", "UNASSIGNED"):
            body.pop("assigneeType", None)
        body |= _without_nothing(projectTypeKey=wanted.get("projectTypeKey"))
        for sent, name in (
            ("permissionSchemeId", "permissionScheme"),
            ("issueSecuritySchemeId", "issueSecurityScheme"),
            ("workflowSchemeId", "workflowScheme"),
            ("issueTypeSchemeId", "issueTypeScheme"),
            ("issueTypeScreenSchemeId", "issueTypeScreenScheme"),
            ("fieldLayoutSchemeId", "fieldConfigurationScheme"),
            ("notificationSchemeId", "notificationScheme"),
        ):
            if wanted.get(sent) is not None:
                body[name] = self.id_of(wanted[sent])
        made = called(self.c, "createProject", body)
        for role, actors in given(self.part("role").get("roleToProjectActors")).items():
            where = {"projectIdOrKey": str(made["id"]), "id": self.id_of(role)}
            called(self.c, "addActorUsers", self._actors(actors), **where)
        for item in _listed(self.part("boards"), "boards"):
            self._board(item, made["key"])
        return made

    def _board(self, item: dict[str, Any], key: str) -> None:
        name = str(item.get("name") or f"{key} board")
        jql = item.get("boardFilterJQL") or f"project = {key} ORDER BY Rank ASC"
        search = called(self.c, "createFilter", {"name": f"Filter for {name}", "jql": jql})
        body = {
            "name": name,
            "type": "kanban" if item.get("supportsSprint") is False else "scrum",
            "filterId": int(search["id"]),
            "location": {"type": "project", "projectKeyOrId": key},
        }
        self.known(item, called(self.c, "createBoard", body)["id"])


def _conditions(tree: dict[str, Any]) -> dict[str, Any]:
    groups = [_conditions(one) for one in _listed(tree, "conditionGroup")]
    return {
        "operation": tree.get("operation") or "ALL",
        "conditions": list(_listed(tree, "conditions")),
        "conditionGroups": groups,
    }


def build(c: Context, details: dict[str, Any], template: dict[str, Any]) -> Any:
    """Make a project with all that its template describes; gives its id, key and address."""
    builder = _Builder(c, template)
    builder.entities()
    builder.workflows()
    builder.schemes()
    return builder.project(details)
