"""`factory-tui` and its subcommands. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from factory_tui import __version__
from factory_tui.cli_common import (
    fail,
    find_run,
    folder_option,
    no_factory,
    settings_of,
    store_of,
    token_budget,
    usd_budget,
)
from factory_tui.cli_group import LazyGroup

if TYPE_CHECKING:
    from factory_tui.config import Settings
    from factory_tui.engine.launch import RunOptions

__all__ = ["main"]

EXIT_CODES = """Exit codes: 0 satisfied (or done), 1 not satisfied, 2 bad input, 3 budget exhausted,
4 harness failure."""


LAZY = {
    "pipeline": "factory_tui.pipeline_cli",
    "twins": "factory_tui.twins_cli",
    **dict.fromkeys(
        (
            "answer",
            "budget",
            "export",
            "pause",
            "product",
            "resume",
            "retry",
            "rm",
            "runs",
            "stop",
        ),
        "factory_tui.runs_cli",
    ),
}
"""The module of each command that is imported when somebody uses it."""


@click.group(cls=LazyGroup, lazy=LAZY, invoke_without_command=True, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="factory-tui")
@folder_option
@click.pass_context
def main(context: click.Context, folder: Path) -> None:
    """Run and supervise a software factory: specs and scenarios in, software out.

    Without a command: open the screens of the factory in this folder.
    """
    if context.invoked_subcommand is not None:
        return
    if not (folder / "factory.toml").exists():
        question = f"There is no factory in {folder}. Create the sample factory here?"
        if not (sys.stdin.isatty() and click.confirm(question)):
            fail(no_factory(folder))
        context.invoke(init, folder=folder)
    settings = settings_of(folder)
    open_screens(settings, None)


def open_screens(settings: Settings, run_id: str | None, options: RunOptions | None = None) -> None:
    """Open the TUI; without a terminal say what to use instead.

    ``options`` are those of the runs that are started from the screens.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("the screens need a terminal; use `factory-tui run --plain` or `--json`")
    if os.environ.get("TERM") == "dumb":
        fail("TERM=dumb: this terminal cannot show screens; use `--plain` or `--json`")
    if not sys.stderr.isatty():
        # Said where it can be seen.
        click.echo("the screens are drawn on standard error: leave out `2>…`, or use `--plain`")
        sys.exit(2)
    from factory_tui.ui.app import FactoryApp
    from factory_tui.ui.terminal import show

    def start_new() -> str:
        from factory_tui.engine.launch import create_run, spawn

        ident = create_run(settings, options or _options_of_newest(settings))
        spawn(settings, ident)
        return ident

    def wake(ident: str) -> None:
        from factory_tui.engine.launch import spawn

        spawn(settings, ident)

    settings.runs.mkdir(parents=True, exist_ok=True)
    app = FactoryApp(
        settings.folder, settings.store, run_id=run_id, start_run=start_new, wake_run=wake
    )
    sys.exit(show(app))


def _options_of_newest(settings: Settings) -> RunOptions:
    """What a run started from the screens needs: in a demo's folder, the recording again."""
    from factory_tui.engine.launch import RunOptions, model_access
    from factory_tui.store import Store

    with Store.open(settings.store) as store:
        newest = next(iter(store.runs()), None)
    if newest is not None and newest.recorded and not model_access():
        return RunOptions(**newest.settings)
    return RunOptions()


# -- running ---------------------------------------------------------------------------------


@main.command()
@folder_option
@click.option("--tokens", type=str, help="Token budget of this run, such as 1.5M.")
@click.option("--usd", type=str, help="Dollar budget of this run.")
@click.option(
    "--seed-from",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Start from this code base instead of from nothing.",
)
@click.option("--unsandboxed", is_flag=True, help="Run without isolation; every screen says so.")
@click.option("--record", type=click.Path(dir_okay=False), help="Record the model's answers.")
@click.option("--plain", "mode", flag_value="plain", help="Print events as lines.")
@click.option("--json", "mode", flag_value="json", help="Print events as JSON lines.")
@click.option("--detach", "mode", flag_value="detach", help="Only start it and print its id.")
def run(
    folder: Path,
    tokens: str | None,
    usd: str | None,
    seed_from: Path | None,
    unsandboxed: bool,
    record: str | None,
    mode: str | None,
) -> None:
    """Start a run: build, try out, learn, until satisfied or out of budget."""
    from factory_tui.engine.launch import RunOptions

    settings = settings_of(folder)
    limit = None if tokens is None else token_budget(tokens)
    dollars = None if usd is None else usd_budget(usd)
    if (tokens and limit is None) or (usd and dollars is None):
        fail("a run without a limit is what [budget] in factory.toml may ask for, not an option")
    options = RunOptions(
        tokens=limit,
        usd=None if dollars is None else str(dollars),
        unsandboxed=unsandboxed,
        seed_from=str(seed_from.resolve()) if seed_from else "",
        record=str(Path(record).resolve()) if record else "",
    )
    start_and_show(settings, options, mode)


def start_and_show(settings: Settings, options: RunOptions, mode: str | None) -> None:
    """Create the run, start its process and show it in the way asked for."""
    from factory_tui.engine.launch import BadInput, create_run, spawn

    try:
        run_id = create_run(settings, options)
    except BadInput as error:
        fail(str(error))
    spawn(settings, run_id)
    if mode == "detach":
        click.echo(run_id)
        return
    if mode in ("plain", "json") or not sys.stdout.isatty():
        sys.exit(follow_lines(settings, run_id, json_lines=mode == "json"))
    open_screens(settings, run_id, options)


def follow_lines(settings: Settings, run_id: str, *, json_lines: bool) -> int:
    """Print a run's events until it ends or waits for money; returns the exit code."""
    from factory_tui import process
    from factory_tui.plain import follow
    from factory_tui.store import Store

    with Store.open(settings.store) as store:
        try:
            code = follow(store, run_id, json=json_lines, out=sys.stdout)
        except KeyboardInterrupt:
            click.echo(f"detached; the run goes on: factory-tui attach {run_id}", err=True)
            return 130
        except OSError as error:
            # A pipe that is closed, or a terminal that is gone.
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
            # Not 0, which would say that the run is satisfied; nobody reads, so nothing is said.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        row = store.run(run_id)
        if row.status == "paused":
            if process.alive(row.pid, row.pid_started):
                store.request(run_id, "suspend", {}, "command line")
            first = f"factory-tui budget {run_id} --tokens N, then " if code == 3 else ""
            click.echo(f"run {run_id} can go on: {first}factory-tui resume {run_id}", err=True)
        return int(code)


@main.command()
@click.option("--plain", "mode", flag_value="plain", help="Print events as lines.")
@click.option("--json", "mode", flag_value="json", help="Print events as JSON lines.")
@click.option(
    "--pace",
    type=click.FloatRange(0, 10),
    default=0.04,
    show_default=True,
    help="Share of the recorded thinking time; 0 plays without pauses.",
)
@click.option(
    "--folder",
    "target",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the demo's factory is kept.",
)
def demo(mode: str | None, pace: float, target: Path | None) -> None:
    """Watch the sample factory converge: no key, no questions; the model's words are recorded."""
    from factory_tui import sample
    from factory_tui.engine.launch import RunOptions

    folder = sample.demo_folder(target)
    settings = settings_of(folder)
    options = RunOptions(recording=str(sample.recording()), may_fall_back=True, pace=pace)
    start_and_show(settings, options, mode)


@main.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path), default=Path())
@folder_option
def init(target: Path, folder: Path) -> None:
    """Create the sample factory (specs, scenarios, twins) in a folder."""
    from factory_tui import sample

    place = folder if target == Path() else target.resolve()
    try:
        made = sample.create(place)
    except FileExistsError as error:
        fail(str(error))
    for path in made:
        click.echo(f"  {path}")
    click.echo(
        f"In {place}: edit specs/ and scenarios/, set ANTHROPIC_API_KEY, then factory-tui check "
        "and factory-tui run"
    )


@main.command()
@click.argument("run_id", required=False)
@folder_option
@click.option("--plain", "mode", flag_value="plain", help="Print events as lines.")
@click.option("--json", "mode", flag_value="json", help="Print events as JSON lines.")
def attach(run_id: str | None, folder: Path, mode: str | None) -> None:
    """Watch a run that goes on (the newest without an id)."""
    settings = settings_of(folder)
    with store_of(folder) as store:
        row = find_run(store, run_id)
    if mode or not sys.stdout.isatty():
        sys.exit(follow_lines(settings, row.id, json_lines=mode == "json"))
    open_screens(settings, row.id)


@main.command()
@folder_option
@click.option("--static", is_flag=True, help="Only read the files; run nothing.")
def check(folder: Path, static: bool) -> None:
    """Check settings and scenarios; a program that does nothing must fail every scenario."""
    from factory_tui.engine.check import check_factory

    settings = settings_of(folder)
    sys.exit(check_factory(settings, dynamic=not static, out=click.echo))


@main.command()
@folder_option
def doctor(folder: Path) -> None:
    """Say what works on this machine and what to install."""
    from factory_tui.doctor import report

    sys.exit(report(folder, out=click.echo))
