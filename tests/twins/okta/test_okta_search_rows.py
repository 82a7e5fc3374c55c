"""A search of users asks the stored rows: it finds who the users as they are shown would match."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = ["", "a", "Ada", "ADA", "ß", "SS", "true", "TRUE", "7", "7.0", "null", "2026-03-02"]
MOMENTS = ["2026-03-02T09:00:00.000Z", "2026-03-02T10:00:00+01:00", "2026-03-02T10:00:00.000Z"]
values = st.one_of(st.sampled_from(WORDS + MOMENTS), st.booleans(), st.integers(-9, 9), st.none())
profiles = st.fixed_dictionaries(
    {},
    optional={
        "department": st.sampled_from(WORDS + MOMENTS),
        "flag": st.booleans(),
        "rank": st.integers(-9, 9),
        "tags": st.lists(st.sampled_from(WORDS), max_size=3),
    },
)
OWN = {
    "flag": {"title": "Flag", "type": "boolean"},
    "rank": {"title": "Rank", "type": "integer"},
    "tags": {"title": "Tags", "type": "array", "items": {"type": "string"}},
}
names = st.sampled_from(
    ["id", "status", "created", "lastUpdated", "activated", "type.id", "profile.department",
     "profile.flag", "profile.rank", "profile.tags", "profile.firstName", "profile.city",
     "profile.login", "profile.a.b"]
)  # fmt: skip


def literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool | int):
        return str(value).lower()
    return f'"{value}"'


comparisons = st.one_of(
    st.builds(
        lambda name, operator, value: f"{name} {operator} {literal(value)}",
        names,
        st.sampled_from(["eq", "sw", "gt", "ge", "lt", "le"]),
        values,
    ),
    names.map("{} pr".format),
)
expressions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("kind", ["search", "filter"])
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_a_search_finds_who_would_match_as_shown(
    open_okta: Callable[..., Any], kind: str, data: st.DataObject
) -> None:
    from twins.okta.expressions import compile_expression

    okta = open_okta(seeds={"okta": "startup-2"}, debug=data.draw(st.booleans()))
    custom = {"definitions": {"custom": {"id": "#custom", "properties": OWN}}}
    assert okta("POST /api/v1/meta/schemas/user/default", custom).status == 200
    for number, more in enumerate(data.draw(st.lists(profiles, max_size=4))):
        okta.universe.clock.advance(1800)
        key = okta.user(f"p{number}", password="Abcd1234x" if number % 2 else "")
        assert okta(f"POST /api/v1/users/{key}", {"profile": more}).status == 200
    shown = okta("GET /api/v1/users?search=id+pr").data()
    assert len(shown) >= 2
    for text in data.draw(st.lists(expressions, min_size=1, max_size=8)):
        exact = kind == "filter"
        answer = okta(f"GET /api/v1/users?{kind}={quote(text)}")
        if answer.status != 200:
            assert answer.data()["errorCode"] == "E0000031", (text, answer.body)
            continue
        every = "eq ne sw co gt ge lt le pr"
        matches = compile_expression(text, exact, None, every)
        wanted = [user["id"] for user in shown if matches(user)]
        assert [user["id"] for user in answer.data()] == wanted, text
