"""Answers against the published response samples, where they are at hand."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def samples(request: pytest.FixtureRequest) -> Path:
    folder = request.config.rootpath.parent / "shared/api/slack/samples/api"
    if not folder.is_dir():
        pytest.skip("Slack's response samples are not at hand")
    return folder


NOT_SAMPLED = {
    # The sample pins a file and opens a group message; these pin a message and open a direct one.
    "reactions.get /message/pinned_info: not in the sample",
    "reactions.get /message/pinned_to: not in the sample",
    "pins.list /items[]/channel: not in the sample",
    "pins.list /items[]/message: not in the sample",
    "conversations.open /channel/is_user_deleted: not in the sample",
}


def _strange(value: Any, sample: Any, messages: Any, at: str = "") -> list[str]:
    """Keys of ``value`` that the sample does not have, and values of another type."""
    if value is None or sample is None:
        return []
    if isinstance(value, dict) and isinstance(sample, dict):
        found = []
        # Samples were taken of particular messages; what one may have, any may have.
        sample = {**sample, **messages} if {"type", "user", "text"} <= value.keys() else sample
        for key, item in value.items():
            if item is None:
                continue
            if key not in sample:
                if sample:
                    found.append(f"{at}/{key}: not in the sample")
            else:
                found += _strange(item, sample[key], messages, f"{at}/{key}")
        return found
    if isinstance(value, list) and isinstance(sample, list):
        first = sample[0] if sample else None
        return [p for item in value for p in _strange(item, first, messages, f"{at}[]")]
    number = (int, float)
    same = type(value) is type(sample) or (
        isinstance(value, number) and isinstance(sample, number) and not isinstance(value, bool)
    )
    return [] if same else [f"{at}: {type(value).__name__} is not {type(sample).__name__}"]


def test_answers_have_the_sampled_shape(workspace: Any, samples: Path) -> None:
    room, person = workspace.channel("it"), workspace.user("it", 1)
    outsider = workspace.user("design", 1)
    ts = workspace("chat.postMessage", channel=room, text="x")["ts"]
    reply = {"channel": room, "text": "y", "thread_ts": ts}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("auth.test", {}),
        ("users.list", {}),
        ("users.info", {"user": person}),
        ("users.lookupByEmail", {"email": workspace.universe.pick("it", 1)["email"]}),
        ("users.conversations", {"user": person}),
        ("conversations.list", {}),
        ("conversations.info", {"channel": room}),
        ("conversations.members", {"channel": room}),
        ("conversations.create", {"name": "new"}),
        ("conversations.invite", {"channel": room, "users": outsider}),
        ("conversations.kick", {"channel": room, "user": outsider}),
        ("conversations.setTopic", {"channel": room, "topic": "t"}),
        ("conversations.join", {"channel": room}),
        ("conversations.open", {"users": person, "return_im": True}),
        ("chat.postMessage", reply),
        ("chat.update", {"channel": room, "ts": ts, "text": "z"}),
        ("chat.getPermalink", {"channel": room, "message_ts": ts}),
        ("conversations.history", {"channel": room}),
        ("conversations.replies", {"channel": room, "ts": ts}),
        ("pins.add", {"channel": room, "timestamp": ts}),
        ("pins.list", {"channel": room}),
        ("reactions.add", {"channel": room, "timestamp": ts, "name": "eyes"}),
        ("reactions.get", {"channel": room, "timestamp": ts}),
        ("team.info", {}),
        ("bots.info", {}),
        ("usergroups.create", {"name": "g", "handle": "g"}),
        ("usergroups.list", {}),
        ("reminders.add", {"text": "x", "time": 60}),
        ("bookmarks.add", {"channel_id": room, "title": "t", "type": "link", "link": "http://x"}),
    ]
    messages: dict[str, Any] = {}
    for name, key in (("chat.postMessage", "message"), ("conversations.history", "messages"),
                      ("conversations.replies", "messages")):  # fmt: skip
        found = json.loads((samples / f"{name}.json").read_text())[key]
        messages = {**(found if isinstance(found, dict) else found[0]), **messages}
    problems = []
    for method, args in asked:
        answer = workspace(method, **args)
        assert answer["ok"] is True, (method, answer)
        sample = json.loads((samples / f"{method}.json").read_text())
        problems += [f"{method} {problem}" for problem in _strange(answer, sample, messages)]
    problems = [problem for problem in problems if problem not in NOT_SAMPLED]
    assert not problems, "\n".join(sorted(set(problems)))


def test_every_described_method_is_known(workspace: Any, samples: Path) -> None:
    for path in samples.glob("*.json"):
        answer = workspace.raw(path.stem, {}, authorization="").data()
        assert answer.get("error") != "unknown_method", path.stem
