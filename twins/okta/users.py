"""Users: create, list, find, read, update, delete, and what hangs on a user."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

import orjson

from factory_tui.universe import Call, Request, Response, Row, Table, Twin, route, thaw

from . import changes, errors, seeds, shapes
from .base import JSON, body_object, flag, listed, now, page, page_links, page_place
from .custom import custom_attributes, problem_of
from .embedded import expanded
from .expressions import ExpressionError, Predicate, compile_expression, sort_key

__all__ = ["PROFILE_NAMES", "Users", "find_user", "sorted_rows"]

_PLAIN: Final = frozenset({"limit", "after"})
_MOST_PAGES: Final = 64
_FILTER_NAMES: Final = (
    "status",
    "lastUpdated:eq gt ge lt le",
    "id",
    "profile.login",
    "profile.email",
    "profile.firstName",
    "profile.lastName",
)
_SEARCH_OPERATORS: Final = "eq sw gt ge lt le pr"
_CONTAINING: Final = f"co {_SEARCH_OPERATORS}"
_SEARCH_NAMES: Final = (
    "id",
    "status",
    "created",
    "activated",
    "statusChanged",
    "lastUpdated",
    "type.id",
    f"profile.firstName:{_CONTAINING}",
    f"profile.lastName:{_CONTAINING}",
    f"profile.email:{_CONTAINING}",
    f"profile.login:{_CONTAINING}",
    "profile.",
)
_STORED: Final = (("type.id", "type"),)
"""What expressions name otherwise than rows do: they are evaluated on the rows as they are."""
_PROVIDERS: Final = ("OKTA", "ACTIVE_DIRECTORY", "LDAP", "FEDERATION", "SOCIAL", "IMPORT")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PROFILE_NAMES: Final = """
login email secondEmail firstName lastName middleName honorificPrefix honorificSuffix title
displayName nickName profileUrl primaryPhone mobilePhone streetAddress city state zipCode
countryCode postalAddress preferredLanguage locale timezone userType employeeNumber costCenter
organization division department managerId manager
"""
PROFILE_NAMES: Final = frozenset(_PROFILE_NAMES.split())
"""The attributes every user profile may have."""
_REQUIRED: Final = ("login", "firstName", "lastName", "email")
_BLANK: Final = "The field cannot be left blank"
_TAKEN: Final = "An object with this field already exists in the current organization"
_WEAK: Final = (
    "password: Password requirements were not met. Password requirements: at least 8 characters,"
    " a lowercase letter, an uppercase letter, a number, no parts of your username."
)


class Users:
    """Operations on ``/api/v1/users``."""

    @route("POST", "/api/v1/users", "createUser")
    def create_user(self, call: Call) -> Response:
        """Answers 200 (not 201) with the user."""
        body = body_object(call)
        profile: Row = dict.fromkeys(("firstName", "lastName", "mobilePhone", "secondEmail"))
        twin = call.twin
        kind = body.get("type")
        kind = kind.get("id") if isinstance(kind, dict) else seeds.USER_TYPE
        if not isinstance(kind, str) or kind not in twin["types"]:
            raise errors.invalid(call, "type", "type: The field has an invalid value")
        given = _profile(call, body.get("profile"), kind)
        profile |= given
        _check_profile(call, profile, None, kind, given)
        group_ids = body.get("groupIds") or []
        if not isinstance(group_ids, list):
            raise errors.invalid(call, "groupIds", "groupIds: The field has an invalid value")
        for key in group_ids:
            group = twin["groups"].get(key) if isinstance(key, str) else None
            if group is None:
                raise errors.not_found(call, str(key), "UserGroup")
            if group["type"] != "OKTA_GROUP":
                raise errors.forbidden(call)
        password, recovery = _credentials(call, body.get("credentials"), profile["login"])
        provider = _provider(call, body.get("credentials"))
        when = now(call)
        row = changes.add_user(
            twin,
            when,
            profile,
            password=password,
            recovery=recovery,
            type=kind,
            **({"provider": provider} if provider is not None else {}),
        )
        changes.log(call, "user.lifecycle.create", row)
        if flag(call, "activate", True):
            expired = call.request.query.get("nextLogin") == "changePassword" and password
            ready = password or provider is not None
            status = "PASSWORD_EXPIRED" if expired else "ACTIVE" if ready else "PROVISIONED"
            row = changes.set_status(twin, row["id"], status, when)
            changes.log(call, "user.lifecycle.activate", row)
        for key in group_ids:
            changes.join(call, key, row["id"])
        changes.apply_rules(call, row["id"])
        return Response.json(shapes.user(row, call.request.base_url, full=True))

    @route("GET", "/api/v1/users", "listUsers")
    def list_users(self, call: Call) -> Response:
        """``q``, ``filter`` or ``search``; without one, everybody who is not deprovisioned."""
        credentials, plain = call.request.derived(_asked)
        if plain is not None:
            return _everybody(call, plain)
        query = call.request.query
        rows: Iterable[Row] = call.twin["users"].rows()
        default = 200
        by_offset = False
        if query.get("search"):
            matches = _compiled(call, query["search"], False, _SEARCH_NAMES, _SEARCH_OPERATORS)
            rows = filter(matches, rows)
            if query.get("sortBy"):
                by = query["sortBy"]
                rows = sorted_rows(call, rows, by, _seen if by.startswith("type") else _as_it_is)
                by_offset = True
        elif query.get("filter"):
            matches = _compiled(call, query["filter"], True, _FILTER_NAMES, "eq")
            rows = filter(matches, rows)
        else:
            rows = (row for row in rows if row["status"] != "DEPROVISIONED")
            if query.get("q"):
                wanted = query["q"].casefold()
                default = 10
                rows = (row for row in rows if _starts(row, wanted))
        shown, links = page(call, rows, default, 200, by_offset=by_offset)
        base = call.request.base_url
        if credentials and not query.get("fields") and not query.get("expand"):
            return listed([shapes.user_in_list(row, base) for row in shown], links)
        users = [
            expanded(call, row, shapes.user(row, base, credentials=credentials)) for row in shown
        ]
        if query.get("fields"):
            users = [shapes.project(query["fields"])(user) for user in users]
        return listed(users, links)

    @route("GET", "/api/v1/users/{id}", "getUser")
    def get_user(self, call: Call) -> Response:
        """By id, login, unambiguous login shortname, or ``me`` for the token's owner."""
        row = find_user(call, call.params["id"])
        shown = expanded(call, row, shapes.user(row, call.request.base_url, full=True))
        fields = call.request.query.get("fields")
        return Response.json(shapes.project(fields)(shown) if fields else shown)

    @route("POST", "/api/v1/users/{id}", "updateUser")
    def update_user(self, call: Call) -> Response:
        """Partial: only what is named changes."""
        return self._update(call, partial=True)

    @route("PUT", "/api/v1/users/{id}", "replaceUser")
    def replace_user(self, call: Call) -> Response:
        """Strict: the profile becomes what is sent."""
        return self._update(call, partial=False)

    def _update(self, call: Call, *, partial: bool) -> Response:
        row = find_user(call, call.params["id"], alive=True)
        body = body_object(call)
        if not partial and "profile" not in body:
            raise errors.invalid(call, "profile", f"profile: {_BLANK}")
        changed = thaw(row)
        if "profile" in body:
            given = _profile(call, body["profile"], row["type"])
            before = row["profile"] if partial else {"mobilePhone": None, "secondEmail": None}
            changed["profile"] = {**before, **given}
            _check_profile(call, changed["profile"], row["id"], row["type"], given)
        login = changed["profile"]["login"]
        password, recovery = _credentials(call, body.get("credentials"), login)
        when = now(call)
        events = ["user.account.update_profile"] if changed["profile"] != row["profile"] else []
        if password:
            changed |= {"password": password, "passwordChanged": when}
            events.append("user.account.update_password")
            if row["status"] in ("PROVISIONED", "RECOVERY", "PASSWORD_EXPIRED"):
                changed |= {"status": "ACTIVE", "statusChanged": when}
        if recovery:
            changed["recovery"] = recovery
        changed["lastUpdated"] = when
        call.twin["users"].put(row["id"], changed)
        for event in events:
            changes.log(call, event, changed)
        changes.apply_rules(call, row["id"])
        return Response.json(
            shapes.user(call.twin["users"][row["id"]], call.request.base_url, full=True)
        )

    @route("DELETE", "/api/v1/users/{id}", "deleteUser")
    def delete_user(self, call: Call) -> Response:
        """Two steps: the first call deprovisions, the second deletes."""
        row = find_user(call, call.params["id"])
        if row["status"] != "DEPROVISIONED":
            row = changes.set_status(call.twin, row["id"], "DEPROVISIONED", now(call))
            changes.log(call, "user.lifecycle.deactivate", row)
        else:
            changes.remove_user(call.twin, row["id"])
            changes.log(call, "user.lifecycle.delete.completed", row)
        return Response(204)

    @route("GET", "/api/v1/users/{id}/groups", "listUserGroups")
    def list_user_groups(self, call: Call) -> Response:
        """All of them, in one page, as Okta does."""
        row = find_user(call, call.params["id"])
        base = call.request.base_url
        return Response.json([shapes.group(g, base) for g in groups_of(call.twin, row["id"])])

    @route("GET", "/api/v1/users/{id}/blocks", "listUserBlocks")
    def list_nothing(self, call: Call) -> Response:
        """Nobody is blocked."""
        find_user(call, next(iter(call.params.values())))
        return Response.json([])


_Place = tuple[str, str, str]


def _asked(request: Request) -> tuple[bool, _Place | None]:
    """Whether credentials are wanted, and of a list of everybody how its pages are told apart."""
    content = request.headers.get("content-type", "")
    credentials = "omitCredentials" not in content.replace("omitCredentialsLinks", "")
    if not credentials or not _PLAIN.issuperset(request.query):
        return credentials, None
    return credentials, (request.base_url, request.path, request.query_string)


def _everybody(call: Call, place: _Place) -> Response:
    """A page of those who are not deprovisioned, written once until a user changes."""
    users = call.twin.tables["users"]
    known = users.derived(_pages)
    found = known.get(place)
    if found is None:
        start, size = page_place(call, 200, 200)
        base = call.request.base_url
        rows = (
            row
            for row in users.rows_from("n", start + 1 if start else 0)
            if row["status"] != "DEPROVISIONED"
        )
        shown = list(islice(rows, size + 1))
        following = shown[size - 1]["n"] if len(shown) > size else None
        body = orjson.dumps([shapes.user_in_list(row, base) for row in shown[:size]])
        if len(known) >= _MOST_PAGES:
            known.clear()
        found = known[place] = body, tuple(page_links(call, size, following))
    body, links = found
    return Response(200, body, [JSON, *links])


def _pages(_users: Table) -> dict[_Place, tuple[bytes, tuple[tuple[str, str], ...]]]:
    """What asks for a page to its JSON and its links; how long pages are a universe settles."""
    return {}


def find_user(call: Call, key: str, *, alive: bool = False) -> Row:
    """The user row for an id, login, shortname or ``me``; refuses with 404.

    Args:
        call: The request.
        key: As in the path.
        alive: A deprovisioned user is not found either.
    """
    users = call.twin["users"]
    row = users.get(key)
    if row is None:
        login = call.principal if key == "me" else key
        row = users.first("login", login.lower())
    if row is None and "@" not in key:
        wanted = key.lower()
        short = [
            other
            for other in users.rows()
            if other["profile"]["login"].lower().partition("@")[0] == wanted
        ]
        row = short[0] if len(short) == 1 else None
    if row is None or (alive and row["status"] == "DEPROVISIONED"):
        raise errors.not_found(call, key, "User")
    return row


def groups_of(twin: Twin, user: str) -> list[Row]:
    """The groups a user is in, in the order of the group list."""
    joined = {key[0] for key in twin["members"].find("user", user)}
    return [
        group
        for group in twin["groups"].rows()
        if group["id"] in joined or group["type"] == "BUILT_IN"
    ]


def sorted_rows(call: Call, rows: Iterable[Row], name: str, seen: Any) -> list[Row]:
    """``rows`` by the property ``name``, equal ones by id, those without it last.

    ``sortOrder=desc`` turns round what has a value.
    """
    path = name.split(".")

    def key(row: Row) -> tuple[int, Any]:
        value: Any = seen(row)
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        return sort_key(value)

    keyed = sorted(((key(row), row) for row in rows), key=lambda pair: str(pair[1]["id"]))
    downwards = call.request.query.get("sortOrder", "asc").lower().startswith("desc")
    having = sorted(
        (pair for pair in keyed if pair[0][0] < 2), key=lambda pair: pair[0], reverse=downwards
    )
    return [row for _, row in having] + [row for rank, row in keyed if rank[0] == 2]


def _seen(row: Row) -> dict[str, Any]:
    """A row under the names that a list is sorted by."""
    return {**row, "type": {"id": row["type"]}}


def _as_it_is(row: Row) -> Row:
    return row


def _compiled(
    call: Call, text: str, exact: bool, names: tuple[str, ...], operators: str
) -> Predicate:
    try:
        return compile_expression(text, exact, names, operators, not exact, _STORED)
    except ExpressionError as problem:
        raise errors.bad_search(call, str(problem)) from None


def _starts(row: Row, wanted: str) -> bool:
    profile = row["profile"]
    texts = [profile.get(name) or "" for name in ("firstName", "lastName", "email")]
    texts.append(seeds.full_name(row))
    return any(str(text).casefold().startswith(wanted) for text in texts)


def _profile(call: Call, value: Any, kind: str) -> dict[str, Any]:
    if value is None:
        raise errors.invalid(call, "profile", f"profile: {_BLANK}")
    if not isinstance(value, dict):
        raise errors.bodies_malformed(call)
    custom = custom_attributes(call.twin, "user", f"osc{kind[3:]}")
    for name, item in value.items():
        if item is not None and not isinstance(item, str) and name in PROFILE_NAMES - set(custom):
            raise errors.invalid(call, name, f"{name}: The field has an invalid value")
    return value


def _check_profile(call: Call, profile: Row, own: str | None, kind: str, given: Row) -> None:
    """Refuse a profile that Okta would.

    Args:
        call: The request.
        profile: As it would be.
        own: The id of the user who already has it.
        kind: The id of the user's type.
        given: What of it was sent.
    """
    problems = [(name, _BLANK) for name in _REQUIRED if not (profile.get(name) or "").strip()]
    login, email = profile.get("login") or "", profile.get("email") or ""
    if not _EMAIL.fullmatch(login):
        problems.append(("login", "Username must be in the form of an email address"))
    if email and not _EMAIL.fullmatch(email):
        problems.append(("email", "Does not match required pattern"))
    second = profile.get("secondEmail")
    if second and not _EMAIL.fullmatch(second):
        problems.append(("secondEmail", "Does not match required pattern"))
    for name, longest in (("login", 100), ("email", 100), ("firstName", 50), ("lastName", 50)):
        if len(profile.get(name) or "") > longest:
            problems.append((name, f"String is too long; the longest is {longest}"))
    custom = custom_attributes(call.twin, "user", f"osc{kind[3:]}")
    for name, attribute in custom.items():
        problem = problem_of(attribute, profile.get(name))
        if problem:
            problems.append((name, problem))
    holders = call.twin["users"].find("login", login.lower()) if not problems else []
    if any(key != own for key in holders):
        problems.append(("login", _TAKEN))
    unknown = sorted(set(given) - PROFILE_NAMES - set(custom)) if not problems else []
    if unknown:
        causes = [f"Property name '{name}' is not defined in profile" for name in unknown]
        raise errors.invalid(call, unknown[0], *causes)
    if problems:
        raise errors.invalid(
            call, problems[0][0], *(f"{name}: {problem}" for name, problem in problems)
        )


def _credentials(call: Call, value: Any, login: str) -> tuple[str | None, Row | None]:
    """Password and recovery question out of a ``credentials`` object."""
    if value is None:
        return None, None
    if not isinstance(value, dict):
        raise errors.bodies_malformed(call)
    return check_password(call, value.get("password"), login), check_recovery(
        call, value.get("recovery_question")
    )


def _provider(call: Call, value: Any) -> Row | None:
    """Who knows the password, ``None`` for Okta: another provider, or where a hash came from."""
    given = value if isinstance(value, dict) else {}
    password, provider = given.get("password"), given.get("provider")
    if isinstance(password, dict) and (password.get("hash") or password.get("hook")):
        return {"type": "IMPORT", "name": "IMPORT"}
    if provider is None or not flag(call, "provider", False):
        return None
    kind = provider.get("type") if isinstance(provider, dict) else None
    if kind not in _PROVIDERS:
        raise errors.invalid(call, "provider", "provider: The field has an invalid value")
    name = provider.get("name") or kind
    return None if kind == "OKTA" else {"type": kind, "name": str(name)[:100]}


def check_password(call: Call, value: Any, login: str) -> str | None:
    """The clear password out of a password object; refuses one against the policy."""
    if not value:
        return None
    if not isinstance(value, dict):
        raise errors.bodies_malformed(call)
    for kind in ("hash", "hook"):
        if value.get(kind):
            call.gap(f"password {kind}")
            return f"({kind})"
    text = value.get("value")
    if text is None:
        return None
    name = login.partition("@")[0].lower()
    if (
        not isinstance(text, str)
        or len(text) < 8
        or not re.search("[a-z]", text)
        or not re.search("[A-Z]", text)
        or not re.search("[0-9]", text)
        or any(len(part) > 3 and part in text.lower() for part in re.split(r"[.\-_]", name))
    ):
        raise errors.invalid(call, "password", _WEAK)
    return text


def check_recovery(call: Call, value: Any) -> Row | None:
    """Question and answer out of a ``recovery_question`` object."""
    if not value:
        return None
    if not isinstance(value, dict):
        raise errors.bodies_malformed(call)
    question, answer = value.get("question"), value.get("answer")
    if not isinstance(question, str) or not question.strip():
        raise errors.invalid(call, "recovery_question", f"recovery_question.question: {_BLANK}")
    if not isinstance(answer, str) or len(answer.strip()) < 4:
        sentence = "The security question answer must be at least 4 characters in length"
        raise errors.invalid(call, "recovery_question", f"recovery_question.answer: {sentence}")
    return {"question": question, "answer": answer}
