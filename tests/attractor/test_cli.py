"""``factory-tui pipeline``: check, show, run, serve."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner, Result

from factory_tui.attractor import load_checkpoint, parse_dot
from factory_tui.pipeline_cli import pipeline
from tests.llm.scripted import MODEL, Scripted

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "factory_tui" / "pipelines"
GATED = """digraph G { goal="ship it" start [shape=Mdiamond] exit [shape=Msquare]
    work [prompt="Do: $goal"] gate [shape=hexagon, label="Good?"]
    start -> work -> gate gate -> exit [label="[Y] Yes"] gate -> work [label="[N] No"] }"""


def call(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(pipeline, [str(a) for a in arguments], input=stdin)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.dot")), ids=lambda path: path.stem)
def test_the_shipped_pipelines_pass_the_check(path: Path) -> None:
    result = call("check", path, "--strict")
    assert (result.exit_code, "0 errors, 0 warnings" in result.output) == (0, True)


def test_findings_have_a_place(tmp_path: Path) -> None:
    bad = tmp_path / "bad.dot"
    bad.write_text("digraph B {\n  start [shape=Mdiamond]\n  start -> a\n  a [prompt=x]\n}")
    result = call("check", bad)
    assert result.exit_code == 2
    assert "no exit node" in result.output
    assert "1 error, 0 warnings" in result.output
    found = [json.loads(line) for line in call("check", bad, "--json").output.splitlines()]
    assert [item["rule"] for item in found] == ["terminal_node"]
    bad.write_text("digraph B {\n  a -- b\n}")
    result = call("check", bad)
    assert result.exit_code == 2
    assert f"{bad}:2:5: undirected edges are not supported" in result.output
    assert call("check", tmp_path / "none.dot").exit_code == 2
    warned = tmp_path / "warned.dot"
    warned.write_text("digraph W { start -> a -> exit }")
    assert call("check", warned).exit_code == 0
    assert call("check", warned, "--strict").exit_code == 2


def test_show_names_stages_and_ways(tmp_path: Path) -> None:
    shown = call("show", SHIPPED / "semport.dot").output
    assert "Semantic port" in shown
    assert "→ exit  Nothing left  if outcome=fail && context.tool.exit_code=3" in shown
    assert "(tool, goal gate, at most 1800 s)" in shown
    assert call("show", SHIPPED / "factory.dot", "--svg", tmp_path / "f.svg").exit_code == 0
    assert (tmp_path / "f.svg").read_text().startswith("<svg ")
    again = parse_dot(call("show", SHIPPED / "factory.dot", "--dot").output)
    assert list(again.nodes) == ["start", "build", "validate", "satisfied", "learn", "exit"]


def test_run_with_an_agents_command_and_a_person(tmp_path: Path) -> None:
    file = tmp_path / "g.dot"
    file.write_text(GATED)
    place = tmp_path / "run"
    agent = f"tr a-z A-Z; printf '%s' \"$ATTRACTOR_STAGE_DIR\" >> {tmp_path}/dirs"
    result = call("run", file, "--run-dir", place, "--agent", agent, stdin="n\ny\n")
    assert result.exit_code == 0, result.output
    assert "[?] Good?" in result.output
    assert load_checkpoint(place).completed_nodes.count("work") == 2
    assert (place / "work" / "response.md").read_text().endswith("DO: SHIP IT")
    assert (tmp_path / "dirs").read_text() == str(place / "work") * 2
    # It has ended, so running it again does nothing but say so.
    result = call("run", file, "--run-dir", place, "--agent", "false", "--json")
    kinds = [json.loads(line)["kind"] for line in result.output.splitlines()]
    assert kinds == ["PipelineStarted", "PipelineCompleted"]
    result = call("run", file, "--run-dir", place, "--agent", "echo no >&2; false", "--fresh")
    assert result.exit_code == 1
    assert "the agent's exit code is 1: no" in result.output


def test_bad_input_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "g.dot"
    file.write_text(GATED)
    for arguments, said in [
        ((), "work asks a model; give --agent COMMAND, --model NAME or --simulate"),
        (("--agent", "cat", "--simulate"), "give one of"),
        (("--model", "claude-haiku-4-5"), "give --model a budget"),
        (("--model", "m", "--usd", "lots"), "amount of US dollars"),
        (("--simulate", "--set", "novalue"), "write KEY=VALUE"),
    ]:
        result = call("run", file, *arguments)
        assert (result.exit_code, said in result.output) == (2, True), result.output
    file.write_text("digraph G { start -> a a [prompt=x] }")
    result = call("run", file, "--simulate", "--run-dir", tmp_path / "r")
    assert (result.exit_code, "no exit node" in result.output) == (2, True)


def test_values_given_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "v.dot"
    file.write_text(
        "digraph V { start [shape=Mdiamond] exit [shape=Msquare] d [shape=diamond]"
        ' t [shape=parallelogram, tool_command="exit 7"] start -> d'
        ' d -> exit [condition="context.colour=blue"] d -> t -> exit }'
    )
    assert call("run", file, "--run-dir", tmp_path / "a", "--set", "colour=blue").exit_code == 0
    assert call("run", file, "--run-dir", tmp_path / "b", "--set", "colour=red").exit_code == 1


async def test_a_run_that_was_ended_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "s.dot"
    hold, log = tmp_path / "hold", tmp_path / "log"
    hold.touch()
    file.write_text(
        "digraph S { start [shape=Mdiamond] exit [shape=Msquare] node [shape=parallelogram]"
        f' a [tool_command="echo a >> {log}"]'
        f' b [tool_command="echo b >> {log}; while test -e {hold}; do sleep 0.02; done"]'
        " start -> a -> b -> exit }"
    )
    argv = [sys.executable, "-m", "factory_tui.pipeline_cli", "run", str(file)]
    argv += ["--run-dir", str(tmp_path / "run")]
    process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=-1, stderr=-1)
    while not log.exists() or log.read_text() != "a\nb\n":
        await asyncio.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = await process.communicate()
    assert process.returncode == 130
    assert "the same command goes on" in said.decode()
    hold.unlink()
    process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=-1)
    await process.communicate()
    assert process.returncode == 0
    assert log.read_text() == "a\nb\nb\n"


SESSION = """digraph S { goal="count" start [shape=Mdiamond] exit [shape=Msquare]
    node [fidelity=full, thread_id=t]
    a [prompt="One"] b [prompt="Two"] c [prompt="Three", fidelity=truncate]
    start -> a -> b -> c -> exit }"""


async def test_run_with_a_model_behind_a_budget(tmp_path: Path) -> None:
    file = tmp_path / "s.dot"
    file.write_text(SESSION)
    server = Scripted()
    await server.start()
    environment = {**os.environ, "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "k"}
    argv = [sys.executable, "-m", "factory_tui.pipeline_cli", "run", str(file), "--model", MODEL]
    try:
        for budget, code in (("100000", 0), ("10", 3)):
            process = await asyncio.create_subprocess_exec(
                *[*argv, "--tokens", budget, "--run-dir", str(tmp_path / budget)],
                cwd=ROOT, env=environment, stdout=-1, stderr=-1,
            )  # fmt: skip
            out, said = await process.communicate()
            assert process.returncode == code, (out + said).decode()
            assert b"spent " in said
    finally:
        await server.aclose()
    asked = [call["messages"] for call in server.calls]
    assert [len(messages) for messages in asked] == [1, 3, 1], "b goes on with a's session"


async def test_serve_answers_and_ends(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "factory_tui.pipeline_cli", "serve", "--simulate", "--port", "0"]
    environment = {**os.environ, "FACTORY_TUI_PIPELINE_TOKEN": "t0"}
    process = await asyncio.create_subprocess_exec(
        *argv, "--runs", str(tmp_path), cwd=ROOT, stdout=-1, stderr=-1, env=environment
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[2]
    async with aiohttp.ClientSession(url) as client:
        async with client.get("/pipelines") as response:
            assert response.status == 401
        async with client.post("/pipelines?token=t0", data=GATED) as response:
            assert response.status == 201
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
