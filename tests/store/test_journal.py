"""The journal: append, cursor, pages, change detection."""

from pathlib import Path

import pytest

from factory_tui.events import KINDS
from factory_tui.store import RunRow, Store, StoreError, UnknownRun

from .conftest import RUN


def test_an_event_comes_back_as_it_was_appended(store: Store, viewer: Store) -> None:
    event = store.append(
        RUN, "trial.started", {"n": 1, "seed": "ff"}, iteration=2, scenario="s", trial="t"
    )
    assert viewer.events() == [event]
    assert (event.iteration, event.scenario, event.trial) == (2, "s", "t")


def test_only_the_journals_words_are_accepted(store: Store) -> None:
    with pytest.raises(ValueError, match="not a kind"):
        store.append(RUN, "trial.startled", {})
    for kind in KINDS:
        store.append(RUN, kind, {})
    assert store.event_count(RUN) == len(KINDS)


def test_an_event_needs_its_run(store: Store) -> None:
    with pytest.raises(UnknownRun, match="no run nobody"):
        store.append("nobody", "note", {})
    assert store.last_seq() == 0


def test_a_value_of_the_wrong_type_is_not_blamed_on_the_run(store: Store) -> None:
    with pytest.raises(Exception, match="cannot store TEXT") as caught:
        store.append(RUN, "note", {}, iteration="two")  # type: ignore[arg-type]
    assert not isinstance(caught.value, UnknownRun)


def test_a_reader_follows_with_its_cursor(store: Store, viewer: Store) -> None:
    store.add_run(RunRow("other"))
    seen, cursor = [], 0
    for n in range(25):
        store.append(RUN if n % 3 else "other", "note", {"n": n})
        if n % 4 == 0:
            while page := viewer.events(after=cursor, limit=2):
                seen += [event.data["n"] for event in page]
                cursor = page[-1].seq
    seen += [event.data["n"] for event in viewer.events(after=cursor)]
    assert seen == list(range(25))
    assert [e.data["n"] for e in viewer.events(run_id="other")] == list(range(0, 25, 3))
    assert viewer.last_seq() == 25
    assert viewer.last_seq("other") == 25
    assert viewer.last_seq(RUN) == 24
    assert viewer.last_seq("nobody") == 0


def test_pages_and_counts_agree_for_any_choice_of_kinds(store: Store) -> None:
    kinds = ["note", "gap", "spend"]
    for n in range(60):
        store.append(RUN, kinds[n % 3], {"n": n})
    for chosen in (None, {"note"}, {"note", "spend"}, set(), {"run.created"}):
        everything = [e.seq for e in store.events(run_id=RUN, kinds=chosen)]
        assert store.event_count(RUN, chosen) == len(everything)
        paged = [
            event.seq
            for offset in range(0, 70, 7)
            for event in store.event_page(RUN, chosen, offset, 7)
        ]
        assert paged == everything


def test_changed_tells_of_every_writer_once(store: Store, viewer: Store) -> None:
    assert not viewer.changed()
    store.append(RUN, "note", {})
    assert viewer.changed()
    assert not viewer.changed()
    viewer.request(RUN, "pause")
    assert viewer.changed()
    assert not viewer.changed()
    assert store.changed()


def test_a_transaction_is_all_or_nothing(store: Store, viewer: Store) -> None:
    with store.transaction():
        store.append(RUN, "note", {"n": 1})
        with pytest.raises(UnknownRun):
            store.append("nobody", "note", {})  # the rest of the transaction goes on
        store.append(RUN, "note", {"n": 2})
        assert viewer.events() == []
    assert [event.data["n"] for event in viewer.events()] == [1, 2]
    with pytest.raises(RuntimeError), store.transaction():
        store.append(RUN, "note", {"n": 3})
        raise RuntimeError
    assert viewer.last_seq() == 2
    assert store.append(RUN, "note", {}).seq == 3


def test_errors_of_sqlite_arrive_as_store_errors(store: Store, path: Path) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.events()
    with pytest.raises(StoreError):
        store.append(RUN, "note", {})
    store.close()
