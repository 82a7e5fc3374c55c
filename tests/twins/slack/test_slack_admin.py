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


def test_what_is_not_there_says_so_and_leaves_a_gap(workspace: Any) -> None:
    state = workspace.universe.twins["slack"]
    state.pack.stand_alone(state)
    workspace.token = workspace.universe.env("slack", "http://x")["SLACK_ADMIN_TOKEN"]
    missing = sorted(
        name for name, done in state.pack.coverage().items() if not done and name in DESCRIBED
    )
    assert all(name.startswith("admin.") for name in missing)
    for name in missing:
        assert workspace(name)["error"] == "feature_not_enabled", name
    assert len(workspace.universe.gaps) == len(missing)


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
