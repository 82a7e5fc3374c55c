"""What the subcommands share: the factory in a folder, its store, a run by its id, amounts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from factory_tui.config import Settings
    from factory_tui.store import RunRow, Store

__all__ = [
    "NO_RUN",
    "fail",
    "find_run",
    "folder_option",
    "may_replace",
    "no_factory",
    "refusal",
    "settings_of",
    "store_of",
    "store_path",
    "token_budget",
    "usd_budget",
]

NO_RUN = "no run yet; start one with `factory-tui run`"


def fail(sentence: str, code: int = 2) -> NoReturn:
    """Print one sentence to stderr and leave."""
    click.echo(sentence, err=True)
    sys.exit(code)


def no_factory(folder: Path) -> str:
    """What to say of a folder in which there is no factory."""
    return (
        f"{folder / 'factory.toml'}: no factory here; run `factory-tui init` to create one, "
        "or `factory-tui demo` to watch one"
    )


def settings_of(folder: Path) -> Settings:
    """The factory of a folder, or exit 2 with what is wrong."""
    from factory_tui.config import ConfigError, load

    if not (folder / "factory.toml").exists():
        fail(no_factory(folder))
    try:
        return load(folder)
    except ConfigError as error:
        fail(str(error))


def store_path(folder: Path) -> Path | None:
    """The store of the factory in a folder; None if it never ran. Exit 2 without a factory."""
    path = folder / "runs" / "factory.db"
    if path.exists():
        return path
    if not (folder / "factory.toml").exists():
        fail(no_factory(folder))
    return None


@contextmanager
def store_of(folder: Path) -> Iterator[Store]:
    """The opened store of the factory in a folder, or exit 2 with why there is none."""
    from factory_tui.store import Store, StoreError

    path = store_path(folder)
    if path is None:
        fail(NO_RUN)
    try:
        with Store.open(path) as store:
            yield store
    except StoreError as error:
        fail(str(error))


def find_run(store: Store, prefix: str | None) -> RunRow:
    """A run by the first characters of its id; the newest without one."""
    from factory_tui.store import StoreError, UnknownRun

    if prefix is None:
        runs = store.runs()
        if not runs:
            fail(NO_RUN)
        return runs[0]
    try:
        return store.find_run(prefix)
    except UnknownRun:
        known = [row.id for row in store.runs()]
        more = f", and {len(known) - 8} more" if len(known) > 8 else ""
        here = f"; this factory has {', '.join(known[:8])}{more}" if known else f": {NO_RUN}"
        fail(f"there is no run {prefix}{here}")
    except StoreError as error:
        fail(str(error))


folder_option = click.option(
    "--factory",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The factory's folder (with factory.toml); this one by default.",
    callback=lambda ctx, _param, value: chosen_folder(ctx, value),
)


def chosen_folder(context: click.Context, value: Path | None) -> Path:
    """The folder given here, or before the subcommand, or this one."""
    given = value or context.find_root().params.get("folder") or Path()
    return Path(given).resolve()


def token_budget(text: str) -> int | None:
    """A token budget as typed (``150k``, ``1.5M``, ``none``), or exit 2 with what is wrong."""
    from factory_tui.state.amounts import parse_tokens

    try:
        return parse_tokens(text)
    except ValueError as error:
        fail(f"--tokens {text}: {str(error).partition(': ')[2]}")


def usd_budget(text: str) -> Decimal | None:
    """A dollar budget as typed (``20``, ``$12.50``, ``none``), or exit 2 with what is wrong."""
    from factory_tui.state.amounts import parse_usd

    try:
        return parse_usd(text)
    except ValueError as error:
        fail(f"--usd {text}: {str(error).partition(': ')[2]}")


def refusal(error: OSError) -> str:
    """What the system refused and of what file, and what helps where that is known."""
    return f"{os.fsdecode(error.filename2 or error.filename or 'here')}: {_why(error)}"


def _why(error: OSError) -> str:
    match error:
        case PermissionError():
            return "permission denied; give a place that you may read and write"
        case FileExistsError() | NotADirectoryError():
            return "there is a file where a folder is needed; move it away or give another place"
        case IsADirectoryError():
            return "there is a folder where a file is needed; move it away or give another place"
        case FileNotFoundError():
            return "no such file or folder, and it cannot be made; give another place"
        case _:
            return f"{(error.strerror or str(error)).lower()}; give another place or free this one"


def may_replace(path: Path, beginnings: tuple[bytes, ...], what: str) -> None:
    """Exit 2 if a file is there that does not begin like what would be written over it.

    Args:
        path: where something is to be written.
        beginnings: how files of that kind begin; an empty file may always be replaced.
        what: what the kind is called: ``a pack``.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError:
        return  # nothing is there; what else is wrong comes out at writing
    if start and not start.startswith(beginnings):
        fail(f"{path}: there is a file that is not {what}; give another one, or remove it")
