"""The seal of the vault, and scenarios that a program which does nothing could pass."""

from dataclasses import replace

import pytest

from factory_tui.scenarios.idle import could_pass_idle
from factory_tui.scenarios.vault import leaves, seal
from tests.scenarios.make import scenario


def test_the_seal_changes_with_any_text_and_not_with_the_order():
    some = [scenario(f"id: s{i}") for i in range(5)]
    root = seal(some)
    assert root == seal(list(reversed(some)))
    assert len(leaves(some)) == 6
    assert root != seal(some[:-1])
    assert root != seal([*some[:-1], scenario("id: s4\ntitle: Edited")])
    assert root != seal([*some[:-1], replace(some[-1], id="s9")])
    assert root != seal(some, judge="another prompt")
    assert seal([]) == seal([])


@pytest.mark.parametrize(
    ("criteria", "level", "proof"),
    [
        ("- must fact: cmd[1].exit == 0", "yes", ()),
        ("- must fact: cmd[1].exit == 3", "no", (1,)),
        ("- must fact: cmd[1].exit != 0", "no", (1,)),
        ("- must fact: calls.count == 0\n- never fact: calls.count > 3", "yes", ()),
        ("- must fact: calls.count == 0\n- must fact: calls.okta.count > 0", "no", (2,)),
        ("- must fact: cmd[1].stdout contains added", "no", (1,)),
        ("- must fact: cmd[1].stdout excludes Traceback", "yes", ()),
        ("- must fact: okta.users.count == 3", "unclear", ()),
        ("- should: It is clear.", "unclear", ()),
        ("- never: It breaks.", "yes", ()),
    ],
)
def test_which_scenarios_could_pass_by_doing_nothing(criteria, level, proof):
    found = could_pass_idle(scenario(criteria=criteria))
    assert (found.level, found.proof) == (level, proof)
