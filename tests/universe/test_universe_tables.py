"""Tables against a plain dict: whatever is done to a fork, the seed and the others stay."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.universe import FrozenRowError, Table
from factory_tui.universe.tables import Base, Tables

INDEX = {"colour": lambda key, row: row["colour"]}
keys = st.sampled_from("abcdefgh")
rows = st.builds(lambda c, n: {"colour": c, "n": n}, st.sampled_from("rgb"), st.integers(0, 3))
actions = st.lists(
    st.one_of(
        st.tuples(st.just("put"), keys, rows),
        st.tuples(st.just("delete"), keys, st.none()),
        st.tuples(st.just("find"), st.just(""), st.none()),
    ),
    max_size=30,
)


def act(table: Table, model: dict[str, Any], steps: list[Any]) -> None:
    for verb, key, row in steps:
        if verb == "put":
            table.put(key, dict(row))
            model[key] = row
        elif verb == "delete":
            assert table.delete(key) is (model.pop(key, None) is not None)
        else:
            check(table, model)


def check(table: Table, model: dict[str, Any]) -> None:
    assert dict(table.items()) == model
    assert len(table) == len(model)
    for key in "abcdefgh":
        assert table.get(key) == model.get(key)
        assert (key in table) is (key in model)
    order = list(table)
    for colour in "rgb":
        wanted = [key for key in order if model[key]["colour"] == colour]
        assert sorted(table.find("colour", colour)) == sorted(wanted)


@given(st.dictionaries(keys, rows), actions, actions, actions)
def test_a_table_is_a_dict_and_its_forks_are_independent(
    seed: dict[str, Any], before: list[Any], in_fork: list[Any], after: list[Any]
) -> None:
    table = Table(Base(seed, INDEX, debug=True), debug=True)
    model = dict(seed)
    act(table, model, before)
    saved, saved_model = table.changes(), dict(model)
    fork, fork_model = table.fork(), dict(model)
    act(fork, fork_model, in_fork)
    act(table, model, after)
    check(table, model)
    check(fork, fork_model)
    changed = {key for key in "abcdefgh" if saved_model.get(key) != model.get(key)}
    assert set(table.diff(saved)) == changed
    assert all(
        change == (saved_model.get(key), model.get(key))
        for key, change in table.diff(saved).items()
    )
    table.reset(saved)
    check(table, saved_model)


def test_changed_seed_rows_keep_their_place_and_new_ones_come_last() -> None:
    seed = {key: {"colour": "r", "n": i} for i, key in enumerate("abc")}
    table = Table(Base(seed, INDEX))
    table.put("z", {"colour": "r", "n": 9})
    table.put("b", {"colour": "g", "n": 5})
    assert list(table) == ["a", "b", "c", "z"]
    assert table.find("colour", "r") == ["a", "c", "z"]
    table.put("b", {"colour": "r", "n": 6})
    assert table.find("colour", "r") == ["a", "b", "c", "z"]


def test_rows_are_frozen_in_debug_mode() -> None:
    table = Table(Base({"a": {"colour": "r", "tags": ["x"]}}, INDEX, debug=True), debug=True)
    table.put("b", {"colour": "g", "tags": [{"deep": 1}]})
    for key in "ab":
        with pytest.raises(FrozenRowError):
            table[key]["colour"] = "b"
        with pytest.raises(FrozenRowError):
            table[key]["tags"].append("y")
    with pytest.raises(FrozenRowError):
        table["b"]["tags"][0]["deep"] = 2
    draft = table.draft("a")
    draft["tags"].append("y")
    assert table["a"]["tags"] == ["x"]


NAMES = ("one", "two", "three", "four")


def made(tables: Tables) -> set[str]:
    """The names of those that exist already."""
    return {*dict.keys(tables)}


def four() -> Tables:
    return Tables({name: Base({"a": {"colour": "r", "n": 0}}, INDEX) for name in NAMES})


def test_tables_are_made_when_they_are_asked_for() -> None:
    tables = four()
    assert made(tables) == set()
    assert ("two" in tables, "five" in tables, len(tables)) == (True, False, 4)
    assert (list(tables), list(tables.keys()), list(reversed(tables))) == (
        [*NAMES],
        [*NAMES],
        [*NAMES[::-1]],
    )
    assert made(tables) == set()
    assert tables.get("five") is None
    with pytest.raises(KeyError):
        tables["five"]
    assert tables["two"] is tables["two"] is tables.get("two")
    assert made(tables) == {"two"}
    assert [name for name, table in tables.items() if table.get("a")] == [*NAMES]
    assert all(table is tables[name] for name, table in dict(tables).items())
    assert len([*tables.values()]) == 4


def test_a_fork_holds_the_tables_that_differ_and_no_others() -> None:
    tables = four()
    for table in tables.values():
        assert len(table) == 1
    tables["three"].put("b", {"colour": "g", "n": 1})
    fork = tables.fork()
    assert made(fork) == {"three"}
    assert {*tables.changes()} == {"three"}
    fork["three"].delete("a")
    fork["one"].delete("a")
    assert (len(tables["three"]), len(tables["one"])) == (2, 1)
    assert (len(fork["three"]), len(fork["one"])) == (1, 0)


@given(st.lists(st.tuples(st.sampled_from(NAMES), actions), max_size=4),
       st.lists(st.tuples(st.sampled_from(NAMES), actions), max_size=4))  # fmt: skip
def test_all_tables_go_back_to_what_they_were(first: list[Any], second: list[Any]) -> None:
    tables = four()
    models: dict[str, dict[str, Any]] = {name: {"a": {"colour": "r", "n": 0}} for name in NAMES}
    for name, steps in first:
        act(tables[name], models[name], steps)
    saved, then = tables.changes(), {name: dict(model) for name, model in models.items()}
    fork = tables.fork()
    for name, steps in second:
        act(tables[name], models[name], steps)
    differ = {name for name in NAMES if models[name] != then[name]}
    assert {*tables.diff(saved)} == differ
    assert list(tables.diff(saved)) == [name for name in NAMES if name in differ]
    tables.reset(saved)
    assert tables.diff(saved) == {}
    for name in NAMES:
        check(tables[name], then[name])
        check(fork[name], then[name])
