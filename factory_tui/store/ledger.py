"""The budget's book: a row before every model call, its cost after; exact to the last digit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any, Final, Literal

from .codec import dumps, loads
from .connection import Connection, Repository
from .errors import StoreError, UnknownRun
from .journal import now_ms
from .rows import LedgerRow

__all__ = ["LedgerBook", "Ledgers"]

# Sums are exact or an error, never rounded.
_EXACT: Final = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow])
_COLUMNS: Final = (
    "id, run_id, opened_ms, closed_ms, role, model, key, held_tokens, held_usd, state, tokens,"
    " usd, usage, node, pipeline, branch, visit"
)


class LedgerBook:
    """The book of one run.

    The totals stand on the run's row and move in the same transaction as the entry, so any
    process reads them in one step and they always equal the sum of the entries.
    """

    def __init__(self, db: Connection, run_id: str) -> None:
        self._db = db
        self.run_id = run_id

    def open(
        self,
        *,
        role: str,
        model: str,
        key: str,
        tokens: int,
        usd: Decimal | None,
        node: str = "",
        pipeline: str = "",
        branch: str = "",
        visit: int = 0,
    ) -> int:
        """Reserve before a call; gives the entry's id. It is on disk when this returns.

        Args:
            role: who calls, for example "builder".
            model: the model's id.
            key: role/iteration/scenario/trial/ordinal of the call.
            tokens: the most the call can cost, in budget tokens.
            usd: the same in dollars, ``None`` where the price is unknown.
            node: the pipeline's node that called, with its ``pipeline``, ``branch``, ``visit``.
        """
        held = _text(tokens, usd)
        with self._db.write() as db:
            self._move(db, held_tokens=tokens, held_usd=usd, unpriced=int(usd is None))
            entry = db.execute(
                "INSERT INTO ledger(run_id, opened_ms, role, model, key, held_tokens, held_usd,"
                " node, pipeline, branch, visit) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
                (
                    *(self.run_id, now_ms(), role, model, key, tokens, held),
                    *(node, pipeline, branch, visit),
                ),
            ).lastrowid
        assert entry is not None
        return entry

    def close(
        self,
        entry: int,
        *,
        state: Literal["committed", "forfeited"] | str,
        tokens: int,
        usd: Decimal | None,
        usage: Mapping[str, Any],
    ) -> None:
        """Book what a call did cost and release what was held for it.

        Raises:
            ValueError: the state is neither "committed" nor "forfeited", or an amount is
                negative or not finite.
            StoreError: the entry is not an open one of this run.
        """
        if state not in ("committed", "forfeited"):
            raise ValueError(f"{state!r} is neither 'committed' nor 'forfeited'")
        text = _text(tokens, usd)
        with self._db.write() as db:
            held = db.execute(
                "SELECT held_tokens, held_usd FROM ledger"
                " WHERE id = ? AND run_id = ? AND state = 'open'",
                (entry, self.run_id),
            ).fetchone()
            if held is None:
                raise StoreError(f"The ledger of run {self.run_id} has no open entry {entry}.")
            held_usd = None if held[1] is None else Decimal(held[1])
            self._move(
                db,
                spent_tokens=tokens,
                spent_usd=usd,
                held_tokens=-held[0],
                held_usd=None if held_usd is None else -held_usd,
                unpriced=int(usd is None) - int(held_usd is None),
            )
            db.execute(
                "UPDATE ledger SET state=?, closed_ms=?, tokens=?, usd=?, usage=? WHERE id=?",
                (state, now_ms(), tokens, text, dumps(usage), entry),
            )

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make everything written inside one commit; see ``Store.transaction``."""
        with self._db.write():
            yield

    def totals(self) -> tuple[int, Decimal, int, Decimal, bool]:
        """Tokens spent, dollars spent, tokens held, dollars held, any cost unknown."""
        row = self._db.one(
            "SELECT spent_tokens, spent_usd, held_tokens, held_usd, unpriced FROM run WHERE id=?",
            (self.run_id,),
        )
        if row is None:
            raise UnknownRun(f"There is no run {self.run_id}.")
        return row[0], Decimal(row[1]), row[2], Decimal(row[3]), bool(row[4])

    def forfeit_open(self) -> int:
        """Count every open entry as spent in full; gives how many there were.

        For a resuming engine: whoever opened them died, so what they cost is unknown. Opening
        a book does not do this, since a viewer may look while a call is under way.
        """
        with self._db.write() as db:
            left = db.execute(
                "SELECT id, held_tokens, held_usd FROM ledger WHERE run_id=? AND state='open'",
                (self.run_id,),
            ).fetchall()
            for entry, tokens, usd in left:
                self.close(
                    entry,
                    state="forfeited",
                    tokens=tokens,
                    usd=None if usd is None else Decimal(usd),
                    usage={},
                )
        return len(left)

    def spent_at(
        self, node: str, pipeline: str = "", branch: str = "", visit: int = 0
    ) -> tuple[int, Decimal | None, int]:
        """Tokens, dollars (``None``: unknown) and model calls of one visit of a node, so far."""
        rows = self._db.all(
            "SELECT tokens, usd FROM ledger WHERE run_id=? AND node=? AND pipeline=? AND branch=?"
            " AND visit=? AND state <> 'open'",
            (self.run_id, node, pipeline, branch, visit),
        )
        usd = None if any(r[1] is None for r in rows) else Decimal(0)
        for _, amount in rows:
            usd = None if usd is None else _EXACT.add(usd, Decimal(amount))
        return sum(r[0] for r in rows), usd, len(rows)

    def _move(
        self,
        db: sqlite3.Connection,
        *,
        spent_tokens: int = 0,
        spent_usd: Decimal | None = None,
        held_tokens: int,
        held_usd: Decimal | None,
        unpriced: int,
    ) -> None:
        now = db.execute("SELECT spent_usd, held_usd FROM run WHERE id=?", (self.run_id,))
        row = now.fetchone()
        if row is None:
            raise UnknownRun(f"There is no run {self.run_id}.")
        db.execute(
            "UPDATE run SET spent_tokens = spent_tokens + ?, spent_usd = ?,"
            " held_tokens = held_tokens + ?, held_usd = ?, unpriced = unpriced + ? WHERE id = ?",
            (
                spent_tokens,
                _sum(row[0], spent_usd),
                held_tokens,
                _sum(row[1], held_usd),
                unpriced,
                self.run_id,
            ),
        )


class Ledgers(Repository):
    """Open a run's book, or read its rows."""

    def book(self, run_id: str) -> LedgerBook:
        """The book of a run; entries left open are found as they are (see ``forfeit_open``).

        Raises:
            UnknownRun: there is no such run.
        """
        book = LedgerBook(self._db, run_id)
        book.totals()
        return book

    def ledger(self, run_id: str) -> list[LedgerRow]:
        """All entries of a run, oldest first."""
        rows = self._db.all(
            f"SELECT {_COLUMNS} FROM ledger WHERE run_id = ? ORDER BY id", (run_id,)
        )
        return [LedgerRow(*(*row[:12], loads(row[12]), *row[13:])) for row in rows]


def _text(tokens: int, usd: Decimal | None) -> str | None:
    if tokens < 0:
        raise ValueError("tokens are negative")
    if usd is None:
        return None
    if not usd.is_finite() or usd < 0:
        raise ValueError(f"{usd} is no amount of money")
    return format(usd, "f")


def _sum(before: str, change: Decimal | None) -> str:
    return before if change is None else format(_EXACT.add(Decimal(before), change), "f")
