"""Bring a database file to the version this program knows, under an exclusive lock.

``PRAGMA user_version`` holds the number of migrations applied, ``_sqlite_migrations`` (kept
by sqlite-utils) when each was. A current file is recognised by its header alone, so that the
usual start neither locks anything nor imports sqlite-utils.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["Migration", "Plan", "is_current", "migrate"]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step. ``apply`` runs inside a transaction, so it must not commit or VACUUM."""

    name: str
    apply: Callable[[Database], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """All migrations of one kind of file, oldest first; ``application_id`` marks the file."""

    name: str
    application_id: int
    steps: tuple[Migration, ...]

    @property
    def version(self) -> int:
        """The version a file has when every step was applied."""
        return len(self.steps)


def is_current(conn: sqlite3.Connection, plan: Plan, where: str) -> bool:
    """Whether a file needs no migration. Raises what :func:`migrate` raises."""
    return _version(conn, plan, where) == plan.version


def migrate(conn: sqlite3.Connection, plan: Plan, where: str) -> None:
    """Apply what is missing. ``where`` names the file in messages.

    Raises:
        StoreError: the file was written by a newer program or belongs to another one.
    """
    if is_current(conn, plan, where):
        return
    from sqlite_utils import Database, Migrations

    conn.execute("BEGIN EXCLUSIVE")
    try:
        # somebody else may have migrated while we waited for the lock
        if _version(conn, plan, where) != plan.version:
            history = Migrations(plan.name)
            for step in plan.steps:
                history(name=step.name)(step.apply)
            history.apply(Database(conn, execute_plugins=False))
            conn.execute(f"PRAGMA application_id={plan.application_id}")
            conn.execute(f"PRAGMA user_version={plan.version}")
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def _version(conn: sqlite3.Connection, plan: Plan, where: str) -> int:
    version = int(conn.execute("PRAGMA user_version").fetchone()[0])
    owner = int(conn.execute("PRAGMA application_id").fetchone()[0])
    if owner != plan.application_id:
        if version or conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise StoreError(f"{where} is a database of another program, not of factory-tui.")
        return 0
    if version > plan.version:
        raise StoreError(
            f"{where} was written by a newer factory-tui (its version is {version}, this "
            f"program knows up to {plan.version}): please upgrade factory-tui."
        )
    return version
