"""The run's book: entries say which node they were made for, and a restart tells what it lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any, Literal

from factory_tui.engine.where import Where
from factory_tui.store import LedgerBook, Store

__all__ = ["TaggedBook", "tell_forfeits", "warned_before"]


class TaggedBook:
    """A ledger's book that notes where in the pipeline every call was made."""

    def __init__(self, book: LedgerBook, where: Callable[[], Where]) -> None:
        self._book, self._where = book, where

    def open(self, *, role: str, model: str, key: str, tokens: int, usd: Decimal | None) -> int:
        """See ``llm.Book``."""
        about = self._where().data()
        return self._book.open(role=role, model=model, key=key, tokens=tokens, usd=usd, **about)

    def close(
        self,
        entry: int,
        *,
        state: Literal["committed", "forfeited"],
        tokens: int,
        usd: Decimal | None,
        usage: Mapping[str, Any],
    ) -> None:
        """See ``llm.Book``."""
        self._book.close(entry, state=state, tokens=tokens, usd=usd, usage=usage)

    def together(self) -> AbstractContextManager[None]:
        """See ``llm.Book``."""
        return self._book.together()

    def totals(self) -> tuple[int, Decimal, int, Decimal, bool]:
        """See ``llm.Book``."""
        return self._book.totals()


def tell_forfeits(store: Store, run_id: str, emit: Callable[[str, dict[str, Any]], None]) -> None:
    """Count what calls of a process that died may have cost as spent, and journal it."""
    open_ = [row for row in store.ledger(run_id) if row.state == "open"]
    if not open_:
        return
    book = store.book(run_id)
    with store.transaction():
        book.forfeit_open()
        tokens, usd, held_tokens, held_usd, _ = book.totals()
        for row in open_:
            emit(
                "spend",
                {
                    "role": row.role,
                    "model": row.model,
                    "key": row.key,
                    "tokens": row.held_tokens,
                    "usd": row.held_usd,
                    "input": 0,
                    "output": 0,
                    "cache_read": 0,
                    "cache_write": 0,
                    "estimated": True,
                    "state": "forfeited",
                    "spent_tokens": tokens,
                    "spent_usd": f"{usd:f}",
                    "held_tokens": held_tokens,
                    "held_usd": f"{held_usd:f}",
                    "ms": 0,
                    "node": row.node,
                    "pipeline": row.pipeline,
                    "branch": row.branch,
                    "visit": row.visit,
                },
            )


def warned_before(store: Store, run_id: str) -> list[tuple[str, float]]:
    """The shares of the present budget that were said to be spent before a restart."""
    marks: list[tuple[str, float]] = []
    kinds = ["budget.warned", "budget.changed"]
    for event in store.events(run_id=run_id, kinds=kinds, limit=1_000_000):
        if event.kind == "budget.changed":
            marks.clear()
        else:
            marks.append((str(event.data["of"]), event.data["percent"] / 100))
    return marks
