"""The demo from beginning to end, without a terminal: only the model's words are recorded.

If this fails after a change of a prompt, a twin or a scenario, the recording is stale: the judge
or a simulated user is asked something else than it was. Make a new one with ``run --record``.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from factory_tui import sample
from factory_tui.llm import Recording


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and the events of one whole demo."""
    base = tmp_path_factory.mktemp("demo")
    for parent in (base, *base.parents[:4]):
        parent.chmod(parent.stat().st_mode | 0o011)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "factory_tui", "demo", "--json"),
            *("--pace", "0", "--folder", str(base / "demo")),
        ],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=600,
    )
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["kind"] == kind]


def test_it_converges_over_at_least_three_iterations(
    demo: tuple[int, list[dict[str, Any]]],
) -> None:
    code, events = demo
    assert code == 0
    rounds = [e["data"] for e in of(events, "iteration.scored") if not e["data"]["confirmation"]]
    assert len(rounds) >= 3
    assert rounds[0]["overall"]["rate"] < 0.7
    assert rounds[-1]["train"]["rate"] >= 0.9
    assert rounds[-1]["holdout"]["rate"] >= 0.9
    assert of(events, "run.finished")[-1]["data"]["status"] == "satisfied"


def test_the_recorded_judge_and_users_are_asked_what_they_were(
    demo: tuple[int, list[dict[str, Any]]],
) -> None:
    _, events = demo
    trials = of(events, "trial.finished")
    sources = Counter(e["data"]["source"] for e in trials)
    outcomes = Counter(e["data"]["outcome"] for e in trials)
    assert sources["recorded"] > 0
    assert sources["recorded"] / (sources["recorded"] + sources["facts only"]) >= 0.9
    assert outcomes["void"] <= 0.02 * len(trials)
    assert not of(events, "harness.fault")
    assert not of(events, "gap")


def test_everything_says_that_the_model_is_recorded(
    demo: tuple[int, list[dict[str, Any]]],
) -> None:
    _, events = demo
    created = of(events, "run.created")[0]["data"]
    assert created["recorded"]
    assert set(created["models"].values()) == {"recorded"}
    spends = [e["data"] for e in of(events, "spend") if e["data"]["tokens"]]
    assert all(s["model"] == "recorded" and s["estimated"] for s in spends)


def test_the_recording_is_small_and_of_this_sample() -> None:
    recording = Recording.load(sample.recording())
    assert 10 < len(recording.answers) < 150
    roles = Counter(answer.role for answer in recording.answers)
    assert set(roles) == {"builder", "judge", "user"}
    assert Path(sample.recording()).stat().st_size < 1_000_000
