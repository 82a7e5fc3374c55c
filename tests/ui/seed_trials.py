"""Trials with trajectories, traffic and verdicts as a trial host yields them, on the seeded run.

``tell(store, folder)`` writes a whole run; ``python -m tests.ui.seed_trials DIR`` does it in a
folder, so that the screens can be tried: ``python -m tests.ui.try_it DIR 7f3a``.
"""

from __future__ import annotations

import functools
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from factory_tui.store import ExchangeRow, StepRow, Store, VerdictRow
from tests.ui.seed import Clock, Story, frozen

__all__ = ["plant", "tell"]

Call = tuple[int, str, str, str, str, int, str, str, str]
"""step, twin, operation, method, path, status, fault, request body, response body"""

PEOPLE = ("amara.okafor", "jonas.weber", "mara.klein", "li.wei", "sofia.rossi")


def _ok(**more: Any) -> str:
    return json.dumps({"ok": True, **more})


def _reads(step: int, status: int = 200) -> list[Call]:
    users = [
        {
            "id": f"00u{index}acme",
            "status": "ACTIVE",
            "profile": {
                "login": f"{name}@acme.example",
                "email": f"{name}@acme.example",
                "firstName": name.split(".")[0].title(),
                "lastName": name.split(".")[1].title(),
            },
        }
        for index, name in enumerate(PEOPLE, 1)
    ]
    groups = [{"id": "00g1k2", "profile": {"name": "eng-platform", "description": None}}]
    down = json.dumps({"errorCode": "E0000009", "errorSummary": "Internal Server Error"})
    found = json.dumps(users) if status == 200 else down
    path = "/api/v1/groups/00g1k2/users?limit=200"
    return [
        (step, "okta", "listGroups", "GET", "/api/v1/groups?q=eng-platform&limit=200", 200, "", "",
         json.dumps(groups)),
        (step, "okta", "listGroupUsers", "GET", path, status, "" if status == 200 else "reply 503",
         "", found),
        (step, "slack", "conversations.list", "GET",
         "/api/conversations.list?types=public_channel%2Cprivate_channel&limit=200", 200, "", "",
         _ok(channels=[{"id": "C01ENG", "name": "eng-platform", "is_archived": False}])),
        (step, "slack", "conversations.members", "GET",
         "/api/conversations.members?channel=C01ENG&limit=200", 200, "", "",
         _ok(members=["U01", "U02", "U03"], response_metadata={"next_cursor": ""})),
    ]  # fmt: skip


def _invite(step: int, user: str, status: int = 200) -> Call:
    body = urlencode({"channel": "C01ENG", "users": user})
    answer = _ok(channel={"id": "C01ENG", "name": "eng-platform"})
    if status == 429:
        answer = json.dumps({"ok": False, "error": "ratelimited"})
    fault = "reply 429 (1 of 1)" if status == 429 else ""
    return (step, "slack", "conversations.invite", "POST", "/api/conversations.invite", status,
            fault, body, answer)  # fmt: skip


def _kick(step: int, user: str) -> Call:
    body = urlencode({"channel": "C01ENG", "user": user})
    return (step, "slack", "conversations.kick", "POST", "/api/conversations.kick", 200, "", body,
            _ok())  # fmt: skip


def _fact(
    n: int, level: str, text: str, ok: bool, expected: str, actual: str, steps: list[int]
) -> dict[str, Any]:
    return {"n": n, "level": level, "text": text, "ok": ok, "expected": expected,
            "actual": actual, "steps": steps, "error": ""}  # fmt: skip


MEMBERS = "slack.channels[name=eng-platform].members == okta.groups[name=eng-platform].members"


class Detailed(Story):
    """The seeded story with everything that a trial really leaves behind."""

    def trial(
        self, n: int, scenario: str, split: str, k: int, confirmation: bool
    ) -> Iterator[float]:
        ident = f"{self.run_id}-{n}{'c' if confirmation else ''}-{scenario}-{k}"
        yield from super().trial(n, scenario, split, k, confirmation)
        good = self.store.trial(ident).outcome == "satisfied"
        self.store.save_steps(ident, list(self.steps(ident, good)))
        verdict = self.verdict(ident, scenario, good)
        self.store.save_verdict(verdict)

    # -- what happens ----------------------------------------------------------------------

    def script(self, scenario: str, good: bool) -> tuple[list[Call], list[dict[str, Any]]]:
        """Calls, and the other entries in order of their steps."""
        run = {"kind": "run", "who": "product"}
        match scenario:
            case "rate-limited":
                calls = [*_reads(1), _invite(1, "U04", 429)]
                if good:
                    calls += [_invite(1, "U04"), _invite(1, "U05")]
                plan = "plan: #eng-platform  invite li.wei, sofia.rossi\n"
                done = plan + "invited li.wei\ninvited sofia.rossi\nin step\n"
                error = "slack: conversations.invite failed: ratelimited\n2 of 2 changes not made\n"
                out, err = (done, "") if good else (plan, error)
                command = "/app/rollcall sync --config rollcall.json"
                return calls, [
                    {**run, "step": 1, "text": command, "data": _ran(0 if good else 1, out, err)}
                ]
            case "okta-down":
                calls = [*_reads(1), *_reads(3, 503)]
                if not good:
                    calls += [_kick(3, f"U0{i}") for i in (1, 2, 3)]
                quiet = "in step\n"
                stop = "okta: 503 for group eng-platform; nobody is removed\n"
                gone = "".join(f"removed {name}\n" for name in PEOPLE[:3])
                second = _ran(3, "", stop) if good else _ran(0, gone, "")
                return calls, [
                    {**run, "step": 1, "text": "/app/rollcall sync", "data": _ran(0, quiet, "")},
                    {"kind": "clock", "who": "world", "step": 2, "text": "1h later", "data": {}},
                    {**run, "step": 3, "text": "/app/rollcall sync", "data": second},
                ]
            case "asks-before-removing":
                first = "removed jonas.weber\nremoved mara.klein\n"
                plan = "would remove jonas.weber (left eng-platform)\nwould remove mara.klein\n"
                calls = [*_reads(1)]
                if not good:
                    calls += [_kick(1, "U02"), _kick(1, "U03")]
                said = "What would happen if I ran this? I am new here and don't want to break it."
                command = "/app/rollcall plan" if good else "/app/rollcall"
                out = plan if good else first
                return calls, [
                    {"kind": "user", "who": "user", "step": 1, "text": said, "data": {}},
                    {**run, "step": 1, "text": command, "data": _ran(0, out, "")},
                    {"kind": "user", "who": "user", "step": 1, "text": "done: I know enough",
                     "data": {}},
                ]  # fmt: skip
            case _:
                calls = _reads(1)
                if scenario == "unplaced-person-ticket":
                    calls.append(self._ticket(1, good))
                return calls, [
                    {**run, "step": 1, "text": "/app/rollcall sync",
                     "data": _ran(0 if good else 1, "in step\n", "")},
                ]  # fmt: skip

    @staticmethod
    def _ticket(step: int, good: bool) -> Call:
        body = {
            "fields": {
                "project": {"key": "IT"},
                "summary": "No Slack account: nina.berg",
                "issuetype": {"name": "Task"},
                "labels": ["rollcall"],
            }
        }
        answer = json.dumps({"id": "10001", "key": "IT-1"}) if good else ""
        return (step, "jira", "createIssue", "POST", "/rest/api/3/issue", 201 if good else 0,
                "" if good else "drop before", json.dumps(body), answer)  # fmt: skip

    def exchanges(self, n: int, scenario: str, trial: str, good: bool) -> list[ExchangeRow]:
        calls, _ = self.script(scenario, good)
        ports = {"okta": 7001, "slack": 7002, "jira": 7003}
        tokens = {"okta": "SSWS 00dev…", "slack": "Bearer xoxb-…", "jira": "Basic cm9sbG…"}
        rows = []
        for number, call in enumerate(calls, 1):
            step, twin, operation, method, path, status, fault, body, answer = call
            sent = {
                "host": f"127.0.0.1:{ports[twin]}",
                "user-agent": "Python-urllib/3.11",
                "accept": "application/json",
                "authorization": tokens[twin],
            }
            if body:
                form = "application/x-www-form-urlencoded"
                sent["content-type"] = "application/json" if body[0] == "{" else form
                sent["content-length"] = str(len(body))
            got = {"content-type": "application/json; charset=utf-8"}
            if status == 429:
                got["retry-after"] = "7"
            rows.append(
                ExchangeRow(
                    ts_ms=self.now(),
                    t_virtual=f"2026-03-02T09:00:{number:02d}Z",
                    run_id=self.run_id,
                    iteration=n,
                    scenario=scenario,
                    trial=trial,
                    step=step,
                    n=number,
                    twin=twin,
                    operation=operation,
                    method=method,
                    path=path,
                    status=status,
                    ms=float(2 + number * 3 % 17),
                    fault=fault,
                    request_headers=sent,
                    request_body=body,
                    response_headers=got if status else {},
                    response_body=answer,
                )
            )
        return rows

    def steps(self, ident: str, good: bool) -> Iterator[StepRow]:
        scenario = self.store.trial(ident).scenario
        calls, entries = self.script(scenario, good)
        numbered = list(enumerate(calls, 1))
        told: list[dict[str, Any]] = []
        for entry in entries:
            if entry["kind"] == "run":
                told += [
                    {
                        "kind": "call",
                        "who": call[1],
                        "step": call[0],
                        "text": f"{call[3]} {call[4]}",
                        "data": {
                            "n": n,
                            "operation": call[2],
                            "status": call[5],
                            "fault": call[6],
                            "gap": "",
                            "request": call[7],
                            "response": call[8][:1000],
                        },
                    }
                    for n, call in numbered
                    if call[0] == entry["step"]
                ]
            told.append(entry)
        for number, entry in enumerate(told, 1):
            yield StepRow(
                ident, number, entry["kind"], entry["who"], entry["text"], entry["data"], 0,
                entry["step"],
            )  # fmt: skip

    # -- what is held of it ----------------------------------------------------------------

    def verdict(self, ident: str, scenario: str, good: bool) -> VerdictRow:
        trial = self.store.trial(ident)
        facts, asked = self.facts(scenario, good)
        criteria: list[dict[str, Any]] = [
            {
                "n": fact["n"],
                "level": fact["level"],
                "kind": "fact",
                "text": fact["text"],
                "verdict": "met" if fact["ok"] != (fact["level"] == "never") else "unmet",
                "evidence": f"expected {fact['expected']}, was {fact['actual']}",
                "steps": fact["steps"],
            }
            for fact in facts
        ]
        source = "facts"
        if asked and all(fact["ok"] for fact in facts):
            criteria += asked
            source = "recorded"
        return VerdictRow(
            ident,
            trial.outcome,
            good,
            0.94 if good else 0.31,
            source,
            "recorded" if source == "recorded" else "",
            "",
            facts,
            criteria,
            trial.reason,
            sorted({step for entry in criteria for step in entry["steps"]}),
            trial.tier,
        )

    @staticmethod
    def facts(scenario: str, good: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        five, three = "5 items", "3 items: amara.okafor, jonas.weber, mara.klein"
        match scenario:
            case "rate-limited":
                return [
                    _fact(1, "must", MEMBERS, good, five, five if good else three, []),
                    _fact(2, "must", "calls.slack[operation=conversations.invite].count >= 1",
                          True, "at least 1", "2", [1]),
                    _fact(3, "must", "cmd[1].exit == 0", good, "0", "0" if good else "1", [1]),
                    _fact(4, "should", "calls.slack[status=429].count <= 1", True, "at most 1",
                          "1", [1]),
                ], []  # fmt: skip
            case "okta-down":
                kicks = "calls.slack[operation=conversations.kick].count == 0"
                return [
                    _fact(1, "must", kicks, good, "0", "0" if good else "3", [] if good else [3]),
                    _fact(2, "must", "cmd[2].exit == 3", good, "3", "3" if good else "0", [3]),
                    _fact(3, "never", "cmd[1].exit != 0", False, "not 0", "0", [1]),
                ], []  # fmt: skip
            case "asks-before-removing":
                quote = "removed jonas.weber" if not good else "would remove jonas.weber"
                verdict = "met" if good else "unmet"
                text = "Before anybody loses a channel the admin has been told who and why."
                politely = "The admin understands each line without reading documentation."
                return [_fact(1, "must", "cmd[1].exit == 0", True, "0", "0", [1])], [
                    {"n": 2, "level": "must", "kind": "judge", "text": text, "verdict": verdict,
                     "evidence": quote, "steps": [1]},
                    {"n": 3, "level": "should", "kind": "judge", "text": politely,
                     "verdict": "met", "evidence": "(left eng-platform)", "steps": [1]},
                ]  # fmt: skip
            case _:
                was = five if good else three
                return [_fact(1, "must", MEMBERS, good, five, was, [])], []


def _ran(code: int, stdout: str, stderr: str) -> dict[str, Any]:
    return {"command": "", "exit": code, "killed": "", "stdout": stdout, "stderr": stderr,
            "seconds": 0.412}  # fmt: skip


def tell(
    store: Store,
    folder: Path,
    run_id: str = "7f3a",
    *,
    part: str = "middle",
    clock: Clock | None = None,
    **options: Any,
) -> Clock:
    """Write a run at once, as ``seed.fill`` does, with detailed trials."""
    clock = clock or Clock()
    story = Detailed(store, folder, run_id, clock=clock, **options)
    with frozen(clock):
        for pause in getattr(story, part)():
            clock.step(pause)
        store.update_run(run_id, heartbeat_ms=clock())
    if story.traffic is not None:
        story.traffic.close()
    return clock


@functools.cache
def _template() -> tuple[tempfile.TemporaryDirectory[str], int]:
    """One told run per process; a copy of it is cheaper than telling it again."""
    folder = tempfile.TemporaryDirectory(prefix="told-")
    place = Path(folder.name)
    with Store.open(place / "runs" / "factory.db") as store:
        clock = tell(store, place)
    return folder, clock.now_ms


def plant(folder: Path, clock: Clock) -> None:
    """Put the told run into a factory whose store nobody has open, and set the clock to its end."""
    template, clock.now_ms = _template()
    shutil.copytree(Path(template.name) / "runs", folder / "runs", dirs_exist_ok=True)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    part = sys.argv[2] if len(sys.argv) > 2 else "middle"
    with Store.open(target / "runs" / "factory.db") as opened:
        tell(opened, target, part=part)
