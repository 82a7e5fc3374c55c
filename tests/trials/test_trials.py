"""Trials end to end: real host processes, real boxes, real twins, small products."""

import asyncio
import json
import os
import signal

import pytest

from factory_tui.scenarios import user
from factory_tui.trials import HarnessFault, Pool, perform
from tests.trials.conftest import MakeJob, tried

CALLER = """#!/usr/bin/python3 -IS
import http.client, json, os, sys, urllib.parse
url = urllib.parse.urlsplit(os.environ["SLACK_URL"])
c = http.client.HTTPConnection(url.hostname, url.port)
c.request("GET", url.path + "users.list?limit=5",
          headers={"authorization": "Bearer " + os.environ["SLACK_TOKEN"]})
answer = json.loads(c.getresponse().read())
print("people:", len(answer["members"]))
open("report.txt", "w").write("seen")
"""


async def test_steps_are_performed_and_facts_checked(pool: Pool, job: MakeJob) -> None:
    report, exchanges = await tried(
        pool,
        job(
            CALLER,
            "1. run: `{{sut}}`\n2. run: `cat greeting.txt`\n3. clock: +1h",
            "- must fact: cmd[1].output contains people: 5\n"
            "- must fact: cmd[2].output contains hello\n"
            "- must fact: files[report.txt] == seen\n"
            "- must fact: calls.slack[step=1].count == 1\n"
            "- must fact: cmd[1].exit == 3",
        ),
    )
    assert [f["ok"] for f in report.facts] == [True, True, True, True, False]
    assert report.facts[4]["actual"] == "0"
    assert [e["kind"] for e in report.trajectory] == ["call", "run", "run", "clock"]
    assert [e["step"] for e in report.trajectory] == [1, 1, 2, 3]
    assert exchanges[0]["operation"] == "users.list"
    token = report.entities["env"]["SLACK_TOKEN"]
    assert token not in str(exchanges[0]["request_headers"])


async def test_the_same_seed_gives_the_same_trajectory(pool: Pool, job: MakeJob) -> None:
    made = job(CALLER, "1. run: `{{sut}}`", "- must fact: cmd[1].exit == 0", "vary: [ids, names]")
    first, second = [(await tried(pool, made))[0] for _ in range(2)]
    for report in (first, second):
        for entry in report.trajectory:
            entry["data"].pop("seconds", None)
    assert json.dumps(first.trajectory) == json.dumps(second.trajectory)


async def test_a_product_that_hangs_is_stopped(pool: Pool, job: MakeJob) -> None:
    report, _ = await tried(
        pool,
        job(
            "#!/bin/sh\nsleep 1000\n",
            "1. run: `{{sut}}`",
            "- must fact: cmd[1].exit == 0",
            wall_s=0.5,
        ),
    )
    assert report.trajectory[0]["data"]["killed"] == "wall"
    assert not report.facts[0]["ok"]


async def test_hostile_output_is_cleaned(pool: Pool, job: MakeJob) -> None:
    report, _ = await tried(
        pool,
        job(
            "#!/bin/sh\nprintf 'a\\033]52;c;aGk=\\007b\\033[2Jc\\302\\2332Kd\\342\\200\\256e'\n",
            "1. run: `{{sut}}`",
            "- must fact: cmd[1].exit == 0",
        ),
    )
    assert report.trajectory[0]["data"]["stdout"] == "abcde"


class Scripted:
    """A simulated user with prepared words."""

    def __init__(self, *actions: tuple[str, str]) -> None:
        self.actions = list(actions)
        self.prompts: list[str] = []

    async def answer(self, request: user.UserRequest, turn: int) -> str:
        self.prompts.append(request.prompt)
        action, command = self.actions.pop(0)
        return json.dumps({"why": "because", "action": action, "command": command})


PERSON = """persona: Dana
user:
  drives: [shell]
  knows: There is a program.
  stops_when: It answered.
limits: {turns: 4}"""


async def test_a_simulated_user_acts_and_sees(pool: Pool, job: MakeJob) -> None:
    mind = Scripted(("shell", "/app/tool"), ("done", ""))
    made = job(CALLER, "1. user: Try it.", "- must fact: calls.slack.count == 1", PERSON)
    report, _ = await tried(pool, made, mind)
    assert report.void == ""
    assert [f["ok"] for f in report.facts] == [True]
    assert "people: 5" in mind.prompts[1]
    assert "users.list" not in mind.prompts[1]


async def test_a_user_that_invents_voids_the_trial(pool: Pool, job: MakeJob) -> None:
    mind = Scripted(("shell", "/app/tool --for somebody@else.example"), ("done", ""))
    made = job(CALLER, "1. user: Try it.", "- must fact: calls.slack.count == 1", PERSON)
    report, _ = await tried(pool, made, mind)
    assert "somebody@else.example" in report.void


async def test_a_dead_host_is_a_fault_and_is_replaced(pool: Pool, job: MakeJob) -> None:
    made = job("#!/bin/sh\nsleep 30\n", "1. run: `{{sut}}`", "- must fact: cmd[1].exit == 0")
    async with pool.host() as host:
        running = asyncio.create_task(perform(host, made, None, lambda rows: None))
        await asyncio.sleep(0.5)
        assert host.process is not None
        os.kill(host.process.pid, signal.SIGKILL)
        with pytest.raises(HarnessFault):
            await running
    quick = job("#!/bin/sh\nexit 0\n", "1. run: `{{sut}}`", "- must fact: cmd[1].exit == 0")
    report, _ = await tried(pool, quick)
    assert report.facts[0]["ok"]


async def test_a_setup_that_cannot_be_done_is_a_fault(pool: Pool, job: MakeJob) -> None:
    made = job(
        CALLER,
        "1. slack: archive_channel {name: nowhere}",
        "- must fact: calls.slack.count == 0",
    )
    with pytest.raises(HarnessFault, match="nowhere"):
        await tried(pool, made)
