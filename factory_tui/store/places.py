"""Workspaces of a run, and the trials somebody still wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .codec import dumps, loads
from .connection import Repository, refers_to
from .errors import UnknownRun
from .journal import now_ms
from .rows import PlaceRow, WantedRow

__all__ = ["Places"]

_PLACE: Final = "run_id, key, name, parent, base, tree, iteration, commit_id, tree_id, scores, kept"


class Places(Repository):
    """What the engine has to know again after a restart."""

    def save_place(self, row: PlaceRow) -> None:
        """Write a workspace's row, or replace it. Raises ``UnknownRun``."""
        with refers_to(UnknownRun(f"There is no run {row.run_id}.")), self._db.write() as db:
            db.execute(
                f"INSERT OR REPLACE INTO place({_PLACE}) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
                (
                    *(row.run_id, row.key, row.name, row.parent, row.base, row.tree),
                    *(row.iteration, row.commit, row.product_tree),
                    *(dumps(row.scores), int(row.kept)),
                ),
            )

    def place(self, run_id: str, key: str) -> PlaceRow | None:
        """The workspace of a key, if there is one."""
        row = self._db.one(f"SELECT {_PLACE} FROM place WHERE run_id=? AND key=?", (run_id, key))
        return None if row is None else _place(row)

    def places(self, run_id: str) -> list[PlaceRow]:
        """All workspaces of a run by key; the main line's comes first."""
        rows = self._db.all(f"SELECT {_PLACE} FROM place WHERE run_id=? ORDER BY key", (run_id,))
        return [_place(row) for row in rows]

    def want(self, run_id: str, scenario: str, trials: int) -> int:
        """Ask for more trials of a scenario; gives the wish's id. Raises ``UnknownRun``."""
        with refers_to(UnknownRun(f"There is no run {run_id}.")), self._db.write() as db:
            wish = db.execute(
                "INSERT INTO wanted(run_id, scenario, iteration, first, trials) VALUES(?,?,0,0,?)",
                (run_id, scenario, trials),
            ).lastrowid
        assert wish is not None
        return wish

    def wanted(self, run_id: str) -> list[WantedRow]:
        """The wishes that are still open, oldest first."""
        rows = self._db.all(
            "SELECT id, run_id, scenario, iteration, first, trials FROM wanted"
            " WHERE run_id = ? AND done_ms IS NULL ORDER BY id",
            (run_id,),
        )
        return [WantedRow(*row) for row in rows]

    def begin_wanted(self, wish: int, iteration: int, first: int) -> None:
        """Fix which trials a wish means, so that a restart performs those and no others."""
        with self._db.write() as db:
            db.execute(
                "UPDATE wanted SET iteration=?, first=? WHERE id=?", (iteration, first, wish)
            )

    def close_wanted(self, wish: int) -> None:
        """A wish is fulfilled, or cannot be."""
        with self._db.write() as db:
            db.execute("UPDATE wanted SET done_ms=? WHERE id=?", (now_ms(), wish))

    def keep_answer(self, run_id: str, slot: str, asked: str, answer: Mapping[str, Any]) -> None:
        """Keep a model's answer until what was made of it is stored; one per slot.

        Args:
            run_id: the run.
            slot: the conversation.
            asked: a digest of the request it answers.
            answer: the answer.
        """
        with refers_to(UnknownRun(f"There is no run {run_id}.")), self._db.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO answer(run_id, slot, asked, answer) VALUES(?,?,?,?)",
                (run_id, slot, asked, dumps(answer)),
            )

    def kept_answer(self, run_id: str, slot: str, asked: str) -> dict[str, Any] | None:
        """The answer kept for this very request, if there is one."""
        row = self._db.one(
            "SELECT answer FROM answer WHERE run_id=? AND slot=? AND asked=?", (run_id, slot, asked)
        )
        return None if row is None else dict(loads(row[0]))


def _place(row: tuple[Any, ...]) -> PlaceRow:
    return PlaceRow(*(*row[:9], loads(row[9]), bool(row[10])))
