"""`factory-tui` and its subcommands. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import click

from factory_tui import __version__

if TYPE_CHECKING:
    from factory_tui.config import Settings
    from factory_tui.store import Store

__all__ = ["main"]

EXIT_CODES = """Exit codes: 0 satisfied (or done), 1 not satisfied, 2 bad input, 3 budget exhausted,
4 harness failure."""


def fail(sentence: str, code: int = 2) -> NoReturn:
    """Print one sentence to stderr and leave."""
    click.echo(sentence, err=True)
    sys.exit(code)


def settings_of(folder: Path) -> Settings:
    """The factory of a folder, or exit 2 with what is wrong."""
    from factory_tui.config import ConfigError, load

    try:
        return load(folder)
    except ConfigError as error:
        fail(str(error))


@contextmanager
def store_of(folder: Path) -> Iterator[Store]:
    """The store of the factory in a folder; a factory that never ran has none yet."""
    from factory_tui.store import Store, StoreError

    path = folder / "runs" / "factory.db"
    if not path.exists():
        fail(f"{folder}: no run yet; start one with `factory-tui run`")
    try:
        with Store.open(path) as store:
            yield store
    except StoreError as error:
        fail(str(error))


def find_run(store: Store, prefix: str | None) -> Any:
    """A run by the first characters of its id; the newest without one."""
    from factory_tui.store import StoreError

    if prefix is None:
        runs = store.runs()
        if not runs:
            fail("no run yet; start one with `factory-tui run`")
        return runs[0]
    try:
        return store.find_run(prefix)
    except StoreError as error:
        fail(str(error))


folder_option = click.option(
    "--factory",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The factory's folder (with factory.toml); this one by default.",
    callback=lambda ctx, _param, value: _chosen(ctx, value),
)


def _chosen(context: click.Context, value: Path | None) -> Path:
    """The folder given here, or before the subcommand, or this one."""
    given = value or context.find_root().params.get("folder") or Path()
    return Path(given).resolve()


class LazyGroup(click.Group):
    """Groups of commands that are imported when somebody uses them."""

    LAZY: ClassVar[dict[str, str]] = {
        "pipeline": "factory_tui.pipeline_cli",
        "twins": "factory_tui.twins_cli",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the alphabet."""
        return sorted([*super().list_commands(ctx), *self.LAZY])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name."""
        if cmd_name in self.LAZY:
            module = importlib.import_module(self.LAZY[cmd_name])
            command: click.Command = getattr(module, cmd_name)
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=LazyGroup, invoke_without_command=True, epilog=EXIT_CODES)
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
        click.echo(f"There is no factory in {folder}.")
        if not (sys.stdin.isatty() and click.confirm("Create the sample factory here?")):
            fail("run `factory-tui init` to create one, or `factory-tui demo` to watch one")
        context.invoke(init, folder=folder)
    settings = settings_of(folder)
    open_screens(settings, None)


def open_screens(settings: Settings, run_id: str | None) -> None:
    """Open the TUI; without a terminal say what to use instead."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("the screens need a terminal; use `factory-tui run --plain` or `--json`")
    from factory_tui.ui.app import FactoryApp

    def start_new() -> str:
        from factory_tui.engine.launch import RunOptions, create_run, spawn

        ident = create_run(settings, RunOptions())
        spawn(settings, ident)
        return ident

    def wake(ident: str) -> None:
        from factory_tui.engine.launch import spawn

        spawn(settings, ident)

    settings.runs.mkdir(parents=True, exist_ok=True)
    FactoryApp(
        settings.folder, settings.store, run_id=run_id, start_run=start_new, wake_run=wake
    ).run()


# -- running ---------------------------------------------------------------------------------


@main.command()
@folder_option
@click.option("--tokens", type=click.IntRange(0), help="Token budget of this run.")
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
    tokens: int | None,
    usd: str | None,
    seed_from: Path | None,
    unsandboxed: bool,
    record: str | None,
    mode: str | None,
) -> None:
    """Start a run: build, try out, learn, until satisfied or out of budget."""
    from factory_tui.engine.launch import RunOptions

    settings = settings_of(folder)
    options = RunOptions(
        tokens=tokens,
        usd=None if usd is None else str(money(usd)),
        unsandboxed=unsandboxed,
        seed_from=str(seed_from.resolve()) if seed_from else "",
        record=str(Path(record).resolve()) if record else "",
    )
    start_and_show(settings, options, mode)


def start_and_show(settings: Settings, options: Any, mode: str | None) -> None:
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
    open_screens(settings, run_id)


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
        row = store.run(run_id)
        if row.status == "paused":
            if process.alive(row.pid, row.pid_started):
                store.request(run_id, "suspend", {}, "command line")
            first = f"factory-tui budget {run_id} --tokens N, then " if code == 3 else ""
            click.echo(f"run {run_id} can go on: {first}factory-tui resume {run_id}", err=True)
        return int(code)


def money(text: str) -> Any:
    """An amount of dollars from the command line."""
    from decimal import Decimal, InvalidOperation

    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        fail(f"--usd {text}: give an amount of US dollars such as 20.00")
    return amount


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
@click.option("--json", "as_json", is_flag=True, help="One JSON object per run.")
def runs(folder: Path, as_json: bool) -> None:
    """List the runs of this factory, newest first."""
    from factory_tui import process

    with store_of(folder) as store:
        rows = store.runs()
    for row in rows:
        live = process.alive(row.pid, row.pid_started)
        status = row.status
        if status in ("running", "starting") and not live:
            status = "interrupted"
        if as_json:
            fields = ("id", "name", "iteration", "spent_tokens", "spent_usd", "budget_tokens")
            shown = {k: getattr(row, k) for k in fields}
            click.echo(json.dumps({**shown, "status": status, "live": live}, default=str))
            continue
        spent = f"{row.spent_tokens or 0:,} tok"
        usd = "cost unknown" if row.spent_usd is None else f"${float(row.spent_usd):.2f}"
        mark = "  recorded model" if row.recorded else ""
        click.echo(
            f"{row.id:8} {row.name:16} {status:12} iteration {row.iteration or 0:<3} "
            f"{spent:>16}  {usd}{mark}"
        )


def requesting(verb: str, said: str) -> Callable[..., None]:
    """A subcommand that asks a run for something and wakes it where that is needed."""

    @click.argument("run_id")
    @folder_option
    def command(run_id: str, folder: Path) -> None:
        ask(folder, run_id, verb, {}, ASKED[verb])

    command.__doc__ = said
    return command


ASKED = {"pause": "pause asked for", "resume": "resume asked for", "stop": "stop asked for"}


def ask(folder: Path, run_id: str, verb: str, args: dict[str, Any], said: str) -> None:
    """Write a request for a run's engine; start the engine where the request needs one."""
    from factory_tui import process

    settings = settings_of(folder)
    with store_of(folder) as store:
        row = find_run(store, run_id)
        live = process.alive(row.pid, row.pid_started)
        ended = row.status in ("satisfied", "unsatisfied", "stopped", "failed")
        again = verb == "retry" or (verb == "resume" and row.status != "satisfied")
        if ended and not live and not again:
            fail(f"run {row.id} has ended ({row.status}); start another with `factory-tui run`")
        store.request(row.id, verb, args, "command line")
    if not live and verb in ("resume", "retry", "stop", "budget"):
        from factory_tui.engine.launch import spawn

        spawn(settings, row.id)
    click.echo(f"{row.id}: {said}")


main.command(name="pause")(requesting("pause", "Pause a run at its next model call and trial."))
main.command(name="resume")(requesting("resume", "Let a paused or interrupted run go on."))
main.command(name="stop")(requesting("stop", "End a run; what it built and measured is kept."))


@main.command()
@click.argument("run_id")
@click.option("--tokens", type=str, help="New token budget, or `none`.")
@click.option("--usd", type=str, help="New dollar budget, or `none`.")
@click.option("--yes", is_flag=True, help="Do not ask when the new budget is below what is spent.")
@folder_option
def budget(run_id: str, tokens: str | None, usd: str | None, yes: bool, folder: Path) -> None:
    """Set the token or dollar budget of a run, while it goes on or before it resumes."""
    if tokens is None and usd is None:
        fail("give --tokens N, --usd N, or both")
    args: dict[str, Any] = {}
    if tokens is not None:
        cleaned = tokens.replace("_", "").replace(",", "")
        digits = cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= 12
        if cleaned != "none" and not digits:
            fail(f"--tokens {tokens}: give a whole number such as 3_000_000, or none")
        args["tokens"] = None if cleaned == "none" else int(cleaned)
    if usd is not None:
        args["usd"] = None if usd == "none" else str(money(usd))
    with store_of(folder) as store:
        row = find_run(store, run_id)
        limit = args.get("tokens")
        below = limit is not None and limit < (row.spent_tokens or 0)
        dollars = args.get("usd")
        below = below or (dollars is not None and float(dollars) < float(row.spent_usd or 0))
    if below and not yes:
        question = f"run {row.id} has already spent more than that and would pause. Go on?"
        if not sys.stdin.isatty():
            fail(f"{question.removesuffix(' Go on?')} Add --yes to do it.")
        if not click.confirm(question):
            return
    ask(folder, row.id, "budget", args, "budget changed")


@main.command()
@click.argument("run_id")
@click.argument("scenario")
@click.option("--trials", type=click.IntRange(1, 100), default=3, show_default=True)
@folder_option
def retry(run_id: str, scenario: str, trials: int, folder: Path) -> None:
    """Perform more trials of one scenario against the run's latest product."""
    with store_of(folder) as store:
        row = find_run(store, run_id)
        known = [s.id for s in store.scenarios(row.id)]
    if scenario not in known:
        fail(f"run {row.id} has no scenario {scenario!r}; it has: {', '.join(known) or 'none yet'}")
    args = {"scenario": scenario, "trials": trials}
    ask(folder, row.id, "retry", args, f"{trials} more trials of {scenario} asked for")


@main.command()
@click.argument("run_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@folder_option
def rm(run_id: str, yes: bool, folder: Path) -> None:
    """Delete a run: its rows in the store and its folder."""
    import shutil

    from factory_tui import process

    with store_of(folder) as store:
        row = find_run(store, run_id)
        if process.alive(row.pid, row.pid_started):
            fail(f"run {row.id} is going on; stop it first: factory-tui stop {row.id}")
        if not yes and not click.confirm(f"Delete run {row.id} and everything it built?"):
            return
        store.remove_run(row.id)
    shutil.rmtree(folder / "runs" / row.id, ignore_errors=True)
    click.echo(f"{row.id}: deleted")


@main.command()
@click.argument("run_id")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder that does not exist yet.",
)
@folder_option
def product(run_id: str, out: Path, folder: Path) -> None:
    """Take a run's product out: a git repository with its history."""
    from factory_tui.agent.workspace import Workspace, WorkspaceError

    with store_of(folder) as store:
        row = find_run(store, run_id)
    place = folder / "runs" / row.id
    if out.exists():
        fail(f"{out}: exists already; give a folder that does not")
    try:
        Workspace(place / "workspace", place / "git").export(out.resolve())
    except WorkspaceError as error:
        fail(str(error))
    click.echo(str(out))


@main.command()
@click.argument("run_id", required=False)
@folder_option
def export(run_id: str | None, folder: Path) -> None:
    """Write everything about a run as JSON lines."""
    with store_of(folder) as store:
        row = find_run(store, run_id)
        for item in store.export(row.id):
            click.echo(json.dumps(item, ensure_ascii=False, default=str))


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
