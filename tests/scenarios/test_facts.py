"""Facts: their language, what is wrong with one, and what they find in what was observed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.scenarios import Evidence, FactSyntaxError, check, parse_fact

EVIDENCE = Evidence(
    views={
        "okta": {
            "users": [
                {"email": "ana@a.example", "status": "ACTIVE", "groups": ["eng"]},
                {"email": "bo@a.example", "status": "SUSPENDED", "groups": ["eng", "it"]},
                {"email": "cy@a.example", "status": "SUSPENDED", "groups": []},
            ],
            "groups": [
                {"name": "eng", "members": ["ana@a.example", "bo@a.example"]},
                {"name": "it", "members": ["bo@a.example"]},
                {"name": "none", "members": []},
            ],
        },
        "slack": {
            "channels": [
                {"name": "eng", "private": False, "members": ["Bo@A.example", "ana@a.example"]},
                {"name": "it", "private": True, "members": ["cy@a.example"]},
            ]
        },
        "jira": {
            "issues": [
                {"key": "IT-1", "status": "To Do", "labels": ["x"], "text": "For ana@a.example."}
            ]
        },
    },
    calls=[
        {"twin": "okta", "method": "GET", "path": "/api/v1/groups?q=e", "step": 1, "status": 200},
        {"twin": "slack", "method": "POST", "path": "/api/invite", "step": 1, "status": 429,
         "operation": "conversations.invite", "request_body": "user=U1"},
        {"twin": "slack", "method": "POST", "path": "/api/invite", "step": 2, "status": 200,
         "operation": "conversations.invite", "request_body": "user=U2"},
    ],
    cmds=[
        {"exit": 0, "output": "added ana\n2 people", "stdout": "added ana\n2 people",
         "seconds": 1.5},
        {"exit": None, "killed": "wall", "output": "", "stdout": ""},
    ],
    files={"report.txt": "total: 12\n"},
    entities={"ana": {"email": "ana@a.example", "n": 2}, "odd": {"email": "a|b"}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "ok"),
    [
        ("slack.channels[name=eng].members contains {{ana.email}}", True),
        ("slack.channels[name=it].members contains {{ana.email}}", False),
        ("slack.channels[name=it].members excludes {{ana.email}}", True),
        ("slack.channels[name=eng].members == okta.groups[name=eng].members", True),
        ("slack.channels[name=it].members == okta.groups[name=it].members", False),
        ("slack.channels[name=it].members != okta.groups[name=it].members", True),
        ("slack.channels[name=eng].members contains okta.groups[name=it].members", True),
        ("slack.channels[name=it].members excludes okta.groups[name=it].members", True),
        ("slack.channels[name=eng].members == [ana@a.example, bo@a.example]", True),
        ("okta.groups[name=none].members == []", True),
        ("slack.channels[name=it].members.count == okta.groups[name=eng].members.count - 1", True),
        ("slack.channels[name=it].members.count + 1 == 2", True),
        ("okta.users[status=SUSPENDED].email contains cy@a.example", True),
        ("okta.users[status=SUSPENDED].groups == [eng, it]", True),
        ("okta.users[status!=SUSPENDED].count == 1", True),
        ("okta.users[status=SUSPENDED, groups=it].email == bo@a.example", True),
        ("okta.users[status=SUSPENDED|ACTIVE].count == 3", True),
        ("okta.users.count >= 3", True),
        ("okta.users[last].email == cy@a.example", True),
        ("okta.users[2].status == SUSPENDED", True),
        ("slack.channels[name=it].private == true", True),
        ("slack.channels[private=true].name == it", True),
        ("jira.issues[text~={{ana.email}}].count == 1", True),
        ("jira.issues[text~=nobody].count == 0", True),
        ("jira.issues[key=IT-1].status == To Do", True),
        ('jira.issues[key="IT-1"].labels contains "x"', True),
        ("jira.issues[text~={{odd.email}}].count == 0", True),
        ("calls.count == 3", True),
        ("calls.slack.count == {{ana.n}}", True),
        ("calls.slack[step=2].count == 1", True),
        ("calls.slack[status>=400].count <= 1", True),
        ("calls[path=/api/v1/groups].count == 1", True),
        ("calls[path=/api/*, method=POST].count == 2", True),
        ("calls.slack[operation=conversations.kick|conversations.invite].count == 2", True),
        ("calls.slack[body~=U2].step == 2", True),
        ("cmd[1].exit == 0", True),
        ("cmd[last].exit == 0", False),
        ("cmd[last].killed == wall", True),
        ("cmd[1].seconds >= 1.5", True),
        ("cmd.count == 2", True),
        ("cmd[1].output contains ADDED ANA", True),
        ("cmd[1].output excludes Traceback", True),
        ("cmd[1].stdout matches ^\\d+ people$", True),
        ("cmd[1].stdout matches {{ana.email}}|added \\w+", True),
        ("cmd[1].stdout contains 2 people", True),
        ("files[report.txt] contains total: 12", True),
        ("files[none.txt] contains total", False),
        ("files.count == 1", True),
        ("cmd[3].exit == 0", False),
        ("slack.channels[name=gone].members excludes {{ana.email}}", False),
        ("slack.channels[name=gone].count == 0", True),
    ],
)  # fmt: skip
def test_facts_against_evidence(fact, ok):
    result = check(parse_fact(fact), EVIDENCE)
    assert result.ok is ok, result
    assert result.error == ""


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        ("github.repos.count == 1", "no twin `github`"),
        ("okta.users.email == ana@a.example", "3 values on one side"),
        ("okta.users[1].email > 3", "two numbers"),
        ("okta.users[1].email - 1 == 3", "two numbers"),
        ("okta.users[1] == 3", "list of rows"),
        ("okta.users[1].groups.x == 3", "no `x` here"),
        ("cmd[last].exit > 3", "two numbers"),
        ("okta.users[email={{nobody.email}}].count == 1", "nothing is called `nobody`"),
        ("okta.users[email={{ana.phone}}].count == 1", "no field `phone`"),
        ("okta.users[email={{ana}}].count == 1", "needs a field"),
        ("okta.roles.count == 1", "no `roles`"),
    ],
)
def test_what_makes_no_sense_is_false_and_says_so(fact, said):
    result = check(parse_fact(fact), EVIDENCE)
    assert not result.ok
    assert said in result.error


def test_the_result_shows_what_was_expected_and_what_was_there():
    result = check(
        parse_fact("slack.channels[name=it].members == okta.groups[name=it].members"), EVIDENCE
    )
    assert result.expected == "== [bo@a.example]"
    assert result.actual == "1 of 1: missing [bo@a.example]; too many [cy@a.example]"
    missing = check(parse_fact("slack.channels[name=gone].members == []"), EVIDENCE)
    assert missing.actual == "nothing matches `slack.channels[name=gone]`"


@pytest.mark.parametrize(
    ("fact", "steps"),
    [
        ("calls.slack.count == 0", [1, 2]),
        ("calls.slack[step=2].count == 0", [2]),
        ("cmd[last].exit == 0", [2]),
        ("okta.users.count == 3", []),
    ],
)
def test_the_result_names_the_steps_it_rests_on(fact, steps):
    assert check(parse_fact(fact), EVIDENCE).steps == steps


def test_a_command_may_carry_its_scenario_step():
    evidence = Evidence(cmds=[{"exit": 1, "step": 4}])
    assert check(parse_fact("cmd[1].exit == 0"), evidence).steps == [4]


@pytest.mark.parametrize(
    ("fact", "column"),
    [
        ("", 1),
        ("cmd", 3),
        ("cmd[1].exit ==", 14),
        ("cmd[1", 5),
        ("cmd[1].exit = 0", 13),
        ("cmd..exit == 0", 5),
        ("5 == cmd[1].exit", 1),
        ("cmd[1].exit == 3 apples", 18),
        ("okta.users[status=A, oops].count == 1", 22),
        ("cmd[1].output matches [", 23),
    ],
)
def test_unreadable_facts_say_where(fact, column):
    with pytest.raises(FactSyntaxError) as raised:
        parse_fact(fact)
    assert raised.value.column == column
    assert raised.value.hint


def test_dates_and_words_need_no_quotes():
    evidence = Evidence(views={"jira": {"issues": [{"text": "2026-03-02"}, {"text": "3 - 2"}]}})
    assert check(parse_fact("jira.issues[1].text == 2026-03-02"), evidence).ok
    assert check(parse_fact('jira.issues[2].text == "3 - 2"'), evidence).ok


PIECES = """okta slack cmd calls files .users .members .count [ ] [name=x] [last] [1] == != contains
matches excludes >= 0 1.5 + - , = ~= | " {{a.b}} {{ }} text true null \\ ( ^ é"""
PIECE = st.sampled_from([*PIECES.split(), "\x00"])


@given(st.lists(PIECE, max_size=12), st.sampled_from(["", " "]))
def test_any_input_parses_or_says_why(pieces, glue):
    text = glue.join(pieces)
    try:
        fact = parse_fact(text)
    except FactSyntaxError as error:
        assert error.column >= 1
        return
    result = check(fact, EVIDENCE)
    assert isinstance(result.ok, bool)
    assert check(parse_fact(fact.text), EVIDENCE) == result


@given(st.text(max_size=60))
def test_arbitrary_text_never_crashes(text):
    try:
        check(parse_fact(text), EVIDENCE)
    except FactSyntaxError:
        pass
