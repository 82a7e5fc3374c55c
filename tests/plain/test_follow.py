"""Lines, JSON and exit codes of a followed run."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_tui.plain import follow
from factory_tui.store import Store, UnknownRun
from tests.ui.seed import Clock, fill, frozen


def yes(pid: int | None, started: int | None) -> bool:
    return True


def no(pid: int | None, started: int | None) -> bool:
    return False


class Engine:
    """Does one thing per look of the follower, in place of waiting."""

    def __init__(self, store: Store, *acts: Callable[[], Any]) -> None:
        self.store, self.acts = store, list(acts)
        self.looks = 0

    def __call__(self, seconds: float) -> None:
        self.looks += 1
        assert self.acts, "followed on although nothing more could come"
        self.acts.pop(0)()


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store.open(tmp_path / "runs" / "factory.db") as store:
        fill(store, tmp_path, part="begin", clock=Clock())
        yield store


def run(
    store: Store, *acts: Callable[[], Any], alive: Any = yes, **options: Any
) -> tuple[int, str]:
    out = io.StringIO()
    code = follow(store, "7f3a", out=out, sleep=Engine(store, *acts), alive=alive, **options)
    return code, out.getvalue()


def say(store: Store, kind: str, data: dict[str, Any]) -> Callable[[], Any]:
    def act() -> None:
        with frozen(Clock()):
            store.append("7f3a", kind, data, iteration=1)

    return act


@pytest.mark.parametrize(
    ("status", "code"), [("satisfied", 0), ("unsatisfied", 1), ("stopped", 1), ("failed", 4)]
)
def test_the_exit_code_says_how_it_ended(store: Store, status: str, code: int) -> None:
    got, text = run(store, say(store, "run.finished", {"status": status, "detail": "so it is"}))
    assert got == code
    assert f"{status} (so it is)" in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("reason", "code"), [("budget", 3), ("overbilled", 3), ("model", 4), ("harness", 4)]
)
def test_a_run_that_waits_for_a_person_ends_a_script(store: Store, reason: str, code: int) -> None:
    assert run(store, say(store, "run.paused", {"reason": reason, "detail": ""}))[0] == code


def test_a_run_that_a_person_paused_is_waited_for(store: Store) -> None:
    code, _ = run(
        store,
        say(store, "run.paused", {"reason": "user", "detail": ""}),
        lambda: None,
        say(store, "run.resumed", {"who": "you"}),
        say(store, "run.finished", {"status": "satisfied"}),
    )
    assert code == 0


def test_an_old_pause_does_not_end_a_run_that_goes_on(store: Store) -> None:
    say(store, "run.paused", {"reason": "budget", "detail": ""})()
    say(store, "run.resumed", {"who": "you"})()
    assert run(store, say(store, "run.finished", {"status": "satisfied"}))[0] == 0


def test_a_request_that_is_not_seen_yet_is_waited_for(store: Store) -> None:
    say(store, "run.paused", {"reason": "budget", "detail": ""})()
    asked = store.request("7f3a", "resume")
    code, _ = run(
        store,
        lambda: store.acknowledge(asked, "resumed"),
        alive=yes,
    )
    assert code == 3, "the engine saw the request and it changed nothing"


def test_an_engine_that_is_gone_is_a_harness_failure(store: Store) -> None:
    code, text = run(store, lambda: None, alive=no)
    assert code == 4 and "the engine is not running" in text


def test_what_an_engine_wrote_before_it_ended_counts(store: Store) -> None:
    lives = iter([True, False, False])
    code, _ = run(
        store,
        say(store, "run.finished", {"status": "satisfied"}),
        alive=lambda pid, started: next(lives),
    )
    assert code == 0


def test_text_is_one_line_per_event_and_names_the_recording(store: Store) -> None:
    hostile = "first\nsecond [bold]x[/bold]"
    say(store, "agent.text", {"turn": 1, "text": hostile})()
    _, text = run(store, say(store, "run.finished", {"status": "satisfied"}))
    lines = text.splitlines()
    assert len(lines) == 2 + store.event_count("7f3a") + 1
    assert "RECORDED" in lines[1]
    assert any("first second [bold]x[/bold]" in line for line in lines)


def test_json_is_every_event_as_the_journal_has_it(store: Store) -> None:
    say(store, "agent.text", {"turn": 1, "text": "ü\n"})()
    _, text = run(store, say(store, "run.finished", {"status": "satisfied"}), json=True)
    objects = [json.loads(line) for line in text.splitlines()]
    events = store.events(run_id="7f3a")
    assert [o["seq"] for o in objects] == [e.seq for e in events]
    assert [o["data"] for o in objects] == [dict(e.data) for e in events]
    assert objects[-1]["kind"] == "run.finished" and objects[0]["run"] == "7f3a"


def test_a_whole_run_ends_with_its_scores(tmp_path: Path) -> None:
    with Store.open(tmp_path / "whole.db") as store:
        fill(store, tmp_path, part="whole", clock=Clock())
        code, text = run(store)
    last = text.splitlines()[-1]
    assert code == 0
    assert "train 100% [86–100] n=24" in last and "holdout 100% [76–100] n=12" in last
    assert "≈111k tokens $1.00" in last


def test_an_unknown_run_is_refused(store: Store) -> None:
    with pytest.raises(UnknownRun):
        follow(store, "nope", out=io.StringIO())
