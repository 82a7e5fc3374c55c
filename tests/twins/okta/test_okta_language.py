"""The search language: precedence, types, arrays, escapes, and what each list does not offer."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.universe import Universe, load_packs
from tests.twins.conftest import TWINS

from .conftest import Okta

ATTRIBUTES = {
    "level": "integer",
    "score": "number",
    "remote": "boolean",
    "skills": "array",
}
PEOPLE: list[dict[str, Any]] = [
    {"level": 2, "score": 1.5, "remote": True, "skills": ["go", "SQL"], "city": "Bonn"},
    {"level": 10, "score": -3, "remote": False, "skills": [], "city": "bonn east"},
    {"level": 9, "remote": True, "skills": ["sql"], "city": 'a "b" \\c'},
    {"score": 1.5, "city": "Lyon", "department": "R&D / ü"},
    {"department": "2026-01-01T00:00:00.000Z"},
]


def attribute(kind: str) -> dict[str, Any]:
    more = {"items": {"type": "string"}} if kind == "array" else {}
    return {"title": kind, "type": kind, "scope": "NONE", **more}


@pytest.fixture(scope="module")
def people() -> Any:
    """An Okta with the people above, called P0 to P4."""
    okta = Okta(Universe(load_packs(TWINS, ["okta"]), seeds={"okta": "empty"}, debug=True))
    custom = {"properties": {name: attribute(kind) for name, kind in ATTRIBUTES.items()}}
    body = {"definitions": {"custom": {"id": "#custom", "type": "object", **custom}}}
    assert okta("POST /api/v1/meta/schemas/user/default", body).status == 200
    for number, profile in enumerate(PEOPLE):
        key = okta.user(f"p{number}")
        answer = okta(f"POST /api/v1/users/{key}", {"profile": profile})
        assert answer.status == 200, answer.body
    return okta


def found(okta: Okta, expression: str, kind: str = "search", more: str = "") -> list[int]:
    answer = okta(f"GET /api/v1/users?{kind}={quote(expression)}{more}")
    assert answer.status == 200, (expression, answer.body)
    names = [user["profile"]["firstName"] for user in answer.data()]
    return [int(name[1:]) for name in names if name.startswith("P")]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("profile.level gt 9", [1]),
        ("profile.level ge 9", [1, 2]),
        ('profile.level lt "10"', [0, 2]),
        ("profile.score eq 1.5", [0, 3]),
        ("profile.score lt -1", [1]),
        ("profile.score eq 15e-1", [0, 3]),
        ("profile.remote eq true", [0, 2]),
        ('profile.remote eq "false"', [1]),
        ("profile.remote pr", [0, 1, 2]),
        ('profile.skills eq "SQL"', [0, 2]),
        ('profile.skills eq "go" and profile.skills eq "sql"', [0]),
        ("profile.skills pr", [0, 2]),
        ('profile.city sw "BONN"', [0, 1]),
        (r'profile.city eq "a \"b\" \\c"', [2]),
        (r'profile.department eq "R\u0026D / \u00fc"', [3]),
        ('profile.department gt "2025-12-31T22:00:00-01:00"', [3, 4]),
        ('profile.department eq "2026-01-01T01:00:00+01:00"', [4]),
        ('profile.firstName co "1"', [1]),
        ('not(profile.city pr) AND profile.login SW "p"', [4]),
        ("NOT (profile.level pr) and profile.city pr", [3]),
        ('status lt "ACTIVE" or status gt "ACTIVE"', []),
        ("\n profile.level\teq 2 ", [0]),
    ],
)
def test_searches_by_type(people: Okta, expression: str, expected: list[int]) -> None:
    assert found(people, expression) == expected


# -- any expression at all

COMPARISONS: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("profile.level gt 5", lambda p: p.get("level", 0) > 5),
    ("profile.level le 2", lambda p: p.get("level", 99) <= 2),
    ("profile.score eq 1.5", lambda p: p.get("score") == 1.5),
    ("profile.remote eq false", lambda p: p.get("remote") is False),
    ('profile.skills eq "sql"', lambda p: "sql" in [s.lower() for s in p.get("skills", [])]),
    ('profile.city sw "bonn"', lambda p: p.get("city", "").lower().startswith("bonn")),
    ("profile.department pr", lambda p: "department" in p),
]
Tree = Any
trees = st.recursive(
    st.sampled_from(range(len(COMPARISONS))),
    lambda inner: (
        st.tuples(st.sampled_from(["and", "or"]), inner, inner) | st.tuples(st.just("not"), inner)
    ),
    max_leaves=8,
)
RANK = {"or": 1, "and": 2, "not": 3}


def written(tree: Tree, random: Any, above: int = 0) -> str:
    """The expression with only the parentheses that precedence asks for, and some more."""
    if isinstance(tree, int):
        name, operator, *value = COMPARISONS[tree][0].split(" ", 2)
        operator = random.choice([operator, operator.upper(), operator.title()])
        text = " ".join([name, operator, *value])
        return f"({text})" if random.random() < 0.2 else text
    word = random.choice([tree[0], tree[0].upper()])
    if tree[0] == "not":
        return f"{word} ({written(tree[1], random)})"
    rank = RANK[tree[0]]
    # The right side of an equal operator needs none either: both are associative.
    parts = [written(part, random, rank) for part in tree[1:]]
    text = f" {random.choice(['', ' '])}{word} ".join(parts)
    return f"({text})" if rank < above or random.random() < 0.2 else text


def holds(tree: Tree, person: dict[str, Any]) -> bool:
    if isinstance(tree, int):
        return COMPARISONS[tree][1](person)
    if tree[0] == "not":
        return not holds(tree[1], person)
    sides = (holds(part, person) for part in tree[1:])
    return all(sides) if tree[0] == "and" else any(sides)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=trees, random=st.randoms(use_true_random=False))
def test_every_expression_finds_what_its_tree_says(people: Okta, tree: Tree, random: Any) -> None:
    expression = f'({written(tree, random)}) and profile.login sw "p"'
    expected = [n for n, person in enumerate(PEOPLE) if holds(tree, person)]
    assert found(people, expression) == expected, expression


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=20))
def test_any_text_may_be_quoted(people: Okta, text: str) -> None:
    expression = f"profile.nickName eq {json.dumps(text)}"
    assert found(people, expression) == []


# -- what is not offered


@pytest.mark.parametrize(
    ("target", "expression"),
    [
        ("users?search", 'profile.city co "o"'),
        ("users?search", 'profile.city ew "n"'),
        ("users?search", 'profile.city ne "n"'),
        ("users?search", 'profile.city eq "\\x"'),
        ("users?search", "profile.city eq 'Bonn'"),
        ("users?search", 'city eq "Bonn"'),
        ("users?search", "profile.level"),
        ("users?search", "and"),
        ("users?search", 'emails[type eq "work"] pr'),
        ("users?filter", 'not (status eq "ACTIVE")'),
        ("users?filter", 'status gt "ACTIVE"'),
        ("users?filter", 'lastUpdated gt "2026-01-01T00:00:00.000Z" and status sw "A"'),
        ("users?filter", "status pr"),
        ("users?filter", 'profile.city eq "Bonn"'),
        ("groups?search", 'objectClass eq "okta:user_group"'),
        ("groups?filter", 'profile.name eq "x"'),
        ("groups?filter", 'type sw "OKTA"'),
        ("apps?filter", 'label eq "x"'),
        ("logs?filter", 'published gt "2026-01-01T00:00:00.000Z"'),
        ("logs?filter", 'debugContext.debugData.url co "x"'),
        ("logs?filter", 'shoe eq "44"'),
    ],
)
def test_what_a_list_does_not_offer_is_refused(people: Okta, target: str, expression: str) -> None:
    answer = people(f"GET /api/v1/{target}={quote(expression)}")
    assert (answer.status, answer.data()["errorCode"]) == (400, "E0000031"), answer.body
    assert answer.data()["errorSummary"] == "Invalid search criteria."
    assert answer.data()["errorCauses"][0]["errorSummary"]


def test_lists_are_sorted_by_type_and_the_rest_is_last(people: Okta) -> None:
    def order(by: str) -> list[int]:
        return found(people, 'profile.login sw "p"', more=f"&sortBy={by}")

    assert order("profile.level")[:3] == [0, 2, 1], "numbers are not text"
    assert order("profile.level&sortOrder=desc")[:3] == [1, 2, 0]
    assert set(order("profile.level&sortOrder=desc")[3:]) == {3, 4}
    assert order("profile.city")[:4] == [2, 0, 1, 3]


def test_expand_embeds_and_fields_choose(people: Okta) -> None:
    user = people("GET /api/v1/users/p0?expand=blocks,classification").data()
    assert user["_embedded"]["blocks"] == []
    assert user["_embedded"]["classification"]["type"] == "STANDARD"
    path = f"/api/v1/users/{user['id']}/classification"
    assert people(f"PUT {path}", {"type": "LITE"}).data()["type"] == "LITE"
    listed = people("GET /api/v1/users?q=p&expand=classification").data()
    kinds = [row["_embedded"]["classification"]["type"] for row in listed]
    assert kinds == ["LITE", "STANDARD", "STANDARD", "STANDARD", "STANDARD"]
    group = people("POST /api/v1/groups", {"profile": {"name": "G"}}).data()["id"]
    people(f"PUT /api/v1/groups/{group}/users/{user['id']}")
    stats = people("GET /api/v1/groups?q=G&expand=stats").data()[0]["_embedded"]["stats"]
    assert stats["usersCount"] == 1
    rule = {
        "type": "group_rule",
        "name": "R",
        "conditions": {
            "expression": {"value": 'user.city=="x"', "type": "urn:okta:expression:1.0"}
        },
        "actions": {"assignUserToGroups": {"groupIds": [group]}},
    }
    assert people("POST /api/v1/groups/rules", rule).status == 200
    named = people("GET /api/v1/groups/rules?expand=groupIdToGroupNameMap").data()[0]
    assert named["_embedded"]["groupIdToGroupNameMap"] == {group: "G"}
    chosen = people("GET /api/v1/users?search=id+pr&fields=status,profile:(city)&limit=2").data()
    assert chosen[1]["profile"] == {"city": "Bonn"}
    assert set(chosen[1]) == {"id", "status", "profile", "_links"}


def test_keywords_of_the_log_are_limited(people: Okta) -> None:
    assert people("GET /api/v1/logs?q=create+p0").status == 200
    for words in ("x+" * 11, "y" * 41):
        assert people(f"GET /api/v1/logs?q={words}").data()["errorCode"] == "E0000001"
