"""Jira expressions stay within their limits, whatever is sent."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.universe import Universe, load_packs
from tests.twins.conftest import TWINS
from tests.twins.jira.conftest import Site
from tests.twins.jira.tours import Tour

BOMBS = (
    "[1].map(a => " * 20 + "1" + ")" * 20,
    "!" * 900 + "true",
    "[[1,2,3,4,5,6,7,8,9]].map(a => a.map(b => a.map(c => a.map(d => a.map(e => a.map(f => f))))))",
    "[1].map(l => [1,1])" + ".map(l => l)" * 40,
    "['aaaaaaaaaa']" + ".map(t => t.replace('a', t))" * 12,
    "[[1, 2]]" + ".map(l => l.concat(l))" * 30,
)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_an_error_or_small(site: Any, bomb: str) -> None:
    t = Tour(site)
    answer = site.raw("POST /expression/eval", {"expression": bomb})
    assert answer.status in (200, 400)
    assert len(answer.body) < 200_000
    t("GET /myself")


_WORDS = "user issue . ( ) [ ] { } , : ? => x 'a' 1 + - * == && || ! map filter length key null"
_PIECES = st.sampled_from(_WORDS.split())


@settings(max_examples=150, deadline=None, derandomize=True)
@given(pieces=st.lists(_PIECES, max_size=25))
def test_any_text_is_a_value_or_an_error(_base: Any, pieces: list[str]) -> None:
    universe = _base.fork()
    answer = Site(universe).raw("POST /expression/eval", {"expression": " ".join(pieces)})
    assert answer.status in (200, 400), answer.body
    assert universe.crashes == []


@pytest.fixture(scope="module")
def _base() -> Any:
    return Universe(load_packs(TWINS, ["jira"]), {"jira": "acme-12"})
