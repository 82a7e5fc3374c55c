"""JQL: what it finds, in which order, and what Jira says of a wrong query."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.universe import Request, Universe, load_packs

OPERATORS = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"


@pytest.mark.parametrize(
    ("jql", "sentence"),
    [
        ("project", f"Expecting operator before the end of the query. The valid operators are "
                    f"{OPERATORS}."),
        ("project x IT", f"Expecting operator but got 'x'. The valid operators are {OPERATORS}. "
                         "(line 1, character 9)"),
        ("project =", "Expecting either a value, list or function before the end of the query."),
        ("project = IT status = Done",
         "Expecting either 'OR' or 'AND' but got 'status'. (line 1, character 14)"),
        ("project = IT AND", "Expecting a field name at the end of the query."),
        ("(project = IT", "Expecting ')' before the end of the query."),
        ("project in (IT", "Expecting either ')' or ',' before the end of the query."),
        ("summary ~ a@b", "The character '@' is a reserved JQL character. You must enclose it in a "
                          "string or use the escape '\\u0040' instead. (line 1, character 12)"),
        ('summary ~ "abc',
         "The quoted string 'abc' has not been completed. (line 1, character 11)"),
        ("assignee = user", "'user' is a reserved JQL word. You must surround it in quotation "
                            "marks to use it in a query. (line 1, character 12)"),
        ("project = IT ORDER created", "Expecting 'by' but got 'created'. (line 1, character 20)"),
        ("project = IT\nAND status ? x", "The character '?' is a reserved JQL character. You must "
                                         "enclose it in a string or use the escape '\\u003f' "
                                         "instead. (line 2, character 12)"),
    ],
)  # fmt: skip
def test_syntax_errors(site: Any, jql: str, sentence: str) -> None:
    answer = site("POST /search/jql", {"jql": jql}, status=400)
    assert answer["errorMessages"] == [f"Error in the JQL Query: {sentence}"]


@pytest.mark.parametrize(
    ("jql", "sentence"),
    [
        ("colour = red",
         "Field 'colour' does not exist or you do not have permission to view it."),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("status = Waiting", "The value 'Waiting' does not exist for the field 'status'."),
        ("assignee = nobody", "The value 'nobody' does not exist for the field 'assignee'."),
        ("key = IT-99", "An issue with key 'IT-99' does not exist for field 'key'."),
        ("key = nonsense", "The issue key 'nonsense' for field 'key' is invalid."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("status ~ x", "The operator '~' is not supported by the 'status' field."),
        ("labels > a", "The operator '>' is not supported by the 'labels' field."),
        ("assignee = me()", "Unable to find JQL function 'me()'."),
        ("assignee = now()",
         "A value provided by the function 'now' is invalid for the field 'assignee'."),
        ("created > soon", "Date value 'soon' for field 'created' is invalid. Valid formats "
                           "include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', "
                           "'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."),
        ("status in Done",
         "Operator 'in' does not support the non-list value for field 'status'."),
        ("status is Done", "The operator 'is' only supports searching for empty values: 'EMPTY' or "
                           "'NULL'."),
        ('summary ~ "*x"',
         "The text query '*x' for field 'summary' is not allowed to start with '*'"),
        ("project = IT ORDER BY text", "Field 'text' does not support sorting."),
    ],
)  # fmt: skip
def test_errors_of_meaning(site: Any, jql: str, sentence: str) -> None:
    answer = site("POST /search/jql", {"jql": jql}, status=400)
    assert answer["errorMessages"] == [sentence]


def test_all_errors_of_meaning_are_told_at_once(site: Any) -> None:
    answer = site("POST /search/jql", {"jql": "a = 1 OR status = x ORDER BY b"}, status=400)
    assert len(answer["errorMessages"]) == 3


@pytest.fixture
def stocked(site: Any) -> Any:
    """IT-1 … IT-4, an hour apart, the first three days ago."""
    universe = site.universe
    ann, bob = universe.pick("it", 1)["email"], universe.pick("it", 2)["email"]
    rows = [
        {"summary": "Printer on fire", "labels": ["urgent", "hw"], "assignee": ann,
         "priority": "Highest", "type": "Bug"},
        {"summary": "New laptops", "description": "For the running interns", "priority": "Low"},
        {"summary": "Printers again", "labels": ["hw"], "status": "In Progress", "assignee": bob},
        {"summary": "Place ada.byron@acme.example", "status": "Done", "assignee": ann},
    ]  # fmt: skip
    for row in rows:
        universe.apply("jira", "add_issues", {"project": "IT", **row})
        universe.clock.advance(3600)
    universe.apply("jira", "add_comment", {"key": "IT-2", "text": "Ask purchasing"})
    universe.clock.advance(3 * 86400)
    return site


@pytest.mark.parametrize(
    ("jql", "keys"),
    [
        ("project = IT ORDER BY key", "1 2 3 4"),
        ("project = 10000 ORDER BY key DESC", "4 3 2 1"),
        ("project = IT", "4 3 2 1"),
        ("summary ~ printer", "3 1"),
        ('summary ~ "print*"', "3 1"),
        ('summary ~ "fire printer"', "1"),
        ('summary ~ "\\"on fire\\""', "1"),
        ('summary ~ "\\"fire on\\""', ""),
        ('summary ~ "ada.byron@acme.example"', "4"),
        ('summary ~ "ada@acme.example"', ""),
        ("text ~ purchasing", "2"),
        ("comment ~ purchasing", "2"),
        ("description ~ interns", "2"),
        ("description ~ run", ""),
        ("summary !~ printer", "4 2"),
        ("description !~ nothing", "2"),
        ("labels = hw", "3 1"),
        ("labels in (urgent, hw) AND labels != urgent", "3"),
        ("labels != hw", ""),
        ("labels is EMPTY", "4 2"),
        ("labels not in (urgent)", "3"),
        ("labels in (hw, EMPTY)", "4 3 2 1"),
        ("NOT labels = urgent", "3"),
        ("status = done", "4"),
        ("statusCategory != Done", "3 2 1"),
        ('status in ("To Do", "In Progress") ORDER BY priority', "1 3 2"),
        ("priority > Medium", "1"),
        ("priority <= Medium ORDER BY key", "2 3 4"),
        ("type = Bug", "1"),
        ("assignee is not EMPTY", "4 3 1"),
        ("reporter = currentUser() AND resolution is EMPTY", "3 2 1"),
        ("created < -3d", "4 3 2 1"),
        ('created >= "-4d" AND created <= now()', "4 3 2 1"),
        ("created > startOfDay()", ""),
        ('created >= "2026-03-02 10:00"', "4 3 2"),
        ('created >= "2026/03/02" AND created < 2026-03-03', "4 3 2 1"),
        ("resolved >= -4d", "4"),
        ("key in (IT-1, IT-3)", "3 1"),
        ("key > IT-2", "4 3"),
        ("key != IT-2 ORDER BY summary", "4 1 3"),
        ("(labels = urgent OR status = Done) AND NOT (key = IT-4)", "1"),
        ("NOT (labels = hw OR status = Done)", ""),
        ("due is EMPTY AND watchers = 1 AND votes < 1", "4 3 2 1"),
        ("issue in watchedIssues()", "4 3 2 1"),
        ("assignee = currentUser()", ""),
    ],
)
def test_what_is_found(stocked: Any, jql: str, keys: str) -> None:
    assert stocked.find(jql) == [f"IT-{n}" for n in keys.split()]


def test_history(stocked: Any) -> None:
    stocked.universe.apply("jira", "transition", {"key": "IT-1", "to": "In Progress"})
    stocked.universe.clock.advance(86400)
    stocked.universe.apply("jira", "transition", {"key": "IT-1", "to": "Done"})
    assert stocked.find('status was "In Progress"') == ["IT-3", "IT-1"]
    assert stocked.find('status was "In Progress" AND status = Done') == ["IT-1"]
    assert stocked.find('status was not "In Progress"') == ["IT-4", "IT-2"]
    assert stocked.find("status changed to Done") == ["IT-1"]
    assert stocked.find("status changed to Done before -2h") == []
    assert stocked.find('status changed from "To Do" to "In Progress" by currentUser()') == ["IT-1"]
    assert stocked.find("status was in (Done) after -1h") == ["IT-4", "IT-1"]
    assert stocked.find("NOT status changed") == ["IT-4", "IT-3", "IT-2"]


# -- against a naive evaluator


@dataclass(frozen=True)
class Leaf:
    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    kind: str
    parts: tuple[Any, ...]


_LABELS = ("red", "green", "blue")
_STATUSES = ("To Do", "In Progress", "Done")
_TYPES = ("Task", "Bug", "Story")
_RANKS = ("Lowest", "Low", "Medium", "High", "Highest")


def _rows(universe: Universe) -> list[dict[str, Any]]:
    """Sixteen issues whose fields run through different cycles."""
    rows = []
    people = [universe.pick("eng-platform", n)["email"] for n in (1, 2)]
    for n in range(16):
        row = {
            "summary": f"Thing {'alpha' if n % 2 else 'beta'} {n}",
            "labels": [label for bit, label in enumerate(_LABELS) if n >> bit & 1],
            "status": _STATUSES[n % 3],
            "type": _TYPES[(n // 2) % 3],
            "priority": _RANKS[n % 5],
            "assignee": [None, *people][n % 3],
        }
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def shelf(request: pytest.FixtureRequest) -> tuple[Universe, dict[str, dict[str, Any]], list[str]]:
    folder = request.config.rootpath / "twins"
    universe = Universe(load_packs(folder, ["jira"]), {"jira": "acme-12"}, debug=True)
    known = {}
    for row in _rows(universe):
        made = universe.apply("jira", "add_issues", {"project": "IT", "as": "i", **row})
        known[made["i"]["key"]] = row
    people = sorted({row["assignee"] for row in known.values() if row["assignee"]})
    return universe, known, people


def _leaves() -> st.SearchStrategy[Leaf]:
    def of(field: str, values: tuple[str, ...], ordered: bool = False) -> st.SearchStrategy[Leaf]:
        operators = ["=", "!=", "in", "not in", "is", "is not"]
        if ordered:
            operators += ["<", ">", "<=", ">="]

        def build(operator: str) -> st.SearchStrategy[Leaf]:
            if operator.startswith("is"):
                return st.just(Leaf(field, operator, ()))
            size = 3 if "in" in operator else 1
            lists = st.lists(st.sampled_from(values), min_size=1, max_size=size)
            return lists.map(lambda found: Leaf(field, operator, tuple(found)))

        return st.sampled_from(operators).flatmap(build)

    text = st.tuples(st.sampled_from(["~", "!~"]), st.sampled_from(["alpha", "beta", "thing", "z"]))
    return st.one_of(
        of("labels", _LABELS),
        of("status", _STATUSES),
        of("type", _TYPES),
        of("priority", _RANKS, ordered=True),
        of("assignee", ("person-0", "person-1")),
        text.map(lambda pair: Leaf("summary", pair[0], (pair[1],))),
    )


_TREES = st.recursive(
    _leaves(),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)).map(
            lambda pair: Tree(pair[0], tuple(pair[1]))
        ),
        inner.map(lambda part: Tree("NOT", (part,))),
    ),
    max_leaves=8,
)


def _text(tree: Any, people: list[str]) -> str:
    if isinstance(tree, Tree):
        if tree.kind == "NOT":
            return f"NOT ({_text(tree.parts[0], people)})"
        return f" {tree.kind} ".join(f"({_text(part, people)})" for part in tree.parts)
    shown = [f'"{_named(value, people)}"' for value in tree.values]
    if tree.operator.startswith("is"):
        return f"{tree.field} {tree.operator} EMPTY"
    if "in" in tree.operator:
        return f"{tree.field} {tree.operator} ({', '.join(shown)})"
    return f"{tree.field} {tree.operator} {shown[0]}"


def _named(value: str, people: list[str]) -> str:
    return people[int(value[-1])] if value.startswith("person-") else value


def _holds(tree: Any, row: dict[str, Any], people: list[str], negated: bool = False) -> bool:
    if isinstance(tree, Tree):
        if tree.kind == "NOT":
            return _holds(tree.parts[0], row, people, not negated)
        held = [_holds(part, row, people, negated) for part in tree.parts]
        return all(held) if (tree.kind == "AND") != negated else any(held)
    raw = row[tree.field]
    values = raw if isinstance(raw, list) else [] if raw is None else [raw]
    wanted = [_named(value, people) for value in tree.values]
    operator = tree.operator
    if operator in ("is", "is not"):
        return bool((not values) == ((operator == "is") != negated))
    if operator in ("<", ">", "<=", ">="):
        place, limit = _RANKS.index(values[0]), _RANKS.index(wanted[0])
        result = {"<": place < limit, ">": place > limit, "<=": place <= limit,
                  ">=": place >= limit}[operator]  # fmt: skip
        return bool(result != negated)
    if operator in ("~", "!~"):
        return bool((wanted[0] in values[0].lower()) == ((operator == "~") != negated))
    positive = (operator in ("=", "in")) != negated
    if not values:
        return False
    return bool(set(values) & set(wanted)) == positive


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tree=_TREES)
def test_it_agrees_with_a_naive_evaluator(shelf: Any, tree: Any) -> None:
    universe, known, people = shelf
    jql = _text(tree, people)
    head = {"authorization": f"Bearer {universe.env('jira', '')['JIRA_TOKEN']}"}
    body = {"jql": jql, "fields": ["key"], "maxResults": 100}
    answer = universe.handle("jira", Request.build("POST", "/rest/api/3/search/jql", head, body))
    assert answer.status == 200, (jql, answer.body)
    found = {issue["key"] for issue in answer.data()["issues"]}
    assert found == {key for key, row in known.items() if _holds(tree, row, people)}, jql


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    jql=st.lists(
        st.sampled_from(
            ["project", "=", "IT", "AND", "OR", "NOT", "(", ")", ",", "in", "is", "EMPTY", "~",
             '"x"', "'", "status", "was", "changed", "before", "-1d", "now()", "ORDER BY", "DESC",
             "cf[1]", "summary", "\\", "!", "<", "&&", "|", "currentUser(", "\n"]
        ),
        max_size=12,
    ).map(" ".join)
    | st.text(max_size=30)
)  # fmt: skip
def test_any_text_is_a_query_or_an_error(shelf: Any, jql: str) -> None:
    universe = shelf[0]
    head = {"authorization": f"Bearer {universe.env('jira', '')['JIRA_TOKEN']}"}
    body = {"jql": jql}
    answer = universe.handle("jira", Request.build("POST", "/rest/api/3/search/jql", head, body))
    assert universe.crashes == [], universe.crashes[0]
    assert answer.status in (200, 400)
    if answer.status == 400:
        assert all(answer.data()["errorMessages"])
