"""admin.*: for owners with the scope only; people, channels, emoji, settings, requests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from factory_tui.universe import Universe
from twins.slack.dialect import DESCRIBED

Serve = Callable[[Universe, str], Awaitable[str]]


@pytest.fixture
async def env(workspace: Any, served: Serve) -> dict[str, str]:
    url = await served(workspace.universe, "slack")
    state = workspace.universe.twins["slack"]
    state.pack.stand_alone(state)
    found: dict[str, str] = workspace.universe.env("slack", url)
    return found


def test_only_an_owner_with_the_scope_may(workspace: Any) -> None:
    universe = workspace.universe
    assert workspace("admin.users.list")["error"] == "not_allowed_token_type"
    member = workspace.acting(universe.pick("it", 1)["email"], "admin.users:read", "users:read")
    assert member("admin.users.list")["error"] == "not_an_admin"
    refused = member("admin.users.invite")
    assert (refused["error"], refused["needed"]) == ("missing_scope", "admin.users:write")


def test_every_described_method_is_answered(workspace: Any) -> None:
    pack = workspace.universe.twins["slack"].pack
    assert [name for name, done in pack.coverage().items() if not done] == []
    assert set(pack.coverage()) == set(DESCRIBED) - {""}


async def test_the_client_runs_a_workspace(workspace: Any, env: dict[str, str]) -> None:
    universe = workspace.universe
    team, room = env["SLACK_TEAM_ID"], workspace.channel("it")
    person = workspace.user("it", 1)
    other = workspace.user("it", 2)
    email = universe.pick("it", 2)["email"]
    request = universe.apply("slack", "request_invite", {"user": email, "email": "r@acme.example"})

    def work() -> None:
        admin = WebClient(env["SLACK_ADMIN_TOKEN"], base_url=env["SLACK_URL"])
        bot = WebClient(env["SLACK_BOT_TOKEN"], base_url=env["SLACK_URL"])
        assert len(admin.admin_users_list(team_id=team)["users"]) == 13
        admin.admin_users_invite(team_id=team, email="n@acme.example", channel_ids=[room])
        new = bot.users_lookupByEmail(email="n@acme.example")["user"]["id"]
        assert new in bot.conversations_members(channel=room)["members"]
        admin.admin_users_remove(team_id=team, user_id=new)
        admin.admin_users_assign(team_id=team, user_id=new)
        admin.admin_users_setAdmin(team_id=team, user_id=person)
        assert person in admin.admin_teams_admins_list(team_id=team)["admin_ids"]
        admin.admin_users_setRegular(team_id=team, user_id=person)
        admin.admin_users_session_reset(user_id=other)
        made = admin.admin_conversations_create(name="ops", is_private=True, team_id=team)
        channel = made["channel_id"]
        admin.admin_conversations_invite(channel_id=channel, user_ids=[person])
        found = admin.admin_conversations_search(query="op")["conversations"]
        assert [(row["name"], row["member_count"]) for row in found] == [("ops", 2)]
        admin.admin_conversations_rename(channel_id=channel, name="ops-2")
        admin.admin_conversations_convertToPublic(channel_id=channel)
        prefs = {"who_can_post": "type:admin,user:" + person}
        admin.admin_conversations_setConversationPrefs(channel_id=channel, prefs=prefs)
        got = admin.admin_conversations_getConversationPrefs(channel_id=channel)["prefs"]
        assert got["who_can_post"] == {"type": ["admin"], "user": [person]}
        admin.admin_conversations_archive(channel_id=channel)
        admin.admin_conversations_unarchive(channel_id=channel)
        admin.admin_conversations_delete(channel_id=channel)
        admin.admin_emoji_add(name="party", url="https://x.example/p.png")
        admin.admin_emoji_addAlias(name="fete", alias_for="party")
        admin.admin_emoji_rename(name="party", new_name="gala")
        assert set(bot.emoji_list()["emoji"]) == {"gala", "fete"}
        admin.admin_emoji_remove(name="gala")
        admin.admin_teams_settings_setName(team_id=team, name="Acme 2")
        assert admin.admin_teams_settings_info(team_id=team)["team"]["name"] == "Acme 2"
        pending = admin.admin_inviteRequests_list(team_id=team)["invite_requests"]
        assert [row["id"] for row in pending] == [request["request"]]
        admin.admin_inviteRequests_approve(invite_request_id=request["request"], team_id=team)
        assert bot.users_lookupByEmail(email="r@acme.example")["ok"]
        assert admin.admin_apps_approved_list(team_id=team)["approved_apps"]
        with pytest.raises(SlackApiError, match="team_not_found"):
            admin.admin_users_list(team_id="T0")

    await asyncio.to_thread(work)
    assert universe.crashes == []


async def test_the_client_decides_about_apps_people_and_groups(
    workspace: Any, env: dict[str, str]
) -> None:
    team, room = env["SLACK_TEAM_ID"], workspace.channel("it")
    person, app = workspace.user("it", 1), env["SLACK_APP_ID"]
    workspace.universe.apply(
        "slack", "request_invite", {"user": "any:it:1", "email": "x@acme.example"}
    )

    def work() -> None:
        admin = WebClient(env["SLACK_ADMIN_TOKEN"], base_url=env["SLACK_URL"])
        bot = WebClient(env["SLACK_BOT_TOKEN"], base_url=env["SLACK_URL"])
        groups = [
            bot.usergroups_create(name=name, handle=name)["usergroup"]["id"] for name in ("a", "b")
        ]
        admin.admin_apps_restrict(app_id=app, team_id=team)
        assert admin.admin_apps_restricted_list(team_id=team)["restricted_apps"]
        admin.admin_apps_clearResolution(app_id=app)
        admin.admin_apps_approve(app_id=app, team_id=team)
        admin.admin_apps_requests_list(team_id=team)
        admin.admin_apps_activities_list(app_id=app)
        limits = {"domains": ["x.example"], "emails": []}
        admin.admin_apps_config_set(app_id=app, domain_restrictions=limits)
        got = admin.admin_apps_config_lookup(app_ids=[app])["configs"][0]
        assert got["domain_restrictions"]["domains"] == ["x.example"]
        subjects = ["im", "mpim", "call"]
        barrier = admin.admin_barriers_create(
            primary_usergroup_id=groups[0],
            barriered_from_usergroup_ids=[groups[1]],
            restricted_subjects=subjects,
        )["barrier"]["id"]
        admin.admin_barriers_update(
            barrier_id=barrier,
            primary_usergroup_id=groups[1],
            barriered_from_usergroup_ids=[groups[0]],
            restricted_subjects=subjects,
        )
        assert len(admin.admin_barriers_list()["barriers"]) == 1
        admin.admin_barriers_delete(barrier_id=barrier)
        role = {"role_id": "Rl0A", "entity_ids": [team], "user_ids": [person]}
        admin.admin_roles_addAssignments(**role)
        assert admin.admin_roles_listAssignments()["role_assignments"][0]["user_id"] == person
        admin.admin_roles_removeAssignments(**role)
        policy = {"policy_name": "email_password", "entity_type": "USER", "entity_ids": [person]}
        assert admin.admin_auth_policy_assignEntities(**policy)["entity_total_count"] == 1
        listed = admin.admin_auth_policy_getEntities(policy_name="email_password")["entities"]
        assert [row["entity_id"] for row in listed] == [person]
        admin.admin_auth_policy_removeEntities(**policy)
        admin.admin_usergroups_addChannels(usergroup_id=groups[0], channel_ids=[room])
        kept = admin.admin_usergroups_listChannels(usergroup_id=groups[0], include_num_members=True)
        assert kept["channels"][0]["name"] == "it"
        admin.admin_usergroups_removeChannels(usergroup_id=groups[0], channel_ids=[room])
        admin.admin_usergroups_addTeams(usergroup_id=groups[0], team_ids=[team])
        assert admin.admin_users_session_list()["active_sessions"]
        admin.admin_users_session_setSettings(user_ids=[person], duration=30_000)
        shown = admin.admin_users_session_getSettings(user_ids=[person])["session_settings"]
        assert shown[0]["duration"] == 30_000
        admin.admin_users_session_clearSettings(user_ids=[person])
        admin.admin_users_setOwner(team_id=team, user_id=person)
        assert person in admin.admin_teams_owners_list(team_id=team)["owner_ids"]
        assert admin.admin_teams_list()["teams"][0]["id"] == team
        admin.admin_teams_settings_setDescription(team_id=team, description="d")
        admin.admin_teams_settings_setDiscoverability(team_id=team, discoverability="open")
        admin.admin_teams_settings_setDefaultChannels(team_id=team, channel_ids=[room])
        admin.admin_teams_settings_setIcon(team_id=team, image_url="https://x.example/i.png")
        asked = admin.admin_inviteRequests_list(team_id=team)["invite_requests"][0]["id"]
        admin.admin_inviteRequests_deny(invite_request_id=asked, team_id=team)
        assert admin.admin_inviteRequests_denied_list(team_id=team)["denied_requests"]
        admin.admin_inviteRequests_approved_list(team_id=team)
        admin.admin_conversations_setCustomRetention(channel_id=room, duration_days=9)
        days = admin.admin_conversations_getCustomRetention(channel_id=room)["duration_days"]
        assert days == 9
        admin.admin_conversations_removeCustomRetention(channel_id=room)
        assert admin.admin_conversations_getTeams(channel_id=room)["team_ids"] == [team]
        admin.admin_conversations_setTeams(channel_id=room, target_team_ids=[team])
        admin.admin_conversations_convertToPrivate(channel_id=room)
        admin.admin_conversations_restrictAccess_addGroup(channel_id=room, group_id=groups[0])
        held = admin.admin_conversations_restrictAccess_listGroups(channel_id=room)["group_ids"]
        assert held == [groups[0]]
        admin.admin_conversations_restrictAccess_removeGroup(
            channel_id=room, group_id=groups[0], team_id=team
        )
        admin.admin_conversations_lookup(
            last_message_activity_before=2_000_000_000, team_ids=[team], max_member_count=99
        )
        admin.admin_conversations_bulkArchive(channel_ids=[room])
        admin.admin_conversations_bulkDelete(channel_ids=[room])
        admin.admin_functions_list(app_ids=[app])
        admin.admin_functions_permissions_lookup(function_ids=["Fn1"])
        admin.admin_workflows_search()
        admin.admin_workflows_permissions_lookup(workflow_ids=["Wf1"])
        admin.admin_emoji_list()
        with pytest.raises(SlackApiError, match="workflow_not_found"):
            admin.admin_workflows_unpublish(workflow_ids=["Wf1"])
        with pytest.raises(SlackApiError, match="file_not_found"):
            admin.admin_analytics_getFile(type="member", date="2026-03-01")
        with pytest.raises(SlackApiError, match="create_team_failed"):
            admin.admin_teams_create(team_domain="other", team_name="Other")
        with pytest.raises(SlackApiError, match="channel_not_found"):
            admin.admin_conversations_archive(channel_id="C0")
        admin.admin_apps_uninstall(app_id=app, team_ids=[team])
        assert bot.api_call("api.test")["ok"]
        with pytest.raises(SlackApiError, match="token_revoked"):
            bot.auth_test()

    await asyncio.to_thread(work)
    assert workspace.universe.crashes == []


async def test_the_client_reaches_the_rarer_methods(workspace: Any, env: dict[str, str]) -> None:
    universe = workspace.universe
    team, room = env["SLACK_TEAM_ID"], workspace.channel("it")
    person, other = workspace.user("it", 1), workspace.user("it", 2)
    now = universe.clock.epoch()
    session = workspace.acting(universe.pick("it", 1)["email"], "users:read")
    second = workspace.acting(universe.pick("it", 2)["email"], "users:read")
    function = {"title": "F", "description": "f", "input_parameters": {}, "output_parameters": {}}

    def work() -> None:
        admin = WebClient(env["SLACK_ADMIN_TOKEN"], base_url=env["SLACK_URL"])
        admin.admin_users_setExpiration(user_id=person, expiration_ts=now + 86_400, team_id=team)
        assert admin.admin_users_getExpiration(user_id=person)["expiration_ts"] == now + 86_400
        sessions = admin.admin_users_session_list(user_id=person, team_id=team)["active_sessions"]
        assert len(sessions) == 1
        admin.admin_users_session_invalidate(session_id=sessions[0]["session_id"], team_id=team)
        assert session("auth.test")["error"] == "token_revoked"
        admin.admin_users_session_resetBulk(user_ids=[person, other])
        assert second("auth.test")["error"] == "token_revoked"
        assert admin.admin_users_unsupportedVersions_export()["ok"]
        moved = admin.admin_conversations_bulkMove(channel_ids=[room], target_team_id=team)
        assert moved["not_added"][0]["errors"] == ["team_is_source_team"]
        listed = admin.admin_conversations_ekm_listOriginalConnectedChannelInfo()
        assert listed["channels"] == []
        config = WebClient(env["SLACK_CONFIG_TOKEN"], base_url=env["SLACK_URL"])
        ids = []
        for name in ("One", "Two"):
            manifest = {"display_information": {"name": name}, "functions": {"f": function}}
            ids.append(config.apps_manifest_create(manifest=manifest)["app_id"])
        assert len(admin.admin_functions_list(app_ids=ids)["functions"]) == 2
        functions = admin.admin_functions_list(app_ids=ids[1:])["functions"]
        key = functions[0]["id"]
        assert functions[0]["app_id"] == ids[1]
        admin.admin_functions_permissions_set(
            function_id=key, visibility="named_entities", user_ids=[person]
        )
        found = admin.admin_functions_permissions_lookup(function_ids=[key])["permissions"][key]
        assert (found["type"], found["user_ids"]) == ("named_entities", [person])

    await asyncio.to_thread(work)


def test_guests_see_and_do_less(workspace: Any) -> None:
    universe = workspace.universe
    owner = next(row for row in universe.twins["slack"]["users"].rows() if row["owner"])
    scopes = ("admin.users:write", "admin.users:read")
    admin = workspace.acting(owner["email"], *scopes)
    team = workspace("auth.test")["team_id"]
    room, email = workspace.channel("it"), "guest@other.example"
    invited = {"team_id": team, "email": email, "channel_ids": [room]}
    ends = universe.clock.epoch() + 86_400
    assert admin("admin.users.invite", **invited, is_restricted=True, guest_expiration_ts=ends)[
        "ok"
    ]
    key = workspace("users.lookupByEmail", email=email)["user"]["id"]
    shown = workspace("users.info", user=key)["user"]
    assert (shown["is_restricted"], shown["is_ultra_restricted"]) == (True, False)
    listed = admin("admin.users.list", team_id=team, only_guests=True)["users"]
    assert [row["id"] for row in listed] == [key]
    guest = workspace.acting(
        email,
        "channels:read",
        "channels:history",
        "channels:write",
        "chat:write",
        "usergroups:read",
    )
    seen = guest("conversations.list")["channels"]
    assert [row["id"] for row in seen] == [room]
    other = workspace.channel("design")
    assert guest("conversations.info", channel=other)["error"] == "channel_not_found"
    assert guest("chat.postMessage", channel=other, text="x")["error"] == "channel_not_found"
    assert guest("chat.postMessage", channel=room, text="x")["ok"]
    assert guest("conversations.create", name="mine")["error"] == "user_is_restricted"
    assert guest("conversations.join", channel=other)["error"] == "user_is_restricted"
    assert guest("usergroups.list")["error"] == "user_is_restricted"
    universe.advance(86_401)
    assert guest("auth.test")["error"] == "account_inactive"
    assert key not in workspace("conversations.members", channel=room)["members"]
    single = {**invited, "email": "s@other.example", "is_ultra_restricted": True}
    two = admin("admin.users.invite", **{**single, "channel_ids": [room, other]})
    assert two["error"] == "invalid_arguments"
    assert admin("admin.users.invite", **single)["ok"]
    lone = workspace.acting("s@other.example", "channels:write")
    assert lone("conversations.join", channel=other)["error"] == "user_is_ultra_restricted"
    person = workspace("users.lookupByEmail", email="s@other.example")["user"]["id"]
    assert admin("admin.users.setRegular", team_id=team, user_id=person)["ok"]
    assert lone("conversations.join", channel=other)["ok"]


def test_admins_say_who_may_post(workspace: Any) -> None:
    universe = workspace.universe
    owner = next(row for row in universe.twins["slack"]["users"].rows() if row["owner"])
    admin = workspace.acting(owner["email"], "admin.conversations:write", "chat:write")
    room = workspace.channel("it")
    member = workspace.acting(universe.pick("it", 1)["email"], "chat:write")
    ts = workspace("chat.postMessage", channel=room, text="news")["ts"]
    universe.apply("slack", "add_to_channel", {"channel": "it", "users": [owner["email"]]})

    def allow(**prefs: str) -> None:
        assert admin("admin.conversations.setConversationPrefs", channel_id=room, prefs=prefs)["ok"]

    def post(who: Any, **args: Any) -> Any:
        return who("chat.postMessage", channel=room, text="x", **args).get("error", "ok")

    allow(who_can_post="type:admin")
    assert post(member) == post(workspace) == "restricted_action_read_only_channel"
    assert (post(admin), post(member, thread_ts=ts)) == ("ok", "ok")
    allow(can_thread="type:ra")
    assert post(member) == "restricted_action_thread_only_channel"
    allow(can_thread="type:admin")
    assert post(member, thread_ts=ts) == "restricted_action_non_threadable_channel"
    bot = workspace("auth.test")["user_id"]
    allow(who_can_post=f"type:admin,user:{bot}")
    assert (post(workspace), post(member)) == ("ok", "restricted_action_read_only_channel")
    allow(who_can_post="type:ra")
    assert post(member) == "ok"
