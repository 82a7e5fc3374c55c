"""The whole loop in its own process, with a played-back model: everything else is real."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_tui.config import Settings
from tests.engine.conftest import BAD, GOOD, Running, call, recording, text, write_tool

Start = Callable[..., Running]


def test_feedback_leads_to_a_satisfied_run(start: Start, tmp_path: Path) -> None:
    played = recording(tmp_path / "r.jsonl", write_tool(BAD), write_tool(GOOD))
    run = start(recording=str(played))
    assert run.finished().data["status"] == "satisfied"

    scored = run.events("iteration.scored")
    assert [e.data["overall"]["rate"] for e in scored] == [0.0, 1.0, 1.0]
    assert [e.data["confirmation"] for e in scored] == [False, False, True]
    assert scored[-1].data["satisfied"]
    assert scored[0].data["train"]["trials"] == 2
    assert scored[0].data["holdout"]["trials"] == 2

    told = run.events("feedback.sent")[0].data
    assert "The number of people is wrong" in told["text"]
    assert told["lint"] == "clean"

    row = run.store.run(run.id)
    assert row.status == "satisfied"
    assert row.iteration == 2
    assert row.tier == "A"
    spends = run.events("spend")
    assert row.spent_tokens == sum(e.data["tokens"] for e in spends)
    assert all(e.data["estimated"] for e in spends)
    assert {e.data["tool"] for e in run.events("agent.tool")} == {"write_file", "shell"}


def test_a_trial_keeps_what_the_drill_down_needs(start: Start, tmp_path: Path) -> None:
    from factory_tui.store import Traffic

    run = start(recording=str(recording(tmp_path / "r.jsonl", write_tool(GOOD))))
    run.finished()
    trial = run.store.trials(run.id, iteration=1, scenario="train-count")[0]
    assert trial.outcome == "satisfied"
    assert trial.source == "facts"
    verdict = run.store.verdict(trial.id)
    assert verdict is not None
    assert [f["ok"] for f in verdict.facts] == [True, True]
    steps = run.store.steps(trial.id)
    assert [s.kind for s in steps] == ["call", "run"]
    with Traffic.open(run.settings.runs / run.id / "traffic.db") as traffic:
        assert traffic.count(trial=trial.id) == 1
        assert traffic.page(offset=0, limit=9, trial=trial.id)[0].operation == "users.list"
        assert traffic.count(trial="workbench") == 1


def test_the_builder_never_hears_of_the_holdout(start: Start, tmp_path: Path) -> None:
    played = recording(tmp_path / "r.jsonl", write_tool(BAD), write_tool(BAD), write_tool(GOOD))
    run = start(recording=str(played))
    run.finished()
    said = []
    for context in run.store.contexts(run.id):
        said += [json.dumps(turn.payload) for turn in run.store.turns(context.id)]
    told = "\n".join(said)
    assert "holdout" not in told
    assert "people: 12" not in told.replace("people: 12\\n", "")  # what the tool itself printed


def test_it_gives_up_after_its_iterations(start: Start, tmp_path: Path) -> None:
    played = recording(tmp_path / "r.jsonl", *[write_tool(BAD)] * 4)
    run = start(recording=str(played))
    finished = run.finished().data
    assert finished["status"] == "unsatisfied"
    assert finished["iteration"] == 4


def test_a_recording_that_ends_early_is_said(start: Start, tmp_path: Path) -> None:
    run = start(recording=str(recording(tmp_path / "r.jsonl", write_tool(BAD))))
    finished = run.finished().data
    assert finished["status"] == "failed"
    assert "recording" in finished["detail"]


def test_kill_at_any_moment_and_resume(start: Start, tmp_path: Path) -> None:
    played = recording(tmp_path / "r.jsonl", write_tool(BAD), write_tool(GOOD))
    run = start(recording=str(played))
    for kind in ("agent.tool", "trial.started", "iteration.scored", "feedback.sent"):
        run.wait(lambda kind=kind: bool(run.events(kind)) or bool(run.events("run.finished")))
        pid = run.store.run(run.id).pid
        if pid and run.alive:
            os.kill(pid, signal.SIGKILL)
            run.wait(lambda: not run.alive)
            run.wake()
    assert run.finished().data["status"] == "satisfied"
    numbers = [e.data["n"] for e in run.events("iteration.started")]
    assert numbers == [1, 2]
    spent = sum(e.data["tokens"] for e in run.events("spend"))
    assert spent == run.store.run(run.id).spent_tokens
    git = str(run.settings.runs / run.id / "git")
    log = subprocess.run(
        ["git", "-C", git, "log", "--oneline", "main"], capture_output=True, text=True, check=True
    )
    assert len(log.stdout.splitlines()) == 2
    counted = [(t.iteration, t.scenario, t.n) for t in run.store.trials(run.id)]
    assert len(counted) == len(set(counted))
    assert run.store.run(run.id).spent_tokens == sum(row.tokens for row in run.store.ledger(run.id))


def test_pause_resume_stop(start: Start, tmp_path: Path) -> None:
    slow = [[call("shell", command="sleep 0.3")] for _ in range(40)]
    run = start(recording=str(recording(tmp_path / "r.jsonl", slow)))
    run.wait_for("agent.tool")
    run.ask("pause")
    run.wait_for("run.paused")
    calls = len(run.events("spend"))
    run.wait(lambda: len(run.events("control.done")) == 1)
    run.ask("budget", tokens=2_000_000)
    run.wait_for("budget.changed")
    assert len(run.events("spend")) <= calls + 1
    assert run.store.run(run.id).status == "paused"
    run.ask("resume")
    run.wait_for("run.resumed")
    run.wait(lambda: len(run.events("spend")) > calls + 1)
    run.ask("stop")
    assert run.finished().data["status"] == "stopped"


def test_an_exhausted_budget_pauses_and_raising_it_goes_on(start: Start, tmp_path: Path) -> None:
    played = recording(tmp_path / "r.jsonl", write_tool(GOOD))
    run = start(recording=str(played), tokens=3000)
    paused = run.wait_for("run.paused").data
    assert paused["reason"] == "budget"
    assert run.store.run(run.id).spent_tokens <= 3000
    assert not run.events("run.finished")
    run.ask("budget", tokens=1_000_000)
    assert run.finished().data["status"] == "satisfied"


def test_lowering_below_what_is_spent_pauses(start: Start, tmp_path: Path) -> None:
    slow = [[call("shell", command="sleep 0.3")] for _ in range(40)]
    run = start(recording=str(recording(tmp_path / "r.jsonl", slow)))
    run.wait(lambda: len(run.events("spend")) >= 2)
    run.ask("budget", tokens=1000)
    assert run.wait_for("run.paused").data["reason"] == "budget"
    run.ask("suspend")
    run.wait(lambda: not run.alive)
    assert run.store.run(run.id).status == "paused"


def test_a_spec_edit_reaches_the_builder(start: Start, tmp_path: Path) -> None:
    slow = [[call("shell", command="sleep 0.3")] for _ in range(20)]
    run = start(recording=str(recording(tmp_path / "r.jsonl", [*slow, [text("Done.")]])))
    run.wait_for("agent.tool")
    spec = run.settings.spec
    spec.write_text(spec.read_text() + "\nIt also says good-bye.\n")
    changed = run.wait_for("spec.changed").data
    assert "+It also says good-bye." in changed["diff"]
    run.wait_for("spec.delivered")
    context = run.store.contexts(run.id)[0]
    run.wait(
        lambda: any(
            "good-bye" in json.dumps(t.payload) and t.payload["kind"] == "steering"
            for t in run.store.turns(context.id)
        )
    )
    run.ask("stop")
    run.finished()


def test_a_hand_edit_is_undone_and_kept_as_a_patch(start: Start, tmp_path: Path) -> None:
    slow = [[call("shell", command="sleep 0.3")] for _ in range(12)]
    played = recording(tmp_path / "r.jsonl", [*write_tool(GOOD)[:2], *slow, [text("Done.")]])
    run = start(recording=str(played))
    run.wait(lambda: len(run.events("agent.tool")) >= 3)
    run.ask("pause")
    run.wait(lambda: bool(run.events("control.done")))
    calls = len(run.events("agent.tool"))
    run.wait(lambda: run.store.run(run.id).status == "paused")
    time.sleep(0.6)  # the command that was under way when the run was paused has ended by now
    assert len(run.events("agent.tool")) <= calls + 1
    tool = run.settings.runs / run.id / "workspace" / "tool"
    tool.write_text(BAD)
    run.ask("resume")
    undone = run.wait_for("handedit.undone").data
    assert undone["files"] == ["tool"]
    assert "people: 3" in (run.settings.folder / undone["patch"]).read_text()
    assert run.finished().data["status"] == "satisfied"


def test_more_trials_of_one_scenario_after_the_end(start: Start, tmp_path: Path) -> None:
    run = start(recording=str(recording(tmp_path / "r.jsonl", write_tool(GOOD))))
    run.finished()
    before = len(run.events("trial.finished"))
    run.ask("retry", scenario="holdout-count", trials=2)
    run.wake()
    run.wait(lambda: len(run.events("trial.finished")) == before + 2)
    run.wait(lambda: not run.alive)
    assert run.store.run(run.id).status == "satisfied"


def test_from_an_existing_code_base_and_out_again(start: Start, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "tool").write_text(GOOD)
    (source / "tool").chmod(0o755)
    played = recording(tmp_path / "r.jsonl", [[text("Nothing to do.")]])
    run = start(recording=str(played), seed_from=str(source))
    assert run.finished().data["status"] == "satisfied"
    from factory_tui.agent.workspace import Workspace

    place = run.settings.runs / run.id
    out = tmp_path / "out"
    Workspace(place / "workspace", place / "git").export(out)
    assert (out / "tool").read_text() == GOOD
    log = subprocess.run(
        ["git", "-C", str(out), "log", "--oneline"], capture_output=True, text=True, check=True
    )
    assert "Iteration 1" in log.stdout


def test_a_run_that_gave_up_goes_on_when_asked(start: Start, tmp_path: Path) -> None:
    played = recording(tmp_path / "r.jsonl", *[write_tool(BAD)] * 4, write_tool(GOOD))
    run = start(recording=str(played))
    assert run.finished().data["status"] == "unsatisfied"
    run.ask("budget", tokens=1)
    run.ask("resume")
    run.ask("budget", tokens=1_000_000)
    run.wake()
    run.wait(lambda: len(run.events("run.finished")) == 2)
    assert [e.iteration for e in run.events("feedback.sent")] == [1, 2, 3, 4]
    assert run.events("run.finished")[-1].data == {
        "status": "satisfied",
        "detail": "",
        "iteration": 5,
    }


def test_without_a_box_it_works_when_asked_and_says_so(start: Start, tmp_path: Path) -> None:
    played = recording(tmp_path / "r.jsonl", write_tool(GOOD))
    run = start(recording=str(played), unsandboxed=True)
    assert run.finished().data["status"] == "satisfied"
    assert run.events("run.started")[0].data["tier"]["letter"] == "E"
    assert {t.tier for t in run.store.trials(run.id)} == {"E"}


def test_a_spec_edit_while_no_process_runs_is_journaled_and_told(
    start: Start, tmp_path: Path
) -> None:
    slow = [[call("shell", command="sleep 0.2")] for _ in range(30)]
    run = start(recording=str(recording(tmp_path / "r.jsonl", [*slow, [text("Done.")]])))
    run.wait(lambda: len(run.events("agent.tool")) >= 2)
    run.ask("suspend")
    run.wait(lambda: not run.alive)
    spec = run.settings.spec
    spec.write_text(spec.read_text() + "\nIt also says good-bye.\n")
    run.ask("resume")
    run.wake()
    assert "+It also says good-bye." in run.wait_for("spec.changed").data["diff"]
    run.wait_for("spec.delivered")
    run.ask("stop")
    run.finished()


def test_the_vault_cannot_be_seeded_into_the_workspace(start: Start, settings: Settings) -> None:
    from factory_tui.engine.launch import BadInput

    with pytest.raises(BadInput, match="must not see"):
        start(recording="unused", seed_from=str(settings.folder))


def test_a_live_run_is_not_removed_and_stops_within_a_trial(start: Start, tmp_path: Path) -> None:
    sleeper = "#!/bin/sh\ncase $0 in /app/*) sleep 100;; esac\n"
    played = recording(tmp_path / "r.jsonl", write_tool(sleeper))
    run = start(recording=str(played))
    run.wait_for("trial.started")
    command = [sys.executable, "-m", "factory_tui", "rm", run.id, "--yes", "--factory"]
    removed = subprocess.run(
        [*command, str(run.settings.runs.parent)], capture_output=True, text=True, timeout=100
    )
    assert removed.returncode == 2
    assert "is going on; stop it first" in removed.stderr
    run.ask("stop")
    assert run.finished().data["status"] == "stopped"
    assert run.store.run(run.id).id == run.id
