"""A tiny factory and model sessions for it, written by hand and played back."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from factory_tui import process
from factory_tui.config import Settings, load
from factory_tui.engine.launch import RunOptions, create_run, spawn
from factory_tui.events import Event
from factory_tui.store import Store

ROOT = Path(__file__).resolve().parents[2]

TOML = """
[factory]
name = "tiny"
spec = "specs/tiny.md"
max_iterations = 4
[product]
command = "./tool"
[twins]
packs = ["slack"]
[trials]
parallel = 1
[budget]
tokens = 1_000_000
usd = 100
"""

SPEC = "# tiny\n\n`./tool` prints `people: N`, the number of accounts in Slack, and exits with 0.\n"

SCENARIO = """---
id: {id}
title: {title}
split: {split}
trials: {{min: 2, max: 2}}
setup:
  twins: {{slack: {{seed: acme-12}}}}
---
# Story
Somebody counts the people.
# Steps
1. run: `{{{{sut}}}}`
# Satisfied when
- must fact: cmd[1].exit == 0
  symptom: The program does not end well.
- must fact: cmd[1].output contains {wanted}
  symptom: The number of people is wrong.
"""

GOOD = """#!/usr/bin/python3 -IS
import json, os, urllib.request
request = urllib.request.Request(
    os.environ["SLACK_URL"] + "users.list?limit=200",
    headers={"authorization": "Bearer " + os.environ["SLACK_TOKEN"]},
)
members = json.load(urllib.request.urlopen(request))["members"]
people = [m for m in members if not m["is_bot"] and not m["deleted"]]
print("people:", sum(m["id"] != "USLACKBOT" for m in people))
"""
BAD = "#!/bin/sh\necho people: 3\n"


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": f"toolu_{tool}_{abs(hash(str(arguments)))}",
        "name": tool,
        "input": arguments,
    }


def write_tool(program: str) -> list[list[dict[str, Any]]]:
    """Answers of a builder that writes the program and makes it executable."""
    return [
        [text("I write it."), call("write_file", file_path="tool", content=program)],
        [call("shell", command="chmod +x tool && ./tool")],
        [text("Done.")],
    ]


def sturdy_tool(program: str) -> list[list[dict[str, Any]]]:
    """The same with every call made twice: whichever a kill cuts off, its like comes again.

    Recorded words cannot react to a call that was interrupted.
    """
    write, run, done = write_tool(program)
    return [write, write, run, run, done]


def recording(path: Path, *iterations: Sequence[Sequence[dict[str, Any]]]) -> Path:
    """A recorded session: for each iteration the builder's answers."""
    lines = []
    for number, answers in enumerate(iterations, 1):
        for ordinal, content in enumerate(answers):
            tools = any(block["type"] == "tool_use" for block in content)
            lines.append(
                {
                    "key": f"builder/{number}/build/1/{ordinal}",
                    "role": "builder",
                    "hash": "",
                    "model": "recorded",
                    "content": content,
                    "stop_reason": "tool_use" if tools else "end_turn",
                    "usage": {"input_tokens": 900, "output_tokens": 100},
                    "ms": 0,
                }
            )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tiny factory's folder, where the sandbox's user can reach it."""
    for parent in (tmp_path, *list(tmp_path.parents)[:3]):
        if parent.owner() == Path.home().owner() and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)
    made = tmp_path / "factory"
    (made / "specs").mkdir(parents=True)
    (made / "scenarios").mkdir()
    (made / "factory.toml").write_text(TOML)
    (made / "specs" / "tiny.md").write_text(SPEC)
    for split in ("train", "holdout"):
        (made / "scenarios" / f"{split}.md").write_text(
            SCENARIO.format(
                id=f"{split}-count",
                title=f"People are counted ({split})",
                split=split,
                wanted='"people: 12"',
            )
        )
    (made / "twins").symlink_to(ROOT / "twins")
    return made


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    settings.runs.mkdir()
    with Store.open(settings.store) as opened:
        yield opened


class Running:
    """A run in a process of its own, watched through the store like a viewer would."""

    def __init__(self, settings: Settings, store: Store, run_id: str) -> None:
        self.settings, self.store, self.id = settings, store, run_id

    def events(self, *kinds: str) -> list[Event]:
        found = self.store.events(run_id=self.id, limit=100_000)
        return [e for e in found if not kinds or e.kind in kinds]

    def wait(self, until: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for something; on the way out say what the run did instead."""
        import time

        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                log = (self.settings.runs / self.id / "engine.log").read_text()
                seen = "\n".join(f"{e.kind} {dict(e.data)}" for e in self.events())
                raise AssertionError(f"it did not happen\n{seen[-6000:]}\n{log[-3000:]}")
            time.sleep(0.05)

    def wait_for(self, *kinds: str) -> Event:
        self.wait(lambda: bool(self.events(*kinds)))
        return self.events(*kinds)[-1]

    def finished(self) -> Event:
        event = self.wait_for("run.finished")
        self.wait(lambda: not self.alive)
        return event

    @property
    def alive(self) -> bool:
        row = self.store.run(self.id)
        return process.alive(row.pid, row.pid_started)

    def ask(self, verb: str, **args: Any) -> None:
        self.store.request(self.id, verb, args, "test")

    def kill(self) -> None:
        """Kill its process as hard as can be, and wait until it is gone."""
        pid = self.store.run(self.id).pid
        if pid and self.alive:
            os.kill(pid, signal.SIGKILL)
            self.wait(lambda: not self.alive)

    def wake(self) -> None:
        spawn(self.settings, self.id)


@pytest.fixture
def start(settings: Settings, store: Store) -> Iterator[Callable[..., Running]]:
    """Start a run; whatever is still alive at the end is killed."""
    made: list[Running] = []

    def begin(**options: Any) -> Running:
        run_id = create_run(settings, RunOptions(**options))
        spawn(settings, run_id)
        made.append(Running(settings, store, run_id))
        return made[-1]

    yield begin
    for running in made:
        running.kill()


def played(path: Path, talks: Mapping[str, Sequence[Sequence[dict[str, Any]]]]) -> Path:
    """A recorded session: the builder's answers by conversation (``1/build/1`` and so on)."""
    lines = []
    for talk, answers in talks.items():
        for ordinal, content in enumerate(answers):
            tools = any(block["type"] == "tool_use" for block in content)
            lines.append(
                {
                    "key": f"builder/{talk}/{ordinal}",
                    "role": "builder",
                    "hash": "",
                    "model": "recorded",
                    "content": content,
                    "stop_reason": "tool_use" if tools else "end_turn",
                    "usage": {"input_tokens": 900, "output_tokens": 100},
                    "ms": 0,
                }
            )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def use_pipeline(folder: Path) -> Callable[[str], None]:
    """Have the factory run another pipeline: a shipped one's name, or DOT."""

    def use(pipeline: str) -> None:
        name = pipeline
        if "{" in pipeline:
            name = "own.dot"
            (folder / name).write_text(pipeline)
        toml = folder / "factory.toml"
        toml.write_text(toml.read_text().replace("[product]", f'pipeline = "{name}"\n[product]'))

    return use
