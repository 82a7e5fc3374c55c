"""The sample factory's scenarios: usable, honest, and quiet about themselves."""

from pathlib import Path

import pytest

from factory_tui.scenarios import load_folder
from factory_tui.scenarios.idle import could_pass_idle
from factory_tui.scenarios.leaklint import find_leaks, vault_text

ROOT = Path(__file__).parents[2]
SCENARIOS, PROBLEMS = load_folder(ROOT / "scenarios")
SPEC = (ROOT / "specs" / "rollcall.md").read_text(encoding="utf-8")


def test_they_are_read_without_a_single_doubt():
    assert [str(p) for p in PROBLEMS] == []


def test_both_splits_a_user_faults_and_variation_are_there():
    splits = [s.split for s in SCENARIOS]
    assert splits.count("train") >= 6
    assert splits.count("holdout") >= 4
    assert sum(s.user is not None for s in SCENARIOS) == 1
    assert 2 <= sum(s.judged for s in SCENARIOS) <= 3
    assert sum(bool(s.faults) for s in SCENARIOS) >= 5
    assert all("ids" in s.vary and "names" in s.vary for s in SCENARIOS)
    assert all(s.trials.min >= 2 for s in SCENARIOS)


@pytest.mark.parametrize("found", SCENARIOS, ids=lambda s: s.id)
def test_doing_nothing_is_not_enough(found):
    assert could_pass_idle(found).level != "yes"


def test_every_symptom_may_be_told():
    vault = {s.id: vault_text(s.text) for s in SCENARIOS}
    leaks = [
        str(leak)
        for s in SCENARIOS
        for c in s.criteria
        if c.symptom
        for leak in find_leaks(c.symptom, vault, SPEC)
    ]
    assert leaks == []


def test_the_spec_says_nothing_of_a_scenario():
    assert [s.id for s in SCENARIOS if f"`{s.id}`" in SPEC] == []


def test_no_service_asks_to_wait_longer_than_a_second():
    waits = [f.get("headers", {}).get("retry-after", "1") for s in SCENARIOS for f in s.faults]
    assert set(waits) == {"1"}
