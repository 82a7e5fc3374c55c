"""Turns: a DAG that never changes, checked against a naive model."""

import itertools
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from factory_tui.store import HeadMoved, RunRow, Store, StoreError, UnknownContext, UnknownTurn

from .conftest import RUN


def payloads(store: Store, context: int, **page: Any) -> list[Any]:
    return [turn.payload for turn in store.turns(context, **page)]


def test_turns_come_back_in_order_with_their_payloads(store: Store, viewer: Store) -> None:
    context = store.new_context(tag="builder", title="Build", labels=["a", "b"], run_id=RUN)
    said: list[Any] = [{"role": "user", "content": "x" * 5_000}, ["list"], None, "ünï\0 🏭", 1.5]
    rows = [store.append_turn(context, p, type_id="message", version=3) for p in said]
    assert viewer.turns(context) == rows
    assert [row.payload for row in rows] == said
    assert [row.depth for row in rows] == [0, 1, 2, 3, 4]
    assert [row.parent for row in rows] == [None, *(row.id for row in rows[:-1])]
    assert {(row.type_id, row.version, row.context) for row in rows} == {("message", 3, context)}
    assert viewer.turn(rows[2].id) == rows[2]
    found = viewer.context(context)
    assert (found.head, found.base, found.labels, found.run_id) == (
        rows[-1].id,
        None,
        ("a", "b"),
        RUN,
    )


def test_paging_backwards(store: Store) -> None:
    context = store.new_context(tag="builder")
    assert store.turns(context) == []
    rows = [store.append_turn(context, n, type_id="n") for n in range(10)]
    assert payloads(store, context, limit=3) == [7, 8, 9]
    assert payloads(store, context, limit=4, before=rows[7].id) == [3, 4, 5, 6]
    assert payloads(store, context, before=rows[2].id) == [0, 1]
    assert payloads(store, context, before=rows[0].id) == []
    assert payloads(store, context, limit=0) == []
    assert payloads(store, context, limit=99) == list(range(10))


def test_a_fork_shares_the_past_and_nothing_else(store: Store) -> None:
    context = store.new_context(tag="builder", run_id=RUN)
    rows = [store.append_turn(context, n, type_id="n") for n in range(5)]
    fork = store.fork(rows[2].id, tag="attempt")
    assert payloads(store, fork) == [0, 1, 2]
    mine = store.append_turn(fork, "fork", type_id="n")
    more = store.append_turn(context, "main", type_id="n")
    assert payloads(store, fork) == [0, 1, 2, "fork"]
    assert payloads(store, context) == [0, 1, 2, 3, 4, "main"]
    assert store.common_ancestor(mine.id, more.id) == rows[2].id
    assert [c.tag for c in store.contexts(RUN)] == ["builder", "attempt"]
    assert [c.id for c in store.contexts(RUN, "attempt")] == [fork]
    with pytest.raises(UnknownTurn, match="not part of conversation"):
        store.turns(context, before=mine.id)
    with pytest.raises(UnknownTurn, match="not part of conversation"):
        store.turns(fork, before=rows[4].id)


def test_an_append_with_a_known_key_adds_nothing(store: Store) -> None:
    context = store.new_context(tag="builder")
    first = store.append_turn(context, "once", type_id="n", idempotency_key="k")
    store.append_turn(context, "next", type_id="n")
    again = store.append_turn(context, "once, retried", type_id="n", idempotency_key="k")
    assert again == first
    assert payloads(store, context) == ["once", "next"]
    other = store.new_context(tag="builder")
    assert store.append_turn(other, "x", type_id="n", idempotency_key="k").id != first.id
    stale = store.append_turn(context, "o", type_id="n", idempotency_key="k", expect_head=99)
    assert stale == first  # the key was done; where the head is now does not matter


def test_the_head_is_compared_and_set(store: Store, viewer: Store) -> None:
    context = store.new_context(tag="builder")
    first = viewer.append_turn(context, 1, type_id="n", expect_head=0)
    with pytest.raises(HeadMoved, match=f"is {first.id}, not 0"):
        store.append_turn(context, 2, type_id="n", expect_head=0)
    store.append_turn(context, 2, type_id="n", expect_head=first.id)
    with pytest.raises(HeadMoved):
        viewer.append_turn(context, 3, type_id="n", expect_head=first.id)
    assert payloads(store, context) == [1, 2]


def test_what_does_not_exist(store: Store) -> None:
    context = store.new_context(tag="t")
    turn = store.append_turn(context, 1, type_id="n").id
    for call in (
        lambda: store.turns(99),
        lambda: store.context(99),
        lambda: store.append_turn(99, 1, type_id="n"),
    ):
        with pytest.raises(UnknownContext):
            call()
    for ask in (
        lambda: store.turn(99),
        lambda: store.fork(99, tag="t"),
        lambda: store.new_context(tag="t", base_turn=99),
        lambda: store.turns(context, before=99),
        lambda: store.ancestor_at(99, 0),
        lambda: store.ancestor_at(turn, 1),
        lambda: store.ancestor_at(turn, -1),
        lambda: store.common_ancestor(turn, 99),
    ):
        with pytest.raises(UnknownTurn):
            ask()
    with pytest.raises(TypeError):
        store.append_turn(context, {1, 2}, type_id="n")
    assert len(store.turns(context)) == 1


def test_unrelated_conversations_have_no_common_ancestor(store: Store) -> None:
    a, b = store.new_context(tag="a"), store.new_context(tag="b")
    one = [store.append_turn(a, n, type_id="n").id for n in range(9)]
    two = [store.append_turn(b, n, type_id="n").id for n in range(4)]
    assert store.common_ancestor(one[-1], two[-1]) is None
    assert store.common_ancestor(one[-1], one[3]) == one[3]
    assert store.common_ancestor(one[0], two[0]) is None


def test_an_ancestor_is_found_in_few_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    context = store.new_context(tag="long")
    with store.transaction():
        ids = [store.append_turn(context, 0, type_id="n").id for _ in range(2_000)]
    steps = 0
    links = Store._links

    def counted(self: Store, turn: int) -> Any:
        nonlocal steps
        steps += 1
        return links(self, turn)

    monkeypatch.setattr(Store, "_links", counted)
    for depth in range(0, 2_000, 37):
        steps = 0
        assert store.ancestor_at(ids[-1], depth) == ids[depth]
        assert steps <= 60  # a walk along the parents would take 2000


def test_the_log_tells_how_heads_moved(store: Store) -> None:
    context = store.new_context(tag="a")
    turn = store.append_turn(context, 1, type_id="n").id
    fork = store.fork(turn, tag="b")
    store.append_turn(context, 1, type_id="n", idempotency_key="k")
    store.append_turn(context, 1, type_id="n", idempotency_key="k")
    log = store.turn_log()
    assert [(row.kind, row.context, row.turn) for row in log] == [
        ("create", context, None),
        ("append", context, turn),
        ("fork", fork, turn),
        ("append", context, turn + 1),
    ]
    assert store.turn_log(after=log[1].seq) == log[2:]
    assert store.turn_log(limit=1) == log[:1]


@given(st.binary(max_size=5_000))
@settings(max_examples=40, deadline=None)
def test_blobs_come_back_under_their_hash(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    with Store.open(tmp_path_factory.getbasetemp() / "blobs" / "factory.db") as store:
        name = store.put_blob(data)
        assert len(name) == 32
        assert store.put_blob(data) == name
        assert store.get_blob(name) == data
        with pytest.raises(StoreError, match="no blob"):
            store.get_blob(bytes(32))


def test_the_same_payload_is_stored_once(store: Store) -> None:
    context = store.new_context(tag="t")
    payload = {"text": "0123456789" * 1_000}
    hashes = {store.append_turn(context, payload, type_id="n").hash for _ in range(20)}
    assert len(hashes) == 1
    assert store._db.one("SELECT count(*), sum(length(data)) < 1000 FROM blob") == (1, 1)


class Conversations(RuleBasedStateMachine):
    """Random appends and forks; the model keeps parents in a dict and walks them one by one."""

    tmp: Path
    number = itertools.count()

    @initialize()
    def start(self) -> None:
        self.store = Store.open(self.tmp / f"{next(self.number)}.db")
        self.parent: dict[int, int | None] = {}
        self.heads: dict[int, int | None] = {}
        self.keys: dict[tuple[int, str], int] = {}
        self.create()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    def chain(self, turn: int | None) -> list[int]:
        found = []
        while turn is not None:
            found.append(turn)
            turn = self.parent[turn]
        return found[::-1]

    @rule()
    def create(self) -> None:
        self.heads[self.store.new_context(tag="t")] = None

    @rule(data=st.data(), count=st.integers(1, 25))
    def append(self, data: st.DataObject, count: int) -> None:
        context = data.draw(st.sampled_from(sorted(self.heads)))
        with self.store.transaction():
            for _ in range(count):
                turn = self.store.append_turn(
                    context, None, type_id="n", expect_head=self.heads[context] or 0
                )
                assert turn.parent == self.heads[context]
                self.parent[turn.id] = turn.parent
                self.heads[context] = turn.id

    @rule(data=st.data(), key=st.sampled_from("ab"))
    def append_with_key(self, data: st.DataObject, key: str) -> None:
        context = data.draw(st.sampled_from(sorted(self.heads)))
        turn = self.store.append_turn(context, key, type_id="n", idempotency_key=key)
        if (context, key) in self.keys:
            assert turn.id == self.keys[context, key]
        else:
            self.keys[context, key] = turn.id
            self.parent[turn.id] = self.heads[context]
            self.heads[context] = turn.id

    @rule(data=st.data())
    def fork(self, data: st.DataObject) -> None:
        if self.parent:
            base = data.draw(st.sampled_from(sorted(self.parent)))
            self.heads[self.store.fork(base, tag="f")] = base

    @rule(data=st.data())
    def compare(self, data: st.DataObject) -> None:
        if not self.parent:
            return
        turns = st.sampled_from(sorted(self.parent))
        a, b = data.draw(turns), data.draw(turns)
        one, two = self.chain(a), self.chain(b)
        shared = [x for x, y in zip(one, two, strict=False) if x == y]
        assert self.store.common_ancestor(a, b) == (shared[-1] if shared else None)
        depth = data.draw(st.integers(0, len(one) - 1))
        assert self.store.ancestor_at(a, depth) == one[depth]

    @invariant()
    def conversations_are_their_chains(self) -> None:
        for context, head in getattr(self, "heads", {}).items():
            rows = self.store.turns(context)
            assert [row.id for row in rows] == self.chain(head)
            assert [row.depth for row in rows] == list(range(len(rows)))


def test_random_conversations_match_the_model(tmp_path: Path) -> None:
    Conversations.tmp = tmp_path
    run_state_machine_as_test(
        Conversations, settings=settings(max_examples=15, stateful_step_count=25, deadline=None)
    )


def _break(path: Path, sql: str) -> None:
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA foreign_keys=OFF")
    for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
        conn.execute(f"DROP TRIGGER {name}")
    conn.execute(sql)
    conn.commit()
    conn.close()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM blob WHERE id = (SELECT blob FROM turn LIMIT 1 OFFSET 2)", "is missing"),
        ("UPDATE blob SET data = x'28b52ffd0102'", "is damaged"),
        ("UPDATE blob SET codec = 0, data = cast('{\"a\":1}' AS blob)", "is damaged"),
    ],
)
def test_a_conversation_with_a_lost_turn_is_not_told_as_if_it_were_whole(
    path: Path, sql: str, said: str
) -> None:
    with Store.open(path) as store:
        store.add_run(RunRow(RUN))
        context = store.new_context(tag="builder", run_id=RUN)
        for n in range(4):
            store.append_turn(context, {"n": n, "text": "x" * 500}, type_id="t")
    _break(path, sql)
    with Store.open(path) as store:
        with pytest.raises(StoreError, match=f"Turn .* {said}.*restore"):
            store.turns(context)
        with pytest.raises(StoreError, match=said):
            list(store.export(RUN))
