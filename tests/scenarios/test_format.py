"""Scenario files: what is read, and every mistake with its place and a hint."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.scenarios import ScenarioErrors, load, load_folder, parse
from tests.scenarios.make import problems_of, scenario, text_of

BROKEN = """\
---
id: broken
titel: oops
weight: -2
trials: {min: 9, max: 3}
limits: {wall: 90 seconds, tokns: 5}
weight: 3
---

# Story
x

# Step

1. rnu: `{{sut}} sync`

# Satisfied when

- must fact: slack.channels[name=x].members has bob
- it works
"""


def test_every_mistake_is_reported_with_its_place_and_a_hint():
    found, problems = parse(BROKEN, Path("broken.md"))
    assert found is None
    assert "\n".join(str(p) for p in problems if p.level == "error") == (
        "broken.md:1:1: missing required key `title`\n"
        "broken.md:3:1: unknown key `titel`\n"
        "    hint: did you mean `title`?\n"
        "broken.md:4:9: `weight` must be a positive number, got -2\n"
        "broken.md:5:9: trials.min is larger than trials.max\n"
        "broken.md:6:16: limits.wall must look like `90s` or `5m`, got '90 seconds'\n"
        "broken.md:6:28: unknown key `tokns` in `limits`\n"
        "    hint: did you mean `user_tokens`?\n"
        "broken.md:7:1: `weight` is given twice (first on line 4)\n"
        "broken.md:13:1: unknown section `# Step`\n"
        "    hint: did you mean `steps`?\n"
        "broken.md:19:45: cannot read this fact at `has bob`\n"
        "    hint: write `<okta|slack|jira|calls|cmd|files><path> <== != >= <= > < contains "
        "excludes matches> <value>`\n"
        "broken.md:20:1: a criterion starts with `- must:`, `- should:` or `- never:`\n"
        "    hint: add ` fact` before the colon for a hard check\n"
        "broken.md:21:1: missing section `# Steps`"
    )


def test_a_whole_scenario_is_read():
    found = scenario(
        """\
weight: 2.5
split: holdout
trials: {min: 3, max: 10}
limits: {wall: 1.5m, judge_tokens: 8k, cost: 0.20}
setup:
  clock: 2026-03-02T09:00:00Z
  twins: {okta: {seed: acme-300}, slack: acme-12}
  okta:
    add_users: [{as: new, first: Ana, last: Reyes, groups: [eng]}]
  slack:
    - set_channel: {name: a, members: ["{{new.email}}"]}
    - add_to_channel: {channel: a, users: ["any:eng:1"]}
  files:
    map.json: |
      {"a": 1}
faults:
  - {twin: slack, match: conversations.invite, nth: from 2, reply: 429, headers: {retry-after: "2"}}
vary: [ids, pages]
user: {knows: nothing, stops_when: it works, min_turns: 2}
""",
        steps="1. run: `{{sut}} sync`\n2. write: a.txt:\n   one\n     two\n3. clock: +1h\n"
        "4. okta: remove_from_group {group: eng, users: [any:eng:1]}\n5. user: Look around.",
        criteria="- must fact: slack.channels[name=a].members contains {{new.email}}\n"
        "- should: It is clear\n  to everybody.\n  symptom: It is\n    not clear.\n"
        "- never: A token is printed.",
    )
    assert (found.weight, found.split, found.trials.min, found.trials.max) == (
        2.5, "holdout", 3, 10,
    )  # fmt: skip
    assert (found.limits.wall, found.limits.judge_tokens, found.limits.cost) == (90.0, 8000, 0.2)
    assert found.setup.clock == "2026-03-02T09:00:00Z"
    assert found.setup.seeds == {"okta": "acme-300", "slack": "acme-12"}
    assert [o[:2] for o in found.setup.operations] == [
        ("okta", "add_users"), ("slack", "set_channel"), ("slack", "add_to_channel"),
    ]  # fmt: skip
    assert found.setup.files == {"map.json": '{"a": 1}\n'}
    assert found.faults[0]["headers"] == {"retry-after": "2"}
    assert found.vary == {"ids", "pages"}
    assert [s.verb for s in found.steps] == ["run", "write", "clock", "okta", "user"]
    assert found.steps[0].text == "{{sut}} sync"
    assert found.steps[1].text == "a.txt:\none\n  two"
    assert [(c.level, c.kind) for c in found.criteria] == [
        ("must", "fact"), ("should", "judge"), ("never", "judge"),
    ]  # fmt: skip
    assert found.criteria[1].text == "It is clear to everybody."
    assert found.criteria[1].symptom == "It is not clear."
    assert found.judged
    assert found.user is not None
    assert found.user.drives == ("shell",)
    assert found.bind({"sut": "/app/x", "new": {"email": "a@b.c"}})("{{sut}} {{ new.email }}") == (
        "/app/x a@b.c"
    )


def test_yaml_is_read_by_the_rules_of_1_2():
    found = scenario("title: no\npersona: 12:30\nnotes: 0o17 and 1_000\ntags: [on, off, 1.5]")
    assert (found.title, found.persona, found.tags) == ("no", "12:30", ("on", "off", "1.5"))


@pytest.mark.parametrize(
    ("front", "place", "said"),
    [
        ("weight: yes", "x.md:6:9", "must be a positive number, got 'yes'"),
        ("weight: .nan", "x.md:6:9", "positive number"),
        ("split: trian", "x.md:6:8", "unknown split `trian`"),
        ("trials: 3", "x.md:6:9", "`trials` must be `key: value` lines"),
        ("trials: {min: 0}", "x.md:6:15", "positive whole number, got 0"),
        ("trials: {fixed: 2, min: 1}", "x.md:6:9", "excludes"),
        ("limits: {judge_tokens: eight}", "x.md:6:24", "whole number such as"),
        ("vary: [ids, color]", "x.md:6:13", "unknown `color` in `vary`"),
        ("vary: ids", "x.md:6:7", "must be a list"),
        ("id: Not Good", "x.md:5:5", "lower-case words"),
        ("setup: {clock: today}", "x.md:6:16", "2026-03-02T09:00:00Z"),
        ("setup: {twins: {okt: a}}", "x.md:6:17", "unknown key `okt` in `twins`"),
        ("setup: {okta: {add_user: []}}", "x.md:6:26", "no operation `add_user`"),
        ("setup: {okta: {add_users: {}}}", "x.md:6:27", "takes a list"),
        ("setup: {okta: {add_users: [{first: A}]}}", "x.md:6:28", "needs `last`"),
        ("setup: {okta: {set_group: {name: a, memebrs: []}}}", "x.md:6:37", "key `memebrs`"),
        ("setup: {slack: {remove_users: [1]}}", "x.md:6:31", "takes a list of people"),
        ('setup: {slack: {remove_users: ["{{gost.email}}"]}}', "x.md:6:1", "nothing is called"),
        ("setup: {files: {../x: a}}", "x.md:6:23", "outside the working folder"),
        ("setup: {files: {x: [a]}}", "x.md:6:20", "must be text"),
        ("faults: [{twin: slack, reply: 500}]", "x.md:6:10", "needs `match`"),
        ("faults: [{twin: slak, match: a, drop: before}]", "x.md:6:17", "no twin is called `slak`"),
        ("faults: [{twin: jira, match: a}]", "x.md:6:10", "does nothing"),
        ("faults: [{twin: slack, event: message}]", "x.md:6:10", "does nothing"),
        ("faults: [{twin: slack, event: a, reply: 500}]", "x.md:6:34", "unknown key `reply`"),
        ("faults: [{twin: slack, event: a, drop: before}]", "x.md:6:40", "`true` for an event"),
        ("faults: [{twin: slack, event: a, missign: 1}]", "x.md:6:43", "`true` or `false`"),
        ("faults: [{twin: slack, event: a, duplicate: 0}]", "x.md:6:45", "positive whole number"),
        ("faults: [{twin: okta, match: a, stale: no}]", "x.md:6:40", "positive number"),
        ("setup: {strict: 1}", "x.md:6:17", "`true` or `false`"),
        ("faults: [{twin: jira, match: a, drop: after}]", "x.md:6:39", "or `after-commit`"),
        ("faults: [{twin: jira, match: a, reply: 500, nth: 0}]", "x.md:6:50", "`nth` is a number"),
        ("faults: [{twin: jira, match: a, reply: 42}]", "x.md:6:40", "HTTP status"),
        ("faults: [{twin: jira, match: a, drop: before, html: true}]", "x.md:6:53", "`reply`"),
        ("user: {knows: a}", "x.md:6:7", "needs `stops_when`"),
        ("user: {drives: [mouse], stops_when: x}", "x.md:6:17", "unknown `mouse`"),
        ("tags: [a", "x.md:", "expected"),
        ("tags: &x [a]\nnotes: *x", "x.md:", "aliases"),
        ("notes: !!python/object:os.system x\n? [a]\n: b", "x.md:", "plain word"),
    ],
)  # fmt: skip
def test_front_matter_mistakes(front, place, said):
    found = problems_of(text_of(front))
    assert any(p.startswith(place) and said in p for p in found), found


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"steps": "1. rnu: x"}, "x.md:14:4: unknown step verb `rnu`\n    hint: did you"),
        ({"steps": "run it"}, "x.md:14:1: a step is `1. verb: text`"),
        ({"steps": "1. wait: a while"}, "takes a duration"),
        ({"steps": "1. write: a.txt"}, "`write` is `path: content`"),
        ({"steps": "1. okta: fire_users [a]"}, "no operation `fire_users`"),
        ({"steps": "1. okta: remove_from_group {group: a"}, "x.md:14:"),
        ({"steps": "1. stop:"}, "no service runs here"),
        ({"steps": "1. start: a\n2. start: b"}, "x.md:15:4: a service runs already"),
        ({"steps": "1. user: hello"}, "needs a `user:` block"),
        ({"steps": "1. run: {{sut}} {{x.y}}"}, "x.md:14:17: nothing is called `x`"),
        ({"story": ""}, "the story is empty"),
        ({"criteria": ""}, "there are no criteria"),
        ({"criteria": "- must fact: okta.people.count == 1"}, "`okta` has no `people`"),
        ({"criteria": "- must fact: okta.users[nam=x].count == 1"}, "has no `nam`"),
        ({"criteria": "- must fact: okta.users.mail == 1"}, "x.md:18:25: okta.users has no `mail`"),
        ({"criteria": "- must fact: cmd[1].exti == 1"}, "did you mean `exit`?"),
        ({"criteria": "- must fact: calls.slak.count == 1"}, "no twin is called `slak`"),
        ({"criteria": "- must fact: calls[step=4].count == 1"}, "there is no step 4"),
        ({"criteria": "- must fact: slack.channels == 1"}, "list of rows"),
        ({"criteria": "- must fact: cmd[1].output matches ("}, "does not compile"),
        ({"criteria": "- never: It breaks."}, "warning: nothing here can fail"),
        ({"criteria": "- must: It works."}, "warning: when this fails, the builder is told"),
        ({"criteria": "- must: {{who.email}} is happy."}, "nothing is called `who`"),
    ],
)  # fmt: skip
def test_body_mistakes(sections, said):
    found = problems_of(text_of(**sections))
    assert any(said in p for p in found), found


@pytest.mark.parametrize("text", ["", "# Story", "---\n", "---\n---\n", "---\n- a\n---\n"])
def test_what_is_no_scenario_at_all(text):
    assert any("x.md:" in p for p in problems_of(text))


def test_headings_inside_a_fenced_story_are_story():
    found = scenario(story="She saw:\n```\n# Steps\n```\nand left.")
    assert "# Steps" in found.story
    assert len(found.steps) == 1


def test_load_raises_with_everything_that_is_wrong(tmp_path):
    path = tmp_path / "broken.md"
    path.write_text(BROKEN)
    with pytest.raises(ScenarioErrors) as raised:
        load(path)
    assert len(raised.value.problems) >= 11
    with pytest.raises(ScenarioErrors, match="cannot be read"):
        load(tmp_path / "none.md")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioErrors, match="not UTF-8"):
        load(path)


def test_a_folder_gives_the_usable_scenarios_and_all_problems(tmp_path):
    (tmp_path / "README.md").write_text("no scenario")
    (tmp_path / "a.md").write_text(text_of("id: one"))
    (tmp_path / "b.md").write_text(text_of("id: two"))
    (tmp_path / "c.md").write_text(text_of("id: two"))
    (tmp_path / "d.md").write_text(BROKEN)
    found, problems = load_folder(tmp_path)
    assert [s.id for s in found] == ["one"]
    assert sum("`two` is given to 2 scenarios" in p.message for p in problems) == 2
    assert any(p.path.name == "d.md" for p in problems)
    assert load_folder(tmp_path / "none")[1][0].message == "there are no scenarios here"


def test_the_hash_is_of_the_text():
    assert scenario().hash == scenario().hash
    assert scenario().hash != scenario("title: Other").hash


LINES = """\
---
id: a
title: x
setup:
  okta: {a: [
- b
  c: {
# Story
# Steps
# Satisfied when
1. run: x
1. slack: a b
- must fact: okta
- must: {{
   }}
user:
faults: [{}]
faults: [1]
trials: {min: x}
limits: []
vary: {}
```
setup: {clock: [], twins: [], files: [], okta: 1}
- never fact: cmd[1].exit > x
\t"""
LINE = st.sampled_from(LINES.split("\n")) | st.text(max_size=20)


@given(st.lists(LINE, max_size=15).map("\n".join))
def test_no_text_makes_the_reader_crash(text):
    for body in (text, f"---\nid: a\ntitle: b\n{text}\n---\n{text}"):
        found, problems = parse(body, Path("x.md"))
        assert found is not None or problems
        assert all(p.line >= 1 and p.column >= 1 for p in problems)
