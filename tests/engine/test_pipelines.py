"""Pipelines inside a factory: branches, commands, supervisors, people; killed and resumed."""

import json
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.engine.conftest import BAD, GOOD, Running, call, played, sturdy_tool, text, write_tool

Start = Callable[..., Running]
Use = Callable[[str], None]


def happened(run: Running, kind: str, many: int) -> bool:
    return len(run.events(kind, "run.finished")) >= many


def nodes_left(run: Running) -> list[str]:
    return [str(e.data["node"]) for e in run.events("node.left")]


def paid(run: Running) -> list[str]:
    """The keys of all calls whose answers arrived."""
    return [row.key for row in run.store.ledger(run.id) if row.state == "committed"]


THREE = {
    "1/build_a/1": write_tool(BAD),
    "1/build_b/1": write_tool(GOOD),
    "1/build_c/1": write_tool("#!/bin/sh\nexit 3\n"),
}


def product(run: Running) -> str:
    commit = run.store.iterations(run.id)[-1].commit
    return (run.settings.runs / run.id / "products" / commit / "tool").read_text()


def check_three(run: Running) -> None:
    (kept,) = run.events("candidate.kept")
    assert kept.data["branch"] == "build_b"
    assert kept.data["by"] == "score"
    assert kept.data["score"] == 1.0
    assert sorted(o["branch"] for o in kept.data["others"]) == ["build_a", "build_c"]
    assert product(run) == GOOD
    git = run.settings.runs / run.id / "git"
    for other in kept.data["others"]:
        shown = subprocess.run(
            ["git", "-C", str(git), "show", f"{other['ref']}:tool"], capture_output=True, check=True
        )
        assert shown.stdout
    # What was tried as a candidate is not tried again; only the confirmation is.
    own = [t for t in run.store.trials(run.id, iteration=1) if not t.confirmation]
    assert len(own) == 4
    assert len(run.store.trials(run.id, candidate=None)) == 16
    assert len(paid(run)) == len(set(paid(run))) == 9
    assert run.events("iteration.scored")[-1].data["satisfied"]


def test_the_best_of_three_candidates_is_kept(
    start: Start, use_pipeline: Use, tmp_path: Path
) -> None:
    use_pipeline("three-candidates")
    run = start(recording=str(played(tmp_path / "r.jsonl", THREE)))
    assert run.finished().data["status"] == "satisfied"
    check_three(run)
    assert {e.data["branch"] for e in run.events("branch.ended")} == {
        *("build_a", "build_b", "build_c")
    }
    left = {e.data["node"]: e.data for e in run.events("node.left")}
    assert left["build_b"]["tokens"] == 3000
    assert left["build_b"]["calls"] == 3
    assert left["build_b"]["branch"] == "build_b"
    (graph,) = run.events("pipeline.started")
    assert {n["id"] for n in graph.data["nodes"]} >= {"fan", "build_a", "keep", "adopt"}
    taken = [(e.data["from"], e.data["to"], e.data["how"]) for e in run.events("edge.taken")]
    assert ("fan", "build_a", "edge") in taken
    assert ("fan", "keep", "join") in taken
    assert ("satisfied", "exit", "edge") in taken


@pytest.mark.slow
def test_candidates_survive_kills(start: Start, use_pipeline: Use, tmp_path: Path) -> None:
    use_pipeline("three-candidates")
    talks = {
        "1/build_a/1": sturdy_tool(BAD),
        "1/build_b/1": sturdy_tool(GOOD),
        "1/build_c/1": sturdy_tool("#!/bin/sh\nexit 3\n"),
    }
    run = start(recording=str(played(tmp_path / "r.jsonl", talks)))
    for kind, many in (("agent.tool", 2), ("candidate.scored", 1), ("candidate.kept", 1)):
        run.wait(partial(happened, run, kind, many))
        run.kill()
        run.wake()
    assert run.finished().data["status"] == "satisfied"
    (kept,) = run.events("candidate.kept")
    assert kept.data["branch"] == "build_b"
    assert product(run) == GOOD
    assert len(paid(run)) == len(set(paid(run)))
    assert len([t for t in run.store.trials(run.id, iteration=1) if not t.confirmation]) == 4


@pytest.mark.slow
def test_plan_build_review(start: Start, use_pipeline: Use, tmp_path: Path) -> None:
    use_pipeline("plan-build-review")
    talks = {
        "1/plan/1": [
            [call("write_file", file_path="PLAN.md", content="Write it.\n")],
            [text("Ok")],
        ],
        "1/build/1": write_tool(BAD),
        "1/review/1": [
            [call("report_outcome", outcome="fail", failure_reason="it counts nobody")],
            [text("It prints a constant.")],
        ],
        "1/rework/1": write_tool(GOOD),
    }
    run = start(recording=str(played(tmp_path / "r.jsonl", talks)))
    assert run.finished().data["status"] == "satisfied"
    assert nodes_left(run) == [
        *("start", "plan", "build", "review", "reviewed", "rework", "validate", "satisfied"),
        "exit",
    ]
    review = next(e.data for e in run.events("node.left") if e.data["node"] == "review")
    assert review["status"] == "fail"
    assert review["error"] == "it counts nobody"
    assert product(run) == GOOD


def semport(source: Path) -> None:
    """A code base with two upstream changes to look at, and its three scripts."""
    (source / "semport").mkdir(parents=True)
    scripts = {
        "next": '#!/bin/sh\nn=$(wc -l < ledger.txt)\n[ "$n" -ge 2 ] && exit 3\necho "change $n"\n',
        "test": "#!/bin/sh\ngrep -q users.list tool\n",
        "ledger": '#!/bin/sh\necho "$1 $PIPELINE_LAST_STAGE" >> ledger.txt\n',
    }
    for name, script in scripts.items():
        (source / "semport" / name).write_text(script)
        (source / "semport" / name).chmod(0o755)
    (source / "ledger.txt").write_text("")
    (source / "tool").write_text(BAD)
    (source / "tool").chmod(0o755)


@pytest.mark.slow
def test_semport_asks_a_person_and_tries_out_what_it_ported(
    start: Start, use_pipeline: Use, tmp_path: Path
) -> None:
    use_pipeline("semport")
    semport(tmp_path / "source")
    talks = {
        "1/assess/1": [
            [call("report_outcome", outcome="success", preferred_label="Does not apply")],
            [text("Only the build.")],
        ],
        "1/assess/2": [
            [call("report_outcome", outcome="success", preferred_label="Ask")],
            [text("Cannot tell.")],
        ],
        "1/port_it/1": write_tool(GOOD),
    }
    recording = played(tmp_path / "r.jsonl", talks)
    run = start(recording=str(recording), seed_from=str(tmp_path / "source"))
    asked = run.wait_for("question.asked").data
    assert [(o["key"], o["to"]) for o in asked["options"]] == [("A", "port_it"), ("S", "skipped")]
    assert run.wait_for("run.paused").data["reason"] == "question"
    run.wait(lambda: run.store.run(run.id).status == "paused")
    run.ask("answer", choice="A")
    assert run.wait_for("run.resumed").data["who"] == "test"
    assert run.finished().data["status"] == "satisfied"
    assert product(run) == GOOD
    ledger = run.settings.runs / run.id / "workspace" / "ledger.txt"
    assert ledger.read_text() == "skipped assess\nported port_it\n"
    assert not run.events("handedit.undone")


GATE = """digraph gate {
  start [shape=Mdiamond]; exit [shape=Msquare]
  ask [shape=hexagon, label="Ship it?"%s]
  build [prompt="$goal"]; drop [shape=parallelogram, tool_command="true"]
  start -> ask
  ask -> build [label="[Y] Yes"]
  ask -> drop [label="[N] No"]
  build -> exit; drop -> exit
}"""


def test_a_question_survives_the_engine(start: Start, use_pipeline: Use, tmp_path: Path) -> None:
    use_pipeline(GATE % "")
    run = start(recording=str(played(tmp_path / "r.jsonl", {"1/build/1": write_tool(GOOD)})))
    run.wait_for("question.asked")
    run.kill()
    run.wake()
    run.wait(lambda: len(run.events("run.started")) == 2)
    run.wait(lambda: len(run.events("run.paused")) == 2)
    assert len(run.events("question.asked")) == 1
    run.ask("answer", choice="perhaps")
    refused = run.wait_for("control.done").data["result"]
    assert "none of the answers Y (Yes), N (No)" in refused
    run.kill()
    run.ask("answer", choice="y")  # nobody is there to hear it yet
    run.wake()
    assert run.finished().data["status"] == "satisfied"
    (answered,) = run.events("question.answered")
    assert answered.data["choice"] == "Y"
    assert answered.data["how"] == "answered"
    visits = {e.data["visit"] for e in run.events("node.entered") if e.data["node"] == "ask"}
    assert visits == {1}


@pytest.mark.slow
def test_a_gates_default_counts_when_its_time_is_over(
    start: Start, use_pipeline: Use, tmp_path: Path
) -> None:
    use_pipeline(GATE % ', timeout="4s", human.default_choice=build')
    run = start(recording=str(played(tmp_path / "r.jsonl", {"1/build/1": write_tool(GOOD)})))
    asked = run.wait_for("question.asked").data
    assert asked["default"] == "Y"
    assert asked["expires_ms"] - asked["asked_ms"] == 4000
    run.kill()
    time.sleep(1)
    run.wake()
    assert run.finished().data["status"] == "satisfied"
    (answered,) = run.events("question.answered")
    assert (answered.data["how"], answered.data["choice"]) == ("timeout", "Y")
    assert answered.ts_ms - asked["asked_ms"] < 30_000


TOOL = """digraph tool {
  start [shape=Mdiamond]; exit [shape=Msquare]
  peek [shape=parallelogram, tool_command="env; pwd; echo kept > made.txt"]
  build [prompt="$goal"]
  start -> peek -> build -> exit
}"""


def test_a_command_of_a_pipeline_runs_in_the_box(
    start: Start, use_pipeline: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-in-the-environment")
    use_pipeline(TOOL)
    run = start(recording=str(played(tmp_path / "r.jsonl", {"1/build/1": write_tool(GOOD)})))
    assert run.finished().data["status"] == "satisfied"
    place = run.settings.runs / run.id
    printed = (place / "pipeline" / "peek" / "stdout.txt").read_text()
    assert "canary" not in printed
    assert "\n/work\n" in printed
    assert (place / "workspace" / "made.txt").read_text() == "kept\n"
    assert not run.events("handedit.undone")


PARENT = """digraph parent {
  start [shape=Mdiamond]; exit [shape=Msquare]
  watch [shape=house, stack.child_dotfile="child.dot", manager.poll_interval="200ms"]
  start -> watch -> exit
}"""
CHILD = """digraph child {
  start [shape=Mdiamond]; exit [shape=Msquare]
  build [prompt="$goal"]; test [shape=parallelogram, tool_command="test -x tool"]
  start -> build -> test -> exit
}"""


@pytest.mark.slow
def test_a_supervised_child_works_in_the_box(
    start: Start, use_pipeline: Use, folder: Path, tmp_path: Path
) -> None:
    use_pipeline(PARENT)
    (folder / "child.dot").write_text(CHILD)
    recording = played(tmp_path / "r.jsonl", {"1/watch/build/1": sturdy_tool(GOOD)})
    run = start(recording=str(recording))
    run.wait(lambda: len(run.events("agent.tool")) >= 1)
    run.kill()
    run.wake()
    assert run.finished().data["status"] == "satisfied"
    shown = {e.data["pipeline"]: e.data["file"] for e in run.events("pipeline.started")}
    assert shown == {"": "own.dot", "watch": "child.dot"}
    left = [(e.data["pipeline"], e.data["node"], e.data["tokens"]) for e in run.events("node.left")]
    spent = sum(row.tokens for row in run.store.ledger(run.id) if row.pipeline == "watch")
    assert ("watch", "build", spent) in left
    assert len(paid(run)) == len(set(paid(run)))


FIRST = """digraph first {
  start [shape=Mdiamond]; exit [shape=Msquare]
  fan [shape=component, join_policy=first_success]
  quick [shape=parallelogram, tool_command="true"]
  slow [shape=parallelogram, tool_command="sleep 60"]
  meet [shape=tripleoctagon]; build [prompt="$goal"]
  start -> fan; fan -> quick -> meet; fan -> slow -> meet; meet -> build -> exit
}"""


@pytest.mark.slow
def test_the_first_success_calls_the_other_branch_off(
    start: Start, use_pipeline: Use, tmp_path: Path
) -> None:
    use_pipeline(FIRST)
    run = start(recording=str(played(tmp_path / "r.jsonl", {"1/build/1": write_tool(GOOD)})))
    assert run.finished().data["status"] == "satisfied"
    left = {e.data["node"]: e.data["status"] for e in run.events("node.left")}
    assert left["slow"] == "cancelled"
    ended = {e.data["branch"]: e.data["status"] for e in run.events("branch.ended")}
    assert ended == {"quick": "success", "slow": "cancelled"}


HOOKS = """digraph hooks {
  graph [tool_hooks.pre="cat > /work/seen.json; test $ATTRACTOR_TOOL != glob"]
  start [shape=Mdiamond]; exit [shape=Msquare]
  build [prompt="$goal"]; start -> build -> exit
}"""


def test_hooks_run_in_the_box_around_tool_calls(
    start: Start, use_pipeline: Use, tmp_path: Path
) -> None:
    use_pipeline(HOOKS)
    talk = [[call("glob", pattern="*")], *write_tool(GOOD)]
    run = start(recording=str(played(tmp_path / "r.jsonl", {"1/build/1": talk})))
    assert run.finished().data["status"] == "satisfied"
    tools = [(e.data["tool"], e.data["ok"]) for e in run.events("agent.tool")]
    assert tools == [("glob", False), ("write_file", True), ("shell", True)]
    place = run.settings.runs / run.id
    seen = json.loads((place / "workspace" / "seen.json").read_text())
    assert (seen["tool"], seen["node"]) == ("shell", "build")
    assert not (Path("/work") / "seen.json").exists()
    log = (place / "pipeline" / "build" / "tool_hooks.jsonl").read_text().splitlines()
    assert [json.loads(line)["skipped"] for line in log] == [True, False, False]


@pytest.mark.slow
def test_a_failure_that_comes_again_ends_the_run(
    start: Start, use_pipeline: Use, tmp_path: Path
) -> None:
    use_pipeline(
        "digraph again { start [shape=Mdiamond]; exit [shape=Msquare]"
        ' build [prompt="$goal", retry_target=build]; start -> build -> exit }'
    )
    run = start(recording=str(played(tmp_path / "r.jsonl", {"1/other/1": [[text("Hm.")]]})))
    finished = run.finished().data
    assert finished["status"] == "failed"
    assert "build failed the same way 2 times" in finished["detail"]
    assert nodes_left(run).count("build") == 2


def test_a_pipeline_with_a_mistake_is_refused_before_it_starts(
    use_pipeline: Use, folder: Path
) -> None:
    from factory_tui.config import load
    from factory_tui.engine.launch import BadInput, RunOptions, create_run

    use_pipeline("digraph bad {\n  start [shape=Mdiamond]\n  start -> nowhere ->\n}")
    with pytest.raises(BadInput, match=r"own\.dot:\d+"):
        create_run(load(folder), RunOptions(recording="unused"))
