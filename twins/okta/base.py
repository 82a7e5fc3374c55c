"""What all parts of the twin share: login, headers, bodies, paging, and the tables."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, ClassVar, Final
from urllib.parse import quote_plus

from factory_tui.universe import (
    BadBodyError,
    Call,
    Handler,
    Header,
    IndexFn,
    Match,
    Pack,
    Request,
    Response,
    Row,
    Seed,
    SeedTables,
    Twin,
)

from . import errors, seeds
from .buckets import rate_headers

__all__ = [
    "JSON",
    "OktaBase",
    "api_token",
    "body_object",
    "flag",
    "listed",
    "now",
    "page",
    "page_links",
    "page_place",
    "whole",
]

_NOT_STORED: Final = (
    Header("cache-control", "no-cache, no-store"),
    Header("pragma", "no-cache"),
    Header("expires", "0"),
)
_EVERYWHERE: Final = frozenset(
    {
        "x-okta-request-id",
        "x-rate-limit-limit",
        "x-rate-limit-remaining",
        "x-rate-limit-reset",
        *(name for name, _ in _NOT_STORED),
    }
)


class OktaBase(Pack):
    """Okta's manners: who may call, what every answer carries, how errors look."""

    name: ClassVar[str] = "okta"
    hosts: ClassVar[tuple[str, ...]] = ("*.okta.com", "*.oktapreview.com", "*.okta-emea.com")
    tables: ClassVar[Mapping[str, Mapping[str, IndexFn]]] = {
        "users": {"login": lambda key, row: row["profile"]["login"].lower()},
        "groups": {"name": lambda key, row: row["profile"]["name"].lower()},
        # Key: (group id, user id). The group Everyone has no rows: everybody is in it.
        "members": {"group": lambda key, row: key[0], "user": lambda key, row: key[1]},
        "rules": {},
        # Key: (id of the user or group, id of the role).
        "roles": {"holder": lambda key, row: key[0]},
        "types": {},
        "linked": {},
        "logs": {},
        "tokens": {},
        "org": {},
        # Key: (resource, id); every managed resource of resource.py.
        "things": {
            "of": lambda key, row: (key[0], row["parent"]),
            "parent": lambda key, row: row["parent"],
        },
    }

    def seed(self, seed: Seed) -> SeedTables:
        """The organisation's people and groups, an API token and the org's settings."""
        return seeds.build(seed)

    def match(self, call: Call) -> None:
        """Route; doubled slashes (an org URL that ends in one) are harmless, as at Okta."""
        found = call.request.derived(self._found)
        if found is not None:
            call.operation = found.operation
            call.params = found.params
            call.handler = found.handler
            call.allowed = found.allowed

    def _found(self, request: Request) -> Match[Handler] | None:
        segments = request.segments
        while segments and segments[0] == "":
            segments = segments[1:]
        return self.routes.match(request.method, segments)

    def principal(self, twin: Twin, request: Request) -> str:
        """The login of the token's owner, "" for a missing or unknown token."""
        token = twin.tables["tokens"].get(request.derived(api_token))
        if token is None or token.get("revoked"):
            return ""
        owner = twin.tables["users"].get(token["user"])
        return owner["profile"]["login"] if owner is not None else ""

    def before(self, call: Call) -> Response | None:
        """Every operation wants an API token."""
        if call.principal:
            return None
        if not call.request.headers.get("authorization"):
            return errors.error(call, 401, "E0000005", "Invalid session")
        return errors.error(call, 401, *errors.STATUS_ERRORS[401])

    def finish(self, call: Call, response: Response) -> None:
        """Request id and rate-limit headers, which Okta's clients read."""
        headers = response.headers
        values = (
            ("x-okta-request-id", call.twin.ids.serial("request")),
            *rate_headers(call),
            *_NOT_STORED,
        )
        for name, _ in headers:
            if name in _EVERYWHERE:
                present = {name for name, _ in headers}
                headers += [item for item in values if item[0] not in present]
                return
        headers += values

    def fault_response(self, call: Call, status: int, headers: Mapping[str, str]) -> Response:
        """The error of that status; a 429 resets after its ``Retry-After``, else 1 second."""
        code, summary = errors.STATUS_ERRORS.get(
            status, errors.STATUS_ERRORS[500 if status >= 500 else 400]
        )
        response = errors.error(call, status, code, summary)
        if status == 429:
            given = {name.lower(): value for name, value in headers.items()}
            wait = given.get("retry-after", "1")
            reset = call.twin.clock.epoch() + (int(wait) if wait.isdecimal() else 1)
            response.headers += [
                ("x-rate-limit-remaining", "0"),
                ("x-rate-limit-reset", str(reset)),
            ]
        return response

    def gap_response(self, call: Call) -> Response:
        """Okta's "Unsupported operation" with a cause that says it is the twin's fault."""
        cause = f"The twin does not implement {call.operation}."
        return errors.error(call, 501, *errors.STATUS_ERRORS[501], cause)

    def unknown_response(self, call: Call) -> Response:
        """405 where the path exists, 404 where it does not."""
        if call.allowed:
            return errors.error(call, 405, *errors.STATUS_ERRORS[405])
        summary = f"Not found: Resource not found: {call.request.path}"
        return errors.error(call, 404, "E0000007", summary)

    def env(self, twin: Twin, url: str) -> dict[str, str]:
        """``OKTA_URL`` (without a path) and ``OKTA_TOKEN``."""
        return {"OKTA_URL": url, "OKTA_TOKEN": str(next(iter(twin["tokens"])))}

    def view(self, twin: Twin) -> dict[str, list[Row]]:
        """Users with the names of their groups, groups with the emails of their members."""
        groups = list(twin["groups"].rows())
        members = {group["id"]: seeds.member_ids(twin, group) for group in groups}
        names: dict[str, list[str]] = {}
        for group in groups:
            for user in members[group["id"]]:
                names.setdefault(user, []).append(group["profile"]["name"])
        emails = {row["id"]: row["profile"]["email"] for row in twin["users"].rows()}
        return {
            "users": [
                {
                    "id": row["id"],
                    "login": row["profile"]["login"],
                    "email": row["profile"]["email"],
                    "first": row["profile"].get("firstName") or "",
                    "last": row["profile"].get("lastName") or "",
                    "name": seeds.full_name(row),
                    "status": row["status"],
                    "groups": sorted(names.get(row["id"], [])),
                }
                for row in twin["users"].rows()
            ],
            "groups": [
                {
                    "id": group["id"],
                    "name": group["profile"]["name"],
                    "members": sorted(emails[user] for user in members[group["id"]]),
                }
                for group in groups
            ],
        }


def api_token(request: Request) -> str:
    """The API token; Okta's own Python client leaves out the space after ``SSWS``."""
    value = request.headers.get("authorization", "")
    return value[4:].strip() if value[:4].upper() == "SSWS" else ""


def now(call: Call | Twin) -> str:
    """The virtual time as Okta writes it in objects: whole seconds, zero milliseconds."""
    twin = call.twin if isinstance(call, Call) else call
    return twin.clock.iso()[:19] + ".000Z"


def body_object(call: Call) -> dict[str, Any]:
    """The body as a JSON object; refuses everything else."""
    try:
        value = call.request.json()
    except BadBodyError as problem:
        raise errors.bodies_malformed(call) from problem
    if not isinstance(value, dict):
        raise errors.bodies_malformed(call)
    return value


def flag(call: Call, name: str, default: bool) -> bool:
    """A boolean query parameter."""
    value = call.request.query.get(name)
    return default if value is None else value.strip().lower() == "true"


def whole(call: Call, name: str) -> int | None:
    """A number from the query, ``None`` if absent; refuses what is not a number above 0."""
    value = call.request.query.get(name)
    if value is None or value == "":
        return None
    if not value.isascii() or not value.isdecimal() or not 0 < int(value[:12]) < 1 << 31:
        raise errors.invalid(call, name, f"{name}: The field has an invalid value")
    return int(value)


def page(
    call: Call,
    rows: Iterable[Row],
    default: int,
    largest: int,
    *,
    by_offset: bool = False,
    endless: bool = False,
    known: Callable[[str], int | None] | None = None,
) -> tuple[list[Row], list[tuple[str, str]]]:
    """One page of ``rows`` and its ``Link`` headers.

    The cursor is opaque. It names the last row's running number ``n``, so that rows that come
    and go between two pages neither repeat nor hide others; a sorted list (``by_offset``)
    counts instead. An ``endless`` list has a ``next`` link on its last page too. ``known`` gives
    the running number of an id, in lists that take one for a cursor.
    """
    start, size = page_place(call, default, largest, known)
    if by_offset:
        rest: Iterator[Row] = islice(rows, start, None)
    else:
        rest = iter(rows) if not start else (row for row in rows if row["n"] > start)
    shown = list(islice(rest, size + 1))
    more = len(shown) > size
    del shown[size:]
    following: int | None = None
    if more or endless:
        following = start + size if by_offset else shown[-1]["n"] if shown else start
    return shown, page_links(call, size, following)


def page_place(
    call: Call,
    default: int,
    largest: int,
    known: Callable[[str], int | None] | None = None,
) -> tuple[int, int]:
    """Behind which running number the page starts (0: at the beginning), and its size."""
    size = call.twin.page_size(whole(call, "limit"), default, largest)
    cursor = call.request.query.get("after", "")
    number = known(cursor) if known is not None and cursor else None
    return (_position(call, cursor) if number is None else number), size


def page_links(call: Call, size: int, following: int | None) -> list[tuple[str, str]]:
    """The ``Link`` headers: to the page itself, and to the one after ``following``."""
    links = [_link(call, call.request.query.get("after", ""), size, "self")]
    if following is not None:
        links.append(_link(call, _cursor(following), size, "next"))
    return links


def _link(call: Call, after: str, size: int, relation: str) -> tuple[str, str]:
    start, rest = call.request.derived(_link_parts)
    cursor = f"after={quote_plus(after)}&" if after else ""
    return Header("link", f'{start}{cursor}limit={size}{rest}>; rel="{relation}"')


def _link_parts(request: Request) -> tuple[str, str]:
    """Of a link: what is before the cursor, and the other parameters."""
    pairs = [p for p in request.query_pairs if p[0] not in ("after", "limit")]
    rest = "".join(f"&{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    path = "/" + request.path.lstrip("/")
    return f"<{request.base_url}{path}?", rest


@lru_cache(4096)
def _cursor(number: int) -> str:
    return urlsafe_b64encode(b"oc:%d" % number).decode().rstrip("=")


def _position(call: Call, cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).partition(b":")
    except ValueError:
        word, number = b"", b""
    if word != b"oc" or not number.isdigit():
        raise errors.invalid(call, "after", "after: The cursor is invalid")
    return int(number[:15])


JSON: Final = Header("content-type", "application/json")


def listed(
    rows: Iterable[Any], links: list[tuple[str, str]], content_type: str = "application/json"
) -> Response:
    """A JSON list with its links."""
    return Response.json(list(rows), 200, links, content_type)
