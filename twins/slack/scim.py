"""The SCIM API, ``/scim/v1`` (1.1) and ``/scim/v2``: accounts and groups for identity providers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from factory_tui.universe import BadBodyError, Call, Header, Request, Response

from . import scim_groups, scim_schemas, scim_users
from .body import Arguments, bearer
from .method import Context
from .scim_common import Scim, ScimError
from .scim_filter import FilterError, parse_filter

__all__ = ["error_response", "scim"]

MAX_COUNT: Final = 1000
DEFAULT_COUNT: Final = 100
_TYPE: Final = "application/json; charset=utf-8"
_SCOPE: Final = Header("x-accepted-oauth-scopes", "admin")


def error_response(status: int, description: str) -> Response:
    """An error as both versions show it."""
    body = {"Errors": {"description": description, "code": status}}
    return Response.json(body, status, content_type=_TYPE)


def scim(call: Call) -> Response:
    """Answer a request below ``/scim/``."""
    parts = [part for part in call.request.segments[1:] if part]
    try:
        if not parts or parts[0] not in ("v1", "v2"):
            raise ScimError(404, "not_found")
        return _routed(_context(call, parts[0]), parts[1:])
    except ScimError as error:
        return error_response(error.status, error.description)


def _context(call: Call, version: str) -> Scim:
    """Who asks. Raises :class:`ScimError` unless an admin's token with the scope ``admin``."""
    given = bearer(call.request)
    token = call.twin["tokens"].get(given) if given else None
    expired = token is not None and token.get("expires", 1 << 60) <= call.twin.clock.epoch()
    if token is None or token["revoked"] or expired:
        raise ScimError(401, "invalid_authentication")
    user = call.twin["users"].get(token["user"])
    if token["kind"] != "user" or user is None or user["deleted"]:
        raise ScimError(401, "invalid_authentication")
    call.scratch["accepted"] = _SCOPE
    if "admin" not in token["scopes"]:
        raise ScimError(403, "missing_scope")
    if not user["admin"]:
        raise ScimError(403, "not_authorized")
    return Scim(Context(call, Arguments({}), token), version)


def _routed(s: Scim, parts: Sequence[str]) -> Response:
    kind, key = parts[0] if parts else "", "/".join(parts[1:])
    verb = s.c.call.request.method
    if kind in _KINDS:
        answers = _KINDS[kind]
        handler = (answers.one if key else answers.all).get(verb)
        if handler is None:
            raise ScimError(405, "method_not_allowed")
        return handler(s, key)
    found = scim_schemas.described(s, kind, key)
    if found is None:
        raise ScimError(404, "not_found")
    if verb != "GET":
        raise ScimError(405, "method_not_allowed")
    return Response.json(found, content_type=_TYPE)


def _body(request: Request) -> dict[str, Any]:
    try:
        found = request.json()
    except BadBodyError as error:
        raise ScimError(400, "invalid_json") from error
    if not isinstance(found, dict):
        raise ScimError(400, "invalid_json")
    return found


def _number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, "").strip()
    if not text:
        return default
    if not text.lstrip("-").isdecimal() or len(text) > 9:
        raise ScimError(400, f"invalid_{'count' if name == 'count' else 'start_index'}")
    return int(text)


def _searched(s: Scim, resources: Iterable[dict[str, Any]]) -> Response:
    """The page of ``resources`` that ``filter``, ``startIndex`` and ``count`` ask for."""
    request = s.c.call.request
    text = request.query.get("filter", "")
    found = list(resources)
    if text.strip():
        try:
            passes = parse_filter(text)
        except FilterError as error:
            raise ScimError(400, "invalid_filter") from error
        found = [resource for resource in found if passes(resource)]
    start = max(_number(request, "startIndex", 1), 1)
    size = min(max(_number(request, "count", DEFAULT_COUNT), 0), MAX_COUNT)
    page = found[start - 1 : start - 1 + size]
    body: dict[str, Any] = {
        "totalResults": len(found),
        "itemsPerPage": len(page),
        "startIndex": start,
        "schemas": [s.list_schema],
        "Resources": page,
    }
    return Response.json(body, content_type=_TYPE)


class _Kind:
    """The verbs of one kind of resource, for the collection and for one of it."""

    def __init__(self, module: Any) -> None:
        def listed(s: Scim, key: str) -> Response:
            return _searched(s, module.everything(s))

        def made(s: Scim, key: str) -> Response:
            shown = module.create(s, _body(s.c.call.request))
            headers = [("location", shown["meta"]["location"])]
            return Response.json(shown, 201, headers, _TYPE)

        def read(s: Scim, key: str) -> Response:
            return Response.json(module.shape(s, module.find(s, key)), content_type=_TYPE)

        def replaced(s: Scim, key: str) -> Response:
            row = module.find(s, key)
            shown = module.replace(s, row, _body(s.c.call.request))
            return Response.json(shown, content_type=_TYPE)

        def patched(s: Scim, key: str) -> Response:
            row = module.find(s, key)
            shown = module.patch(s, row, _body(s.c.call.request))
            if shown is None:
                return Response(204)
            return Response.json(shown, content_type=_TYPE)

        def gone(s: Scim, key: str) -> Response:
            module.delete(s, module.find(s, key))
            # SCIM 1.1 says 200, SCIM 2.0 says 204.
            return Response(204) if s.newer else Response.json({}, content_type=_TYPE)

        handlers = dict[str, Callable[[Scim, str], Response]]
        self.all: handlers = {"GET": listed, "POST": made}
        self.one: handlers = {"GET": read, "PUT": replaced, "PATCH": patched, "DELETE": gone}


_KINDS: Final = {"Users": _Kind(scim_users), "Groups": _Kind(scim_groups)}
