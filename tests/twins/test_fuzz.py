"""Whatever is sent to a twin: never a 500, never a hang, never a dead server."""

from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.universe import Pack, Request, Response, Universe, load_packs
from factory_tui.universe.wire import written

from .conftest import TWINS

NAMES = ("okta", "slack", "jira")
TOKENS = {"okta": ("SSWS", "OKTA_TOKEN"), "slack": ("Bearer", "SLACK_TOKEN"),
          "jira": ("Bearer", "JIRA_TOKEN")}  # fmt: skip

_ODD = st.sampled_from(
    ["", " ", "0", "-1", "1e999", "9" * 400, "NaN", "null", "true", "[]", "{}", "\x00", "\ud7ff",
     "²", "%", "..", "a" * 3000, "me", "default", "1", "10000", "2026-03-02", "999999999999-01-01",
     "eq", "status eq \"ACTIVE\"", "(" * 60, "id gt", "project = X ORDER BY", "\U0001f600", "C1",
     "https://[", "a,b", "*", "#general", "everyone"]
)  # fmt: skip
_TEXT = _ODD | st.text(max_size=12)
_LEAF = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | _TEXT
_KEYS = st.sampled_from(
    ["id", "name", "channel", "text", "users", "profile", "login", "type", "fields", "summary",
     "project", "key", "limit", "cursor", "blocks", "ts", "conditions", "settings", "credentials",
     "password", "value", "accountId", "jql", "view", "trigger_id", "files", "expand", "status",
     "items", "transition", "comment", "body", "update", "maxResults", "startAt", "scopes",
     "metadata", "attachments", "elements", "content", "filter", "members", "rules", "label"]
) | _TEXT  # fmt: skip
_JSON = st.recursive(
    _LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=14,
)


def _nested(depth: int) -> bytes:
    return b'{"blocks":' + b"[" * depth + b"]" * depth + b"}"


_MULTIPART = st.builds(
    lambda names, values, end: (
        b"".join(
            b'--b\r\ncontent-disposition: form-data; name="%s"; filename="x"\r\n\r\n%s\r\n'
            % (name.encode("utf-8", "replace"), value)
            for name, value in zip(names, values, strict=False)
        )
        + end
    ),
    st.lists(_KEYS, max_size=3),
    st.lists(st.binary(max_size=30), max_size=3),
    st.sampled_from([b"--b--\r\n", b"", b"--b", b"\r\n--b\r\n\r\n", b"--b\r\ncontent-type"]),
)
_FORM = st.lists(st.tuples(_KEYS, _TEXT), max_size=5).map(
    lambda pairs: "&".join(
        f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in pairs
    )
)
_BODIES = st.one_of(
    st.tuples(st.just("application/json"), st.dictionaries(_KEYS, _JSON, max_size=6).map(
        lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))),
    st.tuples(st.just("application/json; charset=utf-8"), _JSON.map(orjson.dumps)),
    st.tuples(st.just("application/json"), st.sampled_from(
        [b"{", b"\xff\xfe", b'{"a":1e999}', b'{"a":1,"a":2}', b'"\\ud800"', b"[" * 5000,
         _nested(200), _nested(1000), b"-", b'{"text":' + b"9" * 5000 + b"}"])),
    st.tuples(st.just("application/x-www-form-urlencoded"), _FORM.map(str.encode)),
    st.tuples(st.just("application/x-www-form-urlencoded"), st.binary(max_size=40)),
    st.tuples(st.just("multipart/form-data; boundary=b"), _MULTIPART),
    st.tuples(st.sampled_from(["multipart/form-data", "text/plain", "", "a/b; boundary=\x00"]),
              st.binary(max_size=40)),
)  # fmt: skip
_HEADERS = st.dictionaries(
    st.sampled_from(
        ["accept", "accept-language", "content-type", "host", "x-forwarded-proto", "range", "dpop",
         "if-match", "x-atlassian-token", "user-agent", "x-requested-with", "cookie", "origin"]
    ),
    _TEXT,
    max_size=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def packs() -> dict[str, Pack]:
    return load_packs(TWINS, NAMES)


@pytest.fixture(scope="module")
def base(packs: dict[str, Pack]) -> Universe:
    return Universe(packs, {"okta": "acme-12", "slack": "acme-12", "jira": "acme-it"}, debug=True)


def operations(pack: Pack) -> list[tuple[str, str]]:
    """Methods and templates of everything a twin implements or only knows."""
    if pack.name == "slack":
        return [(method, f"/api/{name}") for name in pack.coverage() for method in ("POST", "GET")]
    implemented = getattr(pack, "implemented", None)
    if pack.name == "jira" and implemented is not None:
        return [
            (method, path if path.startswith("/rest/") else f"/rest/api/3{path}")
            for method, path in implemented()
        ]
    return sorted((method, template) for method, template, _ in pack.routes.operations.values())


def known_ids(universe: Universe, twin: str) -> list[str]:
    """Ids of things that are there, so that some requests find something."""
    return [
        key if isinstance(key, str) else key[-1]
        for table in universe.twins[twin].tables.values()
        for key in [*table][:3]
    ]


def authorization(universe: Universe, twin: str) -> str:
    """Of a caller who may do things; taken before a request can revoke it."""
    scheme, name = TOKENS[twin]
    return f"{scheme} {universe.env(twin, 'http://x')[name]}"


def send(
    universe: Universe, twin: str, data: st.DataObject, ids: list[str], caller: str
) -> Response:
    method, template = data.draw(st.sampled_from(operations(universe.packs[twin])))
    part = st.sampled_from(ids) | _TEXT
    path = "/".join(
        quote(data.draw(part), safe="", errors="replace") if piece.startswith("{") else piece
        for piece in template.split("/")
    )
    kind, body = data.draw(_BODIES)
    headers = {"host": "twin.test", "content-type": kind, "authorization": caller}
    if data.draw(st.integers(0, 9)) == 0:
        headers["authorization"] = data.draw(_TEXT)
    headers |= data.draw(_HEADERS)
    query = data.draw(_FORM | st.text("&=%;+a\x00\xff", max_size=9))
    method = data.draw(st.sampled_from([method] * 9 + ["PATCH", "HEAD"]))
    return universe.handle(twin, Request(method, path, query, headers, body))


def check(universe: Universe, response: Response, twin: str) -> None:
    last = universe.tap[-1]
    what = f"{last.method} {last.path} {last.request_body[:300]!r}"
    assert universe.crashes == [], f"{twin}: {what}\n{universe.crashes[0]}"
    # 501 is how Okta and Jira word what a twin lacks, and that is a gap.
    assert response.status < 500 or last.gap, f"{twin}: {what}: {response.status}"
    assert all(name == name.lower() for name, _ in response.headers), response.headers
    head = written(response, True, bodiless=True)
    assert head.endswith(b"\r\n\r\n")
    assert head.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize("twin", NAMES)
@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data())
def test_nothing_that_is_sent_makes_a_twin_fail(
    base: Universe, twin: str, data: st.DataObject
) -> None:
    universe = base.fork()
    ids, caller = known_ids(universe, twin), authorization(universe, twin)
    for _ in range(3):
        check(universe, send(universe, twin, data, ids, caller), twin)
    universe.view(twin)


@pytest.mark.slow
@pytest.mark.parametrize("twin", NAMES)
@settings(max_examples=1500, deadline=None)
@given(data=st.data())
def test_nothing_that_is_sent_makes_a_twin_fail_at_length(
    base: Universe, twin: str, data: Any
) -> None:
    universe = base.fork()
    ids, caller = known_ids(universe, twin), authorization(universe, twin)
    for _ in range(4):
        check(universe, send(universe, twin, data, ids, caller), twin)
    universe.view(twin)
