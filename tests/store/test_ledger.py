"""The ledger's book: exact totals, open entries, what cannot be booked."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.store import LedgerBook, RunRow, Store, StoreError, UnknownRun

from .conftest import RUN


def reserve(book: LedgerBook, tokens: int, usd: str | None) -> int:
    return book.open(
        role="builder",
        model="m",
        key="builder/1///1",
        tokens=tokens,
        usd=None if usd is None else Decimal(usd),
    )


def test_reserve_then_commit(store: Store, viewer: Store) -> None:
    book, watching = store.book(RUN), viewer.book(RUN)
    entry = reserve(book, 5_000, "0.30")
    assert watching.totals() == (0, Decimal(0), 5_000, Decimal("0.30"), False)
    book.close(
        entry, state="committed", tokens=4_000, usd=Decimal("0.1234567"), usage={"input": 3_000}
    )
    assert watching.totals() == (4_000, Decimal("0.1234567"), 0, Decimal(0), False)
    (row,) = viewer.ledger(RUN)
    assert (row.state, row.held_tokens, row.held_usd) == ("committed", 5_000, "0.30")
    assert (row.tokens, row.usd, row.usage) == (4_000, "0.1234567", {"input": 3_000})
    assert row.closed_ms is not None and row.closed_ms >= row.opened_ms
    run = viewer.run(RUN)
    assert (run.spent_tokens, Decimal(run.spent_usd)) == (4_000, Decimal("0.1234567"))


def test_a_reopened_book_leaves_open_entries_until_told_to_forfeit_them(path: Path) -> None:
    with Store.open(path) as store:
        store.add_run(RunRow(RUN))
        book = store.book(RUN)
        reserve(book, 100, "0.5")
        reserve(book, 50, None)
        done = reserve(book, 10, "0.1")
        book.close(done, state="committed", tokens=7, usd=Decimal("0.01"), usage={})
    with Store.open(path) as store:
        book = store.book(RUN)
        assert book.totals() == (7, Decimal("0.01"), 150, Decimal("0.5"), True)
        assert book.forfeit_open() == 2
        assert book.totals() == (157, Decimal("0.51"), 0, Decimal(0), True)
        assert book.forfeit_open() == 0
        assert [row.state for row in store.ledger(RUN)] == ["forfeited", "forfeited", "committed"]


def test_unknown_cost_is_unknown_until_it_is_known(store: Store) -> None:
    book = store.book(RUN)
    entry = reserve(book, 10, None)
    assert book.totals()[4] is True
    book.close(entry, state="committed", tokens=5, usd=Decimal("0.2"), usage={})
    assert book.totals() == (5, Decimal("0.2"), 0, Decimal(0), False)
    entry = reserve(book, 10, "0.1")
    book.close(entry, state="committed", tokens=5, usd=None, usage={})
    assert book.totals() == (10, Decimal("0.2"), 0, Decimal(0), True)
    assert store.run(RUN).cost_unknown


def test_runs_have_books_of_their_own(store: Store) -> None:
    store.add_run(RunRow("other"))
    mine, other = store.book(RUN), store.book("other")
    entry = reserve(mine, 10, "1")
    with pytest.raises(StoreError, match="no open entry"):
        other.close(entry, state="committed", tokens=1, usd=None, usage={})
    assert other.totals() == (0, Decimal(0), 0, Decimal(0), False)
    assert other.forfeit_open() == 0
    assert mine.totals()[2] == 10
    with pytest.raises(UnknownRun):
        store.book("nobody")


def test_what_cannot_be_booked_leaves_the_book_as_it_was(store: Store) -> None:
    book = store.book(RUN)
    entry = reserve(book, 10, "1")
    before = book.totals()
    for tokens, usd in ((-1, "1"), (1, "-1"), (1, "NaN"), (1, "Infinity")):
        with pytest.raises(ValueError):
            reserve(book, tokens, usd)
        with pytest.raises(ValueError):
            book.close(entry, state="committed", tokens=tokens, usd=Decimal(usd), usage={})
    with pytest.raises(ValueError, match="'open'"):
        book.close(entry, state="open", tokens=1, usd=None, usage={})
    with pytest.raises(TypeError):
        book.close(entry, state="committed", tokens=1, usd=None, usage={"cost": Decimal(1)})
    assert book.totals() == before
    book.close(entry, state="forfeited", tokens=10, usd=Decimal(1), usage={})
    with pytest.raises(StoreError, match="no open entry"):
        book.close(entry, state="committed", tokens=1, usd=None, usage={})
    assert book.totals()[0] == 10


def test_a_failed_booking_inside_a_transaction_leaves_no_trace(store: Store) -> None:
    book = store.book(RUN)
    entry = reserve(book, 10, "1")
    before = book.totals()
    with store.transaction():
        with pytest.raises(TypeError):
            book.close(entry, state="committed", tokens=3, usd=None, usage={"cost": Decimal(1)})
        store.append(RUN, "note", {"text": "the rest is kept"})
    assert book.totals() == before
    assert [row.state for row in store.ledger(RUN)] == ["open"]
    assert store.event_count(RUN) == 1


def test_a_sum_that_cannot_be_exact_is_an_error_not_a_rounding(store: Store) -> None:
    book = store.book(RUN)
    reserve(book, 1, "1E+40")
    with pytest.raises(ArithmeticError):
        reserve(book, 1, "1E-40")
    assert book.totals()[2:4] == (1, Decimal("1E+40"))


amounts = st.none() | st.decimals(
    min_value=0, max_value=10_000, allow_nan=False, allow_infinity=False, places=12
)
calls = st.lists(
    st.tuples(
        st.integers(0, 10**7),
        amounts,
        st.sampled_from(["committed", "forfeited", None]),  # None stays open
        st.integers(0, 10**7),
        amounts,
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(calls)
def test_totals_are_the_exact_sum_of_the_entries(
    tmp_path_factory: pytest.TempPathFactory,
    entries: Sequence[tuple[int, Decimal | None, str | None, int, Decimal | None]],
) -> None:
    with Store.open(tmp_path_factory.mktemp("ledger") / "factory.db") as store:
        store.add_run(RunRow(RUN))
        book = store.book(RUN)
        opened = [
            book.open(role="r", model="m", key="k", tokens=entry[0], usd=entry[1])
            for entry in entries
        ]
        for number, (_, _, state, tokens, usd) in reversed(list(zip(opened, entries, strict=True))):
            if state:
                book.close(number, state=state, tokens=tokens, usd=usd, usage={})
        closed = [(entry[3], entry[4]) for entry in entries if entry[2]]
        held = [(entry[0], entry[1]) for entry in entries if not entry[2]]
        assert book.totals() == (
            sum(tokens for tokens, _ in closed),
            sum((usd for _, usd in closed if usd is not None), Decimal(0)),
            sum(tokens for tokens, _ in held),
            sum((usd for _, usd in held if usd is not None), Decimal(0)),
            any(usd is None for _, usd in closed + held),
        )
