"""A builder's live session in the sandbox with each provider's profile and real wire format."""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factory_tui.config import load
from factory_tui.engine.launch import RunOptions, create_run, spawn
from factory_tui.llm.serving import Call, Reply
from factory_tui.store import Store
from tests.engine.conftest import GOOD, Running
from tests.llm.providers import MODELS, Providers, Said, api_of, fail, say

WRITTEN = GOOD.replace("people:", "persons:")
"""The program before its last line is mended."""

LONG = "seq -f 'line %.0f of a long output' 1 6000"


def write_calls(provider: str) -> list[tuple[str, str, dict[str, Any]]]:
    """How a model of each family writes a file and then changes it."""
    if provider == "openai":
        added = "".join(f"+{line}\n" for line in WRITTEN.splitlines())
        last = WRITTEN.splitlines()[-1]
        add = f"*** Begin Patch\n*** Add File: tool\n{added}*** End Patch\n"
        update = (
            f"*** Begin Patch\n*** Update File: tool\n@@\n-{last}\n"
            f"+{last.replace('persons:', 'people:')}\n*** End Patch\n"
        )
        return [("c1", "apply_patch", {"patch": add}), ("c2", "apply_patch", {"patch": update})]
    edit = {"file_path": "tool", "old_string": "persons:", "new_string": "people:"}
    return [
        ("c1", "write_file", {"file_path": "tool", "content": WRITTEN}),
        ("c2", "edit_file", edit),
    ]


class Builder(Providers):
    """Plays one builder with a subagent, whatever order their requests come in."""

    def __init__(self, provider: str) -> None:
        super().__init__()
        write, edit = write_calls(provider)
        self.sub = [
            say(text="", calls=[("s1", "shell", {"command": "echo sub > sub.txt"})]),
            say(text="The subagent is done."),
        ]
        self.main: list[Callable[[str], Said]] = [
            lambda body: Said(text="I write it.", calls=[write], thinking="Let me see."),
            lambda body: Said(calls=[edit]),
            lambda body: Said(calls=[("c3", "shell", {"command": f"chmod +x tool; {LONG}"})]),
            lambda body: Said(calls=[("c4", "read_file", {"file_path": overflow(body)})]),
            lambda body: Said(calls=[("c5", "spawn_agent", {"task": "Leave a note."})]),
            lambda body: Said(calls=[("c6", "wait", {"agent_id": agent(body)})]),
            lambda body: Said(text="Done."),
        ]
        self.talks: dict[str, list[dict[str, Any]]] = {"main": [], "sub": []}

    async def _handle(self, call: Call, reply: Reply) -> None:
        if call.method == "GET" or "count" in call.path.lower():
            await self._other(call, reply)
            return
        body = call.json()
        who = "main" if "spawn_agent" in json.dumps(body.get("tools")) else "sub"
        self.talks[who].append(body)
        if who == "sub":
            step = self.sub.pop(0)
        else:
            step = say(self.main.pop(0)(json.dumps(body)) if self.main else Said(text="Done."))
        await step(api_of(call), body, call, reply)


def overflow(body: str) -> str:
    found = re.search(r"/tool-output/[\w.-]+?\.txt", body)
    return found[0] if found else "nowhere"


def agent(body: str) -> str:
    found = re.findall(r'agent_id[\\"]+: ?[\\"]+([0-9a-f]{8})', body)
    return str(found[-1]) if found else "none"


@pytest.fixture
def serve() -> Iterator[Callable[[Providers], str]]:
    """Run a server in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    started: list[Providers] = []

    def begin(server: Providers) -> str:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        started.append(server)
        return server.url

    yield begin
    for server in started:
        asyncio.run_coroutine_threadsafe(server.aclose(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def live(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Running]]:
    """Start a run whose builder is a model of a provider, served at a URL."""
    made: list[Running] = []

    def begin(provider: str, url: str, **options: Any) -> Running:
        toml = folder / "factory.toml"
        toml.write_text(toml.read_text() + f'[models]\nbuilder = "{MODELS[provider]}"\n')
        for name in ("ANTHROPIC", "OPENAI", "GEMINI"):
            monkeypatch.setenv(f"{name}_API_KEY", "key")
            monkeypatch.setenv(f"{name}_BASE_URL", f"{url}/v1" if name == "OPENAI" else url)
        settings = load(folder)
        run_id = create_run(settings, RunOptions(**options))
        spawn(settings, run_id)
        made.append(Running(settings, store, run_id))
        return made[-1]

    yield begin
    for running in made:
        running.kill()


@pytest.mark.parametrize("provider", list(MODELS))
def test_a_builder_works_with_its_providers_tools(
    live: Callable[..., Running], serve: Callable[[Providers], str], provider: str
) -> None:
    server = Builder(provider)
    run = live(provider, serve(server))
    assert run.finished().data["status"] == "satisfied"

    place = run.settings.runs / run.id / "workspace"
    assert (place / "tool").read_text() == GOOD
    assert (place / "sub.txt").read_text() == "sub\n"
    assert not run.events("handedit.undone")

    tools = json.dumps(server.talks["main"][0]["tools"])
    assert ("apply_patch" in tools) == (provider == "openai")
    assert ("edit_file" in tools) == (provider != "openai")
    assert ("read_many_files" in tools) == (provider == "gemini")
    assert "spawn_agent" not in json.dumps(server.talks["sub"][0]["tools"])

    used = [(e.data["agent"][:6], e.data["tool"], e.data["ok"]) for e in run.events("agent.tool")]
    assert ("agent-", "shell", True) in used
    assert all(ok for _, _, ok in used), used
    tools_used = [e for e in run.events("agent.tool") if not e.data["agent"]]
    shell = next(e for e in tools_used if e.data["tool"] == "shell")
    full = run.store.turn(shell.data["full"]).payload["text"]
    assert "line 3000 of a long output" in full
    assert "line 3000" not in shell.data["detail"]
    read = next(e for e in run.events("agent.tool") if e.data["tool"] == "read_file")
    assert "line 1 of a long output" in read.data["detail"]

    keys = [row.key for row in run.store.ledger(run.id)]
    assert len([k for k in keys if "/agent-" in k]) == 2
    assert {row.node for row in run.store.ledger(run.id)} == {"build"}
    # What was sent once is never changed: every request begins as the one before.
    field = {"openai": "input", "gemini": "contents"}.get(provider, "messages")
    for before, after in zip(server.talks["main"], server.talks["main"][1:], strict=False):
        assert after[field][: len(before[field])] == before[field]
        assert after["tools"] == before["tools"]


@pytest.mark.slow
def test_a_conversation_that_outgrows_its_model_goes_on_from_a_summary(
    live: Callable[..., Running], serve: Callable[[Providers], str]
) -> None:
    server = Providers()
    write, edit = write_calls("anthropic")
    server.steps = [
        say(calls=[write]),
        fail(
            400, "prompt is too long: 210000 tokens > 200000 maximum", code="invalid_request_error"
        ),
        say(text="The program was written; its label is wrong."),
        say(calls=[edit]),
        say(calls=[("c3", "shell", {"command": "chmod +x tool"})]),
        say(text="Done."),
    ]
    run = live("anthropic", serve(server))
    assert run.finished().data["status"] == "satisfied"
    assert not run.events("run.paused")
    sent = json.dumps(server.bodies[3]["messages"])
    assert "its label is wrong" in sent
    assert len(server.bodies[3]["messages"]) == 1
    roles = [row.role for row in run.store.ledger(run.id)]
    assert roles.count("summary") == 1


@pytest.mark.slow
def test_what_does_not_fit_at_all_is_said_clearly(
    live: Callable[..., Running], serve: Callable[[Providers], str]
) -> None:
    server = Providers()
    refusal = fail(400, "prompt is too long: 9 > 8 maximum", code="invalid_request_error")
    server.steps = [refusal] * 4
    run = live("anthropic", serve(server))
    finished = run.finished().data
    assert finished["status"] == "failed"
    assert "shorten the spec" in finished["detail"]


@pytest.mark.slow
def test_a_refused_request_says_what_to_do(
    live: Callable[..., Running], serve: Callable[[Providers], str]
) -> None:
    server = Providers()
    server.steps = [fail(400, "output_config.effort: unknown", code="invalid_request_error")]
    run = live("anthropic", serve(server))
    paused = run.wait_for("run.paused").data
    assert paused["reason"] == "model"
    assert "choose another model in factory.toml" in paused["detail"]
    run.ask("stop")
    run.finished()
