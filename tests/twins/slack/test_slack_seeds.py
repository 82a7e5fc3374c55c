"""Every named seed, from two people to five thousand."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("seed", "people", "gone"),
    [("empty", 0, 0), ("startup-2", 2, 0), ("acme-12", 12, 0), ("acme-300", 300, 0),
     ("acme-5000", 5000, 178)],
)  # fmt: skip
def test_a_seed_is_a_workspace(make_workspace: Any, seed: str, people: int, gone: int) -> None:
    workspace = make_workspace(seeds={"slack": seed})
    listed = workspace("users.list")["members"]
    humans = [user for user in listed if not user["is_bot"] and user["id"] != "USLACKBOT"]
    assert (len(humans), sum(user["deleted"] for user in humans)) == (people, gone)
    rooms = workspace("conversations.list", limit=1000)["channels"]
    assert all(room["is_member"] for room in rooms)
    general = [room for room in rooms if room["is_general"]]
    if people:
        assert general[0]["num_members"] == people - gone + 1
    assert workspace.universe.crashes == []


def test_an_enterprise_has_offices_managers_and_user_groups(make_workspace: Any) -> None:
    workspace = make_workspace(seeds={"slack": "acme-5000"})
    kinds = "public_channel,private_channel"
    rooms = workspace("conversations.list", types=kinds, limit=1000)["channels"]
    named = {room["name"]: room for room in rooms}
    assert named["managers"]["is_private"]
    assert named["office-austin"]["num_members"] > 1500
    groups = workspace("usergroups.list", include_count=True)["usergroups"]
    assert {"it", "sales", "eng-web"} <= {group["handle"] for group in groups}
    members: set[str] = set()
    cursor = ""
    while True:
        room = named["general"]["id"]
        page = workspace("conversations.members", channel=room, limit=999, cursor=cursor)
        members |= set(page["members"])
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert len(members) == named["general"]["num_members"]


def test_forks_of_an_enterprise_hold_only_their_changes(make_workspace: Any) -> None:
    workspace = make_workspace(seeds={"slack": "acme-5000"})
    fork = workspace.universe.fork()
    fork.apply("slack", "post_message", {"channel": "it", "user": "any:it:1", "text": "x"})
    state = fork.twins["slack"]
    changed = {name: len(table.changes()) for name, table in state.tables.items()}
    assert {name for name, count in changed.items() if count} <= {"messages", "team"}
    assert len(list(workspace.universe.twins["slack"]["messages"].rows())) == 0
