"""Subcommands about runs that exist: list, steer, measure again, take out, delete."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from factory_tui.cli_common import (
    NO_RUN,
    fail,
    find_run,
    folder_option,
    settings_of,
    store_of,
    store_path,
    token_budget,
    usd_budget,
)

if TYPE_CHECKING:
    from factory_tui.state import Question
    from factory_tui.store import RunRow, Store

__all__ = [
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
]


@click.command()
@folder_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per run.")
def runs(folder: Path, as_json: bool) -> None:
    """List the runs of this factory, newest first."""
    rows: list[RunRow] = []
    if store_path(folder) is not None:
        with store_of(folder) as store:
            rows = store.runs()
    if not rows:
        click.echo(NO_RUN, err=True)
    for row in rows:
        _list(row, as_json)


def _list(row: RunRow, as_json: bool) -> None:
    from factory_tui import process

    live = process.alive(row.pid, row.pid_started)
    status = row.status
    if status in ("running", "starting") and not live:
        status = "interrupted"
    if as_json:
        fields = ("id", "name", "iteration", "spent_tokens", "spent_usd", "budget_tokens")
        shown = {k: getattr(row, k) for k in fields}
        click.echo(json.dumps({**shown, "status": status, "live": live}, default=str))
        return
    spent = f"{row.spent_tokens or 0:,} tok"
    usd = "cost unknown" if row.spent_usd is None else f"${float(row.spent_usd):.2f}"
    mark = "  recorded model" if row.recorded else ""
    click.echo(
        f"{row.id:8} {row.name:16} {status:12} iteration {row.iteration or 0:<3} "
        f"{spent:>16}  {usd}{mark}"
    )


def _requesting(verb: str, said: str) -> Callable[..., None]:
    """A subcommand that asks a run for something and wakes it where that is needed."""

    @click.argument("run_id")
    @folder_option
    def command(run_id: str, folder: Path) -> None:
        ask(folder, run_id, verb, {}, f"{verb} asked for")

    command.__doc__ = said
    return command


def ask(folder: Path, run_id: str, verb: str, args: dict[str, Any], said: str) -> None:
    """Write a request for a run's engine; start the engine where the request needs one."""
    from factory_tui import process

    settings = settings_of(folder)
    with store_of(folder) as store:
        row = find_run(store, run_id)
        live = process.alive(row.pid, row.pid_started)
        ended = row.status in ("satisfied", "unsatisfied", "stopped", "failed")
        # A run that ended without success may go on, and then with another budget.
        again = verb == "retry" or (verb in ("resume", "budget") and row.status != "satisfied")
        if ended and not live and not again:
            fail(f"run {row.id} has ended ({row.status}); start another with `factory-tui run`")
        store.request(row.id, verb, args, "command line")
        # Asked again now: an engine that ended since has not seen the request.
        row = store.run(row.id)
        live = process.alive(row.pid, row.pid_started)
    if not live and verb in ("resume", "retry", "stop", "budget", "answer"):
        from factory_tui.engine.launch import spawn

        spawn(settings, row.id)
    click.echo(f"{row.id}: {said}")


pause = click.command("pause")(
    _requesting("pause", "Pause a run at its next model call and trial.")
)
resume = click.command("resume")(_requesting("resume", "Let a paused or interrupted run go on."))
stop = click.command("stop")(_requesting("stop", "End a run; what it built and measured is kept."))


@click.command()
@click.argument("run_id")
@click.option("--tokens", type=str, help="New token budget such as 3_000_000 or 1.5M, or `none`.")
@click.option("--usd", type=str, help="New dollar budget, or `none`.")
@click.option("--yes", is_flag=True, help="Do not ask when the new budget is below what is spent.")
@folder_option
def budget(run_id: str, tokens: str | None, usd: str | None, yes: bool, folder: Path) -> None:
    """Set the token or dollar budget of a run, while it goes on or before it resumes."""
    if tokens is None and usd is None:
        fail("give --tokens N, --usd N, or both")
    args: dict[str, Any] = {}
    below = False
    with store_of(folder) as store:
        row = find_run(store, run_id)
    if tokens is not None:
        limit = args["tokens"] = token_budget(tokens)
        below = limit is not None and limit < (row.spent_tokens or 0)
    if usd is not None:
        dollars = usd_budget(usd)
        args["usd"] = None if dollars is None else str(dollars)
        below = below or (dollars is not None and dollars < Decimal(row.spent_usd or 0))
    if below and not yes:
        question = f"run {row.id} has already spent more than that and would pause. Go on?"
        if not sys.stdin.isatty():
            fail(f"{question.removesuffix(' Go on?')} Add --yes to do it.")
        if not click.confirm(question):
            return
    ask(folder, row.id, "budget", args, "budget changed")


@click.command()
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
    more = "1 more trial" if trials == 1 else f"{trials} more trials"
    ask(folder, row.id, "retry", args, f"{more} of {scenario} asked for")


@click.command()
@click.argument("run_id")
@click.argument("choice", nargs=-1)
@click.option("--question", "ident", help="The id of the question, where several wait.")
@folder_option
def answer(run_id: str, choice: tuple[str, ...], ident: str | None, folder: Path) -> None:
    """Answer what a run's pipeline asks; without CHOICE, list what it asks."""
    with store_of(folder) as store:
        row = find_run(store, run_id)
        waiting = open_questions(store, row.id)
    if not waiting:
        fail(f"run {row.id} asks nothing")
    if not choice:
        for question in waiting:
            click.echo(f"{question.id}  {question.text}")
            for option in question.options:
                mark = "  (default)" if option.key == question.default else ""
                click.echo(f"    [{option.key}] {option.label}{mark}")
        return
    chosen = [q for q in waiting if ident in (None, q.id)]
    if len(chosen) != 1:
        ids = ", ".join(q.id for q in waiting)
        fail(f"run {row.id} asks {ids}; say which with --question")
    question, said = chosen[0], " ".join(choice)
    labels = {option.label.casefold(): option for option in question.options}
    found = question.option(said) or labels.get(said.casefold())
    if found is None and not question.free:
        keys = ", ".join(f"{o.key} ({o.label})" for o in question.options)
        fail(f"{said}: not a choice; it asks for one of {keys}")
    key = said if found is None else found.key
    args = {"question": question.id, "choice": key}
    ask(folder, row.id, "answer", args, f"answered {key if found is None else found.label}")


def open_questions(store: Store, run_id: str) -> list[Question]:
    """The questions of a run that nobody has answered, oldest first."""
    from factory_tui.state.questions import Questions

    questions, cursor = Questions(), 0
    kinds = ("question.asked", "question.answered", "run.finished")
    while events := store.events(after=cursor, run_id=run_id, kinds=kinds, limit=500):
        for event in events:
            questions.apply(event)
        cursor = events[-1].seq
    return list(questions.open.values())


@click.command()
@click.argument("run_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@folder_option
def rm(run_id: str, yes: bool, folder: Path) -> None:
    """Delete a run: its rows in the store and its folder."""
    import shutil

    from factory_tui import process
    from factory_tui.engine.launch import run_lock

    with store_of(folder) as store:
        row = find_run(store, run_id)
        going_on = f"run {row.id} is going on; stop it first: factory-tui stop {row.id}"
        if process.alive(row.pid, row.pid_started):
            fail(going_on)
        if not yes and not _may_delete(row.id):
            return
        # No engine may wake while its files go away.
        with run_lock(folder / "runs" / row.id) as mine:
            if not mine:
                fail(going_on)
            store.remove_run(row.id)
            shutil.rmtree(folder / "runs" / row.id, ignore_errors=True)
    click.echo(f"{row.id}: deleted")


def _may_delete(run_id: str) -> bool:
    try:
        return click.confirm(f"Delete run {run_id} and everything it built?")
    except click.Abort:
        click.echo(err=True)
        fail(f"run {run_id} is kept: nobody said yes; --yes deletes it without asking")


@click.command()
@click.argument("run_id", required=False)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder that does not exist yet.",
)
@folder_option
def product(run_id: str | None, out: Path, folder: Path) -> None:
    """Take a run's product out (the newest's without an id): a git repository with its history."""
    from factory_tui.agent.workspace import GitError, Workspace, WorkspaceError

    with store_of(folder) as store:
        row = find_run(store, run_id)
    place = folder / "runs" / row.id
    if out.exists():
        fail(f"{out}: exists already; give a folder that does not")
    try:
        Workspace(place / "workspace", place / "git").export(out.resolve())
    except (GitError, WorkspaceError) as error:
        fail(f"run {row.id}: {error}")
    click.echo(str(out))


@click.command()
@click.argument("run_id", required=False)
@folder_option
def export(run_id: str | None, folder: Path) -> None:
    """Write everything about a run (the newest without an id) as JSON lines."""
    with store_of(folder) as store:
        row = find_run(store, run_id)
        for item in store.export(row.id):
            click.echo(json.dumps(item, ensure_ascii=False, default=str))
