"""Runs, what viewers ask of them (control), and what streams right now (live)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from .codec import dumps, loads
from .connection import Repository, refers_to
from .errors import AmbiguousRun, StoreError, UnknownRun
from .journal import now_ms
from .rows import RUN_STATUSES, VERBS, Control, RunRow

__all__ = ["Runs"]

_STORED: Final = (
    "id, name, spec_path, spec_hash, status, created_ms, finished_ms, pid, pid_started,"
    " heartbeat_ms, iteration, budget_tokens, budget_usd, spent_tokens, spent_usd, recorded,"
    " tier, factory_dir, seed_from, settings"
)
_COLUMNS: Final = f"{_STORED}, unpriced > 0 AS cost_unknown"
_SETTABLE: Final = frozenset(_STORED.split(", ")) - {"id", "spent_tokens", "spent_usd"}
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Runs(Repository):
    """One row per run; viewers write ``control``, the engine everything else."""

    def add_run(self, run: RunRow) -> None:
        """Add a run; ``created_ms`` 0 means now.

        ``spent_*`` may carry an amount brought forward; the ledger adds to it.

        Raises:
            StoreError: the id is taken, or the status is none.
        """
        _check_status(run.status)
        values = [getattr(run, name) for name in _STORED.split(", ")]
        values[_STORED.split(", ").index("settings")] = dumps(run.settings)
        values.append(int(run.cost_unknown))
        columns = f"{_STORED}, unpriced"
        try:
            with self._db.write() as db:
                db.execute(
                    f"INSERT INTO run({columns}) VALUES({','.join('?' * len(values))})", values
                )
                if not run.created_ms:
                    db.execute("UPDATE run SET created_ms=? WHERE id=?", (now_ms(), run.id))
        except sqlite3.IntegrityError as error:
            raise StoreError(f"The run {run.id} cannot be added: {error}.") from error

    def run(self, run_id: str) -> RunRow:
        """One run. Raises ``UnknownRun``."""
        row = self._db.one(f"SELECT {_COLUMNS} FROM run WHERE id = ?", (run_id,))
        if row is None:
            raise UnknownRun(f"There is no run {run_id}.")
        return _run(row)

    def find_run(self, prefix: str) -> RunRow:
        """The run whose id starts with ``prefix``; an exact id always wins.

        Raises:
            UnknownRun: none does.
            AmbiguousRun: several do; the message names them.
        """
        rows = self._db.all(
            f"SELECT {_COLUMNS} FROM run WHERE substr(id, 1, ?) = ? ORDER BY id",
            (len(prefix), prefix),
        )
        found = [_run(row) for row in rows]
        exact = [run for run in found if run.id == prefix] or found
        if not exact:
            raise UnknownRun(f"There is no run {prefix}.")
        if len(exact) > 1:
            ids = ", ".join(run.id for run in exact)
            raise AmbiguousRun(f"{prefix or 'This'} could be any of the runs {ids}.")
        return exact[0]

    def runs(self) -> list[RunRow]:
        """All runs, newest first."""
        return [
            _run(row)
            for row in self._db.all(
                f"SELECT {_COLUMNS} FROM run ORDER BY created_ms DESC, rowid DESC"
            )
        ]

    def update_run(self, run_id: str, **fields: Any) -> None:
        """Change fields of a run, by their names in ``RunRow``.

        Raises:
            ValueError: a field does not exist, or follows from the ledger (``spent_*``).
            UnknownRun: there is no such run.
        """
        if wrong := fields.keys() - _SETTABLE:
            raise ValueError(f"these fields of a run cannot be set: {', '.join(sorted(wrong))}")
        if "status" in fields:
            _check_status(fields["status"])
        if "settings" in fields:
            fields["settings"] = dumps(fields["settings"])
        if "recorded" in fields:
            fields["recorded"] = int(fields["recorded"])
        if not fields:
            return
        assignments = ", ".join(f"{name} = ?" for name in fields)
        with self._db.write() as db:
            done = db.execute(
                f"UPDATE run SET {assignments} WHERE id = ?", (*fields.values(), run_id)
            )
            if not done.rowcount:
                raise UnknownRun(f"There is no run {run_id}.")

    # --- control

    def request(
        self,
        run_id: str,
        verb: str,
        args: Mapping[str, Any] = _NOTHING,
        who: str = "you",
    ) -> int:
        """Ask the engine of a run for something; gives the request's id.

        Raises:
            ValueError: the verb is not one of ``VERBS``.
            UnknownRun: there is no such run.
        """
        if verb not in VERBS:
            raise ValueError(f"{verb!r} is not one of {', '.join(sorted(VERBS))}")
        with refers_to(UnknownRun(f"There is no run {run_id}.")), self._db.write() as db:
            request = db.execute(
                "INSERT INTO control(run_id, verb, args, who, ts_ms) VALUES(?,?,?,?,?)",
                (run_id, verb, dumps(dict(args)), who, now_ms()),
            ).lastrowid
        assert request is not None
        return request

    def pending(self, run_id: str) -> list[Control]:
        """What was asked of a run and is not yet acknowledged, oldest first."""
        return [
            Control(row[0], row[1], row[2], loads(row[3]), row[4], row[5])
            for row in self._db.all(
                "SELECT id, run_id, verb, args, who, ts_ms FROM control"
                " WHERE run_id = ? AND done_ms IS NULL ORDER BY id",
                (run_id,),
            )
        ]

    def acknowledge(self, control_id: int, result: str) -> None:
        """Say what became of a request. The first answer stays; a second one changes nothing.

        Raises:
            StoreError: there is no such request.
        """
        with self._db.write() as db:
            done = db.execute(
                "UPDATE control SET done_ms = coalesce(done_ms, ?), result = coalesce(result, ?)"
                " WHERE id = ?",
                (now_ms(), result, control_id),
            )
            if not done.rowcount:
                raise StoreError(f"There is no request {control_id}.")

    def answer(self, control_id: int) -> str | None:
        """What the engine answered to a request, ``None`` while it has not."""
        row = self._db.one("SELECT result FROM control WHERE id = ?", (control_id,))
        if row is None:
            raise StoreError(f"There is no request {control_id}.")
        return None if row[0] is None else str(row[0])

    # --- live

    def set_live(self, run_id: str, who: str, text: str) -> None:
        """Show what ``who`` is streaming right now; an empty text takes the line away.

        Not durable: a power cut may lose it, a killed process does not.
        """
        with (
            refers_to(UnknownRun(f"There is no run {run_id}.")),
            self._db.write(durable=False) as db,
        ):
            if text:
                db.execute(
                    "INSERT INTO live(run_id, who, text, ts_ms) VALUES(?,?,?,?)"
                    " ON CONFLICT DO UPDATE SET text = excluded.text, ts_ms = excluded.ts_ms",
                    (run_id, who, text, now_ms()),
                )
            else:
                db.execute("DELETE FROM live WHERE run_id = ? AND who = ?", (run_id, who))

    def live(self, run_id: str) -> dict[str, str]:
        """What is being streamed right now: who → text."""
        rows = self._db.all("SELECT who, text FROM live WHERE run_id = ? ORDER BY who", (run_id,))
        return dict(rows)


def _check_status(status: object) -> None:
    if status not in RUN_STATUSES:
        raise ValueError(f"{status!r} is not one of {', '.join(sorted(RUN_STATUSES))}")


def _run(row: tuple[Any, ...]) -> RunRow:
    return RunRow(*(*row[:15], bool(row[15]), *row[16:19], loads(row[19]), bool(row[20])))
