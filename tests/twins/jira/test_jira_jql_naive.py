"""JQL over HTTP against an evaluator that looks at what the issues were given, one by one.

What Jira does with emptiness is built in: ``!=`` and ``NOT IN`` never find an issue whose field is
empty, and ``NOT`` turns each comparison into its opposite.
"""

import asyncio
import operator
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.universe import Universe, load_packs, serve
from tests.twins.jira.config_tours import context_id, custom_field
from tests.twins.jira.conftest import Site
from tests.twins.jira.tours import Tour

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_COUNT = 18
_TEXT = ("alpha", "beta", "gamma")
_TODAY = date(2026, 3, 2)


class Operand(NamedTuple):
    """What stands behind an operator, and which values it means; ``text`` may hold names."""

    text: str
    values: frozenset[Any]
    many: bool = False


class Kind(NamedTuple):
    """A field: how it is written, what may be compared with it and how."""

    name: str
    key: str
    operands: tuple[Operand, ...]
    ordered: bool = False
    empty: bool = True


@dataclass(frozen=True)
class Leaf:
    kind: Kind
    operator: str
    operands: tuple[Operand, ...]
    with_empty: bool = False


@dataclass(frozen=True)
class Tree:
    word: str
    parts: tuple[Any, ...]


def _quoted(text: str) -> Operand:
    return Operand(f'"{text}"', frozenset({text}))


def _plain(*values: Any) -> tuple[Operand, ...]:
    return tuple(Operand(str(one), frozenset({one})) for one in values)


def _called(text: str, *values: Any) -> Operand:
    return Operand(text, frozenset(values), many=True)


def _day(text: str, day: date) -> Operand:
    return Operand(text, frozenset({day}))


_MONDAY = _TODAY - timedelta(days=_TODAY.weekday())
_DAYS = (
    *(_day(f'"{_TODAY + timedelta(days=n)}"', _TODAY + timedelta(days=n)) for n in (-4, 0, 3, 9)),
    _day("startOfDay()", _TODAY),
    _day('startOfDay("+3d")', _TODAY + timedelta(days=3)),
    _day("startOfMonth(1)", date(2026, 4, 1)),
    _day("startOfYear()", date(2026, 1, 1)),
)
_NAMES = ("me", "ann", "bob")
_PEOPLE = tuple(Operand(f"{{{name}}}", frozenset({name})) for name in _NAMES)
_KEYS = tuple(Operand(f"{{key{n}}}", frozenset({n})) for n in (0, 3, 7))

_KINDS = (
    Kind("labels", "labels", tuple(map(_quoted, ("red", "green", "blue")))),
    Kind("due", "due", _DAYS, ordered=True),
    Kind('"Story Points"', "points", _plain(0, 1, 3, 2.5), ordered=True),
    Kind("Weight", "weight", _plain(-2, 0, 4), ordered=True),
    Kind("cf[{number}]", "weight", _plain(-2, 4), ordered=True),
    Kind("Colour", "colour", tuple(map(_quoted, ("red", "dark blue")))),
    Kind("Parts", "parts", tuple(map(_quoted, ("bolt", "nut")))),
    Kind("Place", "place", (
        Operand('"DE"', frozenset({"DE", "Berlin", "Bonn"})),
        _called('cascadeOption("DE")', "DE", "Berlin", "Bonn"),
        _called('cascadeOption("DE", none)', "DE"),
        _called('cascadeOption("DE", "Bonn")', "Bonn"))),
    Kind("Tags", "tags", tuple(map(_quoted, ("x", "y")))),
    Kind("Tester", "tester", (*_PEOPLE, Operand("currentUser()", frozenset({"me"})))),
    Kind('"Ship date[Date]"', "ship", _DAYS[:5], ordered=True),
    Kind("assignee", "assignee", (
        *_PEOPLE, Operand("currentUser()", frozenset({"me"})), _called("membersOf(crew)", "ann"))),
    Kind("watcher", "watchers", _PEOPLE),
    Kind("voter", "voters", _PEOPLE),
    Kind("votes", "votes", _plain(0, 1, 2), ordered=True, empty=False),
    Kind("fixVersion", "fix", (
        _quoted("1.0"), _quoted("2.0"), _called("releasedVersions()", "1.0"),
        _called("unreleasedVersions(IT)", "2.0", "3.0"),
        Operand("earliestUnreleasedVersion(IT)", frozenset({"2.0"})))),
    Kind("component", "components", tuple(map(_quoted, ("Net", "Web")))),
    Kind("issuetype", "type", (
        _quoted("Bug"), _called("standardIssueTypes()", "Task", "Bug", "Story", "Epic"),
        _called("subtaskIssueTypes()", "Sub-task")), empty=False),
    Kind("statusCategory", "category", tuple(map(_quoted, ("To Do", "Done"))), empty=False),
    Kind("resolution", "resolution", (_quoted("Done"),)),
    Kind("parent", "parent", _KEYS),
    Kind("issue", "n", (*_KEYS, _called("linkedIssues({key3})", 4, 5),
                        _called("linkedIssues({key3}, blocks)", 4),
                        _called("watchedIssues()", *range(0, _COUNT, 3)),
                        _called("childIssuesOf({key0})", 1, 2)), empty=False),
    Kind("originalEstimate", "estimate", (
        Operand('"2h"', frozenset({7200})), Operand('"1d"', frozenset({8 * 3600}))), ordered=True),
)  # fmt: skip


def _row(n: int) -> dict[str, Any]:
    """What issue ``n`` is given; every field runs through a cycle of its own."""

    def cycle(*values: Any) -> Any:
        return values[n % len(values)]

    child = n in (1, 2)
    return {
        "n": n,
        "type": "Sub-task" if child else ("Task", "Bug", "Story")[n % 3],
        "parent": 0 if child else None,
        "labels": [one for bit, one in enumerate(("red", "green", "blue")) if (n + 3) >> bit & 1],
        "due": cycle(None, *(_TODAY + timedelta(days=d) for d in (-9, -4, 0, 1, 3, 40))),
        "points": cycle(None, 0, 1, 2.5, 3),
        "weight": cycle(0, -2, None, 4, 7, None, 1),
        "colour": cycle("red", "dark blue", None),
        "parts": cycle([], ["bolt"], ["nut"], ["bolt", "nut"]),
        "place": cycle(None, "DE", "Bonn", "Berlin", "FR"),
        "tags": cycle(["x"], [], ["x", "y"], ["z"], []),
        "tester": cycle(None, "me", "ann", "ann", "bob"),
        "ship": cycle(None, _TODAY, None, _TODAY + timedelta(days=3)),
        "assignee": cycle("ann", None, "me", "bob"),
        "watchers": ["me"] if n % 3 == 0 else [],
        "voters": cycle([], ["ann"], ["ann", "bob"]),
        "fix": cycle([], ["1.0"], ["2.0", "3.0"], ["1.0", "3.0"]),
        "components": cycle(["Net"], [], ["Net", "Web"]),
        "category": cycle("To Do", "Done", "In Progress", "To Do"),
        "estimate": cycle(None, 3600, 7200, 28800, None, 30000),
    }


class Shelf(NamedTuple):
    """A served site with the issues, and what placeholders in queries stand for."""

    ask: Callable[[str], requests.Response]
    rows: dict[str, dict[str, Any]]
    names: dict[str, str]


@pytest.fixture(scope="module")
def shelf(request: pytest.FixtureRequest) -> Iterator[Shelf]:
    folder = request.config.rootpath / "twins"
    universe = Universe(load_packs(folder, ["jira"]), {"jira": "acme-12"}, debug=True)
    universe.clock.set(datetime(2026, 3, 2, 9, tzinfo=UTC))
    site = Site(universe)
    rows, names = _stock(site)
    loop = asyncio.new_event_loop()
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    server = loop.run_until_complete(serve(universe, "jira", sock))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    session = requests.Session()
    session.headers["authorization"] = site.auth

    def ask(jql: str) -> requests.Response:
        url = f"{server.url}/rest/api/3/search/jql"
        if len(jql) % 2:
            return session.get(url, params={"jql": jql, "fields": "key", "maxResults": "100"})
        return session.post(url, json={"jql": jql, "fields": ["key"], "maxResults": 100})

    yield Shelf(ask, rows, names)
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()
    assert universe.crashes == []


def _stock(site: Site) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    t = Tour(site)
    kinds = {"weight": ("Weight", "float"), "colour": ("Colour", "select"),
             "parts": ("Parts", "multicheckboxes"), "place": ("Place", "cascadingselect"),
             "tags": ("Tags", "labels"), "tester": ("Tester", "userpicker"),
             "ship": ("Ship date", "datepicker")}  # fmt: skip
    ids = {key: custom_field(t, name, kind) for key, (name, kind) in kinds.items()}
    choices = {"colour": ("red", "dark blue"), "parts": ("bolt", "nut"), "place": ("DE", "FR")}
    for key, values in choices.items():
        place = f"/field/{ids[key]}/context/{context_id(t, ids[key])}/option"
        made = t(f"POST {place}", {"options": [{"value": value} for value in values]})["options"]
        if key == "place":
            more = [{"value": city, "optionId": made[0]["id"]} for city in ("Berlin", "Bonn")]
            t(f"POST {place}", {"options": more})
    people = [u["accountId"] for u in t("GET /users") if u["accountId"] != t.me]
    who = {"me": t.me, "ann": people[0], "bob": people[1]}
    t("POST /group", {"name": "crew"}, 201)
    t("POST /group/user?groupname=crew", {"accountId": who["ann"]}, 201)
    for name in ("1.0", "2.0", "3.0"):
        t("POST /version", {"name": name, "projectId": 10000, "released": name == "1.0"}, 201)
    for name in ("Net", "Web"):
        t("POST /component", {"name": name, "project": "IT"}, 201)
    rows: dict[str, dict[str, Any]] = {}
    keys: list[str] = []
    for n in range(_COUNT):
        row = _row(n)
        sent = _sent(row, ids, who, keys)
        key = t.issue(f"{_TEXT[n % 3]} {n}", row["type"], **sent)
        if n % 3:
            t(f"DELETE /issue/{key}/watchers?accountId={t.me}", None, 204)
        table = site.universe.twins["jira"]["issues"]
        stored = table.first("key", key)
        assert stored is not None
        table.put(stored["id"], {**stored, "voters": [who[one] for one in row["voters"]]})
        for step in {"In Progress": ["21"], "Done": ["21", "31"]}.get(row["category"], []):
            t(f"POST /issue/{key}/transitions", {"transition": {"id": step}}, 204)
        row["resolution"] = "Done" if row["category"] == "Done" else None
        row["votes"] = len(row["voters"])
        keys.append(key)
        rows[key] = row
    for kind, far in (("Blocks", 4), ("Relates", 5)):
        link = {"type": {"name": kind}, "inwardIssue": {"key": keys[3]},
                "outwardIssue": {"key": keys[far]}}  # fmt: skip
        t("POST /issueLink", link, 201)
    names = {**who, "number": ids["weight"].rpartition("_")[2]}
    return rows, names | {f"key{n}": keys[n] for n in (0, 3, 7)}


def _sent(
    row: dict[str, Any], ids: dict[str, str], who: dict[str, str], keys: list[str]
) -> dict[str, Any]:
    """The fields of an issue as they are sent."""
    cities = {"Berlin": "DE", "Bonn": "DE"}
    place = row["place"]
    cascade = {"value": cities.get(place, place)}
    if place in cities:
        cascade = {**cascade, "child": {"value": place}}
    sent: dict[str, Any] = {
        "labels": row["labels"],
        "duedate": str(row["due"]) if row["due"] else None,
        "customfield_10028": row["points"],
        ids["weight"]: row["weight"],
        ids["colour"]: {"value": row["colour"]} if row["colour"] else None,
        ids["parts"]: [{"value": one} for one in row["parts"]] or None,
        ids["place"]: cascade if place else None,
        ids["tags"]: row["tags"] or None,
        ids["tester"]: {"accountId": who[row["tester"]]} if row["tester"] else None,
        ids["ship"]: str(row["ship"]) if row["ship"] else None,
        "assignee": {"accountId": who[row["assignee"]]} if row["assignee"] else None,
        "fixVersions": [{"name": one} for one in row["fix"]],
        "components": [{"name": one} for one in row["components"]],
    }
    if row["estimate"]:
        sent["timetracking"] = {"originalEstimate": f"{row['estimate'] // 60}m"}
    if row["parent"] is not None:
        sent["parent"] = {"key": keys[row["parent"]]}
    return sent


# -- queries


def _leaves() -> st.SearchStrategy[Leaf]:
    def of(kind: Kind) -> st.SearchStrategy[Leaf]:
        single = [one for one in kind.operands if not one.many]
        operators = ["=", "!=", "in", "not in"]
        operators += ["<", ">", "<=", ">="] if kind.ordered else []
        operators += ["is", "is not"] if kind.empty else []

        def build(word: str) -> st.SearchStrategy[Leaf]:
            if word.startswith("is"):
                return st.just(Leaf(kind, word, ()))
            if word not in ("in", "not in"):
                return st.sampled_from(single).map(lambda one: Leaf(kind, word, (one,)))
            lists = st.lists(st.sampled_from(kind.operands), min_size=1, max_size=3)
            empty = st.booleans() if kind.empty and word == "in" else st.just(False)
            return st.builds(
                lambda found, with_empty: Leaf(kind, word, tuple(found), with_empty), lists, empty
            )

        return st.sampled_from(operators).flatmap(build)

    return st.sampled_from(_KINDS).flatmap(of)


def _trees(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    both = st.builds(Tree, st.sampled_from(["AND", "OR"]), parts)
    return both | inner.map(lambda part: Tree("NOT", (part,)))


_QUERIES = st.recursive(_leaves(), _trees, max_leaves=7)


def _text(tree: Any) -> str:
    if isinstance(tree, Tree):
        if tree.word == "NOT":
            return f"NOT ({_text(tree.parts[0])})"
        return f" {tree.word} ".join(f"({_text(part)})" for part in tree.parts)
    name = tree.kind.name
    if tree.operator.startswith("is"):
        return f"{name} {tree.operator} EMPTY"
    if tree.operator in ("in", "not in"):
        if len(tree.operands) == 1 and tree.operands[0].many and not tree.with_empty:
            return f"{name} {tree.operator} {tree.operands[0].text}"
        words = [one.text for one in tree.operands] + ["EMPTY"] * tree.with_empty
        return f"{name} {tree.operator} ({', '.join(words)})"
    return f"{name} {tree.operator} {tree.operands[0].text}"


def _values(row: dict[str, Any], key: str) -> list[Any]:
    value = row[key]
    return value if isinstance(value, list) else [] if value is None else [value]


def _holds(tree: Any, row: dict[str, Any], negated: bool = False) -> bool:
    if isinstance(tree, Tree):
        if tree.word == "NOT":
            return _holds(tree.parts[0], row, not negated)
        held = [_holds(part, row, negated) for part in tree.parts]
        return all(held) if (tree.word == "AND") != negated else any(held)
    values = _values(row, tree.kind.key)
    if tree.operator.startswith("is"):
        return bool((not values) == ((tree.operator == "is") != negated))
    wanted = frozenset[Any]().union(*(one.values for one in tree.operands))
    if tree.operator in _COMPARE:
        compare = _COMPARE[_OPPOSITE[tree.operator] if negated else tree.operator]
        return any(compare(value, limit) for value in values for limit in wanted)
    if (tree.operator in ("=", "in")) != negated:
        return bool(set(values) & wanted) or (tree.with_empty and not values)
    return bool(values) and not set(values) & wanted


@settings(max_examples=150, deadline=None, derandomize=True)
@given(tree=_QUERIES)
def test_it_agrees_with_a_naive_evaluator(shelf: Shelf, tree: Any) -> None:
    jql = _text(tree)
    for name, value in shelf.names.items():
        jql = jql.replace("{" + name + "}", value)
    answer = shelf.ask(jql)
    assert answer.status_code == 200, (jql, answer.text)
    found = {issue["key"] for issue in answer.json()["issues"]}
    assert found == {key for key, row in shelf.rows.items() if _holds(tree, row)}, jql
