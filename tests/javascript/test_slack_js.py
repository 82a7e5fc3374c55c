"""``@slack/web-api`` and ``@slack/socket-mode``, unmodified, against the Slack twin."""

from typing import Any

import pytest

from factory_tui.universe import Courier, Universe
from tests.javascript.conftest import RunJs
from tests.twins.conftest import MakeUniverse, Serve


class Twin:
    """A workspace with every kind of token, and Node scripts that use it."""

    def __init__(self, universe: Universe, url: str, run_js: RunJs) -> None:
        state = universe.twins["slack"]
        state.pack.stand_alone(state)
        self.universe = universe
        self.env = universe.env("slack", url)
        rooms = {row["name"]: row["id"] for row in state["channels"].rows()}
        owner = next(row for row in state["users"].rows() if row["owner"])
        self.room = str(rooms["it"])
        self.places = {"ROOM": self.room, "PERSON": str(owner["id"])}
        universe.apply("slack", "add_to_channel", {"channel": "it", "users": [owner["email"]]})
        self._run = run_js

    async def run(self, script: str) -> Any:
        return await self._run("slack.mjs", script, **self.env, **self.places)


@pytest.fixture
async def twin(make_universe: MakeUniverse, served: Serve, run_js: RunJs) -> Twin:
    universe = make_universe("slack", seeds={"slack": "acme-12"})
    return Twin(universe, await served(universe, "slack"), run_js)


async def test_a_message_with_blocks_is_posted_and_read_back(twin: Twin) -> None:
    answer = await twin.run("message")
    assert answer["newest"]["ts"] == answer["posted"]["ts"]
    assert answer["newest"]["blocks"][0]["text"]["text"] == "*hello*"
    assert answer["newest"]["metadata"]["event_payload"] == {"loud": True}
    seen = [row["ts"] for row in twin.universe.view("slack")["messages"]]
    assert seen == [answer["posted"]["ts"]]


async def test_the_client_follows_cursors(twin: Twin) -> None:
    answer = await twin.run("pages")
    state = twin.universe.twins["slack"]
    assert answer["channels"] == [row["id"] for row in state["channels"].rows()]
    inside = [row["user"] for row in state["members"].rows() if row["channel"] == twin.room]
    assert sorted(answer["members"]) == sorted(inside)
    assert answer["pages"] > 1


async def test_files_go_up_in_one_call(twin: Twin) -> None:
    answer = await twin.run("upload")
    assert [file["name"] for file in answer["files"]] == ["plan.csv", "raw.bin"]
    assert sorted(file["size"] for file in answer["listed"]) == [3, 20]
    message = twin.universe.view("slack")["messages"][0]
    assert message["text"] == "two files"


async def test_errors_reach_the_program(twin: Twin) -> None:
    answer = await twin.run("errors")
    platform = answer["platform"]["data"]
    assert platform["error"] == "invalid_blocks"
    assert "less than 3001" in platform["response_metadata"]["messages"][1]
    assert answer["token"]["data"]["error"] == "invalid_auth"
    assert answer["kind"]["data"]["error"] == "not_allowed_token_type"
    assert answer["scope"]["data"]["error"] == "not_allowed_token_type"


async def test_the_client_waits_out_a_rate_limit(twin: Twin) -> None:
    for n in (1, 3):
        twin.universe.faults.add({"twin": "slack", "match": "users.info", "nth": n, "reply": 429})
    answer = await twin.run("limits")
    assert (answer["asked"], answer["ok"]) == (1, True)
    assert answer["said"]["code"] == "slack_webapi_rate_limited_error"


async def test_a_reply_is_streamed(twin: Twin) -> None:
    answer = await twin.run("stream")
    assert answer["message"]["text"] == "**hello world**"


async def test_many_areas_through_one_client(twin: Twin) -> None:
    answer = await twin.run("wide")
    assert answer["archived"]["ok"] is True
    assert answer["record"]["item"]["list_id"] == answer["list"]["list_id"]
    assert twin.universe.crashes == []
    assert twin.universe.gaps == []


async def test_socket_mode_hears_a_message_and_acknowledges_it(twin: Twin) -> None:
    async with Courier(twin.universe):
        event = await twin.run("socket")
    assert (event["type"], event["text"]) == ("message", "over the socket")
    sent = [e for e in twin.universe.tap if e.direction == "out"]
    assert sent and all(e.status == 200 for e in sent[:1])
