"""The limits of a trial's traffic, and what is left of a trial that ends badly."""

from pathlib import Path
from typing import Any, cast

import pytest

from factory_tui import scenarios
from factory_tui.sandbox import Sandbox
from factory_tui.trials.guard import Guard
from factory_tui.trials.stage import Stage, StageOptions
from factory_tui.universe import Request, Universe, load_packs
from tests.trials.conftest import HEAD, ROOT

AUTH = {"authorization": "Bearer t0p"}


def test_hooks_times_calls_are_bounded() -> None:
    universe = Universe(load_packs(ROOT / "tests" / "universe" / "packs", ["hooks"]))
    stopped: list[int] = []
    guard = Guard(universe, lambda: stopped.append(len(universe.outbox)))

    def post(path: str, body: Any) -> None:
        universe.handle("hooks", Request.build("POST", path, AUTH, body))

    for n in range(300):
        post("/hooks", {"id": f"h{n}", "url": "http://127.0.0.1:1/"})
    for _ in range(66):
        post("/posts", {"text": "hello"})
    assert (guard.killed, stopped) == ("", [])
    post("/posts", {"text": "hello"})
    assert guard.killed == "traffic"
    assert guard.said == "more than 20,000 deliveries wait for the product; it was stopped"
    assert stopped == [20_100]
    kept = len(universe.tap)
    post("/posts", {"text": "hello"})
    assert len(universe.tap) == kept  # and nothing more is kept


def stage(folder: Path) -> Stage:
    path = folder / "tried.md"
    path.write_text(HEAD % ("", "", "1. run: `{{sut}}`", "- must fact: cmd.count == 0"))
    packs = load_packs(ROOT / "twins", ["okta", "slack", "jira"])
    options = StageOptions(folder, "./tool", folder / "scratch", 7)
    # No command is run here.
    return Stage(scenarios.load(path), options, cast(Sandbox, None), packs)


async def test_a_trial_that_cannot_be_closed_leaves_nothing(tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o011)
    made = stage(tmp_path)
    await made.open()
    assert (tmp_path / "scratch" / "greeting.txt").exists()
    made.universe.view = None  # type: ignore[assignment, method-assign]
    with pytest.raises(TypeError):
        await made.close()
    assert not (tmp_path / "scratch").exists()
    assert made.universe.courier is None
