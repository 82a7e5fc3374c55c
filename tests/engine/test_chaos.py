"""A whole run against a model server with bad habits: it stays honest and within its budget."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import ROOT, Running

ENDED = ("satisfied", "unsatisfied", "stopped", "failed")
BAD_BYTES = ("\x1b", "\x9b", "\x07", "\x00", "\u202e", "\u2066")


@pytest.fixture
def chaos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Start the server; the environment then leads engines to it."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(seed: int, *flags: str) -> str:
        port_file = tmp_path / f"port-{seed}"
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.chaos_model"),
                *("--seed", str(seed), "--port-file", str(port_file), *flags),
            ],
            cwd=ROOT,
        )
        started.append(server)
        while not port_file.exists() or not port_file.read_text().strip():
            assert server.poll() is None
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary-key")
        return url

    yield begin
    for server in started:
        server.kill()
        server.wait()


def billed(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/billed") as answer:
        return dict(json.load(answer))


def texts(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.items():
            yield from texts(list(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def to_the_end(run: Running, seconds: float = 240, *, woken: bool = False) -> str:
    """Let a run go on past model outages until it ends or its budget is exhausted.

    ``woken``: a process that is gone is started again, as a viewer would.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        row = run.store.run(run.id)
        if row.status in ENDED and not run.alive:
            return row.status
        pauses = run.events("run.paused")
        if row.status == "paused" and pauses:
            if pauses[-1].data["reason"] == "budget":
                return "budget"
            run.ask("resume")
        if woken and not run.alive:
            run.wake()
        time.sleep(0.2)
    raise AssertionError(f"still {run.store.run(run.id).status} after {seconds:.0f} s")


def check(run: Running, url: str, limit: int) -> None:
    truth = billed(url)
    row = run.store.run(run.id)
    booked = sum(entry.tokens for entry in run.store.ledger(run.id))
    assert truth["budget_tokens"] <= booked <= limit
    assert row.spent_tokens == booked
    for event in run.events("spend"):
        assert event.data["spent_tokens"] + event.data["held_tokens"] <= limit
    exported = list(run.store.export(run.id))
    shown = [item for item in exported if item["type"] in ("journal", "step", "verdict")]
    assert not [text for text in texts(shown) if any(b in text for b in BAD_BYTES)]
    assert not [text for text in texts(exported) if "sk-canary-key" in text]
    for trial in run.store.trials(run.id):
        verdict = run.store.verdict(trial.id)
        if verdict is not None and verdict.outcome == "satisfied":
            assert all(fact["ok"] for fact in verdict.facts)


def test_a_run_through_chaos_is_honest(
    start: Callable[..., Running], chaos: Callable[..., str]
) -> None:
    url = chaos(11, "--faults", "0.1", "--rounds", "4")
    run = start(tokens=150_000)
    ended = to_the_end(run)
    assert ended in ("unsatisfied", "budget", "satisfied")
    check(run, url, 150_000)
    assert run.events("agent.tool")
    if ended == "budget":
        assert run.events("budget.exhausted")


@pytest.mark.slow
def test_three_builders_at_once_share_one_budget(
    start: Callable[..., Running],
    chaos: Callable[..., str],
    use_pipeline: Callable[[str], None],
) -> None:
    use_pipeline("three-candidates")
    url = chaos(3, "--faults", "0.1", "--rounds", "6")
    run = start(tokens=120_000)
    to_the_end(run)
    check(run, url, 120_000)
    rows = run.store.ledger(run.id)
    assert {row.branch for row in rows} >= {"build_a", "build_b", "build_c"}
    told: dict[tuple[str, str, int], int] = {}
    for event in run.events("spend"):
        about = event.data
        where = (about["branch"], about["node"], about["visit"])
        told[where] = told.get(where, 0) + about["tokens"]
    for left in run.events("node.left"):
        about = left.data
        where = (about["branch"], about["node"], about["visit"])
        assert about["tokens"] == told.get(where, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 7))
def test_many_runs_through_chaos(
    start: Callable[..., Running], chaos: Callable[..., str], seed: int
) -> None:
    url = chaos(seed, "--faults", "0.25", "--rounds", "8")
    limit = 20_000 * seed
    run = start(tokens=limit)
    to_the_end(run)
    check(run, url, limit)


def test_a_server_that_bills_more_is_flagged_and_pauses(
    start: Callable[..., Running], chaos: Callable[..., str]
) -> None:
    chaos(5, "--faults", "0", "--overbill", "1")
    run = start(tokens=500_000)
    over = run.wait_for("budget.overbilled").data
    assert over["billed_tokens"] > over["reserved_tokens"]
    assert run.wait_for("run.paused").data["reason"] == "overbilled"
    assert os.environ["ANTHROPIC_BASE_URL"]
