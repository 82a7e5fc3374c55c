"""Groups and who is in them."""

from typing import Any, Final

from factory_tui.universe import Call, Response, Row, route

from . import changes, errors, seeds, shapes
from .base import body_object, listed, now, page
from .custom import custom_attributes, problem_of
from .expressions import ExpressionError, compile_expression
from .users import find_user, sorted_rows

__all__ = ["Groups", "find_group"]

_SEARCH_OPERATORS: Final = "eq sw gt ge lt le pr"
_SEARCH_NAMES: Final = (
    "id",
    "type",
    "created",
    "lastUpdated",
    "lastMembershipUpdated",
    "source.id",
    f"profile.name:co {_SEARCH_OPERATORS}",
    f"profile.description:co {_SEARCH_OPERATORS}",
    "profile.",
)
_INEQUALITIES: Final = "eq gt ge lt le"
_FILTER_NAMES: Final = (
    "id",
    "type",
    f"lastUpdated:{_INEQUALITIES}",
    f"lastMembershipUpdated:{_INEQUALITIES}",
)
_TAKEN: Final = "name: An object with this field already exists in the current organization"


class Groups:
    """Operations on ``/api/v1/groups``."""

    @route("POST", "/api/v1/groups", "addGroup")
    def add_group(self, call: Call) -> Response:
        """Answers 200 (not 201) with the group."""
        profile = _profile(call, None)
        row = changes.add_group(call.twin, now(call), profile["name"], profile["description"])
        if len(profile) > 2:
            row = {**row, "profile": profile}
            call.twin["groups"].put(row["id"], row)
        changes.log(call, "group.lifecycle.create", row)
        return Response.json(shapes.group(row, call.request.base_url))

    @route("GET", "/api/v1/groups", "listGroups")
    def list_groups(self, call: Call) -> Response:
        """``q`` (start of the name), ``filter`` or ``search``; without one, all."""
        query = call.request.query
        rows = list(call.twin["groups"].rows())
        default, by_offset = 10000, False
        if query.get("search"):
            rows = _matching(call, rows, query["search"], False, _SEARCH_NAMES)
            if query.get("sortBy"):
                rows = sorted_rows(call, rows, query["sortBy"], lambda row: row)
                by_offset = True
        if query.get("filter"):
            rows = _matching(call, rows, query["filter"], True, _FILTER_NAMES)
        if query.get("q"):
            wanted = query["q"].casefold()
            rows = [row for row in rows if row["profile"]["name"].casefold().startswith(wanted)]
            default = 300
        shown, links = page(call, rows, default, 10000, by_offset=by_offset)
        base = call.request.base_url
        groups = [shapes.group(row, base) for row in shown]
        expand = query.get("expand", "")
        if "stats" in expand:
            for row, group in zip(shown, groups, strict=True):
                group["_embedded"] = {"stats": _stats(call, row)}
        # ``expand=app`` embeds what an APP_GROUP comes from, and there is none.
        return listed(groups, links)

    @route("GET", "/api/v1/groups/{groupId}", "getGroup")
    def get_group(self, call: Call) -> Response:
        """By id."""
        row = find_group(call, call.params["groupId"])
        return Response.json(shapes.group(row, call.request.base_url))

    @route("PUT", "/api/v1/groups/{groupId}", "replaceGroup")
    def replace_group(self, call: Call) -> Response:
        """Name and description."""
        row = find_group(call, call.params["groupId"], changeable=True)
        profile = _profile(call, row["id"])
        draft = call.twin["groups"].draft(row["id"])
        draft["profile"] = profile
        draft["lastUpdated"] = now(call)
        call.twin["groups"].put(row["id"], draft)
        changes.log(call, "group.profile.update", draft)
        return Response.json(shapes.group(draft, call.request.base_url))

    @route("DELETE", "/api/v1/groups/{groupId}", "deleteGroup")
    def delete_group(self, call: Call) -> Response:
        """Its members stay users."""
        row = find_group(call, call.params["groupId"], changeable=True)
        changes.remove_group(call.twin, row["id"])
        changes.log(call, "group.lifecycle.delete", row)
        return Response(204)

    @route("GET", "/api/v1/groups/{groupId}/users", "listGroupUsers")
    def list_group_users(self, call: Call) -> Response:
        """Members in any status: deactivation does not take a user out of a group."""
        row = find_group(call, call.params["groupId"])
        users = call.twin["users"]
        if row["type"] == "BUILT_IN":
            shown, links = page(call, users.rows(), 1000, 1000)
        else:
            members = call.twin["members"]
            keys = seeds.member_ids(call.twin, row)
            joined = [{"n": members[row["id"], key]["n"], "user": key} for key in keys]
            part, links = page(call, joined, 1000, 1000)
            shown = [users[item["user"]] for item in part]
        return listed([shapes.user_in_list(user, call.request.base_url) for user in shown], links)

    @route("PUT", "/api/v1/groups/{groupId}/users/{userId}", "assignUserToGroup")
    def assign_user(self, call: Call) -> Response:
        """204, also for who is a member already."""
        group = find_group(call, call.params["groupId"], changeable=True)
        user = find_user(call, call.params["userId"])
        changes.join(call, group["id"], user["id"])
        return Response(204)

    @route("DELETE", "/api/v1/groups/{groupId}/users/{userId}", "unassignUserFromGroup")
    def unassign_user(self, call: Call) -> Response:
        """204, also for who is no member."""
        group = find_group(call, call.params["groupId"], changeable=True)
        user = find_user(call, call.params["userId"])
        changes.leave(call, group["id"], user["id"])
        return Response(204)


def find_group(call: Call, key: str, *, changeable: bool = False) -> Row:
    """The group row for an id; refuses with 404, and with 403 a change of ``Everyone``."""
    row = call.twin["groups"].get(key)
    if row is None:
        raise errors.not_found(call, key, "UserGroup")
    if changeable and row["type"] != "OKTA_GROUP":
        raise errors.forbidden(call)
    return row


def _profile(call: Call, own: str | None) -> Row:
    body = body_object(call)
    profile = body.get("profile")
    if not isinstance(profile, dict):
        raise errors.invalid(call, "profile", "profile: The field cannot be left blank")
    name, description = profile.get("name"), profile.get("description")
    if not isinstance(name, str) or not name.strip():
        raise errors.invalid(call, "name", "name: The field cannot be left blank")
    if len(name) > 255:
        raise errors.invalid(call, "name", "name: The field is too long")
    if description is not None and (not isinstance(description, str) or len(description) > 1024):
        raise errors.invalid(call, "description", "description: The field has an invalid value")
    custom = custom_attributes(call.twin, "group", "default")
    unknown = sorted(set(profile) - {"name", "description"} - set(custom))
    if unknown:
        causes = [f"Property name '{name}' is not defined in profile" for name in unknown]
        raise errors.invalid(call, "UserGroup" if own else "New UserGroup", *causes)
    for key, attribute in custom.items():
        problem = problem_of(attribute, profile.get(key))
        if problem:
            raise errors.invalid(call, key, f"{key}: {problem}")
    if any(key != own for key in call.twin["groups"].find("name", name.lower())):
        raise errors.invalid(call, "name", _TAKEN)
    more = {key: profile[key] for key in custom if profile.get(key) is not None}
    return {"name": name, "description": description, **more}


def _matching(
    call: Call, rows: list[Row], text: str, exact: bool, names: tuple[str, ...]
) -> list[Row]:
    try:
        matches = compile_expression(text, exact, names, "eq" if exact else _SEARCH_OPERATORS)
    except ExpressionError as problem:
        raise errors.bad_search(call, str(problem)) from None
    return [row for row in rows if matches(row)]


def _stats(call: Call, row: Row) -> dict[str, Any]:
    link = f"{call.request.base_url}/api/v1/groups/{row['id']}"
    return {
        "usersCount": len(seeds.member_ids(call.twin, row)),
        "appsCount": sum(
            ("app_groups", f"{key[1]}/{row['id']}") in call.twin["things"]
            for key in call.twin["things"].find("of", ("apps", ""))
        ),
        "groupPushMappingsCount": 0,
        "hasAdminPrivilege": False,
        "_links": {"users": {"href": f"{link}/users"}, "apps": {"href": f"{link}/apps"}},
    }
