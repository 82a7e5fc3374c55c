"""Take a run out of the store, with everything that only it needs."""

from __future__ import annotations

import sqlite3
from typing import Final

from .connection import Repository
from .errors import UnknownRun

__all__ = ["Removal"]

# Turns of the run that conversations of other runs build on, with all their ancestors.
_SHARED: Final = """CREATE TEMP TABLE shared AS WITH RECURSIVE
  mine(id) AS (SELECT t.id FROM turn t JOIN context c ON c.id = t.context_id WHERE c.run_id = ?1),
  used(id) AS (
    SELECT id FROM mine WHERE id IN (
      SELECT head_id FROM context WHERE run_id <> ?1
      UNION SELECT base_id FROM context WHERE run_id <> ?1
      UNION SELECT t.parent_id FROM turn t JOIN context c ON c.id = t.context_id
        WHERE c.run_id <> ?1)
    UNION SELECT t.parent_id FROM used JOIN turn t ON t.id = used.id
      WHERE t.parent_id IN (SELECT id FROM mine))
  SELECT id FROM used"""

_GONE: Final = """CREATE TEMP TABLE gone AS SELECT t.id, t.blob FROM turn t
  JOIN context c ON c.id = t.context_id
  WHERE c.run_id = ?1 AND t.id NOT IN (SELECT id FROM shared)"""


class Removal(Repository):
    """The one exception to "what is written once stays"."""

    def remove_run(self, run_id: str) -> None:
        """Delete a run and all its rows; the caller sees to it that no engine works on it.

        Turns on which another run's conversation builds stay, without belonging to a run.

        Raises:
            UnknownRun: there is no such run.
        """
        with self._db.write() as db:
            if not db.execute("SELECT 1 FROM run WHERE id = ?", (run_id,)).fetchone():
                raise UnknownRun(f"There is no run {run_id}.")
            db.execute("PRAGMA defer_foreign_keys=ON")
            db.execute("INSERT INTO removal(run_id) VALUES(?)", (run_id,))
            _remove_turns(db, run_id)
            trials = "(SELECT id FROM trial WHERE run_id = ?)"
            for table in ("step", "verdict"):
                db.execute(f"DELETE FROM {table} WHERE trial IN {trials}", (run_id,))
            for table in (
                *("trial", "scenario", "iteration", "place", "wanted", "answer"),
                *("ledger", "live", "control", "journal"),
            ):
                db.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))
            db.execute("DELETE FROM run WHERE id = ?", (run_id,))
            db.execute("DELETE FROM removal WHERE run_id = ?", (run_id,))


def _remove_turns(db: sqlite3.Connection, run_id: str) -> None:
    db.execute(_SHARED, (run_id,))
    db.execute(_GONE, (run_id,))
    own = "SELECT id FROM context WHERE run_id = ?"
    db.execute(f"DELETE FROM idem WHERE context_id IN ({own})", (run_id,))
    db.execute(f"DELETE FROM log WHERE context_id IN ({own})", (run_id,))
    db.execute("DELETE FROM turn WHERE id IN (SELECT id FROM gone)")
    db.execute(
        "DELETE FROM blob WHERE id IN (SELECT blob FROM gone)"
        " AND id NOT IN (SELECT blob FROM kept) AND id NOT IN (SELECT blob FROM turn)"
    )
    # A context in which a shared turn was appended stays as that turn's place of origin.
    db.execute(
        "DELETE FROM context WHERE run_id = ? AND id NOT IN"
        " (SELECT context_id FROM turn WHERE id IN (SELECT id FROM shared))",
        (run_id,),
    )
    db.execute(
        "UPDATE context SET run_id = '', head_id = (SELECT t.id FROM turn t"
        " WHERE t.context_id = context.id ORDER BY t.depth DESC LIMIT 1) WHERE run_id = ?",
        (run_id,),
    )
    db.execute("DROP TABLE shared")
    db.execute("DROP TABLE gone")
