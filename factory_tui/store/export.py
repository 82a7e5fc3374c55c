"""A run as a stream of JSON objects, one per row, for JSONL files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .blobs import unseal
from .codec import loads
from .connection import Repository
from .errors import UnknownRun

__all__ = ["Export"]

_OF_TRIALS: Final = "WHERE trial IN (SELECT id FROM trial WHERE run_id = ?)"

# type of the object, its rows, the columns that hold JSON, the columns that are truth values
_PARTS: Final[tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...]] = (
    (
        "run",
        "SELECT *, unpriced > 0 AS cost_unknown FROM run WHERE id = ?",
        ("settings",),
        ("recorded", "cost_unknown"),
    ),
    (
        "scenario",
        "SELECT run_id, id, title, split, weight, hash, judged FROM scenario WHERE run_id = ?"
        " ORDER BY position",
        (),
        ("judged",),
    ),
    (
        "iteration",
        'SELECT run_id, n, commit_id AS "commit", tree_id AS tree, spec_hash, started_ms,'
        " finished_ms, scores FROM iteration WHERE run_id = ? ORDER BY n",
        ("scores",),
        (),
    ),
    ("journal", "SELECT * FROM journal WHERE run_id = ? ORDER BY seq", ("data",), ()),
    (
        "trial",
        "SELECT * FROM trial WHERE run_id = ? ORDER BY iteration, scenario, confirmation, n",
        (),
        ("confirmation",),
    ),
    ("step", f"SELECT * FROM step {_OF_TRIALS} ORDER BY trial, n", ("data",), ()),
    (
        "verdict",
        f"SELECT * FROM verdict {_OF_TRIALS} ORDER BY trial",
        ("facts", "criteria", "evidence_steps"),
        ("satisfied",),
    ),
    (
        "place",
        'SELECT run_id, key, name, parent, base, tree, iteration, commit_id AS "commit",'
        " tree_id AS product_tree, scores, kept FROM place WHERE run_id = ? ORDER BY key",
        ("scores",),
        ("kept",),
    ),
    ("wanted", "SELECT * FROM wanted WHERE run_id = ? ORDER BY id", (), ()),
    ("ledger", "SELECT * FROM ledger WHERE run_id = ? ORDER BY id", ("usage",), ()),
    ("control", "SELECT * FROM control WHERE run_id = ? ORDER BY id", ("args",), ()),
    (
        "context",
        "SELECT id, run_id, tag, title, labels, head_id AS head, base_id AS base, created_ms,"
        " updated_ms FROM context WHERE run_id = ? ORDER BY id",
        ("labels",),
        (),
    ),
)

# also the turns of other runs that this one's conversations build on
_TURNS: Final = """WITH RECURSIVE needed(id) AS (
  SELECT t.id FROM turn t JOIN context c ON c.id = t.context_id WHERE c.run_id = ?1
  UNION SELECT base_id FROM context WHERE run_id = ?1 AND base_id IS NOT NULL
  UNION SELECT t.parent_id FROM needed JOIN turn t ON t.id = needed.id
    WHERE t.parent_id IS NOT NULL)
  SELECT t.id, t.context_id AS context, t.parent_id AS parent, t.depth, y.type_id, y.version,
    b.hash, t.created_ms, b.codec, b.data
  FROM needed JOIN turn t ON t.id = needed.id JOIN type y ON y.id = t.type
  LEFT JOIN blob b ON b.id = t.blob ORDER BY t.id"""


class Export(Repository):
    """Everything about a run, in one consistent view, while engines go on writing."""

    def export(self, run_id: str) -> Iterator[dict[str, Any]]:
        """Objects with a ``type`` (run, scenario, iteration, journal, ...) and the row's fields.

        Each is JSON-able; hashes are hex. Rows are fetched as the iterator is consumed.

        Raises:
            UnknownRun: there is no such run.
        """
        if self._db.one("SELECT 1 FROM run WHERE id = ?", (run_id,)) is None:
            raise UnknownRun(f"There is no run {run_id}.")
        return self._objects(run_id)

    def _objects(self, run_id: str) -> Iterator[dict[str, Any]]:
        from sqlite_utils import Database

        with self._db.snapshot() as conn:
            db = Database(conn, execute_plugins=False)
            for kind, sql, json_columns, truths in _PARTS:
                for row in db.query(sql, [run_id]):
                    for name in json_columns:
                        row[name] = loads(row[name])
                    for name in truths:
                        row[name] = None if row[name] is None else bool(row[name])
                    yield {"type": kind, **row}
            for row in db.query(_TURNS, [run_id]):
                sealed = row["hash"], row.pop("codec"), row.pop("data")
                row["payload"] = loads(unseal(*sealed, f"Turn {row['id']}"))
                row["hash"] = row["hash"].hex()
                yield {"type": "turn", **row}
