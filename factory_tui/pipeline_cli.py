"""``factory-tui pipeline``: check, run and show pipelines in DOT on their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from factory_tui.cli_common import may_replace, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory_tui.attractor import Context, Graph, Node, PipelineEvent, PipelineRunner

__all__ = ["pipeline"]


def fail(sentence: str, code: int = 2) -> NoReturn:
    """Print one sentence to stderr and leave."""
    click.echo(sentence, err=True)
    sys.exit(code)


def read(path: Path) -> Graph:
    """Parse a pipeline file, or exit 2 with where it goes wrong."""
    from factory_tui.attractor import DotSyntaxError, parse_dot

    try:
        return parse_dot(path.read_text(encoding="utf-8"), path=str(path))
    except DotSyntaxError as error:
        fail(str(error))
    except FileNotFoundError:
        fail(f"{path}: there is no such file; give the path of a pipeline in DOT")
    except UnicodeDecodeError:
        fail(f"{path}: this is not UTF-8 text; give the path of a pipeline in DOT")
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")


file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group()
def pipeline() -> None:
    """Pipelines in DOT: check, run and show them."""


# -- check -----------------------------------------------------------------------------------


@pipeline.command()
@file_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object per finding.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def check(file: Path, as_json: bool, strict: bool) -> None:
    """Say what is wrong with a pipeline. Exit code 2 if it would not run."""
    from factory_tui.attractor import Severity, apply_transforms, validate
    from factory_tui.engine.dotfile import KNOWN_TYPES

    graph = apply_transforms(read(file))
    found = validate(graph, known_types=KNOWN_TYPES)
    for item in found:
        if as_json:
            about = {"rule": item.rule, "severity": str(item.severity), "message": item.message}
            place = {"node": item.node_id, "edge": item.edge, "fix": item.fix}
            click.echo(json.dumps({**about, **place, "line": item.line, "column": item.column}))
        else:
            click.echo(f"{file}:{item}" if item.line else f"{file}: {item}")
    bad = sum(item.severity is Severity.ERROR for item in found)
    if not as_json:
        size = f"{_count(len(graph.nodes), 'node')}, {_count(len(graph.edges), 'edge')}"
        warned = sum(item.severity is Severity.WARNING for item in found)
        mistakes = f"{_count(bad, 'error')}, {_count(warned, 'warning')}"
        click.echo(f"{file}: {size}, {mistakes}")
    if bad or (strict and found):
        sys.exit(2)


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


# -- show ------------------------------------------------------------------------------------


@pipeline.command()
@file_argument
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw it into a file.")
@click.option("--dot", is_flag=True, help="Print it as DOT with every default written out.")
def show(file: Path, svg: Path | None, dot: bool) -> None:
    """Show a pipeline's stages and the ways between them."""
    from factory_tui.attractor import apply_transforms, render_svg, to_dot

    graph = apply_transforms(read(file))
    if svg is not None:
        may_replace(svg, (b"<svg", b"<?xml"), "a drawing")
        try:
            svg.write_text(render_svg(graph), encoding="utf-8")
        except OSError as error:
            fail(refusal(error))
        click.echo(str(svg))
    elif dot:
        click.echo(to_dot(graph), nl=False)
    else:
        for line in describe(graph):
            click.echo(line)


def describe(graph: Graph) -> list[str]:
    """A pipeline as lines: each stage with its model, then its ways on."""
    from factory_tui.attractor.layout import lay_out

    lines = [graph.label or graph.id]
    if graph.goal:
        lines.append(f"  goal: {graph.goal}")
    for node_id in (node_id for layer in lay_out(graph).layers for node_id in layer):
        node = graph.nodes[node_id]
        about = [node.handler_type]
        if node.handler_type == "codergen":
            about += [node.llm_model or "model of the run", f"effort {node.reasoning_effort}"]
        if node.goal_gate:
            about.append("goal gate")
        if node.max_retries:
            about.append(f"{node.max_retries} retries")
        if node.timeout:
            about.append(f"at most {node.timeout:g} s")
        name = "" if node.label == node.id else f"  {node.label!r}"
        lines.append(f"\n{node.id}{name}  ({', '.join(about)})")
        for edge in graph.outgoing_edges(node_id):
            said = f"  {edge.label}" if edge.label else ""
            guard = f"  if {edge.condition}" if edge.condition else ""
            weight = f"  weight {edge.weight}" if edge.weight else ""
            again = "  (starts over)" if edge.loop_restart else ""
            lines.append(f"  → {edge.to_node}{said}{guard}{weight}{again}")
    return lines


# -- run -------------------------------------------------------------------------------------


@pipeline.command()
@file_argument
@click.option(
    "--run-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where its files go; a run that was cut off there goes on. Default: pipeline-runs/NAME.",
)
@click.option("--fresh", is_flag=True, help="Begin anew even if there is a run to go on with.")
@click.option("--agent", metavar="COMMAND", help="Answers each prompt: stdin to stdout.")
@click.option("--model", help="Answer prompts with this model (ANTHROPIC_API_KEY).")
@click.option("--tokens", type=click.IntRange(1), help="Token budget, with --model.")
@click.option("--usd", help="Dollar budget, with --model.")
@click.option("--simulate", is_flag=True, help="Do not ask any model: stages only pretend.")
@click.option("--approve", is_flag=True, help="Take the first choice at every human gate.")
@click.option("--set", "values", multiple=True, metavar="KEY=VALUE", help="Context to begin with.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
def run(
    file: Path,
    run_dir: Path | None,
    fresh: bool,
    agent: str | None,
    model: str | None,
    tokens: int | None,
    usd: str | None,
    simulate: bool,
    approve: bool,
    values: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run a pipeline here, outside a factory: no scenarios, no sandbox.

    Its commands run with your rights. Exit code 0: it succeeded, 1: it failed, 2: bad input,
    3: the budget is exhausted, 130: interrupted (the same command goes on).
    """
    from factory_tui.attractor import Context

    graph = read(file)
    if sum((bool(agent), bool(model), simulate)) > 1:
        fail("give one of --agent, --model and --simulate")
    asks = [n.id for n in graph.nodes.values() if n.handler_type == "codergen"]
    if asks and not (agent or model or simulate):
        fail(f"{file}: {asks[0]} asks a model; give --agent COMMAND, --model NAME or --simulate")
    if model and not (tokens or usd):
        fail("give --model a budget: --tokens N or --usd N")
    budget = _money(usd)
    initial = dict(_pair(text) for text in values)
    place = run_dir or Path("pipeline-runs") / file.stem
    show_event = _print_json if as_json else _print_line
    work = _Work(graph, Context(initial), place, not fresh, approve, show_event)
    try:
        if model:
            code = asyncio.run(work.with_model(model, tokens, budget))
        else:
            code = asyncio.run(work.run(_command_backend(agent) if agent else None))
    except KeyboardInterrupt:
        click.echo(f"interrupted; the same command goes on from {place}", err=True)
        code = 130
    sys.exit(code)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        fail(f"--set {text}: write KEY=VALUE")
    return key, value


def _money(text: str | None) -> Decimal | None:
    try:
        amount = None if text is None else Decimal(text)
    except ArithmeticError:
        amount = Decimal(-1)
    if amount is not None and not (amount.is_finite() and amount > 0):
        fail(f"--usd {text}: give an amount of US dollars such as 5.00")
    return amount


class _Work:
    """One run from the command line."""

    def __init__(
        self,
        graph: Graph,
        context: Context,
        place: Path,
        resume: bool,
        approve: bool,
        show_event: Callable[[PipelineEvent], None],
    ) -> None:
        self._graph, self._context, self._place = graph, context, place
        self._resume, self._approve, self._show = resume, approve, show_event

    async def run(self, backend: Any) -> int:
        """Run to the end; gives the exit code."""
        from factory_tui.attractor import (
            AutoApproveInterviewer,
            CheckpointError,
            ConsoleInterviewer,
            PipelineRunner,
            ValidationError,
        )

        people = AutoApproveInterviewer() if self._approve else ConsoleInterviewer()
        runner = PipelineRunner(backend=backend, interviewer=people, on_event=self._show)
        task = asyncio.ensure_future(self._carry_out(runner))
        # So that what the pipeline has started ends with it.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            return await task
        except ValidationError as error:
            click.echo(str(error), err=True)
        except CheckpointError as error:
            click.echo(f"{error}", err=True)
        except OSError as error:
            click.echo(refusal(error) if error.filename else str(error), err=True)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        return 2

    async def _carry_out(self, runner: PipelineRunner) -> int:
        outcome = await runner.run(
            self._graph, self._context, run_dir=self._place, resume=self._resume
        )
        return 0 if outcome.status.ok else 1

    async def with_model(self, model: str, tokens: int | None, usd: Decimal | None) -> int:
        """Run with a model of the Messages API behind a budget."""
        from factory_tui.llm import BudgetExhausted, Client, Ledger, Limits, MemoryBook, Request

        ledger = Ledger(MemoryBook(), Limits(tokens, usd), lambda kind, data: None)
        exhausted: list[str] = []
        threads: dict[str, list[dict[str, Any]]] = {}
        async with Client(ledger=ledger) as client:

            async def ask(node: Node, prompt: str, context: Context) -> str:
                said: list[dict[str, Any]] = []
                if context.get_string("internal.fidelity") == "full":
                    said = threads.setdefault(context.get_string("internal.thread_id"), [])
                asked = {"role": "user", "content": prompt}
                request = Request(
                    model=node.llm_model or model,
                    messages=[*said, asked],
                    key=f"pipeline/{node.id}",
                )
                try:
                    response = await client.complete(request)
                except BudgetExhausted as error:
                    exhausted.append(str(error))
                    raise
                # Only whole exchanges are kept, so that a failed call leaves a sound history.
                said += [asked, {"role": "assistant", "content": response.content}]
                return response.text

            code = await self.run(ask)
        totals = ledger.totals()
        cost = "cost unknown" if totals.unknown_cost else f"${totals.spent_usd:.4f}"
        click.echo(f"spent {totals.spent_tokens:,} tokens, {cost}", err=True)
        return 3 if exhausted and code else code


# -- serve -----------------------------------------------------------------------------------


@pipeline.command()
@click.option("--port", type=click.IntRange(0, 65535), default=9200, show_default=True)
@click.option("--address", default="127.0.0.1", show_default=True)
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("pipeline-runs"),
    show_default=True,
    help="Where run directories go.",
)
@click.option("--agent", metavar="COMMAND", help="Answers each prompt: stdin to stdout.")
@click.option("--simulate", is_flag=True, help="Do not ask any model: stages only pretend.")
@click.option("--token", envvar="FACTORY_TUI_PIPELINE_TOKEN", default="", help="Needed by clients.")
def serve(
    port: int, address: str, runs: Path, agent: str | None, simulate: bool, token: str
) -> None:
    """Serve the pipeline engine over HTTP, with a page to watch and to answer questions.

    Whoever may submit a pipeline may run commands with your rights.
    """
    if bool(agent) == simulate:
        fail("give one of --agent COMMAND and --simulate")
    try:
        asyncio.run(_serve(address, port, runs, _command_backend(agent) if agent else None, token))
    except (OSError, ValueError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


async def _serve(address: str, port: int, runs: Path, backend: Any, token: str) -> None:
    from factory_tui.attractor import PipelineServer, serve_pipelines

    names = {"127.0.0.1", "localhost", "::1", address}
    server = PipelineServer(runs, backend=backend, token=token, hosts=names)
    serving = await serve_pipelines(server, address=address, port=port)
    click.echo(f"listening on {serving.url} (ctrl+c stops)")
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await serving.wait()
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        await serving.close()


def _command_backend(command: str) -> Any:
    from factory_tui.attractor import run_shell_command

    async def ask(node: Node, prompt: str, context: Context) -> str:
        """Give the prompt to the agent's command; what it prints is the response."""
        env = {
            "ATTRACTOR_NODE": node.id,
            "ATTRACTOR_RUN": context.get_string("internal.run_id"),
            "ATTRACTOR_STAGE_DIR": str(Path(context.get_string("internal.stage_dir")).resolve()),
            "ATTRACTOR_THREAD": context.get_string("internal.thread_id"),
            "ATTRACTOR_FIDELITY": context.get_string("internal.fidelity"),
            "ATTRACTOR_MODEL": node.llm_model,
            "ATTRACTOR_EFFORT": node.reasoning_effort,
        }
        done = await run_shell_command(command, stdin=prompt.encode("utf-8", "replace"), env=env)
        if done.exit_code != 0:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise RuntimeError(f"the agent's exit code is {done.exit_code}: {''.join(last)}")
        return done.stdout

    return ask


def _print_json(event: PipelineEvent) -> None:
    _write(json.dumps(event.to_json(), default=str))


def _print_line(event: PipelineEvent) -> None:
    from factory_tui.text import clean

    if event.kind != "CheckpointSaved":
        _write(clean(event.description, limit=500).replace("\n", " "))


def _write(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # Whoever read this is gone; the pipeline goes on.
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115


if __name__ == "__main__":
    pipeline()
