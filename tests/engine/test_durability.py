"""What must not be lost, repeated or mixed up: over kills, edits and restarts."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_tui import process
from factory_tui.store import Store
from tests.engine.conftest import (
    BAD,
    GOOD,
    SCENARIO,
    Running,
    call,
    played,
    recording,
    text,
    write_tool,
)

Start = Callable[..., Running]


def shells(count: int, command: str = "sleep 0.3") -> list[list[dict[str, object]]]:
    return [[call("shell", command=f"{command} # {n}")] for n in range(count)]


@pytest.mark.slow
def test_wished_for_trials_survive_a_kill_and_come_before_the_end(
    start: Start, tmp_path: Path
) -> None:
    slow = [*write_tool(BAD)[:2], [text("Done.")]]
    second = [*shells(6), *write_tool(GOOD)]
    run = start(recording=str(recording(tmp_path / "r.jsonl", slow, second)))
    run.wait_for("iteration.scored")
    run.ask("retry", scenario="train-count", trials=3)
    run.ask("retry", scenario="no such one", trials=2)
    run.wait(lambda: len(run.events("control.done")) == 2)
    run.kill()
    run.wake()
    assert run.finished().data["status"] == "satisfied"
    wished = [t for t in run.store.trials(run.id, scenario="train-count") if t.n > 2000]
    assert [t.n for t in wished] == [2001, 2002, 2003]
    assert all(t.outcome in ("satisfied", "unsatisfied") for t in wished)
    assert run.store.wanted(run.id) == []
    faults = [e.data["detail"] for e in run.events("harness.fault")]
    assert any("no such one" in detail for detail in faults)


@pytest.mark.slow
def test_an_edited_scenario_counts_from_the_next_iteration_on(
    start: Start, folder: Path, tmp_path: Path
) -> None:
    slow = BAD.replace("echo", "sleep 0.5; echo")
    run = start(recording=str(recording(tmp_path / "r.jsonl", *[write_tool(slow)] * 2)))
    run.wait_for("trial.finished")
    path = folder / "scenarios" / "train.md"
    path.write_text(path.read_text().replace('"people: 12"', '"people: 3"'))
    run.wait(lambda: len(run.events("iteration.scored")) >= 1)
    run.kill()
    run.wake()
    run.wait(lambda: len(run.events("iteration.scored")) >= 2)

    def rates(n: int) -> list[float]:
        return [e.data["train"]["rate"] for e in run.events("iteration.scored") if e.iteration == n]

    assert rates(1) == [0.0]
    assert rates(2) == [1.0]
    facts = [run.store.verdict(t.id) for t in run.store.trials(run.id, 1, "train-count")]
    assert {f["text"] for v in facts if v for f in v.facts if "contains" in f["text"]} == {
        'cmd[1].output contains "people: 12"'
    }


def test_a_hand_edit_made_while_no_engine_lives_is_undone(start: Start, tmp_path: Path) -> None:
    talk = [*write_tool(GOOD)[:2], *shells(8), [text("Done.")]]
    run = start(recording=str(recording(tmp_path / "r.jsonl", talk)))
    run.wait(lambda: len(run.events("agent.tool")) >= 3)
    run.ask("pause")
    run.wait_for("run.paused")
    time.sleep(1)  # the command under way ends, and its tree is on record
    run.kill()
    tool = run.settings.runs / run.id / "workspace" / "tool"
    tool.write_text(BAD)
    run.ask("resume")
    run.wake()
    undone = run.wait_for("handedit.undone").data
    assert undone["files"] == ["tool"]
    assert "people: 3" in (run.settings.folder / undone["patch"]).read_text()
    assert run.finished().data["status"] == "satisfied"


@pytest.mark.slow
def test_a_hand_edit_between_build_and_trials_is_undone(start: Start, tmp_path: Path) -> None:
    run = start(recording=str(recording(tmp_path / "r.jsonl", write_tool(GOOD))))
    run.wait_for("agent.finished")
    run.kill()
    if not run.events("iteration.built"):
        (run.settings.runs / run.id / "workspace" / "tool").write_text(BAD)
    run.wake()
    assert run.finished().data["status"] == "satisfied"


@pytest.mark.slow
def test_a_file_too_large_is_for_the_builder_to_mend(start: Start, tmp_path: Path) -> None:
    talk = [
        *write_tool(GOOD)[:2],
        [call("shell", command="head -c 60000000 /dev/zero > big.bin")],
        [text("Done.")],
        [call("shell", command="rm big.bin; ls")],
        [text("Removed.")],
    ]
    answers = {"1/build/1": talk}
    run = start(recording=str(played(tmp_path / "r.jsonl", answers)))
    assert run.finished().data["status"] == "satisfied"
    told = [e.data["text"] for e in run.events("agent.steered")]
    assert any("big.bin" in said and "cannot be delivered" in said for said in told)


@pytest.mark.slow
def test_a_file_too_large_that_nobody_mends_is_left_out(start: Start, tmp_path: Path) -> None:
    talk = [
        *write_tool(GOOD)[:2],
        [call("shell", command="head -c 60000000 /dev/zero > big.bin")],
        *[[text("Done.")]] * 3,
    ]
    run = start(recording=str(played(tmp_path / "r.jsonl", {"1/build/1": talk})))
    assert run.finished().data["status"] == "satisfied"
    notes = [e.data["text"] for e in run.events("note")]
    assert any("big.bin" in note for note in notes)
    assert not (run.settings.runs / run.id / "workspace" / "big.bin").exists()


@pytest.mark.slow
def test_every_reason_of_a_pause_holds_over_a_restart(start: Start, tmp_path: Path) -> None:
    talk = [*shells(20), [text("Done.")]]
    run = start(recording=str(recording(tmp_path / "r.jsonl", talk)))
    run.wait_for("agent.tool")
    run.ask("pause")
    run.wait_for("run.paused")
    run.ask("budget", tokens=1000)
    run.wait(lambda: {e.data["reason"] for e in run.events("run.paused")} == {"user", "budget"})
    run.kill()
    run.ask("budget", tokens=1_000_000)
    run.wake()
    run.wait(lambda: len(run.events("run.started")) == 2)
    calls = len(run.events("spend"))
    time.sleep(1.5)
    assert run.store.run(run.id).status == "paused"
    assert len(run.events("spend")) == calls
    run.ask("resume")
    run.wait(lambda: len(run.events("spend")) > calls)
    run.ask("stop")
    run.finished()


@pytest.mark.slow
def test_rounds_count_on_after_a_restart(start: Start, folder: Path, tmp_path: Path) -> None:
    toml = folder / "factory.toml"
    toml.write_text(toml.read_text().replace("max_iterations = 4", "max_iterations = 1"))
    toml.write_text(toml.read_text().replace("[product]", "max_rounds = 6\n[product]"))
    talk = [*shells(12), [text("Done.")]]
    run = start(recording=str(recording(tmp_path / "r.jsonl", talk)))
    run.wait(lambda: len(run.events("agent.tool")) >= 3)
    run.kill()
    run.wake()
    run.finished()
    assert run.wait_for("agent.finished").data["reason"] == "round_limit"
    context = run.store.contexts(run.id, "builder/1/build/1")[0]
    turns = [t.payload["kind"] for t in run.store.turns(context.id)]
    assert turns.count("tool_results") == 6


def test_a_product_that_bars_the_way_has_failed_its_user(
    start: Start, folder: Path, tmp_path: Path
) -> None:
    path = folder / "scenarios" / "train.md"
    written = SCENARIO.format(id="train-count", title="t", split="train", wanted='"people: 12"')
    path.write_text(written.replace("# Satisfied", "2. write: notes.txt: hello\n# Satisfied"))
    bars = GOOD + "import os\nos.mkdir('notes.txt')\n"
    played_back = recording(tmp_path / "r.jsonl", write_tool(bars), write_tool(GOOD))
    run = start(recording=str(played_back))
    assert run.finished().data["status"] == "satisfied"
    first = run.store.trials(run.id, 1, "train-count")
    assert {t.outcome for t in first} == {"unsatisfied"}
    assert {t.reason for t in first} == {"left something in the way of a file its user writes"}


@pytest.mark.slow
def test_a_builders_host_that_dies_is_replaced(start: Start, tmp_path: Path) -> None:
    talk = [*shells(6), *write_tool(GOOD)]
    run = start(recording=str(recording(tmp_path / "r.jsonl", talk)))
    run.wait_for("agent.tool")
    engine = run.store.run(run.id).pid
    hosts = [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if _parent(stat) == engine and b"trials.host" in (stat.parent / "cmdline").read_bytes()
    ]
    os.kill(max(hosts), signal.SIGKILL)  # the builder's was started last
    assert run.finished().data["status"] == "satisfied"
    assert [e.data["where"] for e in run.events("harness.fault")] == ["workbench"]
    assert all(e.data["ok"] for e in run.events("agent.tool"))


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.mark.slow
def test_two_viewers_that_wake_a_run_start_one_engine(
    start: Start, store: Store, tmp_path: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from factory_tui.engine.launch import run_lock, spawn

    run = start(recording=str(recording(tmp_path / "r.jsonl", [*shells(20), [text("Done.")]])))
    run.wait_for("agent.tool")
    with run_lock(run.settings.runs / run.id) as mine:
        assert not mine
    run.kill()
    with ThreadPoolExecutor(4) as pool:
        pids = set(pool.map(lambda _: spawn(run.settings, run.id), range(4)))
    assert len(pids) == 1
    assert process.alive(pids.pop(), store.run(run.id).pid_started)
    run.ask("stop")
    run.finished()


@pytest.mark.slow
def test_a_checkout_that_a_crash_spoilt_is_made_anew(start: Start, tmp_path: Path) -> None:
    slow = GOOD + "import time\ntime.sleep(1)\n"
    run = start(recording=str(recording(tmp_path / "r.jsonl", write_tool(slow))))
    run.wait_for("trial.started")
    run.kill()
    (tool,) = (run.settings.runs / run.id / "products").glob("*/tool")
    tool.chmod(0o755)
    tool.write_text("")
    run.wake()
    assert run.finished().data["status"] == "satisfied"
    assert {t.outcome for t in run.store.trials(run.id)} == {"satisfied"}
