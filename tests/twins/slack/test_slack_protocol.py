"""How a call may be sent, who may send it, and that anything else is answered, not crashed on."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.universe import Request, Universe, load_packs
from twins.slack.apps import ALL_SCOPES


def _bearer(workspace: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {workspace.token}"}


@pytest.mark.parametrize("way", ["query", "form", "json", "multipart", "get", "token in form"])
def test_every_encoding_means_the_same(workspace: Any, way: str) -> None:
    room, person = workspace.channel("design"), workspace.user("eng-web", 1)
    args = {"channel": room, "users": person}
    head = _bearer(workspace)
    path, body, method = "/api/conversations.invite", b"", "POST"
    if way in ("query", "get"):
        path += "?" + urlencode(args)
        method = "GET" if way == "get" else "POST"
    elif way == "json":
        head["content-type"] = "application/json; charset=utf-8"
        body = json.dumps({"channel": room, "users": [person]}).encode()
    elif way == "multipart":
        head["content-type"] = "multipart/form-data; boundary=xyz"
        parts = [
            f'--xyz\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
            for k, v in args.items()
        ]
        body = ("".join(parts) + "--xyz--\r\n").encode()
    else:
        if way == "token in form":
            args["token"] = workspace.token
            head = {}
        head["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode(args).encode()
    sent = Request.build(method, path, head, body)
    answer = workspace.universe.handle("slack", sent).data()
    assert answer["ok"] is True, answer
    assert person in workspace("conversations.members", channel=room)["members"]


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        ("application/json; charset=utf-8", b"{", "invalid_json"),
        ("application/json; charset=utf-8", b"[]", "json_not_object"),
        ("text/plain", b"channel=C1", "invalid_post_type"),
        ("", b"channel=C1", "missing_post_type"),
        ("application/x-www-form-urlencoded", b"\xff=1", "invalid_form_data"),
    ],
)
def test_bodies_slack_cannot_read(workspace: Any, kind: str, body: bytes, error: str) -> None:
    head = _bearer(workspace) | ({"content-type": kind} if kind else {})
    request = Request.build("POST", "/api/conversations.info", head, body)
    assert workspace.universe.handle("slack", request).data() == {"ok": False, "error": error}


def test_json_without_charset_is_warned_about(workspace: Any) -> None:
    answer = workspace.raw("auth.test", {}, **{"content-type": "application/json"}).data()
    assert answer["warning"] == "missing_charset"
    assert answer["response_metadata"]["warnings"] == ["missing_charset"]


def test_tokens_that_do_not_work(workspace: Any) -> None:
    assert workspace.raw("auth.test", {}, authorization="").data()["error"] == "not_authed"
    wrong = workspace.raw("auth.test", {}, authorization="Bearer xoxb-1").data()
    assert wrong["error"] == "invalid_auth"
    email = workspace.universe.pick("it", 1)["email"]
    leaver = workspace.acting(email, "users:read")
    assert leaver("auth.test")["ok"]
    workspace.universe.apply("slack", "deactivate_users", [email])
    assert leaver("auth.test")["error"] == "account_inactive"
    assert workspace("auth.revoke")["revoked"] is True
    assert workspace("auth.test")["error"] == "token_revoked"


def test_faults_speak_slack(workspace: Any) -> None:
    faults = workspace.universe.faults
    faults.add({"twin": "slack", "match": "users.list", "nth": 1, "reply": 429})
    faults.add({"twin": "slack", "match": "POST /api/users.list", "nth": 2, "reply": 503})
    limited = workspace.raw("users.list", {})
    assert (limited.status, limited.header("retry-after")) == (429, "1")
    assert limited.data() == {"ok": False, "error": "ratelimited"}
    down = workspace.raw("users.list", {})
    assert (down.status, down.data()["error"]) == (503, "service_unavailable")
    assert workspace("users.list")["ok"]


def test_same_seed_and_same_calls_give_the_same_bytes(make_workspace: Any) -> None:
    def play() -> list[bytes]:
        workspace = make_workspace(seeds={"slack": "acme-12"}, seed=5, vary={"ids", "names"})
        room = workspace.channel("it")
        workspace("chat.postMessage", channel=room, text="x")
        workspace("conversations.create", name="new")
        workspace("users.list")
        return [e.response_body + repr(e.response_headers).encode() for e in workspace.universe.tap]

    assert play() == play()
    other = make_workspace(seeds={"slack": "acme-12"}, seed=6, vary={"ids"})
    assert other.channel("it") != make_workspace(seeds={"slack": "acme-12"}).channel("it")


def test_universes_do_not_see_each_other(workspace: Any) -> None:
    fork = workspace.universe.fork()
    workspace("conversations.create", name="here")
    names = [c["name"] for c in fork.view("slack")["channels"]]
    assert "here" not in names


@pytest.fixture(scope="module")
def _base(request: pytest.FixtureRequest) -> Universe:
    folder = request.config.rootpath / "twins"
    return Universe(load_packs(folder, ["slack"]), {"slack": "acme-12"}, debug=True)


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(
        ["1.5", "0", "general", "#it", "2026", "[", "[]", "{}", '[{"type":"section"}]']
    ),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "id", "user"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_WORDS = (
    "channel channels users user name text blocks attachments thread_ts ts limit cursor types "
    "email topic purpose timestamp post_at force oldest latest inclusive metadata presence "
    "profile scheduled_message_id message_ts include_locale bot error usergroup handle files "
    "view view_id trigger_id reminder time file filename length title query count page link "
    "type emoji token_ids unfurls description expires_after date num_minutes "
    "external_id client_id client_secret code refresh_token grant_type id join_url changes "
    "external_unique_id created_by prompts status channel_id image criteria schema cells "
    "list_id invite_id app_id manifest dialog chunks markdown_text user_id user_ids channel_ids "
    "team_id target_team action channel_name emails message_ts function_execution_id outputs "
    "trigger_ids external_url initial_fields description_blocks ids recipient_user_id unfurl_id "
    "policy_name entity_ids role_id prefs duration url new_name alias_for usergroup_id sort "
    "primary_usergroup_id barriered_from_usergroup_ids restricted_subjects expiration_ts before "
    "canvas_id document_content access_level connected_user_ids source user_auth_url "
)
_NAMES = _WORDS.split()


def _things(universe: Universe, token: str) -> list[Any]:
    """One of much that methods can be about: ids, timestamps, structures."""
    head = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def call(method: str, **args: Any) -> dict[str, Any]:
        request = Request.build("POST", f"/api/{method}", head, json.dumps(args))
        answer: dict[str, Any] = universe.handle("slack", request).data()
        assert answer["ok"], answer
        return answer

    room = next(row["id"] for row in universe.view("slack")["channels"] if row["name"] == "it")
    person = universe.view("slack")["users"][1]["id"]
    sent = call("chat.postMessage", channel=room, text="x https://x.example")
    call("chat.postMessage", channel=room, text="y", thread_ts=sent["ts"], reply_broadcast=True)
    made = call("slackLists.create", name="l", todo_mode=True)
    columns = made["list_metadata"]["schema"]
    item = call("slackLists.items.create", list_id=made["list_id"])["item"]["id"]
    canvas = call("canvases.create", title="c")["canvas_id"]
    remote = {"external_id": "e", "external_url": "https://x.example", "title": "t"}
    file = call("files.remote.add", **remote)["file"]["id"]
    group = call("usergroups.create", name="g", handle="g")["usergroup"]["id"]
    to = {"recipient_user_id": person, "recipient_team_id": "T"}
    stream = call("chat.startStream", channel=room, thread_ts=sent["ts"], **to)["ts"]
    invite = call("conversations.inviteShared", channel=room, emails=["a@b.example"])["invite_id"]
    received = universe.apply("slack", "connect_invite", {"channel": "x"})["invite"]
    team = universe.apply("slack", "connect_accept", {"invite": invite})["team"]
    run = universe.apply("slack", "run_function", {"callback_id": "f"})["execution"]
    return [
        room, person, sent["ts"], stream, made["list_id"], item, canvas, file, group, invite,
        received, team, run, columns[0]["id"], "e", "read", "upgrade", "connected", "https://x.y",
        next(universe.twins["slack"]["team"].rows())["id"],
        [{"row_id": item, "column_id": "Col00", "checkbox": True}],
        [{"row_id": item, "column_id": columns[0]["id"], "rich_text": [{"type": "rich_text"}]}],
        [{"type": "task_update", "id": "1", "title": "t"}],
        {"https://x.example": {"text": "u"}},
        {"title": "d", "callback_id": "c", "elements": [{"type": "text", "name": "n"}]},
        {"display_information": {"name": "m"}, "settings": {"event_subscriptions": {}}},
        [{"operation": "rename", "title_content": {"markdown": "t"}}],
        {"type": "home", "blocks": [{"type": "section", "text": {"type": "mrkdwn"}}]},
    ]  # fmt: skip


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_nothing_that_can_be_sent_makes_the_twin_fail(_base: Universe, data: st.DataObject) -> None:
    universe = _base.fork()
    pack: Any = universe.packs["slack"]
    # api.test answers with whatever error it is asked for.
    methods = [name for name in pack.implemented() if name != "api.test"]
    every = sorted(ALL_SCOPES)
    anybody = universe.pick("it", 1)["email"]
    owner = next(row["email"] for row in universe.twins["slack"]["users"].rows() if row["owner"])
    tokens = [
        universe.apply("slack", "set_token", {"scopes": every})["token"],
        universe.apply("slack", "add_token", {"user": anybody, "scopes": every})["token"],
        universe.apply("slack", "add_token", {"user": owner, "scopes": every})["token"],
        universe.apply("slack", "configure_app", {"socket_mode": True})["slack_app"]["app_token"],
    ]
    known = {
        "channel": [c["id"] for c in universe.view("slack")["channels"]],
        "user": [u["id"] for u in universe.view("slack")["users"]],
    }
    for name in ("users", "user_id", "user_ids", "recipient_user_id", "entity_ids"):
        known[name] = known["user"]
    for name in ("channel_id", "channel_ids", "channels"):
        known[name] = known["channel"]
    known["app_id"] = [row["id"] for row in universe.twins["slack"]["apps"].rows()]
    things = _things(universe, tokens[0])
    for _ in range(3):
        name = data.draw(st.sampled_from(methods))
        args = data.draw(st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=6))
        for key, values in known.items():
            if data.draw(st.booleans()):
                args[key] = data.draw(st.sampled_from(values))
        for key in list(args):
            if data.draw(st.integers(0, 3)) == 0:
                args[key] = data.draw(st.sampled_from(things))
        token = data.draw(st.sampled_from(tokens))
        head = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        response = universe.handle(
            "slack", Request.build("POST", f"/api/{name}", head, json.dumps(args))
        )
        assert universe.crashes == [], universe.crashes[0]
        assert response.status == 200
        answer = response.data()
        assert answer["ok"] is True or pack.may_answer(name, answer["error"]), (name, answer)
        universe.view("slack")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
    path=st.sampled_from([
            "/api/chat.postMessage", "/api/", "/", "/api/a/b", "/services/T/B/x", "/oauth",
            "/oauth/v2/authorize", "/commands/T/1/x", "/actions", "/link/", "/upload/v1/x",
            "/files-pri/x", "/api/oauth.v2.access", "/services",
        ]),
    query=st.text(max_size=30),
    kind=st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "multipart/form-data",
         "multipart/form-data; boundary=b", "text/html", ""]
    ),
    body=st.binary(max_size=80),
    auth=st.text(max_size=20),
)  # fmt: skip
def test_hostile_bytes_are_answered(
    _base: Universe, method: str, path: str, query: str, kind: str, body: bytes, auth: str
) -> None:
    universe = _base.fork()
    head = {"content-type": kind, "authorization": auth}
    response = universe.handle("slack", Request(method, path, query, head, body))
    assert universe.crashes == [], universe.crashes[0]
    assert response.status < 500
