"""Files, user groups, reminders, bookmarks and home tabs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk import WebClient

from factory_tui.universe import Request, Universe

Serve = Callable[[Universe, str], Awaitable[str]]


async def test_the_client_uploads_in_three_steps(workspace: Any, served: Serve) -> None:
    universe = workspace.universe
    env = universe.env("slack", await served(universe, "slack"))

    def work() -> None:
        client = WebClient(env["SLACK_TOKEN"], base_url=env["SLACK_URL"])
        room = workspace.channel("it")
        done = client.files_upload_v2(
            channel=room,
            filename="plan.csv",
            content="name,action\nada,add\n",
            title="Plan",
            initial_comment="the plan",
        )
        assert done["file"]["title"] == "Plan"
        listed = client.files_list(channel=room)["files"]
        assert [(f["name"], f["size"], f["filetype"]) for f in listed] == [("plan.csv", 20, "csv")]
        message = client.conversations_history(channel=room)["messages"][0]
        assert (message["text"], message["files"][0]["id"]) == ("the plan", listed[0]["id"])
        client.files_delete(file=listed[0]["id"])
        assert client.files_list()["files"] == []

    await asyncio.to_thread(work)
    assert [m["text"] for m in universe.view("slack")["messages"]] == ["the plan"]


def test_a_file_needs_all_its_bytes(workspace: Any) -> None:
    made = workspace("files.getUploadURLExternal", filename="a.txt", length=4)
    path = made["upload_url"].partition("twin.test")[2]
    short = workspace.universe.handle("slack", Request.build("POST", path, {}, b"abc"))
    assert short.status == 400
    early = workspace("files.completeUploadExternal", files=[{"id": made["file_id"]}])
    assert early["error"] == "file_not_found"
    sent = workspace.universe.handle("slack", Request.build("POST", path, {}, b"ab\xffd"))
    assert sent.status == 200
    done = workspace("files.completeUploadExternal", files=[{"id": made["file_id"]}])
    url = done["files"][0]["url_private"].partition("twin.test")[2]
    head = {"authorization": f"Bearer {workspace.token}"}
    read = workspace.universe.handle("slack", Request.build("GET", url, head))
    assert read.body == b"ab\xffd"
    assert workspace.universe.handle("slack", Request.build("GET", url)).status == 404


def test_user_groups(workspace: Any) -> None:
    group = workspace("usergroups.create", name="On Call", handle="oncall")["usergroup"]["id"]
    again = workspace("usergroups.create", name="Other", handle="oncall")
    assert again["error"] == "handle_already_exists"
    people = [workspace.user("it", 1), workspace.user("it", 2)]
    changed = workspace("usergroups.users.update", usergroup=group, users=",".join(people))
    assert changed["usergroup"]["users"] == people
    assert workspace("usergroups.users.list", usergroup=group)["users"] == people
    wrong = workspace("usergroups.users.update", usergroup=group, users="U0")
    assert wrong["error"] == "invalid_users"
    assert workspace("usergroups.disable", usergroup=group)["ok"]
    assert workspace("usergroups.list")["usergroups"] == []
    listed = workspace("usergroups.list", include_disabled=True, include_users=1)["usergroups"]
    assert listed[0]["users"] == people
    assert workspace("usergroups.enable", usergroup=group)["ok"]
    missing = workspace("usergroups.update", usergroup="S0", name="x")
    assert missing["error"] == "no_such_subteam"


def test_reminders(workspace: Any) -> None:
    made = workspace("reminders.add", text="stand up", time=60)["reminder"]
    assert made["time"] == workspace.universe.clock.epoch() + 60
    assert workspace("reminders.add", text="x", time="later")["error"] == "cannot_parse"
    assert workspace("reminders.complete", reminder=made["id"])["ok"]
    listed = workspace("reminders.list")["reminders"]
    assert listed[0]["complete_ts"] > 0
    assert workspace("reminders.delete", reminder=made["id"])["ok"]
    assert workspace("reminders.info", reminder=made["id"])["error"] == "not_found"


def test_bookmarks(workspace: Any) -> None:
    room = workspace.channel("it")
    args = {"channel_id": room, "title": "Wiki", "type": "link"}
    made = workspace("bookmarks.add", **args, link="https://wiki.example")["bookmark"]
    assert workspace("bookmarks.add", **args, link="wiki")["error"] == "invalid_link"
    ref = {"channel_id": room, "bookmark_id": made["id"]}
    assert workspace("bookmarks.edit", **ref, title="Wikis")["bookmark"]["title"] == "Wikis"
    assert len(workspace("bookmarks.list", channel_id=room)["bookmarks"]) == 1
    assert workspace("bookmarks.remove", **ref)["ok"]
    assert workspace("bookmarks.remove", **ref)["error"] == "not_found"


def test_a_home_tab(workspace: Any) -> None:
    user = workspace.user("it", 1)
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    first = workspace("views.publish", user_id=user, view=view)["view"]
    second = workspace("views.publish", user_id=user, view=view, hash=first["hash"])["view"]
    assert second["id"] == first["id"]
    stale = workspace("views.publish", user_id=user, view=view, hash="0.0")
    assert stale["error"] == "hash_conflict"
    bad = workspace("views.publish", user_id=user, view={"type": "home", "blocks": [{}]})
    assert bad["error"] == "invalid_arguments"
