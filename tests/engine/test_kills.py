"""Runs whose process is killed again and again, at random moments: nothing is lost or doubled."""

import json
import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from factory_tui.engine.launch import spawn
from factory_tui.store import Store
from tests.engine.conftest import BAD, GOOD, ROOT, Running, played, sturdy_tool
from tests.engine.test_chaos import billed, chaos, to_the_end

__all__ = ["chaos"]

Start = Callable[..., Running]


def killed_often(run: Running, rng: random.Random, times: int) -> None:
    """Kill the run's process at random moments, and start it again."""
    for _ in range(times):
        time.sleep(rng.uniform(0.2, 4.0))
        if run.store.run(run.id).status in ("satisfied", "unsatisfied", "stopped", "failed"):
            return
        run.kill()
        run.wake()


def git(run: Running, *arguments: str) -> str:
    folder = run.settings.runs / run.id / "git"
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", folder, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def sound(run: Running, url: str, limit: int) -> None:
    """Everything that has to hold of a run, however often it was cut off."""
    store, truth = run.store, billed(url)
    rows = store.ledger(run.id)
    booked = sum(row.tokens or 0 for row in rows)
    assert truth["budget_tokens"] <= booked <= limit
    assert store.run(run.id).spent_tokens == booked
    whole_story(run)


def whole_story(run: Running) -> None:
    """The journal has neither holes nor twins, and agrees with the ledger and the repository."""
    store = run.store
    rows = store.ledger(run.id)
    assert {row.state for row in rows} <= {"committed", "forfeited"}

    # The journal tells of every entry of the ledger, once.
    told = Counter((e.data["key"], e.data["tokens"], e.data["state"]) for e in run.events("spend"))
    assert told == Counter((row.key, row.tokens, row.state) for row in rows)

    # Whatever happens once is told once.
    for kind, names in ONCE.items():
        seen = Counter(
            json.dumps([e.iteration, *(e.data.get(name) for name in names)])
            for e in run.events(kind)
        )
        assert not {key: n for key, n in seen.items() if n > 1}, kind
    numbers = [e.data["n"] for e in run.events("iteration.started")]
    assert numbers == list(range(1, len(numbers) + 1))
    finished = [e.trial for e in run.events("trial.finished") if e.data["outcome"] != "void"]
    assert len(finished) == len(set(finished))
    entered = {e.data["key"] for e in run.events("node.entered")}
    assert entered

    # Conversations are whole: every call has its answer, or the talk ends with it.
    for context in store.contexts(run.id):
        if context.tag.startswith("builder/") and not context.tag.endswith("/aside"):
            whole(
                [dict(turn.payload) for turn in store.turns(context.id)],
                over=not run.alive,
            )

    # What the store speaks of is in the repository.
    git(run, "fsck", "--strict", "--no-dangling")
    for place in store.places(run.id):
        for name in (place.base, place.tree, place.commit, place.product_tree):
            if name:
                git(run, "cat-file", "-e", name)
    for row in store.iterations(run.id):
        if row.commit:
            assert git(run, "rev-parse", f"{row.commit}^{{tree}}").strip() == row.tree
    for event in run.events("candidate.kept"):
        for other in event.data["others"]:
            if other["score"] is not None:
                git(run, "rev-parse", "--verify", other["ref"])


ONCE: dict[str, tuple[str, ...]] = {
    "iteration.started": ("n",),
    "iteration.built": ("commit",),
    "iteration.scored": ("confirmation", "overall", "satisfied"),
    "candidate.scored": ("branch",),
    "candidate.kept": ("node", "branch", "tree"),
    "branch.started": ("key",),
    "branch.ended": ("key",),
    "feedback.sent": ("text",),
    "run.finished": (),
}


def whole(turns: list[dict[str, Any]], *, over: bool) -> None:
    waiting: list[str] = []
    for turn in turns:
        if turn["kind"] == "assistant":
            assert not waiting
            waiting = [b["id"] for b in turn["content"] if b.get("type") == "tool_use"]
        elif turn["kind"] == "tool_results":
            assert [r["tool_call_id"] for r in turn["results"]] == waiting
            waiting = []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pipeline", "seed"), [("three-candidates", 1), ("plan-build-review", 2), ("semport", 3)]
)
def test_a_run_killed_at_random_is_sound(
    start: Start,
    chaos: Callable[..., str],
    use_pipeline: Callable[[str], None],
    pipeline: str,
    seed: int,
) -> None:
    use_pipeline(pipeline)
    url = chaos(seed, "--faults", "0.08", "--rounds", "5")
    run = start(tokens=400_000)
    killed_often(run, random.Random(f"{seed} {pipeline}"), 4)
    to_the_end(run, woken=True)
    sound(run, url, 400_000)


@pytest.mark.slow
def test_viewers_that_contradict_one_another_break_nothing(
    start: Start, chaos: Callable[..., str], use_pipeline: Callable[[str], None]
) -> None:
    """Three of them ask for everything at once, and wake it."""
    use_pipeline("three-candidates")
    limit = 300_000
    url = chaos(7, "--faults", "0.05", "--rounds", "5")
    run = start(tokens=limit)
    over = threading.Event()

    def viewer(number: int) -> None:
        rng = random.Random(number)
        with Store.open(run.settings.store) as mine:
            while not over.is_set():
                verb, args = rng.choice(ASKED)
                mine.request(run.id, verb, args, f"viewer {number}")
                if rng.random() < 0.3:
                    spawn(run.settings, run.id)
                time.sleep(rng.uniform(0.05, 0.5))

    with ThreadPoolExecutor(3) as pool:
        viewers = [pool.submit(viewer, number) for number in range(3)]
        time.sleep(12)
        over.set()
        for each in viewers:
            each.result()
    run.ask("budget", tokens=limit)
    run.ask("resume")
    to_the_end(run, woken=True)
    sound(run, url, limit)
    asked = [row for row in run.store.pending(run.id) if row.verb != "suspend"]
    assert not asked


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("pause", {}),
    ("resume", {}),
    ("resume", {}),
    ("budget", {"tokens": 300_000}),
    ("budget", {"tokens": 10}),
    ("budget", {"tokens": -1}),
    ("budget", {"usd": "nonsense"}),
    ("retry", {"scenario": "train-count", "trials": 1}),
    ("retry", {}),
    ("answer", {"choice": "Y"}),
    ("suspend", {}),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [
        *("event:edge.taken:5", "turn:assistant:4", "event:candidate.scored:2"),
        "event:iteration.scored:1",
    ],
)
def test_a_run_killed_at_the_worst_moment_tells_everything_once(
    start: Start,
    use_pipeline: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """The process dies right after one commit; what belongs together is in it."""
    use_pipeline("three-candidates")
    mark = crashing(monkeypatch, tmp_path, moment)
    talks = {f"1/build_{x}/1": sturdy_tool(BAD) for x in "ac"} | {"1/build_b/1": sturdy_tool(GOOD)}
    run = start(recording=str(played(tmp_path / "r.jsonl", talks)))
    run.wait(lambda: mark.exists() and not run.alive, 120)
    run.wake()
    run.wait(lambda: bool(run.events("run.finished")), 120)
    assert run.finished().data["status"] == "satisfied"
    whole_story(run)
    assert len(run.events("candidate.scored")) == 3
    assert len(run.events("candidate.kept")) == 1
    assert len(run.events("iteration.scored")) == 2
    taken = Counter((e.data["from"], e.data["to"]) for e in run.events("edge.taken"))
    assert set(taken.values()) == {1}
    paid = Counter(row.key for row in run.store.ledger(run.id) if row.state == "committed")
    assert set(paid.values()) == {1}
    for context in run.store.contexts(run.id):
        if context.tag.startswith("builder/") and not context.tag.endswith("/aside"):
            blocks = [
                b for t in run.store.turns(context.id) for b in t.payload.get("content") or ()
            ]
            said = [b["text"] for b in blocks if isinstance(b, dict) and b.get("type") == "text"]
            branch = context.tag.split("/")[2]
            told = [e.data["text"] for e in run.events("agent.text") if e.data["branch"] == branch]
            assert told == said


ONE_LINE = """digraph line {
  start [shape=Mdiamond]; exit [shape=Msquare]
  add [shape=parallelogram, tool_command="echo line >> log.txt; sleep 1"]
  build [prompt="$goal"]
  start -> add -> build -> exit
}"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["event:node.left:2", "event:node.entered:2"])
def test_a_command_that_was_cut_off_begins_where_it_began(
    start: Start,
    use_pipeline: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    use_pipeline(ONE_LINE)
    mark = crashing(monkeypatch, tmp_path, moment)
    talk = {"1/build/1": sturdy_tool(GOOD)}
    run = start(recording=str(played(tmp_path / "r.jsonl", talk)))
    run.wait(lambda: mark.exists() and not run.alive, 120)
    run.wake()
    assert run.finished().data["status"] == "satisfied"
    log = run.settings.runs / run.id / "workspace" / "log.txt"
    assert log.read_text() == "line\n"
    assert not run.events("handedit.undone")


def crashing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moment: str) -> Path:
    """Have the next engine die at a moment; gives the file that says it has."""
    mark = tmp_path / "crashed"
    hook = str(ROOT / "tests" / "support" / "crash_at")
    path = os.pathsep.join(filter(None, (hook, os.environ.get("PYTHONPATH", ""))))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("CRASH_AT", moment)
    monkeypatch.setenv("CRASH_MARK", str(mark))
    return mark
