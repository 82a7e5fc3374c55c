"""What scenarios do to a workspace and see of it."""

from typing import Any

import pytest

from factory_tui.universe import ApplyError, Universe


def _room(universe: Universe, name: str) -> dict[str, Any]:
    return next(c for c in universe.view("slack")["channels"] if c["name"] == name)


def test_the_seed_mirrors_the_organisation(workspace: Any) -> None:
    universe = workspace.universe
    view = universe.view("slack")
    assert len(view["users"]) == 12
    assert [c["name"] for c in view["channels"]] == [
        "general",
        "eng-platform",
        "eng-web",
        "design",
        "it",
    ]
    org = universe.twins["slack"].org
    assert _room(universe, "eng-web")["members"] == org.groups["eng-web"]
    assert _room(universe, "general")["members"] == org.groups["everyone"]
    assert set(view["users"][0]) == {"id", "name", "email", "deleted"}


def test_operations_change_what_is_seen(workspace: Any) -> None:
    universe = workspace.universe
    mia = {"as": "mia", "first": "Mia", "last": "Ng", "email": "mia@acme.example"}
    added = universe.apply("slack", "add_users", [mia])
    assert added["mia"]["name"] == "Mia Ng"
    assert workspace("users.info", user=added["mia"]["id"])["user"]["name"] == "mia"
    universe.apply(
        "slack",
        "add_channels",
        [{"name": "ops", "private": True, "members": ["any:it:1", "mia@acme.example"]}],
    )
    it_1 = universe.pick("it", 1)["email"]
    assert _room(universe, "ops")["members"] == [it_1, "mia@acme.example"]
    assert workspace.channel("ops")
    universe.apply("slack", "remove_from_channel", {"channel": "#ops", "users": [it_1]})
    universe.apply("slack", "add_to_channel", {"channel": "ops", "users": ["any:it:2"]})
    it_2 = universe.pick("it", 2)["email"]
    assert _room(universe, "ops")["members"] == ["mia@acme.example", it_2]
    universe.apply("slack", "set_channel", {"name": "ops", "members": [it_1]})
    assert _room(universe, "ops")["members"] == [it_1]
    universe.apply("slack", "deactivate_users", [it_1])
    assert _room(universe, "ops")["members"] == []
    universe.apply("slack", "remove_users", ["mia@acme.example"])
    assert "mia@acme.example" not in [u["email"] for u in universe.view("slack")["users"]]
    universe.apply("slack", "archive_channel", {"name": "ops"})
    assert _room(universe, "ops")["archived"] is True


@pytest.mark.parametrize(
    ("op", "args", "words"),
    [
        ("add_to_channel", {"channel": "nope", "users": []}, "no channel nope"),
        ("add_to_channel", {"channel": "it", "users": ["x@y"]}, "no account for x@y"),
        ("add_to_channel", {"users": []}, '"channel" is missing'),
        ("add_channels", [{"name": "it"}], "name_taken"),
        ("explode", {}, "no operation"),
        ("remove_users", "x@y", "a list of email"),
    ],
)
def test_wrong_operations_are_explained(workspace: Any, op: str, args: Any, words: str) -> None:
    with pytest.raises(ApplyError, match=words):
        workspace.universe.apply("slack", op, args)


def test_other_organisations(make_universe: Any) -> None:
    empty = make_universe("slack", seeds={"slack": "empty"})
    assert empty.view("slack") == {"users": [], "channels": [], "messages": []}
    large = make_universe("slack", seeds={"slack": "acme-300"})
    assert len(_room(large, "sales")["members"]) == 45
