"""``@slack/web-api``, unmodified, against the Slack twin."""

from tests.javascript.conftest import RunJs
from tests.twins.conftest import MakeUniverse, Serve


async def test_a_message_with_blocks_is_posted_and_read_back(
    make_universe: MakeUniverse, served: Serve, run_js: RunJs
) -> None:
    universe = make_universe("slack", seeds={"slack": "acme-12"})
    url = await served(universe, "slack")
    answer = await run_js("slack.mjs", "message", **universe.env("slack", url))
    assert answer["newest"]["ts"] == answer["posted"]["ts"]
    assert answer["newest"]["blocks"][0]["text"]["text"] == "*hello*"
    assert [row["ts"] for row in universe.view("slack")["messages"]] == [answer["posted"]["ts"]]
