"""The simulated user: what it sees, what it does, and whether it stayed in its part."""

import json

import pytest

from factory_tui.scenarios import user
from factory_tui.scenarios.user import Action, UserReplyError
from tests.scenarios.make import scenario

FRONT = """\
limits: {turns: 5}
setup: {files: {"map.json": '{"#design": ["design"]}'}}
user:
  knows: The file map.json is hers.
  hides: She emptied the group eng-web by accident today
  stops_when: she knows
  min_turns: 2
"""
SAMPLE = scenario(FRONT, steps="1. user: Ask {{sut}} what would happen.")
ENTITIES = {"sut": "/app/tool"}


def ran(output, step=1):
    data = {"exit": 0, "stdout": output, "stderr": ""}
    return {"kind": "run", "who": "product", "step": step, "text": "x", "data": data}


def test_the_player_sees_the_screen_and_not_what_is_behind_it():
    trajectory = [
        ran("would remove 3"),
        {"kind": "call", "who": "slack", "step": 1, "text": "POST /secret", "data": {}},
        {"kind": "twin", "who": "okta", "step": 1, "text": "behind her back", "data": {}},
    ]
    made = user.build(SAMPLE, trajectory, task="Ask {{sut}}.", turn=2, entities=ENTITIES)
    assert "would remove 3" in made.prompt
    assert "/secret" not in made.prompt
    assert "behind her back" not in made.prompt
    assert "Ask /app/tool." in made.prompt
    assert "map.json" in made.prompt
    assert "action number 2. Of at most 5. It is too early to be done." in made.prompt
    again = user.build(SAMPLE, trajectory, task="Ask {{sut}}.", turn=2, entities=ENTITIES)
    assert made == again
    later = user.build(SAMPLE, trajectory, task="Ask {{sut}}.", turn=3, entities=ENTITIES)
    assert "too early" not in later.prompt
    assert later.hash != made.hash


def test_only_a_scenario_with_a_user_can_be_played():
    with pytest.raises(ValueError, match="no `user` block"):
        user.build(scenario(), [], task="x", turn=1)


def test_an_action_is_read():
    reply = '```json\n{"why": "to\\nsee", "action": "Shell", "command": " ls "}\n```'
    assert user.parse(reply) == Action("shell", "ls", "to see")
    done = user.parse('{"action": "done", "command": "rm -rf /"}')
    assert (done.action, done.command) == ("done", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ls",
        '{"action": "dance"}',
        '{"action": "shell", "command": ""}',
        json.dumps({"action": "shell", "command": "x" * 3000}),
        json.dumps({"action": "shell", "command": "a\0b"}),
    ],
)
def test_a_reply_without_an_action_is_an_error(text):
    with pytest.raises(UserReplyError):
        user.parse(text)


def findings(*turns):
    return user.audit(SAMPLE, turns, task="Ask.", entities=ENTITIES)


def test_a_faithful_player_has_no_findings():
    assert (
        findings(
            (Action("shell", "/app/tool plan --config map.json"), []),
            (Action("shell", "/app/tool plan | grep ana@a.example"), [ran("remove ana@a.example")]),
            (Action("shell", "grep '#design' map.json"), []),
            (Action("done"), []),
        )
        == []
    )


def test_invented_facts_are_found():
    turns = (Action("shell", "tool remove bo@a.example '#eng' IT-7"), [ran("nothing")])
    assert findings(turns) == [
        "turn 1: the player invented `bo@a.example`",
        "turn 1: the player invented `#eng`",
        "turn 1: the player invented `IT-7`",
    ]


def test_leaving_early_and_telling_what_is_hidden_are_found():
    said = "echo she emptied the group eng-web by accident"
    assert findings((Action("shell", said), []), (Action("done"), [])) == [
        "turn 1: the player acted on what the person does not know",
        "turn 2: the player stopped before 2 turns",
    ]
    assert findings((Action("give_up"), [])) == []
