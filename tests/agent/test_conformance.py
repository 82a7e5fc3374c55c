"""Coding agent loop specification, Definition of Done 9.1 to 9.13, with every profile.

Models are scripted servers that speak each provider's own wire format; tools run for real in a
directory of this machine. Each test's docstring names its items.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from factory_tui.agent import (
    AssistantTurn,
    BoxEnvironment,
    DirEntry,
    EventKind,
    ExecResult,
    ExecutionEnvironment,
    GrepOptions,
    LocalExecutionEnvironment,
    ProviderProfile,
    RegisteredTool,
    ScopedEnvironment,
    Session,
    SessionConfig,
    SessionEvent,
    SessionState,
    SteeringTurn,
    SubAgentStatus,
    ToolDefinition,
    ToolResultsTurn,
    UserTurn,
    create_anthropic_profile,
    create_gemini_profile,
    create_openai_profile,
    create_profile,
    detect_loop,
    discover_project_docs,
    filter_environment,
    git_context,
    process_input,
    turn_from_json,
    turn_to_json,
)
from factory_tui.llm import (
    AbortController,
    AuthenticationError,
    InvalidRequestError,
    Ledger,
    Limits,
    MemoryBook,
    RetryPolicy,
    ServerError,
)
from tests.agent.fakes import LocalEnvironment
from tests.llm.providers import MODELS, PROVIDERS, Providers, Step, cut, fail, say

every_profile = pytest.mark.parametrize("provider", PROVIDERS)
QUICK = RetryPolicy(base_delay=0.001)
Call = tuple[str, dict[str, Any]]


@pytest.fixture
async def providers() -> AsyncIterator[Providers]:
    server = Providers()
    await server.start()
    yield server
    await server.aclose()


@pytest.fixture
def env(tmp_path: Path) -> LocalExecutionEnvironment:
    root = tmp_path / "project"
    root.mkdir()
    return LocalExecutionEnvironment(root)


def does(*calls: Call, text: str = "") -> Step:
    """An answer with tool calls."""
    return say(text=text, calls=[(f"call_{n}", name, args) for n, (name, args) in enumerate(calls)])


class Desk:
    """A session of one profile on a scripted server, with everything it told."""

    def __init__(
        self, providers: Providers, provider: str, env: Any, *steps: Step, **options: Any
    ) -> None:
        self.providers, self.provider = providers, provider
        providers.steps = list(steps)
        self.book = MemoryBook()
        client = options.pop("client", None) or providers.client(
            ledger=Ledger(self.book, Limits(), lambda kind, data: None)
        )
        self.events: list[SessionEvent] = []
        self.profile: ProviderProfile = options.pop("profile", None) or create_profile(
            provider, MODELS[provider]
        )
        options = {"retry_policy": QUICK, **options}
        self.session = Session(
            self.profile, env, llm_client=client, on_event=self.events.append, **options
        )

    def of(self, kind: EventKind) -> list[dict[str, Any]]:
        return [event.data for event in self.events if event.kind is kind]

    @property
    def results(self) -> list[tuple[str, bool]]:
        """What the model was answered: all tool results so far."""
        return [
            (result.content, result.is_error)
            for turn in self.session.history
            if isinstance(turn, ToolResultsTurn)
            for result in turn.results
        ]


def edit(provider: str, path: str, old: str, new: str) -> Call:
    """A change of one line, in the format the profile's models are used to."""
    if provider != "openai":
        return "edit_file", {"file_path": path, "old_string": old, "new_string": new}
    patch = f"*** Begin Patch\n*** Update File: {path}\n@@\n-{old}\n+{new}\n*** End Patch\n"
    return "apply_patch", {"patch": patch}


# 9.1 core loop


@every_profile
async def test_files_are_created_read_and_edited(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.1 loop until natural completion, sequential inputs; 9.12 create, read, edit, many files."""
    desk = Desk(
        providers,
        provider,
        env,
        does(("write_file", {"file_path": "hello.py", "content": "print('Hello')\n"})),
        say(text="Created."),
        does(("read_file", {"file_path": "hello.py"})),
        does(
            edit(provider, "hello.py", "print('Hello')", "print('Hello'); print('Goodbye')"),
            ("write_file", {"file_path": "docs/a.md", "content": "# A\n"}),
        ),
        does(("shell", {"command": "python3 hello.py"})),
        say(text="Done."),
    )
    assert (await desk.session.submit("Create hello.py")).reason == "done"
    assert desk.session.state is SessionState.IDLE
    finished = await process_input(desk.session, "Add a second print")
    assert (finished.text, finished.rounds) == ("Done.", 3)
    assert "Goodbye" in await env.read_file("hello.py")
    assert await env.file_exists("docs/a.md")
    texts = [text for text, _ in desk.results]
    assert "  1 | print('Hello')" in texts[1]
    assert "Hello\nGoodbye" in texts[-1] and not any(failed for _, failed in desk.results)
    assert len(providers.bodies) == 6
    assert [row["state"] for row in desk.book.rows] == ["committed"] * 6
    kinds = [type(turn).__name__ for turn in desk.session.history]
    assert kinds[:4] == ["UserTurn", "AssistantTurn", "ToolResultsTurn", "AssistantTurn"]


@every_profile
async def test_history_only_grows(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.1 every request begins with the one before; stored turns give the same requests again."""
    steps = [
        say(text="", thinking="Hm.", reasoning=3, calls=[("call_1", "glob", {"pattern": "*"})])
    ]
    desk = Desk(providers, provider, env, *steps, say(text="Done."))
    await desk.session.submit("Go")
    key = {"anthropic": "messages", "openai": "input", "gemini": "contents"}[provider]

    def plain(body: dict[str, Any]) -> str:
        return json.dumps(body[key]).replace(', "cache_control": {"type": "ephemeral"}', "")

    one, two = map(plain, providers.bodies)
    assert two.startswith(one[:-1])
    stored = [turn_from_json(json.loads(json.dumps(turn_to_json(t)))) for t in desk.session.history]
    again = Desk(providers, provider, env, history=stored)
    await again.session.submit("More")
    assert plain(providers.bodies[2]).startswith(two[:-1])
    if provider == "openai":
        assert "c2VjcmV0" in two  # encrypted reasoning went back


@every_profile
async def test_limits(providers: Providers, provider: str, env: LocalExecutionEnvironment) -> None:
    """9.1 max_tool_rounds_per_input and max_turns stop the loop and tell TURN_LIMIT."""
    again = [does(("glob", {"pattern": f"{n}*"})) for n in range(9)]
    desk = Desk(providers, provider, env, *again, config=SessionConfig(max_tool_rounds_per_input=2))
    assert (await desk.session.submit("Go")).reason == "round_limit"
    assert desk.of(EventKind.TURN_LIMIT) == [{"round": 2}]
    desk = Desk(providers, provider, env, say(), *again, config=SessionConfig(max_turns=3))
    assert (await desk.session.submit("One")).reason == "done"
    assert (await desk.session.submit("Two")).reason == "turn_limit"
    assert desk.of(EventKind.TURN_LIMIT) == [{"total_turns": 3}]


@every_profile
async def test_loop_detection(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.1 and 9.12 repeating calls bring a warning as a SteeringTurn and a LOOP_DETECTION event."""
    same = [does(("glob", {"pattern": "*.nope"})) for _ in range(10)]
    desk = Desk(providers, provider, env, *same, say(text="I see."))
    await desk.session.submit("Go")
    assert len(desk.of(EventKind.LOOP_DETECTION)) == 1
    steering = [t for t in desk.session.history if isinstance(t, SteeringTurn)]
    assert "Loop detected" in steering[0].content
    assert detect_loop(desk.session.history, 10)
    assert not detect_loop(desk.session.history[:9], 10)
    assert "Loop detected" in json.dumps(providers.bodies[-1])


@every_profile
async def test_abort(
    providers: Providers, provider: str, env: LocalExecutionEnvironment, tmp_path: Path
) -> None:
    """9.1 and 9.11 abort kills running processes, tells SESSION_END last and closes."""
    mark, termed = tmp_path / "pid", tmp_path / "termed"
    command = (
        f"trap 'touch {termed}' TERM; echo $$ > {mark}.new; mv {mark}.new {mark}; "
        "while :; do sleep 0.05; done"
    )
    desk = Desk(providers, provider, env, does(("shell", {"command": command})))
    work = asyncio.ensure_future(desk.session.submit("Go"))
    while not mark.exists():
        await asyncio.sleep(0.01)
    desk.session.abort()
    assert (await work).reason == "aborted"
    assert termed.exists()  # asked first, and made to only because it did not end
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
    assert desk.session.state is SessionState.CLOSED
    assert desk.events[-1].kind is EventKind.SESSION_END


@every_profile
async def test_abort_signal_cancels_the_stream(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.1 and 9.11 an abort signal closes the model's stream and the session."""
    controller = AbortController()
    desk = Desk(providers, provider, env, cut(2, "silence"), abort_signal=controller.signal)
    work = asyncio.ensure_future(desk.session.submit("Go"))
    while not providers.bodies:
        await asyncio.sleep(0.01)
    controller.abort()
    assert (await work).reason == "aborted"
    assert desk.session.state is SessionState.CLOSED
    assert desk.book.rows[0]["state"] == "forfeited"


async def test_questions_await_input(providers: Providers, env: LocalExecutionEnvironment) -> None:
    """2.3 An answer that asks the user leaves the session AWAITING_INPUT."""
    desk = Desk(providers, "anthropic", env, say(text="Which port **should** it use?"), say())
    await desk.session.submit("Build a server")
    assert desk.session.state is SessionState.AWAITING_INPUT
    await desk.session.submit("8080")
    assert desk.session.state is SessionState.IDLE
    desk.session.close()
    assert desk.session.state is SessionState.CLOSED


# 9.2 profiles


def test_tool_sets() -> None:
    """9.2 each profile has its provider's tools."""
    shared = {"read_file", "write_file", "shell", "grep", "glob"}
    agents = {"spawn_agent", "send_input", "wait", "close_agent"}
    openai, anthropic, gemini = (
        create_openai_profile("gpt-5.2-codex"),
        create_anthropic_profile("claude-opus-4-6"),
        create_gemini_profile("gemini-3-flash-preview"),
    )
    assert {t.name for t in openai.tools()} == shared | agents | {"apply_patch"}
    assert {t.name for t in anthropic.tools()} == shared | agents | {"edit_file"}
    assert {t.name for t in gemini.tools()} == shared | agents | {
        "edit_file",
        "read_many_files",
        "list_dir",
    }
    for profile in (openai, anthropic, gemini):
        assert profile.supports_reasoning and profile.supports_streaming
        assert profile.supports_parallel_tool_calls
        assert profile.context_window_size >= 200_000
        assert profile.provider_options() is None
    assert anthropic.context_window_size == 10**6
    assert create_anthropic_profile().model.startswith("claude-")
    options = {"beta_headers": ["x"]}
    assert create_anthropic_profile(options=options).provider_options() == {"anthropic": options}


@every_profile
async def test_custom_tools(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.2 custom tools on top of a profile; the same name overrides the profile's tool."""
    profile = create_profile(provider, MODELS[provider])
    schema = {"type": "object", "properties": {"filter": {"type": "string"}}}

    async def run_tests(arguments: dict[str, Any], environment: Any) -> str:
        return f"ran {arguments['filter']} in {environment.working_directory()}"

    def quiet(arguments: dict[str, Any], environment: Any) -> dict[str, Any]:
        return {"overridden": True}

    profile.tool_registry.register(
        RegisteredTool(ToolDefinition("run_tests", "Run tests.", schema), run_tests)
    )
    profile.tool_registry.register(
        RegisteredTool(ToolDefinition("glob", "Mine.", {"type": "object"}), quiet)
    )
    steps = [does(("run_tests", {"filter": "x"}), ("glob", {}))]
    desk = Desk(providers, provider, env, *steps, profile=profile)
    await desk.session.submit("Go")
    assert desk.results == [
        (f"ran x in {env.working_directory()}", False),
        ('{"overridden": true}', False),
    ]


# 9.3 tool execution


@every_profile
async def test_mistakes_are_results(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.3 and 9.11 unknown tools, bad arguments and failures go back; 9.12 error recovery."""
    profile = create_profile(provider, MODELS[provider])

    def broken(arguments: dict[str, Any], environment: Any) -> str:
        raise RuntimeError("boom")

    profile.tool_registry.register(
        RegisteredTool(ToolDefinition("broken", "x", {"type": "object"}), broken)
    )
    desk = Desk(
        providers,
        provider,
        env,
        does(
            ("nonesuch", {}),
            ("read_file", {"path": "x"}),
            ("read_file", {"file_path": "missing"}),
            ("broken", {}),
            ("shell", {"command": "echo out; echo err >&2; exit 3"}),
            ("grep", {"pattern": "("}),
        ),
        does(("shell", {"command": "true"})),
        say(text="Recovered."),
        profile=profile,
    )
    assert (await desk.session.submit("Go")).text == "Recovered."
    unknown, invalid, missing, boom, shell, regex, good = desk.results
    assert all(failed for _, failed in desk.results[:6]) and not good[1]
    assert "Unknown tool: nonesuch" in unknown[0]
    assert "Invalid arguments" in invalid[0] and "file_path" in invalid[0]
    assert "No such file" in missing[0]
    assert boom[0] == "Tool error (broken): boom"
    assert "out\n[stderr]\nerr\n[exit code 3" in shell[0]
    assert "Tool error" not in regex[0]


@every_profile
async def test_parallel_tools(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.3 and 9.12 calls of one answer run side by side where the profile supports it."""
    profile = create_profile(provider, MODELS[provider])
    together = asyncio.Barrier(3)

    async def meet(arguments: dict[str, Any], environment: Any) -> str:
        await asyncio.wait_for(together.wait(), 10)  # passes only if all three are running
        return str(arguments["n"])

    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    profile.tool_registry.register(RegisteredTool(ToolDefinition("meet", "x", schema), meet))
    steps = [does(*[("meet", {"n": n}) for n in range(3)]), say()]
    desk = Desk(providers, provider, env, *steps, profile=profile)
    await desk.session.submit("Go")
    assert desk.results == [("0", False), ("1", False), ("2", False)]


# 9.4 environment


@every_profile
async def test_command_timeouts(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.4 and 9.12 timeout_ms is obeyed, up to the maximum; partial output and advice come back."""
    config = SessionConfig(max_command_timeout_ms=300)
    step = does(("shell", {"command": "echo begun; sleep 30", "timeout_ms": 60_000}))
    desk = Desk(providers, provider, env, step, say(text="Too slow."), config=config)
    assert (await desk.session.submit("Run it")).text == "Too slow."
    text, failed = desk.results[0]
    assert failed and text.startswith("begun\n[ERROR: Command timed out after 300ms.")
    assert "timeout_ms parameter" in text


class Recorded(LocalExecutionEnvironment):
    """Keeps what timeouts commands got."""

    timeouts: list[int]

    async def exec_command(self, command: str, timeout_ms: int = 10_000, *a: Any, **k: Any) -> Any:
        if command == "true":
            self.timeouts.append(timeout_ms)
        return await super().exec_command(command, timeout_ms, *a, **k)


async def test_default_timeouts(providers: Providers, tmp_path: Path) -> None:
    """9.4 ten seconds by default (two minutes in the Anthropic profile)."""
    assert SessionConfig().default_command_timeout_ms == 10_000
    found = {}
    for provider in PROVIDERS:
        env = Recorded(tmp_path)
        env.timeouts = []
        desk = Desk(providers, provider, env, does(("shell", {"command": "true"})))
        await desk.session.submit("Go")
        found[provider] = env.timeouts
    assert found == {"anthropic": [120_000], "openai": [10_000], "gemini": [10_000]}


async def test_local_environment(env: LocalExecutionEnvironment, tmp_path: Path) -> None:
    """9.4 LocalExecutionEnvironment: files, commands, searches, metadata."""
    assert isinstance(env, ExecutionEnvironment)
    await env.initialize()
    await env.write_file("src/b.py", "one\ntwo\nTHREE\n")
    await env.write_file("a.txt", "two")
    os.utime(tmp_path / "project/a.txt", (1, 1))
    assert await env.read_file("src/b.py") == "one\ntwo\nTHREE\n"
    assert await env.read_file("src/b.py", 2, 1) == "two\n"
    assert await env.file_exists("src") and not await env.file_exists("nope")
    assert await env.list_directory(".", 2) == [
        DirEntry("a.txt", False, 3),
        DirEntry("src", True, None),
        DirEntry("src/b.py", False, 14),
    ]
    assert len(await env.list_directory(".", 1)) == 2
    assert await env.glob("**/*", ".") == ["src/b.py", "a.txt"]
    assert set((await env.grep("two", ".")).splitlines()) == {"a.txt:1:two", "src/b.py:2:two"}
    options = GrepOptions(glob_filter="*.py", case_insensitive=True, output_mode="count")
    assert await env.grep("T", ".", options) == "src/b.py:2"
    done = await env.exec_command(
        "echo $X; pwd; echo e >&2", working_dir="src", env_vars={"X": "1"}
    )
    assert done.stdout == f"1\n{tmp_path}/project/src\n" and done.stderr == "e\n"
    assert (done.exit_code, done.timed_out, done.duration_ms > 0) == (0, False, True)
    assert env.working_directory() == str(tmp_path / "project")
    assert env.platform() == "linux" and env.os_version()
    with pytest.raises(FileNotFoundError):
        await env.read_file("nope")
    await env.delete_file("a.txt")
    assert not await env.file_exists("a.txt")
    kept = await env.save_output("x/../y", "text")
    assert await env.read_file(kept) == "text"
    await env.cleanup()
    assert not await env.file_exists(kept)


async def test_timeout_sends_term_then_kill(env: LocalExecutionEnvironment) -> None:
    """9.4 the whole process group gets SIGTERM, and SIGKILL two seconds later."""
    polite = await env.exec_command("trap 'echo bye; exit 0' TERM; sleep 30 & wait", 300)
    assert polite.timed_out and "bye" in polite.stdout
    stubborn = await env.exec_command("trap '' TERM; while :; do sleep 0.1; done", 300)
    assert stubborn.timed_out and stubborn.exit_code == -9
    assert stubborn.duration_ms >= 2_250
    group = await env.exec_command("sleep 77 & echo $!; exit 0")
    with pytest.raises(ProcessLookupError):
        for _ in range(1000):
            os.kill(int(group.stdout), 0)
            await asyncio.sleep(0.02)


async def test_environment_variables(
    env: LocalExecutionEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """9.4 secrets are left out by default; the policy can be changed."""
    secrets = ["OPENAI_API_KEY", "My_Secret", "GH_TOKEN", "db_password", "X_CREDENTIAL"]
    for name in [*secrets, "HARMLESS"]:
        monkeypatch.setenv(name, "v")
    shown = (await env.exec_command("env")).stdout
    assert "HARMLESS=v" in shown and "PATH=" in shown
    assert not any(name in shown for name in secrets)
    given = {"A_TOKEN": "1", "PATH": "2", "B": "3"}
    assert filter_environment(given) == {"PATH": "2", "B": "3"}
    assert filter_environment(given, "all") == given
    assert filter_environment(given, "core") == {"PATH": "2"}
    assert filter_environment(given, "none") == {}
    everything = LocalExecutionEnvironment(tmp_path, env_policy="all")
    assert "GH_TOKEN=v" in (await everything.exec_command("env")).stdout


class InMemory:
    """An environment of somebody else's: files in a dictionary, synchronous methods."""

    def __init__(self) -> None:
        self.files = {"a.txt": "alpha\nbeta\n"}
        self.commands: list[str] = []

    def read_file(self, path: str, offset: int | None = None, limit: int | None = None) -> str:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file", path)
        lines = self.files[path].splitlines(keepends=True)[(offset or 1) - 1 :]
        return "".join(lines if limit is None else lines[:limit])

    def write_file(self, path: str, content: str) -> None:
        self.files[path] = content

    def file_exists(self, path: str) -> bool:
        return path in self.files

    def list_directory(self, path: str, depth: int = 1) -> list[DirEntry]:
        return [DirEntry(name, False, len(text)) for name, text in self.files.items()]

    def exec_command(
        self, command: str, timeout_ms: int = 10_000, working_dir: Any = None, env_vars: Any = None
    ) -> ExecResult:
        self.commands.append(command)
        if command.startswith("rm -- "):
            self.files.pop(command.removeprefix("rm -- "))
        return ExecResult(stdout="ok\n", stderr="", exit_code=0, timed_out=False, duration_ms=5)

    def grep(self, pattern: str, path: str, options: GrepOptions) -> str:
        return "a.txt:1:alpha"

    def glob(self, pattern: str, path: str) -> list[str]:
        return list(self.files)

    def initialize(self) -> None:
        pass

    def cleanup(self) -> None:
        pass

    def working_directory(self) -> str:
        return "/memory"

    def platform(self) -> str:
        return "wasm"

    def os_version(self) -> str:
        return "1"


async def test_custom_environments(providers: Providers) -> None:
    """9.4 the interface can be implemented by others; all tools go through it."""
    memory = InMemory()
    assert isinstance(memory, ExecutionEnvironment)
    patch = "*** Begin Patch\n*** Add File: new.txt\n+hi\n*** Delete File: a.txt\n*** End Patch"
    desk = Desk(
        providers,
        "openai",
        memory,
        does(("read_file", {"file_path": "a.txt"}), ("grep", {"pattern": "a"})),
        does(("apply_patch", {"patch": patch}), ("shell", {"command": "ls"})),
    )
    await desk.session.submit("Go")
    assert memory.files == {"new.txt": "hi\n"}
    assert [text for text, _ in desk.results[:3]] == [
        "  1 | alpha\n  2 | beta",
        "a.txt:1:alpha",
        "Done:\nA new.txt\nD a.txt",
    ]
    assert "ls" in memory.commands
    assert "Platform: wasm" in desk.session.system


@every_profile
async def test_sandboxes_that_only_run_commands(
    providers: Providers, provider: str, tmp_path: Path
) -> None:
    """9.4 anything that runs a command is environment enough, overflow included."""
    (tmp_path / "box").mkdir()
    box = LocalEnvironment(tmp_path / "box")
    desk = Desk(
        providers,
        provider,
        box,
        does(("write_file", {"file_path": "d/a.txt", "content": "one\n"})),
        does(edit(provider, "d/a.txt", "one", "two")),
        does(("glob", {"pattern": "**/*.txt"})),
        does(("grep", {"pattern": "two"})),
        does(("shell", {"command": "seq 100000"})),
        does(("read_file", {"file_path": "/tool-output/shell-call_0.txt", "offset": 50_000})),
    )
    await desk.session.submit("Go")
    assert (tmp_path / "box/d/a.txt").read_text() == "two\n"
    texts = [text for text, _ in desk.results]
    assert texts[2:4] == ["d/a.txt", "d/a.txt:1:two"]
    if provider != "gemini":  # its calls have ids of our making
        assert "/tool-output/shell-call_0.txt" in texts[4]
        assert texts[5].startswith("50000 | 50000\n")
    env = BoxEnvironment(box)
    assert isinstance(env, ExecutionEnvironment)
    assert await env.list_directory(".", 2) == [DirEntry("d", True), DirEntry("d/a.txt", False, 4)]
    await env.delete_file("d/a.txt")
    assert not await env.file_exists("d/a.txt")
    with pytest.raises(ValueError, match="not found"):
        await env.read_file("d/a.txt")


# 9.5 truncation


@every_profile
async def test_truncation(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.5 and 9.12 characters first, then lines; full output in the event and in a file."""
    await env.write_file("big.txt", "x" * 100_000)
    desk = Desk(
        providers,
        provider,
        env,
        does(("read_file", {"file_path": "big.txt"}), ("shell", {"command": "seq 1 1000"})),
        config=SessionConfig(tool_line_limits={"shell": 10}),
    )
    await desk.session.submit("Read big.txt")
    seen, lines = (text for text, _ in desk.results)
    assert "[WARNING: Tool output was truncated. 50006 characters were removed" in seen
    assert len(seen) < 51_000
    assert "lines omitted" in lines
    path = lines.rpartition("The full output is in ")[2].split(";")[0]
    assert (await env.read_file(path)).startswith("1\n2\n3\n")
    full = {data["tool_name"]: data["output"] for data in desk.of(EventKind.TOOL_CALL_END)}
    assert len(full["read_file"]) == 100_006
    assert "\n500\n" in full["shell"]


# 9.6, 9.7


@every_profile
async def test_steering_and_follow_ups(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.6 and 9.12 steering comes after the tool round as a user message; follow-ups afterwards."""

    async def steered(api: str, body: Any, call: Any, reply: Any) -> None:
        desk.session.steer("Only /health, please.")
        await does(("glob", {"pattern": "*"}))(api, body, call, reply)

    desk = Desk(providers, provider, env, steered, say(text="One."), say(text="Two."))
    desk.session.follow_up("And now the docs.")
    desk.session.steer("Be quick.")
    finished = await desk.session.submit("Build a web app")
    assert finished.text == "Two."
    kinds = [type(turn).__name__ for turn in desk.session.history]
    assert kinds == [
        "UserTurn",
        "SteeringTurn",
        "AssistantTurn",
        "ToolResultsTurn",
        "SteeringTurn",
        "AssistantTurn",
        "UserTurn",
        "AssistantTurn",
    ]
    assert [d["content"] for d in desk.of(EventKind.STEERING_INJECTED)] == [
        "Be quick.",
        "Only /health, please.",
    ]
    last = {
        "anthropic": lambda body: body["messages"][-1],
        "openai": lambda body: body["input"][-1],
        "gemini": lambda body: body["contents"][-1],
    }[provider](providers.bodies[1])
    assert last["role"] == "user" and "Only /health" in json.dumps(last)


@every_profile
async def test_reasoning_effort(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.7 and 9.12 reasoning_effort reaches the request; a change holds from the next call on."""

    async def changed(api: str, body: Any, call: Any, reply: Any) -> None:
        desk.session.config.reasoning_effort = "high"
        await does(("glob", {"pattern": "*"}))(api, body, call, reply)

    desk = Desk(providers, provider, env, changed, config=SessionConfig(reasoning_effort="low"))
    await desk.session.submit("Go")
    desk.session.config.reasoning_effort = None
    await desk.session.submit("Again")
    asked = [
        next((w for w in ("low", "high") if f'"{w}"' in json.dumps(body)), None)
        for body in providers.bodies
    ]
    assert asked == ["low", "high", None]


# 9.8 prompts


@every_profile
async def test_system_prompt(providers: Providers, provider: str, tmp_path: Path) -> None:
    """9.8 and 9.2 base, environment, git, tools, project docs of this provider, user override."""
    repo = tmp_path / "repo"
    inner = LocalExecutionEnvironment(repo / "pkg" / "sub")
    await inner.initialize()
    git = "git -c user.name=a -c user.email=a@b -c init.defaultBranch=trunk"
    for path, text in {
        "../../AGENTS.md": "root agents",
        "../../CLAUDE.md": "claude only",
        "../../GEMINI.md": "gemini only",
        "../../.codex/instructions.md": "codex only",
        "../AGENTS.md": "pkg agents",
        "AGENTS.md": "sub agents",
    }.items():
        await inner.write_file(path, text)
    setup = f"cd {repo} && {git} init -q && {git} add pkg && {git} commit -qm 'First commit'"
    assert (await inner.exec_command(setup)).ok
    config = SessionConfig(user_instructions="Answer in French.")
    desk = Desk(providers, provider, inner, config=config)
    await desk.session.submit("Go")
    system = desk.session.system
    body = providers.bodies[0]
    sent = {
        "anthropic": lambda: body["system"][0]["text"],
        "openai": lambda: body["instructions"],
        "gemini": lambda: body["systemInstruction"]["parts"][0]["text"],
    }[provider]()
    assert sent == system
    assert desk.profile.base_instructions() in system
    assert "coding" in system.lower() and "agent" in system
    edits = {"anthropic": "old_string", "openai": "*** Begin Patch", "gemini": "GEMINI.md"}
    assert edits[provider] in desk.profile.base_instructions()
    for wanted in (
        f"Working directory: {repo}/pkg/sub",
        "Is git repository: true",
        "Git branch: trunk",
        "Platform: linux",
        "Today's date: ",
        "Model: ",
        "First commit",
    ):
        assert wanted in system
    for tool in desk.profile.tools():
        assert f"- {tool.name}: {tool.description}" in system
    own = {"anthropic": "claude only", "openai": "codex only", "gemini": "gemini only"}
    for name, text in own.items():
        assert (text in system) is (name == provider)
    order = [system.index(t) for t in ("root agents", "pkg agents", "sub agents", "in French.")]
    assert order == sorted(order) and system.endswith("Answer in French.")
    snapshot = await git_context(inner)
    assert (snapshot.branch, snapshot.root) == ("trunk", str(repo))
    assert snapshot.untracked > 0


async def test_project_docs_budget(env: LocalExecutionEnvironment) -> None:
    """9.8 project instructions are cut at 32 KB, with a mark."""
    await env.write_file("AGENTS.md", "é" * 40_000)
    found = await discover_project_docs(env, ("AGENTS.md",))
    assert found.endswith("[Project instructions truncated at 32KB]")
    assert len(found.encode()) < 32 * 1024 + 60
    assert await discover_project_docs(env, ("NOPE.md",)) == ""


# 9.9 subagents


def of_parent(provider: str, body: dict[str, Any]) -> bool:
    return "Delegate" in json.dumps(body)


@every_profile
async def test_subagents(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.9 and 9.12 spawn, wait: own history, same files, same ledger, results as tool results."""
    ids: list[str] = []

    async def play(api: str, body: Any, call: Any, reply: Any) -> None:
        if not of_parent(provider, body):
            wrote = "Created" in json.dumps(body)
            write = ("write_file", {"file_path": "t.py", "content": "pass\n"})
            await (say(text="Tests written.") if wrote else does(write))(api, body, call, reply)
        elif not desk.session.subagents:
            spawn = ("spawn_agent", {"task": "Write tests", "working_dir": "tests"})
            await does(spawn)(api, body, call, reply)
        elif not ids:
            ids.extend(desk.session.subagents)
            await does(("wait", {"agent_id": ids[0]}))(api, body, call, reply)
        else:
            await say(text="All good.")(api, body, call, reply)

    await env.write_file("tests/keep", "")
    desk = Desk(providers, provider, env, *[play] * 5)
    assert (await desk.session.submit("Delegate the tests")).text == "All good."
    assert await env.file_exists("tests/t.py")
    spawned, waited = (json.loads(text) for text, _ in desk.results)
    assert spawned == {"agent_id": ids[0], "status": "running"}
    assert waited == {"output": "Tests written.", "success": True, "turns_used": 2}
    child = desk.session.subagents[ids[0]].session
    assert [t.content for t in child.history if isinstance(t, UserTurn)] == ["Write tests"]
    assert len(desk.book.rows) == 5  # one ledger for both
    assert {d["tool_name"] for d in desk.of(EventKind.TOOL_CALL_START)} == {"spawn_agent", "wait"}


@every_profile
async def test_subagent_depth_and_tools(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.9 depth limit; send_input while running and afterwards; close_agent."""
    gate = asyncio.Event()
    bodies: list[dict[str, Any]] = []

    async def play(api: str, body: Any, call: Any, reply: Any) -> None:
        if not of_parent(provider, body):
            bodies.append(body)
            if len(bodies) == 1:
                await gate.wait()
                await does(("spawn_agent", {"task": "deeper"}))(api, body, call, reply)
            else:
                await say(text=f"Answer {len(bodies)}.")(api, body, call, reply)
            return
        agents = list(desk.session.subagents)
        plan: list[Call] = [("spawn_agent", {"task": "Look", "max_turns": 9})]
        if agents:
            one = {"agent_id": agents[0]}
            plan += [
                ("send_input", {**one, "message": "Hurry."}),
                ("wait", one),
                ("send_input", {**one, "message": "More."}),
                ("wait", one),
                ("close_agent", one),
                ("send_input", {**one, "message": "Hello?"}),
                ("wait", {"agent_id": "nobody"}),
            ]
        done = len(desk.results)
        if done == 2:
            gate.set()
        step = does(plan[done]) if done < len(plan) else say(text="Done.")
        await step(api, body, call, reply)

    desk = Desk(providers, provider, env, *[play] * 20)
    assert (await desk.session.submit("Delegate")).text == "Done."
    texts = [text for text, _ in desk.results]
    assert "reads it after its current tools" in texts[1]
    assert json.loads(texts[2])["output"] == "Answer 2."
    assert "Hurry." in json.dumps(bodies[1])
    assert "Unknown tool: spawn_agent" in json.dumps(bodies[1])  # no deeper than one level
    assert "spawn_agent" not in json.dumps(bodies[0].get("tools"))
    assert "goes on with it" in texts[3]
    assert json.loads(texts[4])["output"] == "Answer 3."
    assert json.loads(texts[5])["status"] == SubAgentStatus.COMPLETED
    assert [failed for _, failed in desk.results[6:]] == [True, True]
    child = next(iter(desk.session.subagents.values())).session
    assert child.depth == 1 and child.closed and child.config.max_turns == 9


async def test_abort_ends_subagents(providers: Providers, env: LocalExecutionEnvironment) -> None:
    """9.11 aborting a session closes its subagents before SESSION_END."""

    async def play(api: str, body: Any, call: Any, reply: Any) -> None:
        if of_parent("anthropic", body):
            agents = list(desk.session.subagents)
            step = ("wait", {"agent_id": agents[0]}) if agents else ("spawn_agent", {"task": "x"})
            await does(step)(api, body, call, reply)
        else:
            await does(("shell", {"command": "touch begun; sleep 60"}))(api, body, call, reply)

    desk = Desk(providers, "anthropic", env, *[play] * 3)
    work = asyncio.ensure_future(desk.session.submit("Delegate"))
    while not await env.file_exists("begun"):
        await asyncio.sleep(0.01)
    desk.session.abort()
    assert (await work).reason == "aborted"
    handle = next(iter(desk.session.subagents.values()))
    assert handle.session.closed and handle.status is SubAgentStatus.FAILED
    assert desk.events[-1].kind is EventKind.SESSION_END


async def test_scoped_environment(env: LocalExecutionEnvironment) -> None:
    """9.9 a subagent's working directory scopes files, searches and commands alike."""
    await env.write_file("sub/a.txt", "alpha\n")
    scoped = ScopedEnvironment(env, "sub")
    assert isinstance(scoped, ExecutionEnvironment)
    assert await scoped.read_file("a.txt") == "alpha\n"
    assert await scoped.glob("*.txt") == ["sub/a.txt"]
    assert await scoped.grep("alpha") == "sub/a.txt:1:alpha"
    assert (await scoped.exec_command("cat a.txt")).stdout == "alpha\n"
    assert [e.name for e in await scoped.list_directory(".")] == ["a.txt"]
    await scoped.write_file("b/c", "x")
    assert await env.file_exists("sub/b/c")
    await scoped.delete_file("b/c")
    assert not await scoped.file_exists("b/c")


# 9.10 events


@every_profile
async def test_events(providers: Providers, provider: str, env: LocalExecutionEnvironment) -> None:
    """9.10 all kinds at the right times, by callback and async iterator, up to SESSION_END."""
    shell = ("shell", {"command": "echo a; sleep 0.05; echo b"})
    desk = Desk(providers, provider, env, does(shell, text="Let me see."), say(text="Done."))
    stream = desk.session.events()

    async def read() -> list[SessionEvent]:
        return [event async for event in stream]

    reader = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    await desk.session.submit("Go")
    desk.session.close()
    assert await reader == desk.events
    kinds = [str(event.kind) for event in desk.events]
    collapsed = [kind for n, kind in enumerate(kinds) if n == 0 or kinds[n - 1] != kind]
    assert collapsed == [
        "session_start",
        "user_input",
        "assistant_text_start",
        "assistant_text_delta",
        "assistant_text_end",
        "tool_call_start",
        "tool_call_output_delta",
        "tool_call_end",
        "assistant_text_start",
        "assistant_text_delta",
        "assistant_text_end",
        "processing_end",
        "session_end",
    ]
    assert {event.session_id for event in desk.events} == {desk.session.id}
    assert "".join(d["delta"] for d in desk.of(EventKind.TOOL_CALL_OUTPUT_DELTA)) == "a\nb\n"
    said = [d["text"] for d in desk.of(EventKind.ASSISTANT_TEXT_DELTA) if d["of"] == "text"]
    assert "".join(said) == "Let me see.Done."


# 9.11 errors


@every_profile
async def test_transient_errors_are_retried(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.11 429, 500 and cut streams are tried again, each attempt booked."""
    desk = Desk(providers, provider, env, fail(429), fail(500), cut(1), say(text="At last."))
    policy = RetryPolicy(max_retries=5, base_delay=0.001)
    desk.session._asker.retry_policy = policy
    assert (await desk.session.submit("Go")).text == "At last."
    assert len(providers.bodies) == 4 and len(desk.book.rows) == 4
    desk = Desk(providers, provider, env, *[fail(500)] * 3)
    with pytest.raises(ServerError):
        await desk.session.submit("Go")
    assert desk.session.state is SessionState.IDLE  # it may pass: the session can go on
    assert (await desk.session.submit()).text == "Hello there."


@every_profile
async def test_errors_that_close(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.11 a rejected key (or request) is not retried and closes the session."""
    for status, error in ((401, AuthenticationError), (400, InvalidRequestError)):
        desk = Desk(providers, provider, env, fail(status))
        providers.bodies.clear()
        with pytest.raises(error):
            await desk.session.submit("Go")
        assert len(providers.bodies) == 1
        assert desk.session.state is SessionState.CLOSED
        assert [event.kind for event in desk.events[-2:]] == [
            EventKind.ERROR,
            EventKind.SESSION_END,
        ]


@every_profile
async def test_full_context(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.11 context use above 80 % and overflow are warnings; nothing is compacted."""
    profile = create_profile(provider, MODELS[provider], context_window_size=1000)
    desk = Desk(
        providers,
        provider,
        env,
        say(given=850, out=20),
        fail(400, "maximum context length exceeded"),
        profile=profile,
    )
    await desk.session.submit("Go")
    assert desk.of(EventKind.WARNING) == [{"message": "Context usage at 87% of context window"}]
    assert (await desk.session.submit("More")).reason == "context_window"
    assert "no longer fits" in desk.of(EventKind.WARNING)[-1]["message"]
    assert desk.session.state is SessionState.IDLE
    assert isinstance(desk.session.history[1], AssistantTurn)


# 9.12, 9.13


@every_profile
async def test_search_then_edit(
    providers: Providers, provider: str, env: LocalExecutionEnvironment
) -> None:
    """9.12 grep and glob to find files; read, analyse, edit in the provider's own format."""
    for name in ("a", "b"):
        await env.write_file(f"src/{name}.py", f"def {name}():\n    return 1\n")
    more: list[Call] = []
    if provider == "gemini":
        more = [("read_many_files", {"paths": ["src/a.py", "nope"]}), ("list_dir", {"depth": 2})]
    desk = Desk(
        providers,
        provider,
        env,
        does(("glob", {"pattern": "**/*.py"}), ("grep", {"pattern": "def b"}), *more),
        does(("read_file", {"file_path": "src/b.py"})),
        does(edit(provider, "src/b.py", "    return 1", "    return 2")),
        say(text="Done."),
    )
    await desk.session.submit("Make b return 2")
    assert await env.read_file("src/b.py") == "def b():\n    return 2\n"
    texts = [text for text, _ in desk.results]
    assert set(texts[0].splitlines()) == {"src/a.py", "src/b.py"}
    assert texts[1] == "src/b.py:1:def b():"
    if more:
        assert "--- src/a.py ---\n  1 | def a():" in texts[2] and "No such file" in texts[2]
        assert "src/\nsrc/a.py (22 bytes)" in texts[3]


@every_profile
async def test_smoke(providers: Providers, provider: str, env: LocalExecutionEnvironment) -> None:
    """9.13 the integration smoke test, against scripted servers."""
    profile = create_profile(provider, MODELS[provider])
    desk = Desk(
        providers,
        provider,
        env,
        does(("write_file", {"file_path": "hello.py", "content": "print('Hello World')\n"})),
        say(text="Created."),
        does(("read_file", {"file_path": "hello.py"})),
        does(
            edit(provider, "hello.py", "print('Hello World')", "print('Hello'); print('Goodbye')")
        ),
        say(text="Edited."),
        does(("shell", {"command": "python3 hello.py"})),
        say(text="Ran."),
        does(("shell", {"command": "sleep 30", "timeout_ms": 200})),
        say(text="It timed out."),
        profile=profile,
    )
    session = desk.session
    await session.submit("Create a file called hello.py that prints 'Hello World'")
    assert "Hello" in await env.read_file("hello.py")
    await session.submit("Read hello.py and add a second print statement that says 'Goodbye'")
    assert "Goodbye" in await env.read_file("hello.py")
    await session.submit("Run hello.py and show the output")
    assert desk.of(EventKind.TOOL_CALL_END)[-1]["output"].startswith("Hello\nGoodbye")
    assert (await session.submit("Run 'sleep 30'")).text == "It timed out."
    session.close()
    assert desk.events[0].kind is EventKind.SESSION_START
    assert desk.events[-1].kind is EventKind.SESSION_END
