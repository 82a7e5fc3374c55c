"""``filter``, ``search`` and ``q`` of users, and that no request can break the twin."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def code(answer: Any) -> tuple[int, str]:
    return answer.status, answer.data()["errorCode"]


def found(okta: Any, kind: str, expression: str) -> list[str]:
    answer = okta(f"GET /api/v1/users?{kind}={quote(expression)}")
    assert answer.status == 200, answer.body
    return sorted(user["profile"]["firstName"] for user in answer.data())


@pytest.fixture
def three(open_okta: Callable[..., Any]) -> Any:
    """An Okta with Ada (suspended), Bob and Cid, made a day after the administrator."""
    okta = open_okta(seeds={"okta": "empty"})
    for name in ("ada", "bob", "cid"):
        okta.universe.clock.advance(3600)
        okta.user(name)
    okta("POST /api/v1/users/ada/lifecycle/suspend")
    okta("POST /api/v1/users/bob", {"profile": {"department": "Eng", "city": 'Old "Town"'}})
    return okta


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('status eq "SUSPENDED"', ["Ada"]),
        ('profile.login eq "bob@test.example"', ["Bob"]),
        ('profile.login eq "BOB@test.example"', []),
        ('status eq "SUSPENDED" or profile.firstName eq "Cid"', ["Ada", "Cid"]),
        ('lastUpdated gt "2026-03-02T11:30:00.000Z"', ["Ada", "Bob", "Cid"]),
        ('lastUpdated le "2026-01-01T00:00:00.000Z"', ["Org"]),
        ('id eq "00unobody"', []),
    ],
)
def test_filters(three: Any, expression: str, expected: list[str]) -> None:
    assert found(three, "filter", expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('profile.firstName eq "BOB"', ["Bob"]),
        ('profile.login sw "B"', ["Bob"]),
        ('profile.department eq "Eng"', ["Bob"]),
        ("profile.department pr", ["Bob"]),
        ("not (profile.department pr)", ["Ada", "Cid", "Org"]),
        ('profile.email co "test.EXAMPLE" AND (status lt "SUSPENDED" OR status gt "SUSPENDED")',
         ["Bob", "Cid"]),
        ('profile.firstName eq "Ada" or profile.firstName eq "Bob" and status eq "ACTIVE"',
         ["Ada", "Bob"]),
        ('(profile.firstName eq "Ada" or profile.firstName eq "Bob") and status eq "ACTIVE"',
         ["Bob"]),
        ('created ge "2026-03-02T11:00:00.000Z"', ["Bob", "Cid"]),
        ('profile.city eq "old \\"town\\""', ["Bob"]),
        ('type.id eq "otydefault0twin0005d7" and profile.lastName eq "Test" and status pr',
         ["Ada", "Bob", "Cid"]),
        ('profile.organization eq "x"', []),
        ('profile.department eq null and profile.lastName eq "Test"', ["Ada", "Cid"]),
    ],
)  # fmt: skip
def test_searches(three: Any, expression: str, expected: list[str]) -> None:
    assert found(three, "search", expression) == expected


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        ("search", "profile.firstName"),
        ("search", 'profile.firstName = "Ada"'),
        ("search", 'profile.firstName ne "Ada"'),
        ("search", 'shoe eq "44"'),
        ("search", "profile.firstName eq Ada"),
        ("search", '(status eq "ACTIVE"'),
        ("search", "x " * 3000),
        ("search", "(" * 500),
        ("filter", 'profile.department eq "Eng"'),
        ("filter", 'profile.login sw "a"'),
        ("filter", 'status+eq+"ACTIVE"'),
    ],
)
def test_expressions_that_okta_refuses(okta: Any, kind: str, expression: str) -> None:
    answer = okta(f"GET /api/v1/users?{kind}={quote(expression)}")
    assert code(answer) == (400, "E0000031")
    assert answer.data()["errorSummary"] == "Invalid search criteria."


def test_q_finds_the_start_of_a_name(three: Any) -> None:
    assert found(three, "q", "ADA") == ["Ada"]
    assert found(three, "q", "ada@te") == ["Ada"]
    assert found(three, "q", "da") == []
    assert len(three("GET /api/v1/users?q=&limit=2").data()) == 2


def test_sorted_searches_page_to_the_end(three: Any) -> None:
    target = "/api/v1/users?search=id+pr&sortBy=profile.firstName&sortOrder=desc&limit=3"
    pages = three.pages(target)
    assert [[u["profile"]["firstName"] for u in page] for page in pages] == [
        ["Org", "Cid", "Bob"],
        ["Ada"],
    ]


text = st.text(max_size=30)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        "profile",
        "login",
        "email",
        "firstName",
        "lastName",
        "credentials",
        "password",
        "value",
        "recovery_question",
        "groupIds",
        "name",
        "description",
        "conditions",
        "expression",
        "actions",
        "assignUserToGroups",
        "people",
        "users",
        "exclude",
        "oldPassword",
        "newPassword",
        "question",
        "answer",
        "type",
    ]
)
shaped = st.recursive(
    anything, lambda inner: st.dictionaries(fields, inner, max_size=4), max_leaves=10
)
places = st.sampled_from(
    [
        "/api/v1/users",
        "/api/v1/users/me",
        "/api/v1/users/{t}",
        "/api/v1/users/me/groups",
        "/api/v1/users/me/lifecycle/suspend",
        "/api/v1/users/me/lifecycle/{t}",
        "/api/v1/users/me/credentials/change_password",
        "/api/v1/users/{t}/lifecycle/activate",
        "/api/v1/users/me/credentials/change_recovery_question",
        "/api/v1/groups",
        "/api/v1/groups/{t}",
        "/api/v1/users/me/credentials/forgot_password_recovery_question",
        "/api/v1/groups/rules",
        "/api/v1/groups/{g}",
        "/api/v1/groups/{g}/users",
        "/api/v1/groups/{g}/users/me",
        "/api/v1/org",
        "/api/v1/org/contacts/{t}",
        "/api/v1/org/contacts/billing",
        "/api/v1/org/privacy/oktaSupport/extend",
        "/api/v1/users/me/roles",
        "/api/v1/users/me/roles/{t}",
        "/api/v1/groups/{g}/roles",
        "/api/v1/groups/{g}/roles/{t}/targets/groups/{g}",
        "/api/v1/meta/types/user",
        "/api/v1/meta/types/user/default",
        "/api/v1/meta/schemas/user/linkedObjects",
        "/api/v1/groups/rules/{t}",
        "/api/v1/logs",
        "/api/v1/apps",
        "/{t}",
        "/api/v1/meta/schemas/user/{t}",
    ]
)
queries = st.dictionaries(
    st.sampled_from(
        [
            "q",
            "filter",
            "search",
            "limit",
            "after",
            "sortBy",
            "sortOrder",
            "fields",
            "expand",
            "since",
            "until",
            "activate",
        ]
    ),
    st.one_of(
        text,
        st.integers().map(str),
        st.sampled_from(['status eq "ACTIVE"', "b2M6Mg", "profile:(", "id pr", "(((", "-1"]),
    ),
    max_size=3,
)


@settings(
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]),
            places,
            text,
            queries,
            st.one_of(shaped, st.binary(max_size=20)),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_no_request_breaks_the_twin_and_all_are_repeatable(
    open_okta: Callable[..., Any], requests: list[Any]
) -> None:
    import orjson

    okta, double = open_okta(), open_okta()
    group = okta("GET /api/v1/groups?q=it").data()[0]["id"]
    double("GET /api/v1/groups?q=it")
    for method, place, word, query, body in requests:
        path = place.replace("{t}", quote(word, safe="")).replace("{g}", group)
        pairs = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        try:
            data = body if isinstance(body, bytes) else orjson.dumps(body)
        except TypeError:
            data = b"null"
        answer = okta(f"{method} {path}?{pairs}", data)
        assert answer.status != 500, (method, path, okta.universe.crashes)
        again = double(f"{method} {path}?{pairs}", data)
        assert (answer.status, answer.headers, answer.body) == (
            again.status,
            again.headers,
            again.body,
        )
        if answer.status >= 400:
            assert set(answer.data()) == {
                "errorCode",
                "errorSummary",
                "errorLink",
                "errorId",
                "errorCauses",
            }
    okta.universe.view("okta")
    assert okta.universe.crashes == []
