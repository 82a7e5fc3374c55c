"""What the twins held when a trial ended: kept rows, marked changes, clean text."""

import json
from pathlib import Path

from factory_tui.store import Traffic
from factory_tui.trials import Pool
from factory_tui.trials.endstate import end_state
from factory_tui.universe import Universe, load_packs
from tests.trials.conftest import MakeJob, tried

TWINS = Path(__file__).parents[2] / "twins"

WRITER = """#!/usr/bin/python3 -IS
import http.client, json, os, urllib.parse
url = urllib.parse.urlsplit(os.environ["SLACK_URL"])
c = http.client.HTTPConnection(url.hostname, url.port)
head = {"authorization": "Bearer " + os.environ["SLACK_TOKEN"], "content-type": "application/json"}
c.request("POST", url.path + "conversations.create", json.dumps({"name": "made-by-it"}), head)
made = json.loads(c.getresponse().read())["channel"]["id"]
body = {"channel": made, "text": "hi \\u202e there"}
c.request("POST", url.path + "chat.postMessage", json.dumps(body), head)
print(c.getresponse().status)
"""


async def test_a_trial_reports_what_its_product_changed(
    pool: Pool, job: MakeJob, tmp_path: Path
) -> None:
    report, _ = await tried(pool, job(WRITER, "1. run: `{{sut}}`", "- must fact: cmd[1].exit == 0"))
    slack = report.state["slack"]
    views = {c["name"]: c for c in slack if c["kind"] == "view"}
    tables = {c["name"]: c for c in slack if c["kind"] == "table"}
    names = [row["row"]["name"] for row in views["channels"]["rows"]]
    assert "made-by-it" in names and views["channels"]["count"] == len(names)
    changed = [c for c in tables.values() if c["inserted"] or c["updated"] or c["deleted"]]
    assert changed and list(tables.values())[: len(changed)] == changed, "changes come first"
    made = [r for r in tables["channels"]["rows"] if r["mark"] == "inserted"]
    assert len(made) == 1 and "made-by-it" in json.dumps(made[0]["row"])
    assert "\u202e" not in json.dumps(report.state, ensure_ascii=False)
    with Traffic.open(tmp_path / "traffic.db") as traffic:
        assert traffic.state("t") is None
        traffic.save_state("t", {"old": []})
        traffic.save_state("t", report.state)
        assert traffic.state("t") == json.loads(json.dumps(report.state))


def test_updates_keep_what_was_and_big_tables_are_cut() -> None:
    packs = load_packs(TWINS, ["slack"])
    universe = Universe(packs, seeds={"slack": "acme-300"})
    start = universe.snapshot()
    users = universe.twins["slack"].tables["users"]
    first, second = list(users)[:2]
    row = users.draft(first)
    row["deleted"] = True
    users.put(first, row)
    users.delete(second)
    found = end_state(universe, start, {})
    table = next(c for c in found["slack"] if c["name"] == "users")
    assert (table["inserted"], table["updated"], table["deleted"]) == (0, 1, 1)
    marks = {r["mark"]: r for r in table["rows"]}
    assert marks["updated"]["before"] != marks["updated"]["row"] and "row" in marks["deleted"]
    assert table["count"] == len(users) and 2 < len(table["rows"]) < 100
