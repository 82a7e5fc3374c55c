"""JQL as trees: what is written parses back, pages put together again, order is stable."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.universe import Universe, load_packs
from tests.twins.jira.config_tours import custom_field
from tests.twins.jira.conftest import Site
from tests.twins.jira.tours import Tour
from twins.jira.jql import (
    Both,
    Call,
    Clause,
    Either,
    Empty,
    JqlError,
    Not,
    Predicate,
    Query,
    Sort,
    Value,
    parse,
)
from twins.jira.jqltext import written

_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_VALUE = st.builds(Value, _TEXT | st.sampled_from(["IT", "and", "EMPTY", "-1d", "a b", 'x"y\\']))
_OPERAND = (
    _VALUE
    | st.just(Empty())
    | st.builds(Call, st.sampled_from(["now", "membersOf"]), st.lists(_TEXT, max_size=2).map(tuple))
)
_FIELD = st.sampled_from(
    ["status", "cf[10050]", "Epic Link", "issue.property[a b].c.d", "order", "\u00e4 x"]
)
_PREDICATE = st.builds(
    Predicate,
    st.sampled_from(["by", "after", "before", "on", "from", "to"]),
    st.tuples(_VALUE),
)
_CLAUSE = st.one_of(
    st.builds(Clause, _FIELD, st.sampled_from(["=", "!=", "~", "<=", "is", "is not"]),
              st.tuples(_OPERAND)),
    st.builds(Clause, _FIELD, st.sampled_from(["in", "not in", "was in"]),
              st.lists(_OPERAND, min_size=1, max_size=3).map(tuple), st.just(True)),
    st.builds(Clause, _FIELD, st.just("changed"), st.just(()), st.just(False),
              st.lists(_PREDICATE, max_size=2).map(tuple)),
)  # fmt: skip


def _parts(inner: Any) -> Any:
    return st.lists(inner, min_size=2, max_size=3).map(tuple)


_NODE = st.recursive(
    _CLAUSE,
    lambda inner: st.builds(Not, inner) | st.builds(Both, _parts(inner))
    | st.builds(Either, _parts(inner)),
    max_leaves=8,
)  # fmt: skip
_SORT = st.builds(Sort, _FIELD, st.none() | st.booleans())


def _flat(node: Any) -> Any:
    """A conjunction in a conjunction is the same as one; so it is parsed."""
    if isinstance(node, Not):
        return Not(_flat(node.part))
    if isinstance(node, Both | Either):
        return type(node)(tuple(_flat(part) for part in node.parts))
    return node


@settings(max_examples=250, deadline=None, derandomize=True)
@given(where=st.none() | _NODE, order=st.lists(_SORT, max_size=3))
def test_what_is_written_parses_back(where: Any, order: list[Sort]) -> None:
    query = Query(where, tuple(order))
    try:
        again = parse(written(query))
    except JqlError as error:
        raise AssertionError(written(query)) from error
    assert (_flat(again.where), again.order) == (_flat(where), query.order), written(query)


@pytest.fixture(scope="module")
def shelf(request: pytest.FixtureRequest) -> Site:
    folder = request.config.rootpath / "twins"
    site = Site(Universe(load_packs(folder, ["jira"]), {"jira": "acme-12"}, debug=True))
    t = Tour(site)
    size = custom_field(t, "Weight", "float")
    for n in range(23):
        more: dict[str, Any] = {size: n % 4} if n % 3 else {}
        t.issue(f"s{n % 5}", labels=[f"l{n % 2}"], priority={"id": str(n % 5 + 1)}, **more)
    return site


_KEYS = ["Weight", "priority", "summary", "created", "key", "labels", "updated"]
_WHERE = ["project = IT", "Weight > 1", "Weight is EMPTY", "cf[10050] in (1, 2)", "summary ~ s1",
          "NOT Weight = 2", "priority >= Medium OR labels = l1"]  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    where=st.sampled_from(_WHERE),
    keys=st.lists(st.tuples(st.sampled_from(_KEYS), st.sampled_from(["", " ASC", " DESC"])),
                  max_size=3),
    size=st.integers(1, 9),
)  # fmt: skip
def test_pages_put_together_are_the_whole(
    shelf: Site, where: str, keys: list[tuple[str, str]], size: int
) -> None:
    order = ", ".join(name + way for name, way in keys)
    jql = where + (f" ORDER BY {order}" if order else "")
    whole = [one["id"] for one in shelf("POST /search/jql", {"jql": jql})["issues"]]
    pages: list[str] = []
    token = None
    while True:
        body: dict[str, Any] = {"jql": jql, "maxResults": size}
        page = shelf("POST /search/jql", body | ({"nextPageToken": token} if token else {}))
        pages += [one["id"] for one in page["issues"]]
        token = page.get("nextPageToken")
        if token is None:
            break
    assert pages == whole
    assert len(set(whole)) == len(whole)
    matched = shelf("POST /jql/match", {"jqls": [jql], "issueIds": [int(k) for k in whole]})
    assert matched["matches"][0]["matchedIssues"] == [int(key) for key in whole]
