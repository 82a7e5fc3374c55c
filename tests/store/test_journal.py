"""The journal: append, cursor, pages, change detection."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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


def test_search_looks_into_values_only(store: Store) -> None:
    store.add_run(RunRow("other"))
    store.append("other", "note", {"text": "invited ada"})
    said = ['He said "100% café_1\n"', "Invited Ada", "back\\slash", "nothing"]
    for text in said:
        store.append(RUN, "agent.text", {"turn": 1, "text": [{"deep": text}]})
    store.append(RUN, "note", {"text": "ada again", "level": "info"})

    def found(text: str, **how: Any) -> list[int]:
        return [event.seq for event in store.event_search(RUN, text, **how)]

    assert found("ada") == [3, 6]
    assert found("ada", kinds={"note"}) == [6]
    assert found("ada", after=3) == [6]
    assert found("ada", limit=1) == [3]
    assert found('"100% café') == [2]
    assert found("é_1\n") == [2]
    assert found("k\\s") == [4]
    for nothing in ("deep", "é.1", "1%c", "turn"):
        assert found(nothing) == []


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


def test_threads_share_a_store(store: Store) -> None:
    def work(who: int) -> None:
        for n in range(25):
            with store.transaction():
                store.append(RUN, "note", {"who": who, "n": n})
                store.append(RUN, "gap", {"who": who, "n": n})
            assert store.events(run_id=RUN, limit=1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    events = store.events()
    assert len(events) == 200
    for note, gap in zip(events[::2], events[1::2], strict=True):  # nobody came between
        assert (note.kind, gap.kind, note.data) == ("note", "gap", gap.data)
    for who in range(4):
        assert [e.data["n"] for e in events[::2] if e.data["who"] == who] == list(range(25))
