"""What is written once stays, whichever program opens the file."""

import sqlite3
from collections.abc import Iterator

import pytest

from factory_tui.store import Store

from .conftest import RUN


@pytest.fixture
def raw(store: Store) -> Iterator[sqlite3.Connection]:
    """Another program's plain connection to a store that holds one of everything."""
    context = store.new_context(tag="t", run_id=RUN)
    store.append_turn(context, {"text": "said"}, type_id="n")
    store.append(RUN, "note", {"text": "happened"})
    book = store.book(RUN)
    entry = book.open(role="r", model="m", key="k", tokens=1, usd=None)
    book.close(entry, state="committed", tokens=1, usd=None, usage={})
    book.open(role="r", model="m", key="k", tokens=1, usd=None)
    conn = sqlite3.connect(store.path, isolation_level=None)
    conn.execute("PRAGMA recursive_triggers=ON")
    yield conn
    conn.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE turn SET depth = 7",
        "UPDATE turn SET parent_id = NULL",
        "UPDATE turn SET blob = blob",
        "DELETE FROM turn",
        "INSERT OR REPLACE INTO turn SELECT * FROM turn",
        "UPDATE blob SET data = x'00'",
        "DELETE FROM blob",
        "INSERT OR REPLACE INTO blob SELECT * FROM blob",
        "UPDATE log SET kind = 'fork'",
        "DELETE FROM log",
        "UPDATE journal SET data = '{}'",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO journal SELECT * FROM journal",
        "UPDATE ledger SET usd = '0' WHERE state <> 'open'",
        "UPDATE ledger SET state = 'open' WHERE state <> 'open'",
        "DELETE FROM ledger",
    ],
)
def test_it_cannot_be_changed_or_deleted(
    raw: sqlite3.Connection, statement: str, store: Store
) -> None:
    before = list(store.export(RUN))
    with pytest.raises(sqlite3.IntegrityError, match="immutable"):
        raw.execute(statement)
    assert list(store.export(RUN)) == before
